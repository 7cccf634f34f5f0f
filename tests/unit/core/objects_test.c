/* SPDX-License-Identifier: MIT
 *
 * objects_test.c - core/objects.h, on a library built with it.
 * Claims: a timer that is armed or filed is not initialised again and fires
 * on; memory of a timer that was reused is never looked at as a timer, by no
 * way in which an entry comes up, and all other timers fire as they should;
 * nor is a kind whose memory went before its timers;
 * rota_debug_gone() tells each timer in a range and takes it out; a call on
 * what was released, was copied, never was a timer, or outlived its engine is
 * refused and told; an instant that is a date or is ahead of the clock, and a
 * span that counts ms, are told. Each line has the kind's site and the timer's.
 */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/world.h"

#ifndef ROTA_DEBUG_OBJECTS
#error "this test wants a debug library"
#endif

static void
heard(struct world *w, const char *const *words, int line)
{
	if (w->logs != 1)
		fail_msg("line %d: %u lines in the log, the latest: %s", line,
		    (unsigned)w->logs, w->log);
	for (; *words; words++)
		if (!strstr(w->log, *words))
			fail_msg(
			    "line %d: no \"%s\" in: %s", line, *words, w->log);
	w->logs = 0;
}

/* One line came, which has all these words. */
#define HEARD(w, ...) \
	heard((w), (const char *const[]){ __VA_ARGS__, NULL }, __LINE__)
/* @n did, the latest with these words. */
#define HEARD_MANY(w, n, word)                             \
	do {                                               \
		assert_int_equal((w)->logs, (n));          \
		assert_non_null(strstr((w)->log, (word))); \
		(w)->logs = 0;                             \
	} while (0)
#define SILENCE(w)                                                   \
	do {                                                         \
		if ((w)->logs)                                       \
			fail_msg("line %d: %s", __LINE__, (w)->log); \
	} while (0)
/* @call answers @r and says so once, in these words. */
#define SAYS(w, call, r, ...)                  \
	do {                                   \
		assert_int_equal((call), (r)); \
		HEARD((w), __VA_ARGS__);       \
		assert_int_equal((call), (r)); \
		SILENCE(w);                    \
	} while (0)
/* Where probes are made. */
#define SITES "kind probe (", "world.c:", "initialised at ", "world.c:"

static uint64_t
entries(struct world *w)
{
	rota_shard_next(w->shard);
	rota_shard_check(w->shard);
	return world_stat(w).entries;
}

static void
an_armed_timer_is_not_initialised_again(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 2);

	rota_timer_reset_at(&p[0].timer, 4 * TICK);
	rota_timer_reset_at(&p[1].timer, 5 * TICK);
	SAYS(w, rota_timer_init(&p[0].timer, &w->kind), -EBUSY,
	    "rota_timer_init()", SITES, "it is armed");
	world_poll(w, TICK); /* filed by now */
	assert_int_equal(rota_timer_init(&p[0].timer, &w->kind), -EBUSY);
	for (unsigned i = 0; i < 2; i++) {
		world_poll(w, (rota_time)(i + 4) * TICK);
		expect_fired(w, i);
	}
	assert_int_equal(rota_shard_check(w->shard), 0);
	assert_int_equal(rota_timer_release(&p[0].timer), 0);
	assert_int_equal(rota_timer_init(&p[0].timer, &w->kind), 0);
	SILENCE(w);
}

static void
a_stopped_timer_that_is_still_filed_is_not_initialised_again(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);

	rota_timer_reset_at(&p->timer, 4 * TICK);
	world_poll(w, TICK);
	assert_int_equal(rota_timer_stop(&p->timer), ROTA_PREVENTED);
	SAYS(w, rota_timer_init(&p->timer, &w->kind), -EBUSY,
	    "rota_timer_init()", SITES, "has an entry of it still");
	world_poll(w, 9 * TICK);
	expect_nothing(w);
	assert_int_equal(rota_shard_check(w->shard), 0);
}

static void
an_idle_timer_that_was_not_released_is_told_at_its_next_init(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);

	rota_timer_reset_at(&p->timer, TICK);
	world_poll(w, 2 * TICK);
	expect_fired(w, 0);
	SAYS(w, rota_timer_init(&p->timer, &w->kind), 0, "rota_timer_init()",
	    SITES, "counts twice");
	rota_timer_reset_at(&p->timer, 3 * TICK);
	world_poll(w, 4 * TICK);
	expect_fired(w, 0);
}

