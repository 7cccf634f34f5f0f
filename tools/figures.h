/* SPDX-License-Identifier: MIT
 *
 * figures.h - what `rota bench` measures, each figure once for each backend
 * and repetition; how it is written, and who won.
 *
 * One table (in figures.c) names them all, and the rows on the terminal, the
 * keys of the JSON and the closing sentence are made from it.
 */
#ifndef ROTA_TOOLS_FIGURES_H
#define ROTA_TOOLS_FIGURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "tools/common/results.h"
#include "tools/common/series.h"

#include <rota/rota.h>

enum { BACKENDS = 3 };

enum figure {
	FIG_OPS,
	FIG_START_P50,
	FIG_START_P99,
	FIG_START_P999,
	FIG_PUSH_P50,
	FIG_PUSH_P99,
	FIG_PUSH_P999,
	FIG_STOP_P50,
	FIG_STOP_P99,
	FIG_STOP_P999,
	FIG_STARTED,
	FIG_PUSHED,
	FIG_STOPPED,
	FIG_FIRED,
	FIG_LATE_P50,
	FIG_LATE_P99,
	FIG_LATE_MAX,
	FIG_BYTES,
	FIG_REQUESTS,
	FIG_ANSWER_P99,
	FIG_SILENT,
	FIG_ON_TIME,
	FIG_SILENT_P50,
	FIG_SILENT_P99,
	FIG_SILENT_MAX,
	FIG_SERVER_P50,
	FIG_SERVER_P99,
	FIG_SERVER_MAX,
	FIGURES
};

enum unit { UNIT_COUNT, UNIT_PER_SECOND, UNIT_NS, UNIT_BYTES };

struct figure_info {
	const char *group; /* begins a group of rows with this heading */
	const char *label;
	const char *key;     /* in JSON */
	const char *subject; /* in the closing sentence; NULL: not told */
	enum unit unit;
	bool more; /* is better */
	bool sum;  /* over the repetitions is shown, not the median */
};

extern const struct figure_info figure_info[FIGURES];

struct backend_info {
	const char *name;
	enum rota_backend backend;
};

extern const struct backend_info backend_info[BACKENDS];

struct figures {
	bool used[BACKENDS];
	struct series series[BACKENDS][FIGURES];
};

/* All values, a backend being a subject and a figure a metric. */
void figures_add(const struct figures *f, struct results *to);

/* All rows that have a value, in 60 columns at most. */
void figures_print(const struct figures *f, FILE *to);

/* Who won where, in sentences made from the figures. Where all ranges
 * overlap it says that there is no difference beyond the spread. */
void figures_conclude(const struct figures *f, FILE *to);

#endif
