/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files declare: the desired tree. Built by config.c, read-only afterwards: workers read
 * it while the loop already builds the next one. Layer 2; pure.
 *
 * Ownership: struct desired owns netns, netns owns its links, routes, rules, neighbours. The peer
 * end of a pair is owned by the netns it is *placed* in and declared by another (link->owner).
 * All other pointers are back-pointers. */
#ifndef NETNSD_DESIRED_H
#define NETNSD_DESIRED_H

#include "kind.h"
#include "netnsd/plugin.h"
#include "str.h"

#include <net/if.h>
#include <uthash.h>
#include <utlist.h>

/* The name under which reasons, errors and the API speak of the daemon's own namespace when no
 * file with Host=yes gives it another. */
#define HOST_DEFAULT_NAME "host"

enum on_drift { ON_DRIFT_REPAIR, ON_DRIFT_REPORT, ON_DRIFT_IGNORE };

/* Where something was written, for errors. */
struct origin {
	const char *file; /* interned in struct desired */
	unsigned line;
};

struct address {
	struct netnsd_prefix prefix;
	struct netnsd_ip peer; /* AF_UNSPEC: none */
	uint8_t scope;	       /* RT_SCOPE_*; default by the address (127/8 and ::1 host, fe80 link) */
	bool no_dad;	       /* IFA_F_NODAD; networkd's DuplicateAddressDetection=none */
	uint32_t preferred;    /* seconds; UINT32_MAX: forever; 0: deprecated */
	uint32_t metric;       /* IFA_RT_PRIORITY; 0: kernel's */
	char label[IFNAMSIZ];  /* IPv4 only; "": the kernel's (= link name) */
	struct origin origin;
};

struct nexthop {
	struct netnsd_ip gateway;
	char ifname[IFNAMSIZ]; /* "": found by the gateway */
	uint32_t weight;       /* 1..256 */
};

/* Bits of struct route.set: an attribute that was declared and is compared. */
enum route_set {
	ROUTE_SET_MTU = 1 << 0,
	ROUTE_SET_ADVMSS = 1 << 1,
	ROUTE_SET_INITCWND = 1 << 2,
	ROUTE_SET_INITRWND = 1 << 3,
	ROUTE_SET_QUICKACK = 1 << 4,
	ROUTE_SET_PREFERENCE = 1 << 5,
	ROUTE_SET_TTL_PROPAGATE = 1 << 6,
	ROUTE_SET_FASTOPEN = 1 << 7,
	ROUTE_SET_SCOPE = 1 << 8
};

struct route {
	uint32_t set;
	uint8_t family;
	uint8_t type;			  /* RTN_UNICAST ... */
	uint8_t scope;			  /* RT_SCOPE_*; default as iproute2 chooses */
	uint32_t table;			  /* default RT_TABLE_MAIN */
	uint32_t metric;		  /* as declared; 0: kernel's (IPv6: 1024) */
	struct netnsd_prefix destination; /* masked; length 0: default */
	struct netnsd_prefix source;	  /* IPv6 Source=; length 0: none */
	struct netnsd_ip gateway;	  /* AF_UNSPEC: none; another family than the route's: RTA_VIA */
	struct netnsd_ip prefsrc;
	bool onlink;
	uint32_t mtu, advmss, initcwnd, initrwnd, quickack, fastopen_no_cookie, ttl_propagate;
	uint8_t preference;    /* ICMPV6_ROUTER_PREF_* */
	char ifname[IFNAMSIZ]; /* output link; "": found by the gateway */
	struct nexthop *nexthops;
	size_t n_nexthops; /* MultiPathRoute=; at most 64 */
	const char *label; /* for messages: "Route mirrors", "Veth eth0 Gateway"; interned */
	struct origin origin;
};

struct rule {
	uint8_t family;
	uint32_t priority; /* required: without one the kernel invents it and no second plan is empty */
	uint32_t table;
	uint8_t action; /* FR_ACT_TO_TBL, _BLACKHOLE, _UNREACHABLE, _PROHIBIT */
	bool invert;
	uint8_t tos;
	uint8_t ip_protocol;
	struct netnsd_prefix from, to; /* length 0: any */
	uint32_t fwmark, fwmask;       /* mask 0: none */
	char iif[IFNAMSIZ], oif[IFNAMSIZ];
	uint16_t sport[2], dport[2]; /* first, last; 0,0: any */
	bool has_uid;
	uint32_t uid[2];
	int suppress_prefixlength; /* -1: none */
	int suppress_ifgroup;	   /* -1: none */
	const char *label;
	struct origin origin;
};

struct neighbor {
	struct netnsd_ip address;
	struct netnsd_mac lladdr;
	char ifname[IFNAMSIZ];
	const char *label;
	struct origin origin;
};

/* One file below /proc/sys, written inside the namespace, in order. */
struct sysctl {
	char *path; /* "net/ipv4/ip_forward" */
	char *value;
	struct origin origin;
};

enum link_local { LINK_LOCAL_DEFAULT, LINK_LOCAL_NO, LINK_LOCAL_IPV6 };
enum activation_policy {
	ACTIVATION_UP,
	ACTIVATION_ALWAYS_UP,
	ACTIVATION_MANUAL,
	ACTIVATION_ALWAYS_DOWN,
	ACTIVATION_DOWN
};

