/* SPDX-License-Identifier: MIT
 *
 * pick.c - no string of that line holds a brace or an escape, so depth is
 * the count of braces.
 */
#include "tools/pick.h"

#include <stdlib.h>
#include <string.h>

/* What follows "key": at the depth that @s is at; NULL if nothing does. */
static const char *
value_of(const char *s, const char *key)
{
	size_t len = strlen(key);
	int depth = 0;

	for (; *s && depth >= 0; s++) {
		if (*s == '{')
			depth++;
		else if (*s == '}')
			depth--;
		else if (depth == 0 && *s == '"' &&
		    strncmp(s + 1, key, len) == 0 &&
		    strncmp(s + 1 + len, "\":", 2) == 0)
			return s + len + 3;
	}
	return NULL;
}

double
pick_number(const char *json, const char *group, const char *key)
{
	const char *s = strchr(json, '{');
	char *end;
	double v;

	s = s ? s + 1 : NULL;
	if (s && group) {
		s = value_of(s, group);
		s = s && *s == '{' ? s + 1 : NULL;
	}
	s = s ? value_of(s, key) : NULL;
	if (!s)
		return -1;
	v = strtod(s, &end);
	return end == s ? -1 : v;
}
