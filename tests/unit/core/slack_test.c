/* SPDX-License-Identifier: MIT
 *
 * slack_test.c - the slack of a kind means the same on every backend: a timer
 * is never early, and late by its slack at most (on a coarse wheel by a slot
 * more) if that spares the owner a wake; a poll that happens anyway fires what
 * is due.
 * Claims: the deadlines of many are met in one wake; who has no slack is on
 * time beside them; an arming wakes who sleeps past its deadline and slack, no
 * other; a poll in between fires what is due; of what is armed, pushed and
 * stopped at random nothing is later, and the wakes are hardly more than the
 * fewest; without slack a wake is for a fire; no instant overflows, nor is
 * what is due at the end of time slept past; where looks end nothing is slept
 * past.
 */
#include "core/shard.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/world.h"

#define MS ((rota_span)1000000)
#define LATE(w) ((w)->row->backend == ROTA_WHEEL_COARSE ? TICK : 0)
/* By how much rota_shard_next() may be later than the first deadline. */
#define NEXT(w, slack) (LATE(w) ? TICK + (slack) : 0)

/* Kinds by their slack; they outlive the world's engine. */
enum { KINDS = 6 };
static struct rota_kind kinds[KINDS];

static struct rota_kind *
kind_of_slack(struct world *w, unsigned i, rota_span slack)
{
	assert_int_equal(rota_kind_init(&kinds[i], w->shard,
			     &(struct rota_kind_config){ .fire = probe_fire,
				 .released = probe_released,
				 .slack = slack,
				 .name = "slack",
				 .flags = w->row->kind }),
	    0);
	return &kinds[i];
}

/* @n probes of @k, from @id on. */
static void
probes_of(struct world *w, struct probe *p, unsigned n, struct rota_kind *k)
{
	for (unsigned i = 0; i < n; i++) {
		p[i] = (struct probe){ .world = w, .id = i };
		assert_int_equal(rota_timer_init(&p[i].timer, k), 0);
	}
}

static void
fired_within(struct world *w, const struct probe *p, rota_span slack)
{
	rota_time d = rota_timer_deadline(&p->timer);

	assert_int_equal(p->fires, 1);
	assert_true(p->at >= d);
	assert_true(p->at <= d + slack + LATE(w));
}

/* Sleep from @now as park says until it says for ever: how many wakes. */
static unsigned
sleeper(struct world *w, rota_time now)
{
	unsigned wakes = 0;
	rota_time until;

	while ((until = rota_shard_park(w->shard)) != ROTA_NEVER) {
		assert_true(until >= 0);
		if (until > now) {
			now = until;
			wakes++;
		}
		world_poll(w, now);
		assert_int_equal(rota_shard_check(w->shard), 0);
		assert_in_range(wakes, 0, 1000000);
	}
	return wakes;
}

enum { MANY = 1000 };

static void
many_deadlines_are_met_in_few_wakes(void **state)
{
	struct world *w = *state;
	struct probe *p = malloc(MANY * sizeof(*p));
	rota_time now = 7 * MS + 77;
	uint64_t x = 5;

	w->probes = p;
	probes_of(w, p, MANY, kind_of_slack(w, 0, 100 * MS));
	world_poll(w, now);
	for (unsigned i = 0; i < MANY; i++)
		rota_timer_reset_at(&p[i].timer,
		    now + 1 + (rota_time)(random_next(&x) % (100 * MS)));
	assert_in_range(sleeper(w, now), 1, 3);
	for (unsigned i = 0; i < MANY; i++)
		fired_within(w, &p[i], 100 * MS);
}

static void
who_has_no_slack_is_on_time(void **state)
{
	struct world *w = *state;
	struct probe *p = malloc((MANY + 1) * sizeof(*p));
	rota_time now = 3 * MS;
	uint64_t x = 6;

	w->probes = p;
	probes_of(w, p, MANY, kind_of_slack(w, 0, 100 * MS));
	probes_of(w, &p[MANY], 1, kind_of_slack(w, 1, 0));
	world_poll(w, now);
	for (unsigned i = 0; i < MANY; i++)
		rota_timer_reset_at(&p[i].timer,
		    now + 1 + (rota_time)(random_next(&x) % (100 * MS)));
	rota_timer_reset_at(&p[MANY].timer, now + 61 * MS);
	assert_in_range(sleeper(w, now), 2, 4);
	for (unsigned i = 0; i < MANY; i++)
		fired_within(w, &p[i], 100 * MS);
	fired_within(w, &p[MANY], 0);
}

