/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vxlan: Ethernet over UDP. Keys, values and units are those of [VXLAN] in systemd.netdev(5).
 *
 * Most of it is fixed once the link is there, and the kernel refuses a change that as much as names
 * a fixed flag. What the table cannot say:
 *   - an address goes into another attribute for each family, and its family is fixed;
 *   - GroupPolicyExtension is a flag without a value: "no" is absence;
 *   - TTL is a number, or the flag that says to copy the inner packet's;
 *   - PortRange is a pair;
 *   - the parent is an attribute of its own and not IFLA_LINK.
 *
 * GenericProtocolExtension is left out: the kernel takes it together with external metadata only.
 */
#include <netnsd/plugin.h>

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_link.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TTL_INHERIT 256

struct vxlan_config {
	struct netnsd_ip remote, group, local;
	char *port_range;
	uint32_t ttl; /* TTL_INHERIT: the inner packet's */
	uint32_t group_policy;
	uint32_t vni;
	uint32_t ageing;
	uint32_t limit;
	uint32_t label;
	uint16_t port;
	uint8_t tos;
	uint8_t learning, proxy, l2miss, l3miss, rsc;
	uint8_t udp_csum, udp_zero_csum6_tx, udp_zero_csum6_rx, remcsum_tx, remcsum_rx;
};

/* The first rows in this order: `set` bits are row numbers. */
enum { REMOTE, GROUP, LOCAL, PORT_RANGE, TTL, GROUP_POLICY, LABEL };

static const struct netnsd_enum_name ttl_words[] = {{"inherit", TTL_INHERIT}, {NULL, 0}};

#define AT(field) offsetof(struct vxlan_config, field)
#define SWITCH(key, attribute, field, more, text)                                                            \
	{                                                                                                    \
		.name = key, .type = NETNSD_KEY_BOOL, .wire = NETNSD_WIRE_U8, .attr = attribute,             \
		.flags = more, .offset = AT(field), .doc = text                                              \
	}

