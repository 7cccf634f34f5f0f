/* SPDX-License-Identifier: MIT
 *
 * rota/timer.h - a timer that lives in your own struct.
 *
 * A timer is 32 bytes, two to a cache line. What many timers have in common is
 * stored once, in a kind: their shard, and the callback that runs when they
 * fire. The callback finds your struct with rota_container_of().
 *
 *	struct conn { int fd; struct rota_timer idle; };
 *
 *	static void on_idle(struct rota_timer *t, rota_time now)
 *	{
 *		struct conn *c = rota_container_of(t, struct conn, idle);
 *		...
 *	}
 *
 * Threads  Unless a line says otherwise a function may be called from any
 *          thread, beside any other, also in a callback, also on the timer that
 *          is firing. It takes no lock, never waits, never allocates and does
 *          not touch errno. No function may be called in a signal handler. On
 *          timers of a confined kind only the owner of the shard may call.
 * Errors   0 or more is an answer, less than 0 is -errno. -EINVAL: NULL, or a
 *          timer that was never initialised, was released, or was copied from
 *          another place in memory; nothing has changed then.
 * Misuse   is reported to config.log where the kind is known, in every build. A
 *          library built with ROTA_DEBUG_OBJECTS knows each timer that lives:
 *          it refuses to initialise a timer that is armed or has an entry
 *          (-EBUSY), and reads no memory that was reused. It reports, with the
 *          place of the timer's init, calls on timers that were released,
 *          copied, never initialised or left by their engine; and it reports
 *          instants that are dates, and spans of 1 to 999 ns. It takes a mutex
 *          in each call. Memory that went back to the system (munmap(), and so
 *          free() or realloc() of a large array) cannot be read any more: if a
 *          timer in it was not released, the poll that comes to its entry
 *          crashes, in a debug build too, unless rota_debug_gone() was told
 *          before the memory went.
 * Memory   The struct is yours; leave it in place from rota_timer_init() until
 *          its release is complete. Do not move or copy it.
 */
#ifndef ROTA_TIMER_H
#define ROTA_TIMER_H

#include <stddef.h>
#include <stdint.h>

#include <rota/clock.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct rota_shard;
struct rota_timer;

