/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tables: what is declared and what is there, to the lines of the plan. */
#include "netns.h"
#include "parse.h"
#include "reconcile.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const struct link_kind kind_veth = {.name = "veth", .section = "Veth", .flags = NETNSD_KIND_PAIR};
static const struct link_kind kind_macvlan = {
	.name = "macvlan", .section = "MACVLAN", .flags = NETNSD_KIND_PARENT};

/* One namespace "lab" and the host, both declared and there, changed by each test as it needs. */
struct scene {
	struct desired *desired;
	struct netns *lab;
	const struct netns *before;
	struct actual own, host;
	bool named, ours, exists, host_coming;
	struct plan *plan;
	struct error error;
	int result;
};

static int setup(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	assert_int_equal(desired_new(&s->desired), 0);
	if (!s->desired->host) {
		assert_int_equal(desired_add(s->desired, "host", &s->desired->host), 0);
		s->desired->host->host = true;
	}
	assert_int_equal(desired_add(s->desired, "lab", &s->lab), 0);
	s->lab->loopback = s->lab->autostart = true;
	*state = s;
	return 0;
}

static void actual_clear(struct actual *a)
{
	for (size_t i = 0; i < a->n_links; i++)
		actual_link_clear(&a->links[i]);
	free(a->links);
	free(a->addresses);
	free(a->routes);
	free(a->rules);
	free(a->neighbors);
}

static int teardown(void **state)
{
	struct scene *s = *state;

	plan_free(s->plan);
	desired_unref(s->desired);
	actual_clear(&s->own);
	actual_clear(&s->host);
	free(s);
	return 0;
}

static struct world_place place(const char *name, void *data)
{
	struct scene *s = data;

	if (strcmp(name, "host") == 0)
		return (struct world_place){.actual = &s->host};
	return (struct world_place){0};
}

static struct world_place place_lab(const char *name, void *data)
{
	struct scene *s = data;

	return (struct world_place){.actual = strcmp(name, "lab") == 0 ? &s->own : NULL};
}

static void compare(struct scene *s)
{
	struct reconcile_input in = {.desired = s->desired,
				     .netns = s->lab,
				     .before = s->before,
				     .own = s->exists ? &s->own : NULL,
				     .named = s->named,
				     .ours = s->ours,
				     .place = place,
				     .data = s};

	plan_free(s->plan);
	s->plan = NULL;
	s->result = reconcile(&in, &s->plan, &s->error);
}

/* Every line that is shown, joined by newlines. */
static void assert_plan(struct scene *s, const char *expected)
{
	struct strbuf text = {0};
	char *all;

	compare(s);
	if (s->result < 0)
		fail_msg("reconcile: %s", s->error.text);
	for (size_t i = 0; i < s->plan->n_actions; i++) {
		char *line = s->plan->actions[i].quiet ? NULL : action_to_string(&s->plan->actions[i]);

		if (line)
			strbuf_printf(&text, "%s\n", line);
		free(line);
	}
	all = strbuf_finish(&text);
	assert_string_equal(all, expected);
	free(all);
}

static void assert_nothing(struct scene *s)
{
	assert_plan(s, "");
	assert_int_equal(s->plan->n_actions, 0);
}

/* --- builders --------------------------------------------------------------------------------- */

static struct link *declare_veth(struct scene *s)
{
	struct link *l, *peer;

	assert_int_equal(link_new(s->lab, s->lab, &kind_veth, "eth0", &l), 0);
	assert_int_equal(link_new(s->desired->host, s->lab, &kind_veth, "ns-lab", &peer), 0);
	peer->is_peer = true;
	l->peer = peer;
	peer->peer = l;
	return l;
}

static void declare_address(struct link *l, const char *text)
{
	l->addresses = realloc(l->addresses, (l->n_addresses + 1) * sizeof(*l->addresses));
	l->addresses[l->n_addresses] = (struct address){.preferred = UINT32_MAX};
	assert_int_equal(parse_prefix(text, &l->addresses[l->n_addresses++].prefix), 0);
}

static struct actual_link *there(struct actual *a, int ifindex, const char *name, const char *kind)
{
	struct actual_link *l;

