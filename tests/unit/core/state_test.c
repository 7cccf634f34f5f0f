/* SPDX-License-Identifier: MIT
 *
 * state_test.c - core/state.h: each function on each combination of flags.
 * Claims: every row of the table in the header, with what it answers, on the
 * locked way and on the plain one. What follows from sequences of calls is in
 * life_test.c; races are for the models and for race/.
 *
 * Flags are written as in the header: R(ELEASE) Q(UEUED) L(INKED) A(RMED).
 * Rows     G10
 */
#include "core/state.h"

#include <string.h>

#include "tests/support/cm.h"

#define OLD 1000 /* the deadline that is in the word */

static uint64_t
word_of(const char *flags, uint64_t d)
{
	uint64_t w = d << ST_SHIFT;

	assert_int_equal(strlen(flags), 4);
	w |= flags[0] == 'R' ? ST_RELEASE : 0;
	w |= flags[1] == 'Q' ? ST_QUEUED : 0;
	w |= flags[2] == 'L' ? ST_LINKED : 0;
	w |= flags[3] == 'A' ? ST_ARMED : 0;
	return w;
}

/* What a row says of one combination. */
struct row {
	const char *from, *to;
	int answer;
	uint64_t d; /* in the word afterwards; 0: as before */
};

static void
expect_word(const struct row *r, rota_word w)
{
	assert_int_equal(w, word_of(r->to, r->d ? r->d : OLD));
}

/* All 12 stand in a table, each once: RELEASE is never on without QUEUED. */
static void
complete(const struct row *r, size_t n)
{
	unsigned seen = 0;

	assert_int_equal(n, 12);
	for (size_t i = 0; i < n; i++)
		seen |= 1u << (word_of(r[i].from, 0) & 15);
	assert_int_equal(seen, 0xf0ff);
}

static void
the_flags_lie_below_the_deadline(void **state)
{
	(void)state;
	assert_int_equal(ST_ARMED | ST_LINKED | ST_QUEUED | ST_RELEASE,
	    ((uint64_t)1 << ST_SHIFT) - 1);
	assert_int_equal(ST_DEADLINE(ST_NEVER << ST_SHIFT | 15), ST_NEVER);
	assert_int_equal(ST_NEVER, (UINT64_C(1) << 60) - 1);
}

static void
stop_turns_armed_off_and_returns_what_it_saw(void **state)
{
	(void)state;
	for (uint64_t f = 0; f < 16; f++) {
		for (int plain = 0; plain < 2; plain++) {
			rota_word w = (uint64_t)OLD << ST_SHIFT | f;
			uint64_t was = state_stop(&w, plain);

			assert_int_equal(was, (uint64_t)OLD << ST_SHIFT | f);
			assert_int_equal(w, was & ~ST_ARMED);
		}
	}
}

enum { GONE = -1, KEPT, POSTS, POKES };

static const struct row reset_later[] = {
	{ "----", "-Q-A", POSTS, 0 },
	{ "---A", "-Q-A", POSTS, 0 },
	{ "--L-", "--LA", KEPT, 0 },
	{ "--LA", "--LA", KEPT, 0 },
	{ "-Q--", "-Q-A", POKES, 0 },
	{ "-Q-A", "-Q-A", POKES, 0 },
	{ "-QL-", "-QLA", KEPT, 0 },
	{ "-QLA", "-QLA", KEPT, 0 },
	/* waits for its release: nothing is changed */
	{ "RQ--", "RQ--", GONE, 0 },
	{ "RQ-A", "RQ-A", GONE, 0 },
	{ "RQL-", "RQL-", GONE, 0 },
	{ "RQLA", "RQLA", GONE, 0 },
};

static const struct row reset_earlier[] = {
	{ "----", "-Q-A", POSTS, 0 },
	{ "---A", "-Q-A", POSTS, 0 },
	{ "--L-", "-QLA", POSTS, 0 },
	{ "--LA", "-QLA", POSTS, 0 },
	{ "-Q--", "-Q-A", POKES, 0 },
	{ "-Q-A", "-Q-A", POKES, 0 },
	{ "-QL-", "-QLA", POKES, 0 },
	{ "-QLA", "-QLA", POKES, 0 },
	{ "RQ--", "RQ--", GONE, 0 },
	{ "RQ-A", "RQ-A", GONE, 0 },
	{ "RQL-", "RQL-", GONE, 0 },
	{ "RQLA", "RQLA", GONE, 0 },
};

