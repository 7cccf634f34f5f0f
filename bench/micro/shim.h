/* SPDX-License-Identifier: MIT
 *
 * shim.h - google-benchmark for C.
 *
 * A benchmark is a C function that loops over batches:
 *
 *	static void spin(struct bench *b, const void *arg)
 *	{
 *		BENCH_LOOP(b, 1000) {
 *			uint64_t start = peer_clock();
 *			... a thousand operations ...
 *			bench_time(b, peer_clock() - start);
 *		}
 *	}
 *	bench_register("spin", spin, NULL, 1000000);
 *
 * Batches only: a turn of google-benchmark's loop through this shim costs
 * 1.4 ns, as much as some operations here; in batches of 64 that is 0.27 ns
 * for each operation, in batches of 1000 nothing. So there is no loop of
 * single steps.
 *
 * How many operations a run makes is fixed by the registration and not
 * searched for: every backend and repetition does the same work from the
 * same start.
 */
#ifndef BENCH_MICRO_SHIM_H
#define BENCH_MICRO_SHIM_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct bench; /* one run of one benchmark */

typedef void bench_fn(struct bench *b, void *arg);

/* bench_register - benchmark @name: @fn with @arg makes @ops operations.
 * @name is copied, @arg is not. */
void bench_register(const char *name, bench_fn *fn, void *arg, uint64_t ops);

/* bench_batch - shall the run do @n operations more? Until it says no. */
bool bench_batch(struct bench *b, uint64_t n);
#define BENCH_LOOP(b, n) while (bench_batch((b), (n)))

/* bench_time - @ns more were spent on what is measured. */
void bench_time(struct bench *b, uint64_t ns);

/* bench_counter - a figure to stand beside the time. */
void bench_counter(struct bench *b, const char *name, double value);

/* bench_fail - the run did not do its work; after the loop. @why stays good
 * until the run ends. The program's exit status will be 1. */
void bench_fail(struct bench *b, const char *why);

/* What the run has come to by now. */
extern struct bench_run {
	uint64_t ops, ns;
	const char *failed; /* why; or NULL */
} bench_run;

/* bench_failures - how many runs called bench_fail(). */
unsigned bench_failures(void);
/* bench_runs - how many runs there were. */
unsigned bench_runs(void);

/* bench_init - take google-benchmark's options out of the arguments. */
void bench_init(int *argc, char **argv);
/* bench_main - run what was registered. 0; 1 if a run failed or there was
 * none. */
int bench_main(void);

/* bench_keep - make the compiler believe that @value is used. */
static inline void
bench_keep(uint64_t value)
{
	__asm__ volatile("" : : "r"(value) : "memory");
}

#ifdef __cplusplus
}
#endif
#endif
