/* SPDX-License-Identifier: MIT
 *
 * rig.c - what the micro benches stand on.
 */
#include "bench/micro/rig.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Later than any bench has armed a timer; rig_clear() passes it. */
#define RIG_HORIZON (2 * ROTA_MINUTE)

bool rig_sabotage, rig_smoke;
uint64_t rig_fired;

void
rig_fire(struct rota_timer *t, rota_time now)
{
	(void)t;
	(void)now;
	rig_fired++;
}

void
rig_die(const char *what, int error)
{
	fprintf(stderr, "micro: %s: %s\n", what, strerror(error));
	exit(2);
}

void *
rig_array(uint64_t n, uint64_t size)
{
	size_t bytes = (size_t)(n * size + ROTA_LINE - 1) & ~(ROTA_LINE - 1ul);
	void *array = aligned_alloc(ROTA_LINE, bytes);

	if (!array)
		rig_die("timers", ENOMEM);
	memset(array, 0, bytes);
	return array;
}

void
rig_open(struct rig *r, const struct micro_case *c, rota_fire_fn *fire)
{
	struct rota_config config = {
		.size = sizeof(config),
		.backend = c->backend,
		.shards = 1,
		.clock = ROTA_CLOCK_VIRTUAL,
	};
	int err;

	memset(r, 0, sizeof(*r));
	r->c = c;
	r->random = RANDOM_SEED;
	r->todo = RIG_BLOCK - rig_sabotage;
	err = rota_engine_create(&r->engine, &config);
	if (err)
		rig_die("engine", -err);
	r->shard = rota_engine_shard(r->engine, 0);
	err = rota_shard_attach(r->shard);
	if (err)
		rig_die("attach", -err);
	err = rota_kind_init(&r->kind, r->shard,
	    &(struct rota_kind_config){ .fire = fire,
		.name = "micro",
		.flags = c->confined ? ROTA_CONFINED : 0 });
	if (err)
		rig_die("kind", -err);
	r->timers = rig_array(c->n, sizeof(*r->timers));
	err = rota_shard_reserve(r->shard, c->n);
	for (uint32_t i = 0; i < c->n && !err; i++)
		err = rota_timer_init(&r->timers[i], &r->kind);
	if (err)
		rig_die("timers", -err);
}

void
rig_close(struct rig *r)
{
	int err = rota_engine_destroy(r->engine, ROTA_DROP);

	if (err < 0)
		rig_die("destroy", -err);
	free(r->timers);
}

void
rig_pick(struct rig *r)
{
	for (uint32_t i = 0; i < RIG_BLOCK; i++)
		r->picks[i] = pick_make(&r->random, r->c->n);
}

void
rig_pick_in_order(struct rig *r, uint32_t first)
{
	rig_pick(r);
	for (uint32_t i = 0; i < RIG_BLOCK; i++)
		r->picks[i].index = first + i;
}

void
rig_arm(struct rig *r, rota_span lo, rota_span hi)
{
	for (uint32_t i = 0; i < r->c->n; i++) {
		struct pick p = pick_make(&r->random, 1);

		rota_timer_reset_at(
		    &r->timers[i], r->now + pick_span(p, lo, hi));
	}
}

void
rig_age(struct rig *r, rota_span idle)
{
	rig_arm(r, ROTA_MILLISECOND, idle);
	for (uint32_t i = 0; i < r->c->n; i++)
		rota_timer_reset_at(&r->timers[i], r->now + idle);
}

void
rig_clear(struct rig *r)
{
	for (uint32_t i = 0; i < r->c->n; i++)
		rota_timer_stop(&r->timers[i]);
	rig_poll(r, RIG_HORIZON);
}

static void
stats_now(struct rig *r, struct rota_stats *out)
{
	int err = rota_engine_stat(r->engine, out);

	if (err)
		rig_die("stat", -err);
}

void
rig_begin(struct rig *r)
{
	stats_now(r, &r->before);
}

uint64_t
rig_moves(struct rig *r)
{
	struct rota_stats now;

	stats_now(r, &now);
	return now.moves - r->before.moves;
}

const char *
rig_end(struct rig *r, const struct rota_stats *want)
{
	static char why[160];
	const struct rota_stats *before = &r->before;
	struct rota_stats after;
	int line = 0;

	stats_now(r, &after);
	const struct {
		const char *name;
		uint64_t got, want;
	} rows[] = {
		{ "starts", after.starts - before->starts, want->starts },
		{ "pushes", after.pushes - before->pushes, want->pushes },
		{ "stops", after.stops - before->stops, want->stops },
		{ "fires", after.fires - before->fires, want->fires },
		{ "live", after.live - before->live,
		    want->starts - want->stops - want->fires },
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].got == rows[i].want)
			continue;
		snprintf(why, sizeof(why),
		    "%s: the engine counted %" PRIu64 ", not %" PRIu64,
		    rows[i].name, rows[i].got, rows[i].want);
		return why;
	}
	if (rig_smoke) /* it walks everything */
		line = rota_shard_check(r->shard);
	if (line)
		snprintf(why, sizeof(why), "rota_shard_check: %d", line);
	return line ? why : NULL;
}
