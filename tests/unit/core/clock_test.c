/* SPDX-License-Identifier: MIT
 *
 * clock_test.c - core/clock.c and rota_when(): where instants come from.
 * Claims: an engine's clock begins at config.start and goes on with its
 * source; it never steps back, whatever the source does; a virtual one moves
 * by advance alone and stops at never, as the caller's does; rota_when()
 * saturates at both ends.
 *
 * The program is linked so that the system's clock is the test's.
 * Rows     G1
 */
#define _GNU_SOURCE /* CLOCK_BOOTTIME */
#include "core/clock.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "tests/support/world.h"

static rota_time system_now[2]; /* monotonic, boottime */
static rota_time caller_now;
static unsigned foreign; /* other clocks that were asked */

int __wrap_clock_gettime(clockid_t id, struct timespec *ts);

int
__wrap_clock_gettime(clockid_t id, struct timespec *ts)
{
	rota_time t = system_now[id == CLOCK_BOOTTIME];

	foreign += id != CLOCK_MONOTONIC && id != CLOCK_BOOTTIME;
	ts->tv_sec = t / ROTA_SECOND;
	ts->tv_nsec = t % ROTA_SECOND;
	return 0;
}

static rota_time
ask_caller(void *arg)
{
	assert_ptr_equal(arg, &caller_now);
	return caller_now;
}

static struct clock
clock_of(enum rota_clock source, rota_time start)
{
	struct rota_config config = { .clock = source, .start = start };
	struct clock c;

	if (source == ROTA_CLOCK_CALLER) {
		config.now = ask_caller;
		config.now_arg = &caller_now;
	}
	rota__clock_init(&c, &config);
	return c;
}

static void
a_system_clock_begins_at_start_and_goes_on(void **state)
{
	static const enum rota_clock sources[] = { ROTA_CLOCK_MONOTONIC,
		ROTA_CLOCK_BOOTTIME };

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct clock c;

		system_now[0] = 123 * ROTA_SECOND + 999999999;
		system_now[1] = 77777 * ROTA_SECOND + 1;
		c = clock_of(sources[i], 5000);
		assert_int_equal(rota__clock_read(&c), 5000);
		system_now[i] += 1;
		assert_int_equal(rota__clock_read(&c), 5001);
		system_now[i] += ROTA_HOUR;
		system_now[!i] += 9; /* the other one does not matter */
		assert_int_equal(rota__clock_read(&c), 5001 + ROTA_HOUR);
		c = clock_of(sources[i], 0);
		assert_int_equal(rota__clock_read(&c), 0);
	}
	assert_int_equal(foreign, 0);
}

static void
a_virtual_clock_moves_by_advance_alone(void **state)
{
	struct clock c = clock_of(ROTA_CLOCK_VIRTUAL, 42);

	(void)state;
	assert_int_equal(rota__clock_read(&c), 42);
	system_now[0] += ROTA_HOUR;
	assert_int_equal(rota__clock_read(&c), 42);
	rota__clock_advance(&c, 0);
	assert_int_equal(rota__clock_read(&c), 42);
	rota__clock_advance(&c, 8);
	assert_int_equal(rota__clock_read(&c), 50);
}

static void
a_virtual_clock_stops_at_never(void **state)
{
	struct clock c = clock_of(ROTA_CLOCK_VIRTUAL, 42);

	(void)state;
	rota__clock_advance(&c, INT64_MAX);
	assert_true(rota__clock_read(&c) == ROTA_NEVER);
	rota__clock_advance(&c, 1);
	rota__clock_advance(&c, INT64_MAX);
	assert_true(rota__clock_read(&c) == ROTA_NEVER);
}

enum { THREADS = 3, EACH = 20000 };

static struct clock shared;

static void *
advance(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < EACH; i++)
		rota__clock_advance(&shared, 3);
	return NULL;
}

static void
advances_from_many_threads_add_up(void **state)
{
	pthread_t thread[THREADS];

	(void)state;
	shared = clock_of(ROTA_CLOCK_VIRTUAL, 0);
	for (unsigned t = 0; t < THREADS; t++)
		pthread_create(&thread[t], NULL, advance, NULL);
	for (unsigned t = 0; t < THREADS; t++)
		pthread_join(thread[t], NULL);
	assert_int_equal(rota__clock_read(&shared), 3 * THREADS * EACH);
}

static void
a_callers_clock_is_taken_as_it_is(void **state)
{
	struct clock c;

	(void)state;
	caller_now = 1000;
	c = clock_of(ROTA_CLOCK_CALLER, 0);
	assert_int_equal(rota__clock_read(&c), 1000);
	caller_now = 1000 + ROTA_HOUR;
	assert_int_equal(rota__clock_read(&c), 1000 + ROTA_HOUR);
}

/* "What its source says is clamped to what it said before." */
static void
a_callers_clock_that_steps_back_is_held(void **state)
{
	struct clock c;

	(void)state;
	caller_now = 5000;
	c = clock_of(ROTA_CLOCK_CALLER, 0);
	assert_int_equal(rota__clock_read(&c), 5000);
	caller_now = 4000;
	assert_int_equal(rota__clock_read(&c), 5000);
	caller_now = INT64_MIN;
	assert_int_equal(rota__clock_read(&c), 5000);
	caller_now = 5001;
	assert_int_equal(rota__clock_read(&c), 5001);
}

static void
a_callers_clock_before_the_beginning_is_the_beginning(void **state)
{
	struct clock c;

	(void)state;
	caller_now = -7;
	c = clock_of(ROTA_CLOCK_CALLER, 0);
	assert_int_equal(rota__clock_read(&c), 0);
	c = clock_of(ROTA_CLOCK_CALLER, 300);
	assert_int_equal(rota__clock_read(&c), 300);
}

