/* SPDX-License-Identifier: MIT
 *
 * wakes.c - an owner that sleeps, and threads that give it reasons not to.
 *
 * On the real clock. What is armed, brought forward or released from outside
 * happens within PATIENCE, so no wakeup was lost; a later deadline and a stop
 * wake nobody.
 * Rows     G11
 */
#define _POSIX_C_SOURCE 200809L
#include "tests/race/race.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <semaphore.h>
#include <string.h>
#include <time.h>

#include "core/shard.h"

#define PATIENCE 20.0 /* s: a machine may be busy, a lost wakeup is for ever */

enum { ITERATIONS = 150 };
enum sleeper { BY_WAIT, BY_FD, BY_HOOK, SLEEPERS };

struct bell {
	struct rota_timer timer;
	rota_word fired; /* times */
};

static struct {
	struct rota_engine *e;
	struct rota_shard *s;
	enum sleeper sleeper;
	sem_t sem;
	rota_word stop, polls, released;
	rota_word turn, done; /* of the second worker */
	struct rota_kind kind;
	struct bell bell, other;
} K;

static void
on_bell(struct rota_timer *t, rota_time now)
{
	struct bell *b = rota_container_of(t, struct bell, timer);

	if (now < rota_timer_deadline(t) && !rota_timer_pending(t))
		race_count(early, 1);
	word_add(&b->fired, (uint64_t)1, release);
}

static void
on_released(struct rota_timer *t)
{
	(void)t;
	word_add(&K.released, (uint64_t)1, release);
}

static void
hook(void *arg, struct rota_shard *s)
{
	(void)arg;
	(void)s;
	sem_post(&K.sem);
}

static void
sleep_by_fd(rota_time until)
{
	struct pollfd p = { .fd = rota_shard_fd(K.s), .events = POLLIN };
	rota_span left = until - rota_engine_now(K.e);

	if (left <= 0)
		return;
	/* Too early by part of a ms costs a turn, no more. */
	poll(&p, 1, left > ROTA_HOUR ? -1 : (int)(left / ROTA_MILLISECOND));
}

static void
sleep_by_hook(rota_time until)
{
	rota_span left = until - rota_engine_now(K.e);
	struct timespec ts;

	if (left <= 0)
		return;
	if (left > ROTA_HOUR)
		left = ROTA_HOUR;
	clock_gettime(CLOCK_REALTIME, &ts);
	left += ts.tv_nsec;
	ts.tv_sec += (time_t)(left / ROTA_SECOND);
	ts.tv_nsec = (long)(left % ROTA_SECOND);
	sem_timedwait(&K.sem, &ts);
}

static void *
own(void *arg)
{
	race_self = arg;
	if (rota_shard_attach(K.s))
		race_fail("attach");
	while (!word_load(&K.stop, acquire)) {
		rota_time until;

		if (rota_shard_poll(K.s, rota_engine_now(K.e), 0))
			race_fail("a poll without limit is not done");
		word_add(&K.polls, (uint64_t)1, release);
		if (word_load(&K.stop, acquire))
			break; /* the poll may have taken the wake */
		if (K.sleeper == BY_WAIT) {
			int r = rota_shard_wait(K.s, ROTA_NEVER);

			if (r && r != -EINTR)
				race_fail("wait said %d", r);
			continue;
		}
		until = rota_shard_park(K.s);
		if (until <= 0)
			continue;
		if (K.sleeper == BY_FD)
			sleep_by_fd(until);
		else
			sleep_by_hook(until);
	}
	rota_shard_detach(K.s);
	return NULL;
}

/* The second worker: each turn one reset, beside the first one's. */
static void *
second(void *arg)
{
	struct worker *w = arg;

	race_self = w;
	for (uint64_t n = 1;; n++) {
		while (word_load(&K.turn, acquire) < n)
			sched_yield();
		if (word_load(&K.stop, acquire))
			return NULL;
		for (uint64_t i = source_span(&w->source, 8); i > 0; i--)
			__atomic_signal_fence(__ATOMIC_SEQ_CST);
		if (rota_timer_reset(&K.bell.timer, 100 * ROTA_MICROSECOND) < 0)
			race_fail("reset");
		w->ops++;
		word_store(&K.done, n, release);
	}
}

