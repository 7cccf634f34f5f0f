/* SPDX-License-Identifier: MIT
 *
 * trim_test.c - core/trim.c, core/sys/numbers.h and what gives memory back in
 * heap/heap.c and wheel/wheel.c: D34.
 * Claims: a call gives back all blocks that the timers initialised now do not
 * need, and polls do after a peak, in slices; no slice leaves the structure
 * broken, and what is armed fires on time and in order all the same; memory is
 * taken again, or its want told; what was reserved stays until the call; a
 * shard whose timers double and halve neither gives back nor takes.
 */
#include "core/shard.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/world.h"

/* Timers at the peak: more than polls keep room for. */
#ifdef ROTA_HOSTILE
enum { MANY = 3000, CHECK_EVERY = 1, SLICE = 64, ROUNDS = 300, STEP = 1 };
#else /* a check of so many takes long, and 20 times that in a sanitizer */
enum { MANY = 80000, CHECK_EVERY = 512, SLICE = 1024, ROUNDS = 36, STEP = 6 };
#endif
enum { KEEP = 50 }; /* one in so many stays */

static const struct world_row world_adopt_heap = { .backend = ROTA_HEAP,
	.flags = ROTA_ADOPT };
static const struct world_row world_adopt_wheel = { .backend = ROTA_WHEEL,
	.flags = ROTA_ADOPT };
static const struct world_row world_adopt_coarse = {
	.backend = ROTA_WHEEL_COARSE,
	.flags = ROTA_ADOPT
};
static const struct world_row world_pair_heap = { .backend = ROTA_HEAP,
	.shards = 2 };
static const struct world_row world_pair_wheel = { .backend = ROTA_WHEEL,
	.shards = 2 };
static const struct world_row world_pair_coarse = {
	.backend = ROTA_WHEEL_COARSE,
	.shards = 2
};
#define EVERY_KIND(test)                                                \
	EVERY_OWNED(test), ON(test, adopt_heap), ON(test, adopt_wheel), \
	    ON(test, adopt_coarse)

/* @n timers, of which each @stride-th is armed, in no order of time. */
static struct probe *
peak(struct world *w, unsigned n, unsigned stride)
{
	struct probe *p = world_probes(w, n);

	for (unsigned i = 0; i < n; i += stride)
		rota_timer_reset_at(
		    &p[i].timer, (1000 + i * 7919ul % 5000) * TICK);
	world_poll(w, TICK);
	return p;
}

/* All but each KEEP-th of the @n are released. */
static void
end_of_peak(struct probe *p, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (i % KEEP)
			assert_int_equal(rota_timer_release(&p[i].timer), 0);
}

/* What stayed fires, in order, on time. */
static void
expect_kept(struct world *w, struct probe *p, unsigned n)
{
	unsigned due = 0;

	w->fired = 0;
	for (unsigned tick = 1000; tick < 6000; tick++) {
		world_poll(w, tick * TICK - 1);
		world_poll(w, tick * TICK);
		for (; due < w->fired; due++) {
			const struct probe *q = &p[w->order[due]];

			assert_int_equal(q->at, tick * TICK);
			assert_int_equal(q->id % KEEP, 0);
			if (due && p[w->order[due - 1]].at == q->at &&
			    w->row->backend != ROTA_WHEEL_COARSE)
				assert_true(w->order[due - 1] < q->id);
		}
	}
	assert_int_equal(w->fired, (n + KEEP - 1) / KEEP);
	w->fired = 0;
}

/* Polls at @now until memory goes back no more. */
static unsigned
poll_on(struct world *w, rota_time now)
{
	struct rota_stats before = world_stat(w), after;
	unsigned polls = 0;

	while (rota_shard_park(w->shard) == 0) {
		world_poll(w, now);
		after = world_stat(w);
		assert_in_range(after.steps - before.steps, 0, SLICE);
		before = after;
		if (polls++ % CHECK_EVERY == 0)
			assert_int_equal(rota_shard_check(w->shard), 0);
		assert_true(polls < 100 * MANY / SLICE);
	}
	assert_int_equal(rota_shard_check(w->shard), 0);
	return polls;
}

