/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* org.varlink.certification over the very files that serve netnsd's own interfaces, so that clients
 * nobody here wrote can judge them. Usage: certification_server SOCKET; ends with SIGTERM. */
#include "varlink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define PREFIX	    "org.varlink.certification."
#define CLIENTS_MAX 100

static const char description[] =
	"# Interface to test varlink implementations against.\n"
	"# First you write a varlink client calling:\n"
	"# Start, Test01, Test02, ..., Testxx, End\n"
	"# The return value of the previous call should be the argument of the next call.\n"
	"interface org.varlink.certification\n"
	"\n"
	"type Interface (\n"
	"  foo: ?[]?[string](foo, bar, baz),\n"
	"  anon: (foo: bool, bar: bool)\n"
	")\n"
	"\n"
	"type MyType (\n"
	"  object: object,\n"
	"  enum: (one, two, three),\n"
	"  struct: (first: int, second: string),\n"
	"  array: []string,\n"
	"  dictionary: [string]string,\n"
	"  stringset: [string](),\n"
	"  nullable: ?string,\n"
	"  nullable_array_struct: ?[](first: int, second: string),\n"
	"  interface: Interface\n"
	")\n"
	"\n"
	"method Start() -> (client_id: string)\n"
	"method Test01(client_id: string) -> (bool: bool)\n"
	"method Test02(client_id: string, bool: bool) -> (int: int)\n"
	"method Test03(client_id: string, int: int) -> (float: float)\n"
	"method Test04(client_id: string, float: float) -> (string: string)\n"
	"method Test05(client_id: string, string: string)\n"
	"  -> (bool: bool, int: int, float: float, string: string)\n"
	"method Test06(client_id: string, bool: bool, int: int, float: float, string: string)\n"
	"  -> (struct: (bool: bool, int: int, float: float, string: string))\n"
	"method Test07(client_id: string, struct: (bool: bool, int: int, float: float, string: string))\n"
	"  -> (map: [string]string)\n"
	"method Test08(client_id: string, map: [string]string) -> (set: [string]())\n"
	"method Test09(client_id: string, set: [string]()) -> (mytype: MyType)\n"
	"# Method replies with 'continues'\n"
	"method Test10(client_id: string, mytype: MyType) -> (string: string)\n"
	"# Method called as 'oneway'\n"
	"method Test11(client_id: string, last_more_replies: []string) -> ()\n"
	"method End(client_id: string) -> (all_ok: bool)\n"
	"\n"
	"error ClientIdError ()\n"
	"error CertificationError (wants: object, got: object)\n";

/* Test by test: what must come in beside client_id, and what is answered. NULL: see the code. */
static const struct step {
	const char *method, *wants, *answer;
} steps[] = {
	{"Test01", "{}", "{'bool':true}"},
	{"Test02", "{'bool':true}", "{'int':1}"},
	{"Test03", "{'int':1}", "{'float':1.0}"},
	{"Test04", "{'float':1.0}", "{'string':'ping'}"},
	{"Test05", "{'string':'ping'}",
	 "{'bool':false,'int':2,'float':3.141592653589793,'string':'a lot of string'}"},
	{"Test06", "{'bool':false,'int':2,'float':3.141592653589793,'string':'a lot of string'}",
	 "{'struct':{'bool':false,'int':2,'float':3.141592653589793,'string':'a lot of string'}}"},
	{"Test07", "{'struct':{'bool':false,'int':2,'float':3.141592653589793,'string':'a lot of string'}}",
	 "{'map':{'foo':'Foo','bar':'Bar'}}"},
	{"Test08", "{'map':{'foo':'Foo','bar':'Bar'}}", "{'set':{'one':{},'two':{},'three':{}}}"},
	{"Test09", "{'set':{'one':{},'two':{},'three':{}}}",
	 "{'mytype':{'object':{'method':'org.varlink.certification.Test09',"
	 "'parameters':{'map':{'foo':'Foo','bar':'Bar'}}},"
	 "'enum':'two','struct':{'first':1,'second':'2'},'array':['one','two','three'],"
	 "'dictionary':{'foo':'Foo','bar':'Bar'},'stringset':{'one':{},'two':{},'three':{}},"
	 "'nullable':null,'nullable_array_struct':null,"
	 "'interface':{'foo':[null,{'foo':'foo','bar':'bar'},null,{'one':'foo','two':'bar'}],"
	 "'anon':{'foo':true,'bar':false}}}}"},
	{"Test10", NULL, NULL},
	{"Test11",
	 "{'last_more_replies':['Reply number 1','Reply number 2','Reply number 3','Reply number 4',"
	 "'Reply number 5','Reply number 6','Reply number 7','Reply number 8','Reply number 9',"
	 "'Reply number 10']}",
	 NULL},
	{0},
};

static struct client {
	char id[33];
	unsigned done; /* steps; End wants all of them */
} clients[CLIENTS_MAX];
static unsigned next_client;

/* The tables are written with ' for " to stay readable. */
static json_t *from_table(const char *text)
{
	char *copy = strdup(text);
	json_t *value;

	for (char *c = copy; c && *c; c++)
		if (*c == '\'')
			*c = '"';
	value = copy ? json_loads(copy, 0, NULL) : NULL;
	free(copy);
	if (!value)
		abort();
	return value;
}

