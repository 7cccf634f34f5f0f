/* SPDX-License-Identifier: MIT
 *
 * lock.h - every mutex of rota, and the order in which a thread takes them.
 *
 * Lock order: a thread may take only a mutex of a higher rank than each mutex
 * that it has. There are two exceptions: a child context under its parent (that
 * it is a child is not checked), and a second shard under LOCK_RETIRING. A
 * thread that waits on a condition has only that condition's mutex.
 *
 * In a debug build (without NDEBUG) each call is checked. A thread that breaks
 * the order prints a message and aborts, for such a thread would cause a
 * deadlock some day. With NDEBUG these are pthread's calls, no more.
 *
 * Stopping or resetting a timer takes no mutex, and a poll takes none, except
 * where rota/handle.h says so. A poll that gives memory back tries a mutex, and
 * gives up if another thread has it.
 */
#ifndef ROTA_CORE_SYS_LOCK_H
#define ROTA_CORE_SYS_LOCK_H

#include <pthread.h>

#include "core/sys/atomic.h"

enum lock_rank {
	LOCK_LAYER,    /* the list of all contexts */
	LOCK_SOURCE,   /* a channel, an executor */
	LOCK_CONTEXT,  /* a parent's, then a child's */
	LOCK_WAITER,   /* a waiter, a bubble */
	LOCK_RETIRING, /* one shard retires at a time */
	LOCK_ENGINE,   /* the table of pooled timers */
	LOCK_POOL,     /* the pooled timers of a shard */
	LOCK_SHARD,    /* the room and the kinds of a shard */
	LOCK_OBJECTS   /* core/objects.h */
};

#ifndef NDEBUG
void rota__lock_take(pthread_mutex_t *m, enum lock_rank rank);
bool rota__lock_try(pthread_mutex_t *m, enum lock_rank rank);
void rota__lock_give(pthread_mutex_t *m);
void rota__lock_wait(pthread_cond_t *c, pthread_mutex_t *m);
#define lock_take(m, rank) (atomic_gate(LOCK, m), rota__lock_take((m), (rank)))
#define lock_try(m, rank) (atomic_gate(LOCK, m), rota__lock_try((m), (rank)))
#define lock_give(m) rota__lock_give(m)
#define lock_wait(c, m) rota__lock_wait((c), (m))
#else
#define lock_take(m, rank) (atomic_gate(LOCK, m), pthread_mutex_lock(m))
#define lock_try(m, rank) (atomic_gate(LOCK, m), !pthread_mutex_trylock(m))
#define lock_give(m) pthread_mutex_unlock(m)
#define lock_wait(c, m) pthread_cond_wait((c), (m))
#endif

#endif
