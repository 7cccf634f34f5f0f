/* SPDX-License-Identifier: MIT
 *
 * budget_test.c - the bound on the work of a poll, and what is left behind.
 * Claims: no poll does more of any kind of work than its budget, moves and
 * the inbox included, and none keeps another waiting, nor does a callback that
 * arms for the past; what moves is counted, and a park moves no more than some;
 * the order is the same for every budget; between two polls of a budget
 * anything may be stopped, released or armed and nothing is lost; zombies are
 * swept once they are many; a flood of resets takes no memory.
 * Rows     G10
 */
#include "core/shard.h"
#include "tests/support/world.h"
#include "wheel/run.h"
#include "wheel/wheel.h"

#include <string.h>

static const struct world_row world_adopt_heap = { .backend = ROTA_HEAP,
	.flags = ROTA_ADOPT };
static const struct world_row world_adopt_wheel = { .backend = ROTA_WHEEL,
	.flags = ROTA_ADOPT };
static const struct world_row world_adopt_coarse = {
	.backend = ROTA_WHEEL_COARSE,
	.flags = ROTA_ADOPT
};
#define ADOPTED(test) \
	ON(test, adopt_heap), ON(test, adopt_wheel), ON(test, adopt_coarse)

/* Poll to the end in portions of @budget; returns how many polls. */
static unsigned
poll_portions(struct world *w, rota_time now, unsigned budget)
{
	unsigned n = 0;
	int r;

	do {
		struct rota_stats before = world_stat(w), after;

		r = rota_shard_poll(w->shard, now, budget);
		assert_in_range(r, 0, 1);
		after = world_stat(w);
		/* what was deferred, the inbox, what is due, what is poured
		 * ahead, the sweep */
		assert_in_range(after.steps - before.steps, 0, 5 * budget);
		assert_in_range(after.fires - before.fires, 0, budget);
		assert_in_range(after.drained - before.drained, 0, budget);
		assert_in_range(after.swept - before.swept, 0, budget);
		if (r)
			assert_true(rota_shard_next(w->shard) <=
			    rota_shard_now(w->shard));
		n++;
		assert_true(n < 1000000); /* it gets somewhere */
	} while (r);
	return n;
}

enum { SOME = 30 };

static void
arm_some(struct probe *p, rota_time from)
{
	for (unsigned i = 0; i < SOME; i++)
		rota_timer_reset_at(
		    &p[i].timer, from + (i * 7 % 5) * (TICK / 2));
}

static void
the_order_is_the_same_for_every_budget(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, SOME);
	unsigned order[SOME];
	rota_time now = TICK;

	arm_some(p, now);
	now += 3 * TICK;
	world_poll(w, now);
	assert_int_equal(w->fired, SOME);
	memcpy(order, w->order, sizeof(order));
	w->fired = 0;
	for (unsigned budget = 1; budget <= 4 * SOME; budget++) {
		/* as far from the edge of a level each time */
		now = (now / (4096 * TICK) + 1) * 4096 * TICK;
		world_poll(w, now);
		arm_some(p, now + TICK);
		world_poll(w, now); /* filed: moves are steps too */
		now += 4 * TICK;
		poll_portions(w, now, budget);
		world_expect(w, order, SOME, __FILE__, __LINE__);
	}
}

enum { HERD = 100000 };

/* C4: a jump forward drains in budgeted batches. */
static void
a_hundred_thousand_due_at_once_come_in_portions(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, HERD);
	unsigned polls;

	for (unsigned i = 0; i < HERD; i++)
		rota_timer_reset_at(&p[i].timer, 100 * TICK);
	world_poll(w, TICK);
	polls = poll_portions(w, 3600 * ROTA_SECOND, 1000);
	assert_true(polls >= HERD / 1000);
	assert_int_equal(w->fired, HERD);
	for (unsigned i = 0; i < HERD; i++)
		assert_int_equal(p[i].fires, 1);
	if (w->row->backend != ROTA_WHEEL_COARSE)
		for (unsigned i = 0; i < HERD; i++)
			assert_int_equal(w->order[i], i);
}

struct crowd {
	struct probe *p;
	unsigned n;
	rota_time when;
};

static void
arm_crowd(void *arg)
{
	struct crowd *c = arg;

	for (unsigned i = 0; i < c->n; i++)
		rota_timer_reset_at(&c->p[i].timer, c->when);
}

