/* SPDX-License-Identifier: MIT
 *
 * linear.c - is the history of one timer, touched by three threads at once,
 * one that some order of the same calls gives?
 *
 *	linear [--histories N] [--seed S]
 *
 * Timers are independent, so histories are short: an owner that resets, stops
 * and polls, two others that reset, stop, ask and, on an engine with
 * ROTA_ADOPT, poll too. The three go from timer to timer, each waiting a
 * moment for the others, so that they meet. Each call is recorded with an
 * instant before and one after. The checker (Wing and Gong 1993) looks for an
 * order in which each call lies between its two instants and each answer is
 * that of the sequential timer:
 *
 *	reset(d)  answers whether it was armed; armed for d
 *	stop      prevents if armed, and only then; not armed
 *	pending   answers whether armed
 *	fire      only if armed and due; not armed
 *	quiet     a poll without a fire that says it is done: not armed and due
 *
 * So a prevented arming does not fire, one that fired was not prevented, and
 * none is lost. An arming whose reset is still under way may wait for the
 * next poll: such a poll is no witness.
 *
 * RUNNING and NOT_PENDING are told apart by intervals: RUNNING needs a
 * callback that overlaps the stop, NOT_PENDING that none spans all of it.
 */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rota/rota.h>

#include "core/sys/atomic.h"
#include "tests/conformance/source.h"

#define UNIT (INT64_C(1) << 20) /* ns: exact for a coarse wheel too */

enum {
	THREADS = 3,
	CALLS = 4,    /* of a thread on a timer, at most */
	RECORDS = 32, /* of a thread on a timer, fires included */
	MOST = THREADS * RECORDS,
	BATCH = 250, /* timers of an engine; arbitrary */
	STRIDE = 3,  /* units of time from timer to timer */
	LAST = 15,   /* units: no deadline is farther off */
	MEET = 400   /* looks for the others before going on alone */
};

enum call { RESET, STOP, PENDING, FIRE, QUIET, POLL, NONE };
static const char *const call_names[] = { "reset", "stop", "pending", "fire",
	"quiet", "poll", "none" };

struct record {
	uint64_t before, after; /* instants, counted */
	uint64_t over;          /* fire: the callback has ended */
	uint64_t end;           /* fire: no longer marked as running either */
	enum call call;
	int arg; /* units: the deadline, or the poll's now */
	int answer;
	int thread;
};

/* What one thread does to one timer, written by it alone. */
struct part {
	struct source source;
	struct record record[RECORDS];
	int records;
	int polling; /* units, of its latest poll */
};

struct history {
	struct rota_timer timer;
	rota_time base; /* instant of unit 0 */
	struct part part[THREADS];
};

/* What a thread is doing. */
struct actor {
	uint64_t mark;       /* instant before the next fire */
	struct record *open; /* a fire without its end */
	struct history *polls;
	bool fired; /* the timer whose script polls */
};

static struct history history[BATCH];
static struct actor actor[THREADS];
static _Thread_local int me;
static rota_word instant;
static rota_word place[THREADS]; /* histories begun, by each */
static rota_word allowed;        /* histories that may begin */
static rota_word finished;       /* batches, by the helpers */
static rota_word over;
static struct rota_engine *engine;
static struct rota_shard *shard;
static bool adoptable, ending;
static uint64_t seed;

static uint64_t
now_instant(void)
{
	uint64_t i = word_add(&instant, (uint64_t)1, seq_cst);

	if (actor[me].open)
		actor[me].open->end = i;
	actor[me].open = NULL;
	return i;
}

static struct record *
record_add(struct history *h, enum call call, int arg, uint64_t before)
{
	struct part *p = &h->part[me];
	struct record *r = &p->record[p->records];

	if (p->records == RECORDS) {
		fprintf(stderr, "linear: a history longer than expected\n");
		abort();
	}
	p->records++;
	*r = (struct record){ .before = before,
		.end = UINT64_MAX,
		.call = call,
		.arg = arg,
		.thread = me };
	return r;
}

