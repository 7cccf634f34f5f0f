/* SPDX-License-Identifier: MIT
 *
 * trace.c - a change of a timer's state as text.
 */
#include <rota/trace.h>

#include <errno.h>
#include <stdio.h>

int
rota_trace_format(const struct rota_trace *e, char *line, size_t n)
{
	static const char *const names[] = {
		[ROTA_TRACE_RESET] = "reset",
		[ROTA_TRACE_STOP] = "stop",
		[ROTA_TRACE_FILE] = "file",
		[ROTA_TRACE_FIRE] = "fire",
		[ROTA_TRACE_DEFER] = "defer",
		[ROTA_TRACE_DROP] = "drop",
		[ROTA_TRACE_EVICT] = "evict",
		[ROTA_TRACE_RELEASE] = "release",
		[ROTA_TRACE_RELEASED] = "released",
	};

	if (!e || (!line && n) ||
	    (unsigned)e->op >= sizeof(names) / sizeof(*names))
		return -EINVAL;
	return snprintf(line, n, "%s%s%s%s", names[e->op],
	    e->state & ROTA_TRACE_HEAPED ? " h" : "",
	    e->state & ROTA_TRACE_MODIFIED ? " m" : "",
	    e->state & ROTA_TRACE_ZOMBIE ? " z" : "");
}