static void
the_inbox_is_drained_within_the_budget_in_the_order_it_came(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 200);
	struct crowd c = { p, 200, 2 * TICK };

	for (unsigned budget = 1; budget < 450; budget = budget * 2 + 1) {
		elsewhere(arm_crowd, &c);
		poll_portions(w, c.when, budget);
		assert_int_equal(w->fired, 200);
		if (w->row->backend != ROTA_WHEEL_COARSE)
			for (unsigned i = 0; i < 200; i++)
				assert_int_equal(w->order[i], i);
		w->fired = 0;
		c.when += 3 * TICK;
	}
}

/* Everything that can be done to what waits between two polls. */
static void
between_two_polls_of_a_budget_nothing_is_lost(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 40);
	uint64_t x = 31;
	rota_time now = 0;

	for (int round = 0; round < 600; round++) {
		unsigned budget = 1 + (unsigned)(random_next(&x) % 12);
		bool armed[40], done = false;
		unsigned due = 0;

		now = (now / (8 * TICK) + 1) * 8 * TICK;
		for (unsigned i = 0; i < 40; i++) {
			p[i].fires = 0;
			rota_timer_reset_at(&p[i].timer,
			    now +
				(rota_time)(random_next(&x) % 4) * (TICK / 4));
			armed[i] = true;
		}
		world_poll(w, now - TICK);
		now += 2 * TICK;
		while (!done) {
			done = !rota_shard_poll(w->shard, now, budget);
			for (int k = 0; k < 3 && !done; k++) {
				unsigned i = (unsigned)(random_next(&x) % 40);

				switch (random_next(&x) % 4) {
				case 0:
					if (rota_timer_stop(&p[i].timer) ==
					    ROTA_PREVENTED)
						armed[i] = false;
					break;
				case 1:
					if (!rota_timer_pending(&p[i].timer))
						break;
					assert_int_equal(
					    rota_timer_release(&p[i].timer), 0);
					rota_timer_init(&p[i].timer, &w->kind);
					armed[i] = false;
					break;
				case 2: /* earlier, due as well */
					if (rota_timer_pending(&p[i].timer))
						rota_timer_reset_at(&p[i].timer,
						    now - 2 * TICK);
					break;
				case 3: /* later, due as well */
					if (rota_timer_pending(&p[i].timer))
						rota_timer_reset_at(
						    &p[i].timer, now - TICK);
					break;
				}
			}
		}
		assert_int_equal(rota_shard_check(w->shard), 0);
		for (unsigned i = 0; i < 40; i++) {
			assert_int_equal(p[i].fires, armed[i]);
			assert_int_equal(rota_timer_pending(&p[i].timer), 0);
			due += armed[i];
		}
		assert_int_equal(w->fired, due);
		w->fired = 0;
	}
}

/* Three of four go while their slot has been brought up in part: those at
 * its one end, or those at its other. */
static void
releasing_the_rest_of_a_slot_forgets_nothing(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 20);
	rota_time now = 0;

	for (unsigned budget = 2; budget <= 120; budget++) {
		unsigned first = budget % 2 ? 5 : 0, armed = 20;
		bool fired[20];

		now = (now / (8 * TICK) + 1) * 8 * TICK;
		for (unsigned i = 0; i < 20; i++) {
			p[i].fires = 0;
			rota_timer_reset_at(&p[i].timer, now);
		}
		world_poll(w, now - TICK);
		rota_shard_poll(w->shard, now, budget / 2);
		for (unsigned i = first; i < first + 15; i++) {
			armed -= (unsigned)rota_timer_pending(&p[i].timer);
			fired[i] = p[i].fires;
			assert_int_equal(rota_timer_release(&p[i].timer), 0);
			probe_init(w, &p[i], i);
			p[i].fires = fired[i];
		}
		if (w->fired < armed)
			assert_true(rota_shard_next(w->shard) <= now);
		world_poll(w, now);
		assert_int_equal(w->fired, armed);
		for (unsigned i = 15 - 3 * first; i < 20 - 3 * first; i++)
			assert_int_equal(p[i].fires, 1);
		w->fired = 0;
	}
}

static void
a_push_later_moves_nothing(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 50);
	struct rota_stats before, after;

	for (unsigned i = 0; i < 50; i++)
		rota_timer_reset_at(&p[i].timer, 100 * TICK);
	world_poll(w, TICK);
	before = world_stat(w);
	for (unsigned n = 1; n <= 50; n++)
		for (unsigned i = 0; i < 50; i++)
			assert_int_equal(
			    rota_timer_reset_at(&p[i].timer, 100 * TICK + n),
			    1);
	world_poll(w, 2 * TICK);
	after = world_stat(w);
	assert_int_equal(after.moves, before.moves);
	assert_int_equal(after.inserts, before.inserts);
	assert_int_equal(after.entries, 50);
	assert_int_equal(after.pushes - before.pushes, 2500);
}

