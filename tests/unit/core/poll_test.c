/* SPDX-License-Identifier: MIT
 *
 * poll_test.c - core/poll.c: what fires in a poll, when, in which order.
 * Claims: nothing early through any jump of the clock, nothing later than a
 * tick; equal deadlines in the order of arming; what is armed in a poll waits
 * for the next one; lateness is counted.
 * Rows     G1
 */
#include "core/shard.h"
#include "tests/support/world.h"

#include <stdlib.h>

#define HOUR ((rota_time)3600 * ROTA_SECOND)
#define YEAR ((rota_time)8766 * HOUR)

/* The latest instant at which a poll has to fire what is due at @d. */
static rota_time
due_by(const struct world *w, rota_time d)
{
	if (w->row->backend != ROTA_WHEEL_COARSE)
		return d;
	return (d + TICK - 1) / TICK * TICK;
}

static void
it_fires_at_its_deadline_and_not_a_nanosecond_before(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);
	uint64_t x = 1001;
	rota_time now = 0;

	for (int n = 0; n < 3000; n++) {
		rota_time d = now +
		    (rota_time)(random_next(&x) >> (14 + random_next(&x) % 50));

		if (d >= 30 * YEAR)
			break;
		assert_int_equal(rota_timer_reset_at(&p->timer, d), 0);
		if (d > now) {
			world_poll(w, d - 1);
			assert_int_equal(p->fires, 0);
		}
		world_poll(w, due_by(w, d));
		assert_int_equal(p->fires, 1);
		p->fires = 0;
		now = rota_shard_now(w->shard);
	}
}

static void
a_span_of_zero_or_less_fires_in_the_next_poll_never_in_the_call(void **state)
{
	static const rota_span spans[] = { INT64_MIN, INT64_MIN + 1, -1, 0 };
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);

	rota_engine_advance(w->engine, 7 * TICK);
	world_poll(w, 7 * TICK);
	for (unsigned i = 0; i < CM_COUNT(spans); i++) {
		assert_int_equal(rota_timer_reset(&p->timer, spans[i]), 0);
		expect_nothing(w);
		assert_int_equal(rota_timer_pending(&p->timer), 1);
		assert_int_equal(rota_timer_deadline(&p->timer), 7 * TICK);
		world_poll(w, 7 * TICK); /* the clock stands still */
		expect_fired(w, 0);
	}
}

static void
an_instant_before_the_clock_began_counts_as_its_beginning(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 2);

	assert_int_equal(rota_timer_reset_at(&p[0].timer, INT64_MIN), 0);
	assert_int_equal(rota_timer_reset_at(&p[1].timer, -1), 0);
	assert_int_equal(rota_timer_deadline(&p[0].timer), 0);
	expect_nothing(w);
	world_poll(w, 0);
	assert_int_equal(w->fired, 2);
}

static void
a_span_that_overflows_is_never(void **state)
{
	static const rota_span spans[] = { INT64_MAX, INT64_MAX - 1, ROTA_NEVER,
		ROTA_NEVER - 7 * TICK };
	struct world *w = *state;
	struct probe *p = world_probes(w, CM_COUNT(spans));

	rota_engine_advance(w->engine, 7 * TICK);
	for (unsigned i = 0; i < CM_COUNT(spans); i++) {
		assert_int_equal(rota_timer_reset(&p[i].timer, spans[i]), 0);
		assert_true(rota_timer_deadline(&p[i].timer) == ROTA_NEVER);
	}
	world_poll(w, 30 * YEAR);
	world_poll(w, ROTA_NEVER - 1);
	world_poll(w, ROTA_NEVER);
	world_poll(w, INT64_MAX);
	expect_nothing(w);
	for (unsigned i = 0; i < CM_COUNT(spans); i++) {
		assert_int_equal(rota_timer_pending(&p[i].timer), 1);
		assert_int_equal(rota_timer_stop(&p[i].timer), ROTA_PREVENTED);
	}
}

static void
never_can_be_taken_back(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);

	assert_int_equal(rota_timer_reset_at(&p->timer, ROTA_NEVER), 0);
	world_poll(w, TICK);
	assert_int_equal(rota_timer_reset_at(&p->timer, 3 * TICK), 1);
	world_poll(w, 3 * TICK);
	expect_fired(w, 0);
}

