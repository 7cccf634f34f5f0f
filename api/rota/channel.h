/* SPDX-License-Identifier: MIT
 *
 * rota/channel.h - timers as channels: Go's Timer.C and select.
 *
 * A channel brings an instant to a thread that waits for it. Its rules are
 * those of Go 1.23: once a stop or a reset has returned no stale value is
 * received; a value that nobody received counts as not yet fired; length and
 * capacity are 0. A channel that nobody waits on is in no heap and no wheel,
 * and needs no stop: dropping the last reference is enough.
 *
 *	rota_channel_create(&c, e, 5 * ROTA_SECOND, ROTA_CHANNEL_SYNC);
 *	r = rota_channel_receive(c, &at);
 *	rota_channel_unref(c);
 *
 * Threads  any, beside any other, also in a callback. A call that would have to
 *          wait answers -EDEADLK in a callback of the engine and on a thread
 *          that owns one of its shards; what is ready already it answers there
 *          too. Other threads must drive the engine, and not by
 *          rota_shard_poll_batch(), which calls no function. No thread may be
 *          cancelled in a wait. config.wake and a `released` may run inside any
 *          of these calls, and must call none of them.
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
	ROTA_CHANNEL_ASYNC, /* as before Go 1.23: a buffer of one value, which
			     * stays through stop and reset; its timer is armed
			     * even while nobody waits */
	ROTA_CHANNEL_ASYNC_LAZY /* asynctimerchan=2: the same buffer, but its
				 * timer is armed only while somebody waits */
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

/* rota_channel_ref - take another reference and return @c; rota_channel_unref -
 * drop one. With the last one the channel ends, armed or not. Drop it before
 * the engine ends. NULL: nothing. */
struct rota_channel *rota_channel_ref(struct rota_channel *c);
void rota_channel_unref(struct rota_channel *c);

/* rota_channel_stop - the channel shall bring nothing more. It is not closed: a
 * thread that waits goes on waiting.
 *
 * Returns  1 it was pending: armed, or with a value that nobody has received;
 *          0 it was not. Asynchronous, as Go's before 1.23, with a value in the
 *          buffer: 0, since it has fired, and the value stays (a ticker ticks
 *          on: 1).
 */
int rota_channel_stop(struct rota_channel *c);

/* rota_channel_reset - the channel shall bring a value @span from now, and none
 * from before.
 * Returns as a stop; -EINVAL also for a ticker. -ENOMEM, -ENOSPC: the channel
 * is armed, but there was no timer for it: threads that waited get this error,
 * and its descriptor shows nothing before the next call. That cannot happen if
 * the channel is pending and has a descriptor or is asynchronous: then it has
 * its timer already. */
int rota_channel_reset(struct rota_channel *c, rota_span span);

/* rota_channel_poll - receive if there is a value.
 *
 * Returns  1 and in *@value (may be NULL) the instant at which it was due;
 *          0 there is none.
 * Cost     the channel's lock and, if the channel is armed, one clock read.
 */
int rota_channel_poll(struct rota_channel *c, rota_time *value);

/* rota_channel_receive - wait for a value. rota_channel_receive_until - the
 * same, until the instant @until at most.
 *
 * Several threads may wait: the first to have come gets the value. A thread
 * that comes later, to wait or to poll, gets what is left, even if no thread
 * has polled the shard since. One timer is enough for all of them.
 * Returns  1 and *@value; -ETIME @until has come; -EDEADLK the wait would never
 *          end: see Threads, and rota/bubble.h; -EPERM the caller is not in the
 *          engine's bubble; -ENOMEM, -ENOSPC.
 * Cost     until it returns or sleeps the channel's lock once, and one clock
 *          read at most: none for a value in the buffer of a channel that is
 *          not armed. A sleep also takes the lock of the pooled timers, if the
 *          channel or @until needs one, and the thread's own lock. A
 *          thread that is handed a value takes the channel's lock no more.
 */
int rota_channel_receive(struct rota_channel *c, rota_time *value);
int rota_channel_receive_until(
    struct rota_channel *c, rota_time until, rota_time *value);

/* rota_channel_length - how many values can be received without waiting.
 * rota_channel_capacity - how many there can be. Both are 0 for a synchronous
 * channel, as in Go. */
int rota_channel_length(struct rota_channel *c);
int rota_channel_capacity(struct rota_channel *c);

/* rota_channel_fd - a descriptor that poll(2) finds readable while there is a
 * value to receive; receive it with rota_channel_poll(). The first call makes
 * it; from then on the channel counts as waited on. The channel owns the
 * descriptor.
 * Returns the descriptor; -EMFILE, -ENFILE, -ENOMEM, -ENOSPC. */
int rota_channel_fd(struct rota_channel *c);

struct rota_context;

/* One of several things to wait for: a channel, or the end of a context. */
struct rota_case {
	struct rota_channel *channel;
	struct rota_context *context; /* both NULL: it never comes */
	rota_time value;              /* the value received */
	void *r_node[4];
};

/* rota_select - wait until one of @n cases is ready, until the instant @until
 * at most: ROTA_NEVER waits for ever, 0 does not wait. Of several ready cases
 * one is taken at random, each as likely, and nothing is received from the
 * others. The same holds for cases that become ready at one instant while the
 * call sleeps, except that a channel which is armed already, for another thread
 * that waits or for a descriptor, comes before the others. -ETIME only if no
 * case was ready by @until.
 *
 * Owns     @cases, until it returns.
 * Returns  the index of the case, its value in it; -ETIME; -EINVAL also if no
 *          case can come, or the cases are of two engines; else as
 *          rota_channel_receive().
 */
int rota_select(struct rota_case *cases, unsigned n, rota_time until);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
