/* SPDX-License-Identifier: MIT
 *
 * object_check.c - debug builds: is what a call was given a timer, and what is
 * said where it is not.
 */
#include "core/objects.h"

#include <errno.h>

#ifdef ROTA_DEBUG_OBJECTS
#include <stdio.h>
#include <string.h>

#include "core/lock_owner.h"
#include "core/misuse.h"
#include "core/object_table.h"

/* How many years ahead nobody sets an instant. Arbitrary. */
#define YEARS_AHEAD ((rota_time)10 * 365 * 24 * 3600 * ROTA_SECOND)
#define SPAN_LEAST 1000 /* ns */

/* What was said of the timers of one kind. */
enum mistake {
	USED_DEAD,
	USED_OVERWRITTEN,
	USED_COPY,
	USED_GONE,
	USED_ENDED,
	INIT_FILED,
	INIT_AGAIN,
	INIT_ENDED,
	LOST,
	KIND_LOST,
	NOT_OWNED_RESET,
	NOT_OWNED_STOP,
	NOT_OWNED_RELEASE,
	ODD_SPAN,
	ODD_INSTANT
};

/* A line that is told once the mutex is free. */
struct report {
	rota_log_fn *log; /* NULL: none */
	void *log_arg;
	char line[512];
};

/* The shard that the thread owned latest, if no engine ended since. */
static _Thread_local struct {
	struct rota_shard *shard;
	uint64_t ends;
} home;

static void
give(struct report *r)
{
	int saved = errno;

	rota__objects_give();
	if (r && r->log)
		r->log(r->log_arg, r->line);
	errno = saved;
}

/* Fill in @r; nothing if that was said. */
static void
report_on(struct report *r, const struct object *o, struct origin *g, int m,
    const struct rota_timer *t, const char *fn, const char *what)
{
	char where[24];

	if (!g->log || (m >= 0 && !rota__misuse_first(&g->said, (unsigned)m)))
		return;
	r->log = g->log;
	r->log_arg = g->log_arg;
	snprintf(where, sizeof(where), "%p", o ? o->caller : NULL);
	snprintf(r->line, sizeof(r->line),
	    "rota: %s(): kind %s (%s), timer %p%s%s: %s", fn, g->name, g->site,
	    (const void *)t, o ? " initialised at " : "",
	    !o            ? ""
		: o->site ? o->site
			  : where,
	    what);
}

static const char kind_lost[] =
    "the memory of its kind went before the timer was released: "
    "rota_timer_release() it, then rota_kind_release() its kind, first";

int
rota__object_may_init(const struct rota_timer *t, struct rota_kind *k)
{
	struct report r = { NULL, NULL, "" };
	const char *fn = "rota_timer_init";
	struct object *o;
	struct origin *g;
	uint64_t w = 0;
	int answer = 0;

	rota__objects_take();
	for (g = rota__objects.origins; g && g->kind != k; g = g->next)
		;
	o = rota__object_find(t);
	if (g && g->ended) {
		report_on(&r, NULL, g, INIT_ENDED, t, fn,
		    "the kind's engine was destroyed: rota_kind_init() it for "
		    "another first");
		answer = -EINVAL;
	} else if (g && !kind_there(g)) {
		report_on(&r, NULL, g, KIND_LOST, t, fn,
		    "the memory of its kind was overwritten: "
		    "rota_kind_release() it first");
		answer = -EINVAL;
	} else if (o && (o->state == LIVING || o->enqueued)) {
		if (o->state == LIVING && matches(o))
			w = word_load(&o->timer->r_word, relaxed);
		if (o->enqueued || w & (ST_ARMED | ST_LINKED | ST_QUEUED)) {
			report_on(&r, o, o->origin, INIT_FILED, t, fn,
			    w & ST_ARMED
				? "it is armed: rota_timer_reset_at() arms it "
				  "anew, rota_timer_release() ends it"
				: "a shard has an entry of it still: "
				  "rota_timer_release() it first");
			answer = -EBUSY;
		} else {
			report_on(&r, o, o->origin, INIT_AGAIN, t, fn,
			    "it was not released and counts twice from now on: "
			    "rota_timer_release() it first");
		}
	}
	give(&r);
	return answer;
}

