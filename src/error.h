/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An error that carries the sentence built where the fact was known. Layer 0.
 * Fixed size, so that reporting "out of memory" needs none. */
#ifndef NETNSD_ERROR_H
#define NETNSD_ERROR_H

/* How often a call that was interrupted is made again: more says that something is broken, and nothing
 * of ours goes round for ever. */
#define EINTR_TRIES 100

struct error {
	int code;	/* negative errno; 0: no error */
	char text[480]; /* one sentence without final stop: what failed, on which object, why */
};

/* Fills *e (NULL is fine) and returns `code`, so that callers write `return error_set(...)`.
 * Text that does not fit ends in "...". Control characters are replaced by '?'. */
int error_set(struct error *e, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Puts "PREFIX: " before the text that is there (the errno's own text if none); returns `code`. */
int error_prefix(struct error *e, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
