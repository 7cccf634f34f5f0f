/* SPDX-License-Identifier: MIT
 *
 * adopt_test.c - rota_shard_adopt(): another thread polls a shard whose owner
 * is late.
 * Claims: an adopter fires what is due while the owner is stuck in a
 * callback, asleep or dead, each timer once; the owner comes back to a shard
 * that is whole; what a callback does to timers is done on either seat; who
 * may not is told so.
 *
 * Time is virtual; the threads meet at gates.
 * Rows     G13
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>

#include "core/shard.h"
#include "tests/support/world.h"

static const struct world_row adopt_heap = { .backend = ROTA_HEAP,
	.flags = ROTA_ADOPT };
static const struct world_row adopt_wheel = { .backend = ROTA_WHEEL,
	.flags = ROTA_ADOPT };
static const struct world_row adopt_coarse = { .backend = ROTA_WHEEL_COARSE,
	.flags = ROTA_ADOPT };

static sem_t begun, end;                 /* of a callback that blocks */
static sem_t release_begun, release_end; /* of a `released` that does */

static int
adopt_setup(void **state)
{
	sem_init(&begun, 0, 0);
	sem_init(&end, 0, 0);
	sem_init(&release_begun, 0, 0);
	sem_init(&release_end, 0, 0);
	return world_setup(state);
}

static void
blocked(struct probe *p, rota_time now)
{
	(void)p;
	(void)now;
	sem_post(&begun);
	sem_wait(&end);
}

/* A poll of the owner's, in a thread of its own, until there is no more. */
struct owner {
	struct world *w;
	rota_time now;
	unsigned budget;
	int r;
};

static void *
owner_run(void *arg)
{
	struct owner *o = arg;

	o->r = rota_shard_attach(o->w->shard);
	if (o->r)
		return NULL;
	do { /* 1: also when it lost the shard to an adopter */
		o->r = rota_shard_poll(o->w->shard, o->now, o->budget);
	} while (o->r == 1 || o->r == -EBUSY);
	rota_shard_detach(o->w->shard);
	return NULL;
}

/* Adopt until nothing due is left. */
static void
adopt_all(struct world *w, rota_time now, unsigned budget)
{
	int r;

	do {
		r = rota_shard_adopt(w->shard, now, budget);
		assert_true(r == 0 || r == 1);
	} while (r);
}

static void
an_adopter_fires_what_waits_behind_a_blocked_callback(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 50);
	struct owner o = { w, TICK, 0, 0 };
	pthread_t owner;

	p[0].then = blocked;
	rota_timer_reset_at(&p[0].timer, TICK);
	for (unsigned i = 1; i < 50; i++)
		rota_timer_reset_at(&p[i].timer, (1 + i % 9) * TICK);
	while (rota_shard_poll(w->shard, 0, 0))
		;
	rota_shard_detach(w->shard);
	pthread_create(&owner, NULL, owner_run, &o);
	sem_wait(&begun);
	assert_true(rota_shard_overdue(w->shard, 20 * TICK) > 0);
	adopt_all(w, 20 * TICK, 0);
	assert_int_equal(w->fired, 50);
	assert_true(world_stat(w).adopted >= 1);
	assert_int_equal(rota_shard_overdue(w->shard, 20 * TICK), 0);
	sem_post(&end);
	pthread_join(owner, NULL);
	assert_int_equal(o.r, 0);
	for (unsigned i = 0; i < 50; i++)
		assert_int_equal(p[i].fires, 1);
	assert_int_equal(rota_shard_attach(w->shard), 0);
	assert_int_equal(rota_shard_check(w->shard), 0);
	w->fired = 0;
}

/* The owner took both from the inbox in the poll that is stuck now. */
static void
what_the_owner_has_just_filed_is_known_to_be_overdue(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 2);
	struct owner o = { w, TICK, 0, 0 };
	pthread_t owner;

	while (rota_shard_poll(w->shard, 0, 0)) /* nothing is armed */
		;
	p[0].then = blocked;
	elsewhere_reset_at(&p[0].timer, TICK);
	elsewhere_reset_at(&p[1].timer, 3 * TICK);
	rota_shard_detach(w->shard);
	pthread_create(&owner, NULL, owner_run, &o);
	sem_wait(&begun);
	assert_true(rota_shard_overdue(w->shard, 20 * TICK) > 0);
	assert_int_equal(rota_shard_overdue(w->shard, 2 * TICK), 0);
	adopt_all(w, 20 * TICK, 0);
	assert_int_equal(w->fired, 2);
	assert_int_equal(rota_shard_overdue(w->shard, 20 * TICK), 0);
	sem_post(&end);
	pthread_join(owner, NULL);
	assert_int_equal(rota_shard_attach(w->shard), 0);
	w->fired = 0;
}

