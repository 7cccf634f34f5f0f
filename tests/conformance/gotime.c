/* SPDX-License-Identifier: MIT
 *
 * gotime.c - the ideas of the tests of Go's `time` and `context`, on each of
 * the three engines, on virtual time. What Go calls the test stands above it;
 * what `channels` and the unit tests have is not here again.
 * Claims: who waits wakes in the order of the deadlines; what was stopped in
 * time never runs, however many stop at once; a million timers of no span, one
 * after the other, take no time; no span overflows, and one that nearly does
 * keeps nobody else; a reset is met to the ns wherever the timer was before;
 * what arms itself for now keeps nobody waiting; tickers keep their grid under
 * load; chains and trees of contexts end where the earliest deadline on the
 * way up is, and all at once when they are cancelled; each has the cause that
 * Go's table says, and keeps it; a child that is made meanwhile ends as well,
 * one that has ended leaves its parent; a function of a context runs once or
 * was stopped.
 * Rows     G1 G2 G3 G4 G5 G6 G15 G19
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "tests/support/pod.h"

enum { MANY = 100, MILLION = 1000000 };

/* @n threads in the bubble, each with its number; to their ends. */
struct one {
	struct pod *p;
	void (*run)(struct one *o);
	unsigned i;
	void *arg;
	rota_time at; /* for its own use */
	int64_t got;
};

static void *
one_run(void *arg)
{
	struct one *o = arg;

	o->run(o);
	return NULL;
}

static void
all_begin(struct one *o, pthread_t *thread, unsigned n, struct pod *p,
    void (*run)(struct one *o), void *arg)
{
	for (unsigned i = 0; i < n; i++) {
		o[i] = (struct one){ .p = p, .run = run, .i = i, .arg = arg };
		assert_int_equal(
		    rota_bubble_thread(p->bubble, &thread[i], one_run, &o[i]),
		    0);
	}
}

/* From outside the bubble: whose clock moves meanwhile. */
static void
all_end(struct pod *p, pthread_t *thread, unsigned n)
{
	assert_int_equal(rota_bubble_leave(p->bubble), 0);
	for (unsigned i = 0; i < n; i++)
		pthread_join(thread[i], NULL);
	assert_int_equal(rota_bubble_join(p->bubble), 0);
}

/*
 * TestAfterQueuing
 */

static const unsigned slots[] = { 5, 3, 6, 6, 6, 1, 1, 2, 7, 9, 4, 8, 0 };

struct queue {
	pthread_mutex_t lock;
	unsigned n, slot[CM_COUNT(slots)];
};

static void
wait_for_slot(struct one *o)
{
	struct rota_channel *c = rota_after(o->p->engine, slots[o->i] * TICK);
	struct queue *q = o->arg;

	o->got = rota_channel_receive(c, &o->at);
	pthread_mutex_lock(&q->lock);
	q->slot[q->n++] = slots[o->i];
	pthread_mutex_unlock(&q->lock);
	rota_channel_unref(c);
}

static void
they_wake_in_the_order_of_their_deadlines(void **state)
{
	struct pod *p = *state;
	struct queue q = { .lock = PTHREAD_MUTEX_INITIALIZER };
	struct one o[CM_COUNT(slots)];
	pthread_t thread[CM_COUNT(slots)];

	all_begin(o, thread, CM_COUNT(slots), p, wait_for_slot, &q);
	all_end(p, thread, CM_COUNT(slots));
	assert_int_equal(q.n, CM_COUNT(slots));
	for (unsigned i = 0; i < CM_COUNT(slots); i++) {
		assert_int_equal(o[i].got, 1);
		assert_int_equal(o[i].at, slots[i] * TICK);
		if (i)
			assert_true(q.slot[i - 1] <= q.slot[i]);
	}
}

static unsigned ran[MANY], runs;

static void
note(void *arg)
{
	ran[runs++] = (unsigned)(uintptr_t)arg;
}

/* Of one instant: as they were armed, where order is exact. */
static void
functions_of_one_instant_run_as_they_were_armed(void **state)
{
	struct pod *p = *state;

	runs = 0;
	for (unsigned i = 0; i < MANY; i++)
		assert_int_equal(rota_after_func(p->engine, 3 * TICK, note,
				     (void *)(uintptr_t)i, NULL),
		    0);
	pod_sleep(p, 3 * TICK);
	pod_sleep(p, TICK);
	assert_int_equal(runs, MANY);
	for (unsigned i = 0; i < MANY; i++)
		assert_int_equal(ran[i], i);
}

/*
 * TestTimerStopStress, TestAfterStop
 */

static void
too_late(void *arg)
{
	(void)__atomic_fetch_add((unsigned *)arg, 1, __ATOMIC_RELAXED);
}

static void
stop_in_time(struct one *o)
{
	rota_handle h;

	if (rota_after_func(
		o->p->engine, 2 * ROTA_SECOND, too_late, o->arg, &h) ||
	    rota_sleep(o->p->engine, ROTA_SECOND, NULL))
		return;
	o->got = rota_handle_stop(o->p->engine, h);
}

