/* SPDX-License-Identifier: MIT
 *
 * select.c - wait for the first of several channels and contexts.
 */
#include <errno.h>

#include "api/wait/channel.h"
#include "api/wait/context.h"

_Static_assert(
    sizeof(struct wait_node) <= sizeof(((struct rota_case *)0)->r_node),
    "room for a node in a case");

static struct wait_node *
node_of(struct rota_case *k)
{
	return (struct wait_node *)(void *)k->r_node;
}

/* A random number below @n. */
static unsigned
turn(unsigned n)
{
	static _Thread_local uint64_t x; /* Marsaglia's xorshift */

	if (!x)
		x = (uint64_t)(uintptr_t)&x | 1;
	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (unsigned)(x >> 33) % n;
}

/* The wait layer of all cases; NULL: they are of several engines, or there is
 * none. That is logged for @fn where there is an engine. */
static struct wait_layer *
layer_of(const struct rota_case *cases, unsigned n, const char *fn)
{
	struct wait_layer *layer = NULL;

	for (unsigned i = 0; i < n; i++) {
		const struct rota_case *k = &cases[i];
		struct wait_layer *own = k->channel ? k->channel->layer
		    : k->context ? rota__context_wait_layer(k->context)
				 : layer;

		if (k->channel && k->context) {
			rota__wait_misuse(own->engine, WAIT_MISUSE_CASE, 0,
			    "%s(): case %u has a channel and a context: make "
			    "two cases of it",
			    fn, i);
			return NULL;
		}
		if (layer && own != layer) {
			rota__wait_misuse(layer->engine, WAIT_MISUSE_ENGINE, 0,
			    "%s(): case %u is of another engine than those "
			    "before it",
			    fn, i);
			return NULL;
		}
		layer = own;
	}
	return layer;
}

/* Has it come? */
static bool
ready(struct rota_case *k)
{
	rota_time now;
	bool has_value;

	if (!k->channel)
		return k->context && rota_context_err(k->context);
	now = rota__channel_lock(k->channel);
	has_value = rota__channel_ready(k->channel, now);
	(void)rota__channel_unlock(k->channel, now);
	return has_value;
}

/* Take it, if it has come. True: taken. */
static bool
come(struct rota_case *k)
{
	if (k->channel)
		return rota_channel_poll(k->channel, &k->value);
	return k->context && rota_context_err(k->context);
}

/* Take one of the cases that have come, each as likely; @n: none has. */
static unsigned
choose(struct rota_case *cases, unsigned n)
{
	unsigned chosen;

	do {
		unsigned found = 0;

		chosen = n;
		for (unsigned i = 0; i < n; i++)
			if (ready(&cases[i]) && turn(++found) == 0)
				chosen = i;
		/* or another thread took it meanwhile */
	} while (chosen < n && !come(&cases[chosen]));
	return chosen;
}

/* Shuffle the order in which the cases are joined: channels that come due at
 * one instant are armed, and fire, in that order. */
static void
shuffle(struct rota_case *cases, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		unsigned k = turn(i + 1);

		node_of(&cases[i])->turn = node_of(&cases[k])->turn;
		node_of(&cases[k])->turn = i;
	}
}

/* Put @w in the channel's list; or, if the channel has a value by now, take
 * that value. 0 or -errno; *@listed: @w is in the list; *@s: where the
 * channel's timer is, or NULL. */
static int
join_channel(struct waiter *w, struct rota_case *k, unsigned source,
    bool *listed, struct rota_shard **s)
{
	struct rota_channel *c = k->channel;
	rota_time now = rota__channel_lock(c);

	*listed = !rota__channel_ready(c, now);
	if (*listed) {
		rota__wait_list_add(&c->waiters, node_of(k), w, source);
	} else if (rota__waiter_claim(w, source)) {
		w->value = rota__channel_take(c, now);
		rota__waiter_wake(w);
	}
	return rota__channel_unlock_at(c, now, s);
}

static void
leave_channel(struct rota_channel *c, struct wait_node *n)
{
	rota_time now = rota__channel_lock(c);

	rota__wait_list_remove(&c->waiters, n);
	(void)rota__channel_unlock(c, now); /* it arms nothing new */
}

/* No case has come: sleep. Returns as rota_select(). */
static int
wait_for(struct wait_layer *layer, struct rota_case *cases, unsigned n,
    rota_time until, const char *fn)
{
	struct waiter w;
	bool listed = true;
	unsigned at = n;
	int r = rota__waiter_init(&w, layer, fn);

	if (r)
		return r;
	for (unsigned i = 0; i < n; i++)
		node_of(&cases[i])->waiter = NULL;
	shuffle(cases, n);
	for (unsigned i = 0; i < n && !r && listed; i++) {
		unsigned which = node_of(&cases[i])->turn;
		struct rota_case *k = &cases[which];
		struct rota_shard *s = NULL;

		if (k->channel)
			r = join_channel(&w, k, WAIT_CASE + which, &listed, &s);
		else if (k->context)
			listed = rota__context_join(
			    k->context, node_of(k), &w, WAIT_CASE + which, &s);
		if (listed && !r)
			rota__wait_undriven(layer, s, fn);
	}
	if (!r) /* not @listed: @w is claimed, and woken or about to be */
		r = rota__waiter_wait(&w, listed ? until : ROTA_NEVER, fn);
	/* No value was handed over: has a case come since? */
	if (!r &&
	    (w.taken == WAIT_TIME ||
		(w.taken >= WAIT_CASE && !cases[w.taken - WAIT_CASE].channel)))
		at = choose(cases, n);
	/* A source claims and wakes @w under the source's lock: once @w is out
	 * of the lists no source can claim it, and none is at work on it. */
	for (unsigned i = 0; i < n; i++) {
		if (cases[i].channel)
			leave_channel(cases[i].channel, node_of(&cases[i]));
		else if (cases[i].context)
			rota__context_leave(
			    cases[i].context, node_of(&cases[i]));
	}
	rota__waiter_destroy(&w);
	if (at == n && w.taken >= WAIT_CASE) {
		at = w.taken - WAIT_CASE;
		cases[at].value = w.value;
	}
	return at < n                ? (int)at
	    : w.taken == WAIT_TIME   ? -ETIME
	    : r                      ? r
	    : w.taken == WAIT_FAILED ? (int)w.value
				     : -EDEADLK;
}

int
rota__select(
    struct rota_case *cases, unsigned n, rota_time until, const char *fn)
{
	struct wait_layer *layer = cases ? layer_of(cases, n, fn) : NULL;
	unsigned at;
	bool passed;
	int r;

	if (!layer || n > INT32_MAX / 2)
		return -EINVAL;
	if (layer_forked(layer))
		return -ECHILD;
	if (n == 1 && cases->channel) {
		r = rota__channel_receive(
		    cases->channel, until, &cases->value, fn);
		return r == 1 ? 0 : r;
	}
	/* Read before the cases are looked at: what comes between two readings
	 * would be missed. */
	passed = until <= 0 ||
	    (until < ROTA_NEVER && until <= rota_engine_now(layer->engine));
	at = choose(cases, n);
	if (at < n)
		return (int)at;
	if (passed)
		return -ETIME;
	return wait_for(layer, cases, n, until, fn);
}

int
rota_select(struct rota_case *cases, unsigned n, rota_time until)
{
	return rota__select(cases, n, until, __func__);
}

int
rota_context_wait(struct rota_context *c, rota_time until)
{
	struct rota_case one = { .context = c };

	return c ? rota__select(&one, 1, until, __func__) : -EINVAL;
}
