/* SPDX-License-Identifier: MIT
 *
 * model.c - the rules of tests/conformance/model.h.
 */
#include "tests/conformance/model.h"

#include <stddef.h>

uint64_t
model_instant(int64_t when)
{
	if (when < 0)
		return 0;
	return (uint64_t)when > MODEL_LAST ? MODEL_NEVER : (uint64_t)when;
}

uint64_t
model_after(uint64_t now, int64_t span)
{
	uint64_t when;

	if (span <= 0)
		return now;
	when = now + (uint64_t)span; /* both below 2^63: no overflow */
	return when > MODEL_LAST ? MODEL_NEVER : when;
}

void
model_init(struct model *m, uint32_t i, uint64_t slack)
{
	m->timer[i] = (struct model_timer){ .slack = slack, .inited = true };
	m->when[i] = MODEL_IDLE;
	m->timers++;
}

int
model_reset(struct model *m, uint32_t i, uint64_t when, bool remote)
{
	struct model_timer *t = &m->timer[i];
	int was = model_armed(m, i);

	m->when[i] = t->last = when;
	m->rank[i] = ++m->ranks;
	if (remote)
		t->posted = m->stamp;
	/* What is in the inbox gets its rank when it is taken from there. */
	t->loose = t->posted > m->drained;
	/* What is armed in a poll for its own instant waits for the next. */
	if (remote || (m->polling && when <= m->now))
		t->queued = m->stamp;
	if (was) {
		m->pushes++;
	} else {
		m->starts++;
		m->live++;
	}
	return was;
}

int
model_stop(struct model *m, uint32_t i)
{
	if (!model_armed(m, i))
		return 0;
	m->when[i] = MODEL_IDLE;
	m->stops++;
	m->live--;
	return 1;
}

void
model_move(struct model *m, uint32_t i, uint64_t slack)
{
	struct model_timer *t = &m->timer[i];

	t->slack = slack;
	if (!model_armed(m, i))
		return;
	m->rank[i] = ++m->ranks;
	t->loose = true;
	t->queued = t->posted = m->stamp;
}

void
model_release(struct model *m, uint32_t i, bool waits)
{
	struct model_timer *t = &m->timer[i];

	model_stop(m, i);
	t->inited = false;
	t->waits = waits;
	if (waits)
		t->queued = m->stamp;
	else
		m->timers--;
}

const char *
model_released(struct model *m, uint32_t i)
{
	if (!m->timer[i].waits)
		return "released() of a timer whose release did not wait";
	m->timer[i].waits = false;
	m->timers--;
	return NULL;
}

void
model_poll(struct model *m, uint64_t now, bool limited)
{
	if (now > MODEL_LAST)
		now = MODEL_LAST;
	if (now > m->now)
		m->now = now;
	m->poll_rank = m->ranks;
	m->stamp++;
	m->polling = true;
	m->limited = limited;
}

const char *
model_fire(struct model *m, uint32_t i, bool silent)
{
	uint64_t when = m->when[i], rank = m->rank[i], late, before = 0;

	if (!m->polling)
		return "fired outside a poll";
	if (!model_armed(m, i))
		return "fired though not armed: stopped, fired, or released";
	if (when > m->now)
		return "fired early";
	if (model_fresh(m, i))
		return "fired in the poll in which it was armed";
	if (!m->coarse && !silent) {
		for (uint32_t j = 0; j < m->n; j++)
			before += m->rank[j] <= m->poll_rank &&
			    !model_stale(m, j) &&
			    /* due work does not wait for all of the inbox */
			    !(m->limited && model_queued(m, j)) &&
			    (m->when[j] < when ||
				(m->when[j] == when && m->rank[j] < rank &&
				    !m->timer[i].loose && !m->timer[j].loose));
		if (before)
			return "fired before another whose turn it was";
	}
	late = m->now - when;
	m->late_sum += late;
	if (late > m->late_max)
		m->late_max = late;
	m->fires++;
	m->live--;
	m->when[i] = MODEL_IDLE;
	return NULL;
}

const char *
model_polled(struct model *m, bool done)
{
	uint64_t left = 0;

	m->polling = false;
	if (!done)
		return NULL;
	m->drained = m->stamp - 1;
	if (m->coarse) {
		for (uint32_t i = 0; i < m->n; i++)
			left += model_armed(m, i) && !model_stale(m, i) &&
			    m->rank[i] <= m->poll_rank &&
			    m->when[i] + MODEL_TICK + m->timer[i].slack <=
				m->now;
	} else {
		for (uint32_t i = 0; i < m->n; i++)
			left += m->when[i] <= m->now && !model_stale(m, i) &&
			    m->rank[i] <= m->poll_rank;
	}
	return left ? "the poll left something that was due" : NULL;
}

void
model_moved(struct model *m, uint64_t now)
{
	m->now = now;
	for (uint32_t i = 0; i < m->n; i++) {
		m->timer[i].loose = true;
		m->timer[i].queued = m->timer[i].posted = m->stamp;
	}
}

/* When the owner must poll at the latest: who sleeps, or has a coarse wheel,
 * may be late by a timer's slack; a coarse wheel by a tick more. */
static uint64_t
first_call(const struct model *m, bool park)
{
	uint64_t first = MODEL_NEVER, when;

	for (uint32_t i = 0; i < m->n; i++) {
		if (!model_armed(m, i))
			continue;
		when = m->when[i];
		if (when <= MODEL_LAST && (m->coarse || park))
			when += m->timer[i].slack +
			    (m->coarse ? MODEL_TICK : 0);
		if (when > MODEL_LAST) /* at the end of time nothing fires */
			when = MODEL_NEVER;
		if (when < first)
			first = when;
	}
	/* What is due already may come up at any instant until now. */
	return first > m->now ? first : m->now;
}

const char *
model_next(const struct model *m, uint64_t next, bool quiet, bool park)
{
	if (next > first_call(m, park))
		return park ? "the owner sleeps past a deadline and slack"
			    : "the next instant is later than the earliest "
			      "deadline";
	if (quiet && next <= m->now)
		return "nothing is due and the next instant is now";
	return NULL;
}
