/* SPDX-License-Identifier: MIT
 *
 * silent.h - peers that say nothing more: does the server close them, and
 * when?
 *
 * A third of them each connects and sends nothing; sends half a request's
 * head; sends a request, takes the answer and falls silent. A peer's deadline
 * is reckoned here, from just before its last word (or its connect), so that
 * the server can never be early by it; lateness is all that the peer sees:
 * waiting to be accepted, the timer, the close, and our own wakeup.
 */
#ifndef ROTA_TOOLS_SILENT_H
#define ROTA_TOOLS_SILENT_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/hist.h"

struct silent_config {
	unsigned port;
	unsigned peers;
	int64_t idle_ns, header_ns; /* the server's deadlines */
	int64_t spread_ns;          /* they connect evenly over this time */
	int64_t on_time_ns;         /* later than this is not on time */
	int64_t patience_ns;        /* then a peer is given up */
	bool (*tick)(void);         /* now and then; false: give up. Or NULL */
};

struct silent_result {
	unsigned closed;  /* by the server */
	unsigned early;   /* of these, before the deadline */
	unsigned on_time; /* of these, neither early nor late */
	unsigned broken;  /* did not get as far as falling silent */
	struct hist late_ns;
};

/* silent_run - until each peer was closed or given up. Returns 0; -EINTR:
 * @tick said to give up; -errno: there was no epoll or no memory. */
int silent_run(const struct silent_config *config, struct silent_result *out);

#endif
