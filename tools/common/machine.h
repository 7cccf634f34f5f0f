/* SPDX-License-Identifier: MIT
 *
 * machine.h - where the figures come from: without it they mean little.
 */
#ifndef ROTA_TOOLS_MACHINE_H
#define ROTA_TOOLS_MACHINE_H

struct machine {
	char cpu[96];
	unsigned cores; /* online */
	char kernel[208];
	char clocksource[32];
	double load;     /* average of the last minute, before we began */
	char commit[48]; /* of the sources; "-dirty": and changes to them */
};

/* What cannot be found out is "unknown", or 0. */
void machine_stat(struct machine *m);

#endif
