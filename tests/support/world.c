/* SPDX-License-Identifier: MIT
 *
 * world.c - tests/support/world.h.
 */
#include "tests/support/world.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

const struct world_row world_heap = { .backend = ROTA_HEAP };
const struct world_row world_wheel = { .backend = ROTA_WHEEL };
const struct world_row world_coarse = { .backend = ROTA_WHEEL_COARSE };
const struct world_row world_heap_confined = { .backend = ROTA_HEAP,
	.kind = ROTA_CONFINED };
const struct world_row world_wheel_confined = { .backend = ROTA_WHEEL,
	.kind = ROTA_CONFINED };
const struct world_row world_coarse_confined = { .backend = ROTA_WHEEL_COARSE,
	.kind = ROTA_CONFINED };

static void
note_leak(void *arg, const struct rota_kind *kind, struct rota_timer *t,
    rota_time deadline)
{
	struct world *w = arg;

	if (w->leaks == w->leak_room) {
		w->leak_room = w->leak_room ? 2 * w->leak_room : 64;
		w->leak = realloc(w->leak, w->leak_room * sizeof(*w->leak));
	}
	w->leak[w->leaks++] = (struct world_leak){ kind, t, deadline };
}

static void
note_log(void *arg, const char *line)
{
	struct world *w = arg;

	strncpy(w->log, line, sizeof(w->log) - 1);
	word_add(&w->logs, (uint64_t)1, relaxed);
}

static void
note_wake(void *arg, struct rota_shard *s)
{
	struct world *w = arg;

	(void)s;
	word_add(&w->wakes, (uint64_t)1, relaxed);
}

struct rota_config
world_config(struct world *w)
{
	const struct world_row *row = w->row;

	return (struct rota_config){
		.size = sizeof(struct rota_config),
		.backend = row->backend,
		.shards = row->shards ? row->shards : 1,
		.flags = row->flags,
		.clock = row->timed ? row->clock : ROTA_CLOCK_VIRTUAL,
		.start = row->start,
		.max_timers = row->max_timers ? row->max_timers : 1 << 18,
		.allocator = mem_allocator(&w->mem),
		.leak = note_leak,
		.leak_arg = w,
		.log = note_log,
		.log_arg = w,
		.wake = note_wake,
		.wake_arg = w,
	};
}

void
world_open(struct world *w, const struct rota_config *c)
{
	assert_int_equal(rota_engine_create(&w->engine, c), 0);
	w->shard = rota_engine_shard(w->engine, 0);
	assert_non_null(w->shard);
	if (!(c->flags & ROTA_DRIVERS))
		assert_int_equal(rota_shard_attach(w->shard), 0);
	assert_int_equal(rota_kind_init(&w->kind, w->shard,
			     &(struct rota_kind_config){ .fire = probe_fire,
				 .released = probe_released,
				 .name = "probe",
				 .flags = w->row->kind }),
	    0);
}

int
world_destroy(struct world *w, enum rota_destroy how)
{
	int r = rota_engine_destroy(w->engine, how);

	if (r < 0)
		return r;
	w->engine = NULL;
	w->shard = NULL;
	assert_int_equal(w->mem.blocks, 0);
	assert_int_equal(w->mem.bytes, 0);
	assert_int_equal(w->mem.wrong, 0);
	return r;
}

int
world_setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct rota_config c;

	w->row = *state;
	c = world_config(w);
	*state = w;
	world_open(w, &c);
	return 0;
}

int
world_teardown(void **state)
{
	struct world *w = *state;

	if (w->engine)
		world_destroy(w, ROTA_DROP);
	assert_int_equal(w->early, 0);
	free(w->order);
	free(w->leak);
	free(w->probes);
	free(w);
	return 0;
}

void
probe_fire(struct rota_timer *t, rota_time now)
{
	struct probe *p = rota_container_of(t, struct probe, timer);
	struct world *w = p->world;

	if (w->fired == w->order_room) {
		w->order_room = w->order_room ? 2 * w->order_room : 64;
		w->order = realloc(w->order, w->order_room * sizeof(*w->order));
	}
	w->order[w->fired++] = p->id;
	w->early += now < rota_timer_deadline(t);
	p->fires++;
	p->at = now;
	if (p->then)
		p->then(p, now);
}

void
probe_released(struct rota_timer *t)
{
	rota_container_of(t, struct probe, timer)->world->freed++;
}

void
probe_init(struct world *w, struct probe *p, unsigned id)
{
	*p = (struct probe){ .world = w, .id = id };
	assert_int_equal(rota_timer_init(&p->timer, &w->kind), 0);
}

struct probe *
world_probes(struct world *w, unsigned n)
{
	struct probe *p;

	assert_null(w->probes); /* once for each world */
	p = w->probes = malloc(n * sizeof(*p));
	for (unsigned i = 0; i < n; i++)
		probe_init(w, &p[i], i);
	return p;
}

void
world_poll(struct world *w, rota_time now)
{
	assert_int_equal(rota_shard_poll(w->shard, now, 0), 0);
}

struct rota_stats
world_stat(struct world *w)
{
	struct rota_stats s;

	assert_int_equal(rota_engine_stat(w->engine, &s), 0);
	return s;
}

void
world_expect(
    struct world *w, const unsigned *ids, size_t n, const char *file, int line)
{
	size_t fired = w->fired;

	w->fired = 0;
	for (size_t i = 0; i < n && i < fired; i++)
		_assert_int_equal(w->order[i], ids[i], file, line);
	_assert_int_equal(fired, n, file, line);
}

struct errand {
	void (*fn)(void *arg);
	void *arg;
};

static void *
errand_run(void *arg)
{
	struct errand *e = arg;

	e->fn(e->arg);
	return NULL;
}

void
elsewhere(void (*fn)(void *arg), void *arg)
{
	struct errand e = { fn, arg };
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, errand_run, &e), 0);
	pthread_join(thread, NULL);
}

struct far {
	struct rota_timer *t;
	rota_time when;
	int r;
};

static void
far_reset_at(void *arg)
{
	struct far *f = arg;

	f->r = rota_timer_reset_at(f->t, f->when);
}

static void
far_stop(void *arg)
{
	struct far *f = arg;

	f->r = rota_timer_stop(f->t);
}

static void
far_release(void *arg)
{
	struct far *f = arg;

	f->r = rota_timer_release(f->t);
}

int
elsewhere_reset_at(struct rota_timer *t, rota_time when)
{
	struct far f = { t, when, 0 };

	elsewhere(far_reset_at, &f);
	return f.r;
}

int
elsewhere_stop(struct rota_timer *t)
{
	struct far f = { t, 0, 0 };

	elsewhere(far_stop, &f);
	return f.r;
}

int
elsewhere_release(struct rota_timer *t)
{
	struct far f = { t, 0, 0 };

	elsewhere(far_release, &f);
	return f.r;
}

uint64_t
random_next(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}
