/* SPDX-License-Identifier: MIT
 *
 * channel_test.c - api/wait/channel.c: timers that are received from, tickers.
 * Claims: a value comes at its instant and not before, once; after a stop or
 * a reset nothing from before is received, and what nobody had received
 * counts as pending; length and capacity are 0; a channel that nobody waits
 * on is filed nowhere and needs no stop; of several that wait one gets it,
 * the first, before who comes by later; of several that come at once each is
 * as likely; asynchronous ones keep what is stale, as Go did; ticks stay on
 * their grid and what is missed is dropped, or not, as asked, and counted for
 * good; the descriptor shows what there is; where no timer is left one is
 * enough for all that wait, what shows goes on, and who finds none is told;
 * what cannot be waited for is refused.
 * Rows     G2 G5 G7 G8 G9
 */
#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>

#include "api/wait/channel.h"
#include "tests/support/pod.h"

static void
a_value_comes_at_its_instant_once(void **state)
{
	struct pod *p = *state;
	struct rota_channel *c = pod_channel(p, 5 * TICK, ROTA_CHANNEL_SYNC);
	rota_time v = 0;

	assert_int_equal(rota_channel_poll(c, &v), 0);
	assert_int_equal(rota_channel_receive(c, &v), 1);
	assert_int_equal(v, 5 * TICK);
	assert_int_equal(pod_now(p), 5 * TICK);
	assert_int_equal(rota_channel_poll(c, &v), 0);
	assert_int_equal(rota_channel_receive_until(c, 9 * TICK, &v), -ETIME);
	assert_int_equal(pod_now(p), 9 * TICK);
	rota_channel_unref(c);
}

/* Asked late it says when it was due. */
static void
what_is_due_is_received_without_waiting(void **state)
{
	static const rota_span spans[] = { 0, -1, INT64_MIN, TICK };
	struct pod *p = *state;
	rota_time v = 0;

	for (unsigned i = 0; i < CM_COUNT(spans); i++) {
		rota_time begin = pod_now(p);
		struct rota_channel *c = pod_channel(
		    p, spans[i], ROTA_CHANNEL_SYNC);

		if (spans[i] > 0)
			pod_sleep(p, 3 * TICK);
		assert_int_equal(rota_channel_receive(c, &v), 1);
		assert_int_equal(v, begin + (spans[i] > 0 ? spans[i] : 0));
		assert_int_equal(rota_channel_poll(c, NULL), 0);
		rota_channel_unref(c);
	}
}

static void
after_a_stop_nothing_comes(void **state)
{
	struct pod *p = *state;
	struct rota_channel *c = pod_channel(p, 2 * TICK, ROTA_CHANNEL_SYNC);

	assert_int_equal(rota_channel_stop(c), 1);
	assert_int_equal(rota_channel_stop(c), 0);
	assert_int_equal(rota_channel_receive_until(c, 9 * TICK, NULL), -ETIME);
	/* due, and not received: it was pending */
	assert_int_equal(rota_channel_reset(c, TICK), 0);
	pod_sleep(p, 3 * TICK);
	assert_int_equal(rota_channel_stop(c), 1);
	assert_int_equal(rota_channel_poll(c, NULL), 0);
	/* received: it was not */
	assert_int_equal(rota_channel_reset(c, TICK), 0);
	assert_int_equal(rota_channel_receive(c, NULL), 1);
	assert_int_equal(rota_channel_stop(c), 0);
	rota_channel_unref(c);
}

static void
after_a_reset_nothing_from_before_comes(void **state)
{
	struct pod *p = *state;
	struct rota_channel *c = pod_channel(p, 2 * TICK, ROTA_CHANNEL_SYNC);
	rota_time v = 0;

	pod_sleep(p, 5 * TICK);
	assert_int_equal(rota_channel_reset(c, 4 * TICK), 1);
	assert_int_equal(rota_channel_poll(c, &v), 0);
	assert_int_equal(rota_channel_receive(c, &v), 1);
	assert_int_equal(v, 9 * TICK);
	assert_int_equal(pod_now(p), 9 * TICK);
	assert_int_equal(rota_channel_reset(c, TICK), 0);
	assert_int_equal(rota_channel_reset(c, 3 * TICK), 1);
	assert_int_equal(rota_channel_reset(c, 2 * TICK), 1);
	assert_int_equal(rota_channel_receive(c, &v), 1);
	assert_int_equal(v, 11 * TICK);
	/* as far as can be told, and no further */
	assert_int_equal(rota_channel_reset(c, INT64_MAX), 0);
	assert_int_equal(rota_channel_poll(c, NULL), 0);
	assert_int_equal(rota_channel_stop(c), 1);
	rota_channel_unref(c);
}

static void
length_and_capacity_are_0(void **state)
{
	static const enum rota_channel_mode modes[] = { ROTA_CHANNEL_SYNC,
		ROTA_CHANNEL_ASYNC, ROTA_CHANNEL_ASYNC_LAZY };
	struct pod *p = *state;

	for (unsigned i = 0; i < CM_COUNT(modes); i++) {
		struct rota_channel *c = pod_channel(p, TICK, modes[i]);

		assert_int_equal(rota_channel_capacity(c), i > 0);
		assert_int_equal(rota_channel_length(c), 0);
		pod_sleep(p, 2 * TICK);
		assert_int_equal(rota_channel_length(c), i > 0);
		assert_int_equal(rota_channel_poll(c, NULL), 1);
		assert_int_equal(rota_channel_length(c), 0);
		rota_channel_unref(c);
	}
}

