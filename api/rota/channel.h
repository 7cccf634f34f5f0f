/* SPDX-License-Identifier: MIT
 *
 * rota/channel.h - timers that are received from: Go's Timer.C and select.
 *
 * A channel brings an instant to whoever waits for it. Its rules are those of
 * Go 1.23: once a stop or a reset has returned nothing stale is received; a
 * value that nobody received counts as not yet fired; length and capacity
 * read 0. A channel that nobody waits on is in no heap and no wheel, and needs
 * no stop: dropping the last reference is enough.
 *
 *	rota_channel_create(&c, e, 5 * ROTA_SECOND, ROTA_CHANNEL_SYNC);
 *	r = rota_channel_receive(c, &at);
 *	rota_channel_unref(c);
 *
 * Threads  any, beside any other, also in a callback; those that wait neither
 *          in a callback of the engine nor on a thread that owns one of its
 *          shards (-EDEADLK): the engine must be driven by others, and not by
 *          rota_shard_poll_batch(), which calls no function. No thread may be
 *          cancelled in a wait. config.wake and a `released` may run inside
 *          any of these calls, and must call none of them.
 * Errors   0 or more is an answer, less than 0 is -errno. -EINVAL: NULL.
 * Source   Go's time.Timer and runtime/time.go; docs/go.md.
 */
#ifndef ROTA_CHANNEL_H
#define ROTA_CHANNEL_H

#include <rota/engine.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct rota_channel;

enum rota_channel_mode {
	ROTA_CHANNEL_SYNC,  /* as of Go 1.23 */
	ROTA_CHANNEL_ASYNC, /* before: a buffer of one, in which a value stays
			     * through stop and reset; always filed */
	ROTA_CHANNEL_ASYNC_LAZY /* asynctimerchan=2: that buffer, but filed
				 * only while somebody waits */
};

/* rota_channel_create - a channel that brings a value once, @span from now;
 * Go's NewTimer.
 *
 * Owns     *@c: one reference, yours.
 * Returns  0; -EINVAL; -ENOMEM, -ENOSPC.
 * Cost     an allocation and a clock read.
 */
int rota_channel_create(struct rota_channel **c, struct rota_engine *e,
    rota_span span, enum rota_channel_mode mode);

/* rota_channel_ref - another reference, returned; rota_channel_unref - one
 * less. With the last one the channel ends, armed or not. Before its engine
 * does. NULL: nothing. */
struct rota_channel *rota_channel_ref(struct rota_channel *c);
void rota_channel_unref(struct rota_channel *c);

/* rota_channel_stop - it shall bring nothing more. It is not closed: who waits
 * goes on waiting.
 *
 * Returns  1 it was pending: armed, or with a value that nobody has received;
 *          0 not. Asynchronous, as Go's before 1.23, with a value in the
 *          buffer: 0, it has fired, and the value stays (a ticker ticks on: 1).
 */
int rota_channel_stop(struct rota_channel *c);

/* rota_channel_reset - it shall bring a value @span from now, and none from
 * before. Returns as a stop; -EINVAL also of a ticker; -ENOMEM, -ENOSPC: it is
 * armed, but those that waited are told so, and a descriptor is not shown
 * before the next call. Not while it is pending and has a descriptor, or is
 * asynchronous: then it has its timer. */
int rota_channel_reset(struct rota_channel *c, rota_span span);

/* rota_channel_poll - receive if there is something.
 *
 * Returns  1 and in *@value (may be NULL) the instant that it was due at;
 *          0 there is nothing.
 */
int rota_channel_poll(struct rota_channel *c, rota_time *value);

/* rota_channel_receive - wait for a value. rota_channel_receive_until - but
 * no longer than to the instant @until.
 *
 * Several may wait: one gets it, the first to have come. Who comes later, to
 * wait or only to ask, has what is left, even if no thread has polled since.
 * One timer is enough for all of them.
 * Returns  1 and *@value; -ETIME @until has come; -EDEADLK the wait would
 *          never end: see Threads, and rota/bubble.h; -EPERM the caller is
 *          not of the engine's bubble; -ENOMEM, -ENOSPC.
 */
int rota_channel_receive(struct rota_channel *c, rota_time *value);
int rota_channel_receive_until(
    struct rota_channel *c, rota_time until, rota_time *value);

/* rota_channel_length - values to be received without waiting; capacity - how
 * many there can be. Of a synchronous channel both are 0, as in Go. */
int rota_channel_length(struct rota_channel *c);
int rota_channel_capacity(struct rota_channel *c);

/* rota_channel_fd - a descriptor that poll(2) finds readable while there is a
 * value to receive; receive it with rota_channel_poll(). Made by the first
 * call; from then on the channel counts as waited on. It belongs to the
 * channel. Returns it; -EMFILE, -ENFILE, -ENOMEM, -ENOSPC. */
int rota_channel_fd(struct rota_channel *c);

struct rota_context;

/* One thing to wait for, of several: a channel, or the end of a context. */
struct rota_case {
	struct rota_channel *channel;
	struct rota_context *context; /* both NULL: it never comes */
	rota_time value;              /* that was received */
	void *r_node[4];
};

/* rota_select - wait until one of @n cases comes, at most to the instant
 * @until: ROTA_NEVER for ever, 0 not at all. Of several that have come one is
 * taken at random, each as likely, and nothing is received from the others. So
 * of several that come at one instant while it sleeps; but what is armed for
 * others already (who wait, or see a descriptor) rings before.
 * -ETIME only if none has come by @until.
 *
 * Owns     @cases, until it returns.
 * Returns  the index of the case, its value in it; -ETIME; -EINVAL also if
 *          no case can come, or they are of two engines; else as
 *          rota_channel_receive().
 */
int rota_select(struct rota_case *cases, unsigned n, rota_time until);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
