/* SPDX-License-Identifier: MIT
 *
 * wait.h - threads that wait for something a timer brings: a value of a
 * channel, the end of a context, an instant.
 *
 * A waiter is one thread's wait, on its stack. It may stand in the lists of
 * several sources at once; the first to claim it has it, hands its value over
 * and wakes it. Claims are made under the lock of the source, so a waiter that
 * has left a list is not claimed from there.
 *
 * In a bubble (rota/bubble.h) one lock and its counters also say who is
 * asleep, for the clock to move once all are.
 *
 * Locks   a source's, then a waiter's or its bubble's; never the other way.
 */
#ifndef ROTA_API_WAIT_WAIT_H
#define ROTA_API_WAIT_WAIT_H

#include <stdbool.h>

#include <rota/handle.h>

#include "core/pool.h"
#include "core/sys/atomic.h"
#include "core/sys/lock.h"

struct rota_bubble;
struct rota_context;

/* What all of an engine's channels, contexts and executors share. */
struct facade {
	struct rota_layer layer; /* first */
	struct rota_engine *engine;
	struct rota_bubble *bubble; /* whose engine it is; NULL: nobody's */
	rota_word channels;         /* that there are */
	rota_word executors;        /* the same */
	pthread_mutex_t lock;
	struct rota_context *contexts; /* that there are; under the lock */
};

/* facade_forked: is this the child of a fork? There no lock is to be taken: a
 * thread of the parent may have had it. */
static inline bool
facade_forked(const struct facade *f)
{
	return rota_engine_forked(f->engine) > 0;
}

/* rota__wait_layer - @e's, made by the first call; NULL: no memory. */
struct facade *rota__wait_layer(struct rota_engine *e);
/* rota__facade_alloc - zeroed memory for a part of it, and in *@f whose; NULL:
 * there is none. */
void *rota__facade_alloc(struct rota_engine *e, size_t size, struct facade **f);

/* Who has claimed a waiter; CASE and more: the source of that number. FAILED:
 * @value is -errno. */
enum { WAIT_NOBODY, WAIT_SELF, WAIT_TIME, WAIT_DEAD, WAIT_FAILED, WAIT_CASE };

struct waiter {
	struct facade *facade;
	rota_time value; /* handed over by who claimed it */
	bool idle; /* no clock waits for it, nor it for the clock: a worker
		    * without work */
	/* Under the lock: its own, or that of the bubble. */
	unsigned taken;
	bool asleep, awake, rung;
	pthread_mutex_t own;
	pthread_cond_t wake;
};

/* Its place in the list of one source; under that one's lock. */
struct wait_node {
	struct waiter *waiter; /* NULL: in no list */
	struct wait_node *next, **prev;
	unsigned who;
	unsigned turn; /* api/wait/select.c */
};

/* First come, first served. */
struct wait_list {
	struct wait_node *first, **last;
};

/* rota__waiter_init - 0; -EDEADLK the caller may not wait on the engine: it is
 * in one of its callbacks or owns one of its shards; -EPERM it is not in the
 * engine's bubble; -ECHILD. rota__waiter_destroy when nobody can claim it any more. */
int rota__waiter_init(struct waiter *w, struct facade *f);
void rota__waiter_destroy(struct waiter *w);
/* rota__waiter_claim - true: it is the caller's, to be woken.
 * rota__waiter_take: the same, under its lock. */
bool rota__waiter_claim(struct waiter *w, unsigned who);
bool rota__waiter_take(struct waiter *w, unsigned who);
/* rota__waiter_wake - as the last of a claim. rota__waiter_awake: the same,
 * under its lock. */
void rota__waiter_wake(struct waiter *w);
void rota__waiter_awake(struct waiter *w);
/* rota__waiter_wait - sleep until it is claimed; at @until it claims itself as
 * WAIT_TIME. 0, or -ENOMEM, -ENOSPC: not slept. */
int rota__waiter_wait(struct waiter *w, rota_time until);

void rota__wait_list_init(struct wait_list *l);
void rota__wait_list_add(
    struct wait_list *l, struct wait_node *n, struct waiter *w, unsigned who);
/* Nothing if it is in no list. */
void rota__wait_list_remove(struct wait_list *l, struct wait_node *n);
/* rota__wait_list_claim - the first waiter that nobody had, out of the list, to
 * be woken; NULL: there is none. */
struct waiter *rota__wait_list_claim(struct wait_list *l);

/* api/wait/bubble.c, under its lock but for the last three.
 * Sleep until w->awake, the clock moving when all are asleep. */
void rota__bubble_sleep(struct rota_bubble *b, struct waiter *w);
/* @w, which was asleep, is awake. */
void rota__bubble_woken(struct rota_bubble *b, const struct waiter *w);
/* @more jobs, modulo, are armed, queued or running: the clock moves for them if
 * there are but idle workers. Also when one was moved. Takes the lock. */
void rota__bubble_jobs(struct rota_bubble *b, uint64_t more);
pthread_mutex_t *rota__bubble_lock(struct rota_bubble *b);
/* Is the calling thread in @b? */
bool rota__bubble_member(const struct rota_bubble *b);

/* api/wait/context.c, at the engine's end: tell its log of those that are not done,
 * forget those that nobody uses. How many are left. */
unsigned long rota__context_leaks(struct facade *f);

#endif
