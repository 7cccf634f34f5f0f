/* SPDX-License-Identifier: MIT
 *
 * machine.c - read from /proc and /sys.
 */
#define _DEFAULT_SOURCE
#include "tools/common/machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/utsname.h>
#include <unistd.h>

#ifndef ROTA_COMMIT /* by the header that commit.cmake makes */
#define ROTA_COMMIT "unknown"
#endif

/* The first line of @path that begins with @prefix, less prefix, blanks and
 * colon. */
static void
read_line(const char *path, const char *prefix, char *out, size_t size)
{
	FILE *f = fopen(path, "r");
	char line[256];

	snprintf(out, size, "unknown");
	if (!f)
		return;
	while (fgets(line, sizeof line, f)) {
		char *s = line + strlen(prefix);

		if (strncmp(line, prefix, strlen(prefix)) != 0)
			continue;
		s += strspn(s, " \t:");
		s[strcspn(s, "\n")] = '\0';
		snprintf(out, size, "%s", s);
		break;
	}
	fclose(f);
}

void
machine_stat(struct machine *m)
{
	struct utsname u;
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	memset(m, 0, sizeof *m);
	snprintf(m->commit, sizeof m->commit, "%s", ROTA_COMMIT);
	read_line("/proc/cpuinfo", "model name", m->cpu, sizeof m->cpu);
	read_line("/sys/devices/system/clocksource/clocksource0/"
		  "current_clocksource",
	    "", m->clocksource, sizeof m->clocksource);
	m->cores = cores > 0 ? (unsigned)cores : 0;
	if (uname(&u) == 0)
		snprintf(m->kernel, sizeof m->kernel, "%s %s %s", u.sysname,
		    u.release, u.machine);
	else
		snprintf(m->kernel, sizeof m->kernel, "unknown");
	if (getloadavg(&m->load, 1) != 1)
		m->load = 0;
}
