/* SPDX-License-Identifier: MIT
 *
 * json.c - the raw data: every repetition of every cell, and what makes them
 * comparable.
 */
#define _POSIX_C_SOURCE 200809L /* PATH_MAX */
#include "bench/peers/field.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

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
		for (unsigned n = 0; n < f->sizes; n++) {
			const struct cell *c = &f->cell[i][k][n];
			const struct size *at = &f->size[n];

			if (!c->ns.n && !c->why[0])
				continue;
			json_array_append_new(cells,
			    json_pack(
				"{s:s, s:I, s:b, s:o, s:o, s:o, s:o, s:s}",
				"work", f->work[k], "n", (json_int_t)at->n,
				"embedded", at->embedded, "ns", values(&c->ns),
				"worst", values(&c->worst), "worst_poll",
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
	char part[PATH_MAX];
	FILE *out;
	int err = 0;

	for (unsigned i = 0; i < f->entries; i++)
		json_array_append_new(entries, entry_json(f, i));
	for (int i = 1; i < argc; i++)
		json_array_append_new(command, json_string(argv[i]));
	root = json_pack("{s:s, s:s, s:o, s:{s:s, s:i, s:s, s:s, s:f}, "
			 "s:I, s:I, s:i, s:o}",
	    "program", "rota_peers", "version", rota_version_string(),
	    "arguments", command, "machine", "cpu", m->cpu, "cores",
	    (int)m->cores, "kernel", m->kernel, "clocksource", m->clocksource,
	    "load", m->load, "ops", (json_int_t)f->ops, "budget_ms",
	    (json_int_t)f->budget_ms, "repetitions", (int)f->reps, "entries",
	    entries);
	if (!root)
		return -ENOMEM;
	snprintf(part, sizeof(part), "%s.part", path);
	out = fopen(part, "w");
	if (!out ||
	    json_dumpf(root, out, JSON_COMPACT | JSON_REAL_PRECISION(6)))
		err = errno ? -errno : -EIO;
	if (out && (fputc('\n', out) < 0 || fclose(out) != 0) && !err)
		err = -errno;
	if (!err && rename(part, path) != 0)
		err = -errno;
	if (err)
		remove(part);
	json_decref(root);
	return err;
}

void
json_text(char *to, size_t size, const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	snprintf(to, size, "%s", s ? s : "");
}

/* Where @name is in @list, which it joins if it is new. */
static unsigned
place(char (*list)[NAME_MAX_], unsigned *len, unsigned max, const char *name)
{
	unsigned i = 0;

	while (i < *len && strcmp(list[i], name) != 0)
		i++;
	if (i == *len && i < max)
		snprintf(list[(*len)++], NAME_MAX_, "%s", name);
	return i < max ? i : max - 1;
}

static unsigned
place_size(struct field *f, const json_t *cell, bool embedded)
{
	uint32_t n = (uint32_t)json_integer_value(json_object_get(cell, "n"));
	const json_t *own = json_object_get(cell, "embedded");
	unsigned i = 0;

	embedded = own ? json_is_true(own) : embedded;
	while (i < f->sizes &&
	    (f->size[i].n != n || f->size[i].embedded != embedded))
		i++;
	if (i == f->sizes && i < SIZES_MAX)
		f->size[f->sizes++] = (struct size){ n, embedded };
	return i < SIZES_MAX ? i : SIZES_MAX - 1;
}

static void
series_read(struct series *s, const json_t *values)
{
	size_t i;
	json_t *v;

	json_array_foreach(values, i, v) series_insert(s, json_number_value(v));
}

/* The entry that @o tells of, and its rival, new or known. */
static unsigned
place_entry(struct field *f, const json_t *o)
{
	char label[sizeof(f->entry[0].label)];
	unsigned i = 0;
	struct rival *r;

	json_text(label, sizeof(label), o, "label");
	while (i < f->entries && strcmp(f->entry[i].label, label) != 0)
		i++;
	if (i < f->entries || i == ENTRIES_MAX)
		return i;
	r = &f->rival[f->rivals++];
	f->entry[f->entries++].rival = r;
	memcpy(f->entry[i].label, label, sizeof(label));
	json_text(
	    f->entry[i].variant, sizeof(f->entry[i].variant), o, "variant");
	r->there = true;
	r->safe = json_is_true(json_object_get(o, "safe"));
	json_text(r->name, sizeof(r->name), o, "label");
	json_text(r->version, sizeof(r->version), o, "version");
	r->rota = strncmp(label, "rota", 4) == 0;
	r->limit = strncmp(label, "touch", 5) == 0;
	return i;
}

static void
entry_read(struct field *f, const json_t *o, bool embedded)
{
	unsigned entry = place_entry(f, o);
	struct entry *e = &f->entry[entry];
	const char *key;
	json_t *v, *cells = json_object_get(o, "cells");
	size_t i;

	if (entry == ENTRIES_MAX)
		return;
	json_object_foreach(json_object_get(o, "checks"), key, v)
	{
		unsigned k = place(f->row, &f->rows, CHECKS_MAX, key);

		snprintf(e->check[k], sizeof(e->check[k]), "%.60s",
		    json_string_value(v));
	}
	json_array_foreach(cells, i, v)
	{
		const char *work = json_string_value(
		    json_object_get(v, "work"));
		struct cell *c = &f->cell[entry][place(f->work, &f->works,
		    WORKS_MAX, work ? work : "")][place_size(f, v, embedded)];

		series_read(&c->ns, json_object_get(v, "ns"));
		series_read(&c->worst, json_object_get(v, "worst"));
		series_read(&c->worst_poll, json_object_get(v, "worst_poll"));
		series_read(&c->bytes, json_object_get(v, "bytes"));
	}
}

int
json_read(struct field *f, const char *path)
{
	json_t *root, *machine, *o;
	size_t i;

	errno = 0;
	root = json_load_file(path, 0, NULL);
	if (!root)
		return errno ? -errno : -EINVAL;
	machine = json_object_get(root, "machine");
	json_text(f->machine.cpu, sizeof(f->machine.cpu), machine, "cpu");
	json_text(
	    f->machine.kernel, sizeof(f->machine.kernel), machine, "kernel");
	f->machine.cores = (unsigned)json_integer_value(
	    json_object_get(machine, "cores"));
	f->machine.load = json_number_value(json_object_get(machine, "load"));
	f->reps = (unsigned)json_integer_value(
	    json_object_get(root, "repetitions"));
	json_array_foreach(json_object_get(root, "entries"), i, o)
	    entry_read(f, o, json_is_true(json_object_get(root, "embedded")));
	json_decref(root);
	return f->entries && f->works ? 0 : -EINVAL;
}
