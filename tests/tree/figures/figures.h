/* SPDX-License-Identifier: MIT
 *
 * figures.h - the parts of the program figures (main.c): what figures a line of
 * Markdown has, and what an expression over raw files is worth.
 */
#ifndef ROTA_TESTS_FIGURES_H
#define ROTA_TESTS_FIGURES_H

#include <stdbool.h>

/* What a figure or a value is measured in. SECONDS: 1 is a second. */
enum dimension { NUMBER, SECONDS, BYTES, PERCENT };

struct figure {
	char text[32];
	double value; /* as printed, and so many seconds or bytes is its unit */
	double unit;
	double step; /* 1 of the last digit that is printed */
	enum dimension dimension;
};

/* figures_of - the figures of one line: numbers with a decimal point or a unit,
 * and such as are joined to the next figure by "to", "and", "or" or a comma.
 * With @any every number is one, as in the cell of a table. What is in `code`,
 * in a link's target, or part of a word (1e6, -O2) is none. Returns how many;
 * at most @max are written, and of a line with hundreds more than @max are told. */
unsigned figures_of(
    const char *line, bool any, struct figure *to, unsigned max);

struct value {
	double number;
	enum dimension dimension; /* NUMBER: no unit is known */
};

/* values_from - a raw file of bench/results/ that later expressions refer to:
 * results (*.json) or lines of text. False: cannot be read. */
bool values_from(const char *path);

/* value_of - an expression in + - * / ( ) over numbers and
 *	median(subject; metric[; n[; what[; how]]])	of the results that the
 *	least, most, spread, sum			file has; spread: half
 *							the range, in per cent
 *	ratio(S; S'; metric[; n[; what[; how]]])	S over S', in pairs
 *	low, high					its interval's ends
 *	field(words; key)	in a text, the number after @key of the line that
 *				has all @words in this order, of several lines
 *				the median; in seconds if the key ends in _ns,
 *				_us, _ms or _s
 * Returns NULL, or what is wrong with the expression. */
const char *value_of(const char *expression, struct value *to);

#endif