/* Parked at 0 until 150 ms, by what is due at 50. */
static void
parked(struct world *w, struct probe *p)
{
	for (unsigned i = 0; i < 4; i++)
		rota_timer_stop(&p[i].timer);
	world_poll(w, 0);
	rota_timer_reset_at(&p[0].timer, 50 * MS);
	w->wakes = 0;
	assert_in_range(
	    rota_shard_park(w->shard), 150 * MS, 150 * MS + LATE(w));
}

static int
here(struct rota_timer *t, rota_time when)
{
	return rota_timer_reset_at(t, when);
}

static void
arms(struct world *w, int (*reset)(struct rota_timer *, rota_time))
{
	struct probe p[4];

	probes_of(w, p, 2, kind_of_slack(w, 0, 100 * MS));
	probes_of(w, &p[2], 2, kind_of_slack(w, 1, 0));
	for (unsigned staged = 0; staged < 2; staged++) {
		parked(w, p);
		if (staged) { /* it has an entry, for later */
			rota_timer_reset_at(&p[1].timer, 4000 * MS);
			rota_timer_reset_at(&p[2].timer, 4000 * MS);
			rota_shard_next(w->shard);
			assert_int_equal(w->wakes, 0);
		}
		reset(&p[1].timer, 60 * MS);
		assert_int_equal(w->wakes, 0);
		reset(&p[1].timer, 53 * MS); /* from 150 on somebody waits */
		assert_int_equal(w->wakes, 0);
		reset(&p[2].timer, 152 * MS);
		assert_int_equal(w->wakes, 0);
		reset(&p[1].timer, 20 * MS);
		assert_int_equal(w->wakes, 1);
		world_poll(w, 0);
		assert_in_range(
		    rota_shard_park(w->shard), 120 * MS, 120 * MS + LATE(w));
		reset(&p[2].timer, 117 * MS);
		assert_int_equal(w->wakes, 2);
		world_poll(w, 0);
		assert_in_range(
		    rota_shard_park(w->shard), 117 * MS, 117 * MS + LATE(w));
		assert_true(
		    rota_shard_next(w->shard) <= 20 * MS + NEXT(w, 100 * MS));
	}
	sleeper(w, 0);
	for (unsigned i = 0; i < 2; i++)
		fired_within(w, &p[i], 100 * MS);
	fired_within(w, &p[2], 0);
	for (unsigned i = 0; i < 4; i++)
		rota_timer_release(&p[i].timer);
	world_poll(w, 500 * MS);
}

static void
an_arming_by_the_owner_wakes_it_if_it_must(void **state)
{
	arms(*state, here);
}

static void
an_arming_by_another_wakes_it_if_it_must(void **state)
{
	arms(*state, elsewhere_reset_at);
}

/* A timer that stays filed where it is says nothing: the owner sleeps no longer
 * than it may for any instant from its entry on. */
static void
what_stays_filed_is_not_slept_past(void **state)
{
	struct world *w = *state;
	struct probe p[3];
	rota_time until;

	probes_of(w, p, 1, kind_of_slack(w, 0, 1000 * MS));
	probes_of(w, &p[1], 2, kind_of_slack(w, 1, 0));
	for (unsigned push = 0; push < 2; push++) {
		rota_time now = push * 3000 * MS;

		for (unsigned i = 0; i < 3; i++)
			p[i].fires = 0;
		world_poll(w, now);
		rota_timer_reset_at(&p[0].timer, now + 20 * MS);
		rota_timer_reset_at(&p[1].timer, now + 70 * MS);
		rota_shard_next(w->shard);
		if (push)
			rota_timer_reset_at(&p[1].timer, now + 700 * MS);
		else
			rota_timer_stop(&p[1].timer);
		w->wakes = 0;
		until = rota_shard_park(w->shard);
		assert_in_range(until, now + (push ? 700 : 1020) * MS,
		    now + (push ? 700 : 1020) * MS + LATE(w));
		rota_timer_reset_at(&p[1].timer, now + 80 * MS);
		assert_int_equal(w->wakes, 1);
		/* Of two in one slot of a wheel, too, the first due there. */
		world_poll(w, now);
		rota_timer_reset_at(&p[1].timer, now + 900 * MS);
		rota_timer_reset_at(&p[2].timer, now + 910 * MS);
		assert_in_range(rota_shard_park(w->shard), now + 900 * MS,
		    now + 900 * MS + LATE(w));
		rota_timer_reset_at(&p[2].timer, now + 800 * MS);
		assert_int_equal(w->wakes, 2);
		world_poll(w, now);
		assert_int_equal(sleeper(w, now), 2);
		fired_within(w, &p[0], 1000 * MS);
		fired_within(w, &p[1], 0);
		fired_within(w, &p[2], 0);
	}
	for (unsigned i = 0; i < 3; i++)
		rota_timer_release(&p[i].timer);
}

