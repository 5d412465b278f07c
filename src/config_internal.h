/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the parts of the configuration loader share. Layer 3.
 *
 * The way of a file: config_files.c finds it, config_read.c turns it and its drop-ins into
 * sections, config_netns.c, config_container.c and their siblings turn sections into objects of the
 * desired tree, config_place.c connects objects of different files, config_verify.c and
 * config_depend.c look for contradictions,
 * config_load.c repeats that without the objects that have errors until none is left.
 *
 * All functions return 0 or -ENOMEM. What is wrong with a file is never a return value: it is told
 * with conf_error() and counted in the object.
 */
#ifndef NETNSD_CONFIG_INTERNAL_H
#define NETNSD_CONFIG_INTERNAL_H

#include "config_load.h"
#include "desired_container.h"
#include "error.h"

#include <sys/types.h>

#define CONF_LINKS_MAX	   4096	 /* declared by one file */
#define CONF_ADDRESSES_MAX 1024	 /* of one link */
#define CONF_ROUTES_MAX	   16384 /* of one file; rules and neighbours likewise */
#define CONF_NEXTHOPS_MAX  64
#define CONF_NAME_MAX	   127 /* of a link, as an alternative name (ALTIFNAMSIZ - 1) */

/* Memory that goes all at once. */
struct arena_block;
struct arena {
	struct arena_block *blocks;
	size_t used, capacity; /* of the first block */
};
void *arena_alloc(struct arena *a, size_t size); /* zeroed; NULL: no memory */
char *arena_strdup(struct arena *a, const char *text);
void arena_free(struct arena *a);

/* One KEY=VALUE. `raw` is as written, `value` has its specifiers expanded. */
struct conf_assign {
	struct conf_assign *next;
	const char *key, *raw, *value;
	const char *file;
	unsigned line;
};

struct conf_section {
	struct conf_section *next;
	const char *name;
	const char *raw_title, *title; /* NULL: none */
	const char *label;	       /* "Veth eth0": as in the brackets */
	const char *file;	       /* of the last header seen */
	unsigned line;
	struct conf_assign *assigns, *last_assign;
	UT_hash_handle hh; /* by label, in the object */
};

struct conf_dropin {
	char *name; /* of the file, which decides the order */
	char *path; /* NULL: masked */
};

/* Where the text of an object comes from. It only ever moves down this list. */
enum conf_state {
	CONF_FILES,
	CONF_RUNNING,  /* config_request.running: files are not read */
	CONF_FALLBACK, /* the last good configuration */
	CONF_DROPPED,
	CONF_LATER /* not running, and its files are not to be read now */
};

/* What a link's section says and struct link does not hold. */
struct conf_link {
	struct conf_link *next;
	struct link *link;
	const struct conf_section *section;
	struct link_values *values;
	uint64_t common_set, peer_set; /* bits of conf_link_keys and conf_peer_keys */
	struct conf_address *peer_addresses;
};

/* A list of addresses in order, with the place each was written. */
struct conf_address {
	struct conf_address *next;
	struct netnsd_prefix prefix;
	const struct conf_assign *assign;
};

/* An address that a source other than static has to choose. */
struct conf_pool {
	struct conf_pool *next;
	struct link *link;
	const struct address_source *source;
	struct netnsd_prefix prefix;
	const struct conf_section *section;
	const struct conf_assign *assign;
};

/* [Address]: waits until all links are placed. */
struct conf_loose_address {
	struct conf_loose_address *next;
	struct address address;
	char ifname[IFNAMSIZ];
	const struct conf_section *section;
};

/* Of the search for circles among containers. */
struct conf_walk {
	enum { CONF_WALK_NEW, CONF_WALK_OPEN, CONF_WALK_DONE } state;
	size_t next; /* edge to be looked at */
	struct conf_object *from;
};

/* A namespace and a container may have one name. */
enum conf_type { CONF_NETNS, CONF_CONTAINER, CONF_TYPES };

struct conf_object {
	enum conf_type type;
	char *name;	      /* "upstream" */
	char *display;	      /* "upstream.netns" */
	const char *instance; /* what follows the '@'; "": none */
	char *path;	      /* main file; NULL: none */
	const char *running;  /* CONF_RUNNING: the text, of config_request.running */
	bool masked, transient;
	struct conf_dropin *dropins;
	size_t n_dropins;

	enum conf_state state;
	size_t errors; /* of this round */
	bool tainted;  /* had errors before the objects were connected: something may be missing in it */

	struct arena arena;
	struct conf_section *sections, *last_section, *by_label;