/* The adopter is ahead of the owner's instant and leaves a slot half brought
 * up; the owner goes on with its own, earlier, instant. */
static void
an_owner_that_is_behind_its_adopter_gets_to_the_end(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 50);
	struct owner o = { w, TICK, 100000, 0 };
	struct rota_stats before, after;
	pthread_t owner;

	p[0].then = blocked;
	rota_timer_reset_at(&p[0].timer, TICK);
	for (unsigned i = 1; i < 50; i++)
		rota_timer_reset_at(&p[i].timer, 9 * TICK);
	while (rota_shard_poll(w->shard, 0, 0))
		;
	rota_shard_detach(w->shard);
	pthread_create(&owner, NULL, owner_run, &o);
	sem_wait(&begun);
	while (w->fired < 10)
		assert_true(rota_shard_adopt(w->shard, 9 * TICK, 7) >= 0);
	before = world_stat(w);
	sem_post(&end);
	pthread_join(owner, NULL);
	assert_int_equal(o.r, 0);
	after = world_stat(w);
	/* it did not turn round and round on what it took for early */
	assert_in_range(after.moves - before.moves, 0, 200);
	assert_int_equal(rota_shard_attach(w->shard), 0);
	while (rota_shard_poll(w->shard, 9 * TICK, 0))
		;
	assert_int_equal(w->fired, 50);
	assert_int_equal(w->early, 0);
	w->fired = 0;
}

/* In callbacks of either seat: arm, stop and release others and oneself. */
static void
busy(struct probe *p, rota_time now)
{
	struct probe *all = p->arg;

	(void)now;
	if (p->id % 4 == 1)
		rota_timer_reset_at(&p->timer, 30 * TICK);
	else if (p->id % 4 == 2)
		rota_timer_reset_at(&all[p->id + 1].timer, 30 * TICK);
	if (p->id == 40) {
		sem_post(&begun);
		sem_wait(&end);
	}
}

static void
callbacks_arm_timers_on_either_seat(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 81);
	struct owner o = { w, 5 * TICK, 0, 0 };
	unsigned want = 0;
	pthread_t owner;

	for (unsigned i = 0; i < 80; i++) {
		p[i].then = busy;
		p[i].arg = p;
		rota_timer_reset_at(
		    &p[i].timer, (4 + (i >= 40) + (i > 40)) * TICK);
	}
	while (rota_shard_poll(w->shard, 0, 0))
		;
	rota_shard_detach(w->shard);
	pthread_create(&owner, NULL, owner_run, &o);
	sem_wait(&begun);
	adopt_all(w, 6 * TICK, 0);
	adopt_all(w, 6 * TICK, 0); /* what it deferred */
	sem_post(&end);
	pthread_join(owner, NULL);
	assert_int_equal(rota_shard_attach(w->shard), 0);
	for (unsigned i = 0; i < 81; i++) {
		p[i].then = NULL;
		want += (unsigned)rota_timer_pending(&p[i].timer);
	}
	w->fired = 0;
	while (rota_shard_poll(w->shard, 30 * TICK, 0))
		;
	assert_int_equal(w->fired, want);
	assert_true(want >= 20);
	assert_int_equal(world_stat(w).live, 0);
	w->fired = 0;
}

struct seat {
	struct world *w;
	int r;
};

static void
release_self(struct rota_timer *t, rota_time now)
{
	struct probe *p = rota_container_of(t, struct probe, timer);
	struct seat *s = p->arg;

	(void)now;
	p->world->fired++;
	s->r = rota_timer_release(t);
}

/* A kind that never thought of other threads, polled by an adopter. */
static void
on_the_adopters_seat_a_callback_may_release_its_own_timer(void **state)
{
	struct world *w = *state;
	struct seat s = { w, 0 };
	struct probe p = { .world = w, .arg = &s };
	struct rota_kind k;

	rota_kind_init(&k, w->shard,
	    &(struct rota_kind_config){ .fire = release_self, .name = "own" });
	k.released = probe_released;
	rota_timer_init(&p.timer, &k);
	rota_timer_reset_at(&p.timer, TICK);
	while (rota_shard_poll(w->shard, 0, 0))
		;
	rota_shard_detach(w->shard);
	adopt_all(w, TICK, 0);
	assert_int_equal(w->fired, 1);
	assert_true(s.r == 0 || s.r == 1);
	adopt_all(w, TICK, 0);
	assert_int_equal(w->freed, s.r);
	assert_int_equal(rota_kind_release(&k), 0);
	assert_int_equal(rota_shard_attach(w->shard), 0);
	w->fired = 0;
}

