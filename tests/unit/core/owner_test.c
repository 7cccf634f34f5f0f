/* SPDX-License-Identifier: MIT
 *
 * owner_test.c - core/self.c: who owns a shard, and the end of that thread.
 * Claims: a thread's end gives up what it owns, and another may attach, adopt
 * or retire; a thread that comes to lie where that one lay is another; a
 * callback that ends its thread is over, and the shard goes on; one that does
 * so in the middle of the filing leaves a shard that says so; the end of a
 * thread touches no engine that is gone; what watching for the end needs of
 * the system is a clean error.
 *
 * The program is linked so that the system calls come here first.
 * Rows     G13 G14
 */
#define _DEFAULT_SOURCE /* usleep, MAP_ANONYMOUS */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/shard.h"
#include "tests/support/world.h"

/* Calls of the thread that set it fail. */
static _Thread_local struct {
	bool malloc, key, specific;
} refuse;

void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);
int __real_pthread_key_create(pthread_key_t *k, void (*end)(void *));
int __wrap_pthread_key_create(pthread_key_t *k, void (*end)(void *));
int __real_pthread_setspecific(pthread_key_t k, const void *p);
int __wrap_pthread_setspecific(pthread_key_t k, const void *p);

void *
__wrap_malloc(size_t n)
{
	if (!refuse.malloc)
		return __real_malloc(n);
	errno = ENOMEM;
	return NULL;
}

int
__wrap_pthread_key_create(pthread_key_t *k, void (*end)(void *))
{
	return refuse.key ? EAGAIN : __real_pthread_key_create(k, end);
}

int
__wrap_pthread_setspecific(pthread_key_t k, const void *p)
{
	return refuse.specific ? ENOMEM : __real_pthread_setspecific(k, p);
}

/* Two shards; the thread of the test owns neither. */
static struct rota_shard *
two_shards(struct world *w, unsigned flags)
{
	struct rota_config c = world_config(w);

	world_destroy(w, ROTA_REFUSE);
	c.shards = 2;
	c.flags = flags;
	world_open(w, &c);
	if (!(flags & ROTA_DRIVERS))
		assert_int_equal(rota_shard_detach(w->shard), 0);
	return rota_engine_shard(w->engine, 1);
}

static void
own_both(void *arg)
{
	struct world *w = arg;
	struct probe *p = w->probes;

	for (unsigned i = 0; i < 2; i++)
		if (rota_shard_attach(rota_engine_shard(w->engine, i)))
			abort();
	rota_timer_reset_at(&p[0].timer, 2 * TICK);
	rota_timer_reset_at(&p[1].timer, 3 * TICK);
	rota_shard_poll(w->shard, TICK, 0);
	rota_timer_reset_at(&p[1].timer, 4 * TICK);
	rota_timer_reset_at(&p[2].timer, TICK); /* staged, no more */
	if (rota_shard_park(w->shard))
		abort();
}

static void
the_end_of_a_thread_gives_up_what_it_owns(void **state)
{
	struct world *w = *state;
	struct rota_shard *second = two_shards(w, 0);

	world_probes(w, 3);
	elsewhere(own_both, w);
	assert_int_equal(rota_shard_poll(w->shard, 9 * TICK, 0), -EPERM);
	assert_int_equal(rota_shard_attach(w->shard), 0);
	assert_int_equal(rota_shard_attach(w->shard), -EBUSY);
	assert_int_equal(rota_shard_attach(second), 0);
	world_poll(w, 9 * TICK);
	expect_fired(w, 2, 0, 1);
	assert_int_equal(rota_shard_check(w->shard), 0);
	assert_int_equal(rota_shard_detach(second), 0);
	assert_int_equal(rota_shard_poll(second, 9 * TICK, 0), -EPERM);
}

static void
park_and_end(void *arg)
{
	struct world *w = arg;

	if (rota_shard_attach(w->shard))
		abort();
	rota_shard_poll(w->shard, TICK, 0);
	if (rota_shard_park(w->shard) <= TICK)
		abort();
}

