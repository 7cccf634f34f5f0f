/* SPDX-License-Identifier: MIT
 *
 * state.h - the life of one timer in one 64-bit word.
 *
 *    63                              4    3       2      1      0
 *   +--------------------------------+-------+------+------+-----+
 *   | deadline, ns, kept after stop  |RELEASE|QUEUED|LINKED|ARMED|
 *   +--------------------------------+-------+------+------+-----+
 *
 * ARMED    the timer will fire at the deadline.
 * LINKED   the shard's structure has an entry for the timer.
 * QUEUED   the timer is in its shard's inbox or staging buffer, or is just
 *          being put there.
 * RELEASE  the timer's memory goes back when it leaves the inbox or the staging
 *          buffer. QUEUED is on.
 *
 * Invariant  if LINKED is on, the key of the entry is at or before the
 *            deadline, unless QUEUED is on. (The lock owner updates the
 *            structure just after its compare-and-swap; no other thread reads
 *            the structure.)
 *
 * Threads    the lock owner; every other thread is remote here. All may race on
 *            the word; only the lock owner changes the structure.
 *
 *   function      who        from                to                   order
 *   ------------- ---------- ------------------- -------------------- -------
 *   state_stop    any        ARMED               ARMED off            acq_rel
 *   state_reset   any        LINKED, d >= old    d, ARMED             acq_rel
 *                 any        else, not QUEUED    d, ARMED, QUEUED     acq_rel
 *                 any        else, QUEUED        d, ARMED             acq_rel
 *   state_arm     lock owner no bit on           d, ARMED, LINKED     acq_rel
 *   state_drain   lock owner QUEUED, ARMED       QUEUED off, LINKED   acq_rel
 *                 lock owner QUEUED, not ARMED   QUEUED, LINKED off   acq_rel
 *                 lock owner RELEASE, running    as it was            -
 *   state_expire  lock owner not ARMED           LINKED off           acq_rel
 *                 lock owner ARMED, not yet due  as it was            -
 *                 lock owner armed this poll     as it was            -
 *                 lock owner ARMED, due          ARMED, LINKED off    acq_rel
 *   state_keep    lock owner not ARMED           LINKED off           release
 *   state_release lock owner not QUEUED          zero                 acq_rel
 *                 any        QUEUED              ARMED off, RELEASE   acq_rel
 *                 remote     not QUEUED          the same, QUEUED     acq_rel
 *   state_migrate lock owner LINKED, ARMED       LINKED off, QUEUED   release
 *                 lock owner LINKED, not ARMED   LINKED off           release
 *
 * Losing a race: if its compare-and-swap fails, a function reads the word again
 * and takes the edge that starts at the new word. So a stop that lost reports
 * that (not ARMED: the timer fires, has fired, or was stopped), a reset that
 * lost arms anew, and state_expire() decides again. No thread waits for
 * another.
 *
 * Orders, by pair; each is one half of an edge that relacy checks:
 * [P1] reset -> expire     the callback sees what the resetter wrote.
 * [P2] reset -> stop       a stopper that prevented the callback may take the
 *                          data back.
 * [P3] expire -> stop      a thread that sees ARMED off sees shard->running
 *                          set; a thread that sees LINKED off sees the outcome
 *                          of the claim.
 * [P4] stop -> reset       the next arming sees what the stopper wrote.
 * [P5] drain -> reset      the next pusher may write the link again. drain ->
 *                          end of a pooled timer: the inbox reads it no more.
 * [P6] release -> drain    `released` sees what the releaser wrote.
 *
 * There is no RUNNING bit: shard->running names the timer whose callback runs,
 * so a callback may free its own timer. There is no "busy" state: a loser
 * learns why and leaves, it never waits. The entry's place is the lock owner's
 * own and is not in the word.
 *
 * A confined timer is touched by its owner only: @confined turns each
 * compare-and-swap into a load and a store. A reset from zero mostly inserts
 * the entry in the same call, like a reset and a drain with nothing in between.
 *
 * From the ten states of Go 1.14 to 1.22 (runtime/time.go):
 *   timerNoStatus        zero: not ARMED, not LINKED
 *   timerWaiting         ARMED, LINKED
 *   timerRunning         not ARMED, and shard->running == t
 *   timerDeleted         not ARMED, LINKED
 *   timerRemoving        none: removing an entry is the lock owner's own act
 *   timerRemoved         not ARMED, not LINKED
 *   timerModifying       none: a modification is one compare-and-swap
 *   timerModifiedEarlier ARMED, QUEUED
 *   timerModifiedLater   ARMED, LINKED, a stale entry
 *   timerMoving          none: moving an entry leaves the word as it is
 */
