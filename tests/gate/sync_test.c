/* SPDX-License-Identifier: MIT
 *
 * sync_test.c - rota_timer_stop_sync(): whoever waits for a callback.
 * Claims: it waits for all that had begun, on each seat, whatever armed them,
 * for no other, and sees what they wrote.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>

#include "tests/gate/acts.h"

static int behind; /* another point */

/* Let @g, who waits for the end of a callback on @seat, look some times
 * more. */
static void
still_waits(struct gated *g, struct rota_shard *s, enum shard_role seat)
{
	assert_true(gate_to(g, &s->running[seat], ATOMIC_LOAD, 5));
}

static void
resets_and_goes_through(struct probe *p, rota_time now)
{
	if (p->fires == 1)
		rota_timer_reset_at(&p->timer, now);
	gate_point(&inside);
}

/* Armed again inside its callback, it runs on the adopter's seat as well. */
static void
both_seats_are_waited_for(void **state, bool owner_first)
{
	struct world *w = *state;
	struct rota_shard *s = w->shard;
	struct probe *p = world_probes(w, 1);
	struct act owner = { .shard = s, .when = TICK },
		   adopter = { .shard = s, .when = TICK },
		   stopper = { .t = &p->timer };
	struct gated *o, *a, *g;

	p->then = resets_and_goes_through;
	rota_timer_reset_at(&p->timer, TICK);
	world_poll(w, 0);
	assert_int_equal(rota_shard_detach(s), 0);
	o = gate_open(act_poll, &owner);
	assert_true(gate_to(o, &inside, ATOMIC_POINT, 1));
	a = gate_open(act_adopt, &adopter);
	assert_true(gate_to(a, &inside, ATOMIC_POINT, 1));
	g = gate_open(act_stop_sync, &stopper);
	still_waits(g, s, ROLE_OWNER);
	gate_end(owner_first ? o : a);
	still_waits(g, s, owner_first ? ROLE_ADOPTER : ROLE_OWNER);
	gate_end(owner_first ? a : o);
	gate_end(g);
	assert_int_equal(answered(&stopper), ROTA_NOT_PENDING);
	expect_fired(w, 0, 0);
	assert_int_equal(rota_shard_attach(s), 0);
}

static void
a_stop_waits_for_the_adopters_callback_too(void **state)
{
	both_seats_are_waited_for(state, true);
}

static void
a_stop_waits_for_the_owners_callback_too(void **state)
{
	both_seats_are_waited_for(state, false);
}

static uint64_t written; /* by a callback, read by who waited for its end */

static void
goes_through_and_resets(struct probe *p, rota_time now)
{
	gate_point(&inside);
	written++;
	rota_timer_reset_at(&p->timer, now + TICK);
	gate_point(&behind);
}

static void
goes_through_and_writes(struct probe *p, rota_time now)
{
	through_the_gate(p, now);
	written++;
}

static void
stops_waits_and_reads(void *arg)
{
	act_stop_sync(arg);
	written++;
}

/* What it is armed for meanwhile is prevented, but that is not the end. */
static void
a_stop_that_prevents_waits_for_the_callback_before(void **state)
{
	struct world *w = *state;
	struct rota_shard *s = w->shard;
	struct probe *p = world_probes(w, 1);
	struct act owner = { .shard = s, .when = TICK },
		   stopper = { .t = &p->timer };
	struct gated *o, *g;

	p->then = goes_through_and_resets;
	rota_timer_reset_at(&p->timer, TICK);
	assert_int_equal(rota_shard_detach(s), 0);
	o = gate_open(act_poll, &owner);
	assert_true(gate_to(o, &behind, ATOMIC_POINT, 1));
	g = gate_open(stops_waits_and_reads, &stopper);
	still_waits(g, s, ROLE_OWNER);
	gate_end(o);
	gate_end(g);
	assert_int_equal(answered(&stopper), ROTA_PREVENTED);
	expect_fired(w, 0);
	assert_int_equal(rota_shard_attach(s), 0);
	world_poll(w, 9 * TICK);
	expect_nothing(w);
}

static void
goes_through_and_comes_again(struct probe *p, rota_time now)
{
	(void)now;
	gate_point(&inside);
	if (p->fires < 3)
		rota_timer_reset_at(&p->timer, 0);
}

