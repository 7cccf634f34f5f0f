/* SPDX-License-Identifier: MIT
 *
 * trace.c - tests/conformance/trace.h: what the calls are, and how each is
 * compared.
 *
 * One thread. It is the owner; to be a remote thread it detaches, so that
 * what it does goes through the inbox, and attaches again. What a callback
 * does follows from the timer and how often it fired, not from the source:
 * so two engines that fire in the same order read the source alike.
 */
#include "tests/conformance/trace.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/shard.h"
#include "tests/conformance/model.h"
#include "wheel/wheel.h" /* its borders make trouble */

_Static_assert(TRACE_TIMERS == MODEL_TIMERS, "the model has room");

enum { KINDS = 7, SHARDS = 2, NOTES = 48 };
enum { POISON = 0x5a };

/* What a trace may contain; drawn at its start. */
enum feature {
	BUDGETS = 1, /* polls that stop between two steps */
	REMOTES = 2, /* resets, stops and releases through the inbox */
	RETIRES = 4, /* the shard's timers move to another, once */
	ADOPTED = 8, /* ROTA_ADOPT: hold for each operation; adopting polls */
	BATCHES = 16,
	AT_END = 32 /* the clock starts short of the end of time */
};
/* With none of these heap and wheel do the same at the same instant. */
#define INEXACT (BUDGETS | REMOTES | RETIRES | ADOPTED)

struct node {
	struct rota_timer timer;
	uint32_t id;
	uint32_t kind;
	uint64_t fired;
};

struct note {
	const char *call;
	uint64_t clock;
	int64_t arg;
	int64_t answer;
	uint32_t id;
	bool inside; /* of a callback */
};

struct trace {
	const struct trace_config *config;
	struct trace_result *result;
	struct source source;
	unsigned features;
	unsigned reach; /* bits of the farthest deadlines, ns */
	unsigned step;  /* bits of the longest steps of the clock, ns */
	struct rota_engine *e;
	struct rota_shard *s, *spare;
	struct model model;
	uint64_t clock; /* what the engine reads */
	uint64_t back;  /* but for a step back of so much */
	uint64_t herd;  /* an instant that many deadlines share */
	uint64_t budget, given;
	uint64_t leaks;
	uint64_t pushes;   /* counted before the first */
	int64_t running;   /* id, or -1 */
	bool silent_polls; /* poll, not batch: batch kinds expire unheard */
	bool remote;
	bool parked;
	uint64_t until;  /* the owner parked until then */
	uint64_t arming; /* the owner is arming a timer for then */
	uint64_t slack;  /* of that timer */
	bool woken;      /* which woke it */
	bool retired;
	bool quiet;
	bool ending; /* callbacks only listen */
	struct rota_kind kind[KINDS];
	struct node node[TRACE_TIMERS];
	struct rota_timer copy; /* where no timer was initialised */
	struct note note[NOTES];
	uint64_t notes;
};

static struct trace T; /* callbacks have no other way to it */

static const struct {
	rota_span slack;
	uint32_t flags;
	bool released;
} kinds[KINDS] = {
	{ 0, 0, true },
	{ 0, 0, false },
	{ 5 * ROTA_MILLISECOND, 0, true },
	{ 3000 * ROTA_MILLISECOND, 0, true },
	{ 0, ROTA_CONFINED, false },
	{ 300 * ROTA_MILLISECOND, ROTA_CONFINED, true },
	{ 0, ROTA_BATCH, true },
};

const char *
trace_backend(enum rota_backend backend)
{
	switch (backend) {
	case ROTA_HEAP:
		return "heap";
	case ROTA_WHEEL:
		return "wheel";
	case ROTA_WHEEL_COARSE:
		return "coarse";
	}
	return "?";
}

/* Say what is wrong and what came before; the end. */
static _Noreturn void
fail(const char *what, int64_t id)
{
	uint64_t first = T.notes > NOTES ? T.notes - NOTES : 0;

	fprintf(stderr, "\n%s: %s%s", trace_backend(T.config->backend), what,
	    id < 0 ? "\n" : "");
	if (id >= 0)
		fprintf(stderr,
		    ": timer %" PRId64 " of kind %" PRIu32 ", deadline %" PRIu64
		    " rank %" PRIu64 "\n",
		    id, T.node[id].kind, T.model.timer[id].last,
		    T.model.rank[id]);
	fprintf(stderr,
	    "now %" PRIu64 ", clock %" PRIu64 ", features %u, "
	    "call %" PRIu64 "\nlatest calls:\n",
	    T.model.now, T.clock, T.features, T.notes);
	for (uint64_t i = first; i < T.notes; i++) {
		struct note *n = &T.note[i % NOTES];

		fprintf(stderr,
		    "  %s%-10s timer %-4" PRIu32 " %20" PRId64 " -> %" PRId64
		    "  clock %" PRIu64 "\n",
		    n->inside ? "  in " : "", n->call, n->id, n->arg, n->answer,
		    n->clock);
	}
	fprintf(stderr, "again: %s\n", T.config->name);
	abort();
}

