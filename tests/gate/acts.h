/* SPDX-License-Identifier: MIT
 *
 * acts.h - what gated threads do: one call each, and keep its answer.
 */
#ifndef TESTS_GATE_ACTS_H
#define TESTS_GATE_ACTS_H

#include "core/shard.h"
#include "tests/gate/gate.h"
#include "tests/support/world.h"

struct act {
	struct rota_timer *t;
	rota_time when;
	struct rota_shard *shard, *target;
	struct rota_kind *kind;
	unsigned polls; /* so many; 0: one */
	rota_word r;
};

/* answered - what the call of @a returned. */
int answered(struct act *a);

/* For gate_open(): the call on what the struct act has. */
void act_reset(void *act);
void act_stop(void *act);
void act_stop_sync(void *act);
void act_release(void *act);
void act_init(void *act);
void act_kind_release(void *act);
void act_retire(void *act);
void act_adopt(void *act);
/* As an owner: attaches, moves, and detaches. */
void act_move(void *act);
/* As an owner: attaches, polls until there is no more, so many times, and
 * detaches. */
void act_poll(void *act);

/* Callbacks of probes: stand at a point inside, if gated. */
extern int inside;
void through_the_gate(struct probe *p, rota_time now);

/* simple_kind - a kind without `released`. */
void simple_kind(struct rota_kind *k, struct rota_shard *s);

extern const struct world_row world_adopt_heap, world_adopt_wheel,
    world_adopt_coarse;
#define ADOPT_EVERY(test) \
	ON(test, adopt_heap), ON(test, adopt_wheel), ON(test, adopt_coarse)

#endif