/* Each time the waiter looks there is a callback of the timer, but another:
 * what was armed after its stop is not waited for. */
static void
a_stop_does_not_wait_from_callback_to_callback(void **state)
{
	struct world *w = *state;
	struct rota_shard *s = w->shard;
	struct probe *p = world_probes(w, 1);
	struct act owner = { .shard = s, .when = TICK, .polls = 3 },
		   stopper = { .t = &p->timer };
	struct gated *o, *g;

	p->then = goes_through_and_comes_again;
	rota_timer_reset_at(&p->timer, TICK);
	assert_int_equal(rota_shard_detach(s), 0);
	o = gate_open(act_poll, &owner);
	assert_true(gate_to(o, &inside, ATOMIC_POINT, 1));
	g = gate_open(act_stop_sync, &stopper);
	still_waits(g, s, ROLE_OWNER);
	assert_true(gate_to(o, &inside, ATOMIC_POINT, 1));
	assert_false(gate_to(g, &s->running[ROLE_OWNER], ATOMIC_LOAD, 9));
	gate_end(g);
	assert_int_equal(answered(&stopper), ROTA_NOT_PENDING);
	gate_end(o);
	expect_fired(w, 0, 0, 0);
	assert_int_equal(rota_shard_attach(s), 0);
}

/* It saw the callback run, and then that one has ended. */
static void
who_finds_a_callback_ended_sees_what_it_wrote(void **state)
{
	struct world *w = *state;
	struct rota_shard *s = w->shard;
	struct probe *p = world_probes(w, 1);
	struct act owner = { .shard = s, .when = TICK },
		   stopper = { .t = &p->timer };
	struct gated *o, *g;

	p->then = goes_through_and_writes;
	rota_timer_reset_at(&p->timer, TICK);
	assert_int_equal(rota_shard_detach(s), 0);
	o = gate_open(act_poll, &owner);
	assert_true(gate_to(o, &inside, ATOMIC_POINT, 1));
	g = gate_open(stops_waits_and_reads, &stopper);
	still_waits(g, s, ROLE_OWNER);
	assert_true(gate_to(g, &s->ended[ROLE_OWNER], ATOMIC_LOAD, 1));
	gate_end(o);
	gate_end(g);
	assert_int_equal(answered(&stopper), ROTA_NOT_PENDING);
	expect_fired(w, 0);
	assert_int_equal(rota_shard_attach(s), 0);
}

static struct probe former;
static rota_word made; /* the next one, by that callback */

/* A timer gives itself back, and the next one at its place is armed; that one
 * gives itself back as well. */
static void
gives_back_for_the_next(struct probe *p, rota_time now)
{
	(void)now;
	if (p->fires == 1) {
		assert_int_equal(rota_timer_release(&p->timer), 0);
		assert_int_equal(
		    rota_timer_init(&p->timer, &p->world->kind), 0);
		rota_timer_reset_at(&p->timer, 0);
		word_store(&made, (uint64_t)1, release);
		gate_point(&inside);
		return;
	}
	gate_point(&inside);
	assert_int_equal(rota_timer_release(&p->timer), 0);
	gate_point(&behind);
}

static void
stops_what_was_made(void *arg)
{
	(void)word_load(&made, acquire);
	act_stop_sync(arg);
}

/* What a seat shows then is the same before the stop and after it. @ends: the
 * stop looks first when the former callback ends, before the seat is free. */
static void
the_one_before_is_told_apart(void **state, bool ends)
{
	struct world *w = *state;
	struct rota_shard *s = w->shard;
	struct act owner = { .shard = s, .when = TICK, .polls = 2 },
		   stopper = { .t = &former.timer };
	struct gated *o, *g;

	former = (struct probe){ .world = w, .then = gives_back_for_the_next };
	assert_int_equal(rota_timer_init(&former.timer, &w->kind), 0);
	rota_timer_reset_at(&former.timer, TICK);
	assert_int_equal(rota_shard_detach(s), 0);
	o = gate_open(act_poll, &owner);
	assert_true(gate_to(o, &inside, ATOMIC_POINT, 1));
	if (ends)
		assert_true(
		    gate_to(o, &s->running[ROLE_OWNER], ATOMIC_STORE, 1));
	g = gate_open(stops_what_was_made, &stopper);
	assert_true(gate_to(g, &former.timer.r_word, ATOMIC_LOAD, 1));
	assert_true(gate_to(o, &inside, ATOMIC_POINT, 1));
	assert_true(gate_to(g, &s->ended[ROLE_OWNER], ATOMIC_LOAD, 1));
	assert_true(gate_to(o, &behind, ATOMIC_POINT, 1));
	still_waits(g, s, ROLE_OWNER);
	gate_end(o);
	gate_end(g);
	assert_int_equal(answered(&stopper), ROTA_NOT_PENDING);
	expect_fired(w, 0, 0);
	assert_int_equal(rota_shard_attach(s), 0);
}

