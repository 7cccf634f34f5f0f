/* SPDX-License-Identifier: MIT
 *
 * fork_test.c - an engine on both sides of a fork.
 * Claims: in the child every call answers -ECHILD and changes nothing, but for
 * the destroying of the engine, which gives all its memory back and calls
 * nobody, whatever the parent's threads were at, in a poll or with a mutex in
 * hand; then the child makes an engine of its own; the parent never notices.
 *
 * What the child finds comes back as its exit status: the line of the check
 * that failed, or 0.
 */
#define _DEFAULT_SOURCE /* usleep */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/shard.h"
#include "tests/support/world.h"

/* In the child: no cmocka. A status has 8 bits; lines are told apart well
 * enough by them. */
#define CHECK(x)                                                      \
	do {                                                          \
		if (!(x))                                             \
			return __LINE__ % 255 ? __LINE__ % 255 : 255; \
	} while (0)

/* Run @child in a fork; 0, the line where it failed (modulo 255), or 1000
 * and the signal that ended it. */
static int
in_a_child(int (*child)(struct world *w, struct probe *p), struct world *w,
    struct probe *p)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		signal(SIGSEGV, SIG_DFL);
		signal(SIGABRT, SIG_DFL);
		alarm(30); /* stuck is failed */
		_exit(child(w, p));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status)
				 : 1000 + WTERMSIG(status);
}

static int
readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0);
}

/* Does the engine work, as one of its own? */
static int
makes_its_own(struct world *before)
{
	struct world w = { .row = before->row };
	struct rota_config c = world_config(&w);
	struct rota_kind_config kind = { .fire = probe_fire, .name = "own" };
	struct probe p = { .world = &w };
	rota_handle h;

	CHECK(rota_engine_create(&w.engine, &c) == 0);
	CHECK(rota_engine_forked(w.engine) == 0);
	w.shard = rota_engine_shard(w.engine, 0);
	CHECK(rota_shard_attach(w.shard) == 0);
	CHECK(rota_kind_init(&w.kind, w.shard, &kind) == 0);
	CHECK(rota_timer_init(&p.timer, &w.kind) == 0);
	CHECK(rota_timer_reset_at(&p.timer, TICK) == 0);
	CHECK(
	    rota_after_func(w.engine, TICK, (rota_func *)free, NULL, &h) == 0);
	CHECK(rota_shard_poll(w.shard, TICK, 0) == 0);
	CHECK(p.fires == 1);
	CHECK(rota_shard_check(w.shard) == 0);
	CHECK(rota_timer_release(&p.timer) == 0);
	CHECK(rota_engine_destroy(w.engine, ROTA_REFUSE) == 0);
	CHECK(w.mem.blocks == 0 && w.mem.wrong == 0);
	return 0;
}

/* What hooks and callbacks have noted. */
static uint64_t
noted(const struct world *w)
{
	return w->fired + w->freed + w->leaks + w->wakes + w->logs;
}

/* Is the end of it all that is left, and that complete? */
static int
ends(struct world *w, enum rota_destroy how)
{
	uint64_t before = noted(w);

	CHECK(rota_engine_forked(w->engine) == 1);
	CHECK(rota_shard_poll(w->shard, 100 * TICK, 0) == -ECHILD);
	CHECK(rota_engine_destroy(w->engine, how) == 0);
	CHECK(noted(w) == before);
	CHECK(w->mem.blocks == 0);
	CHECK(w->mem.bytes == 0);
	CHECK(w->mem.wrong == 0);
	return makes_its_own(w);
}

/* What was made before the fork. */
static struct {
	struct rota_channel *channel, *ticker;
	struct rota_context *context;
	struct rota_executor *executor;
	rota_handle handle;
	rota_job job;
} made;

static void
nothing(void *arg)
{
	(void)arg;
}