static void
what_is_stopped_in_time_never_runs(void **state)
{
	struct pod *p = *state;
	struct one o[MANY];
	pthread_t thread[MANY];
	unsigned late = 0;

	all_begin(o, thread, MANY, p, stop_in_time, &late);
	all_end(p, thread, MANY);
	for (unsigned i = 0; i < MANY; i++)
		assert_int_equal(o[i].got, ROTA_PREVENTED);
	pod_sleep(p, 5 * ROTA_SECOND);
	assert_int_equal(late, 0);
	assert_int_equal(pod_armed(p), 0);
}

/*
 * TestZeroTimer
 */

static void
a_million_of_no_span(void **state)
{
	struct pod *p = *state;
	struct rota_channel *c;

	for (unsigned i = 0; i < MILLION; i++) {
		c = rota_after(p->engine, 0);
		assert_int_equal(rota_channel_receive(c, NULL), 1);
		rota_channel_unref(c);
	}
	c = pod_channel(p, ROTA_HOUR, ROTA_CHANNEL_SYNC);
	for (unsigned i = 0; i < MILLION; i++) {
		assert_int_equal(rota_channel_reset(c, 0), i == 0);
		assert_int_equal(rota_channel_receive(c, NULL), 1);
	}
	rota_channel_unref(c);
	assert_int_equal(pod_now(p), 0);
}

/* Functions of no span: each in the poll after, none twice. */
static void
a_hundred_thousand_functions_of_no_span(void **state)
{
	struct pod *p = *state;
	unsigned n = 0;

	for (unsigned i = 0; i < MILLION / 10; i++) {
		assert_int_equal(
		    rota_after_func(p->engine, 0, too_late, &n, NULL), 0);
		if (i % 1000 == 999) {
			pod_sleep(p, 1);
			assert_int_equal(n, i + 1);
		}
	}
	assert_int_equal(n, MILLION / 10);
}

/* TestSleepZeroDeadlock */
static void
sleep_nothing(struct one *o)
{
	for (unsigned i = 0; i < 100; i++) {
		struct rota_channel *tick = rota_tick(o->p->engine, TICK);

		for (unsigned k = 0; k < 100; k++)
			o->got += rota_sleep(o->p->engine, 0, NULL);
		o->got += rota_channel_receive(tick, &o->at) != 1;
		rota_channel_unref(tick);
	}
}

static void
sleeping_for_nothing_stops_nobody(void **state)
{
	struct pod *p = *state;
	struct one o[4];
	pthread_t thread[4];

	all_begin(o, thread, 4, p, sleep_nothing, NULL);
	all_end(p, thread, 4);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(o[i].got, 0);
	assert_int_equal(pod_now(p), 100 * TICK);
}

/*
 * TestOverflowRuntimeTimer, TestOverflowPeriodRuntimeTimer, TestOverflowSleep
 */

static void
no_span_overflows(void **state)
{
	static const rota_span huge[] = { INT64_MAX, INT64_MAX - 1,
		INT64_MAX - TICK, INT64_MAX / 2 + 1, ROTA_NEVER - 1 };
	static const rota_span none[] = { 0, -1, -TICK, INT64_MIN + 1,
		INT64_MIN };
	struct pod *p = *state;
	struct rota_channel *far[CM_COUNT(huge)], *tick[CM_COUNT(huge)], *c;
	rota_time v;

	pod_sleep(p, 7 * TICK); /* now + span would overflow */
	for (unsigned i = 0; i < CM_COUNT(huge); i++) {
		far[i] = pod_channel(p, huge[i], ROTA_CHANNEL_ASYNC);
		assert_int_equal(rota_ticker_create(&tick[i], p->engine,
				     huge[i], ROTA_MISSED_SKIP),
		    0);
	}
	for (unsigned i = 0; i < CM_COUNT(none); i++) {
		assert_int_equal(rota_sleep(p->engine, none[i], NULL), 0);
		c = rota_after(p->engine, none[i]);
		assert_int_equal(rota_channel_receive(c, &v), 1);
		assert_int_equal(v, 7 * TICK);
		rota_channel_unref(c);
	}
	c = rota_after(p->engine, 3 * TICK);
	assert_int_equal(rota_channel_receive(c, &v), 1);
	assert_int_equal(v, 10 * TICK);
	rota_channel_unref(c);
	pod_sleep(p, 100 * 365 * 24 * ROTA_HOUR / 3); /* of 36 years */
	for (unsigned i = 0; i < CM_COUNT(huge); i++) {
		assert_int_equal(rota_channel_poll(far[i], NULL), 0);
		assert_int_equal(rota_channel_poll(tick[i], NULL), 0);
		assert_int_equal(rota_channel_stop(far[i]), 1);
		rota_channel_unref(far[i]);
		rota_channel_unref(tick[i]);
	}
}

/*
 * TestReset
 */

static void
a_reset_answers_and_moves(void **state)
{
	struct pod *p = *state;
	const rota_span d = 50 * TICK;
	struct rota_channel *c = pod_channel(p, 2 * d, ROTA_CHANNEL_SYNC);

	pod_sleep(p, d);
	assert_int_equal(rota_channel_reset(c, 3 * d), 1);
	pod_sleep(p, 2 * d);
	assert_int_equal(rota_channel_poll(c, NULL), 0);
	pod_sleep(p, d);
	assert_int_equal(rota_channel_poll(c, NULL), 1);
	assert_int_equal(rota_channel_reset(c, d), 0);
	rota_channel_unref(c);
}

