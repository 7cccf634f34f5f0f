/* SPDX-License-Identifier: MIT
 *
 * relacy_core.c - the scenarios of relacy_world.c that are run.
 *
 *	relacy_core pairs    each two operations, from each beginning, with at
 *	                     most PAIR_BOUND forced switches of thread
 *	relacy_core triples  an owner and two remote threads, from each
 *	                     beginning: two forced switches, or one
 *	relacy_core stories  longer ones, each made for one edge; all_stories:
 *	                     the dear ones among them with one switch more
 *	relacy_core random   operations at random
 *	relacy_core race     a race, which has to be reported
 *
 * Prints how many executions each took. RELACY_LONG in the environment: one
 * switch more, and twenty times as long at random. RELACY_ONLY: only what has
 * this in its name. On failure it prints the execution and exits with 1.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/model/relacy_world.h"

struct named {
	const char *name;
	struct operation op;
	bool dear; /* its triples have one switch, not two */
};

static const struct named remote[] = {
	{ "reset to 5", { RESET, FAR_, 0, 5 } },
	{ "reset to 15", { RESET, FAR_, 0, 15 } },
	{ "reset to 40", { RESET, FAR_, 0, 40 } },
	{ "stop", { STOP, FAR_, 0, 0 } },
	{ "release", { RELEASE, FAR_, 0, 0 } },
};

static const struct named owner_[] = {
	{ "drain", { DRAIN, OWNER, 0, 0 } },
	{ "fire", { FIRE, OWNER, 0, 0 } },
	{ "fire, fresh", { FRESH, OWNER, 0, 22 } },
	{ "fire, rearm", { REARM, OWNER, 0, 40 } },
	{ "fire, free", { FREE, OWNER, 0, 0 } },
	{ "fire a batch", { BATCH, OWNER, 0, 0 } },
	{ "sweep", { SWEEP, OWNER, 0, 0 } },
	{ "park", { PARK, OWNER, 0, 0 } },
	{ "own reset to 5", { RESET, OWNER, 0, 5 } },
	{ "own reset to 15", { RESET, OWNER, 0, 15 } },
	{ "own reset to 40", { RESET, OWNER, 0, 40 } },
	{ "own stop", { STOP, OWNER, 0, 0 } },
	{ "own release", { RELEASE, OWNER, 0, 0 } },
	{ "retire", { RETIRE, OWNER, 0, 0 }, true },
	{ "move", { MOVE, OWNER, 0, 0 } },
};
enum { MOVES = 2 }; /* the last so many */

/* What the owner of the shard that takes over does beside that. */
static const struct named target[] = {
	{ "heir drains", { DRAIN, HEIR_, 0, 0 } },
	{ "heir fires", { FIRE, HEIR_, 0, 0 } },
	{ "heir parks", { PARK, HEIR_, 0, 0 } },
};

enum { PAIR_BOUND = 3 };

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static unsigned long long total;
static const char *only; /* run what has this in its name */

static void
report(unsigned long long n, const char *format, ...)
{
	va_list list;

	total += n;
	printf("%12llu  ", n);
	va_start(list, format);
	vprintf(format, list);
	va_end(list);
	printf("\n");
	fflush(stdout);
}

static void
add(unsigned th, struct operation op)
{
	unsigned n = 0;

	while (scene.op[th][n].code != NONE)
		n++;
	scene.op[th][n] = op;
	scene.heir |= op.role == HEIR_ || op.code == RETIRE || op.code == MOVE;
	scene.adopts |= op.role == ADOPTER;
	scene.attaches |= op.code == ATTACH || op.code == WALK;
	scene.moves |= op.code == MOVE;
	scene.stop_calls |= op.code == STOP || op.code == SYNC;
	/* rota_timer_move() asks for that. Resets and releases that began
	 * before do no harm, so they run without. */
	scene.mutex = scene.moves && scene.stop_calls;
	scene.rooms |= op.code == INIT;
	scene.pooled |= op.code >= AFTER && op.code <= H_RELEASE;
	scene.kept |= op.code == H_RELEASE || op.code == H_INIT;
	scene.loose |= op.code == H_INIT;
	scene.fresh |= op.code == FRESH;
	scene.reuses |= op.code == REUSE;
}

