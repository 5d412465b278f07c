#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The verbs of netnsctl for containers, against a server that says what the test wants: what is asked for,
# exit codes, every error as a sentence, output for people at 80 columns and for programs, and what a hostile
# container could print. Needs no daemon.
. "$(dirname "$0")/lib.sh" || exit 1
sandbox "$@"

WORK=$SANDBOX/client
mkdir -p "$WORK"
export NETNSD_SOCKET=$WORK/socket
SERVER=$TEST_LIB/fake_server.py

also_says() { # METHOD MESSAGES-AS-JSON: added to the script
  jq --arg m "$1" --argjson a "$2" '. + {($m): $a}' "$WORK/script" >"$WORK/script.new" || fail "bad script: $2"
  mv "$WORK/script.new" "$WORK/script"
}

says() { # METHOD MESSAGES-AS-JSON: the whole script
  echo '{}' >"$WORK/script"
  also_says "$@"
}

expect() { # STATUS TEXT METHOD MESSAGES COMMAND...
  local status=$1 text=$2
  says "$3" "$4"
  shift 4
  assert_status "$status" ctl "$@"
  assert_contains "$OUTPUT" "$text" "$*"
  assert_lacks "$OUTPUT" "io.netnsd.C" "$*: a raw error name"
}

error() { # NAME PARAMETERS
  jq -n -c --arg e "$1" --argjson p "$2" '[{error: $e, parameters: $p}]'
}

asked() { # FILTER EXPECTED: of the last message that the server got
  assert_eq "$(tail -n 1 "$WORK/log" | jq -r -c "$1")" "$2" "$1"
}

C=io.netnsd.Container
NS=io.netnsd.Namespace
V=org.varlink.service
DONE='[{"parameters":{"state":"running"}}]'

says none '[]'
exec {FD}< <(exec python3 "$SERVER" "$NETNSD_SOCKET" "$WORK/script" "$WORK/log")
SERVER_PID=$!
read -r -t 30 _ <&"$FD" || fail "the fake server does not start"

step "wrong usage"
for words in "start" "kill" "kill -s NONE web" "kill --signal=65 web" "kill --signal=0 web" "kill --kill-whom=main web" \
  "start --signal=9 web" "stop --kill-whom=all web" "reload --follow" "list -f" "log" "log -n x web" "log -n -1 web" \
  "log a b" "apply --restart" "reset-failed --no-block web" "kill --no-block web" "kill -s" "status --containers"; do
  # shellcheck disable=SC2086
  assert_status 2 ctl $words
  [[ $OUTPUT == "netnsctl: "* ]] || fail "netnsctl $words: $OUTPUT"
done
assert_status 2 ctl start
assert_contains "$OUTPUT" "start: expected the name of a container; usage: netnsctl start CONTAINER..."
assert_status 2 ctl kill -s HOP web
assert_contains "$OUTPUT" "--signal=HOP: expected a signal, such as TERM, SIGHUP, RTMIN+3 or 9"
assert_status 2 ctl kill --kill-whom=main web
assert_contains "$OUTPUT" "expected leader, supervisor or all"
assert_status 2 ctl list --follow
assert_contains "$OUTPUT" "--follow means nothing here"
assert_status 125 ctl shell
assert_status 1 ctl log a/b
assert_contains "$OUTPUT" "no name a container can have"

step "what is asked for"
for verb in start:Start stop:Stop restart:Restart; do
  says "$C.${verb#*:}" "$DONE"
  assert_status 0 ctl "${verb%:*}" web
  assert_eq "$OUTPUT" ""
  asked '.method, .more, .parameters' "$C.${verb#*:}
