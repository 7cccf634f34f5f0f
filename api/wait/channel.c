/* SPDX-License-Identifier: MIT
 *
 * channel.c - channels and tickers.
 *
 * Everything that happens to a channel happens between lock and unlock, at one
 * instant. Locking first puts what has come due into the buffer of an
 * asynchronous channel and serves the waiting threads, so that no newcomer is
 * before them. Unlocking serves them again, shows in the descriptor whether
 * there is a value, and arms the timer if it is needed. The timer's callback,
 * ring(), does just that. So a callback that comes too late, for an arming that
 * is no longer wanted, does no harm.
 *
 * There is one arming at a time: if a stop could not prevent a callback nothing
 * is armed until that callback has run; it then arms what is needed. An arming
 * has a reference: a stop that prevents it gives the reference back, otherwise
 * the callback does. Only a channel that needs a timer for the first time can
 * fail to get one.
 */
#include "api/wait/channel.h"

#include <errno.h>
#include <string.h>

static void ring(void *arg);

/* Drop one reference and unlock. */
static void
put(struct rota_channel *c)
{
	bool last = --c->refs == 0;

	lock_give(&c->lock);
	if (!last)
		return;
	rota__fd_close(&c->fd);
	pthread_mutex_destroy(&c->lock);
	word_add(&c->layer->channels, (uint64_t)0 - 1, relaxed); /* a count */
	rota_engine_free(c->layer->engine, c, sizeof(*c));
}

static bool
due(const struct rota_channel *c, rota_time now)
{
	return c->armed && !c->put && c->when <= now;
}

/* Whole periods since it was due. */
static uint64_t
late(const struct rota_channel *c, rota_time now)
{
	return (uint64_t)(now - c->when) / (uint64_t)c->period;
}

/* A tick has been received, put in the buffer or dropped: set the instant of
 * the next. */
static void
go_on(struct rota_channel *c, rota_time now)
{
	uint64_t periods = 1;

	if (!c->ticker) {
		c->armed = false;
		return;
	}
	if (c->policy == ROTA_MISSED_DELAY) {
		c->put = c->mode != ROTA_CHANNEL_SYNC;
		c->when = rota_when(now, c->period);
		return;
	}
	if (c->policy == ROTA_MISSED_SKIP && now > c->when)
		periods += late(c, now);
	c->missed += periods - 1;
	/* Only the last period can overflow: the instant before it is not after
	 * @now. */
	c->when = rota_when(
	    c->when + (rota_span)(periods - 1) * c->period, c->period);
}

/* It is stopped or reset: what is due will never be received. */
static void
drop(struct rota_channel *c, rota_time now)
{
	if (c->ticker && due(c, now))
		c->missed += 1 +
		    (c->policy == ROTA_MISSED_DELAY ? 0 : late(c, now));
	c->armed = c->put = false;
}

/* Put into the buffer of an asynchronous channel what has come due by @now. */
static void
take_up(struct rota_channel *c, rota_time now)
{
	while (c->mode != ROTA_CHANNEL_SYNC && due(c, now) &&
	    !(c->full && c->policy != ROTA_MISSED_SKIP)) {
		if (c->full) {
			c->missed++;
		} else {
			c->full = true;
			c->value = c->when;
		}
		go_on(c, now);
	}
}

bool
rota__channel_ready(struct rota_channel *c, rota_time now)
{
	return c->full || (c->mode == ROTA_CHANNEL_SYNC && due(c, now));
}

rota_time
rota__channel_take(struct rota_channel *c, rota_time now)
{
	rota_time value = c->when;

	if (!c->full) {
		go_on(c, now);
		return value;
	}
	value = c->value;
	c->full = false;
	if (c->put)
		c->when = rota_when(now, c->period);
	c->put = false;
	take_up(c, now);
	return value;
}

