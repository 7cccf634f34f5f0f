/* SPDX-License-Identifier: MIT
 *
 * json.c - the raw data: every repetition of every cell, and what makes them
 * comparable.
 */
#include "bench/peers/field.h"

#include <errno.h>
#include <stdio.h>

#include <jansson.h>

#include <rota/rota.h>

static json_t *
values(const struct series *s)
{
	json_t *a = json_array();

	for (unsigned i = 0; i < s->n; i++)
		json_array_append_new(a, json_real(s->v[i]));
	return a;
}

static json_t *
entry_json(const struct field *f, unsigned i)
{
	const struct entry *e = &f->entry[i];
	json_t *o = json_pack("{s:s, s:s, s:s, s:b}", "label", e->label,
	    "version", e->rival->version, "variant", e->variant, "safe",
	    e->rival->safe);
	json_t *checks = json_object(), *cells = json_array();

	for (unsigned k = 0; k < f->rows; k++)
		if (e->check[k][0])
			json_object_set_new(
			    checks, f->row[k], json_string(e->check[k]));
	for (unsigned k = 0; k < f->works; k++)
		for (unsigned n = 0; n < f->ns; n++) {
			const struct cell *c = &f->cell[i][k][n];

			if (!c->ns.n && !c->why[0])
				continue;
			json_array_append_new(cells,
			    json_pack("{s:s, s:I, s:o, s:o, s:o, s:o, s:s}",
				"work", f->work[k], "n", (json_int_t)f->n[n],
				"ns", values(&c->ns), "worst",
				values(&c->worst), "worst_poll",
				values(&c->worst_poll), "bytes",
				values(&c->bytes), "why", c->why));
		}
	json_object_set_new(o, "checks", checks);
	json_object_set_new(o, "cells", cells);
	return o;
}

int
json_print(const struct field *f, const char *path, int argc, char **argv)
{
	json_t *entries = json_array(), *command = json_array(), *root;
	const struct machine *m = &f->machine;
	FILE *out;
	int err = 0;

	for (unsigned i = 0; i < f->entries; i++)
		json_array_append_new(entries, entry_json(f, i));
	for (int i = 1; i < argc; i++)
		json_array_append_new(command, json_string(argv[i]));
	root = json_pack("{s:s, s:s, s:o, s:{s:s, s:i, s:s, s:s, s:f}, s:b, "
			 "s:I, s:I, s:i, s:o}",
	    "program", "rota_peers", "version", rota_version_string(),
	    "arguments", command, "machine", "cpu", m->cpu, "cores",
	    (int)m->cores, "kernel", m->kernel, "clocksource", m->clocksource,
	    "load", m->load, "embedded", f->embedded, "ops", (json_int_t)f->ops,
	    "budget_ms", (json_int_t)f->budget_ms, "repetitions", (int)f->reps,
	    "entries", entries);
	if (!root)
		return -ENOMEM;
	out = fopen(path, "w");
	if (!out ||
	    json_dumpf(root, out, JSON_COMPACT | JSON_REAL_PRECISION(6)))
		err = errno ? -errno : -EIO;
	if (out && (fputc('\n', out) < 0 || fclose(out) != 0) && !err)
		err = -errno;
	json_decref(root);
	return err;
}
