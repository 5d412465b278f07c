/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* *.container files: every key to its field or argument, the defaults, and when a run stays the same. */
#include "config_load.h"

#include "cleanup.h"
#include "desired_container.h"
#include "lib_config.h"
#include "parse.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define RUN "[Exec]\nParameters=/bin/true\n"

/* Loads `text` as web.container, in a namespace of its name. */
static const struct container_settings *load_text(struct scene *s, const char *text)
{
	const struct container_settings *c;

	scene_write(s, "etc/web.netns", "");
	scene_write(s, "etc/web.container", text);
	scene_load_good(s);
	c = desired_find_container(s->desired, "web");
	assert_non_null(c);
	return c;
}

/* --- defaults ----------------------------------------------------------------------------------------- */

static void test_defaults(void **state)
{
	const struct container_settings *c = load_text(*state, RUN);

	assert_string_equal(c->name, "web");
	assert_string_equal(c->netns, "web");
	assert_null(c->description);
	assert_true(!c->directory && !c->image && !c->template && !c->machine_id);
	assert_false(c->autostart || c->after_network || c->reset_on_restart);
	assert_int_equal(c->root_size_max, 0);
	assert_int_equal(c->registration, REGISTER_AUTO);
	assert_string_equal(c->settings_mode, "no");
	assert_false(c->boot || c->ephemeral || c->notify_ready);
	assert_true(!c->kill_signal && !c->resolv_conf);
	assert_int_equal(c->n_arguments + c->n_credentials + c->n_directories, 0);
	assert_int_equal(c->restart.when, RESTART_NO);
	assert_int_equal(c->restart.delay, 100000);
	assert_true(c->restart.max_delay == USEC_INFINITY && c->restart.steps == 0);
	assert_true(exit_set_has(&c->restart.force, CLD_EXITED, 133));
	assert_true(exit_set_has(&c->restart.success, CLD_EXITED, 133));
	assert_false(exit_set_has(&c->restart.prevent, CLD_EXITED, 133));
	assert_int_equal(c->restart.limit_interval, 10000000);
	assert_int_equal(c->restart.limit_burst, 5);
	assert_int_equal(c->timeout_start, 90000000);
	assert_int_equal(c->timeout_stop, 90000000);
	assert_int_equal(c->watchdog, 0);
	assert_true(c->memory_max == 0 && c->tasks_max == 0 && c->cpu_quota == 0);
	assert_true(!c->device_policy && !c->device_allow && !c->slice);
	assert_true(c->capabilities == 0 && c->capabilities_not == 0);
	assert_true(!c->after && !c->requires && !c->health_cmd && !c->health_tcp);
	assert_int_equal(c->health_interval, 30000000);
	assert_int_equal(c->health_timeout, 0); /* by the interval */
	assert_int_equal(c->health_retries, 3);
	assert_int_equal(c->health_action, HEALTH_RESTART);
	assert_non_null(strstr(c->origin.file, "etc/web.container"));
}

/* --- fields --------------------------------------------------------------------------------------------- */

static void test_container_section(void **state)
{
	struct scene *s = *state;
	const struct container_settings *c;

	scene_write(s, "etc/lab@x.netns", "");
	c = load_text(
		s,
		"[Container]\nNamespace=lab@x\nDirectory=//srv//tree/\nDescription=A box, %n\nAutoStart=yes\n"
		"RootSizeMax=1.5M\nCreateDirectory=/var/x\nCreateDirectory=/var/y/:0700:root\n"
		"CreateDirectory=/var/z::nobody:33\nMachineID=0123456789abcdef0123456789ABCDEF\n"
		"Register=no\nSettings=true\nResetOnRestart=yes\nAfterNetwork=yes\n"
		"[Exec]\nEphemeral=yes\n");
	assert_string_equal(c->netns, "lab@x");
	assert_string_equal(c->directory, "/srv/tree");
	assert_string_equal(c->description, "A box, web");
	assert_true(c->autostart && c->reset_on_restart && c->after_network && c->ephemeral);
	assert_int_equal(c->root_size_max, 1536 * 1024);
	assert_int_equal(c->n_directories, 3);
	assert_string_equal(c->directories[0].path, "/var/x");
	assert_int_equal(c->directories[0].mode, 0755);
	assert_true(!c->directories[0].user && !c->directories[0].group);
	assert_string_equal(c->directories[1].path, "/var/y");
	assert_int_equal(c->directories[1].mode, 0700);
	assert_string_equal(c->directories[1].user, "root");
	assert_int_equal(c->directories[2].mode, 0755);
	assert_string_equal(c->directories[2].user, "nobody");
	assert_string_equal(c->directories[2].group, "33");
	assert_string_equal(c->machine_id, "0123456789abcdef0123456789abcdef");
	assert_int_equal(c->registration, REGISTER_NO);
	assert_string_equal(c->settings_mode, "yes");
}

