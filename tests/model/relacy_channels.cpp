/* SPDX-License-Identifier: MIT
 *
 * relacy_channels.cpp - channels and contexts under relacy: stop and reset
 * against delivery, waiting against ending.
 *
 *	relacy_channels [SWITCHES]
 *
 * Each story, in all its executions with as many forced switches of thread as
 * it says, and so many more; -1: one less.
 *
 * api/wait/channel.c, wait.c, select.c and context.c as they are, on the engine of
 * relacy_engine.h. Thread 0 owns its shard: it moves the clock and runs what
 * is due.
 *
 * Claims, in every execution:
 *  1 Nobody sleeps for ever that something came for: relacy reports who does;
 *    nor longer than to the owner's poll at that instant.
 *  2 Nothing stale: what a stop or a reset had ended before a receive began is
 *    not received by it.
 *  3 Each arming has one end: its value was received, or a stop, a reset or
 *    the last reference found it pending. Nothing comes early.
 *  4 A channel that nobody waits on is filed nowhere; a descriptor shows
 *    whether there is something.
 *  5 When a cancel has returned all below are done. A context is ended by one.
 *    Its cause is one that was given, to it or to one above. An answer stays.
 *    What has no end of its own answers as its parent does.
 *    Who finds one done finds all below done.
 *    A function runs once, after the end, or was stopped and does not.
 *  6 What a wait has on its stack, its lock, nobody touches afterwards. Memory
 *    goes back, once, and is not touched afterwards.
 *
 * Rows     G7 G8 G9 G15
 *
 * RELACY_ONLY in the environment: only stories with this in their name. On
 * failure it prints the execution and exits with 1.
 */
#include <cstdio>

#include "tests/model/relacy_engine.h"

enum { THREADS = 4, OPS = 4, CONTEXTS = 3 };
/* The clock goes from round to round. What an arming brings, an instant half
 * a round before one or later, tells its number. */
enum { ROUND = 100, HALF = 50 };
enum { NO_DEADLINE = -1 };

enum code {
	NONE,
	GO,      /* owner: the clock goes to round @n, and a poll */
	AHEAD,   /* owner: a poll dated so; the clock stays */
	RECEIVE, /* until round @n; 0: for ever */
	POLL,
	STOP,
	RESET, /* @n rounds less a half from now */
	AGAIN, /* to the first instant, once that was received */
	LENGTH,
	SELECT, /* the channel or context 0, until round @n; 0: for ever */
	CHOOSE, /* context 0 or the channel */
	DROP,   /* its reference to the channel; else in the end */
	CANCEL, /* context @n */
	ENDED,  /* wait for context @n */
	ASK,    /* is context @n done? */
	GROW,   /* make context @n, below the one before it */
	LEAVE,  /* give context @n back */
	AFTER,  /* have a function run after context @n; once in a story */
	QUIT    /* stop that, of one's own thread */
};

struct operation {
	enum code code;
	int n;
};

struct story {
	const char *name;
	unsigned bound;
	struct operation op[THREADS][OPS];
	enum rota_channel_mode mode;
	int period; /* a ticker's, in rounds; 0: it is none */
	enum rota_missed policy;
	bool fd; /* open */
	unsigned scarce;
	/* Each the child of the one before: the round of its deadline or
	 * NO_DEADLINE; 0: not made. With any there is no channel, but for a
	 * SELECT. */
	int context[CONTEXTS];
	int grown; /* deadline of those made later */
};

#define SYNC ROTA_CHANNEL_SYNC
#define ASYNC ROTA_CHANNEL_ASYNC
#define LAZY ROTA_CHANNEL_ASYNC_LAZY
#define SKIP ROTA_MISSED_SKIP
#define BURST ROTA_MISSED_BURST
#define DELAY ROTA_MISSED_DELAY

