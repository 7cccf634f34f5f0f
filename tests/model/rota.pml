/* SPDX-License-Identifier: MIT
 *
 * rota.pml - the protocol of the timer word, for spin.
 *
 * One owner polls (drains its inbox, takes out what is due, looks, fires) and
 * parks. Two remote threads call stop, reset and release on its timers; the
 * owner calls them too, between polls and in callbacks. Time moves only while
 * the owner sleeps. In every interleaving spin looks for:
 *
 *  1 a timer that fires early, or twice for one arming;
 *  2 an arming that was PREVENTED and fired, or that is neither and goes away
 *    with the timer's memory;
 *  3 an ARMED timer due before the sleeping owner wakes, when every call has
 *    returned;
 *  4 LINKED on, QUEUED off, and filed later than the word's deadline: the
 *    invariant of core/state.h. Or LINKED without an entry, or the reverse;
 *  5 a timer touched after its memory went back, or memory that does not go
 *    back although every call has returned and the owner sleeps;
 *  6 a timer pushed or staged while it is in the inbox or on the stage;
 *  7 a verdict of stop that was true at no instant of the call.
 *
 * All is bounded, so nobody can wait for ever unseen: the run ends with
 * everybody done, or spin reports an invalid end state.
 *
 * What is abstracted, and why nothing is lost by it:
 *  - Memory is sequentially consistent; weaker orders are relacy's part.
 *  - A compare-and-swap loop is one step. It decides by the word that the
 *    swap compares, and by what no other thread can change, so it takes
 *    effect at the instant it succeeds; loads and failures before that leave
 *    no trace. The claim is two steps, because `running` is stored between
 *    its load and its swap.
 *  - The structure is filed[t], an instant. Backends file by a place that
 *    grows with the deadline, so what holds of instants holds of places.
 *  - kick is not a number but, for each caller, whether it moved since that
 *    caller read it. Nobody asks more of it.
 *
 * What a caller promises (rota/timer.h): a release begins while no other call
 * on that timer is before its compare-and-swap, and no call begins after it.
 * A call past its compare-and-swap may go on: OPEN() and QUIET(). The owner
 * is held to less: it may call until the memory is back, HELD().
 *
 * Left out: what an adopter fires, retirement of shards, plain accesses to
 * confined timers, and in what order equal deadlines fire.
 *
 * -D sets the size; spin.sh has the sets that are run. -DMUTANT_x plants one
 * fault, and mutants.sh expects spin to find each. Every line is reached in
 * one of the sets, not every line in every set.
 */

#ifndef TIMERS
#define TIMERS 1	/* timers, 1 or 2 */
#endif
#ifndef OPS
#define OPS 2		/* calls of one remote thread */
#endif
#ifndef OPS1
#define OPS1 OPS	/* calls of the other */
#endif
#ifndef OWN
#define OWN 1		/* calls of the owner */
#endif
#ifndef LAST
#define LAST 2		/* the last instant of time, 2 or 3 */
#endif
/* RELEASE  release is among the calls.
 * VERDICT  check 7; else stop answers nothing and is one step.
 * REUSE    memory that goes back is a new timer at once, one time.
 * BUDGET   a drain, and a poll, may end early.
 * SWEEP    an entry that is not due may be moved on, or a zombie taken out.
 * BATCH    what is due is handed out, not called.
 * ADOPT    so many times an adopter takes hold, files, and lets go; the owner
 *          holds for a poll between callbacks, and for a call. */

#define NEVER	(LAST + 1)	/* a deadline that does not come */
#define AWAY	(LAST + 2)	/* not filed */
#define NIL	TIMERS		/* no timer */

/* The word. */
#define A	1		/* ARMED */
#define L	2		/* LINKED */
#define Q	4		/* QUEUED */
#define R	8		/* RELEASE */
#define DL(w)	((w) >> 4)
#define W(d, f)	(((d) << 4) | (f))

/* What threads race on. */
byte word[TIMERS];
byte link[TIMERS] = NIL;	/* of the inbox: who turned QUEUED on has it */
byte inbox = NIL;
byte running = NIL;		/* NIL, t, or CLAIM(t) */
byte sleep_until;
bool parked;
bool rung;			/* what the owner sleeps on: stays until read */
bool again[3];			/* does it sleep anew since this caller, or the
				 * adopter, found it parked */