/* It has to be gone from the parent's engine, too, at the end. */
static void
unmake(struct world *w)
{
	rota_channel_unref(made.channel);
	rota_channel_unref(made.ticker);
	rota_context_cancel(made.context, 0);
	rota_context_unref(made.context);
	rota_handle_stop(w->engine, made.handle);
}

static int
layers(struct world *w)
{
	struct rota_channel *channel = made.channel;
	struct rota_case one = { .channel = channel };
	struct rota_context *context;
	rota_time value;
	char text[100];
	rota_handle h;

	CHECK(rota_after_func(w->engine, 0, nothing, NULL, &h) == -ECHILD);
	CHECK(rota_shard_after_func(w->shard, 0, nothing, NULL, &h) == -ECHILD);
	CHECK(rota_handle_stop(w->engine, made.handle) == -ECHILD);
	CHECK(rota_handle_pending(w->engine, made.handle) == -ECHILD);
	CHECK(rota_handle_reset_at(w->engine, made.handle, 0) == -ECHILD);
	CHECK(rota_channel_create(&channel, w->engine, 0, ROTA_CHANNEL_SYNC) ==
	    -ECHILD);
	CHECK(!channel);
	channel = made.channel;
	CHECK(rota_channel_ref(channel) == channel);
	CHECK(rota_channel_stop(channel) == -ECHILD);
	CHECK(rota_channel_reset(channel, 0) == -ECHILD);
	CHECK(rota_channel_poll(channel, &value) == -ECHILD);
	CHECK(rota_channel_receive(channel, &value) == -ECHILD);
	CHECK(rota_channel_receive_until(channel, 1, &value) == -ECHILD);
	CHECK(rota_channel_length(channel) == -ECHILD);
	CHECK(rota_channel_fd(channel) == -ECHILD);
	rota_channel_unref(channel);
	CHECK(rota_select(&one, 1, ROTA_NEVER) == -ECHILD);
	CHECK(rota_ticker_reset(made.ticker, 1) == -ECHILD);
	CHECK(rota_ticker_missed(made.ticker) == -ECHILD);
	CHECK(rota_ticker_create(&channel, w->engine, 1, ROTA_MISSED_SKIP) ==
	    -ECHILD);
	CHECK(!rota_after(w->engine, 1));
	CHECK(!rota_tick(w->engine, 1));
	CHECK(rota_sleep(w->engine, 1, NULL) == -ECHILD);
	CHECK(rota_sleep(w->engine, 1, made.context) == -ECHILD);
	context = made.context;
	CHECK(rota_context_ref(context) == context);
	CHECK(rota_context_cancel(context, 0) == -ECHILD);
	CHECK(rota_context_err(context) == -ECHILD);
	CHECK(rota_context_cause(context) == -ECHILD);
	CHECK(rota_context_fd(context) == -ECHILD);
	CHECK(rota_context_wait(context, ROTA_NEVER) == -ECHILD);
	CHECK(rota_context_report(w->engine, NULL, NULL) == -ECHILD);
	rota_context_unref(context);
	CHECK(rota_context_with_deadline(&context, w->engine, NULL, 1) ==
	    -ECHILD);
	CHECK(rota_metrics_text(w->engine, text, sizeof(text)) == -ECHILD);
	return 0;
}

