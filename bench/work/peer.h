/* SPDX-License-Identifier: MIT
 *
 * peer.h - what a timer engine must answer to be measured beside the others.
 *
 * An adapter is one source file, C or C++, that includes this, defines what
 * stands below, and then includes bench/peers/drive.h, which is the program:
 * the workloads and the conformance rows are compiled together with the
 * adapter, so that a rival's inline functions are inlined and nobody pays for
 * a call through a pointer.
 *
 *	struct peer { ... };		one engine, loop or wheel
 *	struct peer_timer { ... };	what its user keeps for each timer
 *	static const struct peer_info peer_info = { ... };
 *
 *	static void peer_open(struct peer *p, const char *variant, uint32_t n);
 *	static void peer_init(struct peer *p, struct peer_timer *t);
 *	static void peer_start(struct peer *p, struct peer_timer *t,
 *	    uint64_t when);			t is not armed
 *	static void peer_push(struct peer *p, struct peer_timer *t,
 *	    uint64_t when);			t is armed; earlier or later
 *	static void peer_stop(struct peer *p, struct peer_timer *t);
 *	static void peer_poll(struct peer *p, uint64_t now);
 *
 * Instants are ns on a clock that begins at 0, where peer_open() leaves it,
 * and moves only by peer_poll(), which fires all that is due, each by one
 * call of peer_fired(). A peer whose clock has a coarser unit rounds deadlines
 * up, not down. Each call is the best that the peer has for it, as its manual
 * says. Timers never move in memory; @n is how many there will be at most.
 * What goes wrong ends the program: peer_die().
 *
 * With PEER_TURN defined there is one more, for a loop that sleeps until the
 * next timer; otherwise a poll is a turn, be it that it finds the next one
 * itself or that the peer cannot say:
 *
 *	static uint64_t peer_turn(struct peer *p, uint64_t now);
 *		peer_poll(), and when the next one is due, or before: an
 *		instant after @now; UINT64_MAX: none is armed
 *
 * With PEER_SAFE defined the peer takes calls from several threads, and there
 * are two more; otherwise the works of two threads lock a mutex of theirs:
 *
 *	static void peer_second(struct peer *second, struct peer *first);
 *		a second home for timers, of another thread: its own loop,
 *		shard or core
 *	static void peer_enter(struct peer *p);
 *		this thread is the one that polls p
 *
 * Calls with a timer of the other thread get that thread's peer.
 */
#ifndef BENCH_WORK_PEER_H
#define BENCH_WORK_PEER_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/work/process.h"
#include "core/sys/compiler.h"
#include "tools/common/random.h"

#define PEER_MS UINT64_C(1000000)
#define PEER_S UINT64_C(1000000000)

struct peer_info {
	const char *name;
	const char *version;  /* of what was compiled against */
	const char *variants; /* by blanks, the default first; "-": one */
	bool limit;           /* no engine: only what memory costs */
	uint64_t late;        /* ns that a fire may be behind its deadline,
			       * beside the 1 ms between polls */
	uint32_t most;        /* timers; 0: as many as there is memory for */
};

struct peer;
struct peer_timer;

/* A timer has fired. Also in the middle of a peer_poll() it may be started
 * again, and others started, pushed and stopped. */
__attribute__((unused)) static void peer_fired(
    struct peer *p, struct peer_timer *t);

#endif
