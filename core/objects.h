/* SPDX-License-Identifier: MIT
 *
 * objects.h - debug builds know which timers live.
 *
 * With ROTA_DEBUG_OBJECTS a table has each timer by its address, from its
 * init to the end of its release, and for a while longer, so that a call on a
 * dead timer is reported. Each call asks the table. So does the owner before it
 * reads a timer whose entry has come up: it does not read memory that was
 * reused, nor a timer whose kind's memory is gone. Without ROTA_DEBUG_OBJECTS
 * nothing here is called.
 *
 * The table is the process's, behind one mutex: the memory of a timer may have
 * been another engine's. A line is logged without that mutex.
 *
 * Source: the states are those of Linux's lib/debugobjects.c.
 */
#ifndef ROTA_CORE_OBJECTS_H
#define ROTA_CORE_OBJECTS_H

#include <stdbool.h>

#include <rota/engine.h>

#ifdef ROTA_DEBUG_OBJECTS
#include <pthread.h>

extern pthread_mutex_t rota__objects_lock; /* the table's */
#endif

/* object_may_init - may @t become a timer of @k? 0, -EBUSY, -EINVAL. */
int rota__object_may_init(const struct rota_timer *t, struct rota_kind *k);
/* object_no_kind - a timer was to be of @k, which is no kind. */
void rota__object_no_kind(const struct rota_kind *k);
/* object_born - @t is now a timer of @k, by the init at the line @site, NULL:
 * unknown, or near @caller. */
void rota__object_born(const struct rota_timer *t, struct rota_kind *k,
    const char *site, const void *caller);
/* object_moved - @t is of @k from now on. */
void rota__object_moved(const struct rota_timer *t, struct rota_kind *k);
/* object_free - the release of @t is complete. */
void rota__object_free(const struct rota_timer *t);
/* object_kind - @k begins anew, or ends; object_kind_made - @k has begun. */
void rota__object_kind(const struct rota_kind *k);
void rota__object_kind_made(struct rota_kind *k);
/* object_kinds - before the kinds of @s are gone through: none is among them
 * any more whose memory went. Under the lock of @s. */
void rota__object_kinds(struct rota_shard *s);
/* objects_end - @e is destroyed: no timer of @e lives. */
void rota__objects_end(const struct rota_engine *e);
/* object_home - the calling thread owns @s: whom to tell of what is no timer
 * at all. */
void rota__object_home(struct rota_shard *s);

/* object_call - is @t, for which @fn was called, a timer? */
bool rota__object_call(const struct rota_timer *t, const char *fn);
/* object_owned - may the calling thread touch @t of @k, on @s? */
bool rota__object_owned(const struct rota_timer *t, const struct rota_kind *k,
    const struct rota_shard *s, const char *fn);
/* object_when, object_span - does an instant, a span look like one? */
void rota__object_when(const struct rota_timer *t, rota_time when);
void rota__object_span(const struct rota_timer *t, rota_span span);
/* object_now - the same of the instant of @fn, a poll; it is not after the
 * clock, if that is the library's own. */
void rota__object_now(struct rota_shard *s, rota_time now, const char *fn);

/* object_linked - @t has an entry, or has none any more. The lock owner. */
void rota__object_linked(const struct rota_timer *t, bool enqueued);
/* object_lost - @t, which came up on @s, is no timer any more: forget it, and
 * do not look at it. The lock owner. */
bool rota__object_lost(struct rota_shard *s, const struct rota_timer *t);
/* object_there - may @t be looked at? No more than a question. */
bool rota__object_there(const struct rota_timer *t);
/* object_cut - object_lost() of the first of a list of timers that wait to be
 * filed. Where its memory was reused the list is cut: what followed is not
 * known any more. True: some were lost, and none is left. */
bool rota__object_cut(struct rota_shard *s, struct rota_timer **list);
/* object_spare - before the entry of @t is taken out: those that would be
 * written to for it are of timers. The lock owner. */
void rota__object_spare(struct rota_shard *s, const struct rota_timer *t);

/* Both builds check the types of the arguments. */
#ifdef ROTA_DEBUG_OBJECTS
#define OBJECTS 1
#else
#define OBJECTS 0
#endif
#define OBJECTS_DO(call) (OBJECTS ? rota__##call : (void)0)

#define object_may_init(t, k) (OBJECTS ? rota__object_may_init((t), (k)) : 0)
#define object_no_kind(k) OBJECTS_DO(object_no_kind(k))
#define object_born(t, k, site, caller) \
	OBJECTS_DO(object_born((t), (k), (site), (caller)))
#define object_moved(t, k) OBJECTS_DO(object_moved((t), (k)))
#define object_free(t) OBJECTS_DO(object_free(t))
#define object_kind(k) OBJECTS_DO(object_kind(k))
#define object_kind_made(k) OBJECTS_DO(object_kind_made(k))
#define object_kinds(s) OBJECTS_DO(object_kinds(s))
#define objects_end(e) OBJECTS_DO(objects_end(e))
#define object_home(s) OBJECTS_DO(object_home(s))
#define object_call(t, fn) (!OBJECTS || rota__object_call((t), (fn)))
#define object_owned(t, k, s, fn) \
	(!OBJECTS || rota__object_owned((t), (k), (s), (fn)))
#define object_when(t, when) OBJECTS_DO(object_when((t), (when)))
#define object_span(t, span) OBJECTS_DO(object_span((t), (span)))
#define object_now(s, now, fn) OBJECTS_DO(object_now((s), (now), (fn)))
#define object_linked(t, enqueued) OBJECTS_DO(object_linked((t), (enqueued)))
#define object_lost(s, t) (OBJECTS && rota__object_lost((s), (t)))
#define object_there(t) (!OBJECTS || rota__object_there(t))
#define object_cut(s, list) (OBJECTS && rota__object_cut((s), (list)))
#define object_spare(s, t) OBJECTS_DO(object_spare((s), (t)))

#endif
