/* SPDX-License-Identifier: MIT
 *
 * figures_test.c - tools/figures.c, common/series.c and common/table.c: what is
 * concluded from which figures.
 * Claims: medians and ranges are right; a winner is named only if its range
 * overlaps with no other's; a figure measured once decides nothing; the table
 * is at most 60 columns wide, whatever the figures are.
 */
#include "tools/figures.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/cm.h"

enum { HEAP, WHEEL, COARSE };

static struct figures f;
static char text[8192];

static int
setup(void **state)
{
	(void)state;
	memset(&f, 0, sizeof f);
	for (int b = 0; b < BACKENDS; b++)
		f.used[b] = true;
	return 0;
}

static void
fill(int backend, enum figure figure, double a, double b, double c)
{
	struct series *s = &f.series[backend][figure];

	series_insert(s, a);
	series_insert(s, b);
	series_insert(s, c);
}

static void
tell(void (*print)(const struct figures *, FILE *))
{
	FILE *to = tmpfile();
	size_t n;

	assert_non_null(to);
	print(&f, to);
	rewind(to);
	n = fread(text, 1, sizeof text - 1, to);
	text[n] = '\0';
	fclose(to);
}

static void
expect(const char *what)
{
	if (!strstr(text, what))
		fail_msg("no '%s' in:\n%s", what, text);
}

static void
expect_not(const char *what)
{
	if (strstr(text, what))
		fail_msg("'%s' in:\n%s", what, text);
}

static void
median_and_range_are_those_of_the_values(void **state)
{
	struct series s = { 0 }, t = { 0 };

	(void)state;
	assert_true(series_median(&s) == 0);
	assert_true(series_min(&s) == 0 && series_max(&s) == 0);
	series_insert(&s, 5);
	assert_true(series_median(&s) == 5);
	series_insert(&s, 1);
	assert_true(series_median(&s) == 3);
	series_insert(&s, 9);
	assert_true(series_median(&s) == 5);
	assert_true(series_min(&s) == 1 && series_max(&s) == 9);
	assert_true(series_sum(&s) == 15);
	series_insert(&t, 9);
	assert_true(series_overlap(&s, &t)); /* they touch */
	t.v[0] = 9.5;
	assert_false(series_overlap(&s, &t));
	assert_false(series_overlap(&t, &s));
	for (int i = 0; i < 2 * SERIES_MAX; i++)
		series_insert(&s, 7);
	assert_int_equal(s.n, SERIES_MAX);
}

static void
one_that_stands_clear_is_named_with_its_ratio(void **state)
{
	(void)state;
	fill(HEAP, FIG_OPS, 100e6, 110e6, 90e6);
	fill(WHEEL, FIG_OPS, 200e6, 210e6, 190e6);
	fill(COARSE, FIG_OPS, 50e6, 51e6, 49e6);
	fill(HEAP, FIG_PUSH_P50, 10, 11, 12); /* less is better */
	fill(WHEEL, FIG_PUSH_P50, 22, 21, 23);
	tell(figures_conclude);
	expect("operations a second: wheel over heap and coarse, 2.00 times");
	expect("the median push: heap over wheel, 2.00 times");
	expect_not("No difference");
}

static void
overlapping_ranges_are_no_difference(void **state)
{
	(void)state;
	fill(HEAP, FIG_OPS, 100, 110, 150);
	fill(WHEEL, FIG_OPS, 200, 210, 140);
	fill(COARSE, FIG_OPS, 145, 180, 190);
	tell(figures_conclude);
	expect("No difference beyond the spread: operations a second.");
	expect_not("over");
	expect_not("times");
}

static void
a_leader_shares_its_lead_with_what_overlaps_it(void **state)
{
	(void)state;
	fill(HEAP, FIG_OPS, 100, 110, 120);
	fill(WHEEL, FIG_OPS, 200, 210, 220);
	fill(COARSE, FIG_OPS, 190, 205, 215);
	tell(figures_conclude);
	expect("operations a second: wheel and coarse over heap, 1.91 times");
}

static void
what_overlaps_lead_and_rest_is_in_neither(void **state)
{
	(void)state;
	fill(HEAP, FIG_OPS, 100, 110, 120);
	fill(WHEEL, FIG_OPS, 115, 160, 205);
	fill(COARSE, FIG_OPS, 200, 205, 215);
	tell(figures_conclude);
	expect("operations a second: coarse over heap, 1.86 times");
	expect_not("wheel");
}

static void
what_was_measured_once_decides_nothing(void **state)
{
	(void)state;
	series_insert(&f.series[HEAP][FIG_REQUESTS], 1000);
	series_insert(&f.series[WHEEL][FIG_REQUESTS], 9000);
	tell(figures_conclude);
	expect("Nothing to compare.");
	fill(HEAP, FIG_OPS, 100, 110, 120);
	fill(WHEEL, FIG_OPS, 200, 210, 220);
	tell(figures_conclude);
	expect("Measured once, so not compared: the rest.");
	expect_not("requests a second");
}

static void
cells_show_median_spread_and_unit(void **state)
{
	(void)state;
	f.used[WHEEL] = f.used[COARSE] = false;
	fill(HEAP, FIG_OPS, 41.2e6, 39.84e6, 42e6);
	fill(HEAP, FIG_PUSH_P50, 9.25, 9, 9.5);
	fill(HEAP, FIG_LATE_P99, 51234, 50000, 52000);
	fill(HEAP, FIG_STARTED, 1e6, 2e6, 3e6); /* a sum */
	fill(HEAP, FIG_BYTES, 72, 72, 72);      /* no range */
	fill(HEAP, FIG_LATE_MAX, 1000, 1001, 13000);
	tell(figures_print);
	expect("41.2M (3%)"); /* the furthest from the median: 39.84 */
	expect("9.25 ns (3%)");
	expect("51.2 us (2%)");
	expect("1.00 us (12x)"); /* so much above it, in medians */
	expect("6.00M\n");
	expect("72.0\n");
	expect_not("requests/s"); /* no value, no row */
}

static void
any_table_fits_60_columns(void **state)
{
	static const double low[] = { 0.001, 999.6, 9999, 999.6e3, 9.996e6,
		999.6e6, 12e9 };

	(void)state;
	for (unsigned i = 0; i < CM_COUNT(low); i++) {
		setup(state);
		for (int b = 0; b < BACKENDS; b++)
			for (int k = 0; k < FIGURES; k++)
				fill(b, (enum figure)k, low[i],
				    low[i] * (k % 2 ? 10.9 : 5000), low[i] / 9);
		tell(figures_print);
		for (char *line = text; *line; line += strcspn(line, "\n") + 1)
			if (strcspn(line, "\n") > 60)
				fail_msg("more than 60 columns:\n%s", text);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(median_and_range_are_those_of_the_values),
		cmocka_unit_test_setup(
		    one_that_stands_clear_is_named_with_its_ratio, setup),
		cmocka_unit_test_setup(
		    overlapping_ranges_are_no_difference, setup),
		cmocka_unit_test_setup(
		    a_leader_shares_its_lead_with_what_overlaps_it, setup),
		cmocka_unit_test_setup(
		    what_overlaps_lead_and_rest_is_in_neither, setup),
		cmocka_unit_test_setup(
		    what_was_measured_once_decides_nothing, setup),
		cmocka_unit_test_setup(
		    cells_show_median_spread_and_unit, setup),
		cmocka_unit_test(any_table_fits_60_columns),
	};

	return cmocka_run_group_tests_name("figures", tests, NULL, NULL);
}
