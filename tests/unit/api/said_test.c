/* SPDX-License-Identifier: MIT
 *
 * said_test.c - what config.log hears of misuse, in every build.
 * Claims: each usual mistake is a line that names the function, the kind and
 * its site or the shard, and says what to do; it comes once for each kind and
 * mistake, or shard and function; a config that is refused names its field;
 * so do calls of the wait layer; a wait for a shard that nobody polls is told,
 * and what was not given back where an engine's end is refused; calls that are
 * right say nothing; the hook may clobber errno.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/world.h"

/* One line came, and it has all of @words. */
static void
heard(struct world *w, const char *const *words, int line)
{
	if (w->logs != 1)
		fail_msg("line %d: %u lines in the log, the latest: %s", line,
		    (unsigned)w->logs, w->log);
	for (; *words; words++)
		if (!strstr(w->log, *words))
			fail_msg(
			    "line %d: no \"%s\" in: %s", line, *words, w->log);
	if (strncmp(w->log, "rota: ", 6) != 0)
		fail_msg("line %d: %s", line, w->log);
	w->logs = 0;
}

static void
silence(struct world *w, int line)
{
	if (w->logs)
		fail_msg("line %d: %s", line, w->log);
}

#define HEARD(w, ...) \
	heard((w), (const char *const[]){ __VA_ARGS__, NULL }, __LINE__)
#define SILENCE(w) silence((w), __LINE__)
/* @call answers @r and says so once, in these words. */
#define SAYS(w, call, r, ...)                  \
	do {                                   \
		assert_int_equal((call), (r)); \
		HEARD((w), __VA_ARGS__);       \
		assert_int_equal((call), (r)); \
		SILENCE(w);                    \
	} while (0)

/* A call made by another thread. */
struct far {
	struct rota_shard *s, *target;
	struct rota_timer *t;
	int (*call)(struct far *f);
	int r;
};

static void
far_run(void *arg)
{
	struct far *f = arg;

	f->r = f->call(f);
}

static int
far(struct far f)
{
	elsewhere(far_run, &f);
	return f.r;
}

static int
call_poll(struct far *f)
{
	return rota_shard_poll(f->s, 0, 0);
}

static int
call_batch(struct far *f)
{
	struct rota_timer *out[1];

	return rota_shard_poll_batch(f->s, 0, 0, out, 1);
}

static int
call_next(struct far *f)
{
	return (int)rota_shard_next(f->s);
}

static int
call_park(struct far *f)
{
	return (int)rota_shard_park(f->s);
}

static int
call_wait(struct far *f)
{
	return rota_shard_wait(f->s, 0);
}

static int
call_detach(struct far *f)
{
	return rota_shard_detach(f->s);
}

static int
call_check(struct far *f)
{
	return rota_shard_check(f->s);
}

static int
call_attach(struct far *f)
{
	return rota_shard_attach(f->s);
}

static int
call_retire(struct far *f)
{
	return rota_shard_retire(f->s, f->target);
}

static const struct {
	int (*call)(struct far *f);
	const char *name;
} owners_calls[] = {
	{ call_poll, "rota_shard_poll()" },
	{ call_batch, "rota_shard_poll_batch()" },
	{ call_next, "rota_shard_next()" },
	{ call_park, "rota_shard_park()" },
	{ call_wait, "rota_shard_wait()" },
	{ call_detach, "rota_shard_detach()" },
	{ call_check, "rota_shard_check()" },
	{ call_retire, "rota_shard_retire()" },
};

static const struct world_row two = { .backend = ROTA_HEAP,
	.shards = 2,
	.timed = true,
	.clock = ROTA_CLOCK_MONOTONIC };
#define world_two two

static void
a_forgotten_attach_is_told(void **state)
{
	struct world *w = *state;
	struct far f = { rota_engine_shard(w->engine, 1),
		rota_engine_shard(w->engine, 0), NULL, NULL, 0 };

	/* rota_shard_retire() may be anybody's: there is no owner */
	for (unsigned i = 0; i + 1 < CM_COUNT(owners_calls); i++) {
		f.call = owners_calls[i].call;
		SAYS(w, f.call(&f), -EPERM, owners_calls[i].name,
		    "this thread is not the owner of shard 1",
		    "call rota_shard_attach() on it first");
	}
}

static void
a_call_from_a_wrong_thread_is_told(void **state)
{
	struct world *w = *state;
	struct far f = { w->shard, rota_engine_shard(w->engine, 1), NULL, NULL,
		0 };

	for (unsigned i = 0; i < CM_COUNT(owners_calls); i++) {
		f.call = owners_calls[i].call;
		SAYS(w, far(f), -EPERM, owners_calls[i].name,
		    "this thread is not the owner of shard 0",
		    "another is: only that one may call it");
	}
}

static void
an_answer_that_is_no_instant_is_told(void **state)
{
	struct world *w = *state;
	struct far f = { w->shard, NULL, NULL, call_park, 0 };

	SAYS(w, far(f), -EPERM, "rota_shard_park()", "no instant to sleep");
	f.call = call_next;
	SAYS(w, far(f), -EPERM, "rota_shard_next()", "no instant to sleep");
}

static void
a_second_owner_is_told(void **state)
{
	struct world *w = *state;
	struct far f = { w->shard, NULL, NULL, call_attach, 0 };

	SAYS(w, far(f), -EBUSY, "rota_shard_attach()",
	    "shard 0 has an owner already, another thread");
}

static void
attaching_twice_is_told(void **state)
{
	struct world *w = *state;

	SAYS(w, rota_shard_attach(w->shard), -EBUSY, "rota_shard_attach()",
	    "shard 0 has an owner already, this thread", "attach it once");
}

static const struct world_row driven = { .backend = ROTA_HEAP,
	.flags = ROTA_DRIVERS,
	.timed = true,
	.clock = ROTA_CLOCK_MONOTONIC };
#define world_driven driven