/* What moves is counted, whatever moves it: a poll, the owner's own call. */
static void
an_earlier_deadline_is_one_move(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);
	uint64_t moves;

	rota_timer_reset_at(&p->timer, TICK << 20);
	world_poll(w, TICK);
	for (unsigned n = 1; n <= 5; n++) { /* each to another slot */
		moves = world_stat(w).moves;
		rota_timer_reset_at(&p->timer, TICK << (20 - 3 * n));
		world_poll(w, TICK);
		assert_int_equal(world_stat(w).moves - moves, 1);
	}
}

/* So is what a park files again: of what comes up first, and of what an exact
 * wheel has late, in its run and in its heap. */
static void
what_a_park_files_again_is_counted(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 4);
	rota_time far = 5000 * TICK, until;
	uint64_t moves;

	rota_timer_reset_at(&p[0].timer, 10 * TICK);
	world_poll(w, 0);
	rota_timer_reset_at(&p[0].timer, far);
	moves = world_stat(w).moves;
	assert_in_range(rota_shard_park(w->shard), far, far + TICK);
	assert_int_equal(world_stat(w).moves - moves, 1);
	if (w->row->backend == ROTA_WHEEL_COARSE)
		return; /* it has nothing late */
	rota_timer_reset_at(&p[1].timer, 10 * TICK + 1000);
	rota_timer_reset_at(&p[2].timer, 10 * TICK + 2000);
	world_poll(w, 10 * TICK + 1);
	rota_timer_reset_at(&p[3].timer, 10 * TICK + 500);
	world_poll(w, 10 * TICK + 1);
	rota_timer_reset_at(&p[1].timer, far);
	rota_timer_reset_at(&p[3].timer, far);
	moves = world_stat(w).moves;
	until = rota_shard_park(w->shard);
	assert_in_range(until, 10 * TICK + 2000, 11 * TICK);
	assert_int_equal(world_stat(w).moves - moves, 2);
	world_poll(w, until);
	expect_fired(w, 2);
}

enum { STALE = 20000, PARK_MOST = 4096 + 64 };

/* However many were pushed to later since they were filed. */
static void
a_park_is_bounded(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, STALE);
	uint64_t moves;

	for (unsigned i = 0; i < STALE; i++)
		rota_timer_reset_at(&p[i].timer, 1000 * TICK);
	world_poll(w, 0);
	for (unsigned i = 0; i < STALE; i++)
		rota_timer_reset_at(&p[i].timer, 5000 * TICK);
	moves = world_stat(w).moves;
	assert_true(rota_shard_park(w->shard) > 0);
	assert_in_range(world_stat(w).moves - moves, 1, PARK_MOST);
	assert_int_equal(rota_shard_check(w->shard), 0);
}

/* Stop, then start later: the entry that was left behind serves again. */
static void
a_stop_and_a_later_start_leave_one_entry(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);

	for (unsigned n = 0; n < 1000; n++) {
		rota_timer_reset_at(&p->timer, 100 * TICK + n);
		world_poll(w, TICK);
		assert_int_equal(rota_timer_stop(&p->timer), ROTA_PREVENTED);
	}
	assert_int_equal(world_stat(w).entries, 1);
	assert_int_equal(world_stat(w).inserts, 1);
}

static void
zombies_are_swept_when_they_pass_a_half(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1000);
	struct rota_stats s;

	for (unsigned i = 0; i < 1000; i++)
		rota_timer_reset_at(&p[i].timer, 1000 * TICK + i);
	world_poll(w, TICK);
	for (unsigned i = 0; i < 500; i++)
		rota_timer_stop(&p[i * 2].timer);
	world_poll(w, 2 * TICK);
	s = world_stat(w);
	assert_int_equal(s.zombies, 500); /* a half: left alone */
	assert_int_equal(s.swept, 0);
	rota_timer_stop(&p[1].timer);
	world_poll(w, 2 * TICK);
	world_poll(w, 2 * TICK); /* 512 looks each */
	s = world_stat(w);
	/* a heap's walk may miss a few: they go another time */
	if (w->row->backend != ROTA_HEAP)
		assert_int_equal(s.zombies, 0);
	assert_in_range(s.zombies, 0, 25);
	assert_int_equal(s.swept + s.zombies, 501);
	assert_int_equal(s.entries, 499 + s.zombies);
	assert_int_equal(rota_shard_check(w->shard), 0);
	world_poll(w, 3000 * TICK);
	assert_int_equal(w->fired, 499);
}

