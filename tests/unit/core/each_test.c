/* SPDX-License-Identifier: MIT
 *
 * each_test.c - rota_shard_each(): a walk over what is armed.
 * Claims: each armed timer is shown once, with its kind and latest deadline,
 * wherever it waits: filed, staged, deferred, in the inbox; none that is
 * stopped is; the walk ends when it is told to; timers may be stopped in it,
 * and polls and the like are refused there; who may not is told so. What an
 * owner that has adopters learns in it, it does not sleep past.
 */
#include <errno.h>
#include <stdlib.h>

#include "tests/support/world.h"

static const struct world_row adopt_heap = { .backend = ROTA_HEAP,
	.flags = ROTA_ADOPT };
static const struct world_row adopt_wheel = { .backend = ROTA_WHEEL,
	.flags = ROTA_ADOPT };
static const struct world_row adopt_coarse = { .backend = ROTA_WHEEL_COARSE,
	.flags = ROTA_ADOPT };
static const struct world_row pair_heap = { .backend = ROTA_HEAP, .shards = 2 };

enum { SHOWN = 300 };

/* What a walk has shown. */
struct shown {
	struct world *w;
	unsigned times[SHOWN];
	unsigned calls, most; /* 0: no end */
	unsigned wrong;
	int (*also)(struct shown *sh, struct probe *p);
};

static int
show(void *arg, const struct rota_kind *k, struct rota_timer *t, rota_time when)
{
	struct shown *sh = arg;
	struct probe *p = rota_container_of(t, struct probe, timer);

	sh->wrong += k != &sh->w->kind || rota_timer_pending(t) != 1 ||
	    when != rota_timer_deadline(t);
	sh->times[p->id]++;
	sh->calls++;
	if (sh->also)
		return sh->also(sh, p);
	return sh->calls == sh->most;
}

static struct shown
walk(struct world *w)
{
	struct shown sh = { .w = w };
	unsigned n = 0;
	int r = rota_shard_each(w->shard, show, &sh);

	for (unsigned i = 0; i < SHOWN; i++) {
		assert_true(sh.times[i] <= 1);
		n += sh.times[i];
	}
	assert_int_equal(sh.wrong, 0);
	assert_int_equal(r, n);
	assert_int_equal(r, sh.calls);
	assert_int_equal(rota_shard_check(w->shard), 0);
	return sh;
}

static void
all_that_is_armed_is_shown_once(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, SHOWN);
	struct shown sh = walk(w);

	assert_int_equal(sh.calls, 0);
	for (unsigned i = 0; i < SHOWN; i++)
		rota_timer_reset_at(
		    &p[i].timer, i % 7 ? (i + 1) * TICK / 3 : ROTA_NEVER);
	sh = walk(w); /* some on the stage */
	assert_int_equal(sh.calls, SHOWN);
	world_poll(w, 0);
	for (unsigned i = 0; i < SHOWN; i += 3)
		rota_timer_stop(&p[i].timer);
	for (unsigned i = 1; i < SHOWN; i += 3)
		rota_timer_reset_at(&p[i].timer, 90 * ROTA_SECOND);
	sh = walk(w);
	for (unsigned i = 0; i < SHOWN; i++)
		assert_int_equal(sh.times[i], i % 3 != 0);
	while (rota_shard_poll(w->shard, 20 * TICK, 3) == 1)
		(void)walk(w); /* in the middle of a slot */
	sh = walk(w);
	for (unsigned i = 0; i < SHOWN; i++)
		assert_int_equal(sh.times[i], rota_timer_pending(&p[i].timer));
	assert_true(w->fired > 0);
	w->fired = 0;
}

static void
arms_for_now(struct probe *p, rota_time now)
{
	rota_timer_reset_at(&p[1].timer, now); /* due: deferred */
	rota_timer_reset_at(&p[2].timer, 0);
}

