/* SPDX-License-Identifier: MIT
 *
 * context_test.c - api/wait/context.c, and api/wait/select.c over contexts.
 * Claims: a context is done once, by the first of a cancel, its deadline and
 * its parent, and then for ever; its children are, whatever they have; the
 * earliest deadline of a line counts; its timer goes with it; who waits on it
 * or selects is woken, and finds all below done, however many; a deadline
 * with many below does its work in slices; a deadline has a cause; a function
 * runs once after an end, or was stopped; the order in which a tree is given
 * back does not matter; what was never cancelled is named with its line, and
 * what was not given back is counted; a deadline that has passed has one answer
 * for all that ask, though its timer has not fired.
 * Rows     G4 G6 G15 G18
 */
#define _POSIX_C_SOURCE 200809L /* clock_gettime */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tests/support/pod.h"

static struct rota_context *
context(struct pod *p, struct rota_context *parent, rota_span span)
{
	struct rota_context *c;

	if (span == ROTA_NEVER)
		assert_int_equal(rota_context_create(&c, p->engine, parent), 0);
	else
		assert_int_equal(
		    rota_context_with_timeout(&c, p->engine, parent, span), 0);
	return c;
}

static void
drop(struct rota_context *c)
{
	rota_context_cancel(c, 0);
	rota_context_unref(c);
}

static void
count(void *arg)
{
	(*(unsigned *)arg)++;
}

static void
it_is_done_once(void **state)
{
	struct pod *p = *state;
	struct rota_context *c = context(p, NULL, ROTA_NEVER);

	assert_int_equal(rota_context_err(c), 0);
	assert_int_equal(rota_context_cause(c), 0);
	assert_int_equal(rota_context_deadline(c), ROTA_NEVER);
	assert_int_equal(rota_context_wait(c, 3 * TICK), -ETIME);
	assert_int_equal(pod_now(p), 3 * TICK);
	assert_int_equal(rota_context_cancel(c, 42), 1);
	assert_int_equal(rota_context_cancel(c, 43), 0);
	assert_int_equal(rota_context_err(c), -ECANCELED);
	assert_int_equal(rota_context_cause(c), 42);
	assert_int_equal(rota_context_wait(c, ROTA_NEVER), 0);
	assert_int_equal(rota_context_wait(c, 0), 0);
	rota_context_unref(c);
	c = context(p, NULL, ROTA_NEVER);
	assert_int_equal(rota_context_cancel(c, 0), 1);
	assert_int_equal(rota_context_cause(c), -ECANCELED);
	rota_context_unref(c);
}

static void
it_ends_at_its_deadline(void **state)
{
	struct pod *p = *state;
	struct rota_context *c = context(p, NULL, 5 * TICK);

	assert_int_equal(rota_context_deadline(c), 5 * TICK);
	assert_int_equal(pod_armed(p), 1);
	pod_sleep(p, 4 * TICK);
	assert_int_equal(rota_context_err(c), 0);
	assert_int_equal(rota_context_wait(c, ROTA_NEVER), 0);
	assert_int_equal(pod_now(p), 5 * TICK);
	assert_int_equal(rota_context_err(c), -ETIME);
	assert_int_equal(rota_context_cause(c), -ETIME);
	assert_int_equal(rota_context_cancel(c, 9), 0);
	assert_int_equal(rota_context_err(c), -ETIME);
	assert_int_equal(pod_armed(p), 0);
	rota_context_unref(c);
	/* cancelled before: no timer is left */
	c = context(p, NULL, 5 * TICK);
	assert_int_equal(pod_armed(p), 1);
	assert_int_equal(rota_context_cancel(c, 0), 1);
	assert_int_equal(pod_armed(p), 0);
	rota_context_unref(c);
	/* given back undone: nor is one */
	c = context(p, NULL, 5 * TICK);
	rota_context_unref(c);
	assert_int_equal(pod_armed(p), 0);
}

static void
a_deadline_that_has_passed_is_met_at_once(void **state)
{
	static const rota_span spans[] = { 0, -1, INT64_MIN };
	struct pod *p = *state;

	pod_sleep(p, TICK);
	for (unsigned i = 0; i < CM_COUNT(spans); i++) {
		struct rota_context *c = context(p, NULL, spans[i]);
		struct rota_context *child = context(p, c, ROTA_NEVER);

		assert_int_equal(rota_context_err(c), -ETIME);
		assert_int_equal(rota_context_err(child), -ETIME);
		rota_context_unref(c);
		rota_context_unref(child);
	}
	/* and it has done its work, though nobody has asked */
	for (unsigned i = 0; i < CM_COUNT(spans); i++) {
		struct rota_context *c = context(p, NULL, spans[i]);
		unsigned ran = 0;

		assert_int_equal(
		    rota_context_after_func(NULL, c, count, &ran), 0);
		assert_int_equal(rota_bubble_wait(p->bubble), 0);
		assert_int_equal(ran, 1);
		rota_context_unref(c);
	}
	assert_int_equal(pod_armed(p), 0);
}

static void
a_parents_earlier_deadline_wins(void **state)
{
	struct pod *p = *state;
	struct rota_context *a = context(p, NULL, 5 * TICK);
	struct rota_context *b = context(p, a, 9 * TICK);
	struct rota_context *c = context(p, b, ROTA_NEVER);
	struct rota_context *d = context(p, c, 2 * TICK);

	assert_int_equal(pod_armed(p), 2); /* b and c need none */
	assert_int_equal(rota_context_deadline(b), 5 * TICK);
	assert_int_equal(rota_context_deadline(c), 5 * TICK);
	assert_int_equal(rota_context_deadline(d), 2 * TICK);
	pod_sleep(p, 3 * TICK);
	assert_int_equal(rota_context_err(d), -ETIME);
	assert_int_equal(rota_context_err(c), 0);
	pod_sleep(p, 2 * TICK + TICK / 2);
	assert_int_equal(rota_context_err(a), -ETIME);
	assert_int_equal(rota_context_err(b), -ETIME);
	assert_int_equal(rota_context_err(c), -ETIME);
	rota_context_unref(a);
	rota_context_unref(b);
	rota_context_unref(c);
	rota_context_unref(d);
}

enum { WIDE = 5, DEEP = 4, ALL = 1 + 5 + 25 + 125 };

/* A tree, by breadth: the parent of i is (i - 1) / WIDE. */
static void
a_cancel_reaches_all_below_and_none_beside(void **state)
{
	struct pod *p = *state;
	struct rota_context *c[ALL];

	for (unsigned at = 0; at < ALL; at += 7) {
		for (unsigned i = 0; i < ALL; i++)
			c[i] = context(p, i ? c[(i - 1) / WIDE] : NULL,
			    i % 3 ? ROTA_NEVER : 100 * TICK);
		assert_int_equal(rota_context_cancel(c[at], 7), 1);
		for (unsigned i = 0; i < ALL; i++) {
			unsigned up = i;

			while (up > at)
				up = (up - 1) / WIDE;
			assert_int_equal(
			    rota_context_err(c[i]), up == at ? -ECANCELED : 0);
			assert_int_equal(
			    rota_context_cause(c[i]), up == at ? 7 : 0);
		}
		/* given back in an order that is neither */
		for (unsigned i = 0; i < ALL; i++)
			drop(c[i * 11 % ALL]);
		assert_int_equal(pod_armed(p), 0);
	}
}

