/* SPDX-License-Identifier: MIT
 *
 * release_test.c - rota_timer_release(): when the memory is yours again.
 * Claims: at once on the owner, unless another thread is just pushing the
 * timer; from another thread by `released`, once, in a poll of the owner or
 * at the end of the engine; whatever the release prevented does not run; a
 * shard whose `released` polls another one is not entered again from there.
 */
#include <errno.h>
#include <stdlib.h>

#include "tests/support/world.h"

static void
on_the_owner_it_is_yours_at_once(void **state)
{
	struct world *w = *state;

	for (unsigned i = 0; i < 6; i++) {
		struct probe *p = malloc(sizeof(*p));

		probe_init(w, p, 0);
		if (i >= 1)
			rota_timer_reset_at(&p->timer, 5 * TICK);
		if (i >= 2) /* filed */
			world_poll(w, 0);
		if (i == 3)
			rota_timer_stop(&p->timer); /* a zombie */
		if (i == 4)
			rota_timer_reset_at(&p->timer, 2 * TICK); /* staged */
		if (i == 5)
			rota_timer_reset_at(&p->timer, 9 * TICK); /* pushed */
		assert_int_equal(rota_timer_release(&p->timer), 0);
		free(p);
		assert_int_equal(rota_shard_check(w->shard), 0);
	}
	assert_int_equal(w->freed, 0);
	world_poll(w, 20 * TICK);
	expect_nothing(w);
	assert_int_equal(world_stat(w).timers, 0);
	assert_int_equal(world_stat(w).entries, 0);
	assert_int_equal(world_stat(w).stops, 5);
}

static void
from_another_thread_it_comes_back_in_a_poll(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 4);

	rota_timer_reset_at(&p[1].timer, 5 * TICK);
	rota_timer_reset_at(&p[2].timer, 5 * TICK);
	world_poll(w, 0);
	rota_timer_stop(&p[2].timer);
	elsewhere_reset_at(&p[3].timer, TICK); /* it waits in the inbox */
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(elsewhere_release(&p[i].timer), 1);
	assert_int_equal(w->freed, 0);
	assert_int_equal(world_stat(w).timers, 4);
	world_poll(w, 0);
	assert_int_equal(w->freed, 4);
	assert_int_equal(world_stat(w).timers, 0);
	assert_int_equal(world_stat(w).entries, 0);
	assert_int_equal(world_stat(w).stops, 3);
	world_poll(w, 20 * TICK);
	expect_nothing(w);
	assert_int_equal(w->freed, 4);
}

static void
nothing_is_possible_once_it_was_asked_for(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);

	rota_timer_reset_at(&p->timer, 5 * TICK);
	world_poll(w, 0);
	assert_int_equal(elsewhere_release(&p->timer), 1);
	assert_int_equal(rota_timer_pending(&p->timer), 0);
	assert_int_equal(rota_timer_reset_at(&p->timer, TICK), -EINVAL);
	assert_int_equal(elsewhere_reset_at(&p->timer, TICK), -EINVAL);
	assert_int_equal(rota_timer_stop(&p->timer), ROTA_NOT_PENDING);
	assert_int_equal(rota_timer_release(&p->timer), -EINVAL);
	assert_int_equal(elsewhere_release(&p->timer), -EINVAL);
	world_poll(w, 9 * TICK);
	assert_int_equal(w->freed, 1);
	expect_nothing(w);
}

static void
what_another_thread_is_pushing_comes_back_later(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);

	elsewhere_reset_at(&p->timer, TICK);
	assert_int_equal(rota_timer_release(&p->timer), 1);
	assert_int_equal(w->freed, 0);
	world_poll(w, TICK);
	assert_int_equal(w->freed, 1);
	expect_nothing(w);
}

static struct rota_kind own_kind;

/* The probe @p gets a kind of its own, with @fire. A kind is not changed once
 * it is initialised: a debug build would take its memory for reused. */
static void
fires_by(struct world *w, struct probe *p, struct rota_kind *k,
    void (*fire)(struct rota_timer *t, rota_time now))
{
	assert_int_equal(rota_timer_release(&p->timer), 0);
	assert_int_equal(rota_kind_init(k, w->shard,
			     &(struct rota_kind_config){ .fire = fire,
				 .released = probe_released,
				 .name = "probe",
				 .flags = w->row->kind }),
	    0);
	rota_timer_init(&p->timer, k);
}

static void
released_while_it_runs(struct rota_timer *t, rota_time now)
{
	struct world *w = rota_container_of(t, struct probe, timer)->world;

	rota_timer_reset_at(t, now + TICK); /* on the stage */
	assert_int_equal(elsewhere_release(t), 1);
	rota_shard_next(w->shard); /* files it */
	assert_int_equal(w->freed, 0);
	assert_int_equal(rota_timer_reset_at(t, now), -EINVAL);
}