static const struct conf_key vxlan_keys[] = {
	[REMOTE] = {.name = "Remote",
		    .type = NETNSD_KEY_IP,
		    .offset = AT(remote),
		    .doc = "the other end of the tunnel"},
	[GROUP] = {.name = "Group",
		   .type = NETNSD_KEY_IP,
		   .flags = NETNSD_KEY_FIXED,
		   .offset = AT(group),
		   .doc = "the multicast group of all ends; needs Parent="},
	[LOCAL] = {.name = "Local", .type = NETNSD_KEY_IP, .offset = AT(local), .doc = "source address"},
	[PORT_RANGE] = {.name = "PortRange",
			.type = NETNSD_KEY_STRING,
			.flags = NETNSD_KEY_FIXED,
			.offset = AT(port_range),
			.doc = "UDP source ports, as LOW-HIGH"},
	[TTL] = {.name = "TTL",
		 .type = NETNSD_KEY_UINT,
		 .offset = AT(ttl),
		 .max = 255,
		 .names = ttl_words,
		 .doc = "time to live of tunnel packets; 0: the kernel's choice"},
	[GROUP_POLICY] = {.name = "GroupPolicyExtension",
			  .type = NETNSD_KEY_BOOL,
			  .flags = NETNSD_KEY_FIXED,
			  .offset = AT(group_policy),
			  .doc = "carry the security mark"},
	[LABEL] = {.name = "FlowLabel",
		   .type = NETNSD_KEY_UINT,
		   .wire = NETNSD_WIRE_BE32,
		   .attr = IFLA_VXLAN_LABEL,
		   .offset = AT(label),
		   .max = 0xfffff,
		   .doc = "IPv6 flow label of tunnel packets"},
	{.name = "VNI",
	 .type = NETNSD_KEY_UINT,
	 .wire = NETNSD_WIRE_U32,
	 .attr = IFLA_VXLAN_ID,
	 .flags = NETNSD_KEY_REQUIRED | NETNSD_KEY_FIXED,
	 .offset = AT(vni),
	 .min = 1,
	 .max = 0xffffff,
	 .doc = "VXLAN network identifier"},
	{.name = "DestinationPort",
	 .type = NETNSD_KEY_UINT,
	 .wire = NETNSD_WIRE_BE16,
	 .attr = IFLA_VXLAN_PORT,
	 .flags = NETNSD_KEY_FIXED,
	 .offset = AT(port),
	 .min = 1,
	 .max = 65535,
	 .doc = "UDP port of the other end"},
	{.name = "TOS",
	 .type = NETNSD_KEY_UINT,
	 .wire = NETNSD_WIRE_U8,
	 .attr = IFLA_VXLAN_TOS,
	 .offset = AT(tos),
	 .doc = "type of service of tunnel packets; 1: the inner packet's"},
	{.name = "FDBAgeingSec",
	 .type = NETNSD_KEY_SEC,
	 .wire = NETNSD_WIRE_U32,
	 .attr = IFLA_VXLAN_AGEING,
	 .offset = AT(ageing),
	 .min = 1, /* the kernel takes 0 for its default */
	 .max = UINT32_MAX,
	 .doc = "age at which a learned MAC address goes"},
	{.name = "MaximumFDBEntries",
	 .type = NETNSD_KEY_UINT,
	 .wire = NETNSD_WIRE_U32,
	 .attr = IFLA_VXLAN_LIMIT,
	 .flags = NETNSD_KEY_FIXED,
	 .offset = AT(limit),
	 .doc = "most MAC addresses to learn; 0: no limit"},
	SWITCH("MacLearning", IFLA_VXLAN_LEARNING, learning, 0, "learn MAC addresses from packets"),
	SWITCH("ReduceARPProxy", IFLA_VXLAN_PROXY, proxy, NETNSD_KEY_FIXED, "answer ARP for known ends"),
	SWITCH("L2MissNotification", IFLA_VXLAN_L2MISS, l2miss, NETNSD_KEY_FIXED,
	       "report unknown MAC addresses"),
	SWITCH("L3MissNotification", IFLA_VXLAN_L3MISS, l3miss, NETNSD_KEY_FIXED,
	       "report unknown IP addresses"),
	SWITCH("RouteShortCircuit", IFLA_VXLAN_RSC, rsc, NETNSD_KEY_FIXED, "short-circuit routed packets"),
	SWITCH("UDPChecksum", IFLA_VXLAN_UDP_CSUM, udp_csum, NETNSD_KEY_FIXED, "UDP checksums over IPv4"),
	SWITCH("UDP6ZeroChecksumTx", IFLA_VXLAN_UDP_ZERO_CSUM6_TX, udp_zero_csum6_tx, NETNSD_KEY_FIXED,
	       "no UDP checksums over IPv6"),
	SWITCH("UDP6ZeroChecksumRx", IFLA_VXLAN_UDP_ZERO_CSUM6_RX, udp_zero_csum6_rx, NETNSD_KEY_FIXED,
	       "take IPv6 packets without checksum"),
	SWITCH("RemoteChecksumTx", IFLA_VXLAN_REMCSUM_TX, remcsum_tx, NETNSD_KEY_FIXED,
	       "offload checksums to the other end"),
	SWITCH("RemoteChecksumRx", IFLA_VXLAN_REMCSUM_RX, remcsum_rx, NETNSD_KEY_FIXED,
	       "compute checksums for the other end"),
	{.name = NULL},
};

static bool is_set(const struct netnsd_link *link, unsigned key)
{
	return link->set & UINT64_C(1) << key;
}

__attribute__((format(printf, 2, 3))) static int refuse(struct netnsd_error *err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	return -EINVAL;
}

/* --- verify ---------------------------------------------------------------------------------- */

static bool is_multicast(const struct netnsd_ip *ip)
{
	return ip->family == AF_INET ? (ip->bytes[0] & 0xf0) == 0xe0 : ip->bytes[0] == 0xff;
}

/* One end of a range: digits only, up to 65535, and `*text` moves behind them. */
static int parse_port(const char **text, uint16_t *ret)
{
	unsigned n = 0, digits = 0;

	for (; **text >= '0' && **text <= '9' && digits < 6; (*text)++, digits++)
		n = n * 10 + (unsigned)(**text - '0');
	if (digits == 0 || n == 0 || n > 65535)
		return -EINVAL;
	*ret = (uint16_t)n;
	return 0;
}

static int parse_range(const char *text, struct ifla_vxlan_port_range *ret)
{
	uint16_t low, high;

	if (!text || parse_port(&text, &low) < 0 || *text++ != '-' || parse_port(&text, &high) < 0 || *text ||
	    low > high)
		return -EINVAL;
	*ret = (struct ifla_vxlan_port_range){.low = htons(low), .high = htons(high)};
	return 0;
}

