/* SPDX-License-Identifier: MIT
 *
 * bubble.c - virtual time for threads that wait.
 *
 * The last thread to fall asleep becomes the owner of the shard for a moment,
 * and polls it and moves the clock until a thread is awake. All that is due at
 * an instant comes before the end of a rota_bubble_wait() and before the clock
 * moves. A thread counts as awake from the moment it is woken, not from when it
 * runs: so the clock cannot move in between.
 */
#include <rota/bubble.h>

#include <errno.h>
#include <sched.h>
#include <stdlib.h>

#include "api/wait/wait.h"

struct rota_bubble {
	struct rota_engine *engine;
	struct wait_layer *layer;
	pthread_mutex_t lock;
	unsigned members, asleep, idle;
	uint64_t jobs;       /* of its executors: armed, queued or running */
	unsigned long woken; /* how often a thread woke, joined or got a job */
	bool moving;         /* a member polls the shard */
	bool dead;           /* nothing would ever wake the members */
	bool still;          /* nothing would ever wake the idle */
	struct wait_list sleepers;
	struct wait_list settlers; /* rota_bubble_wait */
	struct wait_list idlers;
	pthread_key_t ends; /* its destructor runs when a member's thread
			     * ends */
};

/* The bubble that the thread is a member of. */
static _Thread_local struct rota_bubble *own_bubble;

bool
rota__bubble_member(const struct rota_bubble *b)
{
	return own_bubble == b;
}

pthread_mutex_t *
rota__bubble_lock(struct rota_bubble *b)
{
	return &b->lock;
}

void
rota__bubble_woken(struct rota_bubble *b, const struct waiter *w)
{
	b->woken++;
	b->still = false;
	if (w->idle) {
		b->members++;
		b->idle--;
	} else {
		b->asleep--;
	}
}

/* Must one of the sleeping threads wake another? Idle workers exist for jobs:
 * with no job, and no other thread, the clock stands. Under the lock. */
static bool
all_asleep(const struct rota_bubble *b)
{
	if (b->members)
		return b->asleep == b->members;
	return b->idle && b->jobs && !b->still;
}

/* The calling thread, which goes on, may have made all_asleep() true: wake one
 * thread to deal with it. Under the lock. */
static void
nudge(struct rota_bubble *b)
{
	const struct wait_node *n = b->members ? b->sleepers.first
					       : b->idlers.first;

	if (n && all_asleep(b) && !b->moving)
		pthread_cond_signal(&n->waiter->wake);
}

void
rota__bubble_jobs(struct rota_bubble *b, uint64_t more)
{
	lock_take(&b->lock, LOCK_WAITER);
	b->jobs += more;
	b->woken++; /* the thread that moves the clock checks again */
	b->still = false;
	nudge(b);
	lock_give(&b->lock);
}

/* Instants from here on never come: the last tick of a wheel. */
#define LAST (ROTA_NEVER - ((rota_time)1 << 21))

/* Under the lock, which is also the waiters' lock. */
static void
wake_all(struct wait_list *l)
{
	struct wait_node *n;

	while ((n = l->first)) {
		struct waiter *w = n->waiter;

		rota__wait_list_remove(l, n);
		if (rota__waiter_take(w, n->source))
			rota__waiter_awake(w);
	}
}

/* Poll until nothing is due any more. If all are still asleep then, wake the
 * threads in rota_bubble_wait(), or else move the clock; and so on until a
 * thread is awake. False: nothing is armed and no thread is awake. Under the
 * lock, which the polls give up; if another thread wakes a member meanwhile,
 * that is seen before the clock moves. */
static bool
advance(struct rota_bubble *b)
{
	struct rota_engine *e = b->engine;
	struct rota_shard *s = rota_engine_shard(e, 0);
	bool armed = true;
	int r;

	lock_give(&b->lock);
	while ((r = rota_shard_attach(s)) == -EBUSY) /* a thread of the user has
						      * attached */
		sched_yield();
	lock_take(&b->lock, LOCK_WAITER);
	while (!r && armed && all_asleep(b)) {
		unsigned long woken = b->woken;
		rota_time now = rota_engine_now(e), next;

		lock_give(&b->lock);
		while (rota_shard_poll(s, now, 0) > 0)
			;
		next = rota_shard_next(s);
		armed = next <= now || rota_shard_armed(s, LAST) > 0;
		lock_take(&b->lock, LOCK_WAITER);
		if (b->woken != woken || !all_asleep(b))
			armed = true; /* woken, if not by a timer */
		else if (next > now && b->settlers.first)
			wake_all(&b->settlers);
		else if (armed && next > now)
			rota_engine_advance(e, next - now);
	}
	lock_give(&b->lock);
	if (!r)
		rota_shard_detach(s);
	lock_take(&b->lock, LOCK_WAITER);
	return !r && armed;
}

/* All are asleep: wake one. Under the lock, given up meanwhile. */
static void
move(struct rota_bubble *b)
{
	unsigned long woken = b->woken;
	bool armed;

	b->moving = true;
	armed = advance(b);
	b->moving = false;
	if (armed || b->woken != woken || !all_asleep(b))
		return;
	if (!b->members) {
		b->still = true;
	} else {
		b->dead = true;
		wake_all(&b->sleepers);
	}
}

void
rota__bubble_sleep(struct rota_bubble *b, struct waiter *w)
{
	struct wait_list *list = &b->sleepers;
	struct wait_node node = { 0 };

	if (w->idle) {
		list = &b->idlers;
		rota__wait_list_add(list, &node, w, WAIT_SELF);
		if (!w->awake) {
			b->members--;
			b->idle++;
		}
	} else {
		if (b->dead && rota__waiter_take(w, WAIT_DEAD))
			return;
		rota__wait_list_add(list, &node, w, WAIT_DEAD);
		if (!w->awake)
			b->asleep++;
	}
	w->asleep = !w->awake;
	while (!w->awake) {
		if (all_asleep(b) && !b->moving)
			move(b);
		else
			lock_wait(&w->wake, &b->lock);
	}
	rota__wait_list_remove(list, &node);
}

