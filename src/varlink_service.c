/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* org.varlink.service: what every Varlink server says about itself. */
#include "varlink_internal.h"

#include <string.h>

static const char description[] =
	"# What every Varlink service says about itself.\n"
	"interface org.varlink.service\n"
	"\n"
	"# Name, version and interfaces of the service.\n"
	"method GetInfo() -> (\n"
	"  vendor: string,\n"
	"  product: string,\n"
	"  version: string,\n"
	"  url: string,\n"
	"  interfaces: []string\n"
	")\n"
	"\n"
	"# The text of one interface.\n"
	"method GetInterfaceDescription(interface: string) -> (description: string)\n"
	"\n"
	"error InterfaceNotFound (interface: string)\n"
	"error MethodNotFound (method: string)\n"
	"# Also the answer to 'upgrade', which this service does not do\n"
	"error MethodNotImplemented (method: string)\n"
	"# Unknown, missing, or of a wrong type or value\n"
	"error InvalidParameter (parameter: string)\n"
	"error PermissionDenied ()\n"
	"# The method must be called with 'more'\n"
	"error ExpectedMore ()\n";

const struct varlink_interface varlink_service_interface = {"org.varlink.service", description};

/* A call does not know its server, but its connection does; both live while a method runs. */
static const struct varlink_options *options_of(const struct varlink_call *call)
{
	return &call->connection->server->options;
}

static void get_info(struct varlink_call *call, json_t *parameters, void *data)
{
	static const struct varlink_parameter none[] = {{0}};
	const struct varlink_options *o = options_of(call);
	const struct varlink_interface *i = o->interfaces;
	json_t *names;

	(void)data;
	if (!varlink_check_parameters(call, parameters, none))
		return;
	names = json_pack("[s]", varlink_service_interface.name);
	for (; i != NULL && i->name != NULL; i++)
		json_array_append_new(names, json_string(i->name));
	varlink_reply(call, json_pack("{s:s, s:s, s:s, s:s, s:o}", "vendor", o->vendor, "product", o->product,
				      "version", o->version, "url", o->url, "interfaces", names));
}

static const struct varlink_interface *find_interface(const struct varlink_options *o, const char *name)
{
	const struct varlink_interface *i = o->interfaces;

	if (strcmp(name, varlink_service_interface.name) == 0)
		return &varlink_service_interface;
	for (; i != NULL && i->name != NULL; i++)
		if (strcmp(name, i->name) == 0)
			return i;
	return NULL;
}

static void get_interface_description(struct varlink_call *call, json_t *parameters, void *data)
{
	static const struct varlink_parameter spec[] = {{"interface", VARLINK_STRING, true}, {0}};
	const struct varlink_interface *i;
	const char *name;

	(void)data;
	if (!varlink_check_parameters(call, parameters, spec))
		return;
	name = json_string_value(json_object_get(parameters, "interface"));
	i = find_interface(options_of(call), name);
	if (i == NULL)
		varlink_error(call, "org.varlink.service.InterfaceNotFound",
			      json_pack("{s:s}", "interface", name));
	else
		varlink_reply(call, json_pack("{s:s}", "description", i->description));
}

const struct varlink_method varlink_service_methods[] = {
	{"org.varlink.service.GetInfo", get_info, 0},
	{"org.varlink.service.GetInterfaceDescription", get_interface_description, 0},
	{0},
};
