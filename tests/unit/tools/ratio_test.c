/* SPDX-License-Identifier: MIT
 *
 * ratio_test.c - tools/common/ratio.c: what differs by how much.
 * Claims: the ratio is that of pairs, so what both sides share does not widen
 * its interval; the interval has the true ratio in 95 of 100 cases, with few
 * rounds as with many, and with rounds that something disturbed; more rounds
 * make it narrower; the same thing measured under two names is told to differ in
 * fewer than 5 of 100 cases; a real difference is found.
 */
#include "tools/common/ratio.h"

#include <math.h>
#include <stdint.h>

#include "tests/support/cm.h"
#include "tools/common/random.h"

enum { EXPERIMENTS = 100 };

static uint64_t seed = RANDOM_SEED;

static double
uniform(void)
{
	return (double)(random_next(&seed) >> 11) / 9007199254740992.0;
}

/* A standard normal value (Box and Muller). */
static double
normal(void)
{
	double radius = sqrt(-2 * log(1 - uniform()));

	return radius * cos(6.283185307179586 * uniform());
}

/* What is measured where the truth is @truth, in a round in which the machine
 * is @machine times as slow: off by 5 % or so, and one time in @rare by up to
 * three times. */
static double
measured(double truth, double machine, unsigned rare)
{
	double v = truth * machine * exp(0.05 * normal());

	if (rare && uniform() * rare < 1)
		v *= 1 + 2 * uniform();
	return v;
}

static void
rounds(struct series *a, struct series *b, struct series *again, unsigned n,
    double truth, unsigned rare)
{
	a->n = b->n = again->n = 0;
	for (unsigned i = 0; i < n; i++) {
		double machine = exp(0.5 * normal());

		series_insert(a, measured(100 * truth, machine, rare));
		series_insert(b, measured(100, machine, rare));
		series_insert(again, measured(100, machine, rare));
	}
}

static void
a_ratio_is_that_of_the_pairs(void **state)
{
	struct series a = { 0 }, b = { 0 };
	struct ratio r;

	(void)state;
	for (unsigned i = 1; i <= 8; i++) {
		series_insert(&a, 3.0 * i * i);
		series_insert(&b, 2.0 * i * i);
	}
	r = ratio_paired(&a, &b);
	assert_int_equal(r.n, 8);
	assert_true(fabs(r.value - 1.5) < 1e-9);
	assert_true(fabs(r.low - 1.5) < 1e-9 && fabs(r.high - 1.5) < 1e-9);
	r = ratio_paired(&b, &a);
	assert_true(fabs(r.value - 1 / 1.5) < 1e-9);
}

static void
a_pair_without_two_values_is_left_out(void **state)
{
	struct series a = { 3, { 6, 0, 8 } }, b = { 4, { 3, 5, 4, 9 } };
	struct ratio r = ratio_paired(&a, &b);

	(void)state;
	assert_int_equal(r.n, 2);
	assert_true(fabs(r.value - 2) < 1e-9);
	a.n = 0;
	r = ratio_paired(&a, &b);
	assert_int_equal(r.n, 0);
	assert_true(r.value == 0);
}

static void
too_few_pairs_show_nothing(void **state)
{
	struct series a = { 0 }, b = { 0 };
	struct ratio r;

	(void)state;
	for (unsigned i = 0; i + 1 < RATIO_LEAST; i++) {
		series_insert(&a, 1000);
		series_insert(&b, 1);
	}
	r = ratio_paired(&a, &b);
	assert_true(r.low == 0 && isinf(r.high));
	assert_int_equal(ratio_differs(r, 1), 0);
	assert_true(isinf(ratio_margin(r)));
	series_insert(&a, 1000);
	series_insert(&b, 1);
	assert_int_equal(ratio_differs(ratio_paired(&a, &b), 1), 1);
	assert_int_equal(ratio_differs(ratio_paired(&b, &a), 1), -1);
	assert_int_equal(ratio_differs(ratio_paired(&b, &a), INFINITY), 0);
}

