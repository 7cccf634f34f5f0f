/* SPDX-License-Identifier: MIT
 *
 * churn.c - the workload of churn.h.
 *
 * A connection's request timer is in one of three conditions: FREE (not
 * armed), BUSY (armed, somebody will stop it), DOOMED (armed, nobody will).
 * The FREE and the BUSY ones stand in an array each, so that one is chosen at
 * random without touching the connection before it is timed; place[] says
 * where. Invariant: every connection is in the array that its condition
 * says, at place[], or DOOMED.
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

#define IDLE ROTA_SECOND /* for up to IDLE_TIMERS, see churn.h */
#define WARM_UP (150 * ROTA_MILLISECOND) /* caches, branches; arbitrary */

enum {
	IDLE_TIMERS = 200000,
	SLOTS = 54,        /* batches of a round: 45 + 5 + 4, see churn.h */
	POLL_STEPS = 4096, /* budget of a poll, as a server would have one */
	TICK_ROUNDS = 256  /* a round takes some 50 us */
};

enum condition { FREE, BUSY, DOOMED };

struct conn {
	struct rota_timer idle, request; /* one cache line */
};

struct batch {
	enum churn_op op;
	unsigned n;
	struct rota_timer *timer[CHURN_BATCH];
	rota_time when[CHURN_BATCH];
};

struct set {
	uint32_t n;
	uint32_t *conn;
};

struct churn {
	struct rota_engine *e;
	struct rota_shard *s;
	struct rota_kind idle_kind, request_kind;
	struct conn *conn;
	uint32_t conns;
	uint32_t doomed;
	rota_span idle; /* I of churn.h */
	uint8_t *condition;
	uint32_t *place;
	struct set set[2]; /* FREE, BUSY */
	uint64_t random;
	uint64_t done[CHURN_OPS], fired, early;
	bool measuring, poll_failed;
	struct churn_result *out;
	struct batch round[SLOTS];
};

/* The only churn under way on this thread: a fire callback knows its timer
 * and nothing else. */
static struct churn *current;

