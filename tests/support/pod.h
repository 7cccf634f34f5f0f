/* SPDX-License-Identifier: MIT
 *
 * pod.h - a bubble to be tested in, the thread of the test in it.
 *
 * A test that is to hold for every backend stands in its program's list as
 * POD(name), one about exact order as POD_EXACT(name). What other threads do
 * they record: only the test asserts. At the end the bubble is destroyed, and
 * no timer may be armed.
 */
#ifndef TESTS_SUPPORT_POD_H
#define TESTS_SUPPORT_POD_H

#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>

#include <rota/rota.h>

#include "tests/support/cm.h"

#define TICK ((rota_span)1 << 20) /* met to the ns by all backends */

struct pod {
	struct rota_bubble *bubble;
	struct rota_engine *engine;
};

static inline int
pod_setup(void **state)
{
	enum rota_backend backend = *(const enum rota_backend *)*state;
	struct pod *p = calloc(1, sizeof(*p));

	assert_int_equal(rota_bubble_create(&p->bubble, backend), 0);
	p->engine = rota_bubble_engine(p->bubble);
	assert_int_equal(rota_bubble_join(p->bubble), 0);
	*state = p;
	return 0;
}

static inline int
pod_teardown(void **state)
{
	struct pod *p = *state;

	assert_int_equal(rota_bubble_leave(p->bubble), 0);
	assert_int_equal(rota_bubble_destroy(p->bubble), 0);
	free(p);
	return 0;
}

static const enum rota_backend pod_backends[] = { ROTA_HEAP, ROTA_WHEEL,
	ROTA_WHEEL_COARSE };

#define POD_ONE(f, name, i)                                   \
	{                                                     \
#f " (" name ")", f, pod_setup, pod_teardown, \
		    (void *)(uintptr_t)&pod_backends[i]       \
	}
#define POD_EXACT(f) POD_ONE(f, "heap", 0), POD_ONE(f, "wheel", 1)
#define POD(f) POD_EXACT(f), POD_ONE(f, "coarse", 2)

static inline rota_time
pod_now(struct pod *p)
{
	return rota_engine_now(p->engine);
}

static inline void
pod_sleep(struct pod *p, rota_span span)
{
	assert_int_equal(rota_sleep(p->engine, span, NULL), 0);
}

static inline struct rota_channel *
pod_channel(struct pod *p, rota_span span, enum rota_channel_mode mode)
{
	struct rota_channel *c;

	assert_int_equal(rota_channel_create(&c, p->engine, span, mode), 0);
	return c;
}

static inline bool
pod_readable(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return poll(&pfd, 1, 0) == 1;
}

/* Timers armed now. */
static inline uint64_t
pod_armed(struct pod *p)
{
	struct rota_stats s;

	assert_int_equal(rota_engine_stat(p->engine, &s), 0);
	return s.live;
}

#endif