static void test_roots(void **state)
{
	struct scene *s = *state;

	assert_string_equal(load_text(s, "[Container]\nImage=/srv/x.raw\n" RUN)->image, "/srv/x.raw");
	assert_string_equal(load_text(s, "[Container]\nTemplate=/srv/t\n" RUN)->template, "/srv/t");
	/* A drop-in can take one away. */
	assert_string_equal(
		load_text(s, "[Container]\nImage=/srv/x.raw\nImage=\nDirectory=/srv/d\n" RUN)->directory,
		"/srv/d");
}

/* One for each name, the same at every load, and not the host's. */
static void test_stable_id(void **state)
{
	struct scene *s = *state;
	char first[33], second[33];

	snprintf(first, sizeof(first), "%s", load_text(s, "[Container]\nMachineID=stable\n" RUN)->machine_id);
	assert_int_equal(strlen(first), 32);
	assert_int_equal(strspn(first, "0123456789abcdef"), 32);
	snprintf(second, sizeof(second), "%s",
		 load_text(s, "[Container]\nMachineID=stable\n" RUN)->machine_id);
	assert_string_equal(first, second);
	scene_write(s, "etc/other.container", "[Container]\nNamespace=web\nMachineID=stable\n" RUN);
	scene_load_good(s);
	assert_string_not_equal(desired_find_container(s->desired, "other")->machine_id, first);
	assert_null(load_text(s, "[Container]\nMachineID=random\n" RUN)->machine_id);
}

static void test_host(void **state)
{
	struct scene *s = *state;

	assert_string_equal(load_text(s, "[Container]\nNamespace=host\n" RUN "PrivateUsers=pick\n")->netns,
			    "host");
	scene_write(s, "etc/box.netns", "[Namespace]\nHost=yes\n");
	assert_string_equal(load_text(s, "[Container]\nNamespace=host\n" RUN)->netns, "box");
	assert_string_equal(load_text(s, "[Container]\nNamespace=box\n" RUN)->netns, "box");
}

static void test_exec_section(void **state)
{
	const struct container_settings *c = load_text(
		*state, "[Exec]\nBoot=yes\nNotifyReady=1\nParameters=a \"b c\"\nParameters=\\x64\\u0065\n"
			"KillSignal=RTMIN+3\nResolvConf=copy-host\n");
	static const char *const parameters[] = {"a", "b c", "de"};

	assert_true(c->boot && c->notify_ready);
	assert_int_equal(strv_length(c->parameters), 3);
	for (size_t i = 0; i < 3; i++)
		assert_string_equal(c->parameters[i], parameters[i]);
	assert_string_equal(c->kill_signal, "SIGRTMIN+3");
	assert_string_equal(c->resolv_conf, "copy-host");
}