/* Numbers by value: clients may write 1.0 as 1. Absent and null are the same. */
static bool same(json_t *a, json_t *b)
{
	const char *key;
	json_t *value;

	if (json_is_number(a) && json_is_number(b))
		return json_number_value(a) == json_number_value(b);
	if (json_is_array(a) && json_is_array(b)) {
		if (json_array_size(a) != json_array_size(b))
			return false;
		for (size_t i = 0; i < json_array_size(a); i++)
			if (!same(json_array_get(a, i), json_array_get(b, i)))
				return false;
		return true;
	}
	if (!json_is_object(a) || !json_is_object(b))
		return json_equal(a, b);
	json_object_foreach(a, key, value)
	{
		json_t *other = json_object_get(b, key);

		if (!(other ? same(value, other) : json_is_null(value)))
			return false;
	}
	json_object_foreach(b, key, value) if (!json_object_get(a, key) && !json_is_null(value)) return false;
	return true;
}

static struct client *find_client(json_t *parameters)
{
	const char *id = json_string_value(json_object_get(parameters, "client_id"));

	for (unsigned i = 0; id && *id && i < CLIENTS_MAX; i++)
		if (strcmp(clients[i].id, id) == 0)
			return &clients[i];
	return NULL;
}

static void start(struct varlink_call *call, json_t *parameters, void *data)
{
	struct client *c = &clients[next_client++ % CLIENTS_MAX];
	unsigned char random[16];

	(void)parameters;
	(void)data;
	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		abort();
	for (unsigned i = 0; i < sizeof(random); i++)
		snprintf(c->id + 2 * i, 3, "%02x", random[i]);
	c->done = 0;
	varlink_reply(call, json_pack("{s:s}", "client_id", c->id));
}

static void test10(struct varlink_call *call)
{
	char text[32];

	if (!varlink_call_wants_more(call)) {
		varlink_error(call, VARLINK_EXPECTED_MORE, NULL);
		return;
	}
	for (int i = 1; i < 10; i++) {
		snprintf(text, sizeof(text), "Reply number %d", i);
		varlink_notify(call, json_pack("{s:s}", "string", text));
	}
	varlink_reply(call, json_pack("{s:s}", "string", "Reply number 10"));
}

static void certify(struct varlink_call *call, struct client *c, unsigned n, json_t *parameters)
{
	json_t *wants = from_table(steps[n].wants ? steps[n].wants : steps[n - 1].answer);

	json_object_del(parameters, "client_id");
	if (c->done != n || !same(wants, parameters)) {
		varlink_error(call, PREFIX "CertificationError",
			      json_pack("{s:o, s:O}", "wants", wants, "got", parameters));
		return;
	}
	json_decref(wants);
	c->done++;
	if (!steps[n].wants)
		test10(call);
	else
		varlink_reply(call, steps[n].answer ? from_table(steps[n].answer) : NULL);
}

static void test(struct varlink_call *call, json_t *parameters, void *data)
{
	const char *name = varlink_call_method(call) + strlen(PREFIX);
	struct client *c = find_client(parameters);
	unsigned n = 0;

	(void)data;
	while (steps[n].method && strcmp(steps[n].method, name) != 0)
		n++;
	if (!c)
		varlink_error(call, PREFIX "ClientIdError", NULL);
	else if (!steps[n].method) /* End */
		varlink_reply(call, json_pack("{s:b}", "all_ok", c->done == n));
	else
		certify(call, c, n, parameters);
}

static void on_term(struct ev_loop *loop, ev_signal *w, int revents)
{
	(void)w;
	(void)revents;
	ev_break(loop, EVBREAK_ALL);
}

int main(int argc, char **argv)
{
	static const struct varlink_interface interfaces[] = {{"org.varlink.certification", description},
							      {0}};
	static const struct varlink_method methods[] = {
		{PREFIX "Start", start, 0}, {PREFIX "Test01", test, 0},
		{PREFIX "Test02", test, 0}, {PREFIX "Test03", test, 0},
		{PREFIX "Test04", test, 0}, {PREFIX "Test05", test, 0},
		{PREFIX "Test06", test, 0}, {PREFIX "Test07", test, 0},
		{PREFIX "Test08", test, 0}, {PREFIX "Test09", test, 0},
		{PREFIX "Test10", test, 0}, {PREFIX "Test11", test, 0},
		{PREFIX "End", test, 0},    {0},
	};
	const struct varlink_options options = {
		.vendor = "netnsd",
		.product = "certification server",
		.version = "1",
		.url = "https://varlink.org",
		.interfaces = interfaces,
		.methods = methods,
		.operator_gid = (gid_t)-1,
		.connections_per_user = 128,
		.connections_max = 1024,
	};
	struct ev_loop *loop = ev_loop_new(0);
	struct varlink_server *server;
	struct error err = {0};
	ev_signal term;

	if (argc != 2 || !loop || varlink_server_new(loop, &options, &server) < 0)
		return 2;
	if (varlink_server_listen(server, argv[1], 0666, -1, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	ev_signal_init(&term, on_term, SIGTERM);
	ev_signal_start(loop, &term);
	ev_run(loop, 0);
	varlink_server_free(server);
	ev_loop_destroy(loop);
	return 0;
}
