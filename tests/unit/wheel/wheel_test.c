/* SPDX-License-Identifier: MIT
 *
 * wheel_test.c - where wheel/wheel.h files an item, and when it comes up.
 * Claims: the table in the header is what the constants give; an item comes
 * up in its tick and not before, at every offset from every tick; the event
 * is never later than the earliest item; a jump of a year costs what a jump
 * of a second costs; a slot is drained to its end before a later one; what
 * is to be poured ahead of a slot is its share of the time since it is next.
 */
#include "wheel/wheel.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/cm.h"
#include "tests/support/mem.h"
#include "tests/support/world.h"

enum { MOST = 20000 };

struct bench {
	struct wheel wheel;
	struct mem mem;
	struct rota_mem from;
	uint64_t tick[MOST]; /* where an item belongs */
	uint32_t item[MOST]; /* an item is its place */
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
	b->tick[i] = tick;
	wheel_insert(&b->wheel, &b->item[i], tick);
}

/* An empty wheel, come to @pos. */
static void
come_to(struct bench *b, uint64_t pos)
{
	assert_int_equal(b->wheel.len, 0);
	assert_true(b->wheel.next_expiry == WHEEL_END);
	b->wheel.pos = pos;
}

/* Bring up what is due at @tick, in order of slots; what is early is filed
 * again, as a shard does. Returns how many came up, @steps how many pulls. */
static unsigned
expire(struct bench *b, uint64_t tick, unsigned *steps)
{
	uint32_t *item;
	unsigned n = 0;

	while ((item = pull(&b->wheel, tick))) {
		uint32_t i = (uint32_t)(item - b->item);

		++*steps;
		assert_true(b->wheel.pos <= b->tick[i]);
		if (b->tick[i] > b->wheel.pos) {
			wheel_insert(&b->wheel, item, b->tick[i]);
			continue;
		}
		b->tick[i] = WHEEL_END;
		n++;
	}
	return n;
}

static void
the_table_in_the_header_is_what_the_constants_give(void **state)
{
#ifdef ROTA_HOSTILE
	(void)state;
	assert_int_equal(WHEEL_SPAN, 4);
	assert_int_equal(WHEEL_LEVELS, 20);
	assert_int_equal(WHEEL_CHUNK, 4);
#else
	static const struct {
		double slot, span; /* s, as the header says it */
	} said[] = {
		{ 1.05e-3, 0.268 },
		{ 0.268, 68.7 },
		{ 68.7, 4.9 * 3600 },
		{ 4.9 * 3600, 52.0 * 86400 },
		{ 52.0 * 86400, 36 * 365.25 * 86400 },
	};
	double slot = (double)((uint64_t)1 << WHEEL_TICK_BITS) * 1e-9;

	(void)state;
	assert_int_equal(WHEEL_SPAN, 256);
	assert_int_equal(WHEEL_LEVELS, CM_COUNT(said));
	for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
		double span = slot * WHEEL_SPAN;

		assert_true(slot > said[level].slot * 0.98 &&
		    slot < said[level].slot * 1.02);
		assert_true(span > said[level].span * 0.98 &&
		    span < said[level].span * 1.02);
		slot = span;
	}
	assert_int_equal(WHEEL_CHUNK * sizeof(uint32_t *), 512);
	assert_int_equal(
	    (WHEEL_SLAB * WHEEL_CHUNK) * sizeof(uint32_t *), 64 << 10);
	/* 8 KB of slots a level */
	assert_int_equal(WHEEL_RING * sizeof(struct wheel_slot), 8 << 10);
#endif
	assert_int_equal(WHEEL_LEVELS * WHEEL_BITS + WHEEL_TICK_BITS, 60);
	assert_int_equal(WHEEL_SPAN, 1 << WHEEL_BITS);
	assert_int_equal(WHEEL_DIGIT, WHEEL_RING - 1);
	/* a slot's number and the mark of a free chunk fit in 16 bits */
	assert_true(WHEEL_LEVELS * WHEEL_RING < WHEEL_NONE);
	assert_true(WHEEL_WORDS * 64 >= WHEEL_RING);
}

/* The item at @pos + @offset comes up then, and not a tick before. */
static void
in_its_tick(struct bench *b, uint64_t pos, uint64_t offset)
{
	unsigned steps = 0;

	come_to(b, pos);
	add(b, 0, pos + offset);
	assert_true(b->wheel.next_expiry <= pos + offset);
	assert_true(b->wheel.next_expiry >= pos);
	if (offset) {
		assert_int_equal(expire(b, pos + offset - 1, &steps), 0);
		assert_int_equal(b->wheel.len, 1);
		assert_true(b->wheel.next_expiry <= pos + offset);
	}
	assert_int_equal(expire(b, pos + offset, &steps), 1);
	assert_true(steps <= WHEEL_LEVELS);
	assert_true(b->wheel.pos == pos + offset);
}