static int
every_call(struct world *w, struct probe *p)
{
	struct rota_kind_config config = { .fire = probe_fire, .name = "k" };
	struct rota_shard *s = w->shard,
			  *other = rota_engine_shard(w->engine, 1);
	uint64_t before = noted(w), calls = w->mem.calls;
	struct rota_timer *out[1], t;
	struct rota_stats stats;
	struct rota_kind k;
	int line;

	CHECK(rota_engine_forked(w->engine) == 1);
	CHECK(rota_shard_poll(s, 9 * TICK, 0) == -ECHILD);
	CHECK(rota_shard_poll_batch(s, 9 * TICK, 0, out, 1) == -ECHILD);
	CHECK(rota_shard_park(s) == -ECHILD);
	CHECK(rota_shard_next(s) == -ECHILD);
	CHECK(rota_shard_detach(s) == -ECHILD);
	CHECK(rota_shard_attach(s) == -ECHILD);
	CHECK(rota_shard_check(s) == -ECHILD);
	CHECK(rota_shard_wait(s, 0) == -EOPNOTSUPP);
	CHECK(rota__shard_wait(s, 0) == -ECHILD);
	CHECK(rota_shard_fd(s) == -ECHILD);
	CHECK(rota_shard_wake(s) == -ECHILD);
	CHECK(rota_shard_overdue(s, ROTA_NEVER) == -ECHILD);
	CHECK(rota_shard_retire(s, other) == -ECHILD);
	CHECK(rota_shard_reserve(s, 1) == -ECHILD);
	CHECK(rota_shard_stat(s, &stats) == -ECHILD);
	CHECK(rota_shard_adopt(s, 9 * TICK, 0) == -EOPNOTSUPP ||
	    rota_shard_adopt(s, 9 * TICK, 0) == -ECHILD);
	CHECK(rota_engine_stat(w->engine, &stats) == -ECHILD);
	CHECK(rota_engine_now(w->engine) == -ECHILD);
	CHECK(rota_engine_advance(w->engine, 1) == -ECHILD);
	CHECK(rota_engine_would_deadlock(w->engine) == -ECHILD);
	CHECK(rota_kind_init(&k, s, &config) == -ECHILD);
	CHECK(rota_kind_release(&w->kind) == -ECHILD);
	CHECK(rota_timer_init(&t, &w->kind) == -ECHILD);
	CHECK(rota_timer_release(&p[1].timer) == -ECHILD);
	line = layers(w);
	if (line)
		return line;
	CHECK(rota_timer_pending(&p[0].timer) == 1);
	CHECK(noted(w) == before);
	CHECK(w->mem.calls == calls);
	/* what its users hold is theirs; the rest goes */
	unmake(w);
	return 0;
}

static void
make(struct world *w)
{
	struct rota_config c = world_config(w);

	world_destroy(w, ROTA_REFUSE);
	c.shards = 2;
	world_open(w, &c);
	assert_int_equal(rota_channel_create(&made.channel, w->engine,
			     ROTA_HOUR, ROTA_CHANNEL_SYNC),
	    0);
	assert_int_equal(rota_ticker_create(&made.ticker, w->engine, ROTA_HOUR,
			     ROTA_MISSED_SKIP),
	    0);
	assert_int_equal(rota_context_with_deadline(
			     &made.context, w->engine, NULL, ROTA_HOUR),
	    0);
	assert_int_equal(
	    rota_after_func(w->engine, ROTA_HOUR, nothing, NULL, &made.handle),
	    0);
}

static void
in_the_child_every_call_says_so(void **state)
{
	struct world *w = *state;
	struct probe *p;
	int fd;

	make(w);
	fd = rota_shard_fd(w->shard);
	world_poll(w, 0); /* a new descriptor is readable */
	p = world_probes(w, 2);
	rota_timer_reset_at(&p->timer, TICK);
	assert_int_equal(rota_engine_forked(w->engine), 0);
	assert_int_equal(in_a_child(every_call, w, p), 0);
	/* also if the owner was another thread */
	assert_int_equal(rota_shard_detach(w->shard), 0);
	assert_int_equal(in_a_child(every_call, w, p), 0);
	assert_int_equal(rota_shard_attach(w->shard), 0);
	assert_int_equal(readable(fd), 0);
	world_poll(w, TICK);
	expect_fired(w, 0);
	unmake(w);
}

static int
stops_alone(struct world *w, struct probe *p)
{
	(void)w;
	/* of the owner's kin: too short to ask */
	CHECK(rota_timer_reset_at(&p[1].timer, TICK) == 0);
	CHECK(rota_timer_stop(&p[1].timer) == ROTA_PREVENTED);
	CHECK(rota_timer_stop(&p[0].timer) == ROTA_PREVENTED);
	CHECK(rota_timer_pending(&p[0].timer) == 0);
	CHECK(rota_timer_deadline(&p[0].timer) == 5 * TICK);
	for (unsigned i = 0; i < 200; i++) /* more than a stage full */
		CHECK(rota_timer_reset_at(&p[2 + i].timer, i * TICK) == 0);
	return ends(w, ROTA_REFUSE);
}

