/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* reexec, log-level and version: about the daemon rather than its namespaces. */
#include "ctl.h"
#include "log.h"

int verb_log_level(struct ctl *c, char **args, int n)
{
	struct reply reply = {0};
	int level = 0, r;

	if (n > 0) {
		if (log_level_from_string(args[0], &level) < 0)
			return ctl_usage_error(
				c,
				"'%s' is no log level; expected emerg, alert, crit, err, warning, "
				"notice, info, debug or a number from 0 to 7",
				args[0]);
		return client_call(c, "set the log level", SERVICE_INTERFACE ".SetLogLevel",
				   json_pack("{s:i}", "level", level), NULL);
	}
	r = client_call(c, "ask for the log level", SERVICE_INTERFACE ".GetLogLevel", NULL, &reply);
	if (r)
		return r;
	if (c->json != JSON_MODE_OFF)
		return output_json(c, reply.parameters);
	level = (int)json_number(reply.parameters, "level");
	printf("%s\n", log_level_to_string(level) ? log_level_to_string(level) : "?");
	reply_done(&reply);
	return CTL_DONE;
}

int verb_reexec(struct ctl *c, char **args, int n)
{
	(void)args;
	(void)n;
	return client_call(c, "execute the daemon's program anew", MANAGER_INTERFACE ".Reexec", NULL, NULL);
}

int verb_version(struct ctl *c, char **args, int n)
{
	struct reply reply = {0};
	const char *daemon_version = NULL;
	int r = CTL_DONE;

	(void)args;
	(void)n;
	if (client_probe(c) == 0) {
		r = client_call(c, "ask for the daemon's version", MANAGER_INTERFACE ".Describe", NULL,
				&reply);
		daemon_version = json_text(reply.parameters, "version");
	}
	if (c->json != JSON_MODE_OFF) {
		json_t *v = json_pack("{s:s, s:s?}", "netnsctl", netnsd_version(), "netnsd", daemon_version);

		r = output_json(c, v) ? CTL_FAILED : r;
	} else {
		printf("netnsctl %s\n", netnsd_version());
		if (daemon_version) {
			printf("netnsd ");
			(void)fputs(daemon_version, stdout);
			printf(" (running)\n");
		}
	}
	reply_done(&reply);
	return r;
}
