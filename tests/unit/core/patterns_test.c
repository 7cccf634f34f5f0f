/* SPDX-License-Identifier: MIT
 *
 * patterns_test.c - the ways in which people have got Go's timers wrong, each
 * a deadlock or a race there before 1.23, as rota answers to them.
 * Claims: a reset needs no drain before it and leaves nothing stale; a drain
 * that is one too many does not block; a timer may be used again and again
 * without knowing how the last use ended; of two that stop at once one is
 * told that it did; waiting for a function that was too late to stop ends;
 * and the same programs on an asynchronous channel show the old faults.
 * Rows     G2 G3 G7 G8
 */
#include <errno.h>
#include <stdbool.h>

#include "tests/support/pod.h"

/* NewTimer(1), Reset(100 ms), <-C: which of the two was it? And the Stop after
 * it that says no, with the drain that this was thought to ask for. */
static void
a_reset_of_one_that_has_fired(void **state)
{
	struct pod *p = *state;
	rota_time v = 0;

	for (enum rota_channel_mode m = ROTA_CHANNEL_SYNC;
	     m <= ROTA_CHANNEL_ASYNC_LAZY; m++) {
		rota_time begin = pod_now(p);
		struct rota_channel *c = pod_channel(p, TICK, m);
		bool stale = m != ROTA_CHANNEL_SYNC;

		pod_sleep(p, 5 * TICK);
		assert_int_equal(rota_channel_reset(c, 100 * TICK), !stale);
		assert_int_equal(rota_channel_receive(c, &v), 1);
		assert_int_equal(v, begin + (stale ? 1 : 105) * TICK);
		/* stale: the real one is still to come */
		assert_int_equal(rota_channel_stop(c), stale);
		assert_int_equal(rota_channel_poll(c, &v), 0);
		rota_channel_unref(c);
	}
}

/* Send within a second, or give up; then leave the timer fit for the next use
 * however that ended. Go's answer took a flowchart. */
static void
one_used_again_and_again(void **state)
{
	struct pod *p = *state;
	struct rota_channel *timeout = pod_channel(p, 0, ROTA_CHANNEL_SYNC);

	for (unsigned i = 0; i < 50; i++) {
		rota_time begin = pod_now(p);
		struct rota_channel *answer = rota_after(
		    p->engine, (1 + i % 5) * TICK);
		struct rota_case k[] = { { .channel = answer },
			{ .channel = timeout } };
		int at;

		rota_channel_reset(timeout, 3 * TICK); /* whatever it was */
		if (i % 3 == 0)
			pod_sleep(p, 10 * TICK); /* both have come */
		at = rota_select(k, 2, ROTA_NEVER);
		if (i % 3 == 0) {
			assert_in_range(at, 0, 1);
		} else if (i % 5 != 2) { /* then both at once */
			assert_int_equal(at, i % 5 > 2);
		}
		assert_int_equal(k[at].value,
		    begin + (at ? 3 : 1 + (rota_span)(i % 5)) * TICK);
		rota_channel_unref(answer);
	}
	rota_channel_unref(timeout);
}

/* An event comes now and then; each puts the alarm off. The stop that says no,
 * and the drain after it, were the place where this hung. */
static void
an_alarm_put_off_by_events(void **state)
{
	struct pod *p = *state;
	struct rota_channel *alarm = pod_channel(
	    p, 10 * TICK, ROTA_CHANNEL_SYNC);
	struct rota_channel *event;
	unsigned alarms = 0;

	assert_int_equal(
	    rota_ticker_create(&event, p->engine, 7 * TICK, ROTA_MISSED_SKIP),
	    0);
	for (unsigned i = 0; i < 40; i++) {
		struct rota_case k[] = { { .channel = event },
			{ .channel = alarm } };
		int at = rota_select(k, 2, ROTA_NEVER);

		assert_in_range(at, 0, 1);
		if (at == 1) {
			alarms++;
			continue; /* received: the next event arms it again */
		}
		if (i % 4 == 0) /* work: the alarm comes due meanwhile */
			pod_sleep(p, 12 * TICK);
		if (!rota_channel_stop(alarm))
			assert_int_equal(rota_channel_poll(alarm, NULL), 0);
		assert_int_equal(rota_channel_reset(alarm, 10 * TICK), 0);
	}
	assert_in_range(alarms, 0, 20); /* as chance has it: both were due */
	rota_channel_unref(event);
	rota_channel_unref(alarm);
}