static void
polling_beside_a_driver_is_told(void **state)
{
	struct world *w = *state;

	SAYS(w, rota_shard_attach(w->shard), -EBUSY, "rota_shard_attach()",
	    "a driver of the engine", "leave ROTA_DRIVERS out");
	SAYS(w, rota_shard_poll(w->shard, 0, 0), -EPERM, "rota_shard_poll()",
	    "a driver of the engine is");
}

static struct world *inside;

static void
call_all(struct probe *p, rota_time now)
{
	struct world *w = p->world;
	struct far f = { w->shard, NULL, NULL, NULL, 0 };

	for (unsigned i = 0; i < CM_COUNT(owners_calls); i++) {
		f.call = owners_calls[i].call;
		f.target = rota_engine_shard(w->engine, 1);
		if (f.call == call_next || f.call == call_check)
			continue; /* it may */
		SAYS(w, f.call(&f), -EDEADLK, owners_calls[i].name,
		    "called in a callback of shard 0");
	}
	assert_true(rota_shard_next(w->shard) > 0);
	assert_int_equal(rota_shard_check(w->shard), 0);
	SILENCE(w);
	SAYS(w, rota_engine_destroy(w->engine, ROTA_DROP), -EDEADLK,
	    "rota_engine_destroy()", "called in a callback");
	SAYS(w, rota_timer_stop_sync(&p->timer), -EDEADLK,
	    "rota_timer_stop_sync()", "kind probe",
	    "world.c:", "rota_timer_stop() does");
	(void)now;
	inside = w;
}

static void
what_a_callback_may_not_is_told(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);

	inside = NULL;
	p->then = call_all;
	rota_timer_reset_at(&p->timer, 0);
	rota_shard_poll(w->shard, rota_engine_now(w->engine), 0);
	assert_ptr_equal(inside, w);
}

static void
a_call_after_a_release_that_waits_is_told(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);
	struct rota_kind k;
	struct probe q = { .world = w };

	assert_int_equal(elsewhere_release(&p->timer), 1);
	SAYS(w, rota_timer_release(&p->timer), -EINVAL, "rota_timer_release()",
	    "kind probe", "world.c:", "was released and waits for its owner");
	assert_int_equal(rota_timer_reset_at(&p->timer, TICK), -EINVAL);
	SILENCE(w); /* the same mistake with the same kind */

	assert_int_equal(rota_kind_init(&k, w->shard,
			     &(struct rota_kind_config){ .fire = probe_fire,
				 .released = probe_released,
				 .name = "other" }),
	    0);
	assert_int_equal(rota_timer_init(&q.timer, &k), 0);
	assert_int_equal(elsewhere_release(&q.timer), 1);
	SAYS(w, rota_timer_reset_at(&q.timer, TICK), -EINVAL,
	    "rota_timer_reset()", "kind other",
	    "said_test.c:", "was released and waits for its owner");
	assert_int_equal(elsewhere_reset_at(&q.timer, TICK), -EINVAL);
	SILENCE(w);
	rota_shard_poll(w->shard, 0, 0);
	assert_int_equal(w->freed, 2);
	assert_int_equal(rota_kind_release(&k), 0);
}

static void
a_remote_release_without_released_is_told(void **state)
{
	struct world *w = *state;
	struct rota_kind k;
	struct rota_timer t;

	assert_int_equal(rota_kind_init(&k, w->shard,
			     &(struct rota_kind_config){ .fire = probe_fire }),
	    0);
	assert_int_equal(rota_timer_init(&t, &k), 0);
	SAYS(w, elsewhere_release(&t), -EINVAL, "rota_timer_release()",
	    "kind ? (", "said_test.c:", "without `released`",
	    "set it in the kind's config");
	SAYS(w, rota_kind_release(&k), -EBUSY, "rota_kind_release()",
	    "timers that were not released");
	assert_int_equal(rota_timer_release(&t), 0);
	assert_int_equal(rota_kind_release(&k), 0);
	SILENCE(w);
}

static const struct world_row full = { .backend = ROTA_HEAP, .max_timers = 3 };
#define world_full full

static void
a_full_shard_is_told(void **state)
{
	struct world *w = *state;
	struct rota_timer more;

	world_probes(w, 3);
	SAYS(w, rota_timer_init(&more, &w->kind), -ENOSPC, "rota_timer_init()",
	    "kind probe", "world.c:", "config.max_timers");
	SAYS(w, rota_shard_reserve(w->shard, 1), -ENOSPC,
	    "rota_shard_reserve()", "shard 0 has 3 timers",
	    "config.max_timers, 3");
}

static void
a_destroy_that_is_refused_says_how_many_are_armed(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 5);

	for (unsigned i = 0; i < 5; i++)
		rota_timer_reset_at(&p[i].timer, TICK);
	rota_timer_stop(&p[0].timer);
	SAYS(w, rota_engine_destroy(w->engine, ROTA_REFUSE), -EBUSY,
	    "rota_engine_destroy()", "4 timers are armed", "ROTA_DROP");
}

static void
an_overwritten_timer_is_no_leak_but_told(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 3);

	for (unsigned i = 0; i < 3; i++)
		rota_timer_reset_at(&p[i].timer, (i + 9) * TICK);
	world_poll(w, 0); /* they are filed */
	memset(&p[1].timer, 0, sizeof(p[1].timer));
	assert_int_equal(world_destroy(w, ROTA_DROP), 2);
	assert_int_equal(w->leaks, 2);
	for (unsigned i = 0; i < 2; i++)
		assert_ptr_equal(w->leak[i].kind, &w->kind);
#ifdef ROTA_DEBUG_OBJECTS
	HEARD(w, "its memory was reused");
#else
	HEARD(w, "rota_engine_destroy(): ", "1 of the entries",
	    "ROTA_DEBUG_OBJECTS");
#endif
}

