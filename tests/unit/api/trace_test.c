/* SPDX-License-Identifier: MIT
 *
 * trace_test.c - rota/trace.h: each change of a timer's state, in Go's letters.
 * Claims: the life of a timer is told, step by step, by whatever thread; who
 * follows what is told knows at any time between two polls how many entries
 * there are, which of them are zombies and which timers are armed, and has
 * counted what the figures say; a hook changes no answer and no order; an
 * event has its words.
 * Rows     G17
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/world.h"

enum { TIMERS = 300, OPS = 20000, STORY = 400 };

/* What the hook has been told. */
struct told {
	struct world *w;
	struct probe *p;
	struct rota_kind other; /* of those that move */
	unsigned shards;
	unsigned count[ROTA_TRACE_RELEASED + 1];
	unsigned state[TIMERS];
	rota_time deadline[TIMERS];
	bool armed[TIMERS];
	char story[STORY]; /* of the first timer; an entry may be moved often */
	enum rota_trace_op latest;
	rota_time latest_deadline;
};

static struct told Told;

static void
tell(void *arg, const struct rota_trace *e)
{
	struct told *told = arg;
	size_t id = (size_t)((const struct probe *)(const void *)e->timer -
	    told->p);
	char line[ROTA_TRACE_LINE];
	int n = rota_trace_format(e, line, sizeof(line));

	assert_true(id < TIMERS);
	assert_in_range(n, 4, ROTA_TRACE_LINE - 1);
	assert_int_equal(n, strlen(line));
	assert_true(e->kind == &told->w->kind || e->kind == &told->other);
	assert_true(e->shard < told->shards);
	told->count[e->op]++;
	told->state[id] = e->state;
	told->deadline[id] = e->deadline;
	told->latest_deadline = e->deadline;
	told->armed[id] = e->op == ROTA_TRACE_RESET ||
	    e->op == ROTA_TRACE_FILE || e->op == ROTA_TRACE_DEFER ||
	    e->op == ROTA_TRACE_EVICT;
	if (id == 0 && (e->op != ROTA_TRACE_FILE || told->latest != e->op)) {
		size_t len = strlen(told->story);

		if (len + (size_t)n + 3 > STORY) /* nobody asks for it */
			len = 0;
		snprintf(told->story + len, STORY - len, "%s%s",
		    len ? ", " : "", line);
	}
	if (id == 0)
		told->latest = e->op;
	errno = EDOM; /* nobody's but ours */
}

/* The world of the row, once more, with the hook. */
static struct told *
traced(struct world *w, unsigned shards)
{
	struct told *told = &Told;
	struct rota_config c;

	memset(told, 0, sizeof(*told));
	told->w = w;
	told->shards = shards;
	world_destroy(w, ROTA_REFUSE);
	c = world_config(w);
	c.shards = shards;
	c.trace = tell;
	c.trace_arg = told;
	world_open(w, &c);
	told->p = world_probes(w, TIMERS);
	return told;
}

/* The story of the first timer since the last time. */
static void
expect_story(struct told *told, const char *story)
{
	assert_string_equal(told->story, story);
	told->story[0] = 0;
}

static void
a_life_is_told(void **state)
{
	struct world *w = *state;
	struct told *told = traced(w, 1);
	struct rota_timer *t = &told->p->timer;

	errno = 0;
	assert_int_equal(rota_timer_reset_at(t, 10 * TICK), 0);
	expect_story(told, "reset m");
	world_poll(w, 0);
	expect_story(told, "file h");
	assert_int_equal(rota_timer_reset_at(t, 20 * TICK), 1);
	expect_story(told, "reset h m");
	assert_int_equal(rota_timer_stop(t), ROTA_PREVENTED);
	expect_story(told, "stop h m z");
	assert_int_equal(rota_timer_stop(t), ROTA_NOT_PENDING);
	expect_story(told, "");
	assert_int_equal(rota_timer_reset_at(t, 20 * TICK), 0);
	expect_story(told, "reset h m");
	world_poll(w, 10 * TICK); /* its entry comes up */
	expect_story(told, "file h");
	assert_int_equal(rota_timer_reset_at(t, 5 * TICK), 1);
	expect_story(told, "reset h m");
	world_poll(w, 11 * TICK);
	expect_story(told, "file h, fire");
	assert_int_equal(rota_timer_reset_at(t, 12 * TICK), 0);
	assert_int_equal(rota_timer_stop(t), ROTA_PREVENTED);
	expect_story(told, "reset m, stop m");
	world_poll(w, 11 * TICK);
	expect_story(told, "drop");
	assert_int_equal(rota_timer_reset_at(t, 12 * TICK), 0);
	world_poll(w, 11 * TICK);
	assert_int_equal(rota_timer_release(t), 0);
	expect_story(told, "reset m, file h, released");
	assert_int_equal(told->latest_deadline, 12 * TICK);
	assert_int_equal(errno, 0);
}

