/* SPDX-License-Identifier: MIT
 *
 * works.c - the works of one thread of bench/work/work.h, which says what they
 * are, one by one and checked.
 *
 *   push_later  idle_reset of the peers: a lazy engine looks at a timer once in
 *               30 s and not at every push; the timers are aged, so that this
 *               share is in every run, however short, as it is after hours
 *   stop_start  with the clock still. That flatters a lazy engine in long runs:
 *               each timer ends up filed at the earliest deadline it ever had,
 *               and is never looked at there. So stop_start_moving and
 *               stop_start_many_moving are the same with a clock that moves,
 *               polls included, measured after 10 s of it
 *   short_rpc   everything is in the first-level cache: the bare cost of the
 *               instructions
 *   arm         in the order of the array, as a server takes them up; none has
 *               an entry from before. In blocks of picks that are made outside
 *               the time
 *   fire        the time of all polls, those that find nothing included, for
 *               each timer that fires: at N = 1e3 that is ten polls
 *   server_mix  a timer of the 2 % that is drawn again before the poll is
 *               pushed and does not fire: 2.0 % fire at N = 1e6, 1.2 % at 1e3.
 *               The counter `fires` has the share
 *   herd        in one poll of a second. Equal deadlines must come up in the
 *               order of arming (not from a coarse wheel): the callback
 *               compares addresses, since they are armed in the order of the
 *               array
 *   earlier     the owner has to move the entry at every reset, or to find, in
 *               a wheel, that it stays in its slot
 *
 * X_again is the same as X: what the two differ by is the machine's.
 *
 * push_later_many and stop_start_many make RIG_MANY in a call, as a server
 * after one epoll_wait() can; gathering them is timed. The counter `moves` says
 * how many entries were moved per operation.
 */
#include "bench/micro/micro.h"
#include "bench/micro/rig.h"

/* Timers in one call of rota_timer_reset_many(): an epoll_wait() of a server
 * under load has about so many. */
#define RIG_MANY 64u

/* Steps of a clock that moves before the measurement: 10 s. */
#define WARM 10000u

/* What came of a run, and of the answers. */
struct tally {
	uint32_t n;
	enum rota_backend backend;
	uint64_t ops, pending, stopped, fired;
	uint64_t due; /* server_mix, smoke */
};

static uint64_t
push_many(struct work *w)
{
	struct rota_timer *t[RIG_MANY];
	rota_time when[RIG_MANY];
	const uint32_t todo = WORK_TODO;
	uint64_t start;

	work_picks(w);
	start = peer_clock();
	for (uint32_t i = 0; i < todo;) {
		uint32_t n = 0;

		for (; n < RIG_MANY && i < todo; n++, i++) {
			t[n] = &work_timer(w, w->picks[i].index)->t;
			when[n] = (rota_time)(w->now + WORK_IDLE);
		}
		PEER_STARTED(rota_timer_reset_many(t, when, n));
	}
	work_poll(w, PEER_MS);
	w->spent += peer_clock() - start;
	return WORK_BLOCK;
}

/* @moves: a constant at every call. */
rota_inline uint64_t
restart_many(struct work *w, bool moves)
{
	struct rota_timer *t[RIG_MANY];
	rota_time when[RIG_MANY];
	const uint32_t todo = WORK_TODO;
	uint64_t start;

	work_picks(w);
	start = peer_clock();
	for (uint32_t i = 0; i < todo;) {
		uint32_t n = 0;

		for (; n < RIG_MANY && i < todo; n++, i++) {
			t[n] = &work_timer(w, w->picks[i].index)->t;
			when[n] = (rota_time)work_ahead(
			    w, w->picks[i], PEER_S, 60 * PEER_S);
		}
		rig_stopped += (uint64_t)rota_timer_stop_many(t, n);
		PEER_STARTED(rota_timer_reset_many(t, when, n));
	}
	if (moves)
		work_poll(w, PEER_MS);
	w->spent += peer_clock() - start;
	return WORK_BLOCK;
}

static uint64_t
stop_start_many(struct work *w)
{
	return restart_many(w, false);
}

static uint64_t
stop_start_many_moving(struct work *w)
{
	return restart_many(w, true);
}