static void test_service_section(void **state)
{
	struct scene *s = *state;
	const struct container_settings *c = load_text(
		s,
		RUN "[Service]\nRestart=on-failure\nRestartSec=1\nRestartSteps=5\nRestartMaxDelaySec=1min\n"
		    "RestartForceExitStatus=7 SIGKILL\nRestartPreventExitStatus=TEMPFAIL\n"
		    "SuccessExitStatus=\nSuccessExitStatus=3\nStartLimitIntervalSec=1h\nStartLimitBurst=9\n"
		    "TimeoutStartSec=0\nTimeoutStopSec=5\nKillSignal=15\nWatchdogSec=3min\nMemoryMax=64M\n"
		    "TasksMax=infinity\nCPUQuota=12.5%\nDevicePolicy=strict\nDeviceAllow=/dev/net/tun\n"
		    "DeviceAllow=char-pts r\nSlice=machine-lab.slice\nConditionCapability=CAP_NET_ADMIN\n"
		    "ConditionCapability=!cap_sys_module\n");

	assert_int_equal(c->restart.when, RESTART_ON_FAILURE);
	assert_int_equal(c->restart.delay, 1000000);
	assert_int_equal(c->restart.steps, 5);
	assert_int_equal(c->restart.max_delay, 60000000);
	assert_true(exit_set_has(&c->restart.force, CLD_EXITED, 133));
	assert_true(exit_set_has(&c->restart.force, CLD_EXITED, 7));
	assert_true(exit_set_has(&c->restart.force, CLD_KILLED, SIGKILL));
	assert_true(exit_set_has(&c->restart.prevent, CLD_EXITED, 75));
	assert_false(exit_set_has(&c->restart.success, CLD_EXITED, 133));
	assert_true(exit_set_has(&c->restart.success, CLD_EXITED, 3));
	assert_int_equal(c->restart.limit_interval, UINT64_C(3600000000));
	assert_int_equal(c->restart.limit_burst, 9);
	assert_true(c->timeout_start == USEC_INFINITY);
	assert_int_equal(c->timeout_stop, 5000000);
	assert_string_equal(c->kill_signal, "SIGTERM");
	assert_int_equal(c->watchdog, 180000000);
	assert_int_equal(c->memory_max, 64 << 20);
	assert_true(c->tasks_max == UINT64_MAX);
	assert_int_equal(c->cpu_quota, 125000);
	assert_string_equal(c->device_policy, "strict");
	assert_string_equal(c->device_allow[0], "/dev/net/tun rwm");
	assert_string_equal(c->device_allow[1], "char-pts r");
	assert_string_equal(c->slice, "machine-lab.slice");
	assert_true(c->capabilities == UINT64_C(1) << CAP_NET_ADMIN);
	assert_true(c->capabilities_not == UINT64_C(1) << CAP_SYS_MODULE);
	assert_int_equal(s->diags.count, 0);
}

static void test_limits_of_the_machine(void **state)
{
	struct scene *s = *state;
	uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
	const struct container_settings *c = load_text(
		s, RUN "[Service]\nMemoryMax=50%\nTasksMax=100\nCPUQuota=200%\nWatchdogSec=infinity\n");

	assert_true(c->memory_max > memory / 2 - 1048576 && c->memory_max <= memory / 2);
	assert_int_equal(c->tasks_max, 100);
	assert_int_equal(c->cpu_quota, 2000000);
	assert_int_equal(c->watchdog, 0);
	c = load_text(s, RUN "[Service]\nMemoryMax=infinity\nTimeoutSec=7\n");
	assert_true(c->memory_max == UINT64_MAX);
	assert_true(c->timeout_start == 7000000 && c->timeout_stop == 7000000);
}

static void test_health(void **state)
{
	static const char *const good[] = {"80", "65535", "10.0.0.1:80", "[fd00::1]:443", "[::1]:1"};
	struct scene *s = *state;
	const struct container_settings *c;
	char text[256];

	c = load_text(s, RUN "[Service]\nHealthCmd=/bin/sh -c \"exit 0\"\nHealthTcp=80\nHealthIntervalSec=5\n"
			     "HealthTimeoutSec=2min\nHealthRetries=1\nHealthAction=report\n");
	assert_int_equal(strv_length(c->health_cmd), 3);
	assert_string_equal(c->health_cmd[2], "exit 0");
	assert_string_equal(c->health_tcp, "80");
	assert_int_equal(c->health_interval, 5000000);
	assert_int_equal(c->health_timeout, 120000000);
	assert_int_equal(c->health_retries, 1);
	assert_int_equal(c->health_action, HEALTH_REPORT);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		snprintf(text, sizeof(text), RUN "[Service]\nHealthTcp=%s\n", good[i]);
		assert_string_equal(load_text(s, text)->health_tcp, good[i]);
	}
}

