/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* netnsctl status NAME and netnsctl show NAME, also of containers: both print what Describe answers, one for
 * people, one as KEY=value lines for scripts. */
#include "ctl.h"
#include "netns.h"

#include <ctype.h>
#include <string.h>

#define NO_SUCH		  NAMESPACE_INTERFACE ".NoSuchNamespace"
#define NO_SUCH_CONTAINER CONTAINER_INTERFACE ".NoSuchContainer"

/* The daemon lists the names of others and does not watch them: what can be seen is looked at here. */
static json_t *describe_foreign(const char *name)
{
	enum netns_name_state state = NETNS_NAME_ABSENT;
	uint64_t device = 0, inode = 0;
	_cleanup_close_ int fd = -1;
	pid_t pids[64];
	size_t n = 0;
	json_t *holders;

	if (!*name || strchr(name, '/') || netns_probe(name, &state, &fd, NULL) < 0 ||
	    state != NETNS_NAME_NAMESPACE || netns_stat(fd, &device, &inode) < 0)
		return NULL;
	if (netns_holders(fd, pids, sizeof(pids) / sizeof(pids[0]), &n) < 0)
		n = 0;
	holders = json_array();
	for (size_t i = 0; i < n; i++)
		(void)json_array_append_new(holders, json_pack("{s:i}", "pid", (int)pids[i]));
	return json_pack("{s:s, s:{s:s, s:s, s:I}, s:o}", "name", name, "runtime", "state", "foreign",
			 "reason", "somebody else made it", "inode", (json_int_t)inode, "holders", holders);
}

/* 0 and the reply's parameters; else an exit code, `missing` when there is none of that name. */
static int describe(struct ctl *c, const char *name, bool container, int missing, json_t **ret)
{
	char what[300];
	struct request q = {.what = what,
			    .method = container ? CONTAINER_INTERFACE ".Describe"
						: NAMESPACE_INTERFACE ".Describe"};
	struct reply reply = {0};
	json_t *foreign;
	int r;

	(void)snprintf(what, sizeof(what), "show '%s'", name);
	q.parameters = json_pack("{s:s}", "name", name);
	if (!q.parameters) {
		ctl_error("cannot %s: the name is not UTF-8", what);
		return CTL_FAILED;
	}
	r = client_request(c, &q, &reply);
	if (!r && reply.error && strcmp(reply.error, NO_SUCH) == 0 && (foreign = describe_foreign(name))) {
		*ret = foreign;
	} else if (!r && reply.error) {
		r = client_report(what, &reply);
		if (strcmp(reply.error, NO_SUCH) == 0 || strcmp(reply.error, NO_SUCH_CONTAINER) == 0)
			r = missing;
	} else if (!r) {
		*ret = steal_pointer(reply.parameters);
	}
	reply_done(&reply);
	return r;
}

static int print_netns(struct ctl *c, const char *name, json_t *d)
{
	json_t *containers = NULL;
	int r;

	(void)list_containers(c, name, &containers); /* they are a remark */
	pager_open(c);
	r = status_netns(c, d, containers);
	json_decref(containers);
	return r;
}

static int status_one(struct ctl *c, char *name)
{
	const bool container = is_container(name);
	json_t *d = NULL;
	const char *state;
	int r;

	r = describe(c, name, container, CTL_NOT_RUNNING, &d);
	if (r)
		return r;
	if (c->json == JSON_MODE_OFF && container) {
		pager_open(c);
		r = status_container(c, d);
	} else if (c->json == JSON_MODE_OFF) {
		r = print_netns(c, name, d);
	} else {
		state = json_text(json_object_get(d, "runtime"), "state");
		r = container ? (container_runs(d) ? CTL_DONE : CTL_NOT_RUNNING)
		    : str_equal(state, "down") || str_equal(state, "failed") ? CTL_NOT_RUNNING
									     : CTL_DONE;
		return output_json(c, d) == CTL_DONE ? r : CTL_FAILED;
	}
	json_decref(d);
	return r;
}

int verb_status(struct ctl *c, char **args, int n)
{
	int result = CTL_DONE;

	if (n == 0)
		return status_daemon(c);
	for (int i = 0; i < n; i++) {
		int r = status_one(c, args[i]);

		if (r == CTL_FAILED && !c->client)
			return r;
		if (r != CTL_DONE && result != CTL_FAILED)
			result = r;
		if (i + 1 < n && c->json == JSON_MODE_OFF)
			putchar('\n');
	}
	return result;
}

/* --- show ------------------------------------------------------------------------------------ */

