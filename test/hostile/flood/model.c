#include "model.h"
#include <stdio.h>
#include <string.h>

void name_of_text(const char *text, struct name *name)
{
	name->length = 0;
	while (*text) {
		size_t length = strcspn(text, ".");
		name->octets[name->length++] = (uint8_t)length;
		memcpy(name->octets + name->length, text, length);
		name->length += (int)length;
		text += length + (text[length] == '.');
	}
	name->octets[name->length++] = 0;
}

/* In lower case with dots, without the last one; 0 where a label has other octets than letters, digits and hyphens. */
static int text_of_name(const struct name *name, char *text)
{
	int write = 0;
	for (int at = 0; name->octets[at]; at += 1 + name->octets[at]) {
		if (at) text[write++] = '.';
		for (int i = 1; i <= name->octets[at]; i++) {
			int octet = name->octets[at + i];
			if (octet >= 'A' && octet <= 'Z') octet += 32;
			if (!((octet >= 'a' && octet <= 'z') || (octet >= '0' && octet <= '9') || octet == '-')) return 0;
			text[write++] = (char)octet;
		}
	}
	text[write] = 0;
	return 1;
}

/* A number without zeros in front below `limit`; moves on behind it. -1: there is none. */
static int number(const char **text, int limit)
{
	int value = 0, digits = 0;
	for (; (*text)[digits] >= '0' && (*text)[digits] <= '9'; digits++)
		if ((value = value * 10 + (*text)[digits] - '0') >= limit) return -1;
	if (digits == 0 || (digits > 1 && **text == '0')) return -1;
	*text += digits;
	return value;
}

static int word(const char **text, const char *expected)
{
	size_t length = strlen(expected);
	if (strncmp(*text, expected, length) != 0) return 0;
	*text += length;
	return 1;
}

static int ends(const char *text, const char *end)
{
	size_t length = strlen(text), tail = strlen(end);
	return length > tail && text[length - tail - 1] == '.' && strcmp(text + length - tail, end) == 0;
}

static void candidate(struct expected *expected, int a, int b, int c, int d)
{
	uint8_t address[16] = { (uint8_t)a, (uint8_t)b, (uint8_t)c, (uint8_t)d };
	expected->octets = 4;
	memcpy(expected->address[expected->candidates++], address, 16);
}

static int one(struct expected *expected) { return expected->answers = 1; }

static int is_address(int type) { return type == type_a || type == type_aaaa; }

/* Types that none of the names has, and that nothing answers in another way. */
static int is_absent(int type) { return type == type_txt || type == type_mx; }

/* Four numbers with hyphens between them. */
static int dashed(const char **text, uint8_t *address)
{
	for (int i = 0; i < 4; i++) {
		int value = number(text, 256);
		if (value < 0 || (i < 3 && !word(text, "-"))) return 0;
		address[i] = (uint8_t)value;
	}
	return 1;
}

static int service(const char *text, int type, struct expected *expected)
{
	int is_headless = 0, is_split = 0, index, space;
	if (text[0] == 'x' && ends(text, "svc.cluster.local")) {
		/* Nothing begins with an x. */
		const char *dot = strchr(text, '.') + 1;
		if (!word(&dot, "n") || number(&dot, namespaces) < 0 || strcmp(dot, ".svc.cluster.local") != 0) return 0;
		expected->rcode = 3;
		return is_address(type) || is_absent(type);
	}
	if (word(&text, "sp")) is_split = 1;
	else if (word(&text, "h")) is_headless = 1;
	else if (!word(&text, "s")) return 0;
	index = number(&text, is_split ? splits : is_headless ? headless : cluster_ips);
	if (index < 0 || !word(&text, ".n") || (space = number(&text, namespaces)) < 0) return 0;
	if (strcmp(text, ".svc.cluster.local") != 0) return 0;
	if (!is_address(type)) return is_absent(type);
	if (type == type_aaaa) return 1;
	if (is_headless) {
		for (int i = 0; i < endpoints; i++) candidate(expected, 10, 244, space, index * 4 + i);
		expected->answers = endpoints;
	} else if (is_split) {
		for (int i = 0; i < 2; i++) candidate(expected, 10, 96, space, i);
		expected->answers = 1;
	} else {
		candidate(expected, 10, 96, space, index);
		expected->answers = 1;
	}
	if (!is_split) expected->ttl = !is_headless && index % 8 == 1 ? 7 : 30;
	return 1;
}

static int pod(const char *text, int type, struct expected *expected)
{
	uint8_t address[4];
	if (type != type_a || !dashed(&text, address)) return 0;
	if (!word(&text, ".n") || number(&text, namespaces) < 0 || strcmp(text, ".pod.cluster.local") != 0) return 0;
	candidate(expected, address[0], address[1], address[2], address[3]);
	return one(expected);
}

