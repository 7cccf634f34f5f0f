/* SPDX-License-Identifier: MIT
 *
 * fuzz_handle.c - pooled timers by their handles: current ones, stale ones,
 * ones that never were. What each answers is known: the handles that were
 * given out are kept.
 */
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rota/rota.h>

#include "tests/conformance/model.h"
#include "tests/conformance/source.h"

enum { SLOTS = 32, ISSUED = 4096, NODES = 2048, MOST_OPS = 3000 };

/* At most one arming at a time. */
struct slot {
	uint32_t id;
	rota_handle handle; /* of the arming; 0: none */
	bool running;
	uint64_t fired;
};

static struct {
	struct source source;
	struct model model; /* a slot is a timer that never goes */
	struct rota_engine *e;
	struct rota_shard *s;
	struct slot slot[SLOTS];
	rota_handle issued[ISSUED];
	uint64_t posted[NODES]; /* by node: see model_timer.posted */
	unsigned many;          /* issued */
	uint64_t clock;
	uint64_t nodes;  /* that there may be */
	uint64_t in_use; /* armed, or running */
	bool remote;
	bool ending;
} F;

static _Noreturn void
fail(const char *what, int64_t got, int64_t wanted)
{
	fprintf(stderr, "fuzz_handle: %s: %" PRId64 ", wanted %" PRId64 "\n",
	    what, got, wanted);
	abort();
}

static void
expect(const char *what, int64_t got, int64_t wanted)
{
	if (got != wanted)
		fail(what, got, wanted);
}

static void
rule(const char *broken)
{
	if (broken)
		fail(broken, 0, 0);
}

static rota_time
read_clock(void *arg)
{
	(void)arg;
	return (rota_time)F.clock;
}

static void on_func(void *arg);

/* Whose handle it is just now; NULL: nobody's. */
static struct slot *
find(rota_handle h)
{
	for (int i = 0; i < SLOTS; i++)
		if (h && F.slot[i].handle == h)
			return &F.slot[i];
	return NULL;
}

static bool
was_issued(rota_handle h)
{
	for (unsigned i = 0; i < F.many; i++)
		if (F.issued[i] == h)
			return true;
	return false;
}

/* A slot has the node that its handle names in the low half; what is in the
 * inbox is the node. */
static int
model_arm(struct slot *slot, uint64_t when)
{
	uint64_t *posted = &F.posted[(uint32_t)slot->handle % NODES];
	int was;

	F.model.timer[slot->id].posted = *posted;
	was = model_reset(&F.model, slot->id, when, F.remote);
	*posted = F.model.timer[slot->id].posted;
	return was;
}

static void
call_arm(struct slot *slot, uint64_t when)
{
	rota_handle h = 0;
	int r;

	if (slot->handle || slot->running || F.many == ISSUED)
		return;
	r = rota_shard_after_func(F.s, (rota_time)when, on_func, slot, &h);
	if (r == -ENOSPC) {
		if (F.in_use < F.nodes) /* whoever used it last */
			fail("no room, where there is", (int64_t)F.in_use,
			    (int64_t)F.nodes);
		return;
	}
	expect("after_func", r, 0);
	if (!h || was_issued(h))
		fail("a handle that is none, or was one before", (int64_t)h, 0);
	F.issued[F.many++] = h;
	slot->handle = h;
	F.in_use++;
	expect("armed before", model_arm(slot, when), 0);
}

/* What a call on @h that is not current answers. */
static int
refusal(rota_handle h)
{
	return was_issued(h) ? -ESTALE : -EINVAL;
}

static void
call_stop(rota_handle h)
{
	struct slot *slot = find(h);
	int r = rota_handle_stop(F.e, h);

	if (!slot) {
		expect("stop", r, refusal(h));
	} else if (slot->running) {
		expect("stop of what runs", r, ROTA_RUNNING);
	} else {
		expect("stop", r, ROTA_PREVENTED);
		expect("stopped before", model_stop(&F.model, slot->id), 1);
		slot->handle = 0;
		F.in_use--;
	}
}

static void
call_reset(rota_handle h, uint64_t when)
{
	struct slot *slot = find(h);
	int r = rota_handle_reset_at(F.e, h, (rota_time)when);

	if (!slot) {
		expect("reset", r, refusal(h));
	} else if (slot->running) {
		expect("reset of what runs", r, -ESTALE);
	} else {
		expect("reset", r, 1);
		expect("not armed", model_arm(slot, when), 1);
	}
}

