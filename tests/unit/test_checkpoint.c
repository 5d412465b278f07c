/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Checkpoints as text: the state both ways, and what of the kernel's is kept beside the old files. */
#include "checkpoint.h"

#include "netns.h"
#include "parse.h"

#include <errno.h>
#include <linux/if_link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* --- the state --------------------------------------------------------------------------------- */

static void test_state(void **state)
{
	static const struct checkpoint rows[] = {
		{.state = CHECKPOINT_APPLYING, .atomic = true, .boot_id = "b"},
		{.state = CHECKPOINT_WAITING, .span = 1000000, .deadline = 77, .boot_id = "b"},
		{.state = CHECKPOINT_ROLLED_BACK, .reason = "An apply failed", .boot_id = "b"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct checkpoint c = {0};
		char *text = checkpoint_print(&rows[i]);

		assert_int_equal(checkpoint_parse(text, strlen(text), &c), 0);
		assert_int_equal(c.state, rows[i].state);
		assert_int_equal(c.atomic, rows[i].atomic);
		assert_int_equal(c.span, rows[i].span);
		assert_int_equal(c.deadline, rows[i].deadline);
		assert_string_equal(c.boot_id, rows[i].boot_id);
		assert_string_equal(c.reason, rows[i].reason);
		free(text);
	}
}

static void test_bad_state(void **state)
{
	static const char *const rows[] = {
		"",
		"x",
		"[Checkpoint]\n",
		"[Checkpoint]\nVersion=1\n",
		"[Checkpoint]\nState=applying\n",
		"[Checkpoint]\nVersion=2\nState=applying\n",
		"[Checkpoint]\nVersion=1\nState=other\n",
		"[Checkpoint]\nVersion=1\nState=none\n",
		"[Checkpoint x]\nVersion=1\nState=applying\n",
		"[Other]\nVersion=1\nState=applying\n",
		"[Checkpoint]\nVersion=1\nState=applying\nSpanUSec=-1\n",
		"[Checkpoint]\nVersion=1\nState=applying\nSpanUSec=86400000001\n",
		"[Checkpoint]\nVersion=1\nState=applying\nAtomic=perhaps\n",
		"[Checkpoint]\nVersion=1\nState=waiting\nBootID=b\n",
		"[Checkpoint]\nVersion=1\nState=waiting\nDeadlineUSec=5\n",
		"[Checkpoint]\nVersion=1\nState=applying\nBootID=0123456789012345678901234567890123456789\n",
		"[Checkpoint]\nVersion=1\nState=applying\nno assignment\n",
	};
	static const char later[] = "[Checkpoint]\nVersion=1\nState=applying\nLater=x\n";
	struct checkpoint c = {.span = 5};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (checkpoint_parse(rows[i], strlen(rows[i]), &c) != -EINVAL)
			fail_msg("taken: %s", rows[i]);
	assert_int_equal(c.span, 5); /* untouched */
	assert_int_equal(checkpoint_parse(later, strlen(later), &c), 0);
}

/* --- what the kernel had ------------------------------------------------------------------------- */

struct bridge_config {
	uint32_t ageing, stp, fixed;
};

static const struct conf_key bridge_keys[] = {
	{.name = "AgeingTimeSec", .type = NETNSD_KEY_CSEC, .offset = offsetof(struct bridge_config, ageing)},
	{.name = "STP",
	 .type = NETNSD_KEY_BOOL,
	 .wire = NETNSD_WIRE_U32,
	 .attr = 5,
	 .offset = offsetof(struct bridge_config, stp)},
	{.name = NULL},
};

static uint64_t bridge_read(const struct nlattr *data, void *config)
{
	(void)data;
	((struct bridge_config *)config)->ageing = 30000;
	return 1;
}

static const struct link_kind bridge = {.name = "bridge",
					.section = "Bridge",
					.config_size = sizeof(struct bridge_config),
					.keys = bridge_keys,
					.read = bridge_read};
static const struct link_kind veth = {.name = "veth", .section = "Veth", .flags = NETNSD_KIND_PAIR};
static const struct link_kind macvlan = {
	.name = "macvlan", .section = "MACVLAN", .flags = NETNSD_KIND_NEEDS_PARENT | NETNSD_KIND_PARENT};

struct scene {
	struct desired *old, *new;
	struct netns *was, *is;
	struct link *l, *n; /* of each, of the kind under test */
	struct actual own, host;
	char *text;
};

static const struct actual *view(const char *name, void *data)
{
	struct scene *s = data;

	return strcmp(name, "lab") == 0 ? &s->own : &s->host;
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
				  .mac = {2, 0, 0, 0, 0, (uint8_t)ifindex},
				  .mac_length = 6,
				  .mtu = 1500};
	strcpy(l->name, name);
	strcpy(l->kind, kind);
	return l;
}

static struct netns *declare(struct desired **d, const struct link_kind *kind, struct link **ret)
{
	struct netns *n;
	struct link *peer;

