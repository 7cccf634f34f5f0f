/* SPDX-License-Identifier: MIT
 *
 * object_table.c - see object_table.h.
 */
#include "core/objects.h"

#ifdef ROTA_DEBUG_OBJECTS
#include "core/object_table.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/lock_owner.h"

/* Timers of one granule of memory are in one chain, so that a range is looked
 * through by granules; 512 bytes: 16 timers. */
#define GRANULE 9
#define BUCKETS_LEAST 1024
/* Dead timers that are remembered. Arbitrary. */
#define DEAD_MOST 4096

pthread_mutex_t rota__objects_lock = PTHREAD_MUTEX_INITIALIZER;

struct object_table rota__objects = { .once = PTHREAD_ONCE_INIT };

static void
before_fork(void)
{
	pthread_mutex_lock(&rota__objects_lock);
}

static void
after_fork(void)
{
	pthread_mutex_unlock(&rota__objects_lock);
}

static void
once(void)
{
	pthread_atfork(before_fork, after_fork, after_fork);
}

void
rota__objects_take(void)
{
	pthread_once(&rota__objects.once, once);
	lock_take(&rota__objects_lock, LOCK_OBJECTS);
}

void
rota__objects_give(void)
{
	lock_give(&rota__objects_lock);
}

static size_t
chain(uintptr_t granule)
{
	/* multiplicative: 2^64 by the golden ratio */
	return (size_t)(granule * UINT64_C(0x9e3779b97f4a7c15) >> 32) &
	    (rota__objects.buckets - 1);
}

static struct object **
chain_of(const struct rota_timer *t)
{
	return &rota__objects.bucket[chain((uintptr_t)t >> GRANULE)];
}

struct object *
rota__object_find(const struct rota_timer *t)
{
	struct object *o = rota__objects.buckets ? *chain_of(t) : NULL;

	while (o && o->timer != t)
		o = o->next;
	return o;
}

static bool
grow(void)
{
	size_t n = rota__objects.buckets, more = n ? 2 * n : BUCKETS_LEAST;
	struct object **old = rota__objects.bucket, *o, *next, **to;
	struct object **fresh = calloc(more, sizeof(struct object *));

	if (!fresh)
		return n > 0; /* chains get longer */
	rota__objects.bucket = fresh;
	rota__objects.buckets = more;
	for (size_t i = 0; i < n; i++) {
		for (o = old[i]; o; o = next) {
			next = o->next;
			to = chain_of(o->timer);
			o->next = *to;
			*to = o;
		}
	}
	free(old);
	return true;
}

void
rota__origin_drop(struct origin *g)
{
	struct origin **at = &rota__objects.origins;

	if (g->refs || !g->ended)
		return;
	while (*at != g)
		at = &(*at)->next;
	*at = g->next;
	free(g);
}

struct origin *
rota__origin_of(const struct rota_kind *k, const struct rota_shard *s)
{
	struct origin *g = rota__objects.origins;

	while (g && g->kind != k)
		g = g->next;
	if (g)
		return g;
	g = calloc(1, sizeof(*g));
	if (!g)
		return NULL;
	*g = (struct origin){
		.next = rota__objects.origins,
		.kind = k,
		.fire = k->fire,
		.flags = k->flags,
		.engine = s->engine,
		.log = s->config->log,
		.log_arg = s->config->log_arg,
		.site = k->site,
	};
	snprintf(g->name, sizeof(g->name), "%s", k->name ? k->name : "?");
	rota__objects.origins = g;
	return g;
}

static void
unlist(struct object *o)
{
	*(o->older ? &o->older->newer : &rota__objects.oldest) = o->newer;
	*(o->newer ? &o->newer->older : &rota__objects.newest) = o->older;
	o->older = o->newer = NULL;
	rota__objects.dead--;
}

void
rota__object_forget(struct object *o)
{
	struct object **at = chain_of(o->timer);

	if (o->state != LIVING)
		unlist(o);
	while (*at != o)
		at = &(*at)->next;
	*at = o->next;
	rota__objects.objects--;
	o->origin->refs--;
	rota__origin_drop(o->origin);
	free(o);
}

void
rota__object_die(struct object *o, enum state state)
{
	if (o->state == LIVING) {
		o->older = rota__objects.newest;
		*(o->older ? &o->older->newer : &rota__objects.oldest) = o;
		rota__objects.newest = o;
		rota__objects.dead++;
	}
	o->state = state;
}

void
rota__objects_trim(void)
{
	struct object *o = rota__objects.oldest, *next;

	for (; rota__objects.dead > DEAD_MOST && o; o = next) {
		next = o->newer;
		if (!o->enqueued)
			rota__object_forget(o);
	}
}

void
rota__object_add(const struct rota_timer *t, struct rota_kind *k,
    const char *site, const void *caller)
{
	struct origin *g = rota__origin_of(k, shard_of(k));
	struct object *o = NULL, **to;

	if (g && (rota__objects.objects < rota__objects.buckets || grow()))
		o = malloc(sizeof(*o));
	if (!o) {
		rota__objects.incomplete = true;
		return;
	}
	to = chain_of(t);
	*o = (struct object){ .next = *to,
		.timer = t,
		.origin = g,
		.site = site,
		.caller = caller };
	*to = o;
	rota__objects.objects++;
	g->refs++;
}

struct object *
rota__object_in(uintptr_t from, size_t size)
{
	uintptr_t last = from + size - 1;
	size_t granules = (last >> GRANULE) - (from >> GRANULE) + 1, n;
	struct object *o;

	n = granules < rota__objects.buckets ? granules : rota__objects.buckets;
	for (size_t i = 0; i < n; i++) {
		/* More granules than chains: all of them. */
		o = rota__objects.bucket[granules > rota__objects.buckets
			? i
			: chain((from >> GRANULE) + i)];
		for (; o; o = o->next)
			if (o->state == LIVING && (uintptr_t)o->timer >= from &&
			    (uintptr_t)o->timer <= last)
				return o;
	}
	return NULL;
}

#endif