static void
a_poll_in_between_fires_what_is_due(void **state)
{
	struct world *w = *state;
	struct probe p[10];
	rota_time least = 11 * MS;

	probes_of(w, p, 10, kind_of_slack(w, 0, 100 * MS));
	world_poll(w, 0);
	for (unsigned i = 0; i < 10; i++)
		rota_timer_reset_at(&p[i].timer, least + i * 10 * MS);
	assert_in_range(
	    rota_shard_park(w->shard), least + 100 * MS, least + 100 * MS);
	assert_true(rota_shard_next(w->shard) <= least);
	world_poll(w, least - 1);
	expect_nothing(w);
	world_poll(w, least);
	assert_int_equal(w->fired, 1);
	assert_int_equal(rota_shard_park(w->shard), least + 110 * MS);
	world_poll(w, 55 * MS);
	expect_fired(w, 0, 1, 2, 3, 4);
	assert_true(rota_shard_park(w->shard) >= 161 * MS);
	world_poll(w, 56 * MS);
	expect_nothing(w);
	world_poll(w, 95 * MS);
	expect_fired(w, 5, 6, 7, 8);
	rota_timer_stop(&p[9].timer);
	assert_true(rota_shard_park(w->shard) == ROTA_NEVER);
	for (unsigned i = 0; i < 10; i++)
		rota_timer_release(&p[i].timer);
}

/* Without slack a wake is for a fire, also if there is an event, with a poll
 * and a timer that is stopped again, every 9 ms. */
static void
no_wake_is_for_nothing(void **state)
{
	enum { DEADLINES = 300 };
	struct world *w = *state;
	struct probe *p = malloc((DEADLINES + 1) * sizeof(*p));
	rota_time now = 7 * MS + 77, event = now;
	unsigned wakes = 0, needless = 0;
	uint64_t x = 9;

	w->probes = p;
	probes_of(w, p, DEADLINES + 1, kind_of_slack(w, 0, 0));
	world_poll(w, now);
	for (unsigned i = 0; i < DEADLINES; i++)
		rota_timer_reset_at(&p[i].timer,
		    now + 1 + (rota_time)(random_next(&x) % (20000 * MS)));
	while (w->fired < DEADLINES) {
		rota_time until = rota_shard_park(w->shard);
		size_t fired = w->fired;

		assert_true(until >= 0);
		if (until < event) {
			wakes++;
			now = until > now ? until : now;
			world_poll(w, now);
			needless += w->fired == fired;
			continue;
		}
		now = event;
		event += 9 * MS;
		world_poll(w, now);
		rota_timer_reset_at(&p[DEADLINES].timer, now + 2 * MS);
		rota_timer_stop(&p[DEADLINES].timer);
	}
	if (getenv("SLACK_FIGURES"))
		print_message("%u wakes, %u needless\n", wakes, needless);
	assert_in_range(needless, 0, DEADLINES / 20);
}

/* A timer of much slack is armed for the past and for later again, before it
 * is enqueued; its entry stays, and its key with it. */
static void
a_key_stays_that_of_the_entry(void **state)
{
	struct world *w = *state;
	struct probe p[2];

	probes_of(w, p, 1, kind_of_slack(w, 0, 1000 * MS));
	probes_of(w, &p[1], 1, kind_of_slack(w, 1, 10 * MS));
	world_poll(w, 1);
	rota_timer_reset_at(&p[0].timer, 50 * MS);
	rota_timer_reset_at(&p[1].timer, 52 * MS);
	world_poll(w, 2);
	assert_in_range(rota_shard_park(w->shard), 50 * MS, 62 * MS + TICK);
	rota_timer_reset_at(&p[0].timer, 0);
	rota_timer_reset_at(&p[0].timer, 60 * MS);
	assert_in_range(rota_shard_next(w->shard), 1, 60 * MS);
	rota_timer_reset_at(&p[0].timer, 55 * MS);
	assert_int_equal(rota_shard_check(w->shard), 0);
	world_poll(w, 53 * MS + LATE(w) + (LATE(w) ? 11 * MS : 0));
	assert_int_equal(p[1].fires, 1);
	world_poll(w, 2000 * MS);
	assert_int_equal(p[0].fires, 1);
	for (unsigned i = 0; i < 2; i++)
		rota_timer_release(&p[i].timer);
}

