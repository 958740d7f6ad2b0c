#include "generate.h"
#include "model.h"
#include "random.h"
#include <stdio.h>
#include <string.h>

/* A message under construction. */
enum { most_drafted = 4096 };
/* A length that is written afterwards may lie behind the last octet. */
struct draft { uint8_t octets[most_drafted + 2]; int length, is_quick; struct random *random; };

static void put(struct draft *draft, const void *octets, int length)
{
	if (draft->length + length > most_drafted) length = most_drafted - draft->length;
	memcpy(draft->octets + draft->length, octets, (size_t)length);
	draft->length += length;
}

static void put8(struct draft *draft, uint32_t value) { uint8_t octet = (uint8_t)value; put(draft, &octet, 1); }
static void put16(struct draft *draft, uint32_t value) { put8(draft, value >> 8); put8(draft, value); }
static void put32(struct draft *draft, uint32_t value) { put16(draft, value >> 16); put16(draft, value); }

static void put_noise(struct draft *draft, uint32_t length)
{
	for (uint32_t i = 0; i < length; i++) put8(draft, (uint32_t)(draw(draft->random) >> 56));
}

static void put_label(struct draft *draft, uint32_t length) { put8(draft, length); put_noise(draft, length); }

#define pick(random, list) ((list)[below(random, sizeof(list) / sizeof *(list))])

/* Names that the server knows something about. The model knows most of them. The first dozen are answered by a UDP thread. */
enum { names_of_the_table = 22, all_names = 32 };

static void put_known_name(struct draft *draft)
{
	struct random *random = draft->random;
	char text[256];
	struct name name;
	uint32_t a = below(random, 256), b = below(random, 256), space = below(random, namespaces);
	switch (below(random, draft->is_quick ? names_of_the_table : all_names)) {
	case 0: case 1: case 2: case 3: case 4: case 5: case 6:
		snprintf(text, sizeof text, "s%u.n%u.svc.cluster.local", below(random, cluster_ips + 1), space); break;
	case 7: case 8: snprintf(text, sizeof text, "h%u.n%u.svc.cluster.local", below(random, headless + 1), space); break;
	case 9: case 10: snprintf(text, sizeof text, "sp%u.n%u.svc.cluster.local", below(random, splits + 1), space); break;
	case 11: case 12: case 13: snprintf(text, sizeof text, "x%u.n%u.svc.cluster.local", a, space); break;
	case 14: case 15: snprintf(text, sizeof text, "www.example.com.n%u.svc.cluster.local", space); break;
	case 22: snprintf(text, sizeof text, "%u-%u-%u-%u.n%u.pod.cluster.local", a, b, a ^ b, a & b, space); break;
	case 16: snprintf(text, sizeof text, "%u.%u.96.10.in-addr.arpa", below(random, cluster_ips + 1), space); break;
	case 17: case 18: snprintf(text, sizeof text, "h%u.hosts.test", below(random, hosts)); break;
	case 19: case 20: snprintf(text, sizeof text, "r%u.zone.test", below(random, zone_names)); break;
	case 21: snprintf(text, sizeof text, "nx%u.zone.test", a); break;
	case 24: snprintf(text, sizeof text, one_in(random, 2) ? "w.view.test" : "ip-%u-%u-%u-%u.tmpl.test", a, b, a ^ b, a | b); break;
	case 23: snprintf(text, sizeof text, "old-%u.rw.test", below(random, cluster_ips)); break;
	case 25: snprintf(text, sizeof text, "f%u.fwd.test", below(random, 1000)); break;
	case 26:
		/* One in a few hundred is new to the cache. */
		if (one_in(random, 4)) snprintf(text, sizeof text, "f%llx.fwd.test", (unsigned long long)draw(random));
		else snprintf(text, sizeof text, "big%u.fwd.test", below(random, 20));
		break;
	case 27: snprintf(text, sizeof text, "f%u.v4only.test", below(random, 500)); break;
	case 28: snprintf(text, sizeof text, "_http._tcp.h%u.n%u.svc.cluster.local", below(random, headless), space); break;
	case 29: snprintf(text, sizeof text, "p%u.h%u.n%u.svc.cluster.local", below(random, endpoints), below(random, headless), space); break;
	case 30: {
		static const char *const odd[] = { "", "cluster.local", "svc.cluster.local", "dns-version.cluster.local", "ns.dns.cluster.local", "n0.svc.cluster.local",
			"pod.cluster.local", "zone.test", "in-addr.arpa", "ip6.arpa", "version.bind", "_services._dns-sd._udp.n0.svc.cluster.local", "alias.zone.test", "a.wild.zone.test",
			"view.test", "v4only.test", "tmpl.test", "nx0.fwd.test", "any.http.tcp.h0.n0.svc.cluster.local" };
		snprintf(text, sizeof text, "%s", pick(random, odd));
		break;
	}
	default:
		/* Held for a moment: an ordinal that has no endpoint. */
		if (one_in(random, 64)) snprintf(text, sizeof text, "held-%u.held.n0.svc.cluster.local", 1 + below(random, 4));
		else snprintf(text, sizeof text, "held-0.held.n0.svc.cluster.local");
	}
	name_of_text(text, &name);
	if (one_in(random, 4))
		for (int at = 0; name.octets[at]; at += 1 + name.octets[at])
			for (int i = 1; i <= name.octets[at]; i++)
				if (name.octets[at + i] >= 'a' && name.octets[at + i] <= 'z' && one_in(random, 2)) name.octets[at + i] ^= 0x20;
	put(draft, name.octets, name.length);
}