/* It said that it sleeps; who attaches after it is awake. */
static void
its_sleep_ends_with_it(void **state)
{
	struct world *w = *state;
	static const unsigned flags[] = { 0, ROTA_ADOPT };
	static struct probe p[2];

	for (unsigned i = 0; i < CM_COUNT(flags); i++) {
		two_shards(w, flags[i]);
		probe_init(w, &p[0], 0);
		probe_init(w, &p[1], 1);
		elsewhere(park_and_end, w);
		assert_int_equal(rota_shard_attach(w->shard), 0);
		w->wakes = 0;
		elsewhere_reset_at(&p[0].timer, 3 * TICK);
		assert_int_equal(w->wakes, 0);
		rota_timer_reset_at(&p[1].timer, 2 * TICK);
		assert_int_equal(w->wakes, 0);
		/* Once it says so, too, it is woken as ever. */
		world_poll(w, TICK);
		assert_int_equal(rota_shard_park(w->shard), 2 * TICK);
		elsewhere_reset_at(&p[0].timer, TICK + 1);
		assert_int_equal(w->wakes, 1);
		world_poll(w, 2 * TICK);
		expect_fired(w, 0, 1);
		assert_int_equal(rota_timer_release(&p[0].timer), 0);
		assert_int_equal(rota_timer_release(&p[1].timer), 0);
	}
}

static void
what_it_left_can_be_retired(void **state)
{
	struct world *w = *state;
	struct rota_shard *second = two_shards(w, 0);

	world_probes(w, 3);
	elsewhere(own_both, w);
	assert_int_equal(rota_shard_retire(w->shard, second), 0);
	assert_int_equal(rota_shard_attach(second), 0);
	assert_int_equal(rota_shard_poll(second, 9 * TICK, 0), 0);
	expect_fired(w, 2, 0, 1);
	assert_int_equal(rota_shard_check(second), 0);
}

static void
what_it_left_can_be_destroyed(void **state)
{
	struct world *w = *state;

	two_shards(w, 0);
	world_probes(w, 3);
	elsewhere(own_both, w);
	assert_int_equal(rota_engine_destroy(w->engine, ROTA_REFUSE), -EBUSY);
	assert_int_equal(rota_shard_attach(w->shard), 0);
	assert_int_equal(rota_shard_detach(w->shard), 0);
	rota_engine_advance(w->engine, 2 * TICK);
	assert_int_equal(world_destroy(w, ROTA_DRAIN), 1);
	expect_fired(w, 2, 0);
}

/* Threads on one stack, one after the other. */
static struct {
	struct world *w;
	void *stack;
	const void *at[2];
	int answer[6];
} again;

static void *
first_on_it(void *arg)
{
	again.at[0] = &rota__thread;
	again.answer[0] = rota_shard_attach(again.w->shard);
	return arg;
}

static void *
second_on_it(void *arg)
{
	struct probe *p = again.w->probes;

	again.at[1] = &rota__thread;
	again.answer[1] = rota_shard_poll(again.w->shard, TICK, 0);
	again.answer[2] = (int)rota_shard_next(again.w->shard);
	again.answer[3] = rota_shard_detach(again.w->shard);
	again.answer[4] = rota_timer_reset_at(&p->timer, TICK);
	again.answer[5] = rota_engine_would_deadlock(again.w->engine);
	return arg;
}

static void
on_stack(void *(*run)(void *arg))
{
	enum { STACK = 1 << 20 };
	pthread_attr_t a;
	pthread_t t;

	if (!again.stack)
		again.stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(again.stack, MAP_FAILED);
	pthread_attr_init(&a);
	assert_int_equal(pthread_attr_setstack(&a, again.stack, STACK), 0);
	assert_int_equal(pthread_create(&t, &a, run, NULL), 0);
	pthread_join(t, NULL);
	pthread_attr_destroy(&a);
}

static void
a_thread_on_the_same_stack_is_another(void **state)
{
	struct world *w = *state;

	world_probes(w, 1);
	assert_int_equal(rota_shard_detach(w->shard), 0);
	again.w = w;
	on_stack(first_on_it);
	assert_int_equal(again.answer[0], 0);
	on_stack(second_on_it);
	assert_ptr_equal(again.at[1], again.at[0]); /* or it shows nothing */
	assert_int_equal(again.answer[1], -EPERM);
	assert_int_equal(again.answer[2], -EPERM);
	assert_int_equal(again.answer[3], -EPERM);
	assert_int_equal(again.answer[4], 0);
	assert_int_equal(again.answer[5], 0);
	/* it went through the inbox */
	assert_false(inbox_empty(&w->shard->remote.inbox));
	assert_int_equal(rota_shard_attach(w->shard), 0);
	world_poll(w, TICK);
	expect_fired(w, 0);
}

static void
as_second(void *arg)
{
	second_on_it(arg);
}

