/* SPDX-License-Identifier: MIT
 *
 * micro_table.c - the JSON that rota_micro wrote, as tables.
 *
 * usage: micro_table [-bm] [-n N] micro.json
 *
 *   -b    the fastest repetition in place of the median: for a machine that
 *         others use at the same time, and not for publication
 *   -m    Markdown
 *   -n N  only the tables of N timers
 *
 * A table for each N and mode (confined, shared), a row for each operation.
 * In a cell: the median over the repetitions in ns for one operation, half
 * their range as a share of it, and the ratio to `touch` of the same file,
 * mode and N. Where there is a goal it stands behind the row, and cells that
 * miss it carry a `!`. Only single runs are read; google-benchmark's own
 * aggregates are passed over.
 *
 * Exit status: 0; 1 a run in the file failed; 2 the file cannot be read.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "tools/common/options.h"

#define REPS_MAX 128
#define CELLS_MAX 2048

enum { LIMIT, HEAP, WHEEL, COARSE, COLUMNS };

static const char *const columns[] = { "limit", "heap", "wheel", "coarse" };
static const char *const modes[] = { "confined", "shared" };

struct cell {
	char row[32];
	int64_t rank; /* order of registration */
	unsigned column, mode;
	uint32_t n;
	unsigned reps;
	double ns[REPS_MAX];
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
	{ "stop_start_many", 1000000, true, { { 0, 2, 2 }, { 0, 2.4, 2.4 } } },
	{ "short_rpc", 64, false, { { 1.2, 1.2, 1.2 }, { 10, 10, 10 } } },
	{ "arm", 1000000, false, { { 4, 4, 4 }, { 14, 14, 14 } } },
	{ "fire", 1000000, true, { { 0, 3, 2 }, { 0, 3, 2 } } },
	{ "server_mix", 1000000, true, { { 2, 2, 2 }, { 2.2, 2.2, 2.2 } } },
	{ "jump_year", 1000, false,
	    { { 2000, 2000, 2000 }, { 2000, 2000, 2000 } } },
};

static unsigned
index_of(const char *const *names, unsigned len, const char *s, size_t slen)
{
	unsigned i = 0;

	while (i < len &&
	    (strlen(names[i]) != slen || strncmp(names[i], s, slen) != 0))
		i++;
	return i;
}

