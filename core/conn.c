/* SPDX-License-Identifier: MIT
 *
 * conn.c - a connection's two deadlines: two timers that know the connection.
 *
 * Invariant  no deadline is the deadline ROTA_NEVER. A release is told once: by
 *            whoever takes `r_left` to 0. Who does not may find the connection
 *            gone.
 * Threads    as of the timers.
 */
#include <rota/conn.h>

#include <errno.h>

#include "core/misuse.h"

/* @t fired. If the deadline was moved meanwhile @t is armed again, and that
 * arming will tell. */
static void
come(struct rota_conn *c, const struct rota_timer *t, unsigned which,
    rota_time now)
{
	if (!rota_timer_pending(t))
		c->r_kind->expired(c, which, now);
}

static void
read_come(struct rota_timer *t, rota_time now)
{
	come(rota_container_of(t, struct rota_conn, read), t, ROTA_CONN_READ,
	    now);
}

static void
write_come(struct rota_timer *t, rota_time now)
{
	come(rota_container_of(t, struct rota_conn, write), t, ROTA_CONN_WRITE,
	    now);
}

static bool
is_timer(const struct rota_timer *t)
{
	return kind_of(t); /* also of a timer that was released */
}

/* A timer of @c was given back. True: it was the last. */
static bool
last(struct rota_conn *c)
{
	/* acq_rel: what the other's callback wrote */
	return word_add(&c->r_left, (uint64_t)0 - 1, acq_rel) == 1;
}

static void
read_released(struct rota_timer *t)
{
	struct rota_conn *c = rota_container_of(t, struct rota_conn, read);

	if (last(c))
		c->r_kind->released(c);
}

static void
write_released(struct rota_timer *t)
{
	struct rota_conn *c = rota_container_of(t, struct rota_conn, write);

	if (last(c))
		c->r_kind->released(c);
}

int
rota_conn_kind_init_site(struct rota_conn_kind *k, struct rota_shard *s,
    const char *name, rota_conn_fn *expired, rota_conn_released_fn *released,
    uint32_t flags, const char *site)
{
	int r;

	if (!k || !s)
		return -EINVAL;
	if (!expired || flags & ~ROTA_CONFINED) {
		if (!shard_forked(s))
			rota__misuse_say(s->config,
			    "rota_conn_kind_init(): kind %s (%s): %s",
			    name ? name : "?", site ? site : "?",
			    expired ? "flags has more than ROTA_CONFINED"
				    : "expired is NULL");
		return -EINVAL;
	}
	r = rota_kind_init_site(&k->read, s,
	    &(struct rota_kind_config){ .fire = read_come,
		.released = released ? read_released : NULL,
		.name = name,
		.flags = flags },
	    site);
	if (r)
		return r;
	r = rota_kind_init_site(&k->write, s,
	    &(struct rota_kind_config){ .fire = write_come,
		.released = released ? write_released : NULL,
		.name = name,
		.flags = flags },
	    site);
	if (r) {
		rota_kind_release(&k->read);
		return r;
	}
	k->expired = expired;
	k->released = released;
	return 0;
}

int
rota_conn_kind_release(struct rota_conn_kind *k)
{
	if (!k)
		return -EINVAL;
	if (rota_kind_release(&k->read) == -EBUSY)
		return -EBUSY;
	/* k->read may have gone before a -EBUSY of this one. */
	return rota_kind_release(&k->write);
}

int
rota_conn_init(struct rota_conn *c, struct rota_conn_kind *k)
{
	int r;

	if (!c || !k)
		return -EINVAL;
	r = rota_timer_init(&c->read, &k->read);
	if (r)
		return r;
	r = rota_timer_init(&c->write, &k->write);
	if (r) { /* no other thread knows of c->read yet */
		rota__shard_uninit(&k->read, &c->read);
		return r;
	}
	/* As after a stop at ROTA_NEVER: 0 would be a deadline. */
	c->read.r_word = c->write.r_word = (uint64_t)ROTA_NEVER << ST_SHIFT;
	c->r_kind = k;
	c->r_left = 2;
	return 0;
}

/* @fn was called with a `which` that it does not take. */
static rota_noinline int
no_such(const struct rota_conn *c, const char *fn)
{
	struct rota_kind *k = c ? kind_of(&c->read) : NULL;

	return k ? rota__misuse_kind(k, MISUSE_CONN_WHICH, -EINVAL, fn)
		 : -EINVAL;
}

static int
set(struct rota_timer *t, rota_time when)
{
	int r;

	if (when >= ROTA_NEVER && rota_timer_deadline(t) == ROTA_NEVER)
		return 0;
	r = rota_timer_reset_at(t, when);
	return r < 0 ? r : 0;
}

int
rota_conn_set(struct rota_conn *c, unsigned which, rota_time when)
{
	int r = 0;

	if (!c || !which || which & ~(ROTA_CONN_READ | ROTA_CONN_WRITE))
		return no_such(c, __func__);
	if (which & ROTA_CONN_READ)
		r = set(&c->read, when);
	if (!r && which & ROTA_CONN_WRITE)
		r = set(&c->write, when);
	return r;
}

rota_time
rota_conn_deadline(const struct rota_conn *c, unsigned which)
{
	if (!c || (which != ROTA_CONN_READ && which != ROTA_CONN_WRITE))
		return no_such(c, __func__);
	return rota_timer_deadline(
	    which == ROTA_CONN_READ ? &c->read : &c->write);
}

int
rota_conn_expired(const struct rota_conn *c, unsigned which, rota_time now)
{
	rota_time read, write;
	unsigned passed;

	if (!c || !which || which & ~(ROTA_CONN_READ | ROTA_CONN_WRITE))
		return no_such(c, __func__);
	read = rota_timer_deadline(&c->read);
	write = rota_timer_deadline(&c->write);
	if (read < 0 || write < 0)
		return -EINVAL;
	if (now >= ROTA_NEVER) /* which never comes */
		now = ROTA_NEVER - 1;
	passed = (read <= now ? ROTA_CONN_READ : 0) |
	    (write <= now ? ROTA_CONN_WRITE : 0);
	return (int)(passed & which);
}

int
rota_conn_release(struct rota_conn *c)
{
	int r;

	if (!c)
		return -EINVAL;
	if (is_timer(&c->read)) { /* else it went before an -EAGAIN */
		r = rota_timer_release(&c->read);
		if (r < 0)
			return r;
		if (r == 0)
			(void)last(c); /* it is not */
	}
	r = rota_timer_release(&c->write);
	return r ? r : !last(c);
}
