/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Link messages to values. What a kind keeps in IFLA_INFO_DATA is copied whole: only the kind's own
 * key table knows what it means.
 */
#include "actual.h"
#include "actual_attr.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

/* <linux/if.h> has these, but does not go together with <net/if.h>. */
#define ALTNAME_SIZE 128
#define ALIAS_SIZE   256
#define ALTNAMES_MAX 256

static int parse_altnames(const struct nlattr *list, struct actual_link *l)
{
	const struct nlattr *a;
	int rest;

	attr_for_each(a, nla_data(list), nla_len(list), rest)
	{
		char name[ALTNAME_SIZE];
		int e;

		if (nla_type(a) != IFLA_ALT_IFNAME)
			continue;
		e = attr_string(a, name, sizeof(name));
		if (e == 0 && strv_length(l->altnames) < ALTNAMES_MAX)
			e = strv_push(&l->altnames, name);
		if (e < 0)
			return e;
	}
	return attr_end(rest);
}

static int parse_linkinfo(const struct nlattr *info, struct actual_link *l)
{
	const struct nlattr *a;
	int rest, e = 0;

	attr_for_each(a, nla_data(info), nla_len(info), rest)
	{
		switch (nla_type(a)) {
		case IFLA_INFO_KIND:
			e = attr_string(a, l->kind, sizeof(l->kind));
			l->has_kind = l->kind[0] != '\0';
			break;
		case IFLA_INFO_DATA:
			if (l->info_data)
				return -EINVAL;
			l->info_data = malloc((size_t)NLA_ALIGN(a->nla_len));
			if (!l->info_data)
				return -ENOMEM;
			memset((char *)l->info_data + a->nla_len, 0,
			       (size_t)(NLA_ALIGN(a->nla_len) - a->nla_len));
			memcpy(l->info_data, a, a->nla_len);
			break;
		default: break;
		}
		if (e < 0)
			return e;
	}
	return attr_end(rest);
}

static int parse_af_inet6(const struct nlattr *inet6, struct actual_link *l)
{
	const struct nlattr *a;
	int rest;

	attr_for_each(a, nla_data(inet6), nla_len(inet6), rest)
	{
		if (nla_type(a) == IFLA_INET6_ADDR_GEN_MODE && attr_u8(a, &l->addr_gen_mode) < 0)
			return -EINVAL;
	}
	return attr_end(rest);
}

static int parse_af_spec(const struct nlattr *spec, struct actual_link *l)
{
	const struct nlattr *a;
	int rest;

	attr_for_each(a, nla_data(spec), nla_len(spec), rest)
	{
		if (nla_type(a) == AF_INET6 && parse_af_inet6(a, l) < 0)
			return -EINVAL;
	}
	return attr_end(rest);
}

static int parse_statistics(const struct nlattr *a, struct actual_link *l)
{
	struct rtnl_link_stats64 s = {0};

	/* The structure grows at its end. */
	if ((size_t)nla_len(a) < offsetof(struct rtnl_link_stats64, rx_errors))
		return -EINVAL;
	memcpy(&s, nla_data(a), offsetof(struct rtnl_link_stats64, rx_errors));
	l->rx_packets = s.rx_packets;
	l->tx_packets = s.tx_packets;
	l->rx_bytes = s.rx_bytes;
	l->tx_bytes = s.tx_bytes;
	return 0;
}

static int parse_hardware_address(const struct nlattr *a, uint8_t bytes[32], uint8_t *ret_length)
{
	if (nla_len(a) > 32)
		return -EINVAL;
	memcpy(bytes, nla_data(a), (size_t)nla_len(a));
	*ret_length = (uint8_t)nla_len(a);
	return 0;
}

static int parse_alias(const struct nlattr *a, struct actual_link *l)
{
	char alias[ALIAS_SIZE];

	if (attr_string(a, alias, sizeof(alias)) < 0)
		return -EINVAL;
	return str_replace(&l->alias, alias);
}

static int parse_link_attr(const struct nlattr *a, struct actual_link *l)
{
	switch (nla_type(a)) {
	case IFLA_IFNAME: return attr_string(a, l->name, sizeof(l->name));
	case IFLA_MTU: return attr_u32(a, &l->mtu);
	case IFLA_GROUP: return attr_u32(a, &l->group);
	case IFLA_OPERSTATE: return attr_u8(a, &l->operstate);
	case IFLA_ADDRESS: return parse_hardware_address(a, l->mac, &l->mac_length);
	case IFLA_PERM_ADDRESS: {
		uint8_t unused[32];

		return parse_hardware_address(a, unused, &l->perm_mac_length);
	}
	case IFLA_MASTER: return attr_ifindex(a, &l->master);
	case IFLA_LINK: return attr_ifindex(a, &l->parent);
	case IFLA_LINK_NETNSID: return attr_fixed(a, &l->link_nsid, sizeof(l->link_nsid));
	case IFLA_PARENT_DEV_NAME: l->has_device = true; return 0;
	case IFLA_IFALIAS: return parse_alias(a, l);
	case IFLA_LINKINFO: return parse_linkinfo(a, l);
	case IFLA_PROP_LIST: return parse_altnames(a, l);
	case IFLA_AF_SPEC: return parse_af_spec(a, l);
	case IFLA_STATS64: return parse_statistics(a, l);
	default: return 0;
	}
}

int actual_parse_link(const struct nlmsghdr *h, struct actual_link *ret)
{
	struct actual_link l = {.link_nsid = -1, .addr_gen_mode = 255};
	const struct nlattr *a;
	struct ifinfomsg ifi;
	int rest, e;

	e = attr_header(h, &ifi, sizeof(ifi));
	if (e < 0)
		return e;
	if (ifi.ifi_family != AF_UNSPEC)
		return -ENOMSG; /* AF_BRIDGE: the port's view of a link that is reported elsewhere */
	l.ifindex = ifi.ifi_index;
	l.flags = ifi.ifi_flags;
	attr_for_each(a, nlmsg_attrdata(h, sizeof(ifi)), nlmsg_attrlen(h, sizeof(ifi)), rest)
	{
		e = parse_link_attr(a, &l);
		if (e < 0)
			break;
	}
	if (e == 0)
		e = attr_end(rest);
	if (e == 0 && (l.ifindex <= 0 || !l.name[0]))
		e = -EINVAL;
	if (e < 0) {
		actual_link_clear(&l);
		return e;
	}
	*ret = l;
	return 0;
}

void actual_link_clear(struct actual_link *l)
{
	free(l->alias);
	strv_free(l->altnames);
	free(l->info_data);
	l->alias = NULL;
	l->altnames = NULL;
	l->info_data = NULL;
}