static void
a_thread_that_stored_nothing_owns_nothing(void **state)
{
	struct world *w = *state;

	assert_int_equal(rota_shard_detach(w->shard), 0);
	again.w = w;
	world_probes(w, 1);
	elsewhere(as_second, NULL);
	assert_int_equal(again.answer[1], -EPERM);
	assert_int_equal(again.answer[2], -EPERM);
	assert_int_equal(again.answer[3], -EPERM);
	assert_int_equal(again.answer[4], 0);
	assert_int_equal(again.answer[5], 0);
	assert_int_equal(rota_shard_attach(w->shard), 0);
	world_poll(w, TICK);
	expect_fired(w, 0);
}

/* A callback that ends its thread. */
static void
exit_there(struct probe *p, rota_time now)
{
	(void)now;
	p->then = NULL;
	pthread_exit(NULL);
}

static void
poll_and_exit(void *arg)
{
	struct world *w = arg;

	if (rota_shard_attach(w->shard))
		abort();
	rota_shard_poll(w->shard, 5 * TICK, 0);
	abort(); /* it does not come back */
}

static void
a_callback_that_ends_its_thread_is_over(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 9);

	for (unsigned i = 0; i < 9; i++)
		rota_timer_reset_at(&p[i].timer, (1 + i) * TICK);
	world_poll(w, 0);
	p[2].then = exit_there;
	assert_int_equal(rota_shard_detach(w->shard), 0);
	elsewhere(poll_and_exit, w);
	assert_int_equal(p[2].fires, 1);
	if (!(w->row->kind & ROTA_CONFINED))
		assert_int_equal(
		    rota_timer_stop_sync(&p[2].timer), ROTA_NOT_PENDING);
	assert_int_equal(rota_shard_attach(w->shard), 0);
	assert_int_equal(rota_timer_stop(&p[2].timer), ROTA_NOT_PENDING);
	assert_int_equal(rota_timer_reset_at(&p[2].timer, 20 * TICK), 0);
	assert_int_equal(rota_shard_check(w->shard), 0);
	/* what is due still is, though it was polled for then */
	world_poll(w, 5 * TICK);
	for (unsigned i = 0; i < 9; i++)
		assert_int_equal(p[i].fires, i < 5);
	world_poll(w, 20 * TICK);
	for (unsigned i = 0; i < 9; i++)
		assert_int_equal(p[i].fires, 1 + (i == 2));
	w->fired = 0;
	for (unsigned i = 0; i < 9; i++)
		assert_int_equal(rota_timer_release(&p[i].timer), 0);
	assert_int_equal(rota_shard_check(w->shard), 0);
	assert_int_equal(world_stat(w).timers, 0);
}

/* What was due only by the inbox is not lost behind a `idle_until` instant. */
static void
what_was_due_beside_it_fires_at_the_same_instant(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 3);

	rota_timer_reset_at(&p[0].timer, 100 * TICK);
	world_poll(w, 0);
	world_poll(w, TICK);
	assert_int_equal(rota_shard_detach(w->shard), 0);
	p[1].then = exit_there;
	rota_timer_reset_at(&p[1].timer, 4 * TICK);
	rota_timer_reset_at(&p[2].timer, 5 * TICK);
	elsewhere(poll_and_exit, w);
	assert_int_equal(p[1].fires, 1);
	assert_int_equal(rota_shard_attach(w->shard), 0);
	world_poll(w, 5 * TICK);
	assert_int_equal(p[0].fires, 0);
	assert_int_equal(p[2].fires, 1);
	w->fired = 0;
}

static void
released_in_its_last_callback(struct probe *p, rota_time now)
{
	(void)now;
	if (elsewhere_release(&p->timer) != 1)
		abort();
	pthread_exit(NULL);
}

static void
what_waited_for_that_callback_is_given_back(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);

	p->then = released_in_its_last_callback;
	rota_timer_reset_at(&p->timer, TICK);
	assert_int_equal(rota_shard_detach(w->shard), 0);
	elsewhere(poll_and_exit, w);
	assert_int_equal(w->freed, 0);
	assert_int_equal(rota_shard_attach(w->shard), 0);
	world_poll(w, TICK);
	assert_int_equal(w->freed, 1);
	w->fired = 0;
}

static void
exit_released(struct rota_timer *t)
{
	(void)t;
	pthread_exit(NULL);
}