/* Near, far and further, on every level of a wheel. */
static const rota_time far_and_near[] = { 3 * TICK, 40 * TICK, 300 * TICK,
	70000 * TICK, (1 << 25) * TICK };

static void
memory_that_was_reused_is_not_looked_at(void **state)
{
	struct world *w = *state;
	const unsigned n = CM_COUNT(far_and_near);
	struct probe *p = world_probes(w, 2 * n), zero[2];

	for (unsigned i = 0; i < n; i++) {
		rota_timer_reset_at(&p[i].timer, far_and_near[i]);
		rota_timer_reset_at(&p[n + i].timer, far_and_near[i]);
	}
	world_poll(w, TICK);
	for (unsigned i = 0; i < n; i++)
		memset(&p[n + i], i % 2 ? 0 : 0xa5, sizeof(*p));
	memcpy(zero, &p[2 * n - 2], sizeof(zero));
	for (unsigned i = 0; i < n; i++) {
		world_poll(w, far_and_near[i] - 1);
		expect_nothing(w);
		world_poll(w, far_and_near[i]);
		expect_fired(w, i);
	}
	HEARD(w, "rota_shard_poll()", SITES, "its memory was reused");
	assert_int_equal(entries(w), 0);
	assert_memory_equal(zero, &p[2 * n - 2], sizeof(zero));
	/* and can be timers again */
	probe_init(w, &p[n], 77);
	rota_timer_reset_at(&p[n].timer, far_and_near[n - 1] + TICK);
	world_poll(w, far_and_near[n - 1] + TICK);
	expect_fired(w, 77);
}

/* What glibc's free() leaves at the start of memory: the link of a list,
 * mangled or not, and a key; of a small block just the link. Each for a kind of
 * its own, so that each is told. */
static void
what_free_writes_makes_a_timer_none(void **state)
{
	static const uint64_t left[][2] = { { 0, 0 },
		{ UINT64_C(0x555555559), UINT64_C(0xd3c1a94be17d2f05) },
		{ UINT64_C(0x55500000c2a0), UINT64_C(0x555555559010) },
		{ UINT64_C(0x7ffff7f9dbe0), UINT64_C(0x7ffff7f9dbe0) },
		{ UINT64_C(0x7fffffffffffffff), UINT64_MAX } };
	enum { LEFT = CM_COUNT(left), WAYS = 4 * LEFT };
	static struct rota_kind kind[WAYS];
	struct world *w = *state;
	const unsigned n = CM_COUNT(far_and_near);
	struct probe *p = world_probes(w, n);
	struct rota_timer *t = calloc(WAYS * n, sizeof(*t));
	rota_time begin = 0;

	for (unsigned way = 0; way < WAYS; way++)
		assert_int_equal(
		    rota_kind_init(&kind[way], w->shard,
			&(struct rota_kind_config){ .fire = probe_fire,
			    .name = "free",
			    .flags = w->row->kind }),
		    0);
	for (unsigned way = 0; way < WAYS; way++, t += n) {
		for (unsigned i = 0; i < n; i++) {
			rota_time at = begin + far_and_near[i];

			assert_int_equal(rota_timer_init(&t[i], &kind[way]), 0);
			rota_timer_reset_at(&t[i], at);
			rota_timer_reset_at(&p[i].timer, at);
		}
		if (way & 1) /* else they are not filed */
			world_poll(w, begin + TICK);
		for (unsigned i = 0; i < n; i++)
			memcpy(&t[i], left[way / 4], way & 2 ? 8 : 16);
		for (unsigned i = 0; i < n; i++) {
			world_poll(w, begin + far_and_near[i]);
			expect_fired(w, i);
		}
		HEARD(w, "rota_shard_poll()", "kind free (",
		    "objects_test.c:", "its memory was reused");
		assert_int_equal(entries(w), 0);
		for (unsigned i = 0; i < n; i++)
			assert_memory_equal(
			    &t[i], left[way / 4], way & 2 ? 8 : 16);
		begin += far_and_near[n - 1];
	}
	free(t - WAYS * n);
}

static void
memory_reused_before_it_was_filed_is_not_looked_at(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 6);

	for (unsigned i = 0; i < 6; i++)
		rota_timer_reset_at(&p[i].timer, (rota_time)(i + 2) * TICK);
	memset(&p[1], 0xa5, sizeof(*p));
	memset(&p[4], 0, sizeof(*p));
	for (unsigned i = 0; i < 6; i++) {
		world_poll(w, (rota_time)(i + 2) * TICK);
		if (i == 1 || i == 4)
			expect_nothing(w);
		else
			expect_fired(w, i);
	}
	HEARD(w, SITES, "its memory was reused");
}

