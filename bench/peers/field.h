/* SPDX-License-Identifier: MIT
 *
 * field.h - who is on the field, and what was measured of each: what the
 * runner's parts share.
 *
 * A rival is a program; an entry is one of its variants. A cell is what one
 * entry did in one work at one size: so many timers, packed or each in a
 * connection.
 */
#ifndef BENCH_PEERS_FIELD_H
#define BENCH_PEERS_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/common/machine.h"
#include "tools/common/ratio.h"
#include "tools/common/series.h"

enum { RIVALS_MAX = 64, ENTRIES_MAX = 64, WORKS_MAX = 16, SIZES_MAX = 16 };
enum { CHECKS_MAX = 16, NAME_MAX_ = 32 };

struct rival {
	const char *program; /* peer_<program> */
	const char *needs;   /* what to install for it */
	bool many;           /* there may be several versions of it */
	bool there, safe, limit, rota;
	char name[NAME_MAX_], version[NAME_MAX_];
	uint32_t most;
	bool works[WORKS_MAX]; /* that it knows */
	bool apart[WORKS_MAX]; /* defined otherwise: not compared */
	char apart_why[64];
};

struct entry {
	const struct rival *rival;
	char variant[NAME_MAX_];
	char label[2 * NAME_MAX_];
	char check[CHECKS_MAX][64]; /* "ok", "", or what is wrong */
	bool control; /* a rota that has had its turn, once more */
};

struct cell {
	struct series ns, worst, worst_poll, bytes;
	struct series paired; /* ns, by round; 0: it had none in that round */
	char why[64];         /* there is nothing: why */
};

struct size {
	uint32_t n;
	bool embedded; /* each timer in a connection of 320 bytes */
};

struct field {
	struct machine machine;
	struct rival rival[RIVALS_MAX];
	unsigned rivals;
	struct entry entry[ENTRIES_MAX];
	unsigned entries;
	char work[WORKS_MAX][NAME_MAX_];
	unsigned works;
	char row[CHECKS_MAX][NAME_MAX_]; /* of conformance */
	unsigned rows;
	struct size size[SIZES_MAX];
	unsigned sizes;
	uint64_t ops, budget_ms;
	unsigned reps;
	struct cell cell[ENTRIES_MAX][WORKS_MAX][SIZES_MAX];
};

/* Two threads share something in it. */
bool field_two_threads(const struct field *f, unsigned work);
/* Is @e compared with rota's confined timers, or with the shared ones, in
 * @work? The one that is rota's is asked of itself. */
bool field_shared(const struct field *f, const struct entry *e, unsigned work);
/* The median; 0: there is none. */
double field_ns(
    const struct field *f, unsigned entry, unsigned work, unsigned size);
/* rota's entry to stand beside @e; -1: none was measured. @backend: that
 * variant; NULL: the quicker of those that fire in order, heap and wheel. */
int field_rota(const struct field *f, const struct entry *e, unsigned work,
    unsigned size, const char *backend);
/* How many times as long as entry @to entry @of takes, in pairs of a round. */
struct ratio field_ratio(const struct field *f, unsigned of, unsigned to,
    unsigned work, unsigned size);
/* The ratio of rota's entry to stand beside @e to itself: the control. */
struct ratio field_control(
    const struct field *f, const struct entry *e, unsigned work, unsigned size);
/* A round of @work is over: who had no turn in it has a 0 there. */
void field_round(struct field *f, unsigned work, unsigned size);

/* table.c; in Markdown if that is true. */
extern bool table_markdown;
void table_rivals(const struct field *f);
void table_checks(const struct field *f);
void table_figures(const struct field *f);
/* For gnuplot: of each work a block, a line for each N, packed, a column for
 * each entry; bench/peers/growth.gp. */
void table_growth(const struct field *f);
/* The last line. */
void table_verdict(const struct field *f);

/* json.c: return 0 or -errno, -EINVAL: not such a file. json_read adds to what
 * is there; json_print replaces the file by a whole one, or leaves it. */
int json_read(struct field *f, const char *path);
int json_print(struct field *f, const char *path, int argc, char **argv);

/* run.c: programs of @dir. */
void run_about(struct field *f, struct rival *r, const char *dir);
void run_check(struct field *f, struct entry *e, unsigned row, const char *dir);
/* @seed: of the round, the same for all who are compared. */
void run_work(struct field *f, unsigned entry, unsigned work, unsigned size,
    uint64_t seed, const char *dir);
/* From now on SIGINT and SIGTERM end what runs, and nothing begins any more.
 * run_over: was there one? */
void run_heed(void);
bool run_over(void);

#endif
