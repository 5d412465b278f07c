/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The decoders of rtnetlink messages. The input is a row of messages as one recvmsg() would bring
 * them; each is copied into memory of exactly its size, so that the sanitizer sees one byte too
 * many. What a decoder accepts must also survive printing and being made into a request.
 */
#include "actual.h"
#include "request.h"

#include <linux/rtnetlink.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_link(const struct nlmsghdr *h)
{
	struct actual_link l;

	if (actual_parse_link(h, &l) < 0)
		return;
	check(l.ifindex > 0 && l.name[0] && memchr(l.name, '\0', sizeof(l.name)));
	check(memchr(l.kind, '\0', sizeof(l.kind)) && l.has_kind == (l.kind[0] != '\0'));
	check(l.mac_length <= sizeof(l.mac) && l.master >= 0 && l.parent >= 0);
	if (l.info_data) {
		const struct nlattr *a;
		int rest;

		nla_for_each_nested(a, l.info_data, rest) check(nla_len(a) >= 0);
	}
	actual_link_clear(&l);
}

static void check_text(char *text)
{
	check(text && text[0]);
	free(text);
}

static void check_address(const struct nlmsghdr *h)
{
	struct actual_address a, again;
	struct nl_msg *msg;

	if (actual_parse_address(h, &a) < 0)
		return;
	check(a.ifindex > 0 && a.address.prefix.length <= 128);
	check_text(address_to_string(&a.address));
	check(request_address(&a.address, a.ifindex, true, true, &msg) == 0);
	check(actual_parse_address(nlmsg_hdr(msg), &again) == 0 && address_equal(&a.address, &again.address));
	nlmsg_free(msg);
}

static void check_route(const struct nlmsghdr *h)
{
	struct actual_route r;
	struct nl_msg *msg;
	int e;

	if (actual_parse_route(h, &r) < 0)
		return;
	check(r.route.destination.ip.family == r.route.family && r.ifindex >= 0);
	check(r.route.n_nexthops == 0 || (r.route.nexthops && r.nexthop_ifindex && r.ifindex == 0));
	check_text(route_to_string(&r.route));
	e = request_route(&r.route, r.ifindex, r.nexthop_ifindex, true, false, &msg);
	if (e == 0) {
		struct actual_route again;

		check(actual_parse_route(nlmsg_hdr(msg), &again) == 0);
		check(again.route.n_nexthops == r.route.n_nexthops && again.ifindex == r.ifindex);
		actual_route_clear(&again);
		nlmsg_free(msg);
	}
	actual_route_clear(&r);
}

static void check_rule(const struct nlmsghdr *h)
{
	struct actual_rule r, again;
	struct nl_msg *msg;

	if (actual_parse_rule(h, &r) < 0)
		return;
	check_text(rule_to_string(&r.rule));
	check(request_rule(&r.rule, true, &msg) == 0);
	check(actual_parse_rule(nlmsg_hdr(msg), &again) == 0 && again.rule.priority == r.rule.priority);
	nlmsg_free(msg);
}

static void check_neighbor(const struct nlmsghdr *h)
{
	struct actual_neighbor n, again;
	struct nl_msg *msg;

	if (actual_parse_neighbor(h, &n) < 0)
		return;
	check_text(neighbor_to_string(&n.neighbor));
	check(request_neighbor(&n.neighbor, n.ifindex, true, &msg) == 0);
	check(actual_parse_neighbor(nlmsg_hdr(msg), &again) == 0 && again.ifindex == n.ifindex);
	check(memcmp(&again.neighbor.lladdr, &n.neighbor.lladdr, sizeof(n.neighbor.lladdr)) == 0);
	nlmsg_free(msg);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const checks[])(const struct nlmsghdr *h) = {check_link, check_address, check_route,
								   check_neighbor, check_rule};

	while (size >= NLMSG_HDRLEN) {
		struct nlmsghdr head, *h;
		size_t length;

		memcpy(&head, data, sizeof(head));
		if (head.nlmsg_len < NLMSG_HDRLEN || head.nlmsg_len > size)
			head.nlmsg_len = (uint32_t)size;
		length = head.nlmsg_len;
		h = malloc(length);
		if (!h)
			return 0;
		memcpy(h, data, length);
		h->nlmsg_len = (uint32_t)length;
		/* Types come in fours: link 16, address 20, route 24, neighbour 28, rule 32. */
		checks[(head.nlmsg_type / 4 + 1) % 5](h);
		free(h);
		length = NLMSG_ALIGN(length) < size ? NLMSG_ALIGN(length) : size;
		data += length;
		size -= length;
	}
	return 0;
}