static void
memory_reused_in_the_inbox_is_not_looked_at(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 3);

	rota_timer_reset_at(&p[0].timer, TICK);
	elsewhere_reset_at(&p[1].timer, TICK);
	elsewhere_reset_at(&p[2].timer, TICK);
	memset(&p[2], 0xa5, sizeof(*p)); /* the first that is taken */
	world_poll(w, 2 * TICK);
	expect_fired(w, 0);
	HEARD(w, SITES, "came after it to be filed are lost");
	assert_int_equal(rota_shard_check(w->shard), 0);
}

/* Many, of which every fourth is overwritten while others come and go: their
 * entries are swapped, swept and poured beside those. */
static void
others_go_on_beside_memory_that_was_reused(void **state)
{
	enum { MANY = 2000, STEPS = 400 };
	struct world *w = *state;
	struct probe *p = world_probes(w, MANY);
	uint64_t x = 88172645463325252u;
	rota_time now = 0, due[MANY];
	unsigned fires[MANY] = { 0 };

	for (unsigned i = 0; i < MANY; i++) {
		due[i] = (rota_time)(1 + random_next(&x) % STEPS) * TICK;
		rota_timer_reset_at(&p[i].timer, due[i]);
	}
	world_poll(w, 0);
	for (unsigned i = 0; i < MANY; i += 4)
		memset(&p[i], (int)random_next(&x), sizeof(*p));
	for (unsigned step = 0; step < STEPS; step++) {
		for (unsigned k = 0; k < 8; k++) {
			unsigned i = (unsigned)(random_next(&x) % MANY);

			if (i % 4 == 0 || due[i] <= now)
				continue;
			switch (random_next(&x) % 4) {
			case 0:
				rota_timer_stop(&p[i].timer);
				due[i] = 0;
				break;
			case 1: /* maybe earlier */
				due[i] = now + TICK;
				rota_timer_reset_at(&p[i].timer, due[i]);
				break;
			case 2:
				due[i] += 2 * TICK;
				rota_timer_reset_at(&p[i].timer, due[i]);
				break;
			default:
				assert_int_equal(
				    rota_timer_release(&p[i].timer), 0);
				probe_init(w, &p[i], i);
				rota_timer_reset_at(&p[i].timer, due[i]);
				break;
			}
		}
		now += TICK;
		while (rota_shard_poll(w->shard, now, 7))
			;
		for (size_t f = 0; f < w->fired; f++) {
			assert_int_equal(due[w->order[f]], now);
			fires[w->order[f]]++;
		}
		w->fired = 0;
	}
	now += 9 * TICK;
	world_poll(w, now);
	for (unsigned i = 0; i < MANY; i++)
		if (i % 4 == 0)
			assert_int_equal(fires[i], 0);
		else if (due[i] && due[i] <= STEPS * TICK)
			assert_int_equal(fires[i], 1);
	HEARD(w, SITES, "its memory was reused");
	assert_int_equal(entries(w), 0);
	assert_int_equal(rota_shard_check(w->shard), 0);
}

/* Memory of a kind that was cleared, used anew, or given to free(). */
enum { CLEARED, USED, FREED, GOINGS };

static void
kind_goes(struct rota_kind *k, unsigned how)
{
	static const uint64_t left[2] = { UINT64_C(0x555555559),
		UINT64_C(0xd3c1a94be17d2f05) };

	if (how == FREED)
		memcpy(k, left, sizeof(left));
	else
		memset(k, how == USED ? 0xa5 : 0, sizeof(*k));
}

static void
kind_lost(struct world *w, struct rota_kind *k)
{
	assert_int_equal(rota_kind_init(k, w->shard,
			     &(struct rota_kind_config){ .fire = probe_fire,
				 .released = probe_released,
				 .name = "lost",
				 .flags = w->row->kind }),
	    0);
}

