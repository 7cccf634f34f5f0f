/* SPDX-License-Identifier: MIT
 *
 * work.h - the workloads, the same code for every peer. Included once, after
 * the adapter, by drive.h. Also C++.
 *
 *   start_stop  N armed 1 to 60 s ahead; a random one is stopped, and started
 *               again 1 to 60 s ahead. The clock stands still.
 *   idle_reset  every timer has a timeout of 30 s; a random one is pushed to
 *               30 s from now. Aged as if that had gone on for long.
 *   arm         all in turn, to a deadline within 10 s.
 *   fire        those, in polls of 1 ms; polls included.
 *   short_rpc   64 outstanding; the oldest is stopped, one of 5 s started.
 *   server_mix  timeouts of 30 s; 90 % pushed, 8 % stopped and started 1 to
 *               60 s ahead, 2 % reset to now: they fire and are armed again.
 *   herd        all due in one poll.
 *   earlier     armed 30 to 60 s ahead; a random one is moved to between a
 *               half of what it has left and all of it. Clock still.
 *   tcp_rto     a random connection sends or hears: if it waits for an answer
 *               that has come, half of the time for all it has sent (stop),
 *               else there is more (push to an RTO from now); if it does not
 *               wait it sends (start). N events take 50 ms; who is not
 *               answered in time fires and sends again. The RTO is the
 *               connection's own, 200 ms to 1 s, and varies by a sixteenth
 *               with each sample (RFC 6298 restarts the timer so).
 *   scatter     the same, with another span of 200 ms to 1 s each time.
 *   own         two threads, start_stop each on its own half.
 *   cross       two threads, both push random timers of all.
 *   remote      one thread polls without pause, the other stops and starts
 *               the first one's timers.
 *
 * Where the clock moves, it is by 1 ms in 1000 operations (tcp_rto, scatter: N / 50),
 * with a poll, which is part of the time. Random numbers are made outside it.
 * A run ends after so many operations (not those of two threads, which must
 * have time to meet) or so much time, whichever is first, so that a slow peer
 * keeps nobody waiting; a fifth of it is run before, to
 * warm up. Then WORST_OPS operations are timed one by one, for the worst.
 *
 * A run asks how many fired, and of the works in which none may fire, none.
 */
#ifndef BENCH_WORK_WORK_H
#define BENCH_WORK_WORK_H

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORK_BLOCK 1000u
#define WORK_IDLE (30 * PEER_S)
#define WORST_OPS 20000u
#define WORK_RPC 64u

struct work {
	/* What is asked for. */
	const char *name;
	const char *variant;
	uint32_t n;
	bool embedded;   /* each timer in a connection of 320 bytes */
	bool halves;     /* the second half of them lives with peer_second() */
	uint64_t most;   /* operations */
	uint64_t budget; /* ns */

	struct peer *peer;
	char *array;
	size_t stride;
	uint64_t now, random;
	uint64_t *due; /* earlier, tcp_rto, scatter: by index; 0: not armed */
	uint32_t turn; /* short_rpc */
	void (*on_fire)(struct work *w, struct peer *p, struct peer_timer *t);
	uint64_t fired;

	/* The answer. */
	uint64_t ops, spent;
	uint64_t worst, worst_poll; /* ns */
	uint64_t
	    bytes; /* for each timer, its own memory included; 0: unknown */
	uint64_t before; /* bytes that the process had */
};

static struct work work;

static void
peer_fired(struct peer *p, struct peer_timer *t)
{
	work.fired++;
	if (rota_unlikely(work.on_fire != NULL))
		work.on_fire(&work, p, t);
}

rota_inline struct peer_timer *
work_timer(const struct work *w, uint32_t i)
{
	return (struct peer_timer *)(void *)(w->array + i * w->stride);
}

rota_inline uint32_t
work_index(const struct work *w, const struct peer_timer *t)
{
	return (uint32_t)((size_t)((const char *)t - w->array) / w->stride);
}

rota_inline uint64_t
work_ahead(const struct work *w, struct pick p, uint64_t lo, uint64_t hi)
{
	return w->now + (uint64_t)pick_span(p, (int64_t)lo, (int64_t)hi);
}

static void
work_poll(struct work *w, uint64_t span)
{
	w->now += span;
	peer_poll(w->peer, w->now);
}