static void
in_the_middle_of_its_filing_it_is_refused_from_then_on(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 2);

	rota_timer_reset_at(&p[1].timer, TICK);
	w->kind.released = exit_released;
	assert_int_equal(elsewhere_release(&p[0].timer), 1);
	assert_int_equal(rota_shard_detach(w->shard), 0);
	elsewhere(poll_and_exit, w);
	assert_int_equal(rota_shard_attach(w->shard), -ENOTRECOVERABLE);
	assert_int_equal(rota_shard_poll(w->shard, TICK, 0), -EPERM);
	w->kind.released = probe_released;
	world_destroy(w, ROTA_DROP);
}

static void
release_one(struct probe *p, rota_time now)
{
	struct probe *other = p->arg;

	(void)now;
	if (elsewhere_release(&other->timer) != 1)
		abort();
}

/* Only a `released` that ends the thread leaves a structure half changed, not
 * one that was called before. */
static void
after_a_release_a_callback_may_end_its_thread(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 3);

	p[0].then = release_one;
	p[0].arg = &p[2];
	rota_timer_reset_at(&p[0].timer, TICK);
	rota_timer_reset_at(&p[1].timer, 4 * TICK);
	rota_timer_reset_at(&p[2].timer, 9 * TICK);
	world_poll(w, TICK);
	world_poll(w, 2 * TICK);
	assert_int_equal(w->freed, 1);
	p[1].then = exit_there;
	assert_int_equal(rota_shard_detach(w->shard), 0);
	elsewhere(poll_and_exit, w);
	assert_int_equal(p[1].fires, 1);
	assert_int_equal(rota_shard_attach(w->shard), 0);
	world_poll(w, 5 * TICK);
	w->fired = 0;
}

enum { STAGED = 63 };       /* they fill the stage, but for one */
static struct probe *going; /* the end of its release ends the thread */

static void
exit_at_the_last(struct rota_timer *t)
{
	if (t == &going->timer)
		pthread_exit(NULL);
}

/* The stage is flushed in its callback. */
static void
stages_and_releases(struct probe *p, rota_time now)
{
	struct probe *all = p->arg;

	(void)now;
	rota_timer_reset_at(&going->timer, 9 * TICK);
	rota_timer_reset_at(&going->timer, 8 * TICK);
	if (elsewhere_release(&going->timer) != 1)
		abort();
	for (unsigned i = 0; i < STAGED; i++)
		rota_timer_reset_at(&all[i].timer, 40 * TICK);
	(void)rota_shard_next(p->world->shard);
	abort();
}

/* A callback is around it. What was to be enqueued with it is lost. */
static void
so_it_is_in_the_middle_of_a_callback(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, STAGED + 2);

	going = &p[STAGED];
	w->kind.released = exit_at_the_last;
	for (unsigned i = 0; i < STAGED; i++)
		rota_timer_reset_at(&p[i].timer, 50 * TICK);
	p[STAGED + 1].then = stages_and_releases;
	p[STAGED + 1].arg = p;
	rota_timer_reset_at(&p[STAGED + 1].timer, TICK);
	world_poll(w, 0);
	assert_int_equal(rota_shard_detach(w->shard), 0);
	elsewhere(poll_and_exit, w);
	assert_int_equal(rota_shard_attach(w->shard), -ENOTRECOVERABLE);
	/* That callback is over all the same. */
	assert_int_equal(
	    rota_timer_stop_sync(&p[STAGED + 1].timer), ROTA_NOT_PENDING);
	w->kind.released = probe_released;
	w->fired = 0;
	world_destroy(w, ROTA_DROP);
}

/* As an adopter. */
static void
adopt_and_exit(void *arg)
{
	struct world *w = arg;

	rota_shard_adopt(w->shard, 5 * TICK, 0);
	abort();
}

static void
an_adopter_may_end_so_too(void **state)
{
	struct world *w = *state;
	struct rota_shard *second = two_shards(w, ROTA_ADOPT);
	struct probe *p = world_probes(w, 4);

	assert_int_equal(rota_shard_attach(w->shard), 0);
	for (unsigned i = 0; i < 4; i++)
		rota_timer_reset_at(&p[i].timer, (1 + i) * TICK);
	p[1].then = exit_there;
	elsewhere(adopt_and_exit, w);
	expect_fired(w, 0, 1);
	assert_int_equal(rota_timer_stop_sync(&p[1].timer), ROTA_NOT_PENDING);
	rota_timer_reset_at(&p[3].timer, 7 * TICK);
	assert_int_equal(rota_shard_adopt(w->shard, 5 * TICK, 0), 0);
	expect_fired(w, 2);
	world_poll(w, 7 * TICK);
	expect_fired(w, 3);
	assert_int_equal(rota_shard_retire(w->shard, second), 0);
}