static void
timers_whose_kind_went_are_told_and_not_fired(void **state)
{
	enum { STAGED, FILED, PUSHED, WAYS = 3 * GOINGS };
	static struct rota_kind kind[WAYS];
	struct world *w = *state;
	const unsigned n = CM_COUNT(far_and_near);
	struct probe *p = world_probes(w, n);
	struct rota_timer *t = calloc(WAYS * n, sizeof(*t));
	rota_time begin = 0;

	for (unsigned way = 0; way < WAYS; way++)
		kind_lost(w, &kind[way]);
	for (unsigned way = 0; way < WAYS; way++, t += n) {
		unsigned where = way / GOINGS;

		for (unsigned i = 0; i < n; i++) {
			rota_time at = begin + far_and_near[i];

			assert_int_equal(rota_timer_init(&t[i], &kind[way]), 0);
			if (where == PUSHED && !w->row->kind) {
				elsewhere_reset_at(&t[i], at);
				elsewhere_reset_at(&p[i].timer, at);
				continue;
			}
			rota_timer_reset_at(&t[i], at);
			rota_timer_reset_at(&p[i].timer, at);
		}
		if (where == FILED)
			world_poll(w, begin + TICK);
		kind_goes(&kind[way], way % GOINGS);
		assert_true(rota_shard_armed(w->shard, ROTA_NEVER));
		for (unsigned i = 0; i < n; i++) {
			world_poll(w, begin + far_and_near[i]);
			expect_fired(w, i);
		}
		HEARD(w, "rota_shard_poll()", "kind lost (",
		    "objects_test.c:", "initialised at ",
		    "the memory of its kind went");
		assert_int_equal(entries(w), 0);
		assert_int_equal(rota_shard_check(w->shard), 0);
		begin += far_and_near[n - 1];
	}
	SILENCE(w);
	free(t - WAYS * n);
}

static void
a_call_on_a_timer_whose_kind_went_is_told(void **state)
{
	/* not on the stack, where the next test has others */
	static struct rota_timer t[GOINGS], more;
	static struct rota_kind kind[GOINGS];
	struct world *w = *state;

	for (unsigned how = 0; how < GOINGS; how++)
		kind_lost(w, &kind[how]);
	for (unsigned how = 0; how < GOINGS; how++) {
		struct rota_timer *one = &t[how];

		assert_int_equal(rota_timer_init(one, &kind[how]), 0);
		rota_timer_reset_at(one, 4 * TICK);
		world_poll(w, TICK);
		kind_goes(&kind[how], how);
		SAYS(w, rota_timer_stop(one), -EINVAL, "rota_timer_stop()",
		    "kind lost (", "objects_test.c:", "initialised at ",
		    "the memory of its kind went");
		assert_int_equal(rota_timer_reset_at(one, TICK), -EINVAL);
		assert_int_equal(rota_timer_reset(one, TICK), -EINVAL);
		assert_int_equal(rota_timer_stop_sync(one), -EINVAL);
		assert_int_equal(rota_timer_pending(one), -EINVAL);
		assert_int_equal(rota_timer_deadline(one), -EINVAL);
		assert_int_equal(rota_timer_move(one, &w->kind), -EINVAL);
		assert_int_equal(rota_timer_release(one), -EINVAL);
		assert_int_equal(
		    rota_timer_forward(one, 0, TICK, NULL), -EINVAL);
		SILENCE(w);
		assert_int_equal(rota_timer_init(&more, &kind[how]), -EINVAL);
		w->logs = 0; /* of another mistake */
		assert_int_equal(rota_timer_init(one, &w->kind), -EBUSY);
		w->logs = 0;
		assert_int_equal(rota_debug_gone(one, how ? 0 : 1), !how);
		w->logs = 0;
	}
	world_poll(w, 9 * TICK);
	expect_nothing(w);
	SILENCE(w);
	assert_int_equal(rota_timer_init(&t[0], &w->kind), 0);
	assert_int_equal(world_destroy(w, ROTA_DROP), 0);
	SILENCE(w);
}

