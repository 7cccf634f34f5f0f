/* SPDX-License-Identifier: MIT
 *
 * rota/engine.h - engines, their shards, and how they are driven.
 *
 * An engine is a set of shards with one clock and one backend. A shard has one
 * owner at a time, the thread that attached to it; the timers of the shard fire
 * there. There are two ways to drive an engine: let it run a thread for each
 * shard (ROTA_DRIVERS), or poll each shard from an event loop of yours:
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
 * Keep to that order. A loop can be late: a handler blocked, or the machine was
 * busy. Then a descriptor may be ready whose event came before its deadline,
 * although the deadline has passed as well. So the event goes first, since its
 * handler moves the deadline. Poll at the instant read right after the wait,
 * not at a later one: the next wait finds the descriptors that became ready
 * while the events ran, and their deadlines must not fire before that. For the
 * same reason do not poll after EINTR, nor while the event array came back
 * full: some descriptors have not been examined. (A server whose arrays may
 * always be full polls after as many events as it has descriptors;
 * examples/httpd.c does. examples/event_loop.c is the loop with epoll.) An
 * `until` below 0 is an error; an `until` that has passed means: do not sleep.
 *
 * Threads  `owner` in a comment: only the thread that attached, which may be in
 *          a callback. Without it: any thread. See the table in
 *          docs/threads.md. A thread sanitizer reports races where there are
 *          none unless librota is built with the sanitizer too: it does not see
 *          the library's own atomics.
 * Errors   0 or more is an answer, less than 0 is -errno.
 * Fork     The child cannot use an engine of its parent's, only destroy it;
 *          then the child makes an engine of its own. All other calls on the
 *          parent's engine, its shards, kinds, handles, channels, contexts and
 *          executors answer -ECHILD and change nothing. Two groups of calls are
 *          too short to check for a fork. Resets and stops of timers that the
 *          caller holds (rota_timer_reset() and its kin, rota_conn_set())
 *          change the child's copy, where nothing fires. rota_timer_pending(),
 *          rota_timer_deadline(), rota_conn_deadline(), rota_conn_expired(),
 *          rota_context_deadline(), rota_channel_capacity(), rota_shard_now(),
 *          rota_engine_shard(), rota_engine_shards() and
 *          rota_engine_local_shard() read that copy; rota_engine_log() and
 *          rota_debug_gone() call its hook. A child that was forked in a callback is still in a poll: it should
 *          end or exec there, for if it returns it goes on firing. (Linux
 *          before 4.14 cannot tell a child.)
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
	ROTA_WHEEL_COARSE /* wheel that fires a slot of 1.05 ms without sorting
			   * it: a timer is late by up to a slot and the kind's
			   * slack, even in a poll that happens anyway */
};

/* The engine runs one thread per shard. */
#define ROTA_DRIVERS 1u
/* Any thread may poll a shard that nobody is polling: rota_shard_adopt(). Costs
 * one locked operation for each time the owner arms a timer, two for each poll
 * and each callback, and forbids ROTA_CONFINED. Leave it off where owners never
 * block. What changes for you:
 * - Two callbacks of one shard may run at once, on its owner and on an adopter;
 *   so may two of one timer, if it is armed again while its callback runs.
 * - rota_shard_poll() answers -EBUSY to the owner while an adopter polls:
 *   nothing is wrong, poll again a little later.
 * - A callback and `released` may run on the thread of an adopter. */
#define ROTA_ADOPT 2u

/* Where memory comes from; all NULL: aligned_alloc() and free(). @align is a
 * power of two. No reset or stop of a timer and no poll calls these functions,
 * with two exceptions: the functions and channels that a poll serves may, and a
 * poll that gives memory back calls @free (rota_shard_trim()). */
struct rota_allocator {
	void *(*alloc)(void *arg, unsigned shard, size_t size, size_t align);
	void (*free)(void *arg, unsigned shard, void *ptr, size_t size);
	void *arg;
};