static uint64_t
stop_start_moving(struct work *w)
{
	return work_steady(w, op_start_stop, POLL_BLOCK);
}

static void
begin_moving(struct work *w)
{
	begin_start_stop(w);
	for (unsigned i = 0; i < (rig_smoke ? WARM / 100 : WARM); i++)
		stop_start_moving(w);
}

static uint64_t
arm(struct work *w)
{
	if (w->done == w->n) {
		work_clear(w);
		w->done = 0;
	}
	work_picks(w);
	for (uint32_t i = 0; i < WORK_BLOCK; i++)
		w->picks[i].index = w->done++;
	return work_block(w, op_arm, POLL_NEVER);
}

/* Those that a coarse wheel fires behind the last timed poll are operations,
 * too: some in 100,000. */
static uint64_t
fire(struct work *w)
{
	step_fire(w);
	return w->n;
}

static const struct rota_timer *last;
static uint64_t disorder;

static void
fire_in_order(struct rota_timer *t, rota_time now)
{
	(void)now;
	disorder += t < last;
	last = t;
	work.fired++;
}

static uint64_t
herd(struct work *w)
{
	uint64_t ops;

	disorder = 0;
	last = NULL;
	ops = work_herd(w, 0);
	if (disorder && strcmp(w->variant, "coarse") != 0)
		return 0;
	return ops;
}

/* How many timers of the block were last reset to now: an exact engine fires
 * these and no others. */
static uint64_t
due_of(const struct work *w)
{
	uint64_t due = 0;

	for (uint32_t i = 0; i < WORK_BLOCK; i++) {
		uint32_t k = i + 1;

		if (w->picks[i].coin >> 24 < MIX_RESTART)
			continue;
		while (k < WORK_BLOCK && w->picks[k].index != w->picks[i].index)
			k++;
		due += k == WORK_BLOCK;
	}
	return due;
}

/* At 1e7 some are not picked for 30 s: they fire, a push starts them. */
static bool
push_right(const struct tally *t)
{
	return !t->fired || t->n > 1000000;
}

static bool
still_right(const struct tally *t)
{
	return t->stopped == t->ops && !t->pending && !t->fired;
}

/* In one call a timer may be stopped twice, then pushed. */
static bool
many_right(const struct tally *t)
{
	return t->stopped + t->pending + t->fired >= t->ops;
}

/* Some fire, and are not pending at the stop. */
static bool
moving_right(const struct tally *t)
{
	return t->stopped + t->fired >= t->ops && !t->pending;
}

static bool
arm_right(const struct tally *t)
{
	return !t->pending && !t->fired;
}

static bool
round_right(const struct tally *t)
{
	return !t->pending && t->fired == t->ops;
}

/* Each is pushed, or stopped and started. A coarse wheel still owes the last
 * ones their fire. */
static bool
mix_right(const struct tally *t)
{
	return t->pending + t->stopped == t->ops && t->fired * 100 >= t->ops &&
	    (!rig_smoke || t->backend == ROTA_WHEEL_COARSE ||
		t->fired == t->due);
}

static bool
earlier_right(const struct tally *t)
{
	return t->pending == t->ops && !t->fired;
}

enum {
	PUSH,
	PUSH_MANY,
	STILL,
	MANY,
	MOVING,
	MANY_MOVING,
	RPC,
	ARM,
	FIRE,
	MIX,
	EARLIER,
	HERD
};

