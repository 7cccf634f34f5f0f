/* SPDX-License-Identifier: MIT
 *
 * relacy_world.h - a small rota around the real functions of core/.
 *
 * A scenario is a state to begin in and, for each thread, a few operations.
 * Whoever runs a shard's owner operations owns it; the structure is a place
 * in each timer. The owner here does what core/poll.c, core/shard.c and
 * core/timer.c do with the answers of the real functions, no more. If one of
 * the threads is an adopter, who runs them takes hold first.
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
 *    relacy reports it if one of these accesses is a data race.
 *  2 An arming ends once. Nothing changes a word whose memory went back, and
 *    that is not before its callback ends, unless that releases it itself;
 *    who gives it back sees what the callback wrote [R1].
 *  3 The link is plain memory, and so is the place [P5] [I1].
 *  4 Verdicts. A stop that finds its arming claimed, and says NOT_PENDING,
 *    comes after the callback's end and sees what it wrote [P3] [R1]. One
 *    that says RUNNING speaks of a timer that was claimed.
 *  5 LINKED means that the owner has an entry, at or before the deadline or
 *    with QUEUED on.
 *  6 When every call has returned and the owner sleeps, nobody having woken
 *    it, then nothing is armed for before it wakes, and no remote release
 *    waits [I2] [K1] [K2] [K3]. Without a kick nobody wakes it for later.
 *  7 In the end, drained and fired, every word is at rest and every release
 *    was completed, once.
 *
 * A sleep that is not a thread's last operation ends at any time and for no
 * reason, so that all ways of waking are explored; only the last one has to
 * be ended by a wake.
 *
 * Between two atomic accesses relacy never switches threads, so what is
 * noted here in plain variables is noted at the instant of the access before.
 */
#ifndef ROTA_TESTS_MODEL_RELACY_WORLD_H
#define ROTA_TESTS_MODEL_RELACY_WORLD_H

#include "core/remote.h"

enum { TIMERS = 2, SHARDS = 2, ROLES = 2, THREADS = 3, OPS = 4 };
enum { STALE = SHARDS }; /* a remote call that has not heard of the heir */
enum { SAME = 0 };       /* to the deadline that the timer began with */
enum { IDS = 1 + THREADS * OPS }; /* armings of a timer; 0 is the first */

/* Deadlines are told apart by the arming they belong to. */
enum { ID_BITS = 4 };
#define AT(when, id) ((uint64_t)(when) << ID_BITS | (uint64_t)(id))
#define ID_OF(deadline) ((deadline) & ((1u << ID_BITS) - 1))
static const uint64_t NOW = 25, FOREVER = 1000; /* instants; arbitrary */

enum code {
	NONE,
	RESET,
	PUSH, /* RESET, if it is armed */
	STOP,
	RELEASE,
	DRAIN,
	FIRE,  /* what is due at NOW */
	FRESH, /* the same, but all was armed since the poll began */
	REARM, /* FIRE; the callback arms its timer again */
	FREE,  /* FIRE; the callback releases its timer */
	BATCH, /* FIRE; handed out, not called */
	SWEEP,
	PARK,
	EVICT,  /* what shard 0 has filed goes to the inbox of shard 1 */
	RETIRE, /* so does what is posted, for good */
	MOVE,   /* so does that timer, and is of a kind there from then on */
	ATTACH, /* if nobody is attached FIRE that timer, and detach */
	WALK    /* if nobody is attached walk over the timers, and detach */
};

struct operation {
	enum code code;
	bool owner;
	unsigned shard; /* an owner's */
	unsigned timer;
	uint64_t when;
	bool adopter; /* on that seat, not the owner's */
};

/* How a timer begins. */
struct beginning {
	const char *name;
	uint64_t flags;
	uint64_t when;  /* in the word */
	uint64_t place; /* 0: not filed */
};

struct scenario {
	unsigned timers;
	struct beginning begin[TIMERS];
	bool evicts;  /* EVICT or RETIRE occurs */
	bool moves;   /* MOVE occurs; everybody asks for a timer's kind */
	bool retires; /* RETIRE occurs; everybody looks for an heir */
	bool retired; /* it is over before the threads begin */
	bool adopts;  /* an adopter occurs: to act as the owner is to hold */
	bool tells;   /* they publish what is next; who parks goes by it */
	struct operation op[THREADS][OPS];
	/* Random: each thread chooses among these, OPS times. */
	const struct operation *menu[THREADS];
	unsigned menus[THREADS];
};

