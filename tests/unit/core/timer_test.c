/* SPDX-License-Identifier: MIT
 *
 * timer_test.c - core/timer.c: the answers of reset, stop and release, on the
 * owner's thread, in callbacks and from another thread.
 * Claims: every answer is the one of the table in rota/timer.h; what was
 * prevented does not run; a callback may do anything to any timer, its own
 * included, and give its memory back.
 * Rows     G1 G2 G3
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "tests/support/world.h"

static void
a_timer_is_two_to_a_cache_line(void **state)
{
	(void)state;
	assert_int_equal(sizeof(struct rota_timer), 32);
}

static void
a_new_timer_is_not_pending(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);

	assert_int_equal(rota_timer_pending(&p->timer), 0);
	assert_int_equal(rota_timer_deadline(&p->timer), 0);
	assert_int_equal(rota_timer_stop(&p->timer), ROTA_NOT_PENDING);
	assert_int_equal(rota_timer_stop_sync(&p->timer), ROTA_NOT_PENDING);
	assert_int_equal(rota_timer_release(&p->timer), 0);
}

static void
a_double_start_arms_anew_and_says_so(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);

	assert_int_equal(rota_timer_reset_at(&p->timer, 2 * TICK), 0);
	assert_int_equal(rota_timer_reset_at(&p->timer, 2 * TICK), 1);
	assert_int_equal(rota_timer_reset_at(&p->timer, 9 * TICK), 1);
	assert_int_equal(rota_timer_reset_at(&p->timer, 4 * TICK), 1);
	assert_int_equal(rota_timer_deadline(&p->timer), 4 * TICK);
	world_poll(w, 3 * TICK);
	expect_nothing(w);
	world_poll(w, 4 * TICK);
	expect_fired(w, 0);
	world_poll(w, 10 * TICK);
	expect_nothing(w);
	assert_int_equal(rota_timer_reset_at(&p->timer, 11 * TICK), 0);
}

static void
the_second_of_two_stops_prevents_nothing(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);

	rota_timer_reset_at(&p->timer, TICK);
	assert_int_equal(rota_timer_stop(&p->timer), ROTA_PREVENTED);
	assert_int_equal(rota_timer_stop(&p->timer), ROTA_NOT_PENDING);
	assert_int_equal(rota_timer_stop_sync(&p->timer), ROTA_NOT_PENDING);
	assert_int_equal(rota_timer_deadline(&p->timer), TICK); /* it stays */
	assert_int_equal(rota_timer_pending(&p->timer), 0);
	world_poll(w, 5 * TICK);
	expect_nothing(w);
}

static void
a_stop_after_firing_prevents_nothing(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);

	rota_timer_reset_at(&p->timer, TICK);
	world_poll(w, TICK);
	assert_int_equal(rota_timer_pending(&p->timer), 0);
	assert_int_equal(rota_timer_deadline(&p->timer), TICK); /* it stays */
	assert_int_equal(rota_timer_stop(&p->timer), ROTA_NOT_PENDING);
	expect_fired(w, 0);
}

static void
a_start_after_a_stop_fires_once_at_the_new_deadline(void **state)
{
	static const rota_time then[] = { 2 * TICK, 5 * TICK, 9 * TICK };
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);
	rota_time now = 0;

	for (unsigned i = 0; i < CM_COUNT(then); i++) {
		rota_timer_reset_at(&p->timer, now + 5 * TICK);
		world_poll(w, now + TICK);
		rota_timer_stop(&p->timer);
		assert_int_equal(
		    rota_timer_reset_at(&p->timer, now + then[i]), 0);
		world_poll(w, now + then[i] - 1);
		expect_nothing(w);
		world_poll(w, now + then[i]);
		expect_fired(w, 0);
		now += 10 * TICK;
		world_poll(w, now);
		expect_nothing(w);
	}
}

/* In callbacks: what the calls answered. */
static int answer[8];

static void
stop_self(struct probe *p, rota_time now)
{
	(void)now;
	answer[0] = rota_timer_pending(&p->timer);
	answer[1] = rota_timer_stop(&p->timer);
	answer[2] = rota_timer_stop_sync(&p->timer);
}

static void
a_stop_in_its_own_callback_is_too_late(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);

	p->then = stop_self;
	rota_timer_reset_at(&p->timer, TICK);
	world_poll(w, TICK);
	assert_int_equal(answer[0], 0);
	assert_int_equal(answer[1], ROTA_RUNNING);
	assert_int_equal(answer[2], -EDEADLK);
	assert_int_equal(rota_timer_stop(&p->timer), ROTA_NOT_PENDING);
}

