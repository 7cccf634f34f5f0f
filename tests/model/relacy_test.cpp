/* SPDX-License-Identifier: MIT
 *
 * relacy_test.cpp - the scenarios of relacy_world.h that are run.
 *
 *	relacy_test pairs      each pair of operations, from each beginning:
 *	                       full search
 *	relacy_test triples    an owner and two remote threads, from each
 *	                       beginning: all with so many forced switches
 *	relacy_test stories    longer ones, each made for one edge
 *	relacy_test random n   operations at random, n executions
 *
 * On failure it prints the execution and exits with 1.
 */
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <type_traits>

#include "tests/model/relacy_atomic.h"
#include "tests/model/relacy_world.h"

/* The beginnings of one timer. Due at NOW are the instants up to 25. */
static const struct beginning beginnings[] = {
	{ "idle", 0, 0, 0 },
	{ "filed", ST_ARMED | ST_LINKED, 20, 20 },
	{ "filed for later", ST_ARMED | ST_LINKED, 30, 20 },
	{ "stopped", ST_LINKED, 20, 20 },
	{ "posted", ST_ARMED | ST_QUEUED, 20, 0 },
	{ "posted, stopped", ST_QUEUED, 20, 0 },
	{ "filed, posted earlier", ST_ARMED | ST_LINKED | ST_QUEUED, 10, 20 },
	{ "the same, stopped", ST_LINKED | ST_QUEUED, 10, 20 },
	{ "handed out", ST_RELEASE, 20, 0 },
};

struct named {
	const char *name;
	struct operation op;
};

static const struct named remote[] = {
	{ "reset to 5", { RESET, false, 0, 0, 5 } },
	{ "reset to 15", { RESET, false, 0, 0, 15 } },
	{ "reset to 40", { RESET, false, 0, 0, 40 } },
	{ "stop", { STOP, false, 0, 0, 0 } },
	{ "release", { RELEASE, false, 0, 0, 0 } },
};

static const struct named owner_[] = {
	{ "drain", { DRAIN, true, 0, 0, 0 } },
	{ "fire", { FIRE, true, 0, 0, 0 } },
	{ "fire, fresh", { FRESH, true, 0, 0, 0 } },
	{ "fire, rearm", { REARM, true, 0, 0, 40 } },
	{ "fire, free", { FREE, true, 0, 0, 0 } },
	{ "fire a batch", { BATCH, true, 0, 0, 0 } },
	{ "sweep", { SWEEP, true, 0, 0, 0 } },
	{ "park", { PARK, true, 0, 0, 0 } },
	{ "own reset to 5", { RESET, true, 0, 0, 5 } },
	{ "own reset to 15", { RESET, true, 0, 0, 15 } },
	{ "own reset to 40", { RESET, true, 0, 0, 40 } },
	{ "own stop", { STOP, true, 0, 0, 0 } },
	{ "own release", { RELEASE, true, 0, 0, 0 } },
	{ "retire", { RETIRE, true, 0, 0, 0 } },
};

/* What the owner of the shard that takes over does beside a retirement. */
static const struct named heir[] = {
	{ "heir drains", { DRAIN, true, 1, 0, 0 } },
	{ "heir fires", { FIRE, true, 1, 0, 0 } },
	{ "heir parks", { PARK, true, 1, 0, 0 } },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static unsigned long long total;
static const char *only; /* run what has this in its name */

/* 1: an execution failed, and was printed. */
template <int N>
static unsigned long long
explore(const char *name, rl::scheduler_type_e how, unsigned bound,
    unsigned long long executions)
{
	rl::ostringstream out;
	std::ostream nowhere(NULL);
	rl::test_params p;

	p.search_type = how;
	p.context_bound = bound;
	p.iteration_count = executions;
	p.output_stream = &out;
	p.progress_stream = &nowhere;
	if (!rl::simulate<world<N> >(p)) {
		printf("FAILED: %s\n", name);
		for (unsigned i = 0; i < scene.timers; i++)
			printf("timer %u begins %s\n", i, scene.begin[i].name);
		printf("%s\n", out.str().c_str());
		exit(1);
	}
	total += p.stop_iteration;
	return p.stop_iteration;
}

static void
add(unsigned th, const struct operation &op)
{
	unsigned n = 0;

	while (scene.op[th][n].code != NONE)
		n++;
	scene.op[th][n] = op;
	scene.retires |= op.code == RETIRE;
}

static bool
chosen(const char *name)
{
	return !only || strstr(name, only);
}

/* One line for a set of operations, whatever the timer begins with. */
static void
pair(const struct named &a, const struct named &b)
{
	char name[128];
	unsigned long long n = 0;

	snprintf(name, sizeof(name), "%s | %s", a.name, b.name);
	if (!chosen(name))
		return;
	for (unsigned i = 0; i < COUNT(beginnings); i++) {
		scene = scenario();
		scene.timers = 1;
		scene.begin[0] = beginnings[i];
		add(0, a.op);
		add(1, b.op);
		n += explore<2>(name, rl::sched_full, 0, 0);
	}
	printf("%12llu  %s\n", n, name);
	fflush(stdout);
}

static void
pairs()
{
	for (unsigned i = 0; i < COUNT(remote); i++)
		for (unsigned k = i; k < COUNT(remote); k++)
			pair(remote[i], remote[k]);
	for (unsigned i = 0; i < COUNT(owner_); i++)
		for (unsigned k = 0; k < COUNT(remote); k++)
			pair(owner_[i], remote[k]);
	for (unsigned i = 0; i < COUNT(heir); i++)
		pair(owner_[COUNT(owner_) - 1], heir[i]);
}

int
main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	only = getenv("ONLY");
	if (!strcmp(what, "pairs"))
		pairs();
	else
		return 2;
	printf("%12llu  executions\n", total);
	return 0;
}