static struct scenario scene;     /* the same in all executions of a run */
static unsigned long long waited; /* DRAIN_BUSY, in all of them */

/* Plain data, made as far as the scenario needs it: it costs time. */
template <typename T, unsigned N> struct some {
	typename std::aligned_storage<sizeof(T), alignof(T)>::type at[N];
	unsigned n;

	some() : n(0)
	{
	}
	~some()
	{
		while (n)
			(*this)[--n].~T();
	}
	void
	make(unsigned count)
	{
		while (n < count)
			::new ((void *)&at[n++]) T();
	}
	T &
	operator[](unsigned i)
	{
		return *(T *)(void *)&at[i];
	}
};

struct model;

struct node {
	rota_word word;
	rota_slot link;
	rl::var<uint64_t> place; /* 0: no entry */
	some<rota_link, 1> kind; /* whose it is, if timers move */
	some<rl::var<unsigned>, IDS> data;

	/* Remembered by the checks. */
	int in;   /* the shard it is filed in, or -1 */
	int hand; /* the shard whose owner is looking at it, or -1 */
	unsigned ended, claimed, handed, over; /* a bit for each arming */
	unsigned touched, resets, stops;       /* a bit for each operation */
	bool deferred_releases, urgent; /* release begun; by a remote thread */
	bool given_back;
	bool broken; /* memory went back while a call was under way */
};

struct owner {
	struct remote remote;
	struct park park;
	rota_word next; /* what is due: for an owner that has adopters */
	rota_link running[ROLES];
	rota_link target;
	rota_word attached;
	rota_word lock_owner;
	node *staging[TIMERS]; /* QUEUED sees to it that this is enough */
	unsigned staging_len;
	node *deferred_releases; /* released; their callback runs */

	bool asleep, woken;
	uint64_t until, latest;
};

static void word_changed(rota_word *w, uint64_t from, uint64_t to);
static struct model *the;

/* What does not depend on the number of threads. */
struct model {
	some<node, TIMERS> item;
	some<owner, SHARDS> shard;
	rota_link home; /* as kind->r_shard */
	some<rl::var<unsigned>, IDS> note;

	bool watching;
	unsigned pokes;
	struct {
		unsigned id; /* of its operation */
		enum code code;
		unsigned role;
		node *calls;       /* in the callback of this one */
		bool hands;        /* it hands out, no callback runs */
		int before_cas;    /* in a call on this timer */
		uint64_t from, to; /* latest change by it */
	} me[THREADS];

	/*
	 * Checks.
	 */

	int
	index(rota_word *w)
	{
		for (unsigned i = 0; i < item.n; i++)
			if (w == &item[i].word)
				return (int)i;
		return -1;
	}

	void
	read_notes(unsigned ids)
	{
		for (unsigned k = 1; k < note.n; k++)
			if (ids & 1u << k)
				(void)(unsigned)note[k]($);
	}

	void
	changed(rota_word *w, uint64_t from, uint64_t to)
	{
		int i = index(w);
		unsigned th = rl::thread_index(), id = me[th].id;
		node &t = item[i];
		uint64_t d = ST_DEADLINE(from);
		bool on = to & ST_ARMED;

		if (!watching)
			return;
		if (me[th].before_cas == i)
			me[th].before_cas = -1;
		me[th].from = from;
		me[th].to = to;
		if (from & ST_QUEUED &&
		    (state_releasing(to) || (on && ST_DEADLINE(to) != d)))
			pokes++;
		if (t.broken)
			return;
		RL_ASSERT(!t.given_back);
		t.touched |= 1u << id;
		if ((from & ST_ARMED) && (!on || ST_DEADLINE(to) != d)) {
			RL_ASSERT(!(t.ended & 1u << ID_OF(d)));
			t.ended |= 1u << ID_OF(d);
			t.data[ID_OF(d)]($) = id; /* [P1] [P2] */
			if (t.hand >= 0 && me[th].code == FIRE) {
				t.claimed |= 1u << ID_OF(d);
				if (me[th].hands)
					t.handed |= 1u << ID_OF(d);
			}
			read_notes(t.resets); /* [P1] [P2] */
			if (me[th].code == STOP)
				t.stops |= 1u << id;
		}
		if (on &&
		    (me[th].code == RESET || me[th].code == PUSH ||
			me[th].code == REARM)) {
			read_notes(t.stops); /* [P4] */
			t.resets |= 1u << id;
		}
		if (state_releasing(to) && !state_releasing(from))
			t.deferred_releases = true;
	}

