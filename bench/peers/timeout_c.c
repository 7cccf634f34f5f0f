/* SPDX-License-Identifier: MIT
 *
 * timeout_c.c - William Ahern's timeout.c: a wheel of 4 levels, 64 slots
 * each, at 1 ms to a slot of the first. fetch_timeout.sh brings its sources.
 * As in its own bench it is included, so that its calls are inlined; what it
 * can leave out of a timer (intervals, callbacks, the pointer back to the
 * wheel) is left out: 40 bytes of 72.
 *
 * Row order: a poll takes slot after slot by number, not by time. Row again:
 * timeouts_get() is called until it returns NULL, as its header says, and
 * that includes what has been started in between.
 */
#define TIMEOUT_PUBLIC static inline
#define TIMEOUT_DISABLE_INTERVALS
#define TIMEOUT_DISABLE_CALLBACKS
#define TIMEOUT_DISABLE_RELATIVE_ACCESS

#include <ext/timeouts/timeout.c>

/* It leaves its macros behind. */
#undef check
#undef report

#include "bench/work/peer.h"

#define STRING_(x) #x
#define STRING(x) STRING_(x)

struct peer {
	struct timeouts *wheel;
};

struct peer_timer {
	struct timeout t;
};

static const struct peer_info peer_info = {
	.name = "timeout.c",
	.version = STRING(TIMEOUT_V_REL),
	.variants = "-",
};

static void
peer_open(struct peer *p, const char *variant, uint32_t n)
{
	int error;

	(void)variant;
	(void)n;
	p->wheel = timeouts_open(TIMEOUT_mHZ, &error);
	if (!p->wheel)
		peer_die("timeouts_open");
}

static void
peer_init(struct peer *p, struct peer_timer *t)
{
	(void)p;
	timeout_init(&t->t, TIMEOUT_ABS);
}

static inline void
peer_start(struct peer *p, struct peer_timer *t, uint64_t when)
{
	timeouts_add(p->wheel, &t->t, (when + PEER_MS - 1) / PEER_MS);
}

static inline void
peer_push(struct peer *p, struct peer_timer *t, uint64_t when)
{
	timeouts_add(p->wheel, &t->t, (when + PEER_MS - 1) / PEER_MS);
}

static inline void
peer_stop(struct peer *p, struct peer_timer *t)
{
	timeouts_del(p->wheel, &t->t);
}

static inline void
peer_poll(struct peer *p, uint64_t now)
{
	struct timeout *t;

	timeouts_update(p->wheel, now / PEER_MS);
	while ((t = timeouts_get(p->wheel)))
		peer_fired(p, rota_container_of_(t, struct peer_timer, t));
}

#define PEER_TURN
static inline uint64_t
peer_turn(struct peer *p, uint64_t now)
{
	timeout_t left;

	peer_poll(p, now);
	left = timeouts_timeout(p->wheel); /* ms; 0: now */
	return left == ~TIMEOUT_C(0) ? UINT64_MAX
				     : now - now % PEER_MS + left * PEER_MS;
}

#include "bench/peers/drive.h"
