/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Records of containers as text: one table says how each field is read and written. Pure. */
#include "container_record.h"

#include "ini.h"
#include "parse.h"
#include "str.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define RECORD_VERSION "1"

enum field_type { FIELD_BOOL, FIELD_U64, FIELD_UNSIGNED, FIELD_INT, FIELD_TEXT, FIELD_STATE, FIELD_RESULT };

struct field {
	const char *name;
	enum field_type type;
	size_t offset, size;
};

#define FIELD(NAME, TYPE, MEMBER)                                                                            \
	{                                                                                                    \
		NAME, TYPE, offsetof(struct container_record, MEMBER),                                       \
			sizeof(((struct container_record *)0)->MEMBER)                                       \
	}
static const struct field fields[] = {
	FIELD("BootID", FIELD_TEXT, boot_id),
	FIELD("State", FIELD_STATE, s.state),
	FIELD("Result", FIELD_RESULT, s.result),
	FIELD("Cause", FIELD_RESULT, s.cause),
	FIELD("ExitCode", FIELD_INT, s.exit_code),
	FIELD("ExitStatus", FIELD_INT, s.exit_status),
	FIELD("StopAsked", FIELD_BOOL, s.stop_asked),
	FIELD("Again", FIELD_BOOL, s.again),
	FIELD("HasLeader", FIELD_BOOL, s.leader),
	FIELD("Ready", FIELD_BOOL, s.ready),
	FIELD("Skip", FIELD_BOOL, s.skip),
	FIELD("Restarts", FIELD_UNSIGNED, s.restarts),
	FIELD("TotalRestarts", FIELD_UNSIGNED, s.total_restarts),
	FIELD("SinceUSec", FIELD_U64, s.since),
	FIELD("RunningSinceUSec", FIELD_U64, s.running_since),
	FIELD("DeadlineUSec", FIELD_U64, s.deadline),
	FIELD("Signals", FIELD_UNSIGNED, s.signals),
	FIELD("StartsBeginUSec", FIELD_U64, s.starts.begin),
	FIELD("StartsCount", FIELD_UNSIGNED, s.starts.count),
	FIELD("Reason", FIELD_TEXT, s.reason),
	FIELD("Decision", FIELD_TEXT, s.decision),
	FIELD("ChangedAtUSec", FIELD_U64, changed_at),
	FIELD("Wanted", FIELD_BOOL, wanted),
	FIELD("Resume", FIELD_BOOL, resume),
	FIELD("ComesBack", FIELD_BOOL, again),
	FIELD("SignalsSent", FIELD_UNSIGNED, sent),
	FIELD("PID", FIELD_INT, pid),
	FIELD("PIDStarted", FIELD_U64, pid_started),
	FIELD("Leader", FIELD_INT, leader),
	FIELD("LeaderStarted", FIELD_U64, leader_started),
	FIELD("ControlGroup", FIELD_TEXT, cgroup),
	FIELD("Namespace", FIELD_TEXT, netns),
	FIELD("Settings", FIELD_U64, settings),
	FIELD("Status", FIELD_TEXT, status),
	FIELD("Why", FIELD_TEXT, why),
};
#undef FIELD

/* --- reading ------------------------------------------------------------------------------------ */

struct reading {
	struct container_record r;
	bool version, state, bad;
};

static bool read_number(const char *value, uint64_t max, uint64_t *ret)
{
	return parse_u64(value, ret) == 0 && *ret <= max;
}

static bool read_text(char *field, size_t size, const char *value)
{
	size_t length = strlen(value);

	if (length >= size || !text_is_clean(value, length))
		return false;
	memcpy(field, value, length + 1);
	return true;
}

static bool read_field(const struct field *f, const char *value, struct container_record *r)
{
	char *at = (char *)r + f->offset;
	uint64_t number = 0;

	switch (f->type) {
	case FIELD_BOOL: return parse_bool(value, (bool *)at) == 0;
	case FIELD_U64: return read_number(value, UINT64_MAX, (uint64_t *)at);
	case FIELD_UNSIGNED:
		if (!read_number(value, UINT_MAX, &number))
			return false;
		*(unsigned *)at = (unsigned)number;
		return true;
	case FIELD_INT:
		if (!read_number(value, INT_MAX, &number))
			return false;
		*(int *)at = (int)number;
		return true;
	case FIELD_TEXT: return read_text(at, f->size, value);
	case FIELD_STATE: return container_state_from_string(value, (enum container_state *)at) == 0;
	case FIELD_RESULT: return run_result_from_string(value, (enum run_result *)at) == 0;
	}
	return false;
}