/* A timer that was still armed when its engine was destroyed. */
typedef void rota_leak_fn(void *arg, const struct rota_kind *kind,
    struct rota_timer *t, rota_time deadline);

/* Misuse found, or something worth a line in a log; the library itself never
 * prints. A line about misuse names the function, the kind and where the kind
 * was made, or the shard, and says what to do. The line comes once for each
 * kind and mistake, for each shard and function, or for each engine and mistake
 * of channels, contexts and executors. What names no engine cannot be reported:
 * NULL instead of the thing itself, a select of no case, a handle that never
 * was one; and a bubble has no hook. The hook runs on the thread that makes the
 * mistake, inside its call: a breakpoint in the hook shows the caller. No lock
 * of rota is held then, but that of a channel, context or executor which finds
 * the shard full: call no function of those from the hook. At the engine's
 * end, also one that is refused, the hook is told what was not given back;
 * there it may ask for contexts and channels and give them back. A wait for a
 * timer of a shard that nobody polls is reported, too. Set the hook: most of
 * the wrong calls answer no more than -EINVAL or -EPERM, and a loop that takes
 * the -EPERM of rota_shard_park() for an instant spins.
 *
 * Only a debug build (ROTA_DEBUG_OBJECTS) reports memory that is no timer, the
 * second release of a timer, and a copy of a timer: without a kind the library
 * cannot know whose hook to call. The debug build has a table of all timers. It
 * calls the hook even after the engine's end, for a call on a timer that was
 * left. */
typedef void rota_log_fn(void *arg, const char *line);

/* Each change of a timer's state; rota/trace.h. */
struct rota_trace;
typedef void rota_trace_fn(void *arg, const struct rota_trace *event);

struct rota_config {
	size_t size; /* sizeof(struct rota_config) */
	enum rota_backend backend;
	/* 0: one for each processor. Each shard needs a driver (ROTA_DRIVERS)
	 * or a thread that attaches and polls: what is armed on a shard that
	 * has neither stays there and does not fire. Calls that name no shard
	 * (rota_after_func(), and the timers of channels, contexts and sleeps)
	 * arm on rota_engine_local_shard(): for a thread that owns no shard
	 * that is one chosen by turns, of all shards, polled or not. At most
	 * 1024. */
	unsigned shards;
	unsigned flags; /* ROTA_DRIVERS, ROTA_ADOPT */
	enum rota_clock clock;
	/* For ROTA_CLOCK_CALLER. If it steps back, the engine's clock stands
	 * still until it has caught up, and no timer fires: for as long as the
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
	rota_trace_fn *trace; /* NULL: no trace; rota/trace.h */
	void *trace_arg;
};

/* rota_engine_create - an engine as @config says, in *@e.
 *
 * Owns     *@e until rota_engine_destroy(). @config is not kept.
 * Returns  0; -EINVAL @e or @config NULL, a size that is not sizeof(struct
 *          rota_config), a field out of range (config.log gets its name, unless
 *          both the size and another field are wrong: then @config may be no
 *          config at all); -ENOMEM; -EMFILE, -ENFILE and -EAGAIN from the
 *          descriptor or thread of a driver. On error nothing is left behind.
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
 * In the child of a fork the engine's memory goes back and its descriptors are
 * closed, whatever @how says and whatever other threads were doing at the fork:
 * no lock is taken, no hook or callback is called, no armed timer is counted.
 * Threads  one, with no other call on the engine under way or to come. A thread
 *          that owns one of its shards may end later.
 * Returns  how many armed timers were dropped; -EBUSY with ROTA_REFUSE;
 *          -EDEADLK from inside a callback; -EINVAL. On error the engine lives
 *          on.
 */
int rota_engine_destroy(struct rota_engine *e, enum rota_destroy how);

/* rota_engine_now - the engine's clock, ns. Reads the clock: some 20 ns.
 * -EINVAL, -ECHILD. */
