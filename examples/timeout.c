/* SPDX-License-Identifier: MIT
 *
 * timeout.c - wait for an answer, but no longer than 2 s: select over a result
 * and a timeout.
 *
 * The answer comes from another thread, as a context that it ends. What Go's
 * `case <-time.After(d)` leaves to its collector is given back here; it need
 * not be stopped.
 */
#include "examples/check.h"

#include <errno.h>

#include <rota/rota.h>

struct question {
	struct rota_engine *engine;
	rota_span takes;
	struct rota_context *answered;
};

/* In another thread: work for a while, then answer. */
static void *
answer(void *arg)
{
	struct question *q = arg;

	rota_sleep(q->engine, q->takes, NULL);
	rota_context_cancel(q->answered, 0);
	rota_context_unref(q->answered);
	return NULL;
}

/* 0: answered; -ETIME. */
static int
ask(struct rota_bubble *b, struct question *q)
{
	struct rota_channel *timeout = rota_after(q->engine, 2 * ROTA_SECOND);
	struct rota_case cases[2] = { { 0 }, { .channel = timeout } };
	pthread_t thread;
	int which;

	CHECK(rota_context_create(&q->answered, q->engine, NULL) == 0);
	cases[0].context = rota_context_ref(q->answered);
	CHECK(rota_bubble_thread(b, &thread, answer, q) == 0);
	which = rota_select(cases, 2, ROTA_NEVER);
	printf("%4d ms: %s\n",
	    (int)(rota_engine_now(q->engine) / ROTA_MILLISECOND),
	    which == 0 ? "answered" : "no answer in time");
	rota_context_unref(cases[0].context);
	rota_channel_unref(timeout);
	pthread_detach(thread);
	return which == 0 ? 0 : -ETIME;
}

int
main(void)
{
	struct rota_bubble *b; /* virtual time: no waiting here */
	struct question quick = { .takes = 300 * ROTA_MILLISECOND };
	struct question slow = { .takes = ROTA_MINUTE };

	CHECK(rota_bubble_create(&b, ROTA_WHEEL) == 0);
	CHECK(rota_bubble_join(b) == 0);
	quick.engine = slow.engine = rota_bubble_engine(b);
	CHECK(ask(b, &quick) == 0);
	CHECK(rota_engine_now(quick.engine) == 300 * ROTA_MILLISECOND);
	CHECK(ask(b, &slow) == -ETIME);
	CHECK(rota_engine_now(slow.engine) == 2300 * ROTA_MILLISECOND);
	CHECK(rota_sleep(slow.engine, ROTA_HOUR, NULL) == 0); /* it ends */
	CHECK(rota_bubble_wait(b) == 0);
	CHECK(rota_bubble_leave(b) == 0);
	CHECK(rota_bubble_destroy(b) == 0);
	return 0;
}