static void
the_owner_is_the_owner_even_if_an_adopter_is_at_it(void **state)
{
	struct world *w = *state;
	struct probe *p = malloc(200 * sizeof(*p));

	/* with a compare-and-swap that fails for no reason, as the hostile
	 * build has it, the owner does not get hold every time */
	w->kind.released = NULL;
	for (unsigned i = 0; i < 200; i++) {
		int r;

		probe_init(w, &p[i], i);
		rota_timer_reset_at(&p[i].timer, 5 * TICK);
		while ((r = rota_timer_release(&p[i].timer)) == -EAGAIN)
			while (rota_shard_poll(w->shard, 0, 0))
				;
		assert_int_equal(r, 0);
	}
	assert_int_equal(world_stat(w).timers, 0);
	free(p);
}

static void *
die_attached(void *arg)
{
	struct world *w = arg;

	return (void *)(intptr_t)rota_shard_attach(w->shard);
}

/* C4: thread exit holding a shard. */
static void
the_shard_of_a_dead_thread_can_be_adopted(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 3);
	pthread_t thread;
	void *r;

	rota_timer_reset_at(&p[0].timer, TICK);
	rota_shard_detach(w->shard);
	pthread_create(&thread, NULL, die_attached, w);
	pthread_join(thread, &r);
	assert_null(r);
	assert_int_equal(rota_timer_reset_at(&p[1].timer, TICK), 0);
	adopt_all(w, TICK, 0);
	assert_int_equal(w->fired, 2);
	assert_int_equal(rota_timer_reset_at(&p[2].timer, 2 * TICK), 0);
	adopt_all(w, 2 * TICK, 0);
	assert_int_equal(w->fired, 3);
	w->fired = 0;
	/* or attached to: its end gave it up */
	assert_int_equal(rota_shard_attach(w->shard), 0);
	world_poll(w, 2 * TICK);
	assert_int_equal(world_destroy(w, ROTA_REFUSE), 0);
}

/* A release that is under way: `released` runs with the shard in hand. */
static void
blocked_in_released(struct rota_timer *t)
{
	probe_released(t);
	sem_post(&release_begun);
	sem_wait(&release_end);
}

static void *
adopter_run(void *arg)
{
	struct owner *o = arg;

	o->r = rota_shard_adopt(o->w->shard, o->now, o->budget);
	return NULL;
}

static void
while_an_adopter_has_hold_the_owner_finds_it_busy_and_goes_on(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 4);
	struct owner a = { w, TICK, 0, 0 };
	pthread_t adopter;

	w->kind.released = blocked_in_released;
	rota_timer_reset_at(&p[2].timer, 5 * TICK);
	while (rota_shard_poll(w->shard, 0, 0))
		;
	elsewhere_release(&p[0].timer);
	pthread_create(&adopter, NULL, adopter_run, &a);
	sem_wait(&release_begun);
	assert_int_equal(rota_shard_poll(w->shard, TICK, 0), -EBUSY);
	assert_int_equal(rota_shard_check(w->shard), -EBUSY);
	/* what it does to timers does not wait */
	assert_int_equal(rota_timer_reset_at(&p[1].timer, 2 * TICK), 0);
	assert_true(rota_shard_next(w->shard) <= 2 * TICK);
	assert_int_equal(rota_timer_reset_at(&p[2].timer, 3 * TICK), 1);
	assert_int_equal(rota_timer_stop(&p[1].timer), ROTA_PREVENTED);
	assert_int_equal(rota_timer_reset_at(&p[1].timer, 4 * TICK), 0);
	assert_int_equal(rota_shard_adopt(w->shard, TICK, 0), -EBUSY);
	sem_post(&release_end);
	pthread_join(adopter, NULL);
	assert_true(a.r >= 0);
	assert_int_equal(w->freed, 1);
	w->kind.released = probe_released;
	while (rota_shard_poll(w->shard, 4 * TICK, 0))
		;
	expect_fired(w, 2, 1);
}

/* The owner gets hold while the adopter is in a callback, and keeps it. */
static void
an_adopter_that_lost_the_shard_leaves_it_and_says_there_is_more(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 5);
	struct owner a = { w, TICK, 0, 0 }, o = { w, TICK, 0, 0 };
	pthread_t adopter, owner;

	p[0].then = blocked; /* in the adopter's hands */
	for (unsigned i = 0; i < 4; i++)
		rota_timer_reset_at(&p[i].timer, TICK);
	while (rota_shard_poll(w->shard, 0, 0))
		;
	rota_shard_detach(w->shard);
	pthread_create(&adopter, NULL, adopter_run, &a);
	sem_wait(&begun);
	w->kind.released = blocked_in_released;
	elsewhere_release(&p[4].timer);
	pthread_create(&owner, NULL, owner_run, &o);
	sem_wait(&release_begun); /* the owner has hold, and is stuck too */
	sem_post(&end);
	pthread_join(adopter, NULL);
	assert_int_equal(a.r, 1);
	assert_true(rota_shard_overdue(w->shard, 9 * TICK) > 0);
	sem_post(&release_end);
	pthread_join(owner, NULL);
	assert_int_equal(o.r, 0);
	assert_int_equal(rota_shard_attach(w->shard), 0);
	while (rota_shard_poll(w->shard, TICK, 0))
		;
	assert_int_equal(w->fired, 4);
	assert_int_equal(w->freed, 1);
	assert_int_equal(rota_shard_check(w->shard), 0);
	w->kind.released = probe_released;
	w->fired = 0;
}

