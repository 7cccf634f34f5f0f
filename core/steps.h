/* SPDX-License-Identifier: MIT
 *
 * steps.h - what one poll carries, and the parts that it is made of.
 */
#ifndef ROTA_CORE_STEPS_H
#define ROTA_CORE_STEPS_H

#include "core/hold.h"
#include "core/trace.h"

struct poll;

/* rota__cascade - empty the slots that start at the wheel's tick, from the highest
 * level down: what is due in that tick goes to the run, the rest further down the
 * wheel, or later. Then sort the run. False: no steps are left. */
bool rota__cascade(struct poll *p);
/* rota__cascade_early - pour what starts next, evenly, before it starts. */
void rota__cascade_early(struct poll *p);

/* rota__sweep - a part of a walk that takes stopped timers out, or gives memory
 * back. */
void rota__sweep(struct poll *p);

/* rota__defer_staged - what callbacks of a poll have staged for instants that had
 * come, while more is due than the poll may bring up: filed, it would come before
 * that, for ever if each callback does so again. */
void rota__defer_staged(struct rota_shard *s);

struct poll {
	struct rota_shard *s;
	uint64_t now;
	uint64_t budget; /* steps for each kind of work */
	uint64_t left;   /* of the kind under way */
	enum shard_role role;
	bool lost_lock;  /* another thread took hold during a callback */
	bool undeferred; /* what earlier polls deferred is being looked at */
	bool walked;     /* a sweep came to its end */
	struct rota_timer **out; /* NULL: call */
	unsigned room, given;
};

/* Out of steps, or of room in @out. */
rota_inline bool
no_more(const struct poll *p)
{
	return !p->left || (p->out && p->given == p->room);
}

#endif
