/* SPDX-License-Identifier: MIT
 *
 * model.h - what timers do, in the simplest words: two arrays, searched from
 * end to end. Knows nothing of the library; a timer is an index.
 *
 * Each function answers what the library must have answered, or the name of
 * the rule that was broken (NULL: none).
 */
#ifndef TESTS_CONFORMANCE_MODEL_H
#define TESTS_CONFORMANCE_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#define MODEL_TIMERS 4096
#define MODEL_IDLE UINT64_MAX /* the deadline of a timer that is not armed */
#define MODEL_NEVER ((UINT64_C(1) << 60) - 1) /* ns: 36 years */
#define MODEL_TICK (UINT64_C(1) << 20)        /* ns: a slot of a wheel */
/* The last instant that a poll comes to: nothing fires in the last slot. */
#define MODEL_LAST (MODEL_NEVER - MODEL_TICK)

struct model_timer {
	uint64_t last;   /* the deadline, kept after it is over */
	uint64_t slack;  /* ns */
	uint64_t queued; /* stamp of the latest reset that may have left it in
			  * the inbox; of the release that waits */
	uint64_t posted; /* stamp of the latest reset by a remote thread */
	bool inited;
	bool
	    loose; /* armed remotely, or while in the inbox: its rank is not known */
	bool waits; /* released, not yet given back */
};

struct model {
	unsigned n;
	bool coarse;
	uint64_t now;       /* of the latest poll */
	uint64_t ranks;     /* given so far */
	uint64_t poll_rank; /* armed later than this: not in this poll */
	uint64_t stamp;     /* counts polls */
	uint64_t drained;   /* what was queued up to here has been filed */
	bool polling;
	bool limited; /* the poll under way has a budget */
	/* starts = fires + stops + live is the library's to keep. */
	uint64_t starts, pushes, stops, fires, live, timers;
	uint64_t late_max, late_sum;
	uint64_t when[MODEL_TIMERS];
	uint64_t rank[MODEL_TIMERS];
	struct model_timer timer[MODEL_TIMERS];
};

static inline bool
model_armed(const struct model *m, uint32_t i)
{
	return m->when[i] != MODEL_IDLE;
}

/* model_queued: may it still be in the inbox? */
static inline bool
model_queued(const struct model *m, uint32_t i)
{
	return m->timer[i].queued > m->drained;
}

/* model_fresh: armed during this poll, so not to fire in it? A remote thread
 * cannot tell when a poll begins: what it armed may. */
static inline bool
model_fresh(const struct model *m, uint32_t i)
{
	return m->rank[i] > m->poll_rank && m->timer[i].posted != m->stamp;
}

/* model_stale: was @i armed so long ago that ranks may have come round since?
 * Then it may wait for one poll more, and its turn among equal deadlines is
 * not told. */
static inline bool
model_stale(const struct model *m, uint32_t i)
{
#ifdef ROTA_HOSTILE
	return m->ranks - m->rank[i] > 1 << 18; /* they do at 2^20 */
#else
	(void)m;
	(void)i;
	return false;
#endif
}

/* model_instant: an instant as the engine takes it. */
uint64_t model_instant(int64_t when);
/* model_after: @span after @now. */
uint64_t model_after(uint64_t now, int64_t span);

void model_init(struct model *m, uint32_t i, uint64_t slack);
/* model_reset: was it armed? */
int model_reset(struct model *m, uint32_t i, uint64_t when, bool remote);
/* model_stop: was it armed? */
int model_stop(struct model *m, uint32_t i);
/* model_move: it goes to another kind, if armed through the inbox. */
void model_move(struct model *m, uint32_t i, uint64_t slack);
/* model_release: it is stopped for good; @waits: not yet given back. */
void model_release(struct model *m, uint32_t i, bool waits);
/* model_released: the callback that says so. */
const char *model_released(struct model *m, uint32_t i);

/* model_poll: a poll at @now begins, with a budget if @limited. */
void model_poll(struct model *m, uint64_t now, bool limited);
/* model_fire: @i fires, or is handed out. @silent: some time ago in this
 * poll, so its turn cannot be told. */
const char *model_fire(struct model *m, uint32_t i, bool silent);
/* model_polled: the poll is over; @done: it says that nothing due is left. */
const char *model_polled(struct model *m, bool done);
/* model_moved: all timers went to another shard, whose clock shows @now. */
void model_moved(struct model *m, uint64_t now);

/* model_next: is @next a right answer to when to poll, or with @park until when
 * to sleep? @quiet: the latest poll left nothing, and nothing due or remote
 * came since. */
const char *model_next(
    const struct model *m, uint64_t next, bool quiet, bool park);

#endif
