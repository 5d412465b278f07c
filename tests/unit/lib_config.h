/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tests of the configuration loader share: kinds and sources that need no plugin, a
 * directory tree that goes with the test, and checks on what was told. */
#ifndef NETNSD_TEST_LIB_CONFIG_H
#define NETNSD_TEST_LIB_CONFIG_H

#include "config_load.h"
#include "diag.h"

/* veth (pair), bridge (master, at most 1023 ports), macvlan (needs a parent), vrf, and the sources
 * Address= and AddressPool=. */
struct registry *config_test_registry(void);

struct scene {
	char root[64];
	char directories_text[4][128];
	const char *directories[5]; /* ROOT/etc, ROOT/run/transient, ROOT/local, ROOT/lib */
	struct config_request request;
	struct desired *desired;
	struct diags diags;
};

int scene_setup(void **state);
int scene_teardown(void **state);
/* Writes ROOT/path, with its directories. */
void scene_write(struct scene *s, const char *path, const char *text);
void scene_link(struct scene *s, const char *target, const char *path);
const char *scene_path(const struct scene *s, const char *path); /* valid until the next call */
void scene_load(struct scene *s);
/* Loads and fails the test, printing them, when there are errors. */
void scene_load_good(struct scene *s);
struct netns *scene_netns(struct scene *s, const char *name);
struct link *scene_find_link(struct scene *s, const char *netns, const char *name);

/* The diagnostic of this severity whose text holds all of the words (NULL-terminated), or fails. */
void scene_expect(const struct scene *s, enum diag_severity severity, ...) __attribute__((sentinel));
void scene_expect_count(const struct scene *s, size_t errors);

#endif
