/* SPDX-License-Identifier: MIT
 *
 * relacy_test.cpp - the scenarios of relacy_world.h that are run.
 *
 *	relacy_test pairs    each two operations, from each beginning: full
 *	                     search; of a whole retirement with RETIRE_BOUND
 *	                     forced switches of thread
 *	relacy_test triples  an owner and two remote threads, from each
 *	                     beginning: three forced switches, or four
 *	relacy_test stories  longer ones, each made for one edge
 *	relacy_test random   operations at random
 *
 * Prints how many executions each took. RELACY_LONG in the environment: one
 * switch more, and twenty times as long at random. RELACY_ONLY: only what has
 * this in its name. On failure it prints the execution and exits with 1.
 */
#include <cstdarg>
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
};

struct named {
	const char *name;
	struct operation op;
	bool wide; /* its triples have a bound of 4, not 3 */
};

static const struct named remote[] = {
	{ "reset to 5", { RESET, false, 0, 0, 5 } },
	{ "reset to 15", { RESET, false, 0, 0, 15 } },
	{ "reset to 40", { RESET, false, 0, 0, 40 } },
	{ "stop", { STOP, false, 0, 0, 0 } },
	{ "release", { RELEASE, false, 0, 0, 0 } },
};

static const struct named owner_[] = {
	{ "drain", { DRAIN, true, 0, 0, 0 }, true },
	{ "fire", { FIRE, true, 0, 0, 0 }, true },
	{ "fire, fresh", { FRESH, true, 0, 0, 0 } },
	{ "fire, rearm", { REARM, true, 0, 0, 40 } },
	{ "fire, free", { FREE, true, 0, 0, 0 } },
	{ "fire a batch", { BATCH, true, 0, 0, 0 } },
	{ "sweep", { SWEEP, true, 0, 0, 0 } },
	{ "park", { PARK, true, 0, 0, 0 }, true },
	{ "own reset to 5", { RESET, true, 0, 0, 5 } },
	{ "own reset to 15", { RESET, true, 0, 0, 15 } },
	{ "own reset to 40", { RESET, true, 0, 0, 40 } },
	{ "own stop", { STOP, true, 0, 0, 0 } },
	{ "own release", { RELEASE, true, 0, 0, 0 }, true },
	{ "evict", { EVICT, true, 0, 0, 0 }, true },
};

static const struct named retire = { "retire", { RETIRE, true, 0, 0, 0 } };
static const struct named move_ = { "move", { MOVE, true, 0, 0, 0 } };

/* What the owner of the shard that takes over does beside a retirement. */
static const struct named target[] = {
	{ "heir drains", { DRAIN, true, 1, 0, 0 } },
	{ "heir fires", { FIRE, true, 1, 0, 0 } },
	{ "heir parks", { PARK, true, 1, 0, 0 } },
};

enum { RETIRE_BOUND = 4, MOVE_BOUND = 3 };

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
		/* Once is enough: after this it comes by thread. */
		printf("%s\n", out.str().substr(0,
		    out.str().find("\nthread 0:")).c_str());
		exit(1);
	}
	total += p.stop_iteration;
	return p.stop_iteration;
}

static void
report(unsigned long long n, const char *format, ...)
{
	va_list list;

	printf("%12llu  ", n);
	va_start(list, format);
	vprintf(format, list);
	va_end(list);
	printf("\n");
	fflush(stdout);
}

static void
add(unsigned th, const struct operation &op)
{
	unsigned n = 0;

	while (scene.op[th][n].code != NONE)
		n++;
	scene.op[th][n] = op;
	scene.retires |= op.code == RETIRE;
	scene.moves |= op.code == MOVE;
	scene.evicts |= op.code == RETIRE || op.code == EVICT ||
	    op.code == MOVE;
	scene.adopts |= op.adopter;
}

static bool
chosen(const char *name)
{
	return !only || strstr(name, only);
}

/* One line for a set of operations, whatever the timer begins with. */
static void
pair(const struct named &a, const struct named &b, unsigned bound)
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
		n += explore<2>(name, bound ? rl::sched_bound :
		    rl::sched_full, bound, 0);
	}
	report(n, "%s", name);
}

