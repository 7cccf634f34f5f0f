/* SPDX-License-Identifier: MIT
 *
 * fault_test.c - the system says no.
 * Claims: each errno of each call that rota makes of the system is a clean
 * error, with nothing left behind, and the next try works; so is refused
 * memory, at every single call, from making an engine to arming a timer.
 *
 * The program is linked so that the system calls come here first.
 */
#define _DEFAULT_SOURCE /* madvise */
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/timerfd.h>

#include "core/shard.h"
#include "tests/support/world.h"

/* Which call fails from now on, counted from 1, and with what; 0: none. */
static struct fault {
	unsigned at, calls;
	int error;
} eventfd_fault, timerfd_fault, thread_fault, mmap_fault, madvise_fault;
static rota_word threads; /* that run now */
static int pages;         /* mapped now */

static bool
fails(struct fault *f)
{
	return ++f->calls == f->at;
}

static void
let_fail(struct fault *f, unsigned at, int error)
{
	*f = (struct fault){ at, 0, error };
}

int __real_eventfd(unsigned count, int flags);
int __wrap_eventfd(unsigned count, int flags);
int __real_pthread_create(
    pthread_t *t, const pthread_attr_t *a, void *(*fn)(void *), void *arg);
int __wrap_pthread_create(
    pthread_t *t, const pthread_attr_t *a, void *(*fn)(void *), void *arg);
int __real_pthread_join(pthread_t t, void **r);
int __wrap_pthread_join(pthread_t t, void **r);
void *__real_mmap(void *at, size_t n, int prot, int flags, int fd, off_t off);
void *__wrap_mmap(void *at, size_t n, int prot, int flags, int fd, off_t off);
int __real_munmap(void *at, size_t n);
int __wrap_munmap(void *at, size_t n);
int __real_madvise(void *at, size_t n, int advice);
int __wrap_madvise(void *at, size_t n, int advice);

int
__wrap_eventfd(unsigned count, int flags)
{
	if (!fails(&eventfd_fault))
		return __real_eventfd(count, flags);
	errno = eventfd_fault.error;
	return -1;
}

int __real_timerfd_create(clockid_t clock, int flags);
int __wrap_timerfd_create(clockid_t clock, int flags);

int
__wrap_timerfd_create(clockid_t clock, int flags)
{
	if (!fails(&timerfd_fault))
		return __real_timerfd_create(clock, flags);
	errno = timerfd_fault.error;
	return -1;
}

int
__wrap_pthread_create(
    pthread_t *t, const pthread_attr_t *a, void *(*fn)(void *), void *arg)
{
	if (fails(&thread_fault))
		return thread_fault.error;
	threads++;
	return __real_pthread_create(t, a, fn, arg);
}

int
__wrap_pthread_join(pthread_t t, void **r)
{
	threads--;
	return __real_pthread_join(t, r);
}

void *
__wrap_mmap(void *at, size_t n, int prot, int flags, int fd, off_t off)
{
	if (fails(&mmap_fault)) {
		errno = mmap_fault.error;
		return MAP_FAILED;
	}
	pages++;
	return __real_mmap(at, n, prot, flags, fd, off);
}

int
__wrap_munmap(void *at, size_t n)
{
	pages--;
	return __real_munmap(at, n);
}

int
__wrap_madvise(void *at, size_t n, int advice)
{
	if (!fails(&madvise_fault))
		return __real_madvise(at, n, advice);
	errno = madvise_fault.error;
	return -1;
}

static unsigned
descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static int
setup(void **state)
{
	let_fail(&eventfd_fault, 0, 0);
	let_fail(&timerfd_fault, 0, 0);
	let_fail(&thread_fault, 0, 0);
	let_fail(&mmap_fault, 0, 0);
	let_fail(&madvise_fault, 0, 0);
	return world_setup(state);
}

static struct rota_config
driven(struct world *w)
{
	struct rota_config c = world_config(w);

	c.flags = ROTA_DRIVERS;
	c.shards = 3;
	return c;
}

/* Making an engine as @c says fails with @error, and leaves nothing. */
static void
refused(struct world *w, const struct rota_config *c, int error)
{
	uint64_t blocks = w->mem.blocks, bytes = w->mem.bytes;
	unsigned fds = descriptors();
	struct rota_engine *e = (void *)w;
	int mapped = pages;

	errno = 4711;
	assert_int_equal(rota_engine_create(&e, c), -error);
	assert_int_equal(errno, 4711);
	assert_null(e);
	assert_int_equal(w->mem.blocks, blocks);
	assert_int_equal(w->mem.bytes, bytes);
	assert_int_equal(w->mem.wrong, 0);
	assert_int_equal(descriptors(), fds);
	assert_int_equal(pages, mapped);
	assert_int_equal(threads, 0);
}

/* And works again. */
static void
made(struct world *w, const struct rota_config *c)
{
	uint64_t blocks = w->mem.blocks;
	unsigned fds = descriptors();
	struct rota_engine *e;
	int mapped = pages;

	assert_int_equal(rota_engine_create(&e, c), 0);
	assert_int_equal(rota_engine_destroy(e, ROTA_REFUSE), 0);
	assert_int_equal(w->mem.blocks, blocks);
	assert_int_equal(descriptors(), fds);
	assert_int_equal(pages, mapped);
	assert_int_equal(threads, 0);
}

