/* SPDX-License-Identifier: MIT
 *
 * gate.c - tests/gate/gate.h.
 *
 * A thread and the test hand a turn to and fro, by relaxed accesses and a
 * futex, which sanitizers do not know: see there.
 */
#define _GNU_SOURCE /* syscall */
#include "tests/gate/gate.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifndef GATE_SECONDS
#define GATE_SECONDS 20 /* on a loaded machine; a thread needs microseconds */
#endif

enum turn { TEST, THREAD, OVER };

struct gated {
	uint32_t turn;
	pthread_t thread;
	void (*fn)(void *arg);
	void *arg;
	/* Where it is to stand. */
	const volatile void *word;
	unsigned kinds, left;
	/* Where it came last. */
	const char *file;
	int line;
	struct gated *next; /* of all that are open */
};

static struct gated *all;
static _Thread_local struct gated *self;
static _Thread_local const volatile void *refused;

#define GET(p) __atomic_load_n((p), __ATOMIC_RELAXED)
#define SET(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)

static void
stuck(void)
{
	fprintf(stderr, "gate: a thread has not come to its gate\n");
	for (struct gated *g = all; g; g = g->next)
		fprintf(stderr, "gate: one %s %s:%d\n",
		    GET(&g->turn) == THREAD ? "goes behind" : "stands before",
		    GET(&g->file) ? GET(&g->file) : "its function",
		    GET(&g->line));
	abort();
}

/* Wait until it is no longer the turn of @who. */
static void
wait_while(struct gated *g, enum turn who)
{
	struct timespec limit = { GATE_SECONDS, 0 };

	while (GET(&g->turn) == who)
		if (syscall(SYS_futex, &g->turn, FUTEX_WAIT_PRIVATE, who,
			who == THREAD ? &limit : NULL, NULL, 0) < 0 &&
		    errno == ETIMEDOUT && GET(&g->turn) == who)
			stuck();
}

static void
hand(struct gated *g, enum turn to)
{
	SET(&g->turn, (uint32_t)to);
	syscall(SYS_futex, &g->turn, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

bool
rota__gate(enum atomic_kind kind, const volatile void *word, const char *file,
    int line)
{
	struct gated *g = self;
	int saved = errno;

	if (rota_unlikely(refused != NULL) && kind == ATOMIC_CAS &&
	    word == refused) {
		refused = NULL;
		return true;
	}
	/* Whoever looks at a timer's life there holds the lock of the table. */
	if (!g || strstr(file, "core/object"))
		return false;
	SET(&g->file, file);
	SET(&g->line, line);
	if (GET(&g->word) != word || !(GET(&g->kinds) & (unsigned)kind))
		return false;
	SET(&g->left, GET(&g->left) - 1);
	if (GET(&g->left))
		return false;
	hand(g, TEST);
	wait_while(g, TEST);
	errno = saved;
	return false;
}

static void *
run(void *arg)
{
	struct gated *g = arg;

	wait_while(g, TEST);
	self = g;
	g->fn(g->arg);
	self = NULL;
	hand(g, OVER);
	return NULL;
}

struct gated *
gate_open(void (*fn)(void *arg), void *arg)
{
	struct gated *g = calloc(1, sizeof(*g));

	g->fn = fn;
	g->arg = arg;
	g->next = all;
	all = g;
	if (pthread_create(&g->thread, NULL, run, g)) {
		fprintf(stderr, "gate: no thread\n");
		abort();
	}
	return g;
}

bool
gate_to(
    struct gated *g, const volatile void *word, unsigned kinds, unsigned nth)
{
	if (GET(&g->turn) == OVER)
		return false;
	SET(&g->word, word);
	SET(&g->kinds, kinds);
	SET(&g->left, nth);
	hand(g, THREAD);
	wait_while(g, THREAD);
	return GET(&g->turn) == TEST;
}

void
gate_end(struct gated *g)
{
	struct gated **p = &all;

	(void)gate_to(g, NULL, 0, 0);
	pthread_join(g->thread, NULL);
	while (*p != g)
		p = &(*p)->next;
	*p = g->next;
	free(g);
}

void
gate_refuse(const volatile void *word)
{
	refused = word;
}
