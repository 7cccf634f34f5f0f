/* SPDX-License-Identifier: MIT
 *
 * batch_test.c - rota_shard_poll_batch(): expired timers as an array.
 * Claims: it hands out what rota_shard_poll() would fire, in the same order,
 * as many as there is room for; what was handed out is not pending, and is
 * yours to reset or release.
 */
#include <errno.h>
#include <stdlib.h>

#include "tests/support/world.h"

static int
batch_setup(void **state)
{
	struct world *w;

	world_setup(state);
	w = *state;
	assert_int_equal(rota_kind_release(&w->kind), 0);
	assert_int_equal(rota_kind_init(&w->kind, w->shard,
			     &(struct rota_kind_config){
				 .name = "batch", .flags = ROTA_BATCH }),
	    0);
	w->kind.released = probe_released;
	return 0;
}

static unsigned
id_of(const struct rota_timer *t)
{
	return rota_container_of(t, struct probe, timer)->id;
}

static void
it_hands_out_what_is_due_and_nothing_else(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 10);
	struct rota_timer *out[10];
	bool out_of[10] = { false };

	for (unsigned i = 0; i < 10; i++)
		rota_timer_reset_at(&p[i].timer, (1 + i) * TICK);
	assert_int_equal(rota_shard_poll_batch(w->shard, 0, 0, out, 10), 0);
	assert_int_equal(
	    rota_shard_poll_batch(w->shard, 6 * TICK, 0, out, 10), 6);
	for (unsigned i = 0; i < 6; i++)
		out_of[id_of(out[i])] = true;
	for (unsigned i = 0; i < 10; i++) {
		assert_int_equal(out_of[i], i < 6);
		assert_int_equal(rota_timer_pending(&p[i].timer), i >= 6);
	}
	assert_int_equal(world_stat(w).fires, 6);
	assert_int_equal(world_stat(w).live, 4);
}

static void
it_hands_out_in_order(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 100);
	struct rota_timer *out[100];

	for (unsigned i = 0; i < 100; i++)
		rota_timer_reset_at(&p[i].timer, TICK + 3 - i % 4);
	assert_int_equal(
	    rota_shard_poll_batch(w->shard, 2 * TICK, 0, out, 100), 100);
	for (unsigned i = 1; i < 100; i++) {
		rota_time a = rota_timer_deadline(out[i - 1]);
		rota_time b = rota_timer_deadline(out[i]);

		assert_true(
		    a < b || (a == b && id_of(out[i - 1]) < id_of(out[i])));
	}
}

static void
it_hands_out_no_more_than_there_is_room_for(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 100);
	struct rota_timer *out[8] = { NULL };
	unsigned got = 0;
	int r;

	for (unsigned i = 0; i < 100; i++)
		rota_timer_reset_at(&p[i].timer, TICK);
	out[7] = &p[99].timer; /* must not be written */
	do {
		r = rota_shard_poll_batch(w->shard, TICK, 0, out, 7);
		assert_in_range(r, 0, 7);
		got += (unsigned)r;
		assert_ptr_equal(out[7], &p[99].timer);
		for (int i = 0; i < r; i++)
			rota_container_of(out[i], struct probe, timer)->fires++;
		if (got < 100)
			assert_true(rota_shard_next(w->shard) <= TICK);
	} while (r);
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(p[i].fires, 1);
	assert_true(rota_shard_next(w->shard) == ROTA_NEVER);
}

static void
a_budget_bounds_it_too(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 50);
	struct rota_timer *out[50];
	unsigned got = 0, polls = 0;

	for (unsigned i = 0; i < 50; i++)
		rota_timer_reset_at(&p[i].timer, TICK);
	while (got < 50) {
		int r = rota_shard_poll_batch(w->shard, TICK, 3, out, 50);

		assert_in_range(r, 0, 3);
		got += (unsigned)r;
		assert_true(++polls < 200);
	}
	assert_int_equal(rota_shard_poll_batch(w->shard, TICK, 3, out, 50), 0);
}

static void
what_was_handed_out_is_not_pending(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);
	struct rota_timer *out[1];

	for (unsigned i = 0; i < 10; i++) /* however many polls there were */
		world_poll(w, 0);
	rota_timer_reset_at(&p->timer, TICK);
	assert_int_equal(rota_shard_poll_batch(w->shard, TICK, 0, out, 1), 1);
	assert_ptr_equal(out[0], &p->timer);
	assert_int_equal(rota_timer_pending(&p->timer), 0);
	assert_int_equal(rota_timer_stop(&p->timer), ROTA_NOT_PENDING);
	assert_int_equal(elsewhere_stop(&p->timer), ROTA_NOT_PENDING);
	assert_int_equal(rota_timer_stop_sync(&p->timer), ROTA_NOT_PENDING);
}

