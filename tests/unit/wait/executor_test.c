/* SPDX-License-Identifier: MIT
 *
 * executor_test.c - api/wait/executor.c: functions on threads of their own.
 * Claims: each runs once, at or after its instant, on a worker, and may wait;
 * no more at once than there are workers, the rest in order; who asks for too
 * many is refused and counted; a stop prevents whatever has not begun; what
 * has not at the end is dropped; one that is left at the engine's end is told.
 * Rows     G3
 */
#define _POSIX_C_SOURCE 200809L /* clock_gettime */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/shard.h"
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
keep_line(void *arg, const char *line)
{
	char *text = arg;

	assert_true(strlen(text) + strlen(line) < 1000);
	strcat(text, line);
	strcat(text, ";");
}

/* The memory of the engine stays: threads of executors that are left sleep on
 * it. */
static void *
keep_alloc(void *arg, unsigned shard, size_t size, size_t align)
{
	(void)arg;
	(void)shard;
	return aligned_alloc(align, (size + align - 1) & ~(align - 1));
}

static void
keep_free(void *arg, unsigned shard, void *ptr, size_t size)
{
	(void)arg;
	(void)shard;
	(void)ptr;
	(void)size;
}

/* An engine ends with @left executors, and what its log hears is @line. */
static int
leave_executors(unsigned left, const char *line)
{
	char text[1000] = "";
	struct rota_config config = { .size = sizeof(config),
		.shards = 1,
		.clock = ROTA_CLOCK_VIRTUAL,
		.allocator = { keep_alloc, keep_free, NULL },
		.log = keep_line,
		.log_arg = text };
	struct rota_executor *x[3];
	struct rota_engine *e;

	if (rota_engine_create(&e, &config))
		return 1;
	for (unsigned i = 0; i < 3; i++)
		if (rota_executor_create(&x[i], e, 1, 2))
			return 2;
	for (unsigned i = left; i < 3; i++)
		if (rota_executor_destroy(x[i]))
			return 3;
	if (rota_engine_destroy(e, ROTA_DROP))
		return 4;
	return strcmp(text, line) ? 5 : 0;
}

