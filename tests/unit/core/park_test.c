/* SPDX-License-Identifier: MIT
 *
 * park_test.c - core/park.h and the parking of a shard: who wakes a sleeping
 * owner, and when.
 * Claims: an earlier deadline wakes a parked owner, once; a later or equal one,
 * a stop, and anything while it is awake never do; a parking owner finds what
 * arrived before; of many threads one at least wakes, and none that comes
 * after the wake.
 * Rows     G11
 */
#define _POSIX_C_SOURCE 200809L
#include "core/park.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>

#include "tests/support/world.h"

static void
nobody_wakes_who_is_awake(void **state)
{
	struct park p = { 0 };

	(void)state;
	assert_false(park_wakes(&p, 0));
	park_enter(&p, 100);
	park_leave(&p);
	assert_false(park_wakes(&p, 0));
}

static void
only_an_earlier_deadline_wakes_and_only_once(void **state)
{
	struct park p = { 0 };
	uint64_t first;

	(void)state;
	park_enter(&p, 100);
	assert_false(park_wakes(&p, 101));
	assert_false(park_wakes(&p, 100));
	assert_false(park_wakes(&p, UINT64_MAX));
	first = park_wakes(&p, 99);
	assert_true(first);
	assert_true(park_wakes(&p, 98)); /* nobody has woken it yet */
	park_woken(&p, first);
	assert_false(park_wakes(&p, 0));
	park_enter(&p, 100);
	assert_true(park_wakes(&p, 0));
	park_woken(&p, first); /* from the sleep before */
	assert_true(park_wakes(&p, 0));
}

enum { THREADS = 3, ROUNDS = 3000 };

static struct park raced;
static pthread_barrier_t barrier;
static rota_word wakes;

static void *
wake_all(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < ROUNDS; i++) {
		uint64_t wake;

		pthread_barrier_wait(&barrier);
		wake = park_wakes(&raced, 50);
		if (wake) {
			word_add(&wakes, (uint64_t)1, relaxed);
			park_woken(&raced, wake);
		}
		pthread_barrier_wait(&barrier);
	}
	return NULL;
}

static void
of_many_threads_one_wakes_and_none_afterwards(void **state)
{
	pthread_t thread[THREADS];

	(void)state;
	pthread_barrier_init(&barrier, NULL, THREADS + 1);
	for (unsigned t = 0; t < THREADS; t++)
		pthread_create(&thread[t], NULL, wake_all, NULL);
	for (unsigned i = 0; i < ROUNDS; i++) {
		wakes = 0;
		park_enter(&raced, 100);
		pthread_barrier_wait(&barrier);
		pthread_barrier_wait(&barrier);
		assert_in_range(word_load(&wakes, relaxed), 1, THREADS);
		assert_false(park_wakes(&raced, 50));
	}
	for (unsigned t = 0; t < THREADS; t++)
		pthread_join(thread[t], NULL);
	pthread_barrier_destroy(&barrier);
}

/* The same through the library, the owner parked until 10 ticks. */
static struct probe *
parked(struct world *w)
{
	struct probe *p = world_probes(w, 4);

	rota_timer_reset_at(&p[0].timer, 10 * TICK);
	rota_timer_reset_at(&p[1].timer, 20 * TICK);
	world_poll(w, 0);
	assert_true(rota_shard_park(w->shard) <= 10 * TICK);
	assert_true(rota_shard_park(w->shard) > 0);
	return p;
}

static void
a_later_deadline_does_not_wake_the_owner(void **state)
{
	struct world *w = *state;
	struct probe *p = parked(w);

	assert_int_equal(elsewhere_reset_at(&p[1].timer, 30 * TICK), 1);
	assert_int_equal(elsewhere_reset_at(&p[0].timer, 11 * TICK), 1);
	assert_int_equal(elsewhere_reset_at(&p[2].timer, 40 * TICK), 0);
	assert_int_equal(elsewhere_reset_at(&p[3].timer, 10 * TICK), 0);
	assert_int_equal(elsewhere_reset_at(&p[3].timer, ROTA_NEVER), 1);
	assert_int_equal(w->wakes, 0);
	assert_int_equal(world_stat(w).wakes, 0);
}