/* The memory, the peer and its timers; none armed. */
static void
work_open(struct work *w)
{
	static struct peer peer;
	size_t size = (sizeof(struct peer_timer) + 7) & ~(size_t)7, bytes;

	w->before = peer_memory();
	w->random = RANDOM_SEED;
	w->stride = !w->embedded ? size : size <= 320 ? 320 : size;
	bytes = (w->n * w->stride + ROTA_LINE - 1) & ~(size_t)(ROTA_LINE - 1);
	w->array = (char *)aligned_alloc(ROTA_LINE, bytes);
	if (!w->array)
		peer_die("no memory for so many timers");
	memset(w->array, 0, bytes);
	memset((void *)&peer, 0, sizeof(peer));
	w->peer = &peer;
	peer_open(w->peer, w->variant, w->n);
	for (uint32_t i = 0; i < (w->halves ? w->n / 2 : w->n); i++)
		peer_init(w->peer, work_timer(w, i));
}

static void
work_bytes(struct work *w)
{
	uint64_t now = peer_memory();

	w->bytes = now > w->before ? (now - w->before) / w->n : 0;
}

/* Start all, in turn, uniformly within [@lo, @hi) from now. */
static void
work_arm(struct work *w, uint64_t lo, uint64_t hi)
{
	for (uint32_t i = 0; i < w->n; i++) {
		uint64_t when = work_ahead(w, pick_make(&w->random, 1), lo, hi);

		peer_start(w->peer, work_timer(w, i), when);
		if (w->due)
			w->due[i] = when;
	}
}

/* As if every timer had been pushed at random for long: a lazy engine has
 * its entries anywhere in the time to come. */
static void
work_age(struct work *w)
{
	work_arm(w, PEER_MS, WORK_IDLE);
	for (uint32_t i = 0; i < w->n; i++)
		peer_push(w->peer, work_timer(w, i), w->now + WORK_IDLE);
}

/* Stop all and let the clock pass them. */
static void
work_clear(struct work *w)
{
	for (uint32_t i = 0; i < w->n; i++)
		peer_stop(w->peer, work_timer(w, i));
	work_poll(w, 120 * PEER_S);
}

/*
 * Operations.
 */

typedef void op_fn(struct work *w, struct pick p);

rota_inline void
op_start_stop(struct work *w, struct pick p)
{
	struct peer_timer *t = work_timer(w, p.index);

	peer_stop(w->peer, t);
	peer_start(w->peer, t, work_ahead(w, p, PEER_S, 60 * PEER_S));
}

rota_inline void
op_idle_reset(struct work *w, struct pick p)
{
	peer_push(w->peer, work_timer(w, p.index), w->now + WORK_IDLE);
}

rota_inline void
op_short_rpc(struct work *w, struct pick p)
{
	struct peer_timer *t = work_timer(w, w->turn);

	(void)p;
	w->turn = (w->turn + 1) % WORK_RPC;
	peer_stop(w->peer, t);
	peer_start(w->peer, t, w->now + 5 * PEER_S);
}

/* Of 2^8, by the top bits of the coin; the rest is left for the deadline. */
#define MIX_PUSH 230u    /* 89.8 % */
#define MIX_RESTART 251u /* 8.2 %, the remaining 2.0 % fire */

rota_inline void
op_server_mix(struct work *w, struct pick p)
{
	struct peer_timer *t = work_timer(w, p.index);
	uint32_t dice = p.coin >> 24;

	if (dice < MIX_PUSH) {
		peer_push(w->peer, t, w->now + WORK_IDLE);
	} else if (dice < MIX_RESTART) {
		p.coin <<= 8;
		peer_stop(w->peer, t);
		peer_start(w->peer, t, work_ahead(w, p, PEER_S, 60 * PEER_S));
	} else {
		peer_push(w->peer, t, w->now);
	}
}

static void
mix_fired(struct work *w, struct peer *p, struct peer_timer *t)
{
	peer_start(p, t, w->now + WORK_IDLE);
}

rota_inline void
op_earlier(struct work *w, struct pick p)
{
	uint64_t left = w->due[p.index] - w->now;
	uint64_t when = work_ahead(w, p, left / 2, left);

	w->due[p.index] = when;
	peer_push(w->peer, work_timer(w, p.index), when);
}

rota_inline void
tcp_event(struct work *w, struct pick p, uint64_t when)
{
	struct peer_timer *t = work_timer(w, p.index);

	if (!w->due[p.index]) {
		w->due[p.index] = when;
		peer_start(w->peer, t, when);
	} else if (p.coin & 1) {
		w->due[p.index] = 0;
		peer_stop(w->peer, t);
	} else {
		w->due[p.index] = when;
		peer_push(w->peer, t, when);
	}
}

rota_inline void
op_scatter(struct work *w, struct pick p)
{
	tcp_event(w, p, work_ahead(w, p, 200 * PEER_MS, PEER_S));
}

