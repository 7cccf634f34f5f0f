/* SPDX-License-Identifier: MIT
 *
 * relacy_words.h - core/sys/atomic.h for relacy, in C.
 *
 * ROTA_RELACY names this header, so the files of core/ are compiled unchanged,
 * as C. Each access to a word is a call to relacy_words.cpp, which lets relacy
 * choose the thread that runs next, and what the access sees. Each access to
 * plain memory is a call as well: the files are compiled with
 * -fsanitize=thread, and relacy_words.cpp has the functions that this calls.
 */
#ifndef ROTA_TESTS_MODEL_RELACY_WORDS_H
#define ROTA_TESTS_MODEL_RELACY_WORDS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The numbers are those of rl::memory_order. */
enum {
	MODEL_relaxed = 0,
	MODEL_acquire = 2,
	MODEL_release = 3,
	MODEL_acq_rel = 4,
	MODEL_seq_cst = 5
};
enum model_rmw { MODEL_SWAP, MODEL_ADD, MODEL_AND };

/* Where a call stands. */
#define MODEL_AT const char *func, const char *file, unsigned line
#define MODEL_HERE __func__, __FILE__, __LINE__

uint64_t model_load(const volatile void *p, size_t size, int order, MODEL_AT);
void model_store(
    volatile void *p, size_t size, uint64_t v, int order, MODEL_AT);
uint64_t model_rmw(
    volatile void *p, enum model_rmw how, uint64_t v, int order, MODEL_AT);
bool model_cas(
    volatile void *p, void *old, uint64_t next, int order, int fail, MODEL_AT);
int model_lock(void *m, MODEL_AT);
int model_trylock(void *m, MODEL_AT);
int model_unlock(void *m, MODEL_AT);
int model_nap(const struct timespec *span, struct timespec *left);

#ifdef __cplusplus
}
#else

#include "core/sys/compiler.h"

typedef uint64_t rota_word;
typedef void *rota_link;
typedef void *rota_slot;

#define atomic_gate(kind, p) ((void)0)
#define word_load(p, order)            \
	((__typeof__(*(p)))model_load( \
	    (p), sizeof(*(p)), MODEL_##order, MODEL_HERE))
#define word_store(p, v, order) \
	model_store((p), sizeof(*(p)), (uint64_t)(v), MODEL_##order, MODEL_HERE)
#define word_swap(p, v, order)        \
	((__typeof__(*(p)))model_rmw( \
	    (p), MODEL_SWAP, (uint64_t)(v), MODEL_##order, MODEL_HERE))
#define word_add(p, v, order)         \
	((__typeof__(*(p)))model_rmw( \
	    (p), MODEL_ADD, (uint64_t)(v), MODEL_##order, MODEL_HERE))
#define word_and(p, v, order)         \
	((__typeof__(*(p)))model_rmw( \
	    (p), MODEL_AND, (uint64_t)(v), MODEL_##order, MODEL_HERE))
#define word_cas(p, old, next, order, fail)                                  \
	model_cas((p), (old), (uint64_t)(next), MODEL_##order, MODEL_##fail, \
	    MODEL_HERE)
#define count_add(p, v) word_store((p), word_load((p), relaxed) + (v), relaxed)

#define pthread_mutex_lock(m) model_lock((m), MODEL_HERE)
#define pthread_mutex_trylock(m) model_trylock((m), MODEL_HERE)
#define pthread_mutex_unlock(m) model_unlock((m), MODEL_HERE)
#define nanosleep model_nap

#endif
#endif
