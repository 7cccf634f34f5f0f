/* SPDX-License-Identifier: MIT
 *
 * arming.c - what seldom follows an arming: a full staging buffer is flushed,
 * and an owner that sleeps past the deadline is woken.
 *
 * Invariant  when one of these returns the staging buffer has room again.
 * Threads    the lock owner.
 */
#include "core/arming.h"

rota_noinline int
rota__armed_rarely(
    struct rota_shard *s, const struct rota_timer *t, uint64_t d, int answer)
{
	/* Before the flush, which may release @t. */
	uint64_t latest = kind_latest(kind_unchecked(t), d);

	if (s->staging_len == SHARD_STAGE)
		rota__shard_flush_staging(s);
	if (sleeps_beyond(s, latest) &&
	    word_load(&s->attached, relaxed) == self_id())
		rota__shard_alarm(s);
	return answer;
}

rota_noinline int
rota__filed_first(
    struct rota_shard *s, struct rota_timer *t, uint64_t d, int answer)
{
	rota__shard_came(s, t, d);
	answer = rota__armed_rarely(s, t, d, answer);
	shard_set_heed(s); /* the owner may be awake by now */
	return answer;
}
