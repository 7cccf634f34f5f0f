/* SPDX-License-Identifier: MIT
 *
 * check.h - the conformance rows: does this peer do what is measured? A peer
 * that fails one is measured all the same, and the table says so. Included
 * once, after work.h. Also C++.
 *
 * Between polls there is 1 ms; a fire may be so late, and peer_info.late
 * more.
 */
#ifndef BENCH_PEERS_CHECK_H
#define BENCH_PEERS_CHECK_H

#define CHECK_TIMERS 2000u
#define CHECK_LATE (PEER_MS + peer_info.late)

/* What is known of each timer, and in what order they fired. */
struct check {
	struct work w;
	uint64_t due[CHECK_TIMERS]; /* 0: not armed */
	uint32_t fires[CHECK_TIMERS];
	uint32_t order[2 * CHECK_TIMERS];
	uint32_t fired, again;
	bool early, surprise; /* one that was not armed */
};

static struct check check;

static void
check_fired(struct work *w, struct peer *p, struct peer_timer *t)
{
	uint32_t i = work_index(&check.w, t);

	(void)w;
	(void)p;
	if (check.fired < 2 * CHECK_TIMERS)
		check.order[check.fired++] = i;
	check.fires[i]++;
	if (!check.due[i])
		check.surprise = true;
	else if (check.due[i] > check.w.now)
		check.early = true;
	check.due[i] = 0;
}

static void
check_start(uint32_t i, uint64_t when)
{
	check.due[i] = when;
	peer_start(check.w.peer, work_timer(&check.w, i), when);
}

static void
check_push(uint32_t i, uint64_t when)
{
	check.due[i] = when;
	peer_push(check.w.peer, work_timer(&check.w, i), when);
}

static void
check_stop(uint32_t i)
{
	check.due[i] = 0;
	peer_stop(check.w.peer, work_timer(&check.w, i));
}

/* Poll each ms for @span. */
static void
check_go(uint64_t span)
{
	for (uint64_t t = 0; t < span; t += PEER_MS)
		work_poll(&check.w, PEER_MS);
}

/* NULL, or what is wrong: none early, none surprising, none overdue. */
static const char *
check_state(void)
{
	if (check.early)
		return "fires early";
	if (check.surprise)
		return "fires what is not armed";
	for (uint32_t i = 0; i < CHECK_TIMERS; i++)
		if (check.due[i] && check.due[i] + CHECK_LATE < check.w.now)
			return "late, or never fires";
	return NULL;
}

static uint64_t
check_at(uint64_t lo, uint64_t hi)
{
	return work_ahead(&check.w, pick_make(&check.w.random, 1), lo, hi);
}

static const char *
check_once(void)
{
	for (uint32_t i = 0; i < CHECK_TIMERS; i++)
		check_start(i, check_at(0, 5 * PEER_S));
	for (int s = 0; s < 50; s++) {
		check_go(100 * PEER_MS);
		if (check_state())
			return check_state();
	}
	check_go(CHECK_LATE + PEER_MS);
	for (uint32_t i = 0; i < CHECK_TIMERS; i++)
		if (check.fires[i] != 1)
			return "not each fires once";
	return check_state();
}

static const char *
check_stopped(void)
{
	for (uint32_t i = 0; i < CHECK_TIMERS; i++)
		check_start(i, check_at(PEER_MS, PEER_S));
	for (uint32_t i = 0; i < CHECK_TIMERS; i += 2)
		check_stop(i);
	check_go(2 * PEER_S);
	for (uint32_t i = 0; i < CHECK_TIMERS; i++)
		if (check.fires[i] != (i & 1))
			return "a stopped one fires, or another does not";
	return check_state();
}

static const char *
check_later(void)
{
	for (uint32_t i = 0; i < CHECK_TIMERS; i++)
		check_start(i, check_at(PEER_MS, PEER_S));
	for (uint32_t i = 0; i < CHECK_TIMERS; i++)
		check_push(i, check_at(PEER_S, 2 * PEER_S));
	check_go(3 * PEER_S);
	return check.fired == CHECK_TIMERS ? check_state()
					   : "not each fires once";
}

static const char *
check_sooner(void)
{
	for (uint32_t i = 0; i < CHECK_TIMERS; i++)
		check_start(i, check_at(60 * PEER_S, 90 * PEER_S));
	check_go(PEER_S);
	for (uint32_t i = 0; i < CHECK_TIMERS; i++)
		check_push(i, check_at(PEER_MS, PEER_S));
	check_go(2 * PEER_S);
	return check.fired == CHECK_TIMERS ? check_state()
					   : "not each fires once";
}

/* One poll, long after: by deadline, if they are 2 ms apart. */
static const char *
check_order(void)
{
	for (uint32_t i = 0; i < CHECK_TIMERS; i++)
		check_start(i,
		    check.w.now + (1 + i * 7919u % CHECK_TIMERS) * 2 * PEER_MS);
	work_poll(&check.w, (2 * CHECK_TIMERS + 10) * PEER_MS + CHECK_LATE);
	work_poll(&check.w, CHECK_LATE);
	if (check.fired != CHECK_TIMERS)
		return "not each fires once";
	for (uint32_t k = 1; k < CHECK_TIMERS; k++)
		if (check.order[k - 1] * 7919u % CHECK_TIMERS >
		    check.order[k] * 7919u % CHECK_TIMERS)
			return "not by deadline";
	return check_state();
}