	a->links = realloc(a->links, (a->n_links + 1) * sizeof(*a->links));
	l = &a->links[a->n_links++];
	*l = (struct actual_link){.ifindex = ifindex,
				  .flags = IFF_UP,
				  .group = LINK_GROUP,
				  .link_nsid = -1,
				  .mac_length = 6,
				  .mtu = 1500};
	strcpy(l->name, name);
	strcpy(l->kind, kind);
	l->has_kind = kind[0] != '\0';
	return l;
}

static void there_loopback(struct scene *s)
{
	struct actual_link *lo = there(&s->own, 1, "lo", "");

	lo->flags |= IFF_LOOPBACK;
	lo->group = 0;
	s->exists = s->named = s->ours = true;
}

static struct actual_address *there_address(struct actual *a, int ifindex, const char *text)
{
	struct actual_address *r;

	a->addresses = realloc(a->addresses, (a->n_addresses + 1) * sizeof(*a->addresses));
	r = &a->addresses[a->n_addresses++];
	*r = (struct actual_address){.ifindex = ifindex, .protocol = ROUTE_PROTOCOL};
	r->address.preferred = UINT32_MAX;
	assert_int_equal(parse_prefix(text, &r->address.prefix), 0);
	return r;
}

static void there_veth(struct scene *s)
{
	there_loopback(s);
	there(&s->own, 2, "eth0", "veth")->parent = 10;
	there(&s->host, 10, "ns-lab", "veth")->parent = 2;
}

/* --- tests ------------------------------------------------------------------------------------ */

static void test_new_namespace(void **state)
{
	struct scene *s = *state;

	declare_address(declare_veth(s), "10.0.0.2/24");
	assert_plan(s, "+ lab: namespace (not there)\n"
		       "+ lab: veth eth0, peer ns-lab on host (not there)\n"
		       "+ lab: eth0: address 10.0.0.2/24 (not there)\n");
	assert_int_equal(s->plan->actions[0].type, ACTION_NETNS_CREATE);
	assert_int_equal(s->plan->actions[s->plan->n_actions - 1].type, ACTION_NETNS_NAME);
}

static void test_nothing_to_do(void **state)
{
	struct scene *s = *state;

	declare_address(declare_veth(s), "10.0.0.2/24");
	there_veth(s);
	there_address(&s->own, 2, "10.0.0.2/24");
	assert_nothing(s);
}

static void test_foreign_namespace(void **state)
{
	struct scene *s = *state;

	there_loopback(s);
	s->ours = false;
	compare(s);
	assert_int_equal(s->result, -EEXIST);
	assert_non_null(strstr(s->error.text, "Adopt=yes"));
	s->lab->adopt = true;
	assert_plan(s, "~ lab: namespace (Adopt=yes)\n");
}

static void test_name_lost(void **state)
{
	struct scene *s = *state;

	there_loopback(s);
	s->named = false;
	assert_plan(s, "+ lab: name (not there)\n");
}

static void test_foreign_link(void **state)
{
	struct scene *s = *state;

	declare_veth(s);
	there_veth(s);
	s->host.links[0].group = 0;
	compare(s);
	assert_int_equal(s->result, -EEXIST);
	assert_non_null(strstr(s->error.text, "ns-lab"));
}

static void test_pair_broken(void **state)
{
	struct scene *s = *state;

	declare_veth(s);
	there_veth(s);
	s->host.links[0].parent = 99;
	assert_plan(s,
		    "~ lab: veth eth0, peer ns-lab on host (made again: its peer is not ns-lab on host)\n");
	assert_int_equal(s->plan->actions[0].type, ACTION_LINK_REMOVE);
}

/* The other end is left over from a namespace that died with the daemon. */
static void test_stray_peer(void **state)
{
	struct scene *s = *state;

	declare_veth(s);
	there_loopback(s);
	there(&s->host, 10, "ns-lab", "veth")->parent = 2;
	assert_plan(s, "+ lab: veth eth0, peer ns-lab on host (not there)\n");
	assert_int_equal(s->plan->actions[0].type, ACTION_LINK_REMOVE);
	assert_int_equal(s->plan->actions[0].ifindex, 10);
}

