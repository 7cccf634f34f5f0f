/* SPDX-License-Identifier: MIT
 *
 * cost_test.c - what an operation on a timer must not do.
 * Claims: reset, stop, release and a poll take no lock and ask no allocator,
 * whoever calls; reset_at, stop and poll read no clock, reset of a span reads
 * it exactly once; none makes a system call unless a sleeper is to be woken.
 *
 * The program is linked so that calls of these functions come here, those of
 * the library too.
 */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "core/objects.h"
#include "tests/support/world.h"

static rota_word locks, clocks, writes, reads;

int __real_pthread_mutex_lock(pthread_mutex_t *m);
int __wrap_pthread_mutex_lock(pthread_mutex_t *m);
int __real_clock_gettime(clockid_t id, struct timespec *ts);
int __wrap_clock_gettime(clockid_t id, struct timespec *ts);
ssize_t __real_write(int fd, const void *p, size_t n);
ssize_t __wrap_write(int fd, const void *p, size_t n);
ssize_t __real_read(int fd, void *p, size_t n);
ssize_t __wrap_read(int fd, void *p, size_t n);

int
__wrap_pthread_mutex_lock(pthread_mutex_t *m)
{
#ifdef ROTA_DEBUG_OBJECTS
	if (m == &rota__objects_lock) /* the price of such a build */
		return __real_pthread_mutex_lock(m);
#endif
	word_add(&locks, (uint64_t)1, relaxed);
	return __real_pthread_mutex_lock(m);
}

int
__wrap_clock_gettime(clockid_t id, struct timespec *ts)
{
	word_add(&clocks, (uint64_t)1, relaxed);
	return __real_clock_gettime(id, ts);
}

ssize_t
__wrap_write(int fd, const void *p, size_t n)
{
	word_add(&writes, (uint64_t)1, relaxed);
	return __real_write(fd, p, n);
}

ssize_t
__wrap_read(int fd, void *p, size_t n)
{
	word_add(&reads, (uint64_t)1, relaxed);
	return __real_read(fd, p, n);
}

static void
count_from_here(struct world *w)
{
	locks = clocks = writes = reads = 0;
	w->mem.sealed = 1;
	w->mem.fail_at = 0;
}

/* Nothing was called since; @clock readings of the clock. */
static void
expect_cost(struct world *w, uint64_t calls, uint64_t clock)
{
	assert_int_equal(w->mem.calls, calls);
	assert_int_equal(locks, 0);
#ifndef ROTA_DEBUG_OBJECTS /* where a poll asks if it is ahead of the clock */
	assert_int_equal(clocks, clock);
#else
	(void)clock;
#endif
	assert_int_equal(writes, 0);
	assert_int_equal(reads, 0);
	w->mem.sealed = 0;
}

static const struct world_row timed_heap = { .backend = ROTA_HEAP,
	.timed = true,
	.clock = ROTA_CLOCK_MONOTONIC };
static const struct world_row timed_wheel = { .backend = ROTA_WHEEL,
	.timed = true,
	.clock = ROTA_CLOCK_MONOTONIC };
static const struct world_row timed_coarse = { .backend = ROTA_WHEEL_COARSE,
	.timed = true,
	.clock = ROTA_CLOCK_MONOTONIC };

static void
the_wrappers_count(void **state)
{
	struct world *w = *state;
	struct rota_kind k;

	count_from_here(w);
	assert_int_equal(
	    rota_kind_init(&k, w->shard,
		&(struct rota_kind_config){ .fire = probe_fire, .name = "k" }),
	    0);
	assert_int_equal(rota_kind_release(&k), 0);
	assert_int_equal(locks, 2);
	rota_engine_now(w->engine);
	assert_int_equal(clocks, 1);
	rota_shard_fd(w->shard); /* a new one is readable */
	assert_int_equal(writes, 1);
	rota_shard_wake(w->shard);
	assert_int_equal(writes, 2);
	world_poll(w, 0);
	assert_int_equal(reads, 1);
	w->mem.sealed = 0;
}

static void
work(struct probe *p, unsigned n, uint64_t *x, rota_time now)
{
	for (unsigned i = 0; i < 20 * n; i++) {
		struct rota_timer *t = &p[random_next(x) % n].timer;

		switch (random_next(x) % 4) {
		case 0:
			rota_timer_stop(t);
			break;
		case 1:
			rota_timer_stop_sync(t);
			break;
		default:
			rota_timer_reset_at(
			    t, now + (rota_time)(random_next(x) % (40 * TICK)));
		}
	}
}