void
rota__object_born(const struct rota_timer *t, struct rota_kind *k,
    const char *site, const void *caller)
{
	struct object *o;

	rota__objects_take();
	o = rota__object_find(t);
	if (o)
		rota__object_forget(o);
	rota__object_add(t, k, site, caller);
	give(NULL);
}

void
rota__object_moved(const struct rota_timer *t, struct rota_kind *k)
{
	struct origin *g;
	struct object *o;

	rota__objects_take();
	o = rota__object_find(t);
	if (o && o->origin->kind != k) {
		g = rota__origin_of(k, shard_of(k));
		if (g) {
			g->refs++;
			o->origin->refs--;
			rota__origin_drop(o->origin);
			o->origin = g;
		} else {
			rota__object_forget(o);
			rota__objects.incomplete = true;
		}
	}
	give(NULL);
}

void
rota__object_free(const struct rota_timer *t)
{
	struct object *o;

	rota__objects_take();
	o = rota__object_find(t);
	if (o && o->state == LIVING) {
		o->enqueued = false;
		rota__object_die(o, RELEASED);
		rota__objects_trim();
	}
	give(NULL);
}

void
rota__object_kind(const struct rota_kind *k)
{
	struct origin *g, *next;

	rota__objects_take();
	for (g = rota__objects.origins; g; g = next) {
		next = g->next;
		if (g->kind != k)
			continue;
		g->kind = NULL;
		g->ended = true; /* as to whom it belongs to */
		rota__origin_drop(g);
	}
	give(NULL);
}

void
rota__object_kind_made(struct rota_kind *k)
{
	rota__objects_take();
	if (!rota__origin_of(k, shard_of(k)))
		rota__objects.incomplete = true;
	give(NULL);
}

void
rota__object_kinds(struct rota_shard *s)
{
	bool gone = false;

	rota__objects_take();
	for (struct origin *g = rota__objects.origins; g; g = g->next)
		gone |= !g->ended && g->engine == s->engine && !kind_there(g);
	if (gone && !rota__objects.incomplete) {
		s->kinds = NULL;
		for (struct origin *g = rota__objects.origins; g; g = g->next) {
			struct rota_kind *k = (struct rota_kind *)g->kind;

			if (g->ended || g->engine != s->engine ||
			    !kind_there(g) || shard_of(k) != s)
				continue;
			k->r_next = s->kinds;
			k->r_prev = &s->kinds;
			if (s->kinds)
				s->kinds->r_prev = &k->r_next;
			s->kinds = k;
		}
	}
	give(NULL);
}

void
rota__objects_end(const struct rota_engine *e)
{
	struct origin *g, *after;
	struct object *o;

	rota__objects_take();
	word_add(&rota__objects.ends, (uint64_t)1, relaxed); /* a count */
	for (size_t i = 0; i < rota__objects.buckets; i++) {
		for (o = rota__objects.bucket[i]; o; o = o->next) {
			if (o->origin->engine != e)
				continue;
			o->enqueued = false;
			if (o->state == LIVING)
				rota__object_die(o, ENDED);
		}
	}
	rota__objects_trim();
	for (g = rota__objects.origins; g; g = after) {
		after = g->next;
		if (g->engine != e || g->ended)
			continue;
		g->ended = true;
		rota__origin_drop(g);
	}
	give(NULL);
}

void
rota__object_home(struct rota_shard *s)
{
	if (home.shard == s &&
	    home.ends ==
		word_load(&rota__objects.ends, relaxed)) /* or told nobody */
		return;
	rota__objects_take();
	home.shard = s;
	home.ends = rota__objects.ends;
	give(NULL);
}

