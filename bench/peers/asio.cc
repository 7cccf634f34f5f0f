/* SPDX-License-Identifier: MIT
 *
 * asio.cc - Boost.Asio: basic_waitable_timer on a clock that only
 * peer_poll() moves, so that io_context::poll() asks for it. The reactor is
 * spared its system calls: there is no timerfd (it then looks at its timers
 * at each poll) and epoll returns at once, with nothing.
 *
 * What Asio's manual offers is taken: the executor's own type, a context
 * without locks (with them its timers would still not be safe to share), and memory of handlers that is
 * used again. A wait that is cancelled completes all the same, through its
 * handler, at the next poll(); where the works do not poll, one is made after
 * each 1000 of them (arbitrary, as often as the works with polls), with the
 * clock set back, so that nothing else is due. A wait that has expired can
 * not be cancelled any more, as the manual warns: the handler knows by a
 * generation that its timer has been stopped.
 *
 * Row fifo: the queue is a binary heap. Row again: poll() goes on until
 * nothing is ready, as its manual says.
 */
#include <sys/epoll.h>
#include <sys/timerfd.h>

#include <chrono>
#include <new>
#include <utility> /* asio 1.74 forgets it */

#include <boost/asio.hpp>

#include "bench/work/peer.h"

extern "C" int
timerfd_create(int, int) noexcept
{
	errno = ENOSYS;
	return -1;
}

extern "C" int
epoll_ctl(int, int, int, struct epoll_event *) noexcept
{
	return 0;
}

extern "C" int
epoll_wait(int, struct epoll_event *, int, int)
{
	return 0;
}

namespace asio = boost::asio;

struct virtual_clock {
	using duration = std::chrono::nanoseconds;
	using rep = duration::rep;
	using period = duration::period;
	using time_point = std::chrono::time_point<virtual_clock>;
	static constexpr bool is_steady = true;

	static inline time_point ticks;

	static time_point
	now()
	{
		return ticks;
	}
};

using timer = asio::basic_waitable_timer<virtual_clock,
    asio::wait_traits<virtual_clock>, asio::io_context::executor_type>;

struct peer_timer {
	timer t;
	uint32_t generation; /* of the wait that is to fire */
};

struct piece {
	piece *next;
};

struct peer {
	asio::io_context *context;
	piece *spare;       /* memory of handlers, all of one size */
	uint32_t cancelled; /* since the last poll */
	bool polling;
};

/* What a handler is stored in: memory that an earlier one has left. */
template <typename T> struct again {
	using value_type = T;

	peer *p;

	explicit again(peer *q) : p(q)
	{
	}

	template <typename U> again(const again<U> &other) : p(other.p)
	{
	}

	T *
	allocate(size_t)
	{
		piece *m = p->spare;

		if (!m)
			return static_cast<T *>(::operator new(sizeof(T)));
		p->spare = m->next;
		return static_cast<T *>(static_cast<void *>(m));
	}

	void
	deallocate(T *t, size_t)
	{
		static_assert(sizeof(T) >= sizeof(piece));
		p->spare = new (static_cast<void *>(t)) piece{ p->spare };
	}

	template <typename U>
	bool
	operator==(const again<U> &other) const
	{
		return p == other.p;
	}
};

struct handler {
	using allocator_type = again<void>;

	peer *p;
	peer_timer *t;
	uint32_t generation;

	allocator_type
	get_allocator() const noexcept
	{
		return allocator_type(p);
	}

	void
	operator()(const boost::system::error_code &) const
	{
		if (generation == t->generation)
			peer_fired(p, t);
	}
};

static const struct peer_info peer_info = {
	.name = "Boost.Asio",
	.version = BOOST_LIB_VERSION,
	.variants = "-",
	.limit = false,
	.late = 0,
	.most = 0,
};

static void
peer_open(struct peer *p, const char *, uint32_t)
{
	p->context = new asio::io_context(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE);
}

static void
peer_init(struct peer *p, struct peer_timer *t)
{
	new (t) peer_timer{ timer(*p->context), 0 };
}

static void
peer_run(struct peer *p)
{
	p->cancelled = 0;
	p->polling = true;
	p->context->restart(); /* it stops when nothing waits */
	p->context->poll();
	p->polling = false;
}

static void
peer_complete(struct peer *p)
{
	virtual_clock::time_point now = virtual_clock::ticks;

	virtual_clock::ticks = virtual_clock::time_point::min();
	peer_run(p);
	virtual_clock::ticks = now;
}

static inline void
peer_cancelled(struct peer *p)
{
	if (++p->cancelled >= 1000 && !p->polling)
		peer_complete(p);
}

static inline void
peer_start(struct peer *p, struct peer_timer *t, uint64_t when)
{
	virtual_clock::duration at(static_cast<virtual_clock::rep>(when));

	/* Cancels the wait, if there is one. */
	t->t.expires_at(virtual_clock::time_point(at));
	t->t.async_wait(handler{ p, t, ++t->generation });
}

static inline void
peer_push(struct peer *p, struct peer_timer *t, uint64_t when)
{
	peer_start(p, t, when);
	peer_cancelled(p);
}

static inline void
peer_stop(struct peer *p, struct peer_timer *t)
{
	t->generation++;
	t->t.cancel();
	peer_cancelled(p);
}

static inline void
peer_poll(struct peer *p, uint64_t now)
{
	virtual_clock::duration at(static_cast<virtual_clock::rep>(now));

	virtual_clock::ticks = virtual_clock::time_point(at);
	peer_run(p);
}

#include "bench/peers/drive.h"
