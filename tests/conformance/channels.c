/* SPDX-License-Identifier: MIT
 *
 * channels.c - the matrix of timer channels that Go's own tests walk: timer or
 * ticker, synchronous or not, in a structure or in none, one receiver or two,
 * stopped, reset near, reset far or left alone, before or after it is due.
 *
 * For each cell the rules say who receives what and when; the program asks all
 * of it, in virtual time, and says how many cells and claims there were.
 *
 * Rules    Go 1.23: an instant that nobody has received is void after a stop
 *          or reset, which answers that it was pending. Before 1.23: it is in
 *          the buffer and stays, and the answer is no.
 * Rows     G5 G7 G8 G9
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rota/rota.h>

#define TICK ((rota_span)1 << 20)
#define PERIOD (10 * TICK)

enum change { LEAVE, STOP, NEAR, FAR, CHANGES };
static const char *const change_names[] = { "left", "stopped", "reset near",
	"reset far" };

struct cell {
	enum rota_backend backend;
	enum rota_channel_mode mode;
	bool ticker, filed; /* in a structure: by its descriptor */
	unsigned receivers; /* that wait in threads; 0: nobody does */
	enum change change;
	bool due; /* the change comes after the instant, not before */
};

static struct {
	unsigned long cells, claims, broken;
} count;

static void
claim(const struct cell *k, const char *what, long long is, long long is_to_be)
{
	count.claims++;
	if (is == is_to_be)
		return;
	if (count.broken++ < 20)
		printf("backend %d mode %d %s%s, %u receivers, %s %s: %s is "
		       "%lld, not %lld\n",
		    k->backend, k->mode, k->ticker ? "ticker" : "timer",
		    k->filed ? " with a descriptor" : "", k->receivers,
		    change_names[k->change], k->due ? "late" : "in time", what,
		    is, is_to_be);
}

struct receiver {
	struct rota_engine *engine;
	struct rota_channel *channel;
	rota_time until, value, at;
	int answer;
};

static void *
receive(void *arg)
{
	struct receiver *r = arg;

	r->answer = rota_channel_receive_until(r->channel, r->until, &r->value);
	r->at = rota_engine_now(r->engine);
	return NULL;
}

/* What the rules say of the first two values after the change, at @now: their
 * instants, 0 for none. */
static void
foretell(const struct cell *k, rota_time begin, rota_time now, bool received,
    rota_time value[2])
{
	rota_time due = begin + PERIOD;
	bool kept = k->due && !received && k->mode != ROTA_CHANNEL_SYNC;
	rota_span span = k->change == NEAR ? 2 * TICK : 50 * TICK;
	unsigned n = 0;

	value[0] = value[1] = 0;
	if (k->change == LEAVE) {
		if (!received)
			value[n++] = due;
		if (k->ticker) /* the next on the grid */
			value[n] = begin + 2 * PERIOD;
		return;
	}
	if (kept)
		value[n++] = due; /* stale */
	if (k->change == STOP)
		return;
	value[n++] = now + span;
	if (k->ticker && n < 2)
		value[n] = now + 2 * span;
}

static int
change(const struct cell *k, struct rota_channel *c)
{
	switch (k->change) {
	case STOP:
		return rota_channel_stop(c);
	case NEAR:
		return k->ticker ? rota_ticker_reset(c, 2 * TICK)
				 : rota_channel_reset(c, 2 * TICK);
	case FAR:
		return k->ticker ? rota_ticker_reset(c, 50 * TICK)
				 : rota_channel_reset(c, 50 * TICK);
	default:
		return -1;
	}
}

static struct rota_channel *
make(const struct cell *k, struct rota_engine *e)
{
	struct rota_channel *c = NULL;

	if (k->ticker)
		rota_ticker_create_mode(
		    &c, e, PERIOD, ROTA_MISSED_SKIP, k->mode);
	else
		rota_channel_create(&c, e, PERIOD, k->mode);
	if (!c || (k->filed && rota_channel_fd(c) < 0)) {
		fprintf(stderr, "channels: no memory or descriptors\n");
		exit(1);
	}
	return c;
}

