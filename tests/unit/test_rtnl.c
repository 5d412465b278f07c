/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rtnl against a kernel made of paper: sendto() and recvmsg() are replaced by a script, because the
 * answers that matter (a dump that fails at its end, an interrupted one, a lost ack, a stranger's
 * message) hardly come when they are called for. What the real kernel does is in tests/kernel.
 */
#include "rtnl.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define STEPS_MAX 1200

/* --- the script --- */

struct step {
	int error;     /* not 0: recvmsg() fails so */
	uint32_t from; /* the sender; 0 is the kernel */
	int seq;       /* added to the request's sequence number */
	unsigned char data[512];
	size_t length, pretend; /* pretend: the datagram's real length, longer than data */
};

static struct step steps[STEPS_MAX];
static size_t n_steps, next_step, n_sent;
static int send_error; /* once */
static struct nlmsghdr sent;

ssize_t sendto(int fd, const void *buffer, size_t length, int flags, const struct sockaddr *to,
	       socklen_t to_length)
{
	(void)fd;
	(void)flags;
	(void)to;
	(void)to_length;
	if (send_error) {
		errno = send_error;
		send_error = 0;
		return -1;
	}
	memcpy(&sent, buffer, sizeof(sent));
	n_sent++;
	return (ssize_t)length;
}

ssize_t recvmsg(int fd, struct msghdr *m, int flags)
{
	struct step *s = &steps[next_step++];
	struct sockaddr_nl *from = m->msg_name;
	unsigned char *data = m->msg_iov->iov_base;

	(void)fd;
	if (next_step > n_steps) {
		assert_true(flags & MSG_DONTWAIT); /* a blocking reader would hang here */
		errno = EAGAIN;
		return -1;
	}
	if (s->error) {
		errno = s->error;
		return -1;
	}
	assert_true(s->length <= m->msg_iov->iov_len);
	memcpy(data, s->data, s->length);
	for (size_t at = 0; at + sizeof(struct nlmsghdr) <= s->length;) {
		struct nlmsghdr *h = (struct nlmsghdr *)(data + at);

		h->nlmsg_seq = sent.nlmsg_seq + (uint32_t)s->seq;
		at += h->nlmsg_len ? NLMSG_ALIGN(h->nlmsg_len) : s->length;
	}
	from->nl_family = AF_NETLINK;
	from->nl_pid = s->from;
	m->msg_flags = s->pretend > m->msg_iov->iov_len ? MSG_TRUNC : 0;
	return (ssize_t)(s->pretend > m->msg_iov->iov_len && flags & MSG_TRUNC ? s->pretend : s->length);
}

static int begin_script(void **state)
{
	(void)state;
	memset(steps, 0, sizeof(steps));
	memset(&sent, 0, sizeof(sent));
	n_steps = next_step = n_sent = 0;
	send_error = 0;
	return 0;
}

static struct step *add_step(void)
{
	assert_true(n_steps < STEPS_MAX);
	return &steps[n_steps++];
}

/* Appends one message to a step. */
static void add_message(struct step *s, uint16_t type, uint16_t flags, const void *payload, size_t length)
{
	const struct nlmsghdr h = {
		.nlmsg_len = (uint32_t)NLMSG_LENGTH(length), .nlmsg_type = type, .nlmsg_flags = flags};

	assert_true(s->length + NLMSG_SPACE(length) <= sizeof(s->data));
	memcpy(s->data + s->length, &h, sizeof(h));
	if (length > 0)
		memcpy(s->data + s->length + NLMSG_HDRLEN, payload, length);
	s->length += NLMSG_SPACE(length);
}

static struct step *message(uint16_t type, uint16_t flags, const void *payload, size_t length)
{
	struct step *s = add_step();

	add_message(s, type, flags, payload, length);
	return s;
}

/* An ack with attributes behind `head` bytes. */
static struct step *answer(uint16_t type, uint16_t flags, const void *head, size_t head_length, int attr,
			   const void *text, size_t text_length)
{
	unsigned char payload[256] = {0};
	const struct nlattr a = {.nla_len = (uint16_t)(NLA_HDRLEN + text_length), .nla_type = (uint16_t)attr};
	size_t length = head_length;

	memcpy(payload, head, head_length);
	if (text) {
		length = NLMSG_ALIGN(length);
		memcpy(payload + length, &a, sizeof(a));
		memcpy(payload + length + NLA_HDRLEN, text, text_length);
		length += NLA_ALIGN(NLA_HDRLEN + text_length);
		flags |= NLM_F_ACK_TLVS;
	}
	return message(type, flags, payload, length);
}