static void test_kind_differs(void **state)
{
	struct scene *s = *state;

	declare_veth(s);
	there_veth(s);
	strcpy(s->own.links[1].kind, "macvlan");
	assert_plan(s, "~ lab: veth eth0, peer ns-lab on host (made again: is of kind macvlan)\n");
}

static void test_changes_in_place(void **state)
{
	struct scene *s = *state;
	struct link *l = declare_veth(s);

	l->mtu_set = true;
	l->mtu = 1400;
	l->mac_set = true;
	l->mac = (struct netnsd_mac){{2, 0, 0, 0, 0, 2}};
	l->alias = strdup("uplink");
	there_veth(s);
	s->own.links[1].flags = 0;
	assert_plan(s, "~ lab: eth0: MTUBytes 1500, declared 1400\n"
		       "~ lab: eth0: MACAddress 00:00:00:00:00:00, declared 02:00:00:00:00:02\n"
		       "~ lab: eth0: Alias \"\", declared \"uplink\"\n"
		       "~ lab: eth0: up (is down)\n");
}

static void test_unset_keys_are_not_compared(void **state)
{
	struct scene *s = *state;

	declare_veth(s);
	there_veth(s);
	s->own.links[1].mtu = 9000;
	s->own.links[1].mac[5] = 7;
	assert_nothing(s);
}

static void test_address_replaced(void **state)
{
	struct scene *s = *state;

	declare_address(declare_veth(s), "10.0.0.3/24");
	there_veth(s);
	there_address(&s->own, 2, "10.0.0.2/24");
	assert_plan(s, "+ lab: eth0: address 10.0.0.3/24 (not there)\n"
		       "- lab: eth0: address 10.0.0.2/24 (no longer declared)\n");
}

static void test_foreign_address_is_left(void **state)
{
	struct scene *s = *state;

	declare_veth(s);
	there_veth(s);
	there_address(&s->own, 2, "fe80::1/64")->protocol = 0;
	assert_nothing(s);
}

static void test_address_scope_differs(void **state)
{
	struct scene *s = *state;
	struct link *l = declare_veth(s);

	declare_address(l, "10.0.0.2/24");
	l->addresses[0].scope = RT_SCOPE_LINK;
	there_veth(s);
	there_address(&s->own, 2, "10.0.0.2/24");
	assert_plan(s, "~ lab: eth0: address 10.0.0.2/24 scope link (differs)\n");
}

/* The first of a subnet is what leaves: undo has to put the removed one before the others again. */
static void test_address_removed_before_younger(void **state)
{
	struct scene *s = *state;
	const struct action *a;

	declare_address(declare_veth(s), "10.0.0.3/24");
	there_veth(s);
	there_address(&s->own, 2, "10.0.0.2/24");
	there_address(&s->own, 2, "10.9.0.2/24");
	there_address(&s->own, 2, "10.0.0.3/24");
	there_address(&s->own, 2, "10.0.0.4/24")->protocol = 0;
	assert_plan(s, "- lab: eth0: address 10.0.0.2/24 (no longer declared)\n"
		       "- lab: eth0: address 10.9.0.2/24 (no longer declared)\n");
	a = &s->plan->actions[0];
	assert_true(a->promote);
	assert_int_equal(a->n_younger, 1);
	assert_ptr_equal(a->younger[0], &s->own.addresses[2].address);
	assert_int_equal(s->plan->actions[1].n_younger, 0);
}

static void test_address_label(void **state)
{
	struct scene *s = *state;
	struct link *l = declare_veth(s);

	declare_address(l, "10.0.0.2/24");
	there_veth(s);
	strcpy(there_address(&s->own, 2, "10.0.0.2/24")->address.label, "eth0:a");
	assert_plan(s, "~ lab: eth0: address 10.0.0.2/24 (differs)\n");
	strcpy(l->addresses[0].label, "eth0:a");
	assert_nothing(s);
	strcpy(l->addresses[0].label, "eth0");
	s->own.addresses[0].address.label[0] = '\0';
	assert_nothing(s);
}

