/* SPDX-License-Identifier: MIT
 *
 * figures.c - see figures.h.
 */
#include "tools/figures.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/common/table.h"

enum { WIDTH = 60 };

const struct backend_info backend_info[BACKENDS] = {
	{ "heap", ROTA_HEAP },
	{ "wheel", ROTA_WHEEL },
	{ "coarse", ROTA_WHEEL_COARSE },
};

/* clang-format off */
const struct figure_info figure_info[FIGURES] = {
	/* The label of a size is its number. */
	[FIG_OP] = { "Processor time per operation, polls included", NULL,
	    "op_ns", .unit = UNIT_NS },
	[FIG_OP + 1] = { NULL, NULL, "op_ns", .unit = UNIT_NS },
	[FIG_OP_MAIN] = { NULL, NULL, "op_ns", .unit = UNIT_NS },
	[FIG_OP + 3] = { NULL, NULL, "op_ns", .unit = UNIT_NS },
	[FIG_OP_UNIFORM] = { NULL, "  uniform", "op_uniform_ns",
	    .unit = UNIT_NS },
	[FIG_OP_BIMODAL] = { NULL, "  bimodal", "op_bimodal_ns",
	    .unit = UNIT_NS },
	[FIG_START_P50] = { "One call, timed alone", "start  p50",
	    "start_ns_p50", .unit = UNIT_NS },
	[FIG_START_P99] = { NULL, "       p99", "start_ns_p99",
	    .unit = UNIT_NS },
	[FIG_START_P999] = { NULL, "       p99.9", "start_ns_p999",
	    .unit = UNIT_NS },
	[FIG_START_MAX] = { NULL, "       worst", "start_ns_max",
	    .unit = UNIT_NS },
	[FIG_PUSH_P50] = { NULL, "push   p50", "push_ns_p50",
	    .unit = UNIT_NS },
	[FIG_PUSH_P99] = { NULL, "       p99", "push_ns_p99",
	    .unit = UNIT_NS },
	[FIG_PUSH_P999] = { NULL, "       p99.9", "push_ns_p999",
	    .unit = UNIT_NS },
	[FIG_PUSH_MAX] = { NULL, "       worst", "push_ns_max",
	    .unit = UNIT_NS },
	[FIG_STOP_P50] = { NULL, "stop   p50", "stop_ns_p50",
	    .unit = UNIT_NS },
	[FIG_STOP_P99] = { NULL, "       p99", "stop_ns_p99",
	    .unit = UNIT_NS },
	[FIG_STOP_P999] = { NULL, "       p99.9", "stop_ns_p999",
	    .unit = UNIT_NS },
	[FIG_STOP_MAX] = { NULL, "       worst", "stop_ns_max",
	    .unit = UNIT_NS },
	[FIG_POLL_P50] = { "One poll, in processor time", "churn  p50",
	    "poll_ns_p50", .unit = UNIT_NS },
	[FIG_POLL_P99] = { NULL, "       p99", "poll_ns_p99",
	    .unit = UNIT_NS },
	[FIG_POLL_MAX] = { NULL, "       worst", "poll_ns_max",
	    .unit = UNIT_NS },
	[FIG_STOPS] = { "Nine in ten stopped at once, then all due at once",
	    "a stop", "stop_all_ns", .unit = UNIT_NS },
	[FIG_AFTER_P99] = { NULL, "polls  p99", "after_stops_ns_p99",
	    .unit = UNIT_NS },
	[FIG_AFTER_MAX] = { NULL, "       worst", "after_stops_ns_max",
	    .unit = UNIT_NS },
	[FIG_HERD] = { NULL, "one of a herd", "herd_ns", .unit = UNIT_NS },
	[FIG_HERD_MAX] = { NULL, "worst poll", "herd_ns_max",
	    .unit = UNIT_NS },
	[FIG_RESIDENT] = { "Memory, resident after churn", "bytes/timer",
	    "resident_bytes", .unit = UNIT_BYTES },
	[FIG_LATE_P50] = { "An owner that sleeps", "late   p50",
	    "asleep_late_ns_p50", .unit = UNIT_NS },
	[FIG_LATE_P99] = { NULL, "       p99", "asleep_late_ns_p99",
	    .unit = UNIT_NS },
	[FIG_WAKEUPS] = { NULL, "wakeups/needed", "wakeups_per_needed",
	    .unit = UNIT_TIMES },
	[FIG_REQUESTS] = { "Server under wrk: a check, no contest",
	    "requests/s", "requests_per_s", .unit = UNIT_PER_SECOND,
	    .more = true },
	[FIG_ANSWER_P99] = { NULL, "answer p99", "answer_ns_p99",
	    .unit = UNIT_NS },
	[FIG_CLOSE_P99] = { NULL, "close late p99", "close_late_ns_p99",
	    .unit = UNIT_NS },
	[FIG_ON_TIME] = { NULL, "closed in 0.1 s", "closed_on_time",
	    .unit = UNIT_COUNT, .more = true, .sum = true },
};
/* clang-format on */

