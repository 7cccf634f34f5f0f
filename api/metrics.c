/* SPDX-License-Identifier: MIT
 *
 * metrics.c - the counts of an engine by name, and as text.
 */
#include <rota/metrics.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define COUNTER(name, field, help)                         \
	{                                                  \
		"rota_" name "_total", help, ROTA_COUNTER, \
		    offsetof(struct rota_stats, field), 1  \
	}
#define GAUGE(name, field, unit, help)                       \
	{                                                    \
		"rota_" name, help, ROTA_GAUGE,              \
		    offsetof(struct rota_stats, field), unit \
	}

/* A list: clang-format would spread it over a page. */
/* clang-format off */
static const struct rota_metric metrics[] = {
	COUNTER("timer_starts", starts, "Resets of a timer that was not pending."),
	COUNTER("timer_pushes", pushes, "Resets of a timer that was pending."),
	COUNTER("timer_stops", stops, "Stops and releases that prevented."),
	COUNTER("timer_fires", fires, "Callbacks begun and timers handed out."),
	GAUGE("timers_armed", live, 1, "Timers that are armed."),
	GAUGE("timers", timers, 1, "Timers that are initialised."),
	GAUGE("entries", entries, 1, "Entries of the heap or wheel, zombies included."),
	GAUGE("zombies", zombies, 1, "Entries of stopped timers."),
	COUNTER("entries_made", inserts, "Entries made."),
	COUNTER("entries_moved", moves, "Entries moved: lazy resets, cascades, earlier deadlines."),
	COUNTER("zombies_met", dropped, "Zombies met when their place came due."),
	COUNTER("zombies_swept", swept, "Zombies taken out by a sweep."),
	COUNTER("inbox_drained", drained, "Timers taken from the inbox."),
	COUNTER("polls", polls, "Polls."),
	COUNTER("poll_steps", steps, "Steps of polls, of every kind of work."),
	COUNTER("polls_adopted", adopted, "Polls by others than the owner."),
	COUNTER("wakes", wakes, "Wakes of a sleeping owner."),
	GAUGE("timer_lateness_max_seconds", late_max, 1e-9, "The most that a timer was late."),
	{ "rota_timer_lateness_seconds_total", "Lateness, over all fired timers.",
	    ROTA_COUNTER, offsetof(struct rota_stats, late_sum), 1e-9 },
	GAUGE("memory_bytes", bytes, 1, "Memory allocated for the shard."),
};
/* clang-format on */
#define METRICS (sizeof(metrics) / sizeof(metrics[0]))

_Static_assert(METRICS == sizeof(struct rota_stats) / sizeof(uint64_t),
    "every figure has a name");

const struct rota_metric *
rota_metrics(unsigned *n)
{
	if (n)
		*n = METRICS;
	return metrics;
}

const struct rota_metric *
rota_metric_find(const char *name)
{
	for (unsigned i = 0; name && i < METRICS; i++)
		if (strcmp(metrics[i].name, name) == 0)
			return &metrics[i];
	return NULL;
}

double
rota_metric_read(const struct rota_metric *m, const struct rota_stats *s)
{
	uint64_t figure;

	memcpy(&figure, (const char *)s + m->offset, sizeof(figure));
	return (double)figure * m->unit;
}

struct text {
	char *at;
	size_t size, length;
};

static void put(struct text *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void
put(struct text *t, const char *format, ...)
{
	size_t left = t->length < t->size ? t->size - t->length : 0;
	va_list ap;
	int n;

	va_start(ap, format);
	/* as va_start() left it: NOLINTNEXTLINE(*-valist.Uninitialized) */
	n = vsnprintf(left ? t->at + t->length : NULL, left, format, ap);
	va_end(ap);
	if (n > 0)
		t->length += (size_t)n;
}

/* Whole numbers as integers: a double would lose the last digits of a count. */
static void
put_figure(
    struct text *t, const struct rota_metric *m, const struct rota_stats *s)
{
	uint64_t figure;

	memcpy(&figure, (const char *)s + m->offset, sizeof(figure));
	if (m->unit == 1)
		put(t, " %llu\n", (unsigned long long)figure);
	else
		put(t, " %llu.%09llu\n",
		    (unsigned long long)(figure / 1000000000),
		    (unsigned long long)(figure % 1000000000));
}

long
rota_metrics_text(struct rota_engine *e, char *text, size_t size)
{
	struct text t = { text, text ? size : 0, 0 };

	if (!e || (!text && size))
		return -EINVAL;
	if (rota_engine_forked(e))
		return -ECHILD;
	for (unsigned i = 0; i < METRICS; i++) {
		const struct rota_metric *m = &metrics[i];

		put(&t, "# HELP %s %s\n# TYPE %s %s\n", m->name, m->help,
		    m->name, m->kind == ROTA_COUNTER ? "counter" : "gauge");
		for (unsigned k = 0; k < rota_engine_shards(e); k++) {
			struct rota_stats s;

			rota_shard_stat(rota_engine_shard(e, k), &s);
			put(&t, "%s{shard=\"%u\"}", m->name, k);
			put_figure(&t, m, &s);
		}
	}
	return (long)t.length;
}
