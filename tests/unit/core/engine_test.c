/* SPDX-License-Identifier: MIT
 *
 * engine_test.c - making an engine, its shards, its figures.
 * Claims: a configuration that makes no sense is refused and leaves nothing
 * behind; what is left at zero gets its default; engines share nothing; the
 * engine's figures are the sums of its shards'; a virtual clock is moved by
 * advance; threads arm on all its shards alike, an owner on its own, and what
 * a thread knows of an engine it finds at once.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/shard.h"
#include "tests/support/world.h"

static rota_time
some_clock(void *arg)
{
	(void)arg;
	return 0;
}

static struct rota_config
good(struct mem *m)
{
	return (struct rota_config){ .size = sizeof(struct rota_config),
		.shards = 1,
		.clock = ROTA_CLOCK_VIRTUAL,
		.max_timers = 1000,
		.allocator = mem_allocator(m) };
}

static void
refused(const struct rota_config *c, struct mem *m)
{
	struct rota_engine *e = (void *)m; /* must become NULL */

	assert_int_equal(rota_engine_create(&e, c), -EINVAL);
	assert_null(e);
	assert_int_equal(m->calls, 0);
}

static void
a_size_that_is_not_its_own_is_refused(void **state)
{
	struct mem m = { 0 };
	struct rota_config c = good(&m);

	(void)state;
	for (size_t size = 0; size < 2 * sizeof(c); size++) {
		c.size = size;
		if (size != sizeof(c))
			refused(&c, &m);
	}
	c.size = SIZE_MAX;
	refused(&c, &m);
}

static void
a_field_out_of_range_is_refused(void **state)
{
	struct mem m = { 0 };
	struct rota_config c;

	(void)state;
#define REFUSED(field, value)      \
	do {                       \
		c = good(&m);      \
		c.field = (value); \
		refused(&c, &m);   \
	} while (0)
	REFUSED(backend, (enum rota_backend)3);
	REFUSED(backend, (enum rota_backend) - 1);
	REFUSED(flags, 4);
	REFUSED(flags, 1u << 31);
	REFUSED(clock, (enum rota_clock)4);
	REFUSED(clock, ROTA_CLOCK_CALLER); /* without a now */
	REFUSED(now, some_clock);          /* with another clock */
	REFUSED(start, -1);
	REFUSED(start, INT64_MIN);
	REFUSED(start, ROTA_NEVER);
	REFUSED(start, INT64_MAX);
	REFUSED(shards, 1025);
	REFUSED(shards, UINT32_MAX);
	REFUSED(max_timers, (1u << 26) + 1);
	REFUSED(max_timers, UINT64_MAX);
	REFUSED(allocator.free, NULL);
	REFUSED(allocator.alloc, NULL);
#undef REFUSED
	c = good(&m);
	c.clock = ROTA_CLOCK_CALLER;
	c.now = some_clock;
	c.flags = ROTA_DRIVERS; /* who would wake them? */
	refused(&c, &m);
}

static void
at_the_last_start_that_is_taken_timers_still_fire(void **state)
{
	struct world *w = *state;
	struct rota_config c = world_config(w);
	rota_time start = ROTA_NEVER;
	struct rota_engine *e;
	int r;

	/* the largest one: by halves */
	for (rota_time step = ROTA_NEVER / 2 + 1; step > 0; step /= 2) {
		c.start = start - step;
		r = rota_engine_create(&e, &c);
		if (r == 0)
			rota_engine_destroy(e, ROTA_REFUSE);
		else
			start -= step;
	}
	c.start = start - 1;
	assert_int_equal(rota_engine_create(&e, &c), 0);
	assert_int_equal(rota_shard_attach(rota_engine_shard(e, 0)), 0);
	for (unsigned i = 0; i < 2; i++) {
		struct probe p = { .world = w, .id = i };
		struct rota_kind k;

		rota_kind_init(&k, rota_engine_shard(e, 0),
		    &(struct rota_kind_config){
			.fire = probe_fire, .name = "k" });
		rota_timer_init(&p.timer, &k);
		rota_timer_reset_at(&p.timer, i ? ROTA_NEVER : c.start - TICK);
		/* a budget: never must not be looked at for ever */
		assert_int_equal(
		    rota_shard_poll(rota_engine_shard(e, 0), ROTA_NEVER, 1000),
		    0);
		assert_int_equal(p.fires, !i);
		rota_timer_release(&p.timer);
		rota_kind_release(&k);
	}
	assert_int_equal(rota_engine_destroy(e, ROTA_REFUSE), 0);
	w->fired = 0;
}