/* A thread that receives. */
struct receiver {
	struct pod *p;
	struct rota_channel *c;
	rota_time until, at, value;
	int answer;
	unsigned turn; /* the how many-th to have received */
	unsigned *turns;
};

static void *
receive(void *arg)
{
	struct receiver *r = arg;

	r->answer = rota_channel_receive_until(r->c, r->until, &r->value);
	r->at = rota_engine_now(r->p->engine);
	r->turn = __atomic_fetch_add(r->turns, 1, __ATOMIC_RELAXED);
	return NULL;
}

static void
receiver_begin(struct receiver *r, pthread_t *thread)
{
	assert_int_equal(
	    rota_bubble_thread(r->p->bubble, thread, receive, r), 0);
	assert_int_equal(rota_bubble_wait(r->p->bubble), 0);
}

static void
one_that_nobody_waits_on_is_filed_nowhere(void **state)
{
	struct pod *p = *state;
	struct rota_channel *c = pod_channel(p, 4 * TICK, ROTA_CHANNEL_SYNC);
	struct rota_channel *lazy = pod_channel(
	    p, 4 * TICK, ROTA_CHANNEL_ASYNC_LAZY);
	struct rota_channel *async = pod_channel(
	    p, 4 * TICK, ROTA_CHANNEL_ASYNC);
	unsigned turns = 0;
	struct receiver r = { p, c, 2 * TICK, .turns = &turns };
	pthread_t thread;

	assert_int_equal(pod_armed(p), 1); /* the asynchronous one */
	rota_channel_unref(async);
	assert_int_equal(pod_armed(p), 0);
	receiver_begin(&r, &thread);
	assert_int_equal(pod_armed(p), 2); /* the channel and the deadline */
	pod_sleep(p, 3 * TICK);
	assert_int_equal(r.answer, -ETIME);
	assert_int_equal(r.at, 2 * TICK);
	assert_int_equal(pod_armed(p), 0);
	pthread_join(thread, NULL);
	r.until = ROTA_NEVER;
	receiver_begin(&r, &thread);
	assert_int_equal(pod_armed(p), 1);
	assert_int_equal(rota_channel_reset(c, 6 * TICK), 1);
	assert_int_equal(pod_armed(p), 1);
	pod_sleep(p, 7 * TICK);
	assert_int_equal(r.answer, 1);
	assert_int_equal(r.at, 9 * TICK);
	assert_int_equal(pod_armed(p), 0);
	pthread_join(thread, NULL);
	rota_channel_unref(lazy); /* due since long: no stop */
	rota_channel_unref(c);
}

/* A stop while it is waited on leaves the waiter waiting. */
static void
a_stop_keeps_it_from_those_that_wait(void **state)
{
	struct pod *p = *state;
	struct rota_channel *c = pod_channel(p, 4 * TICK, ROTA_CHANNEL_SYNC);
	unsigned turns = 0;
	struct receiver r = { p, c, ROTA_NEVER, .turns = &turns };
	pthread_t thread;

	receiver_begin(&r, &thread);
	assert_int_equal(rota_channel_stop(c), 1);
	assert_int_equal(pod_armed(p), 0);
	pod_sleep(p, 8 * TICK);
	assert_int_equal(turns, 0);
	assert_int_equal(rota_channel_reset(c, TICK), 0);
	pod_sleep(p, 2 * TICK);
	assert_int_equal(turns, 1);
	assert_int_equal(r.at, 9 * TICK);
	pthread_join(thread, NULL);
	rota_channel_unref(c);
}

static void
of_several_that_wait_the_first_gets_it(void **state)
{
	struct pod *p = *state;
	struct rota_channel *c = pod_channel(p, TICK, ROTA_CHANNEL_SYNC);
	struct receiver r[4];
	pthread_t thread[4];
	unsigned turns = 0;

	for (unsigned i = 0; i < 4; i++) {
		r[i] = (struct receiver){ p, c, ROTA_NEVER, .turns = &turns };
		receiver_begin(&r[i], &thread[i]);
	}
	for (unsigned i = 0; i < 4; i++) {
		pod_sleep(p, 2 * TICK);
		assert_int_equal(
		    __atomic_load_n(&turns, __ATOMIC_RELAXED), i + 1);
		assert_int_equal(r[i].turn, i);
		assert_int_equal(r[i].answer, 1);
		assert_int_equal(rota_channel_reset(c, TICK), 0);
		pthread_join(thread[i], NULL);
	}
	rota_channel_unref(c);
}

/* Go before 1.23: the drain that its documents asked for is needed. */
static void
asynchronous_ones_keep_what_is_stale(void **state)
{
	static const enum rota_channel_mode modes[] = { ROTA_CHANNEL_ASYNC,
		ROTA_CHANNEL_ASYNC_LAZY };
	struct pod *p = *state;

	for (unsigned i = 0; i < CM_COUNT(modes); i++) {
		struct rota_channel *c = pod_channel(p, TICK, modes[i]);
		rota_time due = pod_now(p) + TICK, v = 0;

		assert_int_equal(rota_channel_stop(c), 1);
		assert_int_equal(rota_channel_reset(c, TICK), 0);
		pod_sleep(p, 3 * TICK);
		assert_int_equal(rota_channel_stop(c), 0); /* it has fired */
		assert_int_equal(rota_channel_reset(c, 4 * TICK), 0);
		assert_int_equal(rota_channel_receive(c, &v), 1);
		assert_int_equal(v, due); /* stale */
		assert_int_equal(rota_channel_receive(c, &v), 1);
		assert_int_equal(v, due + 6 * TICK);
		rota_channel_unref(c);
	}
}