static void
an_item_comes_up_in_its_tick_at_every_offset_of_every_tick(void **state)
{
	struct bench *b = *state;
#ifdef ROTA_HOSTILE
	/* four levels of four slots, and what lies beyond them */
	const uint64_t all = 256, far = 1030, step = 1;
#else
	/* all of level 0, into level 1; every 61st tick of it */
	const uint64_t all = 256, far = 600, step = 61;
#endif

	for (uint64_t pos = 0; pos < all; pos += step)
		for (uint64_t offset = 0; offset < far; offset++)
			in_its_tick(b, pos, offset);
	sound(&b->wheel);
}

/* The edges of every level, from both sides, from near and far. */
static void
an_item_comes_up_in_its_tick_around_every_edge(void **state)
{
	struct bench *b = *state;
	const uint64_t end = (uint64_t)1 << 40;
	uint64_t x = 99991;

	for (unsigned from = 0; from < 40; from++) {
		for (unsigned to = 0; to < 40; to++) {
			for (unsigned k = 0; k < 9; k++) {
				uint64_t pos = ((uint64_t)1 << from) + k % 3 -
				    1;
				uint64_t offset = ((uint64_t)1 << to) + k / 3 -
				    1;

				if (pos + offset < end)
					in_its_tick(b, pos, offset);
			}
		}
	}
	for (unsigned n = 0; n < 20000; n++) {
		uint64_t pos = random_next(&x) % end;
		uint64_t tick = random_next(&x) % end;

		if (tick >= pos)
			in_its_tick(b, pos, tick - pos);
	}
	sound(&b->wheel);
}

static void
the_last_tick_of_all_comes_up(void **state)
{
	struct bench *b = *state;
	unsigned steps = 0;
	const uint64_t last = ((uint64_t)1 << 40) - 1;

	add(b, 0, last);
	add(b, 1, 0);
	assert_int_equal(expire(b, last - 1, &steps), 1);
	assert_int_equal(expire(b, last, &steps), 1);
	assert_true(b->wheel.pos == last);
	sound(&b->wheel);
}

static void
an_item_at_pos_is_due_at_once(void **state)
{
	struct bench *b = *state;
	unsigned steps = 0;

	come_to(b, 12345);
	add(b, 0, 12345);
	assert_true(b->wheel.next_expiry == 12345);
	assert_int_equal(expire(b, 12345, &steps), 1);
	assert_int_equal(steps, 1);
}

static void
the_event_is_never_later_than_the_earliest_item(void **state)
{
	struct bench *b = *state;
	enum { ITEMS = 300 };
	uint64_t x = 31337, now = 0;
	unsigned steps = 0;

	for (uint32_t i = 0; i < ITEMS; i++)
		b->tick[i] = WHEEL_END;
	for (uint32_t n = 0; n < 20000; n++) {
		uint32_t i = (uint32_t)(random_next(&x) % ITEMS);
		uint64_t first = WHEEL_END;

		if (b->tick[i] != WHEEL_END) {
			wheel_remove(&b->wheel, &b->item[i]);
			b->tick[i] = WHEEL_END;
		} else {
			add(b, i,
			    now +
				(random_next(&x) >>
				    (26 + random_next(&x) % 38)));
		}
		if (n % 8 == 0) {
			now += random_next(&x) >> (30 + random_next(&x) % 34);
			if (now >= (uint64_t)1 << 38)
				break;
			expire(b, now, &steps);
		}
		for (uint32_t k = 0; k < ITEMS; k++)
			if (b->tick[k] < first)
				first = b->tick[k];
		assert_true(b->wheel.next_expiry <= first);
		assert_int_equal(
		    b->wheel.next_expiry == WHEEL_END, first == WHEEL_END);
		assert_true(b->wheel.next_expiry ==
		    rota__wheel_next(&b->wheel, b->wheel.pos));
		for (uint32_t k = 0; k < ITEMS; k += 17)
			if (b->tick[k] != WHEEL_END) {
				uint64_t at = wheel_key(&b->wheel, &b->item[k]);

				assert_true(at <= b->tick[k]);
				assert_true(b->tick[k] == b->wheel.pos ||
				    at > b->wheel.pos);
			}
		if (n % 100 == 0)
			sound(&b->wheel);
	}
	assert_true(steps > 1000);
}

/* Against an array that is searched from end to end. */
static void
each_pull_brings_up_exactly_what_is_due(void **state)
{
	struct bench *b = *state;
	uint64_t x = 555, now = 0;

	for (uint32_t i = 0; i < MOST; i++)
		b->tick[i] = WHEEL_END;
	for (unsigned round = 0; round < 60; round++) {
		unsigned steps = 0, due = 0;

		for (uint32_t i = 0; i < 1000; i++)
			if (b->tick[i] == WHEEL_END)
				add(b, i,
				    now +
					(random_next(&x) >>
					    (40 + random_next(&x) % 24)));
		now += random_next(&x) >> (42 + random_next(&x) % 22);
		for (uint32_t i = 0; i < 1000; i++)
			due += b->tick[i] <= now;
		assert_int_equal(expire(b, now, &steps), due);
		for (uint32_t i = 0; i < 1000; i++)
			assert_true(b->tick[i] > now);
		sound(&b->wheel);
	}
}

