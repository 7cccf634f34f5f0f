/* SPDX-License-Identifier: MIT
 *
 * server.h - a real server on rota, under load: examples/httpd on a free
 * port of the loopback, wrk at it, and among its connections peers that fall
 * silent and must be closed on time.
 */
#ifndef ROTA_TOOLS_SERVER_H
#define ROTA_TOOLS_SERVER_H

#include "tools/silent.h"
#include "tools/wrk.h"

/* The server's deadlines and ours, chosen so that all silent peers are
 * closed while a run of SERVER_SECONDS is under way. */
enum {
	SERVER_SECONDS = 3, /* of load; wrk knows whole seconds only */
	SERVER_IDLE_MS = 1000,
	SERVER_HEADER_MS = 600,
	SERVER_SPREAD_MS = 1500,
	SERVER_ON_TIME_MS = 100 /* late by more is not on time; arbitrary */
};

struct server_config {
	const char *httpd; /* path */
	const char *wrk;   /* path, or name in PATH */
	const char *backend;
	unsigned connections; /* of wrk */
	unsigned silent;      /* peers */
	bool (*tick)(void);   /* now and then; false: give up. Or NULL */
};

struct server_result {
	struct wrk_result wrk;
	struct silent_result silent;
	double late_ns_p50, late_ns_p99, late_ns_max; /* by the server */
	char broken[160]; /* what was not as it must be; "": all was */
};

/* server_run - once. Takes SERVER_SECONDS and some 0.3 s.
 *
 * Returns  0 and *@out, also if out->broken; -EINTR: @tick said to give up;
 *          -errno: nothing was measured.
 */
int server_run(const struct server_config *config, struct server_result *out);

/* Where the server is if nobody says: beside this program in a build tree
 * and where both are installed. False: not there. */
bool server_find(char *path, size_t size);

#endif
