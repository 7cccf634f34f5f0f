/* SPDX-License-Identifier: MIT
 *
 * peers.c - rota beside every rival that this machine has, in one run: first
 * what each must do at all, then how fast. A round gives each a turn on the same
 * work, in random order, so what the machine does besides falls on all alike and
 * they are compared in pairs (tools/common/ratio.h); one rota has two turns.
 */
#define _GNU_SOURCE
#include "bench/peers/field.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tools/common/options.h"
#include "tools/common/progress.h"
#include "tools/common/random.h"

static struct field field;

/* In the order of the tables. */
static const struct {
	const char *program, *needs;
} known[] = {
	{ "touch", "to be built" },
	{ "rota", "to be built" },
	{ "rota_shared", "to be built" },
	{ "binary_heap", "to be built" },
	{ "priority_queue", "g++" },
	{ "multimap", "g++" },
	{ "timeout_c", "the source package of tor" },
	{ "libevent", "libevent-dev" },
	{ "libev", "libev-dev" },
	{ "libuv", "libuv1-dev" },
	{ "glib", "libglib2.0-dev" },
	{ "sd_event", "libsystemd-dev" },
	{ "asio", "libboost-dev" },
	{ "dpdk", "dpdk-dev" },
	{ "go", "go" },
	{ "go119", "golang-1.19-go" },
	{ "tokio", "cargo" },
};

static struct options {
	bool quick, no_checks, growth, help;
	const char *json, *from, *dir, *peers, *works, *ns, *embedded;
	uint64_t reps, ops, budget;
	char path[PATH_MAX];
} options;

/* clang-format off */
static const struct option_row rows[] = {
	{ "quick", NULL, "N = 10000 and six works, in 100 s at most, without\n"
	    "the conformance",
	    .flag = &options.quick },
	{ "n", "LIST", "numbers of timers; default 1000,100000,1000000",
	    .text = &options.ns },
	{ "reps", "N", "rounds, 1 to 256; default 6, with fewer there are no\n"
	    "intervals",
	    .number = &options.reps, .least = 1, .most = SERIES_MAX },
	{ "ops", "N", "operations of a run at most; default 2000000",
	    .number = &options.ops, .least = 1000, .most = UINT64_MAX / 2 },
	{ "budget", "MS", "time of a run at most; default 200",
	    .number = &options.budget, .least = 1, .most = 60000 },
	{ "peers", "LIST", "only these, and touch and rota",
	    .text = &options.peers },
	{ "works", "LIST", "only these", .text = &options.works },
	{ "embedded", "LIST", "besides, so many timers each in a connection\n"
	    "of 320 bytes; default 1000000; 0: none",
	    .text = &options.embedded },
	{ "no-checks", NULL, "without the conformance",
	    .flag = &options.no_checks },
	{ "json", "FILE", "every value of every repetition",
	    .text = &options.json },
	{ "from", "LIST", "measure nothing: the tables of such files",
	    .text = &options.from },
	{ "growth", NULL, "with --from: data for bench/peers/growth.gp",
	    .flag = &options.growth },
	{ "markdown", NULL, "the tables in Markdown", .flag = &table_markdown },
	{ "dir", "DIR", "where the programs peer_X are", .text = &options.dir },
	{ "help", NULL, "this", .flag = &options.help, .letter = 'h' },
	{ .name = NULL },
};
/* clang-format on */

static void
usage(FILE *to)
{
	fputs("usage: rota_peers [option...]\n"
	      "\n"
	      "rota beside the timer engines that this machine has.\n"
	      "\n",
	    to);
	options_help(rows, to);
}

static bool
parse_sizes(struct field *f, const char *name, const char *s, bool embedded)
{
	uint64_t n;

	if (embedded && strcmp(s, "0") == 0)
		return true;
	while (f->sizes < SIZES_MAX) {
		if (!options_number(name, s, 100, 100000000, &n, &s))
			return false;
		f->size[f->sizes++] = (struct size){ (uint32_t)n, embedded };
		if (!*s)
			return true;
		if (*s++ != ',')
			return options_wrong("--%s wants commas", name);
	}
	return options_wrong("at most %d sizes", SIZES_MAX);
}

static bool
parse(struct options *o, struct field *f, int argc, char **argv)
{
	if (options_parse("rota_peers", rows, false, argc, argv) < 0)
		return false;
	if (!o->embedded) /* beside the default numbers only */
		o->embedded = o->ns || o->quick ? "0" : "1000000";
	if (!o->ns)
		o->ns = o->quick ? "10000" : "1000,100000,1000000";
	if (!parse_sizes(f, "n", o->ns, false) ||
	    !parse_sizes(f, "embedded", o->embedded, true))
		return false;
	f->reps = o->reps ? (unsigned)o->reps : RATIO_LEAST;
	f->ops = o->ops ? o->ops : o->quick ? 200000 : 2000000;
	f->budget_ms = o->budget ? o->budget : o->quick ? 20 : 200;
	if (o->quick && !o->works)
		o->works = "start_stop,idle_reset,arm,fire,turn,own";
	o->no_checks |= o->quick;
	return true;
}