static void
a_child_outlives_its_parents_user(void **state)
{
	struct pod *p = *state;
	struct rota_context *a = context(p, NULL, 5 * TICK);
	struct rota_context *b = context(p, a, ROTA_NEVER);

	rota_context_unref(a);
	assert_int_equal(rota_context_err(b), 0);
	assert_int_equal(rota_context_wait(b, ROTA_NEVER), 0);
	assert_int_equal(pod_now(p), 5 * TICK);
	assert_int_equal(rota_context_err(b), -ETIME);
	rota_context_unref(b);
}

/* The last child takes the timer of a parent that nobody uses with it. */
static void
a_parent_without_users_or_children_needs_no_timer(void **state)
{
	struct pod *p = *state;

	for (unsigned i = 0; i < 2; i++) {
		struct rota_context *a = context(p, NULL, ROTA_HOUR);
		struct rota_context *b = context(p, a, ROTA_NEVER);

		rota_context_unref(a);
		assert_int_equal(pod_armed(p), 1);
		if (i)
			rota_context_cancel(b, 0);
		rota_context_unref(b);
		assert_int_equal(pod_armed(p), 0);
		assert_int_equal(rota_context_report(p->engine, NULL, NULL), 0);
	}
}

struct born {
	struct pod *p;
	struct rota_context *parent;
	int err;
};

static void
bear(void *arg)
{
	struct born *b = arg;
	struct rota_context *child;

	rota_engine_advance(b->p->engine, 10 * TICK); /* a late poll */
	rota_context_create(&child, b->p->engine, b->parent);
	b->err = rota_context_err(child);
	rota_context_unref(child);
}

/* Its parent's timer is late, but the deadline is over. */
static void
a_child_of_one_that_is_overdue_is_done(void **state)
{
	struct pod *p = *state;
	struct born b = { p, context(p, NULL, 5 * TICK), 0 };

	assert_int_equal(rota_after_func(p->engine, TICK, bear, &b, NULL), 0);
	pod_sleep(p, 2 * TICK);
	assert_int_equal(b.err, -ETIME);
	rota_context_unref(b.parent);
}

/* A line of many: no call may need a stack as long. */
static void
a_long_line_ends_and_is_given_back(void **state)
{
	struct pod *p = *state;
	enum { LONG = 10000 };
	struct rota_context **c = calloc(LONG, sizeof(struct rota_context *));

	for (unsigned i = 0; i < LONG; i++)
		c[i] = context(p, i ? c[i - 1] : NULL, ROTA_NEVER);
	assert_int_equal(rota_context_cancel(c[0], 0), 1);
	assert_int_equal(rota_context_err(c[LONG - 1]), -ECANCELED);
	for (unsigned i = 0; i < LONG; i++)
		rota_context_unref(c[i]);
	c[0] = context(p, NULL, ROTA_NEVER);
	for (unsigned i = 1; i < LONG; i++) {
		c[i] = context(p, c[i - 1], ROTA_NEVER);
		rota_context_unref(c[i - 1]);
	}
	rota_context_unref(c[LONG - 1]); /* all of them go */
	assert_int_equal(rota_context_report(p->engine, NULL, NULL), 0);
	free(c);
}

struct waiting {
	struct pod *p;
	struct rota_context *c;
	rota_time at;
	int answer, err;
};

static void *
sleep_under(void *arg)
{
	struct waiting *w = arg;

	w->answer = rota_sleep(w->p->engine, ROTA_HOUR, w->c);
	w->err = rota_context_err(w->c);
	w->at = rota_engine_now(w->p->engine);
	return NULL;
}

static void
a_sleep_ends_with_its_context(void **state)
{
	struct pod *p = *state;
	struct rota_context *a = context(p, NULL, ROTA_NEVER);
	struct waiting w[4];
	pthread_t thread[4];

	for (unsigned i = 0; i < 4; i++) {
		w[i] = (struct waiting){ p,
			context(p, a, i ? ROTA_NEVER : 2 * TICK), 0, 7, 7 };
		assert_int_equal(rota_bubble_thread(
				     p->bubble, &thread[i], sleep_under, &w[i]),
		    0);
	}
	pod_sleep(p, 3 * TICK);
	assert_int_equal(w[0].answer, -ETIME);
	assert_int_equal(w[0].at, 2 * TICK);
	assert_int_equal(rota_context_cancel(w[1].c, 5), 1);
	pod_sleep(p, TICK);
	assert_int_equal(w[1].answer, -ECANCELED);
	assert_int_equal(w[1].at, 3 * TICK);
	assert_int_equal(rota_context_cancel(a, 0), 1);
	for (unsigned i = 0; i < 4; i++) {
		pthread_join(thread[i], NULL);
		assert_int_equal(w[i].answer, w[i].err);
		assert_true(w[i].answer < 0);
		rota_context_unref(w[i].c);
	}
	assert_int_equal(w[3].at, 4 * TICK);
	assert_int_equal(pod_armed(p), 0); /* the sleeps' timers as well */
	/* done before it begins; and slept to the end */
	assert_int_equal(rota_sleep(p->engine, TICK, a), -ECANCELED);
	assert_int_equal(rota_sleep(p->engine, 0, a), -ECANCELED);
	rota_context_unref(a);
	a = context(p, NULL, 50 * TICK);
	assert_int_equal(rota_sleep(p->engine, TICK, a), 0);
	assert_int_equal(pod_now(p), 5 * TICK);
	drop(a);
}

static void
the_descriptor_is_readable_from_the_end_on(void **state)
{
	struct pod *p = *state;
	struct rota_context *c = context(p, NULL, 2 * TICK);
	struct rota_context *done = context(p, NULL, 0);
	int fd = rota_context_fd(c);

	assert_true(fd >= 0);
	assert_false(pod_readable(fd));
	pod_sleep(p, 3 * TICK);
	assert_true(pod_readable(fd));
	assert_true(pod_readable(fd));
	assert_int_equal(rota_context_fd(c), fd);
	assert_true(pod_readable(rota_context_fd(done)));
	rota_context_unref(c);
	rota_context_unref(done);
}