bool moved[2];			/* did kick move since this caller read it */

#define CLAIM(t) ((t) + 8)	/* the owner is trying to claim t */

/* The holder's alone. Global for check 4. */
byte filed[TIMERS] = AWAY;	/* where the entry is */

/* The same; without an adopter they are the owner's locals. */
#define HOLDERS \
	bool staged[TIMERS];	/* armed by the owner, not yet filed */ \
	bool fresh[TIMERS];	/* armed by the owner since this poll began */ \
	bool later[TIMERS];	/* its entry is deferred to the next poll */ \
	bool leaving[TIMERS];	/* released, its callback runs: ask again */ \
	byte chain = NIL	/* taken from the inbox, not looked at */
#ifdef ADOPT
HOLDERS;
bool held;			/* by the owner or the adopter */
byte next = 1;			/* poll by then; 1 is as early as any */
#define IDLE	(!held && !lost)
#else
#define IDLE	true
#endif

byte now;			/* moves only while the owner sleeps */

/* Ghosts: what the checks remember. No step of the protocol asks them. */
bool pend[TIMERS];		/* an arming neither fired nor stopped */
bool listed[TIMERS];		/* in the inbox, the chain, or the stage */
bool gone[TIMERS];		/* its release was begun */
bool freed[TIMERS];		/* its memory went back */
byte calls[TIMERS];		/* remote calls before their CAS */
bool incall[2];			/* this remote thread is in a call */
byte filing = NIL;		/* the owner has its entry in hand */
byte firing = NIL;		/* claimed, and the callback has not ended */
byte done;			/* remote threads that made all calls */
#ifdef VERDICT
byte stopping[2] = NIL;		/* the timer this thread stops */
bool was_idle[2];		/* during that: not armed, not running, once */
bool was_running[2];		/* during that: not armed but running, once */
byte seen[2];			/* the word as it saw it */
bool stirred[2];		/* the word has been another since */
#endif
#ifdef REUSE
bool reused;
#endif

/*
 * Checks.
 */

/* Check 5: stands before every access to a timer's memory. */
inline touch(t)
{
	assert(!freed[t])
}

/* Check 4: stands after every change of a word or a place, except while the
 * owner has taken the entry out and not yet decided. */
inline invariant(t)
{
	assert(filing == t || ((word[t] & L) != 0) == (filed[t] != AWAY));
	assert(filing == t || !(word[t] & L) || (word[t] & Q) ||
	    filed[t] <= DL(word[t]))
}

/* Check 7: what would be a true answer now, for the stop of thread r. */
#define NOTE(r, t) \
	if \
	:: stopping[r] == t -> \
		if \
		:: !(word[t] & A) && firing == t -> was_running[r] = 1 \
		:: !(word[t] & A) && firing != t -> was_idle[r] = 1 \
		:: else \
		fi; \
		stirred[r] = stirred[r] || word[t] != seen[r] \
	:: else \
	fi
inline note(t)
{
#ifdef VERDICT
	NOTE(0, t);
	NOTE(1, t)
#else
	skip
#endif
}

inline changed(t)
{
	invariant(t);
	note(t)
}

/* An arming ends: by a stop, by a release, or by firing. Check 2. */
inline disarmed(t)
{
	assert(pend[t]);
	pend[t] = 0
}

/* Checks 3 and 5, whenever time moves and at the end. */
#ifdef ADOPT
#define CALLED (incall[0] || incall[1] || held)
#else
#define CALLED (incall[0] || incall[1])
#endif
#define SOUND(t) (freed[t] || (!gone[t] && \
    (!(word[t] & A) || DL(word[t]) >= sleep_until)))
inline sound_sleep()
{
	assert(CALLED || SOUND(0));
#if TIMERS > 1
	assert(CALLED || SOUND(1))
#endif
}

/*
 * Choices.
 */

inline any_deadline(d)
{
	if
	:: d = 1
	:: d = 2
#if LAST > 2
	:: d = 3
#endif
	:: d = NEVER
	fi
}

/* A timer that ok() allows, if more; else this blocks. */
#if TIMERS > 1
#define PICK(t, more, ok) \
	if \
	:: (more) && ok(0) -> t = 0 \
	:: (more) && ok(1) -> t = 1 \
	fi