struct stopper {
	struct rota_channel *c;
	int answer, drained;
};

static void *
stop_and_drain(void *arg)
{
	struct stopper *s = arg;

	s->answer = rota_channel_stop(s->c);
	if (!s->answer)
		s->drained = rota_channel_poll(s->c, NULL);
	return NULL;
}

static void
two_that_stop_at_once(void **state)
{
	struct pod *p = *state;

	for (unsigned i = 0; i < 200; i++) {
		struct rota_channel *c = pod_channel(
		    p, i % 2 ? 0 : ROTA_HOUR, ROTA_CHANNEL_SYNC);
		struct stopper s[2] = { { .c = c }, { .c = c } };
		pthread_t thread[2];

		for (unsigned k = 0; k < 2; k++)
			assert_int_equal(rota_bubble_thread(p->bubble,
					     &thread[k], stop_and_drain, &s[k]),
			    0);
		pthread_join(thread[0], NULL);
		pthread_join(thread[1], NULL);
		assert_int_equal(s[0].answer + s[1].answer, 1);
		assert_int_equal(s[0].drained + s[1].drained, 0);
		rota_channel_unref(c);
	}
}

struct late {
	struct pod *p;
	struct rota_context *done;
	unsigned runs;
};

static void
work(void *arg)
{
	struct late *l = arg;

	l->runs++;
	rota_sleep(l->p->engine, 5 * TICK, NULL);
	rota_context_cancel(l->done, 0);
}

/* AfterFunc's stop says too late: wait for the function's end, if it runs. */
static void
a_function_that_is_too_late_to_stop(void **state)
{
	struct pod *p = *state;
	struct rota_executor *x;

	assert_int_equal(rota_executor_create(&x, p->engine, 1, 4), 0);
	for (unsigned late = 0; late < 2; late++) {
		rota_time begin = pod_now(p);
		struct late l = { .p = p };
		rota_job job;
		int r;

		assert_int_equal(
		    rota_context_create(&l.done, p->engine, NULL), 0);
		assert_int_equal(
		    rota_executor_after_func(x, 2 * TICK, work, &l, &job), 0);
		pod_sleep(p, late ? 3 * TICK : TICK);
		r = rota_executor_stop(x, job);
		assert_int_equal(r, late ? ROTA_RUNNING : ROTA_PREVENTED);
		if (r == ROTA_RUNNING) {
			assert_int_equal(
			    rota_context_wait(l.done, ROTA_NEVER), 0);
			assert_int_equal(pod_now(p), begin + 7 * TICK);
		}
		assert_int_equal(l.runs, late);
		rota_context_cancel(l.done, 0);
		rota_context_unref(l.done);
	}
	assert_int_equal(rota_executor_destroy(x), 0);
}

/* Many that are due at once, overflow at both ends: Go's own regressions. */
static void
no_span_is_too_short_or_too_long(void **state)
{
	struct pod *p = *state;
	struct rota_channel *c = pod_channel(p, ROTA_HOUR, ROTA_CHANNEL_SYNC);

	for (unsigned i = 0; i < 100000; i++) {
		assert_int_equal(rota_channel_reset(c, 0), i == 0);
		assert_int_equal(rota_channel_receive(c, NULL), 1);
	}
	assert_int_equal(rota_channel_reset(c, INT64_MIN), 0);
	assert_int_equal(rota_channel_receive(c, NULL), 1);
	assert_int_equal(rota_channel_reset(c, INT64_MAX), 0);
	assert_int_equal(
	    rota_channel_receive_until(c, pod_now(p) + ROTA_HOUR, NULL),
	    -ETIME);
	assert_int_equal(rota_channel_stop(c), 1);
	rota_channel_unref(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		POD(a_reset_of_one_that_has_fired),
		POD(one_used_again_and_again),
		POD(an_alarm_put_off_by_events),
		POD(two_that_stop_at_once),
		POD(a_function_that_is_too_late_to_stop),
		POD(no_span_is_too_short_or_too_long),
	};

	return cmocka_run_group_tests_name("patterns", tests, NULL, NULL);
}
