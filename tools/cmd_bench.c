/* SPDX-License-Identifier: MIT
 *
 * cmd_bench.c - rota bench: the engines side by side on this machine, with
 * nothing else in the way (churn.h) and in a server under load (server.h).
 *
 * Repetitions are interleaved and begin with another engine each time, so
 * that what the machine does besides falls on all alike. The budget of time
 * is shared out anew before each repetition; within one all engines get the
 * same.
 *
 * Ctrl-C gives up the run under way, and what the others have measured is
 * printed. Another one, two seconds later, ends the program as it is.
 */
#define _GNU_SOURCE
#include "tools/cmd.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sys/resource.h>

#include "tools/churn.h"
#include "tools/figures.h"
#include "tools/common/machine.h"
#include "tools/common/options.h"
#include "tools/common/progress.h"
#include "tools/common/results.h"
#include "tools/server.h"

enum {
	CHURN_REPS = 5,
	SERVER_REPS = 3,
	TIMERS_MIN = 1000,
	SECONDS_MIN = 3,
	SECONDS_MAX = 3600
};

#define CHURN_MIN (50 * ROTA_MILLISECOND)  /* of a run; arbitrary */
#define SERVER_COST (SERVER_SECONDS + 0.4) /* s a run; measured */

struct bench {
	bool used[BACKENDS];
	uint64_t seconds, timers, seed;
	unsigned connections, silent;
	bool confined, no_server, help;
	const char *json, *wrk, *httpd;

	struct machine machine;
	struct figures figures;
	char httpd_path[4096];
	unsigned backends, server_reps;
	unsigned churn_runs, server_runs; /* that are over */
	uint64_t wrk_errors;
	double begin, churn_cost; /* s; the costliest start and end yet */
	bool failed;
};

static struct bench bench = {
	.used = { true, true, true },
	.seconds = 60,
	.timers = 200000,
	.seed = 1,
	.connections = 256,
	.silent = 300,
	.wrk = "wrk",
};

static bool
take_backends(const char *s)
{
	unsigned known = 0, commas = 1;

	for (int i = 0; i < BACKENDS; i++) {
		bench.used[i] = options_listed(s, backend_info[i].name);
		known += bench.used[i];
	}
	for (const char *c = s; *c; c++)
		commas += *c == ',';
	return known == commas ||
	    options_wrong("--backend wants some of heap,wheel,coarse, each "
			  "once, not '%s'",
		s);
}

/* clang-format off */
static const struct option_row rows[] = {
	{ "seconds", "N", "about how long, 3 to 3600; default 60",
	    .number = &bench.seconds, .least = SECONDS_MIN, .most = SECONDS_MAX },
	{ "timers", "N", "of the first part, two for each connection;\n"
	    "default 200000",
	    .number = &bench.timers, .least = TIMERS_MIN, .most = 50000000 },
	{ "seed", "N", "of its random choices; default 1",
	    .number = &bench.seed, .most = UINT64_MAX / 2 },
	{ "confined", NULL, "timers that no other thread may touch",
	    .flag = &bench.confined },
	{ "backend", "LIST", "of heap,wheel,coarse; default all",
	    .take = take_backends },
	{ "no-server", NULL, "the first part only", .flag = &bench.no_server },
	{ "connections", "N", "of wrk; default 256",
	    .count = &bench.connections, .least = 1, .most = 100000 },
	{ "silent", "N", "peers that fall silent; default 300",
	    .count = &bench.silent, .most = 100000 },
	{ "wrk", "PATH", "default: wrk, in PATH", .text = &bench.wrk },
	{ "httpd", "PATH", "default: the one built with this program",
	    .text = &bench.httpd },
	{ "json", "FILE", "all values of all figures (needs jansson)",
	    .text = &bench.json },
	{ "help", NULL, "this", .flag = &bench.help, .letter = 'h' },
	{ .name = NULL },
};
/* clang-format on */

