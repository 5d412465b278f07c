/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which systemd-nspawn is installed, and what it knows. The answer is kept for as long as the file is the
 * same one; a failure for a while, so that one that hangs is not asked at every start. Who may not wait for
 * an answer has a worker ask: manager_nspawn.c. */
#include "clock.h"
#include "nspawn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NSPAWN_FAILURE_KEPT 60000000 /* us; an upgrade of the file ends it at once */

static const char *const usual_places[] = {
	"/usr/bin/systemd-nspawn",
	"/usr/local/bin/systemd-nspawn",
	"/run/current-system/sw/bin/systemd-nspawn", /* NixOS */
	"/bin/systemd-nspawn",
};

/* Loop thread only. */
static struct {
	struct nspawn_question
		question;  /* features.version 0: `failure` says why; path NULL: none was asked */
	uint64_t answered; /* us */
} kept;

static int find(const char **ret, struct stat *st, struct error *err)
{
	const char *path = secure_getenv("NETNSD_NSPAWN");

	if (path && path[0]) {
		if (path[0] != '/')
			return error_set(err, -EINVAL, "$NETNSD_NSPAWN is \"%s\": expected an absolute path",
					 path);
		*ret = path;
		if (stat(path, st) == 0)
			return 0;
		return error_set(err, -errno, "$NETNSD_NSPAWN is %s: %s; no container can run", path,
				 strerrordesc_np(errno));
	}
	for (size_t i = 0; i < sizeof(usual_places) / sizeof(usual_places[0]); i++)
		if (stat(usual_places[i], st) == 0) {
			*ret = usual_places[i];
			return 0;
		}
	return error_set(err, -ENOENT,
			 "systemd-nspawn is not installed (looked for %s and the like): install "
			 "systemd-container, or set $NETNSD_NSPAWN",
			 usual_places[0]);
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mode == b->st_mode && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static bool is_kept(const char *path, const struct stat *file)
{
	const struct nspawn_question *q = &kept.question;

	return str_equal(q->path, path) && same_file(&q->file, file) &&
	       (q->features.version != 0 || clock_boottime() - kept.answered < NSPAWN_FAILURE_KEPT);
}

int nspawn_kept(const struct nspawn_features **ret, struct error *err)
{
	const char *path = NULL;
	struct stat file;
	int r = find(&path, &file, err);

	if (r < 0)
		return r;
	if (!is_kept(path, &file))
		return error_set(err, -EAGAIN, "%s was replaced just now; try again", path);
	if (kept.question.features.version == 0)
		return error_set(err, kept.question.failure.code, "%s", kept.question.failure.text);
	*ret = &kept.question.features;
	return 0;
}

int nspawn_question_new(struct nspawn_question *ret, struct error *err)
{
	struct nspawn_question q = {0};
	const char *path = NULL;
	int r = find(&path, &q.file, err);

	if (r < 0)
		return r;
	q.path = strdup(path);
	if (!q.path)
		return error_set(err, -ENOMEM, "no memory for the name of systemd-nspawn");
	*ret = q;
	return 0;
}

void nspawn_question_ask(struct nspawn_question *q)
{
	(void)nspawn_ask(q->path, &q->features, &q->failure);
}

void nspawn_question_keep(struct nspawn_question *q)
{
	nspawn_probe_forget();
	kept.question = *q;
	kept.answered = clock_boottime();
	*q = (struct nspawn_question){0};
}

int nspawn_probe(const struct nspawn_features **ret, struct error *err)
{
	struct nspawn_question q;
	int r = nspawn_kept(ret, err);

	if (r != -EAGAIN)
		return r;
	r = nspawn_question_new(&q, err);
	if (r < 0)
		return r;
	nspawn_question_ask(&q);
	nspawn_question_keep(&q);
	return nspawn_kept(ret, err);
}

void nspawn_probe_forget(void)
{
	nspawn_features_clear(&kept.question.features);
	free(kept.question.path);
	kept.question = (struct nspawn_question){0};
}
