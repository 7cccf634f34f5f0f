/* SPDX-License-Identifier: MIT
 *
 * main.c - rota_limits: how far it goes. Four modes that drive an engine to
 * where a promise could end: ranks that wrap (armings), an inbox that is never
 * empty (flood), the longest single poll (poll), the wakeups of a thread that
 * has little to do (idle).
 *
 * Plain lines on the standard output; the first say where they come from.
 */
#define _POSIX_C_SOURCE 200809L
#include "bench/limits/limits.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/common/machine.h"
#include "tools/common/options.h"
#include "tools/common/results.h"

struct options options = {
	.backends = 7,
	.armings = UINT64_C(1) << 33,
	.seconds = 0,
	.rounds = 5,
	.runs = 5,
	.threads = 3,
	.only = -1,
	.budget = -1,
	.idle = 15 * ROTA_SECOND,
	.spread = -1,
};

void
die(const char *what)
{
	fflush(stdout);
	fprintf(stderr, "rota_limits: %s\n", what);
	exit(1);
}

bool
broken(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	fputs("BROKEN ", stdout);
	vprintf(format, ap);
	putchar('\n');
	va_end(ap);
	return false;
}

const char *
backend_name(enum rota_backend b)
{
	return b == ROTA_HEAP ? "heap" : b == ROTA_WHEEL ? "wheel" : "coarse";
}

const char *
kind_name(bool confined)
{
	return confined ? "confined" : "shared";
}

static struct results results;
static struct {
	char who[64], what[32], kind[16];
} latest;

void
line_begin(const char *mode, const char *who, const char *kind)
{
	printf("%-7s %-6s %-8s ", mode, who, kind);
	snprintf(latest.who, sizeof(latest.who), "%s", who);
	snprintf(latest.what, sizeof(latest.what), "%s", mode);
	snprintf(latest.kind, sizeof(latest.kind), "%s", kind);
}

void
line_case(const char *format, ...)
{
	char text[64];
	size_t len = strlen(latest.what);
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	fputs(text, stdout);
	/* The same words, one blank apart. */
	for (char *rest = text, *word; (word = strtok_r(rest, " ", &rest));
	     len = strlen(latest.what))
		snprintf(
		    latest.what + len, sizeof(latest.what) - len, " %s", word);
}

void
line_figure(const char *name, const char *format, double v, int better)
{
	size_t len = strlen(name);
	const char *unit = len > 3 && strcmp(name + len - 3, "_us") == 0 ? "us"
	    : strstr(name, "per_s")                                      ? "1/s"
	    : strncmp(name, "ns", 2) == 0                                ? "ns"
									 : "";
	struct series s = { .n = 1, .v = { v } };

	printf("%s ", name);
	printf(format, v);
	putchar(' ');
	if (options.json)
		results_add(&results, latest.who, latest.what, latest.kind,
		    (uint32_t)options.timers,
		    results_metric(&results, name, unit, better), &s);
}

static bool
line_write(int argc, char **argv)
{
	int err;

	if (!options.json)
		return true;
	snprintf(results.program, sizeof(results.program), "rota_limits");
	snprintf(results.version, sizeof(results.version), "%s",
	    rota_version_string());
	err = results_write(&results, options.json, argc, argv);
	if (err)
		fprintf(stderr, "rota_limits: %s: %s\n", options.json,
		    strerror(-err));
	results_release(&results);
	return !err;
}

void *
memory_make(size_t size)
{
	void *p = aligned_alloc(64, (size + 63) / 64 * 64);

	if (!p)
		die("out of memory");
	memset(p, 0, size);
	return p;
}

/* An engine's memory is touched before it is used, so that no page is made in
 * what is measured. */
static void *
touched_alloc(void *arg, unsigned shard, size_t size, size_t align)
{
	void *p = aligned_alloc(align, (size + align - 1) / align * align);

	(void)arg;
	(void)shard;
	if (p)
		memset(p, 0, size);
	return p;
}

static void
touched_free(void *arg, unsigned shard, void *p, size_t size)
{
	(void)arg;
	(void)shard;
	(void)size;
	free(p);
}

static void
engine_says(void *arg, const char *line)
{
	(void)arg;
	fprintf(stderr, "rota_limits: %s\n", line);
}

struct rota_engine *
engine_make(enum rota_backend b, enum rota_clock clock, unsigned flags)
{
	struct rota_config config = {
		.size = sizeof(config),
		.backend = b,
		.shards = 1,
		.flags = flags,
		.clock = clock,
		.allocator = { touched_alloc, touched_free, NULL },
		.log = engine_says,
	};
	struct rota_engine *e;

	if (rota_engine_create(&e, &config))
		die("rota_engine_create");
	if (!(flags & ROTA_DRIVERS) &&
	    rota_shard_attach(rota_engine_shard(e, 0)))
		die("rota_shard_attach");
	return e;
}

