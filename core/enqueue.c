/* SPDX-License-Identifier: MIT
 *
 * enqueue.c - core/enqueue.h outside of a poll.
 *
 * Invariant  a `released` that is called here is in a callback of the shard, so
 *            its calls are refused as those of any callback.
 * Threads    the lock owner.
 */
#include "core/enqueue.h"

rota_noinline void
rota__shard_tell_released(
    struct rota_shard *s, rota_released_fn *released, struct rota_timer *t)
{
	bool outer = s->releasing; /* a `released` that flushed */

	s->releasing = true;
	/* A poll must not find the shard idle, and so be let in. */
	shard_busy(s);
	released(t);
	s->releasing = outer;
	/* @released may have armed something, and a reset that called it tells
	 * adopters of its own timer alone: let a poll look. */
	if (s->adoptable)
		word_store(&s->next, word_load(&s->now, relaxed),
		    relaxed); /* a hint */
}

rota_noinline void
rota__defer_staged(struct rota_shard *s)
{
	struct rota_timer *batch[SHARD_STAGE];
	uint64_t n = s->staging_len, due = 0, w;

	s->staging_len = 0;
	for (uint64_t i = 0; i < n; i++) {
		struct rota_timer *t = s->staging[i];

		if (object_lost(s, t))
			continue;
		w = word_load(&t->r_word, relaxed); /* a guess */
		if (w & ST_ARMED && ST_DEADLINE(w) <= s->now)
			batch[due++] = t;
		else
			s->staging[s->staging_len++] = t;
	}
	for (uint64_t i = 0; i < due; i++)
		SHARD_SWITCH(s, defer(s, batch[i], BACKEND));
}

/* Outside of a poll: a `released` that is called meanwhile shall be in a
 * callback of @s. False: the caller is in one already; *@fires: in one of a
 * timer. */
static bool
guard(struct rota_shard *s, bool *fires)
{
	const struct rota_self *me = self_in(s);

	*fires = me && word_load(&s->running[me->role], relaxed); /* own role */
	if (me)
		return false;
	s->outer[ROLE_OWNER] = rota__self;
	rota__self = (struct rota_self){ s, ROLE_OWNER, &s->outer[ROLE_OWNER] };
	return true;
}

/* A function of its own: what its loop needs stays in registers. */
static rota_noinline void
flush_staging_any(struct rota_shard *s)
{
	SHARD_SWITCH(s, flush_staging(s, BACKEND));
}

void
rota__shard_flush_staging(struct rota_shard *s)
{
	bool fires, guarded = guard(s, &fires);

	if (fires)
		rota__defer_staged(s);
	flush_staging_any(s);
	if (guarded)
		rota__self = s->outer[ROLE_OWNER];
}

void
rota__shard_flush(struct rota_shard *s)
{
	bool fires, guarded;

	if (!s->staging_len && !s->deferred_releases)
		return;
	guarded = guard(s, &fires);
	SHARD_SWITCH(s, retry_releases(s, BACKEND));
	rota__shard_flush_staging(s); /* last: what a `released` armed, too */
	if (guarded)
		rota__self = s->outer[ROLE_OWNER];
}

rota_noinline void
rota__send_on(struct rota_shard *s, struct rota_timer *t)
{
	uint64_t is = word_load(&t->r_word, relaxed), wake; /* a figure */
	struct rota_shard *there;

	there = rota__shard_send(
	    s, t, kind_unchecked(t), is & (ST_ARMED | ST_LINKED), &wake);
	rota__shard_pushed(there, wake);
}

void
rota__shard_drain(struct rota_shard *s)
{
	struct poll p = { .s = s, .left = UINT64_MAX };
	struct rota_self *outer = &s->outer[ROLE_OWNER];

	*outer = rota__self;
	rota__self = (struct rota_self){ s, ROLE_OWNER, outer };
	rota__shard_flush_staging(s);
	SHARD_SWITCH(s, retry_releases(s, BACKEND));
	SHARD_SWITCH(s, drain(&p, BACKEND));
	rota__shard_flush_staging(s); /* what a `released` armed */
	shard_publish_entries(s);
	shard_busy(s);
	rota__self = *outer;
}