static void
a_sweep_goes_on_from_poll_to_poll(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1000);
	unsigned polls = 0;

	for (unsigned i = 0; i < 1000; i++)
		rota_timer_reset_at(&p[i].timer, 1000 * TICK + i);
	world_poll(w, TICK);
	for (unsigned i = 0; i < 1000; i++)
		if (i % 5 < 3)
			rota_timer_stop(&p[i].timer);
	do {
		struct rota_stats before = world_stat(w), after;

		assert_in_range(rota_shard_poll(w->shard, TICK, 10), 0, 1);
		after = world_stat(w);
		assert_in_range(after.swept - before.swept, 0, 10);
		assert_true(++polls < 1000);
	} while (world_stat(w).zombies > world_stat(w).entries / 2);
	assert_true(polls >= 20);
	assert_int_equal(rota_shard_check(w->shard), 0);
	world_poll(w, 3000 * TICK);
	assert_int_equal(w->fired, 400);
}

/* It does not wake an owner that sleeps, but goes on whenever that polls. */
static void
a_sweep_goes_on_though_the_owner_parks_in_between(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 10000);
	rota_time far = 1000000 * TICK;
	unsigned polls = 0;

	for (unsigned i = 0; i < 10000; i++)
		rota_timer_reset_at(&p[i].timer, far + i);
	world_poll(w, TICK);
	for (unsigned i = 0; i < 10000; i++)
		if (i % 4)
			rota_timer_stop(&p[i].timer);
	do {
		world_poll(w, TICK + ++polls);
		assert_in_range(rota_shard_park(w->shard), 1, far + TICK);
		assert_true(polls < 100);
	} while (world_stat(w).zombies > world_stat(w).entries / 2);
	assert_true(polls > 2);
}

/* Stopped behind the walk while it goes on, and nothing else ever happens. */
static void
a_sweep_that_ended_is_followed_by_the_one_that_is_owed(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 4000);

	for (unsigned i = 0; i < 4000; i++)
		rota_timer_reset_at(&p[i].timer, 1000000 * TICK);
	world_poll(w, 1);
	for (unsigned i = 1900; i < 4000; i++)
		rota_timer_stop(&p[i].timer);
	for (unsigned i = 0; i < 2; i++)
		rota_shard_poll(w->shard, 2, 1000);
	for (unsigned i = 0; i < 1000; i++)
		rota_timer_stop(&p[i].timer);
	for (unsigned i = 0; i < 20; i++)
		rota_shard_poll(w->shard, 3 + i, 1000);
	assert_int_equal(world_stat(w).live, 900);
	assert_in_range(world_stat(w).zombies, 0, 900 + 64);
}

static void
few_zombies_are_not_worth_a_walk(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 64);

	for (unsigned i = 0; i < 64; i++)
		rota_timer_reset_at(&p[i].timer, 1000 * TICK);
	world_poll(w, TICK);
	for (unsigned i = 0; i < 64; i++)
		rota_timer_stop(&p[i].timer);
	world_poll(w, TICK);
	assert_int_equal(world_stat(w).zombies, 64);
	world_poll(w, 1000 * TICK); /* they go when their place comes due */
	assert_int_equal(world_stat(w).entries, 0);
	assert_int_equal(world_stat(w).dropped, 64);
	expect_nothing(w);
}

static void
one_reset_elsewhere(void *arg)
{
	struct rota_timer *t = arg;

	rota_timer_reset_at(t, rota_timer_deadline(t) - 1);
}

/* A reset by another thread for each poll, and a timer that is due: whatever
 * the budget, the poll fires it. */
static void
the_inbox_does_not_starve_what_is_due(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 9);

	for (unsigned budget = 1; budget <= 3; budget++) {
		rota_time now = (rota_time)budget * 1000 * TICK;

		for (unsigned i = 1; i < 9; i++)
			rota_timer_reset_at(&p[i].timer, 2000000 * TICK);
		rota_timer_reset_at(&p[0].timer, now);
		for (unsigned n = 0; n < 40 && !w->fired; n++) {
			for (unsigned i = 1; i < 9; i++)
				elsewhere(one_reset_elsewhere, &p[i].timer);
			rota_shard_poll(w->shard, now, budget);
			/* a wheel comes down its levels first */
			assert_in_range(n, 0, WHEEL_LEVELS + 2);
		}
		expect_fired(w, 0);
		w->fired = 0;
	}
}

