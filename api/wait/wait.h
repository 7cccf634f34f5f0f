/* SPDX-License-Identifier: MIT
 *
 * wait.h - threads that wait for something that a timer brings: a value of a
 * channel, the end of a context, an instant.
 *
 * A waiter is one thread's wait, on its stack. It may stand in the lists of
 * several sources at once. The first source to claim the waiter has it, hands
 * its value over and wakes the thread. Claims are made under the lock of the
 * source, so a source cannot claim a waiter that has left its list.
 *
 * In a bubble (rota/bubble.h) all waiters share one lock. Under it the bubble
 * counts the threads that are asleep, so that the clock moves once all are.
 *
 * Locks    a source's, then a waiter's or its bubble's; never the other way.
 */
#ifndef ROTA_API_WAIT_WAIT_H
#define ROTA_API_WAIT_WAIT_H

#include <stdbool.h>

#include <rota/handle.h>

#include "core/pool.h"
#include "core/sys/atomic.h"
#include "core/sys/lock.h"

struct rota_bubble;
struct rota_case;
struct rota_context;

/* The wait layer: what the channels, contexts and executors of an
 * engine share. */
struct wait_layer {
	struct rota_layer at_destroy; /* first */
	struct rota_engine *engine;
	struct rota_bubble *bubble; /* whose engine it is, or NULL */
	rota_word channels;         /* how many there are */
	rota_word executors;        /* how many there are */
	rota_word said;             /* bits of enum wait_misuse */
	pthread_mutex_t lock;
	struct rota_context *contexts; /* all there are; under the lock */
};

/* What config.log was told of an engine, once of each. */
enum wait_misuse {
	WAIT_MISUSE_OWNER,  /* a wait that would keep timers from firing */
	WAIT_MISUSE_WORKER, /* an executor destroyed by one of its workers */
	WAIT_MISUSE_ENGINE, /* a context or channel of another engine */
	WAIT_MISUSE_CASE,   /* a case with both */
	WAIT_MISUSE_MODE,
	WAIT_MISUSE_MISSED,
	WAIT_MISUSE_PERIOD,
	WAIT_MISUSE_TICKER,    /* reset of what is no ticker */
	WAIT_MISUSE_NO_TICKER, /* reset of a ticker as a channel */
	WAIT_MISUSE_ROOM,      /* of an executor */
	WAIT_MISUSE_JOB,       /* a job that never was one */
	WAIT_MISUSE_NULL,
	WAIT_MISUSE_FUNC
};

/* layer_forked: is this the child of a fork? No lock may be taken there: a
 * thread of the parent may have locked it. */
static inline bool
layer_forked(const struct wait_layer *layer)
{
	return rota_engine_forked(layer->engine) > 0;
}

/* rota__wait_layer - the wait layer of @e; the first call makes it. NULL: no
 * memory. */
struct wait_layer *rota__wait_layer(struct rota_engine *e);
/* rota__wait_misuse - tell config.log of @e, once for @m. Returns @r. Without a
 * lock of rota. */
int rota__wait_misuse(struct rota_engine *e, enum wait_misuse m, int r,
    const char *format, ...) __attribute__((format(printf, 4, 5)));
/* rota__layer_alloc - zeroed memory for an object of the wait layer, and in
 * *@layer that layer; NULL: no memory. */
void *rota__layer_alloc(
    struct rota_engine *e, size_t size, struct wait_layer **layer);

/* Which source has claimed a waiter: CASE + n is source n. FAILED: @value is
 * -errno. */
enum { WAIT_NOBODY, WAIT_SELF, WAIT_TIME, WAIT_DEAD, WAIT_FAILED, WAIT_CASE };

struct waiter {
	struct wait_layer *layer;
	rota_time value; /* handed over by the source that claimed it */
	bool idle; /* a worker without work: no clock waits for it, and it waits
		    * for no clock */
	/* Under the lock: @own, or that of the bubble. */
	unsigned taken;
	bool asleep, awake, rung;
	pthread_mutex_t own;
	pthread_cond_t wake;
};