#ifndef ROTA_CORE_STATE_H
#define ROTA_CORE_STATE_H

#include "core/sys/atomic.h"

#define ST_ARMED ((uint64_t)1)
#define ST_LINKED ((uint64_t)2)
#define ST_QUEUED ((uint64_t)4)
#define ST_RELEASE ((uint64_t)8)
#define ST_SHIFT 4
#define ST_FLAGS (((uint64_t)1 << ST_SHIFT) - 1)
#define ST_DEADLINE(word) ((word) >> ST_SHIFT)
/* 60 bits of ns: 36 years. The last instant stands for "never". */
#define ST_NEVER (UINT64_MAX >> ST_SHIFT)

/* A confined timer needs no locked instruction: no other thread has its
 * word. */
#define STATE_TRY(word, old, next, order, fail, confined)  \
	((confined) ? (word_store(word, next, relaxed), 1) \
		    : word_cas(word, old, next, order, fail))

/* state_releasing: is the timer's release under way? */
rota_inline bool
state_releasing(uint64_t word)
{
	return word & ST_RELEASE;
}

/* state_stop: turn ARMED off. Returns the word before, in which ARMED is on if
 * this call turned it off. Any thread. */
rota_inline uint64_t
state_stop(rota_word *word, bool confined)
{
	uint64_t old = word_load(word, acquire); /* [P3] */

	while (old & ST_ARMED) {
		if (STATE_TRY(word, &old, old & ~ST_ARMED, acq_rel, acquire,
			confined)) /* [P2] [P4], on failure [P3] */
			break;
	}
	return old;
}

/* state_armed: the word that a reset to @d makes of @old. An entry stays if @d
 * is not before the old deadline; else QUEUED is on, for the lock owner to move
 * or insert the entry. Branch-free: the outcome is unpredictable, and a
 * misprediction would stall on the load of the word. */
rota_inline uint64_t
state_armed(uint64_t old, uint64_t d)
{
	uint64_t kept = (uint64_t)(d >= ST_DEADLINE(old)) & old >> 1;

	return d << ST_SHIFT | ST_ARMED | (old & (ST_LINKED | ST_QUEUED)) |
	    (~kept & 1) << 2;
}

/* state_reset: arm for @d (<= ST_NEVER); with @push only if the timer is armed.
 * False: nothing was changed, for the timer is released, or not armed. Any
 * thread. @was and @is get the word before and after; state_must_push() and
 * state_must_kick() say what the caller must do next. Unless this call turned
 * QUEUED on, a remote caller must not touch the timer again: it may be gone. */
rota_inline bool
state_reset(rota_word *word, uint64_t d, bool push, bool confined,
    uint64_t *was, uint64_t *is)
{
	uint64_t old = word_load(word, relaxed); /* the CAS checks it */

	do {
		if (rota_unlikely(state_releasing(old)))
			return false;
		if (rota_unlikely(push && !(old & ST_ARMED)))
			return false;
		*is = state_armed(old, d);
	} while (!STATE_TRY(word, &old, *is, acq_rel, relaxed,
	    confined)); /* [P1] [P2] [P4] [P5] */
	*was = old;
	return true;
}

/* state_must_push: the reset that changed @was to @is turned QUEUED on. Push
 * the timer on the inbox, or put it in the staging buffer. */
