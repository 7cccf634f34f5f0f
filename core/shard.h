/* SPDX-License-Identifier: MIT
 *
 * shard.h - a shard: one backend with its inbox, its clock and its owner.
 *
 * Invariant  only the lock owner touches the structure. An owner that attached
 *            is the lock owner all the time. With ROTA_ADOPT the owner takes
 *            the lock for one operation, or for the part of a poll between two
 *            callbacks, and so may one adopter. Every other thread goes through
 *            the timer's word and the inbox.
 *
 * Threads    what the lock owner writes, what the owner writes for other
 *            threads to read, what remote threads write, and what is under the
 *            lock: each is on cache lines of its own.
 *
 * Orders
 * [H1] lock -> lock     the next lock owner sees the structure as the former
 *                       one left it.
 * [C1] closing -> init  seq_cst: either an init sees that its shard retires, or
 *                       the retirement counts the init's timer.
 *                       release, acquire: an init that finds its count gone
 *                       from `timers` reads in `closing` where the count went,
 *                       and finds it there.
 * [X1] room -> init     seq_cst: trimming lowers `room`, then reads the count
 *                       of timers; an init counts its timer, then reads `room`.
 *                       So either trimming counts the init's timer, and puts
 *                       `room` back unless the timer has room all the same; or
 *                       the init reads the lower `room`, and makes room if its
 *                       timer is beyond that.
 * [F1] seq -> stat      stat reads the sequence number, then the counts of
 *                       starts and of drained timers: these cover all armings
 *                       that the number counts, or more.
 * [R1] running -> stop  a stop that came too late, and finds that the timer's
 *                       callback does not run, sees what the callback wrote.
 * [R2] ended -> stop    so does a stop_sync that waited, and finds that a
 *                       callback has ended since, though the timer's next
 *                       callback runs.
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

/* The last instant of a poll, and the last deadline that fires: the instant
 * before the last tick. That tick has ST_NEVER in it. */
#define SHARD_LAST BACKEND_LAST

/* The length of the staging buffer: enough timers to overlap their cache
 * misses, few enough for them to stay in the first-level cache (a line
 * each). */
#define SHARD_STAGE 64

/* What a shard counts. One writer: the lock owner. */
struct shard_count {
	uint64_t fires;
	uint64_t inserts, moves, dropped, swept, drained;
	uint64_t polls, steps, late_max, late_sum;
};

/* Memory that goes back: core/trim.c. The lock owner's. */
struct shard_trim {
	/* `room` of the shard was lowered to this; before that it was `was`. */
	uint64_t room, was;
	bool cut; /* nothing above is in use; blocks go back */
	struct backend_lower lower;
};

/* In which role a thread polls. A role has one callback at a time at most. */
enum shard_role { ROLE_OWNER, ROLE_ADOPTER, ROLES };

/* The innermost callback that a thread runs for rota. */
struct rota_self {
	struct rota_shard *shard; /* NULL: it runs none */
	enum shard_role role;
	/* The callback around this one. It is in a shard: a stack may end. */
	const struct rota_self *before;
};

/* What a poll has to do when nothing is due. */
enum shard_chore {
	SHARD_SWEEPS = 1, /* a sweep is under way */
	SHARD_TRIMS = 2   /* memory may go back */
};

struct rota_shard {
	/* Read by all threads, written seldom. */
	const struct rota_engine *engine; /* compared, never followed */
	const struct rota_config *config;
	struct clock *clock;
	const rota_word *alive; /* 0 in the child of a fork */
	/* Identity of the lock owner, or 0. */
	rota_word lock_owner;
	/* Identity of the owner, or 0. Written under `lock`. */
	rota_word attached;
	rota_link target; /* of a retired shard */
	enum rota_backend backend;
	bool adoptable;
	uint32_t index;
	uint64_t number; /* the engine's */