/* Something is due for ever, and so is a reset by another thread: it takes
 * effect all the same. */
static void
what_is_due_does_not_starve_the_inbox(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 9);

	for (unsigned budget = 1; budget <= 3; budget++) {
		rota_time now = (rota_time)budget * 1000 * TICK;
		uint64_t drained = world_stat(w).drained;

		rota_timer_reset_at(&p[0].timer, 2000000 * TICK);
		world_poll(w, now - TICK); /* it is filed */
		elsewhere(one_reset_elsewhere, &p[0].timer);
		for (unsigned n = 0; world_stat(w).drained == drained; n++) {
			for (unsigned i = 1; i < 9; i++)
				rota_timer_reset_at(&p[i].timer, now);
			rota_shard_poll(w->shard, now, budget);
			assert_in_range(n, 0, 2); /* turned round, filed */
		}
		world_poll(w, now);
		w->fired = 0;
	}
}

static void
arm_all_for_now(struct probe *p, rota_time now)
{
	for (unsigned i = 0; i < 100; i++)
		if (!rota_timer_pending(&p[i].timer))
			rota_timer_reset_at(&p[i].timer, now);
}

/* A callback arms many for now, itself too, in every poll that calls it: they
 * come in portions, each in its turn. */
static void
what_is_deferred_starves_nobody(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 110);

	p[0].then = arm_all_for_now;
	rota_timer_reset_at(&p[0].timer, TICK);
	for (unsigned n = 1; n < 200; n++) {
		struct rota_stats before = world_stat(w), after;

		rota_shard_poll(w->shard, 3 * TICK, 2);
		after = world_stat(w);
		assert_in_range(after.steps - before.steps, 0, 10);
		assert_int_equal(rota_shard_check(w->shard), 0);
	}
	for (unsigned i = 0; i < 100; i++)
		assert_in_range(p[i].fires, 2, 10);
}

static void
arm_for_its_own_past(struct probe *p, rota_time now)
{
	(void)now;
	rota_timer_reset_at(&p->timer, rota_timer_deadline(&p->timer));
}

/* Timers that are armed again in each callback for the instant that they were
 * due at, which is before that of another that is due: that one comes all the
 * same, and so does one that another thread arms, and the clock may go on. */
static void
what_arms_itself_for_its_past_keeps_no_later_one_waiting(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 6);
	rota_time now = 100 * TICK;

	for (unsigned budget = 1; budget <= 4; budget++)
		for (unsigned n = 1; n <= 4; n++) {
			uint64_t polls = world_stat(w).polls;

			for (unsigned i = 0; i < n; i++) {
				p[i].then = arm_for_its_own_past;
				p[i].fires = 0;
				rota_timer_reset_at(
				    &p[i].timer, now + i * TICK / 8);
			}
			for (unsigned i = 4; i < 6; i++) {
				p[i].fires = 0;
				rota_timer_reset_at(
				    &p[i].timer, now + (i - 3) * TICK);
			}
			world_poll(w, now - TICK);
			now += 9 * TICK;
			for (unsigned left = n + 2; left;) {
				rota_shard_poll(w->shard, now, budget);
				now += TICK;
				assert_in_range(
				    world_stat(w).polls - polls, 0, 64);
				left = 0;
				for (unsigned i = 0; i < 6; i++)
					left += (i < n || i > 3) && !p[i].fires;
			}
			assert_int_equal(rota_shard_check(w->shard), 0);
			for (unsigned i = 0; i < n; i++)
				p[i].then = NULL;
			for (unsigned i = 0; i < 9; i++) /* none is left */
				(void)rota_shard_poll(w->shard, now, 0);
			assert_int_equal(world_stat(w).live, 0);
			now = (now / (4096 * TICK) + 1) * 4096 * TICK;
		}
	w->fired = 0;
}

/* It first, then more than a stage of others. */
static void
arm_many_for_its_past(struct probe *p, rota_time now)
{
	struct probe *all = p->world->probes;

	(void)now;
	for (unsigned i = 0; i < 100; i++)
		rota_timer_reset_at(
		    &all[i].timer, rota_timer_deadline(&p->timer));
}

