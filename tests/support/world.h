/* SPDX-License-Identifier: MIT
 *
 * world.h - an engine to be tested, and a record of all that it does.
 *
 * The clock is virtual, the memory counted, the thread of the test the owner
 * of the first shard. A test that is to hold for every backend stands in its
 * program's list as EVERY(name), one about exact order as EXACT(name), with
 * _OWNED if no other thread takes part; its name then tells the backend too.
 * At its end the world is destroyed: nothing
 * may be left of its memory, and nothing may have fired early.
 */
#ifndef TESTS_SUPPORT_WORLD_H
#define TESTS_SUPPORT_WORLD_H

#include <rota/rota.h>

#include "tests/support/cm.h"
#include "tests/support/mem.h"

/* A slot of a wheel's lowest level, ns. Deadlines that are multiples of it
 * are met to the ns by all backends. */
#define TICK ((rota_span)1 << 20)

/* What a world is made from. */
struct world_row {
	enum rota_backend backend;
	unsigned shards; /* 0: 1 */
	unsigned flags;
	uint32_t kind;       /* flags of the kind of its probes */
	uint64_t max_timers; /* 0: 2^18, so that tables stay small */
	rota_time start;
	enum rota_clock clock; /* ROTA_CLOCK_VIRTUAL unless `timed` */
	bool timed;
};

struct world_leak {
	const struct rota_kind *kind;
	struct rota_timer *timer;
	rota_time deadline;
};

struct world {
	struct rota_engine *engine;
	struct rota_shard *shard; /* the first; attached, unless driven */
	struct rota_kind kind;    /* on it; its timers are in probes */
	struct mem mem;
	const struct world_row *row;

	unsigned *order; /* the ids of what fired */
	size_t fired, order_room;
	unsigned early; /* fired before their deadline */
	unsigned freed; /* calls of `released` */

	struct world_leak *leak;
	size_t leaks, leak_room;
	rota_word wakes; /* calls of config.wake */
	rota_word logs;
	char log[512]; /* the latest */

	void *probes; /* from world_probes() */
};

/* A timer that says when it fired. */
struct probe {
	struct rota_timer timer;
	struct world *world;
	unsigned id;
	unsigned fires;
	rota_time at;                                 /* of the latest */
	void (*then)(struct probe *p, rota_time now); /* in the callback */
	void *arg;
};

/* world_config - what an engine of @w is made with. */
struct rota_config world_config(struct world *w);
/* world_open - make the engine of @w as @c says, and attach to its first
 * shard unless it is driven. */
void world_open(struct world *w, const struct rota_config *c);
/* world_destroy - destroy the engine; nothing may be left. */
int world_destroy(struct world *w, enum rota_destroy how);

/* For cmocka; the initial state is a struct world_row. */
int world_setup(void **state);
int world_teardown(void **state);

/* world_probes - @n of them, initialised, ids from 0; gone with the world. */
struct probe *world_probes(struct world *w, unsigned n);
/* probe_init - one of the world's kind. */
void probe_init(struct world *w, struct probe *p, unsigned id);
/* probe_fire, probe_released - the callbacks of a kind of probes. */
void probe_fire(struct rota_timer *t, rota_time now);
void probe_released(struct rota_timer *t);
/* world_poll - poll the first shard without a budget; it must have no more
 * to do. */
void world_poll(struct world *w, rota_time now);
struct rota_stats world_stat(struct world *w);

/* world_expect - fired since the last time: @n ids in this order. */
void world_expect(
    struct world *w, const unsigned *ids, size_t n, const char *file, int line);
#define expect_fired(w, ...)                                                  \
	world_expect((w), (const unsigned[]){ __VA_ARGS__ },                  \
	    sizeof((unsigned[]){ __VA_ARGS__ }) / sizeof(unsigned), __FILE__, \
	    __LINE__)
#define expect_nothing(w) world_expect((w), NULL, 0, __FILE__, __LINE__)

/* elsewhere - run @fn(@arg) in another thread, to its end. */
void elsewhere(void (*fn)(void *arg), void *arg);
/* From another thread, to the end: their answers. */
int elsewhere_reset_at(struct rota_timer *t, rota_time when);
int elsewhere_stop(struct rota_timer *t);
int elsewhere_release(struct rota_timer *t);

/* random_next - xorshift, Marsaglia 2003; @x is not 0. */
uint64_t random_next(uint64_t *x);

extern const struct world_row world_heap, world_wheel, world_coarse;
extern const struct world_row world_heap_confined, world_wheel_confined,
    world_coarse_confined;

/* clang-format off: a # that begins a line */
#define ON(test, row)                                                   \
	{                                                               \
#test " [" #row "]", test, world_setup, world_teardown, \
		    (void *)(uintptr_t)&world_##row                     \
	}
/* clang-format on */
#define EXACT(test) ON(test, heap), ON(test, wheel)
#define EVERY(test) EXACT(test), ON(test, coarse)
/* Also with timers that only their owner touches: other code. */
#define EXACT_OWNED(test) \
	EXACT(test), ON(test, heap_confined), ON(test, wheel_confined)
#define EVERY_OWNED(test) \
	EXACT_OWNED(test), ON(test, coarse), ON(test, coarse_confined)

#endif
