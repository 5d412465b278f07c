/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A limit on repairs of one object; see fight.h. */
#include "fight.h"

#include "str.h"

#include <string.h>

static struct fight_object *find_object(struct fight *f, uint64_t key)
{
	struct fight_object *oldest = &f->objects[0];

	for (unsigned i = 0; i < FIGHT_OBJECTS; i++) {
		struct fight_object *o = &f->objects[i];

		if (o->since && o->key == key)
			return o;
		if (o->since < oldest->since)
			oldest = o;
	}
	*oldest = (struct fight_object){.key = key};
	return oldest;
}

bool fight_note(struct fight *f, uint64_t object, uint64_t now)
{
	struct fight_object *o = find_object(f, object);

	if (!o->since || now - o->since >= (o->count > FIGHT_BURST ? FIGHT_HOLD : FIGHT_INTERVAL)) {
		o->since = now;
		o->count = 0;
	}
	o->count++;
	if (o->count == FIGHT_BURST + 1)
		o->since = now; /* the hold begins */
	return o->count <= FIGHT_BURST;
}

static uint64_t mix_text(uint64_t hash, const char *text)
{
	return text ? hash_more(hash, text, strlen(text) + 1) : hash;
}

/* Adding and removing are two sides of the same fight. */
static int side_of(enum action_type type)
{
	switch (type) {
	case ACTION_ADDRESS_CHANGE:
	case ACTION_ADDRESS_REMOVE: return ACTION_ADDRESS_ADD;
	case ACTION_ROUTE_CHANGE:
	case ACTION_ROUTE_REMOVE: return ACTION_ROUTE_ADD;
	default: return (int)type;
	}
}

uint64_t fight_object(const struct action *a)
{
	int type = side_of(a->type);
	uint64_t hash = hash_more(HASH_START, &type, sizeof(type));

	hash = mix_text(mix_text(hash, a->place), a->ifname);
	hash = hash_more(hash, &a->values.change, sizeof(a->values.change));
	if (a->address)
		return hash_more(hash, &a->address->prefix, sizeof(a->address->prefix));
	if (a->route)
		return hash_more(hash_more(hash, &a->route->destination, sizeof(a->route->destination)),
				 &a->route->table, sizeof(a->route->table));
	if (a->rule)
		return hash_more(hash, &a->rule->priority, sizeof(a->rule->priority));
	if (a->neighbor)
		return hash_more(hash, &a->neighbor->address, sizeof(a->neighbor->address));
	return a->type == ACTION_SYSCTL_SET ? mix_text(hash, a->name) : hash;
}