static void test_undeclared_link(void **state)
{
	struct scene *s = *state;

	there_veth(s);
	assert_plan(s, "- lab: veth eth0 (no longer declared)\n");
}

/* What has links made on it does not become a port: they go first. */
static void test_undeclared_link_on_a_port(void **state)
{
	struct scene *s = *state;
	struct link *l = declare_veth(s);

	there_veth(s);
	there(&s->own, 3, "br0", "bridge")->group = 0;
	there(&s->own, 4, "m0", "macvlan")->parent = 2;
	strcpy(l->master, "br0");
	assert_plan(s, "- lab: macvlan m0 (no longer declared)\n"
		       "~ lab: eth0: master none, declared br0\n");
	assert_int_equal(s->plan->actions[0].stage, STAGE_LINKS);
	assert_int_equal(s->plan->actions[1].stage, STAGE_CONFIGURE);
}

/* And the other way round: no longer a port, and then links are made on it. */
static void test_link_on_what_was_a_port(void **state)
{
	struct scene *s = *state;
	struct desired *before;
	struct netns *old;
	struct link *m;

	declare_veth(s);
	assert_int_equal(desired_new(&before), 0);
	assert_int_equal(desired_add(before, "lab", &old), 0);
	assert_int_equal(link_new(old, old, &kind_macvlan, "eth0", &m), 0);
	strcpy(m->master, "br0");
	s->before = old;
	there_veth(s);
	there(&s->own, 3, "br0", "bridge")->group = 0;
	s->own.links[1].master = 3;
	assert_int_equal(link_new(s->lab, s->lab, &kind_macvlan, "m0", &m), 0);
	strcpy(m->parent, "eth0");
	assert_plan(s, "~ lab: eth0: master br0, declared none\n"
		       "+ lab: macvlan m0 on eth0 (not there)\n");
	assert_int_equal(s->plan->actions[0].stage, STAGE_LINKS);
	s->before = NULL;
	desired_unref(before);
}

/* Of some kinds the kernel has no second of the same: the old one goes before the new one comes. */
static void test_undeclared_link_of_the_kind(void **state)
{
	struct scene *s = *state;
	struct link *l;

	assert_int_equal(link_new(s->lab, s->lab, &kind_macvlan, "m0", &l), 0);
	strcpy(l->parent, "br0");
	there_loopback(s);
	there(&s->own, 3, "br0", "bridge")->group = 0;
	there(&s->own, 4, "m0x", "macvlan")->parent = 3;
	assert_plan(s, "- lab: macvlan m0x (no longer declared)\n"
		       "+ lab: macvlan m0 on br0 (not there)\n");
	assert_int_equal(s->plan->actions[0].stage, STAGE_LINKS);
}

/* A bridge that somebody renamed keeps the alternative name that the new one needs. */
static void test_undeclared_link_has_the_name(void **state)
{
	struct scene *s = *state;
	struct link *l = declare_veth(s);
	char *names[] = {"uplink", NULL};

	there_veth(s);
	there(&s->own, 3, "br0x", "bridge")->altnames = names;
	l->altnames = names;
	assert_plan(s, "- lab: bridge br0x (no longer declared)\n"
		       "+ lab: eth0: alternative name uplink (not there)\n");
	assert_int_equal(s->plan->actions[0].stage, STAGE_LINKS);
	l->altnames = s->own.links[2].altnames = NULL;
}

static void test_loopback_down(void **state)
{
	struct scene *s = *state;
	struct netns before = {.name = "lab", .loopback = true};

	there_loopback(s);
	s->lab->loopback = false;
	assert_nothing(s); /* somebody else's doing */
	s->before = &before;
	assert_plan(s, "~ lab: lo: down (is up)\n");
	before.loopback = false;
	assert_nothing(s);
}

/* Both ends undeclared, both namespaces declared: exactly one plan removes the pair. */
static void test_undeclared_pair(void **state)
{
	struct scene *s = *state;
	struct reconcile_input in = {.desired = s->desired,
				     .netns = s->desired->host,
				     .own = &s->host,
				     .named = true,
				     .place = place_lab,
				     .data = s};

	there_veth(s);
	s->own.links[1].link_nsid = s->host.links[0].link_nsid = 0;
	assert_plan(s, "- lab: veth eth0 (no longer declared)\n");
	plan_free(s->plan);
	s->plan = NULL;
	assert_int_equal(reconcile(&in, &s->plan, &s->error), 0);
	assert_int_equal(s->plan->n_actions, 0);
}

