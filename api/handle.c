/* SPDX-License-Identifier: MIT
 *
 * handle.c - pooled timers behind handles that are safe when stale.
 *
 * A handle is the index of a node and its generation. The node's pin word
 * holds the generation too, and how many have the node in use:
 *
 *	| generation, 32 bits | uses, 32 bits |
 *
 * The arming itself is one use. A call on a handle takes another by a
 * compare-and-swap that fails if the generation is not the handle's, so what
 * it does next is done to the timer it means. Whoever ends the arming, the
 * callback or the stop that prevented it, raises the generation and gives the
 * arming's use back; whoever gives back the last use recycles the node. Nodes
 * are recycled as they are: their timers stay initialised, and an entry left
 * behind is taken over by the next arming.
 *
 * [N1] pin -> pin  the next user of a node sees it as the former left it.
 *
 * Source: generations as in brpc's TimerThread and BEAM's references.
 */
#include <rota/handle.h>

#include <errno.h>
#include <string.h>

#include "core/engine.h"

#define NODE_BITS 10 /* nodes in a slab: 64 KB */
#define NODES (1u << NODE_BITS)
#define TABLE 256     /* slabs in a table, tables in an engine: 2^26 nodes */
#define OWN_MOST 1024 /* free nodes an owner keeps to itself; arbitrary */
#define NO_NODE UINT32_MAX

#define PIN(generation, uses) ((uint64_t)(generation) << 32 | (uses))
#define PIN_GENERATION(pin) ((uint32_t)((pin) >> 32))
#define PIN_USES(pin) ((uint32_t)(pin))

struct node {
	struct rota_timer timer;
	rota_word pin;
	rota_func *fn;
	void *arg;
	uint32_t index;
	uint32_t next_free;
};
_Static_assert(sizeof(struct node) == 64, "a line");

/* The pooled timers of one shard. */
struct pool_shard {
	struct rota_kind kind;
	pthread_mutex_t lock;
	uint32_t free;     /* under the lock */
	uint32_t own_free; /* the holder's */
	uint32_t own_count;
};

struct pool {
	struct node **table[TABLE]; /* [i / TABLE][i % TABLE]: slab i */
	uint32_t slabs;             /* under the engine's lock */
	struct pool_shard shard[];
};

static size_t
pool_bytes(const struct rota_engine *e)
{
	return sizeof(struct pool) + e->shards * sizeof(struct pool_shard);
}

static struct node *
node_at(struct pool *p, uint32_t index)
{
	uint32_t slab = index >> NODE_BITS;
	struct node **table, *nodes;

	if (slab >= TABLE * TABLE)
		return NULL;
	table = word_load(&p->table[slab / TABLE], acquire); /* slab_add */
	if (!table)
		return NULL;
	nodes = word_load(&table[slab % TABLE], acquire); /* slab_add */
	return nodes ? &nodes[index & (NODES - 1)] : NULL;
}

/* Holds the shard? Then its private list needs no lock. */
static bool
holds(const struct rota_shard *s)
{
	return word_load(&s->holder, relaxed) == self_id();
}

static void
recycle(struct rota_engine *e, struct node *n)
{
	struct rota_shard *s = shard_of(kind_of(&n->timer));
	struct pool_shard *ps = &e->pool->shard[s->index];

	if (PIN_GENERATION(word_load(&n->pin, relaxed)) == UINT32_MAX)
		return; /* its generations are used up: never again */
	if (holds(s) && ps->own_count < OWN_MOST) {
		n->next_free = ps->own_free;
		ps->own_free = n->index;
		ps->own_count++;
		return;
	}
	lock_take(&ps->lock, LOCK_POOL);
	n->next_free = ps->free;
	ps->free = n->index;
	lock_give(&ps->lock);
}

static void
unpin(struct rota_engine *e, struct node *n)
{
	uint64_t old = word_add(&n->pin, (uint64_t)0 - 1, acq_rel); /* [N1] */

	if (PIN_USES(old) == 1)
		recycle(e, n);
}

/* The arming is over: its handle is stale from here on. */
static void
expire(struct rota_engine *e, struct node *n)
{
	uint64_t old = word_add(&n->pin, PIN(1, 0) - 1, acq_rel); /* [N1] */

	if (PIN_USES(old) == 1)
		recycle(e, n);
}

