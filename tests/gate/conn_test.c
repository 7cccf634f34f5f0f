/* SPDX-License-Identifier: MIT
 *
 * conn_test.c - two timers that go back as one connection, while others do
 * something in between.
 * Claims: a release is told once, by its answer or by `released`; an init that
 * backs out beside a retirement takes back its own count.
 */
#include <errno.h>
#include <rota/conn.h>

#include "tests/gate/acts.h"

static struct rota_conn conn;
static struct rota_conn_kind kind;
static unsigned told;
static rota_word answer;

static void
expired(struct rota_conn *c, unsigned which, rota_time now)
{
	(void)c;
	(void)which;
	(void)now;
	gate_point(&inside);
}

static void
released(struct rota_conn *c)
{
	assert_ptr_equal(c, &conn);
	told++;
}

static void
release_conn(void *shard)
{
	int r = rota_shard_attach(shard);

	if (!r) {
		r = rota_conn_release(&conn);
		rota_shard_detach(shard);
	}
	word_store(&answer, (uint64_t)(int64_t)r, relaxed);
}

/* An adopter is in the callback of one deadline when the owner releases both;
 * what had to wait is free before the other deadline, which need not wait,
 * goes. In both orders. */
static void
a_release_is_told_by_its_answer_or_by_released(void **state)
{
	struct world *w = *state;
	struct rota_shard *s = w->shard;

	assert_int_equal(
	    rota_conn_kind_init(&kind, s, "conn", expired, released, 0), 0);
	for (int n = 0; n < 4; n++) {
		rota_time now = 10 * n * TICK;
		struct act adopter = { .shard = s, .when = now + 2 * TICK };
		struct gated *o, *a;
		bool between = n / 2; /* an adopter frees what waits */
		int r;

		told = 0;
		assert_int_equal(rota_conn_init(&conn, &kind), 0);
		assert_int_equal(
		    rota_conn_set(&conn,
			n % 2 ? ROTA_CONN_WRITE : ROTA_CONN_READ, now + TICK),
		    0);
		world_poll(w, now);
		assert_int_equal(rota_shard_detach(s), 0);
		a = gate_open(act_adopt, &adopter);
		assert_true(gate_to(a, &inside, ATOMIC_POINT, 1));
		o = gate_open(release_conn, s);
		assert_true(gate_to(o, &conn.write.r_kind, ATOMIC_LOAD, 1));
		if (between) {
			gate_end(a);
			assert_int_equal(
			    rota_shard_adopt(s, now + 3 * TICK, 0), 0);
			gate_end(o);
		} else {
			gate_end(o);
			gate_end(a);
		}
		assert_int_equal(rota_shard_attach(s), 0);
		for (int i = 4; i < 8; i++)
			world_poll(w, now + i * TICK);
		r = (int)(int64_t)word_load(&answer, relaxed);
		assert_in_range(r, 0, 1);
		assert_int_equal(told, r);
	}
	assert_int_equal(rota_conn_kind_release(&kind), 0);
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

static void
init_conn(void *arg)
{
	(void)arg;
	word_store(
	    &answer, (uint64_t)(int64_t)rota_conn_init(&conn, &kind), relaxed);
}

/* There is room for one of its two timers. The shard has retired when the init
 * takes that one back. */
static void
an_init_backs_out_where_its_count_is(void **state)
{
	struct world *w = *state;
	struct rota_config c = world_config(w);
	struct rota_shard *s, *target;
	struct rota_stats stats;
	struct probe *p;
	struct gated *g;

	world_destroy(w, ROTA_REFUSE);
	c.max_timers = 8;
	world_open(w, &c);
	s = w->shard;
	target = rota_engine_shard(w->engine, 1);
	p = world_probes(w, 7);
	assert_int_equal(
	    rota_conn_kind_init(&kind, s, "conn", expired, released, 0), 0);
	g = gate_open(init_conn, NULL);
	assert_true(gate_to(g, &s->lock, ATOMIC_LOCK, 1));
	assert_int_equal(rota_shard_retire(s, target), 0);
	gate_end(g);
	assert_int_equal((int)(int64_t)word_load(&answer, relaxed), -ENOSPC);
	rota_shard_stat(s, &stats);
	assert_int_equal(stats.timers, 0);
	rota_shard_stat(target, &stats);
	assert_int_equal(stats.timers, 7);
	assert_int_equal(rota_shard_attach(target), 0);
	for (unsigned i = 0; i < 7; i++)
		assert_int_equal(rota_timer_release(&p[i].timer), 0);
	rota_shard_stat(target, &stats);
	assert_int_equal(stats.timers, 0);
	assert_int_equal(rota_conn_kind_release(&kind), 0);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		ADOPT_EVERY(a_release_is_told_by_its_answer_or_by_released),
		PAIR_EVERY(an_init_backs_out_where_its_count_is),
	};

	return cmocka_run_group_tests_name("gate_conn", tests, NULL, NULL);
}
