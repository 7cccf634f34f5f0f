/* SPDX-License-Identifier: MIT
 *
 * options.h - a command line by a table: getopt_long(), the numbers checked,
 * and the help made from the same table.
 */
#ifndef ROTA_TOOLS_OPTIONS_H
#define ROTA_TOOLS_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* One option. Of @flag, @text, @number, @count and @take one is set: what the
 * option is and where it goes. */
struct option_row {
	const char *name;
	const char *argument; /* its name in the help; NULL: it takes none */
	const char *help;     /* lines; NULL: it is not told */
	bool *flag;           /* set */
	const char **text;
	uint64_t *number;     /* @least to @most */
	unsigned *count;      /* the same */
	uint64_t least, most; /* most 0: no limit but the type's */
	/* false: not understood; it has said what it wants. @text: NULL if it
	 * takes no argument. */
	bool (*take)(const char *text);
	int letter; /* short for it; 0: none */
};

/* options_parse - read @argv by @rows, which end with a name of NULL, in order.
 *
 * @program: begins each message on stderr. A number may be a power, 2^33.
 * Returns the index of the first word that is no option; -1: something was not
 * understood, which has been said. Where !@operands, any such word is.
 */
int options_parse(const char *program, const struct option_row *rows,
    bool operands, int argc, char **argv);

/* options_help - the rows, each with its help. */
void options_help(const struct option_row *rows, FILE *to);

/* options_number - is @text, up to @end (NULL: all of it), a number from @least
 * to @most? Returns true, and the number in *@out; else false, having said what
 * option @name wants. */
bool options_number(const char *name, const char *text, uint64_t least,
    uint64_t most, uint64_t *out, const char **end);

/* options_wrong - say on stderr, behind the program's name, what is wrong.
 * Returns false. */
bool options_wrong(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* options_listed - is @word one of @list, which has commas? A NULL list has
 * none. */
bool options_listed(const char *list, const char *word);

#endif