rota_time rota_engine_now(struct rota_engine *e);

/* rota_engine_advance - move a virtual clock forward by @span.
 *
 * Polls nothing itself; wakes the drivers.
 * Returns  0; -EINVAL not ROTA_CLOCK_VIRTUAL, or @span < 0; -ECHILD.
 */
int rota_engine_advance(struct rota_engine *e, rota_span span);

/* rota_engine_shard - shard @i, or NULL if there is none. */
struct rota_shard *rota_engine_shard(struct rota_engine *e, unsigned i);
unsigned rota_engine_shards(const struct rota_engine *e);

/* rota_engine_local_shard - the shard of @e that the calling thread owns. A
 * thread that owns none is given a shard by turns at its first call, and the
 * same shard from then on, so threads are spread evenly. (A thread that uses
 * more than eight engines by turns may be given another.) NULL: @e is NULL.
 * Cost     after the thread's first call, independent of the number of
 *          shards. */
struct rota_shard *rota_engine_local_shard(struct rota_engine *e);

/* rota_engine_would_deadlock - 1: the calling thread owns a shard of @e or is
 * in one of its callbacks, so a wait on this thread would keep that shard's
 * timers from firing; 0; -EINVAL; -ECHILD. Cost as
 * rota_engine_local_shard(). */
int rota_engine_would_deadlock(const struct rota_engine *e);

/* A hook that runs when the engine is destroyed. Embed it as the first member
 * of your own struct. */
struct rota_layer {
	void (*end)(struct rota_layer *l);
};

/* rota_engine_at_destroy - install @l as the layer of @e, if @e has none, and
 * return the layer; @l NULL: only return it. An engine has room for one layer.
 * Channels and contexts share a layer of their own; where that room is taken
 * they answer -ENOMEM.
 *
 * Owns     rota_engine_destroy() calls l->end(l) when nothing fires any more,
 *          and before the engine's memory goes. In the child of a fork
 *          (rota_engine_forked()) the call must give memory back and take no
 *          lock.
 * Returns  the layer, or NULL.
 * Orders   a caller that gets the layer sees what its maker wrote.
 */
struct rota_layer *rota_engine_at_destroy(
    struct rota_engine *e, struct rota_layer *l);

/* rota_engine_alloc - memory from config.allocator, on a cache line of its own;
 * NULL: there is none. rota_engine_free - give back memory of that @size. Both
 * are for layers. */
void *rota_engine_alloc(struct rota_engine *e, size_t size);
void rota_engine_free(struct rota_engine *e, void *ptr, size_t size);
/* rota_engine_log - pass @line to config.log. */
void rota_engine_log(struct rota_engine *e, const char *line);

/* rota_engine_forked - 1: the calling process was forked from the one that made
 * @e, and can only destroy @e; 0; -EINVAL. */
int rota_engine_forked(const struct rota_engine *e);

/* rota_shard_attach - the calling thread becomes the owner of @s, until the
 * thread detaches or ends. The shard's timers and deadlines stay, and what is
 * armed stays armed. Another thread may then attach, adopt, or retire @s.
 *
 * A `fire` that ends its thread counts as returned, and its poll as over; the
 * next owner's poll goes on with the rest. (The same holds for the function of
 * a rota_shard_each().) A thread that waits for that callback in
 * rota_timer_stop_sync() goes on. If the callback was called from within a
 * callback of another shard, that one counts as returned, too. A `released`
 * must return: a thread that ends in one, also if a `fire` is around that,
 * leaves @s half changed, fit for nothing but rota_engine_destroy().
 * Returns  0; -EBUSY @s has an owner; -ENOTRECOVERABLE the owner ended in a
 *          `released`; -ENOMEM (some bytes for each thread that attaches);
 *          -EAGAIN the library could not arrange to be told of the thread's
 *          end; -EINVAL; -ECHILD.
 * Orders   the owner sees what the owner before it wrote.
 */