static void
deadlines_fire_in_order_whatever_the_order_of_arming(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 2000);
	uint64_t x = 60203;

	for (unsigned i = 0; i < 2000; i++)
		rota_timer_reset_at(
		    &p[i].timer, (rota_time)(random_next(&x) % (5 * TICK)));
	world_poll(w, 6 * TICK);
	assert_int_equal(w->fired, 2000);
	for (unsigned i = 1; i < 2000; i++)
		assert_true(rota_timer_deadline(&p[w->order[i - 1]].timer) <=
		    rota_timer_deadline(&p[w->order[i]].timer));
}

static void
equal_deadlines_fire_in_the_order_of_arming(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 6);
	static const unsigned armed[] = { 3, 0, 5, 1, 4, 2 };

	for (unsigned i = 0; i < 6; i++)
		rota_timer_reset_at(&p[armed[i]].timer, 4 * TICK + 7);
	world_poll(w, 5 * TICK);
	expect_fired(w, 3, 0, 5, 1, 4, 2);
}

static void
a_push_to_an_equal_deadline_ranks_behind_what_is_there(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 4);

	rota_timer_reset_at(&p[0].timer, 2 * TICK);
	rota_timer_reset_at(&p[1].timer, 3 * TICK);
	world_poll(w, TICK);
	rota_timer_reset_at(&p[2].timer, 3 * TICK);
	rota_timer_reset_at(&p[0].timer, 3 * TICK); /* later: a lazy push */
	rota_timer_reset_at(&p[3].timer, 3 * TICK);
	rota_timer_reset_at(&p[1].timer, 3 * TICK); /* the same instant */
	world_poll(w, 3 * TICK);
	expect_fired(w, 2, 0, 3, 1);
}

/* Few instants and many resets: earlier, later, equal, stopped and started
 * again. The oracle sorts by (deadline, time of the latest arming). */
static const struct probe *oracle_probe;
static uint64_t oracle_rank[64];

static int
by_deadline_and_rank(const void *a, const void *b)
{
	unsigned i = *(const unsigned *)a, k = *(const unsigned *)b;
	rota_time x = rota_timer_deadline(&oracle_probe[i].timer);
	rota_time y = rota_timer_deadline(&oracle_probe[k].timer);

	if (x != y)
		return x < y ? -1 : 1;
	return oracle_rank[i] < oracle_rank[k] ? -1 : 1;
}

static void
order_is_that_of_deadline_and_arming_after_any_resets(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 64);
	uint64_t x = 5557, rank = 0;
	rota_time now = 0;

	oracle_probe = p;
	for (int round = 0; round < 150; round++) {
		unsigned expect[64], n = 0;

		for (int k = 0; k < 400; k++) {
			unsigned i = (unsigned)(random_next(&x) % 64);

			if (random_next(&x) % 8 == 0) {
				rota_timer_stop(&p[i].timer);
				continue;
			}
			rota_timer_reset_at(&p[i].timer,
			    now + 1 +
				(rota_time)(random_next(&x) % 6) * (TICK / 3));
			oracle_rank[i] = rank++;
			if (random_next(&x) % 50 == 0)
				world_poll(w, now);
		}
		now += 1 + 2 * (TICK / 3);
		for (unsigned i = 0; i < 64; i++)
			if (rota_timer_pending(&p[i].timer) &&
			    rota_timer_deadline(&p[i].timer) <= now)
				expect[n++] = i;
		qsort(expect, n, sizeof(*expect), by_deadline_and_rank);
		world_poll(w, now);
		world_expect(w, expect, n, __FILE__, __LINE__);
		assert_int_equal(rota_shard_check(w->shard), 0);
	}
}

static void
again(struct probe *p, rota_time now)
{
	rota_timer_reset_at(&p->timer, now);
}

static void
a_callback_that_arms_itself_due_now_fires_once_a_poll(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);

	p->then = again;
	rota_timer_reset_at(&p->timer, TICK);
	for (unsigned n = 1; n <= 50; n++) {
		world_poll(w, TICK);
		assert_int_equal(p->fires, n);
		assert_true(rota_shard_next(w->shard) <= TICK);
	}
}

enum { HERD = 100000 };

static void
start_herd(struct probe *p, rota_time now)
{
	for (unsigned i = 1; i <= HERD; i++)
		rota_timer_reset_at(&p[i].timer, now - 1);
	p->then = NULL;
}

