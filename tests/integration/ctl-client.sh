#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# netnsctl against a server that says what the test wants: every error as a sentence, output for
# people and for programs, exit codes, and what a hostile server could try. Needs no daemon.
. "$(dirname "$0")/lib.sh" || exit 1
sandbox "$@"

WORK=$SANDBOX/client
mkdir -p "$WORK"
export NETNSD_SOCKET=$WORK/socket
SERVER=$TEST_LIB/fake_server.py

says() { # METHOD MESSAGES-AS-JSON: the whole script
  jq -n --arg m "$1" --argjson a "$2" '{($m): $a}' >"$WORK/script.new" || fail "bad script: $2"
  mv "$WORK/script.new" "$WORK/script"
}

start_server() {
  local line
  says none '[]'
  exec {FD}< <(exec python3 "$SERVER" "$NETNSD_SOCKET" "$WORK/script" "$WORK/log")
  SERVER_PID=$!
  read -r -t 30 line <&"$FD" || fail "the fake server does not start"
}

# STATUS TEXT METHOD MESSAGES COMMAND...: exit status, and TEXT is in the output
expect() {
  local status=$1 text=$2
  says "$3" "$4"
  shift 4
  assert_status "$status" ctl "$@"
  assert_contains "$OUTPUT" "$text" "$*"
  assert_lacks "$OUTPUT" "io.netnsd.N" "$*: a raw error name"
}

NS=io.netnsd.Namespace
MGR=io.netnsd.Manager
SVC=io.systemd.service
V=org.varlink.service

error() { # NAME PARAMETERS
  jq -n -c --arg e "$1" --argjson p "$2" '[{error: $e, parameters: $p}]'
}

step "no daemon"
assert_status 1 ctl list
assert_eq "$OUTPUT" "netnsctl: netnsd is not running ($NETNSD_SOCKET: No such file or directory); start it with 'systemctl start netnsd'"
assert_status 3 ctl status
assert_contains "$OUTPUT" "netnsd is not running"
assert_status 3 ctl status --json=short
assert_eq "$OUTPUT" '{"state":"stopped"}'
assert_status 1 ctl status one
assert_status 1 ctl del one --no-block
assert_contains "$OUTPUT" "netnsd is not running"
assert_status 0 ctl version

start_server

step "wrong usage"
for words in "" "lst" "--frob list" "list x" "list --all" "add" "add x novalue" "del" "up" "show" "pids" \
  "down" "down --all x" "wait --timeout=x" "log-level loud" "identify x" "--json=x list" "plan --user=x" \
  "list --timeout" "--all=3 down" "help frob" "confirm x" "reload --atomic" "apply --restart" "apply --confirm=0"; do
  # shellcheck disable=SC2086
  assert_status 2 ctl $words
  [[ $OUTPUT == "netnsctl: "* ]] || fail "netnsctl $words: $OUTPUT"
done
assert_status 2 ctl stauts
assert_contains "$OUTPUT" "did you mean 'status'?"
assert_status 2 ctl --no-blok list
assert_contains "$OUTPUT" "did you mean '--no-block'?"
assert_status 2 ctl add
assert_contains "$OUTPUT" "usage: netnsctl add NAME [SECTION.KEY=VALUE...]"
assert_status 125 ctl exec one
assert_status 0 ctl --help
[ "$(awk 'length > 80' <<<"$OUTPUT")" = "" ] || fail "--help is wider than 80 columns"
assert_status 0 ctl add --help
assert_contains "$OUTPUT" "netnsctl add NAME"

step "every error of the interfaces is a sentence"
expect 1 "there is no namespace 'one'; 'netnsctl list'" $NS.Delete "$(error $NS.NoSuchNamespace '{"name":"one"}')" del one
expect 1 "namespace 'one' exists already; 'netnsctl status one' shows it" $NS.Add "$(error $NS.NamespaceExists '{"name":"one"}')" add one
expect 1 "'one' is somebody else's: made by ip; Adopt=yes" $NS.Up "$(error $NS.NotOurs '{"name":"one","message":"made by ip"}')" up one
expect 1 "namespace 'one' is removing: 2 processes hold it" $NS.Up "$(error $NS.BadState '{"name":"one","state":"removing","message":"2 processes hold it"}')" up one
expect 1 "namespace 'one' is removing; try again" $NS.Up "$(error $NS.BadState '{"name":"one","state":"removing"}')" up one
expect 1 "netnsd is stopping; try again" $MGR.Plan "$(error $MGR.BadState '{"state":"stopping"}')" plan
expect 1 "Adress: unknown key, did you mean Address=" $NS.Add "$(error $NS.BadConfiguration '{"key":"Adress","message":"unknown key, did you mean Address="}')" add one Veth.Adress=x
expect 1 "cannot bring up 'one': 'veth eth0' failed: File exists (EEXIST); what had been done was undone" $NS.Up \
  "$(error $NS.ActionFailed '{"name":"one","action":"veth eth0","errnoName":"EEXIST","message":"File exists"}')" up one
