/* SPDX-License-Identifier: MIT
 *
 * context.c - a tree of contexts, and what ends them.
 *
 * A context has ended when its word says why, or when the word of a parent
 * further up does. A thread that asks checks the parents, and stores the answer
 * in the word, which is written once. So all contexts below an ended one have
 * ended at the same moment. A thread that asks also compares the deadline with
 * the clock. If the deadline has passed, and its timer has not fired yet, the
 * thread ends the context whose deadline it is: so that word alone decides
 * between a cancel and the deadline, for that context and all below.
 *
 * What is left to do is to wake waiting threads, stop timers and show
 * descriptors. The thread that ended the context does that in a walk down the
 * tree; the walk of a timer's callback goes in slices, one in each poll. A walk
 * has a reference to each context that it will come to; if a context has been
 * walked already, it belongs to another walk. Only during a walk do threads
 * check the parents.
 *
 * References: one for all of the users', one for each child, one for the timer,
 * one for a walk. A child is in its parent's list until a walk has come to it.
 * Under the parent's lock a context in the list still exists, but it may be
 * about to leave, its last reference gone. Locks are taken from a parent to its
 * child: to leave the parent's list a context gives up its own lock.
 *
 * [E1] ended -> asked  a thread that finds it ended sees what was written
 *                      before.
 * [E2] walks -> asked  a thread that knows that a context has ended finds a
 *                      walk under way, or the word that the walk left below.
 */
#include <rota/handle.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "api/wait/context.h"
#include "core/sys/fd.h"

/* Steps of a deadline's walk in one poll: some 100 us. A context is one step, a
 * thread that is woken is WAKE_STEPS. Both arbitrary. */
#ifdef ROTA_HOSTILE
enum { SLICE = 1, WAKE_STEPS = 1 };
#else
enum { SLICE = 1024, WAKE_STEPS = 16 };
#endif

struct rota_context {
	struct wait_layer *layer;
	struct rota_context *parent; /* NULL: the background */
	struct rota_context *root;   /* of the tree: itself, if it has no
				      * parent */
	const char *site;
	rota_time deadline; /* the earliest of its own and its parents' */
	struct rota_context *source; /* whose deadline that is */
	int late;                    /* the cause, if that deadline ends it */
	rota_func *fn;               /* runs at the parent's end; NULL: none */
	void *arg;
	rota_word ended; /* WHY(); 0: it goes on */
	rota_word walks; /* of a root: walks under way in its tree */
	pthread_mutex_t lock;
	/* Under the lock. */
	unsigned users, refs;
	bool walked; /* it has ended, and a walk has come to it */
	bool filed;  /* the timer is armed, or its callback is to come */
	struct rota_timer *timer; /* NULL: none */
	struct rota_context *children;
	struct wait_list waiters;
	struct fd fd;
	/* Under the parent's lock: its place in the parent's list. */
	struct rota_context *next, **prev;
	/* If a walk begins here: the contexts it has still to come to, by
	 * @next. */
	struct rota_context *todo;
	bool counts; /* the walk is counted in the root's walks */
	bool rings;  /* the walk is that of its timer's callback */
	/* Under the wait layer's lock: the list of all contexts. */
	struct rota_context *all_next, **all_prev;
};

/* The word of an ended context. */
#define WHY(err, cause) ((uint64_t)(uint32_t)(cause) << 32 | (uint32_t)(err))
#define WHY_ERR(why) ((int)(uint32_t)(why))
#define WHY_CAUSE(why) ((int)(uint32_t)((why) >> 32))

struct wait_layer *
rota__context_wait_layer(const struct rota_context *c)
{
	return c->layer;
}

static void
list_add(struct rota_context *parent, struct rota_context *c)
{
	c->next = parent->children;
	c->prev = &parent->children;
	if (c->next)
		c->next->prev = &c->next;
	parent->children = c;
}

static void
list_remove(struct rota_context *c)
{
	if (!c->prev)
		return;
	*c->prev = c->next;
	if (c->next)
		c->next->prev = c->prev;
	c->prev = NULL;
}

/* Set the word to @why, if it is not set. True: set. */
static bool
set(struct rota_context *c, uint64_t why)
{
	uint64_t old = 0;

	while (!old)
		if (word_cas(&c->ended, &old, why, acq_rel, acquire)) /* [E1] */
			return true;
	return false;
}

/* Why @c ends, if a parent has ended by @why. Deadlines end a line from the
 * earliest on, whichever was noticed first. */
static uint64_t
from_above(const struct rota_context *c, uint64_t why)
{
	return WHY_ERR(why) == -ETIME ? WHY(-ETIME, c->late) : why;
}