	/* Of this round. */
	struct netns *netns;		      /* NULL for a container */
	struct container_settings *container; /* NULL for a namespace */
	struct conf_walk walk;
	struct conf_link *links, *last_link;
	size_t n_links;
	struct conf_pool *pools, *last_pool;
	struct conf_loose_address *loose, *last_loose;
	UT_hash_handle hh; /* by name, in the table of its type */
};

struct conf_loader {
	const struct config_request *request;
	const struct registry *registry;
	struct diags *diags;
	struct diags warnings; /* of this round */
	struct conf_object *by_name[CONF_TYPES];
	struct conf_object **objects; /* what is to be loaded, by name; a namespace before its container */
	size_t n_objects;
	size_t n_files; /* seen so far, see CONFIG_FILES_MAX */
	bool check_owner;
	struct desired *desired;
};

/* --- config_load.c: telling errors --------------------------------------------------------- */

/* At `a`, else at the header of `s`, else at the file as a whole. */
void conf_error(struct conf_loader *c, struct conf_object *o, const struct conf_section *s,
		const struct conf_assign *a, const char *format, ...) __attribute__((format(printf, 5, 6)));
void conf_warning(struct conf_loader *c, struct conf_object *o, const struct conf_section *s,
		  const struct conf_assign *a, const char *format, ...) __attribute__((format(printf, 5, 6)));
void conf_error_at(struct conf_loader *c, struct conf_object *o, const char *file, unsigned line,
		   const char *section, const char *key, const char *format, ...)
	__attribute__((format(printf, 7, 8)));
struct conf_object *conf_find_object(const struct conf_loader *c, enum conf_type type, const char *name);
/* The object that declares what lives in `n`; NULL for the implicit host. */
struct conf_object *conf_object_of(const struct conf_loader *c, const struct netns *n);
/* Last assignment of the key in the section, or NULL. */
const struct conf_assign *conf_find_assign(const struct conf_section *s, const char *key);
struct conf_section *conf_find_section(const struct conf_object *o, const char *label);
int conf_origin(struct conf_loader *c, const char *file, unsigned line, struct origin *ret);
/* "FILE:LINE", or "FILE" where lines are not known (CONF_RUNNING); in `text`, of size bytes. */
const char *conf_origin_to_string(const struct origin *o, char *text, size_t size);
/* Whether there is such an object, but not in this tree, and the reason, as the end of a sentence. */
bool conf_is_out(const struct conf_object *o);
const char *conf_why_out(const struct conf_object *o);
/* Makes room for one more element in an array that grows by doubling. */
void *conf_grow(void *array, size_t count, size_t size);

/* --- config_files.c ------------------------------------------------------------------------- */
int conf_find_objects(struct conf_loader *c, const char *const *directories);
int conf_find_given(struct conf_loader *c, const char *const *files);
/* The daemon's own file: NAME and NAME.d/, e.g. "netnsd.conf". */
int conf_find_single(struct conf_loader *c, const char *const *directories, const char *file,
		     struct conf_object **ret);
int conf_object_new(const char *name, const char *suffix, struct conf_object **ret);
void conf_object_free(struct conf_object *o);
int conf_object_compare(const void *a, const void *b);
/* Finds it, or adds it without files. */
int conf_get_object(struct conf_loader *c, enum conf_type type, const char *name, struct conf_object **ret);

/* --- config_running.c ------------------------------------------------------------------------ */
/* All objects but config_request.only become what config_request.running has of them. */
int conf_keep_running(struct conf_loader *c);

/* --- config_read.c -------------------------------------------------------------------------- */
int conf_read_object(struct conf_loader *c, struct conf_object *o);
int conf_read_text(struct conf_loader *c, struct conf_object *o, const char *text, size_t length,
		   const char *file);
void conf_forget_sections(struct conf_object *o);
/* Sections back to text, which reads back as the same sections. Owned; NULL: no memory. */
char *conf_sections_to_text(const struct conf_object *o);

/* --- config_section.c: a section by its tables ---------------------------------------------- */
struct conf_reader;

/* Rows that key.h deals with. */
struct conf_table {
	const struct conf_key *keys;
	void *values;
	uint64_t set;	/* out: what has a value */
	uint64_t tried; /* out: what was assigned, well or not */
};
/* Keys that need more than a row. */
struct conf_special {
	const char *name;
	int (*set)(struct conf_reader *r, const struct conf_assign *a);
};
/* Keys that are known and not taken. */
struct conf_refusal {
	const char *name, *why;
};
struct conf_reader {
	struct conf_loader *c;
	struct conf_object *o;
	const struct conf_section *s;
	struct conf_table tables[4];
	size_t n_tables;
	const struct conf_special *specials, *more_specials; /* end with name NULL; may be NULL */
	const struct conf_refusal *refusals;
	/* Link sections: keys of address sources. */
	int (*source)(struct conf_reader *r, const struct conf_assign *a,
		      const struct address_source *source);
	void *data; /* of the specials */
};
int conf_read_section(struct conf_reader *r);
/* Whether the row with this name has a value. */
bool conf_has(const struct conf_table *t, const char *name);
/* Adds ", did you mean 'X'?" to `text` (of size bytes) when a candidate is near. */
const char *conf_hint(const char *word, const char *const *candidates, char *text, size_t size);

