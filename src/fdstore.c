/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Descriptors that outlive the daemon. What was handed over is a list of this process, as its environment is.
 */
#include "fdstore.h"

#include "cleanup.h"
#include "fdstore_internal.h"
#include "str.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

static struct handed *list;
static size_t n_list;

static int add(const struct handed *h)
{
	struct handed *grown = reallocarray(list, n_list + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	list = grown;
	list[n_list++] = *h;
	return 0;
}

static void forget(struct handed *h)
{
	free(h->name);
	free(h->data);
	*h = (struct handed){.fd = -1};
}

static int begin_systemd(void)
{
	char **names = NULL;
	int n = sd_listen_fds_with_names(1, &names), r = 0; /* it sets CLOEXEC */

	for (int i = 0; i < n; i++) {
		struct handed one = {.name = names[i], .fd = SD_LISTEN_FDS_START + i, .stored = true};

		if (r == 0)
			r = add(&one);
		if (r < 0) {
			(void)close(one.fd);
			free(one.name);
		}
	}
	free(names);
	return n < 0 ? n : r;
}

/* What cannot be read is still open here: whoever waits at the other end is to see that it is over, and the
 * lock is to be free. systemd's come first. */
static void drop_handed(void)
{
	int first = SD_LISTEN_FDS_START;

	for (size_t i = 0; i < n_list; i++)
		if (!list[i].stored)
			forget(&list[i]);
		else if (list[i].fd >= first)
			first = list[i].fd + 1;
	(void)close_range((unsigned)first, ~0U, 0);
}

int fdstore_begin(void)
{
	int r = begin_systemd(), h = handover_read(add);

	if (h < 0)
		drop_handed();
	return r < 0 ? r : h;
}

static int take(struct handed *h)
{
	int fd = h->fd;

	forget(h);
	return fd;
}

int fdstore_take(const char *name)
{
	for (size_t i = 0; i < n_list; i++)
		if (str_equal(list[i].name, name))
			return take(&list[i]);
	return -1;
}

int fdstore_take_listener(void)
{
	for (size_t i = 0; i < n_list; i++)
		if (list[i].name && list[i].fd >= 0 && sd_is_socket(list[i].fd, AF_UNIX, SOCK_STREAM, 1) > 0)
			return take(&list[i]);
	return -1;
}

int fdstore_take_next(const char *prefix, int *ret_fd, char **ret_data, size_t *ret_length)
{
	for (size_t i = 0; i < n_list; i++) {
		if (!list[i].name || !str_starts_with(list[i].name, prefix))
			continue;
		*ret_data = list[i].data ? steal_pointer(list[i].data) : calloc(1, 1);
		*ret_length = list[i].length;
		*ret_fd = take(&list[i]);
		return 0;
	}
	return -ENOENT;
}

void fdstore_end(void)
{
	for (size_t i = 0; i < n_list; i++) {
		if (!list[i].name)
			continue;
		if (list[i].stored)
			fdstore_drop(list[i].name);
		if (list[i].fd >= 0)
			(void)close(list[i].fd);
		forget(&list[i]);
	}
	free(list);
	list = NULL;
	n_list = 0;
}

void fdstore_keep(const char *name, int fd)
{
	char text[FDSTORE_NAME_MAX + 64];

	(void)snprintf(text, sizeof(text), "FDSTORE=1\nFDPOLL=0\nFDNAME=%s", name);
	(void)sd_pid_notify_with_fds(0, 0, text, &fd, 1);
}

void fdstore_drop(const char *name)
{
	(void)sd_notifyf(0, "FDSTOREREMOVE=1\nFDNAME=%s", name);
}