static const struct story stories[] = {
	/* One value. */
	{ "a receiver", 6,
	    { { { GO, 1 } }, { { RECEIVE } } } },
	{ "a receiver, its end at the same instant", 5,
	    { { { GO, 1 } }, { { RECEIVE, 1 } } } },
	{ "a poll dated ahead of the clock", 3,
	    { { { AHEAD, 1 }, { GO, 2 } }, { { RECEIVE } }, { { LENGTH } } } },
	{ "the same instant again, ahead of the clock", 4,
	    { { { AHEAD, 1 }, { GO, 2 }, { GO, 3 } },
	        { { RECEIVE, 3 }, { AGAIN }, { RECEIVE, 3 } } } },
	{ "a stop against delivery", 3,
	    { { { GO, 1 }, { GO, 2 } },
	        { { RECEIVE, 2 } }, { { STOP }, { POLL } } } },
	{ "a reset against delivery", 3,
	    { { { GO, 1 }, { GO, 2 }, { GO, 3 } },
	        { { RECEIVE, 3 } }, { { RESET, 1 }, { POLL } } } },
	{ "a reset to later, a receiver", 3,
	    { { { GO, 1 }, { GO, 3 } },
	        { { RECEIVE, 3 } }, { { RESET, 2 } } } },
	{ "a reset to earlier, a receiver", 3,
	    { { { GO, 1 }, { GO, 2 }, { GO, 4 } },
	        { { RECEIVE, 4 } }, { { RESET, 3 }, { RESET, 1 } } } },
	{ "a reset to earlier", 3,
	    { { { GO, 1 }, { GO, 3 } },
	        { { RESET, 2 }, { RESET, 1 }, { RECEIVE, 3 } }, { { POLL } } } },
	{ "a stop, a reset", 3,
	    { { { GO, 1 }, { GO, 2 }, { GO, 3 } },
	        { { STOP }, { RESET, 1 }, { RECEIVE, 3 } },
	        { { RECEIVE, 3 } } } },
	{ "a reset away and back, a receiver", 3,
	    { { { GO, 1 }, { GO, 2 }, { GO, 4 } },
	        { { RECEIVE, 4 } }, { { RESET, 3 }, { AGAIN } } } },
	{ "two receivers", 3,
	    { { { GO, 1 }, { GO, 2 } }, { { RECEIVE, 2 } },
	        { { RECEIVE, 2 } } } },
	{ "two receivers, a stop", 2,
	    { { { GO, 1 }, { GO, 2 } }, { { RECEIVE, 2 } },
	        { { RECEIVE, 2 } }, { { STOP } } } },
	{ "two receivers, a reset", 2,
	    { { { GO, 1 }, { GO, 2 }, { GO, 3 } }, { { RECEIVE, 3 } },
	        { { RECEIVE, 3 } }, { { RESET, 1 } } } },
	{ "two stops", 2,
	    { { { GO, 1 }, { GO, 2 } }, { { RECEIVE, 2 } },
	        { { STOP } }, { { STOP } } } },
	{ "two resets", 2,
	    { { { GO, 1 }, { GO, 2 } }, { { RECEIVE, 2 } },
	        { { RESET, 1 } }, { { RESET, 2 } } } },
	{ "a stop against a reset", 2,
	    { { { GO, 1 }, { GO, 2 } }, { { RECEIVE, 2 } },
	        { { RESET, 1 } }, { { STOP }, { POLL } } } },

	/* A descriptor. */
	{ "a descriptor, a stop", 3,
	    { { { GO, 1 }, { GO, 2 } }, { { POLL } }, { { STOP } } },
	    SYNC, 0, SKIP, true },
	{ "a descriptor, a reset", 3,
	    { { { GO, 1 }, { GO, 2 } }, { { POLL } }, { { RESET, 1 } } },
	    SYNC, 0, SKIP, true },

	{ "a descriptor, a poll ahead of the clock", 3,
	    { { { AHEAD, 1 }, { GO, 2 } }, { { POLL } }, { { LENGTH } } },
	    SYNC, 0, SKIP, true },

	/* The last reference. */
	{ "the last reference, of a channel that rings", 3,
	    { { { DROP }, { GO, 1 } }, { { POLL } }, { { POLL } } }, ASYNC },
	{ "the last reference, a descriptor", 3,
	    { { { DROP }, { GO, 1 } }, { { POLL } }, { { RESET, 1 } } },
	    SYNC, 0, SKIP, true },
	{ "the last reference, after a receive", 3,
	    { { { DROP }, { GO, 1 } }, { { RECEIVE, 1 } }, { { STOP } } } },

	/* With a buffer. */
	{ "a buffer, a stop", 3,
	    { { { GO, 1 } }, { { STOP }, { POLL } }, { { POLL } } }, ASYNC },
	{ "a buffer, a reset", 3,
	    { { { GO, 1 }, { GO, 2 } }, { { RESET, 1 }, { POLL } },
	        { { RECEIVE, 2 } } }, ASYNC },
	{ "a buffer, a reset, lazy", 3,
	    { { { GO, 1 }, { GO, 2 } }, { { RESET, 1 }, { POLL } },
	        { { RECEIVE, 2 } } }, LAZY },
	{ "a buffer, two receivers", 2,
	    { { { GO, 1 }, { GO, 2 } }, { { RECEIVE, 2 } },
	        { { RECEIVE, 2 } }, { { RESET, 1 } } }, ASYNC },

	{ "a buffer, a poll ahead of the clock", 3,
	    { { { AHEAD, 1 }, { GO, 2 } }, { { RECEIVE, 2 } }, { { POLL } } },
	    ASYNC },
	{ "a buffer, a poll ahead of the clock, lazy", 3,
	    { { { AHEAD, 1 }, { GO, 2 } }, { { RECEIVE } } }, LAZY },

	/* Tickers. */
	{ "ticks, a poll ahead of the clock", 3,
	    { { { AHEAD, 2 }, { GO, 3 } },
	        { { RECEIVE, 3 }, { RECEIVE, 3 } }, { { POLL } } },
	    SYNC, 1, SKIP },
	{ "ticks, for two", 3,
	    { { { GO, 1 }, { GO, 2 }, { GO, 4 } },
	        { { RECEIVE, 4 }, { RECEIVE, 4 } }, { { RECEIVE, 4 } } },
	    SYNC, 1, SKIP },
	{ "ticks, a stop", 3,
	    { { { GO, 1 }, { GO, 2 }, { GO, 3 } },
	        { { RECEIVE, 3 }, { RECEIVE, 3 } }, { { STOP }, { POLL } } },
	    SYNC, 1, SKIP },
	{ "ticks, a reset", 3,
	    { { { GO, 1 }, { GO, 2 }, { GO, 4 } },
	        { { RECEIVE, 4 }, { RECEIVE, 4 } }, { { RESET, 2 } } },
	    SYNC, 1, SKIP },
	{ "a wait after a wait", 3,
	    { { { GO, 1 }, { GO, 2 } }, { { RECEIVE }, { RECEIVE } } },
	    SYNC, 1, BURST },
	{ "ticks in a burst", 3,
	    { { { GO, 3 } },
	        { { RECEIVE }, { RECEIVE } }, { { RECEIVE } } },
	    SYNC, 1, BURST },
	{ "ticks in a burst, a buffer", 3,
	    { { { GO, 3 } },
	        { { RECEIVE }, { RECEIVE } }, { { RECEIVE } } },
	    ASYNC, 1, BURST },
	{ "ticks that are delayed", 3,
	    { { { GO, 1 }, { GO, 2 }, { GO, 3 } },
	        { { RECEIVE, 3 } }, { { RECEIVE, 3 } } },
	    SYNC, 1, DELAY },

	/* No memory to arm. */
	{ "one arming and no more", 2,
	    { { { GO, 1 }, { GO, 2 }, { GO, 3 } }, { { RECEIVE, 3 } },
	        { { RESET, 1 } }, { { RECEIVE, 3 } } },
	    SYNC, 0, SKIP, false, 1 },
	{ "two armings and no more", 2,
	    { { { GO, 1 }, { GO, 2 }, { GO, 3 } }, { { RECEIVE, 3 } },
	        { { RESET, 1 } }, { { RECEIVE, 3 } } },
	    SYNC, 0, SKIP, false, 2 },

	{ "no arming for a reset, somebody waits", 3,
	    { { { GO, 1 }, { GO, 2 }, { GO, 3 } }, { { RECEIVE, 3 } },
	        { { STOP }, { RESET, 1 } } },
	    SYNC, 0, SKIP, false, 2 },

	/* Contexts. */
	{ "a channel or a context", 3,
	    { { { GO, 1 }, { GO, 2 } }, { { SELECT, 2 } },
	        { { CANCEL, 0 } } },
	    SYNC, 0, SKIP, false, 0, { NO_DEADLINE } },
	{ "a channel or a context, a reset", 3,
	    { { { GO, 1 }, { GO, 2 } }, { { SELECT } },
	        { { RESET, 1 }, { CANCEL, 0 } } },
	    SYNC, 0, SKIP, false, 0, { 2 } },
	{ "a context or a channel", 3,
	    { { { GO, 1 }, { GO, 2 } }, { { CHOOSE, 2 } },
	        { { CANCEL, 0 } } },
	    SYNC, 0, SKIP, false, 0, { NO_DEADLINE } },
	{ "a context or a channel, one arming and no more", 3,
	    { { { GO, 1 }, { GO, 2 } }, { { CHOOSE, 2 } },
	        { { CANCEL, 0 } } },
	    SYNC, 0, SKIP, false, 1, { NO_DEADLINE } },
	{ "a channel or a context, two and one arming", 2,
	    { { { GO, 1 }, { GO, 2 } }, { { SELECT, 2 } }, { { CHOOSE, 2 } },
	        { { RESET, 1 } } },
	    SYNC, 0, SKIP, false, 1, { NO_DEADLINE } },
	{ "two cancels", 3,
	    { { { GO, 1 } }, { { CANCEL, 0 } }, { { CANCEL, 0 } } },
	    SYNC, 0, SKIP, false, 0, { 1, NO_DEADLINE } },
	{ "a parent's end, a child's", 2,
	    { { { GO, 1 } }, { { CANCEL, 0 } }, { { CANCEL, 1 } },
	        { { ENDED, 2 } } },
	    SYNC, 0, SKIP, false, 0, { NO_DEADLINE, NO_DEADLINE, 1 } },
	{ "a parent's end, a child's deadline", 3,
	    { { { GO, 1 } }, { { CANCEL, 0 } }, { { ENDED, 1 } } },
	    SYNC, 0, SKIP, false, 0, { NO_DEADLINE, 1 } },
	{ "a parent's deadline, a grandchild's end", 3,
	    { { { GO, 1 } }, { { CANCEL, 2 } }, { { ENDED, 1 } } },
	    SYNC, 0, SKIP, false, 0, { 1, NO_DEADLINE, NO_DEADLINE } },
	{ "a parent ends, a child is made", 3,
	    { { { GO, 1 } }, { { CANCEL, 0 } }, { { GROW, 1 } } },
	    SYNC, 0, SKIP, false, 0, { NO_DEADLINE }, 2 },
	{ "a deadline, a child is made", 3,
	    { { { GO, 1 } }, { { GROW, 1 }, { ENDED, 1 } } },
	    SYNC, 0, SKIP, false, 0, { 1 }, NO_DEADLINE },
	{ "who is woken gives back what ended", 3,
	    { { { GO, 1 } }, { { CANCEL, 0 } }, { { ENDED, 0 }, { LEAVE, 0 } } },
	    SYNC, 0, SKIP, false, 0, { NO_DEADLINE } },
	{ "a child is given back, its parent's deadline stays", 3,
	    { { { GO, 1 } }, { { LEAVE, 1 } }, { { ENDED, 0 } } },
	    SYNC, 0, SKIP, false, 0, { 1, NO_DEADLINE } },
	{ "a child whose deadline may have passed", 3,
	    { { { GO, 1 } }, { { GROW, 1 }, { ENDED, 1 } } },
	    SYNC, 0, SKIP, false, 0, { NO_DEADLINE }, 1 },
	{ "a child is given back, its parent ends", 3,
	    { { { GO, 1 } }, { { LEAVE, 1 } }, { { CANCEL, 0 } } },
	    SYNC, 0, SKIP, false, 0, { NO_DEADLINE, 1 } },
	{ "a parent is given back, its child ends", 3,
	    { { { GO, 1 } }, { { LEAVE, 0 } }, { { ENDED, 1 }, { LEAVE, 1 } } },
	    SYNC, 0, SKIP, false, 0, { 1, NO_DEADLINE } },
	{ "a deadline in slices, waits below", 2,
	    { { { GO, 1 } }, { { ENDED, 0 } }, { { ENDED, 2 } } },
	    SYNC, 0, SKIP, false, 0, { 1, NO_DEADLINE, NO_DEADLINE } },
	{ "a deadline in slices, an end below", 2,
	    { { { GO, 1 } }, { { CANCEL, 1 } }, { { ENDED, 2 } } },
	    SYNC, 0, SKIP, false, 0, { 1, NO_DEADLINE, NO_DEADLINE } },
	{ "a deadline in slices, what is below is given back", 2,
	    { { { GO, 1 } }, { { LEAVE, 2 }, { LEAVE, 1 } },
	        { { ENDED, 0 } } },
	    SYNC, 0, SKIP, false, 0, { 1, NO_DEADLINE, NO_DEADLINE } },
	{ "a deadline in slices, a cancel", 2,
	    { { { GO, 1 } }, { { CANCEL, 0 } }, { { ENDED, 2 } } },
	    SYNC, 0, SKIP, false, 0, { 1, NO_DEADLINE, NO_DEADLINE } },
	{ "a deadline in slices, it is given back", 2,
	    { { { GO, 1 } }, { { LEAVE, 0 } }, { { ENDED, 2 } } },
	    SYNC, 0, SKIP, false, 0, { 1, NO_DEADLINE, NO_DEADLINE } },
	{ "a deadline in slices, a child is made", 2,
	    { { { GO, 1 } }, { { GROW, 2 }, { ENDED, 2 } }, { { ENDED, 0 } } },
	    SYNC, 0, SKIP, false, 0, { 1, NO_DEADLINE }, NO_DEADLINE },
	{ "a deadline, asked for before its timer fires", 2,
	    { { { GO, 1 } }, { { ASK, 1 }, { ASK, 2 } }, { { ASK, 0 } } },
	    SYNC, 0, SKIP, false, 0, { 1, NO_DEADLINE, NO_DEADLINE } },
	{ "a deadline, asked for below, a cancel", 2,
	    { { { GO, 1 } }, { { ASK, 1 }, { ASK, 2 } }, { { CANCEL, 0 } } },
	    SYNC, 0, SKIP, false, 0, { 1, NO_DEADLINE, NO_DEADLINE } },
	{ "a deadline, asked for below, one waits", 2,
	    { { { GO, 1 } }, { { ASK, 2 } }, { { ENDED, 1 } } },
	    SYNC, 0, SKIP, false, 0, { 1, NO_DEADLINE, NO_DEADLINE } },
	{ "a deadline, asked for, it is given back", 3,
	    { { { GO, 1 } }, { { ASK, 1 }, { LEAVE, 1 } }, { { LEAVE, 0 } } },
	    SYNC, 0, SKIP, false, 0, { 1, NO_DEADLINE } },
	{ "a deadline that may have passed, a function", 3,
	    { { { GO, 1 } }, { { GROW, 0 }, { AFTER, 0 } } },
	    SYNC, 0, SKIP, false, 0, {}, 1 },
	{ "a function, an end", 3,
	    { { { GO, 1 } }, { { AFTER, 0 }, { QUIT } }, { { CANCEL, 0 } } },
	    SYNC, 0, SKIP, false, 0, { NO_DEADLINE } },
	{ "a function, a deadline above", 3,
	    { { { GO, 1 } }, { { AFTER, 1 }, { QUIT } } },
	    SYNC, 0, SKIP, false, 0, { 1, NO_DEADLINE } },
	{ "a function that nobody stops", 3,
	    { { { GO, 1 } }, { { AFTER, 1 }, { LEAVE, 1 } },
	        { { CANCEL, 0 } } },
	    SYNC, 0, SKIP, false, 0, { NO_DEADLINE, NO_DEADLINE } },
	{ "both are given back, the deadline comes", 3,
	    { { { GO, 1 } }, { { LEAVE, 0 } }, { { LEAVE, 1 } } },
	    SYNC, 0, SKIP, false, 0, { 1, 1 } },
};

