#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The life of the package netnsd, for ../package.sh: installed, upgraded while a TCP stream runs between two
# containers, removed and purged. The oracle is dpkg, systemd, the kernel and the payloads' logs.
. "$(dirname "$0")/lib.sh" || exit 1

export NETNSCTL=/usr/bin/netnsctl # not there yet
first=(/srv/netnsd_*[0-9]_*.deb)
next=(/srv/netnsd_*+next_*.deb)
copy=/var/lib/netnsd/containers/copied

installed() { # VERSION and state, as dpkg has it
  dpkg-query -W -f '${Version} ${db:Status-Abbrev}' netnsd 2>/dev/null
}

# Everything that a package can leave; not what dpkg and systemd write down for themselves.
files() {
  find /etc /usr /var /run /srv -xdev \( -path /var/log/journal -o -path /var/cache -o -path /run/systemd -o -path /run/udev \
    -o -path /run/log -o -path /run/sandbox -o -path /run/netns -o -path '/var/lib/dpkg/*-old' -o -path '/var/log/*.log' \
    -o -path '/var/tmp/systemd-*' \) -prune -o ! -path /run/varlink ! -path /run/varlink/registry -print | sort
}

assert_same_files() {
  # Without the administrator's.
  mv /etc/netnsd /run/sandbox/netnsd
  rmdir /etc/netns
  assert_eq "$(diff /run/sandbox/files <(files))" "" "what is missing, and what is left"
}

processes_of_netnsd() {
  pgrep -a -f '^(/usr/sbin/netnsd|[^ ]*systemd-nspawn .*--machine=)'
}

assert_took_over() { # OLD-DAEMON: containers and namespaces are those of before
  assert_ne "$(daemon_pid)" "$1" "the daemon"
  assert_eq "$(readlink "/proc/$(daemon_pid)/exe")" /usr/sbin/netnsd
  # A look at /proc may miss one that is there; none that is another one is ever taken for it.
  assert_soon_eq "$before" state
  assert_runs sender
  assert_runs receiver
}

state() { # what must not change
  local name
  for name in sender receiver copied; do
    echo "$name $(identity_of "$name") $(property "$(scope_of "$name")" InvocationID)"
  done
  echo "near $(ns_inode near) $(ns_ifindex near eth0) far $(ns_inode far) $(ns_ifindex far eth0)"
  echo "shutdown $(property netnsd-shutdown.service InvocationID)"
}

declare_all() {
  conf host <<<$'[Namespace]\nHost=yes\n[Bridge netnsd0]'
  conf far <<<'[Namespace]'
  conf near <<'FILE'
[Namespace]
DNS=10.9.0.2
[Veth eth0]
PeerNamespace=far
PeerName=eth0
PeerAddress=10.9.0.2/24
Address=10.9.0.1/24
FILE
  payload_conf receiver "log /shared/log receive 5000 sleep" Container.Namespace=far
  payload_conf sender "log /shared/log send 10.9.0.2 5000 /shared/enough sleep" Container.Namespace=near
  machine_root copied
  payload_conf copied "log /shared/log sleep" Container.Namespace=far Container.Directory= "Container.Template=$MACHINES/copied"
}

start_all() {
  assert_ok ctl start receiver sender copied
  await_log receiver flows
  await_log copied "begin 1"
  until before=$(state) && ! grep -q '  ' <<<"$before"; do :; done # see above
}

end_stream() { # a payload that sends or receives has no time for signals
  log_of sender | grep -q '^sent' && fail "the stream had ended before"
  : >"$SHARED/sender/enough"
  wait_for 60 grep -q '^sent' "$SHARED/sender/log" || fail "the sender does not end"
  await_log receiver "received $(log_of sender | sed -n 's/^sent //p') in order"
}

rmdir /etc/netnsd
files >/run/sandbox/files
ip netns add foreign
mkdir /etc/netns

step "installed: it runs, and will at the next boot"
assert_ok dpkg -i "${first[@]}"
assert_contains "$(installed)" "ii"
assert_eq "$(systemctl is-enabled netnsd.service)" enabled
assert_eq "$(property netnsd.service SubState)" running
assert_contains "$(ctl version)" "$(dpkg-query -W -f '${Version}' netnsd)"
assert_eq "$(dpkg-query -W -f '${Conffiles}\n' netnsd | awk '{ print $1 }' | xargs)" \
  "/etc/iproute2/rt_protos.d/netnsd.conf /etc/netnsd/netnsd.conf"

step "upgraded under load: the stream loses nothing, and all that runs is what ran before"
declare_all
assert_ok ctl apply
start_all
[ -s /etc/netns/near/resolv.conf ] || fail "near has no resolv.conf"
[ -d $copy ] || fail "there is no copy in $copy"
old=$(daemon_pid)
assert_ok dpkg -i "${next[@]}"
assert_contains "$(installed)" "+next ii"
assert_took_over "$old"
end_stream
log_of sender | grep '^sent'
assert_plan_empty

step "removed: containers are stopped, namespaces go; what is not netnsd's stays"
assert_ok systemctl start netns@far.service netns-container@copied.service
assert_ok dpkg -r netnsd
assert_contains "$(installed)" "rc"
for name in sender receiver copied; do
  log_has "$name" "signal SIGTERM" || fail "$name was not told to stop: $(log_of "$name")"
  assert_gone "$name"
done
assert_eq "$(ls /run/netns)" foreign
assert_eq "$(processes_of_netnsd)" ""
assert_soon no_unit netnsd.service
assert_soon no_unit netns@far.service
assert_soon no_unit netns-container@copied.service
assert_eq "$(find /etc/netns -mindepth 1)" ""
# Somebody may need them to reach the machine.
ip link show netnsd0 >/dev/null || fail "a link on the host went with the package"
for file in /etc/netnsd/near.netns /etc/netnsd/netnsd.conf $copy; do
  [ -e "$file" ] || fail "a removal is no purge, but $file has gone"
done

step "purged: what is not the administrator's goes"
echo "# changed" >>/etc/netnsd/netnsd.conf
mkdir -p /var/log/netnsd
assert_ok dpkg -P netnsd
assert_eq "$(names_in /etc/netnsd)" "copied.container far.netns host.netns near.netns receiver.container sender.container"
ip link del netnsd0
assert_same_files

step "removed while the daemon is stopped: what runs stays, and its files, until netnsd is there again"
mv /run/sandbox/netnsd /etc/netnsd
rm -f "$SHARED"/*/{log,enough}
assert_ok dpkg -i "${first[@]}"
start_all
assert_ok systemctl stop 'netnsd.s[eo]*' # the service, and a socket
out=$(dpkg -P netnsd 2>&1) || fail "dpkg -P: $out"
assert_contains "$out" "netnsd.service does not run"
assert_contains "$out" "containers run on"
assert_eq "$(identity_of copied) $(cat "/proc/$(leader_of copied)/root/etc/os-release")" \
  "$(sed -n 's/^copied \([0-9]* [0-9]*\) .*/\1/p' <<<"$before") ID=test"
assert_ok dpkg -i "${next[@]}"
before=${before%$'\n'*}$'\n'"shutdown $(property netnsd-shutdown.service InvocationID)" # went with the package
assert_took_over 0
end_stream
assert_ok dpkg -P netnsd
assert_eq "$(machines) $(processes_of_netnsd)" " "
assert_eq "$(ls /run/netns)" foreign
assert_same_files
ip link del netnsd0
ip netns del foreign
echo "passed"
