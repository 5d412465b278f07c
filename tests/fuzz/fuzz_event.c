/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Events of the kernel. The input is a row of messages as one recvmsg() would bring them, of any type;
 * each is copied into memory of exactly its size. What is decoded keeps the promises of event.h, and its
 * text is one line that can be shown.
 */
#include "event.h"

#include <linux/rtnetlink.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_text(const struct event *e, const char *ifname)
{
	char *text = event_to_string(e, ifname);
	const char *object = event_object_to_string(e->object);

	check(text && text_is_clean(text, strlen(text)) && !strchr(text, '\n'));
	check(str_starts_with(text, object) && text[strlen(object)] == ' ');
	free(text);
}

static void check_event(const struct nlmsghdr *h)
{
	struct event e, untouched;
	int r;

	memset(&e, 0x5a, sizeof(e));
	untouched = e;
	r = event_decode(h, &e);
	if (r < 0) {
		check(memcmp(&e, &untouched, sizeof(e)) == 0);
		return;
	}
	check(r == 0 && e.object <= EVENT_SYSCTL && e.ifindex >= 0);
	check(e.change == EVENT_SET || e.change == EVENT_REMOVED);
	check(!e.replaced || (e.object == EVENT_ROUTE && e.change == EVENT_SET));
	check_text(&e, "");
	check_text(&e, "eth0");
	check_text(&e, "\x01\xff");
	event_clear(&e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	while (size >= NLMSG_HDRLEN) {
		struct nlmsghdr *h;
		uint32_t length;

		memcpy(&length, data, sizeof(length));
		if (length < NLMSG_HDRLEN || length > size)
			length = (uint32_t)size;
		h = malloc(length);
		if (!h)
			return 0;
		memcpy(h, data, length);
		h->nlmsg_len = length;
		check_event(h);
		free(h);
		length = NLMSG_ALIGN(length) < size ? NLMSG_ALIGN(length) : (uint32_t)size;
		data += length;
		size -= length;
	}
	return 0;
}