/* Memory that a callback on another thread may look at is not given back,
 * whoever asks: the owner at once, or a remote thread through the inbox. */
static void
what_is_released_stays_while_its_callback_runs_elsewhere(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 2);
	struct owner a = { .w = w };
	pthread_t adopter;
	int r;

	for (unsigned i = 0; i < 2; i++) {
		p[i].then = blocked;
		a.now = (i + 1) * TICK;
		rota_timer_reset_at(&p[i].timer, a.now);
		while (rota_shard_poll(w->shard, 0, 0))
			;
		pthread_create(&adopter, NULL, adopter_run, &a);
		sem_wait(&begun);
		w->kind.released = NULL;
		assert_int_equal(rota_timer_release(&p[i].timer), -EAGAIN);
		w->kind.released = probe_released;
		if (i)
			elsewhere_release(&p[i].timer);
		else
			assert_int_equal(rota_timer_release(&p[i].timer), 1);
		/* what is released does not come back to life */
		assert_int_equal(rota_timer_reset_at(&p[i].timer, 0), -EINVAL);
		for (unsigned k = 0; k < 3; k++) {
			while (rota_shard_poll(w->shard, 0, 0))
				;
			assert_int_equal(w->freed, i);
		}
		assert_int_equal(rota_shard_next(w->shard), ROTA_NEVER);
		sem_post(&end);
		pthread_join(adopter, NULL);
		while ((r = rota_shard_poll(w->shard, 0, 0)))
			assert_true(r > 0 || r == -EBUSY);
		assert_int_equal(w->freed, i + 1);
		assert_int_equal(rota_shard_check(w->shard), 0);
	}
	w->fired = 0;
}

static struct probe *armed_by_released;

static void
released_and_arms(struct rota_timer *t)
{
	probe_released(t);
	rota_timer_reset_at(&armed_by_released->timer, 100 * TICK);
}

/* It does so in the adopter's poll, at the very end. */
static void
what_a_waiting_release_arms_is_known_to_the_owner(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 2);
	struct owner a = { w, TICK, 0, 0 };
	pthread_t adopter;
	rota_time next;

	p[0].then = blocked;
	armed_by_released = &p[1];
	w->kind.released = released_and_arms;
	rota_timer_reset_at(&p[0].timer, TICK);
	while (rota_shard_poll(w->shard, 0, 0))
		;
	pthread_create(&adopter, NULL, adopter_run, &a);
	sem_wait(&begun);
	assert_int_equal(rota_timer_release(&p[0].timer), 1);
	while (rota_shard_poll(w->shard, TICK, 0))
		;
	sem_post(&end);
	pthread_join(adopter, NULL);
	/* by the adopter, or by the poll that it wakes the owner for */
	if (!w->freed)
		while (rota_shard_poll(w->shard, TICK, 0))
			;
	assert_int_equal(w->freed, 1);
	next = rota_shard_next(w->shard);
	assert_true(next <= 100 * TICK);
	w->kind.released = probe_released;
	w->fired = 0;
}

static void
poll_the_other(struct probe *p, rota_time now)
{
	int r;

	do {
		r = rota_shard_poll(
		    rota_engine_shard(p->world->engine, 1), now, 0);
	} while (r == 1 || r == -EBUSY);
	assert_int_equal(r, 0);
}

static struct probe *outer;
static int inner_release;

static void
release_the_outer(struct rota_timer *t, rota_time now)
{
	(void)t;
	(void)now;
	inner_release = rota_timer_release(&outer->timer);
}

