/* SPDX-License-Identifier: MIT
 *
 * churn.c - the workload of churn.h.
 *
 * A connection's request timer is in one of three conditions: FREE (not
 * armed), BUSY (armed, somebody will stop it), DOOMED (armed, nobody will).
 * The FREE and the BUSY ones stand in an array each, so that one is chosen at
 * random without touching the connection before it is timed; place[] says
 * where. Invariant: every connection is in the array that its condition
 * says, at place[], or DOOMED. Operations are chosen ahead: a condition is that
 * after all that have been chosen. A timer that was chosen to be stopped and
 * fires before is FREE already.
 *
 * Everything is counted twice, here by what the calls answered and in the
 * engine; at the end the two must agree, and starts = fires + stops + live.
 */
#include "tools/churn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/common/clock.h"
#include "tools/common/random.h"
#include "tools/turn.h"

#define IDLE (30 * ROTA_SECOND)

enum {
	PACKETS = 10,     /* of a connection in IDLE */
	WARM_PACKETS = 2, /* as time has to pass in the warm-up */
	PUSHES = 45,      /* of a step, which ends with a poll */
	STARTS = 4,
	STOPS = 4,
	STEP_OPS = PUSHES + STARTS + STOPS + 1,
	STEPS = 64,        /* chosen at a time */
	MEASURED = 256,    /* times STEPS */
	ALONE = 64,        /* times STEPS, of single calls */
	POLL_STEPS = 4096, /* budget of a poll, as a server would have one */
};

enum condition { FREE, BUSY, DOOMED };

struct conn {
	struct rota_timer idle, request; /* one cache line */
};

struct op {
	struct rota_timer *timer;
	rota_time when;
};

struct step {
	rota_time now;
	unsigned starts, stops; /* behind the pushes */
	struct op op[STEP_OPS];
};

struct set {
	uint32_t n;
	uint32_t *conn;
};

struct churn {
	struct rota_engine *e;
	struct rota_shard *s;
	struct rota_kind idle_kind, request_kind;
	const struct churn_config *config;
	struct conn *conn;
	uint32_t conns;
	uint32_t doomed;
	uint8_t *condition;
	uint32_t *place;
	struct set set[2]; /* FREE, BUSY */
	uint64_t random;
	rota_time now, chosen; /* the clock; the latest step that was chosen */
	rota_span pace;        /* of a step */
	uint64_t done[CHURN_OPS], missed, fired, early;
	bool poll_failed;
	struct churn_result *out;
	struct step step[STEPS];
};

/* The only churn of this process: a fire callback knows its timer and nothing
 * else. */
static struct churn *current;

static rota_time
clock_now(void *arg)
{
	return ((struct churn *)arg)->now;
}

static rota_span
random_span(struct churn *c, rota_span least, rota_span most)
{
	return pick_span(pick_make(&c->random, 2), least, most + 1);
}

/* Until when an idle timer runs, by the shape. */
static rota_span
idle_span(struct churn *c)
{
	switch (c->config->shape) {
	case CHURN_UNIFORM:
		return random_span(c, IDLE / 2, IDLE * 3 / 2);
	case CHURN_BIMODAL:
		return pick_make(&c->random, 10).index ? IDLE : IDLE / 10;
	default:
		return IDLE;
	}
}

static void
set_insert(struct churn *c, enum condition to, uint32_t i)
{
	struct set *set = &c->set[to];

	c->place[i] = set->n;
	set->conn[set->n++] = i;
	c->condition[i] = (uint8_t)to;
}

static void
set_remove(struct churn *c, enum condition from, uint32_t i)
{
	struct set *set = &c->set[from];
	uint32_t last = set->conn[--set->n];

	set->conn[c->place[i]] = last;
	c->place[last] = c->place[i];
}

static uint32_t
set_pick(struct churn *c, enum condition from)
{
	struct set *set = &c->set[from];
	uint32_t i = set->conn[pick_make(&c->random, set->n).index];

	set_remove(c, from, i);
	return i;
}

static void
count_fire(struct churn *c, const struct rota_timer *t, rota_time now)
{
	c->fired++;
	c->early += rota_timer_deadline(t) > now;
}

static void
on_request(struct rota_timer *t, rota_time now)
{
	struct churn *c = current;
	struct conn *conn = rota_container_of(t, struct conn, request);
	uint32_t i = (uint32_t)(conn - c->conn);

	count_fire(c, t, now);
	if (c->condition[i] == FREE)
		return; /* it will find nothing to stop */
	if (c->condition[i] == DOOMED)
		c->doomed--;
	else
		set_remove(c, BUSY, i);
	set_insert(c, FREE, i);
}

/* The connection went idle: another takes its place. */
static void
on_idle(struct rota_timer *t, rota_time now)
{
	struct churn *c = current;

	count_fire(c, t, now);
	if (rota_timer_reset_at(t, rota_when(now, IDLE)) == 0)
		c->done[CHURN_START]++;
}

/*
 * A step: choose, then do.
 */

