/* SPDX-License-Identifier: MIT
 *
 * shard.h - one heap or wheel with its inbox, its clock and its owner.
 *
 * Only the thread that holds a shard looks at its structure. An owner that
 * attached holds it all the time; with ROTA_ADOPT it takes hold for one
 * operation or for the stretch of a poll between two callbacks, and so may
 * one adopter. Everybody else goes through the timer's word and the inbox.
 *
 * What a shard's owner writes, what remote threads write, and what the owner
 * writes for them to read stand on lines of their own.
 *
 * Orders
 * [H1] hold -> hold     the next holder sees the structure as it was left.
 * [C1] closing -> init  seq_cst: either an init sees that its shard retires,
 *                       or the retirement counts its timer; who finds that
 *                       its count has moved sees where.
 * [X1] room -> init     seq_cst: trimming lowers `room`, then counts timers; an
 *                       init counts its timer, then reads `room`. So either
 *                       the trimming finds the init's timer, and that it has
 *                       room all the same, or puts `room` back; or the init
 *                       finds `room` lowered, and makes room if it is beyond.
 * [F1] ranked -> stat   who reads how many were ranked reads of as many, or
 *                       more, what they were: starts, or drained.
 * [R1] running -> stop  a stop that did not prevent, and finds the timer not
 *                       running, sees what its callback wrote.
 * [R2] ended -> stop    so does one that waited, and finds that a callback has
 *                       ended since, though the timer runs again.
 */
#ifndef ROTA_CORE_SHARD_H
#define ROTA_CORE_SHARD_H

#include <rota/engine.h>

#include "core/backend.h"
#include "core/clock.h"
#include "core/sys/lock.h"
#include "core/objects.h"
#include "core/kind.h"
#include "core/remote.h"
#include "core/self.h"
#include "core/sys/wake.h"

/* The last instant that a poll can have, and a deadline: at the last tick,
 * which has ST_NEVER in it, nothing fires. */
#define SHARD_LAST (((BACKEND_LAST_TICK) << WHEEL_TICK_BITS) - 1)

/* Timers that the holder armed and that wait to be filed together: enough to
 * overlap their cache misses, little enough to stay in the first-level cache
 * (a line each). */
#define SHARD_STAGE 64

/* What a shard counts; one writer each: the holder. */
struct shard_count {
	uint64_t fires;
	uint64_t inserts, moves, dropped, swept, drained;
	uint64_t polls, steps, late_max, late_sum;
};

/* Memory on its way back: core/trim.c. The holder's. */
struct shard_trim {
	uint64_t room, was; /* room was lowered to this; from this */
	bool cut;           /* all in use is below; blocks go back */
	struct backend_lower lower;
};

/* Who polls: the owner or the one adopter. Each has a callback at most. */
enum shard_role { ROLE_OWNER, ROLE_ADOPTER, ROLES };

/* What a thread is doing for rota: the innermost callback that it runs. */
struct rota_self {
	struct rota_shard *shard; /* NULL: it runs none */
	enum shard_role role;
	const struct rota_self *before; /* the one that this is inside: in the
					 * shard, not on a stack that may end */
};

/* What polls have to do when nothing is due. */
enum shard_chore {
	SHARD_SWEEPS = 1, /* a walk is under way */
	SHARD_TRIMS = 2   /* memory may go back */
};

struct rota_shard {
	/* Read by everybody, written seldom. */
	const struct rota_engine *engine; /* whose it is, no more */
	const struct rota_config *config;
	struct clock *clock;
	const rota_word *alive; /* 0 in the child of a fork */
	rota_word lock_owner;   /* identity of who may touch the structure */
	rota_word attached;     /* identity of the owner, 0: none; written
				 * under the lock */
	rota_link target;       /* where a retired shard's timers went */
	enum rota_backend backend;
	bool adoptable;
	uint32_t index;
	uint64_t number; /* its engine's */

