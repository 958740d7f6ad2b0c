/* Chance that can be repeated: each packet has a generator of its own, made of the seed and its number. */
#ifndef RANDOM_H
#define RANDOM_H
#include <stdint.h>

struct random { uint64_t state; };

static inline uint64_t draw(struct random *random)
{
	/* splitmix64 (Sebastiano Vigna, public domain). */
	uint64_t z = random->state += 0x9e3779b97f4a7c15u;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static inline struct random random_of(uint64_t seed, uint64_t number)
{
	struct random random = { seed * 0xd1342543de82ef95u + 1 };
	random.state = draw(&random) + number * 0xaef17502108ef2d9u;
	draw(&random);
	return random;
}

/* 0 to limit - 1. */
static inline uint32_t below(struct random *random, uint32_t limit)
{
	return (uint32_t)((draw(random) >> 32) * limit >> 32);
}

/* True once in `n`. */
static inline int one_in(struct random *random, uint32_t n) { return below(random, n) == 0; }
#endif
