/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is there, asked on a worker; see survey.h. */
#include "survey.h"

#include "log.h"
#include "netns.h"
#include "reconcile.h"
#include "transaction.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

uint64_t netns_cookie_here(void)
{
	socklen_t length = sizeof(uint64_t);
	uint64_t cookie = 0;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return 0;
	if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &length) < 0)
		cookie = 0; /* before Linux 5.14 */
	(void)close(fd);
	return cookie;
}

/* --- one namespace ---------------------------------------------------------------------------- */

/* The cheap answer to the usual question: is the name still the namespace we hold? */
static bool name_is_known(const struct survey *s)
{
	char path[sizeof(NETNS_DIRECTORY) + NAME_MAX + 2];
	struct stat st;

	if (s->fd < 0 || s->known_inode == 0)
		return false;
	(void)snprintf(path, sizeof(path), "%s/%s", NETNS_DIRECTORY, s->name);
	return stat(path, &st) == 0 && st.st_ino == s->known_inode && st.st_dev == s->known_device;
}

static int survey_find(struct survey *s)
{
	enum netns_name_state state;
	int fd = -1, r;

	if (name_is_known(s)) {
		s->named = true;
		return 0;
	}
	r = netns_probe(s->name, &state, &fd, &s->error);
	if (r < 0)
		return r;
	s->leftover = state == NETNS_NAME_LEFTOVER;
	if (state == NETNS_NAME_FOREIGN)
		return error_set(&s->error, -EEXIST,
				 "%s/%s is not a network namespace and not a leftover of one; move it away",
				 NETNS_DIRECTORY, s->name);
	if (state != NETNS_NAME_NAMESPACE)
		return 0;
	s->named = s->fd < 0 || netns_same(s->fd, fd);
	if (s->fd < 0) {
		s->fd = fd;
		s->found = true;
		return 0;
	}
	(void)close(fd);
	if (!s->named)
		return error_set(&s->error, -EEXIST,
				 "the name %s was given to another namespace meanwhile; remove it there, or "
				 "rename one",
				 s->name);
	return 0;
}

static int read_sysctls(struct survey *s)
{
	char value[1024];

	if (s->n_sysctls == 0)
		return 0;
	s->actual->sysctls = calloc(s->n_sysctls, sizeof(char *));
	if (!s->actual->sysctls)
		return -ENOMEM;
	s->actual->n_sysctls = s->n_sysctls;
	for (size_t i = 0; i < s->n_sysctls; i++)
		if (netns_sysctl_read(s->sysctls[i].path, value, sizeof(value), NULL) == 0) {
			s->actual->sysctls[i] = strdup(value);
			if (!s->actual->sysctls[i])
				return -ENOMEM;
		}
	return 0;
}

static int survey_inside(struct survey *s, const struct worker_thread *thread)
{
	struct rtnl *host = thread->host, *rtnl = host;
	int r;

	/* The host's too: the thread may still be where the survey before this one was. */
	r = netns_enter(s->host ? thread->home_fd : s->fd, &s->error);
	if (!s->host) {
		if (r == 0)
			r = rtnl_open(&rtnl);
		s->cookie = s->known_cookie ? s->known_cookie : netns_cookie_here();
	}
	if (r == 0)
		r = actual_dump_some(rtnl, s->what & ~SURVEY_RESOLV, s->links, &s->actual, &s->error);
	if (r == 0)
		r = read_sysctls(s);
	if (!s->host && rtnl != host)
		rtnl_close(rtnl);
	return r;
}

static int survey_identity(struct survey *s, struct rtnl *host)
{
	int r = 0;

	s->nsid = s->known_nsid;
	s->device = s->known_device;
	s->inode = s->known_inode;
	if (s->nsid < 0)
		r = rtnl_nsid_get(host, s->fd, &s->nsid, &s->error);
	if (r == 0 && s->inode == 0)
		r = netns_stat(s->fd, &s->device, &s->inode);
	return r;
}

static int survey_resolv(struct survey *s)
{
	int r = netns_resolv_read(s->name, &s->actual->resolv, &s->actual->resolv_ours, &s->error);

	return r == -ENOENT ? 0 : r;
}

static int survey_all(struct survey *s, struct worker_thread *thread)
{
	int r = s->host ? 0 : survey_find(s);

	if (r < 0 || (!s->host && s->fd < 0))
		return r;
	if (!s->host)
		r = survey_identity(s, thread->host);
	if (r == 0)
		r = survey_inside(s, thread);
	if (r == 0 && !s->host && (s->what & SURVEY_RESOLV))
		r = survey_resolv(s);
	if (r == 0 && s->holders_wanted && !s->host)
		r = netns_holders(s->fd, s->holders, SURVEY_HOLDERS_MAX, &s->n_holders);
	return r;
}