static void test_credentials(void **state)
{
	const struct container_settings *c = load_text(
		*state, RUN "[Service]\nLoadCredential=tls:/etc//tls.pem\nLoadCredential=two words:/etc/a:b\n"
			    "SetCredential=raw:a\\x00b\\n\\u00e9 \"c\"\nSetCredential=empty:\n"
			    "LoadCredential=tls:/etc/other.pem\n");

	assert_int_equal(c->n_credentials, 4);
	assert_string_equal(c->credentials[0].id, "two words");
	assert_string_equal(c->credentials[0].path, "/etc/a:b");
	assert_string_equal(c->credentials[1].id, "raw");
	assert_null(c->credentials[1].path);
	assert_int_equal(c->credentials[1].length, 10);
	assert_memory_equal(c->credentials[1].value, "a\0b\n\xc3\xa9 \"c\"", 11);
	assert_string_equal(c->credentials[2].id, "empty");
	assert_int_equal(c->credentials[2].length, 0);
	assert_string_equal(c->credentials[2].value, "");
	assert_string_equal(c->credentials[3].path, "/etc/other.pem");
	assert_null(c->credentials[3].value);
	c = load_text(*state, RUN "[Service]\nLoadCredential=a:/a\nSetCredential=b:b\nLoadCredential=\n");
	assert_int_equal(c->n_credentials, 1);
	assert_string_equal(c->credentials[0].id, "b");
}

/* --- arguments --------------------------------------------------------------------------------------------
 */

struct argument_case {
	const char *section, *lines;
	const char *expected[4]; /* all of them, in order */
};