static bool
chosen(const char *name)
{
	return !only || strstr(name, only);
}

static unsigned long long
search(const char *name, enum model_search how, unsigned bound,
    unsigned long long executions)
{
	char text[256];
	unsigned threads = 2;

	if (scene.op[2][0].code != NONE || scene.menus[2])
		threads = 3;
	snprintf(text, sizeof(text), "%s, from: %s%s%s", name,
	    begins_name[scene.begin[0]], scene.timers > 1 ? "; " : "",
	    scene.timers > 1 ? begins_name[scene.begin[1]] : "");
	world_set_up();
	return model_search(text, threads, how, bound, executions);
}

/* From each beginning, with @bound forced switches. */
static void
from_each(
    const char *name, const struct operation *op, unsigned n, unsigned bound)
{
	unsigned long long executions = 0;

	if (!chosen(name))
		return;
	for (unsigned i = 0; i < BEGINNINGS; i++) {
		memset(&scene, 0, sizeof(scene));
		scene.timers = 1;
		scene.begin[0] = (enum begins)i;
		for (unsigned th = 0; th < n; th++)
			add(th, op[th]);
		if (scene.fresh) {
			scene.timers = 2;
			scene.begin[1] = FILED;
		}
		executions += search(name, MODEL_BOUND, bound, 0);
	}
	report(executions, "%s, bound %u", name, bound);
}

static void
pair(const struct named *a, const struct named *b, unsigned bound)
{
	struct operation op[] = { a->op, b->op };
	char name[128];

	snprintf(name, sizeof(name), "%s | %s", a->name, b->name);
	from_each(name, op, 2, bound);
}

static void
pairs(unsigned bound)
{
	for (unsigned i = 0; i < COUNT(remote); i++)
		for (unsigned k = i; k < COUNT(remote); k++)
			pair(&remote[i], &remote[k], bound);
	for (unsigned i = 0; i < COUNT(owner_); i++)
		for (unsigned k = 0; k < COUNT(remote); k++)
			pair(&owner_[i], &remote[k], bound);
	for (unsigned i = COUNT(owner_) - MOVES; i < COUNT(owner_); i++)
		for (unsigned k = 0; k < COUNT(target); k++)
			pair(&owner_[i], &target[k], bound);
}

static void
triples(unsigned more)
{
	for (unsigned o = 0; o < COUNT(owner_); o++)
		for (unsigned i = 0; i < COUNT(remote); i++)
			for (unsigned k = i; k < COUNT(remote); k++) {
				struct operation op[] = { owner_[o].op,
					remote[i].op, remote[k].op };
				char name[128];

				snprintf(name, sizeof(name), "%s | %s | %s",
				    owner_[o].name, remote[i].name,
				    remote[k].name);
				from_each(
				    name, op, 3, 2 - owner_[o].dear + more);
			}
}

/* Longer ones. The timers begin as said; @bound 0 is full search. */
struct story {
	const char *name;
	unsigned bound;
	unsigned timers;
	enum begins begin[TIMERS];
	struct operation op[THREADS][OPS];
	bool ranks;
	bool aged;
	bool chained;
	bool full;
	bool dear; /* one switch less, but for all_stories: four for full */
};

/* clang-format off */
#define OWN(code, timer, when) { code, OWNER, timer, when }
#define HEIR(code) { code, HEIR_, 0, 0 }
#define ADOPT(code, timer, when) { code, ADOPTER, timer, when }
#define FAR(code, timer, when) { code, FAR_, timer, when }
/* clang-format on */