static struct story scene;

/* How a model of relacy's begins is not for its constructor: see before(). */
struct notes {
	unsigned ids;    /* armings begun; each has its number */
	uint64_t made;   /* those whose call has returned, a bit each */
	uint64_t dead;   /* those that a call which has returned ended */
	unsigned ends;   /* values received */
	unsigned voided; /* found pending */
	unsigned unknown; /* resets that said something else */
	uint64_t values; /* that were received, a bit for each */
	unsigned resets, resetting; /* begun; not yet returned */
	bool silent; /* a stop has returned, and no reset was under way since
		      * it began */
	bool again; /* two armings have one number: their sum is left */
	unsigned dropped;
	bool left[CONTEXTS], cancelled[CONTEXTS];
	bool cut; /* one below the first is cancelled */
	int err[CONTEXTS], cause[CONTEXTS]; /* the first answer; 0: none yet */
	unsigned runs; /* of the function */
	bool after, stopped;
};

static struct rota_channel *channel; /* NULL: none */

/* Claim 1. */
static void
nobody_waits()
{
	RL_ASSERT(!channel || !channel->waiters.first ||
	    (!channel->full &&
		(!channel->armed || channel->when > E->shard.now)));
}

struct model : ground {
	struct rota_channel *c;
	struct rota_context *context[CONTEXTS], *function;
	struct notes n;