#else
#define PICK(t, more, ok) ((more) && ok(0)) -> t = 0
#endif

/* The caller's promise: see the top. */
#define OPEN(t)		(!gone[t])
#define HELD(t)		(!freed[t])
#define QUIET(t)	(!gone[t] && calls[t] == 0)
#if TIMERS > 1
#define ANY(ok)		(ok(0) || ok(1))
#else
#define ANY(ok)		ok(0)
#endif

/*
 * What a remote thread does: core/remote.h. Its locals: me, t, d, w, b.
 */

/* inbox_push: link, then one compare-and-swap on the head. */
inline inbox_push(t)
{
	touch(t);
	assert(!listed[t]);	/* check 6 */
	listed[t] = 1;
	link[t] = inbox;
	inbox = t
}

/* park_wakes, the wake, and park_woken: if the owner is parked, and d is before
 * what it sleeps until. Then nobody else has to, unless it sleeps anew. */
inline wake(d, who)
{
	if
	:: !parked
	:: atomic { parked -> again[who] = 0 };
		if
		:: d >= sleep_until
		:: d < sleep_until ->
			rung = 1;
#ifdef MUTANT_wake_stale
			parked = 0
#else
			atomic { parked = parked && again[who] }
#endif
		fi
	fi
}

inline kick()
{
	moved[0] = incall[0];
	moved[1] = incall[1]
}

/* remote_post, or the kick: what a call does that left QUEUED on. b: it has
 * turned it on itself. Then it pushes, and wakes the owner for its deadline,
 * or whatever that is if kick moved since before its compare-and-swap. If not,
 * somebody else pushes, perhaps much later, and must then see that this call
 * has been there. */
inline remote_post(t, d)
{
#ifdef MUTANT_touch_after_cas
	touch(t);
#endif
#ifdef MUTANT_kick_read_late
	moved[me] = 0;
#endif
#ifdef MUTANT_push_twice
	b = 1;
#endif
	if
	:: atomic { b -> b = 0; inbox_push(t) };
		atomic { d = (moved[me] -> 0 : d) };
		wake(d, me)
#ifdef MUTANT_no_kick
	:: !b -> wake(d, me)
#endif
#ifdef MUTANT_kick_late
	:: !b -> wake(d, me); atomic { kick() }
#endif
#if !defined(MUTANT_no_kick) && !defined(MUTANT_kick_late)
	:: atomic { !b -> kick() };
		wake(d, me)
#endif
	fi
}

/* The start of a call. kick is read here, before the CAS. */
inline call(t)
{
	n--;
	calls[t]++;
	incall[me] = 1;
	moved[me] = 0
}

/* Its end. */
inline back()
{
	incall[me] = 0;
	moved[me] = 0;
	again[me] = 0;
	t = 0;
	d = 0;
	w = 0
}

#ifdef MUTANT_earlier_unqueued
#define KEEPS(w, d) ((w) & L)
#else
#define KEEPS(w, d) (((w) & L) && (d) >= DL(w))
#endif
#ifdef MUTANT_reset_revives
#define REFUSES(w) false
#else
#define REFUSES(w) (((w) & (R | Q)) == (R | Q))
#endif
#define LQ(w) ((w) & (L | Q))

/* remote_reset: an entry filed early enough stays, and the CAS is all. Else
 * QUEUED goes on with it. */
inline remote_reset(t, d)
{
	atomic {
		touch(t);
		calls[t]--;
		w = word[t];
		any_deadline(d);
		if
		:: REFUSES(w) -> w = L		/* -EINVAL */
		:: else ->
			pend[t] = 1;
			if
			:: KEEPS(w, d) ->
				word[t] = W(d, LQ(w) | A);
				w = L
			:: else ->
				word[t] = W(d, LQ(w) | A | Q);
				b = !(w & Q);
				w = 0
			fi;
			changed(t)
		fi;
		if
		:: w == L -> back(); w = L
		:: else
		fi
	};
	if
	:: atomic { w == L -> w = 0 }
	:: w == 0 -> remote_post(t, d);
		atomic { back() }
	fi
}

/* remote_release: ARMED off, RELEASE and QUEUED on. d is 0, so the owner is
 * woken whatever it sleeps until: memory does not wait for a far deadline. */