/* What was stopped since the last park wakes nobody, polled or not. */
static void
a_stop_between_two_parks_is_seen(void **state)
{
	struct world *w = *state;
	struct probe p[1];

	probes_of(w, p, 1, kind_of_slack(w, 0, 0));
	world_poll(w, 0);
	rota_timer_reset_at(&p[0].timer, 10 * MS);
	world_poll(w, 1);
	assert_in_range(rota_shard_park(w->shard), 10 * MS, 10 * MS + LATE(w));
	rota_timer_stop(&p[0].timer);
	assert_true(rota_shard_park(w->shard) == ROTA_NEVER);
	rota_timer_release(&p[0].timer);
}

/* The tick of a coarse wheel may have spent it: one in a later slot, which may
 * have come up earlier, is not slept past. */
static void
a_slack_is_spent_once(void **state)
{
	struct world *w = *state;
	struct probe p[2];

	probes_of(w, p, 1, kind_of_slack(w, 0, 400 * TICK));
	probes_of(w, &p[1], 1, kind_of_slack(w, 1, 300 * TICK));
	world_poll(w, 0);
	rota_timer_reset_at(&p[0].timer, 256 * TICK);
	rota_timer_reset_at(&p[1].timer, 257 * TICK);
	assert_int_equal(rota_shard_park(w->shard), 557 * TICK);
	assert_int_equal(sleeper(w, 0), 1);
	fired_within(w, &p[0], 400 * TICK);
	fired_within(w, &p[1], 300 * TICK);
	for (unsigned i = 0; i < 2; i++)
		rota_timer_release(&p[i].timer);
}

static void
no_instant_overflows(void **state)
{
	static const rota_span slacks[] = { INT64_MAX, INT64_MAX - 1,
		(rota_span)1 << 62, (rota_span)ST_NEVER };
	rota_time end = (rota_time)SHARD_LAST;
	struct world *w = *state;
	struct probe p[CM_COUNT(slacks) + 1];

	for (unsigned i = 0; i < CM_COUNT(slacks); i++)
		probes_of(w, &p[i], 1, kind_of_slack(w, i, slacks[i]));
	probes_of(w, &p[4], 1, kind_of_slack(w, 4, 0));
	world_poll(w, 0);
	for (unsigned i = 0; i < 4; i++) {
		rota_timer_reset_at(&p[i].timer, 10 * MS);
		assert_true(rota_shard_park(w->shard) == ROTA_NEVER);
		rota_timer_reset_at(&p[i].timer, end - 5 * TICK);
		assert_true(rota_shard_park(w->shard) == ROTA_NEVER);
		rota_timer_reset_at(&p[i].timer, ROTA_NEVER);
		assert_true(rota_shard_park(w->shard) == ROTA_NEVER);
		rota_timer_reset_at(&p[i].timer, 10 * MS);
		assert_true(rota_shard_park(w->shard) == ROTA_NEVER);
		assert_int_equal(w->wakes, 0);
	}
	world_poll(w, 20 * MS);
	if (w->row->backend != ROTA_WHEEL_COARSE)
		assert_int_equal(w->fired, 4);
	w->fired = 0;
	for (unsigned i = 0; i < 4; i++)
		rota_timer_reset_at(&p[i].timer, end - 9 * TICK);
	rota_timer_reset_at(&p[4].timer, end - 9 * TICK);
	assert_in_range(rota_shard_park(w->shard), end - 9 * TICK,
	    end - 9 * TICK + LATE(w));
	world_poll(w, end);
	if (w->row->backend != ROTA_WHEEL_COARSE)
		assert_int_equal(w->fired, 5);
	for (unsigned i = 0; i < 5; i++)
		rota_timer_release(&p[i].timer);
}

/* More than the looks of one park, and parks at one instant, whose looks are
 * not without end. */
enum { HERD = 20000 };

