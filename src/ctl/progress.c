/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The line that says how far a call is: on standard error, written over and over, on a terminal only and only
 * when it takes more than a moment. What the daemon tells with its replies stands in it; where it tells
 * nothing, what is waited for is asked on another connection. */
#include "clock.h"
#include "ctl.h"

#include <errno.h>
#include <string.h>

#define FIRST_AFTER 500000 /* usec */
#define ASK_TIMEOUT 300000 /* usec */
#define NAMED_MAX   2	   /* of several objects */

void progress_start(struct progress *p, const char *what)
{
	const char *term = getenv("TERM");

	*p = (struct progress){
		.enabled = isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0,
		.started = clock_monotonic(),
		.what = what,
	};
}

/* Cut where the terminal ends, between two characters: what goes over it could not be overwritten. */
static void print_cut(const char *line)
{
	size_t n = strlen(line), room = terminal_width() - 5;

	if (n > room)
		for (n = room; n > 0 && ((unsigned char)line[n] & 0xc0) == 0x80; n--)
			;
	(void)fprintf(stderr, "\r%.*s ...\033[K", (int)n, line);
	(void)fflush(stderr);
}

void progress_update(struct progress *p)
{
	const uint64_t elapsed = clock_monotonic() - p->started;
	char line[512], count[64] = "";

	if (!p->enabled || elapsed < FIRST_AFTER)
		return;
	if (p->total > 0)
		(void)str_format(count, sizeof(count), ", %lld of %lld", (long long)p->done,
				 (long long)p->total);
	(void)str_format(line, sizeof(line), "%s: %llus%s%s%s", p->what,
			 (unsigned long long)(elapsed / 1000000), count, p->text[0] ? ", " : "", p->text);
	print_cut(line);
	p->shown = true;
}

void progress_end(struct progress *p)
{
	if (p->shown)
		(void)fputs("\r\033[K", stderr);
	p->shown = false;
}

/* --- what is waited for
 * ------------------------------------------------------------------------------------- */

struct waited {
	const char *name; /* only this one; NULL: all that change */
	struct strbuf text;
	size_t n;
};

static bool changes(const char *state)
{
	return str_equal(state, "configuring") || str_equal(state, "removing");
}

static void take_entry(json_t *entry, void *data)
{
	const json_t *runtime = json_object_get(entry, "runtime");
	const char *name = json_text(entry, "name"), *state = json_text(runtime, "state");
	_cleanup_free_ char *reason = state_reason(runtime);
	struct waited *w = data;

	if (!name || !state)
		return;
	if (w->name) {
		strbuf_printf(&w->text, "%s%s%s", state, reason && *reason ? ": " : "", reason ? reason : "");
	} else if (changes(state) && w->n++ < NAMED_MAX) {
		strbuf_printf(&w->text, "%s%s is %s", w->n > 1 ? ", " : "", name, state);
	}
}

void progress_ask(const struct ctl *c, const struct request *q, struct progress *p)
{
	struct ctl other = {.socket = c->socket, .timeout = ASK_TIMEOUT, .quiet = true};
	struct waited w = {.name = q->object[0] ? q->object : NULL};
	const bool container = str_starts_with(q->method, CONTAINER_INTERFACE);
	struct request ask = {.what = "ask",
			      .method = container ? CONTAINER_INTERFACE ".List" : NAMESPACE_INTERFACE ".List",
			      .partial = take_entry,
			      .data = &w,
			      .more = !w.name};
	struct reply reply = {0};

	if (!p->enabled || p->told || clock_monotonic() - p->started < FIRST_AFTER ||
	    client_probe(&other) < 0)
		return;
	ask.parameters = w.name ? json_pack("{s:s}", "name", w.name) : json_object();
	if (ask.parameters && client_request(&other, &ask, &reply) == 0 && !reply.error)
		take_entry(reply.parameters, &w);
	if (w.n > NAMED_MAX)
		strbuf_printf(&w.text, " and %zu more", w.n - NAMED_MAX);
	(void)str_format(p->text, sizeof(p->text), "%s", !w.text.failed && w.text.data ? w.text.data : "");
	strbuf_free(&w.text);
	reply_done(&reply);
	client_done(&other);
}
