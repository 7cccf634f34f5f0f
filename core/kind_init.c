/* SPDX-License-Identifier: MIT
 *
 * kind_init.c - a kind is initialised and released.
 *
 * Invariant  a shard lists its kinds, under its lock. A retirement appends the
 *            list to the target's.
 * Threads    any.
 */
#include <rota/timer.h>

#include <errno.h>

#include "core/misuse.h"

/* Log that @k, which is initialised already, was to be initialised again at
 * @site. */
static int
init_again(struct rota_kind *k, struct rota_shard *s, const char *site)
{
	if (!kind_any(k))
		rota__misuse_once(s, MISUSE_KIND_LISTED,
		    "rota_kind_init(): shard %u: a kind, at %s again, is "
		    "initialised already, and its memory was overwritten since: "
		    "rota_kind_release() it first",
		    s->index, site ? site : "?");
	else if (rota__misuse_first(&k->r_said, MISUSE_KIND_AGAIN))
		rota__misuse_say(s->config,
		    "rota_kind_init(): kind %s (%s): it is initialised "
		    "already, and at %s again: rota_kind_release() it first",
		    k->name ? k->name : "?", k->site ? k->site : "?",
		    site ? site : "?");
	return -EBUSY;
}

/* Is @k in the list of @s? Under its lock. */
static bool
listed(struct rota_shard *s, const struct rota_kind *k)
{
	const struct rota_kind *old;

	object_kinds(s);
	for (old = s->kinds; old && old != k; old = old->r_next)
		;
	return old;
}

/* Is @k in the list of another shard than @s of its engine? One lock at a time:
 * what a retirement moves meanwhile may be missed. */
static bool
listed_elsewhere(struct rota_shard *s, const struct rota_kind *k)
{
	struct rota_shard *all = s - s->index;
	bool found = false;

	for (unsigned i = 0; i < s->config->shards && !found; i++) {
		if (i == s->index)
			continue;
		lock_take(&all[i].lock, LOCK_SHARD);
		found = listed(&all[i], k);
		lock_give(&all[i].lock);
	}
	return found;
}

int
rota__kind_add(struct rota_kind *k, struct rota_shard *s,
    const struct rota_kind_config *c, const char *site)
{
	int r = 0;

	lock_take(&s->lock, LOCK_SHARD);
	if (word_load(&s->target, relaxed)) { /* stored under the lock */
		r = -EINVAL;
	} else if (listed(s, k)) {
		r = -EBUSY;
	} else {
		object_kind(k);
		*k = (struct rota_kind){
			.fire = c->fire,
			.released = c->released,
			.slack = c->slack,
			.name = c->name,
			.site = site,
			.flags = c->flags,
			.r_magic = s->config->trace    ? KIND_TRACED
			    : c->flags & ROTA_CONFINED ? KIND_CONFINED
						       : KIND_SHARED,
			.r_shard = s,
			.r_hot = &s->hot,
			.r_next = s->kinds,
			.r_prev = &s->kinds,
		};
		if (s->kinds)
			s->kinds->r_prev = &k->r_next;
		s->kinds = k;
		object_kind_made(k);
	}
	lock_give(&s->lock);
	return r;
}

int
rota_kind_init_site(struct rota_kind *k, struct rota_shard *s,
    const struct rota_kind_config *c, const char *site)
{
	int r;

	if (!s)
		return -EINVAL;
	if (!k || !c)
		return rota__misuse_once(s, MISUSE_KIND,
		    "rota_kind_init(): shard %u: the %s at %s is NULL",
		    s->index, k ? "config" : "kind", site ? site : "?");
	if (c->flags & ~(ROTA_CONFINED | ROTA_BATCH))
		return rota__misuse_kind_config(s, c, site, "config.flags",
		    "has more than ROTA_CONFINED and ROTA_BATCH");
	if (c->slack < 0)
		return rota__misuse_kind_config(
		    s, c, site, "config.slack", "is below 0");
	if (!c->fire == !(c->flags & ROTA_BATCH))
		return rota__misuse_kind_config(s, c, site, "config.fire",
		    c->fire ? "is set, and config.flags has ROTA_BATCH"
			    : "is NULL, and config.flags has no ROTA_BATCH");
	if (c->flags & ROTA_CONFINED && s->adoptable)
		return rota__misuse_kind_config(s, c, site, "config.flags",
		    "has ROTA_CONFINED, and the engine has ROTA_ADOPT");
	if (shard_forked(s))
		return -ECHILD;
	if (listed_elsewhere(s, k))
		return init_again(k, s, site);
	r = rota__kind_add(k, s, c, site);
	if (r == -EBUSY)
		return init_again(k, s, site);
	if (r)
		return rota__misuse_kind_config(
		    s, c, site, "is for a shard", "that has retired");
	return 0;
}

int
rota_kind_release(struct rota_kind *k)
{
	struct rota_shard *s;

	if (!k || !kind_any(k))
		return -EINVAL;
	s = shard_of(k);
	if (shard_forked(s))
		return -ECHILD;
	if (word_load(&k->r_timers, acquire)) /* rota__shard_free */
		return rota__misuse_kind(
		    k, MISUSE_KIND_IN_USE, -EBUSY, __func__);
	s = rota__shard_lock(k);
	object_kinds(s);
	*k->r_prev = k->r_next;
	if (k->r_next)
		k->r_next->r_prev = k->r_prev;
	object_kind(k);
	k->r_magic = 0;
	lock_give(&s->lock);
	return 0;
}
