/* SPDX-License-Identifier: MIT
 *
 * owner.h - is the caller the owner of the shard, and may it go on?
 */
#ifndef ROTA_CORE_OWNER_H
#define ROTA_CORE_OWNER_H

#include <errno.h>

#include "core/hold.h"
#include "core/misuse.h"

/* 0 if the caller, in @fn, is the owner and may go on. */
rota_inline int
owner_check(const struct rota_shard *s, const char *fn)
{
	if (!s)
		return -EINVAL;
	if (shard_forked(s))
		return rota__misuse_shard(s, -ECHILD, fn);
	if (word_load(&s->attached, relaxed) != self_id())
		return rota__misuse_shard(
		    s, -EPERM, fn); /* only this thread stores its identity */
	if (self_inside(s) ||
	    word_load(&s->running[ROLE_OWNER], relaxed)) /* by this thread */
		return rota__misuse_shard(s, -EDEADLK, fn);
	object_home((struct rota_shard *)s);
	return 0;
}

/* Take hold for a poll; shard_trylock()'s release is not optional here. */
rota_inline int
poll_begin(struct rota_shard *s)
{
	if (!s->adoptable || claim_word(&s->lock_owner))
		return 0;
	/* For good, then. */
	return word_load(&s->abandoned, relaxed) ? -ENOTRECOVERABLE : -EBUSY;
}

#endif
