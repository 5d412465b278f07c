/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Compares what is declared with what is there and returns a plan. Layer 2; pure: no socket, no
 * clock, no log. */
#ifndef NETNSD_RECONCILE_H
#define NETNSD_RECONCILE_H

#include "plan.h"

/* What is known of one namespace. */
struct world_place {
	const struct actual *actual; /* NULL: does not exist (yet) */
	bool coming;		     /* does not exist, but its own transaction will make it */
};

struct reconcile_input {
	const struct desired *desired;
	const struct netns *netns;  /* in `desired` */
	const struct netns *before; /* the same namespace in the tree that ran until now; may be NULL */
	const struct actual *own;   /* NULL: the namespace does not exist */
	bool named;		    /* /run/netns/NAME is this namespace */
	bool ours;		    /* marked by us, as created or adopted */
	/* Back to what ran before `before`, which may have been applied in part: takes back also what is left
	 * alone otherwise when it is no longer declared, and keeps the order of addresses. */
	bool exact;
	/* Any other namespace by the name of its object. */
	struct world_place (*place)(const char *name, void *data);
	void *data;
};

/* The plan that makes netns as declared; an empty one when it is so already. -EEXIST (somebody
 * else's link, name, or file is in the way), -ENOMEM; *err says which. */
int reconcile(const struct reconcile_input *in, struct plan **ret, struct error *err);

/* The plan that removes what is ours of a namespace nobody wants: all of a created one, only our links
 * of an adopted one. flush: remove our links of a created one too, instead of leaving them to the
 * kernel, which takes them with the namespace a moment after its last holder has gone. */
int reconcile_removal(const char *name, const struct actual *own, bool adopted, bool named, bool flush,
		      struct plan **ret);

/* The sysctls of a namespace in the order actual->sysctls has them: the declared ones and those
 * that follow from keys of links (IPv6AcceptRA=). Strings live as long as the vector. */
int netns_sysctls(const struct netns *n, struct sysctl **ret, size_t *ret_n);
void netns_sysctls_free(struct sysctl *s, size_t n);

/* The content of /etc/netns/NAME/resolv.conf that DNS= and Domains= ask for; owned; NULL with 0: none. */
int netns_resolv(const struct netns *n, char **ret);

#endif
