/* SPDX-License-Identifier: MIT
 *
 * main.c - figures: is every figure of a document what its raw file says?
 *
 * usage: figures RAW-DIRECTORY DOCUMENT...
 *
 * A block of Markdown, which is lines up to an empty one, that has figures
 * (figures.h) is followed by a comment that says where they are from. One
 * expression a line, for each figure of the block in turn:
 *
 *	Moving a deadline takes 17.5 ns, stopping 24 to 37 ns.
 *	<!-- figures 2026-12-01-micro.json
 *	median(wheel; ns; 1000000; push_later)
 *	given: the goal of decision 5
 *	median(wheel; ns; 1000000; stop)
 *	-->
 *
 * "given" is for what was not measured, and says what it is. "in FILE" changes
 * the file for what follows. A table may have one expression for all its cells
 * of the second column and on, in which $c and $r stand for the names of column
 * and row; a cell without a number is passed over:
 *
 *	<!-- figures 2026-12-01-micro.json
 *	each median($c; ns; 1000000; $r)
 *	columns heap | wheel
 *	rows push_later | stop
 *	-->
 *
 * A figure holds if it is its value, rounded to the digits that are printed.
 * Headings, code, and comments have no figures. Exit 1: one does not hold, or
 * has no expression, or the other way round. 2: not understood. 77: without
 * jansson no results can be read.
 */
#define _GNU_SOURCE
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/tree/figures/figures.h"
#include "tools/common/results.h"

enum { FIGURES = 1024, NAMES = 64 };

static struct {
	const char *path, *raw;
	unsigned line; /* of the document */
	char *prose;   /* the lines of the block so far, unless it is a table */
	/* The figures of the block, and in a table the row and column of each. */
	unsigned n, rows;
	struct figure figure[FIGURES];
	unsigned row[FIGURES], column[FIGURES];
	unsigned at[FIGURES]; /* its line */
	/* What its comment has said so far. */
	unsigned used;
	char *each, *columns[NAMES], *names[NAMES];
	unsigned held, given;
	bool table, failed;
} doc;

static void
fails(unsigned line, const char *format, ...)
{
	va_list ap;

	fprintf(stderr, "%s:%u: ", doc.path, line);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
	doc.failed = true;
}

static void
append(const char *text, bool any, unsigned column)
{
	unsigned n = figures_of(text, any, doc.figure + doc.n, FIGURES - doc.n);

	if (n > FIGURES - doc.n) {
		fails(doc.line, "more than %d figures in a block", FIGURES);
		n = FIGURES - doc.n;
	}
	for (; n > 0; n--, doc.n++) {
		doc.row[doc.n] = doc.rows;
		doc.column[doc.n] = column;
		doc.at[doc.n] = doc.line;
	}
}

/* A line of prose: with the others of its block it is one text, since a range
 * may go on in the next line. */
static void
append_line(const char *line)
{
	char *longer;

	if (asprintf(&longer, "%s %s", doc.prose ? doc.prose : "", line) < 0)
		abort();
	free(doc.prose);
	doc.prose = longer;
}

static void
take_prose(void)
{
	if (doc.prose)
		append(doc.prose, false, 0);
	free(doc.prose);
	doc.prose = NULL;
}

/* The end of a block: no comment has taken what is left of it. */
static void
block_ends(void)
{
	take_prose();
	if (doc.used < doc.n)
		fails(doc.at[doc.used], "\"%s\" has no raw file",
		    doc.figure[doc.used].text);
	doc.n = doc.rows = doc.used = 0;
	doc.table = false;
}

/* A row of a table: its first cell is its name, its first line are names. */
static void
append_row(char *line)
{
	unsigned column = 0;
	bool rule = line[strspn(line, "|-: \n")] == 0;

	if (!doc.table || rule) {
		doc.table = true;
		return;
	}
	line += *line == '|';
	strsep(&line, "|");
	for (char *cell; (cell = strsep(&line, "|"));)
		append(cell, true, column++);
	doc.rows++;
}

static void
check(const char *expression)
{
	struct figure *f = &doc.figure[doc.used];
	struct value v;
	const char *wrong;

	if (doc.used == doc.n) {
		fails(doc.line, "no figure is left for \"%s\"", expression);
		return;
	}
	doc.used++;
	if (!strncmp(expression, "given: ", 7)) {
		doc.given++;
		return;
	}
	wrong = value_of(expression, &v);
	if (wrong) {
		fails(doc.line, "%s: \"%s\"", wrong, expression);
		return;
	}
	/* A time without a unit, as in a table, is in nanoseconds. */
	if (f->dimension == NUMBER && v.dimension == SECONDS)
		f->unit = 1e-9;
	else if (f->dimension != v.dimension && f->dimension != NUMBER &&
	    v.dimension != NUMBER)
		fails(doc.at[doc.used - 1], "\"%s\" is not in the unit of %s",
		    f->text, expression);
	v.number /= f->unit;
	if (fabs(v.number - f->value) > f->step * (0.5 + 1e-9))
		fails(doc.at[doc.used - 1], "\"%s\" is %.6g by %s", f->text,
		    v.number, expression);
	else
		doc.held++;
}

