/* SPDX-License-Identifier: MIT
 *
 * report_jansson.c - all values of each figure, as measured, with what makes
 * them comparable: the machine, the options, the seed.
 */
#include "tools/report.h"

#include <errno.h>
#include <stdio.h>

#include <jansson.h>

bool
report_possible(void)
{
	return true;
}

static json_t *
machine_json(const struct machine *m)
{
	return json_pack("{s:s, s:i, s:s, s:s, s:f}", "cpu", m->cpu, "cores",
	    (int)m->cores, "kernel", m->kernel, "clocksource", m->clocksource,
	    "load", m->load);
}

static json_t *
options_json(const struct report *r)
{
	return json_pack("{s:I, s:I, s:i, s:i, s:b, s:b}", "timers",
	    (json_int_t)r->timers, "seed", (json_int_t)r->seed, "connections",
	    (int)r->connections, "silent", (int)r->silent, "confined",
	    r->confined, "server", r->with_server);
}

static json_t *
series_json(const struct series *s)
{
	json_t *values = json_array();

	for (unsigned i = 0; i < s->n; i++)
		json_array_append_new(values, json_real(s->v[i]));
	return json_pack("{s:f, s:f, s:f, s:o}", "median", series_median(s),
	    "min", series_min(s), "max", series_max(s), "values", values);
}

static json_t *
backend_json(const struct series *series)
{
	json_t *o = json_object();

	for (int i = 0; i < FIGURES; i++)
		if (series[i].n > 0)
			json_object_set_new(
			    o, figure_info[i].key, series_json(&series[i]));
	return o;
}

int
report_print(const struct report *r, const char *path)
{
	json_t *backends = json_object();
	json_t *root;
	FILE *f;
	int err = 0;

	for (int b = 0; b < BACKENDS; b++)
		if (r->figures->used[b])
			json_object_set_new(backends, backend_info[b].name,
			    backend_json(r->figures->series[b]));
	root = json_pack("{s:s, s:s, s:f, s:b, s:o, s:o, s:o}", "program",
	    "rota bench", "version", rota_version_string(), "seconds",
	    r->seconds, "complete", r->complete, "machine",
	    machine_json(r->machine), "options", options_json(r), "backends",
	    backends);
	if (!root)
		return -ENOMEM;
	f = fopen(path, "w");
	if (!f || json_dumpf(root, f, JSON_INDENT(2) | JSON_REAL_PRECISION(10)))
		err = errno ? -errno : -EIO;
	if (f && (fputc('\n', f) < 0 || fclose(f) != 0) && !err)
		err = -errno;
	json_decref(root);
	return err;
}
