/* SPDX-License-Identifier: MIT
 *
 * report_none.c - in place of report_jansson.c where there is no jansson.
 */
#include "tools/report.h"

#include <errno.h>

bool
report_possible(void)
{
	return false;
}

int
report_print(const struct report *r, const char *path)
{
	(void)r;
	(void)path;
	return -EOPNOTSUPP;
}