	assert_int_equal(desired_new(d), 0);
	assert_int_equal(desired_add(*d, "host", &(*d)->host), 0);
	(*d)->host->host = true;
	assert_int_equal(desired_add(*d, "lab", &n), 0);
	assert_int_equal(link_new(n, n, kind, "eth0", ret), 0);
	if (kind->flags & NETNSD_KIND_PAIR)
		assert_int_equal(link_new_peer(*ret, (*d)->host, "ns-lab", &peer), 0);
	return n;
}

static void begin(struct scene *s, const struct link_kind *kind)
{
	*s = (struct scene){0};
	s->was = declare(&s->old, kind, &s->l);
	s->is = declare(&s->new, kind, &s->n);
	there(&s->own, 2, "eth0", kind->name);
}

static void expect(struct scene *s, const struct netns *new, const char *text)
{
	free(s->text);
	s->text = NULL;
	assert_int_equal(checkpoint_restore_text(s->was, new, view, s, &s->text), 0);
	assert_string_equal(s->text, text);
}

static void end(struct scene *s)
{
	for (size_t i = 0; i < s->own.n_links; i++)
		free(s->own.links[i].info_data);
	for (size_t i = 0; i < s->own.n_sysctls; i++)
		free(s->own.sysctls[i]);
	free(s->own.sysctls);
	free(s->own.links);
	free(s->own.addresses);
	free(s->host.links);
	free(s->text);
	desired_unref(s->old);
	desired_unref(s->new);
}

static void test_ends_of_a_pair(void **state)
{
	struct scene s;

	(void)state;
	begin(&s, &veth);
	there(&s.host, 9, "ns-lab", "veth")->mtu = 1400;
	expect(&s, s.is,
	       "[Namespace]\n[Veth eth0]\nMACAddress=02:00:00:00:00:02\nMTUBytes=1500\n"
	       "PeerMACAddress=02:00:00:00:00:09\nPeerMTUBytes=1400\n");
	/* What the file says is not said again. */
	s.l->mac_set = s.l->mtu_set = s.l->peer->mac_set = s.l->peer->mtu_set = true;
	expect(&s, s.is, "[Namespace]\n[Veth eth0]\n");
	expect(&s, NULL, "[Namespace]\n[Veth eth0]\n");
	/* Somebody else's, and one of another kind. */
	s.l->mtu_set = false;
	s.own.links[0].group = 0;
	expect(&s, s.is, "[Namespace]\n");
	s.own.links[0].group = LINK_GROUP;
	strcpy(s.own.links[0].kind, "bridge");
	expect(&s, s.is, "[Namespace]\n");
	end(&s);
}

static void test_borrowed_address(void **state)
{
	struct scene s;

	(void)state;
	begin(&s, &macvlan);
	there(&s.own, 3, "eth9", "");
	s.l->mtu_set = true;
	s.own.links[0].parent = 3;
	expect(&s, s.is, "[Namespace]\n[MACVLAN eth0]\nMACAddress=02:00:00:00:00:02\n");
	s.own.links[1].mac[5] = 2; /* as a vlan, or passthru, has its parent's */
	expect(&s, s.is, "[Namespace]\n[MACVLAN eth0]\n");
	end(&s);
}

static void test_link_settings(void **state)
{
	static char clean[] = "50% up", dirty[] = "a\nb", blank[] = "a ", joined[] = "a\\";
	struct scene s;

	(void)state;
	begin(&s, &veth);
	s.l->mac_set = s.l->mtu_set = true;
	s.l->activation = ACTIVATION_MANUAL;
	s.own.links[0].addr_gen_mode = IN6_ADDR_GEN_MODE_NONE;
	s.own.links[0].alias = clean;
	expect(&s, s.is,
	       "[Namespace]\n[Veth eth0]\nActivationPolicy=up\nLinkLocalAddressing=no\nAlias=50%% up\n");
	s.own.links[0].flags = 0;
	s.own.links[0].addr_gen_mode = 0;
	s.own.links[0].alias = dirty;
	expect(&s, NULL, "[Namespace]\n[Veth eth0]\nActivationPolicy=down\n");
	s.n->activation = ACTIVATION_MANUAL;
	s.own.links[0].alias = blank;
	expect(&s, s.is, "[Namespace]\n[Veth eth0]\n");
	s.own.links[0].alias = joined;
	expect(&s, s.is, "[Namespace]\n[Veth eth0]\n");
	s.own.links[0].alias = NULL;
	end(&s);
}

/* Keys that only the new file sets, as the kernel has them, from the table and from read(). */
static void test_kind_keys(void **state)
{
	struct scene s;
	struct nlattr *data;

	(void)state;
	begin(&s, &bridge);
	s.l->mac_set = s.l->mtu_set = true;
	data = calloc(1, 64);
	data->nla_len = NLA_HDRLEN + NLA_HDRLEN + 4;
	((struct nlattr *)nla_data(data))->nla_len = NLA_HDRLEN + 4;
	((struct nlattr *)nla_data(data))->nla_type = 5;
	*(uint32_t *)nla_data(nla_data(data)) = 1;
	s.own.links[0].info_data = data;
	expect(&s, s.is, "[Namespace]\n[Bridge eth0]\n");
	s.n->kind_set = 3;
	expect(&s, s.is, "[Namespace]\n[Bridge eth0]\nAgeingTimeSec=5min\nSTP=yes\n");
	s.l->kind_set = 1;
	expect(&s, s.is, "[Namespace]\n[Bridge eth0]\nSTP=yes\n");
	s.l->kind_set = 3;
	expect(&s, s.is, "[Namespace]\n[Bridge eth0]\n");
	end(&s);
}

