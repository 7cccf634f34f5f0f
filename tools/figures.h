/* SPDX-License-Identifier: MIT
 *
 * figures.h - what `rota bench` measures, each figure once for each engine and
 * round; how it is written, and what may be concluded.
 *
 * One table (in figures.c) names them all; the rows on the terminal, the keys
 * of the JSON and the conclusion are made from it.
 *
 * Value i of a figure was measured in the same round i for each engine, on the
 * same work, so engines are compared in pairs (common/ratio.h). The control is
 * the first engine once more: what it seems to differ from itself, others have
 * to differ by more.
 */
#ifndef ROTA_TOOLS_FIGURES_H
#define ROTA_TOOLS_FIGURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "tools/common/ratio.h"
#include "tools/common/results.h"
#include "tools/common/series.h"

#include <rota/rota.h>

enum { BACKENDS = 3, CONTROL = BACKENDS, SLOTS };
enum { SIZES = 4 }; /* numbers of timers; the third is that of all the rest */
enum { MAIN_SIZE = 2 };

enum figure {
	FIG_OP, /* of the first size */
	FIG_OP_MAIN = FIG_OP + MAIN_SIZE,
	FIG_OP_UNIFORM = FIG_OP + SIZES,
	FIG_OP_BIMODAL,
	FIG_START_P50,
	FIG_START_P99,
	FIG_START_P999,
	FIG_START_MAX,
	FIG_PUSH_P50,
	FIG_PUSH_P99,
	FIG_PUSH_P999,
	FIG_PUSH_MAX,
	FIG_STOP_P50,
	FIG_STOP_P99,
	FIG_STOP_P999,
	FIG_STOP_MAX,
	FIG_POLL_P50,
	FIG_POLL_P99,
	FIG_POLL_MAX,
	FIG_STOPS,
	FIG_AFTER_P99,
	FIG_AFTER_MAX,
	FIG_HERD,
	FIG_HERD_MAX,
	FIG_RESIDENT,
	FIG_LATE_P50,
	FIG_LATE_P99,
	FIG_WAKEUPS,
	FIG_REQUESTS,
	FIG_ANSWER_P99,
	FIG_CLOSE_P99,
	FIG_ON_TIME,
	FIGURES
};

enum unit { UNIT_COUNT, UNIT_PER_SECOND, UNIT_NS, UNIT_BYTES, UNIT_TIMES };

struct figure_info {
	const char *group; /* begins a group of rows with this heading */
	const char *label;
	const char *key; /* in JSON */
	enum unit unit;
	bool more; /* is better */
	bool sum;  /* over the rounds is shown, not the median */
};

extern const struct figure_info figure_info[FIGURES];

struct backend_info {
	const char *name;
	enum rota_backend backend;
};

extern const struct backend_info backend_info[BACKENDS];

struct figures {
	bool used[BACKENDS];
	uint64_t size[SIZES]; /* ascending but for what is not measured: 0 */
	struct series series[SLOTS][FIGURES];
};

/* figures_lead - who is best in @figure: @lead gets those that nobody was shown
 * to be ahead of, the others have in @behind the ratio to the best of these.
 * Returns that one, or -1: less than two engines have values. */
int figures_lead(const struct figures *f, enum figure figure,
    bool lead[BACKENDS], struct ratio behind[BACKENDS]);

/* All values, an engine being a subject and a figure a metric. */
void figures_add(const struct figures *f, struct results *to);

/* The answer: who is ahead in what, by how much, and how sure that is. */
void figures_conclude(const struct figures *f, FILE *to);

/* All rows that have a value, in 60 columns at most. */
void figures_print(const struct figures *f, FILE *to);

/* From how many timers on which of heap and wheel needs less. */
void figures_cross(const struct figures *f, FILE *to);

#endif