/* A thread is not another one because it is in a callback of a callback. */
static void
an_inner_callback_releases_the_outer_timer(void **state)
{
	struct world *w = *state;
	struct rota_config c = world_config(w);
	struct rota_shard *other;
	struct rota_kind k, own;
	struct rota_timer t;
	struct probe p = { .world = w, .then = poll_the_other };

	world_destroy(w, ROTA_REFUSE);
	c.shards = 2;
	world_open(w, &c);
	other = rota_engine_shard(w->engine, 1);
	assert_int_equal(rota_shard_attach(other), 0);
	rota_kind_init(&own, w->shard,
	    &(struct rota_kind_config){ .fire = probe_fire, .name = "outer" });
	own.released = probe_released;
	rota_kind_init(&k, other,
	    &(struct rota_kind_config){
		.fire = release_the_outer, .name = "inner" });
	rota_timer_init(&p.timer, &own);
	rota_timer_init(&t, &k);
	outer = &p;
	inner_release = 99;
	rota_timer_reset_at(&p.timer, TICK);
	rota_timer_reset_at(&t, TICK);
	while (rota_shard_poll(w->shard, TICK, 0))
		;
	/* 1: a compare-and-swap that fails for no reason, as in the hostile
	 * build, makes the owner a remote thread for once */
	assert_true(inner_release == 0 || inner_release == 1);
#ifndef ROTA_HOSTILE
	assert_int_equal(inner_release, 0);
#endif
	w->fired = 0;
	assert_true(rota_engine_destroy(w->engine, ROTA_DROP) >= 0);
	world_open(w, &c);
}

static int inner_adopt;

static void
adopt_the_outer(struct rota_timer *t, rota_time now)
{
	(void)t;
	inner_adopt = rota_shard_adopt(outer->world->shard, now, 0);
}

/* In a callback of the other shard, the one around which is of this shard. */
static void
nor_does_it_adopt_the_shard_that_it_is_inside(void **state)
{
	struct world *w = *state;
	struct rota_config c = world_config(w);
	struct rota_shard *other;
	struct rota_kind k;
	struct rota_timer t;
	struct probe *p;

	world_destroy(w, ROTA_REFUSE);
	c.shards = 2;
	world_open(w, &c);
	other = rota_engine_shard(w->engine, 1);
	assert_int_equal(rota_shard_attach(other), 0);
	rota_kind_init(&k, other,
	    &(struct rota_kind_config){
		.fire = adopt_the_outer, .name = "inner" });
	assert_int_equal(rota_timer_init(&t, &k), 0);
	p = world_probes(w, 2);
	p[0].then = poll_the_other;
	outer = p;
	inner_adopt = 99;
	for (unsigned i = 0; i < 2; i++)
		rota_timer_reset_at(&p[i].timer, (1 + i) * TICK);
	rota_timer_reset_at(&t, TICK);
	while (rota_shard_poll(w->shard, TICK, 0))
		;
	expect_fired(w, 0);
	assert_int_equal(inner_adopt, -EDEADLK);
	assert_int_equal(world_stat(w).adopted, 0);
	while (rota_shard_poll(w->shard, 2 * TICK, 0))
		;
	expect_fired(w, 1);
	assert_int_equal(rota_timer_release(&t), 0);
	assert_int_equal(rota_kind_release(&k), 0);
}

static void
a_shard_does_not_retire_while_an_adopter_is_in_a_callback(void **state)
{
	struct world *w = *state;
	struct rota_config c = world_config(w);
	struct owner a = { w, TICK, 0, 0 };
	struct probe *p;
	pthread_t adopter;
	int r;

	world_destroy(w, ROTA_REFUSE);
	c.shards = 2;
	world_open(w, &c);
	p = world_probes(w, 1);
	p->then = blocked;
	rota_timer_reset_at(&p->timer, TICK);
	while (rota_shard_poll(w->shard, 0, 0))
		;
	pthread_create(&adopter, NULL, adopter_run, &a);
	sem_wait(&begun);
	assert_int_equal(
	    rota_shard_retire(w->shard, rota_engine_shard(w->engine, 1)),
	    -EBUSY);
	sem_post(&end);
	pthread_join(adopter, NULL);
	/* -EBUSY also from a compare-and-swap that fails for no reason */
	while ((r = rota_shard_retire(
		    w->shard, rota_engine_shard(w->engine, 1))) == -EBUSY)
		;
	assert_int_equal(r, 0);
	assert_int_equal(rota_timer_stop(&p->timer), ROTA_NOT_PENDING);
	w->fired = 0;
}

static int retire_answer, attach_answer;

static void
retire_inside(struct probe *p, rota_time now)
{
	(void)now;
	retire_answer = rota_shard_retire(
	    p->world->shard, rota_engine_shard(p->world->engine, 1));
}

static void
retire_in_released(struct rota_timer *t)
{
	probe_released(t);
	retire_inside(rota_container_of(t, struct probe, timer), 0);
}

static void
attach_and_leave(void *arg)
{
	struct world *w = arg;

	attach_answer = rota_shard_attach(w->shard);
	if (!attach_answer)
		attach_answer = rota_shard_detach(w->shard);
}

