/* SPDX-License-Identifier: MIT
 *
 * backend_test.c - core/backend.h: heap and wheels behind one contract.
 * Claims: no deadline is before what next says; a coarse tick is never before
 * the deadline and no later than the slack allows; an item is found wherever
 * it is, to be moved, removed or visited; memory is made and given back whole,
 * and may be refused at any call.
 */
#include "core/backend.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/cm.h"
#include "tests/support/mem.h"
#include "tests/support/world.h"

enum { MOST = 3000 };

struct bench {
	struct queue backend;
	enum rota_backend which;
	struct mem mem;
	struct rota_mem from;
	uint32_t item[MOST]; /* an item is its place */
	uint64_t d[MOST];
	bool in[MOST];
};

/* An operation with the backend as the constant it has to be. */
#define SWITCH(b, call)                          \
	do {                                     \
		switch ((b)->which) {            \
		case ROTA_HEAP:                  \
			call(ROTA_HEAP);         \
			break;                   \
		case ROTA_WHEEL:                 \
			call(ROTA_WHEEL);        \
			break;                   \
		case ROTA_WHEEL_COARSE:          \
			call(ROTA_WHEEL_COARSE); \
			break;                   \
		}                                \
	} while (0)

static void
insert(struct bench *b, uint32_t i, uint64_t d, uint32_t seq, uint64_t slack)
{
#define CALL(which) \
	backend_insert(&b->backend, (which), &b->item[i], d, seq, slack)
	SWITCH(b, CALL);
#undef CALL
	b->d[i] = d;
	b->in[i] = true;
}

static void
file_by(struct bench *b, uint32_t i, uint64_t d, uint32_t seq)
{
#define CALL(which) \
	backend_move_earlier(&b->backend, (which), &b->item[i], d, seq, 0)
	SWITCH(b, CALL);
#undef CALL
	b->d[i] = d;
}

static void
take_out(struct bench *b, uint32_t i)
{
#define CALL(which) backend_remove(&b->backend, (which), &b->item[i])
	SWITCH(b, CALL);
#undef CALL
	b->in[i] = false;
}

static uint64_t
next(struct bench *b)
{
	uint64_t n = 0;

#define CALL(which) n = backend_next(&b->backend, (which))
	SWITCH(b, CALL);
#undef CALL
	return n;
}

/* The instant by which an item has to be looked at. */
static uint64_t
due_by(const struct bench *b, uint64_t d)
{
	return b->which == ROTA_WHEEL_COARSE ? (d + TICK - 1) / TICK * TICK : d;
}

static void
open_at(struct bench *b, uint64_t now)
{
	assert_int_equal(
	    rota__backend_init(&b->backend, b->which, MOST, now, &b->from), 0);
	assert_int_equal(
	    rota__backend_grow(&b->backend, b->which, MOST, &b->from), 0);
}

static int
setup(void **state)
{
	const struct world_row *row = *state;
	struct bench *b = calloc(1, sizeof(*b));

	b->which = row->backend;
	b->from = mem_backend(&b->mem);
	open_at(b, 0);
	*state = b;
	return 0;
}

static int
teardown(void **state)
{
	struct bench *b = *state;

	rota__backend_destroy(&b->backend, b->which, &b->from);
	assert_int_equal(b->mem.blocks, 0);
	assert_int_equal(b->mem.wrong, 0);
	free(b);
	return 0;
}

static void
an_exact_tick_is_the_one_the_deadline_lies_in(void **state)
{
	uint64_t x = 3;

	(void)state;
	for (int n = 0; n < 20000; n++) {
		uint64_t d = random_next(&x) >> (4 + random_next(&x) % 60);
		uint64_t slack = random_next(&x) >> (4 + random_next(&x) % 60);

		assert_int_equal(backend_tick(ROTA_WHEEL, d, slack), d / TICK);
		assert_int_equal(backend_tick(ROTA_HEAP, d, slack), d / TICK);
	}
}

