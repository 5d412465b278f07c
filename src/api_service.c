/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* io.systemd.service: what every systemd service offers. */
#include "api_internal.h"
#include "log.h"

#include <unistd.h>

static const struct varlink_parameter no_parameters[] = {{0}};

void api_service_ping(struct varlink_call *call, json_t *parameters, void *data)
{
	(void)data;
	if (varlink_check_parameters(call, parameters, no_parameters))
		varlink_reply(call, NULL);
}

static void answer_reload(struct api *a, struct varlink_call *call, const char *name,
			  const struct operation_result *result)
{
	(void)name;
	if (result->failure != FAILURE_NONE)
		api_manager_fail(a, call, result);
	else
		varlink_reply(call, NULL);
}

void api_service_reload(struct varlink_call *call, json_t *parameters, void *data)
{
	if (varlink_check_parameters(call, parameters, no_parameters))
		api_operate(data, call, &(struct operation_request){.type = OPERATION_APPLY}, answer_reload);
}

void api_service_set_log_level(struct varlink_call *call, json_t *parameters, void *data)
{
	static const struct varlink_parameter spec[] = {{"level", VARLINK_INT, true}, {0}};
	json_int_t level;

	(void)data;
	if (!varlink_check_parameters(call, parameters, spec))
		return;
	level = json_integer_value(json_object_get(parameters, "level"));
	if (level < LOG_EMERG || level > LOG_DEBUG) {
		varlink_error_invalid_parameter(call, "level");
		return;
	}
	/* Errors are always said: there are no levels below. */
	log_set_level(level < LOG_ERR ? LOG_ERR : (int)level);
	varlink_reply(call, NULL);
}

void api_service_get_log_level(struct varlink_call *call, json_t *parameters, void *data)
{
	(void)data;
	if (varlink_check_parameters(call, parameters, no_parameters))
		api_reply(call, json_pack("{s:i}", "level", log_get_level()));
}

void api_service_get_environment(struct varlink_call *call, json_t *parameters, void *data)
{
	json_t *array, *text;
	int r = 0;

	(void)data;
	if (!varlink_check_parameters(call, parameters, no_parameters))
		return;
	array = json_array();
	for (char **e = environ; e != NULL && *e != NULL; e++) {
		text = json_string(*e);
		if (text == NULL) {
			json_decref(array);
			varlink_error(call, "io.systemd.service.InconsistentEnvironment", NULL);
			return;
		}
		r |= json_array_append_new(array, text);
	}
	api_reply(call, json_pack("{s:o}", "environment", api_built(array, r)));
}
