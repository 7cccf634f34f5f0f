/* SPDX-License-Identifier: MIT
 *
 * bubble_test.c - api/wait/bubble.c: virtual time for threads that wait.
 * Claims: the clock stands while one of its threads runs and jumps to the next
 * deadline when all wait; each wakes at its instant, in order; a thread counts
 * from before it runs until it leaves; who waits for ever is told so; what is
 * not a bubble's is refused; a deadline wakes all that wait below it at its
 * instant; who waits for all finds done what was due; and the ideas of Go's
 * testing/synctest.
 * Rows     G6 G16
 */
#define _POSIX_C_SOURCE 200809L /* clock_gettime */
#include <errno.h>
#include <sched.h>
#include <time.h>

#include "tests/support/pod.h"

static void
an_hour_takes_no_time(void **state)
{
	struct pod *p = *state;
	struct timespec begin, end;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	assert_int_equal(pod_now(p), 0);
	pod_sleep(p, 1000 * ROTA_HOUR);
	assert_true(pod_now(p) >= 1000 * ROTA_HOUR);
	assert_true(pod_now(p) < 1000 * ROTA_HOUR + 2 * TICK);
	clock_gettime(CLOCK_MONOTONIC, &end);
	assert_true(end.tv_sec - begin.tv_sec < 600);
}

static void
no_span_is_no_sleep(void **state)
{
	struct pod *p = *state;

	pod_sleep(p, 0);
	pod_sleep(p, -1);
	pod_sleep(p, INT64_MIN);
	assert_int_equal(pod_now(p), 0);
}

static void
no_call(void *arg)
{
	(void)arg;
}

static void *wait_for_ever(void *arg);

struct sleeper {
	struct pod *p;
	rota_span span, again;
	rota_time at[2];
	int answer;
	unsigned order, *count;
};

static void *
sleep_twice(void *arg)
{
	struct sleeper *s = arg;

	s->answer = rota_sleep(s->p->engine, s->span, NULL);
	s->at[0] = rota_engine_now(s->p->engine);
	s->order = __atomic_fetch_add(s->count, 1, __ATOMIC_RELAXED);
	if (!s->answer)
		s->answer = rota_sleep(s->p->engine, s->again, NULL);
	s->at[1] = rota_engine_now(s->p->engine);
	return NULL;
}

static void
each_wakes_at_its_instant(void **state)
{
	struct pod *p = *state;
	struct sleeper s[20];
	pthread_t thread[20];
	unsigned count = 0;

	for (unsigned i = 0; i < 20; i++) {
		s[i] = (struct sleeper){ p, (7 * i % 20 + 1) * TICK,
			(i + 1) * TICK, .count = &count };
		assert_int_equal(rota_bubble_thread(
				     p->bubble, &thread[i], sleep_twice, &s[i]),
		    0);
	}
	assert_int_equal(pod_now(p), 0); /* we run: it stands */
	pod_sleep(p, 50 * TICK);
	assert_int_equal(pod_now(p), 50 * TICK);
	for (unsigned i = 0; i < 20; i++) {
		pthread_join(thread[i], NULL);
		assert_int_equal(s[i].answer, 0);
		assert_int_equal(s[i].at[0], s[i].span);
		assert_int_equal(s[i].at[1], s[i].span + s[i].again);
		assert_int_equal(s[i].order, 7 * i % 20);
	}
}

/* The last to run waits for nobody: those that are left go on. */
static void
who_leaves_lets_the_others_go_on(void **state)
{
	struct pod *p = *state;
	unsigned count = 0;
	struct sleeper s = { p, 3 * TICK, TICK, .count = &count };
	pthread_t thread;

	assert_int_equal(
	    rota_bubble_thread(p->bubble, &thread, sleep_twice, &s), 0);
	assert_int_equal(rota_bubble_wait(p->bubble), 0);
	assert_int_equal(pod_now(p), 0);
	assert_int_equal(rota_bubble_destroy(p->bubble), -EBUSY);
	assert_int_equal(rota_bubble_leave(p->bubble), 0);
	pthread_join(thread, NULL);
	assert_int_equal(s.answer, 0);
	assert_int_equal(s.at[1], 4 * TICK);
	assert_int_equal(rota_bubble_join(p->bubble), 0);
}

