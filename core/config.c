/* SPDX-License-Identifier: MIT
 *
 * config.c - what an engine is made with: is it valid, and what stands for 0?
 */
#define _POSIX_C_SOURCE 200809L /* sysconf */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/engine.h"
#include "core/misuse.h"

#define MAX_SHARDS 1024 /* arbitrary: more than there are cores */
#define DEFAULT_TIMERS (1 << 24)
#define MAX_TIMERS (1 << 26) /* a place has 31 bits, chunks have gaps */
#define DRIVER_BUDGET 256    /* steps of each kind: some 100 us */

static void *
libc_alloc(void *arg, unsigned shard, size_t size, size_t align)
{
	(void)arg;
	(void)shard;
	return aligned_alloc(align, (size + align - 1) & ~(align - 1));
}

static void
libc_free(void *arg, unsigned shard, void *ptr, size_t size)
{
	(void)arg;
	(void)shard;
	(void)size;
	free(ptr);
}

/* Log only if config.log is surely where this rota has it: the size is 0, or
 * one that a later rota may have, or all other fields are valid. In any other
 * config `log` may be anything. */
static int
size_refused(const struct rota_config *c)
{
	struct rota_config rest = *c;

	rest.size = sizeof(rest);
	rest.log = NULL; /* so nothing is logged */
	if (c->size && (c->size < sizeof(*c) || c->size > 2 * sizeof(*c)) &&
	    rota__config_check(&rest))
		return -EINVAL;
	return rota__misuse_config(c, "size",
	    "%zu is not %zu: set it to sizeof(struct rota_config)", c->size,
	    sizeof(*c));
}

int
rota__config_check(struct rota_config *c)
{
	if (c->size != sizeof(*c))
		return size_refused(c);
	if ((unsigned)c->backend > ROTA_WHEEL_COARSE)
		return rota__misuse_config(c, "backend",
		    "%u is no enum rota_backend", (unsigned)c->backend);
	if ((unsigned)c->clock > ROTA_CLOCK_CALLER)
		return rota__misuse_config(
		    c, "clock", "%u is no enum rota_clock", (unsigned)c->clock);
	if (c->flags & ~(ROTA_DRIVERS | ROTA_ADOPT))
		return rota__misuse_config(c, "flags",
		    "0x%x has more than ROTA_DRIVERS and ROTA_ADOPT", c->flags);
	if ((c->clock == ROTA_CLOCK_CALLER) != (c->now != NULL))
		return rota__misuse_config(c, "now", "%s",
		    c->now ? "is for ROTA_CLOCK_CALLER only"
			   : "NULL, and config.clock is ROTA_CLOCK_CALLER");
	if (c->clock == ROTA_CLOCK_CALLER && c->flags & ROTA_DRIVERS)
		return rota__misuse_config(c, "flags",
		    "ROTA_DRIVERS, which cannot sleep by ROTA_CLOCK_CALLER");
	if (c->start < 0 || c->start > (rota_time)SHARD_LAST)
		return rota__misuse_config(c, "start",
		    "%lld is not within 0 and %lld", (long long)c->start,
		    (long long)SHARD_LAST);
	if (c->shards > MAX_SHARDS)
		return rota__misuse_config(
		    c, "shards", "%u is more than %d", c->shards, MAX_SHARDS);
	if (c->max_timers > MAX_TIMERS)
		return rota__misuse_config(c, "max_timers",
		    "%llu is more than %d", (unsigned long long)c->max_timers,
		    MAX_TIMERS);
	if (!c->allocator.alloc != !c->allocator.free)
		return rota__misuse_config(c, "allocator",
		    "%s is NULL, the other is not",
		    c->allocator.alloc ? "free" : "alloc");
	if (!c->allocator.alloc)
		c->allocator = (struct rota_allocator){ libc_alloc, libc_free,
			NULL };
	if (!c->max_timers)
		c->max_timers = DEFAULT_TIMERS;
	if (!c->budget)
		c->budget = DRIVER_BUDGET;
	if (!c->shards) {
		long n = sysconf(_SC_NPROCESSORS_ONLN);

		c->shards = n < 1    ? 1
		    : n > MAX_SHARDS ? MAX_SHARDS
				     : (unsigned)n;
	}
	return 0;
}
