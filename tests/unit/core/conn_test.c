/* SPDX-License-Identifier: MIT
 *
 * conn_test.c - rota/conn.h: the two deadlines of a connection.
 * Claims: each is told once, when it comes; one that is pushed, or taken back,
 * is not, not even if it had just been claimed; one that has passed is met at
 * once; which have passed goes by the deadline in force; both go back as one,
 * told once; what is none is refused.
 * Rows     G12
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "tests/support/world.h"

enum { READ = ROTA_CONN_READ, WRITE = ROTA_CONN_WRITE, BOTH = READ | WRITE };

struct client {
	struct rota_conn c;
	unsigned told[BOTH + 1]; /* by direction */
	rota_time at;            /* the latest */
	rota_time next;          /* if not 0 the callback sets both to this */
	unsigned released;
};

static struct rota_conn_kind kind;

static struct client *
client_of(struct rota_conn *c)
{
	return rota_container_of(c, struct client, c);
}

static void
expired(struct rota_conn *c, unsigned which, rota_time now)
{
	struct client *x = client_of(c);

	x->told[which]++;
	x->at = now;
	if (rota_conn_expired(c, which, now) != (int)which)
		x->told[0]++; /* one that is not in force */
	if (x->next)
		rota_conn_set(c, BOTH, x->next);
}

static void
released(struct rota_conn *c)
{
	client_of(c)->released++;
}

static struct client *
clients(struct world *w, unsigned n)
{
	struct client *x = calloc(n, sizeof(*x));

	assert_non_null(x);
	assert_int_equal(rota_conn_kind_init(&kind, w->shard, "client", expired,
			     released, w->row->kind),
	    0);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(rota_conn_init(&x[i].c, &kind), 0);
	return x;
}

static void
gone(struct client *x, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(x[i].told[0], 0);
		assert_int_equal(rota_conn_release(&x[i].c), 0);
	}
	assert_int_equal(rota_conn_kind_release(&kind), 0);
	free(x);
}

static void
expect_told(struct client *x, unsigned reads, unsigned writes)
{
	assert_int_equal(x->told[READ], reads);
	assert_int_equal(x->told[WRITE], writes);
}

static void
each_is_told_once_when_it_comes(void **state)
{
	struct world *w = *state;
	struct client *x = clients(w, 1);

	assert_int_equal(rota_conn_deadline(&x->c, READ), ROTA_NEVER);
	assert_int_equal(rota_conn_expired(&x->c, BOTH, ROTA_NEVER - 1), 0);
	assert_int_equal(rota_conn_set(&x->c, READ, 5 * TICK), 0);
	assert_int_equal(rota_conn_set(&x->c, WRITE, 9 * TICK), 0);
	assert_int_equal(rota_conn_deadline(&x->c, READ), 5 * TICK);
	assert_int_equal(rota_conn_deadline(&x->c, WRITE), 9 * TICK);
	world_poll(w, 4 * TICK);
	expect_told(x, 0, 0);
	world_poll(w, 5 * TICK);
	expect_told(x, 1, 0);
	assert_int_equal(x->at, 5 * TICK);
	assert_int_equal(rota_conn_expired(&x->c, BOTH, 5 * TICK), READ);
	world_poll(w, 9 * TICK);
	expect_told(x, 1, 1);
	assert_int_equal(rota_conn_expired(&x->c, BOTH, 9 * TICK), BOTH);
	assert_int_equal(rota_conn_expired(&x->c, WRITE, 9 * TICK), WRITE);
	assert_int_equal(rota_conn_set(&x->c, BOTH, 12 * TICK), 0);
	assert_int_equal(rota_conn_expired(&x->c, BOTH, 9 * TICK), 0);
	world_poll(w, 12 * TICK);
	expect_told(x, 2, 2);
	world_poll(w, 99 * TICK);
	expect_told(x, 2, 2);
	gone(x, 1);
}