/* A thread that leaves moves the clock for the one that sleeps, which then
 * waits for all to be asleep while the other may still be at it. */
static void
a_wait_beside_one_that_moves_the_clock_ends(void **state)
{
	struct pod *p = *state;

	for (unsigned i = 0; i < 300; i++) {
		unsigned count = 0;
		struct sleeper s = { p, TICK, TICK, .count = &count };
		pthread_t thread;

		assert_int_equal(
		    rota_bubble_thread(p->bubble, &thread, sleep_twice, &s), 0);
		pod_sleep(p, 5 * TICK);
		assert_int_equal(rota_bubble_wait(p->bubble), 0);
		pthread_join(thread, NULL);
	}
}

static void *
sleep_and_exit(void *arg)
{
	struct sleeper *s = arg;

	s->answer = rota_sleep(s->p->engine, s->span, NULL);
	s->at[0] = rota_engine_now(s->p->engine);
	pthread_exit(NULL);
}

static void *
join_and_exit(void *arg)
{
	struct sleeper *s = arg;

	s->answer = rota_bubble_join(s->p->bubble);
	__atomic_store_n(s->count, 1, __ATOMIC_RELEASE);
	if (!s->answer)
		sleep_and_exit(arg);
	return NULL;
}

static void *
join_and_return(void *arg)
{
	struct sleeper *s = arg;

	s->answer = rota_bubble_join(s->p->bubble);
	__atomic_store_n(s->count, 1, __ATOMIC_RELEASE);
	return NULL;
}

/* However a thread ends: nobody waits for it. */
static void
who_ends_has_left(void **state)
{
	static void *(*const how[])(
	    void *) = { sleep_and_exit, join_and_exit, join_and_return };
	struct pod *p = *state;

	for (unsigned i = 0; i < CM_COUNT(how); i++) {
		unsigned joined = 0;
		struct sleeper s = { .p = p, .span = TICK, .count = &joined };
		rota_time begin = pod_now(p);
		pthread_t thread;

		if (i) {
			assert_int_equal(
			    pthread_create(&thread, NULL, how[i], &s), 0);
			while (!__atomic_load_n(&joined, __ATOMIC_ACQUIRE))
				sched_yield();
		} else {
			assert_int_equal(
			    rota_bubble_thread(p->bubble, &thread, how[i], &s),
			    0);
		}
		pod_sleep(p, 10 * TICK);
		assert_int_equal(pod_now(p), begin + 10 * TICK);
		pthread_join(thread, NULL);
		assert_int_equal(s.answer, 0);
		if (i < 2)
			assert_int_equal(s.at[0], begin + TICK);
	}
	/* it is empty, once the last has left */
	assert_int_equal(rota_bubble_leave(p->bubble), 0);
	assert_int_equal(rota_bubble_destroy(p->bubble), 0);
	assert_int_equal(rota_bubble_create(&p->bubble, ROTA_HEAP), 0);
	p->engine = rota_bubble_engine(p->bubble);
	assert_int_equal(rota_bubble_join(p->bubble), 0);
}

/* Its entry may stay behind: nobody asked for that instant. */
static void
a_stopped_timer_does_not_move_the_clock(void **state)
{
	struct pod *p = *state;
	struct sleeper s = { .p = p };
	pthread_t thread;
	rota_handle h[100];

	/* one filed by a poll, the others not yet */
	assert_int_equal(
	    rota_after_func(p->engine, ROTA_HOUR, no_call, NULL, &h[0]), 0);
	pod_sleep(p, TICK);
	for (int i = 1; i < 100; i++)
		assert_int_equal(rota_after_func(p->engine, i * ROTA_MINUTE,
				     no_call, NULL, &h[i]),
		    0);
	for (int i = 0; i < 100; i++)
		assert_int_equal(
		    rota_handle_stop(p->engine, h[i]), ROTA_PREVENTED);
	assert_int_equal(
	    rota_bubble_thread(p->bubble, &thread, wait_for_ever, &s), 0);
	assert_int_equal(rota_sleep(p->engine, INT64_MAX, NULL), -EDEADLK);
	pthread_join(thread, NULL);
	assert_int_equal(s.answer, -EDEADLK);
	assert_int_equal(pod_now(p), TICK);
}

