/* SPDX-License-Identifier: MIT
 *
 * move_test.c - rota_timer_move() and a call of another thread, one of them
 * stopped between two accesses of the timer's word.
 * Claims: though no call may be under way (rota/timer.h), what one has answered
 * holds: what was prevented does not fire, what was armed fires once and not
 * early, what was released comes back once. Both shards stay in order, the
 * timer is counted on one of them, and the engine's figures balance.
 */
#include "tests/gate/acts.h"

static const struct world_row world_two_heap = { .backend = ROTA_HEAP,
	.shards = 2 };
static const struct world_row world_two_wheel = { .backend = ROTA_WHEEL,
	.shards = 2 };
static const struct world_row world_two_coarse = { .backend = ROTA_WHEEL_COARSE,
	.shards = 2 };
static const struct world_row world_two_adopt = { .backend = ROTA_HEAP,
	.shards = 2,
	.flags = ROTA_ADOPT };
#define TWO_EVERY(test)                                                \
	ON(test, two_heap), ON(test, two_wheel), ON(test, two_coarse), \
	    ON(test, two_adopt)

/* How the timer begins, and what the other thread does. */
enum begins { IDLE, FILED, PUSHED, STOPPED, BEGINS };
enum call { STOP, EARLIER, LATER, RELEASE, CALLS };
static void (*const call_fn[])(
    void *act) = { act_stop, act_reset, act_reset, act_release };

/* The mover stands before it looks again whether it is armed, before that is
 * settled, before it tells of the new kind, before its push, before its end. */
enum { PLACES = 5 };

/* A debug build knows the new kind before the timer does, and refuses a call in
 * between: nothing has changed then. */
#ifdef ROTA_DEBUG_OBJECTS
#define TOLD_APART true
#else
#define TOLD_APART false
#endif

struct story {
	struct world *w;
	struct rota_shard *from, *to;
	struct rota_kind kind; /* on the second */
	struct probe p;
	struct act mover, other;
	enum call call;
	bool armed; /* it began so */
	rota_time now;
};

static void
open_story(struct story *y, struct world *w)
{
	*y = (struct story){ .w = w, .from = w->shard };
	y->to = rota_engine_shard(w->engine, 1);
	assert_int_equal(rota_shard_attach(y->to), 0);
	assert_int_equal(rota_kind_init(&y->kind, y->to,
			     &(struct rota_kind_config){ .fire = probe_fire,
				 .released = probe_released,
				 .name = "there" }),
	    0);
}

static void
poll_both(struct story *y, rota_time now)
{
	for (unsigned n = 0; n < 2; n++) { /* one may send to the other */
		assert_int_equal(rota_shard_poll(y->from, now, 0), 0);
		assert_int_equal(rota_shard_poll(y->to, now, 0), 0);
	}
	assert_int_equal(rota_shard_check(y->from), 0);
	assert_int_equal(rota_shard_check(y->to), 0);
}

static void
begin(struct story *y, enum begins how, enum call call)
{
	rota_time now = y->now;

	probe_init(y->w, &y->p, 0);
	y->p.fires = 0;
	y->w->freed = 0;
	if (how == FILED || how == PUSHED || how == STOPPED) {
		rota_timer_reset_at(&y->p.timer, now + 10 * TICK);
		poll_both(y, now);
	}
	if (how == PUSHED)
		rota_timer_reset_at(&y->p.timer, now + 12 * TICK);
	if (how == STOPPED)
		rota_timer_stop(&y->p.timer);
	y->armed = how == FILED || how == PUSHED;
	y->call = call;
	y->mover = (struct act){
		.t = &y->p.timer, .kind = &y->kind, .shard = y->from
	};
	y->other = (struct act){ .t = &y->p.timer,
		.when = now + (call == EARLIER ? 5 : 20) * TICK };
	assert_int_equal(rota_shard_detach(y->from), 0);
}

static uint64_t
timers(struct rota_shard *s)
{
	struct rota_stats stats;

	rota_shard_stat(s, &stats);
	return stats.timers;
}

static void
balanced(struct world *w)
{
	struct rota_stats s = world_stat(w);

	assert_int_equal(s.starts, s.fires + s.stops + s.live);
}

