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
enum graph_format { GRAPH_DOT, GRAPH_MERMAID, GRAPH_SVG };

struct verb;
struct varlink_client;

struct ctl {
	const struct verb *verb;
	const char *socket;
	enum json_mode json;
	bool no_pager, no_legend, no_block, all, state, atomic, containers, restart, follow, full;
	bool quiet; /* not a word, also when something fails: an answer is nice to have */
	enum graph_format format;
	const char *user;
	const char *signal, *kill_whom; /* kill; NULL: not given */
	uint64_t timeout;		/* usec; USEC_INFINITY: none */
	uint64_t confirm;		/* usec; 0: not asked for */
	uint64_t lines;			/* log; UINT64_MAX: all */
	bool lines_given;
	bool terminal; /* stdout was one before a pager took it */
	bool colors;
	bool utf8;
	struct varlink_client *client; /* connected at the first call */
	char **argv;		       /* of main() */
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

/* --- option_table.c ------------------------------------------------------------------------------ */
/* What completes an argument of a verb, or the value of an option. */
enum complete {
	COMPLETE_NOTHING,
	COMPLETE_WORDS,	     /* those of the table */
	COMPLETE_NAMESPACES, /* that the daemon lists */
	COMPLETE_CONTAINERS,
	COMPLETE_OBJECTS,  /* namespaces, and containers with their suffix */
	COMPLETE_NAMES,	   /* all in /run/netns */
	COMPLETE_DECLARED, /* what has a file */
	COMPLETE_FILES,	   /* the shell's business, as are the next two */
	COMPLETE_USERS,
	COMPLETE_NAME_COMMAND, /* one of /run/netns, then a command */
	COMPLETE_CONTAINER_COMMAND,
	COMPLETE_SETTINGS, /* a new name, then SECTION.KEY=VALUE */
	COMPLETE_PROCESSES,
	COMPLETE_SIGNALS,
	COMPLETE_LEVELS,
	COMPLETE_VERBS
};

struct option_row {
	const char *name;  /* long */
	int code;	   /* the short one, or ARG_... */
	const char *value; /* as the help calls it; NULL: takes none */
	bool optional;	   /* the value */
	unsigned bit;	   /* enum verb_option; 0: of every verb */
	enum complete complete;
	const char *words; /* COMPLETE_WORDS: separated by blanks */
	const char *doc;
};
/* Ends with a row without name. */
extern const struct option_row option_table[];
#define N_OPTIONS_MAX 40
enum {
	ARG_VERSION = 0x100,
	ARG_JSON,
	ARG_NO_PAGER,
	ARG_NO_LEGEND,
	ARG_NO_BLOCK,
	ARG_USER,
	ARG_TIMEOUT,
	ARG_STATE,
	ARG_ATOMIC,
	ARG_CONFIRM,
	ARG_CONTAINERS,
	ARG_RESTART,
	ARG_WHOM,
	ARG_FORMAT
};
const struct option_row *option_by_code(int code); /* or NULL */
const struct option_row *option_by_name(const char *name, size_t length);
void options_print_help(void);

/* --- options.c ------------------------------------------------------------------------------- */
/* Takes the options into *c and the other words into args, which has room for argc. 0, or -1 with the
 * exit code in *ret: wrong usage, or all is done (--help). */
int parse_arguments(struct ctl *c, int argc, char **argv, char **args, int *ret_n, int *ret);

/* --- client.c -------------------------------------------------------------------------------- */
#define NAMESPACE_INTERFACE "io.netnsd.Namespace"
#define CONTAINER_INTERFACE "io.netnsd.Container"
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
	char object[256]; /* client_begin(): the "name" that was asked for, else "" */
	/* For each reply that is not the last one; borrowed. May be NULL. */
	void (*partial)(json_t *parameters, void *data);
	void *data;
};
/* Sends it and waits for the last reply. 0 also when the reply is an error; CTL_FAILED when there
 * was no reply, and said why; -ETIMEDOUT past c->timeout, nothing said. */
