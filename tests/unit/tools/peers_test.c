/* SPDX-License-Identifier: MIT
 *
 * peers_test.c - bench/peers/field.c: who is compared with whom.
 * Claims: values are paired by round, also where somebody had no turn; what
 * stands beside an entry is confined or shared as the entry is; the control is
 * an engine's second turn and is never what others are compared with; without
 * enough rounds nothing is shown.
 */
#include "bench/peers/field.h"

#include <math.h>
#include <stdio.h>

#include "tests/support/cm.h"

enum { WHEEL, HEAP, AGAIN, SHARED, LIBEV, GO };

static struct field f;

static void
add(unsigned i, unsigned rival, const char *variant)
{
	f.entry[i].rival = &f.rival[rival];
	snprintf(f.entry[i].variant, sizeof f.entry[i].variant, "%s", variant);
}

static void
value(unsigned i, double ns)
{
	series_insert(&f.cell[i][0][0].ns, ns);
	series_insert(&f.cell[i][0][0].paired, ns);
}

static int
setup(void **state)
{
	(void)state;
	for (unsigned i = 0; i <= GO; i++) /* it is large, and zero */
		f.cell[i][0][0] = (struct cell){ .why = "" };
	f.rival[0].rota = f.rival[1].rota = true;
	f.rival[1].safe = f.rival[3].safe = true;
	add(WHEEL, 0, "wheel");
	add(HEAP, 0, "heap");
	add(AGAIN, 0, "wheel");
	f.entry[AGAIN].control = true;
	add(SHARED, 1, "wheel");
	add(LIBEV, 2, "lazy");
	add(GO, 3, "-");
	f.entries = 6;
	snprintf(f.work[0], NAME_MAX_, "start_stop");
	snprintf(f.work[1], NAME_MAX_, "own");
	snprintf(f.work[2], NAME_MAX_, "cross");
	f.works = 3;
	f.sizes = 1;
	return 0;
}

static void
rounds_in_which_one_had_no_turn_are_not_paired(void **state)
{
	(void)state;
	for (unsigned round = 1; round <= 8; round++) {
		value(WHEEL, 10 * round);
		if (round != 3)
			value(LIBEV, 30 * round);
		field_round(&f, 0, 0);
	}
	assert_int_equal(f.cell[LIBEV][0][0].paired.n, 8);
	assert_int_equal(f.cell[LIBEV][0][0].ns.n, 7);
	assert_int_equal(field_ratio(&f, LIBEV, WHEEL, 0, 0).n, 7);
	assert_true(fabs(field_ratio(&f, LIBEV, WHEEL, 0, 0).low - 3) < 1e-9);
	assert_true(fabs(field_ratio(&f, LIBEV, WHEEL, 0, 0).high - 3) < 1e-9);
}

static void
each_stands_beside_its_like(void **state)
{
	(void)state;
	value(WHEEL, 20);
	value(HEAP, 10);
	value(AGAIN, 5);
	value(SHARED, 40);
	assert_int_equal(field_rota(&f, &f.entry[LIBEV], 0, 0, "wheel"), WHEEL);
	assert_int_equal(field_rota(&f, &f.entry[LIBEV], 0, 0, NULL), HEAP);
	assert_int_equal(field_rota(&f, &f.entry[GO], 0, 0, NULL), SHARED);
	assert_int_equal(field_rota(&f, &f.entry[GO], 0, 0, "heap"), -1);
	/* With a mutex where two share it, and without one where not. */
	assert_false(field_shared(&f, &f.entry[LIBEV], 1));
	assert_true(field_shared(&f, &f.entry[LIBEV], 2));
}

static void
the_control_is_the_second_turn(void **state)
{
	struct ratio r;

	(void)state;
	for (unsigned round = 1; round <= RATIO_LEAST; round++) {
		r = field_control(&f, &f.entry[LIBEV], 0, 0);
		assert_true(isinf(ratio_margin(r)));
		value(WHEEL, 10 * round);
		value(AGAIN, 11 * round);
	}
	r = field_control(&f, &f.entry[LIBEV], 0, 0);
	assert_true(fabs(ratio_margin(r) - 1.1) < 1e-9);
	r = field_control(&f, &f.entry[GO], 0, 0);
	assert_true(isinf(ratio_margin(r)));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
		    rounds_in_which_one_had_no_turn_are_not_paired, setup),
		cmocka_unit_test_setup(each_stands_beside_its_like, setup),
		cmocka_unit_test_setup(the_control_is_the_second_turn, setup),
	};

	return cmocka_run_group_tests_name("peers", tests, NULL, NULL);
}