static void
a_callers_clock_stops_at_never(void **state)
{
	struct clock c = clock_of(ROTA_CLOCK_CALLER, 0);

	(void)state;
	caller_now = ROTA_NEVER - 1;
	assert_true(rota__clock_read(&c) == ROTA_NEVER - 1);
	caller_now = ROTA_NEVER + 1;
	assert_true(rota__clock_read(&c) == ROTA_NEVER);
	caller_now = INT64_MAX;
	assert_true(rota__clock_read(&c) == ROTA_NEVER);
}

/* C4 and the semantics sheet: never early, through any jump. */
static void
a_span_counts_from_the_held_clock_not_from_the_step_back(void **state)
{
	struct world *w = *state;
	struct rota_config config = world_config(w);
	struct rota_shard *s;
	struct rota_kind k;
	struct probe p = { .world = w };
	struct rota_engine *e;

	config.clock = ROTA_CLOCK_CALLER;
	config.now = ask_caller;
	config.now_arg = &caller_now;
	caller_now = 1000 * TICK;
	assert_int_equal(rota_engine_create(&e, &config), 0);
	s = rota_engine_shard(e, 0);
	assert_int_equal(rota_shard_attach(s), 0);
	assert_int_equal(
	    rota_kind_init(&k, s,
		&(struct rota_kind_config){ .fire = probe_fire, .name = "k" }),
	    0);
	assert_int_equal(rota_timer_init(&p.timer, &k), 0);
	assert_int_equal(rota_shard_poll(s, rota_engine_now(e), 0), 0);
	caller_now = 900 * TICK; /* it steps back */
	assert_int_equal(rota_timer_reset(&p.timer, 50 * TICK), 0);
	assert_int_equal(rota_shard_poll(s, rota_engine_now(e), 0), 0);
	assert_int_equal(p.fires, 0); /* no time has passed */
	caller_now = 1049 * TICK;
	assert_int_equal(rota_shard_poll(s, rota_engine_now(e), 0), 0);
	assert_int_equal(p.fires, 0);
	caller_now = 1050 * TICK;
	assert_int_equal(rota_shard_poll(s, rota_engine_now(e), 0), 0);
	assert_int_equal(p.fires, 1);
	/* nobody could tell how long to sleep */
	assert_int_equal(rota_shard_wait(s, ROTA_NEVER), -EOPNOTSUPP);
	assert_int_equal(rota_timer_release(&p.timer), 0);
	assert_int_equal(rota_engine_destroy(e, ROTA_REFUSE), 0);
	w->fired = 0;
}

static void
when_saturates_at_both_ends(void **state)
{
	static const rota_time nows[] = { 0, 1, 1000, ROTA_NEVER / 2,
		ROTA_NEVER - 1, ROTA_NEVER };

	(void)state;
	for (unsigned i = 0; i < CM_COUNT(nows); i++) {
		rota_time now = nows[i];

		assert_true(rota_when(now, INT64_MIN) == now);
		assert_true(rota_when(now, -1) == now);
		assert_true(rota_when(now, 0) == now);
		assert_true(rota_when(now + ROTA_NEVER, 0) == now + ROTA_NEVER);
		assert_true(rota_when(now, INT64_MAX) == ROTA_NEVER);
		assert_true(rota_when(now, ROTA_NEVER) == ROTA_NEVER);
		assert_true(rota_when(now, ROTA_NEVER - now) == ROTA_NEVER);
		if (now < ROTA_NEVER - 1)
			assert_true(rota_when(now, 1) == now + 1);
		if (now < ROTA_NEVER)
			assert_true(rota_when(now, ROTA_NEVER - now - 1) ==
			    (now == ROTA_NEVER - 1 ? now : ROTA_NEVER - 1));
	}
}

static void
when_takes_any_two_numbers(void **state)
{
	static const int64_t any[] = { INT64_MIN, INT64_MIN + 1, -ROTA_NEVER,
		-1, 0, 1, ROTA_NEVER, ROTA_NEVER + 1, INT64_MAX - 1,
		INT64_MAX };

	(void)state;
	for (unsigned i = 0; i < CM_COUNT(any); i++) {
		for (unsigned k = 0; k < CM_COUNT(any); k++) {
			rota_time when = rota_when(any[i], any[k]);

			/* no UB, and not before the instant it counts from */
			assert_true(when >= any[i] || when == ROTA_NEVER);
		}
	}
}

static void
the_spans_are_what_their_names_say(void **state)
{
	(void)state;
	assert_true(ROTA_MICROSECOND == 1000);
	assert_true(ROTA_MILLISECOND == 1000000);
	assert_true(ROTA_SECOND == 1000000000);
	assert_true(ROTA_MINUTE == 60 * ROTA_SECOND);
	assert_true(ROTA_HOUR == 3600 * ROTA_SECOND);
	assert_true(ROTA_NEVER == (INT64_C(1) << 60) - 1);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_system_clock_begins_at_start_and_goes_on),
		cmocka_unit_test(a_virtual_clock_moves_by_advance_alone),
		cmocka_unit_test(a_virtual_clock_stops_at_never),
		cmocka_unit_test(advances_from_many_threads_add_up),
		cmocka_unit_test(a_callers_clock_is_taken_as_it_is),
		cmocka_unit_test(a_callers_clock_that_steps_back_is_held),
		cmocka_unit_test(a_callers_clock_stops_at_never),
		cmocka_unit_test(
		    a_callers_clock_before_the_beginning_is_the_beginning),
		EVERY(a_span_counts_from_the_held_clock_not_from_the_step_back),
		cmocka_unit_test(when_saturates_at_both_ends),
		cmocka_unit_test(when_takes_any_two_numbers),
		cmocka_unit_test(the_spans_are_what_their_names_say),
	};

	return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
