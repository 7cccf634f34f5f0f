/* SPDX-License-Identifier: MIT
 *
 * run_test.c - wheel/run.c: the slot that is due, in exact order.
 * Claims: what was collected leaves in the order of instant and rank,
 * however many there are and however alike; ranks are told apart where 32
 * bits wrap; what is taken out of the middle, before or after sorting, is
 * gone and nothing else; a full run says so; sorting moves each entry a few
 * times; rota__run_check() finds what is broken.
 */
#include <stdint.h>

static uint64_t moved;
#define RUN_MOVES(n) (moved += (n))
#include "wheel/run.c"

#include <stdlib.h>

#include "tests/support/cm.h"
#include "tests/support/mem.h"
#include "tests/support/world.h"

#define START ((uint64_t)77 << RUN_BITS)

struct bench {
	struct run run;
	struct mem mem;
	struct rota_mem from;
	uint32_t item[RUN_MOST + 1]; /* an item is its place */
	uint64_t when[RUN_MOST + 1];
	uint32_t seq[RUN_MOST + 1];
	bool in[RUN_MOST + 1];
};

static int
setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	b->from = mem_backend(&b->mem);
	assert_int_equal(rota__run_init(&b->run, UINT64_MAX, &b->from), 0);
	*state = b;
	return 0;
}

static int
teardown(void **state)
{
	struct bench *b = *state;

	rota__run_destroy(&b->run, &b->from);
	assert_int_equal(b->mem.blocks, 0);
	assert_int_equal(b->mem.wrong, 0);
	free(b);
	return 0;
}

static void
sound(const struct run *r)
{
	assert_int_equal(rota__run_check(r), 0);
}

static void
add(struct bench *b, uint32_t i, uint64_t when, uint32_t seq)
{
	b->when[i] = when;
	b->seq[i] = seq;
	b->in[i] = true;
	assert_true(run_add(&b->run, &b->item[i], when, seq));
	assert_int_equal(b->item[i] & RUN_PLACE, RUN_PLACE);
}

static void
take_out(struct bench *b, uint32_t i)
{
	run_remove(&b->run, &b->item[i]);
	b->in[i] = false;
}

/* All leave, each after what is before it, those and no others. */
static void
leave_in_order(struct bench *b, uint32_t n)
{
	const struct run_entry *e;
	uint64_t when = 0;
	uint32_t seq = 0, left = 0;

	for (uint32_t i = 0; i < n; i++)
		left += b->in[i];
	while ((e = run_first(&b->run))) {
		uint32_t i = (uint32_t)(e->item - b->item);

		assert_true(i < n && b->in[i]);
		assert_int_equal(run_when(&b->run, e), b->when[i]);
		assert_int_equal(run_seq(&b->run, e), b->seq[i]);
		assert_ptr_equal(run_entry(&b->run, &b->item[i]), e);
		assert_true(b->when[i] > when ||
		    (b->when[i] == when && (int32_t)(b->seq[i] - seq) > 0));
		when = b->when[i];
		seq = b->seq[i];
		take_out(b, i);
		left--;
	}
	assert_int_equal(left, 0);
	assert_int_equal(b->run.live, 0);
	sound(&b->run);
}

static void
an_empty_one_has_no_first(void **state)
{
	struct bench *b = *state;
	uint32_t cursor = 0;

	assert_null(run_first(&b->run));
	run_open(&b->run, START, 5);
	assert_null(run_first(&b->run));
	rota__run_sort(&b->run);
	assert_null(run_first(&b->run));
	assert_null(run_visit(&b->run, &cursor));
	sound(&b->run);
}

static void
until_it_is_sorted_it_has_no_first(void **state)
{
	struct bench *b = *state;

	run_open(&b->run, START, 0);
	add(b, 0, START + 5, 1);
	assert_null(run_first(&b->run));
	sound(&b->run);
	rota__run_sort(&b->run);
	assert_non_null(run_first(&b->run));
	leave_in_order(b, 1);
}

/* The rank of the @i-th of @n that come up as armed, turned round, so but for
 * one, half and half, in short runs. */
