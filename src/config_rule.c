/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * [RoutingPolicyRule] and [Neighbor].
 */
#include "config_internal.h"

#include "cleanup.h"
#include "key.h"
#include "parse.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

struct rule_values {
	uint32_t priority, tos, invert, type, ip_protocol;
	struct netnsd_prefix from, to;
	char *iif, *oif;
	int32_t suppress_prefixlength, suppress_ifgroup;
	uint32_t family;
	/* What the specials found. */
	uint32_t table, fwmark, fwmask;
	uint16_t sport[2], dport[2];
	uint32_t uid[2];
	bool has_uid;
};

static const struct netnsd_enum_name rule_type_names[] = {
	{"table", FR_ACT_TO_TBL},
	{"blackhole", FR_ACT_BLACKHOLE},
	{"unreachable", FR_ACT_UNREACHABLE},
	{"prohibit", FR_ACT_PROHIBIT},
	{NULL, 0},
};

enum { FAMILY_IPV4 = 1, FAMILY_IPV6, FAMILY_BOTH };
static const struct netnsd_enum_name family_names[] = {
	{"ipv4", FAMILY_IPV4}, {"ipv6", FAMILY_IPV6}, {"both", FAMILY_BOTH}, {NULL, 0}};

#define AT(field) offsetof(struct rule_values, field)
static const struct conf_key rule_keys[] = {
	{.name = "Priority",
	 .type = NETNSD_KEY_UINT,
	 .offset = AT(priority),
	 .flags = NETNSD_KEY_REQUIRED,
	 .doc = "without one the kernel would invent it"},
	{.name = "From", .type = NETNSD_KEY_PREFIX, .offset = AT(from)},
	{.name = "To", .type = NETNSD_KEY_PREFIX, .offset = AT(to)},
	{.name = "TypeOfService", .type = NETNSD_KEY_UINT, .offset = AT(tos), .min = 0, .max = 255},
	{.name = "IncomingInterface", .type = NETNSD_KEY_STRING, .offset = AT(iif)},
	{.name = "OutgoingInterface", .type = NETNSD_KEY_STRING, .offset = AT(oif)},
	{.name = "InvertRule", .type = NETNSD_KEY_BOOL, .offset = AT(invert)},
	{.name = "Family", .type = NETNSD_KEY_ENUM, .offset = AT(family), .names = family_names},
	{.name = "Type", .type = NETNSD_KEY_ENUM, .offset = AT(type), .names = rule_type_names},
	{.name = "SuppressPrefixLength",
	 .type = NETNSD_KEY_INT,
	 .offset = AT(suppress_prefixlength),
	 .min = 0,
	 .max = 128},
	{.name = "SuppressInterfaceGroup",
	 .type = NETNSD_KEY_INT,
	 .offset = AT(suppress_ifgroup),
	 .min = 0,
	 .max = INT32_MAX},
	{.name = NULL},
};
#undef AT

/* --- keys of their own -------------------------------------------------------------------------------------
 */

/* "N" or "N SEPARATOR M". */
static bool parse_pair(const char *text, char separator, uint64_t max, uint64_t ret[2], bool *ret_second)
{
	_cleanup_free_ char *copy = strdup(text);
	char *second;

	if (!copy)
		return false;
	second = strchr(copy, separator);
	if (second)
		*second++ = '\0';
	if (parse_u64(copy, &ret[0]) < 0 || (second && parse_u64(second, &ret[1]) < 0))
		return false;
	if (!second)
		ret[1] = ret[0];
	*ret_second = second != NULL;
	return ret[0] <= max && ret[1] <= max;
}

static int set_table(struct conf_reader *r, const struct conf_assign *a)
{
	struct rule_values *v = r->data;

	v->table = 0;
	if (a->value[0])
		(void)conf_table_number(r, a, &v->table);
	return 0;
}