static inline void
note(const char *call, uint32_t id, int64_t arg, int64_t answer)
{
	T.note[T.notes++ % NOTES] = (struct note){ call, T.clock, arg, answer,
		id, T.running >= 0 };
	T.result->ops++;
}

static inline void
digest(uint64_t x)
{
	T.result->digest = (T.result->digest ^ x) * UINT64_C(0x100000001b3);
}

static inline void
expect(int64_t answer, int64_t wanted, const char *what, uint32_t id)
{
	digest((uint64_t)answer);
	if (answer == wanted)
		return;
	fprintf(
	    stderr, "answer %" PRId64 ", wanted %" PRId64 "\n", answer, wanted);
	fail(what, id);
}

static inline void
rule(const char *broken, int64_t id)
{
	if (broken)
		fail(broken, id);
}

static rota_time
read_clock(void *arg)
{
	(void)arg;
	return (rota_time)(T.clock - T.back);
}

/* May what the caller does go through the inbox? The owner of an adoptable
 * shard takes hold by one weak compare-and-swap, and in the hostile build
 * that fails for no reason. */
static bool
is_far(void)
{
#ifdef ROTA_HOSTILE
	return T.remote || T.features & ADOPTED;
#else
	return T.remote;
#endif
}

static void
woken(void *arg, struct rota_shard *s)
{
	(void)arg;
	(void)s;
	/* Parked, but awake: who adopts cannot know, nor does a far reset. */
	if (!(T.features & ADOPTED && T.parked) &&
	    (!T.parked || T.arming >= T.until ||
		(T.arming && T.arming + T.slack >= T.until)))
		fail("woken without a cause", -1);
	T.parked = false;
	T.woken = true;
}

/* The owner, if it is parked, arms a timer itself. */
static void
arms(uint32_t id, uint64_t when)
{
	T.arming = when;
	T.slack = T.model.timer[id].slack;
	T.woken = false;
}

static void
armed(void)
{
	/* A coarse wheel looks at it up to a tick later. */
	uint64_t late = T.slack + (T.model.coarse ? MODEL_TICK : 0);

	if (T.parked && !is_far() && T.arming + late < T.until &&
	    T.arming + late <= MODEL_LAST && !T.woken)
		fail("an earlier deadline did not wake the owner", -1);
	T.arming = UINT64_MAX;
}

/* A mistake was found: one that is made here on purpose? */
static void
logged(void *arg, const char *line)
{
	static const char *const meant[] = { "called in a callback",
		"not the owner", "would wait for its own end",
		"without `released`", "config.max_timers", "has ROTA_ADOPT",
		"has retired", "timers that were not released",
		"timers are armed", "timer is armed", "only the owner",
		"callback runs",
		/* of a debug build */
		"is no timer", "is no kind", "copy of a timer", "ten years",
		"less than 1000 ns" };

	(void)arg;
	for (unsigned i = 0; i < sizeof(meant) / sizeof(*meant); i++)
		if (strstr(line, meant[i]))
			return;
	fail(line, -1);
}

static void
leaked(void *arg, const struct rota_kind *k, struct rota_timer *t,
    rota_time deadline)
{
	struct node *n = rota_container_of(t, struct node, timer);

	(void)arg;
	if (k != &T.kind[n->kind])
		fail("a leak of another kind", n->id);
	if (T.model.when[n->id] != (uint64_t)deadline)
		fail("a leak of a timer that was not armed so", n->id);
	T.model.when[n->id] = MODEL_IDLE;
	T.leaks++;
}

/* What was given back is nobody's: a write to it shows later. */
static void
poison(uint32_t id)
{
	memset(&T.node[id].timer, POISON, sizeof(T.node[id].timer));
}

static void
check_poison(uint32_t id)
{
	const unsigned char *p = (const unsigned char *)&T.node[id].timer;

	for (size_t i = 0; i < sizeof(T.node[id].timer); i++)
		if (p[i] != POISON)
			fail("written to after it was given back", id);
}

/* Timers of the batch kind expire in a poll without a sound: hear them. */
static void
listen(void)
{
	if (!T.silent_polls)
		return;
	for (uint32_t i = 0; i < T.model.n; i++) {
		if (T.node[i].kind != KINDS - 1 || !model_armed(&T.model, i) ||
		    model_fresh(&T.model, i) ||
		    rota_timer_pending(&T.node[i].timer))
			continue;
		rule(model_fire(&T.model, i, true), i);
		T.given++;
	}
}