/* Both have returned. */
static void
end(struct story *y)
{
	rota_time now = y->now;
	struct probe *p = &y->p;
	bool moved = answered(&y->mover) >= 0;
	int r = answered(&y->other);

	assert_int_equal(rota_shard_attach(y->from), 0);
	poll_both(y, now);
	poll_both(y, now + 5 * TICK - 1);
	assert_int_equal(p->fires, 0);
	poll_both(y, now + 5 * TICK);
	assert_int_equal(p->fires, y->call == EARLIER);
	poll_both(y, now + 19 * TICK);
	assert_int_equal(p->fires, y->call == EARLIER);
	poll_both(y, now + 20 * TICK);
	assert_int_equal(p->fires, y->call == EARLIER || y->call == LATER);
	assert_int_equal(y->w->freed, y->call == RELEASE);
	switch (y->call) {
	case STOP:
		assert_int_equal(
		    r, y->armed ? ROTA_PREVENTED : ROTA_NOT_PENDING);
		break;
	case RELEASE:
		assert_int_equal(r, 1);
		break;
	default:
		assert_int_equal(r, y->armed);
	}
	balanced(y->w);
	assert_int_equal(world_stat(y->w).live, 0);
	if (y->call != RELEASE) {
		assert_int_equal(timers(y->from), !moved);
		assert_int_equal(timers(y->to), moved);
		/* it can be armed where it is */
		p->fires = 0;
		assert_int_equal(
		    rota_timer_reset_at(&p->timer, now + 30 * TICK), 0);
		poll_both(y, now + 30 * TICK);
		assert_int_equal(p->fires, 1);
		assert_int_equal(rota_timer_release(&p->timer), 0);
	}
	assert_int_equal(timers(y->from), 0);
	assert_int_equal(timers(y->to), 0);
	assert_int_equal(y->w->kind.r_timers, 0);
	assert_int_equal(y->kind.r_timers, 0);
	y->w->fired = 0;
	y->now = now + 40 * TICK;
	poll_both(y, y->now);
}

/* Let the mover go to that place; it may have no such. */
static void
go_to(struct story *y, struct gated *m, unsigned place)
{
	struct rota_timer *t = &y->p.timer;

	switch (place) {
	case 0:
		assert_true(gate_to(m, &t->r_word, ATOMIC_LOAD, 2));
		break;
	case 1:
		assert_true(gate_to(m, &t->r_word, ATOMIC_CAS, 1));
		break;
	case 2:
		assert_true(gate_to(m, &t->r_kind, ATOMIC_STORE, 1));
		break;
	case 3:
		(void)gate_to(m, &y->to->remote.inbox, ATOMIC_CAS, 1);
		break;
	default:
		(void)gate_to(m, &y->w->kind.r_timers, ATOMIC_ADD, 1);
	}
}

static void
a_call_in_the_middle_of_a_move(void **state)
{
	struct story y;

	open_story(&y, *state);
	for (unsigned b = 0; b < BEGINS; b++)
		for (unsigned c = 0; c < CALLS; c++)
			for (unsigned place = 0; place < PLACES; place++) {
				struct gated *m;

				if (place == 2 && TOLD_APART)
					continue;
				begin(&y, (enum begins)b, (enum call)c);
				m = gate_open(act_move, &y.mover);
				go_to(&y, m, place);
				elsewhere(call_fn[c], &y.other);
				gate_end(m);
				end(&y);
			}
}

/* The call has read which kind the timer is of, or its word as well, when all
 * of the move goes by; and the polls of the new shard, too. */
static void
a_move_in_the_middle_of_a_call(void **state)
{
	struct story y;

	open_story(&y, *state);
	for (unsigned b = 0; b < BEGINS; b++)
		for (unsigned c = 0; c < CALLS; c++)
			for (unsigned k = 0; k < 4; k++) {
				struct gated *g, *m;

				begin(&y, (enum begins)b, (enum call)c);
				g = gate_open(call_fn[c], &y.other);
				(void)gate_to(g, &y.p.timer.r_word,
				    k & 1 ? ATOMIC_CAS : ATOMIC_LOAD, 1);
				m = gate_open(act_move, &y.mover);
				gate_end(m);
				if (k & 2)
					assert_int_equal(
					    rota_shard_poll(y.to, y.now, 0), 0);
				gate_end(g);
				end(&y);
			}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TWO_EVERY(a_call_in_the_middle_of_a_move),
		TWO_EVERY(a_move_in_the_middle_of_a_call),
	};

	return cmocka_run_group_tests_name("gate_move", tests, NULL, NULL);
}
