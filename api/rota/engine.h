/* SPDX-License-Identifier: MIT
 *
 * rota/engine.h - engines, their shards, and how they are driven.
 *
 * An engine is a set of shards with one clock and one backend. A shard has
 * one owner at a time, the thread that attached to it; its timers fire there.
 * There are two ways to drive an engine: let it run a thread for each shard
 * (ROTA_DRIVERS), or poll each shard from an event loop of yours:
 *
 *	rota_shard_attach(s);
 *	for (;;) {
 *		rota_time until = rota_shard_park(s);
 *		n = wait for your descriptors and rota_shard_fd(s),
 *		    no longer than until `until`;
 *		if (n < 0 && errno == EINTR)
 *			continue;
 *		rota_time now = rota_engine_now(e);
 *		run the n events;
 *		if (n == size of the event array)
 *			continue;
 *		rota_shard_poll(s, now, 1000);
 *	}
 *
 * Keep to that order. A loop can be late: a handler blocked, or the machine
 * was busy. Then a descriptor may be ready that came before its deadline, and
 * the deadline has passed as well. So the event goes first, since its handler
 * moves the deadline. The poll is at the instant read right after the wait and
 * not at a later one: a descriptor that became ready while the events ran is
 * seen by the next wait, and its deadline must not fire before. For the same
 * reason there is no poll after EINTR, and none while the event array came
 * back full: some descriptors have not been looked at. (A server whose arrays
 * may always be full polls after as many events as it has descriptors;
 * examples/httpd.c does. examples/event_loop.c is the loop with epoll.)
 * An `until` below 0 is an error; one that has passed means: do not sleep.
 *
 * Threads  `owner` in a comment: the thread that attached, or in a callback.
 *          Anything else: any thread. See the table in docs/threads.md. A
 *          thread sanitizer reports races where there are none unless librota
 *          is built with it too: it does not see the library's own atomics.
 * Errors   0 or more is an answer, less than 0 is -errno.
 * Fork     In the child an engine of its parent's can only be destroyed; then
 *          the child makes one of its own. All other calls on the engine, its
 *          shards, kinds, handles and what is built on them answer -ECHILD
 *          and change nothing, but for these, which are too short to ask:
 *          resets and stops of timers the caller holds (rota_timer_reset()
 *          and its kin, rota_conn_set()) change the child's copy, where
 *          nothing fires; rota_timer_pending(), rota_timer_deadline(),
 *          rota_shard_now(), rota_engine_shard(), rota_engine_shards(),
 *          rota_engine_local_shard(), which read it. A child of a callback is still
 *          in a poll: it should end or exec there, for to return is to go on
 *          firing in it. (Linux before 4.14 cannot tell a child.)
 */
#ifndef ROTA_ENGINE_H
#define ROTA_ENGINE_H

#include <stddef.h>
#include <stdint.h>

#include <rota/clock.h>
#include <rota/timer.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct rota_engine;
struct rota_shard;

enum rota_backend {
	ROTA_HEAP,        /* 4-ary heap: exact order */
	ROTA_WHEEL,       /* hierarchical wheel: exact order */
	ROTA_WHEEL_COARSE /* wheel that fires a slot of 1.05 ms as it stands:
			   * late by up to a slot and the kind's slack, in a
			   * poll that happens anyway, too */
};

/* The engine runs one thread per shard. */
#define ROTA_DRIVERS 1u
/* Any thread may poll a shard that nobody is polling: rota_shard_adopt().
 * Costs one locked operation for each time the owner arms a timer, two for
 * each poll and each callback, and forbids ROTA_CONFINED. Leave it off where
 * owners never block. What changes for you:
 * - Two callbacks of one shard may run at once, on its owner and on an
 *   adopter; so may two of one timer, if it is armed again while its callback
 *   runs.
 * - rota_shard_poll() answers -EBUSY to the owner while an adopter polls:
 *   nothing is wrong, poll again a little later.
 * - A callback and `released` may run on the thread of an adopter. */
#define ROTA_ADOPT 2u

/* Where memory comes from; all NULL: aligned_alloc() and free(). @align is a
 * power of two. Never called by the reset or stop of a timer or by a poll, but
 * for the functions and channels that it serves, and but for @free by a poll
 * that gives memory back (rota_shard_trim()). */
struct rota_allocator {
	void *(*alloc)(void *arg, unsigned shard, size_t size, size_t align);
	void (*free)(void *arg, unsigned shard, void *ptr, size_t size);
	void *arg;
};

