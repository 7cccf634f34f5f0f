/* SPDX-License-Identifier: MIT
 *
 * hist_test.c - tools/hist.c alone.
 * Claims: buckets tile all 64-bit values, none wider than 1/128 of its
 * values; percentiles are those of the sorted values to within that, never
 * below; merging is recording everything in one; empty and extreme cases.
 */
#include "tools/hist.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/cm.h"

enum { VALUES = 20000 };

static struct hist h, part;
static uint64_t sorted[VALUES];

/* xorshift; the seed of each test is written in it. */
static uint64_t
random_next(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

static int
by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void
buckets_tile_all_values(void **state)
{
	uint64_t low = 0;

	(void)state;
	for (unsigned b = 0; b < HIST_BUCKETS; b++) {
		uint64_t high = hist_upper(b);

		assert_true(high >= low);
		assert_int_equal(hist_bucket(low), b);
		assert_int_equal(hist_bucket(high), b);
		/* its width, less one, is at most 1/128 of its least value */
		assert_true(high - low <= low >> HIST_BITS);
		low = high + 1;
	}
	assert_int_equal(low, 0); /* past the largest value, wrapped */
}

static void
percentiles_are_within_one_part_in_128(void **state)
{
	static const unsigned ppm[] = { 1, 1000, 10000, 250000, 500000, 900000,
		990000, 999000, 999900, 999999 };
	uint64_t x = 88172645463325252u;

	(void)state;
	for (unsigned shift = 0; shift < 64; shift += 7) {
		hist_reset(&h);
		for (int i = 0; i < VALUES; i++) {
			/* of all magnitudes up to 64 - shift bits */
			sorted[i] = random_next(&x) >> shift >>
			    random_next(&x) % 16;
			hist_record(&h, sorted[i]);
		}
		qsort(sorted, VALUES, sizeof *sorted, by_value);
		for (unsigned i = 0; i < sizeof ppm / sizeof *ppm; i++) {
			uint64_t rank = ((uint64_t)VALUES * ppm[i] + 999999) /
			    1000000;
			uint64_t truth = sorted[rank - 1];
			uint64_t told = hist_at(&h, ppm[i]);

			assert_true(told >= truth);
			assert_true(told - truth <= truth >> HIST_BITS);
		}
		assert_int_equal(hist_at(&h, 0), sorted[0]);
		assert_int_equal(hist_at(&h, 1000000), sorted[VALUES - 1]);
	}
}

static void
small_values_are_exact(void **state)
{
	(void)state;
	hist_reset(&h);
	for (uint64_t v = 1; v <= 200; v++)
		hist_record(&h, v);
	assert_int_equal(hist_at(&h, 500000), 100);
	assert_int_equal(hist_at(&h, 500001), 101);
	assert_int_equal(hist_at(&h, 990000), 198);
	assert_int_equal(hist_at(&h, 5000), 1);
	assert_int_equal(hist_at(&h, 5001), 2);
}

static void
merging_is_recording_all_in_one(void **state)
{
	static struct hist whole;
	uint64_t x = 2463534242u;

	(void)state;
	hist_reset(&h);
	hist_reset(&part);
	hist_reset(&whole);
	for (int i = 0; i < VALUES; i++) {
		uint64_t v = random_next(&x) >> i % 60;

		hist_record(i % 3 ? &h : &part, v);
		hist_record(&whole, v);
	}
	hist_merge(&h, &part);
	assert_memory_equal(&h, &whole, sizeof h);
	hist_reset(&part);
	hist_merge(&h, &part); /* an empty one adds nothing */
	assert_memory_equal(&h, &whole, sizeof h);
	hist_merge(&part, &h); /* into an empty one */
	assert_memory_equal(&part, &whole, sizeof h);
}

static void
an_empty_one_answers_zero(void **state)
{
	(void)state;
	hist_reset(&h);
	assert_int_equal(hist_at(&h, 0), 0);
	assert_int_equal(hist_at(&h, 500000), 0);
	assert_int_equal(hist_at(&h, 1000000), 0);
}

static void
one_value_is_every_percentile(void **state)
{
	static const uint64_t values[] = { 0, 1, 255, 256, 257, 1000003,
		UINT64_C(1) << 63, UINT64_MAX };

	(void)state;
	for (unsigned i = 0; i < sizeof values / sizeof *values; i++) {
		hist_reset(&h);
		hist_record(&h, values[i]);
		assert_int_equal(hist_at(&h, 0), values[i]);
		assert_int_equal(hist_at(&h, 1), values[i]);
		assert_int_equal(hist_at(&h, 500000), values[i]);
		assert_int_equal(hist_at(&h, 999999), values[i]);
		assert_int_equal(hist_at(&h, 1000000), values[i]);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(buckets_tile_all_values),
		cmocka_unit_test(percentiles_are_within_one_part_in_128),
		cmocka_unit_test(small_values_are_exact),
		cmocka_unit_test(merging_is_recording_all_in_one),
		cmocka_unit_test(an_empty_one_answers_zero),
		cmocka_unit_test(one_value_is_every_percentile),
	};

	return cmocka_run_group_tests_name("hist", tests, NULL, NULL);
}
