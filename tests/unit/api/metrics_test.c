/* SPDX-License-Identifier: MIT
 *
 * metrics_test.c - api/metrics.c: an engine's figures by name, and as text.
 * Claims: every figure has one name, and is found by it; the text has each
 * figure of each shard, and is as long as it says, room or not; names follow
 * the rules; a counter is never told lower than before.
 * Rows     G17
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rota/metrics.h>

#include "core/shard.h"
#include "tests/support/world.h"

static void
every_figure_has_a_name(void **state)
{
	struct rota_stats s;
	bool seen[sizeof(s) / sizeof(uint64_t)] = { 0 };
	const struct rota_metric *m;
	unsigned n = 0;

	(void)state;
	m = rota_metrics(&n);
	assert_int_equal(n, CM_COUNT(seen));
	assert_ptr_equal(rota_metrics(NULL), m);
	for (unsigned i = 0; i < CM_COUNT(seen); i++)
		((uint64_t *)&s)[i] = 1000 + i;
	for (unsigned i = 0; i < n; i++) {
		size_t at = m[i].offset / sizeof(uint64_t);
		const char *name = m[i].name;
		size_t len = strlen(name);

		assert_false(seen[at]);
		seen[at] = true;
		assert_ptr_equal(rota_metric_find(name), &m[i]);
		assert_true(rota_metric_read(&m[i], &s) ==
		    (double)(1000 + at) * m[i].unit);
		assert_int_equal(strncmp(name, "rota_", 5), 0);
		assert_int_equal(
		    strspn(name, "abcdefghijklmnopqrstuvwxyz_"), len);
		assert_int_equal(m[i].kind == ROTA_COUNTER,
		    strcmp(name + len - 6, "_total") == 0);
		assert_null(strpbrk(m[i].help, "\n\\"));
	}
	assert_null(rota_metric_find("rota_nothing"));
	assert_null(rota_metric_find(NULL));
}

static void
the_text_has_each_figure_of_each_shard(void **state)
{
	struct world *w = *state;
	struct rota_timer t;
	char *text, *part;
	long n;

	assert_int_equal(rota_timer_init(&t, &w->kind), 0);
	rota_timer_reset_at(&t, 3 * TICK);
	rota_timer_reset_at(&t, 5 * TICK);
	rota_timer_stop(&t);
	n = rota_metrics_text(w->engine, NULL, 0);
	assert_true(n > 0);
	text = malloc((size_t)n + 1);
	part = malloc((size_t)n + 1);
	memset(text, 'x', (size_t)n + 1);
	assert_int_equal(rota_metrics_text(w->engine, text, (size_t)n + 1), n);
	assert_int_equal(strlen(text), n);
	assert_non_null(strstr(text,
	    "# HELP rota_timer_starts_total Resets of a timer that was not "
	    "pending.\n# TYPE rota_timer_starts_total counter\n"
	    "rota_timer_starts_total{shard=\"0\"} 1\n"));
	assert_non_null(
	    strstr(text, "rota_timer_stops_total{shard=\"0\"} 1\n"));
	assert_non_null(strstr(text,
	    "# TYPE rota_timers_armed gauge\n"
	    "rota_timers_armed{shard=\"0\"} 0\n"));
	assert_non_null(strstr(text,
	    "rota_timer_lateness_seconds_total{shard=\"0\"} 0.000000000\n"));
	assert_int_equal(text[n - 1], '\n');
	/* cut short at any place it is the beginning */
	for (long size = 1; size <= n; size += 97) {
		memset(part, 'x', (size_t)n + 1);
		assert_int_equal(
		    rota_metrics_text(w->engine, part, (size_t)size), n);
		assert_int_equal(strlen(part), size - 1);
		assert_memory_equal(part, text, (size_t)size - 1);
		assert_int_equal(part[size], 'x');
	}
	free(part);
	free(text);
	assert_int_equal(rota_metrics_text(NULL, NULL, 0), -EINVAL);
	assert_int_equal(rota_metrics_text(w->engine, NULL, 5), -EINVAL);
	assert_int_equal(rota_timer_release(&t), 0);
}

struct reader {
	struct world *w;
	rota_word ending;
	unsigned back;   /* a counter was told lower than before */
	uint64_t pushes; /* the latest */
};

/* Each counter but late_max, which is a gauge. */
static void
read_figures(struct reader *r, struct rota_stats *before)
{
	const struct rota_metric *m;
	struct rota_stats s;
	unsigned n;

	m = rota_metrics(&n);
	assert_int_equal(rota_shard_stat(r->w->shard, &s), 0);
	for (unsigned i = 0; i < n; i++)
		r->back += m[i].kind == ROTA_COUNTER &&
		    rota_metric_read(&m[i], &s) <
			rota_metric_read(&m[i], before);
	*before = s;
	r->pushes = s.pushes;
}

static void *
read_on(void *arg)
{
	struct reader *r = arg;
	struct rota_stats before = { 0 };

	while (!word_load(&r->ending, acquire))
		read_figures(r, &before);
	read_figures(r, &before);
	return NULL;
}

static void
counters_never_go_back(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 8);
	struct reader r = { .w = w };
	uint64_t x = 88172645463325252u, pushes = 0;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, read_on, &r), 0);
	for (unsigned i = 0; i < 200000; i++) {
		struct rota_timer *t = &p[random_next(&x) % 8].timer;

		if (random_next(&x) % 2)
			rota_timer_stop(t);
		else
			pushes += rota_timer_reset_at(t, 1000 * TICK) == 1;
		if (i % 64 == 0)
			world_poll(w, TICK);
	}
	word_store(&r.ending, (uint64_t)1, release); /* read_on */
	pthread_join(thread, NULL);
	assert_int_equal(r.back, 0);
	assert_int_equal(r.pushes, pushes);
	assert_int_equal(world_stat(w).pushes, pushes);
}

struct once {
	struct reader r;
	struct rota_stats before;
};

static void
read_once(void *arg)
{
	struct once *o = arg;

	read_figures(&o->r, &o->before);
}

/* A start counts as such before it is ranked, and so does what is drained. A
 * white box: a reader may come in between. */
static void
nothing_is_a_push_before_its_time(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);
	struct once o = { .r = { .w = w } };

	for (unsigned i = 0; i < 5; i++)
		rota_timer_reset_at(&p->timer, (9 + (int)i) * TICK);
	elsewhere(read_once, &o);
	assert_int_equal(o.r.pushes, 4);
	w->shard->hot.starts++;
	elsewhere(read_once, &o);
	assert_int_equal(o.r.pushes, 4);
	w->shard->hot.seq++;
	elsewhere(read_once, &o);
	assert_int_equal(o.r.pushes, 4);
	w->shard->count.drained++;
	elsewhere(read_once, &o);
	assert_int_equal(o.r.pushes, 4);
	w->shard->hot.seq++;
	elsewhere(read_once, &o);
	assert_int_equal(o.r.pushes, 4);
	assert_int_equal(o.r.back, 0);
	rota_timer_reset_at(&p->timer, 99 * TICK);
	elsewhere(read_once, &o);
	assert_int_equal(o.r.pushes, 5);
	rota_timer_stop(&p->timer);
	w->shard->hot.starts--;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_figure_has_a_name),
		EVERY(the_text_has_each_figure_of_each_shard),
		EVERY_OWNED(counters_never_go_back),
		EVERY_OWNED(nothing_is_a_push_before_its_time),
	};

	return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