/* It has no owner, and none is left behind. */
static void
an_adopter_does_not_retire_what_it_is_inside(void **state, bool in_released)
{
	struct world *w = *state;
	struct rota_config c = world_config(w);
	struct probe *p;

	world_destroy(w, ROTA_REFUSE);
	c.shards = 2;
	world_open(w, &c);
	p = world_probes(w, 3);
	if (!in_released)
		p[0].then = retire_inside;
	rota_timer_reset_at(&p[0].timer, TICK);
	rota_timer_reset_at(&p[1].timer, 2 * TICK);
	while (rota_shard_poll(w->shard, 0, 0))
		;
	if (in_released) {
		w->kind.released = retire_in_released;
		assert_int_equal(elsewhere_release(&p[2].timer), 1);
	}
	assert_int_equal(rota_shard_detach(w->shard), 0);
	retire_answer = 99;
	adopt_all(w, TICK, 0);
	assert_int_equal(retire_answer, -EDEADLK);
	elsewhere(attach_and_leave, w);
	assert_int_equal(attach_answer, 0);
	assert_int_equal(rota_shard_attach(w->shard), 0);
	while (rota_shard_poll(w->shard, 5 * TICK, 0))
		;
	expect_fired(w, 0, 1);
	w->kind.released = probe_released;
}

static void
an_adopter_does_not_retire_in_a_callback(void **state)
{
	an_adopter_does_not_retire_what_it_is_inside(state, false);
}

static void
nor_in_a_released(void **state)
{
	an_adopter_does_not_retire_what_it_is_inside(state, true);
}

static int answer[2];

static void
adopt_inside(struct probe *p, rota_time now)
{
	answer[0] = rota_shard_adopt(p->world->shard, now, 0);
}

struct
try {
	struct world *w;
	int r;
};

static void
try_adopt(void *arg)
{
	struct try *t = arg;

	t->r = rota_shard_adopt(t->w->shard, 5 * TICK, 0);
}

static void
try_adopt_inside(struct probe *p, rota_time now)
{
	struct try t = { p->world, 99 };

	(void)now;
	elsewhere(try_adopt, &t);
	answer[1] = t.r;
}

static void
who_may_not_is_told_so(void **state)
{
	struct world *w = *state;
	struct rota_config c = world_config(w);
	struct probe *p = world_probes(w, 2);
	struct rota_kind k;

	assert_int_equal(
	    rota_kind_init(&k, w->shard,
		&(struct rota_kind_config){
		    .fire = probe_fire, .name = "k", .flags = ROTA_CONFINED }),
	    -EINVAL);
	p[0].then = adopt_inside;
	p[1].then = try_adopt_inside;
	rota_timer_reset_at(&p[0].timer, TICK);
	rota_timer_reset_at(&p[1].timer, 2 * TICK);
	while (rota_shard_poll(w->shard, 0, 0))
		;
	rota_shard_detach(w->shard);
	/* while an adopter is at it another finds it busy */
	adopt_all(w, 3 * TICK, 0);
	assert_int_equal(answer[0], -EDEADLK);
	assert_int_equal(answer[1], -EBUSY);
	assert_int_equal(w->fired, 2);
	w->fired = 0;
	rota_shard_attach(w->shard);
	world_destroy(w, ROTA_REFUSE);
	c.flags = 0;
	world_open(w, &c);
	assert_int_equal(rota_shard_adopt(w->shard, 0, 0), -EOPNOTSUPP);
}

/* It announces its sleep from what it knew before the adopter took an earlier
 * timer out of the inbox. */
static void
an_adopter_wakes_an_owner_that_would_sleep_too_long(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 2);

	rota_timer_reset_at(&p[0].timer, 100 * TICK);
	world_poll(w, TICK);
	assert_int_equal(elsewhere_reset_at(&p[1].timer, 50 * TICK), 0);
	park_enter(&w->shard->park, 100 * TICK);
	adopt_all(w, 2 * TICK, 0);
	assert_int_equal(word_load(&w->shard->park.parked, relaxed), 0);
	assert_int_equal(world_stat(w).wakes, 1);
	assert_in_range(rota_shard_next(w->shard), 2 * TICK, 50 * TICK);
	/* what is next comes no earlier than it wakes anyhow */
	park_enter(&w->shard->park, (uint64_t)rota_shard_next(w->shard));
	adopt_all(w, 2 * TICK, 0);
	assert_int_not_equal(word_load(&w->shard->park.parked, relaxed), 0);
	world_poll(w, 200 * TICK);
	assert_int_equal(w->fired, 2);
	w->fired = 0;
}

/* clang-format off: a # that begins a line */
#define ADOPT(f)                                                \
	{ #f " [heap]", f, adopt_setup, world_teardown,         \
		(void *)(uintptr_t)&adopt_heap },               \
	    { #f " [wheel]", f, adopt_setup, world_teardown,    \
		    (void *)(uintptr_t)&adopt_wheel },          \
	{                                                       \
#f " [coarse]", f, adopt_setup, world_teardown, \
		    (void *)(uintptr_t)&adopt_coarse            \
	}