static void
what_a_callback_armed_for_the_past_is_shown(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 3);
	struct shown sh;

	p->then = arms_for_now;
	rota_timer_reset_at(&p->timer, TICK);
	rota_shard_poll(w->shard, 3 * TICK, 0);
	expect_fired(w, 0);
	sh = walk(w);
	assert_int_equal(sh.calls, 2);
	assert_int_equal(sh.times[0], 0);
	world_poll(w, 3 * TICK);
	assert_int_equal(w->fired, 2);
	w->fired = 0;
}

static void
what_others_have_armed_is_shown(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 9);
	struct shown sh;

	world_poll(w, 0);
	for (unsigned i = 0; i < 6; i++)
		elsewhere_reset_at(&p[i].timer, 5 * TICK);
	/* some were taken from the inbox, but are not filed */
	assert_int_equal(rota_shard_poll(w->shard, TICK, 2), 1);
	elsewhere_reset_at(&p[6].timer, 3 * TICK);
	elsewhere_reset_at(&p[7].timer, 3 * TICK);
	elsewhere_stop(&p[7].timer);
	elsewhere_release(&p[8].timer);
	sh = walk(w);
	assert_int_equal(sh.calls, 7);
	assert_int_equal(w->freed, 1);
	/* and it still comes up */
	world_poll(w, 4 * TICK);
	expect_fired(w, 6);
	world_poll(w, 5 * TICK);
	assert_int_equal(w->fired, 6);
	w->fired = 0;
}

static int
stop_it_and_the_next(struct shown *sh, struct probe *p)
{
	struct probe *all = sh->w->probes;

	sh->wrong += rota_timer_stop(&p->timer) != ROTA_PREVENTED;
	if (p->id + 1 < SHOWN)
		rota_timer_stop(&all[p->id + 1].timer);
	return 0;
}

static void
timers_may_be_stopped_in_a_walk(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, SHOWN);
	struct shown sh = { .w = w, .also = stop_it_and_the_next };
	int n;

	for (unsigned i = 0; i < SHOWN; i++)
		rota_timer_reset_at(&p[i].timer, (i + 1) * TICK);
	n = rota_shard_each(w->shard, show, &sh);
	assert_int_equal(sh.wrong, 0);
	assert_int_equal(n, sh.calls);
	assert_true(n >= SHOWN / 2 && n < SHOWN);
	assert_int_equal(world_stat(w).live, 0);
	assert_int_equal(world_stat(w).stops, SHOWN);
	sh = walk(w);
	assert_int_equal(sh.calls, 0);
	world_poll(w, SHOWN * TICK);
	expect_nothing(w);
}

static void
a_walk_ends_when_it_is_told_to(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, SHOWN);
	struct shown sh = { .w = w, .most = 7 };

	for (unsigned i = 0; i < SHOWN; i++)
		rota_timer_reset_at(&p[i].timer, (i + 1) * TICK);
	assert_int_equal(rota_shard_each(w->shard, show, &sh), 7);
	assert_int_equal(sh.calls, 7);
	assert_int_equal(walk(w).calls, SHOWN);
}

static int
all_is_refused(struct shown *sh, struct probe *p)
{
	struct rota_shard *s = sh->w->shard;
	struct rota_timer *out[1];

	(void)p;
	sh->wrong += rota_shard_poll(s, 0, 0) != -EDEADLK;
	sh->wrong += rota_shard_poll_batch(s, 0, 0, out, 1) != -EDEADLK;
	sh->wrong += rota_shard_armed(s, 0) != -EDEADLK;
	sh->wrong += rota_shard_each(s, show, sh) != -EDEADLK;
	sh->wrong += rota_shard_park(s) != -EDEADLK;
	sh->wrong += rota_shard_detach(s) != -EDEADLK;
	sh->wrong += rota_engine_destroy(sh->w->engine, ROTA_DROP) != -EDEADLK;
	return 1;
}

static void
walk_in_a_callback(struct probe *p, rota_time now)
{
	(void)now;
	*(int *)p->arg = rota_shard_each(p->world->shard, show, NULL);
}

struct there {
	struct rota_shard *s;
	int r;
};

static void
walk_there(void *arg)
{
	struct there *there = arg;

	there->r = rota_shard_each(there->s, show, NULL);
}

