/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The whole plugin API of netnsd: the only project header a plugin includes.
 *
 * A plugin is one shared object that exports one *data* symbol, `netnsd_plugin`. It has no
 * constructors, never logs, never blocks, never sees the loop. All callbacks are pure functions
 * of their arguments, except create() and remove(), which run on a worker thread inside the
 * target namespace. netnsd-plugin(3) walks through plugins/dummy.c, the file to copy.
 *
 * Errors: callbacks return 0 or a negative errno; those that get a `struct netnsd_error` describe
 * there, in one sentence without a final stop, what is wrong and what was expected.
 */
#ifndef NETNSD_PLUGIN_H
#define NETNSD_PLUGIN_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct nl_msg; /* <netlink/msg.h> */
struct nlattr; /* <netlink/attr.h> */

/* Raised whenever a structure below changes; a plugin with another number is refused by name. */
#define NETNSD_PLUGIN_API 2

/* --- values ------------------------------------------------------------------------------- */

struct netnsd_mac {
	uint8_t bytes[6];
};

/* An IPv4 or IPv6 address; bytes are in network order, an IPv4 address takes the first four. */
struct netnsd_ip {
	uint8_t family; /* AF_INET, AF_INET6; AF_UNSPEC: not set */
	uint8_t bytes[16];
};

/* An address with its prefix length, host bits kept ("10.0.0.2/24" is 10.0.0.2 and 24). */
struct netnsd_prefix {
	struct netnsd_ip ip;
	uint8_t length; /* 0 to 32 or 128 */
};

/* Where a callback says what is wrong. Never NULL. Always NUL-terminated by the core. */
struct netnsd_error {
	char text[256];
};

/* --- key tables --------------------------------------------------------------------------- */

/* How the text after '=' is read and printed. Integers are kept in host byte order in a field as
 * wide as the key's wire form; the unit of the field is the unit of the wire form. */
enum netnsd_key_type {
	NETNSD_KEY_BOOL,   /* systemd booleans: 1 yes y true t on, 0 no n false f off */
	NETNSD_KEY_UINT,   /* decimal, 0x hexadecimal or 0 octal, within min..max */
	NETNSD_KEY_INT,	   /* signed decimal, within min..max */
	NETNSD_KEY_SIZE,   /* bytes; K, M, G, T are powers of 1024 */
	NETNSD_KEY_SEC,	   /* systemd.time(7) span, field in seconds; "infinity" when max allows */
	NETNSD_KEY_CSEC,   /* systemd.time(7) span, field in 1/100 s (the kernel's USER_HZ) */
	NETNSD_KEY_ENUM,   /* one word of `names` */
	NETNSD_KEY_STRING, /* char *, owned by the core; wire STRING */
	NETNSD_KEY_IFNAME, /* char[IFNAMSIZ]; an interface name of 1 to 15 characters */
	NETNSD_KEY_MAC,	   /* struct netnsd_mac; six hex bytes with ':' '-' or '.'; no multicast */
	NETNSD_KEY_IP,	   /* struct netnsd_ip */
	NETNSD_KEY_PREFIX, /* struct netnsd_prefix; without "/N" a host prefix (32 or 128) */
	NETNSD_KEY_STRV,   /* char **, NULL-terminated, owned by the core; repeatable, empty resets;
			      each assignment is split into words with C-style quoting */
	NETNSD_KEY_LINES   /* char **, like STRV, but one assignment is one element */
};

/* The netlink form of the value, and the width of its field. */
enum netnsd_wire {
	NETNSD_WIRE_NONE, /* not a plain attribute: fill() and compare() deal with it; number, BOOL and
			     ENUM fields of such keys are uint32_t (int32_t for INT) */
	NETNSD_WIRE_U8,
	NETNSD_WIRE_U16,
	NETNSD_WIRE_U32,
	NETNSD_WIRE_U64,
	NETNSD_WIRE_BE16, /* the field stays in host order */
	NETNSD_WIRE_BE32,
	NETNSD_WIRE_STRING,
	NETNSD_WIRE_BYTES /* MAC: 6 bytes; IP: 4 or 16 bytes */
};

