/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Desired against actual, the namespace itself: existence, name, sysctls, DNS file; the parts for
 * links, addresses and routes are in reconcile_link.c, reconcile_address.c, reconcile_route.c. */
#include "reconcile_internal.h"

#include "cleanup.h"
#include "parse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const struct actual *reconcile_actual(const struct reconcile *r, const struct netns *place)
{
	if (reconcile_is_own(r, place))
		return r->in->own;
	return r->in->place(place->name, r->in->data).actual;
}

static bool contains(const struct link *const *set, size_t n, const struct link *l)
{
	for (size_t i = 0; i < n; i++)
		if (set[i] == l)
			return true;
	return false;
}

bool reconcile_is_made(const struct reconcile *r, const struct link *l)
{
	return contains(r->made, r->n_made, l);
}

bool reconcile_is_held(const struct reconcile *r, const struct link *l)
{
	return contains(r->held, r->n_held, l);
}

int reconcile_wait(struct reconcile *r, const char *what, const char *name, const char *place)
{
	_cleanup_(strbuf_free) struct strbuf text = {0};

	strbuf_printf(&text, place ? "%s %s in %s" : "%s %s", what, name, place);
	if (text.failed)
		return -ENOMEM;
	if (strv_contains(r->plan->waits_for, text.data))
		return 0;
	return strv_push(&r->plan->waits_for, text.data);
}

int netns_resolv(const struct netns *n, char **ret)
{
	struct strbuf text = {0};

	if (strv_length(n->dns) == 0 && strv_length(n->domains) == 0) {
		*ret = NULL;
		return 0;
	}
	strbuf_puts(&text, NETNS_FILE_MARK "\n");
	for (char **s = n->dns; s && *s; s++)
		strbuf_printf(&text, "nameserver %s\n", *s);
	if (strv_length(n->domains) > 0) {
		strbuf_puts(&text, "search");
		for (char **s = n->domains; *s; s++)
			strbuf_printf(&text, " %s", *s);
		strbuf_puts(&text, "\n");
	}
	*ret = strbuf_finish(&text);
	return *ret ? 0 : -ENOMEM;
}

/* --- the namespace ---------------------------------------------------------------------------- */

static int plan_existence(struct reconcile *r)
{
	const struct netns *n = r->in->netns;
	struct action *a;

	if (n->host)
		return 0;
	if (r->in->own && r->in->ours)
		return 0;
	if (r->in->own && !n->adopt)
		return error_set(
			r->err, -EEXIST,
			"namespace %s exists already and is not netnsd's; Adopt=yes takes it over as it is",
			n->name);
	a = plan_add(r->plan, r->in->own ? ACTION_NETNS_ADOPT : ACTION_NETNS_CREATE, STAGE_CREATE,
		     r->in->own ? SIGN_CHANGE : SIGN_CREATE, n->name);
	if (!a)
		return -ENOMEM;
	a->text = "namespace";
	a->reason = r->in->own ? "Adopt=yes" : "not there";
	return 0;
}

static int plan_name(struct reconcile *r)
{
	const struct netns *n = r->in->netns;
	struct action *a;

	if (n->host || r->in->named)
		return 0;
	a = plan_add(r->plan, ACTION_NETNS_NAME, STAGE_ROUTES, SIGN_CREATE, n->name);
	if (!a)
		return -ENOMEM;
	a->quiet = !r->in->own;
	a->text = "name";
	a->reason = "not there";
	return 0;
}

static int plan_loopback_down(struct reconcile *r)
{
	struct action *a = plan_add(r->plan, ACTION_LINK_SET, STAGE_CREATE, SIGN_CHANGE, r->in->netns->name);

	if (!a)
		return -ENOMEM;
	strcpy(a->ifname, "lo");
	a->ifindex = 1;
	a->values.change = LINK_CHANGE_DOWN;
	a->old_values.change = LINK_CHANGE_UP;
	a->text = "lo: down";
	a->reason = "is up";
	return 0;
}