static uint32_t
shaped(uint32_t shape, uint32_t i, uint32_t n)
{
	uint32_t one = n * 2 / 3;

	switch (shape) {
	case 1:
		return n - i;
	case 2:
		return i == one ? n + 1 : i;
	case 3:
		return i == one ? 0 : n - i;
	case 4:
		return i < n / 2 ? n - i : i - n / 2;
	case 5:
		return i ^ 15;
	default:
		return i;
	}
}

static void
what_is_nearly_in_order_is_put_in_order(void **state)
{
	struct bench *b = *state;

	for (uint32_t shape = 0; shape < 6; shape++) {
		for (uint32_t n = 1; n <= RUN_MOST; n += 1 + n / 2) {
			run_open(&b->run, START, 0);
			for (uint32_t i = 0; i < n; i++)
				add(b, i, START + 9, shaped(shape, i, n));
			rota__run_sort(&b->run);
			sound(&b->run);
			leave_in_order(b, n);
		}
	}
}

/* Of any number, spread over the tick, or crowded, or all at one instant. */
static void
what_was_collected_leaves_in_order(void **state)
{
	static const uint64_t spreads[] = { 1, 2, 100, 5000,
		(uint64_t)1 << RUN_BITS };
	struct bench *b = *state;
	uint64_t x = 1299709;

	for (unsigned k = 0; k < CM_COUNT(spreads); k++) {
		for (uint32_t n = 1; n <= RUN_MOST; n += 1 + n / 3) {
			uint32_t rank = (uint32_t)random_next(&x);

			run_open(&b->run, START, rank);
			for (uint32_t i = 0; i < n; i++)
				add(b, i, START + random_next(&x) % spreads[k],
				    rank + 7919 * i % 65536 - 32768);
			sound(&b->run);
			rota__run_sort(&b->run);
			sound(&b->run);
			leave_in_order(b, n);
		}
	}
}

static void
the_edges_of_the_tick_are_part_of_it(void **state)
{
	struct bench *b = *state;

	run_open(&b->run, START, 0);
	add(b, 0, START + ((uint64_t)1 << RUN_BITS) - 1, 1);
	add(b, 1, START, 2);
	rota__run_sort(&b->run);
	assert_ptr_equal(run_first(&b->run)->item, &b->item[1]);
	leave_in_order(b, 2);
}

static void
ranks_go_on_where_they_wrap(void **state)
{
	struct bench *b = *state;

	run_open(&b->run, START, UINT32_MAX);
	add(b, 0, START, 1);
	add(b, 1, START, UINT32_MAX);
	add(b, 2, START, UINT32_MAX - 1);
	rota__run_sort(&b->run);
	for (uint32_t i = 3; i-- > 0;) {
		assert_ptr_equal(run_first(&b->run)->item, &b->item[i]);
		take_out(b, i);
	}
	/* as far apart as they may be */
	run_open(&b->run, START, 1u << (SEQ_BITS - 1));
	add(b, 0, START, (uint32_t)((UINT64_C(1) << SEQ_BITS) - 1));
	add(b, 1, START, 0);
	rota__run_sort(&b->run);
	assert_ptr_equal(run_first(&b->run)->item, &b->item[1]);
	take_out(b, 1);
	take_out(b, 0);
}

static void
what_is_taken_out_before_or_after_sorting_is_gone(void **state)
{
	struct bench *b = *state;
	uint64_t x = 65537;

	for (int round = 0; round < 300; round++) {
		uint32_t n = 1 + (uint32_t)random_next(&x) % RUN_MOST;

		run_open(&b->run, START, 0);
		for (uint32_t i = 0; i < n; i++)
			add(b, i, START + random_next(&x) % 1000, i);
		for (uint32_t i = 0; i < n; i++)
			if (random_next(&x) % 4 == 0)
				take_out(b, i);
		sound(&b->run);
		rota__run_sort(&b->run);
		sound(&b->run);
		for (uint32_t i = 0; i < n; i++)
			if (b->in[i] && random_next(&x) % 4 == 0)
				take_out(b, i);
		sound(&b->run);
		leave_in_order(b, n);
	}
}

