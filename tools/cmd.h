/* SPDX-License-Identifier: MIT
 *
 * cmd.h - the commands of the rota program. A new one: a cmd_NAME.c, a line
 * here, a line in main.c's table.
 *
 * A command's argv[0] is its own name. It returns the program's exit status.
 */
#ifndef ROTA_TOOLS_CMD_H
#define ROTA_TOOLS_CMD_H

#include <stdio.h>

enum {
	CMD_OK = 0,
	CMD_FAILED = 1,       /* it ran and something was wrong */
	CMD_USAGE = 2,        /* it did not understand what it was asked for */
	CMD_INTERRUPTED = 130 /* ctrl-C, as a shell has it */
};

int cmd_bench(int argc, char **argv);
void cmd_bench_help(FILE *to);

#endif
