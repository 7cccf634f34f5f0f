/* SPDX-License-Identifier: MIT
 *
 * list_test.c - tests/list/list.h, where the differential test does not come.
 * Claims: a deferred item stays deferred, whatever deadline it gets, and
 * whatever its sequence number.
 */
#include "tests/list/list.h"

#include "tests/support/cm.h"

/* A number that seq_before() has before 0. */
#define BEFORE_0 UINT32_MAX

static void
a_deferred_item_stays_deferred(void **state)
{
	struct list_node node[LIST_BLOCK] = { { 0 } };
	struct list_node *block = node;
	struct queue b = { .block = &block, .blocks = 1, .fresh = LIST_HEADS };
	uint32_t item;

	(void)state;
	for (uint32_t i = 0; i < LIST_HEADS; i++)
		node[i] = (struct list_node){
			.next = i, .prev = i, .deferred = i == LIST_DEFERRED
		};
	assert_true(seq_before(BEFORE_0, 0));
	backend_defer(&b, ROTA_HEAP, &item);
	assert_int_equal(
	    backend_move_earlier(&b, ROTA_HEAP, &item, 0, BEFORE_0, 0), 0);
	assert_int_equal(backend_deferred(&b, ROTA_HEAP), 1);
	assert_ptr_equal(backend_undefer(&b, ROTA_HEAP), &item);
	assert_int_equal(backend_len(&b), 0);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_deferred_item_stays_deferred),
	};

	return cmocka_run_group_tests_name("list", tests, NULL, NULL);
}
