/* SPDX-License-Identifier: MIT
 *
 * http_test.c - examples/http.c alone: bytes in, an answer out.
 * Claims: a request is found whole or not at all, wherever its bytes are cut;
 * what is malformed is refused; no input makes it read past the end (run it
 * under a sanitizer: each buffer is as long as its bytes).
 */
#include "examples/http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/cm.h"

/* Parses a copy without a byte to spare. */
static bool
parse(const char *text, size_t len, struct http_request *req)
{
	char *copy = malloc(len ? len : 1);
	size_t seen = 0;
	bool whole;

	assert_non_null(copy);
	memcpy(copy, text, len);
	whole = http_parse(copy, len, &seen, req);
	if (whole) {
		assert_true(req->size <= len);
		assert_int_equal(seen, 0); /* ready for the next */
		if (req->status == 0)
			assert_true(req->target >= copy &&
			    req->target + req->target_len <= copy + req->size);
		req->target = text + (req->target ? req->target - copy : 0);
	}
	free(copy);
	return whole;
}

static void
expect_status(const char *text, int status)
{
	struct http_request req;

	if (!parse(text, strlen(text), &req))
		fail_msg("not whole: '%s'", text);
	if (req.status != status)
		fail_msg("%d, not %d: '%s'", req.status, status, text);
}

static void
requests_are_understood(void **state)
{
	struct http_request req;
	const char *text = "GET /a/b?c HTTP/1.1\r\nHost: x\r\n\r\nGET";

	(void)state;
	assert_true(parse(text, strlen(text), &req));
	assert_int_equal(req.status, 0);
	assert_int_equal(req.target_len, 6);
	assert_memory_equal(req.target, "/a/b?c", 6);
	assert_int_equal(req.size, strlen(text) - 3);
	assert_false(req.head);
	assert_true(req.keep);
	expect_status("\r\n\r\nHEAD * HTTP/1.1\r\nHost:\r\n\r\n", 0);
	expect_status("GET / HTTP/1.9\r\nhost:x\r\nA: \t b \t\r\n\r\n", 0);
	expect_status("GET / HTTP/1.0\r\n\r\n", 0);
	expect_status("GET / HTTP/1.0\r\nContent-Length: 0\r\n\r\n", 0);
}

static void
keep_alive_follows_version_and_field(void **state)
{
	/* clang-format off */
	static const struct {
		const char *text;
		bool keep;
	} cases[] = {
		{ "GET / HTTP/1.1\r\nHost: x\r\n\r\n", true },
		{ "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
		    false },
		{ "GET / HTTP/1.1\r\nHost: x\r\nConnection: a , CLOSE ,b\r\n"
		  "\r\n", false },
		{ "GET / HTTP/1.1\r\nHost: x\r\nConnection: closed\r\n\r\n",
		    true },
		{ "GET / HTTP/1.0\r\n\r\n", false },
		{ "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true },
		{ "GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n",
		    false },
		{ "POST / HTTP/1.1\r\nHost: x\r\n\r\n", false },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct http_request req;

		assert_true(parse(cases[i].text, strlen(cases[i].text), &req));
		if (req.keep != cases[i].keep)
			fail_msg("'%s'", cases[i].text);
	}
}

static void
the_malformed_is_refused(void **state)
{
	(void)state;
	expect_status("GET\r\n\r\n", 400);
	expect_status(" GET / HTTP/1.1\r\nHost: x\r\n\r\n", 400);
	expect_status("GET / HTTP/1.1\r\nHost: x\r\nA\r\n\r\n", 400);
	expect_status("GET / HTTP/1.1\r\nHost: x\r\n: b\r\n\r\n", 400);
	expect_status("GET / HTTP/1.1\r\nHost: x\r\nA : b\r\n\r\n", 400);
	expect_status("GET / HTTP/1.1\r\nHost: x\r\nA: b\x01\r\n\r\n", 400);
	expect_status("GET / HTTP/1.1\r\nHost: x\nA: b\r\n\r\n", 400);
	expect_status("GET / HTTP/1.1\r\nHost: x\rA: b\r\n\r\n", 400);
	expect_status("GET /\t HTTP/1.1\r\nHost: x\r\n\r\n", 400);
	expect_status("GET / http/1.1\r\nHost: x\r\n\r\n", 400);
	expect_status("GET / HTTP/1.10\r\nHost: x\r\n\r\n", 400);
	expect_status("GET / HTTP/11\r\nHost: x\r\n\r\n", 400);
	expect_status("GET / HTTP/1.1\r\nHost: x\r\n"
		      "Content-Length: 00\r\n\r\n",
	    400);
	expect_status("GET / HTTP/0.9\r\n\r\n", 505);
	expect_status("get / HTTP/1.1\r\nHost: x\r\n\r\n", 405);
}

static void
cut_anywhere_it_is_found_at_its_last_byte(void **state)
{
	const char *text = "\r\nGET /some/path HTTP/1.1\r\nHost: somewhere\r\n"
			   "Accept: */*\r\nX: \t\r\n\r\n";
	size_t len = strlen(text);
	struct http_request req;

	(void)state;
	for (size_t n = 0; n < len; n++)
		assert_false(parse(text, n, &req));
	assert_true(parse(text, len, &req));
	assert_int_equal(req.status, 0);
	/* The same, remembering how far it was looked through. */
	for (size_t step = 1; step < len; step++) {
		size_t seen = 0, n = 0;

		while (n + step < len) {
			n += step;
			assert_false(http_parse(text, n, &seen, &req));
		}
		assert_true(http_parse(text, len, &seen, &req));
		assert_int_equal(req.status, 0);
		assert_int_equal(req.size, len);
	}
}

static void
noise_is_survived(void **state)
{
	static const char *const bits[] = { "GET ", "/", " HTTP/1.1", "\r\n",
		"\r\n\r\n", "Host: x", ":", " ", "\r", "\n", "\t", ",",
		"Connection:", "close", "\x80", "HEAD ", "1",
		"Content-Length" };
	const unsigned kinds = sizeof bits / sizeof *bits;
	uint64_t x = 0x9e3779b97f4a7c15u; /* xorshift */
	unsigned whole = 0;

	(void)state;
	for (int round = 0; round < 100000; round++) {
		struct http_request req;
		char text[256];
		size_t len = 0;

		while (len + 16 < sizeof text) {
			const char *bit;

			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			if (x % 29 == 0)
				break;
			bit = bits[x / 29 % kinds];
			memcpy(text + len, bit, strlen(bit));
			len += strlen(bit);
		}
		whole += parse(text, len, &req);
	}
	assert_true(whole > 1000); /* else it was all the same noise */
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_understood),
		cmocka_unit_test(keep_alive_follows_version_and_field),
		cmocka_unit_test(the_malformed_is_refused),
		cmocka_unit_test(cut_anywhere_it_is_found_at_its_last_byte),
		cmocka_unit_test(noise_is_survived),
	};

	return cmocka_run_group_tests_name("http", tests, NULL, NULL);
}
