/* SPDX-License-Identifier: MIT
 *
 * fork_test.c - an engine on both sides of a fork.
 * Claims: in the child whatever polls answers -ECHILD until it was told of
 * the fork; then it works, on its own copy and its own descriptors; the
 * parent never notices.
 *
 * What the child finds comes back as its exit status: the line of the check
 * that failed, or 0.
 */
#define _DEFAULT_SOURCE /* usleep */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/world.h"

static int eventfd_errno;

int __real_eventfd(unsigned count, int flags);
int __wrap_eventfd(unsigned count, int flags);

int
__wrap_eventfd(unsigned count, int flags)
{
	if (!eventfd_errno)
		return __real_eventfd(count, flags);
	errno = eventfd_errno;
	return -1;
}

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

static int
untold(struct world *w, struct probe *p)
{
	struct rota_timer *out[1];
	struct rota_shard *s = w->shard;

	CHECK(rota_shard_poll(s, 9 * TICK, 0) == -ECHILD);
	CHECK(rota_shard_poll_batch(s, 9 * TICK, 0, out, 1) == -ECHILD);
	CHECK(rota_shard_park(s) == -ECHILD);
	CHECK(rota_shard_detach(s) == -ECHILD);
	CHECK(rota_shard_attach(s) == -ECHILD);
	CHECK(w->fired == 0);
	CHECK(rota_timer_pending(&p[0].timer) == 1);
	return 0;
}

static void
until_it_is_told_the_child_cannot_poll(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);

	rota_timer_reset_at(&p->timer, TICK);
	assert_int_equal(in_a_child(untold, w, p), 0);
	/* nor if the owner was another thread */
	assert_int_equal(rota_shard_detach(w->shard), 0);
	assert_int_equal(in_a_child(untold, w, p), 0);
	assert_int_equal(rota_shard_attach(w->shard), 0);
	world_poll(w, TICK);
	expect_fired(w, 0);
}

static int
told(struct world *w, struct probe *p)
{
	struct rota_kind k;
	struct probe more = { .world = w, .id = 7 };

	CHECK(rota_engine_after_fork(w->engine) == 0);
	CHECK(rota_shard_poll(w->shard, TICK, 0) == -EPERM);
	CHECK(rota_shard_attach(w->shard) == 0);
	CHECK(rota_shard_poll(w->shard, TICK, 0) == 0);
	CHECK(w->fired == 1);
	CHECK(rota_timer_stop(&p[1].timer) == ROTA_PREVENTED);
	CHECK(rota_timer_reset_at(&p[2].timer, 2 * TICK) == 0);
	CHECK(rota_kind_init(&k, w->shard,
		  &(struct rota_kind_config){
		      .fire = probe_fire, .name = "k" }) == 0);
	CHECK(rota_timer_init(&more.timer, &k) == 0);
	CHECK(rota_timer_reset_at(&more.timer, 3 * TICK) == 0);
	CHECK(rota_shard_poll(w->shard, 5 * TICK, 0) == 0);
	CHECK(w->fired == 3);
	CHECK(rota_shard_check(w->shard) == 0);
	CHECK(rota_engine_after_fork(w->engine) == 0); /* nothing more */
	CHECK(rota_shard_poll(w->shard, 5 * TICK, 0) == 0);
	CHECK(rota_timer_release(&more.timer) == 0);
	CHECK(rota_engine_destroy(w->engine, ROTA_REFUSE) == 0);
	return w->mem.blocks == 0 ? 0 : 255;
}

static void
once_it_is_told_the_child_has_a_copy_of_its_own(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 3);

	rota_timer_reset_at(&p[0].timer, TICK);
	rota_timer_reset_at(&p[1].timer, 2 * TICK);
	assert_int_equal(in_a_child(told, w, p), 0);
	expect_nothing(w);
	world_poll(w, 2 * TICK);
	expect_fired(w, 0, 1);
	assert_int_equal(rota_timer_pending(&p[2].timer), 0);
}

static int
wakes_itself(struct world *w, struct probe *p)
{
	int fd;

	CHECK(rota_engine_after_fork(w->engine) == 0);
	CHECK(rota_shard_attach(w->shard) == 0);
	fd = rota_shard_fd(w->shard);
	CHECK(fd >= 0);
	CHECK(readable(fd) == 0);
	CHECK(rota_shard_poll(w->shard, 0, 0) == 0);
	CHECK(rota_shard_park(w->shard) > 0);
	CHECK(elsewhere_reset_at(&p[0].timer, TICK) == 1);
	CHECK(readable(fd) == 1);
	CHECK(rota_shard_poll(w->shard, TICK, 0) == 0);
	CHECK(w->fired == 1);
	CHECK(readable(fd) == 0);
	return 0;
}

static void
parent_and_child_do_not_wake_each_other(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);
	int fd = rota_shard_fd(w->shard);

	rota_timer_reset_at(&p->timer, 5 * TICK);
	world_poll(w, 0);
	assert_true(rota_shard_park(w->shard) > 0);
	assert_int_equal(in_a_child(wakes_itself, w, p), 0);
	assert_int_equal(readable(fd), 0);
	/* the parent is still parked, and can still be woken */
	w->wakes = 0;
	elsewhere_reset_at(&p->timer, TICK);
	assert_int_equal(w->wakes, 1);
	assert_int_equal(readable(fd), 1);
}