static void
choose_start(struct churn *c, struct step *s, bool doomed)
{
	struct op *op = &s->op[PUSHES + s->starts];
	uint32_t i;

	/* With few connections those that wait for their end must not become
	 * all there are. */
	if (c->set[FREE].n == 0 || (doomed && c->doomed >= c->conns / 4))
		return;
	i = set_pick(c, FREE);
	op->timer = &c->conn[i].request;
	if (doomed) {
		c->condition[i] = DOOMED;
		c->doomed++;
		op->when = rota_when(
		    s->now, random_span(c, IDLE / 600, IDLE / 10));
	} else {
		set_insert(c, BUSY, i);
		op->when = rota_when(s->now, random_span(c, IDLE / 3, IDLE));
	}
	s->starts++;
}

static void
choose_stop(struct churn *c, struct step *s)
{
	uint32_t i;

	if (c->set[BUSY].n == 0)
		return;
	i = set_pick(c, BUSY);
	set_insert(c, FREE, i);
	s->op[PUSHES + s->starts + s->stops++].timer = &c->conn[i].request;
}

static void
choose_step(struct churn *c, struct step *s)
{
	c->chosen += c->pace;
	s->now = c->chosen;
	s->starts = s->stops = 0;
	for (unsigned i = 0; i < PUSHES; i++) {
		s->op[i].timer =
		    &c->conn[pick_make(&c->random, c->conns).index].idle;
		s->op[i].when = rota_when(s->now, idle_span(c));
	}
	for (unsigned i = 0; i < STARTS; i++)
		choose_start(c, s, false);
	choose_start(c, s, true);
	for (unsigned i = 0; i < STOPS; i++)
		choose_stop(c, s);
}

static void
choose(struct churn *c)
{
	for (unsigned i = 0; i < STEPS; i++)
		choose_step(c, &c->step[i]);
}

static inline void
reset(struct churn *c, const struct op *op)
{
	int r = rota_timer_reset_at(op->timer, op->when);

	/* An idle timer that was met is armed again by its callback. */
	c->done[r == 1 ? CHURN_PUSH : CHURN_START] += r >= 0;
}

static inline void
stop(struct churn *c, const struct op *op)
{
	int r = rota_timer_stop(op->timer);

	c->done[CHURN_STOP] += r == ROTA_PREVENTED;
	c->missed += r == ROTA_NOT_PENDING;
}

static inline void
poll_at(struct churn *c, rota_time now)
{
	c->now = now;
	if (rota_shard_poll(c->s, now, POLL_STEPS) < 0)
		c->poll_failed = true;
	/* What a loop would sleep until. */
	if (rota_shard_next(c->s) < 0)
		c->poll_failed = true;
}

static void
steps_run(struct churn *c)
{
	for (const struct step *s = c->step; s < &c->step[STEPS]; s++) {
		const struct op *op = s->op;

		poll_at(c, s->now);
		for (unsigned i = 0; i < PUSHES + s->starts; i++)
			reset(c, op++);
		for (unsigned i = 0; i < s->stops; i++)
			stop(c, op++);
	}
}

/* The same, each call timed alone. */
static void
steps_run_alone(struct churn *c)
{
	struct hist *call = c->out->call_ns;

	for (const struct step *s = c->step; s < &c->step[STEPS]; s++) {
		const struct op *op = s->op;
		uint64_t at = clock_cpu(), then;

		poll_at(c, s->now);
		hist_record(&c->out->poll_ns, clock_cpu() - at);
		for (unsigned i = 0; i < PUSHES + s->starts + s->stops; i++) {
			enum churn_op o = i < PUSHES ? CHURN_PUSH
			    : i < PUSHES + s->starts ? CHURN_START
						     : CHURN_STOP;

			at = clock_wall();
			if (o == CHURN_STOP)
				stop(c, op++);
			else
				reset(c, op++);
			then = clock_wall();
			hist_record(&call[o], then - at);
		}
	}
}

/*
 * Before and after.
 */

/* As if the server had run for long: an idle timer is pushed from where its
 * entry is filed; an eighth of the requests are under way. */
static void
fill(struct churn *c)
{
	for (uint32_t i = 0; i < c->conns; i++) {
		struct op op = { &c->conn[i].idle,
			rota_when(c->now, random_span(c, 1, IDLE)) };

		reset(c, &op);
		op.when = rota_when(c->now, idle_span(c));
		reset(c, &op);
	}
	for (uint32_t n = c->conns / 8; n > 0; n--) {
		struct step *s = &c->step[0];

		s->now = c->now;
		s->starts = 0;
		choose_start(c, s, false);
		if (s->starts)
			reset(c, &s->op[PUSHES]);
	}
}

static int
kinds_init(struct churn *c)
{
	uint32_t flags = c->config->confined ? ROTA_CONFINED : 0;
	int r = rota_kind_init(&c->idle_kind, c->s,
	    &(struct rota_kind_config){
		.fire = on_idle, .name = "idle", .flags = flags });

	return r
	    ? r
	    : rota_kind_init(&c->request_kind, c->s,
		  &(struct rota_kind_config){
		      .fire = on_request, .name = "request", .flags = flags });
}