static void
a_stop_does_not_wake_the_owner(void **state)
{
	struct world *w = *state;
	struct probe *p = parked(w);

	assert_int_equal(elsewhere_stop(&p[0].timer), ROTA_PREVENTED);
	assert_int_equal(elsewhere_stop(&p[1].timer), ROTA_PREVENTED);
	assert_int_equal(elsewhere_reset_at(&p[1].timer, 21 * TICK), 0);
	assert_int_equal(elsewhere_stop(&p[1].timer), ROTA_PREVENTED);
	assert_int_equal(w->wakes, 0);
	world_poll(w, 30 * TICK);
	expect_nothing(w);
}

static void
an_earlier_deadline_wakes_the_owner_once(void **state)
{
	struct world *w = *state;
	struct probe *p = parked(w);

	assert_int_equal(elsewhere_reset_at(&p[1].timer, 5 * TICK), 1);
	assert_int_equal(w->wakes, 1);
	assert_int_equal(world_stat(w).wakes, 1);
	elsewhere_reset_at(&p[0].timer, 4 * TICK);
	elsewhere_reset_at(&p[2].timer, 3 * TICK);
	elsewhere_reset_at(&p[3].timer, 2 * TICK);
	assert_int_equal(w->wakes, 1); /* it is being woken already */
	world_poll(w, 2 * TICK);
	expect_fired(w, 3);
	assert_int_equal(w->wakes, 1);
	/* asleep again, it is woken again */
	assert_true(rota_shard_park(w->shard) <= 3 * TICK);
	elsewhere_reset_at(&p[3].timer, 2 * TICK);
	assert_int_equal(w->wakes, 2);
}

static void
a_release_from_elsewhere_wakes_the_owner(void **state)
{
	struct world *w = *state;
	struct probe *p = parked(w);

	assert_int_equal(elsewhere_release(&p[0].timer), 1);
	assert_int_equal(w->wakes, 1);
	world_poll(w, 0);
	assert_int_equal(w->freed, 1);
}

static void
nothing_wakes_an_owner_that_is_awake(void **state)
{
	struct world *w = *state;
	struct probe *p = parked(w);

	world_poll(w, 0); /* the next poll ends the parking */
	elsewhere_reset_at(&p[1].timer, 5 * TICK);
	elsewhere_reset_at(&p[2].timer, 1 * TICK);
	assert_int_equal(w->wakes, 0);
	assert_int_equal(rota_shard_park(w->shard), 0); /* something waits */
	elsewhere_reset_at(&p[3].timer, 0);
	assert_int_equal(w->wakes, 0); /* it did not go to sleep */
}

static void
parking_says_until_when(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 2);

	assert_true(rota_shard_park(w->shard) == ROTA_NEVER);
	rota_timer_reset_at(&p[0].timer, 9 * TICK);
	assert_in_range(rota_shard_park(w->shard), 1, 9 * TICK);
	world_poll(w, 3 * TICK);
	rota_timer_reset_at(&p[1].timer, 3 * TICK); /* due already */
	assert_int_equal(rota_shard_park(w->shard), 0);
	world_poll(w, 3 * TICK);
	expect_fired(w, 1);
	elsewhere_reset_at(&p[1].timer, 20 * TICK);
	assert_int_equal(rota_shard_park(w->shard), 0); /* to be filed */
	world_poll(w, 3 * TICK);
	assert_in_range(rota_shard_park(w->shard), 3 * TICK + 1, 9 * TICK);
}

static int
readable(struct world *w)
{
	struct pollfd p = { .fd = rota_shard_fd(w->shard), .events = POLLIN };

	assert_true(p.fd >= 0);
	return poll(&p, 1, 0);
}