static bool
confined(uint32_t id)
{
	return T.kind[T.node[id].kind].flags & ROTA_CONFINED;
}

/* What a thread that is not the owner may touch. */
static bool
touchable(uint32_t id)
{
	return T.model.timer[id].inited && !(T.remote && confined(id));
}

static void
call_reset(uint32_t id, rota_time when)
{
	int r, was;

	was = model_reset(&T.model, id, model_instant(when), is_far());
	if (is_far() || T.model.when[id] <= T.model.now)
		T.quiet = false;
	arms(id, model_instant(when));
	r = rota_timer_reset_at(&T.node[id].timer, when);
	armed();
	note("reset_at", id, when, r);
	expect(r, was, "reset: was it pending?", id);
}

static void
call_reset_span(uint32_t id, rota_span span)
{
	uint64_t when = model_after(T.clock, span);
	int r, was = model_reset(&T.model, id, when, is_far());

	if (is_far() || when <= T.model.now)
		T.quiet = false;
	arms(id, when);
	r = rota_timer_reset(&T.node[id].timer, span);
	armed();
	note("reset", id, span, r);
	expect(r, was, "reset by a span: was it pending?", id);
}

/* What a stop answers that did not prevent. */
static int
too_late(uint32_t id)
{
	return T.running == id ? ROTA_RUNNING : ROTA_NOT_PENDING;
}

static void
call_stop(uint32_t id)
{
	int was = model_stop(&T.model, id);
	int r = rota_timer_stop(&T.node[id].timer);

	note("stop", id, 0, r);
	expect(r, was ? ROTA_PREVENTED : too_late(id), "stop: its verdict", id);
}

static void
call_stop_sync(uint32_t id)
{
	bool own = T.running == id; /* nothing changes then */
	int was = !own && model_stop(&T.model, id);
	int r = rota_timer_stop_sync(&T.node[id].timer);

	note("stop_sync", id, 0, r);
	expect(r,
	    own       ? -EDEADLK
		: was ? ROTA_PREVENTED
		      : ROTA_NOT_PENDING,
	    "stop_sync: its verdict", id);
}

static void
call_release(uint32_t id)
{
	bool heard = T.kind[T.node[id].kind].released;
	int r = rota_timer_release(&T.node[id].timer);

	note("release", id, 0, r);
	if (T.remote) {
		expect(r, heard ? 1 : -EINVAL, "a remote release", id);
		T.quiet = false;
	} else if (r == 1 || r == -EAGAIN) {
		/* Only what may be in the inbox has to wait. */
		if (!(model_queued(&T.model, id) || is_far()) ||
		    heard != (r == 1))
			fail("a release that waits without need", id);
		T.quiet = false;
	} else if (r) {
		expect(r, 0, "release", id);
	}
	if (r < 0)
		return;
	if (r == 0 && T.running == id)
		T.running = -1; /* what is made there anew does not run */
	model_release(&T.model, id, r == 1);
	if (!r)
		poison(id);
}

static void
on_released(struct rota_timer *t)
{
	struct node *n = rota_container_of(t, struct node, timer);

	note("released", n->id, 0, 0);
	rule(model_released(&T.model, n->id), n->id);
	poison(n->id);
}

static void
call_init(uint32_t id, uint32_t kind)
{
	struct node *n = &T.node[id];
	int r;

	check_poison(id);
	n->kind = kind;
	r = rota_timer_init(&n->timer, &T.kind[kind]);
	note("init", id, kind, r);
	expect(r, 0, "init", id);
	model_init(&T.model, id, (uint64_t)kinds[kind].slack);
}

/* Calls that must be refused and change nothing. A copy is known by its
 * address, with a chance of 2^-16 that it is not. */
static void
call_wrong(uint32_t id)
{
	struct rota_timer *copy = &T.copy;
	int r;

	*copy = T.node[id].timer;
	note("wrong", id, 0, 0);
	if (!T.model.timer[id].waits && !T.model.timer[id].inited)
		check_poison(id);
	if ((ROTA_KIND_OF(copy) & ROTA_KIND_BITS) > 1) {
		expect(rota_timer_reset_at(copy, 0), -EINVAL, "reset", id);
		expect(rota_timer_stop(copy), -EINVAL, "stop", id);
		expect(rota_timer_stop_sync(copy), -EINVAL, "stop_sync", id);
		expect(rota_timer_release(copy), -EINVAL, "release", id);
		expect(rota_timer_pending(copy), -EINVAL, "pending", id);
	}
	memset(copy, 0, sizeof(*copy));
	expect(rota_timer_reset(copy, 0), -EINVAL, "reset of zeros", id);
	expect(rota_timer_stop(copy), -EINVAL, "stop of zeros", id);
	expect(rota_timer_release(copy), -EINVAL, "release of zeros", id);
	expect(rota_timer_pending(NULL), -EINVAL, "pending of nothing", id);
	expect(rota_timer_init(copy, NULL), -EINVAL, "init of no kind", id);
	if (T.model.timers < T.model.n)
		return;
	r = rota_timer_init(copy, &T.kind[0]);
	expect(r, -ENOSPC, "init beyond config.max_timers", id);
}

