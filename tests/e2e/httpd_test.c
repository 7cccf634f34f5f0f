/* SPDX-License-Identifier: MIT
 *
 * httpd_test.c - examples/httpd from the outside, on the heap and the wheel.
 * Claims: it answers HTTP, piecemeal and pipelined, and refuses what is not;
 * no deadline closes a connection early, none is more than 2 s late on a
 * machine that has other things to do, and only what should push it does; a
 * request that came before its deadline is answered, however late the server
 * gets round to it;
 * without descriptors it waits and does not spin; it ends cleanly, and then
 * starts = fires + stops + live, with as many timeouts as there were.
 *
 * The real clock, since it is a real program. An instant that begins a
 * deadline is taken before the byte is sent, one that ends it after the end
 * was seen, so that "early" needs no tolerance.
 * Rows     G12
 */
#define _GNU_SOURCE
#include "tools/pick.h"
#include "tools/common/proc.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/support/cm.h"

enum { LATE_MS = 2000, ANSWER_MS = 5000 };

static const char *httpd; /* path of the program */

struct server {
	const char *backend;
	struct proc proc;
	unsigned port;
	char json[4096];
};

static struct server server; /* of the test under way */

/*
 * The server.
 */

/* With options up to a NULL. */
static void
server_begin(void (*child)(void), ...)
{
	const char *argv[24] = { httpd, "--quiet", "--threads", "2",
		"--backend", server.backend };
	unsigned n = 6;
	char line[64];
	va_list ap;

	va_start(ap, child);
	do {
		assert_true(n < sizeof argv / sizeof *argv);
		argv[n] = va_arg(ap, const char *);
	} while (argv[n++]);
	va_end(ap);
	assert_int_equal(proc_create(&server.proc, argv, false, child), 0);
	assert_true(
	    proc_read(&server.proc, line, sizeof line, false, ANSWER_MS) > 0);
	assert_int_equal(sscanf(line, "port %u\n", &server.port), 1);
}

static double
total(const char *group, const char *key)
{
	double v = pick_number(server.json, group, key);

	if (v < 0)
		fail_msg("no %s in %s", key, server.json);
	return v;
}

/* End it by @sig; what holds of every run is checked here. */
static void
server_end(int sig)
{
	pid_t pid = server.proc.pid;
	ssize_t n;

	assert_int_equal(kill(pid, sig), 0);
	n = proc_read(
	    &server.proc, server.json, sizeof server.json, true, ANSWER_MS);
	server.proc.pid = 0;
	assert_int_equal(
	    proc_destroy(&(struct proc){ pid, server.proc.out }, ANSWER_MS), 0);
	assert_true(n > 2);
	/* one line */
	assert_ptr_equal(strchr(server.json, '\n'), server.json + n - 1);
	assert_true(total("rota", "starts") ==
	    total("rota", "fires") + total("rota", "stops") +
		total("rota", "live"));
	assert_true(total("rota", "live") == 0);
	assert_true(total(NULL, "open") == 0);
	assert_true(total(NULL, "early") == 0);
	assert_true(total("late_us", "p50") <= total("late_us", "p99"));
	assert_true(total("late_us", "p99") <= total("late_us", "max"));
}

static void
expect_timeouts(unsigned header, unsigned idle, unsigned write, unsigned whole)
{
	assert_int_equal((unsigned)total("timeouts", "header"), header);
	assert_int_equal((unsigned)total("timeouts", "idle"), idle);
	assert_int_equal((unsigned)total("timeouts", "write"), write);
	assert_int_equal((unsigned)total("timeouts", "total"), whole);
}

static int
setup(void **state)
{
	memset(&server, 0, sizeof server);
	server.backend = *state;
	return 0;
}

/* Of a test that failed half way. */
static int
teardown(void **state)
{
	(void)state;
	if (server.proc.pid > 0) {
		kill(server.proc.pid, SIGKILL);
		proc_destroy(&server.proc, ANSWER_MS);
	}
	return 0;
}

