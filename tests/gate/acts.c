/* SPDX-License-Identifier: MIT
 *
 * acts.c - tests/gate/acts.h.
 */
#define ROTA_NO_INLINE /* the library is what is gated */
#include "tests/gate/acts.h"

const struct world_row world_adopt_heap = { .backend = ROTA_HEAP,
	.flags = ROTA_ADOPT };
const struct world_row world_adopt_wheel = { .backend = ROTA_WHEEL,
	.flags = ROTA_ADOPT };
const struct world_row world_adopt_coarse = { .backend = ROTA_WHEEL_COARSE,
	.flags = ROTA_ADOPT };

static void
answer(struct act *a, int r)
{
	word_store(&a->r, (uint64_t)(int64_t)r, relaxed);
}

int
answered(struct act *a)
{
	return (int)(int64_t)word_load(&a->r, relaxed);
}

void
act_reset(void *arg)
{
	struct act *a = arg;

	answer(a, rota_timer_reset_at(a->t, a->when));
}

void
act_stop(void *arg)
{
	struct act *a = arg;

	answer(a, rota_timer_stop(a->t));
}

void
act_stop_sync(void *arg)
{
	struct act *a = arg;

	answer(a, rota_timer_stop_sync(a->t));
}

void
act_release(void *arg)
{
	struct act *a = arg;

	answer(a, rota_timer_release(a->t));
}

void
act_move(void *arg)
{
	struct act *a = arg;
	int r = rota_shard_attach(a->shard), gone;

	if (!r) {
		r = rota_timer_move(a->t, a->kind);
		gone = rota_shard_detach(a->shard);
		r = gone ? gone : r;
	}
	answer(a, r);
}

void
act_kind_release(void *arg)
{
	struct act *a = arg;

	answer(a, rota_kind_release(a->kind));
}

void
act_init(void *arg)
{
	struct act *a = arg;

	answer(a, rota_timer_init(a->t, a->kind));
}

void
act_retire(void *arg)
{
	struct act *a = arg;

	answer(a, rota_shard_retire(a->shard, a->target));
}

/* As an owner: polls until there is no more, a->polls times. */
void
act_poll(void *arg)
{
	struct act *a = arg;
	int r = rota_shard_attach(a->shard);

	for (unsigned n = 0; !r && n < (a->polls ? a->polls : 1); n++)
		do {
			r = rota_shard_poll(a->shard, a->when, 0);
		} while (r == 1);
	if (!r)
		r = rota_shard_detach(a->shard);
	answer(a, r);
}

void
act_adopt(void *arg)
{
	struct act *a = arg;

	answer(a, rota_shard_adopt(a->shard, a->when, 0));
}

void
simple_kind(struct rota_kind *k, struct rota_shard *s)
{
	assert_int_equal(rota_kind_init(k, s,
			     &(struct rota_kind_config){
				 .fire = probe_fire, .name = "simple" }),
	    0);
}

int inside;

void
through_the_gate(struct probe *p, rota_time now)
{
	(void)p;
	(void)now;
	gate_point(&inside);
}
