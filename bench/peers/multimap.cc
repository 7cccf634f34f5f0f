/* SPDX-License-Identifier: MIT
 *
 * multimap.cc - std::multimap by deadline, what one writes oneself in C++: a
 * timer knows its node, and keeps it when it is not armed, so that nothing
 * is allocated twice. The end is the place to look first: most deadlines are
 * later than all.
 *
 * A poll fires as many as there were when it began, so that one that is due
 * again at once does not hold it.
 */
#include <map>
#include <new>
#include <utility>

#include "bench/work/peer.h"

using timers = std::multimap<uint64_t, peer_timer *>;

struct peer_timer {
	timers::iterator at;     /* armed */
	timers::node_type spare; /* not armed */
};

struct peer {
	timers *map;
};

static const struct peer_info peer_info = {
	.name = "std::multimap",
#ifdef _LIBCPP_VERSION
	.version = "libc++",
#else
	.version = "libstdc++",
#endif
	.variants = "-",
	.limit = false,
	.late = 0,
	.most = 0,
};

static void
peer_open(struct peer *p, const char *, uint32_t)
{
	p->map = new timers;
}

static void
peer_init(struct peer *, struct peer_timer *t)
{
	new (t) peer_timer;
}

static inline void
peer_start(struct peer *p, struct peer_timer *t, uint64_t when)
{
	if (t->spare) {
		t->spare.key() = when;
		t->at = p->map->insert(p->map->end(), std::move(t->spare));
	} else {
		t->at = p->map->emplace_hint(p->map->end(), when, t);
	}
}

static inline void
peer_stop(struct peer *p, struct peer_timer *t)
{
	t->spare = p->map->extract(t->at);
}

static inline void
peer_push(struct peer *p, struct peer_timer *t, uint64_t when)
{
	auto node = p->map->extract(t->at);

	node.key() = when;
	t->at = p->map->insert(p->map->end(), std::move(node));
}

static inline void
peer_poll(struct peer *p, uint64_t now)
{
	for (size_t n = p->map->size(); n && !p->map->empty(); n--) {
		timers::iterator first = p->map->begin();
		peer_timer *t = first->second;

		if (first->first > now)
			break;
		t->spare = p->map->extract(first);
		peer_fired(p, t);
	}
}

#define PEER_TURN
static inline uint64_t
peer_turn(struct peer *p, uint64_t now)
{
	peer_poll(p, now);
	return p->map->empty() ? UINT64_MAX : p->map->begin()->first;
}

#include "bench/peers/drive.h"