static struct step *ack(int error, const char *text)
{
	const struct nlmsgerr e = {.error = error, .msg.nlmsg_len = 200};

	return answer(NLMSG_ERROR, NLM_F_CAPPED, &e, sizeof(e), NLMSGERR_ATTR_MSG, text,
		      text ? strlen(text) + 1 : 0);
}

static struct step *done(int error, const char *text)
{
	return answer(NLMSG_DONE, NLM_F_MULTI, &error, sizeof(error), NLMSGERR_ATTR_MSG, text,
		      text ? strlen(text) + 1 : 0);
}

static struct step *object(int number, uint16_t flags)
{
	return message(RTM_NEWLINK, NLM_F_MULTI | flags, &number, sizeof(number));
}

/* --- the requests --- */

struct result {
	int e;
	struct error err;
	unsigned begins, objects;
	int stop_at, last; /* fn returns 5 at this object */
};

static void count_begin(void *data)
{
	struct result *r = data;

	r->begins++;
	r->objects = 0;
}

static int count_object(const struct nlmsghdr *h, void *data)
{
	struct result *r = data;

	r->objects++;
	memcpy(&r->last, nlmsg_data(h), sizeof(r->last));
	return r->last == r->stop_at ? 5 : 0;
}

enum what { TALK, GET, DUMP };

/* Opens, asks once, and checks that the whole script was read. */
static struct result ask_with(struct rtnl *r, enum what what, int stop_at)
{
	const struct ifinfomsg ifi = {0};
	struct nl_msg *msg = rtnl_message(RTM_GETLINK, 0, &ifi, sizeof(ifi));
	struct result result = {.stop_at = stop_at};

	assert_non_null(msg);
	switch (what) {
	case TALK: result.e = rtnl_talk(r, msg, &result.err); break;
	case GET: result.e = rtnl_get(r, msg, count_object, &result, &result.err); break;
	case DUMP: result.e = rtnl_dump(r, msg, count_begin, count_object, &result, &result.err); break;
	}
	nlmsg_free(msg);
	return result;
}

static struct result ask(enum what what)
{
	struct rtnl *r = NULL;
	struct result result;

	assert_int_equal(rtnl_open(&r), 0);
	result = ask_with(r, what, -1);
	rtnl_close(r);
	assert_int_equal(next_step, n_steps);
	return result;
}

static void test_ack(void **state)
{
	struct result r;

	(void)state;
	ack(0, NULL);
	r = ask(TALK);
	assert_int_equal(r.e, 0);
	assert_true(sent.nlmsg_flags & NLM_F_ACK);
	assert_true(sent.nlmsg_flags & NLM_F_REQUEST);
}

static void test_ack_with_warning_is_success(void **state)
{
	(void)state;
	ack(0, "This is only a warning");
	assert_int_equal(ask(TALK).e, 0);
}

static void test_error_with_kernel_text(void **state)
{
	struct result r;

	(void)state;
	ack(-ENODEV, "Device does not exist");
	r = ask(TALK);
	assert_int_equal(r.e, -ENODEV);
	assert_int_equal(r.err.code, -ENODEV);
	assert_string_equal(r.err.text, "Device does not exist (ENODEV)");
}

static void test_error_without_text(void **state)
{
	struct result r;

	(void)state;
	ack(-ENODEV, NULL);
	r = ask(TALK);
	assert_int_equal(r.e, -ENODEV);
	assert_string_equal(r.err.text, "No such device (ENODEV)");
}

static void test_error_behind_uncapped_request(void **state)
{
	struct {
		struct nlmsgerr e;
		unsigned char body[24];
	} head = {.e = {.error = -EINVAL, .msg.nlmsg_len = 16 + 24}};
	struct result r;

	(void)state;
	memset(head.body, 0xff, sizeof(head.body)); /* would be nonsense as attributes */
	answer(NLMSG_ERROR, 0, &head, sizeof(head), NLMSGERR_ATTR_MSG, "Behind it", 10);
	r = ask(TALK);
	assert_int_equal(r.e, -EINVAL);
	assert_string_equal(r.err.text, "Behind it (EINVAL)");
}

static void test_text_must_be_terminated(void **state)
{
	const struct nlmsgerr e = {.error = -EPERM, .msg.nlmsg_len = 40};
	struct result r;

	(void)state;
	answer(NLMSG_ERROR, NLM_F_CAPPED, &e, sizeof(e), NLMSGERR_ATTR_MSG, "no end", 6);
	r = ask(TALK);
	assert_int_equal(r.e, -EPERM);
	assert_string_equal(r.err.text, "Operation not permitted (EPERM)");
}

