/* SPDX-License-Identifier: MIT
 *
 * driver_test.c - the threads that an engine runs: real time, or a virtual
 * clock that the test moves.
 * Claims: timers fire without anybody polling, none early; a sleeping driver
 * is woken by an earlier deadline and by the clock; a stop never gets lost
 * between its look and its sleep; a blocked callback delays no other shard,
 * and with adoption not even its own; on CLOCK_BOOTTIME a sleep is by that
 * clock; a wait that nothing would end is refused; a storm of signals and wakes
 * loses nothing.
 *
 * Waits are bounded by an alarm: stuck is failed.
 */
#define _GNU_SOURCE /* usleep, setitimer, CLOCK_BOOTTIME */
#include <errno.h>
#include <dirent.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "core/shard.h"
#include "tests/support/world.h"

/* A driver that reads the clock while `armed` waits until main joins it. */
static struct {
	rota_word armed;
	pthread_t main;
	sem_t there, go;
} gate;

int __real_clock_gettime(clockid_t id, struct timespec *ts);
int __wrap_clock_gettime(clockid_t id, struct timespec *ts);
int __real_pthread_join(pthread_t t, void **r);
int __wrap_pthread_join(pthread_t t, void **r);
int __real_nanosleep(const struct timespec *t, struct timespec *left);
int __wrap_nanosleep(const struct timespec *t, struct timespec *left);

/* Of the threads that the test does not run: a driver reads the clock in each
 * turn. */
static rota_word turns, naps;
static _Thread_local bool ours;

int
__wrap_clock_gettime(clockid_t id, struct timespec *ts)
{
	if (word_load(&gate.armed, acquire) &&
	    !pthread_equal(pthread_self(), gate.main) &&
	    word_swap(&gate.armed, (uint64_t)0, acq_rel)) {
		sem_post(&gate.there);
		sem_wait(&gate.go);
	}
	word_add(&turns, (uint64_t)!ours, relaxed);
	return __real_clock_gettime(id, ts);
}

static unsigned joins;

int
__wrap_pthread_join(pthread_t t, void **r)
{
	joins++;
	sem_post(&gate.go);
	return __real_pthread_join(t, r);
}

int
__wrap_nanosleep(const struct timespec *t, struct timespec *left)
{
	word_add(&naps, (uint64_t)!ours, relaxed);
	return __real_nanosleep(t, left);
}

static const struct world_row driven_heap = { .backend = ROTA_HEAP,
	.flags = ROTA_DRIVERS,
	.shards = 2,
	.timed = true };
static const struct world_row driven_wheel = { .backend = ROTA_WHEEL,
	.flags = ROTA_DRIVERS,
	.shards = 2,
	.timed = true };
static const struct world_row driven_coarse = { .backend = ROTA_WHEEL_COARSE,
	.flags = ROTA_DRIVERS,
	.shards = 2,
	.timed = true };

static int
setup(void **state)
{
	ours = true;
	gate.main = pthread_self();
	gate.armed = 0;
	sem_init(&gate.there, 0, 0);
	sem_init(&gate.go, 0, 0);
	alarm(100);
	return world_setup(state);
}

static int
teardown(void **state)
{
	int r = world_teardown(state);

	alarm(0);
	return r;
}

/* A timer for drivers' threads: it counts and blocks, with atomics. */
struct job {
	struct rota_timer timer;
	struct rota_engine *engine;
	rota_word fires, early;
	rota_word again; /* > 0: arms itself anew, ns */
	sem_t *begun, *end;
};

static void
job_fire(struct rota_timer *t, rota_time now)
{
	struct job *j = rota_container_of(t, struct job, timer);

	(void)now;
	if (rota_engine_now(j->engine) < rota_timer_deadline(t))
		word_add(&j->early, (uint64_t)1, relaxed);
	word_add(&j->fires, (uint64_t)1, release);
	if (word_load(&j->again, relaxed))
		rota_timer_reset(t, (rota_span)word_load(&j->again, relaxed));
	if (j->begun) {
		sem_post(j->begun);
		sem_wait(j->end);
	}
}

static void
job_released(struct rota_timer *t)
{
	(void)t;
}

static void
job_init(struct job *j, struct world *w, struct rota_kind *k)
{
	memset(j, 0, sizeof(*j));
	j->engine = w->engine;
	assert_int_equal(rota_timer_init(&j->timer, k), 0);
}

