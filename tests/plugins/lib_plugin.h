/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tests of plugins share: opens a built .so, sets keys by text as the configuration does,
 * builds the message as a request does, and compares with IFLA_INFO_DATA made by hand. */
#ifndef TEST_LIB_PLUGIN_H
#define TEST_LIB_PLUGIN_H

#include "error.h"
#include "netnsd/plugin.h"

#include <netlink/attr.h>
#include <netlink/msg.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Directory of the built plugins: NETNSD_PLUGIN_PATH. */
const char *plugin_directory(void);
/* NAME.so of it; a test that cannot open it fails. */
const struct netnsd_plugin *plugin_open(const char *name);
const struct link_kind *plugin_kind(const char *name);	      /* its only kind */
const struct address_source *plugin_source(const char *name); /* its only address source */

/* --- a link as declared --- */
struct sample {
	const struct link_kind *kind;
	struct netnsd_link link; /* view of config and set; tests may add peer or parent_ifindex */
	void *config;
};

struct sample *sample_new(const struct link_kind *kind);
void sample_free(struct sample *s);
/* Sets a key by its text. Fails the test when it is refused. */
void sample_set(struct sample *s, const char *key, const char *value);
/* The text is refused; the error has `part` in it. */
void sample_refuses(struct sample *s, const char *key, const char *value, const char *part);
void sample_verifies(struct sample *s);
void sample_verify_refuses(struct sample *s, const char *part);

/* --- messages --- */
/* A message with one nest, as IFLA_INFO_DATA. */
struct data {
	struct nl_msg *msg;
	const struct nlattr *nest;
};
/* What a request would send: plain keys (without the fixed ones on a change) and fill(). */
struct data sample_data(const struct sample *s, bool change);
void data_free(struct data *d);
const struct nlattr *data_find(const struct data *d, int type); /* or NULL */
unsigned data_count(const struct data *d);			/* attributes */
void data_has_u8(const struct data *d, int type, uint8_t value);
void data_has_u16(const struct data *d, int type, uint16_t value);
void data_has_u32(const struct data *d, int type, uint32_t value);
void data_has_bytes(const struct data *d, int type, const void *bytes, size_t length);

/* By hand: data_begin(), nla_put_*(), data_end(). */
struct nl_msg *data_begin(void);
struct data data_end(struct nl_msg *msg);

/* The verdict as reconcile forms it, from the table and compare(); `reason` has `part` in it (NULL: none).
 * The data are freed. */
void sample_compares(const struct sample *s, struct data d, enum verdict expected, const char *part);
void sample_compares_nothing(const struct sample *s, enum verdict expected); /* the kernel reports no data */
/* What is sent is, when it comes back, the same. */
void sample_is_stable(const struct sample *s);

#endif