/* What the engine has read once it does not take back. */
static void
call_back(uint32_t id)
{
	expect(rota_engine_now(T.e), (int64_t)T.clock, "engine_now", id);
	T.back = source_span(&T.source, 62) % (T.clock + 1);
	expect(rota_engine_now(T.e), (int64_t)T.clock,
	    "a clock that stepped "
	    "back",
	    id);
	call_reset_span(id, (rota_span)source_span(&T.source, T.reach));
	T.back = 0;
}

static void
call_ask(uint32_t id)
{
	const struct rota_timer *t = &T.node[id].timer;
	int r = rota_timer_pending(t);

	note("pending", id, 0, r);
	expect(r, model_armed(&T.model, id), "pending", id);
	expect(rota_timer_deadline(t), (int64_t)T.model.timer[id].last,
	    "deadline", id);
}

static uint32_t
any_kind(uint32_t x)
{
	uint32_t k = x % (T.features & BATCHES ? KINDS : KINDS - 1);

	/* A remote thread may not give a timer of these a release: it is
	 * the owner's anyway. */
	return T.remote && kinds[k].flags & ROTA_CONFINED ? 0 : k;
}

/* To another kind of the shard, through its inbox. */
static void
call_move(uint32_t id, uint32_t kind)
{
	struct node *n = &T.node[id];
	bool armed_now = model_armed(&T.model, id);
	int r;

	arms(id, T.model.when[id]);
	T.slack = (uint64_t)kinds[kind].slack;
	r = rota_timer_move(&n->timer, &T.kind[kind]);
	T.arming = UINT64_MAX;
	note("move", id, kind, r);
	if (T.remote) {
		expect(r, -EPERM, "a remote move", id);
	} else if (T.running == id) {
		expect(r, -EDEADLK, "a move in its own callback", id);
	} else if (kind == n->kind && r >= 0) {
		expect(r, armed_now, "a move to its own kind", id);
	} else if (r == -EAGAIN) {
		if (!model_queued(&T.model, id) && !is_far())
			fail("a move that waits without need", id);
	} else if (r == -EBUSY) {
		if (!is_far())
			fail("a move of what nobody has", id);
	} else {
		expect(r, armed_now, "move: is it pending?", id);
		n->kind = kind;
		model_move(&T.model, id, (uint64_t)kinds[kind].slack);
		if (armed_now)
			T.quiet = false;
	}
}

static void
act_on(uint32_t id, unsigned what, uint64_t far)
{
	rota_time later = (rota_time)model_after(
	    T.model.now, (rota_span)far + 1);

	if (!T.model.timer[id].inited) {
		if (!T.model.timer[id].waits)
			call_init(id, any_kind((uint32_t)far));
		return;
	}
	switch (what) {
	case 0:
		call_stop(id);
		break;
	case 1:
		call_stop_sync(id);
		break;
	case 2:
		call_release(id);
		break;
	case 3:
		call_ask(id);
		break;
	case 4: /* due at once: not in this poll */
		call_reset(id, (rota_time)T.model.now);
		break;
	case 5:
		call_reset_span(id, (rota_span)(far & 1023) - 1000);
		break;
	case 6:
		expect(rota_shard_poll(T.s, later, 0), -EDEADLK,
		    "a poll in a callback", id);
		expect(rota_shard_detach(T.s), -EDEADLK,
		    "a detach in a callback", id);
		break;
	case 7:
		call_move(id, any_kind((uint32_t)(far >> 8)));
		break;
	default:
		call_reset(id, later);
		break;
	}
}

/* A callback's doings, at itself and at others. */
static void
act(uint32_t self)
{
	uint64_t x = source_mix(self * UINT64_C(0x9e3779b97f4a7c15) +
	    T.node[self].fired * UINT64_C(0xff51afd7ed558ccd));

	for (unsigned n = x & 3; n > 0; n--) {
		uint64_t far;

		x = source_mix(x);
		far = (x >> 8 & 0xffffffff) << (x >> 40 & 31) &
		    (((uint64_t)1 << T.reach) - 1);
		listen();
		act_on(x >> 48 & 1 ? self : (uint32_t)(x >> 49) % T.model.n,
		    (unsigned)x & 15, far);
	}
}