rota_inline bool
state_must_push(uint64_t was, uint64_t is)
{
	return is & ~was & ST_QUEUED;
}

/* state_must_kick: another thread is pushing the timer, maybe for a later
 * deadline. Kick. */
rota_inline bool
state_must_kick(uint64_t was, uint64_t is)
{
	return is & was & ST_QUEUED &&
	    !(was & ST_LINKED && is >> ST_SHIFT >= ST_DEADLINE(was));
}

/* state_arm: arm a timer that has no bit on for @d (<= ST_NEVER): a reset and a
 * drain in one step. The caller then inserts the entry. Until it has, other
 * threads find LINKED on, but only the lock owner uses the entry. False: a bit
 * is on. Lock owner only. */
rota_inline bool
state_arm(rota_word *word, uint64_t d)
{
	uint64_t old = word_load(word, relaxed); /* the CAS checks it */

	while (!(old & (ST_ARMED | ST_LINKED | ST_QUEUED | ST_RELEASE))) {
		if (word_cas(word, &old, d << ST_SHIFT | ST_ARMED | ST_LINKED,
			acq_rel, relaxed)) /* [P1] [P2] [P4] */
			return true;
	}
	return false;
}

enum state_expire {
	EXPIRE_FIRE,   /* claimed, LINKED off: the timer fires now */
	EXPIRE_REFILE, /* still LINKED: move its entry to the deadline */
	EXPIRE_DROP,   /* LINKED off: it was stopped, its entry goes */
	EXPIRE_DEFER   /* still LINKED: defer its entry */
};

/* How state_expire() may claim. */
struct state_claim {
	uint64_t before; /* the timer may fire if its deadline is before this */
	bool fresh; /* the timer was armed since this poll began: not yet */
	rota_link *running; /* gets @self before another thread sees the claim
			     * [P3]; NULL: the timer is handed out, no callback
			     * runs */
	void *self;
};

/* state_expire: decide on a LINKED timer whose entry has come up. @is gets the
 * word after. Lock owner only. */
rota_inline enum state_expire
state_expire(rota_word *word, struct state_claim c, bool confined, uint64_t *is)
{
	uint64_t old = word_load(word, relaxed); /* a CAS checks it, or
						  * the entry only moves */
	uint64_t next;
	enum state_expire how;

	do {
		*is = old;
		next = old & ~ST_LINKED;
		if (!(old & ST_ARMED)) {
			how = EXPIRE_DROP;
		} else if (ST_DEADLINE(old) >= c.before) {
			return EXPIRE_REFILE;
		} else if (rota_unlikely(c.fresh)) {
			return EXPIRE_DEFER;
		} else {
			how = EXPIRE_FIRE;
			next &= ~ST_ARMED;
		}
		/* Stored before LINKED goes off: the claim, or NULL if an
		 * earlier try to claim failed. The store may hide the one by
		 * which the callback of an earlier poll ended: release passes
		 * on what that callback wrote. [P3], [R1] of core/shard.h */
		if (c.running && !confined) /* confined: no other reader */
			word_store(c.running,
			    how == EXPIRE_FIRE ? c.self : NULL, release);
	} while (!STATE_TRY(
	    word, &old, next, acq_rel, relaxed, confined)); /* [P1] [P3] */
	*is = next;
	return how;
}

/* state_keep: an entry was taken out to be moved. True: insert it again. False:
 * the timer was stopped, and LINKED is off now. @is gets the word after. Lock
 * owner only. */
rota_inline bool
state_keep(rota_word *word, bool confined, uint64_t *is)
{
	uint64_t old = word_load(word, relaxed); /* as in state_expire() */

	do {
		*is = old;
		if (old & ST_ARMED)
			return true;
		*is = old & ~ST_LINKED;
	} while (
	    !STATE_TRY(word, &old, *is, release, relaxed, confined)); /* [P3] */
	return false;
}