static unsigned
herd(struct world *w, struct probe *p, unsigned n, unsigned parks)
{
	rota_time now = 0, until = 0;
	uint64_t x = 9;
	unsigned wakes = 0;

	world_poll(w, now);
	for (unsigned i = 0; i < n; i++)
		rota_timer_reset_at(
		    &p[i].timer, 1 + (rota_time)(random_next(&x) % (400 * MS)));
	for (;;) {
		rota_time least = ROTA_NEVER, next;

		for (unsigned i = 0; i < parks; i++) {
			until = rota_shard_park(w->shard);
			if (until == 0)
				world_poll(w, now);
		}
		if (until == ROTA_NEVER)
			break;
		for (unsigned i = 0; i < n; i++)
			if (rota_timer_pending(&p[i].timer) &&
			    rota_timer_deadline(&p[i].timer) < least)
				least = rota_timer_deadline(&p[i].timer);
		next = rota_shard_next(w->shard);
		assert_true(next <= least + NEXT(w, 100 * MS));
		assert_in_range(until, next, least + 100 * MS + LATE(w));
		now = until;
		wakes++;
		world_poll(w, now);
		if (wakes % 128 == 1)
			assert_int_equal(rota_shard_check(w->shard), 0);
	}
	for (unsigned i = 0; i < n; i++)
		fired_within(w, &p[i], 100 * MS);
	if (getenv("SLACK_FIGURES"))
		print_message("%u wakes\n", wakes);
	return wakes;
}

static void
one_slack_for_all_takes_one_look(void **state)
{
	struct world *w = *state;

	w->probes = malloc(HERD * sizeof(struct probe));
	probes_of(w, w->probes, HERD, kind_of_slack(w, 0, 100 * MS));
	assert_in_range(herd(w, w->probes, HERD, 5), 4, 6);
}

static void
where_looks_end_nothing_is_slept_past(void **state)
{
	struct world *w = *state;
	struct probe one;

	w->probes = malloc(HERD * sizeof(struct probe));
	probes_of(w, w->probes, HERD, kind_of_slack(w, 0, 100 * MS));
	probes_of(w, &one, 1, kind_of_slack(w, 1, 0));
	/* A heap does not look in order. */
	assert_in_range(herd(w, w->probes, HERD, 1), 4,
	    w->row->backend == ROTA_HEAP ? HERD / 2 : 20);
	rota_timer_release(&one.timer);
}

static void
where_no_looks_are_left_the_deadline_counts(void **state)
{
	struct world *w = *state;
	struct probe one;

	w->probes = malloc(HERD * sizeof(struct probe));
	probes_of(w, w->probes, HERD / 4, kind_of_slack(w, 0, 100 * MS));
	probes_of(w, &one, 1, kind_of_slack(w, 1, 0));
	assert_in_range(herd(w, w->probes, HERD / 4, 5), 4, HERD / 4 + 400);
	rota_timer_release(&one.timer);
}

/* What of a heap moves while its owner looks through it. Filed one by one: the
 * heap is then in the order of the table. */
static void
filed_one_by_one(struct world *w, struct probe *p, rota_time when)
{
	rota_timer_reset_at(&p->timer, when);
	assert_true(rota_shard_next(w->shard) >= 0);
}

/* The last of the heap, at 35 ms, takes the place of one that was stopped,
 * below one at 100 ms, and rises above that: to before where the look is. */
static void
what_rises_past_the_look_is_not_slept_past(void **state)
{
	static const unsigned ms[] = { 10, 20, 100, 110, 120, 30, 40, 40, 40,
		105, 106, 106, 106, 111, 111, 111, 111, 121, 121, 121, 121,
		35 };
	enum { ALL = CM_COUNT(ms) };
	struct world *w = *state;
	struct probe p[ALL];

	probes_of(w, p, ALL - 1, kind_of_slack(w, 0, 10000 * MS));
	probes_of(w, &p[ALL - 1], 1, kind_of_slack(w, 1, 0));
	for (unsigned i = 0; i < ALL; i++)
		filed_one_by_one(w, &p[i], ms[i] * MS);
	rota_timer_stop(&p[9].timer);
	assert_in_range(rota_shard_park(w->shard), 1, 35 * MS + LATE(w));
	sleeper(w, 0);
	fired_within(w, &p[ALL - 1], 0);
	for (unsigned i = 0; i < ALL; i++)
		rota_timer_release(&p[i].timer);
}