static void
kind_on(struct rota_kind *k, struct world *w, unsigned shard)
{
	assert_int_equal(rota_kind_init(k, rota_engine_shard(w->engine, shard),
			     &(struct rota_kind_config){ .fire = job_fire,
				 .released = job_released,
				 .name = "job" }),
	    0);
}

static sem_t sems[2];
static uint64_t napped; /* in a hundred turns of a driver */

static void
until(rota_word *count, uint64_t n)
{
	while (word_load(count, acquire) < n)
		usleep(200);
}

static void
timers_fire_by_themselves_and_never_early(void **state)
{
	enum { JOBS = 200 };
	struct world *w = *state;
	static struct rota_kind k[2];
	static struct job j[JOBS];
	struct rota_stats s;

	kind_on(&k[0], w, 0);
	kind_on(&k[1], w, 1);
	for (unsigned i = 0; i < JOBS; i++) {
		job_init(&j[i], w, &k[i % 2]);
		assert_int_equal(
		    rota_timer_reset(&j[i].timer,
			(rota_span)(i * 7 % 30) * ROTA_MILLISECOND),
		    0);
	}
	for (unsigned i = 0; i < JOBS; i++) {
		until(&j[i].fires, 1);
		assert_int_equal(j[i].early, 0);
	}
	s = world_stat(w);
	assert_int_equal(s.fires, JOBS);
	assert_int_equal(s.live, 0);
	assert_int_equal(world_destroy(w, ROTA_REFUSE), 0);
	for (unsigned i = 0; i < JOBS; i++)
		assert_int_equal(j[i].fires, 1);
}

/* The polls of a driver with config.budget @budget, for @n timers that were
 * due while a callback kept the driver. */
static uint64_t
polls_for(struct world *w, unsigned budget, unsigned n)
{
	struct rota_config c = world_config(w);
	static struct job j[2000], first;
	static struct rota_kind k;
	uint64_t polls;

	assert_int_equal(world_destroy(w, ROTA_REFUSE), 0);
	c.budget = budget;
	world_open(w, &c);
	kind_on(&k, w, 0);
	sem_init(&sems[0], 0, 0);
	sem_init(&sems[1], 0, 0);
	job_init(&first, w, &k);
	first.begun = &sems[0];
	first.end = &sems[1];
	rota_timer_reset(&first.timer, 0);
	sem_wait(&sems[0]);
	polls = world_stat(w).polls;
	for (unsigned i = 0; i < n; i++) {
		job_init(&j[i], w, &k);
		rota_timer_reset(&j[i].timer, 0);
	}
	sem_post(&sems[1]);
	for (unsigned i = 0; i < n; i++)
		until(&j[i].fires, 1);
	return world_stat(w).polls - polls;
}

/* None fires more than the budget says; without one that is 256. */
static void
polls_of_a_driver_have_the_budget_of_the_engine(void **state)
{
	assert_in_range(polls_for(*state, 5, 500), 99, UINT32_MAX);
	assert_in_range(polls_for(*state, 0, 2000), 6, UINT32_MAX);
}

static void
an_earlier_deadline_gets_through_to_a_sleeper(void **state)
{
	struct world *w = *state;
	static struct rota_kind k;
	static struct job j;

	kind_on(&k, w, 0);
	job_init(&j, w, &k);
	rota_timer_reset(&j.timer, ROTA_HOUR);
	usleep(3000); /* it had time to fall asleep */
	for (unsigned n = 1; n <= 20; n++) {
		rota_timer_reset(&j.timer, ROTA_MILLISECOND);
		until(&j.fires, n);
		rota_timer_reset(&j.timer, ROTA_HOUR);
	}
	assert_int_equal(j.early, 0);
	assert_int_equal(rota_timer_stop(&j.timer), ROTA_PREVENTED);
}

static void
nobody_else_can_own_a_driven_shard(void **state)
{
	struct world *w = *state;
	struct rota_config c = world_config(w);

	for (unsigned i = 0; i < 50; i++) {
		/* at once: its thread may not have begun */
		for (unsigned s = 0; s < 2; s++)
			assert_int_equal(
			    rota_shard_attach(rota_engine_shard(w->engine, s)),
			    -EBUSY);
		assert_int_equal(rota_shard_poll(w->shard, 0, 0), -EPERM);
		assert_int_equal(world_destroy(w, ROTA_REFUSE), 0);
		world_open(w, &c);
	}
}