static void
one_that_is_pushed_at_every_packet_comes_after_the_last(void **state)
{
	struct world *w = *state;
	struct client *x = clients(w, 1);

	for (unsigned i = 0; i < 1000; i++) {
		assert_int_equal(
		    rota_conn_set(&x->c, READ, (i + 10) * TICK), 0);
		world_poll(w, i * TICK);
		expect_told(x, 0, 0);
	}
	world_poll(w, 1008 * TICK);
	expect_told(x, 0, 0);
	world_poll(w, 1009 * TICK);
	expect_told(x, 1, 0);
	gone(x, 1);
}

static void
one_that_was_taken_back_is_not_told(void **state)
{
	struct world *w = *state;
	struct client *x = clients(w, 2);

	assert_int_equal(rota_conn_set(&x->c, BOTH, ROTA_NEVER), 0);
	assert_int_equal(rota_timer_pending(&x->c.read), 0); /* it had none */
	assert_int_equal(rota_conn_set(&x->c, BOTH, 5 * TICK), 0);
	assert_int_equal(rota_conn_set(&x->c, READ, ROTA_NEVER), 0);
	assert_int_equal(rota_conn_deadline(&x->c, READ), ROTA_NEVER);
	world_poll(w, 50 * TICK);
	expect_told(x, 0, 1);
	assert_int_equal(rota_conn_expired(&x->c, BOTH, 50 * TICK), WRITE);
	/* So is one that has come. */
	assert_int_equal(rota_conn_set(&x->c, WRITE, ROTA_NEVER), 0);
	assert_int_equal(rota_conn_expired(&x->c, BOTH, 50 * TICK), 0);
	world_poll(w, 5000 * TICK);
	expect_told(x, 0, 1);
	assert_int_equal(rota_engine_destroy(w->engine, ROTA_REFUSE), -EBUSY);
	gone(x, 2);
}

static void
one_that_has_passed_is_met_at_once(void **state)
{
	static const rota_time past[] = { 3 * TICK, 1, 0, -1, INT64_MIN };
	struct world *w = *state;
	struct client *x = clients(w, 1);

	world_poll(w, 3 * TICK);
	for (unsigned i = 0; i < CM_COUNT(past); i++) {
		assert_int_equal(rota_conn_set(&x->c, BOTH, past[i]), 0);
		assert_int_equal(
		    rota_conn_expired(&x->c, BOTH, 3 * TICK), BOTH);
		expect_told(x, i, i);
		world_poll(w, 3 * TICK);
		expect_told(x, i + 1, i + 1);
	}
	gone(x, 1);
}

/* Of the clock, too: nothing was before. */
static void
the_first_instant_is_one_like_others(void **state)
{
	static const rota_time past[] = { 0, -1, INT64_MIN };
	struct world *w = *state;
	struct client *x = clients(w, 4);

	for (unsigned i = 0; i < CM_COUNT(past); i++) {
		assert_int_equal(rota_conn_expired(&x[i].c, BOTH, 0), 0);
		assert_int_equal(rota_conn_deadline(&x[i].c, READ), ROTA_NEVER);
		assert_int_equal(rota_conn_set(&x[i].c, READ, past[i]), 0);
		assert_int_equal(rota_conn_deadline(&x[i].c, READ), 0);
		assert_int_equal(rota_conn_expired(&x[i].c, BOTH, 0), READ);
	}
	/* and 1 ns later is later */
	assert_int_equal(rota_conn_set(&x[3].c, WRITE, 1), 0);
	assert_int_equal(rota_conn_expired(&x[3].c, BOTH, 0), 0);
	world_poll(w, 0);
	for (unsigned i = 0; i < CM_COUNT(past); i++)
		expect_told(&x[i], 1, 0);
	expect_told(&x[3], 0, 0);
	gone(x, 4);
}

static void
no_deadline_expires_at_the_end_of_time_either(void **state)
{
	static const rota_time end[] = { ROTA_NEVER, ROTA_NEVER + 1,
		INT64_MAX };
	struct world *w = *state;
	struct client *x = clients(w, 1);

	assert_int_equal(rota_conn_set(&x->c, WRITE, 5 * TICK), 0);
	for (unsigned i = 0; i < CM_COUNT(end); i++)
		assert_int_equal(rota_conn_expired(&x->c, BOTH, end[i]), WRITE);
	assert_int_equal(rota_conn_set(&x->c, WRITE, ROTA_NEVER), 0);
	for (unsigned i = 0; i < CM_COUNT(end); i++)
		assert_int_equal(rota_conn_expired(&x->c, BOTH, end[i]), 0);
	gone(x, 1);
}

