/* SPDX-License-Identifier: MIT
 *
 * rota_test.c - the program rota from the outside.
 * Claims: what it does not understand ends with 2 and a word on stderr, what
 * fails with 1; a bench ends in its time, answers first and then shows each row
 * for each backend; --quick and --same do what they say; what goes to a file has no control characters; a part
 * that cannot run is named; ctrl-C shows what was measured by then.
 */
#define _GNU_SOURCE
#include "tools/common/proc.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/cm.h"

static const char *rota; /* path of the program */
static char out[64 * 1024];

/* Run it with options up to a NULL; its stdout is in out[]. Returns its exit
 * status. */
static int
run_after(void (*child)(void), va_list ap)
{
	const char *argv[16] = { rota };
	unsigned n = 1;
	struct proc p;

	do {
		assert_true(n < sizeof argv / sizeof *argv);
		argv[n] = va_arg(ap, const char *);
	} while (argv[n++]);
	assert_int_equal(proc_create(&p, argv, false, child), 0);
	assert_true(proc_read(&p, out, sizeof out, true, 50000) >= 0);
	return proc_destroy(&p, 5000);
}

static int
run(void (*child)(void), ...)
{
	va_list ap;
	int status;

	va_start(ap, child);
	status = run_after(child, ap);
	va_end(ap);
	return status;
}

/* What it says on stderr is its answer. */
static void
stderr_to_stdout(void)
{
	dup2(STDOUT_FILENO, STDERR_FILENO);
}

static void
stdout_is_full(void)
{
	int fd = open("/dev/full", O_WRONLY);

	if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0)
		_exit(99);
}

static void
expect(const char *what)
{
	if (!strstr(out, what))
		fail_msg("no '%s' in:\n%s", what, out);
}

static void
expect_not(const char *what)
{
	if (strstr(out, what))
		fail_msg("'%s' in:\n%s", what, out);
}

static void
what_is_not_understood_ends_with_2(void **state)
{
	/* clang-format off */
	static const char *const bad[][3] = {
		{ "frobnicate", NULL, "no command 'frobnicate'" },
		{ "help", "frobnicate", "no command 'frobnicate'" },
		{ "version", "please", "no argument" },
		{ "bench", "--frobnicate", "frobnicate" },
		{ "bench", "please", "what is 'please'?" },
		{ "bench", "--seconds=0", "--seconds wants a number" },
		{ "bench", "--seconds=ten", "--seconds wants a number" },
		{ "bench", "--timers=-5", "--timers wants a number" },
		{ "bench", "--timers=5", "--timers wants a number" },
		{ "bench", "--seed=", "--seed wants a number" },
		{ "bench", "--seed", "requires an argument" },
		{ "bench", "--backend=list", "heap,wheel,coarse" },
		{ "bench", "--backend=heap,", "heap,wheel,coarse" },
	};
	/* clang-format on */

	(void)state;
	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_int_equal(
		    run(stderr_to_stdout, bad[i][0], bad[i][1], NULL), 2);
		expect(bad[i][2]);
	}
	assert_int_equal(run(stderr_to_stdout, NULL), 2);
	expect("usage: rota");
}

static void
help_and_version_end_with_0(void **state)
{
	(void)state;
	assert_int_equal(run(NULL, "help", NULL), 0);
	expect("bench");
	expect("version");
	assert_int_equal(run(NULL, "--help", NULL), 0);
	expect("bench");
	assert_int_equal(run(NULL, "help", "bench", NULL), 0);
	expect("--timers");
	assert_int_equal(run(NULL, "bench", "--help", NULL), 0);
	expect("--timers");
	assert_int_equal(run(NULL, "version", NULL), 0);
	expect("rota ");
}

static void
a_full_disk_is_a_failure(void **state)
{
	(void)state;
	assert_int_equal(run(stdout_is_full, "help", NULL), 1);
}

