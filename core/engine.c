/* SPDX-License-Identifier: MIT
 *
 * engine.c - an engine is made and destroyed.
 *
 * Invariant  `alive` is 1 in the process that made the engine, 0 in a child.
 * Threads    any. Create and destroy are each one thread's, with no other call
 *            under way.
 */
#define _GNU_SOURCE /* MADV_WIPEONFORK */
#include "core/engine.h"

#include "core/misuse.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

/* Count @size bytes more, or less. Memory from before the shards are there is
 * counted by make(). */
static void
count_bytes(struct rota_engine *e, unsigned shard, size_t size)
{
	if (shard < e->shards)
		word_add(&e->shard[shard].bytes, size, relaxed); /* a figure */
}

void *
rota__engine_alloc(
    struct rota_engine *e, unsigned shard, size_t size, size_t align)
{
	const struct rota_allocator *a = &e->config.allocator;
	void *p = a->alloc(a->arg, shard, size, align);

	if (p)
		count_bytes(e, shard, size);
	return p;
}

void
rota__engine_free(struct rota_engine *e, unsigned shard, void *ptr, size_t size)
{
	const struct rota_allocator *a = &e->config.allocator;

	count_bytes(e, shard, (size_t)0 - size);
	a->free(a->arg, shard, ptr, size);
}

static size_t
driver_bytes(const struct rota_engine *e)
{
	return e->config.shards * sizeof(*e->driver);
}

/* Free @e, which may be half made. */
static void
unmake(struct rota_engine *e)
{
	const struct rota_allocator a = e->config.allocator;
	bool forked = e->alive && engine_forked(e);

	for (unsigned i = 0; i < e->shards; i++)
		rota__shard_destroy(&e->shard[i]);
	if (e->shard)
		a.free(
		    a.arg, 0, e->shard, e->config.shards * sizeof(*e->shard));
	if (e->driver)
		a.free(a.arg, 0, e->driver, driver_bytes(e));
	if (e->alive)
		munmap(e->alive, sizeof(*e->alive));
	if (!forked) {
		pthread_mutex_destroy(&e->lock);
		pthread_mutex_destroy(&e->retiring);
	}
	a.free(a.arg, 0, e, sizeof(*e));
}

