/* SPDX-License-Identifier: MIT
 *
 * heap_test.c - heap/heap.c alone: one thread, no clock.
 * Claims: pops never decrease; equal deadlines leave in the order of their
 * ranks, also where ranks wrap; removing and moving keep the index true;
 * ids are used again; growing moves nothing, and may be refused at any call;
 * four children share a line; what was in the bag first leaves it before what
 * came since; rota__heap_check() finds what is broken.
 */
#include "heap/heap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/cm.h"
#include "tests/support/mem.h"
#include "tests/support/world.h"

enum { MOST = 40000 };

struct bench {
	struct heap heap;
	struct mem mem;
	struct rota_mem from;
	uint32_t item[MOST]; /* an item is its place */
};

static int
setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	b->from = mem_backend(&b->mem);
	assert_int_equal(rota__heap_init(&b->heap, MOST, &b->from), 0);
	*state = b;
	return 0;
}

static int
teardown(void **state)
{
	struct bench *b = *state;

	rota__heap_destroy(&b->heap, &b->from);
	assert_int_equal(b->mem.blocks, 0);
	assert_int_equal(b->mem.wrong, 0);
	free(b);
	return 0;
}

static void
sound(const struct heap *h)
{
	assert_int_equal(rota__heap_check(h), 0);
}

static void
add(struct bench *b, uint32_t i, uint64_t when, uint32_t seq)
{
	assert_int_equal(
	    rota__heap_grow(&b->heap, b->heap.len + 1, &b->from), 0);
	heap_insert(&b->heap, &b->item[i], when, seq);
}

static uint32_t
pop(struct bench *b)
{
	return (uint32_t)(heap_take(&b->heap, 0) - b->item);
}

static void
pops_never_decrease(void **state)
{
	struct bench *b = *state;
	uint64_t x = 88172645463325252u, last;

	for (unsigned spread = 1; spread < 64; spread += 9) {
		for (uint32_t i = 0; i < 3000; i++)
			add(b, i, random_next(&x) >> spread, i);
		sound(&b->heap);
		last = 0;
		while (b->heap.len) {
			uint64_t when = heap_first(&b->heap)->when;

			assert_true(when >= last);
			last = when;
			pop(b);
		}
		sound(&b->heap);
	}
}

static void
equal_deadlines_pop_in_rank_order_whatever_the_order_they_came_in(void **state)
{
	struct bench *b = *state;
	uint64_t x = 2463534242u;

	for (int round = 0; round < 200; round++) {
		uint32_t rank[50];

		for (uint32_t i = 0; i < 50; i++)
			rank[i] = i;
		for (uint32_t i = 49; i > 0; i--) {
			uint32_t k = (uint32_t)(random_next(&x) % (i + 1));
			uint32_t was = rank[i];

			rank[i] = rank[k];
			rank[k] = was;
		}
		for (uint32_t i = 0; i < 50; i++)
			add(b, rank[i], 100, rank[i]);
		for (uint32_t i = 0; i < 50; i++)
			assert_int_equal(pop(b), i);
	}
}

static void
ranks_go_on_where_32_bits_wrap(void **state)
{
	struct bench *b = *state;

	for (uint32_t i = 0; i < 64; i++)
		add(b, i, 7, UINT32_MAX - 31 + i);
	for (uint32_t i = 0; i < 64; i++)
		assert_int_equal(pop(b), i);
}

static void
the_extremes_of_time_sort_too(void **state)
{
	struct bench *b = *state;

	add(b, 0, UINT64_MAX, 0);
	add(b, 1, 0, 1);
	add(b, 2, UINT64_MAX - 1, 2);
	add(b, 3, 1, 3);
	assert_int_equal(pop(b), 1);
	assert_int_equal(pop(b), 3);
	assert_int_equal(pop(b), 2);
	assert_int_equal(pop(b), 0);
}