/* TestTimerModifiedEarlier, TestTimerModifiedOdd */
static void
moved_from_far_to_near_it_is_on_time(void **state)
{
	struct pod *p = *state;
	struct rota_channel *c = pod_channel(
	    p, ROTA_HOUR * 24 * 365, ROTA_CHANNEL_SYNC);
	struct rota_channel *other[MANY];
	rota_time v;

	for (unsigned i = 0; i < MANY; i++)
		other[i] = pod_channel(
		    p, (500 + i) * ROTA_SECOND, ROTA_CHANNEL_ASYNC);
	for (unsigned i = 1; i <= MANY; i++) {
		rota_time begin = pod_now(p);

		rota_channel_reset(c, ROTA_HOUR * i);
		rota_channel_reset(other[i - 1], ROTA_HOUR);
		assert_int_equal(rota_channel_reset(c, i * TICK), 1);
		assert_int_equal(rota_channel_receive(c, &v), 1);
		assert_int_equal(v, begin + i * TICK);
		assert_int_equal(pod_now(p), v);
	}
	for (unsigned i = 0; i < MANY; i++)
		rota_channel_unref(other[i]);
	rota_channel_unref(c);
}

/* TestLongAdjustTimers: so many moved at once that moving them takes long. */
static void
sixty_thousand_are_moved_and_each_is_on_time(void **state)
{
	enum { N = 60000 };
	struct pod *p = *state;
	rota_handle *h = calloc(N, sizeof(*h));
	unsigned n = 0;

	assert_non_null(h);
	for (unsigned i = 0; i < N; i++)
		assert_int_equal(rota_after_func(p->engine,
				     ROTA_HOUR + i * TICK, too_late, &n, &h[i]),
		    0);
	pod_sleep(p, TICK);
	for (unsigned i = 0; i < N; i++)
		assert_int_equal(
		    rota_handle_reset_at(p->engine, h[i], (2 + i % 7) * TICK),
		    1);
	while (pod_now(p) < 9 * TICK) {
		unsigned before = 0, by = 0; /* that instant */

		pod_sleep(p, TICK);
		for (unsigned i = 0; i < N; i++) {
			before += (2 + i % 7) * TICK < pod_now(p);
			by += (2 + i % 7) * TICK <= pod_now(p);
		}
		assert_in_range(n, before, by);
	}
	assert_int_equal(n, N);
	free(h);
}

/*
 * TestAfterFuncStarvation: nothing that arms itself for now keeps others.
 */

struct again {
	struct pod *p;
	unsigned left;
};

static void
arm_for_now(void *arg)
{
	struct again *a = arg;

	if (a->left-- > 0)
		rota_after_func(a->p->engine, 0, arm_for_now, a, NULL);
}

static void
what_arms_itself_keeps_nobody_waiting(void **state)
{
	struct pod *p = *state;
	struct again a = { p, 100000 };
	rota_time begin = pod_now(p);

	assert_int_equal(
	    rota_after_func(p->engine, 0, arm_for_now, &a, NULL), 0);
	pod_sleep(p, TICK); /* behind it, on one shard */
	assert_int_equal(pod_now(p), begin + TICK);
	assert_int_equal(a.left, (unsigned)-1);
}

/*
 * TestTicker, tickers under load
 */

enum { TICKERS = 16 };

static void
follow(struct one *o)
{
	rota_span period = (o->i + 1) * TICK;
	struct rota_channel *c;
	rota_time v;

	if (rota_ticker_create(&c, o->p->engine, period, ROTA_MISSED_SKIP))
		return;
	while (rota_channel_receive_until(c, 5 * ROTA_SECOND, &v) == 1)
		/* A coarse wheel may bring one more in the tick of the end. */
		if (v == (o->got + 1) * period && v == pod_now(o->p) &&
		    v <= 5 * ROTA_SECOND)
			o->got++;
	rota_channel_unref(c);
}

/* Moves timers about as fast as it can, and a little time. */
static void
churn(struct one *o)
{
	struct rota_engine *e = o->p->engine;
	rota_handle h[64] = { 0 };
	uint64_t x = 88172645463325252u + o->i;

	while (pod_now(o->p) < 5 * ROTA_SECOND) {
		for (unsigned i = 0; i < 200; i++) {
			unsigned k;

			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			k = x % CM_COUNT(h);
			rota_handle_stop(e, h[k]);
			rota_after_func(e, (rota_span)(x >> 32 & 0x7fffffff),
			    too_late, o->arg, &h[k]);
			rota_handle_reset_at(e, h[(k + 1) % CM_COUNT(h)],
			    pod_now(o->p) + (rota_span)(x >> 40));
		}
		rota_sleep(e, 3 * TICK, NULL);
	}
	for (unsigned i = 0; i < CM_COUNT(h); i++)
		rota_handle_stop(e, h[i]);
}