static void
what_does_not_ask_changes_the_childs_copy(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 202);

	rota_timer_reset_at(&p[0].timer, 5 * TICK);
	assert_int_equal(in_a_child(stops_alone, w, p), 0);
	assert_int_equal(rota_timer_pending(&p[0].timer), 1);
	assert_int_equal(rota_timer_pending(&p[1].timer), 0);
	world_poll(w, 5 * TICK);
	expect_fired(w, 0);
}

static int
refuses(struct world *w, struct probe *p)
{
	(void)p;
	return ends(w, ROTA_REFUSE);
}

static int
drains(struct world *w, struct probe *p)
{
	(void)p;
	return ends(w, ROTA_DRAIN);
}

static int
drops(struct world *w, struct probe *p)
{
	(void)p;
	return ends(w, ROTA_DROP);
}

static void
the_child_gives_all_back_calls_nobody_and_makes_its_own(void **state)
{
	struct world *w = *state;
	struct probe *p;
	int fd;

	make(w);
	unmake(w); /* what is built on it, and given back */
	fd = rota_shard_fd(w->shard);
	p = world_probes(w, 3000);
	for (unsigned i = 0; i < 3000; i++)
		rota_timer_reset_at(&p[i].timer, (1 + i % 50) * TICK);
	world_poll(w, 10 * TICK);
	elsewhere_reset_at(&p[1].timer, 12 * TICK);
	elsewhere_release(&p[2].timer);
	w->fired = 0;
	rota_engine_advance(w->engine, 30 * TICK); /* more is due */
	assert_int_equal(in_a_child(refuses, w, p), 0);
	assert_int_equal(in_a_child(drains, w, p), 0);
	assert_int_equal(in_a_child(drops, w, p), 0);
	assert_int_equal(w->freed, 0);
	assert_int_equal(readable(fd), 0);
	world_poll(w, 50 * TICK);
	assert_int_equal(w->freed, 1);
	assert_int_equal(world_stat(w).live, 0);
	w->fired = 0;
}

static int
wakes_its_own(struct world *w, struct probe *p)
{
	int line = ends(w, ROTA_DROP);

	(void)p;
	return line ? line : makes_its_own(w);
}

static void
the_parent_does_not_notice(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);
	int fd = rota_shard_fd(w->shard);

	rota_timer_reset_at(&p->timer, 5 * TICK);
	world_poll(w, 0);
	assert_true(rota_shard_park(w->shard) > 0);
	assert_int_equal(in_a_child(wakes_its_own, w, p), 0);
	assert_int_equal(readable(fd), 0);
	/* the parent is still parked, and can still be woken */
	w->wakes = 0;
	elsewhere_reset_at(&p->timer, TICK);
	assert_int_equal(w->wakes, 1);
	assert_int_equal(readable(fd), 1);
	world_poll(w, TICK);
	expect_fired(w, 0);
}

static int
grandchild(struct world *w, struct probe *p)
{
	return refuses(w, p);
}

static int
child_with_a_child(struct world *w, struct probe *p)
{
	CHECK(in_a_child(grandchild, w, p) == 0);
	return refuses(w, p);
}

static void
the_child_of_a_child_is_one_too(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);

	rota_timer_reset_at(&p[0].timer, TICK);
	assert_int_equal(in_a_child(child_with_a_child, w, p), 0);
	world_poll(w, 2 * TICK);
	expect_fired(w, 0);
}

static int
in_the_callback(struct world *w, struct probe *p)
{
	/* it is inside a callback here as well */
	CHECK(rota_engine_destroy(w->engine, ROTA_DROP) == -EDEADLK);
	CHECK(rota_engine_forked(w->engine) == 1);
	CHECK(rota_timer_release(&p->timer) == -ECHILD);
	return 0;
}

