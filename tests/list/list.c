/* SPDX-License-Identifier: MIT
 *
 * list.c - tests/list/list.h: its memory, its check, and its answers to what
 * the contract asks of core/.
 */
#include <errno.h>
#include <string.h>

#include "core/park_walk.h"
#include "core/steps.h"

int
rota__backend_init(struct queue *b, enum rota_backend backend, uint64_t max,
    uint64_t now, const struct rota_mem *mem)
{
	(void)now;
	memset(b, 0, sizeof(*b));
	b->max_blocks = (uint32_t)((max + LIST_HEADS) / LIST_BLOCK + 1);
	b->block = mem->alloc(mem->arg, b->max_blocks * sizeof(*b->block), 64);
	if (!b->block)
		return -ENOMEM;
	b->fresh = LIST_HEADS;
	if (rota__backend_grow(b, backend, 1, mem)) {
		rota__backend_destroy(b, backend, mem);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < LIST_HEADS; i++)
		*list_at(b, i) = (struct list_node){
			.next = i, .prev = i, .deferred = i == LIST_DEFERRED
		};
	return 0;
}

void
rota__backend_destroy(
    struct queue *b, enum rota_backend backend, const struct rota_mem *mem)
{
	(void)backend;
	while (b->blocks > 0)
		mem->free(mem->arg, b->block[--b->blocks],
		    LIST_BLOCK * sizeof(**b->block));
	if (b->block)
		mem->free(
		    mem->arg, b->block, b->max_blocks * sizeof(*b->block));
	b->block = NULL;
}

int
rota__backend_grow(struct queue *b, enum rota_backend backend, uint64_t n,
    const struct rota_mem *mem)
{
	(void)backend;
	while ((uint64_t)b->blocks * LIST_BLOCK < n + LIST_HEADS) {
		struct list_node *block = mem->alloc(
		    mem->arg, LIST_BLOCK * sizeof(*block), 64);

		if (!block)
			return -ENOMEM;
		b->block[b->blocks++] = block;
	}
	return 0;
}

void
rota__backend_lower_begin(const struct queue *b, enum rota_backend backend,
    uint64_t n, struct backend_lower *l)
{
	(void)b, (void)backend, (void)n, (void)l;
}

bool
rota__backend_lower(struct queue *b, enum rota_backend backend,
    struct backend_lower *l, uint64_t *left)
{
	(void)b, (void)backend, (void)l, (void)left;
	return true;
}

void
rota__backend_cut(
    struct queue *b, enum rota_backend backend, const struct backend_lower *l)
{
	(void)b, (void)backend, (void)l;
}

uint64_t
rota__backend_shrink(struct queue *b, enum rota_backend backend, uint64_t n,
    const struct rota_mem *mem)
{
	(void)b, (void)backend, (void)n, (void)mem;
	return 0;
}

int
rota__backend_check(const struct queue *b, enum rota_backend backend)
{
	uint32_t len[LIST_HEADS] = { 0 };

	(void)backend;
	for (uint32_t head = 0; head < LIST_HEADS; head++)
		for (uint32_t at = head, i; (i = list_at(b, at)->next) != head;
		     at = i, len[head]++) {
			const struct list_node *n = list_at(b, i);

			if (n->prev != at || !n->item || *n->item != i)
				return __LINE__;
			if (head == LIST_SORTED && at != head &&
			    list_at(b, at)->when > n->when)
				return __LINE__;
		}
	if (len[LIST_SORTED] != b->len || len[LIST_DEFERRED] != b->deferred)
		return __LINE__;
	return 0;
}

/* A list has nothing to cascade and no slots, and moves entries one by one. */
bool
rota__cascade(struct poll *p)
{
	(void)p;
	return true;
}

void
rota__cascade_early(struct poll *p)
{
	p->s->early_from = UINT64_MAX;
}

uint64_t
rota__shard_rekey_due(
    struct rota_shard *s, uint64_t upto, uint64_t now, uint64_t most)
{
	(void)s, (void)upto, (void)now, (void)most;
	return 0;
}

/* Examine the entry of node @i. True: it stays; *@d gets its timer's deadline.
 * False: it is out, or has a later key. */
static bool
look(struct rota_shard *s, uint32_t i, uint64_t *d)
{
	struct queue *b = &s->queue;
	struct rota_timer *t = timer_of(list_at(b, i)->item);

	if (!front_look(s, t, d)) {
		backend_remove(b, s->backend, &t->r_place);
		return false;
	}
	if (*d <= list_at(b, i)->when)
		return true;
	backend_remove(b, s->backend, &t->r_place);
	shard_set_key(kind_unchecked(t), t, *d,
	    backend_insert(b, s->backend, &t->r_place, *d, t->r_seq, 0));
	count_add(&s->count.moves, 1);
	return false;
}

void
rota__park_first(struct rota_shard *s)
{
	uint64_t left = FRONT_LOOKS, d;
	uint32_t i;

	while (left-- > 0 &&
	    (i = list_at(&s->queue, LIST_SORTED)->next) != LIST_SORTED)
		if (look(s, i, &d))
			return;
}

void
rota__park_walk(struct rota_shard *s, struct front *f)
{
	struct queue *b = &s->queue;
	uint32_t i = list_at(b, LIST_SORTED)->next, next;

	for (; i != LIST_SORTED; i = next) {
		uint64_t when = list_at(b, i)->when, d;

		next = list_at(b, i)->next;
		if (!front_counts(f, when))
			return;
		if (!f->looks) {
			front_rest(s, f, when);
			return;
		}
		f->looks--;
		if (look(s, i, &d))
			front_found(f, when,
			    kind_latest(
				kind_unchecked(timer_of(list_at(b, i)->item)),
				when));
		else
			next = list_at(b, LIST_SORTED)->next;
	}
}
