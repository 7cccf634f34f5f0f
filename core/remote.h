/* SPDX-License-Identifier: MIT
 *
 * remote.h - what a thread that does not own the shard does to a timer.
 *
 * One compare-and-swap on the timer's word; sometimes a push on the inbox,
 * or a poke, and a wake. After its compare-and-swap a thread touches the
 * timer again only if it turned QUEUED on itself.
 */
#ifndef ROTA_CORE_REMOTE_H
#define ROTA_CORE_REMOTE_H

#include "core/inbox.h"
#include "core/park.h"
#include "core/state.h"

/* What remote threads write of a shard: a line of its own. */
struct remote {
	rota_link inbox;
	rota_word kick; /* earlier deadlines given to a timer on its way */
};

/* remote_post: push, then what park_wakes() says.
 * @poke is the counter as it was before the compare-and-swap. Its load may be
 * relaxed: who pokes has read what that compare-and-swap released, so the
 * load happens before the poke and cannot see it. */
rota_inline uint64_t
remote_post(struct remote *r, struct park *p, void *node, rota_slot *link,
    uint64_t by, uint64_t poke)
{
	inbox_push(&r->inbox, node, link);
	if (word_load(&r->kick, seq_cst) != poke) /* [K2] */
		by = 0;
	return park_wakes(p, by);
}

/* remote_reset: arm @node for @d, to be looked at by @by, with @push only if it
 * is armed already. False: nothing was changed. @was gets the word before,
 * @wake what park_wakes() says. */
rota_inline bool
remote_reset(struct remote *r, struct park *p, rota_word *word, void *node,
    rota_slot *link, uint64_t d, uint64_t by, bool push, uint64_t *was,
    uint64_t *wake)
{
	uint64_t poke = word_load(&r->kick, relaxed); /* [K2] */
	uint64_t is;

	*wake = 0;
	if (!state_reset(word, d, push, false, was, &is))
		return false;
	if (ST_POSTS(*was, is)) {
		*wake = remote_post(r, p, node, link, by, poke);
	} else if (ST_POKES(*was, is)) {
		word_add(&r->kick, (uint64_t)1, seq_cst); /* [K2] */
		*wake = park_wakes(p, by);
	}
	return true;
}

/* remote_release: give @node back through the owner, without delay. */
rota_inline enum state_release
remote_release(struct remote *r, struct park *p, rota_word *word, void *node,
    rota_slot *link, uint64_t *was, uint64_t *wake)
{
	uint64_t poke = word_load(&r->kick, relaxed); /* [K2] */
	enum state_release how = state_release(word, false, false, true, was);

	*wake = 0;
	if (how == RELEASE_POST) {
		*wake = remote_post(r, p, node, link, 0, poke);
	} else if (how == RELEASE_WAIT) {
		word_add(&r->kick, (uint64_t)1, seq_cst); /* [K2] */
		*wake = park_wakes(p, 0);
	}
	return how;
}

#endif