static int
make(struct rota_engine *e)
{
	void *page = mmap(NULL, sizeof(*e->alive), PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return -ENOMEM;
	e->alive = page;
	*e->alive = 1;
#ifdef MADV_WIPEONFORK
	/* On an old kernel that cannot, a child's misuse goes unnoticed. */
	(void)madvise(page, sizeof(*e->alive), MADV_WIPEONFORK);
#endif
	e->driver = rota__engine_alloc(e, 0, driver_bytes(e), ROTA_LINE);
	e->shard = rota__engine_alloc(
	    e, 0, e->config.shards * sizeof(*e->shard), ROTA_LINE);
	if (!e->driver || !e->shard)
		return -ENOMEM;
	for (; e->shards < e->config.shards; e->shards++) {
		struct rota_shard *s = &e->shard[e->shards];
		int r;

		memset(s, 0, sizeof(*s));
		s->engine = e;
		s->config = &e->config;
		s->clock = &e->clock;
		s->alive = e->alive;
		s->index = e->shards;
		s->number = e->number;
		s->retiring = &e->retiring;
		r = rota__shard_init(s);
		if (r)
			return r;
	}
	count_bytes(e, 0, sizeof(*e) + driver_bytes(e));
	return rota__drivers_start(e);
}

int
rota_engine_create(struct rota_engine **out, const struct rota_config *config)
{
	int r, saved = errno;
	struct rota_config c;
	struct rota_engine *e;

	if (!out || !config)
		return -EINVAL;
	*out = NULL;
	c = *config;
	r = rota__config_check(&c);
	if (r)
		return r;
	e = c.allocator.alloc(c.allocator.arg, 0, sizeof(*e), ROTA_LINE);
	if (!e)
		return -ENOMEM;
	memset(e, 0, sizeof(*e));
	e->config = c;
	e->number = rota__number();
	pthread_mutex_init(&e->lock, NULL);
	pthread_mutex_init(&e->retiring, NULL);
	rota__clock_init(&e->clock, &c);
	r = make(e);
	if (r)
		unmake(e);
	else
		*out = e;
	errno = saved;
	return r;
}

/* Fire what is due by now, but not what those callbacks arm. */
static void
fire_due(struct rota_engine *e)
{
	for (unsigned i = 0; i < e->shards; i++)
		rota__shard_poll(&e->shard[i], ROLE_OWNER,
		    rota__clock_read(&e->clock), 0, NULL, NULL);
}

/* Is the caller in a callback of @e, even through other engines' callbacks? */
static bool
inside(const struct rota_engine *e)
{
	const struct rota_self *me;

	for (me = &rota__self; me && me->shard; me = me->before)
		if (me->shard->engine == e)
			return true;
	return false;
}

/* Free @e, and what ends with it. In the child of a fork nothing else happens:
 * where a thread of the parent was changing something, only what is needed to
 * free its pages is read. */
static void
end(struct rota_engine *e)
{
	if (e->layer)
		e->layer->end(e->layer);
	if (e->pool_end)
		e->pool_end(e);
	objects_end(e);
	unmake(e);
}

static bool
live(struct rota_engine *e)
{
	struct rota_stats s;

	rota_engine_stat(e, &s);
	return (int64_t)s.live > 0;
}

static int
destroy_refused(struct rota_engine *e)
{
	void (*left)(struct rota_layer * l) = word_load(
	    &e->layer_left, acquire); /* rota__layer_left */
	struct rota_layer *l = rota_engine_at_destroy(e, NULL);
	struct rota_stats s;

	if (!e->config.log ||
	    !rota__misuse_first(e->shard->said, MISUSE_DESTROY_ARMED))
		return -EBUSY;
	rota_engine_stat(e, &s);
	rota__misuse_say(&e->config,
	    "rota_engine_destroy(): %llu timer%s armed: stop %s, or destroy "
	    "with ROTA_DRAIN or ROTA_DROP",
	    (unsigned long long)s.live, s.live == 1 ? " is" : "s are",
	    s.live == 1 ? "it" : "them");
	if (left && l)
		left(l);
	return -EBUSY;
}

int
rota_engine_destroy(struct rota_engine *e, enum rota_destroy how)
{
	uint64_t dropped = 0, lost = 0;

	if (!e)
		return -EINVAL;
	if ((unsigned)how > ROTA_DROP)
		return rota__misuse_once(e->shard, MISUSE_DESTROY_HOW,
		    "rota_engine_destroy(): %u is no enum rota_destroy",
		    (unsigned)how);
	if (inside(e)) {
		rota__misuse_once(e->shard, MISUSE_DESTROY_INSIDE,
		    "rota_engine_destroy(): called in a callback of the "
		    "engine: return from it first");
		return -EDEADLK;
	}
	if (engine_forked(e)) {
		end(e);
		return 0;
	}
	if (how == ROTA_REFUSE && live(e))
		return destroy_refused(e);
	rota__drivers_stop(e);
	rota__self_named();
	for (unsigned i = 0; i < e->shards; i++) {
		struct rota_shard *s = &e->shard[i];

		/* This thread is the only user left: the lock owner of every
		 * shard. */
		e->driver[i].owner = word_load(&s->attached, relaxed);
		word_store(&s->attached, self_id(), relaxed);
		word_store(&s->lock_owner, self_id(), relaxed);
		/* A callback runs no more if its thread has ended in it. */
		s->running[ROLE_OWNER] = s->running[ROLE_ADOPTER] = NULL;
		rota__shard_drain(s);
	}
	near_forget(e->number);
	if (how == ROTA_DRAIN)
		fire_due(e);
	for (unsigned i = 0; i < e->shards; i++)
		rota__shard_drain(&e->shard[i]);
	if (how == ROTA_REFUSE && live(e)) { /* armed by a `released` */
		int r = 0;

		for (unsigned i = 0; i < e->shards; i++)
			shard_own(&e->shard[i], e->driver[i].owner);
		near_forget(e->number);
		r = rota__drivers_start(e);
		return r ? r : destroy_refused(e);
	}
	for (unsigned i = 0; i < e->shards; i++)
		dropped += rota__shard_drop(&e->shard[i], &lost);
	if (lost)
		rota__misuse_say(&e->config,
		    "rota_engine_destroy(): %llu of the entries belong to no "
		    "timer: memory was reused before rota_timer_release(); a "
		    "library built with ROTA_DEBUG_OBJECTS tells which",
		    (unsigned long long)lost);
	end(e);
	return (int)dropped;
}

rota_time
rota_engine_now(struct rota_engine *e)
{
	if (!e)
		return -EINVAL;
	return engine_forked(e) ? -ECHILD : rota__clock_read(&e->clock);
}

int
rota_engine_advance(struct rota_engine *e, rota_span span)
{
	if (!e)
		return -EINVAL;
	if (engine_forked(e))
		return -ECHILD;
	if (e->config.clock != ROTA_CLOCK_VIRTUAL || span < 0) {
		rota__misuse_once(e->shard, MISUSE_ADVANCE,
		    "rota_engine_advance(): %s",
		    span < 0 ? "a span below 0: a clock does not go back"
			     : "config.clock is not ROTA_CLOCK_VIRTUAL: create "
			       "the engine with it, or let time pass");
		return -EINVAL;
	}
	rota__clock_advance(&e->clock, span);
	for (unsigned i = 0; i < e->drivers; i++)
		rota_shard_wake(&e->shard[i]);
	return 0;
}

struct rota_shard *
rota_engine_shard(struct rota_engine *e, unsigned i)
{
	return e && i < e->shards ? &e->shard[i] : NULL;
}

/* What the calling thread knows of @e. The first time, and after the thread has
 * asked for other engines, all shards are searched. */
static struct near *
near(const struct rota_engine *e)
{
	struct near *n = near_find(e->number);

	if (rota_likely(n != NULL))
		return n;
	n = &rota__thread.near[e->number & (NEARS - 1)];
	*n = (struct near){ .engine = e->number };
	for (unsigned i = 0; i < e->shards; i++) {
		/* Only this thread stores its identity. */
		if (word_load(&e->shard[i].attached, relaxed) != self_id())
			continue;
		if (!n->owned++)
			n->own = i;
	}
	return n;
}

struct rota_shard *
rota_engine_local_shard(struct rota_engine *e)
{
	struct near *n;

	if (!e)
		return NULL;
	n = near(e);
	if (n->owned)
		return &e->shard[n->own];
	if (!n->turn) /* a counter; at least one shard: NOLINTNEXTLINE */
		n->turn = 1 +
		    (uint32_t)(word_add(&e->turns, (uint64_t)1, relaxed) %
			e->shards);
	return &e->shard[n->turn - 1];
}

int
rota_engine_would_deadlock(const struct rota_engine *e)
{
	if (!e)
		return -EINVAL;
	if (engine_forked(e))
		return -ECHILD;
	return near(e)->owned || inside(e);
}

struct rota_layer *
rota_engine_at_destroy(struct rota_engine *e, struct rota_layer *l)
{
	struct rota_layer *none = NULL;

	if (!e)
		return NULL;
	if (!l)
		return word_load(&e->layer, acquire); /* the CAS below */
	while (!word_cas(&e->layer, &none, l, acq_rel, acquire)) {
		if (none)
			return none;
	}
	return l;
}

void *
rota_engine_alloc(struct rota_engine *e, size_t size)
{
	return e ? rota__engine_alloc(e, 0, size, ROTA_LINE) : NULL;
}

void
rota_engine_free(struct rota_engine *e, void *ptr, size_t size)
{
	if (e && ptr)
		rota__engine_free(e, 0, ptr, size);
}

void
rota_engine_log(struct rota_engine *e, const char *line)
{
	if (e && line && e->config.log)
		e->config.log(e->config.log_arg, line);
}

/* A shard's config is its engine's. */
struct rota_engine *
rota__engine_of(struct rota_shard *s)
{
	return rota_container_of_(s->config, struct rota_engine, config);
}

int
rota_engine_forked(const struct rota_engine *e)
{
	return e ? engine_forked(e) : -EINVAL;
}

unsigned
rota_engine_shards(const struct rota_engine *e)
{
	return e ? e->shards : 0;
}

int
rota_engine_stat(struct rota_engine *e, struct rota_stats *out)
{
	struct rota_stats one = { 0 }, sum;
	uint64_t *to = (uint64_t *)&sum, late_max = 0;
	const uint64_t *from = (const uint64_t *)&one;

	if (!e)
		return -EINVAL;
	if (!out)
		return rota__misuse_once(e->shard, MISUSE_ENGINE_STAT,
		    "rota_engine_stat(): @out is NULL");
	if (engine_forked(e))
		return -ECHILD;
	memset(&sum, 0, sizeof(sum));
	for (unsigned i = 0; i < e->shards; i++) {
		rota_shard_stat(&e->shard[i], &one);
		for (size_t f = 0; f < sizeof(one) / sizeof(*from); f++)
			to[f] += from[f];
		if (one.late_max > late_max)
			late_max = one.late_max;
	}
	sum.late_max = late_max;
	/* Not the sum: a call may count on a shard that retires meanwhile. */
	sum.live = sum.starts - sum.stops - sum.fires;
	sum.zombies = sum.entries > sum.live ? sum.entries - sum.live : 0;
	*out = sum;
	return 0;
}