static void
a_call_gives_back_what_is_not_needed(void **state)
{
	struct world *w = *state;
	uint64_t base = world_stat(w).bytes, most;
	struct probe *p = peak(w, MANY, 1);
	int64_t bytes;

	most = world_stat(w).bytes;
	bytes = rota_shard_trim(w->shard); /* what one growth was too large */
	assert_true(bytes >= 0);
	assert_int_equal(world_stat(w).bytes, most - (uint64_t)bytes);
	assert_int_equal(rota_shard_trim(w->shard), 0);
	end_of_peak(p, MANY);
	most = world_stat(w).bytes;
	bytes = rota_shard_trim(w->shard);
	assert_int_equal(world_stat(w).bytes, most - (uint64_t)bytes);
	/* A fiftieth is needed, but a wheel's slots have a chunk each. */
	assert_true(world_stat(w).bytes - base < (most - base) * 2 / 3);
	assert_int_equal(rota_shard_check(w->shard), 0);
	assert_int_equal(rota_shard_trim(w->shard), 0);
	expect_kept(w, p, MANY);
	for (unsigned i = 0; i < MANY; i += KEEP)
		assert_int_equal(rota_timer_release(&p[i].timer), 0);
	assert_true(rota_shard_trim(w->shard) > 0);
	assert_int_equal(world_stat(w).bytes, base);
	assert_int_equal(rota_shard_check(w->shard), 0);
}

static void
polls_give_back_after_a_peak(void **state)
{
	struct world *w = *state;
	uint64_t base = world_stat(w).bytes, most;
	struct probe *p = peak(w, MANY, 1);

	assert_int_equal(poll_on(w, TICK), 0);
	most = world_stat(w).bytes;
	end_of_peak(p, MANY);
	assert_int_equal(world_stat(w).bytes, most);
	assert_true(poll_on(w, TICK) > 0);
	assert_true(world_stat(w).bytes - base < (most - base) * 9 / 10);
	expect_kept(w, p, MANY);
}

/* What was there at the peak is used, if it is wanted again in the middle. */
static void
a_new_peak_calls_it_off(void **state)
{
	struct world *w = *state;
	struct probe *p = peak(w, MANY, 1);
	/* A growth is for 1024 more than are asked for. */
	uint64_t most = w->mem.blocks + 3 * (1024 / HEAP_BLOCK + 1);
	unsigned called_off = 0;

	for (unsigned slices = 1; slices < 400; slices = slices * 2 + 1) {
		end_of_peak(p, MANY);
		for (unsigned i = 0; i < slices; i++)
			assert_true(rota_shard_poll(w->shard, TICK, 7) >= 0);
		for (unsigned i = 0; i < MANY; i++) {
			if (i % KEEP)
				probe_init(w, &p[i], i);
			rota_timer_reset_at(
			    &p[i].timer, (1000 + i * 7919ul % 5000) * TICK);
			if (i % 5000 == 0)
				assert_true(
				    rota_shard_poll(w->shard, TICK, 7) >= 0);
		}
		called_off += !w->shard->trim.cut;
		assert_in_range(w->mem.blocks, 0, most);
		world_poll(w, TICK);
		assert_int_equal(rota_shard_check(w->shard), 0);
	}
	/* A few slabs of a wheel go at once. */
	assert_true(called_off > 0 || w->row->backend != ROTA_HEAP);
	end_of_peak(p, MANY);
	poll_on(w, TICK);
	expect_kept(w, p, MANY);
}

static void
memory_is_taken_again_or_its_want_told(void **state)
{
	struct world *w = *state;
	struct probe *p = peak(w, MANY, 1), *more = calloc(MANY, sizeof(*more));
	unsigned n = 0;

	end_of_peak(p, MANY);
	w->mem.sealed = 1;
	assert_true(rota_shard_trim(w->shard) > 0); /* it takes none */
	for (int r = 0; !r && n < MANY; n += !r) {
		more[n] = (struct probe){ .world = w, .id = n };
		r = rota_timer_init(&more[n].timer, &w->kind);
		assert_true(r == 0 || r == -ENOMEM);
		if (!r)
			rota_timer_reset_at(&more[n].timer, 500 * TICK);
	}
	assert_in_range(n, 0, MANY - 1);
	world_poll(w, 2 * TICK);
	assert_int_equal(rota_shard_check(w->shard), 0);
	w->mem.sealed = 0;
	for (; n < MANY; n++) {
		more[n] = (struct probe){ .world = w, .id = n };
		assert_int_equal(rota_timer_init(&more[n].timer, &w->kind), 0);
		rota_timer_reset_at(&more[n].timer, 500 * TICK);
	}
	world_poll(w, 3 * TICK);
	assert_int_equal(rota_shard_check(w->shard), 0);
	world_poll(w, 500 * TICK);
	assert_int_equal(w->fired, MANY);
	for (n = 0; n < MANY; n++)
		assert_int_equal(rota_timer_release(&more[n].timer), 0);
	poll_on(w, 501 * TICK);
	expect_kept(w, p, MANY);
	free(more);
}

