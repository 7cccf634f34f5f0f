/* SPDX-License-Identifier: MIT
 *
 * misuse_test.c - what is not a timer, and who may not.
 * Claims: NULL, memory that never was a timer, a timer that was released and
 * a copy of one are answered with -EINVAL, and nothing is changed; a kind
 * says no to what it cannot be; a debug build finds the broken promise of a
 * confined kind.
 *
 * A call that crashes must fail its test and not the program: those run in
 * a child process.
 * Rows     G19
 */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/world.h"

/* Every call on @t answers -EINVAL? 0, or the number of the one that does
 * not. */
static int
refused_by_all(struct rota_timer *t)
{
	if (rota_timer_reset_at(t, TICK) != -EINVAL)
		return 1;
	if (rota_timer_reset(t, TICK) != -EINVAL)
		return 2;
	if (rota_timer_stop(t) != -EINVAL)
		return 3;
	if (rota_timer_stop_sync(t) != -EINVAL)
		return 4;
	if (rota_timer_release(t) != -EINVAL)
		return 5;
	if (rota_timer_pending(t) != -EINVAL)
		return 6;
	if (rota_timer_deadline(t) != -EINVAL)
		return 7;
	return 0;
}

/* The same in a child: its answer, or 128 and the signal that ended it. */
static int
refused_in_a_child(struct rota_timer *t)
{
	int status;
	pid_t child = fork();

	if (!child) {
		signal(SIGSEGV, SIG_DFL); /* cmocka's would go on testing */
		signal(SIGBUS, SIG_DFL);
		_exit(refused_by_all(t));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void
null_is_refused_by_every_call(void **state)
{
	struct world *w = *state;
	struct rota_kind k;
	struct rota_timer t;

	assert_int_equal(refused_by_all(NULL), 0);
	assert_int_equal(rota_timer_init(NULL, &w->kind), -EINVAL);
	assert_int_equal(rota_timer_init(&t, NULL), -EINVAL);
	assert_int_equal(
	    rota_kind_init(NULL, w->shard,
		&(struct rota_kind_config){ .fire = probe_fire, .name = "k" }),
	    -EINVAL);
	assert_int_equal(
	    rota_kind_init(&k, NULL,
		&(struct rota_kind_config){ .fire = probe_fire, .name = "k" }),
	    -EINVAL);
	assert_int_equal(rota_kind_init(&k, w->shard, NULL), -EINVAL);
	assert_int_equal(rota_kind_release(NULL), -EINVAL);
}

static void
a_slack_below_zero_is_refused(void **state)
{
	struct world *w = *state;
	struct rota_kind k;

	assert_int_equal(
	    rota_kind_init(&k, w->shard,
		&(struct rota_kind_config){ .fire = probe_fire, .slack = -1 }),
	    -EINVAL);
}

static void
a_callback_may_be_null_in_batch_mode_only(void **state)
{
	struct world *w = *state;
	struct rota_kind k;

	assert_int_equal(rota_kind_init(&k, w->shard,
			     &(struct rota_kind_config){ .name = "k" }),
	    -EINVAL);
	assert_int_equal(rota_kind_init(&k, w->shard,
			     &(struct rota_kind_config){
				 .name = "k", .flags = ROTA_CONFINED }),
	    -EINVAL);
	assert_int_equal(
	    rota_kind_init(&k, w->shard,
		&(struct rota_kind_config){
		    .fire = probe_fire, .name = "k", .flags = ROTA_BATCH }),
	    -EINVAL);
	assert_int_equal(
	    rota_kind_init(&k, w->shard,
		&(struct rota_kind_config){ .name = "k", .flags = ROTA_BATCH }),
	    0);
	assert_int_equal(rota_kind_release(&k), 0);
}

static void
unknown_flags_are_refused(void **state)
{
	struct world *w = *state;
	struct rota_kind k;

	for (unsigned bit = 2; bit < 32; bit++)
		assert_int_equal(
		    rota_kind_init(&k, w->shard,
			&(struct rota_kind_config){ .fire = probe_fire,
			    .name = "k",
			    .flags = 1u << bit }),
		    -EINVAL);
}

static void
a_kind_with_timers_stays(void **state)
{
	struct world *w = *state;
	struct rota_kind k, zero;
	struct rota_timer t;

	memset(&zero, 0, sizeof(zero));
	assert_int_equal(rota_kind_release(&zero), -EINVAL);
	assert_int_equal(rota_timer_init(&t, &zero), -EINVAL);
	assert_int_equal(
	    rota_kind_init(&k, w->shard,
		&(struct rota_kind_config){ .fire = probe_fire, .name = "k" }),
	    0);
	assert_int_equal(rota_timer_init(&t, &k), 0);
	assert_int_equal(rota_kind_release(&k), -EBUSY);
	assert_int_equal(rota_timer_release(&t), 0);
	assert_int_equal(rota_kind_release(&k), 0);
	assert_int_equal(rota_kind_release(&k), -EINVAL);
	assert_int_equal(rota_timer_init(&t, &k), -EINVAL);
}

/* All 120 orders of giving five back, some made again in between. */
static void
kinds_come_and_go_in_any_order(void **state)
{
	struct world *w = *state;
	struct rota_kind k[5];
	bool made[5] = { false };

	for (unsigned order = 0; order < 120; order++) {
		unsigned rest = order;

		for (unsigned i = 0; i < 5; i++) {
			if (made[i])
				continue;
			made[i] = true;
			assert_int_equal(
			    rota_kind_init(&k[i], w->shard,
				&(struct rota_kind_config){
				    .fire = probe_fire, .name = "k" }),
			    0);
		}
		/* every third time two stay, in the middle of the new ones */
		for (unsigned left = 5; left > (order % 3 ? 0 : 2); left--) {
			unsigned pick = rest % left, i = 0;

			rest /= left;
			while (!made[i] || pick-- > 0)
				i++;
			made[i] = false;
			assert_int_equal(rota_kind_release(&k[i]), 0);
		}
	}
	for (unsigned i = 0; i < 5; i++)
		if (made[i])
			assert_int_equal(rota_kind_release(&k[i]), 0);
	/* the list of kinds is whole: all of it moves to an heir */
	assert_int_equal(
	    rota_kind_init(&k[0], w->shard,
		&(struct rota_kind_config){ .fire = probe_fire, .name = "k" }),
	    0);
	assert_int_equal(rota_kind_release(&k[0]), 0);
	assert_int_equal(rota_kind_release(&w->kind), 0);
}

static void
memory_that_never_was_a_timer_is_refused(void **state)
{
	static const int fills[] = { 0x00, 0xff, 0xaa, 0x55, 0x01, 0x7f, 0x80 };
	struct world *w = *state;
	struct rota_timer *t = malloc(sizeof(*t)), before;
	struct rota_stats s = world_stat(w);

	for (unsigned i = 0; i < CM_COUNT(fills); i++) {
		memset(t, fills[i], sizeof(*t));
		before = *t;
		assert_int_equal(refused_in_a_child(t), 0);
		assert_int_equal(refused_by_all(t), 0);
		assert_memory_equal(t, &before, sizeof(before));
	}
	assert_int_equal(world_stat(w).timers, s.timers);
	free(t);
}

/* What tells a timer depends on its address: zeros must not do anywhere. */
static void
zeros_are_refused_at_every_address(void **state)
{
	const size_t bytes = 4 << 20;
	char *page = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_true(page != MAP_FAILED);
	for (size_t at = 0; at + sizeof(struct rota_timer) <= bytes; at += 8) {
		struct rota_timer *t = (void *)(page + at);

		if (rota_timer_pending(t) != -EINVAL ||
		    rota_timer_stop(t) != -EINVAL ||
		    rota_timer_reset_at(t, TICK) != -EINVAL)
			fail();
	}
	munmap(page, bytes);
}

/* Garbage is told from a timer by 16 bits: one in 65536 would pass for one,
 * and is left out here. */
static void
random_garbage_is_refused(void **state)
{
	struct world *w = *state;
	struct rota_timer *t = malloc(sizeof(*t));
	uint64_t x = 0x9e3779b97f4a7c15u, real;

	assert_int_equal(rota_timer_init(t, &w->kind), 0);
	real = t->r_kind;
	assert_int_equal(rota_timer_release(t), 0);
	for (int i = 0; i < 10000; i++) {
		uint64_t words[4];

		for (unsigned k = 0; k < 4; k++)
			words[k] = random_next(&x);
		if ((words[0] ^ real) >> 48 == 0) /* r_kind */
			continue;
		memcpy(t, words, sizeof(*t));
		assert_int_equal(refused_by_all(t), 0);
		assert_memory_equal(t, words, sizeof(*t));
	}
	free(t);
}

static void
a_released_timer_is_refused(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 2);

	rota_timer_reset_at(&p[0].timer, TICK);
	assert_int_equal(rota_timer_release(&p[0].timer), 0);
	assert_int_equal(refused_by_all(&p[0].timer), 0);
	assert_int_equal(elsewhere_release(&p[1].timer), 1);
	world_poll(w, 0);
	assert_int_equal(w->freed, 1);
	assert_int_equal(refused_by_all(&p[1].timer), 0);
	/* and can be a timer again */
	probe_init(w, &p[0], 0);
	rota_timer_reset_at(&p[0].timer, TICK);
	world_poll(w, 2 * TICK);
	expect_fired(w, 0);
}

/* To the heap, to the stack, to static memory, to pages of its own, near and
 * far. */
static void
a_copy_of_a_timer_is_refused(void **state)
{
	static struct rota_timer fixed[4];
	struct world *w = *state;
	struct rota_timer here[64], *heap = calloc(64, sizeof(*heap));
	struct rota_timer *page = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct rota_timer *const source[] = { here, heap, fixed, page };
	struct rota_timer *const to[] = { here + 1, here + 63, heap + 1,
		heap + 63, fixed + 1, fixed + 3, page + 1, page + 128,
		page + (1 << 15) - 1 };

	assert_true(page != MAP_FAILED);
	for (unsigned i = 0; i < CM_COUNT(source); i++) {
		struct rota_timer *t = source[i];

		assert_int_equal(rota_timer_init(t, &w->kind), 0);
		rota_timer_reset_at(t, 5 * TICK);
		for (unsigned k = 0; k < CM_COUNT(to); k++) {
			memcpy(to[k], t, sizeof(*t));
			assert_int_equal(refused_in_a_child(to[k]), 0);
		}
		assert_int_equal(rota_timer_release(t), 0);
	}
	munmap(page, 1 << 20);
	free(heap);
}

static void
a_shard_that_is_null_is_refused(void **state)
{
	struct rota_timer *out[1];
	struct rota_stats s;
	rota_handle h;

	(void)state;
	assert_int_equal(rota_shard_attach(NULL), -EINVAL);
	assert_int_equal(rota_shard_detach(NULL), -EINVAL);
	assert_int_equal(rota_shard_poll(NULL, 0, 0), -EINVAL);
	assert_int_equal(rota_shard_poll_batch(NULL, 0, 0, out, 1), -EINVAL);
	assert_int_equal(rota_shard_next(NULL), -EINVAL);
	assert_int_equal(rota_shard_now(NULL), -EINVAL);
	assert_int_equal(rota_shard_park(NULL), -EINVAL);
	assert_int_equal(rota_shard_wait(NULL, 0), -EINVAL);
	assert_int_equal(rota_shard_fd(NULL), -EINVAL);
	assert_int_equal(rota_shard_wake(NULL), -EINVAL);
	assert_int_equal(rota_shard_adopt(NULL, 0, 0), -EINVAL);
	assert_int_equal(rota_shard_overdue(NULL, 0), -EINVAL);
	assert_int_equal(rota_shard_retire(NULL, NULL), -EINVAL);
	assert_int_equal(rota_shard_reserve(NULL, 1), -EINVAL);
	assert_int_equal(rota_shard_stat(NULL, &s), -EINVAL);
	assert_int_equal(rota_shard_check(NULL), -EINVAL);
	assert_int_equal(
	    rota_shard_after_func(NULL, 0, free, NULL, &h), -EINVAL);
}

static void
an_engine_that_is_null_is_refused(void **state)
{
	struct rota_config c = { .size = sizeof(c) };
	struct rota_engine *e;
	struct rota_stats s;

	(void)state;
	assert_int_equal(rota_engine_create(NULL, &c), -EINVAL);
	assert_int_equal(rota_engine_create(&e, NULL), -EINVAL);
	assert_int_equal(rota_engine_destroy(NULL, ROTA_DROP), -EINVAL);
	assert_int_equal(rota_engine_now(NULL), -EINVAL);
	assert_int_equal(rota_engine_advance(NULL, 1), -EINVAL);
	assert_null(rota_engine_shard(NULL, 0));
	assert_int_equal(rota_engine_shards(NULL), 0);
	assert_int_equal(rota_engine_forked(NULL), -EINVAL);
	assert_int_equal(rota_engine_stat(NULL, &s), -EINVAL);
	assert_int_equal(rota_after_func(NULL, 0, free, NULL, NULL), -EINVAL);
	assert_int_equal(rota_handle_stop(NULL, 1), -EINVAL);
	assert_int_equal(rota_handle_reset_at(NULL, 1, 0), -EINVAL);
	assert_int_equal(rota_handle_pending(NULL, 1), -EINVAL);
}

static void
an_answer_that_has_no_place_is_refused(void **state)
{
	struct world *w = *state;
	struct rota_timer *out[1];

	assert_int_equal(rota_shard_stat(w->shard, NULL), -EINVAL);
	assert_int_equal(rota_engine_stat(w->engine, NULL), -EINVAL);
	assert_int_equal(
	    rota_shard_poll_batch(w->shard, 0, 0, NULL, 1), -EINVAL);
	assert_int_equal(
	    rota_shard_poll_batch(w->shard, 0, 0, out, 0), -EINVAL);
	assert_int_equal(
	    rota_after_func(w->engine, 0, NULL, NULL, NULL), -EINVAL);
	assert_int_equal(
	    rota_shard_after_func(w->shard, 0, NULL, NULL, NULL), -EINVAL);
}

static void
no_call_touches_errno(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);

	errno = 4711;
	refused_by_all(NULL);
	rota_timer_reset_at(&p->timer, TICK);
	rota_timer_reset(&p->timer, TICK);
	rota_timer_stop(&p->timer);
	rota_shard_fd(w->shard);
	rota_shard_wake(w->shard);
	rota_shard_park(w->shard);
	rota_shard_poll(w->shard, 2 * TICK, 0);
	rota_shard_poll(w->shard, 2 * TICK, 0); /* an empty descriptor */
	rota_timer_release(&p->timer);
	assert_int_equal(errno, 4711);
	probe_init(w, p, 0);
}

