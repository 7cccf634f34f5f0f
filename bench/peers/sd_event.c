/* SPDX-License-Identifier: MIT
 *
 * sd_event.c - time sources of sd-event: two binary heaps of pointers, of the
 * earliest and of the latest instant that each may fire. Its unit is 1 us.
 */
#include <time.h>

#include <systemd/sd-event.h>

#include "bench/work/peer.h"
#include "bench/peers/virtual.h"

struct peer {
	sd_event *event;
	uint64_t after; /* us, the first instant that no poll has seen */
};

struct peer_timer {
	sd_event_source *source;
};

static const struct peer_info peer_info = {
	.name = "sd-event",
	.version = PEER_VERSION, /* the headers have none */
	.variants = "-",
};

static struct peer *open_peer; /* a callback's */

/* A source that is on fires until its time is another. */
static int
fire(sd_event_source *source, uint64_t us, void *arg)
{
	(void)us;
	sd_event_source_set_time(source, UINT64_MAX);
	peer_fired(open_peer, (struct peer_timer *)arg);
	return 0;
}

static uint64_t
instant(uint64_t ns)
{
	return VIRTUAL_BASE * UINT64_C(1000000) + ns / 1000;
}

static void
peer_open(struct peer *p, const char *variant, uint32_t n)
{
	(void)variant;
	(void)n;
	if (sd_event_new(&p->event) < 0)
		peer_die("sd_event_new");
	p->after = instant(0);
	open_peer = p;
}

static void
peer_init(struct peer *p, struct peer_timer *t)
{
	if (sd_event_add_time(p->event, &t->source, CLOCK_MONOTONIC, UINT64_MAX,
		1, fire, t) < 0 ||
	    sd_event_source_set_enabled(t->source, SD_EVENT_ON) < 0)
		peer_die("sd_event_add_time");
}

/* What is due at once waits for the next poll: peer_poll() makes as many turns
 * of the loop as there are timers to fire, and must have an end. */
static inline void
peer_start(struct peer *p, struct peer_timer *t, uint64_t when)
{
	uint64_t us = instant(when + 999);

	sd_event_source_set_time(t->source, us > p->after ? us : p->after);
}

static inline void
peer_push(struct peer *p, struct peer_timer *t, uint64_t when)
{
	peer_start(p, t, when);
}

/* "An alternative to explicitly disabling" (sd_event_add_time(3)). To disable
 * costs less, but then the start is two calls. */
static inline void
peer_stop(struct peer *p, struct peer_timer *t)
{
	(void)p;
	sd_event_source_set_time(t->source, UINT64_MAX);
}

/* A turn fires one. */
static inline void
peer_poll(struct peer *p, uint64_t now)
{
	virtual_set(now);
	p->after = instant(now) + 1;
	while (sd_event_run(p->event, 0) > 0)
		;
}

#include "bench/peers/drive.h"
