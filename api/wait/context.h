/* SPDX-License-Identifier: MIT
 *
 * context.h - the inside of contexts, for select.c and sleep.c.
 */
#ifndef ROTA_API_WAIT_CONTEXT_H
#define ROTA_API_WAIT_CONTEXT_H

#include <rota/context.h>

#include "api/wait/wait.h"

/* rota__context_join - put @w in the list of waiters for @c's end; *@s gets the
 * shard of the timer that may end it, if there is one. False: @c is done; @w
 * was claimed for @source, if no other source had claimed it.
 * rota__context_leave - take it out of the list, if it is in it. */
bool rota__context_join(struct rota_context *c, struct wait_node *n,
    struct waiter *w, unsigned source, struct rota_shard **s);
void rota__context_leave(struct rota_context *c, struct wait_node *n);
struct wait_layer *rota__context_wait_layer(const struct rota_context *c);

#endif