true
{\"name\":\"web\"}"
done
assert_status 1 ctl stop web.container # nothing is said to Stop
says $C.Stop "$DONE"
assert_status 0 ctl stop web.container
asked .parameters.name web
says $C.Kill '[{"parameters":{}}]'
assert_status 0 ctl kill web
asked .parameters '{"name":"web"}'
assert_status 0 ctl kill -s HUP --kill-whom=leader web
asked .parameters '{"name":"web","signal":"HUP","whom":"leader"}'
for signal in SIGKILL 9 RTMIN+3 SIGRTMAX; do
  assert_status 0 ctl kill --signal=$signal web
  asked .parameters.signal $signal
done
says $C.ResetFailed '[{"parameters":{}}]'
assert_status 0 ctl reset-failed web
says io.netnsd.Manager.Apply '[{"parameters":{}}]'
assert_status 0 ctl reload --restart
asked .parameters '{"restart":true}'
assert_status 0 ctl reload
asked .parameters '{}'

step "several at a time"
says $C.Stop '[1, {"parameters":{"state":"dead"}}]'
begin=${EPOCHREALTIME/[.,]/}
names=$(seq -f 'c%g' 40)
# shellcheck disable=SC2086
assert_status 0 ctl stop $names
[ $((${EPOCHREALTIME/[.,]/} - begin)) -lt 15000000 ] || fail "40 containers were stopped one after the other"
assert_eq "$(grep -c 'Container.Stop.*"c[0-9]' "$WORK/log")" 40
says $C.Start "$(error $C.NoSuchContainer '{"name":"x"}')"
assert_status 1 ctl start a b
assert_eq "$(grep -c "there is no container" <<<"$OUTPUT")" 2
assert_contains "$OUTPUT" "cannot start 'b'"

step "every error is a sentence"
expect 1 "cannot start 'web': there is no container 'web'; 'netnsctl list --containers'" $C.Start "$(error $C.NoSuchContainer '{"name":"web"}')" start web
expect 1 "cannot kill 'web': container 'web' is dead: It does not run" $C.Kill "$(error $C.BadState '{"name":"web","state":"dead","message":"It does not run"}')" kill web
expect 1 "container 'web' is stop-sigterm; 'netnsctl start'" $C.Start "$(error $C.BadState '{"name":"web","state":"stop-sigterm"}')" start web
expect 1 "cannot start 'web': ended before it was ready (protocol); 'netnsctl log web' shows what it printed" \
  $C.Start "$(error $C.StartFailed '{"name":"web","result":"protocol","message":"ended before it was ready"}')" start web
expect 1 "start-limit-hit: 5 starts in 10s; 'netnsctl log web'" $C.Restart \
  "$(error $C.StartFailed '{"name":"web","result":"start-limit-hit","message":"start-limit-hit: 5 starts in 10s"}')" restart web
expect 1 "/etc/netnsd/web.container:3: Boot: expected a boolean" $C.Start \
  "$(error $C.BadConfiguration '{"file":"/etc/netnsd/web.container","line":3,"key":"Boot","message":"expected a boolean"}')" start web
expect 1 "only root and the members of SocketGroup=" $C.Stop "$(error $V.PermissionDenied '{}')" stop web
expect 1 "does not know how; restart it after an upgrade" $C.Start "$(error $V.InterfaceNotFound '{"interface":"x"}')" start web
expect 1 "closed the connection before it answered" $C.Start '["close"]' start web
says $C.Start '[{"parameters":{"state":"skipped","skipped":"ConditionCapability=CAP_SYS_ADMIN is not met"}}]'
assert_status 0 ctl start web
assert_eq "$OUTPUT" "netnsctl: 'web' was not started, but skipped: ConditionCapability=CAP_SYS_ADMIN is not met"
assert_json .skipped "ConditionCapability=CAP_SYS_ADMIN is not met" ctl start web --json=short
NETNSD_SOCKET=$WORK/none assert_status 1 ctl stop a b c
assert_eq "$(grep -c "netnsd is not running" <<<"$OUTPUT")" 1

step "--no-block"
says $C.List '[{"parameters":{"name":"web"}}]'
assert_status 0 ctl restart web --no-block
assert_soon grep -q "\"method\":\"$C.Restart\".*\"oneway\":true" "$WORK/log"
expect 1 "there is no container 'no'" $C.List "$(error $C.NoSuchContainer '{"name":"no"}')" start no --no-block
assert_status 1 setpriv --reuid=65534 --clear-groups "$NETNSCTL" start web --no-block
assert_contains "$OUTPUT" "nobody would hear that it is refused"

step "the line that says how far it is"
says $C.Start '[{"continues":true,"parameters":{"state":"start-pre","text":"waits for namespace web"}}, 2.5,
  {"continues":true,"parameters":{"state":"start"}}, {"parameters":{"state":"running"}}]'