static void
a_kind_initialised_twice_is_told(void **state)
{
	struct world *w = *state;
	const struct rota_kind_config c = { .fire = probe_fire, .name = "two" };
	struct rota_kind k;

	char first[32], again[32];

	snprintf(first, sizeof(first), "said_test.c:%d)", __LINE__ + 1);
	assert_int_equal(rota_kind_init(&k, w->shard, &c), 0);
	for (unsigned i = 0; i < 3; i++) {
		struct rota_kind_config other = { .fire = probe_fire,
			.name = "other" };

		snprintf(again, sizeof(again), "said_test.c:%d", __LINE__ + 1);
		assert_int_equal(rota_kind_init(&k, w->shard, &other), -EBUSY);
		if (!i) /* once for the kind */
			HEARD(w, "rota_kind_init()", "kind two (", first,
			    "it is initialised already", again,
			    "rota_kind_release() it first");
	}
	SILENCE(w);
	assert_int_equal(rota_kind_release(&k), 0);
	assert_int_equal(rota_kind_init(&k, w->shard, &c), 0);
	assert_int_equal(rota_kind_release(&k), 0);
	SILENCE(w);
}

/* It stays whole, on the shard where it was made, and so do their lists. */
static void
a_kind_of_another_shard_of_the_engine_is_told(void **state)
{
	const struct rota_kind_config c = { .fire = probe_fire, .name = "two" };
	struct world *w = *state;
	struct rota_shard *other = rota_engine_shard(w->engine, 1);
	struct rota_kind here[3], there[3];
	struct rota_timer t;

	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(rota_kind_init(&here[i], w->shard, &c), 0);
		assert_int_equal(rota_kind_init(&there[i], other, &c), 0);
	}
	for (unsigned i = 0; i < 3; i++) {
		SAYS(w, rota_kind_init(&here[i], other, &c), -EBUSY,
		    "rota_kind_init()", "kind two (",
		    "said_test.c:", "it is initialised already");
		SAYS(w, rota_kind_init(&there[i], w->shard, &c), -EBUSY,
		    "rota_kind_init()", "it is initialised already");
	}
	assert_int_equal(rota_timer_init(&t, &here[1]), 0);
	assert_int_equal(rota_timer_reset_at(&t, TICK), 0);
	assert_int_equal(rota_timer_stop(&t), ROTA_PREVENTED);
	assert_int_equal(rota_timer_release(&t), 0); /* the owner's */
	for (unsigned i = 3; i-- > 0;) {
		assert_int_equal(rota_kind_release(&here[i]), 0);
		assert_int_equal(rota_kind_release(&there[i]), 0);
		assert_int_equal(rota_kind_init(&here[i], other, &c), 0);
	}
	SILENCE(w);
}

static void
an_owner_that_has_ended_is_told(void **state)
{
	struct world *w = *state;
	struct rota_shard *s = rota_engine_shard(w->engine, 1);
	struct far f = { s, NULL, NULL, call_attach, 0 };

	assert_int_equal(far(f), 0);
	SAYS(w, rota_shard_poll(s, 0, 0), -EPERM, "rota_shard_poll()",
	    "its owner has ended: rota_shard_attach() first");
}

static void
a_period_that_is_none_is_told(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);

	SAYS(w, rota_timer_forward(&p->timer, 0, 0, NULL), -EINVAL,
	    "rota_timer_forward()", "kind probe", "world.c:", "period");
	assert_int_equal(rota_timer_pending(&p->timer), 0);
}

static void
a_move_to_no_kind_is_told(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);
	struct rota_kind none = { 0 };

	SAYS(w, rota_timer_move(&p->timer, &none), -EINVAL, "rota_timer_move()",
	    "kind probe", "rota_kind_init()");
	assert_int_equal(rota_timer_move(&p->timer, NULL), -EINVAL);
	SILENCE(w);
}

static void
a_clock_that_cannot_be_moved_is_told(void **state)
{
	struct world *w = *state;

	SAYS(w, rota_engine_advance(w->engine, 1), -EINVAL,
	    "rota_engine_advance()", "is not ROTA_CLOCK_VIRTUAL",
	    "create the engine with it");
}

/* A span of 0 is in order. What is wrong is the clock. */
static void
a_span_of_nothing_is_in_order_the_clock_is_not(void **state)
{
	struct world *w = *state;

	SAYS(w, rota_engine_advance(w->engine, 0), -EINVAL,
	    "rota_engine_advance()", "is not ROTA_CLOCK_VIRTUAL");
}

static void
a_clock_moved_back_is_told(void **state)
{
	struct world *w = *state;

	SAYS(w, rota_engine_advance(w->engine, -1), -EINVAL,
	    "rota_engine_advance()", "below 0");
}

static void
adopting_without_the_flag_is_told(void **state)
{
	struct world *w = *state;

	SAYS(w, rota_shard_adopt(w->shard, 0, 0), -EOPNOTSUPP,
	    "rota_shard_adopt()", "shard 0", "ROTA_ADOPT");
}

static void
a_retirement_that_cannot_be_is_told(void **state)
{
	struct world *w = *state;

	SAYS(w, rota_shard_retire(w->shard, w->shard), -EINVAL,
	    "rota_shard_retire()", "shard 0 to shard 0");
}

static rota_time
no_time(void *arg)
{
	(void)arg;
	return 0;
}

static void
a_sleep_by_the_callers_clock_is_told(void **state)
{
	struct world *w = *state;
	struct world own = { .row = w->row };
	struct rota_config c = world_config(&own);
	struct rota_engine *e;

	c.clock = ROTA_CLOCK_CALLER;
	c.now = no_time;
	assert_int_equal(rota_engine_create(&e, &c), 0);
	assert_int_equal(rota_shard_attach(rota_engine_shard(e, 0)), 0);
	SAYS(&own, rota_shard_wait(rota_engine_shard(e, 0), 0), -EOPNOTSUPP,
	    "rota_shard_wait()", "shard 0", "rota_shard_park()");
	rota_engine_destroy(e, ROTA_DROP);
}