/* @fn was called with @p, which is @what: of that only the calling thread knows
 * anything, the shard that it owns. */
static void
report_home(struct report *r, enum misuse_other m, const char *fn,
    const void *p, const char *what)
{
	struct rota_shard *s = rota__self.shard;

	if (!s && home.ends == rota__objects.ends)
		s = home.shard;
	if (!s || !s->config->log || !rota__misuse_first(s->said, m))
		return;
	r->log = s->config->log;
	r->log_arg = s->config->log_arg;
	snprintf(r->line, sizeof(r->line), "rota: %s(): %p is %s it first", fn,
	    p, what);
}

/* @t is not in the table: a copy of what is, or nothing that is known. */
static void
report_none(struct report *r, const struct rota_timer *t, const char *fn)
{
	uintptr_t mixed = word_load(&t->r_kind, relaxed);
	struct object *o;

	for (size_t i = 0; mixed && i < rota__objects.buckets; i++) {
		for (o = rota__objects.bucket[i]; o; o = o->next) {
			if (o->state != LIVING || o->origin->ended ||
			    mixed != kind_mixed(o->timer, o->origin->kind))
				continue;
			report_on(r, o, o->origin, USED_COPY, t, fn,
			    "it is a copy of a timer: do not move or copy one");
			return;
		}
	}
	report_home(r, MISUSE_NO_TIMER, fn, t, "no timer: rota_timer_init()");
}

void
rota__object_no_kind(const struct rota_kind *k)
{
	struct report r = { NULL, NULL, "" };

	rota__objects_take();
	report_home(&r, MISUSE_NO_KIND, "rota_timer_init", k,
	    "no kind: rota_kind_init()");
	give(&r);
}

bool
rota__object_call(const struct rota_timer *t, const char *fn)
{
	struct report r = { NULL, NULL, "" };
	struct object *o;
	bool good = false;

	if (!t)
		return false;
	rota__objects_take();
	o = rota__object_find(t);
	if (!o) {
		/* Memory was short when it came: its word is taken for it. */
		good = rota__objects.incomplete && kind_of(t);
		if (!good)
			report_none(&r, t, fn);
		give(&r);
		return good;
	}
	switch (o->state) {
	case LIVING:
		good = there(o);
		if (!matches(o))
			report_on(&r, o, o->origin, USED_OVERWRITTEN, t, fn,
			    "its memory was overwritten since");
		else if (!good)
			report_on(
			    &r, o, o->origin, KIND_LOST, t, fn, kind_lost);
		break;
	case ORPHANED:
		report_on(&r, o, o->origin, KIND_LOST, t, fn, kind_lost);
		break;
	case RELEASED:
		report_on(&r, o, o->origin, USED_DEAD, t, fn,
		    "it was released: rota_timer_init() it first");
		break;
	case ENDED:
		report_on(&r, o, o->origin, USED_ENDED, t, fn,
		    "its engine was destroyed: rota_timer_release() it before, "
		    "rota_timer_init() it for another");
		break;
	case OVERWRITTEN:
	case GONE:
		report_on(&r, o, o->origin, USED_GONE, t, fn,
		    "its memory went before it was released");
		break;
	}
	give(&r);
	return good;
}

/* Of a timer that lives: @what, once for its kind and @m. */
static void
tell(const struct rota_timer *t, enum mistake m, const char *fn,
    const char *what)
{
	struct report r = { NULL, NULL, "" };
	struct object *o;

	rota__objects_take();
	o = rota__object_find(t);
	if (o)
		report_on(&r, o, o->origin, (int)m, t, fn, what);
	give(&r);
}