static void
on_fire(struct rota_timer *t, rota_time now)
{
	struct node *n = rota_container_of(t, struct node, timer);
	int64_t outer = T.running;

	listen();
	T.given++;
	T.result->fires++;
	digest(n->id);
	note("fired", n->id, now, 0);
	rule(model_fire(&T.model, n->id, false), n->id);
	if ((uint64_t)now != T.model.now)
		fail("a callback was told another instant than the poll's",
		    n->id);
	if (T.budget && T.given > T.budget)
		fail("more fires than the budget", n->id);
	if (outer >= 0)
		fail("a callback inside a callback", n->id);
	n->fired++;
	T.running = n->id;
	if (!T.ending)
		act(n->id);
	T.running = outer;
}

static void
poll_begin(uint64_t now, uint64_t budget, bool silent)
{
	model_poll(&T.model, now, budget != 0);
	T.budget = budget;
	T.given = 0;
	T.silent_polls = silent && T.features & BATCHES;
}

static void
poll_end(bool done)
{
	listen();
	T.silent_polls = false;
	if (T.budget && T.given > T.budget)
		fail("more fires than the budget", -1);
	rule(model_polled(&T.model, done), -1);
	T.quiet = done;
	for (uint32_t i = 0; done && i < T.model.n; i++) {
		if (T.model.timer[i].waits && !model_queued(&T.model, i))
			fail("a release that was never completed", i);
		/* What the callbacks armed for now waits for the next. */
		if (model_queued(&T.model, i))
			T.quiet = false;
	}
	if ((uint64_t)rota_shard_now(T.s) != T.model.now)
		fail("shard_now is not the instant of the latest poll", -1);
}

/* One poll; 0 or 1 as it says. */
static int
call_poll(uint64_t now, unsigned budget)
{
	bool adopt = T.features & ADOPTED && source_bits(&T.source, 1);
	int r;

	poll_begin(now, budget, true);
	T.parked &= adopt;
	r = adopt ? rota_shard_adopt(T.s, (rota_time)now, budget)
		  : rota_shard_poll(T.s, (rota_time)now, budget);
	note(adopt ? "adopt" : "poll", 0, (int64_t)now, r);
	if (r != 0 && r != 1)
		fail("a poll's answer", -1);
	/* A hostile build's adopters may lose the shard to nobody. */
	if (r && !budget && !(T.features & ADOPTED))
		fail("a poll without limit that is not done", -1);
	poll_end(r == 0);
	return r;
}

static void
call_batch(uint64_t now, unsigned budget)
{
	struct rota_timer *out[64];
	unsigned room = 1 + source_below(&T.source, 64);
	int r;

	poll_begin(now, budget, false);
	T.parked = false;
	r = rota_shard_poll_batch(T.s, (rota_time)now, budget, out, room);
	note("batch", room, (int64_t)now, r);
	if (r < 0 || r > (int)room)
		fail("a batch's answer", -1);
	for (int i = 0; i < r; i++) {
		struct node *n = rota_container_of(out[i], struct node, timer);

		T.given++;
		T.result->fires++;
		n->fired++;
		digest(n->id);
		rule(model_fire(&T.model, n->id, false), n->id);
	}
	/* Full: there may be more. */
	poll_end(r < (int)room && !budget);
}

static void
call_next(void)
{
	rota_time next = rota_shard_next(T.s), park;

	note("next", 0, 0, next);
	rule(model_next(&T.model, (uint64_t)next, T.quiet, false), -1);
	if (!source_bits(&T.source, 1))
		return;
	park = rota_shard_park(T.s);
	note("park", 0, 0, park);
	T.parked = park != 0;
	T.until = (uint64_t)park;
	/* It knows more: who is about to sleep looks at what comes up first. */
	if (park < next && !(park == 0 && next <= (rota_time)T.model.now))
		fail("park and next do not agree", -1);
	if (park)
		rule(model_next(&T.model, (uint64_t)park, T.quiet, true), -1);
}

/* Zombies that one sweep may leave: core/poll.c, bounded dead memory. */
static void
check_bounds(const struct rota_stats *st)
{
	uint64_t most = st->entries / 2 > 64 ? st->entries / 2 : 64;

	if (st->entries > st->live + most)
		fail("more dead entries than a sweep may leave", -1);
}

