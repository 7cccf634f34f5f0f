/* SPDX-License-Identifier: MIT
 *
 * due.h - how a backend says what comes up next.
 *
 * Threads    the lock owner.
 */
#ifndef ROTA_CORE_DUE_H
#define ROTA_CORE_DUE_H

#include <stdbool.h>

#include <rota/engine.h>

#include "core/sys/compiler.h"

/* What backend_due() finds. */
enum backend_due {
	BACKEND_DUE_NONE,   /* nothing more is due */
	BACKEND_DUE_ENTRY,  /* an entry came up */
	BACKEND_DUE_CASCADE /* one may, after a rota__cascade() */
};

/* The entry that came up. It has its place until backend_take() or
 * backend_refile(), before which nothing else changes the structure. A coarse
 * wheel has taken it out already, and does nothing in backend_take(). */
struct backend_entry {
	uint32_t *item;
	uint64_t when; /* its key; a coarse wheel knows none */
	uint32_t seq;
	bool in_heap;
};

/* What a poll, and its shard from poll to poll, remember for backend_due(). */
struct backend_turn {
	bool *had_turn;  /* deferred_had_turn of the shard */
	bool undeferred; /* in this poll they had theirs */
};

#endif
