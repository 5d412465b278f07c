/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What answers mean: a failure alone is not an illness. And HealthTcp='s words. No effects. */
#include "health.h"
#include "parse.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

const char *health_state_to_string(enum health_state h)
{
	static const char *const names[] = {"", "unknown", "healthy", "unhealthy"};

	return (size_t)h < sizeof(names) / sizeof(*names) ? names[h] : "unknown";
}

/* What could not be asked says nothing: it neither adds to the failures nor ends their row. */
bool health_take(struct health_count *c, unsigned retries, enum health_outcome outcome)
{
	enum health_state before = c->state;

	if (outcome == HEALTH_WELL)
		c->ill = 0;
	else if (outcome == HEALTH_ILL && c->ill < retries)
		c->ill++;
	if (outcome != HEALTH_UNASKED)
		c->unasked = 0;
	else if (c->unasked < retries)
		c->unasked++;
	if (outcome == HEALTH_WELL)
		c->state = HEALTH_HEALTHY;
	else if (c->ill >= retries)
		c->state = HEALTH_UNHEALTHY;
	else if (c->unasked >= retries)
		c->state = HEALTH_UNKNOWN;
	return c->state != before;
}

static int parse_port(const char *text, in_port_t *ret)
{
	uint64_t port;

	if (*text < '1' || *text > '9') /* no "0x50", no "0120" */
		return -EINVAL;
	if (parse_u64(text, &port) < 0 || port > 65535)
		return -EINVAL;
	*ret = htons((in_port_t)port);
	return 0;
}

/* "ADDRESS" of `length` bytes, of that family. */
static int parse_address(const char *text, size_t length, uint8_t family, struct netnsd_ip *ret)
{
	char address[INET6_ADDRSTRLEN];
	int r;

	if (length >= sizeof(address))
		return -EINVAL;
	(void)snprintf(address, sizeof(address), "%.*s", (int)length, text);
	r = parse_ip(address, ret);
	return r == 0 && ret->family != family ? -EINVAL : r;
}

int health_parse_tcp(const char *text, struct sockaddr_storage *ret)
{
	struct netnsd_ip ip = {.family = AF_INET, .bytes = {127, 0, 0, 1}};
	const char *colon = strrchr(text, ':'), *port = colon ? colon + 1 : text;
	struct sockaddr_storage s = {0};
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)&s;
	struct sockaddr_in *four = (struct sockaddr_in *)&s;
	in_port_t number;
	int r = 0;

	if (colon && *text == '[' && colon[-1] == ']')
		r = parse_address(text + 1, (size_t)(colon - text) - 2, AF_INET6, &ip);
	else if (colon)
		r = parse_address(text, (size_t)(colon - text), AF_INET, &ip);
	if (r < 0 || parse_port(port, &number) < 0)
		return -EINVAL;
	if (ip.family == AF_INET) {
		*four = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = number};
		memcpy(&four->sin_addr, ip.bytes, sizeof(four->sin_addr));
	} else {
		*six = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = number};
		memcpy(&six->sin6_addr, ip.bytes, sizeof(six->sin6_addr));
	}
	*ret = s;
	return 0;
}