static void
run(struct rota_timer *t, rota_time now)
{
	struct node *n = rota_container_of(t, struct node, timer);
	struct rota_engine *e = kind_of(t)->r_pool;

	(void)now;
	n->fn(n->arg);
	expire(e, n);
}

/* Another slab, its nodes on the locked list of @ps. Under the engine's
 * lock. At least one node, or -errno. */
static int
slab_add(struct rota_engine *e, struct pool_shard *ps)
{
	struct pool *p = e->pool;
	struct node ***table = &p->table[p->slabs / TABLE], *nodes;
	unsigned shard = (unsigned)(ps - p->shard), made;
	int r = 0;

	if (p->slabs == TABLE * TABLE)
		return -ENOSPC;
	if (!*table) {
		struct node **fresh = rota__engine_alloc(
		    e, 0, TABLE * sizeof(*fresh), ROTA_LINE);

		if (!fresh)
			return -ENOMEM;
		memset(fresh, 0, TABLE * sizeof(*fresh));
		word_store(table, fresh, release); /* node_at */
	}
	nodes = rota__engine_alloc(e, shard, NODES * sizeof(*nodes), ROTA_LINE);
	if (!nodes)
		return -ENOMEM;
	memset(nodes, 0, NODES * sizeof(*nodes));
	for (made = 0; made < NODES; made++) {
		struct node *n = &nodes[made];

		r = rota_timer_init(&n->timer, &ps->kind);
		if (r)
			break;
		n->index = p->slabs << NODE_BITS | made;
		n->pin = PIN(1, 0);
		n->next_free = made ? n->index - 1 : NO_NODE;
	}
	if (!made) {
		rota__engine_free(e, shard, nodes, NODES * sizeof(*nodes));
		return r;
	}
	word_store(&(*table)[p->slabs % TABLE], nodes, release); /* node_at */
	p->slabs++;
	lock_take(&ps->lock, LOCK_POOL);
	nodes[0].next_free = ps->free;
	ps->free = nodes[made - 1].index;
	lock_give(&ps->lock);
	return 0;
}

/* The engine's pool, made by its first use; NULL: no memory. */
static struct pool *
pool_of(struct rota_engine *e)
{
	struct pool *p = word_load(&e->pool, acquire); /* below */

	if (rota_likely(p != NULL))
		return p;
	lock_take(&e->lock, LOCK_ENGINE);
	p = e->pool;
	if (!p && (p = rota__engine_alloc(e, 0, pool_bytes(e), ROTA_LINE))) {
		memset(p, 0, pool_bytes(e));
		for (unsigned i = 0; i < e->shards; i++) {
			struct pool_shard *ps = &p->shard[i];

			pthread_mutex_init(&ps->lock, NULL);
			ps->free = ps->own_free = NO_NODE;
			/* A shard that has retired has no use for it. */
			(void)rota_kind_init(&ps->kind, &e->shard[i],
			    &(struct rota_kind_config){
				.fire = run, .name = "rota_after_func" });
			ps->kind.r_pool = e;
		}
		word_store(&e->pool, p, release); /* above */
	}
	lock_give(&e->lock);
	return p;
}

static struct node *
pop(struct pool *p, uint32_t *list)
{
	struct node *n;

	if (*list == NO_NODE)
		return NULL;
	n = node_at(p, *list);
	*list = n->next_free;
	return n;
}

static int
node_alloc(struct rota_engine *e, struct rota_shard *s, struct node **out)
{
	struct pool_shard *ps = &e->pool->shard[s->index];
	int r = 0;

	if (holds(s) && (*out = pop(e->pool, &ps->own_free))) {
		ps->own_count--;
		return 0;
	}
	do {
		lock_take(&ps->lock, LOCK_POOL);
		*out = pop(e->pool, &ps->free);
		lock_give(&ps->lock);
		if (*out)
			return 0;
		lock_take(&e->lock, LOCK_ENGINE);
		r = slab_add(e, ps);
		lock_give(&e->lock);
	} while (!r);
	return r;
}