static int callback_child;

static void
fork_inside(struct probe *p, rota_time now)
{
	(void)now;
	callback_child = in_a_child(in_the_callback, p->world, p);
}

static void
a_callback_may_fork(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 2);

	callback_child = -1;
	p[0].then = fork_inside;
	rota_timer_reset_at(&p[0].timer, TICK);
	rota_timer_reset_at(&p[1].timer, 2 * TICK);
	world_poll(w, 2 * TICK);
	assert_int_equal(callback_child, 0);
	expect_fired(w, 0, 1);
}

/* Who runs the callback is the parent's: it never ends here. */
static sem_t begun, end;

static void
block(struct probe *p, rota_time now)
{
	(void)p;
	(void)now;
	sem_post(&begun);
	sem_wait(&end);
}

static int
stops_sync(struct world *w, struct probe *p)
{
	CHECK(rota_timer_stop_sync(&p->timer) == -ECHILD);
	return refuses(w, p);
}

static void *
poll_once(void *arg)
{
	struct world *w = arg;

	if (rota_shard_attach(w->shard) || rota_shard_poll(w->shard, TICK, 0) ||
	    rota_shard_detach(w->shard))
		abort();
	return NULL;
}

static void
a_child_does_not_wait_for_a_callback_of_its_parent(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);
	pthread_t t;

	sem_init(&begun, 0, 0);
	sem_init(&end, 0, 0);
	p->then = block;
	rota_timer_reset_at(&p->timer, TICK);
	assert_int_equal(rota_shard_detach(w->shard), 0);
	pthread_create(&t, NULL, poll_once, w);
	sem_wait(&begun);
	assert_int_equal(in_a_child(stops_sync, w, p), 0);
	sem_post(&end);
	pthread_join(t, NULL);
	expect_fired(w, 0);
	assert_int_equal(rota_shard_attach(w->shard), 0);
}

/* An allocator that stops, once, with whatever mutex its caller has. */
static struct {
	struct rota_allocator to;
	rota_word armed;
} slow;

static void *
slow_alloc(void *arg, unsigned shard, size_t size, size_t align)
{
	if (word_swap(&slow.armed, (uint64_t)0, acq_rel)) {
		sem_post(&begun);
		sem_wait(&end);
	}
	(void)arg;
	return slow.to.alloc(slow.to.arg, shard, size, align);
}

static void
slow_free(void *arg, unsigned shard, void *ptr, size_t size)
{
	(void)arg;
	slow.to.free(slow.to.arg, shard, ptr, size);
}

static void *
take_the_shards(void *arg)
{
	struct world *w = arg;

	if (rota_shard_reserve(w->shard, 100000))
		abort();
	return NULL;
}

static void *
take_the_engines(void *arg)
{
	struct world *w = arg;
	rota_handle h;

	/* its slab, with the mutexes of the engine */
	if (rota_after_func(w->engine, ROTA_HOUR, nothing, NULL, &h) ||
	    rota_handle_stop(w->engine, h) != ROTA_PREVENTED)
		abort();
	return NULL;
}

static void
tell(void *arg, const char *site, rota_time deadline, int dropped)
{
	(void)arg;
	(void)site;
	(void)deadline;
	(void)dropped;
	sem_post(&begun);
	sem_wait(&end);
}

static void *
take_the_layers(void *arg)
{
	struct world *w = arg;

	if (rota_context_report(w->engine, tell, NULL) != 1)
		abort();
	return NULL;
}

