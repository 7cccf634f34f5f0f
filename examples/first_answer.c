/* SPDX-License-Identifier: MIT
 *
 * first_answer.c - an answer races with its deadline, exactly one wins.
 *
 * The deadlines fire on the engine's thread, the answers come on this one, at
 * about the same time.
 * Whoever has the truth from rota_timer_stop() needs no lock: PREVENTED, and
 * the request is the answer's; else it is the deadline's.
 */
#define _POSIX_C_SOURCE 200809L
#include "examples/check.h"

#include <stdatomic.h>
#include <time.h>

#include <rota/rota.h>

enum { REQUESTS = 2000 };

struct request {
	struct rota_timer deadline;
	int answered;        /* this thread's */
	atomic_int timeouts; /* the engine's thread's */
};

static struct request requests[REQUESTS];
static atomic_int given_back;

static void
on_deadline(struct rota_timer *t, rota_time now)
{
	struct request *r = rota_container_of(t, struct request, deadline);

	(void)now;
	atomic_fetch_add(&r->timeouts, 1);
}

/* Another thread releases: the owner says when the memory is free. */
static void
on_released(struct rota_timer *t)
{
	(void)t;
	atomic_fetch_add(&given_back, 1);
}

int
main(void)
{
	struct rota_config config = { .size = sizeof config,
		.backend = ROTA_HEAP,
		.shards = 1,
		.flags = ROTA_DRIVERS };
	struct timespec nap = { .tv_nsec = 1000000 };
	struct rota_kind kind;
	struct rota_engine *e;
	int answers = 0, timeouts = 0;
	rota_time begin;

	CHECK(rota_engine_create(&e, &config) == 0);
	CHECK(rota_kind_init(&kind, rota_engine_shard(e, 0),
		  &(struct rota_kind_config){ .fire = on_deadline,
		      .released = on_released,
		      .name = "deadline" }) == 0);
	begin = rota_engine_now(e) + ROTA_MILLISECOND;
	for (int i = 0; i < REQUESTS; i++) {
		CHECK(rota_timer_init(&requests[i].deadline, &kind) == 0);
		rota_timer_reset_at(
		    &requests[i].deadline, begin + i * 5 * ROTA_MICROSECOND);
	}
	for (int i = 0; i < REQUESTS; i++) {
		while (rota_engine_now(e) < begin + i * 5 * ROTA_MICROSECOND)
			;
		requests[i].answered = rota_timer_stop(&requests[i].deadline) ==
		    ROTA_PREVENTED;
	}
	for (int i = 0; i < REQUESTS; i++) {
		struct request *r = &requests[i];

		/* Its callback, if it runs, is over after this. */
		CHECK(rota_timer_stop_sync(&r->deadline) == ROTA_NOT_PENDING);
		CHECK(r->answered + atomic_load(&r->timeouts) == 1);
		answers += r->answered;
		timeouts += atomic_load(&r->timeouts);
		CHECK(rota_timer_release(&r->deadline) == 1);
	}
	printf("%d answered, %d timed out\n", answers, timeouts);
	while (atomic_load(&given_back) < REQUESTS)
		nanosleep(&nap, NULL);
	CHECK(rota_kind_release(&kind) == 0);
	CHECK(rota_engine_destroy(e, ROTA_REFUSE) == 0);
	return 0;
}