void
cmd_bench_help(FILE *to)
{
	fputs(
	    "usage: rota bench [option...]\n"
	    "\n"
	    "The heap, the wheel and the coarse wheel on the same work: first\n"
	    "the timers of a busy server's connections and nothing else, then\n"
	    "a server under wrk, with peers that fall silent.\n"
	    "\n",
	    to);
	options_help(rows, to);
	fprintf(to,
	    "\n"
	    "Start, push and stop are timed in batches of %d, a percentile is\n"
	    "one of batches; operations/s are those of a second of processor\n"
	    "time in rota, polls included. A figure is the median of the\n"
	    "repetitions; in brackets, how far the furthest is from it, in\n"
	    "percent of it or so many times (x) it. Ctrl-C ends the bench and\n"
	    "prints what was measured by then.\n",
	    CHURN_BATCH);
}

/*
 * Ctrl-C.
 */

static volatile sig_atomic_t interrupted;

/* Somebody who is tired of waiting is told from a signal that comes twice at
 * once, as from timeout(1), which sends it to the process and to its group. */
static void
on_interrupt(int sig)
{
	static struct timespec first;
	struct timespec now;
	int saved = errno;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (!interrupted) {
		first = now;
	} else if (now.tv_sec - first.tv_sec > 1) {
		signal(sig, SIG_DFL);
		raise(sig);
	}
	interrupted = 1;
	errno = saved;
}

static void
interrupt_init(void)
{
	struct sigaction act = { .sa_handler = on_interrupt,
		.sa_flags = SA_RESTART };

	sigemptyset(&act.sa_mask);
	sigaction(SIGINT, &act, NULL);
}

/* What runs asks this now and then. */
static bool
go_on(void)
{
	progress_tick();
	return !interrupted;
}

/*
 * Time.
 */

static double
seconds_left(const struct bench *b)
{
	return b->begin + (double)b->seconds - seconds_now();
}

/* How many repetitions of the server part there is time for, in half of it:
 * none, one, or as many as give a range. */
static unsigned
server_reps(const struct bench *b)
{
	double reps = (double)b->seconds * 0.6 / (SERVER_COST * b->backends);

	return reps >= SERVER_REPS ? SERVER_REPS : (unsigned)reps;
}

/*
 * Churn.
 */

static void
churn_insert(struct series *s, const struct churn_result *r)
{
	static const enum figure first[CHURN_OPS] = {
		[CHURN_START] = FIG_START_P50,
		[CHURN_PUSH] = FIG_PUSH_P50,
		[CHURN_STOP] = FIG_STOP_P50,
	};
	static const unsigned ppm[] = { 500000, 990000, 999000 };
	uint64_t ops = r->fired;

	for (int op = 0; op < CHURN_OPS; op++) {
		ops += r->done[op];
		for (int i = 0; i < 3; i++)
			series_insert(&s[first[op] + (enum figure)i],
			    (double)hist_at(&r->op_ps[op], ppm[i]) / 1e3);
	}
	series_insert(&s[FIG_OPS], (double)ops * 1e9 / (double)r->spent);
	series_insert(&s[FIG_STARTED], (double)r->done[CHURN_START]);
	series_insert(&s[FIG_PUSHED], (double)r->done[CHURN_PUSH]);
	series_insert(&s[FIG_STOPPED], (double)r->done[CHURN_STOP]);
	series_insert(&s[FIG_FIRED], (double)r->fired);
	series_insert(&s[FIG_LATE_P50], (double)hist_at(&r->late_ns, 500000));
	series_insert(&s[FIG_LATE_P99], (double)hist_at(&r->late_ns, 990000));
	series_insert(&s[FIG_LATE_MAX], (double)hist_at(&r->late_ns, 1000000));
	series_insert(&s[FIG_BYTES], r->bytes);
}

static bool
churn_one(struct bench *b, int i, rota_span length)
{
	static struct churn_result r;
	struct churn_config config = {
		.backend = backend_info[i].backend,
		.timers = b->timers,
		.seed = b->seed,
		.length = length,
		.confined = b->confined,
		.tick = go_on,
	};
	double begin = seconds_now(), cost;
	int err = churn_run(&config, &r);

	if (err == -EINTR)
		return false;
	if (err) {
		progress_end();
		fprintf(stderr, "rota bench: %s: %s\n", backend_info[i].name,
		    strerror(-err));
		return false;
	}
	cost = seconds_now() - begin - (double)length / 1e9;
	b->churn_cost = cost > b->churn_cost ? cost : b->churn_cost;
	b->churn_runs++;
	churn_insert(b->figures.series[i], &r);
	if (r.broken) {
		progress_end();
		fprintf(stderr, "rota bench: %s: %s\n", backend_info[i].name,
		    r.broken);
		b->failed = true;
	}
	return true;
}