static sem_t begun, end; /* of a callback that blocks */

static void
block_and_exit(struct probe *p, rota_time now)
{
	sem_post(&begun);
	sem_wait(&end);
	exit_there(p, now);
}

static void *
adopt_in_thread(void *arg)
{
	adopt_and_exit(arg);
	return NULL;
}

/* It has drained a release that waits for that callback. */
static void
its_end_wakes_an_owner_that_waits_for_it(void **state)
{
	struct world *w = *state;
	struct probe *p;
	pthread_t adopter;

	two_shards(w, ROTA_ADOPT);
	p = world_probes(w, 1);
	sem_init(&begun, 0, 0);
	sem_init(&end, 0, 0);
	assert_int_equal(rota_shard_attach(w->shard), 0);
	rota_timer_reset_at(&p->timer, TICK);
	p->then = block_and_exit;
	assert_int_equal(pthread_create(&adopter, NULL, adopt_in_thread, w), 0);
	sem_wait(&begun);
	assert_int_equal(rota_timer_release(&p->timer), 1);
	world_poll(w, TICK);
	assert_int_equal(w->freed, 0);
	assert_int_equal(rota_shard_park(w->shard), ROTA_NEVER);
	word_store(&w->wakes, (uint64_t)0, relaxed);
	sem_post(&end);
	pthread_join(adopter, NULL);
	assert_int_equal(w->wakes, 1);
	world_poll(w, TICK);
	assert_int_equal(w->freed, 1);
	expect_fired(w, 0);
}

static void
an_owner_with_adopters_may_end_so_too(void **state)
{
	struct world *w = *state;
	struct probe *p;

	two_shards(w, ROTA_ADOPT);
	p = world_probes(w, 4);
	for (unsigned i = 0; i < 4; i++)
		rota_timer_reset_at(&p[i].timer, (1 + i) * TICK);
	p[1].then = exit_there;
	elsewhere(poll_and_exit, w);
	expect_fired(w, 0, 1);
	assert_int_equal(elsewhere_reset_at(&p[3].timer, 7 * TICK), 1);
	assert_int_equal(rota_shard_adopt(w->shard, 5 * TICK, 0), 0);
	expect_fired(w, 2);
	assert_int_equal(rota_shard_attach(w->shard), 0);
	world_poll(w, 7 * TICK);
	expect_fired(w, 3);
}

static int
exit_in_walk(
    void *arg, const struct rota_kind *k, struct rota_timer *t, rota_time when)
{
	(void)arg;
	(void)k;
	(void)t;
	(void)when;
	pthread_exit(NULL);
}

static void
walk_and_exit(void *arg)
{
	struct world *w = arg;

	if (rota_shard_attach(w->shard))
		abort();
	rota_shard_each(w->shard, exit_in_walk, NULL);
	abort();
}

/* What the walk drained is known to adopters. */
static void
a_walk_that_ends_its_thread_is_over(void **state)
{
	struct world *w = *state;
	struct probe *p;

	two_shards(w, ROTA_ADOPT);
	p = world_probes(w, 3);
	rota_timer_reset_at(&p[0].timer, 2 * TICK);
	rota_timer_reset_at(&p[1].timer, 3 * TICK);
	elsewhere(walk_and_exit, w);
	assert_true(rota_shard_overdue(w->shard, 5 * TICK) > 0);
	assert_int_equal(rota_shard_adopt(w->shard, 2 * TICK, 0), 0);
	expect_fired(w, 0);
	elsewhere(walk_and_exit, w);
	assert_int_equal(rota_shard_attach(w->shard), 0);
	rota_timer_reset_at(&p[2].timer, 2 * TICK);
	world_poll(w, 4 * TICK);
	assert_int_equal(w->fired, 2);
	w->fired = 0;
	assert_int_equal(rota_shard_check(w->shard), 0);
	assert_int_equal(rota_shard_detach(w->shard), 0);
}

static void
so_is_one_of_a_shard_without_adopters(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 2);

	rota_timer_reset_at(&p[0].timer, 2 * TICK);
	assert_int_equal(rota_shard_detach(w->shard), 0);
	elsewhere(walk_and_exit, w);
	assert_int_equal(rota_shard_attach(w->shard), 0);
	rota_timer_reset_at(&p[1].timer, TICK);
	world_poll(w, 4 * TICK);
	assert_int_equal(w->fired, 2);
	w->fired = 0;
}

