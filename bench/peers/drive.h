/* SPDX-License-Identifier: MIT
 *
 * drive.h - the program around an adapter. The last thing it includes.
 *
 *   peer_X about                 a line of JSON: name, version, variants
 *   peer_X check VARIANT ROW     "ok", or what is wrong
 *   peer_X run VARIANT WORK N EMBEDDED OPS BUDGET_MS SEED
 *                                a line of JSON with what was measured
 *
 * A run has so many operations (not those of two threads, which must have time
 * to meet), or so much time, whichever is first; before it a fifth of it, to
 * warm up, and after it WORST_OPS operations timed one by one, for the worst.
 * It asks how many fired, and of the works in which none may fire, none. Runs
 * of one SEED draw the same random numbers.
 *
 * One run a process: no peer meets what another run has left in its memory.
 * A check that hangs or crashes is the caller's to end, and a failure.
 */
#ifndef BENCH_PEERS_DRIVE_H
#define BENCH_PEERS_DRIVE_H

#include "bench/work/work.h"

#include "bench/peers/check.h"
#include "bench/work/sides.h"

#define WORST_OPS 20000u

/* The second half of the timers, in the thread that they are of. */
static inline void
side_enters(struct side *s)
{
#ifdef PEER_SAFE
	peer_enter(s->peer);
#else
	peer_open(s->peer, s->w->variant, s->n);
	for (uint32_t i = 0; i < s->n; i++) {
		peer_init(s->peer, work_timer(s->w, s->first + i));
		peer_start(s->peer, work_timer(s->w, s->first + i),
		    (uint64_t)pick_span(pick_make(&s->random, 1),
			(int64_t)s->least, 60 * (int64_t)PEER_S));
	}
#endif
}

enum sides { OWN, CROSS, REMOTE };
#define OWN_LEAST (30 * PEER_S)

static void
run_sides(struct work *w, enum sides what)
{
	static struct peer second;
	struct side s[2];

	sides_open(w, s, &second);
	/* Those of a second instance are started by its own thread. */
	for (uint32_t i = 0; i < (w->halves && SIDE_MUTEX ? w->n / 2 : w->n);
	     i++)
		peer_start(s->home[i >= w->n / 2], work_timer(w, i),
		    work_ahead(
			w, pick_make(&w->random, 1), OWN_LEAST, 60 * PEER_S));
	work_bytes(w);
	if (what == OWN) {
		s[0].n = s[1].n = w->n / 2;
		s[1].first = w->n / 2;
		/* With its clock, which no timer comes due on. */
		for (int k = 0; k < 2; k++) {
			s[k].alone = s[k].moves = true;
			s[k].least = OWN_LEAST;
		}
		s[1].ready = side_enters;
	}
	s[0].what = s[1].what = what == CROSS ? SIDE_PUSH : SIDE_RESTART;
	if (what == REMOTE) {
		s[0].what = SIDE_POLL;
		s[1].peer = NULL;
		s[1].polls = false;
	}
	sides_run(s);
	/* ns for an operation of one thread. */
	w->ops = what == REMOTE ? s[1].ops : (s[0].ops + s[1].ops) / 2;
	w->spent = what == REMOTE ? s[1].spent : (s[0].spent + s[1].spent) / 2;
}

static void
run_own(struct work *w)
{
	run_sides(w, OWN);
}

static void
run_cross(struct work *w)
{
	run_sides(w, CROSS);
}

static void
run_remote(struct work *w)
{
	run_sides(w, REMOTE);
}

/* A work of work.h, or what runs one of sides.h. */
static const struct drive_work {
	const char *name;
	void (*begin)(struct work *w);
	uint64_t (*step)(struct work *w);
	op_fn *op; /* NULL: a step is a round of all timers */
	enum work_polls polls;
	uint64_t quiet; /* none may fire until the clock is here */
	void (*sides)(struct work *w);
	bool halves;
} works[] = {
	{ "start_stop", begin_start_stop, step_start_stop, op_start_stop,
	    POLL_NEVER, UINT64_MAX, NULL, false },
	/* At 1e7 some are not picked for 30 s; in a short run none. */
	{ "idle_reset", work_age, step_idle_reset, op_idle_reset, POLL_BLOCK,
	    WORK_IDLE, NULL, false },
	{ "arm", begin_nothing, step_arm, NULL, POLL_NEVER, 0, NULL, false },
	{ "fire", begin_fire, step_fire, NULL, POLL_NEVER, 0, NULL, false },
	{ "short_rpc", begin_short_rpc, step_short_rpc, op_short_rpc,
	    POLL_BLOCK, UINT64_MAX, NULL, false },
	{ "server_mix", begin_server_mix, step_server_mix, op_server_mix,
	    POLL_BLOCK, 0, NULL, false },
	{ "turn", begin_server_mix, step_turn, op_server_mix, POLL_TURN, 0,
	    NULL, false },
	{ "herd", begin_herd, step_herd, NULL, POLL_NEVER, 0, NULL, false },
	{ "earlier", begin_earlier, step_earlier, op_earlier, POLL_NEVER,
	    UINT64_MAX, NULL, false },
	{ "tcp_rto", begin_tcp, step_tcp_rto, op_tcp_rto, POLL_FIFTIETH, 0,
	    NULL, false },
	{ "scatter", begin_tcp, step_scatter, op_scatter, POLL_FIFTIETH, 0,
	    NULL, false },
	{ "own", NULL, NULL, NULL, POLL_NEVER, UINT64_MAX, run_own, true },
	{ "cross", NULL, NULL, NULL, POLL_NEVER, UINT64_MAX, run_cross, true },
	{ "remote", NULL, NULL, NULL, POLL_NEVER, UINT64_MAX, run_remote,
	    false },
};
#define WORKS (sizeof(works) / sizeof(works[0]))