static const struct argument_case arguments[] = {
	{"Exec", "ProcessTwo=yes", {"--as-pid2"}},
	{"Exec", "ProcessTwo=no", {NULL}},
	{"Exec", "ProcessTwo=yes\nProcessTwo=no", {NULL}},
	{"Exec",
	 "Environment=A=1 \"B=two words\"\nEnvironment=PATH=/bin C=",
	 {"--setenv=A=1", "--setenv=B=two words", "--setenv=PATH=/bin", "--setenv=C="}},
	{"Exec", "Environment=A=1\nEnvironment=\nEnvironment=B=2%%", {"--setenv=B=2%"}},
	{"Exec", "User=www-data\nUser=33", {"--user=33"}},
	{"Exec", "User=www-data\nUser=", {NULL}},
	{"Exec", "WorkingDirectory=/srv", {"--chdir=/srv"}},
	{"Exec", "PivotRoot=/a:/b", {"--pivot-root=/a:/b"}},
	{"Exec", "PivotRoot=/a", {"--pivot-root=/a"}},
	{"Exec",
	 "Capability=CAP_NET_ADMIN cap_bpf\nCapability=CAP_SYSLOG",
	 {"--capability=CAP_NET_ADMIN,CAP_SYSLOG,CAP_BPF"}},
	{"Exec", "Capability=all", {"--capability=all"}},
	{"Exec", "Capability=CAP_BPF\nCapability=", {NULL}},
	{"Exec", "DropCapability=CAP_MKNOD", {"--drop-capability=CAP_MKNOD"}},
	{"Exec", "AmbientCapability=CAP_NET_ADMIN", {"--ambient-capability=CAP_NET_ADMIN"}},
	{"Exec",
	 "AmbientCapability=CAP_BPF\nCapability=CAP_BPF",
	 {"--ambient-capability=CAP_BPF", "--capability=CAP_BPF"}},
	{"Exec", "NoNewPrivileges=true", {"--no-new-privileges=yes"}},
	{"Exec", "NoNewPrivileges=off", {"--no-new-privileges=no"}},
	{"Exec", "PrivateUsers=no", {"--private-users=no"}},
	{"Exec",
	 "SystemCallFilter=@mount add_key\nSystemCallFilter=~@debug",
	 {"--system-call-filter=@mount add_key", "--system-call-filter=~@debug"}},
	{"Exec", "RestrictAddressFamilies=AF_INET AF_UNIX", {"--restrict-address-families=AF_INET AF_UNIX"}},
	{"Exec", "RestrictAddressFamilies=~AF_PACKET", {"--restrict-address-families=~AF_PACKET"}},
	{"Exec", "RestrictAddressFamilies=none", {"--restrict-address-families=none"}},
	{"Exec", "LimitCPU=30s", {"--rlimit=CPU=30s"}},
	{"Exec", "LimitFSIZE=1G:infinity", {"--rlimit=FSIZE=1G:infinity"}},
	{"Exec", "LimitDATA=64M", {"--rlimit=DATA=64M"}},
	{"Exec", "LimitSTACK=1.5M:8M", {"--rlimit=STACK=1.5M:8M"}},
	{"Exec", "LimitCORE=0", {"--rlimit=CORE=0"}},
	{"Exec", "LimitRSS=64M", {"--rlimit=RSS=64M"}},
	{"Exec", "LimitNOFILE=1024\nLimitNOFILE=10:20", {"--rlimit=NOFILE=10:20"}},
	{"Exec", "LimitAS=infinity", {"--rlimit=AS=infinity"}},
	{"Exec", "LimitNPROC=5", {"--rlimit=NPROC=5"}},
	{"Exec", "LimitMEMLOCK=64K", {"--rlimit=MEMLOCK=64K"}},
	{"Exec", "LimitLOCKS=7", {"--rlimit=LOCKS=7"}},
	{"Exec", "LimitSIGPENDING=7", {"--rlimit=SIGPENDING=7"}},
	{"Exec", "LimitMSGQUEUE=64K", {"--rlimit=MSGQUEUE=64K"}},
	{"Exec", "LimitNICE=+5", {"--rlimit=NICE=+5"}},
	{"Exec", "LimitNICE=-20", {"--rlimit=NICE=-20"}},
	{"Exec", "LimitNICE=40", {"--rlimit=NICE=40"}},
	{"Exec", "LimitRTPRIO=9", {"--rlimit=RTPRIO=9"}},
	{"Exec", "LimitRTTIME=50ms", {"--rlimit=RTTIME=50ms"}},
	{"Exec", "LimitNOFILE=5\nLimitNPROC=6\nLimitNOFILE=", {"--rlimit=NPROC=6"}},
	{"Exec", "OOMScoreAdjust=-1000", {"--oom-score-adjust=-1000"}},
	{"Exec", "OOMScoreAdjust=+5", {"--oom-score-adjust=5"}},
	{"Exec", "CPUAffinity=0-3 7\nCPUAffinity=9,10", {"--cpu-affinity=0-3,7,9,10"}},
	{"Exec", "CPUAffinity=0\nCPUAffinity=\nCPUAffinity=1", {"--cpu-affinity=1"}},
	{"Exec", "Hostname=web-1.lan", {"--hostname=web-1.lan"}},
	{"Exec", "Timezone=off", {"--timezone=off"}},
	{"Exec", "LinkJournal=try-guest", {"--link-journal=try-guest"}},
	{"Exec", "SuppressSync=yes", {"--suppress-sync=yes"}},
	{"Files", "ReadOnly=yes", {"--read-only"}},
	{"Files", "Volatile=1", {"--volatile=yes"}},
	{"Files", "Volatile=state", {"--volatile=state"}},
	{"Files", "Volatile=overlay", {"--volatile=overlay"}},
	{"Files",
	 "Bind=/srv\nBindReadOnly=/a:/b\nBind=+/x:/y:idmap,norbind\nBind=:/tmpdir",
	 {"--bind=/srv", "--bind-ro=/a:/b", "--bind=+/x:/y:idmap,norbind", "--bind=:/tmpdir"}},
	{"Files", "Bind=/a\\:b:/c\\\\d:owneridmap", {"--bind=/a\\:b:/c\\\\d:owneridmap"}},
	{"Files", "Bind=/a\nBind=\nBind=/b", {"--bind=/b"}},
	{"Files", "TemporaryFileSystem=/tmp:mode=1777,size=64M", {"--tmpfs=/tmp:mode=1777,size=64M"}},
	{"Files", "TemporaryFileSystem=/run/x", {"--tmpfs=/run/x"}},
	{"Files",
	 "Inaccessible=/etc/shadow\nInaccessible=/b",
	 {"--inaccessible=/etc/shadow", "--inaccessible=/b"}},
	{"Files", "Overlay=/a:/b:/c\nOverlay=+/var::/var", {"--overlay=/a:/b:/c", "--overlay=+/var::/var"}},
	{"Files", "OverlayReadOnly=/a:/b", {"--overlay-ro=/a:/b"}},
	{"Files", "PrivateUsersOwnership=off", {"--private-users-ownership=off"}},
};

