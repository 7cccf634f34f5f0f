/* SPDX-License-Identifier: MIT
 *
 * misuse.c - the lines.
 */
#include "core/misuse.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LINE_MOST 512 /* what is longer is cut; arbitrary */
#define LINE_BEGIN "rota: "

static void
say(const struct rota_config *c, const char *format, va_list args)
{
	char line[LINE_MOST] = LINE_BEGIN;
	const size_t begin = sizeof(LINE_BEGIN) - 1;
	int saved = errno; /* the hook may be careless */

	if (!c->log)
		return;
	vsnprintf(line + begin, sizeof(line) - begin, format, args);
	c->log(c->log_arg, line);
	errno = saved;
}

void
rota__misuse_say(const struct rota_config *c, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(c, format, args);
	va_end(args);
}

bool
rota__misuse_first(rota_word *said, unsigned m)
{
	uint64_t old;

	said += m / 64;
	m %= 64;
	old = word_load(said, relaxed); /* the CAS checks it */
	do {
		if (old >> m & 1)
			return false;
	} while (!word_cas(said, &old, old | (uint64_t)1 << m, relaxed,
	    relaxed)); /* only who is first */
	return true;
}

int
rota__misuse_kind(struct rota_kind *k, enum misuse m, int r, const char *fn)
{
	static const char *const what[] = {
		[MISUSE_WAITS] =
		    "the timer was released and waits for its owner: no call "
		    "on it may come after that one",
		[MISUSE_NO_RELEASED] =
		    "only the owner of the shard may release a timer of a "
		    "kind without `released`: set it in the kind's config",
		[MISUSE_SYNC_INSIDE] =
		    "the timer's callback would wait for its own end: "
		    "rota_timer_stop() does there",
		[MISUSE_FULL] =
		    "the shard has config.max_timers already: raise it, or "
		    "release what is not needed",
		[MISUSE_KIND_IN_USE] =
		    "it has timers that were not released: release them first",
		[MISUSE_MOVE_OWNER] =
		    "only the owner of the shard may move a timer away: let "
		    "that thread do it",
		[MISUSE_MOVE_INSIDE] =
		    "the timer's callback runs, and waiters would look for it "
		    "on the new shard: move it once that has returned",
		[MISUSE_MOVE_TO] =
		    "the kind to move to is NULL or was never initialised: "
		    "rota_kind_init() it first",
		[MISUSE_PERIOD] =
		    "the period is 0 or less, and no instant would follow: "
		    "give a span in ns",
		[MISUSE_MOVE_ENGINE] =
		    "the kind to move to is of another engine: release the "
		    "timer, and initialise it there",
		[MISUSE_CONN_WHICH] =
		    "`which` is not ROTA_CONN_READ, ROTA_CONN_WRITE or, where "
		    "a call takes them, both",
	};
	const struct rota_config *c = shard_of(k)->config;

	if (c->log && !shard_forked(shard_of(k)) &&
	    rota__misuse_first(&k->r_said, m))
		rota__misuse_say(c, "%s(): kind %s (%s): %s", fn,
		    k->name ? k->name : "?", k->site, what[m]);
	return r;
}

int
rota__misuse_kind_config(const struct rota_shard *s,
    const struct rota_kind_config *c, const char *site, const char *field,
    const char *what)
{
	rota__misuse_say(s->config, "rota_kind_init(): kind %s (%s): %s %s",
	    c->name ? c->name : "?", site ? site : "?", field, what);
	return -EINVAL;
}

/* The functions that rota__misuse_shard() is told of. */
static const char *const calls[] = { "rota_shard_attach", "rota_shard_detach",
	"rota_shard_poll", "rota_shard_poll_batch", "rota_shard_next",
	"rota_shard_park", "rota_shard_wait", "rota_shard_adopt",
	"rota_shard_retire", "rota_shard_armed", "rota_shard_each",
	"rota_shard_trim", "rota_shard_check" };
#define CALLS (sizeof(calls) / sizeof(*calls))
_Static_assert(4 * CALLS == MISUSE_RESERVE, "the calls' bits, then others'");