static struct rota_channel *
ticker(struct pod *p, rota_span period, enum rota_missed missed,
    enum rota_channel_mode mode)
{
	struct rota_channel *c;

	assert_int_equal(
	    rota_ticker_create_mode(&c, p->engine, period, missed, mode), 0);
	return c;
}

static void
ticks_stay_on_their_grid(void **state)
{
	struct pod *p = *state;
	rota_time v = 0;

	for (enum rota_channel_mode m = ROTA_CHANNEL_SYNC;
	     m <= ROTA_CHANNEL_ASYNC_LAZY; m++) {
		rota_time begin = pod_now(p);
		struct rota_channel *c = ticker(
		    p, 10 * TICK, ROTA_MISSED_SKIP, m);

		for (int i = 1; i <= 5; i++) {
			assert_int_equal(rota_channel_receive(c, &v), 1);
			assert_int_equal(v, begin + i * 10 * TICK);
			assert_int_equal(pod_now(p), v);
			pod_sleep(p, 3 * TICK); /* work */
		}
		assert_int_equal(rota_ticker_missed(c), 0);
		/* five go by: the first waits, four are dropped */
		pod_sleep(p, 50 * TICK);
		assert_int_equal(rota_ticker_missed(c), 4);
		assert_int_equal(rota_channel_receive(c, &v), 1);
		assert_int_equal(v, begin + 60 * TICK);
		assert_int_equal(rota_channel_poll(c, &v), 0);
		assert_int_equal(rota_channel_receive(c, &v), 1);
		assert_int_equal(v, begin + 110 * TICK);
		assert_int_equal(pod_now(p), v);
		assert_int_equal(rota_ticker_missed(c), 4);
		assert_int_equal(rota_channel_stop(c), 1);
		assert_int_equal(
		    rota_channel_receive_until(c, pod_now(p) + 99 * TICK, &v),
		    -ETIME);
		rota_channel_unref(c);
	}
}

static void
missed_ticks_are_brought_or_delayed_as_asked(void **state)
{
	struct pod *p = *state;
	rota_time v = 0;

	for (enum rota_channel_mode m = ROTA_CHANNEL_SYNC;
	     m <= ROTA_CHANNEL_ASYNC_LAZY; m++) {
		rota_time begin = pod_now(p);
		struct rota_channel *c = ticker(
		    p, 10 * TICK, ROTA_MISSED_BURST, m);

		pod_sleep(p, 35 * TICK);
		for (int i = 1; i <= 3; i++) {
			assert_int_equal(rota_channel_poll(c, &v), 1);
			assert_int_equal(v, begin + i * 10 * TICK);
		}
		assert_int_equal(rota_channel_poll(c, &v), 0);
		assert_int_equal(rota_ticker_missed(c), 0);
		assert_int_equal(rota_channel_receive(c, &v), 1);
		assert_int_equal(pod_now(p), begin + 40 * TICK);
		rota_channel_unref(c);
	}
	{
		rota_time begin = pod_now(p);
		struct rota_channel *c = ticker(
		    p, 10 * TICK, ROTA_MISSED_DELAY, ROTA_CHANNEL_SYNC);

		pod_sleep(p, 35 * TICK);
		assert_int_equal(rota_channel_receive(c, &v), 1);
		assert_int_equal(v, begin + 10 * TICK);
		assert_int_equal(rota_channel_receive(c, &v), 1);
		assert_int_equal(v, begin + 45 * TICK);
		rota_channel_unref(c);
	}
}

/* The clock has come to its instant, but no poll: the first that waits has it
 * before anybody who comes by, even after the end of its own wait. */
static void
who_came_first_is_served_first(void **state)
{
	struct pod *p = *state;

	for (unsigned i = 0; i < 6; i++) {
		rota_time begin = pod_now(p), v = 0;
		struct rota_channel *c = pod_channel(p, 5 * TICK, i % 3);
		struct rota_case one = { .channel = c };
		unsigned turns = 0;
		struct receiver r = { p, c, ROTA_NEVER, .turns = &turns };
		pthread_t thread;

		if (i >= 3)
			r.until = begin + 7 * TICK;
		receiver_begin(&r, &thread);
		assert_int_equal(rota_engine_advance(p->engine, 10 * TICK), 0);
		assert_int_equal(i % 2 ? rota_channel_poll(c, &v) - ETIME
				       : rota_select(&one, 1, 0),
		    -ETIME);
		pod_sleep(p, TICK);
		pthread_join(thread, NULL);
		assert_int_equal(r.answer, 1);
		assert_int_equal(r.value, begin + 5 * TICK);
		rota_channel_unref(c);
	}
}

/* What comes at the last instant of a wait comes in time, in whichever order
 * the two were armed. */
static void
what_comes_at_the_end_of_a_wait_is_received(void **state)
{
	struct pod *p = *state;
	struct rota_channel *c = pod_channel(p, ROTA_HOUR, ROTA_CHANNEL_SYNC);
	unsigned turns = 0;
	struct receiver r = { p, c, 5 * TICK, .turns = &turns };
	pthread_t thread;

	assert_int_equal(rota_channel_stop(c), 1);
	receiver_begin(&r, &thread);
	assert_int_equal(rota_channel_reset(c, 5 * TICK), 0);
	pod_sleep(p, 6 * TICK);
	pthread_join(thread, NULL);
	assert_int_equal(r.answer, 1);
	assert_int_equal(r.value, 5 * TICK);
	rota_channel_unref(c);
}

