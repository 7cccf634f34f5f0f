/* SPDX-License-Identifier: MIT
 *
 * wake.h - a descriptor that a sleeping owner waits on.
 *
 * An eventfd, made when it is first asked for, so that an engine whose host
 * polls by itself needs none. And, for those who sleep until an instant of
 * CLOCK_BOOTTIME, a timerfd beside it: the span that poll(2) is given does not
 * run while the machine is suspended.
 */
#ifndef ROTA_CORE_WAKE_H
#define ROTA_CORE_WAKE_H

#include "core/sys/atomic.h"

struct wake {
	rota_word fd;     /* descriptor + 1; 0: not made */
	rota_word raised; /* 1: there is something to read. Set before the
			   * write, or who is woken finds nothing to read and
			   * cannot sleep; and after it, for a poll between */
	rota_word alarm;  /* the timerfd + 1; 0: not made */
};

/* rota__wake_open - the descriptor, made if need be; or -errno. Any thread. */
int rota__wake_open(struct wake *w);
/* rota__wake_alarm - the timerfd, the same. */
int rota__wake_alarm(struct wake *w);
void rota__wake_close(struct wake *w);
/* rota__wake_signal - make it readable. Any thread, safe in a signal handler;
 * leaves errno alone. Nothing if it was not made. */
void rota__wake_signal(struct wake *w);
/* rota__wake_read - make it unreadable again. */
void rota__wake_read(struct wake *w);
/* wake_raised: may it be readable? */
rota_inline bool
wake_raised(const struct wake *w)
{
	return rota_unlikely(word_load(&w->raised, acquire));
}
/* wake_made: is there a descriptor? */
rota_inline bool
wake_made(const struct wake *w)
{
	return word_load(&w->fd, relaxed) != 0; /* a hint */
}
/* wake_clear: make it unreadable, if it may be readable. */
rota_inline void
wake_clear(struct wake *w)
{
	if (wake_raised(w))
		rota__wake_read(w);
}
/* rota__wake_sleep - sleep until it is readable or @ns (< 0: for ever) have
 * passed. 0, or -EINTR. */
int rota__wake_sleep(struct wake *w, int64_t ns);
/* rota__wake_sleep_until - the same until @at, ns of CLOCK_BOOTTIME, > 0. The
 * alarm was made. One thread at a time. */
int rota__wake_sleep_until(struct wake *w, int64_t at);

#endif
