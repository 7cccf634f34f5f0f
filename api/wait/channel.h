/* SPDX-License-Identifier: MIT
 *
 * channel.h - the inside of a channel, for select.c.
 *
 * A synchronous channel needs no buffer: it is due or not, and a receiver
 * compares it with the clock. Its timer is armed only while a thread waits, or
 * while a descriptor is to become readable. The callback serves the waiting
 * threads; a call that takes the lock earlier serves them first. So under the
 * lock a newcomer finds nothing as long as another thread waits.
 */
#ifndef ROTA_API_WAIT_CHANNEL_H
#define ROTA_API_WAIT_CHANNEL_H

#include <rota/handle.h>
#include <rota/ticker.h>

#include "core/sys/fd.h"
#include "api/wait/wait.h"

struct rota_channel {
	struct wait_layer *layer;
	enum rota_channel_mode mode;
	enum rota_missed policy;
	bool ticker;
	pthread_mutex_t lock;
	/* Under the lock. */
	unsigned users; /* references of the users */
	unsigned refs;  /* one for all users', one for a callback to come */
	bool armed;
	rota_time when;   /* the instant at which it is due, if armed */
	rota_span period; /* of a ticker */
	uint64_t missed;
	bool full; /* asynchronous: @value is in the buffer */
	bool put;  /* DELAY: nothing else comes due until it is received */
	rota_time value;
	struct wait_list waiters;
	struct rota_timer *timer; /* kept as long as it is needed */
	bool filed; /* the timer is armed for @rings, or its callback is to
		     * come */
	rota_time rings;
	struct fd fd; /* readable while a value is due */
};

/* rota__channel_lock - lock, and return the instant of all that happens under
 * this lock; waiting threads have been served. If the channel is not armed
 * nothing can come due: the clock is not read, and the answer is 0. */
rota_time rota__channel_lock(struct rota_channel *c);
/* rota__channel_unlock - serve waiting threads, then arm the timer if and only
 * if it is needed. 0, or -ENOMEM, -ENOSPC: no timer was to be had. */
int rota__channel_unlock(struct rota_channel *c, rota_time now);
/* rota__channel_unlock_at - the same; *@s gets the shard of the timer if that
 * is armed now, else it stays. */
int rota__channel_unlock_at(
    struct rota_channel *c, rota_time now, struct rota_shard **s);
/* rota__channel_ready - is there a value to receive? rota__channel_take -
 * receive it. Both under the lock. */
bool rota__channel_ready(struct rota_channel *c, rota_time now);
rota_time rota__channel_take(struct rota_channel *c, rota_time now);
/* rota__channel_receive - rota_channel_receive_until(), for @fn. */
int rota__channel_receive(
    struct rota_channel *c, rota_time until, rota_time *value, const char *fn);

#endif
