/* SPDX-License-Identifier: MIT
 *
 * relacy_world.c - the library under relacy, and what is checked.
 *
 * An engine with a heap and one or two shards. What the threads of a scenario
 * do they do by the functions of the library; the model knows no step of them.
 *
 * What is checked in every execution:
 *
 *  1 Data is handed over. Each arming has plain data. The thread that arms
 *    writes it before its call; whoever ends that arming, by a claim [P1],
 *    by a stop, a reset or a release [P2], writes it at the instant of its
 *    compare-and-swap. Each operation has a plain note that is written
 *    before it: who ends an arming reads those of the resets before it, who
 *    arms those of the stops before it [P4], and who gives the memory back
 *    those of all that changed the word [P6].
 *    It is reported if one of these accesses is a data race.
 *  2 An arming ends once. It is not claimed early. Nothing changes a word whose
 *    memory went back, and that is not before its callback ends, unless that
 *    releases it itself; who gives it back sees what the callback wrote [R1].
 *  3 No access by the library to plain memory is a data race: to a shard, its
 *    heap, a timer [H1] [I1] [P5].
 *  4 Verdicts. A stop that finds its arming claimed, and says NOT_PENDING,
 *    comes after the callback's end and sees what it wrote [P3] [R1]. One
 *    that says RUNNING speaks of a timer that was claimed. After a stop_sync
 *    each callback that had begun is over [R1] [R2].
 *  5 rota_shard_check() finds each shard in order.
 *  6 When every call has returned and the owner sleeps, nobody having woken
 *    it, then nothing is armed for before it wakes, and no remote release
 *    waits [I2] [K1] [K2] [K3]. Without a kick nobody wakes it for later.
 *  7 A pooled function runs once for each arming, or a stop has prevented it,
 *    and then what it was given is the user's again at once [N1] [N2].
 *  8 What is in the inbox of a retired shard when its owner begins a poll is
 *    taken out by the end of that: the thread that pushed may be held up
 *    before it forwards that itself.
 *  9 In the end, drained and fired, every word is at rest and every release
 *    was completed, once.
 *
 * A sleep that is not a thread's last operation ends at any time and for no
 * reason, so that all ways of waking are explored; only the last one has to
 * be ended by a wake.
 *
 * Between two accesses to watched words relacy never switches threads, so what
 * is noted here in plain variables is noted at the instant of the access
 * before.
 */
#define ROTA_NO_INLINE
#include <rota/handle.h>
#include <rota/timer.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "core/steps.h"
#include "core/pool.h"
#include "tests/model/relacy_world.h"

enum { IDS = 1 + THREADS * OPS }; /* armings of a timer; 0 is the first */
/* What a told number stands for. */
enum { WORD = 0, KIND = 8, SLEEP = 16, INBOX = 24 };

/* Deadlines are told apart by the arming they belong to. */
enum { ID_BITS = 4 };
#define AT(when, id) ((uint64_t)(when) << ID_BITS | (uint64_t)(id))
#define ID_OF(deadline) ((deadline) & ((1u << ID_BITS) - 1))
#define NOW ((rota_time)AT(26, 0) - 1)
#define FOREVER ((rota_time)AT(1000, 0))

const char *const begins_name[BEGINNINGS] = {
	"idle",
	"filed",
	"filed for later",
	"stopped",
	"posted",
	"posted, stopped",
	"filed, posted earlier",
	"the same, stopped",
};
static const unsigned begins_at[BEGINNINGS] = { 1, 20, 30, 20, 20, 20, 10, 10 };

struct scenario scene;
unsigned long long waited;

/* In the arena: all that the threads share. */
static struct rota_engine *engine;
static struct rota_shard *shard[SHARDS];
static struct rota_kind *kind; /* one for each shard */
static struct rota_timer *timer, *spare;
static uint64_t (*data)[IDS], *note;
static uint64_t *cell;   /* what a pooled function is given: one an arming */
static rota_word *named; /* the handle of the latest AFTER, or 0 */
static pthread_mutex_t *mutex; /* the users' */
static rota_word *reused;      /* REUSE has armed the later timer */
static unsigned shards;

