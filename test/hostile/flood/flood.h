/* What the ways of the flood share: settings, counts, and how a fault is reported. */
#ifndef FLOOD_H
#define FLOOD_H
#include "judge.h"
#include <stdio.h>

struct settings {
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
	uint64_t sent, due, replies, known, shed, wrong, missing, late, connections, cut, sorts[sorts], rcodes[16];
	unsigned slowest;
};

int flood_udp(const struct settings *settings, struct counts *counts);
int flood_tcp(const struct settings *settings, struct counts *counts);
int serve_upstream(int port);
int stand_by(int port, uint64_t seed);

/* Judges one reply and counts it. */
void take_reply(const struct settings *settings, struct counts *counts, const char *way, uint64_t number, uint32_t client, const uint8_t *reply, size_t length);
void report(const struct settings *settings, struct counts *counts, const char *way, uint64_t number, uint32_t client, const char *wrong, const uint8_t *reply,
	size_t length);
void record_reply(const struct settings *settings, uint64_t number, const uint8_t *reply, int length);
void progress(const char *way, const struct settings *settings, const struct counts *counts);
/* Monotonic. */
unsigned milliseconds(void);
/* The address that a packet's sender has: anywhere in 127.0.0.0/8; 0: ::1. */
uint32_t client_of(uint64_t seed, uint64_t number);
#endif