static void
pause_some(struct source *s)
{
	for (uint64_t n = source_span(s, 7); n > 0; n--)
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
	if (source_bits(s, 6) == 0)
		sched_yield();
}

static void
do_reset(struct history *h, int arg)
{
	struct record *r = record_add(h, RESET, arg, now_instant());

	r->answer = rota_timer_reset_at(&h->timer, h->base + arg * UNIT);
	r->after = now_instant();
}

static void
do_stop(struct history *h)
{
	struct record *r = record_add(h, STOP, 0, now_instant());

	r->answer = rota_timer_stop(&h->timer);
	r->after = now_instant();
}

static void
do_pending(struct history *h)
{
	struct record *r = record_add(h, PENDING, 0, now_instant());

	r->answer = rota_timer_pending(&h->timer);
	r->after = now_instant();
}

static void
on_fire(struct rota_timer *t, rota_time now)
{
	struct history *h = rota_container_of(t, struct history, timer);
	struct actor *a = &actor[me];
	struct source *s = &h->part[me].source;
	struct record *r = record_add(
	    h, FIRE, (int)((now - h->base) / UNIT), a->mark);

	r->after = now_instant();
	a->fired |= h == a->polls;
	if (!ending && source_bits(s, 2) == 0)
		do_reset(h, (int)source_bits(s, 3));
	else
		pause_some(s);
	a->mark = r->over = now_instant();
	a->open = r;
}

/* Quiet until shown otherwise; what fired has its own record. */
static int
do_poll(struct history *h, int arg)
{
	struct actor *a = &actor[me];
	struct record *r = record_add(h, NONE, arg, now_instant());

	a->mark = r->before;
	a->polls = h;
	a->fired = false;
	r->answer = me == 0 ? rota_shard_poll(shard, h->base + arg * UNIT, 0)
			    : rota_shard_adopt(shard, h->base + arg * UNIT, 0);
	r->after = now_instant();
	if (r->answer == 0 && !a->fired)
		r->call = QUIET;
	else if (r->answer >= 0)
		r->call = POLL;
	return r->answer;
}

static void
script(struct history *h)
{
	struct part *p = &h->part[me];
	struct source *s = &p->source;

	for (uint64_t n = 1 + source_below(s, CALLS); n > 0; n--) {
		uint64_t what = source_bits(s, 3);

		pause_some(s);
		if (what < 3) {
			do_reset(h, (int)source_bits(s, 3));
		} else if (what < 5) {
			do_stop(h);
		} else if (me == 0 || (adoptable && me == 2)) {
			p->polling += (int)source_bits(s, 2);
			if (p->polling > LAST)
				p->polling = LAST;
			do_poll(h, p->polling);
		} else if (what < 6) {
			do_pending(h);
		} else {
			do_reset(h, (int)source_bits(s, 1));
		}
	}
}

static void
wait_for(rota_word *word, uint64_t value)
{
	for (unsigned n = 0; word_load(word, acquire) < value; n++)
		if (n > 50)
			sched_yield();
}

/* Come to history @n, and give the others a moment to come there too. */
static void
meet(uint64_t n)
{
	word_store(&place[me], n, release);
	for (int looks = 0; looks < MEET; looks++) {
		int here = 0;

		for (int i = 0; i < THREADS; i++)
			here += word_load(&place[i], relaxed) >= n;
		if (here == THREADS)
			return;
	}
}

/* A thread's way through the histories that may begin. */
static void
visit(uint64_t from, uint64_t to)
{
	for (uint64_t n = from; n < to; n++) {
		meet(n + 1);
		script(&history[n % BATCH]);
	}
}

static void *
helper(void *arg)
{
	uint64_t from = 0, to;

	me = (int)(intptr_t)arg;
	for (;; from = to) {
		wait_for(&allowed, from + 1);
		if (word_load(&over, acquire))
			return NULL;
		to = word_load(&allowed, acquire);
		visit(from, to);
		word_add(&finished, (uint64_t)1, acq_rel);
	}
}

/* The sequential timer. */
struct state {
	int armed, d;
};