/* What the answer is made of. */
static const struct {
	enum figure figure;
	const char *what;
} answers[] = {
	{ FIG_OP_MAIN, "processor time" },
	{ FIG_POLL_MAX, "longest poll" },
	{ FIG_HERD_MAX, "all due at once" },
	{ FIG_RESIDENT, "memory" },
	{ FIG_LATE_P50, "late, asleep" },
	{ FIG_WAKEUPS, "wakeups" },
};

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
	case UNIT_TIMES:
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
	if (s.by <= 1 && (unit == UNIT_COUNT || unit == UNIT_PER_SECOND))
		return 0; /* a whole number */
	v /= s.by;
	return v >= 99.95 ? 0 : v >= 9.995 ? 1 : 2; /* as it is rounded */
}

/* @v with its unit: 12.3 us. */
static const char *
told(char *buf, size_t size, enum unit unit, double v)
{
	struct scale scale = scale_of(unit, v);

	snprintf(buf, size, "%.*f%s%s", digits_of(unit, scale, v), v / scale.by,
	    scale.suffix, unit == UNIT_BYTES ? " B" : "");
	return buf;
}

/* 12.3 us 4%: the median and the spread, or the sum. */
static void
cell_print(struct table *t, unsigned column, const struct figure_info *info,
    const struct series *s)
{
	double v = info->sum ? series_sum(s) : series_median(s), off;
	char value[24], spread[16] = "";

	if (s->n == 0) {
		table_cell(t, column, "-");
		return;
	}
	told(value, sizeof value, info->unit, v);
	off = info->sum || s->n < 4 ? 0 : series_spread(s);
	if (off > 9.99)
		snprintf(spread, sizeof spread, " >9x");
	else if (off >= 0.005)
		snprintf(spread, sizeof spread, " %.0f%%", off * 100);
	table_cell(t, column, "%s%s", value, spread);
}

/* 200,000 */
static const char *
grouped(char *buf, size_t size, uint64_t n)
{
	char digits[24];
	size_t len = (size_t)snprintf(digits, sizeof digits, "%" PRIu64, n);
	size_t to = 0;

	for (size_t i = 0; i < len && to + 2 < size; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			buf[to++] = ',';
		buf[to++] = digits[i];
	}
	buf[to] = '\0';
	return buf;
}

static const char *
label_of(const struct figures *f, int figure, char *buf, size_t size)
{
	if (figure >= FIG_OP && figure < FIG_OP + SIZES)
		return grouped(buf, size, f->size[figure - FIG_OP]);
	return figure_info[figure].label;
}

void
figures_print(const struct figures *f, FILE *to)
{
	static struct table t;
	unsigned columns = 1;
	const char *group = NULL;

	for (int b = 0; b < BACKENDS; b++)
		columns += f->used[b];
	table_init(&t, columns);
	table_row(&t, "");
	for (unsigned b = 0, c = 1; b < BACKENDS; b++)
		if (f->used[b])
			table_cell(&t, c++, "%s", backend_info[b].name);
	for (int i = 0; i < FIGURES; i++) {
		const struct figure_info *info = &figure_info[i];
		char label[32];
		bool any = false;

		group = info->group ? info->group : group;
		for (int b = 0; b < BACKENDS; b++)
			any |= f->series[b][i].n > 0;
		if (!any)
			continue;
		if (group)
			table_row(&t, group);
		group = NULL;
		table_row(&t, label_of(f, i, label, sizeof label));
		for (unsigned b = 0, c = 1; b < BACKENDS; b++)
			if (f->used[b])
				cell_print(&t, c++, info, &f->series[b][i]);
	}
	table_print(&t, to, false);
}