	/* The holder's. */
	_Alignas(ROTA_LINE) rota_word now; /* of the latest poll */
	struct rota_hot hot;
	uint64_t staging_len;
	struct rota_timer *staging[SHARD_STAGE]; /* armed here, not yet filed */
	uint64_t poll_seq; /* of the latest before this poll */
	uint64_t
	    idle_until; /* a poll before this instant, which is after the latest
			 * poll's, has nothing to do; or 0 */
	uint64_t
	    heed; /* at or after `idle_until` and, while it is not 0, `alarm`:
			* what comes up before this is looked at closer */
	uint64_t idle_stops; /* unless there were more stops than this */
	uint64_t lead;       /* a poll from then on may have to pour ahead */
	uint64_t
	    fronted;   /* what `idle_until` was after the last look: front.c */
	uint64_t owed; /* until then a park has fewer looks: core/front.c */
	rota_word alarm; /* the owner sleeps until then, or is about to: what
			  * it arms itself, and would be later than its slack
			  * then, wakes it. 0: it is awake. The owner's; an
			  * adopter may read it */
	struct rota_timer *taken;   /* from the inbox, last come first */
	struct rota_timer *backlog; /* turned round: first come first */
	struct rota_timer
	    *deferred_releases; /* released, QUEUED; their callback runs */
	struct backend_cursor sweep;
	bool others; /* the latest poll brought back what was deferred, and has
		      * left what is due */
	unsigned chores; /* SHARD_SWEEPS, SHARD_TRIMS */
	struct shard_count count;
	struct queue queue;

	/* Written by the owner for others to read. */
	_Alignas(ROTA_LINE) struct park park;
	rota_link running[ROLES]; /* the timer whose callback runs, or is about
				   * to: then as running_claiming() */
	rota_word ended[ROLES];   /* callbacks that have run */
	struct rota_self outer[ROLES]; /* what its poll is inside; its own */
	rota_word adopter;             /* identity of the adopter, 0: none */
	rota_word next;    /* earliest deadline known: adopters go by
				   * it, and an owner that has them */
	rota_word entries; /* filed, as of the latest poll */

	/* Written by remote threads. */
	_Alignas(ROTA_LINE) struct remote remote;
	rota_word pushes, starts, stops;
	rota_word wakes, adopted;
	rota_word inherited; /* armed timers that retiring moved here; modulo */

	/* Under the lock: growing, kinds. */
	_Alignas(ROTA_LINE) rota_word timers; /* initialised; atomic */
	rota_word room;                       /* for this many; atomic */
	rota_word below; /* with fewer timers a poll gives memory back; written
			  * under the lock */
	rota_link closing; /* it retires: no more timers here but there; or
			    * itself, while it asks there for room */
	rota_link former;  /* the latest that retired to it; atomic */
	rota_link sibling; /* what had been that of its heir; atomic */
	rota_word told;    /* the most pushes by the holder that stat told */
	rota_word bytes;
	pthread_mutex_t lock;
	struct life *life;   /* the owner's; NULL: of none, or of a driver */
	uint64_t reserved;   /* room that stays, if only a call gives it back */
	rota_word abandoned; /* 1: in the middle of its filing, for good */
	rota_word slack_least,
	    slack_most; /* ns: of all timers it had; atomic */
	struct rota_kind *kinds;
	pthread_mutex_t *retiring; /* the engine's: one at a time, or its heir
				    * might go as well */
	struct wake wake;
	struct rota_mem mem;
	rota_word said; /* core/misuse.h */
	struct shard_trim trim;
};

extern _Thread_local struct rota_self rota__self
    __attribute__((tls_model("initial-exec")));

/* shard_forked: is this the child of a fork? Nothing but the end of its engine
 * is left for it there. */
rota_inline bool
shard_forked(const struct rota_shard *s)
{
	return rota_unlikely(!word_load(s->alive, relaxed)); /* own process */
}

/* The backend as a constant in each branch. */
#define SHARD_SWITCH(s, call)                                                \
	do {                                                                 \
		switch ((s)->backend) {                                      \
		case ROTA_HEAP: {                                            \
			const enum rota_backend BACKEND = ROTA_HEAP;         \
			call;                                                \
			break;                                               \
		}                                                            \
		case ROTA_WHEEL: {                                           \
			const enum rota_backend BACKEND = ROTA_WHEEL;        \
			call;                                                \
			break;                                               \
		}                                                            \
		case ROTA_WHEEL_COARSE: {                                    \
			const enum rota_backend BACKEND = ROTA_WHEEL_COARSE; \
			call;                                                \
			break;                                               \
		}                                                            \
		}                                                            \
	} while (0)

