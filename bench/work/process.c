/* SPDX-License-Identifier: MIT
 *
 * process.c - the real clock and the memory of the process, for programs in
 * which clock_gettime() may be virtual.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench/work/process.h"

typedef int gettime_fn(clockid_t id, struct timespec *ts);

static gettime_fn *
real_gettime(void)
{
	void *found = dlsym(RTLD_NEXT, "clock_gettime"); /* libc's */
	gettime_fn *fn;

	memcpy(&fn, &found, sizeof(fn)); /* ISO C has no such cast */
	if (!fn)
		peer_die("no clock_gettime");
	return fn;
}

uint64_t
peer_clock(void)
{
	static gettime_fn *gettime;
	struct timespec ts;

	if (!gettime)
		gettime = real_gettime();
	gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

uint64_t
peer_memory(void)
{
	unsigned long pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (!f || fscanf(f, "%*u %lu", &pages) != 1)
		pages = 0;
	if (f)
		fclose(f);
	return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

void *
peer_array(size_t size)
{
	void *array = aligned_alloc(64, (size + 63) / 64 * 64);

	if (!array)
		peer_die("no memory for so many timers");
	memset(array, 0, size);
	return array;
}

void
peer_die(const char *what)
{
	printf("peer: %s\n", what); /* where the caller looks for an answer */
	fflush(stdout);
	exit(2);
}