static void test_arguments(void **state)
{
	char text[1024];

	for (size_t i = 0; i < sizeof(arguments) / sizeof(arguments[0]); i++) {
		const struct argument_case *k = &arguments[i];
		const struct container_settings *c;
		size_t n = 0;

		if (str_equal(k->section, "Exec"))
			snprintf(text, sizeof(text), RUN "%s\n", k->lines);
		else
			snprintf(text, sizeof(text), RUN "[%s]\n%s\n", k->section, k->lines);
		c = load_text(*state, text);
		while (n < 4 && k->expected[n])
			n++;
		if (c->n_arguments != n)
			print_error("%s\n", k->lines);
		assert_int_equal(c->n_arguments, n);
		for (size_t j = 0; j < n; j++) {
			const char *option = c->arguments[j].option;

			assert_string_equal(c->arguments[j].argument, k->expected[j]);
			assert_memory_equal(option, k->expected[j], strlen(option));
			assert_non_null(strchr("=", k->expected[j][strlen(option)]));
			assert_null(c->arguments[j].optional_source);
		}
	}
}

/* A '-' is ours: nspawn knows no such thing. */
static void test_optional_source(void **state)
{
	const struct container_settings *c =
		load_text(*state, RUN "[Files]\nBindReadOnly=-/srv/a\\:b:/x\nBind=-/srv\nBind=/y\n");

	assert_int_equal(c->n_arguments, 3);
	assert_string_equal(c->arguments[0].argument, "--bind-ro=/srv/a\\:b:/x");
	assert_string_equal(c->arguments[0].optional_source, "/srv/a:b");
	assert_string_equal(c->arguments[1].optional_source, "/srv");
	assert_null(c->arguments[2].optional_source);
}

static void test_private_users(void **state)
{
	static const char *const good[] = {"pick", "identity", "managed",      "0",
					   "1",	   "65536",    "131072:65536", "yes"};
	char text[128], expected[64];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		const struct container_settings *c;

		snprintf(text, sizeof(text),
			 "[Container]\nNamespace=host\n" RUN "PrivateUsers=%s\n[Files]\nBindUser=a b\n",
			 good[i]);
		snprintf(expected, sizeof(expected), "--private-users=%s", good[i]);
		c = load_text(*state, text);
		assert_int_equal(c->n_arguments, 3);
		assert_string_equal(c->arguments[0].argument, expected);
		assert_string_equal(c->arguments[2].argument, "--bind-user=b");
	}
}

/* --- the same run
 * -------------------------------------------------------------------------------------------- */

#define FULL                                                                                                 \
	"[Container]\nDirectory=/d\nCreateDirectory=/c:0700:u:g\n[Exec]\nBoot=yes\nEphemeral=yes\n"          \
	"Parameters=a\n[Files]\nBind=/x\n[Service]\nLoadCredential=a:/b\nSetCredential=c:d\nDeviceAllow=/"   \
	"dev/fuse\n"

