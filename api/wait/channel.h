/* SPDX-License-Identifier: MIT
 *
 * channel.h - what a channel is made of, for those that select on it.
 *
 * A synchronous channel needs no buffer: it is due or it is not, and who
 * receives asks the clock. Its timer is armed only while somebody waits, or a
 * descriptor is to be raised. Then whoever waits is served by the callback, or
 * by whoever comes by before: under the lock nothing is there for a newcomer
 * as long as somebody waits.
 */
#ifndef ROTA_API_WAIT_CHANNEL_H
#define ROTA_API_WAIT_CHANNEL_H

#include <rota/handle.h>
#include <rota/ticker.h>

#include "core/sys/fd.h"
#include "api/wait/wait.h"

struct rota_channel {
	struct facade *facade;
	enum rota_channel_mode mode;
	enum rota_missed policy;
	bool ticker;
	pthread_mutex_t lock;
	/* Under the lock. */
	unsigned users; /* references of theirs */
	unsigned refs;  /* one for all of those, one for a ring to come */
	bool armed;
	rota_time when;   /* it is due, if armed */
	rota_span period; /* of a ticker */
	uint64_t missed;
	bool full; /* asynchronous: @value waits */
	bool put;  /* and until it is received nothing else comes due: DELAY */
	rota_time value;
	struct wait_list waiters;
	struct rota_timer *timer; /* kept as long as it has use for it */
	bool filed; /* a ring is to come, of an arming for @rings */
	rota_time rings;
	struct fd fd; /* shows while something is due */
};

/* rota__channel_lock - and the instant that everything under it happens at;
 * those that wait have been served. */
rota_time rota__channel_lock(struct rota_channel *c);
/* rota__channel_unlock - serve who waits, then arm the timer if it is needed
 * and only then. 0, or -ENOMEM, -ENOSPC: there was none to be had. */
int rota__channel_unlock(struct rota_channel *c, rota_time now);
/* rota__channel_ready - is there something to receive? rota__channel_take:
 * receive it. Under the lock. */
bool rota__channel_ready(struct rota_channel *c, rota_time now);
rota_time rota__channel_take(struct rota_channel *c, rota_time now);

#endif