bool
rota__object_owned(const struct rota_timer *t, const struct rota_kind *k,
    const struct rota_shard *s, const char *fn)
{
	if (!(k->flags & ROTA_CONFINED) ||
	    word_load(&s->lock_owner, relaxed) ==
		self_id()) /* stored by itself */
		return true;
	tell(t,
	    !strcmp(fn, "rota_timer_release")    ? NOT_OWNED_RELEASE
		: !strcmp(fn, "rota_timer_stop") ? NOT_OWNED_STOP
						 : NOT_OWNED_RESET,
	    fn,
	    "another thread touched a timer of a confined kind, which the "
	    "owner of the shard alone may do: leave ROTA_CONFINED out");
	return false;
}

void
rota__object_when(const struct rota_timer *t, rota_time when)
{
	const struct rota_kind *k = kind_of(t);
	uint64_t now;

	/* INT64_MAX is somebody's never. */
	if (!k || when < YEARS_AHEAD || when == ROTA_NEVER || when == INT64_MAX)
		return;
	now = word_load(&shard_of((struct rota_kind *)k)->now, relaxed);
	if (when - YEARS_AHEAD > (rota_time)now) /* a snapshot will do */
		tell(t, ODD_INSTANT, "rota_timer_reset_at",
		    "an instant more than ten years ahead: instants are ns on "
		    "the engine's clock, which rota_engine_now() reads, and no "
		    "date; for never there is ROTA_NEVER");
}

void
rota__object_span(const struct rota_timer *t, rota_span span)
{
	if (span > 0 && span < SPAN_LEAST)
		tell(t, ODD_SPAN, "rota_timer_reset",
		    "a span of less than 1000 ns: spans are in ns, as "
		    "30 * ROTA_MILLISECOND is");
}

void
rota__object_now(struct rota_shard *s, rota_time now, const char *fn)
{
	enum rota_clock clock = s->config->clock;
	rota_time latest = (rota_time)word_load(&s->now, relaxed), there;

	if (now <= latest || now == ROTA_NEVER || now == INT64_MAX)
		return;
	if (now > YEARS_AHEAD && now - YEARS_AHEAD > latest) {
		rota__misuse_once(s, MISUSE_POLL_INSTANT,
		    "%s(): shard %u: an instant more than ten "
		    "years after the latest poll: instants are ns on the "
		    "engine's clock, which rota_engine_now() reads",
		    fn, s->index);
		return;
	}
	if (clock != ROTA_CLOCK_MONOTONIC && clock != ROTA_CLOCK_BOOTTIME)
		return;
	there = rota__clock_read(s->clock);
	if (now > there)
		rota__misuse_once(s, MISUSE_AHEAD,
		    "%s(): shard %u: an instant %lld ns after the engine's "
		    "clock: what is armed for before it fires early until the "
		    "clock has come there: poll at what rota_engine_now() "
		    "answered",
		    fn, s->index, (long long)(now - there));
}

void
rota__object_linked(const struct rota_timer *t, bool enqueued)
{
	struct object *o;

	rota__objects_take();
	o = rota__object_find(t);
	if (o && o->state == LIVING)
		o->enqueued = enqueued;
	give(NULL);
}

static bool
lost(struct rota_shard *s, const struct rota_timer *t, const char *what)
{
	struct report r = { NULL, NULL, "" };
	struct object *o;
	bool gone = true;

	rota__objects_take();
	o = rota__object_find(t);
	if (!o && rota__objects.incomplete) {
		gone = false;
	} else if (o && o->state == LIVING && there(o)) {
		gone = false;
	} else if (o && o->state == LIVING && matches(o)) {
		report_on(&r, o, o->origin, KIND_LOST, t, "rota_shard_poll",
		    kind_lost);
		o->enqueued = false;
		rota__object_die(o, ORPHANED);
		rota__objects_trim();
	} else if (o) {
		if (o->state != GONE && o->state != ORPHANED) /* it was told */
			report_on(
			    &r, o, o->origin, LOST, t, "rota_shard_poll", what);
		o->enqueued = false;
		if (o->state == LIVING)
			rota__object_die(o, OVERWRITTEN);
		rota__objects_trim();
	} else if (s->config->log && rota__misuse_first(s->said, MISUSE_LOST)) {
		r.log = s->config->log;
		r.log_arg = s->config->log_arg;
		snprintf(r.line, sizeof(r.line),
		    "rota: rota_shard_poll(): shard %u: its entry for %p is of "
		    "no timer that is known",
		    s->index, (const void *)t);
	}
	give(&r);
	return gone;
}