static bool
churn_all(struct bench *b)
{
	double server = b->server_reps * b->backends * SERVER_COST;

	for (int rep = 0; rep < CHURN_REPS; rep++) {
		double slot = (seconds_left(b) - server) /
		    ((CHURN_REPS - rep) * b->backends);
		rota_span length = (rota_span)((slot - b->churn_cost) * 1e9);

		if (length < CHURN_MIN)
			length = CHURN_MIN;
		for (int turn = 0; turn < BACKENDS; turn++) {
			int i = (rep + turn) % BACKENDS;

			if (!b->used[i])
				continue;
			progress_step("churn %d of %d, %s", rep + 1, CHURN_REPS,
			    backend_info[i].name);
			if (!churn_one(b, i, length))
				return false;
		}
	}
	return true;
}

/*
 * Server.
 */

/* False, and why on stdout, if there will be no server part. */
static bool
server_possible(struct bench *b)
{
	struct rlimit lim;

	if (b->no_server)
		return false;
	if (!b->httpd && server_find(b->httpd_path, sizeof b->httpd_path))
		b->httpd = b->httpd_path;
	if (!b->httpd) {
		puts("No server part: examples/httpd was not built.");
		return false;
	}
	if (!wrk_found(b->wrk)) {
		printf("No server part: there is no %s; install wrk, or say "
		       "--wrk PATH.\n",
		    b->wrk);
		return false;
	}
	if (server_reps(b) == 0) {
		printf("No server part: it takes %.0f s, more than half of "
		       "--seconds.\n",
		    SERVER_COST * b->backends);
		return false;
	}
	/* Ours, wrk's and the server's descriptors. */
	if (getrlimit(RLIMIT_NOFILE, &lim) == 0) {
		lim.rlim_cur = lim.rlim_max;
		setrlimit(RLIMIT_NOFILE, &lim);
	}
	return true;
}

static void
server_insert(struct series *s, const struct server_config *config,
    const struct server_result *r)
{
	const struct hist *late = &r->silent.late_ns;

	series_insert(&s[FIG_REQUESTS], r->wrk.requests_per_s);
	if (r->wrk.p99_ns > 0)
		series_insert(&s[FIG_ANSWER_P99], r->wrk.p99_ns);
	if (config->silent == 0)
		return;
	series_insert(&s[FIG_SILENT], config->silent);
	series_insert(&s[FIG_ON_TIME], r->silent.on_time);
	series_insert(&s[FIG_SILENT_P50], (double)hist_at(late, 500000));
	series_insert(&s[FIG_SILENT_P99], (double)hist_at(late, 990000));
	series_insert(&s[FIG_SILENT_MAX], (double)hist_at(late, 1000000));
	series_insert(&s[FIG_SERVER_P50], r->late_ns_p50);
	series_insert(&s[FIG_SERVER_P99], r->late_ns_p99);
	series_insert(&s[FIG_SERVER_MAX], r->late_ns_max);
}

static bool
server_one(struct bench *b, int i)
{
	static struct server_result r;
	struct server_config config = {
		.httpd = b->httpd,
		.wrk = b->wrk,
		.backend = backend_info[i].name,
		.connections = b->connections,
		.silent = b->silent,
		.tick = go_on,
	};
	int err = server_run(&config, &r);

	if (err == -EINTR)
		return false;
	if (err) {
		progress_end();
		fprintf(stderr, "rota bench: the server on %s: %s\n",
		    backend_info[i].name, strerror(-err));
		return false;
	}
	b->server_runs++;
	b->wrk_errors += r.wrk.errors;
	server_insert(b->figures.series[i], &config, &r);
	if (r.broken[0]) {
		progress_end();
		fprintf(stderr, "rota bench: the server on %s: %s\n",
		    backend_info[i].name, r.broken);
		b->failed = true;
	}
	return true;
}

