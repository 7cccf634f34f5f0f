/* SPDX-License-Identifier: MIT
 *
 * executor_test.c - api/executor.c: functions on threads of their own.
 * Claims: each runs once, at or after its instant, on a worker, and may wait;
 * no more at once than there are workers, the rest in order; who asks for too
 * many is refused and counted; a stop prevents whatever has not begun; what
 * has not at the end is dropped.
 * Rows     G3
 */
#include <errno.h>

#include "tests/support/pod.h"

struct task {
	struct pod *p;
	rota_span span; /* it takes */
	rota_time begun, ended;
	pthread_t on;
	int answer;
	unsigned runs;
};

static void
task_run(void *arg)
{
	struct task *t = arg;

	t->runs++;
	t->on = pthread_self();
	t->begun = rota_engine_now(t->p->engine);
	t->answer = rota_sleep(t->p->engine, t->span, NULL);
	t->ended = rota_engine_now(t->p->engine);
}

static struct rota_executor *
executor(struct pod *p, unsigned threads, unsigned capacity)
{
	struct rota_executor *x;

	assert_int_equal(
	    rota_executor_create(&x, p->engine, threads, capacity), 0);
	return x;
}

static void
start(struct rota_executor *x, struct pod *p, struct task *t, rota_span at,
    rota_span span, rota_job *job)
{
	*t = (struct task){ .p = p, .span = span };
	assert_int_equal(rota_executor_after_func(x, at, task_run, t, job), 0);
}

static struct rota_executor_stats
stat_of(struct rota_executor *x)
{
	struct rota_executor_stats s;

	assert_int_equal(rota_executor_stat(x, &s), 0);
	return s;
}

static void
each_runs_once_on_a_worker(void **state)
{
	struct pod *p = *state;
	struct rota_executor *x = executor(p, 3, 10);
	struct task t[10];

	for (unsigned i = 0; i < 10; i++)
		start(x, p, &t[i], (int)i * TICK, 0, NULL);
	pod_sleep(p, 20 * TICK);
	for (unsigned i = 0; i < 10; i++) {
		assert_int_equal(t[i].runs, 1);
		assert_int_equal(t[i].begun, i * TICK);
		assert_false(pthread_equal(t[i].on, pthread_self()));
	}
	assert_int_equal(stat_of(x).ran, 10);
	assert_int_equal(rota_executor_destroy(x), 0);
}

static void
the_workers_bound_what_runs_at_once(void **state)
{
	struct pod *p = *state;
	struct rota_executor *x = executor(p, 2, 6);
	struct task t[6], more = { .p = p };
	struct rota_executor_stats s;
	rota_job job = 1;

	for (unsigned i = 0; i < 6; i++)
		start(x, p, &t[i], TICK, 10 * TICK, NULL);
	assert_int_equal(
	    rota_executor_after_func(x, 0, task_run, &more, &job), -EAGAIN);
	pod_sleep(p, 6 * TICK);
	s = stat_of(x);
	assert_int_equal(s.running, 2);
	assert_int_equal(s.queued, 4);
	assert_in_range(s.queued_max, 4, 6);
	assert_int_equal(s.refused, 1);
	assert_int_equal(
	    rota_executor_after_func(x, 0, task_run, &more, &job), -EAGAIN);
	pod_sleep(p, 94 * TICK);
	for (unsigned i = 0; i < 6; i++) { /* two by two, in order */
		assert_int_equal(t[i].begun, (1 + i / 2 * 10) * TICK);
		assert_int_equal(t[i].ended, (11 + i / 2 * 10) * TICK);
		assert_int_equal(t[i].answer, 0);
	}
	s = stat_of(x);
	assert_int_equal(s.ran, 6);
	assert_int_equal(s.refused, 2);
	assert_int_equal(s.running + s.queued, 0);
	start(x, p, &more, 0, 0, NULL); /* there is room again */
	pod_sleep(p, TICK);
	assert_int_equal(more.runs, 1);
	assert_int_equal(rota_executor_destroy(x), 0);
}

static void
a_stop_prevents_what_has_not_begun(void **state)
{
	struct pod *p = *state;
	struct rota_executor *x = executor(p, 1, 4);
	struct task t[4];
	rota_job job[4];

	for (unsigned i = 0; i < 3; i++)
		start(x, p, &t[i], TICK, 10 * TICK, &job[i]);
	start(x, p, &t[3], 50 * TICK, 0, &job[3]);
	pod_sleep(p, 2 * TICK);
	assert_int_equal(rota_executor_stop(x, job[0]), ROTA_RUNNING);
	assert_int_equal(rota_executor_stop(x, job[1]), ROTA_PREVENTED);
	assert_int_equal(rota_executor_stop(x, job[1]), -ESTALE);
	assert_int_equal(rota_executor_stop(x, job[3]), ROTA_PREVENTED);
	pod_sleep(p, 98 * TICK);
	assert_int_equal(t[0].runs, 1);
	assert_int_equal(t[1].runs, 0);
	assert_int_equal(t[2].runs, 1);
	assert_int_equal(t[2].begun, 11 * TICK);
	assert_int_equal(t[3].runs, 0);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(rota_executor_stop(x, job[i]), -ESTALE);
	assert_int_equal(stat_of(x).prevented, 2);
	assert_int_equal(rota_executor_destroy(x), 0);
}