	/* Its memory is the user's again. */
	void
	give_back(node &t)
	{
		RL_ASSERT(t.broken || !t.given_back);
		t.given_back = t.deferred_releases = true;
		t.in = -1;
		for (unsigned th = 0; th < THREADS; th++)
			if (me[th].before_cas >= 0 &&
			    th != rl::thread_index() &&
			    &item[me[th].before_cas] == &t)
				t.broken = true; /* the scenario's fault */
		if (t.broken || !watching)
			return;
		for (unsigned th = 0; th < THREADS; th++)
			RL_ASSERT(
			    th == rl::thread_index() || me[th].calls != &t);
		for (unsigned k = 0; k < t.data.n; k++)
			if (t.over & 1u << k)
				(void)(unsigned)t.data[k]($); /* [R1] */
		read_notes(t.touched);                        /* [P6] */
		t.link = NULL;                                /* [P5] */
		t.place($) = 0;
	}

	/*
	 * The owner: as core/poll.c, core/shard.c and core/timer.c.
	 */

	void
	file(unsigned s, node &t, uint64_t d)
	{
		RL_ASSERT(!t.place($) && t.in < 0);
		t.place($) = d;
		t.in = (int)s;
	}

	void
	file_by(unsigned s, node &t, uint64_t d)
	{
		RL_ASSERT(t.place($) && t.in == (int)s);
		if (d < t.place($))
			t.place($) = d;
	}

	void
	unfile(unsigned s, node &t)
	{
		RL_ASSERT(t.place($) && t.in == (int)s);
		t.place($) = 0;
		t.in = -1;
	}

	/* May the caller act as the owner? False: another does. */
	bool
	hold(unsigned s)
	{
		uint64_t self = 1 + me[rl::thread_index()].role, none = 0;
		rota_word *w = &shard[s].lock_owner;

		if (!scene.adopts)
			return true;
		return word_cas(w, &none, self, acquire, relaxed); /* [H1] */
	}

	/* The first entry of what is filed. */
	uint64_t
	first(unsigned s)
	{
		uint64_t when = AT(FOREVER, 0);

		for (unsigned i = 0; i < item.n; i++)
			if (item[i].in == (int)s && item[i].place($) < when)
				when = item[i].place($);
		return when;
	}

	/* As rota__shard_publish_next(); the holder. */
	void
	publish(unsigned s)
	{
		uint64_t next;

		if (!scene.tells)
			return;
		next = inbox_empty(&shard[s].remote.inbox) ? first(s) : 0;
		wake_up_by(
		    s, park_publish(&shard[s].park, &shard[s].next, next));
	}

	void
	unhold(unsigned s)
	{
		rota_word *w = &shard[s].lock_owner;

		if (scene.adopts)
			word_store(w, (uint64_t)0, release); /* [H1] */
	}

	/* Is another thread in @t's callback? */
	bool
	running_elsewhere(unsigned s, node &t)
	{
		unsigned role = !me[rl::thread_index()].role;
		rota_link *there = &shard[s].running[role];

		return scene.adopts &&
		    word_load(there, acquire) == &t; /* [R1] */
	}

	/* The inbox or the stage lets go of @t. */
	void
	let_go(unsigned s, node &t)
	{
		bool own = me[rl::thread_index()].calls == &t;
		bool runs = own || running_elsewhere(s, t);
		uint64_t is;
		enum state_drain how = state_drain(&t.word, false, runs, &is);
		uint64_t d = ST_DEADLINE(is);

		switch (how) {
		case DRAIN_INSERT:
			file(s, t, d);
			break;
		case DRAIN_MOVE:
			file_by(s, t, d);
			break;
		case DRAIN_REMOVE:
			unfile(s, t);
			break;
		case DRAIN_NONE:
			RL_ASSERT(!t.place($));
			break;
		case DRAIN_FREE_REMOVE:
			unfile(s, t);
			/* fall through */
		case DRAIN_FREE:
			RL_ASSERT(!own);
			give_back(t);
			break;
		case DRAIN_BUSY:
			waited++;
			t.link = shard[s].deferred_releases;
			shard[s].deferred_releases = &t;
			break;
		}
	}

