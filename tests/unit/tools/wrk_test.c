/* SPDX-License-Identifier: MIT
 *
 * wrk_test.c - tools/wrk.c and pick.c: reading what other programs say.
 * Claims: the figures are those of the text, and a text that is another one
 * gives none.
 */
#include "tools/pick.h"
#include "tools/wrk.h"

#include "tests/support/cm.h"

/* clang-format off */
#define BEGIN \
	"Running 3s test @ http://127.0.0.1:8080/\n" \
	"  1 threads and 256 connections\n" \
	"  Thread Stats   Avg      Stdev     Max   +/- Stdev\n" \
	"    Latency     3.55ms    1.02ms  20.11ms   91.50%\n" \
	"    Req/Sec    72.27k     3.12k   76.23k    80.00%\n"
#define SPREAD(p99) \
	"  Latency Distribution\n" \
	"     50%    3.40ms\n" \
	"     75%    3.72ms\n" \
	"     90%    4.10ms\n" \
	"     99%    " p99 "\n"
#define END \
	"  215876 requests in 3.01s, 25.12MB read\n" \
	"Requests/sec:  71719.33\n" \
	"Transfer/sec:      8.35MB\n"
/* clang-format on */

static void
figures_are_those_of_the_text(void **state)
{
	struct wrk_result r;

	(void)state;
	assert_true(wrk_parse(BEGIN SPREAD("6.99ms") END, &r));
	assert_true(r.requests_per_s == 71719.33);
	assert_true(r.p99_ns > 6.98e6 && r.p99_ns < 7.0e6);
	assert_true(r.errors == 0);
	assert_true(wrk_parse(BEGIN SPREAD("812.00us") END, &r));
	assert_true(r.p99_ns == 812e3);
	assert_true(wrk_parse(BEGIN SPREAD("1.50s") END, &r));
	assert_true(r.p99_ns == 1.5e9);
	assert_true(wrk_parse(
	    BEGIN SPREAD(
		"1.50s") "  Socket errors: connect 1, read 20, write 300, timeout 4000\n"
			 "  Non-2xx or 3xx responses: 50000\n" END,
	    &r));
	assert_true(r.errors == 54321);
	assert_true(wrk_parse(BEGIN END, &r));
	assert_true(r.p99_ns == 0);
}

static void
another_text_gives_none(void **state)
{
	struct wrk_result r;

	(void)state;
	assert_false(wrk_parse("", &r));
	assert_false(wrk_parse("unable to connect to 127.0.0.1:1\n", &r));
	assert_false(wrk_parse(BEGIN, &r));
	assert_false(wrk_parse("Requests/sec: many\n", &r));
}

static void
wrk_is_looked_for_in_path(void **state)
{
	(void)state;
	assert_true(wrk_found("sh"));
	assert_true(wrk_found("/bin/sh"));
	assert_false(wrk_found("no-such-program-as-this"));
	assert_false(wrk_found("/no/such"));
}

static void
a_number_is_picked_at_its_depth(void **state)
{
	static const char json[] = "{\"a\":{\"max\":1,\"p\":{\"max\":2}},"
				   "\"max\":3.5,\"b\":{\"x\":4,\"max\":5}}\n";

	(void)state;
	assert_true(pick_number(json, NULL, "max") == 3.5);
	assert_true(pick_number(json, "a", "max") == 1);
	assert_true(pick_number(json, "b", "max") == 5);
	assert_true(pick_number(json, "b", "x") == 4);
	assert_true(pick_number(json, NULL, "x") == -1);
	assert_true(pick_number(json, "a", "x") == -1);
	assert_true(pick_number(json, "max", "x") == -1);
	assert_true(pick_number(json, NULL, "a") == -1);
	assert_true(pick_number(json, "none", "max") == -1);
	assert_true(pick_number("", NULL, "max") == -1);
	assert_true(pick_number("{\"max", NULL, "max") == -1);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(figures_are_those_of_the_text),
		cmocka_unit_test(another_text_gives_none),
		cmocka_unit_test(wrk_is_looked_for_in_path),
		cmocka_unit_test(a_number_is_picked_at_its_depth),
	};

	return cmocka_run_group_tests_name("wrk", tests, NULL, NULL);
}
