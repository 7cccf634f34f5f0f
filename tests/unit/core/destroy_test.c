/* SPDX-License-Identifier: MIT
 *
 * destroy_test.c - the end of an engine, and what it says of what was left.
 * Claims: REFUSE leaves an engine with armed timers as it was; DRAIN fires
 * what is due and not what that arms; DROP reports each armed timer once,
 * with its kind, its deadline and the place in the source; what waits in the
 * inbox counts; from a callback the answer is -EDEADLK.
 * Rows     G18
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/world.h"

static void
an_invalid_way_is_refused(void **state)
{
	struct world *w = *state;

	assert_int_equal(
	    rota_engine_destroy(w->engine, (enum rota_destroy)3), -EINVAL);
	assert_int_equal(
	    rota_engine_destroy(w->engine, (enum rota_destroy) - 1), -EINVAL);
}

static void
with_nothing_armed_every_way_is_the_end(void **state)
{
	static const enum rota_destroy ways[] = { ROTA_REFUSE, ROTA_DRAIN,
		ROTA_DROP };
	struct world *w = *state;
	struct probe *p = world_probes(w, 3);

	for (unsigned i = 0; i < 3; i++) {
		struct rota_config c = world_config(w);

		if (i) {
			world_open(w, &c);
			for (unsigned k = 0; k < 3; k++)
				probe_init(w, &p[k], k);
		}
		rota_timer_reset_at(&p[0].timer, TICK); /* will have fired */
		rota_timer_reset_at(&p[1].timer, 9 * TICK); /* a zombie */
		world_poll(w, TICK);
		rota_timer_stop(&p[1].timer);
		assert_int_equal(world_destroy(w, ways[i]), 0);
		assert_int_equal(w->leaks, 0);
		expect_fired(w, 0);
	}
}

static void
refuse_leaves_it_as_it_was(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 2);

	rota_timer_reset_at(&p[0].timer, 5 * TICK);
	assert_int_equal(rota_engine_destroy(w->engine, ROTA_REFUSE), -EBUSY);
	assert_int_equal(w->leaks, 0);
	/* the owner still is, and its timers are */
	assert_int_equal(rota_timer_pending(&p[0].timer), 1);
	assert_int_equal(rota_shard_poll(w->shard, TICK, 0), 0);
	assert_int_equal(rota_timer_reset_at(&p[1].timer, 6 * TICK), 0);
	world_poll(w, 5 * TICK);
	expect_fired(w, 0);
	assert_int_equal(rota_engine_destroy(w->engine, ROTA_REFUSE), -EBUSY);
	world_poll(w, 6 * TICK);
	expect_fired(w, 1);
	assert_int_equal(world_destroy(w, ROTA_REFUSE), 0);
}

static void
drop_reports_each_armed_timer_once(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 300);
	unsigned seen[300] = { 0 }, armed = 0;

	for (unsigned i = 0; i < 300; i++)
		rota_timer_reset_at(&p[i].timer, (1 + i % 100) * 7 * TICK);
	world_poll(w, 70 * TICK);
	for (unsigned i = 0; i < 300; i += 5)
		rota_timer_stop(&p[i].timer);
	for (unsigned i = 1; i < 300; i += 5)
		rota_timer_reset_at(&p[i].timer, 5000 * TICK);
	for (unsigned i = 2; i < 300; i += 50)
		rota_timer_reset_at(&p[i].timer, ROTA_NEVER);
	for (unsigned i = 0; i < 300; i++)
		armed += (unsigned)rota_timer_pending(&p[i].timer);
	w->fired = 0;
	assert_int_equal(world_destroy(w, ROTA_DROP), (int)armed);
	assert_int_equal(w->leaks, armed);
	for (unsigned i = 0; i < w->leaks; i++) {
		struct probe *q = rota_container_of(
		    w->leak[i].timer, struct probe, timer);

		assert_in_range(q->id, 0, 299);
		assert_ptr_equal(q, &p[q->id]);
		assert_ptr_equal(w->leak[i].kind, &w->kind);
		if (q->id % 50 == 2)
			assert_true(w->leak[i].deadline == ROTA_NEVER);
		else if (q->id % 5 == 1)
			assert_int_equal(w->leak[i].deadline, 5000 * TICK);
		else
			assert_int_equal(
			    w->leak[i].deadline, (1 + q->id % 100) * 7 * TICK);
		assert_int_equal(++seen[q->id], 1);
	}
	expect_nothing(w);
}