static void
assemble(struct field *f, const struct options *o)
{
	char works[WORKS_MAX][NAME_MAX_];
	unsigned n = 0;

	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		struct rival *r = &f->rival[f->rivals];

		if (o->peers && i > 2 &&
		    !options_listed(o->peers, known[i].program))
			continue;
		r->program = known[i].program;
		r->needs = known[i].needs;
		r->many = strncmp(r->program, "go", 2) == 0;
		run_about(f, r, o->dir);
		f->rivals++;
	}
	/* All works are known to each program by name; leave those asked. */
	memcpy(works, f->work, sizeof(works));
	for (unsigned k = 0; k < f->works; k++) {
		if (o->works && !options_listed(o->works, works[k]))
			continue;
		memcpy(f->work[n], works[k], sizeof(works[k]));
		for (unsigned i = 0; i < f->rivals; i++) {
			f->rival[i].works[n] = f->rival[i].works[k];
			f->rival[i].apart[n] = f->rival[i].apart[k];
		}
		n++;
	}
	f->works = n;
	/* What two threads share are not confined timers. */
	for (unsigned k = 0; k < f->works; k++)
		for (unsigned i = 0; i < f->rivals; i++)
			if (field_two_threads(f, k) && f->rival[i].rota &&
			    !f->rival[i].safe && strcmp(f->work[k], "own") != 0)
				f->rival[i].works[k] = false;
}

static void
check_all(struct field *f, const struct options *o)
{
	for (unsigned i = 0; i < f->entries; i++) {
		if (f->entry[i].rival->limit || f->entry[i].control)
			continue;
		for (unsigned k = 0; k < f->rows; k++) {
			progress_step("%s: %s", f->entry[i].label, f->row[k]);
			run_check(f, &f->entry[i], k, o->dir);
		}
	}
}

struct turn {
	unsigned work, n, entry;
};

/* A random one of @len, which is taken out. */
static struct turn
draw(struct turn *turn, unsigned len, uint64_t *random)
{
	unsigned at = pick_make(random, len).index;
	struct turn t = turn[at];

	turn[at] = turn[len - 1];
	return t;
}

/* One work at one size: all who are compared, one after the other in random
 * order, with one seed. False: interrupted. */
static bool
round_run(
    struct field *f, const struct options *o, struct turn of, uint64_t *random)
{
	struct turn turn[ENTRIES_MAX];
	uint64_t seed = random_next(random) >> 2;
	unsigned len = f->entries;

	for (unsigned i = 0; i < len; i++)
		turn[i].entry = i;
	for (; len > 0 && !run_over(); len--) {
		unsigned i = draw(turn, len, random).entry;

		progress_step("%s: %s, N = %u", f->entry[i].label,
		    f->work[of.work], f->size[of.n].n);
		run_work(f, i, of.work, of.n, seed, o->dir);
	}
	field_round(f, of.work, of.n);
	return !run_over();
}

/* A round of each work at each size, in random order. False: the time is up. */
static bool
repeat(struct field *f, const struct options *o, uint64_t *random, double end)
{
	static struct turn plan[WORKS_MAX * SIZES_MAX];
	unsigned len = 0;

	for (unsigned k = 0; k < f->works; k++)
		for (unsigned n = 0; n < f->sizes; n++)
			plan[len++] = (struct turn){ k, n, 0 };
	for (; len > 0; len--)
		if ((end > 0 && seconds_now() > end) ||
		    !round_run(f, o, draw(plan, len, random), random))
			return false;
	return true;
}

/* What other runs measured. */
static int
tables_from(struct field *f, struct options *o)
{
	char *list = strdup(o->from), *rest = list, *path;

	f->sizes = 0;
	while ((path = strsep(&rest, ","))) {
		int err = json_read(f, path);

		if (err) {
			fprintf(stderr, "rota_peers: %s: %s\n", path,
			    err == -EINVAL ? "not the raw data of a run"
					   : strerror(-err));
			free(list);
			return 2;
		}
	}
	free(list);
	if (o->growth) {
		table_growth(f);
		return fflush(stdout) ? 1 : 0;
	}
	if (f->rows)
		table_checks(f);
	table_figures(f);
	table_verdict(f);
	return fflush(stdout) ? 1 : 0;
}

int
main(int argc, char **argv)
{
	struct field *f = &field;
	struct options *o = &options;
	uint64_t random = RANDOM_SEED;
	double begin = seconds_now(), once;
	bool all = true;
	int err = 0;

	if (!parse(o, f, argc, argv))
		return 2;
	if (o->help) {
		usage(stdout);
		return 0;
	}
	if (o->from)
		return tables_from(f, o);
	if (!o->dir) {
		ssize_t n = readlink(
		    "/proc/self/exe", o->path, sizeof(o->path) - 1);

		o->path[n > 0 ? n : 0] = '\0';
		o->dir = dirname(o->path);
	}
	if (o->json) { /* say so now if it can't be written */
		FILE *out = fopen(o->json, "a");

		if (!out || fclose(out)) {
			fprintf(stderr, "rota_peers: %s: %s\n", o->json,
			    strerror(errno));
			return 2;
		}
	}
	machine_stat(&f->machine);
	assemble(f, o);
	if (!f->entries || !f->works) {
		fprintf(stderr, "rota_peers: nothing to run in %s\n", o->dir);
		return 1;
	}
	table_rivals(f);
	fflush(stdout);
	/* About what a run takes: its time, a fifth of it to warm up, and
	 * the setting up. */
	once = f->entries * f->works * f->sizes *
	    (1.5 * (double)f->budget_ms / 1000 + 0.06);
	progress_begin(
	    o->quick ? 75 : once * f->reps + (o->no_checks ? 0 : 60));
	if (!o->no_checks)
		check_all(f, o);
	run_heed();
	for (unsigned rep = 0; rep < f->reps && all && !err; rep++) {
		all = repeat(f, o, &random, o->quick ? begin + 100 : 0);
		err = o->json ? json_print(f, o->json, argc, argv) : 0;
	}
	progress_end();
	if (!o->no_checks)
		table_checks(f);
	table_figures(f);
	if (!all)
		printf(run_over() ? "Interrupted before each had run.\n"
				  : "The time was up before each had run.\n");
	if (err)
		fprintf(
		    stderr, "rota_peers: %s: %s\n", o->json, strerror(-err));
	table_verdict(f);
	return fflush(stdout) || err ? 1 : 0;
}
