/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Errors of the interfaces as sentences: nobody should have to read "io.netnsd.Namespace.NotOurs".
 * Diagnostics of files are printed here too, whether they come from the daemon or from a check. */
#include "ctl.h"
#include "netns.h"

#include <errno.h>
#include <string.h>

static const char *text_or(json_t *p, const char *key, const char *otherwise)
{
	const char *text = json_text(p, key);

	return text && *text ? text : otherwise;
}

static void say_no_such(struct strbuf *b, json_t *p)
{
	const char *name = text_or(p, "name", "?");
	char path[512];

	/* The daemon leaves the names of others alone, to the point of not knowing them. */
	(void)snprintf(path, sizeof(path), NETNS_DIRECTORY "/%s", name);
	if (!strchr(name, '/') && access(path, F_OK) == 0)
		strbuf_printf(b, "'%s' is somebody else's, and netnsd leaves it alone; use ip-netns(8)",
			      name);
	else
		strbuf_printf(b, "there is no namespace '%s'; 'netnsctl list' shows which there are", name);
}

static void say_exists(struct strbuf *b, json_t *p)
{
	const char *name = text_or(p, "name", "?");

	strbuf_printf(b, "namespace '%s' exists already; 'netnsctl status %s' shows it", name, name);
}

static void say_not_ours(struct strbuf *b, json_t *p)
{
	const char *name = text_or(p, "name", "?");

	strbuf_printf(
		b, "'%s' is somebody else's: %s; Adopt=yes in '[Namespace]' takes over a namespace as it is",
		name, text_or(p, "message", "netnsd did not make it"));
}

static void say_bad_state(struct strbuf *b, json_t *p)
{
	const char *name = json_text(p, "name"), *message = json_text(p, "message");

	if (name)
		strbuf_printf(b, "namespace '%s' is %s", name, text_or(p, "state", "in another state"));
	else
		strbuf_printf(b, "netnsd is %s", text_or(p, "state", "in another state"));
	if (message && *message)
		strbuf_printf(b, ": %s", message);
	else
		strbuf_puts(b, "; try again when that is over");
}

static void say_bad_configuration(struct strbuf *b, json_t *p)
{
	struct diag d = {
		.file = (char *)json_text(p, "file"),
		.line = (unsigned)json_number(p, "line"),
		.key = (char *)json_text(p, "key"),
		.message = (char *)text_or(p, "message", "a setting is wrong"),
	};
	_cleanup_free_ char *text = diag_to_string(&d);

	strbuf_puts(b, text ? text : d.message);
}

static void say_no_container(struct strbuf *b, json_t *p)
{
	strbuf_printf(b, "there is no container '%s'; 'netnsctl list --containers' shows which there are",
		      text_or(p, "name", "?"));
}

static void say_container_state(struct strbuf *b, json_t *p)
{
	const char *message = json_text(p, "message");

	strbuf_printf(b, "container '%s' is %s", text_or(p, "name", "?"),
		      text_or(p, "state", "in another state"));
	if (message && *message)
		strbuf_printf(b, ": %s", message);
	else
		strbuf_puts(b, "; 'netnsctl start' starts it, 'netnsctl status' shows more");
}

static void say_start_failed(struct strbuf *b, json_t *p)
{
	const char *result = json_text(p, "result"), *name = text_or(p, "name", "?");
	const char *message = text_or(p, "message", "no reason given");

	strbuf_puts(b, message);
	if (result && !strstr(message, result))
		strbuf_printf(b, " (%s)", result);
	strbuf_printf(
		b, "; 'netnsctl log %s' shows what it printed, 'netnsctl status %s" CONTAINER_SUFFIX "' more",
		name, name);
}

