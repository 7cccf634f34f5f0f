/* SPDX-License-Identifier: MIT
 *
 * wrk.c - wrk 4: its report is text for people, so its lines are found by
 * their words.
 */
#define _GNU_SOURCE
#include "tools/wrk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unistd.h>

bool
wrk_found(const char *wrk)
{
	const char *path = getenv("PATH");
	char name[4096];

	if (strchr(wrk, '/'))
		return access(wrk, X_OK) == 0;
	while (path && *path) {
		int len = (int)strcspn(path, ":");

		snprintf(name, sizeof name, "%.*s/%s", len, path, wrk);
		if (access(name, X_OK) == 0)
			return true;
		path += len;
		path += *path == ':';
	}
	return false;
}

int
wrk_create(struct proc *p, const char *wrk, unsigned port, unsigned threads,
    unsigned connections, unsigned seconds)
{
	char t[16], c[16], d[16], url[64];
	const char *const argv[] = { wrk, "--latency", "-t", t, "-c", c, "-d",
		d, url, NULL };

	snprintf(t, sizeof t, "%u", threads);
	snprintf(c, sizeof c, "%u", connections);
	snprintf(d, sizeof d, "%us", seconds);
	snprintf(url, sizeof url, "http://127.0.0.1:%u/", port);
	return proc_create(p, argv, false, NULL);
}

/* "6.99ms" in ns; 0 if it is no span. */
static double
span_ns(const char *s)
{
	static const struct {
		const char *name;
		double ns;
	} units[] = { { "us", 1e3 }, { "ms", 1e6 }, { "s", 1e9 }, { "m", 60e9 },
		{ "h", 3600e9 } };
	char *end;
	double v = strtod(s, &end);
	size_t len = strcspn(end, " \n");

	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		if (len == strlen(units[i].name) &&
		    strncmp(end, units[i].name, len) == 0)
			return v * units[i].ns;
	return 0;
}

bool
wrk_parse(const char *text, struct wrk_result *out)
{
	const char *line;
	unsigned long long e[4];

	memset(out, 0, sizeof *out);
	line = strstr(text, "Requests/sec:");
	if (!line ||
	    sscanf(line, "Requests/sec: %lf", &out->requests_per_s) != 1)
		return false;
	line = strstr(text, "\n     99% ");
	if (line)
		out->p99_ns = span_ns(line + strlen("\n     99% "));
	line = strstr(text, "Socket errors:");
	if (line &&
	    sscanf(line,
		"Socket errors: connect %llu, read %llu, write %llu, timeout %llu",
		&e[0], &e[1], &e[2], &e[3]) == 4)
		out->errors += e[0] + e[1] + e[2] + e[3];
	line = strstr(text, "Non-2xx or 3xx responses:");
	if (line && sscanf(line, "Non-2xx or 3xx responses: %llu", &e[0]) == 1)
		out->errors += e[0];
	return true;
}

int
wrk_destroy(struct proc *p, int ms, struct wrk_result *out)
{
	char text[8192];
	ssize_t n = proc_read(p, text, sizeof text, true, ms);
	int status = proc_destroy(p, 1000);

	if (n < 0)
		return (int)n;
	if (status < 0)
		return status;
	return status == 0 && wrk_parse(text, out) ? 0 : -EPROTO;
}
