/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The blocking client: what it sends, and what it makes of servers that are slow, gone or broken. The
 * server's side is played by the test itself, byte by byte. */
#include "varlink_internal.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[] = "/tmp/test_varlink_client.XXXXXX", path[64];
static struct varlink_client *client;
static struct error err;
static int peer, listener;

static int setup(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	(void)state;
	memcpy(address.sun_path, path, strlen(path) + 1);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(listener, 5) < 0)
		return -1;
	err = (struct error){0};
	if (varlink_client_connect(path, &client, &err) < 0)
		return -1;
	peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	return peer < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	varlink_client_free(client);
	if (peer >= 0)
		close(peer);
	close(listener);
	return unlink(path);
}

static void answer(const char *text)
{
	assert_int_equal(send(peer, text, strlen(text) + 1, MSG_NOSIGNAL), strlen(text) + 1);
}

static void assert_sent(const char *text)
{
	char buffer[1000] = "";

	assert_int_equal(recv(peer, buffer, sizeof(buffer) - 1, 0), strlen(text) + 1);
	assert_string_equal(buffer, text);
}

/* Receives one reply: its parameters and error as text. */
static void assert_received(const char *parameters, const char *error, bool continues)
{
	json_t *p = NULL;
	char *e = NULL, *text;
	bool more = !continues;

	if (varlink_client_receive(client, 1000, &p, &e, &more, &err) != 0)
		fail_msg("%s", err.text);
	text = json_dumps(p, JSON_COMPACT);
	assert_string_equal(text, parameters);
	if (error)
		assert_string_equal(e, error);
	else
		assert_null(e);
	assert_int_equal(more, continues);
	free(text);
	free(e);
	json_decref(p);
}

static int receive_fails(int timeout)
{
	json_t *p = (void *)1;
	char *e = (void *)2;
	bool more = true;
	int r = varlink_client_receive(client, timeout, &p, &e, &more, &err);

	assert_ptr_equal(p, (void *)1); /* untouched */
	assert_ptr_equal(e, (void *)2);
	assert_non_null(strstr(err.text, path));
	return r;
}

static void test_calls(void **state)
{
	(void)state;
	assert_int_equal(varlink_client_send(client, "a.B", NULL, false, &err), 0);
	assert_sent("{\"method\":\"a.B\"}");
	answer("{}");
	assert_received("{}", NULL, false);
	assert_int_equal(varlink_client_send(client, "a.B", json_pack("{s:i}", "n", 1), true, &err), 0);
	assert_sent("{\"method\":\"a.B\",\"parameters\":{\"n\":1},\"more\":true}");
	answer("{\"parameters\":{\"n\":1},\"continues\":true}");
	answer("{\"parameters\":null,\"continues\":true}");
	answer(" {\"error\":\"a.C\",\"parameters\":{\"why\":\"x\"}} ");
	assert_received("{\"n\":1}", NULL, true);
	assert_received("{}", NULL, true);
	assert_received("{\"why\":\"x\"}", "a.C", false);
}

static void test_reply_in_pieces(void **state)
{
	static const char text[] = "{\"parameters\":{\"n\":1}}";

	(void)state;
	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		assert_int_equal(send(peer, text + i, 1, 0), 1);
		assert_int_equal(receive_fails(1), -ETIMEDOUT);
	}
	assert_int_equal(send(peer, "", 1, 0), 1);
	assert_received("{\"n\":1}", NULL, false);
}

static void test_bad_replies(void **state)
{
	static const char *const bad[] = {
		"", "x", "[]", "{\"a\":1}", "{\"error\":1}", "{\"parameters\":{\"a\":\"\xff\"}}"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		answer(bad[i]);
		assert_int_equal(receive_fails(1000), -EBADMSG);
	}
	answer("{}"); /* framing is intact all the same */
	assert_received("{}", NULL, false);
}

static void test_server_goes(void **state)
{
	(void)state;
	assert_int_equal(receive_fails(0), -ETIMEDOUT);
	assert_int_equal(send(peer, "{\"par", 5, 0), 5);
	close(peer);
	peer = -1;
	assert_int_equal(receive_fails(-1), -ECONNRESET);
	assert_int_equal(varlink_client_send(client, "a.B", NULL, false, &err), -ECONNRESET);
}

static void test_too_long_to_send(void **state)
{
	static char text[VARLINK_MESSAGE_MAX + 1];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	assert_int_equal(varlink_client_send(client, "a.B", json_pack("{s:s}", "s", text), false, &err),
			 -EMSGSIZE);
	assert_int_equal(varlink_client_send(client, "a.B", NULL, false, &err), 0);
	assert_sent("{\"method\":\"a.B\"}"); /* nothing of the long one was sent */
}

static void test_nobody_listens(void **state)
{
	struct varlink_client *none = (void *)1;
	char long_path[200];

	(void)state;
	assert_int_equal(varlink_client_connect("/nonexistent/socket", &none, &err), -ENOENT);
	assert_non_null(strstr(err.text, "/nonexistent/socket"));
	close(listener);
	listener = -1;
	assert_int_equal(varlink_client_connect(path, &none, &err), -ECONNREFUSED);
	memset(long_path, 'x', sizeof(long_path) - 1);
	long_path[sizeof(long_path) - 1] = '\0';
	assert_int_equal(varlink_client_connect(long_path, &none, &err), -ENAMETOOLONG);
	assert_ptr_equal(none, (void *)1);
}

static int make_directory(void **state)
{
	(void)state;
	if (mkdtemp(directory) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/s", directory);
	return 0;
}

static int remove_directory(void **state)
{
	(void)state;
	return rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_calls, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reply_in_pieces, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_replies, setup, teardown),
		cmocka_unit_test_setup_teardown(test_server_goes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_too_long_to_send, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nobody_listens, setup, teardown),
	};

	return cmocka_run_group_tests_name("varlink_client", tests, make_directory, remove_directory);
}
