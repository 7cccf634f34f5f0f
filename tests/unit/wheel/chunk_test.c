/* SPDX-License-Identifier: MIT
 *
 * chunk_test.c - the chunks of wheel/wheel.h: its memory, removing, visiting.
 * Claims: all chunks of a slot but its head are full, so that they stay
 * bounded under any churn; removing anything anywhere keeps every place true;
 * a visit may remove what it meets; growing may be refused at any call and
 * moves nothing; the search for high chunks goes on from a slot whose chunk
 * went meanwhile; rota__wheel_check() finds what is broken.
 */
#include "wheel/wheel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/cm.h"
#include "tests/support/mem.h"
#include "tests/support/world.h"

enum { MOST = 4096 };

struct bench {
	struct wheel wheel;
	struct mem mem;
	struct rota_mem from;
	uint32_t item[MOST];
	bool in[MOST];
};

static int
setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	b->from = mem_backend(&b->mem);
	assert_int_equal(rota__wheel_init(&b->wheel, MOST, 0, &b->from), 0);
	assert_int_equal(rota__wheel_grow(&b->wheel, MOST, &b->from), 0);
	*state = b;
	return 0;
}

static int
teardown(void **state)
{
	struct bench *b = *state;

	rota__wheel_destroy(&b->wheel, &b->from);
	assert_int_equal(b->mem.blocks, 0);
	assert_int_equal(b->mem.wrong, 0);
	free(b);
	return 0;
}

static uint32_t *
pull(struct wheel *w, uint64_t tick)
{
	return wheel_begin(w, tick) ? wheel_take(w) : NULL;
}

static void
sound(const struct wheel *w)
{
	assert_int_equal(rota__wheel_check(w), 0);
}

static void
add(struct bench *b, uint32_t i, uint64_t tick)
{
	wheel_insert(&b->wheel, &b->item[i], tick);
	b->in[i] = true;
}

static void
take(struct bench *b, uint32_t i)
{
	wheel_remove(&b->wheel, &b->item[i]);
	b->in[i] = false;
}

static uint32_t
chunks_in_use(const struct wheel *w)
{
	uint32_t n = w->fresh_chunk;

	for (uint32_t c = w->free_chunk; c != WHEEL_NONE;
	     c = wheel_chunk(w, c)->next)
		n--;
	return n;
}

static void
all_chunks_of_a_slot_but_its_head_are_full(void **state)
{
	struct bench *b = *state;

	for (uint32_t n = 1; n <= 5 * WHEEL_CHUNK; n++) {
		add(b, n - 1, 1);
		assert_int_equal(chunks_in_use(&b->wheel),
		    (n + WHEEL_CHUNK - 1) / WHEEL_CHUNK);
		sound(&b->wheel);
	}
	for (uint32_t n = 5 * WHEEL_CHUNK; n-- > 0;) {
		take(b, n * 7 % (5 * WHEEL_CHUNK)); /* 7 divides it not */
		assert_int_equal(chunks_in_use(&b->wheel),
		    (n + WHEEL_CHUNK - 1) / WHEEL_CHUNK);
		sound(&b->wheel);
	}
	assert_true(b->wheel.next_expiry == WHEEL_END);
}

/* Four items in a slot, taken out in all 24 orders. */
static void
items_leave_a_slot_in_any_order(void **state)
{
	struct bench *b = *state;

	for (unsigned order = 0; order < 256; order++) {
		for (uint32_t i = 0; i < 4; i++)
			add(b, i, 2);
		for (unsigned k = 0; k < 4; k++) {
			uint32_t i = order >> 2 * k & 3;

			if (b->in[i])
				take(b, i);
			sound(&b->wheel);
		}
		for (uint32_t i = 0; i < 4; i++)
			if (b->in[i])
				take(b, i);
		assert_int_equal(b->wheel.len, 0);
		assert_true(b->wheel.next_expiry == WHEEL_END);
		sound(&b->wheel);
	}
}