static bool is_unspecified(const struct netnsd_ip *ip)
{
	static const uint8_t zero[16];

	return memcmp(ip->bytes, zero, ip->family == AF_INET ? 4 : 16) == 0;
}

static bool is_link_local(const struct netnsd_ip *ip)
{
	return ip->family == AF_INET6 && ip->bytes[0] == 0xfe && (ip->bytes[1] & 0xc0) == 0x80;
}

/* One address each. The kernel takes "no address", but does not give it back. */
static int verify_each(const struct netnsd_link *link, struct netnsd_error *err)
{
	const struct vxlan_config *c = link->config;

	if (is_set(link, REMOTE) && is_multicast(&c->remote))
		return refuse(err, "Remote= is a multicast address; expected Group= for that");
	if (is_set(link, REMOTE) && is_unspecified(&c->remote))
		return refuse(err,
			      "Remote= is the unspecified address; expected the other end's, or no Remote=");
	if (is_set(link, GROUP) && !is_multicast(&c->group))
		return refuse(err, "Group= is no multicast address; expected Remote= for a single end");
	if (is_set(link, LOCAL) && (is_multicast(&c->local) || is_unspecified(&c->local)))
		return refuse(err, "Local= is no address a machine can have; expected one, or no Local=");
	return 0;
}

static int verify_addresses(const struct netnsd_link *link, struct netnsd_error *err)
{
	const struct vxlan_config *c = link->config;
	const struct netnsd_ip *far = is_set(link, GROUP) ? &c->group : &c->remote;
	const char *name = is_set(link, GROUP) ? "Group" : "Remote";

	if (is_set(link, REMOTE) && is_set(link, GROUP))
		return refuse(err, "Remote= and Group= exclude each other");
	if (is_set(link, LOCAL) && far->family && far->family != c->local.family)
		return refuse(err,
			      "Local= and %s= are of different families; expected both IPv4 or both IPv6",
			      name);
	if (is_link_local(far) && !is_link_local(&c->local))
		return refuse(err, "%s= is link-local; expected a link-local Local= too", name);
	if (is_set(link, REMOTE) && is_link_local(&c->local) && !is_link_local(far))
		return refuse(err, "Local= is link-local; expected a link-local Remote= too");
	return verify_each(link, err);
}

static int vxlan_verify(const struct netnsd_link *link, struct netnsd_error *err)
{
	const struct vxlan_config *c = link->config;
	struct ifla_vxlan_port_range range;

	if (is_set(link, PORT_RANGE) && parse_range(c->port_range, &range) < 0)
		return refuse(err,
			      "PortRange=%.40s is no range of ports; expected LOW-HIGH such as 49152-65535",
			      c->port_range);
	if (is_set(link, LABEL) && c->label && c->remote.family != AF_INET6 && c->group.family != AF_INET6 &&
	    c->local.family != AF_INET6)
		return refuse(
			err, "FlowLabel= is for IPv6; expected an IPv6 address in Remote=, Group= or Local=");
	return verify_addresses(link, err);
}

/* --- fill ------------------------------------------------------------------------------------ */

static int put_ip(struct nl_msg *msg, int attr4, int attr6, const struct netnsd_ip *ip)
{
	bool v4 = ip->family == AF_INET;

	return nla_put(msg, v4 ? attr4 : attr6, v4 ? 4 : 16, ip->bytes);
}

/* What the kernel lets change at any time. */
static int put_changeable(const struct netnsd_link *link, struct nl_msg *msg)
{
	const struct vxlan_config *c = link->config;
	int r = 0;

	if (is_set(link, REMOTE))
		r = put_ip(msg, IFLA_VXLAN_GROUP, IFLA_VXLAN_GROUP6, &c->remote);
	if (r == 0 && is_set(link, LOCAL))
		r = put_ip(msg, IFLA_VXLAN_LOCAL, IFLA_VXLAN_LOCAL6, &c->local);
	if (r == 0 && is_set(link, TTL) && c->ttl != TTL_INHERIT)
		r = nla_put_u8(msg, IFLA_VXLAN_TTL, (uint8_t)c->ttl);
	return r;
}

