/* SPDX-License-Identifier: MIT
 *
 * fd.c - an eventfd whose counter is 0 or 1.
 */
#include "core/sys/fd.h"

#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

int
rota__fd_open(struct fd *f)
{
	int saved = errno, fd;

	if (f->at)
		return f->at - 1;
	fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fd < 0) {
		fd = -errno;
		errno = saved;
		return fd;
	}
	f->at = fd + 1;
	return fd;
}

void
rota__fd_close(struct fd *f)
{
	if (f->at)
		close(f->at - 1);
	f->at = 0;
}

void
rota__fd_show(struct fd *f, bool something)
{
	int saved = errno;
	uint64_t one = 1;
	ssize_t n;

	if (!f->at || f->shows == something)
		return;
	f->shows = something;
	if (something)
		n = write(f->at - 1, &one, sizeof(one));
	else
		n = read(f->at - 1, &one, sizeof(one));
	(void)n; /* between 0 and 1 neither can block or fail */
	errno = saved;
}