static void
a_leak_names_its_kind_and_the_place_it_was_made(void **state)
{
	struct world *w = *state;
	struct rota_kind k;
	struct rota_timer t;
	const struct rota_kind_config idle = { .fire = probe_fire,
		.name = "idle" };
	const char *here;

	/* one line */
	rota_kind_init(&k, w->shard, &idle), here = ROTA_HERE;
	rota_timer_init(&t, &k);
	rota_timer_reset_at(&t, 3 * TICK);
	assert_int_equal(world_destroy(w, ROTA_DROP), 1);
	assert_int_equal(w->leaks, 1);
	assert_ptr_equal(w->leak[0].kind, &k);
	assert_ptr_equal(w->leak[0].timer, &t);
	assert_int_equal(w->leak[0].deadline, 3 * TICK);
	assert_string_equal(w->leak[0].kind->name, "idle");
	assert_string_equal(w->leak[0].kind->site, here);
	assert_non_null(strstr(here, "destroy_test.c:"));
}

static void
without_a_leak_hook_they_are_counted_all_the_same(void **state)
{
	struct world *w = *state;
	struct rota_config c = world_config(w);
	struct probe *p = world_probes(w, 3);

	world_destroy(w, ROTA_REFUSE);
	c.leak = NULL;
	world_open(w, &c);
	for (unsigned i = 0; i < 3; i++) {
		probe_init(w, &p[i], i);
		rota_timer_reset_at(&p[i].timer, TICK);
	}
	assert_int_equal(world_destroy(w, ROTA_DROP), 3);
	assert_int_equal(w->leaks, 0);
}

/* C4: destroy with remote modifies queued. */
static void
what_waits_in_the_inbox_counts(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 4);

	rota_timer_reset_at(&p[1].timer, 9 * TICK);
	rota_timer_reset_at(&p[2].timer, 9 * TICK);
	world_poll(w, 0);
	elsewhere_reset_at(&p[0].timer, 5 * TICK);
	elsewhere_reset_at(&p[1].timer, 2 * TICK); /* earlier: queued */
	elsewhere_reset_at(&p[3].timer, 5 * TICK);
	elsewhere_stop(&p[3].timer);
	assert_int_equal(rota_engine_destroy(w->engine, ROTA_REFUSE), -EBUSY);
	elsewhere_reset_at(&p[3].timer, 6 * TICK);
	assert_int_equal(world_destroy(w, ROTA_DROP), 4);
	assert_int_equal(w->leaks, 4);
	expect_nothing(w);
}

/* Nothing is armed, but a `released` that the end runs arms something. */
static struct probe *late;

static void
arm_late(struct rota_timer *t)
{
	probe_released(t);
	rota_timer_reset_at(&late->timer, 3 * TICK);
}

static void
refuse_finds_what_is_armed_at_the_last_moment(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 2);

	late = &p[1];
	w->kind.released = arm_late;
	assert_int_equal(elsewhere_release(&p[0].timer), 1);
	assert_int_equal(rota_engine_destroy(w->engine, ROTA_REFUSE), -EBUSY);
	assert_int_equal(w->freed, 1);
	/* the owner still is */
	world_poll(w, 2 * TICK);
	expect_nothing(w);
	world_poll(w, 3 * TICK);
	expect_fired(w, 1);
	assert_int_equal(world_destroy(w, ROTA_REFUSE), 0);
}

static void
again_later(struct probe *p, rota_time now)
{
	rota_timer_reset_at(&p->timer, now);
}

