/* SPDX-License-Identifier: MIT
 *
 * items.c - timers that live in the tests' own structs, hammered by workers
 * that own a shard each, or by workers beside an engine's drivers.
 *
 * Three sorts of timers:
 *  - tokens: armed only by the thread that holds the token; anybody may push
 *    or stop one that is armed. Who stops it, or the callback, holds it then,
 *    and reads the payload.
 *  - wild ones: reset and stopped by anybody; only counted.
 *  - relays: one thread arms it, another releases it as soon as it sees it
 *    armed, maybe while the first is still inside its reset; then free().
 */
#define _POSIX_C_SOURCE 200809L
#include "tests/race/race.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/pool.h"
#include "core/shard.h"

enum { SHARDS = RACE_WORKERS, WILD = 8, POLL_EVERY = 24, FINAL_POLLS = 4 };
#define FAR (INT64_C(1) << 59) /* ns: after every deadline */

enum mode {
	ADOPTED = 1, /* ROTA_ADOPT: workers poll each other's shards */
	RETIRED = 2, /* the last shard retires half way */
	DRIVEN = 4,  /* ROTA_DRIVERS, on the real clock */
	DETACHED = 8 /* ... whose owner gave it up before */
};

struct token {
	struct rota_timer timer;
	struct thing thing;
};

struct relay {
	struct rota_timer timer;
	uint64_t payload; /* plain */
	rota_word fired;
};

static struct {
	struct rota_engine *e;
	unsigned mode, workers, shards, tokens; /* tokens on each shard */
	uint64_t ops;                           /* for each worker */
	struct rota_kind token_kind[SHARDS], wild_kind[SHARDS],
	    relay_kind[SHARDS];
	struct token *token;
	struct token wild[SHARDS * WILD];
	rota_link slot[RACE_WORKERS]; /* relays on their way */
	rota_word relays, freed, relay_fires;
	rota_word ending;
	rota_word detached;
	pthread_barrier_t barrier;
	struct worker worker[RACE_WORKERS];
	void **held;
} W;

/* A driver's callbacks hold what they got until they arm it again. */
static _Thread_local struct worker driver_self;

static struct worker *
self(void)
{
	if (race_self)
		return race_self;
	if (!driver_self.source.x)
		driver_self.source = source_seed((uintptr_t)&driver_self);
	return &driver_self;
}

static rota_span
pick_span(struct worker *w)
{
	unsigned bits = W.mode & DRIVEN ? 17 : 23; /* ns: 131 us, 8 ms */

	switch (source_bits(&w->source, 4)) {
	case 0:
		return 0;
	case 1:
		return -5;
	case 2: /* not before it is stopped or pushed */
		return ROTA_HOUR + (rota_span)source_bits(&w->source, 20);
	case 3:
		return (rota_span)source_bits(&w->source, bits + 3);
	default:
		return (rota_span)source_bits(&w->source, bits);
	}
}

static rota_time
pick_when(struct worker *w)
{
	return rota_when(rota_engine_now(W.e), pick_span(w));
}

static void
hold(struct worker *w, struct token *tk)
{
	w->held[w->holds++] = tk;
}

/* @tk is the caller's, and is not when this returns. */
static void
arm(struct worker *w, struct token *tk)
{
	bool at = source_bits(&w->source, 1);
	int r;

	thing_load(&tk->thing, w);
	r = at ? rota_timer_reset_at(&tk->timer, pick_when(w))
	       : rota_timer_reset(&tk->timer, pick_span(w));
	if (r)
		race_fail("the reset of a timer that is held said %d", r);
	w->ops++;
}