/* What claimed an earlier deadline finds another one. */
static void
a_late_claim_says_nothing(void **state)
{
	struct world *w = *state;
	struct client *x = clients(w, 1);

	assert_int_equal(rota_conn_set(&x->c, BOTH, 5 * TICK), 0);
	kind.read.fire(&x->c.read, 3 * TICK);
	kind.write.fire(&x->c.write, 3 * TICK);
	expect_told(x, 0, 0);
	assert_int_equal(rota_conn_set(&x->c, BOTH, ROTA_NEVER), 0);
	kind.read.fire(&x->c.read, 3 * TICK);
	kind.write.fire(&x->c.write, 3 * TICK);
	expect_told(x, 0, 0);
	gone(x, 1);
}

static void
a_callback_sets_the_next(void **state)
{
	struct world *w = *state;
	struct client *x = clients(w, 1);

	x->next = 7 * TICK;
	assert_int_equal(rota_conn_set(&x->c, BOTH, 5 * TICK), 0);
	/* The first to be told moves the other one, too. */
	world_poll(w, 5 * TICK);
	assert_int_equal(x->told[READ] + x->told[WRITE], 1);
	x->next = 0;
	world_poll(w, 7 * TICK);
	assert_int_equal(x->told[READ] + x->told[WRITE], 3);
	gone(x, 1);
}

struct errand {
	struct client *x;
	int r;
};

static void
release_it(void *arg)
{
	struct errand *e = arg;

	e->r = rota_conn_release(&e->x->c);
}

static void
both_go_back_as_one(void **state)
{
	struct world *w = *state;
	struct client *x = clients(w, 2);
	struct errand e = { .x = x };

	assert_int_equal(rota_conn_set(&x[0].c, BOTH, 5 * TICK), 0);
	assert_int_equal(rota_conn_kind_release(&kind), -EBUSY);
	elsewhere(release_it, &e);
	assert_int_equal(e.r, 1);
	assert_int_equal(x[0].released, 0);
	world_poll(w, 9 * TICK);
	assert_int_equal(x[0].released, 1);
	expect_told(&x[0], 0, 0);
	assert_int_equal(rota_conn_release(&x[0].c), -EINVAL);
	assert_int_equal(rota_conn_set(&x[0].c, READ, TICK), -EINVAL);
	assert_int_equal(rota_conn_deadline(&x[0].c, READ), -EINVAL);
	assert_int_equal(rota_conn_expired(&x[0].c, READ, TICK), -EINVAL);

	assert_int_equal(rota_conn_release(&x[1].c), 0);
	assert_int_equal(x[1].released, 0);
	assert_int_equal(rota_conn_kind_release(&kind), 0);
	assert_int_equal(rota_conn_kind_release(&kind), -EINVAL);

	/* Without `released` only the owner may. */
	assert_int_equal(
	    rota_conn_kind_init(&kind, w->shard, "client", expired, NULL, 0),
	    0);
	assert_int_equal(rota_conn_init(&x[1].c, &kind), 0);
	e.x = &x[1];
	elsewhere(release_it, &e);
	assert_int_equal(e.r, -EINVAL);
	assert_int_equal(rota_conn_release(&x[1].c), 0);
	assert_int_equal(rota_conn_kind_release(&kind), 0);
	free(x);
}

/* Deadlines set by one thread, met by another; the last one is told. */
enum { SETS = 20000 };

static void *
set_often(void *arg)
{
	struct client *x = arg;
	uint64_t r = 88172645463325252u;

	for (unsigned i = 0; i < SETS; i++)
		rota_conn_set(&x->c, 1 + random_next(&r) % 3,
		    random_next(&r) % 4
			? (rota_time)(random_next(&r) % (20 * TICK))
			: ROTA_NEVER);
	rota_conn_set(&x->c, BOTH, 30 * TICK);
	return NULL;
}