/* The other kinds of the shard are made, released and handed on. */
static void
a_kind_whose_memory_went_is_in_no_list(void **state)
{
	static struct rota_kind kind[2 * GOINGS + 1], fresh[GOINGS];
	static struct rota_timer t[GOINGS];
	struct world *w = *state;
	struct rota_shard *heir = rota_engine_shard(w->engine, 1);
	struct probe *p = world_probes(w, 1);
	struct rota_kind was;

	for (unsigned i = 0; i < CM_COUNT(kind); i++)
		kind_lost(w, &kind[i]);
	for (unsigned how = 0; how < GOINGS; how++) {
		struct rota_kind *gone = &kind[2 * how + 1];

		assert_int_equal(rota_timer_init(&t[how], gone), 0);
		rota_timer_reset_at(&t[how], 4 * TICK);
		kind_goes(gone, how);
		was = *gone;
		kind_lost(w, &fresh[how]);
		assert_int_equal(rota_kind_release(gone - 1), 0);
		assert_int_equal(rota_kind_release(&fresh[how]), 0);
		assert_memory_equal(gone, &was, sizeof(was));
	}
	rota_timer_reset_at(&p->timer, 4 * TICK);
	assert_int_equal(rota_shard_retire(w->shard, heir), 0);
	HEARD_MANY(w, GOINGS, "the memory of its kind went");
	assert_int_equal(rota_shard_attach(heir), 0);
	assert_int_equal(rota_shard_poll(heir, 5 * TICK, 0), 0);
	expect_fired(w, 0);
	assert_int_equal(rota_kind_release(&kind[2 * GOINGS]), 0);
	SILENCE(w);
}

static void
a_retirement_leaves_what_was_reused_behind(void **state)
{
	struct world *w = *state;
	struct rota_shard *target = rota_engine_shard(w->engine, 1);
	struct probe *p = world_probes(w, 3);

	for (unsigned i = 0; i < 3; i++)
		rota_timer_reset_at(&p[i].timer, 2 * TICK);
	world_poll(w, TICK);
	memset(&p[1], 0xa5, sizeof(*p));
	assert_int_equal(rota_shard_retire(w->shard, target), 0);
	HEARD(w, SITES, "its memory was reused");
	assert_int_equal(rota_shard_attach(target), 0);
	assert_int_equal(rota_shard_poll(target, 3 * TICK, 0), 0);
	expect_fired(w, 0, 2);
}

static void
a_destroy_drops_what_was_reused(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 3);

	for (unsigned i = 0; i < 3; i++)
		rota_timer_reset_at(&p[i].timer, 2 * TICK);
	world_poll(w, TICK);
	memset(&p[1], 0xa5, sizeof(*p));
	assert_int_equal(world_destroy(w, ROTA_DROP), 2);
	HEARD(w, SITES, "its memory was reused");
}

static void
memory_told_gone_is_taken_out_at_once(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 6);

	for (unsigned i = 0; i < 5; i++) /* the last was never armed */
		rota_timer_reset_at(&p[i].timer, (rota_time)(i + 2) * TICK);
	world_poll(w, TICK);
	rota_timer_reset_at(&p[2].timer, 9 * TICK);
	elsewhere_reset_at(&p[3].timer, 2 * TICK);
	assert_int_equal(rota_debug_gone(&p[1], 0), 0);
	assert_int_equal(rota_debug_gone(NULL, 9), 0);
	assert_int_equal(
	    rota_debug_gone((char *)&p[1].timer + 1, sizeof(*p) - 1), 0);
	SILENCE(w);
	assert_int_equal(rota_debug_gone(&p[1], 1), 1);
	HEARD(w, "rota_debug_gone()", SITES, "it is armed and its memory goes");
	assert_int_equal(rota_debug_gone(&p[1], sizeof(*p)), 0);
	assert_int_equal(rota_debug_gone(&p[2], 2 * sizeof(*p)), 2);
	assert_int_equal(w->logs, 2);
	w->logs = 0;
	assert_int_equal(rota_debug_gone(&p[5], sizeof(*p)), 1);
	HEARD(w, "rota_debug_gone()", SITES, "it was not released and");
	memset(&p[1], 0xa5, 3 * sizeof(*p));
	assert_int_equal(entries(w), 2);
	world_poll(w, 20 * TICK);
	expect_fired(w, 0, 4);
	assert_int_equal(world_stat(w).live, 0);
	assert_int_equal(rota_debug_gone(p, 6 * sizeof(*p)), 2);
	w->logs = 0;
	assert_int_equal(world_stat(w).timers, 0);
	assert_int_equal(rota_kind_release(&w->kind), 0);
	SILENCE(w);
}

static void
gone(void *arg)
{
	assert_int_equal(rota_debug_gone(arg, 4096), 64);
}