static void
tickers_keep_their_grid_under_load(void **state)
{
	struct pod *p = *state;
	struct one o[TICKERS], load[2];
	pthread_t thread[TICKERS], busy[2];
	unsigned n = 0;

	all_begin(o, thread, TICKERS, p, follow, NULL);
	all_begin(load, busy, 2, p, churn, &n);
	all_end(p, thread, TICKERS);
	all_end(p, busy, 2);
	for (unsigned i = 0; i < TICKERS; i++)
		assert_int_equal(o[i].got, 5 * ROTA_SECOND / ((i + 1) * TICK));
	assert_true(n > 1000);
}

/*
 * TestConcurrentTimerReset, TestConcurrentTimerResetStop
 */

static void
reset_it(struct one *o)
{
	for (unsigned i = 0; i < 1000; i++)
		o->got += rota_channel_reset(
		    o->arg, ROTA_HOUR + (rota_span)(i + o->i));
}

static void
reset_and_stop_it(struct one *o)
{
	for (unsigned i = 0; i < 1000; i++)
		if (o->i % 2)
			o->got += rota_channel_stop(o->arg);
		else
			o->got -= !rota_channel_reset(o->arg, ROTA_HOUR);
}

static void
one_timer_is_everybodys(void **state)
{
	struct pod *p = *state;
	struct rota_channel *c = pod_channel(p, ROTA_HOUR, ROTA_CHANNEL_ASYNC);
	struct one o[8];
	pthread_t thread[8];
	int64_t pending = 1;

	all_begin(o, thread, 8, p, reset_it, c);
	all_end(p, thread, 8);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(o[i].got, 1000); /* it was pending always */
	all_begin(o, thread, 8, p, reset_and_stop_it, c);
	all_end(p, thread, 8);
	for (unsigned i = 0; i < 8; i++)
		pending -= o[i].got; /* each stop that prevented has its reset
				      * of what was not pending */
	assert_int_equal(rota_channel_stop(c), pending);
	rota_channel_unref(c);
}

/*
 * TestLayersCancel, TestLayersTimeout, TestSimultaneousCancels,
 * TestInterlockedCancels
 */

/* A chain: each ends at the earliest deadline above it, and needs a timer of
 * its own only if that is its own. */
static void
a_chain_ends_from_its_earliest_deadline_on(void **state)
{
	struct pod *p = *state;
	struct rota_context *c[MANY];
	unsigned own = 0;

	for (unsigned i = 0; i < MANY; i++) {
		/* Later and later up to the middle, then sooner and sooner. */
		unsigned when = i < MANY / 2 ? 200 + i : 300 - 2 * i;

		assert_int_equal(rota_context_with_timeout(&c[i], p->engine,
				     i ? c[i - 1] : NULL, when * TICK),
		    0);
		own += i == 0 || when < 200;
		assert_int_equal(rota_context_deadline(c[i]),
		    (when < 200 ? when : 200) * TICK);
	}
	assert_int_equal(pod_armed(p), own);
	for (unsigned now = 0; now <= 210; now += 1) {
		for (unsigned i = 0; i < MANY; i++)
			assert_int_equal(rota_context_err(c[i]),
			    rota_context_deadline(c[i]) <= now * TICK ? -ETIME
								      : 0);
		pod_sleep(p, TICK);
	}
	assert_int_equal(pod_armed(p), 0);
	for (unsigned i = 0; i < MANY; i++)
		rota_context_unref(c[i]);
}

enum { NODES = 364 }; /* three children each, five levels below the root */

static struct rota_context *
parent_of(struct rota_context *const *c, unsigned i)
{
	return i ? c[(i - 1) / 3] : NULL;
}

static void
a_tree_ends_branch_by_branch(void **state)
{
	struct pod *p = *state;
	struct rota_context *c[NODES];
	rota_time ends[NODES];
	uint64_t x = 88172645463325252u;

	for (unsigned i = 0; i < NODES; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		ends[i] = (rota_time)(x % 90 + 1) * TICK;
		assert_int_equal(rota_context_with_deadline(&c[i], p->engine,
				     parent_of(c, i), ends[i]),
		    0);
		if (i && ends[(i - 1) / 3] < ends[i])
			ends[i] = ends[(i - 1) / 3];
	}
	for (unsigned now = 0; now <= 91; now++) {
		for (unsigned i = 0; i < NODES; i++) {
			bool is = ends[i] <= now * TICK;

			assert_int_equal(
			    rota_context_err(c[i]), is ? -ETIME : 0);
		}
		pod_sleep(p, TICK);
	}
	for (unsigned i = 0; i < NODES; i++)
		rota_context_unref(c[i]);
}

struct tree {
	struct rota_context *c[NODES];
};

static void
cancel_one(struct one *o)
{
	struct tree *t = o->arg;

	o->got = rota_context_cancel(t->c[o->i], (int)o->i + 1);
	for (unsigned i = o->i; i < NODES; i = 3 * i + 1)
		o->at += !rota_context_err(t->c[i]); /* those first below */
}