/* Main destroys the engine while the driver stands between its look at
 * `stopping` and its poll, which takes the wake for its own. */
static void
a_stop_between_look_and_sleep_is_not_missed(void **state)
{
	struct world *w = *state;
	struct rota_config c = world_config(w);

	world_destroy(w, ROTA_REFUSE);
	while (sem_trywait(&gate.go) == 0)
		;
	c.shards = 1;
	world_open(w, &c);
	usleep(3000); /* it had time to fall asleep */
	word_store(&gate.armed, (uint64_t)1, release);
	rota_shard_wake(w->shard);
	sem_wait(&gate.there);
	assert_int_equal(world_destroy(w, ROTA_REFUSE), 0);
}

static unsigned
descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static void
engines_come_and_go_and_leave_nothing(void **state)
{
	struct world *w = *state;
	struct rota_config c = world_config(w);
	unsigned fds;

	world_destroy(w, ROTA_REFUSE);
	fds = descriptors();
	for (unsigned i = 0; i < 100; i++) {
		world_open(w, &c);
		if (i % 2)
			usleep(i * 5);
		assert_int_equal(world_destroy(w, ROTA_REFUSE), 0);
	}
	assert_int_equal(descriptors(), fds);
}

static void
refuse_leaves_the_drivers_running(void **state)
{
	struct world *w = *state;
	static struct rota_kind k;
	static struct job j;

	kind_on(&k, w, 1);
	job_init(&j, w, &k);
	rota_timer_reset(&j.timer, 20 * ROTA_MILLISECOND);
	joins = 0;
	assert_int_equal(rota_engine_destroy(w->engine, ROTA_REFUSE), -EBUSY);
	assert_int_equal(joins, 0); /* not even for a moment */
	until(&j.fires, 1);
	assert_int_equal(j.early, 0);
	assert_int_equal(world_destroy(w, ROTA_REFUSE), 0);
}

/* C4: a callback that blocks. */
static void
a_blocked_callback_delays_no_other_shard(void **state)
{
	struct world *w = *state;
	static struct rota_kind k[2];
	static struct job stuck, behind, late, other;
	sem_t begun, end;

	sem_init(&begun, 0, 0);
	sem_init(&end, 0, 0);
	kind_on(&k[0], w, 0);
	kind_on(&k[1], w, 1);
	job_init(&stuck, w, &k[0]);
	job_init(&behind, w, &k[0]);
	job_init(&late, w, &k[0]);
	job_init(&other, w, &k[1]);
	stuck.begun = &begun;
	stuck.end = &end;
	rota_timer_reset(&stuck.timer, 0);
	sem_wait(&begun);
	rota_timer_reset(&behind.timer, ROTA_MILLISECOND);
	rota_timer_reset(&late.timer, ROTA_MILLISECOND);
	other.again = ROTA_MILLISECOND;
	rota_timer_reset(&other.timer, ROTA_MILLISECOND);
	until(&other.fires, 30); /* 30 ms and more */
	assert_int_equal(word_load(&behind.fires, acquire), 0);
	/* remote operations on the stuck shard do not wait */
	assert_int_equal(rota_timer_reset(&behind.timer, 0), 1);
	assert_int_equal(rota_timer_stop(&behind.timer), ROTA_PREVENTED);
	assert_int_equal(rota_timer_reset(&behind.timer, 0), 0);
	assert_int_equal(rota_timer_stop(&stuck.timer), ROTA_RUNNING);
	sem_post(&end);
	until(&behind.fires, 1);
	until(&late.fires, 1);
	/* and the figure shows it */
	assert_true(world_stat(w).late_max >= 25 * ROTA_MILLISECOND);
	assert_int_equal(stuck.early + behind.early + other.early, 0);
}