/* Of several that come at one instant, while it sleeps. */
static void
a_blocked_select_takes_each_as_often(void **state)
{
	struct pod *p = *state;
	struct rota_channel *never = rota_after(p->engine, ROTA_HOUR);
	unsigned chosen[3] = { 0 };

	for (unsigned i = 0; i < 300; i++) {
		struct rota_case k[12] = { { 0 } };
		int at;

		for (unsigned n = 0; n < 12; n++)
			k[n].channel = n % 5 == 1
			    ? rota_after(p->engine, TICK) /* 1, 6, 11 */
			    : never;
		at = rota_select(k, 12, ROTA_NEVER);
		assert_true(at == 1 || at == 6 || at == 11);
		chosen[at / 5]++;
		for (unsigned n = 1; n < 12; n += 5) {
			assert_int_equal(rota_channel_poll(k[n].channel, NULL),
			    n != (unsigned)at);
			rota_channel_unref(k[n].channel);
		}
	}
	/* less likely than 1 in 10^9 by chance */
	for (unsigned i = 0; i < 3; i++)
		assert_in_range(chosen[i], 50, 155);
	rota_channel_unref(never);
}

static void
a_blocked_select_takes_a_channel_or_a_context(void **state)
{
	struct pod *p = *state;
	unsigned chosen[2] = { 0 };

	for (unsigned i = 0; i < 200; i++) {
		struct rota_context *c;
		struct rota_case k[2] = { { 0 } };
		int at;

		assert_int_equal(
		    rota_context_with_timeout(&c, p->engine, NULL, TICK), 0);
		k[i % 2].context = c;
		k[!(i % 2)].channel = rota_after(p->engine, TICK);
		at = rota_select(k, 2, ROTA_NEVER);
		assert_in_range(at, 0, 1);
		chosen[k[at].context == NULL]++;
		rota_channel_unref(k[!(i % 2)].channel);
		rota_context_unref(c);
	}
	assert_true(chosen[0] > 50 && chosen[1] > 50);
}

/* Each tick whose instant came is received, waits to be, or is missed, and for
 * good. */
static void
missed_ticks_are_counted_for_good(void **state)
{
	struct pod *p = *state;

	for (unsigned i = 0; i < 9; i++) {
		enum rota_missed policy = i % 3;
		enum rota_channel_mode m = i / 3;
		struct rota_channel *c = ticker(p, TICK, policy, m);
		bool buffer = m != ROTA_CHANNEL_SYNC;
		int64_t missed = policy == ROTA_MISSED_SKIP ? 99 : 0;

		pod_sleep(p, 100 * TICK);
		assert_int_equal(rota_ticker_missed(c), missed);
		assert_int_equal(rota_channel_stop(c), 1);
		/* with a buffer the first of them is still to be had */
		missed = (policy == ROTA_MISSED_DELAY ? 1 : 100) - buffer;
		assert_int_equal(rota_ticker_missed(c), missed);
		assert_int_equal(rota_channel_poll(c, NULL), buffer);
		assert_int_equal(rota_ticker_missed(c), missed);
		assert_int_equal(rota_ticker_reset(c, TICK), 0);
		pod_sleep(p, 10 * TICK);
		assert_int_equal(rota_ticker_missed(c),
		    missed + (policy == ROTA_MISSED_SKIP ? 9 : 0));
		rota_ticker_reset(c, TICK); /* and so by a reset */
		missed += (policy == ROTA_MISSED_DELAY ? 1 : 10) - buffer;
		assert_int_equal(rota_ticker_missed(c), missed);
		rota_channel_unref(c);
	}
}

static void
a_ticker_is_reset_to_another_period(void **state)
{
	struct pod *p = *state;
	struct rota_channel *c = ticker(
	    p, 10 * TICK, ROTA_MISSED_SKIP, ROTA_CHANNEL_SYNC);
	rota_time v = 0;

	pod_sleep(p, 15 * TICK); /* a tick waits */
	assert_int_equal(rota_ticker_reset(c, 4 * TICK), 1);
	assert_int_equal(rota_channel_poll(c, &v), 0);
	assert_int_equal(rota_channel_receive(c, &v), 1);
	assert_int_equal(v, 19 * TICK);
	assert_int_equal(rota_channel_receive(c, &v), 1);
	assert_int_equal(v, 23 * TICK);
	assert_int_equal(rota_channel_stop(c), 1);
	assert_int_equal(rota_ticker_reset(c, TICK), 0);
	assert_int_equal(rota_channel_receive(c, &v), 1);
	assert_int_equal(v, 24 * TICK);
	rota_channel_unref(c);
	c = rota_tick(p->engine, 2 * TICK);
	assert_non_null(c);
	assert_int_equal(rota_channel_receive(c, &v), 1);
	assert_int_equal(v, 26 * TICK);
	rota_channel_unref(c);
}