/* Each cell of the row that @label begins is there and is no dash. */
static void
expect_cells(const char *label, int cells)
{
	const char *line = strstr(out, label);
	char row[512];
	int n = 0;

	if (!line)
		fail_msg("no row '%s' in:\n%s", label, out);
	snprintf(row, sizeof row, "%.*s",
	    (int)strcspn(line + strlen(label), "\n"), line + strlen(label));
	/* a cell is a number, perhaps a unit, perhaps a spread in % */
	for (char *s = strtok(row, " "); s; s = strtok(NULL, " "))
		n += *s >= '0' && *s <= '9' && !strchr(s, '%');
	if (n != cells)
		fail_msg(
		    "%d cells in row '%s', not %d:\n%s", n, label, cells, out);
}

static void
a_bench_answers_first_then_shows_every_row(void **state)
{
	static const char *const rows[] = { "\n1,000 ", "\n4,000 ",
		"\n  uniform", "\n  bimodal", "\nstart  p50", "\npush   p50",
		"\nstop   p50", "\nchurn  p50", "\na stop", "\none of a herd",
		"\nbytes/timer", "\nlate   p50", "\nwakeups/needed" };
	struct timespec begin, end;

	(void)state;
	clock_gettime(CLOCK_MONOTONIC, &begin);
	assert_int_equal(run(NULL, "bench", "--seconds", "12", "--timers",
			     "4000", "--no-server", NULL),
	    0);
	clock_gettime(CLOCK_MONOTONIC, &end);
	assert_true(end.tv_sec - begin.tv_sec < 40);
	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++)
		expect_cells(rows[i], 3);
	expect("IN SHORT, 4,000 timers, ");
	assert_true(strstr(out, "processor time") < strstr(out, "One call"));
	expect("The wheel's processor time in parts of the heap's");
	expect("starts = fires + stops + live, none early: holds in all");
	expect_not("Server");
	expect_not("\033");
	expect_not("\r");
}

static void
quick_leaves_out_what_takes_long(void **state)
{
	(void)state;
	assert_int_equal(run(NULL, "bench", "--quick", "--seconds", "3",
			     "--timers", "1500", NULL),
	    0);
	expect_cells("\n1,500 ", 3);
	expect_cells("\none of a herd", 3);
	expect_not("uniform");
	expect_not("sleeps");
	expect_not("Server");
}

/* The control is the heap, too: it is not told from what has its name. */
static void
one_engine_under_all_names_differs_in_nothing_by_much(void **state)
{
	(void)state;
	assert_int_equal(run(NULL, "bench", "--quick", "--seconds", "3",
			     "--timers", "1000", "--same", "coarse", NULL),
	    0);
	expect("IN SHORT");
	assert_int_equal(
	    run(stderr_to_stdout, "bench", "--same", "list", NULL), 2);
	expect("--same wants heap, wheel or coarse");
}

static void
explain_says_what_each_line_measures(void **state)
{
	(void)state;
	assert_int_equal(run(NULL, "bench", "--explain", NULL), 0);
	expect("late, asleep");
	expect("memory");
	expect("closed loop");
	expect_not("IN SHORT");
}

static void
one_backend_alone_is_compared_with_nothing(void **state)
{
	(void)state;
	assert_int_equal(
	    run(NULL, "bench", "--seconds", "4", "--timers", "1000", "--quick",
		"--confined", "--backend", "heap", NULL),
	    0);
	expect_cells("\n1,000 ", 1);
	expect_not("coarse");
	expect_not("parts of the heap's");
	expect("One engine: it is compared with nothing.");
	expect("heap measured twice, as a control");
}

/* A bench of the heap, with a SIGINT after its first line and @ms. */
static void
interrupt_after(int ms, const char *const *argv)
{
	struct timespec nap = { ms / 1000, ms % 1000 * 1000000L };
	struct timespec begin, end;
	struct proc p;
	pid_t pid;

	assert_int_equal(proc_create(&p, argv, false, NULL), 0);
	assert_true(proc_read(&p, out, sizeof out, false, 5000) > 0);
	nanosleep(&nap, NULL);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	pid = p.pid;
	/* Twice, as timeout(1) does: to the process and to its group. */
	assert_int_equal(kill(pid, SIGINT), 0);
	nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL);
	kill(pid, SIGINT);
	assert_true(proc_read(&p, out, sizeof out, true, 20000) >= 0);
	assert_int_equal(proc_destroy(&p, 5000), 130);
	clock_gettime(CLOCK_MONOTONIC, &end);
	assert_true(end.tv_sec - begin.tv_sec < 15);
}