static void
pairs()
{
	for (unsigned i = 0; i < COUNT(remote); i++)
		for (unsigned k = i; k < COUNT(remote); k++)
			pair(remote[i], remote[k], 0);
	for (unsigned i = 0; i < COUNT(owner_); i++)
		for (unsigned k = 0; k < COUNT(remote); k++)
			pair(owner_[i], remote[k], 0);
	for (unsigned i = 0; i < COUNT(target); i++)
		pair(owner_[COUNT(owner_) - 1], target[i], 0);
	/* Too long for a full search. */
	for (unsigned k = 0; k < COUNT(remote); k++)
		pair(retire, remote[k], RETIRE_BOUND);
	for (unsigned k = 0; k < COUNT(remote); k++)
		pair(move_, remote[k], MOVE_BOUND);
	for (unsigned i = 0; i < COUNT(target); i++)
		pair(retire, target[i], RETIRE_BOUND);
}

static void
triple(const struct named &a, unsigned bound)
{
	unsigned long long n = 0;
	char name[128];

	for (unsigned j = 0; j < COUNT(remote); j++)
		for (unsigned k = j; k < COUNT(remote); k++) {
			snprintf(name, sizeof(name), "%s | %s | %s", a.name,
			    remote[j].name, remote[k].name);
			if (!chosen(name))
				continue;
			for (unsigned i = 0; i < COUNT(beginnings); i++) {
				scene = scenario();
				scene.timers = 1;
				scene.begin[0] = beginnings[i];
				add(0, a.op);
				add(1, remote[j].op);
				add(2, remote[k].op);
				n += explore<3>(name, rl::sched_bound, bound,
				    0);
			}
		}
	if (n)
		report(n, "%s | two of %u remote calls, bound %u", a.name,
		    (unsigned)COUNT(remote), bound);
}

static void
triples(bool all)
{
	for (unsigned i = 0; i < COUNT(owner_); i++)
		triple(owner_[i], owner_[i].wide || all ? 4 : 3);
}

/* Longer ones. The timers begin as said; @bound 0 is full search. */
struct story {
	const char *name;
	unsigned bound;
	const char *begin[TIMERS];
	struct operation op[THREADS][OPS];
	bool retired;
};

#define OWN(code, timer, when) { code, true, 0, timer, when }
#define HEIR(code) { code, true, 1, 0, 0 }
#define ADOPT(code, timer, when) { code, true, 0, timer, when, true }
#define FAR(code, timer, when) { code, false, 0, timer, when }
#define LATE(code, timer, when) { code, false, STALE, timer, when }

