/* SPDX-License-Identifier: MIT
 *
 * sync_test.c - rota_timer_stop_sync(): the end of a callback is waited for.
 * Claims: it returns once the callbacks that had begun are over, not before,
 * whatever armed them, however often the timer fires again and whatever else
 * runs; it does not wait where nothing runs; in the callback itself, if
 * through those of others, it says so. More: tests/gate.
 *
 * Here one thread has to be inside a callback while another stops: they meet
 * at gates, no clock is involved.
 */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <string.h>
#include <time.h>

#include "tests/support/world.h"

/* A callback that says it has begun, and ends when it is told to. */
struct gate {
	sem_t begun, end;
	rota_word over; /* the callback's last store */
};

static void
gate_init(struct gate *g)
{
	sem_init(&g->begun, 0, 0);
	sem_init(&g->end, 0, 0);
	g->over = 0;
}

static void
through_the_gate(struct probe *p, rota_time now)
{
	struct gate *g = p->arg;

	(void)now;
	sem_post(&g->begun);
	sem_wait(&g->end);
	word_store(&g->over, (uint64_t)1, relaxed);
}

struct owner {
	struct world *w;
	rota_time now;
	struct rota_shard *adopts; /* instead of polling its own */
	int r;
};

static void *
owner_run(void *arg)
{
	struct owner *o = arg;

	if (o->adopts) {
		do {
			o->r = rota_shard_adopt(o->adopts, o->now, 0);
		} while (o->r == 1);
		return NULL;
	}
	o->r = rota_shard_attach(o->w->shard);
	if (!o->r) {
		do {
			o->r = rota_shard_poll(o->w->shard, o->now, 0);
		} while (o->r == 1);
		rota_shard_detach(o->w->shard);
	}
	return NULL;
}

struct stopper {
	struct rota_timer *t;
	struct gate *g;
	sem_t begun;
	int r;
	uint64_t over; /* what it saw of the callback */
};

static void *
stopper_run(void *arg)
{
	struct stopper *s = arg;

	sem_post(&s->begun);
	s->r = rota_timer_stop_sync(s->t);
	s->over = word_load(&s->g->over, relaxed);
	return NULL;
}

static void
a_while(void)
{
	nanosleep(&(struct timespec){ 0, 5000000 }, NULL);
}

/* A callback under way on one thread, a stop that waits for it on another. */
struct meeting {
	struct gate g;
	struct owner o;
	struct stopper s;
	pthread_t owner, stopper;
};

static void
meet(struct meeting *m, struct world *w, struct probe *p,
    void (*then)(struct probe *p, rota_time now))
{
	memset(m, 0, sizeof(*m));
	gate_init(&m->g);
	m->o = (struct owner){ w, TICK, NULL, 0 };
	m->s.t = &p->timer;
	m->s.g = &m->g;
	sem_init(&m->s.begun, 0, 0);
	p->then = then;
	p->arg = &m->g;
	rota_timer_reset_at(&p->timer, TICK);
	assert_int_equal(rota_shard_detach(w->shard), 0);
	pthread_create(&m->owner, NULL, owner_run, &m->o);
	sem_wait(&m->g.begun);
	assert_int_equal(rota_timer_stop(&p->timer), ROTA_RUNNING);
	pthread_create(&m->stopper, NULL, stopper_run, &m->s);
	sem_wait(&m->s.begun);
	a_while(); /* it is waiting by now, or returned too early */
}

static void
part(struct meeting *m)
{
	sem_post(&m->g.end);
	pthread_join(m->stopper, NULL);
	pthread_join(m->owner, NULL);
	assert_int_equal(m->o.r, 0);
}

static void
it_waits_for_the_end_of_the_callback(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);
	struct meeting m;

	meet(&m, w, p, through_the_gate);
	part(&m);
	assert_int_equal(m.s.r, ROTA_NOT_PENDING);
	assert_int_equal(m.s.over, 1);
	assert_int_equal(rota_timer_stop_sync(&p->timer), ROTA_NOT_PENDING);
	expect_fired(w, 0);
}