/* A grid that does not begin a period from now. */
static void
a_ticker_begins_when_it_is_told(void **state)
{
	struct pod *p = *state;

	pod_sleep(p, 2 * TICK);
	for (unsigned i = 0; i < 9; i++) {
		enum rota_channel_mode m = i / 3;
		enum rota_missed policy = i % 3;
		rota_time begin = pod_now(p), v = 0;
		struct rota_channel *c;

		assert_int_equal(rota_ticker_create_at(&c, p->engine,
				     begin + 3 * TICK, 10 * TICK, policy, m),
		    0);
		for (int k = 0; k < 3; k++) {
			assert_int_equal(rota_channel_receive(c, &v), 1);
			assert_int_equal(v, begin + (3 + 10 * k) * TICK);
			assert_int_equal(pod_now(p), v);
		}
		/* on another, which began before: its grid is kept */
		assert_int_equal(
		    rota_ticker_reset_at(c, begin + TICK, 4 * TICK), 1);
		assert_int_equal(rota_channel_receive(c, &v), 1);
		assert_int_equal(v, begin + TICK);
		assert_int_equal(pod_now(p), begin + 23 * TICK);
		assert_int_equal(
		    rota_ticker_missed(c), policy == ROTA_MISSED_SKIP ? 5 : 0);
		assert_int_equal(rota_channel_receive(c, &v), 1);
		assert_int_equal(v,
		    begin +
			(policy == ROTA_MISSED_SKIP           ? 25
				: policy == ROTA_MISSED_BURST ? 5
							      : 27) *
			    TICK);
		rota_channel_unref(c);
	}
	{
		static const rota_time when[] = { -TICK, INT64_MIN, INT64_MAX,
			ROTA_NEVER };
		rota_time v;

		for (unsigned i = 0; i < CM_COUNT(when); i++) {
			struct rota_channel *c;

			assert_int_equal(
			    rota_ticker_create_at(&c, p->engine, when[i],
				ROTA_HOUR, ROTA_MISSED_SKIP, ROTA_CHANNEL_SYNC),
			    0);
			v = 7;
			assert_int_equal(rota_channel_poll(c, &v), i < 2);
			assert_int_equal(v, i < 2 ? 0 : 7);
			rota_channel_unref(c);
		}
	}
}

static void
the_descriptor_shows_what_there_is(void **state)
{
	struct pod *p = *state;

	for (enum rota_channel_mode m = ROTA_CHANNEL_SYNC;
	     m <= ROTA_CHANNEL_ASYNC_LAZY; m++) {
		struct rota_channel *c = pod_channel(p, 4 * TICK, m);
		int fd = rota_channel_fd(c);

		assert_true(fd >= 0);
		assert_int_equal(rota_channel_fd(c), fd);
		assert_false(pod_readable(fd));
		pod_sleep(p, 5 * TICK);
		assert_true(pod_readable(fd));
		assert_int_equal(rota_channel_poll(c, NULL), 1);
		assert_false(pod_readable(fd));
		assert_int_equal(rota_channel_reset(c, 2 * TICK), 0);
		pod_sleep(p, 3 * TICK);
		assert_true(pod_readable(fd));
		if (m == ROTA_CHANNEL_SYNC) {
			assert_int_equal(rota_channel_stop(c), 1);
			assert_false(pod_readable(fd));
			assert_int_equal(rota_channel_reset(c, 0), 0);
			assert_true(pod_readable(fd));
			assert_int_equal(rota_channel_reset(c, TICK), 1);
			assert_false(pod_readable(fd));
		} else { /* stale, and there */
			assert_int_equal(rota_channel_stop(c), 0);
			assert_true(pod_readable(fd));
		}
		rota_channel_unref(c);
		/* made when it is due already */
		c = pod_channel(p, 0, m);
		assert_true(pod_readable(rota_channel_fd(c)));
		rota_channel_unref(c);
	}
	{
		struct rota_channel *c = ticker(
		    p, 10 * TICK, ROTA_MISSED_SKIP, ROTA_CHANNEL_SYNC);
		int fd = rota_channel_fd(c);

		for (int i = 0; i < 3; i++) {
			pod_sleep(p, 11 * TICK);
			assert_true(pod_readable(fd));
			assert_int_equal(rota_channel_poll(c, NULL), 1);
			assert_false(pod_readable(fd));
		}
		rota_channel_unref(c);
	}
}

static void
ask_inside(void *arg)
{
	struct receiver *r = arg;

	r->answer = rota_channel_receive(r->c, &r->value);
}