/* Another thread cannot take it out. Its page goes: who read it would crash. */
static void
memory_told_gone_by_another_thread_is_not_looked_at(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 200);
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct rota_timer *t = (void *)page;

	assert_true(page != MAP_FAILED);
	for (unsigned i = 0; i < 200; i++) {
		rota_timer_reset_at(
		    &p[i].timer, (rota_time)(i % 64 + 2) * TICK);
		if (i >= 64)
			continue;
		assert_int_equal(rota_timer_init(&t[2 * i], &w->kind), 0);
		rota_timer_reset_at(&t[2 * i], (rota_time)(i % 64 + 2) * TICK);
	}
	world_poll(w, TICK);
	elsewhere(gone, page);
	assert_int_equal(w->logs, 64);
	w->logs = 0;
	assert_int_equal(world_stat(w).live, 200);
	assert_int_equal(mprotect(page, 4096, PROT_NONE), 0);
	/* beside them entries are moved and taken out */
	for (unsigned i = 0; i < 200; i += 3)
		assert_int_equal(rota_timer_release(&p[i].timer), 0);
	for (unsigned i = 1; i < 200; i += 3)
		rota_timer_reset_at(&p[i].timer, 3 * TICK);
	SAYS(w, rota_timer_init(t, &w->kind), -EBUSY, "rota_timer_init()",
	    "kind probe", "objects_test.c:", "has an entry of it still");
	world_poll(w, 70 * TICK);
	assert_int_equal(w->fired, 200 - 67);
	w->fired = 0;
	assert_int_equal(entries(w), 0);
	assert_int_equal(mprotect(page, 4096, PROT_READ | PROT_WRITE), 0);
	assert_int_equal(rota_timer_reset_at(t, TICK), -EINVAL);
	HEARD(w, "kind probe", "its memory went before it was released");
	assert_int_equal(rota_timer_init(t, &w->kind), 0);
	assert_int_equal(rota_timer_release(t), 0);
	munmap(page, 4096);
	SILENCE(w);
}

static void
a_call_on_what_was_released_is_told(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 2);

	assert_int_equal(rota_timer_release(&p[0].timer), 0);
	SAYS(w, rota_timer_release(&p[0].timer), -EINVAL,
	    "rota_timer_release()", SITES, "it was released");
	assert_int_equal(elsewhere_release(&p[1].timer), 1);
	world_poll(w, 0);
	assert_int_equal(rota_timer_reset_at(&p[1].timer, TICK), -EINVAL);
	assert_int_equal(rota_timer_reset(&p[1].timer, TICK), -EINVAL);
	assert_int_equal(rota_timer_stop(&p[1].timer), -EINVAL);
	assert_int_equal(rota_timer_stop_sync(&p[1].timer), -EINVAL);
	assert_int_equal(rota_timer_pending(&p[1].timer), -EINVAL);
	assert_int_equal(rota_timer_deadline(&p[1].timer), -EINVAL);
	SILENCE(w); /* one kind, one mistake */
}

static void
a_call_on_what_was_overwritten_is_told(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);

	memset(p, 0, sizeof(*p));
	SAYS(w, rota_timer_reset(&p->timer, TICK), -EINVAL,
	    "rota_timer_reset()", SITES, "overwritten");
}

static void
a_copy_is_told(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1), copy;

	rota_timer_reset_at(&p->timer, TICK);
	memcpy(&copy, p, sizeof(copy));
	SAYS(w, rota_timer_stop(&copy.timer), -EINVAL, "rota_timer_stop()",
	    SITES, "it is a copy of a timer");
}

static void
what_never_was_a_timer_is_told(void **state)
{
	struct world *w = *state;
	struct rota_timer t;
	struct rota_kind k;

	memset(&t, 0, sizeof(t));
	memset(&k, 0, sizeof(k));
	SAYS(w, rota_timer_reset_at(&t, TICK), -EINVAL, "rota_timer_reset_at()",
	    "is no timer: rota_timer_init() it");
	SAYS(w, rota_timer_init(&t, &k), -EINVAL, "rota_timer_init()",
	    "is no kind: rota_kind_init() it");
}

static void
a_call_after_the_end_of_its_engine_is_told(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 2);

	rota_timer_reset_at(&p[0].timer, TICK);
	assert_int_equal(world_destroy(w, ROTA_DROP), 1);
	SAYS(w, rota_timer_stop(&p[0].timer), -EINVAL, "rota_timer_stop()",
	    SITES, "its engine was destroyed",
	    "rota_timer_init() it for another");
	assert_int_equal(rota_timer_reset_at(&p[1].timer, TICK), -EINVAL);
	assert_int_equal(rota_timer_release(&p[1].timer), -EINVAL);
	SAYS(w, rota_timer_init(&p[1].timer, &w->kind), -EINVAL,
	    "rota_timer_init()", "kind probe (", "engine was destroyed");
}