/* Why it has ended, by the words; 0: it has not. An answer from further up is
 * stored in all words on the way, so that no thread searches there twice. */
static uint64_t
ended(struct rota_context *c)
{
	bool walk = word_load(&c->root->walks, acquire) != 0; /* [E2] */
	uint64_t why = word_load(&c->ended, acquire);         /* [E1] */
	struct rota_context *p = c;

	if (why || !walk)
		return why;
	while (!why && (p = p->parent))
		why = word_load(&p->ended, acquire); /* [E1] */
	for (struct rota_context *below = c; why && below != p;
	     below = below->parent)
		set(below, from_above(below, why));
	return word_load(&c->ended, acquire); /* [E1] */
}

static void
destroy(struct rota_context *c)
{
	struct wait_layer *layer = c->layer;

	rota__fd_close(&c->fd);
	pthread_mutex_destroy(&c->lock);
	rota_engine_free(layer->engine, c, sizeof(*c));
}

/* Give the timer back. Under the lock; no callback is to come. */
static void
give(struct rota_context *c)
{
	rota__node_give(c->timer);
	c->timer = NULL;
	c->filed = false;
}

/* Stop the timer and give it back. Under the lock. If it is too late to stop,
 * the callback gives it back. */
static void
disarm(struct rota_context *c)
{
	if (!c->timer ||
	    (c->filed && rota_timer_stop(c->timer) != ROTA_PREVENTED))
		return;
	give(c);
	c->refs--; /* the caller has one, too */
}

/* A context without users needs no deadline, unless it has children, a function
 * to run, or a walk. Under the lock. */
static void
disarm_unused(struct rota_context *c)
{
	if (!c->users && !c->children && !c->fn && !c->walked)
		disarm(c);
}

static void
leave_parent(struct rota_context *c)
{
	struct rota_context *p = c->parent;

	if (!p)
		return;
	lock_take(&p->lock, LOCK_CONTEXT);
	list_remove(c);
	disarm_unused(p);
	lock_give(&p->lock);
}

/* Drop one reference; with the last, also that on the parent. */
static void
put(struct rota_context *c)
{
	while (c) {
		struct rota_context *parent = c->parent;
		struct wait_layer *layer = c->layer;
		bool last;

		lock_take(&c->lock, LOCK_CONTEXT);
		last = --c->refs == 0;
		lock_give(&c->lock);
		if (!last)
			return;
		leave_parent(c);
		lock_take(&layer->lock, LOCK_LAYER);
		*c->all_prev = c->all_next;
		if (c->all_next)
			c->all_next->all_prev = c->all_prev;
		lock_give(&layer->lock);
		destroy(c);
		c = parent;
	}
}

/* The context has ended, by its own end or @above: do what takes no time. Under
 * the lock, once. */
static void
begin(struct rota_context *c, bool above)
{
	c->walked = true;
	rota__fd_show(&c->fd, true);
	if (c->fn && above) {
		c->filed = true;
		rota_timer_reset_at(c->timer, 0); /* to run the function */
	} else {
		disarm(c);
	}
}

/* Wake waiting threads, as far as @steps allow; returns the steps left. Under
 * the lock. */
static long
wake(struct rota_context *c, long steps)
{
	struct waiter *w;

	while (steps > 0 && (w = rota__wait_list_claim(&c->waiters))) {
		rota__waiter_wake(w);
		steps -= WAKE_STEPS;
	}
	return steps;
}

/* Does it leave a walk more to do? Under the lock. */
static bool
more(const struct rota_context *c)
{
	return c->children || c->waiters.first;
}

static void
todo_add(struct rota_context *top, struct rota_context *c)
{
	c->next = top->todo;
	top->todo = c;
}

/* @child ends because its parent @c has ended, in the walk of @top. Under @c's
 * lock. Returns the steps left. */
static long
end_child(struct rota_context *top, struct rota_context *c,
    struct rota_context *child, long steps)
{
	list_remove(child);
	lock_take(&child->lock, LOCK_CONTEXT);
	/* Else another walk does this. If @child only waits for @c's lock, to
	 * leave the list, there is nothing to do. */
	if (!child->walked) {
		/* @c's word is set. */
		set(child, from_above(child, word_load(&c->ended, relaxed)));
		begin(child, true);
		steps = wake(child, steps);
		if (more(child)) {
			child->refs++;
			todo_add(top, child);
		}
	}
	lock_give(&child->lock);
	return steps - 1;
}

/* Do up to @steps of what is left to do since @top has ended, for @top and the
 * contexts below. False: there is more. */
