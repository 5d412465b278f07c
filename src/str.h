/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Strings: builder, vectors, names, escapes. Layer 0; pure. */
#ifndef NETNSD_STR_H
#define NETNSD_STR_H

#include <net/if.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A growing string. Zero-initialise. `failed` is set by the first allocation that failed and
 * kept: check once at the end. */
struct strbuf {
	char *data; /* NUL-terminated when not NULL */
	size_t length, capacity;
	bool failed;
};

void strbuf_append(struct strbuf *b, const char *text, size_t length);
void strbuf_puts(struct strbuf *b, const char *text);
void strbuf_printf(struct strbuf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Hands the string to the caller ("" when nothing was added); NULL when an allocation failed. */
char *strbuf_finish(struct strbuf *b);
void strbuf_free(struct strbuf *b);

/* NULL-terminated vectors of owned strings. NULL is the empty vector. */
size_t strv_length(char *const *v);
int strv_push(char ***v, const char *text); /* copies; 0 or -ENOMEM */
bool strv_contains(char *const *v, const char *text);
bool strv_equal(char *const *a, char *const *b);
int strv_copy(char *const *v, char ***ret);
char *strv_join(char *const *v, const char *separator); /* owned; NULL: no memory */
void strv_free(char **v);
void strv_freep(char ***v); /* for _cleanup_() */

bool str_equal(const char *a, const char *b); /* NULL equals NULL only */
bool str_starts_with(const char *text, const char *prefix);
bool str_ends_with(const char *text, const char *suffix);
int str_replace(char **field, const char *value); /* frees, copies; value NULL clears */

/* Letters, digits and -_.:+@, not beginning with . or -, 1 to 200 characters (short enough for a
 * file name with suffix): the names netnsd makes itself (CONFIG "Files"). */
bool netns_name_is_valid(const char *name);
/* What the kernel takes as an interface name: 1 to 15 bytes, no '/', ':' , white space, control
 * or '%', not "." or "..". */
bool ifname_is_valid(const char *name);

/* The interface name for a wanted name of any length: itself when it fits in 15 characters, else
 * a stable one of at most 15 (readable head, hash tail). */
void ifname_shorten(const char *wanted, char ret[IFNAMSIZ]);

/* 64-bit FNV-1a; stable between versions because generated names and pools depend on it. */
uint64_t str_hash(const char *text);
/* The same for several pieces: begins with HASH_START. */
#define HASH_START UINT64_C(0xcbf29ce484222325)
uint64_t hash_more(uint64_t hash, const void *data, size_t length);

/* What an instance name of a systemd unit stands for: \xNN is a byte, and - is itself, not a /, which no name
 * of ours has. Owned. -EINVAL, -ENOMEM. */
int unit_instance_unescape(const char *instance, char **ret);

/* Printable form of foreign bytes: C escapes for everything outside printable ASCII. Owned. */
char *str_escape(const char *text, size_t length);

/* Formats into `buffer`: what does not fit ends in "..." (never inside a character), control
 * characters become '?'. Always NUL-terminated; returns the length. `size` is at least 4. */
size_t str_vformat(char *buffer, size_t size, const char *format, va_list args)
	__attribute__((format(printf, 3, 0)));
size_t str_format(char *buffer, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Length of the UTF-8 character at `text` (1 to 4), its code point in *ret (may be NULL); 0: not
 * UTF-8 (overlong, surrogate, beyond U+10FFFF, cut off). */
size_t utf8_decode(const char *text, size_t length, uint32_t *ret);
/* Valid UTF-8 without control characters but tab. */
bool text_is_clean(const char *text, size_t length);

/* The word of `candidates` that was probably meant (Damerau-Levenshtein, case ignored), or NULL. */
const char *str_nearest(const char *word, const char *const *candidates);

#endif
