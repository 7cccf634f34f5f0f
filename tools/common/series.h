/* SPDX-License-Identifier: MIT
 *
 * series.h - one figure, measured once for each repetition.
 *
 * What is told of it is the median and the range; two of them are compared by
 * ratio.h.
 */
#ifndef ROTA_TOOLS_SERIES_H
#define ROTA_TOOLS_SERIES_H

#include <stdbool.h>

enum { SERIES_MAX = 256 }; /* repetitions; arbitrary */

struct series {
	unsigned n;
	double v[SERIES_MAX];
};

/* More than SERIES_MAX values are left out. */
void series_insert(struct series *s, double v);

/* Of an even number the mean of the middle two; 0 if there is none. */
double series_median(const struct series *s);
double series_min(const struct series *s);
double series_max(const struct series *s);
double series_sum(const struct series *s);
/* Half as far as the middle half of them reaches, in parts of the median. */
double series_spread(const struct series *s);

#endif
