/* SPDX-License-Identifier: MIT
 *
 * binary_heap.c - the heap of the textbooks, with the place of each timer
 * kept in it: what one writes oneself.
 */
#include <stdlib.h>

#include "bench/work/peer.h"

struct peer_timer {
	uint64_t when;
	uint32_t place; /* 1 up; 0: not armed */
};

struct entry {
	uint64_t when;
	struct peer_timer *t;
};

struct peer {
	struct entry *heap; /* from 1 */
	uint32_t len;
};

static const struct peer_info peer_info = {
	.name = "binary heap",
	.version = "-",
	.variants = "-",
};

static void
peer_open(struct peer *p, const char *variant, uint32_t n)
{
	(void)variant;
	p->heap = malloc((n + (size_t)1) * sizeof(*p->heap));
	if (!p->heap)
		peer_die("no memory for the heap");
	p->len = 0;
}

static void
peer_init(struct peer *p, struct peer_timer *t)
{
	(void)p;
	t->place = 0;
}

static inline void
put(struct peer *p, uint32_t i, struct entry e)
{
	p->heap[i] = e;
	e.t->place = i;
}

static inline void
up(struct peer *p, uint32_t i, struct entry e)
{
	for (; i > 1 && e.when < p->heap[i / 2].when; i /= 2)
		put(p, i, p->heap[i / 2]);
	put(p, i, e);
}

static inline void
down(struct peer *p, uint32_t i, struct entry e)
{
	for (;;) {
		uint32_t c = 2 * i;

		if (c > p->len)
			break;
		if (c < p->len && p->heap[c + 1].when < p->heap[c].when)
			c++;
		if (p->heap[c].when >= e.when)
			break;
		put(p, i, p->heap[c]);
		i = c;
	}
	put(p, i, e);
}

static inline void
peer_start(struct peer *p, struct peer_timer *t, uint64_t when)
{
	t->when = when;
	up(p, ++p->len, (struct entry){ when, t });
}

static inline void
peer_push(struct peer *p, struct peer_timer *t, uint64_t when)
{
	uint64_t old = t->when;

	t->when = when;
	if (when < old)
		up(p, t->place, (struct entry){ when, t });
	else
		down(p, t->place, (struct entry){ when, t });
}

static inline void
peer_stop(struct peer *p, struct peer_timer *t)
{
	struct entry last = p->heap[p->len--];
	uint32_t i = t->place;

	t->place = 0;
	if (last.t == t)
		return;
	if (last.when < t->when)
		up(p, i, last);
	else
		down(p, i, last);
}

static inline void
peer_poll(struct peer *p, uint64_t now)
{
	while (p->len && p->heap[1].when <= now) {
		struct peer_timer *t = p->heap[1].t;

		peer_stop(p, t);
		peer_fired(p, t);
	}
}

#define PEER_TURN
static inline uint64_t
peer_turn(struct peer *p, uint64_t now)
{
	peer_poll(p, now);
	return p->len ? p->heap[1].when : UINT64_MAX;
}

#include "bench/peers/drive.h"