/* shard_set_key: the entry of @t, whose deadline is @d, comes up at @when: after
 * @d, if the wheel is coarse. A reset to @d must leave it there all the same. */
rota_inline void
shard_set_key(
    const struct rota_kind *k, struct rota_timer *t, uint64_t d, uint64_t when)
{
	object_linked(t, true);
	if (kind_confined(k)) /* or another thread may have the link */
		t->r_key = when < d ? when : d;
}

rota_inline void
shard_remove(struct rota_shard *s, struct rota_timer *t)
{
	object_spare(s, t);
	SHARD_SWITCH(s, backend_remove(&s->queue, BACKEND, &t->r_place));
	object_linked(t, false);
}

/* rota__shard_init - @s is zero but for what the engine set: engine, config,
 * clock, alive, index, number, retiring. 0 or -errno; on error nothing is left
 * behind. */
int rota__shard_init(struct rota_shard *s);
/* rota__shard_destroy - its memory goes back. In the child of a fork no lock is
 * touched: a thread of the parent may have it. */
void rota__shard_destroy(struct rota_shard *s);
/* rota__shard_leave - the owner gives @s up, if in the middle of a callback of
 * it, that it will not come back from. */
void rota__shard_leave(struct rota_shard *s);
/* rota__shard_open - make what a sleep needs: 0, -errno. */
int rota__shard_open(struct rota_shard *s);
/* rota__shard_wait - rota_shard_wait() on any clock but the caller's. */
int rota__shard_wait(struct rota_shard *s, rota_time limit);
/* rota__shard_reserve - room for @n timers in all, which stays by itself for
 * @reserved: 0, -ENOMEM, -ENOSPC. */
int rota__shard_reserve(struct rota_shard *s, uint64_t n, uint64_t reserved);
/* rota__shard_grow - room for @n timers in all: 0, -ENOMEM, -ENOSPC. */
int rota__shard_grow(struct rota_shard *s, uint64_t n);
/* rota__shard_below - core/trim.c. Say anew when memory goes back by itself:
 * `room` or `reserved` has changed. rota__shard_call_off - room for @n timers is
 * to be made, for which there are blocks: the room that they make. Both under
 * the lock. */
void rota__shard_below(struct rota_shard *s);
uint64_t rota__shard_call_off(struct rota_shard *s, uint64_t n);
/* rota__shard_trim - give memory back, or go on with that, in at most @most
 * looks and no more than is good for a poll. Returns how many. The holder. */
uint64_t rota__shard_trim(struct rota_shard *s, uint64_t most);
/* shard_trims: has a poll memory to give back? */
rota_inline bool
shard_trims(const struct rota_shard *s)
{
	return word_load(&s->timers, relaxed) <
	    word_load(&s->below, relaxed); /* a count and a hint */
}

/* rota__shard_attach - as rota_shard_attach(), but nothing is reported. */
int rota__shard_attach(struct rota_shard *s);
/* rota__shard_forward - what is in the inbox of @s, which has retired, goes to
 * that of its target. The kick is for a thread that pushes on the target's inbox
 * what the caller found QUEUED on @s. [K2] */
void rota__shard_forward(struct rota_shard *s, struct rota_shard *target);
/* rota__shard_pushed - after a push on @s's inbox, park_wakes() having said
 * @wake: wake its owner if so;
 * if @s has retired, pass on what is there. Any thread. */
void rota__shard_pushed(struct rota_shard *s, uint64_t wake);
/* rota__shard_publish_next - of a shard that others may adopt: nothing has to be
 * polled before @next. An owner that sleeps for longer is woken. The holder. */
void rota__shard_publish_next(struct rota_shard *s, uint64_t next);
/* rota__shard_free - end of a release: @t is the user's again. */
void rota__shard_free(
    struct rota_shard *s, struct rota_kind *k, struct rota_timer *t);
/* rota__shard_drop - adds to *@lost the entries whose memory is no timer any
 * more; forget all timers; returns how many were armed, each
 * reported through the engine's leak hook. */
uint64_t rota__shard_drop(struct rota_shard *s, uint64_t *lost);
/* shard_publish_entries: bring what others see up to date. The holder. */
rota_inline void
shard_publish_entries(struct rota_shard *s)
{
	word_store(&s->entries, backend_len(&s->queue), relaxed); /* figure */
}