static void
what_cannot_be_waited_for_is_refused(void **state)
{
	struct pod *p = *state;
	struct rota_channel *c = pod_channel(p, 9 * TICK, ROTA_CHANNEL_SYNC),
			    *none;
	struct rota_channel *t = ticker(
	    p, TICK, ROTA_MISSED_SKIP, ROTA_CHANNEL_SYNC);
	struct receiver r = { p, c, 0, .answer = 7 };
	struct rota_shard *s = rota_engine_shard(p->engine, 0);

	assert_int_equal(rota_channel_create(NULL, p->engine, 1, 0), -EINVAL);
	none = c;
	assert_int_equal(rota_channel_create(&none, NULL, 1, 0), -EINVAL);
	assert_null(none);
	assert_int_equal(rota_channel_create(&none, p->engine, 1, 3), -EINVAL);
	none = c;
	assert_int_equal(
	    rota_ticker_create(&none, p->engine, 0, ROTA_MISSED_SKIP), -EINVAL);
	assert_null(none);
	assert_int_equal(
	    rota_ticker_create(&none, p->engine, -1, ROTA_MISSED_SKIP),
	    -EINVAL);
	assert_int_equal(rota_ticker_create(&none, p->engine, 1, 3), -EINVAL);
	none = c;
	assert_int_equal(rota_ticker_create_at(&none, p->engine, 0, 0,
			     ROTA_MISSED_SKIP, ROTA_CHANNEL_SYNC),
	    -EINVAL);
	assert_null(none);
	assert_int_equal(rota_ticker_create_at(NULL, p->engine, 0, 1,
			     ROTA_MISSED_SKIP, ROTA_CHANNEL_SYNC),
	    -EINVAL);
	assert_int_equal(rota_ticker_reset_at(NULL, 1, 1), -EINVAL);
	assert_int_equal(rota_ticker_reset_at(c, 1, 1), -EINVAL);
	assert_int_equal(rota_ticker_reset_at(t, 1, 0), -EINVAL);
	assert_null(rota_tick(p->engine, 0));
	assert_null(rota_tick(p->engine, -5));
	assert_int_equal(rota_channel_stop(NULL), -EINVAL);
	assert_int_equal(rota_channel_reset(NULL, 1), -EINVAL);
	assert_int_equal(rota_channel_reset(t, 1), -EINVAL);
	assert_int_equal(rota_ticker_reset(NULL, 1), -EINVAL);
	assert_int_equal(rota_ticker_reset(c, 1), -EINVAL);
	assert_int_equal(rota_ticker_reset(t, 0), -EINVAL);
	assert_int_equal(rota_ticker_missed(NULL), -EINVAL);
	assert_int_equal(rota_ticker_missed(c), -EINVAL);
	assert_int_equal(rota_channel_poll(NULL, NULL), -EINVAL);
	assert_int_equal(rota_channel_receive(NULL, NULL), -EINVAL);
	assert_int_equal(rota_channel_length(NULL), -EINVAL);
	assert_int_equal(rota_channel_capacity(NULL), -EINVAL);
	assert_int_equal(rota_channel_fd(NULL), -EINVAL);
	assert_null(rota_channel_ref(NULL));
	rota_channel_unref(NULL);

	/* in a callback */
	rota_after_func(p->engine, 0, ask_inside, &r, NULL);
	pod_sleep(p, TICK);
	assert_int_equal(r.answer, -EDEADLK);
	/* on the owner's thread */
	assert_int_equal(rota_shard_attach(s), 0);
	assert_int_equal(rota_channel_receive(c, NULL), -EDEADLK);
	assert_int_equal(rota_shard_detach(s), 0);
	/* outside */
	assert_int_equal(rota_bubble_leave(p->bubble), 0);
	assert_int_equal(rota_channel_receive(c, NULL), -EPERM);
	assert_int_equal(rota_bubble_join(p->bubble), 0);
	/* for ever */
	assert_int_equal(rota_channel_stop(c), 1);
	assert_int_equal(rota_channel_receive(c, NULL), -EDEADLK);
	rota_channel_unref(rota_channel_ref(c));
	rota_channel_unref(c);
	rota_channel_unref(t);
}

/* A poll may be dated ahead of the clock: what rings then is shown. */
static void
a_ring_ahead_of_the_clock_is_shown(void **state)
{
	struct rota_config config = { .size = sizeof(config),
		.backend = ROTA_WHEEL,
		.shards = 1,
		.clock = ROTA_CLOCK_VIRTUAL };
	struct rota_engine *e;
	struct rota_channel *c;
	int fd;

	(void)state;
	assert_int_equal(rota_engine_create(&e, &config), 0);
	assert_int_equal(rota_shard_attach(rota_engine_shard(e, 0)), 0);
	assert_int_equal(
	    rota_channel_create(&c, e, 5 * TICK, ROTA_CHANNEL_SYNC), 0);
	fd = rota_channel_fd(c);
	rota_shard_poll(rota_engine_shard(e, 0), 10 * TICK, 0);
	assert_true(pod_readable(fd));
	rota_channel_unref(c);
	assert_int_equal(rota_engine_destroy(e, ROTA_REFUSE), 0);
}

/* An engine for few timers, on a clock that the test moves, as its owner. */
struct few {
	struct rota_engine *e;
	struct rota_shard *s;
	rota_handle taken;
};

static void
nothing(void *arg)
{
	(void)arg;
}

static void
few_open(struct few *f, enum rota_backend backend, uint64_t timers)
{
	struct rota_config config = { .size = sizeof(config),
		.backend = backend,
		.shards = 1,
		.clock = ROTA_CLOCK_VIRTUAL,
		.max_timers = timers };

	assert_int_equal(rota_engine_create(&f->e, &config), 0);
	f->s = rota_engine_shard(f->e, 0);
	assert_int_equal(rota_shard_attach(f->s), 0);
}

/* Takes a place if one is left. */
static int
few_take(struct few *f)
{
	return rota_after_func(f->e, ROTA_HOUR, nothing, NULL, &f->taken);
}

static void
few_give(struct few *f)
{
	assert_int_equal(rota_handle_stop(f->e, f->taken), ROTA_PREVENTED);
}

/* On by @span, with the polls that it asks for. */
static void
few_go(struct few *f, rota_span span)
{
	assert_int_equal(rota_engine_advance(f->e, span), 0);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(
		    rota_shard_poll(f->s, rota_engine_now(f->e), 0), 0);
}

static void
few_close(struct few *f)
{
	few_go(f, 0);
	assert_int_equal(rota_engine_destroy(f->e, ROTA_REFUSE), 0);
}

static void *
receive_for_ever(void *arg)
{
	struct receiver *r = arg;
	int answer = rota_channel_receive(r->c, &r->value);

	__atomic_store_n(&r->answer, answer, __ATOMIC_RELEASE);
	return NULL;
}

