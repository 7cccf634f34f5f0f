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
 *  2 an arming that was PREVENTED and fired, or neither in the end;
 *  3 an ARMED timer due before the sleeping owner wakes, when every call has
 *    returned;
 *  4 LINKED on, QUEUED off, and filed later than the word's deadline: the
 *    invariant of core/state.h. Or LINKED without an entry, or the reverse;
 *  5 a timer touched after its memory went back, or memory that does not go
 *    back although every call has returned and the owner sleeps;
 *  6 a timer pushed while it is in the inbox;
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
 *  - poke is not a number but, for each caller, whether it moved since that
 *    caller read it. Nobody asks more of it.
 *
 * What a caller promises (rota/timer.h): a release begins while no other call
 * on that timer is before its compare-and-swap, and no call begins after it.
 * A call past its compare-and-swap may go on. See call() and may_release().
 * The owner is held to less: it may call until the memory is back.
 *
 * -D sets the size; spin.sh has the sets that are run. -DMUTANT_x plants one
 * fault, and mutants.sh expects spin to find each.
 */

#ifndef TIMERS
#define TIMERS 1	/* timers, 1 or 2 */
#endif
#ifndef OPS
#define OPS 2		/* calls of each remote thread */
#endif
#ifndef OWN
#define OWN 1		/* calls of the owner */
#endif
#ifndef LAST
#define LAST 3		/* the last instant of time, 2 or 3 */
#endif
/* RELEASE  release is among the calls.
 * VERDICT  check 7. Nobody arms for an instant that has passed, see
 *          remote_stop().
 * REUSE    memory that goes back is a new timer at once, one time.
 * BUDGET   a drain, and a poll, may end early. */

#define NEVER	(LAST + 1)	/* a deadline that does not come */
#define AWAY	(LAST + 2)	/* not filed */
#define NIL	TIMERS		/* no timer */

/* The word. */
#define A	1		/* ARMED */
#define L	2		/* LINKED */
#define Q	4		/* QUEUED */
#define R	8		/* RELEASE */
#define DL(w)	((w) >> 4)
#define FLAGS(w) ((w) & 15)
#define W(d, f)	(((d) << 4) | (f))

/* What threads race on. */
byte word[TIMERS];
byte link[TIMERS] = NIL;	/* the inbox's; belongs to who turned QUEUED on */
byte inbox = NIL;
byte running = NIL;		/* NIL, t, or CLAIM(t) */
byte sleep_until;
bool parked;
bool rung;			/* what the owner sleeps on: stays until read */
bool moved[2];			/* did poke move since this caller read it */

#define CLAIM(t) ((t) + 8)	/* the owner is trying to claim t */

/* The owner's alone, with its locals. Global for check 4. */
byte filed[TIMERS] = AWAY;	/* where the entry is */

byte now;			/* moves only while the owner sleeps */

/* Ghosts: what the checks remember. No step of the protocol asks them. */
bool pend[TIMERS];		/* an arming neither fired nor stopped */
bool listed[TIMERS];		/* in the inbox, or in the chain */
bool gone[TIMERS];		/* its release was begun */
bool freed[TIMERS];		/* its memory went back */
byte calls[TIMERS];		/* remote calls before their CAS */
bool incall[2];			/* this remote thread is in a call */
byte filing = NIL;		/* the owner is between a CAS and the place */
byte firing = NIL;		/* claimed, and the callback has not ended */
byte done;			/* remote threads that made all calls */
#ifdef VERDICT
byte stopping[2] = NIL;		/* the timer this thread stops */
bool was_idle[2];		/* during that: not armed, not running, once */
bool was_running[2];		/* during that: not armed but running, once */
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

/* Check 4: stands after every change of a word or a place. The owner may lag
 * between its compare-and-swap and its next line. */
inline invariant(t)
{
	assert(filing == t || ((word[t] & L) != 0) == (filed[t] != AWAY));
	assert(filing == t || !(word[t] & L) || (word[t] & Q) ||
	    filed[t] <= DL(word[t]))
}

/* Check 7: what would be a true answer now, for each stop under way. */
inline note(t)
{
#ifdef VERDICT
	was_idle[0] = was_idle[0] ||
	    (stopping[0] == t && !(word[t] & A) && firing != t);
	was_running[0] = was_running[0] ||
	    (stopping[0] == t && !(word[t] & A) && firing == t);
	was_idle[1] = was_idle[1] ||
	    (stopping[1] == t && !(word[t] & A) && firing != t);
	was_running[1] = was_running[1] ||
	    (stopping[1] == t && !(word[t] & A) && firing == t)
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
#define SOUND(t) (freed[t] || (!gone[t] && \
    (!(word[t] & A) || DL(word[t]) >= sleep_until)))
