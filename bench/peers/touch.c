/* SPDX-License-Identifier: MIT
 *
 * touch.c - the limit: each call reads and writes one word of the timer,
 * plainly, and that is all. Variant `locked`: by compare-and-swap.
 */
#include <string.h>

#include "bench/work/peer.h"

struct peer_timer {
	uint64_t word;
	uint64_t rest[7]; /* a line */
};

struct peer {
	bool locked;
};

static const struct peer_info peer_info = {
	.name = "touch",
	.version = "-",
	.variants = "plain locked",
	.limit = true,
};

static void
peer_open(struct peer *p, const char *variant, uint32_t n)
{
	(void)n;
	p->locked = strcmp(variant, "locked") == 0;
}

static void
peer_init(struct peer *p, struct peer_timer *t)
{
	(void)p;
	t->word = 1;
}

static inline void
peer_push(struct peer *p, struct peer_timer *t, uint64_t when)
{
	uint64_t old = __atomic_load_n(&t->word, __ATOMIC_RELAXED);

	if (!p->locked) {
		__atomic_store_n(&t->word, old + when, __ATOMIC_RELAXED);
		return;
	}
	while (!__atomic_compare_exchange_n(
	    &t->word, &old, old + when, 1, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		;
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
	(void)t;
}

static inline void
peer_poll(struct peer *p, uint64_t now)
{
	(void)p;
	(void)now;
}

#include "bench/peers/drive.h"
