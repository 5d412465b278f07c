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
	if (n->pid != 0)
		r |= api_put_int(o, "pid", n->pid);
	return api_message_new(api_built(o, r));
}

/* --- what is there --------------------------------------------------------------------------------- */

struct present {
	const char *netns;
	const struct actual *actual;
	int (*take)(struct api_message *m, void *data);
	void *data;
};

static int take_event(const struct present *p, enum event_object object, const char *ifname, const char *text)
{
	json_t *o = json_object();
	int r = put_event(o, p->netns, object, EVENT_PRESENT, NULL, ifname, text);
	struct api_message *m = api_message_new(api_built(o, r));

	return m != NULL ? p->take(m, p->data) : -ENOMEM;
}

static int take(const struct present *p, const struct event *e)
{
	const struct actual_link *l = e->ifindex > 0 ? actual_link_by_index(p->actual, e->ifindex) : NULL;
	const char *ifname = l != NULL ? l->name : "";
	_cleanup_free_ char *text = event_to_string(e, ifname);

	return text != NULL ? take_event(p, e->object, ifname, text) : -ENOMEM;
}

/* The events are borrowed copies: what they own is the tree's. */
static int take_links(const struct present *p)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < p->actual->n_links; i++)
		r = take(p, &(struct event){.object = EVENT_LINK,
					    .ifindex = p->actual->links[i].ifindex,
					    .link = p->actual->links[i]});
	return r;
}

static int take_addresses(const struct present *p)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < p->actual->n_addresses; i++)
		r = take(p, &(struct event){.object = EVENT_ADDRESS,
					    .ifindex = p->actual->addresses[i].ifindex,
					    .address = p->actual->addresses[i]});
	return r;
}

static int take_routes(const struct present *p)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < p->actual->n_routes; i++)
		r = take(p, &(struct event){.object = EVENT_ROUTE,
					    .ifindex = p->actual->routes[i].ifindex,
					    .route = p->actual->routes[i]});
	for (size_t i = 0; r == 0 && i < p->actual->n_rules; i++)
		r = take(p, &(struct event){.object = EVENT_RULE, .rule = p->actual->rules[i]});
	return r;
}

static int take_neighbors(const struct present *p)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < p->actual->n_neighbors; i++)
		r = take(p, &(struct event){.object = EVENT_NEIGHBOR,
					    .ifindex = p->actual->neighbors[i].ifindex,
					    .neighbor = p->actual->neighbors[i]});
	return r;
}

int api_present(const struct unit *u, const struct actual *actual,
		int (*take_message)(struct api_message *m, void *data), void *data)
{
	const struct present p = {.netns = u->name, .actual = actual, .take = take_message, .data = data};
	char text[UNIT_STATE_TEXT_SIZE];
	int r;

	unit_state_text(u, text, sizeof(text));
	r = take_event(&p, EVENT_NAMESPACE, NULL, text);
	if (r == 0 && actual != NULL)
		r = take_links(&p);
	if (r == 0 && actual != NULL)
		r = take_addresses(&p);
	if (r == 0 && actual != NULL)
		r = take_routes(&p);
	if (r == 0 && actual != NULL)
		r = take_neighbors(&p);
	return r;
}