/* What is thread-local in core/, of each thread; the last is the set-up's. */
struct local {
	struct rota_self self;
	struct rota_thread thread;
};
static struct local local[THREADS + 1], begins_local[THREADS + 1];

static rota_handle begin_name; /* of the pooled timer of the beginning */

/* Remembered by the checks. */
static struct {
	bool watching;
	bool fired[TIMERS];
	unsigned kicks;
	struct {
		unsigned ended, claimed, handed, over; /* a bit for each
							* arming */
		unsigned touched, resets, stops;       /* for each operation */
		bool leaving;                          /* a release has begun */
		bool urgent;                           /* by a remote thread */
		bool given_back;
	} item[TIMERS];
	struct {
		bool asleep, woken;
		uint64_t until, latest;
		unsigned takes; /* of the inbox */
	} shard[SHARDS];
	struct {
		unsigned armed, ran, gone; /* a bit for each arming */
		rota_handle name[IDS];
	} pool;
	struct {
		const struct operation *op;
		unsigned id;       /* of its operation */
		int calls;         /* in the callback of this one, or -1 */
		int under_way;     /* a call on this timer, or -1 */
		uint64_t claimed;  /* the deadline */
		unsigned before;   /* claims that come before its load */
		uint64_t from, to; /* latest change by it */
	} me[THREADS];
} w;

#define ME (w.me[model_thread()])

static int
passes(
    void *arg, const struct rota_kind *k, struct rota_timer *t, rota_time when)
{
	(void)arg, (void)k, (void)t, (void)when;
	return 0;
}

static bool
polls(enum code c)
{
	return (c >= DRAIN && c <= BATCH) || c == ATTACH;
}

static void
read_notes(unsigned ids)
{
	for (unsigned k = 1; k < IDS; k++)
		if (ids & 1u << k)
			model_read(&note[k]);
}

/* Memory goes back while another thread is in a call on it: the scenario's
 * fault. */
static bool
broken(unsigned i)
{
	for (unsigned th = 0; th < THREADS; th++)
		if (w.me[th].under_way == (int)i && th != model_thread()) {
			model_abandon();
			return true;
		}
	return false;
}

/* Its memory is the user's again. */
static void
give_back(unsigned i)
{
	w.item[i].leaving = true;
	if (!w.watching) {
		w.item[i].given_back = true;
		return;
	}
	if (broken(i))
		return;
	model_assert(!w.item[i].given_back);
	w.item[i].given_back = true;
	for (unsigned th = 0; th < THREADS; th++)
		model_assert(th == model_thread() || w.me[th].calls != (int)i);
	for (unsigned k = 0; k < IDS; k++)
		if (w.item[i].over & 1u << k)
			model_read(&data[i][k]); /* [R1] */
	read_notes(w.item[i].touched);           /* [P6] */
	/* The user writes it. [P5] */
	for (unsigned k = 0; k < sizeof(*timer); k += 8)
		model_write((char *)&timer[i] + k);
}