static void
call_stat(bool swept)
{
	struct model *m = &T.model;
	struct rota_stats st;
	const char *wrong = NULL;

	expect(rota_engine_stat(T.e, &st), 0, "stat", 0);
	if (st.starts != m->starts)
		wrong = "starts";
	else if (st.pushes != m->pushes + T.pushes)
		wrong = "pushes";
	else if (st.stops != m->stops)
		wrong = "stops";
	else if (st.fires != m->fires)
		wrong = "fires";
	else if (st.live != m->live)
		wrong = "live";
	else if (st.timers != m->timers)
		wrong = "timers";
	else if (st.late_sum != m->late_sum)
		wrong = "late_sum";
	else if (st.late_max != m->late_max)
		wrong = "late_max";
	if (wrong) {
		fprintf(stderr,
		    "library: starts %" PRIu64 " pushes %" PRIu64
		    " stops %" PRIu64 " fires %" PRIu64 " live %" PRIu64
		    " timers %" PRIu64 " late_sum %" PRIu64
		    "\nmodel: starts %" PRIu64 " pushes %" PRIu64
		    " stops %" PRIu64 " fires %" PRIu64 " live %" PRIu64
		    " timers %" PRIu64 " late_sum %" PRIu64 "\n",
		    st.starts, st.pushes, st.stops, st.fires, st.live,
		    st.timers, st.late_sum, m->starts, m->pushes + T.pushes,
		    m->stops, m->fires, m->live, m->timers, m->late_sum);
		fail(wrong, -1);
	}
	if (m->starts != m->fires + m->stops + m->live)
		fail("starts = fires + stops + live", -1);
	if (swept)
		check_bounds(&st);
}

static int
shown(void *arg, const struct rota_kind *k, struct rota_timer *t,
    rota_time deadline)
{
	struct node *n = rota_container_of(t, struct node, timer);

	(void)arg;
	if (k != &T.kind[n->kind])
		fail("a walk shows a timer of another kind", n->id);
	if (T.model.when[n->id] != (uint64_t)deadline)
		fail("a walk shows a timer that was not armed so", n->id);
	return 0;
}

/* That none is shown twice the count tells. */
static void
call_each(void)
{
	int r = rota_shard_each(T.s, shown, NULL);

	note("each", 0, 0, r);
	expect(r, (int64_t)T.model.live, "each: how many", 0);
}

static void
call_check(void)
{
	int line = rota_shard_check(T.s);

	note("check", 0, 0, line);
	if (line)
		fail("rota_shard_check", -1);
}

/* An instant to arm @id for, of all the sorts that make trouble. */
static rota_time
pick_when(uint32_t id)
{
	struct source *src = &T.source;
	uint64_t now = T.clock, unit;

	switch (source_bits(src, 4)) {
	case 0: /* past, or before time */
		return (rota_time)now - (rota_time)source_span(src, 62);
	case 1: /* around a border of a level */
		unit = MODEL_TICK
		    << (source_below(src, WHEEL_LEVELS) * WHEEL_BITS);
		now = (now / unit + 1 + source_bits(src, 1)) * unit;
		return (rota_time)(now + source_bits(src, 2) - 2);
	case 2: /* never, or just before */
		return source_bits(src, 1)
		    ? INT64_MAX
		    : ROTA_NEVER + 2 - (rota_time)source_span(src, 22);
	case 3:
	case 4: /* somebody else's */
		return (rota_time)T.model.timer[source_below(src, T.model.n)]
		    .last;
	case 5: /* its own, or next to it */
		return (rota_time)(T.model.timer[id].last +
			   source_bits(src, 2)) -
		    2;
	case 6:
	case 7:
	case 8:
		return (rota_time)T.herd;
	case 9: /* within a few slots */
	case 10:
		return (rota_time)(now + source_bits(src, 23));
	default:
		return (rota_time)model_after(
		    now, (rota_span)source_span(src, T.reach));
	}
}

/* A span, some of them negative. */
static rota_span
pick_span(void)
{
	rota_span span = (rota_span)source_span(&T.source, T.reach);

	return span - (rota_span)source_bits(&T.source, 4);
}

/* Any timer that may be touched; one that was given back is made anew. */
static bool
pick(uint32_t *id)
{
	*id = source_below(&T.source, T.model.n);
	if (!T.model.timer[*id].inited && !T.model.timer[*id].waits)
		call_init(*id, any_kind((uint32_t)source_bits(&T.source, 8)));
	return touchable(*id);
}

static void
touch(unsigned what)
{
	uint32_t id;

	if (!pick(&id))
		return;
	if (what < 32)
		call_reset(id, pick_when(id));
	else if (what < 44)
		call_stop(id);
	else if (what < 52)
		call_reset_span(id, pick_span());
	else if (what < 58)
		call_release(id);
	else if (what < 60)
		call_stop_sync(id);
	else if (what < 61)
		call_ask(id);
	else if (what < 62)
		call_back(id);
	else if (what < 63)
		call_move(id, any_kind((uint32_t)source_bits(&T.source, 8)));
	else
		call_wrong(id);
}

/* Be a remote thread for a while. */
static void
go_away(void)
{
	expect(rota_shard_detach(T.s), 0, "detach", 0);
	T.parked = false;
	T.remote = true;
	expect(rota_shard_poll(T.s, 0, 0), -EPERM, "a poll by a stranger", 0);
	for (uint64_t n = 1 + source_bits(&T.source, 3); n > 0; n--)
		touch((unsigned)source_bits(&T.source, 6));
	T.remote = false;
	expect(rota_shard_attach(T.s), 0, "attach", 0);
}