static void
a_full_run_says_so(void **state)
{
	struct bench *b = *state;

	run_open(&b->run, START, 0);
	for (uint32_t i = 0; i < RUN_MOST; i++)
		add(b, i, START + RUN_MOST - i, i);
	b->item[RUN_MOST] = 4711;
	assert_false(run_add(&b->run, &b->item[RUN_MOST], START, 0));
	assert_int_equal(b->item[RUN_MOST], 4711);
	sound(&b->run);
	rota__run_sort(&b->run);
	sound(&b->run);
	leave_in_order(b, RUN_MOST);
}

static void
a_visit_meets_each_item_once_sorted_or_not(void **state)
{
	struct bench *b = *state;

	for (int sorted = 0; sorted < 2; sorted++) {
		uint32_t cursor = 0, met = 0, n = RUN_MOST, *item;

		run_open(&b->run, START, 0);
		for (uint32_t i = 0; i < n; i++)
			add(b, i, START + i * 31 % 97, i);
		if (sorted)
			rota__run_sort(&b->run);
		take_out(b, 1);
		if (sorted) /* some have left from the front */
			take_out(
			    b, (uint32_t)(run_first(&b->run)->item - b->item));
		while ((item = run_visit(&b->run, &cursor))) {
			uint32_t i = (uint32_t)(item - b->item);

			assert_true(b->in[i]);
			take_out(b, i); /* without further ado */
			met++;
		}
		assert_int_equal(met, n - 1 - (uint32_t)sorted);
		assert_int_equal(b->run.live, 0);
		sound(&b->run);
	}
}

static void
check_finds_what_is_broken(void **state)
{
	struct bench *b = *state;

	run_open(&b->run, START, 0);
	for (uint32_t i = 0; i < 3; i++)
		add(b, i, START + i, i);
	rota__run_sort(&b->run);
	b->item[1]++;
	assert_int_not_equal(rota__run_check(&b->run), 0);
	b->item[1]--;
	b->run.live++;
	assert_int_not_equal(rota__run_check(&b->run), 0);
	b->run.live--;
	sound(&b->run);
	b->run.entry[2].key = 0;
	assert_int_not_equal(rota__run_check(&b->run), 0);
	b->run.end = RUN_MOST + 1;
	assert_int_not_equal(rota__run_check(&b->run), 0);
}

/* Of as many as there may be, in no order: spread over the tick they are dealt,
 * and are then nearly in order; those of one instant are merged. In entries
 * moved for each: a sort by insertion alone moves a quarter of all. */
static void
sorting_moves_each_a_few_times(void **state)
{
	static const struct {
		uint64_t spread;
		uint32_t n, most;
	} rows[] = {
		{ (uint64_t)1 << RUN_BITS, 256, 4 },
		{ (uint64_t)1 << RUN_BITS, 1024, 5 },
		{ (uint64_t)1 << RUN_BITS, RUN_MOST, 9 },
		{ 1, 1024, 16 },
		{ 1, RUN_MOST, 24 },
	};
	struct bench *b = *state;
	uint64_t x = 1299709;

	for (unsigned k = 0; k < CM_COUNT(rows); k++) {
		uint32_t n = rows[k].n < RUN_MOST ? rows[k].n : RUN_MOST;

		run_open(&b->run, START, 0);
		for (uint32_t i = 0; i < n; i++)
			add(b, i, START + random_next(&x) % rows[k].spread,
			    (uint32_t)(random_next(&x) % 100000));
		moved = 0;
		rota__run_sort(&b->run);
		assert_in_range(moved, 0, n * rows[k].most);
		while (run_first(&b->run))
			run_take(&b->run, run_first(&b->run));
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(an_empty_one_has_no_first),
		TEST(until_it_is_sorted_it_has_no_first),
		TEST(what_is_nearly_in_order_is_put_in_order),
		TEST(what_was_collected_leaves_in_order),
		TEST(sorting_moves_each_a_few_times),
		TEST(the_edges_of_the_tick_are_part_of_it),
		TEST(ranks_go_on_where_they_wrap),
		TEST(what_is_taken_out_before_or_after_sorting_is_gone),
		TEST(a_full_run_says_so),
		TEST(a_visit_meets_each_item_once_sorted_or_not),
		TEST(check_finds_what_is_broken),
	};

	return cmocka_run_group_tests_name("run", tests, NULL, NULL);
}