static void
on_token(struct rota_timer *t, rota_time now)
{
	struct token *tk = rota_container_of(t, struct token, timer);
	struct worker *w = self();

	if (now < rota_timer_deadline(t) ||
	    (W.mode & DRIVEN && rota_engine_now(W.e) < rota_timer_deadline(t)))
		race_count(early, 1);
	thing_unload(&tk->thing, true);
	if (W.mode & ADOPTED && !source_bits(&w->source, 5))
		sched_yield(); /* let others adopt */
	if (race_self &&
	    (word_load(&W.ending, relaxed) || source_bits(&w->source, 1)))
		hold(w, tk);
	else if (!word_load(&W.ending, relaxed))
		arm(w, tk);
}

static void
stop_token(struct worker *w, struct token *tk)
{
	int r = rota_timer_stop(&tk->timer);

	w->ops++;
	if (r < 0)
		race_fail("stop said %d", r);
	if (r != ROTA_PREVENTED)
		return;
	thing_unload(&tk->thing, false);
	hold(w, tk);
}

static void
reset_wild(struct worker *w, struct token *tk)
{
	int r = rota_timer_reset_at(&tk->timer, pick_when(w));

	w->ops++;
	if (r < 0)
		race_fail("reset said %d", r);
	if (r == 0)
		word_add(&tk->thing.starts, (uint64_t)1, relaxed);
}

static void
stop_wild(struct worker *w, struct token *tk, bool sync)
{
	int r = sync ? rota_timer_stop_sync(&tk->timer)
		     : rota_timer_stop(&tk->timer);

	w->ops++;
	if (r < 0)
		race_fail("stop said %d", r);
	if (r == ROTA_PREVENTED)
		word_add(&tk->thing.stops, (uint64_t)1, relaxed);
}

static void
on_wild(struct rota_timer *t, rota_time now)
{
	struct token *tk = rota_container_of(t, struct token, timer);
	struct worker *w = self();

	(void)now;
	word_add(&tk->thing.fires, (uint64_t)1, relaxed);
	if (word_load(&W.ending, relaxed))
		return;
	switch (source_bits(&w->source, 3)) {
	case 0:
	case 1:
		reset_wild(w, tk);
		break;
	case 2:
		stop_wild(w, tk, false);
		break;
	default:
		break;
	}
}

static void
relay_free(struct relay *r)
{
	if (!r->payload)
		race_count(torn, 1);
	r->payload = 0;
	free(r);
	word_add(&W.freed, (uint64_t)1, relaxed);
}

static void
on_released(struct rota_timer *t)
{
	relay_free(rota_container_of(t, struct relay, timer));
}

static void
on_relay(struct rota_timer *t, rota_time now)
{
	struct relay *r = rota_container_of(t, struct relay, timer);

	if (now < rota_timer_deadline(t))
		race_count(early, 1);
	if (!r->payload)
		race_count(torn, 1);
	word_add(&W.relay_fires, (uint64_t)1, relaxed);
	/* The last that this callback does with it: it may be gone then. */
	word_store(&r->fired, (uint64_t)1, release);
}

/* Release the relay that came, if its arming has been seen. */
static void
relay_take(struct worker *w)
{
	struct relay *r = word_load(&W.slot[w->index], acquire);
	int answer;

	if (!r ||
	    !(rota_timer_pending(&r->timer) || word_load(&r->fired, acquire)))
		return;
	word_store(&W.slot[w->index], NULL, release);
	answer = rota_timer_release(&r->timer);
	w->ops++;
	if (answer == 0)
		relay_free(r);
	else if (answer != 1)
		race_fail("release said %d", answer);
}

static void
relay_send(struct worker *w)
{
	unsigned to = (w->index + 1) % W.workers;
	unsigned k = source_below(&w->source, W.shards);
	rota_time when = pick_when(w);
	struct relay *r;

	if (word_load(&W.slot[to], acquire))
		return;
	r = malloc(sizeof(*r));
	if (!r || rota_timer_init(&r->timer, &W.relay_kind[k]))
		race_fail("no relay");
	r->payload = ++w->armings;
	r->fired = 0;
	word_add(&W.relays, (uint64_t)1, relaxed);
	word_store(&W.slot[to], r, release);
	if (rota_timer_reset_at(&r->timer, when))
		race_fail("a relay was pending");
	w->ops += 2;
}