static void
retire(void)
{
	struct rota_kind k;
	bool away = source_bits(&T.source, 1);

	T.parked = false; /* the other shard is not */
	if (away)
		expect(rota_shard_detach(T.s), 0, "detach", 0);
	expect(rota_shard_retire(T.s, T.spare), 0, "retire", 0);
	expect(
	    rota_kind_init(&k, T.s,
		&(struct rota_kind_config){ .fire = on_fire, .name = "late" }),
	    -EINVAL, "a kind on a shard that has retired", 0);
	expect(rota_shard_retire(T.s, T.spare), -EINVAL, "retire twice", 0);
	if (away)
		expect(rota_shard_attach(T.s), 0, "attach", 0);
	expect(rota_shard_poll(T.s, (rota_time)T.clock, 0), 0,
	    "a poll of a shard that has retired", 0);
	T.s = T.spare;
	T.retired = true;
	T.quiet = false;
	model_moved(&T.model, (uint64_t)rota_shard_now(T.s));
	note("retire", 0, 0, 0);
}

static void
step_clock(unsigned bits)
{
	T.clock = model_after(T.clock, (rota_span)source_span(&T.source, bits));
}

static void
arm_herd(void)
{
	uint32_t id = source_below(&T.source, T.model.n);

	T.herd = model_after(
	    T.clock, (rota_span)source_span(&T.source, T.reach));
	for (uint64_t n = source_bits(&T.source, 6); n > 0; n--) {
		id = (id + 1) % T.model.n;
		if (T.model.timer[id].inited)
			call_reset(id, (rota_time)T.herd);
	}
}

static void
rare(unsigned what)
{
	switch (what) {
	case 0:
	case 1:
		if (T.features & REMOTES)
			go_away();
		break;
	case 2:
		arm_herd();
		break;
	case 3:
		step_clock(56); /* up to two years */
		call_poll(T.clock, 0);
		break;
	case 4: /* a clock that stepped back, for this poll */
		call_poll(
		    T.clock - source_span(&T.source, 62) % (T.clock + 1), 0);
		break;
	case 5:
		call_check();
		break;
	case 6:
		if (source_bits(&T.source, 1))
			call_each();
		call_stat(false);
		break;
	default:
		if (T.features & RETIRES && !T.retired &&
		    !source_bits(&T.source, 6))
			retire();
		break;
	}
}

static void
step(void)
{
	unsigned what = (unsigned)source_bits(&T.source, 8);

	if (what < 170) {
		touch(what & 63);
	} else if (what < 224) {
		unsigned budget = 0;

		/* Stopped in the middle, a poll has the most to answer for. */
		if (T.features & BUDGETS && what & 3)
			budget = 1 + source_below(&T.source, 1u << (what & 6));
		if (!budget || what & 1)
			step_clock(T.step);
		call_poll(T.clock, budget);
	} else if (what < 232) {
		if (T.features & BATCHES)
			call_batch(T.clock,
			    T.features & BUDGETS ? source_below(&T.source, 32)
						 : 0);
	} else if (what < 240) {
		call_next();
	} else {
		rare(what & 7);
	}
}