/* The cell of "row/column/mode/N..."; NULL if it is not of that form. */
static struct cell *
cell_of(const char *name, int64_t rank)
{
	struct cell key = { .rank = rank };
	const char *column = strchr(name, '/');
	const char *mode = column ? strchr(column + 1, '/') : NULL;
	const char *n = mode ? strchr(mode + 1, '/') : NULL;

	if (!n || (size_t)(column - name) >= sizeof(key.row))
		return NULL;
	memcpy(key.row, name, (size_t)(column - name));
	key.column = index_of(
	    columns, COLUMNS, column + 1, (size_t)(mode - column - 1));
	key.mode = index_of(modes, 2, mode + 1, (size_t)(n - mode - 1));
	key.n = (uint32_t)strtoul(n + 1, NULL, 10);
	if (key.column == COLUMNS || key.mode == 2)
		return NULL;
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
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
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

static double
unit_ns(const char *unit)
{
	if (unit && strcmp(unit, "us") == 0)
		return 1e3;
	if (unit && strcmp(unit, "ms") == 0)
		return 1e6;
	return unit && strcmp(unit, "s") == 0 ? 1e9 : 1;
}

/* Fill the cells; returns how many runs had failed. */
static unsigned
load(const json_t *runs)
{
	unsigned failed = 0;
	size_t i;
	json_t *run;

	json_array_foreach(runs, i, run)
	{
		const char *name = json_string_value(
		    json_object_get(run, "name"));
		const char *type = json_string_value(
		    json_object_get(run, "run_type"));
		struct cell *c;

		if (!name || (type && strcmp(type, "iteration") != 0))
			continue;
		if (json_is_true(json_object_get(run, "error_occurred"))) {
			fprintf(stderr, "micro_table: %s failed: %s\n", name,
			    json_string_value(
				json_object_get(run, "error_message")));
			failed++;
			continue;
		}
		c = cell_of(name,
		    json_integer_value(json_object_get(run, "family_index")));
		if (c && c->reps < REPS_MAX)
			c->ns[c->reps++] = unit_ns(json_string_value(
					       json_object_get(
						   run, "time_unit"))) *
			    json_number_value(
				json_object_get(run, "real_time"));
	}
	for (i = 0; i < cells_len; i++) {
		struct cell *c = &cells[i];
		unsigned half = c->reps / 2;

		qsort(c->ns, c->reps, sizeof(*c->ns), by_value);
		c->shown = c->reps % 2 ? c->ns[half]
				       : (c->ns[half - 1] + c->ns[half]) / 2;
		c->spread = c->shown > 0
		    ? 50 * (c->ns[c->reps - 1] - c->ns[0]) / c->shown
		    : 0;
		if (best)
			c->shown = c->ns[0];
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

/* Of a cell: its figures, each as text. */
static void
print_cell(const struct cell *c, const struct cell *touch, const struct goal *g)
{
	char ns[32] = "", range[32] = "", ratio[32] = "";
	double limit = c && g ? g->limit[c->mode][c->column - HEAP] : 0;

	if (c) {
		double x = touch ? c->shown / touch->shown : 0;
		double got = g && g->ratio ? x : c->shown;

		snprintf(
		    ns, sizeof(ns), "%.*f", c->shown < 1000 ? 2 : 0, c->shown);
		snprintf(range, sizeof(range), "%.0f", c->spread);
		if (touch)
			snprintf(ratio, sizeof(ratio), "%.2f", x);
		if (limit > 0 && got > limit)
			strcat(ratio, "!");
	}
	if (markdown)
		printf(" %s | %s | %s |", ns, range, ratio);
	else
		printf(" %9s %3s %6s", ns, range, ratio);
}

static void
print_goal(const struct goal *g, unsigned mode)
{
	const double *limit = g ? g->limit[mode] : NULL;
	bool some = false;

	printf(" ");
	for (unsigned i = 0; limit && i < COLUMNS - HEAP; i++) {
		if (limit[i] <= 0 || (i && limit[i] == limit[i - 1]))
			continue;
		printf(some ? " / %g" : "%g", limit[i]);
		some = true;
	}
	printf("%s%s\n",
	    !some          ? ""
		: g->ratio ? " x"
			   : " ns",
	    markdown ? " |" : "");
}

/* One table: the cells [from, to), of one N and mode. Those of a row stand
 * together: by_place() and the order of registration. */
static void
print_table(const struct cell *from, const struct cell *to)
{
	const struct cell *touch = find("touch", LIMIT, from->mode, from->n);

	printf("\n%sN = %" PRIu32 ", %s", markdown ? "### " : "", from->n,
	    modes[from->mode]);
	for (const struct cell *c = from; c < to; c++)
		if (c->column == LIMIT)
			printf("%s %s %.2f ns +-%.0f %%", c > from ? "," : ":",
			    c->row, c->shown, c->spread);
	printf(markdown
		? "\n\n| | heap ns | +-%% | x touch | wheel ns | +-%% | x touch |"
		  " coarse ns | +-%% | x touch | goal |\n"
		  "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|\n"
		: "\n%-17s %9s %3s %6s %9s %3s %6s %9s %3s %6s goal\n",
	    "", "heap", "+-%", "xtouch", "wheel", "+-%", "xtouch", "coarse",
	    "+-%", "xtouch");
	for (const struct cell *c = from; c < to; c++) {
		const struct goal *g = goal_of(c->row, c->n);

		if (c->column == LIMIT ||
		    (c > from && strcmp(c[-1].row, c->row) == 0))
			continue;
		printf(markdown ? "| %s |" : "%-17s", c->row);
		for (unsigned i = HEAP; i < COLUMNS; i++)
			print_cell(find(c->row, i, c->mode, c->n), touch, g);
		print_goal(g, c->mode);
	}
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
	json_error_t error;
	json_t *root;
	int first;

	first = options_parse("micro_table", rows, true, argc, argv);
	if (first != argc - 1) {
		fputs("usage: micro_table [-bm] [-n N] micro.json\n", stderr);
		return 2;
	}
	root = json_load_file(argv[first], 0, &error);
	if (!root) {
		fprintf(stderr, "micro_table: %s:%d: %s\n", argv[first],
		    error.line, error.text);
		return 2;
	}
	failed = load(json_object_get(root, "benchmarks"));
	printf("%s of the repetitions, ns for an operation; +-: half their "
	       "range; x touch:\nthe ratio to `touch` of the same N, mode and "
	       "run; !: misses its goal.\n",
	    best ? "Fastest" : "Median");
	for (unsigned i = 0; i < cells_len; i++) {
		const struct cell *next = &cells[i + 1];

		if (i + 1 < cells_len && next->n == cells[i].n &&
		    next->mode == cells[i].mode)
			continue;
		if (!only || cells[i].n == only)
			print_table(&cells[from], &cells[i + 1]);
		from = i + 1;
	}
	json_decref(root);
	return failed != 0;
}