inline remote_release(t)
{
	atomic {
		touch(t);
		calls[t]--;
		w = word[t];
		if
		:: (w & A) -> disarmed(t)
		:: else
		fi;
		word[t] = (w & ~A) | R | Q;
		b = !(w & Q);
		w = 0;
		changed(t)
	};
#ifdef MUTANT_release_no_wake
	d = NEVER;
#endif
	remote_post(t, d);
	atomic { back() }
}

/* state_stop: ARMED off, nothing else. w is the word it found. */
inline state_stop(t)
{
	touch(t);
	w = word[t];
	if
	:: (w & A) ->
		word[t] = w & ~A;
		disarmed(t);
		changed(t)
	:: else
	fi
}

#ifdef MUTANT_no_reread
#define SAME(t, w) true
#else
#define SAME(t, w) (word[t] == (w))
#endif

/* rota_timer_stop. Who finds ARMED off asks `running`. CLAIM says that the
 * owner tries to claim; whether it has is in the word, as LINKED goes off
 * with the claim and cannot come on before running changes again.
 *
 * Then it looks at the word once more, and begins anew if that has changed:
 * the callback that it just missed may have armed the timer. What it cannot
 * tell is a word that has changed and is the same again: a timer armed for
 * the very deadline it had, and fired, all between the two looks. Check 7
 * leaves that out, and nothing else. */
#define BLIND (stirred[me] && word[t] == w)
#ifdef VERDICT
inline look_at(t)
{
	seen[me] = word[t];
	stirred[me] = 0;
	state_stop(t)
}

inline remote_stop(t)
{
	atomic {
		stopping[me] = t;
		look_at(t);
		note(t)
	};
	do
	:: (w & A) -> break			/* PREVENTED */
	:: else ->
		b = running == t || (running == CLAIM(t) && !(w & L));
		atomic {
			if
			:: SAME(t, w) ->	/* RUNNING, NOT_PENDING */
				assert(!b || BLIND || was_running[me]);
				assert(b || BLIND || was_idle[me]);
				break
			:: else -> look_at(t)
			fi
		}
	od;
	atomic {
		calls[t]--;
		b = 0;
		stopping[me] = NIL;
		was_idle[me] = 0;
		was_running[me] = 0;
		stirred[me] = 0;
		seen[me] = 0;
		back()
	}
}
#endif

proctype remote(bit me)
{
	byte n = (me -> OPS1 : OPS);
	byte t, d, w;
	bool b;

	do
	:: atomic { PICK(t, n > 0, OPEN); call(t) };
		remote_reset(t, d)
#ifdef VERDICT
	:: atomic { PICK(t, n > 0, OPEN); call(t) };
		remote_stop(t)
#else
	:: atomic { PICK(t, n > 0, OPEN);
		n--;
		state_stop(t);
		t = 0;
		w = 0
	   }
#endif
#ifdef RELEASE
	:: atomic { PICK(t, n > 0, QUIET); call(t); gone[t] = 1 };
		remote_release(t)
#endif
	:: atomic { n == 0 || !ANY(OPEN) -> n = 0; done++; break }
	od
}

/*
 * What the owner does: core/poll.c, core/shard.c. Its locals: t of the poll,
 * u of its own calls, v of the stage; d, w, b.
 */

/* The memory of t is its caller's again. Check 2: no arming goes with it. A
 * callback may give back its own timer, nobody else may do it to it. */
inline give_back(t)
{
	assert(!pend[t]);
	word[t] = 0;
#ifndef MUTANT_release_stays_linked
	filed[t] = AWAY;
#endif
	link[t] = NIL;
	fresh[t] = 0;
	later[t] = 0;
	if
	:: firing == t -> firing = NIL
	:: else
	fi;
#ifdef REUSE
	if
	:: !reused -> reused = 1; gone[t] = 0
	:: else -> freed[t] = 1
	fi
#else
	freed[t] = 1
#endif
}

/* state_drain, and the structure after it. QUEUED goes off, and what is to
 * be done is settled, in one step: a reset that comes later pushes again. If
 * it was released it goes back, b, but waits as long as its callback runs. */