static void
changed(unsigned i, uint64_t from, uint64_t to)
{
	uint64_t d = ST_DEADLINE(from);
	enum code code = ME.op->code;
	unsigned id = ME.id;
	bool on = to & ST_ARMED;
	/* By the owner a released timer's word becomes zero. */
	bool gone = !to && (code == RELEASE || code == FREE || code == REUSE);

	ME.from = from;
	ME.to = to;
	if (from & ST_QUEUED &&
	    (state_releasing(to) || (on && ST_DEADLINE(to) != d)))
		w.kicks++;
	if (gone && broken(i))
		return;
	if (ME.under_way == (int)i)
		ME.under_way = -1;
	model_assert(!w.item[i].given_back);
	w.item[i].touched |= 1u << id;
	if ((from & ST_ARMED) && (!on || ST_DEADLINE(to) != d)) {
		model_assert(!(w.item[i].ended & 1u << ID_OF(d)));
		w.item[i].ended |= 1u << ID_OF(d);
		model_write(&data[i][ID_OF(d)]); /* [P1] [P2] */
		if (polls(code) && ME.calls < 0) {
			model_assert(d <= (uint64_t)NOW);
			w.item[i].claimed |= 1u << ID_OF(d);
			ME.claimed = d;
			if (code == BATCH)
				w.item[i].handed |= 1u << ID_OF(d);
		}
		read_notes(w.item[i].resets); /* [P1] [P2] */
		if (code == STOP || code == SYNC)
			w.item[i].stops |= 1u << id;
	}
	if (on &&
	    (code == RESET || code == PUSH || code == REARM || code == FRESH ||
		code == REUSE)) {
		read_notes(w.item[i].stops); /* [P4] */
		w.item[i].resets |= 1u << id;
	}
	if (state_releasing(to) || gone)
		w.item[i].leaving = true;
}

void
world_changed(unsigned n, uint64_t from, uint64_t to)
{
	if (n >= INBOX) {
		w.shard[n - INBOX].takes += !to;
	} else if (n >= SLEEP) {
		if (w.shard[n - SLEEP].latest < to)
			w.shard[n - SLEEP].latest = to;
	} else if (n >= KIND) {
		if (!to)
			give_back(n - KIND);
	} else if (w.watching) {
		changed(n, from, to);
	}
}

void
world_loaded(unsigned n, uint64_t v, bool latest)
{
	if (!w.watching || n >= KIND)
		return;
	/* Claims that come before it for sure. */
	ME.before = (latest ? ~0u : 1u << ID_OF(ST_DEADLINE(v))) &
	    w.item[n].claimed & ~w.item[n].handed;
}

void
world_switch(unsigned from, unsigned to)
{
	local[from].self = rota__self;
	local[from].thread = rota__thread;
	rota__self = local[to].self;
	rota__thread = local[to].thread;
}

const char *
world_where(const void *p)
{
	static char text[64];
	const char *at = p;

#define WITHIN(name, i, p)                                          \
	if (at >= (char *)(p) && at < (char *)((p) + 1)) {          \
		snprintf(text, sizeof(text), "%s %u + %d", name, i, \
		    (int)(at - (char *)(p)));                       \
		return text;                                        \
	}
	for (unsigned i = 0; i < scene.timers; i++)
		WITHIN("timer", i, &timer[i])
	for (unsigned i = 0; i < shards; i++)
		WITHIN("shard", i, shard[i])
	for (unsigned i = 0; i < shards; i++)
		WITHIN("kind", i, &kind[i])
	for (unsigned i = 0; i < scene.timers; i++)
		WITHIN("data of timer", i, &data[i])
	return "somewhere";
}

/*
 * The user's functions.
 */

/* In the callback of timer @i: another takes its place. */
static void
reuse(unsigned i)
{
	rota_timer_release(&timer[i]);
	model_assert(!rota_timer_init(&timer[i], &kind[0]));
	w.item[i].leaving = w.item[i].given_back = false;
	rota_timer_reset_at(&timer[i], (rota_time)AT(ME.op->when, ME.id));
	word_store(reused, (uint64_t)1, release);
}

static void
fired(struct rota_timer *t, rota_time now)
{
	unsigned i = (unsigned)(t - timer);
	uint64_t d = ME.claimed;

	(void)now;
	if (i >= scene.timers)
		return;
	w.fired[i] = true;
	model_assert(!scene.ranks || i || w.fired[1]);
	if (!w.watching)
		return;
	ME.calls = (int)i;
	model_write(&data[i][ID_OF(d)]); /* [R1] */
	if (ME.op->code == REARM)
		rota_timer_reset_at(t, (rota_time)AT(ME.op->when, ME.id));
	else if (ME.op->code == FRESH && i == 1)
		rota_timer_reset_at(
		    &timer[0], (rota_time)AT(ME.op->when, ME.id));
	else if (ME.op->code == FREE && !w.item[i].leaving)
		rota_timer_release(t);
	else if (ME.op->code == REUSE)
		reuse(i);
	/* An access: others may run before the callback ends. */
	if (scene.reuses)
		(void)word_load(reused, relaxed);
	w.item[i].over |= 1u << ID_OF(d);
	ME.calls = -1;
}

