/* SPDX-License-Identifier: MIT
 *
 * sides.h - the works of two threads; work.h says what they are. Included
 * once, after work.h. Also C++.
 *
 * A side is a thread and what it does: operations on timers that it draws from
 * some of all, in blocks, and a poll of its own peer after each. It ends after
 * so much time, or after so many operations: then it goes on, untimed, until
 * the other has made as many, so that neither is alone at the end.
 */
#ifndef BENCH_WORK_SIDES_H
#define BENCH_WORK_SIDES_H

#include <pthread.h>

#include "bench/work/work.h"

enum side_what { SIDE_RESTART, SIDE_PUSH, SIDE_POLL };

struct side {
	struct work *w;
	struct peer *peer;    /* this thread's; NULL: none */
	struct peer *home[2]; /* of the first half of the timers, the second */
	uint32_t first, n;    /* the timers that it draws from */
	enum side_what what;
	uint64_t ahead; /* ns, of a push */
	uint64_t least; /* of a restart, which is up to 60 s ahead */
	uint64_t share; /* operations; 0: for the work's budget of time */
	bool moves;     /* the clock, by 1 ms with each block */
	bool polls;
	bool alone; /* it shares no timer and no engine with the other */
	/* In its thread: before both begin; when both are ready, of the first;
	 * when both are done. Or NULL. */
	void (*ready)(struct side *s), (*begun)(struct side *s);
	void (*done)(struct side *s);
	uint64_t random, ops, spent;
	uint64_t now;   /* of one that is alone */
	unsigned *over; /* sides that have ended */
	pthread_barrier_t *gate;
};

#ifdef PEER_SAFE
enum { SIDE_MUTEX = 0 };
#else
enum { SIDE_MUTEX = 1 };
#endif
static pthread_mutex_t side_mutex = PTHREAD_MUTEX_INITIALIZER;

rota_inline void
side_lock(const struct side *s)
{
	if (SIDE_MUTEX && !s->alone)
		pthread_mutex_lock(&side_mutex);
}

rota_inline void
side_unlock(const struct side *s)
{
	if (SIDE_MUTEX && !s->alone)
		pthread_mutex_unlock(&side_mutex);
}

rota_inline void
side_op(struct side *s, struct pick p, uint64_t now)
{
	uint32_t i = s->first + p.index;
	struct peer *home = s->home[i >= s->w->n / 2];
	struct peer_timer *t = work_timer(s->w, i);

	side_lock(s);
	if (s->what == SIDE_RESTART) {
		peer_stop(home, t);
		peer_start(home, t,
		    now +
			(uint64_t)pick_span(
			    p, (int64_t)s->least, 60 * (int64_t)PEER_S));
	} else {
		peer_push(home, t, now + s->ahead);
	}
	side_unlock(s);
}

/* Is there another block to do? */
static inline bool
side_goes_on(struct side *s, uint64_t begin)
{
	if (s->what == SIDE_POLL)
		return !__atomic_load_n(s->over, __ATOMIC_ACQUIRE);
	if (!s->share && peer_clock() - begin < s->w->budget)
		return true;
	if (!s->share || s->ops == s->share)
		__atomic_fetch_add(s->over, 1, __ATOMIC_RELEASE);
	return s->share &&
	    (s->ops < s->share ||
		__atomic_load_n(s->over, __ATOMIC_RELAXED) < 2);
}

static inline void
side_poll(struct side *s, uint64_t now)
{
	if (!s->polls)
		return;
	if (s->moves) {
		now += PEER_MS;
		if (s->alone)
			s->now = now;
		else
			__atomic_store_n(&s->w->now, now, __ATOMIC_RELAXED);
	}
	side_lock(s);
	peer_poll(s->peer, now);
	side_unlock(s);
}

static inline void *
side_run(void *arg)
{
	struct side *s = (struct side *)arg;
	struct pick picks[WORK_BLOCK];
	const uint32_t todo = WORK_TODO;
	uint64_t begin;

	if (s->ready)
		s->ready(s);
	pthread_barrier_wait(s->gate);
	if (s->begun)
		s->begun(s);
	pthread_barrier_wait(s->gate);
	begin = peer_clock();
	while (side_goes_on(s, begin)) {
		bool timed = !s->share || s->ops < s->share;
		/* One's own ms or the other's: either will do. */
		uint64_t now = s->alone
		    ? s->now
		    : __atomic_load_n(&s->w->now, __ATOMIC_RELAXED);
		uint64_t start;

		for (uint32_t i = 0; s->what != SIDE_POLL && i < WORK_BLOCK;
		     i++)
			picks[i] = pick_make(&s->random, s->n);
		start = peer_clock();
		if (s->what != SIDE_POLL) {
			for (uint32_t i = 0; i < todo; i++)
				side_op(s, picks[i], now);
			s->ops += WORK_BLOCK;
		}
		side_poll(s, now);
		if (timed)
			s->spent += peer_clock() - start;
	}
	/* Nobody's home goes away before the other is done with it. */
	pthread_barrier_wait(s->gate);
	if (s->done)
		s->done(s);
	return NULL;
}

/* Two sides that draw from all timers; the second half of them lives with a
 * peer of its own where the work says so. */
static inline void
sides_open(struct work *w, struct side *s, struct peer *second)
{
	struct peer *home[2] = { w->peer, w->peer };

	if (w->halves)
		home[1] = second;
#ifdef PEER_SAFE
	if (w->halves) {
		peer_second(second, w->peer);
		for (uint32_t i = w->n / 2; i < w->n; i++)
			peer_init(second, work_timer(w, i));
	}
#endif
	memset((void *)s, 0, 2 * sizeof(*s));
	for (int k = 0; k < 2; k++) {
		s[k].w = w;
		s[k].peer = home[k];
		s[k].home[0] = home[0];
		s[k].home[1] = home[1];
		s[k].n = w->n;
		s[k].ahead = 60 * PEER_S;
		s[k].least = PEER_S;
		s[k].random = (RANDOM_SEED ^ w->seed) + (uint64_t)k * 77;
		s[k].polls = true;
	}
}

/* The first side is the calling thread. */
static inline void
sides_run(struct side *s)
{
	pthread_barrier_t gate;
	pthread_t thread;
	unsigned over = 0;

	pthread_barrier_init(&gate, NULL, 2);
	for (int k = 0; k < 2; k++) {
		s[k].over = &over;
		s[k].gate = &gate;
	}
	if (pthread_create(&thread, NULL, side_run, &s[1]) != 0)
		peer_die("no second thread");
	side_run(&s[0]);
	pthread_join(thread, NULL);
	pthread_barrier_destroy(&gate);
}

#endif