inline sound_sleep()
{
	assert(incall[0] || incall[1] || SOUND(0));
#if TIMERS > 1
	assert(incall[0] || incall[1] || SOUND(1))
#endif
}

/*
 * Choices.
 */

#ifdef VERDICT
#define MAY(d) (now < (d))
#else
#define MAY(d) true
#endif

inline any_deadline(d)
{
	if
	:: MAY(1) -> d = 1
	:: MAY(2) -> d = 2
#if LAST > 2
	:: MAY(3) -> d = 3
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
	atomic {
		touch(t);
		assert(!listed[t]);	/* check 6 */
		listed[t] = 1;
		link[t] = inbox;
		inbox = t;
		b = 0
	}
}

/* park_wakes, then the wake: if the owner is parked, and d is before what it
 * sleeps until. Of several callers one does. */
inline wake(d)
{
	if
	:: !parked
	:: else ->
		if
		:: d >= sleep_until
		:: else ->
			atomic {
				b = parked;
				parked = 0
			};
			if
			:: b -> atomic { rung = 1; b = 0 }
			:: else
			fi
		fi
	fi
}

inline poke()
{
	atomic {
		moved[0] = incall[0];
		moved[1] = incall[1]
	}
}

/* remote_post: who turned QUEUED on pushes, and wakes the owner for its own
 * deadline, or whatever that is if poke moved since before its own CAS. */
inline remote_post(t, d)
{
	inbox_push(t);
	atomic {
		if
		:: moved[me] -> d = 0
		:: else
		fi
	};
	wake(d)
}

/* Who found QUEUED on: somebody else pushes, perhaps much later, and must
 * then see that this call has been there. */
inline remote_poke(t, d)
{
#ifdef MUTANT_touch_after_cas
	touch(t);
#endif
#ifndef MUTANT_no_poke
	poke();
#endif
	wake(d)
}

inline remote_finish(t, d)
{
#ifdef MUTANT_push_twice
	b = 1;
#endif
	if
	:: b -> remote_post(t, d)
	:: else -> remote_poke(t, d)
	fi
}

/* The start of a call. poke is read here, before the CAS. */
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
	atomic {
		incall[me] = 0;
		moved[me] = 0;
		t = 0;
		d = 0;
		w = 0
	}
}

#ifdef MUTANT_earlier_unqueued
#define KEEPS(w, d) ((w) & L)
#else
#define KEEPS(w, d) (((w) & L) && (d) >= DL(w))
#endif
#ifdef MUTANT_reset_revives
#define REFUSES(w) false
#else
#define REFUSES(w) ((w) & R)
#endif

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
				word[t] = W(d, FLAGS(w) | A);
				w = L
			:: else ->
				word[t] = W(d, FLAGS(w) | A | Q);
				b = !(w & Q);
				w = 0
			fi;
			changed(t)
		fi
	};
	if
	:: w == L
	:: else -> remote_finish(t, d)
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
	remote_finish(t, d)
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
 * the callback that it just missed may have armed the timer. The one thing
 * it cannot tell is a timer that was armed for the very deadline it had
 * fired for, and fired again, all between the two looks. Therefore nobody
 * here arms for the past; then deadlines that fire only grow. */
#ifdef VERDICT
inline remote_stop(t)
{
	atomic {
		stopping[me] = t;
		note(t);
		state_stop(t)
	};
	do
	:: (w & A) -> break			/* PREVENTED */
	:: else ->
		atomic {
			b = running == t ||
			    (running == CLAIM(t) && !(w & L))
		};
		atomic {
			if
			:: SAME(t, w) ->	/* RUNNING, NOT_PENDING */
				assert(!b || was_running[me]);	/* check 7 */
				assert(b || was_idle[me]);
				b = 0;
				break
			:: else -> b = 0; state_stop(t)
			fi
		}
	od;
	atomic {
		calls[t]--;
		stopping[me] = NIL;
		was_idle[me] = 0;
		was_running[me] = 0
	}
}
#endif

