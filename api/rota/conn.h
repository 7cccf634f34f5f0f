/* SPDX-License-Identifier: MIT
 *
 * rota/conn.h - the two deadlines of a connection: Go's SetDeadline,
 * SetReadDeadline and SetWriteDeadline.
 *
 *	static void
 *	expired(struct rota_conn *c, unsigned which, rota_time now)
 *	{
 *		struct client *client = rota_container_of(c, struct client, c);
 *		...
 *	}
 *
 *	rota_conn_kind_init(&kind, shard, "client", expired, NULL, 0);
 *	rota_conn_init(&client->c, &kind);
 *	rota_conn_set(&client->c, ROTA_CONN_READ, now + 30 * ROTA_SECOND);
 *
 * A deadline that is changed or cleared before its callback begins is not
 * reported. The poll checks the deadline, then calls, in two steps: so if other
 * threads than the shard's owner set deadlines, a callback may run although
 * another deadline is in force by then. It has to call rota_conn_expired()
 * under the connection's lock, as threads that read and write do:
 * rota_conn_expired() answers for the deadline that is in force, and for no
 * other.
 *
 * Threads  as for rota/timer.h, which has all that is not said here.
 * Source   Go's runtime/netpoll.go, whose rseq and wseq are the timer's word
 *          here.
 */
#ifndef ROTA_CONN_H
#define ROTA_CONN_H

#include <rota/timer.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define ROTA_CONN_READ 1u
#define ROTA_CONN_WRITE 2u

struct rota_conn;

/* The deadline of @which, one of the above, has come. Rules as for
 * rota_fire_fn; two deadlines at one instant are two calls. */
typedef void rota_conn_fn(struct rota_conn *c, unsigned which, rota_time now);

/* A release that had to wait is complete: @c is yours. */
typedef void rota_conn_released_fn(struct rota_conn *c);

/* What the connections of one sort on one shard have in common. Yours; must
 * outlive those connections. */
struct rota_conn_kind {
	struct rota_kind read, write;
	rota_conn_fn *expired;
	rota_conn_released_fn *released;
};

/* Embed it in your own struct; at the beginning of a cache line both timers are
 * in that line. */
struct rota_conn {
	struct rota_timer read, write;
	struct rota_conn_kind *r_kind;
	uint64_t r_left; /* timers that were not given back; atomic */
};

/* rota_conn_kind_init - prepare @k for connections on @s. @released may be
 * NULL if only the owner releases; @flags: 0 or ROTA_CONFINED.
 *
 * Returns  as rota_kind_init(); -EINVAL also for other flags.
 */
#define rota_conn_kind_init(k, s, name, expired, released, flags) \
	rota_conn_kind_init_site(                                 \
	    (k), (s), (name), (expired), (released), (flags), ROTA_HERE)
int rota_conn_kind_init_site(struct rota_conn_kind *k, struct rota_shard *s,
    const char *name, rota_conn_fn *expired, rota_conn_released_fn *released,
    uint32_t flags, const char *site);

/* rota_conn_kind_release - as rota_kind_release(). */
int rota_conn_kind_release(struct rota_conn_kind *k);

/* rota_conn_init - @c has no deadline. As rota_timer_init(). */
int rota_conn_init(struct rota_conn *c, struct rota_conn_kind *k);

/* rota_conn_set - set the deadline of @which, one or both, to @when; ROTA_NEVER
 * clears it. A deadline that has passed is met at once, and the next poll
 * reports it.
 *
 * Returns  0; -EINVAL.
 * Cost     for each of the two that of rota_timer_reset_at(): later, one
 *          compare-and-swap. A cleared deadline leaves its timer armed, for
 *          never: rota_engine_destroy(ROTA_REFUSE) asks for its release.
 */
int rota_conn_set(struct rota_conn *c, unsigned which, rota_time when);

/* rota_conn_deadline - the deadline of @which, one of the two; ROTA_NEVER:
 * none; -EINVAL. */
rota_time rota_conn_deadline(const struct rota_conn *c, unsigned which);

/* rota_conn_expired - which deadlines of @which have passed by @now, reported
 * or not: the connection's reads, or writes, fail until another deadline is
 * set.
 * Returns those as flags, 0: none; -EINVAL. */
int rota_conn_expired(const struct rota_conn *c, unsigned which, rota_time now);

/* rota_conn_release - stop both deadlines and take the memory back. As
 * rota_timer_release(): 0 @c is yours; 1 it is once released(@c) has run;
 * -EINVAL, -EAGAIN. */
int rota_conn_release(struct rota_conn *c);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
