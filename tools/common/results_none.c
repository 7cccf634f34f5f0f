/* SPDX-License-Identifier: MIT
 *
 * results_none.c - in place of results.c where there is no jansson.
 */
#include "tools/common/results.h"

#include <errno.h>

bool
results_possible(void)
{
	return false;
}

int
results_write(const struct results *r, const char *path, int argc, char **argv)
{
	(void)r;
	(void)path;
	(void)argc;
	(void)argv;
	return -EOPNOTSUPP;
}

int
results_read(struct results *r, const char *path)
{
	(void)r;
	(void)path;
	return -EOPNOTSUPP;
}