expect 1 "only root may do that; run it again as root" $NS.Up "$(error $V.PermissionDenied '{}')" up one
expect 1 "does not take the value of 'name'" $NS.Up "$(error $V.InvalidParameter '{"parameter":"name"}')" up one
expect 1 "does not know how" $NS.Up "$(error $V.MethodNotFound '{"method":"x"}')" up one
expect 1 "does not know how" $NS.Up "$(error $V.InterfaceNotFound '{"interface":"x"}')" up one
expect 1 "netnsd has no memory left" $NS.Up "$(error io.systemd.System '{"origin":"linux","errnoName":"ENOMEM","errno":12}')" up one
expect 1 "different versions" $NS.Up "$(error $V.ExpectedMore '{}')" up one
expect 1 "'com.example.New', which this netnsctl does not know" $NS.Up "$(error com.example.New '{}')" up one
expect 1 "closed the connection before it answered" $NS.Up '["close"]' up one
BAD='{"message":"m","diagnostics":[{"severity":"error","file":"/etc/netnsd/a.netns","line":3,"section":"Veth eth0","key":"Mtu","message":"expected a number"},
  {"severity":"warning","object":"b.netns","message":"odd"}]}'
expect 1 "error: /etc/netnsd/a.netns:3: [Veth eth0] Mtu: expected a number" $MGR.Apply "$(error $MGR.BadConfiguration "$BAD")" apply
assert_contains "$OUTPUT" "warning: "
assert_contains "$OUTPUT" "cannot apply: the files have errors; nothing was changed"
expect 1 "error: /etc/netnsd/a.netns:3" $MGR.Plan "$(error $MGR.BadConfiguration "$BAD")" plan
expect 1 "error: /etc/netnsd/a.netns:3" $MGR.Apply "$(error $MGR.BadConfiguration "$BAD")" reload

step "a hostile server"
EVIL='[{"continues":true,"parameters":{"name":"e\u001b[2Jvil","context":{"description":"\u001b]0;x\u0007\u009bx"},"runtime":{"state":"f\u001boo"}}},{"parameters":{}}]'
says $NS.List "$EVIL"
assert_status 0 ctl list
assert_lacks "$OUTPUT" $'\033'
expect 1 "m?[2J" $NS.Up "$(error $NS.NotOurs '{"name":"o\u001bne","message":"m\u001b[2J"}')" up one
assert_lacks "$OUTPUT" $'\033'
says $NS.Describe '[{"parameters":{"name":"o\u001bne","context":{"description":"\u001b[2J","text":"x"},"runtime":{"state":"conf\u001b","reason":"\u001b"},
  "links":[{"name":"a\u001bb","kind":"\u001b","declaredBy":"\u001b","addresses":["\u001b",3]}],"routes":["\u001b"],"holders":[{"pid":1,"command":"\u001b"}]}}]'
assert_status 0 ctl status one
assert_lacks "$OUTPUT" $'\033'
assert_status 0 ctl show one
assert_lacks "$OUTPUT" $'\033'
for junk in '{}' '{"links":3,"routes":{},"runtime":[],"context":"x","holders":[[]]}' '{"links":[3,null,{}],"holders":[{}]}'; do
  says $NS.Describe "[{\"parameters\":$junk}]"
  assert_status 0 ctl status one
  assert_status 0 ctl show one
  says $MGR.Describe "[{\"parameters\":$junk}]"
  assert_status 0 ctl status
  says $MGR.Apply "[{\"parameters\":{\"actions\":$junk,\"failures\":$junk,\"diagnostics\":[3,{}]}}]"
  assert_status 0 ctl apply
done

step "list"
LIST='[{"continues":true,"parameters":{"name":"two","context":{"description":"Second"},"runtime":{"state":"configured","links":2}}},
 {"continues":true,"parameters":{"name":"one","context":{"description":"First"},"runtime":{"state":"failed","reason":"veth eth0: no","links":1}}},
 {"continues":true,"parameters":{"name":"host","context":{"host":true},"runtime":{"state":"configured","links":0}}},
 {"parameters":{"name":"a\\x20b","runtime":{"state":"foreign"}}}]'