static void
a_callback_that_gives_back_is_not_taken_for_the_one_before(void **state)
{
	the_one_before_is_told_apart(state, false);
}

static void
nor_for_the_one_that_ends_just_now(void **state)
{
	the_one_before_is_told_apart(state, true);
}

static struct gated *waiter;
static sem_t runs, ends;

static void
arms_anew_and_ends_its_thread(struct probe *p, rota_time now)
{
	rota_link *running = &p->world->shard->running[ROLE_OWNER];

	if (p->fires > 1) { /* on the thread of the test */
		assert_false(gate_to(waiter, running, ATOMIC_LOAD, 9));
		return;
	}
	sem_post(&runs);
	sem_wait(&ends);
	rota_timer_reset_at(&p->timer, now);
	pthread_exit(NULL);
}

static void *
polls_and_ends(void *arg)
{
	act_poll(arg);
	return NULL;
}

/* One thread ends inside its callback, and the next owner is in another of the
 * same timer, which was armed after the stop. */
static void
a_callback_that_ended_with_its_thread_is_over(void **state)
{
	struct world *w = *state;
	struct rota_shard *s = w->shard;
	struct probe *p = world_probes(w, 1);
	struct act owner = { .shard = s, .when = TICK },
		   stopper = { .t = &p->timer };
	pthread_t thread;

	sem_init(&runs, 0, 0);
	sem_init(&ends, 0, 0);
	p->then = arms_anew_and_ends_its_thread;
	rota_timer_reset_at(&p->timer, TICK);
	assert_int_equal(rota_shard_detach(s), 0);
	assert_int_equal(
	    pthread_create(&thread, NULL, polls_and_ends, &owner), 0);
	sem_wait(&runs);
	waiter = gate_open(act_stop_sync, &stopper);
	still_waits(waiter, s, ROLE_OWNER);
	sem_post(&ends);
	pthread_join(thread, NULL);
	assert_int_equal(rota_shard_attach(s), 0);
	world_poll(w, TICK);
	gate_end(waiter);
	assert_int_equal(answered(&stopper), ROTA_NOT_PENDING);
	expect_fired(w, 0, 0);
}

/* One callback of it runs on the adopter's seat when the owner is about to
 * claim it again, which a stop prevents: the seat of a claim that fails hides
 * no callback. */
static void
a_claim_that_fails_hides_no_callback(void **state)
{
	struct world *w = *state;
	struct rota_shard *s = w->shard;
	struct probe *p = world_probes(w, 1);
	struct act owner = { .shard = s, .when = TICK },
		   adopter = { .shard = s, .when = TICK };
	struct gated *o, *a;

	p->then = resets_and_goes_through;
	rota_timer_reset_at(&p->timer, TICK);
	world_poll(w, 0);
	assert_int_equal(rota_shard_detach(s), 0);
	a = gate_open(act_adopt, &adopter);
	assert_true(gate_to(a, &inside, ATOMIC_POINT, 1));
	o = gate_open(act_poll, &owner);
	assert_true(gate_to(o, &s->running[ROLE_OWNER], ATOMIC_STORE, 1));
	assert_true(gate_to(o, &p->timer.r_word, ATOMIC_CAS, 1));
	assert_int_equal(rota_timer_stop(&p->timer), ROTA_PREVENTED);
	assert_int_equal(rota_timer_stop(&p->timer), ROTA_RUNNING);
	gate_end(o);
	assert_int_equal(rota_timer_stop(&p->timer), ROTA_RUNNING);
	gate_end(a);
	assert_int_equal(rota_timer_stop(&p->timer), ROTA_NOT_PENDING);
	expect_fired(w, 0);
	assert_int_equal(rota_shard_attach(s), 0);
}