enum netnsd_key_flags {
	NETNSD_KEY_REQUIRED = 1 << 0, /* missing key is an error */
	NETNSD_KEY_FIXED = 1 << 1,    /* cannot change on a living link: a difference recreates it */
	NETNSD_KEY_IPV4_ONLY = 1 << 2,
	NETNSD_KEY_IPV6_ONLY = 1 << 3
};

struct netnsd_enum_name {
	const char *name; /* NULL ends the table */
	int64_t value;
};

/* One row: parsing, error text, message building, `netnsctl show` and drift detection come from
 * it. A table ends with a row whose name is NULL and has at most 64 rows. */
struct conf_key {
	const char *name; /* as networkd spells it, e.g. "VLANFiltering" */
	enum netnsd_key_type type;
	enum netnsd_wire wire;
	uint16_t attr;	/* netlink attribute inside IFLA_INFO_DATA; 0 with WIRE_NONE */
	uint16_t flags; /* enum netnsd_key_flags */
	size_t offset;	/* of the field in the kind's config */
	int64_t min;	/* bounds of integers, in the field's unit; min == max == 0: the width's own */
	int64_t max;
	/* ENUM: all its words. Any other number: words it takes besides numbers ("none", "inherit"),
	 * their values need not lie within the bounds; NULL: no such words. */
	const struct netnsd_enum_name *names;
	const char *doc; /* half a sentence; shown by `netnsctl` help and docs */
};

/* --- link kinds --------------------------------------------------------------------------- */

/* The other end of a pair while a link is created. */
struct netnsd_peer {
	const char *ifname;
	int netns_fd;		      /* the namespace the other end goes to; -1: the same one */
	uint32_t group;		      /* IFLA_GROUP that marks it as ours; must be set at creation */
	uint32_t mtu;		      /* 0: kernel's default */
	const struct netnsd_mac *mac; /* NULL: kernel's choice */
};

/* What a callback sees of a link. Valid during the call only. */
struct netnsd_link {
	const char *ifname;
	const void *config;		/* config_size bytes */
	uint64_t set;			/* bit i: keys[i] was set by the administrator */
	const struct netnsd_peer *peer; /* kinds with NETNSD_KIND_PAIR, in fill() only; else NULL */
	/* Kinds with NETNSD_KIND_PARENT_IN_DATA, in fill() and compare(): ifindex of Parent= in the
	 * namespace the link was or will be created in; 0: none or not known, so not compared. */
	int parent_ifindex;
};

/* What reconcile found; the values are ordered by weight. */
enum verdict {
	VERDICT_SAME,	  /* as declared */
	VERDICT_CHANGE,	  /* differs, can be changed in place */
	VERDICT_RECREATE, /* differs in something fixed: remove and create */
	VERDICT_MISSING,  /* not there */
	VERDICT_FOREIGN	  /* there, but not ours: left alone */
};

enum netnsd_kind_flags {
	NETNSD_KIND_PAIR = 1 << 0,	   /* has a second end; the core adds the Peer... keys */
	NETNSD_KIND_NEEDS_PARENT = 1 << 1, /* Parent= is required */
	NETNSD_KIND_PARENT = 1 << 2,	   /* Parent= is allowed; becomes IFLA_LINK */
	NETNSD_KIND_MASTER = 1 << 3,	   /* other links may name it with Bridge= (or VRF=) */
	/* Parent= is allowed, but does not become IFLA_LINK: fill() puts it where the kind wants it
	 * (vxlan), and the kernel's IFLA_LINK says nothing about it. */
	NETNSD_KIND_PARENT_IN_DATA = 1 << 4
};