static void say_action_failed(struct strbuf *b, json_t *p)
{
	const char *action = json_text(p, "action"), *code = json_text(p, "errnoName");
	const char *message = text_or(p, "message", "no reason given");

	if (action)
		strbuf_printf(b, "'%s' failed: ", action);
	strbuf_puts(b, message);
	if (code && !strstr(message, code)) /* the kernel's words come with it */
		strbuf_printf(b, " (%s)", code);
	strbuf_puts(b, "; what had been done was undone");
}

static void say_permission(struct strbuf *b, json_t *p)
{
	(void)p;
	strbuf_puts(b, "only root may do that; run it again as root");
}

static void say_invalid_parameter(struct strbuf *b, json_t *p)
{
	strbuf_printf(
		b,
		"netnsd does not take the value of '%s'; if the value is right, netnsctl and netnsd are of "
		"different versions ('netnsctl version')",
		text_or(p, "parameter", "?"));
}

static void say_too_old(struct strbuf *b, json_t *p)
{
	(void)p;
	strbuf_puts(b, "the netnsd that is running does not know how; restart it after an upgrade ('netnsctl "
		       "version' shows both versions)");
}

static void say_expected_more(struct strbuf *b, json_t *p)
{
	(void)p;
	strbuf_puts(b,
		    "netnsd wants to answer in several parts; netnsctl and netnsd are of different versions");
}

static void say_nothing_to_confirm(struct strbuf *b, json_t *p)
{
	(void)p;
	strbuf_puts(b, "nothing waits to be confirmed; 'netnsctl status' shows what was done last");
}

static void say_reexec_failed(struct strbuf *b, json_t *p)
{
	strbuf_puts(b, text_or(p, "message", "no reason given"));
}

static void say_environment(struct strbuf *b, json_t *p)
{
	(void)p;
	strbuf_puts(b, "the daemon's environment is not text");
}

static void say_state_unknown(struct strbuf *b, json_t *p)
{
	strbuf_printf(b, "netnsd cannot look at namespace '%s': %s", text_or(p, "name", "?"),
		      text_or(p, "message", "no reason given"));
}

/* systemd's carrier of a bare errno. */
static void say_system(struct strbuf *b, json_t *p)
{
	const char *code = text_or(p, "errnoName", "?");

	if (strcmp(code, "ENOMEM") == 0)
		strbuf_puts(b, "netnsd has no memory left for it");
	else
		strbuf_printf(b, "netnsd failed with %s; 'journalctl -u netnsd' may say more", code);
}

static const struct {
	const char *name;
	void (*say)(struct strbuf *b, json_t *parameters);
} sentences[] = {
	{NAMESPACE_INTERFACE ".NoSuchNamespace", say_no_such},
	{NAMESPACE_INTERFACE ".NamespaceExists", say_exists},
	{NAMESPACE_INTERFACE ".NotOurs", say_not_ours},
	{NAMESPACE_INTERFACE ".BadState", say_bad_state},
	{NAMESPACE_INTERFACE ".BadConfiguration", say_bad_configuration},
	{NAMESPACE_INTERFACE ".ActionFailed", say_action_failed},
	{CONTAINER_INTERFACE ".NoSuchContainer", say_no_container},
	{CONTAINER_INTERFACE ".BadState", say_container_state},
	{CONTAINER_INTERFACE ".StartFailed", say_start_failed},
	{CONTAINER_INTERFACE ".BadConfiguration", say_bad_configuration},
	{MANAGER_INTERFACE ".BadConfiguration", say_bad_configuration},
	{MANAGER_INTERFACE ".BadState", say_bad_state},
	{MANAGER_INTERFACE ".StateUnknown", say_state_unknown},
	{MANAGER_INTERFACE ".NothingToConfirm", say_nothing_to_confirm},
	{MANAGER_INTERFACE ".ReexecFailed", say_reexec_failed},
	{SERVICE_INTERFACE ".InconsistentEnvironment", say_environment},
	{"io.systemd.System", say_system},
	{"org.varlink.service.PermissionDenied", say_permission},
	{"org.varlink.service.InvalidParameter", say_invalid_parameter},
	{"org.varlink.service.InterfaceNotFound", say_too_old},
	{"org.varlink.service.MethodNotFound", say_too_old},
	{"org.varlink.service.MethodNotImplemented", say_too_old},
	{"org.varlink.service.ExpectedMore", say_expected_more},
};