static sem_t may_release, has_released;

static void
released_through_the_gate(struct probe *p, rota_time now)
{
	struct gate *g = p->arg;

	(void)now;
	sem_post(&g->begun);
	sem_wait(&may_release);
	rota_timer_release(&p->timer);
	sem_post(&has_released);
	sem_wait(&g->end);
	word_store(&g->over, (uint64_t)1, relaxed);
}

/* Also if the timer is given back long before its callback is over. */
static void
it_waits_for_a_callback_that_releases_its_timer(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);
	struct meeting m;

	sem_init(&may_release, 0, 0);
	sem_init(&has_released, 0, 0);
	meet(&m, w, p, released_through_the_gate);
	sem_post(&may_release);
	sem_wait(&has_released);
	a_while(); /* it had time to return too early */
	part(&m);
	if (m.s.r != -EINVAL) { /* it did begin before the release */
		assert_int_equal(m.s.r, ROTA_NOT_PENDING);
		assert_int_equal(m.s.over, 1);
	}
	expect_fired(w, 0);
}

/* Armed again while its callback runs: the stop prevents that arming, and the
 * callback is waited for all the same. */
static void
a_new_arming_is_prevented_and_the_callback_waited_for(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);
	struct meeting m;

	gate_init(&m.g);
	m.o = (struct owner){ w, TICK, NULL, 0 };
	m.s = (struct stopper){ .t = &p->timer, .g = &m.g };
	sem_init(&m.s.begun, 0, 0);
	p->then = through_the_gate;
	p->arg = &m.g;
	rota_timer_reset_at(&p->timer, TICK);
	assert_int_equal(rota_shard_detach(w->shard), 0);
	pthread_create(&m.owner, NULL, owner_run, &m.o);
	sem_wait(&m.g.begun);
	assert_int_equal(rota_timer_reset_at(&p->timer, 2 * TICK), 0);
	pthread_create(&m.stopper, NULL, stopper_run, &m.s);
	sem_wait(&m.s.begun);
	a_while(); /* it is waiting by now, or returned too early */
	part(&m);
	assert_int_equal(m.s.r, ROTA_PREVENTED);
	assert_int_equal(m.s.over, 1);
	assert_int_equal(rota_shard_attach(w->shard), 0);
	expect_fired(w, 0);
	world_poll(w, 9 * TICK);
	expect_nothing(w);
}

/* An owner stuck in the callback, an adopter that fires other timers. */
static void
other_timers_that_fire_do_not_end_the_wait(void **state)
{
	static const struct world_row adoptable = { .backend = ROTA_HEAP,
		.flags = ROTA_ADOPT };
	struct world *w;
	struct probe *p;
	struct owner o, a;
	struct stopper s;
	pthread_t owner, stopper, adopter;
	struct gate g;

	*state = (void *)(uintptr_t)&adoptable;
	world_setup(state);
	w = *state;
	p = world_probes(w, 8);
	o = (struct owner){ w, TICK, NULL, 0 };
	a = (struct owner){ w, 3 * TICK, w->shard, 0 };
	s = (struct stopper){ .t = &p->timer, .g = &g };
	gate_init(&g);
	sem_init(&s.begun, 0, 0);
	p->then = through_the_gate;
	p->arg = &g;
	for (unsigned i = 0; i < 8; i++)
		rota_timer_reset_at(&p[i].timer, (i ? 2 : 1) * TICK);
	assert_int_equal(rota_shard_detach(w->shard), 0);
	pthread_create(&owner, NULL, owner_run, &o);
	sem_wait(&g.begun);
	pthread_create(&stopper, NULL, stopper_run, &s);
	sem_wait(&s.begun);
	a_while();
	pthread_create(&adopter, NULL, owner_run, &a);
	pthread_join(adopter, NULL);
	assert_int_equal(a.r, 0);
	assert_int_equal(w->fired, 8);
	a_while();
	sem_post(&g.end);
	pthread_join(stopper, NULL);
	pthread_join(owner, NULL);
	assert_int_equal(s.r, ROTA_NOT_PENDING);
	assert_int_equal(s.over, 1);
	w->fired = 0;
}