	void
	drain(unsigned s)
	{
		void *p = inbox_take(&shard[s].remote.inbox), *next;

		for (; p; p = next) {
			node &t = *(node *)p;

			next = t.link;
			if (scene.moves &&
			    word_load(&t.kind[0], relaxed) != &shard[s])
				send(t, 0);
			else
				let_go(s, t);
		}
	}

	void
	flush_staging(unsigned s)
	{
		while (shard[s].staging_len)
			let_go(s, *shard[s].staging[--shard[s].staging_len]);
	}

	void
	leave(unsigned s)
	{
		node *t = shard[s].deferred_releases, *next;

		shard[s].deferred_releases = NULL;
		for (; t; t = next) {
			next = (node *)(void *)t->link;
			let_go(s, *t);
		}
	}

	void
	settle(unsigned s)
	{
		leave(s);
		flush_staging(s);
	}

	/* The deadline operation @id gives. SAME is the one that the timer
	 * began with, to the bit; the arming stays the first. */
	uint64_t
	deadline(const struct operation &op, unsigned id)
	{
		return op.when == SAME ? AT(scene.begin[op.timer].when, 0)
				       : AT(op.when, id);
	}

	void
	owner_reset(unsigned s, node &t, uint64_t d, bool push)
	{
		uint64_t was, is;

		if (!push && me[rl::thread_index()].calls != &t &&
		    !running_elsewhere(s, t) && state_arm(&t.word, d)) {
			file(s, t, d);
			return;
		}
		if (!state_reset(&t.word, d, push, false, &was, &is))
			return;
		RL_ASSERT(was == me[rl::thread_index()].from);
		if (state_must_push(was, is)) {
			shard[s].staging[shard[s].staging_len++] = &t;
		} else if (state_must_kick(was, is)) {
			word_add(&shard[s].remote.kick, (uint64_t)1, seq_cst);
		}
	}

	void
	owner_release(unsigned s, node &t)
	{
		uint64_t was;

		if (word_load(&t.word, relaxed) & ST_QUEUED)
			settle(s); /* it may be no more than staged */
		if (t.given_back)
			return; /* another released it as well: misuse */
		if (state_release(&t.word, true, false, true, &was) !=
		    RELEASE_FREE)
			return;
		if (was & ST_LINKED)
			unfile(s, t);
		give_back(t);
	}

	/* Of the owner, or of another thread: as core/timer.c. */
	void
	reset(unsigned s, node &t, const struct operation &op, unsigned id)
	{
		if (!op.owner || op.adopter || !hold(s)) {
			remote_reset_(t, op, id);
			return;
		}
		owner_reset(s, t, deadline(op, id), op.code == PUSH);
		if (scene.adopts)
			flush_staging(s);
		unhold(s);
	}

	void
	release(unsigned s, node &t, const struct operation &op)
	{
		bool mine = op.owner && !op.adopter && hold(s);

		if (mine && running_elsewhere(s, t)) {
			unhold(s);
			mine = false;
		}
		if (!mine) {
			remote_release_(t, op);
			return;
		}
		owner_release(s, t);
		unhold(s);
	}

	/* What `running` says of @t while it may yet be claimed. */
	static void *
	claim(node &t)
	{
		return (char *)&t + 1;
	}

	void
	callback(unsigned s, node &t, uint64_t d, const struct operation &op,
	    unsigned id)
	{
		unsigned th = rl::thread_index();

		me[th].calls = &t;
		publish(s);
		unhold(s);
		t.data[ID_OF(d)]($) = id; /* [R1] */
		if (op.code == REARM)
			reset(s, t, op, id);
		else if (op.code == FREE && !t.deferred_releases)
			release(s, t, op);
		t.over |= 1u << ID_OF(d);
		me[th].calls = NULL;
	}