static void put_labels(struct draft *draft, uint32_t number, uint32_t length)
{
	while (number--) put_label(draft, length);
}

static void put_suffix(struct draft *draft)
{
	static const char *const zones[] = { "n0.svc.cluster.local", "svc.cluster.local", "cluster.local", "zone.test", "fwd.test", "hosts.test", "tmpl.test", "" };
	struct name name;
	name_of_text(pick(draft->random, zones), &name);
	put(draft, name.octets, name.length);
}

/* Names with octets that no name should have, or that are too long, do not end, or have labels of unknown kinds. */
static void put_evil_name(struct draft *draft)
{
	struct random *random = draft->random;
	static const uint8_t kinds[] = { 0x40, 0x41, 0x7f, 0x80, 0xbf };
	switch (below(random, 16)) {
	case 0: put(draft, "\3a\0b\1\0", 6); put_suffix(draft); break;
	case 1: put_label(draft, 1 + below(random, 63)); put_suffix(draft); break;
	case 2: put(draft, "\5\x80\xff\xc0\x2e\x5c", 6); put_suffix(draft); break;
	case 3: put(draft, "\3a.b\1\\\1\"\x10\n[ERROR] forged \t\4\x1b[2J", 31); put_suffix(draft); break;
	case 4: put(draft, "\3s1\0", 4); put_suffix(draft); break;
	/* 255 octets, one more, and many more than a name may have; 127 labels and one more. */
	case 5: put_labels(draft, 3, 63); put_label(draft, 61); put8(draft, 0); break;
	case 6: put_labels(draft, 3, 63); put_label(draft, 62); put8(draft, 0); break;
	case 7: put_labels(draft, 5 + below(random, 55), 63); put8(draft, 0); break;
	case 8: put_labels(draft, 127, 1); put8(draft, 0); break;
	case 9: put_labels(draft, 128 + below(random, 1000), 1); put8(draft, 0); break;
	case 10: put_label(draft, 7); put_label(draft, 3); break;
	case 11: put8(draft, 0); put_suffix(draft); break;
	case 12: put8(draft, pick(random, kinds)); put_noise(draft, below(random, 70)); put8(draft, 0); break;
	case 13: put_label(draft, 7); put8(draft, pick(random, kinds)); put_noise(draft, 5); break;
	case 14: put(draft, "\1*", 2); put_suffix(draft); break;
	default: put_label(draft, 40); put_label(draft, 63); put_label(draft, 63); put_suffix(draft);
	}
}

/* Compression where a question has none: to itself, forwards, in circles, into the header, out of the message. */
static void put_pointers(struct draft *draft)
{
	struct random *random = draft->random;
	switch (below(random, 9)) {
	case 0: put16(draft, 0xc000u | 12); break;
	case 1: put16(draft, 0xc000u | below(random, 0x4000)); break;
	case 2: put16(draft, 0xc000u | below(random, 12)); break;
	case 3: put_label(draft, 1); put16(draft, 0xc000u | 12); break;
	case 4: put_label(draft, 1); put16(draft, 0xc000u | 14); break;
	case 5: put16(draft, 0xc000u | 14); put16(draft, 0xc000u | 12); break;
	case 6: for (uint32_t i = 0; i < 100; i++) put16(draft, 0xc000u | (12 + 2 * (i + 1))); put8(draft, 0); break;
	case 7: for (uint32_t i = 0; i < 100; i++) put16(draft, 0xc000u | (12 + 2 * (i > 0 ? i - 1 : 0))); break;
	default: put8(draft, 0xc0 | below(random, 64));
	}
}

