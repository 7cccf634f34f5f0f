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
	gate_refuse(&s->holder);
	assert_int_equal(rota_timer_release(&t), 0);
	gate_refuse(&s->holder);
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

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		ADOPT_EVERY(an_owner_is_not_refused_for_no_reason),
		ADOPT_EVERY(an_owner_is_told_of_the_end_that_it_waits_for),
	};

	return cmocka_run_group_tests_name("gate_adopt", tests, NULL, NULL);
}