static bool
walk(struct rota_context *top, long steps)
{
	struct rota_context *c;

	while ((c = top->todo)) {
		bool again;

		top->todo = c->next;
		lock_take(&c->lock, LOCK_CONTEXT);
		steps = wake(c, steps);
		while (steps > 0 && c->children) /* none is added any more */
			steps = end_child(top, c, c->children, steps);
		again = more(c);
		lock_give(&c->lock);
		if (again) {
			todo_add(top, c);
			return false;
		}
		if (c != top)
			put(c);
	}
	if (top->counts)
		word_add(
		    &top->root->walks, (uint64_t)0 - 1, acq_rel); /* [E2] */
	put(top);
	return true;
}

/* End @c and all contexts below. True: this call did, and the caller must
 * walk. */
static bool
end(struct rota_context *c, int err, int cause)
{
	bool ended_here;

	lock_take(&c->lock, LOCK_CONTEXT);
	ended_here = !ended(c);
	if (ended_here) {
		c->counts = c->children != NULL;
		if (c->counts) /* before a thread can see the end */
			word_add(&c->root->walks, (uint64_t)1, acq_rel);
		ended_here = set(c, WHY(err, cause));
		if (!ended_here && c->counts)
			word_add(&c->root->walks, (uint64_t)0 - 1, acq_rel);
	}
	if (ended_here) {
		begin(c, false);
		c->refs++; /* a thread that is woken may drop the last one */
	}
	lock_give(&c->lock);
	if (!ended_here)
		return false;
	leave_parent(c);
	todo_add(c, c);
	return true;
}

/* Why it has ended, by the words and the clock; 0: it has not. The caller has
 * no lock. */
static uint64_t
done(struct rota_context *c)
{
	uint64_t why = ended(c);

	if (why || c->deadline == ROTA_NEVER ||
	    c->deadline > rota_engine_now(c->layer->engine))
		return why;
	if (end(c->source, -ETIME, c->source->late))
		walk(c->source, LONG_MAX);
	return ended(c);
}

static void
ring(void *arg)
{
	struct rota_context *c = arg;

	if (c->fn)
		c->fn(c->arg);
	else if (!c->rings)
		c->rings = end(c, -ETIME, c->late);
	/* No slices in a bubble: its clock stands, so no other timer is late;
	 * and while a thread that the first slice woke runs, nobody polls. */
	if (c->rings && !walk(c, c->layer->bubble ? LONG_MAX : SLICE)) {
		rota_timer_reset_at(c->timer, 0); /* the timer's reference
						   * stays */
		return;
	}
	lock_take(&c->lock, LOCK_CONTEXT);
	give(c);
	lock_give(&c->lock);
	put(c);
}

/* Under the lock. */
static int
arm(struct rota_context *c)
{
	int r = rota__node_take(c->layer->engine, ring, c, &c->timer);

	if (r)
		return r;
	c->refs++;
	c->filed = true;
	rota_timer_reset_at(c->timer, c->deadline);
	return 0;
}

/* Become a child of the parent, or end as the parent has. True: the parent's
 * deadline comes first. No other thread knows @c. */
static bool
join_parent(struct rota_context *c)
{
	struct rota_context *p = c->parent;
	bool first;

	c->root = p ? p->root : c;
	c->source = c;
	if (!p)
		return false;
	lock_take(&p->lock, LOCK_CONTEXT);
	p->refs++;
	first = p->deadline <= c->deadline;
	if (first) {
		c->deadline = p->deadline;
		c->source = p->source;
		c->late = p->late;
	}
	c->ended = from_above(c, word_load(&p->ended, acquire)); /* [E1] */
	/* If a parent further up has ended, its walk will come by. */
	if (c->ended)
		begin(c, true);
	else
		list_add(p, c);
	lock_give(&p->lock);
	return first;
}

/* A context that ends at the instant @when, or that runs @fn(@arg) when its
 * parent ends. */