static void
all_of_a_tree_cancel_at_once(void **state)
{
	struct pod *p = *state;
	struct tree t;
	struct one o[40];
	pthread_t thread[40];

	for (unsigned i = 0; i < NODES; i++)
		assert_int_equal(rota_context_with_timeout(&t.c[i], p->engine,
				     parent_of(t.c, i), ROTA_HOUR - i * TICK),
		    0);
	all_begin(o, thread, 40, p, cancel_one, &t);
	all_end(p, thread, 40);
	for (unsigned i = 0; i < NODES; i++) {
		int cause = rota_context_cause(t.c[i]);
		bool above = false;

		assert_int_equal(rota_context_err(t.c[i]), -ECANCELED);
		for (unsigned k = i;; k = (k - 1) / 3) {
			above |= cause == (int)k + 1;
			if (!k)
				break;
		}
		assert_true(above);
		if (i < 40) {
			assert_int_equal(o[i].at, 0);
			assert_int_equal(o[i].got, cause == (int)i + 1);
		}
	}
	assert_int_equal(pod_armed(p), 0);
	for (unsigned i = 0; i < NODES; i++)
		rota_context_unref(t.c[i]);
}

static void
cancel_the_other(struct one *o)
{
	struct tree *t = o->arg;

	o->got = rota_context_wait(t->c[o->i], ROTA_NEVER);
	rota_context_cancel(t->c[!o->i], 0);
}

static void
each_cancels_the_other(void **state)
{
	struct pod *p = *state;
	struct tree t;
	struct one o[2];
	pthread_t thread[2];

	assert_int_equal(rota_context_create(&t.c[0], p->engine, NULL), 0);
	assert_int_equal(rota_context_create(&t.c[1], p->engine, t.c[0]), 0);
	all_begin(o, thread, 2, p, cancel_the_other, &t);
	pod_sleep(p, TICK);
	assert_int_equal(rota_context_cancel(t.c[0], 0), 1);
	all_end(p, thread, 2);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(o[i].got, 0);
		rota_context_unref(t.c[i]);
	}
}

/*
 * TestAfterFunc: each arms the next. TestAfterTimes, TestAfterTick: what comes
 * says when it was due.
 */

struct chain {
	struct pod *p;
	struct rota_channel *done;
	unsigned left;
};

static void
arm_the_next(void *arg)
{
	struct chain *c = arg;

	if (c->left-- > 0)
		rota_after_func(c->p->engine, TICK, arm_the_next, c, NULL);
	else
		rota_channel_reset(c->done, 0);
}

static void
each_arms_the_next(void **state)
{
	struct pod *p = *state;
	struct chain c = { p, pod_channel(p, 0, ROTA_CHANNEL_SYNC), 10 };
	rota_time v;

	assert_int_equal(rota_channel_stop(c.done), 1);
	assert_int_equal(
	    rota_after_func(p->engine, TICK, arm_the_next, &c, NULL), 0);
	assert_int_equal(rota_channel_receive(c.done, &v), 1);
	assert_int_equal(v, 11 * TICK);
	assert_int_equal(pod_now(p), v);
	rota_channel_unref(c.done);
}

static void
what_comes_says_when_it_was_due(void **state)
{
	struct pod *p = *state;
	rota_time v, begin = pod_now(p);

	for (unsigned i = 1; i <= MANY; i++) {
		struct rota_channel *early = rota_after(p->engine, i * TICK);
		struct rota_channel *late = rota_after(p->engine, i * TICK / 2);

		assert_int_equal(rota_channel_receive(early, &v), 1);
		assert_int_equal(v, begin + i * TICK);
		assert_int_equal(pod_now(p), v);
		assert_int_equal(rota_channel_receive(late, &v), 1);
		assert_int_equal(v, begin + i * TICK / 2);
		begin = pod_now(p);
		rota_channel_unref(early);
		rota_channel_unref(late);
	}
}

/* TestTickerStop, TestTeardown, TestIssue5745 */
static void
no_tick_comes_after_a_stop(void **state)
{
	struct pod *p = *state;
	struct rota_channel *c;
	rota_time v;

	for (unsigned i = 0; i < 3 * MANY; i++) {
		rota_time begin = pod_now(p);

		assert_int_equal(
		    rota_ticker_create(&c, p->engine, 10 * TICK, i % 3), 0);
		assert_int_equal(rota_channel_receive(c, &v), 1);
		assert_int_equal(v, begin + 10 * TICK);
		if (i % 2)
			pod_sleep(p, 25 * TICK); /* two are to come */
		assert_int_equal(rota_channel_stop(c), 1);
		assert_int_equal(
		    rota_channel_receive_until(c, pod_now(p) + ROTA_HOUR, &v),
		    -ETIME);
		assert_int_equal(rota_channel_stop(c), 0);
		rota_channel_unref(c);
		assert_int_equal(pod_armed(p), 0);
	}
}

/*
 * TestAdjustTimers: whatever is done to many, each is on time.
 */

enum { ADJUSTED = 100 };