static void
zeros_stand_for_defaults(void **state)
{
	struct rota_config c = { .size = sizeof(c) };
	struct rota_engine *e;
	struct rota_stats s;

	(void)state;
	assert_int_equal(rota_engine_create(&e, &c), 0);
	assert_int_equal(rota_engine_shards(e), sysconf(_SC_NPROCESSORS_ONLN));
	assert_int_equal(rota_engine_stat(e, &s), 0);
	assert_int_equal(
	    rota_shard_reserve(rota_engine_shard(e, 0), (1u << 24) + 1),
	    -ENOSPC);
	assert_in_range(rota_engine_now(e), 0, ROTA_HOUR);
	assert_int_equal(rota_engine_destroy(e, ROTA_REFUSE), 0);
}

static void
each_number_of_shards_is_made(void **state)
{
	static const unsigned numbers[] = { 1, 2, 3, 17, 64 };
	struct mem m = { 0 };
	struct rota_config c = good(&m);
	struct rota_engine *e;

	(void)state;
	for (unsigned i = 0; i < CM_COUNT(numbers); i++) {
		c.shards = numbers[i];
		assert_int_equal(rota_engine_create(&e, &c), 0);
		assert_int_equal(rota_engine_shards(e), numbers[i]);
		for (unsigned k = 0; k < numbers[i]; k++) {
			struct rota_shard *s = rota_engine_shard(e, k);

			assert_non_null(s);
			assert_int_equal((uintptr_t)s % ROTA_LINE, 0);
			assert_true(!k || s != rota_engine_shard(e, k - 1));
		}
		assert_null(rota_engine_shard(e, numbers[i]));
		assert_null(rota_engine_shard(e, UINT32_MAX));
		assert_int_equal(rota_engine_destroy(e, ROTA_REFUSE), 0);
		assert_int_equal(m.blocks, 0);
		assert_int_equal(m.wrong, 0);
	}
}

static void
the_configuration_is_not_kept(void **state)
{
	struct mem m = { 0 };
	struct rota_config *c = malloc(sizeof(*c));
	struct rota_engine *e;

	(void)state;
	*c = good(&m);
	assert_int_equal(rota_engine_create(&e, c), 0);
	memset(c, 0xff, sizeof(*c));
	free(c);
	assert_int_equal(rota_shard_reserve(rota_engine_shard(e, 0), 500), 0);
	assert_int_equal(rota_engine_advance(e, 5), 0);
	assert_int_equal(rota_engine_now(e), 5);
	assert_int_equal(rota_engine_destroy(e, ROTA_REFUSE), 0);
	assert_int_equal(m.blocks, 0);
}

static void
two_engines_share_nothing(void **state)
{
	struct world *w = *state, other = { .row = w->row };
	struct rota_config c = world_config(&other);
	struct probe *p = world_probes(w, 1), *q;

	world_open(&other, &c);
	q = world_probes(&other, 1);
	rota_timer_reset_at(&p->timer, 5 * TICK);
	rota_timer_reset_at(&q->timer, 7 * TICK);
	rota_engine_advance(w->engine, 6 * TICK);
	assert_int_equal(rota_engine_now(other.engine), 0);
	world_poll(w, 6 * TICK);
	assert_int_equal(p->fires, 1);
	assert_int_equal(q->fires, 0);
	assert_int_equal(world_stat(&other).fires, 0);
	assert_int_equal(rota_shard_retire(other.shard, w->shard), -EINVAL);
	w->fired = 0;
	assert_int_equal(world_destroy(w, ROTA_REFUSE), 0);
	world_poll(&other, 7 * TICK);
	assert_int_equal(q->fires, 1);
	assert_int_equal(world_destroy(&other, ROTA_REFUSE), 0);
	free(other.order);
	free(other.probes);
}