static void
begin(const struct trace_config *config)
{
	unsigned ends[] = { 21, 28, 36, 44, 50, 56, 58, 59 };
	unsigned adopt;
	struct rota_config c;
	struct rota_stats st;

	memset(&T.model, 0, sizeof(T.model));
	T.features = (unsigned)source_bits(&T.source, 8);
	/* One trace in four has none but batches: it is compared closely. */
	if (T.features >> 6 == 0)
		T.features &= BATCHES | AT_END;
	T.reach = ends[source_bits(&T.source, 3)];
	T.step = 10 + (unsigned)source_below(&T.source, T.reach - 10);
	T.clock = source_span(&T.source, 58);
	if (T.features & AT_END)
		T.clock = MODEL_LAST - source_span(&T.source, 40);
	adopt = T.features & ADOPTED ? ROTA_ADOPT : 0;
	c = (struct rota_config){
		.size = sizeof(c),
		.backend = config->backend,
		.shards = SHARDS,
		.flags = adopt,
		.clock = ROTA_CLOCK_CALLER,
		.now = read_clock,
		.start = (rota_time)T.clock,
		.max_timers = config->timers,
		.leak = leaked,
		.log = logged,
		.wake = woken,
	};
	expect(rota_engine_create(&T.e, &c), 0, "create", 0);
	T.s = rota_engine_shard(T.e, 0);
	T.spare = rota_engine_shard(T.e, 1);
	/* Ranks are 32 bits wide: let them wrap in some. Counts follow. */
	if (source_bits(&T.source, 1))
		T.s->hot.seq = UINT32_MAX - source_bits(&T.source, 14);
	expect(rota_engine_stat(T.e, &st), 0, "stat", 0);
	T.pushes = st.pushes;
	for (int i = 0; i < SHARDS; i++)
		expect(rota_shard_attach(rota_engine_shard(T.e, (unsigned)i)),
		    0, "attach", 0);
	for (unsigned i = 0; i < KINDS; i++) {
		struct rota_kind *k = &T.kind[i];
		uint32_t flags = kinds[i].flags;

		if (adopt && flags & ROTA_CONFINED) {
			expect(rota_kind_init(k, T.s,
				   &(struct rota_kind_config){ .fire = on_fire,
				       .name = "?",
				       .flags = flags }),
			    -EINVAL, "confined and adoptable", 0);
			flags &= ~ROTA_CONFINED;
		}
		expect(
		    rota_kind_init(k, T.s,
			&(struct rota_kind_config){
			    .fire = flags & ROTA_BATCH ? NULL : on_fire,
			    .released = kinds[i].released ? on_released : NULL,
			    .slack = kinds[i].slack,
			    .name = "trace",
			    .flags = flags }),
		    0, "kind_init", 0);
	}
	T.model.n = config->timers;
	T.model.coarse = config->backend == ROTA_WHEEL_COARSE;
	T.model.now = T.clock;
	T.model.stamp = 1; /* later than drained */
	for (uint32_t i = 0; i < T.model.n; i++) {
		T.model.when[i] = MODEL_IDLE;
		T.node[i].id = i;
		T.node[i].fired = 0;
		poison(i);
	}
}

/* Give everything back: the way of an orderly program. */
static void
end_orderly(void)
{
	for (uint32_t i = 0; i < T.model.n; i++) {
		if (!T.model.timer[i].inited)
			continue;
		expect(rota_kind_release(&T.kind[T.node[i].kind]), -EBUSY,
		    "kind_release with timers", i);
		call_release(i);
	}
	/* What could not be given back, being in the inbox. */
	for (int tries = 0; T.model.timers; tries++) {
		while (call_poll(T.clock, 0))
			;
		for (uint32_t i = 0; i < T.model.n; i++)
			if (T.model.timer[i].inited)
				call_release(i);
		if (tries > 100)
			fail("timers that cannot be released", -1);
	}
	call_stat(false);
	for (unsigned i = 0; i < KINDS; i++)
		expect(rota_kind_release(&T.kind[i]), 0, "kind_release", 0);
	expect(rota_engine_destroy(T.e, ROTA_REFUSE), 0, "destroy", 0);
}

static void
end(void)
{
	uint64_t tries = 0, live;
	int how;

	T.ending = true;
	/* By steps of one: a poll must come to an end. */
	while (T.features & BUDGETS && call_poll(T.clock, 1))
		if (++tries > 1000 + (uint64_t)T.model.n * 4 * WHEEL_LEVELS)
			fail("polls of one step that never end", -1);
	while (call_poll(T.clock, 0))
		;
	call_check();
	call_stat(!(T.features & (BUDGETS | RETIRES)));
	how = (int)source_bits(&T.source, 2);
	live = T.model.live;
	if (how == 0) {
		end_orderly();
		return;
	}
	if (live)
		expect(rota_engine_destroy(T.e, ROTA_REFUSE), -EBUSY,
		    "destroy with armed timers", 0);
	if (how == 1) {
		step_clock(T.reach);
		poll_begin(T.clock, 0, true);
	}
	T.leaks = 0;
	how = rota_engine_destroy(T.e, how == 1 ? ROTA_DRAIN : ROTA_DROP);
	T.silent_polls = false;
	for (uint32_t i = 0; T.model.polling && i < T.model.n; i++)
		if (T.node[i].kind == KINDS - 1 &&
		    T.model.when[i] <= T.model.now)
			rule(model_fire(&T.model, i, true), i);
	if (T.model.polling)
		rule(model_polled(&T.model, true), -1);
	expect(how, (int64_t)T.leaks, "destroy: armed timers dropped", 0);
	for (uint32_t i = 0; i < T.model.n; i++)
		if (model_armed(&T.model, i))
			fail("an armed timer that was not reported", i);
}

void
trace_run(const struct trace_config *config, struct source source,
    struct trace_result *result)
{
	uint64_t last = result->ops + config->ops;

	T.config = config;
	T.result = result;
	T.source = source;
	T.notes = 0;
	T.running = -1;
	T.remote = T.parked = T.retired = T.quiet = T.ending = T.silent_polls =
	    false;
	T.budget = T.given = 0;
	T.herd = T.back = 0;
	result->digest = 0;
	begin(config);
	result->exact = !(T.features & INEXACT);
	while (result->ops < last && !T.source.dry)
		step();
	end();
}