static const struct story stories[] = {
	/* The word is as it was, but not what belongs to it. */
	{ "reset to the same instant, stopped", 0,
	    { "filed" },
	    { { FAR(RESET, 0, SAME) }, { FAR(STOP, 0, 0) } } },
	{ "reset to the same instant, fired", 0,
	    { "filed" },
	    { { OWN(FIRE, 0, 0) }, { FAR(RESET, 0, SAME) } } },
	{ "reset to the same instant, freed", 0,
	    { "filed" },
	    { { OWN(RELEASE, 0, 0) }, { FAR(RESET, 0, SAME) } } },
	/* The owner sleeps until 20, for timer 1. */
	{ "a poke, its timer not pushed yet", 4,
	    { "idle", "filed" },
	    { { OWN(PARK, 0, 0) }, { FAR(RESET, 0, 40) },
	        { FAR(RESET, 0, 5) } } },
	{ "a release, its timer not pushed yet", 4,
	    { "idle", "filed" },
	    { { OWN(PARK, 0, 0) }, { FAR(RESET, 0, 40) },
	        { FAR(RELEASE, 0, 0) } } },
	{ "a release pushes, another pokes", 4,
	    { "idle", "filed" },
	    { { OWN(PARK, 0, 0) }, { FAR(RELEASE, 0, 0) },
	        { FAR(RESET, 0, 5) } } },
	{ "a poke by the owner, before it sleeps", 0,
	    { "idle", "filed" },
	    { { OWN(RESET, 0, 5), OWN(PARK, 0, 0) },
	        { FAR(RESET, 0, 40) } } },
	{ "a poke while the owner wakes and sleeps again", 3,
	    { "idle", "filed" },
	    { { OWN(PARK, 0, 0), OWN(DRAIN, 0, 0), OWN(PARK, 0, 0) },
	        { FAR(RESET, 0, 40) }, { FAR(RESET, 0, 5) } } },
	{ "only one wakes", 4,
	    { "idle", "idle" },
	    { { OWN(PARK, 0, 0), OWN(DRAIN, 0, 0), OWN(PARK, 0, 0) },
	        { FAR(RESET, 0, 15) }, { FAR(RESET, 1, 5) } } },
	{ "two timers on the inbox", 4,
	    { "filed", "idle" },
	    { { OWN(DRAIN, 0, 0), OWN(FIRE, 0, 0), OWN(PARK, 0, 0) },
	        { FAR(RESET, 0, 5) }, { FAR(RESET, 1, 15) } } },
	{ "a poll, two resets and a stop", 3,
	    { "filed" },
	    { { OWN(DRAIN, 0, 0), OWN(FIRE, 0, 0), OWN(PARK, 0, 0) },
	        { FAR(RESET, 0, 5), FAR(RESET, 0, 15) },
	        { FAR(STOP, 0, 0) } } },
	{ "posted, drained, posted by another", 4,
	    { "idle" },
	    { { OWN(DRAIN, 0, 0), OWN(FIRE, 0, 0), OWN(DRAIN, 0, 0) },
	        { FAR(RESET, 0, 15) }, { FAR(RESET, 0, 5) } } },
	{ "the callback arms, two others stop", 4,
	    { "filed" },
	    { { OWN(REARM, 0, 40), OWN(DRAIN, 0, 0) },
	        { FAR(STOP, 0, 0), FAR(STOP, 0, 0) },
	        { FAR(STOP, 0, 0) } } },
	/* What `running` says of the claim is over with LINKED. */
	{ "a claim fails, then a sweep, two stop", 4,
	    { "filed" },
	    { { OWN(FIRE, 0, 0), OWN(SWEEP, 0, 0) },
	        { FAR(RESET, 0, 40), FAR(STOP, 0, 0) },
	        { FAR(STOP, 0, 0) } } },
	{ "a claim fails, then all leave, two stop", 4,
	    { "filed" },
	    { { OWN(FIRE, 0, 0), OWN(EVICT, 0, 0) },
	        { FAR(RESET, 0, 40), FAR(STOP, 0, 0) },
	        { FAR(STOP, 0, 0) } } },
	{ "the callback frees, a reset is under way", 4,
	    { "filed" },
	    { { OWN(FREE, 0, 0), OWN(DRAIN, 0, 0), OWN(DRAIN, 0, 0) },
	        { FAR(RESET, 0, 5) }, { FAR(STOP, 0, 0) } } },
	{ "pushed only if armed", 4,
	    { "filed" },
	    { { OWN(FIRE, 0, 0), OWN(DRAIN, 0, 0) },
	        { FAR(PUSH, 0, 15), FAR(PUSH, 0, 5) },
	        { FAR(STOP, 0, 0) } } },
	{ "another owner, another timer", 4,
	    { "filed", "filed" },
	    { { OWN(ATTACH, 0, 0) }, { OWN(ATTACH, 1, 0) },
	        { FAR(STOP, 0, 0) } } },
	{ "another owner, a stopped timer", 4,
	    { "filed", "stopped" },
	    { { OWN(ATTACH, 0, 0) }, { OWN(ATTACH, 1, 0) },
	        { FAR(STOP, 0, 0) } } },
	{ "another owner walks", 4,
	    { "filed" },
	    { { OWN(ATTACH, 0, 0) }, { OWN(WALK, 0, 0) },
	        { FAR(STOP, 0, 0) } } },
	/* A release waits for the callback on the other seat. */
	{ "an adopter drains, the callback frees", 0,
	    { "filed" },
	    { { OWN(FREE, 0, 0) }, { ADOPT(DRAIN, 0, 0) } } },
	{ "an adopter drains, the owner is in the callback, a release", 4,
	    { "filed" },
	    { { OWN(FIRE, 0, 0), OWN(DRAIN, 0, 0), OWN(PARK, 0, 0) },
	        { ADOPT(DRAIN, 0, 0) }, { FAR(RELEASE, 0, 0) } } },
	{ "an adopter is in the callback, the owner releases", 0,
	    { "filed" },
	    { { OWN(RELEASE, 0, 0), OWN(DRAIN, 0, 0), OWN(PARK, 0, 0) },
	        { ADOPT(FIRE, 0, 0) } } },
	{ "an adopter is in the callback, the owner polls, a release", 4,
	    { "filed" },
	    { { OWN(DRAIN, 0, 0), OWN(PARK, 0, 0) },
	        { ADOPT(FIRE, 0, 0) }, { FAR(RELEASE, 0, 0) } } },
	{ "two callbacks, a release", 4,
	    { "filed", "filed" },
	    { { OWN(FIRE, 0, 0) },
	        { ADOPT(DRAIN, 0, 0), ADOPT(FIRE, 0, 0) },
	        { FAR(RELEASE, 0, 0) } } },
	{ "two callbacks of one timer, a stop, a release", 4,
	    { "filed" },
	    { { OWN(REARM, 0, 15) },
	        { ADOPT(FIRE, 0, 0), ADOPT(DRAIN, 0, 0) },
	        { FAR(STOP, 0, 0), FAR(RELEASE, 0, 0) } } },
	/* What an adopter took out of the inbox, or left, is not slept past. */
	{ "an adopter drains, the owner parks", 0,
	    { "posted" },
	    { { OWN(PARK, 0, 0) }, { ADOPT(DRAIN, 0, 0) } } },
	{ "an adopter drains, the owner parks, a reset", 4,
	    { "idle", "filed" },
	    { { OWN(PARK, 0, 0) }, { ADOPT(DRAIN, 0, 0) },
	        { FAR(RESET, 0, 5) } } },
	{ "an adopter is in the callback, the owner parks, a reset", 4,
	    { "filed", "filed for later" },
	    { { OWN(PARK, 0, 0) }, { ADOPT(FIRE, 0, 0) },
	        { FAR(RESET, 1, 5) } } },
	/* Whoever has read its former kind pushes it where it was. */
	{ "a timer moves, both shards poll, a reset", 3,
	    { "filed" },
	    { { OWN(MOVE, 0, 0), OWN(DRAIN, 0, 0), OWN(FIRE, 0, 0) },
	        { HEIR(DRAIN), HEIR(FIRE) },
	        { FAR(RESET, 0, 5), FAR(RESET, 0, 15) } } },
	{ "a stopped timer moves, both shards poll, a reset", 3,
	    { "stopped" },
	    { { OWN(MOVE, 0, 0), OWN(DRAIN, 0, 0), OWN(FIRE, 0, 0) },
	        { HEIR(DRAIN), HEIR(FIRE) },
	        { FAR(RESET, 0, 5), FAR(STOP, 0, 0) } } },
	{ "a timer moves, both shards poll, a stop, a release", 3,
	    { "filed" },
	    { { OWN(MOVE, 0, 0), OWN(DRAIN, 0, 0) },
	        { HEIR(DRAIN), HEIR(DRAIN) },
	        { FAR(STOP, 0, 0), FAR(RELEASE, 0, 0) } } },
	{ "an idle timer moves, both shards poll, a release", 3,
	    { "idle" },
	    { { OWN(MOVE, 0, 0), OWN(DRAIN, 0, 0) },
	        { HEIR(DRAIN), HEIR(DRAIN) },
	        { FAR(RELEASE, 0, 0) } } },
	{ "a shard retires, its heir polls, a reset", 3,
	    { "filed" },
	    { { OWN(RETIRE, 0, 0) },
	        { HEIR(DRAIN), HEIR(FIRE), HEIR(PARK) },
	        { FAR(RESET, 0, 5) } } },
	{ "a shard retires, its heir polls, a stop", 3,
	    { "filed" },
	    { { OWN(RETIRE, 0, 0) },
	        { HEIR(DRAIN), HEIR(FIRE), HEIR(PARK) },
	        { FAR(STOP, 0, 0), FAR(STOP, 0, 0) } } },
	{ "a shard retires, its heir polls, a release", 3,
	    { "filed" },
	    { { OWN(RETIRE, 0, 0) },
	        { HEIR(DRAIN), HEIR(FIRE), HEIR(PARK) },
	        { FAR(RELEASE, 0, 0) } } },
	{ "a poke that has not heard of the heir", 4,
	    { "idle", "filed" },
	    { { HEIR(DRAIN), HEIR(PARK) }, { FAR(RESET, 0, 40) },
	        { LATE(RESET, 0, 5) } }, true },
	{ "a post that has not heard of the heir", 4,
	    { "stopped", "filed" },
	    { { HEIR(DRAIN), HEIR(PARK) }, { FAR(STOP, 0, 0) },
	        { LATE(RESET, 0, 5) } }, true },
};

