/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What ran before an apply that may have to be taken back: /run/netnsd/checkpoint. Taking back is
 * comparing with it, as a start or an apply compares with files; there is no log of actions.
 *
 *   state                       how far it is (checkpoint_print()); its rename makes the rest valid
 *   old/NAME.netns              the effective text of each object, transient/NAME.netns likewise
 *   restore/NAME.netns.d/       a drop-in: what the kernel had where old says nothing and the new text does
 *   new/NAME.netns              what was applied
 *   addresses, wanted           what pools had given, and which namespaces were up
 *
 * Layer 3. The text (checkpoint_text.c) is pure; checkpoint.c reads and writes. */
#ifndef NETNSD_CHECKPOINT_H
#define NETNSD_CHECKPOINT_H

#include "actual.h"
#include "desired.h"
#include "error.h"
#include "str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHECKPOINT_DIRECTORY "/run/netnsd/checkpoint"
#define CHECKPOINT_FILE_MAX  (1024 * 1024) /* bytes of state, wanted, and the like */

#define CHECKPOINT_SPAN_MIN 1000000ULL		     /* usec */
#define CHECKPOINT_SPAN_MAX (24 * 3600 * 1000000ULL) /* a day */

enum checkpoint_state {
	CHECKPOINT_NONE,
	CHECKPOINT_APPLYING,   /* changes are under way; found at a start: the daemon was killed */
	CHECKPOINT_WAITING,    /* applied; taken back at `deadline` unless confirmed */
	CHECKPOINT_ROLLED_BACK /* `old` runs, whatever the files say, until the next apply */
};
const char *checkpoint_state_to_string(enum checkpoint_state s); /* "applying" ... */

struct checkpoint {
	enum checkpoint_state state;
	bool atomic;
	uint64_t span;	   /* to confirm; usec; 0: not asked for */
	uint64_t deadline; /* WAITING: CLOCK_BOOTTIME, usec, so that a suspended machine does not wait longer
			    */
	char boot_id[40];  /* a clock of another boot says nothing */
	char reason[256];  /* ROLLED_BACK: why, a sentence */
};

/* The file `state`. -EINVAL: not such a file, or of another version. Any bytes may come in (fuzzed). */
int checkpoint_parse(const char *text, size_t length, struct checkpoint *ret);
char *checkpoint_print(const struct checkpoint *c); /* owned; NULL: no memory */

/* The view of a namespace by name; NULL: none. */
typedef const struct actual *checkpoint_view_fn(const char *name, void *data);

/* The drop-in of one object: settings that its file (`was`) leaves to the kernel and that the change to
 * `new` (NULL: it goes) touches or loses with the links, with the values they have. view(was->name) was
 * made for `new`: its sysctls are those of netns_sysctls(new). Owned; "" when there is nothing to say. */
int checkpoint_restore_text(const struct netns *was, const struct netns *new, checkpoint_view_fn *view,
			    void *data, char **ret);

/* "NETNS/LINK ADDRESS" of all that is declared, in the order the kernel has them, which is that of their age;
 * and a tree's addresses in that order again. The text is written to. */
char *checkpoint_addresses_text(const struct desired *d, checkpoint_view_fn *view, void *data);
void checkpoint_order_addresses(struct desired *d, char *text);

/* --- files ------------------------------------------------------------------------------------ */

struct checkpoint_file {
	char *path; /* below the directory */
	char *text;
};
struct checkpoint_files {
	struct checkpoint_file *files;
	size_t n;
};
int checkpoint_files_add(struct checkpoint_files *f, char *path,
			 char *text); /* takes both over; NULL: ENOMEM */
void checkpoint_files_clear(struct checkpoint_files *f);

/* Replaces the checkpoint as a whole, or leaves the one that is there. */
int checkpoint_write(const struct checkpoint_files *f, struct error *err);
int checkpoint_write_state(const struct checkpoint *c, struct error *err);
/* CHECKPOINT_NONE when there is none. -EBADMSG: there is one, and its state cannot be read. */
int checkpoint_read(struct checkpoint *ret, struct error *err);
/* A file of it; NULL: none, or not readable. Owned. */
char *checkpoint_read_file(const char *name);
int checkpoint_remove(void); /* the state first: no half of one is ever taken for a whole */

bool checkpoint_boot_id(char ret[40]); /* false: cannot be read, "unknown" */

#endif
