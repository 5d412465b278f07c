#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Bad files end in errors with file, line, key and what was expected, all of them in one run, and
# nothing is changed: by check, by apply, and at the start, where a bad file fails its own object only.
. "$(dirname "$0")/lib.sh" || exit 1
sandbox "$@"
need_kind veth
need_kind bridge

# --- one bad file a case: what it says must have all the given parts ---------------------------
refused() { # PART... -- standard input is the file
  refused_as bad.netns "$@"
}

refused_as() { # FILE PART... -- standard input is the file
  local part file=$1
  shift
  cat >"/etc/netnsd/$file"
  assert_status 1 ctl check
  for part in "/etc/netnsd/$file" "$@"; do
    assert_contains "$OUTPUT" "$part" "netnsctl check"
  done
  assert_status 1 ctl apply
  for part in "$@"; do
    assert_contains "$OUTPUT" "$part" "netnsctl apply"
  done
  unchanged
}

unchanged() {
  assert_eq "$(fingerprint - good)" "$before" "the kernel after a refused file"
  assert_eq "$(find /run/netns -mindepth 1 -printf '%f ')" "good " "names in /run/netns"
}

conf good <<<$'[Namespace]\n[Veth eth0]\nPeerName=ns-good'
start_daemon
before=$(fingerprint - good)

step "syntax"
refused bad.netns:1 <<<'Key=without section'
refused bad.netns:2 <<<$'[Namespace]\nno equals sign'
refused bad.netns:2 <<<$'[Namespace]\n[Veth eth0'
refused bad.netns:2 <<<$'[Namespace]\n[Namespace]'
refused bad.netns:4 eth0 <<<$'[Namespace]\n[Veth eth0]\nAddress=10.0.0.1/24\n[Veth eth0]'
refused bad.netns <<<$'[Namespace]\nDescription=a\x01b'
head -c 4096 /dev/urandom | refused

step "sections and keys"
refused bad.netns:2 Nmespace Namespace <<<$'\n[Nmespace]'
refused bad.netns:2 Veth <<<$'[Namespace]\n[Veth]'
refused bad.netns:2 NoSuchKind <<<$'[Namespace]\n[NoSuchKind eth0]'
refused bad.netns:2 Descripton Description <<<$'[Namespace]\nDescripton=x'
refused bad.netns:3 Adress Address <<<$'[Namespace]\n[Veth eth0]\nAdress=10.0.0.1/24'
refused bad.netns:3 Group <<<$'[Namespace]\n[Veth eth0]\nGroup=7'
refused bad.netns:2 Ruleset <<<$'[Namespace]\nRuleset=/etc/x.nft'

step "values"
refused bad.netns:3 MTUBytes <<<$'[Namespace]\n[Veth eth0]\nMTUBytes=wide'
refused bad.netns:3 MTUBytes <<<$'[Namespace]\n[Veth eth0]\nMTUBytes=99999999999999999999'
refused bad.netns:3 Address 33 <<<$'[Namespace]\n[Veth eth0]\nAddress=10.0.0.1/33'
refused bad.netns:3 Address <<<$'[Namespace]\n[Veth eth0]\nAddress=300.0.0.1/24'
refused bad.netns:3 Gateway <<<$'[Namespace]\n[Veth eth0]\nGateway=10.0.0.0/24'
refused bad.netns:3 MACAddress <<<$'[Namespace]\n[Veth eth0]\nMACAddress=01:00:00:00:00:01'
refused bad.netns:3 MACAddress <<<$'[Namespace]\n[Veth eth0]\nMACAddress=02:00'
refused bad.netns:2 Adopt <<<$'[Namespace]\nAdopt=perhaps'
refused bad.netns:2 OnDrift <<<$'[Namespace]\nOnDrift=panic'
refused bad.netns:2 Sysctl <<<$'[Namespace]\nSysctl=kernel.hostname=x'
refused bad.netns:2 Sysctl <<<$'[Namespace]\nSysctl=net.ipv4/../../kernel/hostname=x'
refused bad.netns:2 a-name-much-too-long/with <<<$'[Namespace]\n[Veth a-name-much-too-long/with]'