static void
what_was_reserved_stays_until_the_call(void **state)
{
	struct world *w = *state;
	struct probe *p;
	uint64_t base = world_stat(w).bytes, most;

	assert_int_equal(rota_shard_reserve(w->shard, MANY), 0);
	most = world_stat(w).bytes;
	for (unsigned tick = 1; tick < 100; tick++)
		poll_on(w, tick * TICK);
	w->mem.sealed = 1;
	p = world_probes(w, MANY);
	rota_timer_reset_at(&p->timer, 500 * TICK);
	world_poll(w, 100 * TICK);
	end_of_peak(p, MANY);
	assert_true(rota_shard_trim(w->shard) > 0);
	assert_true(world_stat(w).bytes - base < (most - base) * 2 / 3);
	w->mem.sealed = 0;
	world_poll(w, 500 * TICK);
	expect_fired(w, 0);
}

static void
timers_that_double_and_halve_move_no_memory(void **state)
{
	struct world *w = *state;
	struct probe *p = peak(w, MANY, 1);
	uint64_t calls, frees;

	for (unsigned i = MANY / 8; i < MANY; i++)
		assert_int_equal(rota_timer_release(&p[i].timer), 0);
	poll_on(w, TICK);
	calls = w->mem.calls;
	frees = w->mem.frees;
	for (unsigned round = 0; round < 4; round++) {
		for (unsigned i = MANY / 8; i < MANY / 4; i++)
			probe_init(w, &p[i], i);
		poll_on(w, TICK);
		for (unsigned i = MANY / 8; i < MANY / 4; i++)
			assert_int_equal(rota_timer_release(&p[i].timer), 0);
		poll_on(w, TICK);
		assert_int_equal(w->mem.calls, calls);
		assert_int_equal(w->mem.frees, frees);
	}
	w->fired = 0;
}

static void
room_for_few_stays(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 200);
	uint64_t frees;

	for (unsigned i = 0; i < 200; i++)
		rota_timer_reset_at(&p[i].timer, TICK);
	poll_on(w, 0);
	frees = w->mem.frees; /* the room was made for 1024 more */
	for (unsigned i = 0; i < 200; i++)
		assert_int_equal(rota_timer_release(&p[i].timer), 0);
	poll_on(w, 0);
	assert_int_equal(w->mem.frees, frees);
}

/* Armed in its own callback for an instant that has come: it waits in no slot
 * and in no heap, but has an id or a chunk all the same. */
static void
arm_for_now(struct probe *p, rota_time now)
{
	if (p->fires == 1)
		rota_timer_reset_at(&p->timer, now);
}

static void
what_is_deferred_is_moved_too(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, MANY);

	for (unsigned i = 0; i < MANY; i++) {
		p[i].then = arm_for_now;
		rota_timer_reset_at(&p[i].timer, TICK);
	}
	world_poll(w, TICK);
	assert_int_equal(w->fired, MANY);
	end_of_peak(p, MANY);
	assert_true(rota_shard_trim(w->shard) > 0);
	assert_int_equal(rota_shard_check(w->shard), 0);
	world_poll(w, TICK);
	assert_int_equal(w->fired, MANY + (MANY + KEEP - 1) / KEEP);
	assert_int_equal(rota_shard_check(w->shard), 0);
	w->fired = 0;
}

/* The model: when each is due, and in what order it was armed. */
struct model {
	rota_time due; /* 0: not armed */
	uint64_t rank;
	bool there;
};
static struct model *model;