/* Of a pooled timer. A kept one may run again and again. */
static void
pooled(void *arg)
{
	unsigned bit = 1u << ((uint64_t *)arg - cell);

	model_assert(!(w.pool.gone & bit));
	model_assert(scene.kept || !(w.pool.ran & bit));
	w.pool.ran |= bit;
	if (!w.watching)
		return;
	model_write(arg);                /* [N1] */
	(void)word_load(named, relaxed); /* others may run */
}

static void
released(struct rota_timer *t)
{
	static const struct operation release = { RELEASE, ADOPTER, 1, 0 };
	const struct operation *outer = ME.op;

	if (!w.watching || !scene.chained || t != &timer[0] ||
	    w.item[1].leaving)
		return;
	ME.op = &release;
	ME.under_way = 1;
	rota_timer_release(&timer[1]);
	ME.under_way = -1;
	ME.op = outer;
}

static void
wake(void *arg, struct rota_shard *s)
{
	const struct operation *op = ME.op;

	(void)arg;
	if (!w.watching)
		return;
	w.shard[s->index].woken = true;
	if ((op->code == RESET || op->code == PUSH) && !scene.heir)
		model_assert(
		    w.kicks || AT(op->when, 0) < w.shard[s->index].latest);
}

static void *
alloc(void *arg, unsigned s, size_t size, size_t align)
{
	(void)arg;
	(void)s;
	return model_alloc(size, align);
}

static void
free_(void *arg, unsigned s, void *p, size_t size)
{
	(void)arg;
	(void)s;
	(void)p;
	(void)size;
}

static void
log_(void *arg, const char *line)
{
	(void)arg;
	(void)line;
}

/*
 * Running.
 */

static void
after(const struct operation *op, unsigned id)
{
	rota_handle h;
	int r;

	w.pool.armed |= 1u << id;
	model_write(&cell[id]);
	r = rota_shard_after_func(
	    shard[0], (rota_time)AT(op->when, id), pooled, &cell[id], &h);
	model_assert(!r || (scene.full && r == -ENOSPC));
	if (r) {
		w.pool.armed &= ~(1u << id);
		return;
	}
	w.pool.name[id] = h;
	word_store(named, h, release); /* as users hand it on */
}

/* Another timer of rota_handle_init(). */
static void
init(unsigned id)
{
	rota_handle h;

	model_assert(!rota_handle_init(shard[0], pooled, &cell[id], &h));
	w.pool.armed |= 1u << id;
	w.pool.name[id] = h;
	word_store(named, h, relaxed);
}

static void
by_handle(const struct operation *op, unsigned id)
{
	rota_handle h = w.pool.name[0];
	unsigned of = 0;
	int r;

	if (op->timer) {
		h = word_load(named, acquire);
		if (!h)
			return;
		while (w.pool.name[of] != h)
			of++;
	}
	switch (op->code) {
	case H_PUSH:
		r = rota_handle_reset_at(
		    engine, h, (rota_time)AT(op->when, id));
		model_assert(r == 1 || r == -ESTALE || (scene.kept && !r) ||
		    (scene.loose && r == -EINVAL));
		return;
	case H_LOOK:
		r = rota_handle_pending(engine, h);
		model_assert(r == 1 || r == -ESTALE || (scene.kept && !r));
		return;
	case H_RELEASE:
		r = rota_handle_release(engine, h);
		if (r == ROTA_RUNNING || r == -ESTALE)
			return;
		model_assert(r == ROTA_PREVENTED || r == ROTA_NOT_PENDING);
		break;
	default:
		r = rota_handle_stop(engine, h);
		if (r != ROTA_PREVENTED || scene.kept)
			return;
		model_assert(!(w.pool.ran & 1u << of));
	}
	/* The user writes what the function would have been given. */
	model_assert(!(w.pool.gone & 1u << of));
	w.pool.gone |= 1u << of;
	model_write(&cell[of]); /* [N1] */
}

