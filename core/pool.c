/* SPDX-License-Identifier: MIT
 *
 * pool.c - pooled timers behind handles that are safe when stale.
 *
 * A node is a timer and the function that it runs. A handle is the index of a
 * node and the node's generation. The node's pin word has the generation, too,
 * and counts the uses of the node:
 *
 *	| generation, 32 bits | uses, 32 bits |
 *
 * The arming is one use. A call on a handle takes another, by a
 * compare-and-swap that fails if the generation is not the handle's: so the
 * call cannot touch the node's next timer. The callback, or the stop that
 * prevented it, ends the arming: it raises the generation and gives the
 * arming's use back. The thread that gives back the last use recycles the node.
 * An arming whose handle no caller took has no use, and leaves the pin word as
 * it is, since no caller can name it. A node of rota_handle_init() is kept: its
 * user has one use, and each of its armings has one.
 *
 * A node is in use, or free, or bare. Free nodes stand on a stack of their
 * shard. Every thread pushes and pops there, so a node that fired on one thread
 * is armed again by another. The timer of a free node stays initialised and
 * counts as a timer of the shard; the next arming takes over an entry that was
 * left behind. When the shard has no room for another timer, a free node
 * becomes bare, memory without a timer, and makes room (rota__pool_release).
 *
 * [N1] pin -> pin    who gives back the last use has seen the node as the other
 *                    users left it; and who takes a use sees it as it was
 *                    named.
 * [N2] push -> pop   so does, of a free node, the thread that pops it; and it
 *                    sees the node's slab.
 *
 * Source: generations as in brpc's TimerThread and BEAM's references. The
 * stack is Treiber's, with a tag against its ABA.
 */
#include <rota/handle.h>

#include <errno.h>
#include <string.h>

#include "core/engine.h"
#include "core/lock_owner.h"
#include "core/misuse.h"
#include "core/pool.h"

/* Nodes in a slab: 2^10, which take 64 KB. The hostile build takes a new slab
 * every two nodes. */
#ifndef NODE_BITS /* else relacy has one in a slab */
#ifdef ROTA_HOSTILE
#define NODE_BITS 1
#else
#define NODE_BITS 10
#endif
#endif
#define NODES (1u << NODE_BITS)
#define TABLE_BITS 8 /* slabs in a table, tables in an engine: 2^26 nodes */
#define TABLE (1u << TABLE_BITS)

/* The word of a stack: a tag, which every pop raises, and the first node's
 * index. 2^37 pops would have to go by during one for the tag to fail. */
#define INDEX_BITS 27
#define NO_NODE ((1u << INDEX_BITS) - 1)

/* Free nodes that one call looks at for room. Arbitrary: what it has to ask
 * the owner for it asks for once. */
#define RELEASE_MOST 64

#define PIN(generation, uses) ((uint64_t)(generation) << 32 | (uses))
#define PIN_GENERATION(pin) ((uint32_t)((pin) >> 32))
#define PIN_USES(pin) ((uint32_t)(pin))

/* Of their kinds, in the log and in reports of leaks. */
#define POOL_NAME "pooled (function, channel, context, job)"

struct node {
	struct rota_timer timer;
	rota_word pin;
	rota_func *fn; /* free: NULL if it has fired, so has no entry */
	void *arg;     /* bare: its engine */
	uint32_t index;
	uint32_t next; /* free or bare: another; else KEPT, HELD; atomic */
};
#define KEPT (1u << 31)
#define HELD (1u << 30) /* until rota__node_give(), whatever fires */
_Static_assert(sizeof(struct node) == 64, "a line");

/* The pooled timers of one shard. */
struct pool_shard {
	struct rota_kind kind;
	_Alignas(ROTA_LINE) rota_word free; /* a stack */
	pthread_mutex_t lock;               /* of what follows */
	uint32_t bare;                      /* a list */
	uint32_t unmade, unmade_end;        /* indices never used yet */
};

struct slab {
	struct node *nodes; /* NULL: not there yet */
	uint32_t shard;     /* whose memory it is */
};

