/* SPDX-License-Identifier: MIT
 *
 * relacy_engine.h - what api/wait/channel.c and api/wait/context.c stand on,
 * for relacy.
 *
 * The locks are relacy's. The engine is one shard of a few lines that keeps
 * the promises of rota/handle.h: each arming runs once or is stopped, a stop
 * may find it running, whoever arms for an instant that has come is heard by
 * the owner. (That the real one keeps them is for relacy_core.c and
 * rota.pml.) Memory that went back is overwritten, as are locks that were
 * destroyed; relacy reports a lock that is none.
 *
 * Between two accesses of relacy's no other thread runs, so plain memory will
 * do here; others() is such an access.
 */
#ifndef ROTA_TESTS_MODEL_RELACY_ENGINE_H
#define ROTA_TESTS_MODEL_RELACY_ENGINE_H

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <new>

#include "tests/model/relacy_pthread.h"

extern "C" {
#include "api/wait/channel.h"
#include "api/wait/context.h"
}

#include <relacy/pthread.h>
/* relacy's macros for code that allocates or locks as it is. */
#undef new
#undef delete
#undef malloc
#undef calloc
#undef realloc
#undef free
#undef pthread_mutex_t
#undef pthread_cond_t

enum { ARMINGS = 24, PARTS = 8, PART = 512 };

/* A pooled timer, from its first arming to its end. */
struct arming {
	bool armed, running;
	bool held, given; /* kept by api/, and given back */
	rota_time when;
	rota_func *fn;
	void *arg;
	struct rota_timer timer; /* for its address, if it is held */
};

struct rota_shard {
	rota_time now; /* of its latest poll */
};

struct rota_engine {
	/* Zero in the beginning. */
	struct rota_shard shard;
	struct rota_layer *layer;
	rota_time clock;
	struct arming arming[ARMINGS];
	unsigned armings, parts;
	unsigned scarce; /* so many armings succeed; 0: all */
	bool used[PARTS];
	unsigned held;  /* locks of api/ */
	bool asleep;    /* the owner */
	unsigned users; /* threads but the owner that have not ended */
	alignas(64) char part[PARTS][PART];
};

static struct rota_engine *E;
static rl::atomic<unsigned> *line;
static rl::rl_pthread_mutex_t *lock; /* with @work: the owner's sleep */
static rl::rl_pthread_cond_t *work;

/* What must hold when nothing is due and nobody is at work in api/. */
static void (*at_rest)();

/* Others may come first. */
static void
others()
{
	line->fetch_add(1, rl::mo_acq_rel, $);
}

/*
 * The owner's side.
 */

static struct arming *
due()
{
	struct arming *first = NULL;

	for (unsigned i = 0; i < E->armings; i++) {
		struct arming *a = &E->arming[i];

		if (a->armed && a->when <= E->shard.now &&
		    (!first || a->when < first->when))
			first = a;
	}
	return first;
}

static void
poll(rota_time now)
{
	struct arming *a;

	if (now > E->shard.now)
		E->shard.now = now;
	while (due()) {
		others();
		a = due();
		if (!a)
			break;
		a->armed = false;
		a->running = true;
		others();
		RL_ASSERT(!a->given);
		a->fn(a->arg);
		others();
		a->running = false;
	}
	if (!E->held)
		at_rest();
}

/* Until the others have ended: what they arm may be due. */
static void
serve()
{
	for (bool on = true; on;) {
		rl_pthread_mutex_lock(lock, $);
		while (!due() && E->users) {
			if (!E->held)
				at_rest();
			E->asleep = true;
			rl_pthread_cond_wait(work, lock, $);
			E->asleep = false;
		}
		on = due();
		rl_pthread_mutex_unlock(lock, $);
		poll(E->shard.now);
	}
}

static void
wake()
{
	rl_pthread_mutex_lock(lock, $);
	rl_pthread_cond_signal(work, $);
	rl_pthread_mutex_unlock(lock, $);
}

/* One of the others has ended. */
static void
leave()
{
	others();
	E->users--;
	wake();
}

static void
post(rota_time when)
{
	if (when <= E->shard.now && E->asleep)
		wake();
}