static const struct story stories[] = {
	/* The word is as it was, but not what belongs to it. */
	{ "reset to the same instant, stopped", 0, 1, { FILED },
	    { { FAR(RESET, 0, SAME) }, { FAR(STOP, 0, 0) } } },
	{ "reset to the same instant, fired", 0, 1, { FILED },
	    { { OWN(FIRE, 0, 0) }, { FAR(RESET, 0, SAME) } } },
	{ "reset to the same instant, freed", 0, 1, { FILED },
	    { { OWN(RELEASE, 0, 0) }, { FAR(RESET, 0, SAME) } } },
	/* The owner sleeps until 20, for timer 1. */
	{ "a poke, its timer not pushed yet", 3, 2, { IDLE, FILED },
	    { { OWN(PARK, 0, 0) }, { FAR(RESET, 0, 40) },
		{ FAR(RESET, 0, 5) } } },
	{ "a release, its timer not pushed yet", 3, 2, { IDLE, FILED },
	    { { OWN(PARK, 0, 0) }, { FAR(RESET, 0, 40) },
		{ FAR(RELEASE, 0, 0) } } },
	{ "a release pushes, another pokes", 3, 2, { IDLE, FILED },
	    { { OWN(PARK, 0, 0) }, { FAR(RELEASE, 0, 0) },
		{ FAR(RESET, 0, 5) } } },
	{ "a poke by the owner, before it sleeps", 0, 2, { IDLE, FILED },
	    { { OWN(RESET, 0, 5), OWN(PARK, 0, 0) }, { FAR(RESET, 0, 40) } },
	    .dear = true },
	{ "a poke while the owner wakes and sleeps again", 2, 2,
	    { IDLE, FILED },
	    { { OWN(PARK, 0, 0), OWN(DRAIN, 0, 0), OWN(PARK, 0, 0) },
		{ FAR(RESET, 0, 40) }, { FAR(RESET, 0, 5) } } },
	{ "only one wakes", 3, 2, { IDLE, IDLE },
	    { { OWN(PARK, 0, 0), OWN(DRAIN, 0, 0), OWN(PARK, 0, 0) },
		{ FAR(RESET, 0, 15) }, { FAR(RESET, 1, 5) } },
	    .dear = true },
	{ "two timers on the inbox", 3, 2, { FILED, IDLE },
	    { { OWN(DRAIN, 0, 0), OWN(FIRE, 0, 0), OWN(PARK, 0, 0) },
		{ FAR(RESET, 0, 5) }, { FAR(RESET, 1, 15) } },
	    .dear = true },
	{ "a poll, two resets and a stop", 2, 1, { FILED },
	    { { OWN(DRAIN, 0, 0), OWN(FIRE, 0, 0), OWN(PARK, 0, 0) },
		{ FAR(RESET, 0, 5), FAR(RESET, 0, 15) },
		{ FAR(STOP, 0, 0) } } },
	{ "posted, drained, posted by another", 3, 1, { IDLE },
	    { { OWN(DRAIN, 0, 0), OWN(FIRE, 0, 0), OWN(DRAIN, 0, 0) },
		{ FAR(RESET, 0, 15) }, { FAR(RESET, 0, 5) } },
	    .dear = true },
	{ "the callback arms, two others stop", 3, 1, { FILED },
	    { { OWN(REARM, 0, 40), OWN(DRAIN, 0, 0) },
		{ FAR(STOP, 0, 0), FAR(STOP, 0, 0) }, { FAR(STOP, 0, 0) } },
	    .dear = true },
	/* What `running` says of the claim is over with LINKED. */
	{ "a claim fails, then a sweep, two stop", 3, 1, { FILED },
	    { { OWN(FIRE, 0, 0), OWN(SWEEP, 0, 0) },
		{ FAR(RESET, 0, 40), FAR(STOP, 0, 0) }, { FAR(STOP, 0, 0) } } },
	{ "the callback frees, a reset is under way", 2, 1, { FILED },
	    { { OWN(FREE, 0, 0), OWN(DRAIN, 0, 0), OWN(DRAIN, 0, 0) },
		{ FAR(RESET, 0, 5) }, { FAR(STOP, 0, 0) } } },
	{ "pushed only if armed", 3, 1, { FILED },
	    { { OWN(FIRE, 0, 0), OWN(DRAIN, 0, 0) },
		{ FAR(PUSH, 0, 15), FAR(PUSH, 0, 5) }, { FAR(STOP, 0, 0) } },
	    .dear = true },
	{ "another owner, another timer", 2, 2, { FILED, FILED },
	    { { OWN(ATTACH, 0, 0) }, { OWN(ATTACH, 1, 0) },
		{ FAR(STOP, 0, 0) } } },
	{ "another owner, a stopped timer", 2, 2, { FILED, STOPPED },
	    { { OWN(ATTACH, 0, 0) }, { OWN(ATTACH, 1, 0) },
		{ FAR(STOP, 0, 0) } } },
	{ "another owner walks", 3, 1, { FILED },
	    { { OWN(ATTACH, 0, 0) }, { OWN(WALK, 0, 0) }, { FAR(STOP, 0, 0) } },
	    .dear = true },
	/* What it stores in `running` hides the end of the former owner's
	 * callback. */
	{ "another owner claims the other timer, a stop", 1, 2,
	    { FILED, FILED },
	    { { OWN(ATTACH, 0, ONE_STEP) }, { OWN(ATTACH, 1, 0) },
		{ FAR(STOP, 0, 0) } } },
	{ "another owner refiles the other timer, a stop", 1, 2,
	    { FILED, FILED_FOR_LATER },
	    { { OWN(ATTACH, 0, ONE_STEP) }, { OWN(ATTACH, 1, 0) },
		{ FAR(STOP, 0, 0) } } },
	/* A release waits for the callback on the other seat. */
	{ "an adopter drains, the callback frees", 3, 1, { FILED },
	    { { OWN(FREE, 0, 0) }, { ADOPT(DRAIN, 0, 0) } } },
	{ "an adopter drains, the owner is in the callback, a release", 2, 1,
	    { FILED },
	    { { OWN(FIRE, 0, 0), OWN(DRAIN, 0, 0), OWN(PARK, 0, 0) },
		{ ADOPT(DRAIN, 0, 0) }, { FAR(RELEASE, 0, 0) } } },
	{ "an adopter is in the callback, the owner releases", 3, 1, { FILED },
	    { { OWN(RELEASE, 0, 0), OWN(DRAIN, 0, 0), OWN(PARK, 0, 0) },
		{ ADOPT(FIRE, 0, 0) } } },
	{ "an adopter is in the callback, the owner polls, a release", 2, 1,
	    { FILED },
	    { { OWN(DRAIN, 0, 0), OWN(PARK, 0, 0) }, { ADOPT(FIRE, 0, 0) },
		{ FAR(RELEASE, 0, 0) } } },
	{ "two callbacks, a release", 2, 2, { FILED, FILED },
	    { { OWN(FIRE, 0, 0) }, { ADOPT(DRAIN, 0, 0), ADOPT(FIRE, 0, 0) },
		{ FAR(RELEASE, 0, 0) } } },
	{ "two callbacks of one timer, a stop, a release", 2, 1, { FILED },
	    { { OWN(REARM, 0, 15) }, { ADOPT(FIRE, 0, 0), ADOPT(DRAIN, 0, 0) },
		{ FAR(STOP, 0, 0), FAR(RELEASE, 0, 0) } },
	    .dear = true },
	{ "an adopter's `released` releases, the owner is in the callback", 2,
	    2, { IDLE, FILED },
	    { { OWN(FIRE, 0, 0) }, { FAR(RELEASE, 0, 0), ADOPT(DRAIN, 0, 0) } },
	    .chained = true },
	/* What an adopter took out of the inbox, or left, is not slept past. */
	{ "an adopter drains, the owner parks", 3, 1, { POSTED },
	    { { OWN(PARK, 0, 0) }, { ADOPT(DRAIN, 0, 0) } } },
	{ "an adopter drains, the owner parks, a reset", 2, 2, { IDLE, FILED },
	    { { OWN(PARK, 0, 0) }, { ADOPT(DRAIN, 0, 0) },
		{ FAR(RESET, 0, 5) } } },
	{ "an adopter is in the callback, the owner parks, a reset", 2, 2,
	    { FILED, FILED_FOR_LATER },
	    { { OWN(PARK, 0, 0) }, { ADOPT(FIRE, 0, 0) },
		{ FAR(RESET, 1, 5) } } },
	/* Whoever has read its former kind pushes it where it was. */
	{ "a timer moves, both shards poll, a reset", 2, 1, { FILED },
	    { { OWN(MOVE, 0, 0), OWN(DRAIN, 0, 0), OWN(FIRE, 0, 0) },
		{ HEIR(DRAIN), HEIR(FIRE) },
		{ FAR(RESET, 0, 5), FAR(RESET, 0, 15) } } },
	{ "a stopped timer moves, both shards poll, a reset", 2, 1, { STOPPED },
	    { { OWN(MOVE, 0, 0), OWN(DRAIN, 0, 0), OWN(FIRE, 0, 0) },
		{ HEIR(DRAIN), HEIR(FIRE) },
		{ FAR(RESET, 0, 5), FAR(STOP, 0, 0) } } },
	{ "a timer moves, both shards poll, a stop, a release", 2, 1, { FILED },
	    { { OWN(MOVE, 0, 0), OWN(DRAIN, 0, 0) },
		{ HEIR(DRAIN), HEIR(DRAIN) },
		{ FAR(STOP, 0, 0), FAR(RELEASE, 0, 0) } } },
	{ "an idle timer moves, both shards poll, a release", 2, 1, { IDLE },
	    { { OWN(MOVE, 0, 0), OWN(DRAIN, 0, 0) },
		{ HEIR(DRAIN), HEIR(DRAIN) }, { FAR(RELEASE, 0, 0) } } },
	{ "a shard retires, its heir polls, a reset", 2, 1, { FILED },
	    { { OWN(RETIRE, 0, 0) }, { HEIR(DRAIN), HEIR(FIRE), HEIR(PARK) },
		{ FAR(RESET, 0, 5) } } },
	{ "a shard retires, its heir polls, a stop", 2, 1, { FILED },
	    { { OWN(RETIRE, 0, 0) }, { HEIR(DRAIN), HEIR(FIRE), HEIR(PARK) },
		{ FAR(STOP, 0, 0), FAR(STOP, 0, 0) } } },
	{ "a shard retires, its heir polls, a release", 2, 1, { FILED },
	    { { OWN(RETIRE, 0, 0) }, { HEIR(DRAIN), HEIR(FIRE), HEIR(PARK) },
		{ FAR(RELEASE, 0, 0) } } },
	{ "a claim fails, then the timer moves, two stop", 2, 1, { FILED },
	    { { OWN(FIRE, 0, 0), OWN(MOVE, 0, 0) },
		{ FAR(RESET, 0, 40), FAR(STOP, 0, 0) }, { FAR(STOP, 0, 0) } } },
	/* Who has not heard of the heir. */
	{ "a kick at the retired shard", 2, 2, { IDLE, FILED },
	    { { OWN(RETIRE, 0, 0), FAR(RESET, 0, 40) },
		{ HEIR(DRAIN), HEIR(PARK) }, { FAR(RESET, 0, 5) } },
	    .dear = true },
	{ "a push on the retired shard", 2, 2, { STOPPED, FILED },
	    { { OWN(RETIRE, 0, 0), FAR(STOP, 0, 0) },
		{ HEIR(DRAIN), HEIR(PARK) }, { FAR(RESET, 0, 5) } } },
	{ "a retired shard is polled", 2, 1, { FILED },
	    { { OWN(RETIRE, 0, 0), OWN(DRAIN, 0, 0) },
		{ HEIR(FIRE), HEIR(PARK) }, { FAR(RESET, 0, 5) } } },
	{ "an adopter polls a shard that retires", 2, 1, { FILED },
	    { { OWN(RETIRE, 0, 0), OWN(DRAIN, 0, 0) }, { ADOPT(FIRE, 0, 0) },
		{ FAR(RESET, 0, 15) } } },
	{ "a retired shard is polled, a push is under way", 4, 1, { FILED },
	    { { OWN(RETIRE, 0, 0), OWN(DRAIN, 0, 0) }, { FAR(RESET, 0, 5) } } },
	/* A stop asks the heir: no callback runs on the retired shard. */
	{ "a shard retires, an adopter was in the callback, a stop", 4, 1,
	    { FILED },
	    { { OWN(RETIRE, 0, 0), FAR(STOP, 0, 0) }, { ADOPT(FIRE, 0, 0) } } },
	/* Room, where a shard retires. */
	{ "a timer is initialised, its shard retires", 3, 1, { FILED },
	    { { OWN(RETIRE, 0, 0) }, { FAR(INIT, 0, 0) } } },
	{ "a timer is initialised, another leaves, a shard retires", 2, 1,
	    { FILED },
	    { { OWN(RETIRE, 0, 0) }, { FAR(INIT, 0, 0) },
		{ FAR(RELEASE, 0, 0) } } },
	/* stop_sync. */
	{ "a stop_sync, the callback runs", 3, 1, { FILED },
	    { { OWN(FIRE, 0, 0) }, { FAR(SYNC, 0, 0) } } },
	{ "a stop_sync, the callback arms again", 3, 1, { FILED },
	    { { OWN(REARM, 0, 15), OWN(FIRE, 0, 0) }, { FAR(SYNC, 0, 0) } } },
	{ "a stop_sync, the callback frees", 3, 1, { FILED },
	    { { OWN(FREE, 0, 0) }, { FAR(SYNC, 0, 0) } } },
	{ "a stop_sync, the callback of the timer before it has freed", 3, 1,
	    { FILED },
	    { { OWN(REUSE, 0, 5), OWN(FREE, 0, 0) }, { FAR(SYNC, 0, 0) } } },
	{ "a stop_sync, a claim fails", 2, 1, { FILED },
	    { { OWN(FIRE, 0, 0), OWN(FIRE, 0, 0) },
		{ FAR(RESET, 0, 40), FAR(SYNC, 0, 0) },
		{ FAR(RESET, 0, 5) } } },
	{ "a stop_sync, two callbacks of one timer", 2, 1, { FILED },
	    { { OWN(REARM, 0, 15) }, { ADOPT(FIRE, 0, 0), ADOPT(FIRE, 0, 0) },
		{ FAR(SYNC, 0, 0) } },
	    .dear = true },
	{ "a stop_sync, the shard retires", 2, 1, { FILED },
	    { { OWN(FIRE, 0, 0), OWN(RETIRE, 0, 0) }, { HEIR(FIRE) },
		{ FAR(RESET, 0, 15), FAR(SYNC, 0, 0) } },
	    .dear = true },
	/* Adopters that fire. */
	{ "an adopter fires and arms again", 3, 1, { FILED },
	    { { OWN(FIRE, 0, 0), OWN(PARK, 0, 0) },
		{ ADOPT(REARM, 0, 15), ADOPT(FIRE, 0, 0) } } },
	{ "an adopter fires and frees", 3, 1, { FILED },
	    { { OWN(RESET, 0, 15), OWN(FIRE, 0, 0) }, { ADOPT(FREE, 0, 0) } } },
	{ "an adopter fires, the owner fires the other", 2, 2, { FILED, FILED },
	    { { OWN(FIRE, 0, 0), OWN(STOP, 0, 0) },
		{ ADOPT(FIRE, 0, 0), ADOPT(FIRE, 0, 0) },
		{ FAR(STOP, 0, 0), FAR(STOP, 1, 0) } },
	    .dear = true },
	/* Handles: the next user of a node finds it as the former left it. */
	{ "a pooled timer fires, another looks and arms", 3, 0, { IDLE },
	    { { OWN(FIRE, 0, 0) }, { FAR(H_LOOK, 0, 0), FAR(AFTER, 0, 30) } } },
	{ "a pooled timer fires, another stops and arms", 3, 0, { IDLE },
	    { { OWN(FIRE, 0, 0), OWN(DRAIN, 0, 0) },
		{ FAR(H_STOP, 0, 0), FAR(AFTER, 0, 30) } } },
	{ "a pooled timer, two stop it and arm", 2, 0, { IDLE },
	    { { OWN(DRAIN, 0, 0) }, { FAR(H_STOP, 0, 0), FAR(AFTER, 0, 30) },
		{ FAR(H_STOP, 0, 0), FAR(AFTER, 0, 15) } } },
	{ "a pooled timer is pushed, another arms, a handle is found", 2, 0,
	    { IDLE },
	    { { OWN(FIRE, 0, 0), OWN(AFTER, 0, 30) },
		{ FAR(H_PUSH, 0, 40), FAR(H_STOP, 1, 0) },
		{ FAR(H_LOOK, 0, 0), FAR(H_STOP, 1, 0) } } },
	{ "a pooled timer is stopped, armed, its handle found", 2, 0, { IDLE },
	    { { OWN(DRAIN, 0, 0), OWN(FIRE, 0, 0) },
		{ FAR(H_STOP, 0, 0), FAR(AFTER, 0, 15) },
		{ FAR(H_STOP, 1, 0), FAR(AFTER, 0, 5) } },
	    .dear = true },
	{ "a kept timer fires, is reset, is released", 2, 0, { IDLE },
	    { { OWN(FIRE, 0, 0), OWN(AFTER, 0, 15) },
		{ FAR(H_RELEASE, 0, 0), FAR(AFTER, 0, 30) },
		{ FAR(H_LOOK, 0, 0), FAR(H_LOOK, 1, 0) } } },
	{ "a kept timer is released by two", 3, 0, { IDLE },
	    { { OWN(FIRE, 0, 0) }, { FAR(H_RELEASE, 0, 0) },
		{ FAR(H_RELEASE, 0, 0), FAR(AFTER, 0, 15) } },
	    .dear = true },
	/* Whoever pops a node sees its slab, which another has just made: at the
	 * first try, and after a compare-and-swap that failed. */
	{ "pooled, another slab is made, its node is popped", 2, 0, { IDLE },
	    { { OWN(FIRE, 0, 0), OWN(AFTER, 0, 15), OWN(AFTER, 0, 22),
		  OWN(FIRE, 0, 0) },
		{ FAR(AFTER, 0, 30) } } },
	/* A call may say that there is no such handle; else it sees the node as
	 * that was made. */
	{ "pooled, a handle is handed on without order, reset", 3, 0, { IDLE },
	    { { FAR(H_INIT, 0, 0) }, { FAR(H_PUSH, 1, 15) } } },
	/* A free node loses its timer, for its room, and gets another. Who had a
	 * use of the node has loaded words of the former timer. */
	{ "pooled, a node gets another timer", 3, 0, { IDLE },
	    { { OWN(FIRE, 0, 0), OWN(ROOM, 0, 0), OWN(AFTER, 0, 30) },
		{ FAR(H_LOOK, 0, 0) } },
	    .full = true },
	/* Idle polls. */
	{ "idle polls, a reset", 3, 2, { FILED_FOR_LATER, IDLE },
	    { { OWN(DRAIN, 0, 0), OWN(DRAIN, 0, 0), OWN(FIRE, 0, 0),
		  OWN(PARK, 0, 0) },
		{ FAR(RESET, 1, 5), FAR(RESET, 0, 15) } } },
	{ "idle polls, a stop, a reset", 3, 1, { FILED },
	    { { OWN(DRAIN, 0, 0), OWN(DRAIN, 0, 0), OWN(FIRE, 0, 0),
		  OWN(PARK, 0, 0) },
		{ FAR(STOP, 0, 0), FAR(RESET, 0, 5) } } },
	/* Equal deadlines: the timer that is armed last fires last. */
	{ "ranks, a poll", 3, 2, { FILED, FILED },
	    { { OWN(RESET, 0, SAME), OWN(FIRE, 0, 0) },
		{ FAR(PUSH, 0, SAME), FAR(PUSH, 1, SAME) } },
	    true },
	{ "ranks, a retirement", 2, 2, { FILED, FILED },
	    { { OWN(RESET, 0, SAME), OWN(RETIRE, 0, 0) },
		{ HEIR(DRAIN), HEIR(FIRE) }, { FAR(PUSH, 0, SAME) } },
	    true },
	{ "ranks, a retirement long after the armings", 2, 2, { FILED, FILED },
	    { { OWN(RETIRE, 0, 0) }, { HEIR(DRAIN), HEIR(FIRE) } }, true,
	    .aged = true },
};

