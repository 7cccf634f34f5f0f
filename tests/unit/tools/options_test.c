/* SPDX-License-Identifier: MIT
 *
 * options_test.c - tools/common/options.c.
 * Claims: each sort of option gets where it goes, short or long, a power of two
 * as well; words are left over in order; a number out of its range or followed
 * by something, a word where none is wanted, and what is unknown are refused; a
 * list with commas has its words and no parts of them; the help tells each row
 * that has one, and its lines are in one column.
 */
#include "tools/common/options.h"

#include <string.h>

#include "tests/support/cm.h"

static bool flag, taken;
static const char *text, *given;
static uint64_t number;
static unsigned count;

static bool
take(const char *s)
{
	taken = true;
	given = s;
	return s == NULL || strcmp(s, "bad") != 0;
}

/* clang-format off */
static const struct option_row rows[] = {
	{ "flag", NULL, "a flag", .flag = &flag, .letter = 'f' },
	{ "text", "TEXT", "some text\nof two lines", .text = &text },
	{ "number", "N", "from 10 up", .number = &number, .least = 10 },
	{ "count", "N", NULL, .count = &count, .least = 1, .most = 32,
	    .letter = 'c' },
	{ "take", "WHAT", "any", .take = take },
	{ .name = NULL },
};
/* clang-format on */

static int
parse(bool operands, const char *a, const char *b, const char *c)
{
	char word[3][32];
	char *argv[] = { word[0], word[0], word[1], word[2], NULL };
	static char program[] = "test";
	const char *in[] = { a, b, c };
	int argc = 1;

	argv[0] = program;
	for (int i = 0; i < 3 && in[i]; i++) {
		snprintf(word[i], sizeof word[i], "%s", in[i]);
		argv[argc++] = word[i];
	}
	argv[argc] = NULL;
	flag = taken = false;
	number = count = 0;
	return options_parse("test", rows, operands, argc, argv);
}

static void
each_option_gets_where_it_goes(void **state)
{
	(void)state;
	assert_int_equal(parse(false, "--number=2^33", "-f", "-c7"), 4);
	assert_true(flag);
	assert_int_equal(number, UINT64_C(1) << 33);
	assert_int_equal(count, 7);
	assert_int_equal(parse(true, "word", "--take", "it"), 3);
	assert_true(taken);
	assert_int_equal(parse(false, "--text", "more", NULL), 3);
	assert_non_null(text);
}

static void
what_is_not_understood_is_refused(void **state)
{
	static const char *const bad[] = { "--number=9", "--number=ten",
		"--number=-5", "--number=", "--number=11x", "--number=2^64",
		"--count=33", "--count=0", "--take=bad", "--frobnicate",
		"--text", "word" };

	(void)state;
	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
		if (parse(false, bad[i], NULL, NULL) != -1)
			fail_msg("'%s' was taken", bad[i]);
}

static void
a_list_has_words_and_no_parts_of_them(void **state)
{
	(void)state;
	assert_true(options_listed("heap,wheel", "heap"));
	assert_true(options_listed("heap,wheel", "wheel"));
	assert_false(options_listed("heap,wheels", "wheel"));
	assert_false(options_listed("heap,wheel", "whe"));
	assert_false(options_listed(NULL, "heap"));
}

static void
the_help_is_in_columns(void **state)
{
	FILE *to = tmpfile();
	char out[1024];
	size_t n;

	(void)state;
	assert_non_null(to);
	options_help(rows, to);
	rewind(to);
	n = fread(out, 1, sizeof out - 1, to);
	out[n] = '\0';
	fclose(to);
	assert_string_equal(out,
	    "  -f, --flag      a flag\n"
	    "  --text TEXT     some text\n"
	    "                  of two lines\n"
	    "  --number N      from 10 up\n"
	    "  --take WHAT     any\n");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_option_gets_where_it_goes),
		cmocka_unit_test(what_is_not_understood_is_refused),
		cmocka_unit_test(a_list_has_words_and_no_parts_of_them),
		cmocka_unit_test(the_help_is_in_columns),
	};

	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
