/* SPDX-License-Identifier: MIT
 *
 * check.h - what an example says of itself must hold: it is run as a test.
 */
#ifndef EXAMPLES_CHECK_H
#define EXAMPLES_CHECK_H

#include <stdio.h>
#include <stdlib.h>

#define CHECK(claim) \
	((claim) ? (void)0 : check_failed(#claim, __FILE__, __LINE__))

static inline void
check_failed(const char *claim, const char *file, int line)
{
	fprintf(stderr, "%s:%d: not so: %s\n", file, line, claim);
	exit(1);
}

#endif
