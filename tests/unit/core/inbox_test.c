/* SPDX-License-Identifier: MIT
 *
 * inbox_test.c - core/inbox.h: many push, one takes all.
 * Claims: what was pushed is taken, once, the last one first; an empty one
 * says so; with threads that push all the time nothing is lost or doubled and
 * each thread's own come in the order it pushed them.
 */
#include "core/inbox.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "tests/support/cm.h"

struct node {
	rota_slot link;
	unsigned thread, number;
};

static void
a_new_one_is_empty(void **state)
{
	rota_link head = NULL;

	(void)state;
	assert_true(inbox_empty(&head));
	assert_null(inbox_take(&head));
	assert_true(inbox_empty(&head));
}

static void
the_last_pushed_is_the_first_taken(void **state)
{
	rota_link head = NULL;
	struct node n[5], *at;

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		inbox_push(&head, &n[i], &n[i].link);
		assert_false(inbox_empty(&head));
	}
	at = inbox_take(&head);
	for (unsigned i = 5; i-- > 0; at = at->link)
		assert_ptr_equal(at, &n[i]);
	assert_null(at);
	assert_true(inbox_empty(&head));
}

static void
what_was_taken_can_be_pushed_again(void **state)
{
	rota_link head = NULL;
	struct node n;

	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		inbox_push(&head, &n, &n.link);
		assert_ptr_equal(inbox_take(&head), &n);
		assert_null(n.link);
		assert_null(inbox_take(&head));
	}
}

enum { THREADS = 3, EACH = 20000 };

static rota_link shared;
static rota_word pushing;

static void *
push_all(void *arg)
{
	struct node *n = arg;

	for (unsigned i = 0; i < EACH; i++)
		inbox_push(&shared, &n[i], &n[i].link);
	word_add(&pushing, (uint64_t)0 - 1, release);
	return NULL;
}

static void
nothing_is_lost_or_doubled_between_threads(void **state)
{
	struct node *n = calloc(THREADS * EACH, sizeof(*n)), *at, *back;
	unsigned next[THREADS] = { 0 };
	pthread_t thread[THREADS];
	bool last;

	(void)state;
	shared = NULL;
	pushing = THREADS;
	for (unsigned t = 0; t < THREADS; t++) {
		for (unsigned i = 0; i < EACH; i++) {
			n[t * EACH + i].thread = t;
			n[t * EACH + i].number = i;
		}
		pthread_create(&thread[t], NULL, push_all, &n[t * EACH]);
	}
	do {
		last = !word_load(&pushing, acquire);
		back = NULL;
		for (at = inbox_take(&shared); at;) { /* turn it round */
			struct node *after = at->link;

			at->link = back;
			back = at;
			at = after;
		}
		for (at = back; at; at = at->link)
			assert_int_equal(at->number, next[at->thread]++);
		if (!back)
			sched_yield();
	} while (!last);
	for (unsigned t = 0; t < THREADS; t++) {
		pthread_join(thread[t], NULL);
		assert_int_equal(next[t], EACH);
	}
	assert_true(inbox_empty(&shared));
	free(n);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_one_is_empty),
		cmocka_unit_test(the_last_pushed_is_the_first_taken),
		cmocka_unit_test(what_was_taken_can_be_pushed_again),
		cmocka_unit_test(nothing_is_lost_or_doubled_between_threads),
	};

	return cmocka_run_group_tests_name("inbox", tests, NULL, NULL);
}