/*
 * A peer.
 */

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000) + ts.tv_nsec / 1000000;
}

/* Rounded down like the above: a span between two instants is known to less
 * than 1 ms, too short or too long. So compare in ns where it matters. */
static int64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

static void
nap_ms(int ms)
{
	poll(NULL, 0, ms);
}

static int
peer_open(void)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)server.port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof addr), 0);
	return fd;
}

static void
peer_say(int fd, const char *what)
{
	size_t len = strlen(what);

	assert_true(send(fd, what, len, MSG_NOSIGNAL) == (ssize_t)len);
}

/* What comes within @ms; -1: nothing does. 0: the end, also by a reset. */
static ssize_t
peer_read(int fd, char *buf, size_t size, int ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	ssize_t n;

	if (poll(&pfd, 1, ms) <= 0)
		return -1;
	n = recv(fd, buf, size, 0);
	if (n < 0)
		assert_int_equal(errno, ECONNRESET);
	return n < 0 ? 0 : n;
}

/* One answer, into @buf, with its body unless @head. Reads not a byte more.
 * Returns its status. */
static int
peer_answer(int fd, char *buf, size_t size, int head)
{
	size_t len = 0, body = 0;
	const char *field;
	int status;

	while (len < 4 || memcmp(buf + len - 4, "\r\n\r\n", 4) != 0) {
		assert_true(len + 1 < size);
		assert_true(peer_read(fd, buf + len, 1, ANSWER_MS) == 1);
		len++;
	}
	buf[len] = '\0';
	assert_int_equal(sscanf(buf, "HTTP/1.1 %d ", &status), 1);
	field = strstr(buf, "\r\nContent-Length: ");
	assert_non_null(field);
	body = strtoul(field + strlen("\r\nContent-Length: "), NULL, 10);
	for (size_t i = 0; !head && i < body; i++, len++) {
		assert_true(len + 1 < size);
		assert_true(peer_read(fd, buf + len, 1, ANSWER_MS) == 1);
	}
	buf[len] = '\0';
	return status;
}

/* Waits for its end and closes it. Returns the instant, ns. */
static int64_t
peer_end(int fd)
{
	char buf[4096];
	ssize_t n;
	int64_t now;

	do
		n = peer_read(fd, buf, sizeof buf, 10000);
	while (n > 0);
	now = now_ns();
	close(fd);
	assert_true(n == 0);
	return now;
}

static void
expect_after(int64_t end, int64_t begin, int ms)
{
	int64_t late = end - begin - ms * INT64_C(1000000);

	if (late < 0)
		fail_msg("%lld ns early", -(long long)late);
	if (late > LATE_MS * INT64_C(1000000))
		fail_msg("%lld ms late", (long long)(late / 1000000));
}

#define REQUEST "GET / HTTP/1.1\r\nHost: test\r\n\r\n"

/*
 * HTTP.
 */