static int
stage_in_walk(
    void *arg, const struct rota_kind *k, struct rota_timer *t, rota_time when)
{
	struct world *w = arg;

	(void)k;
	(void)t;
	(void)when;
	rota_timer_reset_at(&going->timer, 9 * TICK);
	rota_timer_reset_at(&going->timer, 8 * TICK);
	if (elsewhere_release(&going->timer) != 1)
		abort();
	rota_timer_reset_at(w->probes, 9 * TICK);
	rota_timer_reset_at(w->probes, 8 * TICK);
	rota_timer_release(w->probes); /* flushes what is staged */
	abort();
}

static void
walk_and_stage(void *arg)
{
	struct world *w = arg;

	if (rota_shard_attach(w->shard))
		abort();
	rota_shard_each(w->shard, stage_in_walk, w);
	abort();
}

/* Its lock is kept, and it says why. */
static void
a_walk_that_ends_in_a_release_is_not(void **state, unsigned flags)
{
	struct world *w = *state;
	struct probe *p;

	two_shards(w, flags);
	p = world_probes(w, 3);
	going = &p[1];
	w->kind.released = exit_at_the_last;
	rota_timer_reset_at(&p[2].timer, TICK);
	elsewhere(walk_and_stage, w);
	assert_int_equal(rota_shard_attach(w->shard), -ENOTRECOVERABLE);
	if (flags & ROTA_ADOPT)
		assert_int_equal(
		    rota_shard_adopt(w->shard, TICK, 0), -ENOTRECOVERABLE);
	w->kind.released = probe_released;
	world_destroy(w, ROTA_DROP);
}

static void
a_walk_that_ends_in_a_released_leaves_a_shard_that_says_so(void **state)
{
	a_walk_that_ends_in_a_release_is_not(state, 0);
}

static void
so_does_one_with_adopters(void **state)
{
	a_walk_that_ends_in_a_release_is_not(state, ROTA_ADOPT);
}

static struct rota_shard *inner;

static void
polls_the_inner(struct probe *p, rota_time now)
{
	if (rota_shard_attach(inner))
		abort();
	rota_timer_reset_at(p->arg, now);
	rota_shard_poll(inner, now, 0);
	abort();
}

/* The callback in which @ends ends is inside that of another shard: both are
 * over. */
static void
its_callback_is_inside_another(void **state, void (*ends)(void *), bool owned)
{
	struct world *w = *state;
	struct probe *p, q = { .world = w, .id = 9, .then = exit_there };
	struct rota_kind k;

	inner = two_shards(w, ROTA_ADOPT);
	p = world_probes(w, 2);
	assert_int_equal(rota_kind_init(&k, inner,
			     &(struct rota_kind_config){
				 .fire = probe_fire, .name = "inner" }),
	    0);
	assert_int_equal(rota_timer_init(&q.timer, &k), 0);
	p[0].then = polls_the_inner;
	p[0].arg = &q.timer;
	if (owned)
		assert_int_equal(rota_shard_attach(w->shard), 0);
	rota_timer_reset_at(&p[0].timer, TICK);
	rota_timer_reset_at(&p[1].timer, 2 * TICK);
	elsewhere(ends, w);
	expect_fired(w, 0, 9);
	/* though no other thread has attached */
	assert_int_equal(rota_timer_stop_sync(&p[0].timer), ROTA_NOT_PENDING);
	assert_int_equal(rota_timer_stop_sync(&q.timer), ROTA_NOT_PENDING);
	assert_int_equal(rota_shard_adopt(w->shard, 5 * TICK, 0), 0);
	expect_fired(w, 1);
	if (!owned)
		assert_int_equal(rota_shard_attach(w->shard), 0);
	assert_int_equal(rota_shard_attach(inner), 0);
	assert_int_equal(rota_shard_retire(w->shard, inner), 0);
	assert_int_equal(rota_timer_release(&q.timer), 0);
}

static void
so_are_all_that_its_last_callback_is_inside(void **state)
{
	its_callback_is_inside_another(state, adopt_and_exit, true);
}

static void
those_that_it_was_in_as_an_owner_too(void **state)
{
	its_callback_is_inside_another(state, poll_and_exit, false);
}

static rota_word gone;

static void
exit_driver(struct probe *p, rota_time now)
{
	(void)now;
	p->then = NULL;
	word_store(&gone, (uint64_t)1, release);
	pthread_exit(NULL);
}