int client_request(struct ctl *c, struct request *request, struct reply *ret);
/* The two halves of it, so that several can be under way, each on a connection of its own (c->client). */
int client_begin(struct ctl *c, struct request *request);
int client_finish(struct ctl *c, struct request *request, struct reply *ret);
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
/* A table for people; a row's columns are set with libsmartcols. fill() adds the rows, -1: no memory. */
struct libscols_table;
struct libscols_line;
struct table_column {
	const char *name; /* NULL: the last one */
	double width;
	bool right, cut; /* to the right; cut where the terminal ends */
};
int table_print(struct ctl *c, const struct table_column *columns, json_t *entries,
		int (*add)(const struct ctl *c, struct libscols_table *table, const json_t *entry));
/* A row that begins with a name and has a colour for one of its columns. NULL: no memory. */
struct libscols_line *table_row(struct libscols_table *table, const char *name);
int table_color(const struct ctl *c, struct libscols_line *line, size_t column, enum color color);

/* Text without what could steer a terminal, with its lines or as one; owned, NULL: no memory. What
 * the daemon says has been through this already (client.c). */
char *text_safe(const char *text, bool lines);
unsigned terminal_width(void);
/* "Tue 2025-03-04 12:00:00 UTC; 5min 3s ago" */
void print_since(uint64_t usec);

/* --- progress.c ------------------------------------------------------------------------------ */
/* One line on stderr that is overwritten; only on a terminal and after the first half second. */
struct progress {
	bool enabled, shown;
	bool told;	  /* by the daemon: the text is what it said */
	uint64_t started; /* usec, monotonic */
	const char *what;
	json_int_t done, total; /* total 0: unknown */
	char text[200];		/* how far it is, in words; "": unknown */
};
void progress_start(struct progress *p, const char *what);
void progress_update(struct progress *p);
void progress_end(struct progress *p);
/* Asks for the text, if the daemon does not say it by itself. */
void progress_ask(const struct ctl *c, const struct request *q, struct progress *p);

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
int ctl_read_file(const char *path, char **ret, size_t *ret_length, struct error *err);
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
	enum complete complete;
	int (*run)(struct ctl *c, char **args, int n);
};
enum verb_option {
	OPTION_NO_BLOCK = 1 << 0,
	OPTION_USER = 1 << 1,
	OPTION_TIMEOUT = 1 << 2,
	OPTION_ALL = 1 << 3,
	OPTION_STATE = 1 << 4,
	OPTION_ATOMIC = 1 << 5,
	OPTION_CONFIRM = 1 << 6,
	OPTION_CONTAINERS = 1 << 7,
	OPTION_RESTART = 1 << 8,
	OPTION_FOLLOW = 1 << 9,
	OPTION_LINES = 1 << 10,
	OPTION_SIGNAL = 1 << 11,
	OPTION_WHOM = 1 << 12,
	OPTION_FULL = 1 << 13,
	OPTION_FORMAT = 1 << 14
};
/* The verb of this number, NULL past the last. */
const struct verb *verb_at(size_t i);

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
int verb_start(struct ctl *c, char **args, int n);
int verb_stop(struct ctl *c, char **args, int n);
int verb_restart(struct ctl *c, char **args, int n);
int verb_kill(struct ctl *c, char **args, int n);
int verb_reset_failed(struct ctl *c, char **args, int n);
int verb_log(struct ctl *c, char **args, int n);
int verb_shell(struct ctl *c, char **args, int n);
int verb_log_level(struct ctl *c, char **args, int n);
int verb_reexec(struct ctl *c, char **args, int n);
int verb_graph(struct ctl *c, char **args, int n);
int verb_unit(struct ctl *c, char **args, int n);
int verb_version(struct ctl *c, char **args, int n);
int verb_complete(struct ctl *c, char **args, int n);
int verb_help(struct ctl *c, char **args, int n);

