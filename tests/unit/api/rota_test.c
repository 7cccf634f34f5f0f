/* SPDX-License-Identifier: MIT
 *
 * rota_test.c - api/rota.c: the version that runs is the one of the headers.
 */
#include <rota/rota.h>

#include <stdio.h>
#include <string.h>

#include "tests/support/cm.h"

static void
the_library_is_of_the_version_of_its_headers(void **state)
{
	char text[40];

	(void)state;
	assert_int_equal(rota_version(), ROTA_VERSION);
	snprintf(text, sizeof(text), "%d.%d.%d", ROTA_VERSION_MAJOR,
	    ROTA_VERSION_MINOR, ROTA_VERSION_PATCH);
	assert_string_equal(rota_version_string(), text);
}

static void
a_later_version_is_a_larger_number(void **state)
{
	(void)state;
	assert_int_equal(ROTA_VERSION / 10000, ROTA_VERSION_MAJOR);
	assert_int_equal(ROTA_VERSION / 100 % 100, ROTA_VERSION_MINOR);
	assert_int_equal(ROTA_VERSION % 100, ROTA_VERSION_PATCH);
}

static void
a_place_in_the_source_is_a_string(void **state)
{
	(void)state;
	assert_non_null(strstr(ROTA_HERE, "rota_test.c:"));
}

static void
a_member_leads_to_its_struct(void **state)
{
	struct conn {
		int fd;
		struct rota_timer idle;
	} c;

	(void)state;
	assert_ptr_equal(rota_container_of(&c.idle, struct conn, idle), &c);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_library_is_of_the_version_of_its_headers),
		cmocka_unit_test(a_later_version_is_a_larger_number),
		cmocka_unit_test(a_place_in_the_source_is_a_string),
		cmocka_unit_test(a_member_leads_to_its_struct),
	};

	return cmocka_run_group_tests_name("rota", tests, NULL, NULL);
}
