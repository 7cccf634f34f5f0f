/* SPDX-License-Identifier: MIT
 *
 * run.c - one program, one answer. Whatever hangs or crashes is ended, and
 * what it did instead of answering is noted.
 */
#define _GNU_SOURCE
#include "bench/peers/field.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "tools/common/proc.h"
#include "tools/common/progress.h"

enum { ABOUT_MS = 5000, CHECK_MS = 20000, SETUP_MS = 60000 };
enum { PATIENCE_MS = 1500 }; /* of a turn, and 20 times its budget */

static volatile sig_atomic_t over;

static void
stop(int signal)
{
	(void)signal;
	over = 1;
}

void
run_heed(void)
{
	struct sigaction a = { .sa_handler = stop };

	sigaction(SIGINT, &a, NULL);
	sigaction(SIGTERM, &a, NULL);
}

bool
run_over(void)
{
	return over;
}

/* Run it and get its one line. Returns its exit status, or less than 0. */
static int
ask(const struct rival *r, const char *dir, const char *const *arg, int ms,
    void (*child)(void), char *line, size_t size)
{
	char path[4096];
	const char *argv[12] = { path };
	struct proc p;
	double begin;
	int err, n = 1;

	snprintf(path, sizeof(path), "%s/peer_%s", dir, r->program);
	while (*arg)
		argv[n++] = *arg++;
	line[0] = '\0';
	err = proc_create(&p, argv, true, child);
	if (err)
		return err;
	begin = seconds_now();
	if (proc_read(&p, line, size, true, ms) < 0)
		line[0] = '\0';
	/* Has it closed its output, or not ended in its time? */
	err = proc_destroy(&p, (seconds_now() - begin) * 1000 < ms ? 2000 : 0);
	line[strcspn(line, "\n")] = '\0';
	return err;
}

/* The words of @s, each at most NAME_MAX_, into @to. */
static unsigned
words(const char *s, char (*to)[NAME_MAX_], unsigned max)
{
	unsigned n = 0;

	while (n < max && *(s += strspn(s, " "))) {
		size_t len = strcspn(s, " ");

		snprintf(to[n++], NAME_MAX_, "%.*s", (int)len, s);
		s += len;
	}
	return n;
}

/* The string at @key of @o, or "". */
static void
json_text(char *to, size_t size, const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	snprintf(to, size, "%s", s ? s : "");
}

void
run_about(struct field *f, struct rival *r, const char *dir)
{
	static const char *const arg[] = { "about", NULL };
	char line[2048], text[1024], name[WORKS_MAX][NAME_MAX_];
	json_t *o;
	unsigned n;

	if (ask(r, dir, arg, ABOUT_MS, NULL, line, sizeof(line)) != 0)
		return;
	o = json_loads(line, 0, NULL);
	if (!o)
		return;
	r->there = true;
	json_text(r->name, sizeof(r->name), o, "name");
	json_text(r->version, sizeof(r->version), o, "version");
	r->safe = json_is_true(json_object_get(o, "safe"));
	r->limit = json_is_true(json_object_get(o, "limit"));
	r->most = (uint32_t)json_integer_value(json_object_get(o, "most"));
	r->rota = strncmp(r->program, "rota", 4) == 0;
	json_text(text, sizeof(text), o, "works");
	if (!f->works) /* touch is first, and knows them all */
		f->works = words(text, f->work, WORKS_MAX);
	n = words(text, name, WORKS_MAX);
	for (unsigned k = 0; k < f->works; k++)
		for (unsigned i = 0; i < n; i++)
			if (strcmp(f->work[k], name[i]) == 0)
				r->works[k] = true;
	json_text(text, sizeof(text), o, "apart");
	json_text(r->apart_why, sizeof(r->apart_why), o, "apart_why");
	n = words(text, name, WORKS_MAX);
	for (unsigned k = 0; k < f->works; k++)
		for (unsigned i = 0; i < n; i++)
			if (strcmp(f->work[k], name[i]) == 0)
				r->apart[k] = true;
	json_text(text, sizeof(text), o, "checks");
	if (!f->rows)
		f->rows = words(text, f->row, CHECKS_MAX);
	json_text(text, sizeof(text), o, "variants");
	n = words(text, name, WORKS_MAX);
	for (unsigned i = 0; i < n && f->entries < ENTRIES_MAX; i++) {
		struct entry *e = &f->entry[f->entries++];

		e->rival = r;
		memcpy(e->variant, name[i], sizeof(e->variant));
		snprintf(e->label, sizeof(e->label), "%.31s%s%.31s", r->name,
		    n > 1 || r->many ? " " : "",
		    n > 1         ? name[i]
			: r->many ? r->version
				  : "");
	}
	if (r->rota && f->entries < ENTRIES_MAX) { /* the first once more */
		struct entry *e = &f->entry[f->entries++];

		*e = e[-(int)n];
		e->control = true;
		snprintf(e->label, sizeof(e->label), "%.24s %.24s again",
		    r->name, name[0]);
	}
	json_decref(o);
}

