#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# netnsctl graph: of a server that says the worst, and of a real daemon. The oracles are an XML parser for what an
# SVG says, Debian's dot for what is written for it, and the kernel for what there is to draw.
. "$(dirname "$0")/lib.sh" || exit 1
. "$(dirname "$0")/lib_container.sh" || exit 1
need_program dot python3
container_sandbox "$@"

WORK=$SANDBOX/graph
mkdir -p "$WORK"
DRAWING=$TEST_LIB/drawing.py

drawing() { # texts|titles FILE
  LC_ALL=C.UTF-8 python3 "$DRAWING" "$@" || fail "no drawing: $2"
}

step "wrong usage"
for words in "--format=png" "--format" "--format=" "--state"; do
  # shellcheck disable=SC2086
  assert_status 2 ctl graph $words
done
assert_status 2 ctl list --format=svg
assert_contains "$OUTPUT" "--format means nothing here"
assert_status 1 ctl graph
assert_contains "$OUTPUT" "netnsd is not running"

step "text that means something to the format"
# The model of the unit test, but a real daemon's way: List, then Describe of each. Each character that any of the
# formats could take for its own.
# shellcheck disable=SC2016
HOSTILE='A "quote", <tag> & &amp; \N \l %N #35; `x` é $(x) --> ]] end'
jq -n --arg d "$HOSTILE" '{
  "io.netnsd.Namespace.List": [{parameters: {name: "one", context: {file: "x", description: $d}, runtime: {state: "configured"}}}],
  "io.netnsd.Namespace.Describe": [{parameters: {name: "one", context: {file: "x", description: ("x" + $d)}, runtime: {state: "configured"},
    links: [{name: "lo", kind: "loopback", index: 1, up: true, addresses: ["127.0.0.1/8"]},
      {name: "e&<\"\\N", kind: "veth", index: 2, up: true, peer: "two at one", addresses: ["10.0.0.1/24", "fe80::1/64"]},
      {name: "two", kind: "veth", index: 3, up: true, peer: "e&<\"\\N at one"}]}}],
  "io.netnsd.Container.List": [{parameters: {name: "c<&>", context: {namespace: "one"}, runtime: {state: "running"}}}]}' >"$WORK/script"
exec {FD}< <(exec python3 "$TEST_LIB/fake_server.py" "$WORK/socket" "$WORK/script" "$WORK/log")
SERVER_PID=$!
read -r -t 30 _ <&"$FD" || fail "the fake server does not start"
for format in svg dot mermaid; do
  NETNSD_SOCKET=$WORK/socket ctl graph --format=$format >"$WORK/out.$format" || fail "graph --format=$format failed"
done
dot -Tsvg "$WORK/out.dot" >"$WORK/dot.svg" 2>"$WORK/dot.err" || fail "dot does not take it: $(cat "$WORK/out.dot")"
assert_eq "$(cat "$WORK/dot.err")" "" "what dot says"
SHORT=x$HOSTILE # cut in our own drawing, whole in that of dot
assert_contains "$(drawing texts "$WORK/dot.svg")" "$SHORT"
assert_contains "$(drawing texts "$WORK/out.svg")" "${SHORT:0:40}"
for file in out.svg dot.svg; do
  texts=$(drawing texts "$WORK/$file")
  for text in 'e&<"\N' 10.0.0.1/24 'c<&>' running; do
    assert_contains "$texts" "$text" "$file"
  done
  assert_lacks "$texts" fe80 "$file"
  assert_lacks "$texts" 127.0.0.1 "$file"
done
assert_contains "$(drawing titles "$WORK/out.svg")" 'e&<"\N at one - two at one'
# No program of Debian reads Mermaid: nothing is left that would mean something to it.
assert_eq "$(head -n 1 "$WORK/out.mermaid")" "flowchart LR"
label=$(grep 'subgraph' "$WORK/out.mermaid")
# shellcheck disable=SC2016
assert_eq "$label" '  subgraph s0["one: configured<br/>xA #quot;quote#quot;, #lt;tag#gt; #amp; #amp;amp; #92;N #92;l %N #35;35; #96;x#96; é $(x) --#gt; ]] end"]'
kill "$SERVER_PID"

step "of a daemon"
conf_lab
payload_conf web "log /shared/log sleep" Container.Namespace=red
payload_conf idle "log /shared/log sleep" Container.Namespace=blue
conf lonely <<<'[Namespace]'
ip netns add else
foreign else
start_daemon
assert_ok ctl start web
for name in router red blue; do
  assert_soon settled "$name"
done
assert_status 0 ctl graph
[[ $OUTPUT == "graph netnsd {"* ]] || fail "dot is not the default: $OUTPUT"
ctl graph --format svg >"$WORK/all.svg" || fail "graph failed"
texts=$(drawing texts "$WORK/all.svg")
for text in "host configured" "router configured" "Way out" "red configured" "blue configured" "lonely configured" "else foreign" \
  "web running" "idle dead" "br-lan bridge" "ns-router veth"; do
  grep -qxF "$text" <<<"$texts" || fail "'$text' is not drawn: $texts"
done
# As the kernel has them.
addresses() {
  { host_json addr; for name in router red blue; do nsjson "$name" addr; done; } |
    jq -r '.[] | select(.ifname != "lo") | .addr_info[] | select(.local | startswith("fe80") | not) | "\(.local)/\(.prefixlen)"' | sort
}
assert_eq "$(grep -E '^[0-9a-f.:]+/[0-9]+$' <<<"$texts" | sort)" "$(addresses)" "addresses"
assert_eq "$(drawing titles "$WORK/all.svg" | sed 1d | sort)" "eth0 at blue - blue at router
eth0 at red - red at router
ns-router at host - eth0 at router
ns-router at host in br-lan at host" "lines"

step "some of it"
ctl graph --format=svg red >"$WORK/red.svg" || fail "graph red failed"
texts=$(drawing texts "$WORK/red.svg")
assert_contains "$texts" "web running"
assert_contains "$texts" "router configured"
assert_lacks "$texts" "br-lan"
assert_lacks "$texts" "idle"
assert_eq "$(drawing titles "$WORK/red.svg" | sed 1d)" "eth0 at red - red at router"
assert_status 1 ctl graph red nobody
assert_eq "$OUTPUT" "netnsctl: there is no namespace 'nobody'; 'netnsctl list' shows all"
assert_json '[.namespaces[].name] | sort | join(" ")' "blue else host lonely red router" ctl graph --json=short
assert_json '.namespaces[] | select(.name == "red") | .links[] | select(.name == "eth0") | .peer' "red at router" ctl graph --json=short

step "what a link stands on"
if unshare -n sh -c 'ip link add probe0 type bridge && ip link add link probe0 name probe1 type macvlan' 2>/dev/null; then
  conf mac <<'FILE'
[Namespace]
[MACVLAN mv0]
Parent=br-lan
FILE
  assert_ok ctl apply
  assert_json '.links[] | select(.name == "mv0") | .parent' "br-lan at host" ctl show mac --json=short
  ctl graph --format=svg mac >"$WORK/mac.svg" || fail "graph mac failed"
  assert_eq "$(drawing titles "$WORK/mac.svg" | sed 1d)" "mv0 at mac on br-lan at host"
  # Not declared: as the kernel has it.
  ip link add link br-lan name mv9 type macvlan
  assert_json '.links[] | select(.name == "mv9") | .parent' br-lan ctl show host --json=short
  ip link del mv9
else
  echo "this kernel has no macvlan: what a link stands on is not looked at"
fi
ip netns del else
finish