static int
calls_what_locks(struct world *w, struct probe *p)
{
	struct rota_kind_config config = { .fire = probe_fire, .name = "k" };
	struct rota_timer t;
	struct rota_kind k;
	int line;

	(void)p;
	CHECK(rota_kind_init(&k, w->shard, &config) == -ECHILD);
	CHECK(rota_kind_release(&w->kind) == -ECHILD);
	CHECK(rota_timer_init(&t, &w->kind) == -ECHILD);
	CHECK(rota_shard_reserve(w->shard, 1) == -ECHILD);
	CHECK(rota_shard_attach(w->shard) == -ECHILD);
	line = layers(w);
	if (line)
		return line;
	CHECK(rota_engine_destroy(w->engine, ROTA_DROP) == 0);
	CHECK(w->mem.wrong == 0);
	return makes_its_own(w);
}

static void
a_mutex_that_was_held_hangs_nobody(void **state)
{
	static void *(*const take[])(
	    void *) = { take_the_shards, take_the_engines, take_the_layers };
	struct world *w = *state;
	struct rota_config c = world_config(w);

	sem_init(&begun, 0, 0);
	sem_init(&end, 0, 0);
	for (unsigned i = 0; i < CM_COUNT(take); i++) {
		pthread_t t;

		if (w->engine)
			world_destroy(w, ROTA_REFUSE);
		slow.to = c.allocator;
		slow.armed = 0;
		c.allocator = (struct rota_allocator){ slow_alloc, slow_free,
			NULL };
		world_open(w, &c);
		c.allocator = slow.to;
		assert_int_equal(rota_channel_create(&made.channel, w->engine,
				     ROTA_HOUR, ROTA_CHANNEL_SYNC),
		    0);
		assert_int_equal(rota_ticker_create(&made.ticker, w->engine,
				     ROTA_HOUR, ROTA_MISSED_SKIP),
		    0);
		assert_int_equal(rota_context_with_deadline(&made.context,
				     w->engine, NULL, ROTA_NEVER),
		    0);
		slow.armed = take[i] != take_the_layers;
		pthread_create(&t, NULL, take[i], w);
		sem_wait(&begun);
		assert_int_equal(in_a_child(calls_what_locks, w, NULL), 0);
		sem_post(&end);
		pthread_join(t, NULL);
		rota_channel_unref(made.channel);
		rota_channel_unref(made.ticker);
		rota_context_cancel(made.context, 0);
		rota_context_unref(made.context);
	}
	world_destroy(w, ROTA_REFUSE);
}

/* With the lock in its own hand: where those are checked it must take none. */
static int
gives_back(struct world *w, struct probe *p)
{
	uint64_t before = noted(w);

	(void)p;
	CHECK(rota_shard_reserve(w->shard, 1) == -ECHILD);
	CHECK(rota_engine_destroy(w->engine, ROTA_DROP) == 0);
	CHECK(noted(w) == before);
	CHECK(w->mem.blocks == 0 && w->mem.wrong == 0);
	return 0;
}

/* Forks in the middle of growing, at each block that is asked for. */
static struct {
	struct world *w;
	unsigned forks;
	int failed;
} growing;

static void *
fork_alloc(void *arg, unsigned shard, size_t size, size_t align)
{
	(void)arg;
	if (growing.w->engine && !growing.failed) {
		growing.forks++;
		growing.failed = in_a_child(gives_back, growing.w, NULL);
	}
	return slow.to.alloc(slow.to.arg, shard, size, align);
}

static void
forked_while_it_grows_it_gives_back_what_it_has(void **state)
{
	struct world *w = *state;
	struct rota_config c = world_config(w);

	world_destroy(w, ROTA_REFUSE);
	slow.to = c.allocator;
	c.allocator = (struct rota_allocator){ fork_alloc, slow_free, NULL };
	growing.w = w;
	growing.forks = 0;
	growing.failed = 0;
	world_open(w, &c);
	for (unsigned i = 1; i <= 4; i++)
		assert_int_equal(rota_shard_reserve(w->shard, i * 3000), 0);
	assert_int_equal(growing.failed, 0);
	assert_true(growing.forks > 0);
	world_destroy(w, ROTA_REFUSE);
}

