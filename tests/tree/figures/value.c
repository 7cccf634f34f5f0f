/* SPDX-License-Identifier: MIT
 *
 * value.c - expressions over raw files (figures.h).
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/tree/figures/figures.h"
#include "tools/common/ratio.h"
#include "tools/common/results.h"

static struct results results;
static char *text; /* the file, if it is no results: lines, each after a '\n' */
static const char *wrong;

bool
values_from(const char *path)
{
	size_t len = strlen(path), size = 0;
	FILE *f;

	results_release(&results);
	memset(&results, 0, sizeof results);
	free(text);
	text = NULL;
	if (len > 5 && !strcmp(path + len - 5, ".json"))
		return results_read(&results, path) == 0;
	f = fopen(path, "r");
	if (!f)
		return false;
	if (getdelim(&text, &size, 0, f) < 0)
		text = NULL;
	fclose(f);
	return text != NULL;
}

/* The parts of "a; b; c" without the blanks around them, in @s itself. */
enum { PARTS = 8 };

static unsigned
split(char *s, char *part[PARTS])
{
	unsigned n = 0;

	for (char *p; n < PARTS && (p = strsep(&s, ";"));) {
		while (isspace((unsigned char)*p))
			p++;
		for (char *end = p + strlen(p);
		     end > p && isspace((unsigned char)end[-1]);)
			*--end = 0;
		part[n++] = p;
	}
	return n;
}

/* How many seconds one of @unit is; 0: it is no unit of time. */
static double
seconds(const char *unit)
{
	return !strcmp(unit, "ns") ? 1e-9
	    : !strcmp(unit, "us")  ? 1e-6
	    : !strcmp(unit, "ms")  ? 1e-3
	    : !strcmp(unit, "s")   ? 1
				   : 0;
}

/* The series of @subject, then of what part @i and on say: metric, n, what, how.
 * NULL, and @wrong set: none, or more than one. */
static const struct series *
series_of(const char *subject, char **part, unsigned i, unsigned n,
    enum dimension *dimension, double *scale)
{
	const struct result *found = NULL;
	const char *unit;

	for (unsigned k = 0; k < results.len; k++) {
		const struct result *r = &results.result[k];

		if (strcmp(r->subject, subject) || n <= i ||
		    strcmp(results.metric[r->metric].name, part[i]) ||
		    (n > i + 1 && r->n != strtod(part[i + 1], NULL)) ||
		    strcmp(r->what, n > i + 2 ? part[i + 2] : "") ||
		    strcmp(r->how, n > i + 3 ? part[i + 3] : ""))
			continue;
		if (found) {
			wrong = "more than one result is meant";
			return NULL;
		}
		found = r;
	}
	if (!found || found->values.n == 0) {
		wrong = "no such result";
		return NULL;
	}
	unit = results.metric[found->metric].unit;
	*scale = seconds(unit);
	*dimension = *scale > 0 ? SECONDS : *unit == 'B' ? BYTES : NUMBER;
	*scale = *scale > 0 ? *scale : 1;
	return &found->values;
}

/* Of the lines of the text that have all @words, in this order: the number after
 * the word @key, or their median. */
static double
field(char *words, const char *key)
{
	struct series found = { 0 };
	char *lines = strdup(text ? text : ""), *next = lines;

	for (char *line; lines && (line = strsep(&next, "\n"));) {
		char *word = words, *at = line, *save = NULL, *w;
		char *want = strdup(word);
		bool all = true;

		for (w = strtok_r(want, " ", &save); w && all;
		     w = strtok_r(NULL, " ", &save)) {
			at = strstr(at, w);
			all = at != NULL;
			at += all ? strlen(w) : 0;
		}
		free(want);
		if (!all)
			continue;
		for (w = strtok_r(line, " \t", &save); w;
		     w = strtok_r(NULL, " \t", &save))
			if (!strcmp(w, key)) {
				w = strtok_r(NULL, " \t", &save);
				if (w)
					series_insert(&found, strtod(w, NULL));
				break;
			}
	}
	free(lines);
	if (found.n == 0)
		wrong = "no such field";
	return series_median(&found);
}