static void
rearm_and_stop_self(struct probe *p, rota_time now)
{
	answer[0] = rota_timer_reset_at(&p->timer, now + TICK);
	answer[1] = rota_timer_reset_at(&p->timer, now);
	answer[2] = rota_timer_stop(&p->timer);
	answer[3] = rota_timer_stop(&p->timer);
}

static void
an_arming_of_its_own_in_the_callback_can_be_stopped_there(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);

	p->then = rearm_and_stop_self;
	rota_timer_reset_at(&p->timer, TICK);
	world_poll(w, TICK);
	expect_fired(w, 0);
	assert_int_equal(answer[0], 0);
	assert_int_equal(answer[1], 1);
	assert_int_equal(answer[2], ROTA_PREVENTED);
	assert_int_equal(answer[3], ROTA_RUNNING); /* the callback still is */
	world_poll(w, 9 * TICK);
	expect_nothing(w);
}

static void
stop_neighbours(struct probe *p, rota_time now)
{
	struct probe *all = p->arg;

	(void)now;
	for (unsigned i = 0; i < 4; i++)
		if (&all[i] != p)
			answer[i] = rota_timer_stop(&all[i].timer);
}

/* Of four in one batch the first to run stops the others. */
static void
a_neighbour_stopped_in_the_same_batch_does_not_run(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 4);
	unsigned ran = 0;

	for (unsigned i = 0; i < 4; i++) {
		p[i].then = stop_neighbours;
		p[i].arg = p;
		rota_timer_reset_at(&p[i].timer, TICK);
	}
	world_poll(w, 2 * TICK);
	assert_int_equal(w->fired, 1);
	for (unsigned i = 0; i < 4; i++) {
		ran += p[i].fires;
		assert_int_equal(
		    p[i].fires ? ROTA_PREVENTED : answer[i], ROTA_PREVENTED);
	}
	assert_int_equal(ran, 1);
	world_poll(w, 9 * TICK);
	assert_int_equal(w->fired, 1);
}

static void
stop_the_first(struct probe *p, rota_time now)
{
	struct probe *all = p->arg;

	(void)now;
	for (unsigned i = 0; i < 3; i++)
		if (&all[i] != p && all[i].fires)
			answer[i] = rota_timer_stop(&all[i].timer);
}

static void
a_neighbour_that_ran_before_is_not_pending(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 3);

	for (unsigned i = 0; i < 3; i++) {
		answer[i] = -1;
		p[i].then = stop_the_first;
		p[i].arg = p;
		rota_timer_reset_at(&p[i].timer, TICK);
	}
	world_poll(w, 2 * TICK);
	assert_int_equal(w->fired, 3);
	assert_int_equal(answer[w->order[0]], ROTA_NOT_PENDING);
	assert_int_equal(answer[w->order[1]], ROTA_NOT_PENDING);
}

static void
push_neighbours(struct probe *p, rota_time now)
{
	struct probe *all = p->arg;

	for (unsigned i = 0; i < 4; i++)
		if (&all[i] != p && !all[i].fires)
			answer[i] = rota_timer_reset_at(
			    &all[i].timer, now + 3 * TICK);
}

static void
a_neighbour_pushed_in_the_same_batch_fires_later(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 4);

	for (unsigned i = 0; i < 4; i++) {
		p[i].then = push_neighbours;
		p[i].arg = p;
		rota_timer_reset_at(&p[i].timer, TICK);
	}
	world_poll(w, 2 * TICK);
	assert_int_equal(w->fired, 1);
	world_poll(w, 5 * TICK - 1);
	assert_int_equal(w->fired, 1);
	world_poll(w, 5 * TICK);
	assert_int_equal(w->fired, 2);
}

/* The struct around the timer goes with it, in the callback. */
static void
free_self(struct rota_timer *t, rota_time now)
{
	struct probe *p = rota_container_of(t, struct probe, timer);

	(void)now;
	p->world->fired++;
	answer[0] = rota_timer_release(t);
	if (answer[0] == 0)
		free(p);
}