static void
drain_fires_what_is_due_and_not_what_that_arms(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 4);

	p[0].then = again_later;
	rota_timer_reset_at(&p[0].timer, 1 * TICK);
	rota_timer_reset_at(&p[1].timer, 3 * TICK);
	elsewhere_reset_at(&p[2].timer, 2 * TICK);
	rota_timer_reset_at(&p[3].timer, 8 * TICK);
	rota_engine_advance(w->engine, 5 * TICK);
	assert_int_equal(world_destroy(w, ROTA_DRAIN), 2);
	expect_fired(w, 0, 2, 1);
	assert_int_equal(w->leaks, 2);
	for (unsigned i = 0; i < 2; i++)
		assert_true(w->leak[i].timer == &p[0].timer ||
		    w->leak[i].timer == &p[3].timer);
}

static int answer[3];

static void
destroy_inside(struct probe *p, rota_time now)
{
	(void)now;
	answer[0] = rota_engine_destroy(p->world->engine, ROTA_REFUSE);
	answer[1] = rota_engine_destroy(p->world->engine, ROTA_DRAIN);
	answer[2] = rota_engine_destroy(p->world->engine, ROTA_DROP);
}

static void
from_a_callback_it_is_refused(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 2);

	p[0].then = destroy_inside;
	rota_timer_reset_at(&p[0].timer, TICK);
	rota_timer_reset_at(&p[1].timer, 2 * TICK);
	world_poll(w, TICK);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(answer[i], -EDEADLK);
		answer[i] = 0;
	}
	world_poll(w, 2 * TICK);
	expect_fired(w, 0, 1);
	/* also in the callbacks of its draining */
	rota_timer_reset_at(&p[0].timer, 0);
	assert_int_equal(world_destroy(w, ROTA_DRAIN), 0);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(answer[i], -EDEADLK);
}

static void
a_detached_engine_is_destroyed_by_anyone(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);

	elsewhere_reset_at(&p->timer, TICK);
	assert_int_equal(rota_shard_detach(w->shard), 0);
	rota_engine_advance(w->engine, TICK);
	assert_int_equal(world_destroy(w, ROTA_DRAIN), 0);
	expect_fired(w, 0);
}

static void
refuse_leaves_a_shard_without_owner_without_one(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);

	elsewhere_reset_at(&p->timer, TICK);
	assert_int_equal(rota_shard_detach(w->shard), 0);
	assert_int_equal(rota_engine_destroy(w->engine, ROTA_REFUSE), -EBUSY);
	assert_int_equal(rota_shard_poll(w->shard, TICK, 0), -EPERM);
	assert_int_equal(rota_shard_attach(w->shard), 0);
	world_poll(w, TICK);
	expect_fired(w, 0);
}

static void
kinds_outlive_it_and_serve_the_next_engine(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);
	struct rota_config c = world_config(w);

	for (unsigned i = 0; i < 10; i++) {
		rota_timer_reset_at(&p->timer, TICK);
		assert_int_equal(world_destroy(w, ROTA_DROP), 1);
		world_open(w, &c);
		probe_init(w, p, 0);
	}
	assert_int_equal(w->leaks, 10);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		EVERY(an_invalid_way_is_refused),
		EVERY_OWNED(with_nothing_armed_every_way_is_the_end),
		EVERY_OWNED(refuse_leaves_it_as_it_was),
		EVERY(refuse_finds_what_is_armed_at_the_last_moment),
		EVERY_OWNED(drop_reports_each_armed_timer_once),
		EVERY_OWNED(a_leak_names_its_kind_and_the_place_it_was_made),
		EVERY_OWNED(without_a_leak_hook_they_are_counted_all_the_same),
		EVERY(what_waits_in_the_inbox_counts),
		EVERY(drain_fires_what_is_due_and_not_what_that_arms),
		EVERY_OWNED(from_a_callback_it_is_refused),
		EVERY(a_detached_engine_is_destroyed_by_anyone),
		EVERY(refuse_leaves_a_shard_without_owner_without_one),
		EVERY_OWNED(kinds_outlive_it_and_serve_the_next_engine),
	};

	return cmocka_run_group_tests_name("destroy", tests, NULL, NULL);
}
