#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# S38: leaves three containers running. When the machine shuts down they are stopped as they should be; what
# they say then is compared by ../lib_system.sh.
. "$(dirname "$0")/lib.sh" || exit 1

mkdir -p /var/lib/shutdown/by-unit
conf left <<<'[Namespace]'
payload_conf left "log /shared/log sleep" Files.Bind=/var/lib/shutdown:/shared
payload_conf by-unit "log /shared/log sleep" Container.Namespace=left Files.Bind=/var/lib/shutdown/by-unit:/shared
cat >/etc/netnsd/booted.container <<X
[Container]
Namespace=left
Directory=$DEBIAN
[Exec]
Boot=yes
Ephemeral=yes
NotifyReady=yes
[Files]
Bind=/var/lib/shutdown:/shared
BindReadOnly=/run/sandbox/last.service:/etc/systemd/system/last.service
X
cat >/run/sandbox/last.service <<'X'
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/true
ExecStop=/bin/sh -c 'echo stopped >/shared/booted'
X
start_netnsd
assert_ok ctl start left booted
assert_ok systemctl start netns@left.service 'netns-container@by\x2dunit.service'
assert_runs left
assert_runs by-unit
assert_runs booted
assert_ok systemctl --machine=booted start last.service
echo "passed"