	/*
	 * Before.
	 */

	void
	make_channel(unsigned threads)
	{
		int r = scene.period
		    ? rota_ticker_create_mode(&c, E, scene.period * ROUND,
			  scene.policy, scene.mode)
		    : rota_channel_create(&c, E, HALF, scene.mode);

		RL_ASSERT(r == 0);
		n.ids = 1;
		n.made = 1;
		for (unsigned i = 1; i < threads; i++)
			rota_channel_ref(c);
		if (scene.fd)
			RL_ASSERT(rota_channel_fd(c) == 0);
	}

	void
	grow(unsigned i, int round)
	{
		RL_ASSERT(rota_context_create_site(&context[i], E,
			      i ? context[i - 1] : NULL,
			      round > 0 ? round * ROUND - HALF : ROTA_NEVER,
			      0, "") == 0);
	}

	void
	begin(unsigned threads)
	{
		bool selects = false, drops = false;

		lay(threads - 1, scene.scarce);
		at_rest = nobody_waits;
		channel = c = NULL;
		memset(context, 0, sizeof(context));
		function = NULL;
		n = notes();
		for (unsigned th = 0; th < THREADS; th++)
			for (unsigned i = 0; i < OPS; i++) {
				const struct operation &op = scene.op[th][i];

				selects |= op.code == SELECT ||
				    op.code == CHOOSE;
				drops |= op.code == DROP;
				n.again |= op.code == AGAIN;
				if (op.code == LEAVE)
					n.left[op.n] = true;
				n.cut |= op.code == CANCEL && op.n;
			}
		if (selects || !scene.context[0])
			make_channel(threads);
		if (!drops)
			channel = c;
		for (unsigned i = 0; i < CONTEXTS && scene.context[i]; i++)
			grow(i, scene.context[i]);
	}