/* A timer that was still armed when its engine was destroyed. */
typedef void rota_leak_fn(void *arg, const struct rota_kind *kind,
    struct rota_timer *t, rota_time deadline);

/* Misuse found, or something worth a line in a log; the library itself never
 * prints. A line of misuse names the function, the kind and where that was made
 * or the shard, and says what to do. It comes once for each kind and mistake,
 * or shard and function, on the thread that makes the mistake and inside its
 * call: a breakpoint in the hook shows who. No lock of rota is held then, but
 * that of a channel or context which finds the shard full: call none there. At
 * the engine's end, when it is told of what was not given back, it may ask for
 * contexts and channels and give them back. Set
 * the hook: most of these calls answer no more than -EINVAL or -EPERM, and a
 * loop that takes the -EPERM of rota_shard_park() for an instant spins.
 *
 * Memory that is no timer, the second release of a timer and a copy of one
 * are told by a debug build only (ROTA_DEBUG_OBJECTS): without a kind nobody
 * knows whose hook. It has a table of all timers, and calls the hook also after
 * the engine's end, for a call on a timer that was left. */
typedef void rota_log_fn(void *arg, const char *line);

/* Each change of a timer's state; rota/trace.h. */
struct rota_trace;
typedef void rota_trace_fn(void *arg, const struct rota_trace *event);

struct rota_config {
	size_t size; /* sizeof(struct rota_config) */
	enum rota_backend backend;
	unsigned shards; /* 0: one for each processor */
	unsigned flags;  /* ROTA_DRIVERS, ROTA_ADOPT */
	enum rota_clock clock;
	/* ROTA_CLOCK_CALLER. Where it steps back the engine's clock stands
	 * still until it has come up again, and no timer fires: as long as the
	 * step was wide. A loop that sleeps by the same clock until
	 * rota_shard_park() stands still with it. */
	rota_time (*now)(void *arg);
	void *now_arg;
	rota_time start;     /* the clock's first instant: >= 0, and at most
			      * ROTA_NEVER - 2^20 */
	uint64_t max_timers; /* for each shard; 0: 2^24; at most 2^26 */
	struct rota_allocator allocator;
	rota_leak_fn *leak;
	void *leak_arg;
	rota_log_fn *log;
	void *log_arg;
	void (*wake)(void *arg, struct rota_shard *s); /* NULL: rota_shard_fd */
	void *wake_arg;
	unsigned budget;      /* of the drivers' polls; 0: 256 */
	rota_trace_fn *trace; /* NULL: nobody is told; rota/trace.h */
	void *trace_arg;
};

/* rota_engine_create - an engine as @config says, in *@e.
 *
 * Owns     *@e until rota_engine_destroy(). @config is not kept.
 * Returns  0; -EINVAL @e or @config NULL, a size that is not this one, a field
 *          out of range (its name is told to config.log, but not where the size
 *          and another field are wrong: then it may be no config at all); -ENOMEM; -EMFILE, -ENFILE
 *          and -EAGAIN from the descriptor or thread of a driver. On error
 *          nothing is left behind.
 */
int rota_engine_create(
    struct rota_engine **e, const struct rota_config *config);

enum rota_destroy {
	ROTA_REFUSE, /* -EBUSY if a timer is armed */
	ROTA_DRAIN,  /* fire what is due now, then drop */
	ROTA_DROP    /* report each timer still armed through config.leak */
};

/* rota_engine_destroy - end of @e, its shards, drivers and pooled timers.
 *
 * In the child of a fork its memory goes back and its descriptors are closed,
 * whatever @how says and whatever other threads were at when it forked: no
 * lock is taken, no hook or callback is called, no armed timer is counted.
 * Threads  one, with no other call on the engine under way or to come. A
 *          thread that owns one of its shards may end later.
 * Returns  how many armed timers were dropped; -EBUSY with ROTA_REFUSE;
 *          -EDEADLK from inside a callback; -EINVAL.
 *          On error the engine lives on.
 */
int rota_engine_destroy(struct rota_engine *e, enum rota_destroy how);

/* rota_engine_now - the engine's clock, ns. Reads it: some 20 ns. -EINVAL,
 * -ECHILD. */
rota_time rota_engine_now(struct rota_engine *e);

/* rota_engine_advance - move a virtual clock forward by @span.
 *
 * Polls nothing itself; drivers are woken.
 * Returns  0; -EINVAL not ROTA_CLOCK_VIRTUAL, or @span < 0; -ECHILD.
 */
