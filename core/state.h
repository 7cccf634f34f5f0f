/* SPDX-License-Identifier: MIT
 *
 * state.h - the life of one timer in one 64-bit word.
 *
 *    63                              4    3       2      1      0
 *   +--------------------------------+-------+------+------+-----+
 *   | deadline, ns, kept after stop  |RELEASE|QUEUED|LINKED|ARMED|
 *   +--------------------------------+-------+------+------+-----+
 *
 * ARMED    it will fire at the deadline.
 * LINKED   the owner's heap or wheel has an entry for it.
 * QUEUED   it is on its shard's inbox or on the owner's stage, or just being
 *          put there.
 * RELEASE  its memory goes back when the inbox lets go of it: QUEUED is on.
 *
 * Invariant  LINKED implies filed at or before the deadline, or QUEUED is on.
 *            (Between a drain's compare-and-swap and its next line the owner
 *            may lag; only the owner looks at the structure.)
 *
 * Threads    the owner is the one thread that holds the shard; every other
 *            is remote. All may race on the word; only the owner files.
 *
 *   function      who     from                to                    order
 *   ------------- ------- ------------------- --------------------- -------
 *   state_stop    any     ARMED               ARMED off             acq_rel
 *   state_reset   any     LINKED, d >= old    d, ARMED              acq_rel
 *                 any     else, not QUEUED    d, ARMED, QUEUED      acq_rel
 *                 any     else, QUEUED        d, ARMED              acq_rel
 *   state_arm     owner   no bit on           d, ARMED, LINKED      acq_rel
 *   state_drain   owner   QUEUED, ARMED       QUEUED off, LINKED    acq_rel
 *                 owner   QUEUED, not ARMED   QUEUED, LINKED off    acq_rel
 *                 owner   RELEASE, running    as it was             -
 *   state_expire    owner   not ARMED           LINKED off            acq_rel
 *                 owner   ARMED, not yet due  as it was             -
 *                 owner   armed this poll     as it was             -
 *                 owner   ARMED, due          ARMED, LINKED off     acq_rel
 *   state_keep    owner   not ARMED           LINKED off            release
 *   state_release owner   not QUEUED          zero                  acq_rel
 *                 any     QUEUED              ARMED off, RELEASE    acq_rel
 *                 remote  not QUEUED          the same, QUEUED      acq_rel
 *   state_migrate   owner   LINKED, ARMED       LINKED off, QUEUED    release
 *                 owner   LINKED, not ARMED   LINKED off            release
 *
 * What the loser of a race sees: every function reads the word again and
 * takes the edge that starts there, so a stop that lost says so
 * (not ARMED: it fires, has fired, or was stopped), a reset that lost arms
 * anew, a look that lost looks again. Nobody waits for anybody.
 *
 * Orders, by pair; each is one half of an edge that relacy checks:
 * [P1] reset -> look       the callback sees what the resetter wrote.
 * [P2] reset -> stop       a stopper that prevented may take the data back.
 * [P3] look -> stop        who sees ARMED gone sees shard->running set; who
 *                          sees LINKED gone, what became of the claim.
 * [P4] stop -> reset       the next arming sees what the stopper wrote.
 * [P5] drain -> reset      the next pusher may write the link again.
 * [P6] release -> drain    `released` sees what the releaser wrote.
 *
 * No RUNNING bit: shard->running holds it, so a callback may free its own
 * timer. No "busy" state: a loser learns why and leaves, it never waits.
 * Where the entry is filed is the owner's alone and not in the word.
 *
 * A confined timer is touched by its owner only: @plain turns each
 * compare-and-swap into a load and a store. Armed from zero it is mostly filed
 * by the same call, as by a reset and a drain with nobody between them.
 *
 * From the ten states of Go 1.14 to 1.22 (runtime/time.go):
 *   timerNoStatus        zero: not ARMED, not LINKED
 *   timerWaiting         ARMED, LINKED
 *   timerRunning         not ARMED, and shard->running == t
 *   timerDeleted         not ARMED, LINKED
 *   timerRemoving        none: taking out is the owner's private act
 *   timerRemoved         not ARMED, not LINKED
 *   timerModifying       none: a modification is one compare-and-swap
 *   timerModifiedEarlier ARMED, QUEUED
 *   timerModifiedLater   ARMED, LINKED, filed before the deadline
 *   timerMoving          none: the word does not change when the owner refiles
 */
#ifndef ROTA_CORE_STATE_H
#define ROTA_CORE_STATE_H

#include "core/sys/atomic.h"

#define ST_ARMED ((uint64_t)1)
#define ST_LINKED ((uint64_t)2)
#define ST_QUEUED ((uint64_t)4)
#define ST_RELEASE ((uint64_t)8)
#define ST_SHIFT 4
#define ST_DEADLINE(word) ((word) >> ST_SHIFT)
/* 60 bits of ns: 36 years. The last instant stands for "never". */
#define ST_NEVER (UINT64_MAX >> ST_SHIFT)

/* A confined timer needs no locked instruction: nobody else looks. */
#define STATE_TRY(word, old, next, order, fail, confined)  \
	((confined) ? (word_store(word, next, relaxed), 1) \
		    : word_cas(word, old, next, order, fail))

#define ST_WAITS(word) ((word)&ST_RELEASE) /* for its release */

/* state_stop: turn ARMED off, if it is on in the word returned. Any thread. */
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

/* state_armed: the word @old becomes by a reset to @d. An entry filed at or
 * before @d stays where it is; else the owner has to look. Without a branch:
 * which it is cannot be foretold, and the word has just come from memory. */