/* In a process of its own, since nothing ends the threads that are left. */
static void
what_the_end_of_the_engine_finds_is_told(void **state)
{
	static const char *const lines[] = { "",
		"rota: not given back: 0 channels, 0 contexts, 1 executor;",
		"rota: not given back: 0 channels, 0 contexts, 2 executors;" };

	(void)state;
	for (unsigned left = 0; left < 3; left++) {
		pid_t child = fork();
		int status;

		assert_true(child >= 0);
		if (!child)
			_exit(leave_executors(left, lines[left]));
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
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

static void
leave_thread(void *arg)
{
	struct task *t = arg;

	t->runs++;
	pthread_exit(NULL);
}

/* Its end is the job's, and another has its place. */
static void
a_job_that_ends_its_thread_is_done(void **state)
{
	struct pod *p = *state;
	struct rota_executor *x = executor(p, 1, 12);
	struct task exits = { .p = p }, t[4];
	rota_job job;

	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(rota_executor_after_func(
				     x, TICK, leave_thread, &exits, &job),
		    0);
		assert_int_equal(rota_executor_after_func(
				     x, 2 * TICK, leave_thread, &exits, NULL),
		    0);
		start(x, p, &t[i], TICK, TICK, NULL);
	}
	pod_sleep(p, 20 * TICK);
	assert_int_equal(exits.runs, 8);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(t[i].runs, 1);
	assert_int_equal(stat_of(x).ran, 12);
	assert_int_equal(stat_of(x).running, 0);
	assert_int_equal(rota_executor_stop(x, job), -ESTALE);
	/* one that comes too late */
	start(x, p, &t[0], TICK, 4 * TICK, NULL);
	assert_int_equal(
	    rota_executor_after_func(x, 2 * TICK, leave_thread, &exits, NULL),
	    0);
	pod_sleep(p, 3 * TICK);
	assert_int_equal(rota_executor_destroy(x), 1);
	assert_int_equal(exits.runs, 8);
}

struct leaver {
	struct pod *p;
	rota_word runs; /* two jobs count */
};

static void
sleep_and_leave(void *arg)
{
	struct leaver *l = arg;

	rota_sleep(l->p->engine, 5 * TICK, NULL);
	word_add(&l->runs, (uint64_t)1, relaxed);
	pthread_exit(NULL);
}

static void
the_end_waits_for_a_job_that_ends_its_thread(void **state)
{
	struct pod *p = *state;
	struct rota_executor *x = executor(p, 2, 4);
	struct leaver l = { .p = p };

	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(rota_executor_after_func(
				     x, TICK, sleep_and_leave, &l, NULL),
		    0);
	pod_sleep(p, 2 * TICK);
	assert_int_equal(rota_executor_destroy(x), 0);
	assert_int_equal(pod_now(p), 6 * TICK);
	assert_int_equal(l.runs, 2);
}

enum { MANY = 60000 };

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Of many that are queued those at the end first: a walk to each would take
 * some seconds, and doubling them four times as long. */
static double
stop_many(struct pod *p, unsigned many, rota_job *job, bool destroy)
{
	struct rota_executor *x = executor(p, 1, many + 1);
	struct task t;
	double begin;

	start(x, p, &t, TICK, 10 * TICK, NULL); /* keeps the worker */
	for (unsigned i = 0; i < many; i++)
		assert_int_equal(
		    rota_executor_after_func(x, TICK, task_run, &t, &job[i]),
		    0);
	pod_sleep(p, 3 * TICK);
	assert_in_range(stat_of(x).queued, many, many);
	begin = seconds();
	for (unsigned i = many; !destroy && i-- > 0;)
		assert_int_equal(rota_executor_stop(x, job[i]), ROTA_PREVENTED);
	assert_int_equal(rota_executor_destroy(x), destroy ? many : 0);
	return seconds() - begin;
}

static void
the_cost_of_a_stop_is_the_same_in_any_queue(void **state)
{
	struct pod *p = *state;
	rota_job *job = malloc(MANY * sizeof(*job));

	/* 0.01 s, or 2: bounds that a loaded machine keeps, too */
	for (int destroy = 0; destroy < 2; destroy++) {
		double few = stop_many(p, MANY / 8, job, destroy);
		double all = stop_many(p, MANY, job, destroy);

		assert_true(all < 0.5 || all < 24 * few);
	}
	free(job);
}

static void
a_reset_moves_what_has_not_begun(void **state)
{
	struct pod *p = *state;
	struct rota_executor *x = executor(p, 1, 4);
	struct task t[3];
	rota_job job[3];

	start(x, p, &t[0], TICK, 10 * TICK, &job[0]);
	start(x, p, &t[1], 2 * TICK, 0, &job[1]);
	start(x, p, &t[2], 50 * TICK, 0, &job[2]);
	pod_sleep(p, 3 * TICK);
	assert_int_equal(stat_of(x).queued, 1);
	/* running, queued, armed */
	assert_int_equal(rota_executor_reset(x, job[0], TICK), -ESTALE);
	assert_int_equal(rota_executor_reset(x, job[1], 20 * TICK), 1);
	assert_int_equal(rota_executor_reset(x, job[2], 2 * TICK), 1);
	assert_int_equal(stat_of(x).queued, 0);
	pod_sleep(p, 7 * TICK);
	assert_int_equal(stat_of(x).queued, 1);
	pod_sleep(p, 50 * TICK);
	assert_int_equal(t[1].begun, 23 * TICK);
	assert_int_equal(t[2].begun, 11 * TICK);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(t[i].runs, 1);
		assert_int_equal(rota_executor_reset(x, job[i], 0), -ESTALE);
	}
	assert_int_equal(rota_executor_reset(x, 0, 0), -EINVAL);
	assert_int_equal(rota_executor_reset(NULL, job[0], 0), -EINVAL);
	assert_int_equal(rota_executor_destroy(x), 0);
}

/* The next mutex that this thread takes it takes after @then. */
static _Thread_local struct {
	void (*then)(void *arg);
	void *arg;
} before_lock;

int __real_pthread_mutex_lock(pthread_mutex_t *m);
int __wrap_pthread_mutex_lock(pthread_mutex_t *m);

int
__wrap_pthread_mutex_lock(pthread_mutex_t *m)
{
	void (*then)(void *arg) = before_lock.then;

	before_lock.then = NULL;
	if (then)
		then(before_lock.arg);
	return __real_pthread_mutex_lock(m);
}

static rota_word threads_refused; /* the next so many */
static pthread_t refused;         /* what is left in *@thread then: POSIX lets
				   * anything be there */
static rota_word joins_failed;

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
    void *(*run)(void *arg), void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
    void *(*run)(void *arg), void *arg);

int
__wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
    void *(*run)(void *arg), void *arg)
{
	if (word_load(&threads_refused, relaxed)) {
		*thread = refused;
		word_add(&threads_refused, (uint64_t)0 - 1, release);
		return EAGAIN;
	}
	return __real_pthread_create(thread, attr, run, arg);
}