void
figures_add(const struct figures *f, struct results *to)
{
	static const char *const units[] = { "", "1/s", "ns", "B", "" };

	for (int b = 0; b < SLOTS; b++)
		for (int i = 0; i < FIGURES; i++) {
			const struct figure_info *info = &figure_info[i];
			bool sized = i < FIG_OP + SIZES;

			if (f->series[b][i].n == 0)
				continue;
			results_add(to,
			    b == CONTROL ? "control" : backend_info[b].name, "",
			    "",
			    (uint32_t)f->size[sized ? i - FIG_OP : MAIN_SIZE],
			    results_metric(to, info->key, units[info->unit],
				info->more      ? 1
				    : info->sum ? 0
						: -1),
			    &f->series[b][i]);
		}
}

/*
 * What may be concluded.
 */

/* How far two engines that are alike may seem to be apart in @figure. Where it
 * has no control, that of the main churn. */
static double
margin_of(const struct figures *f, enum figure figure)
{
	int first = 0;

	if (f->series[CONTROL][figure].n == 0)
		figure = FIG_OP_MAIN;
	while (first < BACKENDS - 1 && !f->used[first])
		first++;
	return ratio_margin(ratio_paired(
	    &f->series[CONTROL][figure], &f->series[first][figure]));
}

int
figures_lead(const struct figures *f, enum figure figure, bool lead[BACKENDS],
    struct ratio behind[BACKENDS])
{
	const struct series *s[BACKENDS];
	double margin = margin_of(f, figure);
	int best = -1, n = 0;

	for (int b = 0; b < BACKENDS; b++) {
		double v, top;

		s[b] = &f->series[b][figure];
		lead[b] = f->used[b] && s[b]->n > 0;
		n += lead[b];
		behind[b] = (struct ratio){ 0, 0, 0, 0 };
		if (!lead[b])
			continue;
		v = series_median(s[b]);
		top = best < 0 ? v : series_median(s[best]);
		if (best < 0 || (figure_info[figure].more ? v > top : v < top))
			best = b;
	}
	if (n < 2)
		return -1;
	for (int b = 0; b < BACKENDS; b++) {
		if (!lead[b] || b == best)
			continue;
		behind[b] = figure_info[figure].more
		    ? ratio_paired(s[best], s[b])
		    : ratio_paired(s[b], s[best]);
		lead[b] = ratio_differs(behind[b], margin) != 1;
	}
	return best;
}

/* Words that go to a new line where they would pass the width. */
struct wrapped {
	FILE *to;
	size_t at, indent;
};

static void
word(struct wrapped *w, const char *s)
{
	if (w->at > w->indent && w->at + 1 + strlen(s) > WIDTH) {
		fprintf(w->to, "\n%*s", (int)w->indent, "");
		w->at = w->indent;
	} else if (w->at > w->indent) {
		fputc(' ', w->to);
		w->at++;
	}
	fputs(s, w->to);
	w->at += strlen(s);
}

static void
answer_print(
    const struct figures *f, enum figure figure, const char *what, FILE *to)
{
	bool lead[BACKENDS];
	struct ratio behind[BACKENDS];
	int best = figures_lead(f, figure, lead, behind), leads = 0, rest = 0;
	struct wrapped w = { to, 19, 19 };
	struct series medians = { 0 }; /* of those that lead */
	unsigned few = 0;              /* that many rounds, too few */
	char value[24], most[24], text[80];
	enum unit unit = figure_info[figure].unit;

	if (best < 0)
		return;
	fprintf(to, "  %-17s", what);
	for (int b = 0; b < BACKENDS; b++)
		if (lead[b] && b != best && behind[b].n < RATIO_LEAST)
			few = behind[b].n;
	if (few || isinf(margin_of(f, figure))) {
		if (few)
			fprintf(to, "%u round%s: too few to compare\n", few,
			    few == 1 ? "" : "s");
		else
			fputs("no control: it had too few rounds\n", to);
		return;
	}
	for (int b = 0; b < BACKENDS; b++) {
		rest += !lead[b] && behind[b].n > 0;
		if (!lead[b])
			continue;
		if (leads++)
			word(&w, "=");
		word(&w, backend_info[b].name);
		series_insert(&medians, series_median(&f->series[b][figure]));
	}
	told(value, sizeof value, unit, series_min(&medians));
	told(most, sizeof most, unit, series_max(&medians));
	snprintf(text, sizeof text, "%s%s%s%s", value,
	    strcmp(value, most) ? " to " : "", strcmp(value, most) ? most : "",
	    rest ? "," : "");
	word(&w, text);
	for (int b = 0; b < BACKENDS; b++) {
		if (lead[b] || behind[b].n == 0)
			continue;
		snprintf(text, sizeof text, "%s %.2f x [%.2f-%.2f]%s",
		    backend_info[b].name, behind[b].value, behind[b].low,
		    behind[b].high, --rest ? "," : "");
		word(&w, text);
	}
	fputc('\n', to);
}

