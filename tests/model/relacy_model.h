/* SPDX-License-Identifier: MIT
 *
 * relacy_model.h - what relacy_words.cpp and relacy_world.c are to each other.
 *
 * All that the threads of an execution share is in the arena. A scenario is
 * set up once, with nothing of relacy's; each execution begins with a copy of
 * the arena as it was then.
 *
 * A word of the arena is watched, or not. To a watched word relacy comes with
 * every access. A word that no two threads access, one of them to write, needs
 * no watching, and costs nothing then. relacy_words.cpp finds out: if an
 * execution comes to such a pair of accesses the word is watched from there on,
 * and the search of the scenario begins again. Figures are words that nothing
 * depends on. They are never watched.
 */
#ifndef ROTA_TESTS_MODEL_RELACY_MODEL_H
#define ROTA_TESTS_MODEL_RELACY_MODEL_H

#include "tests/model/relacy_words.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { THREADS = 3 };

/* Memory of the arena, zero; never freed. */
void *model_alloc(size_t size, size_t align);
void model_forget(void); /* all of it, and what was said of it */
void model_keep(void);   /* the arena is set up */
void model_figure(const void *p, size_t size);
void model_watch(const void *p); /* from the start: it is a word for sure */
/* world_loaded(), world_changed() hear of this word, as number @n. */
void model_tell(const void *p, unsigned n);

enum model_search { MODEL_FULL, MODEL_BOUND, MODEL_RANDOM };
/* Search the scenario, with @threads of them. Returns how many executions it
 * took. A failure is printed, and then the program ends with 1. */
unsigned long long model_search(const char *name, unsigned threads,
    enum model_search how, unsigned bound, unsigned long long executions);
extern bool model_weak; /* a compare-and-swap may fail for no reason */

/* In an execution. */
unsigned model_thread(void);
unsigned model_rand(unsigned n);
/* A read, or write, of plain memory in the arena. */
void model_read(const void *p);
void model_write(const void *p);
void model_abandon(void); /* what comes is of no interest */
void model_fail(const char *what, MODEL_AT);
#define model_assert(x) ((x) ? (void)0 : model_fail(#x, MODEL_HERE))

/* relacy_world.c */
void world_begin(unsigned threads);
void world_run(unsigned thread);
void world_end(void);
/* relacy's threads are one thread: set aside what is thread-local, and bring in
 * that of @to. */
void world_switch(unsigned from, unsigned to);
void world_loaded(unsigned n, uint64_t v, bool latest);
void world_changed(unsigned n, uint64_t from, uint64_t to);
/* What is at @p, for people. */
const char *world_where(const void *p);

#ifdef __cplusplus
}
#endif
#endif