static void
a_coarse_tick_is_not_early_and_within_the_slack(void **state)
{
	uint64_t x = 5;
	const uint64_t last = BACKEND_LAST_TICK * TICK;

	(void)state;
	for (int n = 0; n < 50000; n++) {
		uint64_t d = random_next(&x) >> (5 + random_next(&x) % 59);
		uint64_t slack = random_next(&x) >> (5 + random_next(&x) % 59);
		uint64_t at = backend_tick(ROTA_WHEEL_COARSE, d, slack) * TICK;

		assert_true(at >= d || at == last);
		assert_true(at - d < TICK + slack || at < d);
	}
	/* without slack it is the next edge, or the deadline itself */
	assert_int_equal(backend_tick(ROTA_WHEEL_COARSE, 0, 0), 0);
	assert_int_equal(backend_tick(ROTA_WHEEL_COARSE, 1, 0), 1);
	assert_int_equal(backend_tick(ROTA_WHEEL_COARSE, TICK, 0), 1);
	assert_int_equal(backend_tick(ROTA_WHEEL_COARSE, TICK + 1, 0), 2);
	/* slack pays off by whole slots of a level */
	assert_int_equal(backend_tick(ROTA_WHEEL_COARSE, TICK + 1,
			     (uint64_t)TICK << WHEEL_BITS) %
		WHEEL_SPAN,
	    0);
}

static void
never_has_a_tick_too(void **state)
{
	const uint64_t never = (uint64_t)ROTA_NEVER;

	(void)state;
	assert_int_equal(backend_tick(ROTA_WHEEL, never, 0), BACKEND_LAST_TICK);
	assert_int_equal(
	    backend_tick(ROTA_WHEEL_COARSE, never, 0), BACKEND_LAST_TICK);
	assert_int_equal(
	    backend_tick(ROTA_WHEEL_COARSE, never, never), BACKEND_LAST_TICK);
	assert_int_equal(backend_tick(ROTA_WHEEL_COARSE, never, UINT64_MAX),
	    BACKEND_LAST_TICK);
}

static void
an_empty_one_has_no_next(void **state)
{
	struct bench *b = *state;
	struct backend_cursor c = { 0 };

	assert_true(next(b) == UINT64_MAX);
	assert_int_equal(backend_len(&b->backend), 0);
	assert_null(backend_visit(&b->backend, &c));
	assert_int_equal(rota__backend_check(&b->backend, b->which), 0);
}

static void
no_deadline_is_before_next(void **state)
{
	struct bench *b = *state;
	uint64_t x = 424242;
	uint32_t seq = 0, n_in = 0;

	for (int n = 0; n < 20000; n++) {
		uint32_t i = (uint32_t)(random_next(&x) % 200);
		uint64_t d = random_next(&x) >> (5 + random_next(&x) % 59);
		uint64_t first = UINT64_MAX;

		if (!b->in[i]) {
			insert(b, i, d, seq++, 0);
			n_in++;
		} else if (random_next(&x) % 3) {
			file_by(b, i, d < b->d[i] ? d : b->d[i], seq++);
		} else {
			take_out(b, i);
			n_in--;
		}
		for (uint32_t k = 0; k < 200; k++)
			if (b->in[k] && due_by(b, b->d[k]) < first)
				first = due_by(b, b->d[k]);
		assert_true(next(b) <= first);
		assert_true((next(b) == UINT64_MAX) == (n_in == 0));
		assert_int_equal(backend_len(&b->backend), n_in);
		if (n % 200 == 0)
			assert_int_equal(
			    rota__backend_check(&b->backend, b->which), 0);
	}
}

static void
what_is_filed_earlier_stays_where_it_is(void **state)
{
	struct bench *b = *state;
	uint32_t place;

	insert(b, 0, 100 * TICK, 1, 0);
	place = b->item[0];
	file_by(b, 0, 200 * TICK, 2);
	assert_int_equal(b->item[0], place);
	assert_true(next(b) <= 100 * TICK);
	file_by(b, 0, 50 * TICK, 3);
	assert_true(next(b) <= 50 * TICK);
	take_out(b, 0);
	assert_true(next(b) == UINT64_MAX);
}