static int set_mark(struct conf_reader *r, const struct conf_assign *a)
{
	struct rule_values *v = r->data;
	uint64_t pair[2] = {0};
	bool mask;

	v->fwmark = v->fwmask = 0;
	if (!a->value[0])
		return 0;
	if (!parse_pair(a->value, '/', UINT32_MAX, pair, &mask) || (mask && pair[1] == 0)) {
		conf_error(r->c, r->o, r->s, a, "expected MARK or MARK/MASK such as 0x1/0xff, not \"%.48s\"",
			   a->value);
		return 0;
	}
	v->fwmark = (uint32_t)pair[0];
	v->fwmask = mask ? (uint32_t)pair[1] : UINT32_MAX;
	return 0;
}

static int set_port(struct conf_reader *r, const struct conf_assign *a, uint16_t ports[2])
{
	uint64_t pair[2] = {0};
	bool range;

	ports[0] = ports[1] = 0;
	if (!a->value[0])
		return 0;
	/* fib_rule_port_range_valid() takes no 65535 (Linux 6.18) */
	if (!parse_pair(a->value, '-', 65534, pair, &range) || pair[0] == 0 || pair[0] > pair[1])
		conf_error(r->c, r->o, r->s, a,
			   "expected a port from 1 to 65534 or a range such as 80-89, not \"%.48s\"",
			   a->value);
	else {
		ports[0] = (uint16_t)pair[0];
		ports[1] = (uint16_t)pair[1];
	}
	return 0;
}

static int set_source_port(struct conf_reader *r, const struct conf_assign *a)
{
	return set_port(r, a, ((struct rule_values *)r->data)->sport);
}

static int set_destination_port(struct conf_reader *r, const struct conf_assign *a)
{
	return set_port(r, a, ((struct rule_values *)r->data)->dport);
}

static int set_user(struct conf_reader *r, const struct conf_assign *a)
{
	struct rule_values *v = r->data;
	uint64_t pair[2] = {0};
	bool range;

	v->has_uid = false;
	if (!a->value[0])
		return 0;
	if (!parse_pair(a->value, '-', UINT32_MAX - 1, pair, &range) || pair[0] > pair[1]) {
		conf_error(r->c, r->o, r->s, a,
			   "expected the number of a user or a range such as 1000-1999, not \"%.48s\"",
			   a->value);
		return 0;
	}
	v->has_uid = true;
	v->uid[0] = (uint32_t)pair[0];
	v->uid[1] = (uint32_t)pair[1];
	return 0;
}

static int set_protocol(struct conf_reader *r, const struct conf_assign *a)
{
	/* Not getprotobyname(): the answer must not depend on the files of the machine. */
	static const struct netnsd_enum_name names[] = {
		{"icmp", IPPROTO_ICMP},	       {"igmp", IPPROTO_IGMP},	     {"tcp", IPPROTO_TCP},
		{"udp", IPPROTO_UDP},	       {"dccp", IPPROTO_DCCP},	     {"gre", IPPROTO_GRE},
		{"esp", IPPROTO_ESP},	       {"ah", IPPROTO_AH},	     {"sctp", IPPROTO_SCTP},
		{"ipv6-icmp", IPPROTO_ICMPV6}, {"udplite", IPPROTO_UDPLITE}, {NULL, 0}};
	struct rule_values *v = r->data;
	uint64_t number;

	v->ip_protocol = 0;
	for (const struct netnsd_enum_name *n = names; n->name; n++)
		if (str_equal(n->name, a->value))
			v->ip_protocol = (uint32_t)n->value;
	if (v->ip_protocol || !a->value[0])
		return 0;
	if (parse_u64(a->value, &number) < 0 || number < 1 || number > 255)
		conf_error(r->c, r->o, r->s, a,
			   "expected a protocol such as tcp, udp, sctp, icmp or a number from 1 to 255, not "
			   "\"%.32s\"",
			   a->value);
	else
		v->ip_protocol = (uint32_t)number;
	return 0;
}

static const struct conf_special rule_specials[] = {
	{"Table", set_table},
	{"FirewallMark", set_mark},
	{"SourcePort", set_source_port},
	{"DestinationPort", set_destination_port},
	{"User", set_user},
	{"IPProtocol", set_protocol},
	{NULL, NULL},
};

static const struct conf_refusal rule_refusals[] = {
	{"L3MasterDevice", "L3MasterDevice= is not part of this build"},
	{"GoTo", "GoTo= is not part of this build"},
	{"Protocol", "Protocol= is not taken: the protocol number marks the rules that are netnsd's"},
	{NULL, NULL},
};