#define rota_container_of(ptr, type, member) \
	((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* Runs when @t fires, on the thread that polls the shard, with no lock held.
 * @now is the instant of the poll; rota_timer_deadline(t) is the deadline that
 * was asked for. @t is neither pending nor linked: reset it, or release it,
 * then free it. The callback must return or, except in a bubble, end its thread
 * (see rota_shard_attach()): neither longjmp nor a C++ exception may leave it. On
 * an engine with ROTA_ADOPT the thread may be an adopter's, and if
 * @t is armed again before the callback has returned, its next call may overlap
 * with this one. */
typedef void rota_fire_fn(struct rota_timer *t, rota_time now);

/* Runs when a release that had to wait is complete: @t is yours. On the thread
 * that polls the shard: the owner, or with ROTA_ADOPT an adopter. Must
 * return. */
typedef void rota_released_fn(struct rota_timer *t);

/* Only the owner's thread will ever touch the timers of this kind, so plain
 * loads and stores replace locked ones. Not on an engine with ROTA_ADOPT. A
 * debug build (ROTA_DEBUG_OBJECTS) checks the promise. */
#define ROTA_CONFINED 1u
/* Timers that rota_shard_poll_batch() hands out; `fire` is NULL.
 * rota_shard_poll() expires them silently. */
#define ROTA_BATCH 2u

/* What the timers of one kind have in common. What is left out is 0. */
struct rota_kind_config {
	rota_fire_fn *fire;         /* NULL with ROTA_BATCH */
	rota_released_fn *released; /* may be NULL if only the owner releases:
				     * see rota_timer_release() */
	rota_span slack;  /* ns, >= 0: a timer is never early. It may fire this
			   * much late (on a coarse wheel: this and a slot) if
			   * that spares the owner a wakeup or the wheel a move;
			   * a poll that happens anyway fires what is due (a
			   * coarse wheel: what is in a slot that is due) */
	const char *name; /* for reports and the log; not copied */
	uint32_t flags;   /* ROTA_CONFINED, ROTA_BATCH */
};

/* A kind: yours, must outlive its timers. The first six members are those of
 * its config and the place where it was made: read them, do not write them. */
struct rota_kind {
	rota_fire_fn *fire;
	rota_released_fn *released;
	rota_span slack;
	const char *name;
	const char *site; /* "file:line" of its rota_kind_init() */
	uint32_t flags;
	uint32_t r_magic;
	struct rota_shard *r_shard;
	struct rota_hot *r_hot; /* rota/inline.h; the shard's */
	struct rota_kind *r_next;
	struct rota_kind **r_prev;
	uint64_t r_timers; /* initialised and not released */
	void *r_pool;      /* of pooled timers: their engine */
	uint64_t r_said;   /* core/misuse.h */
};

struct rota_timer {
	uintptr_t r_kind; /* the kind, and a proof that this is a timer. First
			   * in the struct: free() of memory that begins here
			   * overwrites it */
	uint64_t r_word;  /* core/state.h */
	union {
		void *r_link;   /* while queued: core/inbox.h */
		uint64_t r_key; /* otherwise, if confined: a deadline from here
				 * on leaves the entry in place;
				 * rota/inline.h */
	};
	uint32_t r_place; /* heap/heap.h or wheel/wheel.h; the owner's */
	uint32_t r_seq;   /* order among equal deadlines; the owner's */
};

/* The answers of rota_timer_stop(). */
enum rota_verdict {
	ROTA_NOT_PENDING = 0, /* it was not armed and is not running */
	ROTA_PREVENTED = 1,   /* this call stopped it: it does not fire */
	ROTA_RUNNING = 2      /* too late: its callback is running */
};

#define ROTA_STRING_(x) #x
#define ROTA_STRING(x) ROTA_STRING_(x)
#define ROTA_HERE __FILE__ ":" ROTA_STRING(__LINE__)

/* rota_kind_init - prepare @k for timers on @s, as @config says:
 *
 *	rota_kind_init(&k, s, &(struct rota_kind_config){
 *	    .fire = on_idle, .name = "idle" });
 *
 * Owns     @k stays yours and must stay where it is until rota_kind_release()
 *          or the end of the engine. @config is copied, its name is not.
 * Returns  0; -EINVAL @k, @s or @config NULL; unknown flags; slack < 0; `fire`
 *          NULL without ROTA_BATCH or given with it; ROTA_CONFINED on an engine
 *          with ROTA_ADOPT; @s has retired. -EBUSY @k is already a kind of a
 *          shard of the engine: rota_kind_release() it first. (The call does
 *          not check other engines: if @k is a kind there, release it or
 *          destroy that engine before.) -ECHILD.
 * Cost     takes the lock of each shard of the engine, one at a time, and
 *          checks each kind: for start-up, not for every timer.
 */
#define rota_kind_init(k, s, ...) \
	rota_kind_init_site((k), (s), __VA_ARGS__, ROTA_HERE)
int rota_kind_init_site(struct rota_kind *k, struct rota_shard *s,
    const struct rota_kind_config *config, const char *site);

/* rota_kind_release - @k is yours again.
 *
 * Returns  0; -EBUSY if it has timers that were not released; -EINVAL.
 * Cost     takes a lock.
 */
int rota_kind_release(struct rota_kind *k);

/* rota_timer_init - prepare @t, of kind @k. It is not pending.
 *
 * Reserves what the shard will need for the timer's entry, so that nothing
 * after this can fail for memory. @t's former content is not read.
 *
 * Returns  0; -EINVAL @t or @k NULL or @k not initialised; -ENOMEM; -ENOSPC the
 *          shard has config.max_timers already, with those for which other
 *          threads are just making room there, by an init, a move or a
 *          retirement; -EBUSY in a debug build: @t is armed or has an entry.
 * Cost     one locked addition; one time in thousands a lock and an allocation.
 *          While its shard begins to retire the call waits until room is made
 *          on the target shard.
 */
int rota_timer_init(struct rota_timer *t, struct rota_kind *k);

/* The same; a debug build remembers @site. Code compiled with
 * ROTA_DEBUG_OBJECTS passes its own lines. */
int rota_timer_init_site(
    struct rota_timer *t, struct rota_kind *k, const char *site);
#ifdef ROTA_DEBUG_OBJECTS
#define rota_timer_init(t, k) rota_timer_init_site((t), (k), ROTA_HERE)
#endif

/* rota_debug_gone - tell the debug build that the @size bytes at @ptr are about
 * to be given back or used anew. Call it in the free() of a program that wants
 * to know:
 *
 *	rota_debug_gone(c, sizeof(*c));
 *	free(c);
 *
 * Each timer in these bytes that was not released is reported to config.log,
 * once for each timer; if the caller is the owner its entry goes at once. A
 * caller that is not the owner can only stop the timer: the entry is never read
 * again, and until it comes up an init at the same place answers -EBUSY.
 *
 * Threads  any, as for rota_timer_release() of the timers.
 * Returns  how many such timers; a release build does nothing: 0.
 */
int rota_debug_gone(const void *ptr, size_t size);

/* rota_timer_reset_at - arm @t: it fires once, at or after @when.
 *
 * Units    @when: instant in ns on the engine's clock. An instant before 0 is
 *          0; an instant in the last 2^20 ns before ROTA_NEVER, or later, is
 *          never. (On a coarse wheel it may be never in the last 2^21 ns and
 *          the slack.) A timer that is due already fires in the next poll,
 *          never inside this call and never in the poll under way. (There are
 *          two exceptions. If a thread that is not the owner arms a stopped
 *          timer during the owner's poll, the timer may fire in that poll. If
 *          a callback of an adopter's poll arms for the past a timer that is
 *          due and still armed, that timer may fire in the adopter's poll.)
 * Order    on one heap or exact wheel timers with equal deadlines fire in the
 *          order in which they were armed, as long as fewer than 2^31 armings
 *          of the shard lie between the first and the last of them. A timer
 *          that another thread arms counts as armed when the owner takes it
 *          from the inbox, even if the owner arms it again before that. But if
 *          another thread arms a timer that is armed already, for the same
 *          instant or a later one, the timer keeps its former place in that
 *          order. Timers that callbacks arm for an instant that has come are
 *          deferred to later polls: if they are more than the budget of a
 *          poll, or the engine has ROTA_ADOPT, they fire in no order among
 *          themselves.
 * Returns  1 it was pending (its former deadline is void), 0 it was not.
 * Orders   what you wrote before is visible in the callback [P1].
 * Cost     a later deadline than before: one compare-and-swap on @t's line,
 *          whether @t is armed or stopped. An earlier one: the owner moves an
 *          entry (heap: O(log4 n) lines, wheel: five); other threads push @t on
 *          an inbox and, if the owner sleeps past @when and the kind's slack,
 *          wake it. No clock is read.
 * Source   laziness: Go's timerModifiedLater, haproxy, tokio; one word:
 *          docs/decisions/0001-one-word.md.
 */
int rota_timer_reset_at(struct rota_timer *t, rota_time when);

/* rota_timer_reset - arm @t to fire once @span from now: rota_timer_reset_at()
 * of rota_when(the clock, @span). Reads the clock once, so @t is not early
 * however old the last poll is. */
int rota_timer_reset(struct rota_timer *t, rota_span span);

/* rota_timer_forward - arm @t, which is periodic, for its next instant: the
 * first after @now on the grid that contains @t's deadline and has one instant
 * each @period. In its callback, first thing:
 *
 *	static void
 *	on_tick(struct rota_timer *t, rota_time now)
 *	{
 *		uint64_t missed;
 *
 *		rota_timer_forward(t, now, ROTA_SECOND, &missed);
 *		beat(1 + missed);
 *	}
 *
 * However late @t fires, the grid stays where it was. If the deadline is after
 * @now, @t is armed for that deadline. A timer that was never armed has the
 * grid of 0. If the next instant is past ROTA_NEVER, @t is armed for ROTA_NEVER
 * and fires no more.
 *
 * Units    @now: instant in ns; a callback's @now is that of its poll: instants
 *          that have come since are due in the next poll. @period: ns, > 0.
 *          *@missed: how many instants of the grid came after the deadline and
 *          not after @now. @missed NULL: not counted.
 * Threads  any. The call reads the deadline, then resets: it overwrites what
 *          another thread resets between the two, as any reset does. A stop
 *          from outside while @t's callback runs may come before this call,
 *          which arms @t anew.
 * Returns  as rota_timer_reset_at(); -EINVAL also @period <= 0; then *@missed
 *          is not written.
 * Cost     a division, and that of rota_timer_reset_at(). No clock is read.
 * Source   hrtimer_forward() of Linux, whose answer counts the deadline's own
 *          instant, too.
 */
int rota_timer_forward(
    struct rota_timer *t, rota_time now, rota_span period, uint64_t *missed);

/* rota_timer_stop - @t shall not fire.
 *
 * Returns  an enum rota_verdict. ROTA_PREVENTED: the callback does not run for
 *          that arming, neither now nor later. ROTA_RUNNING: the callback has
 *          begun and may go on after this call has returned.
 * Orders   after ROTA_PREVENTED you see what the resetter wrote [P2]; after
 *          ROTA_NOT_PENDING what a callback that ran wrote [P3].
 * Cost     one compare-and-swap on @t's line. The entry stays behind as a
 *          zombie; a reset to a later instant uses it again.
 */
int rota_timer_stop(struct rota_timer *t);

/* rota_timer_reset_many - rota_timer_reset_at(@t[i], @when[i]) for every i
 * below @n, in this order; rota_timer_stop_many - rota_timer_stop(@t[i]).
 *
 * For callers that have many timers at hand, as after one epoll_wait(2): the
 * lines of the next timers are fetched during the work on this one.
 *
 * Owns     the arrays stay yours. A timer may be in them twice.
 * Threads  each timer as if alone; the calls are not atomic together.
 * Returns  how many were pending (reset) or prevented (stop). If a call failed:
 *          the negative errno of the first that did; all others were done.
 *          -EINVAL also if an array is NULL and @n is not 0.
 * Cost     for cold timers 0.5 to 0.7 of the cost of single calls: PERF.md.
 */
long rota_timer_reset_many(
    struct rota_timer *const *t, const rota_time *when, size_t n);
long rota_timer_stop_many(struct rota_timer *const *t, size_t n);

/* rota_timer_stop_sync - rota_timer_stop(), then wait for the end of every
 * callback of @t that had begun, whatever armed it: also after ROTA_PREVENTED,
 * if @t was armed anew while its callback ran, and of both callbacks where two
 * run (ROTA_ADOPT). A callback that releases @t meanwhile is waited for, too.
 * The callback of a former timer, which released that and in whose memory @t
 * was initialised since, is none of @t's: it is waited for if @t is on the
 * shard that runs it, and else not.
 *
 * A call that begins after the callback has released @t is one on a released
 * timer, and answers -EINVAL though the callback may still run: so a callback
 * that releases its timer frees the memory itself, or tells other threads after
 * its last access that they may. Free the memory only when no other
 * thread is inside a call on @t: a call that began before the release may still
 * read it.
 *
 * So @t's callback runs no more, unless something arms @t after the stop. If a
 * callback arms its own timer, tell it first not to, and let the callback ask
 * for that and arm under the mutex under which it is told: if it asks a flag
 * alone, it may find the flag clear, and arm after this stop. Do not hold that
 * mutex in this call.
 *
 * Threads  any but a callback's own. Two callbacks, on two shards, that wait
 *          for each other's timers wait for ever: nothing detects that. A
 *          caller must not hold a mutex that the callback takes.
 * Returns  ROTA_PREVENTED or ROTA_NOT_PENDING, and no such callback runs;
 *          -EDEADLK if the caller is inside a callback of @t, even through
 *          callbacks of other timers: nothing has changed then.
 * Orders   sees what those callbacks wrote [R1] [R2].
 * Cost     waits; naps of 1 us to 1 ms.
 */
int rota_timer_stop_sync(struct rota_timer *t);

/* rota_timer_release - stop @t for good and take its memory back.
 *
 * Returns  0: @t is yours at once. The caller is the owner, no other thread has
 *          pushed @t on the inbox or is just doing so, and no adopter is in its
 *          callback.
 *          1: kind->released(@t) will run in a poll on the owner (or an
 *          adopter), and not while @t's callback runs; until then @t must stay.
 *          If the owner has armed @t since the last poll, `released` may also
 *          run in a call that enqueues staged timers: an arming, a release,
 *          rota_shard_next(), park, check, armed or retire. Each of these calls
 *          counts as a callback meanwhile.
 *          -EINVAL also if the caller is not the owner and the kind has no
 *          `released`; -EAGAIN if the caller is the owner, the kind has none,
 *          and another thread is just pushing @t or is in its callback, or @t
 *          is in the inbox: until the next poll that is so after another
 *          thread has armed @t, after this thread did so before it attached,
 *          and after a rota_timer_move(). Poll, then try again.
 * Threads  no other call on @t may begin after this one has, except those of
 *          its callback while that runs. A reset that is under way may end, if
 *          it was seen to have armed @t.
 * Orders   `released` sees what you wrote before [P6].
 */
int rota_timer_release(struct rota_timer *t);

/* rota_timer_move - @t becomes a timer of @to, a kind of the same engine,
 * possibly on another shard: a connection changes its thread. If @t is armed it
 * stays armed, for its deadline: the next poll of that shard enqueues it, and
 * the shard's owner is woken if it sleeps until later. Among equal deadlines @t
 * counts as armed at that poll. If @t is due already, it may fire in a poll of
 * that shard which is under way.
 *
 * Owns     @t stays where it is in memory. Its former kind counts it no more,
 *          and may be released.
 * Threads  the owner of the shard that @t is on, in a callback too, but not
 *          @t's own. No other call on @t may be under way, or begin before this
 *          one has returned: tell the other threads afterwards, or hold the
 *          mutex under which they call. From then on the rules are those of
 *          @to. If one of the two kinds is confined, only its owner's calls
 *          count: where another thread owns the shard of a confined @to, this
 *          call is the last one here.
 * Returns  1 @t is pending there, 0 it is not.
 *          -EAGAIN @t is in the inbox of its shard: another thread armed it,
 *          this thread did so before it attached, or @t was moved here, and no
 *          poll has seen that yet: poll, then try again. -EBUSY, with
 *          ROTA_ADOPT: an adopter is polling the shard, or is in @t's
 *          callback: try a little later.
 *          -EDEADLK the caller is inside @t's callback: let the callback arm
 *          another timer, or move @t after the poll. -EPERM not the owner.
 *          -ENOMEM, -ENOSPC @to's shard has no room. -EINVAL also @to NULL, not
 *          initialised or another engine's; @t's release is under way. -ECHILD.
 *          After each of these @t is as it was.
 * Orders   what you wrote before is visible in the callback [I1].
 * Cost     takes the entry out, an allocation at times; if @t is armed a lock,
 *          a push and maybe a wake.
 */
int rota_timer_move(struct rota_timer *t, struct rota_kind *to);

/* rota_timer_pending - 1 armed and not yet fired, 0 not. A snapshot. */
int rota_timer_pending(const struct rota_timer *t);

/* rota_timer_deadline - the instant of @t's last reset; it stays after a stop
 * and after firing. A snapshot; -EINVAL as everywhere. */
rota_time rota_timer_deadline(const struct rota_timer *t);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#include <rota/inline.h>

#endif