static void on_assign(const char *key, const char *value, unsigned line, void *data)
{
	struct reading *r = data;

	(void)line;
	if (strcmp(key, "Version") == 0) {
		r->version = strcmp(value, RECORD_VERSION) == 0;
		r->bad = r->bad || !r->version;
	}
	r->state = r->state || strcmp(key, "State") == 0;
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		if (strcmp(fields[i].name, key) == 0 && !read_field(&fields[i], value, &r->r))
			r->bad = true;
}

static void on_section(const char *section, const char *title, unsigned line, void *data)
{
	struct reading *r = data;

	(void)line;
	r->bad = r->bad || title || strcmp(section, "Record") != 0;
}

static void on_error(unsigned line, const char *message, void *data)
{
	(void)line;
	(void)message;
	((struct reading *)data)->bad = true;
}

/* What no daemon would have written is not taken: a machine in a state that cannot be goes nowhere. */
static bool is_sound(const struct container_record *r)
{
	bool runs = r->s.state == CONTAINER_START || r->s.state == CONTAINER_RUNNING ||
		    r->s.state == CONTAINER_STOP_SIGTERM || r->s.state == CONTAINER_STOP_SIGKILL;

	return r->boot_id[0] && (!runs || (r->pid > 1 && r->pid_started)) &&
	       (!r->cgroup[0] || r->cgroup[0] == '/') && !strstr(r->cgroup, "..") &&
	       (r->s.exit_code == 0 || (r->s.exit_code >= CLD_EXITED && r->s.exit_code <= CLD_DUMPED));
}

int container_record_parse(const char *text, size_t length, struct container_record *ret)
{
	static const struct ini_callbacks callbacks = {on_section, on_assign, on_error};
	struct reading r = {.bad = false};
	int e = ini_parse(text, length, &callbacks, &r);

	if (e < 0)
		return e;
	if (r.bad || !r.version || !r.state || !is_sound(&r.r))
		return -EINVAL;
	*ret = r.r;
	return 0;
}

/* --- writing ------------------------------------------------------------------------------------ */

static void print_field(const struct field *f, const struct container_record *r, struct strbuf *out)
{
	const char *at = (const char *)r + f->offset;

	strbuf_printf(out, "%s=", f->name);
	switch (f->type) {
	case FIELD_BOOL: strbuf_puts(out, *(const bool *)at ? "yes" : "no"); break;
	case FIELD_U64: strbuf_printf(out, "%" PRIu64, *(const uint64_t *)at); break;
	case FIELD_UNSIGNED: strbuf_printf(out, "%u", *(const unsigned *)at); break;
	case FIELD_INT: strbuf_printf(out, "%d", *(const int *)at); break;
	case FIELD_TEXT: strbuf_puts(out, at); break;
	case FIELD_STATE:
		strbuf_puts(out, container_state_to_string(*(const enum container_state *)at));
		break;
	case FIELD_RESULT: strbuf_puts(out, run_result_to_string(*(const enum run_result *)at)); break;
	}
	strbuf_puts(out, "\n");
}

/* A text that ends in a backslash would take the next line along. */
static bool is_whole(const struct field *f, const struct container_record *r)
{
	const char *text = (const char *)r + f->offset;
	size_t length = f->type == FIELD_TEXT ? strlen(text) : 0;

	return length == 0 || (text[length - 1] != '\\' && text_is_clean(text, length));
}

char *container_record_print(const struct container_record *r)
{
	struct strbuf out = {0};

	strbuf_puts(&out, "[Record]\nVersion=" RECORD_VERSION "\n");
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		if (is_whole(&fields[i], r))
			print_field(&fields[i], r, &out);
	return strbuf_finish(&out);
}
