/* SPDX-License-Identifier: MIT
 *
 * lock_test.c - core/sys/lock.h: the order of the mutexes is checked.
 * Claims: in a debug build what is in order passes, given back in any order;
 * what is not ends the process, whichever rule it breaks.
 */
#define _POSIX_C_SOURCE 200809L
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/sys/lock.h"
#include "tests/support/cm.h"

#ifndef NDEBUG
static pthread_mutex_t m[4] = { PTHREAD_MUTEX_INITIALIZER,
	PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER,
	PTHREAD_MUTEX_INITIALIZER };
static pthread_cond_t c = PTHREAD_COND_INITIALIZER;

/* Does @fn abort? In a process of its own. */
static bool
aborts(void (*fn)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		close(STDERR_FILENO);
		signal(SIGABRT, SIG_DFL);
		alarm(10); /* it must not sleep either */
		fn();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status))
		assert_int_equal(WTERMSIG(status), SIGABRT);
	else
		assert_int_equal(status, 0);
	return WIFSIGNALED(status);
}

static void
in_order(void)
{
	lock_take(&m[0], LOCK_LAYER);
	lock_take(&m[1], LOCK_CONTEXT);
	lock_take(&m[2], LOCK_CONTEXT);
	lock_take(&m[3], LOCK_WAITER);
	lock_give(&m[1]);
	lock_give(&m[3]);
	lock_give(&m[0]);
	lock_give(&m[2]);
	lock_take(&m[0], LOCK_RETIRING);
	lock_take(&m[1], LOCK_SHARD);
	lock_take(&m[2], LOCK_SHARD);
	lock_give(&m[2]);
	lock_give(&m[1]);
	lock_give(&m[0]);
	lock_take(&m[0], LOCK_LAYER);
	lock_give(&m[0]);
}

static void
upwards(void)
{
	lock_take(&m[0], LOCK_WAITER);
	lock_take(&m[1], LOCK_SOURCE);
}

static void
two_sources(void)
{
	lock_take(&m[0], LOCK_SOURCE);
	lock_take(&m[1], LOCK_SOURCE);
}

static void
two_shards(void)
{
	lock_take(&m[0], LOCK_ENGINE);
	lock_take(&m[1], LOCK_SHARD);
	lock_take(&m[2], LOCK_SHARD);
}

static void
upwards_again(void)
{
	lock_take(&m[0], LOCK_SOURCE);
	lock_take(&m[1], LOCK_WAITER);
	lock_give(&m[0]);
	lock_take(&m[0], LOCK_SOURCE);
}

static void
twice(void)
{
	lock_take(&m[0], LOCK_CONTEXT);
	lock_take(&m[0], LOCK_CONTEXT);
}

static void
not_held(void)
{
	lock_take(&m[0], LOCK_SOURCE);
	lock_give(&m[1]);
}

static void
asleep_with_another(void)
{
	lock_take(&m[0], LOCK_SOURCE);
	lock_take(&m[1], LOCK_WAITER);
	lock_wait(&c, &m[1]);
}

static void
asleep_without(void)
{
	lock_wait(&c, &m[0]);
}

static void
too_many(void)
{
	static pthread_mutex_t many[65];

	for (unsigned i = 0; i < CM_COUNT(many); i++) {
		pthread_mutex_init(&many[i], NULL);
		lock_take(&many[i], LOCK_CONTEXT);
	}
}
#endif

static void
what_is_not_in_order_ends_the_process(void **state)
{
	(void)state;
#ifndef NDEBUG
	assert_false(aborts(in_order));
	assert_true(aborts(upwards));
	assert_true(aborts(two_sources));
	assert_true(aborts(two_shards));
	assert_true(aborts(upwards_again));
	assert_true(aborts(twice));
	assert_true(aborts(not_held));
	assert_true(aborts(asleep_with_another));
	assert_true(aborts(asleep_without));
	assert_true(aborts(too_many));
#else
	CM_SKIP("not a debug build: NDEBUG");
#endif
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_in_order_ends_the_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