static void
tell(const struct story *t, bool all, unsigned more)
{
	unsigned bound = t->bound ? t->bound + more : 0;
	bool releases = false;
	unsigned long long n;

	if (!chosen(t->name))
		return;
	if (t->dear && !all)
		bound = bound ? bound - 1 : 4;
	memset(&scene, 0, sizeof(scene));
	scene.timers = t->timers;
	memcpy(scene.begin, t->begin, sizeof(scene.begin));
	scene.ranks = t->ranks;
	scene.aged = t->aged;
	scene.chained = t->chained;
	scene.full = t->full;
	scene.stops = !strncmp(t->name, "idle", 4);
	for (unsigned th = 0; th < THREADS; th++)
		for (unsigned i = 0; i < OPS && t->op[th][i].code != NONE;
		     i++) {
			add(th, t->op[th][i]);
			releases |= t->op[th][i].code == RELEASE ||
			    t->op[th][i].code == FREE;
		}
	waited = 0;
	n = search(t->name, bound ? MODEL_BOUND : MODEL_FULL, bound, 0);
	/* Of a chained release an execution ends before the next drain. */
	if (scene.adopts && releases && !waited && !t->chained) {
		printf("FAILED: %s: no release had to wait\n", t->name);
		exit(1);
	}
	if (bound)
		report(n, "%s, bound %u", t->name, bound);
	else
		report(n, "%s", t->name);
}

