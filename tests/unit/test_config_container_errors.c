/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bad *.container files: what is told, with file, line and key, and that the others go on. */
#include "config_load.h"

#include "cleanup.h"
#include "desired_container.h"
#include "lib_config.h"
#include "nspawn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A bad value: "[SECTION]\nKEY=VALUE\n" is told at line 2 of that key. */
struct bad_value {
	const char *section, *key;
	const char *values[24]; /* each is an error of its own */
	const char *expected;	/* what the message holds */
};

#define LONG                                                                                                 \
	"/1234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567" \
	"890"                                                                                                \
	"12345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678" \
	"90"                                                                                                 \
	"12345678901234567890123456789012345678901234567890123456"

static const struct bad_value values[] = {
	{"Container", "Namespace", {"a/b", "-a", "a b"}, "expected the name of a namespace"},
	{"Container",
	 "Directory",
	 {"relative", "/a/../b", "/a/./b", "/..", "..", "./x", LONG},
	 "expected an absolute path"},
	{"Container", "Image", {"x.raw"}, "expected an absolute path"},
	{"Container", "Template", {"x"}, "expected an absolute path"},
	{"Container", "AutoStart", {"perhaps", "2"}, "expected yes or no"},
	{"Container", "RootSizeMax", {"0", "1K", "-1", "50%", "much", "infinity", "9E"}, "expected a size"},
	{"Container",
	 "CreateDirectory",
	 {"x", "/x:999", "/x:07777:", "/x:0700:a b", "/x:0700:a:b:c", "/x:0700::-g", "/x/../y", ":0700"},
	 "PATH[:MODE[:USER[:GROUP]]]"},
	{"Container",
	 "MachineID",
	 {"0", "xyz", "00000000000000000000000000000000", "0123456789abcdef0123456789abcdeg"},
	 "expected random, stable or 32 hexadecimal digits"},
	{"Container", "Register", {"maybe"}, "expected auto, yes or no"},
	{"Container", "Settings", {"overide"}, "did you mean 'override'?"},
	{"Container", "ResetOnRestart", {"x"}, "yes or no"},
	{"Container", "AfterNetwork", {"x"}, "yes or no"},
	{"Container", "AutoDelete", {"yes"}, "belongs into [Namespace]"},
	{"Container", "Descripton", {"x"}, "did you mean 'Description'?"},
	{"Container", "Bind", {"/x"}, "belongs into [Files]"},
	{"Exec", "Boot", {"x"}, "yes or no"},
	{"Exec", "Ephemeral", {"x"}, "yes or no"},
	{"Exec", "NotifyReady", {"x"}, "yes or no"},
	{"Exec", "ProcessTwo", {"x"}, "yes or no"},
	{"Exec", "Parameters", {"a \"b", "\\q", "\\xff", "a\\x00b"}, "expected words"},
	{"Exec", "Environment", {"A", "=x", "1A=x", "A-B=x", "A=1 B", "\\xc3\\xb6=1"}, "NAME=VALUE"},
	{"Exec", "Environment", {"A=\\xff"}, "UTF-8"},
	{"Exec", "User", {"a b", "-x", "a:b", "a/b", ".."}, "expected the name or number of a user"},
	{"Exec", "WorkingDirectory", {"x", "/a/.."}, "expected an absolute path inside the container"},
	{"Exec", "PivotRoot", {"x", "/a:b", "/a:/b:/c", ":/a", "/a:"}, "expected NEW or NEW:OLD"},
	{"Exec",
	 "Capability",
	 {"NET_ADMIN", "CAP_FOO", "12", "ALL", "CAP_CHOWN,CAP_KILL"},
	 "expected the name of a capability"},
	{"Exec", "DropCapability", {"foo"}, "the names begin with CAP_"},
	{"Exec", "AmbientCapability", {"all", "CAP_CHOWN all"}, "does not take all"},
	{"Exec", "NoNewPrivileges", {"x"}, "yes or no"},
	{"Exec", "KillSignal", {"SIGFOO", "0", "65", "RTMIN+99"}, "expected a signal"},
	{"Exec", "Personality", {"x86_64", "vax"}, "expected "},
	{"Exec", "MachineID", {"stable"}, "in [Container]"},
	{"Exec",
	 "PrivateUsers",
	 {"some", "-1", "1:", ":2", "1:0", "4294967295", "1:2:3", "4294901761:65536"},
	 "FIRST[:COUNT]"},
	{"Exec",
	 "SystemCallFilter",
	 {"Open", "a,b", "open ~close", "~", "@", "a/b"},
	 "names of system calls"},
	{"Exec", "RestrictAddressFamilies", {"INET", "AF_inet", "AF_INET ~AF_UNIX"}, "AF_INET"},
	{"Exec", "LimitCPU", {"x", "1:x", "5:1", "1s:2s:3s"}, "a time span"},
	{"Exec", "LimitFSIZE", {"x", "2M:1M", "infinity:1"}, "a size"},
	{"Exec", "LimitNOFILE", {"1K", "10:5", "-1", "1 :2", ":", "1:"}, "expected a number"},
	{"Exec", "LimitNICE", {"+20", "-21", "41", "x"}, "nice level"},
	{"Exec", "LimitRTTIME", {"x"}, "50ms"},
	{"Exec", "OOMScoreAdjust", {"1001", "-1001", "x", "1.5"}, "from -1000 to 1000"},
	{"Exec", "CPUAffinity", {"3-1", "1024", "x", "-1", "1-", "0-1024"}, "expected CPUs"},
	{"Exec", "Hostname", {"a_b", "a.", "-a", ".a", "a..b"}, "expected a host name"},
	{"Exec", "ResolvConf", {"copy", "yes"}, "expected off, copy-host"},
	{"Exec", "Timezone", {"Europe/Berlin"}, "expected off, copy, bind, symlink, delete or auto"},
	{"Exec", "LinkJournal", {"yes"}, "expected no, host"},
	{"Exec", "SuppressSync", {"x"}, "yes or no"},
	{"Exec", "Bot", {"yes"}, "did you mean 'Boot'?"},
	{"Exec", "RestartSec", {"1"}, "belongs into [Service]"},
	{"Files", "ReadOnly", {"x"}, "yes or no"},
	{"Files", "Volatile", {"x"}, "expected no, yes, state or overlay"},
	{"Files",
	 "Bind",
	 {"x", "/a:b", "/a:/b:foo", "/a:/b:rbind,", "/a:/b:rbind:x", "/a:", ":", "/a/../b", "/a:/b/..", "~/x",
	  "/a:/b:"},
	 "expected SOURCE"},
	{"Files", "BindReadOnly", {"-+/a", "-:/a"}, "goes before an absolute path on the host"},
	{"Files", "BindReadOnly", {"--/a", "-a"}, "expected SOURCE"},
	{"Files", "BindUser", {"a/b"}, "expected names of users"},
	{"Files", "TemporaryFileSystem", {"x", "/x:a b", "/../x"}, "expected PATH or PATH:OPTIONS"},
	{"Files", "Inaccessible", {"x", "+/x", "/a/../b"}, "expected an absolute path"},
	{"Files",
	 "Overlay",
	 {"/a", "/a:b", "/a:", ":/a", "::/b", "/a::/b:/c", "a:/b", "/a/..:/b"},
	 "expected at least two absolute paths"},
	{"Files", "OverlayReadOnly", {"/a"}, "expected at least two absolute paths"},
	{"Files", "PrivateUsersOwnership", {"yes"}, "expected off, chown, map or auto"},
	{"Files", "PrivateUsersChown", {"yes"}, "use PrivateUsersOwnership=chown"},
	{"Files", "Boot", {"yes"}, "belongs into [Exec]"},
	{"Service", "Restart", {"onfailure", "yes"}, "expected no, on-success, on-failure"},
	{"Service", "RestartSec", {"x", "-1", "1 fortnight"}, "expected a time span"},
	{"Service", "RestartSteps", {"x", "-1", "4294967296"}, "expected a number"},
	{"Service", "RestartMaxDelaySec", {"0", "x"}, "more than 0"},
	{"Service", "RestartForceExitStatus", {"256", "-1", "SIGFOO", "1,2"}, "expected exit statuses"},
	{"Service", "RestartPreventExitStatus", {"x"}, "expected exit statuses"},
	{"Service", "SuccessExitStatus", {"x"}, "expected exit statuses"},
	{"Service", "StartLimitIntervalSec", {"x"}, "expected a time span"},
	{"Service", "StartLimitBurst", {"x"}, "expected a number"},
	{"Service", "TimeoutStartSec", {"x"}, "expected a time span"},
	{"Service", "TimeoutStopSec", {"x"}, "expected a time span"},
	{"Service", "TimeoutSec", {"x"}, "expected a time span"},
	{"Service", "KillSignal", {"x"}, "expected a signal"},
	{"Service", "WatchdogSec", {"x"}, "expected a time span"},
	{"Service", "LoadCredential", {"tls", ":/x", "a/b:/x", "..:/x", "\xc3\xb6:/x"}, "printable ASCII"},
	{"Service", "LoadCredential", {"a:x", "a:/x/../y", "a:"}, "expected ID:PATH"},
	{"Service", "SetCredential", {"x", ".:y", "a/b:c"}, "printable ASCII"},
	{"Service", "SetCredential", {"a:\\q", "a:\\x1", "a:\\8"}, "C-style escapes"},
	{"Service", "MemoryMax", {"0", "1K", "x", "-1", "101%", "0%"}, "expected a size"},
	{"Service", "TasksMax", {"0", "x", "-1"}, "expected a number from 1"},
	{"Service", "TasksMax", {"50%"}, "percentages are not taken"},
	{"Service", "CPUQuota", {"0%", "50", "x", "1.234%", ".5%", "50%x", "99999999999%"}, ""},
	{"Service", "DevicePolicy", {"open"}, "expected auto, closed or strict"},
	{"Service",
	 "DeviceAllow",
	 {"/tmp/x", "tun", "/dev/x rwx", "/dev/x r w", "/dev/../x", "/dev/x/", "char-", "/dev/x rwmr"},
	 "expected a device"},
	{"Service",
	 "Slice",
	 {"machine", "a.service", ".slice", "-a.slice", "a-.slice", "a--b.slice", "a/b.slice", "a@b.slice"},
	 "expected the name of a slice"},
	{"Service", "ConditionCapability", {"NET_ADMIN", "!x", "CAP_CHOWN CAP_KILL", "all"}, "capability"},
	{"Service", "ConditionCapability", {"|CAP_CHOWN"}, "all must be met"},
	{"Service", "After", {"b_c", "x@y", "sshd.service_"}, "expected names of containers"},
	{"Service", "HealthCmd", {"\"a"}, "expected words"},
	{"Service",
	 "HealthTcp",
	 {"0", "65536", "x", "080", "::1:80", "[10.0.0.1]:80", "10.0.0.1", "10.0.0.1:", "[::1]", "[::1]80",
	  ":80", "host:80", "[]:80", "]:80", "[:80"},
	 "expected PORT"},
	{"Service", "HealthIntervalSec", {"0", "x"}, "more than 0"},
	{"Service", "HealthTimeoutSec", {"0", "x"}, "more than 0"},
	{"Service", "HealthRetries", {"0", "x"}, "from 1"},
	{"Service", "HealthAction", {"reboot"}, "expected restart, stop or report"},
	{"Service", "ExecStart", {"/bin/x"}, "what is run is systemd-nspawn"},
	{"Service", "Type", {"notify"}, "NotifyReady="},
	{"Service", "KillMode", {"mixed"}, "always mixed"},
	{"Service", "Before", {"x"}, "After="},
	{"Service", "Environment", {"A=1"}, "belongs into [Exec]"},
	{"Service", "RestartSecs", {"1"}, "did you mean 'RestartSec'?"},
};

