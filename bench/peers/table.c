/* SPDX-License-Identifier: MIT
 *
 * table.c - what was measured, for people.
 */
#include "bench/peers/field.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tools/common/table.h"

enum { LABEL = 22 };

static const char *const backends[] = { NULL, "wheel", "heap", "coarse" };

bool table_markdown;

static void
title(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	fputs(table_markdown ? "### " : "", stdout);
	vprintf(format, ap);
	va_end(ap);
	fputs("\n\n", stdout);
}

/* The table that is being filled, and how far its newest row is. */
static struct table table;
static unsigned column;

static void
row(const char *label)
{
	table_row(&table, label);
	column = 1;
}

static void
cell(const char *format, ...)
{
	char text[TABLE_CELL];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	table_cell(&table, column++, "%s", text);
}

static void
end(void)
{
	table_print(&table, stdout, table_markdown);
	printf("\n");
}

void
table_rivals(const struct field *f)
{
	printf("%s, %u processors, %s, load %.1f\n\n", f->machine.cpu,
	    f->machine.cores, f->machine.kernel, f->machine.load);
	for (unsigned i = 0; i < f->rivals; i++) {
		const struct rival *r = &f->rival[i];

		if (r->there)
			printf("%-*s %s%s\n", LABEL, r->name, r->version,
			    r->safe ? "  (safe for threads)" : "");
		else
			printf("%-*s skipped: needs %s\n", LABEL, r->program,
			    r->needs);
	}
	printf("\n");
}

void
table_checks(const struct field *f)
{
	bool fails = false;

	title("Conformance");
	table_init(&table, 1 + f->rows);
	row("");
	for (unsigned k = 0; k < f->rows; k++)
		cell("%s", f->row[k]);
	for (unsigned i = 0; i < f->entries; i++) {
		const struct entry *e = &f->entry[i];

		if (e->rival->limit)
			continue;
		row(e->label);
		for (unsigned k = 0; k < f->rows; k++)
			cell(strcmp(e->check[k], "ok") == 0 ? "+" : "fails");
	}
	end();
	for (unsigned i = 0; i < f->entries; i++)
		for (unsigned k = 0; k < f->rows; k++) {
			const struct entry *e = &f->entry[i];

			if (e->rival->limit || !e->check[k][0] ||
			    strcmp(e->check[k], "ok") == 0)
				continue;
			printf("%s%s, %s: %s\n", table_markdown ? "- " : "",
			    e->label, f->row[k], e->check[k]);
			fails = true;
		}
	printf(fails ? "\n" : "Nobody fails a row.\n\n");
}

static void
heading(const struct field *f, const char *what, unsigned n, const char *more)
{
	title("%s, N = %u%s", what, f->size[n].n,
	    f->size[n].embedded ? ", in connections of 320 bytes" : "");
	table_init(&table, 1 + f->works + !!more);
	row("");
	for (unsigned k = 0; k < f->works; k++)
		cell("%s", f->work[k]);
	if (more)
		cell("%s", more);
}

static void
figures(const struct field *f, unsigned n)
{
	heading(f, "ns for an operation", n, "bytes");
	for (unsigned i = 0; i < f->entries; i++) {
		double bytes = 0;

		row(f->entry[i].label);
		for (unsigned k = 0; k < f->works; k++) {
			const struct cell *c = &f->cell[i][k][n];
			double ns = field_ns(f, i, k, n);

			if (c->ns.n)
				cell("%.*f", ns < 100 ? 1 : 0, ns);
			else
				cell("-");
			if (strcmp(f->work[k], "start_stop") == 0)
				bytes = series_median(&c->bytes);
		}
		cell("%.0f", bytes);
	}
	end();
}

/* Why a cell is empty, the works of one entry and reason in a line. */
static void
reasons(const struct field *f, unsigned n)
{
	bool any = false;

	for (unsigned i = 0; i < f->entries; i++)
		for (unsigned k = 0; k < f->works; k++) {
			const char *why = f->cell[i][k][n].why;
			unsigned like = 0;

			/* Told with the first of them. */
			while (like < k &&
			    strcmp(f->cell[i][like][n].why, why) != 0)
				like++;
			if (!why[0] || like < k)
				continue;
			any = true;
			printf("%s%s", table_markdown ? "- " : "",
			    f->entry[i].label);
			for (unsigned m = k; m < f->works; m++)
				if (strcmp(f->cell[i][m][n].why, why) == 0)
					printf("%s %s", m > k ? "," : ":",
					    f->work[m]);
			printf(": %s\n", why);
		}
	if (any)
		putchar('\n');
}