static void
the_field_of_a_refused_config_is_named(void **state)
{
	static void (*const frees)(void *, unsigned, void *, size_t) = NULL;
	struct world *w = *state;
	struct world own = { .row = w->row };
	const struct rota_config good = world_config(&own);
	struct rota_config c;
	struct rota_engine *e;

#define REFUSED(change, ...)                                               \
	do {                                                               \
		c = good;                                                  \
		change;                                                    \
		assert_int_equal(rota_engine_create(&e, &c), -EINVAL);     \
		HEARD(&own, "rota_engine_create(): config.", __VA_ARGS__); \
		c.log = NULL;                                              \
		assert_int_equal(rota_engine_create(&e, &c), -EINVAL);     \
		SILENCE(&own);                                             \
	} while (0)
	REFUSED(
	    c.size = 0, "config.size: 0 is not ", "sizeof(struct rota_config)");
	REFUSED(c.size += 8, "config.size: ");
	/* of a pointer; of some other struct; of an uninitialised member */
	REFUSED(
	    c.size = 8, "config.size: 8 is not ", "sizeof(struct rota_config)");
	REFUSED(c.size = 10000, "config.size: 10000 is not ");
	REFUSED(c.size -= 8, "config.size: ");
	REFUSED(c.size = 0x5555555555555555,
	    "config.size: 6148914691236517205 is not ");
	REFUSED(c.backend = 17, "config.backend: 17");
	REFUSED(c.clock = 17, "config.clock: 17");
	REFUSED(c.flags = 0x30, "config.flags: 0x30");
	REFUSED(c.now = no_time, "config.now: is for ROTA_CLOCK_CALLER");
	REFUSED(c.clock = ROTA_CLOCK_CALLER, "config.now: NULL");
	REFUSED((c.clock = ROTA_CLOCK_CALLER, c.now = no_time,
		    c.flags = ROTA_DRIVERS),
	    "config.flags: ROTA_DRIVERS");
	REFUSED(c.start = -1, "config.start: -1");
	REFUSED(c.start = ROTA_NEVER, "config.start: ");
	REFUSED(c.shards = 1025, "config.shards: 1025 is more than 1024");
	REFUSED(c.max_timers = 134217728,
	    "config.max_timers: 134217728 is more than 67108864");
	REFUSED(c.allocator.alloc = NULL, "config.allocator: alloc is NULL");
	REFUSED(c.allocator.free = frees, "config.allocator: free is NULL");
#undef REFUSED
	/* whose layout nobody knows, if nothing else in it is right either */
	memset(&c, 0x55, sizeof(c));
	for (unsigned i = 0; i < 4; i++) {
		c.size = (const size_t[]){ 8, sizeof(c) - 8, 10000,
			0x5555555555555555 }[i];
		assert_int_equal(rota_engine_create(&e, &c), -EINVAL);
	}
	SILENCE(&own);
}

static const struct world_row adoptable = { .backend = ROTA_HEAP,
	.shards = 2,
	.flags = ROTA_ADOPT };
#define world_adoptable adoptable

static void
the_field_of_a_refused_kind_is_named(void **state)
{
	struct world *w = *state;
	struct rota_shard *s = rota_engine_shard(w->engine, 1);
	struct rota_kind k;

#define REFUSED(config, ...)                                              \
	do {                                                              \
		assert_int_equal(rota_kind_init(&k, s, config), -EINVAL); \
		HEARD(w, "rota_kind_init(): kind idle (",                 \
		    "said_test.c:", __VA_ARGS__);                         \
	} while (0)
#define CONFIG(...) &(struct rota_kind_config){ .name = "idle", __VA_ARGS__ }
	REFUSED(CONFIG(.fire = probe_fire, .flags = 8),
	    "config.flags has more than");
	REFUSED(
	    CONFIG(.fire = probe_fire, .slack = -1), "config.slack is below 0");
	REFUSED(CONFIG(.flags = 0), "config.fire is NULL");
	REFUSED(CONFIG(.fire = probe_fire, .flags = ROTA_BATCH),
	    "config.fire is set");
	REFUSED(CONFIG(.fire = probe_fire, .flags = ROTA_CONFINED),
	    "config.flags has ROTA_CONFINED", "ROTA_ADOPT");
	assert_int_equal(rota_shard_retire(s, w->shard), 0);
	REFUSED(CONFIG(.fire = probe_fire), "a shard that has retired");
#undef REFUSED
#undef CONFIG
}

static void
no_log_is_no_harm(void **state)
{
	struct world *w = *state;
	struct world own = { .row = w->row };
	struct rota_config c = world_config(&own);
	struct rota_engine *e;

	c.log = NULL;
	assert_int_equal(rota_engine_create(&e, &c), 0);
	assert_int_equal(
	    rota_shard_poll(rota_engine_shard(e, 0), 0, 0), -EPERM);
	rota_engine_destroy(e, ROTA_DROP);
}

static void
careless(void *arg, const char *line)
{
	(void)line;
	++*(unsigned *)arg;
	errno = EIO;
}

static void
a_hook_may_clobber_errno(void **state)
{
	struct world *w = *state;
	struct world own = { .row = w->row };
	struct rota_config c = world_config(&own);
	struct rota_engine *e;
	unsigned calls = 0;

	c.log = careless;
	c.log_arg = &calls;
	assert_int_equal(rota_engine_create(&e, &c), 0);
	errno = 4711;
	assert_int_equal(
	    rota_shard_poll(rota_engine_shard(e, 0), 0, 0), -EPERM);
	assert_int_equal(errno, 4711);
	assert_int_equal(calls, 1);
	rota_engine_destroy(e, ROTA_DROP);
}