static void
a_callback_may_release_and_free_its_own_timer(void **state)
{
	struct world *w = *state;
	struct rota_kind k;

	assert_int_equal(
	    rota_kind_init(&k, w->shard,
		&(struct rota_kind_config){
		    .fire = free_self, .name = "own", .flags = w->row->kind }),
	    0);
	for (unsigned i = 0; i < 100; i++) {
		struct probe *p = calloc(1, sizeof(*p));

		p->world = w;
		assert_int_equal(rota_timer_init(&p->timer, &k), 0);
		rota_timer_reset_at(&p->timer, i % 10 * TICK);
	}
	assert_int_equal(rota_kind_release(&k), -EBUSY);
	world_poll(w, 10 * TICK);
	assert_int_equal(w->fired, 100);
	assert_int_equal(answer[0], 0);
	assert_int_equal(world_stat(w).timers, 0);
	assert_int_equal(rota_kind_release(&k), 0);
	w->fired = 0;
}

static void
free_after_rearming(struct rota_timer *t, rota_time now)
{
	rota_timer_reset_at(t, now + 5 * TICK);
	rota_timer_reset_at(t, now);
	free_self(t, now);
}

static void
a_callback_may_free_its_timer_after_arming_it_again(void **state)
{
	struct world *w = *state;
	struct rota_kind k;
	struct probe *p = calloc(1, sizeof(*p));

	rota_kind_init(&k, w->shard,
	    &(struct rota_kind_config){ .fire = free_after_rearming,
		.name = "own",
		.flags = w->row->kind });
	p->world = w;
	rota_timer_init(&p->timer, &k);
	rota_timer_reset_at(&p->timer, TICK);
	world_poll(w, TICK);
	assert_int_equal(w->fired, 1);
	assert_int_equal(answer[0], 0);
	world_poll(w, 9 * TICK);
	assert_int_equal(w->fired, 1);
	assert_int_equal(world_stat(w).live, 0);
	w->fired = 0;
}

static void
free_neighbours(struct probe *p, rota_time now)
{
	struct probe **all = p->arg;

	(void)now;
	for (unsigned i = 1; i < 4; i++) {
		answer[i] = rota_timer_release(&all[i]->timer);
		if (answer[i] == 0)
			free(all[i]);
	}
}

static void
a_callback_may_free_its_neighbours_of_the_same_batch(void **state)
{
	struct world *w = *state;
	struct probe *p[4];

	for (unsigned i = 0; i < 4; i++) {
		p[i] = malloc(sizeof(*p[i]));
		probe_init(w, p[i], i);
		/* the first is due before them, in the poll they all are */
		rota_timer_reset_at(&p[i]->timer, (i ? 2 : 1) * TICK);
	}
	p[0]->then = free_neighbours;
	p[0]->arg = p;
	world_poll(w, 3 * TICK);
	expect_fired(w, 0);
	for (unsigned i = 1; i < 4; i++)
		assert_int_equal(answer[i], 0);
	assert_int_equal(world_stat(w).stops, 3);
	rota_timer_release(&p[0]->timer);
	free(p[0]);
}

/* 65 timers armed in a callback, due now: more than are filed at once. */
static void
start_many(struct probe *p, rota_time now)
{
	struct probe *all = p->arg;

	for (unsigned i = 1; i <= 200; i++)
		rota_timer_reset_at(&all[i].timer, now);
}

static void
what_waits_for_the_next_poll_can_be_released_by_its_owner_at_once(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 201);

	w->kind.released = NULL; /* only the owner releases */
	p[0].then = start_many;
	p[0].arg = p;
	rota_timer_reset_at(&p[0].timer, TICK);
	world_poll(w, TICK);
	expect_fired(w, 0);
	for (unsigned i = 1; i <= 200; i++)
		assert_int_equal(rota_timer_release(&p[i].timer), 0);
	world_poll(w, 2 * TICK);
	expect_nothing(w);
}

static void
from_another_thread_the_answers_are_the_same(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 2);

	assert_int_equal(elsewhere_reset_at(&p[0].timer, 5 * TICK), 0);
	assert_int_equal(elsewhere_reset_at(&p[0].timer, 7 * TICK), 1);
	assert_int_equal(elsewhere_reset_at(&p[0].timer, 2 * TICK), 1);
	assert_int_equal(rota_timer_pending(&p[0].timer), 1);
	assert_int_equal(elsewhere_stop(&p[0].timer), ROTA_PREVENTED);
	assert_int_equal(elsewhere_stop(&p[0].timer), ROTA_NOT_PENDING);
	assert_int_equal(elsewhere_reset_at(&p[0].timer, 3 * TICK), 0);
	world_poll(w, 3 * TICK - 1);
	expect_nothing(w);
	world_poll(w, 3 * TICK);
	expect_fired(w, 0);
	/* now with an entry in the structure: later, and earlier */
	rota_timer_reset_at(&p[0].timer, 10 * TICK);
	rota_timer_reset_at(&p[1].timer, 10 * TICK);
	world_poll(w, 4 * TICK);
	assert_int_equal(elsewhere_reset_at(&p[0].timer, 12 * TICK), 1);
	assert_int_equal(elsewhere_reset_at(&p[1].timer, 6 * TICK), 1);
	world_poll(w, 6 * TICK);
	expect_fired(w, 1);
	world_poll(w, 11 * TICK);
	expect_nothing(w);
	world_poll(w, 12 * TICK);
	expect_fired(w, 0);
}

