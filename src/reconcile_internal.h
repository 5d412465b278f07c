/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parts of reconcile share. Layer 2; pure. */
#ifndef NETNSD_RECONCILE_INTERNAL_H
#define NETNSD_RECONCILE_INTERNAL_H

#include "netns.h"
#include "reconcile.h"

struct reconcile {
	const struct reconcile_input *in;
	struct plan *plan;
	struct error *err;
	/* Links that this plan makes anew (their ports, children and routes go with the old ones), and
	 * links that wait for something. Borrowed pointers, small sets. */
	const struct link **made, **held;
	size_t n_made, n_held;
};

static inline bool reconcile_is_own(const struct reconcile *r, const struct netns *place)
{
	return place == r->in->netns;
}

/* A link end with all that is known about it. */
struct end {
	const struct link *link;
	const struct actual *place;	  /* NULL: its namespace is still to be made */
	const struct actual_link *actual; /* NULL: not there */
};

/* The kernel's view of the namespace `place` stands for; NULL: not there. */
const struct actual *reconcile_actual(const struct reconcile *r, const struct netns *place);

bool reconcile_is_made(const struct reconcile *r, const struct link *l);
bool reconcile_is_held(const struct reconcile *r, const struct link *l);
int reconcile_wait(struct reconcile *r, const char *what, const char *name, const char *place);

int reconcile_end(struct reconcile *r, struct end e); /* link NULL: nothing */
int reconcile_links(struct reconcile *r);
/* Those that are in the way of what is declared go first, the others last. */
int reconcile_undeclared_links(struct reconcile *r, bool in_the_way);
int reconcile_addresses(struct reconcile *r, const struct link *l, const struct actual *place,
			const struct actual_link *a);
int reconcile_routes(struct reconcile *r);
int reconcile_rules(struct reconcile *r);
int reconcile_neighbors(struct reconcile *r);

#endif
