/* SPDX-License-Identifier: MIT
 *
 * trim_test.c - inits that meet a trimming.
 * Claims: an init that has counted its timer has room for it, wherever the
 * trimming stands; none waits for more than a few stores.
 */
#include <errno.h>
#include <stdlib.h>

#include "tests/gate/acts.h"

/* Timers that go, and that stay: all of the room, so that one more is beyond
 * what the trimming lowers it to. */
#ifdef ROTA_HOSTILE
enum { PEAK = 4000, STAY = 40 };
#else
enum { PEAK = 40000, STAY = 40 };
#endif

static const struct world_row world_pair_heap = { .backend = ROTA_HEAP,
	.shards = 2 };
static const struct world_row world_pair_wheel = { .backend = ROTA_WHEEL,
	.shards = 2 };
static const struct world_row world_pair_coarse = {
	.backend = ROTA_WHEEL_COARSE,
	.shards = 2
};
#define PAIR_EVERY(test) \
	ON(test, pair_heap), ON(test, pair_wheel), ON(test, pair_coarse)

static void
act_trim(void *arg)
{
	struct act *a = arg;
	int64_t r = rota_shard_attach(a->shard);

	if (!r)
		r = rota_shard_trim(a->shard);
	if (r >= 0)
		rota_shard_detach(a->shard);
	word_store(&a->r, (uint64_t)r, relaxed);
}

/* STAY timers, after a peak of PEAK. */
static struct probe *
after_peak(struct world *w)
{
	struct probe *p = world_probes(w, PEAK);

	for (unsigned i = 0; i < PEAK; i++)
		rota_timer_reset_at(&p[i].timer, (1 + i % STAY) * TICK);
	world_poll(w, 0);
	for (unsigned i = STAY; i < PEAK; i++)
		assert_int_equal(rota_timer_release(&p[i].timer), 0);
	return p;
}

/* All @n timers at @t find room at once. */
static void
expect_room(struct world *w, struct probe *p, struct rota_timer *t)
{
	world_poll(w, 0);
	rota_timer_reset_at(t, 50 * TICK);
	for (unsigned i = 0; i < STAY; i++)
		rota_timer_reset_at(&p[i].timer, (1 + i) * TICK / 2);
	world_poll(w, 0);
	assert_int_equal(rota_shard_check(w->shard), 0);
	assert_true(world_stat(w).timers <= w->shard->room);
	world_poll(w, 50 * TICK);
	assert_int_equal(w->fired, STAY + 1);
	w->fired = 0;
}

/* The init has counted its timer; then all of a trimming comes. */
static void
who_has_counted_is_found(void **state)
{
	struct world *w = *state;
	struct rota_shard *s = w->shard;
	struct probe *p = after_peak(w), more = { .world = w, .id = PEAK };
	struct act init = { .t = &more.timer, .kind = &w->kind };
	struct gated *i = gate_open(act_init, &init);

	assert_true(gate_to(i, &s->room, ATOMIC_LOAD, 1));
	assert_true(rota_shard_trim(s) > 0);
	assert_int_equal(s->room, STAY + 1);
	gate_end(i);
	assert_int_equal(answered(&init), 0);
	expect_room(w, p, &more.timer);
}

/* The trimming has asked how many there are, but not counted again after it
 * lowered the room. */
static void
who_counts_between_the_steps_is_found(void **state)
{
	struct world *w = *state;
	struct rota_shard *s = w->shard;
	struct probe *p = after_peak(w), more = { .world = w, .id = PEAK };
	struct act init = { .t = &more.timer, .kind = &w->kind };
	struct act trim = { .shard = s };
	struct gated *i, *t;

	assert_int_equal(rota_shard_detach(s), 0);
	t = gate_open(act_trim, &trim);
	assert_true(gate_to(t, &s->room, ATOMIC_STORE, 1));
	i = gate_open(act_init, &init);
	/* With what was the room. */
	gate_end(i);
	assert_int_equal(answered(&init), 0);
	gate_end(t);
	assert_true(answered(&trim) > 0);
	assert_int_equal(s->room, STAY + 1);
	assert_int_equal(rota_shard_attach(s), 0);
	expect_room(w, p, &more.timer);
}

/* The room is lowered, and not counted again yet. */
static void
who_finds_the_room_lowered_makes_some(void **state)
{
	struct world *w = *state;
	struct rota_shard *s = w->shard;
	struct probe *p = after_peak(w), more = { .world = w, .id = PEAK };
	struct act init = { .t = &more.timer, .kind = &w->kind };
	struct act trim = { .shard = s };
	struct gated *i, *t;

	assert_int_equal(rota_shard_detach(s), 0);
	t = gate_open(act_trim, &trim);
	/* It asked for the count before. */
	assert_true(gate_to(t, &s->timers, ATOMIC_LOAD, 2));
	i = gate_open(act_init, &init);
	assert_true(gate_to(i, &s->lock, ATOMIC_LOCK, 1));
	/* The trimming finds it, puts the room back and begins anew; it has
	 * the mutex between two steps no more. */
	gate_end(t);
	assert_true(answered(&trim) > 0);
	gate_end(i);
	assert_int_equal(answered(&init), 0);
	assert_int_equal(rota_shard_attach(s), 0);
	expect_room(w, p, &more.timer);
}

