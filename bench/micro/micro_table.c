/* SPDX-License-Identifier: MIT
 *
 * micro_table.c - the file that rota_micro wrote, as tables; also one of
 * google-benchmark (--benchmark_out), which has no load and no command.
 *
 * usage: micro_table [-bm] [-n N] micro.json
 *
 *   -b    the fastest repetition in place of the median: for a machine that
 *         others use at the same time, and not for publication
 *   -m    Markdown
 *   -n N  only the tables of N timers
 *
 * Tables for each N and mode (confined, shared), a row for each operation. In a
 * cell: the median over the repetitions in ns for one operation, and half their
 * range as a share of it. No digit is shown beyond the one that the range
 * changes and the next. A work that takes one random timer in each operation can
 * be no faster than `touch`, so it has the ratio to that, of the same file, mode
 * and N; to the others touch is no limit. Where there is a goal it stands behind
 * the row, and cells that miss it carry a `!`. Below stands the control: X and
 * X_again are the same work, so what they differ by is the machine's, and of
 * engines no smaller difference means anything. Only single runs are read;
 * google-benchmark's own aggregates are passed over.
 *
 * Exit status: 0; 1 a run in the file failed; 2 the file cannot be read.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/micro/head.h"
#include "tools/common/options.h"
#include "tools/common/results.h"
#include "tools/common/table.h"

#define CELLS_MAX 2048

enum { LIMIT, HEAP, WHEEL, COARSE, COLUMNS };

static const char *const columns[] = { "limit", "heap", "wheel", "coarse" };
static const char *const modes[] = { "confined", "shared" };

struct cell {
	char row[32];
	unsigned rank; /* in the file */
	unsigned column, mode;
	uint32_t n;
	struct series ns;
	double shown;  /* the median, or with -b the smallest */
	double spread; /* half of largest less smallest, % of the median */
};

static struct cell cells[CELLS_MAX];
static unsigned cells_len;
static bool markdown, best;

/* The goals: at most so many ns, or times touch. By mode, then heap, wheel,
 * coarse; 0: no goal. */
static const struct goal {
	const char *row;
	uint32_t n;
	bool ratio;
	double limit[2][COLUMNS - HEAP];
} goals[] = {
	{ "push_later", 1000000, true,
	    { { 1.5, 1.5, 1.5 }, { 1.5, 1.5, 1.5 } } },
	{ "push_later_many", 1000000, true,
	    { { 1.5, 1.5, 1.5 }, { 1.5, 1.5, 1.5 } } },
	{ "stop_start", 1000000, true, { { 0, 2, 2 }, { 0, 2.4, 2.4 } } },
	{ "stop_start_moving", 1000000, true,
	    { { 0, 2, 2 }, { 0, 2.4, 2.4 } } },
	{ "stop_start_many", 1000000, true, { { 0, 2, 2 }, { 0, 2.4, 2.4 } } },
	{ "stop_start_many_moving", 1000000, true,
	    { { 0, 2, 2 }, { 0, 2.4, 2.4 } } },
	{ "short_rpc", 64, false, { { 1.2, 1.2, 1.2 }, { 10, 10, 10 } } },
	{ "arm", 1000000, false, { { 4, 4, 4 }, { 14, 14, 14 } } },
	{ "fire", 1000000, true, { { 0, 3, 2 }, { 0, 3, 2 } } },
	{ "server_mix", 1000000, true, { { 2, 2, 2 }, { 2.2, 2.2, 2.2 } } },
	{ "jump_year", 1000, false,
	    { { 2000, 2000, 2000 }, { 2000, 2000, 2000 } } },
};

/* How the works begin that take one random timer in each operation. */
static const char *const random_works[] = { "push_later", "stop_start",
	"server_mix", "earlier" };

static unsigned
index_of(const char *const *names, unsigned len, const char *s)
{
	unsigned i = 0;

	while (i < len && strcmp(names[i], s) != 0)
		i++;
	return i;
}

/* The cell of @x; NULL if it is none of ours. */
static struct cell *
cell_of(const struct result *x)
{
	struct cell key = { .rank = cells_len, .n = x->n };

	key.column = index_of(columns, COLUMNS, x->subject);
	key.mode = index_of(modes, 2, x->how);
	if (key.column == COLUMNS || key.mode == 2)
		return NULL;
	snprintf(key.row, sizeof(key.row), "%s", x->what);
	for (unsigned i = 0; i < cells_len; i++) {
		struct cell *c = &cells[i];

		if (c->column == key.column && c->mode == key.mode &&
		    c->n == key.n && strcmp(c->row, key.row) == 0)
			return c;
	}
	if (cells_len == CELLS_MAX)
		return NULL;
	cells[cells_len] = key;
	return &cells[cells_len++];
}