/* Looks end at the 4096th entry of a heap. All behind it is from there to its
 * last child, which is the one without slack. */
static void
the_last_child_where_looks_end_is_not_slept_past(void **state)
{
	enum { LOOKS = 4096, LAST = 4 * LOOKS };
	struct world *w = *state;
	struct probe *p = malloc((LAST + 1) * sizeof(*p));

	w->probes = p;
	probes_of(w, p, LAST, kind_of_slack(w, 0, 10000 * MS));
	probes_of(w, &p[LAST], 1, kind_of_slack(w, 1, 0));
	for (unsigned i = 0; i < LAST; i++)
		filed_one_by_one(
		    w, &p[i], i < LOOKS ? MS + i * 1000 : 5000 * MS);
	filed_one_by_one(w, &p[LAST], 6 * MS);
	assert_in_range(rota_shard_park(w->shard), 1, 6 * MS + LATE(w));
	sleeper(w, 0);
	fired_within(w, &p[LAST], 0);
}

/* Looks end within the heap, all that is behind is far off, and behind that is
 * memory of what has fired. A timer of little slack is there, unarmed. */
static void
what_has_fired_is_not_woken_for_where_looks_end(void **state)
{
	enum { LOOKS = 4096, TIMERS = 3 * LOOKS };
	struct world *w = *state;
	struct probe *p = malloc(TIMERS * sizeof(*p)), little;
	rota_time now = 1000 * MS; /* by then no looks are owed */

	w->probes = p;
	probes_of(w, p, TIMERS, kind_of_slack(w, 0, 100 * MS));
	probes_of(w, &little, 1, kind_of_slack(w, 1, MS));
	for (unsigned i = 0; i < TIMERS; i++)
		filed_one_by_one(w, &p[i], MS);
	world_poll(w, 200 * MS);
	assert_int_equal(w->fired, TIMERS);
	world_poll(w, now);
	for (unsigned i = 0; i < 2 * LOOKS; i++)
		filed_one_by_one(
		    w, &p[i], i < LOOKS ? now + 10 * MS + i : now + 5000 * MS);
	assert_int_equal(rota_shard_park(w->shard), now + 110 * MS);
	rota_timer_release(&little.timer);
}

/* At random: the same acts, at the same instants, to rota and to what sleeps
 * each time until somebody would be later than its slack. */
enum { SOME = 120, ACTS = 1500 };

struct act {
	rota_time at, when; /* below 0: a stop */
	unsigned timer;
	bool poll, far;
};

static const rota_span slacks[KINDS] = { 0, 1 * MS, 7 * TICK, 40 * MS,
	300 * TICK, 2000 * MS };

struct model {
	rota_time when[SOME];
	bool armed[SOME];
	unsigned wakes;
};

static rota_span
slack_of(unsigned i)
{
	/* few without any: they decide otherwise */
	return slacks[i % 16 == 0 ? 0 : 1 + i % (KINDS - 1)];
}

static rota_time
model_latest(const struct model *m)
{
	rota_time latest = ROTA_NEVER;

	for (unsigned i = 0; i < SOME; i++)
		if (m->armed[i] && m->when[i] + slack_of(i) < latest)
			latest = m->when[i] + slack_of(i);
	return latest;
}

static void
model_poll(struct model *m, rota_time now)
{
	for (unsigned i = 0; i < SOME; i++)
		m->armed[i] &= m->when[i] > now;
}

/* It wakes as late as it may before each act. */
static unsigned
fewest(const struct act *act)
{
	struct model m = { .wakes = 0 };

	for (unsigned i = 0; i < ACTS; i++) {
		const struct act *a = &act[i];
		rota_time latest;

		while ((latest = model_latest(&m)) < a->at) {
			m.wakes++;
			model_poll(&m, latest);
		}
		m.armed[a->timer] = a->when >= 0;
		if (a->when >= 0)
			m.when[a->timer] = a->when;
		if (a->poll)
			model_poll(&m, a->at);
	}
	return m.wakes;
}

static struct probe random_probe[SOME];

/* After a poll at @now: what is armed, and is it later than it may? */
static void
none_is_late(struct world *w, rota_time now)
{
	for (unsigned i = 0; i < SOME; i++) {
		struct probe *p = &random_probe[i];
		rota_time d = rota_timer_deadline(&p->timer);

		if (p->fires) {
			assert_true(p->at >= d);
			assert_true(p->at <= d + slack_of(i) + LATE(w));
			p->fires = 0;
		}
		if (!rota_timer_pending(&p->timer))
			continue;
		if (LATE(w))
			assert_true(now < d + slack_of(i) + LATE(w));
		else
			assert_true(now < d);
	}
}