static void
the_last_of_many_is_told(void **state)
{
	struct world *w = *state;
	struct client *x = clients(w, 1);
	unsigned reads, writes;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, set_often, x), 0);
	for (unsigned i = 0; i < 2000; i++)
		rota_shard_poll(w->shard, i / 100 * TICK, 0);
	pthread_join(thread, NULL);
	x->told[0] = 0; /* one that was moved while it was being told */
	rota_shard_poll(w->shard, 29 * TICK, 0);
	reads = x->told[READ];
	writes = x->told[WRITE];
	world_poll(w, 30 * TICK);
	expect_told(x, reads + 1, writes + 1);
	world_poll(w, 99 * TICK);
	expect_told(x, reads + 1, writes + 1);
	gone(x, 1);
}

static void
what_is_none_is_refused(void **state)
{
	struct world *w = *state;
	struct client *x = clients(w, 1), zero = { .released = 0 };
	struct rota_conn_kind k;

	assert_int_equal(rota_conn_set(NULL, READ, TICK), -EINVAL);
	assert_int_equal(rota_conn_set(&x->c, 0, TICK), -EINVAL);
	assert_int_equal(rota_conn_set(&x->c, 4, TICK), -EINVAL);
	assert_int_equal(rota_conn_set(&x->c, READ | 4, TICK), -EINVAL);
	assert_int_equal(rota_conn_deadline(NULL, READ), -EINVAL);
	assert_int_equal(rota_conn_deadline(&x->c, BOTH), -EINVAL);
	assert_int_equal(rota_conn_deadline(&x->c, 0), -EINVAL);
	assert_int_equal(rota_conn_expired(NULL, READ, 0), -EINVAL);
	assert_int_equal(rota_conn_expired(&x->c, 0, 0), -EINVAL);
	assert_int_equal(rota_conn_expired(&x->c, 4, 0), -EINVAL);
	assert_int_equal(rota_conn_release(NULL), -EINVAL);
	assert_int_equal(rota_conn_init(NULL, &kind), -EINVAL);
	assert_int_equal(rota_conn_init(&zero.c, NULL), -EINVAL);
	assert_int_equal(rota_conn_kind_release(NULL), -EINVAL);
	assert_int_equal(
	    rota_conn_kind_init(NULL, w->shard, "", expired, NULL, 0), -EINVAL);
	assert_int_equal(
	    rota_conn_kind_init(&k, NULL, "", expired, NULL, 0), -EINVAL);
	assert_int_equal(
	    rota_conn_kind_init(&k, w->shard, "", NULL, NULL, 0), -EINVAL);
	assert_int_equal(
	    rota_conn_kind_init(&k, w->shard, "", expired, NULL, ROTA_BATCH),
	    -EINVAL);
	assert_int_equal(rota_conn_set(&zero.c, READ, TICK), -EINVAL);
	assert_int_equal(rota_conn_release(&zero.c), -EINVAL);
	gone(x, 1);
}

/* Where there is room for one timer and not for two nothing is left. */
static void
half_a_connection_is_none(void **state)
{
	struct world *w = *state;
	struct client *x = clients(w, 2), y;

	assert_int_equal(rota_conn_init(&y.c, &kind), -ENOSPC);
	assert_int_equal(world_stat(w).timers, 4);
	gone(x, 2);
}

static const struct world_row world_room_for_five = {
	.backend = ROTA_WHEEL,
	.max_timers = 5,
};

int
main(void)
{
	const struct CMUnitTest tests[] = {
		EVERY_OWNED(each_is_told_once_when_it_comes),
		EVERY_OWNED(
		    one_that_is_pushed_at_every_packet_comes_after_the_last),
		EVERY_OWNED(one_that_was_taken_back_is_not_told),
		EVERY_OWNED(one_that_has_passed_is_met_at_once),
		EVERY_OWNED(the_first_instant_is_one_like_others),
		EVERY_OWNED(no_deadline_expires_at_the_end_of_time_either),
		EVERY_OWNED(a_late_claim_says_nothing),
		EVERY_OWNED(a_callback_sets_the_next),
		EVERY(both_go_back_as_one),
		EVERY(the_last_of_many_is_told),
		ON(what_is_none_is_refused, heap),
		ON(half_a_connection_is_none, room_for_five),
	};

	return cmocka_run_group_tests_name("conn", tests, NULL, NULL);
}
