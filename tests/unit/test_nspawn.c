/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Settings to nspawn's command line: the whole vector for what is usual, a word here and there for the rest;
 * and what the installed one says of itself, also when it is not nspawn at all. */
#include "cleanup.h"
#include "nspawn.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define PROGRAM	  "/usr/bin/systemd-nspawn"
#define ARGUMENTS 4

static const char help_252[] =
	"systemd-nspawn [OPTIONS...] [PATH] [ARGUMENTS...]\n"
	"\n"
	"  -h --help                 Show this help\n"
	"     --version              Print version string\n"
	"  -q --quiet                Do not show status information\n"
	"     --settings=BOOLEAN     Load additional settings from .nspawn file\n"
	"  -D --directory=PATH       Root directory for the container\n"
	"     --template=PATH        Initialize root directory from template directory,\n"
	"                            if missing; as --not-an-option\n"
	"  -i --image=PATH           Root file system disk image (or device node) for\n"
	"     --read-only            Mount the root directory read-only\n"
	"     --volatile[=MODE]      Run the system in volatile mode\n"
	"  -b --boot                 Boot up full system (i.e. invoke init)\n"
	"  -a --as-pid2              Maintain a stub init as PID1, invoke binary as PID2\n"
	"     --kill-signal=SIGNAL   Select signal to use for shutting down PID 1\n"
	"     --notify-ready=BOOLEAN Receive notifications from the child init process\n"
	"  -M --machine=NAME         Set the machine name for the container\n"
	"     --uuid=UUID            Set a specific machine UUID for the container\n"
	"     --register=BOOLEAN     Register container as machine\n"
	"     --keep-unit            Do not register a scope for the machine, reuse\n"
	"  -U                        Equivalent to --private-users=pick and\n"
	"     --private-network      Disable network in container\n"
	"     --network-namespace-path=PATH\n"
	"                            Set network namespace to the one represented by\n"
	"     --capability=CAP       In addition to the default, retain specified\n"
	"     --resolv-conf=MODE     Select mode of /etc/resolv.conf initialization\n"
	"     --link-journal=MODE    Link up guest journal, one of no, auto, guest, \n"
	"     --bind-ro=PATH[:PATH[:OPTIONS]\n"
	"     --console=MODE         Select how stdin/stdout/stderr and /dev/console are\n"
	"     --load-credential=ID:PATH\n";
static const char version_252[] = "systemd 252 (252.39-1~deb12u2)\n+PAM +AUDIT -BPF_FRAMEWORK\n";

static char *writable(const char *text)
{
	return (char *)(uintptr_t)text;
}

/* With `more` options, without `less`. */
static struct nspawn_features features(const char *more, const char *less)
{
	struct nspawn_features f = {0};
	struct strbuf help = {0};
	struct error err = {0};
	char *cut;

	strbuf_puts(&help, help_252);
	if (more)
		strbuf_printf(&help, "     %s=X   more\n", more);
	cut = less ? strstr(help.data, less) : NULL;
	if (less)
		assert_non_null(cut);
	if (cut)
		cut[2] = '_';
	assert_int_equal(nspawn_parse_features(version_252, help.data, &f, &err), 0);
	f.path = strdup(PROGRAM);
	assert_non_null(f.path);
	strbuf_free(&help);
	return f;
}

/* Compares with `expected`, one word a line. */
static void assert_argv(const struct container_settings *c, const struct nspawn_run *run,
			const char *expected)
{
	struct error err = {0};
	char **argv = NULL;
	_cleanup_(cleanup_free) char *text = NULL;
	int e = nspawn_argv(c, run, &argv, &err);

	if (e < 0)
		fail_msg("%s", err.text);
	text = strv_join(argv, "\n");
	assert_string_equal(text, expected);
	strv_free(argv);
}

static bool argv_has(const struct container_settings *c, const struct nspawn_run *run, const char *word)
{
	struct error err = {0};
	char **argv = NULL;
	bool has;

	if (nspawn_argv(c, run, &argv, &err) < 0)
		fail_msg("%s", err.text);
	has = strv_contains(argv, word);
	strv_free(argv);
	return has;
}