/* @pattern with the names of row and column of the next figure. */
static void
check_cell(const char *pattern)
{
	char expression[512], *to = expression;
	char *const end = expression + sizeof expression - 1;

	for (const char *p = pattern; *p && to < end;) {
		unsigned i = p[1] == 'c' ? doc.column[doc.used]
					 : doc.row[doc.used];
		char *const *names = p[1] == 'c' ? doc.columns : doc.names;

		if (*p != '$' || (p[1] != 'c' && p[1] != 'r')) {
			*to++ = *p++;
			continue;
		}
		if (i >= NAMES || !names[i]) {
			fails(doc.at[doc.used], "column or row %u has no name",
			    i + 1);
			doc.used++;
			return;
		}
		to += snprintf(to, (size_t)(end - to), "%s", names[i]);
		to = to < end ? to : end;
		p += 2;
	}
	*to = 0;
	check(expression);
}

static void
forget(void)
{
	free(doc.each);
	doc.each = NULL;
	for (unsigned i = 0; i < NAMES; i++) {
		free(doc.columns[i]);
		free(doc.names[i]);
		doc.columns[i] = doc.names[i] = NULL;
	}
}

static void
names_from(char *list, char *to[NAMES])
{
	for (unsigned i = 0; i < NAMES && list; i++) {
		char *name = strsep(&list, "|");

		name += strspn(name, " ");
		for (size_t n = strlen(name); n > 0 && name[n - 1] == ' ';)
			name[--n] = 0;
		free(to[i]);
		to[i] = strdup(name);
	}
}

static void
in_file(const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof path, "%s/%s", doc.raw, name);
	if (!values_from(path))
		fails(doc.line, "cannot read %s", name);
}

/* One line of a comment that says where figures are from. */
static void
source(char *line)
{
	if (*line == 0)
		return;
	if (!strncmp(line, "in ", 3)) {
		in_file(line + 3);
	} else if (!strncmp(line, "each ", 5)) {
		forget();
		doc.each = strdup(line + 5);
	} else if (!strncmp(line, "columns ", 8)) {
		names_from(line + 8, doc.columns);
	} else if (!strncmp(line, "rows ", 5)) {
		names_from(line + 5, doc.names);
	} else {
		check(line);
	}
}

static void
document(const char *path)
{
	FILE *f = fopen(path, "r");
	char *line = NULL;
	size_t size = 0;
	bool code = false, comment = false, ours = false;

	doc.path = path;
	doc.line = doc.held = doc.given = 0;
	if (!f) {
		perror(path);
		exit(2);
	}
	while (getline(&line, &size, f) > 0) {
		doc.line++;
		line[strcspn(line, "\n")] = 0;
		if (comment) {
			char *end = strstr(line, "-->");

			if (end)
				*end = 0;
			if (ours)
				source(line);
			if (!end)
				continue;
			while (doc.each && doc.used < doc.n)
				check_cell(doc.each);
			forget();
			comment = false;
			if (ours)
				block_ends();
		} else if (!strncmp(line, "```", 3)) {
			code = !code;
		} else if (code) {
			continue;
		} else if (!strncmp(line, "<!--", 4)) {
			ours = !strncmp(line, "<!-- figures ", 13);
			comment = !strstr(line, "-->");
			if (ours && comment) {
				take_prose();
				in_file(line + 13);
			}
		} else if (*line == 0 || *line == '#') {
			block_ends();
		} else if (*line == '|') {
			append_row(line);
		} else {
			append_line(line);
		}
	}
	block_ends();
	free(line);
	fclose(f);
	printf(
	    "%s: %u figures hold, %u are given\n", path, doc.held, doc.given);
}

int
main(int argc, char **argv)
{
	if (argc < 3) {
		fputs("usage: figures RAW-DIRECTORY DOCUMENT...\n", stderr);
		return 2;
	}
	if (!results_possible()) {
		puts("no jansson: no results can be read");
		return 77;
	}
	doc.raw = argv[1];
	for (int i = 2; i < argc; i++)
		document(argv[i]);
	return doc.failed;
}
