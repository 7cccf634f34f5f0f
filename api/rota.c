/* SPDX-License-Identifier: MIT
 *
 * rota.c - the version of the library at run time.
 */
#include <rota/rota.h>

int
rota_version(void)
{
	return ROTA_VERSION;
}

const char *
rota_version_string(void)
{
	return ROTA_STRING(ROTA_VERSION_MAJOR) "." ROTA_STRING(
	    ROTA_VERSION_MINOR) "." ROTA_STRING(ROTA_VERSION_PATCH);
}