says $NS.List "$LIST"
assert_status 0 ctl list
mapfile -t LINES <<<"$OUTPUT"
read -r -a WORDS <<<"${LINES[0]}"
assert_eq "${WORDS[*]}" "NAME STATE LINKS DESCRIPTION"
read -r -a WORDS <<<"${LINES[1]}"
[[ ${WORDS[0]} == "a\x20b" && ${WORDS[1]} == foreign && ${WORDS[2]} == - ]] || fail "a foreign name: ${LINES[1]}"
assert_contains "${LINES[2]}" "veth eth0: no"
assert_contains "${LINES[3]}" "Second"
assert_eq "${LINES[5]}" "3 namespaces listed."
assert_lacks "$OUTPUT" host
assert_status 0 ctl list --no-legend
assert_eq "$(wc -l <<<"$OUTPUT")" 3
assert_lacks "$OUTPUT" NAME
assert_json '[.[].name] | join(" ")' 'a\x20b one two' ctl list --json=short
assert_eq "$(ctl list --json=short | wc -l)" 1
[ "$(ctl list --json=pretty | wc -l)" -gt 10 ] || fail "--json=pretty is not pretty"
says $NS.List "$(error $NS.NoSuchNamespace '{"name":""}')"
assert_status 0 ctl list
assert_eq "$OUTPUT" "No namespaces."
assert_status 0 ctl list --no-legend
assert_eq "$OUTPUT" ""
assert_status 0 ctl list --json=short
assert_eq "$OUTPUT" "[]"
says $NS.List '[{"parameters":{}}]'
assert_status 0 ctl list
assert_eq "$OUTPUT" "No namespaces."

step "colours"
says $NS.List "$LIST"
export SYSTEMD_COLORS=1
assert_contains "$(ctl list)" $'\033[0;1;31mfailed'
export NO_COLOR=1
assert_contains "$(ctl list)" $'\033' "SYSTEMD_COLORS has the last word"
unset SYSTEMD_COLORS
assert_lacks "$(ctl list)" $'\033'
unset NO_COLOR
assert_lacks "$(ctl list)" $'\033' "a pipe"
assert_contains "$(SYSTEMD_COLORS=256 ctl list)" $'\033[0;38;5;245mforeign'
assert_contains "$(SYSTEMD_COLORS=16 ctl list)" $'\033[0;90mforeign'
assert_lacks "$(SYSTEMD_COLORS=auto-16 ctl list)" $'\033'
export SYSTEMD_PAGER=''
on_terminal() { # COMMAND...: what it writes on one, which is 80 columns wide
  python3 "$TEST_LIB/terminal.py" "$@" | tr -d '\r'
}
assert_contains "$(TERM=xterm on_terminal "$NETNSCTL" list)" $'\033[0;1;31mfailed'
assert_contains "$(TERM=xterm SYSTEMD_COLORS=auto-16 on_terminal "$NETNSCTL" list)" $'\033[0;90mforeign'
for setting in TERM=dumb "TERM=xterm NO_COLOR=1" "TERM=xterm SYSTEMD_COLORS=0" "TERM=xterm SYSTEMD_COLORS=auto-16 NO_COLOR=1"; do
  # shellcheck disable=SC2086
  assert_lacks "$(on_terminal env $setting "$NETNSCTL" list)" $'\033' "$setting"
done

step "status and show"
DESCRIBE='{"name":"one","context":{"description":"First","file":"/etc/netnsd/one.netns","dns":["10.0.0.1","10.0.0.2"],"autoStart":true},
 "runtime":{"state":"degraded","reason":"eth1 is missing","waitsFor":["bridge br0 on the host"],"since":1700000000000000,"inode":4026532000,"cookie":7,"nsid":2000000000,"links":2},
 "links":[{"name":"lo","kind":"loopback","index":1,"up":true,"mtu":65536,"addresses":["127.0.0.1/8"]},
  {"name":"eth0","kind":"veth","declaredBy":"yes","index":2,"operationalState":"up","up":true,"mtu":1500,"macAddress":"02:00:00:00:00:01","peer":"ns-one at host","addresses":["10.0.0.9/24"]},
  {"name":"eth1","kind":"veth","declaredBy":"yes"}],
 "routes":["default via 10.0.0.1 dev eth0"],"rules":[],"holders":[{"pid":42,"command":"sleep"}]}'