int rota_engine_advance(struct rota_engine *e, rota_span span);

/* rota_engine_shard - shard @i, or NULL if there is none. */
struct rota_shard *rota_engine_shard(struct rota_engine *e, unsigned i);
unsigned rota_engine_shards(const struct rota_engine *e);

/* rota_engine_local_shard - a shard for what the calling thread arms: its own, if it
 * owns one of @e's, else the next in turn when it asks first, and the same
 * from then on: threads are spread evenly. (One that uses more than eight
 * engines by turns may be given another.) NULL: @e is.
 * Cost     does not depend on how many shards there are, but the first time. */
struct rota_shard *rota_engine_local_shard(struct rota_engine *e);

/* rota_engine_would_deadlock - 1: the calling thread owns a shard of @e or is in one of
 * its callbacks, so its timers would wait for it, were it to wait for them;
 * 0; -EINVAL; -ECHILD. Cost as rota_engine_local_shard(). */
int rota_engine_would_deadlock(const struct rota_engine *e);

/* What is built on an engine and ends with it: the first member of a struct of
 * its maker's. */
struct rota_layer {
	void (*end)(struct rota_layer *l);
};

/* rota_engine_at_destroy - the layer of @e, which is @l from now on if there was
 * none; with @l NULL only asked. Channels and contexts are one: they take the
 * place, and where it is taken answer -ENOMEM.
 *
 * Owns     l->end(l) runs in rota_engine_destroy(), when nothing fires any
 *          more, and before the engine's memory goes. In the child of a fork
 *          (rota_engine_forked()) it gives memory back and takes no lock.
 * Returns  the layer, or NULL.
 * Orders   who gets it sees what its maker wrote.
 */
struct rota_layer *rota_engine_at_destroy(
    struct rota_engine *e, struct rota_layer *l);

/* rota_engine_alloc - memory from config.allocator, on a line of its own;
 * NULL: there is none. rota_engine_free - of that @size, back. For layers. */
void *rota_engine_alloc(struct rota_engine *e, size_t size);
void rota_engine_free(struct rota_engine *e, void *ptr, size_t size);
/* rota_engine_log - tell config.log. */
void rota_engine_log(struct rota_engine *e, const char *line);

/* rota_engine_forked - 1: the calling process is a child of the one that made
 * @e, by a fork: @e can be destroyed here, no more; 0; -EINVAL. */
int rota_engine_forked(const struct rota_engine *e);

/* rota_shard_attach - the calling thread becomes the owner of @s, until it
 * detaches or ends. What it leaves stays: timers, deadlines, what is armed.
 * Another may attach then, or adopt, or retire @s.
 *
 * A `fire` that ends its thread is over with that, and its poll, which the
 * next owner's goes on with (so is the function of a rota_shard_each()):
 * whoever waits for it in rota_timer_stop_sync() goes on; but if it was called from within another shard's, that one only
 * when the next owner attaches. A `released` must return: a thread that ends
 * in one leaves @s half changed, for nothing but rota_engine_destroy().
 * Returns  0; -EBUSY it has one; -ENOTRECOVERABLE the owner ended in a
 *          `released`; -ENOMEM (some bytes for each thread that attaches),
 *          -EAGAIN: it could not be told of the thread's end; -EINVAL;
 *          -ECHILD.
 * Orders   the owner sees what the one before it wrote.
 */
int rota_shard_attach(struct rota_shard *s);

/* rota_shard_detach - the owner gives it up. Another may attach.
 * Returns 0; -EPERM not the owner; -EDEADLK inside a callback; -ECHILD. */
int rota_shard_detach(struct rota_shard *s);

