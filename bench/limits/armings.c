/* SPDX-License-Identifier: MIT
 *
 * armings.c - timers that wait while their shard arms others, more often than
 * there are ranks: 2^32, compared by sign up to 2^31 apart.
 *
 * The clock is virtual and moves one ns for each arming, so a deadline is a
 * count of armings. Each fires in the first poll at or after its deadline
 * (coarse: a slot later at most), and no poll leaves rota_shard_next() in the
 * past. Groups of equal deadlines that are armed over less than 2^31 armings
 * fire in the order of arming, where the backend has an order.
 */
#include "bench/limits/limits.h"

#include <stdio.h>
#include <stdlib.h>

#define HALF (UINT64_C(1) << 31)
#define SLOT (UINT64_C(1) << 20) /* of the coarse wheel, ns: rota/engine.h */

enum {
	HOT = 8,    /* timers that are armed all the time */
	MARKS = 8,  /* where something is due, or a group is around */
	EACH = 4,   /* old timers due at each mark */
	GROUP = 16, /* timers of equal deadline */
	TWICE = 2,  /* groups at each mark; old timers: armed at 0, at N / 8 */
	OLD = MARKS * TWICE * (EACH + GROUP),
	STEPS = 2 * OLD
};

struct rig {
	struct rota_engine *e;
	struct rota_kind kind;
	uint64_t n, chunk;
	bool coarse, good;
	struct rota_timer hot[HOT];
	struct old {
		struct rota_timer t;
		struct rig *rig;
		uint64_t due;
		unsigned fired;
		struct group *group; /* NULL: alone */
		unsigned place;
	} old[OLD];
	unsigned olds;
	struct group {
		unsigned next;
		uint64_t from; /* its first arming */
	} group[MARKS * TWICE];
	unsigned groups;
	struct step { /* arm @old when @at have been armed */
		uint64_t at;
		unsigned index; /* as it was made */
		struct old *old;
	} step[STEPS];
	unsigned steps;
	unsigned wrong; /* order */
};

static void
on_old(struct rota_timer *t, rota_time now)
{
	struct old *o = rota_container_of(t, struct old, t);
	struct rig *r = o->rig;
	uint64_t allowed = r->chunk + (r->coarse ? SLOT : 0);

	o->fired++;
	if ((uint64_t)now - o->due >= allowed) { /* or before: wraps */
		if (r->good)
			r->good = broken("a timer due at %llu fired at %llu",
			    (unsigned long long)o->due,
			    (unsigned long long)now);
	}
	if (o->group && o->place != o->group->next++ && !r->coarse) {
		if (r->good)
			r->good = broken("of the group armed from %llu on for "
					 "%llu the %u. fired as the %u.",
			    (unsigned long long)o->group->from,
			    (unsigned long long)o->due, o->place + 1,
			    o->group->next);
		r->wrong++;
	}
}

static void
step_add(struct rig *r, struct old *o, uint64_t at)
{
	r->step[r->steps] = (struct step){ at, r->steps, o };
	r->steps++;
}

static struct old *
old_add(struct rig *r, uint64_t due)
{
	struct old *o = &r->old[r->olds++];

	o->rig = r;
	o->due = due;
	return o;
}

/* Armed when @at have been, due around @mark. */
static void
alone_add(struct rig *r, uint64_t at, uint64_t mark)
{
	uint64_t c = r->chunk;
	const uint64_t offset[EACH] = { 0, 1, c / 2, c - 1 };

	for (int i = 0; i < EACH; i++)
		step_add(r, old_add(r, mark + offset[i]), at);
}

/* Armed from half of @span before @mark to half of it behind, due then. Where
 * @twice they are armed first in the wrong order, for the same instant. */
static void
group_add(struct rig *r, uint64_t mark, uint64_t span, bool twice)
{
	struct group *g = &r->group[r->groups++];
	struct old *first = &r->old[r->olds];

	g->from = mark - span / 2;
	for (unsigned i = 0; i < GROUP; i++) {
		struct old *o = old_add(r, g->from + span + r->chunk);

		o->group = g;
		o->place = i;
	}
	if (twice)
		for (unsigned i = GROUP; i-- > 0;)
			step_add(r, &first[i], g->from);
	for (unsigned i = 0; i < GROUP; i++)
		step_add(r, &first[i], g->from + i * (span / GROUP));
}

static int
step_order(const void *a, const void *b)
{
	const struct step *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return x->index < y->index ? -1 : 1;
}