static void
with_adoption_not_even_its_own(void **state)
{
	struct world *w = *state;
	struct rota_config c = world_config(w);
	static struct rota_kind k;
	static struct job stuck, behind[50];
	sem_t begun, end;

	world_destroy(w, ROTA_REFUSE);
	c.flags |= ROTA_ADOPT;
	world_open(w, &c);
	sem_init(&begun, 0, 0);
	sem_init(&end, 0, 0);
	kind_on(&k, w, 0);
	job_init(&stuck, w, &k);
	stuck.begun = &begun;
	stuck.end = &end;
	for (unsigned i = 0; i < 50; i++)
		job_init(&behind[i], w, &k);
	rota_timer_reset(&stuck.timer, 0);
	sem_wait(&begun);
	for (unsigned i = 0; i < 50; i++)
		rota_timer_reset(&behind[i].timer, i % 5 * ROTA_MILLISECOND);
	for (unsigned i = 0; i < 50; i++)
		until(&behind[i].fires, 1);
	sem_post(&end);
	/* Counted when it returns: that may be what blocked, if its owner was
	 * late for it. */
	while (!world_stat(w).adopted)
		usleep(200);
	assert_int_equal(rota_timer_stop_sync(&stuck.timer), ROTA_NOT_PENDING);
	assert_int_equal(world_destroy(w, ROTA_REFUSE), 0);
	for (unsigned i = 0; i < 50; i++)
		assert_int_equal(behind[i].fires, 1);
}

/* One shard that may be adopted, and its driver in a callback that blocks;
 * behind it waits a release, of @back. */
static void
block_the_driver(struct world *w, struct rota_kind *k, struct job *stuck,
    struct job *back, void (*released)(struct rota_timer *t))
{
	struct rota_config c = world_config(w);

	world_destroy(w, ROTA_REFUSE);
	c.flags |= ROTA_ADOPT;
	c.shards = 1;
	world_open(w, &c);
	assert_int_equal(
	    rota_kind_init(k, w->shard,
		&(struct rota_kind_config){
		    .fire = job_fire, .released = released, .name = "job" }),
	    0);
	job_init(stuck, w, k);
	job_init(back, w, k);
	sem_init(stuck->begun = &sems[0], 0, 0);
	sem_init(stuck->end = &sems[1], 0, 0);
	rota_timer_reset(&stuck->timer, 0);
	sem_wait(stuck->begun);
	assert_int_equal(rota_timer_release(&back->timer), 1);
}

/* In an adopter's poll: let the driver go on, and see what it does. */
static void
look_at_the_driver(struct rota_timer *t)
{
	uint64_t before = word_load(&turns, acquire);
	uint64_t was = word_load(&naps, acquire);

	(void)t;
	sem_post(&sems[1]);
	while (word_load(&turns, acquire) < before + 100)
		usleep(100);
	napped = word_load(&naps, acquire) - was;
}

static void
a_driver_naps_while_an_adopter_is_at_work(void **state)
{
	struct world *w = *state;
	static struct rota_kind k;
	static struct job stuck, back;

	block_the_driver(w, &k, &stuck, &back, look_at_the_driver);
	napped = 0;
	assert_true(
	    rota_shard_adopt(w->shard, rota_engine_now(w->engine), 0) >= 0);
#ifdef ROTA_DEBUG_OBJECTS /* a poll reads the clock once more */
	assert_in_range(napped, 45, 110);
#else
	assert_in_range(napped, 90, 110);
#endif
	assert_int_equal(rota_timer_stop_sync(&stuck.timer), ROTA_NOT_PENDING);
	assert_int_equal(world_destroy(w, ROTA_REFUSE), 0);
}

static void
ends_its_thread(struct rota_timer *t)
{
	(void)t;
	pthread_exit(NULL);
}

static void
adopt_and_end(void *arg)
{
	struct world *w = arg;

	ours = true;
	rota_shard_adopt(w->shard, rota_engine_now(w->engine), 0);
	abort();
}

/* It can do nothing for its shard any more. (A bound that holds however loaded
 * the machine is: it goes round once, or once for each wake.) */
static void
a_driver_of_a_shard_that_was_left_half_changed_sleeps(void **state)
{
	struct world *w = *state;
	static struct rota_kind k;
	static struct job stuck, back;
	uint64_t before;

	block_the_driver(w, &k, &stuck, &back, ends_its_thread);
	elsewhere(adopt_and_end, w);
	sem_post(&sems[1]);
	before = word_load(&turns, relaxed);
	while (!word_load(&w->logs, relaxed) &&
	    word_load(&turns, relaxed) - before < 10000)
		usleep(100);
	before = word_load(&turns, relaxed);
	for (unsigned i = 0; i < 10; i++) {
		rota_shard_wake(w->shard);
		usleep(2000);
	}
	assert_in_range(word_load(&turns, relaxed) - before, 0, 40);
	assert_int_equal(word_load(&w->logs, relaxed), 1);
	assert_true(world_destroy(w, ROTA_DROP) >= 0);
	assert_non_null(strstr(w->log, "in the middle of a poll"));
}