	/* False: another took hold during a callback. */
	bool
	fire(unsigned s, const struct operation &op, uint64_t now, unsigned id)
	{
		for (unsigned i = 0; i < item.n; i++) {
			node &t = item[i];
			unsigned th = rl::thread_index();
			bool batch = op.code == BATCH;
			struct state_claim c = { AT(now + 1, 0),
				op.code == FRESH,
				batch ? NULL : &shard[s].running[me[th].role],
				claim(t) };
			enum state_expire how;
			bool held;
			uint64_t d;

			if (op.code == ATTACH && op.timer != i)
				continue;
			if (t.in != (int)s || t.place($) >= c.before)
				continue;
			t.hand = (int)s;
			me[th].code = FIRE;
			me[th].hands = batch;
			how = state_expire(&t.word, c, false, &d);
			d = ST_DEADLINE(d); /* of the word it leaves */
			me[th].code = op.code;
			t.hand = -1;
			if (!batch)
				word_store(c.running,
				    how == EXPIRE_FIRE ? &t : NULL, release);
			switch (how) {
			case EXPIRE_REFILE:
				t.place($) = d;
				break;
			case EXPIRE_DROP:
				unfile(s, t);
				break;
			case EXPIRE_DEFER: /* looked at again by the next poll */
				t.place($) = 1; /* due; 0 is no entry */
				break;
			case EXPIRE_FIRE:
				RL_ASSERT(d < c.before);
				unfile(s, t);
				if (batch)
					break;
				callback(s, t, d, op, id);
				held = hold(s);
				word_store(c.running, NULL, release); /* [R1] */
				if (held)
					break;
				shard[s].woken = true;
				return false;
			}
		}
		return true;
	}

	void
	sweep(unsigned s)
	{
		uint64_t is;

		for (unsigned i = 0; i < item.n; i++)
			if (item[i].in == (int)s &&
			    !state_keep(&item[i].word, false, &is))
				unfile(s, item[i]);
	}

	void
	wake_up(unsigned s)
	{
		if (!shard[s].asleep)
			return;
		shard[s].asleep = shard[s].woken = false;
		park_leave(&shard[s].park);
	}

	/* Until when may the owner sleep? 0: not at all. Who has adopters goes
	 * by what was published, unless there is something in the inbox. */
	uint64_t
	next(unsigned s)
	{
		if (!scene.adopts) {
			flush_staging(s);
			return first(s);
		}
		if (!scene.tells)
			return AT(FOREVER, 0);
		return inbox_empty(&shard[s].remote.inbox)
		    ? word_load(&shard[s].next, relaxed)
		    : 0;
	}

	/* If the second look finds something it stays awake; what it would
	 * do then is another operation. */
	void
	park(unsigned s)
	{
		uint64_t until = next(s);

		if (shard[s].latest < until)
			shard[s].latest = until;
		park_enter(&shard[s].park, until);
		if (inbox_empty(&shard[s].remote.inbox) && until &&
		    !(scene.tells && park_oversleeps(&shard[s].next, until))) {
			shard[s].until = until;
			shard[s].asleep = true;
		} else {
			park_leave(&shard[s].park);
		}
	}

	/* Push all that @p leads to on the inbox of shard 1. */
	void
	forward(void *p)
	{
		for (void *next; p; p = next) {
			node &t = *(node *)p;

			next = t.link;
			inbox_push(&shard[1].remote.inbox, &t, &t.link);
		}
	}

	/* park_wakes() has said @wake. */
	void
	wake_up_by(unsigned s, uint64_t wake)
	{
		if (!wake)
			return;
		shard[s].woken = true;
		park_woken(&shard[s].park, wake);
	}

	/* After a push on, or a kick of, the inbox of shard @s. */
	void
	posted(unsigned s, uint64_t wake)
	{
		if (scene.retires && word_load(&shard[s].target, acquire)) {
			forward(inbox_take(&shard[s].remote.inbox));
			word_add(&shard[1].remote.kick, (uint64_t)1, seq_cst);
			pokes++;
			wake = park_wakes(&shard[1].park, 0);
			s = 1;
		}
		wake_up_by(s, wake);
	}

