/* SPDX-License-Identifier: MIT
 *
 * relacy_pthread.h - pthread.h for C files that run under relacy.
 *
 * Included before anything else, by the compiler's command line, so that the
 * files of api/ are compiled unchanged. What is thread-local there goes where
 * relacy_engine.h can set it back: relacy's threads are one thread, and no
 * execution may depend on the one before.
 */
#ifndef ROTA_TESTS_MODEL_RELACY_PTHREAD_H
#define ROTA_TESTS_MODEL_RELACY_PTHREAD_H

#include <pthread.h>

/* rota/timer.h as functions, of the model's. */
#define ROTA_NO_INLINE

/* Where a call stands. */
#define MODEL_AT const char *func, const char *file, unsigned line

#ifdef __cplusplus
extern "C" {
#else
#define _Thread_local __attribute__((section("model_local")))
#define MODEL_HERE __func__, __FILE__, __LINE__
#define pthread_mutex_init(m, a) model_mutex_init((m), MODEL_HERE)
#define pthread_mutex_destroy(m) model_mutex_destroy((m), MODEL_HERE)
#define pthread_mutex_lock(m) model_mutex_lock((m), MODEL_HERE)
#define pthread_mutex_unlock(m) model_mutex_unlock((m), MODEL_HERE)
#define pthread_cond_init(c, a) model_cond_init((c), MODEL_HERE)
#define pthread_cond_destroy(c) model_cond_destroy((c), MODEL_HERE)
#define pthread_cond_wait(c, m) model_cond_wait((c), (m), MODEL_HERE)
#define pthread_cond_signal(c) model_cond_signal((c), MODEL_HERE)
#define pthread_cond_broadcast(c) model_cond_broadcast((c), MODEL_HERE)
/* The atomics of api/ are plain memory, but others may come between, if it is
 * not a figure. */
void model_access(void);
#define model_access_relaxed() ((void)0)
#define model_access_acquire() model_access()
#define model_access_acq_rel() model_access()
#include "core/sys/atomic.h"
#undef word_load
#undef word_add
#undef word_cas
#define word_load(p, order) (model_access_##order(), *(p))
#define word_add(p, v, order) \
	(model_access_##order(), __atomic_fetch_add((p), (v), __ATOMIC_RELAXED))
#define word_cas(p, old, new, order, fail) \
	(model_access_##order(),           \
	    __atomic_compare_exchange_n(   \
		(p), (old), (new), 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
#endif

void model_mutex_init(pthread_mutex_t *m, MODEL_AT);
void model_mutex_destroy(pthread_mutex_t *m, MODEL_AT);
void model_mutex_lock(pthread_mutex_t *m, MODEL_AT);
void model_mutex_unlock(pthread_mutex_t *m, MODEL_AT);
void model_cond_init(pthread_cond_t *c, MODEL_AT);
void model_cond_destroy(pthread_cond_t *c, MODEL_AT);
void model_cond_wait(pthread_cond_t *c, pthread_mutex_t *m, MODEL_AT);
void model_cond_signal(pthread_cond_t *c, MODEL_AT);
void model_cond_broadcast(pthread_cond_t *c, MODEL_AT);

#ifdef __cplusplus
}
#endif
#endif