	/* The lock owner's. */
	_Alignas(ROTA_LINE) rota_word now; /* of the latest poll */
	struct rota_hot hot;
	uint64_t staging_len;
	struct rota_timer *staging[SHARD_STAGE]; /* not yet enqueued */
	uint64_t poll_seq; /* the latest before this poll */
	/* Idle: a poll before `idle_until` has nothing to do, if there were
	 * no more stops than `idle_stops` by then. 0: not known; else it is
	 * after the latest poll's instant. */
	uint64_t idle_until;
	/* At or after `idle_until` and, unless that is 0, `alarm`. An entry
	 * that gets a key before `heed` may change these:
	 * rota__shard_came(). */
	uint64_t heed;
	uint64_t idle_stops; /* of `idle_until` */
	/* From then on a poll may have an early cascade to do. */
	uint64_t early_from;
	/* Earliest deadline that the latest rota__shard_front() found. */
	uint64_t fronted;
	/* Until then a park may examine fewer entries: core/park_until.c. */
	uint64_t owed;
	/* The owner sleeps until then, or is about to: an own arming that would
	 * be later than its slack by then wakes it. 0: it is awake. The
	 * owner's; an adopter may read it. */
	rota_word alarm;
	struct rota_timer *taken;   /* from the inbox, latest first */
	struct rota_timer *backlog; /* `taken` reversed, earliest first */
	/* Released and QUEUED; their callback runs. */
	struct rota_timer *deferred_releases;
	struct backend_cursor sweep;
	/* In the latest poll deferred timers came back, and due ones were left:
	 * in the next these go first. */
	bool deferred_had_turn;
	bool releasing;  /* in a `released`: the structure is half changed */
	unsigned chores; /* SHARD_SWEEPS, SHARD_TRIMS */
	struct shard_count count;
	struct queue queue;

	/* Written by the owner and the adopter for other threads to read. */
	_Alignas(ROTA_LINE) struct park park;
	/* What each role runs: core/lock_owner.h. */
	rota_link running[ROLES];
	rota_word ended[ROLES]; /* callbacks that have ended */
	/* The callback around a role's poll; its own thread's. */
	struct rota_self outer[ROLES];
	rota_word adopter; /* identity of the adopter, or 0 */
	/* Earliest key known: for adopters, and the owner of a shard that may
	 * be adopted. */
	rota_word next;
	rota_word entries; /* as of the latest poll */

	/* Written by remote threads. */
	_Alignas(ROTA_LINE) struct remote remote;
	rota_word pushes, starts, stops;
	rota_word wakes, adopted;
	/* Armed timers that came from other shards, less those that went there;
	 * modulo 2^64. */
	rota_word inherited;

	/* Under `lock`: growing, kinds. */
	_Alignas(ROTA_LINE) rota_word timers; /* initialised; atomic */
	rota_word room;                       /* for this many timers; atomic */
	/* With fewer timers than this a poll gives memory back. Written under
	 * `lock`. */
	rota_word below;
	/* NULL, or where new timers are counted while and after this shard
	 * retires: its target. While the retirement asks there for room: this
	 * shard itself, and an init waits. */
	rota_link closing;
	/* The latest shard that retired to this one; atomic. */
	rota_link former;
	/* What `former` of the target had been before; atomic. */
	rota_link sibling;
	/* The most postponements by the lock owner that stat has told. */
	rota_word told;
	rota_word bytes;
	pthread_mutex_t lock;
	struct life *life; /* the owner's; NULL: no owner, or a driver */
	/* Room that only a call of rota_shard_trim() gives back. */
	uint64_t reserved;
	/* 1: a thread ended in the middle of a poll. No thread may own or poll
	 * the shard again. */
	rota_word abandoned;
	/* ns, of all timers that the shard ever had; atomic. */
	rota_word slack_least, slack_most;
	struct rota_kind *kinds;
	/* The engine's: one shard retires at a time, or its target might retire
	 * as well. */
	pthread_mutex_t *retiring;
	struct wake wake;
	struct rota_mem mem;
	rota_word said[2]; /* core/misuse.h */
	struct shard_trim trim;
};

extern _Thread_local struct rota_self rota__self
    __attribute__((tls_model("initial-exec")));

/* shard_forked: is this the child of a fork? There the engine can only be
 * destroyed. */
rota_inline bool
shard_forked(const struct rota_shard *s)
{
	return rota_unlikely(!word_load(s->alive, relaxed)); /* own process */
}