/* Every heap of up to 6 out of 3 different keys, each place removed. */
static void
removal_anywhere_leaves_a_heap_exhaustively(void **state)
{
	struct bench *b = *state;

	for (uint32_t n = 1; n <= 6; n++) {
		uint32_t shapes = 1;

		for (uint32_t i = 0; i < n; i++)
			shapes *= 3;
		for (uint32_t shape = 0; shape < shapes; shape++) {
			for (uint32_t gone = 0; gone < n; gone++) {
				uint64_t last = 0;
				uint32_t s = shape;

				for (uint32_t i = 0; i < n; i++, s /= 3)
					add(b, i, s % 3, i);
				heap_remove(&b->heap, &b->item[gone]);
				sound(&b->heap);
				for (uint32_t i = 1; i < n; i++) {
					uint64_t when =
					    heap_first(&b->heap)->when;

					assert_true(when >= last);
					last = when;
					assert_int_not_equal(pop(b), gone);
				}
				assert_int_equal(b->heap.len, 0);
			}
		}
	}
}

static void
removal_from_the_middle_keeps_the_index_true(void **state)
{
	struct bench *b = *state;
	uint64_t x = 123456789;
	bool in[2000];

	for (uint32_t i = 0; i < 2000; i++) {
		add(b, i, random_next(&x) % 500, i);
		in[i] = true;
	}
	for (uint32_t gone = 0; gone < 1000;) {
		uint32_t i = (uint32_t)(random_next(&x) % 2000);

		if (!in[i])
			continue;
		in[i] = false;
		gone++;
		heap_remove(&b->heap, &b->item[i]);
		if (gone % 50 == 0)
			sound(&b->heap);
		for (uint32_t k = 0; k < 20; k++)
			if (in[k])
				assert_ptr_equal(
				    *heap_item(&b->heap,
					heap_at(&b->heap,
					    heap_index(&b->heap, &b->item[k]))
					    ->id),
				    &b->item[k]);
	}
	while (b->heap.len) {
		uint32_t i = pop(b);

		assert_true(in[i]);
		in[i] = false;
	}
}

static void
a_move_goes_either_way(void **state)
{
	struct bench *b = *state;
	uint64_t x = 42, when[300], last = 0;

	for (uint32_t i = 0; i < 300; i++)
		add(b, i, when[i] = random_next(&x) % 1000, i);
	for (uint32_t n = 0; n < 5000; n++) {
		uint32_t i = (uint32_t)(random_next(&x) % 300);

		when[i] = random_next(&x) % 1000;
		heap_rekey(&b->heap, heap_index(&b->heap, &b->item[i]), when[i],
		    300 + n);
		if (n % 250 == 0)
			sound(&b->heap);
	}
	sound(&b->heap);
	while (b->heap.len) {
		uint64_t first = heap_first(&b->heap)->when;

		assert_true(first >= last);
		last = first;
		assert_int_equal(when[pop(b)], first);
	}
}

static void
a_move_to_an_equal_deadline_ranks_anew(void **state)
{
	struct bench *b = *state;

	for (uint32_t i = 0; i < 5; i++)
		add(b, i, 100, i);
	heap_rekey(&b->heap, heap_index(&b->heap, &b->item[0]), 100, 5);
	heap_rekey(&b->heap, heap_index(&b->heap, &b->item[3]), 100, 6);
	assert_int_equal(pop(b), 1);
	assert_int_equal(pop(b), 2);
	assert_int_equal(pop(b), 4);
	assert_int_equal(pop(b), 0);
	assert_int_equal(pop(b), 3);
}

static void
ids_are_used_again(void **state)
{
	struct bench *b = *state;

	for (uint32_t n = 0; n < 100; n++) {
		for (uint32_t i = 0; i < 10; i++)
			add(b, i, i * n % 7, n);
		for (uint32_t i = 0; i < 10; i++)
			heap_remove(&b->heap, &b->item[(i * 3 + n) % 10]);
	}
	assert_int_equal(b->heap.fresh_id, 10);
	sound(&b->heap);
}

static void
four_children_share_one_line(void **state)
{
	struct bench *b = *state;

	assert_int_equal(rota__heap_grow(&b->heap, MOST, &b->from), 0);
	for (uint32_t i = 0; 4 * i + 4 < MOST; i++) {
		uintptr_t first = (uintptr_t)heap_at(&b->heap, 4 * i + 1);
		uintptr_t last = (uintptr_t)heap_at(&b->heap, 4 * i + 4);

		assert_int_equal(first % ROTA_LINE, 0);
		assert_int_equal(last - first, 3 * sizeof(struct heap_entry));
	}
}

