#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Completions: what "netnsctl complete" answers, with a daemon and without, and what bash, zsh and fish make of it when
# somebody presses Tab on a terminal.
. "$(dirname "$0")/lib.sh" || exit 1
need_program bash zsh fish python3
sandbox "$@"

WORK=$SANDBOX/complete
mkdir -p "$WORK"
COMPLETIONS=$NETNSD_SRCDIR/conf/completions

# WORDS...: the candidates, without remarks, in a line
words() {
  local out
  out=$(ctl complete "$@" 2>&1) || fail "complete $* failed: $out"
  [ -z "$out" ] || [ "$(head -n 1 <<<"$out")" = words ] || fail "complete $*: expected words, got $out"
  tail -n +2 <<<"$out" | cut -f 1 | sort | tr '\n' ' '
}

has() { # CANDIDATES WORDS...
  local candidate
  for candidate in $1; do
    [[ " $(words "${@:2}") " == *" $candidate "* ]] || fail "'${*:2}' lacks $candidate: $(words "${@:2}")"
  done
}

kind() { # KIND WORDS...
  assert_eq "$(ctl complete "${@:2}" | head -n 1)" "$1" "${*:2}"
}

conf one <<'FILE'
[Namespace]
Description=The first
FILE
conf a:b+c <<<'[Namespace]'
conf host <<'FILE'
[Namespace]
Host=yes
[Bridge br-lan]
FILE
printf '[Container]\nNamespace=one\nDirectory=/nowhere\n[Exec]\nParameters=/bin/true\n' >/etc/netnsd/web.container
ip netns add else
foreign else

step "no daemon: what has a file, and what is in /run/netns"
has "one a:b+c host web.container" status ""
has web start ""
has else exec ""
has "one web.container" edit ""

start_daemon

step "verbs and options are those of the program"
verbs=$(ctl --help | awk '/^Verbs:/ { on = 1; next } /^Options:/ { exit } on && /^  [a-z]/ { print $1 }' | sort | tr '\n' ' ')
assert_eq "$(words "")" "$verbs"
for verb in $verbs; do
  assert_ok ctl help "$verb"
  # Each option that is offered is taken, each that is not is refused: nearly a thousand, hence without the leak checker.
  offered=$(words "$verb" --)
  while read -r option value; do
    [[ $option != --help && $option != --version ]] || continue
    out=$(ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0 NETNSD_SOCKET=$WORK/none timeout 20 "$NETNSCTL" "$verb" "$option$value" 2>&1 </dev/null)
    if [[ " $offered" == *" $option "* ]]; then
      [[ $out != *"means nothing here"* && $out != *"unknown option"* ]] || fail "$verb $option is offered: $out"
    else
      [[ $out == *"means nothing here"* ]] || fail "$verb $option is not offered, but taken: $out"
    fi
  done <<<"$(ctl --help | sed -nE '/^Options:/,$ s/^ +(-. )?(--[a-z-]+=?).*/\2/p' |
    sed -E 's/(json=)$/\1 off/; s/(lines=)$/\1 3/; s/(signal=)$/\1 HUP/; s/(whom=)$/\1 all/; s/(user=)$/\1 root/; s/(timeout=)$/\1 1s/; s/(confirm=)$/\1 5s/; s/(format=)$/\1 svg/')"
done

step "names"
has "one a:b+c host else" status ""
has web.container status ""
has "one a:b+c host" del ""
assert_lacks "$(words del "")" web
has web restart ""
assert_eq "$(words start "")" "web "
assert_contains "$(ctl complete status "")" $'one\tconfigured, The first'
assert_contains "$(ctl complete start "")" $'web\tdead'
has "one else" exec ""
has "one web.container" cat ""
assert_eq "$(words plan "")" ""
assert_eq "$(words edit one "")" ""
assert_eq "$(words frobnicate "")" ""

step "values, and what the shells know"
assert_eq "$(words --json=)" "--json=off --json=pretty --json=short "
assert_eq "$(words list --json=)" "--json=off --json=pretty --json=short "
assert_eq "$(words graph --format "")" "dot mermaid svg "
assert_eq "$(words kill --kill-whom=)" "--kill-whom=all --kill-whom=leader --kill-whom=supervisor "
has "SIGHUP SIGKILL SIGRTMIN+3" kill -s ""
has "--signal=SIGHUP" kill --signal=
has "debug info" log-level ""
has "list status" help ""
has $$ identify ""
kind files check ""
kind users exec --user ""
kind users exec --user=
kind commands exec one ""
kind files exec one ls --al
kind commands shell web ""
has "one" -- status ""

