/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* netnsd.conf and its drop-ins. */
#include "config_load.h"

#include "lib_config.h"
#include "log.h"
#include "parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct daemon_settings load(struct scene *s)
{
	struct daemon_settings settings;

	diags_free(&s->diags);
	assert_int_equal(daemon_settings_load(s->directories, &settings, &s->diags), 0);
	return settings;
}

static void test_defaults(void **state)
{
	struct daemon_settings d = load(*state);

	scene_expect_count(*state, 0);
	assert_int_equal(d.log_level, LOG_INFO);
	assert_int_equal(d.timeout_start, 60000000);
	assert_int_equal(d.workers, 2);
	assert_null(d.plugin_directory);
	assert_string_equal(d.socket_group, "netnsd");
	assert_int_equal(d.socket_mode, 0666);
	assert_int_equal(d.connections_max, 128);
	daemon_settings_free(&d);
}

static void test_all_keys(void **state)
{
	struct scene *s = *state;
	struct daemon_settings d;

	scene_write(
		s, "etc/netnsd.conf",
		"[Manager]\nLogLevel=debug\nTimeoutStartSec=1min 30s\nWorkers=4\n"
		"PluginDirectory=/opt/plugins\nSocketGroup=ops\nSocketMode=0660\nConnectionsMaxPerUser=7\n");
	scene_write(s, "lib/netnsd.conf", "[Manager]\nXyzzy=1\n"); /* not read: the first hit wins */
	scene_write(s, "lib/netnsd.conf.d/10.conf", "[Manager]\nWorkers=5\nSocketGroup=\n");
	scene_write(s, "etc/netnsd.conf.d/20.conf", "[Manager]\nWorkers=6\n");
	scene_link(s, "/dev/null", "etc/netnsd.conf.d/30.conf");
	scene_write(s, "lib/netnsd.conf.d/30.conf", "[Manager]\nWorkers=7\n");
	d = load(s);
	scene_expect_count(s, 0);
	assert_int_equal(d.log_level, LOG_DEBUG);
	assert_int_equal(d.timeout_start, 90000000);
	assert_int_equal(d.workers, 6);
	assert_string_equal(d.plugin_directory, "/opt/plugins");
	assert_string_equal(d.socket_group, "netnsd");
	assert_int_equal(d.socket_mode, 0660);
	assert_int_equal(d.connections_max, 7);
	daemon_settings_free(&d);
}

static void test_errors(void **state)
{
	struct scene *s = *state;
	struct daemon_settings d;

	scene_write(s, "etc/netnsd.conf",
		    "[Manager]\nLogLevel=loud\nTimeoutStartSec=soon\nWorkers=17\nPluginDirectory=here\n"
		    "SocketMode=0888\nConnectionsMaxPerUser=0\nWorker=3\n[Manger]\n");
	d = load(s);
	scene_expect_count(s, 8);
	scene_expect(s, DIAG_ERROR, "netnsd.conf:2: [Manager] LogLevel:", "loud", NULL);
	scene_expect(s, DIAG_ERROR, "netnsd.conf:3: [Manager] TimeoutStartSec:", NULL);
	scene_expect(s, DIAG_ERROR, "netnsd.conf:4: [Manager] Workers:", "from 1 to 16", NULL);
	scene_expect(s, DIAG_ERROR, "netnsd.conf:5: [Manager] PluginDirectory:", "absolute", NULL);
	scene_expect(s, DIAG_ERROR, "netnsd.conf:6: [Manager] SocketMode:", "octal", NULL);
	scene_expect(s, DIAG_ERROR, "netnsd.conf:8: [Manager] Worker:", "did you mean 'Workers'?", NULL);
	scene_expect(s, DIAG_ERROR, "netnsd.conf:9: [Manger]:", "[Manager]", NULL);
	/* What is wrong keeps its default. */
	assert_int_equal(d.workers, 2);
	assert_int_equal(d.socket_mode, 0666);
	assert_int_equal(d.log_level, LOG_INFO);
	assert_null(d.plugin_directory);
	daemon_settings_free(&d);
}

static void test_odd_files(void **state)
{
	struct scene *s = *state;
	struct daemon_settings d;

	scene_write(s, "lib/netnsd.conf", "[Manager]\nWorkers=9\n");
	scene_link(s, "/dev/null", "etc/netnsd.conf");
	scene_write(s, "etc/netnsd.conf.d/x.conf", "[Manager]\nTimeoutStartSec=0\n");
	d = load(s);
	scene_expect_count(s, 0);
	assert_int_equal(d.workers, 2);
	assert_true(d.timeout_start == USEC_INFINITY);
	daemon_settings_free(&d);
}

/* The file that is shipped shows the defaults: as it is, and without its comment signs. */
static void test_shipped_file(void **state)
{
	const char *source = getenv("NETNSD_SRCDIR");
	struct scene *s = *state;
	struct daemon_settings d;
	char path[512], text[8192], *out = text;
	FILE *f;
	int c;

	if (!source)
		skip();
	snprintf(path, sizeof(path), "%s/conf/netnsd.conf", source);
	f = fopen(path, "re");
	assert_non_null(f);
	/* "#Workers=2" to "Workers=2", "# a sentence" stays. */
	for (int last = '\n'; (c = fgetc(f)) != EOF && out < text + sizeof(text) - 2; last = c) {
		if (c == '#' && last == '\n') {
			c = fgetc(f);
			if (c == ' ' || c == '\n')
				*out++ = '#';
		}
		*out++ = (char)c;
	}
	*out = '\0';
	fclose(f);
	scene_write(s, "etc/netnsd.conf", text);
	d = load(s);
	scene_expect_count(s, 0);
	assert_non_null(strstr(text, "\nWorkers=2\n"));
	assert_int_equal(d.workers, 2);
	assert_int_equal(d.timeout_start, 60000000);
	assert_int_equal(d.socket_mode, 0666);
	assert_int_equal(d.connections_max, 128);
	assert_string_equal(d.socket_group, "netnsd");
	daemon_settings_free(&d);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, scene_setup, scene_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_defaults),  TEST(test_all_keys),     TEST(test_errors),
		TEST(test_odd_files), TEST(test_shipped_file),
	};

	return cmocka_run_group_tests_name("config_daemon", tests, NULL, NULL);
}