static void
select_takes_what_comes_first(void **state)
{
	struct pod *p = *state;
	struct rota_channel *fast = rota_after(p->engine, 2 * TICK);
	struct rota_channel *slow = rota_after(p->engine, 5 * TICK);
	struct rota_context *c = context(p, NULL, 3 * TICK);
	struct rota_case k[] = { { .channel = slow }, { 0 },
		{ .channel = fast }, { .context = c } };

	assert_int_equal(rota_select(k, 4, 0), -ETIME);
	assert_int_equal(rota_select(k, 4, TICK), -ETIME);
	assert_int_equal(pod_now(p), TICK);
	assert_int_equal(rota_select(k, 4, ROTA_NEVER), 2);
	assert_int_equal(k[2].value, 2 * TICK);
	assert_int_equal(pod_now(p), 2 * TICK);
	assert_int_equal(rota_select(k, 4, ROTA_NEVER), 3);
	assert_int_equal(pod_now(p), 3 * TICK);
	assert_int_equal(rota_select(k, 4, ROTA_NEVER), 3); /* still */
	assert_int_equal(rota_select(k, 3, ROTA_NEVER), 0);
	assert_int_equal(k[0].value, 5 * TICK);
	assert_int_equal(pod_armed(p), 0);
	assert_int_equal(rota_select(k, 3, 9 * TICK), -ETIME);
	rota_channel_unref(fast);
	rota_channel_unref(slow);
	rota_context_unref(c);
}

/* Nothing is taken from the one that was not chosen. */
static void
select_chooses_at_random_and_takes_one(void **state)
{
	struct pod *p = *state;
	struct rota_channel *never = rota_after(p->engine, ROTA_HOUR);
	unsigned chosen[2] = { 0 };

	for (unsigned i = 0; i < 200; i++) {
		struct rota_case k[12] = {
			{ .channel = rota_after(p->engine, 0) },
			{ .channel = rota_after(p->engine, 0) },
		};
		int at;

		for (unsigned n = 2; n < 12; n++)
			k[n].channel = n % 2 ? never : NULL;
		at = rota_select(k, 12, ROTA_NEVER);

		assert_in_range(at, 0, 1);
		chosen[at]++;
		assert_int_equal(rota_channel_poll(k[at].channel, NULL), 0);
		assert_int_equal(rota_channel_poll(k[!at].channel, NULL), 1);
		rota_channel_unref(k[0].channel);
		rota_channel_unref(k[1].channel);
	}
	/* even, wherever they stand: less likely than 1 in 10^9 by chance */
	assert_true(chosen[0] > 55 && chosen[1] > 55);
	rota_channel_unref(never);
}

static void
name(void *arg, const char *site, rota_time deadline, int dropped)
{
	char *text = arg;

	snprintf(text + strlen(text), 200, "%s %lld %d;",
	    strrchr(site, '/') ? strrchr(site, '/') + 1 : site,
	    (long long)deadline, dropped);
}

static void
what_was_never_cancelled_is_named(void **state)
{
	struct pod *p = *state;
	char text[1000] = "", expected[1000];
	struct rota_context *a, *b, *c;
	unsigned line = __LINE__ + 2;

	rota_context_create(&a, p->engine, NULL);
	rota_context_create(&b, p->engine, a);
	rota_context_with_timeout(&c, p->engine, NULL, TICK);
	rota_context_unref(a);
	assert_int_equal(rota_context_report(p->engine, name, text), 3);
	snprintf(expected, sizeof(expected),
	    "context_test.c:%u %lld 0;context_test.c:%u %lld 0;"
	    "context_test.c:%u %lld 1;",
	    line + 2, (long long)TICK, line + 1, (long long)ROTA_NEVER, line,
	    (long long)ROTA_NEVER);
	assert_string_equal(text, expected);
	drop(b);
	drop(c);
	assert_int_equal(rota_context_report(p->engine, name, text), 0);
	assert_int_equal(rota_context_report(NULL, name, text), -EINVAL);
}

/*
 * An end that has many below it.
 */

enum { CROWD = 5000, SHOWN = 50 };

struct crowd {
	struct rota_engine *e;
	struct rota_shard *s;
	struct rota_context *top, *c[CROWD];
	int fd[SHOWN], woken, answer;
	bool waits;
};

/* Below @top, which ends at @deadline: every other a child of the one before.
 * Some have descriptors. */
static void
crowd_open(struct crowd *k, enum rota_backend backend, rota_time deadline)
{
	struct rota_config config = { .size = sizeof(config),
		.backend = backend,
		.shards = 1,
		.clock = ROTA_CLOCK_VIRTUAL };

	assert_int_equal(rota_engine_create(&k->e, &config), 0);
	k->s = rota_engine_shard(k->e, 0);
	assert_int_equal(rota_shard_attach(k->s), 0);
	assert_int_equal(
	    rota_context_with_deadline(&k->top, k->e, NULL, deadline), 0);
	for (unsigned i = 0; i < CROWD; i++)
		assert_int_equal(rota_context_create(&k->c[i], k->e,
				     i % 2 ? k->c[i - 1] : k->top),
		    0);
	for (unsigned i = 0; i < SHOWN; i++) {
		k->fd[i] = rota_context_fd(k->c[i * (CROWD / SHOWN)]);
		assert_true(k->fd[i] >= 0);
		assert_false(pod_readable(k->fd[i]));
	}
}

static void
crowd_close(struct crowd *k)
{
	for (unsigned i = 0; i < CROWD; i++)
		rota_context_unref(k->c[i]);
	rota_context_unref(k->top);
	assert_int_equal(rota_engine_destroy(k->e, ROTA_REFUSE), 0);
}

static unsigned
crowd_readable(const struct crowd *k)
{
	unsigned n = 0;

	for (unsigned i = 0; i < SHOWN; i++)
		n += pod_readable(k->fd[i]);
	return n;
}

/* Poll until there is no more to do. */
static void
crowd_settle(struct crowd *k)
{
	do
		assert_int_equal(rota_shard_poll(k->s, 5 * TICK, 0), 0);
	while (rota_shard_next(k->s) <= 5 * TICK);
}

/* Each poll does a part of what is to be done, and serves others; but all are
 * done with the first. */
static void
a_deadline_of_many_is_met_in_slices(void **state)
{
	struct crowd *k = calloc(1, sizeof(*k));

	(void)state;
	assert_non_null(k);
	for (unsigned b = 0; b < 3; b++) {
		unsigned polls = 0, shown = 0, others = 0;

		crowd_open(k, pod_backends[b], 5 * TICK);
		assert_int_equal(rota_engine_advance(k->e, 5 * TICK), 0);
		for (; shown < SHOWN; polls++) {
			unsigned now;

			assert_int_equal(
			    rota_after_func(k->e, 0, count, &others, NULL), 0);
			assert_int_equal(rota_shard_poll(k->s, 5 * TICK, 0), 0);
			assert_int_equal(others, polls + 1);
			now = crowd_readable(k);
			assert_in_range(now, shown, shown + SHOWN / 2);
			shown = now;
			for (unsigned i = 0; i < CROWD; i += polls ? 97 : 1) {
				assert_int_equal(
				    rota_context_err(k->c[i]), -ETIME);
				assert_int_equal(
				    rota_context_cause(k->c[i]), -ETIME);
				assert_int_equal(
				    rota_context_cancel(k->c[i], 7), 0);
			}
			assert_int_equal(
			    rota_context_report(k->e, NULL, NULL), 0);
		}
		assert_in_range(polls, 3, CROWD);
		crowd_settle(k);
		crowd_close(k);
	}
	free(k);
}

