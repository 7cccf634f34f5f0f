/* SPDX-License-Identifier: MIT
 *
 * channel_cost_test.c - what a receive costs: locks and readings of the clock.
 * Claims: a receive, whether it gets a value, finds none, or waits, takes the
 * channel's lock once until it returns or sleeps, and reads the clock once at
 * most: never if the channel is not armed and no deadline of the receive asks
 * for it, so never for a value in a buffer. A thread that was handed a value
 * takes the lock no more; one whose deadline has come takes it once. A receive
 * and a select answer -ETIME only if nothing was ready by the deadline, however
 * the clock moves between two readings.
 * Rows     G7 G8
 *
 * The program is linked so that calls of these functions come here, those of
 * the library too. Each thread counts its own.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>

#include "api/wait/channel.h"
#include "core/objects.h"
#include "tests/support/pod.h"

struct cost {
	unsigned channel; /* how often the channel's lock was taken */
	unsigned locks;   /* and any lock */
	unsigned clocks;  /* readings of the clock */
};

static _Thread_local struct cost spent;
static pthread_mutex_t *watched; /* the channel's */

/* The first sleep of a thread that has set this. */
struct sleep {
	struct cost before;
	rota_word asleep;
};

static _Thread_local struct sleep *falls;
static _Thread_local uint64_t step; /* by which a reading moves the clock */

int __real_pthread_mutex_lock(pthread_mutex_t *m);
int __wrap_pthread_mutex_lock(pthread_mutex_t *m);
int __real_pthread_cond_wait(pthread_cond_t *c, pthread_mutex_t *m);
int __wrap_pthread_cond_wait(pthread_cond_t *c, pthread_mutex_t *m);

int
__wrap_pthread_mutex_lock(pthread_mutex_t *m)
{
#ifdef ROTA_DEBUG_OBJECTS
	if (m == &rota__objects_lock) /* the price of such a build */
		return __real_pthread_mutex_lock(m);
#endif
	spent.locks++;
	spent.channel += m == watched;
	return __real_pthread_mutex_lock(m);
}

int
__wrap_pthread_cond_wait(pthread_cond_t *c, pthread_mutex_t *m)
{
	struct sleep *s = falls;

	falls = NULL;
	if (s) {
		s->before = spent;
		spent = (struct cost){ 0 };
		/* release: for asleep() */
		word_store(&s->asleep, (uint64_t)1, release);
	}
	return __real_pthread_cond_wait(c, m);
}

struct bench {
	struct rota_engine *engine;
	struct rota_shard *shard; /* the test owns it */
	rota_word clock;
};

static rota_time
read_clock(void *arg)
{
	struct bench *b = arg;

	spent.clocks++;
	/* relaxed: a figure */
	return (rota_time)(word_add(&b->clock, step, relaxed) + step);
}

static int
bench_setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));
	struct rota_config config = { .size = sizeof(config),
		.backend = *(const enum rota_backend *)*state,
		.shards = 1,
		.clock = ROTA_CLOCK_CALLER,
		.now = read_clock,
		.now_arg = b };

	assert_int_equal(rota_engine_create(&b->engine, &config), 0);
	b->shard = rota_engine_shard(b->engine, 0);
	assert_int_equal(rota_shard_attach(b->shard), 0);
	*state = b;
	return 0;
}

static int
bench_teardown(void **state)
{
	struct bench *b = *state;

	assert_int_equal(rota_engine_destroy(b->engine, ROTA_REFUSE), 0);
	watched = NULL;
	free(b);
	return 0;
}

static struct rota_channel *
channel(struct bench *b, rota_span span, enum rota_channel_mode mode)
{
	struct rota_channel *c;

	assert_int_equal(rota_channel_create(&c, b->engine, span, mode), 0);
	watched = &c->lock;
	return c;
}

/* The clock goes to @now, if it is not there yet, and what is due runs. */
static void
go(struct bench *b, rota_time now)
{
	rota_time there = rota_engine_now(b->engine);

	if (there < now)
		word_add(&b->clock, (uint64_t)(now - there), relaxed);
	rota_shard_poll(b->shard, now, 0);
}

/* The ways to receive without waiting, which cost the same. */
enum { POLL, RECEIVE, UNTIL, SELECT, WAYS };

static int
receive_by(unsigned way, struct rota_channel *c, rota_time until, rota_time *v)
{
	struct rota_case one = { .channel = c };
	int r;

	switch (way) {
	case POLL:
		return rota_channel_poll(c, v);
	case RECEIVE:
		return rota_channel_receive(c, v);
	case UNTIL:
		return rota_channel_receive_until(c, until, v);
	default:
		r = rota_select(&one, 1, until);
		*v = one.value;
		return r == 0 ? 1 : r;
	}
}

/* Since the last time this thread took only the channel's lock, and that once,
 * and read the clock so often. */
static void
expect_one_lock(unsigned clocks)
{
	assert_int_equal(spent.channel, 1);
	assert_int_equal(spent.locks, 1);
	assert_int_equal(spent.clocks, clocks);
	spent = (struct cost){ 0 };
}