static void
answers_get_and_head_and_keeps_the_connection(void **state)
{
	char buf[4096];
	int fd;

	(void)state;
	server_begin(NULL, NULL);
	fd = peer_open();
	peer_say(fd, REQUEST);
	assert_int_equal(peer_answer(fd, buf, sizeof buf, 0), 200);
	assert_non_null(strstr(buf, "\r\n\r\nrota.\n"));
	peer_say(fd, "HEAD / HTTP/1.1\r\nHost: test\r\n\r\n");
	assert_int_equal(peer_answer(fd, buf, sizeof buf, 1), 200);
	assert_non_null(strstr(buf, "Content-Length: 6\r\n"));
	peer_say(fd, "GET /nowhere HTTP/1.1\r\nHost: test\r\n\r\n");
	assert_int_equal(peer_answer(fd, buf, sizeof buf, 0), 404);
	peer_say(fd, "GET /stats HTTP/1.1\r\nhOST:test\r\n\r\n");
	assert_int_equal(peer_answer(fd, buf, sizeof buf, 0), 200);
	snprintf(
	    server.json, sizeof server.json, "%s", strstr(buf, "\r\n\r\n"));
	assert_true(total(NULL, "requests") == 4);
	assert_true(total(NULL, "open") == 1);
	assert_true(total("rota", "live") >= 2); /* idle and total */
	/* Byte by byte, over several reads. */
	for (const char *c = REQUEST; *c; c++) {
		peer_say(fd, (char[]){ *c, '\0' });
		if (c - REQUEST < 20)
			nap_ms(2);
	}
	assert_int_equal(peer_answer(fd, buf, sizeof buf, 0), 200);
	/* Asked to close, it answers and closes. */
	peer_say(fd,
	    "GET / HTTP/1.1\r\nHost: t\r\nConnection: x, Close\r\n"
	    "\r\n");
	assert_int_equal(peer_answer(fd, buf, sizeof buf, 0), 200);
	assert_non_null(strstr(buf, "\r\nConnection: close\r\n"));
	peer_end(fd);
	/* So it does for HTTP/1.0, which needs no Host. */
	fd = peer_open();
	peer_say(fd, "GET / HTTP/1.0\r\n\r\n");
	assert_int_equal(peer_answer(fd, buf, sizeof buf, 0), 200);
	peer_end(fd);
	server_end(SIGTERM);
	assert_true(total(NULL, "connections") == 2);
	assert_true(total(NULL, "requests") == 7);
	assert_true(total(NULL, "refused") == 0);
	expect_timeouts(0, 0, 0, 0);
}

static void
answers_pipelined_requests_in_order(void **state)
{
	static char many[64 * 1024];
	char buf[4096], path[64];
	size_t len = 0, sent = 0;
	int fd, n = 400;

	(void)state;
	server_begin(NULL, NULL);
	fd = peer_open();
	for (int i = 0; i < n; i++)
		len += (size_t)snprintf(many + len, sizeof many - len,
		    "%s %s HTTP/1.1\r\nHost: test\r\n\r\n",
		    i % 3 == 1 ? "HEAD" : "GET", i % 2 ? "/none" : "/");
	assert_true(len < sizeof many);
	/* In pieces that end anywhere; answers wait in the sockets. */
	for (size_t piece = 1; sent < len; piece = piece * 7 % 1009 + 1) {
		size_t part = piece < len - sent ? piece : len - sent;

		assert_true(
		    send(fd, many + sent, part, MSG_NOSIGNAL) == (ssize_t)part);
		sent += part;
	}
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof path, "answer %d", i);
		if (peer_answer(fd, buf, sizeof buf, i % 3 == 1) !=
		    (i % 2 ? 404 : 200))
			fail_msg("%s: %s", path, buf);
	}
	close(fd);
	server_end(SIGINT);
	assert_true(total(NULL, "requests") == n);
}

