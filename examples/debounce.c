/* SPDX-License-Identifier: MIT
 *
 * debounce.c - save a document once its author has paused for 300 ms, but
 * no later than 2 s after the first change that is not saved.
 *
 * Two deadlines on one thing: one is pushed by every change, the other is
 * armed by the first and left alone.
 */
#include "examples/check.h"

#include <rota/rota.h>

struct document {
	struct rota_timer quiet, limit;
	int unsaved, saves;
	rota_time saved_at;
};

static void
document_save(struct document *d, rota_time now)
{
	printf("%4d ms: saved %d changes\n", (int)(now / ROTA_MILLISECOND),
	    d->unsaved);
	rota_timer_stop(&d->quiet);
	rota_timer_stop(&d->limit);
	d->unsaved = 0;
	d->saves++;
	d->saved_at = now;
}

static void
on_quiet(struct rota_timer *t, rota_time now)
{
	document_save(rota_container_of(t, struct document, quiet), now);
}

static void
on_limit(struct rota_timer *t, rota_time now)
{
	document_save(rota_container_of(t, struct document, limit), now);
}

static void
document_change(struct document *d)
{
	rota_timer_reset(&d->quiet, 300 * ROTA_MILLISECOND);
	if (d->unsaved++ == 0)
		rota_timer_reset(&d->limit, 2 * ROTA_SECOND);
}

int
main(void)
{
	struct rota_config config = { .size = sizeof config,
		.backend = ROTA_WHEEL,
		.shards = 1,
		.clock = ROTA_CLOCK_VIRTUAL };
	struct rota_kind quiet = { 0 }, limit = { 0 };
	struct document d = { 0 };
	struct rota_engine *e;
	struct rota_shard *s;

	CHECK(rota_engine_create(&e, &config) == 0);
	s = rota_engine_shard(e, 0);
	CHECK(rota_shard_attach(s) == 0);
	CHECK(rota_kind_init(&quiet, s,
		  &(struct rota_kind_config){
		      .fire = on_quiet, .name = "quiet" }) == 0);
	CHECK(rota_kind_init(&limit, s,
		  &(struct rota_kind_config){
		      .fire = on_limit, .name = "limit" }) == 0);
	CHECK(rota_timer_init(&d.quiet, &quiet) == 0);
	CHECK(rota_timer_init(&d.limit, &limit) == 0);

	for (int ms = 0; ms <= 6000; ms += 50) {
		if (ms < 200 || (ms >= 1000 && ms < 4000))
			document_change(&d); /* a burst, then 3 s on end */
		rota_shard_poll(s, rota_engine_now(e), 0);
		if (ms == 450) /* 300 ms after the burst's last change */
			CHECK(d.saves == 1 &&
			    d.saved_at == 450 * ROTA_MILLISECOND);
		if (ms == 3000) /* 2 s after the first change */
			CHECK(d.saves == 2 && d.saved_at == 3 * ROTA_SECOND);
		rota_engine_advance(e, 50 * ROTA_MILLISECOND);
	}
	CHECK(d.saves == 3 && d.unsaved == 0);
	CHECK(d.saved_at == (3950 + 300) * ROTA_MILLISECOND);

	CHECK(rota_timer_release(&d.quiet) == 0);
	CHECK(rota_timer_release(&d.limit) == 0);
	CHECK(rota_shard_detach(s) == 0);
	CHECK(rota_engine_destroy(e, ROTA_REFUSE) == 0);
	return 0;
}
