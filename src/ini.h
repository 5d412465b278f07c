/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* systemd.syntax(7) bytes to (section, title, key, value, line). Knows nothing of netnsd.
 * Layer 1; pure. */
#ifndef NETNSD_INI_H
#define NETNSD_INI_H

#include <stddef.h>

/* Longest logical line (continuations joined), 64 KiB; a larger one is an error of that line. */
#define INI_LINE_MAX 65536

struct ini_callbacks {
	/* "[Veth eth0]": section "Veth", title "eth0"; "[Namespace]": title NULL. */
	void (*section)(const char *section, const char *title, unsigned line, void *data);
	/* value has leading and trailing white space removed and continuations joined by a space. */
	void (*assign)(const char *key, const char *value, unsigned line, void *data);
	/* A line that is no section, no assignment, no comment; bytes that are not text (NUL, bad
	 * UTF-8, control characters but tab); an assignment before any section. Reading goes on. */
	void (*error)(unsigned line, const char *message, void *data);
};

/* Reads the whole buffer; CRLF, BOM at the start and a missing last newline are fine. 0, -ENOMEM. */
int ini_parse(const char *text, size_t length, const struct ini_callbacks *callbacks, void *data);

#endif
