/* SPDX-License-Identifier: MIT
 *
 * sides.h - the works of two threads; work.h says what they are. Included
 * once, after work.h. Also C++.
 */
#ifndef BENCH_WORK_SIDES_H
#define BENCH_WORK_SIDES_H

#include <pthread.h>

#include "bench/work/work.h"

enum side_what { SIDE_RESTART, SIDE_PUSH, SIDE_POLL };

struct side {
	struct work *w;
	struct peer *peer;    /* this thread's */
	struct peer *home[2]; /* of the first half of the timers, the second */
	uint32_t first, n;    /* the timers that it draws from */
	uint64_t random, ops, spent;
	bool polls;
	enum side_what what;
	bool *over;
	pthread_barrier_t *gate;
};

#ifdef PEER_SAFE
#define side_lock() ((void)0)
#define side_unlock() ((void)0)
#else
static pthread_mutex_t side_mutex = PTHREAD_MUTEX_INITIALIZER;
#define side_lock() pthread_mutex_lock(&side_mutex)
#define side_unlock() pthread_mutex_unlock(&side_mutex)
#endif

rota_inline void
side_op(struct side *s, struct pick p)
{
	uint32_t i = s->first + p.index;
	struct peer *home = s->home[i >= s->w->n / 2];
	struct peer_timer *t = work_timer(s->w, i);

	side_lock();
	if (s->what == SIDE_RESTART) {
		peer_stop(home, t);
		peer_start(home, t, work_ahead(s->w, p, PEER_S, 60 * PEER_S));
	} else {
		peer_push(home, t, s->w->now + 60 * PEER_S);
	}
	side_unlock();
}

static void *
side_run(void *arg)
{
	struct side *s = (struct side *)arg;
	struct pick picks[WORK_BLOCK];
	uint64_t begin;

#ifdef PEER_SAFE
	if (s->peer && s->peer != s->w->peer)
		peer_enter(s->peer);
#endif
	pthread_barrier_wait(s->gate);
	begin = peer_clock();
	while (s->what == SIDE_POLL
		? !__atomic_load_n(s->over, __ATOMIC_ACQUIRE)
		: peer_clock() - begin < s->w->budget) {
		uint64_t start;

		if (s->what != SIDE_POLL) {
			for (uint32_t i = 0; i < WORK_BLOCK; i++)
				picks[i] = pick_make(&s->random, s->n);
			start = peer_clock();
			for (uint32_t i = 0; i < WORK_BLOCK; i++)
				side_op(s, picks[i]);
			s->spent += peer_clock() - start;
			s->ops += WORK_BLOCK;
		}
		if (!s->polls)
			continue;
		start = peer_clock();
		side_lock();
		peer_poll(s->peer, s->w->now);
		side_unlock();
		s->spent += peer_clock() - start;
	}
	__atomic_store_n(s->over, true, __ATOMIC_RELEASE);
	/* Nobody's home goes away before the other is done with it. */
	pthread_barrier_wait(s->gate);
	return NULL;
}

enum sides { OWN, CROSS, REMOTE };

static void
run_sides(struct work *w, enum sides what)
{
	struct side s[2];
	pthread_barrier_t gate;
	pthread_t thread;
	bool over = false;
	struct peer *home[2] = { w->peer, w->peer };

#ifdef PEER_SAFE
	static struct peer second;

	if (w->halves) {
		peer_second(&second, w->peer);
		home[1] = &second;
		for (uint32_t i = w->n / 2; i < w->n; i++)
			peer_init(&second, work_timer(w, i));
	}
#endif
	pthread_barrier_init(&gate, NULL, 2);
	memset(s, 0, sizeof(s));
	for (int k = 0; k < 2; k++) {
		s[k].w = w;
		s[k].peer = home[k];
		s[k].home[0] = home[0];
		s[k].home[1] = home[1];
		s[k].first = what == OWN && k ? w->n / 2 : 0;
		s[k].n = what == OWN ? w->n / 2 : w->n;
		s[k].random = RANDOM_SEED + (uint64_t)k * 77;
		s[k].polls = true;
		s[k].what = what == CROSS ? SIDE_PUSH : SIDE_RESTART;
		s[k].over = &over;
		s[k].gate = &gate;
	}
	if (what == REMOTE) {
		s[1].peer = NULL;
		s[1].polls = false;
		s[0].what = SIDE_POLL;
	}
	for (uint32_t i = 0; i < w->n; i++)
		peer_start(home[i >= w->n / 2], work_timer(w, i),
		    work_ahead(
			w, pick_make(&w->random, 1), PEER_S, 60 * PEER_S));
	work_bytes(w);
	if (pthread_create(&thread, NULL, side_run, &s[1]) != 0)
		peer_die("no second thread");
	side_run(&s[0]);
	pthread_join(thread, NULL);
	pthread_barrier_destroy(&gate);
	/* ns for an operation of one thread. */
	w->ops = what == REMOTE ? s[1].ops : (s[0].ops + s[1].ops) / 2;
	w->spent = what == REMOTE ? s[1].spent : (s[0].spent + s[1].spent) / 2;
}

static void
run_own(struct work *w)
{
	run_sides(w, OWN);
}

static void
run_cross(struct work *w)
{
	run_sides(w, CROSS);
}

static void
run_remote(struct work *w)
{
	run_sides(w, REMOTE);
}

#endif