struct same_case {
	const char *lines; /* behind FULL */
	bool same;
};
static const struct same_case sames[] = {
	{"", true},
	/* at once */
	{"Restart=always\nRestartSec=5\nRestartForceExitStatus=1\nStartLimitBurst=7\n", true},
	{"TimeoutSec=7\n", true},
	{"ConditionCapability=CAP_CHOWN\n", true},
	{"HealthCmd=/bin/true\nHealthTcp=80\nHealthAction=stop\nHealthRetries=7\nHealthIntervalSec=1\n"
	 "HealthTimeoutSec=2\n",
	 true},
	/* only when it is started anew */
	{"WatchdogSec=9\n", false},
	{"LoadCredential=a:/other\n", false},
	{"LoadCredential=x:/b\n", false},
	{"SetCredential=c:e\n", false},
	{"MemoryMax=1G\n", false},
	{"TasksMax=7\n", false},
	{"CPUQuota=10%\n", false},
	{"DevicePolicy=closed\n", false},
	{"DeviceAllow=/dev/kvm\n", false},
	{"Slice=x.slice\n", false},
	{"KillSignal=SIGINT\n", false},
};
/* Whole texts against FULL. */
static const struct same_case texts[] = {
	{"[Container]\nDirectory=/d\nCreateDirectory=/"
	 "c:0700:u:g\nDescription=x\nAutoStart=yes\nAfterNetwork=yes\n"
	 "ResetOnRestart=yes\n[Exec]\nBoot=yes\nEphemeral=yes\nParameters=a\n[Files]\nBind=/x\n[Service]\n"
	 "LoadCredential=a:/b\nSetCredential=c:d\nDeviceAllow=/dev/fuse\n",
	 true},
	{"[Container]\nDirectory=/d\nCreateDirectory=/"
	 "c:0700:u\n[Exec]\nBoot=yes\nEphemeral=yes\nParameters=a\n[Files]\n"
	 "Bind=/x\n[Service]\nLoadCredential=a:/b\nSetCredential=c:d\nDeviceAllow=/dev/fuse\n",
	 false},
	{"[Container]\nDirectory=/d\nCreateDirectory=/"
	 "c:0700:u:g\n[Exec]\nBoot=yes\nEphemeral=yes\nParameters=a\n[Files]\n"
	 "Bind=-/x\n[Service]\nLoadCredential=a:/b\nSetCredential=c:d\nDeviceAllow=/dev/fuse\n",
	 false},
};
static const char *const container_lines[] = {
	"Namespace=host", "Directory=/e", "RootSizeMax=1M", "MachineID=0123456789abcdef0123456789abcdef",
	"Register=no",	  "Settings=yes",
};
static const char *const exec_lines[] = {"NotifyReady=yes", "Parameters=b", "ResolvConf=off", "User=x"};

static void expect_same(struct scene *s, const char *text, bool same)
{
	struct desired *before = desired_ref(s->desired);
	const struct container_settings *a = desired_find_container(before, "web"), *b = load_text(s, text);

	if (container_settings_same_run(a, b) != same)
		print_error("%s\n", text);
	assert_int_equal(container_settings_same_run(a, b), same);
	assert_int_equal(container_settings_same_run(b, a), same);
	desired_unref(s->desired);
	s->desired = before;
}

static void test_same_run(void **state)
{
	struct scene *s = *state;
	char text[1024];

	load_text(s, FULL);
	for (size_t i = 0; i < sizeof(sames) / sizeof(sames[0]); i++) {
		snprintf(text, sizeof(text), FULL "%s", sames[i].lines);
		expect_same(s, text, sames[i].same);
	}
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		expect_same(s, texts[i].lines, texts[i].same);
	for (size_t i = 0; i < sizeof(container_lines) / sizeof(container_lines[0]); i++) {
		scene_write(s, "etc/web.container.d/x.conf", "");
		snprintf(text, sizeof(text), "[Container]\n%s\n", container_lines[i]);
		scene_write(s, "etc/web.container.d/x.conf", text);
		expect_same(s, FULL, false);
	}
	for (size_t i = 0; i < sizeof(exec_lines) / sizeof(exec_lines[0]); i++) {
		snprintf(text, sizeof(text), "[Exec]\n%s\n", exec_lines[i]);
		scene_write(s, "etc/web.container.d/x.conf", text);
		expect_same(s, FULL, false);
	}
}