/* Nor is it one itself. */
static void
a_claim_that_fails_is_no_callback(void **state)
{
	struct world *w = *state;
	struct rota_shard *s = w->shard;
	struct probe *p = world_probes(w, 1);
	struct act owner = { .shard = s, .when = TICK };
	struct gated *o;

	rota_timer_reset_at(&p->timer, TICK);
	world_poll(w, 0);
	assert_int_equal(rota_shard_detach(s), 0);
	o = gate_open(act_poll, &owner);
	assert_true(gate_to(o, &s->running[ROLE_OWNER], ATOMIC_STORE, 1));
	assert_true(gate_to(o, &p->timer.r_word, ATOMIC_CAS, 1));
	assert_int_equal(rota_timer_stop(&p->timer), ROTA_PREVENTED);
	assert_int_equal(rota_timer_stop(&p->timer), ROTA_NOT_PENDING);
	gate_end(o);
	expect_nothing(w);
	assert_int_equal(rota_shard_attach(s), 0);
}

static int behind;

static void
gives_back_and_stays(struct probe *p, rota_time now)
{
	(void)now;
	gate_point(&inside);
	assert_int_equal(rota_timer_release(&p->timer), 0);
	gate_point(&behind);
	written++;
}

static const struct world_row world_pair_heap = { .backend = ROTA_HEAP,
	.shards = 2 };
static const struct world_row world_pair_wheel = { .backend = ROTA_WHEEL,
	.shards = 2 };
static const struct world_row world_pair_coarse = {
	.backend = ROTA_WHEEL_COARSE,
	.shards = 2
};
#define PAIR_EVERY(test) \
	ON(test, pair_heap), ON(test, pair_wheel), ON(test, pair_coarse)

/* A stop has read the timer's shard when that retires. Then the target fires
 * the timer, and its callback has come to @point when the stop looks there. */
static void
who_was_overtaken_waits_on_the_target(void **state, const int *point)
{
	struct world *w = *state;
	struct rota_shard *target = rota_engine_shard(w->engine, 1);
	struct act owner = { .shard = target, .when = TICK },
		   stopper = { .t = &former.timer };
	struct gated *o, *g;

	former = (struct probe){ .world = w, .then = gives_back_and_stays };
	assert_int_equal(rota_timer_init(&former.timer, &w->kind), 0);
	rota_timer_reset_at(&former.timer, TICK);
	world_poll(w, 0);
	g = gate_open(stops_waits_and_reads, &stopper);
	assert_true(gate_to(g, &former.timer.r_word, ATOMIC_LOAD, 1));
	assert_int_equal(rota_shard_retire(w->shard, target), 0);
	o = gate_open(act_poll, &owner);
	assert_true(gate_to(o, point, ATOMIC_POINT, 1));
	still_waits(g, target, ROLE_OWNER);
	gate_end(o);
	gate_end(g);
	assert_int_equal(answered(&stopper), ROTA_NOT_PENDING);
	expect_fired(w, 0);
}

static void
a_stop_that_a_retirement_overtook_waits_on_the_target(void **state)
{
	who_was_overtaken_waits_on_the_target(state, &inside);
}

static void
also_for_a_callback_that_gave_back(void **state)
{
	who_was_overtaken_waits_on_the_target(state, &behind);
}

static void
gives_back_and_stops_the_next(struct probe *p, rota_time now)
{
	struct act stop = { .t = &p->timer };

	(void)now;
	assert_int_equal(rota_timer_release(&p->timer), 0);
	assert_int_equal(rota_timer_init(&p->timer, &p->world->kind), 0);
	rota_timer_reset_at(&p->timer, 9 * TICK);
	word_store(&made, (uint64_t)1, release);
	act_stop_sync(&stop);
	*(int *)p->arg = answered(&stop);
}

/* The next timer at its place is of a shard that retires to the callback's own
 * while that stops the timer. */
