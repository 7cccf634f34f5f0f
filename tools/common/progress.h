/* SPDX-License-Identifier: MIT
 *
 * progress.h - one line on a terminal that says what is under way and how
 * long it will take.
 *
 * On stderr, and only if that is a terminal that can take a line back:
 * neither a file nor TERM=dumb ever sees a byte of it. NO_COLOR is respected.
 * One of them, one thread.
 */
#ifndef ROTA_TOOLS_PROGRESS_H
#define ROTA_TOOLS_PROGRESS_H

/* The machine's monotonic clock. */
double seconds_now(void);

/* The whole will take @seconds. */
void progress_begin(double seconds);

/* What is under way; printf. */
void progress_step(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* Draw it anew, if a quarter of a second has passed since the last time. */
void progress_tick(void);

/* Take the line away. */
void progress_end(void);

#endif