static struct rota_shard *storm_shard;

static void
on_alarm(int sig)
{
	(void)sig;
	rota_shard_wake(storm_shard);
}

/* C4: a signal storm: 5 kHz, each waking the driver, all calls interrupted. */
static void
a_storm_of_signals_and_wakes_loses_nothing(void **state)
{
	enum { JOBS = 40 };
	struct world *w = *state;
	struct rota_config c = world_config(w);
	struct sigaction act = { .sa_handler = on_alarm }, before;
	struct itimerval often = { { 0, 200 }, { 0, 200 } }, off = { 0 };
	static struct rota_kind k;
	static struct job j[JOBS];
	uint64_t fires = 0;

	world_destroy(w, ROTA_REFUSE);
	c.wake = NULL; /* the descriptor alone */
	world_open(w, &c);
	kind_on(&k, w, 0);
	for (unsigned i = 0; i < JOBS; i++) {
		job_init(&j[i], w, &k);
		j[i].again = ROTA_MILLISECOND;
	}
	storm_shard = w->shard;
	sigaction(SIGALRM, &act, &before);
	alarm(0);
	setitimer(ITIMER_REAL, &often, NULL);
	for (unsigned i = 0; i < JOBS; i++)
		rota_timer_reset(&j[i].timer, 0);
	for (unsigned i = 0; i < JOBS; i++)
		until(&j[i].fires, 100); /* 100 ms and more */
	setitimer(ITIMER_REAL, &off, NULL);
	sigaction(SIGALRM, &before, NULL);
	alarm(100);
	for (unsigned i = 0; i < JOBS; i++) {
		word_store(&j[i].again, (uint64_t)0, relaxed);
		rota_timer_stop_sync(&j[i].timer);
		rota_timer_stop_sync(&j[i].timer); /* armed meanwhile */
	}
	world_destroy(w, ROTA_DROP);
	for (unsigned i = 0; i < JOBS; i++) {
		assert_int_equal(j[i].early, 0);
		fires += j[i].fires;
	}
	assert_true(fires >= JOBS * 100);
}

/* The clock stands still until it is moved; then the drivers wake up. */
static void
a_virtual_clock_drives_too(void **state)
{
	struct world *w = *state;
	struct rota_config c = world_config(w);
	static struct rota_kind k[2];
	static struct job j[20];

	world_destroy(w, ROTA_REFUSE);
	c.clock = ROTA_CLOCK_VIRTUAL;
	world_open(w, &c);
	kind_on(&k[0], w, 0);
	kind_on(&k[1], w, 1);
	for (unsigned i = 0; i < 20; i++) {
		job_init(&j[i], w, &k[i % 2]);
		rota_timer_reset(&j[i].timer, (1 + i) * TICK);
	}
	for (unsigned n = 1; n <= 20; n++) {
		rota_engine_advance(w->engine, TICK);
		until(&j[n - 1].fires, 1);
		for (unsigned i = n; i < 20; i++)
			assert_int_equal(word_load(&j[i].fires, acquire), 0);
	}
	assert_int_equal(world_destroy(w, ROTA_REFUSE), 0);
}

