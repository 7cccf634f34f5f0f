/* SPDX-License-Identifier: MIT
 *
 * select_test.c - api/wait/select.c: wait for the first of several.
 * Claims: a channel or a context may stand in several cases, and brings one
 * value; thousands of cases are left again; a select that finds no timer leaves
 * nothing behind; what is due at the instant at which a wait ends has come.
 * Rows     G4 G15
 */
#include <errno.h>

#include "tests/support/pod.h"

/* Before a select and in its sleep. */
static void
a_channel_in_several_cases_brings_one_value(void **state)
{
	struct pod *p = *state;
	struct rota_channel *c = pod_channel(p, 0, ROTA_CHANNEL_SYNC);
	struct rota_channel *other = pod_channel(
	    p, ROTA_HOUR, ROTA_CHANNEL_SYNC);

	for (rota_span d = 0; d < 20 * TICK; d += TICK) {
		struct rota_case k[] = { { .channel = c }, { .channel = other },
			{ .channel = c }, { .channel = c }, { 0 } };
		rota_time due = pod_now(p) + d;
		int at;

		assert_in_range(rota_channel_reset(c, d), 0, 1);
		at = rota_select(k, 5, ROTA_NEVER);
		assert_true(at == 0 || at == 2 || at == 3);
		assert_int_equal(k[at].value, due);
		assert_int_equal(pod_now(p), due);
		assert_int_equal(rota_channel_poll(c, NULL), 0);
		assert_int_equal(rota_select(k, 5, due + TICK), -ETIME);
		assert_int_equal(pod_armed(p), 0);
	}
	assert_int_equal(rota_channel_stop(other), 1);
	rota_channel_unref(c);
	rota_channel_unref(other);
}

static void
a_context_in_several_cases_ends_the_wait(void **state)
{
	struct pod *p = *state;
	unsigned chosen[4] = { 0 };

	for (unsigned i = 0; i < 200; i++) {
		struct rota_channel *c = pod_channel(p, ROTA_HOUR, 0);
		struct rota_context *done;
		struct rota_case k[4] = { { .channel = c } };
		int at;

		assert_int_equal(
		    rota_context_with_timeout(&done, p->engine, NULL, TICK), 0);
		for (unsigned n = 1; n < 4; n++)
			k[n].context = done;
		at = rota_select(k, 4, ROTA_NEVER);
		assert_in_range(at, 1, 3);
		chosen[at]++;
		assert_int_equal(rota_context_err(done), -ETIME);
		assert_in_range(rota_select(k, 4, 0), 1, 3);
		rota_context_unref(done);
		rota_channel_unref(c);
		assert_int_equal(pod_armed(p), 0);
	}
	/* Less likely than 1 in 10^9 by chance. */
	for (unsigned n = 1; n < 4; n++)
		assert_true(chosen[n] > 20);
}

enum { THOUSANDS = 5000 };

static void
thousands_of_cases_are_left_again(void **state)
{
	struct pod *p = *state;
	struct rota_case *k = calloc(THOUSANDS, sizeof(*k));
	struct rota_context *end;
	unsigned left = 0;
	int at;

	assert_non_null(k);
	assert_int_equal(
	    rota_context_with_timeout(&end, p->engine, NULL, 9 * TICK), 0);
	for (unsigned i = 0; i < THOUSANDS; i++) {
		if (i % 3)
			k[i].channel = pod_channel(
			    p, i == 3331 ? TICK : ROTA_HOUR, i % 3);
		else
			k[i].context = end;
	}
	at = rota_select(k, THOUSANDS, ROTA_NEVER);
	assert_int_equal(at, 3331);
	assert_int_equal(k[at].value, TICK);
	assert_int_equal(rota_select(k, THOUSANDS, 2 * TICK), -ETIME);
	at = rota_select(k, THOUSANDS, ROTA_NEVER);
	assert_int_equal(at % 3, 0);
	assert_int_equal(pod_now(p), 9 * TICK);
	/* all are ready; then each that is taken is not */
	pod_sleep(p, 2 * ROTA_HOUR);
	for (unsigned i = 0; i < 50; i++) {
		at = rota_select(k, THOUSANDS, 0);
		assert_in_range(at, 0, THOUSANDS - 1);
		if (k[at].channel)
			assert_int_equal(
			    rota_channel_poll(k[at].channel, NULL), 0);
	}
	for (unsigned i = 0; i < THOUSANDS; i++) {
		left += k[i].channel && rota_channel_poll(k[i].channel, NULL);
		rota_channel_unref(k[i].channel);
	}
	assert_in_range(left, THOUSANDS * 2 / 3 - 51, THOUSANDS * 2 / 3);
	rota_context_unref(end);
	assert_int_equal(pod_armed(p), 0);
	free(k);
}

/*
 * No timer is to be had.
 */

enum { FEW = 6 };