static void try_value(struct scene *s, const struct bad_value *v, const char *value)
{
	char text[1024], where[128];

	snprintf(text, sizeof(text), "[%s]\n%s=%s\n", v->section, v->key, value);
	snprintf(where, sizeof(where), "web.container:2: [%s] %s: ", v->section, v->key);
	scene_write(s, "etc/web.container", text);
	scene_load(s);
	if (s->diags.errors != 1)
		print_error("%s", text);
	scene_expect_count(s, 1);
	scene_expect(s, DIAG_ERROR, where, v->expected, NULL);
	assert_null(desired_find_container(s->desired, "web"));
	assert_non_null(desired_find(s->desired, "web"));
}

static void test_values(void **state)
{
	struct scene *s = *state;

	scene_write(s, "etc/web.netns", "");
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		for (size_t k = 0; k < 24 && values[i].values[k]; k++)
			try_value(s, &values[i], values[i].values[k]);
}

/* --- keys that do not fit together ------------------------------------------------------------------------
 */

struct bad {
	const char *text;
	const char *where;
	const char *words[3];
};

#define RUN "[Exec]\nParameters=/bin/true\n"

static const struct bad cases[] = {
	{"[Container x]\n" RUN, "web.container:1: [Container x]:", {"takes no title"}},
	{"[Container]\n[Container]\n" RUN, "web.container:2:", {"twice"}},
	{"[Contaner]\n" RUN, "web.container:1: [Contaner]:", {"did you mean 'Container'?"}},
	{"[Namespace]\n" RUN, "web.container:1: [Namespace]:", {"*.netns file", "Namespace= in [Container]"}},
	{"[Network]\nPrivate=yes\n" RUN, "web.container:1: [Network]:", {"links and addresses belong into"}},
	{"[Veth eth0]\n" RUN, "web.container:1: [Veth eth0]:", {"links and addresses belong into"}},
	{"[Route x]\n" RUN, "web.container:1: [Route x]:", {"links and addresses belong into"}},
	{"[Unit]\n" RUN, "web.container:1: [Unit]:", {"After= and Requires="}},
	{"[Install]\n" RUN, "web.container:1: [Install]:", {"AutoStart="}},
	{"", "web.container:", {"there is nothing to run", "Boot=yes or Parameters="}},
	{"[Exec]\nBoot=no\n", "web.container:2: [Exec] Boot:", {"there is nothing to run"}},
	{"[Container]\nDirectory=/a\nImage=/b\n" RUN, "web.container:3: [Container] Image:", {"one root"}},
	{"[Container]\nTemplate=/a\nDirectory=/b\n" RUN,
	 "web.container:2: [Container] Template:",
	 {"one root"}},
	{"[Container]\nDirectory=/\n" RUN,
	 "web.container:2: [Container] Directory:",
	 {"the host's own root"}},
	{"[Container]\nDirectory=/a\nRootSizeMax=1M\n" RUN,
	 "web.container:3: [Container] RootSizeMax:",
	 {"memory"}},
	{"[Container]\nImage=/a\nRootSizeMax=1M\n" RUN "Ephemeral=yes\n",
	 "web.container:3: [Container] RootSizeMax:",
	 {"memory"}},
	{"[Container]\nTemplate=/a\nRootSizeMax=1M\n" RUN,
	 "web.container:3: [Container] RootSizeMax:",
	 {"memory"}},
	{"[Container]\nNamespace=host\nImage=/a\n" RUN
	 "Ephemeral=yes\nPrivateUsers=yes\n[Files]\nPrivateUsersOwnership=chown\n",
	 "web.container:9: [Files] PrivateUsersOwnership:",
	 {"read-only"}},
	{"[Exec]\nBoot=yes\nProcessTwo=yes\n", "web.container:3: [Exec] ProcessTwo:", {"process 1"}},
	{"[Exec]\nBoot=yes\nAmbientCapability=CAP_CHOWN\n",
	 "web.container:3: [Exec] AmbientCapability:",
	 {"init"}},
	{RUN "AmbientCapability=CAP_BPF\n", "web.container:3: [Exec] AmbientCapability:", {"cap_bpf"}},
	{RUN "AmbientCapability=CAP_KILL\nDropCapability=all\n",
	 "web.container:3: [Exec] AmbientCapability:",
	 {"cap_kill"}},
	{RUN "KillSignal=TERM\n[Service]\nKillSignal=INT\n",
	 "web.container:5: [Service] KillSignal:",
	 {"[Exec] says TERM", "web.container:3"}},
	{RUN "[Files]\nBindUser=x\n", "web.container:4: [Files] BindUser:", {"PrivateUsers="}},
	{"[Container]\nNamespace=host\n" RUN
	 "PrivateUsers=yes\n[Files]\nPrivateUsersOwnership=chown\nVolatile=state\n",
	 "web.container:7: [Files] PrivateUsersOwnership:",
	 {"read-only"}},
	{RUN "[Service]\nSetCredential=a:b\nLoadCredential=a:/b\n",
	 "web.container:5: [Service] LoadCredential:",
	 {"in both"}},
	{"[Container]\nDescription=%x\n" RUN,
	 "web.container:2: [Container] Description:",
	 {"unknown specifier"}},
	/* other files */
	{RUN "PrivateUsers=pick\n",
	 "web.container:3: [Exec] PrivateUsers:",
	 {"'web'", "would not own it", "36363"}},
	{RUN "PrivateUsers=0\n", "web.container:3: [Exec] PrivateUsers:", {"'web'"}},
	{"[Container]\nNamespace=wbe\n" RUN,
	 "web.container:2: [Container] Namespace:",
	 {"nobody declares the namespace 'wbe'", "did you mean 'web'?"}},
	{RUN "[Service]\nAfter=dbb.container\n",
	 "web.container:4: [Service] After:",
	 {"nobody declares the container 'dbb'", "did you mean 'db'?"}},
	{RUN "[Service]\nRequires=nobody\n", "web.container:4: [Service] Requires:", {"'nobody'"}},
	{RUN "[Service]\nAfter=web\n", "web.container:4: [Service] After:", {"names itself"}},
	{RUN "[Service]\nAfter=web.netns\n", "web.container:4: [Service] After:", {"'web.netns'"}},
};