/* First come, first served. */
static void
serve(struct rota_channel *c, rota_time now)
{
	struct waiter *w;

	while (rota__channel_ready(c, now) &&
	    (w = rota__wait_list_claim(&c->waiters))) {
		w->value = rota__channel_take(c, now);
		rota__waiter_wake(w);
	}
}

/* Lock, and serve. The clock is read, once, if something may come due on the
 * channel, or if @arms: the caller is about to arm it. Else the answer is 0. */
static rota_time
enter(struct rota_channel *c, bool arms)
{
	rota_time now = 0;

	lock_take(&c->lock, LOCK_SOURCE);
	if (c->armed || arms)
		now = rota_engine_now(c->layer->engine);
	take_up(c, now);
	serve(c, now);
	return now;
}

rota_time
rota__channel_lock(struct rota_channel *c)
{
	return enter(c, false);
}

/* Arm, move or stop the timer. With @keep the channel keeps the timer even if
 * it is not armed. */
static int
file(struct rota_channel *c, bool needed, bool keep)
{
	int r = 0;

	if (c->filed && needed && c->rings != c->when &&
	    rota__timer_push(c->timer, c->when) == 1)
		c->rings = c->when;
	if (c->filed && !needed &&
	    rota_timer_stop(c->timer) == ROTA_PREVENTED) {
		c->filed = false;
		c->refs--; /* the caller has one, too */
	}
	if (c->filed) /* armed; or ring() is about to run, and does all this */
		return 0;
	if (needed && !c->timer)
		r = rota__node_take(c->layer->engine, ring, c, &c->timer);
	if (needed && !r) {
		c->refs++;
		c->filed = true;
		c->rings = c->when;
		rota_timer_reset_at(c->timer, c->when);
	} else if (!needed && !keep && c->timer) {
		rota__node_give(c->timer);
		c->timer = NULL;
	}
	return r;
}

/* Serve waiting threads, show in the descriptor whether there is a value, arm
 * the timer if it is needed. */
static int
settle(struct rota_channel *c, rota_time now)
{
	bool ready, comes;
	int r;

	serve(c, now);
	ready = rota__channel_ready(c, now);
	rota__fd_show(&c->fd, ready);
	/* Not a tick that has to wait for the buffer. */
	comes = c->armed && !c->put &&
	    !(c->full && c->policy != ROTA_MISSED_SKIP);
	/* An asynchronous channel, and one with a descriptor, keeps its
	 * timer. */
	r = file(c,
	    comes &&
		(c->waiters.first || c->mode == ROTA_CHANNEL_ASYNC ||
		    (c->fd.at && !ready)),
	    c->armed && (c->mode == ROTA_CHANNEL_ASYNC || c->fd.at));
	if (r) /* nothing else would wake them */
		rota__wait_list_fail(&c->waiters, r);
	return r;
}

int
rota__channel_unlock(struct rota_channel *c, rota_time now)
{
	int r = settle(c, now);

	lock_give(&c->lock);
	return r;
}

int
rota__channel_unlock_at(
    struct rota_channel *c, rota_time now, struct rota_shard **s)
{
	int r = settle(c, now);

	if (c->filed)
		*s = rota__node_shard(c->timer);
	lock_give(&c->lock);
	return r;
}

static void
ring(void *arg)
{
	struct rota_channel *c = arg;
	rota_time now = rota__channel_lock(c);

	/* The instant has come: by the instant of some poll, if not by the
	 * clock. */
	c->filed = false;
	if (c->rings > now) {
		now = c->rings;
		take_up(c, now);
	}
	(void)settle(c, now); /* cannot fail: it has a timer */
	put(c);
}

/* Instead of an instant: a span from the instant at which the lock is taken. */
#define FROM_NOW ((rota_time)-1)

/* Instants before 0 are 0. */
static rota_time
instant(rota_time when)
{
	return when < 0 ? 0 : when < ROTA_NEVER ? when : ROTA_NEVER;
}

