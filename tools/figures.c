/* SPDX-License-Identifier: MIT
 *
 * figures.c - see figures.h.
 */
#include "tools/figures.h"

#include <string.h>

#include "tools/common/table.h"

const struct backend_info backend_info[BACKENDS] = {
	{ "heap", ROTA_HEAP },
	{ "wheel", ROTA_WHEEL },
	{ "coarse", ROTA_WHEEL_COARSE },
};

/* clang-format off */
const struct figure_info figure_info[FIGURES] = {
	[FIG_OPS] = { "Churn, one thread", "operations/s", "ops_per_s",
	    "operations a second", .unit = UNIT_PER_SECOND, .more = true },
	[FIG_START_P50] = { NULL, "start  p50", "start_ns_p50",
	    "the median start", .unit = UNIT_NS },
	[FIG_START_P99] = { NULL, "       p99", "start_ns_p99",
	    NULL, .unit = UNIT_NS },
	[FIG_START_P999] = { NULL, "       p99.9", "start_ns_p999",
	    "the p99.9 of a start", .unit = UNIT_NS },
	[FIG_PUSH_P50] = { NULL, "push   p50", "push_ns_p50",
	    "the median push", .unit = UNIT_NS },
	[FIG_PUSH_P99] = { NULL, "       p99", "push_ns_p99",
	    NULL, .unit = UNIT_NS },
	[FIG_PUSH_P999] = { NULL, "       p99.9", "push_ns_p999",
	    "the p99.9 of a push", .unit = UNIT_NS },
	[FIG_STOP_P50] = { NULL, "stop   p50", "stop_ns_p50",
	    "the median stop", .unit = UNIT_NS },
	[FIG_STOP_P99] = { NULL, "       p99", "stop_ns_p99",
	    NULL, .unit = UNIT_NS },
	[FIG_STOP_P999] = { NULL, "       p99.9", "stop_ns_p999",
	    NULL, .unit = UNIT_NS },
	[FIG_STARTED] = { NULL, "armed", "started",
	    NULL, .unit = UNIT_COUNT, .sum = true },
	[FIG_PUSHED] = { NULL, "pushed", "pushed",
	    NULL, .unit = UNIT_COUNT, .sum = true },
	[FIG_STOPPED] = { NULL, "stopped", "stopped",
	    NULL, .unit = UNIT_COUNT, .sum = true },
	[FIG_FIRED] = { NULL, "fired", "fired",
	    NULL, .unit = UNIT_COUNT, .sum = true },
	[FIG_LATE_P50] = { NULL, "late   p50", "late_ns_p50",
	    NULL, .unit = UNIT_NS },
	[FIG_LATE_P99] = { NULL, "       p99", "late_ns_p99",
	    "the p99 lateness of a fire", .unit = UNIT_NS },
	[FIG_LATE_MAX] = { NULL, "       max", "late_ns_max",
	    NULL, .unit = UNIT_NS },
	[FIG_BYTES] = { NULL, "bytes/timer", "bytes_per_timer",
	    "memory for a timer", .unit = UNIT_BYTES },
	[FIG_REQUESTS] = { "Server under wrk", "requests/s",
	    "requests_per_s", "requests a second", .unit = UNIT_PER_SECOND,
	    .more = true },
	[FIG_ANSWER_P99] = { NULL, "answer p99", "answer_ns_p99",
	    "the p99 of an answer", .unit = UNIT_NS },
	[FIG_SILENT] = { "Peers that fall silent meanwhile", "peers", "silent",
	    NULL, .unit = UNIT_COUNT, .sum = true },
	[FIG_ON_TIME] = { NULL, "on time", "closed_on_time",
	    NULL, .unit = UNIT_COUNT, .more = true, .sum = true },
	[FIG_SILENT_P50] = { NULL, "late   p50", "silent_late_ns_p50",
	    NULL, .unit = UNIT_NS },
	[FIG_SILENT_P99] = { NULL, "       p99", "silent_late_ns_p99",
	    "the p99 lateness of a close", .unit = UNIT_NS },
	[FIG_SILENT_MAX] = { NULL, "       max", "silent_late_ns_max",
	    NULL, .unit = UNIT_NS },
	[FIG_SERVER_P50] = { "The same by the server's own clock",
	    "late   p50", "server_late_ns_p50", NULL, .unit = UNIT_NS },
	[FIG_SERVER_P99] = { NULL, "       p99", "server_late_ns_p99",
	    NULL, .unit = UNIT_NS },
	[FIG_SERVER_MAX] = { NULL, "       max", "server_late_ns_max",
	    NULL, .unit = UNIT_NS },
};
/* clang-format on */