static void
act_on(struct world *w, const struct act *a, rota_time until)
{
	struct rota_timer *t = &random_probe[a->timer].timer;
	rota_word before = w->wakes;
	rota_time latest = a->when + slack_of(a->timer);
	bool moved;

	if (a->when < 0) {
		rota_timer_stop(t);
		assert_int_equal(w->wakes, before);
		return;
	}
	if (a->far)
		elsewhere_reset_at(t, a->when);
	else
		rota_timer_reset_at(t, a->when);
	moved = w->wakes != before;
	if (moved)
		assert_true(latest < until);
	else if (until)
		assert_true(latest + LATE(w) >= until);
}

static void
of_acts_at_random(void **state)
{
	struct world *w = *state;
	unsigned least, all = 0, all_least = 0;
	static struct act act[ACTS];
	rota_time now = 0;
	uint64_t x = 77;

	for (unsigned k = 0; k < KINDS; k++)
		kind_of_slack(w, k, slacks[k]);
	for (unsigned i = 0; i < SOME; i++) {
		unsigned k = i % 16 == 0 ? 0 : 1 + i % (KINDS - 1);

		probes_of(w, &random_probe[i], 1, &kinds[k]);
	}
	for (unsigned round = 0; round < 12; round++) {
		rota_time step = (rota_time)1 << (17 + round), until = 0;
		rota_time begin = now;
		unsigned wakes = 0;

		for (unsigned i = 0; i < ACTS; i++) {
			unsigned how = random_next(&x) % 100;
			rota_time reach = 1 +
			    (rota_time)(random_next(&x) % (64 * step));

			now += (rota_time)(random_next(&x) % (2 * step));
			act[i] = (struct act){ .at = now,
				.when = how < 15 ? -1 : now + reach,
				.timer = random_next(&x) % SOME,
				.poll = how % 3 == 0,
				.far = !w->row->kind && how % 20 == 1 };
		}
		least = fewest(act);
		now = begin;
		for (unsigned i = 0; i < ACTS; i++) {
			const struct act *a = &act[i];
			rota_word woken;

			for (;;) {
				if (!until)
					until = rota_shard_park(w->shard);
				if (until >= a->at)
					break;
				if (until) {
					now = until;
					wakes++;
				}
				until = 0;
				world_poll(w, now);
				none_is_late(w, now);
			}
			now = a->at;
			woken = w->wakes;
			act_on(w, a, until);
			if (a->poll || w->wakes != woken) {
				world_poll(w, now);
				none_is_late(w, now);
				until = 0;
			}
			assert_int_equal(rota_shard_check(w->shard), 0);
		}
		/* The end of the round: all is stopped. */
		for (unsigned i = 0; i < SOME; i++)
			rota_timer_stop(&random_probe[i].timer);
		world_poll(w, now);
		w->fired = 0;
		all += wakes;
		all_least += least;
		if (getenv("SLACK_FIGURES"))
			print_message("%2u: %u of %u\n", round, wakes, least);
	}
	if (w->row->backend == ROTA_WHEEL_COARSE)
		assert_in_range(all, 0, all_least * 12 / 10 + 200);
	else
		assert_in_range(all, 0, all_least * 12 / 10);
	for (unsigned i = 0; i < SOME; i++)
		rota_timer_release(&random_probe[i].timer);
	world_poll(w, now);
}

/* Where others may adopt the owner sleeps until the earliest deadline that it
 * knows of, as without slack, and is woken as with it. */
static const struct world_row world_heap_adopt = { .backend = ROTA_HEAP,
	.flags = ROTA_ADOPT };
static const struct world_row world_wheel_adopt = { .backend = ROTA_WHEEL,
	.flags = ROTA_ADOPT };
static const struct world_row world_coarse_adopt = {
	.backend = ROTA_WHEEL_COARSE,
	.flags = ROTA_ADOPT
};

