/* SPDX-License-Identifier: MIT
 *
 * metrics_test.c - api/metrics.c: an engine's figures by name, and as text.
 * Claims: every figure has one name, and is found by it; the text has each
 * figure of each shard, and is as long as it says, room or not; names follow
 * the rules.
 * Rows     G17
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rota/metrics.h>

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_figure_has_a_name),
		EVERY(the_text_has_each_figure_of_each_shard),
	};

	return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