static void
the_descriptor_is_readable_from_the_wake_to_the_poll(void **state)
{
	struct world *w = *state;
	int fd = rota_shard_fd(w->shard); /* before the park */
	struct probe *p = parked(w);

	assert_int_equal(readable(w), 0);
	assert_int_equal(rota_shard_fd(w->shard), fd);
	elsewhere_reset_at(&p[1].timer, 5 * TICK);
	assert_int_equal(readable(w), 1);
	assert_int_equal(readable(w), 1);
	world_poll(w, 0);
	assert_int_equal(readable(w), 0);
}

/* Between the park and the sleep the owner arms timers itself, as a loop does
 * whose park is in a prepare hook: each way to arm, to @when. */
static struct probe *arms[4];

static void
arm_fresh(rota_time when)
{
	rota_timer_reset_at(&arms[2]->timer, when);
}

static void
arm_what_is_filed(rota_time when)
{
	rota_timer_reset_at(&arms[1]->timer, when);
}

static void
arm_what_was_stopped(rota_time when)
{
	rota_timer_stop(&arms[1]->timer);
	rota_timer_reset_at(&arms[1]->timer, when);
}

static void
arm_by_a_span(rota_time when)
{
	rota_timer_reset(&arms[2]->timer, when); /* it is instant 0 */
}

static void
arm_many(rota_time when)
{
	struct rota_timer *t[2] = { &arms[2]->timer, &arms[3]->timer };
	rota_time at[2] = { when, when };

	rota_timer_reset_many(t, at, 2);
}

static void (*const ways_to_arm[])(rota_time when) = { arm_fresh,
	arm_what_is_filed, arm_what_was_stopped, arm_by_a_span, arm_many };

static void
an_earlier_deadline_of_its_own_wakes_the_owner_once(void **state)
{
	struct world *w = *state;
	struct probe *p = parked(w);

	(void)readable(w); /* there is a descriptor from here on */
	for (unsigned i = 0; i < CM_COUNT(ways_to_arm); i++) {
		for (unsigned k = 0; k < 4; k++) {
			rota_timer_release(&p[k].timer);
			probe_init(w, &p[k], k);
			arms[k] = &p[k];
		}
		rota_timer_reset_at(&p[0].timer, 10 * TICK);
		rota_timer_reset_at(&p[1].timer, 20 * TICK);
		world_poll(w, 0);
		w->wakes = 0;
		assert_in_range(rota_shard_park(w->shard), 1, 10 * TICK);
		ways_to_arm[i](60 * TICK);
		assert_int_equal(w->wakes, 0);
		assert_int_equal(readable(w), 0);
		ways_to_arm[i](i % 2 ? 3 * TICK : 0);
		assert_int_equal(w->wakes, 1);
		assert_int_equal(readable(w), 1);
		ways_to_arm[i](2 * TICK);
		assert_int_equal(w->wakes, 1); /* it is woken already */
		world_poll(w, 0);
		ways_to_arm[i](1 * TICK); /* and awake */
		assert_int_equal(w->wakes, 1);
		world_poll(w, 1 * TICK);
		assert_int_equal(rota_shard_check(w->shard), 0);
		rota_engine_advance(w->engine, 0);
		assert_true(w->fired > 0);
		w->fired = 0;
	}
}

static void
a_later_deadline_of_its_own_does_not_wake_the_owner(void **state)
{
	struct world *w = *state;
	struct probe *p = parked(w);

	rota_timer_reset_at(&p[0].timer, 10 * TICK);
	rota_timer_reset_at(&p[0].timer, 11 * TICK);
	rota_timer_stop(&p[0].timer);
	rota_timer_reset_at(&p[0].timer, 12 * TICK);
	rota_timer_reset_at(&p[2].timer, 10 * TICK);
	rota_timer_reset_at(&p[3].timer, ROTA_NEVER);
	assert_int_equal(w->wakes, 0);
	/* a shard that sleeps for ever, too, wakes for anything */
	for (unsigned i = 0; i < 4; i++)
		rota_timer_release(&p[i].timer);
	world_poll(w, 0);
	assert_true(rota_shard_park(w->shard) == ROTA_NEVER);
	for (unsigned i = 0; i < 4; i++)
		probe_init(w, &p[i], i);
	rota_timer_reset_at(&p[0].timer, 1000000 * TICK);
	assert_int_equal(w->wakes, 1);
}

