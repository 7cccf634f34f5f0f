/* SPDX-License-Identifier: MIT
 *
 * hello.c - the least one needs: an engine that drives itself, a function
 * run 20 ms from now, another that is called off.
 */
#include "examples/check.h"

#include <semaphore.h>

#include <rota/rota.h>

static sem_t said;

static void
say(void *arg)
{
	puts(arg); /* on the engine's thread */
	sem_post(&said);
}

static void
never(void *arg)
{
	(void)arg;
	CHECK(!"what was stopped does not run");
}

int
main(void)
{
	struct rota_config config = {
		.size = sizeof config,
		.backend = ROTA_WHEEL,
		.shards = 1,
		.flags = ROTA_DRIVERS,
	};
	char word[] = "hello";
	struct rota_engine *e;
	rota_handle h;
	rota_time begin;

	CHECK(sem_init(&said, 0, 0) == 0);
	CHECK(rota_engine_create(&e, &config) == 0);
	begin = rota_engine_now(e);
	CHECK(rota_after_func(e, 20 * ROTA_MILLISECOND, say, word, NULL) == 0);
	CHECK(rota_after_func(e, ROTA_HOUR, never, NULL, &h) == 0);
	while (sem_wait(&said) != 0)
		;
	CHECK(rota_engine_now(e) >= begin + 20 * ROTA_MILLISECOND);
	CHECK(rota_handle_stop(e, h) == ROTA_PREVENTED);
	CHECK(rota_handle_stop(e, h) < 0); /* stale */
	CHECK(rota_engine_destroy(e, ROTA_REFUSE) == 0);
	return 0;
}
