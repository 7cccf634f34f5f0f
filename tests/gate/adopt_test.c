/* SPDX-License-Identifier: MIT
 *
 * adopt_test.c - an owner and an adopter, one of them stopped.
 * Claims: who may hold a shard is not refused for no reason; whoever waits for
 * the end of the other's callback is told of it.
 */
#include "tests/gate/acts.h"

/* A compare-and-swap may fail though nobody holds the shard. */
static void
an_owner_is_not_refused_for_no_reason(void **state)
{
	struct world *w = *state;
	struct rota_shard *s = w->shard;
	struct rota_kind k;
	struct rota_timer t;

	simple_kind(&k, s);
	assert_int_equal(rota_timer_init(&t, &k), 0);
	gate_refuse(&s->lock_owner);
	assert_int_equal(rota_timer_release(&t), 0);
	gate_refuse(&s->lock_owner);
	assert_int_equal(rota_shard_poll(s, 0, 0), 0);
	gate_refuse(&s->adopter);
	assert_int_equal(rota_shard_adopt(s, 0, 0), 0);
	assert_int_equal(rota_shard_detach(s), 0);
	gate_refuse(&s->attached);
	assert_int_equal(rota_shard_attach(s), 0);
	assert_int_equal(rota_kind_release(&k), 0);
}

/* Its owner has parked when an adopter's callback ends for which a release
 * waits, and which cannot take hold again: the owner just had it. */
static void
an_owner_is_told_of_the_end_that_it_waits_for(void **state)
{
	struct world *w = *state;
	struct rota_shard *s = w->shard;
	struct probe *p = world_probes(w, 1);
	struct act adopter = { .shard = s, .when = TICK },
		   owner = { .shard = s, .when = TICK };
	struct gated *a, *o;

	p->then = through_the_gate;
	rota_timer_reset_at(&p->timer, TICK);
	world_poll(w, 0);
	a = gate_open(act_adopt, &adopter);
	assert_true(gate_to(a, &inside, ATOMIC_POINT, 1));
	assert_int_equal(elsewhere_release(&p->timer), 1);
	assert_int_equal(rota_shard_detach(s), 0);
	o = gate_open(act_poll, &owner);
	/* In the poll, with all that it would have done for that release. */
	assert_true(gate_to(o, &s->next, ATOMIC_STORE, 1));
	assert_int_equal(w->freed, 0);
	word_store(&w->wakes, (uint64_t)0, relaxed);
	gate_end(a);
	assert_int_equal(w->wakes, 1);
	gate_end(o);
	assert_int_equal(rota_shard_attach(s), 0);
	world_poll(w, TICK);
	assert_int_equal(w->freed, 1);
	w->fired = 0;
}

static struct probe *armed_by_release;

static void
released_arms(struct rota_timer *t)
{
	(void)t;
	rota_timer_reset_at(&armed_by_release->timer, 2 * TICK);
}

/* An adopter arms, in a `released`, while the owner parks: each goes by until
 * when the owner sleeps. (Of the two accesses a thread sanitizer tells.) */
static void
an_owner_parks_while_an_adopter_arms(void **state)
{
	struct world *w = *state;
	struct rota_shard *s = w->shard;
	struct probe *p = world_probes(w, 2);
	struct act adopter = { .shard = s, .when = TICK };
	struct rota_kind k;
	struct rota_timer t;
	struct gated *a;

	assert_int_equal(rota_kind_init(&k, s,
			     &(struct rota_kind_config){ .fire = probe_fire,
				 .released = released_arms,
				 .name = "arms" }),
	    0);
	assert_int_equal(rota_timer_init(&t, &k), 0);
	armed_by_release = &p[1];
	rota_timer_reset_at(&p[0].timer, 9 * TICK);
	world_poll(w, 0);
	assert_int_equal(elsewhere_release(&t), 1);
	a = gate_open(act_adopt, &adopter);
	/* In its poll, with `next` still to be told. */
	assert_true(gate_to(a, &s->next, ATOMIC_STORE, 1));
	w->wakes = 0;
	assert_in_range(rota_shard_park(s), 1, 9 * TICK);
	gate_end(a);
	assert_int_equal(w->wakes, 1);
	assert_int_equal(answered(&adopter), 0);
	world_poll(w, 2 * TICK);
	expect_fired(w, 1);
	assert_int_equal(rota_kind_release(&k), 0);
}

/* An adopter that armed something, which is stopped before it is filed, finds
 * the owner awake; the owner then parks, and arms for earlier itself. */
static void
an_adopter_leaves_the_owners_alarm_alone(void **state)
{
	struct world *w = *state;
	struct rota_shard *s = w->shard;
	struct probe *p = world_probes(w, 2);
	struct act adopter = { .shard = s, .when = TICK };
	struct rota_kind k;
	struct rota_timer t;
	struct gated *a;

	assert_int_equal(rota_kind_init(&k, s,
			     &(struct rota_kind_config){ .fire = probe_fire,
				 .released = released_arms,
				 .name = "arms" }),
	    0);
	assert_int_equal(rota_timer_init(&t, &k), 0);
	armed_by_release = &p[1];
	rota_timer_reset_at(&p[0].timer, 9 * TICK);
	world_poll(w, 0);
	assert_in_range(rota_shard_park(s), 1, 9 * TICK);
	assert_int_equal(elsewhere_release(&t), 1);
	a = gate_open(act_adopt, &adopter);
	(void)gate_to(a, &s->alarm, ATOMIC_STORE, 1); /* there is none */
	(void)rota_shard_poll(s, 0, 0);
	assert_in_range(rota_shard_park(s), 1, 9 * TICK);
	assert_int_equal(rota_timer_stop(&p[1].timer), ROTA_PREVENTED);
	gate_end(a);
	w->wakes = 0;
	rota_timer_reset_at(&p[1].timer, TICK + 1);
	assert_int_equal(w->wakes, 1);
	world_poll(w, 2 * TICK);
	expect_fired(w, 1);
	assert_int_equal(rota_kind_release(&k), 0);
}

