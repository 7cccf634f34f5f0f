/* SPDX-License-Identifier: MIT
 *
 * cancellable_sleep.c - a thread that sleeps between rounds, and ends at once
 * when it is told to.
 */
#include "examples/check.h"

#include <errno.h>

#include <rota/rota.h>

struct cleaner {
	struct rota_engine *engine;
	struct rota_context *running;
	int rounds, end;
};

static void *
clean(void *arg)
{
	struct cleaner *c = arg;

	do {
		c->rounds++;
		c->end = rota_sleep(c->engine, 10 * ROTA_MINUTE, c->running);
	} while (c->end == 0);
	return NULL;
}

int
main(void)
{
	struct rota_bubble *b;
	struct cleaner c = { 0 };
	pthread_t thread;

	CHECK(rota_bubble_create(&b, ROTA_HEAP) == 0);
	CHECK(rota_bubble_join(b) == 0);
	c.engine = rota_bubble_engine(b);
	CHECK(rota_context_create(&c.running, c.engine, NULL) == 0);
	CHECK(rota_bubble_thread(b, &thread, clean, &c) == 0);

	CHECK(rota_sleep(c.engine, 35 * ROTA_MINUTE, NULL) == 0);
	CHECK(rota_context_cancel(c.running, 0) == 1);
	pthread_join(thread, NULL); /* the clock has not moved since */
	printf("%d rounds, ended after %d minutes\n", c.rounds,
	    (int)(rota_engine_now(c.engine) / ROTA_MINUTE));
	CHECK(c.rounds == 4);
	CHECK(c.end == -ECANCELED);
	CHECK(rota_engine_now(c.engine) == 35 * ROTA_MINUTE);

	rota_context_unref(c.running);
	CHECK(rota_bubble_leave(b) == 0);
	CHECK(rota_bubble_destroy(b) == 0);
	return 0;
}