static int put_fixed(const struct netnsd_link *link, struct nl_msg *msg)
{
	const struct vxlan_config *c = link->config;
	struct ifla_vxlan_port_range range;
	int r = 0;

	if (link->parent_ifindex > 0)
		r = nla_put_u32(msg, IFLA_VXLAN_LINK, (uint32_t)link->parent_ifindex);
	if (r == 0 && is_set(link, GROUP))
		r = put_ip(msg, IFLA_VXLAN_GROUP, IFLA_VXLAN_GROUP6, &c->group);
	if (r == 0 && is_set(link, TTL) && c->ttl == TTL_INHERIT)
		r = nla_put_flag(msg, IFLA_VXLAN_TTL_INHERIT);
	if (r == 0 && c->group_policy)
		r = nla_put_flag(msg, IFLA_VXLAN_GBP);
	if (r == 0 && is_set(link, PORT_RANGE) && parse_range(c->port_range, &range) == 0)
		r = nla_put(msg, IFLA_VXLAN_PORT_RANGE, sizeof(range), &range);
	return r;
}

static int vxlan_fill(const struct netnsd_link *link, bool change, struct nl_msg *msg)
{
	int r = put_changeable(link, msg);

	if (r == 0 && !change)
		r = put_fixed(link, msg);
	return r == 0 ? 0 : -EMSGSIZE;
}

/* --- compare --------------------------------------------------------------------------------- */

/* Attribute with at least that many bytes, or NULL. */
static const void *find(const struct nlattr *data, int type, int length)
{
	const struct nlattr *a = data ? nla_find(nla_data(data), nla_len(data), type) : NULL;

	return a && nla_len(a) >= length ? nla_data(a) : NULL;
}

static struct netnsd_ip find_ip(const struct nlattr *data, int attr4, int attr6)
{
	const void *v4 = find(data, attr4, 4), *v6 = find(data, attr6, 16);
	struct netnsd_ip ip = {.family = v4 ? AF_INET : v6 ? AF_INET6 : AF_UNSPEC};

	if (ip.family)
		memcpy(ip.bytes, v4 ? v4 : v6, v4 ? 4 : 16);
	return ip;
}

static const char *ip_text(const struct netnsd_ip *ip, char ret[INET6_ADDRSTRLEN])
{
	return ip->family ? inet_ntop(ip->family, ip->bytes, ret, INET6_ADDRSTRLEN) : "none";
}

/* `fixed`: cannot change, as when the family of the link is another. */
static enum verdict compare_ip(const char *name, const struct netnsd_ip *declared,
			       const struct netnsd_ip *actual, bool fixed, struct netnsd_error *err)
{
	char a[INET6_ADDRSTRLEN], d[INET6_ADDRSTRLEN];

	if (declared->family == actual->family && memcmp(declared->bytes, actual->bytes, 16) == 0)
		return VERDICT_SAME;
	snprintf(err->text, sizeof(err->text), "%s %s, declared %s", name, ip_text(actual, a),
		 ip_text(declared, d));
	return fixed ? VERDICT_RECREATE : VERDICT_CHANGE;
}

static enum verdict compare_addresses(const struct netnsd_link *link, const struct nlattr *data,
				      struct netnsd_error *err)
{
	const struct vxlan_config *c = link->config;
	struct netnsd_ip far = find_ip(data, IFLA_VXLAN_GROUP, IFLA_VXLAN_GROUP6);
	struct netnsd_ip local = find_ip(data, IFLA_VXLAN_LOCAL, IFLA_VXLAN_LOCAL6);
	/* A link keeps its family; one without addresses counts as IPv4. */
	uint8_t family = far.family ? far.family : local.family ? local.family : AF_INET;
	enum verdict v = VERDICT_SAME;

	if (is_set(link, GROUP))
		v = compare_ip("Group", &c->group, &far, true, err);
	else if (is_set(link, REMOTE)) /* a group was joined, and would stay joined */
		v = compare_ip("Remote", &c->remote, &far, is_multicast(&far) || c->remote.family != family,
			       err);
	if (v == VERDICT_SAME && is_set(link, LOCAL))
		v = compare_ip("Local", &c->local, &local, c->local.family != family, err);
	return v;
}

static enum verdict compare_ttl(const struct netnsd_link *link, const struct nlattr *data,
				struct netnsd_error *err)
{
	const struct vxlan_config *c = link->config;
	const uint8_t *inherit = find(data, IFLA_VXLAN_TTL_INHERIT, 1), *ttl = find(data, IFLA_VXLAN_TTL, 1);
	unsigned actual = inherit && *inherit ? TTL_INHERIT : ttl ? *ttl : 0;
	char a[16], d[16];

