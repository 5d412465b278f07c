/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Errors with a sentence. The text is built aside first, because the arguments may point into the
 * very error that is being filled. */
#include "error.h"

#include "str.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int error_set(struct error *e, int code, const char *format, ...)
{
	char text[sizeof(e->text)];
	va_list args;

	if (!e)
		return code;
	va_start(args, format);
	(void)str_vformat(text, sizeof(text), format, args);
	va_end(args);
	memcpy(e->text, text, sizeof(text));
	e->code = code;
	return code;
}

int error_prefix(struct error *e, int code, const char *format, ...)
{
	char prefix[sizeof(e->text)], text[sizeof(e->text)];
	va_list args;

	if (!e)
		return code;
	va_start(args, format);
	(void)str_vformat(prefix, sizeof(prefix), format, args);
	va_end(args);
	if (e->text[0]) {
		(void)str_format(text, sizeof(text), "%s: %s", prefix, e->text);
	} else {
		int saved_errno = errno;

		errno = code < 0 ? -code : code; /* %m, because strerror() is not for threads */
		(void)str_format(text, sizeof(text), "%s: %m", prefix);
		errno = saved_errno;
	}
	memcpy(e->text, text, sizeof(text));
	e->code = code;
	return code;
}