proctype remote(bit me)
{
	byte n = OPS;
	byte t, d, w;
	bool b;

	do
	:: atomic { PICK(t, n > 0, OPEN); call(t) };
		remote_reset(t, d);
		back()
#ifdef VERDICT
	:: atomic { PICK(t, n > 0, OPEN); call(t) };
		remote_stop(t);
		back()
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
		remote_release(t);
		back()
#endif
	:: atomic { n == 0 || !ANY(OPEN) -> n = 0; done++; break }
	od
}

/*
 * What the owner does: core/shard.c. Its locals: t of the poll, u of its own
 * calls, d, w, b.
 */

/* The memory of t is its caller's again. */
inline give_back(t)
{
	word[t] = 0;
	filed[t] = AWAY;
	link[t] = NIL;
	fresh[t] = 0;
	filing = NIL;
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

/* reset by the owner: it files at once. QUEUED stays as it is; who turned it
 * on still pushes. */
inline own_reset(t)
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
			word[t] = W(d, FLAGS(w) | A | L);
			assert((w & L) || filed[t] == AWAY);
			if
			:: (w & L) && d >= DL(w)
			:: else ->
				if
				:: filed[t] > d -> filed[t] = d
				:: else
				fi
			fi;
			changed(t)
		fi;
		w = 0;
		d = 0
	}
}

#ifdef MUTANT_release_no_wait
#define WAITS(w) false
#else
#define WAITS(w) ((w) & Q)
#endif

/* release by the owner: at once, if nobody has the timer in its hands. Else
 * the drain does it, and poke sees to it that there is one: the pusher's own
 * deadline need not wake anybody. If it is t's callback that runs, it is over
 * as far as stop is concerned: the memory may be another timer before it
 * returns. */
inline own_release(t)
{
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
			filed[t] = AWAY;
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
	:: else ->
#ifndef MUTANT_release_no_poke
		poke();
#endif
		w = 0
	fi
}

/* Any call, on any timer: between polls, in a callback, in `released`. */
inline own_call()
{
	if
	:: atomic { PICK(u, own > 0, HELD); own-- };
		own_reset(u)
	:: atomic { PICK(u, own > 0, HELD);
		own--;
		state_stop(u);
		w = 0
	   }
#ifdef RELEASE
	:: atomic { PICK(u, own > 0, QUIET); own--; gone[u] = 1 };
		own_release(u)
#endif
	fi;
	u = 0
}

/* state_unqueue: the link is read, then QUEUED goes off. From there on the
 * link is the next pusher's. */
inline unqueue(t)
{
	atomic {
		t = chain;
		touch(t);
		assert(word[t] & Q);
#ifndef MUTANT_link_late
		chain = link[t];
#endif
		link[t] = NIL;
		listed[t] = 0;
		filing = t;
		w = word[t] & R;
		word[t] = word[t] & ~Q;
		note(t)
	};
#ifdef MUTANT_link_late
	atomic {
		touch(t);
		chain = link[t]
	}
#endif
}

/* state_file: the structure follows the word. A zombie may stay if it is
 * filed early enough, or go; both are tried. */
inline file(t)
{
	atomic {
		touch(t);
		w = word[t];
		if
		:: (w & A) ->
			word[t] = w | L;
			assert((w & L) || filed[t] == AWAY);
			if
			:: filed[t] > DL(w) -> filed[t] = DL(w)
			:: else
			fi
		:: !(w & A) && (w & L) ->
			word[t] = w & ~L;
			filed[t] = AWAY
#ifdef MUTANT_zombie_stays
		:: !(w & A) && (w & L)
#else
		:: !(w & A) && (w & L) && filed[t] <= DL(w)
#endif
		:: !(w & A) && !(w & L)
		fi;
		filing = NIL;
		w = 0;
		changed(t)
	}
}

/* One timer of the inbox. QUEUED goes off first, then the owner looks: a
 * reset in between pushes again. */
#ifdef MUTANT_look_first
inline drain_one()
{
	atomic {
		t = chain;
		filing = t;
		w = word[t] & R
	};
	if
	:: w -> unqueue(t); atomic { give_back(t) }
	:: else ->
		file(t);
		unqueue(t);
		atomic {
			filing = NIL;
			invariant(t)
		}
	fi;
	t = NIL
}
#else
inline drain_one()
{
	unqueue(t);
	if
	:: w ->
		atomic {
#ifdef MUTANT_release_stays_linked
			d = filed[t];
			give_back(t);
			filed[t] = d;
			d = 0;
#else
			give_back(t);
#endif
			w = 0
		};
#ifdef RELEASE
		do
		:: own_call()			/* in `released` */
		:: break
		od
#endif
	:: else -> file(t)
	fi;
	t = NIL
}
#endif