/* C4: a callback starts 10^5 timers due now. */
static void
what_a_callback_starts_due_now_waits_for_the_next_poll(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, HERD + 1);

	p[0].then = start_herd;
	rota_timer_reset_at(&p[0].timer, TICK);
	world_poll(w, TICK);
	expect_fired(w, 0);
	world_poll(w, TICK);
	assert_int_equal(w->fired, HERD);
	if (w->row->backend == ROTA_WHEEL_COARSE)
		return;
	for (unsigned i = 0; i < HERD; i++)
		assert_int_equal(w->order[i], i + 1);
}

/* As if the shard had armed @n timers more. */
static void
many_were_armed(struct world *w, uint64_t n)
{
	w->shard->hot.seq += n;
}

/* A timer waits while its shard goes half round its numbers, and once round,
 * and twice: it fires in the poll at its deadline, whatever that poll's
 * callbacks arm before it. */
static void
a_timer_fires_in_time_however_many_were_armed_since(void **state)
{
	static const uint64_t half = UINT64_C(1) << (SEQ_BITS - 1);
	struct world *w = *state;
	struct probe *p = world_probes(w, 3);
	rota_time now = 0;

	for (uint64_t ago = half - 2; ago < 5 * half;
	     ago = ago < half + 3 ? ago + 1 : ago + half) {
		p[0].fires = p[1].fires = p[2].fires = 0;
		rota_timer_reset_at(&p[0].timer, now + 100 * TICK);
		world_poll(w, now + TICK);
		many_were_armed(w, ago);
		rota_timer_reset_at(&p[1].timer, now + 50 * TICK);
		rota_timer_reset_at(&p[2].timer, now + 100 * TICK);
		world_poll(w, now + 60 * TICK);
		assert_int_equal(p[1].fires, 1);
		assert_int_equal(p[0].fires, 0);
		now += 102 * TICK;
		world_poll(w, now);
		assert_int_equal(p[0].fires, 1);
		assert_int_equal(p[2].fires, 1);
		assert_true(rota_shard_next(w->shard) == ROTA_NEVER);
		assert_int_equal(rota_shard_check(w->shard), 0);
	}
}

static void
arm_both(struct probe *p, rota_time now)
{
	rota_timer_reset_at(&p[1].timer, now + TICK);
	rota_timer_reset_at(&p[2].timer, now + TICK);
}

/* The worst case: a whole round of ranks lies behind the timer, but for those
 * that this poll's callbacks arm. It may take one poll more. */
static void
a_rank_of_this_poll_costs_an_old_timer_one_poll_at_most(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 4);

	p[0].then = arm_both;
	rota_timer_reset_at(&p[3].timer, 3 * TICK); /* it has rank 1 */
	rota_timer_reset_at(&p[0].timer, 2 * TICK);
	world_poll(w, TICK);
	many_were_armed(w, (UINT64_C(1) << SEQ_BITS) - 3);
	rota_shard_poll(w->shard, 6 * TICK, 0);
	assert_int_equal(p[0].fires, 1);
	if (!p[3].fires) {
		assert_true(rota_shard_next(w->shard) <= 6 * TICK);
		assert_int_equal(rota_shard_check(w->shard), 0);
		rota_shard_poll(w->shard, 6 * TICK, 0);
	}
	assert_int_equal(p[3].fires, 1);
}

static void
equal_deadlines_keep_their_order_where_ranks_wrap(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 200);

	many_were_armed(w, (UINT64_C(1) << SEQ_BITS) - 100);
	for (unsigned i = 0; i < 200; i++)
		rota_timer_reset_at(&p[i].timer, 5 * TICK);
	world_poll(w, TICK);
	assert_int_equal(rota_shard_check(w->shard), 0);
	world_poll(w, 6 * TICK);
	assert_int_equal(w->fired, 200);
	for (unsigned i = 0; i < 200; i++)
		assert_int_equal(w->order[i], i);
}

/* An error that is passed on as an instant, too. */
static void
an_instant_below_zero_counts_as_the_latest(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 2);

	for (rota_time now = -1; now > -1000000; now *= 10) {
		rota_timer_reset_at(&p[0].timer, 0);
		rota_timer_reset_at(&p[1].timer, 0);
		assert_int_equal(rota_shard_check(w->shard), 0);
		assert_int_equal(rota_shard_poll(w->shard, now, 1), 1);
		while (rota_shard_poll(w->shard, now, 1))
			;
		assert_int_equal(w->fired, 2);
		w->fired = 0;
	}
}

