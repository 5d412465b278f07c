/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Applies that can be taken back: the checkpoint before the first change, and the way back to it, which
 * is a round like any other: compare with what ran, and do. */
#include "manager_internal.h"

#include "cleanup.h"
#include "clock.h"
#include "desired_container.h"
#include "log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- writing the checkpoint ---------------------------------------------------------------------- */

struct checkpoint_job {
	struct job job;
	struct operation *op;
	struct checkpoint_files files;
	struct error error;
};

static void job_run(struct job *job, void *thread)
{
	struct checkpoint_job *j = (struct checkpoint_job *)job;

	(void)thread;
	(void)checkpoint_write(&j->files, &j->error);
}

static void job_done(struct job *job)
{
	struct checkpoint_job *j = (struct checkpoint_job *)job;
	struct operation *op = j->op;
	struct error err = j->error;

	checkpoint_files_clear(&j->files);
	free(j);
	if (err.code == 0) {
		op->manager->checkpoint = (struct checkpoint){
			.state = CHECKPOINT_APPLYING, .atomic = op->atomic, .span = op->confirm};
		checkpoint_boot_id(op->manager->checkpoint.boot_id);
	}
	round_resume(op->round, &err);
}

static int add(struct checkpoint_files *f, const char *directory, const char *name, const char *suffix,
	       char *text)
{
	char *path;

	if (asprintf(&path, "%s/%s%s", directory, name, suffix) < 0)
		path = NULL;
	return checkpoint_files_add(f, path, text);
}

/* The host may be called otherwise by the files that are to come. */
static const struct actual *view(const char *name, void *data)
{
	struct operation *op = data;
	const struct round *r = op->round;
	bool host = strcmp(name, op->before->host->name) == 0;
	const struct round_item *i = round_find(r, host ? r->desired->host->name : name);

	return i ? i->survey.actual : NULL;
}

static const struct netns *successor(const struct operation *op, const struct netns *n)
{
	return n->host ? op->round->desired->host : desired_find(op->round->desired, n->name);
}

static int add_object(struct checkpoint_files *f, struct operation *op, const struct netns *n)
{
	const struct netns *new = successor(op, n);
	char *text = NULL;
	int r = 0;

	if (n->text)
		r = add(f, n->transient ? "transient" : "old", n->name, ".netns", strdup(n->text));
	if (r == 0 && (n->text || (n->implicit && new && !new->implicit)))
		r = checkpoint_restore_text(n, new, view, op, &text);
	if (r == 0 && text && text[0])
		/* A host that no file declares becomes one of its own. */
		r = add(f, "restore", n->name, n->text ? ".netns.d/restore.conf" : ".netns", text);
	else
		free(text);
	return r;
}

static char *wanted_text(const struct manager *m)
{
	struct strbuf text = {0};
	const struct unit *u, *tmp;

	HASH_ITER (hh, m->units, u, tmp)
		if (u->wanted)
			strbuf_printf(&text, "%s\n", u->name);
	return strbuf_finish(&text);
}

static int add_containers(struct checkpoint_files *f, const char *directory, const struct desired *d)
{
	const struct container_settings *s, *tmp;
	int r = 0;

	HASH_ITER (hh, d->containers, s, tmp)
		if (r == 0 && s->text)
			r = add(f, directory, s->name, ".container", strdup(s->text));
	return r;
}

static int add_all_files(struct checkpoint_files *f, struct operation *op)
{
	struct checkpoint c = {.state = CHECKPOINT_APPLYING, .atomic = op->atomic, .span = op->confirm};
	struct netns *n, *tmp;
	int r = 0;

	HASH_ITER (hh, op->before->namespaces, n, tmp)
		if (r == 0)
			r = add_object(f, op, n);
	HASH_ITER (hh, op->round->desired->namespaces, n, tmp)
		if (r == 0 && n->text)
			r = add(f, "new", n->name, ".netns", strdup(n->text));
	if (r == 0)
		r = add_containers(f, "old", op->before);
	if (r == 0)
		r = add_containers(f, "new", op->round->desired);
	checkpoint_boot_id(c.boot_id);
	if (r == 0)
		r = checkpoint_files_add(f, strdup("addresses"),
					 checkpoint_addresses_text(op->before, view, op));
	if (r == 0)
		r = checkpoint_files_add(f, strdup("wanted"), wanted_text(op->manager));
	return r < 0 ? r : checkpoint_files_add(f, strdup("state"), checkpoint_print(&c));
}

