/* SPDX-License-Identifier: MIT
 *
 * head.h - what stands above the figures: machine, command, commit, load. In a
 * file of results the words of the command are notes, which results_read()
 * gives back.
 */
#ifndef BENCH_MICRO_HEAD_H
#define BENCH_MICRO_HEAD_H

#include "tools/common/results.h"

/* head_command - the words of @argv go into @r. */
void head_command(struct results *r, int argc, char **argv);

/* head_print - on stdout, what @r knows of it: a line each. */
void head_print(const struct results *r);

#endif
