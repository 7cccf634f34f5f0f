/* SPDX-License-Identifier: MIT
 *
 * wake.h - a descriptor that a sleeping owner waits on.
 *
 * It is an eventfd, made when it is first asked for: an engine whose host polls
 * by itself needs none. Beside it there is a timerfd for an owner that sleeps
 * until an instant of CLOCK_BOOTTIME: the timeout of poll(2) does not run while
 * the machine is suspended.
 */
#ifndef ROTA_CORE_SYS_WAKE_H
#define ROTA_CORE_SYS_WAKE_H

#include "core/sys/atomic.h"

struct wake {
	rota_word fd;     /* descriptor + 1; 0: not made */
	rota_word raised; /* 1: there may be something to read. Set before the
			   * write: else the woken owner would not read, and
			   * could not sleep again. Set once more after it: a
			   * poll between the two may have cleared it */
	rota_word alarm;  /* the timerfd + 1; 0: not made */
};

/* rota__wake_open - returns the descriptor, made if need be, or -errno. Any
 * thread. */
int rota__wake_open(struct wake *w);
/* rota__wake_alarm - the same for the timerfd. */
int rota__wake_alarm(struct wake *w);
void rota__wake_close(struct wake *w);
/* rota__wake_signal - make the descriptor readable. Any thread, safe in a
 * signal handler; errno stays as it is. Without a descriptor do nothing. */
void rota__wake_signal(struct wake *w);
/* rota__wake_read - make the descriptor unreadable again. */
void rota__wake_read(struct wake *w);
/* wake_raised: may the descriptor be readable? */
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
/* wake_clear: make the descriptor unreadable, if it may be readable. */
rota_inline void
wake_clear(struct wake *w)
{
	if (wake_raised(w))
		rota__wake_read(w);
}
/* rota__wake_sleep - sleep until the descriptor is readable or @ns (< 0: for
 * ever) have passed. 0, or -EINTR. */
int rota__wake_sleep(struct wake *w, int64_t ns);
/* rota__wake_sleep_until - the same until @at, ns of CLOCK_BOOTTIME, > 0. There
 * is a timerfd: rota__wake_alarm(). One thread at a time. */
int rota__wake_sleep_until(struct wake *w, int64_t at);

#endif