bool
rota__object_lost(struct rota_shard *s, const struct rota_timer *t)
{
	return lost(s, t,
	    "its memory was reused before it was released: "
	    "rota_timer_release() it first");
}

bool
rota__object_there(const struct rota_timer *t)
{
	struct object *o;
	bool good;

	rota__objects_take();
	o = rota__object_find(t);
	good = o ? o->state == LIVING && there(o) : rota__objects.incomplete;
	give(NULL);
	return good;
}

bool
rota__object_cut(struct rota_shard *s, struct rota_timer **list)
{
	struct rota_timer *t;
	struct object *o;
	bool any = false, links;

	for (; (t = *list); any = true) {
		rota__objects_take();
		o = rota__object_find(t);
		links = o && o->state == LIVING && matches(o);
		give(NULL);
		if (!lost(s, t,
			"its memory was reused before it was released, and the "
			"timers that came after it to be filed are lost: "
			"rota_timer_release() it first"))
			return false;
		*list = links ? t->r_link : NULL;
	}
	return any;
}

void
rota__object_spare(struct rota_shard *s, const struct rota_timer *t)
{
	uint32_t *item = (uint32_t *)(uintptr_t)&t->r_place, *last;
	struct object *o;
	bool enqueued;

	rota__objects_take();
	o = rota__object_find(t);
	enqueued = o && o->enqueued;
	give(NULL);
	if (!enqueued)
		return;
	while ((last = backend_last(&s->queue, s->backend, item)) != item &&
	    rota__object_lost(s, timer_of(last)))
		backend_drop_last(&s->queue, item);
}

/* Take @t, whose memory is still there, out of what the calling thread has of
 * it. */
static void
take_out(struct rota_timer *t)
{
	struct rota_kind *k = kind_of(t);
	struct rota_shard *s = shard_of(k);
	bool release, held = shard_trylock(s, &release);

	if (held && word_load(&t->r_word, relaxed) & ST_QUEUED) {
		rota__shard_flush(s);
		if (word_load(&t->r_word, relaxed) & ST_QUEUED)
			rota__shard_drain(s);
	}
	if (held && release)
		shard_unlock(s);
	if (held && !(word_load(&t->r_word, relaxed) & ST_QUEUED))
		rota_timer_release(t);
	else if (held || !(k->flags & ROTA_CONFINED))
		rota_timer_stop(t);
}

int
rota_debug_gone(const void *ptr, size_t size)
{
	struct report r;
	struct object *o;
	const struct rota_timer *t;
	bool whole;
	int n = 0;

	if (!ptr || !size)
		return 0;
	for (;; n++) {
		r.log = NULL;
		rota__objects_take();
		o = rota__object_in((uintptr_t)ptr, size);
		if (!o) {
			give(NULL);
			return n;
		}
		t = o->timer;
		whole = there(o);
		report_on(&r, o, o->origin, -1, t, __func__,
		    whole && word_load(&t->r_word, relaxed) & ST_ARMED
			? "it is armed and its memory goes: "
			  "rota_timer_release() it first"
			: "it was not released and its memory goes: "
			  "rota_timer_release() it first");
		give(&r);
		if (whole)
			take_out((struct rota_timer *)(uintptr_t)t);
		rota__objects_take();
		o = rota__object_find(t);
		if (o && o->state == LIVING)
			rota__object_die(o, GONE);
		rota__objects_trim();
		give(NULL);
	}
}
#else
int
rota_debug_gone(const void *ptr, size_t size)
{
	(void)ptr;
	(void)size;
	return 0;
}
#endif