/* With @period 0 no ticker. Due first at @first, or, if that is FROM_NOW, @span
 * from now. For @fn. */
static int
create(struct rota_channel **out, struct rota_engine *e, rota_time first,
    rota_span span, rota_span period, enum rota_missed policy,
    enum rota_channel_mode mode, const char *fn)
{
	struct rota_channel *c;
	struct wait_layer *layer;
	rota_time now;
	int r;

	if (out)
		*out = NULL;
	if (!e)
		return -EINVAL;
	if (!out)
		return rota__wait_misuse(
		    e, WAIT_MISUSE_NULL, -EINVAL, "%s(): @c is NULL", fn);
	if ((unsigned)policy > ROTA_MISSED_DELAY)
		return rota__wait_misuse(e, WAIT_MISUSE_MISSED, -EINVAL,
		    "%s(): %u is no enum rota_missed", fn, (unsigned)policy);
	if ((unsigned)mode > ROTA_CHANNEL_ASYNC_LAZY)
		return rota__wait_misuse(e, WAIT_MISUSE_MODE, -EINVAL,
		    "%s(): %u is no enum rota_channel_mode", fn,
		    (unsigned)mode);
	if (rota_engine_forked(e))
		return -ECHILD;
	c = rota__layer_alloc(e, sizeof(*c), &layer);
	if (!c)
		return -ENOMEM;
	pthread_mutex_init(&c->lock, NULL);
	rota__wait_list_init(&c->waiters);
	c->layer = layer;
	c->users = c->refs = 1;
	c->mode = mode;
	c->policy = policy;
	c->period = period;
	c->ticker = period > 0;
	word_add(&layer->channels, (uint64_t)1, relaxed); /* a count */
	now = enter(c, true);
	c->armed = true;
	c->when = first == FROM_NOW ? rota_when(now, span) : first;
	r = rota__channel_unlock(c, now);
	if (r)
		rota_channel_unref(c);
	else
		*out = c;
	return r;
}

int
rota_channel_create(struct rota_channel **c, struct rota_engine *e,
    rota_span span, enum rota_channel_mode mode)
{
	return create(
	    c, e, FROM_NOW, span, 0, ROTA_MISSED_SKIP, mode, __func__);
}

struct rota_channel *
rota_channel_ref(struct rota_channel *c)
{
	if (c && !layer_forked(c->layer)) {
		lock_take(&c->lock, LOCK_SOURCE);
		c->users++;
		lock_give(&c->lock);
	}
	return c;
}

void
rota_channel_unref(struct rota_channel *c)
{
	if (!c || layer_forked(c->layer))
		return;
	lock_take(&c->lock, LOCK_SOURCE);
	if (--c->users) {
		lock_give(&c->lock);
		return;
	}
	c->armed = false;
	(void)file(c, false, false);
	put(c);
}

int
rota_channel_stop(struct rota_channel *c)
{
	rota_time now;
	int pending;

	if (!c)
		return -EINVAL;
	if (layer_forked(c->layer))
		return -ECHILD;
	now = rota__channel_lock(c);
	pending = c->armed;
	drop(c, now);
	(void)rota__channel_unlock(c, now); /* it arms nothing */
	return pending;
}

/* @first, @span and @period as for create(). */
static int
arm(struct rota_channel *c, rota_time first, rota_span span, rota_span period)
{
	rota_time now;
	int pending, r;

	if (layer_forked(c->layer))
		return -ECHILD;
	now = enter(c, true);
	pending = c->armed;
	drop(c, now);
	c->armed = true;
	c->when = first == FROM_NOW ? rota_when(now, span) : first;
	c->period = period;
	r = rota__channel_unlock(c, now);
	return r ? r : pending;
}