/* What is given back, made and asked for between the slices. */
static void
a_tree_changes_while_its_end_goes_on(void **state)
{
	struct crowd *k = calloc(1, sizeof(*k));

	(void)state;
	assert_non_null(k);
	for (unsigned b = 0; b < 3; b++) {
		struct rota_context *late[3];
		int fd;

		crowd_open(k, pod_backends[b], 5 * TICK);
		assert_int_equal(rota_engine_advance(k->e, 5 * TICK), 0);
		assert_int_equal(rota_shard_poll(k->s, 5 * TICK, 0), 0);
		assert_in_range(crowd_readable(k), 0, SHOWN - 1);
		for (unsigned i = 0; i < 3; i++) { /* of none, some, one */
			struct rota_context *parent = i == 0 ? k->top
			    : i == 1                         ? k->c[0]
							     : late[1];

			assert_int_equal(rota_context_with_deadline(&late[i],
					     k->e, parent, 4 * TICK + i),
			    0);
			assert_int_equal(rota_context_err(late[i]), -ETIME);
			fd = rota_context_fd(late[i]);
			assert_true(pod_readable(fd));
		}
		for (unsigned i = 0; i < 3; i++)
			rota_context_unref(late[i]);
		for (unsigned i = CROWD / 3; i < CROWD; i++)
			rota_context_unref(k->c[i]);
		rota_context_unref(k->top);
		crowd_settle(k);
		for (unsigned i = 0; i < CROWD / 3; i++) {
			assert_int_equal(rota_context_err(k->c[i]), -ETIME);
			rota_context_unref(k->c[i]);
		}
		assert_int_equal(rota_engine_destroy(k->e, ROTA_REFUSE), 0);
	}
	free(k);
}

/* The engine's end in the middle of it: nothing is left behind. */
static void
an_end_that_goes_on_ends_with_the_engine(void **state)
{
	struct crowd *k = calloc(1, sizeof(*k));

	(void)state;
	assert_non_null(k);
	for (unsigned b = 0; b < 3; b++) {
		crowd_open(k, pod_backends[b], 5 * TICK);
		assert_int_equal(rota_engine_advance(k->e, 5 * TICK), 0);
		assert_int_equal(rota_shard_poll(k->s, 5 * TICK, 0), 0);
		for (unsigned i = 0; i < CROWD; i++)
			rota_context_unref(k->c[i]);
		rota_context_unref(k->top);
		assert_int_equal(rota_engine_destroy(k->e, ROTA_DROP), 1);
	}
	free(k);
}

static void *
wait_and_look(void *arg)
{
	struct crowd *k = arg;

	__atomic_store_n(&k->waits, true, __ATOMIC_RELEASE);
	k->answer = rota_context_wait(k->top, ROTA_NEVER);
	for (unsigned i = 0; i < CROWD; i += 7)
		k->woken += !rota_context_err(k->c[i]);
	return NULL;
}

/* Whoever ends it is still at work below. */
static void
who_is_woken_finds_all_below_done(void **state)
{
	struct crowd *k = calloc(1, sizeof(*k));

	(void)state;
	assert_non_null(k);
	for (unsigned i = 0; i < 60; i++) {
		pthread_t thread;

		crowd_open(k, pod_backends[i % 3], 5 * TICK);
		k->waits = false;
		assert_int_equal(
		    pthread_create(&thread, NULL, wait_and_look, k), 0);
		while (!__atomic_load_n(&k->waits, __ATOMIC_ACQUIRE))
			;
		if (i % 2) {
			assert_int_equal(rota_context_cancel(k->top, 3), 1);
		} else {
			rota_engine_advance(k->e, 5 * TICK);
			crowd_settle(k);
		}
		pthread_join(thread, NULL);
		assert_int_equal(k->answer, 0);
		assert_int_equal(k->woken, 0);
		crowd_close(k);
	}
	free(k);
}

/*
 * Causes, and functions.
 */

static void
a_deadline_has_a_cause(void **state)
{
	struct pod *p = *state;
	struct rota_context *a, *b, *c, *d;

	assert_int_equal(
	    rota_context_with_timeout_cause(&a, p->engine, NULL, 5 * TICK, 77),
	    0);
	/* the parent's comes first, and so does its cause */
	assert_int_equal(
	    rota_context_with_deadline_cause(&b, p->engine, a, 9 * TICK, 88),
	    0);
	assert_int_equal(
	    rota_context_with_deadline_cause(&c, p->engine, a, 2 * TICK, 99),
	    0);
	assert_int_equal(
	    rota_context_with_timeout_cause(&d, p->engine, a, 3 * TICK, 0), 0);
	assert_int_equal(rota_context_cause(a), 0);
	pod_sleep(p, 4 * TICK);
	assert_int_equal(rota_context_err(c), -ETIME);
	assert_int_equal(rota_context_cause(c), 99);
	assert_int_equal(rota_context_err(d), -ETIME);
	assert_int_equal(rota_context_cause(d), -ETIME);
	pod_sleep(p, 2 * TICK);
	assert_int_equal(rota_context_err(b), -ETIME);
	assert_int_equal(rota_context_cause(b), 77);
	assert_int_equal(rota_context_cause(a), 77);
	assert_int_equal(rota_context_cause(c), 99);
	rota_context_unref(a);
	rota_context_unref(b);
	rota_context_unref(c);
	rota_context_unref(d);
	/* has passed; and cancelled before it does, that is another cause */
	assert_int_equal(
	    rota_context_with_timeout_cause(&a, p->engine, NULL, 0, 77), 0);
	assert_int_equal(rota_context_cause(a), 77);
	rota_context_unref(a);
	assert_int_equal(
	    rota_context_with_timeout_cause(&a, p->engine, NULL, TICK, 77), 0);
	assert_int_equal(rota_context_cancel(a, 5), 1);
	pod_sleep(p, 2 * TICK);
	assert_int_equal(rota_context_err(a), -ECANCELED);
	assert_int_equal(rota_context_cause(a), 5);
	rota_context_unref(a);
}

static void
no_deadline_looks_like_an_error(void **state)
{
	static const rota_time when[] = { -EINVAL, -1, INT64_MIN, 0 };
	struct pod *p = *state;

	for (unsigned i = 0; i < CM_COUNT(when); i++) {
		struct rota_context *c;

		assert_int_equal(
		    rota_context_with_deadline(&c, p->engine, NULL, when[i]),
		    0);
		assert_int_equal(rota_context_deadline(c), 0);
		assert_int_equal(rota_context_err(c), -ETIME);
		rota_context_unref(c);
	}
}

static struct rota_engine *
once(struct pod *p, unsigned *n)
{
	++*n;
	return p->engine;
}

