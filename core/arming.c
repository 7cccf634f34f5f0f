/* SPDX-License-Identifier: MIT
 *
 * arming.c - what seldom follows an arming: a full staging buffer is flushed, and
 * an owner that sleeps beyond it is woken.
 */
#include "core/arming.h"

/* After an arming of @t by the holder for @d: file what is staged, once that is
 * much; wake the owner, if it sleeps until @t is later than its slack. (An
 * adopter's poll does so at its end: the alarm is the owner's to end.) Seldom,
 * so that what is mostly done calls nothing. */
rota_noinline int
rota__armed_rarely(
    struct rota_shard *s, const struct rota_timer *t, uint64_t d, int answer)
{
	uint64_t latest = kind_latest(kind_unchecked(t), d); /* @t may go */

	if (s->staging_len == SHARD_STAGE)
		rota__shard_flush_staging(s);
	if (sleeps_beyond(s, latest) &&
	    word_load(&s->attached, relaxed) == self_id())
		rota__shard_alarm(s);
	return answer;
}

/* It may come up before all that is filed, or before the owner wakes. */
rota_noinline int
rota__filed_first(
    struct rota_shard *s, struct rota_timer *t, uint64_t d, int answer)
{
	rota__shard_came(s, t, d);
	answer = rota__armed_rarely(s, t, d, answer);
	shard_set_heed(s); /* the owner may be awake by now */
	return answer;
}
