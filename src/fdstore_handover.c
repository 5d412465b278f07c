/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Handing descriptors to the program that takes our place: their numbers and names in a file in memory, whose
 * own number is in the environment. Bytes are in hexadecimal there: JSON has no others. */
#include "fdstore.h"

#include "cleanup.h"
#include "fdstore_internal.h"
#include "str.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct handover {
	json_t *entries; /* of objects */
	size_t size;
};

int handover_new(struct handover **ret)
{
	struct handover *h = calloc(1, sizeof(*h));

	if (!h)
		return -ENOMEM;
	h->entries = json_array();
	if (!h->entries) {
		free(h);
		return -ENOMEM;
	}
	*ret = h;
	return 0;
}

void handover_free(struct handover *h)
{
	if (!h)
		return;
	json_decref(h->entries);
	free(h);
}

static char *to_hex(const unsigned char *data, size_t length)
{
	static const char digits[] = "0123456789abcdef";
	char *text = malloc(2 * length + 1);

	for (size_t i = 0; text && i < length; i++) {
		text[2 * i] = digits[data[i] >> 4];
		text[2 * i + 1] = digits[data[i] & 15];
	}
	if (text)
		text[2 * length] = '\0';
	return text;
}

int handover_add(struct handover *h, const char *name, int fd, const void *data, size_t length)
{
	_cleanup_free_ char *hex = to_hex(data, length);
	json_t *entry;

	if (h->size + 2 * length > FDSTORE_SIZE_MAX)
		return -E2BIG;
	entry = hex ? json_pack("{s:s, s:i, s:s}", "name", name, "fd", fd, "data", hex) : NULL;
	if (!entry || json_array_append_new(h->entries, entry) < 0)
		return -ENOMEM;
	h->size += 2 * length;
	return 0;
}

/* --- the giving side ---------------------------------------------------------------------------- */

static int set_cloexec(const struct handover *h, bool on)
{
	json_t *entry;
	size_t i;

	json_array_foreach(h->entries, i, entry)
	{
		int fd = (int)json_integer_value(json_object_get(entry, "fd"));

		if (fd >= 0 && fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0) < 0 && !on)
			return -errno;
	}
	return 0;
}

static int write_all(int fd, const char *text, size_t length)
{
	unsigned interrupted = 0;

	while (length > 0) {
		ssize_t n = write(fd, text, length);

		if (n < 0 && (errno != EINTR || ++interrupted > EINTR_TRIES))
			return -errno;
		if (n > 0) {
			text += n;
			length -= (size_t)n;
		}
	}
	return lseek(fd, 0, SEEK_SET) < 0 ? -errno : 0;
}

/* Without CLOEXEC: it is for the program that comes. */
static int write_down(const struct handover *h)
{
	json_t *root = json_pack("{s:i, s:O}", "version", HANDOVER_VERSION, "entries", h->entries);
	_cleanup_free_ char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;
	_cleanup_close_ int fd = memfd_create("netnsd-handover", 0);
	int r = text ? fd < 0 ? -errno : write_all(fd, text, strlen(text)) : -ENOMEM;

	json_decref(root);
	return r < 0 ? r : steal_fd(fd);
}

/* execve() keeps what is blocked: a stop that comes now is for the next program, once it can hear. */
static void block_signals(sigset_t *before)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	(void)pthread_sigmask(SIG_BLOCK, &set, before);
}

int handover_exec(struct handover *h, const char *program, char **argv, struct error *err)
{
	_cleanup_close_ int fd = write_down(h);
	char number[16];
	sigset_t before;
	int r = fd < 0 ? fd : set_cloexec(h, false);

	if (r == 0) {
		(void)snprintf(number, sizeof(number), "%d", fd);
		if (setenv(HANDOVER_VARIABLE, number, 1) < 0)
			r = -ENOMEM;
	}
	if (r < 0) {
		(void)set_cloexec(h, true);
		return error_set(err, r, "cannot prepare what %s is to take over: %s", program, strerror(-r));
	}
	block_signals(&before);
	(void)execv(program, argv);
	r = -errno;
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	(void)unsetenv(HANDOVER_VARIABLE);
	(void)set_cloexec(h, true);
	return error_set(err, r, "cannot execute %s: %s; this one goes on", program, strerror(-r));
}