static void
growing_moves_nothing(void **state)
{
	struct bench *b = *state;
	const struct heap_entry *at;

	add(b, 0, 1, 0);
	at = heap_first(&b->heap);
	for (uint32_t i = 1; i < MOST; i++)
		add(b, i, 1 + i, i);
	assert_ptr_equal(heap_first(&b->heap), at);
	assert_true(b->heap.blocks > 1);
	sound(&b->heap);
}

static void
there_is_room_for_the_maximum_and_no_more(void **state)
{
	struct bench *b = *state;
	uint64_t all;

	assert_int_equal(rota__heap_grow(&b->heap, MOST, &b->from), 0);
	all = (uint64_t)b->heap.max_blocks << HEAP_BLOCK_BITS;
	assert_true(all >= MOST + HEAP_PAD);
	assert_int_equal(rota__heap_grow(&b->heap, all, &b->from), -ENOMEM);
	assert_int_equal(rota__heap_grow(&b->heap, MOST, &b->from), 0);
	for (uint32_t i = 0; i < MOST; i++)
		heap_insert(&b->heap, &b->item[i], MOST - i, i);
	sound(&b->heap);
	assert_int_equal(pop(b), MOST - 1);
}

static void
a_heap_survives_refused_memory_at_every_call(void **state)
{
	struct bench *b = *state;
	struct mem m = { 0 };
	struct rota_mem from = mem_backend(&m);
	uint64_t n;

	for (n = 1;; n++) {
		struct heap h;
		int r;

		mem_fail(&m, n);
		r = rota__heap_init(&h, MOST, &from);
		if (!r) {
			uint32_t room;

			r = rota__heap_grow(&h, 2 * HEAP_BLOCK, &from);
			room = h.blocks
			    ? (h.blocks << HEAP_BLOCK_BITS) - HEAP_PAD
			    : 0;
			for (uint32_t i = 0; i < room && i < MOST; i++)
				heap_insert(&h, &b->item[i], MOST - i, i);
			assert_int_equal(rota__heap_check(&h), 0);
		}
		rota__heap_destroy(&h, &from);
		assert_int_equal(m.blocks, 0);
		if (!mem_failed(&m)) {
			assert_int_equal(r, 0);
			break;
		}
		assert_int_equal(r, -ENOMEM);
	}
	assert_int_equal(n, 1 + 3 + 1); /* table, three blocks, success */
}

static void
a_visit_meets_each_item_once(void **state)
{
	struct bench *b = *state;
	uint8_t met[1000] = { 0 };
	uint32_t cursor = 0, *item;

	for (uint32_t i = 0; i < 1000; i++)
		add(b, i, i * 7919 % 1000, i);
	while ((item = heap_visit(&b->heap, &cursor)))
		met[item - b->item]++;
	for (uint32_t i = 0; i < 1000; i++)
		assert_int_equal(met[i], 1);
	assert_null(heap_visit(&b->heap, &cursor));
}

/* One that takes a gap may rise above the cursor and be missed. */
static void
what_a_removing_visit_misses_the_next_one_meets(void **state)
{
	struct bench *b = *state;
	uint32_t cursor, *item, left = 0;
	unsigned removed = 0, walks = 0, before;

	for (uint32_t i = 0; i < 1000; i++)
		add(b, i, i * 7919 % 1000, i);
	do {
		before = removed;
		for (cursor = 0; (item = heap_visit(&b->heap, &cursor));) {
			if ((item - b->item) % 3)
				continue;
			cursor--;
			heap_remove(&b->heap, item);
			removed++;
		}
		sound(&b->heap);
		if (walks++ == 0)
			assert_true(removed > 300); /* of 334 */
	} while (removed > before);
	assert_int_equal(removed, 334);
	assert_true(walks <= 4);
	for (cursor = 0; (item = heap_visit(&b->heap, &cursor)); left++)
		assert_true((item - b->item) % 3);
	assert_int_equal(left, 666);
}