int
rota_channel_reset(struct rota_channel *c, rota_span span)
{
	if (!c)
		return -EINVAL;
	if (c->ticker)
		return rota__wait_misuse(c->layer->engine,
		    WAIT_MISUSE_NO_TICKER, -EINVAL,
		    "rota_channel_reset(): the channel is a ticker: "
		    "rota_ticker_reset() it");
	return arm(c, FROM_NOW, span, 0);
}

int
rota_channel_poll(struct rota_channel *c, rota_time *value)
{
	rota_time now, got = 0;
	bool ready;

	if (!c)
		return -EINVAL;
	if (layer_forked(c->layer))
		return -ECHILD;
	now = rota__channel_lock(c);
	ready = rota__channel_ready(c, now);
	if (ready)
		got = rota__channel_take(c, now);
	/* If no timer is to be had for the waiting threads, the next call tries
	 * again. */
	(void)rota__channel_unlock(c, now);
	if (ready && value)
		*value = got;
	return ready;
}

/* Has @until come? @now is what the lock answered. Under the lock. */
static bool
passed(const struct rota_channel *c, rota_time now, rota_time until)
{
	if (until <= now)
		return true;
	return !c->armed && until < ROTA_NEVER &&
	    until <= rota_engine_now(c->layer->engine);
}

/* Nothing has come by @now: sleep. Under the lock, which this gives up. Returns
 * as rota_channel_receive_until(). */
static int
wait_for(struct rota_channel *c, rota_time now, rota_time until,
    rota_time *value, const char *fn)
{
	struct rota_shard *s = NULL;
	struct wait_node node;
	struct waiter w;
	int r = rota__waiter_init(&w, c->layer, fn);

	if (r) {
		(void)rota__channel_unlock(c, now);
		return r;
	}
	rota__wait_list_add(&c->waiters, &node, &w, WAIT_CASE);
	r = rota__channel_unlock_at(c, now, &s);
	if (!r) {
		rota__wait_undriven(c->layer, s, fn);
		r = rota__waiter_wait(&w, until, fn);
	}
	/* The channel claims and wakes @w under its lock, and takes it out of
	 * the list first: a thread that was handed a value is done with the
	 * channel. */
	if (r || w.taken != WAIT_CASE) {
		now = rota__channel_lock(c);
		rota__wait_list_remove(&c->waiters, &node);
		if (w.taken == WAIT_TIME && rota__channel_ready(c, now)) {
			w.value = rota__channel_take(c, now);
			w.taken = WAIT_CASE;
		}
		(void)rota__channel_unlock(c, now); /* it arms nothing new */
	}
	rota__waiter_destroy(&w);
	if (w.taken == WAIT_CASE && value)
		*value = w.value;
	return w.taken == WAIT_CASE  ? 1
	    : w.taken == WAIT_TIME   ? -ETIME
	    : r                      ? r
	    : w.taken == WAIT_FAILED ? (int)w.value
				     : -EDEADLK;
}

int
rota__channel_receive(
    struct rota_channel *c, rota_time until, rota_time *value, const char *fn)
{
	rota_time now, got;

	if (!c)
		return -EINVAL;
	if (layer_forked(c->layer))
		return -ECHILD;
	now = rota__channel_lock(c);
	if (!rota__channel_ready(c, now)) {
		if (!passed(c, now, until))
			return wait_for(c, now, until, value, fn);
		(void)rota__channel_unlock(c, now);
		return -ETIME;
	}
	got = rota__channel_take(c, now);
	(void)rota__channel_unlock(c, now); /* as in rota_channel_poll() */
	if (value)
		*value = got;
	return 1;
}

int
rota_channel_receive_until(
    struct rota_channel *c, rota_time until, rota_time *value)
{
	return rota__channel_receive(c, until, value, __func__);
}

int
rota_channel_receive(struct rota_channel *c, rota_time *value)
{
	return rota__channel_receive(c, ROTA_NEVER, value, __func__);
}