/* Begin a receive outside of a bubble; it is in the list when this returns. */
static void
waiter_begin(struct receiver *r, pthread_t *thread)
{
	struct wait_list *l = &r->c->waiters;
	unsigned before = 0, n = 0;

	lock_take(&r->c->lock, LOCK_SOURCE);
	for (struct wait_node *w = l->first; w; w = w->next)
		before++;
	lock_give(&r->c->lock);
	assert_int_equal(pthread_create(thread, NULL, receive_for_ever, r), 0);
	do {
		lock_take(&r->c->lock, LOCK_SOURCE);
		n = 0;
		for (struct wait_node *w = l->first; w; w = w->next)
			n++;
		lock_give(&r->c->lock);
		sched_yield();
	} while (n == before && !__atomic_load_n(&r->answer, __ATOMIC_ACQUIRE));
}

/* One timer is enough for all that wait: it goes from tick to tick. */
static void
one_timer_is_enough_for_all_that_wait(void **state)
{
	for (unsigned b = 0; b < 3; b++) {
		struct receiver r[3] = { { 0 } };
		struct rota_channel *c;
		pthread_t thread[3];
		struct few f;

		(void)state;
		few_open(&f, pod_backends[b], 1);
		assert_int_equal(
		    rota_ticker_create(&c, f.e, 10 * TICK, ROTA_MISSED_SKIP),
		    0);
		for (unsigned i = 0; i < 3; i++) {
			r[i].c = c;
			waiter_begin(&r[i], &thread[i]);
		}
		for (unsigned i = 0; i < 3; i++) {
			few_go(&f, 10 * TICK);
			pthread_join(thread[i], NULL);
			assert_int_equal(r[i].answer, 1);
			assert_int_equal(r[i].value, (i + 1) * 10 * TICK);
		}
		rota_channel_unref(c);
		few_close(&f);
	}
}

/* Told with the number that says why, in whichever call. */
static void
who_finds_no_timer_is_told_why(void **state)
{
	for (unsigned b = 0; b < 3; b++) {
		struct receiver r = { 0 };
		pthread_t thread;
		struct few f;

		(void)state;
		few_open(&f, pod_backends[b], 1);
		assert_int_equal(
		    rota_channel_create(&r.c, f.e, TICK, ROTA_CHANNEL_SYNC), 0);
		assert_int_equal(rota_channel_stop(r.c), 1);
		assert_int_equal(few_take(&f), 0);
		waiter_begin(&r, &thread);
		assert_int_equal(rota_channel_reset(r.c, TICK), -ENOSPC);
		pthread_join(thread, NULL);
		assert_int_equal(r.answer, -ENOSPC);
		r.answer = 0;
		waiter_begin(&r, &thread);
		pthread_join(thread, NULL);
		assert_int_equal(r.answer, -ENOSPC);
		few_give(&f);
		few_go(&f, TICK);
		assert_int_equal(rota_channel_poll(r.c, NULL), 1);
		rota_channel_unref(r.c);
		few_close(&f);
	}
}

/* The first in the list has what it waited for from elsewhere, and has not
 * left the list yet. */
static void
who_waits_behind_one_that_leaves_is_told_why(void **state)
{
	(void)state;
	for (unsigned b = 0; b < 3; b++) {
		struct receiver r = { 0 };
		struct wait_node node;
		struct waiter first;
		pthread_t thread;
		struct few f;

		few_open(&f, pod_backends[b], 1);
		assert_int_equal(
		    rota_channel_create(&r.c, f.e, TICK, ROTA_CHANNEL_SYNC), 0);
		assert_int_equal(rota_channel_stop(r.c), 1);
		assert_int_equal(few_take(&f), 0);
		assert_int_equal(rota_shard_detach(f.s), 0);
		assert_int_equal(
		    rota__waiter_init(&first, r.c->layer, NULL), 0);
		assert_int_equal(rota_shard_attach(f.s), 0);
		lock_take(&r.c->lock, LOCK_SOURCE);
		rota__wait_list_add(&r.c->waiters, &node, &first, WAIT_CASE);
		lock_give(&r.c->lock);
		assert_true(rota__waiter_claim(&first, WAIT_CASE + 1));
		waiter_begin(&r, &thread);
		assert_int_equal(rota_channel_reset(r.c, TICK), -ENOSPC);
		pthread_join(thread, NULL);
		assert_int_equal(r.answer, -ENOSPC);
		assert_int_equal(first.taken, WAIT_CASE + 1);
		rota__waiter_destroy(&first);
		few_give(&f);
		assert_int_equal(rota_channel_stop(r.c), 1);
		rota_channel_unref(r.c);
		few_close(&f);
	}
}

/* What a channel was given to ring with it keeps for as long as it goes on: a
 * descriptor, and a buffer, never go silent for want of a timer. */
