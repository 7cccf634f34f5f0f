/* SPDX-License-Identifier: MIT
 *
 * process.h - what a peer's program asks of the machine, past whatever its
 * adapter has put in the place of libc's functions.
 */
#ifndef BENCH_WORK_PROCESS_H
#define BENCH_WORK_PROCESS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The machine's monotonic clock, ns. About 20 ns. */
uint64_t peer_clock(void);

/* Bytes of memory that this process occupies. */
uint64_t peer_memory(void);

/* @size bytes, zeroed, touched and from a cache line on. Or ends the
 * program. */
void *peer_array(size_t size);

/* The program ends: @what went wrong, on stdout. */
__attribute__((noreturn)) void peer_die(const char *what);

#ifdef __cplusplus
}
#endif
#endif