static int plan_loopback(struct reconcile *r)
{
	const struct netns *n = r->in->netns;
	const struct actual_link *lo;
	struct action *a;

	if (n->host || n->adopt)
		return 0;
	lo = r->in->own ? actual_find_link(r->in->own, "lo") : NULL;
	if (!n->loopback) /* only what we set up before is taken back */
		return lo && (lo->flags & IFF_UP) && r->in->before && r->in->before->loopback
			       ? plan_loopback_down(r)
			       : 0;
	if (lo && (lo->flags & IFF_UP))
		return 0;
	a = plan_add(r->plan, ACTION_LINK_SET, STAGE_CREATE, SIGN_CHANGE, n->name);
	if (!a)
		return -ENOMEM;
	a->quiet = !r->in->own;
	strcpy(a->ifname, "lo");
	a->ifindex = 1; /* the loopback of every namespace since Linux 2.6.24 */
	a->values.change = LINK_CHANGE_UP;
	a->old_values.change = LINK_CHANGE_DOWN;
	a->text = "lo: up";
	a->reason = "is down";
	return 0;
}

/* --- sysctls ---------------------------------------------------------------------------------- */

static int add_sysctl(struct sysctl *s, const char *value, const char *format, const char *ifname)
{
	_cleanup_(strbuf_free) struct strbuf path = {0};

	strbuf_printf(&path, "net/ipv6/conf/%s/%s", ifname, format);
	s->path = strbuf_finish(&path);
	s->value = strdup(value);
	return s->path && s->value ? 0 : -ENOMEM;
}

void netns_sysctls_free(struct sysctl *s, size_t n)
{
	for (size_t i = 0; s && i < n; i++) {
		free(s[i].path);
		free(s[i].value);
	}
	free(s);
}

int netns_sysctls(const struct netns *n, struct sysctl **ret, size_t *ret_n)
{
	struct sysctl *all = calloc(n->n_sysctls + n->n_links + 1, sizeof(*all));
	const struct link *l;
	size_t used = 0;
	int r = all ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < n->n_sysctls; i++, used++) {
		all[used].path = strdup(n->sysctls[i].path);
		all[used].value = strdup(n->sysctls[i].value);
		r = all[used].path && all[used].value ? 0 : -ENOMEM;
	}
	DL_FOREACH (n->links, l)
		if (r == 0 && l->accept_ra_set) /* 2: also while forwarding, as networkd does it */
			r = add_sysctl(&all[used++], l->accept_ra ? "2" : "0", "accept_ra", l->name);
	if (r < 0) {
		netns_sysctls_free(all, used + 1);
		return r;
	}
	*ret = all;
	*ret_n = used;
	return 0;
}

/* The kernel prints what was written in its own way: numbers in decimal, tabs between them. */
static bool sysctl_value_equal(const char *a, const char *b)
{
	char *end_a, *end_b;

	for (;;) {
		long long x, y;

		a += strspn(a, " \t\n");
		b += strspn(b, " \t\n");
		if (!*a || !*b)
			return *a == *b;
		x = strtoll(a, &end_a, 0);
		y = strtoll(b, &end_b, 0);
		if (end_a != a && end_b != b && strchr(" \t\n", *end_a) && strchr(" \t\n", *end_b)) {
			if (x != y)
				return false;
			a = end_a;
			b = end_b;
			continue;
		}
		if (strcspn(a, " \t\n") != strcspn(b, " \t\n") || strncmp(a, b, strcspn(a, " \t\n")) != 0)
			return false;
		a += strcspn(a, " \t\n");
		b += strcspn(b, " \t\n");
	}
}

/* "net/ipv4/conf/eth0/..." needs eth0; "all" and "default" are always there. */
static bool sysctl_needs_link(const struct netns *n, const char *path)
{
	static const char *const trees[] = {"net/ipv4/conf/", "net/ipv6/conf/", "net/ipv4/neigh/",
					    "net/ipv6/neigh/", "net/mpls/conf/"};
	char name[IFNAMSIZ];

	for (size_t i = 0; i < sizeof(trees) / sizeof(*trees); i++) {
		const char *rest = path + strlen(trees[i]);

		if (!str_starts_with(path, trees[i]) || strcspn(rest, "/") >= sizeof(name))
			continue;
		memcpy(name, rest, strcspn(rest, "/"));
		name[strcspn(rest, "/")] = '\0';
		return netns_find_link(n, name) != NULL;
	}
	return false;
}