static void
an_argument_is_evaluated_once(void **state)
{
	struct pod *p = *state;
	struct rota_context *c;
	unsigned n = 0;

	rota_context_with_timeout(&c, once(p, &n), NULL, TICK);
	assert_int_equal(n, 1);
	drop(c);
	rota_context_with_timeout_cause(&c, once(p, &n), NULL, TICK, 3);
	assert_int_equal(n, 2);
	drop(c);
}

static void
a_function_runs_once_after_the_end(void **state)
{
	struct pod *p = *state;

	for (unsigned i = 0; i < 6; i++) {
		struct rota_context *c = context(
		    p, NULL, i % 2 ? 5 * TICK : ROTA_NEVER);
		struct rota_context *child = context(p, c, ROTA_NEVER);
		struct rota_context *f;
		unsigned n = 0;

		assert_int_equal(rota_context_after_func(
				     &f, i / 2 % 2 ? child : c, count, &n),
		    0);
		if (i < 2) { /* nobody will stop it */
			rota_context_unref(f);
			f = NULL;
		}
		assert_int_equal(pod_armed(p), i % 2);
		pod_sleep(p, 4 * TICK);
		assert_int_equal(n, 0);
		if (i % 2 == 0)
			assert_int_equal(rota_context_cancel(c, 7), 1);
		pod_sleep(p, 2 * TICK);
		assert_int_equal(n, 1);
		if (f) {
			assert_int_equal(
			    rota_context_err(f), i % 2 ? -ETIME : -ECANCELED);
			assert_int_equal(rota_context_cancel(f, 0), 0);
			rota_context_unref(f);
		}
		rota_context_unref(c);
		rota_context_unref(child);
		pod_sleep(p, TICK);
		assert_int_equal(n, 1);
		assert_int_equal(rota_context_report(p->engine, NULL, NULL), 0);
	}
}

static void
a_function_that_is_stopped_does_not_run(void **state)
{
	struct pod *p = *state;
	struct rota_context *c = context(p, NULL, 5 * TICK), *f, *g;
	unsigned n = 0;

	assert_int_equal(rota_context_after_func(&f, c, count, &n), 0);
	assert_int_equal(rota_context_cancel(f, 0), 1);
	assert_int_equal(rota_context_cancel(f, 0), 0);
	assert_int_equal(rota_context_err(c), 0); /* it is not ended by that */
	rota_context_unref(f);
	/* of one that is done: at once, but not in the call */
	assert_int_equal(rota_context_cancel(c, 0), 1);
	assert_int_equal(rota_context_after_func(&g, c, count, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(rota_context_cancel(g, 0), 0);
	pod_sleep(p, TICK);
	assert_int_equal(n, 1);
	rota_context_unref(g);
	assert_int_equal(rota_context_after_func(NULL, c, count, &n), 0);
	pod_sleep(p, TICK);
	assert_int_equal(n, 2);
	rota_context_unref(c);
	/* whose context goes before: it will never run */
	c = context(p, NULL, ROTA_NEVER);
	assert_int_equal(rota_context_after_func(&f, c, count, &n), 0);
	rota_context_unref(c);
	assert_int_equal(rota_context_cancel(f, 0), 1);
	rota_context_unref(f);
	pod_sleep(p, TICK);
	assert_int_equal(n, 2);
	assert_int_equal(rota_context_report(p->engine, NULL, NULL), 0);
	f = c;
	assert_int_equal(rota_context_after_func(&f, NULL, count, &n), -EINVAL);
	assert_null(f);
	c = context(p, NULL, ROTA_NEVER);
	assert_int_equal(rota_context_after_func(&f, c, NULL, &n), -EINVAL);
	drop(c);
}

/*
 * A deadline that has passed, its timer not fired yet: the poll is late.
 */

struct late {
	struct rota_engine *e;
	struct rota_shard *s;
	/* Each but the last below the one before. Two have deadlines. */
	struct rota_context *above, *timed, *below, *sooner, *made, *function;
	struct rota_channel *never;
	unsigned ran, ran_late;
	rota_time clock;
	unsigned readings;
};

static rota_time
late_clock(void *arg)
{
	struct late *l = arg;

	l->readings++;
	return l->clock;
}

static void
late_open(struct late *l, enum rota_backend backend)
{
	struct rota_config config = { .size = sizeof(config),
		.backend = backend,
		.shards = 1,
		.clock = ROTA_CLOCK_CALLER,
		.now = late_clock,
		.now_arg = l };

	*l = (struct late){ 0 };
	assert_int_equal(rota_engine_create(&l->e, &config), 0);
	l->s = rota_engine_shard(l->e, 0);
	assert_int_equal(rota_shard_attach(l->s), 0);
	assert_int_equal(rota_context_create(&l->above, l->e, NULL), 0);
	assert_int_equal(rota_context_with_deadline_cause(
			     &l->timed, l->e, l->above, 10 * TICK, 77),
	    0);
	assert_int_equal(rota_context_create(&l->below, l->e, l->timed), 0);
	assert_int_equal(rota_context_with_deadline_cause(
			     &l->sooner, l->e, l->below, 5 * TICK, 55),
	    0);
	assert_int_equal(
	    rota_context_after_func(NULL, l->below, count, &l->ran), 0);
	assert_int_equal(rota_channel_create(&l->never, l->e, ROTA_HOUR, 0), 0);
	assert_int_equal(rota_shard_poll(l->s, 0, 0), 0);
	l->clock = 20 * TICK;
}

static void
late_close(struct late *l)
{
	rota_context_unref(l->above);
	rota_context_unref(l->timed);
	rota_context_unref(l->below);
	rota_context_unref(l->sooner);
	rota_context_unref(l->made);
	rota_context_unref(l->function);
	rota_channel_unref(l->never);
	assert_int_equal(rota_engine_destroy(l->e, ROTA_REFUSE), 0);
}

/* How the first to ask asks; then every other way. */
enum { WAYS = 16 };

static void
late_ask(struct late *l, unsigned how)
{
	struct rota_case k[2] = { { .channel = l->never },
		{ .context = l->below } };

	switch (how) {
	case 0:
		assert_int_equal(rota_context_err(l->timed), -ETIME);
		break;
	case 1:
		assert_int_equal(rota_context_err(l->below), -ETIME);
		break;
	case 2:
		assert_int_equal(rota_context_err(l->sooner), -ETIME);
		break;
	case 3:
		assert_int_equal(rota_context_cause(l->timed), 77);
		break;
	case 4:
		assert_int_equal(rota_context_cause(l->below), 77);
		break;
	case 5:
		assert_int_equal(rota_context_cause(l->sooner), 55);
		break;
	case 6:
		assert_int_equal(rota_context_cancel(l->timed, 3), 0);
		break;
	case 7:
		assert_int_equal(rota_context_cancel(l->below, 4), 0);
		break;
	case 8:
		assert_int_equal(rota_context_cancel(l->sooner, 5), 0);
		break;
	case 9:
		rota_context_unref(l->made);
		assert_int_equal(
		    rota_context_create(&l->made, l->e, l->below), 0);
		assert_int_equal(rota_context_err(l->made), -ETIME);
		assert_int_equal(rota_context_cause(l->made), 77);
		break;
	case 10:
		rota_context_unref(l->function);
		assert_int_equal(rota_context_after_func(&l->function, l->timed,
				     count, &l->ran_late),
		    0);
		assert_int_equal(rota_context_err(l->function), -ETIME);
		assert_int_equal(rota_context_cancel(l->function, 0), 0);
		break;
	case 11:
		assert_int_equal(rota_select(k, 2, 0), 1);
		break;
	case 12:
		assert_int_equal(rota_context_wait(l->timed, ROTA_NEVER), 0);
		break;
	case 13:
		assert_int_equal(rota_sleep(l->e, TICK, l->below), -ETIME);
		break;
	case 14:
		assert_true(pod_readable(rota_context_fd(l->below)));
		break;
	case 15:
		assert_int_equal(rota_context_report(l->e, NULL, NULL), 1);
		break;
	}
	assert_int_equal(rota_context_err(l->above), 0);
}

static void
late_ask_all(struct late *l, unsigned first)
{
	for (unsigned i = 0; i < WAYS; i++)
		late_ask(l, (first + i) % WAYS);
}

/* Whoever asks, and however: the answer is the clock's, and stays. */
static void
an_overdue_deadline_has_one_answer(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3 * WAYS; i++) {
		struct late l;

		late_open(&l, pod_backends[i / WAYS]);
		late_ask_all(&l, i % WAYS);
		late_ask_all(&l, i * 5 % WAYS);
		assert_int_equal(l.ran, 0);
		assert_int_equal(l.ran_late, 0);
		for (unsigned n = 0; n < 3; n++)
			assert_int_equal(
			    rota_shard_poll(l.s, 20 * TICK + 1, 0), 0);
		assert_int_equal(l.ran, 1); /* in the next poll */
		assert_int_equal(l.ran_late, 2);
		late_ask_all(&l, 0);
		/* an end above comes too late for those below */
		assert_int_equal(rota_context_cancel(l.above, 9), 1);
		assert_int_equal(rota_context_cause(l.timed), 77);
		assert_int_equal(rota_context_cause(l.below), 77);
		assert_int_equal(rota_context_cause(l.sooner), 55);
		assert_int_equal(rota_context_cause(l.made), 77);
		for (unsigned n = 0; n < 3; n++)
			assert_int_equal(
			    rota_shard_poll(l.s, 20 * TICK + 2, 0), 0);
		assert_int_equal(l.ran, 1);
		assert_int_equal(l.ran_late, 3);
		late_close(&l);
	}
}

/* A cancel further up, and nobody has noticed the deadlines: it counts for all,
 * whoever asks. */
static void
a_cancel_above_what_is_overdue_counts_for_all(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 9; i++) {
		struct late l;

		late_open(&l, pod_backends[i % 3]);
		assert_int_equal(rota_context_cancel(l.above, 9), 1);
		assert_int_equal(rota_context_create(
				     &l.made, l.e, i / 3 ? l.below : l.sooner),
		    0);
		if (i / 3 == 2)
			rota_shard_poll(l.s, 20 * TICK, 0);
		assert_int_equal(rota_context_cause(l.made), 9);
		assert_int_equal(rota_context_cause(l.sooner), 9);
		assert_int_equal(rota_context_cause(l.below), 9);
		assert_int_equal(rota_context_cause(l.timed), 9);
		assert_int_equal(rota_context_err(l.sooner), -ECANCELED);
		assert_int_equal(rota_context_err(l.timed), -ECANCELED);
		for (unsigned n = 0; n < 3; n++)
			rota_shard_poll(l.s, 20 * TICK + 1, 0);
		assert_int_equal(l.ran, 1);
		late_close(&l);
	}
}

