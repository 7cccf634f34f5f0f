/* SPDX-License-Identifier: MIT
 *
 * linear.c - is the history of one timer, touched by three threads at once,
 * one that some order of the same calls gives?
 *
 *	linear [--histories N] [--seed S]
 *
 * Timers are independent, so histories are short: an owner that resets, stops
 * and polls, two others that reset, stop, ask and, on an engine with
 * ROTA_ADOPT, poll too. Each call is recorded with an instant before and one
 * after. The checker (Wing and Gong 1993) looks for an order in which each
 * call lies between its two instants and each answer is that of the
 * sequential timer:
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

#include "core/atomic.h"
#include "tests/conformance/source.h"

#define UNIT (INT64_C(1) << 20) /* ns: exact for a coarse wheel too */
#define ROUND 500               /* histories of an engine; arbitrary */

enum { THREADS = 3, CALLS = 4, RECORDS = 24, MOST = THREADS * RECORDS };
enum { LAST = 15 }; /* units after a history's begin: all is due */

enum call { RESET, STOP, PENDING, FIRE, QUIET, POLL, NONE };
static const char *const call_names[] = { "reset", "stop", "pending", "fire",
	"quiet", "poll", "none" };

struct record {
	uint64_t before, after; /* instants, counted */
	uint64_t over;  /* fire: the callback has ended */
	enum call call;
	int arg;        /* units: the deadline, or the poll's now */
	int answer;
	int thread;
};

/* Of one thread, written by it alone. */
struct actor {
	struct source source;
	struct record record[RECORDS];
	int records;
	int polling; /* units, while it polls */
	uint64_t mark; /* instant before the next fire */
	int fired;
	bool ending; /* callbacks only record */
};

static struct actor actor[THREADS];
static _Thread_local int me;
static rota_word instant;
static rota_word turn;         /* histories begun */
static rota_word finished;     /* by the helpers, of all */
static rota_word over;
static struct rota_engine *engine;
static struct rota_shard *shard;
static struct rota_timer timer;
static rota_time base;
static bool adoptable;
static uint64_t seed;

static uint64_t
now_instant(void)
{
	return word_add(&instant, (uint64_t)1, seq_cst);
}

static struct record *
record_add(enum call call, int arg, uint64_t before)
{
	struct actor *a = &actor[me];
	struct record *r = &a->record[a->records];

	if (a->records == RECORDS) {
		fprintf(stderr, "linear: a history longer than expected\n");
		abort();
	}
	a->records++;
	*r = (struct record){ .before = before, .call = call, .arg = arg,
		.thread = me };
	return r;
}

static void
pause_some(struct source *s)
{
	for (uint64_t n = source_span(s, 8); n > 0; n--)
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
	if (source_bits(s, 3) == 0)
		sched_yield();
}

static void
do_reset(int arg)
{
	struct record *r = record_add(RESET, arg, now_instant());

	r->answer = rota_timer_reset_at(&timer, base + arg * UNIT);
	r->after = now_instant();
}

static void
do_stop(void)
{
	struct record *r = record_add(STOP, 0, now_instant());

	r->answer = rota_timer_stop(&timer);
	r->after = now_instant();
}

static void
on_fire(struct rota_timer *t, rota_time now)
{
	struct actor *a = &actor[me];
	struct record *r = record_add(FIRE, (int)((now - base) / UNIT),
	    a->mark);

	if (t != &timer)
		abort();
	r->after = now_instant();
	a->fired++;
	if (!a->ending && source_bits(&a->source, 2) == 0)
		do_reset((int)source_bits(&a->source, 3));
	else
		pause_some(&a->source);
	a->mark = r->over = now_instant();
}

/* Quiet until shown otherwise; what fired has its own record. */
static int
do_poll(int arg)
{
	struct actor *a = &actor[me];
	uint64_t before = now_instant();
	struct record *r = record_add(NONE, arg, before);

	a->mark = before;
	a->fired = 0;
	r->answer = me == 0 ? rota_shard_poll(shard, base + arg * UNIT, 0) :
	    rota_shard_adopt(shard, base + arg * UNIT, 0);
	r->after = now_instant();
	if (r->answer == 0 && !a->fired)
		r->call = QUIET;
	else if (r->answer >= 0)
		r->call = POLL;
	return r->answer;
}

static void
do_pending(void)
{
	struct record *r = record_add(PENDING, 0, now_instant());

	r->answer = rota_timer_pending(&timer);
	r->after = now_instant();
}

