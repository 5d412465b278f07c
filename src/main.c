/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* netnsd: argv, loop, manager and socket; everything else is the manager's. */
#include "api.h"
#include "enter.h"
#include "fdstore.h"
#include "log.h"
#include "loop.h"
#include "manager.h"
#include "reexec.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SOCKET_PATH "/run/netnsd/io.netnsd"

static void usage(void)
{
	puts("netnsd [OPTIONS]\n"
	     "\n"
	     "The network manager for named network namespaces.\n"
	     "\n"
	     "  -h --help              Show this help\n"
	     "     --version           Show the version\n"
	     "     --log-level=LEVEL   err, warning, notice, info, debug (also LogLevel= in netnsd.conf)\n"
	     "\n"
	     "See netnsd(8), netnsd.netns(5) and netnsctl(1).");
}

/* 0: go on; 1: done, exit 0; -EINVAL: wrong usage. */
static int parse_argv(int argc, char *argv[], int *ret_level)
{
	static const struct option options[] = {{"help", no_argument, NULL, 'h'},
						{"version", no_argument, NULL, 'v'},
						{"log-level", required_argument, NULL, 'l'},
						{NULL, 0, NULL, 0}};
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0)
		switch (c) {
		case 'h': usage(); return 1;
		case 'v': puts("netnsd " NETNSD_VERSION); return 1;
		case 'l':
			if (log_level_from_string(optarg, ret_level) == 0)
				break;
			log_error("--log-level=%s: expected err, warning, notice, info or debug", optarg);
			return -EINVAL;
		default: return -EINVAL;
		}
	if (optind < argc) {
		log_error("netnsd takes no arguments; %s was given", argv[optind]);
		return -EINVAL;
	}
	return 0;
}

/* libev aborts when it has no memory, and would without a word. */
static void on_syserr(const char *message)
{
	log_error("event loop: %s: %s", message, strerror(errno));
	abort();
}

static int run(struct ev_loop *loop, int level)
{
	struct manager *m = NULL;
	struct api *api = NULL;
	struct error err = {0};
	int r = manager_new(loop, &m);

	if (r == 0)
		r = manager_start(m, &err);
	if (r == 0 && level >= 0)
		log_set_level(level);
	if (r == 0)
		r = api_start(m, SOCKET_PATH, m->settings.socket_mode, fdstore_take_listener(), &err, &api);
	if (r < 0)
		log_error("%s", err.code ? err.text : strerror(-r));
	else
		loop_run(loop);
	while (r == 0 && m->reexec) {
		reexec(m, api); /* returns when it failed */
		loop_run(loop);
	}
	if (m)
		m->state = MANAGER_STOPPING; /* what is under way comes to its end, and starts nothing more */
	if (r == 0 && m->failed)
		r = -EIO;
	api_free(api);
	manager_free(m);
	return r;
}

int main(int argc, char *argv[])
{
	struct ev_loop *loop;
	int level = -1, r;

	if (argc > 1 && strcmp(argv[1], ENTER_OPTION) == 0)
		return enter_main(argc, argv);
	reexec_remember(argv);
	r = parse_argv(argc, argv, &level);
	if (r != 0)
		return r < 0 ? 2 : EXIT_SUCCESS;
	if (fdstore_begin() < 0)
		log_warning(
			"what systemd, or the program before this one, handed over cannot be read; going on "
			"without it");
	(void)signal(SIGPIPE, SIG_IGN);
	ev_set_syserr_cb(on_syserr);
	/* Not the default loop: that one reaps every child behind our back. */
	loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
	if (!loop) {
		log_error("could not make an event loop");
		return EXIT_FAILURE;
	}
	r = run(loop, level);
	ev_loop_destroy(loop);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