static rota_span
random_span(struct churn *c, rota_span least, rota_span most)
{
	return least +
	    (rota_span)(random_next(&c->random) >> 1) % (most - least + 1);
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
count_fire(struct churn *c, struct rota_timer *t)
{
	rota_span late = rota_engine_now(c->e) - rota_timer_deadline(t);

	c->fired++;
	c->early += late < 0;
	if (c->measuring)
		hist_record(&c->out->late_ns, late < 0 ? 0 : (uint64_t)late);
}

static void
on_request(struct rota_timer *t, rota_time now)
{
	struct churn *c = current;
	struct conn *conn = rota_container_of(t, struct conn, request);
	uint32_t i = (uint32_t)(conn - c->conn);

	(void)now;
	count_fire(c, t);
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

	count_fire(c, t);
	if (rota_timer_reset_at(t, rota_when(now, c->idle)) == 0)
		c->done[CHURN_START]++;
}

/*
 * A round: choose, then do.
 */

static void
choose_pushes(struct churn *c, struct batch *b, rota_time now)
{
	b->op = CHURN_PUSH;
	b->n = CHURN_BATCH;
	for (unsigned i = 0; i < b->n; i++) {
		b->timer[i] =
		    &c->conn[pick_make(&c->random, c->conns).index].idle;
		b->when[i] = rota_when(now, c->idle);
	}
}

static void
choose_starts(struct churn *c, struct batch *b, rota_time now, bool doomed)
{
	b->op = CHURN_START;
	b->n = 0;
	/* With few connections those that wait for their end must not become
	 * all there are. */
	if (doomed && c->doomed >= c->conns / 4)
		return;
	while (b->n < CHURN_BATCH && c->set[FREE].n > 0) {
		uint32_t i = set_pick(c, FREE);

		b->timer[b->n] = &c->conn[i].request;
		if (doomed) {
			c->condition[i] = DOOMED;
			c->doomed++;
			b->when[b->n] = rota_when(now,
			    random_span(
				c, ROTA_MILLISECOND, 50 * ROTA_MILLISECOND));
		} else {
			set_insert(c, BUSY, i);
			b->when[b->n] = rota_when(
			    now, random_span(c, c->idle, 3 * c->idle));
		}
		b->n++;
	}
}

static void
choose_stops(struct churn *c, struct batch *b)
{
	b->op = CHURN_STOP;
	b->n = 0;
	while (b->n < CHURN_BATCH && c->set[BUSY].n > 0) {
		uint32_t i = set_pick(c, BUSY);

		set_insert(c, FREE, i);
		b->timer[b->n++] = &c->conn[i].request;
	}
}

/* In the order in which a round does it: five batches of pushes, then one of
 * starts or stops by turns, nine times. */
static void
choose(struct churn *c, rota_time now)
{
	for (unsigned i = 0; i < SLOTS; i++) {
		struct batch *b = &c->round[i];
		unsigned turn = i / 6;

		if (i % 6 != 5)
			choose_pushes(c, b, now);
		else if (turn == 8)
			choose_starts(c, b, now, true);
		else if (turn % 2)
			choose_stops(c, b);
		else
			choose_starts(c, b, now, false);
	}
}

static void
batch_run(struct churn *c, const struct batch *b)
{
	uint64_t done = 0;

	switch (b->op) {
	case CHURN_PUSH:
		for (unsigned i = 0; i < b->n; i++)
			done += rota_timer_reset_at(b->timer[i], b->when[i]) ==
			    1;
		break;
	case CHURN_START:
		for (unsigned i = 0; i < b->n; i++)
			done += rota_timer_reset_at(b->timer[i], b->when[i]) ==
			    0;
		break;
	case CHURN_STOP:
		for (unsigned i = 0; i < b->n; i++)
			done += rota_timer_stop(b->timer[i]) == ROTA_PREVENTED;
		break;
	case CHURN_OPS:
		break;
	}
	c->done[b->op] += done;
}

/* Returns the instant at its end. */
static rota_time
round_run(struct churn *c, rota_time begin)
{
	rota_time now = begin;

	for (unsigned i = 0; i < SLOTS; i++) {
		const struct batch *b = &c->round[i];
		rota_time end;

		if (b->n == 0)
			continue;
		batch_run(c, b);
		end = rota_engine_now(c->e);
		if (c->measuring)
			hist_record(&c->out->op_ps[b->op],
			    (uint64_t)(end - now) * 1000 / b->n);
		now = end;
	}
	return now;
}

/* Until @end. Returns how much processor time it was in rota, or -1: @tick
 * said to give up. That time is too dear to read twice a round, so: the share
 * of the elapsed time that was in rota, of the processor time as a whole. On
 * an idle machine the two clocks agree; where others want the processor too,
 * only this one is about us. */
static rota_span
churn_until(struct churn *c, rota_time end, bool (*tick)(void))
{
	rota_span spent = 0, cpu = (rota_span)clock_cpu();
	rota_time now = rota_engine_now(c->e), first = now;

	for (unsigned round = 0; now < end; round++) {
		rota_time begin = now;

		if (rota_shard_poll(c->s, now, POLL_STEPS) < 0)
			c->poll_failed = true;
		now = rota_engine_now(c->e);
		spent += now - begin;
		if (tick && round % TICK_ROUNDS == 0 && !tick())
			return -1;
		choose(c, now);
		begin = rota_engine_now(c->e);
		now = round_run(c, begin);
		spent += now - begin;
	}
	cpu = (rota_span)clock_cpu() - cpu;
	return (rota_span)((double)spent * (double)cpu / (double)(now - first));
}

/*
 * Before and after.
 */

/* All timers of the idle kind armed, an eighth of the requests. An idle
 * timer is pushed at once from where its entry is filed, as if the server had
 * run for long. */
static void
churn_fill(struct churn *c)
{
	rota_time now = rota_engine_now(c->e);

	for (uint32_t i = 0; i < c->conns; i++) {
		struct rota_timer *t = &c->conn[i].idle;

		c->done[CHURN_START] += rota_timer_reset_at(t,
					    rota_when(now,
						random_span(c, 1, c->idle))) ==
		    0;
		c->done[CHURN_PUSH] += rota_timer_reset_at(
					   t, rota_when(now, c->idle)) == 1;
	}
	for (uint32_t n = c->conns / 8; n > 0;) {
		struct batch *b = &c->round[0];

		choose_starts(c, b, now, false);
		batch_run(c, b);
		if (b->n == 0)
			break;
		n -= b->n < n ? b->n : n;
	}
}

static int
churn_init(struct churn *c, const struct churn_config *config)
{
	struct rota_config engine = {
		.size = sizeof engine,
		.backend = config->backend,
		.shards = 1,
		.max_timers = config->timers,
	};
	uint32_t flags = config->confined ? ROTA_CONFINED : 0;
	int err;

	c->conns = (uint32_t)(config->timers / 2);
	c->random = config->seed * 2 + 1; /* never 0 */
	c->idle = IDLE;
	if (config->timers > IDLE_TIMERS)
		c->idle = IDLE / IDLE_TIMERS * (rota_span)config->timers;
	err = rota_engine_create(&c->e, &engine);
	if (err)
		return err;
	c->s = rota_engine_shard(c->e, 0);
	err = rota_shard_attach(c->s);
	if (err)
		return err;
	c->conn = aligned_alloc(64, c->conns * sizeof *c->conn);
	c->condition = calloc(c->conns, sizeof *c->condition);
	c->place = calloc(c->conns, sizeof *c->place);
	c->set[FREE].conn = calloc(c->conns, sizeof(uint32_t));
	c->set[BUSY].conn = calloc(c->conns, sizeof(uint32_t));
	if (!c->conn || !c->condition || !c->place || !c->set[FREE].conn ||
	    !c->set[BUSY].conn)
		return -ENOMEM;
	err = rota_kind_init(&c->idle_kind, c->s,
	    &(struct rota_kind_config){
		.fire = on_idle, .name = "idle", .flags = flags });
	if (!err)
		err = rota_kind_init(&c->request_kind, c->s,
		    &(struct rota_kind_config){ .fire = on_request,
			.name = "request",
			.flags = flags });
	for (uint32_t i = 0; i < c->conns && !err; i++) {
		err = rota_timer_init(&c->conn[i].idle, &c->idle_kind);
		if (!err)
			err = rota_timer_init(
			    &c->conn[i].request, &c->request_kind);
		set_insert(c, FREE, i);
	}
	return err;
}

/* Dropping the engine's timers is as good as stopping each. */
static void
churn_release(struct churn *c)
{
	if (c->e) {
		rota_shard_detach(c->s);
		rota_engine_destroy(c->e, ROTA_DROP);
	}
	free(c->conn);
	free(c->condition);
	free(c->place);
	free(c->set[FREE].conn);
	free(c->set[BUSY].conn);
}

static const char *
churn_check(const struct churn *c, const struct rota_stats *r)
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
	if (c->poll_failed)
		return "a poll failed";
	if (c->early)
		return "a timer fired before its deadline";
	return NULL;
}