int
rota_channel_length(struct rota_channel *c)
{
	rota_time now;
	int length;

	if (!c)
		return -EINVAL;
	if (layer_forked(c->layer))
		return -ECHILD;
	now = rota__channel_lock(c);
	length = c->full;
	(void)rota__channel_unlock(c, now);
	return length;
}

int
rota_channel_capacity(struct rota_channel *c)
{
	return c ? c->mode != ROTA_CHANNEL_SYNC : -EINVAL;
}

int
rota_channel_fd(struct rota_channel *c)
{
	rota_time now;
	int fd, r;

	if (!c)
		return -EINVAL;
	if (layer_forked(c->layer))
		return -ECHILD;
	now = rota__channel_lock(c);
	fd = rota__fd_open(&c->fd);
	r = rota__channel_unlock(c, now);
	return r ? r : fd;
}

/* @first and @period as for create(). For @fn. */
static int
ticker(struct rota_channel **c, struct rota_engine *e, rota_time first,
    rota_span period, enum rota_missed missed, enum rota_channel_mode mode,
    const char *fn)
{
	if (period > 0)
		return create(c, e, first, period, period, missed, mode, fn);
	if (c)
		*c = NULL;
	return !e ? -EINVAL
		  : rota__wait_misuse(e, WAIT_MISUSE_PERIOD, -EINVAL,
			"%s(): a period of %lld ns: it must be above 0", fn,
			(long long)period);
}

int
rota_ticker_create_mode(struct rota_channel **c, struct rota_engine *e,
    rota_span period, enum rota_missed missed, enum rota_channel_mode mode)
{
	return ticker(c, e, FROM_NOW, period, missed, mode, __func__);
}

int
rota_ticker_create_at(struct rota_channel **c, struct rota_engine *e,
    rota_time first, rota_span period, enum rota_missed missed,
    enum rota_channel_mode mode)
{
	return ticker(c, e, instant(first), period, missed, mode, __func__);
}

int
rota_ticker_create(struct rota_channel **c, struct rota_engine *e,
    rota_span period, enum rota_missed missed)
{
	return ticker(
	    c, e, FROM_NOW, period, missed, ROTA_CHANNEL_SYNC, __func__);
}

/* arm() of a ticker, for @fn. */
static int
ticker_arm(
    struct rota_channel *c, rota_time first, rota_span period, const char *fn)
{
	if (!c)
		return -EINVAL;
	if (!c->ticker)
		return rota__wait_misuse(c->layer->engine, WAIT_MISUSE_TICKER,
		    -EINVAL,
		    "%s(): the channel is no ticker: rota_channel_reset() it",
		    fn);
	if (period <= 0)
		return rota__wait_misuse(c->layer->engine, WAIT_MISUSE_PERIOD,
		    -EINVAL, "%s(): a period of %lld ns: it must be above 0",
		    fn, (long long)period);
	return arm(c, first, period, period);
}

int
rota_ticker_reset(struct rota_channel *c, rota_span period)
{
	return ticker_arm(c, FROM_NOW, period, __func__);
}

int
rota_ticker_reset_at(struct rota_channel *c, rota_time first, rota_span period)
{
	return ticker_arm(c, instant(first), period, __func__);
}

int64_t
rota_ticker_missed(struct rota_channel *c)
{
	rota_time now;
	uint64_t missed;

	if (!c || !c->ticker)
		return -EINVAL;
	if (layer_forked(c->layer))
		return -ECHILD;
	now = rota__channel_lock(c);
	missed = c->missed;
	if (c->policy == ROTA_MISSED_SKIP && due(c, now))
		missed += late(c, now);
	(void)rota__channel_unlock(c, now);
	return (int64_t)missed;
}

struct rota_channel *
rota_tick(struct rota_engine *e, rota_span period)
{
	struct rota_channel *c;

	return ticker(&c, e, FROM_NOW, period, ROTA_MISSED_SKIP,
		   ROTA_CHANNEL_SYNC, __func__)
	    ? NULL
	    : c;
}
