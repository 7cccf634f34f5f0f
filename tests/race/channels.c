/* SPDX-License-Identifier: MIT
 *
 * channels.c - channels, contexts and an executor under threads, on the real
 * clock, an engine that drives itself.
 *
 *	race_channels SECONDS
 *
 * Claims   Each arming of a channel has one end: somebody received it, or a
 *          stop or reset answered that it was pending. After a reset has
 *          returned nothing due before it is received, after a stop nothing
 *          at all. A context has one end, and so have all below it. Each job
 *          that was taken ran once or was prevented.
 * Rows     G3 G7 G15
 */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <rota/rota.h>

enum { LANES = 3, TAKERS = 2, TREE = 15 };

struct lane {
	struct rota_channel *c;
	uint64_t random, armed, voided;
	uint64_t received; /* by anybody; atomic */
};

static struct {
	struct rota_engine *e;
	struct lane lane[LANES];
	rota_time end;
	uint64_t early, stale, broken, contexts, jobs, ran, refused;
} K;

static uint64_t
draw(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

static void
count(uint64_t *n, uint64_t more)
{
	(void)__atomic_fetch_add(n, more, __ATOMIC_RELAXED);
}

static rota_time
now(void)
{
	return rota_engine_now(K.e);
}

static void
took(struct lane *l, rota_time value)
{
	count(&l->received, 1);
	if (value > now())
		count(&K.early, 1);
}

/* The one that arms a lane. */
static void *
arm(void *arg)
{
	struct lane *l = arg;

	while (now() < K.end) {
		rota_span span = (rota_span)(draw(&l->random) % 2000000);
		rota_time floor = now() + span, value;

		l->voided += (uint64_t)rota_channel_reset(l->c, span);
		l->armed++;
		switch (draw(&l->random) % 4) {
		case 0:
			l->voided += (uint64_t)rota_channel_stop(l->c);
			if (rota_channel_poll(l->c, NULL) ||
			    rota_channel_receive_until(
				l->c, now() + 100000, NULL) != -ETIME)
				count(&K.stale, 1);
			break;
		case 1:
			if (rota_channel_receive_until(
				l->c, now() + 3000000, &value) == 1) {
				took(l, value);
				if (value < floor)
					count(&K.stale, 1);
			}
			break;
		case 2:
			rota_sleep(
			    K.e, (rota_span)(draw(&l->random) % 1500000), NULL);
			break;
		default: /* push it again at once */
			break;
		}
	}
	l->voided += (uint64_t)rota_channel_stop(l->c);
	return NULL;
}

/* Receives from all of them. */
static void *
take(void *arg)
{
	struct rota_case k[LANES] = { { 0 } };

	(void)arg;
	for (unsigned i = 0; i < LANES; i++)
		k[i].channel = K.lane[i].c;
	while (now() < K.end) {
		int at = rota_select(k, LANES, now() + 5000000);

		if (at >= 0)
			took(&K.lane[at], k[at].value);
		else if (at != -ETIME)
			count(&K.broken, 1);
	}
	return NULL;
}

struct waiting {
	struct rota_context *c;
	pthread_t thread;
};

static void *
wait_for_end(void *arg)
{
	struct waiting *w = arg;

	if (rota_context_wait(w->c, now() + 10 * ROTA_SECOND) ||
	    !rota_context_err(w->c))
		count(&K.broken, 1);
	return NULL;
}

/* A tree of contexts: its root is cancelled, or not, and all must end. */
static void *
grow(void *arg)
{
	uint64_t x = 88172645463325252u;

	(void)arg;
	while (now() < K.end) {
		struct rota_context *c[TREE];
		struct waiting w;
		int err;

		for (unsigned i = 0; i < TREE; i++) {
			rota_span span = (rota_span)(draw(&x) % 2000000);

			if (rota_context_with_timeout(&c[i], K.e,
				i ? c[(i - 1) / 2] : NULL,
				i % 3 == 1 ? ROTA_HOUR : span))
				exit(1);
		}
		w.c = c[draw(&x) % TREE];
		if (pthread_create(&w.thread, NULL, wait_for_end, &w))
			exit(1);
		if (draw(&x) % 2)
			rota_context_cancel(c[draw(&x) % TREE], 7);
		rota_context_wait(c[TREE - 1], now() + 10 * ROTA_SECOND);
		rota_context_cancel(c[0], 9);
		pthread_join(w.thread, NULL);
		for (unsigned i = 0; i < TREE; i++) {
			err = rota_context_err(c[i]);
			if (err != -ECANCELED && err != -ETIME)
				count(&K.broken, 1);
			rota_context_unref(c[i]);
		}
		count(&K.contexts, TREE);
	}
	return NULL;
}

static void
job(void *arg)
{
	count(arg, 1);
}

static void *
execute(void *arg)
{
	struct rota_executor *x;
	struct rota_executor_stats s;
	uint64_t random = 4101842887655102017u, taken = 0;
	int dropped;

	(void)arg;
	if (rota_executor_create(&x, K.e, 2, 64))
		exit(1);
	while (now() < K.end) {
		rota_job j;
		int r = rota_executor_after_func(
		    x, (rota_span)(draw(&random) % 300000), job, &K.ran, &j);

		if (r == -EAGAIN) {
			rota_sleep(K.e, 50000, NULL);
			continue;
		}
		taken++;
		if (draw(&random) % 3 == 0) {
			r = rota_executor_stop(x, j);
			if (r != ROTA_PREVENTED && r != ROTA_RUNNING &&
			    r != -ESTALE)
				count(&K.broken, 1);
		}
	}
	rota_executor_stat(x, &s);
	dropped = rota_executor_destroy(x);
	K.jobs = taken;
	K.refused = s.refused;
	/* what was prevented before, and what was dropped at the end */
	if (dropped < 0 ||
	    taken !=
		__atomic_load_n(&K.ran, __ATOMIC_RELAXED) + s.prevented +
		    (uint64_t)dropped)
		count(&K.broken, 1);
	return NULL;
}

int
main(int argc, char **argv)
{
	struct rota_config config = {
		.size = sizeof(config),
		.backend = ROTA_WHEEL,
		.shards = 2,
		.flags = ROTA_DRIVERS,
	};
	double seconds = argc == 2 ? atof(argv[1]) : 0;
	pthread_t thread[LANES + TAKERS + 2];
	uint64_t armed = 0;
	unsigned n = 0;

	if (seconds <= 0 || seconds > 3600) {
		fputs("usage: race_channels SECONDS\n", stderr);
		return 2;
	}
	if (rota_engine_create(&K.e, &config))
		return 1;
	K.end = now() + (rota_span)(seconds * 1e9);
	for (unsigned i = 0; i < LANES; i++) {
		K.lane[i].random = 2463534242u + i;
		if (rota_channel_create(
			&K.lane[i].c, K.e, ROTA_HOUR, ROTA_CHANNEL_SYNC) ||
		    rota_channel_stop(K.lane[i].c) != 1)
			return 1;
	}
	for (unsigned i = 0; i < LANES; i++)
		n += !pthread_create(&thread[n], NULL, arm, &K.lane[i]);
	for (unsigned i = 0; i < TAKERS; i++)
		n += !pthread_create(&thread[n], NULL, take, NULL);
	n += !pthread_create(&thread[n], NULL, grow, NULL);
	n += !pthread_create(&thread[n], NULL, execute, NULL);
	for (unsigned i = 0; i < n; i++)
		pthread_join(thread[i], NULL);
	for (unsigned i = 0; i < LANES; i++) {
		struct lane *l = &K.lane[i];

		armed += l->armed;
		if (l->armed != l->received + l->voided) {
			printf("lane %u: armed %" PRIu64 ", received %" PRIu64
			       ", void %" PRIu64 "\n",
			    i, l->armed, l->received, l->voided);
			K.broken++;
		}
		rota_channel_unref(l->c);
	}
	K.broken += n != LANES + TAKERS + 2;
	K.broken += rota_context_report(K.e, NULL, NULL) != 0;
	K.broken += rota_engine_destroy(K.e, ROTA_REFUSE) != 0;
	printf("channels: armed %" PRIu64 ", contexts %" PRIu64
	       ", jobs %" PRIu64 " (%" PRIu64 " refused); early %" PRIu64
	       ", stale %" PRIu64 ", broken %" PRIu64 "\n",
	    armed, K.contexts, K.jobs, K.refused, K.early, K.stale, K.broken);
	return K.early || K.stale || K.broken;
}