struct pool {
	struct slab *table[TABLE]; /* [i / TABLE][i % TABLE]: slab i */
	uint32_t slabs;            /* under the engine's lock */
	struct pool_shard shard[];
};

static size_t
pool_bytes(const struct rota_engine *e)
{
	return sizeof(struct pool) + e->shards * sizeof(struct pool_shard);
}

static struct slab *
slab_at(struct pool *p, uint32_t slab)
{
	struct slab *table;

	if (slab >= TABLE * TABLE)
		return NULL;
	table = word_load(&p->table[slab / TABLE], acquire); /* slab_make */
	return table ? &table[slab % TABLE] : NULL;
}

static struct node *
node_at(struct pool *p, uint32_t index)
{
	struct slab *slab = slab_at(p, index >> NODE_BITS);
	struct node *nodes;

	if (!slab)
		return NULL;
	nodes = word_load(&slab->nodes, acquire); /* slab_make */
	return nodes ? &nodes[index & (NODES - 1)] : NULL;
}

/* A node that is there: who gives its index has seen its slab. */
rota_inline struct node *
node_known(struct pool *p, uint32_t index)
{
	struct slab *table = p->table[index >> NODE_BITS >> TABLE_BITS];

	return &table[index >> NODE_BITS & (TABLE - 1)]
		    .nodes[index & (NODES - 1)];
}

/* Whose timers are its own and those of all shards that retired to it. */
rota_inline struct rota_shard *
target_of(struct rota_shard *s)
{
	struct rota_shard *target;

	while ((target = word_load(&s->target, acquire))) /* retire */
		s = target;
	return s;
}

rota_inline void
free_push(struct pool_shard *ps, struct node *n)
{
	uint64_t head = word_load(&ps->free, relaxed); /* the CAS checks it */

	do {
		word_store(
		    &n->next, (uint32_t)head & NO_NODE, relaxed); /* N2 */
	} while (
	    !word_cas(&ps->free, &head, (head & ~(uint64_t)NO_NODE) | n->index,
		release, relaxed)); /* [N2] */
}

rota_inline struct node *
free_pop(struct pool *p, struct pool_shard *ps)
{
	uint64_t head = word_load(&ps->free, acquire); /* [N2] */
	struct node *n;
	uint32_t next;

	do {
		if (((uint32_t)head & NO_NODE) == NO_NODE)
			return NULL;
		n = node_known(p, (uint32_t)head & NO_NODE);
		/* Another may have it by now: then the tag has moved. */
		next = word_load(&n->next, relaxed);
	} while (!word_cas(&ps->free, &head, ((head | NO_NODE) + 1) | next,
	    acquire, acquire)); /* [N2] */
	return n;
}

/* Its timer is none any more: to the shard whose memory it is. */
static void
bare_push(struct pool *p, struct node *n)
{
	struct pool_shard *ps =
	    &p->shard[slab_at(p, n->index >> NODE_BITS)->shard];

	lock_take(&ps->lock, LOCK_POOL);
	word_store(&n->next, ps->bare, relaxed); /* under the lock */
	ps->bare = n->index;
	lock_give(&ps->lock);
}

static struct node *
bare_pop(struct pool *p, struct pool_shard *ps)
{
	struct node *n = NULL;

	lock_take(&ps->lock, LOCK_POOL);
	if (ps->bare != NO_NODE) {
		n = node_known(p, ps->bare);
		ps->bare = word_load(&n->next, relaxed); /* under the lock */
	} else if (ps->unmade != ps->unmade_end) {
		n = node_known(p, ps->unmade);
		n->index = ps->unmade++;
		word_store(&n->pin, PIN(1, 0), relaxed); /* of no handle yet */
	}
	lock_give(&ps->lock);
	return n;
}

/* One of @s, or of a shard that has retired to it. */
static struct node *
node_pop(struct rota_engine *e, struct rota_shard *s,
    struct node *(*pop)(struct pool *p, struct pool_shard *ps))
{
	struct pool *p = e->pool;
	struct node *n = NULL;

	for (struct rota_shard *f = s; !n && f; f = shard_former(s, f))
		n = pop(p, &p->shard[f->index]);
	return n;
}