struct link_kind {
	const char *name;	     /* IFLA_INFO_KIND, e.g. "macvlan" */
	const char *section;	     /* as networkd's Kind= spells it, e.g. "MACVLAN" */
	uint32_t flags;		     /* enum netnsd_kind_flags */
	uint32_t max_ports;	     /* MASTER kinds: most ports the kernel takes; 0: no limit known */
	size_t config_size;	     /* may be 0 */
	const struct conf_key *keys; /* NULL: no keys of its own */

	/* Sets defaults in zeroed config. Optional. */
	int (*init)(void *config);
	/* Checks keys against each other, after all were read. Optional. -EINVAL with err filled. */
	int (*verify)(const struct netnsd_link *link, struct netnsd_error *err);
	/* Adds what the key table cannot say, inside IFLA_INFO_DATA; keys with a wire form are put
	 * there by the core, those with NETNSD_KEY_FIXED only at creation. `change`: the link exists
	 * and is being changed. Optional.
	 * -EMSGSIZE when the message is full (nla_put's error). */
	int (*fill)(const struct netnsd_link *link, bool change, struct nl_msg *msg);
	/* Compares what the table cannot; `data` is the kernel's IFLA_INFO_DATA or NULL. Writes the
	 * difference ("Mode bridge, declared private") to err->text unless SAME. Optional. */
	enum verdict (*compare)(const struct netnsd_link *link, const struct nlattr *data,
				struct netnsd_error *err);
	/* Reads the kernel's values of keys without a wire form from IFLA_INFO_DATA into config, and returns
	 * the bits of those it read: what a change that fails sets again. Optional; a kind with a fill() that
	 * changes living links and without read() is changed back as far as its table goes. */
	uint64_t (*read)(const struct nlattr *data, void *config);
	/* Frees what init() allocated; the core frees what the key table owns. Optional. */
	void (*done)(void *config);
	/* The escape for kinds that rtnetlink cannot create. Called on a worker thread inside the
	 * target namespace, may block for a moment; -EEXIST when the name is taken. Both or none. */
	int (*create)(const struct netnsd_link *link, struct netnsd_error *err);
	int (*remove)(const struct netnsd_link *link, struct netnsd_error *err);
};

/* --- address sources ---------------------------------------------------------------------- */

/* One link that asks a source for one address. */
struct netnsd_address_request {
	const char *netns; /* names of namespace and link: the identity of the request */
	const char *ifname;
	struct netnsd_prefix pool;   /* what parse() returned */
	struct netnsd_prefix before; /* the address it had before; ip.family AF_UNSPEC: none */
	struct netnsd_prefix result; /* out: filled by assign() */
};

struct address_source {
	const char *name; /* "pool" */
	const char *key;  /* the key it adds to every link section, e.g. "AddressPool"; repeatable */
	/* Reads one value. Returns 0, or -EINVAL with err filled. */
	int (*parse)(const char *value, struct netnsd_prefix *ret, struct netnsd_error *err);
	/* Chooses an address for every request of the whole configuration at once: deterministic,
	 * never one of `taken` (addresses declared elsewhere), never one twice. NULL: the parsed
	 * value is the address. -ENOSPC with err filled when a pool is exhausted. */
	int (*assign)(struct netnsd_address_request *requests, size_t n_requests,
		      const struct netnsd_ip *taken, size_t n_taken, struct netnsd_error *err);
};

/* --- the symbol --------------------------------------------------------------------------- */

struct netnsd_plugin {
	uint32_t api;					     /* NETNSD_PLUGIN_API; checked first */
	const char *name;				     /* equals the file's name without ".so" */
	const struct link_kind *const *kinds;		     /* NULL-terminated, or NULL */
	const struct address_source *const *address_sources; /* NULL-terminated, or NULL */
};

extern const struct netnsd_plugin netnsd_plugin;

#ifdef __cplusplus
}
#endif
#endif
