/* SPDX-License-Identifier: MIT
 *
 * libev.c - ev_timer of libev: a heap of four children with the deadlines in
 * it. Its unit is a double, of seconds; it fires after a deadline, not at it.
 *
 * Of the ways that its manual has for a timeout that moves with each activity
 * ("Be smart about timeouts") the variant lazy is the third, which it calls the
 * best for most cases: a push to later stores the instant, and the callback
 * starts the timer again if that has not come. again is the second,
 * ev_timer_again().
 */
#include <stddef.h>
#include <string.h>

#include <ev.h>

#include "bench/work/peer.h"
#include "bench/peers/virtual.h"

struct peer {
	struct ev_loop *loop;
	uint64_t now;
	bool lazy;
};

struct peer_timer {
	ev_timer t;             /* first: fire() */
	uint64_t when, started; /* lazy: until when, and for when it runs */
};

static const struct peer_info peer_info = {
	.name = "libev",
	.version = VERSION_2(EV_VERSION_MAJOR, EV_VERSION_MINOR),
	.variants = "lazy again",
};

static inline ev_tstamp
span(const struct peer *p, uint64_t when)
{
	return (double)(int64_t)(when - p->now) * 1e-9;
}

static inline void
run(struct peer *p, struct peer_timer *t, uint64_t when)
{
	t->started = when;
	ev_timer_set(&t->t, span(p, when), 0.);
	ev_timer_start(p->loop, &t->t);
}

static void
fire(struct ev_loop *loop, ev_timer *t, int events)
{
	struct peer *p = (struct peer *)ev_userdata(loop);
	struct peer_timer *timer = (struct peer_timer *)(void *)t;

	(void)events;
	if (p->lazy && timer->when > p->now)
		run(p, timer, timer->when);
	else
		peer_fired(p, timer);
}

static void
peer_open(struct peer *p, const char *variant, uint32_t n)
{
	(void)n;
	p->lazy = strcmp(variant, "lazy") == 0;
	p->loop = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
	if (!p->loop)
		peer_die("ev_loop_new");
	ev_set_userdata(p->loop, p);
	p->now = 0;
}

static void
peer_init(struct peer *p, struct peer_timer *t)
{
	(void)p;
	ev_init(&t->t, fire);
}

static inline void
peer_start(struct peer *p, struct peer_timer *t, uint64_t when)
{
	t->when = when;
	run(p, t, when);
}

/* The manual's way to move a timer is ev_timer_again(), to "repeat" from now,
 * which must be positive; what repeat is later is asked when it fires. */
static inline void
peer_push(struct peer *p, struct peer_timer *t, uint64_t when)
{
	t->when = when;
	if (p->lazy && when >= t->started)
		return;
	t->started = when;
	t->t.repeat = when > p->now ? span(p, when) : 1e-9;
	ev_timer_again(p->loop, &t->t);
	t->t.repeat = 0.;
}

static inline void
peer_stop(struct peer *p, struct peer_timer *t)
{
	ev_timer_stop(p->loop, &t->t);
}

/* A turn reads the clock, then fires what was due before. */
static inline void
peer_poll(struct peer *p, uint64_t now)
{
	virtual_set(now);
	p->now = now;
	ev_run(p->loop, EVRUN_NOWAIT);
}

#define PEER_TURN
static inline uint64_t
peer_turn(struct peer *p, uint64_t now)
{
	virtual_set(now);
	p->now = now;
	/* Finds how long to wait, which ends at once (virtual.h). */
	ev_run(p->loop, EVRUN_ONCE);
	return UINT64_MAX;
}

#include "bench/peers/drive.h"