static void
the_margin_is_how_far_the_control_may_be_from_1(void **state)
{
	struct ratio up = { 9, 1.01, 0.98, 1.05 }, down = { 9, 1, 0.8, 1.1 };

	(void)state;
	assert_true(fabs(ratio_margin(up) - 1.05) < 1e-9);
	assert_true(fabs(ratio_margin(down) - 1.25) < 1e-9);
	assert_int_equal(ratio_differs(up, 1), 0);
	up.low = 1.02;
	assert_int_equal(ratio_differs(up, 1), 1);
	assert_int_equal(ratio_differs(up, 1.03), 0);
}

static void
same_values_same_interval(void **state)
{
	struct series a, b, again;
	struct ratio r, s;

	(void)state;
	rounds(&a, &b, &again, 20, 1, 10);
	r = ratio_paired(&a, &b);
	s = ratio_paired(&a, &b);
	assert_true(r.low == s.low && r.high == s.high && r.value == s.value);
}

static void
the_interval_has_the_truth_in_95_of_100_cases(void **state)
{
	static const unsigned n[] = { RATIO_LEAST, 12, 30 };

	(void)state;
	for (unsigned k = 0; k < CM_COUNT(n); k++)
		for (unsigned rare = 0; rare <= 10; rare += 10) {
			unsigned in = 0, experiments = EXPERIMENTS;

			for (unsigned i = 0; i < experiments; i++) {
				struct series a, b, again;
				struct ratio r;

				rounds(&a, &b, &again, n[k], 0.8, rare);
				r = ratio_paired(&a, &b);
				in += r.low <= 0.8 && 0.8 <= r.high;
			}
			if (in < experiments * 88 / 100)
				fail_msg("%u rounds, one of %u disturbed: the "
					 "truth is in %u of %u intervals",
				    n[k], rare, in, experiments);
		}
}

/* How far from 1 an interval reaches, as a mean of twenty experiments. */
static double
width(unsigned n)
{
	double sum = 0;

	for (unsigned i = 0; i < 20; i++) {
		struct series a, b, again;
		struct ratio r;

		rounds(&a, &b, &again, n, 1, 0);
		r = ratio_paired(&a, &b);
		sum += r.high / r.low - 1;
	}
	return sum / 20;
}

static void
more_rounds_make_it_narrower(void **state)
{
	(void)state;
	assert_true(width(160) < width(10) / 3);
	/* The machine's own changes, of 50 %, are not in it. */
	assert_true(width(160) < 0.05);
}

/* Of @experiments, so many in which @truth is told apart from 1. */
static unsigned
told_apart(double truth, unsigned n, unsigned experiments)
{
	unsigned told = 0;

	for (unsigned i = 0; i < experiments; i++) {
		struct series a, b, again;
		double margin;

		rounds(&a, &b, &again, n, truth, 10);
		margin = ratio_margin(ratio_paired(&again, &b));
		told += ratio_differs(ratio_paired(&a, &b), margin) != 0;
	}
	return told;
}

static void
one_thing_under_two_names_is_not_told_apart(void **state)
{
	(void)state;
	assert_in_range(
	    told_apart(1, RATIO_LEAST, EXPERIMENTS), 0, EXPERIMENTS * 3 / 100);
	assert_in_range(
	    told_apart(1, 20, EXPERIMENTS), 0, EXPERIMENTS * 3 / 100);
}

static void
a_real_difference_is_found(void **state)
{
	(void)state;
	/* Of one round in five one side or the other was disturbed. */
	assert_in_range(told_apart(1.3, 32, EXPERIMENTS), EXPERIMENTS * 9 / 10,
	    EXPERIMENTS);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_ratio_is_that_of_the_pairs),
		cmocka_unit_test(a_pair_without_two_values_is_left_out),
		cmocka_unit_test(too_few_pairs_show_nothing),
		cmocka_unit_test(
		    the_margin_is_how_far_the_control_may_be_from_1),
		cmocka_unit_test(same_values_same_interval),
		cmocka_unit_test(the_interval_has_the_truth_in_95_of_100_cases),
		cmocka_unit_test(more_rounds_make_it_narrower),
		cmocka_unit_test(one_thing_under_two_names_is_not_told_apart),
		cmocka_unit_test(a_real_difference_is_found),
	};

	return cmocka_run_group_tests_name("ratio", tests, NULL, NULL);
}
