/* SPDX-License-Identifier: MIT
 *
 * wait.c - a thread's wait, which a claim or the clock ends; and the wait
 * layer.
 */
#include "api/wait/wait.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Log what was not given back, of @contexts and the rest. */
static void
say_left(struct wait_layer *layer, unsigned long contexts)
{
	unsigned long channels = word_load(&layer->channels, relaxed);
	unsigned long executors = word_load(&layer->executors, relaxed);
	char line[120];

	if (!channels && !contexts && !executors) /* relaxed: at rest */
		return;
	snprintf(line, sizeof(line),
	    "rota: not given back: %lu channel%s, %lu context%s, %lu "
	    "executor%s",
	    channels, channels == 1 ? "" : "s", contexts,
	    contexts == 1 ? "" : "s", executors, executors == 1 ? "" : "s");
	rota_engine_log(layer->engine, line);
}

static void
layer_end(struct rota_layer *l)
{
	struct wait_layer *layer = rota_container_of(
	    l, struct wait_layer, at_destroy);

	/* In the child of a fork a thread of the parent may have locked the
	 * mutex, and only the parent reports what was not given back. */
	if (!layer_forked(layer)) {
		say_left(layer, rota__context_leaks(layer));
		pthread_mutex_destroy(&layer->lock);
	}
	rota_engine_free(layer->engine, layer, sizeof(*layer));
}

/* The engine's end was refused. */
static void
layer_left(struct rota_layer *l)
{
	struct wait_layer *layer = rota_container_of(
	    l, struct wait_layer, at_destroy);

	if (l->end == layer_end) /* else the place was taken */
		say_left(layer, rota__context_left(layer));
}

struct wait_layer *
rota__wait_layer(struct rota_engine *e)
{
	struct rota_layer *l = rota_engine_at_destroy(e, NULL);
	struct wait_layer *layer;

	if (!l) {
		layer = rota_engine_alloc(e, sizeof(*layer));
		if (!layer)
			return NULL;
		memset(layer, 0, sizeof(*layer));
		layer->at_destroy.end = layer_end;
		layer->engine = e;
		pthread_mutex_init(&layer->lock, NULL);
		rota__layer_left(e, layer_left);
		l = rota_engine_at_destroy(e, &layer->at_destroy);
		if (l != &layer->at_destroy) { /* another thread was first */
			pthread_mutex_destroy(&layer->lock);
			rota_engine_free(e, layer, sizeof(*layer));
		}
	}
	/* Another maker's layer: the place is taken. */
	return l->end == layer_end
	    ? rota_container_of(l, struct wait_layer, at_destroy)
	    : NULL;
}

#define LINE_BEGIN "rota: "

int
rota__wait_misuse(
    struct rota_engine *e, enum wait_misuse m, int r, const char *format, ...)
{
	struct wait_layer *layer = rota_engine_forked(e) ? NULL
							 : rota__wait_layer(e);
	uint64_t bit = (uint64_t)1 << m, old;
	char line[400] = LINE_BEGIN;
	const size_t begin = sizeof(LINE_BEGIN) - 1;
	int saved = errno; /* the hook may be careless */
	va_list args;

	old = layer ? word_load(&layer->said, relaxed)
		    : bit; /* the CAS checks it */
	do {
		if (old & bit)
			return r;
	} while (!word_cas(&layer->said, &old, old | bit, relaxed,
	    relaxed)); /* only who is first */
	va_start(args, format);
	vsnprintf(line + begin, sizeof(line) - begin, format, args);
	va_end(args);
	rota_engine_log(e, line);
	errno = saved;
	return r;
}

void *
rota__layer_alloc(struct rota_engine *e, size_t size, struct wait_layer **layer)
{
	void *part;

	*layer = rota__wait_layer(e);
	part = *layer ? rota_engine_alloc(e, size) : NULL;
	return part ? memset(part, 0, size) : NULL;
}

void
rota__wait_list_init(struct wait_list *l)
{
	l->first = NULL;
	l->last = &l->first;
}

void
rota__wait_list_add(
    struct wait_list *l, struct wait_node *n, struct waiter *w, unsigned source)
{
	n->waiter = w;
	n->next = NULL;
	n->prev = l->last;
	n->source = source;
	*l->last = n;
	l->last = &n->next;
}

static void
detach(struct wait_list *l, struct wait_node *n)
{
	*n->prev = n->next;
	if (n->next)
		n->next->prev = n->prev;
	else
		l->last = n->prev;
	n->waiter = NULL;
}

void
rota__wait_list_remove(struct wait_list *l, struct wait_node *n)
{
	if (n->waiter)
		detach(l, n);
}