/* A node whose generations are used up is never used again. */
static bool
used_up(const struct node *n)
{
	return PIN_GENERATION(word_load(&n->pin, relaxed)) == UINT32_MAX;
}

static void
node_bare(struct rota_engine *e, struct node *n)
{
	if (!used_up(n))
		bare_push(e->pool, n);
}

/* A timer of the pool was given back in a poll. */
static void
node_released(struct rota_timer *t)
{
	struct node *n = rota_container_of(t, struct node, timer);

	node_bare(n->arg, n);
}

/* On the stage, say: the owner, to take it back at once, would have to settle
 * all that is on its way, which calls others' functions. */
static bool
owner_has_queued(struct rota_shard *s, const struct rota_timer *t)
{
	uint64_t self = self_id();

	return word_load(&t->r_word, relaxed) & ST_QUEUED && /* own thread's */
	    (word_load(&s->attached, relaxed) == self ||
		word_load(&s->lock_owner, relaxed) == self);
}

/* The timer of a free node, which is the caller's, is to be one no more. True:
 * it is not; false: as soon as the owner has polled. Calls nobody. */
static bool
node_release(struct rota_engine *e, struct node *n)
{
	struct rota_timer *t = &n->timer;
	struct rota_kind *k = kind_of(t);
	struct rota_shard *s = shard_of(k);
	uint64_t was, wake;

	n->arg = e;
	/* It was stopped, and may have an entry; or it fired while a reset of
	 * it was on its way, and the inbox has not let go of it. [P5] */
	if (n->fn || word_load(&t->r_word, acquire) & ST_QUEUED) {
		if (owner_has_queued(s, t)) {
			(void)remote_release(&s->remote, &s->park, &t->r_word,
			    t, &t->r_link, &was, &wake);
			rota__shard_pushed(s, wake);
			return false;
		}
		if (rota_timer_release(t))
			return false;
	} else {
		rota__shard_uninit(k, t);
	}
	node_bare(e, n);
	return true;
}

bool
rota__pool_release(struct rota_shard *s)
{
	struct rota_engine *e = rota__engine_of(s);
	struct node *n;

	if (!word_load(&e->pool, acquire)) /* pool_of */
		return false;
	for (unsigned i = 0; i < RELEASE_MOST; i++) {
		n = node_pop(e, s, free_pop);
		if (!n)
			return false;
		if (node_release(e, n))
			return true;
	}
	return false;
}

static void
recycle(struct rota_engine *e, struct node *n)
{
	if (rota_unlikely(used_up(n)))
		(void)node_release(e, n);
	else
		free_push(
		    &e->pool->shard[shard_of(kind_unchecked(&n->timer))->index],
		    n);
}

/* Give @uses back, all of them the caller's. */
static void
unpin(struct rota_engine *e, struct node *n, uint32_t uses)
{
	uint64_t old = word_add(
	    &n->pin, (uint64_t)0 - uses, acq_rel); /* [N1] */

	if (PIN_USES(old) == uses)
		recycle(e, n);
}

/* Is @n kept? Exact for a caller that has a use of @n. */
rota_inline bool
kept(const struct node *n)
{
	return rota_unlikely(word_load(&n->next, relaxed) & KEPT);
}

/* The arming is over: its handle is stale from here on. With the arming's own
 * @uses go back, all of them the caller's. */
static void
expire(struct rota_engine *e, struct node *n, uint32_t uses)
{
	uint64_t old = word_add(&n->pin, PIN(1, 0) - uses, acq_rel); /* [N1] */

	if (PIN_USES(old) == uses)
		recycle(e, n);
}

/* By who runs @t's function: who stops the node's next user shall not find that
 * one running. */
rota_inline void
running_former(const struct rota_timer *t)
{
	struct rota_self me = rota__self;

	word_store(&me.shard->running[me.role], running_released(t),
	    release); /* [R1] */
}