/* --- the effective text
 * ------------------------------------------------------------------------------------------ */

static char *give_text(const char *object, void *data)
{
	return str_equal(object, "web.container") ? strdup(data) : NULL;
}

/* Main file and drop-ins, written down and read again, are the same container; a last good one is asked for
 * by the name with its suffix. */
static void test_round_trip(void **state)
{
	struct scene *s = *state;
	struct desired *before;
	const struct container_settings *a, *b;

	scene_write(s, "lib/web.container.d/x.conf",
		    "[Files]\nBind=/y\n[Exec]\nEnvironment=\"A=%%n %n\"\n[Service]\nSetCredential=c:\\x00\n"
		    "CPUQuota=50%\nAfter=\n");
	load_text(s, FULL "Restart=always\nHealthCmd=\"a b\" c\n");
	before = desired_ref(s->desired);
	a = desired_find_container(before, "web");
	scene_write(s, "etc/web.container", "[Exec]\nOops=1\n");
	s->request.fallback = give_text;
	s->request.fallback_data = a->text;
	scene_load(s);
	scene_expect_count(s, 1);
	b = desired_find_container(s->desired, "web");
	assert_non_null(b);
	assert_true(container_settings_same_run(a, b));
	assert_string_equal(a->text, b->text);
	assert_int_equal(b->restart.when, RESTART_ALWAYS);
	assert_int_equal(strv_length(b->health_cmd), 2);
	assert_string_equal(b->arguments[0].argument, "--setenv=A=%n web");
	assert_string_equal(b->arguments[2].argument, "--bind=/y");
	desired_unref(before);
	/* Without one it is left out, and the others go on. */
	s->request.fallback = NULL;
	scene_load(s);
	assert_null(desired_find_container(s->desired, "web"));
	assert_non_null(desired_find(s->desired, "web"));
}

static void test_order_of_names(void **state)
{
	struct desired *d;
	struct container_settings *c;
	const char *before = "";

	(void)state;
	assert_int_equal(desired_new(&d), 0);
	assert_int_equal(desired_add_container(d, "m", &c), 0);
	assert_int_equal(desired_add_container(d, "a", &c), 0);
	assert_int_equal(desired_add_container(d, "z", &c), 0);
	assert_int_equal(desired_add_container(d, "a", &c), -EEXIST);
	for (c = d->containers; c; c = c->hh.next) {
		assert_true(strcmp(before, c->name) < 0);
		before = c->name;
	}
	desired_remove_container(d, desired_find_container(d, "m"));
	assert_null(desired_find_container(d, "m"));
	assert_int_equal(HASH_COUNT(d->containers), 2);
	desired_unref(d);
}

static void test_health_actions(void **state)
{
	enum health_action action;

	(void)state;
	for (int i = 0; i <= HEALTH_REPORT; i++) {
		assert_int_equal(
			health_action_from_string(health_action_to_string((enum health_action)i), &action),
			0);
		assert_int_equal(action, i);
	}
	assert_int_equal(health_action_from_string("mend", &action), -EINVAL);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, scene_setup, scene_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_defaults),
		TEST(test_container_section),
		TEST(test_roots),
		TEST(test_stable_id),
		TEST(test_host),
		TEST(test_exec_section),
		TEST(test_service_section),
		TEST(test_limits_of_the_machine),
		TEST(test_health),
		TEST(test_credentials),
		TEST(test_arguments),
		TEST(test_optional_source),
		TEST(test_private_users),
		TEST(test_same_run),
		TEST(test_round_trip),
		cmocka_unit_test(test_order_of_names),
		cmocka_unit_test(test_health_actions),
	};

	return cmocka_run_group_tests_name("config_container", tests, NULL, NULL);
}
