/* SPDX-License-Identifier: MIT
 *
 * numbers.h - free numbers, the low ones first.
 *
 * A heap numbers its items, a wheel its chunks; numbers that are free stand in
 * a list that is used as a stack. Before the blocks of the highest numbers can
 * go back, all from a limit on must be free, and out of that list. It runs one
 * way, so nothing can be taken out of its middle. Instead numbers are popped
 * from its head and put in again behind:
 *
 *   head, not looked at ..., low ..., low_end, high ..., end
 *
 * The work is done in slices, between which the list is used as ever. It is a
 * list of all free numbers at each moment: whoever began it may leave off.
 *
 * Why low_end stays where it is: while this goes on fewer numbers are in use
 * than lie below the limit. So there is a free low one, and each is at low_end
 * or before it: a pop never comes to what stands behind low_end, and to
 * low_end itself only if all other low ones are in use, which is one too many.
 *
 * Threads    none of its own: as the heap or the wheel.
 */
#ifndef ROTA_CORE_NUMBERS_H
#define ROTA_CORE_NUMBERS_H

#include <stdbool.h>

#include "core/sys/compiler.h"

#define NUMBER_NONE UINT32_MAX

/* A list of free numbers, whose it may be. */
struct numbers {
	void *of; /* the heap or wheel */
	uint32_t *head;
	uint32_t fresh; /* numbers from here on were never used */
	/* next - where a free number has the one behind it.
	 * last - is @n free, and the last of the list? */
	uint32_t *(*next)(void *of, uint32_t n);
	bool (*last)(void *of, uint32_t n);
};

/* How far the work has come. */
struct lower {
	uint32_t limit;   /* numbers from here on are to be free */
	uint32_t find;    /* the last of the list is not before this one */
	uint32_t low_end; /* NUMBER_NONE: it was not found yet */
	uint32_t end;
	uint32_t high; /* numbers behind low_end, each at the limit or above */
	uint32_t turn; /* so many are to be popped; then those are looked for
			* that are in use */
	uint32_t at, before; /* where that search stands: the structure's */
	/* Is the item's memory gone? Then its place is not written. NULL: no
	 * item's is. */
	bool (*gone)(void *arg, const uint32_t *item);
	void *gone_arg;
};

/* rota__numbers_end - find the last of the list. False: out of looks. */
bool rota__numbers_end(
    const struct numbers *n, struct lower *l, uint64_t *left);
/* rota__numbers_turn - pop l->turn numbers, and put each behind. */
void rota__numbers_turn(
    const struct numbers *n, struct lower *l, uint64_t *left);
/* rota__numbers_take - a free number below the limit, which is the caller's;
 * NUMBER_NONE if there is none, which cannot be. */
uint32_t rota__numbers_take(const struct numbers *n, struct lower *l);
/* rota__numbers_behind - @x, which was in use or was popped, is free. */
void rota__numbers_behind(const struct numbers *n, struct lower *l, uint32_t x);

/* numbers_done: are all numbers from the limit on behind low_end? */
rota_inline bool
numbers_done(const struct numbers *n, const struct lower *l)
{
	return n->fresh <= l->limit || l->high == n->fresh - l->limit;
}

/* numbers_look: a look was made, and @more. */
rota_inline void
numbers_look(uint64_t *left, uint64_t more)
{
	*left -= *left < more ? *left : more;
}

#endif