static void
run(struct rota_timer *t, rota_time now)
{
	struct node *n = rota_container_of(t, struct node, timer);
	struct rota_engine *e = kind_unchecked(t)->r_pool;
	bool held = word_load(&n->next, relaxed) & HELD; /* its arming's */

	(void)now;
	if (held) { /* its function may give it back */
		running_former(t);
		n->fn(n->arg);
		return;
	}
	n->fn(n->arg);
	running_former(t); /* before anybody else may have the node */
	if (kept(n)) {
		unpin(e, n, 1);
		return;
	}
	n->fn = NULL;
	if (PIN_USES(word_load(&n->pin, relaxed))) /* ever since it was armed */
		expire(e, n, 1);
	else
		recycle(e, n);
}

/* Another slab, for @ps. Under the engine's lock. 0 or -errno. */
static int
slab_make(struct rota_engine *e, struct pool_shard *ps)
{
	struct pool *p = e->pool;
	struct slab **table = &p->table[p->slabs / TABLE], *slab;
	unsigned shard = (unsigned)(ps - p->shard);
	struct node *nodes;

	if (p->slabs == TABLE * TABLE)
		return -ENOSPC;
	if (!*table) {
		struct slab *fresh = rota__engine_alloc(
		    e, 0, TABLE * sizeof(*fresh), ROTA_LINE);

		if (!fresh)
			return -ENOMEM;
		memset(fresh, 0, TABLE * sizeof(*fresh));
		word_store(table, fresh, release); /* slab_at */
	}
	nodes = rota__engine_alloc(e, shard, NODES * sizeof(*nodes), ROTA_LINE);
	if (!nodes)
		return -ENOMEM;
	memset(nodes, 0, NODES * sizeof(*nodes)); /* of no generation */
	slab = &(*table)[p->slabs % TABLE];
	slab->shard = shard;
	word_store(&slab->nodes, nodes, release); /* node_at */
	lock_take(&ps->lock, LOCK_POOL);
	ps->unmade = p->slabs << NODE_BITS;
	ps->unmade_end = ps->unmade + NODES;
	lock_give(&ps->lock);
	rota_in_order(); /* a child frees what is counted */
	p->slabs++;
	return 0;
}

/* See that @ps has a bare node. 0 or -errno. */
static int
slab_add(struct rota_engine *e, struct pool_shard *ps)
{
	bool there;
	int r = 0;

	lock_take(&e->lock, LOCK_ENGINE);
	lock_take(&ps->lock, LOCK_POOL);
	there = ps->bare != NO_NODE || ps->unmade != ps->unmade_end;
	lock_give(&ps->lock);
	if (!there) /* another thread was not first */
		r = slab_make(e, ps);
	lock_give(&e->lock);
	return r;
}

/* At the end of @e. */
static void
pool_destroy(struct rota_engine *e)
{
	struct pool *p = e->pool;

	if (!p)
		return;
	for (uint32_t i = p->slabs; i-- > 0;) {
		struct slab *slab = slab_at(p, i);

		rota__engine_free(
		    e, slab->shard, slab->nodes, NODES * sizeof(*slab->nodes));
	}
	for (uint32_t i = 0; i < TABLE && p->table[i]; i++)
		rota__engine_free(
		    e, 0, p->table[i], TABLE * sizeof(struct slab));
	for (unsigned i = 0; i < e->shards && !engine_forked(e); i++)
		pthread_mutex_destroy(&p->shard[i].lock);
	rota__engine_free(e, 0, p, pool_bytes(e));
	e->pool = NULL;
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
			ps->free = ps->bare = NO_NODE;
			/* A shard that has retired has no use for it, which is
			 * nothing to log: the lock is held. */
			(void)rota__kind_add(&ps->kind, &e->shard[i],
			    &(struct rota_kind_config){ .fire = run,
				.released = node_released,
				.name = POOL_NAME },
			    ROTA_HERE);
			ps->kind.r_pool = e;
		}
		e->pool_end = pool_destroy;
		word_store(&e->pool, p, release); /* above */
	}
	lock_give(&e->lock);
	return p;
}