static void test_cases(void **state)
{
	struct scene *s = *state;

	scene_write(s, "etc/web.netns", "");
	scene_write(s, "etc/db.container", "[Container]\nNamespace=web\n" RUN);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct bad *b = &cases[i];

		scene_write(s, "etc/web.container", b->text);
		scene_load(s);
		if (s->diags.errors != 1)
			print_error("%s", b->text);
		scene_expect_count(s, 1);
		scene_expect(s, DIAG_ERROR, b->where, b->words[0], b->words[1] ?: "", b->words[2] ?: "",
			     NULL);
		assert_null(desired_find_container(s->desired, "web"));
		assert_non_null(desired_find_container(s->desired, "db"));
	}
}

struct odd {
	const char *text, *where, *word;
};
static const struct odd oddities[] = {
	{RUN "[Service]\nRestartSteps=3\n",
	 "web.container:4: [Service] RestartSteps:", "without RestartMaxDelaySec="},
	{RUN "[Service]\nRestartMaxDelaySec=3\n", "web.container:4:", "without RestartSteps="},
	{RUN "[Service]\nRestartMaxDelaySec=3\nRestartSteps=2\nRestartSec=4\n",
	 "web.container:4:", "shorter than"},
	{RUN "[Service]\nHealthRetries=3\n",
	 "web.container:4: [Service] HealthRetries:", "without HealthCmd="},
	{RUN "[Service]\nRequires=db\n", "web.container:4: [Service] Requires:", "add After=db"},
};