static void
run(const struct operation *op, unsigned id)
{
	unsigned n = op->role == HEIR_, takes = w.shard[n].takes;
	struct rota_timer *t = &timer[op->timer], *out[TIMERS];
	struct rota_shard *s = shard[n];
	bool awake = op->role == OWNER || op->role == HEIR_, full;
	rota_time now = op->code == DRAIN ? rota_shard_now(s) : NOW, until;
	uint64_t d = op->when == SAME ? AT(begins_at[scene.begin[op->timer]], 0)
				      : AT(op->when, id);
	int r;

	if (awake && w.shard[n].asleep) {
		w.shard[n].asleep = w.shard[n].woken = false;
		shard_unpark(s);
	}
	ME.op = op;
	ME.id = id;
	if (op->code == SYNC && scene.reuses && !word_load(reused, acquire))
		return;
	if (op->code >= RESET && op->code <= RELEASE) {
		if (w.item[op->timer].leaving)
			return; /* no call may begin any more */
		if (op->code != SYNC)
			ME.under_way = (int)op->timer;
	}
	model_write(&note[id]);
	for (unsigned i = 0; i < scene.timers; i++)
		if (op->code == REARM || op->code == REUSE ||
		    (op->code == FRESH && !i) ||
		    (op->timer == i && (op->code == RESET || op->code == PUSH)))
			model_write(&data[i][id]);
	if (scene.mutex && (op->code <= RELEASE || op->code == MOVE))
		pthread_mutex_lock(mutex);
	switch (op->code) {
	case NONE:
		break;
	case RESET:
		rota_timer_reset_at(t, (rota_time)d);
		break;
	case PUSH:
		rota__timer_push(t, (rota_time)d);
		break;
	case STOP:
	case SYNC:
		ME.before = 0;
		r = op->code == STOP ? rota_timer_stop(t)
				     : rota_timer_stop_sync(t);
		if (op->code == SYNC ? r < 0 : r == ROTA_RUNNING) {
			model_assert(
			    r == ROTA_RUNNING && w.item[op->timer].claimed);
			break;
		}
		if (op->code == STOP && r == ROTA_PREVENTED)
			break;
		r = (int)ME.before;
		model_assert(((int)w.item[op->timer].over & r) == r);
		for (unsigned k = 0; k < IDS; k++)
			if (r & 1 << k)
				model_read(&data[op->timer][k]); /* [P3] [R1] */
		break;
	case RELEASE:
		w.item[op->timer].urgent |= op->role == FAR_;
		rota_timer_release(t);
		break;
	case DRAIN:
	case FIRE:
	case FRESH:
	case REARM:
	case FREE:
	case REUSE:
		full = op->role == OWNER && s->target && s->remote.inbox;
		if (op->role == ADOPTER)
			rota_shard_adopt(s, now, 0);
		else
			rota_shard_poll(s, now, 0);
		model_assert(!full || w.shard[n].takes != takes);
		break;
	case BATCH:
		rota_shard_poll_batch(s, now, 0, out, TIMERS);
		break;
	case SWEEP:
		s->chores |= SHARD_SWEEPS;
		s->sweep = (struct backend_cursor){ 0 };
		rota__sweep(&(struct poll){ .s = s, .budget = UINT64_MAX });
		break;
	case PARK:
		until = rota_shard_park(s);
		w.shard[n].asleep = until > 0;
		w.shard[n].until = (uint64_t)until;
		break;
	case RETIRE:
		r = rota_shard_retire(shard[0], shard[1]);
		model_assert(!r || (scene.adopts && r == -EBUSY));
		break;
	case MOVE:
		if (!w.item[op->timer].leaving)
			rota_timer_move(t, &kind[1]);
		break;
	case ATTACH:
		if (rota_shard_attach(s))
			break;
		rota_shard_poll(s, now, (unsigned)op->when);
		rota_shard_detach(s);
		break;
	case WALK:
		if (rota_shard_attach(s))
			break;
		rota_shard_each(s, passes, NULL);
		rota_shard_detach(s);
		break;
	case INIT:
		model_assert(!rota_timer_init(spare, &kind[0]));
		break;
	case ROOM:
		r = rota_timer_init(spare, &kind[0]);
		model_assert(!r || (scene.full && r == -ENOSPC));
		if (!r)
			model_assert(!rota_timer_release(spare));
		break;
	case AFTER:
		after(op, id);
		break;
	case H_INIT:
		init(id);
		break;
	case H_STOP:
	case H_PUSH:
	case H_LOOK:
	case H_RELEASE:
		by_handle(op, id);
		break;
	case LOOK:
	case TOUCH:
		model_read(&note[0]);
		if (op->code == TOUCH)
			model_write(&note[0]);
		break;
	}
	if (scene.mutex && (op->code <= RELEASE || op->code == MOVE))
		pthread_mutex_unlock(mutex);
	ME.under_way = -1;
	waited += s->deferred_releases != NULL;
}

