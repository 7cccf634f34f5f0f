/* SPDX-License-Identifier: MIT
 *
 * shard_test.c - core/shard.c: who owns a shard, its room, its cap.
 * Claims: one owner at a time; everybody else is told so and nothing happens;
 * inside a callback the shard is not polled again; room that was reserved is
 * there; a cap is a cap and leaves nothing half done; rota_shard_check()
 * finds a broken invariant.
 */
#include "core/shard.h"

#include <poll.h>
#include <pthread.h>
#include <errno.h>
#include <stdlib.h>

#include "tests/support/world.h"

/* The owner's calls by somebody: their answers. */
struct tried {
	struct rota_shard *s;
	int attach, detach, poll, batch, park, check;
	rota_time next;
};

static void
try_all(void *arg)
{
	struct tried *t = arg;
	struct rota_timer *out[1];

	t->attach = rota_shard_attach(t->s);
	t->poll = rota_shard_poll(t->s, 1000 * TICK, 0);
	t->batch = rota_shard_poll_batch(t->s, 1000 * TICK, 0, out, 1);
	t->next = rota_shard_next(t->s);
	t->park = (int)rota_shard_park(t->s);
	t->check = rota_shard_check(t->s);
	t->detach = rota_shard_detach(t->s);
}

static void
a_shard_has_one_owner(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);
	struct tried t = { .s = w->shard };

	rota_timer_reset_at(&p->timer, TICK);
	assert_int_equal(rota_shard_attach(w->shard), -EBUSY);
	elsewhere(try_all, &t);
	assert_int_equal(t.attach, -EBUSY);
	assert_int_equal(t.poll, -EPERM);
	assert_int_equal(t.batch, -EPERM);
	assert_int_equal(t.next, -EPERM);
	assert_int_equal(t.park, -EPERM);
	assert_int_equal(t.check, -EPERM);
	assert_int_equal(t.detach, -EPERM);
	expect_nothing(w);
	assert_int_equal(rota_shard_now(w->shard), 0);
	world_poll(w, TICK);
	expect_fired(w, 0);
}

static void
a_shard_given_up_is_anybodys(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 2);
	struct tried t = { .s = w->shard };

	rota_timer_reset_at(&p[0].timer, TICK); /* not filed yet */
	assert_int_equal(rota_shard_detach(w->shard), 0);
	assert_int_equal(rota_shard_detach(w->shard), -EPERM);
	assert_int_equal(rota_shard_poll(w->shard, TICK, 0), -EPERM);
	assert_int_equal(rota_timer_reset_at(&p[1].timer, TICK), 0);
	elsewhere(try_all, &t);
	assert_int_equal(t.attach, 0);
	assert_int_equal(t.poll, 0);
	assert_int_equal(t.batch, 0);
	assert_true(t.next == ROTA_NEVER);
	assert_int_equal(t.check, 0);
	assert_int_equal(t.detach, 0);
	assert_int_equal(w->fired, 2);
	assert_int_equal(rota_shard_attach(w->shard), 0);
	world_poll(w, 1001 * TICK);
	w->fired = 0;
}

static int answer[8];

static void
try_inside(struct probe *p, rota_time now)
{
	struct rota_shard *s = p->world->shard;
	struct rota_timer *out[1];

	answer[0] = rota_shard_poll(s, now, 0);
	answer[1] = rota_shard_poll_batch(s, now, 0, out, 1);
	answer[2] = (int)rota_shard_park(s);
	answer[3] = rota_shard_detach(s);
	answer[4] = rota_shard_attach(s);
	answer[5] = rota_shard_check(s);
	answer[6] = rota_shard_next(s) >= 0 && rota_shard_now(s) == now;
}

static void
inside_a_callback_the_shard_is_busy(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 2);

	p[0].then = try_inside;
	rota_timer_reset_at(&p[0].timer, TICK);
	rota_timer_reset_at(&p[1].timer, 2 * TICK);
	world_poll(w, 3 * TICK);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(answer[i], -EDEADLK);
	assert_int_equal(answer[4], -EBUSY);
	assert_int_equal(answer[5], 0); /* a check is a look */
	assert_int_equal(answer[6], 1);
	expect_fired(w, 0, 1);
}

