/* SPDX-License-Identifier: MIT
 *
 * life_test.c - every sequence of four calls on one timer, by its owner and by
 * another thread, in virtual time, on the library itself.
 * Claims: each answer is right, a timer that is armed fires in the first poll
 * at or behind its deadline and in no other, the structure is sound after each
 * call, and a timer that was given back is gone by the next poll.
 *
 * The other thread is the owner itself, detached: its calls go the same way.
 */
#include "tests/support/world.h"

enum act {
	ARM_PAST, /* for an instant that has come */
	ARM_NEXT,
	ARM_LATE,
	STOP,
	FAR_NEXT, /* the same, by another thread */
	FAR_LATE,
	FAR_STOP,
	POLL, /* at the instant of the latest */
	TURN, /* a tick on */
	PARK,
	RELEASE,
	FAR_RELEASE,
	ACTS
};

enum { LENGTH = 4 };

struct life {
	struct world *w;
	struct probe *p;
	rota_time now, deadline;
	bool armed, released;
};

static void
poll_at(struct life *l, rota_time now)
{
	bool due = l->armed && l->deadline <= now;
	size_t before = l->w->fired;

	l->now = now;
	world_poll(l->w, now);
	assert_int_equal(l->w->fired - before, due);
	if (due)
		l->armed = false;
}

static void
arm(struct life *l, rota_time when)
{
	assert_int_equal(rota_timer_reset_at(&l->p->timer, when), l->armed);
	l->armed = true;
	l->deadline = when;
}

static void
stop(struct life *l)
{
	assert_int_equal(rota_timer_stop(&l->p->timer),
	    l->armed ? ROTA_PREVENTED : ROTA_NOT_PENDING);
	l->armed = false;
}

/* One call. False: it cannot be made on this world. */
static bool
call(struct life *l, enum act act)
{
	bool far = (act >= FAR_NEXT && act <= FAR_STOP) || act == FAR_RELEASE;
	rota_time until;

	if (far && l->w->row->kind & ROTA_CONFINED)
		return false;
	if (far)
		assert_int_equal(rota_shard_detach(l->w->shard), 0);
	switch (act) {
	case ARM_PAST:
		arm(l, l->now);
		break;
	case ARM_NEXT:
	case FAR_NEXT:
		arm(l, l->now + TICK);
		break;
	case ARM_LATE:
	case FAR_LATE:
		arm(l, l->now + 3 * TICK);
		break;
	case STOP:
	case FAR_STOP:
		stop(l);
		break;
	case POLL:
		poll_at(l, l->now);
		break;
	case TURN:
		poll_at(l, l->now + TICK);
		break;
	case PARK:
		until = rota_shard_park(l->w->shard);
		assert_true(until >= 0);
		assert_true(!l->armed || until <= l->deadline);
		break;
	case RELEASE:
	case FAR_RELEASE:
		assert_in_range(rota_timer_release(&l->p->timer), 0, 1);
		l->armed = false;
		l->released = true;
		break;
	case ACTS:
		break;
	}
	if (far)
		assert_int_equal(rota_shard_attach(l->w->shard), 0);
	if (!l->released) {
		assert_int_equal(rota_timer_pending(&l->p->timer), l->armed);
		assert_int_equal(rota_shard_check(l->w->shard), 0);
	}
	return true;
}

/* The end of a sequence: what is armed fires, and the timer is new again. */
static void
end(struct life *l)
{
	if (!l->released) {
		poll_at(l, l->now + 4 * TICK);
		assert_false(l->armed);
		assert_int_equal(rota_timer_release(&l->p->timer), 0);
	}
	world_poll(l->w, l->now);
	assert_int_equal(world_stat(l->w).timers, 0);
	assert_int_equal(world_stat(l->w).live, 0);
	l->released = false;
	probe_init(l->w, l->p, 0);
}

static void
every_sequence_of_four_calls_is_answered_right(void **state)
{
	struct world *w = *state;
	struct life l = { .w = w, .p = world_probes(w, 1) };
	unsigned at[LENGTH] = { 0 }, i, made = 0;

	do {
		bool whole = true;

		for (i = 0; i < LENGTH && whole && !l.released; i++)
			whole = call(&l, (enum act)at[i]);
		/* What follows a release, or a call that cannot be made, would
		 * be the same sequence again. */
		for (unsigned rest = i; rest < LENGTH; rest++)
			at[rest] = ACTS - 1;
		made += whole;
		end(&l);
		for (i = LENGTH; i > 0 && ++at[i - 1] == ACTS; i--)
			at[i - 1] = 0;
		w->fired = 0; /* or their list would be long */
	} while (i > 0);
	assert_true(made > (w->row->kind & ROTA_CONFINED ? 1000 : 10000));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		EVERY_OWNED(every_sequence_of_four_calls_is_answered_right),
	};

	return cmocka_run_group_tests_name("life", tests, NULL, NULL);
}