static struct value
function(const char *name, char *args)
{
	char *part[PARTS];
	unsigned n = split(args, part);
	struct value v = { 0, NUMBER };
	double scale = 1;
	const struct series *s;
	const char *unit;

	if (!strcmp(name, "field")) {
		if (n != 2)
			wrong = "field(words; key) is wanted";
		else
			v.number = field(part[0], part[1]);
		unit = n == 2 ? strrchr(part[1], '_') : NULL;
		if (unit && seconds(unit + 1) > 0) {
			v.number *= seconds(unit + 1);
			v.dimension = SECONDS;
		}
		return v;
	}
	if (!strcmp(name, "ratio") || !strcmp(name, "low") ||
	    !strcmp(name, "high")) {
		const struct series *to = n > 2
		    ? series_of(part[1], part, 2, n, &v.dimension, &scale)
		    : NULL;
		struct ratio r;

		s = to ? series_of(part[0], part, 2, n, &v.dimension, &scale)
		       : NULL;
		v.dimension = NUMBER;
		if (!s) {
			wrong = wrong ? wrong : "two subjects are wanted";
			return v;
		}
		r = ratio_paired(s, to);
		v.number = *name == 'r' ? r.value
		    : *name == 'l'      ? r.low
					: r.high;
		return v;
	}
	s = series_of(n ? part[0] : "", part, 1, n, &v.dimension, &scale);
	if (!s)
		return v;
	if (!strcmp(name, "median")) {
		v.number = series_median(s) * scale;
	} else if (!strcmp(name, "least")) {
		v.number = series_min(s) * scale;
	} else if (!strcmp(name, "most")) {
		v.number = series_max(s) * scale;
	} else if (!strcmp(name, "sum")) {
		v.number = series_sum(s) * scale;
	} else if (!strcmp(name, "spread")) {
		v.number = (series_max(s) - series_min(s)) / 2 /
		    series_median(s) * 100;
		v.dimension = PERCENT;
	} else {
		wrong = "no such function";
	}
	return v;
}

/*
 * Recursive descent. Each takes what it has read from @*p.
 */

static struct value sum(const char **p);

static char
ahead(const char **p)
{
	while (isspace((unsigned char)**p))
		++*p;
	return **p;
}

static struct value
atom(const char **p)
{
	struct value v = { 0, NUMBER };
	char name[16], args[256], *end;
	size_t len;

	if (ahead(p) == '(') {
		++*p;
		v = sum(p);
		if (ahead(p) == ')')
			++*p;
		else
			wrong = "a parenthesis is not closed";
		return v;
	}
	if (isdigit((unsigned char)**p)) {
		v.number = strtod(*p, &end);
		*p = end;
		return v;
	}
	len = strspn(*p, "abcdefghijklmnopqrstuvwxyz");
	if (len == 0 || len >= sizeof name || (*p)[len] != '(') {
		wrong = "a number or a function is wanted";
		return v;
	}
	memcpy(name, *p, len);
	name[len] = 0;
	*p += len + 1;
	len = strcspn(*p, ")");
	if ((*p)[len] != ')' || len >= sizeof args) {
		wrong = "a parenthesis is not closed";
		return v;
	}
	memcpy(args, *p, len);
	args[len] = 0;
	*p += len + 1;
	return function(name, args);
}

static struct value
product(const char **p)
{
	struct value v = atom(p);

	while (!wrong && (ahead(p) == '*' || **p == '/')) {
		bool over = *(*p)++ == '/';
		struct value by = atom(p);

		v.number = over ? v.number / by.number : v.number * by.number;
		v.dimension = !over && v.dimension == NUMBER ? by.dimension
		    : over && v.dimension == by.dimension    ? NUMBER
							     : v.dimension;
	}
	return v;
}

static struct value
sum(const char **p)
{
	struct value v = product(p);

	while (!wrong && (ahead(p) == '+' || **p == '-')) {
		double sign = *(*p)++ == '-' ? -1 : 1;
		struct value by = product(p);

		v.number += sign * by.number;
	}
	return v;
}

const char *
value_of(const char *expression, struct value *to)
{
	wrong = NULL;
	*to = sum(&expression);
	if (!wrong && ahead(&expression))
		wrong = "more than an expression";
	if (!wrong && !isfinite(to->number))
		wrong = "not a finite number";
	return wrong;
}