/* The room is lowered and all is being moved: an init that needs more calls it
 * off, and waits for nothing. */
static void
who_makes_room_meanwhile_calls_it_off(void **state)
{
	struct world *w = *state;
	struct rota_shard *s = w->shard;
	struct probe *p = after_peak(w), more = { .world = w, .id = PEAK };
	struct act init = { .t = &more.timer, .kind = &w->kind };
	struct act trim = { .shard = s };
	struct gated *i, *t;
	uint64_t room = s->room;

	assert_int_equal(rota_shard_detach(s), 0);
	t = gate_open(act_trim, &trim);
	/* To attach, to begin, to end. */
	assert_true(gate_to(t, &s->lock, ATOMIC_LOCK, 3));
	assert_int_equal(word_load(&s->room, relaxed), STAY);
	i = gate_open(act_init, &init);
	gate_end(i);
	assert_int_equal(answered(&init), 0);
	assert_int_equal(
	    word_load(&s->room, relaxed), room); /* its blocks are all there */
	gate_end(t);
	assert_true(answered(&trim) > 0); /* at its second try */
	assert_int_equal(s->room, STAY + 1);
	assert_int_equal(rota_shard_attach(s), 0);
	expect_room(w, p, &more.timer);
}

/* It has counted, beyond the room, and waits to make some: that is not there
 * yet. */
static void
who_waits_to_make_room_has_none(void **state)
{
	struct world *w = *state;
	struct rota_shard *s = w->shard;
	struct probe *p = after_peak(w), more = { .world = w, .id = PEAK };
	struct act init = { .t = &more.timer, .kind = &w->kind };
	struct gated *i;

	assert_true(rota_shard_trim(s) > 0);
	i = gate_open(act_init, &init);
	assert_true(gate_to(i, &s->lock, ATOMIC_LOCK, 1));
	assert_int_equal(rota_shard_trim(s), 0);
	assert_int_equal(word_load(&s->room, relaxed), STAY);
	gate_end(i);
	assert_int_equal(answered(&init), 0);
	assert_true(s->room > STAY);
	expect_room(w, p, &more.timer);
}

/* A retirement counts what it moves, then asks the heir for room. */
static void
what_moves_to_a_shard_that_trims_has_room(void **state)
{
	struct world *w = *state;
	struct rota_shard *s = w->shard, *old = rota_engine_shard(w->engine, 1);
	struct probe *p = after_peak(w);
	struct probe t[3 * STAY];
	struct rota_kind k;
	struct act retire = { .shard = old, .target = s };
	struct gated *r;

	simple_kind(&k, old);
	for (unsigned n = 0; n < 3 * STAY; n++) {
		t[n] = (struct probe){ .world = w, .id = PEAK + n };
		assert_int_equal(rota_timer_init(&t[n].timer, &k), 0);
	}
	r = gate_open(act_retire, &retire);
	assert_true(gate_to(r, &s->room, ATOMIC_LOAD, 1));
	assert_true(rota_shard_trim(s) > 0);
	assert_true(word_load(&s->room, relaxed) >= 4 * STAY);
	gate_end(r);
	assert_int_equal(answered(&retire), 0);
	expect_room(w, p, &t[0].timer);
	for (unsigned n = 0; n < 3 * STAY; n++)
		assert_int_equal(rota_timer_release(&t[n].timer), 0);
}

/* A poll does not wait for who has the mutex: the next one has a look. */
static void
a_poll_waits_for_no_init(void **state)
{
	struct world *w = *state;
	struct rota_shard *s = w->shard;
	struct probe *p = after_peak(w), more = { .world = w, .id = PEAK };
	struct act init = { .t = &more.timer, .kind = &w->kind };
	struct gated *i;

	assert_true(rota_shard_trim(s) > 0);
	i = gate_open(act_init, &init);
	assert_true(gate_to(i, &s->room, ATOMIC_STORE, 1)); /* it has it */
	word_store(&s->below, UINT64_MAX - 1, relaxed); /* few as they are */
	assert_int_equal(rota_shard_park(s), 0);
	world_poll(w, 0);
	assert_int_equal(rota_shard_park(s), 0);
	gate_end(i);
	assert_int_equal(answered(&init), 0);
	for (unsigned n = 0; n < 1000 && rota_shard_park(s) == 0; n++)
		world_poll(w, 0);
	assert_true(rota_shard_park(s) > 0);
	expect_room(w, p, &more.timer);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		EVERY(who_has_counted_is_found),
		EVERY(who_counts_between_the_steps_is_found),
		EVERY(who_finds_the_room_lowered_makes_some),
		EVERY(who_makes_room_meanwhile_calls_it_off),
		EVERY(who_waits_to_make_room_has_none),
		PAIR_EVERY(what_moves_to_a_shard_that_trims_has_room),
		EVERY(a_poll_waits_for_no_init),
	};

	return cmocka_run_group_tests_name("gate_trim", tests, NULL, NULL);
}