static void
what_comes_up_too_early_is_put_right(void **state)
{
	struct world *w = *state;
	struct told *told = traced(w, 1);

	for (unsigned i = 0; i < TIMERS; i++)
		rota_timer_reset_at(&told->p[i].timer, 10 * TICK);
	world_poll(w, 0);
	for (unsigned i = 0; i < TIMERS; i++) {
		rota_timer_reset_at(&told->p[i].timer, 20 * TICK);
		assert_int_equal(
		    told->state[i], ROTA_TRACE_HEAPED | ROTA_TRACE_MODIFIED);
	}
	world_poll(w, 10 * TICK);
	for (unsigned i = 0; i < TIMERS; i++)
		assert_int_equal(told->state[i], ROTA_TRACE_HEAPED);
}

static void
zombies_are_dropped(void **state)
{
	struct world *w = *state;
	struct told *told = traced(w, 1);
	struct rota_timer *t = &told->p->timer;

	rota_timer_reset_at(t, 10 * TICK);
	world_poll(w, 0);
	rota_timer_stop(t);
	world_poll(w, 10 * TICK);
	expect_story(told, "reset m, file h, stop h m z, drop");
	/* By a sweep. */
	for (unsigned i = 0; i < TIMERS; i++)
		rota_timer_reset_at(&told->p[i].timer, 99 * TICK);
	world_poll(w, 10 * TICK);
	for (unsigned i = 0; i < TIMERS; i++)
		rota_timer_stop(&told->p[i].timer);
	world_poll(w, 10 * TICK);
	world_poll(w, 10 * TICK);
	expect_story(told, "reset m, file h, stop h m z, drop");
	assert_int_equal(told->count[ROTA_TRACE_DROP], 1 + TIMERS);
	assert_int_equal(world_stat(w).entries, 0);
}

static void
arm_again(struct probe *p, rota_time now)
{
	(void)now;
	p->then = NULL;
	rota_timer_reset_at(&p->timer, 0);
}

static void
what_a_callback_arms_waits_for_the_next_poll(void **state)
{
	struct world *w = *state;
	struct told *told = traced(w, 1);
	struct probe *p = told->p;

	p->then = arm_again;
	rota_timer_reset_at(&p->timer, TICK);
	world_poll(w, TICK);
	expect_story(told, "reset m, file h, fire, reset m, file h");
	world_poll(w, TICK);
	expect_story(told, "fire");
}

static void
other_threads_tell_too(void **state)
{
	struct world *w = *state;
	struct told *told = traced(w, 1);
	struct rota_timer *t = &told->p->timer;

	w->kind.released = probe_released;
	assert_int_equal(elsewhere_reset_at(t, 10 * TICK), 0);
	assert_int_equal(elsewhere_reset_at(t, 9 * TICK), 1);
	expect_story(told, "reset m, reset m");
	world_poll(w, 0);
	assert_int_equal(elsewhere_reset_at(t, 11 * TICK), 1);
	assert_int_equal(elsewhere_stop(t), ROTA_PREVENTED);
	expect_story(told, "file h, reset h m, stop h m z");
	assert_int_equal(elsewhere_release(t), 1);
	expect_story(told, "release h m z");
	world_poll(w, 0);
	expect_story(told, "released");
	assert_int_equal(told->latest_deadline, 11 * TICK);
	assert_int_equal(w->freed, 1);
}

static void
a_batch_and_a_retirement_are_told(void **state)
{
	struct world *w = *state;
	struct told *told = traced(w, 2);
	struct rota_timer *t = &told->p->timer, *out[2];
	struct rota_shard *target;

	rota_timer_reset_at(t, TICK);
	assert_int_equal(rota_shard_poll_batch(w->shard, TICK, 0, out, 2), 1);
	assert_ptr_equal(out[0], t);
	expect_story(told, "reset m, file h, fire");

	rota_timer_reset_at(t, 9 * TICK);
	world_poll(w, TICK);
	told->story[0] = 0;
	target = rota_engine_shard(w->engine, 1);
	assert_int_equal(elsewhere_reset_at(t, 5 * TICK), 1);
	expect_story(told, "reset h m"); /* and it is in the inbox */
	assert_int_equal(rota_shard_retire(w->shard, target), 0);
	expect_story(told, "evict m");
	assert_true(told->armed[0]);
	assert_int_equal(rota_shard_attach(target), 0);
	assert_int_equal(rota_shard_poll(target, TICK, 0), 0);
	expect_story(told, "file h");
}

/* Armed, it leaves its place and is filed again; stopped, it leaves nothing. */
static void
a_move_is_told(void **state)
{
	struct world *w = *state;
	struct told *told = traced(w, 1);
	struct rota_timer *t = &told->p->timer;

	assert_int_equal(rota_kind_init(&told->other, w->shard,
			     &(struct rota_kind_config){ .fire = probe_fire,
				 .released = probe_released,
				 .name = "other",
				 .flags = w->row->kind }),
	    0);
	rota_timer_reset_at(t, 10 * TICK);
	world_poll(w, 0);
	assert_int_equal(rota_timer_stop(t), ROTA_PREVENTED);
	assert_int_equal(rota_timer_move(t, &told->other), 0);
	expect_story(told, "reset m, file h, stop h m z, drop");
	assert_false(told->armed[0]);
	rota_timer_reset_at(t, 10 * TICK);
	world_poll(w, 0);
	assert_int_equal(rota_timer_move(t, &w->kind), 1);
	expect_story(told, "reset m, file h, evict m");
	assert_true(told->armed[0]);
	world_poll(w, 0);
	expect_story(told, "file h");
}

