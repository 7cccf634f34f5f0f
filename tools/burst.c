/* SPDX-License-Identifier: MIT
 *
 * burst.c - see burst.h.
 */
#include "tools/burst.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/common/clock.h"
#include "tools/common/random.h"

#define SPREAD (10 * ROTA_SECOND)
#define TICK ROTA_MILLISECOND

enum { POLL_STEPS = 4096, KEEP = 10 /* one in so many is not stopped */ };

struct burst {
	struct rota_engine *e;
	struct rota_shard *s;
	struct rota_kind kind;
	struct rota_timer *timer;
	uint32_t n, *order; /* a random one */
	uint64_t random;
	rota_time now;
	struct burst_result *out;
};

static uint64_t fired, early;

static rota_time
clock_now(void *arg)
{
	return ((struct burst *)arg)->now;
}

static void
on_fire(struct rota_timer *t, rota_time now)
{
	fired++;
	early += rota_timer_deadline(t) > now;
}

static void
shuffle(struct burst *b)
{
	for (uint32_t i = 0; i < b->n; i++)
		b->order[i] = i;
	for (uint32_t i = b->n; i > 1; i--) {
		uint32_t k = pick_make(&b->random, i).index;
		uint32_t t = b->order[i - 1];

		b->order[i - 1] = b->order[k];
		b->order[k] = t;
	}
}

/* Until nothing is left that is due now. */
static void
poll_all(struct burst *b, struct hist *each)
{
	int r;

	do {
		uint64_t at = clock_cpu();

		r = rota_shard_poll(b->s, b->now, POLL_STEPS);
		hist_record(each, clock_cpu() - at);
	} while (r > 0);
	if (r < 0)
		b->out->broken = "a poll failed";
}

static void
stop_most(struct burst *b)
{
	uint32_t stops = b->n - b->n / KEEP;
	uint64_t at;
	rota_time end;

	for (uint32_t i = 0; i < b->n; i++)
		rota_timer_reset_at(&b->timer[i],
		    rota_when(b->now,
			pick_span(pick_make(&b->random, 2), TICK, SPREAD)));
	rota_shard_poll(b->s, b->now, 0);
	shuffle(b);
	at = clock_cpu();
	for (uint32_t i = 0; i < stops; i++)
		if (rota_timer_stop(&b->timer[b->order[i]]) != ROTA_PREVENTED)
			b->out->broken = "a stop prevented nothing";
	b->out->stop_ns = (double)(clock_cpu() - at) / stops;
	for (end = b->now + SPREAD + 2 * TICK; b->now < end;) {
		b->now += TICK;
		poll_all(b, &b->out->after_ns);
	}
	if (fired != b->n - stops)
		b->out->broken = "not all fired that had not been stopped";
}

static void
herd(struct burst *b)
{
	rota_time when = b->now + SPREAD / 2;
	uint64_t at;

	fired = 0;
	shuffle(b);
	for (uint32_t i = 0; i < b->n; i++)
		rota_timer_reset_at(&b->timer[b->order[i]], when);
	while (b->now < when - TICK) {
		b->now += TICK;
		rota_shard_poll(b->s, b->now, POLL_STEPS);
	}
	b->now = when + 2 * TICK; /* the coarse wheel fires with its slot */
	at = clock_cpu();
	poll_all(b, &b->out->herd_poll_ns);
	b->out->herd_ns = (double)(clock_cpu() - at) / b->n;
	if (fired != b->n)
		b->out->broken = "not all of an instant fired";
}

static int
burst_init(struct burst *b, const struct burst_config *config)
{
	struct rota_config engine = {
		.size = sizeof engine,
		.backend = config->backend,
		.shards = 1,
		.clock = ROTA_CLOCK_CALLER,
		.now = clock_now,
		.now_arg = b,
	};
	int r = rota_engine_create(&b->e, &engine);

	if (r)
		return r;
	b->s = rota_engine_shard(b->e, 0);
	r = rota_shard_attach(b->s);
	if (!r)
		r = rota_kind_init(&b->kind, b->s,
		    &(struct rota_kind_config){ .fire = on_fire,
			.name = "burst",
			.flags = config->confined ? ROTA_CONFINED : 0 });
	b->n = (uint32_t)config->timers;
	b->random = config->seed * 2 + 1; /* never 0 */
	b->timer = aligned_alloc(64, (b->n + 1) / 2 * 64);
	b->order = calloc(b->n, sizeof *b->order);
	if (!b->timer || !b->order)
		return -ENOMEM;
	memset(b->timer, 0, b->n * sizeof *b->timer);
	for (uint32_t i = 0; i < b->n && !r; i++)
		r = rota_timer_init(&b->timer[i], &b->kind);
	return r;
}

int
burst_measure(const void *config, void *result)
{
	struct burst b = { .out = result };
	int r = burst_init(&b, config);

	if (r)
		return r;
	hist_reset(&b.out->after_ns);
	hist_reset(&b.out->herd_poll_ns);
	stop_most(&b);
	herd(&b);
	if (early)
		b.out->broken = "a timer fired before its deadline";
	rota_shard_detach(b.s);
	rota_engine_destroy(b.e, ROTA_DROP);
	return 0; /* the memory goes with the process */
}
