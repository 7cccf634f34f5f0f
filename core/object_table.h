/* SPDX-License-Identifier: MIT
 *
 * object_table.h - debug builds: the table of living timers, and of those that
 * died of late.
 *
 * Invariant  a timer is here from its init on, under its address. Where memory
 *            was short `incomplete` says that some are not.
 * Threads    any, between rota__objects_take() and rota__objects_give().
 */
#ifndef ROTA_CORE_OBJECT_TABLE_H
#define ROTA_CORE_OBJECT_TABLE_H

#include <stddef.h>

#include "core/kind.h"
#include "core/objects.h"
#include "core/shard.h"

enum state {
	LIVING,
	RELEASED,
	ENDED,       /* its engine was destroyed */
	OVERWRITTEN, /* found so when its entry came up */
	ORPHANED,    /* its kind was found so then */
	GONE         /* rota_debug_gone() */
};

/* A kind, and whom to tell: what may be told when both are gone. */
struct origin {
	struct origin *next;
	const struct rota_kind *kind; /* NULL: another stands there by now */
	rota_fire_fn *fire;           /* what it had, which stays */
	uint32_t flags;
	const struct rota_engine *engine;
	rota_log_fn *log;
	void *log_arg;
	uint64_t refs; /* its timers, the dead too */
	rota_word said;
	bool ended;
	const char *site;
	char name[48];
};

struct object {
	struct object *next; /* in its chain */
	const struct rota_timer *timer;
	struct origin *origin;
	const char *site;
	const void *caller;
	enum state state;
	bool enqueued;                /* some shard has an entry of it */
	struct object *older, *newer; /* of the dead */
};

struct object_table {
	pthread_once_t once;
	struct object **bucket;
	size_t buckets; /* a power of two, or 0 */
	size_t objects;
	struct object *oldest, *newest; /* dead */
	size_t dead;
	struct origin *origins;
	rota_word ends;  /* engines destroyed */
	bool incomplete; /* memory was short: some timers are not here */
};
extern struct object_table rota__objects;

void rota__objects_take(void);
void rota__objects_give(void);

/* NULL: it is not here. */
struct object *rota__object_find(const struct rota_timer *t);
/* The first in the memory at @from, @size bytes, that lives; or NULL. */
struct object *rota__object_in(uintptr_t from, size_t size);
/* @t, which is not here, is now a timer of @k. */
void rota__object_add(const struct rota_timer *t, struct rota_kind *k,
    const char *site, const void *caller);
/* @o is dead of @state. Then rota__objects_trim(). */
void rota__object_die(struct object *o, enum state state);
/* The oldest of the dead go, unless some shard has them still. */
void rota__objects_trim(void);
/* @o leaves the table. */
void rota__object_forget(struct object *o);

/* Of @k, made if there is none; NULL: no memory. */
struct origin *rota__origin_of(
    const struct rota_kind *k, const struct rota_shard *s);
/* @g goes, if its engine has ended and nothing is of it. */
void rota__origin_drop(struct origin *g);

/* Is the memory of @o still that timer? It is read. */
rota_inline bool
matches(const struct object *o)
{
	return word_load(&o->timer->r_kind, relaxed) ==
	    kind_mixed(o->timer, o->origin->kind);
}

/* Is the memory of the kind of @g still that kind? It is read. free() writes to
 * `fire`. */
rota_inline bool
kind_there(const struct origin *g)
{
	const struct rota_kind *k = g->kind;

	return k && kind_any(k) && k->fire == g->fire && k->site == g->site &&
	    k->flags == g->flags;
}

/* May the timer of @o, which lives, be looked at? */
rota_inline bool
there(const struct object *o)
{
	return matches(o) && kind_there(o->origin);
}

#endif