/* A kind and a timer may be made anew for the next engine. */
static void
the_next_engine_takes_the_same_memory(void **state)
{
	struct world *w = *state;
	struct rota_config c = world_config(w);
	struct probe *p = world_probes(w, 1);

	for (unsigned i = 0; i < 3; i++) {
		rota_timer_reset_at(&p->timer, TICK);
		assert_int_equal(world_destroy(w, ROTA_DROP), 1);
		world_open(w, &c);
		probe_init(w, p, i);
		rota_timer_reset_at(&p->timer, TICK);
		world_poll(w, TICK);
		expect_fired(w, i);
	}
	SILENCE(w);
}

static void
both_sites_of_a_confined_timer_are_told(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);

	rota_timer_reset_at(&p->timer, TICK);
	SAYS(w, elsewhere_reset_at(&p->timer, 5 * TICK), -EPERM,
	    "rota_timer_reset()", SITES, "leave ROTA_CONFINED out");
	SAYS(w, elsewhere_stop(&p->timer), -EPERM, "rota_timer_stop()", SITES);
	SAYS(w, elsewhere_release(&p->timer), -EPERM, "rota_timer_release()",
	    SITES);
}

/* What was compiled without the switch has no lines: its address then. */
static void
an_init_without_a_line_has_its_caller(void **state)
{
	struct world *w = *state;
	struct rota_timer t;

	assert_int_equal((rota_timer_init)(&t, &w->kind), 0);
	assert_int_equal(rota_debug_gone(&t, sizeof(t)), 1);
	HEARD(w, "kind probe (", "initialised at 0x");
}

static void
an_instant_that_is_a_date_is_told(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);

	rota_timer_reset_at(&p->timer, ROTA_NEVER);
	rota_timer_reset_at(&p->timer, 9 * 365 * 24 * 3600 * ROTA_SECOND);
	SILENCE(w);
	/* 2026, by CLOCK_REALTIME */
	assert_int_equal(
	    rota_timer_reset_at(&p->timer, 1770000000 * ROTA_SECOND), 1);
	HEARD(w, "rota_timer_reset_at()", SITES, "ten years", "no date");
	rota_timer_reset_at(&p->timer, 1770000000 * ROTA_SECOND);
	SILENCE(w);
	rota_timer_stop(&p->timer);
	assert_int_equal(
	    rota_shard_poll(w->shard, 1770000000 * ROTA_SECOND, 0), 0);
	HEARD(w, "rota_shard_poll()", "shard 0", "ten years");
}

/* Of the library's own clocks: a caller's or a virtual one may be at anything
 * by then. */
static const struct world_row world_monotonic = { .backend = ROTA_HEAP,
	.timed = true,
	.clock = ROTA_CLOCK_MONOTONIC };
static const struct world_row world_boottime = { .backend = ROTA_WHEEL,
	.timed = true,
	.clock = ROTA_CLOCK_BOOTTIME };
static const struct world_row world_timed_adopt = { .backend = ROTA_WHEEL,
	.flags = ROTA_ADOPT,
	.timed = true,
	.clock = ROTA_CLOCK_MONOTONIC };

static void
a_poll_ahead_of_the_clock_is_told(void **state)
{
	struct world *w = *state;

	rota_shard_poll(w->shard, rota_engine_now(w->engine), 0);
	rota_shard_poll(w->shard, 0, 0);
	SILENCE(w);
	if (w->row->flags & ROTA_ADOPT) {
		rota_shard_adopt(
		    w->shard, rota_engine_now(w->engine) + ROTA_HOUR, 0);
		HEARD(w, "rota_shard_adopt()", "shard 0",
		    "ns after the engine's clock", "rota_engine_now()");
		return;
	}
	/* also one that finds nothing to do */
	rota_shard_poll(w->shard, rota_engine_now(w->engine) + ROTA_HOUR, 0);
	HEARD(w, "rota_shard_poll()", "shard 0", "ns after the engine's clock",
	    "rota_engine_now()");
	rota_shard_poll(
	    w->shard, rota_engine_now(w->engine) + 2 * ROTA_HOUR, 0);
	SILENCE(w); /* once */
}

static void
a_poll_ahead_of_a_clock_that_is_not_the_librarys_says_nothing(void **state)
{
	struct world *w = *state;

	rota_shard_poll(w->shard, rota_engine_now(w->engine) + ROTA_HOUR, 0);
	SILENCE(w);
}