/* Nobody waits while it changes; then it is received from. */
static void
cell_alone(const struct cell *k, struct rota_engine *e)
{
	rota_time begin = rota_engine_now(e), now, value[2], got;
	struct rota_channel *c = make(k, e);
	bool pending = !k->due || k->ticker || k->mode == ROTA_CHANNEL_SYNC;

	rota_sleep(e, k->due ? 15 * TICK : 5 * TICK, NULL);
	now = rota_engine_now(e);
	foretell(k, begin, now, false, value);
	if (k->change != LEAVE)
		claim(k, "what the change says", change(k, c), pending);
	for (unsigned i = 0; i < 2; i++) {
		rota_time until = rota_engine_now(e) + 200 * TICK;

		got = 0;
		claim(k, "the answer",
		    rota_channel_receive_until(c, until, &got),
		    value[i] ? 1 : -ETIME);
		claim(k, i ? "the second value" : "the first value", got,
		    value[i]);
	}
	claim(k, "the length", rota_channel_length(c), 0);
	rota_channel_unref(c);
}

/* Threads wait while it changes; each gets one value, the first comes first. */
static void
cell_waited(const struct cell *k, struct rota_bubble *b, struct rota_engine *e)
{
	rota_time begin = rota_engine_now(e), now, value[2], expected[2];
	struct rota_channel *c = make(k, e);
	struct receiver r[2];
	pthread_t thread[2];
	unsigned served = 0;
	bool pending = !k->due || k->ticker;

	for (unsigned i = 0; i < k->receivers; i++) {
		r[i] = (struct receiver){ e, c, begin + 300 * TICK, 0, 0, 0 };
		if (rota_bubble_thread(b, &thread[i], receive, &r[i])) {
			fprintf(stderr, "channels: no thread\n");
			exit(1);
		}
		rota_bubble_wait(b); /* the first is the first */
	}
	rota_sleep(e, k->due ? 15 * TICK : 5 * TICK, NULL);
	now = rota_engine_now(e);
	foretell(k, begin, now, k->due, value);
	if (k->due) /* the first has it, before the change */
		expected[served++] = begin + PERIOD;
	for (unsigned i = 0; served < 2; served++, i++)
		expected[served] = i < 2 ? value[i] : 0;
	if (k->change != LEAVE)
		claim(k, "what the change says", change(k, c), pending);
	rota_sleep(e, 400 * TICK, NULL);
	for (unsigned i = 0; i < k->receivers; i++) {
		pthread_join(thread[i], NULL);
		claim(k, "the answer", r[i].answer, expected[i] ? 1 : -ETIME);
		claim(k, i ? "the second's value" : "the first's value",
		    r[i].value, expected[i]);
		claim(k, "when it came", r[i].at,
		    expected[i] ? expected[i] : begin + 300 * TICK);
	}
	rota_channel_unref(c);
}

static void
cell_run(const struct cell *k, struct rota_bubble *b)
{
	struct rota_engine *e = rota_bubble_engine(b);
	struct rota_stats s;

	count.cells++;
	if (k->receivers)
		cell_waited(k, b, e);
	else
		cell_alone(k, e);
	rota_engine_stat(e, &s);
	claim(k, "armed at the end", (long long)s.live, 0);
}

/* All cells of one backend. */
static void
walk(enum rota_backend backend)
{
	struct cell k = { .backend = backend };
	struct rota_bubble *b;

	if (rota_bubble_create(&b, backend) || rota_bubble_join(b)) {
		fprintf(stderr, "channels: no bubble\n");
		exit(1);
	}
	for (unsigned i = 0; i < 3 * 2 * 2 * 3 * CHANGES * 2; i++) {
		unsigned n = i;

		k.mode = n % 3;
		n /= 3;
		k.ticker = n % 2;
		n /= 2;
		k.filed = n % 2;
		n /= 2;
		k.receivers = n % 3;
		n /= 3;
		k.change = n % CHANGES;
		n /= CHANGES;
		k.due = n % 2;
		cell_run(&k, b);
	}
	rota_bubble_leave(b);
	if (rota_bubble_destroy(b) != 0)
		count.broken++;
}

int
main(void)
{
	walk(ROTA_HEAP);
	walk(ROTA_WHEEL);
	walk(ROTA_WHEEL_COARSE);
	printf("channels: %lu cells, %lu claims, %lu broken\n", count.cells,
	    count.claims, count.broken);
	return count.broken ? 1 : 0;
}
