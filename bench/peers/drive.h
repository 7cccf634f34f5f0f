/* SPDX-License-Identifier: MIT
 *
 * drive.h - the program around an adapter. The last thing it includes.
 *
 *   peer_X about                 a line of JSON: name, version, variants
 *   peer_X check VARIANT ROW     "ok", or what is wrong
 *   peer_X run VARIANT WORK N EMBEDDED OPS BUDGET_MS
 *                                a line of JSON with what was measured
 *
 * One run a process: no peer meets what another run has left in its memory.
 * A check that hangs or crashes is the caller's to end, and a failure.
 */
#ifndef BENCH_PEERS_DRIVE_H
#define BENCH_PEERS_DRIVE_H

#include "bench/work/work.h"

#include "bench/peers/check.h"

static void
drive_about(void)
{
	printf("{\"name\": \"%s\", \"version\": \"%s\", \"variants\": \"%s\", "
	       "\"safe\": %s, \"limit\": %s, \"late\": %llu, \"most\": %u, "
	       "\"works\": \"",
	    peer_info.name, peer_info.version, peer_info.variants,
#ifdef PEER_SAFE
	    "true",
#else
	    "false",
#endif
	    peer_info.limit ? "true" : "false",
	    (unsigned long long)peer_info.late, peer_info.most);
	for (unsigned k = 0; k < WORKS; k++)
		printf("%s%s", k ? " " : "", works[k].name);
	printf("\", \"checks\": \"");
	for (unsigned k = 0; k < CHECKS; k++)
		printf("%s%s", k ? " " : "", checks[k].name);
	printf("\"}\n");
}

static int
drive_check(const char *variant, const char *row)
{
	for (unsigned k = 0; k < CHECKS; k++)
		if (strcmp(row, checks[k].name) == 0) {
			const char *wrong = check_run(k, variant);

			puts(wrong ? wrong : "ok");
			return wrong != NULL;
		}
	peer_die("no such row");
}

static int
drive_run(char **arg)
{
	work.variant = arg[0];
	work.name = arg[1];
	work.n = (uint32_t)strtoul(arg[2], NULL, 10);
	work.embedded = strtoul(arg[3], NULL, 10) != 0;
	work.most = strtoull(arg[4], NULL, 10);
	work.budget = strtoull(arg[5], NULL, 10) * PEER_MS;
	if (work.n < 2 || !work.most || !work.budget)
		peer_die("N, OPS or BUDGET_MS is not a number");
	for (unsigned k = 0; k < WORKS; k++) {
		if (strcmp(work.name, works[k].name) != 0)
			continue;
#ifdef PEER_SAFE
		work.halves = works[k].halves;
#endif
		work_open(&work);
		works[k].run(&work);
		if (!work.ops)
			peer_die("nothing was done in the time");
		printf("{\"ops\": %llu, \"ns\": %.4f, \"worst\": %llu, "
		       "\"worst_poll\": %llu, \"bytes\": %llu}\n",
		    (unsigned long long)work.ops,
		    (double)work.spent / (double)work.ops,
		    (unsigned long long)work.worst,
		    (unsigned long long)work.worst_poll,
		    (unsigned long long)work.bytes);
		fflush(stdout);
		_Exit(0); /* taking apart millions of timers is not measured */
	}
	peer_die("no such work");
}

int
main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "about") == 0) {
		drive_about();
		return 0;
	}
	if (argc == 4 && strcmp(argv[1], "check") == 0)
		return drive_check(argv[2], argv[3]);
	if (argc == 8 && strcmp(argv[1], "run") == 0)
		return drive_run(argv + 2);
	fprintf(stderr,
	    "usage: %s about\n"
	    "       %s check VARIANT ROW\n"
	    "       %s run VARIANT WORK N EMBEDDED OPS BUDGET_MS\n",
	    argv[0], argv[0], argv[0]);
	return 2;
}

#endif