int rota_shard_attach(struct rota_shard *s);

/* rota_shard_detach - the owner gives @s up. Another thread may attach.
 * Returns 0; -EPERM not the owner; -EDEADLK inside a callback; -ECHILD. */
int rota_shard_detach(struct rota_shard *s);

/* rota_shard_poll - enqueue what arrived, fire what is due at @now.
 *
 * A poll has five kinds of work, and does up to @budget steps of each, so that
 * no kind keeps another waiting:
 *
 * (1) timers that an earlier poll deferred, since a callback had armed them for
 *     an instant that had come;
 * (2) the inbox: two steps for each timer that another thread armed, moved
 *     earlier or released;
 * (3) what is due: a step for each entry that comes up, of which at most one
 *     timer fires (two steps if the entry leaves a heap of more than 65,536,
 *     three if it leaves a heap of more than 262,144), for each entry that a
 *     wheel moves down a level, and for each eight entries of a slot that are
 *     sorted;
 * (4) early cascades: what a wheel moves down ahead of time, evenly while the
 *     slot of those entries comes near, so that little is left when that slot
 *     starts;
 * (5) the search for zombies, in at most 512 steps, or else, if nothing due is
 *     left, giving memory back after a peak, in at most 1024, whatever the
 *     budget.
 *
 * If there is work of a kind, each poll does some of it, even with a budget of
 * 1. The exception is (1): while the budget is too small for what is due, only
 * every second poll serves the deferred timers, so that a timer which its
 * callback arms for the past again and again, before all others, keeps none of
 * them waiting. Outside of the budget are at most 64 timers that the owner
 * armed since the last poll, which are enqueued first, and what the callbacks
 * do themselves.
 *
 * Units    @now: instant on the engine's clock; an instant before an earlier
 *          poll's counts as that poll's. So an instant ahead of the clock
 *          stays: until the clock has come to it, each poll counts as one at
 *          that instant, and a timer that is armed meanwhile for an instant
 *          before it fires early, in the next poll. A debug build reports such
 *          an instant on ROTA_CLOCK_MONOTONIC and ROTA_CLOCK_BOOTTIME.
 *          @budget: see above. 0: no limit.
 * Threads  owner.
 * Returns  0: nothing due is left, but what callbacks have armed meanwhile.
 *          1: the budget is used up, poll again.
 *          -EPERM not the owner; -EDEADLK inside a callback; -ECHILD. With
 *          ROTA_ADOPT -EBUSY: an adopter is polling @s, poll a little later;
 *          and 1: an adopter took over while a callback ran.
 * Cost     a step is some 20 to 300 ns, by how cold the timer is; PERF.md.
 */
int rota_shard_poll(struct rota_shard *s, rota_time now, unsigned budget);

/* rota_shard_poll_batch - as rota_shard_poll(), but up to @n due timers are put
 * in @out and do not fire. They count as fired: not pending, and yours to reset
 * or release. A stop of such a timer answers ROTA_NOT_PENDING. Pooled timers of
 * the shard are handed out too, and their functions are not called: do not use
 * pooled timers on a shard that is polled this way.
 *
 * Returns  how many; ask rota_shard_next() whether more are due. -errno as
 *          rota_shard_poll(), -EINVAL @out NULL or @n 0.
 */
int rota_shard_poll_batch(struct rota_shard *s, rota_time now, unsigned budget,
    struct rota_timer **out, unsigned n);

/* rota_shard_next - when the owner must poll next, if nothing changes.
 *
 * If there is work already: at or before the last poll's now. Else never later
 * than the earliest deadline, to which a coarse wheel adds its slot and the
 * timer's slack; ROTA_NEVER if nothing is armed. May be earlier: the instant at
 * which the entry of a stopped or postponed timer comes up, or the start of a
 * wheel's slot. The slack of an exact timer does not count here:
 * rota_shard_park(), which checks more, says how long a loop may sleep. A wheel
 * remembers the start of the slot that comes up next, and may answer that
 * instant even when nothing is armed any more, until a poll has come to it.
 * Owner; -EPERM.
 */