static void
now_is_the_instant_of_the_latest_poll(void **state)
{
	struct world *w = *state;

	assert_int_equal(rota_shard_now(w->shard), 0);
	rota_engine_advance(w->engine, 9 * TICK);
	assert_int_equal(rota_shard_now(w->shard), 0);
	world_poll(w, 5);
	assert_int_equal(rota_shard_now(w->shard), 5);
	world_poll(w, 4);
	assert_int_equal(rota_shard_now(w->shard), 5);
}

static void
a_clock_that_starts_late_is_where_the_shard_begins(void **state)
{
	static const struct world_row rows[] = {
		{ .backend = ROTA_HEAP, .start = 123456 * TICK + 77 },
		{ .backend = ROTA_WHEEL, .start = 123456 * TICK + 77 },
		{ .backend = ROTA_WHEEL_COARSE, .start = 123456 * TICK + 77 },
	};

	for (unsigned i = 0; i < CM_COUNT(rows); i++) {
		rota_time start = rows[i].start;
		struct world *w;
		struct probe *p;

		*state = (void *)(uintptr_t)&rows[i];
		world_setup(state);
		w = *state;
		p = world_probes(w, 3);
		assert_int_equal(rota_shard_now(w->shard), start);
		assert_int_equal(rota_engine_now(w->engine), start);
		rota_timer_reset(&p[0].timer, 0);
		rota_timer_reset_at(&p[1].timer, 5); /* long ago */
		rota_timer_reset(&p[2].timer, 3 * TICK);
		world_poll(w, start + TICK);
		assert_int_equal(w->fired, 2);
		world_poll(w, start + 4 * TICK);
		assert_int_equal(w->fired, 3);
		w->fired = 0;
		world_teardown(state);
	}
	*state = NULL;
}

/* C4: timer cap, -ENOSPC, no partial state. */
static void
a_cap_is_a_cap_and_leaves_nothing_half_done(void **state)
{
	static const uint64_t caps[] = { 1, 2, 63, 1000, 5000 };
	struct world *w = *state;

	for (unsigned i = 0; i < CM_COUNT(caps); i++) {
		struct rota_config c = world_config(w);
		struct rota_stats before, after;
		struct rota_timer one;
		struct probe *p;

		if (w->engine)
			world_destroy(w, ROTA_DROP);
		c.max_timers = caps[i];
		world_open(w, &c);
		p = malloc(caps[i] * sizeof(*p));
		for (unsigned k = 0; k < caps[i]; k++) {
			probe_init(w, &p[k], k);
			rota_timer_reset_at(&p[k].timer, k % 97 * TICK);
		}
		before = world_stat(w);
		one.r_kind = 4711;
		for (unsigned k = 0; k < 3; k++)
			assert_int_equal(
			    rota_timer_init(&one, &w->kind), -ENOSPC);
		assert_int_equal(one.r_kind, 4711); /* not touched */
		after = world_stat(w);
		assert_memory_equal(&before, &after, sizeof(before));
		/* one goes, one may come */
		assert_int_equal(rota_timer_release(&p[0].timer), 0);
		assert_int_equal(rota_timer_init(&one, &w->kind), 0);
		assert_int_equal(
		    rota_timer_init(&p[0].timer, &w->kind), -ENOSPC);
		world_poll(w, 100 * TICK);
		assert_int_equal(w->fired, caps[i] - 1);
		w->fired = 0;
		world_destroy(w, ROTA_DROP);
		free(p);
	}
}

static void
room_that_was_reserved_is_there(void **state)
{
	struct world *w = *state;
	struct probe *p;
	uint64_t calls;

	assert_int_equal(rota_shard_reserve(w->shard, 0), 0);
	assert_int_equal(rota_shard_reserve(w->shard, 30000), 0);
	calls = w->mem.calls;
	w->mem.sealed = 1;
	p = world_probes(w, 30000);
	for (unsigned i = 0; i < 30000; i++)
		rota_timer_reset_at(&p[i].timer, i % 1000 * TICK);
	world_poll(w, 500 * TICK);
	assert_int_equal(w->mem.calls, calls);
	w->mem.sealed = 0;
	assert_int_equal(rota_shard_reserve(w->shard, 1), 0);
	w->fired = 0;
}