static void
what_shows_goes_on_where_no_timer_is_left(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3 * 3 * 3; i++) {
		enum rota_missed policy = i % 3;
		enum rota_channel_mode m = i / 3 % 3;
		struct rota_channel *c;
		struct few f;
		int fd = -1;

		few_open(&f, pod_backends[i / 9], 1);
		assert_int_equal(
		    rota_ticker_create_mode(&c, f.e, 10 * TICK, policy, m), 0);
		if (m != ROTA_CHANNEL_ASYNC)
			fd = rota_channel_fd(c);
		for (unsigned k = 0; k < 5; k++) {
			few_go(&f, 10 * TICK);
			assert_int_equal(few_take(&f), -ENOSPC);
			if (fd >= 0)
				assert_true(pod_readable(fd));
			else
				assert_true(c->full);
			assert_int_equal(rota_channel_poll(c, NULL), 1);
			assert_int_equal(few_take(&f), -ENOSPC);
			if (fd >= 0)
				assert_false(pod_readable(fd));
		}
		/* stopped it has no use for one */
		assert_int_equal(rota_channel_stop(c), 1);
		assert_int_equal(few_take(&f), 0);
		assert_int_equal(rota_ticker_reset(c, 10 * TICK), -ENOSPC);
		few_give(&f);
		assert_int_equal(rota_ticker_reset(c, 10 * TICK), 1);
		rota_channel_unref(c);
		few_close(&f);
	}
}

/* Where a timer cannot be had for those that go on waiting they are told; that
 * the test ends is what it asks. */
static void
who_waits_where_no_timer_is_left_is_told(void **state)
{
	struct rota_config config = { .size = sizeof(config),
		.backend = ROTA_HEAP,
		.shards = 1,
		.flags = ROTA_DRIVERS,
		.max_timers = 1 };
	struct receiver r[2] = { { 0 } };
	pthread_t thread[2];
	struct rota_engine *e;
	struct rota_channel *c;

	(void)state;
	assert_int_equal(rota_engine_create(&e, &config), 0);
	assert_int_equal(
	    rota_ticker_create(&c, e, 300 * ROTA_MILLISECOND, ROTA_MISSED_SKIP),
	    0);
	for (unsigned i = 0; i < 2; i++) {
		r[i].c = c;
		assert_int_equal(
		    pthread_create(&thread[i], NULL, receive_for_ever, &r[i]),
		    0);
	}
	for (unsigned i = 0; i < 2; i++) {
		pthread_join(thread[i], NULL);
		assert_true(r[i].answer == 1 || r[i].answer == -ENOMEM ||
		    r[i].answer == -ENOSPC);
	}
	assert_true(r[0].answer == 1 || r[1].answer == 1);
	rota_channel_unref(c);
	assert_true(rota_engine_destroy(e, ROTA_DROP) >= 0);
}

/* Its arming moves to a shard whose polls are dated ahead of the clock. */
static void
a_ring_of_a_shard_that_retired_is_heard(void **state)
{
	struct rota_config config = {
		.size = sizeof(config),
		.shards = 2,
		.clock = ROTA_CLOCK_VIRTUAL,
	};
	struct rota_shard *from, *to;
	struct rota_engine *e;
	struct rota_stats s = { 0 };
	struct receiver r = { 0 };
	pthread_t thread;

	(void)state;
	assert_int_equal(rota_engine_create(&e, &config), 0);
	assert_int_equal(
	    rota_channel_create(&r.c, e, 1000, ROTA_CHANNEL_SYNC), 0);
	assert_int_equal(
	    pthread_create(&thread, NULL, receive_for_ever, &r), 0);
	while (!s.live)
		assert_int_equal(rota_engine_stat(e, &s), 0);
	from = rota_engine_shard(e, 0);
	to = rota_engine_shard(e, 1);
	assert_int_equal(rota_shard_stat(from, &s), 0);
	if (!s.live) {
		to = from;
		from = rota_engine_shard(e, 1);
	}
	assert_int_equal(rota_shard_retire(from, to), 0);
	assert_int_equal(rota_shard_attach(to), 0);
	assert_int_equal(rota_shard_poll(to, 1000, 0), 0);
	pthread_join(thread, NULL);
	assert_int_equal(r.answer, 1);
	rota_channel_unref(r.c);
	assert_int_equal(rota_engine_destroy(e, ROTA_REFUSE), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		POD(a_value_comes_at_its_instant_once),
		POD(what_is_due_is_received_without_waiting),
		POD(after_a_stop_nothing_comes),
		POD(after_a_reset_nothing_from_before_comes),
		POD(length_and_capacity_are_0),
		POD(one_that_nobody_waits_on_is_filed_nowhere),
		POD(a_stop_keeps_it_from_those_that_wait),
		POD(of_several_that_wait_the_first_gets_it),
		POD(asynchronous_ones_keep_what_is_stale),
		POD(ticks_stay_on_their_grid),
		POD(missed_ticks_are_brought_or_delayed_as_asked),
		POD(who_came_first_is_served_first),
		POD(what_comes_at_the_end_of_a_wait_is_received),
		POD(a_blocked_select_takes_each_as_often),
		POD_EXACT(a_blocked_select_takes_a_channel_or_a_context),
		POD(missed_ticks_are_counted_for_good),
		POD(a_ticker_is_reset_to_another_period),
		POD(a_ticker_begins_when_it_is_told),
		POD(the_descriptor_shows_what_there_is),
		POD(what_cannot_be_waited_for_is_refused),
		cmocka_unit_test(one_timer_is_enough_for_all_that_wait),
		cmocka_unit_test(who_finds_no_timer_is_told_why),
		cmocka_unit_test(who_waits_behind_one_that_leaves_is_told_why),
		cmocka_unit_test(what_shows_goes_on_where_no_timer_is_left),
		cmocka_unit_test(a_ring_ahead_of_the_clock_is_shown),
		cmocka_unit_test(a_ring_of_a_shard_that_retired_is_heard),
		cmocka_unit_test(who_waits_where_no_timer_is_left_is_told),
	};

	return cmocka_run_group_tests_name("channel", tests, NULL, NULL);
}
