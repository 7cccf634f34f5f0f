/* SPDX-License-Identifier: MIT
 *
 * httpd_options.c - errors are told on stderr and end with 2.
 */
#define _POSIX_C_SOURCE 200809L
#include "examples/httpd_options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unistd.h>

enum { THREADS_MAX = 256 }; /* arbitrary */

static void
usage(FILE *to)
{
	fputs("usage: httpd [option ...]\n"
	      "An HTTP/1.1 server on the loopback address: / and /stats.\n"
	      "\n"
	      "  --backend B    heap, wheel (default) or coarse\n"
	      "  --port N       0, the default: any; stdout begins with it\n"
	      "  --threads N    default: one for each processor\n"
	      "  --header-ms N  from a request's first byte to its last; 5000\n"
	      "  --idle-ms N    without a packet; 15000\n"
	      "  --write-ms N   for an answer that has to wait; 10000\n"
	      "  --total-ms N   of a connection; 300000\n"
	      "                 a deadline of 0 ms is none\n"
	      "  --max-conns N  accepting pauses when they are open; 100000\n"
	      "  --quiet        no word on stderr but errors\n"
	      "\n"
	      "SIGTERM and SIGINT end it, with the totals as one line of JSON "
	      "on stdout.\n",
	    to);
}

static unsigned
parse_number(const char *name, const char *s, unsigned min, unsigned max)
{
	unsigned long v;
	char *end;

	errno = 0;
	v = strtoul(s, &end, 10);
	if (*s < '0' || *s > '9' || *end || errno || v < min || v > max) {
		fprintf(stderr,
		    "httpd: --%s wants a number from %u to %u, not '%s'\n",
		    name, min, max, s);
		exit(2);
	}
	return (unsigned)v;
}

static enum rota_backend
parse_backend(const char *s)
{
	if (strcmp(s, "heap") == 0)
		return ROTA_HEAP;
	if (strcmp(s, "wheel") == 0)
		return ROTA_WHEEL;
	if (strcmp(s, "coarse") == 0)
		return ROTA_WHEEL_COARSE;
	fprintf(
	    stderr, "httpd: --backend is heap, wheel or coarse, not '%s'\n", s);
	exit(2);
}

void
options_parse(struct options *opt, int argc, char **argv)
{
	/* The deadlines' values are their places in opt->span. */
	/* clang-format off */
	static const struct option longs[] = {
		{ "header-ms", required_argument, NULL, HEADER },
		{ "idle-ms", required_argument, NULL, IDLE },
		{ "write-ms", required_argument, NULL, WRITE },
		{ "total-ms", required_argument, NULL, TOTAL },
		{ "backend", required_argument, NULL, 'b' },
		{ "port", required_argument, NULL, 'p' },
		{ "threads", required_argument, NULL, 't' },
		{ "max-conns", required_argument, NULL, 'm' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 }
	};
	/* clang-format on */
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	int c, i;

	*opt = (struct options){
		.backend = ROTA_WHEEL,
		.threads = cores < 1      ? 1
		    : cores > THREADS_MAX ? THREADS_MAX
					  : (unsigned)cores,
		.span = { 5 * ROTA_SECOND, 15 * ROTA_SECOND, 10 * ROTA_SECOND,
		    5 * ROTA_MINUTE },
		.max_conns = 100000,
	};
	while ((c = getopt_long(argc, argv, "h", longs, &i)) != -1) {
		switch (c) {
		case HEADER:
		case IDLE:
		case WRITE:
		case TOTAL:
			opt->span[c] = parse_number(longs[i].name, optarg, 0,
					   UINT32_MAX) *
			    ROTA_MILLISECOND;
			break;
		case 'b':
			opt->backend = parse_backend(optarg);
			break;
		case 'p':
			opt->port = parse_number("port", optarg, 0, 65535);
			break;
		case 't':
			opt->threads = parse_number(
			    "threads", optarg, 1, THREADS_MAX);
			break;
		case 'm':
			opt->max_conns = parse_number(
			    "max-conns", optarg, 1, UINT32_MAX / 2);
			break;
		case 'q':
			opt->quiet = true;
			break;
		case 'h':
			usage(stdout);
			exit(0);
		default:
			usage(stderr);
			exit(2);
		}
	}
	if (optind < argc) {
		fprintf(stderr, "httpd: what is '%s'?\n", argv[optind]);
		usage(stderr);
		exit(2);
	}
}