/* rota_shard_poll - file what arrived, fire what is due at @now.
 *
 * A poll has five kinds of work, and does up to @budget steps of each, so
 * that none keeps another waiting: (1) timers that an earlier poll deferred,
 * since a callback had armed them for an instant that had come; (2) the inbox,
 * two steps for each timer that another thread armed, moved earlier or
 * released; (3) what is due: a step for each look at an entry, of which at
 * most one fires (two steps if it leaves a heap of more than 65,536, three of
 * one of more than 262,144), for each entry that a wheel moves down a level, and
 * for each eight of a slot that are sorted; (4) what a wheel moves down ahead of
 * time, evenly while its slot comes near, so that little is left when that slot
 * starts; (5) looking for entries of stopped timers, in at most 512 steps, or
 * else, if nothing due is left, giving memory back after a peak, in at most 1024,
 * whatever the budget. If something of a kind is there, each poll does some of
 * it, with a budget of 1 too; of (1) each second poll, while the budget is too
 * small for what is due, so that a timer that its callback arms for the past for
 * ever, before all others, keeps none of them waiting. Outside of the budget are
 * at most 64 timers that the owner armed since the last poll, filed first, and
 * what the callbacks do themselves.
 *
 * Units    @now: instant on the engine's clock; one before an earlier poll's
 *          counts as that one. @budget: see above. 0: no limit.
 * Threads  owner.
 * Returns  0: nothing due is left, but what callbacks have armed meanwhile.
 *          1: the budget is used up, poll again.
 *          -EPERM not the owner; -EDEADLK inside a callback; -ECHILD. With
 *          ROTA_ADOPT -EBUSY: an adopter is polling it, poll a little later;
 *          and 1: an adopter took over while a callback ran.
 * Cost     a step is some 20 to 300 ns, by how cold the timer is; PERF.md.
 */
int rota_shard_poll(struct rota_shard *s, rota_time now, unsigned budget);

/* rota_shard_poll_batch - as rota_shard_poll(), but up to @n timers that are
 * due are put in @out instead of firing. They count as fired: not pending,
 * and yours to reset or release. A stop of one of them answers
 * ROTA_NOT_PENDING. Pooled timers of the shard are handed out too, and their
 * functions are not called: do not use them on a shard that is polled so.
 *
 * Returns  how many; ask rota_shard_next() whether more are due. -errno as
 *          rota_shard_poll(), -EINVAL @out NULL or @n 0.
 */
int rota_shard_poll_batch(struct rota_shard *s, rota_time now, unsigned budget,
    struct rota_timer **out, unsigned n);

/* rota_shard_next - when the owner must poll next, if nothing changes.
 *
 * At or before the last poll's now if something waits. Else never later than the
 * earliest deadline, which a coarse wheel counts with its slot and the timer's
 * slack; ROTA_NEVER if nothing is armed. May be earlier: the instant at which the
 * entry of a stopped or postponed timer comes up, or the start of a wheel's
 * slot. The slack of an exact timer does not count here: for how long a loop may
 * sleep rota_shard_park() says, which looks closer. Owner; -EPERM.
 */
rota_time rota_shard_next(struct rota_shard *s);

/* rota_shard_armed - is a timer armed for before @before? Where the clock is
 * one's own to move, rota_shard_next() may ask for an instant at which nothing
 * is: of a timer that was stopped, or the beginning of a slot. Not in a callback.
 *
 * Returns  1, 0; -EPERM not the owner; -EDEADLK inside a callback; -EBUSY an
 *          adopter is polling; -EINVAL, -ECHILD.
 * Cost     drains the inbox, and walks to the first that is: where there is
 *          none through everything, and then no stopped timer has an entry.
 */
int rota_shard_armed(struct rota_shard *s, rota_time before);

/* One armed timer of a walk; not 0: the walk ends. */
typedef int rota_each_fn(void *arg, const struct rota_kind *kind,
    struct rota_timer *t, rota_time deadline);

/* rota_shard_each - call @fn(@arg, kind, t, deadline) for each timer of @s that
 * is armed, in no order: those too that others have armed, that were staged or
 * deferred, and those of ROTA_NEVER. Not one that another thread is arming just
 * now; and one that another thread stops meanwhile may be shown or not.
 * What is built on rota has timers of its own, which are shown as well: go by
 * the kind.
 *
 * Threads  the owner, in no callback of @s. In @fn it is as in a callback of
 *          @s: polls, detaching, and what waits answer -EDEADLK. @fn may stop
 *          any timer, but must not init, reset, move or release one of @s:
 *          remember them, and do it after the walk. Any other thread may do as
 *          always. With ROTA_ADOPT nobody adopts @s meanwhile. If @fn ends its thread
 *          the walk is over, as a poll: rota_shard_attach().
 * Units    deadline: ns, the latest; ROTA_NEVER too.
 * Returns  how many @fn was called for, the last one included; -EPERM not the
 *          owner; -EDEADLK inside a callback; -EBUSY an adopter is polling;
 *          -EINVAL, -ECHILD.
 * Orders   @fn sees what the thread that armed the timer wrote before [P1].
 * Cost     drains the inbox, where `released` may run, then a line for each
 *          entry, of stopped timers too.
 */