/* clang-format on */

static struct probe *armed_by_release;

static void
released_arms(struct rota_timer *t)
{
	(void)t;
	rota_timer_reset_at(&armed_by_release->timer, 2 * TICK);
}

/* Others hear of what a `released` armed before a callback blocks: of a timer
 * that was armed for @was, or for nothing. */
static void
a_released_arms_behind_a_blocked_callback(void **state, rota_time was)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 2);
	struct owner o = { w, TICK, 0, 0 };
	struct rota_timer t;
	struct rota_kind k;
	pthread_t owner;

	assert_int_equal(rota_kind_init(&k, w->shard,
			     &(struct rota_kind_config){ .fire = probe_fire,
				 .released = released_arms,
				 .name = "arms" }),
	    0);
	assert_int_equal(rota_timer_init(&t, &k), 0);
	armed_by_release = &p[1];
	p[0].then = blocked;
	rota_timer_reset_at(&p[0].timer, TICK);
	if (was)
		rota_timer_reset_at(&p[1].timer, was);
	while (rota_shard_poll(w->shard, 0, 0))
		;
	assert_int_equal(elsewhere_release(&t), 1);
	rota_shard_detach(w->shard);
	pthread_create(&owner, NULL, owner_run, &o);
	sem_wait(&begun);
	assert_true(rota_shard_overdue(w->shard, 20 * TICK) >= 17 * TICK);
	adopt_all(w, 20 * TICK, 0);
	sem_post(&end);
	pthread_join(owner, NULL);
	assert_int_equal(rota_shard_attach(w->shard), 0);
	assert_int_equal(rota_kind_release(&k), 0);
	expect_fired(w, 0, 1);
}

static void
what_a_released_armed_is_overdue_behind_a_blocked_callback(void **state)
{
	a_released_arms_behind_a_blocked_callback(state, 0);
}

/* What goes to an earlier place is staged. */
static void
so_is_what_a_released_armed_for_earlier(void **state)
{
	a_released_arms_behind_a_blocked_callback(state, 100 * TICK);
}

static void
what_its_owner_arms_is_next_at_once(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 2);

	rota_timer_reset_at(&p[0].timer, 50 * TICK);
	while (rota_shard_poll(w->shard, 0, 0))
		;
	rota_timer_reset_at(&p[1].timer, 5 * TICK);
	assert_true(rota_shard_next(w->shard) <= 5 * TICK);
	assert_true(rota_shard_overdue(w->shard, 20 * TICK) >= 15 * TICK);
	rota_timer_reset_at(&p[0].timer, 2 * TICK);
	assert_true(rota_shard_next(w->shard) <= 2 * TICK);
	assert_true(rota_shard_overdue(w->shard, 20 * TICK) >= 18 * TICK);
	while (rota_shard_poll(w->shard, 5 * TICK, 0))
		;
	expect_fired(w, 0, 1);
}

/* The budget ends in the middle of a slot: an adopter that comes by then goes
 * by how late that is, not by how old the clock is. */
static void
what_is_half_brought_up_is_late_by_no_more_than_it_is(void **state)
{
	enum { MANY = 100 };
	const rota_time due = 1000000 * TICK;
	struct world *w = *state;
	struct probe *p = world_probes(w, MANY);
	rota_span late;
	int r;

	for (unsigned i = 0; i < MANY; i++)
		rota_timer_reset_at(&p[i].timer, due);
	while (rota_shard_poll(w->shard, due - 10 * TICK, 0))
		;
	do {
		r = rota_shard_poll(w->shard, due, 5);
		late = rota_shard_overdue(w->shard, due + TICK);
		assert_in_range(late, 0, 2 * TICK);
		if (w->fired && r == 1)
			assert_true(late > 0);
	} while (r);
	assert_int_equal(w->fired, MANY);
	w->fired = 0;
}

static void
what_the_owner_asks_for_it_does_not_sleep_past(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);

	while (rota_shard_poll(w->shard, 0, 0))
		;
	elsewhere_reset_at(&p->timer, 5 * TICK);
	assert_int_equal(rota_shard_armed(w->shard, 6 * TICK), 1);
	assert_true(rota_shard_next(w->shard) <= 5 * TICK);
	assert_true(rota_shard_park(w->shard) <= 5 * TICK);
	assert_true(rota_shard_overdue(w->shard, 7 * TICK) >= 2 * TICK);
	while (rota_shard_poll(w->shard, 7 * TICK, 0))
		;
	expect_fired(w, 0);
}

/* Releases in a row: that of the first arms the second, which another thread
 * then releases, and that of the second releases the third. */
