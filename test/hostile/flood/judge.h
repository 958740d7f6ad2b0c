/* What a packet deserves, and whether a reply is that. */
#ifndef JUDGE_H
#define JUDGE_H
#include "wire.h"
#include <stddef.h>

enum due { no_reply, one_reply, perhaps };
enum transport { udp, tcp, dot, https, grpc, transports };
enum sort { silent, not_implemented, format_error, header_alone, bad_version, answered, sorts };

struct facts {
	enum due due;
	enum sort sort;
	/* FORMERR would be right, too: the form of rdata or of an option is the server's to judge. */
	int may_be_formerr;
	/* Nothing but question and OPT: the model can say what is right. */
	int is_plain;
	int has_question, is_compressed, type, class;
	struct name name;
	/* Where there are several OPT records, nothing is said of the reply's. */
	int opts, payload, dnssec_ok;
};

/* Where each message is a request of HTTP, which has a response: what deserves no reply, or is no query, is refused there. */
static inline int is_requested(enum transport transport) { return transport == https || transport == grpc; }
/* `client`: IPv4 in host order, 0 for IPv6. */
void look_at(const uint8_t *packet, size_t length, enum transport transport, uint32_t client, struct facts *facts);
/* Whether a request with this message may be refused. */
int may_be_refused(const uint8_t *packet, size_t length, const struct facts *facts);
/* What is wrong with the reply, or null. `known` is set where the model has judged the answer, `shed` where the server had no room. */
const char *judge(const uint8_t *packet, const struct facts *facts, const uint8_t *reply, size_t length, enum transport transport, uint32_t client,
	int *known, int *shed);
#endif