static void
more_room_than_the_cap_is_refused(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 10);
	uint64_t most = 1 << 18;

	(void)p;
	assert_int_equal(rota_shard_reserve(w->shard, most - 9), -ENOSPC);
	assert_int_equal(rota_shard_reserve(w->shard, UINT64_MAX), -ENOSPC);
	assert_int_equal(rota_shard_reserve(w->shard, UINT64_MAX - 9), -ENOSPC);
	assert_int_equal(rota_shard_reserve(w->shard, most - 10), 0);
}

static void
refused_memory_is_told_and_the_next_try_works(void **state)
{
	struct world *w = *state;
	struct rota_timer t;
	uint64_t n;

	for (n = 1;; n++) {
		struct rota_config c = world_config(w);
		struct rota_stats before, after;
		bool failed;
		int r;

		world_destroy(w, ROTA_DROP);
		world_open(w, &c);
		before = world_stat(w);
		mem_fail(&w->mem, n);
		r = rota_shard_reserve(w->shard, 2 * HEAP_BLOCK);
		failed = mem_failed(&w->mem);
		assert_int_equal(r, failed ? -ENOMEM : 0);
		if (!failed)
			break;
		after = world_stat(w);
		assert_int_equal(after.timers, before.timers);
		mem_fail(&w->mem, 1);
		r = rota_timer_init(&t, &w->kind);
		if (mem_failed(&w->mem)) {
			assert_int_equal(r, -ENOMEM);
			assert_int_equal(world_stat(w).timers, 0);
			mem_fail(&w->mem, 0);
			r = rota_timer_init(&t, &w->kind);
		}
		assert_int_equal(r, 0);
		mem_fail(&w->mem, 0);
		assert_int_equal(rota_timer_release(&t), 0);
		assert_int_equal(
		    rota_shard_reserve(w->shard, 2 * HEAP_BLOCK), 0);
		assert_int_equal(rota_shard_check(w->shard), 0);
	}
	assert_true(n >= 3);
	mem_fail(&w->mem, 0);
}

static void
overdue_tells_how_late_the_earliest_is(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);

	assert_int_equal(rota_shard_overdue(w->shard, 1000 * TICK), 0);
	rota_timer_reset_at(&p->timer, 5 * TICK);
	world_poll(w, TICK);
	assert_int_equal(rota_shard_overdue(w->shard, TICK), 0);
	assert_in_range(
	    rota_shard_overdue(w->shard, 9 * TICK), 4 * TICK, 9 * TICK);
	world_poll(w, 9 * TICK);
	assert_int_equal(rota_shard_overdue(w->shard, 99 * TICK), 0);
	elsewhere_reset_at(&p->timer, 10 * TICK); /* waits to be filed */
	assert_true(rota_shard_overdue(w->shard, 20 * TICK) > 0);
	w->fired = 0;
}

static void
check_finds_an_entry_whose_timer_says_it_has_none(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 2);

	rota_timer_reset_at(&p[0].timer, 5 * TICK);
	rota_timer_reset_at(&p[1].timer, 5 * TICK);
	world_poll(w, 0);
	assert_int_equal(rota_shard_check(w->shard), 0);
	p[1].timer.r_word &= ~ST_LINKED;
	assert_true(rota_shard_check(w->shard) > 0);
	p[1].timer.r_word |= ST_LINKED;
	assert_int_equal(rota_shard_check(w->shard), 0);
	p[1].timer.r_kind ^= UINT64_C(1) << 60; /* overwritten */
	assert_true(rota_shard_check(w->shard) > 0);
	p[1].timer.r_kind ^= UINT64_C(1) << 60;
	assert_int_equal(rota_shard_check(w->shard), 0);
}

static void
ask_armed(void *arg)
{
	struct world *w = arg;

	assert_int_equal(rota_shard_armed(w->shard, ROTA_NEVER), -EPERM);
}

static void
armed_is_asked_in_a_callback(struct probe *p, rota_time now)
{
	(void)now;
	*(int *)p->arg = rota_shard_armed(p->world->shard, ROTA_NEVER);
}