rota_time rota_shard_next(struct rota_shard *s);

/* rota_shard_armed - is a timer armed for before @before? A caller who moves
 * the clock needs this: rota_shard_next() may answer an instant at which no
 * timer is due, that of a stopped timer's entry or the start of a slot. Not in
 * a callback.
 *
 * Returns  1, 0; -EPERM not the owner; -EDEADLK inside a callback; -EBUSY an
 *          adopter is polling; -EINVAL, -ECHILD.
 * Cost     drains the inbox, and walks to the first such timer. If there is
 *          none the walk goes through everything, and after it no stopped timer
 *          has an entry.
 */
int rota_shard_armed(struct rota_shard *s, rota_time before);

/* One armed timer of a walk. Not 0: end the walk. */
typedef int rota_each_fn(void *arg, const struct rota_kind *kind,
    struct rota_timer *t, rota_time deadline);

/* rota_shard_each - call @fn(@arg, kind, t, deadline) for each armed timer of
 * @s, in no order. That includes timers that other threads have armed, timers
 * that are staged or deferred, and timers of ROTA_NEVER. It leaves out a timer
 * that another thread is arming at this moment; a timer that another thread
 * stops meanwhile may be shown or not. Channels, contexts and the like have
 * timers of their own, which are shown as well: tell them by the kind.
 *
 * Threads  the owner, in no callback of @s. @fn runs as a callback of @s does:
 *          polls, detaching, and calls that wait answer -EDEADLK. @fn may stop
 *          any timer, but must not init, reset, move or release a timer of @s:
 *          remember those timers, and change them after the walk. Any other
 *          thread may do as always. With ROTA_ADOPT nobody adopts @s meanwhile.
 *          If @fn ends its thread the walk is over, as a poll would be:
 *          rota_shard_attach().
 * Units    deadline: ns, the latest; ROTA_NEVER too.
 * Returns  for how many timers @fn was called, the last one included; -EPERM
 *          not the owner; -EDEADLK inside a callback; -EBUSY an adopter is
 *          polling; -EINVAL, -ECHILD.
 * Orders   @fn sees what the thread that armed the timer wrote before [P1].
 * Cost     drains the inbox, where `released` may run, then a cache line for
 *          each entry, those of stopped timers too.
 */
int rota_shard_each(struct rota_shard *s, rota_each_fn *fn, void *arg);

/* rota_shard_now - the instant of the latest poll. Owner; no clock read. */
rota_time rota_shard_now(const struct rota_shard *s);

/* rota_shard_park - announce that the owner is going to sleep.
 *
 * Until the instant that it answers no timer is later than the slack of its
 * kind (on a coarse wheel: slack and a slot), so one wake meets the deadlines
 * of many timers; timers whose kinds have no slack are on time. A poll in
 * between fires what is due. From this call on a thread, the owner too, that
 * arms a timer which that sleep would make later than this makes
 * rota_shard_fd() readable (or calls config.wake). The next poll ends the
 * parking.
 *
 * On an engine with ROTA_ADOPT, whose adopters go by the deadline, the instant
 * is not later than the earliest known deadline; a thread that arms an earlier
 * timer wakes the owner as above.
 *
 * A loop that sleeps by poll(2)'s own timeout sleeps on CLOCK_MONOTONIC: on
 * ROTA_CLOCK_BOOTTIME it is late by as long as the machine was suspended.
 *
 * Threads  owner.
 * Returns  the instant to sleep until, ROTA_NEVER for "until woken"; 0 if there
 *          is something to do at once, also while polls have memory to give
 *          back: rota_shard_trim(). -EPERM.
 * Cost     if nothing has come up since the last park, one check. Else entries
 *          of stopped and postponed timers that would wake the owner for
 *          nothing are moved, up to 4096 checks: work that the wake would have
 *          done. On an engine with ROTA_ADOPT none are moved. Where kinds have
 *          slack, and not all the same, each park checks what comes up before
 *          the instant that it answers: up to 4096 checks, and in the long run
 *          one for each 4 us that pass. When these checks run out the owner
 *          wakes earlier than it had to.
 */