static void
the_last_slot_before_never_is_never(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 2);
	rota_time last = ROTA_NEVER - TICK;

	for (rota_time d = last + 1; d < ROTA_NEVER; d += TICK / 4) {
		rota_timer_reset_at(&p[0].timer, d);
		assert_true(rota_timer_deadline(&p[0].timer) == ROTA_NEVER);
		world_poll(w, TICK);
		if (w->row->backend != ROTA_HEAP)
			continue; /* it comes down the levels first */
		assert_true(rota_shard_next(w->shard) == ROTA_NEVER);
		assert_true(rota_shard_park(w->shard) == ROTA_NEVER);
	}
	rota_timer_reset_at(&p[1].timer, last);
	assert_true(rota_timer_deadline(&p[1].timer) == last);
	world_poll(w, ROTA_NEVER);
	if (w->row->backend != ROTA_WHEEL_COARSE)
		expect_fired(w, 1); /* and not 0 */
	assert_true(rota_shard_next(w->shard) == ROTA_NEVER);
	assert_int_equal(rota_shard_check(w->shard), 0);
}

static void
release_the_herd(struct probe *p, rota_time now)
{
	start_herd(p, now);
	for (unsigned i = 1; i <= HERD; i += 2)
		assert_int_equal(rota_timer_release(&p[i].timer), 0);
	p->then = NULL;
}

/* What a callback arms for now and gives back at once costs no more than
 * anything else that is given back. */
static void
what_was_deferred_can_be_released_one_by_one(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, HERD + 1);
	struct rota_stats before, after;

	p[0].then = release_the_herd;
	rota_timer_reset_at(&p[0].timer, TICK);
	before = world_stat(w);
	world_poll(w, TICK);
	after = world_stat(w);
	assert_in_range(after.moves - before.moves, 0, 2 * HERD);
	assert_in_range(after.steps - before.steps, 0, 2 * HERD);
	expect_fired(w, 0);
	assert_int_equal(rota_shard_check(w->shard), 0);
	world_poll(w, TICK);
	assert_int_equal(w->fired, HERD / 2);
}

enum { CROWD = 2000 };

static void
arms_a_crowd_for_the_past(struct probe *p, rota_time now)
{
	(void)now;
	for (unsigned i = 1; i <= CROWD; i++)
		rota_timer_reset_at(&p[i].timer, 0);
}

static void
arms_and_gives_back(struct probe *p, rota_time now)
{
	struct probe *spare = p->arg;

	rota_timer_reset_at(&spare->timer, now);
	assert_int_equal(rota_timer_release(&spare->timer), 0);
	probe_init(p->world, spare, spare->id);
}

/* Nor does what is given back beside many that have come up and are deferred
 * bring those up again. */
static void
a_release_leaves_alone_what_is_deferred(void **state)
{
	enum { LATER = 100, SPARE = CROWD + 1 + LATER };
	struct world *w = *state;
	struct probe *p = world_probes(w, SPARE + 1);
	struct rota_stats before, after;

	p[0].then = arms_a_crowd_for_the_past;
	rota_timer_reset_at(&p[0].timer, TICK);
	for (unsigned i = CROWD + 1; i < SPARE; i++) {
		p[i].then = arms_and_gives_back;
		p[i].arg = &p[SPARE];
		rota_timer_reset_at(&p[i].timer, 2 * TICK);
	}
	before = world_stat(w);
	world_poll(w, 3 * TICK);
	after = world_stat(w);
	assert_int_equal(w->fired, 1 + LATER);
	assert_in_range(after.moves - before.moves, 0, 4 * (CROWD + LATER));
	assert_in_range(after.steps - before.steps, 0, 4 * (CROWD + LATER));
	assert_int_equal(rota_shard_check(w->shard), 0);
	w->fired = 0;
	world_poll(w, 3 * TICK);
	assert_int_equal(w->fired, CROWD);
}

static void
what_two_polls_arm_for_one_instant_keeps_its_order(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 3);

	p[0].then = again; /* armed for TICK before 1 and 2 are */
	rota_timer_reset_at(&p[0].timer, TICK);
	world_poll(w, TICK);
	p[0].then = NULL;
	rota_timer_reset_at(&p[1].timer, TICK);
	rota_timer_reset_at(&p[2].timer, TICK);
	w->fired = 0;
	world_poll(w, TICK);
	expect_fired(w, 0, 1, 2);
}