/* One that never comes does not move it either. */
static void
what_is_armed_for_never_does_not_move_the_clock(void **state)
{
	struct pod *p = *state;
	rota_handle h;

	assert_int_equal(
	    rota_after_func(p->engine, INT64_MAX, no_call, NULL, &h), 0);
	pod_sleep(p, TICK);
	assert_int_equal(rota_sleep(p->engine, INT64_MAX, NULL), -EDEADLK);
	assert_int_equal(pod_now(p), TICK);
	assert_int_equal(rota_handle_stop(p->engine, h), ROTA_PREVENTED);
}

struct outside {
	struct pod *p;
	struct rota_executor *x;
	rota_time at;
	unsigned runs;
	int answer;
};

static void
note_time(void *arg)
{
	struct outside *o = arg;

	o->at = pod_now(o->p);
	__atomic_fetch_add(&o->runs, 1, __ATOMIC_RELEASE);
}

static void
wait_for_runs(struct outside *o, unsigned runs)
{
	while (__atomic_load_n(&o->runs, __ATOMIC_ACQUIRE) != runs)
		sched_yield();
}

static void *
receive_for_ever(void *arg)
{
	struct sleeper *s = arg;
	struct rota_channel *c;
	rota_time at;

	c = rota_after(s->p->engine, ROTA_HOUR);
	rota_channel_stop(c);
	s->answer = rota_channel_receive(c, &at);
	rota_channel_unref(c);
	return NULL;
}

/* A ticker that nobody stops ticks for those that are left. */
static void
who_leaves_does_not_stay_to_tick(void **state)
{
	struct pod *p = *state;
	struct sleeper s = { .p = p };
	struct rota_channel *c;
	pthread_t thread;

	assert_int_equal(rota_ticker_create_mode(&c, p->engine, ROTA_SECOND,
			     ROTA_MISSED_SKIP, ROTA_CHANNEL_ASYNC),
	    0);
	assert_int_equal(
	    rota_bubble_thread(p->bubble, &thread, receive_for_ever, &s), 0);
	assert_int_equal(rota_bubble_wait(p->bubble), 0);
	assert_int_equal(rota_bubble_leave(p->bubble), 0);
	while (pod_now(p) < ROTA_MINUTE)
		sched_yield();
	rota_channel_stop(c);
	pthread_join(thread, NULL);
	assert_int_equal(s.answer, -EDEADLK);
	rota_channel_unref(c);
	assert_int_equal(rota_bubble_join(p->bubble), 0);
}

/* They are the only threads that there are. */
static void
idle_workers_move_the_clock_for_a_job(void **state)
{
	struct pod *p = *state;
	struct outside o = { .p = p };
	struct rota_channel *c;
	rota_handle h;
	rota_job job;

	assert_int_equal(rota_executor_create(&o.x, p->engine, 3, 5), 0);
	/* nobody waits for these */
	assert_int_equal(rota_ticker_create_mode(&c, p->engine, ROTA_SECOND,
			     ROTA_MISSED_SKIP, ROTA_CHANNEL_ASYNC),
	    0);
	assert_int_equal(
	    rota_after_func(p->engine, ROTA_SECOND, no_call, NULL, &h), 0);
	assert_int_equal(rota_bubble_leave(p->bubble), 0);
	assert_int_equal(pod_now(p), 0);
	for (unsigned i = 1; i < 50; i++) {
		rota_time begin = pod_now(p);

		assert_int_equal(rota_executor_after_func(
				     o.x, 60000 * TICK, note_time, &o, &job),
		    0);
		wait_for_runs(&o, i);
		assert_int_equal(o.at, begin + 60000 * TICK);
	}
	/* one for never, until it is moved */
	assert_int_equal(
	    rota_executor_after_func(o.x, INT64_MAX, note_time, &o, &job), 0);
	assert_int_equal(rota_executor_reset(o.x, job, 60000 * TICK), 1);
	wait_for_runs(&o, 50);
	assert_int_equal(rota_bubble_join(p->bubble), 0);
	rota_channel_stop(c);
	rota_channel_unref(c);
	assert_int_equal(rota_executor_destroy(o.x), 0);
}

/* What a callback arms, at the same instant and later. */
struct chain {
	struct pod *p;
	unsigned left, ran;
	rota_time at;
};

static void
link(void *arg)
{
	struct chain *c = arg;

	c->ran++;
	c->at = rota_engine_now(c->p->engine);
	if (--c->left)
		rota_after_func(
		    c->p->engine, c->left % 2 ? TICK : 0, link, c, NULL);
}