int rota_shard_each(struct rota_shard *s, rota_each_fn *fn, void *arg);

/* rota_shard_now - the instant of the latest poll. Owner; no clock read. */
rota_time rota_shard_now(const struct rota_shard *s);

/* rota_shard_park - announce that the owner is going to sleep.
 *
 * Returns  the instant to sleep until, ROTA_NEVER for "until woken"; 0 if
 *          there is something to do at once. By then no timer is later than the
 *          slack of its kind (on a coarse wheel and a slot), so deadlines of
 *          many are met in one wake; those of kinds without slack are on time.
 *          A poll in between fires what is due. From then on a thread that
 *          arms a timer which would be later than that, the owner too, makes
 *          rota_shard_fd() readable (or calls config.wake). The next poll ends
 *          the parking. Owner; -EPERM.
 *          On an engine with ROTA_ADOPT, whose adopters go by the deadline, it
 *          is not later than the earliest one known; who arms an earlier timer
 *          wakes as above.
 *          Also 0 while polls have memory to give back: rota_shard_trim().
 * Cost     if nothing has come up since the last park, one look. Else entries of
 *          stopped and postponed timers that would wake the owner for nothing
 *          are moved, up to 4096 looks: work that the wake would have done.
 *          On an engine with ROTA_ADOPT none are.
 *          Where kinds have slack, and not all the same, each park looks at
 *          what comes up before the instant that it answers: up to 4096 looks,
 *          and in the long run one for each 4 us that pass. Where these end the
 *          owner wakes earlier than it had to.
 * A loop that sleeps by poll(2)'s own timeout sleeps on CLOCK_MONOTONIC: on
 * ROTA_CLOCK_BOOTTIME it is late by as long as the machine was suspended.
 */
rota_time rota_shard_park(struct rota_shard *s);

/* rota_shard_wait - park, sleep as long as that allows, until there is something
 * to do, the clock has come to @limit (an instant, not a span; ROTA_NEVER: there
 * is none), or rota_shard_wake(). For ROTA_CLOCK_MONOTONIC and
 * _BOOTTIME; on the latter it is on time after a suspend, by a timerfd made by
 * the first call.
 * Returns 0; -EINTR; -EPERM; -EMFILE, -ENFILE, -ENOMEM; -EOPNOTSUPP other
 * clocks; -ECHILD. */
int rota_shard_wait(struct rota_shard *s, rota_time limit);

/* rota_shard_fd - a descriptor that poll(2) finds readable once a remote
 * thread woke the shard. The next poll of the shard empties it. Made by the
 * first call. Returns it, or -EMFILE, -ENFILE, -ENOMEM. */
int rota_shard_fd(struct rota_shard *s);

/* rota_shard_wake - make a sleeping owner poll. Any thread; safe in a signal
 * handler if rota_shard_fd() was called before. A poll takes the wakes that
 * came before it: an owner that is woken for a reason of its own, such as an
 * order to stop, asks for it between the poll and the sleep.
 * Returns 0 or -EINVAL. */
int rota_shard_wake(struct rota_shard *s);

/* rota_shard_adopt - poll @s from a thread that is not its owner, since the
 * owner is late: asleep, or blocked in a callback. Engines with ROTA_ADOPT.
 *
 * Returns  as rota_shard_poll(); -EBUSY somebody is polling it right now;
 *          -EOPNOTSUPP without ROTA_ADOPT; -ENOTRECOVERABLE, -ENOMEM, -EAGAIN
 *          as rota_shard_attach().
 */
int rota_shard_adopt(struct rota_shard *s, rota_time now, unsigned budget);

/* rota_shard_overdue - how late the earliest timer of @s is at @now, in ns, at
 * most; 0: nothing is due. More than it is if what comes up first was stopped or
 * moved later, or is a wheel's slot that has begun: an adopter's poll finds out.
 * A snapshot from any thread, for whoever adopts. */
rota_span rota_shard_overdue(struct rota_shard *s, rota_time now);

/* rota_shard_retire - move every timer and kind of @s to @heir, for good.
 *
 * Timers stay valid and keep their deadlines; @heir files them in its next
 * poll. @s takes no new kinds. Owner of @s, or anybody while it has none.
 * Returns 0; -EINVAL the same shard, other engines, one of them has retired;
 * -EPERM; -EDEADLK; -EBUSY an adopter is polling @s or in a callback of it:
 * try again. -ENOMEM, -ENOSPC @heir has no room: nothing has moved.
 * Cost: walks all timers of @s, some 0.4 us each if they are cold, and nothing
 * of @s fires meanwhile; for @heir each is a push. Inits go on. Waits for
 * another retirement. */
