#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# netnsctl check, cat and edit: the files, without the daemon.
# shellcheck disable=SC2016 # what stands in single quotes is expanded by the editor
. "$(dirname "$0")/lib.sh" || exit 1
sandbox "$@"

export NETNSD_SOCKET=/run/nobody/listens

step "check is silent when all is well"
assert_status 0 ctl check
assert_eq "$OUTPUT" ""
conf good <<'EOT'
[Namespace]
Description=Good
EOT
assert_status 0 ctl check
assert_eq "$OUTPUT" ""
assert_eq "$(ctl check --json=short)" "[]"

step "every error of all files, each with file and line"
conf bad1 <<'EOT'
[Namespace]
Descripton=x
EOT
conf bad2 <<'EOT'
[Namespace]
Loopback=perhaps

[Bridg br0]
EOT
assert_status 1 ctl check
assert_contains "$OUTPUT" "error: /etc/netnsd/bad1.netns:2: [Namespace] Descripton: "
assert_contains "$OUTPUT" "error: /etc/netnsd/bad2.netns:2: [Namespace] Loopback: "
assert_contains "$OUTPUT" "error: /etc/netnsd/bad2.netns:4: "
assert_lacks "$OUTPUT" good.netns
assert_json '[.[] | select(.file == "/etc/netnsd/bad1.netns" and .line == 2 and .key == "Descripton" and .severity == "error")] | length' \
  1 eval 'ctl check --json=short || true'
assert_status 0 ctl check /etc/netnsd/good.netns
assert_status 1 ctl check /etc/netnsd/good.netns /etc/netnsd/bad1.netns
assert_lacks "$OUTPUT" bad2
assert_status 1 ctl check /etc/netnsd/no-such.netns
assert_contains "$OUTPUT" "/etc/netnsd/no-such.netns"
rm /etc/netnsd/bad*