static int
create(struct rota_context **out, struct rota_engine *e,
    struct rota_context *parent, rota_time when, int cause, rota_func *fn,
    void *arg, const char *site)
{
	struct rota_context *c;
	struct wait_layer *layer;
	rota_time now;
	bool first;
	int r = 0;

	if (rota_engine_forked(e))
		return -ECHILD;
	c = rota__layer_alloc(e, sizeof(*c), &layer);
	if (!c)
		return -ENOMEM;
	pthread_mutex_init(&c->lock, NULL);
	rota__wait_list_init(&c->waiters);
	c->layer = layer;
	c->parent = parent;
	c->site = site;
	c->deadline = when < 0 ? 0 : when < ROTA_NEVER ? when : ROTA_NEVER;
	c->late = cause ? cause : -ETIME;
	c->fn = fn;
	c->arg = arg;
	c->users = c->refs = 1;
	if (fn) {
		r = rota__node_take(e, ring, c, &c->timer);
		if (r) {
			destroy(c);
			return r;
		}
		c->refs++;
	}
	first = join_parent(c);
	lock_take(&layer->lock, LOCK_LAYER);
	c->all_next = layer->contexts;
	c->all_prev = &layer->contexts;
	if (c->all_next)
		c->all_next->all_prev = &c->all_next;
	layer->contexts = c;
	lock_give(&layer->lock);

	now = rota_engine_now(e);
	lock_take(&c->lock, LOCK_CONTEXT);
	if (!fn && !first && !ended(c) && c->deadline > now &&
	    c->deadline < ROTA_NEVER)
		r = arm(c);
	lock_give(&c->lock);
	if (r) {
		put(c);
		return r;
	}
	if (c->deadline <= now) /* it has no timer, or a parent's is late */
		(void)done(c);
	*out = c;
	return 0;
}

/* For @fn. */
static int
create_below(struct rota_context **c, struct rota_engine *e,
    struct rota_context *parent, rota_time when, int cause, const char *site,
    const char *fn)
{
	if (c)
		*c = NULL;
	if (!e)
		return -EINVAL;
	if (!c)
		return rota__wait_misuse(e, WAIT_MISUSE_NULL, -EINVAL,
		    "%s() at %s: @c is NULL", fn, site);
	if (parent && parent->layer->engine != e)
		return rota__wait_misuse(e, WAIT_MISUSE_ENGINE, -EINVAL,
		    "%s() at %s: the parent is of another engine", fn, site);
	return create(c, e, parent, when, cause, NULL, NULL, site);
}

int
rota_context_create_site(struct rota_context **c, struct rota_engine *e,
    struct rota_context *parent, rota_time when, int cause, const char *site)
{
	return create_below(
	    c, e, parent, when, cause, site, "rota_context_create");
}

int
rota_context_timeout_site(struct rota_context **c, struct rota_engine *e,
    struct rota_context *parent, rota_span span, int cause, const char *site)
{
	return create_below(c, e, parent, rota_when(rota_engine_now(e), span),
	    cause, site, "rota_context_with_timeout");
}

int
rota_context_after_func_site(struct rota_context **c,
    struct rota_context *parent, rota_func *fn, void *arg, const char *site)
{
	struct rota_context *own;
	int r;

	if (c)
		*c = NULL;
	if (!parent)
		return -EINVAL;
	if (!fn)
		return rota__wait_misuse(parent->layer->engine,
		    WAIT_MISUSE_FUNC, -EINVAL,
		    "rota_context_after_func() at %s: @fn is NULL", site);
	r = create(
	    &own, parent->layer->engine, parent, ROTA_NEVER, 0, fn, arg, site);
	if (r)
		return r;
	if (c)
		*c = own;
	else
		rota_context_unref(own);
	return 0;
}

struct rota_context *
rota_context_ref(struct rota_context *c)
{
	if (c && !layer_forked(c->layer)) {
		lock_take(&c->lock, LOCK_CONTEXT);
		c->users++;
		lock_give(&c->lock);
	}
	return c;
}

void
rota_context_unref(struct rota_context *c)
{
	bool last;

	if (!c || layer_forked(c->layer))
		return;
	lock_take(&c->lock, LOCK_CONTEXT);
	last = --c->users == 0;
	disarm_unused(c);
	lock_give(&c->lock);
	if (last)
		put(c);
}

int
rota_context_cancel(struct rota_context *c, int cause)
{
	if (!c)
		return -EINVAL;
	if (layer_forked(c->layer))
		return -ECHILD;
	if (done(c) || !end(c, -ECANCELED, cause ? cause : -ECANCELED))
		return 0;
	walk(c, LONG_MAX);
	return 1;
}

int
rota_context_err(struct rota_context *c)
{
	if (!c)
		return -EINVAL;
	if (layer_forked(c->layer))
		return -ECHILD;
	return WHY_ERR(done(c));
}

int
rota_context_cause(struct rota_context *c)
{
	if (!c)
		return -EINVAL;
	if (layer_forked(c->layer))
		return -ECHILD;
	return WHY_CAUSE(done(c));
}

rota_time
rota_context_deadline(struct rota_context *c)
{
	return c ? c->deadline : -EINVAL;
}