struct few {
	struct rota_engine *e;
	struct rota_shard *s;
	struct rota_case k[FEW + 1];
	rota_time until;
	int answer;
};

static void
nothing(void *arg)
{
	(void)arg;
}

/* How many timers can be armed. */
static unsigned
room(struct few *f)
{
	rota_handle h[FEW + 1];
	unsigned n = 0;

	while (
	    n <= FEW && !rota_after_func(f->e, ROTA_HOUR, nothing, NULL, &h[n]))
		n++;
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(rota_handle_stop(f->e, h[i]), ROTA_PREVENTED);
	return n;
}

static void
settle(struct few *f)
{
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(
		    rota_shard_poll(f->s, rota_engine_now(f->e), 0), 0);
}

static void *
select_all(void *arg)
{
	struct few *f = arg;

	f->answer = rota_select(f->k, FEW + 1, f->until);
	return NULL;
}

/* With room for fewer timers than it needs: one for each channel, and for its
 * end. */
static void
a_select_without_a_timer_leaves_nothing_behind(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3 * FEW; i++) {
		unsigned timers = 1 + i / 3;
		struct rota_config config = { .size = sizeof(config),
			.backend = pod_backends[i % 3],
			.shards = 1,
			.clock = ROTA_CLOCK_VIRTUAL,
			.max_timers = timers };
		struct few f = { .until = ROTA_HOUR };
		pthread_t thread;

		assert_int_equal(rota_engine_create(&f.e, &config), 0);
		f.s = rota_engine_shard(f.e, 0);
		assert_int_equal(rota_shard_attach(f.s), 0);
		assert_int_equal(
		    rota_context_create(&f.k[FEW].context, f.e, NULL), 0);
		for (unsigned n = 0; n < FEW; n++)
			assert_int_equal(rota_channel_create(&f.k[n].channel,
					     f.e, TICK, ROTA_CHANNEL_SYNC),
			    0);
		assert_int_equal(room(&f), timers);
		settle(&f);
		for (unsigned again = 0; again < 3; again++) {
			assert_int_equal(
			    pthread_create(&thread, NULL, select_all, &f), 0);
			pthread_join(thread, NULL);
			assert_int_equal(f.answer, -ENOSPC);
			settle(&f);
			assert_int_equal(rota_shard_armed(f.s, ROTA_NEVER), 0);
		}
		assert_int_equal(room(&f), timers);
		settle(&f);
		/* none of them has a waiter: each value is still there */
		assert_int_equal(rota_engine_advance(f.e, TICK), 0);
		settle(&f);
		for (unsigned n = 0; n < FEW; n++) {
			rota_time at = 0;

			assert_int_equal(
			    rota_channel_poll(f.k[n].channel, &at), 1);
			assert_int_equal(at, TICK);
			assert_int_equal(
			    rota_channel_poll(f.k[n].channel, &at), 0);
			rota_channel_unref(f.k[n].channel);
		}
		assert_int_equal(rota_context_cancel(f.k[FEW].context, 0), 1);
		rota_context_unref(f.k[FEW].context);
		assert_int_equal(rota_engine_destroy(f.e, ROTA_REFUSE), 0);
	}
}

/*
 * Ties.
 */

/* A channel and the end of the wait at one instant: it has come. */
static void
what_comes_at_the_end_of_a_wait_has_come(void **state)
{
	static const enum rota_channel_mode modes[] = { ROTA_CHANNEL_SYNC,
		ROTA_CHANNEL_ASYNC, ROTA_CHANNEL_ASYNC_LAZY };
	struct pod *p = *state;

	for (rota_span d = 0; d < ROTA_SECOND; d = d * 3 + 1) {
		for (unsigned i = 0; i < 9; i++) {
			rota_time due = pod_now(p) + d, at = 0;
			struct rota_channel *c = pod_channel(
			    p, d, modes[i % 3]);
			struct rota_case k[2] = { { 0 }, { .channel = c } };

			if (i / 3 == 0) {
				assert_int_equal(
				    rota_channel_receive_until(c, due, &at), 1);
			} else if (i / 3 == 1) {
				assert_int_equal(rota_select(k, 2, due), 1);
				at = k[1].value;
			} else { /* it is over when the call begins */
				while (pod_now(p) < due)
					pod_sleep(p, due - pod_now(p));
				assert_int_equal(rota_select(k, 2, 1), 1);
				at = k[1].value;
			}
			assert_int_equal(at, due);
			assert_int_equal(rota_select(k, 2, 1), -ETIME);
			rota_channel_unref(c);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		POD(a_channel_in_several_cases_brings_one_value),
		POD(a_context_in_several_cases_ends_the_wait),
		POD(thousands_of_cases_are_left_again),
		cmocka_unit_test(
		    a_select_without_a_timer_leaves_nothing_behind),
		POD(what_comes_at_the_end_of_a_wait_has_come),
	};

	return cmocka_run_group_tests_name("select", tests, NULL, NULL);
}