static void
plan(struct rig *r)
{
	uint64_t n = r->n, mark[MARKS] = { n / 4, n / 2, n / 4 * 3 };
	uint64_t span = n / 8 < HALF ? n / 8 : HALF - 2 * r->chunk;
	int marks = 3;

	for (uint64_t m = HALF; m <= 2 * HALF; m += HALF)
		if (m < n - n / 8)
			mark[marks++] = m;
	for (int i = 0; i < marks; i++) {
		/* Ranks wrap where the mark is; deadlines are at it. */
		group_add(r, mark[i], span, false);
		group_add(r, mark[i], span, true);
	}
	mark[marks++] = n - 2 * r->chunk - (r->coarse ? 2 * SLOT : 0);
	if (mark[marks - 1] > n)
		mark[marks - 1] = n / 8 * 7;
	for (int i = 0; i < marks; i++) {
		alone_add(r, 0, mark[i]);
		alone_add(r, n / 8, mark[i]);
	}
	qsort(r->step, r->steps, sizeof(*r->step), step_order);
}

static void
arm(struct rota_timer *t, uint64_t when)
{
	if (rota_timer_reset_at(t, (rota_time)when) < 0)
		die("rota_timer_reset_at");
}

/* Those of one poll. */
static void
hot(struct rig *r, uint64_t done)
{
	uint64_t when = (uint64_t)(24 * ROTA_HOUR) + done;

	for (uint64_t i = 0; i < r->chunk; i++)
		rota_timer_reset_at(&r->hot[i % HOT], (rota_time)(when + i));
}

static void
go_on(struct rig *r, struct rota_shard *s, uint64_t upto)
{
	rota_time now;
	int left;

	if (rota_engine_advance(r->e, (rota_span)r->chunk))
		die("rota_engine_advance");
	now = rota_engine_now(r->e);
	left = rota_shard_poll(s, now, 0);
	if (left && r->good)
		r->good = broken("a poll without a budget answered %d", left);
	if (rota_shard_next(s) <= now && r->good)
		r->good = broken("at %llu, polled, rota_shard_next() is %lld",
		    (unsigned long long)upto, (long long)rota_shard_next(s));
}

bool
armings_run(enum rota_backend b, bool confined)
{
	struct rig *r = memory_make(sizeof(*r));
	struct rota_shard *s;
	struct rota_stats stats;
	uint64_t n = options.armings, begin, ns, done, extra = 0;
	unsigned at = 0, late = 0;
	bool good;

	r->chunk = n >= 1 << 26 ? 1 << 20 : n / 256;
	r->n = n = n / r->chunk * r->chunk;
	r->coarse = b == ROTA_WHEEL_COARSE;
	r->good = true;
	r->e = engine_make(b, ROTA_CLOCK_VIRTUAL, 0);
	s = rota_engine_shard(r->e, 0);
	if (rota_kind_init(&r->kind, s,
		&(struct rota_kind_config){ .fire = on_old,
		    .name = "old",
		    .flags = confined ? ROTA_CONFINED : 0 }))
		die("rota_kind_init");
	plan(r);
	for (int i = 0; i < HOT; i++)
		if (rota_timer_init(&r->hot[i], &r->kind))
			die("rota_timer_init");
	for (unsigned i = 0; i < r->olds; i++)
		if (rota_timer_init(&r->old[i].t, &r->kind))
			die("rota_timer_init");

	begin = clock_wall();
	for (done = 0; done < n; done += r->chunk) {
		for (; at < r->steps && r->step[at].at <= done; at++, extra++)
			arm(&r->step[at].old->t, r->step[at].old->due);
		hot(r, done);
		go_on(r, s, done + r->chunk);
	}
	ns = clock_wall() - begin;
	if (r->coarse) /* the last slot */
		for (done = 0; done <= SLOT; done += r->chunk)
			go_on(r, s, n + done);

	good = r->good && engine_adds_up(r->e);
	for (unsigned i = 0; i < r->olds; i++)
		if (r->old[i].fired != 1)
			late++;
	if (late)
		good = broken("%u timers did not fire once", late);
	if (rota_engine_stat(r->e, &stats))
		die("rota_engine_stat");
	if (stats.starts + stats.pushes != n + extra)
		good = broken("%llu armings were counted, %llu made",
		    (unsigned long long)(stats.starts + stats.pushes),
		    (unsigned long long)(n + extra));
	if (rota_shard_check(s))
		good = broken("rota_shard_check() is %d", rota_shard_check(s));
	line_begin("armings", backend_name(b), kind_name(confined));
	printf("armings %llu old %u groups %u order %s ",
	    (unsigned long long)(n + extra), r->olds, r->groups,
	    r->coarse      ? "none"
		: r->wrong ? "WRONG"
			   : "held");
	line_figure("ns_each", "%.2f", (double)ns / (double)n, -1);
	puts(good ? "held" : "BROKEN");
	engine_end(r->e);
	free(r);
	return good;
}
