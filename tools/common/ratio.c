/* SPDX-License-Identifier: MIT
 *
 * ratio.c - see ratio.h.
 */
#include "tools/common/ratio.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "tools/common/random.h"

enum { SAMPLES = 2000 };

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* The mean of the middle half of @v, which it sorts. The values at its two ends
 * count in part, so that no round more or less makes it jump. */
static double
midmean(double *v, unsigned n)
{
	double low = n / 4.0, high = n - n / 4.0, sum = 0;

	qsort(v, n, sizeof *v, by_value);
	for (unsigned i = 0; i < n; i++) {
		double from = i > low ? i : low;
		double to = i + 1 < high ? i + 1 : high;

		if (to > from)
			sum += v[i] * (to - from);
	}
	return sum / (high - low);
}

/* Of Student's t with @df degrees of freedom, what is exceeded in 1 of 40 cases
 * (Abramowitz and Stegun, 26.7.5: within 0.002 from 5 on). */
static double
student(double df)
{
	const double z = 1.959964, z3 = z * z * z, z5 = z3 * z * z;
	const double z7 = z5 * z * z;

	return z + (z3 + z) / (4 * df) +
	    (5 * z5 + 16 * z3 + 3 * z) / (96 * df * df) +
	    (3 * z7 + 19 * z5 + 17 * z3 - 15 * z) / (384 * df * df * df);
}

/* The share of samples on each side that the interval leaves out. */
static double
tail(unsigned n)
{
	double x = sqrt(n / (n - 1.0)) * student(n - 1.0);

	return erfc(x / sqrt(2)) / 2;
}

struct ratio
ratio_paired(const struct series *of, const struct series *to)
{
	static double sample[SAMPLES];
	double log_[SERIES_MAX], v[SERIES_MAX];
	unsigned pairs = of->n < to->n ? of->n : to->n, n = 0, out;
	uint64_t random = RANDOM_SEED;

	for (unsigned i = 0; i < pairs; i++)
		if (of->v[i] > 0 && to->v[i] > 0)
			log_[n++] = log(of->v[i] / to->v[i]);
	if (n == 0)
		return (struct ratio){ 0, 0, 0, INFINITY };
	for (unsigned s = 0; n >= RATIO_LEAST && s < SAMPLES; s++) {
		for (unsigned i = 0; i < n; i++)
			v[i] = log_[pick_make(&random, n).index];
		sample[s] = midmean(v, n);
	}
	if (n < RATIO_LEAST)
		return (struct ratio){ n, exp(midmean(log_, n)), 0, INFINITY };
	qsort(sample, SAMPLES, sizeof *sample, by_value);
	out = (unsigned)(tail(n) * SAMPLES);
	return (struct ratio){ n, exp(midmean(log_, n)), exp(sample[out]),
		exp(sample[SAMPLES - 1 - out]) };
}

double
ratio_margin(struct ratio control)
{
	double up = control.high, down = 1 / control.low;

	return up > down ? up : down;
}

int
ratio_differs(struct ratio r, double margin)
{
	if (r.low > margin)
		return 1;
	return r.high < 1 / margin ? -1 : 0;
}