static int
by_place(const void *a, const void *b)
{
	const struct cell *x = a, *y = b;

	if (x->n != y->n)
		return x->n < y->n ? -1 : 1;
	if (x->mode != y->mode)
		return x->mode < y->mode ? -1 : 1;
	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return 0;
}

/* Fill the cells; returns how many runs had failed. */
static unsigned
load(const struct results *r)
{
	unsigned failed = 0;

	for (unsigned i = 0; i < r->notes; i++) {
		if (strcmp(r->note[i].key, "failed") != 0)
			continue;
		failed++;
		fprintf(stderr, "micro_table: %s failed: %s\n",
		    r->note[i].subject, r->note[i].text);
	}
	for (unsigned i = 0; i < r->len; i++) {
		const struct result *x = &r->result[i];
		struct cell *c = cell_of(x);

		for (unsigned v = 0; c && v < x->values.n; v++)
			series_insert(&c->ns, x->values.v[v]);
	}
	for (unsigned i = 0; i < cells_len; i++) {
		struct cell *c = &cells[i];
		double median = series_median(&c->ns);

		c->shown = best ? series_min(&c->ns) : median;
		if (median > 0)
			c->spread = 50 *
			    (series_max(&c->ns) - series_min(&c->ns)) / median;
	}
	qsort(cells, cells_len, sizeof(*cells), by_place);
	return failed;
}

static const struct cell *
find(const char *row, unsigned column, unsigned mode, uint32_t n)
{
	for (unsigned i = 0; i < cells_len; i++) {
		const struct cell *c = &cells[i];

		if (c->column == column && c->mode == mode && c->n == n &&
		    strcmp(c->row, row) == 0)
			return c;
	}
	return NULL;
}

static const struct goal *
goal_of(const char *row, uint32_t n)
{
	for (unsigned i = 0; i < sizeof(goals) / sizeof(goals[0]); i++)
		if (goals[i].n == n && strcmp(goals[i].row, row) == 0)
			return &goals[i];
	return NULL;
}

static bool
is_random(const char *row)
{
	for (unsigned i = 0; i < sizeof(random_works) / sizeof(char *); i++)
		if (strncmp(row, random_works[i], strlen(random_works[i])) == 0)
			return true;
	return false;
}

/* How many decimals of @x are shown if its range is @spread % to each side. */
static int
decimals(double x, double spread)
{
	double half = x * spread / 100;

	return half < 0.1 ? 2 : half < 1;
}

/* The figures of a cell, from column @at; the third only if @limited. */
static void
print_cell(struct table *t, unsigned at, const struct cell *c,
    const struct cell *touch, const struct goal *g, bool limited)
{
	double limit, x, got;

	if (!c)
		return;
	limit = g ? g->limit[c->mode][c->column - HEAP] : 0;
	x = touch ? c->shown / touch->shown : 0;
	got = g && g->ratio ? x : c->shown;
	table_cell(t, at, "%.*f%s", decimals(c->shown, c->spread), c->shown,
	    limit > 0 && got > limit ? "!" : "");
	table_cell(t, at + 1, c->ns.n > 1 ? "%.0f" : "-", c->spread);
	if (limited)
		table_cell(t, at + 2, "%.*f", decimals(x, c->spread), x);
}

static void
print_goal(struct table *t, unsigned at, const struct goal *g, unsigned mode)
{
	const double *limit = g ? g->limit[mode] : NULL;
	char text[TABLE_CELL] = "";
	int len = 0;

	for (unsigned i = 0; limit && i < COLUMNS - HEAP; i++)
		if (limit[i] > 0 && !(i && limit[i] == limit[i - 1]))
			len += snprintf(text + len, sizeof(text) - (size_t)len,
			    len ? " / %g" : "%g", limit[i]);
	if (len)
		table_cell(t, at, "%s%s", text, g->ratio ? " x" : " ns");
}

