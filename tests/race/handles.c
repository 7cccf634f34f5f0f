/* SPDX-License-Identifier: MIT
 *
 * handles.c - pooled timers: armed, pushed and stopped from all threads by
 * their handles, the stale ones too.
 *
 * A record is armed only by the thread that holds it; who stops it, or its
 * function, holds it then. Its handle stays where anybody finds it. So a call
 * on a handle whose time is over that hits another record's timer makes two
 * holders of that one, and none of this.
 */
#define _POSIX_C_SOURCE 200809L
#include "tests/race/race.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { RECORDS = 200, OLD = 64, POLL_EVERY = 24, FINAL_POLLS = 3 };
#define FAR (INT64_C(1) << 59) /* ns: after every deadline */
#define MARK UINT64_C(0x5ec0bd5ec0bd5ec0)

enum mode { DRIVEN = 1, RETIRED = 2 };

struct record {
	uint64_t mark; /* MARK: it is a record at all */
	struct thing thing;
	rota_word handle; /* of the latest arming, as soon as it is known */
	rota_time when;   /* plain: the earliest that it may run; 0: any */
};

static struct {
	struct rota_engine *e;
	unsigned mode, workers, shards;
	uint64_t ops;
	struct record record[RECORDS];
	rota_word open; /* shards that are in use */
	rota_word ending;
	rota_word inside; /* callbacks under way, which may arm yet */
	pthread_barrier_t barrier;
	struct worker worker[RACE_WORKERS];
	void *held[RACE_WORKERS][RECORDS];
	struct {
		uint64_t handle;
		struct record *record;
	} old[RACE_WORKERS][OLD]; /* a worker's own memory of handles */
} H;

static _Thread_local struct worker driver_self;

/* Seldom reached before a stop. Of what is armed anew while the call that
 * armed it before has not returned, the handle is lost: on the real clock it
 * must come to its end by itself. */
static rota_span
far(void)
{
	return H.mode & DRIVEN ? 200 * ROTA_MILLISECOND : ROTA_HOUR;
}

static rota_time
pick_when(struct worker *w)
{
	unsigned bits = H.mode & DRIVEN ? 17 : 23; /* ns: 131 us, 8 ms */
	uint64_t kind = source_bits(&w->source, 3);

	return rota_when(rota_engine_now(H.e),
	    kind == 0       ? 0
		: kind == 1 ? far()
			    : (rota_span)source_bits(&w->source, bits));
}

/* Half of the records are pushed later, but not given an earlier instant. */
static bool
pushed_only(const struct record *r)
{
	return (r - H.record) % 2;
}

static void on_func(void *arg);

static void
arm(struct worker *w, struct record *r)
{
	rota_time when = pick_when(w);
	rota_handle h = 0;
	unsigned i;
	int answer;

	thing_load(&r->thing, w);
	r->when = pushed_only(r) ? when : 0;
	if (source_bits(&w->source, 1)) {
		/* The last shard's pool is made when it is about to retire. */
		answer = rota_shard_after_func(
		    rota_engine_shard(H.e,
			source_below(
			    &w->source, (unsigned)word_load(&H.open, relaxed))),
		    when, on_func, r, &h);
	} else {
		rota_time now = rota_engine_now(H.e);

		answer = rota_after_func(H.e, when - now, on_func, r, &h);
	}
	w->ops++;
	if (answer || !h)
		race_fail("after_func said %d", answer);
	/* It may have run by now, and be armed anew: then this is stale. */
	word_store(&r->handle, h, relaxed);
	if (w == &driver_self)
		return;
	i = source_below(&w->source, OLD);
	H.old[w->index][i].handle = h;
	H.old[w->index][i].record = r;
}

static void
on_func(void *arg)
{
	struct record *r = arg;
	struct worker *w = race_self ? race_self : &driver_self;

	word_add(&H.inside, (uint64_t)1, relaxed);
	if (r->mark != MARK || r < H.record || r >= H.record + RECORDS)
		race_fail("a function was given what is no record");
	if (rota_engine_now(H.e) < r->when && !word_load(&H.ending, relaxed))
		race_count(early, 1);
	thing_unload(&r->thing, true);
	if (race_self &&
	    (word_load(&H.ending, relaxed) || source_bits(&w->source, 1)))
		w->held[w->holds++] = r;
	else if (!word_load(&H.ending, relaxed))
		arm(w, r);
	word_add(&H.inside, (uint64_t)0 - 1, release);
}