static int
by_due(const void *a, const void *b)
{
	const struct model *x = &model[*(const unsigned *)a];
	const struct model *y = &model[*(const unsigned *)b];

	if (x->due != y->due)
		return x->due < y->due ? -1 : 1;
	return x->rank < y->rank ? -1 : 1;
}

/* Poll at @now: what the model says fires. */
static void
poll_model(struct world *w, unsigned n, rota_time now, unsigned *due)
{
	unsigned fires = 0;

	for (unsigned i = 0; i < n; i++)
		if (model[i].there && model[i].due && model[i].due <= now)
			due[fires++] = i;
	qsort(due, fires, sizeof(*due), by_due);
	world_poll(w, now);
	assert_int_equal(w->fired, fires);
	for (unsigned i = 0; i < fires; i++) {
		if (w->row->backend != ROTA_WHEEL_COARSE)
			assert_int_equal(w->order[i], due[i]);
		assert_in_range(model[w->order[i]].due, 1, now);
		model[w->order[i]].due = 0;
	}
	w->fired = 0;
}

/* At random: peaks and ends of them, armings, stops, polls with few steps, and
 * calls in between. */
static void
at_random_all_is_as_the_model_says(void **state)
{
	struct world *w = *state;
	struct probe *p = calloc(MANY, sizeof(*p));
	unsigned *due = calloc(MANY, sizeof(*due));
	uint64_t x = 88172645463325252u, rank = 0, swing = MANY;
	uint64_t fell = 0;
	rota_time now = TICK;

	model = calloc(MANY, sizeof(*model));
	for (unsigned round = 0; round < ROUNDS; round++) {
		uint64_t before = w->mem.frees;

		if (round % 20 == 0)
			swing = round % 40 ? MANY / 40 : MANY;
		for (unsigned k = 0; k < MANY / 8; k++) {
			unsigned i = (unsigned)(random_next(&x) % MANY);
			struct model *m = &model[i];

			if (i >= swing) {
				if (m->there)
					assert_int_equal(
					    rota_timer_release(&p[i].timer), 0);
				*m = (struct model){ 0, 0, false };
			} else if (!m->there) {
				probe_init(w, &p[i], i);
				m->there = true;
			} else if (random_next(&x) % 4 == 0) {
				assert_int_equal(rota_timer_stop(&p[i].timer),
				    m->due ? ROTA_PREVENTED : ROTA_NOT_PENDING);
				m->due = 0;
			} else {
				m->due = now +
				    (rota_time)(1 +
					random_next(&x) % 4000 *
					    (random_next(&x) % 3 ? 1 : 977)) *
					TICK;
				m->rank = rank++;
				rota_timer_reset_at(&p[i].timer, m->due);
			}
		}
		if (random_next(&x) % 16 == 0)
			assert_true(rota_shard_trim(w->shard) >= 0);
		for (unsigned k = 0; k < 12; k++) {
			/* What is in a slot comes and goes between slices. */
			for (unsigned j = 0; j < SLICE / 4; j++) {
				unsigned i = (unsigned)(random_next(&x) % MANY);

				if (!model[i].there)
					continue;
				assert_int_equal(
				    rota_timer_release(&p[i].timer), 0);
				model[i] = (struct model){ 0, 0, i < swing };
				if (i < swing)
					probe_init(w, &p[i], i);
			}
			world_poll(w, now);
			if (k % STEP == 0)
				assert_int_equal(rota_shard_check(w->shard), 0);
		}
		expect_nothing(w);
		fell += w->mem.frees - before;
		now += (rota_time)(random_next(&x) % 300) * TICK;
		poll_model(w, MANY, now, due);
		assert_int_equal(rota_shard_check(w->shard), 0);
	}
	assert_true(fell > 0);
	for (unsigned i = 0; i < MANY; i++)
		if (model[i].there)
			assert_int_equal(rota_timer_release(&p[i].timer), 0);
	free(p);
	free(due);
	free(model);
}

static int64_t answer[2];

static void
trim_inside(struct probe *p, rota_time now)
{
	(void)now;
	answer[0] = rota_shard_trim(p->world->shard);
}

static void
trim_elsewhere(void *shard)
{
	answer[1] = rota_shard_trim(shard);
}

