/* SPDX-License-Identifier: MIT
 *
 * jemalloc_test.c - api/adapters/jemalloc.c: an arena for each shard.
 * Claims: what a shard allocates shows in its own arena and in no other; at
 * the engine's end all of it is back; a demand that cannot be met leaves no
 * arena behind.
 */
#include <rota/jemalloc.h>

#include <errno.h>

#include <jemalloc/jemalloc.h>

#include "tests/support/cm.h"

static uint64_t
allocated(struct rota_jemalloc *j, unsigned shard)
{
	struct rota_jemalloc_stats s;

	assert_int_equal(rota_jemalloc_stat(j, shard, &s), 0);
	assert_true(s.active >= s.allocated);
	assert_true(s.resident >= s.active);
	return s.allocated;
}

static void
a_shard_allocates_in_its_own_arena(void **state)
{
	struct rota_jemalloc *j;
	struct rota_engine *e;
	struct rota_config c = {
		.size = sizeof(c), .shards = 3, .clock = ROTA_CLOCK_VIRTUAL
	};
	uint64_t before[3];

	(void)state;
	assert_int_equal(rota_jemalloc_create(&j, 3), 0);
	c.allocator = rota_jemalloc_allocator(j);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(allocated(j, i), 0);
	assert_int_equal(rota_engine_create(&e, &c), 0);
	for (unsigned i = 0; i < 3; i++)
		before[i] = allocated(j, i);
	assert_int_equal(
	    rota_shard_reserve(rota_engine_shard(e, 1), 100000), 0);
	assert_true(allocated(j, 1) >= before[1] + 100000 * 16);
	assert_int_equal(allocated(j, 0), before[0]);
	assert_int_equal(allocated(j, 2), before[2]);
	assert_int_equal(rota_engine_destroy(e, ROTA_REFUSE), 0);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(allocated(j, i), 0);
	rota_jemalloc_destroy(j);
}

static void
what_cannot_be_is_refused(void **state)
{
	struct rota_jemalloc_stats s;
	struct rota_jemalloc *j;

	(void)state;
	assert_int_equal(rota_jemalloc_create(NULL, 1), -EINVAL);
	j = (void *)&s;
	assert_int_equal(rota_jemalloc_create(&j, 0), -EINVAL);
	assert_null(j);
	assert_int_equal(rota_jemalloc_create(&j, 2), 0);
	assert_int_equal(rota_jemalloc_stat(NULL, 0, &s), -EINVAL);
	assert_int_equal(rota_jemalloc_stat(j, 0, NULL), -EINVAL);
	assert_int_equal(rota_jemalloc_stat(j, 2, &s), -EINVAL);
	rota_jemalloc_destroy(j);
	rota_jemalloc_destroy(NULL);
}

static unsigned
arenas(void)
{
	unsigned n;
	size_t size = sizeof(n);

	assert_int_equal(mallctl("arenas.narenas", &n, &size, NULL, 0), 0);
	return n;
}

/* jemalloc has some four thousand arenas. */
static void
more_arenas_than_there_are_is_refused_and_none_stays(void **state)
{
	struct rota_jemalloc *j = (void *)state;
	unsigned before;

	assert_int_equal(rota_jemalloc_create(&j, 100000), -EAGAIN);
	assert_null(j);
	before = arenas(); /* those given back are used again */
	assert_int_equal(rota_jemalloc_create(&j, 50), 0);
	assert_int_equal(arenas(), before);
	rota_jemalloc_destroy(j);
}

static void
alignment_is_what_was_asked_for(void **state)
{
	struct rota_jemalloc *j;
	struct rota_allocator a;

	(void)state;
	assert_int_equal(rota_jemalloc_create(&j, 1), 0);
	a = rota_jemalloc_allocator(j);
	for (size_t align = 16; align <= 4096; align *= 2) {
		void *p = a.alloc(a.arg, 0, 100, align);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % align, 0);
		a.free(a.arg, 0, p, 100);
	}
	assert_int_equal(allocated(j, 0), 0);
	rota_jemalloc_destroy(j);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_shard_allocates_in_its_own_arena),
		cmocka_unit_test(what_cannot_be_is_refused),
		cmocka_unit_test(
		    more_arenas_than_there_are_is_refused_and_none_stays),
		cmocka_unit_test(alignment_is_what_was_asked_for),
	};

	return cmocka_run_group_tests_name("jemalloc", tests, NULL, NULL);
}
