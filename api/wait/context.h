/* SPDX-License-Identifier: MIT
 *
 * context.h - contexts, for those that select on them.
 */
#ifndef ROTA_API_WAIT_CONTEXT_H
#define ROTA_API_WAIT_CONTEXT_H

#include <rota/context.h>

#include "api/wait/wait.h"

/* rota__context_join - put @w in the list of those that wait for @c's end.
 * False: it is done, and @w, if nobody else had it, was claimed for @who.
 * rota__context_leave - out of it, if it is in it. */
bool rota__context_join(struct rota_context *c, struct wait_node *n,
    struct waiter *w, unsigned who);
void rota__context_leave(struct rota_context *c, struct wait_node *n);
struct facade *rota__context_wait_layer(const struct rota_context *c);

#endif