/* shard_next_seq: the rank of an arming that happens now, and is counted as a start
 * or as drained, if it is one. The holder. */
rota_inline uint32_t
shard_next_seq(struct rota_shard *s)
{
	uint64_t seq = word_load(&s->hot.seq, relaxed) + 1; /* its own */

	word_store(&s->hot.seq, seq, release); /* [F1] */
	return (uint32_t)seq;
}

/* shard_assign_seq: @t ranks as the latest. */
rota_inline void
shard_assign_seq(struct rota_shard *s, struct rota_timer *t)
{
	t->r_seq = shard_next_seq(s);
}

/* shard_former: the next after @f, from @s on, of those whose timers went to @s,
 * if by way of others; NULL: there are no more. */
rota_inline struct rota_shard *
shard_former(struct rota_shard *s, struct rota_shard *f)
{
	struct rota_shard *next = word_load(&f->former, acquire); /* retire */

	while (!next && f != s) {
		next = word_load(&f->sibling, relaxed); /* stored before */
		f = word_load(&f->target, acquire);
	}
	return next;
}

/* shard_fresh: was @t armed since the poll under way began? Also said of a
 * timer that a whole round of ranks, give or take this poll's, has passed by:
 * it then waits for the next poll, once. */
rota_inline bool
shard_fresh(const struct rota_shard *s, const struct rota_timer *t)
{
	uint64_t armed = word_load(&s->hot.seq, relaxed) - s->poll_seq;

	return seq_after(t->r_seq, (uint32_t)s->poll_seq + 1) < armed;
}

/* shard_stops: all there were, a snapshot. */
rota_inline uint64_t
shard_stops(const struct rota_shard *s)
{
	return word_load(&s->hot.stops, relaxed) +
	    word_load(&s->stops, relaxed); /* figures */
}

/* rota__shard_send - @t, QUEUED and in no inbox, whose word is @is, goes from @s
 * to the inbox of the shard of @to: that shard. *@wake gets what
 * rota__shard_pushed() is to be told, without a lock. */
struct rota_shard *rota__shard_send(struct rota_shard *s, struct rota_timer *t,
    struct rota_kind *to, uint64_t is, uint64_t *wake);

/* rota__shard_alarm - the owner armed a timer that would be later than its
 * slack at the instant until which it said that it sleeps. (What stays filed
 * would not: core/front.c goes by its entry.) */
void rota__shard_alarm(struct rota_shard *s);

/* shard_unpark: the owner is awake. */
rota_inline void
shard_unpark(struct rota_shard *s)
{
	word_store(&s->alarm, (uint64_t)0, relaxed); /* its own */
	park_leave(&s->park);
}

/* shard_publish_next: rota__shard_publish_next() for any shard. */
rota_inline void
shard_publish_next(struct rota_shard *s, uint64_t next)
{
	if (rota_likely(!s->adoptable))
		word_store(&s->next, next, relaxed); /* a hint */
	else
		rota__shard_publish_next(s, next);
}

/* shard_set_heed: `idle_until` or `alarm` is another. */
rota_inline void
shard_set_heed(struct rota_shard *s)
{
	uint64_t alarm = word_load(&s->alarm, relaxed); /* its own */

	s->heed = s->idle_until < alarm ? alarm : s->idle_until;
}

/* rota__shard_came - @t was filed for @d, and its entry comes up before `heed`. A
 * wheel's slot that begins before `idle_until`, or before the owner wakes, is not
 * looked at then: a confined timer in it may not stay where it is if it is armed
 * anew for before @d. The holder. */
void rota__shard_came(struct rota_shard *s, struct rota_timer *t, uint64_t d);

/* shard_slack: there may be timers of @slack on @s. Under its lock, before the
 * first one is counted there. Who arms one has read or written that; so the
 * owner, who has it from the inbox, reads as much. */
rota_inline void
shard_slack(struct rota_shard *s, uint64_t slack)
{
	if (slack < word_load(&s->slack_least, relaxed))
		word_store(&s->slack_least, slack, relaxed);
	if (slack > word_load(&s->slack_most, relaxed))
		word_store(&s->slack_most, slack, relaxed);
}

