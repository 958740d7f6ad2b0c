/* What is right: the names of the flood's cluster, zones and upstream, each a rule that gives its answer (world.ts has the same). */
#ifndef MODEL_H
#define MODEL_H
#include "wire.h"

enum { namespaces = 8, cluster_ips = 32, headless = 8, endpoints = 3, splits = 2, hosts = 64, zone_names = 64 };

struct expected {
	int rcode;
	/* Addresses in the answer section; 0: it is empty. */
	int answers;
	/* The answer is so many of `candidates`, each at most once. */
	int candidates, octets;
	uint8_t address[4][16];
	/* Seconds that each record of the answer has; -1: not known. */
	int ttl;
	/* The name of the one PTR record; length 0: addresses are asked for. */
	struct name target;
};

/* Who asks: an IPv4 address in host order, 0 for IPv6. */
int model_knows(const struct name *name, int type, uint32_t client, struct expected *expected);
/* The address of a name that the upstream has. */
uint32_t upstream_address(const struct name *name);
/* The block of the Corefile with acl, cache and kubernetes has it. */
int in_main_block(const struct name *name);
/* `client` is in 127.NET.0.0/16. */
static inline int client_in(uint32_t client, int net) { return client >> 16 == (127u << 8 | (uint32_t)net); }
enum { blocked_net = 66, dropped_net = 77, filtered_net = 88, viewed_net = 99 };
/* Written with dots to octets; -1 where it is no name. */
void name_of_text(const char *text, struct name *name);
#endif
