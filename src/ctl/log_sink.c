/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a container printed, on its way to whoever reads it. The container is not trusted: on a terminal its
 * control sequences are left out, colours too, and other control characters become '?'. */
#include "ctl.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define CSI_MAX	      64    /* a longer sequence is none */
#define OSC_MAX	      1024  /* likewise; titles, and what systemd tells of its units */
#define JSON_LINE_MAX 65536 /* bytes; a longer line comes in pieces */

enum { TEXT, ESCAPE, CSI, OSC, OSC_ESCAPE, C2 };

/* C1 control characters: two bytes of UTF-8, also when what was between them is left out; one elsewhere. */
static bool is_c1(const struct log_sink *s, unsigned char byte)
{
	return byte >= 0x80 && byte < 0xa0 && (s->last == 0xc2 || !s->c->utf8);
}

static void put(struct log_sink *s, unsigned char byte)
{
	if (s->cr && byte != '\n') /* a lone one would go back over what is there */
		putchar('?');
	s->cr = byte == '\r';
	if (s->cr)
		return;
	if ((byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7f || is_c1(s, byte))
		byte = '?';
	putchar(byte);
	s->last = byte;
}

/* False: the byte begins something new. */
static bool take_sequence(struct log_sink *s, unsigned char byte)
{
	switch (s->state) {
	case ESCAPE:
		s->state = byte == '[' ? CSI : byte == ']' ? OSC : TEXT;
		s->length = 0;
		if (s->state != TEXT)
			return true;
		put(s, '?');
		return false;
	case CSI:
		if (byte >= 0x20 && byte < 0x40 && s->length++ < CSI_MAX)
			return true;
		s->state = TEXT;
		return byte >= 0x40 && byte < 0x7f;
	case OSC:
		if (byte == 0x1b) {
			s->state = OSC_ESCAPE;
			return true;
		}
		if (byte >= 0x20 && s->length++ < OSC_MAX)
			return true;
		s->state = TEXT;
		return byte == '\a';
	case OSC_ESCAPE: s->state = TEXT; return byte == '\\';
	default: /* C2: 0x80 to 0x9f after it are control characters */
		s->state = TEXT;
		if (byte >= 0x80 && byte < 0xa0) {
			put(s, '?');
			return true;
		}
		put(s, 0xc2);
		return false;
	}
}

static void put_safe(struct log_sink *s, unsigned char byte)
{
	if (s->state != TEXT && take_sequence(s, byte))
		return;
	if (byte == 0x1b)
		s->state = ESCAPE;
	else if (byte == 0xc2)
		s->state = C2;
	else
		put(s, byte);
}

static void print_json(const struct log_sink *s, uint64_t usec, const char *data, size_t length)
{
	json_t *text = json_stringn(data, length), *o;
	_cleanup_free_ char *escaped = text ? NULL : str_escape(data, length);

	if (!text)
		text = json_string(escaped ? escaped : "?");
	o = usec ? json_pack("{s:I, s:o}", "time", (json_int_t)usec, "text", text)
		 : json_pack("{s:o}", "text", text);
	(void)output_json(s->c, o);
}

static void json_bytes(struct log_sink *s, const char *data, size_t length)
{
	while (length > 0) {
		const char *end = memchr(data, '\n', length);
		size_t n = end ? (size_t)(end - data) : length;

		strbuf_append(&s->line, data, n);
		if (end || s->line.length >= JSON_LINE_MAX) {
			if (s->line.data)
				print_json(s, 0, s->line.data, s->line.length);
			else
				print_json(s, 0, "", 0);
			strbuf_free(&s->line);
		}
		n += end ? 1 : 0;
		data += n;
		length -= n;
	}
}

static void begin(struct log_sink *s)
{
	if (s->heading && !s->any)
		putchar('\n');
	s->any = true;
}

void log_sink_bytes(struct log_sink *s, const char *data, size_t length)
{
	if (length == 0)
		return;
	begin(s);
	if (s->c->json != JSON_MODE_OFF)
		json_bytes(s, data, length);
	else if (!s->c->terminal)
		(void)fwrite(data, 1, length, stdout);
	else
		for (size_t i = 0; i < length; i++)
			put_safe(s, (unsigned char)data[i]);
}

void log_sink_entry(struct log_sink *s, uint64_t usec, const char *from, const char *data, size_t length)
{
	time_t t = (time_t)(usec / 1000000);
	char time[32] = "";
	struct tm tm;

	if (s->c->json != JSON_MODE_OFF) {
		print_json(s, usec, data, length);
		return;
	}
	begin(s);
	if (usec && localtime_r(&t, &tm) && strftime(time, sizeof(time), "%b %d %H:%M:%S", &tm) > 0)
		printf("%s ", time);
	if (from)
		printf("%s: ", from);
	log_sink_bytes(s, data, length);
	if (length == 0 || data[length - 1] != '\n')
		log_sink_bytes(s, "\n", 1);
	s->state = TEXT; /* what one entry leaves open is not the next one's */
}

void log_sink_flush(struct log_sink *s)
{
	(void)s;
	if (fflush(stdout) != 0 || ferror(stdout)) {
		ctl_error("cannot write the output: %s", strerror(errno));
		_exit(CTL_FAILED);
	}
}

/* The last line may have no end: a prompt, or what is being written just now. */
void log_sink_done(struct log_sink *s)
{
	if (s->c->json != JSON_MODE_OFF && s->line.length > 0)
		print_json(s, 0, s->line.data, s->line.length);
	strbuf_free(&s->line);
}
