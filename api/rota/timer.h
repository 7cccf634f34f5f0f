/* SPDX-License-Identifier: MIT
 *
 * rota/timer.h - a timer that lives in your own struct.
 *
 * A timer is 32 bytes, two to a cache line. What many timers have in common
 * stands once, in a kind: the shard they live on, what runs when they fire.
 * The callback finds your struct with rota_container_of().
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
 *          thread, beside any other, also in a callback, also on the timer
 *          that is firing. It takes no lock, never waits, never allocates
 *          and does not touch errno. None may be called in a signal handler.
 *          Not so for the timers of a confined kind: theirs only by the
 *          owner of the shard.
 * Errors   0 or more is an answer, less than 0 is -errno. -EINVAL: NULL, or
 *          a timer that was never initialised, was released, or was copied
 *          from another place in memory; nothing has changed then.
 * Misuse   is told to config.log where a kind is known, in every build. A
 *          library built with ROTA_DEBUG_OBJECTS knows each timer that lives:
 *          it refuses to initialise one that is armed or filed (-EBUSY), looks
 *          at no memory that was reused, and tells calls on timers that were
 *          released, copied, never initialised or left by their engine, with
 *          the place of their init; and instants that are dates, and spans
 *          below 1000 ns. It takes a mutex in each call.
 * Memory   The struct is yours, from rota_timer_init() until its release is
 *          complete. Do not move or copy it.
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
 * @now is the instant of the poll; rota_timer_deadline(t) what was asked for.
 * @t is neither pending nor linked: reset it, or release it, then free it. Must
 * return, or end its thread (see rota_shard_attach()): neither longjmp nor a
 * C++ exception may leave it. On an engine with ROTA_ADOPT that may be the
 * thread of an adopter, and if @t is armed again before this has returned the
 * next call of it may overlap with this one. */
typedef void rota_fire_fn(struct rota_timer *t, rota_time now);

/* Runs when a release that had to wait is complete: @t is yours. On the thread
 * that polls the shard: the owner, or with ROTA_ADOPT an adopter. Must return. */
typedef void rota_released_fn(struct rota_timer *t);

/* Only the owner's thread will ever touch the timers of this kind: plain
 * loads and stores serve instead of locked ones. Not on a shard that others
 * may adopt. A debug build (ROTA_DEBUG_OBJECTS) checks the promise. */
#define ROTA_CONFINED 1u
/* Timers that rota_shard_poll_batch() hands out; `fire` is NULL. A
 * rota_shard_poll() lets them expire without a sound. */
#define ROTA_BATCH 2u

/* What the timers of one kind have in common. What is left out is 0. */
struct rota_kind_config {
	rota_fire_fn *fire;         /* NULL with ROTA_BATCH */
	rota_released_fn *released; /* may be NULL if only the owner releases:
				     * see rota_timer_release() */
	rota_span slack;  /* ns, >= 0: a timer is never early, and may fire so
			   * much late (on a coarse wheel a slot more) if that
			   * spares the owner a wakeup or the wheel a move; a
			   * poll that happens anyway fires what is due (a
			   * coarse wheel, by its slot) */
	const char *name; /* for reports and the log; not copied */
	uint32_t flags;   /* ROTA_CONFINED, ROTA_BATCH */
};

/* A kind: yours, must outlive its timers. The first six members are those of
 * its config and where it was made: to read, not to write. */
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
	uintptr_t r_kind; /* the kind, and a proof that this is a timer. First:
			   * free() of what begins here writes over it */
	uint64_t r_word;  /* core/state.h */
	union {
		void *r_link;   /* while queued: core/inbox.h */
		uint64_t r_key; /* while not, if confined: deadlines from
				   * here on leave its entry; rota/inline.h */
	};
	uint32_t r_place; /* heap/heap.h or wheel/wheel.h; the owner's */
	uint32_t r_seq;   /* rank among equal deadlines; the owner's */
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
 * Owns     @k stays yours and must stay where it is until
 *          rota_kind_release() or the end of the engine. @config is copied,
 *          its name is not.
 * Returns  0; -EINVAL @k, @s or @config NULL; unknown flags; slack < 0; `fire`
 *          NULL without ROTA_BATCH or given with it; ROTA_CONFINED on an
 *          engine with ROTA_ADOPT; @s has retired. -EBUSY @k is a kind of one
 *          of the shards of the engine already: rota_kind_release() it first.
 *          (Those of other engines are not looked at: one that is a kind there
 *          must be released, or that engine destroyed, before.) -ECHILD.
 * Cost     takes the lock of each shard of the engine, one at a time, and looks
 *          at each kind: for start-up, not for every timer.
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
 * Reserves what the shard will need to file it, so that nothing after this
 * can fail for memory. @t's former content is not looked at.
 *
 * Returns  0; -EINVAL @t or @k NULL or @k not initialised; -ENOMEM;
 *          -ENOSPC the shard has config.max_timers already; -EBUSY in a debug
 *          build: @t is armed or filed.
 * Cost     one locked addition; one time in thousands a lock and an
 *          allocation. While its shard begins to retire it waits for the room
 *          that is made on the heir.
 */
