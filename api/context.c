/* SPDX-License-Identifier: MIT
 *
 * context.c - a tree of contexts, and what ends them.
 *
 * References: one for all of the users', one for each child, one for the
 * timer. A child is in its parent's list as long as neither is done; under
 * the parent's lock what is in the list is still there, but may be about to
 * leave: its last reference has gone then. Locks are taken from a parent to
 * its child: to leave the parent's list a context gives up its own.
 */
#include <rota/handle.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "api/context.h"
#include "api/fd.h"

struct rota_context {
	struct facade *facade;
	struct rota_context *parent; /* NULL: the background */
	const char *site;
	rota_time deadline;
	pthread_mutex_t lock;
	pthread_cond_t calm; /* settled */
	/* Under the lock. */
	unsigned users, refs;
	int err, cause;
	bool settled;      /* all below are done as well */
	rota_handle timer; /* 0: none */
	struct rota_context *children;
	struct wait_list waiters;
	struct fd fd;
	/* Under the parent's: its place in that one's list. */
	struct rota_context *next, **prev;
	/* Under the facade's: all that there are. */
	struct rota_context *all_next, **all_prev;
};

struct facade *
rota__context_facade(const struct rota_context *c)
{
	return c->facade;
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

static void
destroy(struct rota_context *c)
{
	struct facade *f = c->facade;

	lock_take(&f->lock, LOCK_FACADE);
	*c->all_prev = c->all_next;
	if (c->all_next)
		c->all_next->all_prev = c->all_prev;
	lock_give(&f->lock);
	rota__fd_close(&c->fd);
	pthread_cond_destroy(&c->calm);
	pthread_mutex_destroy(&c->lock);
	rota_engine_free(f->engine, c, sizeof(*c));
}

/* Under the lock. */
static void
disarm(struct rota_context *c)
{
	if (c->timer &&
	    rota_handle_stop(c->facade->engine, c->timer) == ROTA_PREVENTED)
		c->refs--; /* the caller has one, too */
	c->timer = 0;
}

/* What nobody uses any more needs no deadline. */
static void
leave_parent(struct rota_context *c)
{
	struct rota_context *p = c->parent;

	if (!p)
		return;
	lock_take(&p->lock, LOCK_CONTEXT);
	list_remove(c);
	if (!p->users && !p->children)
		disarm(p);
	lock_give(&p->lock);
}

/* One reference less; the parents' go with the last. */
static void
put(struct rota_context *c)
{
	while (c) {
		struct rota_context *parent = c->parent;
		bool last;

		lock_take(&c->lock, LOCK_CONTEXT);
		last = --c->refs == 0;
		lock_give(&c->lock);
		if (!last)
			return;
		leave_parent(c);
		destroy(c);
		c = parent;
	}
}

/* Under the lock: @c is done. Its children go on *@todo, each with a reference;
 * they are in no list by then, and linked by what is their ender's. */
static void
mark(struct rota_context *c, int err, int cause, struct rota_context **todo)
{
	struct rota_context *child;
	struct waiter *w;

	c->err = err;
	c->cause = cause;
	disarm(c);
	while ((w = rota__wait_list_claim(&c->waiters)))
		rota__waiter_wake(w);
	rota__fd_show(&c->fd, true);
	while ((child = c->children)) { /* none is added any more */
		list_remove(child);
		lock_take(&child->lock, LOCK_CONTEXT);
		if (child->refs) { /* or it waits for @c, to leave */
			child->refs++;
			child->next = *todo;
			*todo = child;
		}
		lock_give(&child->lock);
	}
}

/* Under the lock: @c was done before; whoever ended it may still be at work
 * below. Waits go downwards, so they end. */
static void
wait_settled(struct rota_context *c)
{
	while (!c->settled)
		lock_wait(&c->calm, &c->lock);
}

static void
settle(struct rota_context *c)
{
	lock_take(&c->lock, LOCK_CONTEXT);
	c->settled = true;
	pthread_cond_broadcast(&c->calm);
	lock_give(&c->lock);
}

/* End @c and all below; when it returns they are done, whoever ended them. 1:
 * this ended @c. */
static int
end(struct rota_context *c, int err, int cause)
{
	struct rota_context *todo = NULL, *own = NULL, *others = NULL, *child;

	lock_take(&c->lock, LOCK_CONTEXT);
	if (c->err) {
		wait_settled(c);
		lock_give(&c->lock);
		return 0;
	}
	mark(c, err, cause, &todo);
	c->refs++; /* who is woken may give the last one back */
	lock_give(&c->lock);
	while ((child = todo)) {
		struct rota_context **list = &own;

		todo = child->next;
		lock_take(&child->lock, LOCK_CONTEXT);
		if (child->err) {
			wait_settled(child);
			list = &others;
		} else {
			mark(child, err, cause, &todo);
		}
		lock_give(&child->lock);
		child->next = *list;
		*list = child;
	}
	settle(c);
	leave_parent(c);
	while ((child = own)) {
		own = child->next;
		settle(child);
		put(child);
	}
	while ((child = others)) {
		others = child->next;
		put(child);
	}
	put(c);
	return 1;
}

static void
ring(void *arg)
{
	struct rota_context *c = arg;

	end(c, -ETIME, -ETIME);
	put(c);
}

/* Under the lock. */
static int
arm(struct rota_context *c)
{
	int r;

	r = rota_shard_after_func(rota_engine_near(c->facade->engine),
	    c->deadline, ring, c, &c->timer);
	c->refs += !r;
	return r;
}

/* Become a child of the parent, or end as it has. True: that has a deadline
 * which comes first. Nobody else knows @c. */
static bool
join_parent(struct rota_context *c)
{
	struct rota_context *p = c->parent;
	bool first;

	if (!p)
		return false;
	lock_take(&p->lock, LOCK_CONTEXT);
	p->refs++;
	c->err = p->err;
	c->cause = p->cause;
	c->settled = c->err != 0;
	first = p->deadline <= c->deadline;
	if (first)
		c->deadline = p->deadline;
	if (!c->err)
		list_add(p, c);
	lock_give(&p->lock);
	return first;
}

int
rota_context_create_site(struct rota_context **out, struct rota_engine *e,
    struct rota_context *parent, rota_time when, const char *site)
{
	struct rota_context *c;
	struct facade *f;
	rota_time now;
	bool first;
	int r = 0;

	if (!out)
		return -EINVAL;
	*out = NULL;
	if (!e || (parent && parent->facade->engine != e))
		return -EINVAL;
	if (rota_engine_forked(e))
		return -ECHILD;
	c = rota__facade_alloc(e, sizeof(*c), &f);
	if (!c)
		return -ENOMEM;
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->calm, NULL);
	rota__wait_list_init(&c->waiters);
	c->facade = f;
	c->parent = parent;
	c->site = site;
	c->deadline = when < ROTA_NEVER ? when : ROTA_NEVER;
	c->users = c->refs = 1;
	first = join_parent(c);
	lock_take(&f->lock, LOCK_FACADE);
	c->all_next = f->contexts;
	c->all_prev = &f->contexts;
	if (c->all_next)
		c->all_next->all_prev = &c->all_next;
	f->contexts = c;
	lock_give(&f->lock);

	/* Its parent may have ended it meanwhile. */
	now = rota_engine_now(e);
	lock_take(&c->lock, LOCK_CONTEXT);
	if (!c->err && !first && c->deadline > now && c->deadline < ROTA_NEVER)
		r = arm(c);
	lock_give(&c->lock);
	if (r) {
		put(c);
		return r;
	}
	if (c->deadline <= now) /* or its parent's has, and is late */
		end(c, -ETIME, -ETIME);
	*out = c;
	return 0;
}

