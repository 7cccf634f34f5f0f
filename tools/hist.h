/* SPDX-License-Identifier: MIT
 *
 * hist.h - how often which value: a log-linear histogram of 64-bit values.
 *
 * Values below 256 have a bucket each. From there each power of two is cut
 * in 2^7 buckets of equal width, so a bucket is at most 1/128 of its values
 * wide. What is reported is the largest value of a bucket, but never more
 * than the largest recorded: an answer is never below the truth, and above
 * it by less than 1/128.
 *
 *   value       bucket                          width
 *   v < 256     v                               1
 *   else        (e << 7) + (v >> e)             2^e, e = highest bit - 7
 *
 * 58 * 2^7 buckets, 58 KiB. No threads: one writer, or your own lock.
 */
#ifndef ROTA_TOOLS_HIST_H
#define ROTA_TOOLS_HIST_H

#include <stdint.h>

enum { HIST_BITS = 7, HIST_BUCKETS = (64 - HIST_BITS + 1) << HIST_BITS };

struct hist {
	uint64_t count, min, max;
	uint64_t bucket[HIST_BUCKETS];
};

void hist_reset(struct hist *h);

/* The bucket of @v, and the largest value of bucket @b. */
unsigned hist_bucket(uint64_t v);
uint64_t hist_upper(unsigned b);

void hist_record(struct hist *h, uint64_t v);

/* What was recorded in @from is recorded in @to, too. */
void hist_merge(struct hist *to, const struct hist *from);

/* The value that @ppm parts of a million do not exceed: of n values in order
 * the one of rank ceil(n * ppm / 10^6). 0: the smallest, 10^6 or more: the
 * largest, both exact. 0 if there is none. Up to 10^13 values. */
uint64_t hist_at(const struct hist *h, unsigned ppm);

#endif