/* A thread ends that has not left. */
static void
thread_ends(void *bubble)
{
	if (own_bubble)
		rota_bubble_leave(bubble);
}

int
rota_bubble_create(struct rota_bubble **out, enum rota_backend backend)
{
	struct rota_config config = {
		.size = sizeof(config),
		.backend = backend,
		.shards = 1,
		.clock = ROTA_CLOCK_VIRTUAL,
	};
	struct rota_bubble *b;
	int r;

	if (!out)
		return -EINVAL;
	*out = NULL;
	b = calloc(1, sizeof(*b));
	if (!b)
		return -ENOMEM;
	r = -pthread_key_create(&b->ends, thread_ends);
	if (r) {
		free(b);
		return r;
	}
	r = rota_engine_create(&b->engine, &config);
	if (!r)
		b->layer = rota__wait_layer(b->engine);
	if (!r && !b->layer) {
		rota_engine_destroy(b->engine, ROTA_DROP);
		r = -ENOMEM;
	}
	if (r) {
		pthread_key_delete(b->ends);
		free(b);
		return r;
	}
	pthread_mutex_init(&b->lock, NULL);
	rota__wait_list_init(&b->sleepers);
	rota__wait_list_init(&b->settlers);
	rota__wait_list_init(&b->idlers);
	b->layer->bubble = b;
	*out = b;
	return 0;
}

int
rota_bubble_destroy(struct rota_bubble *b)
{
	bool busy = false, forked;
	int r;

	if (!b)
		return -EINVAL;
	forked = rota_engine_forked(b->engine) > 0;
	if (!forked) {
		lock_take(&b->lock, LOCK_WAITER);
		busy = b->members || b->idle || b->moving;
		lock_give(&b->lock);
	} else if (own_bubble == b) {
		/* The other members are not in this process. */
		own_bubble = NULL;
	}
	if (busy)
		return -EBUSY;
	r = rota_engine_destroy(b->engine, ROTA_DROP);
	if (r < 0)
		return r;
	pthread_key_delete(b->ends);
	if (!forked)
		pthread_mutex_destroy(&b->lock);
	free(b);
	return r;
}

struct rota_engine *
rota_bubble_engine(struct rota_bubble *b)
{
	return b ? b->engine : NULL;
}

static void
members_add(struct rota_bubble *b)
{
	lock_take(&b->lock, LOCK_WAITER);
	b->members++;
	b->woken++;
	b->still = false;
	lock_give(&b->lock);
}

/* The remaining members may all be asleep: wake one to deal with it. */
static void
members_remove(struct rota_bubble *b)
{
	lock_take(&b->lock, LOCK_WAITER);
	b->members--;
	nudge(b);
	lock_give(&b->lock);
}

int
rota_bubble_join(struct rota_bubble *b)
{
	if (!b)
		return -EINVAL;
	if (rota_engine_forked(b->engine))
		return -ECHILD;
	if (own_bubble)
		return -EBUSY;
	if (pthread_setspecific(b->ends, b))
		return -ENOMEM;
	members_add(b);
	own_bubble = b;
	return 0;
}

int
rota_bubble_leave(struct rota_bubble *b)
{
	if (!b)
		return -EINVAL;
	if (rota_engine_forked(b->engine))
		return -ECHILD;
	if (own_bubble != b)
		return -EPERM;
	if (rota_engine_would_deadlock(b->engine))
		return -EDEADLK;
	own_bubble = NULL;
	(void)pthread_setspecific(b->ends, NULL); /* cannot fail: NULL needs no
						   * memory */
	members_remove(b);
	return 0;
}

struct start {
	struct rota_bubble *b;
	void *(*run)(void *arg);
	void *arg;
};

static void *
begin(void *arg)
{
	struct start s = *(struct start *)arg;
	void *answer;

	free(arg);
	own_bubble = s.b;
	pthread_cleanup_push(thread_ends, s.b);
	answer = s.run(s.arg);
	pthread_cleanup_pop(1); /* pthread_exit() comes here, too */
	return answer;
}

int
rota_bubble_thread(struct rota_bubble *b, pthread_t *thread,
    void *(*run)(void *arg), void *arg)
{
	struct start *s;
	int r;

	if (!b || !thread || !run)
		return -EINVAL;
	if (rota_engine_forked(b->engine))
		return -ECHILD;
	s = malloc(sizeof(*s));
	if (!s)
		return -ENOMEM;
	*s = (struct start){ b, run, arg };
	members_add(b);
	r = pthread_create(thread, NULL, begin, s);
	if (r) {
		free(s);
		members_remove(b);
	}
	return -r;
}

int
rota_bubble_wait(struct rota_bubble *b)
{
	struct wait_node node;
	struct waiter w;
	int r;

	if (!b)
		return -EINVAL;
	r = rota__waiter_init(&w, b->layer, __func__);
	if (r)
		return r;
	lock_take(&b->lock, LOCK_WAITER);
	rota__wait_list_add(&b->settlers, &node, &w, WAIT_SELF);
	rota__bubble_sleep(b, &w);
	rota__wait_list_remove(&b->settlers, &node);
	lock_give(&b->lock);
	r = w.taken == WAIT_DEAD ? -EDEADLK : 0;
	rota__waiter_destroy(&w);
	return r;
}
