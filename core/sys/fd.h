/* SPDX-License-Identifier: MIT
 *
 * fd.h - a descriptor that shows whether there is something.
 */
#ifndef ROTA_API_FD_H
#define ROTA_API_FD_H

#include <stdbool.h>

/* Of a source, and under its lock. */
struct fd {
	int at; /* descriptor + 1; 0: not made */
	bool shows;
};

/* rota__fd_open - the descriptor, made by the first call; or -errno. */
int rota__fd_open(struct fd *f);
void rota__fd_close(struct fd *f);
/* rota__fd_show - make it readable or not; nothing if it was not made. */
void rota__fd_show(struct fd *f, bool something);

#endif