static void
what_was_handed_out_can_be_armed_again(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 2);
	struct rota_timer *out[2];

	for (unsigned n = 1; n < 20; n++) {
		rota_timer_reset_at(&p[0].timer, n * TICK);
		elsewhere_reset_at(&p[1].timer, n * TICK);
		assert_int_equal(
		    rota_shard_poll_batch(w->shard, n * TICK, 0, out, 2), 2);
	}
	assert_int_equal(rota_timer_reset_at(out[0], 30 * TICK), 0);
	assert_int_equal(elsewhere_reset_at(out[1], 30 * TICK), 0);
	assert_int_equal(rota_timer_stop(out[0]), ROTA_PREVENTED);
	assert_int_equal(rota_timer_stop(out[0]), ROTA_NOT_PENDING);
	assert_int_equal(elsewhere_stop(out[1]), ROTA_PREVENTED);
	assert_int_equal(
	    rota_shard_poll_batch(w->shard, 40 * TICK, 0, out, 2), 0);
}

static void
what_was_handed_out_can_be_released(void **state)
{
	struct world *w = *state;
	struct rota_timer *out[2];
	struct probe *p[2];

	for (unsigned i = 0; i < 2; i++) {
		p[i] = malloc(sizeof(*p[i]));
		probe_init(w, p[i], i);
		rota_timer_reset_at(&p[i]->timer, TICK);
	}
	assert_int_equal(rota_shard_poll_batch(w->shard, TICK, 0, out, 2), 2);
	assert_int_equal(rota_timer_release(&p[0]->timer), 0);
	free(p[0]);
	assert_int_equal(elsewhere_release(&p[1]->timer), 1);
	world_poll(w, TICK);
	assert_int_equal(w->freed, 1);
	free(p[1]);
	assert_int_equal(world_stat(w).timers, 0);
}

static void
what_is_reset_while_due_is_handed_out_once(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);
	struct rota_timer *out[2];

	rota_timer_reset_at(&p->timer, 5 * TICK);
	world_poll(w, 0);
	elsewhere_reset_at(&p->timer, TICK); /* filed later, and queued */
	assert_int_equal(
	    rota_shard_poll_batch(w->shard, 5 * TICK, 0, out, 2), 1);
	assert_int_equal(
	    rota_shard_poll_batch(w->shard, 9 * TICK, 0, out, 2), 0);
	assert_int_equal(world_stat(w).fires, 1);
}

static void
a_plain_poll_lets_them_expire_without_a_sound(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);

	rota_timer_reset_at(&p->timer, TICK);
	world_poll(w, TICK);
	assert_int_equal(rota_timer_pending(&p->timer), 0);
	assert_int_equal(rota_timer_stop(&p->timer), ROTA_NOT_PENDING);
	assert_int_equal(world_stat(w).fires, 1);
}

static void
timers_with_a_callback_are_handed_out_too(void **state)
{
	struct world *w = *state;
	struct rota_kind k;
	struct probe p = { .world = w };
	struct rota_timer *out[1];

	assert_int_equal(rota_kind_init(&k, w->shard,
			     &(struct rota_kind_config){
				 .fire = probe_fire, .name = "called" }),
	    0);
	assert_int_equal(rota_timer_init(&p.timer, &k), 0);
	rota_timer_reset_at(&p.timer, TICK);
	assert_int_equal(rota_shard_poll_batch(w->shard, TICK, 0, out, 1), 1);
	assert_ptr_equal(out[0], &p.timer);
	expect_nothing(w);
	rota_timer_reset_at(&p.timer, 2 * TICK);
	world_poll(w, 2 * TICK);
	expect_fired(w, 0);
	assert_int_equal(rota_timer_release(&p.timer), 0);
}

/* clang-format off: a # that begins a line */
#define BATCH(f, row)                                             \
	{                                                         \
#f " [" #row "]", f, batch_setup, world_teardown, \
		    (void *)(uintptr_t)&world_##row               \
	}
/* clang-format on */
#define BATCH_EXACT(f) BATCH(f, heap), BATCH(f, wheel)
#define BATCH_EVERY(f) BATCH_EXACT(f), BATCH(f, coarse)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		BATCH_EVERY(it_hands_out_what_is_due_and_nothing_else),
		BATCH_EXACT(it_hands_out_in_order),
		BATCH_EVERY(it_hands_out_no_more_than_there_is_room_for),
		BATCH_EVERY(a_budget_bounds_it_too),
		BATCH_EVERY(what_was_handed_out_is_not_pending),
		BATCH_EVERY(what_was_handed_out_can_be_armed_again),
		BATCH_EVERY(what_was_handed_out_can_be_released),
		BATCH_EVERY(what_is_reset_while_due_is_handed_out_once),
		BATCH_EVERY(a_plain_poll_lets_them_expire_without_a_sound),
		BATCH_EVERY(timers_with_a_callback_are_handed_out_too),
	};

	return cmocka_run_group_tests_name("batch", tests, NULL, NULL);
}
