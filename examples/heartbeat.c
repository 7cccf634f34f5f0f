/* SPDX-License-Identifier: MIT
 *
 * heartbeat.c - a sign of life each 50 ms, until the work is cancelled, however
 * long a beat takes.
 *
 * A ticker keeps its grid: a beat that takes 120 ms misses two ticks, and the
 * next one comes where it would have come without it.
 */
#include "examples/check.h"

#include <rota/rota.h>

struct heart {
	struct rota_engine *engine;
	struct rota_context *work;
	int beats;
	rota_time last;
	int64_t missed;
};

static void *
beat(void *arg)
{
	struct heart *h = arg;
	struct rota_channel *ticker;
	struct rota_case cases[2] = { { 0 }, { .context = h->work } };

	CHECK(rota_ticker_create(&ticker, h->engine, 50 * ROTA_MILLISECOND,
		  ROTA_MISSED_SKIP) == 0);
	cases[0].channel = ticker;
	while (rota_select(cases, 2, ROTA_NEVER) == 0) {
		h->last = cases[0].value;
		printf("%4d ms: beat %d\n", (int)(h->last / ROTA_MILLISECOND),
		    ++h->beats);
		if (h->beats == 3) /* a slow network */
			rota_sleep(h->engine, 120 * ROTA_MILLISECOND, NULL);
	}
	h->missed = rota_ticker_missed(ticker);
	rota_channel_unref(ticker);
	return NULL;
}

int
main(void)
{
	struct rota_bubble *b;
	struct heart h = { 0 };
	pthread_t thread;

	CHECK(rota_bubble_create(&b, ROTA_WHEEL) == 0);
	CHECK(rota_bubble_join(b) == 0);
	h.engine = rota_bubble_engine(b);
	CHECK(rota_context_create(&h.work, h.engine, NULL) == 0);
	CHECK(rota_bubble_thread(b, &thread, beat, &h) == 0);

	CHECK(rota_sleep(h.engine, 510 * ROTA_MILLISECOND, NULL) == 0);
	CHECK(rota_context_cancel(h.work, 0) == 1);
	pthread_join(thread, NULL);
	/* 50, 100, 150, that at 200 late, then 300, ... 500; 250 was missed */
	CHECK(h.beats == 9);
	CHECK(h.missed == 1);
	CHECK(h.last == 500 * ROTA_MILLISECOND);

	rota_context_unref(h.work);
	CHECK(rota_bubble_leave(b) == 0);
	CHECK(rota_bubble_destroy(b) == 0);
	return 0;
}