static void
operate(struct worker *w)
{
	struct source *s = &w->source;
	struct token *tk = &W.token[source_below(s, W.shards * W.tokens)];
	struct token *wild = &W.wild[source_below(s, W.shards * WILD)];
	int r;

	switch (source_bits(s, 4)) {
	case 0:
	case 1:
	case 2:
	case 3:
	case 4:
	case 5:
		if (w->holds)
			arm(w, w->held[--w->holds]);
		break;
	case 6:
	case 7:
	case 8:
		stop_token(w, tk);
		break;
	case 9:
	case 10:
		r = rota__timer_push(&tk->timer, pick_when(w));
		w->ops++;
		if (r != 1 && r != -EINVAL)
			race_fail("push said %d", r);
		break;
	case 11:
	case 12:
		reset_wild(w, wild);
		break;
	case 13:
		stop_wild(w, wild, source_bits(s, 2) == 0);
		break;
	case 14:
		if (rota_timer_pending(&tk->timer) < 0 ||
		    rota_timer_deadline(&wild->timer) < 0)
			race_fail("a timer that is none");
		w->ops += 2;
		break;
	default:
		relay_take(w);
		relay_send(w);
		break;
	}
}

static bool
owns(const struct worker *w, unsigned shard)
{
	return shard % W.workers == w->index;
}

static void
poll_own(struct worker *w, rota_time now, unsigned budget)
{
	for (unsigned i = w->index; i < W.shards; i += W.workers) {
		struct rota_shard *s = rota_engine_shard(W.e, i);
		int r = rota_shard_poll(s, now, budget);

		if (r < 0 && r != (W.mode & ADOPTED ? -EBUSY : 0) &&
		    !(r == -EPERM && W.mode & DETACHED && i == W.shards - 1))
			race_fail("poll said %d", r);
		if (!source_bits(&w->source, 2))
			(void)rota_shard_park(s);
	}
}

static void
poll_some(struct worker *w)
{
	rota_time now;
	unsigned budget = source_bits(&w->source, 2)
	    ? 0
	    : 1 + source_below(&w->source, 64);

	rota_engine_advance(W.e, (rota_span)source_bits(&w->source, 20));
	now = rota_engine_now(W.e);
	poll_own(w, now, budget);
	if (W.mode & ADOPTED) {
		unsigned i = source_below(&w->source, W.shards);
		int r = rota_shard_adopt(
		    rota_engine_shard(W.e, i), now, budget);

		if (r < 0 && r != -EBUSY)
			race_fail("adopt said %d", r);
	}
}

/* A shard without owner: whoever comes first. */
static void
retire_ownerless(void)
{
	uint64_t given_up = 1;
	int r;

	if (!word_cas(&W.detached, &given_up, (uint64_t)2, acquire, relaxed))
		return;
	r = rota_shard_retire(
	    rota_engine_shard(W.e, W.shards - 1), rota_engine_shard(W.e, 1));
	if (r)
		race_fail("retire of a shard without owner said %d", r);
}

/* The last shard goes: its owner retires it, or gives it up for another to. */
static void
retire(struct worker *w, uint64_t op)
{
	struct rota_shard *s = rota_engine_shard(W.e, W.shards - 1);
	int r;

	if (op == W.ops / 2 && owns(w, W.shards - 1)) {
		if (W.mode & DETACHED) {
			if (rota_shard_detach(s))
				race_fail("detach");
			word_store(&W.detached, (uint64_t)1, release);
			return;
		}
		r = rota_shard_retire(s, rota_engine_shard(W.e, 0));
		if (r)
			race_fail("retire said %d", r);
	}
	if (W.mode & DETACHED && !owns(w, W.shards - 1))
		retire_ownerless();
}

