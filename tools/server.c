/* SPDX-License-Identifier: MIT
 *
 * server.c - see server.h. One thread for the server and one for wrk for
 * each pair of processors.
 */
#define _GNU_SOURCE
#include "tools/server.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unistd.h>

#include "tools/pick.h"

enum { PATIENCE_MS = 2000 }; /* then a peer is given up; arbitrary */

static unsigned
half_the_cores(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 2 ? 1 : (unsigned)n / 2;
}

bool
server_find(char *path, size_t size)
{
	static const char *const places[] = { "../examples/httpd",
		"../libexec/rota/httpd" };
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	char *slash;

	if (n <= 0)
		return false;
	self[n] = '\0';
	slash = strrchr(self, '/');
	if (!slash)
		return false;
	*slash = '\0';
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		int len = snprintf(path, size, "%s/%s", self, places[i]);

		if (len > 0 && (size_t)len < size && access(path, X_OK) == 0)
			return true;
	}
	return false;
}

static int
httpd_create(struct proc *p, const struct server_config *config, unsigned *port)
{
	char threads[16], idle[16], header[16], line[64];
	const char *const argv[] = { config->httpd, "--quiet", "--backend",
		config->backend, "--threads", threads, "--idle-ms", idle,
		"--header-ms", header, NULL };
	int err;

	snprintf(threads, sizeof threads, "%u", half_the_cores());
	snprintf(idle, sizeof idle, "%d", SERVER_IDLE_MS);
	snprintf(header, sizeof header, "%d", SERVER_HEADER_MS);
	err = proc_create(p, argv, false, NULL);
	if (err)
		return err;
	if (proc_read(p, line, sizeof line, false, 5000) <= 0 ||
	    sscanf(line, "port %u", port) != 1) {
		kill(p->pid, SIGKILL);
		proc_destroy(p, 1000);
		return -EPROTO;
	}
	return 0;
}

/* End it and read its totals. */
static void
httpd_destroy(struct proc *p, struct server_result *out)
{
	char json[4096];
	int status;

	kill(p->pid, SIGTERM);
	if (proc_read(p, json, sizeof json, true, 5000) < 0)
		json[0] = '\0';
	status = proc_destroy(p, 5000);
	if (status != 0) {
		snprintf(out->broken, sizeof out->broken,
		    "the server ended with %d", status);
		return;
	}
	out->late_ns_p50 = pick_number(json, "late_us", "p50") * 1e3;
	out->late_ns_p99 = pick_number(json, "late_us", "p99") * 1e3;
	out->late_ns_max = pick_number(json, "late_us", "max") * 1e3;
	if (pick_number(json, "rota", "starts") < 1 ||
	    pick_number(json, "rota", "starts") !=
		pick_number(json, "rota", "fires") +
		    pick_number(json, "rota", "stops") +
		    pick_number(json, "rota", "live"))
		snprintf(out->broken, sizeof out->broken,
		    "the server: starts != fires + stops + live");
	else if (pick_number(json, NULL, "early") != 0)
		snprintf(out->broken, sizeof out->broken,
		    "the server closed before the deadline");
}

static void
peers_check(const struct server_config *config, struct server_result *out)
{
	const struct silent_result *s = &out->silent;

	if (out->broken[0])
		return;
	if (s->early)
		snprintf(out->broken, sizeof out->broken,
		    "%u silent peers were closed before their deadline",
		    s->early);
	else if (s->closed != config->silent)
		snprintf(out->broken, sizeof out->broken,
		    "of %u silent peers %u were never closed and %u failed",
		    config->silent, config->silent - s->closed - s->broken,
		    s->broken);
}

int
server_run(const struct server_config *config, struct server_result *out)
{
	struct silent_config silent = {
		.peers = config->silent,
		.idle_ns = SERVER_IDLE_MS * INT64_C(1000000),
		.header_ns = SERVER_HEADER_MS * INT64_C(1000000),
		.spread_ns = SERVER_SPREAD_MS * INT64_C(1000000),
		.on_time_ns = SERVER_ON_TIME_MS * INT64_C(1000000),
		.patience_ns = PATIENCE_MS * INT64_C(1000000),
		.tick = config->tick,
	};
	struct proc httpd, wrk;
	int err, wrk_err;

	memset(out, 0, sizeof *out);
	err = httpd_create(&httpd, config, &silent.port);
	if (err)
		return err;
	wrk_err = wrk_create(&wrk, config->wrk, silent.port, half_the_cores(),
	    config->connections, SERVER_SECONDS);
	if (!wrk_err) {
		err = silent_run(&silent, &out->silent);
		if (err == -EINTR)
			kill(wrk.pid, SIGKILL);
		wrk_err = wrk_destroy(
		    &wrk, (SERVER_SECONDS + 10) * 1000, &out->wrk);
	}
	httpd_destroy(&httpd, out);
	if (config->tick && !config->tick())
		return -EINTR; /* wrk and the server have been told, too */
	if (!err && !wrk_err)
		peers_check(config, out);
	return err ? err : wrk_err;
}