/* A callback of one engine may use and poll another. */
static struct world *inner;

static void
poll_inner(struct probe *p, rota_time now)
{
	(void)p;
	world_poll(inner, now);
}

static void
a_callback_may_poll_another_engine(void **state)
{
	struct world *w = *state, other = { .row = w->row };
	struct rota_config c = world_config(&other);
	struct probe *p = world_probes(w, 1), *q;

	world_open(&other, &c);
	q = world_probes(&other, 1);
	inner = &other;
	p->then = poll_inner;
	rota_timer_reset_at(&p->timer, TICK);
	rota_timer_reset_at(&q->timer, TICK);
	world_poll(w, TICK);
	assert_int_equal(q->fires, 1);
	/* it is outside a callback again */
	world_poll(w, TICK);
	world_destroy(&other, ROTA_REFUSE);
	free(other.order);
	free(other.probes);
	w->fired = 0;
}

/* Through another engine's callback back into the shard that is polled. */
static int inner_answer[2];

static void
poll_back(struct probe *p, rota_time now)
{
	struct world *outer = p->arg;

	inner_answer[0] = rota_shard_poll(outer->shard, now, 0);
	inner_answer[1] = rota_engine_destroy(outer->engine, ROTA_DROP);
}

static void
a_poll_within_a_poll_is_found_through_another_engine_too(void **state)
{
	struct world *w = *state, other = { .row = w->row };
	struct rota_config c = world_config(&other);
	struct probe *p = world_probes(w, 2), *q;

	world_open(&other, &c);
	q = world_probes(&other, 1);
	inner = &other;
	p[0].then = poll_inner;
	q->then = poll_back;
	q->arg = w;
	rota_timer_reset_at(&p[0].timer, TICK);
	rota_timer_reset_at(&p[1].timer, 2 * TICK);
	rota_timer_reset_at(&q->timer, TICK);
	assert_in_range(rota_shard_poll(w->shard, 2 * TICK, 0), 0, 1);
	assert_int_equal(inner_answer[0], -EDEADLK);
	assert_int_equal(inner_answer[1], -EDEADLK);
	world_destroy(&other, ROTA_REFUSE);
	free(other.order);
	free(other.probes);
	w->fired = 0;
}

static void
the_figures_of_the_engine_are_those_of_its_shards(void **state)
{
	static const struct world_row two = { .backend = ROTA_HEAP,
		.shards = 2 };
	struct rota_stats a, b, sum;
	struct rota_shard *second;
	struct rota_kind k;
	struct probe q, *p;
	struct world *w;

	*state = (void *)(uintptr_t)&two;
	world_setup(state);
	w = *state;
	second = rota_engine_shard(w->engine, 1);
	assert_int_equal(rota_shard_attach(second), 0);
	p = world_probes(w, 3);
	q = (struct probe){ .world = w, .id = 9 };
	rota_kind_init(&k, second,
	    &(struct rota_kind_config){ .fire = probe_fire, .name = "second" });
	rota_timer_init(&q.timer, &k);
	for (unsigned i = 0; i < 3; i++)
		rota_timer_reset_at(&p[i].timer, (1 + i) * TICK);
	rota_timer_reset_at(&p[2].timer, 9 * TICK);
	rota_timer_stop(&p[1].timer);
	rota_timer_reset_at(&q.timer, TICK);
	world_poll(w, TICK + 50);
	assert_int_equal(rota_shard_poll(second, TICK + 70, 0), 0);
	assert_int_equal(rota_shard_stat(w->shard, &a), 0);
	assert_int_equal(rota_shard_stat(second, &b), 0);
	assert_int_equal(rota_engine_stat(w->engine, &sum), 0);
	assert_int_equal(a.starts, 3);
	assert_int_equal(a.pushes, 1);
	assert_int_equal(a.stops, 1);
	assert_int_equal(a.fires, 1);
	assert_int_equal(a.live, 1);
	assert_int_equal(a.timers, 3);
	assert_int_equal(a.late_max, 50);
	assert_int_equal(b.starts, 1);
	assert_int_equal(b.late_max, 70);
	assert_int_equal(sum.starts, 4);
	assert_int_equal(sum.fires, 2);
	assert_int_equal(sum.live, 1);
	assert_int_equal(sum.timers, 4);
	assert_int_equal(sum.polls, a.polls + b.polls);
	assert_int_equal(sum.bytes, a.bytes + b.bytes);
	assert_int_equal(sum.late_max, 70);
	assert_int_equal(sum.late_sum, 120);
	rota_timer_release(&q.timer);
	w->fired = 0;
}