static void
refuses_what_is_no_request(void **state)
{
	static const struct {
		int status;
		const char *text;
	} bad[] = {
		/* clang-format off */
		{ 400, "\x16\x03\x01 hello\r\n\r\n" },
		{ 400, "GET\r\n\r\n" },
		{ 400, "GET /\r\n\r\n" },
		{ 400, "GET  HTTP/1.1\r\nHost: t\r\n\r\n" },
		{ 400, "GET / HTTP/1.1 \r\nHost: t\r\n\r\n" },
		{ 400, "GET / HTTP/1.1\r\n\r\n" }, /* no host */
		{ 400, "GET / HTTP/1.1\r\nHost: t\r\nHost: u\r\n\r\n" },
		{ 400, "GET / HTTP/1.1\r\nHost : t\r\n\r\n" },
		{ 400, "GET / HTTP/1.1\r\nHost: t\r\n folded\r\n\r\n" },
		{ 400, "GET / HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n"
		       "\r\nhello" },
		{ 400, "GET / HTTP/1.1\r\nHost: t\r\n"
		       "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" },
		{ 405, "POST / HTTP/1.1\r\nHost: t\r\n\r\n" },
		{ 505, "GET / HTTP/2.0\r\nHost: t\r\n\r\n" },
		/* clang-format on */
	};
	static char big[8192];
	char buf[4096];
	unsigned n = sizeof bad / sizeof *bad;
	int fd;

	(void)state;
	server_begin(NULL, NULL);
	for (unsigned i = 0; i < n; i++) {
		fd = peer_open();
		peer_say(fd, bad[i].text);
		if (peer_answer(fd, buf, sizeof buf, 0) != bad[i].status)
			fail_msg("'%s' got '%s'", bad[i].text, buf);
		peer_end(fd);
	}
	/* What comes after a bad one is not answered. That some of it was
	 * never read does not cut the answer off: it ends by a close, not by
	 * a reset. */
	memset(big, '\n', sizeof big - 1);
	memcpy(big, "BAD\r\n\r\n" REQUEST REQUEST,
	    strlen("BAD\r\n\r\n" REQUEST REQUEST));
	fd = peer_open();
	peer_say(fd, big);
	assert_int_equal(peer_answer(fd, buf, sizeof buf, 0), 400);
	peer_say(fd, REQUEST);
	assert_int_equal(recv(fd, buf, sizeof buf, 0), 0);
	close(fd);
	memset(big, 'x', sizeof big - 1);
	memcpy(big, "GET /", 5);
	fd = peer_open();
	peer_say(fd, big);
	assert_int_equal(peer_answer(fd, buf, sizeof buf, 0), 431);
	close(fd);
	server_end(SIGTERM);
	assert_true(total(NULL, "refused") == n + 2);
	expect_timeouts(0, 0, 0, 0);
}

/*
 * Deadlines.
 */

static void
a_drip_does_not_push_the_header_deadline(void **state)
{
	const char *text = "GET / HTTP/1.1\r\nHost: a-name-of-some-length\r\n";
	char buf[64];
	int64_t begin, end = 0;
	int fd;

	(void)state;
	server_begin(NULL, "--header-ms", "450", "--idle-ms", "2000", NULL);
	fd = peer_open();
	nap_ms(200); /* only from the first byte */
	begin = now_ns();
	for (int i = 0; !end && text[i]; i++) {
		ssize_t n;

		/* It may be reset between the look and the send. */
		if (send(fd, text + i, 1, MSG_NOSIGNAL) < 0)
			assert_true(errno == EPIPE || errno == ECONNRESET);
		n = peer_read(fd, buf, sizeof buf, 100);
		if (n == 0)
			end = now_ns();
	}
	assert_true(end > 0);
	expect_after(end, begin, 450);
	close(fd);
	server_end(SIGTERM);
	expect_timeouts(1, 0, 0, 0);
}

static void
the_header_deadline_is_of_one_request(void **state)
{
	char buf[4096];
	int64_t begin = 0;
	int fd;

	(void)state;
	server_begin(NULL, "--header-ms", "1000", "--idle-ms", "4000", NULL);
	fd = peer_open();
	/* Five requests that take 250 ms each, the next one's first bytes in
	 * the packet of the last one's end; then only half of one. */
	peer_say(fd, "GET / HT");
	for (int i = 0; i < 5; i++) {
		nap_ms(250);
		begin = now_ns();
		peer_say(fd, "TP/1.1\r\nHost: test\r\n\r\nGET / HT");
		assert_int_equal(peer_answer(fd, buf, sizeof buf, 0), 200);
	}
	expect_after(peer_end(fd), begin, 1000);
	server_end(SIGTERM);
	assert_true(total(NULL, "requests") == 5);
	expect_timeouts(1, 0, 0, 0);
}

static void
idle_connections_are_closed_on_time(void **state)
{
	char buf[4096];
	int64_t begin[3];
	int fd[3];

	(void)state;
	server_begin(NULL, "--idle-ms", "400", "--header-ms", "3000", NULL);
	for (int i = 0; i < 3; i++) {
		begin[i] = now_ns();
		fd[i] = peer_open();
	}
	/* One says nothing, one half a head, one a request. */
	begin[1] = now_ns();
	peer_say(fd[1], "GET / HTTP/1.1\r\n");
	begin[2] = now_ns();
	peer_say(fd[2], REQUEST);
	assert_int_equal(peer_answer(fd[2], buf, sizeof buf, 0), 200);
	for (int i = 0; i < 3; i++)
		expect_after(peer_end(fd[i]), begin[i], 400);
	server_end(SIGTERM);
	expect_timeouts(0, 3, 0, 0);
}