/* Half the range of the repetitions, in per cent of the median. */
static void
spreads(const struct field *f, unsigned n)
{
	heading(f, "their spread, +- %", n, NULL);
	for (unsigned i = 0; i < f->entries; i++) {
		row(f->entry[i].label);
		for (unsigned k = 0; k < f->works; k++) {
			const struct series *s = &f->cell[i][k][n].ns;

			if (s->n > 1)
				cell("%.0f",
				    (series_max(s) - series_min(s)) * 50 /
					series_median(s));
			else
				cell("-");
		}
	}
	end();
}

/* The median of the repetitions' worst: what interrupted one of them is not in
 * it, and what all of them met is. */
static void
worst(const struct field *f, unsigned n)
{
	heading(f, "us of the worst single call / poll, median", n, NULL);
	for (unsigned i = 0; i < f->entries; i++) {
		row(f->entry[i].label);
		for (unsigned k = 0; k < f->works; k++) {
			const struct cell *c = &f->cell[i][k][n];
			double call = series_median(&c->worst) / 1000;
			double poll = series_median(&c->worst_poll) / 1000;

			if (c->ns.n && call > 0 && poll > 0)
				cell("%.1f/%.0f", call, poll);
			else if (c->ns.n && poll > 0)
				cell("/%.0f", poll);
			else if (c->ns.n && call > 0)
				cell("%.1f", call);
			else
				cell("-");
		}
	}
	end();
}

/* How many times the time of rota each rival takes. */
static void
ratios(const struct field *f, unsigned n, const char *backend)
{
	char what[80];

	snprintf(what, sizeof(what), "times as long as rota%s%s",
	    backend ? "'s " : ", the better of heap and wheel for the work",
	    backend ? backend : "");
	heading(f, what, n, NULL);
	for (unsigned i = 0; i < f->entries; i++) {
		if (f->entry[i].rival->rota)
			continue;
		row(f->entry[i].label);
		for (unsigned k = 0; k < f->works; k++) {
			int own = field_rota(f, &f->entry[i], k, n, backend);
			double ns = field_ns(f, i, k, n);

			if (own < 0 || ns <= 0)
				cell("-");
			else
				cell("%.2f",
				    ns / field_ns(f, (unsigned)own, k, n));
		}
	}
	end();
}

void
table_figures(const struct field *f)
{
	for (unsigned n = 0; n < f->sizes; n++) {
		figures(f, n);
		reasons(f, n);
		if (f->reps > 1)
			spreads(f, n);
		worst(f, n);
		for (unsigned b = 0; b < sizeof(backends) / sizeof(*backends);
		     b++)
			ratios(f, n, backends[b]);
	}
}

/* The next larger size than @n timers, packed; f->sizes: there is none. */
static unsigned
larger(const struct field *f, uint32_t n)
{
	unsigned at = f->sizes;

	for (unsigned i = 0; i < f->sizes; i++)
		if (!f->size[i].embedded && f->size[i].n > n &&
		    (at == f->sizes || f->size[i].n < f->size[at].n))
			at = i;
	return at;
}

void
table_growth(const struct field *f)
{
	for (unsigned k = 0; k < f->works; k++) {
		unsigned n = larger(f, 0);

		printf("\"%s\"", f->work[k]);
		for (unsigned i = 0; i < f->entries; i++)
			printf("\t\"%s\"", f->entry[i].label);
		putchar('\n');
		for (; n < f->sizes; n = larger(f, f->size[n].n)) {
			printf("%u", f->size[n].n);
			for (unsigned i = 0; i < f->entries; i++)
				if (f->cell[i][k][n].ns.n)
					printf("\t%.2f", field_ns(f, i, k, n));
				else
					printf("\tnan");
			putchar('\n');
		}
		printf("\n\n");
	}
}

void
table_verdict(const struct field *f)
{
	double least = 0;
	unsigned at[3] = { 0 };

	for (unsigned i = 0; i < f->entries; i++)
		for (unsigned k = 0; k < f->works; k++)
			for (unsigned n = 0; n < f->sizes; n++) {
				const struct entry *e = &f->entry[i];
				int own = field_rota(f, e, k, n, NULL);
				double ns = field_ns(f, i, k, n), ratio;

				if (e->rival->rota || e->rival->limit ||
				    own < 0 || ns <= 0)
					continue;
				ratio = ns / field_ns(f, (unsigned)own, k, n);
				if (least > 0 && ratio >= least)
					continue;
				least = ratio;
				at[0] = i;
				at[1] = k;
				at[2] = n;
			}
	if (least > 0)
		printf("least lead: %s, N=%u: %s takes %.2f times as long as "
		       "rota's better of heap and wheel\n",
		    f->work[at[1]], f->size[at[2]].n, f->entry[at[0]].label,
		    least);
	else
		printf("least lead: none was measured\n");
}