static void
adjust(struct one *o)
{
	struct rota_engine *e = o->p->engine;
	struct rota_channel *c;
	uint64_t x = 88172645463325252u + o->i * 977;
	rota_time due, v;

	if (rota_channel_create(&c, e, ROTA_HOUR, ROTA_CHANNEL_SYNC))
		return;
	due = pod_now(o->p) + ROTA_HOUR;
	for (unsigned i = 0; i < 200; i++) {
		rota_span span = (rota_span)(x % 40) * TICK;

		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		switch (x >> 60 & 3) {
		case 0: /* as Go's: stopped, or it was received */
			o->got += rota_channel_stop(c) != (due < ROTA_NEVER);
			due = ROTA_NEVER;
			break;
		case 1:
			o->got += rota_channel_reset(c, span) !=
			    (due < ROTA_NEVER);
			due = pod_now(o->p) + span;
			break;
		case 2:
			rota_sleep(e, span, NULL);
			break;
		default:
			if (due > pod_now(o->p) + 50 * TICK)
				break;
			o->got += rota_channel_receive(c, &v) != 1 || v != due;
			o->got += pod_now(o->p) < due;
			due = ROTA_NEVER;
		}
	}
	o->at = 1;
	rota_channel_unref(c);
}

static void
whatever_is_done_each_is_on_time(void **state)
{
	struct pod *p = *state;
	struct one o[ADJUSTED];
	pthread_t thread[ADJUSTED];

	all_begin(o, thread, ADJUSTED, p, adjust, NULL);
	all_end(p, thread, ADJUSTED);
	for (unsigned i = 0; i < ADJUSTED; i++) {
		assert_int_equal(o[i].at, 1);
		assert_int_equal(o[i].got, 0);
	}
	assert_int_equal(pod_armed(p), 0);
}

/*
 * TestCause, its table; TestWithoutCancel.
 */

enum { PARENT = 11, CHILD = 22 };

static const struct cause_row {
	const char *name;
	rota_span parent, child; /* spans of deadlines; ROTA_NEVER: none */
	int parent_cause, child_cause; /* of those */
	int cancel[2][2]; /* in this order: 1 the parent, 2 the child; cause */
	int err[2], cause[2]; /* the parent's, the child's */
} causes[] = {
	{ "nobody", ROTA_NEVER, ROTA_NEVER, 0, 0, { { 0 } }, { 0, 0 },
	    { 0, 0 } },
	{ "cancelled", ROTA_NEVER, ROTA_NEVER, 0, 0, { { 1, 0 } },
	    { -ECANCELED, -ECANCELED }, { -ECANCELED, -ECANCELED } },
	{ "with a cause", ROTA_NEVER, ROTA_NEVER, 0, 0, { { 1, PARENT } },
	    { -ECANCELED, -ECANCELED }, { PARENT, PARENT } },
	{ "the parent's before", ROTA_NEVER, ROTA_NEVER, 0, 0,
	    { { 1, PARENT }, { 2, CHILD } }, { -ECANCELED, -ECANCELED },
	    { PARENT, PARENT } },
	{ "the parent's after", ROTA_NEVER, ROTA_NEVER, 0, 0,
	    { { 2, CHILD }, { 1, PARENT } }, { -ECANCELED, -ECANCELED },
	    { PARENT, CHILD } },
	{ "the parent's after none", ROTA_NEVER, ROTA_NEVER, 0, 0,
	    { { 2, 0 }, { 1, PARENT } }, { -ECANCELED, -ECANCELED },
	    { PARENT, -ECANCELED } },
	{ "a child's alone", ROTA_NEVER, ROTA_NEVER, 0, 0, { { 2, CHILD } },
	    { 0, -ECANCELED }, { 0, CHILD } },
	{ "a child's after a deadline", 0, ROTA_NEVER, 0, 0, { { 2, CHILD } },
	    { -ETIME, -ETIME }, { -ETIME, -ETIME } },
	{ "a child's before a deadline", TICK, ROTA_NEVER, 0, 0,
	    { { 2, CHILD } }, { -ETIME, -ECANCELED }, { -ETIME, CHILD } },
	{ "a deadline's", 0, ROTA_NEVER, PARENT, 0, { { 0 } },
	    { -ETIME, -ETIME }, { PARENT, PARENT } },
	{ "a deadline's, in time", TICK, ROTA_NEVER, PARENT, 0, { { 0 } },
	    { -ETIME, -ETIME }, { PARENT, PARENT } },
	{ "cancelled before its deadline", TICK, ROTA_NEVER, PARENT, 0,
	    { { 1, 0 } }, { -ECANCELED, -ECANCELED },
	    { -ECANCELED, -ECANCELED } },
	{ "the child's deadline", ROTA_NEVER, TICK, 0, CHILD, { { 0 } },
	    { 0, -ETIME }, { 0, CHILD } },
	{ "the child's deadline is later", TICK, 2 * TICK, PARENT, CHILD,
	    { { 0 } }, { -ETIME, -ETIME }, { PARENT, PARENT } },
	{ "the child's deadline is sooner", 2 * TICK, TICK, PARENT, CHILD,
	    { { 0 } }, { -ETIME, -ETIME }, { PARENT, CHILD } },
};

