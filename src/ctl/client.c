/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asking the daemon: connect once, call, wait with a progress line. */
#include "clock.h"
#include "ctl.h"
#include "parse.h"
#include "varlink.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

void reply_done(struct reply *r)
{
	json_decref(r->parameters);
	free(r->error);
	*r = (struct reply){0};
}

static int report_unreachable(const struct ctl *c, int code, const struct error *err)
{
	if (code == -ENOENT || code == -ECONNREFUSED)
		ctl_error("netnsd is not running (%s: %s); start it with 'systemctl start netnsd'", c->socket,
			  strerror(-code));
	else if (code == -EACCES || code == -EPERM)
		ctl_error("no permission to talk to netnsd (%s: %s); run as root, or see SocketMode= in "
			  "netnsd.conf(5)",
			  c->socket, strerror(-code));
	else
		ctl_error("cannot talk to netnsd: %s", err->text[0] ? err->text : strerror(-code));
	return CTL_FAILED;
}

static int client_connect(struct ctl *c)
{
	struct error err = {0};
	int r;

	if (c->client)
		return 0;
	r = varlink_client_connect(c->socket, &c->client, &err);
	return r < 0 ? report_unreachable(c, r, &err) : 0;
}

int client_probe(struct ctl *c)
{
	int r = c->client ? 0 : varlink_client_connect(c->socket, &c->client, NULL);

	return r < 0 ? r : 0;
}

void client_done(struct ctl *c)
{
	varlink_client_free(c->client);
	c->client = NULL;
}

static int report_lost(struct ctl *c, const char *what, int code, const struct error *err)
{
	client_done(c);
	if (c->quiet)
		return CTL_FAILED;
	if (code == -ECONNRESET || code == -EPIPE)
		ctl_error("cannot %s: netnsd closed the connection before it answered; "
			  "'journalctl -u netnsd' may say why",
			  what);
	else
		ctl_error("cannot %s: %s", what, err->text[0] ? err->text : strerror(-code));
	return CTL_FAILED;
}

#define PROGRESS_EVERY 500 /* msec */

/* How long to wait for the next reply before the progress line is due, or time is up. */
static int next_timeout(const struct ctl *c, const struct progress *p)
{
	uint64_t elapsed = clock_monotonic() - p->started, left;

	if (c->timeout == USEC_INFINITY)
		return p->enabled ? PROGRESS_EVERY : -1;
	left = c->timeout > elapsed ? (c->timeout - elapsed + 999) / 1000 : 0;
	if (p->enabled && left > PROGRESS_EVERY)
		return PROGRESS_EVERY;
	return left > INT_MAX ? INT_MAX : (int)left;
}

/* Whatever is printed later may come from other people, or a false daemon: nothing in it may steer
 * the terminal. Done once, here, so that no output can forget it; programs get it as it is. */
static void make_safe(json_t *json, bool lines)
{
	json_t *item;
	const char *key;
	size_t i;

	if (json_is_string(json)) {
		_cleanup_free_ char *safe = text_safe(json_string_value(json), lines);

		(void)json_string_set(json, safe ? safe : "?");
	}
	json_array_foreach(json, i, item) make_safe(item, false);
	json_object_foreach(json, key, item) make_safe(item, strcmp(key, "text") == 0);
}