bool
engine_adds_up(struct rota_engine *e)
{
	struct rota_stats s;

	if (rota_engine_stat(e, &s))
		die("rota_engine_stat");
	return s.starts == s.fires + s.stops + s.live ||
	    broken("%llu starts, %llu fires, %llu stops, %llu armed",
		(unsigned long long)s.starts, (unsigned long long)s.fires,
		(unsigned long long)s.stops, (unsigned long long)s.live);
}

void
engine_end(struct rota_engine *e)
{
	if (rota_engine_destroy(e, ROTA_DROP) < 0)
		die("rota_engine_destroy");
}

static bool
take_backend(const char *s)
{
	static bool asked;

	options.backends = asked ? options.backends : 0;
	asked = true;
	for (int b = ROTA_HEAP; b <= ROTA_WHEEL_COARSE; b++)
		if (strcmp(s, backend_name(b)) == 0)
			return options.backends |= 1u << b;
	return options_wrong("--backend: heap, wheel or coarse, not '%s'", s);
}

static bool
take_kind(const char *s)
{
	if (strcmp(s, "confined") == 0)
		return options.kinds |= KIND_CONFINED;
	if (strcmp(s, "shared") == 0)
		return options.kinds |= KIND_SHARED;
	return options_wrong("--kind: confined or shared, not '%s'", s);
}

static bool
take_seconds(const char *s)
{
	char *end;

	options.seconds = strtod(s, &end);
	return (options.seconds > 0 && options.seconds <= 1e6 && !*end) ||
	    options_wrong("--seconds: more than 0, not '%s'", s);
}

static bool
take_case(const char *s)
{
	options.only = poll_case(s);
	return options.only >= 0 || options_wrong("no case '%s'", s);
}

static bool
take_budget(const char *s)
{
	uint64_t n;

	if (!options_number("budget", s, 0, UINT32_MAX, &n, NULL))
		return false;
	options.budget = (int64_t)n;
	return true;
}

static bool
take_idle(const char *s)
{
	uint64_t n;

	if (!options_number("idle-ms", s, 15, 3600000, &n, NULL))
		return false;
	options.idle = (rota_span)n * ROTA_MILLISECOND;
	return true;
}

static bool
take_spread(const char *s)
{
	uint64_t n;

	if (!options_number("spread-us", s, 0, 1000000000, &n, NULL))
		return false;
	options.spread = (rota_span)n * ROTA_MICROSECOND;
	return true;
}

static bool
take_smoke(const char *s)
{
	(void)s;
	options.smoke = true;
	options.armings = 1 << 16;
	options.timers = 500;
	options.seconds = 0.025;
	options.rounds = 1;
	options.runs = 2;
	options.idle = 30 * ROTA_MILLISECOND;
	return true;
}

static bool help;

/* clang-format off */
static const struct option_row rows[] = {
	{ "backend", "NAME", "heap, wheel or coarse; may be given again (all three)",
	    .take = take_backend },
	{ "kind", "NAME", "confined or shared; may be given again (armings: both,\n"
	    "poll and idle: confined; flood is always shared)",
	    .take = take_kind },
	{ "armings", "N", "of mode armings (2^33)",
	    .number = &options.armings, .least = 1024, .most = UINT64_C(1) << 50 },
	{ "timers", "N", "(flood and poll 1000000, idle 100000)",
	    .number = &options.timers, .least = 100, .most = 1 << 24 },
	{ "seconds", "S", "flood: of each side, rounds together (10); idle: what\n"
	    "is measured, after a warm-up of 4/3 deadlines (20)",
	    .take = take_seconds },
	{ "rounds", "N", "of mode flood, the two sides in turn (5)",
	    .count = &options.rounds, .least = 1, .most = 1000 },
	{ "threads", "N", "of mode flood (3)",
	    .count = &options.threads, .least = 1, .most = 64 },
	{ "runs", "N", "of mode poll (5)",
	    .count = &options.runs, .least = 1, .most = 1000 },
	{ "case", "NAME", "of mode poll: one-tick, one-second or half-stopped (all)",
	    .take = take_case },
	{ "budget", "N", "of mode poll (1, 1000 and 0: none)",
	    .take = take_budget },
	{ "idle-ms", "N", "the deadline of mode idle (15000)", .take = take_idle },
	{ "spread-us", "N", "of the deadlines of one batch (idle-ms / 150 * 1000:\n"
	    "activity was spread; 0: all equal)",
	    .take = take_spread },
	{ "json", "FILE", "every figure, besides (needs jansson)",
	    .text = &options.json },
	{ "smoke", NULL, "tiny sizes: do the invariants hold?",
	    .take = take_smoke },
	{ "help", NULL, "this", .flag = &help, .letter = 'h' },
	{ .name = NULL },
};
/* clang-format on */