void
figures_conclude(const struct figures *f, FILE *to)
{
	const struct series *main_ = f->series[CONTROL] + FIG_OP_MAIN;
	char size[32];
	struct ratio same;
	int first = 0, engines = 0;

	while (first < BACKENDS - 1 && !f->used[first])
		first++;
	same = ratio_paired(main_, &f->series[first][FIG_OP_MAIN]);
	for (int b = 0; b < BACKENDS; b++)
		engines += f->used[b];
	fprintf(to, "IN SHORT, %s timers, %u round%s: who needs least\n",
	    grouped(size, sizeof size, f->size[MAIN_SIZE]),
	    f->series[first][FIG_OP_MAIN].n,
	    f->series[first][FIG_OP_MAIN].n == 1 ? "" : "s");
	for (unsigned i = 0; i < sizeof answers / sizeof *answers; i++)
		answer_print(f, answers[i].figure, answers[i].what, to);
	if (engines > 1)
		fputs(
		    "  x: so many times as much, [95 % of the paired ratio];\n"
		    "  =: no difference was shown.\n",
		    to);
	else
		fputs("  One engine: it is compared with nothing.\n", to);
	if (same.n < RATIO_LEAST)
		fprintf(to, "  A control needs %d rounds.\n", RATIO_LEAST);
	else
		fprintf(to,
		    "  %s measured twice, as a control: %.2f x [%.2f-%.2f].\n"
		    "  So less than %.0f %% of processor time means nothing.\n",
		    backend_info[first].name, same.value, same.low, same.high,
		    ceil((ratio_margin(same) - 1) * 100));
}

/* Of heap and wheel at size @i: 0 or 1, whichever needs less; 2: no difference
 * was shown; -1: not measured. */
static int
ahead(const struct figures *f, int i, struct ratio *r)
{
	enum figure figure = (enum figure)(FIG_OP + i);

	*r = ratio_paired(&f->series[1][figure], &f->series[0][figure]);
	if (r->n == 0)
		return -1;
	switch (ratio_differs(*r, margin_of(f, figure))) {
	case 1:
		return 0;
	case -1:
		return 1;
	default:
		return 2;
	}
}

void
figures_cross(const struct figures *f, FILE *to)
{
	static const char *const who[] = { "heap", "wheel",
		"no difference shown" };
	int before = -1, crossed = 0, lines = 0;
	char size[32], last[32] = "";

	if (!f->used[0] || !f->used[1])
		return;
	for (int i = 0; i < SIZES; i++) {
		struct ratio r;
		int now = ahead(f, i, &r);

		if (now < 0)
			continue;
		if (lines++ == 0)
			fputs("The wheel's processor time in parts of the "
			      "heap's\n",
			    to);
		grouped(size, sizeof size, f->size[i]);
		fprintf(to, "  %10s timers  %.2f", size, r.value);
		if (r.n < RATIO_LEAST)
			fprintf(to, ", by %u round%s: too few\n", r.n,
			    r.n == 1 ? "" : "s");
		else if (isinf(margin_of(f, (enum figure)(FIG_OP + i))))
			fprintf(
			    to, " [%.2f-%.2f]  no control\n", r.low, r.high);
		else
			fprintf(
			    to, " [%.2f-%.2f]  %s\n", r.low, r.high, who[now]);
		if (now == 2)
			continue;
		if (before >= 0 && now != before && crossed++ == 0)
			fprintf(to,
			    "  The lead goes from %s to %s between %s and "
			    "%s.\n",
			    who[before], who[now], last, size);
		before = now;
		memcpy(last, size, sizeof last);
	}
	if (before >= 0 && !crossed)
		fprintf(to,
		    "  No crossover: the %s leads wherever a difference was "
		    "shown.\n",
		    who[before]);
}