/* No one arms any more. */
static void
finish(struct worker *w)
{
	pthread_barrier_wait(&W.barrier);
	word_store(&W.ending, (uint64_t)1, relaxed); /* then a barrier */
	pthread_barrier_wait(&W.barrier);
	while (word_load(&W.detached, relaxed) == 1)
		retire_ownerless(); /* the others had done all they had to */
	/* A driver may be in the midst of its callback. */
	for (; word_load(&W.slot[w->index], relaxed); sched_yield())
		relay_take(w);
	for (int i = 0; i < FINAL_POLLS && !(W.mode & DRIVEN); i++) {
		pthread_barrier_wait(&W.barrier);
		poll_own(w, FAR, 0);
		if (W.mode & ADOPTED) /* some may have lost hold */
			poll_own(w, FAR, 0);
	}
	pthread_barrier_wait(&W.barrier);
}

static void *
work(void *arg)
{
	struct worker *w = arg;

	race_self = w;
	for (unsigned i = w->index; i < W.shards && !(W.mode & DRIVEN);
	     i += W.workers)
		if (rota_shard_attach(rota_engine_shard(W.e, i)))
			race_fail("attach");
	pthread_barrier_wait(&W.barrier);
	for (uint64_t op = 0; op < W.ops; op++) {
		operate(w);
		if (W.mode & RETIRED)
			retire(w, op);
		if (op % POLL_EVERY == 0 && !(W.mode & DRIVEN))
			poll_some(w);
	}
	finish(w);
	for (unsigned i = w->index; i < W.shards && !(W.mode & DRIVEN);
	     i += W.workers)
		rota_shard_detach(rota_engine_shard(W.e, i));
	return NULL;
}

static void
begin(const struct race_options *o, unsigned mode, uint64_t seed, uint64_t ops)
{
	struct rota_config c = {
		.size = sizeof(c),
		.backend = (enum rota_backend)(seed % 3),
		.clock = mode & DRIVEN ? ROTA_CLOCK_MONOTONIC
				       : ROTA_CLOCK_VIRTUAL,
		.flags = (mode & DRIVEN ? ROTA_DRIVERS : 0) |
		    (mode & ADOPTED ? ROTA_ADOPT : 0),
		.max_timers = 1 << 12,
	};
	unsigned all;

	memset(&W, 0, sizeof(W));
	W.mode = mode;
	W.workers = o->workers;
	W.shards = c.shards = mode & DRIVEN ? 2 : W.workers + 1;
	W.tokens = seed >> 8 & 1 ? 12 : 250;
	W.ops = ops / W.workers;
	all = W.shards * W.tokens;
	W.token = calloc(all, sizeof(*W.token));
	W.held = calloc((size_t)all * W.workers, sizeof(*W.held));
	if (!W.token || !W.held || rota_engine_create(&W.e, &c))
		race_fail("no engine");
	pthread_barrier_init(&W.barrier, NULL, W.workers);
	for (unsigned i = 0; i < W.shards; i++) {
		struct rota_shard *s = rota_engine_shard(W.e, i);

		if (rota_kind_init(&W.token_kind[i], s,
			&(struct rota_kind_config){
			    .fire = on_token, .name = "token" }) ||
		    rota_kind_init(&W.wild_kind[i], s,
			&(struct rota_kind_config){
			    .fire = on_wild, .name = "wild" }) ||
		    rota_kind_init(&W.relay_kind[i], s,
			&(struct rota_kind_config){ .fire = on_relay,
			    .released = on_released,
			    .name = "relay" }))
			race_fail("kind_init");
	}
	for (unsigned i = 0; i < W.workers; i++) {
		W.worker[i].source = source_seed(source_mix(seed + i));
		W.worker[i].held = W.held + (size_t)i * all;
	}
	for (unsigned i = 0; i < all; i++) {
		if (rota_timer_init(
			&W.token[i].timer, &W.token_kind[i % W.shards]))
			race_fail("init");
		hold(&W.worker[i % W.workers], &W.token[i]);
	}
	for (unsigned i = 0; i < W.shards * WILD; i++)
		if (rota_timer_init(
			&W.wild[i].timer, &W.wild_kind[i % W.shards]))
			race_fail("init");
}

