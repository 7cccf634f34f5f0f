/* SPDX-License-Identifier: MIT
 *
 * count.c - one operation many times, in a function that callgrind can find.
 *
 * usage: micro_count stop|later|earlier|arm|fire|empty heap|wheel|coarse \
 *            confined|shared [N [operations]]
 *
 * bench/micro/callgrind.sh counts the instructions inside counted() alone
 * and takes off those of `empty`, the same loop without an operation. The
 * picks are made outside, and everything that an operation needs (a timer
 * that is armed, or idle) is done there too. Prints the number of operations.
 */
#include "bench/micro/rig.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/state.h"

#define LO (30 * ROTA_SECOND)
#define HI (60 * ROTA_SECOND)

/* As arm and fire of bench/work/work.h have it. */
#define SPREAD (10 * ROTA_SECOND)
#define POLLS 10002

enum op { STOP, LATER, EARLIER, ARM, FIRE, EMPTY, OPS };
static const char *const ops[] = { "stop", "later", "earlier", "arm", "fire",
	"empty" };
static const char *const modes[] = { "confined", "shared" };

static struct rota_timer *timers[RIG_BLOCK];
static rota_time whens[RIG_BLOCK];
static uint64_t answers;

/* counted: the operations of a block; what callgrind counts. */
rota_noinline static void
counted(struct work *w, enum op op)
{
	switch (op) {
	case STOP:
		for (uint32_t i = 0; i < RIG_BLOCK; i++)
			answers += (uint64_t)rota_timer_stop(timers[i]);
		break;
	case LATER:
	case EARLIER:
	case ARM:
		for (uint32_t i = 0; i < RIG_BLOCK; i++)
			answers += (uint64_t)rota_timer_reset_at(
			    timers[i], whens[i]);
		break;
	case FIRE:
		for (uint32_t i = 0; i < POLLS; i++)
			work_poll(w, PEER_MS);
		break;
	default:
		for (uint32_t i = 0; i < RIG_BLOCK; i++) {
			answers += (uint64_t)whens[i];
			__asm__ volatile("" : : "r"(timers[i]) : "memory");
		}
		break;
	}
}

/* Choose the timers of a block and bring them where the operation wants
 * them. */
static void
prepare(struct work *w, enum op op, uint32_t first)
{
	work_picks(w);
	for (uint32_t i = 0; i < RIG_BLOCK; i++) {
		struct pick p = w->picks[i];
		struct rota_timer *t = timers[i] =
		    &work_timer(w, op == ARM ? first + i : p.index)->t;
		rota_time now = (rota_time)w->now;
		rota_span left = (rota_span)ST_DEADLINE(t->r_word) - now;

		if (op == STOP && !rota_timer_pending(t))
			rota_timer_reset_at(t, now + HI);
		whens[i] = now +
		    (op == EARLIER      ? pick_span(p, left / 2, left)
			    : op == ARM ? pick_span(p, 0, SPREAD)
					: HI);
	}
}

static uint64_t
run(struct work *w, enum op op, uint64_t want)
{
	uint64_t done = 0;
	uint32_t next = w->n; /* of the round; a round begins at its end */

	while (done < want) {
		if (op == FIRE) {
			work_arm(w, 0, SPREAD);
			counted(w, op);
			done += w->n;
			continue;
		}
		if (next == w->n) {
			work_clear(w);
			if (op != ARM)
				work_arm(w, LO, HI);
			next = 0;
		}
		prepare(w, op, next);
		counted(w, op);
		next += RIG_BLOCK;
		done += RIG_BLOCK;
	}
	return done;
}

static unsigned
choose(const char *const *names, unsigned len, const char *name)
{
	for (unsigned i = 0; i < len; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	peer_die(name);
}

int
main(int argc, char **argv)
{
	/* No constant, or the compiler makes a counted() of another name. */
	struct work *volatile w = &work;
	struct micro_case c = { .n = 100000 };
	uint64_t want = 100000;
	enum op op;

	if (argc < 4)
		peer_die("usage: micro_count operation backend mode "
			 "[N [operations]]");
	op = (enum op)choose(ops, OPS, argv[1]);
	c.backend = (enum rota_backend)choose(rig_backends, 3, argv[2]);
	c.confined = choose(modes, 2, argv[3]) == 0;
	if (argc > 4)
		c.n = (uint32_t)strtoul(argv[4], NULL, 10);
	if (argc > 5)
		want = strtoull(argv[5], NULL, 10);
	if (!c.n || c.n % RIG_BLOCK || !want)
		peer_die("N: a multiple of 1000; operations: some");
	rig_open(&c, rig_fire, false);
	work_arm(&work, 0, SPREAD);
	work_clear(&work);
	printf("%" PRIu64 "\n", run(w, op, want));
	rig_close();
	return 0;
}
