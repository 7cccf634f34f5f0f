/* SPDX-License-Identifier: MIT
 *
 * self.c - the functions of core/self.h. All that rota has for the whole
 * process is here: the latest number given, and one key, by which the end of a
 * thread is noticed (docs/decisions/0009).
 */
#include "core/self.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

struct life {
	rota_word refs; /* the thread's own, and its shards' */
	rota_word over; /* 1: the thread has ended */
};

_Thread_local struct rota_thread rota__thread
    __attribute__((tls_model("initial-exec"))) = { .id = ID_NONE };

static rota_word numbers = ID_LAST; /* the latest given */
static rota_word keyed;             /* the key + 1; 0: not made */

/* A destructor of the user's may run later and use rota; for rota it then runs
 * in another thread. */
static void
thread_end(void *self)
{
	struct rota_thread *t = self;
	struct life *l = t->life;

	rota__shard_ended();
	*t = (struct rota_thread){ .id = ID_NONE };
	if (!l)
		return;
	word_store(&l->over, (uint64_t)1, release); /* rota__life_over */
	rota__life_put(l);
}

static int
key_have(pthread_key_t *key)
{
	uint64_t have = word_load(&keyed, acquire);
	int r;

	while (!have) {
		r = pthread_key_create(key, thread_end);
		if (r)
			return -r;
		if (word_cas(
			&keyed, &have, (uint64_t)*key + 1, acq_rel, acquire))
			return 0;
		pthread_key_delete(*key); /* another thread was first */
	}
	*key = (pthread_key_t)(have - 1);
	return 0;
}

/* Runs at the end of the process, or when the shared object that has this code
 * is unloaded: from then on no thread may call thread_end(). */
static void __attribute__((destructor)) key_drop(void)
{
	uint64_t have = word_swap(&keyed, (uint64_t)0, acq_rel);

	if (have)
		pthread_key_delete((pthread_key_t)(have - 1));
}

uint64_t
rota__number(void)
{
	return word_add(&numbers, (uint64_t)1, relaxed) + 1; /* a counter */
}

uint64_t
rota__self_named(void)
{
	if (rota__thread.id == ID_NONE)
		rota__thread.id = rota__number();
	return rota__thread.id;
}

int
rota__self_watch(void)
{
	struct rota_thread *t = &rota__thread;
	pthread_key_t key;
	int r;

	rota__self_named();
	if (t->watched)
		return 0;
	r = key_have(&key);
	if (r)
		return r;
	if (pthread_setspecific(key, t))
		return -ENOMEM;
	t->watched = true;
	return 0;
}

int
rota__life_take(struct life **l)
{
	struct rota_thread *t = &rota__thread;
	int saved = errno, r = rota__self_watch();

	if (r)
		return r;
	if (!t->life) {
		t->life = malloc(sizeof(*t->life));
		errno = saved;
		if (!t->life)
			return -ENOMEM;
		*t->life = (struct life){ 1, 0 };
	}
	*l = t->life;
	word_add(&t->life->refs, (uint64_t)1, relaxed); /* the caller has one */
	return 0;
}

void
rota__life_put(struct life *l)
{
	/* acq_rel: what others did with @l comes before the free */
	if (l && word_add(&l->refs, (uint64_t)0 - 1, acq_rel) == 1)
		free(l);
}

/* In the child the thread of @l is no more, unless it is the caller. If its own
 * reference is the only other one, that goes as well. */
void
rota__life_bury(struct life *l)
{
	if (!l)
		return;
	if (l != rota__thread.life && !rota__life_over(l) &&
	    word_load(&l->refs, relaxed) == 2)
		rota__life_put(l);
	rota__life_put(l);
}

bool
rota__life_over(const struct life *l)
{
	return l && word_load(&l->over, acquire); /* thread_end */
}