step "settings"
has "Namespace." add x ""
assert_contains "$(words add x V)" "Veth eth0. "
assert_contains "$(words add x 'Veth eth0.')" "Veth eth0.PeerBridge= "
assert_contains "$(words add x 'MACVLAN m.')" "MACVLAN m.Parent= "
assert_lacks "$(words add x 'MACVLAN m.')" "Peer"
assert_contains "$(words add x 'MACVLAN m.Mode=')" "MACVLAN m.Mode=bridge "
assert_contains "$(words add x 'Veth e.PeerBridge=')" "Veth e.PeerBridge=br-lan "
assert_contains "$(words add x 'Veth e.PeerNamespace=')" "Veth e.PeerNamespace=a:b+c "
assert_eq "$(words add x Namespace.AutoStart=)" "Namespace.AutoStart=no Namespace.AutoStart=yes "
assert_eq "$(words add "")" ""

step "a daemon that does not answer holds nobody up for long"
kill -STOP "$DAEMON_PID"
begin=$SECONDS
has "one" status ""
[ $((SECONDS - begin)) -lt 15 ] || fail "it took $((SECONDS - begin)) seconds"
kill -CONT "$DAEMON_PID"

step "the function of bash"
cat >"$WORK/run.bash" <<'SCRIPT'
. "$1"
COMP_LINE=$2 COMP_POINT=${#2} COMP_WORDS=("${@:3}") COMP_CWORD=$(($# - 3))
_netnsctl
printf '%s\n' "${COMPREPLY[@]}"
SCRIPT
reply() { # LINE COMP_WORDS...
  bash "$WORK/run.bash" "$COMPLETIONS/netnsctl" "$@" | sort | tr '\n' ' '
}
mkdir "$WORK/bin"
cat >"$WORK/bin/netnsctl" <<SCRIPT
#!/bin/bash
[ "\${1-}" != complete ] || exec "$NETNSCTL" "\$@"
printf '<%s>' "\$@" >"$WORK/bin/words.new"
mv "$WORK/bin/words.new" "$WORK/bin/words"
SCRIPT
chmod 755 "$WORK/bin/netnsctl"
PATH=$WORK/bin:$PATH
assert_eq "$(reply 'netnsctl re' netnsctl re)" "reexec reload reset-failed restart "
assert_eq "$(reply 'netnsctl --json=' netnsctl --json =)" "off pretty short "
assert_eq "$(reply 'netnsctl list --json=s' netnsctl list --json = s)" "short "
assert_eq "$(reply 'netnsctl status a:' netnsctl status a :)" "b+c "
assert_eq "$(reply 'netnsctl status   "on' netnsctl status '"on')" "one "
assert_eq "$(reply 'netnsctl log --' netnsctl log --)" "--follow --help --json= --lines= --no-legend --no-pager --version "
assert_contains "$(reply 'netnsctl exec --user=ro' netnsctl exec --user = ro)" "root "

# In each of the shells the same is typed, and the same comes out, "^" is Tab.
cat >"$WORK/typed" <<'TYPED'
netnsctl vers^
netnsctl status on^
netnsctl status a:^
netnsctl status web^
netnsctl list --json=sh^
netnsctl graph --form^dot
netnsctl kill --kill-whom le^ web
netnsctl kill -s SIGHU^ we^
netnsctl exec --user=nobod^ els^ mkfif^
netnsctl check /etc/netnsd/on^
netnsctl add x Veth\ eth0.PeerBri^br-l^
netnsctl nosuch o^
TYPED
cat >"$WORK/expected" <<'EXPECTED'
<version>
<status><one>
<status><a:b+c>
<status><web.container>
<list><--json=short>
<graph><--format=dot>
<kill><--kill-whom><leader><web>
<kill><-s><SIGHUP><web>
<exec><--user=nobody><else><mkfifo>
<check></etc/netnsd/one.netns>
<add><x><Veth eth0.PeerBridge=br-lan>
<nosuch><o>
EXPECTED
while read -r shell file; do
  step "Tab in $shell"
  python3 "$TEST_LIB/shell_completion.py" "$shell" "$COMPLETIONS/$file" "$WORK/bin" <"$WORK/typed" >"$WORK/$shell" ||
    fail "$shell: $(cat "$WORK/$shell")"
  diff "$WORK/expected" "$WORK/$shell" || fail "$shell completes otherwise"
done <<'SHELLS'
bash netnsctl
zsh _netnsctl
fish netnsctl.fish
SHELLS

ip netns del else
finish
