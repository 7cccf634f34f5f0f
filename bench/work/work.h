/* SPDX-License-Identifier: MIT
 *
 * work.h - the workloads, the same code for every peer and for the benches of
 * single operations. Included once, after the adapter, by
 * bench/peers/drive.h and bench/micro/rig.h. Also C++.
 *
 *   start_stop  N armed 1 to 60 s ahead; a random one is stopped, and started
 *               again 1 to 60 s ahead. The clock stands still.
 *   idle_reset  every timer has a timeout of 30 s; a random one is pushed to
 *               30 s from now. Aged as if that had gone on for long.
 *   arm         all in turn, to a deadline within 10 s; not the first time.
 *   fire        those, in polls of 1 ms; polls included.
 *   short_rpc   64 outstanding; the oldest is stopped, one of 5 s started.
 *   server_mix  timeouts of 30 s; 90 % pushed, 8 % stopped and started 1 to
 *               60 s ahead, 2 % reset to now: they fire and are armed again.
 *   turn        the operations of server_mix in a loop that sleeps: after each
 *               16 a poll, 1 ms later, and the question when the next is due.
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
 *   own         two threads, each stops and starts those of its own half again,
 *               30 to 60 s ahead, and polls; its clock moves.
 *   cross       two threads, both push random timers of all.
 *   remote      one thread polls without pause, the other stops and starts
 *               the first one's timers.
 *
 * Where the clock moves, it is by 1 ms in 1000 operations (tcp_rto, scatter:
 * N / 50; turn: 16), with a poll, which is part of the time. Random numbers are made
 * outside it (arm: inside). sides.h has the works of two threads.
 *
 * A work has an op_X, one operation; begin_X, which brings the timers where it
 * wants them; and step_X, which prepares a stretch of operations, times it, and
 * returns how many it had. How many steps a run has, and what must have come of
 * them, is for the program that includes this.
 */
#ifndef BENCH_WORK_WORK_H
#define BENCH_WORK_WORK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORK_BLOCK 1000u
#define WORK_IDLE (30 * PEER_S)
#define WORK_SPREAD (10 * PEER_S) /* arm, fire */
#define WORK_RPC 64u
#define WORK_TURN 16u

/* Bytes from a timer to the next; and of a block's operations how many are
 * made: a program may say so before. */
#ifndef WORK_STRIDE
#define WORK_STRIDE(w) ((w)->stride)
#endif
#ifndef WORK_TODO
#define WORK_TODO WORK_BLOCK
#endif

struct work {
	/* What is asked for. */
	const char *name;
	const char *variant;
	uint32_t n;
	bool embedded; /* each timer in a connection of 320 bytes */
	bool halves; /* the second half of them lives with a peer of its own */
	uint64_t seed;   /* 0: that of every run */
	uint64_t most;   /* operations */
	uint64_t budget; /* ns */