static void
what_is_right_says_nothing(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 3);

	for (unsigned i = 0; i < 3; i++) {
		rota_timer_reset_at(&p[i].timer, (i + 1) * TICK);
		elsewhere_reset_at(&p[i].timer, (i + 2) * TICK);
	}
	world_poll(w, 2 * TICK);
	assert_true(rota_shard_park(w->shard) > 0);
	assert_int_equal(elsewhere_stop(&p[2].timer), ROTA_PREVENTED);
	assert_int_equal(elsewhere_release(&p[2].timer), 1);
	assert_int_equal(rota_timer_release(&p[0].timer), 0);
	assert_int_equal(rota_timer_stop_sync(&p[1].timer), ROTA_PREVENTED);
	world_poll(w, 9 * TICK);
	assert_int_equal(w->freed, 1);
	assert_int_equal(rota_shard_detach(w->shard), 0);
	assert_int_equal(rota_shard_attach(w->shard), 0);
	assert_int_equal(rota_engine_destroy(w->engine, ROTA_REFUSE), 0);
	w->engine = NULL;
	SILENCE(w);
}

static void
one_timer_that_is_armed_is_one(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);

	rota_timer_reset_at(&p->timer, TICK);
	SAYS(w, rota_engine_destroy(w->engine, ROTA_REFUSE), -EBUSY,
	    "rota_engine_destroy()", "1 timer is armed: stop it, or destroy");
}

static void
an_argument_that_cannot_be_is_told(void **state)
{
	struct world *w = *state;
	struct rota_engine *e = w->engine;
	struct rota_shard *s = w->shard;
	struct rota_timer *out[1];
	struct rota_kind k;
	rota_handle h;

	SAYS(w, rota_engine_destroy(e, (enum rota_destroy)9), -EINVAL,
	    "rota_engine_destroy()", "9 is no enum rota_destroy");
	SAYS(w, rota_engine_stat(e, NULL), -EINVAL, "rota_engine_stat()",
	    "@out is NULL");
	SAYS(w, rota_shard_stat(s, NULL), -EINVAL, "rota_shard_stat()",
	    "shard 0", "@out is NULL");
	SAYS(w, rota_shard_poll_batch(s, 0, 0, NULL, 1), -EINVAL,
	    "rota_shard_poll_batch()", "shard 0", "@out is NULL or @n is 0");
	assert_int_equal(rota_shard_poll_batch(s, 0, 0, out, 0), -EINVAL);
	SILENCE(w);
	SAYS(w, rota_shard_each(s, NULL, NULL), -EINVAL, "rota_shard_each()",
	    "shard 0", "@fn is NULL");
	SAYS(w, rota_shard_retire(s, NULL), -EINVAL, "rota_shard_retire()",
	    "shard 0", "@target is NULL");
	SAYS(w, rota_kind_init(NULL, s, NULL), -EINVAL, "rota_kind_init()",
	    "shard 0", "is NULL");
	assert_int_equal(rota_kind_init(&k, s, NULL), -EINVAL);
	SILENCE(w);
	SAYS(w, rota_after_func(e, 0, NULL, NULL, &h), -EINVAL,
	    "rota_after_func()", "@fn is NULL");
	SAYS(w, rota_shard_after_func(s, 0, NULL, NULL, &h), -EINVAL,
	    "rota_shard_after_func()", "shard 0", "@fn is NULL");
	SAYS(w, rota_handle_init(s, NULL, NULL, &h), -EINVAL,
	    "rota_handle_init()", "shard 0", "@fn or @h is NULL");
}

static void
nothing(struct rota_conn *c, unsigned which, rota_time now)
{
	(void)c;
	(void)which;
	(void)now;
}

static void
a_connection_that_cannot_be_is_told(void **state)
{
	struct world *w = *state;
	struct rota_conn_kind k;
	struct rota_conn c;

	assert_int_equal(
	    rota_conn_kind_init(&k, w->shard, "client", NULL, NULL, 0),
	    -EINVAL);
	HEARD(w, "rota_conn_kind_init()", "kind client (",
	    "said_test.c:", "expired is NULL");
	assert_int_equal(
	    rota_conn_kind_init(&k, w->shard, "client", nothing, NULL, 2),
	    -EINVAL);
	HEARD(w, "rota_conn_kind_init()", "kind client (",
	    "said_test.c:", "flags has more than ROTA_CONFINED");
	assert_int_equal(
	    rota_conn_kind_init(&k, w->shard, "client", nothing, NULL, 0), 0);
	assert_int_equal(rota_conn_init(&c, &k), 0);
	SAYS(w, rota_conn_set(&c, 0, TICK), -EINVAL, "rota_conn_set()",
	    "kind client (", "said_test.c:", "ROTA_CONN_READ");
	assert_int_equal(rota_conn_set(&c, 4, TICK), -EINVAL);
	SILENCE(w); /* the same mistake with the same kind */
	assert_int_equal(rota_conn_release(&c), 0);
	assert_int_equal(rota_conn_kind_release(&k), 0);
}

/* An engine of its own, with one shard that nobody owns. */
static struct rota_engine *
open_own(struct world *own, struct world *w, struct rota_config *c)
{
	struct rota_engine *e;

	*own = (struct world){ .row = w->row };
	*c = world_config(own);
	assert_int_equal(rota_engine_create(&e, c), 0);
	return e;
}

