/* SPDX-License-Identifier: MIT
 *
 * bubble_test.c - api/wait/bubble.c: virtual time for threads that wait.
 * Claims: the clock stands while one of its threads runs and jumps to the next
 * deadline when all wait; each wakes at its instant, in order; a thread counts
 * from before it runs until it leaves; who waits for ever is told so; what is
 * not a bubble's is refused.
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
	};

	return cmocka_run_group_tests_name("bubble", tests, NULL, NULL);
}
