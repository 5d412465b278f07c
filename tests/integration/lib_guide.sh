# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Runs a guide of doc/ as its reader would: writes its files, types its commands, and compares what they print.
# A test is these lines:
#
#   . "$(dirname "$0")/lib.sh" || exit 1
#   . "$(dirname "$0")/lib_container.sh" || exit 1
#   . "$(dirname "$0")/lib_guide.sh" || exit 1
#   container_sandbox "$@"
#   guide_test doc/tour.md
#
# The daemon runs, and /etc/netnsd is empty, as after installation. Of the Markdown count fenced blocks:
#
#   ini, sh, c         after a line that ends with `PATH`: this is the file PATH; or several files, each below a line
#                      "# PATH", after which more may be said
#   console            a line with "# " or "$ " is a command, "\" at its end goes on in the next; the lines below
#                      are all that it prints: "..." is anything, and alone in a line any number of lines
#   console fails      its last command fails; all others must not
#   console systemd    needs systemd as PID 1: tests/system/inside/60-guides.sh runs guides that have such blocks
#   text, or nothing   only to be looked at
#
# A block after a line that begins with "Not run by the tests:" is counted as skipped, with that line as reason.

GUIDES=$NETNSD_SRCDIR
GUIDE_SYSTEMD=${GUIDE_SYSTEMD-} # yes: systemd is PID 1
GUIDE_DIR=$SANDBOX/guide
GUIDE_AT='' # file and line, for messages
GUIDE_SKIPPED=()
GUIDE_SHELL_PID=''
GUIDE_SHELL_FD=''
GUIDE_STATUS_FD=''
BLOCK=''   # text of the block at hand
PRINTED='' # by the last command
# What changes nothing is looked at again for some seconds: people type slower than this.
GUIDE_LOOKS='^((ip netns exec|netnsctl exec) [^ ]+ )?(ping|busybox wget|cat|ls|ps|grep|journalctl|machinectl|netnsctl (list|status|show|log|plan|pids)|systemctl (status|show|is-active)|ip (-[^ ]+ |-n [^ ]+ )*[a-z]+ show)( |$)'

# --- the reader's shell -------------------------------------------------------------------------

# One bash for the whole guide, without anything of the test's own but the programs that are tested.
guide_shell() {
  mkdir -p "$GUIDE_DIR/home"
  rm -f "$GUIDE_DIR"/{commands,status}
  mkfifo "$GUIDE_DIR"/{commands,status} || fail "no fifos"
  exec {GUIDE_SHELL_FD}<>"$GUIDE_DIR/commands" {GUIDE_STATUS_FD}<>"$GUIDE_DIR/status"
  (cd "$GUIDE_DIR/home" && PATH=$(dirname "$NETNSD"):$(dirname "$NETNSCTL"):$PATH HOME=$PWD PAGER=cat \
    exec "$BASH" --noprofile --norc <"$GUIDE_DIR/commands" >/dev/null 2>&1 {GUIDE_SHELL_FD}>&- {GUIDE_STATUS_FD}>&-) &
  GUIDE_SHELL_PID=$!
}

guide_shell_end() {
  echo exit >&"$GUIDE_SHELL_FD"
  wait "$GUIDE_SHELL_PID"
  exec {GUIDE_SHELL_FD}>&- {GUIDE_STATUS_FD}>&-
}

guide_run() { # COMMAND: its status is this one's, what it prints goes to PRINTED
  local status=''
  printf '%s\n' "$1" >"$GUIDE_DIR/command"
  echo ". '$GUIDE_DIR/command' >'$GUIDE_DIR/out' 2>&1 </dev/null; echo \$? >'$GUIDE_DIR/status'" >&"$GUIDE_SHELL_FD"
  read -r -t 60 status <&"$GUIDE_STATUS_FD" || fail "$GUIDE_AT: $1: has not ended after 60 seconds: $(cat "$GUIDE_DIR/out")"
  PRINTED=$(sed 's/[[:space:]]*$//' "$GUIDE_DIR/out"; echo .)
  PRINTED=${PRINTED%.}
  [[ -z $PRINTED || $PRINTED == *$'\n' ]] || PRINTED+=$'\n'
  return "$status"
}

# --- what is expected ---------------------------------------------------------------------------

guide_regex() { # TEXT: on standard output, an extended one for all of a text
  # What a "..." in a line stands for is a bracket expression with a newline in it.
  sed -e 's/^\.\.\.$/\x01/; s/\.\.\./\x02/g; s/[][\.*^$+?(){}|]/\\&/g; s/\x02/[^\n]*/g' <<<"$1" | {
    printf '^'
    sed -z 's/\x01\n/([^\n]*\n)*/g'
    printf '$'
  }
}