static void
another_engines_things_are_told(void **state)
{
	struct world *w = *state, own;
	struct rota_config config;
	struct rota_engine *e = open_own(&own, w, &config);
	struct probe *p = world_probes(w, 1);
	struct rota_context *c, *below;
	struct rota_channel *here, *there;
	struct rota_kind k;

	assert_int_equal(rota_kind_init(&k, rota_engine_shard(e, 0),
			     &(struct rota_kind_config){
				 .fire = probe_fire, .name = "far" }),
	    0);
	SAYS(w, rota_timer_move(&p->timer, &k), -EINVAL, "rota_timer_move()",
	    "kind probe", "another engine");
	SAYS(w, rota_shard_retire(w->shard, rota_engine_shard(e, 0)), -EINVAL,
	    "rota_shard_retire()", "two engines");
	assert_int_equal(rota_context_create(&c, e, NULL), 0);
	SAYS(w, rota_sleep(w->engine, TICK, c), -EINVAL, "rota_sleep()",
	    "another engine");
	assert_int_equal(
	    rota_context_with_timeout(&below, w->engine, c, TICK), -EINVAL);
	SILENCE(w); /* the same mistake */
	assert_int_equal(
	    rota_channel_create(&here, e, TICK, ROTA_CHANNEL_SYNC), 0);
	assert_int_equal(
	    rota_channel_create(&there, w->engine, TICK, ROTA_CHANNEL_SYNC), 0);
	SAYS(&own,
	    rota_select((struct rota_case[]){ { .channel = here },
			    { .channel = there } },
		2, ROTA_NEVER),
	    -EINVAL, "rota_select()", "case 1", "another engine");
	rota_channel_unref(here);
	rota_channel_unref(there);
	rota_context_unref(c);
	assert_int_equal(rota_kind_release(&k), 0);
	assert_int_equal(rota_engine_destroy(e, ROTA_REFUSE), 0);
}

static void
another_engines_parent_is_told(void **state)
{
	struct world *w = *state, own;
	struct rota_config config;
	struct rota_engine *e = open_own(&own, w, &config);
	struct rota_context *c, *below;

	assert_int_equal(rota_context_create(&c, e, NULL), 0);
	SAYS(w, rota_context_with_timeout(&below, w->engine, c, TICK), -EINVAL,
	    "rota_context_with_timeout()", "said_test.c:", "another engine");
	SAYS(&own, rota_context_after_func(&below, c, NULL, NULL), -EINVAL,
	    "rota_context_after_func()", "said_test.c:", "@fn is NULL");
	rota_context_unref(c);
	assert_int_equal(rota_engine_destroy(e, ROTA_REFUSE), 0);
}

static void
a_case_that_is_two_is_told(void **state)
{
	struct world *w = *state;
	struct rota_channel *c;
	struct rota_context *k;

	assert_int_equal(
	    rota_channel_create(&c, w->engine, TICK, ROTA_CHANNEL_SYNC), 0);
	assert_int_equal(rota_context_create(&k, w->engine, NULL), 0);
	SAYS(w,
	    rota_select((struct rota_case[]){ { .channel = c, .context = k } },
		1, ROTA_NEVER),
	    -EINVAL, "rota_select()", "case 0", "a channel and a context");
	rota_channel_unref(c);
	rota_context_unref(k);
}

static int
wait_sleep(struct rota_engine *e)
{
	return rota_sleep(e, TICK, NULL);
}

static int
wait_receive(struct rota_engine *e)
{
	struct rota_channel *c;
	int r;

	assert_int_equal(
	    rota_channel_create(&c, e, TICK, ROTA_CHANNEL_SYNC), 0);
	r = rota_channel_receive(c, NULL);
	rota_channel_unref(c);
	return r == 1 ? 0 : r;
}

static int
wait_until(struct rota_engine *e)
{
	struct rota_channel *c;
	int r;

	assert_int_equal(
	    rota_channel_create(&c, e, 9 * TICK, ROTA_CHANNEL_SYNC), 0);
	assert_int_equal(rota_channel_stop(c), 1);
	r = rota_channel_receive_until(c, TICK, NULL);
	rota_channel_unref(c);
	return r == -ETIME ? 0 : r;
}

static int
wait_select(struct rota_engine *e)
{
	struct rota_case one = { 0 };
	int r;

	assert_int_equal(
	    rota_channel_create(&one.channel, e, TICK, ROTA_CHANNEL_SYNC), 0);
	r = rota_select(&one, 1, ROTA_NEVER);
	rota_channel_unref(one.channel);
	return r;
}

/* For a deadline of its own, and for that of a parent. */
static int
wait_context(struct rota_engine *e)
{
	struct rota_context *c;
	int r;

	assert_int_equal(rota_context_with_timeout(&c, e, NULL, TICK), 0);
	r = rota_context_wait(c, ROTA_NEVER);
	rota_context_unref(c);
	return r;
}

static int
wait_parent(struct rota_engine *e)
{
	struct rota_context *c, *below;
	int r;

	assert_int_equal(rota_context_with_timeout(&c, e, NULL, TICK), 0);
	assert_int_equal(rota_context_create(&below, e, c), 0);
	r = rota_context_wait(below, ROTA_NEVER);
	rota_context_unref(below);
	rota_context_unref(c);
	return r;
}

static const struct {
	int (*call)(struct rota_engine *e);
	const char *name;
} waits[] = {
	{ wait_sleep, "rota_sleep()" },
	{ wait_receive, "rota_channel_receive()" },
	{ wait_until, "rota_channel_receive_until()" },
	{ wait_select, "rota_select()" },
	{ wait_context, "rota_context_wait()" },
	{ wait_parent, "rota_context_wait()" },
};

static void
a_wait_on_an_owner_is_told(void **state)
{
	struct world *w = *state, own;
	struct rota_config config;

	for (unsigned i = 0; i < CM_COUNT(waits); i++) {
		struct rota_engine *e = open_own(&own, w, &config);

		assert_int_equal(rota_shard_attach(rota_engine_shard(e, 0)), 0);
		SAYS(&own, waits[i].call(e), -EDEADLK, waits[i].name,
		    "this thread owns a shard of the engine",
		    "wait in another thread");
		rota_engine_destroy(e, ROTA_DROP);
	}
}

struct sleeper {
	struct rota_engine *e;
	unsigned which;
	int r;
	rota_word over;
};

static void *
sleeper_run(void *arg)
{
	struct sleeper *s = arg;

	s->r = waits[s->which].call(s->e);
	word_store(&s->over, (uint64_t)1, release);
	return NULL;
}

