/* SPDX-License-Identifier: MIT
 *
 * results.h - what a bench has measured, written to a file and read from one:
 * every value of every repetition, and what makes them comparable.
 *
 *	{ "format": "rota results 1", "program": "rota_peers",
 *	  "version": "0.1.0", "commit": "0123456789ab",
 *	  "arguments": ["--quick"],
 *	  "machine": { "cpu": ..., "cores": 2, "kernel": ..., "clocksource":
 *	               ..., "load": 0.5 },
 *	  "options": { "repetitions": 3 },
 *	  "metrics": { "ns": { "unit": "ns", "better": "lower" } },
 *	  "results": [ { "subject": "rota wheel", "what": "start_stop",
 *	                 "how": "", "n": 1000, "metric": "ns",
 *	                 "values": [5.02, 4.94] } ],
 *	  "notes": [ { "subject": "rota wheel", "key": "version",
 *	               "text": "0.1.0" } ] }
 *
 * "better" is "lower", "higher", or "" for what is neither. Files of two other
 * forms are read as well: those of google-benchmark, which rota_micro writes,
 * and what rota_peers wrote up to 0.1.0.
 *
 * With jansson (results.c), or not at all (results_none.c). One thread.
 */
#ifndef ROTA_TOOLS_RESULTS_H
#define ROTA_TOOLS_RESULTS_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/common/machine.h"
#include "tools/common/series.h"

enum { RESULT_METRICS = 48, RESULT_OPTIONS = 16 };

struct result_metric {
	char name[32], unit[16];
	int better; /* -1: lower, 1: higher, 0: neither */
};

struct result {
	char subject[64]; /* what was measured: an engine and a variant of it */
	char what[32];    /* on what work */
	char how[16];     /* in what setting; "": the usual */
	uint32_t n;       /* timers; 0: not said */
	unsigned metric;
	struct series values;
};

struct result_note {
	char subject[64], key[32], text[64];
};

struct results {
	struct machine machine;
	char program[32], version[32];
	struct {
		char name[32];
		double value;
	} option[RESULT_OPTIONS];
	unsigned options;
	struct result_metric metric[RESULT_METRICS];
	unsigned metrics;
	struct result *result;
	unsigned len;
	struct result_note *note;
	unsigned notes;
};

/* Can they be written and read at all? */
bool results_possible(void);

/* All zero is an empty one; results_release frees what the others have added.
 * What is too long is cut; without memory the program ends. */
void results_release(struct results *r);
void results_option(struct results *r, const char *name, double value);
double results_asked(const struct results *r, const char *name); /* or 0 */
/* Returns its index. One of that name is there: that. */
unsigned results_metric(
    struct results *r, const char *name, const char *unit, int better);
void results_add(struct results *r, const char *subject, const char *what,
    const char *how, uint32_t n, unsigned metric, const struct series *values);
void results_note(
    struct results *r, const char *subject, const char *key, const char *text);

/* results_write - replace the file by a whole one, or leave it. @argv: the
 * command. results_read - add what is in @path. Return 0 or -errno; -EINVAL:
 * not such a file, -EOPNOTSUPP: !results_possible(). */
int results_write(
    const struct results *r, const char *path, int argc, char **argv);
int results_read(struct results *r, const char *path);

#endif
