/* SPDX-License-Identifier: MIT
 *
 * wake.c - core/sys/wake.h on Linux.
 */
#define _GNU_SOURCE /* ppoll, CLOCK_BOOTTIME */
#include "core/sys/wake.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static int
event_make(void)
{
	return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

static int
alarm_make(void)
{
	return timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
}

/* The descriptor in @at. If there is none @make makes it. */
static int
opened(rota_word *at, int (*make)(void))
{
	uint64_t have = word_load(at, acquire);
	int fd, saved = errno;

	while (!have) {
		fd = make();
		if (fd < 0) {
			fd = -errno;
			errno = saved;
			return fd;
		}
		if (word_cas(at, &have, (uint64_t)fd + 1, acq_rel, acquire))
			return fd;
		close(fd); /* another thread was first */
	}
	return (int)have - 1;
}

int
rota__wake_open(struct wake *w)
{
	return opened(&w->fd, event_make);
}

int
rota__wake_alarm(struct wake *w)
{
	return opened(&w->alarm, alarm_make);
}

static void
closed(rota_word *at)
{
	int fd = (int)word_load(at, relaxed) - 1; /* the last user */

	if (fd >= 0)
		close(fd);
	word_store(at, (uint64_t)0, relaxed);
}

void
rota__wake_close(struct wake *w)
{
	closed(&w->fd);
	closed(&w->alarm);
}

/* EAGAIN means that the counter is full: the descriptor is readable. */
void
rota__wake_signal(struct wake *w)
{
	int fd = (int)word_load(&w->fd, acquire) - 1, saved = errno;
	uint64_t one = 1;

	if (fd < 0)
		return;
	word_store(&w->raised, (uint64_t)1, release); /* before the write */
	while (write(fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
	word_store(&w->raised, (uint64_t)1, release); /* after the write */
	errno = saved;
}

void
rota__wake_read(struct wake *w)
{
	int fd = (int)word_load(&w->fd, acquire) - 1, saved = errno;
	uint64_t count;

	if (fd < 0)
		return;
	word_store(&w->raised, (uint64_t)0, relaxed); /* before the read */
	while (read(fd, &count, sizeof(count)) < 0 && errno == EINTR)
		;
	errno = saved;
}

/* Sleep until one of the @n descriptors is readable or @ts has passed. */
static int
asleep(struct pollfd *p, nfds_t n, const struct timespec *ts)
{
	int saved = errno, r = 0;

	if (ppoll(p, n, ts, NULL) < 0)
		r = -errno;
	errno = saved;
	return r;
}

int
rota__wake_sleep(struct wake *w, int64_t ns)
{
	struct pollfd p = {
		.fd = (int)word_load(&w->fd, acquire) - 1,
		.events = POLLIN,
	};
	struct timespec ts = { (time_t)(ns / 1000000000),
		(long)(ns % 1000000000) };

	return asleep(&p, 1, ns < 0 ? NULL : &ts);
}

/* Setting the timerfd clears an earlier expiration. */
int
rota__wake_sleep_until(struct wake *w, int64_t at)
{
	struct pollfd p[2] = {
		{ (int)word_load(&w->fd, acquire) - 1, POLLIN, 0 },
		{ (int)word_load(&w->alarm, acquire) - 1, POLLIN, 0 },
	};
	struct itimerspec its = {
		.it_value = { (time_t)(at / 1000000000),
		    (long)(at % 1000000000) },
	};
	int saved = errno, r = 0;

	if (timerfd_settime(p[1].fd, TFD_TIMER_ABSTIME, &its, NULL) < 0)
		r = -errno;
	errno = saved;
	return r ? r : asleep(p, 2, NULL);
}