static bool
server_all(struct bench *b)
{
	for (unsigned rep = 0; rep < b->server_reps; rep++) {
		for (unsigned turn = 0; turn < BACKENDS; turn++) {
			int i = (int)((rep + turn) % BACKENDS);

			if (!b->used[i])
				continue;
			progress_step("server %u of %u, %s", rep + 1,
			    b->server_reps, backend_info[i].name);
			if (!server_one(b, i))
				return false;
		}
	}
	return true;
}

/*
 * All of it.
 */

static void
machine_print(const struct machine *m)
{
	printf("rota %s on %s, %u cores, %s, clocksource %s, load %.2f\n",
	    rota_version_string(), m->cpu, m->cores, m->kernel, m->clocksource,
	    m->load);
	if (m->load > 0.5 * m->cores)
		puts("The machine is busy with something else: figures of "
		     "little worth.");
}

static void
result_print(const struct bench *b)
{
	unsigned churn = CHURN_REPS * b->backends;
	unsigned server = b->server_reps * b->backends;

	putchar('\n');
	if (interrupted)
		printf("Interrupted after %u of %u runs of churn, %u of %u of "
		       "the server.\n\n",
		    b->churn_runs, churn, b->server_runs, server);
	if (b->churn_runs == 0) {
		puts("Nothing was measured.");
		return;
	}
	figures_print(&b->figures, stdout);
	printf("\n%" PRIu64 " timers%s; operations timed in batches of %d.\n",
	    b->timers, b->confined ? ", confined to their thread" : "",
	    CHURN_BATCH);
	if (!interrupted)
		printf("%d repetitions of churn, %u of the server.\n",
		    CHURN_REPS, b->server_reps);
	puts("In brackets: how far the furthest repetition is from the "
	     "median.");
	if (b->wrk_errors)
		printf("wrk counted %" PRIu64 " errors.\n", b->wrk_errors);
	if (!b->failed)
		printf("starts = fires + stops + live, none early: holds in "
		       "all %u runs.\n",
		    b->churn_runs + b->server_runs);
	figures_conclude(&b->figures, stdout);
}

/* All values of each figure, as measured. */
static int
result_write(const struct bench *b, int argc, char **argv)
{
	struct results r = { .machine = b->machine, .program = "rota bench" };
	int err;

	snprintf(r.version, sizeof r.version, "%s", rota_version_string());
	results_option(&r, "seconds", seconds_now() - b->begin);
	results_option(&r, "complete", !interrupted);
	results_option(&r, "timers", (double)b->timers);
	results_option(&r, "seed", (double)b->seed);
	results_option(&r, "connections", b->connections);
	results_option(&r, "silent", b->silent);
	results_option(&r, "confined", b->confined);
	results_option(&r, "server", b->server_reps > 0);
	figures_add(&b->figures, &r);
	err = results_write(&r, b->json, argc, argv);
	results_release(&r);
	return err;
}

static int
bench_run(struct bench *b, int argc, char **argv)
{
	int err;

	b->begin = seconds_now();
	memcpy(b->figures.used, b->used, sizeof b->used);
	for (int i = 0; i < BACKENDS; i++)
		b->backends += b->used[i];
	interrupt_init();
	machine_stat(&b->machine);
	machine_print(&b->machine);
	if (server_possible(b))
		b->server_reps = server_reps(b);
	fflush(stdout);
	progress_begin((double)b->seconds);
	if ((!churn_all(b) || !server_all(b)) && !interrupted)
		return CMD_FAILED;
	progress_end();
	result_print(b);
	if (b->json) {
		err = result_write(b, argc, argv);
		if (err) {
			fprintf(stderr, "rota bench: %s: %s\n", b->json,
			    strerror(-err));
			return CMD_FAILED;
		}
	}
	if (interrupted)
		return CMD_INTERRUPTED;
	return b->failed ? CMD_FAILED : CMD_OK;
}

int
cmd_bench(int argc, char **argv)
{
	struct bench *b = &bench;
	bool good = options_parse("rota bench", rows, false, argc, argv) >= 0;

	if (good && b->json && !results_possible())
		good = options_wrong("--json: built without jansson; install "
				     "libjansson-dev, configure and build "
				     "again");
	if (!good) {
		fputs("See \"rota help bench\".\n", stderr);
		return CMD_USAGE;
	}
	if (b->help) {
		cmd_bench_help(stdout);
		return CMD_OK;
	}
	return bench_run(b, argc, argv);
}