/* The multiplier (2^32 by the golden ratio) scatters the indices. */
rota_inline void
op_tcp_rto(struct work *w, struct pick p)
{
	uint64_t own = p.index * 2654435761u;
	uint64_t rto = 200 * PEER_MS + (own * 800 * PEER_MS >> 32);

	tcp_event(w, p, work_ahead(w, p, rto, rto + rto / 16));
}

static void
tcp_fired(struct work *w, struct peer *p, struct peer_timer *t)
{
	uint64_t when = w->now + 400 * PEER_MS; /* back off */

	w->due[work_index(w, t)] = when;
	peer_start(p, t, when);
}

/*
 * Loops.
 */

static void
work_picks(struct work *w, struct pick *picks)
{
	for (uint32_t i = 0; i < WORK_BLOCK; i++)
		picks[i] = pick_make(&w->random, w->n);
}

/* @op again and again, with a poll each @per operations, 0: none. */
rota_inline void
work_loop(
    struct work *w, op_fn *op, uint32_t per, uint64_t most, uint64_t budget)
{
	struct pick picks[WORK_BLOCK];
	uint32_t left = per;

	w->ops = w->spent = 0;
	while (w->ops < most && w->spent < budget) {
		uint64_t start;

		work_picks(w, picks);
		start = peer_clock();
		for (uint32_t i = 0; i < WORK_BLOCK; i++) {
			op(w, picks[i]);
			if (per && --left == 0) {
				left = per;
				work_poll(w, PEER_MS);
			}
		}
		w->spent += peer_clock() - start;
		w->ops += WORK_BLOCK;
	}
}

rota_inline void
work_worst(struct work *w, op_fn *op, uint32_t per)
{
	uint64_t most = w->budget / 4 + peer_clock();
	uint32_t left = per;

	for (uint32_t i = 0; i < WORST_OPS; i++) {
		struct pick p = pick_make(&w->random, w->n);
		uint64_t start = peer_clock(), end;

		op(w, p);
		end = peer_clock();
		if (end - start > w->worst)
			w->worst = end - start;
		if (per && --left == 0) {
			left = per;
			start = end;
			work_poll(w, PEER_MS);
			end = peer_clock();
			if (end - start > w->worst_poll)
				w->worst_poll = end - start;
		}
		if (end > most)
			break;
	}
}

rota_inline void
work_measure(struct work *w, op_fn *op, uint32_t per)
{
	uint64_t ops, spent;

	work_bytes(w);
	work_loop(w, op, per, w->most / 5, w->budget / 5);
	work_loop(w, op, per, w->most, w->budget);
	ops = w->ops;
	spent = w->spent;
	work_worst(w, op, per);
	w->ops = ops;
	w->spent = spent;
}

static void
none_fired(const struct work *w)
{
	if (w->fired && !peer_info.limit)
		peer_die("a timer fired that may not have");
}

static void
run_start_stop(struct work *w)
{
	work_arm(w, PEER_S, 60 * PEER_S);
	work_measure(w, op_start_stop, 0);
	none_fired(w);
}

static void
run_idle_reset(struct work *w)
{
	work_age(w);
	work_measure(w, op_idle_reset, WORK_BLOCK);
	/* At 1e7 some are not picked for 30 s; in a short run none. */
	if (w->now < WORK_IDLE)
		none_fired(w);
}

static void
run_short_rpc(struct work *w)
{
	uint32_t n = w->n;

	w->n = WORK_RPC < n ? WORK_RPC : n;
	if (w->n < WORK_RPC)
		peer_die("short_rpc: N must be 64 or more");
	work_arm(w, 5 * PEER_S - PEER_MS, 5 * PEER_S);
	work_measure(w, op_short_rpc, WORK_BLOCK);
	none_fired(w);
	w->n = n;
	w->bytes = 0; /* N have memory, 64 are armed */
}

static void
run_server_mix(struct work *w)
{
	w->on_fire = mix_fired;
	work_age(w);
	work_measure(w, op_server_mix, WORK_BLOCK);
	if (!peer_info.limit && w->fired * 200 < w->ops)
		peer_die("fewer fired than must have");
}

static void
run_earlier(struct work *w)
{
	struct pick picks[WORK_BLOCK];
	uint64_t ops = 0, spent = 0;

	w->due = (uint64_t *)calloc(w->n, sizeof(*w->due));
	if (!w->due)
		peer_die("no memory for the deadlines");
	work_arm(w, 30 * PEER_S, 60 * PEER_S);
	work_bytes(w);
	/* After N of them what is left has shrunk: all is armed anew. */
	while (ops < w->most && spent < w->budget) {
		for (uint32_t done = 0; done < w->n && spent < w->budget;
		     done += WORK_BLOCK) {
			uint64_t start;

			work_picks(w, picks);
			start = peer_clock();
			for (uint32_t i = 0; i < WORK_BLOCK; i++)
				op_earlier(w, picks[i]);
			spent += peer_clock() - start;
			ops += WORK_BLOCK;
		}
		if (spent >= w->budget || ops >= w->most)
			break;
		work_clear(w);
		work_arm(w, 30 * PEER_S, 60 * PEER_S);
	}
	none_fired(w);
	work_worst(w, op_earlier, 0);
	w->ops = ops;
	w->spent = spent;
}

