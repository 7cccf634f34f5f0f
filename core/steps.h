/* SPDX-License-Identifier: MIT
 *
 * steps.h - the state of one poll, and the parts that the poll is made of.
 *
 * Invariant  each part takes no more steps than `left`, and stops when the lock
 *            is lost.
 * Threads    the lock owner.
 */
#ifndef ROTA_CORE_STEPS_H
#define ROTA_CORE_STEPS_H

#include "core/lock_owner.h"
#include "core/trace.h"

struct poll;

/* rota__cascade - empty the slots that start at the wheel's tick, from the
 * highest level down: what is due in that tick goes to the run, the rest
 * further down the wheel, or to a later slot. Then sort the run. False: no
 * steps are left. */
bool rota__cascade(struct poll *p);
/* rota__cascade_early - cascade the slots that start next, evenly, before they
 * start. */
void rota__cascade_early(struct poll *p);

/* rota__sweep - a part of a sweep, which takes zombies out once they are many
 * and goes on from poll to poll; or a part of giving memory back. */
void rota__sweep(struct poll *p);

/* rota__defer_staged - due timers are left: defer what callbacks armed for
 * instants that had come. Enqueued, that would come up before the timers left,
 * for ever if each callback does so again. */
void rota__defer_staged(struct rota_shard *s);

struct poll {
	struct rota_shard *s;
	uint64_t now;
	uint64_t budget; /* steps for each kind of work */
	uint64_t left;   /* of the kind under way */
	enum shard_role role;
	bool lost_lock; /* another thread took the lock in a callback */
	bool walked;    /* a sweep came to its end */
	struct rota_timer **out; /* NULL: call */
	unsigned room, given;
};

/* No steps are left, or no room in @out. */
rota_inline bool
no_more(const struct poll *p)
{
	return !p->left || (p->out && p->given == p->room);
}

/* spend: subtract the steps of one entry: 1, or backend_cost() if @in_heap and
 * the heap is large. With fewer left the entry is handled all the same. */
rota_inline void
spend(struct poll *p, bool in_heap)
{
	uint64_t more;

	p->left--;
	if (in_heap && rota_unlikely(backend_dear(&p->s->queue))) {
		more = backend_cost(&p->s->queue) - 1;
		p->left -= more < p->left ? more : p->left;
	}
}

#endif
