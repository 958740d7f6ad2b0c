#include "wire.h"
#include <string.h>

int read_name(const uint8_t *message, int end, int at, struct name *name, int *compressed)
{
	int behind = -1, run = at, jumps = 0;
	if (compressed) *compressed = 0;
	for (name->length = 0;;) {
		if (at >= end) return -1;
		int length = message[at];
		if (length >= 0xc0) {
			if (at + 2 > end || ++jumps > 127) return -1;
			if (behind < 0) behind = at + 2;
			if (compressed) *compressed = 1;
			at = u16_at(message + at) & 0x3fff;
			/* To what stands before, and not into the header. */
			if (at >= run || at < header_octets) return -1;
			run = at;
			continue;
		}
		if (length > 63 || at + 1 + length > end || name->length + 1 + length > 255) return -1;
		memcpy(name->octets + name->length, message + at, 1 + length);
		name->length += 1 + length;
		at += 1 + length;
		if (length == 0) return behind < 0 ? at : behind;
	}
}

int read_record(const uint8_t *message, int end, int at, struct record *record)
{
	at = read_name(message, end, at, &record->owner, 0);
	if (at < 0 || at + 10 > end) return -1;
	record->type = u16_at(message + at);
	record->class = u16_at(message + at + 2);
	record->ttl = u32_at(message + at + 4);
	record->rdata_length = u16_at(message + at + 8);
	record->rdata = at + 10;
	at += 10 + record->rdata_length;
	return at > end ? -1 : at;
}

int rdata_is_sound(const uint8_t *message, const struct record *record)
{
	struct name name;
	int at = record->rdata, end = at + record->rdata_length;
	switch (record->type) {
	case type_a: return record->rdata_length == 4;
	case type_aaaa: return record->rdata_length == 16;
	case type_ns: case type_cname: case type_ptr: return read_name(message, end, at, &name, 0) == end;
	case type_mx: return record->rdata_length > 2 && read_name(message, end, at + 2, &name, 0) == end;
	/* RFC 2782: the target is not compressed. */
	case type_srv: return record->rdata_length > 6 && read_name(message, end, at + 6, &name, 0) == end;
	case type_soa:
		at = read_name(message, end, at, &name, 0);
		if (at >= 0) at = read_name(message, end, at, &name, 0);
		return at >= 0 && at + 20 == end;
	case type_txt:
		while (at < end) at += 1 + message[at];
		return at == end && record->rdata_length > 0;
	case type_opt:
		while (at + 4 <= end) at += 4 + u16_at(message + at + 2);
		return at == end;
	default: return 1;
	}
}

static int lower(int octet) { return octet >= 'A' && octet <= 'Z' ? octet + 32 : octet; }

int same_name(const struct name *one, const struct name *other, int in_any_case)
{
	if (one->length != other->length) return 0;
	if (!in_any_case) return memcmp(one->octets, other->octets, one->length) == 0;
	/* The lengths of labels are below 'A'. */
	for (int i = 0; i < one->length; i++) if (lower(one->octets[i]) != lower(other->octets[i])) return 0;
	return 1;
}