void survey_run(struct job *job, void *data)
{
	struct worker_thread *thread = data;

	for (struct survey *s = (struct survey *)job; s; s = s->next) {
		int r;

		s->nsid = -1;
		r = survey_all(s, thread);
		if (r == 0)
			s->error.code = 0;
		else if (s->error.code == 0)
			error_set(&s->error, r, "%s", strerror(-r));
	}
	(void)worker_thread_home(thread);
}

void survey_clear(struct survey *s)
{
	if (s->fd >= 0)
		(void)close(s->fd);
	s->fd = -1;
	strv_free(s->links);
	s->links = NULL;
	netns_sysctls_free(s->sysctls, s->n_sysctls);
	s->sysctls = NULL;
	actual_free(s->actual);
	s->actual = NULL;
}

/* --- all names -------------------------------------------------------------------------------- */

struct scanning {
	struct scan *scan;
	struct worker_thread *thread;
};

static int scan_keep(struct scan *s, const char *name, int fd, int nsid)
{
	struct scan_entry *grown = reallocarray(s->entries, s->n + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	s->entries = grown;
	grown[s->n] = (struct scan_entry){.name = strdup(name), .fd = fd, .nsid = nsid};
	return grown[s->n++].name ? 0 : -ENOMEM;
}

static bool has_last_good(const struct scan *s, const char *name)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/%s.netns", s->last_good, name);
	return access(path, F_OK) == 0;
}

/* One name that cannot be looked at must not keep the daemon from starting; but not to have the means
 * to look is no ground to take ours for somebody else's. */
static int scan_failed(const char *name, int r, const struct error *err)
{
	if (r == -EMFILE || r == -ENFILE || r == -ENOMEM || r == -ENOBUFS || r == -EINTR)
		return r;
	log_write(LOG_WARNING, name, "is not looked at: %s", err->code ? err->text : strerror(-r));
	return 0;
}

static int scan_name(const char *name, void *data)
{
	struct scanning *x = data;
	enum netns_name_state state;
	struct error err = {0};
	int fd = -1, nsid, r;

	if (!netns_name_is_valid(name)) /* never a name of ours */
		return 0;
	r = netns_probe(name, &state, &fd, &err);
	/* The daemon before was killed between unmounting the name and removing it: nobody else will. */
	if (r == 0 && state == NETNS_NAME_LEFTOVER && has_last_good(x->scan, name))
		r = netns_unname(name, -1, &err);
	if (r == 0 && fd < 0)
		return 0;
	if (r == 0)
		r = rtnl_nsid_get(x->thread->host, fd, &nsid, &err);
	if (r < 0) {
		if (fd >= 0)
			(void)close(fd);
		return scan_failed(name, r, &err);
	}
	/* One that was adopted with a number of the kernel's is known by the copy of its file alone. */
	if (nsid < NSID_CREATED_FIRST && !has_last_good(x->scan, name)) {
		(void)close(fd);
		return 0;
	}
	r = scan_keep(x->scan, name, fd, nsid);
	if (r < 0)
		(void)close(fd);
	return r;
}

static void scan_nsid(int nsid, void *data)
{
	struct scan *s = data;

	if (nsid_is_created(nsid) && nsid > s->last_created)
		s->last_created = nsid;
	if (nsid_is_adopted(nsid) && nsid > s->last_adopted)
		s->last_adopted = nsid;
}

/* The namespace went while no daemon ran: nobody else looks for its file. One that is to come gets it anew.
 */
static int scan_resolv(const char *name, void *data)
{
	enum netns_name_state state;

	(void)data;
	if (netns_probe(name, &state, NULL, NULL) == 0 && state == NETNS_NAME_ABSENT)
		(void)netns_resolv_remove(name, NULL); /* what fails here is tried again by the next start */
	return 0;
}

void scan_run(struct job *job, void *thread)
{
	struct scan *s = (struct scan *)job;
	struct scanning x = {.scan = s, .thread = thread};
	int r;

	s->last_created = NSID_CREATED_FIRST - 1;
	s->last_adopted = NSID_ADOPTED_FIRST - 1;
	r = rtnl_nsid_dump(x.thread->host, scan_nsid, s, &s->error);
	if (r == 0)
		r = netns_list(scan_name, &x, &s->error);
	if (r == 0)
		(void)netns_resolv_list(scan_resolv, NULL);
	if (r < 0 && s->error.code == 0)
		error_set(&s->error, r, "%s", strerror(-r));
}

void scan_clear(struct scan *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->entries[i].name);
		if (s->entries[i].fd >= 0)
			(void)close(s->entries[i].fd);
	}
	free(s->entries);
	s->entries = NULL;
	s->n = 0;
}