static void
only_the_owner_may_in_no_callback(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);

	p->then = trim_inside;
	rota_timer_reset_at(&p->timer, TICK);
	world_poll(w, TICK);
	expect_fired(w, 0);
	assert_int_equal(answer[0], -EDEADLK);
	elsewhere(trim_elsewhere, w->shard);
	assert_int_equal(answer[1], -EPERM);
	assert_int_equal(w->logs, 2);
	assert_non_null(strstr(w->log, "rota_shard_trim()"));
	assert_int_equal(rota_shard_trim(NULL), -EINVAL);
}

static void
a_shard_that_has_retired_gives_back_all(void **state)
{
	struct world *w = *state;
	struct rota_shard *target = rota_engine_shard(w->engine, 1);
	struct rota_stats stats;
	struct probe *p;
	uint64_t base;

	rota_shard_stat(w->shard, &stats);
	base = stats.bytes;
	p = peak(w, MANY, 1);
	end_of_peak(p, MANY);
	assert_int_equal(rota_shard_poll(w->shard, TICK, 1), 0);
	assert_int_equal(rota_shard_park(w->shard), 0); /* half way */
	assert_int_equal(rota_shard_attach(target), 0);
	assert_int_equal(rota_shard_retire(w->shard, target), 0);
	assert_true(rota_shard_park(w->shard) != 0);
	rota_shard_stat(w->shard, &stats);
	assert_true(stats.bytes > base);
	assert_int_equal(
	    rota_shard_trim(w->shard), (int64_t)(stats.bytes - base));
	assert_int_equal(rota_shard_check(w->shard), 0);
	assert_true(rota_shard_park(w->shard) != 0);
	/* The heir lacks nothing. */
	assert_int_equal(rota_shard_poll(target, TICK, 0), 0);
	for (unsigned i = KEEP; i < MANY; i += KEEP)
		assert_int_equal(rota_timer_release(&p[i].timer), 0);
	assert_true(rota_shard_trim(target) >= 0);
	assert_int_equal(rota_shard_check(target), 0);
	assert_int_equal(rota_shard_poll(target, 6000 * TICK, 0), 0);
	expect_fired(w, 0);
}

/* Retired with room for the peak, nothing of which is given back yet. */
static void
a_shard_that_has_retired_is_owed_no_poll(void **state)
{
	struct world *w = *state;
	struct rota_shard *heir = rota_engine_shard(w->engine, 1);

	peak(w, MANY, 1);
	assert_int_equal(rota_shard_attach(heir), 0);
	assert_int_equal(rota_shard_retire(w->shard, heir), 0);
	for (unsigned i = 0; i < 3; i++) {
		assert_true(rota_shard_park(w->shard) == ROTA_NEVER);
		assert_int_equal(
		    rota_shard_poll(w->shard, (2 + i) * TICK, 0), 0);
	}
	assert_true(rota_shard_trim(w->shard) > 0);
	assert_true(rota_shard_park(w->shard) == ROTA_NEVER);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		EVERY_KIND(a_call_gives_back_what_is_not_needed),
		EVERY_KIND(polls_give_back_after_a_peak),
		EVERY_OWNED(a_new_peak_calls_it_off),
		EVERY_OWNED(memory_is_taken_again_or_its_want_told),
		EVERY(what_was_reserved_stays_until_the_call),
		EVERY(timers_that_double_and_halve_move_no_memory),
		EVERY(room_for_few_stays),
		EVERY_OWNED(what_is_deferred_is_moved_too),
		EVERY_KIND(at_random_all_is_as_the_model_says),
		EVERY(only_the_owner_may_in_no_callback),
		ON(a_shard_that_has_retired_gives_back_all, pair_heap),
		ON(a_shard_that_has_retired_is_owed_no_poll, pair_heap),
		ON(a_shard_that_has_retired_gives_back_all, pair_wheel),
		ON(a_shard_that_has_retired_is_owed_no_poll, pair_wheel),
		ON(a_shard_that_has_retired_gives_back_all, pair_coarse),
		ON(a_shard_that_has_retired_is_owed_no_poll, pair_coarse),
	};

	return cmocka_run_group_tests_name("trim", tests, NULL, NULL);
}