static void
callbacks_run_on_the_way(void **state)
{
	struct pod *p = *state;
	struct chain c = { p, 9, 0, 0 };

	rota_after_func(p->engine, TICK, link, &c, NULL);
	assert_int_equal(rota_bubble_wait(p->bubble), 0);
	assert_int_equal(c.ran, 0);
	pod_sleep(p, 100 * TICK);
	assert_int_equal(c.ran, 9);
	assert_int_equal(c.at, 5 * TICK);
	assert_int_equal(pod_now(p), 100 * TICK);
}

static void *
wait_for_ever(void *arg)
{
	struct sleeper *s = arg;

	s->answer = rota_sleep(s->p->engine, INT64_MAX, NULL);
	return NULL;
}

static void
who_waits_for_ever_is_told_so(void **state)
{
	struct pod *p = *state;
	struct sleeper s[3];
	pthread_t thread[3];

	for (unsigned i = 0; i < 3; i++) {
		s[i] = (struct sleeper){ .p = p };
		assert_int_equal(rota_bubble_thread(p->bubble, &thread[i],
				     wait_for_ever, &s[i]),
		    0);
	}
	pod_sleep(p, TICK); /* this one ends */
	assert_int_equal(rota_sleep(p->engine, INT64_MAX, NULL), -EDEADLK);
	for (unsigned i = 0; i < 3; i++) {
		pthread_join(thread[i], NULL);
		assert_int_equal(s[i].answer, -EDEADLK);
	}
	/* from then on, whatever for */
	assert_int_equal(rota_sleep(p->engine, TICK, NULL), -EDEADLK);
	assert_int_equal(rota_bubble_wait(p->bubble), -EDEADLK);
	assert_int_equal(rota_sleep(p->engine, 0, NULL), 0);
}

/* What is filed in the last tick never comes. */
static void
the_end_of_time_is_for_ever(void **state)
{
	struct pod *p = *state;

	assert_int_equal(rota_sleep(p->engine, ROTA_NEVER - 2, NULL), -EDEADLK);
}

struct leaver {
	struct pod *p;
	int answer;
};

static void
leave_inside(void *arg)
{
	struct leaver *l = arg;

	l->answer = rota_bubble_leave(l->p->bubble);
}

struct ended {
	struct rota_layer layer;
	unsigned times;
};

static void
layer_end(struct rota_layer *l)
{
	rota_container_of(l, struct ended, layer)->times++;
}

/* Another's layer is not taken for the channels' own. */
static void
a_layer_that_is_taken_is_left_alone(void **state)
{
	struct rota_config config = {
		.size = sizeof(config), .shards = 1, .clock = ROTA_CLOCK_VIRTUAL
	};
	struct ended own = { { layer_end }, 0 }, second = own;
	struct rota_engine *e;
	struct rota_channel *c;

	(void)state;
	assert_int_equal(rota_engine_create(&e, &config), 0);
	assert_null(rota_engine_at_destroy(e, NULL));
	assert_ptr_equal(rota_engine_at_destroy(e, &own.layer), &own.layer);
	assert_ptr_equal(rota_engine_at_destroy(e, &second.layer), &own.layer);
	assert_int_equal(
	    rota_channel_create(&c, e, 0, ROTA_CHANNEL_SYNC), -ENOMEM);
	assert_null(c);
	assert_int_equal(rota_engine_destroy(e, ROTA_REFUSE), 0);
	assert_int_equal(own.times, 1);
	assert_int_equal(second.times, 0);
	assert_null(rota_engine_at_destroy(NULL, NULL));
	assert_null(rota_engine_local_shard(NULL));
	assert_int_equal(rota_engine_would_deadlock(NULL), -EINVAL);
	assert_null(rota_engine_alloc(NULL, 8));
}