/* --- golden ----------------------------------------------------------------------------------------- */
static void test_seed(void **state)
{
	struct nspawn_features f = features(NULL, NULL);
	char *parameters[] = {writable("/container-init"), writable("/nix/store/x/init"), NULL};
	struct nspawn_argument arguments[] = {
		{.argument = writable("--bind-ro=/nix/store"), .option = "--bind-ro"},
		{.argument = writable("--capability=CAP_NET_ADMIN,CAP_NET_RAW"), .option = "--capability"},
	};
	struct credential credentials[] = {{.id = writable("tls"), .path = writable("/etc/tls.pem")},
					   {.id = writable("with space"), .value = writable("secret")},
					   {.id = writable("b\\s"), .value = writable("secret")}};
	const struct container_settings c = {.name = writable("web"),
					     .netns = writable("web"),
					     .notify_ready = true,
					     .ephemeral = true,
					     .parameters = parameters,
					     .arguments = arguments,
					     .n_arguments = 2,
					     .credentials = credentials,
					     .n_credentials = 3};
	const struct nspawn_run run = {.features = &f,
				       .root = "/run/netnsd/containers/web/root",
				       .netns_path = "/proc/self/fd/3",
				       .registered = true,
				       .resolv_conf = "/etc/netns/a:b/resolv.conf",
				       .credentials_directory = "/run/netnsd/containers/web/credentials"};

	(void)state;
	assert_argv(&c, &run,
		    PROGRAM "\n--quiet\n--keep-unit\n--register=yes\n--machine=web\n--settings=no\n"
			    "--console=read-only\n"
			    "--directory=/run/netnsd/containers/web/root\n"
			    "--private-network\n--network-namespace-path=/proc/self/fd/3\n"
			    "--resolv-conf=off\n--bind-ro=/etc/netns/a\\:b/resolv.conf:/etc/resolv.conf\n"
			    "--kill-signal=SIGTERM\n--notify-ready=yes\n--link-journal=no\n"
			    "--bind-ro=/nix/store\n--capability=CAP_NET_ADMIN,CAP_NET_RAW\n"
			    "--load-credential=tls:/run/netnsd/containers/web/credentials/tls\n"
			    "--load-credential=with space:/run/netnsd/containers/web/credentials/with space\n"
			    "--load-credential=b\\\\s:/run/netnsd/containers/web/credentials/b\\s\n"
			    "--\n/container-init\n/nix/store/x/init");
	nspawn_features_clear(&f);
}

static void test_boot(void **state)
{
	struct nspawn_features f = features("--restrict-address-families", NULL);
	char *parameters[] = {writable("--unit=rescue.target"), NULL};
	struct nspawn_argument arguments[] = {
		{.argument = writable("--link-journal=try-guest"), .option = "--link-journal"}};
	const struct container_settings c = {.name = writable("deb"),
					     .directory = writable("/var/lib/machines/deb"),
					     .boot = true,
					     .machine_id = writable("0123456789abcdef0123456789abcdef"),
					     .settings_mode = writable("trusted"),
					     .resolv_conf = writable("copy-static"),
					     .parameters = parameters,
					     .arguments = arguments,
					     .n_arguments = 1};
	const struct nspawn_run run = {.features = &f,
				       .root = "/var/lib/machines/deb",
				       .netns_path = "/proc/self/fd/3",
				       .resolv_conf = "/etc/netns/deb/resolv.conf"};

	(void)state;
	assert_argv(&c, &run,
		    PROGRAM "\n--quiet\n--keep-unit\n--register=no\n--machine=deb\n--settings=trusted\n"
			    "--console=read-only\n--uuid=0123456789abcdef0123456789abcdef\n"
			    "--directory=/var/lib/machines/deb\n"
			    "--private-network\n--network-namespace-path=/proc/self/fd/3\n"
			    "--restrict-address-families=\n"
			    "--resolv-conf=copy-static\n"
			    "--kill-signal=SIGRTMIN+3\n--notify-ready=no\n"
			    "--boot\n--link-journal=try-guest\n"
			    "--\n--unit=rescue.target");
	nspawn_features_clear(&f);
}