static void
ctrl_c_shows_what_was_measured_by_then(void **state)
{
	const char *churn[] = { rota, "bench", "--seconds", "12", "--timers",
		"1000", "--no-server", "--backend", "heap", NULL };
	const char *server[] = { rota, "bench", "--seconds", "12", "--timers",
		"1000", "--backend", "heap", NULL };

	(void)state;
	interrupt_after(6000, churn);
	expect("Interrupted");
	expect_cells("\n1,000 ", 1);
	expect("none early: holds in all");
	interrupt_after(0, churn);
	expect("Interrupted");
	expect("Nothing was measured");
	expect_not("IN SHORT");
	/* In the last rounds, or in the server's part: some four seconds are
	 * for that. */
	interrupt_after(8500, server);
	expect("Interrupted");
	expect_cells("\n1,000 ", 1);
}

static void
json_is_written_or_said_to_be_impossible(void **state)
{
	char path[] = "/tmp/rota_test-XXXXXX";
	int fd = mkstemp(path);
	struct stat st;
	int status;

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	status = run(stderr_to_stdout, "bench", "--seconds", "3", "--timers",
	    "1000", "--no-server", "--backend", "wheel", "--json", path, NULL);
	if (status == 2) {
		expect("built without jansson");
		expect("libjansson-dev");
	} else {
		assert_int_equal(status, 0);
		assert_int_equal(stat(path, &st), 0);
		assert_true(st.st_size > 1000);
		/* a directory cannot be written */
		assert_int_equal(run(NULL, "bench", "--seconds", "3",
				     "--timers", "1000", "--no-server",
				     "--backend", "wheel", "--json", "/", NULL),
		    1);
	}
	unlink(path);
}

static void
without_wrk_the_server_part_is_skipped_and_said_so(void **state)
{
	(void)state;
	assert_int_equal(
	    run(NULL, "bench", "--seconds", "3", "--timers", "1000",
		"--backend", "heap", "--wrk", "/no/wrk", NULL),
	    0);
	expect("No server part: there is no /no/wrk");
	expect_not("requests/s");
}

static void
the_server_part_closes_every_silent_peer(void **state)
{
	(void)state;
	assert_int_equal(run(NULL, "bench", "--seconds", "8", "--timers",
			     "1000", "--backend", "wheel", "--silent", "60",
			     "--connections", "256", NULL),
	    0);
	if (strstr(out, "No server part: there is no wrk"))
		skip();
	expect_cells("\nrequests/s", 1);
	expect_cells("\nanswer p99", 1);
	expect_cells("\nclose late p99", 1);
	expect("\nclosed in 0.1 s");
	expect("60 peers fell silent meanwhile.");
	expect("none early: holds in all");
}

int
main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_understood_ends_with_2),
		cmocka_unit_test(help_and_version_end_with_0),
		cmocka_unit_test(a_full_disk_is_a_failure),
		cmocka_unit_test(a_bench_answers_first_then_shows_every_row),
		cmocka_unit_test(quick_leaves_out_what_takes_long),
		cmocka_unit_test(
		    one_engine_under_all_names_differs_in_nothing_by_much),
		cmocka_unit_test(explain_says_what_each_line_measures),
		cmocka_unit_test(one_backend_alone_is_compared_with_nothing),
		cmocka_unit_test(ctrl_c_shows_what_was_measured_by_then),
		cmocka_unit_test(json_is_written_or_said_to_be_impossible),
		cmocka_unit_test(
		    without_wrk_the_server_part_is_skipped_and_said_so),
		cmocka_unit_test(the_server_part_closes_every_silent_peer),
	};

	if (argc != 2) {
		fputs("usage: rota_test path-of-rota\n", stderr);
		return 2;
	}
	rota = argv[1];
	return cmocka_run_group_tests_name("rota", tests, NULL, NULL);
}