static void test_warnings(void **state)
{
	struct scene *s = *state;

	scene_write(s, "etc/web.netns", "");
	scene_write(s, "etc/db.container", "[Container]\nNamespace=web\n" RUN);
	for (size_t i = 0; i < sizeof(oddities) / sizeof(oddities[0]); i++) {
		scene_write(s, "etc/web.container", oddities[i].text);
		scene_load_good(s);
		assert_int_equal(s->diags.count, 1);
		scene_expect(s, DIAG_WARNING, oddities[i].where, oddities[i].word, NULL);
		assert_non_null(desired_find_container(s->desired, "web"));
	}
	/* Ordered by the other one's file. */
	scene_write(s, "etc/web.container", RUN "[Service]\nRequires=db\n");
	scene_write(s, "etc/db.container", "[Container]\nNamespace=web\n" RUN "[Service]\nAfter=web\n");
	scene_load_good(s);
	assert_int_equal(s->diags.count, 0);
}

/* All of one file in one run, and of all files. */
static void test_all_at_once(void **state)
{
	struct scene *s = *state;

	scene_write(s, "etc/a.container", "[Container]\nNamespace=nowhere\nOops=1\n[Exec]\nBoot=x\n");
	scene_write(s, "etc/b.container", "[Service]\nRestart=x\nAfter=y\n");
	scene_load(s);
	scene_expect(s, DIAG_ERROR, "a.container:2: [Container] Namespace:", "nobody declares", NULL);
	scene_expect(s, DIAG_ERROR, "a.container:3: [Container] Oops:", NULL);
	scene_expect(s, DIAG_ERROR, "a.container:5: [Exec] Boot:", NULL);
	scene_expect(s, DIAG_ERROR, "b.container:2: [Service] Restart:", NULL);
	scene_expect(s, DIAG_ERROR, "b.container:3: [Service] After:", NULL);
	scene_expect_count(s, 5);
}