struct netns;

struct link {
	struct link *prev, *next; /* in netns->links, in order of declaration */
	UT_hash_handle hh;	  /* in netns->links_by_name; the first of a name only */
	struct netns *netns;	  /* where it is placed */
	struct netns *owner;	  /* whose file declares it */
	struct link *peer;	  /* other end of a pair; NULL for other kinds */
	bool is_peer;		  /* came from the Peer... keys of `peer` */
	const struct link_kind *kind;
	void *config;	   /* kind->config_size bytes; NULL for a peer end */
	uint64_t kind_set; /* which of kind->keys were set */

	char name[IFNAMSIZ]; /* the kernel's name */
	char *full_name;     /* what was written or generated when it does not fit; else NULL.
				Also in altnames */
	bool mac_set, mtu_set, accept_ra_set, accept_ra;
	struct netnsd_mac mac;
	uint32_t mtu;
	char master[IFNAMSIZ];	/* Bridge= or VRF=, resolved to the kernel's name; "": none */
	const char *master_key; /* "Bridge", "VRF", "PeerBridge": for messages */
	char parent[IFNAMSIZ];	/* "": none */
	bool parent_on_host;	/* the parent lives in the host's namespace, not in this one */
	char *alias;		/* NULL: not declared */
	char **altnames;	/* NULL-terminated; with full_name */
	enum activation_policy activation;
	enum link_local link_local; /* already resolved: DEFAULT means leave the kernel's */
	struct address *addresses;
	size_t n_addresses; /* at most 1024 */
	struct origin origin;
};

struct netns {
	char *name;    /* the object's name */
	bool host;     /* the daemon's own namespace */
	bool implicit; /* the host when no file declares it */
	bool adopt, autostart, autodelete, loopback, transient;
	enum on_drift on_drift;
	char *description; /* NULL: none */
	char **dns;	   /* NULL: none */
	char **domains;
	struct link *links; /* placed here */
	size_t n_links;
	struct link *links_by_name; /* uthash by kernel name: names never change after link_new() */
	struct route *routes;	    /* [Route] and every Gateway= */
	size_t n_routes;
	struct rule *rules;
	size_t n_rules;
	struct neighbor *neighbors;
	size_t n_neighbors;
	struct sysctl *sysctls; /* Sysctl=, IPv4Forwarding=, IPv6Forwarding=; accept_ra of links is
				   derived by reconcile */
	size_t n_sysctls;
	char *text; /* the object's effective text: main file and drop-ins merged, readable by the
		       same parser; what /run/netnsd keeps as the last good one */
	struct origin origin;
	UT_hash_handle hh; /* in desired->namespaces, by name, in order of name */
};

struct desired_string;	   /* desired.c's own */
struct container_settings; /* desired_container.h */

struct desired {
	unsigned references;		       /* touched by the loop thread only */
	struct netns *namespaces;	       /* uthash by name; the host is in it too */
	struct netns *host;		       /* never NULL once built */
	struct container_settings *containers; /* uthash by name */
	struct desired_string *strings;	       /* interned file names and labels */
};

int desired_new(struct desired **ret);
struct desired *desired_ref(struct desired *d);
void desired_unref(struct desired *d); /* NULL is fine; frees with the last one */

/* Adds an empty namespace with defaults. -EEXIST, -ENOMEM. */
int desired_add(struct desired *d, const char *name, struct netns **ret);
struct netns *desired_find(const struct desired *d, const char *name);
/* Also its peers placed elsewhere. Peer ends of others that are placed in it go too, and leave a
 * declaring end without peer: the caller removes those namespaces as well. */
void desired_remove(struct desired *d, struct netns *n);
const char *desired_intern(struct desired *d, const char *text); /* NULL: no memory */

int link_new(struct netns *placed, struct netns *owner, const struct link_kind *kind, const char *wanted_name,
	     struct link **ret);
/* The other end of a pair, named and placed elsewhere; without config of its own. */
int link_new_peer(struct link *declaring, struct netns *placed, const char *wanted_name, struct link **ret);
void link_free(struct link *l); /* unlinks; frees the peer end too when called on the declaring end */
struct link *netns_find_link(const struct netns *n, const char *name); /* by kernel or full name */

/* Same configuration, apart from origin. */
bool address_equal(const struct address *a, const struct address *b);
bool route_equal(const struct route *a, const struct route *b);
bool rule_equal(const struct rule *a, const struct rule *b);
bool neighbor_equal(const struct neighbor *a, const struct neighbor *b);
bool link_equal(const struct link *a, const struct link *b);	/* one end, without its peer */
bool netns_equal(const struct netns *a, const struct netns *b); /* by effective text and peers placed here */

/* Text for plans and status, e.g. "10.0.0.2/24", "default via 10.0.0.1 dev eth0 metric 50". Owned. */
char *address_to_string(const struct address *a);
char *route_to_string(const struct route *r);
char *rule_to_string(const struct rule *r);
char *neighbor_to_string(const struct neighbor *n);

const char *on_drift_to_string(enum on_drift d);

#endif