static void
nor_do_those_that_a_stage_is_too_small_for(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 101);
	unsigned polls = 0;

	p->then = arm_many_for_its_past;
	rota_timer_reset_at(&p->timer, TICK);
	rota_timer_reset_at(&p[100].timer, 2 * TICK);
	for (; !p[100].fires; polls++) {
		rota_shard_poll(w->shard, (3 + polls) * TICK, 1);
		assert_in_range(polls, 0, 400);
	}
	p->then = NULL;
	for (unsigned i = 0; i < 9; i++)
		(void)rota_shard_poll(w->shard, 500 * TICK, 0);
	assert_int_equal(rota_shard_check(w->shard), 0);
	assert_int_equal(world_stat(w).live, 0);
	w->fired = 0;
}

static void
arm_the_rest_for_now(struct probe *p, rota_time now)
{
	for (unsigned i = 1; i < 100; i++)
		rota_timer_reset_at(&p[i].timer, now);
	p->then = NULL;
}

/* What is brought back is a step each, and a move. */
static void
what_was_deferred_comes_back_within_the_budget(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 100);
	struct rota_stats before, after;

	p[0].then = arm_the_rest_for_now;
	rota_timer_reset_at(&p[0].timer, TICK);
	rota_shard_poll(w->shard, TICK, 0); /* defers a stage of them */
	expect_fired(w, 0);
	before = world_stat(w);
	assert_int_equal(rota_shard_poll(w->shard, TICK, 5), 1);
	after = world_stat(w);
	assert_int_equal(after.moves - before.moves, 5);
	assert_int_equal(after.steps - before.steps, 10); /* five fired */
	world_poll(w, TICK);
	after = world_stat(w);
	assert_int_equal(after.moves - before.moves, SHARD_STAGE);
	assert_int_equal(w->fired, 99);
	w->fired = 0;
}

/* Of many that come up together, and are not due any more, each is a step. */
static void
what_is_filed_again_is_within_the_budget(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 200);

	for (unsigned i = 0; i < 200; i++)
		rota_timer_reset_at(&p[i].timer, TICK);
	world_poll(w, 0);
	for (unsigned i = 0; i < 200; i++)
		rota_timer_reset_at(&p[i].timer, 1000 * TICK);
	for (bool more = true; more;) {
		struct rota_stats before = world_stat(w), after;

		more = rota_shard_poll(w->shard, 2 * TICK, 10);
		after = world_stat(w);
		assert_in_range(after.moves - before.moves, 0, 10);
		assert_in_range(
		    after.steps - before.steps, after.moves - before.moves, 10);
	}
	assert_in_range(world_stat(w).moves, 200, 800);
	world_poll(w, 1000 * TICK);
	assert_int_equal(w->fired, 200);
	w->fired = 0;
}

/* A slot of many instants in no order: its sorting is within the budget too,
 * whether that allows for it at once or not, and the order is the same. */
static void
a_sort_is_within_the_budget(void **state)
{
	static const unsigned budgets[] = { 1, 7, 100, 499, 500, 501, 0 };
	enum { CROWD = 4000 };
	struct world *w = *state;
	struct probe *p = world_probes(w, CROWD);
	uint64_t one_by_one = 0;
	rota_time now = 0;

	for (unsigned b = 0; b < CM_COUNT(budgets); b++) {
		uint64_t x = 5, steps;

		now = (now / (4096 * TICK) + 1) * 4096 * TICK;
		for (unsigned i = 0; i < CROWD; i++)
			rota_timer_reset_at(&p[i].timer,
			    now + (rota_time)(random_next(&x) % TICK));
		world_poll(w, now - TICK);
		for (unsigned i = 0; i < CROWD; i += 3) /* gaps */
			rota_timer_stop(&p[i].timer);
		steps = world_stat(w).steps;
		if (budgets[b])
			poll_portions(w, now + TICK, budgets[b]);
		else
			world_poll(w, now + TICK);
		/* a look, a move down, an eighth of a sort; or to the heap */
		steps = world_stat(w).steps - steps;
		assert_in_range(steps, CROWD, 4 * CROWD);
		if (b == 0)
			one_by_one = steps;
		/* what a budget of 1 does not sort goes to the heap in steps */
		if (w->row->backend == ROTA_WHEEL && !budgets[b] &&
		    RUN_MOST > CROWD)
			assert_true(one_by_one > steps + CROWD / 4);
		assert_int_equal(w->fired, CROWD - (CROWD + 2) / 3);
		for (unsigned i = 1; i < w->fired; i++)
			assert_true(p[w->order[i - 1]].timer.r_word >> 4 <=
			    p[w->order[i]].timer.r_word >> 4);
		assert_int_equal(rota_shard_check(w->shard), 0);
		w->fired = 0;
	}
}