enum state_drain {
	DRAIN_INSERT,      /* LINKED now: insert its entry, at the deadline */
	DRAIN_MOVE,        /* LINKED: move its entry if the key is later */
	DRAIN_REMOVE,      /* LINKED off now: remove its entry */
	DRAIN_NONE,        /* not ARMED, not LINKED */
	DRAIN_FREE,        /* released, not LINKED */
	DRAIN_FREE_REMOVE, /* released, LINKED off now: remove its entry */
	DRAIN_BUSY         /* released, but its callback runs: retry later */
};

/* state_drain: the timer leaves the inbox or the staging buffer; the same step
 * decides what the caller has to do with it. Lock owner only. The caller must
 * have read the link before: afterwards it is the next pusher's. @running: the
 * timer's callback runs, so its release has to wait; this cannot turn true
 * while the caller is the lock owner. @is gets the word after. */
rota_inline enum state_drain
state_drain(rota_word *word, bool confined, bool running, uint64_t *is)
{
	uint64_t old = word_load(word, relaxed); /* the CAS checks it */
	uint64_t next;
	enum state_drain how;

	do {
		*is = old;
		next = old & ~(ST_QUEUED | ST_LINKED);
		if (old & ST_ARMED) {
			next |= ST_LINKED;
			how = old & ST_LINKED ? DRAIN_MOVE : DRAIN_INSERT;
		} else if (rota_unlikely(old & ST_RELEASE)) {
			if (running)
				return DRAIN_BUSY;
			how = old & ST_LINKED ? DRAIN_FREE_REMOVE : DRAIN_FREE;
		} else {
			how = old & ST_LINKED ? DRAIN_REMOVE : DRAIN_NONE;
		}
	} while (!STATE_TRY(
	    word, &old, next, acq_rel, relaxed, confined)); /* [P5] [P6] */
	*is = next;
	return how;
}

enum state_release {
	RELEASE_GONE, /* the timer was released before */
	RELEASE_BUSY, /* the release would have to wait, and may not */
	RELEASE_FREE, /* lock owner: free it now; @was says if it is LINKED */
	RELEASE_WAIT, /* it is freed when QUEUED goes off */
	RELEASE_POST  /* remote: push it on the inbox, then wake the owner */
};

/* state_release: stop the timer for good and ask for its memory back. Any
 * thread. A remote thread must pass @may_wait. */
rota_inline enum state_release
state_release(
    rota_word *word, bool owner, bool confined, bool may_wait, uint64_t *was)
{
	uint64_t old = word_load(word, relaxed); /* the CAS checks it */
	uint64_t next;
	enum state_release how;

	do {
		if (state_releasing(old))
			return RELEASE_GONE;
		next = (old & ~ST_ARMED) | ST_RELEASE | ST_QUEUED;
		if (old & ST_QUEUED) {
			if (!may_wait)
				return RELEASE_BUSY;
			how = RELEASE_WAIT;
		} else if (owner) {
			how = RELEASE_FREE;
			next = 0;
		} else {
			how = RELEASE_POST;
		}
	} while (!STATE_TRY(
	    word, &old, next, acq_rel, relaxed, confined)); /* [P2] [P5] [P6] */
	*was = old;
	return how;
}

/* state_migrate: a LINKED timer leaves its structure without firing, for
 * another shard. True: push it on the inbox of the new shard. False: it was not
 * armed, or another thread is pushing it already. @is gets the word after.
 * Lock owner only, before any other thread can know the new shard: the store
 * that tells them publishes the rest too, and this lock owner was the last to
 * read the link. */
rota_inline bool
state_migrate(rota_word *word, uint64_t *is)
{
	uint64_t old = word_load(word, relaxed); /* the CAS checks it */

	do {
		*is = old & ~ST_LINKED;
		if (old & ST_ARMED)
			*is |= ST_QUEUED;
	} while (!word_cas(word, &old, *is, release, relaxed)); /* [P3] */
	return (old & ST_ARMED) && !(old & ST_QUEUED);
}

#endif