static void
reset_rows(const struct row *rows, size_t n, uint64_t d)
{
	complete(rows, n);
	for (unsigned k = 0; k < 4 * n; k++) {
		const struct row *r = &rows[k / 4];
		bool plain = k & 1, push = k & 2;
		uint64_t before = word_of(r->from, OLD), was = 7, is = 7;
		rota_word w = before;

		if (!state_reset(&w, d, push, plain, &was, &is)) {
			assert_true(r->answer == GONE ||
			    (push && !(before & ST_ARMED)));
			assert_int_equal(w, before);
			continue;
		}
		assert_false(push && !(before & ST_ARMED));
		assert_int_equal(w, word_of(r->to, d));
		assert_int_equal(was, before);
		assert_int_equal(is, w);
		assert_int_equal(state_must_push(was, is), r->answer == POSTS);
		assert_int_equal(state_must_kick(was, is), r->answer == POKES);
	}
}

static void
reset_to_the_same_or_later_leaves_the_entry(void **state)
{
	(void)state;
	reset_rows(reset_later, CM_COUNT(reset_later), OLD);
	reset_rows(reset_later, CM_COUNT(reset_later), OLD + 1);
	reset_rows(reset_later, CM_COUNT(reset_later), ST_NEVER);
}

static void
reset_to_earlier_queues(void **state)
{
	(void)state;
	reset_rows(reset_earlier, CM_COUNT(reset_earlier), OLD - 1);
	reset_rows(reset_earlier, CM_COUNT(reset_earlier), 0);
}

/* ARMED and RELEASE never come together, and only these can be drained. */
static const struct row drain[] = {
	{ "-Q--", "----", DRAIN_NONE, 0 },
	{ "-Q-A", "--LA", DRAIN_INSERT, 0 },
	{ "-QL-", "----", DRAIN_REMOVE, 0 },
	{ "-QLA", "--LA", DRAIN_MOVE, 0 },
	{ "RQ--", "R---", DRAIN_FREE, 0 },
	{ "RQL-", "R---", DRAIN_FREE_REMOVE, 0 },
};

static void
drain_settles_what_was_queued(void **state)
{
	(void)state;
	for (unsigned k = 0; k < 2 * CM_COUNT(drain); k++) {
		const struct row *r = &drain[k / 2];
		rota_word w = word_of(r->from, OLD);
		uint64_t is = 7;

		assert_int_equal(state_drain(&w, k & 1, false, &is), r->answer);
		expect_word(r, w);
		assert_int_equal(is, w);
		/* whose callback runs stays while it is to be released */
		if (state_releasing(word_of(r->from, OLD))) {
			w = word_of(r->from, OLD);
			assert_int_equal(
			    state_drain(&w, k & 1, true, &is), DRAIN_BUSY);
			assert_int_equal(w, word_of(r->from, OLD));
		} else {
			w = word_of(r->from, OLD);
			assert_int_equal(
			    state_drain(&w, k & 1, true, &is), r->answer);
			expect_word(r, w);
		}
	}
}

