/* SPDX-License-Identifier: MIT
 *
 * table.c - what was measured, for people.
 */
#include "bench/peers/field.h"

#include <stdio.h>
#include <string.h>

enum { LABEL = 22, COLUMN = 11 };

static const char *const backends[] = { NULL, "wheel", "heap", "coarse" };

void
table_rivals(const struct field *f)
{
	printf("%s, %u processors, Linux %s, load %.1f\n\n", f->machine.cpu,
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
	unsigned notes = 0;

	printf("Conformance: + as it must be; a letter: see below\n\n%-*s",
	    LABEL, "");
	for (unsigned k = 0; k < f->rows; k++)
		printf("%10s", f->row[k]);
	printf("\n");
	for (unsigned i = 0; i < f->entries; i++) {
		const struct entry *e = &f->entry[i];

		if (e->rival->limit)
			continue;
		printf("%-*s", LABEL, e->label);
		for (unsigned k = 0; k < f->rows; k++)
			printf("%10s",
			    strcmp(e->check[k], "ok") == 0 ? "+" : "FAILS");
		printf("\n");
	}
	printf("\n");
	for (unsigned i = 0; i < f->entries; i++) {
		const struct entry *e = &f->entry[i];

		for (unsigned k = 0; k < f->rows && !e->rival->limit; k++)
			if (e->check[k][0] && strcmp(e->check[k], "ok") != 0) {
				printf("%-*s %s: %s\n", LABEL, e->label,
				    f->row[k], e->check[k]);
				notes++;
			}
	}
	printf(notes ? "\n" : "Nobody fails a row.\n\n");
}

static void
heading(const struct field *f, const char *what, unsigned n)
{
	printf("%s, N = %u%s\n\n%-*s", what, f->n[n],
	    f->embedded ? ", in connections of 320 bytes" : "", LABEL, "");
	for (unsigned k = 0; k < f->works; k++)
		printf("%*s", COLUMN, f->work[k]);
	printf("%*s\n", COLUMN, "bytes");
}

static void
figures(const struct field *f, unsigned n)
{
	heading(f, "ns for an operation", n);
	for (unsigned i = 0; i < f->entries; i++) {
		double bytes = 0;

		printf("%-*s", LABEL, f->entry[i].label);
		for (unsigned k = 0; k < f->works; k++) {
			const struct cell *c = &f->cell[i][k][n];
			double ns = field_ns(f, i, k, n);

			if (!c->ns.n)
				printf("%*s", COLUMN, "-");
			else
				printf("%*.*f", COLUMN, ns < 100 ? 1 : 0, ns);
			if (strcmp(f->work[k], "start_stop") == 0)
				bytes = series_median(&c->bytes);
		}
		printf("%*.0f\n", COLUMN, bytes);
	}
	printf("\n");
}

static void
worst(const struct field *f, unsigned n)
{
	heading(
	    f, "ns of the worst single call (or poll, after the stroke)", n);
	for (unsigned i = 0; i < f->entries; i++) {
		printf("%-*s", LABEL, f->entry[i].label);
		for (unsigned k = 0; k < f->works; k++) {
			const struct cell *c = &f->cell[i][k][n];
			char text[32] = "-";

			/* The least of the repetitions: what is left is its
			 * own and not the machine's. */
			if (c->ns.n && series_min(&c->worst_poll) > 0)
				snprintf(text, sizeof(text), "%.0f/%.0fk",
				    series_min(&c->worst),
				    series_min(&c->worst_poll) / 1000);
			else if (c->ns.n)
				snprintf(text, sizeof(text), "%.0f",
				    series_min(&c->worst));
			printf("%*s", COLUMN, text);
		}
		printf("\n");
	}
	printf("\n");
}

/* How many times the time of rota each rival takes. */
static void
ratios(const struct field *f, unsigned n, const char *backend)
{
	char what[80];

	snprintf(what, sizeof(what), "times as long as rota%s%s",
	    backend ? "'s " : ", the best engine for the work",
	    backend ? backend : "");
	heading(f, what, n);
	for (unsigned i = 0; i < f->entries; i++) {
		if (f->entry[i].rival->rota)
			continue;
		printf("%-*s", LABEL, f->entry[i].label);
		for (unsigned k = 0; k < f->works; k++) {
			int own = field_rota(f, &f->entry[i], k, n, backend);
			double ns = field_ns(f, i, k, n);

			if (own < 0 || ns <= 0)
				printf("%*s", COLUMN, "-");
			else
				printf("%*.2f", COLUMN,
				    ns / field_ns(f, (unsigned)own, k, n));
		}
		printf("\n");
	}
	printf("\n");
}

void
table_figures(const struct field *f)
{
	for (unsigned n = 0; n < f->ns; n++) {
		figures(f, n);
		worst(f, n);
		for (unsigned b = 0; b < sizeof(backends) / sizeof(*backends);
		     b++)
			ratios(f, n, backends[b]);
	}
}

void
table_verdict(const struct field *f)
{
	double least = 0;
	unsigned at[3] = { 0 };

	for (unsigned i = 0; i < f->entries; i++)
		for (unsigned k = 0; k < f->works; k++)
			for (unsigned n = 0; n < f->ns; n++) {
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
		printf("worst ratio to the best peer: %.2f (%s, N=%u, %s)\n",
		    least, f->work[at[1]], f->n[at[2]], f->entry[at[0]].label);
	else
		printf("worst ratio to the best peer: none was measured\n");
}
