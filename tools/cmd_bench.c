/* SPDX-License-Identifier: MIT
 *
 * cmd_bench.c - rota bench: the engines side by side on this machine, with
 * nothing else in the way (churn.h, burst.h, sleeper.h) and, as a check, in a
 * server under load (server.h).
 *
 * What is measured falls into cases. A round of a case gives each engine a turn,
 * in an order drawn anew, on the same work, with a seed of its own; the turns of
 * one round are compared in pairs. The case that has had least of the time that
 * is its share has the next round, so that all have as many as time allows.
 *
 * Ctrl-C gives up the round under way, and what the others have measured is
 * printed. Another one, two seconds later, ends the program as it is.
 */
#define _GNU_SOURCE
#include "tools/cmd.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sys/resource.h>

#include "tools/burst.h"
#include "tools/churn.h"
#include "tools/common/clock.h"
#include "tools/common/machine.h"
#include "tools/common/options.h"
#include "tools/common/progress.h"
#include "tools/common/random.h"
#include "tools/common/results.h"
#include "tools/figures.h"
#include "tools/server.h"
#include "tools/sleeper.h"
#include "tools/turn.h"

enum {
	TIMERS_MIN = 1000,
	SECONDS_MIN = 3,
	SECONDS_MAX = 3600,
	SECONDS = 80,
	QUICK_SECONDS = 17,
};

#define SERVER_COST (SERVER_SECONDS + 0.4) /* s a run; measured */

struct bench;

/* One kind of measurement. */
struct bench_case {
	const char *name;
	/* One turn: engine @backend, and a value of each figure of @slot. */
	int (*turn)(struct bench *b, const struct bench_case *c,
	    enum rota_backend backend, int slot);
	double share; /* of the time */
	int size;     /* of churn: an index of figures.size */
	enum churn_shape shape;
	bool control; /* has a turn, too */
	bool quick;   /* is part of --quick */

	unsigned rounds;
	double spent, cost; /* s; of all rounds, and of the dearest */
};

struct bench {
	bool used[BACKENDS];
	uint64_t seconds, timers, seed;
	unsigned connections, silent;
	bool confined, no_server, quick, explain, help;
	const char *json, *wrk, *httpd, *same;

	struct machine machine;
	struct figures figures;
	char httpd_path[4096];
	unsigned backends, turns, server_runs;
	uint64_t random, round_seed, wrk_errors;
	bool server;
	double begin;
	bool failed;
};

static struct bench bench = {
	.used = { true, true, true },
	.timers = 200000,
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

static bool
take_same(const char *s)
{
	for (int i = 0; i < BACKENDS; i++)
		if (!strcmp(s, backend_info[i].name))
			bench.same = backend_info[i].name;
	return bench.same ||
	    options_wrong("--same wants heap, wheel or coarse, not '%s'", s);
}

/* clang-format off */
static const struct option_row rows[] = {
	{ "seconds", "N", "about how long, 3 to 3600; default 80",
	    .number = &bench.seconds, .least = SECONDS_MIN, .most = SECONDS_MAX },
	{ "quick", NULL, "less than 20 s: no server, no sleepers, no\n"
	    "other shapes, and no 20,000 or 2,000,000 timers", .flag = &bench.quick },
	{ "timers", "N", "of what is measured most, two for each\n"
	    "connection; default 200000",
	    .number = &bench.timers, .least = TIMERS_MIN, .most = 50000000 },
	{ "seed", "N", "of its random choices; default: another each time",
	    .number = &bench.seed, .least = 1, .most = UINT64_MAX / 2 },
	{ "confined", NULL, "timers that no other thread may touch",
	    .flag = &bench.confined },
	{ "backend", "LIST", "of heap,wheel,coarse; default all",
	    .take = take_backends },
	{ "same", "BACKEND", "that one under all names: what is told to differ\n"
	    "then is the bench's mistake", .take = take_same },
	{ "explain", NULL, "what each figure measures; measures nothing",
	    .flag = &bench.explain },
	{ "no-server", NULL, "no server", .flag = &bench.no_server },
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
	    "The heap, the wheel and the coarse wheel on the same work: which\n"
	    "needs less, by how much, and how sure that is. First the answer,\n"
	    "then the figures that it is made of.\n"
	    "\n",
	    to);
	options_help(rows, to);
	fputs(
	    "\n"
	    "Rounds give each engine the same work, with a seed of their own;\n"
	    "engines are compared in pairs of the same round. A figure is the\n"
	    "median of the rounds, and behind it, in percent, how far half of\n"
	    "them are from it. Ctrl-C ends the bench and prints what was\n"
	    "measured by then.\n",
	    to);
}