char *client_error_to_string(const char *error, json_t *parameters)
{
	struct strbuf b = {0};

	for (size_t i = 0; i < sizeof(sentences) / sizeof(sentences[0]); i++)
		if (strcmp(sentences[i].name, error) == 0) {
			sentences[i].say(&b, parameters);
			return strbuf_finish(&b);
		}
	strbuf_printf(&b,
		      "netnsd answers with '%s', which this netnsctl does not know; 'netnsctl version' shows "
		      "both versions",
		      error);
	if (json_text(parameters, "message"))
		strbuf_printf(&b, ": %s", json_text(parameters, "message"));
	return strbuf_finish(&b);
}

static void diag_print(FILE *f, const struct diag *d)
{
	bool colored = colors_wanted(fileno(f)), error = d->severity == DIAG_ERROR;
	_cleanup_free_ char *text = diag_to_string(d), *safe = text ? text_safe(text, false) : NULL;

	if (colored)
		(void)fputs(error ? "\033[0;1;31m" : "\033[0;1;33m", f);
	(void)fputs(error ? "error: " : "warning: ", f);
	if (colored)
		(void)fputs("\033[0m", f);
	(void)fputs(safe ? safe : d->message, f);
	(void)fputc('\n', f);
}

void diags_print(FILE *f, const struct diags *diags)
{
	(void)fflush(stdout);
	for (size_t i = 0; i < diags->count; i++)
		diag_print(f, &diags->items[i]);
	if (diags->dropped > 0)
		(void)fprintf(f, "... and %zu more\n", diags->dropped);
}

void diagnostics_print(FILE *f, json_t *diagnostics)
{
	size_t i;
	json_t *item;

	(void)fflush(stdout);
	json_array_foreach(diagnostics, i, item)
	{
		struct diag d = {
			.severity =
				str_equal(json_text(item, "severity"), "warning") ? DIAG_WARNING : DIAG_ERROR,
			.object = (char *)json_text(item, "object"),
			.file = (char *)json_text(item, "file"),
			.line = (unsigned)json_number(item, "line"),
			.section = (char *)json_text(item, "section"),
			.key = (char *)json_text(item, "key"),
			.message = (char *)text_or(item, "message", "no reason given"),
		};

		diag_print(f, &d);
	}
}

json_t *diags_to_json(const struct diags *diags)
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < diags->count; i++) {
		const struct diag *d = &diags->items[i];
		json_t *line = d->line ? json_integer(d->line) : json_null();
		json_t *item = json_pack("{s:s, s:s?, s:s?, s:o, s:s?, s:s?, s:s}", "severity",
					 d->severity == DIAG_ERROR ? "error" : "warning", "object", d->object,
					 "file", d->file, "line", line, "section", d->section, "key", d->key,
					 "message", d->message);

		/* Bytes that are no UTF-8 cannot be said in JSON: such an entry is left out. */
		if (item && json_array_append_new(array, item) < 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

int client_report(const char *what, const struct reply *reply)
{
	json_t *diagnostics = json_object_get(reply->parameters, "diagnostics");
	_cleanup_free_ char *text = NULL;

	if (str_equal(reply->error, MANAGER_INTERFACE ".BadConfiguration") &&
	    json_array_size(diagnostics) > 0) {
		diagnostics_print(stderr, diagnostics);
		ctl_error("cannot %s: the files have errors; nothing was changed", what);
		return CTL_FAILED;
	}
	text = client_error_to_string(reply->error, reply->parameters);
	if (!text)
		return ctl_no_memory();
	ctl_error("cannot %s: %s", what, text);
	return CTL_FAILED;
}
