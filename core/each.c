/* SPDX-License-Identifier: MIT
 *
 * each.c - a walk over the armed timers of a shard.
 *
 * All that has arrived gets its entry first, so that each armed timer has one.
 * The walk then reads words and changes nothing.
 *
 * Invariant  the walk counts as a callback of the shard's: a poll, a detach or
 *            another walk inside it is refused.
 * Threads    the owner.
 */
#include <rota/engine.h>

#include <errno.h>

#include "core/misuse.h"

static int
walk(struct rota_shard *s, rota_each_fn *fn, void *arg)
{
	struct backend_cursor cursor = { 0 };
	uint32_t *item;
	int n = 0, stop = 0;

	while (!stop && (item = backend_visit(&s->queue, &cursor))) {
		struct rota_timer *t = timer_of(item);
		uint64_t w;

		backend_visit_prefetch(&s->queue, &cursor);
		if (!object_there(t))
			continue;
		/* Acquire: @fn sees what the resetter wrote, as a callback
		 * does. [P1] */
		w = word_load(&t->r_word, acquire);
		if (!(w & ST_ARMED))
			continue;
		n++;
		stop = fn(arg, kind_unchecked(t), t,
		    ST_DEADLINE(w) <= SHARD_LAST ? (rota_time)ST_DEADLINE(w)
						 : ROTA_NEVER);
	}
	return n;
}

int
rota_shard_each(struct rota_shard *s, rota_each_fn *fn, void *arg)
{
	struct rota_self *outer;
	int n;

	if (!s)
		return -EINVAL;
	if (!fn)
		return rota__misuse_once(s, MISUSE_EACH,
		    "rota_shard_each(): shard %u: @fn is NULL", s->index);
	n = rota__shard_enter(s, __func__);
	if (n)
		return n;
	outer = &s->outer[ROLE_OWNER];
	*outer = rota__self;
	rota__self = (struct rota_self){ s, ROLE_OWNER, outer };
	/* The shard itself, no timer. So a call from a callback of another
	 * shard finds this one inside a walk, and so does the end of the thread
	 * in @fn. Release: a stop that finds no callback here sees what the
	 * callback before the walk wrote, perhaps a former owner's. */
	word_store(&s->running[ROLE_OWNER], s, release); /* [R1] */
	n = walk(s, fn, arg);
	word_store(&s->running[ROLE_OWNER], NULL, release); /* [R1] */
	rota__self = *outer;
	rota__shard_exit(s);
	return n;
}
