/* SPDX-License-Identifier: MIT
 *
 * object_table.c - the table of living timers, and what it finds.
 */
#include "core/objects.h"

#include <errno.h>

#include "core/lock_owner.h"
#include "core/misuse.h"

#ifdef ROTA_DEBUG_OBJECTS
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Timers of one granule of memory are in one chain, so that a range is looked
 * through by granules; 512 bytes: 16 timers. */
#define GRANULE 9
#define BUCKETS_LEAST 1024
/* Dead timers that are remembered, and how many years ahead nobody sets an
 * instant; both arbitrary. */
#define DEAD_MOST 4096
#define YEARS_AHEAD ((rota_time)10 * 365 * 24 * 3600 * ROTA_SECOND)
#define SPAN_LEAST 1000 /* ns */

enum state {
	LIVING,
	RELEASED,
	ENDED,       /* its engine was destroyed */
	OVERWRITTEN, /* found so when its entry came up */
	ORPHANED,    /* its kind was found so then */
	GONE         /* rota_debug_gone() */
};

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

/* A line that is told once the mutex is free. */
struct report {
	rota_log_fn *log; /* NULL: none */
	void *log_arg;
	char line[512];
};

pthread_mutex_t rota__objects_lock = PTHREAD_MUTEX_INITIALIZER;

static struct {
	pthread_once_t once;
	struct object **bucket;
	size_t buckets; /* a power of two, or 0 */
	size_t objects;
	struct object *oldest, *newest; /* dead */
	size_t dead;
	struct origin *origins;
	rota_word ends;  /* engines destroyed */
	bool incomplete; /* memory was short: some timers are not here */
} table = { .once = PTHREAD_ONCE_INIT };

/* The shard that the thread owned latest, if no engine ended since. */
static _Thread_local struct {
	struct rota_shard *shard;
	uint64_t ends;
} home;

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

static void
take(void)
{
	pthread_once(&table.once, once);
	lock_take(&rota__objects_lock, LOCK_OBJECTS);
}

static void
give(struct report *r)
{
	int saved = errno;

	lock_give(&rota__objects_lock);
	if (r && r->log)
		r->log(r->log_arg, r->line);
	errno = saved;
}

static size_t
chain(uintptr_t granule)
{
	/* multiplicative: 2^64 by the golden ratio */
	return (size_t)(granule * UINT64_C(0x9e3779b97f4a7c15) >> 32) &
	    (table.buckets - 1);
}

static struct object **
chain_of(const struct rota_timer *t)
{
	return &table.bucket[chain((uintptr_t)t >> GRANULE)];
}

static struct object *
find(const struct rota_timer *t)
{
	struct object *o = table.buckets ? *chain_of(t) : NULL;

	while (o && o->timer != t)
		o = o->next;
	return o;
}