/* The works of [from, to) with touch as their limit, or those without. */
static void
print_works(const struct cell *from, const struct cell *to,
    const struct cell *touch, bool limited)
{
	static struct table t;
	const unsigned each = limited ? 3 : 2;
	const unsigned last = 1 + each * (COLUMNS - HEAP);

	table_init(&t, last + 1);
	table_row(&t, "");
	for (unsigned i = HEAP, at = 1; i < COLUMNS; i++, at += each) {
		table_cell(&t, at, "%s ns", columns[i]);
		table_cell(&t, at + 1, "+-%%");
		if (limited)
			table_cell(&t, at + 2, "x touch");
	}
	table_cell(&t, last, "goal");
	for (const struct cell *c = from; c < to; c++) {
		const struct goal *g = goal_of(c->row, c->n);

		if (c->column == LIMIT ||
		    limited != (touch && is_random(c->row)) ||
		    (c > from && strcmp(c[-1].row, c->row) == 0))
			continue;
		table_row(&t, c->row);
		for (unsigned i = HEAP, at = 1; i < COLUMNS; i++, at += each)
			print_cell(&t, at, find(c->row, i, c->mode, c->n),
			    touch, g, limited);
		print_goal(&t, last, g, c->mode);
	}
	if (t.rows == 1)
		return;
	putchar('\n');
	table_print(&t, stdout, markdown);
}

/* How far the same work was from itself: X_again to X, on each engine. */
static void
print_control(const struct cell *from, const struct cell *to)
{
	double low = INFINITY, high = 0;

	for (const struct cell *c = from; c < to; c++) {
		const struct cell *again;
		char row[40];

		snprintf(row, sizeof(row), "%s_again", c->row);
		again = find(row, c->column, c->mode, c->n);
		if (!again)
			continue;
		low = fmin(low, again->shown / c->shown);
		high = fmax(high, again->shown / c->shown);
	}
	if (high > 0)
		printf("\ncontrol: the same twice took %.2f to %.2f of the "
		       "time\n",
		    low, high);
}

/* The cells [from, to), of one N and mode. Those of a row stand together:
 * by_place() and the order of registration. */
static void
print_tables(const struct cell *from, const struct cell *to)
{
	const struct cell *touch = find("touch", LIMIT, from->mode, from->n);

	printf("\n%sN = %" PRIu32 ", %s", markdown ? "### " : "", from->n,
	    modes[from->mode]);
	for (const struct cell *c = from; c < to; c++)
		if (c->column == LIMIT)
			printf("%s %s %.2f ns +-%.0f %%", c > from ? "," : ":",
			    c->row, c->shown, c->spread);
	putchar('\n');
	print_works(from, to, touch, true);
	print_works(from, to, touch, false);
	print_control(from, to);
}

int
main(int argc, char **argv)
{
	unsigned only = 0;
	const struct option_row rows[] = {
		{ .name = "best", .flag = &best, .letter = 'b' },
		{ .name = "markdown", .flag = &markdown, .letter = 'm' },
		{ .name = "n", "N", .count = &only, .letter = 'n' },
		{ .name = NULL },
	};
	unsigned failed, from = 0;
	struct results results = { .program = "" };
	int first, err;

	first = options_parse("micro_table", rows, true, argc, argv);
	if (first != argc - 1) {
		fputs("usage: micro_table [-bm] [-n N] micro.json\n", stderr);
		return 2;
	}
	err = results_read(&results, argv[first]);
	if (err) {
		fprintf(stderr, "micro_table: %s: %s\n", argv[first],
		    err == -EINVAL ? "not the raw data of a run"
				   : strerror(-err));
		return 2;
	}
	head_print(&results);
	failed = load(&results);
	printf("%s of the repetitions, ns for an operation; +-: half their "
	       "range; x touch:\nthe ratio to `touch`, a read-modify-write of "
	       "one random timer, of the same N, mode\nand run, where that is "
	       "the limit; !: misses its goal, in ns or times touch.\n",
	    best ? "Fastest" : "Median");
	for (unsigned i = 0; i < cells_len; i++) {
		const struct cell *next = &cells[i + 1];

		if (i + 1 < cells_len && next->n == cells[i].n &&
		    next->mode == cells[i].mode)
			continue;
		if (!only || cells[i].n == only)
			print_tables(&cells[from], &cells[i + 1]);
		from = i + 1;
	}
	results_release(&results);
	return failed != 0;
}