static void
attach_and_end(void *arg)
{
	assert_int_equal(rota_shard_attach(arg), 0);
}

/* Poll until @s has slept. */
static void
poll_through(struct sleeper *s)
{
	struct rota_shard *shard = rota_engine_shard(s->e, 0);

	while (!word_load(&s->over, acquire)) {
		rota_engine_advance(s->e, TICK);
		rota_shard_poll(shard, rota_engine_now(s->e), 0);
		sched_yield();
	}
}

static void
a_wait_for_a_shard_that_nobody_polls_is_told(void **state)
{
	struct world *w = *state, own;
	struct rota_config config;

	for (unsigned i = 0; i < 2 * CM_COUNT(waits); i++) {
		struct sleeper s = { .e = open_own(&own, w, &config),
			.which = i / 2 };
		struct rota_shard *shard = rota_engine_shard(s.e, 0);
		pthread_t thread;

		if (i & 1) /* its owner has ended */
			elsewhere(attach_and_end, shard);
		pthread_create(&thread, NULL, sleeper_run, &s);
		while (!word_load(&own.logs, acquire))
			sched_yield();
		assert_int_equal(rota_shard_attach(shard), 0);
		poll_through(&s);
		pthread_join(thread, NULL);
		assert_int_equal(s.r, 0);
		HEARD(&own, waits[s.which].name, "shard 0", "nobody polls",
		    "rota_shard_attach()", "ROTA_DRIVERS");
		/* once */
		assert_int_equal(rota_shard_detach(shard), 0);
		s.over = 0;
		pthread_create(&thread, NULL, sleeper_run, &s);
		assert_int_equal(rota_shard_attach(shard), 0);
		poll_through(&s);
		pthread_join(thread, NULL);
		SILENCE(&own);
		rota_engine_destroy(s.e, ROTA_REFUSE);
	}
}

static void
a_wait_for_a_shard_that_is_polled_says_nothing(void **state)
{
	struct world *w = *state, own;
	struct rota_config config;

	for (unsigned i = 0; i < CM_COUNT(waits); i++) {
		struct sleeper s = { .e = open_own(&own, w, &config),
			.which = i };
		pthread_t thread;

		assert_int_equal(
		    rota_shard_attach(rota_engine_shard(s.e, 0)), 0);
		pthread_create(&thread, NULL, sleeper_run, &s);
		poll_through(&s);
		pthread_join(thread, NULL);
		assert_int_equal(s.r, 0);
		SILENCE(&own);
		rota_engine_destroy(s.e, ROTA_REFUSE);
	}
}

static void
a_channel_that_cannot_be_is_told(void **state)
{
	struct world *w = *state, own;
	struct rota_config config;
	struct rota_engine *e = w->engine, *f;
	struct rota_channel *c, *t;

	SAYS(w, rota_channel_create(&c, e, TICK, (enum rota_channel_mode)3),
	    -EINVAL, "rota_channel_create()", "3 is no enum rota_channel_mode");
	SAYS(w, rota_ticker_create(&c, e, 0, ROTA_MISSED_SKIP), -EINVAL,
	    "rota_ticker_create()", "a period of 0 ns");
	SAYS(w, rota_ticker_create(&c, e, TICK, (enum rota_missed)7), -EINVAL,
	    "rota_ticker_create()", "7 is no enum rota_missed");
	assert_int_equal(
	    rota_channel_create(&c, e, TICK, ROTA_CHANNEL_SYNC), 0);
	SAYS(w, rota_ticker_reset(c, TICK), -EINVAL, "rota_ticker_reset()",
	    "no ticker", "rota_channel_reset()");
	assert_int_equal(rota_ticker_create(&t, e, TICK, ROTA_MISSED_SKIP), 0);
	SAYS(w, rota_channel_reset(t, TICK), -EINVAL, "rota_channel_reset()",
	    "a ticker", "rota_ticker_reset()");
	rota_channel_unref(c);
	rota_channel_unref(t);

	f = open_own(&own, w, &config);
	SAYS(&own,
	    rota_ticker_create_at(
		&c, f, 0, -5, ROTA_MISSED_SKIP, ROTA_CHANNEL_SYNC),
	    -EINVAL, "rota_ticker_create_at()", "a period of -5 ns");
	SAYS(&own,
	    rota_ticker_create_mode(
		&c, f, TICK, ROTA_MISSED_SKIP, (enum rota_channel_mode)9),
	    -EINVAL, "rota_ticker_create_mode()",
	    "9 is no enum rota_channel_mode");
	assert_int_equal(rota_engine_destroy(f, ROTA_REFUSE), 0);
}

static rota_word job_ran;

static void
destroys_its_executor(void *arg)
{
	int r = rota_executor_destroy(arg);

	word_store(&job_ran, (uint64_t)-r, release);
}

static void
an_executor_that_cannot_be_is_told(void **state)
{
	struct world *w = *state;
	struct rota_executor *x;
	struct rota_case none = { 0 };

	SAYS(w, rota_executor_create(&x, w->engine, 0, 1), -EINVAL,
	    "rota_executor_create()", "0 threads");
	assert_int_equal(rota_executor_create(&x, w->engine, 1, 0), -EINVAL);
	SILENCE(w);
	assert_int_equal(rota_executor_create(&x, w->engine, 1, 1), 0);
	SAYS(w, rota_executor_after_func(x, 0, NULL, NULL, NULL), -EINVAL,
	    "rota_executor_after_func()", "@fn is NULL");
	SAYS(w, rota_executor_destroy(x), -EDEADLK, "rota_executor_destroy()",
	    "this thread owns a shard of the engine");
	job_ran = 0;
	assert_int_equal(
	    rota_executor_after_func(x, 0, destroys_its_executor, x, NULL), 0);
	world_poll(w, 0);
	while (!word_load(&job_ran, acquire))
		sched_yield();
	assert_int_equal(job_ran, EDEADLK);
	HEARD(w, "rota_executor_destroy()", "one of its workers");
	assert_int_equal(rota_shard_detach(w->shard), 0);
	assert_int_equal(rota_executor_destroy(x), 0);
	/* of no engine: nobody can be told */
	assert_int_equal(rota_select(&none, 1, ROTA_NEVER), -EINVAL);
	SILENCE(w);
}