static void
a_value_that_is_due_costs_one_lock_and_one_reading(void **state)
{
	struct bench *b = *state;

	for (unsigned way = 0; way < WAYS; way++) {
		struct rota_channel *c = channel(b, TICK, ROTA_CHANNEL_SYNC);
		rota_time v = 0, due = (rota_time)b->clock + TICK;

		go(b, due);
		spent = (struct cost){ 0 };
		assert_int_equal(receive_by(way, c, due, &v), 1);
		expect_one_lock(1);
		assert_int_equal(v, due);
		rota_channel_unref(c);
	}
}

static void
a_value_in_the_buffer_costs_one_lock_and_no_reading(void **state)
{
	struct bench *b = *state;

	for (unsigned way = 0; way < WAYS; way++) {
		struct rota_channel *c = channel(b, TICK, ROTA_CHANNEL_ASYNC);
		rota_time v = 0, due = (rota_time)b->clock + TICK;

		go(b, due + TICK);
		spent = (struct cost){ 0 };
		assert_int_equal(rota_channel_length(c), 1);
		expect_one_lock(0);
		assert_int_equal(receive_by(way, c, due, &v), 1);
		expect_one_lock(0);
		assert_int_equal(v, due);
		rota_channel_unref(c);
	}
}

/* What a ticker has in its buffer may have to make room for the next tick. */
static void
a_tick_in_the_buffer_costs_one_reading(void **state)
{
	static const enum rota_missed policies[] = { ROTA_MISSED_SKIP,
		ROTA_MISSED_BURST, ROTA_MISSED_DELAY };
	struct bench *b = *state;

	for (unsigned i = 0; i < CM_COUNT(policies); i++) {
		struct rota_channel *c;
		rota_time due = (rota_time)b->clock + TICK, v = 0;

		assert_int_equal(rota_ticker_create_mode(&c, b->engine, TICK,
				     policies[i], ROTA_CHANNEL_ASYNC),
		    0);
		watched = &c->lock;
		go(b, due + 2 * TICK);
		spent = (struct cost){ 0 };
		assert_int_equal(rota_channel_receive(c, &v), 1);
		assert_int_equal(spent.channel, 1);
		assert_int_equal(spent.clocks, 1);
		assert_int_equal(v, due);
		assert_int_equal(
		    rota_channel_poll(c, &v), policies[i] == ROTA_MISSED_BURST);
		rota_channel_unref(c);
	}
}

static void
an_empty_channel_costs_one_lock_and_one_reading(void **state)
{
	struct bench *b = *state;
	struct rota_channel *c = channel(b, 9 * TICK, ROTA_CHANNEL_SYNC);
	rota_time v;

	go(b, TICK);
	spent = (struct cost){ 0 };
	assert_int_equal(rota_channel_poll(c, &v), 0);
	expect_one_lock(1);
	for (unsigned way = UNTIL; way < WAYS; way++) {
		for (rota_time until = 0; until <= TICK; until += TICK) {
			assert_int_equal(receive_by(way, c, until, &v), -ETIME);
			expect_one_lock(1);
		}
	}
	rota_channel_unref(c);
}

/* Nothing can come due on it: the clock is read for the receive's own deadline
 * alone. */
static void
one_that_is_not_armed_costs_one_lock(void **state)
{
	struct bench *b = *state;
	struct rota_channel *c = channel(b, 9 * TICK, ROTA_CHANNEL_SYNC);
	rota_time v;

	go(b, TICK);
	assert_int_equal(rota_channel_stop(c), 1);
	spent = (struct cost){ 0 };
	assert_int_equal(rota_channel_stop(c), 0);
	expect_one_lock(0);
	assert_int_equal(rota_channel_poll(c, &v), 0);
	expect_one_lock(0);
	for (unsigned way = UNTIL; way < WAYS; way++) {
		assert_int_equal(receive_by(way, c, 0, &v), -ETIME);
		expect_one_lock(0);
		assert_int_equal(receive_by(way, c, TICK, &v), -ETIME);
		expect_one_lock(1);
	}
	/* A reset asks for the instant, and serves at once what is past. */
	assert_int_equal(rota_channel_reset(c, -1), 0);
	expect_one_lock(1);
	assert_int_equal(rota_channel_poll(c, &v), 1);
	assert_int_equal(v, TICK);
	rota_channel_unref(c);
}

/* A thread that waits. */
struct receiver {
	struct rota_channel *c;
	unsigned way, cases;
	rota_time until, value;
	uint64_t step;
	int answer;
	struct sleep sleep;
	struct cost after; /* it was woken */
	rota_word ended;
	pthread_t thread;
};

static void *
receive(void *arg)
{
	struct receiver *r = arg;
	/* The second never comes. */
	struct rota_case k[2] = { { .channel = r->c } };

	falls = &r->sleep;
	step = r->step;
	spent = (struct cost){ 0 };
	if (r->cases) {
		r->answer = rota_select(k, r->cases, r->until);
		r->value = k[0].value;
	} else {
		r->answer = receive_by(r->way, r->c, r->until, &r->value);
	}
	r->after = spent;
	word_store(&r->ended, (uint64_t)1, release); /* for has() */
	return NULL;
}