static void
a_span_that_counts_milliseconds_is_told(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);

	rota_timer_reset(&p->timer, 0);
	rota_timer_reset(&p->timer, -1);
	rota_timer_reset(&p->timer, 1000);
	SILENCE(w);
	assert_int_equal(rota_timer_reset(&p->timer, 30), 1);
	HEARD(w, "rota_timer_reset()", SITES, "less than 1000 ns",
	    "30 * ROTA_MILLISECOND");
	rota_timer_reset(&p->timer, 30);
	SILENCE(w);
}

static void
the_dead_are_forgotten_in_time(void **state)
{
	enum { MANY = 20000 };
	struct world *w = *state;
	struct probe *p = world_probes(w, MANY);

	for (unsigned i = 0; i < MANY; i++)
		assert_int_equal(rota_timer_release(&p[i].timer), 0);
	assert_int_equal(rota_timer_stop(&p[MANY - 1].timer), -EINVAL);
	HEARD(w, SITES, "it was released");
	assert_int_equal(rota_timer_stop(&p[0].timer), -EINVAL);
	HEARD(w, "is no timer"); /* by now */
}

static volatile int over;

static void *
hammer(void *arg)
{
	while (!__atomic_load_n(&over, __ATOMIC_RELAXED))
		rota_timer_pending(arg);
	return NULL;
}

static void
a_fork_finds_the_table_free(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);
	pthread_t thread;
	int status;

	over = 0;
	assert_int_equal(pthread_create(&thread, NULL, hammer, &p->timer), 0);
	for (unsigned i = 0; i < 50; i++) {
		pid_t child = fork();

		if (!child) {
			signal(SIGALRM, SIG_DFL);
			alarm(10);
			_exit(rota_timer_pending(&p->timer));
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(status, 0);
	}
	__atomic_store_n(&over, 1, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
}

static const struct world_row two = { .backend = ROTA_HEAP, .shards = 2 };
#define world_two two

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		EVERY_OWNED(an_armed_timer_is_not_initialised_again),
		EVERY_OWNED(
		    a_stopped_timer_that_is_still_filed_is_not_initialised_again),
		EVERY_OWNED(
		    an_idle_timer_that_was_not_released_is_told_at_its_next_init),
		EVERY_OWNED(memory_that_was_reused_is_not_looked_at),
		EVERY_OWNED(what_free_writes_makes_a_timer_none),
		EVERY_OWNED(memory_reused_before_it_was_filed_is_not_looked_at),
		EVERY(memory_reused_in_the_inbox_is_not_looked_at),
		EVERY_OWNED(others_go_on_beside_memory_that_was_reused),
		EVERY_OWNED(timers_whose_kind_went_are_told_and_not_fired),
		EVERY_OWNED(a_call_on_a_timer_whose_kind_went_is_told),
		ON(a_kind_whose_memory_went_is_in_no_list, two),
		ON(a_retirement_leaves_what_was_reused_behind, two),
		EVERY_OWNED(a_destroy_drops_what_was_reused),
		EVERY(memory_told_gone_is_taken_out_at_once),
		EVERY(memory_told_gone_by_another_thread_is_not_looked_at),
		EVERY(a_call_on_what_was_released_is_told),
		EVERY_OWNED(a_call_on_what_was_overwritten_is_told),
		EVERY_OWNED(a_copy_is_told),
		ON(what_never_was_a_timer_is_told, heap),
		EVERY_OWNED(a_call_after_the_end_of_its_engine_is_told),
		EVERY_OWNED(the_next_engine_takes_the_same_memory),
		ON(both_sites_of_a_confined_timer_are_told, heap_confined),
		ON(an_init_without_a_line_has_its_caller, heap),
		EVERY_OWNED(an_instant_that_is_a_date_is_told),
		ON(a_poll_ahead_of_the_clock_is_told, monotonic),
		ON(a_poll_ahead_of_the_clock_is_told, boottime),
		ON(a_poll_ahead_of_the_clock_is_told, timed_adopt),
		EVERY_OWNED(
		    a_poll_ahead_of_a_clock_that_is_not_the_librarys_says_nothing),
		EVERY_OWNED(a_span_that_counts_milliseconds_is_told),
		ON(the_dead_are_forgotten_in_time, heap),
		ON(a_fork_finds_the_table_free, heap),
	};

	return cmocka_run_group_tests_name("objects", tests, NULL, NULL);
}