static void
a_driver_whose_callback_ends_it_leaves_its_shard(void **state)
{
	struct world *w = *state;
	struct probe *p;
	int r;

	two_shards(w, ROTA_DRIVERS);
	p = world_probes(w, 2);
	p[0].then = exit_driver;
	gone = 0;
	rota_timer_reset_at(&p[0].timer, TICK);
	rota_engine_advance(w->engine, TICK);
	while (!word_load(&gone, acquire))
		usleep(100);
	while ((r = rota_shard_attach(w->shard)) == -EBUSY)
		usleep(100);
	assert_int_equal(r, 0);
	rota_timer_reset_at(&p[1].timer, 2 * TICK);
	world_poll(w, 2 * TICK);
	expect_fired(w, 0, 1);
	assert_int_equal(world_destroy(w, ROTA_REFUSE), 0);
}

/* Its engine is destroyed before it ends. */
static struct {
	struct world *w;
	pthread_barrier_t there, go;
} late;

static void *
outlive(void *arg)
{
	if (rota_shard_attach(late.w->shard))
		abort();
	pthread_barrier_wait(&late.there);
	pthread_barrier_wait(&late.go);
	return arg;
}

static void
its_end_touches_no_engine_that_is_gone(void **state)
{
	struct world *w = *state;
	struct rota_config c = world_config(w);
	pthread_t t;

	late.w = w;
	pthread_barrier_init(&late.there, NULL, 2);
	pthread_barrier_init(&late.go, NULL, 2);
	for (unsigned i = 0; i < 20; i++) {
		assert_int_equal(rota_shard_detach(w->shard), 0);
		pthread_create(&t, NULL, outlive, NULL);
		pthread_barrier_wait(&late.there);
		assert_int_equal(rota_shard_attach(w->shard), -EBUSY);
		assert_int_equal(world_destroy(w, ROTA_REFUSE), 0);
		pthread_barrier_wait(&late.go);
		if (i % 2)
			pthread_join(t, NULL);
		world_open(w, &c); /* maybe at the same place */
		assert_int_equal(rota_shard_poll(w->shard, 0, 0), 0);
		if (i % 2 == 0)
			pthread_join(t, NULL);
		assert_int_equal(rota_shard_poll(w->shard, 0, 0), 0);
	}
	pthread_barrier_destroy(&late.there);
	pthread_barrier_destroy(&late.go);
}

/* A key of the user's, made later: its destructor runs later. */
static struct {
	pthread_key_t key;
	struct world *w;
	int answer[4];
} users;

static void
users_end(void *arg)
{
	struct rota_shard *s = users.w->shard;

	(void)arg;
	users.answer[0] = rota_shard_poll(s, TICK, 0);
	users.answer[1] = rota_shard_detach(s);
	users.answer[2] = rota_shard_attach(s);
	users.answer[3] = rota_shard_poll(s, TICK, 0);
}

static void
own_and_end(void *arg)
{
	struct world *w = arg;

	if (rota_shard_attach(w->shard))
		abort();
	pthread_setspecific(users.key, w);
}

static void
a_destructor_that_runs_later_is_as_another_thread(void **state)
{
	struct world *w = *state;

	users.w = w;
	pthread_key_create(&users.key, users_end);
	assert_int_equal(rota_shard_detach(w->shard), 0);
	elsewhere(own_and_end, w);
	pthread_key_delete(users.key);
	assert_int_equal(users.answer[0], -EPERM);
	assert_int_equal(users.answer[1], -EPERM);
	assert_int_equal(users.answer[2], 0);
	assert_int_equal(users.answer[3], 0);
	/* and its end was noticed again */
	assert_int_equal(rota_shard_attach(w->shard), 0);
	world_poll(w, TICK);
}

static int refused[8];

static void
attach_poorly(void *arg)
{
	struct rota_shard *s = arg;
	unsigned n = 0;

	errno = 4711;
	refuse.specific = true;
	refused[n++] = rota_shard_attach(s);
	refused[n++] = rota_shard_adopt(s, 0, 0);
	refuse.specific = false;
	refuse.malloc = true;
	refused[n++] = rota_shard_attach(s);
	refuse.malloc = false;
	refused[n++] = errno;
	refused[n++] = rota_shard_attach(s);
	refused[n++] = rota_shard_poll(s, 0, 0);
}

