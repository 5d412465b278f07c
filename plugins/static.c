/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * static: the address source behind Address=. The value is the address; there is nothing to assign.
 *
 * Unlike networkd, which takes an address without a prefix length as a host's with a warning, this
 * one refuses it: a forgotten /24 is a link that reaches nobody.
 */
#include <netnsd/plugin.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 2, 3))) static int refuse(struct netnsd_error *err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	return -EINVAL;
}

static int parse_length(const char *text, unsigned max, uint8_t *ret)
{
	unsigned n = 0;

	if (!*text || strlen(text) > 3 || (text[0] == '0' && text[1]))
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		n = n * 10 + (unsigned)(*text - '0');
	}
	if (n > max)
		return -ERANGE;
	*ret = (uint8_t)n;
	return 0;
}

static int parse_ip(const char *text, size_t length, struct netnsd_ip *ret)
{
	char buffer[INET6_ADDRSTRLEN];
	struct netnsd_ip ip = {.family = memchr(text, ':', length) ? AF_INET6 : AF_INET};

	if (length >= sizeof(buffer))
		return -EINVAL;
	memcpy(buffer, text, length);
	buffer[length] = '\0';
	if (inet_pton(ip.family, buffer, ip.bytes) != 1)
		return -EINVAL;
	*ret = ip;
	return 0;
}

static const char *unusable(const struct netnsd_ip *ip)
{
	static const uint8_t zero[16];

	if (memcmp(ip->bytes, zero, ip->family == AF_INET ? 4 : 16) == 0)
		return "the unspecified address";
	if (ip->family == AF_INET ? (ip->bytes[0] & 0xf0) == 0xe0 : ip->bytes[0] == 0xff)
		return "a multicast address";
	if (ip->family == AF_INET && memcmp(ip->bytes, "\xff\xff\xff\xff", 4) == 0)
		return "the broadcast address";
	return NULL;
}

static int static_parse(const char *value, struct netnsd_prefix *ret, struct netnsd_error *err)
{
	const char *slash = strchr(value, '/');
	size_t length = slash ? (size_t)(slash - value) : strlen(value);
	struct netnsd_prefix p = {.length = 0};
	unsigned bits;

	if (parse_ip(value, length, &p.ip) < 0)
		return refuse(err,
			      "'%.100s' is no address; expected ADDRESS/LENGTH such as 10.0.0.2/24 or "
			      "fd00::2/64",
			      value);
	bits = p.ip.family == AF_INET ? 32 : 128;
	if (!slash)
		return refuse(err,
			      "%s has no prefix length; write %s/%u for a single host or %s/%u for a "
			      "network",
			      value, value, bits, value, bits == 32 ? 24 : 64);
	if (parse_length(slash + 1, bits, &p.length) < 0)
		return refuse(err, "'%.20s' is no prefix length; expected a number from 1 to %u", slash + 1,
			      bits);
	if (p.length == 0)
		return refuse(err,
			      "prefix length 0 would make the whole world a neighbour; expected a number "
			      "from 1 to %u",
			      bits);
	if (unusable(&p.ip))
		return refuse(err, "%s is %s, which no link can have", value, unusable(&p.ip));
	*ret = p;
	return 0;
}

static const struct address_source static_source = {
	.name = "static",
	.key = "Address",
	.parse = static_parse,
};

static const struct address_source *const sources[] = {&static_source, NULL};

const struct netnsd_plugin netnsd_plugin = {
	.api = NETNSD_PLUGIN_API,
	.name = "static",
	.address_sources = sources,
};