rota_time rota_shard_park(struct rota_shard *s);

/* rota_shard_wait - park, then sleep as long as the park allows: until there is
 * something to do, the clock has come to @limit (an instant, not a span;
 * ROTA_NEVER: no limit), or rota_shard_wake(). For ROTA_CLOCK_MONOTONIC and
 * _BOOTTIME; on the latter it is on time after a suspend, by a timerfd that the
 * first call makes. The first call may return at once: see rota_shard_fd().
 * Returns 0; -EINTR; -EPERM; -EMFILE, -ENFILE, -ENOMEM; -EOPNOTSUPP other
 * clocks; -ECHILD. */
int rota_shard_wait(struct rota_shard *s, rota_time limit);

/* rota_shard_fd - a descriptor that poll(2) finds readable once a remote thread
 * woke the shard. The next poll of the shard empties it. The first call of this
 * function or of rota_shard_wait() makes the descriptor. A new descriptor is
 * readable, since a wake may have come before it.
 * Returns the descriptor, or -EMFILE, -ENFILE, -ENOMEM. */
int rota_shard_fd(struct rota_shard *s);

/* rota_shard_wake - make a sleeping owner poll. Any thread; safe in a signal
 * handler if rota_shard_fd() was called before. A poll consumes earlier wakes.
 * If you wake the owner for a reason of your own (e.g. shutdown), set a flag
 * before the wake, and let the owner check it after the poll and before
 * sleeping.
 * Returns 0 or -EINVAL. */
int rota_shard_wake(struct rota_shard *s);

/* rota_shard_adopt - poll @s from a thread that is not its owner, since the
 * owner is late: asleep, or blocked in a callback. Engines with ROTA_ADOPT.
 *
 * Returns  as rota_shard_poll(); -EBUSY another thread is polling @s right now;
 *          -EOPNOTSUPP without ROTA_ADOPT; -ENOTRECOVERABLE, -ENOMEM, -EAGAIN
 *          as rota_shard_attach().
 */
int rota_shard_adopt(struct rota_shard *s, rota_time now, unsigned budget);

/* rota_shard_overdue - an upper bound, in ns, of how late the earliest timer of
 * @s is at @now; 0: nothing is due. The bound is too high if the entry that
 * comes up first is that of a stopped or postponed timer, or if a wheel's slot
 * has begun: an adopter's poll finds out. A snapshot from any thread, for
 * adopters. */
rota_span rota_shard_overdue(struct rota_shard *s, rota_time now);

/* rota_shard_retire - move every timer and kind of @s to @target, for good.
 *
 * Timers stay valid and keep their deadlines; the target's next poll enqueues
 * them. @s takes no new kinds.
 * Threads  the owner of @s, or any thread while @s has none.
 * Returns  0; -EINVAL the same shard, other engines, one of them has retired;
 *          -EPERM; -EDEADLK; -EBUSY an adopter is polling @s or in a callback
 *          of it: try again. -ENOMEM, -ENOSPC @target has no room: nothing has
 *          moved.
 * Cost     walks all timers of @s, some 0.4 us each if they are cold, and
 *          nothing of @s fires meanwhile; for @target each is a push. Inits go
 *          on. Waits for another retirement. */
int rota_shard_retire(struct rota_shard *s, struct rota_shard *target);

/* rota_shard_reserve - make room for @n more timers than now, ahead of their
 * rota_timer_init(). The room stays until rota_shard_trim(). Any thread.
 * Returns 0; -ENOMEM; -ENOSPC; -EINVAL; -ECHILD. */
int rota_shard_reserve(struct rota_shard *s, uint64_t n);

