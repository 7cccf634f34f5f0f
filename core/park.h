/* SPDX-License-Identifier: MIT
 *
 * park.h - when a sleeping owner is woken, and by which thread.
 *
 * Before sleeping the owner publishes its wake-up time, sets `parked`, and
 * checks the inbox once more. A remote thread wakes the owner only if its timer
 * would be later than its slack at that time. A later deadline and a stop never
 * wake. If an adopter takes an earlier deadline out of the inbox, the adopter
 * wakes the owner [K3].
 *
 * The thread that wakes the owner clears `parked`, and then no other thread
 * wakes. It clears `parked` only after the wake: had it cleared first and been
 * stopped before the wake, no other thread would wake, and the owner would
 * sleep past what they arm. Threads that come at once may each wake the owner.
 * Sleeps are numbered, so that a thread that is late does not clear `parked` of
 * the next sleep.
 *
 * `kick` is for a timer that another thread is just pushing. A second thread
 * that gives the timer an earlier deadline cannot push it again, and the first
 * thread may be stopped before its push. So the second thread increments
 * `kick`, and the first wakes the owner if `kick` has changed since before its
 * own compare-and-swap.
 *
 * Invariant  no timer that would be later than its slack at `sleep_until` waits
 *            for the owner to wake by itself.
 * Threads    park_enter(), park_oversleeps() and park_leave(): the owner. The
 *            others: any.
 *
 * [K1] parked -> inbox  seq_cst on both sides, see [I2] in core/inbox.h.
 * [K2] kick -> pusher   seq_cst: either the kicking thread finds the owner
 *                       parked after the push, or the pusher sees the kick.
 * [K3] next -> parked   seq_cst on both sides: an adopter that took an earlier
 *                       deadline out of the inbox finds the owner parked, or
 *                       the owner, which found the inbox empty, sees `next`.
 */
#ifndef ROTA_CORE_PARK_H
#define ROTA_CORE_PARK_H

#include "core/sys/atomic.h"

struct park {
	rota_word sleep_until; /* ns on the engine clock; valid while parked */
	rota_word parked; /* number of the present or next sleep; 0: awake */
	uint64_t sleeps;  /* how many there were; the owner's own */
};

/* park_enter: the owner is about to sleep until @until. It must then check the
 * inbox, and must not sleep unless the inbox is empty. */
rota_inline void
park_enter(struct park *p, uint64_t until)
{
	word_store(&p->sleep_until, until, relaxed);  /* before parked */
	word_store(&p->parked, ++p->sleeps, seq_cst); /* [K1] [K3] */
}

/* park_oversleeps: has an adopter published in @next something that is due
 * before @until? The owner asks after park_enter() and the check of the inbox;
 * if so it must not sleep. */
rota_inline bool
park_oversleeps(rota_word *next, uint64_t until)
{
	return word_load(next, seq_cst) < until; /* [K3] */
}

/* park_leave: the owner is awake. A later park_woken() changes nothing. */
rota_inline void
park_leave(struct park *p)
{
	word_store(&p->parked, (uint64_t)0, relaxed); /* only spares a wake */
}

/* park_wakes: call it after a push or a kick for a timer that needs the owner
 * by @by. If the result is not 0 this thread must wake the owner, then pass the
 * result to park_woken(). */
rota_inline uint64_t
park_wakes(struct park *p, uint64_t by)
{
	uint64_t sleep = word_load(&p->parked, seq_cst); /* [K1] [K2] [K3] */

	if (!sleep || by >= word_load(&p->sleep_until, relaxed))
		return 0;
	return sleep;
}

/* park_publish: the lock owner of a shard that may be adopted publishes in
 * @next that nothing is due before @at. The result is that of park_wakes(). */
rota_inline uint64_t
park_publish(struct park *p, rota_word *next, uint64_t at)
{
	word_store(next, at, seq_cst); /* [K3] */
	return park_wakes(p, at);
}

/* park_woken: this thread has woken the owner from @sleep. */
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
