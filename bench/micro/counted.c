/* SPDX-License-Identifier: MIT
 *
 * counted.c - what callgrind.sh has counted, as a table and as a file of
 * results.
 *
 * usage: micro_counted FILE N COMMAND... <LINES
 *
 * A line has the operation, the engine, the mode and the instructions for one
 * operation; an operation's lines stand together, and all have the same engines
 * and modes in the same order. FILE is written as tools/common/results.h says;
 * "": none is. COMMAND has made the lines.
 *
 * Exit status: 0; 1 the file cannot be written; 2 not understood.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/micro/head.h"
#include "tools/common/options.h"
#include "tools/common/table.h"

static struct results results;

/* How many of the results are of the first operation. */
static unsigned
columns(void)
{
	unsigned i = 0;

	while (i < results.len &&
	    strcmp(results.result[i].what, results.result->what) == 0)
		i++;
	return i;
}

static void
print(void)
{
	static struct table t;
	const unsigned each = columns();

	table_init(&t, 1 + each);
	table_row(&t, "");
	for (unsigned i = 0; i < each; i++)
		table_cell(&t, 1 + i, "%s %s", results.result[i].subject,
		    results.result[i].how);
	for (unsigned i = 0; i < results.len; i++) {
		const struct result *x = &results.result[i];

		if (i % each == 0)
			table_row(&t, x->what);
		table_cell(&t, 1 + i % each, "%.1f", x->values.v[0]);
	}
	head_print(&results);
	printf("instructions per operation, N = %u\n\n", results.result->n);
	table_print(&t, stdout, false);
}

int
main(int argc, char **argv)
{
	const unsigned metric = results_metric(
	    &results, "instructions", "instructions/op", -1);
	struct series s = { .n = 1 };
	char what[32], subject[32], how[16];
	uint64_t n;
	int got, err = 0;

	if (argc < 4 ||
	    !options_number("N", argv[2], 1, UINT32_MAX, &n, NULL)) {
		fputs(
		    "usage: micro_counted FILE N COMMAND... <LINES\n", stderr);
		return 2;
	}
	snprintf(results.program, sizeof(results.program), "callgrind.sh");
	machine_stat(&results.machine);
	head_command(&results, argc - 3, argv + 3);
	while (
	    (got = scanf("%31s %31s %15s %lf", what, subject, how, s.v)) == 4)
		results_add(
		    &results, subject, what, how, (uint32_t)n, metric, &s);
	if (got != EOF || results.len == 0) {
		fputs("micro_counted: not the lines of a count\n", stderr);
		return 2;
	}
	print();
	if (*argv[1])
		err = results_write(&results, argv[1], argc - 3, argv + 3);
	if (err)
		fprintf(
		    stderr, "micro_counted: %s: %s\n", argv[1], strerror(-err));
	results_release(&results);
	return err != 0;
}
