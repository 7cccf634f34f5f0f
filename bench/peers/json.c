/* SPDX-License-Identifier: MIT
 *
 * json.c - the field as results, and back.
 */
#include "bench/peers/field.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rota/rota.h>

#include "tools/common/results.h"

static const struct {
	const char *name, *unit;
	size_t at; /* in a cell */
} metrics[] = {
	{ "ns", "ns", offsetof(struct cell, ns) },
	{ "worst", "ns", offsetof(struct cell, worst) },
	{ "worst_poll", "ns", offsetof(struct cell, worst_poll) },
	{ "bytes", "B", offsetof(struct cell, bytes) },
};
enum { METRICS = sizeof(metrics) / sizeof(*metrics) };

static struct series *
series_of(struct cell *c, unsigned metric)
{
	return (struct series *)(void *)((char *)c + metrics[metric].at);
}

static void
cells_add(struct results *r, struct field *f, unsigned i)
{
	struct entry *e = &f->entry[i];

	for (unsigned k = 0; k < f->works; k++)
		for (unsigned n = 0; n < f->sizes; n++) {
			struct cell *c = &f->cell[i][k][n];
			const struct size *at = &f->size[n];
			char key[64];

			if (c->why[0]) {
				snprintf(key, sizeof(key), "why no %s %u%s",
				    f->work[k], at->n, at->embedded ? "e" : "");
				results_note(r, e->label, key, c->why);
			}
			/* Of none the place, for the order of works. */
			for (unsigned m = 0; m < METRICS; m++)
				if (c->ns.n || (m == 0 && c->why[0]))
					results_add(r, e->label, f->work[k],
					    at->embedded ? "embedded" : "",
					    at->n, m, series_of(c, m));
		}
}

int
json_print(struct field *f, const char *path, int argc, char **argv)
{
	struct results r = { .machine = f->machine, .program = "rota_peers" };
	int err;

	snprintf(r.version, sizeof(r.version), "%s", rota_version_string());
	results_option(&r, "ops", (double)f->ops);
	results_option(&r, "budget_ms", (double)f->budget_ms);
	results_option(&r, "repetitions", f->reps);
	for (unsigned m = 0; m < METRICS; m++)
		results_metric(&r, metrics[m].name, metrics[m].unit, -1);
	for (unsigned i = 0; i < f->entries; i++) {
		const struct entry *e = &f->entry[i];

		results_note(&r, e->label, "version", e->rival->version);
		results_note(&r, e->label, "variant", e->variant);
		if (e->rival->safe)
			results_note(&r, e->label, "safe", "yes");
		if (e->control)
			results_note(&r, e->label, "control", "yes");
		for (unsigned k = 0; k < f->works; k++) {
			char key[NAME_MAX_ + 8];

			snprintf(key, sizeof(key), "apart %.24s", f->work[k]);
			if (e->rival->apart[k])
				results_note(
				    &r, e->label, key, e->rival->apart_why);
		}
		for (unsigned k = 0; k < f->rows; k++) {
			char key[NAME_MAX_ + 8];

			snprintf(key, sizeof(key), "check %s", f->row[k]);
			if (e->check[k][0])
				results_note(&r, e->label, key, e->check[k]);
		}
		cells_add(&r, f, i);
	}
	err = results_write(&r, path, argc, argv);
	results_release(&r);
	return err;
}

/* Where @name is in @list, which it joins if it is new. */
static unsigned
place(char (*list)[NAME_MAX_], unsigned *len, unsigned max, const char *name)
{
	unsigned i = 0;

	while (i < *len && strcmp(list[i], name) != 0)
		i++;
	if (i == *len && i < max)
		snprintf(list[(*len)++], NAME_MAX_, "%.31s", name);
	return i < max ? i : max - 1;
}

static unsigned
place_size(struct field *f, uint32_t n, bool embedded)
{
	unsigned i = 0;

	while (i < f->sizes &&
	    (f->size[i].n != n || f->size[i].embedded != embedded))
		i++;
	if (i == f->sizes && i < SIZES_MAX)
		f->size[f->sizes++] = (struct size){ n, embedded };
	return i < SIZES_MAX ? i : SIZES_MAX - 1;
}

