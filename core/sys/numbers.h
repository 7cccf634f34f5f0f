/* SPDX-License-Identifier: MIT
 *
 * numbers.h - a list of free numbers, and putting its low numbers first.
 *
 * A heap numbers its items, a wheel its chunks. Free numbers stand in a list
 * that is used as a stack. Before the blocks of the highest numbers can be
 * freed, all numbers from a limit on must be free, and out of that list. The
 * list is linked one way, so a number in its middle cannot be removed. Instead
 * numbers are popped from the head and inserted again further back:
 *
 *   head, not yet sorted ..., low ..., low_end, high ..., end
 *
 * The work is done in slices, between which the list is used as always. At each
 * moment the list has all free numbers, so the work may be given up at any
 * time.
 *
 * Why low_end stays in the list: during this work fewer numbers are in use than
 * lie below the limit. So at least one low number is free, and each free low
 * number is at low_end or before it. Therefore a pop never reaches the numbers
 * after low_end. It would reach low_end itself only if all other low numbers
 * were in use, and then popping low_end would put one number too many in use.
 *
 * Threads    as the heap or the wheel; there is no lock here.
 */
#ifndef ROTA_CORE_SYS_NUMBERS_H
#define ROTA_CORE_SYS_NUMBERS_H

#include <stdbool.h>

#include "core/sys/compiler.h"

#define NUMBER_NONE UINT32_MAX

/* The list of free numbers of a heap or a wheel. */
struct numbers {
	void *of; /* the heap or the wheel */
	uint32_t *head;
	uint32_t fresh; /* numbers from here on were never used */
	/* next - where the number after @n, a free one, is stored.
	 * last - is @n free, and the last of the list? */
	uint32_t *(*next)(void *of, uint32_t n);
	bool (*last)(void *of, uint32_t n);
};

/* The state of the work. */
struct lower {
	uint32_t limit;   /* numbers from here on are to be free */
	uint32_t find;    /* no lower number is the last of the list */
	uint32_t low_end; /* NUMBER_NONE: not found yet, nor is `end` */
	uint32_t end;
	uint32_t high; /* numbers after low_end, all at the limit or above */
	uint32_t turn; /* numbers still to be popped; then the numbers in use
			* are searched for */
	uint32_t at, before; /* cursor of that search, the structure's own */
	/* Is the memory of the item gone? Then its place is not written. NULL:
	 * the memory of every item is there. */
	bool (*gone)(void *arg, const uint32_t *item);
	void *gone_arg;
};

/* rota__numbers_end - find the last of the list. False: out of steps. */
bool rota__numbers_end(
    const struct numbers *n, struct lower *l, uint64_t *left);
/* rota__numbers_turn - pop l->turn numbers, and insert each further back. */
void rota__numbers_turn(
    const struct numbers *n, struct lower *l, uint64_t *left);
/* rota__numbers_take - remove and return a free number below the limit;
 * NUMBER_NONE if there is none, which cannot happen. */
uint32_t rota__numbers_take(const struct numbers *n, struct lower *l);
/* rota__numbers_behind - insert @x, which was in use or was popped: after
 * low_end if it is below the limit, else after `end`. */
void rota__numbers_behind(const struct numbers *n, struct lower *l, uint32_t x);

/* numbers_done: do all numbers from the limit on stand after low_end? */
rota_inline bool
numbers_done(const struct numbers *n, const struct lower *l)
{
	return n->fresh <= l->limit || l->high == n->fresh - l->limit;
}

/* numbers_look: subtract @more steps from *@left, down to 0. */
rota_inline void
numbers_look(uint64_t *left, uint64_t more)
{
	*left -= *left < more ? *left : more;
}

#endif
