/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is wrong with files: every error of all files of one run. Layer 0. */
#ifndef NETNSD_DIAG_H
#define NETNSD_DIAG_H

#include <stdbool.h>
#include <stddef.h>

enum diag_severity {
	DIAG_ERROR,  /* the object cannot be used */
	DIAG_WARNING /* depends on the host, or is merely suspicious */
};

struct diag {
	enum diag_severity severity;
	char *object;  /* "upstream.netns"; NULL: no object */
	char *file;    /* path; NULL: no file (a rule between objects) */
	unsigned line; /* from 1; 0: the file as a whole */
	char *section; /* "Veth eth0"; may be NULL */
	char *key;     /* may be NULL */
	char *message; /* what is wrong and what was expected, no final stop */
};

/* Bounded: past DIAG_MAX entries, or DIAG_OBJECT_MAX of one object, so that one binary file does
 * not crowd out the errors of all others, only `dropped` and `errors` count on. */
#define DIAG_MAX	1000
#define DIAG_OBJECT_MAX 100
struct diag_object;
struct diags {
	struct diag *items;
	size_t count, errors, dropped;
	bool incomplete; /* a directory could not be read: what is not there may be declared all the same */
	struct diag_object *objects; /* diag.c's own: what each object had, also of what was dropped */
	bool objects_lost;	     /* no memory for the above: every object counts as failed */
};

/* Never fails; without memory it counts in `dropped` (errors are still counted in `errors`). */
void diags_add(struct diags *d, enum diag_severity severity, const char *object, const char *file,
	       unsigned line, const char *section, const char *key, const char *format, ...)
	__attribute__((format(printf, 8, 9)));
/* Whether this object ("upstream.netns") has an error. */
bool diags_object_failed(const struct diags *d, const char *object);
/* "FILE:LINE: [SECTION] KEY: message" (parts that are missing are left out); owned, NULL: no memory. */
char *diag_to_string(const struct diag *d);
void diags_free(struct diags *d); /* contents only */

#endif
