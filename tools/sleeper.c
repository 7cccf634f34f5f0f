/* SPDX-License-Identifier: MIT
 *
 * sleeper.c - see sleeper.h.
 */
#include "tools/sleeper.h"

#include <errno.h>
#include <stdlib.h>

#include "tools/common/random.h"

#define DUE_SPAN (250 * ROTA_MILLISECOND)
#define PUSH_EVERY (25 * ROTA_MILLISECOND)
#define DEADLINE ROTA_SECOND

enum { DUE = 250, PUSHED = 10000, BATCHES = 20, ROUNDS = 16 };

struct sleeper {
	struct rota_engine *e;
	struct rota_shard *s;
	struct rota_kind kind;
	struct rota_timer *timer;
	uint64_t random;
	struct sleeper_result *out;
};

/* The only one of this process. */
static struct sleeper *current;
static uint64_t fired, early;

static void
on_fire(struct rota_timer *t, rota_time now)
{
	rota_time deadline = rota_timer_deadline(t);
	rota_span late = rota_engine_now(current->e) - deadline;

	fired++;
	early += deadline > now;
	hist_record(&current->out->late_ns, late > 0 ? (uint64_t)late : 0);
}

/* Sleep and poll until @limit. Returns how often the owner woke. */
static unsigned
sleep_until(struct sleeper *p, rota_time limit)
{
	rota_time now = rota_engine_now(p->e);
	unsigned wakeups = 0;

	while (now < limit) {
		if (rota_shard_wait(p->s, limit))
			p->out->broken = "a wait failed";
		wakeups++;
		now = rota_engine_now(p->e);
		while (rota_shard_poll(p->s, now, 0) > 0)
			;
	}
	return wakeups;
}

static void
lateness(struct sleeper *p)
{
	rota_time now = rota_engine_now(p->e);

	for (unsigned i = 0; i < DUE; i++)
		rota_timer_reset_at(&p->timer[i],
		    rota_when(now,
			pick_span(pick_make(&p->random, 2), ROTA_MILLISECOND,
			    DUE_SPAN)));
	sleep_until(p, now + DUE_SPAN + 10 * ROTA_MILLISECOND);
	if (fired != DUE)
		p->out->broken = "not all fired";
}

static void
push(struct sleeper *p, unsigned batch)
{
	const unsigned n = PUSHED / BATCHES;
	rota_time when = rota_when(rota_engine_now(p->e), DEADLINE);

	for (unsigned i = batch % BATCHES * n, end = i + n; i < end; i++)
		rota_timer_reset_at(&p->timer[i], when);
}

static void
wakeups(struct sleeper *p)
{
	rota_time next = rota_engine_now(p->e);
	unsigned woke = 0;

	for (unsigned i = 0; i < BATCHES; i++)
		push(p, i);
	/* A round of batches is no more than DEADLINE long: none is met. */
	for (unsigned i = 0; i < ROUNDS; i++) {
		next += PUSH_EVERY;
		woke += sleep_until(p, next);
		push(p, i);
	}
	p->out->wakeups = (double)woke / ROUNDS;
}

static int
sleeper_init(struct sleeper *p, const struct sleeper_config *config)
{
	struct rota_config engine = {
		.size = sizeof engine,
		.backend = config->backend,
		.shards = 1,
		.clock = ROTA_CLOCK_MONOTONIC,
	};
	int r = rota_engine_create(&p->e, &engine);

	if (r)
		return r;
	p->s = rota_engine_shard(p->e, 0);
	r = rota_shard_attach(p->s);
	if (!r)
		r = rota_kind_init(&p->kind, p->s,
		    &(struct rota_kind_config){ .fire = on_fire,
			.name = "sleeper",
			.flags = config->confined ? ROTA_CONFINED : 0 });
	p->random = config->seed * 2 + 1; /* never 0 */
	p->timer = calloc(PUSHED, sizeof *p->timer);
	if (!p->timer)
		return -ENOMEM;
	for (unsigned i = 0; i < PUSHED && !r; i++)
		r = rota_timer_init(&p->timer[i], &p->kind);
	return r;
}

int
sleeper_measure(const void *config, void *result)
{
	struct sleeper p = { .out = result };
	int r = sleeper_init(&p, config);

	if (r)
		return r;
	current = &p;
	hist_reset(&p.out->late_ns);
	lateness(&p);
	wakeups(&p);
	if (early)
		p.out->broken = "a timer fired before its deadline";
	rota_shard_detach(p.s);
	rota_engine_destroy(p.e, ROTA_DROP);
	return 0; /* the memory goes with the process */
}
