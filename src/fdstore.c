/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Descriptors that outlive the daemon. What was handed over is a list of this process, as its environment is.
 */
#include "fdstore.h"

#include "str.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

static struct {
	char **names; /* n of them, then NULL; an empty one was taken */
	int n;
} handed;

int fdstore_begin(void)
{
	/* It sets CLOEXEC. */
	int n = sd_listen_fds_with_names(1, &handed.names);

	handed.n = n > 0 ? n : 0;
	return n < 0 ? n : 0;
}

static int take(int i)
{
	handed.names[i][0] = '\0';
	return SD_LISTEN_FDS_START + i;
}

int fdstore_take(const char *name)
{
	for (int i = 0; i < handed.n; i++)
		if (str_equal(handed.names[i], name))
			return take(i);
	return -1;
}

int fdstore_take_listener(void)
{
	for (int i = 0; i < handed.n; i++)
		if (handed.names[i][0] && sd_is_socket(SD_LISTEN_FDS_START + i, AF_UNIX, SOCK_STREAM, 1) > 0)
			return take(i);
	return -1;
}

void fdstore_end(void)
{
	for (int i = 0; i < handed.n; i++)
		if (handed.names[i][0]) {
			fdstore_drop(handed.names[i]);
			(void)close(SD_LISTEN_FDS_START + i);
		}
	strv_free(handed.names);
	handed.names = NULL;
	handed.n = 0;
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
