/* A reader of DNS messages that shares nothing with the server's. Every offset is checked; nothing is allocated. */
#ifndef WIRE_H
#define WIRE_H
#include <stdint.h>

enum { header_octets = 12, type_a = 1, type_ns = 2, type_cname = 5, type_soa = 6, type_ptr = 12, type_mx = 15, type_txt = 16, type_aaaa = 28, type_srv = 33, type_opt = 41 };

/* Without compression, root label included. */
struct name { int length; uint8_t octets[256]; };

struct record { struct name owner; int type, class, rdata, rdata_length; uint32_t ttl; };

static inline int u16_at(const uint8_t *at) { return at[0] << 8 | at[1]; }
static inline uint32_t u32_at(const uint8_t *at) { return (uint32_t)u16_at(at) << 16 | (uint32_t)u16_at(at + 2); }

/* Where the name at `at` ends, or -1 (RFC 1035 §3.1, §4.1.4). `compressed` may be null. */
int read_name(const uint8_t *message, int end, int at, struct name *name, int *compressed);
/* Where the record at `at` ends, or -1. Its rdata is not looked at. */
int read_record(const uint8_t *message, int end, int at, struct record *record);
/* Whether the rdata is what its type has; types that are not known here may have any. */
int rdata_is_sound(const uint8_t *message, const struct record *record);
int same_name(const struct name *one, const struct name *other, int in_any_case);
#endif