/* shard_slack_is: is it said of @s already? */
rota_inline bool
shard_slack_is(const struct rota_shard *s, uint64_t slack)
{
	return slack >= word_load(&s->slack_least, relaxed) &&
	    slack <= word_load(&s->slack_most, relaxed);
}

/* shard_busy: the next poll has something to do, though nothing comes up. */
rota_inline void
shard_busy(struct rota_shard *s)
{
	s->idle_stops = UINT64_MAX; /* so many there never are */
}

/* shard_freed: timers may have gone: have polls memory to give back? The holder. */
rota_inline void
shard_freed(struct rota_shard *s)
{
	if (rota_unlikely(shard_trims(s))) {
		s->chores |= SHARD_TRIMS;
		shard_busy(s);
	}
}

/* shard_idle: has a poll at @now nothing to do? The holder. */
rota_inline bool
shard_idle(struct rota_shard *s, rota_time now)
{
	return (uint64_t)now < s->idle_until && (uint64_t)now < s->lead &&
	    !s->staging_len && s->idle_stops == shard_stops(s) &&
	    inbox_empty(&s->remote.inbox);
}

/* shard_advance: the instant of a poll at @now: never back, nor beyond what
 * can be told. */
rota_inline uint64_t
shard_advance(struct rota_shard *s, rota_time now)
{
	if (now > (rota_time)s->now)
		word_store(&s->now,
		    (uint64_t)now < SHARD_LAST ? (uint64_t)now : SHARD_LAST,
		    relaxed); /* a snapshot to others */
	count_add(&s->count.polls, 1);
	return s->now;
}

/* rota__shard_own_live - the same of the counts of @s alone, modulo 2^64: those of
 * a shard whose timers were moved may be below 0. */
uint64_t rota__shard_own_live(const struct rota_shard *s);

/* rota__shard_live - timers armed now, but for calls that a retirement of @s or
 * to @s overtook: each may have counted one too many or too few. */
uint64_t rota__shard_live(const struct rota_shard *s);

/* rota__shard_next - as rota_shard_next(), for the holder. */
rota_time rota__shard_next(struct rota_shard *s);

/* rota__shard_front - for a thread that is about to sleep, settled and not
 * adoptable: until when it may, so that no timer is later than its slack;
 * *@first: rota__shard_next(), looked at closer. core/front.c */
rota_time rota__shard_front(struct rota_shard *s, rota_time *first);
/* rota__shard_rekey_due - of what the heap has up to @upto, file those again that
 * are due after their entry and after @now, at most @most. How many. */
uint64_t rota__shard_rekey_due(
    struct rota_shard *s, uint64_t upto, uint64_t now, uint64_t most);
/* rota__shard_slack - as shard_slack(), for a timer of @k. Any thread. */
void rota__shard_slack(struct rota_kind *k);
/* rota__shard_lock - lock the shard of @k, which is its shard until that lock
 * is given. */
struct rota_shard *rota__shard_lock(struct rota_kind *k);
/* rota__timer_room - core/timer.c. Count a timer of @k and of its shard, once
 * there is room: 0, -ENOMEM, -ENOSPC as @fn's answer. Any thread. */
int rota__timer_room(struct rota_kind *k, const char *fn);

/* rota__shard_enter - the owner takes hold outside of callbacks, for @fn: 0, or
 * -errno; what came has been filed then. rota__shard_exit - the end of that. */
int rota__shard_enter(struct rota_shard *s, const char *fn);
void rota__shard_exit(struct rota_shard *s);

/* rota__shard_flush_staging - file what is staged. The holder. */
void rota__shard_flush_staging(struct rota_shard *s);
/* rota__shard_flush - file what is staged, and ask whether releases that wait
 * for a callback can go on. At most SHARD_STAGE and a few. The holder. */
void rota__shard_flush(struct rota_shard *s);
/* rota__shard_drain - file what the inbox holds, fire nothing. */
void rota__shard_drain(struct rota_shard *s);
/* rota__shard_poll - core/poll.c. As rota_shard_poll(), on @seat, by the
 * holder; @out NULL: fire by callback, else hand out up to *@n and say how
 * many. 1: work is left, 0 not. */
int rota__shard_poll(struct rota_shard *s, enum shard_role role, rota_time now,
    unsigned budget, struct rota_timer **out, unsigned *n);

#endif