static void
the_figures_balance_when_all_is_quiet(void **state)
{
	enum { JOBS = 50 };
	struct world *w = *state;
	static struct rota_kind k[2];
	static struct job j[JOBS];
	uint64_t x = 12321, prevented = 0, fires = 0;
	struct rota_stats s;

	kind_on(&k[0], w, 0);
	kind_on(&k[1], w, 1);
	for (unsigned i = 0; i < JOBS; i++)
		job_init(&j[i], w, &k[i % 2]);
	for (unsigned n = 0; n < 20000; n++) {
		struct rota_timer *t = &j[random_next(&x) % JOBS].timer;

		if (random_next(&x) % 3)
			rota_timer_reset(t,
			    (rota_span)(random_next(&x) % 500) *
				ROTA_MICROSECOND);
		else
			prevented += rota_timer_stop(t) == ROTA_PREVENTED;
		if (n % 500 == 0)
			world_stat(w); /* a snapshot from elsewhere */
	}
	for (unsigned i = 0; i < JOBS; i++)
		prevented += rota_timer_stop_sync(&j[i].timer) ==
		    ROTA_PREVENTED;
	s = world_stat(w);
	assert_int_equal(s.live, 0);
	assert_int_equal(s.stops, prevented);
	assert_int_equal(world_destroy(w, ROTA_REFUSE), 0);
	for (unsigned i = 0; i < JOBS; i++)
		fires += j[i].fires;
	assert_int_equal(s.fires, fires);
	assert_int_equal(s.starts, fires + prevented);
}

static void
a_wait_says_what_it_cannot(void **state)
{
	struct world *w = *state;
	struct rota_config c = world_config(w);
	struct probe *p = world_probes(w, 1);

	assert_int_equal(rota_shard_wait(w->shard, 0), -EPERM);
	rota_timer_release(&p->timer);
	while (world_stat(w).timers)
		usleep(100);
	world_destroy(w, ROTA_REFUSE);
	c.flags = 0;
	world_open(w, &c);
	probe_init(w, p, 0);
	assert_int_equal(rota_shard_wait(w->shard, 0), 0);
	rota_timer_reset(&p->timer, 3 * ROTA_MILLISECOND);
	while (!p->fires) {
		assert_int_equal(rota_shard_wait(w->shard, ROTA_NEVER), 0);
		rota_shard_poll(w->shard, rota_engine_now(w->engine), 0);
	}
	expect_fired(w, 0);
	/* a limit, with nothing armed */
	assert_int_equal(rota_shard_wait(w->shard,
			     rota_engine_now(w->engine) + ROTA_MILLISECOND),
	    0);
}

/* Descriptors of this process that are timerfds of that clock. */
static unsigned
alarms(int clock)
{
	DIR *d = opendir("/proc/self/fdinfo");
	struct dirent *at;
	unsigned n = 0;

	while ((at = readdir(d))) {
		char path[300], line[128];
		int is = -1;
		FILE *f;

		snprintf(
		    path, sizeof(path), "/proc/self/fdinfo/%s", at->d_name);
		f = fopen(path, "r");
		if (!f)
			continue;
		while (fgets(line, sizeof(line), f))
			(void)sscanf(line, "clockid: %d", &is);
		fclose(f);
		n += is == clock;
	}
	closedir(d);
	return n;
}

/* What poll(2) waits for does not run while the machine is suspended. */
static void
on_the_clock_of_the_suspended_a_sleep_is_by_that_clock(void **state)
{
	enum { JOBS = 20 };
	struct world *w = *state;
	struct rota_config c = world_config(w);
	unsigned before = alarms(CLOCK_BOOTTIME);
	static struct rota_kind k[2];
	static struct job j[JOBS];

	world_destroy(w, ROTA_REFUSE);
	assert_int_equal(alarms(CLOCK_BOOTTIME), before);
	c.clock = ROTA_CLOCK_BOOTTIME;
	c.start = 3 * ROTA_HOUR; /* its instants are not the clock's */
	world_open(w, &c);
	assert_int_equal(alarms(CLOCK_BOOTTIME), before + 2);
	kind_on(&k[0], w, 0);
	kind_on(&k[1], w, 1);
	for (unsigned i = 0; i < JOBS; i++) {
		job_init(&j[i], w, &k[i % 2]);
		rota_timer_reset(
		    &j[i].timer, (rota_span)(i % 7) * ROTA_MILLISECOND);
	}
	for (unsigned i = 0; i < JOBS; i++) {
		until(&j[i].fires, 1);
		assert_int_equal(j[i].early, 0);
	}
	/* nor does an earlier one wait for the alarm */
	rota_timer_reset(&j[0].timer, ROTA_HOUR);
	usleep(3000);
	rota_timer_reset(&j[0].timer, ROTA_MILLISECOND);
	until(&j[0].fires, 2);
	assert_int_equal(j[0].early, 0);
	assert_int_equal(world_destroy(w, ROTA_REFUSE), 0);
	assert_int_equal(alarms(CLOCK_BOOTTIME), before);
}