rota_inline uint64_t
state_armed(uint64_t old, uint64_t d)
{
	uint64_t kept = (uint64_t)(d >= ST_DEADLINE(old)) & old >> 1;

	return d << ST_SHIFT | ST_ARMED | (old & (ST_LINKED | ST_QUEUED)) |
	    (~kept & 1) << 2;
}

/* state_reset: arm for @d (<= ST_NEVER), with @push only if it is armed.
 * False: released, or not armed, and nothing was changed. Any thread. @was
 * and @is get the word before and after; what they ask for say the three
 * below. Unless this call turned QUEUED on a remote caller must not touch the
 * timer again: it may be gone. */
rota_inline bool
state_reset(rota_word *word, uint64_t d, bool push, bool confined,
    uint64_t *was, uint64_t *is)
{
	uint64_t old = word_load(word, relaxed); /* the CAS checks it */

	do {
		if (rota_unlikely(ST_WAITS(old)))
			return false;
		if (rota_unlikely(push && !(old & ST_ARMED)))
			return false;
		*is = state_armed(old, d);
	} while (!STATE_TRY(word, &old, *is, acq_rel, relaxed,
	    confined)); /* [P1] [P2] [P4] [P5] */
	*was = old;
	return true;
}

/* This call turned QUEUED on: push the timer on the inbox or the stage. */
/* clang-format off: an & that is taken for an address */
#define ST_POSTS(was, is) ((is) & ~(was)&ST_QUEUED)
/* Somebody else is pushing it, maybe for a later deadline: poke. */
#define ST_POKES(was, is)          \
	((is) & (was)&ST_QUEUED && \
	    !((was)&ST_LINKED && (is) >> ST_SHIFT >= ST_DEADLINE(was)))
/* clang-format on */

/* state_arm: arm for @d (<= ST_NEVER) what has no bit on: a reset and a drain in
 * one step. The caller files it next; until then others find it LINKED, and only
 * the owner looks for its entry. False: a bit is on. Owner only. */
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
	EXPIRE_FIRE,   /* claimed: it fires now, and has no entry */
	EXPIRE_REFILE, /* still linked: file it again, at @d */
	EXPIRE_DROP,   /* no longer linked, nothing to do */
	EXPIRE_DEFER   /* still linked: keep its entry for the next poll */
};

/* How state_expire may claim. */
struct state_claim {
	uint64_t before;    /* it may fire if its deadline is before this */
	bool fresh;         /* it was armed since this poll began: not yet */
	rota_link *running; /* gets @self before the claim is seen [P3]; NULL:
			     * the timer is handed out, no callback runs */
	void *self;
};

/* state_expire: decide on a LINKED timer whose entry has come up. @is gets
 * the word it leaves. Owner only. */
rota_inline enum state_expire
state_expire(rota_word *word, struct state_claim c, bool confined, uint64_t *is)
{
	uint64_t old = word_load(word, relaxed); /* a CAS checks it, or it
						  * is only a later place */
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
		/* Before LINKED goes: a claim, or that one failed. It may hide
		 * what another owner's callback left: release hands that on.
		 * [P3], [R1] of core/shard.h */
		if (c.running && !confined) /* confined: nobody else asks */
			word_store(c.running,
			    how == EXPIRE_FIRE ? c.self : NULL, release);
	} while (!STATE_TRY(
	    word, &old, next, acq_rel, relaxed, confined)); /* [P1] [P3] */
	*is = next;
	return how;
}

/* state_keep: an entry is only being moved, not fired. True: file it again;
 * false: it was stopped and is no longer linked. @is gets the word it leaves.
 * Owner only. */
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
	DRAIN_INSERT,      /* now linked: insert it at its deadline */
	DRAIN_MOVE,        /* linked: see that it is filed by then */
	DRAIN_REMOVE,      /* no longer linked: take its entry out */
	DRAIN_NONE,        /* not armed, not linked */
	DRAIN_FREE,        /* released, not linked */
	DRAIN_FREE_REMOVE, /* released, no longer linked: take its entry out */
	DRAIN_BUSY /* released, but its callback runs: ask again later */
};

/* state_drain: the inbox or the stage lets go of the timer, and what is to be
 * done with it is settled in the same step. Owner only; the link must have
 * been read before: afterwards it is the next pusher's. @is gets the word it
 * leaves. With @running, which
 * cannot turn true while the caller is the owner, a release has to wait. */
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
	RELEASE_GONE, /* it was released before */
	RELEASE_BUSY, /* it would have to wait and may not */
	RELEASE_FREE, /* owner: free at once; @was says if it is linked */
	RELEASE_WAIT, /* the inbox will let go of it */
	RELEASE_POST  /* remote: push it on the inbox, then wake */
};

/* state_release: stop for good and ask for the memory back. Any thread; a
 * remote one must be prepared to wait. */
rota_inline enum state_release
state_release(
    rota_word *word, bool owner, bool confined, bool may_wait, uint64_t *was)
{
	uint64_t old = word_load(word, relaxed); /* the CAS checks it */
	uint64_t next;
	enum state_release how;

	do {
		if (ST_WAITS(old))
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

/* state_migrate: a LINKED timer leaves its structure without firing, to be
 * filed by another shard. True: push it on the inbox of its new shard;
 * false: it was not armed, or is being pushed already. Owner only, before
 * anybody hears of the new shard: what tells them hands over the rest, and
 * the link was last read by this owner. @is gets the word it leaves. */
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
