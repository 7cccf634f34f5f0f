/* SPDX-License-Identifier: MIT
 *
 * unload_test.c - librota.so, loaded, used and unloaded while the threads that
 * used it go on.
 * Claims: its thread-locals find room; a thread that attached may end after
 * the code has gone, and the next loading begins anew.
 *
 * usage: unload_test librota.so
 */
#define _GNU_SOURCE /* RTLD_NOLOAD */
#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

#include <rota/rota.h>

#include "tests/support/cm.h"

/* A thread that outlives the code leaves a few bytes: no leaks are looked for
 * where a sanitizer asks this. */
int __lsan_is_turned_off(void);

int
__lsan_is_turned_off(void)
{
	return 1;
}

static const char *path;
static pthread_barrier_t used, gone;

/* What the program asks of it, by name. */
static struct {
	int (*create)(struct rota_engine **e, const struct rota_config *c);
	int (*destroy)(struct rota_engine *e, enum rota_destroy how);
	struct rota_shard *(*shard)(struct rota_engine *e, unsigned i);
	int (*attach)(struct rota_shard *s);
	int (*poll)(struct rota_shard *s, rota_time now, unsigned budget);
} rota;

static void *
load(void)
{
	void *lib = dlopen(path, RTLD_NOW | RTLD_LOCAL);

	assert_non_null(lib);
#define FIND(name, symbol)                                                   \
	do {                                                                 \
		void *at = dlsym(lib, symbol);                               \
		assert_non_null(at);                                         \
		memcpy(&rota.name, &at, sizeof(at)); /* a pointer to code */ \
	} while (0)
	FIND(create, "rota_engine_create");
	FIND(destroy, "rota_engine_destroy");
	FIND(shard, "rota_engine_shard");
	FIND(attach, "rota_shard_attach");
	FIND(poll, "rota_shard_poll");
	return lib;
}

static void *
use(void *arg)
{
	int r = rota.attach(arg);

	if (!r)
		r = rota.poll(arg, 0, 0);
	pthread_barrier_wait(&used);
	pthread_barrier_wait(&gone);
	return (void *)(intptr_t)r;
}

static void
a_thread_may_end_after_the_code_has_gone(void **state)
{
	struct rota_config c = { .size = sizeof(c),
		.shards = 1,
		.max_timers = 1000,
		.clock = ROTA_CLOCK_VIRTUAL };

	(void)state;
	pthread_barrier_init(&used, NULL, 2);
	pthread_barrier_init(&gone, NULL, 2);
	for (unsigned i = 0; i < 5; i++) {
		void *lib = load(), *r;
		struct rota_engine *e;
		pthread_t t;

		assert_int_equal(rota.create(&e, &c), 0);
		assert_int_equal(
		    pthread_create(&t, NULL, use, rota.shard(e, 0)), 0);
		pthread_barrier_wait(&used);
		assert_int_equal(rota.destroy(e, ROTA_REFUSE), 0);
		assert_int_equal(dlclose(lib), 0);
		assert_null(dlopen(path, RTLD_NOW | RTLD_NOLOAD));
		pthread_barrier_wait(&gone);
		pthread_join(t, &r);
		assert_null(r);
	}
}

int
main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_thread_may_end_after_the_code_has_gone),
	};

	if (argc != 2)
		return 2;
	path = argv[1];
	return cmocka_run_group_tests_name("unload", tests, NULL, NULL);
}
