/* SPDX-License-Identifier: MIT
 *
 * life_test.c - the lives of one timer, by core/state.h, in sequence.
 * Claims: in every state that any sequence of calls leads to the invariant
 * holds: LINKED implies filed at or before the deadline, or QUEUED is on; and
 * from each of them a drain and a look bring up what is armed.
 *
 * The calls are made as the library makes them, on a structure and an inbox
 * that are a number and a bit.
 */
#include "core/state.h"

#include "tests/support/cm.h"

/* One timer, its owner's structure and its inbox, in sequence. Deadlines and
 * instants are 1 to 4. */
struct life {
	rota_word word;
	unsigned filed; /* 0: it has no entry */
	bool queued;    /* on the inbox or the stage */
	bool freed;
};

enum {
	RESET = 0,
	STOP = 4,
	PUSH = 5,
	DRAIN = 9,
	LOOK = 10,
	FRESH = 14,
	KEEP = 18,
	RELEASE_OWNER = 19,
	RELEASE_REMOTE = 20,
	EVICT = 21,
	CALLS = 22
};

/* One call, as the library makes it. False: it would not be made here. */
static bool
call(struct life *l, int which)
{
	uint64_t was, is, d = 0;
	rota_link running = NULL;
	struct state_claim c = { .running = &running, .self = l };
	enum state_drain drained;
	enum state_expire how;

	if (l->freed)
		return false;
	if (which < PUSH || (which >= PUSH && which < DRAIN)) {
		if (which == STOP) {
			state_stop(&l->word, false);
			return true;
		}
		d = 1 + (uint64_t)(which < STOP ? which - RESET : which - PUSH);
		if (state_reset(&l->word, d, which >= PUSH, false, &was, &is) &&
		    state_must_push(was, is))
			l->queued = true;
		return true;
	}
	if (which == DRAIN) {
		if (!l->queued)
			return false;
		l->queued = false;
		drained = state_drain(&l->word, false, false, &is);
		assert_int_equal(is, l->word);
		d = ST_DEADLINE(is);
		switch (drained) {
		case DRAIN_INSERT:
			assert_int_equal(l->filed, 0);
			l->filed = (unsigned)d;
			break;
		case DRAIN_MOVE:
			assert_int_not_equal(l->filed, 0);
			if (l->filed > d)
				l->filed = (unsigned)d;
			break;
		case DRAIN_REMOVE:
			assert_int_not_equal(l->filed, 0);
			l->filed = 0;
			break;
		case DRAIN_FREE_REMOVE:
			assert_int_not_equal(l->filed, 0);
			l->filed = 0;
			/* fall through */
		case DRAIN_FREE:
			assert_int_equal(l->filed, 0);
			l->freed = true;
			break;
		case DRAIN_NONE:
			assert_int_equal(l->filed, 0);
			break;
		case DRAIN_BUSY: /* nothing runs here */
			fail();
			break;
		}
		return true;
	}
	if (which < KEEP) { /* its entry has come up, at filed or later */
		unsigned now = 1 + (unsigned)(which - LOOK) % 4;

		if (!l->filed || l->filed > now)
			return false;
		c.before = now + 1;
		c.fresh = which >= FRESH;
		how = state_expire(&l->word, c, false, &is);
		assert_int_equal(is, l->word);
		d = ST_DEADLINE(is);
		switch (how) {
		case EXPIRE_FIRE:
			assert_true(d <= now);
			l->filed = 0;
			break;
		case EXPIRE_REFILE:
			assert_true(d > now);
			l->filed = (unsigned)d;
			break;
		case EXPIRE_DROP:
			l->filed = 0;
			break;
		case EXPIRE_DEFER: /* its entry is kept for the next poll */
			assert_true(d <= now);
			break;
		}
		return true;
	}
	if (which == KEEP) {
		if (!l->filed)
			return false;
		if (!state_keep(&l->word, false, &is))
			l->filed = 0;
		assert_int_equal(is, l->word);
		return true;
	}
	if (which == EVICT) {
		if (!l->filed)
			return false;
		l->filed = 0;
		if (state_migrate(&l->word, &is)) {
			assert_false(l->queued);
			l->queued = true;
		}
		return true;
	}
	switch (state_release(
	    &l->word, which == RELEASE_OWNER, false, true, &was)) {
	case RELEASE_FREE:
		assert_int_equal(!!(was & ST_LINKED), l->filed != 0);
		assert_false(l->queued);
		l->filed = 0;
		l->freed = true;
		break;
	case RELEASE_POST:
		assert_false(l->queued);
		l->queued = true;
		break;
	case RELEASE_WAIT:
		assert_true(l->queued);
		break;
	case RELEASE_GONE:
	case RELEASE_BUSY:
		break;
	}
	return true;
}

static void
invariant(const struct life *l)
{
	uint64_t w = l->word;

	assert_int_equal(!!(w & ST_LINKED), l->filed != 0);
	if (l->freed)
		return;
	assert_int_equal(!!(w & ST_QUEUED), l->queued);
	assert_true(
	    !(w & ST_LINKED) || l->filed <= ST_DEADLINE(w) || (w & ST_QUEUED));
	/* what is armed will come up: it is filed or on its way */
	assert_true(!(w & ST_ARMED) || (w & (ST_LINKED | ST_QUEUED)));
	assert_false((w & ST_ARMED) && (w & ST_RELEASE));
	assert_true(!(w & ST_RELEASE) || (w & ST_QUEUED));
}

static unsigned
number_of(const struct life *l)
{
	return (unsigned)(l->word & 15) + 16 * (unsigned)ST_DEADLINE(l->word) +
	    80 * l->filed + 400 * l->queued + 800 * l->freed;
}

static void
the_invariant_holds_in_every_state_that_can_be_reached(void **state)
{
	static struct life queue[1600];
	static bool seen[1600];
	unsigned head = 0, tail = 1, fired = 0;

	(void)state;
	seen[number_of(&queue[0])] = true;
	for (; head < tail; head++) {
		for (int which = 0; which < CALLS; which++) {
			struct life l = queue[head];
			bool armed = l.word & ST_ARMED;

			if (!call(&l, which))
				continue;
			invariant(&l);
			fired += armed && which >= LOOK && which < FRESH &&
			    !(l.word & ST_ARMED);
			if (seen[number_of(&l)])
				continue;
			seen[number_of(&l)] = true;
			queue[tail++] = l;
		}
	}
	assert_true(tail > 50 && fired > 10);
}

/* From each of them a drain and a look bring up what is armed, in time. */
static void
what_is_armed_fires_by_the_next_drain_and_look(void **state)
{
	static struct life queue[1600];
	static bool seen[1600];
	unsigned head = 0, tail = 1;

	(void)state;
	seen[number_of(&queue[0])] = true;
	for (; head < tail; head++) {
		struct life l = queue[head];

		if (l.word & ST_ARMED) {
			int due = LOOK + (int)ST_DEADLINE(l.word) - 1;

			if (l.queued)
				call(&l, DRAIN);
			assert_true(call(&l, due));
			assert_false(l.word & ST_ARMED);
		}
		for (int which = 0; which < CALLS; which++) {
			l = queue[head];
			if (!call(&l, which) || seen[number_of(&l)])
				continue;
			seen[number_of(&l)] = true;
			queue[tail++] = l;
		}
	}
	assert_true(tail > 50);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    the_invariant_holds_in_every_state_that_can_be_reached),
		cmocka_unit_test(
		    what_is_armed_fires_by_the_next_drain_and_look),
	};

	return cmocka_run_group_tests_name("life", tests, NULL, NULL);
}