static void
every_request_pushes_the_idle_deadline(void **state)
{
	char buf[4096];
	int64_t begin, last = 0;
	int fd, rounds = 0;

	(void)state;
	server_begin(NULL, "--idle-ms", "1000", NULL);
	fd = peer_open();
	begin = now_ms();
	/* Longer than the deadline, in steps of a fifth. */
	while (now_ms() - begin < 1400) {
		last = now_ns();
		peer_say(fd, REQUEST);
		assert_int_equal(peer_answer(fd, buf, sizeof buf, 0), 200);
		rounds++;
		nap_ms(200);
	}
	expect_after(peer_end(fd), last, 1000);
	server_end(SIGTERM);
	assert_true(total(NULL, "requests") == rounds);
	assert_true(total("rota", "pushes") >= rounds);
	expect_timeouts(0, 1, 0, 0);
}

static void
the_write_deadline_cuts_a_peer_that_does_not_read(void **state)
{
	static char many[60000];
	size_t len = 0;
	int64_t begin = now_ns(), end = begin;
	struct pollfd pfd;
	int fd, small = 4096, reset = 0;

	(void)state;
	server_begin(NULL, "--write-ms", "400", "--idle-ms", "60000",
	    "--header-ms", "60000", NULL);
	while (len + sizeof REQUEST < sizeof many) {
		memcpy(many + len, REQUEST, sizeof REQUEST - 1);
		len += sizeof REQUEST - 1;
	}
	fd = peer_open();
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
	/* Fill all buffers on the way; go on until it is cut. */
	pfd = (struct pollfd){ .fd = fd, .events = POLLOUT };
	while (!reset && end - begin < 10000 * INT64_C(1000000)) {
		if (poll(&pfd, 1, 100) > 0 &&
		    send(fd, many, len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 &&
		    errno != EAGAIN)
			reset = errno == ECONNRESET || errno == EPIPE;
		end = now_ns();
	}
	assert_true(reset);
	assert_true(end - begin >= 400 * INT64_C(1000000));
	close(fd);
	server_end(SIGTERM);
	expect_timeouts(0, 0, 1, 0);
}

static void
a_peer_that_reads_late_gets_every_answer(void **state)
{
	static char many[1 << 20], buf[1 << 16];
	size_t len = 0, sent = 0;
	unsigned long long want, got = 0;
	unsigned requests = 0;
	int fd;

	(void)state;
	server_begin(NULL, "--write-ms", "20000", "--idle-ms", "20000", NULL);
	while (len + sizeof REQUEST < sizeof many) {
		memcpy(many + len, REQUEST, sizeof REQUEST - 1);
		len += sizeof REQUEST - 1;
		requests++;
	}
	fd = peer_open();
	peer_say(fd, REQUEST);
	want = 0;
	{
		ssize_t n = peer_read(fd, buf, sizeof buf, ANSWER_MS);

		assert_true(n > 0);
		want = (unsigned long long)n * requests;
	}
	/* Send until nothing more goes for a while: the server waits. */
	while (sent < len) {
		struct pollfd pfd = { .fd = fd, .events = POLLOUT };
		ssize_t n;

		if (poll(&pfd, 1, 50) == 0)
			break;
		n = send(
		    fd, many + sent, len - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n > 0)
			sent += (size_t)n;
	}
	/* Then read, and send the rest. */
	while (got < want) {
		struct pollfd pfd = { .fd = fd,
			.events = sent < len ? POLLIN | POLLOUT : POLLIN };
		ssize_t n;

		assert_true(poll(&pfd, 1, ANSWER_MS) > 0);
		if (pfd.revents & POLLOUT) {
			n = send(fd, many + sent, len - sent,
			    MSG_NOSIGNAL | MSG_DONTWAIT);
			if (n > 0)
				sent += (size_t)n;
		}
		if (pfd.revents & POLLIN) {
			n = recv(fd, buf, sizeof buf, MSG_DONTWAIT);
			assert_true(n > 0);
			got += (unsigned long long)n;
		}
	}
	assert_true(got == want);
	close(fd);
	server_end(SIGTERM);
	assert_true(total(NULL, "requests") == requests + 1);
	expect_timeouts(0, 0, 0, 0);
}

static void
the_total_deadline_cuts_a_busy_connection(void **state)
{
	char buf[256];
	int64_t begin, end = 0;
	int fd;

	(void)state;
	server_begin(NULL, "--total-ms", "500", "--idle-ms", "5000", NULL);
	begin = now_ns();
	fd = peer_open();
	while (!end) {
		if (send(fd, REQUEST, sizeof REQUEST - 1, MSG_NOSIGNAL) < 0)
			assert_true(errno == EPIPE || errno == ECONNRESET);
		if (peer_read(fd, buf, sizeof buf, ANSWER_MS) == 0)
			end = now_ns();
		nap_ms(20);
	}
	expect_after(end, begin, 500);
	close(fd);
	server_end(SIGTERM);
	expect_timeouts(0, 0, 0, 1);
}

/* The loop stands still for @ms, from 100 ms before @peers requests come: as
 * long as a blocking call, a swap-in or a stopped machine makes it. Each peer
 * was answered just before, and its idle deadline is later than its request.
 */
static void
expect_answers_after_a_stall(int peers, const char *threads)
{
	enum { IDLE_MS = 1000, STALL_MS = 1600 };
	static int64_t last[600], sent[600];
	static int fd[600];
	char buf[4096];
	int in_time = 0, answered = 0;

	assert_true(peers <= (int)CM_COUNT(fd));
	server_begin(NULL, "--idle-ms", "1000", "--threads", threads, NULL);
	for (int i = 0; i < peers; i++)
		fd[i] = -1;
	/* Connecting takes a while: those that came first are heard again. */
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < peers; i++) {
			if (fd[i] < 0)
				fd[i] = peer_open();
			last[i] = now_ns();
			peer_say(fd[i], REQUEST);
			assert_int_equal(
			    peer_answer(fd[i], buf, sizeof buf, 0), 200);
		}
	}
	assert_int_equal(kill(server.proc.pid, SIGSTOP), 0);
	nap_ms(100);
	for (int i = 0; i < peers; i++) {
		peer_say(fd[i], REQUEST);
		sent[i] = now_ns();
	}
	nap_ms(STALL_MS - 100);
	assert_int_equal(kill(server.proc.pid, SIGCONT), 0);
	for (int i = 0; i < peers; i++) {
		bool due = sent[i] - last[i] < IDLE_MS * INT64_C(1000000);
		bool got = peer_read(fd[i], buf, sizeof buf, ANSWER_MS) > 0;

		in_time += due;
		answered += due && got;
		close(fd[i]);
	}
	if (answered != in_time)
		fail_msg("%d of %d requests that came in time were answered",
		    answered, in_time);
	if (in_time < peers)
		print_message("%d of %d were too late\n", peers - in_time,
		    peers); /* a machine with much else to do */
	server_end(SIGTERM);
}

