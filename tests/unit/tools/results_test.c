/* SPDX-License-Identifier: MIT
 *
 * results_test.c - tools/common/results.c.
 * Claims: what was written is read again, every value; files of the two older
 * forms are read, in the order of registration and in ns, failed runs as notes;
 * what is none is -EINVAL, and a directory is not written.
 *
 * usage: results_test folder-of-raw-files
 */
#define _GNU_SOURCE
#include "tools/common/results.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/cm.h"

static const char *folder;
static struct results r;
static char path[] = "/tmp/results_test-XXXXXX";

static int
setup(void **state)
{
	(void)state;
	if (!results_possible())
		skip();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	results_release(&r);
	return 0;
}

static void
put(const char *content)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(content, f);
	assert_int_equal(fclose(f), 0);
}

static void
what_was_written_is_read(void **state)
{
	char *argv[] = { path, path, NULL };
	struct series s = { .n = 2, .v = { 1.5, 2500000 } };

	(void)state;
	r.machine.cores = 3;
	snprintf(r.machine.commit, sizeof r.machine.commit, "0a1b2c-dirty");
	results_option(&r, "repetitions", 2);
	results_add(&r, "wheel", "arm", "shared", 1000,
	    results_metric(&r, "ns", "ns", -1), &s);
	results_add(&r, "heap", "", "", 0,
	    results_metric(&r, "ops_per_s", "1/s", 1), &s);
	results_note(&r, "wheel", "version", "1.2");
	assert_int_equal(results_write(&r, path, 2, argv), 0);
	results_release(&r);
	assert_int_equal(results_read(&r, path), 0);
	assert_int_equal(r.machine.cores, 3);
	assert_string_equal(r.machine.commit, "0a1b2c-dirty");
	assert_true(results_asked(&r, "repetitions") == 2);
	assert_int_equal(r.len, 2);
	assert_string_equal(r.result[0].subject, "wheel");
	assert_string_equal(r.result[0].what, "arm");
	assert_string_equal(r.result[0].how, "shared");
	assert_int_equal(r.result[0].n, 1000);
	assert_int_equal(r.result[0].values.n, 2);
	assert_true(r.result[0].values.v[1] == 2500000);
	assert_string_equal(r.metric[r.result[1].metric].name, "ops_per_s");
	assert_string_equal(r.metric[r.result[1].metric].unit, "1/s");
	assert_int_equal(r.metric[r.result[1].metric].better, 1);
	assert_int_equal(r.metric[r.result[0].metric].better, -1);
	assert_string_equal(r.note[0].text, "1.2");
}

static void
google_benchmarks_are_read(void **state)
{
	(void)state;
	put("{\"benchmarks\": ["
	    "{\"name\": \"arm/heap/shared/1000/x\", \"run_type\": "
	    "\"iteration\", \"family_index\": 1, \"real_time\": 2, "
	    "\"time_unit\": \"us\"},"
	    "{\"name\": \"arm/heap/shared/1000/x_mean\", \"run_type\": "
	    "\"aggregate\", \"real_time\": 9},"
	    "{\"name\": \"fire/heap/shared/10\", \"error_occurred\": true, "
	    "\"error_message\": \"planned\"},"
	    "{\"name\": \"touch/limit/confined/1000\", \"family_index\": 0, "
	    "\"real_time\": 7, \"time_unit\": \"ns\"}]}");
	assert_int_equal(results_read(&r, path), 0);
	assert_int_equal(r.len, 2);
	assert_string_equal(r.result[0].what, "touch");
	assert_string_equal(r.result[1].subject, "heap");
	assert_true(r.result[1].values.v[0] == 2000);
	assert_int_equal(r.notes, 1);
	assert_string_equal(r.note[0].text, "planned");
}

static void
the_raw_files_of_old_are_read(void **state)
{
	static const char *const names[] = { "2026-11-23-peers.json",
		"2026-11-23-conformance.json", "2026-11-23-peers-small.json",
		"2026-11-23-peers-large.json", "2026-11-23-micro.json" };

	(void)state;
	for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
		char file[4096];

		snprintf(file, sizeof file, "%s/%s", folder, names[i]);
		if (results_read(&r, file) != 0 || r.len < 90)
			fail_msg("%s", file);
		results_release(&r);
	}
}

static void
what_is_none_is_refused(void **state)
{
	char *argv[] = { path, NULL };

	(void)state;
	put("{\"colour\": \"red\"}");
	assert_int_equal(results_read(&r, path), -EINVAL);
	put("no json");
	assert_int_equal(results_read(&r, path), -EINVAL);
	assert_int_equal(results_read(&r, "/no/such"), -ENOENT);
	assert_true(results_write(&r, "/", 1, argv) < 0);
}

int
main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    what_was_written_is_read, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    google_benchmarks_are_read, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    the_raw_files_of_old_are_read, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    what_is_none_is_refused, setup, teardown),
	};
	int failed;

	if (argc != 2 || mkstemp(path) < 0)
		return 2;
	folder = argv[1];
	failed = cmocka_run_group_tests_name("results", tests, NULL, NULL);
	unlink(path);
	return failed;
}