says $NS.Describe "[{\"parameters\":$DESCRIBE}]"
TZ=UTC assert_status 0 ctl status one
for text in "* one - First" "Loaded: /etc/netnsd/one.netns" "State: degraded since Tue 2023-11-14 22:13:20 UTC; " \
  "Reason: eth1 is missing" "Waits for: bridge br0 on the host" "Inode: 4026532000, cookie 7, nsid 2000000000" \
  "DNS: 10.0.0.1 10.0.0.2" "lo: loopback, up, mtu 65536" \
  "eth0: veth, up, mtu 1500, 02:00:00:00:00:01, peer ns-one at host" "  10.0.0.9/24" "eth1: veth, missing" \
  "Routes: default via 10.0.0.1 dev eth0" "Processes: 42 (sleep)"; do
  assert_contains "$OUTPUT" "$text"
done
assert_status 0 ctl show one
for line in Name=one Description=First State=degraded DNS=10.0.0.1 DNS=10.0.0.2 Inode=4026532000 NSID=2000000000 \
  "WaitsFor=bridge br0 on the host" AutoStart=yes Link=eth0 "Link[eth0].MTU=1500" "Link[eth0].Address=10.0.0.9/24" \
  "Link[eth0].MACAddress=02:00:00:00:00:01" "Route=default via 10.0.0.1 dev eth0" "Process=42 sleep"; do
  grep -q -x -F "$line" <<<"$OUTPUT" || fail "show lacks $line: $OUTPUT"
done
assert_json .runtime.nsid 2000000000 ctl show one --json=short
for state in failed down; do
  says $NS.Describe "[{\"parameters\":{\"name\":\"one\",\"runtime\":{\"state\":\"$state\"}}}]"
  assert_status 3 ctl status one
  assert_status 3 ctl status one --json=short
  assert_status 0 ctl show one
done
expect 3 "there is no namespace 'no'" $NS.Describe "$(error $NS.NoSuchNamespace '{"name":"no"}')" status no
expect 1 "there is no namespace 'no'" $NS.Describe "$(error $NS.NoSuchNamespace '{"name":"no"}')" show no
says $MGR.Describe '[{"parameters":{"version":"9.9","state":"running","startedAt":1700000000000000,"pid":77,"total":3,"configured":2,"failed":1,"plugins":["bridge","veth"],
  "diagnostics":[{"severity":"error","file":"/etc/netnsd/x.netns","message":"bad"}]}}]'
assert_status 0 ctl status
for text in "Version: 9.9" "PID: 77" "Namespaces: 3 (2 configured, 1 failed)" "Plugins: bridge veth" \
  "error: /etc/netnsd/x.netns: bad"; do
  assert_contains "$OUTPUT" "$text"
done
assert_status 0 ctl version
assert_contains "$OUTPUT" "netnsd 9.9 (running)"

step "status in the width there is"
LONG='{"name":"one","context":{"description":"A description that is so long that it goes on in the next line, certainly \u00e9\u00e9\u00e9","file":"/etc/netnsd/one.netns"},
 "runtime":{"state":"failed","reason":"'$(printf 'word%.0s ' {1..40})'/a/path/that/is/longer/than/a/whole/line/'$(printf 'x%.0s' {1..90})'/end","since":1700000000000000},
 "links":[{"name":"eth0","kind":"veth","declaredBy":"router","index":2,"operationalState":"up","up":true,"mtu":1500,"macAddress":"02:00:00:00:00:01","peer":"eth0 at some-other-namespace","addresses":["10.0.0.9/24"]},
  {"name":"eth1","kind":"veth","declaredBy":"yes","index":3,"operationalState":"down","up":true},{"name":"eth2","declaredBy":"yes"}]}'
says $NS.Describe "[{\"parameters\":$LONG}]"
plain() {
  sed 's/\x1b\[[0-9;]*m//g'
}
too_wide() { # COLUMNS
  LC_ALL=C.UTF-8 awk -v columns="$1" 'length > columns' # mawk counts bytes, which is stricter
}
assert_status 3 ctl status one
piped=$OUTPUT
assert_eq "$(too_wide 80 <<<"$piped")" "" "in a pipe"
assert_lacks "$piped" $'\033'
assert_eq "$(head -n 1 <<<"$piped")" "x one - A description that is so long that it goes on in the next line,"
assert_contains "$piped" $'\n     Reason: word word'
assert_contains "$piped" "..."
assert_contains "$piped" "/end"
assert_contains "$piped" "peer eth0 at
                 some-other-namespace, declared by router
               10.0.0.9/24"