int __real_pthread_join(pthread_t thread, void **answer);
int __wrap_pthread_join(pthread_t thread, void **answer);

int
__wrap_pthread_join(pthread_t thread, void **answer)
{
	int r = __real_pthread_join(thread, answer);

	word_add(&joins_failed, (uint64_t)(r != 0), relaxed);
	return r;
}

/* The next thread is refused. */
static void
refuse_a_thread(void)
{
	refused = pthread_self(); /* the test does not end */
	word_store(&joins_failed, (uint64_t)0, relaxed);
	word_store(&threads_refused, (uint64_t)1, release);
}

/* Then the thread itself goes on. */
static void
where_no_thread_is_to_be_had_the_old_one_goes_on(void **state)
{
	struct pod *p = *state;
	struct rota_executor *x = executor(p, 1, 4);
	struct task exits = { .p = p }, t;

	assert_int_equal(
	    rota_executor_after_func(x, TICK, leave_thread, &exits, NULL), 0);
	refuse_a_thread();
	start(x, p, &t, 2 * TICK, TICK, NULL);
	pod_sleep(p, 5 * TICK);
	assert_int_equal(threads_refused, 0);
	assert_int_equal(exits.runs, 1);
	assert_int_equal(t.runs, 1);
	assert_int_equal(rota_executor_destroy(x), 0);
	assert_int_equal(joins_failed, 0); /* it was this thread */
}

/* An engine whose shard the test polls. */
struct polled {
	struct rota_engine *e;
	struct rota_shard *s;
	struct rota_executor *x;
	rota_job job, next;
	rota_word runs;
	int answer[2];
};

static void
polled_open(struct polled *q, enum rota_backend backend)
{
	struct rota_config config = {
		.size = sizeof(config),
		.backend = backend,
		.shards = 1,
		.clock = ROTA_CLOCK_VIRTUAL,
	};

	*q = (struct polled){ 0 };
	assert_int_equal(rota_engine_create(&q->e, &config), 0);
	q->s = rota_engine_shard(q->e, 0);
	assert_int_equal(rota_executor_create(&q->x, q->e, 1, 1), 0);
	assert_int_equal(rota_shard_attach(q->s), 0);
}

/* Wait for @runs in all, then end; they were armed. */
static void
polled_close(struct polled *q, uint64_t runs)
{
	while (word_load(&q->runs, acquire) < runs)
		sched_yield();
	assert_int_equal(rota_shard_detach(q->s), 0);
	assert_int_equal(rota_executor_destroy(q->x), 0);
	assert_int_equal(q->runs, runs);
	assert_int_equal(rota_engine_destroy(q->e, ROTA_REFUSE), 0);
}

static void
count_run(void *arg)
{
	word_add(&((struct polled *)arg)->runs, (uint64_t)1, release);
}

static void
count_and_leave(void *arg)
{
	count_run(arg);
	pthread_exit(NULL);
}

/* The same outside of bubbles. */
static void
what_a_refusal_left_behind_is_no_thread(void **state)
{
	struct polled q;

	polled_open(&q, *(enum rota_backend *)*state);
	assert_int_equal(
	    rota_executor_after_func(q.x, 0, count_and_leave, &q, NULL), 0);
	refuse_a_thread();
	assert_int_equal(rota_shard_poll(q.s, 0, 0), 0);
	while (word_load(&threads_refused, acquire))
		sched_yield();
	assert_int_equal(
	    rota_executor_after_func(q.x, TICK, count_run, &q, NULL), 0);
	rota_engine_advance(q.e, TICK);
	assert_int_equal(rota_shard_poll(q.s, TICK, 0), 0);
	polled_close(&q, 2);
	assert_int_equal(joins_failed, 0);
}

static void
stop_and_arm(void *arg)
{
	struct polled *q = arg;

	q->answer[0] = rota_executor_stop(q->x, q->job);
	q->answer[1] = rota_executor_after_func(
	    q->x, TICK, count_run, q, &q->next);
}

/* Its timer has been claimed, and waits for the executor. */
static void
the_room_of_one_stopped_in_the_last_moment_is_free(void **state)
{
	struct polled q;

	polled_open(&q, *(enum rota_backend *)*state);
	assert_int_equal(
	    rota_executor_after_func(q.x, 0, count_run, &q, &q.job), 0);
	before_lock.arg = &q;
	before_lock.then = stop_and_arm;
	assert_int_equal(rota_shard_poll(q.s, 0, 0), 0);
	assert_null(before_lock.then);
	assert_int_equal(q.answer[0], ROTA_PREVENTED);
	assert_int_equal(q.answer[1], 0);
	assert_int_equal(rota_executor_stop(q.x, q.job), -ESTALE);
	assert_int_equal(rota_executor_reset(q.x, q.job, 0), -ESTALE);
	rota_engine_advance(q.e, TICK);
	assert_int_equal(rota_shard_poll(q.s, TICK, 0), 0);
	polled_close(&q, 1);
}

