/* SPDX-License-Identifier: MIT
 *
 * figures_test.c - tools/figures.c, common/series.c and common/table.c: what is
 * concluded from which figures.
 * Claims: medians are right; who leads is told only beyond the control, and by
 * how much with its interval; one that nobody was shown to be ahead of shares
 * the lead; too few rounds conclude nothing; a crossover is found where it is;
 * any table is at most 60 columns wide, whatever the figures are.
 */
#include "tools/figures.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/cm.h"

enum { HEAP, WHEEL, COARSE };
enum { ROUNDS = 12 };

static struct figures f;
static char text[16384];

static int
setup(void **state)
{
	(void)state;
	memset(&f, 0, sizeof f);
	for (int b = 0; b < BACKENDS; b++)
		f.used[b] = true;
	for (int i = 0; i < SIZES; i++)
		f.size[i] = (uint64_t[]){ 1000, 20000, 200000, 2000000 }[i];
	return 0;
}

/* @n values about @v, off by up to 1 % in an order that @slot decides; the
 * machine has a slow round now and then, which all have. */
static void
fill_n(int slot, enum figure figure, double v, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		series_insert(&f.series[slot][figure],
		    v * (i % 5 ? 1 : 1.5) *
			(1 +
			    ((int)((i * 7 + (unsigned)slot * 3) % 5) - 2) /
				200.0));
}

static void
fill(int slot, enum figure figure, double v)
{
	fill_n(slot, figure, v, ROUNDS);
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
	for (int i = 0; i < 2 * SERIES_MAX; i++)
		series_insert(&t, 7);
	assert_int_equal(t.n, SERIES_MAX);
}

static void
one_that_leads_is_told_with_the_ratio_of_the_others(void **state)
{
	(void)state;
	fill(HEAP, FIG_OP_MAIN, 200);
	fill(WHEEL, FIG_OP_MAIN, 100);
	fill(COARSE, FIG_OP_MAIN, 150);
	fill(CONTROL, FIG_OP_MAIN, 200);
	tell(figures_conclude);
	expect("IN SHORT, 200,000 timers, 12 rounds");
	expect("processor time   wheel 100 ns, heap 2.0");
	expect("coarse 1.50 x [");
	expect("heap measured twice, as a control: 1.00 x");
	expect_not("=  ");
}

static void
what_is_within_the_control_shares_the_lead(void **state)
{
	(void)state;
	fill(HEAP, FIG_OP_MAIN, 200);
	fill(WHEEL, FIG_OP_MAIN, 100);
	fill(COARSE, FIG_OP_MAIN, 103);
	fill(CONTROL, FIG_OP_MAIN, 212); /* the heap itself, 6 % apart */
	tell(figures_conclude);
	expect("processor time   wheel = coarse 100 ns to 104 ns,");
	f.series[CONTROL][FIG_OP_MAIN].n = 0;
	fill(CONTROL, FIG_OP_MAIN, 200);
	tell(figures_conclude);
	expect("processor time   wheel 100 ns,");
}

static void
of_figures_that_are_better_when_more_the_most_leads(void **state)
{
	bool lead[BACKENDS];
	struct ratio behind[BACKENDS];

	(void)state;
	fill(HEAP, FIG_REQUESTS, 1000);
	fill(WHEEL, FIG_REQUESTS, 2000);
	fill(CONTROL, FIG_REQUESTS, 1000);
	assert_int_equal(figures_lead(&f, FIG_REQUESTS, lead, behind), WHEEL);
	assert_true(lead[WHEEL] && !lead[HEAP] && !lead[COARSE]);
	assert_true(behind[HEAP].value > 1.9 && behind[HEAP].value < 2.1);
}

static void
too_few_rounds_conclude_nothing(void **state)
{
	(void)state;
	for (int slot = 0; slot < SLOTS; slot++)
		fill_n(slot, FIG_OP_MAIN, slot == WHEEL ? 1 : 100,
		    RATIO_LEAST - 1);
	tell(figures_conclude);
	expect("processor time   5 rounds: too few to compare\n");
	expect("A control needs 6 rounds.");
	expect_not("heap = wheel");
}

/* Enough rounds, but for the control. */
static void
without_a_control_nothing_is_concluded(void **state)
{
	(void)state;
	for (int slot = 0; slot < SLOTS; slot++)
		fill_n(slot, FIG_OP_MAIN, slot == WHEEL ? 1 : 100,
		    slot == CONTROL ? 1 : RATIO_LEAST);
	tell(figures_conclude);
	expect("processor time   no control: it had too few rounds\n");
	expect_not("heap = wheel");
	fill_n(HEAP, FIG_OP, 100, RATIO_LEAST);
	fill_n(WHEEL, FIG_OP, 50, RATIO_LEAST);
	tell(figures_cross);
	expect("]  no control\n");
	expect_not("no difference shown");
}