static void
stop_sync_others(struct probe *p, rota_time now)
{
	struct probe *all = p->arg;

	(void)now;
	for (unsigned i = 0; i < 3; i++)
		if (&all[i] != p)
			all[i].id = 100 +
			    (unsigned)rota_timer_stop_sync(&all[i].timer);
}

static void
in_a_callback_it_may_be_asked_of_other_timers(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 3);

	p[1].then = stop_sync_others;
	p[1].arg = p;
	rota_timer_reset_at(&p[0].timer, 1 * TICK);
	rota_timer_reset_at(&p[1].timer, 2 * TICK);
	rota_timer_reset_at(&p[2].timer, 3 * TICK);
	world_poll(w, 5 * TICK);
	expect_fired(w, 0, 1);
	assert_int_equal(p[0].id, 100 + ROTA_NOT_PENDING);
	assert_int_equal(p[2].id, 100 + ROTA_PREVENTED);
}

struct nested {
	struct rota_shard *inner;
	struct probe *outer;
	int r, pending;
};

static void
polls_another_shard(struct probe *p, rota_time now)
{
	struct nested *n = p->arg;

	rota_timer_reset_at(&p->timer, now + TICK);
	rota_shard_poll(n->inner, now, 0);
}

static void
stops_the_outer_one(struct rota_timer *t, rota_time now)
{
	struct nested *n = rota_container_of(t, struct probe, timer)->arg;

	(void)now;
	n->r = rota_timer_stop_sync(&n->outer->timer);
	n->pending = rota_timer_pending(&n->outer->timer);
}

/* A callback polls another shard of its thread; there it is still inside. */
static void
a_callback_does_not_wait_for_one_that_it_is_inside(void **state)
{
	static const struct world_row pair = { .backend = ROTA_HEAP,
		.shards = 2 };
	struct nested n = { 0 };
	struct rota_kind k;
	struct probe other, *p;
	struct world *w;

	*state = (void *)(uintptr_t)&pair;
	world_setup(state);
	w = *state;
	p = world_probes(w, 1);
	n.inner = rota_engine_shard(w->engine, 1);
	n.outer = p;
	n.r = 1;
	assert_int_equal(rota_shard_attach(n.inner), 0);
	assert_int_equal(rota_kind_init(&k, n.inner,
			     &(struct rota_kind_config){
				 .fire = stops_the_outer_one, .name = "in" }),
	    0);
	other = (struct probe){ .world = w, .arg = &n };
	rota_timer_init(&other.timer, &k);
	rota_timer_reset_at(&other.timer, TICK);
	p->then = polls_another_shard;
	p->arg = &n;
	rota_timer_reset_at(&p->timer, TICK);
	world_poll(w, TICK);
	assert_int_equal(n.r, -EDEADLK);
	assert_int_equal(n.pending, 1); /* nothing has changed */
	expect_fired(w, 0);
	rota_timer_release(&other.timer);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		EVERY(it_waits_for_the_end_of_the_callback),
		EVERY(it_waits_for_a_callback_that_releases_its_timer),
		EVERY(a_new_arming_is_prevented_and_the_callback_waited_for),
		cmocka_unit_test_teardown(
		    other_timers_that_fire_do_not_end_the_wait, world_teardown),
		EVERY(in_a_callback_it_may_be_asked_of_other_timers),
		cmocka_unit_test_teardown(
		    a_callback_does_not_wait_for_one_that_it_is_inside,
		    world_teardown),
	};

	return cmocka_run_group_tests_name("sync", tests, NULL, NULL);
}
