/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Building, ordering and printing plans; see plan.h. */
#include "plan.h"

#include "key.h"

#include <errno.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int plan_new(const char *name, const struct netns *netns, struct plan **ret)
{
	struct plan *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->netns = netns;
	p->name = plan_printf(p, "%s", name);
	if (!p->name) {
		plan_free(p);
		return -ENOMEM;
	}
	*ret = p;
	return 0;
}

/* The list grows by doubling, and is owned as a string is. */
const struct address **plan_younger(struct plan *p, struct action *a)
{
	if ((a->n_younger & (a->n_younger - 1)) == 0) { /* full at 0, 1, 2, 4, ... only */
		size_t room = a->n_younger ? 2 * a->n_younger : 1;
		const struct address **list = reallocarray(NULL, room, sizeof(*list));

		if (!list || !plan_own(p, (char *)list))
			return NULL;
		if (a->n_younger)
			memcpy(list, a->younger, a->n_younger * sizeof(*list));
		a->younger = list;
	}
	return &a->younger[a->n_younger++];
}

static void old_link_free(struct link *l)
{
	if (l->config) {
		key_table_free(l->kind->keys, l->config);
		if (l->kind->done)
			l->kind->done(l->config);
	}
	free(l->config);
	free(l);
}

struct link *plan_old_link(struct plan *p, const struct link *like)
{
	struct link **grown = reallocarray(p->olds, p->n_olds + 1, sizeof(*grown)), *l;

	if (!grown)
		return NULL;
	p->olds = grown;
	l = calloc(1, sizeof(*l));
	if (!l)
		return NULL;
	l->kind = like->kind;
	strcpy(l->name, like->name);
	if (l->kind->config_size) {
		l->config = calloc(1, l->kind->config_size);
		if (!l->config || (l->kind->init && l->kind->init(l->config) < 0)) {
			free(l->config);
			free(l);
			return NULL;
		}
	}
	grown[p->n_olds++] = l;
	return l;
}

void plan_free(struct plan *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n_strings; i++)
		free(p->strings[i]);
	free(p->strings);
	for (size_t i = 0; i < p->n_olds; i++)
		old_link_free(p->olds[i]);
	free(p->olds);
	free(p->actions);
	strv_free(p->waits_for);
	free(p);
}

struct action *plan_add(struct plan *p, enum action_type type, enum plan_stage stage,
			enum operation_sign sign, const char *place)
{
	struct action *a;

	if (p->n_actions == p->capacity) {
		size_t capacity = p->capacity ? 2 * p->capacity : 8;
		struct action *grown = reallocarray(p->actions, capacity, sizeof(*grown));

		if (!grown)
			return NULL;
		p->actions = grown;
		p->capacity = capacity;
	}
	a = &p->actions[p->n_actions++];
	*a = (struct action){.type = type, .stage = stage, .sign = sign, .place = place};
	return a;
}

const char *plan_own(struct plan *p, char *text)
{
	if (!text)
		return NULL;
	if (p->n_strings == p->strings_capacity) {
		size_t capacity = p->strings_capacity ? 2 * p->strings_capacity : 16;
		char **grown = reallocarray(p->strings, capacity, sizeof(*grown));

		if (!grown) {
			free(text);
			return NULL;
		}
		p->strings = grown;
		p->strings_capacity = capacity;
	}
	p->strings[p->n_strings++] = text;
	return text;
}

const char *plan_printf(struct plan *p, const char *format, ...)
{
	va_list ap;
	char *text;
	int n;

	va_start(ap, format);
	n = vasprintf(&text, format, ap);
	va_end(ap);
	return n < 0 ? NULL : plan_own(p, text);
}

/* Counting sort: a stable one, and there are only a few stages. */
void plan_sort(struct plan *p)
{
	struct action *sorted;
	size_t n = 0;

	if (p->n_actions < 2)
		return;
	sorted = reallocarray(NULL, p->capacity, sizeof(*sorted));
	if (!sorted) { /* slower, without memory */
		for (size_t i = 1; i < p->n_actions; i++)
			for (size_t j = i; j > 0 && p->actions[j - 1].stage > p->actions[j].stage; j--) {
				struct action t = p->actions[j];

				p->actions[j] = p->actions[j - 1];
				p->actions[j - 1] = t;
			}
		return;
	}
	for (int stage = 0; stage < STAGE_COUNT; stage++)
		for (size_t i = 0; i < p->n_actions; i++)
			if ((int)p->actions[i].stage == stage)
				sorted[n++] = p->actions[i];
	free(p->actions);
	p->actions = sorted;
}

char *action_to_string(const struct action *a)
{
	char *text;
	int n;

	if (a->reason)
		n = asprintf(&text, "%c %s: %s (%s)", a->sign, a->place, a->text, a->reason);
	else
		n = asprintf(&text, "%c %s: %s", a->sign, a->place, a->text);
	return n < 0 ? NULL : text;
}
