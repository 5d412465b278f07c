/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* netnsctl edit: an editor on a copy; what it leaves is checked together with all other files, and
 * put in place only when it brings no new error. */
#include "config_load.h"
#include "ctl.h"
#include "parse.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

struct edit {
	const char *name; /* as it was typed */
	struct object_name object;
	char *directory; /* where the copy lies; has the right file name, for the check */
	char *copy;
	char *target;
	char *before; /* NULL: there was no file */
	size_t length;
	mode_t mode;
	bool keep; /* the copy has work in it that must not be lost */
};

static void edit_done(struct edit *e)
{
	if (e->copy && !e->keep)
		(void)unlink(e->copy);
	if (e->directory && !e->keep)
		(void)rmdir(e->directory);
	free(e->directory);
	free(e->copy);
	free(e->target);
	free(e->before);
}

static int write_file(const char *path, int flags, mode_t mode, const char *text, size_t length)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | flags, mode);

	if (fd < 0)
		return -errno;
	while (length > 0) {
		ssize_t n = write(fd, text, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		length -= (size_t)n;
	}
	return fchmod(fd, mode) < 0 || fsync(fd) < 0 ? -errno : 0;
}

/* --- the copy -------------------------------------------------------------------------------- */

static int read_present(struct edit *e)
{
	_cleanup_(strv_freep) char **files = NULL;
	struct error err = {0};
	struct stat st;
	int r;

	r = files_of_object(config_directories(), &e->object, &files, &err);
	if (r == -ENOENT)
		return 0;
	if (r >= 0)
		r = ctl_read_file(files[0], &e->before, &e->length, &err);
	if (r < 0) {
		ctl_error("cannot edit '%s': %s", e->name, err.text);
		return CTL_FAILED;
	}
	if (str_equal(files[0], e->target) && stat(e->target, &st) == 0)
		e->mode = st.st_mode & 0755; /* the reader wants no other writers */
	return 0;
}

static int make_copy(struct edit *e)
{
	const char *fresh = e->object.container
				    ? "# See netnsd.container(5).\n[Container]\n\n[Exec]\nBoot=yes\n"
				    : "# See netnsd.netns(5).\n[Namespace]\n";
	const char *tmp = getenv("TMPDIR");
	int r;

	r = read_present(e);
	if (r)
		return r;
	if (asprintf(&e->directory, "%s/netnsctl-XXXXXX", tmp && *tmp == '/' ? tmp : "/tmp") < 0) {
		e->directory = NULL;
		return ctl_no_memory();
	}
	if (!mkdtemp(e->directory)) {
		ctl_error("cannot edit '%s': cannot make %s: %m", e->name, e->directory);
		free(e->directory);
		e->directory = NULL;
		return CTL_FAILED;
	}
	if (asprintf(&e->copy, "%s/%s", e->directory, e->object.file) < 0) {
		e->copy = NULL;
		return ctl_no_memory();
	}
	r = write_file(e->copy, O_EXCL, 0600, e->before ? e->before : fresh,
		       e->before ? e->length : strlen(fresh));
	if (r < 0)
		ctl_error("cannot edit '%s': cannot write %s: %s", e->name, e->copy, strerror(-r));
	return r < 0 ? CTL_FAILED : 0;
}

/* --- the editor ------------------------------------------------------------------------------ */

static void exec_editor(char *copy)
{
	static const char *const variables[] = {"SYSTEMD_EDITOR", "EDITOR", "VISUAL"};
	static const char *const editors[] = {"editor", "nano", "vim", "vi"};

	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
		const char *text = getenv(variables[i]);
		char **words = NULL;

		if (!text || !*text)
			continue;
		if (parse_words(text, &words) < 0 || strv_push(&words, copy) < 0)
			_exit(127);
		(void)execvp(words[0], words);
		ctl_error("cannot run the editor '%s' ($%s): %m", words[0], variables[i]);
		_exit(127);
	}
	for (size_t i = 0; i < sizeof(editors) / sizeof(editors[0]); i++)
		(void)execlp(editors[i], editors[i], copy, (char *)NULL);
	ctl_error("no editor found; set $EDITOR");
	_exit(127);
}