static const struct row {
	void (*begin)(struct work *w);
	uint64_t (*step)(struct work *w);
	bool (*right)(const struct tally *t);
	rota_fire_fn *fire;
	bool round; /* a step has N operations, not WORK_BLOCK */
	/* Resets: one for each operation; N before each round but the first;
	 * one for each fire. */
	bool each, rounds, fires;
} rows[] = {
	[PUSH] = { work_age, step_idle_reset, push_right, rig_fire,
	    .each = true },
	[PUSH_MANY] = { work_age, push_many, push_right, rig_fire,
	    .each = true },
	[STILL] = { begin_start_stop, step_start_stop, still_right, rig_fire,
	    .each = true },
	[MANY] = { begin_start_stop, stop_start_many, many_right, rig_fire,
	    .each = true },
	[MOVING] = { begin_moving, stop_start_moving, moving_right, rig_fire,
	    .each = true },
	[MANY_MOVING] = { begin_moving, stop_start_many_moving, many_right,
	    rig_fire, .each = true },
	[RPC] = { begin_short_rpc, step_short_rpc, still_right, rig_fire,
	    .each = true },
	[ARM] = { begin_nothing, arm, arm_right, rig_fire, .each = true },
	[FIRE] = { begin_fire, fire, round_right, rig_fire, .round = true,
	    .rounds = true },
	[MIX] = { begin_server_mix, step_server_mix, mix_right, peer_fire,
	    .each = true, .fires = true },
	[EARLIER] = { begin_earlier, step_earlier, earlier_right, rig_fire,
	    .round = true, .each = true, .rounds = true },
	[HERD] = { begin_herd, herd, round_right, fire_in_order, .round = true,
	    .rounds = true },
};

static void
run(struct bench *b, const struct micro_case *c)
{
	const struct row *row = &rows[c->variant];
	struct tally t = { .n = c->n, .backend = c->backend };
	uint64_t batch = row->round ? c->n : WORK_BLOCK, made = 0, resets;
	struct rota_stats before, after;
	const char *why;

	rig_open(c, row->fire, false);
	if (row->round || c->variant == ARM) { /* page memory in */
		work_arm(&work, 0, WORK_SPREAD);
		work_clear(&work);
	}
	if (!row->each)
		work.n -= rig_sabotage;
	row->begin(&work);
	before = rig_begin(work.peer->engine);
	rig_pending = rig_stopped = work.fired = 0;
	BENCH_LOOP(b, batch)
	{
		uint64_t spent = work.spent;

		made += row->step(&work);
		bench_time(b, work.spent - spent);
		t.ops += batch;
		if (rig_smoke && row->fires)
			t.due += due_of(&work);
	}
	t.pending = rig_pending;
	t.stopped = rig_stopped;
	t.fired = work.fired;
	resets = (row->each ? t.ops : 0) + (row->rounds ? t.ops - c->n : 0) +
	    (row->fires ? t.fired : 0);
	why = rig_end(work.peer->engine, &before,
	    &(struct rota_stats){ .starts = resets - t.pending,
		.pushes = t.pending,
		.stops = t.stopped,
		.fires = t.fired });
	/* Of earlier the stops between rounds are not its own. */
	if (!why && made != t.ops)
		why = "operations are missing, or out of order";
	if (!why && !row->right(&t))
		why = "verdicts or fires are not what they must be";
	if (why)
		bench_fail(b, why);
	after = rig_begin(work.peer->engine);
	bench_counter(b, "moves",
	    (double)(after.moves - before.moves) / (double)(t.ops | !t.ops));
	bench_counter(b, "fires", (double)t.fired / (double)(t.ops | !t.ops));
	rig_close();
}

const struct micro_op micro_works[] = {
	{ "push_later", run, PUSH, 4000000, 0, 0 },
	{ "push_later_again", run, PUSH, 4000000, 0, 0 },
	{ "push_later_many", run, PUSH_MANY, 4000000, 0, 0 },
	{ "stop_start", run, STILL, 4000000, 0, 0 },
	{ "stop_start_moving", run, MOVING, 4000000, 0, 0 },
	{ "stop_start_moving_again", run, MOVING, 4000000, 0, 0 },
	{ "stop_start_many", run, MANY, 4000000, 0, 0 },
	{ "stop_start_many_moving", run, MANY_MOVING, 4000000, 0, 0 },
	{ "short_rpc", run, RPC, 20000000, WORK_RPC, 0 },
	{ "arm", run, ARM, 1000000, 0, MICRO_ROUNDS },
	{ "fire", run, FIRE, 1000000, 0, MICRO_ROUNDS },
	{ "server_mix", run, MIX, 4000000, 0, 0 },
	{ "earlier", run, EARLIER, 1000000, 0, MICRO_ROUNDS },
	{ "herd", run, HERD, 1000000, 0, MICRO_ROUNDS },
	{ NULL, NULL, 0, 0, 0, 0 },
};
