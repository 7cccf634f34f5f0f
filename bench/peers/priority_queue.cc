/* SPDX-License-Identifier: MIT
 *
 * priority_queue.cc - std::priority_queue with lazy deletion, what one writes
 * oneself in C++: a stopped or pushed timer leaves its entry where it is, of
 * a generation that has passed, and when the dead outnumber the living the
 * queue is made anew without them.
 *
 * A poll fires as many as there were entries when it began, so that one that
 * is due again at once does not hold it. Row fifo: a heap has no order of
 * equals.
 */
#include <algorithm>
#include <queue>
#include <vector>

#include "bench/work/peer.h"

struct peer_timer {
	uint32_t generation; /* of its living entry */
};

struct entry {
	uint64_t when;
	peer_timer *t;
	uint32_t generation;

	bool
	alive() const
	{
		return generation == t->generation;
	}
};

struct later {
	bool
	operator()(const entry &a, const entry &b) const
	{
		return a.when > b.when;
	}
};

struct entries : std::priority_queue<entry, std::vector<entry>, later> {
	void
	reserve(size_t n)
	{
		c.reserve(n);
	}

	void
	bury()
	{
		auto dead = [](const entry &e) { return !e.alive(); };

		c.erase(std::remove_if(c.begin(), c.end(), dead), c.end());
		std::make_heap(c.begin(), c.end(), comp);
	}
};

struct peer {
	entries *queue;
	size_t dead;
};

static const struct peer_info peer_info = {
	.name = "std::priority_queue",
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
peer_open(struct peer *p, const char *, uint32_t n)
{
	p->queue = new entries;
	p->queue->reserve(2 * static_cast<size_t>(n) + 1);
}

static void
peer_init(struct peer *, struct peer_timer *t)
{
	t->generation = 0;
}

static inline void
peer_start(struct peer *p, struct peer_timer *t, uint64_t when)
{
	p->queue->push({ when, t, t->generation });
}

static inline void
peer_stop(struct peer *p, struct peer_timer *t)
{
	t->generation++;
	p->dead++;
	if (2 * p->dead > p->queue->size()) {
		p->queue->bury();
		p->dead = 0;
	}
}

static inline void
peer_push(struct peer *p, struct peer_timer *t, uint64_t when)
{
	peer_stop(p, t);
	peer_start(p, t, when);
}

static inline void
peer_poll(struct peer *p, uint64_t now)
{
	entries &queue = *p->queue;

	for (size_t n = queue.size(); n && !queue.empty(); n--) {
		entry e = queue.top();

		if (e.when > now)
			break;
		queue.pop();
		if (e.alive()) {
			e.t->generation++;
			peer_fired(p, e.t);
		} else {
			p->dead--;
		}
	}
}

#define PEER_TURN
static inline uint64_t
peer_turn(struct peer *p, uint64_t now)
{
	peer_poll(p, now);
	/* Of a dead one, too: it would wake for it. */
	return p->queue->empty() ? UINT64_MAX : p->queue->top().when;
}

#include "bench/peers/drive.h"