static void
owner_and_remote_take_turns_on_one_timer(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);
	uint64_t x = 20202;
	rota_time now = 0, d = 0;
	bool armed = false;

	for (int n = 0; n < 600; n++) {
		rota_time when = now + (rota_time)(random_next(&x) % 20) * TICK;
		int r;

		switch (random_next(&x) % 5) {
		case 0:
			r = elsewhere_reset_at(&p->timer, when);
			assert_int_equal(r, armed);
			armed = true;
			d = when;
			break;
		case 1:
			r = rota_timer_reset_at(&p->timer, when);
			assert_int_equal(r, armed);
			armed = true;
			d = when;
			break;
		case 2:
			assert_int_equal(elsewhere_stop(&p->timer), armed);
			armed = false;
			break;
		case 3:
			assert_int_equal(rota_timer_stop(&p->timer), armed);
			armed = false;
			break;
		case 4:
			now += (rota_time)(random_next(&x) % 6) * TICK;
			world_poll(w, now);
			assert_int_equal(w->fired, armed && d <= now);
			armed = armed && d > now;
			w->fired = 0;
			break;
		}
		assert_int_equal(rota_timer_pending(&p->timer), armed);
	}
}

static void
the_figures_balance_after_every_call(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 30);
	uint64_t x = 700;
	rota_time now = 0;

	for (int n = 0; n < 20000; n++) {
		struct rota_timer *t = &p[random_next(&x) % 30].timer;
		uint64_t live = 0;
		struct rota_stats s;

		switch (random_next(&x) % 8) {
		case 0:
			rota_timer_stop(t);
			break;
		case 1:
			now += (rota_time)(random_next(&x) % TICK);
			rota_shard_poll(w->shard, now, 7);
			break;
		case 2:
			rota_timer_release(t);
			rota_timer_init(t, &w->kind);
			break;
		default:
			rota_timer_reset_at(
			    t, now + (rota_time)(random_next(&x) % (9 * TICK)));
		}
		s = world_stat(w);
		for (unsigned i = 0; i < 30; i++)
			live += (uint64_t)rota_timer_pending(&p[i].timer);
		assert_int_equal(s.live, live);
		assert_int_equal(s.starts, s.fires + s.stops + s.live);
		assert_int_equal(s.fires, w->fired);
		assert_int_equal(s.timers, 30);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_timer_is_two_to_a_cache_line),
		EVERY_OWNED(a_new_timer_is_not_pending),
		EVERY_OWNED(a_double_start_arms_anew_and_says_so),
		EVERY_OWNED(the_second_of_two_stops_prevents_nothing),
		EVERY_OWNED(a_stop_after_firing_prevents_nothing),
		EVERY_OWNED(
		    a_start_after_a_stop_fires_once_at_the_new_deadline),
		EVERY_OWNED(a_stop_in_its_own_callback_is_too_late),
		EVERY_OWNED(
		    an_arming_of_its_own_in_the_callback_can_be_stopped_there),
		EVERY_OWNED(a_neighbour_stopped_in_the_same_batch_does_not_run),
		EVERY_OWNED(a_neighbour_that_ran_before_is_not_pending),
		EVERY_OWNED(a_neighbour_pushed_in_the_same_batch_fires_later),
		EVERY_OWNED(a_callback_may_release_and_free_its_own_timer),
		EVERY_OWNED(
		    a_callback_may_free_its_timer_after_arming_it_again),
		EVERY_OWNED(
		    a_callback_may_free_its_neighbours_of_the_same_batch),
		EVERY_OWNED(
		    what_waits_for_the_next_poll_can_be_released_by_its_owner_at_once),
		EVERY(from_another_thread_the_answers_are_the_same),
		EVERY(owner_and_remote_take_turns_on_one_timer),
		EVERY_OWNED(the_figures_balance_after_every_call),
	};

	return cmocka_run_group_tests_name("timer", tests, NULL, NULL);
}
