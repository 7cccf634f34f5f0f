/* SPDX-License-Identifier: MIT
 *
 * list.h - the contract of core/backend.h, kept by a sorted list: the least
 * that does so, for tests. Each operation walks the list from its start.
 *
 * Items come up in the order of (when, seq), deferred ones in that in which
 * they were deferred. A stale entry keeps its key until it comes up or the
 * owner parks; it makes the list look for no others. A list does not cascade.
 * It is exact, whatever the shard's backend is called.
 *
 * Invariant  an item's place is the index of its node. Node 0 is the head of
 *            the sorted ring, node 1 that of the deferred.
 */
#ifndef ROTA_TESTS_LIST_LIST_H
#define ROTA_TESTS_LIST_LIST_H

#include "core/due.h"

#define BACKEND_LAST ((((uint64_t)1 << 60) - 1) - ((uint64_t)1 << 20))
#define LIST_BLOCK 64 /* nodes */

enum { LIST_SORTED, LIST_DEFERRED, LIST_HEADS };

struct list_node {
	uint64_t when;
	uint32_t seq, next, prev;
	uint32_t *item; /* NULL: free, or a head */
	bool deferred;
};

struct queue {
	struct list_node **block;
	uint32_t blocks, max_blocks;
	uint32_t free;  /* the first of the free nodes, by next; 0: none */
	uint32_t fresh; /* nodes from here on were never used */
	uint32_t len, deferred;
};

struct backend_lower {
	char nothing; /* a list gives no memory back */
};

struct backend_cursor {
	uint32_t at;
};

rota_inline struct list_node *
list_at(const struct queue *b, uint32_t i)
{
	return &b->block[i / LIST_BLOCK][i % LIST_BLOCK];
}

/* A new node for @item, before node @at. */
rota_inline void
list_link(
    struct queue *b, uint32_t at, uint32_t *item, uint64_t when, uint32_t seq)
{
	uint32_t i = b->free, prev = list_at(b, at)->prev;

	if (i)
		b->free = list_at(b, i)->next;
	else
		i = b->fresh++;
	*list_at(b, i) = (struct list_node){ when, seq, at, prev, item,
		list_at(b, at)->deferred };
	list_at(b, prev)->next = list_at(b, at)->prev = i;
	*item = i;
}

rota_inline void
list_unlink(struct queue *b, uint32_t i)
{
	struct list_node *n = list_at(b, i);

	list_at(b, n->prev)->next = n->next;
	list_at(b, n->next)->prev = n->prev;
	n->item = NULL;
	n->next = b->free;
	b->free = i;
}

/* The first node that @when and @seq are before; LIST_SORTED: none. */
rota_inline uint32_t
list_find(const struct queue *b, uint64_t when, uint32_t seq)
{
	uint32_t i = list_at(b, LIST_SORTED)->next;

	while (i != LIST_SORTED &&
	    (list_at(b, i)->when < when ||
		(list_at(b, i)->when == when &&
		    !seq_before(seq, list_at(b, i)->seq))))
		i = list_at(b, i)->next;
	return i;
}

rota_inline void
backend_lower_ask(struct backend_lower *l,
    bool (*gone)(void *arg, const uint32_t *item), void *arg)
{
	(void)l, (void)gone, (void)arg;
}

rota_inline uint64_t
backend_instant(enum rota_backend backend, uint64_t d, uint64_t slack)
{
	(void)backend, (void)slack;
	return d;
}

rota_inline bool
backend_later(
    enum rota_backend backend, uint64_t d, uint64_t slack, uint64_t now)
{
	(void)backend, (void)slack;
	return d > now;
}

rota_inline uint64_t
backend_insert(struct queue *b, enum rota_backend backend, uint32_t *item,
    uint64_t d, uint32_t seq, uint64_t slack)
{
	(void)backend, (void)slack;
	list_link(b, list_find(b, d, seq), item, d, seq);
	b->len++;
	return d;
}

rota_inline bool
backend_try_insert(struct queue *b, enum rota_backend backend, uint32_t *item,
    uint64_t d, uint32_t seq, uint64_t slack, uint64_t *when)
{
	*when = backend_insert(b, backend, item, d, seq, slack);
	return true;
}

rota_inline bool
list_is_deferred(const struct queue *b, const uint32_t *item)
{
	return list_at(b, *item)->deferred;
}

rota_inline void
backend_remove(struct queue *b, enum rota_backend backend, uint32_t *item)
{
	(void)backend;
	if (list_is_deferred(b, item))
		b->deferred--;
	else
		b->len--;
	list_unlink(b, *item);
}

rota_inline uint64_t
backend_key(
    const struct queue *b, enum rota_backend backend, const uint32_t *item)
{
	(void)backend;
	return list_at(b, *item)->when;
}

rota_inline uint64_t
backend_move_earlier(struct queue *b, enum rota_backend backend, uint32_t *item,
    uint64_t d, uint32_t seq, uint64_t slack)
{
	const struct list_node *n = list_at(b, *item);

	if (n->deferred)
		return 0;
	if (n->when < d || (n->when == d && !seq_before(seq, n->seq)))
		return n->when;
	backend_remove(b, backend, item);
	return backend_insert(b, backend, item, d, seq, slack);
}