/* The round has looked at everything and is about to begin. */
static int prepare(struct round *r, struct error *err)
{
	struct checkpoint_job *j = calloc(1, sizeof(*j));
	struct operation *op = r->data;
	int ret = j ? add_all_files(&j->files, op) : -ENOMEM;

	if (ret < 0) {
		if (j)
			checkpoint_files_clear(&j->files);
		free(j);
		return error_set(err, ret, "could not write the checkpoint: %s", strerror(-ret));
	}
	j->op = op;
	j->job.run = job_run;
	j->job.done = job_done;
	worker_pool_submit(op->manager->workers, &j->job);
	return 1;
}

void operation_keep_checkpoint(struct operation *op)
{
	if (!op->atomic && !op->confirm)
		return;
	op->round->atomic = op->atomic;
	op->round->prepare = prepare;
}

/* --- taking back ---------------------------------------------------------------------------------- */

static int add_everything(struct operation *op)
{
	struct unit *u, *tmp;
	int r = 0;

	HASH_ITER (hh, op->manager->units, u, tmp)
		if (r == 0 && (u->fd >= 0 || (u->netns && u->wanted)))
			r = operation_add_unit(op, u, u->netns && u->wanted);
	return r;
}

/* What runs now becomes `before`, what ran becomes what is to be. */
static int begin(struct operation *op, struct error *err)
{
	struct manager *m = op->manager;
	struct desired *d, *failed;
	int r = manager_checkpoint_load(m, true, &d, err);

	if (r < 0)
		return r;
	failed = desired_ref(m->desired);
	manager_swap(m, d);
	manager_checkpoint_wanted(m);
	r = round_new(m, m->desired, failed, &op->undo, &op->round);
	desired_unref(failed);
	if (r == 0) {
		op->round->exact = true;
		r = add_everything(op);
	}
	return r < 0 ? error_set(err, r, "%s", strerror(-r)) : 0;
}

/* The checkpoint cannot be read any more: what was applied stays, as far as it came. */
static void give_up(struct operation *op, const struct error *why)
{
	struct manager *m = op->manager;
	struct unit *u, *tmp;

	log_error("what ran before cannot be brought back: %s", why->text);
	HASH_ITER (hh, m->units, u, tmp)
		if (u->state == NETNS_CONFIGURING || u->state == NETNS_REMOVING)
			unit_set_state(u, NETNS_FAILED, why);
	manager_checkpoint_forget(m);
	error_set(&op->result.error, why->code, "Nothing could be put back: %s", why->text);
	op->rolling_back = m->p->rolling_back = false;
}

static bool roll_back(struct operation *op)
{
	struct error err = {0};

	op->rolling_back = op->manager->p->rolling_back = true;
	if (begin(op, &err) < 0) {
		round_free(op->round);
		op->round = NULL;
		give_up(op, &err);
		return false;
	}
	operation_start_round(op, 0);
	return true;
}

/* What could not be put back is told with what made it necessary. */
static void take_failures(struct operation_result *to, struct operation_result *from)
{
	struct operation_failed *grown =
		from->n_failed ? reallocarray(to->failed, to->n_failed + from->n_failed, sizeof(*grown))
			       : NULL;

	if (!grown)
		return;
	to->failed = grown;
	memcpy(grown + to->n_failed, from->failed, from->n_failed * sizeof(*grown));
	to->n_failed += from->n_failed;
	from->n_failed = 0;
}