/* However many are stopped: a poll without limit looks at so many at most. */
static void
a_sweep_is_bounded_without_a_budget_too(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 10000);
	struct rota_stats before, after;
	unsigned polls = 0;

	for (unsigned i = 0; i < 10000; i++)
		rota_timer_reset_at(&p[i].timer, 1000000 * TICK + i);
	world_poll(w, TICK);
	for (unsigned i = 0; i < 10000; i++)
		if (i % 4)
			rota_timer_stop(&p[i].timer);
	do {
		before = world_stat(w);
		world_poll(w, TICK + ++polls);
		after = world_stat(w);
		assert_in_range(after.steps - before.steps, 0, 512);
	} while (after.zombies > after.entries / 2);
	assert_in_range(polls, 6, 40);
}

struct flood {
	struct rota_timer *t;
	unsigned n;
};

static void
flood(void *arg)
{
	struct flood *f = arg;

	for (unsigned i = 0; i < f->n; i++) /* earlier, later, stopped */
		if (i % 3 == 2)
			rota_timer_stop(f->t);
		else
			rota_timer_reset_at(
			    f->t, (1000 + i * 7919 % 1000) * TICK);
}

/* C4: a modify flood on one timer. */
static void
a_flood_of_resets_takes_no_memory_and_one_look(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);
	struct flood f = { &p->timer, 100000 };
	uint64_t calls = w->mem.calls, bytes = world_stat(w).bytes;
	struct rota_stats s;

	rota_timer_reset_at(&p->timer, 2000 * TICK);
	world_poll(w, TICK);
	elsewhere(flood, &f);
	flood(&f);
	world_poll(w, TICK);
	s = world_stat(w);
	assert_int_equal(s.bytes, bytes);
	assert_int_equal(w->mem.calls, calls);
	assert_in_range(s.drained, 0, 1);
	assert_in_range(s.entries, 0, 1);
	assert_int_equal(s.starts, s.fires + s.stops + s.live);
}

/* Where a heap is so large that taking an entry out is dear it counts twice. */
static void
an_entry_of_a_large_heap_is_two_steps(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, HEAP_DEAR + 400);

	for (unsigned i = 0; i < HEAP_DEAR + 400; i++)
		rota_timer_reset_at(&p[i].timer, TICK);
	world_poll(w, 0);
	for (unsigned i = 1; i <= 4; i++) {
		rota_shard_poll(w->shard, 2 * TICK, 200);
		assert_int_equal(w->fired, i * 100);
	}
	for (unsigned i = 1; i <= 4; i++) {
		rota_shard_poll(w->shard, 2 * TICK, 200);
		assert_int_equal(w->fired, 400 + i * 200);
	}
	rota_shard_poll(w->shard, 2 * TICK, 1);
	assert_int_equal(w->fired, 1201);
}

/* What starts next on the level above is poured by then, evenly, and nobody is
 * woken for that. */
static void
a_slot_that_holds_many_keeps_nobody_waiting(void **state)
{
	struct world *w = *state;
	enum {
		EACH = 64,
		BUDGET = 4 * EACH,
		LEFT = WHEEL_EARLY_CHUNKS * WHEEL_CHUNK
	};
	const unsigned n = EACH * WHEEL_SPAN;
	struct probe *p = world_probes(w, n + 1), *other = &p[n];
	uint64_t moves, most = 0, begin;

	for (unsigned i = 0; i < n; i++)
		rota_timer_reset_at(&p[i].timer,
		    (WHEEL_SPAN + i % WHEEL_SPAN) * TICK + TICK / 2);
	rota_timer_reset_at(&other->timer, (WHEEL_SPAN + 1) * TICK);
	world_poll(w, 0);
	begin = moves = world_stat(w).moves;
	for (unsigned t = 1; t < WHEEL_SPAN; t++) {
		rota_shard_poll(w->shard, t * TICK, BUDGET);
		if (world_stat(w).moves - moves > most)
			most = world_stat(w).moves - moves;
		moves = world_stat(w).moves;
		assert_int_equal(rota_shard_check(w->shard), 0);
		assert_in_range(
		    rota_shard_park(w->shard), WHEEL_SPAN * TICK, INT64_MAX);
	}
	assert_int_equal(w->fired, 0);
	if (w->row->backend != ROTA_HEAP) {
		/* all but what is not worth it, and what a coarse one has
		 * behind that slot */
		assert_in_range(moves - begin, n - LEFT - EACH, n + 1);
		assert_in_range(most, 1, 2 * EACH);
	}
	for (unsigned i = 0; i < LEFT; i += BUDGET)
		rota_shard_poll(w->shard, WHEEL_SPAN * TICK, BUDGET);
	for (unsigned t = WHEEL_SPAN; t <= WHEEL_SPAN + 2; t++)
		rota_shard_poll(w->shard, t * TICK, BUDGET);
	assert_int_equal(other->fires, 1);
}

