/* SPDX-License-Identifier: MIT
 *
 * wrk.h - running wrk, the HTTP load generator, and reading what it says.
 */
#ifndef ROTA_TOOLS_WRK_H
#define ROTA_TOOLS_WRK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/common/proc.h"

struct wrk_result {
	double requests_per_s;
	double p99_ns;   /* of an answer; 0 if it was not told */
	uint64_t errors; /* of sockets, and answers not 2xx or 3xx */
};

/* Is there a program @wrk, in PATH if it has no slash? */
bool wrk_found(const char *wrk);

/* Start it: @connections keep-alive connections from @threads threads for
 * @seconds. Returns 0 or -errno. */
int wrk_create(struct proc *p, const char *wrk, unsigned port, unsigned threads,
    unsigned connections, unsigned seconds);

/* Wait for its end, at most @ms, and read what it says. Returns 0; -errno;
 * -EPROTO: it failed, or said something else. */
int wrk_destroy(struct proc *p, int ms, struct wrk_result *out);

/* What it says in @text. False: no figure of requests a second. */
bool wrk_parse(const char *text, struct wrk_result *out);

#endif