static void
a_callback_that_gave_back_does_not_wait_for_itself(void **state)
{
	struct world *w = *state;
	struct rota_shard *target = rota_engine_shard(w->engine, 1);
	struct act owner = { .shard = target, .when = TICK };
	struct rota_kind k;
	struct gated *o;
	int r = -1;

	simple_kind(&k, target);
	former = (struct probe){
		.world = w, .then = gives_back_and_stops_the_next, .arg = &r
	};
	assert_int_equal(rota_timer_init(&former.timer, &k), 0);
	assert_int_equal(rota_timer_reset_at(&former.timer, TICK), 0);
	o = gate_open(act_poll, &owner);
	assert_true(gate_to(o, &made, ATOMIC_STORE, 1));
	assert_true(gate_to(o, &former.timer.r_word, ATOMIC_LOAD, 1));
	assert_int_equal(rota_shard_retire(w->shard, target), 0);
	gate_end(o);
	assert_int_equal(r, ROTA_PREVENTED);
	expect_fired(w, 0);
	assert_int_equal(rota_shard_attach(target), 0);
	assert_int_equal(rota_shard_poll(target, 9 * TICK, 0), 0);
	expect_nothing(w);
	assert_int_equal(rota_timer_release(&former.timer), 0);
	assert_int_equal(rota_kind_release(&k), 0);
}

/* The stop began before the callback gave its own timer back. */
static void
a_stop_waits_for_a_callback_that_gives_back(void **state)
{
	struct world *w = *state;
	struct rota_shard *s = w->shard;
	struct probe *p = world_probes(w, 1);
	struct act owner = { .shard = s, .when = TICK },
		   stopper = { .t = &p->timer };
	struct gated *o, *g;

	p->then = gives_back_and_stays;
	rota_timer_reset_at(&p->timer, TICK);
	assert_int_equal(rota_shard_detach(s), 0);
	o = gate_open(act_poll, &owner);
	assert_true(gate_to(o, &inside, ATOMIC_POINT, 1));
	g = gate_open(act_stop_sync, &stopper);
	assert_true(gate_to(g, &p->timer.r_word, ATOMIC_LOAD, 1));
	assert_true(gate_to(o, &behind, ATOMIC_POINT, 1));
	/* It looks again and again whether the callback has ended. */
	assert_true(gate_to(g, &s->running[ROLE_OWNER], ATOMIC_LOAD, 5));
	gate_end(o);
	gate_end(g);
	assert_int_equal(answered(&stopper), ROTA_NOT_PENDING);
	assert_int_equal(rota_shard_attach(s), 0);
	w->fired = 0;
	probe_init(w, p, 0);
}

/* The next timer at its place is of another shard, by its init or by a move,
 * and is stopped while the callback of the former still runs. */
static struct rota_kind next_kind;

static void
gives_back_for_another_shard(struct probe *p, rota_time now)
{
	struct rota_kind *first = p->arg ? p->arg : &next_kind;

	(void)now;
	assert_int_equal(rota_timer_release(&p->timer), 0);
	assert_int_equal(rota_timer_init(&p->timer, first), 0);
	if (first != &next_kind)
		assert_int_equal(rota_timer_move(&p->timer, &next_kind), 0);
	word_store(&made, (uint64_t)1, release);
	gate_point(&inside);
}

static void
the_one_before_runs_on_another_shard(void **state, bool moved)
{
	struct world *w = *state;
	struct rota_shard *other = rota_engine_shard(w->engine, 1);
	struct act owner = { .shard = w->shard, .when = TICK },
		   stopper = { .t = &former.timer };
	struct gated *o, *g;

	simple_kind(&next_kind, other);
	former = (struct probe){ .world = w,
		.then = gives_back_for_another_shard,
		.arg = moved ? &w->kind : NULL };
	assert_int_equal(rota_timer_init(&former.timer, &w->kind), 0);
	rota_timer_reset_at(&former.timer, TICK);
	assert_int_equal(rota_shard_detach(w->shard), 0);
	o = gate_open(act_poll, &owner);
	assert_true(gate_to(o, &inside, ATOMIC_POINT, 1));
	g = gate_open(stops_what_was_made, &stopper);
	gate_end(g); /* it does not wait */
	assert_int_equal(answered(&stopper), ROTA_NOT_PENDING);
	gate_end(o);
	expect_fired(w, 0);
	assert_int_equal(rota_shard_attach(w->shard), 0);
	assert_int_equal(rota_shard_attach(other), 0);
	assert_int_equal(rota_timer_release(&former.timer), 0);
	assert_int_equal(rota_kind_release(&next_kind), 0);
}

