/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the verbs of netnsctl share: the options of this run, asking the daemon, and writing for
 * people (table, status block, colours, pager) or for programs (JSON). A verb returns the exit code
 * and has written its own error by then. */
#ifndef NETNSCTL_CTL_H
#define NETNSCTL_CTL_H

#include "cleanup.h"
#include "desired.h"
#include "diag.h"
#include "error.h"
#include "str.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* 0 done, 1 failed, 2 wrong usage, 3 "not running" as systemctl has it; exec has env(1)'s. */
enum ctl_exit { CTL_DONE = 0, CTL_FAILED = 1, CTL_USAGE = 2, CTL_NOT_RUNNING = 3 };
enum exec_exit { EXEC_FAILED = 125, EXEC_NOT_EXECUTABLE = 126, EXEC_NOT_FOUND = 127 };

enum json_mode { JSON_MODE_OFF, JSON_MODE_PRETTY, JSON_MODE_SHORT };

struct verb;
struct varlink_client;

struct ctl {
	const struct verb *verb;
	const char *socket;
	enum json_mode json;
	bool no_pager, no_legend, no_block, all, state, atomic;
	const char *user;
	uint64_t timeout; /* usec; USEC_INFINITY: none */
	uint64_t confirm; /* usec; 0: not asked for */
	bool terminal;	  /* stdout was one before a pager took it */
	bool colors;
	bool utf8;
	struct varlink_client *client; /* connected at the first call */
};