static void
it_does_not_come_back_inside_its_own_callback(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);

	fires_by(w, p, &own_kind, released_while_it_runs);
	rota_timer_reset_at(&p->timer, TICK);
	world_poll(w, TICK);
	assert_int_equal(w->freed, 1); /* at the end of that poll */
	expect_nothing(w);
}

static unsigned counted;

static void
fire_counted(struct rota_timer *t, rota_time now)
{
	(void)t;
	(void)now;
	counted++;
}

static int verdict;

static void
replaced_while_it_runs(struct rota_timer *t, rota_time now)
{
	struct world *w = rota_container_of(t, struct probe, timer)->world;

	(void)now;
	assert_int_equal(elsewhere_stop(t), ROTA_RUNNING);
	assert_int_equal(rota_timer_release(t), 0);
	assert_int_equal(rota_timer_init(t, &w->kind), 0);
	verdict = elsewhere_stop(t);
}

static void
a_new_timer_at_the_place_of_one_that_runs_does_not_run(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);

	fires_by(w, p, &own_kind, replaced_while_it_runs);
	rota_timer_reset_at(&p->timer, TICK);
	world_poll(w, TICK);
	assert_int_equal(verdict, ROTA_NOT_PENDING);
	expect_nothing(w);
}

static struct rota_timer early; /* of a confined kind */

static void
released_and_arms(struct rota_timer *t)
{
	rota_timer_reset_at(&early, 5 * TICK);
	probe_released(t);
}

/* Due at that very poll, where its neighbour lies in the same slot. */
static void
what_released_arms_waits_for_the_next_poll(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 2);
	struct rota_kind k;

	rota_kind_init(&k, w->shard,
	    &(struct rota_kind_config){ .fire = fire_counted,
		.name = "early",
		.flags = ROTA_CONFINED });
	rota_timer_init(&early, &k);
	rota_timer_reset_at(&p[1].timer, 5 * TICK);
	world_poll(w, 0);
	w->kind.released = released_and_arms;
	assert_int_equal(elsewhere_release(&p[0].timer), 1);
	counted = 0;
	world_poll(w, 10 * TICK);
	assert_int_equal(w->freed, 1);
	expect_fired(w, 1);
	assert_int_equal(counted, 0);
	world_poll(w, 10 * TICK);
	assert_int_equal(counted, 1);
	rota_timer_release(&early);
	rota_kind_release(&k);
}

static struct rota_shard *outer, *inner;
static struct rota_timer on_inner;
static int through_another;

static void
polls_outer(struct rota_timer *t, rota_time now)
{
	(void)t;
	through_another = rota_shard_poll(outer, now, 0);
}

static void
released_then_polls_inner(struct rota_timer *t, rota_time now)
{
	assert_int_equal(rota_timer_release(t), 0);
	rota_timer_reset_at(&on_inner, now);
	rota_shard_poll(inner, now + 9 * TICK, 0); /* also a coarse wheel */
}

/* Nor can its shard be polled from inside, though the timer is gone. */
static void
its_callback_is_one_to_the_end(void **state)
{
	struct world *w = *state;
	struct rota_config c = world_config(w);
	struct probe *p = world_probes(w, 1);
	struct rota_engine *e;
	struct rota_kind k;

	assert_int_equal(rota_engine_create(&e, &c), 0);
	outer = w->shard;
	inner = rota_engine_shard(e, 0);
	assert_int_equal(rota_shard_attach(inner), 0);
	rota_kind_init(&k, inner,
	    &(struct rota_kind_config){ .fire = polls_outer, .name = "inner" });
	rota_timer_init(&on_inner, &k);
	through_another = 0;
	fires_by(w, p, &own_kind, released_then_polls_inner);
	rota_timer_reset_at(&p->timer, TICK);
	world_poll(w, 3 * TICK);
	assert_int_equal(through_another, -EDEADLK);
	rota_engine_destroy(e, ROTA_DROP);
	expect_nothing(w);
}

static void
without_released_only_the_owner_can(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);

	w->kind.released = NULL;
	assert_int_equal(elsewhere_release(&p->timer), -EINVAL);
	elsewhere_reset_at(&p->timer, TICK);
	/* it would have to wait for the inbox */
	assert_int_equal(rota_timer_release(&p->timer), -EAGAIN);
	assert_int_equal(rota_timer_pending(&p->timer), 1); /* unchanged */
	world_poll(w, 0);
	assert_int_equal(rota_timer_release(&p->timer), 0);
	world_poll(w, 2 * TICK);
	expect_nothing(w);
}