extern "C" {

/*
 * rota/engine.h, rota/handle.h
 */

rota_time
rota_engine_now(struct rota_engine *e)
{
	return e->clock;
}

struct rota_shard *
rota_engine_local_shard(struct rota_engine *e)
{
	return &e->shard;
}

int
rota_engine_would_deadlock(const struct rota_engine *)
{
	return 0;
}

int
rota_engine_forked(const struct rota_engine *)
{
	return 0;
}

struct rota_layer *
rota_engine_at_destroy(struct rota_engine *e, struct rota_layer *l)
{
	if (!e->layer)
		e->layer = l;
	return e->layer;
}

void *
rota_engine_alloc(struct rota_engine *e, size_t size)
{
	unsigned i = e->parts++;

	RL_ASSERT(i < PARTS && size <= PART);
	e->used[i] = true;
	return e->part[i];
}

void
rota_engine_free(struct rota_engine *e, void *p, size_t)
{
	size_t i = (size_t)((char *)p - e->part[0]) / PART;

	RL_ASSERT(e->used[i]);
	e->used[i] = false;
	memset(p, 0xdd, PART);
}

void
rota_engine_log(struct rota_engine *, const char *)
{
}

struct rota_shard *
rota__node_shard(const struct rota_timer *)
{
	return &E->shard;
}

/* The owner of this one polls, and no engine is refused its end. */
void
rota__pool_undriven(struct rota_shard *, const char *)
{
}

void
rota__layer_left(struct rota_engine *, void (*)(struct rota_layer *))
{
}

/* One more, for @fn(@arg); NULL: there is none. */
static struct arming *
arming_take(rota_func *fn, void *arg)
{
	struct arming *a = &E->arming[E->armings];

	if (E->scarce && E->armings == E->scarce)
		return NULL;
	RL_ASSERT(E->armings < ARMINGS);
	E->armings++;
	a->fn = fn;
	a->arg = arg;
	return a;
}

static void
arm(struct arming *a, rota_time when)
{
	a->armed = true;
	a->when = when;
	post(when);
}

static int
prevent(struct arming *a)
{
	if (!a->armed)
		return a->running ? ROTA_RUNNING : ROTA_NOT_PENDING;
	a->armed = false;
	return ROTA_PREVENTED;
}

int
rota_shard_after_func(struct rota_shard *, rota_time when, rota_func *fn,
    void *arg, rota_handle *h)
{
	struct arming *a;

	others();
	a = arming_take(fn, arg);
	if (!a)
		return -ENOSPC;
	*h = E->armings;
	arm(a, when);
	return 0;
}

int
rota_handle_stop(struct rota_engine *e, rota_handle h)
{
	int r;

	others();
	r = prevent(&e->arming[h - 1]);
	return r == ROTA_NOT_PENDING ? -ESTALE : r;
}

/*
 * Pooled timers that are kept, and rota/timer.h for them.
 */

static struct arming *
arming_of(struct rota_timer *t)
{
	size_t i = (size_t)((char *)t - (char *)E->arming) / sizeof(*E->arming);
	struct arming *a = &E->arming[i];

	RL_ASSERT(i < E->armings && a->held && !a->given && &a->timer == t);
	return a;
}

int
rota__node_take(
    struct rota_engine *, rota_func *fn, void *arg, struct rota_timer **t)
{
	struct arming *a;

	others();
	a = arming_take(fn, arg);
	if (!a)
		return -ENOSPC;
	a->held = true;
	*t = &a->timer;
	return 0;
}

void
rota__node_give(struct rota_timer *t)
{
	struct arming *a = arming_of(t);

	others();
	RL_ASSERT(!a->armed);
	a->given = true;
}

int
rota_timer_reset_at(struct rota_timer *t, rota_time when)
{
	struct arming *a = arming_of(t);
	bool was;

	others();
	was = a->armed;
	arm(a, when);
	return was;
}

int
rota__timer_push(struct rota_timer *t, rota_time when)
{
	struct arming *a = arming_of(t);

	others();
	if (!a->armed)
		return -EINVAL;
	arm(a, when);
	return 1;
}

int
rota_timer_stop(struct rota_timer *t)
{
	struct arming *a = arming_of(t);

	others();
	return prevent(a);
}

/* Before an access to an atomic of api/; relacy_pthread.h. */
void
model_access(void)
{
	others();
}

/*
 * api/wait/bubble.c: there is none. core/sys/fd.c: descriptors that nobody
 * polls.
 */

void
rota__bubble_sleep(struct rota_bubble *, struct waiter *)
{
	abort();
}

void
rota__bubble_woken(struct rota_bubble *, const struct waiter *)
{
	abort();
}

pthread_mutex_t *
rota__bubble_lock(struct rota_bubble *)
{
	abort();
}

bool
rota__bubble_member(const struct rota_bubble *)
{
	abort();
}

int
rota__fd_open(struct fd *f)
{
	f->at = 1;
	return 0;
}

void
rota__fd_close(struct fd *f)
{
	f->at = 0;
}

void
rota__fd_show(struct fd *f, bool something)
{
	if (f->at)
		f->shows = something;
}

/* What is thread-local in api/; relacy_pthread.h. */
extern char __start_model_local[], __stop_model_local[];
}