void
run_check(struct field *f, struct entry *e, unsigned row, const char *dir)
{
	const char *const arg[] = { "check", e->variant, f->row[row], NULL };
	char line[256];
	int err = ask(e->rival, dir, arg, CHECK_MS, NULL, line, sizeof(line));

	if (err == -ETIME)
		snprintf(line, sizeof(line), "does not end");
	else if (!line[0])
		snprintf(line, sizeof(line), "crashes (status %d)", err);
	snprintf(e->check[row], sizeof(e->check[row]), "%.60s", line);
}

void
run_work(struct field *f, unsigned entry, unsigned work, unsigned size,
    uint64_t seed, const char *dir)
{
	const struct entry *e = &f->entry[entry];
	const struct size *at = &f->size[size];
	struct cell *c = &f->cell[entry][work][size];
	char number[4][24], line[512];
	const char *const arg[] = { "run", e->variant, f->work[work], number[0],
		at->embedded ? "1" : "0", number[1], number[2], number[3],
		NULL };
	double begin = seconds_now();
	json_t *o;
	int err;

	if (!e->rival->works[work]) {
		snprintf(c->why, sizeof(c->why), "%s",
		    e->rival->rota ? "confined timers are one thread's"
				   : "no such work");
		return;
	}
	if (e->rival->most && at->n > e->rival->most) {
		snprintf(c->why, sizeof(c->why), "too slow for so many");
		return;
	}
	if (c->why[0])
		return;
	snprintf(number[0], sizeof(number[0]), "%u", at->n);
	snprintf(
	    number[1], sizeof(number[1]), "%llu", (unsigned long long)f->ops);
	snprintf(number[2], sizeof(number[2]), "%llu",
	    (unsigned long long)f->budget_ms);
	snprintf(
	    number[3], sizeof(number[3]), "%llu", (unsigned long long)seed);
	err = ask(e->rival, dir, arg, SETUP_MS + 10 * (int)f->budget_ms,
	    field_two_threads(f, work) ? NULL : proc_pin, line, sizeof(line));
	o = err == 0 ? json_loads(line, 0, NULL) : NULL;
	if (over && !o)
		return;
	if (!o) {
		if (err == -ETIME)
			snprintf(c->why, sizeof(c->why), "does not end");
		else if (strncmp(line, "peer: ", 6) == 0)
			snprintf(c->why, sizeof(c->why), "%.60s", line + 6);
		else
			snprintf(
			    c->why, sizeof(c->why), "fails (status %d)", err);
		return;
	}
	series_insert(&c->ns, json_number_value(json_object_get(o, "ns")));
	series_insert(&c->paired, json_number_value(json_object_get(o, "ns")));
	series_insert(
	    &c->worst, json_number_value(json_object_get(o, "worst")));
	series_insert(&c->worst_poll,
	    json_number_value(json_object_get(o, "worst_poll")));
	series_insert(
	    &c->bytes, json_number_value(json_object_get(o, "bytes")));
	if (seconds_now() - begin >
	    PATIENCE_MS / 1e3 + (double)f->budget_ms / 50)
		snprintf(c->why, sizeof(c->why), "too slow to do it again");
	json_decref(o);
}