inline state_drain(t, runs)
{
	touch(t);
	w = word[t];
	assert(w & Q);
	link[t] = NIL;
	if
	:: (w & A) ->
		listed[t] = 0;
		word[t] = (w | L) & ~Q;
		filed[t] = (filed[t] > DL(w) -> DL(w) : filed[t])
	:: !(w & A) && (w & R) && (runs) -> leaving[t] = 1
	:: !(w & A) && !((w & R) && (runs)) ->
		listed[t] = 0;
#ifdef MUTANT_zombie_stays
		word[t] = w & ~Q;
#else
		word[t] = w & ~(Q | L);
		filed[t] = AWAY;
		later[t] = 0;
#endif
		b = (w & R) != 0
	fi;
	w = 0;
	changed(t);
	if
	:: b -> assert(firing != t); give_back(t)
	:: else
	fi
}

#ifdef MUTANT_drain_runs
#define RUNS(t) false
#else
#define RUNS(t) (running == t)
#endif

/* Those that were released while their callback ran: is it over? */
inline leave_one(t)
{
	atomic {
		if
		:: leaving[t] ->
			leaving[t] = 0;
			state_drain(t, RUNS(t));
			b = 0
		:: else
		fi
	}
}
inline leave()
{
	leave_one(0);
#if TIMERS > 1
	leave_one(1)
#endif
}

/* What the owner armed is not filed at once, but together, and always before
 * it polls or sleeps: the stage. QUEUED is on for what is there. This may be inside the timer's
 * own callback, and its memory must not go back before that ends. */
#if TIMERS > 1
#define STAGED (staged[0] || staged[1])
#define PICK_STAGED(v) if :: staged[0] -> v = 0 :: staged[1] -> v = 1 fi
#else
#define STAGED staged[0]
#define PICK_STAGED(v) staged[0] -> v = 0
#endif
inline put_on_stage(t)
{
	assert(!listed[t]);	/* check 6 */
	listed[t] = 1;
	staged[t] = 1
}

inline unstage_one()
{
	atomic {
		PICK_STAGED(v);
		staged[v] = 0;
#ifdef MUTANT_unstage_frees
		state_drain(v, false);
#else
		state_drain(v, running == v);
#endif
		b = 0;
		v = 0
	}
}

inline flush_staging()
{
	do
	:: unstage_one()
	:: !STAGED -> break
	od
}

/* What has no bit on, and is looked at by no poll under way, the owner files at
 * once: state_arm. */
#ifdef MUTANT_arm_queued
#define UNUSED(w) (((w) & (A | L)) == 0)
#else
#define UNUSED(w) (((w) & (A | L | Q | R)) == 0)
#endif

/* owner_reset: the edges of a remote one, with the stage for the inbox. If
 * somebody else turned QUEUED on, that push may be for a later deadline, hence
 * the kick. A full stage is unstaged at once: whenever one likes. */
inline owner_reset(t)
{
	atomic {
		touch(t);
		w = word[t];
		any_deadline(d);
		if
		:: REFUSES(w)			/* -EINVAL */
		:: else ->
			pend[t] = 1;
			fresh[t] = 1;
			if
			:: KEEPS(w, d) -> word[t] = W(d, LQ(w) | A)
			:: UNUSED(w) && d > now && !RUNS(t) ->
				word[t] = W(d, A | L);
				filed[t] = d
			:: !KEEPS(w, d) ->
				word[t] = W(d, LQ(w) | A | Q);
				if
				:: (w & Q) -> b = 1
				:: else -> put_on_stage(t)
				fi
			fi;
			changed(t)
		fi;
		w = 0;
		d = 0
	};
	if
#ifdef MUTANT_owner_no_kick
	:: b -> b = 0
#else
	:: atomic { b -> b = 0; kick() }
#endif
	:: !b
	:: !b && STAGED -> flush_staging()
	fi
}

#ifdef MUTANT_release_no_wait
#define WAITS(w) false
#else
#define WAITS(w) ((w) & Q)
#endif

/* rota_timer_release by the owner: at once if QUEUED is off. Else a drain does
 * it, and the kick sees to it that one comes: the pusher's own deadline need
 * not wake anybody. If it is t's callback that runs, for stop it is over: the
 * memory may be another timer before it returns. */