rota_inline bool
backend_try_rise(struct queue *b, enum rota_backend backend, uint32_t *item,
    uint64_t d, uint32_t seq)
{
	(void)b, (void)backend, (void)item, (void)d, (void)seq;
	return false;
}

/* A removal writes no other item's place. */
rota_inline uint32_t *
backend_last(const struct queue *b, enum rota_backend backend, uint32_t *item)
{
	(void)b, (void)backend;
	return item;
}

rota_inline void
backend_drop_last(struct queue *b, const uint32_t *item)
{
	(void)b, (void)item;
}

/* Nothing is fetched. */
rota_inline void
backend_ready(
    const struct queue *b, enum rota_backend backend, const uint32_t *item)
{
	(void)b, (void)backend, (void)item;
}

rota_inline bool
backend_fetch(const struct queue *b, enum rota_backend backend,
    const uint32_t *item, uint64_t d, uint64_t slack)
{
	(void)b, (void)backend, (void)item, (void)d, (void)slack;
	return false;
}

rota_inline void
backend_fetch_on(
    const struct queue *b, enum rota_backend backend, const uint32_t *item)
{
	(void)b, (void)backend, (void)item;
}

rota_inline void
backend_defer(struct queue *b, enum rota_backend backend, uint32_t *item)
{
	(void)backend;
	list_link(b, LIST_DEFERRED, item, 0, 0);
	b->deferred++;
}

rota_inline uint32_t *
backend_undefer(struct queue *b, enum rota_backend backend)
{
	uint32_t i = list_at(b, LIST_DEFERRED)->next;
	uint32_t *item = list_at(b, i)->item;

	if (item)
		backend_remove(b, backend, item);
	return item;
}

rota_inline uint32_t
backend_deferred(const struct queue *b, enum rota_backend backend)
{
	(void)backend;
	return b->deferred;
}

rota_inline enum backend_due
backend_due(struct queue *b, enum rota_backend backend, uint64_t now,
    struct backend_turn *turn, bool full, struct backend_entry *e)
{
	const struct list_node *n = list_at(b, list_at(b, LIST_SORTED)->next);

	(void)backend, (void)turn, (void)full;
	if (!n->item || n->when > now)
		return BACKEND_DUE_NONE;
	*e = (struct backend_entry){ n->item, n->when, n->seq, false };
	return BACKEND_DUE_ENTRY;
}

rota_inline uint64_t
backend_before(enum rota_backend backend, const struct backend_entry *e,
    uint64_t now, uint32_t seq)
{
	(void)backend, (void)now;
	return e->when + !seq_before(e->seq, seq);
}

rota_inline void
backend_take(struct queue *b, enum rota_backend backend,
    const struct backend_entry *e, const bool in_heap)
{
	(void)backend, (void)e, (void)in_heap;
	list_unlink(
	    b, list_at(b, LIST_SORTED)->next); /* *e->item may be gone */
	b->len--;
}

rota_inline uint64_t
backend_refile(struct queue *b, enum rota_backend backend,
    const struct backend_entry *e, uint64_t d, uint32_t seq, uint64_t slack)
{
	backend_take(b, backend, e, false);
	return backend_insert(b, backend, e->item, d, seq, slack);
}

rota_inline bool
backend_rekeys(enum rota_backend backend)
{
	(void)backend;
	return false;
}

rota_inline bool
backend_dear(const struct queue *b)
{
	(void)b;
	return false;
}

rota_inline uint64_t
backend_cost(const struct queue *b)
{
	(void)b;
	return 1;
}

rota_inline void
backend_advance(struct queue *b, enum rota_backend backend, uint64_t now)
{
	(void)b, (void)backend, (void)now;
}

rota_inline uint64_t
backend_begins(const struct queue *b)
{
	const struct list_node *n = list_at(b, list_at(b, LIST_SORTED)->next);

	return n->item ? n->when : UINT64_MAX;
}

rota_inline uint64_t
backend_next(struct queue *b, enum rota_backend backend)
{
	(void)backend;
	return b->deferred ? 0 : backend_begins(b);
}

rota_inline uint64_t
backend_len(const struct queue *b)
{
	return (uint64_t)b->len + b->deferred;
}

rota_inline uint32_t *
backend_visit_step(const struct queue *b, struct backend_cursor *c, bool *end)
{
	*end = false;
	if (c->at < LIST_HEADS)
		c->at = LIST_HEADS;
	if (c->at < b->fresh)
		return list_at(b, c->at++)->item;
	*end = true;
	return NULL;
}

rota_inline void
backend_visit_prefetch(const struct queue *b, const struct backend_cursor *c)
{
	(void)b, (void)c;
}

rota_inline void
backend_unvisit(struct backend_cursor *c, const uint32_t *item)
{
	(void)c, (void)item; /* no other item takes its place */
}

#endif
