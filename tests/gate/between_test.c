/* SPDX-License-Identifier: MIT
 *
 * between_test.c - states that a lock-free reader found between two accesses,
 * one each: a reset into the past that is on its way while its owner parks, two
 * inits that meet a retirement, an adopter that lost hold of what retired, a
 * kind that goes with its last timer; and the slack of a shard without timers.
 * Claims: the wheel does not go back, and no poll moves what is far; no count
 * is taken for another's; what has retired is not overdue; `released` runs; an
 * heir keeps its slack.
 */
#include "tests/gate/acts.h"

#include <string.h>

static const struct world_row world_more_heap = { .backend = ROTA_HEAP,
	.shards = 3 };
static const struct world_row world_more_wheel = { .backend = ROTA_WHEEL,
	.shards = 3 };
static const struct world_row world_more_coarse = {
	.backend = ROTA_WHEEL_COARSE,
	.shards = 3
};
static const struct world_row world_more_adopt = { .backend = ROTA_HEAP,
	.shards = 3,
	.flags = ROTA_ADOPT };
#define MORE_EVERY(test) \
	ON(test, more_heap), ON(test, more_wheel), ON(test, more_coarse)

static void
a_park_beside_a_reset_into_the_past_moves_nothing_far(void **state)
{
	enum { MANY = 20000 };
	const rota_time begin = 100000000;
	struct world *w = *state;
	struct rota_shard *s = w->shard;
	struct probe *p = world_probes(w, MANY);
	struct act a = { .t = &p[0].timer, .when = 5 * TICK };
	struct rota_stats before, after;
	struct gated *g;

	world_poll(w, begin * TICK);
	for (unsigned i = 1; i < MANY; i++)
		rota_timer_reset_at(
		    &p[i].timer, (begin + 100 + i % 6000) * TICK);
	rota_timer_reset_at(&p[0].timer, (begin + 100) * TICK);
	while (rota_shard_poll(s, (begin + 1) * TICK, 0) > 0)
		;
	rota_timer_stop(&p[1].timer);
	world_poll(w, (begin + 1) * TICK);
	g = gate_open(act_reset, &a);
	assert_true(gate_to(g, &s->remote.inbox, ATOMIC_CAS, 1));
	assert_in_range(rota_shard_park(s), 0, (begin + 1) * TICK);
	assert_int_equal(rota_shard_check(s), 0);
	gate_end(g);
	before = world_stat(w);
	assert_int_equal(rota_shard_poll(s, (begin + 2) * TICK, 0), 0);
	after = world_stat(w);
	assert_in_range(after.moves - before.moves, 0, 1000);
	assert_int_equal(w->fired, 1);
	w->fired = 0;
}

static void
two_inits_take_back_what_they_counted(void **state)
{
	struct world *w = *state;
	struct rota_shard *s = w->shard, *target;
	struct probe more[2] = { { .world = w, .id = 3 },
		{ .world = w, .id = 4 } };
	struct act r = { .shard = s };
	struct act ia = { .t = &more[0].timer, .kind = &w->kind };
	struct act ib = { .t = &more[1].timer, .kind = &w->kind };
	struct gated *gr, *a, *b;
	struct rota_stats st;

	target = r.target = rota_engine_shard(w->engine, 1);
	assert_int_equal(rota_shard_attach(target), 0);
	world_probes(w, 3);
	world_poll(w, 0);
	assert_int_equal(rota_shard_detach(s), 0);
	a = gate_open(act_init, &ia);
	b = gate_open(act_init, &ib);
	assert_true(gate_to(a, &s->timers, ATOMIC_ADD, 1));
	assert_true(gate_to(b, &s->timers, ATOMIC_ADD, 1));
	gr = gate_open(act_retire, &r);
	assert_true(gate_to(gr, &s->timers, ATOMIC_CAS, 1));
	assert_true(gate_to(a, &s->timers, ATOMIC_CAS, 1));
	gate_end(gr); /* A's count has moved */
	assert_int_equal(answered(&r), 0);
	assert_true(gate_to(b, &s->timers, ATOMIC_CAS, 1));
	gate_end(a);
	gate_end(b);
	assert_int_equal(answered(&ia), 0);
	assert_int_equal(answered(&ib), 0);
	assert_int_equal(rota_shard_stat(s, &st), 0);
	assert_int_equal(st.timers, 0);
	assert_int_equal(rota_shard_stat(target, &st), 0);
	assert_int_equal(st.timers, 5);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(rota_timer_release(&more[i].timer), 0);
}