static void
reset_it(void *arg)
{
	struct polled *q = arg;

	q->answer[0] = rota_executor_reset(q->x, q->job, TICK);
}

static void
one_that_is_reset_in_the_last_moment_waits_anew(void **state)
{
	struct rota_executor_stats s;
	struct polled q;

	polled_open(&q, *(enum rota_backend *)*state);
	assert_int_equal(
	    rota_executor_after_func(q.x, 0, count_run, &q, &q.job), 0);
	before_lock.arg = &q;
	before_lock.then = reset_it;
	assert_int_equal(rota_shard_poll(q.s, 0, 0), 0);
	assert_int_equal(q.answer[0], 1);
	assert_int_equal(rota_executor_stat(q.x, &s), 0);
	assert_int_equal(s.queued + s.running + s.ran, 0);
	rota_engine_advance(q.e, TICK);
	assert_int_equal(rota_shard_poll(q.s, TICK, 0), 0);
	polled_close(&q, 1);
}

/* A job is what its timer's node has as an argument, behind the pin and the
 * function, and begins with its generation: a white box, since the real
 * number of uses takes too long. Of 1 + 2 jobs 2 bits are the index. */
static void
a_job_whose_generations_are_used_up_retires(void **state)
{
	const uint64_t last = UINT64_MAX >> 2;
	struct backend_cursor cursor = { 0 };
	struct polled q;
	rota_job job;
	uint64_t **node;

	polled_open(&q, *(enum rota_backend *)*state);
	assert_int_equal(
	    rota_executor_after_func(q.x, TICK, count_run, &q, &job), 0);
	assert_int_equal(rota_shard_poll(q.s, 0, 0), 0);
	node = (uint64_t **)(timer_of(backend_visit(&q.s->queue, &cursor)) + 1);
	assert_int_equal(*node[2], job >> 2);
	*node[2] = last;
	job = last << 2 | (job & 3);
	assert_int_equal(rota_executor_reset(q.x, job, TICK), 1);
	assert_int_equal(rota_executor_stop(q.x, job), ROTA_PREVENTED);
	for (unsigned i = 0; i < 20; i++) {
		assert_int_equal(
		    rota_executor_after_func(q.x, TICK, count_run, &q, &q.next),
		    0);
		assert_true((q.next & 3) != (job & 3));
		assert_int_equal(rota_executor_stop(q.x, job), -ESTALE);
		assert_int_equal(
		    rota_executor_stop(q.x, q.next), ROTA_PREVENTED);
	}
	polled_close(&q, 0);
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

#define OWN(f, name, i)                                 \
	{                                               \
#f " (" name ")", f, NULL, NULL,        \
		    (void *)(uintptr_t)&pod_backends[i] \
	}
#define ON_ITS_OWN(f) OWN(f, "heap", 0), OWN(f, "wheel", 1), OWN(f, "coarse", 2)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_end_of_the_engine_finds_is_told),
		POD(each_runs_once_on_a_worker),
		POD_EXACT(the_workers_bound_what_runs_at_once),
		POD_EXACT(a_stop_prevents_what_has_not_begun),
		POD(the_end_waits_for_what_runs_and_drops_the_rest),
		POD(what_arms_itself_is_told_of_the_end),
		POD(a_job_that_ends_its_thread_is_done),
		POD(the_end_waits_for_a_job_that_ends_its_thread),
		POD(where_no_thread_is_to_be_had_the_old_one_goes_on),
		POD(a_reset_moves_what_has_not_begun),
		ON_ITS_OWN(what_a_refusal_left_behind_is_no_thread),
		ON_ITS_OWN(the_room_of_one_stopped_in_the_last_moment_is_free),
		ON_ITS_OWN(one_that_is_reset_in_the_last_moment_waits_anew),
		ON_ITS_OWN(a_job_whose_generations_are_used_up_retires),
		POD_ONE(
		    the_cost_of_a_stop_is_the_same_in_any_queue, "wheel", 1),
		POD(what_is_none_is_refused),
	};

	return cmocka_run_group_tests_name("executor", tests, NULL, NULL);
}