int rota_shard_retire(struct rota_shard *s, struct rota_shard *heir);

/* rota_shard_reserve - room for @n more timers than now, ahead of their
 * rota_timer_init(). It stays until rota_shard_trim(). Any thread.
 * Returns 0; -ENOMEM; -ENOSPC; -EINVAL; -ECHILD. */
int rota_shard_reserve(struct rota_shard *s, uint64_t n);

/* rota_shard_trim - give back the memory of @s that is not needed for the
 * timers initialised now, and what rota_shard_reserve() reserved: to
 * config.allocator, in blocks for some 16,384 timers of a heap, 8192 of a wheel
 * (an exact wheel has both). Later inits take memory again.
 *
 * After a peak polls do the like by themselves: once fewer timers are
 * initialised than a quarter of those that there is room for, half of the room
 * goes, in slices; but not what was reserved, nor of room for fewer than 65,536
 * timers. So a shard that nobody polls gives nothing back, and one whose timers
 * come and go by a factor of two neither gives back nor takes.
 *
 * Threads  the owner, in no callback of @s. Inits, resets and stops by other
 *          threads go on. @s may have retired.
 * Returns  bytes given back, 0 or more, as rota_stats.bytes has gone down; 0
 *          too if other threads kept making room meanwhile. -EPERM not the
 *          owner; -EDEADLK inside a callback; -EBUSY an adopter is polling;
 *          -ENOTRECOVERABLE as rota_shard_attach(); -EINVAL, -ECHILD.
 * Orders   none.
 * Cost     drains the inbox, where `released` may run. Then a look at each
 *          entry that was ever in use at once, up to some 20 ns, and for each
 *          timer filed in what goes back a write to it; nothing of @s fires
 *          meanwhile. A mutex, which an init takes that needs more room, is
 *          held while the blocks are given back.
 */
int64_t rota_shard_trim(struct rota_shard *s);

/* Counted since the engine began. Of an engine starts = fires + stops + live,
 * whenever no call is under way; of a shard but for timers that were armed when
 * they moved there or away. What has retired has none live and keeps what was
 * counted there: a call that the retirement overtook may count there later. entries
 * and zombies are those of the latest poll, unless the owner asks. */
struct rota_stats {
	uint64_t starts;  /* resets of a timer that was not pending */
	uint64_t pushes;  /* resets of one that was */
	uint64_t stops;   /* stops and releases that prevented */
	uint64_t fires;   /* callbacks begun and timers handed out */
	uint64_t live;    /* armed now */
	uint64_t timers;  /* initialised now */
	uint64_t entries; /* filed in the heap or wheel, zombies included */
	uint64_t zombies; /* entries of stopped timers, at most: exact when no
			    * reset raced with a sweep */
	uint64_t inserts; /* entries made */
	uint64_t moves;   /* entries moved: lazy resets, cascades, earlier */
	uint64_t dropped; /* zombies met when their place came due */
	uint64_t swept;   /* zombies taken out by a sweep */
	uint64_t drained; /* timers taken from the inbox */
	uint64_t polls;
	uint64_t steps;    /* of polls, all kinds of work: rota_shard_poll() */
	uint64_t adopted;  /* polls by others than the owner */
	uint64_t wakes;    /* wakes of a sleeping owner */
	uint64_t late_max; /* ns, of a fired timer */
	uint64_t late_sum; /* ns, over all fired timers, modulo 2^64: 1e6 that
			    * are 10 s late 1845 times. The difference of two
			    * readings is right all the same, if less than 2^64
			    * ns of lateness came in between */
	uint64_t bytes;    /* allocated for the shard; what is the engine's own,
			    * for the first */
};

/* rota_shard_stat - the figures of one shard; rota_engine_stat - their sum
 * (late_max: the largest). Any thread; a snapshot. */
int rota_shard_stat(struct rota_shard *s, struct rota_stats *out);
int rota_engine_stat(struct rota_engine *e, struct rota_stats *out);

/* rota_shard_check - look for a broken invariant. Owner; walks everything.
 * Returns 0, or the line of the check that failed; -EBUSY an adopter is
 * polling @s; -EPERM, -EINVAL, -ECHILD. */
int rota_shard_check(struct rota_shard *s);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