	if (!is_set(link, TTL) || (ttl && actual == c->ttl))
		return VERDICT_SAME;
	snprintf(a, sizeof(a), "%u", actual);
	snprintf(d, sizeof(d), "%u", c->ttl);
	snprintf(err->text, sizeof(err->text), "TTL %s, declared %s", actual == TTL_INHERIT ? "inherit" : a,
		 c->ttl == TTL_INHERIT ? "inherit" : d);
	return actual == TTL_INHERIT || c->ttl == TTL_INHERIT ? VERDICT_RECREATE : VERDICT_CHANGE;
}

static enum verdict compare_fixed(const struct netnsd_link *link, const struct nlattr *data,
				  struct netnsd_error *err)
{
	const struct vxlan_config *c = link->config;
	const struct ifla_vxlan_port_range *actual = find(data, IFLA_VXLAN_PORT_RANGE, sizeof(*actual));
	const void *parent = find(data, IFLA_VXLAN_LINK, sizeof(uint32_t));
	struct ifla_vxlan_port_range range;
	const char *differs = NULL;

	if (is_set(link, PORT_RANGE) && parse_range(c->port_range, &range) == 0 &&
	    (!actual || memcmp(actual, &range, sizeof(range)) != 0))
		differs = "PortRange";
	else if (is_set(link, GROUP_POLICY) &&
		 (c->group_policy != 0) != (find(data, IFLA_VXLAN_GBP, 0) != NULL))
		differs = "GroupPolicyExtension";
	else if (link->parent_ifindex > 0 &&
		 (!parent || memcmp(parent, &link->parent_ifindex, sizeof(uint32_t)) != 0))
		differs = "Parent";
	if (!differs)
		return VERDICT_SAME;
	snprintf(err->text, sizeof(err->text), "%s is not as declared", differs);
	return VERDICT_RECREATE;
}

static enum verdict vxlan_compare(const struct netnsd_link *link, const struct nlattr *data,
				  struct netnsd_error *err)
{
	static enum verdict (*const parts[])(const struct netnsd_link *, const struct nlattr *,
					     struct netnsd_error *) = {compare_addresses, compare_ttl,
								       compare_fixed};
	enum verdict worst = VERDICT_SAME;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		struct netnsd_error text = {""};
		enum verdict v = parts[i](link, data, &text);

		if (v > worst) {
			worst = v;
			*err = text;
		}
	}
	return worst;
}

/* Only what can change on a living link. "No address" is set again as 0.0.0.0. */
static uint64_t vxlan_read(const struct nlattr *data, void *config)
{
	const uint8_t *inherit = find(data, IFLA_VXLAN_TTL_INHERIT, 1), *ttl = find(data, IFLA_VXLAN_TTL, 1);
	struct vxlan_config *c = config;
	uint64_t set = 0;

	c->remote = find_ip(data, IFLA_VXLAN_GROUP, IFLA_VXLAN_GROUP6);
	c->local = find_ip(data, IFLA_VXLAN_LOCAL, IFLA_VXLAN_LOCAL6);
	if (!is_multicast(&c->remote)) {
		c->remote.family = c->remote.family  ? c->remote.family
				   : c->local.family ? c->local.family
						     : AF_INET;
		set |= UINT64_C(1) << REMOTE;
	}
	c->local.family = c->local.family ? c->local.family : c->remote.family ? c->remote.family : AF_INET;
	set |= UINT64_C(1) << LOCAL;
	if (ttl && !(inherit && *inherit)) {
		c->ttl = *ttl;
		set |= UINT64_C(1) << TTL;
	}
	return set;
}

static const struct link_kind vxlan_kind = {
	.name = "vxlan",
	.section = "VXLAN",
	.flags = NETNSD_KIND_PARENT | NETNSD_KIND_PARENT_IN_DATA,
	.config_size = sizeof(struct vxlan_config),
	.keys = vxlan_keys,
	.verify = vxlan_verify,
	.fill = vxlan_fill,
	.compare = vxlan_compare,
	.read = vxlan_read,
};

static const struct link_kind *const kinds[] = {&vxlan_kind, NULL};

const struct netnsd_plugin netnsd_plugin = {
	.api = NETNSD_PLUGIN_API,
	.name = "vxlan",
	.kinds = kinds,
};