static void
slots_come_up_in_the_order_of_their_starts(void **state)
{
	struct bench *b = *state;
	uint64_t x = 4711, last = 0;
	unsigned n = 0;
	uint32_t *item;

	for (uint32_t i = 0; i < 3000; i++)
		add(b, i, random_next(&x) % 100000);
	while ((item = pull(&b->wheel, 100000))) {
		uint64_t tick = b->tick[item - b->item];

		assert_true(b->wheel.pos >= last);
		last = b->wheel.pos;
		if (tick > b->wheel.pos)
			wheel_insert(&b->wheel, item, tick);
		else
			n++;
	}
	assert_int_equal(n, 3000);
}

static void
an_empty_wheel_jumps_in_one_step(void **state)
{
	struct bench *b = *state;
	const uint64_t year = UINT64_C(31557600000000000) >> WHEEL_TICK_BITS;

	assert_null(pull(&b->wheel, year));
	assert_true(b->wheel.pos == year);
	assert_null(pull(&b->wheel, year - 5)); /* never back */
	assert_true(b->wheel.pos == year);
	sound(&b->wheel);
}

static void
a_jump_of_a_year_costs_what_a_jump_of_a_second_costs(void **state)
{
	struct bench *b = *state;
	const uint64_t second = UINT64_C(1000000000) >> WHEEL_TICK_BITS;
	const uint64_t year = second * 31557600;
	unsigned by_second = 0, by_year = 0;

	for (uint32_t i = 0; i < 1000; i++)
		add(b, i, second + i % 3);
	assert_int_equal(expire(b, second + 3, &by_second), 1000);
	come_to(b, 0);
	for (uint32_t i = 0; i < 1000; i++)
		add(b, i, year + i % 3);
	assert_int_equal(expire(b, year + 3, &by_year), 1000);
	/* an item goes down once a level at most */
	assert_true(by_second <= 1000 * WHEEL_LEVELS);
	assert_true(by_year <= 1000 * WHEEL_LEVELS);
	/* and nothing but items is a step: far ones that are not due cost
	 * one look each time their slot begins, here never */
	come_to(b, 0);
	add(b, 0, (uint64_t)1 << 39);
	by_year = 0;
	assert_int_equal(expire(b, year, &by_year), 0);
	assert_int_equal(by_year, 0);
}

/* However long nothing was poured ahead. */
static void
what_is_poured_ahead_counts_from_when_its_slot_is_next(void **state)
{
	enum { ITEMS = WHEEL_EARLY_CHUNKS * WHEEL_CHUNK };
	struct bench *b = *state;
	struct wheel *w = &b->wheel;

	for (uint32_t level = 1; level <= 2; level++) {
		uint64_t span = (uint64_t)1 << level * WHEEL_BITS;
		uint64_t start = 4 * span;

		for (uint64_t came = 0; came < span; came += 1 + span / 8) {
			uint32_t at = 0, slot, first = ITEMS;
			uint64_t n, share = ITEMS * (came + 1) / (span + 1);

			come_to(b, start + came);
			for (uint32_t i = 0; i < ITEMS; i++)
				add(b, i, start + span + i % WHEEL_SPAN);
			w->led = 0;
			n = rota__wheel_early(w, &at, &slot);
			assert_int_equal(at, level);
			assert_int_equal(slot, wheel_at(start + span, level));
			assert_int_equal(n, share + 1);
			/* From a tick ago on it is what that tick adds. */
			w->led = w->pos - 1;
			at = 0;
			n = rota__wheel_early(w, &at, &slot);
			assert_in_range(n, 1, ITEMS / (span - came) + 1);
			while (first > 0)
				wheel_remove(w, &b->item[--first]);
		}
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(the_table_in_the_header_is_what_the_constants_give),
		TEST(
		    an_item_comes_up_in_its_tick_at_every_offset_of_every_tick),
		TEST(an_item_comes_up_in_its_tick_around_every_edge),
		TEST(the_last_tick_of_all_comes_up),
		TEST(an_item_at_pos_is_due_at_once),
		TEST(the_event_is_never_later_than_the_earliest_item),
		TEST(each_pull_brings_up_exactly_what_is_due),
		TEST(slots_come_up_in_the_order_of_their_starts),
		TEST(an_empty_wheel_jumps_in_one_step),
		TEST(a_jump_of_a_year_costs_what_a_jump_of_a_second_costs),
		TEST(what_is_poured_ahead_counts_from_when_its_slot_is_next),
	};

	return cmocka_run_group_tests_name("wheel", tests, NULL, NULL);
}