static void
a_clock_that_steps_back_is_held(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 2);

	rota_timer_reset_at(&p[0].timer, 10 * TICK);
	rota_timer_reset_at(&p[1].timer, 20 * TICK);
	world_poll(w, 10 * TICK);
	expect_fired(w, 0);
	world_poll(w, 3 * TICK);
	world_poll(w, -5);
	world_poll(w, INT64_MIN);
	assert_int_equal(rota_shard_now(w->shard), 10 * TICK);
	rota_timer_reset_at(&p[0].timer, 5 * TICK); /* passed already */
	world_poll(w, 0);
	expect_fired(w, 0);
	assert_int_equal(p[0].at, 10 * TICK); /* the instant of the poll */
	world_poll(w, 19 * TICK);
	expect_nothing(w);
	world_poll(w, 20 * TICK);
	expect_fired(w, 1);
}

static void
a_jump_of_an_hour_or_a_year_fires_what_it_passed_and_nothing_else(void **state)
{
	static const rota_span jumps[] = { HOUR, YEAR, 10 * YEAR };
	struct world *w = *state;
	struct probe *p = world_probes(w, 400);
	rota_time now = 0;
	uint64_t x = 99;

	for (unsigned k = 0; k < CM_COUNT(jumps); k++) {
		unsigned due = 0;

		for (unsigned i = 0; i < 400; i++)
			rota_timer_reset_at(&p[i].timer,
			    now +
				(rota_time)(random_next(&x) >> (8 + i % 56)) %
				    (2 * jumps[k]));
		rota_timer_reset_at(&p[0].timer, now + jumps[k]);
		rota_timer_reset_at(&p[1].timer, now + jumps[k] + 1);
		now += jumps[k];
		for (unsigned i = 0; i < 400; i++)
			due += due_by(w, rota_timer_deadline(&p[i].timer)) <=
			    now;
		world_poll(w, now);
		assert_in_range(w->fired, due, 400);
		for (unsigned i = 0; i < 400; i++) {
			rota_time d = rota_timer_deadline(&p[i].timer);

			assert_true(d <= now || !p[i].fires);
			assert_true(due_by(w, d) > now || p[i].fires == 1);
			p[i].fires = 0;
		}
		w->fired = 0;
		for (unsigned i = 0; i < 400; i++)
			rota_timer_stop(&p[i].timer);
		assert_int_equal(rota_shard_check(w->shard), 0);
	}
}

static void
next_is_never_later_than_the_earliest_deadline(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 40);
	uint64_t x = 4242;
	rota_time now = 0;

	assert_true(rota_shard_next(w->shard) == ROTA_NEVER);
	for (int n = 0; n < 4000; n++) {
		unsigned i = (unsigned)(random_next(&x) % 40);
		rota_time first = ROTA_NEVER;

		if (random_next(&x) % 3 == 0)
			rota_timer_stop(&p[i].timer);
		else
			rota_timer_reset_at(&p[i].timer,
			    now +
				(rota_time)(random_next(&x) >>
				    (14 + random_next(&x) % 50)));
		if (n % 5 == 0) {
			now += (rota_time)(random_next(&x) % (3 * TICK));
			world_poll(w, now);
		}
		for (i = 0; i < 40; i++)
			if (rota_timer_pending(&p[i].timer) &&
			    rota_timer_deadline(&p[i].timer) < first)
				first = rota_timer_deadline(&p[i].timer);
		assert_true(rota_shard_next(w->shard) <= due_by(w, first));
	}
	for (unsigned i = 0; i < 40; i++)
		assert_int_equal(rota_timer_release(&p[i].timer), 0);
	world_poll(w, now);
	assert_true(rota_shard_next(w->shard) == ROTA_NEVER);
}

/* An owner that polls exactly when it is told to misses nothing. */
static void
sleeping_until_next_is_enough(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 200);
	uint64_t x = 8080;
	unsigned polls = 0;
	rota_time next;

	for (unsigned i = 0; i < 200; i++)
		rota_timer_reset_at(&p[i].timer,
		    (rota_time)(random_next(&x) >>
			(12 + random_next(&x) % 50)));
	while ((next = rota_shard_next(w->shard)) != ROTA_NEVER) {
		world_poll(w, next);
		assert_true(++polls < 200 * 25); /* it gets somewhere */
	}
	assert_int_equal(w->fired, 200);
	for (unsigned i = 0; i < 200; i++)
		assert_true(
		    p[i].at <= due_by(w, rota_timer_deadline(&p[i].timer)));
}