int
rota_context_fd(struct rota_context *c)
{
	int fd;

	if (!c)
		return -EINVAL;
	if (layer_forked(c->layer))
		return -ECHILD;
	(void)done(c);
	lock_take(&c->lock, LOCK_CONTEXT);
	fd = rota__fd_open(&c->fd);
	rota__fd_show(&c->fd, ended(c) != 0);
	lock_give(&c->lock);
	return fd;
}

bool
rota__context_join(struct rota_context *c, struct wait_node *n,
    struct waiter *w, unsigned source, struct rota_shard **s)
{
	struct rota_context *due = c->source;
	bool on;

	lock_take(&c->lock, LOCK_CONTEXT);
	on = !ended(c);
	if (on)
		rota__wait_list_add(&c->waiters, n, w, source);
	else if (rota__waiter_claim(w, source))
		rota__waiter_wake(w);
	lock_give(&c->lock);
	if (on && c->deadline < ROTA_NEVER) {
		lock_take(&due->lock, LOCK_CONTEXT);
		if (due->filed)
			*s = rota__node_shard(due->timer);
		lock_give(&due->lock);
	}
	return on;
}

void
rota__context_leave(struct rota_context *c, struct wait_node *n)
{
	lock_take(&c->lock, LOCK_CONTEXT);
	rota__wait_list_remove(&c->waiters, n);
	lock_give(&c->lock);
}

/* Has it ended by @now, by the words and the clock? Also under a lock. */
static bool
over(struct rota_context *c, rota_time now)
{
	return ended(c) || c->deadline <= now;
}

/* A context in the list cannot leave while this lock is taken. */
static long
report(struct wait_layer *layer, rota_context_fn *tell, void *arg)
{
	rota_time now = rota_engine_now(layer->engine);
	long n = 0;

	lock_take(&layer->lock, LOCK_LAYER);
	for (struct rota_context *c = layer->contexts; c; c = c->all_next) {
		bool on, dropped;

		lock_take(&c->lock, LOCK_CONTEXT);
		on = !over(c, now);
		dropped = !c->users;
		lock_give(&c->lock);
		n += on;
		if (on && tell)
			tell(arg, c->site, c->deadline, dropped);
	}
	lock_give(&layer->lock);
	return n;
}

long
rota_context_report(struct rota_engine *e, rota_context_fn *tell, void *arg)
{
	struct wait_layer *layer;

	if (!e)
		return -EINVAL;
	if (rota_engine_forked(e))
		return -ECHILD;
	layer = rota__wait_layer(e);
	return layer ? report(layer, tell, arg) : 0;
}

static void
log_one(void *arg, const char *site, rota_time deadline, int dropped)
{
	char line[200];

	(void)deadline;
	snprintf(line, sizeof(line),
	    "rota: the context made at %s was never cancelled%s", site,
	    dropped ? "" : ", nor given back");
	rota_engine_log(arg, line);
}

/* @c, or the first behind it that is not about to go, with one more reference;
 * NULL: there is none. Under the wait layer's lock. */
static struct rota_context *
keep(struct rota_context *c)
{
	for (; c; c = c->all_next) {
		bool there;

		lock_take(&c->lock, LOCK_CONTEXT);
		there = c->refs > 0;
		c->refs += there;
		lock_give(&c->lock);
		if (there)
			return c;
	}
	return NULL;
}

/* As report(), but the log may call any function of contexts: no lock is taken
 * meanwhile. A reference keeps the context that is reported until the next has
 * one. */
unsigned long
rota__context_left(struct wait_layer *layer)
{
	struct rota_context *c, *next;
	rota_time now = rota_engine_now(layer->engine);
	unsigned long left = 0;

	lock_take(&layer->lock, LOCK_LAYER);
	c = keep(layer->contexts);
	lock_give(&layer->lock);
	for (; c; c = next) {
		unsigned users;

		lock_take(&c->lock, LOCK_CONTEXT);
		users = c->users;
		lock_give(&c->lock);
		if (!over(c, now))
			log_one(layer->engine, c->site, c->deadline, !users);
		left += users != 0;
		lock_take(&layer->lock, LOCK_LAYER);
		next = keep(c->all_next);
		lock_give(&layer->lock);
		put(c);
	}
	return left;
}

unsigned long
rota__context_leaks(struct wait_layer *layer)
{
	struct rota_context *c, *next;
	unsigned long left = 0;

	(void)rota__context_left(layer);
	for (c = layer->contexts; c; c = next) {
		next = c->all_next;
		if (c->users)
			left++;
		else /* a walk or a timer kept it, and both have ended */
			destroy(c);
	}
	return left;
}