/* Warm up, then measure. Returns 0 or -EINTR. */
static int
churn_measure(struct churn *c, const struct churn_config *config,
    struct churn_result *out)
{
	uint64_t before[CHURN_OPS], fired;

	churn_fill(c);
	if (churn_until(c, rota_engine_now(c->e) + WARM_UP, config->tick) < 0)
		return -EINTR;
	memcpy(before, c->done, sizeof before);
	fired = c->fired;
	c->measuring = true;
	out->spent = churn_until(
	    c, rota_engine_now(c->e) + config->length, config->tick);
	c->measuring = false;
	if (out->spent < 0)
		return -EINTR;
	for (int op = 0; op < CHURN_OPS; op++)
		out->done[op] = c->done[op] - before[op];
	out->fired = c->fired - fired;
	out->early = c->early;
	rota_shard_stat(c->s, &out->stats);
	out->bytes = (double)out->stats.bytes / (double)out->stats.timers +
	    sizeof(struct rota_timer);
	out->broken = churn_check(c, &out->stats);
	return 0;
}

int
churn_run(const struct churn_config *config, struct churn_result *out)
{
	struct churn *c = calloc(1, sizeof *c);
	int err;

	if (!c)
		return -ENOMEM;
	memset(out, 0, sizeof *out);
	for (int op = 0; op < CHURN_OPS; op++)
		hist_reset(&out->op_ps[op]);
	hist_reset(&out->late_ns);
	c->out = out;
	current = c;
	err = churn_init(c, config);
	if (!err)
		err = churn_measure(c, config, out);
	churn_release(c);
	current = NULL;
	free(c);
	return err;
}
