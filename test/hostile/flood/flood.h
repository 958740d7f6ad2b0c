/* What the ways of the flood share: settings, counts, and how a fault is reported. */
#ifndef FLOOD_H
#define FLOOD_H
#include "judge.h"
#include <stdio.h>

struct settings {
	enum transport transport;
	int port;
	uint64_t seed, from, packets;
	/* When to send no more, by `milliseconds`; 0: when all are sent. */
	unsigned until;
	/* Packets with their replies, for a comparison; nothing is judged then. */
	FILE *record;
	/* Milliseconds after which a reply is missing. */
	unsigned patience;
};

struct counts {
	uint64_t sent, due, replies, known, shed, wrong, missing, late, refused, connections, cut, sorts[sorts], rcodes[16];
	unsigned slowest;
};

int flood_udp(const struct settings *settings, struct counts *counts);
/* Over connections. DNS over TLS, HTTPS and gRPC: to the relay (relay.ts), which has the messages as over TCP. */
int flood_streams(const struct settings *settings, struct counts *counts);
int serve_upstream(int port);
int stand_by(int port, uint64_t seed);

/* Judges one reply and counts it. */
void take_reply(const struct settings *settings, struct counts *counts, uint64_t number, uint32_t client, const uint8_t *reply, size_t length);
void report(const struct settings *settings, struct counts *counts, uint64_t number, uint32_t client, const char *wrong, const uint8_t *reply,
	size_t length);
void record_reply(const struct settings *settings, uint64_t number, const uint8_t *reply, int length);
void progress(const struct settings *settings, const struct counts *counts);
/* As arguments, and in what is reported. */
extern const char *const way_names[transports], *const way_titles[transports];
/* Monotonic. */
unsigned milliseconds(void);
/* The address that a packet's sender has: anywhere in 127.0.0.0/8; 0: ::1. */
uint32_t client_of(uint64_t seed, uint64_t number);
#endif
