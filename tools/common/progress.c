/* SPDX-License-Identifier: MIT
 *
 * progress.c - what is known is how long the whole may take, so the line
 * shows the share of the time and not of the work.
 */
#define _DEFAULT_SOURCE
#include "tools/common/progress.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/ioctl.h>
#include <unistd.h>

#include "tools/common/clock.h"

enum { BAR = 20, WIDTH_MIN = 40, WIDTH_MAX = 160 };

static struct {
	bool on, colour;
	double begin, whole, drawn;
	char step[64];
} line;

double
seconds_now(void)
{
	return (double)clock_wall() / 1e9;
}

static bool
is_set(const char *name)
{
	const char *v = getenv(name);

	return v && *v;
}

static int
width(void)
{
	struct winsize w;
	int columns = 80;

	if (is_set("COLUMNS"))
		columns = atoi(getenv("COLUMNS"));
	else if (ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col)
		columns = w.ws_col;
	return columns < WIDTH_MIN ? WIDTH_MIN
	    : columns > WIDTH_MAX  ? WIDTH_MAX
				   : columns;
}

static void
draw(double now)
{
	double share = line.whole > 0 ? (now - line.begin) / line.whole : 1;
	double left = line.whole - (now - line.begin);
	char bar[BAR + 1], text[WIDTH_MAX + 1];
	int full;

	share = share > 1 ? 1 : share;
	full = (int)(share * BAR);
	memset(bar, '.', BAR);
	memset(bar, '#', (size_t)full);
	bar[BAR] = '\0';
	snprintf(text, (size_t)width(), "%3.0f%% [%s] %2.0f s left  %s",
	    share * 100, bar, left > 0 ? left : 0, line.step);
	fprintf(stderr, "\r%s%s%s\033[K", line.colour ? "\033[36m" : "", text,
	    line.colour ? "\033[0m" : "");
	fflush(stderr);
	line.drawn = now;
}

void
progress_begin(double seconds)
{
	const char *term = getenv("TERM");

	memset(&line, 0, sizeof line);
	line.on = isatty(STDERR_FILENO) && term && *term &&
	    strcmp(term, "dumb") != 0;
	line.colour = !is_set("NO_COLOR");
	line.begin = seconds_now();
	line.whole = seconds;
}

void
progress_step(const char *format, ...)
{
	va_list ap;

	if (!line.on)
		return;
	va_start(ap, format);
	vsnprintf(line.step, sizeof line.step, format, ap);
	va_end(ap);
	draw(seconds_now());
}

void
progress_tick(void)
{
	double now;

	if (!line.on)
		return;
	now = seconds_now();
	if (now - line.drawn >= 0.25)
		draw(now);
}

void
progress_end(void)
{
	if (line.on)
		fputs("\r\033[K", stderr);
	line.on = false;
}
