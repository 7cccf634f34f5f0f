/* SPDX-License-Identifier: MIT
 *
 * head.c - see head.h.
 */
#include "bench/micro/head.h"

#include <stdio.h>
#include <string.h>

#define WORD "word"

void
head_command(struct results *r, int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		results_note(r, "command", WORD, argv[i]);
}

void
head_print(const struct results *r)
{
	const struct machine *m = &r->machine;
	const char *before = "command: ";

	if (*m->cpu)
		printf("machine: %s, %u processors, %s, clock %s\n", m->cpu,
		    m->cores, m->kernel, m->clocksource);
	for (unsigned i = 0; i < r->notes; i++) {
		if (strcmp(r->note[i].key, WORD) != 0)
			continue;
		printf("%s%s", before, r->note[i].text);
		before = " ";
	}
	if (*before == ' ')
		putchar('\n');
	if (*m->commit)
		printf("commit: %s\n", m->commit);
	if (*m->cpu)
		printf("load before: %.2f\n", m->load);
	putchar('\n');
}