static void add_sysctl(struct netns *n, const char *path, const char *value)
{
	n->sysctls = realloc(n->sysctls, (n->n_sysctls + 1) * sizeof(*n->sysctls));
	n->sysctls[n->n_sysctls++] = (struct sysctl){.path = strdup(path), .value = strdup(value)};
}

static void test_sysctls(void **state)
{
	struct scene s;

	(void)state;
	begin(&s, &veth);
	s.l->mac_set = s.l->mtu_set = true;
	add_sysctl(s.was, "net/ipv4/conf/all/forwarding", "0");
	add_sysctl(s.is, "net/ipv4/ip_forward", "1"); /* the same by another name */
	add_sysctl(s.is, "net/ipv4/tcp_rmem", "1 2 3");
	add_sysctl(s.is, "net/ipv4/unknown", "1");
	s.n->accept_ra_set = true;
	s.own.sysctls = calloc(4, sizeof(char *));
	s.own.n_sysctls = 4;
	s.own.sysctls[0] = strdup("0");
	s.own.sysctls[1] = strdup("4096\t131072\t6291456");
	s.own.sysctls[3] = strdup("1");
	expect(&s, s.is,
	       "[Namespace]\nSysctl=net/ipv4/tcp_rmem=4096\t131072\t6291456\n"
	       "Sysctl=net/ipv6/conf/eth0/accept_ra=1\n[Veth eth0]\n");
	expect(&s, NULL, "[Namespace]\n[Veth eth0]\n");
	s.was->implicit = true;
	expect(&s, NULL, "[Namespace]\nHost=yes\n[Veth eth0]\n");
	end(&s);
}

/* --- addresses ------------------------------------------------------------------------------------- */

static void declare_address(struct link *l, const char *text)
{
	l->addresses = realloc(l->addresses, (l->n_addresses + 1) * sizeof(*l->addresses));
	l->addresses[l->n_addresses] = (struct address){.preferred = UINT32_MAX};
	assert_int_equal(parse_prefix(text, &l->addresses[l->n_addresses++].prefix), 0);
}

static void there_address(struct actual *a, const char *text)
{
	a->addresses = realloc(a->addresses, (a->n_addresses + 1) * sizeof(*a->addresses));
	a->addresses[a->n_addresses] = (struct actual_address){.ifindex = 2};
	assert_int_equal(parse_prefix(text, &a->addresses[a->n_addresses++].address.prefix), 0);
}

static void test_addresses(void **state)
{
	struct scene s;
	char *text;

	(void)state;
	begin(&s, &veth);
	declare_address(s.l, "10.0.0.1/24");
	declare_address(s.l, "10.0.0.2/24");
	declare_address(s.l, "10.0.0.3/24");
	there_address(&s.own, "10.0.0.3/24");
	there_address(&s.own, "10.0.0.9/24");
	there_address(&s.own, "10.0.0.1/24");
	text = checkpoint_addresses_text(s.old, view, &s);
	assert_string_equal(text, "lab/eth0 10.0.0.3/24\nlab/eth0 10.0.0.1/24\nlab/eth0 10.0.0.2/24\n");
	checkpoint_order_addresses(s.old, text);
	free(text);
	text = checkpoint_addresses_text(s.old, view, &s);
	assert_int_equal(s.l->addresses[0].prefix.ip.bytes[3], 3);
	assert_int_equal(s.l->addresses[1].prefix.ip.bytes[3], 1);
	assert_int_equal(s.l->addresses[2].prefix.ip.bytes[3], 2);
	free(text);
	text = strdup(
		"x\nlab/none 10.0.0.1/24\nlab/eth0 nonsense\nother/eth0 10.0.0.1/24\nlab/eth0 10.0.0.2/24");
	checkpoint_order_addresses(s.old, text);
	assert_int_equal(s.l->addresses[0].prefix.ip.bytes[3], 2);
	assert_int_equal(s.l->addresses[2].prefix.ip.bytes[3], 1);
	free(text);
	end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_state),	       cmocka_unit_test(test_bad_state),
		cmocka_unit_test(test_ends_of_a_pair), cmocka_unit_test(test_borrowed_address),
		cmocka_unit_test(test_link_settings),  cmocka_unit_test(test_kind_keys),
		cmocka_unit_test(test_sysctls),	       cmocka_unit_test(test_addresses),
	};

	return cmocka_run_group_tests_name("checkpoint", tests, NULL, NULL);
}
