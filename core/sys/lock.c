/* SPDX-License-Identifier: MIT
 *
 * lock.c - the check of the lock order.
 */
#include "core/sys/lock.h"

#ifndef NDEBUG
#include <stdio.h>
#include <stdlib.h>

/* The mutexes that the thread has, in the order in which it took them. */
enum { HELD_MOST = 64 };
static _Thread_local struct {
	unsigned n;
	pthread_mutex_t *mutex[HELD_MOST];
	enum lock_rank rank[HELD_MOST];
} held;

static void
broken(const char *how, enum lock_rank rank)
{
	fprintf(
	    stderr, "rota: a mutex of rank %d is %s, holding", (int)rank, how);
	for (unsigned i = 0; i < held.n; i++)
		fprintf(stderr, " %d", (int)held.rank[i]);
	fprintf(stderr, "; core/sys/lock.h has the ranks\n");
	abort();
}

static bool
in_order(enum lock_rank rank)
{
	enum lock_rank last;

	if (!held.n)
		return true;
	last = held.rank[held.n - 1];
	if (rank == LOCK_SHARD && last == rank) /* two, and one retires */
		return held.n > 1 && held.rank[held.n - 2] == LOCK_RETIRING;
	return rank > last || (rank == LOCK_CONTEXT && last == rank);
}

/* Abort if the thread must not take @m. */
static void
check(const pthread_mutex_t *m, enum lock_rank rank)
{
	if (held.n == HELD_MOST || !in_order(rank))
		broken("taken", rank);
	for (unsigned i = 0; i < held.n; i++)
		if (held.mutex[i] == m)
			broken("taken twice", rank);
}

static void
note(pthread_mutex_t *m, enum lock_rank rank)
{
	held.mutex[held.n] = m;
	held.rank[held.n++] = rank;
}

void
rota__lock_take(pthread_mutex_t *m, enum lock_rank rank)
{
	check(m, rank);
	pthread_mutex_lock(m);
	note(m, rank);
}

bool
rota__lock_try(pthread_mutex_t *m, enum lock_rank rank)
{
	check(m, rank);
	if (pthread_mutex_trylock(m))
		return false;
	note(m, rank);
	return true;
}

void
rota__lock_give(pthread_mutex_t *m)
{
	unsigned i = held.n;

	while (i > 0 && held.mutex[i - 1] != m)
		i--;
	if (!i) /* then its rank is unknown, too */
		broken("given back that is not held", LOCK_SHARD + 1);
	for (held.n--; i <= held.n; i++) {
		held.mutex[i - 1] = held.mutex[i];
		held.rank[i - 1] = held.rank[i];
	}
	pthread_mutex_unlock(m);
}

void
rota__lock_wait(pthread_cond_t *c, pthread_mutex_t *m)
{
	if (held.n != 1 || held.mutex[0] != m)
		broken("slept on", held.n ? held.rank[held.n - 1] : 0);
	pthread_cond_wait(c, m);
}
#else
/* C11 wants a declaration in each source. */
typedef int lock_unchecked;
#endif