/*
 * Numbers.
 */

struct scale {
	double by;
	const char *suffix;
};

/* The scale in which @v is told: three digits or so, then a suffix. */
static struct scale
scale_of(enum unit unit, double v)
{
	struct scale s = { 1, "" };

	switch (unit) {
	case UNIT_COUNT:
	case UNIT_PER_SECOND:
	case UNIT_BYTES:
		if (v >= 1e12)
			s = (struct scale){ 1e12, "T" };
		else if (v >= 1e9)
			s = (struct scale){ 1e9, "G" };
		else if (v >= 1e6)
			s = (struct scale){ 1e6, "M" };
		else if (v >= 1e4)
			s = (struct scale){ 1e3, "k" };
		break;
	case UNIT_NS:
		if (v >= 1e9)
			s = (struct scale){ 1e9, " s" };
		else if (v >= 1e6)
			s = (struct scale){ 1e6, " ms" };
		else if (v >= 1e3)
			s = (struct scale){ 1e3, " us" };
		else
			s = (struct scale){ 1, " ns" };
		break;
	}
	return s;
}

static int
digits_of(enum unit unit, struct scale s, double v)
{
	if (s.by <= 1 && unit != UNIT_NS && unit != UNIT_BYTES)
		return 0; /* a whole number */
	v /= s.by;
	return v >= 99.95 ? 0 : v >= 9.995 ? 1 : 2; /* as it is rounded */
}

/* How far the furthest repetition is from the median: in percent of it, or
 * that many times it. Seven characters at most, as the figure itself. */
static void
spread_print(char *buf, size_t size, const struct series *s, double median)
{
	double up = series_max(s) - median, down = median - series_min(s);
	double off = median > 0 ? (up > down ? up : down) / median : 100;

	if (off < 9.995)
		snprintf(buf, size, " (%.0f%%)", off * 100);
	else if (off < 99.5)
		snprintf(buf, size, " (%.0fx)", off);
	else
		snprintf(buf, size, " (>99x)");
}

/* 12.3M (4%): the median and the spread, or the sum. */
static void
cell_print(struct table *t, unsigned column, const struct figure_info *info,
    const struct series *s)
{
	double v = info->sum ? series_sum(s) : series_median(s);
	struct scale scale = scale_of(info->unit, v);
	int digits = digits_of(info->unit, scale, v);
	char spread[16] = "";

	if (s->n == 0) {
		table_cell(t, column, "-");
		return;
	}
	if (!info->sum && s->n > 1 && series_min(s) < series_max(s))
		spread_print(spread, sizeof spread, s, v);
	table_cell(
	    t, column, "%.*f%s%s", digits, v / scale.by, scale.suffix, spread);
}

void
figures_print(const struct figures *f, FILE *to)
{
	static struct table t;
	unsigned columns = 1;

	for (int b = 0; b < BACKENDS; b++)
		columns += f->used[b];
	table_init(&t, columns);
	table_row(&t, "");
	for (unsigned b = 0, c = 1; b < BACKENDS; b++)
		if (f->used[b])
			table_cell(&t, c++, "%s", backend_info[b].name);
	for (int i = 0; i < FIGURES; i++) {
		const struct figure_info *info = &figure_info[i];
		bool any = false;

		for (int b = 0; b < BACKENDS; b++)
			any |= f->series[b][i].n > 0;
		if (!any)
			continue;
		if (info->group)
			table_row(&t, info->group);
		table_row(&t, info->label);
		for (unsigned b = 0, c = 1; b < BACKENDS; b++)
			if (f->used[b])
				cell_print(&t, c++, info, &f->series[b][i]);
	}
	table_print(&t, to, false);
}

void
figures_add(const struct figures *f, struct results *to)
{
	static const char *const units[] = { "", "1/s", "ns", "B" };

	for (int b = 0; b < BACKENDS; b++)
		for (int i = 0; i < FIGURES; i++) {
			const struct figure_info *info = &figure_info[i];

			if (f->series[b][i].n == 0)
				continue;
			results_add(to, backend_info[b].name, "", "", 0,
			    results_metric(to, info->key, units[info->unit],
				info->more      ? 1
				    : info->sum ? 0
						: -1),
			    &f->series[b][i]);
		}
}