	/*
	 * Each operation.
	 */

	void
	took(rota_time value, const struct notes &before)
	{
		unsigned id = (unsigned)(value % HALF);
		unsigned bit = scene.period ? (unsigned)value / ROUND : id;

		RL_ASSERT(value <= E->clock || value <= E->shard.now);
		RL_ASSERT(n.again || !(n.values >> bit & 1)); /* once */
		n.values |= (uint64_t)1 << bit;
		n.ends++;
		if (scene.mode != ROTA_CHANNEL_SYNC)
			return;
		RL_ASSERT(!before.silent || n.resets != before.resets);
		if (!scene.period) {
			RL_ASSERT(id < n.ids);
			RL_ASSERT(n.again || !(before.dead >> id & 1));
		}
	}

	void
	none_came(int r, int until)
	{
		rota_time now = E->clock > E->shard.now ? E->clock
							: E->shard.now;

		if (scene.scarce && r == -ENOSPC)
			return;
		RL_ASSERT(r == -ETIME && until && now >= until * ROUND);
	}

	/* A stop or a reset has returned. */
	void
	ended(int pending, const struct notes &before)
	{
		RL_ASSERT(pending == 0 || pending == 1);
		n.voided += (unsigned)pending;
		n.dead |= before.made;
	}

	void
	reset(int rounds)
	{
		struct notes before = n;
		unsigned id = n.ids++;
		int r;

		n.resets++;
		n.resetting++;
		n.silent = false;
		r = scene.period
		    ? rota_ticker_reset(c, rounds * ROUND)
		    : rota_channel_reset(
			  c, rounds * ROUND - HALF + (rota_span)id);
		n.resetting--;
		if (r == -ENOSPC && scene.scarce) { /* armed all the same */
			n.unknown++;
			r = 0;
		}
		ended(r, before);
		n.made |= (uint64_t)1 << id;
	}