out=$(TERM=vt100 COLUMNS=60 python3 "$TEST_LIB/terminal.py" "$NETNSCTL" start web | tr '\r' '\n')
assert_contains "$out" "start 'web': 1s, start-pre: waits for namespace web ..."
[ "$(awk 'length > 63' <<<"$out")" = "" ] || fail "wider than the terminal: $out"
says $C.Start '[{"continues":true,"parameters":{"state":"start-pre"}}, 2.5, {"parameters":{"state":"running"}}]'
assert_status 0 ctl start web
assert_eq "$OUTPUT" "" "a progress line without a terminal"

step "list"
entry() { # NAME STATE REST
  echo "{\"name\":\"$1\",\"context\":{\"namespace\":\"lan\",\"description\":\"The $1\"},\"runtime\":{\"state\":\"$2\"${3:+,$3}}}"
}
CONTAINERS="[{\"continues\":true,\"parameters\":$(entry web running '"totalRestarts":3')},
 {\"continues\":true,\"parameters\":$(entry mail running '"health":"unhealthy","healthText":"exited, status=1"')},
 {\"continues\":true,\"parameters\":$(entry old running '"needsRestart":true')},
 {\"parameters\":$(entry db failed '"reason":"exited, status=7"')}]"
says $NS.List '[{"parameters":{"name":"lan","runtime":{"state":"configured","links":1}}}]'
also_says $C.List "$CONTAINERS"
assert_status 0 ctl list
assert_contains "$OUTPUT" "1 namespace listed."
assert_contains "$OUTPUT" "4 containers listed."
[ "$(awk 'length > 80' <<<"$OUTPUT")" = "" ] || fail "wider than 80 columns: $OUTPUT"
lines=$(sed -n '/^CONTAINER/,$s/  */ /gp' <<<"$OUTPUT")
assert_eq "$lines" "CONTAINER NAMESPACE STATE RESTARTS DESCRIPTION
db lan failed 0 exited, status=7
mail lan running 0 unhealthy: exited, status=1
old lan running 0 needs restart: its settings have changed
web lan running 3 The web
4 containers listed."
assert_status 0 ctl list --containers --no-legend
assert_eq "$(awk '{ print $1 }' <<<"$OUTPUT" | xargs)" "db mail old web"
assert_status 0 ctl list --no-legend
assert_eq "$(wc -l <<<"$OUTPUT")" 1
assert_json '.[].name' lan ctl list --json=short
assert_json '[.[].name] | join(" ")' "db mail old web" ctl list --containers --json=short
says $NS.List '[{"parameters":{"name":"lan","runtime":{"state":"configured"}}}]' # a daemon that knows none
assert_status 0 ctl list
assert_lacks "$OUTPUT" CONTAINER
assert_status 0 ctl list --containers
assert_eq "$OUTPUT" "No containers."
says $C.List "$(error $C.NoSuchContainer '{"name":""}')"
assert_status 0 ctl list --containers
assert_eq "$OUTPUT" "No containers."
assert_json length 0 ctl list --containers --json=short

step "status and show"
DESCRIBE='{"name":"web","context":{"namespace":"lan","description":"A web server","directory":"/srv/web","file":"/etc/netnsd/web.container","autoStart":true},
 "runtime":{"state":"running","since":1700000000000000,"result":"signal","exitCode":"killed","exitStatus":9,"restartReason":"Restart=on-failure","restarts":1,"totalRestarts":4,
 "pid":41,"leader":42,"health":"unhealthy","healthText":"127.0.0.1:80: Connection refused","statusText":"Container running.","cgroup":"/sys/fs/cgroup/x","memoryCurrent":12897484,"needsRestart":true}}'
says $C.Describe "[{\"parameters\":$DESCRIBE}]"
TZ=UTC assert_status 0 ctl status web.container
asked .parameters.name web
[ "$(awk 'length > 80' <<<"$OUTPUT")" = "" ] || fail "wider than 80 columns: $OUTPUT"
assert_contains "$OUTPUT" "     Loaded: /etc/netnsd/web.container (AutoStart=yes); its settings have
                 changed, 'netnsctl restart' brings them into effect"
TZ=UTC assert_status 0 ctl status --full web.container
for text in "* web.container - A web server" "Loaded: /etc/netnsd/web.container (AutoStart=yes); its settings have changed" \
  "State: running since Tue 2023-11-14 22:13:20 UTC; " "Last run: signal (killed, signal=SIGKILL); Restart=on-failure" \
  "Restarts: 1 in a row, 4 in all" "Namespace: lan" "Root: /srv/web" "PID: 41 (systemd-nspawn), leader 42" \
  "Health: unhealthy: 127.0.0.1:80: Connection refused" "Memory: 12.3M" "CGroup: /sys/fs/cgroup/x" "Status: Container running."; do
  assert_contains "$OUTPUT" "$text"
done
assert_status 0 ctl show web.container
for line in Name=web Namespace=lan State=running PID=41 Leader=42 ExitCode=killed ExitStatus=9 MemoryCurrent=12897484 NeedsRestart=yes CGroup=/sys/fs/cgroup/x; do
  grep -q -x -F "$line" <<<"$OUTPUT" || fail "show lacks $line: $OUTPUT"
done
for row in dead:3 failed:3 skipped:3 auto-restart:3 running:0 start:0 start-pre:0 stop-sigterm:0 stop-post:0; do
  says $C.Describe "[{\"parameters\":{\"name\":\"web\",\"runtime\":{\"state\":\"${row%:*}\"}}}]"
  assert_status "${row#*:}" ctl status web.container
  assert_status "${row#*:}" ctl status web.container --json=short
  assert_status 0 ctl show web.container
done
now=$(date +%s)
says $C.Describe "[{\"parameters\":{\"name\":\"web\",\"runtime\":{\"state\":\"auto-restart\",\"result\":\"exit-code\",\"exitCode\":\"exited\",\"exitStatus\":7,\"nextRestartAt\":$((now + 3600))000000}}}]"
assert_status 3 ctl status web.container
assert_contains "$OUTPUT" "Restart: in 59min 5"
assert_contains "$OUTPUT" "exit-code (exited, status=7)"
expect 3 "there is no container 'no'" $C.Describe "$(error $C.NoSuchContainer '{"name":"no"}')" status no.container
expect 1 "there is no container 'no'" $C.Describe "$(error $C.NoSuchContainer '{"name":"no"}')" show no.container
says $NS.Describe '[{"parameters":{"name":"lan","runtime":{"state":"configured"}}}]'
also_says $C.List "[{\"continues\":true,\"parameters\":$(entry web running)},{\"continues\":true,\"parameters\":$(entry db failed '"reason":"exited, status=7"')},
  {\"parameters\":{\"name\":\"other\",\"context\":{\"namespace\":\"wan\"},\"runtime\":{\"state\":\"dead\"}}}]"
assert_status 0 ctl status lan
assert_contains "$OUTPUT" " Containers: x db, failed: exited, status=7
             * web, running"
assert_lacks "$OUTPUT" other
says io.netnsd.Manager.Describe '[{"parameters":{"version":"1","state":"running","total":1,"containers":{"total":3,"running":2,"failed":1,"dead":0}}}]'
assert_status 0 ctl status
assert_contains "$OUTPUT" "Containers: 3 (2 running, 1 failed)"
for junk in '{}' '{"runtime":[],"context":3}' '{"name":"w","runtime":{"state":3,"pid":"x","exitCode":"killed","exitStatus":"y","nextRestartAt":-1,"memoryCurrent":-5}}'; do
  says $C.Describe "[{\"parameters\":$junk}]"
  ctl status w.container >/dev/null 2>&1
  [ $? -le 3 ] || fail "status of $junk"
  assert_status 0 ctl show w.container
  says $C.List "[{\"parameters\":$junk}]"
  assert_status 0 ctl list --containers
  says $C.Start "[{\"continues\":true,\"parameters\":$junk},{\"parameters\":$junk}]"
  assert_status 0 ctl start w
done
says $C.Describe '[{"parameters":{"name":"w\u001b[2J","context":{"description":"\u001b]0;x\u0007"},"runtime":{"state":"run\u001b","statusText":"\u001b[31m","healthText":"\u009b"}}}]'
ctl status w.container | grep -q $'\033' && fail "control characters of the server"

step "wait"
says $C.Wait '[0.3, {"parameters":{"state":"running"}}]'
assert_status 0 ctl wait web.container
assert_eq "$OUTPUT" ""
expect 1 "'web' is failed: exited, status=7" $C.Wait '[{"parameters":{"state":"failed","text":"exited, status=7"}}]' wait web.container
expect 1 "'web' is skipped" $C.Wait '[{"parameters":{"state":"skipped"}}]' wait web.container
expect 1 "there is no container 'no'" $C.Wait "$(error $C.NoSuchContainer '{"name":"no"}')" wait no.container
says $C.Wait '[10]'
also_says $C.Describe '[{"parameters":{"name":"web","runtime":{"state":"start"}}}]'
assert_status 1 ctl wait --timeout=200ms web.container
assert_contains "$OUTPUT" "'web' does not run in time: it is start"
says $C.Wait '[{"parameters":{"state":"running"}}]'
also_says $NS.Wait '[{"parameters":{}}]'
also_says $NS.List '[{"parameters":{"name":"lan","runtime":{"state":"configured"}}}]'
assert_status 0 ctl wait web.container lan
grep -q '"names":\["lan"\]' "$WORK/log" || fail "the namespace was not waited for"

step "unit run: an error that is not about the container does not end it"
says $C.Start '[{"parameters":{}}]'
also_says $C.List '[{"error":"org.varlink.service.MethodNotFound","parameters":{"method":"x"}}]'
: >"$WORK/log"
ctl unit run web &
RUN=$!
asked_thrice() { # METHOD
  [ "$(grep -c "$1" "$WORK/log")" -ge 3 ]
}
wait_for 30 asked_thrice $C.List || fail "it does not look again"
also_says $C.List '[{"parameters":{"name":"web","context":{"namespace":"lan"},"runtime":{"state":"running"}}}]'
wait_for 30 asked_thrice io.netnsd.Manager.Subscribe || fail "it does not ask for events again"
also_says $C.List "$(error $C.NoSuchContainer '{"name":"web"}')"
also_says io.netnsd.Manager.Subscribe '[{"parameters":{},"continues":true}]'
wait $RUN || fail "it does not end with the container: status $?"

step "cat"
mkdir -p /etc/netnsd/web.container.d
printf '[Container]\nDirectory=/srv/web\n' >/etc/netnsd/web.container
printf '[Exec]\nBoot=yes\n' >/etc/netnsd/web.container.d/boot.conf
assert_status 0 ctl cat web.container
assert_eq "$OUTPUT" "# /etc/netnsd/web.container
[Container]
Directory=/srv/web

# /etc/netnsd/web.container.d/boot.conf
[Exec]
Boot=yes"
assert_status 1 ctl cat web
assert_contains "$OUTPUT" "there is no web.netns"
assert_status 1 ctl cat no.container
assert_contains "$OUTPUT" "'netnsctl edit no.container' makes one"

kill "$SERVER_PID"
echo passed