static int
usage(void)
{
	puts(
	    "usage: rota_limits [OPTION...] [MODE...]\n"
	    "\n"
	    "Modes, all of them if none is named:\n"
	    "  armings  timers that wait while their shard arms others 2^33 times:\n"
	    "           each fires on time, equal deadlines in the order of arming\n"
	    "  flood    how late is a timer of 1 ms, while threads reset a million\n"
	    "           others at random, and while they burn as much without rota;\n"
	    "           own: what the driver used from one call of it to the next\n"
	    "  poll     the longest single poll at a million timers, processor time\n"
	    "  idle     wakeups and processor time of a thread with 100,000 deadlines\n"
	    "           that are pushed and hardly ever come; libevent beside it\n");
	options_help(rows, stdout);
	puts(
	    "\n"
	    "N may be a power such as 2^33. Plain lines, for bench/results:\n"
	    "  rota_limits | tee bench/results/$(date +%F)-limits.txt\n"
	    "Ends with 1 if an invariant did not hold; a bound of time that was missed\n"
	    "is marked OVER and is no failure.");
	return fflush(stdout) != 0;
}

static void
head(int argc, char **argv)
{
	struct machine m;
	time_t now = time(NULL);
	struct tm utc;
	char date[64] = "unknown";

	if (gmtime_r(&now, &utc))
		strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S UTC", &utc);
	machine_stat(&m);
	results.machine = m;
	printf("# %s\n# %s, %u processors, %s, clock %s, load %.2f\n#", date,
	    m.cpu, m.cores, m.kernel, m.clocksource, m.load);
	for (int i = 0; i < argc; i++)
		printf(" %s", i ? argv[i] : "rota_limits");
	putchar('\n');
}

/* Those of @mode: both kinds if @kinds says so, where no option does. */
static bool
each(bool (*run)(enum rota_backend b, bool confined), unsigned kinds)
{
	bool good = true;

	if (options.kinds)
		kinds = options.kinds;
	for (int b = ROTA_HEAP; b <= ROTA_WHEEL_COARSE; b++) {
		if (!(options.backends & 1u << b))
			continue;
		if (kinds & KIND_CONFINED)
			good &= run(b, true);
		if (kinds & KIND_SHARED)
			good &= run(b, false);
		fflush(stdout);
	}
	return good;
}

static bool
mode_armings(void)
{
	return each(armings_run, KIND_CONFINED | KIND_SHARED);
}

static bool
mode_flood(void)
{
	bool good = true;

	for (int b = ROTA_HEAP; b <= ROTA_WHEEL_COARSE; b++)
		if (options.backends & 1u << b)
			good &= flood_run(b);
	return good;
}

static bool
mode_poll(void)
{
	return each(poll_run,
	    options.smoke ? KIND_CONFINED | KIND_SHARED : KIND_CONFINED);
}

static bool
mode_idle(void)
{
	bool good = each(idle_run, KIND_CONFINED);

	idle_libevent();
	return good;
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		bool (*run)(void);
	} modes[] = {
		{ "armings", mode_armings },
		{ "flood", mode_flood },
		{ "poll", mode_poll },
		{ "idle", mode_idle },
	};
	enum { MODES = sizeof(modes) / sizeof(*modes) };
	bool asked[MODES] = { false }, good = true;
	int first;

	first = options_parse("rota_limits", rows, true, argc, argv);
	if (help)
		return usage();
	for (int i = first; i > 0 && i < argc; i++) {
		int m = 0;

		while (m < MODES && strcmp(argv[i], modes[m].name) != 0)
			m++;
		if (m == MODES)
			first = options_wrong("no mode '%s'", argv[i]) - 1;
		else
			asked[m] = true;
	}
	if (first < 0) {
		fputs("rota_limits: see rota_limits --help\n", stderr);
		return 2;
	}
	head(argc, argv);
	for (int m = 0; m < MODES; m++) {
		if (first < argc && !asked[m])
			continue;
		good &= modes[m].run();
		fflush(stdout);
	}
	return !line_write(argc, argv) || !good;
}