static void
one_engine_alone_is_compared_with_nothing(void **state)
{
	(void)state;
	f.used[WHEEL] = f.used[COARSE] = false;
	fill(HEAP, FIG_OP_MAIN, 200);
	fill(CONTROL, FIG_OP_MAIN, 200);
	tell(figures_conclude);
	expect_not("processor time   ");
	tell(figures_cross);
	assert_string_equal(text, "");
}

static void
a_crossover_is_between_the_sizes_that_differ(void **state)
{
	static const double heap[SIZES] = { 20, 50, 200, 400 };
	static const double wheel[SIZES] = { 30, 50, 100, 150 };

	(void)state;
	for (int i = 0; i < SIZES; i++) {
		fill(HEAP, (enum figure)(FIG_OP + i), heap[i]);
		fill(WHEEL, (enum figure)(FIG_OP + i), wheel[i]);
	}
	fill(CONTROL, FIG_OP_MAIN, 200);
	tell(figures_cross);
	expect("       1,000 timers  1.50");
	expect("]  heap\n");
	expect("      20,000 timers  1.00");
	expect("]  no difference shown\n");
	expect("The lead goes from heap to wheel between 1,000 and 200,000.");
	expect_not("No crossover");
}

static void
no_crossover_is_told_too(void **state)
{
	(void)state;
	for (int i = 0; i < SIZES; i++) {
		fill(HEAP, (enum figure)(FIG_OP + i), 100);
		fill(WHEEL, (enum figure)(FIG_OP + i), 50);
	}
	fill(CONTROL, FIG_OP_MAIN, 100);
	tell(figures_cross);
	expect("No crossover: the wheel leads wherever a difference was");
	expect_not("The lead goes");
	f.series[HEAP][FIG_OP].n = 3;
	tell(figures_cross);
	expect("1,000 timers  0.50, by 3 rounds: too few");
}

static void
cells_show_median_spread_and_unit(void **state)
{
	(void)state;
	f.used[WHEEL] = f.used[COARSE] = false;
	for (unsigned i = 0; i < 8; i++) {
		series_insert(&f.series[HEAP][FIG_OP_MAIN], 100 + i * 2);
		series_insert(&f.series[HEAP][FIG_RESIDENT], 72);
		series_insert(&f.series[HEAP][FIG_LATE_P99], 51234);
		series_insert(&f.series[HEAP][FIG_ON_TIME], 300);
		series_insert(&f.series[HEAP][FIG_WAKEUPS], 1.25);
	}
	series_insert(&f.series[HEAP][FIG_REQUESTS], 41.2e6);
	tell(figures_print);
	expect("200,000          107 ns 3%"); /* half of them: 104 to 110 */
	expect("72.0 B\n");
	expect("51.2 us\n");
	expect("2400\n"); /* a sum */
	expect("1.25\n");
	expect("41.2M\n");
	expect_not("answer p99"); /* no value, no row */
	expect_not("One call");   /* nor its group */
}

static void
any_table_fits_60_columns(void **state)
{
	static const double low[] = { 0.001, 999.6, 9999, 999.6e3, 9.996e6,
		999.6e6, 12e9 };

	(void)state;
	for (unsigned i = 0; i < CM_COUNT(low); i++) {
		setup(state);
		for (int slot = 0; slot < SLOTS; slot++)
			for (int k = 0; k < FIGURES; k++)
				for (unsigned n = 0; n < 8; n++)
					series_insert(&f.series[slot][k],
					    low[i] * (n % 2 ? 1 : 5000) *
						(1 + slot));
		for (int what = 0; what < 3; what++) {
			tell(what == 0      ? figures_print
				: what == 1 ? figures_conclude
					    : figures_cross);
			for (char *line = text; *line;
			     line += strcspn(line, "\n") + 1)
				if (strcspn(line, "\n") > 60)
					fail_msg(
					    "more than 60 columns:\n%s", text);
		}
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(median_and_range_are_those_of_the_values),
		cmocka_unit_test_setup(
		    one_that_leads_is_told_with_the_ratio_of_the_others, setup),
		cmocka_unit_test_setup(
		    what_is_within_the_control_shares_the_lead, setup),
		cmocka_unit_test_setup(
		    of_figures_that_are_better_when_more_the_most_leads, setup),
		cmocka_unit_test_setup(too_few_rounds_conclude_nothing, setup),
		cmocka_unit_test_setup(
		    without_a_control_nothing_is_concluded, setup),
		cmocka_unit_test_setup(
		    one_engine_alone_is_compared_with_nothing, setup),
		cmocka_unit_test_setup(
		    a_crossover_is_between_the_sizes_that_differ, setup),
		cmocka_unit_test_setup(no_crossover_is_told_too, setup),
		cmocka_unit_test_setup(
		    cells_show_median_spread_and_unit, setup),
		cmocka_unit_test(any_table_fits_60_columns),
	};

	return cmocka_run_group_tests_name("figures", tests, NULL, NULL);
}