/* When both timers fire, or only the later one's context is asked. */
static void
each_deadline_has_its_own_cause_however_late(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		struct late l;

		late_open(&l, pod_backends[i / 2]);
		if (i % 2)
			assert_int_equal(rota_context_err(l.timed), -ETIME);
		else
			assert_int_equal(rota_shard_poll(l.s, 20 * TICK, 0), 0);
		assert_int_equal(rota_context_cause(l.timed), 77);
		assert_int_equal(rota_context_cause(l.below), 77);
		assert_int_equal(rota_context_cause(l.sooner), 55);
		while (rota_shard_next(l.s) <= 20 * TICK)
			rota_shard_poll(l.s, 20 * TICK, 0);
		late_close(&l);
	}
}

/* Until the deadline, before it, and without one. */
static void
only_what_has_a_deadline_reads_the_clock(void **state)
{
	struct late l;

	(void)state;
	late_open(&l, ROTA_WHEEL);
	l.clock = TICK;
	l.readings = 0;
	for (unsigned i = 0; i < 10; i++) {
		assert_int_equal(rota_context_err(l.above), 0);
		assert_int_equal(rota_context_cause(l.above), 0);
	}
	assert_int_equal(l.readings, 0);
	for (unsigned i = 1; i < 10; i++) {
		assert_int_equal(rota_context_err(l.below), 0);
		assert_int_equal(l.readings, i);
	}
	l.clock = 10 * TICK - 1;
	assert_int_equal(rota_context_err(l.below), 0);
	assert_int_equal(rota_context_cancel(l.sooner, 1), 0); /* at 5 */
	l.clock++;
	assert_int_equal(rota_context_err(l.below), -ETIME);
	l.readings = 0;
	for (unsigned i = 0; i < 10; i++) {
		assert_int_equal(rota_context_err(l.timed), -ETIME);
		assert_int_equal(rota_context_err(l.below), -ETIME);
		assert_int_equal(rota_context_err(l.sooner), -ETIME);
	}
	assert_int_equal(l.readings, 0);
	while (rota_shard_next(l.s) <= l.clock)
		rota_shard_poll(l.s, l.clock, 0);
	late_close(&l);
}

/* A poll that is dated ahead of the clock. */
static void
what_has_fired_is_done_whatever_the_clock_says(void **state)
{
	(void)state;
	for (unsigned b = 0; b < 3; b++) {
		struct late l;

		late_open(&l, pod_backends[b]);
		l.clock = 0;
		for (unsigned n = 0; n < 4; n++)
			assert_int_equal(rota_shard_poll(l.s, 30 * TICK, 0), 0);
		assert_int_equal(l.ran, 1);
		late_ask_all(&l, 0);
		for (unsigned n = 0; n < 4; n++)
			rota_shard_poll(l.s, 31 * TICK, 0);
		late_close(&l);
	}
}

static void *
wait_below(void *arg)
{
	struct crowd *k = arg;

	__atomic_store_n(&k->waits, true, __ATOMIC_RELEASE);
	k->answer = rota_context_wait(k->c[CROWD - 1], ROTA_NEVER);
	return NULL;
}

/* No thread polls: the one that finds the deadline over, or cancels, wakes
 * those that wait. */