int rota_timer_init(struct rota_timer *t, struct rota_kind *k);

/* The same; a debug build remembers @site. What is compiled with
 * ROTA_DEBUG_OBJECTS gives its lines. */
int rota_timer_init_site(
    struct rota_timer *t, struct rota_kind *k, const char *site);
#ifdef ROTA_DEBUG_OBJECTS
#define rota_timer_init(t, k) rota_timer_init_site((t), (k), ROTA_HERE)
#endif

/* rota_debug_gone - the @size bytes at @ptr are given back or used anew: tell
 * the debug build, before it is so. From the free() of a program that wants to
 * know:
 *
 *	rota_debug_gone(c, sizeof(*c));
 *	free(c);
 *
 * Each timer in it that was not released is told to config.log, once for each
 * timer; the owner takes it out at once. Another thread cannot, but for
 * stopping it: its entry is not looked at any more, and until that comes up an
 * init at the same place answers -EBUSY.
 *
 * Threads  any, as for rota_timer_release() of the timers.
 * Returns  how many; a release build does nothing: 0.
 */
int rota_debug_gone(const void *ptr, size_t size);

/* rota_timer_reset_at - arm @t: it fires once, at or after @when.
 *
 * Units    @when: instant in ns on the engine's clock. Before 0 is 0; in the
 *          last 2^20 ns before ROTA_NEVER, and after that, is never. (On a
 *          coarse wheel it may be never in the last 2^21 ns and the slack.)
 *          What is due already fires in the next poll, never inside this call and
 *          never in the poll under way. (If another thread than the owner arms
 *          a timer that was stopped while its poll goes on, it may fire in that
 *          one.)
 * Order    on one heap or exact wheel timers with equal deadlines fire in the
 *          order in which they were armed, as long as fewer than 2^31 armings
 *          of the shard lie between the first and the last of them. What other
 *          threads arm counts as armed when the owner takes it from the inbox,
 *          and so does what the owner arms again before that; if it was armed
 *          already, and is armed for the same instant or a
 *          later one, it keeps its former place in that order.
 * Returns  1 it was pending (its former deadline is void), 0 it was not.
 * Orders   what you wrote before is visible in the callback [P1].
 * Cost     later than it was: one compare-and-swap on @t's line, whether it
 *          is armed or stopped. Earlier: the owner moves an entry (heap:
 *          O(log4 n) lines, wheel: five), others push on an inbox and, if
 *          the owner sleeps past @when and the kind's slack, wake it. No clock
 *          is read.
 * Source   laziness: Go's timerModifiedLater, haproxy, tokio; one word:
 *          docs/decisions/0001-one-word.md.
 */
int rota_timer_reset_at(struct rota_timer *t, rota_time when);

/* rota_timer_reset - arm @t to fire once @span from now, as
 * rota_timer_reset_at() of rota_when(the clock, @span). Reads the clock once,
 * so it is not early whatever the age of the last poll. */
int rota_timer_reset(struct rota_timer *t, rota_span span);

/* rota_timer_forward - arm @t, which is periodic, for its next instant: the
 * first after @now on the grid that has @t's deadline on it and one instant
 * each @period from there on. In its callback, first thing:
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
 * However late it fires, the grid stays where it was. If the deadline is after
 * @now it is armed for that. One that was never armed has the grid of 0.
 * Past ROTA_NEVER it is armed for that, and fires no more.
 *
 * Units    @now: instant in ns; a callback's is as of its poll: instants that
 *          have come since are due in the next one. @period: ns, > 0.
 *          *@missed: how many instants of the grid came after the deadline and
 *          not after @now. NULL: nobody asks.
 * Threads  any. It reads the deadline, then resets: what another thread resets
 *          between the two is overwritten, as by any reset. A stop from
 *          outside while its callback runs may come before this call, which
 *          arms it anew.
 * Returns  as rota_timer_reset_at(); -EINVAL also @period <= 0. *@missed is
 *          not written then.
 * Cost     a division, and that of rota_timer_reset_at(). No clock is read.
 * Source   hrtimer_forward() of Linux, whose answer counts the instant that is
 *          the deadline, too.
 */
int rota_timer_forward(
    struct rota_timer *t, rota_time now, rota_span period, uint64_t *missed);

/* rota_timer_stop - @t shall not fire.
 *
 * Returns  an enum rota_verdict. ROTA_PREVENTED: the callback does not run
 *          for that arming, neither now nor later. ROTA_RUNNING: it has
 *          begun and may go on after this call has returned.
 * Orders   after ROTA_PREVENTED you see what the resetter wrote [P2]; after
 *          ROTA_NOT_PENDING what a callback that ran wrote [P3].
 * Cost     one compare-and-swap on @t's line. The entry stays behind as a
 *          zombie; a reset to a later instant takes it over.
 */
int rota_timer_stop(struct rota_timer *t);