static void
a_visit_that_removes_all_meets_all(void **state)
{
	struct bench *b = *state;
	uint32_t cursor = 0, *item, met = 0;

	for (uint32_t i = 0; i < 1000; i++)
		add(b, i, i * 7919 % 1000, i);
	for (; (item = heap_visit(&b->heap, &cursor)); met++) {
		cursor--;
		heap_remove(&b->heap, item);
	}
	assert_int_equal(met, 1000);
	assert_int_equal(b->heap.len, 0);
	sound(&b->heap);
}

/* A list that is sorted anew for each question. */
static void
it_agrees_with_a_sorted_list(void **state)
{
	struct bench *b = *state;
	enum { ITEMS = 60 };
	uint64_t x = 777, when[ITEMS];
	uint32_t seq[ITEMS], next = UINT32_MAX - 2000;
	bool in[ITEMS] = { false };

	for (uint32_t n = 0; n < 40000; n++) {
		uint32_t i = (uint32_t)(random_next(&x) % ITEMS), first;
		uint64_t d = random_next(&x) % 50;

		if (!in[i]) {
			add(b, i, when[i] = d, seq[i] = next++);
			in[i] = true;
		} else if (random_next(&x) % 2) {
			heap_rekey(&b->heap, heap_index(&b->heap, &b->item[i]),
			    when[i] = d, seq[i] = next++);
		} else {
			heap_remove(&b->heap, &b->item[i]);
			in[i] = false;
		}
		first = ITEMS;
		for (uint32_t k = 0; k < ITEMS; k++)
			if (in[k] &&
			    (first == ITEMS || when[k] < when[first] ||
				(when[k] == when[first] &&
				    (int32_t)(seq[k] - seq[first]) < 0)))
				first = k;
		if (first == ITEMS)
			assert_int_equal(b->heap.len, 0);
		else
			assert_ptr_equal(
			    *heap_item(&b->heap, heap_first(&b->heap)->id),
			    &b->item[first]);
	}
	sound(&b->heap);
}

static void
check_finds_an_entry_before_its_parent(void **state)
{
	struct bench *b = *state;

	for (uint32_t i = 0; i < 40; i++)
		add(b, i, 100 + i, i);
	sound(&b->heap);
	heap_at(&b->heap, 23)->when = 1;
	assert_int_not_equal(rota__heap_check(&b->heap), 0);
}

static void
check_finds_a_broken_index(void **state)
{
	struct bench *b = *state;

	for (uint32_t i = 0; i < 40; i++)
		add(b, i, 100 + i, i);
	++*heap_where(&b->heap, 7);
	assert_int_not_equal(rota__heap_check(&b->heap), 0);
	--*heap_where(&b->heap, 7);
	sound(&b->heap);
	b->item[7]++;
	assert_int_not_equal(rota__heap_check(&b->heap), 0);
	b->item[7]--;
	heap_remove(&b->heap, &b->item[9]);
	sound(&b->heap);
	b->heap.free_id = HEAP_NONE; /* an id is lost */
	assert_int_not_equal(rota__heap_check(&b->heap), 0);
	b->heap.free_id = 11; /* one in use is given away */
	assert_int_not_equal(rota__heap_check(&b->heap), 0);
	b->heap.free_id = 9;
	sound(&b->heap);
	*heap_where(&b->heap, 9) = 9; /* a list without an end */
	assert_int_not_equal(rota__heap_check(&b->heap), 0);
	*heap_where(&b->heap, 9) = HEAP_NONE;
	b->heap.len += b->heap.blocks << HEAP_BLOCK_BITS; /* no room for it */
	assert_int_not_equal(rota__heap_check(&b->heap), 0);
	b->heap.len -= b->heap.blocks << HEAP_BLOCK_BITS;
	sound(&b->heap);
}

/* What heap_due() finds, some keys of that raised, settled: a heap again, with
 * the same entries; of equal keys too, where ranks decide. */