static uint32_t a_type(struct draft *draft)
{
	struct random *random = draft->random;
	static const uint16_t quick[] = { 1, 1, 1, 28, 28, 16, 15, 65 };
	if (draft->is_quick) return pick(random, quick);
	static const uint16_t usual[] = { 1, 1, 1, 1, 1, 1, 28, 28, 28, 16, 33, 12, 5, 6, 2, 15, 255, 65, 64, 43, 35, 48, 46 };
	static const uint16_t odd[] = { 0, 41, 128, 249, 250, 251, 252, 253, 254, 255, 32768, 65280, 65535 };
	if (!one_in(random, 12)) return pick(random, usual);
	return one_in(random, 2) ? pick(random, odd) : below(random, 65536);
}

static uint32_t a_size(struct random *random)
{
	static const uint16_t sizes[] = { 0, 1, 11, 12, 511, 512, 513, 1232, 1232, 1232, 4096, 65535 };
	return pick(random, sizes);
}

static void put_options(struct draft *draft)
{
	struct random *random = draft->random;
	static const uint16_t codes[] = { 1, 2, 3, 3, 4, 5, 6, 7, 8, 8, 9, 10, 10, 11, 12, 13, 14, 15, 16, 18, 20, 26946, 65001, 65535 };
	static const uint8_t lengths[] = { 0, 0, 1, 2, 4, 7, 8, 8, 9, 15, 16, 24, 40, 41, 100 };
	for (uint32_t left = 1 + below(random, 4); left > 0; left--) {
		uint32_t length = pick(random, lengths), lie = one_in(random, 12) ? 1 + below(random, 300) : 0;
		put16(draft, pick(random, codes));
		put16(draft, length + lie);
		if (length >= 4 && one_in(random, 3)) {
			/* An address of a client subnet (RFC 7871). */
			put16(draft, 1 + below(random, 3));
			put8(draft, below(random, 40));
			put8(draft, one_in(random, 2) ? 0 : below(random, 40));
			put_noise(draft, length - 4);
		} else put_noise(draft, length);
	}
	if (one_in(random, 10)) put_noise(draft, 1 + below(random, 3));
}

enum opt_kind { plain, versioned, with_options };

static void put_opt(struct draft *draft, enum opt_kind kind)
{
	struct random *random = draft->random;
	put8(draft, 0);
	put16(draft, type_opt);
	put16(draft, a_size(random));
	if (kind == versioned) put32(draft, (uint32_t)draw(random));
	else put32(draft, one_in(random, 3) ? 0x8000 : 0);
	int at = draft->length;
	put16(draft, 0);
	if (kind == with_options || (kind == versioned && one_in(random, 2))) put_options(draft);
	int length = draft->length - at - 2;
	if (kind == with_options && one_in(random, 16)) length += (int)below(random, 5) - 2 + (one_in(random, 4) ? 60000 : 0);
	draft->octets[at] = (uint8_t)(length >> 8);
	draft->octets[at + 1] = (uint8_t)length;
}

/* A record with rdata of any kind: TSIG and SIG(0) among them. */
static void put_any_record(struct draft *draft)
{
	struct random *random = draft->random;
	static const uint16_t types[] = { 1, 28, 5, 12, 16, 33, 6, 2, 15, 250, 250, 24, 249, 47, 46, 43, 64, 41, 0, 255 };
	static const uint16_t classes[] = { 1, 1, 1, 3, 254, 255 };
	switch (below(random, 6)) {
	case 0: case 1: put8(draft, 0); break;
	case 2: put16(draft, 0xc00c); break;
	case 3: put16(draft, 0xc000u | below(random, 200)); break;
	case 4: put_evil_name(draft); break;
	default: put(draft, "\3key\7example", 13);
	}
	uint32_t type = pick(random, types);
	put16(draft, type);
	put16(draft, pick(random, classes));
	put32(draft, (uint32_t)draw(random));
	int at = draft->length;
	put16(draft, 0);
	switch (below(random, 6)) {
	case 0: break;
	case 1: put_noise(draft, 4); break;
	case 2: put_noise(draft, below(random, 80)); break;
	case 3: put16(draft, 0xc00c); put16(draft, 0xc00c); put_noise(draft, 20); break;
	case 4: put16(draft, 0xc00c); break;
	default:
		/* TSIG as RFC 8945 §4.2 has it, of an unknown key. */
		put(draft, "\13hmac-sha256", 13);
		put_noise(draft, 6);
		put16(draft, 300);
		put16(draft, 32);
		put_noise(draft, 32);
		put16(draft, 0);
		put16(draft, below(random, 20));
		put16(draft, one_in(random, 4) ? 6 : 0);
	}
	int length = draft->length - at - 2 + (one_in(random, 10) ? (int)below(random, 300) - 20 : 0);
	draft->octets[at] = (uint8_t)(length >> 8);
	draft->octets[at + 1] = (uint8_t)length;
}

