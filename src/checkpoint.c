/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The directory of the checkpoint: written beside the old one and exchanged with it, so that there is
 * always a whole one or none. In /run: a reboot forgets it, and the files on disk are the truth again. */
#include "checkpoint.h"

#include "cleanup.h"
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NEW_DIRECTORY CHECKPOINT_DIRECTORY ".new"
#define STATE	      "state"
#define TREE_DEPTH    8 /* descriptors for walking */

/* --- lists of files ----------------------------------------------------------------------------- */

int checkpoint_files_add(struct checkpoint_files *f, char *path, char *text)
{
	struct checkpoint_file *grown =
		path && text ? reallocarray(f->files, f->n + 1, sizeof(*grown)) : NULL;

	if (!grown) {
		free(path);
		free(text);
		return -ENOMEM;
	}
	f->files = grown;
	grown[f->n++] = (struct checkpoint_file){path, text};
	return 0;
}

void checkpoint_files_clear(struct checkpoint_files *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->files[i].path);
		free(f->files[i].text);
	}
	free(f->files);
	*f = (struct checkpoint_files){0};
}

/* --- writing ------------------------------------------------------------------------------------ */

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	(void)st;
	(void)walk;
	if ((type == FTW_DP ? rmdir(path) : unlink(path)) < 0 && errno != ENOENT)
		return -errno;
	return 0;
}

static int remove_tree(const char *path)
{
	int r = nftw(path, remove_entry, TREE_DEPTH, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);

	if (r < 0 && errno == ENOENT)
		return 0;
	return r == -1 && errno ? -errno : r;
}

static int make_parents(int directory, const char *path)
{
	char part[512];

	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		if ((size_t)(slash - path) >= sizeof(part))
			return -ENAMETOOLONG;
		memcpy(part, path, (size_t)(slash - path));
		part[slash - path] = '\0';
		if (mkdirat(directory, part, 0700) < 0 && errno != EEXIST)
			return -errno;
	}
	return 0;
}

static int write_file(int directory, const char *path, const char *text)
{
	const size_t length = strlen(text);
	_cleanup_close_ int fd =
		openat(directory, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = write(fd, text, length);
	if (n < 0)
		return -errno;
	return (size_t)n == length ? 0 : -ENOSPC;
}

static int write_all(const struct checkpoint_files *f)
{
	_cleanup_close_ int directory = -1;
	int r = remove_tree(NEW_DIRECTORY);

	if (r == 0 && mkdir(NEW_DIRECTORY, 0700) < 0)
		r = -errno;
	if (r < 0)
		return r;
	directory = open(NEW_DIRECTORY, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (directory < 0)
		return -errno;
	for (size_t i = 0; r == 0 && i < f->n; i++) {
		r = make_parents(directory, f->files[i].path);
		if (r == 0)
			r = write_file(directory, f->files[i].path, f->files[i].text);
	}
	return r;
}

int checkpoint_write(const struct checkpoint_files *f, struct error *err)
{
	int r = write_all(f);

	if (r == 0 && rename(NEW_DIRECTORY, CHECKPOINT_DIRECTORY) < 0) {
		if (errno != ENOTEMPTY && errno != EEXIST)
			r = -errno;
		else if (renameat2(AT_FDCWD, NEW_DIRECTORY, AT_FDCWD, CHECKPOINT_DIRECTORY, RENAME_EXCHANGE) <
			 0)
			r = -errno;
	}
	(void)remove_tree(NEW_DIRECTORY);
	return r < 0 ? error_set(err, r, "could not write %s: %s; nothing was changed", CHECKPOINT_DIRECTORY,
				 strerror(-r))
		     : 0;
}

int checkpoint_write_state(const struct checkpoint *c, struct error *err)
{
	_cleanup_free_ char *text = checkpoint_print(c);
	_cleanup_close_ int directory =
		open(CHECKPOINT_DIRECTORY, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int r = text ? 0 : -ENOMEM;

	if (r == 0 && directory < 0)
		r = -errno;
	if (r == 0)
		r = write_file(directory, STATE ".new", text);
	if (r == 0 && renameat(directory, STATE ".new", directory, STATE) < 0)
		r = -errno;
	return r < 0 ? error_set(err, r, "could not write %s/%s: %s", CHECKPOINT_DIRECTORY, STATE,
				 strerror(-r))
		     : 0;
}

int checkpoint_remove(void)
{
	if (unlink(CHECKPOINT_DIRECTORY "/" STATE) < 0 && errno != ENOENT && errno != ENOTDIR)
		return -errno;
	return remove_tree(CHECKPOINT_DIRECTORY);
}

/* --- reading ------------------------------------------------------------------------------------- */

/* 0 with *ret NULL: there is no such file. */
static int read_file(const char *name, char **ret, size_t *ret_length)
{
	char path[600];
	int r;

	*ret = NULL;
	(void)snprintf(path, sizeof(path), "%s/%s", CHECKPOINT_DIRECTORY, name);
	r = file_read(path, CHECKPOINT_FILE_MAX, ret, ret_length);
	return r == -ENOENT ? 0 : r;
}

int checkpoint_read(struct checkpoint *ret, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	size_t length = 0;
	int r = read_file(STATE, &text, &length);

	*ret = (struct checkpoint){0};
	if (r == 0 && !text)
		return 0;
	if (r == 0)
		r = checkpoint_parse(text, length, ret);
	if (r == 0)
		return 0;
	return error_set(err, -EBADMSG, "%s/%s cannot be read: %s", CHECKPOINT_DIRECTORY, STATE,
			 r == -EINVAL ? "it is damaged, or of another version" : strerror(-r));
}

char *checkpoint_read_file(const char *name)
{
	size_t length;
	char *text;

	return read_file(name, &text, &length) < 0 ? NULL : text;
}

/* --- the boot -------------------------------------------------------------------------------------- */

/* It does not change, and later it might not be to be had. */
bool checkpoint_boot_id(char ret[40])
{
	static char known[40];
	_cleanup_fclose_ FILE *f = known[0] ? NULL : fopen("/proc/sys/kernel/random/boot_id", "re");

	char text[sizeof(known)];

	if (f && fgets(text, sizeof(text), f)) {
		text[strcspn(text, "\n")] = '\0';
		strcpy(known, text);
	}
	strcpy(ret, known[0] ? known : "unknown");
	return known[0] != '\0';
}
