/* SPDX-License-Identifier: MIT
 *
 * trim.c - giving memory back: by a call, or automatically after a peak.
 *
 * There are three steps. (1) Under the lock `room` is lowered to the number of
 * timers that are to have memory from now on, unless there are more timers
 * [X1]. (2) Without the lock, in slices, ids and chunks move to the blocks that
 * those timers need. Meanwhile the blocks above stay, and what is free in them
 * can be used: an init that needs more room calls the trim off by raising
 * `room` to what it was. (3) Under the lock, if `room` is still what it was
 * lowered to, all ids and chunks above are cut off, and their blocks are freed.
 *
 * An automatic trim begins when fewer timers are initialised than `below`, and
 * goes on while `below` is UINT64_MAX. A lock owner that lowers the count to
 * there sets SHARD_TRIMS for polls; what other threads do is noticed when the
 * owner asks for the next deadline.
 */
#include "core/misuse.h"
#include "core/sys/numbers.h"

/* TRIM_LEAST: room for fewer timers is not trimmed automatically. TRIM_SLICE:
 * the most steps in one poll, whatever its budget. Both are arbitrary: 2 MB of
 * a heap, 50 us. In the hostile build TRIM_LEAST is more than the first growth
 * makes. */
#ifdef ROTA_HOSTILE
#define TRIM_LEAST 2048
#define TRIM_SLICE 64
#else
#define TRIM_LEAST ((uint64_t)1 << 16)
#define TRIM_SLICE 1024
#endif
/* Freeing a block counts as so many steps: the system unmaps its pages. */
#define TRIM_BLOCK (TRIM_SLICE / 8)
/* How often a call begins if other threads keep making room for timers. */
#define TRIM_TRIES 4

/* An automatic trim takes at most half of the room, and only if three quarters
 * are not needed: so the room does not grow again before there are twice as
 * many timers. Reserved room stays. */
static void
set_below(struct rota_shard *s)
{
	uint64_t room = word_load(&s->room, relaxed); /* under the lock */
	bool keep = room < TRIM_LEAST || s->reserved > room - room / 4 ||
	    word_load(&s->target, relaxed); /* no thread polls it */

	word_store(&s->below, keep ? 0 : room / 4, relaxed); /* a hint */
}

/* Is a trim under way? If an init called it off, a thread that has the timer of
 * that init sees so. After the cut a trim cannot be called off. */
static bool
trim_goes_on(const struct rota_shard *s)
{
	return word_load(&s->below, relaxed) == UINT64_MAX &&
	    (s->trim.cut || word_load(&s->room, relaxed) == s->trim.room);
}

void
rota__shard_below(struct rota_shard *s)
{
	/* Under the lock. No poll goes on with the trim of a retired shard. */
	if (!trim_goes_on(s) || word_load(&s->target, relaxed))
		set_below(s);
}

uint64_t
rota__shard_call_off(struct rota_shard *s, uint64_t n)
{
	if (trim_goes_on(s) && !s->trim.cut && s->trim.was > n)
		return s->trim.was;
	return n;
}

#ifdef ROTA_DEBUG_OBJECTS
/* Has the timer's memory been used for something else? Then the trim does not
 * write to it. */
static bool
trim_gone(void *shard, const uint32_t *item)
{
	return object_lost(shard, timer_of((uint32_t *)(uintptr_t)item));
}
#endif

/* Begin to trim the room to @n timers, or to what it is if that is less. Under
 * the lock. False: there are more timers, or an init has just counted its
 * own. */
static bool
trim_begin(struct rota_shard *s, uint64_t n)
{
	uint64_t room = word_load(&s->room, relaxed); /* under the lock */

	if (n > room)
		n = room;
	word_store(&s->room, n, seq_cst);            /* [X1] */
	if (word_load(&s->timers, seq_cst) > n) {    /* [X1] */
		word_store(&s->room, room, release); /* rota_timer_init */
		return false;
	}
	s->trim.room = n;
	s->trim.was = room;
	rota__backend_lower_begin(&s->queue, s->backend, n, &s->trim.lower);
#ifdef ROTA_DEBUG_OBJECTS
	backend_lower_ask(&s->trim.lower, trim_gone, s);
#endif
	s->trim.cut = false;
	word_store(&s->below, UINT64_MAX, relaxed); /* a hint */
	return true;
}

/* Free blocks; all ids and chunks in use are in the blocks below. Under the
 * lock. Returns the bytes. */
static uint64_t
trim_end(struct rota_shard *s, uint64_t *left)
{
	uint64_t bytes, sum = 0;

	if (!s->trim.cut)
		rota__backend_cut(&s->queue, s->backend, &s->trim.lower);
	s->trim.cut = true;
	while (*left) {
		bytes = rota__backend_shrink(&s->queue, s->backend,
		    word_load(&s->room, relaxed), &s->mem); /* under the lock */
		if (!bytes) {
			set_below(s);
			break;
		}
		sum += bytes;
		numbers_look(left, TRIM_BLOCK);
	}
	return sum;
}

static void
trim_slice(struct rota_shard *s, uint64_t *left)
{
	uint64_t half;

	if (!trim_goes_on(s)) {
		if (!lock_try(&s->lock, LOCK_SHARD))
			return;
		half = word_load(&s->room, relaxed) / 2; /* under the lock */
		set_below(s);
		if (shard_trims(s))
			trim_begin(s, half > s->reserved ? half : s->reserved);
		lock_give(&s->lock);
		if (!trim_goes_on(s))
			return;
	}
	if (!s->trim.cut &&
	    !rota__backend_lower(&s->queue, s->backend, &s->trim.lower, left))
		return;
	if (!*left || !lock_try(&s->lock, LOCK_SHARD))
		return;
	/* If an init has called it off since, it is over. (To cut would do no
	 * harm either: no entry was made since all were moved, and what is
	 * freed goes by `room`.) */
	if (trim_goes_on(s))
		trim_end(s, left);
	lock_give(&s->lock);
}

uint64_t
rota__shard_trim(struct rota_shard *s, uint64_t most)
{
	uint64_t left;

	if (most > TRIM_SLICE)
		most = TRIM_SLICE;
	left = most;
	trim_slice(s, &left);
	return most - left;
}

/* One trim from begin to end. True: no more memory can go back. */
static bool
trim_once(struct rota_shard *s, uint64_t *bytes)
{
	uint64_t left = UINT64_MAX;
	bool done = false, began;

	lock_take(&s->lock, LOCK_SHARD);
	s->reserved = 0;
	/* What this load misses trim_begin() finds. */
	began = trim_begin(s, word_load(&s->timers, relaxed));
	lock_give(&s->lock);
	if (!began)
		return false;
	if (!rota__backend_lower(&s->queue, s->backend, &s->trim.lower, &left))
		return false;
	lock_take(&s->lock, LOCK_SHARD);
	if (trim_goes_on(s)) {
		*bytes += trim_end(s, &left);
		done = true;
	}
	lock_give(&s->lock);
	return done;
}

int64_t
rota_shard_trim(struct rota_shard *s)
{
	uint64_t bytes = 0;
	int r = rota__shard_enter(s, __func__);

	if (r)
		return r;
	for (unsigned i = 0; i < TRIM_TRIES && !trim_once(s, &bytes); i++)
		;
	lock_take(&s->lock, LOCK_SHARD);
	set_below(s);
	lock_give(&s->lock);
	rota__shard_exit(s);
	return (int64_t)bytes;
}