inline owner_release(t)
{
	if
	:: STAGED && (word[t] & Q) -> flush_staging()
	:: !STAGED || !(word[t] & Q)
	fi;
	atomic {
		touch(t);
		w = word[t];
		if
		:: (w & A) -> disarmed(t)
		:: else
		fi;
		if
		:: WAITS(w) ->
			word[t] = (w & ~A) | R;
			w = R
		:: else ->
			word[t] = 0;
#ifndef MUTANT_release_stays_linked
			filed[t] = AWAY;
#endif
			w = 0
		fi;
		changed(t)
	};
	if
	:: w == 0 ->
#if defined(VERDICT) && !defined(MUTANT_running_stays)
		if
		:: running == t -> running = NIL
		:: else
		fi;
#endif
		atomic { give_back(t) }
#ifdef MUTANT_release_no_kick
	:: w != 0 -> w = 0
#else
	:: atomic { w != 0 -> w = 0; kick() }
#endif
	fi
}

/* Any call, on any timer: between polls, in a callback, in `released`. With an
 * adopter, if the owner can hold; if not it is as a remote thread. */
#ifdef ADOPT
#define MAY_CALL atomic { own > 0 && !held && ANY(HELD) -> held = 1 }
#else
#define MAY_CALL (own > 0 && ANY(HELD))
#endif
inline own_call()
{
	if
	:: atomic { PICK(u, own > 0, HELD); own-- };
		owner_reset(u)
	:: atomic { PICK(u, own > 0, HELD);
		own--;
		state_stop(u);
		w = 0
	   }
#ifdef RELEASE
	:: atomic { PICK(u, own > 0, QUIET); own--; gone[u] = 1 };
		owner_release(u)
#endif
	fi;
#ifdef ADOPT
	flush_staging();
	atomic {
		earliest(u);
		next = (u != NIL && filed[u] < next -> filed[u] : next);
		held = 0
	};
#endif
	u = 0
}

/* One timer of the inbox. Its link is read first: once QUEUED is off it is
 * the next pusher's. */
inline drain_one()
{
	atomic {
		t = chain;
#ifdef MUTANT_look_first
		touch(t);
		w = word[t];
		filing = t;
		if
		:: (w & A) ->
			word[t] = w | L;
			filed[t] = (filed[t] > DL(w) -> DL(w) : filed[t])
		:: else
		fi;
		w = 0
	};
	atomic {
		chain = link[t];
		link[t] = NIL;
		listed[t] = 0;
		word[t] = word[t] & ~Q;
		filing = NIL;
		changed(t)
#else
#ifdef MUTANT_link_late
		state_drain(t, RUNS(t))
	};
	atomic {
		touch(t);
		chain = link[t];
		link[t] = NIL
#else
		chain = link[t];
		state_drain(t, RUNS(t))
#endif
#endif
		;
		t = NIL
	};
	if
	:: b ->
		b = 0;
#ifdef RELEASE
		do
		:: MAY_CALL -> own_call()	/* in `released` */
		:: break
		od
#endif
	:: !b
	fi
}

#ifdef ADOPT
/* rota__shard_publish_next: an owner that sleeps for longer is woken. */
inline publish(u)
{
	atomic {
		earliest(u);
		next = (u == NIL -> NEVER : filed[u]);
		u = 0
	};
#ifndef MUTANT_adopter_silent
	wake(next, 2)
#endif
}
#endif

/* The callback, on the owner's thread. Afterwards the owner must not touch
 * t: it may be gone. */
inline fire(t)
{
	running = t;
#ifdef ADOPT
	publish(u);
	held = 0;
#endif
	do
	:: MAY_CALL -> own_call()
	:: break
	od;
#ifdef ADOPT
	atomic {
		lost = held;
		held = 1
	};
#endif
#ifdef MUTANT_touch_after_callback
	touch(t);
#endif
	atomic {
		running = NIL;
		if
		:: firing == t -> firing = NIL; note(t)
		:: else
		fi
	}
}

#ifdef MUTANT_fire_stays_linked
#define CLAIMED (~A)
#else
#define CLAIMED (~(A | L))
#endif
#ifdef MUTANT_claim_by_store
#define CLAIMS(t, w) true
#else
#define CLAIMS(t, w) (word[t] == (w))
#endif