assert_eq "$(tr -s ' \n' '  ' <<<"$piped" | grep -o 'word ' | wc -l)" 40 "nothing but what is too long is lost"
assert_status 3 ctl status --full one
assert_contains "$OUTPUT" "$(printf 'x%.0s' {1..90})/end"
assert_contains "$OUTPUT" "declared by router"
assert_eq "$(grep -c 'word word' <<<"$OUTPUT")" 1
assert_status 3 ctl status -l one
out=$(TERM=xterm COLUMNS=60 LC_ALL=C.UTF-8 on_terminal "$NETNSCTL" status one)
[ "$(plain <<<"$out" | wc -L)" -le 60 ] || fail "wider than the terminal: $out"
assert_contains "$out" $'\033[0;1;31m\303\227\033[0m one'
for text in $'\033[0;1;31mfailed\033[0m since' $'\033[0;1;32mup\033[0m,' $'\033[0;38;5;245mdown\033[0m' $'\033[0;1;31mmissing\033[0m' $'\342\200\246'; do
  assert_contains "$out" "$text"
done
# With colours and without, a terminal and a pipe have the same text.
assert_eq "$(TERM=xterm on_terminal "$NETNSCTL" status one | plain)" "$piped"
says $NS.Describe '[{"parameters":{"name":"one","runtime":{"state":"down"}}}]'
assert_contains "$(LC_ALL=C.UTF-8 ctl status one)" $'\342\227\213 one'
says $NS.Describe '[{"parameters":{"name":"one","runtime":{"state":"configured"}}}]'
assert_contains "$(LC_ALL=C.UTF-8 ctl status one)" $'\342\227\217 one'

step "plan and apply"
ACTIONS='[{"operation":"create","namespace":"one","text":"veth eth0","reason":"not there"},
 {"operation":"change","namespace":"one","text":"eth1: MTUBytes 1500 -> 1400"},{"operation":"remove","namespace":"two","text":"namespace","reason":"no longer declared"}]'
says $MGR.Plan "[{\"parameters\":{\"actions\":$ACTIONS,\"diagnostics\":[]}}]"
assert_status 0 ctl plan
assert_eq "$OUTPUT" "+ one: veth eth0 (not there)
~ one: eth1: MTUBytes 1500 -> 1400
- two: namespace (no longer declared)"
says $MGR.Plan '[{"parameters":{"actions":[],"diagnostics":[]}}]'
assert_status 0 ctl plan
assert_eq "$OUTPUT" ""
assert_json '.actions | length' 0 ctl plan --json=short
says $MGR.Apply "[{\"continues\":true,\"parameters\":{\"done\":1,\"total\":2}},{\"parameters\":{\"actions\":$ACTIONS,\"failures\":[],\"diagnostics\":[]}}]"
assert_status 0 ctl apply
assert_eq "$(head -n 1 <<<"$OUTPUT")" "+ one: veth eth0 (not there)"
assert_status 0 ctl reload
assert_eq "$OUTPUT" ""
says $MGR.Apply "[{\"error\":\"$MGR.ApplyFailed\",\"parameters\":{\"actions\":$ACTIONS,\"failures\":[{\"namespace\":\"one\",\"action\":\"veth eth0\",\"errnoName\":\"EEXIST\",\"message\":\"Cannot make it\"}]}}]"
assert_status 1 ctl apply
assert_contains "$OUTPUT" "+ one: veth eth0"
assert_contains "$OUTPUT" "one: 'veth eth0' failed: Cannot make it (EEXIST); it was left as it had been"
assert_status 1 ctl reload
assert_lacks "$OUTPUT" "+ one"

step "del and down name the holders"
says $NS.Delete '[{"parameters":{"holders":[{"pid":42,"command":"sleep"},{"pid":43}]}}]'
assert_status 0 ctl del one
assert_contains "$OUTPUT" "42 (sleep), 43"
says $NS.Down '[{"parameters":{"holders":[]}}]'
assert_status 0 ctl down --all
assert_eq "$OUTPUT" ""
assert_contains "$(tail -n 1 "$WORK/log")" '"all":true'

step "wait"
says $NS.Wait '[5]'
jq --argjson l "[{\"continues\":true,\"parameters\":{\"name\":\"one\",\"runtime\":{\"state\":\"pending\",\"reason\":\"waits for br0\"}}},{\"parameters\":{\"name\":\"two\",\"runtime\":{\"state\":\"configured\"}}}]" \
  '. + {"'$NS.List'": $l}' "$WORK/script" >"$WORK/script.new" && mv "$WORK/script.new" "$WORK/script"