static void
touches_nothing(struct rota_timer *t, rota_time now)
{
	(void)t;
	(void)now;
}

/* It is the other poll's to count meanwhile. */
static void
a_poll_that_lost_the_lock_counts_no_steps(void **state)
{
	struct world *w = *state;
	struct rota_shard *s = w->shard;
	struct probe *p = world_probes(w, 1);
	struct rota_timer others[14];
	struct rota_kind k;
	struct act owner = { .shard = s, .when = TICK },
		   adopter = { .shard = s, .when = TICK };
	struct gated *o, *a;
	uint64_t steps;

	assert_int_equal(rota_kind_init(&k, s,
			     &(struct rota_kind_config){
				 .fire = touches_nothing, .name = "others" }),
	    0);
	for (int i = 0; i < 14; i++) {
		assert_int_equal(rota_timer_init(&others[i], &k), 0);
		rota_timer_reset_at(&others[i], TICK - 100 + i);
	}
	rota_timer_reset_at(&p->timer, TICK);
	p->then = through_the_gate;
	world_poll(w, 0);
	assert_int_equal(rota_shard_detach(s), 0);
	a = gate_open(act_adopt, &adopter);
	assert_true(gate_to(a, &inside, ATOMIC_POINT, 1));
	o = gate_open(act_poll, &owner);
	assert_true(gate_to(o, &s->next, ATOMIC_STORE, 1)); /* it has counted */
	steps = word_load(&s->count.steps, relaxed);
	gate_end(a);
	assert_int_equal(word_load(&s->count.steps, relaxed), steps);
	gate_end(o);
	assert_int_equal(w->fired, 1);
	w->fired = 0;
	assert_int_equal(rota_shard_attach(s), 0);
	for (int i = 0; i < 14; i++)
		assert_int_equal(rota_timer_release(&others[i]), 0);
	assert_int_equal(rota_kind_release(&k), 0);
}

static struct rota_timer other;

static void
arms_another(struct rota_timer *t)
{
	probe_released(t);
	assert_int_equal(rota_timer_reset_at(&other, 5 * TICK), 0);
}

struct resetter {
	struct rota_shard *s;
	struct rota_timer *t;
	rota_word until;
};

static void
resets_and_parks(void *arg)
{
	struct resetter *o = arg;

	rota_shard_attach(o->s);
	rota_shard_poll(o->s, TICK, 0);
	rota_timer_reset_at(o->t, 50 * TICK);
	word_store(&o->until, (uint64_t)rota_shard_park(o->s), relaxed);
	rota_shard_detach(o->s);
}

/* Between the owner's arming of a timer and its flush another thread releases
 * that timer; its `released`, in the owner's call, arms one for earlier. */
static void
what_a_released_in_a_reset_arms_is_not_slept_past(void **state)
{
	struct world *w = *state;
	struct rota_shard *s = w->shard;
	struct probe p = { .world = w };
	struct resetter o = { s, &p.timer, 0 };
	struct rota_kind k;
	struct gated *g;

	assert_int_equal(rota_kind_init(&k, s,
			     &(struct rota_kind_config){ .fire = probe_fire,
				 .released = arms_another,
				 .name = "k" }),
	    0);
	assert_int_equal(rota_timer_init(&p.timer, &k), 0);
	assert_int_equal(rota_timer_init(&other, &w->kind), 0);
	assert_int_equal(rota_shard_detach(s), 0);
	g = gate_open(resets_and_parks, &o);
	/* The first is the reset's, the second the flush's. */
	assert_true(gate_to(g, &p.timer.r_word, ATOMIC_CAS, 2));
	assert_int_equal(rota_timer_release(&p.timer), 1);
	gate_end(g);
	assert_true((rota_time)word_load(&o.until, relaxed) <= 5 * TICK);
	assert_int_not_equal(rota_shard_overdue(s, 9 * TICK), 0);
	assert_int_equal(rota_shard_attach(s), 0);
	rota_timer_release(&other);
	rota_kind_release(&k);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		ADOPT_EVERY(an_owner_is_not_refused_for_no_reason),
		ADOPT_EVERY(what_a_released_in_a_reset_arms_is_not_slept_past),
		ADOPT_EVERY(an_owner_is_told_of_the_end_that_it_waits_for),
		ADOPT_EVERY(an_owner_parks_while_an_adopter_arms),
		ADOPT_EVERY(an_adopter_leaves_the_owners_alarm_alone),
		ADOPT_EVERY(a_poll_that_lost_the_lock_counts_no_steps),
	};

	return cmocka_run_group_tests_name("gate_adopt", tests, NULL, NULL);
}
