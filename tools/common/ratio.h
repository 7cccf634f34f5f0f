/* SPDX-License-Identifier: MIT
 *
 * ratio.h - by how much two things differ that were measured in pairs.
 *
 * Value i of one series and value i of the other were taken in the same round,
 * a moment apart and on the same work, so what the machine did besides is in
 * both. Of each pair the logarithm of the ratio is taken. What is told is their
 * midmean (the mean of the middle half, so that a few rounds that something
 * disturbed do not matter), with a 95 % interval by the bootstrap: the same of
 * many samples, drawn with replacement from the rounds. The interval is the
 * expanded percentile one, which is not too narrow for few rounds (Hesterberg,
 * "What teachers should know about the bootstrap", 2015, section 5.3).
 *
 * More rounds make the interval narrower. The same values give the same
 * interval: the bootstrap's random numbers have a seed of their own.
 */
#ifndef ROTA_TOOLS_RATIO_H
#define ROTA_TOOLS_RATIO_H

#include "tools/common/series.h"

enum { RATIO_LEAST = 6 }; /* pairs; with fewer there is no interval */

struct ratio {
	unsigned n;   /* pairs that it is made of */
	double value; /* so many times as large; 0: no pairs */
	/* The value of the whole of which these are a sample is in between, in
	 * 95 of 100 cases. 0 and infinity if there are too few pairs. */
	double low, high;
};

/* ratio_paired - the values of @of over those of @to. A pair of which one value
 * is not above 0 is left out. */
struct ratio ratio_paired(const struct series *of, const struct series *to);

/* ratio_margin - how far from 1 the ratio of the same thing measured twice may
 * be, by its interval @control: 1.05 if that is [0.98, 1.05] or [0.952, 1.01].
 * Infinity if there is none. */
double ratio_margin(struct ratio control);

/* ratio_differs - 1: more than 1, -1: less, whatever value in the interval of
 * @r is true, and by more than @margin; 0: that has not been shown. */
int ratio_differs(struct ratio r, double margin);

#endif