static void test_nonsense_acks(void **state)
{
	const int positive = 7;

	(void)state;
	message(NLMSG_ERROR, 0, "xx", 2); /* too short */
	assert_int_equal(ask(TALK).e, -EBADMSG);
	begin_script(NULL);
	ack(positive, NULL);
	assert_int_equal(ask(TALK).e, -EBADMSG);
}

static void test_strays_are_passed_over(void **state)
{
	(void)state;
	ack(-EIO, NULL)->seq = -1;
	ack(-EIO, NULL)->seq = 1;
	ack(-EIO, NULL)->from = 1234; /* not the kernel */
	object(1, 0);		      /* an echo before the ack */
	ack(0, NULL);
	assert_int_equal(ask(TALK).e, 0);
}

static void test_interrupted_calls_are_repeated(void **state)
{
	(void)state;
	send_error = EINTR;
	add_step()->error = EINTR;
	ack(0, NULL);
	assert_int_equal(ask(TALK).e, 0);
	assert_int_equal(n_sent, 1);
}

static void test_send_fails(void **state)
{
	struct result r;

	(void)state;
	send_error = EPERM;
	r = ask(TALK);
	assert_int_equal(r.e, -EPERM);
	assert_string_equal(r.err.text, "Operation not permitted (EPERM)");
}

static void test_lost_ack(void **state)
{
	(void)state;
	add_step()->error = ENOBUFS;
	assert_int_equal(ask(TALK).e, -ENOBUFS); /* whether it was done nobody knows: the caller dumps */
}

static void test_get(void **state)
{
	struct result r;

	(void)state;
	object(42, 0);
	r = ask(GET);
	assert_int_equal(r.e, 0);
	assert_int_equal(r.last, 42);
	assert_false(sent.nlmsg_flags & NLM_F_ACK);
	begin_script(NULL);
	ack(-ENODEV, NULL);
	r = ask(GET);
	assert_int_equal(r.e, -ENODEV);
	assert_int_equal(r.objects, 0);
}

static void test_dump(void **state)
{
	struct step *s;
	struct result r;
	int number = 3;

	(void)state;
	object(1, 0);
	s = object(2, 0); /* two in one datagram */
	add_message(s, RTM_NEWLINK, NLM_F_MULTI, &number, sizeof(number));
	done(0, NULL);
	r = ask(DUMP);
	assert_int_equal(r.e, 0);
	assert_int_equal(r.objects, 3);
	assert_int_equal(r.last, 3);
	assert_int_equal(r.begins, 1);
	assert_int_equal(sent.nlmsg_flags & NLM_F_DUMP, NLM_F_DUMP);
}

/* libnl reports these as success without objects. */
static void test_dump_that_fails_at_its_end(void **state)
{
	struct result r;

	(void)state;
	done(-EINVAL, NULL);
	r = ask(DUMP);
	assert_int_equal(r.e, -EINVAL);
	assert_string_equal(r.err.text, "Invalid argument (EINVAL)");
	begin_script(NULL);
	object(1, 0);
	done(-EINVAL, "Invalid target network namespace id");
	r = ask(DUMP);
	assert_int_equal(r.e, -EINVAL);
	assert_string_equal(r.err.text, "Invalid target network namespace id (EINVAL)");
	assert_int_equal(n_sent, 1);
}

static void test_dump_that_fails_at_once(void **state)
{
	(void)state;
	ack(-EOPNOTSUPP, NULL);
	assert_int_equal(ask(DUMP).e, -EOPNOTSUPP);
}

static void test_interrupted_dump_is_repeated(void **state)
{
	struct result r;

	(void)state;
	object(1, 0);
	object(2, NLM_F_DUMP_INTR);
	done(0, NULL);
	object(1, 0);
	done(0, NULL)->data[offsetof(struct nlmsghdr, nlmsg_flags)] |=
		NLM_F_DUMP_INTR; /* the mark at the end */
	object(7, 0);
	done(0, NULL);
	r = ask(DUMP);
	assert_int_equal(r.e, 0);
	assert_int_equal(r.begins, 3);
	assert_int_equal(r.objects, 1);
	assert_int_equal(r.last, 7);
}

static void test_always_interrupted_dump_gives_up(void **state)
{
	struct result r;

	(void)state;
	for (int i = 0; i < 5; i++) {
		object(1, NLM_F_DUMP_INTR);
		done(0, NULL);
	}
	r = ask(DUMP);
	assert_int_equal(r.e, -EAGAIN);
	assert_int_equal(r.begins, 5);
	assert_int_equal(r.err.code, -EAGAIN);
}

