/* SPDX-License-Identifier: MIT
 *
 * random.h - random numbers for the benches, the same in all of them. Also
 * C++.
 */
#ifndef ROTA_TOOLS_RANDOM_H
#define ROTA_TOOLS_RANDOM_H

#include <stdint.h>

/* Arbitrary, far from zero, where the generator starts badly. */
#define RANDOM_SEED UINT64_C(0x9e3779b97f4a7c15)

#define random_inline static inline __attribute__((always_inline))

struct pick {
	uint32_t index; /* uniform below N */
	uint32_t coin;  /* uniform */
};

/* random_next - xorshift (Marsaglia, 2003), multiplied (Vigna, 2016): the
 * high bits are good, the lowest are not used. */
random_inline uint64_t
random_next(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*state = x;
	return x * UINT64_C(0x2545f4914f6cdd1d);
}

/* pick_make: one index below @n and one coin out of one random number; the
 * index from its high half, the coin from the bits below. */
random_inline struct pick
pick_make(uint64_t *state, uint32_t n)
{
	uint64_t x = random_next(state);

	struct pick p = { (uint32_t)((x >> 32) * n >> 32), (uint32_t)(x >> 4) };

	return p;
}

/* pick_span: uniform in [@lo, @hi), which are at most 2^44 ns (4.8 h) apart.
 * In constant time and without a division. */
random_inline int64_t
pick_span(struct pick p, int64_t lo, int64_t hi)
{
	return lo +
	    (int64_t)((uint64_t)p.coin * ((uint64_t)(hi - lo) >> 12) >> 20);
}

#endif