static int reverse(const char *text, int type, struct expected *expected)
{
	char target[64];
	int index = number(&text, cluster_ips), space;
	if (type != type_ptr || index < 0 || !word(&text, ".") || (space = number(&text, namespaces)) < 0) return 0;
	if (strcmp(text, ".96.10.in-addr.arpa") != 0) return 0;
	snprintf(target, sizeof target, "s%d.n%d.svc.cluster.local", index, space);
	name_of_text(target, &expected->target);
	return one(expected);
}

static int numbered(const char *text, const char *prefix, int limit, const char *zone)
{
	int index = -1;
	if (!word(&text, prefix) || (index = number(&text, limit)) < 0 || strcmp(text, zone) != 0) return -1;
	return index;
}

static int flat(const char *text, int type, uint32_t client, struct expected *expected)
{
	uint8_t address[4];
	int index;
	if ((index = numbered(text, "h", hosts, ".hosts.test")) >= 0) {
		if (type != type_a) return 0;
		return candidate(expected, 192, 0, 2, index), one(expected);
	}
	if ((index = numbered(text, "r", zone_names, ".zone.test")) >= 0) {
		if (type != type_a) return is_absent(type) || type == type_aaaa;
		return candidate(expected, 198, 51, 100, index), one(expected);
	}
	if (numbered(text, "nx", 1 << 20, ".zone.test") >= 0) {
		expected->rcode = 3;
		return is_address(type) || is_absent(type);
	}
	if ((index = numbered(text, "old-", cluster_ips, ".rw.test")) >= 0) {
		if (type != type_a) return 0;
		return candidate(expected, 10, 96, 0, index), one(expected);
	}
	if (strcmp(text, "w.view.test") == 0 && type == type_a)
		return candidate(expected, 192, 0, 2, client_in(client, viewed_net) ? 1 : 2), one(expected);
	if (word(&text, "ip-") && dashed(&text, address) && strcmp(text, ".tmpl.test") == 0 && type == type_a)
		return candidate(expected, address[0], address[1], address[2], address[3]), one(expected);
	return 0;
}

uint32_t upstream_address(const struct name *name)
{
	/* FNV-1a. */
	uint32_t hash = 2166136261u;
	for (int i = 0; i < name->length; i++) {
		int octet = name->octets[i];
		hash = (hash ^ (uint32_t)(octet >= 'A' && octet <= 'Z' ? octet + 32 : octet)) * 16777619u;
	}
	return 100u << 24 | 64u << 16 | (hash & 0x3fffff);
}

static int forwarded(const char *text, const struct name *name, int type, struct expected *expected)
{
	uint32_t address = upstream_address(name);
	int translated = ends(text, "v4only.test");
	if (text[0] != 'f' || !(translated || ends(text, "fwd.test"))) return 0;
	if (type == type_a) {
		candidate(expected, address >> 24, address >> 16 & 255, address >> 8 & 255, address & 255);
		return one(expected);
	}
	if (type != type_aaaa || !translated) return is_absent(type) || type == type_aaaa;
	/* RFC 6052 §2.1: the well-known prefix. */
	uint8_t synthesised[16] = { 0, 0x64, 0xff, 0x9b };
	for (int i = 0; i < 4; i++) synthesised[12 + i] = (uint8_t)(address >> (24 - 8 * i));
	memcpy(expected->address[0], synthesised, 16);
	expected->candidates = 1;
	expected->octets = 16;
	return one(expected);
}

int in_main_block(const struct name *name)
{
	static const uint8_t other[2][13] = { "\6v4only\4test", "\4view\4test" };
	static const int lengths[2] = { 13, 11 };
	for (int i = 0; i < 2; i++)
		for (int at = 0; at < name->length; at += 1 + name->octets[at]) {
			struct name rest = { name->length - at, { 0 } }, zone = { lengths[i], { 0 } };
			if (rest.length != zone.length) continue;
			memcpy(rest.octets, name->octets + at, (size_t)rest.length);
			memcpy(zone.octets, other[i], (size_t)zone.length - 1);
			if (same_name(&rest, &zone, 1)) return 0;
		}
	return 1;
}

int model_knows(const struct name *name, int type, uint32_t client, struct expected *expected)
{
	char text[256];
	memset(expected, 0, sizeof *expected);
	expected->ttl = -1;
	if (!text_of_name(name, text)) return 0;
	if (in_main_block(name)) {
		if (client_in(client, blocked_net)) return expected->rcode = 5;
		if (client_in(client, filtered_net)) return 1;
	}
	return service(text, type, expected) || pod(text, type, expected) || reverse(text, type, expected) || flat(text, type, client, expected) ||
		forwarded(text, name, type, expected);
}