/* rota_shard_trim - give back to config.allocator the memory of @s that the
 * timers initialised now do not need, and what rota_shard_reserve() reserved.
 * Memory goes back in blocks for some 16,384 timers of a heap, 8192 of a wheel
 * (an exact wheel has both). Later inits take memory again.
 *
 * After a peak polls do the like by themselves: once fewer timers are
 * initialised than a quarter of those that there is room for, half of the room
 * goes, in slices. Polls keep what was reserved, and a room of fewer than
 * 65,536 timers. So a shard that nobody polls gives nothing back, and a shard
 * whose timers come and go by a factor of two neither gives back nor takes.
 *
 * Threads  the owner, in no callback of @s. Inits, resets and stops by other
 *          threads go on. @s may have retired.
 * Returns  bytes given back, 0 or more, as rota_stats.bytes has gone down; 0
 *          too if other threads kept making room meanwhile. -EPERM not the
 *          owner; -EDEADLK inside a callback; -EBUSY an adopter is polling;
 *          -ENOTRECOVERABLE as rota_shard_attach(); -EINVAL, -ECHILD.
 * Orders   none.
 * Cost     drains the inbox, where `released` may run. Then a check of each
 *          entry that was ever in use at once, up to some 20 ns, and a write to
 *          each timer whose entry is in a block that goes back; nothing of @s
 *          fires meanwhile. While the blocks are given back a mutex is held,
 *          which an init that needs more room takes.
 */
int64_t rota_shard_trim(struct rota_shard *s);

/* Counted since the engine began. For an engine starts = fires + stops + live,
 * whenever no call is under way. For a shard the same holds, but for timers
 * that were armed when they moved there or away. A retired shard has live 0 and
 * keeps its other counts; a call that the retirement overtook may count there
 * later. entries and zombies are those of the latest poll, unless the owner
 * asks. */
struct rota_stats {
	uint64_t starts;  /* resets of a timer that was not pending */
	uint64_t pushes;  /* resets of a timer that was pending */
	uint64_t stops;   /* stops and releases that prevented */
	uint64_t fires;   /* callbacks begun and timers handed out */
	uint64_t live;    /* armed now */
	uint64_t timers;  /* initialised now */
	uint64_t entries; /* in the heap or wheel, zombies included */
	uint64_t zombies; /* entries of stopped timers, at most: exact when no
			    * reset raced with a sweep */
	uint64_t inserts; /* entries made */
	uint64_t moves;   /* entries moved: lazy resets, cascades, earlier */
	uint64_t dropped; /* zombies that came up */
	uint64_t swept;   /* zombies taken out by a sweep */
	uint64_t drained; /* timers taken from the inbox */
	uint64_t polls;
	uint64_t steps;    /* of polls, all kinds of work: rota_shard_poll() */
	uint64_t adopted;  /* polls by others than the owner */
	uint64_t wakes;    /* wakes of a sleeping owner */
	uint64_t late_max; /* ns, of a fired timer */
	uint64_t late_sum; /* ns, over all fired timers, modulo 2^64: it wraps
			    * once a million timers were 10 s late 1845 times.
			    * The difference of two readings is right even so,
			    * if less than 2^64 ns of lateness came in
			    * between */
	uint64_t bytes;    /* allocated for the shard; the first shard counts
			    * the engine's own memory too */
};

/* rota_shard_stat - the figures of one shard; rota_engine_stat - their sum
 * (late_max: the largest). Any thread; a snapshot. */
int rota_shard_stat(struct rota_shard *s, struct rota_stats *out);
int rota_engine_stat(struct rota_engine *e, struct rota_stats *out);

/* rota_shard_check - check the invariants. Owner; walks everything.
 * Returns 0, or the line of the check that failed; -EBUSY an adopter is polling
 * @s; -EPERM, -EINVAL, -ECHILD. */
int rota_shard_check(struct rota_shard *s);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