/* @h was once @r's. */
static void
stop(struct worker *w, rota_handle h, struct record *r)
{
	int answer = rota_handle_stop(H.e, h);

	w->ops++;
	if (answer == ROTA_PREVENTED) {
		thing_unload(&r->thing, false);
		w->held[w->holds++] = r;
	} else if (answer != ROTA_RUNNING && answer != -ESTALE) {
		race_fail("handle_stop said %d", answer);
	}
}

static void
operate(struct worker *w)
{
	struct source *s = &w->source;
	struct record *r = &H.record[source_below(s, RECORDS)];
	rota_handle h = word_load(&r->handle, relaxed);
	unsigned i = source_below(s, OLD);
	int answer;

	switch (source_bits(s, 3)) {
	case 0:
	case 1:
	case 2:
		if (w->holds)
			arm(w, w->held[--w->holds]);
		break;
	case 3:
	case 4:
		if (h)
			stop(w, h, r);
		break;
	case 5:
		if (H.old[w->index][i].handle)
			stop(w, H.old[w->index][i].handle,
			    H.old[w->index][i].record);
		break;
	case 6:
		answer = rota_handle_reset_at(H.e, h,
		    pushed_only(r) ? rota_when(rota_engine_now(H.e), 2 * far())
				   : pick_when(w));
		w->ops++;
		if (answer != (h ? 1 : -EINVAL) && answer != -ESTALE)
			race_fail("handle_reset_at said %d", answer);
		break;
	default:
		answer = rota_handle_pending(H.e, h);
		if (answer != (h ? 1 : -EINVAL) && answer != -ESTALE)
			race_fail("handle_pending said %d", answer);
		/* Forged: of a node that is there, of a generation to come. */
		answer = rota_handle_stop(H.e, h + (UINT64_C(1) << 62));
		if (answer != -EINVAL)
			race_fail("a forged handle: %d", answer);
		w->ops += 2;
		break;
	}
}

static void
poll_own(struct worker *w, rota_time now)
{
	for (unsigned i = w->index; i < H.shards; i += H.workers)
		if (rota_shard_poll(rota_engine_shard(H.e, i), now, 0) < 0)
			race_fail("poll");
}

static void *
work(void *arg)
{
	struct worker *w = arg;
	bool owner = !(H.mode & DRIVEN);
	int r;

	race_self = w;
	for (unsigned i = w->index; owner && i < H.shards; i += H.workers)
		if (rota_shard_attach(rota_engine_shard(H.e, i)))
			race_fail("attach");
	pthread_barrier_wait(&H.barrier);
	for (uint64_t op = 0; op < H.ops; op++) {
		operate(w);
		if (H.mode & RETIRED && op == H.ops / 2 - 4 &&
		    (H.shards - 1) % H.workers == w->index)
			word_store(&H.open, H.shards, relaxed);
		if (H.mode & RETIRED && op == H.ops / 2 &&
		    (H.shards - 1) % H.workers == w->index) {
			r = rota_shard_retire(
			    rota_engine_shard(H.e, H.shards - 1),
			    rota_engine_shard(H.e, 0));
			if (r)
				race_fail("retire said %d", r);
		}
		if (op % POLL_EVERY || !owner)
			continue;
		rota_engine_advance(
		    H.e, (rota_span)source_bits(&w->source, 20));
		poll_own(w, rota_engine_now(H.e));
	}
	pthread_barrier_wait(&H.barrier);
	word_store(&H.ending, (uint64_t)1, relaxed); /* then a barrier */
	for (int i = 0; i < FINAL_POLLS; i++) {
		pthread_barrier_wait(&H.barrier);
		if (owner)
			poll_own(w, FAR);
	}
	pthread_barrier_wait(&H.barrier);
	for (unsigned i = w->index; owner && i < H.shards; i += H.workers)
		rota_shard_detach(rota_engine_shard(H.e, i));
	return NULL;
}

