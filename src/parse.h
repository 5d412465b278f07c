/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text to value, the systemd way. Layer 0; pure. 0, or -EINVAL / -ERANGE; ret_ untouched then. */
#ifndef NETNSD_PARSE_H
#define NETNSD_PARSE_H

#include "netnsd/plugin.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define USEC_INFINITY UINT64_MAX

int parse_bool(const char *text, bool *ret);
int parse_u64(const char *text, uint64_t *ret); /* decimal, 0x, 0 octal; no sign, no blanks */
int parse_s64(const char *text, int64_t *ret);
int parse_size(const char *text, uint64_t *ret); /* "64K", "1.5M"; base 1024 */
int parse_usec(const char *text, uint64_t *ret); /* systemd.time(7): "1min 30s", "5", "infinity" */
/* "TERM", "SIGTERM", "RTMIN+3", "15". -ERANGE: a number that is no signal. */
int parse_signal(const char *text, int *ret);
int parse_mac(const char *text, struct netnsd_mac *ret);
int parse_ip(const char *text, struct netnsd_ip *ret);
int parse_prefix(const char *text, struct netnsd_prefix *ret); /* without /N: 32 or 128 */

/* Splits into words: white space separates, C-style quoting and escapes as systemd.syntax(7)
 * says. -EINVAL for an unbalanced quote or bad escape, -ENOMEM. Appends to *words. */
int parse_words(const char *text, char ***words);
/* Bytes with the same escapes, NUL among them: an owned copy with one more NUL behind it. -EINVAL, -ENOMEM.
 */
int parse_escaped(const char *text, char **ret, size_t *ret_length);

/* Shortest exact text; `ret` of at least FORMAT_MAX bytes. All return ret. */
#define FORMAT_MAX 96
char *format_usec(uint64_t usec, char *ret);
char *format_size(uint64_t bytes, char *ret);
char *format_signal(int signal, char *ret); /* "SIGTERM", "SIGRTMIN+3" */
char *format_mac(const struct netnsd_mac *mac, char *ret);
char *format_ip(const struct netnsd_ip *ip, char *ret);
char *format_prefix(const struct netnsd_prefix *prefix, char *ret); /* always with /N */

bool ip_equal(const struct netnsd_ip *a, const struct netnsd_ip *b);
bool prefix_equal(const struct netnsd_prefix *a, const struct netnsd_prefix *b);
/* Host bits cleared. */
struct netnsd_prefix prefix_masked(const struct netnsd_prefix *p);
bool prefix_contains(const struct netnsd_prefix *p, const struct netnsd_ip *ip);
static inline unsigned ip_length(uint8_t family) /* bytes; 0 for AF_UNSPEC */
{
	return family == 2 ? 4 : family == 10 ? 16 : 0;
}

#endif