static void
a_full_shard_says_what_pooled_timers_are(void **state)
{
	struct world *w = *state;
	struct rota_channel *c;

	world_probes(w, 3);
	SAYS(w, rota_channel_create(&c, w->engine, TICK, ROTA_CHANNEL_ASYNC),
	    -ENOSPC, "rota_timer_init()", "channel", "context",
	    "config.max_timers");
}

struct lines {
	unsigned n;
	char text[4096];
};

static void
lines_add(void *arg, const char *line)
{
	struct lines *l = arg;
	size_t at = strlen(l->text);

	l->n++;
	snprintf(l->text + at, sizeof(l->text) - at, "%s\n", line);
}

static void
a_destroy_that_is_refused_says_what_was_not_given_back(void **state)
{
	static const enum rota_destroy how[] = { ROTA_REFUSE, ROTA_DROP };
	struct world *w = *state;

	for (unsigned i = 0; i < 2; i++) {
		struct world own = { .row = w->row };
		struct rota_config config = world_config(&own);
		struct lines l = { 0 };
		struct rota_channel *c;
		struct rota_context *k, *n;
		struct rota_engine *e;
		char site[32];

		config.log = lines_add;
		config.log_arg = &l;
		assert_int_equal(rota_engine_create(&e, &config), 0);
		assert_int_equal(
		    rota_channel_create(&c, e, TICK, ROTA_CHANNEL_ASYNC), 0);
		snprintf(site, sizeof(site), "said_test.c:%d ", __LINE__ + 1);
		rota_context_with_timeout(&k, e, NULL, TICK);
		rota_context_with_timeout(&n, e, k, 9 * TICK);
		rota_context_cancel(n, 0);
		assert_int_equal(rota_engine_destroy(e, how[i]),
		    how[i] == ROTA_REFUSE ? -EBUSY : 2);
		if (how[i] == ROTA_REFUSE)
			assert_non_null(strstr(l.text, "2 timers are armed"));
		if (!strstr(l.text,
			"not given back: 1 channel, 2 contexts, 0 "
			"executors") ||
		    !strstr(l.text, site) ||
		    l.n != (how[i] == ROTA_REFUSE ? 3 : 2))
			fail_msg("%s", l.text);
		if (how[i] == ROTA_DROP) {
			/* Their memory is lost with the engine: a leak
			 * detector need not say so, too. */
			static void *volatile lost[3];

			lost[0] = c;
			lost[1] = k;
			lost[2] = n;
			assert_non_null(lost[0]);
			free(own.leak);
			continue;
		}
		assert_int_equal(rota_engine_destroy(e, how[i]), -EBUSY);
		assert_int_equal(l.n, 3); /* once */
		rota_context_unref(n);
		rota_context_cancel(k, 0);
		rota_context_unref(k);
		rota_channel_unref(c);
		assert_int_equal(rota_engine_destroy(e, how[i]), 0);
		assert_int_equal(l.n, 3);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		ON(a_forgotten_attach_is_told, two),
		ON(a_call_from_a_wrong_thread_is_told, two),
		ON(an_answer_that_is_no_instant_is_told, heap),
		ON(a_second_owner_is_told, heap),
		ON(attaching_twice_is_told, heap),
		ON(polling_beside_a_driver_is_told, driven),
		ON(what_a_callback_may_not_is_told, two),
		EVERY(a_call_after_a_release_that_waits_is_told),
		EVERY(a_remote_release_without_released_is_told),
		ON(a_full_shard_is_told, full),
		EVERY(a_destroy_that_is_refused_says_how_many_are_armed),
		EVERY(an_overwritten_timer_is_no_leak_but_told),
		ON(a_kind_initialised_twice_is_told, heap),
		ON(a_kind_of_another_shard_of_the_engine_is_told, two),
		ON(an_owner_that_has_ended_is_told, two),
		EVERY_OWNED(a_period_that_is_none_is_told),
		EVERY_OWNED(a_move_to_no_kind_is_told),
		ON(a_clock_that_cannot_be_moved_is_told, two),
		ON(a_span_of_nothing_is_in_order_the_clock_is_not, two),
		ON(a_clock_moved_back_is_told, heap),
		ON(adopting_without_the_flag_is_told, heap),
		ON(a_retirement_that_cannot_be_is_told, heap),
		ON(a_sleep_by_the_callers_clock_is_told, heap),
		ON(the_field_of_a_refused_config_is_named, heap),
		ON(the_field_of_a_refused_kind_is_named, adoptable),
		ON(no_log_is_no_harm, heap),
		ON(a_hook_may_clobber_errno, heap),
		EVERY(what_is_right_says_nothing),
		EVERY(one_timer_that_is_armed_is_one),
		ON(an_argument_that_cannot_be_is_told, heap),
		ON(a_connection_that_cannot_be_is_told, heap),
		ON(another_engines_things_are_told, heap),
		ON(another_engines_parent_is_told, heap),
		ON(a_case_that_is_two_is_told, heap),
		ON(a_wait_on_an_owner_is_told, heap),
		EVERY(a_wait_for_a_shard_that_nobody_polls_is_told),
		EVERY(a_wait_for_a_shard_that_is_polled_says_nothing),
		ON(a_channel_that_cannot_be_is_told, heap),
		ON(an_executor_that_cannot_be_is_told, heap),
		ON(a_full_shard_says_what_pooled_timers_are, full),
		ON(a_destroy_that_is_refused_says_what_was_not_given_back,
		    heap),
	};

	return cmocka_run_group_tests_name("said", tests, NULL, NULL);
}