	/* What the owner of shard 0 chains up instead of filing it. */
	void *
	evict()
	{
		void *chain = NULL;
		uint64_t is;

		settle(0);
		for (unsigned i = 0; i < item.n; i++) {
			node &t = item[i];

			if (t.in != 0)
				continue;
			unfile(0, t);
			if (state_migrate(&t.word, &is)) {
				t.link = chain;
				chain = &t;
			}
		}
		return chain;
	}

	/* Everything leaves shard 0 before anybody hears of shard 1. */
	void
	retire()
	{
		void *chain = evict();

		word_store(&shard[0].target, (void *)&shard[1], release);
		word_store(&home, (void *)&shard[1], release);
		forward(chain);
		posted(0, 0);
	}

	/* To the inbox of shard 1. */
	void
	send(node &t, uint64_t d)
	{
		uint64_t kick = word_load(&shard[1].remote.kick, relaxed);

		wake_up_by(1,
		    remote_post(&shard[1].remote, &shard[1].park, &t, &t.link,
			d, kick));
	}

	/* As core/move.c; from shard 0. */
	void
	move(node &t)
	{
		uint64_t was = word_load(&t.word, relaxed), is;
		bool push;

		if (state_releasing(was))
			return;
		if (was & ST_QUEUED) {
			flush_staging(0);
			was = word_load(&t.word, relaxed);
		}
		if (was & ST_QUEUED)
			return;
		if (was & ST_LINKED)
			unfile(0, t);
		push = state_migrate(&t.word, &is);
		RL_ASSERT(!t.given_back);
		word_store(&t.kind[0], (void *)&shard[1], relaxed);
		if (push)
			send(t, ST_DEADLINE(is));
	}

	/*
	 * Remote threads: as core/timer.c.
	 */

	unsigned
	shard_of(const struct operation &op)
	{
		if (scene.moves)
			return word_load(&item[op.timer].kind[0], relaxed) ==
			    &shard[1];
		if (op.shard == STALE)
			return 0;
		if (!scene.retires || op.shard)
			return op.shard;
		return word_load(&home, acquire) == &shard[1];
	}

	void
	remote_reset_(node &t, const struct operation &op, unsigned id)
	{
		unsigned s = shard_of(op), th = rl::thread_index();
		uint64_t d = deadline(op, id), was, wake;

		if (!remote_reset(&shard[s].remote, &shard[s].park, &t.word, &t,
			&t.link, d, d, op.code == PUSH, &was, &wake))
			return;
		RL_ASSERT(was == me[th].from);
		RL_ASSERT(!wake || pokes || d < shard[s].latest);
		posted(s, wake);
	}

	void
	remote_release_(node &t, const struct operation &op)
	{
		unsigned s = shard_of(op);
		uint64_t was, wake;
		enum state_release how;

		how = remote_release(&shard[s].remote, &shard[s].park, &t.word,
		    &t, &t.link, &was, &wake);
		RL_ASSERT(how != RELEASE_FREE);
		if (how == RELEASE_GONE)
			return;
		t.urgent = true;
		posted(s, wake);
	}

	/* Why a stop that found @w did not prevent. False: look again. */
	bool
	stop_lost(unsigned s, node &t, uint64_t w)
	{
		/* Claims that come before @w for sure. */
		unsigned before = t.word.value.debug_value() == w
		    ? ~0u
		    : 1u << ID_OF(ST_DEADLINE(w));
		void *running;
		unsigned role = 0;

		before &= t.claimed & ~t.handed;
		do {
			running = word_load(
			    &shard[s].running[role], acquire); /* [R1] */
		} while (running != &t && running != claim(t) && scene.adopts &&
		    ++role < ROLES);
		if (running == &t) { /* RUNNING, maybe of an arming before */
			RL_ASSERT(t.claimed);
			return true;
		}
		if (running == claim(t) && !(w & ST_LINKED)) {
			if (word_load(&t.word, acquire) != w) /* [P3] */
				return false;
			RL_ASSERT(t.claimed); /* RUNNING */
			return true;
		}
		RL_ASSERT((t.over & before) == before); /* NOT_PENDING */
		for (unsigned k = 0; k < t.data.n; k++)
			if (before & 1u << k)
				(void)(unsigned)t.data[k]($); /* [P3] [R1] */
		return true;
	}