static void
what_is_not_a_bubbles_is_refused(void **state)
{
	struct pod *p = *state;
	struct rota_bubble *b = p->bubble;
	pthread_t thread;

	assert_int_equal(rota_bubble_create(NULL, ROTA_HEAP), -EINVAL);
	assert_int_equal(rota_bubble_create(&b, 7), -EINVAL);
	assert_null(b);
	assert_int_equal(rota_bubble_create(&b, ROTA_HEAP), 0);
	assert_int_equal(rota_bubble_join(b), -EBUSY);
	assert_int_equal(rota_bubble_join(p->bubble), -EBUSY);
	assert_int_equal(rota_bubble_leave(b), -EPERM);
	assert_int_equal(rota_bubble_wait(b), -EPERM);
	assert_int_equal(rota_sleep(rota_bubble_engine(b), 1, NULL), -EPERM);
	assert_int_equal(rota_bubble_destroy(b), 0);
	assert_int_equal(rota_bubble_join(NULL), -EINVAL);
	assert_int_equal(rota_bubble_leave(NULL), -EINVAL);
	assert_int_equal(rota_bubble_wait(NULL), -EINVAL);
	assert_int_equal(rota_bubble_destroy(NULL), -EINVAL);
	assert_null(rota_bubble_engine(NULL));
	assert_int_equal(
	    rota_bubble_thread(NULL, &thread, wait_for_ever, NULL), -EINVAL);
	assert_int_equal(
	    rota_bubble_thread(p->bubble, NULL, wait_for_ever, NULL), -EINVAL);
	assert_int_equal(
	    rota_bubble_thread(p->bubble, &thread, NULL, NULL), -EINVAL);
	assert_int_equal(rota_sleep(NULL, 1, NULL), -EINVAL);
	{
		struct leaver l = { p, 0 };

		rota_after_func(p->engine, TICK, leave_inside, &l, NULL);
		pod_sleep(p, 2 * TICK);
		assert_int_equal(l.answer, -EDEADLK);
	}
}

/*
 * A deadline with many below it.
 */

enum { HERD = 200, LINE = 3000 };

struct herd {
	struct pod *p;
	struct rota_context *top, *line[LINE];
	pthread_t thread[HERD], other;
	unsigned woken;
};

static void *
wait_at_the_top(void *arg)
{
	struct herd *h = arg;

	if (!rota_context_wait(h->top, ROTA_NEVER))
		__atomic_fetch_add(&h->woken, 1, __ATOMIC_RELAXED);
	return NULL;
}

static void *
wait_at_the_bottom(void *arg)
{
	struct herd *h = arg;

	if (!rota_context_wait(h->line[LINE - 1], ROTA_NEVER))
		__atomic_fetch_add(&h->woken, 1, __ATOMIC_RELAXED);
	return NULL;
}

/* @n threads wait for @top, or, @deep, below many contexts. */
static struct herd *
herd_open(struct pod *p, unsigned n, bool deep)
{
	struct herd *h = calloc(1, sizeof(*h));
	rota_time begin = pod_now(p);

	assert_non_null(h);
	h->p = p;
	assert_int_equal(
	    rota_context_with_timeout(&h->top, p->engine, NULL, 5 * TICK), 0);
	for (unsigned i = 0; deep && i < LINE; i++)
		assert_int_equal(rota_context_create(&h->line[i], p->engine,
				     i ? h->line[i - 1] : h->top),
		    0);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(
		    rota_bubble_thread(p->bubble, &h->thread[i],
			deep ? wait_at_the_bottom : wait_at_the_top, h),
		    0);
	assert_int_equal(rota_bubble_wait(p->bubble), 0);
	assert_int_equal(h->woken, 0);
	assert_int_equal(pod_now(p), begin);
	return h;
}

static void
herd_close(struct herd *h, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		pthread_join(h->thread[i], NULL);
	assert_int_equal(h->woken, n);
	for (unsigned i = 0; i < LINE; i++)
		rota_context_unref(h->line[i]);
	rota_context_unref(h->top);
	free(h);
}

/* The test wakes at that instant, too, and counts as running while it joins
 * the others. */
static void
a_deadline_wakes_all_at_its_instant(void **state)
{
	static const unsigned many[] = { 1, HERD };
	struct pod *p = *state;

	for (unsigned i = 0; i < 4; i++) {
		unsigned n = many[i % 2];
		struct herd *h = herd_open(p, n, i >= 2);
		rota_time due = rota_context_deadline(h->top);

		pod_sleep(p, 5 * TICK);
		herd_close(h, n);
		assert_int_equal(pod_now(p), due);
	}
}