static void
begin(struct receiver *r)
{
	assert_int_equal(pthread_create(&r->thread, NULL, receive, r), 0);
}

static bool
has(rota_word *w)
{
	return word_load(w, acquire) != 0;
}

/* Poll until the thread has ended. */
static void
end(struct bench *b, struct receiver *r)
{
	while (!has(&r->ended)) {
		rota_shard_poll(b->shard, rota_engine_now(b->engine), 0);
		sched_yield();
	}
	pthread_join(r->thread, NULL);
}

/* Up to its sleep and after it. */
static void
wait_once(struct bench *b, unsigned way, rota_span span, rota_span limit)
{
	struct rota_channel *c = channel(b, span, ROTA_CHANNEL_SYNC);
	rota_time now = (rota_time)b->clock;
	bool comes = span <= limit;
	struct receiver r = { .c = c,
		.way = way,
		.until = limit < ROTA_NEVER ? now + limit : ROTA_NEVER };

	begin(&r);
	while (!has(&r.sleep.asleep))
		sched_yield();
	assert_int_equal(r.sleep.before.channel, 1);
	assert_int_equal(r.sleep.before.clocks, 1);
	go(b, now + (comes ? span : limit));
	end(b, &r);
	assert_int_equal(r.answer, comes ? 1 : -ETIME);
	if (comes)
		assert_int_equal(r.value, now + span);
	/* Of two that come at one instant the first that is heard has the
	 * thread. */
	if (span == limit)
		assert_true(r.after.channel <= 1 && r.after.clocks <= 1);
	else
		assert_int_equal(r.after.channel, comes ? 0 : 1);
	if (span != limit)
		assert_int_equal(r.after.clocks, comes ? 0 : 1);
	rota_channel_unref(c);
}

static void
a_wait_costs_one_lock_and_one_reading(void **state)
{
	for (unsigned way = RECEIVE; way < WAYS; way++) {
		wait_once(*state, way, 2 * TICK, ROTA_NEVER);
		if (way == RECEIVE)
			continue;
		wait_once(*state, way, 2 * TICK, 5 * TICK);
		wait_once(*state, way, 5 * TICK, 2 * TICK);
		wait_once(*state, way, 2 * TICK, 2 * TICK);
	}
}

/* Due at the deadline, and each reading of the clock moves it: whichever
 * reading is the first to see the deadline, the value is there. */
static void
the_deadline_comes_no_sooner_than_the_value(void **state)
{
	struct bench *b = *state;
	rota_time round = 0;

	for (unsigned cases = 0; cases <= 2; cases++) {
		for (unsigned lead = 1; lead <= 6; lead++) {
			struct receiver r = {
				.way = UNTIL, .cases = cases, .step = 1
			};
			rota_time due = (++round * 3) * TICK, v;
			struct rota_channel *c;

			go(b, due - TICK);
			c = channel(b, TICK, ROTA_CHANNEL_SYNC);
			go(b, due - lead);
			r.c = c;
			r.until = due;
			begin(&r);
			while (!has(&r.sleep.asleep) && !has(&r.ended))
				sched_yield();
			go(b, due);
			end(b, &r);
			assert_int_equal(r.answer, cases ? 0 : 1);
			assert_int_equal(r.value, due);
			assert_int_equal(rota_channel_poll(c, &v), 0);
			rota_channel_unref(c);
		}
	}
}

/* The deadline was armed first, so it ends the wait; but the value is there. */
static void
a_value_at_the_deadline_is_received(void **state)
{
	struct bench *b = *state;
	struct rota_channel *c = channel(b, 9 * TICK, ROTA_CHANNEL_SYNC);
	struct receiver r = { .c = c, .way = UNTIL, .until = 2 * TICK };

	begin(&r);
	while (!has(&r.sleep.asleep))
		sched_yield();
	go(b, TICK); /* the deadline has its place */
	assert_int_equal(rota_channel_reset(c, TICK), 1);
	go(b, 2 * TICK);
	end(b, &r);
	assert_int_equal(r.answer, 1);
	assert_int_equal(r.value, 2 * TICK);
	rota_channel_unref(c);
}

#define BENCH_ONE(f, i)                                         \
	{                                                       \
#f " (" #i ")", f, bench_setup, bench_teardown, \
		    (void *)(uintptr_t)&pod_backends[i]         \
	}
#define BENCH(f) BENCH_ONE(f, 0), BENCH_ONE(f, 1), BENCH_ONE(f, 2)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		BENCH(a_value_that_is_due_costs_one_lock_and_one_reading),
		BENCH(a_value_in_the_buffer_costs_one_lock_and_no_reading),
		BENCH(a_tick_in_the_buffer_costs_one_reading),
		BENCH(an_empty_channel_costs_one_lock_and_one_reading),
		BENCH(one_that_is_not_armed_costs_one_lock),
		BENCH(a_wait_costs_one_lock_and_one_reading),
		BENCH(the_deadline_comes_no_sooner_than_the_value),
		BENCH(a_value_at_the_deadline_is_received),
	};

	return cmocka_run_group_tests_name("channel_cost", tests, NULL, NULL);
}