static void
churn_needs_no_more_chunks_than_the_worst_spread(void **state)
{
	struct bench *b = *state;
	enum { ITEMS = 500 };
	uint64_t x = 271828;
	uint32_t slots = WHEEL_LEVELS * WHEEL_RING;
	uint32_t most = ITEMS / WHEEL_CHUNK + (ITEMS < slots ? ITEMS : slots);

	for (uint32_t i = 0; i < ITEMS; i++)
		add(b, i, random_next(&x) >> (24 + random_next(&x) % 40));
	for (uint32_t n = 0; n < 200000; n++) {
		uint32_t i = (uint32_t)(random_next(&x) % ITEMS);

		take(b, i);
		add(b, i, random_next(&x) >> (24 + random_next(&x) % 40));
	}
	assert_true(b->wheel.fresh_chunk <= most);
	sound(&b->wheel);
}

static void
removal_keeps_every_place_true(void **state)
{
	struct bench *b = *state;
	uint64_t x = 1234567;

	for (uint32_t n = 0; n < 30000; n++) {
		uint32_t i = (uint32_t)(random_next(&x) % 400);

		if (b->in[i])
			take(b, i);
		else
			add(b, i, random_next(&x) % 40);
		if (n % 64)
			continue;
		sound(&b->wheel);
		for (i = 0; i < 400; i++)
			if (b->in[i])
				assert_ptr_equal(
				    wheel_pointers(&b->wheel,
					b->item[i] >>
					    WHEEL_CHUNK_BITS)[b->item[i] &
					(WHEEL_CHUNK - 1)],
				    &b->item[i]);
	}
}

static void
the_rest_of_a_slot_can_be_removed_while_it_is_drained(void **state)
{
	struct bench *b = *state;
	uint32_t n = 3 * WHEEL_CHUNK;

	for (uint32_t left = 0; left < n; left++) {
		uint64_t tick = left * WHEEL_SPAN + 2; /* on level 0 */

		assert_null(pull(&b->wheel, tick - 2));
		for (uint32_t i = 0; i < n; i++)
			add(b, i, tick);
		add(b, n, tick + 1);
		for (uint32_t i = n; i > left; i--)
			b->in[pull(&b->wheel, tick) - b->item] = false;
		for (uint32_t i = 0; i < n; i++)
			if (b->in[i])
				take(b, i);
		sound(&b->wheel);
		assert_null(pull(&b->wheel, tick));
		assert_true(b->wheel.next_expiry == tick + 1);
		take(b, n);
		assert_true(b->wheel.next_expiry == WHEEL_END);
		sound(&b->wheel);
	}
}

static void
what_is_filed_in_the_slot_being_drained_comes_up_in_it(void **state)
{
	struct bench *b = *state;
	uint32_t n = 0;

	for (uint32_t i = 0; i < 10; i++)
		add(b, i, 9);
	assert_non_null(pull(&b->wheel, 9));
	for (uint32_t i = 10; i < 20; i++)
		add(b, i, b->wheel.pos);
	while (b->wheel.pos < 9 || b->wheel.draining != WHEEL_NONE ||
	    b->wheel.next_expiry <= 9) {
		uint32_t *item = pull(&b->wheel, 9);

		if (!item)
			break;
		n++;
	}
	assert_true(n >= 10);
	assert_null(pull(&b->wheel, 9));
	assert_int_equal(b->wheel.len, 0);
	sound(&b->wheel);
}

static void
a_visit_meets_each_item_once(void **state)
{
	struct bench *b = *state;
	uint8_t met[1000] = { 0 };
	uint64_t x = 9;
	uint32_t cursor = 0, *item;

	for (uint32_t i = 0; i < 1000; i++)
		add(b, i, random_next(&x) >> (24 + random_next(&x) % 40));
	for (uint32_t i = 0; i < 1000; i += 4)
		take(b, i); /* leave free and half empty chunks behind */
	while ((item = rota__wheel_visit(&b->wheel, &cursor)))
		met[item - b->item]++;
	for (uint32_t i = 0; i < 1000; i++)
		assert_int_equal(met[i], b->in[i]);
	assert_null(rota__wheel_visit(&b->wheel, &cursor));
}

static void
a_visit_may_remove_all_that_it_meets(void **state)
{
	struct bench *b = *state;
	uint32_t cursor = 0, *item, met = 0;

	for (uint32_t i = 0; i < 1000; i++)
		add(b, i, i % 37 * 11);
	while ((item = rota__wheel_visit(&b->wheel, &cursor))) {
		cursor--;
		wheel_remove(&b->wheel, item);
		met++;
	}
	assert_int_equal(met, 1000);
	assert_int_equal(b->wheel.len, 0);
	assert_true(b->wheel.next_expiry == WHEEL_END);
	sound(&b->wheel);
}