/* Those LINKED; what comes up is, and RELEASE only with QUEUED. */
static const struct row look_due[] = {
	{ "--L-", "----", EXPIRE_DROP, 0 },
	{ "--LA", "----", EXPIRE_FIRE, 0 },
	{ "-QL-", "-Q--", EXPIRE_DROP, 0 },
	{ "-QLA", "-Q--", EXPIRE_FIRE, 0 },
	{ "RQL-", "RQ--", EXPIRE_DROP, 0 },
};
static const struct row look_early[] = {
	{ "--L-", "----", EXPIRE_DROP, 0 },
	{ "--LA", "--LA", EXPIRE_REFILE, 0 },
	{ "-QL-", "-Q--", EXPIRE_DROP, 0 },
	{ "-QLA", "-QLA", EXPIRE_REFILE, 0 },
	{ "RQL-", "RQ--", EXPIRE_DROP, 0 },
};
static const struct row look_fresh[] = {
	{ "--L-", "----", EXPIRE_DROP, 0 },
	{ "--LA", "--LA", EXPIRE_DEFER, 0 },
	{ "-QL-", "-Q--", EXPIRE_DROP, 0 },
	{ "-QLA", "-QLA", EXPIRE_DEFER, 0 },
	{ "RQL-", "RQ--", EXPIRE_DROP, 0 },
};
static void
look_rows(const struct row *rows, size_t n, struct state_claim c)
{
	int self;
	rota_link running;

	c.running = &running;
	c.self = &self;
	for (unsigned k = 0; k < 2 * n; k++) {
		const struct row *r = &rows[k / 2];
		rota_word w = word_of(r->from, OLD);
		uint64_t is = 7;

		/* fresh and queued: deferring would be right as well */
		running = NULL;
		assert_int_equal(state_expire(&w, c, k & 1, &is), r->answer);
		expect_word(r, w);
		assert_int_equal(is, w);
		/* whoever sees ARMED gone finds it running; of a confined
		 * timer that is the owner, who stores it afterwards */
		assert_ptr_equal(running,
		    r->answer == EXPIRE_FIRE && !(k & 1) ? &self : NULL);
	}
}

static void
look_fires_what_is_due(void **state)
{
	(void)state;
	look_rows(look_due, CM_COUNT(look_due),
	    (struct state_claim){ .before = OLD + 1 });
	look_rows(look_due, CM_COUNT(look_due),
	    (struct state_claim){ .before = UINT64_MAX });
}

static void
look_files_what_is_not_due_again(void **state)
{
	static const uint64_t before[] = { OLD, OLD - 1, 0 };

	(void)state;
	for (unsigned i = 0; i < CM_COUNT(before); i++)
		for (unsigned f = 0; f < 2; f++)
			look_rows(look_early, CM_COUNT(look_early),
			    (struct state_claim){
				.before = before[i], .fresh = f });
}

static void
look_defers_what_was_armed_since_the_poll_began(void **state)
{
	(void)state;
	look_rows(look_fresh, CM_COUNT(look_fresh),
	    (struct state_claim){ .before = OLD + 1, .fresh = true });
}

static void
look_without_running_stores_nobody(void **state)
{
	rota_word w = (uint64_t)OLD << ST_SHIFT | ST_ARMED | ST_LINKED;
	uint64_t is;

	(void)state;
	assert_int_equal(
	    state_expire(
		&w, (struct state_claim){ .before = OLD + 1 }, false, &is),
	    EXPIRE_FIRE);
	assert_int_equal(w, (uint64_t)OLD << ST_SHIFT);
}

static const struct row keep[] = {
	{ "--L-", "----", false, 0 },
	{ "--LA", "--LA", true, 0 },
	{ "-QL-", "-Q--", false, 0 },
	{ "-QLA", "-QLA", true, 0 },
	{ "RQL-", "RQ--", false, 0 },
};

static void
keep_drops_zombies_and_nothing_else(void **state)
{
	(void)state;
	for (unsigned k = 0; k < 2 * CM_COUNT(keep); k++) {
		const struct row *r = &keep[k / 2];
		rota_word w = word_of(r->from, OLD);
		uint64_t is = 7;

		assert_int_equal(state_keep(&w, k & 1, &is), r->answer);
		expect_word(r, w);
		assert_int_equal(is, w);
	}
}

#define ZERO UINT64_MAX /* the deadline goes too */

