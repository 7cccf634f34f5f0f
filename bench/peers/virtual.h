/* SPDX-License-Identifier: MIT
 *
 * virtual.h - the clock of peers that are event loops. Linked with it, a
 * library that asks libc for the time gets what virtual_set() left, and one
 * that waits for events gets none, at once: a turn of its loop costs what the
 * library does in it and no system call.
 */
#ifndef BENCH_PEERS_VIRTUAL_H
#define BENCH_PEERS_VIRTUAL_H

#include <stdint.h>

/* Seconds on every clock of libc at the instant 0: a machine that has run for
 * 11 days. To some libraries a time of 0 means none. */
#define VIRTUAL_BASE 1000000

/* From now on all of libc's clocks show the instant @now to this thread. */
void virtual_set(uint64_t now);

/* A library's version, of the numbers in its header. */
#define VIRTUAL_TEXT(x) #x
#define VIRTUAL_VALUE(x) VIRTUAL_TEXT(x)
#define VERSION_2(a, b) VIRTUAL_VALUE(a) "." VIRTUAL_VALUE(b)
#define VERSION_3(a, b, c) VERSION_2(a, b) "." VIRTUAL_VALUE(c)

#endif
