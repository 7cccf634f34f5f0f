/* SPDX-License-Identifier: MIT
 *
 * text.c - figures in Markdown (figures.h).
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/tree/figures/figures.h"

static const struct unit {
	const char *name;
	double in;
	enum dimension dimension;
} units[] = {
	/* A longer one before one that it begins with. */
	{ "ns", 1e-9, SECONDS },
	{ "us", 1e-6, SECONDS },
	{ "ms", 1e-3, SECONDS },
	{ "seconds", 1, SECONDS },
	{ "second", 1, SECONDS },
	{ "minutes", 60, SECONDS },
	{ "minute", 60, SECONDS },
	{ "s", 1, SECONDS },
	{ "bytes", 1, BYTES },
	{ "byte", 1, BYTES },
	{ "B", 1, BYTES },
	{ "kB", 1e3, BYTES },
	{ "MB", 1e6, BYTES },
	{ "GB", 1e9, BYTES },
	{ "%", 1, PERCENT },
	{ "per cent", 1, PERCENT },
	{ "times", 1, NUMBER },
	{ "x", 1, NUMBER },
	{ "k", 1e3, NUMBER },
	{ "M", 1e6, NUMBER },
	{ "instructions", 1, NUMBER },
};

/* Can @c stand next to a number that is no part of a word? */
static bool
apart(char c)
{
	return !isalnum((unsigned char)c) && c != '_';
}

static const struct unit *
unit_at(const char **at)
{
	const char *p = *at;

	if (*p == ' ')
		p++;
	for (unsigned i = 0; i < sizeof units / sizeof *units; i++) {
		size_t len = strlen(units[i].name);

		if (!strncmp(p, units[i].name, len) && apart(p[len])) {
			*at = p + len;
			return &units[i];
		}
	}
	return NULL;
}

/* @line with blanks for what is `code` or the target of a link. */
static char *
plain(const char *line)
{
	char *copy = strdup(line);
	char until = 0;

	if (!copy)
		abort();
	for (char *c = copy; *c; c++) {
		if (until) {
			until = *c == until ? 0 : until;
			*c = ' ';
		} else if (*c == '`') {
			*c = ' ';
			until = '`';
		} else if (c[0] == ']' && c[1] == '(') {
			until = ')';
		}
	}
	return copy;
}

/* Is what lies between the end of a number and the next one a conjunction? */
static bool
joined(const char *end, const char *next)
{
	static const char *const by[] = { " to ", " and ", " or ", ", ", "-" };

	for (unsigned i = 0; i < sizeof by / sizeof *by; i++)
		if (strlen(by[i]) == (size_t)(next - end) &&
		    !strncmp(end, by[i], strlen(by[i])))
			return true;
	return false;
}

unsigned
figures_of(const char *line, bool any, struct figure *to, unsigned max)
{
	enum { MOST = 512 };
	struct {
		const char *begin, *end;
		bool point;
		const struct unit *unit;
		struct figure figure;
	} all[MOST];
	unsigned n = 0, found = 0;
	char *copy = plain(line);
	bool taken[MOST];

	for (const char *p = copy; *p && n < MOST;) {
		const char *begin = p;
		char digits[32];
		size_t len = 0;
		int decimals = 0;

		/* A range's dash is no sign and no part of a word. */
		if (!isdigit((unsigned char)*p) ||
		    (p > copy &&
			(!apart(p[-1]) || p[-1] == '.' || p[-1] == '/' ||
			    (p[-1] == '-' &&
				(p < copy + 2 ||
				    !strchr("0123456789%xs", p[-2])))))) {
			p++;
			continue;
		}
		all[n].point = false;
		for (; len + 1 < sizeof digits; p++) {
			bool more = isdigit((unsigned char)p[1]);

			if (isdigit((unsigned char)*p))
				digits[len++] = *p;
			else if (*p == '.' && more && !all[n].point)
				digits[len++] = '.', all[n].point = true;
			else if (*p != ',' || !more || all[n].point ||
			    strspn(p + 1, "0123456789") != 3)
				break;
			decimals += all[n].point && *p != '.';
		}
		digits[len] = 0;
		all[n].unit = unit_at(&p);
		/* Part of a word, or 1.2.3 */
		if ((!all[n].unit && !apart(*p)) ||
		    (*p == '.' && isdigit((unsigned char)p[1]))) {
			while (*p && (!apart(*p) || *p == '.'))
				p++;
			continue;
		}
		all[n].begin = begin;
		all[n].end = p;
		all[n].figure.value = strtod(digits, NULL);
		all[n].figure.step = 1;
		while (decimals-- > 0)
			all[n].figure.step /= 10;
		snprintf(all[n].figure.text, sizeof all[n].figure.text, "%.*s",
		    (int)(p - begin), begin);
		n++;
	}
	for (unsigned i = n; i-- > 0;) {
		bool on = i + 1 < n && joined(all[i].end, all[i + 1].begin) &&
		    taken[i + 1];

		taken[i] = any || all[i].point || all[i].unit || on;
		if (!all[i].unit && on)
			all[i].unit = all[i + 1].unit;
	}
	for (unsigned i = 0; i < n; i++) {
		const struct unit *unit = all[i].unit;

		if (!taken[i])
			continue;
		all[i].figure.unit = unit ? unit->in : 1;
		all[i].figure.dimension = unit ? unit->dimension : NUMBER;
		if (found++ < max)
			to[found - 1] = all[i].figure;
	}
	free(copy);
	return n == MOST ? max + 1 : found;
}
