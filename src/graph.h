/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A drawing of namespaces, links and containers, made of what the daemon describes: data in, text out, for
 * `netnsctl graph`. Layer 2; pure. */
#ifndef NETNSD_GRAPH_H
#define NETNSD_GRAPH_H

#include "str.h"

#include <jansson.h>

enum graph_edge_type {
	GRAPH_PAIR,  /* the two ends of a veth */
	GRAPH_PORT,  /* from a port to its bridge or VRF */
	GRAPH_PARENT /* from a MACVLAN, VLAN ... to what it stands on */
};

struct graph_link {
	char *name, *kind;		 /* kind NULL: unknown */
	char *peer, *master, *parent;	 /* as the daemon says; NULL: none */
	char **addresses;		 /* without those that the kernel makes by itself */
	size_t netns;			 /* index */
	bool missing, down, seed, shown; /* seed: worth drawing for itself */
};

struct graph_container {
	char *name, *state;
	char *netns;
};

struct graph_netns {
	char *name, *state;
	char *description; /* NULL: none */
	bool host;	   /* the daemon's own */
	bool declared;	   /* in a file */
	bool selected;	   /* asked for; others are drawn as far as what is selected leads to them */
	bool shown;
};

struct graph_edge {
	enum graph_edge_type type;
	size_t from, to; /* links */
};

/* Zero-initialise. */
struct graph {
	struct graph_netns *netns;
	size_t n_netns;
	struct graph_link *links; /* those of a namespace follow each other */
	size_t n_links;
	struct graph_container *containers;
	size_t n_containers;
	struct graph_edge *edges;
	size_t n_edges;
};

/* A reply of io.netnsd.Namespace.Describe or List. 0 or -ENOMEM; what is no such reply is left out. */
int graph_add_netns(struct graph *g, const json_t *description);
/* A reply of io.netnsd.Container.List. */
int graph_add_container(struct graph *g, const json_t *entry);
/* When all is added: finds the edges, and decides what is drawn of it. `only`: these namespaces and what they
 * are connected to; NULL or empty: all. 0 or -ENOMEM. */
int graph_finish(struct graph *g, char *const *only);
void graph_free(struct graph *g); /* contents only */

/* Owned; NULL: no memory. */
char *graph_to_dot(const struct graph *g);
char *graph_to_mermaid(const struct graph *g);
char *graph_to_svg(const struct graph *g);

/* Room for one more behind the n of the array, zeroed; NULL: no memory, and the array is as it was. */
void *graph_grown(void *array, size_t n, size_t size);

/* --- what the writers share ------------------------------------------------------------------------- */
/* Whether this container is drawn in namespace i. */
bool graph_is_inside(const struct graph *g, const struct graph_container *c, size_t i);
/* "veth", "veth, down", "missing" ... into `ret`. */
#define GRAPH_DETAIL_SIZE 64
const char *graph_link_detail(const struct graph_link *l, char ret[GRAPH_DETAIL_SIZE]);
/* "green", "yellow", "red" or "grey" of a state, of a namespace or container. */
#define GRAPH_NONE SIZE_MAX /* no such namespace, or link */

enum graph_mood { GRAPH_GOOD, GRAPH_CHANGING, GRAPH_BAD, GRAPH_IDLE };
enum graph_mood graph_mood(const char *state);

#endif