static void
await(rota_word *word, uint64_t value, const char *what)
{
	double until = race_seconds() + PATIENCE;
	struct timespec nap = { 0, 20000 };

	while (word_load(word, acquire) < value) {
		if (race_seconds() > until)
			race_fail("%s: not within %.0f s", what, PATIENCE);
		nanosleep(&nap, NULL);
	}
}

static void
await_parked(void)
{
	double until = race_seconds() + PATIENCE;

	while (!word_load(&K.s->park.parked, acquire)) {
		if (race_seconds() > until)
			race_fail("an idle owner does not park");
		sched_yield();
	}
}

/* Until the owner sleeps and has heard of the bell: before it has, it looks
 * whether something came while it parked, and may rightly be woken. A coarse
 * wheel sleeps past the deadline, by less than a second. */
static void
await_asleep(void)
{
	double until = race_seconds() + PATIENCE;
	uint64_t latest = (uint64_t)(rota_timer_deadline(&K.bell.timer) +
	    ROTA_SECOND);

	while (!word_load(&K.s->park.parked, acquire) ||
	    word_load(&K.s->park.sleep_until, acquire) > latest) {
		if (race_seconds() > until)
			race_fail("an idle owner does not park");
		sched_yield();
	}
}

static void
ring(struct worker *w, rota_span span)
{
	if (rota_timer_reset(&K.bell.timer, span) < 0)
		race_fail("reset");
	w->ops++;
}

/* One reset out of nothing. */
static void
one(struct worker *w)
{
	uint64_t fired = word_load(&K.bell.fired, relaxed);

	ring(w, (rota_span)source_bits(&w->source, 18));
	await(&K.bell.fired, fired + 1, "a timer armed from outside");
}

/* Far, and then near: while the owner parks for the far one. */
static void
forward(struct worker *w)
{
	uint64_t fired = word_load(&K.bell.fired, relaxed);

	ring(w, ROTA_HOUR);
	if (source_bits(&w->source, 1))
		await_parked();
	for (uint64_t i = source_span(&w->source, 14); i > 0; i--)
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
	ring(w, (rota_span)source_bits(&w->source, 16));
	await(&K.bell.fired, fired + 1, "a deadline brought forward");
}

/* Two at once, far and near: one of them is the last. */
static void
contend(struct worker *w)
{
	uint64_t n = word_load(&K.turn, relaxed) + 1;
	double until = race_seconds() + PATIENCE;

	word_store(&K.turn, n, release);
	for (uint64_t i = source_span(&w->source, 8); i > 0; i--)
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
	ring(w, ROTA_HOUR);
	await(&K.done, n, "the other worker");
	if (rota_timer_deadline(&K.bell.timer) <
	    rota_engine_now(K.e) + ROTA_MINUTE) {
		while (rota_timer_pending(&K.bell.timer)) {
			if (race_seconds() > until)
				race_fail("a deadline given to a timer that "
					  "another thread was pushing: lost");
			sched_yield();
		}
		/* Its callback is to be over before the next is awaited. */
		if (rota_timer_stop_sync(&K.bell.timer) != ROTA_NOT_PENDING)
			race_fail("armed by nobody");
	} else if (rota_timer_stop(&K.bell.timer) != ROTA_PREVENTED) {
		race_fail("a far timer was not pending");
	}
	w->ops++;
}

static void
give_back(struct worker *w)
{
	uint64_t released = word_load(&K.released, relaxed);

	if (rota_timer_init(&K.other.timer, &K.kind))
		race_fail("init");
	if (source_bits(&w->source, 1))
		rota_timer_reset(&K.other.timer, ROTA_HOUR);
	if (source_bits(&w->source, 1))
		await_parked();
	if (rota_timer_release(&K.other.timer) != 1)
		race_fail("a release from outside");
	await(&K.released, released + 1, "a release");
	w->ops += 3;
}