static void
check_told(const struct told *told)
{
	struct rota_stats s = world_stat(told->w);
	uint64_t entries = 0, zombies = 0;

	for (unsigned i = 0; i < TIMERS; i++) {
		const struct rota_timer *t = &told->p[i].timer;
		unsigned is = told->state[i];

		entries += (is & ROTA_TRACE_HEAPED) != 0;
		zombies += (is & ROTA_TRACE_ZOMBIE) != 0;
		if (is & ROTA_TRACE_ZOMBIE)
			assert_int_equal(is,
			    ROTA_TRACE_HEAPED | ROTA_TRACE_MODIFIED |
				ROTA_TRACE_ZOMBIE);
		assert_int_equal(told->armed[i], rota_timer_pending(t));
		if (told->armed[i])
			assert_int_equal(
			    told->deadline[i], rota_timer_deadline(t));
	}
	assert_int_equal(entries, s.entries);
	assert_int_equal(zombies, s.zombies);
	assert_int_equal(told->count[ROTA_TRACE_FIRE], s.fires);
	assert_int_equal(told->count[ROTA_TRACE_STOP], s.stops);
}

/* What @w does with operations drawn from @x; told or not. */
static uint64_t
wander(struct world *w, struct probe *p, uint64_t x, struct told *told)
{
	uint64_t sum = 0;
	rota_time now = 0;

	for (unsigned i = 0; i < OPS; i++) {
		uint64_t r = random_next(&x);
		struct rota_timer *t = &p[r % TIMERS].timer;
		int answer = 0;

		switch (r >> 32 & 7) {
		case 0:
		case 1:
			answer = rota_timer_stop(t);
			break;
		case 2:
			now += (rota_time)(random_next(&x) % (8 * TICK));
			world_poll(w, now);
			if (told)
				check_told(told);
			break;
		default:
			answer = rota_timer_reset_at(t,
			    now + (rota_time)(random_next(&x) % (90 * TICK)));
			break;
		}
		sum = sum * 31 + (uint64_t)answer;
	}
	world_poll(w, now + 100 * TICK);
	for (size_t i = 0; i < w->fired; i++)
		sum = sum * 31 + w->order[i];
	return sum;
}

static void
who_follows_knows_and_nothing_else_changes(void **state)
{
	struct world *w = *state;
	struct probe *p = calloc(TIMERS, sizeof(*p));
	struct told *told;
	uint64_t quiet, again;

	assert_non_null(p);
	for (unsigned i = 0; i < TIMERS; i++)
		probe_init(w, &p[i], i);
	quiet = wander(w, p, 88172645463325252u, NULL);
	w->fired = 0;
	told = traced(w, 1);
	free(p);
	again = wander(w, told->p, 88172645463325252u, told);
	if (w->row->backend != ROTA_WHEEL_COARSE) /* which has its own order */
		assert_int_equal(again, quiet);
	check_told(told);
}

static void
an_event_has_its_words(void **state)
{
	struct rota_trace e = { .op = ROTA_TRACE_RELEASED, .state = 7 };
	char line[ROTA_TRACE_LINE], part[5];

	(void)state;
	assert_int_equal(rota_trace_format(&e, line, sizeof(line)), 14);
	assert_string_equal(line, "released h m z");
	assert_int_equal(rota_trace_format(&e, part, sizeof(part)), 14);
	assert_string_equal(part, "rele");
	assert_int_equal(rota_trace_format(&e, NULL, 0), 14);
	e.state = 0;
	for (unsigned op = 0; op <= ROTA_TRACE_RELEASED; op++) {
		e.op = (enum rota_trace_op)op;
		assert_in_range(
		    rota_trace_format(&e, line, sizeof(line)), 4, 8);
	}
	e.op = (enum rota_trace_op)(ROTA_TRACE_RELEASED + 1);
	assert_int_equal(rota_trace_format(&e, line, sizeof(line)), -EINVAL);
	assert_int_equal(rota_trace_format(NULL, line, 9), -EINVAL);
	e.op = ROTA_TRACE_FIRE;
	assert_int_equal(rota_trace_format(&e, NULL, 9), -EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		EVERY_OWNED(a_life_is_told),
		EVERY_OWNED(what_comes_up_too_early_is_put_right),
		EVERY_OWNED(zombies_are_dropped),
		EVERY_OWNED(what_a_callback_arms_waits_for_the_next_poll),
		EVERY(other_threads_tell_too),
		EVERY(a_batch_and_a_retirement_are_told),
		EVERY_OWNED(a_move_is_told),
		EVERY_OWNED(who_follows_knows_and_nothing_else_changes),
		cmocka_unit_test(an_event_has_its_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
