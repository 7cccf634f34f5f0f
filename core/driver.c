/* SPDX-License-Identifier: MIT
 *
 * driver.c - threads of the engine that own its shards and poll them.
 *
 * Threads    starting and stopping are of the thread that makes or destroys the
 *            engine.
 */
#define _POSIX_C_SOURCE 200809L /* nanosleep */
#include <errno.h>
#include <time.h>

#include "core/engine.h"
#include "core/misuse.h"

/* How late a shard must be for a driver to adopt it, and how often drivers
 * check: Go's sysmon, 10 ms. */
#define ADOPT_AFTER (10 * ROTA_MILLISECOND)

/* Poll the shards of other drivers that are late. */
static void
adopt_others(struct rota_engine *e, const struct rota_shard *own)
{
	rota_time now = rota__clock_read(&e->clock);

	for (unsigned i = 0; i < e->shards; i++) {
		struct rota_shard *s = &e->shard[i];

		if (s != own && rota_shard_overdue(s, now) >= ADOPT_AFTER)
			rota_shard_adopt(s, now, e->config.budget);
	}
}

/* A driver's thread ends, maybe in a callback that ended the thread. */
static void
drive_end(void *arg)
{
	rota__shard_ended();
	rota__shard_leave(arg);
}

/* A poll at @now has answered @r. 0: sleep until there is something to do. An
 * error: a thread ended in the middle of a poll, and no poll of @s will ever do
 * anything; the engine's end wakes the driver. Either way the sleep of a driver
 * that adopts is short. */
static void
rest(struct rota_shard *s, int r, rota_time now, bool adopts)
{
	if (r == 0) {
		rota__shard_wait(
		    s, adopts ? rota_when(now, ADOPT_AFTER) : ROTA_NEVER);
		return;
	}
	rota__misuse_shard(s, r, "rota_shard_poll");
	rota__wake_sleep(&s->wake, adopts ? ADOPT_AFTER : -1);
}

static void
drive_on(struct rota_engine *e, struct rota_shard *s)
{
	bool adopts = e->config.flags & ROTA_ADOPT && e->shards > 1;
	struct timespec nap = { 0, 50000 }; /* an adopter is at work */

	while (!word_load(&e->stopping, acquire)) {
		rota_time now = rota__clock_read(&e->clock);
		int r = rota_shard_poll(s, now, e->config.budget);

		if (adopts)
			adopt_others(e, s);
		if (r == -EBUSY)
			nanosleep(&nap, NULL);
		else if (r <= 0 && !word_load(&e->stopping, acquire))
			/* The poll may have taken the wake, so `stopping` is
			 * read again. */
			rest(s, r, now, adopts);
	}
}

static void *
drive(void *arg)
{
	struct driver *d = arg;

	shard_own(d->shard, rota__self_named());
	pthread_cleanup_push(drive_end, d->shard);
	drive_on(d->engine, d->shard);
	pthread_cleanup_pop(1);
	return NULL;
}

void
rota__drivers_stop(struct rota_engine *e)
{
	word_store(&e->stopping, (uint64_t)1, release); /* drive */
	for (unsigned i = 0; i < e->drivers; i++)
		rota_shard_wake(&e->shard[i]);
	for (unsigned i = 0; i < e->drivers; i++)
		pthread_join(e->driver[i].thread, NULL);
	e->drivers = 0;
	word_store(&e->stopping, (uint64_t)0, relaxed); /* they are gone */
}

static int
start(struct rota_engine *e, unsigned i)
{
	struct driver *d = &e->driver[i];
	int r;

	d->engine = e;
	d->shard = &e->shard[i];
	shard_own(d->shard, ID_COMES); /* no other thread can attach */
	r = -pthread_create(&d->thread, NULL, drive, d);
	if (r)
		shard_own(d->shard, 0);
	return r;
}

int
rota__drivers_start(struct rota_engine *e)
{
	if (!(e->config.flags & ROTA_DRIVERS))
		return 0;
	for (unsigned i = 0; i < e->shards; i++) {
		int r = rota__shard_open(&e->shard[i]);

		if (!r)
			r = start(e, i);
		if (r) {
			rota__drivers_stop(e);
			return r;
		}
		e->drivers++;
	}
	return 0;
}
