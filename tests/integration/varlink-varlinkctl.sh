#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# varlinkctl of systemd 257 or later, which nobody here wrote, against the running daemon: info,
# introspect, call, --more, validate-idl. Where the machine's own systemd is older, the one of a trixie
# tree is used: NETNSD_TRIXIE names it.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit 1
sandbox "$@"

for TREE in "${NETNSD_TRIXIE-}" /var/cache/netnsd-tests/trixie /var/tmp/netnsd-trixie; do
  [ ! -x "$TREE/usr/bin/varlinkctl" ] || break
done
if command -v varlinkctl >/dev/null && varlinkctl --help | grep -q -- validate-idl; then
  SEEN=/run/netnsd
  VARLINKCTL=(timeout 60 varlinkctl)
elif [ -x "$TREE/usr/bin/varlinkctl" ]; then
  # The tree itself stays as it is: this mount namespace is our own.
  mkdir -p /run/netnsd
  assert_ok mount -t tmpfs none "$TREE/tmp"
  assert_ok mkdir "$TREE/tmp/netnsd"
  assert_ok mount --bind /run/netnsd "$TREE/tmp/netnsd"
  assert_ok mount -t proc proc "$TREE/proc" # it connects by way of /proc/self/fd
  SEEN=/tmp/netnsd
  VARLINKCTL=(timeout 60 chroot "$TREE" varlinkctl)
else
  skip "needs varlinkctl of systemd 257, on the machine or in a trixie tree (NETNSD_TRIXIE=)"
fi
SOCKET=$SEEN/io.netnsd

vl() {
  "${VARLINKCTL[@]}" "$@"
}
call() { # METHOD [PARAMETERS]
  vl --json=short call "$SOCKET" "$@"
}

