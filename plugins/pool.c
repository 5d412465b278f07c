/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pool: the address source behind AddressPool=. Every link that names a prefix gets an address of
 * it: one that depends on the names of namespace and link alone as far as that is possible, so that
 * it is the same after a restart and on another machine, and that no other link has.
 *
 * First every link that had an address of the pool keeps it. Then the others, in the order of their
 * names, get the place that the hash of their name says, or the next one that is free. What was
 * there before a new link came is therefore never moved. The first usable address of a prefix is
 * left to a gateway.
 */
#include <netnsd/plugin.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHORTEST_PREFIX 8

__attribute__((format(printf, 3, 4))) static int fail(struct netnsd_error *err, int code, const char *format,
						      ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	return code;
}

static const char *prefix_text(const struct netnsd_prefix *p, char *ret, size_t size)
{
	char ip[INET6_ADDRSTRLEN];

	if (!inet_ntop(p->ip.family, p->ip.bytes, ip, sizeof(ip)))
		ip[0] = '\0';
	snprintf(ret, size, "%s/%u", ip, p->length);
	return ret;
}

/* --- addresses as numbers -------------------------------------------------------------------- */

static unsigned ip_bits(const struct netnsd_ip *ip)
{
	return ip->family == AF_INET ? 32 : 128;
}

/* Without the bits behind the prefix length. */
static struct netnsd_prefix masked(const struct netnsd_prefix *p)
{
	struct netnsd_prefix m = *p;

	for (unsigned i = 0; i < ip_bits(&p->ip) / 8; i++) {
		unsigned kept = p->length > i * 8 ? p->length - i * 8 : 0;

		if (kept < 8)
			m.ip.bytes[i] &= (uint8_t)(0xff00 >> kept);
	}
	return m;
}

/* Places that can be given away: all but the network's (IPv6: the routers' anycast) address, the
 * gateway's, and in IPv4 the broadcast address. Of an IPv6 prefix the low 64 bits are used. */
static uint64_t usable(const struct netnsd_prefix *pool)
{
	unsigned bits = ip_bits(&pool->ip) - pool->length;
	uint64_t last = bits >= 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;

	return pool->ip.family == AF_INET ? last - 2 : last - 1;
}

/* Place 0 is the one behind the gateway's. */
static struct netnsd_ip ip_at(const struct netnsd_prefix *pool, uint64_t place)
{
	unsigned length = ip_bits(&pool->ip) / 8;
	struct netnsd_ip ip = pool->ip;
	uint64_t offset = place + 2;

	for (unsigned i = 0; i < 8 && i < length; i++, offset >>= 8)
		ip.bytes[length - 1 - i] |= (uint8_t)offset;
	return ip;
}

/* Whether the address is one that ip_at() can return. */
static bool is_usable(const struct netnsd_prefix *pool, const struct netnsd_ip *ip)
{
	struct netnsd_prefix p = {.ip = *ip, .length = pool->length};
	unsigned length = ip_bits(&pool->ip) / 8;
	uint64_t offset = 0;
	struct netnsd_ip again;

	if (ip->family != pool->ip.family)
		return false;
	p = masked(&p);
	if (memcmp(p.ip.bytes, pool->ip.bytes, length) != 0)
		return false;
	for (unsigned i = length > 8 ? length - 8 : 0; i < length; i++)
		offset = offset << 8 | (uint8_t)(ip->bytes[i] & ~pool->ip.bytes[i]);
	if (offset < 2 || offset - 2 >= usable(pool))
		return false;
	again = ip_at(pool, offset - 2); /* differs in bits above the low 64 */
	return memcmp(again.bytes, ip->bytes, length) == 0;
}

/* --- a set of addresses ---------------------------------------------------------------------- */

struct ip_set {
	struct netnsd_ip *slots; /* AF_UNSPEC: empty */
	size_t mask;
};

/* FNV-1a; `hash` is what was hashed before. */
#define FNV_START UINT64_C(14695981039346656037)
static uint64_t fnv(uint64_t hash, const void *data, size_t length)
{
	const uint8_t *p = data;

	while (length-- > 0)
		hash = (hash ^ *p++) * UINT64_C(1099511628211);
	return hash;
}

static int ip_set_init(struct ip_set *s, size_t n)
{
	size_t size = 64;

	if (n > SIZE_MAX / 256)
		return -ENOMEM;
	while (size < 2 * n)
		size *= 2;
	s->slots = calloc(size, sizeof(*s->slots));
	s->mask = size - 1;
	return s->slots ? 0 : -ENOMEM;
}

/* False when it was there already. */
static bool ip_set_add(struct ip_set *s, const struct netnsd_ip *ip)
{
	size_t length = ip_bits(ip) / 8;
	uint64_t hash = fnv(FNV_START, ip->bytes, length);
	size_t i = (size_t)(hash ^ hash >> 32) & s->mask;

	for (; s->slots[i].family; i = (i + 1) & s->mask)
		if (s->slots[i].family == ip->family && memcmp(s->slots[i].bytes, ip->bytes, length) == 0)
			return false;
	s->slots[i] = *ip;
	return true;
}

/* --- assign ---------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
	const struct netnsd_address_request *x = *(struct netnsd_address_request *const *)a;
	const struct netnsd_address_request *y = *(struct netnsd_address_request *const *)b;
	int c = strcmp(x->netns, y->netns);

	if (c == 0)
		c = strcmp(x->ifname, y->ifname);
	return c ? c : (x > y) - (x < y); /* two of one link: as they were written */
}