/*
 * The conclusion.
 */

/* "heap", "heap and wheel" */
static void
names_print(const bool *in, FILE *to)
{
	int n = 0;

	for (int b = 0; b < BACKENDS; b++)
		if (in[b])
			fprintf(to, "%s%s", n++ ? " and " : "",
			    backend_info[b].name);
}

/* The best of @in by its median; BACKENDS if @in is empty. */
static int
best_of(const struct figures *f, int figure, const bool *in)
{
	int best = BACKENDS;

	for (int b = 0; b < BACKENDS; b++) {
		double v, top;

		if (!in[b])
			continue;
		if (best == BACKENDS) {
			best = b;
			continue;
		}
		v = series_median(&f->series[b][figure]);
		top = series_median(&f->series[best][figure]);
		if (figure_info[figure].more ? v > top : v < top)
			best = b;
	}
	return best;
}

/* Finds for @figure a group that leads and the rest that it leaves behind:
 * the rest is what does not overlap the best, and the lead is the best and
 * whatever overlaps it and nothing of the rest. What overlaps both is in
 * neither. False: nothing to compare, or one value each and so no range. */
static bool
leaders_of(const struct figures *f, int figure, bool *lead, bool *rest)
{
	bool have[BACKENDS];
	int n = 0, best;

	for (int b = 0; b < BACKENDS; b++) {
		have[b] = f->series[b][figure].n > 1;
		n += have[b];
		lead[b] = rest[b] = false;
	}
	if (n < 2)
		return false;
	best = best_of(f, figure, have);
	for (int b = 0; b < BACKENDS; b++)
		rest[b] = have[b] &&
		    !series_overlap(
			&f->series[best][figure], &f->series[b][figure]);
	for (int b = 0; b < BACKENDS; b++) {
		lead[b] = have[b] && !rest[b];
		for (int r = 0; r < BACKENDS; r++)
			if (rest[r] &&
			    series_overlap(
				&f->series[b][figure], &f->series[r][figure]))
				lead[b] = false;
	}
	return true;
}

static void
win_print(const struct figures *f, int i, const bool *lead, const bool *rest,
    FILE *to)
{
	const struct figure_info *info = &figure_info[i];
	double good = series_median(&f->series[best_of(f, i, lead)][i]);
	double bad = series_median(&f->series[best_of(f, i, rest)][i]);
	double ratio = info->more ? good / bad : bad / good;

	fprintf(to, "  %s: ", info->subject);
	names_print(lead, to);
	fputs(" over ", to);
	names_print(rest, to);
	if (info->more ? bad > 0 : good > 0)
		fprintf(to, ", %.2f times", ratio);
	fputs(".\n", to);
}

void
figures_conclude(const struct figures *f, FILE *to)
{
	bool lead[BACKENDS], rest[BACKENDS];
	bool alike[FIGURES] = { false };
	int wins = 0, ties = 0, alone = 0;

	for (int i = 0; i < FIGURES; i++) {
		int losers = 0;

		if (!figure_info[i].subject)
			continue;
		if (!leaders_of(f, i, lead, rest)) {
			for (int b = 0; b < BACKENDS; b++)
				alone += f->series[b][i].n == 1;
			continue;
		}
		for (int b = 0; b < BACKENDS; b++)
			losers += rest[b];
		if (losers == 0) {
			alike[i] = true;
			ties++;
			continue;
		}
		if (wins++ == 0)
			fputs("Beyond the spread of the repetitions:\n", to);
		win_print(f, i, lead, rest, to);
	}
	if (ties > 0) {
		int n = 0;

		fputs("No difference beyond the spread: ", to);
		for (int i = 0; i < FIGURES; i++)
			if (alike[i])
				fprintf(to, "%s%s", n++ ? ", " : "",
				    figure_info[i].subject);
		fputs(".\n", to);
	}
	if (wins == 0 && ties == 0)
		fputs("Nothing to compare.\n", to);
	else if (alone > 0)
		fputs("Measured once, so not compared: the rest.\n", to);
}