static void
without_means_to_watch_for_its_end_a_thread_is_refused(void **state)
{
	struct world *w = *state;

	two_shards(w, ROTA_ADOPT);
	elsewhere(attach_poorly, w->shard);
	assert_int_equal(refused[0], -ENOMEM);
	assert_int_equal(refused[1], -ENOMEM);
	assert_int_equal(refused[2], -ENOMEM);
	assert_int_equal(refused[3], 4711);
	assert_int_equal(refused[4], 0);
	assert_int_equal(refused[5], 0);
	assert_int_equal(rota_shard_attach(w->shard), 0);
}

/* Before there is a key: the first test. */
static void
without_a_key_it_is_refused(void **state)
{
	struct rota_config c = { .size = sizeof(c),
		.clock = ROTA_CLOCK_VIRTUAL,
		.max_timers = 1000,
		.shards = 1 };
	struct rota_engine *e;
	struct rota_shard *s;

	(void)state;
	assert_int_equal(rota_engine_create(&e, &c), 0);
	s = rota_engine_shard(e, 0);
	refuse.key = true;
	assert_int_equal(rota_shard_attach(s), -EAGAIN);
	refuse.key = false;
	assert_int_equal(rota_shard_poll(s, 0, 0), -EPERM);
	assert_int_equal(rota_shard_attach(s), 0);
	assert_int_equal(rota_shard_poll(s, 0, 0), 0);
	assert_int_equal(rota_engine_destroy(e, ROTA_REFUSE), 0);
}

enum { MANY = 8 };

static void *
attach_often(void *arg)
{
	struct world *w = arg;
	uint64_t got = 0;

	for (unsigned i = 0; i < 300; i++) {
		if (rota_shard_attach(w->shard))
			continue;
		got++;
		rota_shard_poll(w->shard, 0, 0);
		if (i % 3 == 0)
			break; /* it ends as the owner */
		rota_shard_detach(w->shard);
	}
	return (void *)(uintptr_t)got;
}

static void
of_many_at_once_one_has_it(void **state)
{
	struct world *w = *state;
	pthread_t t[MANY];
	uint64_t polls, got = 0;

	assert_int_equal(rota_shard_detach(w->shard), 0);
	polls = world_stat(w).polls;
	for (unsigned n = 0; n < 10; n++) {
		for (unsigned i = 0; i < MANY; i++)
			pthread_create(&t[i], NULL, attach_often, w);
		for (unsigned i = 0; i < MANY; i++) {
			void *answer;

			pthread_join(t[i], &answer);
			got += (uintptr_t)answer;
		}
	}
	/* each poll counted: nobody was there beside another */
	assert_int_equal(world_stat(w).polls - polls, got);
	assert_int_equal(rota_shard_attach(w->shard), 0);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_key_it_is_refused),
		EVERY_OWNED(the_end_of_a_thread_gives_up_what_it_owns),
		EVERY(its_sleep_ends_with_it),
		EVERY_OWNED(what_it_left_can_be_retired),
		EVERY_OWNED(what_it_left_can_be_destroyed),
		EVERY(a_thread_on_the_same_stack_is_another),
		EVERY(a_thread_that_stored_nothing_owns_nothing),
		EVERY_OWNED(a_callback_that_ends_its_thread_is_over),
		EVERY(what_was_due_beside_it_fires_at_the_same_instant),
		EVERY(what_waited_for_that_callback_is_given_back),
		EVERY(in_the_middle_of_its_filing_it_is_refused_from_then_on),
		EVERY(after_a_release_a_callback_may_end_its_thread),
		EVERY(so_it_is_in_the_middle_of_a_callback),
		EVERY(an_adopter_may_end_so_too),
		EVERY(its_end_wakes_an_owner_that_waits_for_it),
		EVERY(an_owner_with_adopters_may_end_so_too),
		EVERY(a_walk_that_ends_its_thread_is_over),
		EVERY_OWNED(so_is_one_of_a_shard_without_adopters),
		EVERY(
		    a_walk_that_ends_in_a_released_leaves_a_shard_that_says_so),
		EVERY(so_does_one_with_adopters),
		EVERY(so_are_all_that_its_last_callback_is_inside),
		EVERY(those_that_it_was_in_as_an_owner_too),
		EVERY(a_driver_whose_callback_ends_it_leaves_its_shard),
		EVERY(its_end_touches_no_engine_that_is_gone),
		EVERY(a_destructor_that_runs_later_is_as_another_thread),
		EVERY(without_means_to_watch_for_its_end_a_thread_is_refused),
		EVERY(of_many_at_once_one_has_it),
	};

	return cmocka_run_group_tests_name("owner", tests, NULL, NULL);
}
