/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tests of roots share. */
#ifndef NETNSD_LIB_ROOT_H
#define NETNSD_LIB_ROOT_H

#include "lib_kernel.h"
#include "root.h"

#include <sys/stat.h>

#define MIB   ((size_t)1024 * 1024)
#define LOWER "/run/lower"
#define BASE  CONTAINERS_DIRECTORY "/c"
#define ROOT  BASE "/root"

extern const struct container_settings plain; /* a container "c" with nothing in its file */
char *writable(const char *text);

void write_file(const char *path, const char *text, mode_t mode);
const char *read_file(const char *path); /* at most 4095 bytes, until the next call; NULL: cannot be opened */
void make_directory(const char *path, mode_t mode);
void remove_all(const char *path);
struct stat look_at(const char *path);
bool is_there(const char *path);
void make_lower(const char *path); /* a root that nspawn would take */

struct root prepare(const struct container_settings *c);
void finish(struct root *r, const char *name); /* removes it, twice, and looks whether it is gone */
/* root_prepare() says this, and leaves nothing. */
void refused(const struct container_settings *c, int error, const char *text);

/* Every test begins with nothing in /run, and leaves no descriptor and no mount. */
int root_begin(void **state);
int root_end(void **state);
#define root_test(f) cmocka_unit_test_setup_teardown(f, root_begin, root_end)
/* sandbox_enter(), and a /var/lib of its own. */
void root_sandbox(void);

#endif