static void
a_visit_that_removes_every_third_meets_all_of_those(void **state)
{
	struct bench *b = *state;
	uint32_t cursor = 0, *item;

	for (uint32_t i = 0; i < 1000; i++)
		add(b, i, i * 7919 % 1000);
	while ((item = rota__wheel_visit(&b->wheel, &cursor))) {
		if ((item - b->item) % 3)
			continue;
		cursor--;
		wheel_remove(&b->wheel, item);
		b->in[item - b->item] = false;
	}
	for (uint32_t i = 0; i < 1000; i++)
		assert_int_equal(b->in[i], i % 3 != 0);
	sound(&b->wheel);
}

static void
there_is_room_for_the_maximum_in_the_worst_spread(void **state)
{
	struct bench *b = *state;
	uint32_t i = 0;

	/* one in each slot that can be reached, the rest in one slot */
	for (unsigned level = 0; level < WHEEL_LEVELS && i < MOST; level++)
		for (uint64_t digit = 1; digit < WHEEL_SPAN && i < MOST;
		     digit++)
			add(b, i++, digit << level * WHEEL_BITS);
	for (; i < MOST; i++)
		add(b, i, 1);
	sound(&b->wheel);
	assert_int_equal(b->wheel.len, MOST);
}

static void
growing_moves_nothing_and_has_its_limit(void **state)
{
	struct bench *b = *state;
	struct wheel w;
	uint32_t **at;

	assert_int_equal(rota__wheel_init(&w, MOST, 0, &b->from), 0);
	assert_int_equal(rota__wheel_grow(&w, 1, &b->from), 0);
	wheel_insert(&w, &b->item[0], 5);
	at = wheel_pointers(&w, b->item[0] >> WHEEL_CHUNK_BITS);
	assert_int_equal(rota__wheel_grow(&w, MOST, &b->from), 0);
	assert_ptr_equal(
	    wheel_pointers(&w, b->item[0] >> WHEEL_CHUNK_BITS), at);
	assert_int_equal(rota__wheel_grow(&w, 100 * MOST, &b->from), -ENOMEM);
	assert_int_equal(rota__wheel_check(&w), 0);
	wheel_remove(&w, &b->item[0]);
	rota__wheel_destroy(&w, &b->from);
}

static void
a_wheel_survives_refused_memory_at_every_call(void **state)
{
	struct bench *b = *state;
	struct mem m = { 0 };
	struct rota_mem from = mem_backend(&m);
	uint64_t n;

	for (n = 1;; n++) {
		struct wheel w;
		int r;

		mem_fail(&m, n);
		r = rota__wheel_init(&w, MOST, 0, &from);
		if (!r) {
			r = rota__wheel_grow(&w, MOST, &from);
			/* what it has serves */
			for (uint32_t i = 0; i < w.slabs * WHEEL_SLAB; i++)
				wheel_insert(&w, &b->item[i], 1);
			assert_int_equal(rota__wheel_check(&w), 0);
		}
		rota__wheel_destroy(&w, &from);
		assert_int_equal(m.blocks, 0);
		if (!mem_failed(&m)) {
			assert_int_equal(r, 0);
			break;
		}
		assert_int_equal(r, -ENOMEM);
	}
	assert_true(n > 3);
}

static void
check_finds_a_bit_that_is_wrong(void **state)
{
	struct bench *b = *state;

	add(b, 0, 3);
	sound(&b->wheel);
	b->wheel.used[0][0] ^= 1 << 3;
	assert_int_not_equal(rota__wheel_check(&b->wheel), 0);
	b->wheel.used[0][0] ^= 1 << 3;
	b->wheel.used[WHEEL_LEVELS - 1][0] ^= 1 << 2;
	assert_int_not_equal(rota__wheel_check(&b->wheel), 0);
}

