/* SPDX-License-Identifier: MIT
 *
 * libevent.c - struct event of libevent: a binary heap of pointers. Its unit
 * is 1 us. The variant common has told it the spans that recur, each of which
 * then has a list of its own: event_base_init_common_timeout().
 */
#include <string.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "bench/work/peer.h"
#include "bench/peers/virtual.h"

/* The spans that recur in work.h, us. */
#define SECOND UINT64_C(1000000)
#define RTO (SECOND * 2 / 5)
#define RPC (5 * SECOND)
#define IDLE (30 * SECOND)
#define MINUTE (60 * SECOND)

struct peer {
	struct event_base *base;
	uint64_t now; /* us */
	bool common;
	const struct timeval *rto, *second, *rpc, *idle, *minute;
};

struct peer_timer {
	struct event t;
};

static const struct peer_info peer_info = {
	.name = "libevent",
	.version = LIBEVENT_VERSION,
	.variants = "plain common",
};

static struct peer *open_peer; /* a callback's */

static void
fire(evutil_socket_t fd, short events, void *arg)
{
	(void)fd;
	(void)events;
	peer_fired(open_peer, (struct peer_timer *)arg);
}

static struct timeval
span(uint64_t us)
{
	struct timeval tv = { (time_t)(us / 1000000), (long)(us % 1000000) };

	return tv;
}

static const struct timeval *
recurs(struct peer *p, uint64_t us)
{
	struct timeval tv = span(us);
	const struct timeval *known;

	known = event_base_init_common_timeout(p->base, &tv);
	if (!known)
		peer_die("event_base_init_common_timeout");
	return known;
}

static void
peer_open(struct peer *p, const char *variant, uint32_t n)
{
	struct event_config *config = event_config_new();

	(void)n;
	if (!config || event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK))
		peer_die("event_config");
	p->base = event_base_new_with_config(config);
	event_config_free(config);
	if (!p->base)
		peer_die("event_base_new_with_config");
	p->now = 0;
	p->common = strcmp(variant, "common") == 0;
	if (p->common) {
		p->rto = recurs(p, RTO);
		p->second = recurs(p, SECOND);
		p->rpc = recurs(p, RPC);
		p->idle = recurs(p, IDLE);
		p->minute = recurs(p, MINUTE);
	}
	open_peer = p;
}

static void
peer_init(struct peer *p, struct peer_timer *t)
{
	if (evtimer_assign(&t->t, p->base, fire, t))
		peer_die("evtimer_assign");
}

/* A program would know which of them it means. */
static inline const struct timeval *
common(const struct peer *p, uint64_t us)
{
	switch (us) {
	case RTO:
		return p->rto;
	case SECOND:
		return p->second;
	case RPC:
		return p->rpc;
	case IDLE:
		return p->idle;
	case MINUTE:
		return p->minute;
	default:
		return NULL;
	}
}

/* Of one that is armed the same call: it moves. */
static inline void
peer_start(struct peer *p, struct peer_timer *t, uint64_t when)
{
	uint64_t at = (when + 999) / 1000;
	uint64_t us = at > p->now ? at - p->now : 0;
	const struct timeval *known = p->common ? common(p, us) : NULL;
	struct timeval tv;

	if (!known) {
		tv = span(us);
		known = &tv;
	}
	event_add(&t->t, known);
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
	event_del(&t->t);
}

/* ONCE: without it, what is due again while it runs keeps the turn going. */
static inline void
peer_poll(struct peer *p, uint64_t now)
{
	virtual_set(now);
	p->now = now / 1000;
	event_base_loop(p->base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
}

#include "bench/peers/drive.h"