static void
who_finds_a_deadline_over_wakes_the_others(void **state)
{
	struct crowd *k = calloc(1, sizeof(*k));

	(void)state;
	assert_non_null(k);
	for (unsigned i = 0; i < 12; i++) {
		const struct timespec moment = { 0, 1000000 };
		pthread_t thread;

		crowd_open(k, pod_backends[i % 3], 5 * TICK);
		k->waits = false;
		assert_int_equal(
		    pthread_create(&thread, NULL, wait_below, k), 0);
		while (!__atomic_load_n(&k->waits, __ATOMIC_ACQUIRE))
			;
		nanosleep(&moment, NULL); /* mostly it sleeps by then */
		rota_engine_advance(k->e, 5 * TICK);
		if (i / 3 == 0)
			assert_int_equal(
			    rota_context_err(k->c[CROWD / 2]), -ETIME);
		else if (i / 3 == 1)
			assert_int_equal(rota_context_cancel(k->top, 1), 0);
		else if (i / 3 == 2)
			assert_int_equal(rota_context_cancel(k->c[7], 1), 0);
		else
			assert_int_equal(
			    rota_context_wait(k->c[7], ROTA_NEVER), 0);
		pthread_join(thread, NULL);
		assert_int_equal(k->answer, 0);
		assert_int_equal(crowd_readable(k), SHOWN);
		crowd_settle(k);
		crowd_close(k);
	}
	free(k);
}

/* Both at the deadline: it is done. */
static void
a_wait_until_the_deadline_finds_it_done(void **state)
{
	struct pod *p = *state;

	for (rota_span d = 1; d < ROTA_SECOND; d = d * 3 + 1) {
		for (unsigned i = 0; i < 3; i++) {
			rota_time due = pod_now(p) + d;
			struct rota_context *c;
			struct rota_case k[2] = { { 0 }, { 0 } };

			assert_int_equal(rota_context_with_deadline(
					     &c, p->engine, NULL, due),
			    0);
			k[1].context = c;
			if (i == 0)
				assert_int_equal(rota_context_wait(c, due), 0);
			else if (i == 1)
				assert_int_equal(rota_select(k, 2, due), 1);
			else
				assert_int_equal(
				    rota_sleep(p->engine, d, c), -ETIME);
			assert_int_equal(rota_context_err(c), -ETIME);
			rota_context_unref(c);
		}
	}
}

struct nest {
	struct rota_context *c;
	unsigned ran;
	int answer;
};

static void
nest(void *arg)
{
	struct nest *n = arg;

	if (n->ran++ < 3)
		n->answer |= rota_context_after_func(NULL, n->c, nest, n);
}

static void
a_function_asks_for_another_of_the_same_parent(void **state)
{
	struct pod *p = *state;

	for (unsigned i = 0; i < 2; i++) {
		struct nest n = { context(p, NULL, i ? TICK : ROTA_NEVER), 0,
			0 };

		assert_int_equal(
		    rota_context_after_func(NULL, n.c, nest, &n), 0);
		if (!i)
			assert_int_equal(rota_context_cancel(n.c, 0), 1);
		pod_sleep(p, 2 * TICK);
		assert_int_equal(n.ran, 4);
		assert_int_equal(n.answer, 0);
		rota_context_unref(n.c);
		assert_int_equal(rota_context_report(p->engine, NULL, NULL), 0);
	}
}

/*
 * What is left at the engine's end.
 */

/* Memory that is gone with the test, whoever forgot it. */
static struct {
	_Alignas(64) char byte[1 << 22];
	size_t used;
	unsigned blocks;
} arena;

static void *
arena_alloc(void *arg, unsigned shard, size_t size, size_t align)
{
	char *at = arena.byte + arena.used;

	(void)arg;
	(void)shard;
	assert_true(align <= 64);
	size = (size + 63) & ~(size_t)63;
	if (size > sizeof(arena.byte) - arena.used)
		return NULL;
	arena.used += size;
	arena.blocks++;
	return at;
}

static void
arena_free(void *arg, unsigned shard, void *ptr, size_t size)
{
	(void)arg;
	(void)shard;
	(void)size;
	arena.blocks -= ptr != NULL;
}

static void
keep_line(void *arg, const char *line)
{
	char *text = arg;

	assert_true(strlen(text) + strlen(line) < 1000);
	strcat(text, line);
	strcat(text, ";");
}

static void
what_is_not_given_back_is_counted(void **state)
{
	static const char *const lines[] = { "",
		"rota: not given back: 1 channel, 0 contexts, 0 executors;",
		"rota: not given back: 0 channels, 1 context, 0 executors;",
		"rota: not given back: 2 channels, 3 contexts, 0 executors;" };
	static const unsigned channels[] = { 0, 1, 0, 2 },
			      contexts[] = { 0, 0, 1, 3 };
	(void)state;

	for (unsigned i = 0; i < CM_COUNT(lines); i++) {
		char text[1000] = "";
		struct rota_config config = { .size = sizeof(config),
			.shards = 1,
			.clock = ROTA_CLOCK_VIRTUAL,
			.log = keep_line,
			.log_arg = text,
			.max_timers = 1000,
			.allocator = { arena_alloc, arena_free, NULL } };
		struct rota_channel *c[3];
		struct rota_context *k[4];
		struct rota_engine *e;

		arena.used = arena.blocks = 0;
		assert_int_equal(rota_engine_create(&e, &config), 0);
		for (unsigned n = 0; n < 3; n++)
			assert_int_equal(rota_channel_create(
					     &c[n], e, TICK, ROTA_CHANNEL_SYNC),
			    0);
		for (unsigned n = 0; n < 4; n++) {
			assert_int_equal(
			    rota_context_create(&k[n], e, NULL), 0);
			rota_context_cancel(k[n], 0);
		}
		for (unsigned n = channels[i]; n < 3; n++)
			rota_channel_unref(c[n]);
		for (unsigned n = contexts[i]; n < 4; n++)
			rota_context_unref(k[n]);
		assert_int_equal(rota_engine_destroy(e, ROTA_DROP), 0);
		assert_string_equal(text, lines[i]);
		assert_int_equal(arena.blocks, channels[i] + contexts[i]);
	}
}

/* A log that asks, makes one and gives another back. */
static struct {
	struct rota_engine *e;
	struct rota_context *kept[3], *made;
	unsigned lines;
	long on;
} nosy;

static void
ask(void *arg, const char *line)
{
	(void)arg;
	(void)line;
	if (nosy.lines++)
		return;
	nosy.on = rota_context_report(nosy.e, NULL, NULL);
	nosy.on += 10 * rota_context_create(&nosy.made, nosy.e, NULL);
	/* The one that is named and the next. */
	rota_context_unref(nosy.kept[2]);
	rota_context_unref(nosy.kept[1]);
}