/* The compare-and-swap of the claim. b: it succeeded. */
inline claim(t)
{
	atomic {
		touch(t);
		b = CLAIMS(t, w);
		if
		:: b ->
			assert(DL(word[t]) <= now);	/* check 1 */
			disarmed(t);			/* checks 1, 2 */
			word[t] = w & CLAIMED;
			filing = NIL;
			firing = t;
			changed(t)
		:: else
		fi;
		w = 0
	}
}

/* The earliest entry is t, or there is none and t is NIL. */
#if TIMERS > 1
inline earliest(t)
{
	if
	:: filed[0] == AWAY && filed[1] == AWAY -> t = NIL
	:: filed[0] != AWAY && filed[0] <= filed[1] -> t = 0
	:: filed[1] != AWAY && filed[1] <= filed[0] -> t = 1
	fi
}
#else
inline earliest(t)
{
	t = (filed[0] == AWAY -> NIL : 0)
}
#endif

/* The backend's pop: t is an entry that was due, or NIL. */
#define COMES_UP(t) (filed[t] <= now && !later[t])
inline take_out(t)
{
	if
#if TIMERS > 1
	:: COMES_UP(0) && (!COMES_UP(1) || filed[0] <= filed[1]) -> t = 0
	:: COMES_UP(1) && (!COMES_UP(0) || filed[1] <= filed[0]) -> t = 1
#else
	:: COMES_UP(0) -> t = 0
#endif
	:: else -> t = NIL
	fi;
	if
	:: t != NIL ->
		filed[t] = AWAY;
		filing = t
	:: else
	fi
}

#ifdef MUTANT_early
#define DUE(w) true
#else
#define DUE(w) (DL(w) <= now)
#endif

/* state_expire, at an entry that is out of the structure. What the owner armed
 * since this poll began keeps its entry for the next one. d: it may fire, and
 * is to be claimed. */
inline state_expire(t)
{
	touch(t);
	w = word[t];
	if
	:: (w & A) && !DUE(w) -> filed[t] = DL(w)
	:: !(w & A) -> word[t] = w & ~L
	:: (w & A) && DUE(w) && fresh[t] ->
		filed[t] = DL(w);
		later[t] = 1
#ifdef BATCH
	:: (w & A) && DUE(w) && !fresh[t] ->
		assert(DL(w) <= now);			/* check 1 */
		disarmed(t);				/* checks 1, 2 */
		word[t] = w & CLAIMED
#else
	:: (w & A) && DUE(w) && !fresh[t] -> d = 1
#endif
	fi;
	if
	:: d
	:: else ->
		w = 0;
		filing = NIL;
		changed(t);
		t = NIL
	fi
}

/* The end of a look. A claim that failed looks again. */
inline fire_one()
{
	if
	:: d ->
		d = 0;
#if defined(VERDICT) && defined(MUTANT_running_no_claim)
		running = t;
#endif
#if defined(VERDICT) && !defined(MUTANT_running_no_claim) && \
    !defined(MUTANT_running_late)
		running = CLAIM(t);
#endif
		claim(t);
		if
		:: b -> b = 0; fire(t); t = NIL
		:: else -> running = NIL
		fi
	:: !d
	fi
}

/* state_keep: an entry is moved within the structure, or swept. */
inline state_keep(t)
{
#ifdef MUTANT_keep_by_store
	touch(t);
	w = word[t];
#endif
	atomic {
#ifndef MUTANT_keep_by_store
		touch(t);
		w = word[t];
#endif
		if
		:: (w & A) -> filed[t] = DL(w)
		:: else -> word[t] = w & ~L; filed[t] = AWAY; later[t] = 0
		fi;
		w = 0;
		changed(t)
	}
}

/* The first entry is due. */
#if TIMERS > 1
#define DUE_NOW (filed[0] <= now || filed[1] <= now)
#else
#define DUE_NOW (filed[0] <= now)
#endif

/* What is staged, what waited for a callback, and the inbox as it stands. */
inline drain()
{
#ifdef ADOPT
	flush_staging();
#endif
#ifdef RELEASE
	leave();
#endif
	later[0] = 0;
#if TIMERS > 1
	later[1] = 0;
#endif
	atomic {
		if
		:: chain == NIL -> chain = inbox; inbox = NIL
		:: else
		fi
	};
	do
	:: chain != NIL -> drain_one()
#ifdef BUDGET
	:: chain != NIL -> break
#endif
	:: chain == NIL -> break
	od;
	atomic {
		fresh[0] = 0;
#if TIMERS > 1
		fresh[1] = 0
#endif
	}
}