static void
who_may_not_is_told_so(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 2);
	struct shown sh = { .w = w, .also = all_is_refused };
	struct there there = { w->shard, 1 };
	int r = 1;

	assert_int_equal(rota_shard_each(NULL, show, NULL), -EINVAL);
	assert_int_equal(rota_shard_each(w->shard, NULL, NULL), -EINVAL);
	elsewhere(walk_there, &there);
	assert_int_equal(there.r, -EPERM);
	rota_timer_reset_at(&p[0].timer, TICK);
	rota_timer_reset_at(&p[1].timer, 9 * TICK);
	assert_int_equal(rota_shard_each(w->shard, show, &sh), 1);
	assert_int_equal(sh.calls, 1);
	assert_int_equal(sh.wrong, 0);
	p->then = walk_in_a_callback;
	p->arg = &r;
	world_poll(w, TICK);
	expect_fired(w, 0);
	assert_int_equal(r, -EDEADLK);
	assert_int_equal(walk(w).calls, 1);
}

/* In a walk over one shard a poll of another, whose callback polls the
 * first. */
static void
polls_the_first(struct probe *p, rota_time now)
{
	*(int *)p->arg = rota_shard_poll(p->world->shard, now, 0);
}

static int
poll_the_second(struct shown *sh, struct probe *p)
{
	(void)p;
	sh->wrong += rota_shard_poll(
			 rota_engine_shard(sh->w->engine, 1), TICK, 0) != 0;
	return 0;
}

static void
nor_by_way_of_another_shard(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);
	struct shown sh = { .w = w, .also = poll_the_second };
	struct probe other = { .world = w, .id = 1, .then = polls_the_first };
	struct rota_shard *second = rota_engine_shard(w->engine, 1);
	struct rota_kind k;
	int r = 1;

	other.arg = &r;
	assert_int_equal(rota_shard_attach(second), 0);
	assert_int_equal(rota_kind_init(&k, second,
			     &(struct rota_kind_config){ .fire = probe_fire }),
	    0);
	assert_int_equal(rota_timer_init(&other.timer, &k), 0);
	rota_timer_reset_at(&other.timer, TICK);
	rota_timer_reset_at(&p->timer, TICK);
	assert_int_equal(rota_shard_each(w->shard, show, &sh), 1);
	assert_int_equal(sh.wrong, 0);
	expect_fired(w, 1);
	assert_int_equal(r, -EDEADLK);
	world_poll(w, TICK);
	expect_fired(w, 0);
	assert_int_equal(rota_timer_release(&other.timer), 0);
}

static void
an_owner_with_adopters_does_not_sleep_past_what_it_saw(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);
	rota_time until;

	while (rota_shard_poll(w->shard, 0, 0))
		;
	elsewhere_reset_at(&p->timer, 5 * TICK);
	assert_int_equal(walk(w).calls, 1);
	assert_true(rota_shard_next(w->shard) <= 5 * TICK);
	until = rota_shard_park(w->shard);
	assert_true(until <= 5 * TICK);
	while (rota_shard_poll(w->shard, 5 * TICK, 0))
		;
	expect_fired(w, 0);
}

/* clang-format off: a # that begins a line */
#define ROW(f, row)                                               \
	{                                                         \
#f " [" #row "]", f, world_setup, world_teardown, \
		    (void *)(uintptr_t)&row                       \
	}
/* clang-format on */

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		EVERY_OWNED(all_that_is_armed_is_shown_once),
		EVERY_OWNED(what_a_callback_armed_for_the_past_is_shown),
		EVERY(what_others_have_armed_is_shown),
		EVERY_OWNED(timers_may_be_stopped_in_a_walk),
		EVERY_OWNED(a_walk_ends_when_it_is_told_to),
		EVERY_OWNED(who_may_not_is_told_so),
		ROW(nor_by_way_of_another_shard, pair_heap),
		ROW(an_owner_with_adopters_does_not_sleep_past_what_it_saw,
		    adopt_heap),
		ROW(an_owner_with_adopters_does_not_sleep_past_what_it_saw,
		    adopt_wheel),
		ROW(an_owner_with_adopters_does_not_sleep_past_what_it_saw,
		    adopt_coarse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