struct rota_context *
rota_context_ref(struct rota_context *c)
{
	if (c && !facade_forked(c->facade)) {
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

	if (!c || facade_forked(c->facade))
		return;
	lock_take(&c->lock, LOCK_CONTEXT);
	last = --c->users == 0;
	if (last && !c->children) /* its deadline is theirs */
		disarm(c);
	lock_give(&c->lock);
	if (last)
		put(c);
}

int
rota_context_cancel(struct rota_context *c, int cause)
{
	if (!c)
		return -EINVAL;
	if (facade_forked(c->facade))
		return -ECHILD;
	return end(c, -ECANCELED, cause ? cause : -ECANCELED);
}

int
rota_context_err(struct rota_context *c)
{
	int err;

	if (!c)
		return -EINVAL;
	if (facade_forked(c->facade))
		return -ECHILD;
	lock_take(&c->lock, LOCK_CONTEXT);
	err = c->err;
	lock_give(&c->lock);
	return err;
}

int
rota_context_cause(struct rota_context *c)
{
	int cause;

	if (!c)
		return -EINVAL;
	if (facade_forked(c->facade))
		return -ECHILD;
	lock_take(&c->lock, LOCK_CONTEXT);
	cause = c->cause;
	lock_give(&c->lock);
	return cause;
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
	if (facade_forked(c->facade))
		return -ECHILD;
	lock_take(&c->lock, LOCK_CONTEXT);
	fd = rota__fd_open(&c->fd);
	rota__fd_show(&c->fd, c->err != 0);
	lock_give(&c->lock);
	return fd;
}

bool
rota__context_join(
    struct rota_context *c, struct wait_node *n, struct waiter *w, unsigned who)
{
	bool on;

	lock_take(&c->lock, LOCK_CONTEXT);
	on = !c->err;
	if (on)
		rota__wait_list_add(&c->waiters, n, w, who);
	else if (rota__waiter_claim(w, who))
		rota__waiter_wake(w);
	lock_give(&c->lock);
	return on;
}

void
rota__context_leave(struct rota_context *c, struct wait_node *n)
{
	lock_take(&c->lock, LOCK_CONTEXT);
	rota__wait_list_remove(&c->waiters, n);
	lock_give(&c->lock);
}

/* A context in the list may be about to leave it, but not to end: that needs
 * this lock. */
static long
report(struct facade *f, rota_context_fn *tell, void *arg)
{
	long n = 0;

	lock_take(&f->lock, LOCK_FACADE);
	for (struct rota_context *c = f->contexts; c; c = c->all_next) {
		bool on, dropped;

		lock_take(&c->lock, LOCK_CONTEXT);
		on = !c->err;
		dropped = !c->users;
		lock_give(&c->lock);
		n += on;
		if (on && tell)
			tell(arg, c->site, c->deadline, dropped);
	}
	lock_give(&f->lock);
	return n;
}

long
rota_context_report(struct rota_engine *e, rota_context_fn *tell, void *arg)
{
	struct facade *f;

	if (!e)
		return -EINVAL;
	if (rota_engine_forked(e))
		return -ECHILD;
	f = rota__facade(e);
	return f ? report(f, tell, arg) : 0;
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

void
rota__context_leaks(struct facade *f)
{
	report(f, log_one, f->engine);
}