/*
 * pthread.h
 */

static rl::rl_pthread_mutex_t *
mutex(pthread_mutex_t *m)
{
	return (rl::rl_pthread_mutex_t *)(void *)m;
}

static rl::rl_pthread_cond_t *
cond(pthread_cond_t *c)
{
	return (rl::rl_pthread_cond_t *)(void *)c;
}

#define AT rl::debug_info(func, file, line)

void
model_mutex_init(pthread_mutex_t *m, MODEL_AT)
{
	static_assert(sizeof(rl::rl_pthread_mutex_t) <= sizeof(*m), "room");
	rl_pthread_mutex_init(
	    ::new ((void *)m) rl::rl_pthread_mutex_t, NULL, AT);
}

void
model_mutex_destroy(pthread_mutex_t *m, MODEL_AT)
{
	rl_pthread_mutex_destroy(mutex(m), AT);
	memset((void *)m, 0xdd, sizeof(*m));
}

void
model_mutex_lock(pthread_mutex_t *m, MODEL_AT)
{
	rl_pthread_mutex_lock(mutex(m), AT);
	E->held++;
}

void
model_mutex_unlock(pthread_mutex_t *m, MODEL_AT)
{
	E->held--;
	rl_pthread_mutex_unlock(mutex(m), AT);
}

void
model_cond_init(pthread_cond_t *c, MODEL_AT)
{
	static_assert(sizeof(rl::rl_pthread_cond_t) <= sizeof(*c), "room");
	rl_pthread_cond_init(::new ((void *)c) rl::rl_pthread_cond_t, NULL, AT);
}

void
model_cond_destroy(pthread_cond_t *c, MODEL_AT)
{
	rl_pthread_cond_destroy(cond(c), AT);
	memset((void *)c, 0xdd, sizeof(*c));
}

void
model_cond_wait(pthread_cond_t *c, pthread_mutex_t *m, MODEL_AT)
{
	E->held--;
	rl_pthread_cond_wait(cond(c), mutex(m), AT);
	E->held++;
}

void
model_cond_signal(pthread_cond_t *c, MODEL_AT)
{
	rl_pthread_cond_signal(cond(c), AT);
}

void
model_cond_broadcast(pthread_cond_t *c, MODEL_AT)
{
	rl_pthread_cond_broadcast(cond(c), AT);
}

#undef AT

/*
 * An execution.
 */

/* What relacy has to make anew for each. */
struct ground {
	struct rota_engine engine;
	rl::atomic<unsigned> accesses;
	rl::rl_pthread_mutex_t sleep_lock;
	rl::rl_pthread_cond_t sleep_cond;

	void
	lay(unsigned users, unsigned scarce)
	{
		memset(__start_model_local, 0,
		    (size_t)(__stop_model_local - __start_model_local));
		memset((void *)&engine, 0, offsetof(rota_engine, part));
		engine.users = users;
		engine.scarce = scarce;
		E = &engine;
		accesses.store(0, rl::mo_relaxed, $);
		line = &accesses;
		lock = &sleep_lock;
		work = &sleep_cond;
		rl_pthread_mutex_init(lock, NULL, $);
		rl_pthread_cond_init(work, NULL, $);
	}

	/* All references were given back. */
	void
	clear()
	{
		unsigned parts = 0;

		poll(engine.shard.now);
		for (unsigned i = 0; i < PARTS; i++)
			parts += engine.used[i];
		RL_ASSERT(parts == (engine.layer != NULL));
		for (unsigned i = 0; i < engine.armings; i++)
			RL_ASSERT(!engine.arming[i].armed &&
			    engine.arming[i].held == engine.arming[i].given);
		if (engine.layer)
			engine.layer->end(engine.layer);
		for (unsigned i = 0; i < PARTS; i++)
			RL_ASSERT(!engine.used[i]);
		rl_pthread_cond_destroy(work, $);
		rl_pthread_mutex_destroy(lock, $);
	}
};

#endif