/* node_alloc() where none is free at hand. */
static rota_noinline int
node_make(struct rota_engine *e, struct rota_shard *s, struct node **out)
{
	struct pool_shard *ps = &e->pool->shard[s->index];
	struct node *n;
	int r;

	*out = node_pop(e, s, free_pop);
	if (*out)
		return 0;
	while (!(n = node_pop(e, s, bare_pop))) {
		r = slab_add(e, ps);
		if (r)
			return r;
	}
	r = rota_timer_init(&n->timer, &ps->kind);
	if (r)
		bare_push(e->pool, n);
	else
		*out = n;
	return r;
}

/* A node that nobody has, its timer one of @s. */
rota_inline int
node_alloc(struct rota_engine *e, struct rota_shard *s, struct node **out)
{
	*out = free_pop(e->pool, &e->pool->shard[s->index]);
	return rota_likely(*out != NULL) ? 0 : node_make(e, s, out);
}

static int
node_get(struct rota_engine *e, struct rota_shard *s, rota_func *fn, void *arg,
    struct node **n)
{
	int r;

	if (rota_unlikely(!pool_of(e)))
		return -ENOMEM;
	do { /* again, if it retired before its pool was made */
		s = target_of(s);
		r = node_alloc(e, s, n);
	} while (r == -EINVAL && target_of(s) != s);
	if (r)
		return r;
	(*n)->fn = fn;
	(*n)->arg = arg;
	return 0;
}

/* The handle of @n, which makes its first use. */
rota_inline rota_handle
node_name(struct node *n)
{
	/* Nobody else stores it: its uses are 0. */
	uint64_t pin = word_load(&n->pin, relaxed);

	word_store(&n->pin, pin + 1, release); /* [N1] */
	return pin | n->index;
}

int
rota__node_take(
    struct rota_engine *e, rota_func *fn, void *arg, struct rota_timer **t)
{
	struct node *n;
	int r = node_get(e, rota_engine_local_shard(e), fn, arg, &n);

	if (r)
		return r;
	(void)node_name(n);
	word_store(&n->next, HELD, relaxed); /* its arming tells run() */
	*t = &n->timer;
	return 0;
}

struct rota_shard *
rota__node_shard(const struct rota_timer *t)
{
	return shard_of(kind_unchecked((struct rota_timer *)t));
}

void
rota__node_give(struct rota_timer *t)
{
	struct node *n = rota_container_of(t, struct node, timer);

	word_store(&n->next, NO_NODE, relaxed); /* the push tells the next */
	expire(kind_unchecked(t)->r_pool, n, 1);
}

static int
after_func(struct rota_engine *e, struct rota_shard *s, rota_time when,
    rota_func *fn, void *arg, rota_handle *h)
{
	struct node *n;
	int r = node_get(e, s, fn, arg, &n);

	if (r)
		return r;
	if (h) /* the function may run before this returns */
		*h = node_name(n);
	rota_timer_reset_at(&n->timer, when);
	return 0;
}

int
rota_shard_after_func(struct rota_shard *s, rota_time when, rota_func *fn,
    void *arg, rota_handle *h)
{
	if (!s)
		return -EINVAL;
	if (!fn)
		return rota__misuse_once(s, MISUSE_SHARD_FUNC,
		    "rota_shard_after_func(): shard %u: @fn is NULL", s->index);
	if (shard_forked(s))
		return -ECHILD;
	return after_func(rota__engine_of(s), s, when, fn, arg, h);
}

int
rota_after_func(struct rota_engine *e, rota_span span, rota_func *fn, void *arg,
    rota_handle *h)
{
	if (!e)
		return -EINVAL;
	if (!fn)
		return rota__misuse_once(
		    e->shard, MISUSE_FUNC, "rota_after_func(): @fn is NULL");
	if (engine_forked(e))
		return -ECHILD;
	return after_func(e, rota_engine_local_shard(e),
	    rota_when(rota__clock_read(&e->clock), span), fn, arg, h);
}

/* Take a use of the node that @h names. 0, -ESTALE or -EINVAL. The acquire is
 * for a handle that came without order: the node is as node_name() left it.
 * No release: what the caller does with the node comes behind, and unpin() or
 * expire() passes it on. */
