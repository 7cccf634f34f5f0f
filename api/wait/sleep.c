/* SPDX-License-Identifier: MIT
 *
 * sleep.c - rota_sleep() and rota_after().
 */
#include <rota/after.h>

#include <errno.h>

#include "api/wait/context.h"
#include "api/wait/wait.h"

int
rota_sleep(struct rota_engine *e, rota_span span, struct rota_context *c)
{
	struct wait_layer *layer;
	rota_time until;
	struct waiter w;
	int r;

	if (!e)
		return -EINVAL;
	if (rota_engine_forked(e))
		return -ECHILD;
	layer = rota__wait_layer(e);
	if (!layer)
		return -ENOMEM;
	if (c && rota__context_wait_layer(c) != layer)
		return rota__wait_misuse(e, WAIT_MISUSE_ENGINE, -EINVAL,
		    "rota_sleep(): the context is of another engine");
	r = c ? rota_context_err(c) : 0;
	if (r || span <= 0)
		return r;
	until = rota_when(rota_engine_now(e), span);
	if (c) {
		r = rota__select(
		    &(struct rota_case){ .context = c }, 1, until, __func__);
		return r == -ETIME ? 0 : r ? r : rota_context_err(c);
	}
	r = rota__waiter_init(&w, layer, __func__);
	if (r)
		return r;
	r = rota__waiter_wait(&w, until, __func__);
	rota__waiter_destroy(&w);
	return r ? r : w.taken == WAIT_DEAD ? -EDEADLK : 0;
}

struct rota_channel *
rota_after(struct rota_engine *e, rota_span span)
{
	struct rota_channel *c;

	return rota_channel_create(&c, e, span, ROTA_CHANNEL_SYNC) ? NULL : c;
}
