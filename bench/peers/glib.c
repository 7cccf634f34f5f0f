/* SPDX-License-Identifier: MIT
 *
 * glib.c - a GSource of GLib for each timer, with a ready time: a list, all
 * of which each turn of the loop reads. Its unit is 1 us.
 */
#include <glib.h>

#include "bench/work/peer.h"
#include "bench/peers/virtual.h"

struct peer {
	GMainContext *context;
	gint64 now; /* us, GLib's */
};

struct peer_timer {
	GSource *source;
};

struct timer_source {
	GSource source; /* first: dispatch() */
	struct peer *p;
	struct peer_timer *t;
};

static const struct peer_info peer_info = {
	.name = "glib",
	.version = VERSION_3(
	    GLIB_MAJOR_VERSION, GLIB_MINOR_VERSION, GLIB_MICRO_VERSION),
	.variants = "-",
	.most = 10000,
};

/* Once found ready, a source is dispatched in this turn even if a callback
 * before it has moved or stopped it: it has to look. */
static gboolean
dispatch(GSource *source, GSourceFunc callback, gpointer data)
{
	struct timer_source *s = (struct timer_source *)(void *)source;
	gint64 ready = g_source_get_ready_time(source);

	(void)callback;
	(void)data;
	if (ready == -1 || ready > s->p->now)
		return G_SOURCE_CONTINUE;
	g_source_set_ready_time(source, -1);
	peer_fired(s->p, s->t);
	return G_SOURCE_CONTINUE;
}

static GSourceFuncs timer_funcs = { .dispatch = dispatch };

static gint64
instant(uint64_t ns)
{
	return VIRTUAL_BASE * G_GINT64_CONSTANT(1000000) +
	    (gint64)((ns + 999) / 1000);
}

static void
peer_open(struct peer *p, const char *variant, uint32_t n)
{
	(void)variant;
	(void)n;
	p->context = g_main_context_new();
	p->now = instant(0);
}

static void
peer_init(struct peer *p, struct peer_timer *t)
{
	GSource *source = g_source_new(
	    &timer_funcs, sizeof(struct timer_source));
	struct timer_source *s = (struct timer_source *)(void *)source;

	s->p = p;
	s->t = t;
	t->source = source;
	g_source_attach(source, p->context);
}

static inline void
peer_start(struct peer *p, struct peer_timer *t, uint64_t when)
{
	(void)p;
	g_source_set_ready_time(t->source, instant(when));
}

static inline void
peer_push(struct peer *p, struct peer_timer *t, uint64_t when)
{
	peer_start(p, t, when);
}

static inline void
peer_stop(struct peer *p, struct peer_timer *t)
{
	(void)p;
	g_source_set_ready_time(t->source, -1);
}

static inline void
peer_poll(struct peer *p, uint64_t now)
{
	virtual_set(now);
	p->now = instant(now - now % 1000);
	g_main_context_iteration(p->context, FALSE);
}

#include "bench/peers/drive.h"
