/* SPDX-License-Identifier: MIT
 *
 * conn_deadline.c - a connection that must send something every 30 s, and take
 * what it is sent within 5 s. Each packet pushes the first deadline; the second
 * is there only while something waits to be written.
 */
#include "examples/check.h"

#include <rota/rota.h>

#define IDLE (30 * ROTA_SECOND)
#define SLOW (5 * ROTA_SECOND)

struct client {
	struct rota_conn c; /* both deadlines */
	const char *closed; /* why; NULL: it is open */
	rota_time at;
};

static struct rota_engine *engine;
static struct rota_shard *shard;

static void
on_expired(struct rota_conn *c, unsigned which, rota_time now)
{
	struct client *x = rota_container_of(c, struct client, c);

	x->closed = which == ROTA_CONN_READ ? "silent" : "slow";
	x->at = now;
	rota_conn_set(c, ROTA_CONN_READ | ROTA_CONN_WRITE, ROTA_NEVER);
	printf("%2d s: closed, %s\n", (int)(now / ROTA_SECOND), x->closed);
}

static void
set(struct client *x, unsigned which, rota_span span)
{
	CHECK(rota_conn_set(
		  &x->c, which, rota_when(rota_engine_now(engine), span)) == 0);
}

/* @n turns of a loop, of a second each: the packets that came, if any, and
 * then the deadlines. */
static void
seconds(int n, struct client *from, struct client *and_from)
{
	for (; n > 0; n--) {
		rota_engine_advance(engine, ROTA_SECOND);
		if (from)
			set(from, ROTA_CONN_READ, IDLE);
		if (and_from)
			set(and_from, ROTA_CONN_READ, IDLE);
		rota_shard_poll(shard, rota_engine_now(engine), 0);
	}
}

int
main(void)
{
	struct rota_config config = {
		.size = sizeof config,
		.backend = ROTA_WHEEL,
		.shards = 1,
		.clock = ROTA_CLOCK_VIRTUAL, /* ours to move: no waiting */
	};
	struct client quiet = { .at = 0 }, slow = { .at = 0 };
	struct rota_conn_kind kind;

	CHECK(rota_engine_create(&engine, &config) == 0);
	shard = rota_engine_shard(engine, 0);
	CHECK(rota_shard_attach(shard) == 0);
	CHECK(rota_conn_kind_init(
		  &kind, shard, "client", on_expired, NULL, 0) == 0);
	CHECK(rota_conn_init(&quiet.c, &kind) == 0);
	CHECK(rota_conn_init(&slow.c, &kind) == 0);

	set(&quiet, ROTA_CONN_READ, IDLE);
	set(&slow, ROTA_CONN_READ, IDLE);
	seconds(10, &quiet, &slow);
	set(&quiet, ROTA_CONN_WRITE, SLOW); /* an answer is on its way */
	set(&slow, ROTA_CONN_WRITE, SLOW);
	seconds(3, NULL, NULL);
	CHECK(rota_conn_set(&quiet.c, ROTA_CONN_WRITE, ROTA_NEVER) == 0);
	seconds(40, NULL, NULL); /* the other never took it */
	CHECK(slow.at == 15 * ROTA_SECOND && quiet.at == 40 * ROTA_SECOND);

	CHECK(rota_conn_release(&quiet.c) == 0);
	CHECK(rota_conn_release(&slow.c) == 0);
	CHECK(rota_conn_kind_release(&kind) == 0);
	CHECK(rota_engine_destroy(engine, ROTA_REFUSE) == 0);
	return 0;
}