static void
the_bytes_told_are_the_bytes_taken(void **state)
{
	struct world *w = *state;
	uint64_t told = world_stat(w).bytes, taken = w->mem.bytes;

	assert_int_equal(rota_shard_reserve(w->shard, 100000), 0);
	assert_int_equal(world_stat(w).bytes - told, w->mem.bytes - taken);
}

static void
advance_moves_a_virtual_clock_and_no_other(void **state)
{
	struct world *w = *state;
	struct rota_config c = world_config(w);
	struct rota_engine *e;

	assert_int_equal(rota_engine_advance(w->engine, -1), -EINVAL);
	assert_int_equal(rota_engine_advance(w->engine, 0), 0);
	assert_int_equal(rota_engine_advance(w->engine, 10), 0);
	assert_int_equal(rota_engine_now(w->engine), 10);
	assert_int_equal(rota_engine_advance(w->engine, INT64_MAX), 0);
	assert_true(rota_engine_now(w->engine) == ROTA_NEVER);
	c.clock = ROTA_CLOCK_MONOTONIC;
	assert_int_equal(rota_engine_create(&e, &c), 0);
	assert_int_equal(rota_engine_advance(e, 10), -EINVAL);
	rota_engine_destroy(e, ROTA_REFUSE);
	c.clock = ROTA_CLOCK_CALLER;
	c.now = some_clock;
	assert_int_equal(rota_engine_create(&e, &c), 0);
	assert_int_equal(rota_engine_advance(e, 10), -EINVAL);
	rota_engine_destroy(e, ROTA_REFUSE);
}

/* A thread that arms on @engine, twice: the same shard both times. */
struct armer {
	struct rota_engine *engine;
	struct rota_shard *near[2];
};

static void
ask_near(void *arg)
{
	struct armer *a = arg;

	a->near[0] = rota_engine_local_shard(a->engine);
	a->near[1] = rota_engine_local_shard(a->engine);
}

static void *
ask_near_and_end(void *arg)
{
	ask_near(arg);
	return NULL;
}

static void
threads_arm_on_all_shards_alike(void **state)
{
	static const unsigned numbers[] = { 1, 2, 3, 4, 5, 6, 7, 12, 48, 96 };
	enum { EACH = 2, MOST = EACH * 96 };
	struct mem m = { 0 };
	struct rota_config c = good(&m);
	struct armer *a = malloc(MOST * sizeof(*a));
	pthread_t *t = malloc(MOST * sizeof(*t));

	(void)state;
	for (unsigned i = 0; i < CM_COUNT(numbers); i++) {
		unsigned n = c.shards = numbers[i], on[96] = { 0 };

		assert_int_equal(rota_engine_create(&a->engine, &c), 0);
		/* half of them at once, the others one after another */
		for (unsigned k = 0; k < EACH * n; k++) {
			a[k].engine = a->engine;
			if (k < n)
				pthread_create(
				    &t[k], NULL, ask_near_and_end, &a[k]);
			else
				elsewhere(ask_near, &a[k]);
		}
		for (unsigned k = 0; k < n; k++)
			pthread_join(t[k], NULL);
		for (unsigned k = 0; k < EACH * n; k++) {
			assert_non_null(a[k].near[0]);
			assert_ptr_equal(a[k].near[1], a[k].near[0]);
			on[a[k].near[0]->index]++;
		}
		for (unsigned k = 0; k < n; k++)
			assert_int_equal(on[k], EACH);
		assert_int_equal(rota_engine_destroy(a->engine, ROTA_DROP), 0);
	}
	free(a);
	free(t);
}