static const char *
check_fifo(void)
{
	for (uint32_t i = 0; i < CHECK_TIMERS; i++)
		check_start(i, check.w.now + PEER_S);
	check_go(2 * PEER_S);
	if (check.fired != CHECK_TIMERS)
		return "not each fires once";
	for (uint32_t k = 0; k < CHECK_TIMERS; k++)
		if (check.order[k] != k)
			return "equal deadlines not in order";
	return check_state();
}

static void
again_fired(struct work *w, struct peer *p, struct peer_timer *t)
{
	check_fired(w, p, t);
	if (check.again) {
		check.again--;
		check.due[work_index(&check.w, t)] = check.w.now;
		peer_start(p, t, check.w.now);
	}
}

/* A callback that is due at once again must not keep the poll for ever. */
static const char *
check_again(void)
{
	work.on_fire = again_fired;
	check.again = 1000;
	check_start(0, check.w.now + PEER_MS);
	check_go(2 * PEER_MS + peer_info.late);
	if (check.fires[0] > 100)
		return "one poll fires it as often as it is armed";
	check_go(2000 * (PEER_MS + peer_info.late));
	if (check.fires[0] != 1001)
		return "does not fire again";
	return check_state();
}

static void
neighbour_fired(struct work *w, struct peer *p, struct peer_timer *t)
{
	uint32_t i = work_index(&check.w, t) ^ 1;

	check_fired(w, p, t);
	if (check.due[i])
		check_stop(i);
}

static const char *
check_neighbour(void)
{
	work.on_fire = neighbour_fired;
	for (uint32_t i = 0; i < CHECK_TIMERS; i++)
		check_start(i, check.w.now + 5 * PEER_MS);
	check_go(10 * PEER_MS + peer_info.late);
	if (check.fired != CHECK_TIMERS / 2)
		return "one that was stopped fires, or its neighbour does not";
	return check_state();
}

static const char *
check_past(void)
{
	check_go(PEER_S);
	check_start(0, check.w.now);
	check_start(1, check.w.now - PEER_S / 2);
	check_start(2, 1);
	if (check.fired)
		return "fires inside the call";
	check_go(2 * PEER_MS + peer_info.late);
	return check.fired == 3 ? check_state() : "the past never fires";
}

static const char *
check_far(void)
{
	const uint64_t year = UINT64_C(365) * 86400 * PEER_S;

	check_start(0, check.w.now + year);
	check_start(1, check.w.now + 5 * year);
	check_go(10 * PEER_MS);
	work_poll(&check.w, year - PEER_S);
	if (check.fired)
		return "a year fires early";
	work_poll(&check.w, 2 * PEER_S);
	check_go(CHECK_LATE + 2 * PEER_MS);
	if (check.fired != 1)
		return "a year never fires";
	work_poll(&check.w, 4 * year);
	check_go(CHECK_LATE + 2 * PEER_MS);
	return check.fired == 2 ? check_state() : "five years never fire";
}

static const char *
check_jump(void)
{
	for (uint32_t i = 0; i < CHECK_TIMERS; i++)
		check_start(i, check_at(PEER_MS, 7200 * PEER_S));
	work_poll(&check.w, 3600 * PEER_S);
	check_go(CHECK_LATE + 2 * PEER_MS);
	if (check_state())
		return check_state();
	work_poll(&check.w, 3600 * PEER_S);
	check_go(CHECK_LATE + 2 * PEER_MS);
	return check.fired == CHECK_TIMERS ? check_state()
					   : "not each fires once";
}

/* Calls at random; at every moment what fires is what is due. */
static const char *
check_churn(void)
{
	for (uint32_t k = 0; k < 200000; k++) {
		struct pick p = pick_make(&check.w.random, CHECK_TIMERS);
		uint64_t hi = p.coin & 8 ? 20 * PEER_S : 50 * PEER_MS;
		uint64_t when = check_at(0, hi);

		if (!check.due[p.index])
			check_start(p.index, when);
		else if (p.coin & 3)
			check_push(p.index, when);
		else
			check_stop(p.index);
		if (k % 50 == 0)
			check_go(PEER_MS);
		check.fired = 0;
		if (k % 5000 == 0 && check_state())
			return check_state();
	}
	check_go(21 * PEER_S);
	return check_state();
}

static const struct {
	const char *name;
	const char *(*run)(void);
} checks[] = {
	{ "once", check_once },
	{ "stop", check_stopped },
	{ "later", check_later },
	{ "sooner", check_sooner },
	{ "order", check_order },
	{ "fifo", check_fifo },
	{ "again", check_again },
	{ "neighbour", check_neighbour },
	{ "past", check_past },
	{ "far", check_far },
	{ "jump", check_jump },
	{ "churn", check_churn },
};
#define CHECKS (sizeof(checks) / sizeof(checks[0]))

/* Row @k, alone. */
static const char *
check_run(unsigned k, const char *variant)
{
	memset(&check, 0, sizeof(check));
	check.w.variant = variant;
	check.w.n = CHECK_TIMERS;
	work.on_fire = check_fired;
	work_open(&check.w);
	return checks[k].run();
}

#endif
