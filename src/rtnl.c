/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rtnetlink requests, answers and dumps over a blocking socket.
 *
 * Only building and taking apart messages is libnl's. Sending and receiving are here because
 * nl_recvmsgs() returns success with no objects when a dump fails in the kernel: that errno comes
 * in the payload of NLMSG_DONE, and a repairer that misses it concludes that everything is gone.
 */
#include "rtnl.h"
#include "cleanup.h"

#include <errno.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

/* The kernel cuts dumps into pieces of at most 32 KiB, unless one object alone is larger, and of at
 * most what the reader has offered before. More costs time: it allocates as much for each piece. */
#define BUFFER_SIZE ((size_t)32 * 1024)
#define BUFFER_MAX  ((size_t)16 * 1024 * 1024)
#define DUMP_TRIES  5

struct rtnl {
	int fd;
	bool unread; /* the answer before was not read to its end */
	uint32_t seq;
	size_t size;
	char *buffer;
};

/* How reading one answer ended, apart from errors. */
enum { READ_MORE, READ_DONE };

struct answer {
	bool dump;	  /* ends with NLMSG_DONE; else with the ack or, for a get, the first message */
	bool interrupted; /* NLM_F_DUMP_INTR was seen */
	int stopped;	  /* not 0: what fn returned; the rest of the dump is read and thrown away */
	rtnl_message_fn *fn;
	void *data;
	struct error *err;
};

int rtnl_open(struct rtnl **ret)
{
	static const int options[] = {NETLINK_GET_STRICT_CHK, NETLINK_EXT_ACK, NETLINK_CAP_ACK};
	const int one = 1;
	struct rtnl *r;
	int e;

	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->size = BUFFER_SIZE;
	r->buffer = malloc(r->size);
	r->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (!r->buffer || r->fd < 0) {
		e = r->buffer ? -errno : -ENOMEM;
		rtnl_close(r);
		return e;
	}
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		/* Without strict checking the kernel ignores filters and answers something else. */
		if (setsockopt(r->fd, SOL_NETLINK, options[i], &one, sizeof(one)) < 0) {
			e = -errno;
			rtnl_close(r);
			return e;
		}
	}
	*ret = r;
	return 0;
}

void rtnl_close(struct rtnl *r)
{
	if (!r)
		return;
	if (r->fd >= 0)
		(void)close(r->fd);
	free(r->buffer);
	free(r);
}

void rtnl_closep(struct rtnl **r)
{
	rtnl_close(*r);
}

struct nl_msg *rtnl_message(uint16_t type, uint16_t flags, const void *header, size_t header_length)
{
	struct nl_msg *msg = nlmsg_alloc_simple(type, NLM_F_REQUEST | flags);

