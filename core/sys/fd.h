/* SPDX-License-Identifier: MIT
 *
 * fd.h - a descriptor that is readable while its source has something.
 */
#ifndef ROTA_CORE_SYS_FD_H
#define ROTA_CORE_SYS_FD_H

#include <stdbool.h>

/* Part of a source, such as a channel, and under the source's lock. */
struct fd {
	int at; /* descriptor + 1; 0: not made */
	bool shows;
};

/* rota__fd_open - returns the descriptor, which the first call makes, or
 * -errno. */
int rota__fd_open(struct fd *f);
void rota__fd_close(struct fd *f);
/* rota__fd_show - make the descriptor readable, or not. Without one do
 * nothing. */
void rota__fd_show(struct fd *f, bool something);

#endif