static bool
apply(struct state *s, const struct record *r)
{
	switch (r->call) {
	case RESET:
		if (r->answer != s->armed)
			return false;
		*s = (struct state){ 1, r->arg };
		return true;
	case STOP:
		if ((r->answer == ROTA_PREVENTED) != s->armed)
			return false;
		s->armed = 0;
		return true;
	case PENDING:
		return r->answer == s->armed;
	case FIRE:
		if (!s->armed || s->d > r->arg)
			return false;
		s->armed = 0;
		return true;
	case QUIET:
		return !s->armed || s->d > r->arg;
	case POLL:
	case NONE:
		break;
	}
	return true;
}

/* Is there an order of what is not yet in @done? */
static bool
search(const struct record *const *h, int n, uint64_t done, struct state s)
{
	if (done == ((uint64_t)1 << n) - 1)
		return true;
	for (int i = 0; i < n; i++) {
		struct state next = s;
		bool first = !(done >> i & 1);

		for (int j = 0; first && j < n; j++)
			first = done >> j & 1 || h[j]->after > h[i]->before;
		if (first && apply(&next, h[i]) &&
		    search(h, n, done | (uint64_t)1 << i, next))
			return true;
	}
	return false;
}

/* A poll says nothing about an arming whose reset was under way beside it. */
static bool
witness(const struct record *poll, const struct record *const *h, int n)
{
	for (int i = 0; i < n; i++)
		if (h[i]->call == RESET && h[i]->after > poll->before &&
		    h[i]->before < poll->after)
			return false;
	return true;
}

/* The two answers of a stop that came too late. Nothing, or what is wrong. */
static const char *
running_wrong(const struct record *stop, const struct record *const *h, int n)
{
	bool beside = false, spanned = false;

	for (int i = 0; i < n; i++) {
		if (h[i]->call != FIRE)
			continue;
		/* Marked as running until its thread's next instant. */
		beside |= stop->after > h[i]->before &&
		    stop->before < h[i]->end;
		spanned |= h[i]->after < stop->before &&
		    stop->after < h[i]->over;
	}
	if (stop->answer == ROTA_RUNNING && !beside)
		return "RUNNING, and no callback was";
	if (stop->answer == ROTA_NOT_PENDING && spanned)
		return "NOT_PENDING in the middle of a callback";
	return NULL;
}

/* Nothing, or what is wrong with the history. */
static const char *
check(const struct record *const *all, int n)
{
	const struct record *h[MOST];
	int m = 0;

	for (int i = 0; i < n; i++) {
		const char *wrong = NULL;

		if (all[i]->answer < 0 && all[i]->call != NONE)
			return "an error";
		if (all[i]->call == STOP && all[i]->answer != ROTA_PREVENTED)
			wrong = running_wrong(all[i], all, n);
		if (wrong)
			return wrong;
		if (all[i]->call < QUIET ||
		    (all[i]->call == QUIET && witness(all[i], all, n)))
			h[m++] = all[i];
	}
	return search(h, m, 0, (struct state){ 0, 0 })
	    ? NULL
	    : "no order of the calls gives these answers";
}

static int
collect(const struct history *h, const struct record *all[MOST])
{
	int n = 0;

	for (int i = 0; i < THREADS; i++)
		for (int j = 0; j < h->part[i].records; j++)
			all[n++] = &h->part[i].record[j];
	return n;
}

static _Noreturn void
fail(const char *what, const struct history *h)
{
	const struct record *all[MOST];
	int n = collect(h, all);

	fprintf(stderr, "linear: seed %" PRIu64 "%s: %s\n", seed,
	    adoptable ? ", adoptable" : "", what);
	for (int i = 0; i < n; i++)
		fprintf(stderr,
		    "  thread %d [%" PRIu64 ", %" PRIu64 "] %s %d "
		    "-> %d\n",
		    all[i]->thread, all[i]->before % 10000,
		    all[i]->after % 10000, call_names[all[i]->call],
		    all[i]->arg, all[i]->answer);
	exit(1);
}

/* Wrong histories must be found wrong, right ones right: {call, arg, answer,
 * before, after}. */