static void
the_owner_takes_no_lock_asks_for_nothing_and_reads_no_clock(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 300);
	struct rota_timer *out[16];
	uint64_t x = 17, calls = w->mem.calls;
	rota_time now = 0;

	rota_shard_fd(w->shard);           /* there is one, and nobody wakes */
	rota_shard_poll(w->shard, now, 0); /* a new one is readable */
	count_from_here(w);
	for (unsigned round = 0; round < 100; round++) {
		work(p, 300, &x, now);
		now += 3 * TICK;
		rota_shard_poll(w->shard, now, round % 3 ? 0 : 20);
		rota_shard_next(w->shard);
		rota_shard_park(w->shard);
		rota_shard_poll(w->shard, now, 1); /* awake, so not to wake */
		if (round % 10 == 0)
			rota_shard_poll_batch(w->shard, now, 0, out, 16);
	}
	for (unsigned i = 0; i < 300; i++)
		assert_int_equal(rota_timer_release(&p[i].timer), 0);
	expect_cost(w, calls, 0);
	assert_true(w->fired > 200);
	for (unsigned i = 0; i < 300; i++)
		probe_init(w, &p[i], i);
}

struct crew {
	struct probe *p;
	unsigned n;
	uint64_t x;
};

static void
work_far(void *arg)
{
	struct crew *c = arg;

	work(c->p, c->n, &c->x, 0);
}

static void
release_far(void *arg)
{
	struct crew *c = arg;

	for (unsigned i = 0; i < c->n; i++)
		rota_timer_release(&c->p[i].timer);
}

static void
another_thread_neither(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 300);
	struct crew c = { p, 300, 23 };
	uint64_t calls = w->mem.calls;
	rota_time now = 0;

	count_from_here(w);
	for (unsigned round = 0; round < 20; round++) {
		elsewhere(work_far, &c);
		now += 3 * TICK;
		world_poll(w, now);
	}
	elsewhere(release_far, &c);
	world_poll(w, now);
	expect_cost(w, calls, 0);
	assert_int_equal(w->freed, 300);
}

static void
a_confined_kind_neither(void **state)
{
	struct world *w = *state;
	struct probe *p;
	uint64_t x = 29, calls;
	rota_time now = 0;

	assert_int_equal(rota_kind_release(&w->kind), 0);
	assert_int_equal(rota_kind_init(&w->kind, w->shard,
			     &(struct rota_kind_config){ .fire = probe_fire,
				 .name = "mine",
				 .flags = ROTA_CONFINED }),
	    0);
	p = world_probes(w, 300);
	calls = w->mem.calls;
	count_from_here(w);
	for (unsigned round = 0; round < 30; round++) {
		work(p, 300, &x, now);
		now += 3 * TICK;
		world_poll(w, now);
	}
	expect_cost(w, calls, 0);
	assert_true(w->fired > 200);
}

static void
a_span_costs_one_reading_of_the_clock(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 10);
	uint64_t calls = w->mem.calls;

	count_from_here(w);
	for (unsigned i = 0; i < 100; i++)
		rota_timer_reset(&p[i % 10].timer, (i % 7) * ROTA_SECOND);
	expect_cost(w, calls, 100);
}

static void
pending_and_deadline_cost_nothing(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);
	uint64_t calls = w->mem.calls;

	rota_timer_reset_at(&p->timer, TICK);
	count_from_here(w);
	assert_int_equal(rota_timer_pending(&p->timer), 1);
	assert_int_equal(rota_timer_deadline(&p->timer), TICK);
	rota_shard_now(w->shard);
	rota_shard_overdue(w->shard, 2 * TICK);
	expect_cost(w, calls, 0);
}

static void
nothing(void *arg)
{
	++*(unsigned *)arg;
}

/* Once the pool has nodes the owner gets and gives them without a lock. */
static void
a_pooled_timer_costs_its_owner_one_reading_and_no_lock(void **state)
{
	struct world *w = *state;
	unsigned ran = 0;
	uint64_t calls;
	rota_handle h;

	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(
		    rota_after_func(w->engine, 0, nothing, &ran, NULL), 0);
	world_poll(w, rota_engine_now(w->engine) + 2 * TICK);
	assert_int_equal(ran, 100);
	calls = w->mem.calls;
	count_from_here(w);
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(
		    rota_after_func(w->engine, ROTA_SECOND, nothing, &ran, &h),
		    0);
	assert_int_equal(rota_handle_stop(w->engine, h), ROTA_PREVENTED);
	expect_cost(w, calls, 100);
}

/* clang-format off: a # that begins a line */
#define TIMED(f)                                                \
	{ #f " [heap]", f, world_setup, world_teardown,         \
		(void *)(uintptr_t)&timed_heap },               \
	    { #f " [wheel]", f, world_setup, world_teardown,    \
		    (void *)(uintptr_t)&timed_wheel },          \
	{                                                       \
#f " [coarse]", f, world_setup, world_teardown, \
		    (void *)(uintptr_t)&timed_coarse            \
	}
/* clang-format on */

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TIMED(the_wrappers_count),
		TIMED(
		    the_owner_takes_no_lock_asks_for_nothing_and_reads_no_clock),
		TIMED(another_thread_neither),
		TIMED(a_confined_kind_neither),
		TIMED(a_span_costs_one_reading_of_the_clock),
		TIMED(pending_and_deadline_cost_nothing),
		TIMED(a_pooled_timer_costs_its_owner_one_reading_and_no_lock),
	};

	return cmocka_run_group_tests_name("cost", tests, NULL, NULL);
}
