/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Output for people and programs: colours, pager, JSON, text made safe, times. */
#include "ctl.h"
#include "parse.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>

/* --- colours --------------------------------------------------------------------------------- */

bool colors_wanted(int fd)
{
	const char *wish = getenv("SYSTEMD_COLORS"), *no = getenv("NO_COLOR"), *term = getenv("TERM");
	bool value;

	if (wish && *wish &&
	    !str_starts_with(wish, "auto-")) /* "auto-16", systemd 255: as if it were not set */
		return parse_bool(wish, &value) < 0 || value; /* "16", "256", "24bit": yes */
	if (no && *no)
		return false;
	return isatty(fd) && term && strcmp(term, "dumb") != 0;
}

static bool colors_16(void)
{
	const char *wish = getenv("SYSTEMD_COLORS");

	return wish && (strcmp(wish, "16") == 0 || strcmp(wish, "auto-16") == 0);
}

const char *color_sequence(enum color color)
{
	switch (color) {
	case COLOR_RED: return "\033[0;1;31m";
	case COLOR_GREEN: return "\033[0;1;32m";
	case COLOR_YELLOW: return "\033[0;1;33m";
	case COLOR_GREY: return colors_16() ? "\033[0;90m" : "\033[0;38;5;245m";
	case COLOR_BOLD: return "\033[0;1m";
	default: return NULL;
	}
}

const char *color_on(const struct ctl *c, enum color color)
{
	return c->colors && color != COLOR_NONE ? color_sequence(color) : "";
}

const char *color_off(const struct ctl *c)
{
	return c->colors ? "\033[0m" : "";
}

/* --- pager ----------------------------------------------------------------------------------- */

static pid_t pager_pid = -1;

static void run_pager(const char *wish)
{
	char **words = NULL;

	/* Without these less waits for a key even when all fits, and shows colours as letters. */
	(void)setenv("LESS", "FRSXMK", 0);
	if (getenv("SUDO_UID") || getuid() != geteuid())
		(void)setenv("LESSSECURE", "1", 1);
	if (wish && parse_words(wish, &words) == 0 && words)
		(void)execvp(words[0], words);
	if (!wish) {
		(void)execlp("less", "less", (char *)NULL);
		(void)execlp("more", "more", (char *)NULL);
	}
	(void)execlp("cat", "cat", (char *)NULL);
	_exit(127);
}

void pager_open(struct ctl *c)
{
	const char *wish = getenv("SYSTEMD_PAGER");
	int fds[2];

	if (!wish)
		wish = getenv("PAGER");
	if (pager_pid > 0 || c->no_pager || !c->terminal || (wish && (!*wish || strcmp(wish, "cat") == 0)))
		return;
	(void)fflush(stdout);
	if (pipe2(fds, O_CLOEXEC) < 0)
		return;
	pager_pid = fork();
	if (pager_pid == 0) {
		if (dup2(fds[0], STDIN_FILENO) < 0)
			_exit(127);
		run_pager(wish);
	}
	if (pager_pid > 0) {
		/* Whoever quits the pager early has seen enough; that is no error. */
		(void)signal(SIGPIPE, SIG_IGN);
		(void)dup2(fds[1], STDOUT_FILENO);
	}
	(void)close(fds[0]);
	(void)close(fds[1]);
}

int output_close(void)
{
	errno = 0;
	if ((fflush(stdout) != 0 || ferror(stdout)) && pager_pid <= 0) {
		if (errno == 0)
			errno = EIO; /* it was an earlier write, and its reason is lost */
		ctl_error("cannot write the output: %m");
		return -EIO;
	}
	if (pager_pid <= 0)
		return 0;
	(void)fclose(stdout);
	while (waitpid(pager_pid, NULL, 0) < 0 && errno == EINTR)
		;
	pager_pid = -1;
	return 0;
}

/* --- text ------------------------------------------------------------------------------------ */

int output_json(const struct ctl *c, json_t *json)
{
	size_t flags = JSON_ENCODE_ANY | (c->json == JSON_MODE_PRETTY ? JSON_INDENT(2) : JSON_COMPACT);
	int r;

	if (!json)
		return ctl_no_memory();
	r = json_dumpf(json, stdout, flags);
	json_decref(json);
	if (r < 0)
		return ferror(stdout) ? CTL_FAILED : ctl_no_memory(); /* output_close() says the first */
	putchar('\n');
	return CTL_DONE;
}

char *text_safe(const char *text, bool lines)
{
	char *copy = strdup(text);

	if (!copy)
		return NULL;
	for (unsigned char *p = (unsigned char *)copy; *p; p++) {
		if (lines && (*p == '\n' || *p == '\t'))
			continue;
		if (*p < 0x20 || *p == 0x7f)
			*p = '?';
		if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0) /* C1 control characters */
			p[0] = p[1] = '?';
	}
	return copy;
}

unsigned terminal_width(void)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	uint64_t n;

	if (columns && parse_u64(columns, &n) == 0 && n >= 20 && n <= 10000)
		return (unsigned)n;
	/* stdout may be the pager's pipe by now */
	if ((ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 || ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0) &&
	    size.ws_col >= 20)
		return size.ws_col;
	return 80;
}

static void print_ago(uint64_t seconds)
{
	static const struct {
		const char *unit;
		uint64_t seconds;
	} units[] = {{"d", 86400}, {"h", 3600}, {"min", 60}, {"s", 1}};
	int shown = 0;

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]) && shown < 2; i++) {
		uint64_t n = seconds / units[i].seconds;

		seconds %= units[i].seconds;
		if (n == 0 && (shown > 0 || units[i].seconds > 1)) {
			if (shown)
				break;
			continue;
		}
		printf("%s%llu%s", shown ? " " : "", (unsigned long long)n, units[i].unit);
		shown++;
	}
	printf(" ago");
}

void print_since(uint64_t usec)
{
	time_t then = (time_t)(usec / 1000000), now = time(NULL);
	char text[64];
	struct tm tm;

	if (!localtime_r(&then, &tm) || strftime(text, sizeof(text), "%a %Y-%m-%d %H:%M:%S %Z", &tm) == 0)
		return;
	printf("%s; ", text);
	print_ago(now > then ? (uint64_t)(now - then) : 0);
}