static void
call_pending(rota_handle h)
{
	struct slot *slot = find(h);

	expect("pending", rota_handle_pending(F.e, h),
	    !slot               ? refusal(h)
		: slot->running ? -ESTALE
				: 1);
}

static void
call(unsigned what, rota_handle h, uint64_t when)
{
	switch (what & 3) {
	case 0:
		call_pending(h);
		break;
	case 1:
		call_reset(h, when);
		break;
	default:
		call_stop(h);
		break;
	}
}

static void
on_func(void *arg)
{
	struct slot *slot = arg, *other;
	uint64_t x;

	if (slot < F.slot || slot >= F.slot + SLOTS || !slot->handle)
		fail("a function that nobody armed", 0, 0);
	rule(model_fire(&F.model, slot->id, false));
	slot->fired++;
	slot->running = true;
	x = source_mix(slot->id * 977 + slot->fired);
	other = &F.slot[x >> 8 & (SLOTS - 1)];
	if (!F.ending) {
		call((unsigned)x, x & 4 ? slot->handle : other->handle,
		    F.clock + (x >> 40));
		if (x & 8)
			call_arm(other, F.clock + (x >> 44));
	}
	slot->running = false;
	slot->handle = 0;
	F.in_use--;
}

static void
call_poll(void)
{
	int r;

	F.clock = model_after(F.clock, (rota_span)source_span(&F.source, 40));
	model_poll(&F.model, F.clock, false);
	r = rota_shard_poll(F.s, (rota_time)F.clock, 0);
	expect("poll", r, 0);
	rule(model_polled(&F.model, true));
}

static rota_handle
pick_handle(void)
{
	struct source *s = &F.source;
	rota_handle h = F.slot[source_bits(s, 5)].handle;

	switch (source_bits(s, 3)) {
	case 0: /* anything */
		return source_bits(s, 64);
	case 1: /* of small numbers */
		h = source_bits(s, 24);
		return h >> 16 << 32 | (h & 0xffff);
	case 2: /* near to one that is */
		return h ^ (UINT64_C(1) << source_bits(s, 6));
	case 3: /* one that was */
		return F.many ? F.issued[source_bits(s, 16) % F.many] : 0;
	default:
		return h;
	}
}

static uint64_t
pick_when(void)
{
	return model_after(F.clock, (rota_span)source_span(&F.source, 42));
}

static void
step(void)
{
	unsigned what = (unsigned)source_bits(&F.source, 4);
	uint64_t when = pick_when();

	if (what < 6) {
		call_arm(&F.slot[source_bits(&F.source, 5)], when);
	} else if (what < 11) {
		call(what, pick_handle(), when);
	} else if (what < 14) {
		if (!F.remote)
			call_poll();
	} else if (F.remote) {
		expect("attach", rota_shard_attach(F.s), 0);
		F.remote = false;
	} else {
		expect("detach", rota_shard_detach(F.s), 0);
		F.remote = true;
	}
}

static void
begin(void)
{
	static const uint64_t sizes[] = { 3, 40, 1024, 1100 };
	struct rota_config c = {
		.size = sizeof(c),
		.shards = 1,
		.clock = ROTA_CLOCK_CALLER,
		.now = read_clock,
	};

	c.backend = (enum rota_backend)source_below(&F.source, 3);
	c.max_timers = sizes[source_bits(&F.source, 2)];
	F.clock = source_span(&F.source, 50);
	c.start = (rota_time)F.clock;
	F.nodes = c.max_timers;
	expect("create", rota_engine_create(&F.e, &c), 0);
	F.s = rota_engine_shard(F.e, 0);
	expect("attach", rota_shard_attach(F.s), 0);
	F.model.n = SLOTS;
	F.model.coarse = c.backend == ROTA_WHEEL_COARSE;
	F.model.now = F.clock;
	F.model.stamp = 1; /* later than drained */
	for (uint32_t i = 0; i < SLOTS; i++) {
		F.slot[i].id = i;
		model_init(&F.model, i, 0);
	}
}

static void
end(void)
{
	uint64_t live = F.model.live;

	F.ending = true;
	if (F.remote)
		expect("attach", rota_shard_attach(F.s), 0);
	F.remote = false;
	expect("check", rota_shard_check(F.s), 0);
	for (int i = 0; i < SLOTS; i++)
		call_pending(F.slot[i].handle);
	expect("destroy: armed", rota_engine_destroy(F.e, ROTA_DROP),
	    (int64_t)live);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	memset(&F, 0, sizeof(F));
	F.source = source_bytes(data, size);
	begin();
	for (int i = 0; i < MOST_OPS && !F.source.dry; i++)
		step();
	end();
	return 0;
}
