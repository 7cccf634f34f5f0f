/* SPDX-License-Identifier: MIT
 *
 * turn_test.c - tools/turn.c: a measurement in a process of its own.
 * Claims: its answer and result come back, and nothing else does; one that
 * crashes or is given up leaves the result as it was, and no process behind.
 */
#include "tools/turn.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/cm.h"

struct answer {
	int value;
	const char *word;
};

static int global;

static int
answers(const void *config, void *result)
{
	struct answer *a = result;

	assert_int_equal(a->value, 0); /* it begins as zero */
	global = 7;
	a->value = *(const int *)config + 1;
	a->word = "there before";
	return 0;
}

static int
fails(const void *config, void *result)
{
	((struct answer *)result)->value = *(const int *)config;
	return -ENOMEM;
}

static int
crashes(const void *config, void *result)
{
	(void)config;
	((struct answer *)result)->value = 5;
	raise(SIGKILL);
	return 0;
}

static int
never_ends(const void *config, void *result)
{
	(void)config;
	(void)result;
	pause();
	return 0;
}

static unsigned ticks;

static bool
give_up_at_the_third(void)
{
	return ++ticks < 3;
}

static void
no_child_is_left(void)
{
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void
an_answer_comes_back_and_nothing_else(void **state)
{
	struct answer a = { .value = -1 };
	int config = 41;

	(void)state;
	assert_int_equal(turn_run(answers, &config, &a, sizeof a, NULL), 0);
	assert_int_equal(a.value, 42);
	assert_string_equal(a.word, "there before");
	assert_int_equal(global, 0);
	no_child_is_left();
}

static void
one_that_fails_leaves_the_result_as_it_was(void **state)
{
	struct answer a = { .value = -1 };
	int config = 3;

	(void)state;
	assert_int_equal(turn_run(fails, &config, &a, sizeof a, NULL), -ENOMEM);
	assert_int_equal(a.value, -1);
	assert_int_equal(
	    turn_run(crashes, &config, &a, sizeof a, NULL), -ECHILD);
	assert_int_equal(a.value, -1);
	no_child_is_left();
}

static void
one_that_is_given_up_is_ended(void **state)
{
	struct answer a = { .value = -1 };

	(void)state;
	ticks = 0;
	assert_int_equal(
	    turn_run(never_ends, NULL, &a, sizeof a, give_up_at_the_third),
	    -EINTR);
	assert_int_equal(ticks, 3);
	assert_int_equal(a.value, -1);
	no_child_is_left();
}

/* A sanitizer has memory of its own for what is touched: so many times as much
 * is resident, at most. */
#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__) || \
    __has_feature(memory_sanitizer)
enum { TIMES = 8 };
#else
enum { TIMES = 2 };
#endif

static void
memory_that_is_touched_is_resident(void **state)
{
	const size_t size = 32u << 20;
	uint64_t before = turn_resident();
	char *p = malloc(size);

	(void)state;
	assert_non_null(p);
	memset(p, 1, size);
	assert_in_range(turn_resident() - before, size * 9 / 10, size * TIMES);
	free(p);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_comes_back_and_nothing_else),
		cmocka_unit_test(one_that_fails_leaves_the_result_as_it_was),
		cmocka_unit_test(one_that_is_given_up_is_ended),
		cmocka_unit_test(memory_that_is_touched_is_resident),
	};

	return cmocka_run_group_tests_name("turn", tests, NULL, NULL);
}
