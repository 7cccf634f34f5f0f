/* SPDX-License-Identifier: MIT
 *
 * wake_test.c - core/sys/wake.c: the descriptor that a sleeping owner waits on.
 * Claims: it is made once, by the first who asks; readable from a signal to
 * the next clear, even with its counter full; a sleep until an instant of
 * CLOCK_BOOTTIME is by a descriptor on that clock; every errno of its calls is
 * answered, EINTR retried where nobody wants to know; errno is left alone.
 *
 * The program is linked so that the system calls come here first.
 */
#define _GNU_SOURCE /* ppoll, CLOCK_BOOTTIME */
#include "core/sys/wake.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/cm.h"

static int eventfd_errno;      /* eventfd fails with it */
static unsigned interruptions; /* calls that are to fail with EINTR */
static rota_word made, writes, reads;
static int settime_errno;
static unsigned timeouts; /* of ppoll */

int __real_eventfd(unsigned count, int flags);
int __wrap_eventfd(unsigned count, int flags);
ssize_t __real_write(int fd, const void *p, size_t n);
ssize_t __wrap_write(int fd, const void *p, size_t n);
ssize_t __real_read(int fd, void *p, size_t n);
ssize_t __wrap_read(int fd, void *p, size_t n);
int __real_ppoll(struct pollfd *p, nfds_t n, const struct timespec *ts,
    const sigset_t *mask);
int __wrap_ppoll(struct pollfd *p, nfds_t n, const struct timespec *ts,
    const sigset_t *mask);

int __real_timerfd_settime(
    int fd, int flags, const struct itimerspec *at, struct itimerspec *before);
int __wrap_timerfd_settime(
    int fd, int flags, const struct itimerspec *at, struct itimerspec *before);

static int
interrupted(void)
{
	if (!interruptions)
		return 0;
	interruptions--;
	errno = EINTR;
	return 1;
}

int
__wrap_eventfd(unsigned count, int flags)
{
	if (eventfd_errno) {
		errno = eventfd_errno;
		return -1;
	}
	assert_int_equal(flags, EFD_CLOEXEC | EFD_NONBLOCK);
	word_add(&made, (uint64_t)1, relaxed);
	return __real_eventfd(count, flags);
}

/* What a thread finds that the write wakes. */
static struct wake *watched;
static uint64_t raised;

ssize_t
__wrap_write(int fd, const void *p, size_t n)
{
	word_add(&writes, (uint64_t)1, relaxed);
	if (watched)
		raised = word_load(&watched->raised, relaxed);
	return interrupted() ? -1 : __real_write(fd, p, n);
}

ssize_t
__wrap_read(int fd, void *p, size_t n)
{
	word_add(&reads, (uint64_t)1, relaxed);
	return interrupted() ? -1 : __real_read(fd, p, n);
}

int
__wrap_ppoll(
    struct pollfd *p, nfds_t n, const struct timespec *ts, const sigset_t *mask)
{
	timeouts += ts != NULL;
	return interrupted() ? -1 : __real_ppoll(p, n, ts, mask);
}

int
__wrap_timerfd_settime(
    int fd, int flags, const struct itimerspec *at, struct itimerspec *before)
{
	if (!settime_errno)
		return __real_timerfd_settime(fd, flags, at, before);
	errno = settime_errno;
	return -1;
}

static int
setup(void **state)
{
	(void)state;
	eventfd_errno = 0;
	interruptions = 0;
	made = writes = reads = 0;
	errno = 0;
	return 0;
}

static int
readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0);
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

static void
it_is_made_by_the_first_who_asks(void **state)
{
	struct wake w = { 0 };
	unsigned before = descriptors();
	int fd;

	(void)state;
	rota__wake_signal(&w); /* nobody can be waiting */
	wake_clear(&w);
	rota__wake_close(&w);
	assert_int_equal(made + writes + reads, 0);
	fd = rota__wake_open(&w);
	assert_true(fd >= 0);
	assert_int_equal(rota__wake_open(&w), fd);
	assert_int_equal(descriptors(), before + 1);
	assert_int_equal(readable(fd), 0);
	rota__wake_close(&w);
	assert_int_equal(descriptors(), before);
	rota__wake_close(&w);
	rota__wake_signal(&w);
	assert_int_equal(writes, 0);
}