	void
	cancel(unsigned i)
	{
		int r = rota_context_cancel(context[i], 7 + (int)i);

		RL_ASSERT(r == 0 || (r == 1 && !n.cancelled[i]));
		n.cancelled[i] |= r;
		done(i);
	}

	/* What runs at the end of the context 0 or one below. */
	static void
	run_after(void *arg)
	{
		struct model *m = (struct model *)arg;

		m->n.runs++;
		if (!m->n.left[0])
			RL_ASSERT(rota_context_err(m->context[0]) != 0);
	}

	void
	quit()
	{
		int r = rota_context_cancel(function, 0);

		n.stopped = r == 1;
		RL_ASSERT(r == 0 || r == 1);
		rota_context_unref(function);
		function = NULL;
	}

	/* What it answers, now and ever after. */
	int
	ask(unsigned i)
	{
		int err = rota_context_err(context[i]);
		int cause = err ? rota_context_cause(context[i]) : 0;

		if (err && !n.err[i]) {
			n.err[i] = err;
			n.cause[i] = cause;
		}
		RL_ASSERT(!err || (err == n.err[i] && cause == n.cause[i]));
		return err;
	}

	/* Is the end of its parent the only one that it can have? */
	bool
	follows(unsigned i)
	{
		int deadline = scene.context[i] ? scene.context[i]
						: scene.grown;

		return i && !n.left[i - 1] && !n.cut && deadline == NO_DEADLINE;
	}