/* The callback, on the owner's thread. Afterwards the owner must not touch
 * t: it may be gone. */
inline fire(t)
{
#if defined(VERDICT) && !defined(MUTANT_running_no_claim)
	running = t;
#endif
	do
	:: own_call()
	:: break
	od;
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
inline take_out(t)
{
	earliest(t);
	if
	:: t != NIL && filed[t] <= now ->
		filed[t] = AWAY;
		filing = t
	:: else -> t = NIL
	fi
}

#ifdef MUTANT_early
#define DUE(w) true
#else
#define DUE(w) (DL(w) <= now)
#endif
#define CLAIM_IT 1
#define PUSH_IT 2
#define POKE_IT 3

/* state_look, at an entry that is out of the structure. What the owner armed
 * since this poll began waits for the next one, by way of the owner's own
 * inbox; d says what is left to do. */
inline look(t)
{
	touch(t);
	w = word[t];
	if
	:: !(w & A) ->
		word[t] = w & ~L;
		filing = NIL;
		w = 0;
		changed(t)
	:: (w & A) && !DUE(w) ->
		filed[t] = DL(w);
		filing = NIL;
		w = 0;
		changed(t)
	:: (w & A) && DUE(w) && fresh[t] ->
		word[t] = (w & ~L) | Q;
		d = (w & Q -> POKE_IT : PUSH_IT);
		filing = NIL;
		w = 0;
		changed(t)
	:: (w & A) && DUE(w) && !fresh[t] ->
		d = CLAIM_IT
	fi
}

/* What comes due is taken out, looked at, and fired. Who deferred a timer
 * that somebody else pushes pokes: the pusher's deadline need not wake. A
 * claim that failed looks again. */
inline fire_one()
{
	if
	:: d == PUSH_IT -> d = 0; inbox_push(t); t = NIL
	:: d == POKE_IT ->
		d = 0;
#ifndef MUTANT_defer_no_poke
		poke();
#endif
		t = NIL
	:: d == CLAIM_IT ->
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
	:: else -> t = NIL
	fi
}

/* rota_shard_poll. */
inline poll()
{
	atomic {
		fresh[0] = 0;
#if TIMERS > 1
		fresh[1] = 0;
#endif
		if
		:: chain == NIL -> chain = inbox; inbox = NIL
		:: else
		fi
	};
	do
	:: chain != NIL -> drain_one()
	:: chain == NIL -> break
#ifdef BUDGET
	:: chain != NIL -> break
#endif
	od;
	do
	:: atomic {
		if
		:: t == NIL -> take_out(t)
		:: else
		fi;
		if
		:: t == NIL -> break
		:: else -> look(t)
		fi
	   };
		fire_one()
#ifdef BUDGET
	:: t == NIL -> break
#endif
	od
}

/* Publish until when, say parked, look at the inbox once more, sleep. */
inline park()
{
	atomic {
		earliest(t);
		d = (t == NIL -> NEVER : filed[t]);
		t = NIL;
		if
		:: d <= now || chain != NIL -> d = 0
		:: else -> sleep_until = d
		fi
	};
	if
	:: d == 0
	:: else ->
		atomic {
			parked = 1;
			d = 0
		};
		if
#ifndef MUTANT_no_second_look
		:: inbox != NIL
#endif
		:: else -> asleep()
		fi;
		parked = 0
	fi
}

inline asleep()
{
	do
	:: atomic { rung -> rung = 0; break }
	:: !rung && now >= sleep_until -> break
	:: atomic { !rung && now < sleep_until && now < LAST ->
		sound_sleep();
		now++
	   }
	:: atomic { !rung && sleep_until == NEVER && now == LAST && done == 2 ->
		sound_sleep();
		goto over
	   }
	od
}

proctype owner()
{
	bool fresh[TIMERS];	/* armed by the owner since this poll began */
	byte chain = NIL;	/* taken from the inbox, not looked at */
	byte own = OWN;		/* calls it has left */
	byte t = NIL;
	byte u, d, w;
	bool b;

	do
	:: own_call()
	:: poll(); park()
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
		run remote(1)
	}
}
