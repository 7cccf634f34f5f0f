/* SPDX-License-Identifier: MIT
 *
 * gate.h - threads that go only as far as a test lets them.
 *
 * The library is compiled once more with ROTA_GATE: each access of
 * core/sys/atomic.h, and each taking of a mutex, first comes to a gate. A gated
 * thread stands before its function until the test lets it go to an access
 * that it names, where it stands again. One thread goes at a time, so an
 * interleaving is a test of the code that ships, the same in each run:
 *
 *	a = gate_open(reset, &t);
 *	gate_to(a, &s->remote.inbox, ATOMIC_CAS, 1); before its push
 *	... what another does meanwhile ...
 *	gate_end(a);
 *
 * The main thread, and all that is not gated, passes through.
 *
 * What passes from thread to thread here makes no edge of the memory model:
 * under a thread sanitizer an order that the library lacks is reported, though
 * the test has put the accesses one after the other. So a test reads what a
 * gated thread wrote after gate_end(), or by word_load().
 *
 * A thread that does not come to where it is sent, because it waits for what
 * another holds, ends the program: where each one stands is printed.
 */
#ifndef TESTS_GATE_GATE_H
#define TESTS_GATE_GATE_H

#include "core/sys/atomic.h"

struct gated;

/* gate_open - a thread that stands before @fn(@arg). */
struct gated *gate_open(void (*fn)(void *arg), void *arg);
/* gate_to - let @g go to its @nth access of @word from here, of a kind in
 * @kinds (enum atomic_kind). True: it stands before that. False: @fn has
 * returned. */
bool gate_to(
    struct gated *g, const volatile void *word, unsigned kinds, unsigned nth);
/* gate_end - let @g go to its end; it is gone. */
void gate_end(struct gated *g);
/* gate_point - an access that a test's own callback makes up. */
#define gate_point(word) \
	((void)rota__gate(ATOMIC_POINT, (word), __FILE__, __LINE__))
/* gate_refuse - the next compare-and-swap of @word fails for no reason, if
 * this thread makes it. */
void gate_refuse(const volatile void *word);

#endif
