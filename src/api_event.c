/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Replies of io.netnsd.Manager.Subscribe: a change, and what is there now, in the same shape. */
#include "api_internal.h"
#include "cleanup.h"
#include "event.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- bytes that are shared ------------------------------------------------------------------------ */

struct api_message *api_message_new(json_t *parameters)
{
	_cleanup_free_ char *text = varlink_notification(parameters);
	size_t length = text != NULL ? strlen(text) : 0;
	struct api_message *m = text != NULL ? malloc(sizeof(*m) + length + 1) : NULL;

	if (m == NULL)
		return NULL;
	m->references = 1;
	m->length = length;
	memcpy(m->text, text, length + 1);
	return m;
}

struct api_message *api_message_ref(struct api_message *m)
{
	m->references++;
	return m;
}

void api_message_unref(struct api_message *m)
{
	if (m != NULL && --m->references == 0)
		free(m);
}

/* --- a change -------------------------------------------------------------------------------------- */

static int put_event(json_t *o, const char *netns, enum event_object object, enum event_change change,
		     const char *cause, const char *ifname, const char *text)
{
	int r = 0;

	r |= api_put_text(o, "namespace", netns);
	r |= api_put_text(o, "object", event_object_to_string(object));
	r |= api_put_text(o, "change", event_change_to_string(change));
	r |= api_put_text(o, "cause", cause);
	r |= api_put_text(o, "interface", ifname != NULL && ifname[0] != '\0' ? ifname : NULL);
	r |= api_put_text(o, "text", text != NULL ? text : "");
	return r;
}

struct api_message *api_notice(const struct notice *n)
{
	json_t *o = json_object();
	int r = 0;

	r |= api_put_int(o, "sequence", (json_int_t)n->sequence);
	r |= api_put_int(o, "time", (json_int_t)n->time);
	r |= put_event(o, n->netns, n->object, n->change, event_cause_to_string(n->cause), n->ifname,
		       n->text);
	r |= api_put_text(o, "container", n->container);
	if (n->pid != 0)
		r |= api_put_int(o, "pid", n->pid);
	return api_message_new(api_built(o, r));
}

/* --- what is there --------------------------------------------------------------------------------- */

static int present(const char *netns, enum event_object object, const char *ifname, const char *text,
		   struct api_message **ret)
{
	json_t *o = json_object();
	int r = put_event(o, netns, object, EVENT_PRESENT, NULL, ifname, text);

	*ret = api_message_new(api_built(o, r));
	return *ret != NULL ? 0 : -ENOMEM;
}

int api_present_unit(const struct unit *u, struct api_message **ret)
{
	char text[UNIT_STATE_TEXT_SIZE];

	unit_state_text(u, text, sizeof(text));
	return present(u->name, EVENT_NAMESPACE, NULL, text, ret);
}

int api_present_container(const struct container *c, struct api_message **ret)
{
	const struct container_settings *s = api_container_settings(c);
	char text[CONTAINER_STATE_TEXT_SIZE];
	json_t *o = json_object();
	int r;

	container_state_text(c, text, sizeof(text));
	r = put_event(o, s != NULL ? s->netns : "", EVENT_CONTAINER, EVENT_PRESENT, NULL, NULL, text);
	r |= api_put_text(o, "container", c->name);
	*ret = api_message_new(api_built(o, r));
	return *ret != NULL ? 0 : -ENOMEM;
}

/* The event is a borrowed copy: what it owns is the tree's. False: there are fewer things. */
static bool thing_at(const struct actual *a, size_t at, struct event *ret)
{
	if (at < a->n_links) {
		*ret = (struct event){.object = EVENT_LINK, .link = a->links[at]};
		ret->ifindex = ret->link.ifindex;
		return true;
	}
	at -= a->n_links;
	if (at < a->n_addresses) {
		*ret = (struct event){.object = EVENT_ADDRESS, .address = a->addresses[at]};
		ret->ifindex = ret->address.ifindex;
		return true;
	}
	at -= a->n_addresses;
	if (at < a->n_routes) {
		*ret = (struct event){.object = EVENT_ROUTE, .route = a->routes[at]};
		ret->ifindex = ret->route.ifindex;
		return true;
	}
	at -= a->n_routes;
	if (at < a->n_rules) {
		*ret = (struct event){.object = EVENT_RULE, .rule = a->rules[at]};
		return true;
	}
	at -= a->n_rules;
	if (at < a->n_neighbors) {
		*ret = (struct event){.object = EVENT_NEIGHBOR, .neighbor = a->neighbors[at]};
		ret->ifindex = ret->neighbor.ifindex;
		return true;
	}
	return false;
}

int api_present_thing(const char *netns, const struct actual *a, size_t at, struct api_message **ret)
{
	_cleanup_free_ char *text = NULL;
	const struct actual_link *l;
	const char *ifname;
	struct event e;

	if (!thing_at(a, at, &e))
		return -ENOENT;
	l = e.ifindex > 0 ? actual_link_by_index(a, e.ifindex) : NULL;
	ifname = l != NULL ? l->name : "";
	text = event_to_string(&e, ifname);
	return text != NULL ? present(netns, e.object, ifname, text, ret) : -ENOMEM;
}