static void
a_cause_is_told_as_the_table_says(void **state)
{
	struct pod *p = *state;

	for (unsigned i = 0; i < CM_COUNT(causes); i++) {
		const struct cause_row *r = &causes[i];
		struct rota_context *c[2], *apart;

		assert_int_equal(
		    rota_context_with_timeout_cause(
			&c[0], p->engine, NULL, r->parent, r->parent_cause),
		    0);
		assert_int_equal(rota_context_with_timeout_cause(&c[1],
				     p->engine, c[0], r->child, r->child_cause),
		    0);
		/* WithoutCancel: made there, and not below */
		assert_int_equal(
		    rota_context_create(&apart, p->engine, NULL), 0);
		for (unsigned k = 0; k < 2 && r->cancel[k][0]; k++)
			rota_context_cancel(
			    c[r->cancel[k][0] - 1], r->cancel[k][1]);
		pod_sleep(p, 3 * TICK);
		for (unsigned k = 0; k < 2; k++) {
			if (rota_context_err(c[k]) != r->err[k] ||
			    rota_context_cause(c[k]) != r->cause[k])
				fail_msg("%s: %s has %d for %d", r->name,
				    k ? "the child" : "the parent",
				    rota_context_err(c[k]),
				    rota_context_cause(c[k]));
		}
		assert_int_equal(rota_context_err(apart), 0);
		assert_int_equal(rota_context_cause(apart), 0);
		assert_int_equal(rota_context_deadline(apart), ROTA_NEVER);
		for (unsigned k = 0; k < 2; k++) {
			rota_context_cancel(c[k], 0);
			rota_context_unref(c[k]);
		}
		assert_int_equal(rota_context_cause(apart), 0);
		rota_context_cancel(apart, 0);
		rota_context_unref(apart);
	}
}

/*
 * TestCauseRace: who sees an end sees its cause, and for good.
 */

struct race {
	struct rota_context *c[5]; /* a line */
};

static void
look_at_the_last(struct one *o)
{
	struct race *r = o->arg;
	int err, cause;

	while (!(err = rota_context_err(r->c[4])))
		sched_yield();
	cause = rota_context_cause(r->c[4]);
	o->got = cause;
	for (unsigned i = 0; i < 20; i++) {
		if (rota_context_err(r->c[4]) != err ||
		    rota_context_cause(r->c[4]) != cause)
			o->got = 0;
		sched_yield();
	}
}

static void
cancel_one_of_the_line(struct one *o)
{
	struct race *r = o->arg;

	o->got = rota_context_cancel(r->c[o->i], (int)o->i + 1);
	o->at = rota_context_cause(r->c[o->i]);
}

static void
who_sees_an_end_sees_its_cause(void **state)
{
	struct pod *p = *state;

	for (unsigned n = 0; n < 100; n++) {
		struct race r;
		struct one look[2], cancel[5];
		pthread_t looking[2], cancelling[5];

		for (unsigned i = 0; i < 5; i++)
			assert_int_equal(rota_context_create(&r.c[i], p->engine,
					     i ? r.c[i - 1] : NULL),
			    0);
		all_begin(look, looking, 2, p, look_at_the_last, &r);
		all_begin(cancel, cancelling, 5, p, cancel_one_of_the_line, &r);
		all_end(p, looking, 2);
		all_end(p, cancelling, 5);
		for (unsigned i = 0; i < 2; i++) {
			assert_in_range(look[i].got, 1, 5);
			assert_int_equal(
			    look[i].got, rota_context_cause(r.c[4]));
		}
		for (unsigned i = 0; i < 5; i++) {
			assert_in_range(cancel[i].at, 1, i + 1);
			assert_int_equal(cancel[i].got, cancel[i].at == i + 1);
			rota_context_unref(r.c[i]);
		}
	}
}

/*
 * TestWithCancelSimultaneouslyCanceledParent
 */

static void
make_a_child(struct one *o)
{
	struct rota_context *c;

	if (rota_context_with_timeout(&c, o->p->engine, o->arg, ROTA_HOUR))
		return;
	o->got = rota_context_wait(c, ROTA_NEVER) == 0 &&
	    rota_context_cause(c) == 5;
	rota_context_unref(c);
}

static void
a_child_that_is_made_meanwhile_ends_too(void **state)
{
	struct pod *p = *state;

	for (unsigned n = 0; n < 50; n++) {
		struct rota_context *c;
		struct one o[8];
		pthread_t thread[8];

		assert_int_equal(rota_context_create(&c, p->engine, NULL), 0);
		all_begin(o, thread, 8, p, make_a_child, c);
		if (n % 2)
			sched_yield();
		assert_int_equal(rota_context_cancel(c, 5), 1);
		all_end(p, thread, 8);
		for (unsigned i = 0; i < 8; i++)
			assert_int_equal(o[i].got, 1);
		rota_context_unref(c);
	}
	assert_int_equal(pod_armed(p), 0);
	assert_int_equal(rota_context_report(p->engine, NULL, NULL), 0);
}

/* TestCancelRemoves: a parent that goes on keeps none of its children. */
static void
what_is_cancelled_leaves_its_parent(void **state)
{
	struct pod *p = *state;
	struct rota_context *top, *c;
	unsigned n = 0;

	assert_int_equal(rota_context_create(&top, p->engine, NULL), 0);
	for (unsigned i = 0; i < MILLION / 10; i++) {
		switch (i % 3) {
		case 0:
			rota_context_create(&c, p->engine, top);
			break;
		case 1:
			rota_context_with_timeout(
			    &c, p->engine, top, ROTA_HOUR);
			break;
		default:
			rota_context_after_func(&c, top, too_late, &n);
		}
		assert_int_equal(rota_context_cancel(c, 0), 1);
		rota_context_unref(c);
		if (i % 1000 == 0)
			assert_int_equal(
			    rota_context_report(p->engine, NULL, NULL), 1);
	}
	assert_int_equal(pod_armed(p), 0);
	rota_context_cancel(top, 0);
	rota_context_unref(top);
	pod_sleep(p, TICK);
	assert_int_equal(n, 0);
}

