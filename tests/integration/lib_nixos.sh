# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: LGPL-2.1-or-later
# What tests of the NixOS module source after lib.sh. It is evaluated by nix-instantiate, with a small lib in place of
# nixpkgs' one (nixos/lib.nix); NIXPKGS_LIB=DIRECTORY takes the real one. What NixOS would build is built here:
#
#   nixos_setup                       # in the sandbox
#   build "$LAB" '{ more = 1; }'      # modules, as Nix expressions, to $SYSTEM and $STORE
#   assert_ok run_check               # netnsctl check, as in a build
#   activate                          # /etc/netnsd

STORE=$SANDBOX/store
MODULE=$NETNSD_SRCDIR/conf/nixos
LAB="(import $TEST_LIB/nixos/lab.nix)"

# Of a line, of a variable (nspawn takes no more), and all that can be an argument or in a credential.
LINE=$'100% of "it", it\'s %n $HOME \\ `x` [y] #z ;é' # no blank or backslash at its ends
WORD=$'%i "a" \'b\' \\ $c\tnew\nline;é '
BYTES="$WORD"$'\x01\x02\x03\x04\x05\x06\x07\x08\x0b\x0c\r\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f\x7f \\ '

nixos_setup() {
  need_program nix-instantiate
  # Nothing of Nix' own outside of here: no store, no state.
  export HOME=$SANDBOX/home NIX_REMOTE=dummy:// NIX_STORE_DIR=$SANDBOX/no-store NIX_STATE_DIR=$SANDBOX/no-state \
    NIX_CONF_DIR=$SANDBOX/no-conf
  unset NIX_PATH
  mkdir -p "$STORE/netnsd/bin" "$STORE/netnsd/lib/netnsd/plugins" "$HOME"
  cp "$NETNSCTL" "$STORE/netnsd/bin/"
  cp "$PLUGINS"/*.so "$STORE/netnsd/lib/netnsd/plugins/"
  jq -n --arg line "$LINE" --arg word "$WORD" --arg bytes "$BYTES" '$ARGS.named' >"$SANDBOX/odd.json"
}

# --- evaluation -------------------------------------------------------------------------------

evaluate() { # MODULE...: Nix expressions
  nix-instantiate --eval --strict --json "$TEST_LIB/nixos/eval.nix" --arg module "$MODULE" --argstr store "$STORE" \
    --arg configuration "[ $* ]" ${NIXPKGS_LIB:+--arg lib "import $NIXPKGS_LIB"}
}

build() { # MODULE...: to $SYSTEM, and its store
  local path text
  SYSTEM=$(evaluate "$@" 2>"$SANDBOX/nix.log") || fail "cannot be evaluated: $(cat "$SANDBOX/nix.log")"
  assert_eq "$(jq -c .failed <<<"$SYSTEM")" null "assertions"
  while read -r path text; do
    base64 -d <<<"$text" >"$path"
  done < <(jq -r '.stored[] | .path + " " + (.text | @base64)' <<<"$SYSTEM")
}

# As in Nix' sandbox: some user, and files of the store that are nobody's.
run_check() {
  local script
  script=$(jq -r '.checks[]' <<<"$SYSTEM")
  chown -R 65534:65534 "$STORE"
  rm -rf "$SANDBOX/build"
  mkdir "$SANDBOX/build"
  chown 1000:1000 "$SANDBOX/build"
  (cd "$SANDBOX/build" && out=$SANDBOX/build/out setpriv --reuid=1000 --regid=1000 --clear-groups "$BASH" -e -c "$script")
}

# /etc/netnsd as NixOS makes it: links into the store, which is root's.
activate() {
  local name path
  chown -R 0:0 "$STORE"
  rm -rf /etc/netnsd/*
  while read -r name path; do
    mkdir -p "/etc/${name%/*}"
    ln -s "$path" "/etc/$name"
  done < <(jq -r '.etc | to_entries[] | select(.key | startswith("netnsd/")) | .key + " " + .value' <<<"$SYSTEM")
}