static void
a_signal_makes_it_readable_until_it_is_cleared(void **state)
{
	struct wake w = { 0 };
	int fd = rota__wake_open(&w);

	(void)state;
	for (unsigned i = 1; i < 20; i++) {
		for (unsigned k = 0; k < i; k++)
			rota__wake_signal(&w);
		assert_int_equal(readable(fd), 1);
		wake_clear(&w);
		assert_int_equal(readable(fd), 0);
	}
	assert_int_equal(reads, 19); /* one for all */
	wake_clear(&w);
	assert_int_equal(reads, 19); /* nothing was raised: no call */
	assert_int_equal(errno, 0);
	rota__wake_close(&w);
}

/* Or it could not take the wake that it was woken by, nor sleep. */
static void
who_is_woken_finds_it_raised(void **state)
{
	struct wake w = { 0 };

	(void)state;
	rota__wake_open(&w);
	watched = &w;
	raised = 0;
	rota__wake_signal(&w);
	watched = NULL;
	assert_int_equal(raised, 1);
	rota__wake_close(&w);
}

/* C4: eventfd counter saturated. */
static void
a_full_counter_neither_blocks_nor_loses(void **state)
{
	struct wake w = { 0 };
	int fd = rota__wake_open(&w);
	uint64_t full = UINT64_MAX - 1;

	(void)state;
	assert_int_equal(__real_write(fd, &full, sizeof(full)), sizeof(full));
	for (unsigned i = 0; i < 5; i++)
		rota__wake_signal(&w); /* EAGAIN */
	assert_int_equal(errno, 0);
	assert_int_equal(readable(fd), 1);
	assert_int_equal(rota__wake_sleep(&w, -1), 0);
	wake_clear(&w);
	assert_int_equal(readable(fd), 0);
	rota__wake_signal(&w);
	assert_int_equal(readable(fd), 1);
	rota__wake_close(&w);
}

static void
eventfd_failing_is_a_clean_error(void **state)
{
	static const int errors[] = { EMFILE, ENFILE, ENOMEM, EPERM, ENOSYS,
		EINVAL, ENODEV };
	struct wake w = { 0 };
	unsigned before = descriptors();

	(void)state;
	errno = 4711;
	for (unsigned i = 0; i < CM_COUNT(errors); i++) {
		eventfd_errno = errors[i];
		assert_int_equal(rota__wake_open(&w), -errors[i]);
		assert_int_equal(errno, 4711);
		rota__wake_signal(&w);
		wake_clear(&w);
	}
	eventfd_errno = 0;
	assert_true(rota__wake_open(&w) >= 0);
	rota__wake_close(&w);
	assert_int_equal(descriptors(), before);
}

static void
an_interrupted_write_or_read_is_done_again(void **state)
{
	struct wake w = { 0 };
	int fd = rota__wake_open(&w);

	(void)state;
	interruptions = 100;
	rota__wake_signal(&w);
	assert_int_equal(writes, 101);
	assert_int_equal(readable(fd), 1);
	interruptions = 100;
	wake_clear(&w);
	assert_int_equal(reads, 101);
	assert_int_equal(readable(fd), 0);
	assert_int_equal(errno, 0);
	rota__wake_close(&w);
}

static void
an_interrupted_sleep_says_so(void **state)
{
	struct wake w = { 0 };

	(void)state;
	rota__wake_open(&w);
	interruptions = 1;
	assert_int_equal(rota__wake_sleep(&w, -1), -EINTR);
	assert_int_equal(errno, 0);
	rota__wake_close(&w);
}

static void
a_sleep_ends_by_its_span_or_by_the_signal(void **state)
{
	struct wake w = { 0 };

	(void)state;
	rota__wake_open(&w);
	assert_int_equal(rota__wake_sleep(&w, 0), 0);
	assert_int_equal(rota__wake_sleep(&w, 1000), 0);
	rota__wake_signal(&w);
	assert_int_equal(rota__wake_sleep(&w, -1), 0);
	assert_int_equal(rota__wake_sleep(&w, INT64_MAX), 0);
	rota__wake_close(&w);
}