struct waiter *
rota__wait_list_claim(struct wait_list *l)
{
	struct wait_node *n;

	while ((n = l->first)) {
		struct waiter *w = n->waiter;

		detach(l, n);
		/* A node in a list has a waiter; the static analyser cannot
		 * know. */
		if (w && rota__waiter_claim(w, n->source))
			return w;
	}
	return NULL;
}

void
rota__wait_list_fail(struct wait_list *l, int r)
{
	struct wait_node *n;

	while ((n = l->first)) {
		struct waiter *w = n->waiter;

		detach(l, n);
		if (w && rota__waiter_claim(w, WAIT_FAILED)) {
			w->value = r;
			rota__waiter_wake(w);
		}
	}
}

int
rota__waiter_init(struct waiter *w, struct wait_layer *layer, const char *fn)
{
	if (layer_forked(layer))
		return -ECHILD;
	if (rota_engine_would_deadlock(layer->engine))
		return !fn
		    ? -EDEADLK
		    : rota__wait_misuse(layer->engine, WAIT_MISUSE_OWNER,
			  -EDEADLK,
			  "%s(): this thread owns a shard of the engine, or is "
			  "in one of its callbacks, and would keep that "
			  "shard's timers from firing: wait in another thread",
			  fn);
	if (layer->bubble && !rota__bubble_member(layer->bubble))
		return -EPERM;
	*w = (struct waiter){ .layer = layer };
	pthread_mutex_init(&w->own, NULL);
	pthread_cond_init(&w->wake, NULL);
	return 0;
}

void
rota__waiter_destroy(struct waiter *w)
{
	pthread_cond_destroy(&w->wake);
	pthread_mutex_destroy(&w->own);
}

static pthread_mutex_t *
lock_of(struct waiter *w)
{
	struct rota_bubble *b = w->layer->bubble;

	return b ? rota__bubble_lock(b) : &w->own;
}

bool
rota__waiter_take(struct waiter *w, unsigned source)
{
	bool claimed = w->taken == WAIT_NOBODY;

	if (claimed)
		w->taken = source;
	return claimed;
}

bool
rota__waiter_claim(struct waiter *w, unsigned source)
{
	pthread_mutex_t *lock = lock_of(w);
	bool claimed;

	lock_take(lock, LOCK_WAITER);
	claimed = rota__waiter_take(w, source);
	lock_give(lock);
	return claimed;
}

void
rota__waiter_awake(struct waiter *w)
{
	w->awake = true;
	if (w->asleep && w->layer->bubble)
		rota__bubble_woken(w->layer->bubble, w);
	w->asleep = false;
	pthread_cond_signal(&w->wake);
}

void
rota__waiter_wake(struct waiter *w)
{
	pthread_mutex_t *lock = lock_of(w);

	lock_take(lock, LOCK_WAITER);
	rota__waiter_awake(w);
	lock_give(lock);
}

/* The instant has come. All under one lock: afterwards the waiter may be
 * gone. */
static void
ring(void *arg)
{
	struct waiter *w = arg;
	pthread_mutex_t *lock = lock_of(w);

	lock_take(lock, LOCK_WAITER);
	if (rota__waiter_take(w, WAIT_TIME))
		rota__waiter_awake(w);
	w->rung = true;
	pthread_cond_signal(&w->wake);
	lock_give(lock);
}

void
rota__wait_undriven(
    const struct wait_layer *layer, struct rota_shard *s, const char *fn)
{
	if (s && !layer->bubble) /* which polls once all are asleep */
		rota__pool_undriven(s, fn);
}

int
rota__waiter_wait(struct waiter *w, rota_time until, const char *fn)
{
	struct rota_engine *e = w->layer->engine;
	struct rota_shard *s = NULL;
	pthread_mutex_t *lock = lock_of(w);
	rota_handle h = 0;
	int r;

	if (until < ROTA_NEVER) {
		s = rota_engine_local_shard(e);
		r = rota_shard_after_func(s, until, ring, w, &h);
		if (r)
			return r;
	}
	rota__wait_undriven(w->layer, s, fn);
	lock_take(lock, LOCK_WAITER);
	if (w->layer->bubble) {
		rota__bubble_sleep(w->layer->bubble, w);
	} else {
		while (!w->awake)
			lock_wait(&w->wake, lock);
	}
	lock_give(lock);
	if (!h || rota_handle_stop(e, h) == ROTA_PREVENTED)
		return 0;
	lock_take(lock, LOCK_WAITER); /* ring() has @w or is about to */
	while (!w->rung)
		lock_wait(&w->wake, lock);
	lock_give(lock);
	return 0;
}
