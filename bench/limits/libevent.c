/* SPDX-License-Identifier: MIT
 *
 * libevent.c - the work of the mode idle on a loop of libevent. It is loaded
 * when the program runs: its headers are not needed to build this one.
 */
#define _POSIX_C_SOURCE 200809L
#include "bench/limits/idle.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/time.h>

struct event_base;
struct event;

#define ONCE 1 /* EVLOOP_ONCE of event2/event.h */

typedef void callback(int fd, short what, void *arg);

/* event2/event.h */
static struct {
	struct event_base *(*base_new)(void);
	void (*base_free)(struct event_base *);
	int (*base_loop)(struct event_base *, int flags);
	struct event *(*new)(
	    struct event_base *, int fd, short what, callback *, void *arg);
	void (*free)(struct event *);
	int (*add)(struct event *, const struct timeval *);
	int (*del)(struct event *);
	const char *(*version)(void);
} ev;

struct rig {
	struct event_base *base;
	struct event **timers, **stopped, *tick;
	struct idle_plan plan;
	uint64_t begin, batches, fires; /* ns; counts */
	unsigned next, next_stopped, stopped_n;
	bool stops;
};

static bool
load(void)
{
	static const char *const names[] = { "libevent_core-2.1.so.7",
		"libevent-2.1.so.7", "libevent_core.so", "libevent.so" };
	const struct {
		const char *name;
		void *to;
	} functions[] = {
		{ "event_base_new", &ev.base_new },
		{ "event_base_free", &ev.base_free },
		{ "event_base_loop", &ev.base_loop },
		{ "event_new", &ev.new },
		{ "event_free", &ev.free },
		{ "event_add", &ev.add },
		{ "event_del", &ev.del },
		{ "event_get_version", &ev.version },
	};
	void *library = NULL;

	for (size_t i = 0; !library && i < sizeof(names) / sizeof(*names); i++)
		library = dlopen(names[i], RTLD_NOW);
	if (!library)
		return false;
	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++) {
		void *found = dlsym(library, functions[i].name);

		if (!found)
			return false;
		/* ISO C has no cast for it; POSIX has the representation. */
		memcpy(functions[i].to, &found, sizeof(found));
	}
	return true;
}

static void
add(struct event *e, rota_span ns)
{
	struct timeval tv = { (time_t)(ns / ROTA_SECOND),
		(suseconds_t)(ns % ROTA_SECOND / ROTA_MICROSECOND) };

	if (ev.add(e, &tv))
		die("event_add");
}

static void
on_fire(int fd, short what, void *arg)
{
	struct rig *r = arg;

	(void)fd;
	(void)what;
	r->fires++;
}

static void
on_tick(int fd, short what, void *arg)
{
	struct rig *r = arg;
	struct event **t = &r->timers[r->next * r->plan.batch];
	rota_span each = r->plan.spread / (rota_span)r->plan.batch;
	rota_span span = r->plan.span - r->plan.spread, next;

	(void)fd;
	(void)what;
	for (uint64_t i = 0; i < r->plan.batch; i++)
		add(t[i], span += each);
	if (++r->next == r->plan.batches)
		r->next = 0;
	for (unsigned i = 0; r->stops && i < r->plan.stops; i++) {
		struct event *e = r->stopped[r->next_stopped++ % r->stopped_n];

		add(e, r->plan.span);
		if (ev.del(e))
			die("event_del");
	}
	r->batches++;
	next = (rota_span)(r->begin - clock_wall()) +
	    (rota_span)r->batches * r->plan.period;
	add(r->tick, next > 0 ? next : 0);
}

static struct event *
make(struct rig *r, callback *f)
{
	struct event *e = ev.new(r->base, -1, 0, f, r);

	if (!e)
		die("event_new");
	return e;
}

static void
work(struct rig *r, struct idle_result *out)
{
	uint64_t now = clock_wall(), wakeups = 0;
	uint64_t warm = now + (uint64_t)r->plan.warm,
		 end = warm + (uint64_t)r->plan.measure;
	bool measured = false;

	r->begin = now;
	add(r->tick, 0);
	do {
		/* Waits once, for something that is due. */
		if (ev.base_loop(r->base, ONCE))
			die("event_base_loop");
		wakeups++;
		now = clock_wall();
		if (!measured && now >= warm) {
			measured = true;
			*out = (struct idle_result){ .ns = now,
				.cpu = clock_cpu(),
				.switches = idle_switches(),
				.wakeups = wakeups,
				.batches = r->batches,
				.fires = r->fires };
		}
	} while (now < end);
	out->ns = clock_wall() - out->ns;
	out->cpu = clock_cpu() - out->cpu;
	out->switches = idle_switches() - out->switches;
	out->wakeups = wakeups - out->wakeups;
	out->batches = r->batches - out->batches;
	out->fires = r->fires - out->fires;
}

static void
variant(bool stops)
{
	struct rig r = { .stops = stops };
	struct idle_result result;

	idle_plan(&r.plan);
	r.stopped_n = (unsigned)(r.plan.span / r.plan.period + 1) *
	    r.plan.stops;
	r.base = ev.base_new();
	if (!r.base)
		die("event_base_new");
	r.timers = memory_make(r.plan.n * sizeof(*r.timers));
	r.stopped = memory_make(r.stopped_n * sizeof(*r.stopped));
	for (uint64_t i = 0; i < r.plan.n; i++)
		r.timers[i] = make(&r, on_fire);
	for (unsigned i = 0; i < r.stopped_n; i++)
		r.stopped[i] = make(&r, on_fire);
	r.tick = make(&r, on_tick);
	work(&r, &result);
	idle_print("idle", "libevent", ev.version(), &r.plan, stops, &result);
	for (uint64_t i = 0; i < r.plan.n; i++)
		ev.free(r.timers[i]);
	for (unsigned i = 0; i < r.stopped_n; i++)
		ev.free(r.stopped[i]);
	ev.free(r.tick);
	ev.base_free(r.base);
	free(r.stopped);
	free(r.timers);
}

void
idle_libevent(void)
{
	if (!load()) {
		printf("idle    libevent: none to load, skipped\n");
		return;
	}
	if (!options.smoke)
		variant(false);
	variant(true);
}
