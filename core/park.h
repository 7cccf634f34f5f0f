/* SPDX-License-Identifier: MIT
 *
 * park.h - who wakes a sleeping owner, and when.
 *
 * The owner publishes until when it sleeps, says that it sleeps, and looks at
 * its inbox once more. A remote thread wakes it only if its own timer would be
 * later than its slack then. A later deadline and a stop never wake. Nor does it
 * oversleep what an adopter took out of the inbox.
 *
 * Who wakes it says so afterwards, and then nobody else does; not before, or a
 * thread that is stopped between the two would let the owner sleep past what
 * others arm. A few that come at once may each wake it. Sleeps are numbered,
 * so that who is late with that does not take the next one for awake.
 *
 * `kick` is for a thread that finds QUEUED on already: it gives the timer an
 * earlier deadline, but the push is another thread's, who may be stopped just
 * before it. The pusher therefore wakes the owner also if `kick` moved since
 * before its own compare-and-swap.
 *
 * [K1] parked -> inbox  seq_cst on both sides, see [I2] in core/inbox.h.
 * [K2] poke -> pusher   seq_cst: either the poker finds the owner parked
 *                       behind the push, or the pusher sees the poke.
 * [K3] next -> parked   seq_cst on both sides: an adopter that took something
 *                       earlier out of the inbox finds the owner parked, or
 *                       the owner, who found the inbox empty, sees `next`.
 */
#ifndef ROTA_CORE_PARK_H
#define ROTA_CORE_PARK_H

#include "core/sys/atomic.h"

struct park {
	rota_word sleep_until; /* ns on the engine clock; valid while parked */
	rota_word parked; /* which sleep the owner is in or about to be; 0 */
	uint64_t sleeps;  /* the owner's: so many */
};

/* park_enter: the owner is about to sleep until @until. It must then look at
 * the inbox, and not sleep if there is something. */
rota_inline void
park_enter(struct park *p, uint64_t until)
{
	word_store(&p->sleep_until, until, relaxed);  /* before parked */
	word_store(&p->parked, ++p->sleeps, seq_cst); /* [K1] [K3] */
}

/* park_leave: the owner is awake. A wake that is under way finds nothing. */
rota_inline void
park_leave(struct park *p)
{
	word_store(&p->parked, (uint64_t)0, relaxed); /* only spares a wake */
}

/* park_wakes: after a push or a poke of what the owner has to look at at @by.
 * Not 0: this thread has to wake the owner, then to call park_woken() with
 * that. */
rota_inline uint64_t
park_wakes(struct park *p, uint64_t by)
{
	uint64_t sleep = word_load(&p->parked, seq_cst); /* [K1] [K2] [K3] */

	if (!sleep || by >= word_load(&p->sleep_until, relaxed))
		return 0;
	return sleep;
}

/* park_woken: the owner was woken from @sleep. */
rota_inline void
park_woken(struct park *p, uint64_t sleep)
{
	uint64_t is = sleep;

	/* Only spares a wake. */
	while (!word_cas(&p->parked, &is, (uint64_t)0, relaxed, relaxed))
		if (is != sleep)
			break;
}

#endif