static unsigned
length(unsigned th)
{
	unsigned n = 0;

	if (scene.menus[th])
		return OPS;
	while (n < OPS && scene.op[th][n].code != NONE)
		n++;
	return n;
}

void
world_run(unsigned th)
{
	unsigned id = 1;

	for (unsigned i = 0; i < th; i++)
		id += length(i);
	for (unsigned n = 0; n < length(th); n++)
		run(scene.menus[th]
			? &scene.menu[th][model_rand(scene.menus[th])]
			: &scene.op[th][n],
		    id + n);
}

void
world_begin(unsigned threads)
{
	static const struct operation none;

	(void)threads;
	memset(&w, 0, sizeof(w));
	memcpy(local, begins_local, sizeof(local));
	for (unsigned th = 0; th < THREADS; th++) {
		w.me[th].op = &none;
		w.me[th].calls = w.me[th].under_way = -1;
	}
	w.pool.armed = scene.pooled;
	w.pool.name[0] = begin_name;
	w.watching = true;
}

static void
as(uint64_t id)
{
	rota__self = (struct rota_self){ 0 };
	rota__thread = (struct rota_thread){ .id = id, .watched = true };
}

static void
as_owner(const struct rota_shard *s)
{
	uint64_t id = s->attached;

	rota__self = (struct rota_self){ 0 };
	rota__thread = (struct rota_thread){ .id = id, .watched = true };
}

/* Poll until nothing is left that is due at @now. */
static void
poll_all(rota_time now)
{
	for (unsigned n = 0; n < 2; n++)
		for (unsigned i = 0; i < shards; i++) {
			as_owner(shard[i]);
			if (!shard[i]->attached) {
				as(ID_LAST + 1);
				model_assert(!rota_shard_attach(shard[i]));
			}
			while (rota_shard_poll(shard[i], now, 0) > 0)
				;
			model_assert(!rota_shard_check(shard[i]));
		}
	for (unsigned i = 0; i < scene.timers; i++)
		model_assert(w.item[i].given_back ||
		    !(timer[i].r_word & ST_ARMED) ||
		    ST_DEADLINE(timer[i].r_word) > (uint64_t)now);
}