static void
the_promise_of_a_confined_kind_is_checked_in_a_debug_build(void **state)
{
#ifdef ROTA_DEBUG_OBJECTS
	struct world *w = *state;
	struct rota_kind k;
	struct probe p = { .world = w };

	assert_int_equal(rota_kind_init(&k, w->shard,
			     &(struct rota_kind_config){ .fire = probe_fire,
				 .name = "mine",
				 .flags = ROTA_CONFINED }),
	    0);
	k.released = probe_released;
	assert_int_equal(rota_timer_init(&p.timer, &k), 0);
	assert_int_equal(rota_timer_reset_at(&p.timer, TICK), 0);
	assert_int_equal(w->logs, 0);
	assert_int_equal(elsewhere_reset_at(&p.timer, 5 * TICK), -EPERM);
	assert_int_equal(w->logs, 1);
	assert_non_null(strstr(w->log, "mine"));
	assert_non_null(strstr(w->log, "misuse_test.c:"));
	assert_int_equal(elsewhere_stop(&p.timer), -EPERM);
	assert_int_equal(elsewhere_release(&p.timer), -EPERM);
	assert_int_equal(w->logs, 3);
	world_poll(w, TICK); /* nothing was changed */
	expect_fired(w, 0);
	assert_int_equal(rota_timer_release(&p.timer), 0);
#else
	(void)state;
	CM_SKIP("not a debug build: ROTA_DEBUG_OBJECTS");
#endif
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		ON(null_is_refused_by_every_call, heap),
		ON(a_callback_may_be_null_in_batch_mode_only, heap),
		ON(a_slack_below_zero_is_refused, heap),
		ON(unknown_flags_are_refused, heap),
		ON(a_kind_with_timers_stays, heap),
		ON(kinds_come_and_go_in_any_order, heap),
		ON(memory_that_never_was_a_timer_is_refused, heap),
		ON(zeros_are_refused_at_every_address, heap),
		ON(random_garbage_is_refused, heap),
		EVERY(a_released_timer_is_refused),
		ON(a_copy_of_a_timer_is_refused, heap),
		ON(a_shard_that_is_null_is_refused, heap),
		ON(an_engine_that_is_null_is_refused, heap),
		ON(an_answer_that_has_no_place_is_refused, heap),
		EVERY(no_call_touches_errno),
		ON(the_promise_of_a_confined_kind_is_checked_in_a_debug_build,
		    heap),
	};

	return cmocka_run_group_tests_name("misuse", tests, NULL, NULL);
}