/* The clock that /proc tells of descriptor @fd, if it is a timerfd; -1. */
static int
clock_of(int fd)
{
	char path[64], line[128];
	int clock = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		(void)sscanf(line, "clockid: %d", &clock);
	fclose(f);
	return clock;
}

static int64_t
boot_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void
an_alarm_is_on_the_clock_that_goes_on_in_a_suspend(void **state)
{
	struct wake w = { 0 };
	unsigned before = descriptors();
	int fd = rota__wake_alarm(&w);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(rota__wake_alarm(&w), fd);
	assert_int_equal(descriptors(), before + 1);
	assert_int_equal(clock_of(fd), CLOCK_BOOTTIME);
	rota__wake_close(&w);
	assert_int_equal(descriptors(), before);
}

static void
a_sleep_until_ends_by_its_instant_or_by_the_signal(void **state)
{
	struct wake w = { 0 };
	int64_t at;

	(void)state;
	rota__wake_open(&w);
	rota__wake_alarm(&w);
	for (unsigned i = 0; i < 3; i++) {
		timeouts = 0;
		at = boot_now() + 2000000;
		assert_int_equal(rota__wake_sleep_until(&w, at), 0);
		assert_true(boot_now() >= at);
		/* what has rung does not ring again */
		at = boot_now() + 3000000;
		assert_int_equal(rota__wake_sleep_until(&w, at), 0);
		assert_true(boot_now() >= at);
		assert_int_equal(timeouts, 0); /* of ppoll's own clock */
	}
	assert_int_equal(rota__wake_sleep_until(&w, 1), 0); /* long past */
	rota__wake_signal(&w);
	assert_int_equal(rota__wake_sleep_until(&w, INT64_MAX), 0);
	wake_clear(&w);
	interruptions = 1;
	assert_int_equal(rota__wake_sleep_until(&w, INT64_MAX), -EINTR);
	settime_errno = EINVAL;
	assert_int_equal(rota__wake_sleep_until(&w, INT64_MAX), -EINVAL);
	settime_errno = 0;
	assert_int_equal(errno, 0);
	rota__wake_close(&w);
}

enum { THREADS = 3 };

static struct wake raced;
static pthread_barrier_t barrier;

static void *
open_it(void *arg)
{
	pthread_barrier_wait(&barrier);
	*(int *)arg = rota__wake_open(&raced);
	return NULL;
}

static void
threads_that_ask_at_once_get_the_same(void **state)
{
	unsigned before = descriptors();
	pthread_t thread[THREADS];
	int fd[THREADS];

	(void)state;
	pthread_barrier_init(&barrier, NULL, THREADS);
	for (unsigned i = 0; i < 200; i++) {
		for (unsigned t = 0; t < THREADS; t++)
			pthread_create(&thread[t], NULL, open_it, &fd[t]);
		for (unsigned t = 0; t < THREADS; t++)
			pthread_join(thread[t], NULL);
		assert_int_equal(descriptors(), before + 1);
		for (unsigned t = 0; t < THREADS; t++)
			assert_int_equal(fd[t], rota__wake_open(&raced));
		rota__wake_close(&raced);
	}
	pthread_barrier_destroy(&barrier);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(it_is_made_by_the_first_who_asks, setup),
		cmocka_unit_test_setup(
		    a_signal_makes_it_readable_until_it_is_cleared, setup),
		cmocka_unit_test_setup(who_is_woken_finds_it_raised, setup),
		cmocka_unit_test_setup(
		    a_full_counter_neither_blocks_nor_loses, setup),
		cmocka_unit_test_setup(eventfd_failing_is_a_clean_error, setup),
		cmocka_unit_test_setup(
		    an_interrupted_write_or_read_is_done_again, setup),
		cmocka_unit_test_setup(an_interrupted_sleep_says_so, setup),
		cmocka_unit_test_setup(
		    a_sleep_ends_by_its_span_or_by_the_signal, setup),
		cmocka_unit_test_setup(
		    an_alarm_is_on_the_clock_that_goes_on_in_a_suspend, setup),
		cmocka_unit_test_setup(
		    a_sleep_until_ends_by_its_instant_or_by_the_signal, setup),
		cmocka_unit_test_setup(
		    threads_that_ask_at_once_get_the_same, setup),
	};

	return cmocka_run_group_tests_name("wake", tests, NULL, NULL);
}