static void
no_descriptor_for_a_driver_is_a_clean_error(void **state)
{
	static const int errors[] = { EMFILE, ENFILE, ENOMEM, EPERM, ENOSYS };
	struct world *w = *state;
	struct rota_config c = driven(w);

	for (unsigned i = 0; i < CM_COUNT(errors); i++) {
		for (unsigned at = 1; at <= 3; at++) {
			let_fail(&eventfd_fault, at, errors[i]);
			refused(w, &c, errors[i]);
		}
		made(w, &c);
	}
}

static void
no_descriptor_for_a_shard_is_a_clean_error(void **state)
{
	static const int errors[] = { EMFILE, ENFILE, ENOMEM, EPERM, ENOSYS };
	struct world *w = *state;
	unsigned fds = descriptors();
	struct probe *p = world_probes(w, 1);

	for (unsigned i = 0; i < CM_COUNT(errors); i++) {
		let_fail(&eventfd_fault, 1, errors[i]);
		assert_int_equal(rota_shard_fd(w->shard), -errors[i]);
		assert_int_equal(descriptors(), fds);
		/* it does without: waking and polling go on */
		assert_int_equal(rota_shard_wake(w->shard), 0);
		rota_timer_reset_at(&p->timer, TICK);
		world_poll(w, TICK);
		expect_fired(w, 0);
	}
	assert_true(rota_shard_fd(w->shard) >= 0);
	assert_true(eventfd_fault.calls >= 2); /* it was asked again */
}

/* Of a clock that goes on by itself: by whatever it sleeps. */
static void
no_descriptor_for_a_sleep_is_a_clean_error(void **state)
{
	static const int errors[] = { EMFILE, ENFILE, ENOMEM, EPERM, ENOSYS,
		EINVAL };
	static const enum rota_clock clocks[] = { ROTA_CLOCK_MONOTONIC,
		ROTA_CLOCK_BOOTTIME };
	struct world *w = *state;
	struct rota_config c = world_config(w);

	for (unsigned k = 0; k < 2; k++) {
		bool alarm = clocks[k] == ROTA_CLOCK_BOOTTIME;
		unsigned fds;

		world_destroy(w, ROTA_REFUSE);
		fds = descriptors();
		c.clock = clocks[k];
		world_open(w, &c);
		for (unsigned i = 0; i < CM_COUNT(errors); i++) {
			let_fail(&eventfd_fault, 1, errors[i]);
			assert_int_equal(
			    rota_shard_wait(w->shard, 0), -errors[i]);
			assert_int_equal(descriptors(), fds);
		}
		for (unsigned i = 0; alarm && i < CM_COUNT(errors); i++) {
			let_fail(&timerfd_fault, 1, errors[i]);
			errno = 4711;
			assert_int_equal(
			    rota_shard_wait(w->shard, 0), -errors[i]);
			assert_int_equal(errno, 4711);
			/* not parked: nobody has to wake it */
			assert_int_equal(
			    word_load(&w->shard->park.parked, relaxed), 0);
		}
		assert_int_equal(rota_shard_wait(w->shard, 0), 0);
		assert_int_equal(descriptors(), fds + 1 + alarm);
	}
	world_destroy(w, ROTA_REFUSE);
}

/* One for its waking, and on this clock one for its sleep. */
static void
no_alarm_for_a_driver_is_a_clean_error(void **state)
{
	static const int errors[] = { EMFILE, ENFILE, ENOMEM, EPERM, ENOSYS };
	struct world *w = *state;
	struct rota_config c = driven(w);

	c.clock = ROTA_CLOCK_BOOTTIME;
	for (unsigned i = 0; i < CM_COUNT(errors); i++) {
		for (unsigned at = 1; at <= 3; at++) {
			let_fail(&timerfd_fault, at, errors[i]);
			refused(w, &c, errors[i]);
		}
		made(w, &c);
	}
}

static void
no_thread_for_a_driver_is_a_clean_error(void **state)
{
	static const int errors[] = { EAGAIN, EPERM };
	struct world *w = *state;
	struct rota_config c = driven(w);

	for (unsigned i = 0; i < CM_COUNT(errors); i++) {
		for (unsigned at = 1; at <= 3; at++) {
			let_fail(&thread_fault, at, errors[i]);
			refused(w, &c, errors[i]);
		}
		made(w, &c);
	}
}

static void
no_page_is_a_clean_error(void **state)
{
	static const int errors[] = { ENOMEM, EAGAIN, EPERM };
	struct world *w = *state;
	struct rota_config c = driven(w);

	for (unsigned i = 0; i < CM_COUNT(errors); i++) {
		let_fail(&mmap_fault, 1, errors[i]);
		refused(w, &c, ENOMEM);
	}
	made(w, &c);
}

