/* SPDX-License-Identifier: MIT
 *
 * libuv.c - uv_timer_t of libuv: a binary heap of pointers. Its unit is 1 ms.
 */
#include <uv.h>

#include "bench/work/peer.h"
#include "bench/peers/virtual.h"

struct peer {
	uv_loop_t loop;
	uint64_t now; /* ms */
};

struct peer_timer {
	uv_timer_t t;
};

static const struct peer_info peer_info = {
	.name = "libuv",
	.version = VERSION_3(
	    UV_VERSION_MAJOR, UV_VERSION_MINOR, UV_VERSION_PATCH),
	.variants = "-",
};

static void
fire(uv_timer_t *t)
{
	peer_fired((struct peer *)t->loop->data, (struct peer_timer *)t->data);
}

static void
peer_open(struct peer *p, const char *variant, uint32_t n)
{
	(void)variant;
	(void)n;
	if (uv_loop_init(&p->loop))
		peer_die("uv_loop_init");
	p->loop.data = p;
	p->now = 0;
}

static void
peer_init(struct peer *p, struct peer_timer *t)
{
	uv_timer_init(&p->loop, &t->t);
	t->t.data = t;
}

/* Of one that is armed the same call: "it is simply updated". */
static inline void
peer_start(struct peer *p, struct peer_timer *t, uint64_t when)
{
	uint64_t ms = (when + (PEER_MS - 1)) / PEER_MS;

	uv_timer_start(&t->t, fire, ms > p->now ? ms - p->now : 0, 0);
}

static inline void
peer_push(struct peer *p, struct peer_timer *t, uint64_t when)
{
	peer_start(p, t, when);
}

static inline void
peer_stop(struct peer *p, struct peer_timer *t)
{
	(void)p;
	uv_timer_stop(&t->t);
}

/* A turn reads the clock first, then runs timers. */
static inline void
peer_poll(struct peer *p, uint64_t now)
{
	virtual_set(now);
	p->now = now / PEER_MS;
	uv_run(&p->loop, UV_RUN_NOWAIT);
}

#define PEER_TURN
static inline uint64_t
peer_turn(struct peer *p, uint64_t now)
{
	int ms; /* less than 0: none */

	peer_poll(p, now);
	ms = uv_backend_timeout(&p->loop);
	return ms < 0 ? UINT64_MAX : (p->now + (uint64_t)ms) * PEER_MS;
}

#include "bench/peers/drive.h"
