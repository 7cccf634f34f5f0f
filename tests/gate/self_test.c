/* SPDX-License-Identifier: MIT
 *
 * self_test.c - the gates themselves.
 */
#include "tests/gate/acts.h"

static void
counts(void *arg)
{
	rota_word *word = arg;

	for (unsigned n = 0; n < 4; n++) {
		(void)word_load(word, relaxed);
		word_add(word, (uint64_t)1, relaxed);
	}
}

static void
a_thread_stands_before_the_access_that_was_named(void **state)
{
	rota_word word = 0;
	struct gated *g = gate_open(counts, &word);

	(void)state;
	assert_int_equal(word_load(&word, relaxed), 0);
	assert_true(gate_to(g, &word, ATOMIC_ADD, 2));
	assert_int_equal(word_load(&word, relaxed), 1);
	assert_true(gate_to(g, &word, ATOMIC_LOAD, 1));
	assert_int_equal(word_load(&word, relaxed), 2);
	assert_true(gate_to(g, &word, ATOMIC_LOAD | ATOMIC_ADD, 3));
	assert_int_equal(word_load(&word, relaxed), 3);
	assert_false(gate_to(g, &word, ATOMIC_SWAP, 1));
	assert_int_equal(word_load(&word, relaxed), 4);
	gate_end(g);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_thread_stands_before_the_access_that_was_named),
	};

	return cmocka_run_group_tests_name("gate_self", tests, NULL, NULL);
}