static void
check_finds_a_place_a_count_and_an_event_that_are_wrong(void **state)
{
	struct bench *b = *state;

	for (uint32_t i = 0; i < 20; i++)
		add(b, i, 3 + i % 2);
	b->item[4]++;
	assert_int_not_equal(rota__wheel_check(&b->wheel), 0);
	b->item[4]--;
	sound(&b->wheel);
	b->wheel.len++;
	assert_int_not_equal(rota__wheel_check(&b->wheel), 0);
	b->wheel.len--;
	sound(&b->wheel);
	b->wheel.next_expiry++;
	assert_int_not_equal(rota__wheel_check(&b->wheel), 0);
	b->wheel.next_expiry--;
	sound(&b->wheel);
	b->wheel.slot[3].place++;
	assert_int_not_equal(rota__wheel_check(&b->wheel), 0);
	b->wheel.slot[3].place--;
	b->wheel.slot[3].fill--;
	assert_int_not_equal(rota__wheel_check(&b->wheel), 0);
	b->wheel.slot[3].fill++;
	sound(&b->wheel);
	wheel_chunk(&b->wheel, wheel_head(&b->wheel.slot[3]))->start++;
	assert_int_not_equal(rota__wheel_check(&b->wheel), 0);
	wheel_chunk(&b->wheel, wheel_head(&b->wheel.slot[3]))->start--;
	sound(&b->wheel);
	b->wheel.pos = 4; /* items of tick 3 are behind it */
	assert_int_not_equal(rota__wheel_check(&b->wheel), 0);
	b->wheel.pos = 0;
	for (uint32_t i = 0; i < 20; i++)
		take(b, i);
	sound(&b->wheel);
	/* a list of free chunks without an end */
	wheel_chunk(&b->wheel, b->wheel.free_chunk)->next = b->wheel.free_chunk;
	assert_int_not_equal(rota__wheel_check(&b->wheel), 0);
}

/* The search stands behind the only chunk of a slot, and that one's item
 * leaves: what is behind the chunk then is the list of the free ones. */
static void
the_search_for_high_chunks_outlives_the_chunk_it_stands_at(void **state)
{
	enum { SPAN = WHEEL_SPAN - 1, ALL = WHEEL_SLAB + 4, HIGH = ALL - 2 };
	struct bench *b = *state;
	struct wheel *w = &b->wheel;
	struct lower l;
	uint64_t left;
	unsigned slices = 0;

	for (uint32_t i = 0; i < ALL; i++) /* each in a slot of its own */
		add(b, i, (uint64_t)(1 + i % SPAN) << i / SPAN * WHEEL_BITS);
	for (uint32_t i = 0; i < ALL; i++) {
		assert_int_equal(b->item[i] >> WHEEL_CHUNK_BITS, i);
		if (i != 0 && i != HIGH)
			take(b, i);
	}
	rota__wheel_lower_begin(w, 2, &l);
	assert_int_equal(l.limit, WHEEL_SLAB);
	do { /* one look at a time, until it has seen the first */
		left = 1;
		assert_false(rota__wheel_lower(w, &l, &left));
		assert_true(++slices < 10 * ALL);
	} while (l.before == WHEEL_NONE);
	assert_int_equal(l.before, b->item[0] >> WHEEL_CHUNK_BITS);
	take(b, 0);
	do {
		left = 1;
		sound(w);
		assert_true(++slices < 100 * WHEEL_LATER);
	} while (!rota__wheel_lower(w, &l, &left));
	assert_true(b->item[HIGH] >> WHEEL_CHUNK_BITS < l.limit);
	rota__wheel_cut(w, &l);
	sound(w);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(all_chunks_of_a_slot_but_its_head_are_full),
		TEST(items_leave_a_slot_in_any_order),
		TEST(churn_needs_no_more_chunks_than_the_worst_spread),
		TEST(removal_keeps_every_place_true),
		TEST(the_rest_of_a_slot_can_be_removed_while_it_is_drained),
		TEST(what_is_filed_in_the_slot_being_drained_comes_up_in_it),
		TEST(a_visit_meets_each_item_once),
		TEST(a_visit_may_remove_all_that_it_meets),
		TEST(a_visit_that_removes_every_third_meets_all_of_those),
		TEST(there_is_room_for_the_maximum_in_the_worst_spread),
		TEST(growing_moves_nothing_and_has_its_limit),
		TEST(a_wheel_survives_refused_memory_at_every_call),
		TEST(
		    the_search_for_high_chunks_outlives_the_chunk_it_stands_at),
		TEST(check_finds_a_bit_that_is_wrong),
		TEST(check_finds_a_place_a_count_and_an_event_that_are_wrong),
	};

	return cmocka_run_group_tests_name("chunk", tests, NULL, NULL);
}