/* --- what needs another that is out
 * -------------------------------------------------------------------------- */

static void test_namespaces_with_errors(void **state)
{
	struct scene *s = *state;

	scene_write(s, "etc/web.netns", "[Namespace]\nOops=1\n");
	scene_write(s, "etc/web.container", RUN);
	scene_write(s, "etc/other.container", "[Container]\nNamespace=web\n" RUN);
	scene_write(s, "etc/needs.container",
		    "[Container]\nNamespace=host\n" RUN "[Service]\nRequires=other\nAfter=other\n");
	scene_write(s, "etc/after.container",
		    "[Container]\nNamespace=host\n" RUN "[Service]\nAfter=other needs\n");
	scene_write(s, "etc/fine.container", "[Container]\nNamespace=host\n" RUN);
	scene_load(s);
	scene_expect_count(s, 4);
	scene_expect(s, DIAG_ERROR, "web.container", "the namespace 'web' cannot be used", NULL);
	scene_expect(s, DIAG_ERROR, "other.container:2: [Container] Namespace:", "cannot be used", NULL);
	scene_expect(s, DIAG_ERROR,
		     "needs.container:6: [Service] Requires:", "the container 'other' cannot be used", NULL);
	/* Order alone needs nobody. */
	scene_expect(s, DIAG_WARNING, "after.container:6: [Service] After:", "nothing to wait for", "'needs'",
		     NULL);
	assert_int_equal(HASH_COUNT(s->desired->containers), 2);
	assert_int_equal(strv_length(desired_find_container(s->desired, "after")->after), 0);
	assert_non_null(desired_find_container(s->desired, "fine"));
}