static int receive_all(struct ctl *c, struct request *q, struct progress *p, struct reply *ret)
{
	for (;;) {
		struct error err = {0};
		struct reply reply = {0};
		bool continues = false;
		int r;

		r = varlink_client_receive(c->client, next_timeout(c, p), &reply.parameters, &reply.error,
					   &continues, &err);
		if (r == -ETIMEDOUT) {
			if (c->timeout != USEC_INFINITY && clock_monotonic() - p->started >= c->timeout)
				return r;
			progress_ask(c, q, p);
			progress_update(p);
			continue;
		}
		if (r < 0) {
			progress_end(p);
			if (q->lost && r == -ECONNRESET)
				ctl_error("%s", q->lost);
			return q->lost && r == -ECONNRESET ? CTL_FAILED : report_lost(c, q->what, r, &err);
		}
		if (c->json == JSON_MODE_OFF || reply.error)
			make_safe(reply.parameters, false);
		if (!continues || reply.error) {
			*ret = reply;
			return 0;
		}
		if (json_object_get(reply.parameters, "total")) {
			p->done = json_number(reply.parameters, "done");
			p->total = json_number(reply.parameters, "total");
			progress_update(p);
		}
		if (json_text(reply.parameters, "state")) {
			const char *text = json_text(reply.parameters, "text");

			(void)str_format(p->text, sizeof(p->text), "%s%s%s",
					 json_text(reply.parameters, "state"), text && *text ? ": " : "",
					 text ? text : "");
			p->told = true;
			progress_update(p);
		}
		if (q->partial)
			q->partial(reply.parameters, q->data);
		reply_done(&reply);
	}
}

int client_begin(struct ctl *c, struct request *q)
{
	json_t *parameters = q->parameters ? q->parameters : json_object();
	struct error err = {0};
	int r;

	q->parameters = NULL;
	(void)str_format(q->object, sizeof(q->object), "%s",
			 json_text(parameters, "name") ? json_text(parameters, "name") : "");
	r = client_connect(c);
	if (r) {
		json_decref(parameters);
		return r;
	}
	if (!parameters)
		return ctl_no_memory();
	r = varlink_client_send(c->client, q->method, parameters, q->more, &err);
	return r < 0 ? report_lost(c, q->what, r, &err) : 0;
}

int client_finish(struct ctl *c, struct request *q, struct reply *ret)
{
	struct progress progress = {0};
	int r;

	progress_start(&progress, q->what);
	progress.enabled = progress.enabled && !q->lost && !c->quiet;
	r = receive_all(c, q, &progress, ret);
	progress_end(&progress);
	return r;
}

int client_request(struct ctl *c, struct request *q, struct reply *ret)
{
	int r = client_begin(c, q);

	return r ? r : client_finish(c, q, ret);
}

int client_call(struct ctl *c, const char *what, const char *method, json_t *parameters, struct reply *ret)
{
	struct request q = {.what = what, .method = method, .parameters = parameters};
	struct reply reply = {0};
	int r;

	r = client_request(c, &q, &reply);
	if (r == -ETIMEDOUT) {
		ctl_error("cannot %s: no answer in time", what);
		return CTL_FAILED;
	}
	if (r)
		return r;
	if (reply.error)
		r = client_report(what, &reply);
	if (!r && ret)
		*ret = reply;
	else
		reply_done(&reply);
	return r;
}

static int send_all(int fd, const char *data, size_t length)
{
	while (length > 0) {
		ssize_t n = send(fd, data, length, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		length -= (size_t)n;
	}
	return 0;
}

static int socket_connect(const char *path, int *ret_fd)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = -1;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	*ret_fd = steal_fd(fd);
	return 0;
}

/* A connection of its own: nothing comes back on it, so that it could not be used for a call. */
int client_send_oneway(struct ctl *c, const char *what, const char *method, json_t *parameters)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_close_ int fd = -1;
	json_t *message;
	int r;

	if (geteuid() != 0) {
		/* Nobody would hear the daemon's refusal. */
		json_decref(parameters);
		ctl_error("cannot %s: only root may do that", what);
		return CTL_FAILED;
	}
	message = json_pack("{s:s, s:o, s:b}", "method", method, "parameters",
			    parameters ? parameters : json_object(), "oneway", 1);
	text = message ? json_dumps(message, JSON_COMPACT) : NULL;
	json_decref(message);
	if (!text)
		return ctl_no_memory();
	r = socket_connect(c->socket, &fd);
	if (r < 0)
		return report_unreachable(c, r, &(struct error){0});
	r = send_all(fd, text, strlen(text) + 1);
	if (r < 0) {
		ctl_error("cannot %s: netnsd does not take the call: %s", what, strerror(-r));
		return CTL_FAILED;
	}
	return CTL_DONE;
}
