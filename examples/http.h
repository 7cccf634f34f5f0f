/* SPDX-License-Identifier: MIT
 *
 * http.h - the head of one HTTP/1 request, as far as httpd.c needs it.
 *
 * No memory, no descriptors: bytes in, an answer out, so that it can be
 * tested and fuzzed alone. Strict where leniency lets two parties disagree
 * on where a request ends (RFC 9112): lines end in CRLF, no folded fields, no
 * space before a colon, no bodies.
 */
#ifndef EXAMPLES_HTTP_H
#define EXAMPLES_HTTP_H

#include <stdbool.h>
#include <stddef.h>

struct http_request {
	const char *target; /* in the caller's buffer, not terminated */
	size_t target_len;
	size_t size; /* bytes of the request: its head, as it has no body */
	int status;  /* 0: answer it; else 400, 405, 505: refuse and close */
	bool head;   /* HEAD, not GET */
	bool keep;   /* the connection goes on after the answer */
};

/* http_parse - the request that @buf begins with.
 *
 * @seen is the caller's, one for each request, 0 at first: how far the end
 * was looked for, so that a request arriving byte by byte is not scanned from
 * its start each time.
 * Returns  true and *@req; false: not all of it is there.
 */
bool http_parse(
    const char *buf, size_t len, size_t *seen, struct http_request *req);

/* http_reason - the phrase of a status. */
const char *http_reason(int status);

#endif
