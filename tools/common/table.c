/* SPDX-License-Identifier: MIT
 *
 * table.c - see table.h.
 */
#include "tools/common/table.h"

#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

void
table_init(struct table *t, unsigned columns)
{
	memset(t, 0, sizeof *t);
	t->columns = columns < TABLE_COLUMNS ? columns : TABLE_COLUMNS;
}

void
table_row(struct table *t, const char *label)
{
	if (t->rows < TABLE_ROWS)
		t->rows++;
	snprintf(t->cell[t->rows - 1][0], TABLE_CELL, "%s", label);
}

void
table_cell(struct table *t, unsigned column, const char *format, ...)
{
	va_list ap;

	if (t->rows == 0 || column >= t->columns)
		return;
	va_start(ap, format);
	vsnprintf(t->cell[t->rows - 1][column], TABLE_CELL, format, ap);
	va_end(ap);
}

/* A label with no cells is as wide as it likes. */
static bool
is_heading(const struct table *t, unsigned row)
{
	for (unsigned c = 1; c < t->columns; c++)
		if (t->cell[row][c][0])
			return false;
	return true;
}

static int
column_width(const struct table *t, unsigned column)
{
	size_t most = 0;

	for (unsigned r = 0; r < t->rows; r++) {
		size_t len = strlen(t->cell[r][column]);

		if (len > most && !is_heading(t, r))
			most = len;
	}
	return (int)most;
}

static void
markdown_print(const struct table *t, FILE *to)
{
	for (unsigned r = 0; r < t->rows; r++) {
		fputc('|', to);
		for (unsigned c = 0; c < t->columns; c++)
			fprintf(to, " %s |", t->cell[r][c]);
		fputc('\n', to);
		for (unsigned c = 0; r == 0 && c < t->columns; c++)
			fputs(c ? "---:|" : "|---|", to);
		if (r == 0)
			fputc('\n', to);
	}
}

void
table_print(const struct table *t, FILE *to, bool markdown)
{
	int width[TABLE_COLUMNS], whole = 0;

	if (markdown) {
		markdown_print(t, to);
		return;
	}

	for (unsigned c = 0; c < t->columns; c++) {
		width[c] = column_width(t, c);
		whole += width[c] + (c ? 2 : 0);
	}
	for (unsigned r = 0; r < t->rows; r++) {
		if (is_heading(t, r)) {
			fprintf(to, "%s\n", t->cell[r][0]);
			continue;
		}
		fprintf(to, "%-*s", width[0], t->cell[r][0]);
		for (unsigned c = 1; c < t->columns; c++)
			fprintf(to, "  %*s", width[c], t->cell[r][c]);
		fputc('\n', to);
		if (r == 0) {
			for (int i = 0; i < whole; i++)
				fputc('-', to);
			fputc('\n', to);
		}
	}
}
