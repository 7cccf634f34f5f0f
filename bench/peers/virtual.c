/* SPDX-License-Identifier: MIT
 *
 * virtual.c - what stands in the place of libc's clocks and waits. A symbol
 * of the program goes before the same one of a library, for all libraries;
 * peer_clock() looks past it.
 */
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>

#include "bench/peers/virtual.h"

static _Thread_local struct timespec virtual_now = { .tv_sec = VIRTUAL_BASE };

void
virtual_set(uint64_t now)
{
	virtual_now.tv_sec = (time_t)(VIRTUAL_BASE + now / 1000000000);
	virtual_now.tv_nsec = (long)(now % 1000000000);
}

int
clock_gettime(clockid_t id, struct timespec *ts)
{
	(void)id;
	*ts = virtual_now;
	return 0;
}

int
gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
	(void)zone;
	tv->tv_sec = virtual_now.tv_sec;
	tv->tv_usec = virtual_now.tv_nsec / 1000;
	return 0;
}

time_t
time(time_t *t)
{
	if (t)
		*t = virtual_now.tv_sec;
	return virtual_now.tv_sec;
}

int
timerfd_settime(
    int fd, int flags, const struct itimerspec *new, struct itimerspec *old)
{
	(void)fd;
	(void)flags;
	(void)new;
	if (old)
		memset(old, 0, sizeof(*old));
	return 0;
}

int
epoll_wait(int fd, struct epoll_event *events, int most, int ms)
{
	(void)fd;
	(void)events;
	(void)most;
	(void)ms;
	return 0;
}

int
epoll_pwait(
    int fd, struct epoll_event *events, int most, int ms, const sigset_t *mask)
{
	(void)mask;
	return epoll_wait(fd, events, most, ms);
}

int
epoll_pwait2(int fd, struct epoll_event *events, int most,
    const struct timespec *ts, const sigset_t *mask)
{
	(void)ts;
	(void)mask;
	return epoll_wait(fd, events, most, 0);
}

int
poll(struct pollfd *fds, nfds_t n, int ms)
{
	(void)ms;
	for (nfds_t i = 0; i < n; i++)
		fds[i].revents = 0;
	return 0;
}

int
ppoll(struct pollfd *fds, nfds_t n, const struct timespec *ts,
    const sigset_t *mask)
{
	(void)ts;
	(void)mask;
	return poll(fds, n, 0);
}

int
select(int n, fd_set *restrict in, fd_set *restrict out, fd_set *restrict odd,
    struct timeval *restrict tv)
{
	(void)n;
	(void)tv;
	if (in)
		FD_ZERO(in);
	if (out)
		FD_ZERO(out);
	if (odd)
		FD_ZERO(odd);
	return 0;
}