static void test_image_on_the_host(void **state)
{
	struct nspawn_features f = features(NULL, NULL);
	struct nspawn_argument arguments[ARGUMENTS] = {
		{.argument = writable("--volatile=state"), .option = "--volatile"}};
	struct container_settings c = {
		.name = writable("img"), .image = writable("/srv/a b.raw"), .ephemeral = true};
	const struct nspawn_run run = {.features = &f};

	(void)state;
	assert_argv(&c, &run,
		    PROGRAM "\n--quiet\n--keep-unit\n--register=no\n--machine=img\n--settings=no\n"
			    "--console=read-only\n"
			    "--image=/srv/a b.raw\n--volatile=overlay\n--read-only\n"
			    "--resolv-conf=auto\n"
			    "--kill-signal=SIGTERM\n--notify-ready=no\n--link-journal=no");
	c.arguments = arguments;
	c.n_arguments = 1;
	assert_false(argv_has(&c, &run, "--volatile=overlay"));
	assert_true(argv_has(&c, &run, "--volatile=state"));
	c.ephemeral = false;
	c.n_arguments = 0;
	assert_false(argv_has(&c, &run, "--volatile=overlay"));
	assert_false(argv_has(&c, &run, "--read-only"));
	nspawn_features_clear(&f);
}

static void test_inherited_credentials(void **state)
{
	struct nspawn_features f = features(NULL, NULL);
	struct credential credential = {.id = writable("declared"), .path = writable("/x")};
	char *ids[] = {writable("declared"), writable("inherited"), NULL};
	const struct container_settings c = {
		.name = writable("web"), .credentials = &credential, .n_credentials = 1};
	struct nspawn_run run = {
		.features = &f, .root = "/r", .credentials_directory = "/c", .credential_ids = ids};

	(void)state;
	assert_true(argv_has(&c, &run, "--load-credential=declared:/c/declared"));
	assert_true(argv_has(&c, &run, "--load-credential=inherited:/c/inherited"));
	run.credentials_directory = NULL;
	assert_false(argv_has(&c, &run, "--load-credential=declared:/c/declared"));
	nspawn_features_clear(&f);
}

/* --- the stop signal ---------------------------------------------------------------------------------- */
static void test_is_init(void **state)
{
	static const struct {
		bool boot, pid2;
		const char *program;
		bool init;
	} rows[] = {
		{true, false, NULL, true},
		{false, true, "/bin/sleep", true},
		{false, false, NULL, false},
		{false, false, "/bin/sh", false},
		{false, false, "/sbin/init", true},
		{false, false, "init", true},
		{false, false, "/x/systemd", true},
		{false, false, "/nix/store/x-y/init", true},
		{false, false, "/sbin/init2", false},
		{false, false, "/init/run", false},
		{false, false, "/init/", false},
	};
	struct nspawn_features f = features(NULL, NULL);
	const struct nspawn_run run = {.features = &f, .root = "/r"};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct nspawn_argument pid2 = {.argument = writable("--as-pid2"), .option = "--as-pid2"};
		char *parameters[] = {writable(rows[i].program), NULL};
		struct container_settings c = {.name = writable("c"),
					       .boot = rows[i].boot,
					       .parameters = parameters,
					       .arguments = &pid2,
					       .n_arguments = rows[i].pid2};

		if (nspawn_is_init(&c) != rows[i].init)
			fail_msg("row %zu", i);
		assert_true(argv_has(&c, &run,
				     rows[i].init ? "--kill-signal=SIGRTMIN+3" : "--kill-signal=SIGTERM"));
		c.kill_signal = writable("SIGHUP");
		assert_true(argv_has(&c, &run, "--kill-signal=SIGHUP"));
	}
	nspawn_features_clear(&f);
}

static bool is_data(const char *path)
{
	return strcmp(path, "/srv/data") == 0;
}