	void
	stop(node &t, const struct operation &op)
	{
		unsigned th = rl::thread_index();
		uint64_t w;

		do {
			w = state_stop(&t.word, false);
			if (t.broken)
				return;
			if (w & ST_ARMED) {
				RL_ASSERT(w == me[th].from);
				return;
			}
			/* The shard as of when ARMED went off, or later. */
		} while (!stop_lost(op.owner ? op.shard : shard_of(op), t, w));
	}

	/*
	 * Running.
	 */

	void
	run(unsigned th, unsigned n, const struct operation &op)
	{
		node &t = item[op.timer];
		unsigned id = 1 + n, s = op.shard;
		uint64_t none = 0;

		for (unsigned i = 0; i < th; i++)
			id += length(i);
		if (op.owner && !op.adopter)
			wake_up(s);
		if (op.code == NONE)
			return;
		if (op.code == RESET || op.code == PUSH || op.code == STOP ||
		    op.code == RELEASE) {
			if (t.deferred_releases)
				return; /* no call may begin any more */
			me[th].before_cas = (int)op.timer;
		}
		me[th].id = id;
		me[th].code = op.code;
		me[th].role = op.adopter;
		note[id]($) = id;
		for (unsigned i = 0; i < item.n; i++)
			if (op.code == REARM ||
			    (op.timer == i &&
				(op.code == RESET || op.code == PUSH)))
				item[i].data[id]($) = id;
		switch (op.code) {
		case NONE:
			break;
		case RESET:
		case PUSH:
			reset(s, t, op, id);
			break;
		case STOP:
			stop(t, op);
			break;
		case RELEASE:
			release(s, t, op);
			break;
		case DRAIN:
			if (!hold(s))
				break;
			settle(s);
			drain(s);
			publish(s);
			unhold(s);
			break;
		case FIRE:
		case FRESH:
		case REARM:
		case FREE:
		case BATCH:
			if (!hold(s) || !fire(s, op, NOW, id))
				break;
			leave(s);
			flush_staging(s);
			publish(s);
			unhold(s);
			break;
		case SWEEP:
			sweep(s);
			break;
		case PARK:
			park(s);
			break;
		case EVICT:
			forward(evict());
			wake_up_by(1, park_wakes(&shard[1].park, 0));
			break;
		case RETIRE:
			retire();
			break;
		case MOVE:
			if (!t.deferred_releases &&
			    word_load(&t.kind[0], relaxed) == &shard[0])
				move(t);
			break;
		case ATTACH:
			if (!word_cas(&shard[s].attached, &none, (uint64_t)1,
				acquire, relaxed))
				break;
			fire(s, op, NOW, id);
			word_store(&shard[s].attached, (uint64_t)0, release);
			break;
		case WALK: /* as core/each.c */
			if (!word_cas(&shard[s].attached, &none, (uint64_t)1,
				acquire, relaxed))
				break;
			word_store(&shard[s].running[0], &shard[s],
			    release); /* [R1] */
			word_store(
			    &shard[s].running[0], NULL, release); /* [R1] */
			word_store(&shard[s].attached, (uint64_t)0, release);
			break;
		}
		me[th].before_cas = -1;
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
	begin(unsigned threads)
	{
		unsigned ids = 1;

		the = this;
		watching = false;
		pokes = 0;
		for (unsigned th = 0; th < THREADS; th++) {
			ids += th < threads ? length(th) : 0;
			me[th].id = 0;
			me[th].code = NONE;
			me[th].role = 0;
			me[th].calls = NULL;
			me[th].hands = false;
			me[th].before_cas = -1;
			me[th].from = me[th].to = 0;
		}
		note.make(ids);
		shard.make(scene.evicts ? SHARDS : 1);
		for (unsigned s = 0; s < shard.n; s++) {
			owner &sh = shard[s];

			word_store(&sh.remote.inbox, NULL, relaxed);
			word_store(&sh.remote.kick, (uint64_t)0, relaxed);
			word_store(&sh.park.sleep_until, (uint64_t)0, relaxed);
			word_store(&sh.park.parked, (uint64_t)0, relaxed);
			sh.park.sleeps = 0;
			for (unsigned role = 0; role < ROLES; role++)
				word_store(&sh.running[role], NULL, relaxed);
			word_store(&sh.target, NULL, relaxed);
			word_store(&sh.attached, (uint64_t)0, relaxed);
			word_store(&sh.lock_owner, (uint64_t)0, relaxed);
			sh.staging_len = 0;
			sh.deferred_releases = NULL;
			sh.asleep = sh.woken = false;
			sh.until = sh.latest = 0;
		}
		word_store(&home, (void *)&shard[0], relaxed);
		item.make(scene.timers);
		for (unsigned i = 0; i < item.n; i++) {
			node &t = item[i];
			const struct beginning &b = scene.begin[i];

			t.data.make(ids);
			t.data[0]($) = 0;
			t.hand = t.in = -1;
			t.claimed = t.handed = 0;
			t.ended = t.over = 0;
			t.touched = t.resets = t.stops = 0;
			t.deferred_releases = t.urgent = false;
			t.given_back = t.broken = false;
			t.link = NULL;
			t.place($) = 0;
			word_store(&t.word, AT(b.when, 0) << ST_SHIFT | b.flags,
			    relaxed);
			t.kind.make(scene.moves);
			if (scene.moves)
				word_store(
				    &t.kind[0], (void *)&shard[0], relaxed);
			if (b.flags & ST_LINKED)
				file(0, t, AT(b.place, 0));
			if (b.flags & ST_QUEUED)
				inbox_push(&shard[0].remote.inbox, &t, &t.link);
			t.word.changed = word_changed;
		}
		for (unsigned s = 0; s < shard.n; s++)
			word_store(&shard[s].next, first(s), relaxed);
		if (scene.retired)
			retire();
		watching = true;
	}

	/* Every call has returned. */
	void
	finish()
	{
		watching = false;
		for (unsigned i = 0; i < item.n; i++) {
			node &t = item[i];
			uint64_t w = word_load(&t.word, relaxed);

			if (t.broken || t.given_back)
				continue;
			RL_ASSERT(!(w & ST_LINKED) == (t.in < 0));
			if (t.in >= 0 && !(w & ST_QUEUED))
				RL_ASSERT(t.place($) <= ST_DEADLINE(w));
			for (unsigned s = 0; s < shard.n; s++) {
				if (!shard[s].asleep || shard[s].woken ||
				    (scene.evicts && !s))
					continue;
				if (scene.evicts && !scene.retires &&
				    scene.begin[i].flags & ST_QUEUED)
					continue; /* still with shard 0 */
				RL_ASSERT(!(w & ST_ARMED) ||
				    ST_DEADLINE(w) >= shard[s].until);
				RL_ASSERT(!(t.urgent && state_releasing(w)));
			}
		}
		poll_all();
		for (unsigned i = 0; i < item.n; i++) {
			node &t = item[i];
			uint64_t w = word_load(&t.word, relaxed);

			if (t.broken)
				continue;
			RL_ASSERT(t.given_back == t.deferred_releases);
			RL_ASSERT(t.given_back ||
			    !(w & (ST_ARMED | ST_LINKED | ST_QUEUED)));
		}
	}

	/* Poll until nothing is left. */
	void
	poll_all()
	{
		const struct operation op = { FIRE, true, 0, 0, 0 };
		/* Twice: what was deferred, or moved, is seen again. */
		for (unsigned n = 0; n < 2; n++) {
			unsigned last = scene.evicts;

			if (scene.moves) {
				settle(0);
				drain(0);
				fire(0, op, FOREVER, 0);
			} else if (scene.evicts && !scene.retires)
				forward(inbox_take(&shard[0].remote.inbox));
			settle(last);
			drain(last);
			fire(last, op, FOREVER, 0);
		}
	}
};

static void
word_changed(rota_word *w, uint64_t from, uint64_t to)
{
	the->changed(w, from, to);
}

template <int N> struct world : rl::test_suite<world<N>, N>, model {
	void
	before()
	{
		this->begin(N);
	}

	void
	thread(unsigned th)
	{
		unsigned n = 0;

		for (; n < OPS && scene.op[th][n].code != NONE; n++)
			this->run(th, n, scene.op[th][n]);
		for (; scene.menus[th] && n < OPS; n++)
			this->run(
			    th, n, scene.menu[th][rl::rand(scene.menus[th])]);
	}

	void
	after()
	{
		this->finish();
	}
};

#endif
