/* SPDX-License-Identifier: MIT
 *
 * rota/metrics.h - the counts of an engine by name: as numbers, and as the text
 * that Prometheus and its kin collect.
 *
 * The figures are those of struct rota_stats. A name ends in its unit, and in
 * `_total` if the figure only grows. A name is never removed.
 *
 * Threads  any. Each figure is a snapshot of its own.
 * Source   the naming rules of Prometheus; runtime/metrics of Go for what to
 *          report.
 */
#ifndef ROTA_METRICS_H
#define ROTA_METRICS_H

#include <rota/engine.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

enum rota_metric_kind {
	ROTA_COUNTER, /* only grows */
	ROTA_GAUGE
};

struct rota_metric {
	const char *name; /* "rota_timer_fires_total" */
	const char *help; /* one line */
	enum rota_metric_kind kind;
	size_t offset; /* of the figure, a uint64_t, in struct rota_stats */
	double unit;   /* the value reported is the figure times this */
};

/* rota_metrics - all metrics, and in *@n (may be NULL) how many. */
const struct rota_metric *rota_metrics(unsigned *n);

/* rota_metric_find - the metric of that name, or NULL. */
const struct rota_metric *rota_metric_find(const char *name);

/* rota_metric_read - the figure of @m in @s, in its unit. */
double rota_metric_read(
    const struct rota_metric *m, const struct rota_stats *s);

/* rota_metrics_text - every figure of every shard in the text format of
 * Prometheus (version 0.0.4), into @text, with a 0 at its end, as far as there
 * is room.
 *
 * Returns  the length of the whole text without the 0, as snprintf(), whether
 *          it fits or not; -EINVAL @e NULL, or @text NULL with @size not 0.
 */
long rota_metrics_text(struct rota_engine *e, char *text, size_t size);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
