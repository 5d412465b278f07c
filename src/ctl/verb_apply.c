/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* plan, apply, reload: what would change, and changing it. All three make the daemon read its files
 * again. */
#include "ctl.h"
#include "parse.h"

#include <string.h>

static void print_action(const struct ctl *c, json_t *action)
{
	static const struct {
		const char *operation;
		char sign;
		enum color color;
	} signs[] = {{"create", '+', COLOR_GREEN}, {"change", '~', COLOR_YELLOW}, {"remove", '-', COLOR_RED}};
	const char *operation = json_text(action, "operation"), *reason = json_text(action, "reason");
	size_t i = 0;

	while (i < 2 && !str_equal(signs[i].operation, operation))
		i++;
	printf("%s%c ", color_on(c, signs[i].color), signs[i].sign);
	(void)fputs(json_text(action, "namespace") ? json_text(action, "namespace") : "?", stdout);
	printf(": ");
	(void)fputs(json_text(action, "text") ? json_text(action, "text") : "?", stdout);
	printf("%s", color_off(c));
	if (reason && *reason) {
		printf(" (");
		(void)fputs(reason, stdout);
		printf(")");
	}
	putchar('\n');
}

static void print_actions(const struct ctl *c, const json_t *actions)
{
	json_t *action;
	size_t i;

	json_array_foreach(actions, i, action) print_action(c, action);
}

static void print_failures(const json_t *failures, const char *undone)
{
	json_t *failure;
	size_t i;

	json_array_foreach(failures, i, failure)
	{
		const char *action = json_text(failure, "action"), *code = json_text(failure, "errnoName");
		const char *name = json_text(failure, "namespace"), *message = json_text(failure, "message");

		if (code && message && strstr(message, code)) /* the kernel's words come with it */
			code = NULL;
		/* Without a name it failed before it came to any namespace. */
		ctl_error("%s%s%s%s%s%s%s%s%s%s", name ? name : "", name && *name ? ": " : "",
			  action ? "'" : "", action ? action : "", action ? "' failed: " : "",
			  message ? message : "no reason given", code ? " (" : "", code ? code : "",
			  code ? ")" : "", name && *name ? undone : "");
	}
}

static int apply_result(struct ctl *c, struct reply *reply, const char *what, bool quiet)
{
	bool plan = str_equal(what, "plan"),
	     failed = str_equal(reply->error, MANAGER_INTERFACE ".ApplyFailed");
	json_t *failures = json_object_get(reply->parameters, "failures");
	const char *message;
	int r = failed || json_array_size(failures) > 0 ? CTL_FAILED : CTL_DONE;

	if (reply->error && !failed)
		return client_report(what, reply);
	if (c->json != JSON_MODE_OFF)
		return output_json(c, json_incref(reply->parameters)) ? CTL_FAILED : r;
	diagnostics_print(stderr, json_object_get(reply->parameters, "diagnostics"));
	if (plan && !failed)
		pager_open(c);
	if (!quiet)
		print_actions(c, json_object_get(reply->parameters, "actions"));
	message = json_text(reply->parameters, "message");
	print_failures(failures, plan || message ? "" : "; it was left as it had been");
	if (message)
		ctl_error("%s", message);
	if (failed && json_array_size(failures) == 0)
		ctl_error("cannot %s: netnsd does not say why; 'netnsctl list' shows what failed", what);
	return r;
}

/* A plan fails too where apply would: for a name that is somebody else's, for example. */
int verb_plan(struct ctl *c, char **args, int n)
{
	struct request q = {.what = "plan", .method = MANAGER_INTERFACE ".Plan"};
	struct reply reply = {0};
	int r = client_request(c, &q, &reply);

	(void)args;
	(void)n;
	if (!r)
		r = apply_result(c, &reply, q.what, false);
	reply_done(&reply);
	return r;
}

static json_t *apply_parameters(const struct ctl *c)
{
	json_t *p = json_object();

	if (p && c->atomic && json_object_set_new(p, "atomic", json_true()) < 0)
		goto fail;
	if (p && c->confirm &&
	    json_object_set_new(p, "confirmUsec", json_integer((json_int_t)c->confirm)) < 0)
		goto fail;
	if (p && c->restart && json_object_set_new(p, "restart", json_true()) < 0)
		goto fail;
	return p;
fail:
	json_decref(p);
	return NULL;
}

/* Standard error: standard output is the list of what was done. */
static void print_waiting(const struct ctl *c, const struct reply *reply)
{
	char span[FORMAT_MAX];

	if (!c->confirm || c->json != JSON_MODE_OFF || reply->error)
		return;
	(void)fflush(stdout); /* both may go to one pipe */
	if (!json_truth(reply->parameters, "waiting"))
		(void)fprintf(stderr, "Nothing was changed, so nothing has to be confirmed.\n");
	else
		(void)fprintf(stderr,
			      "What was changed is taken back after %s, unless you run: netnsctl confirm\n",
			      format_usec(c->confirm, span));
}

static int apply(struct ctl *c, const char *what, bool quiet)
{
	struct request q = {.what = what,
			    .method = MANAGER_INTERFACE ".Apply",
			    .parameters = apply_parameters(c),
			    .more = true};
	struct reply reply = {0};
	int r;

	if (!q.parameters)
		return ctl_no_memory();
	if (c->no_block)
		return client_send_oneway(c, what, q.method, q.parameters);
	r = client_request(c, &q, &reply);
	if (!r) {
		r = apply_result(c, &reply, what, quiet);
		print_waiting(c, &reply);
	}
	reply_done(&reply);
	return r;
}

int verb_apply(struct ctl *c, char **args, int n)
{
	(void)args;
	(void)n;
	return apply(c, "apply", false);
}

int verb_reload(struct ctl *c, char **args, int n)
{
	(void)args;
	(void)n;
	return apply(c, "reload", true);
}

int verb_confirm(struct ctl *c, char **args, int n)
{
	(void)args;
	(void)n;
	return client_call(c, "confirm", MANAGER_INTERFACE ".Confirm", NULL, NULL);
}