static void
only_what_is_armed_is_told_as_such(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 100);
	int told = 0;

	assert_int_equal(rota_shard_armed(NULL, 0), -EINVAL);
	elsewhere(ask_armed, w);
	assert_int_equal(rota_shard_armed(w->shard, ROTA_NEVER), 0);
	for (int i = 0; i < 100; i++) /* on the stage, filed */
		rota_timer_reset_at(&p[i].timer, (1 + i) * 100 * TICK);
	assert_int_equal(rota_shard_armed(w->shard, 100 * TICK), 0);
	assert_int_equal(rota_shard_armed(w->shard, 100 * TICK + 1), 1);
	assert_int_equal(rota_shard_armed(w->shard, -1), 0);
	for (int i = 0; i < 99; i++)
		rota_timer_stop(&p[i].timer);
	assert_int_equal(rota_shard_armed(w->shard, 10000 * TICK), 0);
	assert_int_equal(world_stat(w).entries, 1);
	assert_int_equal(world_stat(w).swept, 99);
	assert_int_equal(rota_shard_armed(w->shard, ROTA_NEVER), 1);
	rota_timer_reset_at(&p[99].timer, INT64_MAX);
	assert_int_equal(rota_shard_armed(w->shard, ROTA_NEVER), 0);
	assert_int_equal(rota_shard_check(w->shard), 0);
	p[5].then = armed_is_asked_in_a_callback;
	p[5].arg = &told;
	rota_timer_reset_at(&p[5].timer, 3 * TICK);
	world_poll(w, 3 * TICK);
	expect_fired(w, 5);
	assert_int_equal(told, -EDEADLK);
}

/* What is behind a stopped timer in the heap may rise above it, once that one's
 * entry is gone. */
static void
what_rises_above_an_entry_that_goes_is_told_too(void **state)
{
	static const unsigned when[] = { 1, 100, 2, 90, 90, 100, 101, 102, 103,
		40 };
	struct world *w = *state;
	struct probe *p = world_probes(w, CM_COUNT(when));

	for (unsigned i = 0; i < CM_COUNT(when); i++) {
		rota_timer_reset_at(&p[i].timer, when[i] * TICK);
		world_poll(w, 0); /* filed in this order */
	}
	rota_timer_reset_at(&p[0].timer, 200 * TICK);
	rota_timer_reset_at(&p[2].timer, 200 * TICK);
	rota_timer_stop(&p[5].timer);
	assert_int_equal(rota_shard_armed(w->shard, 50 * TICK), 1);
	rota_timer_stop(&p[5].timer);
	rota_timer_stop(&p[9].timer);
	assert_int_equal(rota_shard_armed(w->shard, 50 * TICK), 0);
	assert_int_equal(world_stat(w).entries, CM_COUNT(when) - 2);
}

/* The same of both, the one behind the other. */
static void
no_entry_of_a_stopped_timer_is_left(void **state)
{
	static const unsigned when[] = { 1, 100, 2, 90, 90, 100, 101, 102, 103,
		40 };
	struct world *w = *state;
	struct probe *p = world_probes(w, CM_COUNT(when));

	for (unsigned i = 0; i < CM_COUNT(when); i++) {
		rota_timer_reset_at(&p[i].timer, when[i] * TICK);
		world_poll(w, 0);
	}
	rota_timer_stop(&p[5].timer);
	rota_timer_stop(&p[9].timer);
	assert_int_equal(rota_shard_armed(w->shard, TICK), 0);
	assert_int_equal(world_stat(w).entries, CM_COUNT(when) - 2);
}

static void *
grow(void *arg)
{
	struct world *w = arg;
	enum { MANY = 20000 };
	struct probe *p = calloc(MANY, sizeof(*p));

	for (unsigned i = 0; i < MANY; i++) {
		p[i].world = w;
		rota_timer_init(&p[i].timer, &w->kind);
	}
	for (unsigned i = 0; i < MANY; i++)
		rota_timer_release(&p[i].timer);
	return p;
}

/* Another thread makes room meanwhile: under the thread sanitizer. */
static void
check_may_run_beside_an_init(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 100);
	pthread_t thread;
	void *probes;

	for (unsigned i = 0; i < 100; i++)
		rota_timer_reset_at(&p[i].timer, i * TICK);
	assert_int_equal(pthread_create(&thread, NULL, grow, w), 0);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(rota_shard_check(w->shard), 0);
	pthread_join(thread, &probes);
	world_poll(w, 0);
	assert_int_equal(w->freed, 20000);
	assert_int_equal(rota_shard_check(w->shard), 0);
	free(probes);
}

