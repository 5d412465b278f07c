/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A plan is data: what to do in which namespace, in order, and why. Layer 2; pure.
 * One plan is one transaction: everything one *.netns file declares, wherever it is placed (the
 * peer ends of its pairs included). reconcile.c makes it, transaction.c executes it.
 *
 * A plan borrows from the desired tree and from the actual views it was made of; both outlive it. */
#ifndef NETNSD_PLAN_H
#define NETNSD_PLAN_H

#include "actual.h"
#include "desired.h"
#include "request.h"

enum operation_sign { SIGN_CREATE = '+', SIGN_CHANGE = '~', SIGN_REMOVE = '-' };

enum action_type {
	ACTION_NETNS_CREATE, /* new namespace, marked; not yet named */
	ACTION_NETNS_ADOPT,
	ACTION_NETNS_NAME, /* publish */
	ACTION_NETNS_UNNAME,
	ACTION_LINK_CREATE,
	ACTION_LINK_SET,
	ACTION_LINK_REMOVE,
	ACTION_LINKS_FLUSH,  /* every link of ours in the namespace, in one request */
	ACTION_LINK_TO_HOST, /* a physical link goes back before its namespace goes */
	ACTION_ALTNAME_ADD,
	ACTION_ALTNAME_REMOVE,
	ACTION_ADDRESS_ADD,
	ACTION_ADDRESS_CHANGE, /* replaced in place */
	ACTION_ADDRESS_REMOVE,
	ACTION_SYSCTL_SET,
	ACTION_ROUTE_ADD,
	ACTION_ROUTE_CHANGE,
	ACTION_ROUTE_REMOVE,
	ACTION_RULE_ADD,
	ACTION_RULE_REMOVE,
	ACTION_NEIGHBOR_ADD, /* also replaces */
	ACTION_NEIGHBOR_REMOVE,
	ACTION_RESOLV_WRITE,
	ACTION_RESOLV_REMOVE
};

/* Actions run in order of stage; apply.c says for which stages of which other transactions a
 * stage waits, so that namespaces can refer to each other in circles. */
enum plan_stage {
	STAGE_CREATE,	 /* the namespace itself */
	STAGE_LINKS,	 /* its links, with their peer ends */
	STAGE_CONFIGURE, /* masters, addresses, sysctls, up */
	STAGE_ROUTES,	 /* routes, rules, neighbours, files; then the name */
	STAGE_REMOVE,	 /* what destroys goes last */
	STAGE_COUNT
};

struct action {
	enum action_type type;
	enum plan_stage stage;
	enum operation_sign sign;
	bool quiet;			       /* part of another action's line: not shown */
	const char *place;		       /* name of the namespace it acts in */
	const char *text;		       /* "veth eth0", "eth0: MTUBytes 1500, declared 1400" */
	const char *reason;		       /* "not there", "no longer declared"; NULL: the text says it */
	const struct link *link;	       /* LINK_CREATE and what follows from it; NULL for removals */
	char ifname[IFNAMSIZ];		       /* the link acted on */
	int ifindex;			       /* where it exists already; 0: looked up when it is time */
	struct link_values values, old_values; /* LINK_SET, and what undo sets again */
	bool undo_in_part;		       /* LINK_SET: old_values do not say all that changes */
	char master[IFNAMSIZ];		       /* LINK_SET, LINK_CREATE: the new master; "": none */
	const char *name;		       /* alternative name, sysctl path, content of resolv.conf */
	const char *value, *old_value;
	const struct address *address, *old_address;
	/* ADDRESS_REMOVE: its subnet's younger addresses of ours, which an undo puts behind it again */
	const struct address **younger;
	size_t n_younger;
	bool promote; /* ADDRESS_REMOVE: the others of its subnet are to stay */
	const struct route *route, *old_route;
	const struct rule *rule;
	const struct neighbor *neighbor, *old_neighbor;
};

struct plan {
	const char *name;	   /* of the namespace; owned by `strings` */
	const struct netns *netns; /* NULL: a removal of what nobody declares */
	struct action *actions;	   /* sorted by stage */
	size_t n_actions;
	char **waits_for;   /* "br-lan on host", ...: pending, not an error */
	char **strings;	    /* what actions borrow */
	struct link **olds; /* links with the config they had: values.kind_of of an undo */
	size_t n_olds;
	size_t n_strings, capacity, strings_capacity;
};

int plan_new(const char *name, const struct netns *netns, struct plan **ret);
void plan_free(struct plan *p);
/* Adds a zeroed action; valid until the next call. NULL: no memory. */
struct action *plan_add(struct plan *p, enum action_type type, enum plan_stage stage,
			enum operation_sign sign, const char *place);
/* Formats a string that the plan owns; NULL: no memory. */
const char *plan_printf(struct plan *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Takes over an owned string (NULL stays NULL). */
const char *plan_own(struct plan *p, char *text);
/* Room for one more of action->younger; NULL: no memory. */
const struct address **plan_younger(struct plan *p, struct action *a);
/* A link like this one with a config of its own, empty but for the kind's defaults; NULL: no memory. */
struct link *plan_old_link(struct plan *p, const struct link *like);
void plan_sort(struct plan *p); /* by stage, order kept */
/* "+ upstream: veth eth0 (not there)"; owned; NULL: no memory. */
char *action_to_string(const struct action *a);

#endif