assert_status 1 ctl wait --timeout=300ms one two
assert_contains "$OUTPUT" "not all is set up after 300ms"
assert_contains "$OUTPUT" "'one' is pending: waits for br0"
assert_lacks "$OUTPUT" "'two'"
says $NS.Wait '[{"parameters":{}}]'
jq '. + {"'$NS.List'": [{"parameters":{"name":"one","runtime":{"state":"failed","reason":"no"}}}]}' "$WORK/script" >"$WORK/script.new"
mv "$WORK/script.new" "$WORK/script"
assert_status 1 ctl wait one
assert_contains "$OUTPUT" "'one' is failed: no"
assert_status 0 ctl wait two

step "the line that says what is waited for"
progress() { # MESSAGES-OF-METHOD METHOD LIST COMMAND...: what a terminal sees, each state of the line by itself
  jq -n --arg m "$2" --argjson a "$1" --arg n "$NS.List" --argjson l "$3" '{($m): $a, ($n): $l}' >"$WORK/script.new"
  mv "$WORK/script.new" "$WORK/script"
  TERM=vt100 on_terminal_raw "$NETNSCTL" "${@:4}" | tr '\r' '\n'
}
on_terminal_raw() {
  python3 "$TEST_LIB/terminal.py" "$@"
}
ONE='[{"parameters":{"name":"one","runtime":{"state":"configuring","waitsFor":["PeerBridge br0 in host"]}}}]'
out=$(progress '[1.2, {"parameters":{}}]' $NS.Up "$ONE" up one)
assert_contains "$out" "bring up 'one': 0s, configuring: waits for PeerBridge br0 in host ..."
assert_contains "$out" "bring up 'one': 1s, "
assert_eq "$(tail -n 1 <<<"$out")" $'\033[K' "the line is cleared at the end"
LIST=$(jq -n -c '[range(5) | {continues: (. < 4), parameters: {name: "n\(.)", runtime: {state: (if . == 0 then "pending" else "removing" end)}}}]')
out=$(progress '[{"continues":true,"parameters":{"done":1,"total":4}}, 1.2, {"parameters":{"actions":[]}}]' $MGR.Apply "$LIST" apply)
assert_contains "$out" "apply: 0s, 1 of 4, n1 is removing, n2 is removing and 2 more ..."
out=$(progress '[1.2, {"parameters":{"actions":[]}}]' $MGR.Apply '["close"]' reload)
assert_contains "$out" "reload: 0s ..."
assert_lacks "$out" netnsctl "a question that fails"
# Nothing in a pipe, nothing when it is done at once.
says $NS.Up '[1.2, {"parameters":{}}]'
assert_status 0 ctl up one
assert_eq "$OUTPUT" ""
assert_eq "$(progress '[{"parameters":{}}]' $NS.Up "$ONE" up one)" ""

step "log-level"
says $SVC.GetLogLevel '[{"parameters":{"level":6}}]'
assert_status 0 ctl log-level
assert_eq "$OUTPUT" info
says $SVC.SetLogLevel '[{"parameters":{}}]'
assert_status 0 ctl log-level debug
assert_contains "$(tail -n 1 "$WORK/log")" '"level":7'

step "--no-block does not wait, but does not take a wrong name"
says $NS.List "[{\"parameters\":{\"name\":\"one\"}}]"
assert_status 0 ctl up one --no-block
assert_soon grep -q "\"method\":\"$NS.Up\".*\"oneway\":true" "$WORK/log"
assert_status 0 ctl apply --no-block
assert_soon grep -q "\"method\":\"$MGR.Apply\".*\"oneway\":true" "$WORK/log"
expect 1 "there is no namespace 'no'" $NS.List "$(error $NS.NoSuchNamespace '{"name":"no"}')" del no --no-block
says $NS.List "[{\"parameters\":{\"name\":\"one\"}}]"
assert_status 1 setpriv --reuid=65534 --clear-groups "$NETNSCTL" up one --no-block
assert_contains "$OUTPUT" "only root may do that"

step "output that cannot be written"
says $NS.List "$LIST"
status=0
ctl list >/dev/full 2>"$WORK/err" || status=$?
assert_eq $status 1
assert_contains "$(cat "$WORK/err")" "cannot write the output: No space left on device"

kill "$SERVER_PID"
echo passed