static void
a_former_timers_callback_on_another_shard_is_not_waited_for(void **state)
{
	the_one_before_runs_on_another_shard(state, false);
}

static void
nor_is_it_if_the_next_was_moved_there(void **state)
{
	the_one_before_runs_on_another_shard(state, true);
}

/* The stop begins after the release. */
static void
a_stop_of_what_was_given_back_is_refused_at_once(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);
	struct act owner = { .shard = w->shard, .when = TICK },
		   stopper = { .t = &p->timer };
	struct gated *o, *g;

	p->then = gives_back_and_stays;
	rota_timer_reset_at(&p->timer, TICK);
	assert_int_equal(rota_shard_detach(w->shard), 0);
	o = gate_open(act_poll, &owner);
	assert_true(gate_to(o, &behind, ATOMIC_POINT, 1));
	g = gate_open(act_stop_sync, &stopper);
	gate_end(g);
	assert_int_equal(answered(&stopper), -EINVAL);
	gate_end(o);
	assert_int_equal(rota_shard_attach(w->shard), 0);
	w->fired = 0;
	probe_init(w, p, 0);
}

static void
goes_through_and_arms_anew(struct probe *p, rota_time now)
{
	gate_point(&inside);
	if (p->fires == 1)
		rota_timer_reset_at(&p->timer, now);
}

/* One ends, and the next begins, before the stop looks at what runs: it has
 * counted the ends before. */
static void
a_stop_does_not_wait_for_one_that_began_after_it(void **state)
{
	struct world *w = *state;
	struct rota_shard *s = w->shard;
	struct probe *p = world_probes(w, 1);
	struct act owner = { .shard = s, .when = TICK, .polls = 2 },
		   stopper = { .t = &p->timer };
	struct gated *o, *g;

	p->then = goes_through_and_arms_anew;
	rota_timer_reset_at(&p->timer, TICK);
	assert_int_equal(rota_shard_detach(s), 0);
	o = gate_open(act_poll, &owner);
	assert_true(gate_to(o, &inside, ATOMIC_POINT, 1));
	g = gate_open(act_stop_sync, &stopper);
	/* The first load is that of the stop, the second that of the wait. */
	assert_true(gate_to(g, &s->running[ROLE_OWNER], ATOMIC_LOAD, 2));
	assert_true(gate_to(o, &inside, ATOMIC_POINT, 1));
	assert_false(gate_to(g, &s->running[ROLE_OWNER], ATOMIC_LOAD, 9));
	gate_end(g);
	assert_int_equal(answered(&stopper), ROTA_NOT_PENDING);
	gate_end(o);
	expect_fired(w, 0, 0);
	assert_int_equal(rota_shard_attach(s), 0);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		ADOPT_EVERY(a_stop_waits_for_the_adopters_callback_too),
		ADOPT_EVERY(a_stop_waits_for_the_owners_callback_too),
		EVERY(a_stop_that_prevents_waits_for_the_callback_before),
		EVERY(a_stop_does_not_wait_from_callback_to_callback),
		EVERY(who_finds_a_callback_ended_sees_what_it_wrote),
		EVERY(
		    a_callback_that_gives_back_is_not_taken_for_the_one_before),
		EVERY(nor_for_the_one_that_ends_just_now),
		EVERY(a_callback_that_ended_with_its_thread_is_over),
		ADOPT_EVERY(a_claim_that_fails_hides_no_callback),
		EVERY(a_claim_that_fails_is_no_callback),
		EVERY(a_stop_waits_for_a_callback_that_gives_back),
		EVERY(a_stop_of_what_was_given_back_is_refused_at_once),
		EVERY(a_stop_does_not_wait_for_one_that_began_after_it),
		PAIR_EVERY(
		    a_former_timers_callback_on_another_shard_is_not_waited_for),
		PAIR_EVERY(nor_is_it_if_the_next_was_moved_there),
		PAIR_EVERY(
		    a_stop_that_a_retirement_overtook_waits_on_the_target),
		PAIR_EVERY(also_for_a_callback_that_gave_back),
		PAIR_EVERY(a_callback_that_gave_back_does_not_wait_for_itself),
	};

	return cmocka_run_group_tests_name("gate_sync", tests, NULL, NULL);
}
