/* SPDX-License-Identifier: MIT
 *
 * libev.c - ev_timer of libev: a heap of four children with the deadlines in
 * it. Its unit is a double, of seconds; it fires after a deadline, not at it.
 */
#include <stddef.h>

#include <ev.h>

#include "bench/work/peer.h"
#include "bench/peers/virtual.h"

struct peer {
	struct ev_loop *loop;
	uint64_t now;
};

struct peer_timer {
	ev_timer t; /* first: fire() */
};

static const struct peer_info peer_info = {
	.name = "libev",
	.version = VERSION_2(EV_VERSION_MAJOR, EV_VERSION_MINOR),
	.variants = "-",
};

static void
fire(struct ev_loop *loop, ev_timer *t, int events)
{
	(void)events;
	peer_fired(
	    (struct peer *)ev_userdata(loop), (struct peer_timer *)(void *)t);
}

static void
peer_open(struct peer *p, const char *variant, uint32_t n)
{
	(void)variant;
	(void)n;
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

static inline ev_tstamp
span(const struct peer *p, uint64_t when)
{
	return (double)(int64_t)(when - p->now) * 1e-9;
}

static inline void
peer_start(struct peer *p, struct peer_timer *t, uint64_t when)
{
	ev_timer_set(&t->t, span(p, when), 0.);
	ev_timer_start(p->loop, &t->t);
}

/* The manual's way to move a timer is ev_timer_again(), to "repeat" from now,
 * which must be positive; what repeat is later is asked when it fires. */
static inline void
peer_push(struct peer *p, struct peer_timer *t, uint64_t when)
{
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

#include "bench/peers/drive.h"