static void
a_wait_for_all_ends_after_all_that_is_due(void **state)
{
	static const unsigned many[] = { 1, HERD };
	struct pod *p = *state;

	for (unsigned i = 0; i < 4; i++) {
		unsigned n = many[i % 2];
		struct herd *h = herd_open(p, n, i >= 2);
		rota_time due = rota_context_deadline(h->top);

		pod_sleep(p, 5 * TICK);
		assert_int_equal(rota_bubble_wait(p->bubble), 0);
		assert_int_equal(
		    __atomic_load_n(&h->woken, __ATOMIC_RELAXED), n);
		assert_int_equal(pod_now(p), due);
		herd_close(h, n);
	}
}

static void *
cancel_the_top(void *arg)
{
	struct herd *h = arg;

	rota_sleep(h->p->engine, 5 * TICK, NULL);
	rota_context_cancel(h->top, 7);
	return NULL;
}

/* Another cancels at the instant of the deadline. */
static void
a_cancel_at_the_deadline_wakes_all(void **state)
{
	struct pod *p = *state;

	for (unsigned i = 0; i < 8; i++) {
		unsigned n = i % 2 ? HERD : 1;
		struct herd *h = herd_open(p, n, i / 2 % 2);
		rota_time due = rota_context_deadline(h->top);

		assert_int_equal(
		    rota_bubble_thread(p->bubble, &h->other, cancel_the_top, h),
		    0);
		pod_sleep(p, 5 * TICK);
		if (i < 4) {
			assert_int_equal(rota_bubble_wait(p->bubble), 0);
			assert_int_equal(
			    __atomic_load_n(&h->woken, __ATOMIC_RELAXED), n);
		}
		pthread_join(h->other, NULL);
		herd_close(h, n);
		assert_int_equal(pod_now(p), due);
	}
}

/* A function that is due at this instant, one that it arms for this instant,
 * and a function after a context's end. */
static void
a_wait_for_all_runs_what_is_due(void **state)
{
	struct pod *p = *state;
	struct chain c = { p, 4, 0, 0 };
	struct outside o = { .p = p };
	struct rota_context *done;

	pod_sleep(p, 7 * TICK);
	assert_int_equal(
	    rota_after_func(p->engine, -ROTA_SECOND, link, &c, NULL), 0);
	assert_int_equal(rota_context_create(&done, p->engine, NULL), 0);
	assert_int_equal(rota_context_after_func(NULL, done, note_time, &o), 0);
	assert_int_equal(rota_bubble_wait(p->bubble), 0);
	assert_int_equal(c.ran, 1);
	assert_int_equal(o.runs, 0);
	assert_int_equal(rota_context_cancel(done, 0), 1);
	assert_int_equal(rota_bubble_wait(p->bubble), 0);
	assert_int_equal(o.runs, 1);
	assert_int_equal(pod_now(p), 7 * TICK);
	rota_context_unref(done);
	pod_sleep(p, 9 * TICK);
	assert_int_equal(c.ran, 4);
}

/*
 * Ideas of Go's testing/synctest.
 */

struct born {
	struct pod *p;
	struct sleeper s;
	pthread_t thread;
	int answer;
};

static void
give_birth(void *arg)
{
	struct born *b = arg;

	b->answer = rota_bubble_thread(
	    b->p->bubble, &b->thread, sleep_twice, &b->s);
}

/* It counts from then on: the clock does not pass by. */
static void
a_callback_starts_a_thread(void **state)
{
	struct pod *p = *state;
	unsigned count = 0;
	struct born b = { p, { p, TICK, 2 * TICK, .count = &count }, 0, 7 };

	assert_int_equal(
	    rota_after_func(p->engine, 5 * TICK, give_birth, &b, NULL), 0);
	pod_sleep(p, 100 * TICK);
	assert_int_equal(b.answer, 0);
	pthread_join(b.thread, NULL);
	assert_int_equal(b.s.answer, 0);
	assert_in_range(b.s.at[0], 6 * TICK, 8 * TICK);
	assert_in_range(b.s.at[1], b.s.at[0] + 2 * TICK, 11 * TICK);
}

struct elsewhere {
	struct pod *p;
	struct rota_engine *e;
	rota_time at;
	int answer;
};

static void *
receive_elsewhere(void *arg)
{
	struct elsewhere *o = arg;
	struct rota_channel *c = rota_after(o->e, 20 * ROTA_MILLISECOND);

	o->answer = rota_channel_receive(c, NULL);
	o->at = pod_now(o->p);
	rota_channel_unref(c);
	return NULL;
}