/* --- rules
 * --------------------------------------------------------------------------------------------------- */

/* FAMILY_*; 0 after an error. */
static uint32_t rule_family(struct conf_reader *r, const struct rule_values *v)
{
	uint8_t from = v->from.ip.family, to = v->to.ip.family, either = from ?: to;
	uint32_t implied = either == AF_INET6 ? FAMILY_IPV6 : either == AF_INET ? FAMILY_IPV4 : 0;

	if (from && to && from != to) {
		conf_error(r->c, r->o, r->s, conf_find_assign(r->s, "To"),
			   "From= and To= must be of one family, both IPv4 or both IPv6");
		return 0;
	}
	if (v->family && implied && v->family != implied) {
		conf_error(r->c, r->o, r->s, conf_find_assign(r->s, "Family"),
			   "Family= contradicts the addresses in From= and To=");
		return 0;
	}
	return v->family ?: implied ?: FAMILY_IPV4;
}

static int add_rule(struct conf_reader *r, const struct rule *rule)
{
	struct netns *n = r->o->netns;
	struct rule *grown;

	if (n->n_rules >= CONF_ROUTES_MAX) {
		conf_error(r->c, r->o, r->s, NULL, "a file declares at most %d rules", CONF_ROUTES_MAX);
		return 0;
	}
	grown = conf_grow(n->rules, n->n_rules, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	n->rules = grown;
	grown[n->n_rules++] = *rule;
	return 0;
}

static void fill_rule(struct conf_reader *r, const struct rule_values *v, struct rule *rule)
{
	*rule = (struct rule){.priority = v->priority,
			      .action = conf_has(&r->tables[0], "Type") ? (uint8_t)v->type : FR_ACT_TO_TBL,
			      .invert = v->invert,
			      .tos = (uint8_t)v->tos,
			      .ip_protocol = (uint8_t)v->ip_protocol,
			      .fwmark = v->fwmark,
			      .fwmask = v->fwmask,
			      .sport = {v->sport[0], v->sport[1]},
			      .dport = {v->dport[0], v->dport[1]},
			      .has_uid = v->has_uid,
			      .uid = {v->uid[0], v->uid[1]},
			      .suppress_prefixlength = -1,
			      .suppress_ifgroup = -1};
	if (rule->action == FR_ACT_TO_TBL)
		rule->table = v->table ?: RT_TABLE_MAIN;
	else if (v->table)
		conf_error(r->c, r->o, r->s, conf_find_assign(r->s, "Table"),
			   "only a rule of Type=table has a table");
	if (conf_has(&r->tables[0], "SuppressPrefixLength"))
		rule->suppress_prefixlength = v->suppress_prefixlength;
	if (conf_has(&r->tables[0], "SuppressInterfaceGroup"))
		rule->suppress_ifgroup = v->suppress_ifgroup;
	if (v->iif)
		(void)conf_ifname(r, conf_find_assign(r->s, "IncomingInterface"), v->iif, rule->iif);
	if (v->oif)
		(void)conf_ifname(r, conf_find_assign(r->s, "OutgoingInterface"), v->oif, rule->oif);
}

static void set_rule_family(struct rule *rule, const struct rule_values *v, uint8_t family)
{
	rule->family = family;
	rule->from = rule->to = (struct netnsd_prefix){.ip = {.family = family}};
	if (v->from.ip.family)
		rule->from = prefix_masked(&v->from);
	if (v->to.ip.family)
		rule->to = prefix_masked(&v->to);
}

static int add_rules(struct conf_reader *r, const struct rule_values *v)
{
	size_t before = r->o->errors;
	uint32_t family = rule_family(r, v);
	struct rule rule;
	int e;

	fill_rule(r, v, &rule);
	if ((v->sport[0] || v->dport[0]) && v->ip_protocol == 0)
		conf_error(r->c, r->o, r->s, NULL, "ports need IPProtocol=, such as tcp or udp");
	if (v->tos & 3)
		conf_error(r->c, r->o, r->s, conf_find_assign(r->s, "TypeOfService"),
			   "expected a multiple of 4: the lowest two bits are those of ECN");
	/* The kernel's own rules stand at 0 (local), 32766 (main) and 32767 (default). */
	if (v->priority == 0)
		conf_error(r->c, r->o, r->s, conf_find_assign(r->s, "Priority"),
			   "expected a priority above 0, which is that of the kernel's own rule");
	rule.label = desired_intern(r->c->desired, r->s->label);
	if (!rule.label)
		return -ENOMEM;
	e = conf_origin(r->c, r->s->file, r->s->line, &rule.origin);
	if (e < 0 || r->o->errors > before)
		return e;
	if (family != FAMILY_IPV6) {
		set_rule_family(&rule, v, AF_INET);
		e = add_rule(r, &rule);
	}
	if (e == 0 && family != FAMILY_IPV4) {
		set_rule_family(&rule, v, AF_INET6);
		e = add_rule(r, &rule);
	}
	return e;
}

int conf_build_rule(struct conf_loader *c, struct conf_object *o, const struct conf_section *s)
{
	struct rule_values v = {.priority = 0};
	struct conf_reader r = {.c = c,
				.o = o,
				.s = s,
				.tables = {{.keys = rule_keys, .values = &v}},
				.n_tables = 1,
				.specials = rule_specials,
				.refusals = rule_refusals,
				.data = &v};
	size_t before = o->errors;
	int e = conf_read_section(&r);

	if (e == 0 && o->errors == before)
		e = add_rules(&r, &v);
	key_table_free(rule_keys, &v);
	return e;
}

/* --- neighbours
 * ------------------------------------------------------------------------------------------------- */

struct neighbor_values {
	struct netnsd_ip address;
	struct netnsd_mac lladdr;
	char *link;
};

static const struct conf_key neighbor_keys[] = {
	{.name = "Address",
	 .type = NETNSD_KEY_IP,
	 .offset = offsetof(struct neighbor_values, address),
	 .flags = NETNSD_KEY_REQUIRED,
	 .doc = "the neighbour's IP address"},
	{.name = "LinkLayerAddress",
	 .type = NETNSD_KEY_MAC,
	 .offset = offsetof(struct neighbor_values, lladdr),
	 .flags = NETNSD_KEY_REQUIRED,
	 .doc = "the neighbour's MAC address"},
	{.name = "Link",
	 .type = NETNSD_KEY_STRING,
	 .offset = offsetof(struct neighbor_values, link),
	 .flags = NETNSD_KEY_REQUIRED,
	 .doc = "the link the neighbour is reached by"},
	{.name = NULL},
};

static int add_neighbor(struct conf_reader *r, const struct neighbor_values *v)
{
	struct neighbor neighbor = {.address = v->address, .lladdr = v->lladdr}, *grown;
	struct netns *n = r->o->netns;
	int e;

	if (!conf_ifname(r, conf_find_assign(r->s, "Link"), v->link, neighbor.ifname))
		return 0;
	if (n->n_neighbors >= CONF_ROUTES_MAX) {
		conf_error(r->c, r->o, r->s, NULL, "a file declares at most %d neighbours", CONF_ROUTES_MAX);
		return 0;
	}
	neighbor.label = desired_intern(r->c->desired, r->s->label);
	e = conf_origin(r->c, r->s->file, r->s->line, &neighbor.origin);
	grown = conf_grow(n->neighbors, n->n_neighbors, sizeof(*grown));
	if (e < 0 || !neighbor.label || !grown) {
		if (grown)
			n->neighbors = grown;
		return -ENOMEM;
	}
	n->neighbors = grown;
	grown[n->n_neighbors++] = neighbor;
	return 0;
}

int conf_build_neighbor(struct conf_loader *c, struct conf_object *o, const struct conf_section *s)
{
	struct neighbor_values v = {.link = NULL};
	struct conf_reader r = {
		.c = c, .o = o, .s = s, .tables = {{.keys = neighbor_keys, .values = &v}}, .n_tables = 1};
	size_t before = o->errors;
	int e = conf_read_section(&r);

	if (e == 0 && o->errors == before)
		e = add_neighbor(&r, &v);
	key_table_free(neighbor_keys, &v);
	return e;
}