/* From the tree with all that the kernel had back to the files as they were. */
static void drop_restore(struct operation *op)
{
	struct manager *m = op->manager;
	struct desired *plain = op->before  ? desired_ref(op->before)
				: m->p->ran ? desired_ref(m->p->ran)
					    : NULL;
	struct error err = {0};
	struct unit *u, *tmp;

	if (!plain && manager_checkpoint_load(m, false, &plain, &err) < 0)
		return; /* the other one will do */
	/* What was restored is in force, but nobody's to take back when it is not declared any more. */
	HASH_ITER (hh, m->units, u, tmp)
		if (u->applied)
			unit_set_applied(u, plain);
	manager_swap(m, plain);
}

static const char *rollback_reason(const struct operation *op)
{
	if (op->expired)
		return "Nobody confirmed what was applied";
	return op->start ? "The daemon was stopped before an apply was through, or confirmed"
			 : "An apply failed";
}

static void finish_rollback(struct operation *op)
{
	bool whole = op->undo.failure == FAILURE_NONE;

	if (whole)
		drop_restore(op);
	manager_checkpoint_rolled_back(op->manager, rollback_reason(op));
	op->rolling_back = false;
	if (op->start || op->expired)
		return;
	result_drop_lines(&op->result); /* nothing of it was done in the end */
	error_set(&op->result.error, -ECANCELED,
		  whole ? "All was put back: nothing is changed"
			: "Not all could be put back; what is missing is tried again");
	take_failures(&op->result, &op->undo);
}

/* --- the ends ------------------------------------------------------------------------------------- */

/* Nothing was begun: the tree of the files goes as it came. */
static void forget_new(struct operation *op)
{
	struct manager *m = op->manager;

	manager_swap(m, desired_ref(op->before));
	if (m->checkpoint.state == CHECKPOINT_APPLYING)
		manager_checkpoint_forget(m);
	error_set(&op->result.error, -ECANCELED, "Nothing was changed");
}

static void keep_new(struct operation *op, bool started)
{
	struct manager *m = op->manager;
	struct error err = {0};

	if (!op->confirm || !started) { /* without a change there is nothing to take back */
		if (m->checkpoint.state != CHECKPOINT_NONE)
			manager_checkpoint_forget(m);
		return;
	}
	m->checkpoint.state = CHECKPOINT_WAITING;
	m->checkpoint.deadline = clock_boottime() + op->confirm;
	if (checkpoint_write_state(&m->checkpoint, &err) < 0)
		log_warning("%s; a restart takes back what was applied at once", err.text);
	manager_checkpoint_wait(m, op->before);
	op->result.waiting = true;
	log_info("what was applied waits to be confirmed");
}

bool operation_after_round(struct operation *op, bool started)
{
	bool failed = op->result.failure != FAILURE_NONE;

	if (op->rolling_back || (op->start && op->manager->p->roll_back_at_start)) {
		op->manager->p->roll_back_at_start = false;
		finish_rollback(op);
		return false;
	}
	if (op->type != OPERATION_APPLY || !op->before || op->recover)
		return false;
	if (op->atomic && failed && started)
		return roll_back(op);
	if (failed && !started && (op->atomic || op->confirm))
		forget_new(op);
	else
		keep_new(op, started);
	return false;
}

/* --- nobody confirmed ------------------------------------------------------------------------------ */

void operation_run_expired(struct operation *op)
{
	if (op->manager->checkpoint.state == CHECKPOINT_WAITING && roll_back(op))
		return;
	op->manager->p->rolling_back = false;
	operation_end(op);
}

int operation_submit_expired(struct manager *m)
{
	struct operation_request request = {.type = OPERATION_APPLY};
	struct operation *op;
	int r = operation_new(m, &request, &op);

	if (r < 0)
		return r;
	op->expired = true;
	return operation_submit(m, op);
}

int operation_start_rollback(struct operation *op, struct round *r)
{
	struct manager *m = op->manager;

	if (!m->p->roll_back_at_start)
		return 0;
	manager_checkpoint_wanted(m);
	r->exact = true;
	r->before = m->p->taken_back;
	m->p->taken_back = NULL;
	return 0;
}
