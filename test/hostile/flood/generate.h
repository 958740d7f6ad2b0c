/* Packets that nobody should send, and queries as they should be among them. */
#ifndef GENERATE_H
#define GENERATE_H
#include <stddef.h>
#include <stdint.h>

enum { most_octets = 65535 };

/* Packet `number` of the seed; its first two octets are for the sender to set. Gives its length. */
size_t generate(uint64_t seed, uint64_t number, uint8_t *packet, size_t most);
#endif