	/* It is, and so are all below. */
	void
	done(unsigned i)
	{
		for (; i < CONTEXTS && context[i]; i++) {
			if (n.left[i])
				continue;
			RL_ASSERT(ask(i) != 0);
			if (!follows(i))
				continue;
			RL_ASSERT(ask(i - 1) == n.err[i]);
			RL_ASSERT(n.cause[i - 1] == n.cause[i]);
		}
	}

	void
	run(const struct operation &op)
	{
		rota_time until = op.n ? op.n * ROUND : ROTA_NEVER, value;
		struct rota_case k[2] = {};
		struct notes before = n;
		int r, at;

		switch (op.code) {
		case GO:
			others();
			E->clock = op.n * ROUND;
			poll(E->clock);
			break;
		case AHEAD:
			others();
			poll(op.n * ROUND);
			break;
		case RECEIVE:
			r = rota_channel_receive_until(c, until, &value);
			if (r == 1)
				took(value, before);
			else
				none_came(r, op.n);
			break;
		case POLL:
			r = rota_channel_poll(c, &value);
			RL_ASSERT(r == 0 || r == 1);
			if (r == 1)
				took(value, before);
			break;
		case STOP:
			ended(rota_channel_stop(c), before);
			n.silent = n.resets == before.resets &&
			    !before.resetting;
			break;
		case RESET:
			reset(op.n);
			break;
		case AGAIN:
			n.ids++;
			r = rota_channel_reset(c, HALF - E->clock);
			n.voided += (unsigned)r;
			break;
		case LENGTH:
			r = rota_channel_length(c);
			RL_ASSERT(r == 0);
			break;
		case SELECT:
		case CHOOSE:
			at = op.code == CHOOSE;
			k[at].channel = c;
			k[!at].context = context[0];
			r = rota_select(k, 2, until);
			if (r == at)
				took(k[at].value, before);
			else if (r == !at)
				RL_ASSERT(rota_context_err(context[0]) != 0);
			else
				none_came(r, op.n);
			break;
		case DROP:
			n.dropped++;
			rota_channel_unref(c);
			break;
		case CANCEL:
			cancel((unsigned)op.n);
			break;
		case ENDED:
			r = rota_context_wait(context[op.n], ROTA_NEVER);
			RL_ASSERT(r == 0);
			done((unsigned)op.n);
			break;
		case ASK:
			if (n.left[op.n])
				rota_context_err(context[op.n]);
			else if (ask((unsigned)op.n))
				done((unsigned)op.n);
			break;
		case GROW:
			grow((unsigned)op.n, scene.grown);
			break;
		case LEAVE:
			rota_context_unref(context[op.n]);
			break;
		case AFTER:
			n.after = true;
			r = rota_context_after_func_site(&function,
			    context[op.n], run_after, this, "");
			RL_ASSERT(r == 0);
			break;
		case QUIT:
			quit();
			break;
		case NONE:
			break;
		}
	}

	void
	act(unsigned th)
	{
		bool keeps = c != NULL;

		for (unsigned i = 0; i < OPS && scene.op[th][i].code; i++) {
			run(scene.op[th][i]);
			keeps = keeps && scene.op[th][i].code != DROP;
		}
		if (th == 0) {
			serve();
			return;
		}
		if (keeps)
			rota_channel_unref(c);
		leave();
	}

