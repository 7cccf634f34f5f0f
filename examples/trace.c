/* SPDX-License-Identifier: MIT
 *
 * trace.c - what becomes of one timer, step by step, in Go's letters: h it
 * has an entry, m which does not say yet what it is, z and it is stopped.
 */
#include "examples/check.h"

#include <rota/rota.h>

static unsigned steps;

static void
tell(void *arg, const struct rota_trace *e)
{
	char line[ROTA_TRACE_LINE];

	(void)arg;
	steps++;
	rota_trace_format(e, line, sizeof(line));
	printf("    %s, due at %d ms\n", line,
	    (int)(e->deadline / ROTA_MILLISECOND));
}

static void
on_time(struct rota_timer *t, rota_time now)
{
	(void)t;
	printf(
	    "    its callback runs, at %d ms\n", (int)(now / ROTA_MILLISECOND));
}

int
main(void)
{
	struct rota_config config = {
		.size = sizeof config,
		.backend = ROTA_HEAP,
		.shards = 1,
		.clock = ROTA_CLOCK_VIRTUAL,
		.trace = tell,
	};
	struct rota_kind kind = { 0 };
	struct rota_engine *e;
	struct rota_shard *s;
	struct rota_timer t;

	CHECK(rota_engine_create(&e, &config) == 0);
	s = rota_engine_shard(e, 0);
	CHECK(rota_shard_attach(s) == 0);
	CHECK(rota_kind_init(&kind, s,
		  &(struct rota_kind_config){
		      .fire = on_time, .name = "one" }) == 0);
	CHECK(rota_timer_init(&t, &kind) == 0);

	puts("armed, and polled:");
	rota_timer_reset(&t, 10 * ROTA_MILLISECOND);
	rota_shard_poll(s, 0, 0);
	puts("pushed: its entry stays where it is");
	rota_timer_reset(&t, 20 * ROTA_MILLISECOND);
	puts("stopped, and armed again: so it does");
	rota_timer_stop(&t);
	rota_timer_reset(&t, 30 * ROTA_MILLISECOND);
	puts("polled when the entry comes up:");
	rota_engine_advance(e, 10 * ROTA_MILLISECOND);
	rota_shard_poll(s, rota_engine_now(e), 0);
	puts("and at its deadline:");
	rota_engine_advance(e, 20 * ROTA_MILLISECOND);
	rota_shard_poll(s, rota_engine_now(e), 0);
	puts("given back:");
	CHECK(rota_timer_release(&t) == 0);
	CHECK(steps == 8);

	CHECK(rota_kind_release(&kind) == 0);
	CHECK(rota_engine_destroy(e, ROTA_REFUSE) == 0);
	return 0;
}