static void put_header(struct draft *draft, uint32_t flags)
{
	put16(draft, 0);
	put16(draft, flags);
	put16(draft, 1);
	put32(draft, 0);
	put16(draft, 0);
}

static void count(struct draft *draft, int section) { draft->octets[5 + 2 * section]++; }

static void put_query(struct draft *draft, uint32_t flags)
{
	put_header(draft, flags);
	put_known_name(draft);
	put16(draft, a_type(draft));
	put16(draft, 1);
}

static void good_query(struct draft *draft)
{
	put_query(draft, 0x0100);
	if (one_in(draft->random, 3)) return;
	put_opt(draft, plain);
	count(draft, 3);
}

static void odd_query(struct draft *draft)
{
	struct random *random = draft->random;
	static const uint16_t classes[] = { 0, 2, 3, 4, 254, 255, 256 };
	put_header(draft, 0x0100);
	uint32_t kind = below(random, 24);
	if (kind < 4) put_evil_name(draft);
	else if (kind < 6) put_pointers(draft);
	else put_known_name(draft);
	put16(draft, a_type(draft));
	put16(draft, kind == 6 ? pick(random, classes) : 1);
	switch (kind) {
	case 7: draft->octets[2] = (uint8_t)(below(random, 16) << 3); break;
	case 8: draft->octets[2] = (uint8_t)(below(random, 256) & 0x7f); draft->octets[3] = (uint8_t)below(random, 256); break;
	case 9: draft->octets[2] |= 0x80; draft->octets[3] = (uint8_t)below(random, 256); break;
	case 10: case 11: put_opt(draft, versioned); count(draft, 3); break;
	case 12: case 13: case 14: case 15: put_opt(draft, with_options); count(draft, 3); break;
	case 16:
		for (uint32_t left = one_in(random, 4) ? 100 : 2; left > 0; left--) put_opt(draft, (enum opt_kind)below(random, 3)), count(draft, 3);
		break;
	case 17: put_opt(draft, plain); count(draft, 1 + (int)below(random, 2)); break;
	case 18: case 19: put_any_record(draft); count(draft, 3); break;
	case 20: put_opt(draft, plain); count(draft, 3); put_any_record(draft); count(draft, 3); break;
	case 21: put_any_record(draft); count(draft, 1); if (one_in(random, 2)) put_any_record(draft), count(draft, 2); break;
	case 22: put_noise(draft, 1 + below(random, one_in(random, 8) ? 3000 : 60)); break;
	/* NOTIFY and UPDATE with records. */
	case 23: draft->octets[2] = one_in(random, 2) ? 0x20 : 0x28; put_any_record(draft); count(draft, 1 + (int)below(random, 2)); break;
	default: if (one_in(random, 2)) put_opt(draft, plain), count(draft, 3);
	}
}