/* What is filed first is stale, stopped or pushed: the owner sleeps until what
 * is due first all the same. */
static void
a_parked_owner_sleeps_until_something_is_due(void **state)
{
	enum { MANY = 2000 };
	struct world *w = *state;
	struct probe *p = world_probes(w, MANY);
	rota_time now = 0, least, until;
	unsigned needless = 0;
	uint64_t x = 3;

	for (unsigned round = 0; round < 60; round++) {
		rota_time reach = (rota_time)1 << (21 + round % 15);

		for (unsigned i = 0; i < MANY; i++)
			rota_timer_reset_at(&p[i].timer,
			    now + 1 +
				(rota_time)(random_next(&x) % (uint64_t)reach));
		world_poll(w, now);
		least = ROTA_NEVER;
		for (unsigned i = 0; i < MANY; i++) {
			struct rota_timer *t = &p[i].timer;

			if (random_next(&x) % 50)
				random_next(&x) % 3
				    ? rota_timer_reset_at(
					  t, rota_timer_deadline(t) + 4 * reach)
				    : rota_timer_stop(t);
			if (rota_timer_pending(t) &&
			    rota_timer_deadline(t) < least)
				least = rota_timer_deadline(t);
		}
		/* A slot of a wheel is looked at once: if it was in the round
		 * before, the owner may wake for it. */
		until = rota_shard_park(w->shard);
		if (until < least) {
			needless++;
			world_poll(w, until);
			until = rota_shard_park(w->shard);
		}
		if (w->row->backend == ROTA_WHEEL_COARSE)
			assert_in_range(until, least, least + TICK);
		else
			assert_int_equal(until, least);
		assert_int_equal(rota_shard_check(w->shard), 0);
		/* polls before that have nothing to do, next ones know it */
		w->fired = 0;
		world_poll(w, now + (least - now) / 2);
		world_poll(w, least - 1);
		expect_nothing(w);
		assert_true(rota_shard_next(w->shard) <= least + TICK);
		assert_int_equal(rota_shard_check(w->shard), 0);
		now = least + TICK;
		world_poll(w, now);
		assert_true(w->fired > 0);
		assert_int_equal(rota_shard_check(w->shard), 0);
		w->fired = 0;
	}
	assert_in_range(needless, 0, 60 / 5);
	if (w->row->backend == ROTA_HEAP)
		assert_int_equal(needless, 0);
}

/* An arming that comes before what a park has found is not slept past. */
static void
what_is_armed_behind_a_park_counts(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 300);
	rota_time far = 3000 * TICK;

	for (unsigned i = 0; i < 200; i++)
		rota_timer_reset_at(&p[i].timer, 1000 * TICK + i);
	world_poll(w, 1);
	for (unsigned i = 0; i < 200; i++)
		rota_timer_reset_at(&p[i].timer, far + i);
	assert_in_range(rota_shard_park(w->shard), far, far + TICK);
	for (unsigned i = 200; i < 300; i++) {
		rota_time d = far - (i - 199) * 7 * TICK;

		world_poll(w, 1 + i);
		rota_timer_reset_at(&p[i].timer, d);
		assert_in_range(rota_shard_park(w->shard), 1, d + TICK);
		world_poll(w, 2000 * TICK + i);
		rota_timer_reset_at(&p[i - 1].timer, d + 1);
		assert_in_range(rota_shard_park(w->shard), 1, d + TICK);
		if (i % 3 == 0)
			rota_timer_stop(&p[i].timer);
		assert_int_equal(rota_shard_check(w->shard), 0);
	}
}

