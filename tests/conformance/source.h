/* SPDX-License-Identifier: MIT
 *
 * source.h - where a trace's decisions come from: a generator, so that a
 * seed names a trace, or the bytes of a fuzzer's input.
 */
#ifndef TESTS_CONFORMANCE_SOURCE_H
#define TESTS_CONFORMANCE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct source {
	uint64_t x;              /* of the generator */
	const uint8_t *at, *end; /* bytes; NULL: the generator */
	bool dry;                /* the bytes are used up; zeros follow */
};

static inline struct source
source_seed(uint64_t seed)
{
	return (struct source){ .x = seed };
}

static inline struct source
source_bytes(const uint8_t *data, size_t size)
{
	return (struct source){ .at = data, .end = data + size };
}

/* source_mix: a well-mixed function of @x: splitmix64, Steele and others
 * 2014. */
static inline uint64_t
source_mix(uint64_t x)
{
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

/* source_bits: @n random bits, 1 to 64. */
static inline uint64_t
source_bits(struct source *s, unsigned n)
{
	uint64_t v = 0;

	if (!s->at) {
		s->x += UINT64_C(0x9e3779b97f4a7c15);
		return source_mix(s->x) >> (64 - n);
	}
	for (unsigned i = 0; i < n; i += 8) {
		if (s->at == s->end) {
			s->dry = true;
			return 0;
		}
		v |= (uint64_t)*s->at++ << i;
	}
	return n == 64 ? v : v & (((uint64_t)1 << n) - 1);
}

/* source_below: 0 to @n - 1; @n from 1 to 2^16. */
static inline uint32_t
source_below(struct source *s, uint32_t n)
{
	return n <= 256 ? (uint32_t)(source_bits(s, 8) * n >> 8)
			: (uint32_t)(source_bits(s, 16) * n >> 16);
}

/* source_span: all magnitudes up to @bits bits are equally likely. */
static inline uint64_t
source_span(struct source *s, unsigned bits)
{
	unsigned n = (unsigned)source_bits(s, 8) % (bits + 1);

	return n ? source_bits(s, n) : 0;
}

#endif