static void
lateness_is_counted(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 3);
	struct rota_stats s;

	rota_timer_reset_at(&p[0].timer, TICK);
	rota_timer_reset_at(&p[1].timer, 2 * TICK);
	world_poll(w, 2 * TICK + 5);
	s = world_stat(w);
	assert_int_equal(s.late_max, TICK + 5);
	assert_int_equal(s.late_sum, TICK + 5 + 5);
	rota_timer_reset_at(&p[2].timer, 3 * TICK);
	world_poll(w, 3 * TICK);
	s = world_stat(w);
	assert_int_equal(s.late_max, TICK + 5);
	assert_int_equal(s.late_sum, TICK + 5 + 5);
}

static void
a_slack_is_not_exceeded_and_never_early(void **state)
{
	struct world *w = *state;
	static const rota_span slacks[] = { 0, 1, TICK, 300 * TICK,
		100000 * TICK };
	struct rota_kind kind[CM_COUNT(slacks)];
	uint64_t x = 616;

	for (unsigned k = 0; k < CM_COUNT(slacks); k++) {
		struct probe p = { .world = w, .id = k };

		assert_int_equal(rota_kind_init(&kind[k], w->shard,
				     &(struct rota_kind_config){
					 .fire = probe_fire, .name = "slack" }),
		    0);
		kind[k].slack = slacks[k];
		assert_int_equal(rota_timer_init(&p.timer, &kind[k]), 0);
		for (int n = 0; n < 200; n++) {
			rota_time now = rota_shard_now(w->shard);
			rota_time d = now +
			    (rota_time)(random_next(&x) >>
				(24 + random_next(&x) % 40));

			p.fires = 0;
			rota_timer_reset_at(&p.timer, d);
			if (d > now)
				world_poll(w, d - 1);
			assert_int_equal(p.fires, 0);
			world_poll(w,
			    due_by(w, d) +
				(w->row->backend == ROTA_WHEEL_COARSE
					? slacks[k]
					: 0));
			assert_int_equal(p.fires, 1);
		}
		rota_timer_release(&p.timer);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		EVERY_OWNED(
		    it_fires_at_its_deadline_and_not_a_nanosecond_before),
		EVERY_OWNED(
		    a_span_of_zero_or_less_fires_in_the_next_poll_never_in_the_call),
		EVERY_OWNED(
		    an_instant_before_the_clock_began_counts_as_its_beginning),
		EVERY_OWNED(a_span_that_overflows_is_never),
		EVERY_OWNED(never_can_be_taken_back),
		EXACT_OWNED(
		    deadlines_fire_in_order_whatever_the_order_of_arming),
		EXACT_OWNED(equal_deadlines_fire_in_the_order_of_arming),
		EXACT_OWNED(
		    a_push_to_an_equal_deadline_ranks_behind_what_is_there),
		EXACT_OWNED(
		    order_is_that_of_deadline_and_arming_after_any_resets),
		EVERY_OWNED(
		    a_callback_that_arms_itself_due_now_fires_once_a_poll),
		EVERY_OWNED(
		    what_a_callback_starts_due_now_waits_for_the_next_poll),
		EXACT_OWNED(what_two_polls_arm_for_one_instant_keeps_its_order),
		EVERY_OWNED(
		    a_timer_fires_in_time_however_many_were_armed_since),
		EVERY_OWNED(
		    a_rank_of_this_poll_costs_an_old_timer_one_poll_at_most),
		EXACT_OWNED(equal_deadlines_keep_their_order_where_ranks_wrap),
		EVERY_OWNED(the_last_slot_before_never_is_never),
		EVERY_OWNED(an_instant_below_zero_counts_as_the_latest),
		EVERY_OWNED(what_was_deferred_can_be_released_one_by_one),
		EVERY_OWNED(a_release_leaves_alone_what_is_deferred),
		EVERY_OWNED(a_clock_that_steps_back_is_held),
		EVERY_OWNED(
		    a_jump_of_an_hour_or_a_year_fires_what_it_passed_and_nothing_else),
		EVERY_OWNED(next_is_never_later_than_the_earliest_deadline),
		EVERY_OWNED(sleeping_until_next_is_enough),
		EVERY_OWNED(lateness_is_counted),
		EVERY(a_slack_is_not_exceeded_and_never_early),
	};

	return cmocka_run_group_tests_name("poll", tests, NULL, NULL);
}