/* The first of the four bits of @fn, which is one of @calls. */
static unsigned
call_bit(const char *fn)
{
	unsigned i = 0;

	while (i + 1 < CALLS && strcmp(fn, calls[i]))
		i++;
	return 4 * i;
}

bool
rota__misuse_owner_over(struct rota_shard *s)
{
	bool over;

	lock_take(&s->lock, LOCK_SHARD); /* `life` is under it */
	over = word_load(&s->attached, relaxed) && rota__life_over(s->life);
	lock_give(&s->lock);
	return over;
}

/* Who owns @s, for the caller of @fn, who does not. */
static const char *
not_owner(struct rota_shard *s)
{
	if (s->config->flags & ROTA_DRIVERS)
		return "a driver of the engine is: its engine polls by itself";
	if (rota__misuse_owner_over(s))
		return "its owner has ended: rota_shard_attach() first";
	if (word_load(&s->attached, relaxed)) /* a snapshot */
		return "another is: only that one may call it";
	return "call rota_shard_attach() on it first";
}

int
rota__misuse_shard(struct rota_shard *s, int r, const char *fn)
{
	unsigned bit = call_bit(fn);
	bool sleeps = !strcmp(fn, "rota_shard_next") ||
	    !strcmp(fn, "rota_shard_park");
	rota_word *said = s->said;

	/* In the child of a fork the hook may wait for a thread of the
	 * parent. */
	if (!s->config->log || shard_forked(s))
		return r;
	switch (r) {
	case -EPERM:
		if (rota__misuse_first(said, bit))
			rota__misuse_say(s->config,
			    "%s(): this thread is not the owner of shard %u: "
			    "%s%s",
			    fn, s->index, not_owner(s),
			    sleeps ? "; the answer is an error and no instant "
				     "to sleep until"
				   : "");
		break;
	case -EDEADLK:
		if (strcmp(fn, "rota_shard_check") && /* a question */
		    rota__misuse_first(said, bit + 1))
			rota__misuse_say(s->config,
			    "%s(): called in a callback of shard %u: return "
			    "from it first",
			    fn, s->index);
		break;
	case -ENOTRECOVERABLE:
		if (rota__misuse_first(said, bit + 2))
			rota__misuse_say(s->config,
			    "%s(): a thread ended in a `released` of shard "
			    "%u, in the middle of a poll: destroy the engine",
			    fn, s->index);
		break;
	case -EBUSY:
		if (rota__misuse_first(said, bit + 3))
			rota__misuse_say(s->config,
			    "%s(): shard %u has an owner already, %s", fn,
			    s->index,
			    s->config->flags & ROTA_DRIVERS
				? "a driver of the engine: leave ROTA_DRIVERS "
				  "out to poll it yourself"
				: word_load(&s->attached, relaxed) == self_id()
				? "this thread: attach it once"
				: "another thread: rota_shard_detach() there "
				  "first");
		break;
	case -EOPNOTSUPP:
		if (rota__misuse_first(said, bit + 3))
			rota__misuse_say(s->config,
			    !strcmp(fn, "rota_shard_adopt")
				? "%s(): shard %u is of an engine without "
				  "ROTA_ADOPT: set it in config.flags"
				: "%s(): shard %u: no sleep is known that ends "
				  "by the clock of this engine: use "
				  "rota_shard_park()",
			    fn, s->index);
		break;
	default:
		break;
	}
	return r;
}

int
rota__misuse_once(
    struct rota_shard *s, enum misuse_other m, const char *format, ...)
{
	va_list args;

	if (!s->config->log || shard_forked(s) ||
	    !rota__misuse_first(s->said, m))
		return -EINVAL;
	va_start(args, format);
	say(s->config, format, args);
	va_end(args);
	return -EINVAL;
}

int
rota__misuse_config(
    const struct rota_config *c, const char *field, const char *format, ...)
{
	char what[LINE_MOST];
	va_list args;
	int saved = errno;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	errno = saved;
	rota__misuse_say(c, "rota_engine_create(): config.%s: %s", field, what);
	return -EINVAL;
}
