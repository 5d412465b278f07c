#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# netnsctl exec, identify and pids: without the daemon, for anybody's names, and exec runs nothing when
# a file of /etc/netns/NAME cannot be put in place.
# shellcheck disable=SC2016 # what stands in single quotes is expanded inside
. "$(dirname "$0")/lib.sh" || exit 1
sandbox "$@"

export NETNSD_SOCKET=/run/nobody/listens
foreign one two 'odd name'
for name in one two 'odd name'; do
  ip netns add "$name" || fail "ip netns add $name"
done
HOST_INODE=$(stat -L -c %i /proc/self/ns/net)

step "the command runs in the namespace, and its status is netnsctl's"
assert_eq "$(ctl exec one stat -L -c %i /proc/self/ns/net)" "$(ns_inode one)"
assert_eq "$(ctl exec 'odd name' stat -L -c %i /proc/self/ns/net)" "$(ns_inode 'odd name')"
assert_status 0 ctl exec one true
assert_status 1 ctl exec one false
assert_status 42 ctl exec one sh -c 'exit 42'
assert_status 143 ctl exec one sh -c 'kill -TERM $$'
assert_eq "$(echo text | ctl exec one cat)" text

step "options of the command are the command's"
assert_eq "$(ctl exec one echo --help --user=x -j --json=bad)" "--help --user=x -j --json=bad"
assert_eq "$(ctl exec one -- echo -- -a)" "-- -a"
assert_eq "$(ctl exec -- one echo -n x)" x

step "what env(1) does: 125, 126, 127"
assert_status 127 ctl exec one /no/such/command
assert_contains "$OUTPUT" "cannot run '/no/such/command': No such file or directory"
assert_status 126 ctl exec one /etc
assert_contains "$OUTPUT" "Permission denied"
assert_status 125 ctl exec no true
assert_contains "$OUTPUT" "cannot enter 'no': there is no such name in /run/netns"
for name in "" . .. ../net a/b; do
  assert_status 125 ctl exec "$name" true
  assert_contains "$OUTPUT" "cannot enter '$name'"
done
touch /run/netns/leftover
foreign leftover dir
mkdir /run/netns/dir
assert_status 125 ctl exec leftover true
assert_contains "$OUTPUT" "leftover"
assert_status 125 ctl exec dir true
assert_status 125 ctl exec one
assert_status 125 ctl exec
assert_status 125 ctl exec --user=nobody-of-that-name one true
assert_contains "$OUTPUT" "there is no such user"
assert_status 125 setpriv --reuid=65534 --clear-groups "$NETNSCTL" exec one true
assert_contains "$OUTPUT" "needs root"

step "its own mount namespace: /sys shows the links, the host's stays, what the host mounts later is seen"
inns one ip link add vethprobe type veth peer name vethpeer
assert_contains "$(ctl exec one ls /sys/class/net)" vethprobe
assert_lacks "$(ls /sys/class/net)" vethprobe
HOST_MOUNTS=$(cat /proc/self/mountinfo)
ctl exec one mount -t tmpfs none /mnt || fail "mount in the namespace"
assert_eq "$(cat /proc/self/mountinfo)" "$HOST_MOUNTS" "mounts of the host"
mount -t cgroup2 cgroup2 /sys/fs/cgroup || fail "no cgroup2"
assert_eq "$(ctl exec one stat -f -c %T /sys/fs/cgroup)" cgroup2fs
assert_eq "$(ctl exec one stat -f -c %T /sys)" sysfs
mount -o remount,ro,bind /sys
assert_contains "$(ctl exec one findmnt -n -o OPTIONS /sys | tail -n 1)" "ro"
mount -o remount,rw,bind /sys
umount /sys/fs/cgroup

step "--user has the user's ids, groups and home, and no capabilities"
useradd -u 54321 -U -m -d /home-of-probe probe 2>/dev/null ||
  { echo 'probe:x:54321:54321::/home-of-probe:/bin/sh' >>/etc/passwd; echo 'probe:x:54321:' >>/etc/group; }
