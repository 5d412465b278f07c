/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* MAC addresses, IP addresses and prefixes: read, printed, compared. Strict: no zone ("%eth0"), no
 * short forms ("10.1"), no leading zeros. */
#include "parse.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* "02:0:0:0:0:1" and "02-00-..." in groups of one or two digits, "0200.0000.0001" of four. */
int parse_mac(const char *text, struct netnsd_mac *ret)
{
	size_t first = strspn(text, "0123456789abcdefABCDEF");
	char separator = text[first];
	size_t groups = separator == '.' ? 3 : 6;
	struct netnsd_mac mac = {0};

	if (separator != ':' && separator != '-' && separator != '.')
		return -EINVAL;
	for (size_t i = 0; i < groups; i++) {
		unsigned value = 0;
		size_t digits = 0;

		for (; hex_value(*text) >= 0; text++, digits++) {
			if (digits >= 4)
				return -EINVAL;
			value = value << 4 | (unsigned)hex_value(*text);
		}
		if (groups == 3 ? digits != 4 : (digits < 1 || digits > 2))
			return -EINVAL;
		if (*text != (i + 1 < groups ? separator : '\0'))
			return -EINVAL;
		text++;
		if (groups == 3) {
			mac.bytes[2 * i] = (uint8_t)(value >> 8);
			mac.bytes[2 * i + 1] = (uint8_t)value;
		} else {
			mac.bytes[i] = (uint8_t)value;
		}
	}
	*ret = mac;
	return 0;
}

int parse_ip(const char *text, struct netnsd_ip *ret)
{
	struct netnsd_ip ip = {0};

	if (inet_pton(AF_INET, text, ip.bytes) == 1)
		ip.family = AF_INET;
	else if (inet_pton(AF_INET6, text, ip.bytes) == 1)
		ip.family = AF_INET6;
	else
		return -EINVAL;
	*ret = ip;
	return 0;
}

int parse_prefix(const char *text, struct netnsd_prefix *ret)
{
	const char *slash = strchr(text, '/');
	size_t length = slash ? (size_t)(slash - text) : strlen(text);
	struct netnsd_prefix prefix = {0};
	char address[INET6_ADDRSTRLEN];
	unsigned bits, value = 0;

	if (length >= sizeof(address))
		return -EINVAL;
	memcpy(address, text, length);
	address[length] = '\0';
	if (parse_ip(address, &prefix.ip) < 0)
		return -EINVAL;
	bits = ip_length(prefix.ip.family) * 8;
	prefix.length = (uint8_t)bits;
	if (slash) {
		const char *digits = slash + 1;
		size_t n = strspn(digits, "0123456789");

		if (n < 1 || digits[n] || (n > 1 && digits[0] == '0'))
			return -EINVAL;
		for (size_t i = 0; i < n && value <= bits; i++)
			value = value * 10 + (unsigned)(digits[i] - '0');
		if (value > bits)
			return -ERANGE;
		prefix.length = (uint8_t)value;
	}
	*ret = prefix;
	return 0;
}

char *format_mac(const struct netnsd_mac *mac, char *ret)
{
	const uint8_t *b = mac->bytes;

	(void)snprintf(ret, FORMAT_MAX, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4], b[5]);
	return ret;
}

char *format_ip(const struct netnsd_ip *ip, char *ret)
{
	if (ip_length(ip->family) == 0 || !inet_ntop(ip->family, ip->bytes, ret, FORMAT_MAX))
		ret[0] = '\0';
	return ret;
}

char *format_prefix(const struct netnsd_prefix *prefix, char *ret)
{
	char address[FORMAT_MAX];

	if (prefix->ip.family == AF_UNSPEC)
		ret[0] = '\0';
	else
		(void)snprintf(ret, FORMAT_MAX, "%.64s/%u", format_ip(&prefix->ip, address), prefix->length);
	return ret;
}

bool ip_equal(const struct netnsd_ip *a, const struct netnsd_ip *b)
{
	return a->family == b->family && !memcmp(a->bytes, b->bytes, ip_length(a->family));
}

bool prefix_equal(const struct netnsd_prefix *a, const struct netnsd_prefix *b)
{
	return a->length == b->length && ip_equal(&a->ip, &b->ip);
}

/* How many bits of byte `i` belong to a prefix of `length` bits, as a mask. */
static uint8_t byte_mask(unsigned length, unsigned i)
{
	unsigned bits = length > i * 8 ? length - i * 8 : 0;

	return bits >= 8 ? 0xff : (uint8_t)(0xff00U >> bits);
}

struct netnsd_prefix prefix_masked(const struct netnsd_prefix *p)
{
	struct netnsd_prefix masked = {.ip.family = p->ip.family, .length = p->length};

	for (unsigned i = 0; i < ip_length(p->ip.family); i++)
		masked.ip.bytes[i] = p->ip.bytes[i] & byte_mask(p->length, i);
	return masked;
}

bool prefix_contains(const struct netnsd_prefix *p, const struct netnsd_ip *ip)
{
	if (p->ip.family != ip->family || ip->family == AF_UNSPEC)
		return false;
	for (unsigned i = 0; i < ip_length(ip->family); i++)
		if ((p->ip.bytes[i] ^ ip->bytes[i]) & byte_mask(p->length, i))
			return false;
	return true;
}