/* rota_timer_reset_many - rota_timer_reset_at(@t[i], @when[i]) for every i
 * below @n, in this order; rota_timer_stop_many - rota_timer_stop(@t[i]).
 *
 * For whoever has many at hand, as after one epoll_wait(2): the lines of the
 * next timers are fetched during the work on this one.
 *
 * Owns     the arrays stay yours. A timer may be in them twice.
 * Threads  each timer as if alone; no two happen at one instant.
 * Returns  how many were pending (reset) or prevented (stop). A negative
 *          errno if there were any: the first one; all others were done.
 *          -EINVAL also if an array is NULL and @n is not 0.
 * Cost     of cold timers some half of that of single calls: PERF.md.
 */
long rota_timer_reset_many(
    struct rota_timer *const *t, const rota_time *when, size_t n);
long rota_timer_stop_many(struct rota_timer *const *t, size_t n);

/* rota_timer_stop_sync - rota_timer_stop(), then wait for the end of every
 * callback of @t that had begun, whatever armed it: also after ROTA_PREVENTED,
 * where @t was armed anew while its callback ran, and of both where two run
 * (ROTA_ADOPT).
 *
 * So @t's callback runs no more, unless something arms @t after the stop: a
 * callback that arms its own timer has to be told first that it is not to.
 *
 * Threads  any but a callback's own. Two callbacks, on two shards, that wait
 *          for each other's timers so wait for ever: nobody finds that. Nor may
 *          a caller hold a mutex that the callback takes.
 * Returns  ROTA_PREVENTED or ROTA_NOT_PENDING, and no such callback runs;
 *          -EDEADLK if the caller is inside a callback of @t, if through
 *          those of other timers: nothing has changed then.
 * Orders   sees what those callbacks wrote [R1] [R2].
 * Cost     waits; naps of 1 us to 1 ms.
 */
int rota_timer_stop_sync(struct rota_timer *t);

/* rota_timer_release - stop @t for good and take its memory back.
 *
 * Returns  0: @t is yours at once (the caller is the owner, @t is not in the
 *          inbox, where another thread has pushed it or is just doing so, and
 *          no adopter is in its callback). 1: kind->released(@t) will run on
 *          the owner (or an adopter), in a poll, and not while @t's callback
 *          runs; until then @t must stay. If the owner has armed @t since the
 *          last poll it may run in a call that files what it armed: an arming,
 *          a release, rota_shard_next(), park, check, armed or retire. All of
 *          them count as a callback meanwhile.
 *          -EINVAL also if the caller is not the owner and the kind has no
 *          `released`; -EAGAIN if the caller is the owner, the kind has none,
 *          and another thread is just pushing @t or in its callback: poll,
 *          then try again.
 * Threads  no other call on @t may begin after this one has, except those of
 *          its callback while that runs. A reset that is under way may end,
 *          if it was seen to have armed @t.
 * Orders   `released` sees what you wrote before [P6].
 */
int rota_timer_release(struct rota_timer *t);

/* rota_timer_move - @t becomes a timer of @to, a kind of the same engine, if on
 * another shard: a connection changes its thread. If @t is armed it stays so,
 * for its deadline: the next poll of that shard files it, and its owner is
 * woken if it sleeps until later. Among equal deadlines @t ranks as armed then.
 *
 * Owns     @t stays where it is in memory. The kind that it leaves counts it no
 *          more, and may be released.
 * Threads  the owner of the shard that @t is on, in a callback too, but not
 *          @t's own. No other call on @t may be under way, or begin before this
 *          one has returned: tell the other threads afterwards, or hold the
 *          mutex under which they call. From then on the rules are those of
 *          @to. If one of the two is confined, only its owner's calls count:
 *          where another thread owns the shard of a confined @to, this call is
 *          the last one here.
 * Returns  1 @t is pending there, 0 it is not.
 *          -EAGAIN another thread armed @t, and no poll of its shard has come
 *          to that yet: poll, then try again. -EBUSY, with ROTA_ADOPT: an
 *          adopter is polling the shard, or in @t's callback: a little later.
 *          -EDEADLK the caller is inside @t's callback: let that arm another
 *          timer, or move @t after the poll. -EPERM not the owner. -ENOMEM,
 *          -ENOSPC @to's shard has no room. -EINVAL also @to NULL, not
 *          initialised or another engine's; @t's release is under way.
 *          -ECHILD. After each of these @t is as it was.
 * Orders   what you wrote before is visible in the callback [I1].
 * Cost     takes the entry out, an allocation at times; if @t is armed a lock,
 *          a push and maybe a wake.
 */
int rota_timer_move(struct rota_timer *t, struct rota_kind *to);

/* rota_timer_pending - 1 armed and not yet fired, 0 not. A snapshot. */
int rota_timer_pending(const struct rota_timer *t);

/* rota_timer_deadline - what @t was last reset to; it stays after a stop and
 * after firing. A snapshot; -EINVAL as everywhere. */
rota_time rota_timer_deadline(const struct rota_timer *t);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#include <rota/inline.h>

#endif