/* --- the taking side ---------------------------------------------------------------------------- */

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int from_hex(const char *text, char **ret, size_t *ret_length)
{
	size_t length = strlen(text) / 2;
	_cleanup_free_ char *data = malloc(length + 1);

	if (!data)
		return -ENOMEM;
	for (size_t i = 0; i < length; i++) {
		int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return -EBADMSG;
		data[i] = (char)(high << 4 | low);
	}
	data[length] = '\0';
	*ret_length = length;
	*ret = steal_pointer(data);
	return 0;
}

static int take_entry(const json_t *entry, struct handed *ret)
{
	const char *name = json_string_value(json_object_get(entry, "name"));
	const char *data = json_string_value(json_object_get(entry, "data"));
	int fd = (int)json_integer_value(json_object_get(entry, "fd")), r;

	if (!name || !data || strlen(name) > FDSTORE_NAME_MAX ||
	    !json_is_integer(json_object_get(entry, "fd")))
		return -EBADMSG;
	/* Nothing else may be hit by a number that is wrong. */
	if (fd >= 0 && (fd <= STDERR_FILENO || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0))
		return -EBADF;
	r = from_hex(data, &ret->data, &ret->length);
	ret->name = r == 0 ? strdup(name) : NULL;
	ret->fd = fd < 0 ? -1 : fd;
	return r < 0 ? r : ret->name ? 0 : -ENOMEM;
}

static int read_all(int fd, char **ret, size_t *ret_length)
{
	_cleanup_free_ char *text = NULL;
	unsigned interrupted = 0;
	struct stat st;
	size_t done = 0;

	if (fstat(fd, &st) < 0 || st.st_size < 0 || st.st_size > FDSTORE_SIZE_MAX + 1024 * 1024)
		return -EBADMSG;
	text = malloc((size_t)st.st_size + 1);
	if (!text)
		return -ENOMEM;
	while (done < (size_t)st.st_size) {
		ssize_t n = pread(fd, text + done, (size_t)st.st_size - done, (off_t)done);

		if (n == 0 || (n < 0 && (errno != EINTR || ++interrupted > EINTR_TRIES)))
			return -EIO;
		done += n > 0 ? (size_t)n : 0;
	}
	text[done] = '\0';
	*ret = steal_pointer(text);
	*ret_length = done;
	return 0;
}

static int take_entries(const json_t *root, int (*add)(const struct handed *h))
{
	const json_t *entries = json_object_get(root, "entries"), *entry;
	size_t i;

	if (json_integer_value(json_object_get(root, "version")) != HANDOVER_VERSION ||
	    !json_is_array(entries))
		return -EBADMSG;
	json_array_foreach(entries, i, entry)
	{
		struct handed one = {.fd = -1};
		int r = take_entry(entry, &one);

		if (r == 0)
			r = add(&one);
		if (r < 0) {
			free(one.name);
			free(one.data);
			return r;
		}
	}
	return 0;
}

int handover_read(int (*add)(const struct handed *h))
{
	const char *number = getenv(HANDOVER_VARIABLE);
	_cleanup_free_ char *text = NULL;
	_cleanup_close_ int fd = -1;
	size_t length;
	json_t *root;
	int r;

	if (!number)
		return 0;
	fd = (int)strtol(number, NULL, 10);
	(void)unsetenv(HANDOVER_VARIABLE);
	if (fd <= STDERR_FILENO)
		return -EBADMSG;
	r = read_all(fd, &text, &length);
	if (r < 0)
		return r;
	root = json_loadb(text, length, 0, NULL);
	r = root ? take_entries(root, add) : -EBADMSG;
	json_decref(root);
	return r;
}
