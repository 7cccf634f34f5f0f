/* SPDX-License-Identifier: MIT
 *
 * results.c - results.h by jansson.
 */
#define _POSIX_C_SOURCE 200809L /* PATH_MAX, stat */
#include "tools/common/results.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <sys/stat.h>

#define FORMAT "rota results 1"

bool
results_possible(void)
{
	return true;
}

static json_t *
values_json(const struct series *s)
{
	json_t *a = json_array();

	for (unsigned i = 0; i < s->n; i++)
		json_array_append_new(a, json_real(s->v[i]));
	return a;
}

static json_t *
results_json(const struct results *r, int argc, char **argv)
{
	json_t *arguments = json_array(), *options = json_object();
	json_t *metrics = json_object(), *results = json_array();
	json_t *notes = json_array();
	const struct machine *m = &r->machine;

	for (int i = 1; i < argc; i++)
		json_array_append_new(arguments, json_string(argv[i]));
	for (unsigned i = 0; i < r->options; i++)
		json_object_set_new(
		    options, r->option[i].name, json_real(r->option[i].value));
	for (unsigned i = 0; i < r->metrics; i++)
		json_object_set_new(metrics, r->metric[i].name,
		    json_pack("{s:s, s:s}", "unit", r->metric[i].unit, "better",
			r->metric[i].better < 0       ? "lower"
			    : r->metric[i].better > 0 ? "higher"
						      : ""));
	for (unsigned i = 0; i < r->len; i++) {
		const struct result *x = &r->result[i];

		json_array_append_new(results,
		    json_pack("{s:s, s:s, s:s, s:I, s:s, s:o}", "subject",
			x->subject, "what", x->what, "how", x->how, "n",
			(json_int_t)x->n, "metric", r->metric[x->metric].name,
			"values", values_json(&x->values)));
	}
	for (unsigned i = 0; i < r->notes; i++)
		json_array_append_new(notes,
		    json_pack("{s:s, s:s, s:s}", "subject", r->note[i].subject,
			"key", r->note[i].key, "text", r->note[i].text));
	return json_pack(
	    "{s:s, s:s, s:s, s:s, s:o, s:{s:s, s:i, s:s, s:s, s:f}, "
	    "s:o, s:o, s:o, s:o}",
	    "format", FORMAT, "program", r->program, "version", r->version,
	    "commit", m->commit, "arguments", arguments, "machine", "cpu",
	    m->cpu, "cores", (int)m->cores, "kernel", m->kernel, "clocksource",
	    m->clocksource, "load", m->load, "options", options, "metrics",
	    metrics, "results", results, "notes", notes);
}

int
results_write(const struct results *r, const char *path, int argc, char **argv)
{
	json_t *root = results_json(r, argc, argv);
	char part[PATH_MAX];
	struct stat st;
	bool there = stat(path, &st) == 0 && !S_ISREG(st.st_mode);
	FILE *out;
	int err = 0;

	if (!root)
		return -ENOMEM;
	/* A device is written to. */
	snprintf(part, sizeof part, there ? "%s" : "%s.part", path);
	out = fopen(part, "w");
	if (!out ||
	    json_dumpf(root, out, JSON_COMPACT | JSON_REAL_PRECISION(10)))
		err = errno ? -errno : -EIO;
	if (out && (fputc('\n', out) < 0 || fclose(out) != 0) && !err)
		err = -errno;
	if (!there && !err && rename(part, path) != 0)
		err = -errno;
	if (!there && err)
		remove(part);
	json_decref(root);
	return err;
}

/* The string at @key of @o, or "". */
static const char *
text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static uint32_t
number(const json_t *o, const char *key)
{
	return (uint32_t)json_integer_value(json_object_get(o, key));
}

static struct series
values(const json_t *a)
{
	struct series s = { 0 };
	size_t i;
	json_t *v;

	json_array_foreach(a, i, v) series_insert(&s, json_number_value(v));
	return s;
}

static void
ours(struct results *r, const json_t *root)
{
	const char *key;
	json_t *v;
	size_t i;

	json_object_foreach(json_object_get(root, "options"), key, v)
	    results_option(r, key, json_number_value(v));
	json_object_foreach(json_object_get(root, "metrics"), key, v)
	{
		const char *better = text(v, "better");

		results_metric(r, key, text(v, "unit"),
		    *better == 'l'       ? -1
			: *better == 'h' ? 1
					 : 0);
	}
	json_array_foreach(json_object_get(root, "results"), i, v)
	{
		struct series s = values(json_object_get(v, "values"));

		results_add(r, text(v, "subject"), text(v, "what"),
		    text(v, "how"), number(v, "n"),
		    results_metric(r, text(v, "metric"), "", 0), &s);
	}
	json_array_foreach(json_object_get(root, "notes"), i, v) results_note(
	    r, text(v, "subject"), text(v, "key"), text(v, "text"));
}