static char *give_namespace(const char *object, void *data)
{
	(void)data;
	return str_equal(object, "web.netns") ? strdup("[Namespace]\nDescription=last good\n") : NULL;
}

static void test_namespace_with_last_good(void **state)
{
	struct scene *s = *state;

	scene_write(s, "etc/web.netns", "[Namespace]\nOops=1\n");
	scene_write(s, "etc/web.container", RUN);
	s->request.fallback = give_namespace;
	scene_load(s);
	scene_expect_count(s, 1);
	assert_non_null(desired_find_container(s->desired, "web"));
	assert_string_equal(scene_netns(s, "web")->description, "last good");
}

static void write_after(struct scene *s, const char *name, const char *key, const char *others)
{
	char path[64], text[256];

	snprintf(path, sizeof(path), "etc/%s.container", name);
	snprintf(text, sizeof(text), "[Container]\nNamespace=host\n" RUN "[Service]\n%s=%s\n", key, others);
	scene_write(s, path, text);
}

static void test_circles(void **state)
{
	struct scene *s = *state;

	write_after(s, "a", "After", "b");
	write_after(s, "b", "After", "x c");
	write_after(s, "c", "After", "a");
	write_after(s, "x", "After", "y");
	write_after(s, "y", "After", "");
	write_after(s, "z", "After", "a x");
	scene_load(s);
	scene_expect_count(s, 1);
	scene_expect(s, DIAG_ERROR,
		     "a.container:6: [Service] After:", "After= runs in a circle: a after b after c after a",
		     NULL);
	assert_int_equal(HASH_COUNT(s->desired->containers), 5);
	write_after(s, "a", "Requires", "b");
	write_after(s, "b", "Requires", "c");
	write_after(s, "c", "Requires", "b");
	scene_load(s);
	scene_expect(s, DIAG_ERROR, "b.container:6: [Service] Requires:",
		     "Requires= runs in a circle: b requires c requires b", NULL);
	/* Requires one way and After the other is no circle. */
	write_after(s, "a", "Requires", "b");
	write_after(s, "b", "After", "a");
	write_after(s, "c", "After", "");
	scene_load_good(s);
}