/* Steps until so many operations or so much time, whichever is first: a slow
 * peer keeps nobody waiting. */
static void
drive_loop(struct work *w, const struct drive_work *d, unsigned part)
{
	uint64_t whole = w->budget;

	w->ops = w->spent = 0;
	w->budget = whole / part;
	while (w->ops < w->most / part && w->spent < w->budget) {
		uint64_t ops = d->step(w);

		w->ops += ops;
		if (!w->bytes && !d->op)
			work_bytes(w);
		if (!ops)
			break;
	}
	w->budget = whole;
}

/* Operations one by one, and the polls between them. */
static void
drive_worst(struct work *w, const struct drive_work *d)
{
	uint64_t most = w->budget / 4 + peer_clock();
	uint32_t per = work_per(w, d->polls), left = per;

	for (uint32_t i = 0; i < WORST_OPS; i++) {
		struct pick p = pick_make(&w->random, w->n);
		uint64_t start = peer_clock(), end;

		d->op(w, p);
		end = peer_clock();
		if (end - start > w->worst)
			w->worst = end - start;
		if (per && --left == 0) {
			left = per;
			start = end;
			if (d->polls == POLL_TURN)
				work_turn(w, PEER_MS);
			else
				work_poll(w, PEER_MS);
			end = peer_clock();
			if (end - start > w->worst_poll)
				w->worst_poll = end - start;
		}
		if (end > most)
			break;
	}
}

static void
drive_measure(struct work *w, const struct drive_work *d)
{
	uint32_t n = w->n;
	uint64_t ops, spent;

	d->begin(w);
	if (d->begin != begin_nothing)
		work_bytes(w);
	if (d->op && d->step != step_earlier)
		drive_loop(w, d, 5); /* warms up */
	drive_loop(w, d, 1);
	ops = w->ops;
	spent = w->spent;
	if (d->op) {
		drive_worst(w, d);
	} else if (d->step == step_fire) {
		begin_fire(w);
		fire_round(w, 1);
	}
	w->ops = ops;
	w->spent = spent;
	if (d->op == op_server_mix && !peer_info.limit && w->fired * 200 < ops)
		peer_die("fewer fired than must have");
	if (w->n != n) /* N have memory, fewer are armed */
		w->bytes = 0;
}

static void
drive_about(void)
{
	printf("{\"name\": \"%s\", \"version\": \"%s\", \"variants\": \"%s\", "
	       "\"safe\": %s, \"limit\": %s, \"late\": %llu, \"most\": %u, "
	       "\"works\": \"",
	    peer_info.name, peer_info.version, peer_info.variants,
#ifdef PEER_SAFE
	    "true",
#else
	    "false",
#endif
	    peer_info.limit ? "true" : "false",
	    (unsigned long long)peer_info.late, peer_info.most);
	for (unsigned k = 0; k < WORKS; k++)
		printf("%s%s", k ? " " : "", works[k].name);
	printf("\", \"checks\": \"");
	for (unsigned k = 0; k < CHECKS; k++)
		printf("%s%s", k ? " " : "", checks[k].name);
	printf("\"}\n");
}

static int
drive_check(const char *variant, const char *row)
{
	for (unsigned k = 0; k < CHECKS; k++)
		if (strcmp(row, checks[k].name) == 0) {
			const char *wrong = check_run(k, variant);

			puts(wrong ? wrong : "ok");
			return wrong != NULL;
		}
	peer_die("no such row");
}

static int
drive_run(char **arg)
{
	work.variant = arg[0];
	work.name = arg[1];
	work.n = (uint32_t)strtoul(arg[2], NULL, 10);
	work.embedded = strtoul(arg[3], NULL, 10) != 0;
	work.most = strtoull(arg[4], NULL, 10);
	work.budget = strtoull(arg[5], NULL, 10) * PEER_MS;
	work.seed = strtoull(arg[6], NULL, 10);
	if (work.n < 2 || !work.most || !work.budget)
		peer_die("N, OPS or BUDGET_MS is not a number");
	for (unsigned k = 0; k < WORKS; k++) {
		if (strcmp(work.name, works[k].name) != 0)
			continue;
		work.halves = works[k].halves &&
		    (!SIDE_MUTEX || works[k].sides == run_own);
		work_open(&work);
		if (works[k].sides)
			works[k].sides(&work);
		else
			drive_measure(&work, &works[k]);
		if (work.fired && work.now < works[k].quiet && !peer_info.limit)
			peer_die("a timer fired that may not have");
		if (!work.ops)
			peer_die("nothing was done in the time");
		printf("{\"ops\": %llu, \"ns\": %.4f, \"worst\": %llu, "
		       "\"worst_poll\": %llu, \"bytes\": %llu}\n",
		    (unsigned long long)work.ops,
		    (double)work.spent / (double)work.ops,
		    (unsigned long long)work.worst,
		    (unsigned long long)work.worst_poll,
		    (unsigned long long)work.bytes);
		fflush(stdout);
		_Exit(0); /* taking apart millions of timers is not measured */
	}
	peer_die("no such work");
}

int
main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "about") == 0) {
		drive_about();
		return 0;
	}
	if (argc == 4 && strcmp(argv[1], "check") == 0)
		return drive_check(argv[2], argv[3]);
	if (argc == 9 && strcmp(argv[1], "run") == 0)
		return drive_run(argv + 2);
	fprintf(stderr,
	    "usage: %s about\n"
	    "       %s check VARIANT ROW\n"
	    "       %s run VARIANT WORK N EMBEDDED OPS BUDGET_MS SEED\n",
	    argv[0], argv[0], argv[0]);
	return 2;
}

#endif
