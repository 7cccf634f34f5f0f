/* SPDX-License-Identifier: MIT
 *
 * httpd_options.h - the command line of httpd.c.
 */
#ifndef EXAMPLES_HTTPD_OPTIONS_H
#define EXAMPLES_HTTPD_OPTIONS_H

#include <stdbool.h>

#include "examples/httpd_stats.h"

#include <rota/rota.h>

struct options {
	enum rota_backend backend;
	unsigned port; /* 0: any */
	unsigned threads;
	rota_span span[TIMEOUTS]; /* 0: no such deadline */
	unsigned max_conns;
	bool quiet;
};

/* Fills in @opt. Ends the program where that is asked for (0) or the
 * command line makes no sense (2). */
void options_parse(struct options *opt, int argc, char **argv);

#endif