step "a plugin that is no plugin is a warning"
mkdir /run/plugins
cp "$PLUGINS"/*.so /run/plugins/ 2>/dev/null
echo junk >/run/plugins/broken.so
NETNSD_PLUGIN_PATH=/run/plugins assert_status 0 ctl check
assert_contains "$OUTPUT" "warning: "
assert_contains "$OUTPUT" "broken.so"

step "cat prints the main file and its drop-ins in order; the strongest directory wins"
mkdir -p /run/netnsd/transient /etc/netnsd/one.netns.d /run/netnsd/transient/one.netns.d
conf one <<<'[Namespace]'
echo '# weak' >/run/netnsd/transient/one.netns
echo '# b' >/etc/netnsd/one.netns.d/b.conf
echo '# a' >/run/netnsd/transient/one.netns.d/a.conf
echo '# weak b' >/run/netnsd/transient/one.netns.d/b.conf
ln -s /dev/null /etc/netnsd/one.netns.d/c.conf
echo '# masked' >/run/netnsd/transient/one.netns.d/c.conf
echo '# no' >/etc/netnsd/one.netns.d/readme
assert_status 0 ctl cat one
assert_eq "$OUTPUT" "# /etc/netnsd/one.netns
[Namespace]

# /run/netnsd/transient/one.netns.d/a.conf
# a

# /etc/netnsd/one.netns.d/b.conf
# b"
assert_status 1 ctl cat none
assert_contains "$OUTPUT" "no file declares 'none'"
ln -s /dev/null /etc/netnsd/masked.netns
assert_status 1 ctl cat masked
assert_contains "$OUTPUT" "'masked' is masked by /etc/netnsd/masked.netns"
conf lab@ <<<'# template'
assert_contains "$(ctl cat lab@x)" "# /etc/netnsd/lab@.netns"
assert_status 1 ctl cat ../one
mkfifo /etc/netnsd/pipe.netns
assert_status 1 ctl cat pipe
rm -r /etc/netnsd/* /run/netnsd

step "edit checks the result before it is put in place"
editor() { # SHELL-COMMAND: what the next edit does to the file "$1"
  printf '#!/bin/sh\n%s\n' "$1" >/run/editor
  chmod +x /run/editor
}
export EDITOR=/run/editor TMPDIR=/run/tmp
unset SYSTEMD_EDITOR VISUAL
mkdir /run/tmp
editor 'printf "[Namespace]\nDescription=New\n" >"$1"'
assert_status 0 ctl edit fresh
assert_eq "$OUTPUT" "/etc/netnsd/fresh.netns: written; run 'netnsctl apply' to bring it into effect"
assert_eq "$(cat /etc/netnsd/fresh.netns)" $'[Namespace]\nDescription=New'
assert_eq "$(stat -c %a /etc/netnsd/fresh.netns)" 644
assert_eq "$(ls -A /run/tmp)" "" "copies left behind"
editor ':'
assert_status 0 ctl edit fresh
assert_contains "$OUTPUT" "unchanged"
editor 'printf "[Namespace]\nDescripton=Bad\n" >"$1"'
assert_status 1 ctl edit fresh
assert_contains "$OUTPUT" "fresh.netns:2: [Namespace] Descripton: "
assert_contains "$OUTPUT" "was not changed, because the result has errors; it is kept in /run/tmp/"
assert_eq "$(cat /etc/netnsd/fresh.netns)" $'[Namespace]\nDescription=New'
assert_eq "$(cat /run/tmp/*/fresh.netns)" $'[Namespace]\nDescripton=Bad' "the kept copy"
rm -r /run/tmp/*
editor 'exit 3'
assert_status 1 ctl edit fresh
assert_contains "$OUTPUT" "the editor failed"
assert_eq "$(ls -A /run/tmp)" "" "copies left behind"
EDITOR=/no/such/editor assert_status 1 ctl edit fresh
assert_contains "$OUTPUT" "cannot run the editor '/no/such/editor'"
# Somebody else's error is no reason to refuse this edit.
conf other <<<'[Nonsense]'
editor 'printf "[Namespace]\nDescription=Newer\n" >"$1"'
assert_status 0 ctl edit fresh
assert_contains "$(cat /etc/netnsd/fresh.netns)" Newer
assert_status 2 ctl edit ../../etc/passwd
assert_eq "$(ls -A /etc/netnsd)" $'fresh.netns\nother.netns'

step "containers: NAME.container, beside a namespace of that name"
rm -r /etc/netnsd/*
# An nspawn that knows all that netnsd passes by itself, --bind-ro, and no more.
cat >/run/nspawn <<'EOT'
#!/bin/sh
case "$1" in
--version) echo 'systemd 239 (239-1)' ;;
--help)
  for option in quiet keep-unit register machine settings console directory image private-network \
    network-namespace-path resolv-conf kill-signal notify-ready link-journal bind-ro boot; do
    echo "     --$option=X"
  done
  ;;
esac
EOT
chmod +x /run/nspawn
export NETNSD_NSPAWN=/run/nspawn
conf web <<<'[Namespace]'
container() { # NAME: /etc/netnsd/NAME.container from standard input
  cat >"/etc/netnsd/$1.container"
}
container web <<'EOT'
[Container]
Directory=/srv/web
[Exec]
Boot=yes
[Files]
BindReadOnly=/srv/data
EOT
assert_status 0 ctl check
assert_eq "$OUTPUT" ""
assert_status 0 ctl check /etc/netnsd/web.container /etc/netnsd/web.netns
assert_eq "$OUTPUT" ""
# Alone it cannot know the namespace.
assert_status 0 ctl check /etc/netnsd/web.container
assert_contains "$OUTPUT" "warning: /etc/netnsd/web.container:1: [Container]: the namespace 'web' is in none of these files"

step "what the installed nspawn lacks is told where it is wanted"
mkdir /etc/netnsd/web.container.d
printf '[Exec]\nSuppressSync=yes\n' >/etc/netnsd/web.container.d/sync.conf
assert_status 1 ctl check
assert_contains "$OUTPUT" "error: /etc/netnsd/web.container.d/sync.conf:2: [Exec] SuppressSync: "
assert_contains "$OUTPUT" "version 239"
assert_contains "$OUTPUT" "--suppress-sync"
assert_json '[.[] | select(.line == 2 and .key == "SuppressSync" and .severity == "error")] | length' \
  1 eval 'ctl check --json=short || true'
NETNSD_NSPAWN=/run/no-such-nspawn assert_status 0 ctl check
assert_contains "$OUTPUT" "warning: what containers need of systemd-nspawn is not checked: "
assert_contains "$OUTPUT" "/run/no-such-nspawn"
# Without containers nobody needs one.
mkdir /run/aside
mv /etc/netnsd/web.container* /run/aside
NETNSD_NSPAWN=/run/no-such-nspawn assert_status 0 ctl check
assert_eq "$OUTPUT" ""
mv /run/aside/* /etc/netnsd

step "cat: a bare name is the namespace"
assert_status 0 ctl cat web
assert_eq "$OUTPUT" $'# /etc/netnsd/web.netns\n[Namespace]'
assert_status 0 ctl cat web.netns
assert_eq "$OUTPUT" $'# /etc/netnsd/web.netns\n[Namespace]'
assert_status 0 ctl cat web.container
assert_eq "$OUTPUT" "# /etc/netnsd/web.container
[Container]
Directory=/srv/web
[Exec]
Boot=yes
[Files]
BindReadOnly=/srv/data

# /etc/netnsd/web.container.d/sync.conf
[Exec]
SuppressSync=yes"
assert_status 1 ctl cat none.container
assert_contains "$OUTPUT" "there is no none.container in /etc/netnsd"
assert_contains "$OUTPUT" "'netnsctl edit none.container'"
assert_status 1 ctl cat a_b.container
assert_contains "$OUTPUT" "no name a container can have"
rm -r /etc/netnsd/web.container.d

step "edit of a container"
editor 'grep -q "^Boot=yes" "$1" && printf "[Exec]\nBoot=yes\n[Container]\nNamespace=web\n" >"$1"'
assert_status 0 ctl edit fresh.container
assert_eq "$OUTPUT" "/etc/netnsd/fresh.container: written; run 'netnsctl apply' to bring it into effect"
assert_eq "$(cat /etc/netnsd/fresh.container)" $'[Exec]\nBoot=yes\n[Container]\nNamespace=web'
editor 'printf "[Exec]\nBoot=yes\nSuppressSync=no\n" >"$1"'
assert_status 1 ctl edit web.container
assert_contains "$OUTPUT" "web.container:3: [Exec] SuppressSync: "
assert_contains "$OUTPUT" "was not changed"
assert_contains "$(cat /etc/netnsd/web.container)" Directory=/srv/web
rm -r /run/tmp/*
assert_status 2 ctl edit a_b.container
assert_contains "$OUTPUT" "no name a container can have"
assert_eq "$(ls -A /etc/netnsd)" $'fresh.container\nweb.container\nweb.netns'

echo passed