/* Or each wait and each rota_after_func() would cost a look at every shard. */
static void
where_a_thread_arms_is_looked_for_once(void **state)
{
	struct mem m = { 0 };
	struct rota_config c = good(&m);
	struct rota_engine *e;
	struct rota_shard *near;

	(void)state;
	c.shards = 8;
	assert_int_equal(rota_engine_create(&e, &c), 0);
	near = rota_engine_local_shard(e);
	/* whoever looked would find this */
	for (unsigned i = 0; i < 8; i++)
		rota_engine_shard(e, i)->attached = self_id();
	assert_int_equal(rota_engine_would_deadlock(e), 0);
	assert_ptr_equal(rota_engine_local_shard(e), near);
	for (unsigned i = 0; i < 8; i++)
		rota_engine_shard(e, i)->attached = 0;
	assert_int_equal(rota_engine_destroy(e, ROTA_REFUSE), 0);
}

static void
an_owner_arms_on_its_own(void **state)
{
	struct mem m = { 0 };
	struct rota_config c = good(&m);
	struct rota_engine *e;
	struct rota_shard *s[5], *near;
	struct armer a;

	(void)state;
	c.shards = 5;
	assert_int_equal(rota_engine_create(&e, &c), 0);
	for (unsigned i = 0; i < 5; i++)
		s[i] = rota_engine_shard(e, i);
	for (unsigned known = 0; known < 2; known++) {
		for (unsigned i = 0; i < 5; i++) {
			assert_int_equal(rota_shard_attach(s[i]), 0);
			assert_ptr_equal(rota_engine_local_shard(e), s[i]);
			assert_int_equal(rota_engine_would_deadlock(e), 1);
			assert_int_equal(rota_shard_detach(s[i]), 0);
			assert_int_equal(rota_engine_would_deadlock(e), 0);
		}
		if (!known)
			near = rota_engine_local_shard(e);
		else /* where it armed before */
			assert_ptr_equal(rota_engine_local_shard(e), near);
	}
	/* of several one, whichever is left */
	for (unsigned i = 1; i < 4; i++)
		assert_int_equal(rota_shard_attach(s[i]), 0);
	for (unsigned i = 1; i < 4; i++) {
		near = rota_engine_local_shard(e);
		assert_in_range(near->index, i, 3);
		assert_int_equal(rota_engine_would_deadlock(e), 1);
		a.engine = e;
		elsewhere(ask_near, &a);
		assert_int_equal(rota_shard_detach(s[i]), 0);
	}
	assert_int_equal(rota_engine_would_deadlock(e), 0);
	assert_int_equal(rota_engine_destroy(e, ROTA_REFUSE), 0);
}

