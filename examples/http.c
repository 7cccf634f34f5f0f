/* SPDX-License-Identifier: MIT
 *
 * http.c - a request's head is complete when an empty line ends it; it is
 * looked at once, then.
 */
#include "examples/http.h"

#include <string.h>
#include <strings.h>

/* Where the head ends, that is the byte after its empty line; 0: it does
 * not. CRLF pairs before the request line are no empty line (RFC 9112 2.2),
 * *@from is past them. */
static size_t
head_end(const char *buf, size_t len, size_t *from)
{
	size_t start = 0;

	while (len - start >= 2 && memcmp(buf + start, "\r\n", 2) == 0)
		start += 2;
	if (*from < start)
		*from = start;
	while (len - *from >= 4) {
		const char *cr = memchr(buf + *from, '\r', len - *from - 3);

		if (!cr) {
			*from = len - 3;
			break;
		}
		*from = (size_t)(cr - buf);
		if (memcmp(cr, "\r\n\r\n", 4) == 0) {
			size_t end = *from + 4;

			*from = start;
			return end;
		}
		++*from;
	}
	return 0;
}

/* A token of RFC 9110 5.6.2: what a method or a field name is made of. */
static bool
is_token(const char *s, size_t len)
{
	static const char more[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if ((c < '0' || c > '9') && (c < 'A' || c > 'Z') &&
		    (c < 'a' || c > 'z') && (!c || !strchr(more, c)))
			return false;
	}
	return len > 0;
}

static bool
is_word(const char *s, size_t len, const char *word)
{
	return len == strlen(word) && strncasecmp(s, word, len) == 0;
}

/* Is @word one of the comma-separated words of @s? */
static bool
lists_word(const char *s, size_t len, const char *word)
{
	const char *end = s + len;

	while (s < end) {
		const char *comma = memchr(s, ',', (size_t)(end - s));
		const char *stop = comma ? comma : end;
		const char *last = stop;

		while (s < last && (*s == ' ' || *s == '\t'))
			s++;
		while (s < last && (last[-1] == ' ' || last[-1] == '\t'))
			last--;
		if (is_word(s, (size_t)(last - s), word))
			return true;
		s = stop + 1;
	}
	return false;
}

/* GET /path HTTP/1.1 */
static int
parse_line(const char *s, size_t len, struct http_request *req, int *minor)
{
	const char *end = s + len;
	const char *space = memchr(s, ' ', len);
	const char *next;

	if (!space || !is_token(s, (size_t)(space - s)))
		return 400;
	req->target = space + 1;
	next = memchr(req->target, ' ', (size_t)(end - req->target));
	if (!next || next == req->target)
		return 400;
	req->target_len = (size_t)(next - req->target);
	for (const char *c = req->target; c < next; c++)
		if ((unsigned char)*c <= ' ' || *c == 0x7f)
			return 400;
	next++;
	if (end - next != 8 || memcmp(next, "HTTP/", 5) != 0 || next[5] < '0' ||
	    next[5] > '9' || next[6] != '.' || next[7] < '0' || next[7] > '9')
		return 400;
	if (next[5] != '1')
		return 505;
	*minor = next[7] - '0';
	req->head = space - s == 4 && memcmp(s, "HEAD", 4) == 0;
	if (!req->head && (space - s != 3 || memcmp(s, "GET", 3) != 0))
		return 405;
	return 0;
}

struct fields {
	unsigned hosts;
	bool close, keep;
};

/* Name: value */
static int
parse_field(const char *s, size_t len, struct fields *f)
{
	const char *colon = memchr(s, ':', len);
	size_t name_len, value_len;
	const char *value;

	if (!colon)
		return 400;
	name_len = (size_t)(colon - s);
	if (!is_token(s, name_len))
		return 400;
	value = colon + 1;
	value_len = len - name_len - 1;
	for (size_t i = 0; i < value_len; i++)
		if ((unsigned char)value[i] < ' ' && value[i] != '\t')
			return 400;
	while (value_len && (*value == ' ' || *value == '\t')) {
		value++;
		value_len--;
	}
	while (value_len &&
	    (value[value_len - 1] == ' ' || value[value_len - 1] == '\t'))
		value_len--;
	if (is_word(s, name_len, "host")) {
		f->hosts++;
	} else if (is_word(s, name_len, "connection")) {
		f->close |= lists_word(value, value_len, "close");
		f->keep |= lists_word(value, value_len, "keep-alive");
	} else if (is_word(s, name_len, "content-length")) {
		if (value_len != 1 || *value != '0')
			return 400; /* a body, or nonsense */
	} else if (is_word(s, name_len, "transfer-encoding")) {
		return 400;
	}
	return 0;
}

/* @s is a whole head less its empty line; each line of it ends in CRLF. */
static int
parse_head(const char *s, size_t len, struct http_request *req)
{
	struct fields f = { 0 };
	const char *end = s + len;
	int minor = 0;

	for (bool first = true; s < end; first = false) {
		const char *cr = memchr(s, '\r', (size_t)(end - s));
		size_t n;
		int status;

		if (!cr || cr + 1 == end || cr[1] != '\n')
			return 400;
		n = (size_t)(cr - s);
		status = first ? parse_line(s, n, req, &minor)
			       : parse_field(s, n, &f);
		if (status)
			return status;
		s = cr + 2;
	}
	if (minor >= 1 && f.hosts != 1)
		return 400;
	req->keep = minor >= 1 ? !f.close : f.keep && !f.close;
	return 0;
}

bool
http_parse(const char *buf, size_t len, size_t *seen, struct http_request *req)
{
	size_t end = head_end(buf, len, seen);

	if (!end)
		return false;
	memset(req, 0, sizeof *req);
	req->size = end;
	req->status = parse_head(buf + *seen, end - *seen - 2, req);
	if (req->status)
		req->keep = false;
	*seen = 0;
	return true;
}

const char *
http_reason(int status)
{
	switch (status) {
	case 200:
		return "OK";
	case 400:
		return "Bad Request";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 431:
		return "Request Header Fields Too Large";
	case 505:
		return "HTTP Version Not Supported";
	default:
		return "Error";
	}
}