static void test_master_comes_later(void **state)
{
	struct scene *s = *state;
	struct link *l = declare_veth(s);

	strcpy(l->peer->master, "br-lan");
	l->peer->master_key = "bridge";
	assert_plan(s, "+ lab: namespace (not there)\n"
		       "+ lab: veth eth0, peer ns-lab on host (not there)\n");
	assert_int_equal(strv_length(s->plan->waits_for), 1);
	assert_non_null(strstr(s->plan->waits_for[0], "br-lan"));

	there_veth(s);
	there(&s->host, 20, "br-lan", "bridge")->group = 0;
	assert_plan(s, "~ host: ns-lab: master none, declared br-lan\n");
	assert_int_equal(strv_length(s->plan->waits_for), 0);
	s->host.links[0].master = 20;
	assert_nothing(s);
}

static void test_parent_comes_later(void **state)
{
	struct scene *s = *state;
	struct link *l;

	assert_int_equal(link_new(s->lab, s->lab, &kind_macvlan, "lan0", &l), 0);
	strcpy(l->parent, "eno1");
	l->parent_on_host = true;
	declare_address(l, "10.0.0.2/24");
	there_loopback(s);
	assert_nothing(s);
	assert_int_equal(strv_length(s->plan->waits_for), 1);

	there(&s->host, 3, "eno1", "")->group = 0;
	assert_plan(
		s, "+ lab: macvlan lan0 on eno1 (not there)\n+ lab: lan0: address 10.0.0.2/24 (not there)\n");
}

static void declare_default(struct scene *s, const char *gateway)
{
	struct route *r;

	s->lab->routes = calloc(1, sizeof(*s->lab->routes));
	s->lab->n_routes = 1;
	r = s->lab->routes;
	*r = (struct route){.family = AF_INET, .type = RTN_UNICAST, .table = RT_TABLE_MAIN};
	r->destination.ip.family = AF_INET;
	assert_int_equal(parse_ip(gateway, &r->gateway), 0);
	strcpy(r->ifname, "eth0");
}

static void there_default(struct scene *s, const char *gateway)
{
	s->own.routes = calloc(1, sizeof(*s->own.routes));
	s->own.n_routes = 1;
	s->own.routes[0] =
		(struct actual_route){.ifindex = 2, .protocol = ROUTE_PROTOCOL, .route = s->lab->routes[0]};
	assert_int_equal(parse_ip(gateway, &s->own.routes[0].route.gateway), 0);
}

static void test_route(void **state)
{
	struct scene *s = *state;

	declare_veth(s);
	declare_default(s, "10.0.0.1");
	there_veth(s);
	assert_plan(s, "+ lab: route default via 10.0.0.1 dev eth0 (not there)\n");
	there_default(s, "10.0.0.1");
	assert_nothing(s);
	assert_int_equal(parse_ip("10.0.0.9", &s->own.routes[0].route.gateway), 0);
	assert_plan(s, "~ lab: route default via 10.0.0.1 dev eth0 (differs)\n");
	assert_int_equal(parse_ip("10.0.0.1", &s->own.routes[0].route.gateway), 0);
	s->own.routes[0].route.set = ROUTE_SET_MTU | ROUTE_SET_SCOPE;
	s->own.routes[0].route.mtu = 1300;
	assert_plan(s, "~ lab: route default via 10.0.0.1 dev eth0 (differs)\n");
	assert_int_equal(parse_ip("10.0.0.9", &s->own.routes[0].route.gateway), 0);
	s->own.routes[0].route.set = 0;
	s->lab->n_routes = 0;
	assert_plan(s, "- lab: route default via 10.0.0.9 dev eth0 (no longer declared)\n");
	s->lab->n_routes = 1;
}