/* More engines than a thread remembers, and some that are gone. */
static void
with_many_engines_an_owner_is_known_in_each(void **state)
{
	enum { ENGINES = 40 };
	struct mem m = { 0 };
	struct rota_config c = good(&m);
	struct rota_engine *e[ENGINES];

	(void)state;
	c.shards = 3;
	for (unsigned i = 0; i < ENGINES; i++) {
		assert_int_equal(rota_engine_create(&e[i], &c), 0);
		if (i % 2)
			assert_int_equal(
			    rota_shard_attach(rota_engine_shard(e[i], i % 3)),
			    0);
	}
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = round; i < ENGINES; i++) {
			struct rota_shard *near = rota_engine_local_shard(e[i]);

			assert_int_equal(
			    rota_engine_would_deadlock(e[i]), i % 2);
			assert_ptr_equal(near->engine, e[i]);
			if (i % 2)
				assert_ptr_equal(
				    near, rota_engine_shard(e[i], i % 3));
		}
		assert_int_equal(rota_engine_destroy(e[round], ROTA_DROP), 0);
	}
	for (unsigned i = 3; i < ENGINES; i++)
		assert_int_equal(rota_engine_destroy(e[i], ROTA_DROP), 0);
	assert_int_equal(m.blocks, 0);
}

static int inside_answer[3];

static void
ask_inside(struct probe *p, rota_time now)
{
	struct world *other = p->arg;

	(void)now;
	inside_answer[0] = rota_engine_would_deadlock(p->world->engine);
	inside_answer[1] = rota_engine_would_deadlock(other->engine);
}

static void
adopt_and_ask(void *arg)
{
	struct world *w = arg;

	inside_answer[2] = rota_engine_would_deadlock(w->engine);
	rota_shard_adopt(w->shard, TICK, 0);
	inside_answer[2] += rota_engine_would_deadlock(w->engine);
}

static void
poll_other(struct probe *p, rota_time now)
{
	struct world *w = p->arg;

	(void)now;
	if (rota_shard_attach(w->shard) || rota_shard_poll(w->shard, TICK, 0) ||
	    rota_shard_detach(w->shard))
		abort();
}

/* The adopter polls another engine in its callback, and is in both. */
static void
an_adopter_is_inside_as_long_as_its_callback(void **state)
{
	struct world *w = *state, other = { .row = w->row };
	struct rota_config c = world_config(&other);
	struct probe *p, *q = world_probes(w, 1);

	c.flags = ROTA_ADOPT;
	world_open(&other, &c);
	p = world_probes(&other, 1);
	p->then = poll_other;
	p->arg = w;
	q->then = ask_inside;
	q->arg = &other;
	rota_timer_reset_at(&p->timer, TICK);
	rota_timer_reset_at(&q->timer, TICK);
	assert_int_equal(rota_shard_detach(w->shard), 0);
	assert_int_equal(rota_shard_detach(other.shard), 0);
	elsewhere(adopt_and_ask, &other);
	assert_int_equal(q->fires, 1);
	assert_int_equal(inside_answer[0], 1);
	assert_int_equal(inside_answer[1], 1);
	assert_int_equal(inside_answer[2], 0);
	world_destroy(&other, ROTA_REFUSE);
	free(other.order);
	free(other.probes);
	w->fired = 0;
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_size_that_is_not_its_own_is_refused),
		cmocka_unit_test(a_field_out_of_range_is_refused),
		EVERY(at_the_last_start_that_is_taken_timers_still_fire),
		cmocka_unit_test(zeros_stand_for_defaults),
		cmocka_unit_test(each_number_of_shards_is_made),
		cmocka_unit_test(the_configuration_is_not_kept),
		EVERY(two_engines_share_nothing),
		EVERY(a_callback_may_poll_another_engine),
		EVERY(a_poll_within_a_poll_is_found_through_another_engine_too),
		cmocka_unit_test_teardown(
		    the_figures_of_the_engine_are_those_of_its_shards,
		    world_teardown),
		EVERY(the_bytes_told_are_the_bytes_taken),
		EVERY(advance_moves_a_virtual_clock_and_no_other),
		cmocka_unit_test(threads_arm_on_all_shards_alike),
		cmocka_unit_test(where_a_thread_arms_is_looked_for_once),
		cmocka_unit_test(an_owner_arms_on_its_own),
		cmocka_unit_test(with_many_engines_an_owner_is_known_in_each),
		EVERY(an_adopter_is_inside_as_long_as_its_callback),
	};

	return cmocka_run_group_tests_name("engine", tests, NULL, NULL);
}