static void
explain(FILE *to)
{
	fputs(
	    "What the figures of rota bench measure\n"
	    "\n"
	    "processor time\n"
	    "  Of the thread, for each start, push, stop and fire, over some\n"
	    "  900,000 of them: 83 % pushes of an idle timer (30 s) to later, 7 %\n"
	    "  starts and 7 % stops of a request's, 2 % that fire. In it: the\n"
	    "  polls, one each 54 operations, with rota_shard_next(), and what\n"
	    "  the callbacks count. Not in it: choosing the timers. Time is the\n"
	    "  bench's own and moves with the work: a packet each 3 s for each\n"
	    "  connection, so one push in ten costs the engine a new place. A\n"
	    "  busier connection pushes more for each: then engines differ less.\n"
	    "uniform, bimodal\n"
	    "  The same with idle deadlines of 15 to 45 s, so that half of the\n"
	    "  pushes are to earlier, and of 30 s, but one in ten of 3 s.\n"
	    "one call\n"
	    "  By the wall clock, which is in it: what the clock itself costs is\n"
	    "  told. \"worst\" has whatever interrupted the thread, and is a\n"
	    "  median of the rounds' worst, as everywhere.\n"
	    "one poll\n"
	    "  Of the churn above, by processor time, so another program that\n"
	    "  had the processor meanwhile is not in it; interrupts are. Reading\n"
	    "  that clock costs some 0.3 us. At most 4096 steps.\n"
	    "nine in ten stopped, all due at once\n"
	    "  All timers are armed for the next 10 s, nine in ten stopped in a\n"
	    "  row, then the rest is polled each ms. Then all are armed for one\n"
	    "  instant: a herd; the time for each, and the worst of the polls.\n"
	    "memory\n"
	    "  What the process had more of after the churn than before the\n"
	    "  engine was made, and the 32 bytes of the timer itself.\n"
	    "late, asleep\n"
	    "  By the real clock, a timer each ms at random, the thread asleep in\n"
	    "  between: from the deadline to the callback. Much of that is the\n"
	    "  kernel's. The coarse wheel is late by up to 1 ms on purpose.\n"
	    "wakeups\n"
	    "  How often the owner woke for each time it had to, with 10,000\n"
	    "  deadlines of 1 s that are pushed each half second and never met.\n"
	    "server\n"
	    "  examples/httpd under wrk, which waits for an answer before it\n"
	    "  asks again (a closed loop). It shows that timers hold on real\n"
	    "  input: nearly all pushes are lazy and cost every engine the same,\n"
	    "  so it can't tell engines apart.\n"
	    "\n"
	    "Each turn is a process of its own, pinned to one processor. The\n"
	    "ratio is the midmean of the logarithms of the rounds' ratios; its\n"
	    "interval is the expanded percentile bootstrap, 95 %. A difference is\n"
	    "told if the whole interval is beyond that of the control, which is\n"
	    "the first engine measured twice, in the same rounds.\n",
	    to);
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
 * Turns.
 */

static bool
turn_broken(struct bench *b, const char *name, const char *broken)
{
	progress_end();
	fprintf(stderr, "rota bench: %s: %s\n", name, broken);
	b->failed = true;
	return false;
}

static int
churn_turn(struct bench *b, const struct bench_case *c,
    enum rota_backend backend, int slot)
{
	static const enum figure first[CHURN_OPS] = {
		[CHURN_START] = FIG_START_P50,
		[CHURN_PUSH] = FIG_PUSH_P50,
		[CHURN_STOP] = FIG_STOP_P50,
	};
	static const unsigned ppm[] = { 500000, 990000, 999000, 1000000 };
	static struct churn_result r;
	struct churn_config config = {
		.backend = backend,
		.shape = c->shape,
		.timers = b->figures.size[c->size],
		.seed = b->round_seed,
		.confined = b->confined,
		.alone = c->size == MAIN_SIZE && c->shape == CHURN_CONSTANT,
	};
	struct series *s = b->figures.series[slot];
	enum figure figure = (enum figure)(FIG_OP + c->size);
	int err = turn_run(churn_measure, &config, &r, sizeof r, go_on);

	if (err)
		return err;
	if (r.broken)
		turn_broken(b, c->name, r.broken);
	if (c->shape != CHURN_CONSTANT)
		figure = c->shape == CHURN_UNIFORM ? FIG_OP_UNIFORM
						   : FIG_OP_BIMODAL;
	series_insert(&s[figure], r.op_ns);
	if (!config.alone)
		return 0;
	for (int op = 0; op < CHURN_OPS; op++)
		for (int i = 0; i < 4; i++)
			series_insert(&s[first[op] + (enum figure)i],
			    (double)hist_at(&r.call_ns[op], ppm[i]));
	series_insert(&s[FIG_POLL_P50], (double)hist_at(&r.poll_ns, 500000));
	series_insert(&s[FIG_POLL_P99], (double)hist_at(&r.poll_ns, 990000));
	series_insert(&s[FIG_POLL_MAX], (double)hist_at(&r.poll_ns, 1000000));
	series_insert(&s[FIG_RESIDENT], r.resident);
	return 0;
}

static int
burst_turn(struct bench *b, const struct bench_case *c,
    enum rota_backend backend, int slot)
{
	static struct burst_result r;
	struct burst_config config = {
		.backend = backend,
		.timers = b->timers,
		.seed = b->round_seed,
		.confined = b->confined,
	};
	struct series *s = b->figures.series[slot];
	int err = turn_run(burst_measure, &config, &r, sizeof r, go_on);

	if (err)
		return err;
	if (r.broken)
		turn_broken(b, c->name, r.broken);
	series_insert(&s[FIG_STOPS], r.stop_ns);
	series_insert(&s[FIG_AFTER_P99], (double)hist_at(&r.after_ns, 990000));
	series_insert(&s[FIG_AFTER_MAX], (double)hist_at(&r.after_ns, 1000000));
	series_insert(&s[FIG_HERD], r.herd_ns);
	series_insert(
	    &s[FIG_HERD_MAX], (double)hist_at(&r.herd_poll_ns, 1000000));
	return 0;
}

static int
sleeper_turn(struct bench *b, const struct bench_case *c,
    enum rota_backend backend, int slot)
{
	static struct sleeper_result r;
	struct sleeper_config config = {
		.backend = backend,
		.seed = b->round_seed,
		.confined = b->confined,
	};
	struct series *s = b->figures.series[slot];
	int err = turn_run(sleeper_measure, &config, &r, sizeof r, go_on);

	if (err)
		return err;
	if (r.broken)
		turn_broken(b, c->name, r.broken);
	series_insert(&s[FIG_LATE_P50], (double)hist_at(&r.late_ns, 500000));
	series_insert(&s[FIG_LATE_P99], (double)hist_at(&r.late_ns, 990000));
	series_insert(&s[FIG_WAKEUPS], r.wakeups);
	return 0;
}

/*
 * Rounds.
 */

/* The first cost is a guess, made on the safe side. */
static struct bench_case cases[] = {
	{ "churn", churn_turn, 20, .size = MAIN_SIZE, .control = true,
	    .quick = true },
	{ "few timers", churn_turn, 3, .size = 0, .quick = true },
	{ "more timers", churn_turn, 4, .size = 1 },
	{ "all at once", burst_turn, 8, .control = true, .quick = true },
	{ "uniform deadlines", churn_turn, 6, .size = MAIN_SIZE,
	    .shape = CHURN_UNIFORM, .cost = 1 },
	{ "bimodal deadlines", churn_turn, 6, .size = MAIN_SIZE,
	    .shape = CHURN_BIMODAL, .cost = 1 },
	{ "asleep", sleeper_turn, 17, .control = true, .cost = 3 },
	{ "most timers", churn_turn, 30, .size = 3, .cost = 9 },
};
enum { CASES = sizeof cases / sizeof *cases };

/* The slots that have a turn, in a random order. */
static unsigned
order_make(struct bench *b, const struct bench_case *c, int order[SLOTS])
{
	unsigned n = 0;

	for (int slot = 0; slot < SLOTS; slot++)
		if (slot == CONTROL ? c->control : b->used[slot])
			order[n++] = slot;
	for (unsigned i = n; i > 1; i--) {
		unsigned k = pick_make(&b->random, i).index;
		int t = order[i - 1];

		order[i - 1] = order[k];
		order[k] = t;
	}
	return n;
}

static enum rota_backend
backend_of(const struct bench *b, int slot)
{
	int i = 0;

	if (b->same) {
		while (strcmp(backend_info[i].name, b->same))
			i++;
		return backend_info[i].backend;
	}
	if (slot != CONTROL)
		return backend_info[slot].backend;
	while (!b->used[i])
		i++;
	return backend_info[i].backend;
}

/* What a round that was given up has added is taken away: a round has a value
 * for each slot or for none. */
static void
round_forget(struct figures *f, const struct figures *before)
{
	for (int slot = 0; slot < SLOTS; slot++)
		for (int i = 0; i < FIGURES; i++)
			f->series[slot][i].n = before->series[slot][i].n;
}

static bool
round_run(struct bench *b, struct bench_case *c)
{
	static struct figures before;
	double begin = seconds_now(), spent;
	int order[SLOTS];
	unsigned n = order_make(b, c, order);

	before = b->figures;
	b->round_seed = random_next(&b->random) >> 2;
	for (unsigned i = 0; i < n; i++) {
		int err;

		progress_step("%s, round %u", c->name, c->rounds + 1);
		err = c->turn(b, c, backend_of(b, order[i]), order[i]);
		if (err) {
			round_forget(&b->figures, &before);
			if (err == -EINTR)
				return false;
			progress_end();
			fprintf(stderr, "rota bench: %s: %s\n", c->name,
			    strerror(-err));
			return false;
		}
	}
	b->turns += n;
	spent = seconds_now() - begin;
	c->spent += spent;
	c->cost = spent > c->cost ? spent : c->cost;
	c->rounds++;
	return true;
}

static bool
case_wanted(const struct bench *b, const struct bench_case *c)
{
	return (!b->quick || c->quick) && b->figures.size[c->size] > 0 &&
	    c->rounds < SERIES_MAX;
}

/* The case that is furthest behind its share and has the time for a round. */
static struct bench_case *
case_next(const struct bench *b, double left)
{
	struct bench_case *next = NULL;

	for (int i = 0; i < CASES; i++) {
		struct bench_case *c = &cases[i];

		if (!case_wanted(b, c) || c->cost > left)
			continue;
		if (!next || c->spent / c->share < next->spent / next->share)
			next = c;
	}
	return next;
}

static bool
rounds_run(struct bench *b, double end)
{
	struct bench_case *c;

	while ((c = case_next(b, end - seconds_now())))
		if (!round_run(b, c))
			return false;
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

	if (b->no_server || b->quick)
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
	if (SERVER_COST * b->backends > (double)b->seconds / 2) {
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
	series_insert(&s[FIG_REQUESTS], r->wrk.requests_per_s);
	if (r->wrk.p99_ns > 0)
		series_insert(&s[FIG_ANSWER_P99], r->wrk.p99_ns);
	if (config->silent == 0)
		return;
	series_insert(
	    &s[FIG_CLOSE_P99], (double)hist_at(&r->silent.late_ns, 990000));
	series_insert(&s[FIG_ON_TIME], r->silent.on_time);
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
	if (r.broken[0])
		turn_broken(b, backend_info[i].name, r.broken);
	return true;
}

static bool
server_all(struct bench *b)
{
	for (int i = 0; b->server && i < BACKENDS; i++) {
		if (!b->used[i])
			continue;
		progress_step("server on %s", backend_info[i].name);
		if (!server_one(b, i))
			return false;
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

/* What reading the wall clock costs, ns: the least of some tries. */
static double
clock_cost(void)
{
	double least = INFINITY;

	for (int i = 0; i < 100; i++) {
		uint64_t begin = clock_wall(), now = 0;
		double cost;

		for (int k = 0; k < 100; k++)
			now = clock_wall();
		cost = (double)(now - begin) / 100;
		least = cost < least ? cost : least;
	}
	return least;
}

static void
result_print(const struct bench *b)
{
	putchar('\n');
	if (interrupted)
		printf(
		    "Interrupted after %.0f s.\n\n", seconds_now() - b->begin);
	if (b->turns == 0) {
		puts("Nothing was measured.");
		return;
	}
	figures_conclude(&b->figures, stdout);
	putchar('\n');
	figures_cross(&b->figures, stdout);
	putchar('\n');
	figures_print(&b->figures, stdout);
	printf("\n%s timers. Reading the clock for a call: %.0f ns.\n",
	    b->confined ? "Confined" : "Shared", clock_cost());
	for (int i = 0; i < CASES; i++)
		if (cases[i].rounds)
			printf("%s%s %u", i ? ", " : "Rounds: ", cases[i].name,
			    cases[i].rounds);
	puts(".");
	if (b->server_runs && b->silent)
		printf("%u peers fell silent meanwhile.\n",
		    b->silent * b->server_runs);
	if (b->wrk_errors)
		printf("wrk counted %" PRIu64 " errors.\n", b->wrk_errors);
	if (!b->failed)
		printf("starts = fires + stops + live, none early: holds in "
		       "all %u turns.\n",
		    b->turns + b->server_runs);
	puts("\"rota bench --explain\" says what each line measures.");
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
	results_option(&r, "server", b->server_runs > 0);
	figures_add(&b->figures, &r);
	err = results_write(&r, b->json, argc, argv);
	results_release(&r);
	return err;
}

/* The sizes, ascending, with that of --timers in its place: one that would be
 * out of order is not measured. */
static void
sizes_set(struct bench *b)
{
	static const uint64_t size[SIZES] = { 1000, 20000, 0, 2000000 };

	for (int i = 0; i < SIZES; i++) {
		bool in_order = i < MAIN_SIZE ? size[i] < b->timers
					      : size[i] > b->timers;

		b->figures.size[i] = i == MAIN_SIZE ? b->timers
		    : in_order                      ? size[i]
						    : 0;
	}
}

static int
bench_run(struct bench *b, int argc, char **argv)
{
	double end;
	int err;

	if (!b->seconds)
		b->seconds = b->quick ? QUICK_SECONDS : SECONDS;
	if (!b->seed)
		b->seed = clock_wall() >> 2;
	b->begin = seconds_now();
	b->random = b->seed * 2 + 1; /* never 0 */
	memcpy(b->figures.used, b->used, sizeof b->used);
	for (int i = 0; i < BACKENDS; i++)
		b->backends += b->used[i];
	sizes_set(b);
	interrupt_init();
	machine_stat(&b->machine);
	machine_print(&b->machine);
	b->server = server_possible(b);
	fflush(stdout);
	progress_begin((double)b->seconds);
	end = b->begin + (double)b->seconds;
	if (b->server)
		end -= SERVER_COST * b->backends;
	if ((!rounds_run(b, end) || !server_all(b)) && !interrupted)
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
	if (good && b->json && !b->help && !b->explain) {
		FILE *out = fopen(
		    b->json, "a"); /* say so now, not at the end */

		if (!out || fclose(out)) {
			fprintf(stderr, "rota bench: %s: %s\n", b->json,
			    strerror(errno));
			return CMD_FAILED;
		}
	}
	if (!good) {
		fputs("See \"rota help bench\".\n", stderr);
		return CMD_USAGE;
	}
	if (b->help) {
		cmd_bench_help(stdout);
		return CMD_OK;
	}
	if (b->explain) {
		explain(stdout);
		return CMD_OK;
	}
	return bench_run(b, argc, argv);
}