/* The kernel drops the routes of a link that goes; the plan knows. */
static void test_route_goes_with_its_link(void **state)
{
	struct scene *s = *state;

	declare_veth(s);
	declare_default(s, "10.0.0.1");
	there_veth(s);
	there_default(s, "10.0.0.1");
	s->host.links[0].parent = 99;
	assert_plan(s, "~ lab: veth eth0, peer ns-lab on host (made again: its peer is not ns-lab on host)\n"
		       "+ lab: route default via 10.0.0.1 dev eth0 (not there)\n");
}

static void test_sysctls(void **state)
{
	struct scene *s = *state;
	char *values[1] = {"32768\t60999\n"};

	s->lab->sysctls = calloc(1, sizeof(*s->lab->sysctls));
	s->lab->n_sysctls = 1;
	s->lab->sysctls[0].path = strdup("net/ipv4/ip_local_port_range");
	s->lab->sysctls[0].value = strdup("32768 60999");
	there_loopback(s);
	s->own.sysctls = values;
	s->own.n_sysctls = 1;
	assert_nothing(s);
	values[0] = "32768\t61000\n";
	assert_plan(s, "~ lab: sysctl net/ipv4/ip_local_port_range 32768\t61000, declared 32768 60999\n");
	s->own.n_sysctls = 0;
}

static void test_resolv(void **state)
{
	struct scene *s = *state;

	assert_int_equal(strv_push(&s->lab->dns, "10.0.0.1"), 0);
	there_loopback(s);
	assert_plan(s, "+ lab: /etc/netns/lab/resolv.conf (not there)\n");
	s->own.resolv = "nameserver 9.9.9.9\n";
	compare(s);
	assert_int_equal(s->result, -EEXIST);
	s->own.resolv_ours = true;
	assert_plan(s, "~ lab: /etc/netns/lab/resolv.conf (differs)\n");
}

static void test_removal(void **state)
{
	struct scene *s = *state;
	struct actual_link *nic;

	there_veth(s);
	nic = there(&s->own, 7, "eno2", "");
	nic->group = 0;
	assert_int_equal(reconcile_removal("lab", &s->own, false, true, true, &s->plan), 0);
	assert_int_equal(s->plan->n_actions, 3);
	assert_int_equal(s->plan->actions[0].type, ACTION_LINK_TO_HOST);
	assert_string_equal(s->plan->actions[0].ifname, "eno2");
	assert_int_equal(s->plan->actions[1].type, ACTION_NETNS_UNNAME);
	assert_int_equal(s->plan->actions[2].type, ACTION_LINKS_FLUSH);
	plan_free(s->plan);
	assert_int_equal(reconcile_removal("lab", &s->own, false, true, false, &s->plan), 0);
	assert_int_equal(s->plan->n_actions, 2);
	plan_free(s->plan);
	assert_int_equal(reconcile_removal("lab", &s->own, true, true, false, &s->plan), 0);
	assert_int_equal(s->plan->n_actions, 1);
	assert_int_equal(s->plan->actions[0].type, ACTION_LINKS_FLUSH);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_new_namespace),
		TEST(test_nothing_to_do),
		TEST(test_foreign_namespace),
		TEST(test_name_lost),
		TEST(test_foreign_link),
		TEST(test_pair_broken),
		TEST(test_stray_peer),
		TEST(test_kind_differs),
		TEST(test_changes_in_place),
		TEST(test_unset_keys_are_not_compared),
		TEST(test_address_replaced),
		TEST(test_foreign_address_is_left),
		TEST(test_address_removed_before_younger),
		TEST(test_address_label),
		TEST(test_address_scope_differs),
		TEST(test_undeclared_link),
		TEST(test_undeclared_link_on_a_port),
		TEST(test_link_on_what_was_a_port),
		TEST(test_undeclared_link_of_the_kind),
		TEST(test_undeclared_link_has_the_name),
		TEST(test_loopback_down),
		TEST(test_undeclared_pair),
		TEST(test_master_comes_later),
		TEST(test_parent_comes_later),
		TEST(test_route),
		TEST(test_route_goes_with_its_link),
		TEST(test_sysctls),
		TEST(test_resolv),
		TEST(test_removal),
	};

	return cmocka_run_group_tests_name("reconcile", tests, NULL, NULL);
}
