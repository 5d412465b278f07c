/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What `netnsctl status NAME.container` prints: the container as systemctl shows a service, and the last
 * lines of its output. */
#include "ctl.h"
#include "desired_container.h"
#include "parse.h"

#include <string.h>
#include <time.h>

#define STATUS_LINES 10

bool container_runs(const json_t *d)
{
	static const char *const not_running[] = {"dead", "failed", "skipped", "auto-restart"};
	const char *state = json_text(json_object_get(d, "runtime"), "state");

	for (size_t i = 0; i < sizeof(not_running) / sizeof(not_running[0]); i++)
		if (str_equal(state, not_running[i]))
			return false;
	return state != NULL;
}

void print_size(json_int_t bytes)
{
	static const char units[] = "KMGTPE";
	double value = (double)bytes;
	size_t unit = 0;

	if (bytes < 1024) {
		printf("%lldB", (long long)bytes);
		return;
	}
	for (value /= 1024; value >= 1024 && unit + 2 < sizeof(units); value /= 1024)
		unit++;
	printf("%.1f%c", value, units[unit]);
}

static void print_loaded(const json_t *context, const json_t *runtime)
{
	const char *file = json_text(context, "file");

	if (!file)
		return;
	status_label("Loaded");
	(void)fputs(file, stdout);
	if (json_truth(context, "autoStart"))
		printf(" (AutoStart=yes)");
	if (json_truth(runtime, "configurationFailed"))
		printf("; the file has errors, the last good configuration is in use");
	else if (json_truth(runtime, "undeclared"))
		printf("; it is no longer there");
	else if (json_truth(runtime, "needsRestart"))
		printf("; its settings have changed, 'netnsctl restart' brings them into effect");
	putchar('\n');
}

/* "exited, status=7", "killed, signal=KILL" */
static void print_exit(const json_t *runtime)
{
	const char *code = json_text(runtime, "exitCode");
	int status = (int)json_number(runtime, "exitStatus");
	char signal[FORMAT_MAX];

	if (!code)
		return;
	printf(" (");
	(void)fputs(code, stdout);
	if (strcmp(code, "exited") == 0)
		printf(", status=%d)", status);
	else
		printf(", signal=%s)", format_signal(status, signal));
}

static void print_result(const struct ctl *c, const json_t *runtime)
{
	const char *result = json_text(runtime, "result"), *why = json_text(runtime, "restartReason");
	json_int_t restarts = json_number(runtime, "restarts"), total = json_number(runtime, "totalRestarts");
	const bool fine = !result || strcmp(result, "success") == 0;

	if (result) {
		status_label("Last run");
		printf("%s", fine ? "" : color_on(c, COLOR_RED));
		(void)fputs(result, stdout);
		printf("%s", fine ? "" : color_off(c));
		print_exit(runtime);
		if (why && *why) {
			printf("; ");
			(void)fputs(why, stdout);
		}
		putchar('\n');
	}
	if (restarts > 0 || total > 0) {
		status_label("Restarts");
		printf("%lld in a row, %lld in all\n", (long long)restarts, (long long)total);
	}
}

static void print_next(const json_t *runtime)
{
	json_int_t at = json_number(runtime, "nextRestartAt");
	char span[FORMAT_MAX];
	struct timespec t;
	json_int_t now;

	if (at <= 0 || clock_gettime(CLOCK_REALTIME, &t) < 0)
		return;
	now = (json_int_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
	status_label("Restart");
	printf("in %s\n", format_usec(at > now ? (uint64_t)(at - now) / 1000 * 1000 : 0, span));
}

static void print_processes(const json_t *runtime)
{
	json_int_t pid = json_number(runtime, "pid"), leader = json_number(runtime, "leader");

	if (pid <= 0)
		return;
	status_label("PID");
	printf("%lld (systemd-nspawn)", (long long)pid);
	if (leader > 0)
		printf(", leader %lld", (long long)leader);
	putchar('\n');
}

static void print_health(const struct ctl *c, const json_t *runtime)
{
	const char *health = json_text(runtime, "health"), *text = json_text(runtime, "healthText");
	enum color color = str_equal(health, "healthy")	    ? COLOR_GREEN
			   : str_equal(health, "unhealthy") ? COLOR_RED
							    : COLOR_NONE;

	if (!health)
		return;
	status_label("Health");
	printf("%s", color_on(c, color));
	(void)fputs(health, stdout);
	printf("%s", color_off(c));
	if (text && *text) {
		printf(": ");
		(void)fputs(text, stdout);
	}
	putchar('\n');
}

static void print_head(const struct ctl *c, const json_t *d, const char *state)
{
	const char *name = json_text(d, "name"),
		   *description = json_text(json_object_get(d, "context"), "description");

	status_dot(c, state);
	(void)fputs(name ? name : "?", stdout);
	printf(CONTAINER_SUFFIX);
	if (description && *description) {
		printf(" - ");
		(void)fputs(description, stdout);
	}
	putchar('\n');
}

static const char *root_of(const json_t *context)
{
	static const char *const keys[] = {"directory", "image", "template"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (json_text(context, keys[i]))
			return json_text(context, keys[i]);
	return NULL;
}

int status_container(struct ctl *c, json_t *d)
{
	const json_t *context = json_object_get(d, "context"), *runtime = json_object_get(d, "runtime");
	const char *state = json_text(runtime, "state"), *name = json_text(d, "name");

	state = state ? state : "unknown";
	block_begin(c);
	print_head(c, d, state);
	print_loaded(context, runtime);
	status_state(c, state, runtime, "since");
	status_field("Reason", json_text(runtime, "reason"));
	print_next(runtime);
	print_result(c, runtime);
	status_field("Namespace", json_text(context, "namespace"));
	status_field("Root", root_of(context));
	print_processes(runtime);
	print_health(c, runtime);
	if (json_is_integer(json_object_get(runtime, "memoryCurrent"))) {
		status_label("Memory");
		print_size(json_number(runtime, "memoryCurrent"));
		putchar('\n');
	}
	status_field("CGroup", json_text(runtime, "cgroup"));
	status_field("Status", json_text(runtime, "statusText"));
	block_end(c);
	block_begin(c);
	if (name && container_name_is_valid(name))
		(void)log_print(c, name, STATUS_LINES, false, true);
	block_end_cut(c);
	return container_runs(d) ? CTL_DONE : CTL_NOT_RUNNING;
}
