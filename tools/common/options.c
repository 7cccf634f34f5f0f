/* SPDX-License-Identifier: MIT
 *
 * options.c - see options.h.
 */
#define _GNU_SOURCE
#include "tools/common/options.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_MAX = 32, INDENT = 18 };

static const char *program_name = "";

bool
options_wrong(const char *format, ...)
{
	va_list ap;

	fprintf(stderr, "%s: ", program_name);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
	return false;
}

bool
options_number(const char *name, const char *text, uint64_t least,
    uint64_t most, uint64_t *out, const char **end)
{
	char *e;

	errno = 0;
	*out = strtoull(text, &e, 10);
	if (*out == 2 && *e == '^') {
		unsigned long power = strtoul(e + 1, &e, 10);

		*out = power < 64 ? UINT64_C(1) << power : 0;
		errno = power < 64 ? errno : ERANGE;
	}
	if (*text < '0' || *text > '9' || errno || (*e && !end) ||
	    *out < least || *out > most)
		return options_wrong("--%s wants a number from %" PRIu64
				     " to %" PRIu64 ", not '%s'",
		    name, least, most, text);
	if (end)
		*end = e;
	return true;
}

bool
options_listed(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (; list; list = strchr(list, ',')) {
		list += *list == ',';
		if (strncmp(list, word, len) == 0 &&
		    (list[len] == ',' || !list[len]))
			return true;
	}
	return false;
}

static bool
take(const struct option_row *row, const char *text)
{
	uint64_t most = row->most ? row->most
	    : row->count          ? UINT32_MAX
				  : UINT64_MAX,
		 n;

	if (row->take)
		return row->take(text);
	if (row->flag)
		*row->flag = true;
	if (row->text)
		*row->text = text;
	if (!row->number && !row->count)
		return true;
	if (!options_number(row->name, text, row->least, most, &n, NULL))
		return false;
	if (row->number)
		*row->number = n;
	else
		*row->count = (unsigned)n;
	return true;
}

int
options_parse(const char *program, const struct option_row *rows, bool operands,
    int argc, char **argv)
{
	struct option longs[ROWS_MAX + 1] = { { 0 } };
	char letters[2 * ROWS_MAX + 1] = "", *l = letters;
	static char name[64];
	int c;

	/* getopt's messages begin with it */
	snprintf(name, sizeof name, "%s", program);
	argv[0] = name;
	program_name = name;
	for (int i = 0; rows[i].name && i < ROWS_MAX; i++) {
		longs[i].name = rows[i].name;
		longs[i].has_arg = rows[i].argument ? required_argument
						    : no_argument;
		longs[i].val = 256 + i;
		if (rows[i].letter) {
			*l++ = (char)rows[i].letter;
			if (rows[i].argument)
				*l++ = ':';
		}
	}
	optind = 1;
	while ((c = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		int i = c - 256;

		if (c == '?')
			return -1; /* getopt has said why */
		for (int k = 0; i < 0 && rows[k].name; k++)
			if (rows[k].letter == c)
				i = k;
		if (!take(&rows[i], optarg))
			return -1;
	}
	if (!operands && optind < argc) {
		options_wrong("what is '%s'?", argv[optind]);
		return -1;
	}
	return optind;
}

/* A name that is too long for the column has a line of its own. */
void
options_help(const struct option_row *rows, FILE *to)
{
	for (; rows->name; rows++) {
		const char *help = rows->help;
		int at = 0;

		if (!help)
			continue;
		if (rows->letter)
			at += fprintf(
			    to, "  -%c, --%s", rows->letter, rows->name);
		else
			at += fprintf(to, "  --%s", rows->name);
		at += fprintf(to, rows->argument ? " %s" : "%s",
		    rows->argument ? rows->argument : "");
		while (*help) {
			int len = (int)strcspn(help, "\n");

			if (at >= INDENT) {
				fputc('\n', to);
				at = 0;
			}
			fprintf(to, "%*s%.*s\n", INDENT - at, "", len, help);
			at = 0;
			help += len + (help[len] == '\n');
		}
	}
}