/* What rota_peers wrote: entries, each with the cells of its table. */
static void
entries(struct results *r, const json_t *root)
{
	static const char *const names[] = { "ns", "worst", "worst_poll",
		"bytes" };
	bool all = json_is_true(json_object_get(root, "embedded"));
	json_t *e, *c;
	size_t i, k;
	const char *key;

	results_option(r, "repetitions", number(root, "repetitions"));
	json_array_foreach(json_object_get(root, "entries"), i, e)
	{
		const char *label = text(e, "label");

		results_note(r, label, "version", text(e, "version"));
		results_note(r, label, "variant", text(e, "variant"));
		if (json_is_true(json_object_get(e, "safe")))
			results_note(r, label, "safe", "yes");
		json_object_foreach(json_object_get(e, "checks"), key, c)
		{
			char check[32];

			snprintf(check, sizeof check, "check %s", key);
			results_note(r, label, check, json_string_value(c));
		}
		json_array_foreach(json_object_get(e, "cells"), k, c)
		{
			const json_t *own = json_object_get(c, "embedded");
			bool in = own ? json_is_true(own) : all;

			for (unsigned m = 0; m < 4; m++) {
				struct series s = values(
				    json_object_get(c, names[m]));

				results_add(r, label, text(c, "work"),
				    in ? "embedded" : "", number(c, "n"),
				    results_metric(
					r, names[m], m < 3 ? "ns" : "B", -1),
				    &s);
			}
		}
	}
}

/* google-benchmark's: single runs named "what/subject/how/n...". One that
 * failed becomes a note. */
static void
benchmark(struct results *r, const json_t *run)
{
	static const struct {
		const char *name;
		double ns;
	} units[] = { { "us", 1e3 }, { "ms", 1e6 }, { "s", 1e9 } };
	char what[64], subject[64], how[64];
	struct series s = { .n = 1 };
	const char *type = text(run, "run_type");
	unsigned n;

	if (*type && strcmp(type, "iteration") != 0)
		return;
	if (json_is_true(json_object_get(run, "error_occurred"))) {
		results_note(
		    r, text(run, "name"), "failed", text(run, "error_message"));
		return;
	}
	if (sscanf(text(run, "name"), "%63[^/]/%63[^/]/%63[^/]/%u", what,
		subject, how, &n) != 4)
		return;
	s.v[0] = json_number_value(json_object_get(run, "real_time"));
	for (unsigned u = 0; u < sizeof units / sizeof *units; u++)
		if (strcmp(text(run, "time_unit"), units[u].name) == 0)
			s.v[0] *= units[u].ns;
	results_add(
	    r, subject, what, how, n, results_metric(r, "ns", "ns", -1), &s);
}

/* In the order of registration: runs may be in the file in a random one. */
static void
benchmarks(struct results *r, const json_t *runs)
{
	uint32_t families = 0;
	json_t *run;
	size_t i;

	json_array_foreach(runs, i, run)
	{
		uint32_t family = number(run, "family_index");

		families = family >= families ? family + 1 : families;
	}
	for (uint32_t family = 0; family < families; family++)
		json_array_foreach(runs, i, run)
		{
			if (number(run, "family_index") == family)
				benchmark(r, run);
		}
}

int
results_read(struct results *r, const char *path)
{
	json_t *root, *m;
	unsigned before = r->len, notes = r->notes;

	errno = 0;
	root = json_load_file(path, 0, NULL);
	if (!root)
		return errno ? -errno : -EINVAL;
	m = json_object_get(root, "machine");
	snprintf(r->program, sizeof r->program, "%s", text(root, "program"));
	snprintf(r->version, sizeof r->version, "%s", text(root, "version"));
	snprintf(r->machine.commit, sizeof r->machine.commit, "%s%s",
	    text(root, "commit"),
	    text(json_object_get(root, "context"), "commit"));
	snprintf(r->machine.cpu, sizeof r->machine.cpu, "%s", text(m, "cpu"));
	snprintf(r->machine.kernel, sizeof r->machine.kernel, "%s",
	    text(m, "kernel"));
	snprintf(r->machine.clocksource, sizeof r->machine.clocksource, "%s",
	    text(m, "clocksource"));
	r->machine.cores = number(m, "cores");
	r->machine.load = json_number_value(json_object_get(m, "load"));
	if (strcmp(text(root, "format"), FORMAT) == 0)
		ours(r, root);
	else if (json_object_get(root, "benchmarks"))
		benchmarks(r, json_object_get(root, "benchmarks"));
	else
		entries(r, root);
	json_decref(root);
	return r->len > before || r->notes > notes ? 0 : -EINVAL;
}