/* The entry @label, and its rival, new or known. */
static unsigned
place_entry(struct field *f, const char *label)
{
	unsigned i = 0;
	struct rival *r;

	while (i < f->entries && strcmp(f->entry[i].label, label) != 0)
		i++;
	if (i < f->entries || i == ENTRIES_MAX)
		return i < ENTRIES_MAX ? i : ENTRIES_MAX - 1;
	r = &f->rival[f->rivals++];
	f->entry[f->entries++].rival = r;
	snprintf(f->entry[i].label, sizeof(f->entry[i].label), "%.63s", label);
	r->there = true;
	snprintf(r->name, sizeof(r->name), "%.31s", label);
	r->rota = strncmp(label, "rota", 4) == 0;
	r->limit = strncmp(label, "touch", 5) == 0;
	return i;
}

static void
note_read(struct field *f, const struct result_note *note)
{
	struct entry *e = &f->entry[place_entry(f, note->subject)];
	struct rival *r = &f->rival[e->rival - f->rival];

	if (strcmp(note->key, "version") == 0) {
		snprintf(r->version, sizeof(r->version), "%.31s", note->text);
	} else if (strcmp(note->key, "variant") == 0) {
		snprintf(e->variant, sizeof(e->variant), "%.31s", note->text);
	} else if (strcmp(note->key, "safe") == 0) {
		r->safe = true;
	} else if (strcmp(note->key, "control") == 0) {
		e->control = true;
	} else if (strncmp(note->key, "check ", 6) == 0) {
		unsigned k = place(f->row, &f->rows, CHECKS_MAX, note->key + 6);

		snprintf(e->check[k], sizeof(e->check[k]), "%.60s", note->text);
	}
}

/* Of a cell, of which the place is known by now: why there is nothing in it,
 * or why it is not compared. */
static void
why_read(struct field *f, const struct result_note *note)
{
	char work[NAME_MAX_], embedded = 0;
	unsigned n, e, k;
	struct cell *c;

	if (strncmp(note->key, "apart ", 6) == 0) {
		struct rival *r;

		e = place_entry(f, note->subject);
		r = &f->rival[f->entry[e].rival - f->rival];
		r->apart[place(f->work, &f->works, WORKS_MAX, note->key + 6)] =
		    true;
		snprintf(r->apart_why, sizeof(r->apart_why), "%s", note->text);
	}
	if (sscanf(note->key, "why no %31s %u%c", work, &n, &embedded) < 2)
		return;
	e = place_entry(f, note->subject);
	k = place(f->work, &f->works, WORKS_MAX, work);
	c = &f->cell[e][k][place_size(f, n, embedded == 'e')];
	snprintf(c->why, sizeof(c->why), "%.63s", note->text);
}

int
json_read(struct field *f, const char *path)
{
	struct results r = { .program = "" };
	int err = results_read(&r, path);

	f->machine = r.machine;
	f->reps = (unsigned)results_asked(&r, "repetitions");
	for (unsigned i = 0; i < r.notes; i++)
		note_read(f, &r.note[i]);
	/* All that are in this file have their places before those of another
	 * before it are said to have had no turn in its rounds. */
	for (unsigned i = 0; i < r.len; i++) {
		place_entry(f, r.result[i].subject);
		place(f->work, &f->works, WORKS_MAX, r.result[i].what);
		place_size(
		    f, r.result[i].n, strcmp(r.result[i].how, "embedded") == 0);
	}
	for (unsigned k = 0; k < f->works; k++)
		for (unsigned n = 0; n < f->sizes; n++)
			field_round(f, k, n);
	for (unsigned i = 0; i < r.len; i++) {
		const struct result *x = &r.result[i];
		unsigned e = place_entry(f, x->subject);
		unsigned k = place(f->work, &f->works, WORKS_MAX, x->what);
		unsigned n = place_size(
		    f, x->n, strcmp(x->how, "embedded") == 0);

		for (unsigned m = 0; m < METRICS; m++) {
			struct series *s = series_of(&f->cell[e][k][n], m);

			if (strcmp(r.metric[x->metric].name, metrics[m].name) !=
			    0)
				continue;
			for (unsigned v = 0; v < x->values.n; v++) {
				series_insert(s, x->values.v[v]);
				if (m == 0)
					series_insert(&f->cell[e][k][n].paired,
					    x->values.v[v]);
			}
		}
	}
	for (unsigned i = 0; i < r.notes; i++)
		why_read(f, &r.note[i]);
	results_release(&r);
	return err ? err : f->entries && f->works ? 0 : -EINVAL;
}