static void
the_log_may_ask_at_the_engines_end(void **state)
{
	struct rota_config config = { .size = sizeof(config),
		.shards = 1,
		.clock = ROTA_CLOCK_VIRTUAL,
		.log = ask,
		.max_timers = 1000,
		.allocator = { arena_alloc, arena_free, NULL } };

	(void)state;
	arena.used = arena.blocks = 0;
	memset(&nosy, 0, sizeof(nosy));
	assert_int_equal(rota_engine_create(&nosy.e, &config), 0);
	for (unsigned n = 0; n < 3; n++)
		assert_int_equal(
		    rota_context_create(&nosy.kept[n], nosy.e, NULL), 0);
	assert_int_equal(rota_engine_destroy(nosy.e, ROTA_DROP), 0);
	assert_int_equal(nosy.on, 3);
	/* The first and the last; then how many are left, with the new one. */
	assert_int_equal(nosy.lines, 3);
	assert_int_equal(arena.blocks, 2);
}

/* Each below the one before, and the uppermost has ended: who asks at the
 * bottom looks all the way up, but nobody after it does. */
static void
what_was_looked_up_once_is_known_on_the_way(void **state)
{
	enum { STEPS = 50000 };
	struct rota_context **c = calloc(STEPS, sizeof(struct rota_context *));
	struct rota_config config = {
		.size = sizeof(config), .shards = 1, .clock = ROTA_CLOCK_VIRTUAL
	};
	struct timespec before, after;
	struct rota_engine *e;
	struct rota_shard *s;

	(void)state;
	assert_non_null(c);
	assert_int_equal(rota_engine_create(&e, &config), 0);
	s = rota_engine_shard(e, 0);
	assert_int_equal(rota_shard_attach(s), 0);
	for (unsigned i = 0; i < STEPS; i++)
		assert_int_equal(
		    rota_context_create_site(&c[i], e, i ? c[i - 1] : NULL,
			i ? ROTA_NEVER : TICK, 0, "here"),
		    0);
	assert_int_equal(rota_engine_advance(e, TICK), 0);
	assert_int_equal(rota_shard_poll(s, TICK, 0), 0); /* a slice */
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
	for (unsigned i = STEPS; i-- > 0;)
		assert_int_equal(rota_context_err(c[i]), -ETIME);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
	/* Else 1.25e9 loads, 2 s and more; this takes some ms. */
	assert_in_range(after.tv_sec - before.tv_sec, 0, 1);
	while (rota_shard_next(s) <= TICK)
		assert_int_equal(rota_shard_poll(s, TICK, 0), 0);
	for (unsigned i = 0; i < STEPS; i++)
		rota_context_unref(c[i]);
	assert_int_equal(rota_engine_destroy(e, ROTA_REFUSE), 0);
	free(c);
}

static void
what_is_none_is_refused(void **state)
{
	struct pod *p = *state;
	struct rota_bubble *other;
	struct rota_context *c = context(p, NULL, ROTA_NEVER), *far;
	struct rota_channel *t = rota_after(p->engine, 0);
	struct rota_case k[] = { { .context = c }, { .channel = t } };
	struct rota_case both = { .context = c, .channel = t };

	assert_int_equal(rota_context_create(NULL, p->engine, NULL), -EINVAL);
	far = c;
	assert_int_equal(rota_context_create(&far, NULL, NULL), -EINVAL);
	assert_null(far);
	assert_int_equal(rota_bubble_create(&other, ROTA_HEAP), 0);
	assert_int_equal(
	    rota_context_create(&far, rota_bubble_engine(other), c), -EINVAL);
	k[1].channel = rota_after(rota_bubble_engine(other), 0);
	assert_int_equal(rota_select(k, 2, 0), -EINVAL); /* two engines */
	rota_channel_unref(k[1].channel);
	assert_int_equal(
	    rota_sleep(rota_bubble_engine(other), TICK, c), -EINVAL);
	assert_int_equal(rota_bubble_destroy(other), 0);
	assert_int_equal(rota_select(NULL, 0, 0), -EINVAL);
	assert_int_equal(rota_select(k, 0, 0), -EINVAL);
	assert_int_equal(rota_select(&both, 1, 0), -EINVAL);
	assert_int_equal(rota_context_cancel(NULL, 1), -EINVAL);
	assert_int_equal(rota_context_err(NULL), -EINVAL);
	assert_int_equal(rota_context_cause(NULL), -EINVAL);
	assert_int_equal(rota_context_deadline(NULL), -EINVAL);
	assert_int_equal(rota_context_wait(NULL, 0), -EINVAL);
	assert_int_equal(rota_context_fd(NULL), -EINVAL);
	assert_null(rota_context_ref(NULL));
	rota_context_unref(NULL);
	/* for ever */
	assert_int_equal(rota_context_wait(c, ROTA_NEVER), -EDEADLK);
	rota_context_unref(rota_context_ref(c));
	rota_context_unref(c);
	rota_channel_unref(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		POD(it_is_done_once),
		POD(it_ends_at_its_deadline),
		POD(a_deadline_that_has_passed_is_met_at_once),
		POD(a_parents_earlier_deadline_wins),
		POD(a_cancel_reaches_all_below_and_none_beside),
		POD(a_child_outlives_its_parents_user),
		POD(a_parent_without_users_or_children_needs_no_timer),
		POD(a_child_of_one_that_is_overdue_is_done),
		POD(a_long_line_ends_and_is_given_back),
		POD(a_sleep_ends_with_its_context),
		POD(the_descriptor_is_readable_from_the_end_on),
		POD(select_takes_what_comes_first),
		POD(select_chooses_at_random_and_takes_one),
		POD(what_was_never_cancelled_is_named),
		POD(what_is_none_is_refused),
		POD(a_deadline_has_a_cause),
		POD(no_deadline_looks_like_an_error),
		POD(an_argument_is_evaluated_once),
		POD(a_function_runs_once_after_the_end),
		POD(a_function_that_is_stopped_does_not_run),
		POD(a_function_asks_for_another_of_the_same_parent),
		POD(a_wait_until_the_deadline_finds_it_done),
		cmocka_unit_test(an_overdue_deadline_has_one_answer),
		cmocka_unit_test(a_cancel_above_what_is_overdue_counts_for_all),
		cmocka_unit_test(each_deadline_has_its_own_cause_however_late),
		cmocka_unit_test(only_what_has_a_deadline_reads_the_clock),
		cmocka_unit_test(
		    what_has_fired_is_done_whatever_the_clock_says),
		cmocka_unit_test(who_finds_a_deadline_over_wakes_the_others),
		cmocka_unit_test(a_deadline_of_many_is_met_in_slices),
		cmocka_unit_test(a_tree_changes_while_its_end_goes_on),
		cmocka_unit_test(an_end_that_goes_on_ends_with_the_engine),
		cmocka_unit_test(who_is_woken_finds_all_below_done),
		cmocka_unit_test(what_is_not_given_back_is_counted),
		cmocka_unit_test(the_log_may_ask_at_the_engines_end),
		cmocka_unit_test(what_was_looked_up_once_is_known_on_the_way),
	};

	return cmocka_run_group_tests_name("context", tests, NULL, NULL);
}