static void
the_end_waits_for_what_runs_and_drops_the_rest(void **state)
{
	struct pod *p = *state;
	struct rota_executor *x = executor(p, 2, 6);
	struct task t[6];
	unsigned ran = 0;

	for (unsigned i = 0; i < 5; i++)
		start(x, p, &t[i], TICK, 10 * TICK, NULL);
	start(x, p, &t[5], 50 * TICK, 0, NULL);
	pod_sleep(p, 2 * TICK);
	assert_int_equal(rota_executor_destroy(x), 4);
	assert_int_equal(pod_now(p), 11 * TICK);
	for (unsigned i = 0; i < 6; i++) {
		ran += t[i].runs;
		if (t[i].runs)
			assert_int_equal(t[i].ended, 11 * TICK);
	}
	assert_int_equal(ran, 2);
	assert_int_equal(t[5].runs, 0);
	assert_int_equal(pod_armed(p), 0);
}

struct again {
	struct pod *p;
	struct rota_executor *x;
	unsigned runs;
	int answer;
};

static void
run_again(void *arg)
{
	struct again *a = arg;

	a->runs++;
	rota_sleep(a->p->engine, 3 * TICK, NULL);
	a->answer = rota_executor_after_func(a->x, TICK, run_again, a, NULL);
}

/* A job that goes on and on, at the end of all. */
static void
what_arms_itself_is_told_of_the_end(void **state)
{
	struct pod *p = *state;
	struct again a = { .p = p, .x = executor(p, 2, 4) };

	assert_int_equal(
	    rota_executor_after_func(a.x, TICK, run_again, &a, NULL), 0);
	pod_sleep(p, 6 * TICK); /* the second time is under way */
	assert_int_equal(a.answer, 0);
	assert_int_equal(rota_executor_destroy(a.x), 0);
	assert_int_equal(a.runs, 2);
	assert_int_equal(a.answer, -ECANCELED);
	pod_sleep(p, 20 * TICK);
	assert_int_equal(a.runs, 2);
}

struct inside {
	struct rota_executor *x;
	int answer;
};

static void
end_inside(void *arg)
{
	struct inside *i = arg;

	i->answer = rota_executor_destroy(i->x);
}

static void
what_is_none_is_refused(void **state)
{
	struct pod *p = *state;
	struct rota_executor *x = NULL;
	struct inside in = { 0 };

	assert_int_equal(rota_executor_create(NULL, p->engine, 1, 1), -EINVAL);
	assert_int_equal(rota_executor_create(&x, NULL, 1, 1), -EINVAL);
	assert_int_equal(rota_executor_create(&x, p->engine, 0, 1), -EINVAL);
	assert_int_equal(rota_executor_create(&x, p->engine, 1, 0), -EINVAL);
	assert_null(x);
	assert_int_equal(rota_executor_destroy(NULL), -EINVAL);
	assert_int_equal(rota_executor_stat(NULL, NULL), -EINVAL);
	x = in.x = executor(p, 1, 1);
	assert_int_equal(rota_executor_stat(x, NULL), -EINVAL);
	assert_int_equal(
	    rota_executor_after_func(NULL, 0, end_inside, &in, NULL), -EINVAL);
	assert_int_equal(
	    rota_executor_after_func(x, 0, NULL, &in, NULL), -EINVAL);
	assert_int_equal(rota_executor_stop(x, 0), -EINVAL);
	assert_int_equal(rota_executor_stop(x, UINT64_MAX), -EINVAL);
	assert_int_equal(rota_executor_stop(NULL, 1), -EINVAL);
	assert_int_equal(
	    rota_executor_after_func(x, 0, end_inside, &in, NULL), 0);
	pod_sleep(p, TICK);
	assert_int_equal(in.answer, -EDEADLK);
	/* without work its threads keep no clock, and are not missed */
	assert_int_equal(rota_bubble_leave(p->bubble), 0);
	assert_int_equal(rota_bubble_destroy(p->bubble), -EBUSY);
	assert_int_equal(rota_bubble_join(p->bubble), 0);
	pod_sleep(p, TICK);
	assert_int_equal(rota_executor_destroy(x), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		POD(each_runs_once_on_a_worker),
		POD_EXACT(the_workers_bound_what_runs_at_once),
		POD_EXACT(a_stop_prevents_what_has_not_begun),
		POD(the_end_waits_for_what_runs_and_drops_the_rest),
		POD(what_arms_itself_is_told_of_the_end),
		POD(what_is_none_is_refused),
	};

	return cmocka_run_group_tests_name("executor", tests, NULL, NULL);
}
