/* SPDX-License-Identifier: MIT
 *
 * remote.h - how a remote thread resets or releases a timer.
 *
 * It makes one compare-and-swap on the timer's word, then if need be a push on
 * the inbox or a kick, and a wake. After its compare-and-swap the thread
 * touches the timer again only if it turned QUEUED on itself.
 *
 * Threads    any.
 */
#ifndef ROTA_CORE_REMOTE_H
#define ROTA_CORE_REMOTE_H

#include "core/inbox.h"
#include "core/park.h"
#include "core/state.h"

/* The part of a shard that remote threads write: a cache line of its own. */
struct remote {
	rota_link inbox;
	rota_word kick; /* deadlines moved earlier during a push */
};

/* remote_post: push @node. Returns what park_wakes() says. @kicks is `kick` as
 * it was before the compare-and-swap. Its load may be relaxed: a thread
 * increments `kick` only after it has observed our compare-and-swap, so the
 * load, which is earlier, cannot see the increment. */
rota_inline uint64_t
remote_post(struct remote *r, struct park *p, void *node, rota_slot *link,
    uint64_t by, uint64_t kicks)
{
	inbox_push(&r->inbox, node, link);
	if (word_load(&r->kick, seq_cst) != kicks) /* [K2] */
		by = 0;
	return park_wakes(p, by);
}

/* remote_reset: arm @node for @d; with @push only if it is armed already. The
 * owner must know of it by @by. False: nothing was changed. @was gets the word
 * before, @wake what park_wakes() says. */
rota_inline bool
remote_reset(struct remote *r, struct park *p, rota_word *word, void *node,
    rota_slot *link, uint64_t d, uint64_t by, bool push, uint64_t *was,
    uint64_t *wake)
{
	uint64_t kicks = word_load(&r->kick, relaxed); /* [K2] */
	uint64_t is;

	*wake = 0;
	if (!state_reset(word, d, push, false, was, &is))
		return false;
	if (state_must_push(*was, is)) {
		*wake = remote_post(r, p, node, link, by, kicks);
	} else if (state_must_kick(*was, is)) {
		word_add(&r->kick, (uint64_t)1, seq_cst); /* [K2] */
		*wake = park_wakes(p, by);
	}
	return true;
}

/* remote_release: give @node back through the lock owner; a wake makes that
 * prompt. @was and @wake as above. */
rota_inline enum state_release
remote_release(struct remote *r, struct park *p, rota_word *word, void *node,
    rota_slot *link, uint64_t *was, uint64_t *wake)
{
	uint64_t kicks = word_load(&r->kick, relaxed); /* [K2] */
	enum state_release how = state_release(word, false, false, true, was);

	*wake = 0;
	if (how == RELEASE_POST) {
		*wake = remote_post(r, p, node, link, 0, kicks);
	} else if (how == RELEASE_WAIT) {
		word_add(&r->kick, (uint64_t)1, seq_cst); /* [K2] */
		*wake = park_wakes(p, 0);
	}
	return how;
}

#endif