static const struct beginning &
begins(const char *name)
{
	unsigned i = 0;

	while (strcmp(beginnings[i].name, name))
		i++;
	return beginnings[i];
}

static void
tell(const struct story &t, unsigned more)
{
	unsigned long long n;
	unsigned threads = 0;
	bool releases = false;

	if (!chosen(t.name))
		return;
	scene = scenario();
	for (; scene.timers < TIMERS && t.begin[scene.timers]; scene.timers++)
		scene.begin[scene.timers] = begins(t.begin[scene.timers]);
	for (; threads < THREADS && t.op[threads][0].code; threads++)
		for (unsigned n = 0; n < OPS && t.op[threads][n].code; n++) {
			add(threads, t.op[threads][n]);
			releases |= t.op[threads][n].code == RELEASE ||
			    t.op[threads][n].code == FREE;
		}
	/* Where memory goes back nothing is armed in the end, and it would take
	 * too long. */
	scene.tells = scene.adopts && !releases;
	scene.retired = t.retired;
	scene.retires |= t.retired;
	scene.evicts |= t.retired;
	waited = 0;
	n = threads == 2 ?
	    explore<2>(t.name, t.bound ? rl::sched_bound : rl::sched_full,
	        t.bound + more, 0) :
	    explore<3>(t.name, t.bound ? rl::sched_bound : rl::sched_full,
	        t.bound + more, 0);
	if (scene.adopts && releases && !waited) {
		printf("FAILED: %s: no release had to wait\n", t.name);
		exit(1);
	}
	if (t.bound)
		report(n, "%s, bound %u", t.name, t.bound + more);
	else
		report(n, "%s", t.name);
}