echo 'probegroup:x:54322:probe' >>/etc/group
assert_eq "$(ctl exec --user=probe one id -u)" 54321
assert_eq "$(ctl exec --user=54321 one id -u)" 54321
assert_eq "$(ctl exec one --user=probe id -G)" "54321 54322"
assert_eq "$(ctl exec --user=probe one sh -c 'echo $HOME $USER $LOGNAME')" "/home-of-probe probe probe"
assert_eq "$(ctl exec --user=probe one awk '$1 == "CapEff:" { print $2 }' /proc/self/status)" 0000000000000000
assert_eq "$(ctl exec --user=probe one stat -L -c %i /proc/self/ns/net)" "$(ns_inode one)"

step "files of /etc/netns/NAME lie over those of /etc, for the command only"
mkdir -p /etc/netns/one
rm -f /etc/resolv.conf
echo "nameserver 192.0.2.1" >/etc/resolv.conf
echo "nameserver 192.0.2.2" >/etc/netns/one/resolv.conf
assert_eq "$(ctl exec one cat /etc/resolv.conf)" "nameserver 192.0.2.2"
assert_eq "$(ctl exec two cat /etc/resolv.conf)" "nameserver 192.0.2.1"
assert_eq "$(cat /etc/resolv.conf)" "nameserver 192.0.2.1"
mkdir -p /etc/netns/one/probe.d /etc/probe.d
echo inside >/etc/netns/one/probe.d/file
assert_eq "$(ctl exec one cat /etc/probe.d/file)" inside
# The target may be a link to a file that exists: the file is covered.
echo "nameserver 192.0.2.3" >/run/stub.conf
ln -sf /run/stub.conf /etc/resolv.conf
assert_eq "$(ctl exec one cat /etc/resolv.conf)" "nameserver 192.0.2.2"

step "a file that cannot be put in place: nothing runs"
refused() { # TEXT
  rm -f /run/ran
  assert_status 125 ctl exec one touch /run/ran
  assert_contains "$OUTPUT" "$1"
  [ ! -e /run/ran ] || fail "the command ran all the same"
}
rm /run/stub.conf
refused "/etc/netns/one/resolv.conf cannot be put over /etc/resolv.conf: the second is a symbolic link to '/run/stub.conf', which does not exist; create that file"
rm /etc/resolv.conf
refused "the second does not exist; create it"
mkdir /etc/resolv.conf
refused "one of them is a directory and the other is not"
rmdir /etc/resolv.conf
touch /etc/resolv.conf
assert_status 0 ctl exec one true
ln -s /no/such/file /etc/netns/one/hosts
refused "the first is a dangling symbolic link; repair or remove it"
rm /etc/netns/one/hosts
echo x >/etc/netns/one/no-such-file-in-etc
refused "no-such-file-in-etc"
rm -r /etc/netns/one
touch /etc/netns/one
refused "cannot read /etc/netns/one"
rm /etc/netns/one
assert_status 0 ctl exec one true

step "identify and pids"
nsenter --net=/run/netns/one sleep 1000 &
SLEEPER=$!
own_pid $SLEEPER
is_inside() {
  [ "$(stat -L -c %i "/proc/$SLEEPER/ns/net")" = "$(ns_inode one)" ]
}
assert_soon is_inside
assert_eq "$(ctl identify $SLEEPER)" one
assert_eq "$(ctl identify)" ""
assert_eq "$(ctl exec one "$NETNSCTL" identify)" one
assert_eq "$(ctl exec 'odd name' "$NETNSCTL" identify)" 'odd name'
touch /run/netns/again && mount --bind /run/netns/one /run/netns/again
foreign again
assert_eq "$(ctl identify $SLEEPER)" $'again\none'
assert_eq "$(ctl identify --json=short $SLEEPER)" '["again","one"]'
umount /run/netns/again && rm /run/netns/again
assert_status 1 ctl identify 4000000
assert_contains "$OUTPUT" "there is no such process"
assert_eq "$(ctl pids one)" "$SLEEPER"
assert_eq "$(ctl pids one --json=short)" "[$SLEEPER]"
assert_eq "$(ctl pids two)" ""
assert_status 1 ctl pids no
assert_status 1 ctl pids ../net
kill $SLEEPER

assert_eq "$(stat -L -c %i /proc/self/ns/net)" "$HOST_INODE"
echo passed