	struct peer *peer;
	char *array;
	size_t stride;
	uint64_t now, random, next;
	uint64_t *due; /* earlier, tcp_rto, scatter: by index; 0: not armed */
	uint32_t turn; /* short_rpc */
	uint32_t done; /* earlier: of a round */
	uint32_t left; /* operations up to the next poll */
	struct pick picks[WORK_BLOCK];
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

static inline void
peer_fired(struct peer *p, struct peer_timer *t)
{
	work.fired++;
	if (rota_unlikely(work.on_fire != NULL))
		work.on_fire(&work, p, t);
}

rota_inline struct peer_timer *
work_timer(const struct work *w, uint32_t i)
{
	return (struct peer_timer *)(void *)(w->array + i * WORK_STRIDE(w));
}

rota_inline uint32_t
work_index(const struct work *w, const struct peer_timer *t)
{
	return (
	    uint32_t)((size_t)((const char *)t - w->array) / WORK_STRIDE(w));
}

rota_inline uint64_t
work_ahead(const struct work *w, struct pick p, uint64_t lo, uint64_t hi)
{
	return w->now + (uint64_t)pick_span(p, (int64_t)lo, (int64_t)hi);
}

static inline void
work_poll(struct work *w, uint64_t span)
{
	w->now += span;
	peer_poll(w->peer, w->now);
}

/* The same, and when would one have to wake for the next? */
static inline void
work_turn(struct work *w, uint64_t span)
{
#ifdef PEER_TURN
	w->now += span;
	w->next = peer_turn(w->peer, w->now);
	if (rota_unlikely(w->next <= w->now))
		peer_die("what is due was not fired");
#else
	work_poll(w, span);
#endif
}

/* The memory, the peer and its timers; none armed. */
static inline void
work_open(struct work *w)
{
	static struct peer peer;
	size_t size = (sizeof(struct peer_timer) + 7) & ~(size_t)7;

	w->before = peer_memory();
	w->random = RANDOM_SEED ^ w->seed;
	w->stride = !w->embedded ? size : size <= 320 ? 320 : size;
	w->array = (char *)peer_array(w->n * w->stride);
	memset((void *)&peer, 0, sizeof(peer));
	w->peer = &peer;
	peer_open(w->peer, w->variant, w->n);
	for (uint32_t i = 0; i < (w->halves ? w->n / 2 : w->n); i++)
		peer_init(w->peer, work_timer(w, i));
}

static inline void
work_bytes(struct work *w)
{
	uint64_t now = peer_memory();

	w->bytes = now > w->before ? (now - w->before) / w->n : 0;
}

/* Start all, in turn, uniformly within [@lo, @hi) from now. */
static inline void
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
static inline void
work_age(struct work *w)
{
	work_arm(w, PEER_MS, WORK_IDLE);
	for (uint32_t i = 0; i < w->n; i++)
		peer_push(w->peer, work_timer(w, i), w->now + WORK_IDLE);
}

/* Stop all and let the clock pass them. */
static inline void
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

static inline void
mix_fired(struct work *w, struct peer *p, struct peer_timer *t)
{
	peer_start(p, t, w->now + WORK_IDLE);
}

rota_inline void
op_earlier(struct work *w, struct pick p)
{
	struct peer_timer *t = work_timer(w, p.index);
#ifdef PEER_DEADLINE
	uint64_t left = peer_deadline(t) - w->now;
#else
	uint64_t left = w->due[p.index] - w->now;
#endif
	uint64_t when = work_ahead(w, p, left / 2, left);

#ifndef PEER_DEADLINE
	w->due[p.index] = when;
#endif
	peer_push(w->peer, t, when);
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

static inline void
tcp_fired(struct work *w, struct peer *p, struct peer_timer *t)
{
	uint64_t when = w->now + 400 * PEER_MS; /* back off */

	w->due[work_index(w, t)] = when;
	peer_start(p, t, when);
}

/*
 * Steps.
 */

static inline void
work_picks(struct work *w)
{
	for (uint32_t i = 0; i < WORK_BLOCK; i++)
		w->picks[i] = pick_make(&w->random, w->n);
}

/* When a work polls; a constant at each call. */
enum work_polls {
	POLL_NEVER,
	POLL_BLOCK,    /* after WORK_BLOCK operations */
	POLL_FIFTIETH, /* after N / 50 operations */
	POLL_TURN      /* after WORK_TURN, with the next expiry */
};

/* The operations from poll to poll; 0: there is none. */
static inline uint32_t
work_per(const struct work *w, enum work_polls polls)
{
	if (polls == POLL_NEVER)
		return 0;
	if (polls == POLL_BLOCK)
		return WORK_BLOCK;
	if (polls == POLL_TURN)
		return WORK_TURN;
	return w->n / 50 ? w->n / 50 : 1;
}

/* A block of @op on what was picked, and its @polls. Returns how many
 * operations it is. */
rota_inline uint64_t
work_block(struct work *w, op_fn *op, enum work_polls polls)
{
	uint32_t each = work_per(w, polls), left = w->left ? w->left : each;
	const uint32_t todo = WORK_TODO;
	uint64_t start = peer_clock();

	for (uint32_t i = 0; i < todo; i++) {
		op(w, w->picks[i]);
		if (polls >= POLL_FIFTIETH && --left == 0) {
			left = each;
			if (polls == POLL_TURN)
				work_turn(w, PEER_MS);
			else
				work_poll(w, PEER_MS);
		}
	}
	if (polls == POLL_BLOCK)
		work_poll(w, PEER_MS);
	w->spent += peer_clock() - start;
	w->left = left;
	return WORK_BLOCK;
}

/* The same on random timers. */
rota_inline uint64_t
work_steady(struct work *w, op_fn *op, enum work_polls polls)
{
	work_picks(w);
	return work_block(w, op, polls);
}

static inline void
begin_start_stop(struct work *w)
{
	work_arm(w, PEER_S, 60 * PEER_S);
}

static inline uint64_t
step_start_stop(struct work *w)
{
	return work_steady(w, op_start_stop, POLL_NEVER);
}

static inline uint64_t
step_idle_reset(struct work *w)
{
	return work_steady(w, op_idle_reset, POLL_BLOCK);
}

/* The others have memory and are not armed. */
static inline void
begin_short_rpc(struct work *w)
{
	if (w->n < WORK_RPC)
		peer_die("short_rpc: N must be 64 or more");
	w->n = WORK_RPC;
	work_arm(w, 5 * PEER_S - PEER_MS, 5 * PEER_S);
}

static inline uint64_t
step_short_rpc(struct work *w)
{
	return work_steady(w, op_short_rpc, POLL_BLOCK);
}

static inline void
begin_server_mix(struct work *w)
{
	w->on_fire = mix_fired;
	work_age(w);
}

static inline uint64_t
step_server_mix(struct work *w)
{
	return work_steady(w, op_server_mix, POLL_BLOCK);
}

static inline uint64_t
step_turn(struct work *w)
{
	return work_steady(w, op_server_mix, POLL_TURN);
}

static inline void
work_due(struct work *w)
{
	w->due = (uint64_t *)calloc(w->n, sizeof(*w->due));
	if (!w->due)
		peer_die("no memory for the deadlines");
}

static inline void
begin_earlier(struct work *w)
{
#ifndef PEER_DEADLINE
	work_due(w);
#endif
	work_arm(w, 30 * PEER_S, 60 * PEER_S);
}

/* A round of N, whole, since it costs more the more has shrunk; then all is
 * armed anew. */
static inline uint64_t
step_earlier(struct work *w)
{
	uint64_t ops = 0;

	if (w->done) {
		work_clear(w);
		work_arm(w, 30 * PEER_S, 60 * PEER_S);
	}
	w->done = 1;
	while (ops < w->n)
		ops += work_steady(w, op_earlier, POLL_NEVER);
	return ops;
}

static inline void
begin_tcp(struct work *w)
{
	work_due(w);
	w->on_fire = tcp_fired;
	work_arm(w, 200 * PEER_MS, PEER_S);
}

static inline uint64_t
step_tcp_rto(struct work *w)
{
	return work_steady(w, op_tcp_rto, POLL_FIFTIETH);
}

static inline uint64_t
step_scatter(struct work *w)
{
	return work_steady(w, op_scatter, POLL_FIFTIETH);
}

rota_inline void
op_arm(struct work *w, struct pick p)
{
	peer_start(
	    w->peer, work_timer(w, p.index), work_ahead(w, p, 0, WORK_SPREAD));
}

static inline void
begin_fire(struct work *w)
{
	work_arm(w, 0, WORK_SPREAD);
}

/* All 10,000 polls of a round, timed @at_once together. Returns the ns of it. */
static inline uint64_t
fire_round(struct work *w, uint32_t at_once)
{
	uint64_t spent = 0;

	for (uint32_t i = 0; i < 10000; i += at_once) {
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

/* What comes late by its slack is fired after the time. */
static inline uint64_t
step_fire(struct work *w)
{
	uint64_t before = w->fired, ops, spent;

	if (w->done)
		work_arm(w, 0, WORK_SPREAD);
	w->done = 1;
	spent = fire_round(w, 100);
	w->spent += spent;
	ops = w->fired - before;
	work_poll(w, PEER_S);
	if (w->fired - before != w->n && !peer_info.limit)
		peer_die("not all have fired");
	return ops;
}

static inline uint64_t
step_arm(struct work *w)
{
	uint64_t start;

	if (!w->done) /* the first round meets memory that nobody has touched */
		work_arm(w, 0, WORK_SPREAD);
	work_clear(w);
	w->done = 1;
	start = peer_clock();
	work_arm(w, 0, WORK_SPREAD);
	w->spent += peer_clock() - start;
	return w->n;
}

static inline void
begin_herd(struct work *w)
{
	for (uint32_t i = 0; i < w->n; i++)
		peer_start(w->peer, work_timer(w, i), w->now + PEER_S);
}

/* @lead of the second until they are due passes in a poll before the time. */
rota_inline uint64_t
work_herd(struct work *w, uint64_t lead)
{
	uint64_t before = w->fired, span = PEER_S - lead, start;

	if (w->done)
		begin_herd(w);
	w->done = 1;
	if (lead)
		work_poll(w, lead);
	if (w->fired != before && !peer_info.limit)
		peer_die("a timer fired early");
	start = peer_clock();
	do
		work_poll(w, span + PEER_MS + peer_info.late);
	while (w->fired - before < w->n && !peer_info.limit &&
	    peer_clock() - start < w->budget * 4);
	w->worst_poll = peer_clock() - start;
	w->spent += w->worst_poll;
	return w->fired - before;
}

static inline uint64_t
step_herd(struct work *w)
{
	return work_herd(w, PEER_S - PEER_MS);
}

static inline void
begin_nothing(struct work *w)
{
	(void)w;
}

#endif
