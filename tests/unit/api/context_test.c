/* SPDX-License-Identifier: MIT
 *
 * context_test.c - api/context.c, and api/select.c over contexts.
 * Claims: a context is done once, by the first of a cancel, its deadline and
 * its parent, and then for ever; its children are, whatever they have; the
 * earliest deadline of a line counts; its timer goes with it; who waits on it
 * or selects is woken; the order in which a tree is given back does not
 * matter; what was never cancelled is named with its line.
 * Rows     G4 G6 G15 G18
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

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
	};

	return cmocka_run_group_tests_name("context", tests, NULL, NULL);
}