static void
what_came_in_time_is_answered_after_a_stall(void **state)
{
	(void)state;
	expect_answers_after_a_stall(200, "2");
}

static void
so_is_what_did_not_fit_in_the_event_array(void **state)
{
	(void)state;
	expect_answers_after_a_stall(600, "1");
}

static void
slow_peers_do_not_keep_others_from_their_answers(void **state)
{
	enum { SLOW = 500 };
	int64_t begin[SLOW];
	int fd[SLOW], good;
	char buf[4096];

	(void)state;
	server_begin(NULL, "--header-ms", "600", "--idle-ms", "5000", NULL);
	good = peer_open();
	for (int i = 0; i < SLOW; i++) {
		fd[i] = peer_open();
		begin[i] = now_ns();
		peer_say(fd[i], "GET / HTTP/1.1\r\nX-Slow: ");
	}
	for (int i = 0; i < 50; i++) {
		peer_say(good, REQUEST);
		assert_int_equal(peer_answer(good, buf, sizeof buf, 0), 200);
	}
	/* Each is looked at as it ends: a later one's end may be seen late,
	 * but not too early, and the server's own figures follow. */
	for (int i = 0; i < SLOW; i++)
		expect_after(peer_end(fd[i]), begin[i], 600);
	peer_say(good, REQUEST);
	assert_int_equal(peer_answer(good, buf, sizeof buf, 0), 200);
	close(good);
	server_end(SIGTERM);
	expect_timeouts(SLOW, 0, 0, 0);
	assert_true(total("late_us", "max") < LATE_MS * 1000);
}