/* Who waits on another engine is not blocked: the clock waits. */
static void
the_clock_waits_for_one_that_waits_elsewhere(void **state)
{
	struct pod *p = *state;
	struct rota_config config = {
		.size = sizeof(config), .shards = 1, .flags = ROTA_DRIVERS
	};
	struct elsewhere o = { .p = p, .at = -1 };
	pthread_t thread;

	assert_int_equal(rota_engine_create(&o.e, &config), 0);
	assert_int_equal(
	    rota_bubble_thread(p->bubble, &thread, receive_elsewhere, &o), 0);
	pod_sleep(p, ROTA_HOUR);
	pthread_join(thread, NULL);
	assert_int_equal(o.answer, 1);
	assert_int_equal(o.at, 0);
	assert_true(pod_now(p) >= ROTA_HOUR);
	assert_int_equal(rota_engine_destroy(o.e, ROTA_REFUSE), 0);
}

struct stranger {
	struct pod *p;
	struct rota_channel *c;
	int receive, sleep, poll, reset, both;
};

static void *
use_from_outside(void *arg)
{
	struct stranger *s = arg;

	s->receive = rota_channel_receive(s->c, NULL);
	s->sleep = rota_sleep(s->p->engine, TICK, NULL);
	s->poll = rota_channel_poll(s->c, NULL);
	s->reset = rota_channel_reset(s->c, 3 * TICK);
	return NULL;
}

static void *
use_from_another(void *arg)
{
	struct stranger *s = arg;
	struct rota_bubble *b;
	struct rota_case k[2] = { { .channel = s->c } };

	if (rota_bubble_create(&b, ROTA_HEAP))
		return NULL;
	rota_bubble_join(b);
	k[1].channel = rota_after(rota_bubble_engine(b), TICK);
	s->both = rota_select(k, 2, ROTA_NEVER);
	rota_channel_unref(k[1].channel);
	use_from_outside(arg);
	rota_bubble_leave(b);
	rota_bubble_destroy(b);
	return NULL;
}

/* A timer of the bubble: others cannot wait on it, but stop and reset it. */
static void
a_timer_is_used_from_outside(void **state)
{
	struct pod *p = *state;

	for (unsigned i = 0; i < 2; i++) {
		struct stranger s = { p, pod_channel(p, TICK, 0), 7, 7, 7, 7,
			-EINVAL };
		rota_time begin = pod_now(p), at;
		pthread_t thread;

		assert_int_equal(
		    pthread_create(&thread, NULL,
			i ? use_from_another : use_from_outside, &s),
		    0);
		pthread_join(thread, NULL);
		assert_int_equal(s.receive, -EPERM);
		assert_int_equal(s.sleep, -EPERM);
		assert_int_equal(s.poll, 0);
		assert_int_equal(s.reset, 1);
		assert_int_equal(s.both, -EINVAL);
		assert_int_equal(rota_channel_receive(s.c, &at), 1);
		assert_int_equal(at, begin + 3 * TICK);
		rota_channel_unref(s.c);
	}
}

struct taker {
	struct rota_channel *c;
	struct rota_context *end;
	unsigned got;
};

static void *
take_until_the_end(void *arg)
{
	struct taker *t = arg;
	struct rota_case k[2] = { { .context = t->end }, { .channel = t->c } };

	while (rota_select(k, 2, ROTA_NEVER) == 1)
		t->got++;
	return NULL;
}

static void
a_reset_to_zero_does_not_hang(void **state)
{
	struct pod *p = *state;
	struct taker t = { .c = pod_channel(p, 0, 0) };
	pthread_t thread;

	assert_int_equal(rota_context_create(&t.end, p->engine, NULL), 0);
	assert_int_equal(
	    rota_bubble_thread(p->bubble, &thread, take_until_the_end, &t), 0);
	for (unsigned i = 1; i < 10; i++) {
		assert_int_equal(rota_bubble_wait(p->bubble), 0);
		assert_int_equal(t.got, i);
		assert_int_equal(rota_channel_reset(t.c, 0), 0);
	}
	assert_int_equal(rota_bubble_wait(p->bubble), 0);
	assert_int_equal(t.got, 10);
	assert_int_equal(pod_now(p), 0);
	assert_int_equal(rota_context_cancel(t.end, 0), 1);
	pthread_join(thread, NULL);
	rota_channel_unref(t.c);
	rota_context_unref(t.end);
}

