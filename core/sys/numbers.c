/* SPDX-License-Identifier: MIT
 *
 * numbers.c - the functions of core/sys/numbers.h.
 */
#include "core/sys/numbers.h"

/* Adjacent numbers among which one step searches for the last: a cache line. */
#define FIND_ROW 16

bool
rota__numbers_end(const struct numbers *n, struct lower *l, uint64_t *left)
{
	while (l->end == NUMBER_NONE) {
		if (!*left || l->find >= n->fresh)
			return false;
		numbers_look(left, 1);
		for (unsigned i = 0; i < FIND_ROW && l->find < n->fresh; i++) {
			if (n->last(n->of, l->find)) {
				l->end = l->low_end = l->find;
				break;
			}
			l->find++;
		}
	}
	return true;
}

void
rota__numbers_behind(const struct numbers *n, struct lower *l, uint32_t x)
{
	uint32_t after = x < l->limit ? l->low_end : l->end;

	*n->next(n->of, x) = *n->next(n->of, after);
	*n->next(n->of, after) = x;
	if (l->end == after)
		l->end = x;
	if (x < l->limit)
		l->low_end = x;
	else
		l->high++;
}

/* Remove and return the head of the list, which is not low_end. */
static uint32_t
pop(const struct numbers *n)
{
	uint32_t x = *n->head;

	*n->head = *n->next(n->of, x);
	return x;
}

void
rota__numbers_turn(const struct numbers *n, struct lower *l, uint64_t *left)
{
	while (l->turn && *left && !numbers_done(n, l)) {
		if (*n->head == l->low_end) { /* all before it were popped */
			l->turn = 0;
			return;
		}
		rota__numbers_behind(n, l, pop(n));
		l->turn--;
		numbers_look(left, 1);
	}
}

uint32_t
rota__numbers_take(const struct numbers *n, struct lower *l)
{
	while (*n->head != l->low_end) {
		uint32_t x = pop(n);

		if (x < l->limit)
			return x;
		rota__numbers_behind(n, l, x);
	}
	return NUMBER_NONE;
}
