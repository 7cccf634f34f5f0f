/* SPDX-License-Identifier: MIT
 *
 * inline_test.c - rota/inline.h: the short ways, compiled into the caller.
 * Claims: whatever the state of a timer, they do and answer what the
 * library's own functions do; what is not theirs they leave to those.
 *
 * Two worlds live the same life: in one the calls are compiled in, in the
 * other they go through pointers, which only the library's functions have.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/world.h"

static int (*volatile far_reset_at)(
    struct rota_timer *t, rota_time when) = rota_timer_reset_at;
static int (*volatile far_stop)(struct rota_timer *t) = rota_timer_stop;

enum { SOME = 24 };

/* The second world; the first is the test's. */
struct twin {
	struct world w;
	struct probe *p;
};

static void
twin_open(struct twin *t, const struct world *like)
{
	struct rota_config c;

	memset(t, 0, sizeof(*t));
	t->w.row = like->row;
	c = world_config(&t->w);
	world_open(&t->w, &c);
	t->p = world_probes(&t->w, SOME);
}

static void
twin_close(struct twin *t)
{
	world_destroy(&t->w, ROTA_DROP);
	assert_int_equal(t->w.early, 0);
	free(t->w.order);
	free(t->w.leak);
	free(t->w.probes);
}

static void
same_figures(struct world *a, struct world *b)
{
	struct rota_stats x = world_stat(a), y = world_stat(b);

	x.bytes = y.bytes = 0;
	assert_memory_equal(&x, &y, sizeof(x));
}

static void
the_short_way_and_the_long_way_lead_to_the_same_place(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, SOME);
	struct rota_timer *here[SOME], *there[SOME];
	struct twin t;
	rota_time now = 0;
	uint64_t x = 1597;

	twin_open(&t, w);
	for (unsigned n = 0; n < 30000; n++) {
		unsigned i = (unsigned)(random_next(&x) % SOME);
		rota_time when = now - TICK +
		    (rota_time)(random_next(&x) % (9 * TICK));
		int a = 0, b = 0;

		if (random_next(&x) % 100 == 0)
			when = (rota_time)random_next(&x); /* any number */
		switch (random_next(&x) % 8) {
		case 0:
		case 1:
			a = rota_timer_stop(&p[i].timer);
			b = far_stop(&t.p[i].timer);
			break;
		case 2:
			if (random_next(&x) % 8)
				break;
			now += (rota_time)(random_next(&x) % (2 * TICK));
			a = rota_shard_poll(w->shard, now, 9);
			b = rota_shard_poll(t.w.shard, now, 9);
			break;
		case 3:
			if (random_next(&x) % 16)
				break;
			a = rota_shard_poll_batch(
			    w->shard, now, 0, here, SOME / 2);
			b = rota_shard_poll_batch(
			    t.w.shard, now, 0, there, SOME / 2);
			break;
		case 4:
			if (random_next(&x) % 8)
				break;
			a = rota_timer_release(&p[i].timer);
			b = rota_timer_release(&t.p[i].timer);
			rota_timer_init(&p[i].timer, &w->kind);
			rota_timer_init(&t.p[i].timer, &t.w.kind);
			break;
		default:
			a = rota_timer_reset_at(&p[i].timer, when);
			b = far_reset_at(&t.p[i].timer, when);
		}
		assert_int_equal(a, b);
		assert_int_equal(p[i].timer.r_word, t.p[i].timer.r_word);
		assert_int_equal(p[i].timer.r_seq, t.p[i].timer.r_seq);
		if (n % 50 == 0)
			same_figures(w, &t.w);
	}
	assert_int_equal(w->fired, t.w.fired);
	assert_true(w->fired > 100);
	assert_memory_equal(w->order, t.w.order, w->fired * sizeof(*w->order));
	same_figures(w, &t.w);
	w->fired = 0;
	twin_close(&t);
}

static void
what_is_no_timer_is_refused_by_both(void **state)
{
	static const int fills[] = { 0x00, 0xff, 0xaa, 0x55 };
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);
	struct rota_timer *t = malloc(2 * sizeof(*t));

	assert_int_equal(rota_timer_reset_at(NULL, TICK), -EINVAL);
	assert_int_equal(far_reset_at(NULL, TICK), -EINVAL);
	assert_int_equal(rota_timer_stop(NULL), -EINVAL);
	assert_int_equal(far_stop(NULL), -EINVAL);
	for (unsigned i = 0; i < CM_COUNT(fills); i++) {
		memset(t, fills[i], sizeof(*t));
		assert_int_equal(rota_timer_reset_at(t, TICK), -EINVAL);
		assert_int_equal(far_reset_at(t, TICK), -EINVAL);
		assert_int_equal(rota_timer_stop(t), -EINVAL);
		assert_int_equal(far_stop(t), -EINVAL);
	}
	rota_timer_reset_at(&p->timer, TICK);
	*t = p->timer; /* a copy */
	assert_int_equal(rota_timer_reset_at(t, TICK), -EINVAL);
	assert_int_equal(rota_timer_stop(t), -EINVAL);
	assert_int_equal(rota_timer_release(&p->timer), 0);
	assert_int_equal(rota_timer_reset_at(&p->timer, TICK), -EINVAL);
	assert_int_equal(rota_timer_stop(&p->timer), -EINVAL);
	free(t);
}

static void
instants_out_of_range_saturate_on_both_ways(void **state)
{
	static const rota_time any[] = { INT64_MIN, -1, 0, 1, ROTA_NEVER - 1,
		ROTA_NEVER, ROTA_NEVER + 1, INT64_MAX };
	struct world *w = *state;
	struct probe *p = world_probes(w, 2);

	for (unsigned i = 0; i < CM_COUNT(any); i++) {
		rota_time want = any[i] < 0      ? 0
		    : any[i] > ROTA_NEVER - TICK ? ROTA_NEVER
						 : any[i];

		for (unsigned armed = 0; armed < 2; armed++) {
			if (!armed) {
				rota_timer_stop(&p[0].timer);
				far_stop(&p[1].timer);
			}
			assert_int_equal(
			    rota_timer_reset_at(&p[0].timer, any[i]), armed);
			assert_int_equal(
			    far_reset_at(&p[1].timer, any[i]), armed);
			assert_int_equal(
			    rota_timer_deadline(&p[0].timer), want);
			assert_int_equal(
			    rota_timer_deadline(&p[1].timer), want);
		}
	}
	world_poll(w, ROTA_NEVER);
	expect_nothing(w);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		EVERY_OWNED(
		    the_short_way_and_the_long_way_lead_to_the_same_place),
		EVERY_OWNED(what_is_no_timer_is_refused_by_both),
		EVERY_OWNED(instants_out_of_range_saturate_on_both_ways),
	};

	return cmocka_run_group_tests_name("inline", tests, NULL, NULL);
}