static void
the_end_of_the_engine_gives_back_what_waited(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 3);

	rota_timer_reset_at(&p[0].timer, TICK);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(elsewhere_release(&p[i].timer), 1);
	assert_int_equal(world_destroy(w, ROTA_REFUSE), 0);
	assert_int_equal(w->freed, 3);
	assert_int_equal(w->leaks, 0);
}

/* `released` may use the library too. */
static struct probe *second;

static void
released_and_more(struct rota_timer *t)
{
	struct probe *p = rota_container_of(t, struct probe, timer);

	p->world->freed++;
	rota_timer_reset_at(&second->timer, TICK);
	rota_timer_release(&(second + 1)->timer);
	p->world->kind.released = probe_released;
	probe_init(p->world, p, 7); /* the memory is ours again */
	rota_timer_reset_at(&p->timer, TICK);
}

static void
released_may_arm_release_and_make_the_timer_anew(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 3);

	second = &p[1];
	rota_timer_reset_at(&p[2].timer, TICK);
	world_poll(w, 0);
	w->kind.released = released_and_more;
	assert_int_equal(elsewhere_release(&p[0].timer), 1);
	world_poll(w, 0);
	assert_int_equal(w->freed, 1);
	expect_nothing(w);
	world_poll(w, TICK);
	assert_int_equal(w->fired, 2);
	assert_int_equal(p[0].fires + p[1].fires, 2);
	assert_int_equal(world_stat(w).timers, 2);
	w->fired = 0;
}

static void
poll_inside(struct rota_timer *t)
{
	struct world *w = rota_container_of(t, struct probe, timer)->world;

	w->freed += rota_shard_poll(w->shard, TICK, 0) == -EDEADLK &&
	    rota_engine_destroy(w->engine, ROTA_DROP) == -EDEADLK;
}

static void
released_is_a_callback_too(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);

	w->kind.released = poll_inside;
	assert_int_equal(elsewhere_release(&p->timer), 1);
	world_poll(w, 0);
	assert_int_equal(w->freed, 1);
}

/* The owner armed it, another thread gave it back: whatever call of the owner
 * files what it armed completes that, and is a callback meanwhile. */
static void
released_outside_of_a_poll_is_a_callback_too(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 90);

	w->kind.released = poll_inside;
	/* What is filed and moves earlier is staged. */
	for (unsigned i = 0; i < 90; i++)
		rota_timer_reset_at(&p[i].timer, 20000 * TICK);
	assert_int_equal(rota_shard_poll(w->shard, 0, 0), 0);
	for (unsigned call = 0; call < 4; call++) {
		unsigned next = 8 + call;

		rota_timer_reset_at(&p[call].timer, 9 * TICK);
		assert_int_equal(elsewhere_release(&p[call].timer), 1);
		assert_int_equal(w->freed, call);
		if (call == 0)
			rota_shard_next(w->shard);
		else if (call == 1)
			rota_shard_park(w->shard);
		else if (call == 2)
			rota_shard_check(w->shard);
		else /* as many as are staged at most */
			for (; next < 90; next++)
				rota_timer_reset_at(&p[next].timer, 9 * TICK);
		assert_int_equal(w->freed, call + 1);
		assert_int_equal(rota_shard_poll(w->shard, 0, 0), 0);
	}
	w->kind.released = probe_released;
}

static void
a_kind_can_go_when_its_last_timer_came_back(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);

	assert_int_equal(elsewhere_release(&p->timer), 1);
	assert_int_equal(rota_kind_release(&w->kind), -EBUSY);
	world_poll(w, 0);
	assert_int_equal(rota_kind_release(&w->kind), 0);
}

/* Made and given back without end: neither memory nor figures grow. */
static void
a_life_leaves_nothing_behind(void **state)
{
	struct world *w = *state;
	struct probe *p = malloc(10 * sizeof(*p));
	uint64_t x = 3, calls = 0;

	for (unsigned n = 0; n < 20000; n++) {
		struct probe *one = &p[n % 10];

		if (n >= 10) {
			int r = rota_timer_release(&one->timer);

			while (r == 1 && one->timer.r_kind)
				world_poll(w, 0);
		}
		if (n == 100)
			calls = w->mem.calls;
		probe_init(w, one, n % 10);
		switch (random_next(&x) % 4) {
		case 0:
			break;
		case 1:
			rota_timer_reset_at(&one->timer, 5 * TICK);
			break;
		case 2:
			rota_timer_reset_at(&one->timer,
			    (rota_time)(random_next(&x) % (1000 * TICK)));
			world_poll(w, 0);
			break;
		case 3:
			if (n % 50 == 0)
				elsewhere_reset_at(&one->timer, 3 * TICK);
			break;
		}
	}
	assert_int_equal(w->mem.calls, calls);
	assert_int_equal(world_stat(w).timers, 10);
	assert_in_range(world_stat(w).entries, 0, 10);
	world_destroy(w, ROTA_DROP);
	free(p);
	w->fired = 0;
}

