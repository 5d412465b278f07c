/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Typed key tables (struct conf_key of plugin.h): parse, equal, print, netlink. Layer 1; pure. */
#ifndef NETNSD_KEY_H
#define NETNSD_KEY_H

#include "error.h"
#include "netnsd/plugin.h"
#include "str.h"

#include <netlink/attr.h>
#include <netlink/msg.h>

/* Index of `name` in the table, or -ENOENT. A NULL table is empty. */
int key_find(const struct conf_key *table, const char *name);

/* Reads `value` into the field. An empty value resets a list, and clears any other field back to
 * zero (the caller clears the `set` bit: returns 1 then, 0 when set). -EINVAL with *err saying
 * what was expected ("expected a number from 1 to 4094"), -ENOMEM. The field is untouched on error. */
int key_parse(const struct conf_key *key, void *config, const char *value, struct error *err);

bool key_equal(const struct conf_key *key, const void *a, const void *b);
/* Appends the value as it would be written after '='; lists as separate "KEY=..." are the
 * caller's business: words are joined by a space, quoted where needed. */
void key_print(const struct conf_key *key, const void *config, struct strbuf *out);

/* Puts every set key with a wire form into msg. 0 or -EMSGSIZE. */
int key_table_put(const struct conf_key *table, const void *config, uint64_t set, struct nl_msg *msg);
/* Compares every set key with a wire form with the kernel's IFLA_INFO_DATA (NULL: nothing known, all
 * differ). Returns SAME, CHANGE or RECREATE (a FIXED key differs), and for the first difference of the
 * greatest weight a text "Mode bridge, declared private" in *reason. */
enum verdict key_table_compare(const struct conf_key *table, const void *config, uint64_t set,
			       const struct nlattr *data, struct error *reason);
/* Reads the kernel's value of one key into config. 0, -ENOENT (not reported), -EINVAL (bad length). */
int key_from_attr(const struct conf_key *key, void *config, const struct nlattr *data);
/* First required key that is not set, or NULL. */
const struct conf_key *key_table_missing(const struct conf_key *table, uint64_t set);
/* Checks that the table itself is sound (offsets inside config_size, wire fits type ...): for
 * plugins. 0 or -EINVAL with the row named. */
int key_table_verify(const struct conf_key *table, size_t config_size, struct error *err);
/* Frees what strings and vectors own. */
void key_table_free(const struct conf_key *table, void *config);

#endif
