/* SPDX-License-Identifier: MIT
 *
 * series.c - see series.h.
 */
#include "tools/common/series.h"

#include <stdlib.h>
#include <string.h>

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

void
series_insert(struct series *s, double v)
{
	if (s->n < SERIES_MAX)
		s->v[s->n++] = v;
}

double
series_median(const struct series *s)
{
	double v[SERIES_MAX];

	if (s->n == 0)
		return 0;
	memcpy(v, s->v, s->n * sizeof *v);
	qsort(v, s->n, sizeof *v, by_value);
	return (v[(s->n - 1) / 2] + v[s->n / 2]) / 2;
}

double
series_spread(const struct series *s)
{
	double v[SERIES_MAX], median = series_median(s);

	memcpy(v, s->v, s->n * sizeof *v);
	qsort(v, s->n, sizeof *v, by_value);
	return median > 0 ? (v[s->n - 1 - s->n / 4] - v[s->n / 4]) / 2 / median
			  : 0;
}

double
series_min(const struct series *s)
{
	double min = s->n ? s->v[0] : 0;

	for (unsigned i = 1; i < s->n; i++)
		min = s->v[i] < min ? s->v[i] : min;
	return min;
}

double
series_max(const struct series *s)
{
	double max = s->n ? s->v[0] : 0;

	for (unsigned i = 1; i < s->n; i++)
		max = s->v[i] > max ? s->v[i] : max;
	return max;
}

double
series_sum(const struct series *s)
{
	double sum = 0;

	for (unsigned i = 0; i < s->n; i++)
		sum += s->v[i];
	return sum;
}