static int run_editor(struct edit *e)
{
	/* Ctrl-C in the editor is for the editor. */
	void (*interrupt)(int) = signal(SIGINT, SIG_IGN);
	int status = 0;
	pid_t pid;

	(void)fflush(NULL);
	pid = fork();
	if (pid == 0) {
		(void)signal(SIGINT, interrupt);
		exec_editor(e->copy);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	(void)signal(SIGINT, interrupt);
	if (pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	ctl_error("the editor failed; '%s' was not changed", e->name);
	return CTL_FAILED;
}

/* --- the check ------------------------------------------------------------------------------- */

static bool diag_known(const struct diags *diags, const struct diag *d)
{
	for (size_t i = 0; i < diags->count; i++) {
		const struct diag *k = &diags->items[i];

		if (str_equal(k->file, d->file) && k->line == d->line && str_equal(k->section, d->section) &&
		    str_equal(k->key, d->key) && str_equal(k->message, d->message))
			return true;
	}
	return false;
}

/* Everything this edit is to blame for: what was not wrong before. */
static void keep_new(const struct diags *before, const struct diags *after, struct diags *ret)
{
	for (size_t i = 0; i < after->count; i++) {
		const struct diag *d = &after->items[i];

		if (!diag_known(before, d))
			diags_add(ret, d->severity, d->object, d->file, d->line, d->section, d->key, "%s",
				  d->message);
	}
	ret->dropped += after->dropped;
}

static const char **directories_with(const char *first)
{
	const char *const *directories = config_directories();
	const char **result;
	size_t n = 0;

	while (directories[n])
		n++;
	result = calloc(n + 2, sizeof(*result));
	if (!result)
		return NULL;
	result[0] = first;
	for (size_t i = 0; i < n; i++)
		result[i + 1] = directories[i];
	return result;
}

static int check_copy(struct edit *e)
{
	_cleanup_free_ const char **directories = directories_with(e->directory);
	struct diags settings = {0}, before = {0}, after = {0}, fresh = {0};
	struct registry registry = {0};
	struct error err = {0};
	int r;

	r = directories ? registry_load(&registry, config_directories(), &settings, &err) : -ENOMEM;
	if (r >= 0)
		r = files_load(&registry, config_directories(), NULL, &before);
	if (r >= 0)
		r = files_load(&registry, directories, NULL, &after);
	if (r >= 0)
		keep_new(&before, &after, &fresh);
	diags_print(stderr, &fresh);
	if (r < 0)
		ctl_error("cannot check the result: %s; it is kept in %s",
			  err.text[0] ? err.text : strerror(-r), e->copy);
	else if (fresh.errors > 0)
		ctl_error("'%s' was not changed, because the result has errors; it is kept in %s", e->name,
			  e->copy);
	r = r < 0 || fresh.errors > 0 ? CTL_FAILED : 0;
	diags_free(&settings);
	diags_free(&before);
	diags_free(&after);
	diags_free(&fresh);
	registry_free(&registry);
	return r;
}

/* --- putting it in place --------------------------------------------------------------------- */

static int replace(const struct edit *e, const char *text, size_t length)
{
	_cleanup_free_ char *fresh = NULL;
	int r;

	/* Not a name the daemon would read while it is being written. */
	if (asprintf(&fresh, "%s.new%d", e->target, (int)getpid()) < 0) {
		fresh = NULL;
		return -ENOMEM;
	}
	r = write_file(fresh, O_EXCL, e->mode, text, length);
	if (r >= 0 && rename(fresh, e->target) < 0)
		r = -errno;
	if (r < 0 && r != -EEXIST)
		(void)unlink(fresh);
	return r;
}

static int finish(struct edit *e)
{
	_cleanup_free_ char *text = NULL;
	struct error err = {0};
	size_t length = 0;
	int r;

	if (ctl_read_file(e->copy, &text, &length, &err) < 0) {
		ctl_error("'%s' was not changed: %s", e->name, err.text);
		return CTL_FAILED;
	}
	if (e->before && length == e->length && memcmp(text, e->before, length) == 0) {
		printf("%s: unchanged\n", e->target);
		return CTL_DONE;
	}
	e->keep = true;
	r = check_copy(e);
	if (r)
		return r;
	r = replace(e, text, length);
	if (r < 0) {
		ctl_error("cannot write %s: %s; the result is kept in %s", e->target, strerror(-r), e->copy);
		return CTL_FAILED;
	}
	e->keep = false;
	printf("%s: written; run 'netnsctl apply' to bring it into effect\n", e->target);
	return CTL_DONE;
}

int verb_edit(struct ctl *c, char **args, int n)
{
	const char *directory = config_directories()[0];
	_cleanup_(edit_done) struct edit e = {.name = args[0], .mode = 0644};
	int r;

	(void)n;
	if (!object_parse(e.name, &e.object)) {
		_cleanup_free_ char *shown = str_escape(e.name, strlen(e.name));

		return ctl_usage_error(c, "'%s' is no name a %s can have; expected letters, digits and %s",
				       shown ? shown : "?", e.object.container ? "container" : "namespace",
				       e.object.container ? "-." : "-_.:+@");
	}
	if (!directory || (mkdir(directory, 0755) < 0 && errno != EEXIST) || access(directory, W_OK) < 0) {
		ctl_error("cannot edit '%s': cannot write to %s: %m", e.name,
			  directory ? directory : "any directory");
		return CTL_FAILED;
	}
	if (asprintf(&e.target, "%s/%s", directory, e.object.file) < 0) {
		e.target = NULL;
		return ctl_no_memory();
	}
	r = make_copy(&e);
	if (!r)
		r = run_editor(&e);
	return r ? r : finish(&e);
}
