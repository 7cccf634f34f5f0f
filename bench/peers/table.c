/* SPDX-License-Identifier: MIT
 *
 * table.c - what was measured, for people.
 */
#include "bench/peers/field.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tools/common/table.h"

enum { LABEL = 22 };

static const char *const backends[] = { "wheel", "heap", "coarse" };

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

		if (e->rival->limit || e->control)
			continue;
		row(e->label);
		for (unsigned k = 0; k < f->rows; k++)
			cell(strcmp(e->check[k], "ok") == 0 ? "+" : "fails");
	}
	end();
	for (unsigned i = 0; i < f->entries; i++)
		for (unsigned k = 0; k < f->rows; k++) {
			const struct entry *e = &f->entry[i];

			if (e->rival->limit || e->control || !e->check[k][0] ||
			    strcmp(e->check[k], "ok") == 0)
				continue;
			printf("%s%s, %s: %s\n", table_markdown ? "- " : "",
			    e->label, f->row[k], e->check[k]);
			fails = true;
		}
	printf(fails ? "\n" : "Nobody fails a row.\n\n");
}

static void
figures(const struct field *f, unsigned n)
{
	title("ns for an operation, N = %u%s", f->size[n].n,
	    f->size[n].embedded ? ", in connections of 320 bytes" : "");
	table_init(&table, 2 + f->works);
	row("");
	for (unsigned k = 0; k < f->works; k++)
		cell("%s", f->work[k]);
	cell("bytes");
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

/* Median and worst of the rounds, us. */
static void
worst(const struct series *s)
{
	double most = series_max(s) / 1000;

	if (most <= 0)
		cell("");
	else
		cell("%.*f %.*f", most < 100, series_median(s) / 1000,
		    most < 100, most);
}

/* How many times as long as rota's @backend entry @i takes. */
static void
beside(const struct field *f, unsigned i, unsigned k, unsigned n,
    const char *backend, double margin)
{
	const struct entry *e = &f->entry[i];
	int to = field_rota(f, e, k, n, backend);
	bool best = to >= 0 && to == field_rota(f, e, k, n, NULL);
	struct ratio r;

	if (to < 0 || to == (int)i) {
		cell("");
		return;
	}
	r = field_ratio(f, i, (unsigned)to, k, n);
	if (r.n < RATIO_LEAST)
		cell("%.2f ?%s", r.value, best ? " *" : "  ");
	else
		cell("%.2f [%.2f-%.2f]%s%s", r.value, r.low, r.high,
		    ratio_differs(r, margin) ? " " : "=", best ? "*" : " ");
}

/* One entry in one work. The reason stands where figures would. */
static void
line(const struct field *f, unsigned i, unsigned k, unsigned n)
{
	const struct entry *e = &f->entry[i];
	const struct cell *c = &f->cell[i][k][n];
	char label[TABLE_CELL];

	if (!c->ns.n) {
		snprintf(label, sizeof(label), "%.24s: %.36s", e->label,
		    c->why[0] ? c->why : "had no turn");
		row(label);
		return;
	}
	row(e->label);
	cell("%.1f", field_ns(f, i, k, n));
	cell("%.0f%%", series_spread(&c->ns) * 100);
	worst(&c->worst);
	worst(&c->worst_poll);
	if (e->rival->apart[k]) {
		cell("%.30s", e->rival->apart_why);
		return;
	}
	for (unsigned b = 0; b < sizeof(backends) / sizeof(*backends); b++)
		beside(f, i, k, n, backends[b],
		    ratio_margin(field_control(f, e, k, n)));
}

/* The first that is rota's, safe for threads or not; -1: none. */
static int
first_rota(const struct field *f, bool safe)
{
	for (unsigned i = 0; i < f->entries; i++)
		if (f->entry[i].rival->rota && f->entry[i].rival->safe == safe)
			return (int)i;
	return -1;
}

/* What rota beside itself tells of this run. */
static void
control(const struct field *f, unsigned k, unsigned n)
{
	for (int safe = 0; safe < 2; safe++) {
		int i = first_rota(f, safe);
		struct ratio r = { 0 };

		if (i >= 0)
			r = field_control(f, &f->entry[i], k, n);
		if (r.n >= RATIO_LEAST)
			printf("%s twice: %.2f [%.2f-%.2f], so less than %.0f "
			       "%% means nothing.\n",
			    f->entry[i].label, r.value, r.low, r.high,
			    ceil((ratio_margin(r) - 1) * 100));
	}
	printf("\n");
}

static void
work(const struct field *f, unsigned k, unsigned n)
{
	static const char *const heads[] = { "ns", "+-", "call us", "poll us",
		"/ wheel", "/ heap", "/ coarse" };

	title("%s, N = %u%s", f->work[k], f->size[n].n,
	    f->size[n].embedded ? ", in connections of 320 bytes" : "");
	table_init(&table, 1 + sizeof(heads) / sizeof(*heads));
	row("");
	for (unsigned h = 0; h < sizeof(heads) / sizeof(*heads); h++)
		cell("%s", heads[h]);
	for (unsigned i = 0; i < f->entries; i++)
		line(f, i, k, n);
	table_print(&table, stdout, table_markdown);
	control(f, k, n);
}

void
table_figures(const struct field *f)
{
	for (unsigned n = 0; n < f->sizes; n++)
		figures(f, n);
	printf("In each work: the median of the rounds and how far half of "
	       "them are from it;\n"
	       "of the worst single call and poll the median and the most; "
	       "then how many times\n"
	       "as long as rota's engines it takes, in pairs, with the 95 %% "
	       "interval.\n"
	       "=: no more than rota differs from itself; ?: too few rounds; "
	       "*: the better of\n"
	       "heap and wheel. Who is safe for threads, or has a mutex, is "
	       "beside rota-shared.\n\n");
	for (unsigned n = 0; n < f->sizes; n++)
		for (unsigned k = 0; k < f->works; k++)
			work(f, k, n);
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

/* The largest control, and the least lead. */
void
table_verdict(const struct field *f)
{
	struct ratio least = { 0 };
	double most = 1;
	unsigned at[3] = { 0 };

	for (unsigned i = 0; i < f->entries; i++)
		for (unsigned k = 0; k < f->works; k++)
			for (unsigned n = 0; n < f->sizes; n++) {
				const struct entry *e = &f->entry[i];
				int own = field_rota(f, e, k, n, NULL);
				struct ratio r;

				if (e->control || own < 0)
					continue;
				r = field_control(f, e, k, n);
				if (r.n >= RATIO_LEAST)
					most = fmax(most, ratio_margin(r));
				if (e->rival->rota || e->rival->limit ||
				    e->rival->apart[k])
					continue;
				r = field_ratio(f, i, (unsigned)own, k, n);
				if (r.n < RATIO_LEAST ||
				    (least.n && r.value >= least.value))
					continue;
				least = r;
				at[0] = i;
				at[1] = k;
				at[2] = n;
			}
	if (most > 1)
		printf("control: one engine twice is up to %.0f %% apart; each "
		       "work has its own\n",
		    ceil((most - 1) * 100));
	if (least.n)
		printf("least lead: %s, N=%u: %s takes %.2f [%.2f-%.2f] times "
		       "as long as rota's better of heap and wheel\n",
		    f->work[at[1]], f->size[at[2]].n, f->entry[at[0]].label,
		    least.value, least.low, least.high);
	else
		printf("least lead: none, with %d rounds\n", RATIO_LEAST);
}