static int plan_sysctl(struct reconcile *r, const struct sysctl *s, const char *now)
{
	const struct netns *n = r->in->netns;
	enum plan_stage stage = sysctl_needs_link(n, s->path) ? STAGE_CONFIGURE : STAGE_CREATE;
	struct action *a;

	if (now && sysctl_value_equal(now, s->value))
		return 0;
	a = plan_add(r->plan, ACTION_SYSCTL_SET, stage, r->in->own ? SIGN_CHANGE : SIGN_CREATE, n->name);
	if (!a)
		return -ENOMEM;
	a->name = plan_own(r->plan, strdup(s->path));
	a->value = plan_own(r->plan, strdup(s->value));
	a->old_value = now;
	if (now)
		a->text = plan_printf(r->plan, "sysctl %s %.*s, declared %s", s->path,
				      (int)strcspn(now, "\n"), now, s->value);
	else
		a->text = plan_printf(r->plan, "sysctl %s = %s", s->path, s->value);
	return a->name && a->value && a->text ? 0 : -ENOMEM;
}

static int plan_sysctls(struct reconcile *r)
{
	const struct actual *own = r->in->own;
	struct sysctl *all;
	size_t n;
	int ret = netns_sysctls(r->in->netns, &all, &n);

	if (ret < 0)
		return ret;
	for (size_t i = 0; ret == 0 && i < n; i++)
		ret = plan_sysctl(r, &all[i], own && i < own->n_sysctls ? own->sysctls[i] : NULL);
	netns_sysctls_free(all, n);
	return ret;
}

/* --- /etc/netns/NAME/resolv.conf --------------------------------------------------------------- */

static int plan_resolv(struct reconcile *r, const char *now, bool now_ours)
{
	const char *name = r->in->netns->name, *wanted;
	struct action *a;
	char *text;
	int ret = netns_resolv(r->in->netns, &text);

	if (ret < 0)
		return ret;
	wanted = plan_own(r->plan, text);
	if (text && !wanted)
		return -ENOMEM;
	if (wanted && now && !now_ours)
		return error_set(r->err, -EEXIST,
				 "/etc/netns/%s/resolv.conf is not netnsd's; move it away, or remove DNS= "
				 "and Domains=",
				 name);
	if (wanted ? str_equal(wanted, now) : !now || !now_ours)
		return 0;
	a = plan_add(r->plan, wanted ? ACTION_RESOLV_WRITE : ACTION_RESOLV_REMOVE,
		     wanted ? STAGE_ROUTES : STAGE_REMOVE,
		     !wanted ? SIGN_REMOVE
		     : now   ? SIGN_CHANGE
			     : SIGN_CREATE,
		     name);
	if (!a)
		return -ENOMEM;
	a->name = wanted;
	a->old_value = now;
	a->text = plan_printf(r->plan, "/etc/netns/%s/resolv.conf", name);
	a->reason = !wanted ? "no longer declared" : now ? "differs" : "not there";
	return a->text ? 0 : -ENOMEM;
}

/* --- all of it -------------------------------------------------------------------------------- */

static int reconcile_all(struct reconcile *r)
{
	const struct actual *own = r->in->own;
	int ret;

	(void)((ret = plan_existence(r)) < 0 || (ret = plan_loopback(r)) < 0 || (ret = plan_sysctls(r)) < 0 ||
	       (ret = reconcile_undeclared_links(r, true)) < 0 || (ret = reconcile_links(r)) < 0 ||
	       (ret = reconcile_routes(r)) < 0 || (ret = reconcile_rules(r)) < 0 ||
	       (ret = reconcile_neighbors(r)) < 0 ||
	       (ret = r->in->netns->host
			      ? 0
			      : plan_resolv(r, own ? own->resolv : NULL, own && own->resolv_ours)) < 0 ||
	       (ret = plan_name(r)) < 0 || (ret = reconcile_undeclared_links(r, false)) < 0);
	return ret;
}

int reconcile(const struct reconcile_input *in, struct plan **ret, struct error *err)
{
	struct error ignored;
	struct reconcile r = {.in = in, .err = err ? err : &ignored};
	size_t n = in->netns->n_links;
	int result = plan_new(in->netns->name, in->netns, &r.plan);

	if (result < 0)
		return error_set(r.err, result, "out of memory");
	r.err->code = 0;
	r.made = calloc(2 * n + 1, sizeof(*r.made)); /* with the peer ends */
	r.held = calloc(2 * n + 1, sizeof(*r.held));
	result = r.made && r.held ? reconcile_all(&r) : -ENOMEM;
	free(r.made);
	free(r.held);
	if (result < 0) {
		plan_free(r.plan);
		return r.err->code ? result : error_set(r.err, result, "out of memory");
	}
	plan_sort(r.plan);
	*ret = r.plan;
	return 0;
}