static void
script(void)
{
	struct source *s = &actor[me].source;

	for (uint64_t n = 1 + source_below(s, CALLS); n > 0; n--) {
		uint64_t what = source_bits(s, 3);

		pause_some(s);
		if (what < 3) {
			do_reset((int)source_bits(s, 3));
		} else if (what < 5) {
			do_stop();
		} else if (me == 0 || (adoptable && me == 2)) {
			actor[me].polling += (int)source_bits(s, 2);
			if (actor[me].polling > LAST - 1)
				actor[me].polling = LAST - 1;
			do_poll(actor[me].polling);
		} else if (what < 6) {
			do_pending();
		} else {
			do_reset((int)source_bits(s, 1));
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

static void *
helper(void *arg)
{
	me = (int)(intptr_t)arg;
	for (uint64_t n = 1;; n++) {
		wait_for(&turn, n);
		if (word_load(&over, acquire))
			return NULL;
		script();
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
		/* Marked as running a little longer than it runs: until the
		 * same thread's next instant. */
		uint64_t end = UINT64_MAX;

		for (int j = 0; j < n; j++)
			if (h[j]->thread == h[i]->thread &&
			    h[j]->after > h[i]->over && h[j]->after < end)
				end = h[j]->after;
		beside |= stop->after > h[i]->before && stop->before < end;
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
	return search(h, m, 0, (struct state){ 0, 0 }) ? NULL :
	    "no order of the calls gives these answers";
}

static int
collect(const struct record *all[MOST])
{
	int n = 0;

	for (int i = 0; i < THREADS; i++)
		for (int j = 0; j < actor[i].records; j++)
			all[n++] = &actor[i].record[j];
	return n;
}

static _Noreturn void
fail(const char *what, uint64_t history)
{
	const struct record *all[MOST];
	int n = collect(all);

	fprintf(stderr, "linear: seed %" PRIu64 ", history %" PRIu64 "%s: %s\n",
	    seed, history, adoptable ? ", adoptable" : "", what);
	for (int i = 0; i < n; i++)
		fprintf(stderr, "  thread %d [%" PRIu64 ", %" PRIu64 "] %s %d "
		    "-> %d\n", all[i]->thread, all[i]->before % 1000,
		    all[i]->after % 1000, call_names[all[i]->call],
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
		    { .call = FIRE, .arg = 2, .before = 4, .after = 5,
		        .over = 6 } }, 3, false },
		/* fired early */
		{ { { .call = RESET, .arg = 3, .before = 1, .after = 2 },
		    { .call = FIRE, .arg = 2, .before = 4, .after = 5,
		        .over = 6 } }, 2, false },
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
		{ { { .call = STOP, .answer = 2, .before = 1, .after = 2 } },
		    1, false },
		/* in the middle of a callback */
		{ { { .call = RESET, .arg = 1, .before = 1, .after = 2 },
		    { .call = FIRE, .arg = 2, .before = 4, .after = 5,
		        .over = 9, .thread = 1 },
		    { .call = STOP, .answer = 0, .before = 6, .after = 7 } },
		    3, false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct record *h[6];

		for (int j = 0; j < cases[i].n; j++)
			h[j] = &cases[i].r[j];
		if (!check(h, cases[i].n) != cases[i].right) {
			fprintf(stderr, "linear: the checker is wrong about "
			    "its case %zu\n", i);
			exit(1);
		}
	}
}

static struct rota_kind kind;
static rota_word released;

static void
on_released(struct rota_timer *t)
{
	(void)t;
	word_add(&released, (uint64_t)1, relaxed); /* the owner's own */
}

static void
engine_begin(uint64_t round)
{
	struct rota_config c = {
		.size = sizeof(c),
		.backend = (enum rota_backend)(round % 3),
		.shards = 1,
		.clock = ROTA_CLOCK_VIRTUAL,
		.max_timers = 16,
	};

	adoptable = round / 3 & 1;
	c.flags = adoptable ? ROTA_ADOPT : 0;
	base = 0;
	if (rota_engine_create(&engine, &c))
		abort();
	shard = rota_engine_shard(engine, 0);
	if (rota_shard_attach(shard) ||
	    rota_kind_init(&kind, shard, "linear", on_fire, 0))
		abort();
	kind.released = on_released;
}

static void
one_history(uint64_t n, uint64_t *calls)
{
	const struct record *all[MOST];
	const char *wrong;
	int records;

	if (rota_timer_init(&timer, &kind))
		abort();
	for (int i = 0; i < THREADS; i++)
		actor[i] = (struct actor){ .source =
		    source_seed(source_mix(seed + n * THREADS + (uint64_t)i)) };
	/* Often it is armed and filed before the others come. */
	if (source_bits(&actor[0].source, 1)) {
		do_reset((int)source_bits(&actor[0].source, 3));
		if (source_bits(&actor[0].source, 1))
			do_poll(0);
	}
	word_store(&turn, n + 1, release); /* wait_for */
	script();
	wait_for(&finished, (THREADS - 1) * (n + 1));
	/* All calls are over: what is armed fires now. */
	actor[0].ending = true;
	for (int tries = 0; do_poll(LAST) != 0; tries++)
		if (tries > RECORDS / 3)
			fail("polls that do not end", n);
	do_pending();
	records = collect(all);
	*calls += (uint64_t)records;
	wrong = check(all, records);
	if (wrong)
		fail(wrong, n);
	if (rota_timer_pending(&timer))
		fail("still pending", n);
	if (rota_shard_check(shard))
		fail("rota_shard_check", n);
	while (rota_timer_release(&timer) == -EAGAIN)
		rota_shard_poll(shard, base, 0);
	rota_shard_poll(shard, base, 0);
	base += (LAST + 1) * UNIT;
}

static void
run(uint64_t histories)
{
	pthread_t thread[THREADS];
	struct timespec from, to;
	uint64_t calls = 0;

	clock_gettime(CLOCK_MONOTONIC, &from);
	for (int i = 1; i < THREADS; i++)
		if (pthread_create(&thread[i], NULL, helper,
		    (void *)(intptr_t)i))
			abort();
	for (uint64_t n = 0; n < histories; n++) {
		if (n % ROUND == 0)
			engine_begin(n / ROUND);
		one_history(n, &calls);
		if ((n + 1) % ROUND == 0 || n + 1 == histories)
			if (rota_kind_release(&kind) ||
			    rota_engine_destroy(engine, ROTA_REFUSE))
				fail("the end", n);
	}
	word_store(&over, (uint64_t)1, release);
	word_store(&turn, histories + 1, release);
	for (int i = 1; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	clock_gettime(CLOCK_MONOTONIC, &to);
	printf("linear: seed %" PRIu64 ", histories %" PRIu64 " of 3 threads, "
	    "%" PRIu64 " records, %.1f s, all linearizable\n", seed, histories,
	    calls, (double)(to.tv_sec - from.tv_sec) +
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