static bool keep(struct netnsd_address_request *r, struct ip_set *used)
{
	if (!r->before.ip.family || !is_usable(&r->pool, &r->before.ip) || !ip_set_add(used, &r->before.ip))
		return false;
	r->result = (struct netnsd_prefix){.ip = r->before.ip, .length = r->pool.length};
	return true;
}

static bool choose(struct netnsd_address_request *r, struct ip_set *used)
{
	uint64_t places = usable(&r->pool), hash = fnv(FNV_START, r->netns, strlen(r->netns)), place;

	hash = fnv(hash, "/", 1);
	hash = fnv(hash, r->ifname, strlen(r->ifname));
	place = hash % places;
	for (uint64_t tried = 0; tried < places; tried++, place = (place + 1) % places) {
		struct netnsd_ip ip = ip_at(&r->pool, place);

		if (!ip_set_add(used, &ip))
			continue;
		r->result = (struct netnsd_prefix){.ip = ip, .length = r->pool.length};
		return true;
	}
	return false;
}

static int exhausted(const struct netnsd_address_request *requests, size_t n,
		     const struct netnsd_prefix *pool, struct netnsd_error *err)
{
	char text[INET6_ADDRSTRLEN + 8];
	size_t asked = 0;

	for (size_t i = 0; i < n; i++)
		asked += requests[i].pool.length == pool->length &&
			 memcmp(&requests[i].pool.ip, &pool->ip, sizeof(pool->ip)) == 0;
	return fail(err, -ENOSPC,
		    "the pool %s is exhausted: %llu addresses to give away, %zu asked for; what is declared "
		    "elsewhere is left out",
		    prefix_text(pool, text, sizeof(text)), (unsigned long long)usable(pool), asked);
}

static int pool_assign(struct netnsd_address_request *requests, size_t n_requests,
		       const struct netnsd_ip *taken, size_t n_taken, struct netnsd_error *err)
{
	struct netnsd_address_request **order =
		calloc(n_requests + 1, sizeof(struct netnsd_address_request *));
	struct ip_set used = {.slots = NULL};
	size_t left = 0;
	int r = 0;

	if (!order || ip_set_init(&used, n_requests + n_taken) < 0)
		r = fail(err, -ENOMEM, "out of memory");
	for (size_t i = 0; r == 0 && i < n_taken; i++)
		if (taken[i].family)
			(void)ip_set_add(&used, &taken[i]);
	for (size_t i = 0; r == 0 && i < n_requests; i++)
		order[i] = &requests[i];
	if (r == 0 && n_requests > 1)
		qsort(order, n_requests, sizeof(struct netnsd_address_request *), by_name);
	for (size_t i = 0; r == 0 && i < n_requests; i++)
		if (!keep(order[i], &used))
			order[left++] = order[i];
	for (size_t i = 0; r == 0 && i < left; i++)
		if (!choose(order[i], &used))
			r = exhausted(requests, n_requests, &order[i]->pool, err);
	free(order);
	free(used.slots);
	return r;
}

/* --- parse ----------------------------------------------------------------------------------- */

static int parse_length(const char *text, unsigned max, uint8_t *ret)
{
	unsigned n = 0;

	if (!*text || strlen(text) > 3 || text[0] == '0')
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		n = n * 10 + (unsigned)(*text - '0');
	}
	if (n < SHORTEST_PREFIX || n > max)
		return -ERANGE;
	*ret = (uint8_t)n;
	return 0;
}

static bool is_for_hosts(const struct netnsd_ip *ip)
{
	uint8_t first = ip->bytes[0];

	return ip->family == AF_INET ? first != 0 && first != 127 && first < 224 : first != 0 && first != 255;
}

static int pool_parse(const char *value, struct netnsd_prefix *ret, struct netnsd_error *err)
{
	const char *slash = strchr(value, '/');
	struct netnsd_prefix p = {.ip.family = strchr(value, ':') ? AF_INET6 : AF_INET}, base;
	char text[INET6_ADDRSTRLEN + 8];
	unsigned longest = p.ip.family == AF_INET ? 30 : 126;

	if (!slash || slash - value >= INET6_ADDRSTRLEN)
		return fail(err, -EINVAL,
			    "'%.100s' is no prefix; expected one such as 10.0.0.0/24 or fd00::/64", value);
	memcpy(text, value, (size_t)(slash - value));
	text[slash - value] = '\0';
	if (inet_pton(p.ip.family, text, p.ip.bytes) != 1)
		return fail(err, -EINVAL,
			    "'%.100s' is no prefix; expected one such as 10.0.0.0/24 or fd00::/64", value);
	if (parse_length(slash + 1, longest, &p.length) < 0)
		return fail(err, -EINVAL, "'%.20s' is no length for a pool; expected a number from %d to %u",
			    slash + 1, SHORTEST_PREFIX, longest);
	base = masked(&p);
	if (memcmp(&base, &p, sizeof(p)) != 0)
		return fail(err, -EINVAL, "%s has bits behind its prefix length; expected %s", value,
			    prefix_text(&base, text, sizeof(text)));
	if (!is_for_hosts(&p.ip))
		return fail(err, -EINVAL, "%s has no addresses for hosts; expected a unicast prefix", value);
	*ret = p;
	return 0;
}

static const struct address_source pool_source = {
	.name = "pool",
	.key = "AddressPool",
	.parse = pool_parse,
	.assign = pool_assign,
};

static const struct address_source *const sources[] = {&pool_source, NULL};

const struct netnsd_plugin netnsd_plugin = {
	.api = NETNSD_PLUGIN_API,
	.name = "pool",
	.address_sources = sources,
};