static void
what_was_raised_together_settles(void **state)
{
	struct bench *b = *state;
	struct heap *h = &b->heap;
	uint64_t x = 99194853094755497u;
	uint32_t at[HEAP_MANY], some[HEAP_MANY], rank = 0;
	unsigned many = 0;

	for (uint32_t i = 0; i < 3000; i++)
		add(b, i, random_next(&x) % 4000, rank++);
	for (uint64_t now = 0; now < 4000; now += 1 + random_next(&x) % 9) {
		uint32_t n = heap_due(h, now, at), raised = 0;

		assert_int_equal(n == 0, heap_first(h)->when > now);
		for (uint32_t i = 0; i < n; i++) {
			struct heap_entry *e = heap_at(h, at[i]);

			assert_true(e->when <= now);
			assert_true(i == 0 || at[i] > at[i - 1]);
			if (random_next(&x) % 4 == 0)
				continue;
			e->when = now + 1 + random_next(&x) % 50;
			e->seq = rank++;
			some[raised++] = at[i];
		}
		heap_settle(h, some, raised);
		sound(h);
		assert_int_equal(h->len, 3000);
		many += raised > 30;
		/* what was left is first */
		if (n > raised && n < HEAP_MANY)
			assert_true(heap_first(h)->when <= now);
	}
	assert_true(many > 20);
	heap_settle(h, some, 0);
	sound(h);
}

/* In a full heap the children of the last are beyond its memory; the address
 * sanitizer sees who asks for them. */
static void
settling_a_full_heap_asks_for_nothing_beyond_it(void **state)
{
	struct bench *b = *state;
	struct heap *h = &b->heap;
	uint32_t at[HEAP_MANY], n;

	rota__heap_destroy(h, &b->from);
	assert_int_equal(
	    rota__heap_init(h, HEAP_BLOCK - HEAP_PAD, &b->from), 0);
	for (uint32_t i = 0; i < HEAP_BLOCK - HEAP_PAD; i++)
		add(b, i, i, i);
	n = heap_due(h, 1000, at);
	assert_int_equal(n, HEAP_MANY < h->len ? HEAP_MANY : h->len);
	for (uint32_t i = 0; i < n; i++)
		heap_at(h, at[i])->when += 1000000;
	heap_settle(h, at, n);
	sound(h);
}

/* Whoever comes into the bag while the old ones leave waits for all of them. */
static void
the_old_ones_leave_the_bag_first(void **state)
{
	enum { OLD = 7, ROUNDS = 5 };
	struct bench *b = *state;
	struct heap *h = &b->heap;
	uint32_t came = OLD;

	assert_int_equal(rota__heap_grow(h, 2 * OLD, &b->from), 0);
	assert_null(heap_unbag(h));
	for (uint32_t i = 0; i < OLD; i++)
		heap_bag(h, &b->item[i]);
	for (uint32_t round = 0; round < ROUNDS; round++) {
		uint32_t first = round * OLD;

		for (uint32_t n = 0; n < OLD; n++) {
			uint32_t i = (uint32_t)(heap_unbag(h) - b->item);

			assert_in_range(i, first, first + OLD - 1);
			heap_bag(h, &b->item[came++]);
			sound(h);
		}
	}
	while (heap_unbag(h))
		;
	sound(h);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(pops_never_decrease),
		TEST(
		    equal_deadlines_pop_in_rank_order_whatever_the_order_they_came_in),
		TEST(ranks_go_on_where_32_bits_wrap),
		TEST(the_extremes_of_time_sort_too),
		TEST(removal_anywhere_leaves_a_heap_exhaustively),
		TEST(removal_from_the_middle_keeps_the_index_true),
		TEST(a_move_goes_either_way),
		TEST(a_move_to_an_equal_deadline_ranks_anew),
		TEST(what_was_raised_together_settles),
		TEST(settling_a_full_heap_asks_for_nothing_beyond_it),
		TEST(ids_are_used_again),
		TEST(four_children_share_one_line),
		TEST(growing_moves_nothing),
		TEST(there_is_room_for_the_maximum_and_no_more),
		TEST(a_heap_survives_refused_memory_at_every_call),
		TEST(a_visit_meets_each_item_once),
		TEST(what_a_removing_visit_misses_the_next_one_meets),
		TEST(a_visit_that_removes_all_meets_all),
		TEST(it_agrees_with_a_sorted_list),
		TEST(the_old_ones_leave_the_bag_first),
		TEST(check_finds_an_entry_before_its_parent),
		TEST(check_finds_a_broken_index),
	};

	return cmocka_run_group_tests_name("heap", tests, NULL, NULL);
}
