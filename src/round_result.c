/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a round tells whoever asked for it: a line for each thing that is done, and what failed. */
#include "round.h"

#include "log.h"
#include "manager_internal.h"

#include <stdlib.h>
#include <string.h>

void result_drop_lines(struct operation_result *result)
{
	for (size_t i = 0; i < result->n_lines; i++) {
		free(result->lines[i].netns);
		free(result->lines[i].text);
		free(result->lines[i].reason);
	}
	free(result->lines);
	result->lines = NULL;
	result->n_lines = 0;
}

void result_clear(struct operation_result *result)
{
	result_drop_lines(result);
	for (size_t i = 0; i < result->n_failed; i++) {
		free(result->failed[i].netns);
		free(result->failed[i].action);
	}
	free(result->failed);
	free(result->holders);
	free(result->name);
	actual_free(result->actual);
	diags_free(&result->diags);
	*result = (struct operation_result){0};
}

/* Lines are for people: without memory for one, the work goes on without it. */
void result_add_line(struct operation_result *result, const struct action *a)
{
	struct operation_line *grown = reallocarray(result->lines, result->n_lines + 1, sizeof(*grown));

	if (!grown)
		return;
	result->lines = grown;
	grown[result->n_lines] = (struct operation_line){.sign = a->sign,
							 .netns = strdup(a->place),
							 .text = strdup(a->text),
							 .reason = a->reason ? strdup(a->reason) : NULL};
	if (grown[result->n_lines].netns && grown[result->n_lines].text)
		result->n_lines++;
}

void round_add_failed(struct round_item *i, const char *action, const struct error *err)
{
	struct operation_result *result = i->round->result;
	struct operation_failed *grown = reallocarray(result->failed, result->n_failed + 1, sizeof(*grown));

	i->failed = true;
	i->error = *err;
	if (action) {
		struct error told = {0};

		error_set(&told, err->code, "%s: %s", action, err->text);
		i->error = told;
	}
	/* Another try that fails as the one before is no news. */
	log_write(i->unit && str_equal(i->unit->told_failure.text, i->error.text) ? LOG_DEBUG : LOG_ERR,
		  i->name, "%s", i->error.text);
	result->failure = FAILURE_APPLY;
	if (!grown)
		return;
	result->failed = grown;
	grown[result->n_failed++] = (struct operation_failed){
		.netns = strdup(i->name), .action = action ? strdup(action) : NULL, .error = *err};
}
