/* SPDX-License-Identifier: MIT
 *
 * dpdk.c - DPDK's rte_timer: skip lists, one for each lcore.
 *
 * The library asks the processor's cycle counter, inside itself, and has no
 * other clock. So its one source (rte_timer.c; fetch_dpdk.sh) is compiled
 * here, with rte_get_timer_cycles() replaced by a counter that peer_poll()
 * moves; the rest, EAL, is the package's. That spares it a rdtsc in each call
 * that starts a timer. No two such calls see the same cycle in life, and of
 * equal deadlines it walks all to find one, so each call gets a deadline of
 * its own: a cycle is 1/16 ns, and a call's deadline so many cycles late as
 * there were calls since the clock moved.
 *
 * It is safe by itself: the polling thread is EAL's lcore, a second one is
 * registered as another. Calls that lose a race are made again until they
 * win, which its manual forbids in callbacks. There they are made once, and
 * row neighbour fails: a timer that is due in this poll is already marked as
 * running, and can not be stopped.
 */
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_lcore.h>
#include <rte_version.h>

#include "bench/work/peer.h"

#define PEER_SAFE

#define CYCLES 16 /* a ns */

/* Not 0: the library looks for a timer from one cycle before it. */
#define BEGIN (PEER_S * CYCLES)

static uint64_t cycles = BEGIN;
static __thread uint64_t calls; /* since the clock moved */

static inline uint64_t
peer_cycles(void)
{
	return __atomic_load_n(&cycles, __ATOMIC_RELAXED);
}

#define rte_get_timer_cycles peer_cycles
#include <lib/timer/rte_timer.c>
#undef rte_get_timer_cycles

struct peer {
	unsigned lcore;
};

struct peer_timer {
	struct rte_timer t;
};

static const struct peer_info peer_info = {
	.name = "DPDK rte_timer",
	.version = RTE_STR(RTE_VER_YEAR) "." RTE_STR(RTE_VER_MONTH) "." RTE_STR(
	    RTE_VER_MINOR),
	.variants = "-",
	.late = PEER_MS, /* 16 million calls between two polls */
};

static __thread bool firing;

/* EAL without privileges, files and devices. It would tie this thread to one
 * processor, and all that come from it. */
static void
peer_open(struct peer *p, const char *variant, uint32_t n)
{
	static char name[] = "peer", huge[] = "--no-huge", pci[] = "--no-pci",
		    shared[] = "--no-shconf", telemetry[] = "--no-telemetry",
		    size[] = "-m", mib[] = "64", level[] = "--log-level=3",
		    iova[] = "--iova-mode=va", lcores[32];
	char *argv[] = { name, huge, pci, shared, telemetry, size, mib, level,
		iova, lcores, NULL };
	cpu_set_t set;

	(void)variant;
	(void)n;
	if (sched_getaffinity(0, sizeof(set), &set))
		peer_die("sched_getaffinity");
	snprintf(lcores, sizeof(lcores), "--lcores=0@%d", sched_getcpu());
	if (rte_eal_init(RTE_DIM(argv) - 1, argv) < 0)
		peer_die("rte_eal_init");
	if (rte_timer_subsystem_init())
		peer_die("rte_timer_subsystem_init");
	if (sched_setaffinity(0, sizeof(set), &set))
		peer_die("sched_setaffinity");
	p->lcore = rte_lcore_id();
}

/* The next thread that is registered will be the first lcore that is off. */
static void
peer_second(struct peer *second, struct peer *first)
{
	second->lcore = first->lcore + 1;
}

static void
peer_enter(struct peer *p)
{
	if (rte_thread_register() || rte_lcore_id() != p->lcore)
		peer_die("rte_thread_register");
}

static void
peer_init(struct peer *p, struct peer_timer *t)
{
	(void)p;
	rte_timer_init(&t->t);
}

static void
fire(struct rte_timer *t, void *p)
{
	peer_fired(p, rota_container_of_(t, struct peer_timer, t));
}

static inline void
peer_push(struct peer *p, struct peer_timer *t, uint64_t when)
{
	uint64_t now = peer_cycles(), at = BEGIN + when * CYCLES;
	uint64_t ticks = (at > now ? at - now : 0) + calls++;

	while (
	    rte_timer_reset(&t->t, ticks, SINGLE, p->lcore, fire, p) && !firing)
		rte_pause();
}

static inline void
peer_start(struct peer *p, struct peer_timer *t, uint64_t when)
{
	peer_push(p, t, when);
}

static inline void
peer_stop(struct peer *p, struct peer_timer *t)
{
	(void)p;
	while (rte_timer_stop(&t->t) && !firing)
		rte_pause();
}

static inline void
peer_poll(struct peer *p, uint64_t now)
{
	uint64_t at = BEGIN + now * CYCLES;

	(void)p;
	if (peer_cycles() != at) {
		__atomic_store_n(&cycles, at, __ATOMIC_RELAXED);
		calls = 0;
	}
	firing = true;
	rte_timer_manage();
	firing = false;
}

#include "bench/peers/drive.h"