guide_prints() { # EXPECTED
  local regex
  [ -n "$1" ] || { [ -z "$PRINTED" ]; return; }
  regex=$(guide_regex "${1%$'\n'}")
  [[ $PRINTED =~ $regex ]]
}

# A command and all that was shown below it.
guide_command() { # COMMAND EXPECTED FAILS: 0 or 1
  local deadline=$((SECONDS + 20)) status
  step "$GUIDE_AT: $1"
  while :; do
    status=0
    guide_run "$1" || status=$?
    [ $((status != 0)) = "$3" ] && guide_prints "$2" && return
    if [[ ! $1 =~ $GUIDE_LOOKS ]] || [ $SECONDS -ge $deadline ]; then break; fi
    sleep 0.1
  done
  fail "$GUIDE_AT: $1: status $status, printed:
$PRINTED
and the guide says:
$2"
}

# --- blocks -------------------------------------------------------------------------------------

guide_console() { # FAILS: 0 or 1, whether the last command does
  local line lines command='' expected='' next=no
  mapfile -t lines <<<"${BLOCK%$'\n'}"
  for line in "${lines[@]}"; do
    if [ $next = yes ]; then
      command+=$'\n'$line
    elif [[ $line == [#$]\ * ]]; then
      [ -z "$command" ] || guide_command "$command" "$expected" 0
      command=${line:2} expected=''
    else
      expected+=$line$'\n'
      continue
    fi
    next=no
    [[ $line != *\\ ]] || next=yes
  done
  [ -n "$command" ] || fail "$GUIDE_AT: a console without a command"
  guide_command "$command" "$expected" "$1"
}

guide_file() { # PATH
  step "$GUIDE_AT: the file $1"
  [[ $1 == /* ]] || set -- "$(readlink "/proc/$GUIDE_SHELL_PID/cwd")/$1"
  mkdir -p "$(dirname "$1")"
  printf '%s' "$BLOCK" >"$1" || fail "$GUIDE_AT: $1 cannot be written"
}

# "# /etc/netnsd/web.netns: what it is" begins a file.
guide_files() {
  local all=$BLOCK line path=''
  BLOCK=''
  while IFS= read -r line; do
    if [[ $line =~ ^#\ (/[^:\ ]+) ]]; then
      [ -z "$path" ] || guide_file "$path"
      path=${BASH_REMATCH[1]} BLOCK=''
    fi
    [ -n "$path" ] || fail "$GUIDE_AT: expected a line that ends with \`PATH\`: before the file, or \"# PATH\" in it"
    BLOCK+=$line$'\n'
  done <<<"$all"
  guide_file "$path"
}

guide_block() { # INFO LINE-BEFORE
  local path=''
  if [[ $2 == 'Not run by the tests: '* ]]; then
    GUIDE_SKIPPED+=("${GUIDE_AT##*/}	${2#Not run by the tests: }")
    return
  fi
  case $1 in
    console) guide_console 0 ;;
    'console fails') guide_console 1 ;;
    'console systemd')
      if [ -n "$GUIDE_SYSTEMD" ]; then guide_console 0; else step "$GUIDE_AT: needs systemd as PID 1, see 60-guides.sh"; fi
      ;;
    text | '') ;;
    ini | sh | c)
      [[ ! $2 =~ \`([^\`]+)\`:$ ]] || path=${BASH_REMATCH[1]}
      if [ -n "$path" ]; then guide_file "$path"; else guide_files; fi
      ;;
    *) fail "$GUIDE_AT: a block of the kind '$1'; expected console, ini, sh, c or text" ;;
  esac
}

guide_blocks() { # GUIDE
  local line before='' number=0 info guidefd
  exec {guidefd}<"$GUIDES/$1" || fail "there is no $GUIDES/$1"
  while IFS= read -r line <&"$guidefd"; do
    number=$((number + 1))
    [[ $line == '```'* ]] || { [ -z "$line" ] || before=$line; continue; }
    info=${line#'```'} BLOCK='' GUIDE_AT=$1:$number
    while IFS= read -r line <&"$guidefd" && [ "$line" != '```' ]; do
      number=$((number + 1))
      BLOCK+=$line$'\n'
    done
    number=$((number + 1))
    guide_block "$info" "$before"
    before=''
  done
  exec {guidefd}<&-
}

# A guide in a sandbox, as a test: what is not run is a result of its own, skipped.
guide_test() { # GUIDE
  local skipped
  echo "[ RUN      ] $1"
  start_daemon
  guide_shell
  guide_blocks "$1"
  guide_shell_end
  finish
  echo "[       OK ] $1"
  for skipped in ${GUIDE_SKIPPED[@]+"${GUIDE_SKIPPED[@]}"}; do
    printf '[ RUN      ] %s\n%s\n[  SKIPPED ] %s\n' "${skipped%	*}" "${skipped#*	}" "${skipped%	*}"
  done
}