static void
what_is_due_already_comes_at_once(void **state)
{
	struct bench *b = *state;

	rota__backend_destroy(&b->backend, b->which, &b->from);
	open_at(b, 1000 * TICK + 5);
	insert(b, 0, 7, 1, 0);
	assert_true(next(b) <= 1000 * TICK + 5);
	insert(b, 1, 1000 * TICK + 6, 2, 0);
	take_out(b, 0);
	assert_true(next(b) <= due_by(b, 1000 * TICK + 6));
	take_out(b, 1);
	assert_int_equal(rota__backend_check(&b->backend, b->which), 0);
}

static void
a_visit_meets_each_item_and_may_remove_it(void **state)
{
	struct bench *b = *state;

	for (int remove = 0; remove < 2; remove++) {
		struct backend_cursor c = { 0 };
		uint8_t met[MOST] = { 0 };
		uint32_t *item;

		/* in every room: due, soon, late */
		for (uint32_t i = 0; i < MOST && !remove; i++)
			insert(b, i, i % 3 ? i * 7919 % 9000 * TICK : 0, i, 0);
		while ((item = backend_visit(&b->backend, &c))) {
			uint32_t i = (uint32_t)(item - b->item);

			met[i]++;
			if (!remove)
				continue;
			backend_unvisit(&c, item);
			take_out(b, i);
		}
		for (uint32_t i = 0; i < MOST; i++)
			assert_int_equal(met[i], 1);
	}
	assert_int_equal(backend_len(&b->backend), 0);
	assert_int_equal(rota__backend_check(&b->backend, b->which), 0);
}

static void
refused_memory_is_told_at_every_call(void **state)
{
	struct bench *b = *state;
	uint64_t n;

	rota__backend_destroy(&b->backend, b->which, &b->from);
	for (n = 1;; n++) {
		int r;

		mem_fail(&b->mem, n);
		r = rota__backend_init(
		    &b->backend, b->which, MOST, 0, &b->from);
		if (!r) {
			r = rota__backend_grow(
			    &b->backend, b->which, MOST, &b->from);
			if (r) { /* again, and then it works */
				mem_fail(&b->mem, 0);
				assert_int_equal(rota__backend_grow(&b->backend,
						     b->which, MOST, &b->from),
				    0);
				assert_int_equal(
				    rota__backend_check(&b->backend, b->which),
				    0);
				mem_fail(&b->mem, 1);
				(void)b->from.alloc(b->from.arg, 1, 64);
			}
			rota__backend_destroy(&b->backend, b->which, &b->from);
		}
		assert_int_equal(b->mem.blocks, 0);
		if (!mem_failed(&b->mem))
			break;
		assert_int_equal(r, -ENOMEM);
	}
	assert_true(n >= 3);
	mem_fail(&b->mem, 0);
	open_at(b, 0);
}

/* clang-format off: a # that begins a line */
#define BACKEND(f, row)                               \
	{                                             \
#f " [" #row "]", f, setup, teardown, \
		    (void *)(uintptr_t)&world_##row   \
	}
/* clang-format on */
#define BACKENDS(f) BACKEND(f, heap), BACKEND(f, wheel), BACKEND(f, coarse)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_exact_tick_is_the_one_the_deadline_lies_in),
		cmocka_unit_test(
		    a_coarse_tick_is_not_early_and_within_the_slack),
		cmocka_unit_test(never_has_a_tick_too),
		BACKENDS(an_empty_one_has_no_next),
		BACKENDS(no_deadline_is_before_next),
		BACKENDS(what_is_filed_earlier_stays_where_it_is),
		BACKENDS(what_is_due_already_comes_at_once),
		BACKENDS(a_visit_meets_each_item_and_may_remove_it),
		BACKENDS(refused_memory_is_told_at_every_call),
	};

	return cmocka_run_group_tests_name("backend", tests, NULL, NULL);
}