/* --- values that several sections have; false after conf_error() ----------------------------- */
bool conf_link_name_is_valid(const char *name);
bool conf_ifname(struct conf_reader *r, const struct conf_assign *a, const char *value, char ret[IFNAMSIZ]);
bool conf_ip(struct conf_reader *r, const struct conf_assign *a, const char *value, struct netnsd_ip *ret);
bool conf_prefix(struct conf_reader *r, const struct conf_assign *a, const char *value,
		 struct netnsd_prefix *ret);
/* As Address= of a link reads it. */
bool conf_address(struct conf_reader *r, const struct conf_assign *a, struct netnsd_prefix *ret);
bool conf_table_number(struct conf_reader *r, const struct conf_assign *a, uint32_t *ret);
bool conf_scope(struct conf_reader *r, const struct conf_assign *a, uint8_t *ret);
struct address address_from_prefix(const struct netnsd_prefix *p);
bool ip_is_link_local(const struct netnsd_ip *ip);
int conf_add_address(struct conf_loader *c, struct conf_object *o, const struct conf_section *s,
		     const struct conf_assign *a, struct link *l, const struct netnsd_prefix *prefix);

/* --- objects ---------------------------------------------------------------------------------- */
struct link_values {
	struct netnsd_mac mac, peer_mac;
	uint32_t mtu, peer_mtu;
	char *bridge, *vrf, *parent, *alias;
	char **altnames;
	uint32_t activation, accept_ra;
	enum link_local link_local;
	char *peer_name, *peer_namespace, *peer_bridge;
};
extern const struct conf_key conf_netns_keys[], conf_link_keys[], conf_peer_keys[], conf_parent_keys[];

int conf_build(struct conf_loader *c, struct conf_object *o);
int conf_build_container(struct conf_loader *c, struct conf_object *o);
void conf_unbuild(struct conf_object *o);
int conf_build_link(struct conf_loader *c, struct conf_object *o, const struct conf_section *s,
		    const struct link_kind *kind);
int conf_build_address(struct conf_loader *c, struct conf_object *o, const struct conf_section *s);
int conf_build_gateway(struct conf_loader *c, struct conf_object *o, const struct conf_section *s,
		       const struct conf_assign *a, const struct netnsd_ip *gateway, const struct link *l);
int conf_build_route(struct conf_loader *c, struct conf_object *o, const struct conf_section *s);
int conf_build_rule(struct conf_loader *c, struct conf_object *o, const struct conf_section *s);
int conf_build_neighbor(struct conf_loader *c, struct conf_object *o, const struct conf_section *s);
int conf_build_sysctl(struct conf_loader *c, struct conf_object *o, const struct conf_section *s,
		      const struct conf_assign *a, const char *path, const char *value);
/* "Sysctl=net.x=1" of one assignment. */
int conf_read_sysctl(struct conf_loader *c, struct conf_object *o, const struct conf_section *s,
		     const struct conf_assign *a);

/* --- what concerns several objects ------------------------------------------------------------ */
int conf_place_peers(struct conf_loader *c); /* peer ends into their namespaces */
int conf_place_loose(struct conf_loader *c); /* [Address] to its link */
int conf_assign_pools(struct conf_loader *c);
int conf_verify(struct conf_loader *c);
int conf_verify_references(struct conf_loader *c); /* masters, parents, Link= */
int conf_verify_twice(struct conf_loader *c);	   /* names, addresses, routes, rules, neighbours */
int conf_verify_routes(struct conf_loader *c);	   /* gateways that cannot be reached */
int conf_verify_containers(struct conf_loader *c); /* their namespaces, and one another */
/* The namespace that a container, or the far end of a pair, names; NULL after telling at `a` that it is
 * nowhere. NULL for the name: the host. */
struct netns *conf_named_netns(struct conf_loader *c, struct conf_object *o, const struct conf_section *s,
			       const struct conf_assign *a, const char *name);
/* Tells of a container that what it needs is out. */
bool conf_fail_container(struct conf_loader *c, struct conf_object *o);

#endif