/* Stop what is armed, as far as its handle is known, and wait for the rest. */
static void
calm_drivers(void)
{
	struct timespec nap = { 0, 1000000 };
	double until = race_seconds() + 20;
	struct rota_stats st;
	uint64_t inside;

	do {
		for (unsigned i = 0; i < RECORDS; i++) {
			struct record *r = &H.record[i];
			rota_handle h = word_load(&r->handle, relaxed);

			if (h && rota_handle_stop(H.e, h) == ROTA_PREVENTED)
				thing_unload(&r->thing, false);
		}
		nanosleep(&nap, NULL);
		if (race_seconds() > until)
			race_fail("something stays armed");
		/* Asked first: what the last of them armed is counted then. */
		inside = word_load(&H.inside, acquire);
		rota_engine_stat(H.e, &st);
	} while (inside || st.live);
}

static void
round_run(
    const struct race_options *o, unsigned mode, uint64_t seed, uint64_t ops)
{
	struct rota_config c = {
		.size = sizeof(c),
		.backend = (enum rota_backend)(seed % 3),
		.clock = mode & DRIVEN ? ROTA_CLOCK_MONOTONIC
				       : ROTA_CLOCK_VIRTUAL,
		.flags = mode & DRIVEN ? ROTA_DRIVERS : 0,
		.max_timers = 1 << 13,
	};
	struct rota_stats st;
	uint64_t starts = 0, fires = 0;
	int r;

	memset(&H, 0, sizeof(H));
	H.mode = mode;
	H.workers = o->workers;
	H.shards = c.shards = mode & DRIVEN ? 2 : o->workers + 1;
	H.open = mode & RETIRED ? H.shards - 1 : H.shards;
	H.ops = (mode & RETIRED ? ops / 20 : ops) / o->workers;
	if (rota_engine_create(&H.e, &c))
		race_fail("no engine");
	pthread_barrier_init(&H.barrier, NULL, H.workers);
	for (unsigned i = 0; i < H.workers; i++) {
		H.worker[i].source = source_seed(source_mix(seed + i));
		H.worker[i].held = H.held[i];
	}
	for (unsigned i = 0; i < RECORDS; i++) {
		struct worker *w = &H.worker[i % H.workers];

		H.record[i].mark = MARK;
		w->held[w->holds++] = &H.record[i];
	}
	race_run(H.worker, H.workers, work);
	if (mode & DRIVEN)
		calm_drivers();
	rota_engine_stat(H.e, &st);
	/* Joins the drivers: what they wrote is ours to read then. */
	r = rota_engine_destroy(H.e, ROTA_REFUSE);
	if (r)
		race_fail("destroy said %d, with %" PRIu64 " live", r, st.live);
	for (unsigned i = 0; i < RECORDS; i++) {
		thing_check(&H.record[i].thing, false);
		if (H.record[i].thing.payload)
			race_count(lost, 1);
		starts += H.record[i].thing.starts;
		fires += H.record[i].thing.fires;
	}
	if (st.starts != starts || st.fires != fires || st.live ||
	    st.starts != st.fires + st.stops)
		race_fail("the books: starts %" PRIu64 " of %" PRIu64
			  ", fires %" PRIu64 " of %" PRIu64 ", stops %" PRIu64
			  ", live %" PRIu64,
		    st.starts, starts, st.fires, fires, st.stops, st.live);
	/* A shard's pool has no more than were in use at once: armed, running,
	 * or just looked at by a worker. */
	if (!st.timers ||
	    st.timers > H.shards * (RECORDS + 2 * (H.workers + H.shards)))
		race_fail("%" PRIu64 " pooled timers are counted", st.timers);
	pthread_barrier_destroy(&H.barrier);
}

void
handles_polled(const struct race_options *o, uint64_t seed, uint64_t ops)
{
	round_run(o, 0, seed, ops);
}

void
handles_driven(const struct race_options *o, uint64_t seed, uint64_t ops)
{
	round_run(o, DRIVEN, seed, ops);
}

void
handles_retired(const struct race_options *o, uint64_t seed, uint64_t ops)
{
	round_run(o, RETIRED, seed, ops);
}