void
rota__pool_destroy(struct rota_engine *e)
{
	struct pool *p = e->pool;

	if (!p)
		return;
	for (uint32_t i = p->slabs; i-- > 0;) {
		struct node *nodes = p->table[i / TABLE][i % TABLE];
		struct pool_shard *ps = rota_container_of(
		    kind_of(&nodes->timer), struct pool_shard, kind);
		unsigned shard = (unsigned)(ps - p->shard);

		rota__engine_free(e, shard, nodes, NODES * sizeof(*nodes));
	}
	for (uint32_t i = 0; i < TABLE && p->table[i]; i++)
		rota__engine_free(
		    e, 0, p->table[i], TABLE * sizeof(struct node *));
	for (unsigned i = 0; i < e->shards; i++)
		pthread_mutex_destroy(&p->shard[i].lock);
	rota__engine_free(e, 0, p, pool_bytes(e));
	e->pool = NULL;
}

static int
after_func(struct rota_engine *e, struct rota_shard *s, rota_time when,
    rota_func *fn, void *arg, rota_handle *h)
{
	struct rota_shard *heir;
	struct node *n;
	uint64_t pin;
	int r;

	while ((heir = word_load(&s->heir, acquire))) /* retire */
		s = heir;
	if (!pool_of(e))
		return -ENOMEM;
	r = node_alloc(e, s, &n);
	if (r)
		return r;
	pin = word_add(&n->pin, (uint64_t)1, acq_rel); /* [N1] */
	n->fn = fn;
	n->arg = arg;
	/* The handle first: the function may run before this returns. */
	if (h)
		*h = pin | n->index;
	rota_timer_reset_at(&n->timer, when);
	return 0;
}

int
rota_shard_after_func(struct rota_shard *s, rota_time when, rota_func *fn,
    void *arg, rota_handle *h)
{
	if (!s || !fn)
		return -EINVAL;
	return after_func(rota__engine_of(s), s, when, fn, arg, h);
}

int
rota_after_func(struct rota_engine *e, rota_span span, rota_func *fn, void *arg,
    rota_handle *h)
{
	if (!e || !fn)
		return -EINVAL;
	return after_func(e, rota_engine_near(e),
	    rota_when(rota__clock_read(&e->clock), span), fn, arg, h);
}

/* Take a use of the node that @h names. 0, -ESTALE or -EINVAL. */
static int
handle_pin(struct rota_engine *e, rota_handle h, struct node **out)
{
	struct pool *p = e ? word_load(&e->pool, acquire) : NULL; /* pool_of */
	struct node *n = p ? node_at(p, (uint32_t)h) : NULL;
	uint64_t old;

	if (!n || !PIN_GENERATION(h))
		return -EINVAL;
	old = word_load(&n->pin, relaxed); /* the CAS checks it */
	do {
		if (PIN_GENERATION(old) != PIN_GENERATION(h))
			return PIN_GENERATION(old) > PIN_GENERATION(h)
			    ? -ESTALE
			    : -EINVAL;
		if (!PIN_USES(old))
			return -EINVAL; /* a generation not handed out yet */
	} while (
	    !word_cas(&n->pin, &old, old + 1, acq_rel, relaxed)); /* [N1] */
	*out = n;
	return 0;
}

int
rota_handle_stop(struct rota_engine *e, rota_handle h)
{
	struct node *n;
	int r = handle_pin(e, h, &n);

	if (r)
		return r;
	r = rota_timer_stop(&n->timer);
	if (r == ROTA_PREVENTED)
		expire(e, n);
	else if (r == ROTA_NOT_PENDING)
		r = -ESTALE; /* another was first, but has not said so yet */
	unpin(e, n);
	return r;
}

int
rota_handle_reset_at(struct rota_engine *e, rota_handle h, rota_time when)
{
	struct node *n;
	int r = handle_pin(e, h, &n);

	if (r)
		return r;
	r = rota__timer_push(&n->timer, when);
	unpin(e, n);
	return r == 1 ? 1 : -ESTALE;
}

int
rota_handle_pending(struct rota_engine *e, rota_handle h)
{
	struct node *n;
	int r = handle_pin(e, h, &n);

	if (r)
		return r;
	r = rota_timer_pending(&n->timer);
	unpin(e, n);
	return r ? 1 : -ESTALE;
}