/* The same where polls come late, several at one instant: the second goes on
 * where the first had no steps left. */
static void
nor_does_it_where_polls_come_late(void **state)
{
	struct world *w = *state;
	enum {
		EACH = 64,
		LATE = WHEEL_SPAN / 4,
		BUDGET = EACH,
		POLLS = 2 * LATE * EACH / BUDGET,
		LEFT = WHEEL_EARLY_CHUNKS * WHEEL_CHUNK
	};
	const unsigned n = EACH * WHEEL_SPAN;
	struct probe *p = world_probes(w, n);
	uint64_t moves;

	for (unsigned i = 0; i < n; i++)
		rota_timer_reset_at(&p[i].timer,
		    (WHEEL_SPAN + i % WHEEL_SPAN) * TICK + TICK / 2);
	world_poll(w, 0);
	moves = world_stat(w).moves;
	for (unsigned t = LATE; t < WHEEL_SPAN; t += LATE)
		for (unsigned i = 0; i < POLLS; i++)
			rota_shard_poll(w->shard, t * TICK, BUDGET);
	assert_int_equal(w->fired, 0);
	if (w->row->backend != ROTA_HEAP) /* the last of them are LATE ticks
					   * before that slot */
		assert_in_range(world_stat(w).moves - moves,
		    n - LEFT - LATE * EACH - EACH, n);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		EXACT_OWNED(the_order_is_the_same_for_every_budget),
		EVERY_OWNED(a_hundred_thousand_due_at_once_come_in_portions),
		EVERY(
		    the_inbox_is_drained_within_the_budget_in_the_order_it_came),
		EVERY_OWNED(between_two_polls_of_a_budget_nothing_is_lost),
		EVERY_OWNED(releasing_the_rest_of_a_slot_forgets_nothing),
		EVERY_OWNED(a_push_later_moves_nothing),
		EVERY_OWNED(an_earlier_deadline_is_one_move),
		EVERY_OWNED(what_a_park_files_again_is_counted),
		EVERY_OWNED(a_park_is_bounded),
		EVERY_OWNED(a_stop_and_a_later_start_leave_one_entry),
		EVERY_OWNED(zombies_are_swept_when_they_pass_a_half),
		EVERY_OWNED(a_sweep_goes_on_from_poll_to_poll),
		EVERY_OWNED(a_sweep_goes_on_though_the_owner_parks_in_between),
		EVERY_OWNED(
		    a_sweep_that_ended_is_followed_by_the_one_that_is_owed),
		EVERY_OWNED(few_zombies_are_not_worth_a_walk),
		EVERY(a_flood_of_resets_takes_no_memory_and_one_look),
		EVERY(the_inbox_does_not_starve_what_is_due),
		EVERY(what_is_due_does_not_starve_the_inbox),
		EVERY_OWNED(what_is_deferred_starves_nobody),
		EVERY_OWNED(
		    what_arms_itself_for_its_past_keeps_no_later_one_waiting),
		ADOPTED(
		    what_arms_itself_for_its_past_keeps_no_later_one_waiting),
		EVERY_OWNED(nor_do_those_that_a_stage_is_too_small_for),
		ADOPTED(nor_do_those_that_a_stage_is_too_small_for),
		EXACT_OWNED(what_was_deferred_comes_back_within_the_budget),
		EVERY_OWNED(what_is_filed_again_is_within_the_budget),
		EVERY_OWNED(a_sweep_is_bounded_without_a_budget_too),
		EXACT_OWNED(a_sort_is_within_the_budget),
		ON(an_entry_of_a_large_heap_is_two_steps, heap),
		ON(an_entry_of_a_large_heap_is_two_steps, heap_confined),
		EVERY_OWNED(a_slot_that_holds_many_keeps_nobody_waiting),
		EVERY_OWNED(nor_does_it_where_polls_come_late),
	};

	return cmocka_run_group_tests_name("budget", tests, NULL, NULL);
}