/* Drivers go on by themselves: stop what is armed, wait for the rest. */
static void
calm_drivers(void)
{
	struct timespec nap = { 0, 1000000 };
	double until = race_seconds() + 20;

	/* Twice: a callback that began before the end may have armed it. */
	for (unsigned i = 0; i < 2 * W.shards * W.tokens; i++) {
		struct token *tk = &W.token[i / 2];

		if (rota_timer_stop_sync(&tk->timer) == ROTA_PREVENTED)
			thing_unload(&tk->thing, false);
	}
	for (unsigned i = 0; i < 2 * W.shards * WILD; i++) {
		struct token *tk = &W.wild[i / 2];

		if (rota_timer_stop_sync(&tk->timer) == ROTA_PREVENTED)
			word_add(&tk->thing.stops, (uint64_t)1, relaxed);
	}
	while (word_load(&W.freed, acquire) != word_load(&W.relays, relaxed)) {
		if (race_seconds() > until)
			race_fail("a release was never completed");
		nanosleep(&nap, NULL);
	}
}

/* The engine's books against the things' own. */
static void
check(void)
{
	struct rota_stats st;
	uint64_t starts = word_load(&W.relays, relaxed);
	uint64_t fires = word_load(&W.relay_fires, relaxed);

	for (unsigned i = 0; i < W.shards * W.tokens; i++) {
		struct token *tk = &W.token[i];

		thing_check(&tk->thing, rota_timer_pending(&tk->timer));
		if (tk->thing.payload && !rota_timer_pending(&tk->timer))
			race_count(lost, 1);
		starts += word_load(&tk->thing.starts, relaxed);
		fires += word_load(&tk->thing.fires, relaxed);
	}
	for (unsigned i = 0; i < W.shards * WILD; i++) {
		struct token *tk = &W.wild[i];

		thing_check(&tk->thing, rota_timer_pending(&tk->timer));
		starts += word_load(&tk->thing.starts, relaxed);
		fires += word_load(&tk->thing.fires, relaxed);
	}
	if (word_load(&W.freed, relaxed) != word_load(&W.relays, relaxed))
		race_fail("a relay was not given back");
	rota_engine_stat(W.e, &st);
	if (st.starts != starts || st.fires != fires || st.live ||
	    st.starts != st.fires + st.stops)
		race_fail("the books: starts %" PRIu64 " of %" PRIu64
			  ", fires %" PRIu64 " of %" PRIu64 ", stops %" PRIu64
			  ", live %" PRIu64,
		    st.starts, starts, st.fires, fires, st.stops, st.live);
}

static void
round_run(
    const struct race_options *o, unsigned mode, uint64_t seed, uint64_t ops)
{
	int r;

	begin(o, mode, seed, ops);
	race_run(W.worker, W.workers, work);
	if (mode & DRIVEN)
		calm_drivers();
	check();
	r = rota_engine_destroy(W.e, ROTA_REFUSE);
	if (r)
		race_fail("destroy said %d", r);
	pthread_barrier_destroy(&W.barrier);
	free(W.token);
	free(W.held);
}

void
items_polled(const struct race_options *o, uint64_t seed, uint64_t ops)
{
	round_run(o, 0, seed, ops);
}

void
items_adopted(const struct race_options *o, uint64_t seed, uint64_t ops)
{
	round_run(o, ADOPTED, seed, ops);
}

void
items_retired(const struct race_options *o, uint64_t seed, uint64_t ops)
{
	round_run(o, RETIRED | (seed >> 9 & 1 ? DETACHED : 0), seed, ops);
}

void
items_driven(const struct race_options *o, uint64_t seed, uint64_t ops)
{
	round_run(o, DRIVEN | (seed >> 9 & 1 ? ADOPTED : 0), seed, ops);
}