/* --- removal ---------------------------------------------------------------------------------- */

static int plan_links_to_host(struct plan *p, const struct actual *own)
{
	for (size_t i = 0; i < own->n_links; i++) {
		const struct actual_link *l = &own->links[i];
		struct action *a;

		if (l->has_kind || (l->flags & IFF_LOOPBACK) || l->group == LINK_GROUP)
			continue;
		a = plan_add(p, ACTION_LINK_TO_HOST, STAGE_CREATE, SIGN_CHANGE, p->name);
		if (!a)
			return -ENOMEM;
		strcpy(a->ifname, l->name);
		a->ifindex = l->ifindex;
		a->text = plan_printf(p, "link %s goes back to the host", l->name);
		if (!a->text)
			return -ENOMEM;
	}
	return 0;
}

static int plan_links_flush(struct plan *p, const struct actual *own, bool quiet)
{
	struct action *a;

	for (size_t i = 0; i < own->n_links; i++) {
		if (own->links[i].group != LINK_GROUP)
			continue;
		a = plan_add(p, ACTION_LINKS_FLUSH, STAGE_CONFIGURE, SIGN_REMOVE, p->name);
		if (!a)
			return -ENOMEM;
		a->quiet = quiet;
		a->text = "links made by netnsd";
		return 0;
	}
	return 0;
}

/* An adopted namespace stays: besides the links, what else in it is ours, as if its file declared nothing. */
static int plan_adopted_rest(struct plan *p, const struct actual *own)
{
	struct netns nothing = {.name = (char *)p->name, .adopt = true};
	struct reconcile_input in = {.netns = &nothing, .own = own, .named = true, .ours = true};
	struct error ignored;
	struct reconcile r = {.in = &in, .plan = p, .err = &ignored};
	int ret;

	(void)((ret = reconcile_routes(&r)) < 0 || (ret = reconcile_rules(&r)) < 0 ||
	       (ret = reconcile_neighbors(&r)) < 0 ||
	       (ret = plan_resolv(&r, own->resolv, own->resolv_ours)) < 0);
	return ret;
}

/* A physical link and the DNS file leave before the name goes, so that a crash between the two loses
 * neither: without the name nobody would look for them; the name goes before our links, so that a name that
 * cannot be removed leaves everything as it was. */
static int plan_removal(struct plan *p, const struct actual *own, bool adopted, bool named, bool flush)
{
	struct action *a;
	int ret = 0;

	if (own && !adopted)
		ret = plan_links_to_host(p, own);
	if (ret == 0 && own && (adopted || flush))
		ret = plan_links_flush(p, own, !adopted);
	if (ret == 0 && own && adopted)
		ret = plan_adopted_rest(p, own);
	if (ret < 0 || adopted)
		return ret;
	if (own && own->resolv_ours && !plan_add(p, ACTION_RESOLV_REMOVE, STAGE_LINKS, SIGN_REMOVE, p->name))
		return -ENOMEM;
	if (p->n_actions && p->actions[p->n_actions - 1].type == ACTION_RESOLV_REMOVE) {
		p->actions[p->n_actions - 1].quiet = true;
		p->actions[p->n_actions - 1].text = "resolv.conf";
		p->actions[p->n_actions - 1].old_value = own->resolv;
	}
	a = plan_add(p, ACTION_NETNS_UNNAME, STAGE_LINKS, SIGN_REMOVE, p->name);
	if (!a)
		return -ENOMEM;
	a->text = "namespace";
	a->quiet = !named && !own;
	return 0;
}

int reconcile_removal(const char *name, const struct actual *own, bool adopted, bool named, bool flush,
		      struct plan **ret)
{
	struct plan *p;
	int result = plan_new(name, NULL, &p);

	if (result < 0)
		return result;
	result = plan_removal(p, own, adopted, named, flush);
	if (result < 0) {
		plan_free(p);
		return result;
	}
	plan_sort(p);
	*ret = p;
	return 0;
}