/* A `released` of one shard polls another, whose callback comes back. */
static struct world *nested;
static struct rota_shard *beside;
static int came_back[2];

static void
comes_back(struct rota_timer *t, rota_time now)
{
	(void)t;
	came_back[0] = rota_shard_poll(nested->shard, now, 0);
	came_back[1] = rota_shard_armed(nested->shard, now);
}

static void
polls_beside(struct rota_timer *t)
{
	(void)t;
	assert_int_equal(rota_shard_poll(beside, TICK, 0), 0);
}

static void
a_shard_is_not_entered_again_through_another(void **state)
{
	struct rota_kind first, other;
	struct rota_timer gone, due;

	nested = *state;
	beside = rota_engine_shard(nested->engine, 1);
	assert_int_equal(rota_shard_attach(beside), 0);
	assert_int_equal(rota_kind_init(&first, nested->shard,
			     &(struct rota_kind_config){ .fire = comes_back,
				 .released = polls_beside,
				 .name = "first" }),
	    0);
	assert_int_equal(rota_kind_init(&other, beside,
			     &(struct rota_kind_config){
				 .fire = comes_back, .name = "other" }),
	    0);
	assert_int_equal(rota_timer_init(&gone, &first), 0);
	assert_int_equal(rota_timer_init(&due, &other), 0);
	rota_timer_reset_at(&due, 1);
	assert_int_equal(elsewhere_release(&gone), 1);
	came_back[0] = came_back[1] = 0;
	world_poll(nested, TICK);
	assert_int_equal(came_back[0], -EDEADLK);
	assert_int_equal(came_back[1], -EDEADLK);
	assert_int_equal(rota_shard_poll(beside, TICK, 0), 0);
	world_poll(nested, 2 * TICK);
	assert_int_equal(rota_timer_release(&due), 0);
	assert_int_equal(rota_kind_release(&first), 0);
	assert_int_equal(rota_kind_release(&other), 0);
	assert_int_equal(rota_shard_detach(beside), 0);
}

static const struct world_row world_two_heap = { .backend = ROTA_HEAP,
	.shards = 2 };
static const struct world_row world_two_wheel = { .backend = ROTA_WHEEL,
	.shards = 2 };
static const struct world_row world_two_coarse = { .backend = ROTA_WHEEL_COARSE,
	.shards = 2 };

static struct rota_shard *released_on;
static int polled;

static void
polls(struct rota_timer *t)
{
	(void)t;
	polled = rota_shard_poll(released_on, 5 * TICK, 0);
}

/* On an idle shard, by a call that is no poll. */
static void
on_an_idle_shard_too_no_released_may_poll(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);
	struct rota_kind k;
	struct rota_timer t;

	polled = 0;
	released_on = w->shard;
	assert_int_equal(
	    rota_kind_init(&k, w->shard,
		&(struct rota_kind_config){
		    .fire = probe_fire, .released = polls, .name = "k" }),
	    0);
	assert_int_equal(rota_timer_init(&t, &k), 0);
	rota_timer_reset_at(&p->timer, 100 * TICK);
	world_poll(w, 1);
	assert_int_equal(elsewhere_release(&t), 1);
	assert_true(rota_shard_armed(w->shard, 50 * TICK) >= 0);
	assert_int_equal(polled, -EDEADLK);
	assert_int_equal(rota_shard_now(w->shard), 1);
	rota_kind_release(&k);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		EVERY_OWNED(on_the_owner_it_is_yours_at_once),
		EVERY(from_another_thread_it_comes_back_in_a_poll),
		EVERY(nothing_is_possible_once_it_was_asked_for),
		EVERY(what_another_thread_is_pushing_comes_back_later),
		EVERY(it_does_not_come_back_inside_its_own_callback),
		EVERY(a_new_timer_at_the_place_of_one_that_runs_does_not_run),
		EVERY(what_released_arms_waits_for_the_next_poll),
		EVERY(its_callback_is_one_to_the_end),
		EVERY(without_released_only_the_owner_can),
		EVERY(the_end_of_the_engine_gives_back_what_waited),
		EVERY(released_may_arm_release_and_make_the_timer_anew),
		EVERY(released_is_a_callback_too),
		EVERY(released_outside_of_a_poll_is_a_callback_too),
		EVERY(on_an_idle_shard_too_no_released_may_poll),
		EVERY(a_kind_can_go_when_its_last_timer_came_back),
		EVERY(a_life_leaves_nothing_behind),
		ON(a_shard_is_not_entered_again_through_another, two_heap),
		ON(a_shard_is_not_entered_again_through_another, two_wheel),
		ON(a_shard_is_not_entered_again_through_another, two_coarse),
	};

	return cmocka_run_group_tests_name("release", tests, NULL, NULL);
}