/* A thread that parks first and asks for the descriptor then. */
static void
a_descriptor_made_after_a_park_tells_of_wakes_since(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);
	struct pollfd fd = { .events = POLLIN };

	rota_timer_reset_at(&p->timer, 900 * TICK);
	world_poll(w, 0);
	assert_in_range(rota_shard_park(w->shard), 1, 900 * TICK);
	elsewhere_reset_at(&p->timer, 5 * TICK);
	fd.fd = rota_shard_fd(w->shard);
	assert_true(fd.fd >= 0);
	assert_int_equal(poll(&fd, 1, 0), 1);
	world_poll(w, 0);
	assert_int_equal(poll(&fd, 1, 0), 0);
	assert_in_range(rota_shard_park(w->shard), 1, 5 * TICK);
	assert_int_equal(poll(&fd, 1, 0), 0);
	world_poll(w, 5 * TICK);
	expect_fired(w, 0);
}

/* The owner itself arms between its park and the descriptor. */
static void
a_descriptor_made_after_the_owner_armed_is_readable(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 2);
	struct pollfd fd = { .events = POLLIN };

	rota_timer_reset_at(&p[0].timer, 900 * TICK);
	world_poll(w, 0);
	assert_in_range(rota_shard_park(w->shard), 1, 900 * TICK);
	rota_timer_reset_at(&p[1].timer, 5 * TICK);
	fd.fd = rota_shard_fd(w->shard);
	assert_true(fd.fd >= 0);
	assert_int_equal(poll(&fd, 1, 0), 1);
}

/* A wake after the poll and before the first wait, which makes the
 * descriptor. Were the wake lost, the sleep would last until the limit. */
static void
the_first_wait_knows_of_a_wake_before_it(void **state)
{
	struct rota_config c = { .size = sizeof(c), .shards = 1 };
	struct rota_engine *e;
	struct rota_shard *s;
	rota_time limit;

	(void)state;
	assert_int_equal(rota_engine_create(&e, &c), 0);
	s = rota_engine_shard(e, 0);
	limit = rota_engine_now(e) + 20 * ROTA_SECOND;
	assert_int_equal(rota_shard_attach(s), 0);
	assert_int_equal(rota_shard_poll(s, rota_engine_now(e), 0), 0);
	assert_int_equal(rota_shard_wake(s), 0);
	assert_int_equal(rota_shard_wait(s, limit), 0);
	assert_true(rota_engine_now(e) < limit);
	assert_int_equal(rota_shard_detach(s), 0);
	assert_int_equal(rota_engine_destroy(e, ROTA_REFUSE), 0);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		EVERY(a_shard_has_one_owner),
		EVERY(a_shard_given_up_is_anybodys),
		EVERY_OWNED(inside_a_callback_the_shard_is_busy),
		EVERY_OWNED(now_is_the_instant_of_the_latest_poll),
		cmocka_unit_test(
		    a_clock_that_starts_late_is_where_the_shard_begins),
		EVERY_OWNED(a_cap_is_a_cap_and_leaves_nothing_half_done),
		EVERY_OWNED(room_that_was_reserved_is_there),
		EVERY_OWNED(more_room_than_the_cap_is_refused),
		EVERY_OWNED(refused_memory_is_told_and_the_next_try_works),
		EVERY(check_may_run_beside_an_init),
		EVERY(overdue_tells_how_late_the_earliest_is),
		EVERY_OWNED(only_what_is_armed_is_told_as_such),
		EVERY_OWNED(what_rises_above_an_entry_that_goes_is_told_too),
		EVERY_OWNED(no_entry_of_a_stopped_timer_is_left),
		EVERY_OWNED(check_finds_an_entry_whose_timer_says_it_has_none),
		EVERY(a_descriptor_made_after_a_park_tells_of_wakes_since),
		EVERY(a_descriptor_made_after_the_owner_armed_is_readable),
		cmocka_unit_test(the_first_wait_knows_of_a_wake_before_it),
	};

	return cmocka_run_group_tests_name("shard", tests, NULL, NULL);
}
