/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* io.netnsd.Manager.Reexec, and how the control socket and its clients go from one program to the next. */
#include "api_internal.h"
#include "cleanup.h"
#include "fdstore.h"
#include "log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONNECTION    "connection"
#define LISTENER      "listener"
#define LISTENER_OURS "our-listener" /* beside it: the path is ours to remove */

/* --- the method --------------------------------------------------------------------------------- */

static void asker_gone(struct varlink_call *call)
{
	struct api *a = varlink_call_userdata(call);

	a->reexec = NULL;
	varlink_reply(call, NULL); /* to nobody; lets go of the call */
}

static void refuse(struct varlink_call *call, const struct error *err)
{
	json_t *o = json_object();
	int r = api_put_text(o, "message", err->text);

	api_fail(call, "io.netnsd.Manager.ReexecFailed", api_built(o, r));
}

void api_reexec_failed(struct api *a, const struct error *err)
{
	struct varlink_call *call = a->reexec;

	a->reexec = NULL;
	varlink_server_hold(a->server, false);
	if (call != NULL)
		refuse(call, err);
}

static void refused(const struct error *err, void *data)
{
	api_reexec_failed(data, err);
}

void api_manager_reexec(struct varlink_call *call, json_t *parameters, void *data)
{
	static const struct varlink_parameter spec[] = {
		{"allowInteractiveAuthentication", VARLINK_BOOL, false}, {0}};
	struct error err = {0};
	struct api *a = data;

	if (!varlink_check_parameters(call, parameters, spec))
		return;
	if (manager_reexec(a->manager, refused, a, &err) < 0) {
		refuse(call, &err);
		return;
	}
	a->reexec = call;
	varlink_call_set_userdata(call, a, asker_gone);
	varlink_call_leave_reply(call, "{}"); /* the new program answers, since only then it is done */
	varlink_server_hold(a->server, true);
}

/* --- giving ------------------------------------------------------------------------------------- */

/* "LENGTH OF IN\n", in, out. */
static int save(int fd, const char *in, size_t in_length, const char *out, size_t out_length, void *data)
{
	struct strbuf text = {0};
	int r;

	strbuf_printf(&text, "%zu\n", in_length);
	if (in_length > 0)
		strbuf_append(&text, in, in_length);
	if (out_length > 0)
		strbuf_append(&text, out, out_length);
	r = text.failed ? -ENOMEM : handover_add(data, CONNECTION, fd, text.data, text.length);
	strbuf_free(&text);
	return r;
}

int api_hand_over(struct api *a, struct handover *h)
{
	int r = handover_add(h, LISTENER, varlink_server_fd(a->server), "", 0);

	if (r == 0 && a->socket_path != NULL)
		r = handover_add(h, LISTENER_OURS, -1, "", 0);
	return r < 0 ? r : varlink_server_save(a->server, save, h);
}

/* --- taking ------------------------------------------------------------------------------------- */

bool api_socket_is_ours(void)
{
	_cleanup_free_ char *data = NULL;
	size_t length;
	int fd;

	return fdstore_take_next(LISTENER_OURS, &fd, &data, &length) == 0;
}

static void restore(struct api *a, int fd, const char *data, size_t length)
{
	const char *begin = memchr(data, '\n', length);
	unsigned long long in = strtoull(data, NULL, 10);
	size_t left;

	if (begin == NULL || in > length - (size_t)(++begin - data)) {
		(void)close(fd);
		return;
	}
	left = length - (size_t)(begin - data) - (size_t)in;
	if (varlink_server_restore(a->server, fd, begin, (size_t)in, begin + in, left) < 0)
		log_debug("a client of the program before this one was lost");
}

void api_take_over(struct api *a)
{
	char *data;
	size_t length;
	int fd;

	while (fdstore_take_next(CONNECTION, &fd, &data, &length) == 0) {
		if (fd >= 0 && data != NULL)
			restore(a, fd, data, length);
		else if (fd >= 0)
			(void)close(fd);
		free(data);
	}
}