static void
spurious_wakes_do_nothing(void **state)
{
	struct world *w = *state;
	struct probe *p = parked(w);

	rota_shard_fd(w->shard);
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(rota_shard_wake(w->shard), 0);
	assert_int_equal(w->wakes, 1000);
	world_poll(w, 0);
	expect_nothing(w);
	assert_int_equal(readable(w), 0);
	assert_true(rota_shard_park(w->shard) > 0);
	assert_int_equal(rota_timer_pending(&p[0].timer), 1);
	for (unsigned i = 0; i < 100; i++) { /* awake already, asleep again */
		rota_shard_wake(w->shard);
		world_poll(w, 0);
		assert_true(rota_shard_park(w->shard) > 0);
	}
	world_poll(w, 10 * TICK);
	expect_fired(w, 0);
}

/* What is armed for never stands in a wheel all the same, and comes down its
 * levels before the last instant: that poll is not to be left out. */
static void
what_is_filed_for_never_is_not_passed_over(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 3);

	world_poll(w, 0);
	assert_true(rota_shard_park(w->shard) == ROTA_NEVER);
	rota_timer_reset_at(&p[0].timer, ROTA_NEVER);
	rota_timer_reset_at(&p[1].timer, ROTA_NEVER);
	assert_int_equal(w->wakes, 0);
	rota_shard_next(w->shard); /* files them */
	world_poll(w, ROTA_NEVER - TICK);
	assert_int_equal(rota_shard_check(w->shard), 0);
	expect_nothing(w);
}

/* What is armed anew for an earlier instant, in the slot where it stands. */
static void
an_earlier_deadline_within_a_slot_is_not_passed_over(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 2);
	rota_time far = 1000 * TICK; /* in the midst of a slot */

	world_poll(w, 0);
	rota_timer_reset_at(&p[0].timer, far);
	rota_timer_reset_at(&p[1].timer, far + 9 * TICK);
	rota_timer_reset_at(&p[1].timer, far - 6 * TICK);
	assert_true(rota_shard_next(w->shard) <= far - 6 * TICK);
	world_poll(w, far - 6 * TICK);
	expect_fired(w, 1);
	/* and behind a park, which has looked into the slot */
	rota_timer_reset_at(&p[1].timer, 2 * far);
	rota_timer_reset_at(&p[0].timer, 2 * far + TICK);
	assert_true(rota_shard_park(w->shard) <= 2 * far);
	rota_timer_reset_at(&p[0].timer, 2 * far - 3 * TICK);
	assert_true(rota_shard_next(w->shard) <= 2 * far - 3 * TICK);
	assert_int_equal(w->wakes, 1);
	assert_int_equal(rota_shard_check(w->shard), 0);
	world_poll(w, 2 * far - 3 * TICK);
	assert_int_equal(rota_shard_check(w->shard), 0);
	expect_fired(w, 0);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_wakes_who_is_awake),
		cmocka_unit_test(only_an_earlier_deadline_wakes_and_only_once),
		cmocka_unit_test(of_many_threads_one_wakes_and_none_afterwards),
		EVERY(a_later_deadline_does_not_wake_the_owner),
		EVERY(a_stop_does_not_wake_the_owner),
		EVERY(an_earlier_deadline_wakes_the_owner_once),
		EVERY(a_release_from_elsewhere_wakes_the_owner),
		EVERY(nothing_wakes_an_owner_that_is_awake),
		EVERY(parking_says_until_when),
		EVERY(the_descriptor_is_readable_from_the_wake_to_the_poll),
		EVERY(spurious_wakes_do_nothing),
		EVERY_OWNED(a_parked_owner_sleeps_until_something_is_due),
		EVERY_OWNED(what_is_armed_behind_a_park_counts),
		EVERY_OWNED(what_is_filed_for_never_is_not_passed_over),
		EVERY_OWNED(
		    an_earlier_deadline_within_a_slot_is_not_passed_over),
		EVERY_OWNED(
		    an_earlier_deadline_of_its_own_wakes_the_owner_once),
		EVERY_OWNED(
		    a_later_deadline_of_its_own_does_not_wake_the_owner),
	};

	return cmocka_run_group_tests_name("park", tests, NULL, NULL);
}