	if (!msg)
		return NULL;
	if (nlmsg_append(msg, (void *)(uintptr_t)header, header_length, NLMSG_ALIGNTO) < 0) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

/* The text of an extended ack among the attributes at `start`, or NULL. */
static const char *ack_text(const void *start, int length)
{
	struct nlattr *a;
	int rest;

	nla_for_each_attr(a, (struct nlattr *)(uintptr_t)start, length, rest)
	{
		const char *text = nla_data(a);

		if (nla_type(a) == NLMSGERR_ATTR_MSG && nla_len(a) > 0 && text[nla_len(a) - 1] == '\0')
			return text;
	}
	return NULL;
}

static int fail(struct error *err, int code, const char *text)
{
	const char *name = strerrorname_np(-code);

	return error_set(err, code, "%s (%s)", text ? text : strerror(-code), name ? name : "unknown error");
}

/* An ack, or the errno of a request that failed. */
static int read_error(const struct nlmsghdr *h, struct error *err)
{
	const struct nlmsgerr *e = nlmsg_data(h);
	size_t offset = NLMSG_HDRLEN + sizeof(*e);
	const char *text = NULL;

	if (h->nlmsg_len < offset)
		return error_set(err, -EBADMSG, "The kernel sent a truncated ack");
	if (e->error == 0)
		return 0;
	if (!(h->nlmsg_flags & NLM_F_CAPPED) && e->msg.nlmsg_len > sizeof(e->msg))
		offset += NLMSG_ALIGN(e->msg.nlmsg_len - sizeof(e->msg));
	if ((h->nlmsg_flags & NLM_F_ACK_TLVS) && h->nlmsg_len > offset)
		text = ack_text((const char *)h + offset, (int)(h->nlmsg_len - offset));
	return fail(err, e->error < 0 ? e->error : -EBADMSG, text);
}

/* The end of a dump carries its errno. */
static int read_done(const struct nlmsghdr *h, struct error *err)
{
	const size_t offset = NLMSG_HDRLEN + sizeof(int);
	const char *text = NULL;
	int code;

	if (h->nlmsg_len < offset)
		return 0;
	memcpy(&code, nlmsg_data(h), sizeof(code));
	if (code >= 0)
		return 0;
	if ((h->nlmsg_flags & NLM_F_ACK_TLVS) && h->nlmsg_len > NLMSG_ALIGN(offset))
		text = ack_text((const char *)h + NLMSG_ALIGN(offset),
				(int)(h->nlmsg_len - NLMSG_ALIGN(offset)));
	return fail(err, code, text);
}

/* One message of the answer. READ_MORE, READ_DONE, or the errno from the kernel. */
static int read_message(const struct nlmsghdr *h, struct answer *a)
{
	int e;

	if (h->nlmsg_flags & NLM_F_DUMP_INTR)
		a->interrupted = true;
	switch (h->nlmsg_type) {
	case NLMSG_NOOP: return READ_MORE;
	case NLMSG_OVERRUN: return fail(a->err, -ENOBUFS, NULL);
	case NLMSG_ERROR: e = read_error(h, a->err); return e < 0 ? e : READ_DONE;
	case NLMSG_DONE: e = read_done(h, a->err); return e < 0 ? e : READ_DONE;
	default: break;
	}
	if (!a->fn || a->stopped)
		return READ_MORE; /* the answer is the ack, or nobody wants it any more */
	e = a->fn(h, a->data);
	if (e < 0)
		(void)fail(a->err, e, NULL);
	a->stopped = e;
	return a->dump ? READ_MORE : READ_DONE;
}

/* The rest of a dump that was given up: until it has been read the kernel refuses the next one (EBUSY). */
static void throw_away(struct rtnl *r)
{
	for (int i = 0; i < EINTR_TRIES;) {
		if (recv(r->fd, r->buffer, r->size, MSG_DONTWAIT) >= 0)
			continue;
		if (errno == EAGAIN) {
			r->unread = false;
			return;
		}
		i++; /* ENOBUFS is told once, before what is in the queue */
	}
}

static int send_message(struct rtnl *r, struct nl_msg *msg)
{
	const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	struct nlmsghdr *h = nlmsg_hdr(msg);

	if (r->unread)
		throw_away(r);
	h->nlmsg_seq = ++r->seq ? r->seq : ++r->seq; /* events have sequence number 0 */
	for (int i = 0; i < EINTR_TRIES; i++) {
		if (sendto(r->fd, h, h->nlmsg_len, 0, (const struct sockaddr *)&kernel, sizeof(kernel)) >= 0)
			return 0;
		if (errno != EINTR)
			return -errno;
	}
	return -EINTR;
}

/* Reads one datagram from the kernel. The length, or -errno; -EMSGSIZE: it was larger than the
 * buffer and is lost, the buffer has been enlarged. */
static ssize_t receive(struct rtnl *r)
{
	int interrupted = 0;

	for (;;) {
		struct sockaddr_nl from = {0};
		struct iovec iov = {.iov_base = r->buffer, .iov_len = r->size};
		struct msghdr m = {
			.msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &iov, .msg_iovlen = 1};
		ssize_t n = recvmsg(r->fd, &m, MSG_TRUNC);
		char *larger;

		if (n < 0 && errno == EINTR && ++interrupted < EINTR_TRIES)
			continue;
		if (n < 0)
			return -errno;
		if (from.nl_pid != 0)
			continue; /* another process, not the kernel */
		if ((size_t)n <= r->size)
			return n;
		if ((size_t)n > BUFFER_MAX)
			return -EMSGSIZE;
		larger = realloc(r->buffer, (size_t)n);
		if (!larger)
			return -ENOMEM;
		r->buffer = larger;
		r->size = (size_t)n;
		return -EMSGSIZE;
	}
}

/* The messages of one datagram. READ_MORE, READ_DONE, or the errno from the kernel. */
static int read_datagram(struct rtnl *r, ssize_t length, struct answer *a)
{
	int rest = (int)length, e;

	for (struct nlmsghdr *h = (struct nlmsghdr *)r->buffer; nlmsg_ok(h, rest); h = nlmsg_next(h, &rest)) {
		if (h->nlmsg_seq != r->seq)
			continue;
		e = read_message(h, a);
		if (e != READ_MORE)
			return e;
	}
	return READ_MORE;
}

/* Reads the answer to the request sent last. A dump is always read to its end, also when fn has
 * had enough: until then the kernel refuses the next dump on this socket with EBUSY. */
static int read_answer(struct rtnl *r, struct answer *a)
{
	for (;;) {
		ssize_t length = receive(r);
		int e;

		if (length == -EMSGSIZE && a->dump) {
			a->stopped = -EMSGSIZE;
			continue;
		}
		if (length < 0) {
			r->unread = true;
			return fail(a->err, (int)length, NULL);
		}
		e = read_datagram(r, length, a);
		if (e == READ_DONE)
			return a->stopped;
		if (e != READ_MORE)
			return e;
	}
}

int rtnl_talk(struct rtnl *r, struct nl_msg *msg, struct error *err)
{
	struct answer a = {.err = err};
	int e;

	nlmsg_hdr(msg)->nlmsg_flags |= NLM_F_ACK;
	e = send_message(r, msg);
	return e < 0 ? fail(err, e, NULL) : read_answer(r, &a);
}

int rtnl_get(struct rtnl *r, struct nl_msg *msg, rtnl_message_fn *fn, void *data, struct error *err)
{
	int e = 0;

	nlmsg_hdr(msg)->nlmsg_flags &= (uint16_t)~NLM_F_ACK; /* the answer itself is enough */
	for (int i = 0; i < 2; i++) {
		struct answer a = {.fn = fn, .data = data, .err = err};

		e = send_message(r, msg);
		if (e < 0)
			return fail(err, e, NULL);
		e = read_answer(r, &a);
		if (e != -EMSGSIZE)
			break;
	}
	return e;
}

int rtnl_dump(struct rtnl *r, struct nl_msg *msg, void (*begin)(void *data), rtnl_message_fn *fn, void *data,
	      struct error *err)
{
	nlmsg_hdr(msg)->nlmsg_flags |= NLM_F_DUMP;
	for (int i = 0; i < DUMP_TRIES; i++) {
		struct answer a = {.dump = true, .fn = fn, .data = data, .err = err};
		int e;

		if (begin)
			begin(data);
		e = send_message(r, msg);
		if (e < 0)
			return fail(err, e, NULL);
		e = read_answer(r, &a);
		if (e == 0 && !a.interrupted)
			return 0;
		if (e != 0 && e != -EMSGSIZE)
			return e;
	}
	return error_set(err, -EAGAIN, "The kernel's tables changed during each of %d dumps (EAGAIN)",
			 DUMP_TRIES);
}