step "the interface texts are valid"
for file in "$NETNSD_SRCDIR"/src/*.varlink; do
  cp "$file" /run/netnsd/idl
  assert_ok vl validate-idl $SEEN/idl
done
rm /run/netnsd/idl

conf one <<'X'
[Namespace]
Description=The first
[Veth eth0]
PeerName=ns-one
Address=10.1.0.2/24
X
conf two <<'X'
[Namespace]
AutoStart=no
X
start_daemon

step "the registry leads to the socket"
for interface in io.netnsd.Manager io.netnsd.Namespace io.netnsd.Container; do
  assert_eq "$(readlink /run/varlink/registry/$interface)" /run/netnsd/io.netnsd
done

step "info and introspection"
assert_json '.interfaces | sort | join(" ")' \
  'io.netnsd.Container io.netnsd.Manager io.netnsd.Namespace io.systemd.service org.varlink.service' vl --json=short info $SOCKET
assert_eq "$(vl list-interfaces $SOCKET | sort | xargs)" \
  'io.netnsd.Container io.netnsd.Manager io.netnsd.Namespace io.systemd.service org.varlink.service' list-interfaces
methods=$(vl list-methods $SOCKET) || fail "list-methods failed: $methods"
for method in io.netnsd.Namespace.List io.netnsd.Container.Start io.netnsd.Manager.Apply io.systemd.service.Ping org.varlink.service.GetInfo; do
  assert_contains "$methods" $method
done
for interface in io.netnsd.Manager io.netnsd.Namespace io.netnsd.Container io.systemd.service org.varlink.service; do
  text=$(vl introspect $SOCKET $interface 2>&1) || fail "introspect $interface failed: $text"
  assert_contains "$text" "interface $interface"
  assert_lacks "$text" "Failed to parse"
done

step "calls"
assert_json '.state, .total, .containers.total' $'running\n2\n0' call io.netnsd.Manager.Describe '{}'
assert_json '.name, .context.description, .runtime.state' $'one\nThe first\nconfigured' \
  call io.netnsd.Namespace.List '{"name":"one"}'
assert_json '.runtime.inode' "$(ns_inode one)" call io.netnsd.Namespace.Describe '{"name":"one"}'
assert_json '.links[] | select(.name == "eth0") | .addresses | map(select(startswith("10."))) | join(" ")' \
  10.1.0.2/24 call io.netnsd.Namespace.Describe '{"name":"one"}'
assert_json '.links[] | select(.name == "eth0") | .index' "$(ns_ifindex one eth0)" \
  call io.netnsd.Namespace.Describe '{"name":"one"}'
assert_json '.actions | length' 0 call io.netnsd.Manager.Plan '{}'
assert_ok call io.systemd.service.Ping '{}'
assert_ok call io.netnsd.Namespace.Up '{"name":"two"}'
is_nsfs two || fail "two is not up"
assert_ok call io.netnsd.Namespace.Down '{"name":"two"}'
[ ! -e /run/netns/two ] || fail "two is not down"
assert_ok call io.netnsd.Namespace.Add '{"name":"three","settings":["Namespace.Description=Made at run time"]}'
assert_json .context.transient true call io.netnsd.Namespace.List '{"name":"three"}'
assert_ok call io.netnsd.Namespace.Delete '{"name":"three"}'
assert_soon_eq "" state_of three # the kernel takes its time

step "streams"
names=$(vl --json=short --more call $SOCKET io.netnsd.Namespace.List '{}' | tr -d '\036' | jq -r .name | sort | xargs)
assert_contains " $names " ' one two '
foreign=$'odd\xffname'
ip netns add outside && foreign outside
: >"/run/netns/$foreign" && foreign "$foreign"
states=$(vl --json=short --more call $SOCKET io.netnsd.Namespace.List '{}' | tr -d '\036' |
  jq -r 'select(.runtime.state == "foreign") | .name' | sort)
assert_eq "$states" $'odd\\xffname\noutside' 'foreign names'
conf four <<<'[Namespace]'
out=$(vl --json=short --more call $SOCKET io.netnsd.Manager.Apply '{}' | tr -d '\036' | tail -n 1)
assert_eq "$(jq -r '.actions[0].operation + " " + .actions[0].namespace' <<<"$out")" 'create four'

"${VARLINKCTL[@]}" --json=short --more --timeout=infinity call $SOCKET io.netnsd.Manager.Subscribe \
  '{"names":["one","two"]}' >$SANDBOX/changes &
subscriber=$!
told() { tr -d '\036' <$SANDBOX/changes | jq -e -s "any(.[]; $1)"; }
assert_soon told .ready
assert_ok call io.netnsd.Namespace.Up '{"name":"two"}'
assert_ok call io.netnsd.Namespace.Down '{"name":"two"}'
assert_soon told '.namespace == "two" and .text == "down" and .change == "set"'
told '.change == "present" and .namespace == "one" and (.text | contains("10.1.0.2/24 on eth0"))' ||
  fail "the state lacks an address: $(cat $SANDBOX/changes)"
told '.namespace == "four"' && fail "changes of a namespace that nobody asked for"
kill $subscriber
wait $subscriber

step "errors by name"
errors() { # NAME METHOD PARAMETERS
  assert_status 1 call "$2" "$3"
  assert_contains "$OUTPUT" "$1"
}
errors io.netnsd.Namespace.NoSuchNamespace io.netnsd.Namespace.Describe '{"name":"none"}'
errors io.netnsd.Namespace.NamespaceExists io.netnsd.Namespace.Add '{"name":"one"}'
errors io.netnsd.Namespace.NotOurs io.netnsd.Namespace.Delete '{"name":"outside"}'
errors io.netnsd.Namespace.BadConfiguration io.netnsd.Namespace.Add '{"name":"a/b"}'
errors io.netnsd.Container.NoSuchContainer io.netnsd.Container.Describe '{"name":"none"}'
errors io.netnsd.Container.NoSuchContainer io.netnsd.Container.Start '{"name":"none"}'
errors org.varlink.service.ExpectedMore io.netnsd.Container.List '{}'
errors org.varlink.service.InvalidParameter io.netnsd.Container.Kill '{"name":"none","signal":"SIGNONE"}'
errors org.varlink.service.InvalidParameter io.netnsd.Container.Kill '{"name":"none","whom":"main"}'
errors org.varlink.service.ExpectedMore io.netnsd.Namespace.List '{}'
errors org.varlink.service.ExpectedMore io.netnsd.Manager.Subscribe '{}'
errors org.varlink.service.InvalidParameter io.netnsd.Namespace.Up '{"name":"two","colour":"red"}'
errors org.varlink.service.InvalidParameter io.netnsd.Namespace.Up '{}'
errors org.varlink.service.InvalidParameter io.netnsd.Namespace.Down '{}'
errors org.varlink.service.MethodNotFound io.netnsd.Namespace.Nothing '{}'
conf bad <<<$'[Namespace]\nColour=red'
errors io.netnsd.Manager.BadConfiguration io.netnsd.Manager.Apply '{}'
assert_contains "$OUTPUT" '"line":2'
errors io.netnsd.Manager.BadConfiguration io.systemd.service.Reload '{}'
rm /etc/netnsd/bad.netns
assert_ok call io.systemd.service.Reload '{}'

step "log level and environment"
assert_ok call io.systemd.service.SetLogLevel '{"level":7}'
assert_json .level 7 call io.systemd.service.GetLogLevel '{}'
errors org.varlink.service.InvalidParameter io.systemd.service.SetLogLevel '{"level":8}'
assert_json '.environment | map(select(. == "LC_ALL=C")) | length' 1 call io.systemd.service.GetEnvironment '{}'

rm -f "/run/netns/$foreign"
ip netns del outside
finish
[ -z "$(ls /run/varlink/registry)" ] || fail "left in the registry: $(ls /run/varlink/registry)"