/* A chain of many is walked without a stack of that depth. */
static void test_long_chain(void **state)
{
	struct scene *s = *state;
	char name[16], next[16];

	for (unsigned i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "c%03u", i);
		snprintf(next, sizeof(next), "c%03u", (i + 1) % 500);
		write_after(s, name, "After", i == 499 ? "" : next);
	}
	scene_load_good(s);
	write_after(s, "c499", "After", "c000");
	scene_load(s);
	scene_expect_count(s, 1);
	scene_expect(s, DIAG_ERROR, "c000.container:6:", "c000 after c001 after c002", NULL);
}

/* --- bounds
 * ------------------------------------------------------------------------------------------------------ */

static void write_many(struct scene *s, const char *section, const char *line, unsigned n)
{
	struct strbuf text = {0};

	strbuf_printf(&text, "[%s]\n", section);
	for (unsigned i = 0; i < n; i++)
		strbuf_printf(&text, "%s%u\n", line, i);
	scene_write(s, "etc/web.container", RUN);
	scene_write(s, "etc/web.container.d/many.conf", text.data);
	strbuf_free(&text);
	scene_load(s);
}

static void test_bounds(void **state)
{
	static const struct {
		const char *section, *line;
		unsigned most;
		const char *told;
	} bounds[] = {{"Files", "Bind=/x", 4096, "at most 4096"},
		      {"Container", "CreateDirectory=/x", 256, "more than 256"},
		      {"Service", "DeviceAllow=/dev/x", 256, "more than 256"},
		      {"Service", "HealthCmd=x", 4096, "more than 4096"},
		      {"Exec", "Environment=A=", 4096, "at most 4096"}};
	struct scene *s = *state;

	scene_write(s, "etc/web.netns", "");
	for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
		write_many(s, bounds[i].section, bounds[i].line, bounds[i].most);
		scene_expect_count(s, 0);
		write_many(s, bounds[i].section, bounds[i].line, bounds[i].most + 1);
		scene_expect_count(s, 1);
		scene_expect(s, DIAG_ERROR, "web.container", bounds[i].told, NULL);
	}
}