/* status.c: the two blocks that `status` prints. Returns the exit code. */
int status_daemon(struct ctl *c);
int status_netns(struct ctl *c, json_t *description, const json_t *containers);
/* status_container.c: the block of a container, and what is worth a line below its namespace. */
int status_container(struct ctl *c, json_t *description);
bool container_runs(const json_t *description);
void print_size(json_int_t bytes); /* "12.3M" */
/* block.c: what is printed between the two is brought into the width of the terminal, unless --full; for
 * block_end_cut() by cutting lines. */
void block_begin(const struct ctl *c);
void block_end(const struct ctl *c);
void block_end_cut(const struct ctl *c);
/* What the blocks are made of. */
#define STATUS_LABEL_WIDTH 11
void status_label(const char *text);
void status_dot(const struct ctl *c, const char *state);
void status_field(const char *name, const char *text);
void status_state(const struct ctl *c, const char *state, const json_t *object, const char *since_key);

/* "NAME.container" where a verb takes namespaces too: cuts the suffix off. */
#define CONTAINER_SUFFIX ".container"
bool is_container(char *arg);
/* verb_container.c: until each is running, or c->timeout. Returns the exit code. */
int wait_for_containers(struct ctl *c, char **names, int n);

/* attend.c: starts it, tells systemd, and stays until it has ended for good. Returns the exit code. */
int container_attend(const struct ctl *c, const char *name);

/* verb_log.c: the last lines of a container's output. quiet: nothing is said when they cannot be had. */
int log_print(struct ctl *c, const char *name, uint64_t lines, bool follow, bool quiet);
/* Where what a container printed goes to: as it is into a pipe, without what could steer a terminal on one,
 * or a line an object as JSON (log_sink.c). Zero-initialise but for c. */
struct log_sink {
	const struct ctl *c;
	bool heading; /* an empty line before the first one */
	int state;    /* log_sink.c's own */
	unsigned char last;
	size_t length;
	bool cr, any;
	struct strbuf line; /* JSON: what has come of it */
};
void log_sink_bytes(struct log_sink *s, const char *data, size_t length);
/* One whole entry; usec 0: its time is not known. */
void log_sink_entry(struct log_sink *s, uint64_t usec, const char *from, const char *data, size_t length);
void log_sink_flush(struct log_sink *s); /* whoever follows wants to see it now */
void log_sink_done(struct log_sink *s);
/* log_file.c, log_journal.c: 0, or -errno with err. */
int log_file(struct log_sink *s, const char *name, uint64_t lines, bool follow, struct error *err);
int log_journal(struct log_sink *s, const char *name, uint64_t lines, bool follow, struct error *err);

/* shell_relay.c: between the caller's descriptors and the command's, until `child` (a pidfd) has ended. */
struct relay_channel {
	int from, to; /* -1: not used */
	char data[4096];
	size_t begin, end;
	bool closed; /* nothing more comes from `from` */
};
#define RELAY_CHANNELS 2
struct relay {
	struct relay_channel channels[RELAY_CHANNELS];
	int terminal; /* the pty of the command, whose size follows ours; -1: none */
	int child, signals;
};
int relay_signals(void); /* a signalfd of what relay_run() heeds, blocked from now on; -1: errno */
/* 0: it has ended; else a signal that ends this program. The terminal is as it was. */
int relay_run(struct relay *r);

/* list.c: all namespaces, or containers (of one namespace, unless NULL), as a JSON array; 0, CTL_FAILED,
 * -EOPNOTSUPP (nothing said): the daemon does not know containers. list_fetch() leaves out the daemon's own
 * namespace where no file declares it. */
int list_fetch(struct ctl *c, json_t **ret);
int list_fetch_all(struct ctl *c, json_t **ret);
int list_containers(struct ctl *c, const char *netns, json_t **ret);
/* list_container.c */
int print_containers(struct ctl *c, json_t *entries);
/* Why it is as it is, in a line; "" if nothing is to be said; owned, NULL: no memory. */
char *container_reason(const json_t *runtime);
enum color state_color(const char *state);
/* Why it is in its state, or what it waits for; "" if nothing is known; owned, NULL: no memory. */
char *state_reason(const json_t *runtime);
const char *netnsd_version(void);

#endif
