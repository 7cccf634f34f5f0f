/* SPDX-License-Identifier: MIT
 *
 * timer.c - a timer is initialised, and says whether and when it is due.
 *
 * Invariant  a timer has r_kind from its init to the end of its release.
 * Threads    any.
 */
#include <rota/timer.h>

#include <errno.h>

#include "core/misuse.h"

/* rota_timer_init(), called at @site, or near @caller. */
rota_inline int
init(struct rota_timer *t, struct rota_kind *k, const char *site,
    const void *caller)
{
	int r;

	if (!t || !k || !kind_any(k)) {
		if (t && k)
			object_no_kind(k);
		return -EINVAL;
	}
	r = object_may_init(t, k); /* also checks that @k's engine is there */
	if (r)
		return r;
	if (shard_forked(shard_of(k)))
		return -ECHILD;
	r = rota__timer_room(k, "rota_timer_init");
	if (r)
		return r;
	*t = (struct rota_timer){ .r_kind = kind_mixed(t, k) };
	object_born(t, k, site, caller);
	return 0;
}

#undef rota_timer_init
int
rota_timer_init(struct rota_timer *t, struct rota_kind *k)
{
	return init(t, k, NULL, __builtin_return_address(0));
}

int
rota_timer_init_site(
    struct rota_timer *t, struct rota_kind *k, const char *site)
{
	return init(t, k, site, __builtin_return_address(0));
}

int
rota_timer_pending(const struct rota_timer *t)
{
	if (!object_call(t, __func__) || !kind_of(t))
		return -EINVAL;
	return (int)(word_load(&t->r_word, relaxed) & ST_ARMED);
}

rota_time
rota_timer_deadline(const struct rota_timer *t)
{
	uint64_t d;

	if (!object_call(t, __func__) || !kind_of(t))
		return -EINVAL;
	d = ST_DEADLINE(word_load(&t->r_word, relaxed));
	return d <= SHARD_LAST ? (rota_time)d : ROTA_NEVER;
}
