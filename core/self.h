/* SPDX-License-Identifier: MIT
 *
 * self.h - who a thread is: its number, its end, and what it owns where.
 *
 * A thread's number is its identity in all that says who owns, holds or
 * adopts a shard. It is given once and never again, so a thread that comes to
 * lie where an ended one lay is another. It is given when the thread first
 * stores it somewhere; till then it is ID_NONE, which nobody stores. So one
 * comparison tells whether the thread is the one that was stored, and 0 stays
 * for "nobody".
 *
 * Its end. A thread that owns shards has a `life`, on the heap: one word that
 * says whether the thread has ended. Each of its shards refers to it; the last
 * who does so frees it. The end of the thread touches no shard, which may be
 * gone, but for one that it polls at that moment, which may not; who finds a
 * shard owned asks the owner's life, under the shard's lock.
 *
 * Where. A small cache by the engines' numbers, which are never given again
 * either: nothing is asked of an engine but the one that the caller names.
 */
#ifndef ROTA_CORE_SELF_H
#define ROTA_CORE_SELF_H

#include "core/sys/atomic.h"

enum {
	ID_NONE = 1, /* of a thread that stored none yet */
	ID_COMES,    /* of a driver that has not begun yet */
	ID_LAST      /* that has a meaning; numbers begin after it */
};

struct life;

/* What a thread knows of an engine. */
struct near {
	uint64_t engine; /* its number; 0: none */
	uint32_t owned;  /* so many of its shards */
	uint32_t own;    /* one of them, if there are */
	uint32_t turn;   /* 1 + where its armings go, if not; 0: nowhere yet */
};

enum { NEARS = 8 }; /* engines that a thread uses in turn; a power of two */

struct rota_thread {
	uint64_t id;
	bool watched; /* its end will be noticed */
	struct life *life;
	struct near near[NEARS];
};
extern _Thread_local struct rota_thread rota__thread
    __attribute__((tls_model("initial-exec")));

/* self_id: to compare with. */
rota_inline uint64_t
self_id(void)
{
	return rota__thread.id;
}

/* rota__number - one that nothing in this process has had: a thread's or an
 * engine's. */
uint64_t rota__number(void);
/* rota__self_named - the caller's identity, to be stored. */
uint64_t rota__self_named(void);
/* rota__self_watch - the same, and the thread's end will be noticed: 0;
 * -ENOMEM, -EAGAIN no key is left. */
int rota__self_watch(void);

/* rota__shard_ended - core/attach.c. The calling thread ends: a callback that it is
 * in is over, and so is the poll that called that. */
void rota__shard_ended(void);

/* rota__life_take - the caller's, one reference more, in *@l: 0, or as
 * rota__self_watch(). rota__life_put - one less; nothing if @l is NULL.
 * rota__life_bury - the same in the child of a fork, where the threads of its
 * parent are not. */
int rota__life_take(struct life **l);
void rota__life_put(struct life *l);
void rota__life_bury(struct life *l);
/* rota__life_over - has the thread ended? It wrote nothing afterwards, and what
 * it wrote before is seen. NULL: it is one that does not end. */
bool rota__life_over(const struct life *l);

/* near_find: what the thread knows of @engine, or NULL. */
rota_inline struct near *
near_find(uint64_t engine)
{
	struct near *n = &rota__thread.near[engine & (NEARS - 1)];

	return n->engine == engine ? n : NULL;
}

/* near_forget: it will be asked for anew. */
rota_inline void
near_forget(uint64_t engine)
{
	struct near *n = near_find(engine);

	if (n)
		n->engine = 0;
}

#endif