/* Each timer is counted where its room is. */
static void
check_rooms(void)
{
	uint64_t all = scene.timers + scene.rooms, counted = 0;

	for (unsigned n = 0; n < shards; n++) {
		model_assert(shard[n]->timers <= shard[n]->room);
		counted += shard[n]->timers;
	}
	for (unsigned i = 0; i < scene.timers; i++)
		all -= w.item[i].given_back;
	/* A free node of the pool is counted as well; each was made for an
	 * arming. */
	model_assert(counted >= all &&
	    counted <= all + (unsigned)__builtin_popcount(w.pool.armed));
}

/* Every call has returned. */
void
world_end(void)
{
	w.watching = false;
	for (unsigned n = 0; n < shards; n++) {
		if (!w.shard[n].asleep || w.shard[n].woken || shard[n]->target)
			continue;
		for (unsigned i = 0; i < scene.timers; i++) {
			uint64_t is = timer[i].r_word;

			if (w.item[i].given_back ||
			    kind_unchecked(&timer[i])->r_shard != shard[n])
				continue;
			model_assert(!(is & ST_ARMED) ||
			    ST_DEADLINE(is) >= w.shard[n].until);
			model_assert(
			    !(w.item[i].urgent && state_releasing(is)));
		}
	}
	poll_all(NOW);
	poll_all(FOREVER);
	check_rooms();
	model_assert(scene.kept || (w.pool.ran ^ w.pool.gone) == w.pool.armed);
	for (unsigned i = 0; i < scene.timers; i++) {
		uint64_t is = timer[i].r_word;

		model_assert(w.item[i].given_back == w.item[i].leaving);
		model_assert(w.item[i].given_back ||
		    !(is & (ST_ARMED | ST_LINKED | ST_QUEUED)));
	}
}

/*
 * The set-up.
 */

static bool
owns(unsigned th, enum role role)
{
	if (scene.menus[th])
		return scene.menu[th][0].role == role;
	for (unsigned n = 0; n < length(th); n++)
		if (scene.op[th][n].role == role)
			return true;
	return false;
}

static void
must(int r)
{
	if (r < 0) {
		fprintf(stderr, "the set-up fails: %d\n", r);
		__builtin_trap();
	}
}

static void
set_up_timer(struct rota_timer *t, enum begins b)
{
	const uint64_t owner = ID_LAST + 1, other = ID_LAST + 100;

	must(rota_timer_init(t, &kind[0]));
	as(owner);
	if (b == FILED || b == FILED_FOR_LATER || b == STOPPED || b >= BOTH)
		must(rota_timer_reset_at(t, (rota_time)AT(20, 0)));
	rota__shard_flush(shard[0]);
	if (b == FILED_FOR_LATER)
		must(rota_timer_reset_at(t, (rota_time)AT(30, 0)));
	as(other);
	if (b == POSTED || b == POSTED_STOPPED)
		must(rota_timer_reset_at(t, (rota_time)AT(20, 0)));
	if (b >= BOTH)
		must(rota_timer_reset_at(t, (rota_time)AT(10, 0)));
	if (b == STOPPED || b == POSTED_STOPPED || b == BOTH_STOPPED)
		must(rota_timer_stop(t));
}

/* A handle whose function is to run at 20. */
static void
set_up_pool(void)
{
	rota_time when = (rota_time)AT(20, 0);
	rota_handle h;

	if (scene.kept) {
		must(rota_handle_init(shard[0], pooled, &cell[0], &h));
		must(rota_handle_reset_at(engine, h, when));
	} else {
		must(rota_shard_after_func(
		    shard[0], when, pooled, &cell[0], &h));
	}
	as(ID_LAST + 1);
	rota__shard_flush(shard[0]);
	begin_name = h;
}

static void
figures(struct rota_shard *s)
{
#define FIGURE(field) model_figure(&s->field, sizeof(s->field))
	FIGURE(now); /* what the lock orders, or a hint */
	FIGURE(below);
	FIGURE(hot);
	FIGURE(count);
	FIGURE(entries);
	FIGURE(pushes);
	FIGURE(starts);
	if (!scene.stops)
		FIGURE(stops);
	FIGURE(wakes);
	FIGURE(adopted);
	FIGURE(inherited);
	if (!scene.rooms)
		FIGURE(timers);
	FIGURE(bytes);
	FIGURE(told);
	FIGURE(said);
}

