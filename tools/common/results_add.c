/* SPDX-License-Identifier: MIT
 *
 * results_add.c - what results.h has in memory.
 */
#include "tools/common/results.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Room for one more behind @len of @size bytes each. */
static void *
room(void *array, unsigned len, size_t size)
{
	if (len & (len - 1)) /* grown at each power of two */
		return array;
	array = realloc(array, (len ? 2 * (size_t)len : 1) * size);
	if (!array) {
		perror("results");
		exit(2);
	}
	return array;
}

void
results_release(struct results *r)
{
	free(r->result);
	free(r->note);
	memset(r, 0, sizeof *r);
}

void
results_option(struct results *r, const char *name, double value)
{
	if (r->options == RESULT_OPTIONS)
		return;
	snprintf(
	    r->option[r->options].name, sizeof r->option->name, "%s", name);
	r->option[r->options++].value = value;
}

double
results_asked(const struct results *r, const char *name)
{
	for (unsigned i = 0; i < r->options; i++)
		if (strcmp(r->option[i].name, name) == 0)
			return r->option[i].value;
	return 0;
}

unsigned
results_metric(
    struct results *r, const char *name, const char *unit, int better)
{
	struct result_metric *m = r->metric;
	unsigned i = 0;

	while (i < r->metrics && strcmp(m[i].name, name) != 0)
		i++;
	if (i < r->metrics || i == RESULT_METRICS)
		return i < RESULT_METRICS ? i : RESULT_METRICS - 1;
	snprintf(m[i].name, sizeof m->name, "%s", name);
	snprintf(m[i].unit, sizeof m->unit, "%s", unit);
	m[i].better = better;
	return r->metrics++;
}

void
results_add(struct results *r, const char *subject, const char *what,
    const char *how, uint32_t n, unsigned metric, const struct series *values)
{
	struct result *new;

	r->result = room(r->result, r->len, sizeof *r->result);
	new = &r->result[r->len++];
	memset(new, 0, sizeof *new);
	snprintf(new->subject, sizeof new->subject, "%s", subject);
	snprintf(new->what, sizeof new->what, "%s", what);
	snprintf(new->how, sizeof new->how, "%s", how);
	new->n = n;
	new->metric = metric;
	new->values = *values;
}

void
results_note(
    struct results *r, const char *subject, const char *key, const char *text)
{
	struct result_note *new;

	r->note = room(r->note, r->notes, sizeof *r->note);
	new = &r->note[r->notes++];
	snprintf(new->subject, sizeof new->subject, "%s", subject);
	snprintf(new->key, sizeof new->key, "%s", key);
	snprintf(new->text, sizeof new->text, "%s", text);
}