/* Threads that are at it all the time. */
enum { CHURNED = 4000, FORKS = 40 };
static struct {
	struct world *w;
	struct rota_kind kind[2];
	struct rota_timer timer[CHURNED];
	rota_word stop, polls;
} churn;

static void
churn_fire(struct rota_timer *t, rota_time now)
{
	/* most of them soon, some far */
	rota_timer_reset_at(t,
	    now + (1 + ((uintptr_t)t >> 6) % 40) * (TICK / 8) +
		((uintptr_t)t % 128 ? 0 : 1000 * TICK));
}

static void *
churn_poll(void *arg)
{
	struct rota_shard *s = rota_engine_shard(churn.w->engine, 0);
	rota_time now = 0;

	(void)arg;
	if (rota_shard_attach(s))
		abort();
	while (!word_load(&churn.stop, acquire)) {
		now += TICK / 4;
		rota_shard_poll(s, now, 100);
		word_add(&churn.polls, (uint64_t)1, relaxed);
	}
	rota_shard_detach(s);
	return NULL;
}

/* Resets and stops from elsewhere; @arg drives a virtual clock, too. */
static void *
churn_reset(void *arg)
{
	uint64_t x = 88172645463325252u;

	while (!word_load(&churn.stop, acquire)) {
		struct rota_timer *t = &churn.timer[random_next(&x) % CHURNED];

		if (random_next(&x) % 8)
			rota_timer_reset_at(
			    t, (rota_time)(random_next(&x) % 2000) * TICK);
		else
			rota_timer_stop(t);
		if (arg)
			rota_engine_advance(churn.w->engine, TICK / 16);
	}
	return NULL;
}

static void
churn_with(struct world *w, unsigned flags)
{
	struct rota_config c = world_config(w);
	pthread_t t[2];

	world_destroy(w, ROTA_REFUSE);
	c.flags = flags;
	c.shards = 2;
	world_open(w, &c);
	if (!(flags & ROTA_DRIVERS))
		assert_int_equal(rota_shard_detach(w->shard), 0);
	churn.w = w;
	churn.stop = churn.polls = 0;
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(rota_kind_init(&churn.kind[i],
				     rota_engine_shard(w->engine, i),
				     &(struct rota_kind_config){
					 .fire = churn_fire, .name = "churn" }),
		    0);
	for (unsigned i = 0; i < CHURNED; i++) {
		unsigned on = flags & ROTA_DRIVERS ? i % 2 : 0;

		assert_int_equal(
		    rota_timer_init(&churn.timer[i], &churn.kind[on]), 0);
		rota_timer_reset_at(&churn.timer[i], (i % 100) * TICK);
	}
	pthread_create(&t[0], NULL, churn_reset, flags & ROTA_DRIVERS ? w : 0);
	if (!(flags & ROTA_DRIVERS))
		pthread_create(&t[1], NULL, churn_poll, NULL);
	for (unsigned i = 0; i < FORKS; i++) {
		usleep(i * 37 % 500);
		assert_int_equal(in_a_child(drops, w, NULL), 0);
	}
	word_store(&churn.stop, (uint64_t)1, release);
	pthread_join(t[0], NULL);
	if (!(flags & ROTA_DRIVERS))
		pthread_join(t[1], NULL);
	assert_true(world_stat(w).fires > 0);
	world_destroy(w, ROTA_DROP);
}

static void
forked_in_mid_poll_the_child_is_well(void **state)
{
	churn_with(*state, 0);
}

static void
forked_with_drivers_the_child_is_well(void **state)
{
	churn_with(*state, ROTA_DRIVERS);
}

static void
forked_with_adopters_the_child_is_well(void **state)
{
	churn_with(*state, ROTA_DRIVERS | ROTA_ADOPT);
}

static void *
again(void *arg)
{
	return arg;
}