	/*
	 * After: nobody has a reference but the owner, if it kept its own.
	 */

	void
	end_channel()
	{
		bool filed = false;
		rota_time value, now;
		unsigned ends;

		for (unsigned i = 0; i < E->armings; i++)
			filed |= E->arming[i].arg == c && E->arming[i].armed;
		RL_ASSERT(!c->waiters.first && c->filed == filed);
		if (scene.mode != ROTA_CHANNEL_ASYNC && !scene.fd)
			RL_ASSERT(!filed);
		if (scene.mode == ROTA_CHANNEL_ASYNC && c->armed &&
		    !(c->full && scene.policy == ROTA_MISSED_BURST))
			RL_ASSERT(filed || scene.scarce);
		now = rota__channel_lock(c);
		if (scene.fd)
			RL_ASSERT(c->fd.shows == rota__channel_ready(c, now));
		rota__channel_unlock(c, now);
		while (!scene.period && rota_channel_poll(c, &value))
			took(value, n);
		n.voided += (unsigned)rota_channel_stop(c);
		ends = n.ends + n.voided + (unsigned)c->missed;
		if (!scene.period)
			RL_ASSERT(n.ids >= ends && n.ids <= ends + n.unknown);
		channel = NULL;
		rota_channel_unref(c);
	}

	void
	end_context(unsigned i)
	{
		int err = ask(i);
		int cause = rota_context_cause(context[i]);
		bool given = cause == -ETIME;

		for (unsigned k = 0; k <= i; k++)
			given |= n.cancelled[k] && cause == 7 + (int)k;
		RL_ASSERT((cause == 0) == (err == 0));
		RL_ASSERT((cause == -ETIME) == (err == -ETIME));
		RL_ASSERT(!cause || given);
		RL_ASSERT(err || !n.cancelled[i]);
		for (unsigned k = i + 1; err && k < CONTEXTS && context[k]; k++)
			RL_ASSERT(
			    n.left[k] || rota_context_err(context[k]) != 0);
	}

	void
	finish()
	{
		if (c && !n.dropped)
			end_channel();
		if (n.after && !scene.context[0]) /* nobody has asked */
			RL_ASSERT(n.runs == 1);
		for (unsigned i = 0; i < CONTEXTS && context[i]; i++)
			if (!n.left[i])
				end_context(i);
		poll(E->shard.now); /* the function's */
		if (n.after)
			RL_ASSERT(n.runs == !n.stopped);
		if (function)
			rota_context_unref(function);
		for (unsigned i = 0; i < CONTEXTS && context[i]; i++)
			if (!n.left[i])
				rota_context_unref(context[i]);
		clear();
	}
};

template <int N> struct world : rl::test_suite<world<N>, N>, model {
	void
	before()
	{
		this->begin(N);
	}

	void
	thread(unsigned th)
	{
		this->act(th);
	}

	void
	after()
	{
		this->finish();
	}
};

template <int N>
static unsigned long long
explore(unsigned bound)
{
	rl::ostringstream out;
	std::ostream nowhere(NULL);
	rl::test_params p;

	p.search_type = rl::sched_bound;
	p.context_bound = bound;
	p.iteration_count = 0;
	p.output_stream = &out;
	p.progress_stream = &nowhere;
	if (rl::simulate<world<N> >(p))
		return p.stop_iteration;
	printf("FAILED: %s\n", scene.name);
	/* Once is enough: after this it comes by thread. */
	printf("%s\n",
	    out.str().substr(0, out.str().find("\nthread 0:")).c_str());
	exit(1);
}

int
main(int argc, char **argv)
{
	int more = argc > 1 ? atoi(argv[1]) : 0;
	const char *only = getenv("RELACY_ONLY");
	unsigned long long total = 0;

	for (const struct story &t : stories) {
		unsigned threads = 0, bound = (unsigned)((int)t.bound + more);
		unsigned long long n;

		if (only && !strstr(t.name, only))
			continue;
		scene = t;
		while (threads < THREADS && t.op[threads][0].code)
			threads++;
		n = threads == 2 ? explore<2>(bound)
		    : threads == 3 ? explore<3>(bound)
				   : explore<4>(bound);
		total += n;
		printf("%12llu  %s, bound %u\n", n, t.name, bound);
		fflush(stdout);
	}
	printf("%12llu  executions\n", total);
	return total == 0;
}