/* Bind=-/srv/x: left out where it is not there, for nspawn takes no "-" (S70). */
static void test_optional_binds(void **state)
{
	struct nspawn_features f = features(NULL, NULL);
	struct nspawn_argument arguments[] = {
		{writable("--bind-ro=/srv/data"), "--bind-ro", writable("/srv/data")},
		{writable("--bind-ro=/srv/none"), "--bind-ro", writable("/srv/none")},
		{writable("--bind-ro=/srv/needed"), "--bind-ro", NULL},
	};
	const struct container_settings c = {
		.name = writable("a"), .directory = writable("/d"), .arguments = arguments, .n_arguments = 3};
	struct nspawn_run run = {.features = &f, .root = "/d", .exists = is_data};
	char **argv;

	(void)state;
	assert_int_equal(nspawn_argv(&c, &run, &argv, NULL), 0);
	assert_true(strv_contains(argv, "--bind-ro=/srv/data"));
	assert_false(strv_contains(argv, "--bind-ro=/srv/none"));
	assert_true(strv_contains(argv, "--bind-ro=/srv/needed"));
	strv_free(argv);
	run.exists = NULL;
	assert_int_equal(nspawn_argv(&c, &run, &argv, NULL), 0);
	assert_true(strv_contains(argv, "--bind-ro=/srv/none"));
	strv_free(argv);
	nspawn_features_clear(&f);
}

