/* SPDX-License-Identifier: MIT
 *
 * room.c - a timer is counted on the shard of its kind, once there is room.
 *
 * An init may run beside a retirement of the shard, or beside trimming: [C1]
 * and [X1] of core/shard.h are about that.
 *
 * Invariant  a timer that is counted has room on its shard, or its init has not
 *            returned yet.
 * Threads    any.
 */
#define _POSIX_C_SOURCE 200809L /* nanosleep */

#include <errno.h>
#include <time.h>

#include "core/shard.h"
#include "core/pool.h"
#include "core/misuse.h"

/* Take back the count of a timer on @s, or where the count is by now: a shard
 * that retires moves all its counts, and has none then. */
static void
timer_uncount(struct rota_shard *s)
{
	for (;;) { /* never below 0: an init would count on that */
		uint64_t n = word_load(&s->timers, acquire); /* [C1] */

		while (n && !word_cas(&s->timers, &n, n - 1, acquire, acquire))
			; /* [C1] */
		if (n)
			return;
		s = word_load(&s->closing, relaxed); /* behind `timers` [C1] */
	}
}

/* Count a timer on the shard of @k or, while that retires, on its target. The
 * timer gets no entry meanwhile: a thread that arms it pushes it on the inbox,
 * and the push is forwarded. */
rota_inline uint64_t
timer_count(struct rota_kind *k, struct rota_shard **s)
{
	struct timespec nap = { 0, 50000 }; /* until the target has room */
	struct rota_shard *to;
	uint64_t n;

	for (*s = shard_of(k);; *s = to) {
		/* [C1] and [X1] */
		n = word_add(&(*s)->timers, (uint64_t)1, seq_cst);
		to = word_load(&(*s)->closing, seq_cst); /* [C1] */
		if (rota_likely(!to))
			return n + 1;
		timer_uncount(*s);
		if (to == *s)
			nanosleep(&nap, NULL);
	}
}

int
rota__timer_room(struct rota_kind *k, const char *fn)
{
	struct rota_shard *s;
	uint64_t n;
	int r;

	for (;;) {
		n = timer_count(k, &s);
		/* acquire: the blocks that make the room; [X1] */
		if (rota_likely(n <= word_load(&s->room, seq_cst)))
			break;
		r = rota__shard_grow(s, n);
		if (!r)
			break;
		timer_uncount(s);
		if (r != -ENOSPC)
			return r;
		if (!rota__pool_release(s))
			return rota__misuse_kind(k, MISUSE_FULL, r, fn);
	}
	if (rota_unlikely(!shard_slack_is(s, (uint64_t)k->slack)))
		rota__shard_slack(k);
	word_add(&k->r_timers, (uint64_t)1, relaxed); /* a count */
	return 0;
}