/* Whatever the owner and two others do, with two timers. */
static const struct operation owner_menu[] = {
	OWN(DRAIN, 0, 0), OWN(FIRE, 0, 0), OWN(FRESH, 0, 0),
	OWN(REARM, 0, 40), OWN(FREE, 0, 0), OWN(BATCH, 0, 0),
	OWN(SWEEP, 0, 0), OWN(PARK, 0, 0), OWN(PARK, 0, 0),
	OWN(DRAIN, 0, 0), OWN(RESET, 0, 5), OWN(RESET, 1, 15),
	OWN(RESET, 0, 40), OWN(STOP, 0, 0), OWN(RELEASE, 1, 0),
};
static const struct operation remote_menu[] = {
	FAR(RESET, 0, 5), FAR(RESET, 0, 15), FAR(RESET, 0, 40),
	FAR(RESET, 1, 5), FAR(RESET, 1, 15), FAR(RESET, 1, 40),
	FAR(PUSH, 0, 10), FAR(STOP, 0, 0), FAR(STOP, 0, 0),
	FAR(STOP, 1, 0), FAR(RELEASE, 0, 0),
};

/* As many executions with each two beginnings. */
static void
at_random(unsigned long long executions)
{
	unsigned kinds = COUNT(beginnings) * COUNT(beginnings);
	unsigned long long n = 0;

	for (unsigned i = 0; i < kinds; i++) {
		scene = scenario();
		scene.timers = TIMERS;
		scene.begin[0] = beginnings[i % COUNT(beginnings)];
		scene.begin[1] = beginnings[i / COUNT(beginnings)];
		scene.menu[0] = owner_menu;
		scene.menus[0] = COUNT(owner_menu);
		for (unsigned th = 1; th < THREADS; th++) {
			scene.menu[th] = remote_menu;
			scene.menus[th] = COUNT(remote_menu);
		}
		n += explore<3>("at random", rl::sched_random, 0,
		    executions / kinds + 1);
	}
	report(n, "at random");
}

int
main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	bool longer = getenv("RELACY_LONG") != NULL;

	only = getenv("RELACY_ONLY");
	if (!strcmp(what, "pairs")) {
		pairs();
	} else if (!strcmp(what, "triples")) {
		relacy_weak = false; /* the pairs have it */
		triples(longer);
	} else if (!strcmp(what, "stories")) {
		relacy_weak = false;
		for (unsigned i = 0; i < COUNT(stories); i++)
			tell(stories[i], stories[i].bound ? longer : 0);
	} else if (!strcmp(what, "random")) {
		at_random(longer ? 20000000 : 1000000);
	} else {
		return 2;
	}
	report(total, "executions");
	return 0;
}