/* --- main.c ---------------------------------------------------------------------------------- */
/* "netnsctl: ..." on stderr; one sentence, no final stop. */
void ctl_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void ctl_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Says what was expected and how the verb is used; returns the exit code for wrong usage. */
int ctl_usage_error(const struct ctl *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
int ctl_no_memory(void);
const struct verb *verb_find(const char *name);
/* "did you mean"; returns the exit code. */
int verb_unknown(const char *name);

/* --- options.c ------------------------------------------------------------------------------- */
/* Takes the options into *c and the other words into args, which has room for argc. 0, or -1 with the
 * exit code in *ret: wrong usage, or all is done (--help). */
int parse_arguments(struct ctl *c, int argc, char **argv, char **args, int *ret_n, int *ret);

/* --- client.c -------------------------------------------------------------------------------- */
#define NAMESPACE_INTERFACE "io.netnsd.Namespace"
#define MANAGER_INTERFACE   "io.netnsd.Manager"
#define SERVICE_INTERFACE   "io.systemd.service"

struct reply {
	json_t *parameters; /* an object, never NULL after success */
	char *error;	    /* name of the error; NULL: none */
};
void reply_done(struct reply *r);

struct request {
	const char *what;   /* "delete lab1": completes "cannot ..." */
	const char *method; /* full name */
	json_t *parameters; /* stolen; NULL: none, or no memory for them: see request_pack() */
	bool more;
	/* A stream without an end: the sentence when the connection ends, and no progress line. NULL: none.
	 */
	const char *lost;
	/* For each reply that is not the last one; borrowed. May be NULL. */
	void (*partial)(json_t *parameters, void *data);
	void *data;
};
/* Sends it and waits for the last reply. 0 also when the reply is an error; CTL_FAILED when there
 * was no reply, and said why; -ETIMEDOUT past c->timeout, nothing said. */
int client_request(struct ctl *c, struct request *request, struct reply *ret);
/* As above, and an error reply is written and becomes CTL_FAILED. ret may be NULL. */
int client_call(struct ctl *c, const char *what, const char *method, json_t *parameters, struct reply *ret);
/* --no-block: sends it and does not wait; the daemon answers nothing. */
int client_send_oneway(struct ctl *c, const char *what, const char *method, json_t *parameters);
/* Whether a daemon listens, without a word: 0 or -errno. */
int client_probe(struct ctl *c);
void client_done(struct ctl *c);

/* --- client_error.c -------------------------------------------------------------------------- */
/* Writes the sentence (or the list of diagnostics) an error reply means. Returns CTL_FAILED. */
int client_report(const char *what, const struct reply *reply);
/* The sentence alone; owned, NULL: no memory. */
char *client_error_to_string(const char *error, json_t *parameters);
/* "error: FILE:LINE: ..." for each, on `f`. */
void diagnostics_print(FILE *f, json_t *diagnostics);
void diags_print(FILE *f, const struct diags *diags);
json_t *diags_to_json(const struct diags *diags);

/* --- output.c -------------------------------------------------------------------------------- */
enum color { COLOR_NONE, COLOR_RED, COLOR_GREEN, COLOR_YELLOW, COLOR_GREY, COLOR_BOLD };
bool colors_wanted(int fd);
const char *color_on(const struct ctl *c, enum color color); /* "" without colours */
const char *color_off(const struct ctl *c);
const char *color_sequence(enum color color); /* for libsmartcols; NULL for none */

void pager_open(struct ctl *c);
/* At the end: waits for the pager. -errno, and said so, when something could not be written. */
int output_close(void);

/* Prints in the mode asked for; steals json (NULL: no memory). Returns the exit code. */
int output_json(const struct ctl *c, json_t *json);
/* Text without what could steer a terminal, with its lines or as one; owned, NULL: no memory. What
 * the daemon says has been through this already (client.c). */
char *text_safe(const char *text, bool lines);
unsigned terminal_width(void);
/* "Tue 2025-03-04 12:00:00 UTC; 5min 3s ago" */
void print_since(uint64_t usec);

/* One line on stderr that is overwritten; only on a terminal and after the first second. */
struct progress {
	bool enabled, shown;
	uint64_t started; /* usec, monotonic */
	const char *what;
	json_int_t done, total; /* total 0: unknown */
};
void progress_start(struct progress *p, const char *what);
void progress_update(struct progress *p);
void progress_end(struct progress *p);
uint64_t now_monotonic(void);

/* --- files.c --------------------------------------------------------------------------------- */
/* "web" and "web.netns" are the namespace, "web.container" is the container. */
struct object_name {
	bool container;
	char name[208]; /* without suffix */
	char file[224]; /* with it */
};
/* False: no name that such an object can have; `ret` says all the same which sort was meant. */
bool object_parse(const char *text, struct object_name *ret);
/* The files that make up an object: main file first, then drop-ins in order. -ENOENT when there is
 * no main file. */
int files_of_object(const char *const *directories, const struct object_name *object, char ***ret,
		    struct error *err);
/* Reads all files, or only these, and what the installed nspawn lacks for them, into diags. 0 or -ENOMEM. */
int files_load(const struct registry *registry, const char *const *directories, const char *const *files,
	       struct diags *diags);
/* Reads a file of at most CONFIG_FILE_MAX bytes. */
int file_read(const char *path, char **ret, size_t *ret_length, struct error *err);
/* Plugins and netnsd.conf as a check needs them. */
int registry_load(struct registry *r, const char *const *directories, struct diags *diags, struct error *err);

/* --- JSON, forgiving: a missing or null field is NULL, 0 or false -------------------------------- */
static inline const char *json_text(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

static inline json_int_t json_number(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static inline bool json_truth(const json_t *o, const char *key)
{
	return json_is_true(json_object_get(o, key));
}

/* --- verbs ----------------------------------------------------------------------------------- */
struct verb {
	const char *name;
	const char *arguments; /* for usage lines */
	const char *doc;       /* one line */
	int min, max;	       /* arguments; max -1: any number */
	unsigned options;      /* enum verb_option */
	int (*run)(struct ctl *c, char **args, int n);
};
enum verb_option {
	OPTION_NO_BLOCK = 1 << 0,
	OPTION_USER = 1 << 1,
	OPTION_TIMEOUT = 1 << 2,
	OPTION_ALL = 1 << 3,
	OPTION_STATE = 1 << 4,
	OPTION_ATOMIC = 1 << 5,
	OPTION_CONFIRM = 1 << 6
};

int verb_list(struct ctl *c, char **args, int n);
int verb_status(struct ctl *c, char **args, int n);
int verb_show(struct ctl *c, char **args, int n);
int verb_add(struct ctl *c, char **args, int n);
int verb_del(struct ctl *c, char **args, int n);
int verb_up(struct ctl *c, char **args, int n);
int verb_down(struct ctl *c, char **args, int n);
int verb_wait(struct ctl *c, char **args, int n);
int verb_monitor(struct ctl *c, char **args, int n);
int verb_exec(struct ctl *c, char **args, int n);
int verb_identify(struct ctl *c, char **args, int n);
int verb_pids(struct ctl *c, char **args, int n);
int verb_check(struct ctl *c, char **args, int n);
int verb_cat(struct ctl *c, char **args, int n);
int verb_edit(struct ctl *c, char **args, int n);
int verb_plan(struct ctl *c, char **args, int n);
int verb_apply(struct ctl *c, char **args, int n);
int verb_confirm(struct ctl *c, char **args, int n);
int verb_reload(struct ctl *c, char **args, int n);
int verb_log_level(struct ctl *c, char **args, int n);
int verb_version(struct ctl *c, char **args, int n);
int verb_help(struct ctl *c, char **args, int n);

/* status.c: the two blocks that `status` prints. Returns the exit code. */
int status_daemon(struct ctl *c);
int status_netns(struct ctl *c, json_t *description);
/* list.c: all namespaces as a JSON array; 0, CTL_FAILED. */
int list_fetch(struct ctl *c, json_t **ret);
enum color state_color(const char *state);
/* Why it is in its state, or what it waits for; "" if nothing is known; owned, NULL: no memory. */
char *state_reason(const json_t *runtime);
const char *netnsd_version(void);

#endif
