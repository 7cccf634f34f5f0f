/* SPDX-License-Identifier: MIT
 *
 * periodic_test.c - rota_timer_forward(): periodic timers.
 * Claims: however late it fires, a timer stays on the grid of its deadlines,
 * and what it missed is counted; it is armed by its callback or by anybody;
 * arithmetic saturates; a period that is none is refused and changes nothing.
 */
#include <errno.h>

#include "tests/support/world.h"

/* What a beating timer has in `arg`. */
struct beat {
	rota_span period;
	uint64_t missed, all;
	int r;
};

static void
beats(struct probe *p, rota_time now)
{
	struct beat *b = p->arg;

	b->missed = 99;
	b->r = rota_timer_forward(&p->timer, now, b->period, &b->missed);
	b->all += b->missed;
}

static void
a_late_timer_stays_on_its_grid(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);
	struct beat b = { .period = 3 * TICK };

	p->then = beats;
	p->arg = &b;
	rota_timer_reset_at(&p->timer, 2 * TICK);
	world_poll(w, 2 * TICK);
	expect_fired(w, 0);
	assert_int_equal(b.r, 0);
	assert_int_equal(b.missed, 0);
	assert_int_equal(rota_timer_deadline(&p->timer), 5 * TICK);
	world_poll(w, 7 * TICK); /* late, but before the next */
	expect_fired(w, 0);
	assert_int_equal(b.missed, 0);
	assert_int_equal(rota_timer_deadline(&p->timer), 8 * TICK);
	world_poll(w, 14 * TICK); /* on a later instant: 8, 11 and 14 */
	expect_fired(w, 0);
	assert_int_equal(b.missed, 2);
	assert_int_equal(rota_timer_deadline(&p->timer), 17 * TICK);
	world_poll(w, 16 * TICK);
	expect_nothing(w);
	world_poll(w, 31 * TICK); /* 17, 20, 23, 26, 29 */
	expect_fired(w, 0);
	assert_int_equal(b.missed, 4);
	assert_int_equal(rota_timer_deadline(&p->timer), 32 * TICK);
}

/* At random; each instant of the grid was fired for or missed, once. */
static void
none_is_counted_twice_or_forgotten(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);
	struct beat b = { .period = 12345678 };
	rota_time now = 0;
	uint64_t x = 7;

	p->then = beats;
	p->arg = &b;
	rota_timer_reset_at(&p->timer, 1000);
	for (unsigned i = 0; i < 2000; i++) {
		now += (rota_time)(random_next(&x) % 40000000);
		world_poll(w, now);
		if (rota_timer_deadline(&p->timer) <= now)
			continue; /* a coarse wheel is at its last tick */
		assert_int_equal(rota_timer_deadline(&p->timer),
		    1000 + b.period * (rota_time)(p->fires + b.all));
		assert_true(rota_timer_deadline(&p->timer) - b.period <= now);
	}
	assert_true(p->fires > 1000 && b.all > 100);
	w->fired = 0;
}

static void
forward_there(void *arg)
{
	struct beat *b = ((struct probe *)arg)->arg;

	b->r = rota_timer_forward(
	    &((struct probe *)arg)->timer, 10, b->period, &b->missed);
}

static void
anybody_arms_it_as_by_a_reset(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);
	struct beat b = { .period = 4 };
	uint64_t n = 99;

	/* never armed: the grid of 0 */
	assert_int_equal(rota_timer_forward(&p->timer, 10, 7, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(rota_timer_deadline(&p->timer), 14);
	/* not past yet: that */
	assert_int_equal(rota_timer_forward(&p->timer, 10, 7, &n), 1);
	assert_int_equal(n, 0);
	assert_int_equal(rota_timer_deadline(&p->timer), 14);
	assert_int_equal(rota_timer_stop(&p->timer), ROTA_PREVENTED);
	assert_int_equal(rota_timer_forward(&p->timer, -5, 7, NULL), 0);
	assert_int_equal(rota_timer_deadline(&p->timer), 14);
	/* at the deadline: the one after it */
	assert_int_equal(rota_timer_forward(&p->timer, 14, 7, NULL), 1);
	assert_int_equal(rota_timer_deadline(&p->timer), 21);
	if (w->row->kind & ROTA_CONFINED)
		return;
	rota_timer_reset_at(&p->timer, 3);
	p->arg = &b;
	elsewhere(forward_there, p);
	assert_int_equal(b.r, 1);
	assert_int_equal(b.missed, 1);
	assert_int_equal(rota_timer_deadline(&p->timer), 11);
	world_poll(w, 2 * TICK);
	expect_fired(w, 0);
}

static void
at_the_end_of_time_it_is_armed_for_never(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);
	uint64_t n = 99;

	rota_timer_reset_at(&p->timer, 5);
	assert_int_equal(rota_timer_forward(&p->timer, 5, INT64_MAX, &n), 1);
	assert_int_equal(n, 0);
	assert_true(rota_timer_deadline(&p->timer) == ROTA_NEVER);
	assert_int_equal(rota_timer_pending(&p->timer), 1);
	/* it stays there */
	assert_int_equal(rota_timer_forward(&p->timer, INT64_MAX, 1, &n), 1);
	assert_int_equal(n, 0);
	assert_true(rota_timer_deadline(&p->timer) == ROTA_NEVER);
	rota_timer_reset_at(&p->timer, 0);
	assert_int_equal(rota_timer_forward(&p->timer, INT64_MAX, 1, &n), 1);
	assert_true(n == (uint64_t)ROTA_NEVER);
	assert_true(rota_timer_deadline(&p->timer) == ROTA_NEVER);
	rota_timer_reset_at(&p->timer, 1);
	assert_int_equal(
	    rota_timer_forward(&p->timer, ROTA_NEVER - 1, ROTA_NEVER, &n), 1);
	assert_int_equal(n, 0);
	assert_true(rota_timer_deadline(&p->timer) == ROTA_NEVER);
	world_poll(w, ROTA_SECOND);
	expect_nothing(w);
}

static void
what_cannot_be_is_refused_and_changes_nothing(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);
	struct rota_timer none = { 0 };
	uint64_t n = 99;

	rota_timer_reset_at(&p->timer, 5 * TICK);
	assert_int_equal(rota_timer_forward(&p->timer, 9, 0, &n), -EINVAL);
	assert_int_equal(rota_timer_forward(&p->timer, 9, -1, &n), -EINVAL);
	assert_int_equal(
	    rota_timer_forward(&p->timer, 9, INT64_MIN, &n), -EINVAL);
	assert_int_equal(rota_timer_forward(NULL, 9, 1, &n), -EINVAL);
	assert_int_equal(rota_timer_forward(&none, 9, 1, &n), -EINVAL);
	assert_int_equal(n, 99);
	assert_int_equal(rota_timer_deadline(&p->timer), 5 * TICK);
	world_poll(w, 5 * TICK);
	expect_fired(w, 0);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		EVERY_OWNED(a_late_timer_stays_on_its_grid),
		EVERY_OWNED(none_is_counted_twice_or_forgotten),
		EVERY_OWNED(anybody_arms_it_as_by_a_reset),
		EVERY_OWNED(at_the_end_of_time_it_is_armed_for_never),
		EVERY_OWNED(what_cannot_be_is_refused_and_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