static void
check_checker(void)
{
	static const struct {
		struct record r[6];
		int n;
		bool right;
	} cases[] = {
		{ { { .call = RESET, .before = 1, .after = 2 },
		      { .call = STOP, .answer = 1, .before = 3, .after = 6 },
		      { .call = STOP, .answer = 0, .before = 4, .after = 5 } },
		    3, true },
		/* prevented twice */
		{ { { .call = RESET, .before = 1, .after = 2 },
		      { .call = STOP, .answer = 1, .before = 3, .after = 6 },
		      { .call = STOP, .answer = 1, .before = 4, .after = 5 } },
		    3, false },
		/* prevented and fired */
		{ { { .call = RESET, .arg = 1, .before = 1, .after = 2 },
		      { .call = STOP, .answer = 1, .before = 3, .after = 6 },
		      { .call = FIRE,
			  .arg = 2,
			  .before = 4,
			  .after = 5,
			  .over = 6,
			  .end = 7 } },
		    3, false },
		/* fired early */
		{ { { .call = RESET, .arg = 3, .before = 1, .after = 2 },
		      { .call = FIRE,
			  .arg = 2,
			  .before = 4,
			  .after = 5,
			  .over = 6,
			  .end = 7 } },
		    2, false },
		/* lost */
		{ { { .call = RESET, .arg = 1, .before = 1, .after = 2 },
		      { .call = QUIET, .arg = 2, .before = 3, .after = 4 } },
		    2, false },
		/* the reset is under way beside the poll */
		{ { { .call = RESET, .arg = 1, .before = 1, .after = 4 },
		      { .call = STOP, .answer = 1, .before = 5, .after = 6 },
		      { .call = QUIET, .arg = 2, .before = 3, .after = 7 } },
		    3, true },
		/* a reset that says it was not armed, after one that ended */
		{ { { .call = RESET, .arg = 1, .before = 1, .after = 2 },
		      { .call = RESET, .arg = 1, .before = 3, .after = 4 } },
		    2, false },
		/* running, and nothing is */
		{ { { .call = STOP, .answer = 2, .before = 1, .after = 2 } }, 1,
		    false },
		/* in the middle of a callback */
		{ { { .call = RESET, .arg = 1, .before = 1, .after = 2 },
		      { .call = FIRE,
			  .arg = 2,
			  .before = 4,
			  .after = 5,
			  .over = 9,
			  .end = 9,
			  .thread = 1 },
		      { .call = STOP, .answer = 0, .before = 6, .after = 7 } },
		    3, false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct record *h[6];

		for (int j = 0; j < cases[i].n; j++)
			h[j] = &cases[i].r[j];
		if (!check(h, cases[i].n) != cases[i].right) {
			fprintf(stderr,
			    "linear: the checker is wrong about "
			    "its case %zu\n",
			    i);
			exit(1);
		}
	}
}

/* Did calls of two threads overlap at all? */
static bool
contended(const struct record *const *h, int n)
{
	for (int i = 0; i < n; i++)
		for (int j = 0; j < i; j++)
			if (h[i]->thread != h[j]->thread &&
			    h[i]->before < h[j]->after &&
			    h[j]->before < h[i]->after)
				return true;
	return false;
}

static struct rota_kind kind;

static void
on_released(struct rota_timer *t)
{
	(void)t;
}

/* An engine and a history for each of @n timers; the first is number @from. */
static void
begin(uint64_t from, uint64_t n)
{
	uint64_t round = from / BATCH;
	struct rota_config c = {
		.size = sizeof(c),
		.backend = (enum rota_backend)(round % 3),
		.shards = 1,
		.clock = ROTA_CLOCK_VIRTUAL,
		.max_timers = BATCH,
	};

	adoptable = round / 3 & 1;
	c.flags = adoptable ? ROTA_ADOPT : 0;
	if (rota_engine_create(&engine, &c))
		abort();
	shard = rota_engine_shard(engine, 0);
	if (rota_shard_attach(shard) ||
	    rota_kind_init(&kind, shard,
		&(struct rota_kind_config){ .fire = on_fire,
		    .released = on_released,
		    .name = "linear" }))
		abort();
	for (uint64_t i = 0; i < n; i++) {
		struct history *h = &history[i];

		if (rota_timer_init(&h->timer, &kind))
			abort();
		h->base = (rota_time)(i * STRIDE) * UNIT;
		for (int j = 0; j < THREADS; j++) {
			h->part[j].source = source_seed(source_mix(
			    seed + (from + i) * THREADS + (uint64_t)j));
			h->part[j].records = h->part[j].polling = 0;
		}
		/* Some are armed, and filed, before the others come. */
		if (source_bits(&h->part[0].source, 1))
			do_reset(h, (int)source_bits(&h->part[0].source, 3));
	}
	if (round / 6 & 1)
		do_poll(&history[0], 0);
}

/* All calls are over: what is armed fires, and what is not does not. */
static void
end(uint64_t n, uint64_t *calls, uint64_t *overlaps)
{
	const struct record *all[MOST];
	struct history *last = &history[n - 1];

	ending = true;
	for (int tries = 0; do_poll(last, LAST) != 0; tries++)
		if (tries == RECORDS / 3)
			fail("polls that do not end", last);
	ending = false;
	for (uint64_t i = 0; i < n; i++) {
		struct history *h = &history[i];
		const char *wrong;
		int records;

		do_pending(h);
		records = collect(h, all);
		*calls += (uint64_t)records;
		*overlaps += contended(all, records);
		wrong = check(all, records);
		if (!wrong && rota_timer_pending(&h->timer))
			wrong = "still pending";
		if (wrong)
			fail(wrong, h);
		while (rota_timer_release(&h->timer) == -EAGAIN)
			rota_shard_poll(shard, 0, 0);
	}
	if (rota_shard_check(shard))
		fail("rota_shard_check", last);
	while (rota_shard_poll(shard, 0, 0))
		;
	if (rota_kind_release(&kind) ||
	    rota_engine_destroy(engine, ROTA_REFUSE))
		fail("the end", last);
}

static void
run(uint64_t histories)
{
	pthread_t thread[THREADS];
	struct timespec from, to;
	uint64_t calls = 0, overlaps = 0, batches = 0;

	clock_gettime(CLOCK_MONOTONIC, &from);
	for (int i = 1; i < THREADS; i++)
		if (pthread_create(
			&thread[i], NULL, helper, (void *)(intptr_t)i))
			abort();
	histories = (histories + BATCH - 1) / BATCH * BATCH;
	for (uint64_t n = 0; n < histories; n += BATCH) {
		begin(n, BATCH);
		word_store(&allowed, n + BATCH, release); /* wait_for */
		visit(n, n + BATCH);
		wait_for(&finished, ++batches * (THREADS - 1));
		end(BATCH, &calls, &overlaps);
	}
	word_store(&over, (uint64_t)1, release);
	word_store(&allowed, histories + 1, release);
	for (int i = 1; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	clock_gettime(CLOCK_MONOTONIC, &to);
	printf("linear: seed %" PRIu64 ", histories %" PRIu64 " of 3 threads, "
	       "%" PRIu64 " with calls that overlap, %" PRIu64
	       " records, %.1f s, "
	       "all linearizable\n",
	    seed, histories, overlaps, calls,
	    (double)(to.tv_sec - from.tv_sec) +
		(double)(to.tv_nsec - from.tv_nsec) / 1e9);
}

int
main(int argc, char **argv)
{
	uint64_t histories = 10000;

	seed = 1;
	for (int i = 1; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "--histories"))
			histories = (uint64_t)strtod(argv[i + 1], NULL);
		else if (!strcmp(argv[i], "--seed"))
			seed = strtoull(argv[i + 1], NULL, 0);
		else
			histories = 0;
	}
	if (!histories || argc % 2 == 0) {
		fprintf(stderr, "usage: linear [--histories N] [--seed S]\n");
		return 2;
	}
	check_checker();
	run(histories);
	return 0;
}