/* --- what it lacks ------------------------------------------------------------------------------------ */
static void test_check(void **state)
{
	struct nspawn_argument sync = {.argument = writable("--suppress-sync=yes"),
				       .option = "--suppress-sync"};
	struct nspawn_argument odd = {.argument = writable("--frobnicate"), .option = "--frobnicate"};
	struct credential credential = {.id = writable("x"), .value = writable("y")};
	const struct {
		const char *less;
		struct container_settings c;
		const char *text; /* NULL: all is well */
	} rows[] = {
		{NULL, {.name = writable("c")}, NULL},
		{NULL, {.name = writable("c"), .image = writable("/i"), .ephemeral = true}, NULL},
		{NULL,
		 {.name = writable("c"), .arguments = &sync, .n_arguments = 1},
		 "container c: SuppressSync= needs --suppress-sync, which " PROGRAM
		 " of systemd 252 does not have; install a newer systemd-nspawn or remove the key"},
		{NULL,
		 {.name = writable("c"), .arguments = &odd, .n_arguments = 1},
		 "container c: netnsd needs --frobnicate, which " PROGRAM
		 " of systemd 252 does not have; install a newer systemd-nspawn"},
		{"--console",
		 {.name = writable("c")},
		 "container c: netnsd needs --console, which " PROGRAM
		 " of systemd 252 does not have; install a newer systemd-nspawn"},
		{"--network-namespace-path",
		 {.name = writable("c")},
		 "container c: Namespace= needs --network-namespace-path, which " PROGRAM
		 " of systemd 252 does not have; install a newer systemd-nspawn or remove the key"},
		{"--load-credential",
		 {.name = writable("c"), .credentials = &credential, .n_credentials = 1},
		 "container c: LoadCredential= needs --load-credential, which " PROGRAM
		 " of systemd 252 does not have; install a newer systemd-nspawn or remove the key"},
		{"--load-credential", {.name = writable("c")}, NULL},
		{"--uuid", {.name = writable("c")}, NULL},
		{"--uuid",
		 {.name = writable("c"), .machine_id = writable("0")},
		 "container c: MachineID= needs --uuid, which " PROGRAM
		 " of systemd 252 does not have; install a newer systemd-nspawn or remove the key"},
		{"--volatile",
		 {.name = writable("c"), .image = writable("/i"), .ephemeral = true},
		 "container c: Ephemeral= needs --volatile, which " PROGRAM
		 " of systemd 252 does not have; install a newer systemd-nspawn or remove the key"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct nspawn_features f = features(NULL, rows[i].less);
		struct error err = {0};
		int e = nspawn_check(&rows[i].c, &f, &err);

		assert_int_equal(e, rows[i].text ? -EOPNOTSUPP : 0);
		assert_string_equal(err.text, rows[i].text ? rows[i].text : "");
		nspawn_features_clear(&f);
	}
}

/* --- the environment ---------------------------------------------------------------------------------- */
static void test_environment(void **state)
{
	struct container_settings c = {.name = writable("c")};
	char **env = NULL;
	char *text;

	(void)state;
	assert_int_equal(nspawn_environment(&c, "/run/netnsd/notify/c", &env), 0);
	text = strv_join(env, "\n");
	assert_string_equal(text, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
				  "LANG=C.UTF-8\nSYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1\n"
				  "NOTIFY_SOCKET=/run/netnsd/notify/c");
	free(text);
	strv_free(env);
	c.watchdog = 3000000;
	assert_int_equal(nspawn_environment(&c, "/n", &env), 0);
	assert_true(strv_contains(env, "WATCHDOG_USEC=3000000"));
	assert_true(strv_contains(env, "NOTIFY_SOCKET=/n"));
	assert_int_equal(strv_length(env), 5);
	strv_free(env);
}

/* --- what it says of itself --------------------------------------------------------------------------- */
static void test_features(void **state)
{
	struct nspawn_features f = features("--a-later-one", NULL);

	(void)state;
	assert_int_equal(f.version, 252);
	for (size_t i = 1; i < strv_length(f.options); i++)
		assert_true(strcmp(f.options[i - 1], f.options[i]) < 0);
	assert_true(nspawn_knows(&f, "--bind-ro"));
	assert_true(nspawn_knows(&f, "--as-pid2"));
	assert_true(nspawn_knows(&f, "--volatile"));
	assert_true(nspawn_knows(&f, "--network-namespace-path"));
	assert_true(nspawn_knows(&f, "--a-later-one"));
	assert_false(nspawn_knows(&f, "--network"));
	assert_false(nspawn_knows(&f, "--not-an-option"));
	assert_false(nspawn_knows(&f, ""));
	assert_false(nspawn_knows(&f, NULL));
	nspawn_features_clear(&f);
	assert_false(nspawn_knows(&f, "--bind-ro"));
}

static void test_versions(void **state)
{
	static const struct {
		const char *text;
		unsigned version;
	} rows[] = {
		{"systemd 252 (252.39-1~deb12u2)\n+PAM\n", 252},
		{"systemd 257 (257.8-1~deb13u2)\n", 257},
		{"systemd 262.1 (262.1)\n", 262},
		{"systemd 258~rc1 (258~rc1-1)\n", 258},
		{"systemd 215\n+PAM", 215},
		{"systemd 1", 1},
		{"", 0},
		{"systemd", 0},
		{"systemd \n", 0},
		{"systemd x", 0},
		{"systemd 252x", 0},
		{"systemd -1", 0},
		{"systemd 99999999999999999999", 0},
		{"busybox 252", 0},
		{" systemd 252", 0},
		{"\xff\xfe\x01\n", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct nspawn_features f = {.version = 7};
		struct error err = {0};
		int e = nspawn_parse_features(rows[i].text, help_252, &f, &err);

		if (e != (rows[i].version ? 0 : -EINVAL))
			fail_msg("%s: %d %s", rows[i].text, e, err.text);
		assert_int_equal(f.version, rows[i].version ? rows[i].version : 7);
		if (e == 0)
			nspawn_features_clear(&f);
		else
			assert_non_null(strstr(err.text, "its --version does not begin with"));
	}
}

static void test_strange_help(void **state)
{
	static const char *const texts[] = {
		"",
		"\n\n\n",
		"--",
		"-",
		"  -",
		"  --\n",
		"Usage: x --machine=NAME\n",
		"  --machin\n",
		"\xff--x",
		"  -h\n -- \n ---\n",
	};
	struct nspawn_features f = {0};
	struct strbuf many = {0};
	struct error err = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(nspawn_parse_features(version_252, texts[i], &f, &err), -EINVAL);
		assert_non_null(strstr(err.text, "--help does not list --machine"));
	}
	/* Bounded in words and in their length. */
	strbuf_puts(&many, "  --machine\n");
	for (unsigned i = 0; i < 3000; i++)
		strbuf_printf(&many, "  --option-%u\n", i);
	strbuf_puts(&many, "  --option-0000000000000000000000000000000000000000000000000000000000000000\n");
	assert_int_equal(nspawn_parse_features(version_252, many.data, &f, &err), 0);
	assert_int_equal(strv_length(f.options), 1024);
	nspawn_features_clear(&f);
	strbuf_free(&many);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_seed),
		cmocka_unit_test(test_boot),
		cmocka_unit_test(test_image_on_the_host),
		cmocka_unit_test(test_inherited_credentials),
		cmocka_unit_test(test_is_init),
		cmocka_unit_test(test_optional_binds),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_features),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_strange_help),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
