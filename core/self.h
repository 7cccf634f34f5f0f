/* SPDX-License-Identifier: MIT
 *
 * self.h - a thread's identity, its end, and the shards that it owns.
 *
 * A thread's identity is a number. The words that name a shard's owner, lock
 * owner or adopter have such a number. No number is given twice, so a new
 * thread at the address of an ended one is another thread. A thread gets its
 * number when it first stores it; until then it has ID_NONE, which is never
 * stored. So one comparison tells whether a stored number is the thread's own,
 * and 0 stays for "no thread".
 *
 * A thread that owns shards has a `life`, in memory of its own: one word that
 * says whether the thread has ended. Each of its shards has a reference to the
 * life; the last reference frees it. The end of a thread touches no shard,
 * since a shard may be gone, except one that the thread is just polling, which
 * cannot be gone. A thread that finds a shard owned asks the owner's life,
 * under the shard's lock.
 *
 * A small cache, by the numbers of engines, says what the thread owns of an
 * engine. These numbers are not given twice either, so only the engine that the
 * caller names is read.
 *
 * Threads    any; a `rota_thread` is its thread's own.
 */
#ifndef ROTA_CORE_SELF_H
#define ROTA_CORE_SELF_H

#include "core/sys/atomic.h"

enum {
	ID_NONE = 1, /* of a thread that has no number yet */
	ID_COMES,    /* of a driver that has not begun yet */
	ID_LAST      /* the last with a meaning; numbers begin after it */
};

struct life;

/* What a thread knows about an engine. */
struct near {
	uint64_t engine; /* the engine's number; 0: none */
	uint32_t owned;  /* how many of its shards the thread owns */
	uint32_t own;    /* one of them, if there is one */
	uint32_t turn;   /* else 1 + the shard for its armings; 0: none yet */
};

enum { NEARS = 8 }; /* engines that a thread uses in turn; a power of two */

struct rota_thread {
	uint64_t id;
	bool watched; /* the thread's end will be noticed */
	struct life *life;
	struct near near[NEARS];
};
extern _Thread_local struct rota_thread rota__thread
    __attribute__((tls_model("initial-exec")));

/* self_id: the caller's identity, to compare with. */
rota_inline uint64_t
self_id(void)
{
	return rota__thread.id;
}

/* rota__number - a number that no thread and no engine of this process has
 * had. */
uint64_t rota__number(void);
/* rota__self_named - returns the caller's identity, to be stored. */
uint64_t rota__self_named(void);
/* rota__self_watch - give the caller an identity, and have its end noticed. 0;
 * -ENOMEM; -EAGAIN: no key is left. */
int rota__self_watch(void);

/* rota__shard_ended - core/attach.c. The calling thread ends: a callback that
 * it is in is over, and so is the poll that called that. */
void rota__shard_ended(void);

/* rota__life_take - *@l gets the caller's life, with one more reference. 0, or
 * as rota__self_watch().
 * rota__life_put - drop a reference; nothing if @l is NULL.
 * rota__life_bury - the same in the child of a fork, where the parent's other
 * threads are not. */
int rota__life_take(struct life **l);
void rota__life_put(struct life *l);
void rota__life_bury(struct life *l);
/* rota__life_over - has the thread of @l ended? Then the caller sees all that
 * the thread ever wrote. NULL: a thread that does not end. */
bool rota__life_over(const struct life *l);

/* near_find: what the caller knows about @engine, or NULL. */
rota_inline struct near *
near_find(uint64_t engine)
{
	struct near *n = &rota__thread.near[engine & (NEARS - 1)];

	return n->engine == engine ? n : NULL;
}

/* near_forget: drop what the caller knows about @engine. */
rota_inline void
near_forget(uint64_t engine)
{
	struct near *n = near_find(engine);

	if (n)
		n->engine = 0;
}

#endif
