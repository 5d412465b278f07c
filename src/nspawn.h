/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Container settings to the command line of systemd-nspawn. Layer 2; pure, but for nspawn_ask.c and
 * nspawn_probe.c, which ask the installed one what it knows. */
#ifndef NETNSD_NSPAWN_H
#define NETNSD_NSPAWN_H

#include "desired_container.h"
#include "error.h"

#include <sys/stat.h>

/* What the installed nspawn knows. */
struct nspawn_features {
	unsigned version; /* 252 */
	char **options;	  /* every "--option" of its --help, sorted */
	char *path;	  /* of the program */
};
bool nspawn_knows(const struct nspawn_features *f, const char *option);
/* The output of --version and --help to features, path is left NULL. Pure. -EINVAL, -ENOMEM with err, which
 * speaks of "its --version": the caller says whose. */
int nspawn_parse_features(const char *version, const char *help, struct nspawn_features *ret,
			  struct error *err);
void nspawn_features_clear(struct nspawn_features *f);

/* nspawn_ask.c. Runs `path` twice, at most 5 s each. Any thread, or the client. -EACCES, -ETIMEDOUT, -EINVAL
 * with err, a sentence that says what to do. */
int nspawn_ask(const char *path, struct nspawn_features *ret, struct error *err);

/* nspawn_probe.c. The installed one: $NETNSD_NSPAWN, or systemd-nspawn in the usual places (not by $PATH).
 * Its answer is kept until the file changes (device, inode, size, mode, mtime), a failure for at most a
 * minute. But for nspawn_question_ask(), loop thread (or the client) only. */
/* What is kept, borrowed until another answer is. -EAGAIN: it has to be asked first; -ENOENT and what
 * nspawn_ask() says, with err. Never waits. */
int nspawn_kept(const struct nspawn_features **ret, struct error *err);
/* The same; asks if need be, and waits for it. */
int nspawn_probe(const struct nspawn_features **ret, struct error *err);
void nspawn_probe_forget(void); /* frees what is kept: for the end */
/* The three steps of asking, for who has it done by another thread: _ask() is that one's. _keep() leaves
 * nothing in it. */
struct nspawn_question {
	char *path;
	struct stat file;
	struct nspawn_features features;
	struct error failure;
};
int nspawn_question_new(struct nspawn_question *ret, struct error *err);
void nspawn_question_ask(struct nspawn_question *q);
void nspawn_question_keep(struct nspawn_question *q);

/* All that is not the settings' own. */
struct nspawn_run {
	const struct nspawn_features *features;
	const char *root; /* where the root is by now (overlay, skeleton), or NULL with Image= */
	/* "/proc/self/fd/3"; NULL: the host's namespace. nspawn opens it before it closes what it inherited:
	 * tried with 252 and 257, with --private-network beside it. */
	const char *netns_path;
	bool registered; /* --register=yes */
	/* File that goes to /etc/resolv.conf inside, "/etc/netns/NAME/resolv.conf", unless ResolvConf= is
	 * set; NULL: nothing is put there, or what nspawn does by itself in the host's namespace. */
	const char *resolv_conf;
	/* Whether the source of a bind that may be missing (Bind=-/srv/x) is there; NULL: all are. */
	bool (*exists)(const char *path);
	const char *credentials_directory; /* a file for each credential, named by its ID; NULL: none */
	char *const *credential_ids;	   /* root.credential_ids: also the inherited; NULL: those declared */
};
/* A NULL-terminated vector, owned: strv_free(). argv[0] is the program. -ENOMEM, or -EOPNOTSUPP with err
 * naming key and option that this nspawn lacks (what `check` says too). Ephemeral= is a root's business; only
 * with Image= it becomes --volatile=overlay --read-only, which copies nothing and leaves nothing behind. */
int nspawn_argv(const struct container_settings *c, const struct nspawn_run *run, char ***ret,
		struct error *err);
/* Its environment, complete: nothing of the daemon's own leaks. notify: path of the notify socket. */
int nspawn_environment(const struct container_settings *c, const char *notify, char ***ret);
/* The part of nspawn_argv() that only looks: 0, or -EOPNOTSUPP with err. */
int nspawn_check(const struct container_settings *c, const struct nspawn_features *f, struct error *err);
/* The payload is an init: Boot=, ProcessTwo= (nspawn's stub, which takes SIGRTMIN+3 and sends SIGTERM on; a
 * SIGTERM it ignores, tried), or a program called init or systemd. Its stop signal is SIGRTMIN+3 unless told
 * otherwise; SIGTERM for all others. */
bool nspawn_is_init(const struct container_settings *c);
bool nspawn_has_stub(const struct container_settings *c); /* ProcessTwo= */
/* What the payload is asked to end by: KillSignal=, or by its kind. */
const char *nspawn_kill_signal(const struct container_settings *c);

#endif