static void
a_kernel_that_cannot_wipe_on_fork_will_do(void **state)
{
	struct world *w = *state;
	struct rota_config c = driven(w);

	let_fail(&madvise_fault, 1, EINVAL);
	made(w, &c);
	assert_int_equal(madvise_fault.calls, 1);
}

/* C3 9: failure at every allocation. */
static void
refused_memory_for_an_engine_is_a_clean_error_at_every_call(void **state)
{
	struct world *w = *state;
	struct rota_config c = driven(w);
	uint64_t n;

	for (n = 1;; n++) {
		struct rota_engine *e = NULL;
		unsigned fds = descriptors();
		uint64_t blocks = w->mem.blocks;
		int r;

		mem_fail(&w->mem, n);
		r = rota_engine_create(&e, &c);
		if (!mem_failed(&w->mem)) {
			assert_int_equal(r, 0);
			assert_int_equal(
			    rota_engine_destroy(e, ROTA_REFUSE), 0);
			break;
		}
		mem_fail(&w->mem, 0);
		assert_int_equal(r, -ENOMEM);
		assert_null(e);
		assert_int_equal(w->mem.blocks, blocks);
		assert_int_equal(w->mem.wrong, 0);
		assert_int_equal(descriptors(), fds);
		assert_int_equal(threads, 0);
	}
	/* the engine, its drivers, its shards, a table at least for each */
	assert_true(n > 3 + 3);
	mem_fail(&w->mem, 0);
}

/* From a fresh engine to 3000 timers that fire; each call in turn refused. */
static void
refused_memory_for_timers_is_a_clean_error_at_every_call(void **state)
{
	enum { TIMERS = 3000 };
	struct world *w = *state;
	struct probe *p = malloc(TIMERS * sizeof(*p));
	unsigned refusals = 0;
	uint64_t n;

	for (n = 1;; n++) {
		struct rota_config c = world_config(w);
		bool failed;

		world_destroy(w, ROTA_DROP);
		world_open(w, &c);
		mem_fail(&w->mem, n);
		for (unsigned i = 0; i < TIMERS; i++) {
			int r;

			p[i] = (struct probe){ .world = w, .id = i };
			r = rota_timer_init(&p[i].timer, &w->kind);
			if (r) {
				assert_int_equal(r, -ENOMEM);
				assert_int_equal(world_stat(w).timers, i);
				refusals++;
				/* what there is works on */
				if (i)
					assert_true(
					    rota_timer_reset_at(
						&p[0].timer, 2 * TICK) >= 0);
				world_poll(w, 0);
				r = rota_timer_init(&p[i].timer, &w->kind);
			}
			assert_int_equal(r, 0);
			assert_true(rota_timer_reset_at(
					&p[i].timer, (1 + i % 40) * TICK) >= 0);
		}
		failed = mem_failed(&w->mem);
		world_poll(w, 40 * TICK);
		assert_int_equal(w->fired, TIMERS);
		assert_int_equal(rota_shard_check(w->shard), 0);
		w->fired = 0;
		for (unsigned i = 0; i < TIMERS; i++)
			assert_int_equal(rota_timer_release(&p[i].timer), 0);
		if (!failed)
			break;
	}
	assert_true(refusals == n - 1 && n > 1);
	mem_fail(&w->mem, 0);
	free(p);
}

/* The end of an engine needs no memory and no descriptor. */
static void
destroying_needs_nothing(void **state)
{
	struct world *w = *state;
	struct probe *p = world_probes(w, 50);

	for (unsigned i = 0; i < 50; i++)
		elsewhere_reset_at(&p[i].timer, TICK);
	w->mem.sealed = 1;
	let_fail(&eventfd_fault, 1, EMFILE);
	let_fail(&mmap_fault, 1, ENOMEM);
	assert_int_equal(world_destroy(w, ROTA_DRAIN), 50);
	assert_int_equal(eventfd_fault.calls + mmap_fault.calls, 0);
}

/* clang-format off: a # that begins a line */
#define FAULT(f)                                          \
	{ #f " [heap]", f, setup, world_teardown,         \
		(void *)(uintptr_t)&world_heap },         \
	    { #f " [wheel]", f, setup, world_teardown,    \
		    (void *)(uintptr_t)&world_wheel },    \
	{                                                 \
#f " [coarse]", f, setup, world_teardown, \
		    (void *)(uintptr_t)&world_coarse      \
	}
/* clang-format on */

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		FAULT(no_descriptor_for_a_driver_is_a_clean_error),
		FAULT(no_descriptor_for_a_shard_is_a_clean_error),
		FAULT(no_descriptor_for_a_sleep_is_a_clean_error),
		FAULT(no_alarm_for_a_driver_is_a_clean_error),
		FAULT(no_thread_for_a_driver_is_a_clean_error),
		FAULT(no_page_is_a_clean_error),
		FAULT(a_kernel_that_cannot_wipe_on_fork_will_do),
		FAULT(
		    refused_memory_for_an_engine_is_a_clean_error_at_every_call),
		FAULT(refused_memory_for_timers_is_a_clean_error_at_every_call),
		FAULT(destroying_needs_nothing),
	};

	return cmocka_run_group_tests_name("fault", tests, NULL, NULL);
}