static void
forbid_epoll_pwait2(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_epoll_pwait2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = sizeof code / sizeof *code,
		.filter = code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		_exit(99);
}

static void
without_epoll_pwait2_deadlines_hold(void **state)
{
	char buf[4096];
	int64_t begin;
	int fd;

	(void)state;
	server_begin(forbid_epoll_pwait2, "--idle-ms", "300", NULL);
	fd = peer_open();
	begin = now_ns();
	peer_say(fd, REQUEST);
	assert_int_equal(peer_answer(fd, buf, sizeof buf, 0), 200);
	expect_after(peer_end(fd), begin, 300);
	server_end(SIGTERM);
	expect_timeouts(0, 1, 0, 0);
	/* Waking up once too early for a deadline is a poll or two more. */
	assert_true(total("rota", "polls") < 100);
}

/*
 * Limits.
 */

static void
few_descriptors(void)
{
	struct rlimit lim = { .rlim_cur = 30, .rlim_max = 30 };

	if (setrlimit(RLIMIT_NOFILE, &lim) < 0)
		_exit(99);
}

/* Processor time of the server, ms. */
static long
server_cpu_ms(void)
{
	char path[64], line[1024];
	unsigned long user, system;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)server.proc.pid);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_non_null(fgets(line, sizeof line, f));
	fclose(f);
	assert_int_equal(sscanf(strrchr(line, ')'),
			     ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u "
			     "%lu %lu",
			     &user, &system),
	    2);
	return (long)(user + system) * 1000 / sysconf(_SC_CLK_TCK);
}

/* Takes the answers that have come and closes those connections. */
static int
answer_ready(struct pollfd *pfd, int peers)
{
	char buf[4096];
	int answered = 0;

	for (int i = 0; i < peers; i++) {
		if (pfd[i].fd < 0 || poll(&pfd[i], 1, 0) != 1)
			continue;
		assert_int_equal(
		    peer_answer(pfd[i].fd, buf, sizeof buf, 0), 200);
		close(pfd[i].fd);
		pfd[i].fd = -1;
		answered++;
	}
	return answered;
}

/* More peers than fit: those that do are answered, the rest waits, without
 * a spin, and is answered once there is room. */
static void
expect_waiting(int peers)
{
	struct pollfd pfd[64];
	int answered;
	long cpu;

	assert_true(peers <= 64);
	for (int i = 0; i < peers; i++) {
		pfd[i] = (struct pollfd){ .fd = peer_open(), .events = POLLIN };
		peer_say(pfd[i].fd, REQUEST); /* the kernel has accepted */
	}
	nap_ms(100);
	cpu = server_cpu_ms();
	nap_ms(600);
	cpu = server_cpu_ms() - cpu;
	if (cpu > 200)
		fail_msg("%ld ms of processor time in 600 ms of waiting", cpu);
	answered = poll(pfd, (nfds_t)peers, 0);
	assert_true(answered > 0);
	assert_true(answered < peers);
	/* Two threads accept: in any order. */
	for (answered = 0; answered < peers;
	     answered += answer_ready(pfd, peers))
		assert_true(poll(pfd, (nfds_t)peers, ANSWER_MS) > 0);
}