static bool
grow(void)
{
	size_t n = table.buckets, more = n ? 2 * n : BUCKETS_LEAST;
	struct object **old = table.bucket, *o, *next, **to;
	struct object **fresh = calloc(more, sizeof(struct object *));

	if (!fresh)
		return n > 0; /* chains get longer */
	table.bucket = fresh;
	table.buckets = more;
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

static void
origin_drop(struct origin *g)
{
	struct origin **at = &table.origins;

	if (g->refs || !g->ended)
		return;
	while (*at != g)
		at = &(*at)->next;
	*at = g->next;
	free(g);
}

/* Of @k, made if there is none; NULL: no memory. */
static struct origin *
origin_of(const struct rota_kind *k, const struct rota_shard *s)
{
	struct origin *g = table.origins;

	while (g && g->kind != k)
		g = g->next;
	if (g)
		return g;
	g = calloc(1, sizeof(*g));
	if (!g)
		return NULL;
	*g = (struct origin){
		.next = table.origins,
		.kind = k,
		.fire = k->fire,
		.flags = k->flags,
		.engine = s->engine,
		.log = s->config->log,
		.log_arg = s->config->log_arg,
		.site = k->site,
	};
	snprintf(g->name, sizeof(g->name), "%s", k->name ? k->name : "?");
	table.origins = g;
	return g;
}

static void
unlist(struct object *o)
{
	*(o->older ? &o->older->newer : &table.oldest) = o->newer;
	*(o->newer ? &o->newer->older : &table.newest) = o->older;
	o->older = o->newer = NULL;
	table.dead--;
}

static void
forget(struct object *o)
{
	struct object **at = chain_of(o->timer);

	if (o->state != LIVING)
		unlist(o);
	while (*at != o)
		at = &(*at)->next;
	*at = o->next;
	table.objects--;
	o->origin->refs--;
	origin_drop(o->origin);
	free(o);
}

/* @o is dead of @state. Then trim(). */
static void
die(struct object *o, enum state state)
{
	if (o->state == LIVING) {
		o->older = table.newest;
		*(o->older ? &o->older->newer : &table.oldest) = o;
		table.newest = o;
		table.dead++;
	}
	o->state = state;
}

/* The oldest of the dead go, unless some shard has them still. */
static void
trim(void)
{
	struct object *o = table.oldest, *next;

	for (; table.dead > DEAD_MOST && o; o = next) {
		next = o->newer;
		if (!o->enqueued)
			forget(o);
	}
}

/* Is the memory of @o still that timer? It is read. */
static bool
matches(const struct object *o)
{
	return word_load(&o->timer->r_kind, relaxed) ==
	    kind_mixed(o->timer, o->origin->kind);
}

/* Is the memory of the kind of @g still that kind? It is read. free() writes to
 * `fire`. */
static bool
kind_there(const struct origin *g)
{
	const struct rota_kind *k = g->kind;

	return k && kind_any(k) && k->fire == g->fire && k->site == g->site &&
	    k->flags == g->flags;
}

/* May the timer of @o, which lives, be looked at? */
static bool
there(const struct object *o)
{
	return matches(o) && kind_there(o->origin);
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

	take();
	for (g = table.origins; g && g->kind != k; g = g->next)
		;
	o = find(t);
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
	struct origin *g;
	struct object *o;

	take();
	o = find(t);
	if (o)
		forget(o);
	g = origin_of(k, shard_of(k));
	o = g && (table.objects < table.buckets || grow()) ? malloc(sizeof(*o))
							   : NULL;
	if (o) {
		struct object **to = chain_of(t);

		*o = (struct object){ .next = *to,
			.timer = t,
			.origin = g,
			.site = site,
			.caller = caller };
		*to = o;
		table.objects++;
		g->refs++;
	} else {
		table.incomplete = true;
	}
	give(NULL);
}

void
rota__object_moved(const struct rota_timer *t, struct rota_kind *k)
{
	struct origin *g;
	struct object *o;

	take();
	o = find(t);
	if (o && o->origin->kind != k) {
		g = origin_of(k, shard_of(k));
		if (g) {
			g->refs++;
			o->origin->refs--;
			origin_drop(o->origin);
			o->origin = g;
		} else {
			forget(o);
			table.incomplete = true;
		}
	}
	give(NULL);
}

void
rota__object_free(const struct rota_timer *t)
{
	struct object *o;

	take();
	o = find(t);
	if (o && o->state == LIVING) {
		o->enqueued = false;
		die(o, RELEASED);
		trim();
	}
	give(NULL);
}

void
rota__object_kind(const struct rota_kind *k)
{
	struct origin *g, *next;

	take();
	for (g = table.origins; g; g = next) {
		next = g->next;
		if (g->kind != k)
			continue;
		g->kind = NULL;
		g->ended = true; /* as to whom it belongs to */
		origin_drop(g);
	}
	give(NULL);
}

void
rota__object_kind_made(struct rota_kind *k)
{
	take();
	if (!origin_of(k, shard_of(k)))
		table.incomplete = true;
	give(NULL);
}

void
rota__object_kinds(struct rota_shard *s)
{
	bool gone = false;

	take();
	for (struct origin *g = table.origins; g; g = g->next)
		gone |= !g->ended && g->engine == s->engine && !kind_there(g);
	if (gone && !table.incomplete) {
		s->kinds = NULL;
		for (struct origin *g = table.origins; g; g = g->next) {
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

	take();
	word_add(&table.ends, (uint64_t)1, relaxed); /* a count */
	for (size_t i = 0; i < table.buckets; i++) {
		for (o = table.bucket[i]; o; o = o->next) {
			if (o->origin->engine != e)
				continue;
			o->enqueued = false;
			if (o->state == LIVING)
				die(o, ENDED);
		}
	}
	trim();
	for (g = table.origins; g; g = after) {
		after = g->next;
		if (g->engine != e || g->ended)
			continue;
		g->ended = true;
		origin_drop(g);
	}
	give(NULL);
}

void
rota__object_home(struct rota_shard *s)
{
	if (home.shard == s &&
	    home.ends == word_load(&table.ends, relaxed)) /* or told nobody */
		return;
	take();
	home.shard = s;
	home.ends = table.ends;
	give(NULL);
}

/* @fn was called with @p, which is @what: of that only the calling thread knows
 * anything, the shard that it owns. */
static void
report_home(struct report *r, enum misuse_other m, const char *fn,
    const void *p, const char *what)
{
	struct rota_shard *s = rota__self.shard;

	if (!s && home.ends == table.ends)
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

	for (size_t i = 0; mixed && i < table.buckets; i++) {
		for (o = table.bucket[i]; o; o = o->next) {
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

	take();
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
	take();
	o = find(t);
	if (!o) {
		/* Memory was short when it came: its word is taken for it. */
		good = table.incomplete && kind_of(t);
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

	take();
	o = find(t);
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

	take();
	o = find(t);
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

	take();
	o = find(t);
	if (!o && table.incomplete) {
		gone = false;
	} else if (o && o->state == LIVING && there(o)) {
		gone = false;
	} else if (o && o->state == LIVING && matches(o)) {
		report_on(&r, o, o->origin, KIND_LOST, t, "rota_shard_poll",
		    kind_lost);
		o->enqueued = false;
		die(o, ORPHANED);
		trim();
	} else if (o) {
		if (o->state != GONE && o->state != ORPHANED) /* it was told */
			report_on(
			    &r, o, o->origin, LOST, t, "rota_shard_poll", what);
		o->enqueued = false;
		if (o->state == LIVING)
			die(o, OVERWRITTEN);
		trim();
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

	take();
	o = find(t);
	good = o ? o->state == LIVING && there(o) : table.incomplete;
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
		take();
		o = find(t);
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

	take();
	o = find(t);
	enqueued = o && o->enqueued;
	give(NULL);
	if (!enqueued)
		return;
	while ((last = backend_last(&s->queue, s->backend, item)) != item &&
	    rota__object_lost(s, timer_of(last)))
		backend_drop_last(&s->queue, item);
}

/* The first in the memory at @from, @size bytes, that lives; or NULL. */
static struct object *
first_in(uintptr_t from, size_t size)
{
	uintptr_t last = from + size - 1;
	size_t granules = (last >> GRANULE) - (from >> GRANULE) + 1, n;
	struct object *o;

	n = granules < table.buckets ? granules : table.buckets;
	for (size_t i = 0; i < n; i++) {
		/* More granules than chains: all of them. */
		o = table.bucket[granules > table.buckets
			? i
			: chain((from >> GRANULE) + i)];
		for (; o; o = o->next)
			if (o->state == LIVING && (uintptr_t)o->timer >= from &&
			    (uintptr_t)o->timer <= last)
				return o;
	}
	return NULL;
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
		take();
		o = first_in((uintptr_t)ptr, size);
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
		take();
		o = find(t);
		if (o && o->state == LIVING)
			die(o, GONE);
		trim();
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