/* Later deadlines and stops: the owner sleeps on. */
static void
let_sleep(struct worker *w)
{
	uint64_t released = word_load(&K.released, relaxed);
	uint64_t wakes, polls;

	ring(w, ROTA_HOUR);
	if (rota_timer_init(&K.other.timer, &K.kind))
		race_fail("init");
	await_asleep();
	polls = word_load(&K.polls, acquire);
	wakes = word_load(&K.s->wakes, relaxed);
	/* The bell has an entry, which stays; the other goes to the inbox. */
	rota_timer_reset(&K.other.timer, 3 * ROTA_HOUR);
	for (uint64_t n = source_bits(&w->source, 2); n > 0; n--)
		ring(w, 2 * ROTA_HOUR);
	if (rota_timer_stop(&K.bell.timer) != ROTA_PREVENTED)
		race_fail("a far timer was not pending");
	ring(w, 3 * ROTA_HOUR);
	/* An owner that takes a turn for a wake of before may find nothing armed,
	 * and is rightly woken for the last. */
	if (word_load(&K.s->wakes, relaxed) != wakes &&
	    word_load(&K.polls, acquire) == polls)
		race_fail("woken by a later deadline or a stop");
	if (rota_timer_stop(&K.bell.timer) != ROTA_PREVENTED)
		race_fail("a far timer was not pending");
	rota_timer_release(&K.other.timer);
	await(&K.released, released + 1, "a release");
	w->ops += 5;
}

static void
shake(struct worker *w)
{
	uint64_t polls;

	await_parked();
	polls = word_load(&K.polls, relaxed); /* none ends between */
	rota_shard_wake(K.s);
	await(&K.polls, polls + 1, "rota_shard_wake");
	w->ops++;
}

static void *
first(void *arg)
{
	static void (*const acts[])(struct worker *) = { one, forward, contend,
		give_back, let_sleep, shake, forward, contend };
	struct worker *w = arg;

	race_self = w;
	for (int i = 0; i < ITERATIONS; i++)
		acts[source_bits(&w->source, 3)](w);
	word_store(&K.stop, (uint64_t)1, release);
	word_add(&K.turn, (uint64_t)1, release);
	rota_shard_wake(K.s);
	return NULL;
}

/* The three, by their index. */
static void *
play(void *arg)
{
	struct worker *w = arg;

	return w->index == 0 ? own(w) : w->index == 1 ? first(w) : second(w);
}

void
wakes_round(const struct race_options *o, uint64_t seed, uint64_t ops)
{
	struct worker workers[3] = { 0 };
	struct rota_config c = {
		.size = sizeof(c),
		.backend = (enum rota_backend)(seed % 3),
		.shards = 1,
		.max_timers = 64,
	};
	int r;

	(void)o;
	(void)ops;
	memset(&K, 0, sizeof(K));
	K.sleeper = (enum sleeper)(seed / 3 % SLEEPERS);
	if (K.sleeper == BY_HOOK)
		c.wake = hook;
	sem_init(&K.sem, 0, 0);
	if (rota_engine_create(&K.e, &c))
		race_fail("no engine");
	K.s = rota_engine_shard(K.e, 0);
	if (K.sleeper == BY_FD && rota_shard_fd(K.s) < 0)
		race_fail("no descriptor");
	if (rota_kind_init(&K.kind, K.s,
		&(struct rota_kind_config){
		    .fire = on_bell, .released = on_released, .name = "bell" }))
		race_fail("kind_init");
	if (rota_timer_init(&K.bell.timer, &K.kind))
		race_fail("init");
	for (unsigned i = 0; i < 3; i++)
		workers[i].source = source_seed(source_mix(seed + i));
	race_run(workers, 3, play);
	r = rota_engine_destroy(K.e, ROTA_REFUSE);
	if (r)
		race_fail("destroy said %d", r);
	sem_destroy(&K.sem);
}
