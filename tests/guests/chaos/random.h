// SPDX-License-Identifier: Apache-2.0
/* Random numbers that the seed and the number of an operation decide. */
#ifndef RANDOM_H
#define RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct random {
    uint64_t state;
};

/* SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014). */
static inline uint64_t random_next(struct random *random)
{
    uint64_t z = random->state += 0x9e3779b97f4a7c15ull;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

static inline struct random random_for(uint64_t seed, uint64_t number)
{
    struct random random = {seed * 0xd1342543de82ef95ull + number};

    random_next(&random);
    return random;
}

static inline uint32_t random_below(struct random *random, uint32_t end)
{
    return (uint32_t)((random_next(random) >> 32) * end >> 32);
}

/* A number near a boundary, small, or any. */
static inline uint64_t random_edge(struct random *random)
{
    switch (random_below(random, 5)) {
    case 0:
        return random_below(random, 16);
    case 1:
        return ((uint64_t)1 << random_below(random, 64)) + random_below(random, 3) - 1;
    case 2:
        return ~(uint64_t)0 << random_below(random, 64);
    case 3:
        return 0x80000000u + (random_next(random) & 0xfffffffcu);
    default:
        return random_next(random);
    }
}

#endif