static int
no_descriptors(struct world *w, struct probe *p)
{
	(void)p;
	eventfd_errno = EMFILE;
	CHECK(rota_engine_after_fork(w->engine) == -EMFILE);
	CHECK(rota_shard_attach(w->shard) == -ECHILD);
	eventfd_errno = 0;
	CHECK(rota_engine_after_fork(w->engine) == 0);
	CHECK(rota_shard_attach(w->shard) == 0);
	CHECK(rota_shard_poll(w->shard, TICK, 0) == 0);
	CHECK(w->fired == 1);
	CHECK(rota_shard_fd(w->shard) >= 0);
	return 0;
}

static void
without_descriptors_it_can_be_told_again(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);

	assert_true(rota_shard_fd(w->shard) >= 0);
	rota_timer_reset_at(&p->timer, TICK);
	assert_int_equal(in_a_child(no_descriptors, w, p), 0);
}

static int
only_destroys(struct world *w, struct probe *p)
{
	(void)p;
	CHECK(rota_engine_destroy(w->engine, ROTA_REFUSE) == -EBUSY);
	CHECK(rota_engine_destroy(w->engine, ROTA_DROP) == 1);
	CHECK(w->leaks == 1);
	CHECK(w->mem.blocks == 0);
	return 0;
}

static void
a_child_may_simply_destroy_it(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 1);
	int fd = rota_shard_fd(w->shard);

	rota_timer_reset_at(&p->timer, TICK);
	assert_int_equal(in_a_child(only_destroys, w, p), 0);
	assert_int_equal(readable(fd), 0);
	rota_shard_wake(w->shard);
	assert_int_equal(readable(fd), 1);
	world_poll(w, TICK);
	expect_fired(w, 0);
}

static int
grandchild(struct world *w, struct probe *p)
{
	CHECK(rota_shard_poll(w->shard, TICK, 0) == -ECHILD);
	return told(w, p);
}

static int
child_with_a_child(struct world *w, struct probe *p)
{
	CHECK(rota_engine_after_fork(w->engine) == 0);
	CHECK(rota_shard_attach(w->shard) == 0);
	CHECK(in_a_child(grandchild, w, p) == 0);
	CHECK(rota_shard_poll(w->shard, 2 * TICK, 0) == 0);
	CHECK(w->fired == 2);
	return 0;
}

static void
the_child_of_a_child_has_to_be_told_too(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 3);

	rota_timer_reset_at(&p[0].timer, TICK);
	rota_timer_reset_at(&p[1].timer, 2 * TICK);
	assert_int_equal(in_a_child(child_with_a_child, w, p), 0);
	world_poll(w, 2 * TICK);
	expect_fired(w, 0, 1);
}

static int
in_the_callback(struct world *w, struct probe *p)
{
	(void)p;
	/* it is inside a callback here as well */
	CHECK(rota_engine_after_fork(w->engine) == 0);
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

static int
driverless(struct world *w, struct probe *p)
{
	(void)p;
	CHECK(rota_shard_poll(w->shard, TICK, 0) == -ECHILD);
	CHECK(rota_engine_after_fork(w->engine) == 0);
	for (unsigned i = 0; i < 2; i++) {
		struct rota_shard *s = rota_engine_shard(w->engine, i);

		CHECK(rota_shard_attach(s) == 0);
		CHECK(rota_shard_poll(s, TICK, 0) == 0);
	}
	CHECK(w->fired == 1);
	CHECK(rota_engine_destroy(w->engine, ROTA_REFUSE) == 0);
	return w->mem.blocks == 0 ? 0 : 255;
}

/* Its drivers sleep when it forks: the clock is virtual and stands still. */
static void
the_child_of_a_driven_engine_polls_by_itself(void **state)
{
	struct world *w = *state;
	struct rota_config c = world_config(w);
	struct probe *p = world_probes(w, 1);

	world_destroy(w, ROTA_REFUSE);
	c.flags = ROTA_DRIVERS;
	c.shards = 2;
	world_open(w, &c);
	probe_init(w, p, 0);
	rota_timer_reset_at(&p->timer, TICK);
	while (!world_stat(w).entries) /* its driver has filed it */
		usleep(100);
	usleep(2000);
	assert_int_equal(in_a_child(driverless, w, p), 0);
	assert_int_equal(rota_engine_advance(w->engine, TICK), 0);
	while (world_stat(w).live)
		usleep(100);
	assert_int_equal(world_destroy(w, ROTA_REFUSE), 0);
	expect_fired(w, 0);
}

static void
in_the_parent_there_is_nothing_to_tell(void **state)
{
	struct world *w = *state;
	int fd = rota_shard_fd(w->shard);

	assert_int_equal(rota_engine_after_fork(w->engine), 0);
	assert_int_equal(rota_shard_fd(w->shard), fd);
	world_poll(w, TICK); /* still the owner */
}

/* clang-format off: a # that begins a line */
#define FORK(f)                                                \
	{ #f " [heap]", f, world_setup, world_teardown,        \
		(void *)(uintptr_t)&world_heap },              \
	{                                                      \
#f " [wheel]", f, world_setup, world_teardown, \
		    (void *)(uintptr_t)&world_wheel            \
	}
/* clang-format on */

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		FORK(until_it_is_told_the_child_cannot_poll),
		FORK(once_it_is_told_the_child_has_a_copy_of_its_own),
		FORK(parent_and_child_do_not_wake_each_other),
		FORK(without_descriptors_it_can_be_told_again),
		FORK(a_child_may_simply_destroy_it),
		FORK(the_child_of_a_child_has_to_be_told_too),
		FORK(a_callback_may_fork),
		FORK(the_child_of_a_driven_engine_polls_by_itself),
		FORK(in_the_parent_there_is_nothing_to_tell),
	};

	return cmocka_run_group_tests_name("fork", tests, NULL, NULL);
}
