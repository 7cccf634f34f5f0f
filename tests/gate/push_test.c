/* SPDX-License-Identifier: MIT
 *
 * push_test.c - a thread that is stopped in the middle of a push.
 * Claims: what others do to the timer meanwhile is not slept past, nor what
 * they do to another.
 */
#include "tests/gate/acts.h"

/* A thread has reset to a late instant, and not yet pushed. */
static void
an_owner_that_releases_meanwhile_is_woken_by_the_push(void **state)
{
	struct world *w = *state;
	struct rota_shard *s = w->shard;
	struct probe *p = world_probes(w, 2);
	struct act a = { .t = &p[0].timer, .when = 100 * TICK };
	struct gated *g = gate_open(act_reset, &a);

	rota_timer_reset_at(&p[1].timer, 50 * TICK);
	world_poll(w, 0);
	assert_true(gate_to(g, &s->remote.inbox, ATOMIC_CAS, 1));
	assert_int_equal(rota_timer_release(&p[0].timer), 1);
	world_poll(w, 0);
	assert_true(rota_shard_park(s) > 0);
	assert_int_equal(w->freed, 0);
	gate_end(g);
	assert_int_equal(w->wakes, 1);
	world_poll(w, 0);
	assert_int_equal(w->freed, 1);
}

static void
an_owner_that_resets_meanwhile_is_woken_by_the_push(void **state)
{
	struct world *w = *state;
	struct rota_shard *s = w->shard;
	struct probe *p = world_probes(w, 2);
	struct act a = { .t = &p[0].timer, .when = 100 * TICK };
	struct gated *g = gate_open(act_reset, &a);

	rota_timer_reset_at(&p[1].timer, 50 * TICK);
	world_poll(w, 0);
	assert_true(gate_to(g, &s->remote.inbox, ATOMIC_CAS, 1));
	assert_int_equal(rota_timer_reset_at(&p[0].timer, TICK), 1);
	world_poll(w, 0);
	assert_true(rota_shard_park(s) > TICK); /* it cannot know */
	gate_end(g);
	assert_int_equal(w->wakes, 1);
	world_poll(w, TICK);
	expect_fired(w, 0);
}

/* Two earlier deadlines; who gives the first is stopped before its wake. */
static void
an_owner_is_woken_though_another_is_just_about_to(void **state)
{
	struct world *w = *state;
	struct rota_shard *s = w->shard;
	struct probe *p = world_probes(w, 3);
	struct act a = { .t = &p[0].timer, .when = 2 * TICK };
	struct gated *g = gate_open(act_reset, &a);

	rota_timer_reset_at(&p[2].timer, 50 * TICK);
	world_poll(w, 0);
	assert_true(rota_shard_park(s) > 2 * TICK);
	assert_true(gate_to(g, &s->wakes, ATOMIC_ADD, 1));
	assert_int_equal(elsewhere_reset_at(&p[1].timer, TICK), 0);
	assert_int_equal(word_load(&w->wakes, relaxed), 1);
	world_poll(w, TICK);
	expect_fired(w, 1);
	gate_end(g);
	world_poll(w, 2 * TICK);
	expect_fired(w, 0);
}

/* Who has woken it is stopped before it says so; it sleeps again. */
static void
a_wake_that_is_late_does_not_end_the_next_sleep(void **state)
{
	struct world *w = *state;
	struct rota_shard *s = w->shard;
	struct probe *p = world_probes(w, 3);
	struct act a = { .t = &p[0].timer, .when = 2 * TICK };
	struct gated *g = gate_open(act_reset, &a);

	rota_timer_reset_at(&p[2].timer, 50 * TICK);
	world_poll(w, 0);
	assert_true(rota_shard_park(s) > 2 * TICK);
	assert_true(gate_to(g, &s->park.parked, ATOMIC_CAS, 1));
	assert_int_equal(word_load(&w->wakes, relaxed), 1);
	world_poll(w, 0);
	assert_true(rota_shard_park(s) > TICK);
	gate_end(g);
	assert_int_equal(elsewhere_reset_at(&p[1].timer, TICK), 0);
	assert_int_equal(w->wakes, 2);
	world_poll(w, 2 * TICK);
	expect_fired(w, 1, 0);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		EVERY(an_owner_that_releases_meanwhile_is_woken_by_the_push),
		EVERY(an_owner_that_resets_meanwhile_is_woken_by_the_push),
		EVERY(an_owner_is_woken_though_another_is_just_about_to),
		EVERY(a_wake_that_is_late_does_not_end_the_next_sleep),
	};

	return cmocka_run_group_tests_name("gate_push", tests, NULL, NULL);
}