static void test_credential_bound(void **state)
{
	struct scene *s = *state;
	struct strbuf text = {0};

	scene_write(s, "etc/web.netns", "");
	strbuf_puts(&text, RUN "[Service]\n");
	for (unsigned i = 0; i < 256; i++)
		strbuf_printf(&text, "SetCredential=c%u:x\n", i);
	scene_write(s, "etc/web.container", text.data);
	scene_load_good(s);
	/* One that replaces another is no more. */
	strbuf_puts(&text, "SetCredential=c7:y\nSetCredential=more:x\n");
	scene_write(s, "etc/web.container", text.data);
	scene_load(s);
	scene_expect_count(s, 1);
	scene_expect(s, DIAG_ERROR, "web.container:261: [Service] SetCredential:", "more than 256", NULL);
	strbuf_free(&text);
}

/* By bytes too. (A file has at most 1 MiB, so that takes a drop-in.) */
static void test_argument_bytes(void **state)
{
	struct scene *s = *state;
	struct strbuf text = {0};

	scene_write(s, "etc/web.netns", "");
	scene_write(s, "etc/web.container", RUN);
	strbuf_puts(&text, "[Exec]\n");
	for (unsigned i = 0; i < 9; i++)
		strbuf_printf(&text, "Environment=A%u=%060000d\n", i, 0);
	scene_write(s, "etc/web.container.d/1.conf", text.data);
	scene_load_good(s);
	scene_write(s, "etc/web.container.d/2.conf", text.data);
	scene_load(s);
	scene_expect(s, DIAG_ERROR, "2.conf:10: [Exec] Environment:", "1048576 bytes", NULL);
	scene_expect_count(s, 1);
	strbuf_free(&text);
}

/* --- nspawn
 * -------------------------------------------------------------------------------------------------------- */

static void test_nspawn(void **state)
{
	/* All that netnsd itself passes, and little more. */
	static char *options[] = {
		"--as-pid2",	  "--bind-ro",	       "--boot",      "--console",
		"--directory",	  "--image",	       "--keep-unit", "--kill-signal",
		"--link-journal", "--load-credential", "--machine",   "--network-namespace-path",
		"--notify-ready", "--private-network", "--quiet",     "--register",
		"--resolv-conf",  "--settings",	       NULL};
	const struct nspawn_features features = {.version = 239, .options = options};
	struct scene *s = *state;

	s->request.nspawn = &features;
	scene_write(s, "etc/web.netns", "");
	scene_write(s, "etc/web.container",
		    RUN "SuppressSync=yes\n[Files]\nBindReadOnly=/x\nBindUser=\nOverlay=/a:/b\n");
	scene_load(s);
	scene_expect_count(s, 2);
	scene_expect(s, DIAG_ERROR, "web.container:3: [Exec] SuppressSync:", "version 239", "--suppress-sync",
		     NULL);
	scene_expect(s, DIAG_ERROR, "web.container:7: [Files] Overlay:", "--overlay", NULL);
	scene_write(s, "etc/web.container", "[Container]\nMachineID=stable\n" RUN);
	scene_load(s);
	scene_expect_count(s, 1);
	scene_expect(s, DIAG_ERROR, "web.container", "--uuid", NULL);
	scene_write(s, "etc/web.container", RUN "[Files]\nBindReadOnly=/x\n");
	scene_load_good(s);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, scene_setup, scene_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_values),
		TEST(test_cases),
		TEST(test_warnings),
		TEST(test_all_at_once),
		TEST(test_namespaces_with_errors),
		TEST(test_namespace_with_last_good),
		TEST(test_circles),
		TEST(test_long_chain),
		TEST(test_bounds),
		TEST(test_credential_bound),
		TEST(test_argument_bytes),
		TEST(test_nspawn),
	};

	return cmocka_run_group_tests_name("config_container_errors", tests, NULL, NULL);
}