/* A waiter's place in the list of one source; under the source's lock. */
struct wait_node {
	struct waiter *waiter; /* NULL: in no list */
	struct wait_node *next, **prev;
	unsigned source; /* what the list's owner claims the waiter for */
	unsigned turn;   /* api/wait/select.c */
};

/* First come, first served. */
struct wait_list {
	struct wait_node *first, **last;
};

/* rota__waiter_init - 0; -EDEADLK the caller may not wait on the engine: it is
 * in one of its callbacks or owns one of its shards (which is logged for @fn;
 * NULL: not); -EPERM it is not in the engine's bubble; -ECHILD.
 * rota__waiter_destroy - once no source can claim it
 * any more. */
int rota__waiter_init(
    struct waiter *w, struct wait_layer *layer, const char *fn);
void rota__waiter_destroy(struct waiter *w);
/* rota__waiter_claim - true: the caller has claimed @w, and must wake it.
 * rota__waiter_take - the same, under @w's lock. */
bool rota__waiter_claim(struct waiter *w, unsigned source);
bool rota__waiter_take(struct waiter *w, unsigned source);
/* rota__waiter_wake - the last step of a claim. rota__waiter_awake - the same,
 * under @w's lock. */
void rota__waiter_wake(struct waiter *w);
void rota__waiter_awake(struct waiter *w);
/* rota__waiter_wait - sleep until @w is claimed; at @until it claims itself as
 * WAIT_TIME. 0, or -ENOMEM, -ENOSPC: not slept. @fn: as for
 * rota__wait_undriven(). */
int rota__waiter_wait(struct waiter *w, rota_time until, const char *fn);
/* rota__wait_undriven - @fn is about to sleep until a timer of @s fires (NULL:
 * of none): if nobody polls @s that is logged, once. Without a lock. */
void rota__wait_undriven(
    const struct wait_layer *layer, struct rota_shard *s, const char *fn);

/* api/wait/select.c - rota_select(), for @fn. */
int rota__select(
    struct rota_case *cases, unsigned n, rota_time until, const char *fn);

void rota__wait_list_init(struct wait_list *l);
void rota__wait_list_add(struct wait_list *l, struct wait_node *n,
    struct waiter *w, unsigned source);
/* Does nothing if @n is in no list. */
void rota__wait_list_remove(struct wait_list *l, struct wait_node *n);
/* rota__wait_list_claim - claim the first waiter that no source has claimed,
 * and take it out of the list; the caller must wake it. NULL: there is none. */
struct waiter *rota__wait_list_claim(struct wait_list *l);
/* rota__wait_list_fail - empty the list: all its waiters that no source has
 * claimed are told @r, -errno, as WAIT_FAILED, and woken. */
void rota__wait_list_fail(struct wait_list *l, int r);

/* api/wait/bubble.c; all but the last three are called under the bubble's lock.
 * Sleep until w->awake; the clock moves when all are asleep. */
void rota__bubble_sleep(struct rota_bubble *b, struct waiter *w);
/* @w, which was asleep, is awake. */
void rota__bubble_woken(struct rota_bubble *b, const struct waiter *w);
/* Add @more (modulo 2^64) to the number of jobs that are armed, queued or
 * running: for them the clock moves even if all threads are idle workers. Call
 * it also after moving a job's deadline. Takes the lock. */
void rota__bubble_jobs(struct rota_bubble *b, uint64_t more);
pthread_mutex_t *rota__bubble_lock(struct rota_bubble *b);
/* Is the calling thread in @b? */
bool rota__bubble_member(const struct rota_bubble *b);

/* api/wait/context.c - log the contexts that are not done. Returns how many
 * contexts have users. Takes locks, but none while it logs. */
unsigned long rota__context_left(struct wait_layer *layer);
/* The same at the engine's end: report the contexts that are not
 * done to the engine's log, and free those that have no user. Returns how many
 * contexts are left. */
unsigned long rota__context_leaks(struct wait_layer *layer);

#endif