/* Malformed in ways that a UDP thread sees by itself, or odd without being unusual. */
static void quick_odd_query(struct draft *draft)
{
	struct random *random = draft->random;
	static const uint16_t counts[] = { 0, 2, 3, 255, 65535 };
	uint32_t kind = below(random, 10);
	put_header(draft, 0x0100);
	if (kind < 3) put_evil_name(draft);
	else put_known_name(draft);
	put16(draft, a_type(draft));
	put16(draft, 1);
	if (kind == 3) {
		uint32_t field = 4 + 2 * below(random, 4), value = pick(random, counts);
		draft->octets[field] = (uint8_t)(value >> 8);
		draft->octets[field + 1] = (uint8_t)value;
	} else if (kind == 4) draft->octets[2] = (uint8_t)((6 + below(random, 10)) << 3 | below(random, 8));
	else if (kind == 5) draft->octets[2] |= 0x80, draft->octets[3] = (uint8_t)below(random, 256);
	else if (kind == 6) put_opt(draft, versioned), count(draft, 3);
	else if (kind == 7) put_opt(draft, one_in(random, 4) ? with_options : plain), count(draft, 3);
	else if (kind == 8) draft->octets[2] |= (uint8_t)(below(random, 8)), draft->octets[3] = (uint8_t)below(random, 256);
	else put_noise(draft, 1 + below(random, 60));
}

/* What is done to the octets of a whole message. */
static void damage(struct draft *draft)
{
	struct random *random = draft->random;
	static const uint16_t counts[] = { 0, 1, 2, 3, 255, 65535 };
	uint32_t length = (uint32_t)draft->length, at = below(random, length);
	switch (below(random, 7)) {
	case 0: case 1: for (uint32_t left = 1 + below(random, 8); left > 0; left--) draft->octets[below(random, length)] ^= (uint8_t)(1u << below(random, 8)); break;
	case 2: for (uint32_t left = 1 + below(random, 4); left > 0; left--) draft->octets[below(random, length)] = (uint8_t)below(random, 256); break;
	case 3: draft->length = (int)at; break;
	case 4: {
		uint32_t field = 4 + 2 * below(random, 4), value = pick(random, counts);
		draft->octets[field] = (uint8_t)(value >> 8);
		draft->octets[field + 1] = (uint8_t)value;
		break;
	}
	case 5: {
		/* Octets out of the middle, noise in their place. */
		uint8_t behind[sizeof draft->octets];
		uint32_t from = below(random, length);
		memcpy(behind, draft->octets + from, length - from);
		draft->length = (int)at;
		put_noise(draft, below(random, 20));
		put(draft, behind, (int)(length - from));
		break;
	}
	default: {
		uint8_t again[sizeof draft->octets];
		memcpy(again, draft->octets, length);
		put(draft, again, (int)length);
	}
	}
}

static size_t noise(struct random *random, uint8_t *packet, size_t most)
{
	uint32_t kind = below(random, 400), length;
	if (kind < 100) length = below(random, 13);
	else if (kind < 300) length = 12 + below(random, 60);
	else if (kind < 390) length = below(random, 600);
	else if (kind < 399 || !one_in(random, 8)) length = below(random, kind < 399 ? 1500 : 9000);
	else length = below(random, most_octets + 1);
	if (length > most) length = (uint32_t)most;
	for (uint32_t i = 0; i < length; i += 8) {
		uint64_t octets = draw(random);
		memcpy(packet + i, &octets, length - i < 8 ? length - i : 8);
	}
	/* Random octets are mostly of an unknown operation, or a response: half of them look like a query. */
	if (length >= header_octets && one_in(random, 2)) {
		static const uint8_t like[10] = { 1, 0, 0, 1, 0, 0, 0, 0, 0, 0 };
		memcpy(packet + 2, like, 10);
	}
	return length;
}

/* One packet in so many is of all kinds; the others are of those that cost a server little, as a flood's are. */
enum { of_all_kinds = 32 };

size_t generate(uint64_t seed, uint64_t number, uint8_t *packet, size_t most)
{
	struct random random = random_of(seed, number);
	struct draft draft = { .length = 0, .random = &random, .is_quick = !one_in(&random, of_all_kinds) };
	uint32_t kind = below(&random, 100);
	if (kind < 14) return noise(&random, packet, most);
	if (kind < 54) good_query(&draft);
	else if (kind < (draft.is_quick ? 94 : 80)) draft.is_quick ? quick_odd_query(&draft) : odd_query(&draft);
	else {
		if (draft.is_quick || one_in(&random, 3)) good_query(&draft);
		else odd_query(&draft);
		damage(&draft);
	}
	memcpy(packet, draft.octets, (size_t)draft.length);
	if (one_in(&random, 4000) && most > most_drafted) {
		/* Behind a message whatever a datagram still holds. */
		size_t length = (size_t)draft.length + below(&random, (uint32_t)most - (uint32_t)draft.length);
		memset(packet + draft.length, 0x41, length - (size_t)draft.length);
		return length;
	}
	return (size_t)draft.length;
}
