/* SPDX-License-Identifier: MIT
 *
 * wake.c - core/wake.h on Linux.
 */
#define _GNU_SOURCE /* ppoll */
#include "core/wake.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

int
rota__wake_open(struct wake *w)
{
	uint64_t have = word_load(&w->fd, acquire);
	int fd, saved = errno;

	while (!have) {
		fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (fd < 0) {
			fd = -errno;
			errno = saved;
			return fd;
		}
		if (word_cas(&w->fd, &have, (uint64_t)fd + 1, acq_rel, acquire))
			return fd;
		close(fd); /* another thread was first */
	}
	return (int)have - 1;
}

int
rota__wake_renew(struct wake *w)
{
	int fd = (int)word_load(&w->fd, relaxed) - 1; /* no other thread */

	word_store(&w->fd, (uint64_t)0, relaxed);
	if (fd < 0)
		return 0;
	close(fd);
	fd = rota__wake_open(w);
	return fd < 0 ? fd : 0;
}

void
rota__wake_close(struct wake *w)
{
	int fd = (int)word_load(&w->fd, relaxed) - 1; /* last user */

	if (fd >= 0)
		close(fd);
	word_store(&w->fd, (uint64_t)0, relaxed);
}

/* EAGAIN means that the counter is full: it is readable. */
void
rota__wake_signal(struct wake *w)
{
	int fd = (int)word_load(&w->fd, acquire) - 1, saved = errno;
	uint64_t one = 1;

	if (fd < 0)
		return;
	word_store(&w->raised, (uint64_t)1, release); /* before it is woken */
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

int
rota__wake_sleep(struct wake *w, int64_t ns)
{
	struct pollfd p = {
		.fd = (int)word_load(&w->fd, acquire) - 1,
		.events = POLLIN,
	};
	struct timespec ts = { (time_t)(ns / 1000000000),
		(long)(ns % 1000000000) };
	int saved = errno, r = 0;

	if (ppoll(&p, 1, ns < 0 ? NULL : &ts, NULL) < 0)
		r = -errno;
	errno = saved;
	return r;
}