/* The same of an owner that waits by itself; in real time: it is not late by
 * more than a loaded machine is. */
static void
an_owner_that_waits_on_that_clock_is_in_time(void **state)
{
	struct world *w = *state;
	struct rota_config c = world_config(w);
	struct probe p = { .world = w };

	world_destroy(w, ROTA_REFUSE);
	c.clock = ROTA_CLOCK_BOOTTIME;
	c.flags = 0;
	world_open(w, &c);
	probe_init(w, &p, 0);
	assert_int_equal(alarms(CLOCK_BOOTTIME), 0);
	rota_timer_reset(&p.timer, 5 * ROTA_MILLISECOND);
	while (!p.fires) {
		assert_int_equal(rota_shard_wait(w->shard, ROTA_NEVER), 0);
		assert_int_equal(alarms(CLOCK_BOOTTIME), 1);
		rota_shard_poll(w->shard, rota_engine_now(w->engine), 0);
	}
	assert_true(p.at - rota_timer_deadline(&p.timer) < 5 * ROTA_SECOND);
	assert_int_equal(rota_shard_wait(w->shard,
			     rota_engine_now(w->engine) + ROTA_MILLISECOND),
	    0);
	rota_shard_wake(w->shard);
	assert_int_equal(rota_shard_wait(w->shard, ROTA_NEVER), 0);
	w->fired = 0;
}

/* Nothing would end it: it would last for ever. */
static void
a_wait_on_a_virtual_clock_is_refused(void **state)
{
	struct world *w = *state;
	struct rota_config c = world_config(w);
	unsigned fds;

	world_destroy(w, ROTA_REFUSE);
	c.clock = ROTA_CLOCK_VIRTUAL;
	c.flags = 0;
	world_open(w, &c);
	fds = descriptors();
	assert_int_equal(rota_shard_wait(w->shard, ROTA_NEVER), -EOPNOTSUPP);
	assert_int_equal(rota_shard_wait(w->shard, 0), -EOPNOTSUPP);
	assert_int_equal(word_load(&w->shard->park.parked, relaxed), 0);
	assert_int_equal(descriptors(), fds);
	world_destroy(w, ROTA_REFUSE);
	c.flags = ROTA_DRIVERS;
	world_open(w, &c);
	assert_int_equal(rota_shard_wait(w->shard, ROTA_NEVER), -EOPNOTSUPP);
}

/* clang-format off: a # that begins a line */
#define DRIVEN(f)                                                              \
	{ #f " [heap]", f, setup, teardown, (void *)(uintptr_t)&driven_heap }, \
	    { #f " [wheel]", f, setup, teardown,                               \
		    (void *)(uintptr_t)&driven_wheel },                        \
	{                                                                      \
#f " [coarse]", f, setup, teardown,                            \
		    (void *)(uintptr_t)&driven_coarse                          \
	}
/* clang-format on */

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		DRIVEN(timers_fire_by_themselves_and_never_early),
		DRIVEN(polls_of_a_driver_have_the_budget_of_the_engine),
		DRIVEN(an_earlier_deadline_gets_through_to_a_sleeper),
		DRIVEN(nobody_else_can_own_a_driven_shard),
		DRIVEN(a_stop_between_look_and_sleep_is_not_missed),
		DRIVEN(engines_come_and_go_and_leave_nothing),
		DRIVEN(refuse_leaves_the_drivers_running),
		DRIVEN(a_blocked_callback_delays_no_other_shard),
		DRIVEN(with_adoption_not_even_its_own),
		DRIVEN(a_driver_naps_while_an_adopter_is_at_work),
		DRIVEN(a_driver_of_a_shard_that_was_left_half_changed_sleeps),
		DRIVEN(a_storm_of_signals_and_wakes_loses_nothing),
		DRIVEN(a_virtual_clock_drives_too),
		DRIVEN(the_figures_balance_when_all_is_quiet),
		DRIVEN(a_wait_says_what_it_cannot),
		DRIVEN(on_the_clock_of_the_suspended_a_sleep_is_by_that_clock),
		DRIVEN(an_owner_that_waits_on_that_clock_is_in_time),
		DRIVEN(a_wait_on_a_virtual_clock_is_refused),
	};

	return cmocka_run_group_tests_name("driver", tests, NULL, NULL);
}