/* @size bytes that are resident; or the process ends. */
static void *
array(size_t size)
{
	void *p = aligned_alloc(64, (size + 63) / 64 * 64);

	if (!p)
		_Exit(ENOMEM);
	return memset(p, 0, size);
}

static int
engine_init(struct churn *c)
{
	struct rota_config engine = {
		.size = sizeof engine,
		.backend = c->config->backend,
		.shards = 1,
		.clock = ROTA_CLOCK_CALLER,
		.now = clock_now,
		.now_arg = c,
	};
	int r = rota_engine_create(&c->e, &engine);

	if (r)
		return r;
	c->s = rota_engine_shard(c->e, 0);
	r = rota_shard_attach(c->s);
	if (!r)
		r = kinds_init(c);
	for (uint32_t i = 0; i < c->conns && !r; i++) {
		r = rota_timer_init(&c->conn[i].idle, &c->idle_kind);
		if (!r)
			r = rota_timer_init(
			    &c->conn[i].request, &c->request_kind);
		set_insert(c, FREE, i);
	}
	return r;
}

static const char *
check(const struct churn *c, const struct rota_stats *r)
{
	uint64_t live = 0;

	for (uint32_t i = 0; i < c->conns; i++) {
		live += rota_timer_pending(&c->conn[i].idle) == 1;
		live += rota_timer_pending(&c->conn[i].request) == 1;
	}
	if (r->starts != r->fires + r->stops + r->live)
		return "starts != fires + stops + live, says the engine";
	if (c->done[CHURN_START] != c->fired + c->done[CHURN_STOP] + live)
		return "starts != fires + stops + live, by the answers";
	if (r->starts != c->done[CHURN_START] ||
	    r->pushes != c->done[CHURN_PUSH] ||
	    r->stops != c->done[CHURN_STOP] || r->fires != c->fired ||
	    r->live != live)
		return "the engine's counters differ from the answers";
	if (c->missed > c->fired)
		return "a stop found its timer not armed, though none fired";
	if (c->poll_failed)
		return "a poll failed";
	if (c->early)
		return "a timer fired before its deadline";
	return NULL;
}

/* Between two steps, with @packets of each connection in IDLE. */
static rota_span
pace_of(const struct churn *c, unsigned packets)
{
	return IDLE / packets * PUSHES / (rota_span)c->conns;
}

static void
measure(struct churn *c)
{
	const rota_span longest = c->config->shape == CHURN_UNIFORM
	    ? IDLE * 3 / 2
	    : IDLE;
	uint64_t before[CHURN_OPS], fired, ops = 0, spent = 0;
	rota_time begin = c->now;

	fill(c);
	c->pace = pace_of(c, WARM_PACKETS);
	while (c->now - begin <= longest) {
		choose(c);
		steps_run(c);
	}
	c->pace = pace_of(c, PACKETS);
	for (unsigned n = 0; n < STEPS; n++) {
		choose(c);
		steps_run(c);
	}
	memcpy(before, c->done, sizeof before);
	fired = c->fired;
	for (unsigned n = 0; n < MEASURED; n++) {
		uint64_t at;

		choose(c);
		at = clock_cpu();
		steps_run(c);
		spent += clock_cpu() - at;
	}
	for (int op = 0; op < CHURN_OPS; op++)
		ops += c->out->done[op] = c->done[op] - before[op];
	c->out->fired = c->fired - fired;
	c->out->op_ns = (double)spent / (double)(ops + c->out->fired);
	for (unsigned n = 0; c->config->alone && n < ALONE; n++) {
		choose(c);
		steps_run_alone(c);
	}
}

int
churn_measure(const void *config, void *result)
{
	struct churn *c = array(sizeof *c);
	uint64_t before;
	int r;

	current = c;
	c->config = config;
	c->out = result;
	for (int op = 0; op < CHURN_OPS; op++)
		hist_reset(&c->out->call_ns[op]);
	hist_reset(&c->out->poll_ns);
	c->conns = (uint32_t)(c->config->timers / 2);
	c->random = c->config->seed * 2 + 1; /* never 0 */
	c->conn = array(c->conns * sizeof *c->conn);
	c->condition = array(c->conns * sizeof *c->condition);
	c->place = array(c->conns * sizeof *c->place);
	c->set[FREE].conn = array(c->conns * sizeof(uint32_t));
	c->set[BUSY].conn = array(c->conns * sizeof(uint32_t));
	before = turn_resident();
	r = engine_init(c);
	if (r)
		return r;
	measure(c);
	c->out->resident = sizeof(struct rota_timer) +
	    (double)(turn_resident() - before) / (double)c->conns / 2;
	c->out->early = c->early;
	rota_shard_stat(c->s, &c->out->stats);
	c->out->broken = check(c, &c->out->stats);
	rota_shard_detach(c->s);
	rota_engine_destroy(c->e, ROTA_DROP);
	return 0;
}