enum { LINKS = 100 };

struct link {
	struct pod *p;
	struct link *next; /* NULL: the last */
	pthread_t thread;  /* of the next */
	unsigned *asleep, *woken;
};

/* Each starts the next and sleeps. */
static void *
start_the_next(void *arg)
{
	struct link *l = arg;
	bool started = l->next &&
	    !rota_bubble_thread(
		l->p->bubble, &l->thread, start_the_next, l->next);

	__atomic_fetch_add(l->asleep, 1, __ATOMIC_RELAXED);
	if (!rota_sleep(l->p->engine, TICK, NULL))
		__atomic_fetch_add(l->woken, 1, __ATOMIC_RELAXED);
	if (started)
		pthread_join(l->thread, NULL);
	return NULL;
}

static void
a_wait_for_all_waits_for_a_chain_of_threads(void **state)
{
	struct pod *p = *state;
	struct link l[LINKS];
	unsigned asleep = 0, woken = 0;
	pthread_t first;

	for (unsigned i = 0; i < LINKS; i++)
		l[i] = (struct link){ p, i + 1 < LINKS ? &l[i + 1] : NULL, 0,
			&asleep, &woken };
	assert_int_equal(
	    rota_bubble_thread(p->bubble, &first, start_the_next, &l[0]), 0);
	assert_int_equal(rota_bubble_wait(p->bubble), 0);
	assert_int_equal(__atomic_load_n(&asleep, __ATOMIC_RELAXED), LINKS);
	assert_int_equal(__atomic_load_n(&woken, __ATOMIC_RELAXED), 0);
	assert_int_equal(pod_now(p), 0);
	pod_sleep(p, 2 * TICK);
	pthread_join(first, NULL);
	assert_int_equal(woken, LINKS);
}

static void *
wait_for_all(void *arg)
{
	struct leaver *l = arg;

	l->answer = rota_bubble_wait(l->p->bubble);
	return NULL;
}

/* Where Go panics. */
static void
two_wait_for_all_at_once(void **state)
{
	struct pod *p = *state;

	for (unsigned i = 0; i < 100; i++) {
		rota_time begin = pod_now(p);
		struct leaver l = { p, 7 };
		pthread_t thread;

		assert_int_equal(
		    rota_bubble_thread(p->bubble, &thread, wait_for_all, &l),
		    0);
		assert_int_equal(rota_bubble_wait(p->bubble), 0);
		assert_int_equal(pod_now(p), begin);
		pod_sleep(p, TICK);
		pthread_join(thread, NULL);
		assert_int_equal(l.answer, 0);
		assert_int_equal(pod_now(p), begin + TICK);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		POD(an_hour_takes_no_time),
		POD(no_span_is_no_sleep),
		POD(each_wakes_at_its_instant),
		POD(who_leaves_lets_the_others_go_on),
		POD(a_wait_beside_one_that_moves_the_clock_ends),
		POD(who_ends_has_left),
		POD(a_stopped_timer_does_not_move_the_clock),
		POD(what_is_armed_for_never_does_not_move_the_clock),
		POD(who_leaves_does_not_stay_to_tick),
		POD(idle_workers_move_the_clock_for_a_job),
		POD(callbacks_run_on_the_way),
		POD(who_waits_for_ever_is_told_so),
		POD(the_end_of_time_is_for_ever),
		cmocka_unit_test(a_layer_that_is_taken_is_left_alone),
		POD(what_is_not_a_bubbles_is_refused),
		POD(a_deadline_wakes_all_at_its_instant),
		POD(a_wait_for_all_ends_after_all_that_is_due),
		POD(a_cancel_at_the_deadline_wakes_all),
		POD(a_wait_for_all_runs_what_is_due),
		POD(a_callback_starts_a_thread),
		POD(the_clock_waits_for_one_that_waits_elsewhere),
		POD(a_timer_is_used_from_outside),
		POD(a_reset_to_zero_does_not_hang),
		POD(a_wait_for_all_waits_for_a_chain_of_threads),
		POD(two_wait_for_all_at_once),
	};

	return cmocka_run_group_tests_name("bubble", tests, NULL, NULL);
}
