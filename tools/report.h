/* SPDX-License-Identifier: MIT
 *
 * report.h - the figures as JSON, for whoever draws or keeps them. With
 * jansson (report_jansson.c), or not at all (report_none.c).
 */
#ifndef ROTA_TOOLS_REPORT_H
#define ROTA_TOOLS_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/figures.h"
#include "tools/common/machine.h"

#include <rota/rota.h>

struct report {
	const struct machine *machine;
	const struct figures *figures;
	uint64_t timers, seed;
	unsigned connections, silent;
	bool confined, with_server;
	bool complete;  /* false: ctrl-C ended it */
	double seconds; /* that it took */
};

/* Can it be written at all? */
bool report_possible(void);

/* Returns 0 or -errno. */
int report_print(const struct report *r, const char *path);

#endif