static int
ends_the_bubble(struct world *w, struct probe *p)
{
	struct rota_bubble *b = w->probes;
	pthread_t t;

	(void)p;
	CHECK(rota_bubble_join(b) == -ECHILD);
	CHECK(rota_bubble_leave(b) == -ECHILD);
	CHECK(rota_bubble_wait(b) == -ECHILD);
	CHECK(rota_bubble_thread(b, &t, again, NULL) == -ECHILD);
	CHECK(rota_bubble_destroy(b) == 0);
	CHECK(rota_bubble_create(&b, ROTA_WHEEL) == 0);
	CHECK(rota_bubble_join(b) == 0);
	CHECK(rota_sleep(rota_bubble_engine(b), ROTA_HOUR, NULL) == 0);
	CHECK(rota_bubble_leave(b) == 0);
	CHECK(rota_bubble_destroy(b) == 0);
	return 0;
}

static void
so_is_a_bubble(void **state)
{
	struct world w = { 0 };
	struct rota_bubble *b;

	(void)state;
	assert_int_equal(rota_bubble_create(&b, ROTA_WHEEL), 0);
	w.probes = b;
	assert_int_equal(in_a_child(ends_the_bubble, &w, NULL), 0);
	assert_int_equal(rota_bubble_join(b), 0);
	assert_int_equal(in_a_child(ends_the_bubble, &w, NULL), 0);
	assert_int_equal(rota_sleep(rota_bubble_engine(b), 1, NULL), 0);
	assert_int_equal(rota_bubble_leave(b), 0);
	assert_int_equal(rota_bubble_destroy(b), 0);
}

static rota_word ran;

static void
note_run(void *arg)
{
	(void)arg;
	word_add(&ran, (uint64_t)1, release);
}

static int
asks_the_executor(struct world *w, struct probe *p)
{
	struct rota_executor_stats stat;
	struct rota_executor *x;
	rota_job job;

	(void)p;
	CHECK(rota_executor_after_func(
		  made.executor, 0, note_run, NULL, &job) == -ECHILD);
	CHECK(rota_executor_stop(made.executor, made.job) == -ECHILD);
	CHECK(rota_executor_stat(made.executor, &stat) == -ECHILD);
	CHECK(rota_executor_destroy(made.executor) == -ECHILD);
	CHECK(rota_executor_create(&x, w->engine, 1, 1) == -ECHILD);
	CHECK(rota_engine_destroy(w->engine, ROTA_DROP) == 0);
	return makes_its_own(w);
}

static void
so_is_an_executor(void **state)
{
	struct world *w = *state;

	assert_int_equal(
	    rota_executor_create(&made.executor, w->engine, 2, 4), 0);
	assert_int_equal(rota_executor_after_func(made.executor, ROTA_HOUR,
			     note_run, NULL, &made.job),
	    0);
	assert_int_equal(in_a_child(asks_the_executor, w, NULL), 0);
	assert_int_equal(
	    rota_executor_stop(made.executor, made.job), ROTA_PREVENTED);
	assert_int_equal(rota_shard_detach(w->shard), 0);
	assert_int_equal(rota_executor_destroy(made.executor), 0);
	assert_int_equal(rota_shard_attach(w->shard), 0);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		EVERY(in_the_child_every_call_says_so),
		EVERY_OWNED(what_does_not_ask_changes_the_childs_copy),
		EVERY(the_child_gives_all_back_calls_nobody_and_makes_its_own),
		EVERY(the_parent_does_not_notice),
		EVERY_OWNED(the_child_of_a_child_is_one_too),
		EVERY_OWNED(a_callback_may_fork),
		EVERY(a_child_does_not_wait_for_a_callback_of_its_parent),
		EVERY(a_mutex_that_was_held_hangs_nobody),
		EVERY(forked_while_it_grows_it_gives_back_what_it_has),
		EVERY(forked_in_mid_poll_the_child_is_well),
		EVERY(forked_with_drivers_the_child_is_well),
		EVERY(forked_with_adopters_the_child_is_well),
		cmocka_unit_test(so_is_a_bubble),
		EVERY(so_is_an_executor),
	};

	return cmocka_run_group_tests_name("fork", tests, NULL, NULL);
}