static const struct row release_owner[] = {
	{ "----", "----", RELEASE_FREE, ZERO },
	{ "---A", "----", RELEASE_FREE, ZERO },
	{ "--L-", "----", RELEASE_FREE, ZERO },
	{ "--LA", "----", RELEASE_FREE, ZERO },
	{ "-Q--", "RQ--", RELEASE_WAIT, 0 },
	{ "-Q-A", "RQ--", RELEASE_WAIT, 0 },
	{ "-QL-", "RQL-", RELEASE_WAIT, 0 },
	{ "-QLA", "RQL-", RELEASE_WAIT, 0 },
	{ "RQ--", "RQ--", RELEASE_GONE, 0 },
	{ "RQ-A", "RQ-A", RELEASE_GONE, 0 },
	{ "RQL-", "RQL-", RELEASE_GONE, 0 },
	{ "RQLA", "RQLA", RELEASE_GONE, 0 },
};
static const struct row release_remote[] = {
	{ "----", "RQ--", RELEASE_POST, 0 },
	{ "---A", "RQ--", RELEASE_POST, 0 },
	{ "--L-", "RQL-", RELEASE_POST, 0 },
	{ "--LA", "RQL-", RELEASE_POST, 0 },
	{ "-Q--", "RQ--", RELEASE_WAIT, 0 },
	{ "-Q-A", "RQ--", RELEASE_WAIT, 0 },
	{ "-QL-", "RQL-", RELEASE_WAIT, 0 },
	{ "-QLA", "RQL-", RELEASE_WAIT, 0 },
	{ "RQ--", "RQ--", RELEASE_GONE, 0 },
	{ "RQ-A", "RQ-A", RELEASE_GONE, 0 },
	{ "RQL-", "RQL-", RELEASE_GONE, 0 },
	{ "RQLA", "RQLA", RELEASE_GONE, 0 },
};

static void
release_rows(const struct row *rows, size_t n, bool owner, bool may_wait)
{
	complete(rows, n);
	for (unsigned k = 0; k < (owner ? 2 * n : n); k++) {
		const struct row *r = &rows[owner ? k / 2 : k];
		uint64_t before = word_of(r->from, OLD), was = 7;
		rota_word w = before;
		int answer = state_release(
		    &w, owner, owner && k & 1, may_wait, &was);

		if (r->answer == RELEASE_WAIT && !may_wait) {
			assert_int_equal(answer, RELEASE_BUSY);
			assert_int_equal(w, before);
			continue;
		}
		assert_int_equal(answer, r->answer);
		if (r->d == ZERO)
			assert_int_equal(w, 0);
		else
			expect_word(r, w);
		assert_int_equal(was, answer == RELEASE_GONE ? 7 : before);
	}
}

static void
release_frees_at_once_or_through_the_inbox(void **state)
{
	(void)state;
	release_rows(release_owner, CM_COUNT(release_owner), true, true);
	release_rows(release_owner, CM_COUNT(release_owner), true, false);
	release_rows(release_remote, CM_COUNT(release_remote), false, true);
}

static const struct row evict[] = {
	{ "--L-", "----", false, 0 },
	{ "--LA", "-Q-A", true, 0 },
	{ "-QL-", "-Q--", false, 0 },
	{ "-QLA", "-Q-A", false, 0 },
	{ "RQL-", "RQ--", false, 0 },
};

static void
evict_queues_what_is_armed(void **state)
{
	(void)state;
	for (unsigned k = 0; k < CM_COUNT(evict); k++) {
		rota_word w = word_of(evict[k].from, OLD);
		uint64_t is = 7;

		assert_int_equal(state_migrate(&w, &is), evict[k].answer);
		expect_word(&evict[k], w);
		assert_int_equal(is, w);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_flags_lie_below_the_deadline),
		cmocka_unit_test(stop_turns_armed_off_and_returns_what_it_saw),
		cmocka_unit_test(reset_to_the_same_or_later_leaves_the_entry),
		cmocka_unit_test(reset_to_earlier_queues),
		cmocka_unit_test(drain_settles_what_was_queued),
		cmocka_unit_test(look_fires_what_is_due),
		cmocka_unit_test(look_files_what_is_not_due_again),
		cmocka_unit_test(
		    look_defers_what_was_armed_since_the_poll_began),
		cmocka_unit_test(look_without_running_stores_nobody),
		cmocka_unit_test(keep_drops_zombies_and_nothing_else),
		cmocka_unit_test(release_frees_at_once_or_through_the_inbox),
		cmocka_unit_test(evict_queues_what_is_armed),
	};

	return cmocka_run_group_tests_name("state", tests, NULL, NULL);
}
