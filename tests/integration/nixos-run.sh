#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What comes of the files of the NixOS module: links as the kernel has them, arguments and credentials as payloads have
# them, a NixOS as payload, and what a switch restarts.
. "$(dirname "$0")/lib.sh" || exit 1
. "$(dirname "$0")/lib_container.sh" || exit 1
. "$(dirname "$0")/lib_nixos.sh" || exit 1
container_sandbox "$@"
nixos_setup

reload() {
  local command
  command=$(jq -r '.services.netnsd.serviceConfig.ExecReload[1]' <<<"$SYSTEM")
  # shellcheck disable=SC2086 # as systemd splits it
  assert_ok $command
}

# The system of the other payload: its init says that it is ready, and where it runs.
mkdir -p "$SANDBOX/nix/store/nixos-system-nixos-26.05"
cp /bin/busybox "$PAYLOAD" "$SANDBOX/nix/store/" || skip "needs /bin/busybox (busybox-static)"
cat >"$SANDBOX/nix/store/nixos-system-nixos-26.05/init" <<'SCRIPT'
#!/nix/store/busybox sh
exec /nix/store/payload log /nix/var/nix/profiles/log event "$(/nix/store/busybox hostname)" ready sleep
SCRIPT
chmod 755 "$SANDBOX/nix/store/nixos-system-nixos-26.05/init"
machine_root plain

step "namespaces and links, as the kernel has them"
build "$LAB"
assert_ok run_check
activate
start_daemon
assert_plan_empty
assert_json '.[0] | [.mtu, .ifalias, .linkinfo.info_kind]' "$(jq -n -c --arg line "$LINE" '[1400, $line, "veth"]')" \
  nsjson upstream link show eth0
assert_json '.[0].master' br-lan host_json link show ns-upstream
assert_json '[.[0].addr_info[] | select(.scope == "global") | .local] | sort | join(" ")' "10.30.0.2 fd00:30::2" \
  nsjson upstream addr show eth0
assert_json '[.[0].addr_info[] | select(.family == "inet") | .local] | join(" ")' 10.31.0.1 nsjson upstream addr show inner
assert_json '.[0] | [.gateway, .metric]' '["10.30.0.254",50]' nsjson upstream route show 198.51.100.0/24
assert_json '[.[] | select(.priority == 1000) | .src]' '["10.31.0.1"]' nsjson upstream rule
assert_json '[.[].dst]' '["10.30.0.99"]' nsjson upstream neigh show nud permanent
assert_eq "$(inns upstream cat /proc/sys/net/ipv4/ip_forward)" 1
assert_eq "$(grep -c '^nameserver' /etc/netns/upstream/resolv.conf)" 2
assert_json '[.[].name] | sort | join(" ")' "host lab@one lab@two nixos upstream" ctl list --json=short
assert_eq "$(ctl show --json=short upstream | jq -r .context.description)" "$LINE"
assert_eq "$(ctl show --json=short lab@one | jq -r .context.description)" "100%i"
assert_eq "$(ctl show --json=short lab@two | jq -r .context.description)" "Lab two of lab@two, 100%"
for name in lab@one lab@two; do
  assert_eq "$(links_of $name)" inner
done

step "arguments, environment and credentials, as the payload has them"
assert_ok ctl start plain
assert_runs plain
assert_eq "$(netns_of "$(leader_of plain)")" "$(ns_inode upstream)"
printf '%s\0' /payload log /shared/log event "$BYTES" event '' sleep | cmp - "/proc/$(leader_of plain)/cmdline" ||
  fail "arguments: $(od -c "/proc/$(leader_of plain)/cmdline")"
grep -z '^ODD=' "/proc/$(leader_of plain)/environ" | cmp - <(printf 'ODD=%s\0' "$WORD") || fail "environment"
inside plain cat /run/host/credentials/odd | cmp - <(printf %s "$BYTES") || fail "credential"

step "S4, S5, S41, S62: a NixOS starts in a namespace that it brings along"
assert_status 1 test -e /run/netns/nixos
assert_ok ctl start nixos
assert_runs nixos
assert_eq "$(netns_of "$(leader_of nixos)")" "$(ns_inode nixos)"
assert_json '[.[].ifname] | join(" ")' lo nsjson nixos link show up
assert_contains "$(cat "$SANDBOX/nix/var/log")" "nixos"
assert_eq "$(stat -c %a "$SANDBOX/nix/var")" 750

step "S9: a switch restarts the container that changed, and no other"
before=$(identity_of nixos)
plain=$(identity_of plain)
build "$LAB" '{ networking.namespaces.containers.plain = { Container.Description = "only a text"; }; }'
activate
reload
assert_eq "$(ctl show --json=short plain.container | jq -r .context.description)" "only a text"
assert_eq "$(identity_of plain) $(identity_of nixos)" "$plain $before"
build "$LAB" '{ networking.namespaces.containers.plain.Exec.Environment = [ "MORE=1" ]; }'
activate
reload
assert_soon is_another_than "$plain" plain
assert_eq "$(identity_of nixos)" "$before"
plain=$(identity_of plain)
build "$LAB" '{ networking.namespaces = { restartChanged = false; containers.plain.Exec.Environment = [ "MORE=2" ]; }; }'
activate
reload
assert_contains "$(ctl status plain.container)" "its settings have changed"
assert_eq "$(identity_of plain)" "$plain"

finish