/* The kernel neither goes on with such a dump nor takes another on this socket. */
static void test_dump_that_lost_messages_fails(void **state)
{
	struct result r;

	(void)state;
	object(1, 0);
	add_step()->error = ENOBUFS;
	r = ask(DUMP);
	assert_int_equal(r.e, -ENOBUFS);
	assert_int_equal(n_sent, 1);
}

static void test_large_message_enlarges_the_buffer(void **state)
{
	struct result r;

	(void)state;
	object(1, 0)->pretend = 100 * 1024; /* cut off: the try is read to its end and repeated */
	object(2, 0);
	done(0, NULL);
	object(1, 0)->pretend = 100 * 1024; /* fits now */
	object(2, 0);
	done(0, NULL);
	r = ask(DUMP);
	assert_int_equal(r.e, 0);
	assert_int_equal(r.objects, 2);
	assert_int_equal(r.begins, 2);
}

static void test_stopped_dump_is_read_to_its_end(void **state)
{
	struct rtnl *r = NULL;
	struct result result;

	(void)state;
	object(1, 0);
	object(2, 0);
	object(3, 0);
	done(0, NULL);
	assert_int_equal(rtnl_open(&r), 0);
	result = ask_with(r, DUMP, 2);
	assert_int_equal(result.e, 5);
	assert_int_equal(result.objects, 2);
	assert_int_equal(next_step, n_steps);
	ack(0, NULL);
	assert_int_equal(ask_with(r, TALK, -1).e, 0);
	rtnl_closep(&r);
}

static void test_sequence_numbers_differ(void **state)
{
	struct rtnl *r = NULL;
	uint32_t first;

	(void)state;
	assert_int_equal(rtnl_open(&r), 0);
	ack(0, NULL);
	assert_int_equal(ask_with(r, TALK, -1).e, 0);
	first = sent.nlmsg_seq;
	assert_int_not_equal(first, 0); /* events have 0 */
	ack(0, NULL);
	assert_int_equal(ask_with(r, TALK, -1).e, 0);
	assert_int_not_equal(sent.nlmsg_seq, first);
	rtnl_close(r);
	rtnl_close(NULL);
}

static void test_message_is_well_formed(void **state)
{
	const struct ifinfomsg ifi = {.ifi_index = 77};
	struct nl_msg *msg = rtnl_message(RTM_SETLINK, NLM_F_CREATE, &ifi, sizeof(ifi));
	const struct nlmsghdr *h = nlmsg_hdr(msg);

	(void)state;
	assert_int_equal(h->nlmsg_type, RTM_SETLINK);
	assert_int_equal(h->nlmsg_flags, NLM_F_REQUEST | NLM_F_CREATE);
	assert_int_equal(h->nlmsg_len, NLMSG_LENGTH(sizeof(ifi)));
	assert_int_equal(((const struct ifinfomsg *)nlmsg_data(h))->ifi_index, 77);
	nlmsg_free(msg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_ack, begin_script),
		cmocka_unit_test_setup(test_ack_with_warning_is_success, begin_script),
		cmocka_unit_test_setup(test_error_with_kernel_text, begin_script),
		cmocka_unit_test_setup(test_error_without_text, begin_script),
		cmocka_unit_test_setup(test_error_behind_uncapped_request, begin_script),
		cmocka_unit_test_setup(test_text_must_be_terminated, begin_script),
		cmocka_unit_test_setup(test_nonsense_acks, begin_script),
		cmocka_unit_test_setup(test_strays_are_passed_over, begin_script),
		cmocka_unit_test_setup(test_interrupted_calls_are_repeated, begin_script),
		cmocka_unit_test_setup(test_send_fails, begin_script),
		cmocka_unit_test_setup(test_lost_ack, begin_script),
		cmocka_unit_test_setup(test_get, begin_script),
		cmocka_unit_test_setup(test_dump, begin_script),
		cmocka_unit_test_setup(test_dump_that_fails_at_its_end, begin_script),
		cmocka_unit_test_setup(test_dump_that_fails_at_once, begin_script),
		cmocka_unit_test_setup(test_interrupted_dump_is_repeated, begin_script),
		cmocka_unit_test_setup(test_always_interrupted_dump_gives_up, begin_script),
		cmocka_unit_test_setup(test_dump_that_lost_messages_fails, begin_script),
		cmocka_unit_test_setup(test_large_message_enlarges_the_buffer, begin_script),
		cmocka_unit_test_setup(test_stopped_dump_is_read_to_its_end, begin_script),
		cmocka_unit_test_setup(test_sequence_numbers_differ, begin_script),
		cmocka_unit_test(test_message_is_well_formed),
	};

	return cmocka_run_group_tests_name("rtnl", tests, NULL, NULL);
}