static void
tcp_begin(struct work *w)
{
	w->due = (uint64_t *)calloc(w->n, sizeof(*w->due));
	if (!w->due)
		peer_die("no memory for the deadlines");
	w->on_fire = tcp_fired;
	work_arm(w, 200 * PEER_MS, PEER_S);
}

static void
run_tcp_rto(struct work *w)
{
	tcp_begin(w);
	work_measure(w, op_tcp_rto, w->n / 50 ? w->n / 50 : 1);
}

static void
run_scatter(struct work *w)
{
	tcp_begin(w);
	work_measure(w, op_scatter, w->n / 50 ? w->n / 50 : 1);
}

/* All 10,000 polls of a round, timed @at_once together. */
static uint64_t
fire_round(struct work *w, uint32_t at_once)
{
	uint64_t spent = 0;

	w->fired = 0;
	for (uint32_t i = 0; i < 10000 && spent < w->budget; i += at_once) {
		uint64_t start = peer_clock(), took;

		for (uint32_t k = 0; k < at_once; k++)
			work_poll(w, PEER_MS);
		took = peer_clock() - start;
		spent += took;
		if (at_once == 1 && took > w->worst_poll)
			w->worst_poll = took;
	}
	return spent;
}

/* What is late by its slack. False: there was no time to fire all. */
static bool
fire_rest(struct work *w, uint64_t spent)
{
	if (spent >= w->budget)
		return false;
	work_poll(w, PEER_S);
	if (w->fired != w->n && !peer_info.limit)
		peer_die("not all have fired");
	return true;
}

static void
run_fire(struct work *w)
{
	uint64_t ops = 0, spent = 0, took;

	do {
		work_arm(w, 0, 10 * PEER_S);
		if (!ops)
			work_bytes(w);
		took = fire_round(w, 100);
		spent += took;
		ops += w->fired;
	} while (fire_rest(w, took) && ops < w->most && spent < w->budget);
	if (took < w->budget) {
		work_arm(w, 0, 10 * PEER_S);
		fire_round(w, 1);
	}
	w->ops = ops;
	w->spent = spent;
}

static void
run_arm(struct work *w)
{
	while (w->ops < w->most && w->spent < w->budget) {
		uint64_t start;

		if (w->ops)
			work_clear(w);
		start = peer_clock();
		work_arm(w, 0, 10 * PEER_S);
		w->spent += peer_clock() - start;
		if (!w->ops)
			work_bytes(w);
		w->ops += w->n;
	}
}

static void
run_herd(struct work *w)
{
	while (w->ops < w->most && w->spent < w->budget) {
		uint64_t start;

		for (uint32_t i = 0; i < w->n; i++)
			peer_start(w->peer, work_timer(w, i), w->now + PEER_S);
		if (!w->bytes)
			work_bytes(w);
		w->fired = 0;
		work_poll(w, PEER_S - PEER_MS);
		if (w->fired && !peer_info.limit)
			peer_die("a timer fired early");
		start = peer_clock();
		do
			work_poll(w, 2 * PEER_MS + peer_info.late);
		while (w->fired < w->n && !peer_info.limit &&
		    peer_clock() - start < 4 * w->budget);
		w->worst_poll = peer_clock() - start;
		w->spent += w->worst_poll;
		w->ops += w->fired;
		if (w->fired < w->n)
			break;
	}
}

/*
 * Two threads.
 */

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
	none_fired(w);
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

static const struct {
	const char *name;
	void (*run)(struct work *w);
	bool halves;
} works[] = {
	{ "start_stop", run_start_stop, false },
	{ "idle_reset", run_idle_reset, false },
	{ "arm", run_arm, false },
	{ "fire", run_fire, false },
	{ "short_rpc", run_short_rpc, false },
	{ "server_mix", run_server_mix, false },
	{ "herd", run_herd, false },
	{ "earlier", run_earlier, false },
	{ "tcp_rto", run_tcp_rto, false },
	{ "scatter", run_scatter, false },
	{ "own", run_own, true },
	{ "cross", run_cross, true },
	{ "remote", run_remote, false },
};
#define WORKS (sizeof(works) / sizeof(works[0]))

#endif