static void
who_may_be_adopted_sleeps_until_the_deadline(void **state)
{
	struct world *w = *state;
	struct probe p[2];

	probes_of(w, p, 2, kind_of_slack(w, 0, 100 * MS));
	world_poll(w, 0);
	rota_timer_reset_at(&p[0].timer, 150 * MS);
	rota_shard_poll(w->shard, 0, 0);
	assert_in_range(
	    rota_shard_park(w->shard), 1, 150 * MS + LATE(w) + 100 * MS);
	if (w->row->backend != ROTA_WHEEL_COARSE)
		assert_true(rota_shard_park(w->shard) <= 150 * MS);
	elsewhere_reset_at(&p[1].timer, 149 * MS);
	assert_int_equal(w->wakes, 0);
	elsewhere_reset_at(&p[1].timer, 10 * MS);
	assert_int_equal(w->wakes, 1);
	world_poll(w, 20 * MS);
	for (unsigned i = 0; i < 2; i++)
		rota_timer_release(&p[i].timer);
	world_poll(w, 30 * MS);
}

/* A slack may end behind the last instant, before never. Then the owner sleeps
 * until the last, and what is armed fires. (Within its slack of the end a
 * coarse wheel may have never instead.) */
static void
at_the_end_of_time_what_is_due_is_not_slept_past(void **state)
{
	const rota_time last = (rota_time)SHARD_LAST;
	const rota_time begin = last - 2 * ROTA_MINUTE;
	static const struct {
		rota_span before, slack;
	} rows[] = { { ROTA_MINUTE - 1, ROTA_MINUTE },
		{ ROTA_MINUTE - TICK / 2, ROTA_MINUTE },
		{ ROTA_MINUTE - TICK + 1, ROTA_MINUTE }, { TICK, TICK + 1 },
		{ 0, 1 }, { 0, TICK - 1 } };
	struct world *w = *state;
	const unsigned n = LATE(w) ? 3 : CM_COUNT(rows);
	struct probe p[CM_COUNT(rows)];

	world_poll(w, begin);
	for (unsigned i = 0; i < n; i++) {
		probes_of(
		    w, &p[i], 1, kind_of_slack(w, i % KINDS, rows[i].slack));
		rota_timer_reset_at(&p[i].timer, last - rows[i].before);
		assert_true(rota_shard_park(w->shard) > begin);
		assert_true(rota_shard_park(w->shard) <= last);
		rota_timer_stop(&p[i].timer);
		world_poll(w, begin);
	}
	/* For never: there is nothing to wake for. */
	rota_timer_reset_at(&p[0].timer, ROTA_NEVER);
	assert_int_equal(sleeper(w, begin), 0);
	for (unsigned i = 0; i < n; i++)
		rota_timer_reset_at(&p[i].timer, last - rows[i].before);
	assert_in_range(sleeper(w, begin), 1, n);
	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(p[i].fires, 1);
		rota_timer_release(&p[i].timer);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		EVERY_OWNED(many_deadlines_are_met_in_few_wakes),
		EVERY_OWNED(who_has_no_slack_is_on_time),
		EVERY_OWNED(an_arming_by_the_owner_wakes_it_if_it_must),
		EVERY(an_arming_by_another_wakes_it_if_it_must),
		EVERY_OWNED(what_stays_filed_is_not_slept_past),
		EXACT_OWNED(a_poll_in_between_fires_what_is_due),
		EVERY_OWNED(no_wake_is_for_nothing),
		EVERY_OWNED(a_key_stays_that_of_the_entry),
		EVERY_OWNED(a_stop_between_two_parks_is_seen),
		EVERY_OWNED(a_slack_is_spent_once),
		EVERY_OWNED(no_instant_overflows),
		EVERY_OWNED(at_the_end_of_time_what_is_due_is_not_slept_past),
		EVERY_OWNED(one_slack_for_all_takes_one_look),
		EVERY_OWNED(where_looks_end_nothing_is_slept_past),
		EVERY_OWNED(where_no_looks_are_left_the_deadline_counts),
		EVERY_OWNED(what_rises_past_the_look_is_not_slept_past),
		EVERY_OWNED(the_last_child_where_looks_end_is_not_slept_past),
		EVERY_OWNED(what_has_fired_is_not_woken_for_where_looks_end),
		EVERY_OWNED(of_acts_at_random),
		ON(who_may_be_adopted_sleeps_until_the_deadline, heap_adopt),
		ON(who_may_be_adopted_sleeps_until_the_deadline, wheel_adopt),
		ON(who_may_be_adopted_sleeps_until_the_deadline, coarse_adopt),
	};

	return cmocka_run_group_tests_name("slack", tests, NULL, NULL);
}
