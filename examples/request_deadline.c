/* SPDX-License-Identifier: MIT
 *
 * request_deadline.c - a request has 2 s. It asks three services, each with a
 * second at most; all of them end when the request does.
 *
 * The deadline of a child is the earlier of its own and its parent's, so what
 * the last service gets is what the first two have left over.
 */
#include "examples/check.h"

#include <errno.h>

#include <rota/rota.h>

/* A service that takes so long. 0, or what ended it. */
static int
service(struct rota_engine *e, struct rota_context *request, rota_span takes)
{
	struct rota_context *call;
	int r;

	CHECK(rota_context_with_timeout(&call, e, request, ROTA_SECOND) == 0);
	r = rota_sleep(e, takes, call); /* its work */
	rota_context_cancel(call, 0);
	rota_context_unref(call);
	return r;
}

static int
serve(struct rota_engine *e, const rota_span *takes, rota_span *spent)
{
	rota_time begin = rota_engine_now(e);
	struct rota_context *request;
	int r = 0;

	CHECK(
	    rota_context_with_timeout(&request, e, NULL, 2 * ROTA_SECOND) == 0);
	for (int i = 0; i < 3 && !r; i++)
		r = service(e, request, takes[i]);
	*spent = rota_engine_now(e) - begin;
	printf("%s after %d ms\n", r ? "given up" : "done",
	    (int)(*spent / ROTA_MILLISECOND));
	rota_context_cancel(request, 0);
	rota_context_unref(request);
	return r;
}

int
main(void)
{
	const rota_span ms = ROTA_MILLISECOND;
	struct rota_bubble *b;
	struct rota_engine *e;
	rota_span spent;

	CHECK(rota_bubble_create(&b, ROTA_HEAP) == 0);
	CHECK(rota_bubble_join(b) == 0);
	e = rota_bubble_engine(b);

	CHECK(serve(e, (rota_span[]){ 300 * ms, 400 * ms, 500 * ms }, &spent) ==
	    0);
	CHECK(spent == 1200 * ms);
	/* one takes more than its second */
	CHECK(serve(e, (rota_span[]){ 300 * ms, 1500 * ms, 0 }, &spent) ==
	    -ETIME);
	CHECK(spent == 1300 * ms);
	/* none does, but all together more than two */
	CHECK(serve(e, (rota_span[]){ 800 * ms, 900 * ms, 700 * ms }, &spent) ==
	    -ETIME);
	CHECK(spent == 2000 * ms);
	CHECK(rota_context_report(e, NULL, NULL) == 0);

	CHECK(rota_bubble_leave(b) == 0);
	CHECK(rota_bubble_destroy(b) == 0);
	return 0;
}
