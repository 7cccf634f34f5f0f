/* SPDX-License-Identifier: MIT
 *
 * clock.c - see clock.h.
 */
#define _POSIX_C_SOURCE 200809L
#include "tools/common/clock.h"

#include <time.h>

static uint64_t
clock_read(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

uint64_t
clock_wall(void)
{
	return clock_read(CLOCK_MONOTONIC);
}

uint64_t
clock_cpu(void)
{
	return clock_read(CLOCK_THREAD_CPUTIME_ID);
}

uint64_t
clock_process(void)
{
	return clock_read(CLOCK_PROCESS_CPUTIME_ID);
}