static void
without_descriptors_accepting_waits_and_does_not_spin(void **state)
{
	(void)state;
	server_begin(few_descriptors, NULL);
	expect_waiting(40);
	server_end(SIGTERM);
	assert_true(total(NULL, "accept_pauses") > 0);
	/* one each 20 ms, on each of two threads, and some */
	assert_true(total(NULL, "accept_pauses") < 2000);
	assert_true(total(NULL, "connections") == 40);
}

static void
max_conns_is_kept(void **state)
{
	(void)state;
	server_begin(NULL, "--max-conns", "5", NULL);
	expect_waiting(12);
	server_end(SIGTERM);
	assert_true(total(NULL, "accept_pauses") > 0);
	assert_true(total(NULL, "connections") == 12);
}

static void
ends_cleanly_with_connections_open(void **state)
{
	int fd[20];

	(void)state;
	server_begin(NULL, NULL);
	for (int i = 0; i < 20; i++) {
		fd[i] = peer_open();
		peer_say(fd[i], i % 2 ? REQUEST : "GET / HT");
	}
	nap_ms(100);
	server_end(SIGTERM);
	for (int i = 0; i < 20; i++)
		peer_end(fd[i]);
	expect_timeouts(0, 0, 0, 0);
	assert_true(total("rota", "stops") >= 40); /* idle and total, each */
}

static void
bad_options_are_told_and_end_with_2(void **state)
{
	/* clang-format off */
	static const char *const bad[][3] = {
		{ "--backend", "list" },
		{ "--port", "65536" },
		{ "--port", "-1" },
		{ "--threads", "0" },
		{ "--idle-ms", "1x" },
		{ "--idle-ms", "" },
		{ "--nonsense" },
		{ "nonsense" },
	};
	/* clang-format on */

	(void)state;
	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
		const char *argv[] = { httpd, bad[i][0], bad[i][1], NULL };
		struct proc p;

		assert_int_equal(proc_create(&p, argv, true, NULL), 0);
		assert_int_equal(proc_destroy(&p, ANSWER_MS), 2);
	}
}

/* clang-format off */
#define BOTH(f) \
	{ #f " (heap)", f, setup, teardown, heap }, \
	{ #f " (wheel)", f, setup, teardown, wheel }
#define EACH(f) \
	BOTH(f), { #f " (coarse)", f, setup, teardown, coarse }
/* clang-format on */

int
main(int argc, char **argv)
{
	static char heap[] = "heap", wheel[] = "wheel", coarse[] = "coarse";
	const struct CMUnitTest tests[] = {
		BOTH(answers_get_and_head_and_keeps_the_connection),
		BOTH(answers_pipelined_requests_in_order),
		BOTH(refuses_what_is_no_request),
		BOTH(a_drip_does_not_push_the_header_deadline),
		BOTH(the_header_deadline_is_of_one_request),
		BOTH(idle_connections_are_closed_on_time),
		BOTH(every_request_pushes_the_idle_deadline),
		BOTH(the_write_deadline_cuts_a_peer_that_does_not_read),
		BOTH(a_peer_that_reads_late_gets_every_answer),
		BOTH(the_total_deadline_cuts_a_busy_connection),
		EACH(what_came_in_time_is_answered_after_a_stall),
		EACH(so_is_what_did_not_fit_in_the_event_array),
		BOTH(slow_peers_do_not_keep_others_from_their_answers),
		BOTH(without_epoll_pwait2_deadlines_hold),
		BOTH(without_descriptors_accepting_waits_and_does_not_spin),
		BOTH(max_conns_is_kept),
		BOTH(ends_cleanly_with_connections_open),
		cmocka_unit_test(bad_options_are_told_and_end_with_2),
	};

	if (argc != 2) {
		fputs("usage: httpd_test path-of-httpd\n", stderr);
		return 2;
	}
	httpd = argv[1];
	return cmocka_run_group_tests_name("httpd", tests, NULL, NULL);
}