/* SHARD_SWITCH: @call, with BACKEND a constant in each branch. */
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

/* shard_set_key: @t, whose deadline is @d, has an entry that comes up at @when.
 * Record the key that rota/inline.h compares with: the earlier of the two. An
 * entry of a coarse wheel may come up after @d; a reset to @d leaves it there
 * all the same. */
rota_inline void
shard_set_key(
    const struct rota_kind *k, struct rota_timer *t, uint64_t d, uint64_t when)
{
	object_linked(t, true);
	if (kind_confined(k)) /* else another thread may use r_link */
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
 * clock, alive, index, number, retiring. 0 or -errno; on error no memory is
 * left allocated. */
int rota__shard_init(struct rota_shard *s);
/* rota__shard_destroy - free the memory of @s. In the child of a fork it
 * touches no lock: a thread of the parent may have taken it. */
void rota__shard_destroy(struct rota_shard *s);
/* rota__shard_leave - the owner gives @s up, in no callback of @s; if it ended
 * in one, after rota__shard_ended(). */
void rota__shard_leave(struct rota_shard *s);
/* rota__shard_open - make the descriptors that a sleep needs: 0, -errno. */
int rota__shard_open(struct rota_shard *s);
/* rota__shard_wait - rota_shard_wait() on any clock but ROTA_CLOCK_CALLER. */
int rota__shard_wait(struct rota_shard *s, rota_time limit);
/* rota__shard_reserve - make room for @n timers in all. Of that polls never
 * give back the room for @reserved. 0, -ENOMEM, -ENOSPC. */
int rota__shard_reserve(struct rota_shard *s, uint64_t n, uint64_t reserved);
/* rota__shard_grow - make room for @n timers in all: 0, -ENOMEM, -ENOSPC. */
int rota__shard_grow(struct rota_shard *s, uint64_t n);
/* rota__shard_below - core/trim.c. Compute `below` again: `room` or `reserved`
 * has changed. rota__shard_call_off - the blocks for @n timers are there:
 * returns the value for `room`. If a trim is under way that is what `room` was
 * before, if it was more, and the trim is called off. Both under `lock`. */
void rota__shard_below(struct rota_shard *s);
uint64_t rota__shard_call_off(struct rota_shard *s, uint64_t n);
/* rota__shard_trim - give memory back, or go on with that, in at most @most
 * steps and no more than is good for a poll. Returns how many. The lock
 * owner. */
uint64_t rota__shard_trim(struct rota_shard *s, uint64_t most);
/* shard_trims: does a poll have memory to give back? */
rota_inline bool
shard_trims(const struct rota_shard *s)
{
	return word_load(&s->timers, relaxed) <
	    word_load(&s->below, relaxed); /* a count and a hint */
}

/* rota__shard_attach - as rota_shard_attach(), but an error is not logged. */
int rota__shard_attach(struct rota_shard *s);
/* rota__shard_forward - @s has retired: what is in its inbox goes to the inbox
 * of @target. The kick there is for a timer that the caller found QUEUED on @s,
 * and that another thread is just pushing on the target's inbox. [K2] */
void rota__shard_forward(struct rota_shard *s, struct rota_shard *target);
/* rota__shard_pushed - after a push on the inbox of @s for which park_wakes()
 * returned @wake: wake the owner if @wake is not 0; if @s has retired, forward
 * what is in the inbox. Any thread. */
void rota__shard_pushed(struct rota_shard *s, uint64_t wake);
/* rota__shard_publish_next - no poll of @s, which may be adopted, has
 * anything to do before @next. Wakes the owner if it sleeps for longer. The
 * lock owner. */
void rota__shard_publish_next(struct rota_shard *s, uint64_t next);
/* rota__shard_free - the end of a release: @t is the user's again. The lock
 * owner; it, or `lock`, keeps @s from retiring.
 * rota__shard_uninit - the same for a timer of @k that has no entry and is the
 * caller's alone. Any thread. Takes the lock of the timer's shard. */
void rota__shard_uninit(struct rota_kind *k, struct rota_timer *t);
void rota__shard_free(
    struct rota_shard *s, struct rota_kind *k, struct rota_timer *t);
/* rota__shard_drop - forget all timers. Each armed one is reported to
 * config.leak; returns how many. Adds to *@lost the entries whose memory is no
 * timer any more. */
uint64_t rota__shard_drop(struct rota_shard *s, uint64_t *lost);
/* rota__shard_tell_released - call @released(@t). @t, once a timer of @s, is
 * the user's by now. The lock owner. */
void rota__shard_tell_released(
    struct rota_shard *s, rota_released_fn *released, struct rota_timer *t);
/* shard_publish_entries: let other threads read how many entries there are. The
 * lock owner. */
rota_inline void
shard_publish_entries(struct rota_shard *s)
{
	word_store(&s->entries, backend_len(&s->queue), relaxed); /* figure */
}

/* shard_next_seq: the sequence number of an arming that happens now. The
 * caller has counted the arming before, if it is a start or a drain. The lock
 * owner. */
rota_inline uint32_t
shard_next_seq(struct rota_shard *s)
{
	uint64_t seq = word_load(&s->hot.seq, relaxed) + 1; /* its own */

	word_store(&s->hot.seq, seq, release); /* [F1] */
	return (uint32_t)seq;
}

/* shard_assign_seq: @t is now the latest armed. */
rota_inline void
shard_assign_seq(struct rota_shard *s, struct rota_timer *t)
{
	t->r_seq = shard_next_seq(s);
}

/* shard_former: a walk over the shards whose timers went to @s, also by way of
 * others. The one after @f, where @s is the first; NULL: there are no more. */
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

/* shard_fresh: was @t armed since the poll under way began? Also true of a
 * timer that was armed 2^32 armings ago, give or take those of this poll: it
 * then waits for the next poll, once. */
rota_inline bool
shard_fresh(const struct rota_shard *s, const struct rota_timer *t)
{
	uint64_t armed = word_load(&s->hot.seq, relaxed) - s->poll_seq;

	return seq_after(t->r_seq, (uint32_t)s->poll_seq + 1) < armed;
}

/* shard_stops: all stops so far, a snapshot. */
rota_inline uint64_t
shard_stops(const struct rota_shard *s)
{
	return word_load(&s->hot.stops, relaxed) +
	    word_load(&s->stops, relaxed); /* figures */
}

/* rota__shard_send - @t, whose word is @is, is QUEUED and in no inbox: it goes
 * from @s to the inbox of the shard of @to, which is returned. The caller then
 * passes *@wake to rota__shard_pushed(), without a lock. */
struct rota_shard *rota__shard_send(struct rota_shard *s, struct rota_timer *t,
    struct rota_kind *to, uint64_t is, uint64_t *wake);

/* rota__shard_alarm - the owner armed a timer that would be later than its
 * slack at `alarm`: wake the owner. (A timer whose entry stays where it is
 * would not be: core/park_until.c goes by the key.) */
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

/* shard_set_heed: `idle_until` or `alarm` has changed. */
rota_inline void
shard_set_heed(struct rota_shard *s)
{
	uint64_t alarm = word_load(&s->alarm, relaxed); /* its own */

	s->heed = s->idle_until < alarm ? alarm : s->idle_until;
}

/* rota__shard_came - @t was enqueued for @d, with a key before `heed`. A poll
 * does not drain a wheel's slot that begins before `idle_until`, or before the
 * owner wakes, when the slot begins: so if a confined timer in the slot is
 * armed for before @d, its entry may not stay there. The lock owner. */
void rota__shard_came(struct rota_shard *s, struct rota_timer *t, uint64_t d);

/* shard_slack: there may be timers of @slack on @s. Under `lock`, before the
 * first such timer is counted. A thread that arms one has read or written the
 * two bounds; so the owner, which gets the timer from the inbox, reads them as
 * well. */
rota_inline void
shard_slack(struct rota_shard *s, uint64_t slack)
{
	if (slack < word_load(&s->slack_least, relaxed))
		word_store(&s->slack_least, slack, relaxed);
	if (slack > word_load(&s->slack_most, relaxed))
		word_store(&s->slack_most, slack, relaxed);
}

/* shard_slack_is: do the bounds of @s include @slack? */
rota_inline bool
shard_slack_is(const struct rota_shard *s, uint64_t slack)
{
	return slack >= word_load(&s->slack_least, relaxed) &&
	    slack <= word_load(&s->slack_most, relaxed);
}

/* shard_busy: the next poll has something to do, though no entry comes up. */
rota_inline void
shard_busy(struct rota_shard *s)
{
	s->idle_stops = UINT64_MAX; /* more than there ever are */
}

/* shard_freed: there may be fewer timers: note it if polls have memory to give
 * back. The lock owner. */
rota_inline void
shard_freed(struct rota_shard *s)
{
	if (rota_unlikely(shard_trims(s))) {
		s->chores |= SHARD_TRIMS;
		shard_busy(s);
	}
}

/* shard_idle: does a poll at @now have nothing to do? The lock owner. */
rota_inline bool
shard_idle(struct rota_shard *s, rota_time now)
{
	return (uint64_t)now < s->idle_until && (uint64_t)now < s->early_from &&
	    !s->staging_len && s->idle_stops == shard_stops(s) &&
	    inbox_empty(&s->remote.inbox);
}

/* shard_advance: the instant of a poll at @now: never before the latest poll's,
 * nor after SHARD_LAST. */
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

/* rota__shard_own_live - armed timers by the counts of @s alone, modulo 2^64:
 * of a shard whose timers were moved it may be below 0. */
uint64_t rota__shard_own_live(const struct rota_shard *s);

/* rota__shard_live - timers armed now. A call that a retirement of @s or to @s
 * overtook may be counted one too many or too few. */
uint64_t rota__shard_live(const struct rota_shard *s);

/* rota__shard_next - as rota_shard_next(), for the lock owner. */
rota_time rota__shard_next(struct rota_shard *s);

/* rota__shard_front - core/park_until.c. The owner is about to sleep: until
 * when may it, so that no timer is later than its slack? *@first gets the
 * earliest deadline. The shard is flushed, and may not be adopted. */
rota_time rota__shard_front(struct rota_shard *s, rota_time *first);
/* rota__shard_rekey_due - core/rekey.c. Of the heap's entries with keys up to
 * @upto, give those whose timers are due after the key and after @now a new
 * key: at most @most. Returns how many. */
uint64_t rota__shard_rekey_due(
    struct rota_shard *s, uint64_t upto, uint64_t now, uint64_t most);
/* rota__shard_slack - as shard_slack(), for a timer of @k. Any thread. */
void rota__shard_slack(struct rota_kind *k);
/* rota__shard_lock - lock the shard of @k, which stays its shard until `lock`
 * is given back. */
struct rota_shard *rota__shard_lock(struct rota_kind *k);
/* rota__timer_room - core/room.c. Count a timer of @k, on @k and on its shard,
 * once there is room for it: 0, -ENOMEM, -ENOSPC. @fn is for the log. Any
 * thread. */
int rota__timer_room(struct rota_kind *k, const char *fn);

/* rota__shard_enter - the owner takes the lock outside of callbacks, for @fn,
 * drains and flushes: 0, or -errno. rota__shard_exit - the end of that. */
int rota__shard_enter(struct rota_shard *s, const char *fn);
void rota__shard_exit(struct rota_shard *s);

/* rota__shard_flush_staging - enqueue what is staged. The lock owner. */
void rota__shard_flush_staging(struct rota_shard *s);
/* rota__shard_flush - enqueue what is staged, and retry the deferred releases.
 * At most SHARD_STAGE timers and a few. The lock owner. */
void rota__shard_flush(struct rota_shard *s);
/* rota__shard_drain - flush, and bring in what is in the inbox; fire
 * nothing. */
void rota__shard_drain(struct rota_shard *s);
/* rota__shard_poll - core/poll.c. As rota_shard_poll(), in @role, by the lock
 * owner. @out NULL: fire by callback; else hand out up to *@n timers, and *@n
 * gets how many. Returns 1 if work is left, else 0. */
int rota__shard_poll(struct rota_shard *s, enum shard_role role, rota_time now,
    unsigned budget, struct rota_timer **out, unsigned *n);

#endif
