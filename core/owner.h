/* SPDX-License-Identifier: MIT
 *
 * owner.h - is the caller the owner of the shard, and may it go on?
 *
 * Invariant  a call that only the owner may make changes nothing before
 *            owner_check() has answered 0.
 * Threads    any.
 */
#ifndef ROTA_CORE_OWNER_H
#define ROTA_CORE_OWNER_H

#include <errno.h>

#include "core/lock_owner.h"
#include "core/misuse.h"

/* owner_check: 0 if the caller, in @fn, is the owner and outside of the shard's
 * callbacks; else -errno, which is logged. */
rota_inline int
owner_check(struct rota_shard *s, const char *fn)
{
	if (!s)
		return -EINVAL;
	if (shard_forked(s))
		return rota__misuse_shard(s, -ECHILD, fn);
	if (word_load(&s->attached, relaxed) != self_id())
		return rota__misuse_shard(
		    s, -EPERM, fn); /* only this thread stores its identity */
	if (self_in(s) ||
	    word_load(&s->running[ROLE_OWNER], relaxed)) /* by this thread */
		return rota__misuse_shard(s, -EDEADLK, fn);
	object_home(s);
	return 0;
}

/* poll_begin: take the lock for a poll: 0, or -errno. On a shard that may be
 * adopted the caller always has to unlock. */
rota_inline int
poll_begin(struct rota_shard *s)
{
	if (!s->adoptable || take_role(&s->lock_owner))
		return 0;
	/* The lock is never given back. */
	return word_load(&s->abandoned, relaxed) ? -ENOTRECOVERABLE : -EBUSY;
}

#endif