/* rota_shard_poll. Not begun if it would do nothing. */
#define WORK (DUE_NOW || inbox != NIL || chain != NIL)
inline poll()
{
#ifdef ADOPT
	atomic {
		!held && (STAGED || lost || WORK || next <= now);
		held = 1;
		lost = 0
	};
#else
	!STAGED && WORK;
#endif
	drain();
	do
#ifdef ADOPT
	:: lost -> break
	:: atomic {
		!lost;
#else
	:: atomic {
#endif
		if
		:: t == NIL -> take_out(t)
		:: else
		fi;
		if
		:: t == NIL -> break
		:: else -> state_expire(t)
		fi
	   };
		fire_one()
#ifdef BUDGET
	:: t == NIL -> break
#endif
	od;
#ifdef ADOPT
	if
	:: lost
	:: !lost -> let_go()
	fi
#else
#ifdef RELEASE
	leave()
#endif
#endif
}

#ifdef ADOPT
/* The end of a poll. */
inline let_go()
{
	leave();
	flush_staging();
	publish(u);
	held = 0
}

/* rota_shard_adopt; what is due it leaves to the owner. */
proctype adopter()
{
	byte n = ADOPT;
	byte own;		/* it calls nothing */
	byte t = NIL;
	byte u, v, d, w;
	bool b;

	do
	:: atomic { n > 0 && !held -> held = 1; n-- };
		drain();
		let_go()
	:: n == 0 -> break
	od
}
#endif

/* rota_shard_park: publish until when, say parked, look at the inbox once
 * more. Then sleep; the host of the shard does that. Whoever rang before the
 * owner is awake has pushed before, and is drained after. */
inline park()
{
#ifdef ADOPT
	atomic {
		!lost && next > now;
		sleep_until = next
	};
#else
	atomic {
#ifdef MUTANT_stage_sleeps
		!DUE_NOW && chain == NIL;
#else
		!DUE_NOW && chain == NIL && !STAGED;
#endif
		earliest(t);
		sleep_until = (t == NIL -> NEVER : filed[t]);
		t = NIL
	};
#endif
	atomic {
		parked = 1;
		again[0] = incall[0];
		again[1] = incall[1];
		again[2] = 1
	};
	if
#ifndef MUTANT_no_second_look
	:: inbox != NIL
#endif
	:: else ->
#if defined(ADOPT) && !defined(MUTANT_park_blind)
		if
		:: next < sleep_until	/* an adopter took what was there */
		:: else -> asleep()
		fi
#else
		asleep()
#endif
	fi;
	atomic {
		parked = 0;
		rung = 0
	}
}

inline asleep()
{
	do
	:: rung -> break
	:: !rung && now >= sleep_until -> break
	:: atomic { !rung && now < sleep_until && now < LAST ->
		sound_sleep();
		now++
	   }
	:: atomic { !rung && sleep_until == NEVER && now == LAST && done == 2 &&
		IDLE ->
		sound_sleep();
		goto over
	   }
	od
}

proctype owner()
{
#ifdef ADOPT
	bool lost;		/* the adopter took hold during a callback */
#else
	HOLDERS;
#endif
	byte own = OWN;		/* calls it has left */
	byte t = NIL;
	byte u, v, d, w;
	bool b;

	do
	:: MAY_CALL -> own_call()
#ifndef ADOPT
	:: unstage_one()
#endif
	:: poll()
	:: park()
#ifdef SWEEP
	:: filed[0] != AWAY -> state_keep(0)
#endif
	od;
over:
	skip
}

/* A timer begins idle, armed, or as a zombie whose entry is still there. */
init
{
	atomic {
		if
		:: skip
		:: word[0] = W(2, A | L); filed[0] = 2; pend[0] = 1
		:: word[0] = W(2, L); filed[0] = 1
		fi;
#if TIMERS > 1
		word[1] = W(2, A | L);
		filed[1] = 2;
		pend[1] = 1;
#endif
		run owner();
		run remote(0);
		run remote(1);
#ifdef ADOPT
		run adopter()
#endif
	}
}