void
world_set_up(void)
{
	struct rota_config c = {
		.size = sizeof(c),
		.shards = shards = scene.heir ? 2 : 1,
		.backend = ROTA_HEAP,
		.clock = ROTA_CLOCK_VIRTUAL,
		.flags = scene.adopts ? ROTA_ADOPT : 0,
		.max_timers = scene.full ? scene.timers + scene.pooled : 4,
		.allocator = { alloc, free_, NULL },
		.wake = wake,
		.log = log_,
	};
	struct rota_kind_config kc = { .fire = fired, .released = released };
	struct local owner[SHARDS];

	if (engine)
		munmap((void *)shard[0]->alive, sizeof(rota_word));
	model_forget();
	memset(&w, 0, sizeof(w));
	as(ID_LAST + 100);
	must(rota_engine_create(&engine, &c));
	kind = model_alloc(SHARDS * sizeof(*kind), ROTA_LINE);
	timer = model_alloc((TIMERS + 1) * sizeof(*timer), ROTA_LINE);
	spare = &timer[TIMERS];
	mutex = model_alloc(sizeof(*mutex), 8);
	data = model_alloc(TIMERS * sizeof(*data), 8);
	note = model_alloc(IDS * sizeof(*note), 8);
	reused = model_alloc(sizeof(*reused), 8);
	cell = model_alloc(IDS * sizeof(*cell), 8);
	named = model_alloc(sizeof(*named), 8);
	for (unsigned n = 0; n < shards; n++) {
		shard[n] = rota_engine_shard(engine, n);
		as(ID_LAST + 1 + n);
		must(rota_shard_attach(shard[n]));
		must(rota_kind_init(&kind[n], shard[n], &kc));
		must(rota_shard_poll(shard[n], 0, 0));
		owner[n] = (struct local){ rota__self, rota__thread };
	}
	for (unsigned i = 0; i < scene.timers; i++) {
		bool reverse = scene.fresh || scene.aged;
		unsigned k = reverse ? scene.timers - 1 - i : i;

		set_up_timer(&timer[k], scene.begin[k]);
	}
	/* As if others had been armed since: a room of retire.c is then for
	 * several armings. */
	if (scene.aged)
		shard[0]->hot.seq += 1000;
	if (scene.pooled)
		set_up_pool();
	if (scene.attaches) {
		rota__self = owner[0].self;
		rota__thread = owner[0].thread;
		must(rota_shard_detach(shard[0]));
	}
	for (unsigned th = 0; th < THREADS; th++) {
		as(ID_LAST + 10 + th);
		if (owns(th, OWNER) && !scene.attaches) {
			rota__self = owner[0].self;
			rota__thread = owner[0].thread;
		} else if (owns(th, HEIR_)) {
			rota__self = owner[1].self;
			rota__thread = owner[1].thread;
		} else if (scene.attaches && owns(th, OWNER)) {
			must(rota_shard_attach(shard[0]));
			must(rota_shard_detach(shard[0]));
		}
		begins_local[th] = (struct local){ rota__self, rota__thread };
	}
	for (unsigned n = 0; n < shards; n++) {
		figures(shard[n]);
		model_figure(&kind[n].r_timers, 8);
		model_tell(&shard[n]->park.sleep_until, SLEEP + n);
		model_tell(&shard[n]->remote.inbox, INBOX + n);
	}
	for (unsigned i = 0; i < scene.timers; i++) {
		model_tell(&timer[i].r_word, WORD + i);
		model_watch(&timer[i].r_word);
		model_tell(&timer[i].r_kind, KIND + i);
		if (!scene.moves)
			model_figure(&timer[i].r_kind, 8);
	}
	if (scene.adopts)
		model_watch(&shard[0]->lock_owner);
	model_keep();
}
