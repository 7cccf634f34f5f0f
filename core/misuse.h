/* SPDX-License-Identifier: MIT
 *
 * misuse.h - what the library says of calls that cannot be right.
 *
 * One line to config.log: the function, the kind and its site or the shard,
 * what is wrong and what to do. Once for each kind and mistake, or shard,
 * function and mistake: a bit is turned on, so a loop floods no log. A call
 * that is right comes nowhere near: everything here is a function of its own,
 * called where an error is being answered anyway.
 *
 * Invariant  a bit that is on stays on, as long as its kind or shard lives.
 * Threads    any. Never with a lock of rota held: the hook may call rota.
 */
#ifndef ROTA_CORE_MISUSE_H
#define ROTA_CORE_MISUSE_H

#include "core/shard.h"

/* Bits of rota_kind.r_said. */
enum misuse {
	MISUSE_WAITS,       /* a call on a timer whose release is under way */
	MISUSE_NO_RELEASED, /* another thread releases, nobody is to be told */
	MISUSE_SYNC_INSIDE, /* stop_sync in the timer's own callback */
	MISUSE_FULL,        /* init beyond max_timers */
	MISUSE_KIND_IN_USE, /* kind_release with timers */
	MISUSE_MOVE_OWNER,  /* move by another thread than the owner's */
	MISUSE_MOVE_INSIDE, /* move in the timer's own callback */
	MISUSE_MOVE_TO,     /* move to what is no kind */
	MISUSE_PERIOD,      /* forward by no period */
	MISUSE_KIND_AGAIN,  /* kind_init of what is one: its own line */
	MISUSE_MOVE_ENGINE, /* move to another engine's kind */
	MISUSE_CONN_WHICH   /* neither of a connection's deadlines */
};

/* Bits of rota_shard.said: 0 to 51 are call_bit()'s, four a call. An engine's
 * are in its first shard. */
enum misuse_other {
	MISUSE_RESERVE = 52, /* 4 * CALLS of misuse.c */
	MISUSE_RETIRE,
	MISUSE_DESTROY_ARMED,
	MISUSE_DESTROY_INSIDE,
	MISUSE_ADVANCE,
	/* Found by debug builds. */
	MISUSE_POLL_INSTANT,
	MISUSE_NO_TIMER,
	MISUSE_NO_KIND,
	MISUSE_LOST,
	/* In every build. */
	MISUSE_KIND_LISTED,
	MISUSE_UNDRIVEN,
	/* Bits of the second word. */
	MISUSE_DESTROY_HOW = 64,
	MISUSE_ENGINE_STAT,
	MISUSE_STAT,
	MISUSE_BATCH,
	MISUSE_EACH,
	MISUSE_TARGET,
	MISUSE_KIND,
	MISUSE_FUNC,
	MISUSE_SHARD_FUNC,
	MISUSE_HANDLE,
	MISUSE_HANDLE_RELEASE,
	MISUSE_AHEAD /* found by debug builds */
};

/* misuse_first - turns on bit @m of the words @said: true: it was off. */
bool rota__misuse_first(rota_word *said, unsigned m);
/* rota__misuse_say - a line for @config's log, without the "rota: " that it
 * begins with. errno stays as it is. */
void rota__misuse_say(const struct rota_config *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Each that has an answer returns @r, or -EINVAL. */

/* rota__misuse_kind - @fn was called on a timer of @k, or on @k. */
int rota__misuse_kind(
    struct rota_kind *k, enum misuse m, int r, const char *fn);
/* rota__misuse_kind_config - field @field of a kind's config is @what. */
int rota__misuse_kind_config(const struct rota_shard *s,
    const struct rota_kind_config *c, const char *site, const char *field,
    const char *what);
/* rota__misuse_shard - @fn, one of call_bit()'s, was called on @s and answers
 * @r. Logged: -EPERM, -EDEADLK, -ENOTRECOVERABLE, -EBUSY, -EOPNOTSUPP. */
int rota__misuse_shard(struct rota_shard *s, int r, const char *fn);
/* rota__misuse_once - @format, once for @s and @m. -EINVAL. */
int rota__misuse_once(struct rota_shard *s, enum misuse_other m,
    const char *format, ...) __attribute__((format(printf, 3, 4)));
/* rota__misuse_owner_over - has @s an owner whose thread has ended? */
bool rota__misuse_owner_over(struct rota_shard *s);
/* rota__misuse_config - rota_engine_create() refuses @c for its @field. */
int rota__misuse_config(const struct rota_config *c, const char *field,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
