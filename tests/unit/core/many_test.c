/* SPDX-License-Identifier: MIT
 *
 * many_test.c - rota_timer_reset_many(), rota_timer_stop_many().
 * Claims: they do what as many single calls in this order do and add up the
 * answers; what is no timer is told and hinders no other; a timer may come
 * twice; no array is needed for none.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/world.h"

enum { MANY = 100 }; /* some turns of what is fetched ahead */

static struct rota_timer *all[MANY];
static rota_time when[MANY];

static struct probe *
gather(struct world *w)
{
	struct probe *p = world_probes(w, MANY);

	for (unsigned i = 0; i < MANY; i++) {
		all[i] = &p[i].timer;
		when[i] = (1 + i) * TICK;
	}
	return p;
}

static void
they_do_what_single_calls_do(void **state)
{
	struct world *w = *state;
	struct probe *p = gather(w);

	assert_int_equal(rota_timer_reset_many(all, when, MANY), 0);
	for (unsigned i = 0; i < MANY; i++) {
		assert_int_equal(rota_timer_pending(&p[i].timer), 1);
		assert_int_equal(rota_timer_deadline(&p[i].timer), when[i]);
	}
	assert_int_equal(rota_timer_reset_many(all, when, 30), 30);
	assert_int_equal(rota_timer_stop_many(all + 10, 20), 20);
	assert_int_equal(rota_timer_stop_many(all, MANY / 2), 30);
	assert_int_equal(rota_timer_reset_many(all, when, 60), 10);
	assert_int_equal(rota_timer_stop_many(all + 60, 40), 40);
	assert_int_equal(world_stat(w).live, 60);
	assert_int_equal(world_stat(w).starts, 150);
	assert_int_equal(world_stat(w).pushes, 40);
	world_poll(w, MANY * TICK + TICK);
	assert_int_equal(w->fired, 60);
	for (unsigned i = 0; i < 60; i++) {
		assert_int_equal(p[i].fires, 1);
		if (w->row->backend != ROTA_WHEEL_COARSE)
			assert_int_equal(w->order[i], i);
	}
	w->fired = 0;
}

static void
one_that_is_no_timer_is_told_and_hinders_none(void **state)
{
	struct world *w = *state;
	struct probe *p = gather(w);
	struct rota_timer none;

	memset(&none, 0, sizeof(none));
	all[17] = &none;
	all[50] = NULL;
	assert_int_equal(rota_timer_reset_many(all, when, MANY), -EINVAL);
	assert_int_equal(world_stat(w).live, MANY - 2);
	assert_int_equal(rota_timer_pending(&p[99].timer), 1);
	assert_int_equal(rota_timer_stop_many(all, MANY), -EINVAL);
	assert_int_equal(world_stat(w).live, 0);
	world_poll(w, MANY * TICK + TICK);
	expect_nothing(w);
}

static void
a_timer_that_comes_twice_is_reset_twice(void **state)
{
	struct world *w = *state;
	struct probe *p = gather(w);

	all[1] = all[0];
	assert_int_equal(rota_timer_reset_many(all, when, 2), 1);
	assert_int_equal(rota_timer_deadline(&p[0].timer), when[1]);
	assert_int_equal(rota_timer_stop_many(all, 2), 1);
}

static void
no_array_is_needed_for_none(void **state)
{
	struct world *w = *state;

	gather(w);
	assert_int_equal(rota_timer_reset_many(NULL, NULL, 0), 0);
	assert_int_equal(rota_timer_stop_many(NULL, 0), 0);
	assert_int_equal(rota_timer_reset_many(NULL, when, 1), -EINVAL);
	assert_int_equal(rota_timer_reset_many(all, NULL, 1), -EINVAL);
	assert_int_equal(rota_timer_stop_many(NULL, 1), -EINVAL);
	assert_int_equal(world_stat(w).live, 0);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		EVERY_OWNED(they_do_what_single_calls_do),
		EVERY_OWNED(one_that_is_no_timer_is_told_and_hinders_none),
		EVERY_OWNED(a_timer_that_comes_twice_is_reset_twice),
		EVERY_OWNED(no_array_is_needed_for_none),
	};

	return cmocka_run_group_tests_name("ahead", tests, NULL, NULL);
}
