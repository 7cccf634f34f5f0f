/* SPDX-License-Identifier: MIT
 *
 * table.h - a table for a terminal or in Markdown: a column of labels, then
 * columns of cells, each as wide as its widest, aligned to the right.
 *
 * Cells are copied and cut to what fits. No threads.
 */
#ifndef ROTA_TOOLS_TABLE_H
#define ROTA_TOOLS_TABLE_H

#include <stdbool.h>
#include <stdio.h>

enum { TABLE_ROWS = 72, TABLE_COLUMNS = 20, TABLE_CELL = 64 };

struct table {
	unsigned rows, columns; /* the labels are column 0 */
	char cell[TABLE_ROWS][TABLE_COLUMNS][TABLE_CELL];
};

void table_init(struct table *t, unsigned columns);

/* A new row; @label begins it. Past TABLE_ROWS the last is written over. */
void table_row(struct table *t, const char *label);

/* Cell @column, from 1, of the newest row; printf. */
void table_cell(struct table *t, unsigned column, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The first row is the heading, ruled off; a row with a label and no cells
 * begins a group. In Markdown if @markdown. */
void table_print(const struct table *t, FILE *to, bool markdown);

#endif