/* Whatever the owner and two others do, with two timers. */
static const struct operation owner_menu[] = {
	OWN(DRAIN, 0, 0),
	OWN(FIRE, 0, 0),
	OWN(FRESH, 0, 0),
	OWN(REARM, 0, 40),
	OWN(FREE, 0, 0),
	OWN(BATCH, 0, 0),
	OWN(SWEEP, 0, 0),
	OWN(PARK, 0, 0),
	OWN(PARK, 0, 0),
	OWN(DRAIN, 0, 0),
	OWN(RESET, 0, 5),
	OWN(RESET, 1, 15),
	OWN(RESET, 0, 40),
	OWN(STOP, 0, 0),
	OWN(RELEASE, 1, 0),
};
static const struct operation remote_menu[] = {
	FAR(RESET, 0, 5),
	FAR(RESET, 0, 15),
	FAR(RESET, 0, 40),
	FAR(RESET, 1, 5),
	FAR(RESET, 1, 15),
	FAR(RESET, 1, 40),
	FAR(PUSH, 0, 10),
	FAR(STOP, 0, 0),
	FAR(STOP, 0, 0),
	FAR(STOP, 1, 0),
	FAR(RELEASE, 0, 0),
};

/* As many executions with each two beginnings. */
static void
at_random(unsigned long long executions)
{
	unsigned kinds = BEGINNINGS * BEGINNINGS;
	unsigned long long n = 0;

	for (unsigned i = 0; i < kinds; i++) {
		memset(&scene, 0, sizeof(scene));
		scene.timers = TIMERS;
		scene.begin[0] = (enum begins)(i % BEGINNINGS);
		scene.begin[1] = (enum begins)(i / BEGINNINGS);
		scene.menu[0] = owner_menu;
		scene.menus[0] = COUNT(owner_menu);
		for (unsigned th = 1; th < THREADS; th++) {
			scene.menu[th] = remote_menu;
			scene.menus[th] = COUNT(remote_menu);
		}
		n += search(
		    "at random", MODEL_RANDOM, 0, executions / kinds + 1);
	}
	report(n, "at random");
}

/* Would a race be seen? It has to fail: one thread reads what another, in one
 * step, reads and writes. */
static void
race(void)
{
	struct operation look = { LOOK, FAR_, 0, 0 },
			 touch = { TOUCH, FAR_, 0, 0 };

	scene.timers = 1;
	add(0, look);
	add(1, touch);
	search("a race", MODEL_FULL, 0, 0);
}

int
main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	bool longer = getenv("RELACY_LONG") != NULL;

	only = getenv("RELACY_ONLY");
	if (!strcmp(what, "pairs")) {
		pairs(PAIR_BOUND + longer);
	} else if (!strcmp(what, "triples")) {
		model_weak = false; /* the pairs have it */
		triples(longer);
	} else if (!strcmp(what, "stories") || !strcmp(what, "all_stories")) {
		model_weak = false;
		for (unsigned i = 0; i < COUNT(stories); i++)
			tell(&stories[i], *what == 'a', longer);
	} else if (!strcmp(what, "random")) {
		at_random(longer ? 5000000 : 250000);
	} else if (!strcmp(what, "race")) {
		race();
	} else {
		return 2;
	}
	printf("%12llu  executions\n", total);
	return 0;
}