step "objects that do not fit together"
refused bad.netns nobody <<<$'[Namespace]\n[Veth eth0]\nPeerNamespace=nobody'
refused bad.netns same0 <<<$'[Namespace]\n[Veth same0]\n[Bridge same0]'
refused bad.netns ns-good <<<$'[Namespace]\n[Veth eth0]\nPeerName=ns-good'
refused bad.netns <<<$'[Namespace]\n[Bridge br0]\nBridge=br1\n[Bridge br1]\nBridge=br0'
refused bad.netns <<<$'[Namespace]\n[Bridge br0]\nBridge=br0'
refused bad.netns Host <<<$'[Namespace]\nHost=yes\nAdopt=yes'

step "containers"
refused bad.netns:1 NAME.container <<<'[Container]'
rm /etc/netnsd/bad.netns
refused_container() { # PART... -- standard input is the file of a container in the namespace "good"
  refused_as good.container "$@"
  rm /etc/netnsd/good.container
}
refused_container good.container:2 Oops <<<$'[Exec]\nOops=1'
refused_container good.container:1 Veth .netns <<<'[Veth eth0]'
refused_container good.container:2 Namespace nobody <<<$'[Container]\nNamespace=nobody\n[Exec]\nBoot=yes'
refused_container good.container:3 PrivateUsers <<<$'[Exec]\nBoot=yes\nPrivateUsers=pick'
refused_container good.container:4 After nobody <<<$'[Exec]\nBoot=yes\n[Service]\nAfter=nobody'
refused_container good.container:2 Directory <<<$'[Container]\nDirectory=../x\n[Exec]\nBoot=yes'

step "files that are none"
mkdir /etc/netnsd/bad.netns
assert_status 1 ctl check
assert_contains "$OUTPUT" /etc/netnsd/bad.netns
assert_status 1 ctl apply
unchanged
rmdir /etc/netnsd/bad.netns
{ echo '[Namespace]'; yes '# a line of comment' | head -c 10M; } | refused
mkfifo /etc/netnsd/pipe.netns
rm /etc/netnsd/bad.netns
assert_status 1 timeout 20 "$NETNSCTL" check
assert_contains "$OUTPUT" /etc/netnsd/pipe.netns
rm /etc/netnsd/pipe.netns
for name in '.hidden' '-dash' 'a b' 'a,b' "$(printf 'n%.0s' {1..250})"; do
  echo '[Namespace]' >"/etc/netnsd/$name.netns" 2>/dev/null || continue
  # A hidden file is not ours to read, as for systemd; the others are errors.
  if [ "$name" != .hidden ]; then
    assert_status 1 ctl check
    assert_contains "$OUTPUT" "netns"
  fi
  ctl apply >/dev/null 2>&1
  unchanged
  rm -- "/etc/netnsd/$name.netns"
done

step "every error of all files in one run"
conf one <<<$'[Namespace]\nFoo=1\nBar=2'
conf two <<<$'[Namespace]\n[Veth eth0]\nMTUBytes=x\nAddress=y'
assert_status 1 ctl check
for part in one.netns:2 one.netns:3 two.netns:3 two.netns:4; do
  assert_contains "$OUTPUT" "/etc/netnsd/$part"
done
assert_lacks "$OUTPUT" good.netns
assert_status 1 ctl check /etc/netnsd/one.netns
assert_lacks "$OUTPUT" two.netns
assert_ok ctl check /etc/netnsd/good.netns

step "at the start a bad file fails its own object and no other"
stop_daemon
conf needs-bad <<<$'[Namespace]\n[Veth eth0]\nPeerNamespace=one'
conf fine <<<'[Namespace]'
start_daemon
assert_eq "$(state_of good)" configured
assert_eq "$(state_of fine)" configured
assert_contains "$(daemon_log)" /etc/netnsd/one.netns:2
assert_contains "$(daemon_log)" /etc/netnsd/two.netns:3
for name in one two needs-bad; do
  [ ! -e /run/netns/$name ] || fail "$name was made from a bad file"
done

step "what runs keeps its last good configuration over a start with a bad file"
inode=$(ns_inode fine)
conf fine <<<$'[Namespace]\nOops=1'
stop_daemon
start_daemon
assert_eq "$(ns_inode fine)" "$inode"
assert_contains "$(daemon_log)" /etc/netnsd/fine.netns:2

step "without a daemon"
rm /etc/netnsd/*
conf fine <<<'[Namespace]'
assert_ok ctl apply
stop_daemon
assert_ok ctl check
assert_status 1 ctl plan
assert_contains "$OUTPUT" netnsd "the error says what does not run"
assert_status 2 ctl no-such-verb
assert_status 2 ctl del
start_daemon
finish