/* "macAddress" as configuration spells it, "MACAddress". */
static void append_key(struct strbuf *b, const char *field)
{
	static const char *const acronyms[][2] = {
		{"dns", "DNS"},		{"nsid", "NSID"},	{"mtu", "MTU"}, {"macAddress", "MACAddress"},
		{"rxBytes", "RXBytes"}, {"txBytes", "TXBytes"}, {"pid", "PID"}, {"cgroup", "CGroup"},
	};

	for (size_t i = 0; i < sizeof(acronyms) / sizeof(acronyms[0]); i++)
		if (strcmp(field, acronyms[i][0]) == 0) {
			strbuf_puts(b, acronyms[i][1]);
			return;
		}
	for (size_t i = 0; field[i]; i++)
		if (isalnum((unsigned char)field[i]))
			strbuf_printf(b, "%c", i == 0 ? toupper((unsigned char)field[i]) : field[i]);
}

static void print_value(const char *key, const json_t *value)
{
	const char *text = json_string_value(value);

	if (json_is_integer(value))
		printf("%s=%lld\n", key, (long long)json_integer_value(value));
	else if (json_is_boolean(value))
		printf("%s=%s\n", key, json_is_true(value) ? "yes" : "no");
	else if (text)
		printf("%s=%s\n", key, text);
}

static void show_object(const char *prefix, json_t *object);

/* "links": [...] is Link=eth0 and then Link[eth0].MTU=...; holders go by their pid. */
static void show_element(const char *key, json_t *element)
{
	const char *name = json_text(element, "name");
	struct strbuf prefix = {0};

	if (!json_is_object(element)) {
		print_value(key, element);
		return;
	}
	if (!name) {
		printf("%s=%lld", key, (long long)json_number(element, "pid"));
		if (json_text(element, "command")) {
			putchar(' ');
			(void)fputs(json_text(element, "command"), stdout);
		}
		putchar('\n');
		return;
	}
	print_value(key, json_object_get(element, "name"));
	strbuf_printf(&prefix, "%s[%s].", key, name);
	if (!prefix.failed)
		show_object(prefix.data, element);
	strbuf_free(&prefix);
}

/* "waitsFor" is one value a line under the same key; plurals lose their s, as in the files. */
static void show_array(struct strbuf *key, json_t *array)
{
	static const char *const plurals[][2] = {
		{"Links", "Link"},	 {"Routes", "Route"},
		{"Rules", "Rule"},	 {"Neighbors", "Neighbor"},
		{"Holders", "Process"},	 {"Addresses", "Address"},
		{"Settings", "Setting"}, {"AlternativeNames", "AlternativeName"},
	};
	_cleanup_free_ char *name = NULL;
	size_t i, tail;
	json_t *element;

	if (key->failed)
		return;
	for (i = 0; i < sizeof(plurals) / sizeof(plurals[0]); i++) {
		tail = strlen(plurals[i][0]);
		if (key->length >= tail && strcmp(key->data + key->length - tail, plurals[i][0]) == 0 &&
		    (key->length == tail || key->data[key->length - tail - 1] == '.') &&
		    asprintf(&name, "%.*s%s", (int)(key->length - tail), key->data, plurals[i][1]) < 0)
			return;
		if (name)
			break;
	}
	json_array_foreach(array, i, element) show_element(name ? name : key->data, element);
}

static void show_object(const char *prefix, json_t *object)
{
	const char *field;
	json_t *value;

	json_object_foreach(object, field, value)
	{
		struct strbuf key = {0};

		/* The text has many lines and `cat` prints it; a link's name was its heading. */
		if (strcmp(field, "text") == 0 || (*prefix && strcmp(field, "name") == 0))
			continue;
		if (json_is_object(value)) {
			show_object(prefix, value);
			continue;
		}
		strbuf_puts(&key, prefix);
		append_key(&key, field);
		if (json_is_array(value))
			show_array(&key, value);
		else if (!key.failed)
			print_value(key.data, value);
		strbuf_free(&key);
	}
}

int verb_show(struct ctl *c, char **args, int n)
{
	int result = CTL_DONE;

	for (int i = 0; i < n; i++) {
		json_t *d = NULL;
		const bool container = is_container(args[i]);
		int r = describe(c, args[i], container, CTL_FAILED, &d);

		if (r) {
			result = r;
			if (!c->client)
				return r;
			continue;
		}
		if (c->json != JSON_MODE_OFF) {
			if (output_json(c, d) != CTL_DONE)
				return CTL_FAILED;
			continue;
		}
		if (i > 0)
			putchar('\n');
		show_object("", d);
		json_decref(d);
	}
	return result;
}
