/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Events as people read them. Names of links are the kernel's and may hold any byte but a few: a line
 * is escaped whole when it is not clean text.
 */
#include "event.h"
#include "parse.h"

#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *event_object_to_string(enum event_object o)
{
	static const char *const names[EVENT_OBJECT_COUNT] = {
		[EVENT_LINK] = "link",	   [EVENT_ADDRESS] = "address",	    [EVENT_ROUTE] = "route",
		[EVENT_RULE] = "rule",	   [EVENT_NEIGHBOR] = "neighbor",   [EVENT_SYSCTL] = "sysctl",
		[EVENT_NAME] = "name",	   [EVENT_NAMESPACE] = "namespace", [EVENT_DRIFT] = "drift",
		[EVENT_REPAIR] = "repair", [EVENT_CONTAINER] = "container",
	};

	return o < EVENT_OBJECT_COUNT ? names[o] : "unknown";
}

const char *event_change_to_string(enum event_change c)
{
	static const char *const names[] = {"present", "set", "removed"};

	return c <= EVENT_REMOVED ? names[c] : "unknown";
}

const char *event_cause_to_string(enum event_cause c)
{
	return c == CAUSE_OURS ? "ours" : "foreign";
}

/* As ip(8) calls a link whose name it does not know. */
static void put_ifname(struct strbuf *out, int ifindex, const char *ifname)
{
	if (ifname[0])
		strbuf_puts(out, ifname);
	else
		strbuf_printf(out, "if%d", ifindex);
}

static void put_link_state(struct strbuf *out, const struct actual_link *l)
{
	strbuf_puts(out, l->flags & IFF_UP ? ", up" : ", down");
	if (l->flags & IFF_UP && !(l->flags & IFF_RUNNING))
		strbuf_puts(out, ", no carrier");
}

static void put_link(struct strbuf *out, const struct actual_link *l, bool gone)
{
	strbuf_printf(out, "link %s (%s", l->name,
		      l->has_kind		? l->kind
		      : l->flags & IFF_LOOPBACK ? "loopback"
						: "physical");
	if (!gone) {
		strbuf_printf(out, ", mtu %u", l->mtu);
		put_link_state(out, l);
		if (l->mac_length > 0)
			strbuf_puts(out, ", mac ");
		for (uint8_t i = 0; i < l->mac_length; i++)
			strbuf_printf(out, "%s%02x", i > 0 ? ":" : "", l->mac[i]);
		if (l->master > 0)
			strbuf_printf(out, ", master if%d", l->master);
	}
	strbuf_puts(out, ")");
}

/* `text` is freed; NULL, no memory, fails the whole. */
static void put_owned(struct strbuf *out, char *text)
{
	if (text)
		strbuf_puts(out, text);
	else
		out->failed = true;
	free(text);
}

static void put_address(struct strbuf *out, const struct event *e, const char *ifname)
{
	struct address a = e->address.address;

	if (strcmp(a.label, ifname) == 0)
		a.label[0] = '\0'; /* what it is when none was given */
	strbuf_puts(out, "address ");
	put_owned(out, address_to_string(&a));
	strbuf_puts(out, " on ");
	put_ifname(out, e->ifindex, ifname);
	if (e->change != EVENT_REMOVED && e->address.flags & IFA_F_DADFAILED)
		strbuf_puts(out, " (duplicate)");
	else if (e->change != EVENT_REMOVED && e->address.flags & IFA_F_TENTATIVE)
		strbuf_puts(out, " (tentative)");
}

static void put_route(struct strbuf *out, const struct event *e, const char *ifname)
{
	struct route r = e->route.route;

	if (e->ifindex > 0 && ifname[0])
		(void)snprintf(r.ifname, sizeof(r.ifname), "%s", ifname);
	else if (e->ifindex > 0)
		(void)snprintf(r.ifname, sizeof(r.ifname), "if%d", e->ifindex);
	strbuf_puts(out, "route ");
	put_owned(out, route_to_string(&r));
}

static const char *neighbor_state(uint16_t state)
{
	static const char *const names[] = {"incomplete", "reachable", "stale", "delay",
					    "probe",	  "failed",    "noarp", "permanent"};

	for (unsigned i = 0; i < 8; i++)
		if (state & 1U << i)
			return names[i];
	return "none";
}

static void put_neighbor(struct strbuf *out, const struct event *e, const char *ifname)
{
	const struct neighbor *n = &e->neighbor.neighbor;
	char text[FORMAT_MAX];

	strbuf_printf(out, "neighbor %s on ", format_ip(&n->address, text));
	put_ifname(out, e->ifindex, ifname);
	if (e->neighbor.has_lladdr)
		strbuf_printf(out, " lladdr %s", format_mac(&n->lladdr, text));
	if (e->change != EVENT_REMOVED)
		strbuf_printf(out, " (%s)", neighbor_state(e->neighbor.state));
}

static void put_sysctl(struct strbuf *out, const struct event *e, const char *ifname)
{
	const struct event_sysctl *s = &e->sysctl;
	const bool inet6 = s->family == AF_INET6;
	static const char *const names[] = {
		[SYSCTL_FORWARDING] = "forwarding",
		[SYSCTL_RP_FILTER] = "rp_filter",
		[SYSCTL_MC_FORWARDING] = "mc_forwarding",
		[SYSCTL_PROXY_NEIGH] = "proxy_arp",
		[SYSCTL_IGNORE_LINKDOWN] = "ignore_routes_with_linkdown",
		[SYSCTL_BC_FORWARDING] = "bc_forwarding",
	};

	strbuf_printf(out, "sysctl net.%s.conf.", inet6 ? "ipv6" : "ipv4");
	if (s->of_all || s->of_default)
		strbuf_puts(out, s->of_all ? "all" : "default");
	else
		put_ifname(out, e->ifindex, ifname);
	for (unsigned i = 0; i < SYSCTL_VALUE_COUNT; i++)
		if (s->set & 1U << i)
			strbuf_printf(out, " %s=%d",
				      i == SYSCTL_PROXY_NEIGH && inet6 ? "proxy_ndp" : names[i], s->value[i]);
}

char *event_to_string(const struct event *e, const char *ifname)
{
	struct strbuf out = {0};
	char *text, *escaped;

	switch (e->object) {
	case EVENT_LINK: put_link(&out, &e->link, e->change == EVENT_REMOVED); break;
	case EVENT_ADDRESS: put_address(&out, e, ifname); break;
	case EVENT_ROUTE: put_route(&out, e, ifname); break;
	case EVENT_RULE:
		strbuf_puts(&out, "rule ");
		put_owned(&out, rule_to_string(&e->rule.rule));
		break;
	case EVENT_NEIGHBOR: put_neighbor(&out, e, ifname); break;
	case EVENT_SYSCTL: put_sysctl(&out, e, ifname); break;
	default: strbuf_puts(&out, event_object_to_string(e->object)); break;
	}
	text = strbuf_finish(&out);
	if (!text || text_is_clean(text, strlen(text)))
		return text;
	escaped = str_escape(text, strlen(text));
	free(text);
	return escaped;
}