static struct {
	struct probe *arms, *next, *last;
	int answer;
	unsigned fires; /* of the third by then */
} row;

static void
releases_in_a_row(struct rota_timer *t)
{
	probe_released(t);
	if (t == &row.arms->timer) {
		rota_timer_reset_at(&row.next->timer, 1);
		elsewhere_release(&row.next->timer);
	} else if (t == &row.next->timer) {
		row.fires = row.last->fires;
		row.answer = rota_timer_release(&row.last->timer);
	}
}

/* The third is due, in the same poll. */
static void
given_back_at_once(void **state, bool adopted)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 3);

	row.arms = &p[0];
	row.next = &p[1];
	row.last = &p[2];
	row.answer = -1;
	w->kind.released = releases_in_a_row;
	rota_timer_reset_at(&p[2].timer, 2 * TICK);
	while (rota_shard_poll(w->shard, 0, 0))
		;
	assert_int_equal(elsewhere_release(&p[0].timer), 1);
	if (adopted) {
		assert_int_equal(rota_shard_detach(w->shard), 0);
		adopt_all(w, 5 * TICK, 0);
		assert_int_equal(rota_shard_attach(w->shard), 0);
	}
	while (rota_shard_poll(w->shard, 5 * TICK, 0))
		;
	assert_int_equal(row.answer, 0);
	assert_int_equal(p[2].fires, row.fires);
	w->fired = 0;
	assert_int_equal(rota_shard_check(w->shard), 0);
	w->kind.released = probe_released;
}

static void
what_a_released_gives_back_at_once_does_not_fire(void **state)
{
	given_back_at_once(state, false);
}

static void
nor_in_an_adopters_poll(void **state)
{
	given_back_at_once(state, true);
}

static void
released_arms_for_the_past(struct rota_timer *t)
{
	(void)t;
	rota_timer_reset_at(&armed_by_release->timer, 1);
}

/* Nor does it fire later than in the next, behind other callbacks or not. */
static void
what_a_released_arms_for_the_past_fires_in_the_next_poll(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 3);

	armed_by_release = &p[2];
	w->kind.released = released_arms_for_the_past;
	rota_timer_reset_at(&p[1].timer, TICK);
	while (rota_shard_poll(w->shard, 0, 0))
		;
	assert_int_equal(elsewhere_release(&p[0].timer), 1);
	while (rota_shard_poll(w->shard, 2 * TICK, 0) == -EBUSY)
		;
	expect_fired(w, 1);
	while (rota_shard_poll(w->shard, 2 * TICK, 0))
		;
	expect_fired(w, 2);
	w->kind.released = probe_released;
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		ADOPT(an_adopter_fires_what_waits_behind_a_blocked_callback),
		ADOPT(what_the_owner_has_just_filed_is_known_to_be_overdue),
		ADOPT(an_owner_that_is_behind_its_adopter_gets_to_the_end),
		ADOPT(callbacks_arm_timers_on_either_seat),
		ADOPT(
		    on_the_adopters_seat_a_callback_may_release_its_own_timer),
		ADOPT(the_owner_is_the_owner_even_if_an_adopter_is_at_it),
		ADOPT(the_shard_of_a_dead_thread_can_be_adopted),
		ADOPT(
		    while_an_adopter_has_hold_the_owner_finds_it_busy_and_goes_on),
		ADOPT(
		    an_adopter_that_lost_the_shard_leaves_it_and_says_there_is_more),
		ADOPT(what_is_released_stays_while_its_callback_runs_elsewhere),
		ADOPT(what_a_waiting_release_arms_is_known_to_the_owner),
		ADOPT(an_inner_callback_releases_the_outer_timer),
		ADOPT(nor_does_it_adopt_the_shard_that_it_is_inside),
		ADOPT(
		    a_shard_does_not_retire_while_an_adopter_is_in_a_callback),
		ADOPT(an_adopter_does_not_retire_in_a_callback),
		ADOPT(nor_in_a_released),
		ADOPT(an_adopter_wakes_an_owner_that_would_sleep_too_long),
		ADOPT(
		    what_a_released_armed_is_overdue_behind_a_blocked_callback),
		ADOPT(so_is_what_a_released_armed_for_earlier),
		ADOPT(what_a_released_gives_back_at_once_does_not_fire),
		ADOPT(nor_in_an_adopters_poll),
		ADOPT(what_a_released_arms_for_the_past_fires_in_the_next_poll),
		ADOPT(what_its_owner_arms_is_next_at_once),
		ADOPT(what_is_half_brought_up_is_late_by_no_more_than_it_is),
		ADOPT(what_the_owner_asks_for_it_does_not_sleep_past),
		ADOPT(who_may_not_is_told_so),
	};

	return cmocka_run_group_tests_name("adopt", tests, NULL, NULL);
}