static int
handle_pin(struct rota_engine *e, rota_handle h, struct node **out)
{
	struct pool *p = e ? word_load(&e->pool, acquire) : NULL; /* pool_of */
	struct node *n = p ? node_at(p, (uint32_t)h) : NULL;
	uint64_t old;

	if (e && engine_forked(e))
		return -ECHILD;
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
	    !word_cas(&n->pin, &old, old + 1, acquire, relaxed)); /* [N1] */
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
	if (r == ROTA_PREVENTED && !kept(n)) { /* its use, and ours */
		expire(e, n, 2);
		return r;
	}
	if (r == ROTA_NOT_PENDING && !kept(n))
		r = -ESTALE; /* another was first, but has not said so yet */
	unpin(e, n, r == ROTA_PREVENTED ? 2 : 1);
	return r;
}

int
rota_handle_reset_at(struct rota_engine *e, rota_handle h, rota_time when)
{
	struct node *n;
	int r = handle_pin(e, h, &n);

	if (r)
		return r;
	if (kept(n)) {
		r = rota_timer_reset_at(&n->timer, when);
		if (r == 0)
			return 0; /* our use is the arming's */
	} else {
		r = rota__timer_push(&n->timer, when) == 1 ? 1 : -ESTALE;
	}
	unpin(e, n, 1);
	return r;
}

int
rota_handle_pending(struct rota_engine *e, rota_handle h)
{
	struct node *n;
	int r = handle_pin(e, h, &n);

	if (r)
		return r;
	r = rota_timer_pending(&n->timer);
	if (!r && !kept(n))
		r = -ESTALE;
	unpin(e, n, 1);
	return r;
}

int
rota_handle_init(struct rota_shard *s, rota_func *fn, void *arg, rota_handle *h)
{
	struct rota_engine *e;
	struct node *n;
	int r;

	if (!s)
		return -EINVAL;
	if (!fn || !h)
		return rota__misuse_once(s, MISUSE_HANDLE,
		    "rota_handle_init(): shard %u: @fn or @h is NULL",
		    s->index);
	if (shard_forked(s))
		return -ECHILD;
	e = rota__engine_of(s);
	r = node_get(e, s, fn, arg, &n);
	if (r)
		return r;
	word_store(&n->next, KEPT, relaxed); /* [N1] */
	*h = node_name(n);
	return 0;
}

int
rota_handle_release(struct rota_engine *e, rota_handle h)
{
	struct node *n;
	int r = handle_pin(e, h, &n);
	uint64_t old;

	if (r)
		return r;
	if (!kept(n)) {
		unpin(e, n, 1);
		return rota__misuse_once(e->shard, MISUSE_HANDLE_RELEASE,
		    "rota_handle_release(): the handle is not of "
		    "rota_handle_init(): rota_handle_stop() ends it");
	}
	/* Relaxed: it only says which release is first. The caller has a use of
	 * the node, and passes on what it does with it when it gives that
	 * back. */
	old = word_load(&n->pin, relaxed);
	do {
		if (PIN_GENERATION(old) != PIN_GENERATION(h)) {
			unpin(e, n, 1); /* another was first */
			return -ESTALE;
		}
	} while (!word_cas(&n->pin, &old, old + PIN(1, 0), relaxed, relaxed));
	r = rota_timer_stop(&n->timer);
	unpin(e, n, r == ROTA_PREVENTED ? 3 : 2);
	return r;
}

void
rota__pool_undriven(struct rota_shard *s, const char *fn)
{
	s = target_of(s);
	/* Maybe adopters are all that polls. */
	if (!s->config->log || s->config->flags & ROTA_DRIVERS ||
	    word_load(&s->adopted, relaxed)) /* a figure */
		return;
	if (word_load(&s->attached, relaxed) && /* a snapshot */
	    !rota__misuse_owner_over(s))
		return;
	(void)rota__misuse_once(s, MISUSE_UNDRIVEN,
	    "%s(): nobody polls shard %u, whose timer shall end this wait: let "
	    "a thread rota_shard_attach() and poll it, or create the engine "
	    "with ROTA_DRIVERS",
	    fn, s->index);
}

void
rota__layer_left(struct rota_engine *e, void (*left)(struct rota_layer *l))
{
	word_store(&e->layer_left, left, release); /* destroy_refused */
}