static void
stand(struct probe *p, rota_time now)
{
	(void)p;
	(void)now;
	gate_point(&inside);
}

static void
what_has_retired_is_not_overdue(void **state)
{
	struct world *w = *state;
	struct rota_shard *s = w->shard, *target;
	struct probe *p = world_probes(w, 2);
	struct act adopts = { .shard = s, .when = TICK };
	struct act polls = { .shard = s, .when = TICK };
	struct act later = { .shard = s, .when = 1000 * TICK };
	struct gated *g, *o;

	target = rota_engine_shard(w->engine, 1);
	p[0].then = stand;
	rota_timer_reset_at(&p[0].timer, TICK);
	world_poll(w, 0);
	assert_int_equal(rota_shard_attach(target), 0);
	g = gate_open(act_adopt, &adopts);
	assert_true(gate_to(g, &inside, ATOMIC_POINT, 1));
	/* The owner polls, and has hold when the callback ends. */
	assert_int_equal(rota_shard_detach(s), 0);
	o = gate_open(act_poll, &polls);
	assert_true(gate_to(o, &s->lock_owner, ATOMIC_STORE, 1));
	assert_true(gate_to(g, &s->next, ATOMIC_STORE, 1)); /* its hint */
	gate_end(o);
	assert_int_equal(rota_shard_attach(s), 0);
	assert_int_equal(rota_shard_retire(s, target), 0);
	gate_end(g);
	assert_int_equal(rota_shard_detach(s), 0);
	elsewhere(act_adopt, &later); /* who finds it overdue adopts it */
	assert_int_equal(answered(&later), 0);
	assert_int_equal(rota_shard_overdue(s, 1000 * TICK), 0);
	w->fired = 0;
}

static void
an_empty_shard_that_retires_takes_no_slack(void **state)
{
	struct world *w = *state;
	struct rota_shard *s = w->shard, *other;
	uint64_t least, most;

	other = rota_engine_shard(w->engine, 1);
	assert_int_equal(rota_shard_attach(other), 0);
	world_probes(w, 1);
	least = word_load(&s->slack_least, relaxed);
	most = word_load(&s->slack_most, relaxed);
	assert_int_equal(rota_shard_retire(other, s), 0);
	assert_int_equal(word_load(&s->slack_least, relaxed), least);
	assert_int_equal(word_load(&s->slack_most, relaxed), most);
}

static void
released_runs_though_the_kind_is_given_back(void **state)
{
	struct world *w = *state;
	struct rota_shard *s = w->shard;
	struct rota_kind k;
	struct probe p = { .world = w, .id = 0 };
	struct act polls = { .shard = s, .when = TICK };
	struct act releases = { .t = &p.timer };
	struct gated *o;

	assert_int_equal(rota_kind_init(&k, s,
			     &(struct rota_kind_config){ .fire = probe_fire,
				 .released = probe_released,
				 .name = "k" }),
	    0);
	assert_int_equal(rota_timer_init(&p.timer, &k), 0);
	elsewhere(act_release, &releases);
	assert_int_equal(answered(&releases), 1);
	assert_int_equal(rota_shard_detach(s), 0);
	o = gate_open(act_poll, &polls);
	assert_true(gate_to(o, &k.r_timers, ATOMIC_ADD, 1));
	assert_true(gate_to(o, &s->timers, ATOMIC_LOAD, 1));
	if (rota_kind_release(&k) == 0)
		memset(&k, 0, sizeof(k)); /* it is the user's again */
	gate_end(o);
	assert_int_equal(rota_shard_attach(s), 0);
	assert_int_equal(w->freed, 1);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		ON(a_park_beside_a_reset_into_the_past_moves_nothing_far,
		    more_wheel),
		ON(a_park_beside_a_reset_into_the_past_moves_nothing_far,
		    more_coarse),
		MORE_EVERY(two_inits_take_back_what_they_counted),
		ON(what_has_retired_is_not_overdue, more_adopt),
		MORE_EVERY(an_empty_shard_that_retires_takes_no_slack),
		MORE_EVERY(released_runs_though_the_kind_is_given_back),
	};

	return cmocka_run_group_tests_name("between", tests, NULL, NULL);
}