/*
 * TestAfterFuncCalledAfterCancel, ...Timeout, ...Immediately,
 * TestAfterFuncNotCalledAfterStop, and a stop that races with the end.
 */

static void
stop_a_function(struct one *o)
{
	o->got = rota_context_cancel(o->arg, 0);
}

static void
a_function_runs_or_was_stopped(void **state)
{
	struct pod *p = *state;

	for (unsigned n = 0; n < 200; n++) {
		struct rota_context *c, *f;
		struct one o[2];
		pthread_t thread[2];
		unsigned went = 0;

		assert_int_equal(
		    rota_context_with_timeout(&c, p->engine, NULL, TICK), 0);
		assert_int_equal(
		    rota_context_after_func(&f, c, too_late, &went), 0);
		all_begin(o, thread, 2, p, stop_a_function, f);
		if (n % 2)
			rota_context_cancel(c, 0);
		all_end(p, thread, 2);
		pod_sleep(p, 2 * TICK);
		assert_int_equal(o[0].got + o[1].got + went, 1);
		rota_context_unref(f);
		rota_context_unref(c);
	}
}

struct onward {
	struct pod *p;
	struct rota_context *next;
	unsigned runs;
};

static void
end_the_next(void *arg)
{
	struct onward *o = arg;

	o->runs++;
	rota_context_cancel(o->next, 9);
}

/* A function may end a context that has one of its own, and so on. */
static void
functions_follow_one_another(void **state)
{
	struct pod *p = *state;
	struct rota_context *c[MANY + 1];
	struct onward o[MANY];

	for (unsigned i = 0; i <= MANY; i++)
		assert_int_equal(
		    rota_context_create(&c[i], p->engine, NULL), 0);
	for (unsigned i = 0; i < MANY; i++) {
		o[i] = (struct onward){ p, c[i + 1], 0 };
		assert_int_equal(
		    rota_context_after_func(NULL, c[i], end_the_next, &o[i]),
		    0);
	}
	assert_int_equal(rota_context_cancel(c[0], 1), 1);
	assert_int_equal(rota_context_wait(c[MANY], ROTA_NEVER), 0);
	assert_int_equal(pod_now(p), 0);
	assert_int_equal(rota_context_cause(c[MANY]), 9);
	for (unsigned i = 0; i <= MANY; i++) {
		if (i < MANY)
			assert_int_equal(o[i].runs, 1);
		rota_context_unref(c[i]);
	}
}

/* TestTimerStopUninitialized, TestTimerResetUninitialized, and the like. */
static void
what_was_never_made_is_refused(void **state)
{
	struct rota_timer zero = { 0 };

	(void)state;
	assert_int_equal(rota_timer_stop(&zero), -EINVAL);
	assert_int_equal(rota_timer_reset(&zero, TICK), -EINVAL);
	assert_int_equal(rota_channel_stop(NULL), -EINVAL);
	assert_int_equal(rota_channel_reset(NULL, TICK), -EINVAL);
	assert_int_equal(rota_ticker_reset(NULL, TICK), -EINVAL);
	assert_int_equal(rota_context_cancel(NULL, 0), -EINVAL);
	assert_null(rota_tick(NULL, TICK));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		POD(they_wake_in_the_order_of_their_deadlines),
		POD_EXACT(functions_of_one_instant_run_as_they_were_armed),
		POD(what_is_stopped_in_time_never_runs),
		POD(a_million_of_no_span),
		POD(a_hundred_thousand_functions_of_no_span),
		POD(sleeping_for_nothing_stops_nobody),
		POD(no_span_overflows),
		POD(a_reset_answers_and_moves),
		POD(moved_from_far_to_near_it_is_on_time),
		POD(sixty_thousand_are_moved_and_each_is_on_time),
		POD(what_arms_itself_keeps_nobody_waiting),
		POD(tickers_keep_their_grid_under_load),
		POD(one_timer_is_everybodys),
		POD(a_chain_ends_from_its_earliest_deadline_on),
		POD(a_tree_ends_branch_by_branch),
		POD(all_of_a_tree_cancel_at_once),
		POD(each_cancels_the_other),
		POD(each_arms_the_next),
		POD(what_comes_says_when_it_was_due),
		POD(no_tick_comes_after_a_stop),
		POD(whatever_is_done_each_is_on_time),
		POD(a_cause_is_told_as_the_table_says),
		POD(who_sees_an_end_sees_its_cause),
		POD(a_child_that_is_made_meanwhile_ends_too),
		POD(what_is_cancelled_leaves_its_parent),
		POD(a_function_runs_or_was_stopped),
		POD(functions_follow_one_another),
		POD(what_was_never_made_is_refused),
	};

	return cmocka_run_group_tests_name("gotime", tests, NULL, NULL);
}
