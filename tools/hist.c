/* SPDX-License-Identifier: MIT
 *
 * hist.c - see hist.h; the arithmetic is there.
 */
#include "tools/hist.h"

#include <string.h>

void
hist_reset(struct hist *h)
{
	memset(h, 0, sizeof *h);
	h->min = UINT64_MAX;
}

unsigned
hist_bucket(uint64_t v)
{
	unsigned e;

	if (v >> (HIST_BITS + 1) == 0)
		return (unsigned)v;
	e = 63u - (unsigned)__builtin_clzll(v) - HIST_BITS;
	return (e << HIST_BITS) + (unsigned)(v >> e);
}

uint64_t
hist_upper(unsigned b)
{
	unsigned e = b >> HIST_BITS;

	if (e <= 1)
		return b;
	e--;
	/* For the last bucket the shift leaves 0, less one: the largest. */
	return (((uint64_t)b - (e << HIST_BITS) + 1) << e) - 1;
}

void
hist_record(struct hist *h, uint64_t v)
{
	h->bucket[hist_bucket(v)]++;
	h->count++;
	if (v < h->min)
		h->min = v;
	if (v > h->max)
		h->max = v;
}

void
hist_merge(struct hist *to, const struct hist *from)
{
	for (unsigned b = 0; b < HIST_BUCKETS; b++)
		to->bucket[b] += from->bucket[b];
	to->count += from->count;
	if (from->min < to->min)
		to->min = from->min;
	if (from->max > to->max)
		to->max = from->max;
}

uint64_t
hist_at(const struct hist *h, unsigned ppm)
{
	uint64_t rank, sum = 0;

	if (h->count == 0)
		return 0;
	if (ppm == 0)
		return h->min;
	if (ppm >= 1000000)
		return h->max;
	rank = (h->count * ppm + 999999) / 1000000;
	for (unsigned b = 0; b < HIST_BUCKETS; b++) {
		sum += h->bucket[b];
		if (sum >= rank) {
			uint64_t v = hist_upper(b);

			return v < h->max ? v : h->max;
		}
	}
	return h->max;
}
