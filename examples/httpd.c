/* SPDX-License-Identifier: MIT
 *
 * httpd.c - an HTTP/1.1 keep-alive server whose connections carry deadlines.
 *
 * One thread, one epoll, one listener (SO_REUSEPORT) and one shard of rota
 * each. A connection embeds four timers, all of them touched by its own
 * thread only (ROTA_CONFINED):
 *
 *   header  absolute, from the first byte of a request to its last: a peer
 *           that drips bytes does not refresh it
 *   idle    pushed later by every packet, which is a store and no more
 *   write   absolute, from the moment an answer had to wait for the peer
 *   total   absolute, from the accept
 *
 * Invariant  state READING: idle runs, header iff a request is incomplete.
 *            WRITING, LINGERING: write runs, neither idle nor header does.
 *            Closed (fd -1): none runs, and the struct waits on w->closed
 *            until no event of this round can point to it.
 *
 * Order      a worker waits, reads the clock once, runs the events, and then
 *            polls the shard at the instant that it read, not at a later one.
 *            A request that came before its connection's deadline is answered,
 *            however late the worker gets round to it: see worker_main().
 *
 * The time of a round of events is the instant read after its wait. What made
 * the round's descriptors ready came before that instant, so the idle deadlines
 * reckoned from it are not early; where that does not hold (an accept, the
 * first byte of a pipelined request) the clock is read.
 *
 * Threads  main() sets all up, sleeps in sigwait() and stops the workers by
 *          rota_shard_wake(); a worker touches nothing but its own struct,
 *          the options and the counters.
 * See      http.h for what a request is, httpd_options.h for the command
 *          line, httpd_stats.h for the figures;
 *          tests/e2e/httpd_test.c for what holds.
 */
#define _GNU_SOURCE
#include "examples/http.h"
#include "examples/httpd_options.h"
#include "examples/httpd_stats.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <rota/rota.h>

enum {
	IN_SIZE = 4096,    /* bytes; a longer head is refused with 431 */
	OUT_SIZE = 4096,   /* bytes of answers before they are sent */
	ANSWER_MAX = 2048, /* bytes; the longest, /stats, has some 900 */
	CHUNK_CONNS = 32,  /* connections made at a time; arbitrary */
	EVENTS = 256,      /* for each epoll_wait; arbitrary */
	ACCEPTS = 64,      /* for each event, to be fair to the others */
	POLL_STEPS = 1024  /* budget of a poll: some 0.1 ms; arbitrary */
};

/* How long a worker that could not accept stops to try. */
#define ACCEPT_PAUSE (20 * ROTA_MILLISECOND)

static struct options opt;
static struct rota_engine *engine;
static atomic_bool stopping;
static atomic_uint open_conns;

/*
 * Workers and connections.
 */

enum state { READING, WRITING, LINGERING };

struct conn {
	int fd; /* -1: closed */
	enum state state;
	bool last; /* close when what is in out[] is sent */
	struct worker *worker;
	struct conn *next; /* on one of the worker's lists, if closed */
	size_t in_len, in_seen, out_len, out_sent;
	struct rota_timer timer[TIMEOUTS];
	char in[IN_SIZE];
	char out[OUT_SIZE];
};

struct chunk {
	struct chunk *next;
	unsigned used;
	struct conn conn[CHUNK_CONNS];
};

struct worker {
	struct rota_shard *shard;
	struct rota_kind kind[TIMEOUTS];
	struct rota_kind resume_kind;
	struct rota_timer resume; /* accepting, paused until it fires */
	rota_time now;            /* of this round of events */
	rota_time since;          /* the same, of the oldest without a poll */
	unsigned watched;         /* descriptors in the epoll */
	unsigned unseen;          /* of these, since `since`, at most */
	int epoll_fd;
	int listen_fd;
	struct chunk *chunks;
	struct conn *spare;  /* closed, their timers initialised */
	struct conn *closed; /* spare as soon as this round is over */
	struct counters *counters;
	pthread_t thread;
};

static struct worker *workers;
static struct counters *counters; /* of each worker */

/* Told to epoll in place of a connection. */
static char listener_mark, shard_mark;

static void
die(const char *what, int err)
{
	fprintf(stderr, "httpd: %s: %s\n", what, strerror(err));
	exit(1);
}

/* No other thread knows the descriptor, nor is it closed: the only errors
 * left are mistakes in this program. */
static void
watch(struct worker *w, int fd, uint32_t events, void *mark)
{
	struct epoll_event ev = { .events = events, .data.ptr = mark };

	if (epoll_ctl(w->epoll_fd, EPOLL_CTL_MOD, fd, &ev) < 0)
		die("epoll_ctl", errno);
}

/* From the clock. */
static void
conn_arm(struct conn *c, enum timeout kind)
{
	if (opt.span[kind])
		rota_timer_reset(&c->timer[kind], opt.span[kind]);
}

/* From the round's instant: the hot path. */
static void
conn_push(struct conn *c, enum timeout kind)
{
	if (opt.span[kind])
		rota_timer_reset_at(
		    &c->timer[kind], rota_when(c->worker->now, opt.span[kind]));
}

static void
conn_close(struct conn *c)
{
	struct worker *w = c->worker;

	for (int i = 0; i < TIMEOUTS; i++)
		rota_timer_stop(&c->timer[i]);
	close(c->fd); /* leaves the epoll by that */
	w->watched--;
	c->fd = -1;
	c->next = w->closed;
	w->closed = c;
	atomic_fetch_sub(&open_conns, 1);
}

static void
conn_timeout(struct conn *c, struct rota_timer *t, enum timeout kind)
{
	struct counters *n = c->worker->counters;
	bool lingering = c->state == LINGERING;
	rota_time deadline = rota_timer_deadline(t);

	conn_close(c);
	/* What the peer sees counts, so: after the close, from the clock. */
	if (lingering && kind == WRITE)
		count(&n->lingers);
	else
		count_timeout(n, kind, rota_engine_now(engine) - deadline);
}

/* The closing answer is on its way. Closing with unread bytes would reset
 * the connection and could take the answer from the peer: say that no more
 * comes, read until it closes, but not for ever. */
static void
conn_linger(struct conn *c)
{
	c->state = LINGERING;
	c->in_len = 0;
	rota_timer_stop(&c->timer[HEADER]);
	rota_timer_stop(&c->timer[IDLE]);
	conn_arm(c, WRITE);
	shutdown(c->fd, SHUT_WR);
	watch(c->worker, c->fd, EPOLLIN, c);
}

/* Send what is in out[]. False: not now, or there is no more to do for this
 * connection. */
static bool
conn_flush(struct conn *c)
{
	while (c->out_sent < c->out_len) {
		ssize_t n = send(c->fd, c->out + c->out_sent,
		    c->out_len - c->out_sent, MSG_NOSIGNAL);

		if (n >= 0) {
			c->out_sent += (size_t)n;
		} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
			if (c->state == WRITING)
				return false;
			c->state = WRITING;
			rota_timer_stop(&c->timer[HEADER]);
			rota_timer_stop(&c->timer[IDLE]);
			conn_arm(c, WRITE);
			watch(c->worker, c->fd, EPOLLOUT, c);
			return false;
		} else if (errno != EINTR) {
			conn_close(c);
			return false;
		}
	}
	c->out_len = c->out_sent = 0;
	if (c->last) {
		conn_linger(c);
		return false;
	}
	if (c->state == WRITING) {
		c->state = READING;
		rota_timer_stop(&c->timer[WRITE]);
		conn_arm(c, IDLE);
		watch(c->worker, c->fd, EPOLLIN, c);
	}
	return true;
}

static void
conn_answer(struct conn *c, int status, bool head, const char *type,
    const char *body, size_t len)
{
	char *out = c->out + c->out_len;
	int n = snprintf(out, ANSWER_MAX,
	    "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
	    "%s%s\r\n",
	    status, http_reason(status), type, len,
	    status == 405 ? "Allow: GET, HEAD\r\n" : "",
	    c->last ? "Connection: close\r\n" : "");

	c->out_len += (size_t)n;
	if (!head) {
		memcpy(out + n, body, len);
		c->out_len += len;
	}
}

static void
conn_refuse(struct conn *c, int status)
{
	const char *reason = http_reason(status);

	count(&c->worker->counters->refused);
	c->last = true;
	conn_answer(c, status, false, "text/plain", reason, strlen(reason));
}

static size_t
stats_line(char *buf, size_t size)
{
	static const char *const names[] = { "heap", "wheel", "coarse" };

	return counters_json(buf, size, counters, opt.threads,
	    names[opt.backend], atomic_load(&open_conns), engine);
}

static void
conn_request(struct conn *c, const struct http_request *req)
{
	static const char hello[] =
	    "HTTP/1.1 200 OK\r\n"
	    "Content-Type: text/plain\r\nContent-Length: 6\r\n\r\nrota.\n";
	char json[ANSWER_MAX - 256];

	count(&c->worker->counters->requests);
	c->last = !req->keep;
	if (req->status) {
		conn_refuse(c, req->status);
	} else if (req->target_len == 1 && req->target[0] == '/') {
		if (req->keep && !req->head) { /* ready made */
			memcpy(c->out + c->out_len, hello, sizeof hello - 1);
			c->out_len += sizeof hello - 1;
		} else {
			conn_answer(
			    c, 200, req->head, "text/plain", "rota.\n", 6);
		}
	} else if (req->target_len == 6 &&
	    memcmp(req->target, "/stats", 6) == 0) {
		size_t len = stats_line(json, sizeof json);

		conn_answer(c, 200, req->head, "application/json", json, len);
	} else {
		conn_answer(c, 404, req->head, "text/plain", "Not Found\n", 10);
	}
}

/* Answer what is in in[], as far as it goes. */
static void
conn_process(struct conn *c)
{
	struct http_request req;
	size_t done = 0;

	while (!c->last && done < c->in_len) {
		if (OUT_SIZE - c->out_len < ANSWER_MAX && !conn_flush(c))
			break;
		if (!http_parse(
			c->in + done, c->in_len - done, &c->in_seen, &req)) {
			if (done == 0 && c->in_len == IN_SIZE)
				conn_refuse(c, 431);
			break;
		}
		conn_request(c, &req);
		done += req.size;
	}
	if (c->fd < 0)
		return;
	if (done) {
		c->in_len -= done;
		memmove(c->in, c->in + done, c->in_len);
		rota_timer_stop(&c->timer[HEADER]);
	}
	if (c->state != READING || !conn_flush(c))
		return;
	if (c->in_len && !rota_timer_pending(&c->timer[HEADER]))
		conn_arm(c, HEADER);
}

static void
conn_read(struct conn *c)
{
	ssize_t n = recv(c->fd, c->in + c->in_len, IN_SIZE - c->in_len, 0);

	if (n < 0 &&
	    (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
		return;
	if (n <= 0) {
		conn_close(c);
		return;
	}
	if (c->state == LINGERING)
		return;
	c->in_len += (size_t)n;
	conn_push(c, IDLE);
	conn_process(c);
}

static void
conn_event(struct conn *c)
{
	if (c->fd < 0)
		return; /* closed earlier in this round */
	if (c->state != WRITING)
		conn_read(c);
	else if (conn_flush(c))
		conn_process(c);
}

static void
on_header(struct rota_timer *t, rota_time now)
{
	(void)now;
	conn_timeout(
	    rota_container_of(t, struct conn, timer[HEADER]), t, HEADER);
}

static void
on_idle(struct rota_timer *t, rota_time now)
{
	(void)now;
	conn_timeout(rota_container_of(t, struct conn, timer[IDLE]), t, IDLE);
}

static void
on_write(struct rota_timer *t, rota_time now)
{
	(void)now;
	conn_timeout(rota_container_of(t, struct conn, timer[WRITE]), t, WRITE);
}

static void
on_total(struct rota_timer *t, rota_time now)
{
	(void)now;
	conn_timeout(rota_container_of(t, struct conn, timer[TOTAL]), t, TOTAL);
}

static rota_fire_fn *const on_timeout[] = { on_header, on_idle, on_write,
	on_total };

/* Timers cost an initialisation once for each struct, not once for each
 * connection: a closed one keeps them, stopped. Returns NULL without memory.
 */
static struct conn *
conn_make(struct worker *w)
{
	struct chunk *chunk = w->chunks;
	struct conn *c;

	if (!chunk || chunk->used == CHUNK_CONNS) {
		chunk = calloc(1, sizeof *chunk);
		if (!chunk)
			return NULL;
		chunk->next = w->chunks;
		w->chunks = chunk;
	}
	c = &chunk->conn[chunk->used];
	for (int i = 0; i < TIMEOUTS; i++) {
		if (rota_timer_init(&c->timer[i], &w->kind[i]) < 0) {
			while (i-- > 0)
				rota_timer_release(&c->timer[i]);
			return NULL;
		}
	}
	chunk->used++;
	c->fd = -1;
	c->worker = w;
	return c;
}

static bool
conn_open(struct worker *w, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN };
	struct conn *c = w->spare;
	rota_time now;
	int one = 1;

	if (c)
		w->spare = c->next;
	else if (!(c = conn_make(w)))
		return false;
	ev.data.ptr = c;
	if (epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0) {
		c->next = w->spare;
		w->spare = c;
		return false;
	}
	w->watched++;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	c->fd = fd;
	c->state = READING;
	c->last = false;
	c->in_len = c->in_seen = c->out_len = c->out_sent = 0;
	now = rota_engine_now(engine);
	if (opt.span[IDLE])
		rota_timer_reset_at(
		    &c->timer[IDLE], rota_when(now, opt.span[IDLE]));
	if (opt.span[TOTAL])
		rota_timer_reset_at(
		    &c->timer[TOTAL], rota_when(now, opt.span[TOTAL]));
	count(&w->counters->connections);
	return true;
}

/* There is no descriptor or no room for one more. The listener would be
 * ready all the while and epoll would spin: leave it alone for a moment. */
static void
accept_pause(struct worker *w)
{
	count(&w->counters->pauses);
	watch(w, w->listen_fd, 0, &listener_mark);
	rota_timer_reset(&w->resume, ACCEPT_PAUSE);
}

static void
on_resume(struct rota_timer *t, rota_time now)
{
	struct worker *w = rota_container_of(t, struct worker, resume);

	(void)now;
	watch(w, w->listen_fd, EPOLLIN, &listener_mark);
}

static void
accept_some(struct worker *w)
{
	for (int i = 0; i < ACCEPTS; i++) {
		int fd;

		if (atomic_fetch_add(&open_conns, 1) >= opt.max_conns) {
			atomic_fetch_sub(&open_conns, 1);
			accept_pause(w);
			return;
		}
		fd = accept4(
		    w->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0 && conn_open(w, fd))
			continue;
		atomic_fetch_sub(&open_conns, 1);
		if (fd >= 0) {
			close(fd);
			accept_pause(w);
			return;
		}
		switch (errno) {
		case EAGAIN:
			return;
		case EINTR:
		case ECONNABORTED:
			continue;
		default: /* EMFILE, ENFILE, ENOBUFS, ENOMEM, ... */
			accept_pause(w);
			return;
		}
	}
}

/*
 * The loop of a worker.
 */

/* Sleep until a descriptor is ready, a timer is due or another thread woke
 * the shard. @behind: the last poll did not finish. */
static int
worker_wait(struct worker *w, struct epoll_event *ev, bool behind)
{
	static atomic_bool no_pwait2; /* old kernel, or a filter forbids it */
	struct timespec ts;
	rota_time until = behind ? 0 : rota_shard_park(w->shard);
	rota_span span = 0;
	int n, ms;

	if (until > 0 && until < ROTA_NEVER) {
		span = until - rota_engine_now(engine);
		if (span < 0)
			span = 0;
	}
	if (!atomic_load(&no_pwait2)) {
		ts.tv_sec = (time_t)(span / ROTA_SECOND);
		ts.tv_nsec = (long)(span % ROTA_SECOND);
		/* By its number: not every libc has a function for it. */
		n = (int)syscall(SYS_epoll_pwait2, w->epoll_fd, ev, EVENTS,
		    until == ROTA_NEVER ? NULL : &ts, NULL, (size_t)0);
		if (n >= 0 || (errno != ENOSYS && errno != EPERM))
			return n;
		atomic_store(&no_pwait2, true);
	}
	/* In ms, rounded up: a poll too soon would only sleep again. */
	ms = span > ROTA_HOUR
	    ? 3600000
	    : (int)((span + ROTA_MILLISECOND - 1) / ROTA_MILLISECOND);
	return epoll_pwait(
	    w->epoll_fd, ev, EVENTS, until == ROTA_NEVER ? -1 : ms, NULL);
}

static void
worker_round(struct worker *w, const struct epoll_event *ev, int n)
{
	for (int i = 0; i < n; i++) {
		if (ev[i].data.ptr == &listener_mark)
			accept_some(w);
		else if (ev[i].data.ptr != &shard_mark)
			conn_event(ev[i].data.ptr);
	}
	while (w->closed) {
		struct conn *c = w->closed;

		w->closed = c->next;
		c->next = w->spare;
		w->spare = c;
	}
}

/* Has each descriptor had its turn that was ready by *@at? After a wait that
 * left room in its array, all have that were ready by w->now. A full array may
 * have left some out. The kernel hands them out in turn, so these come first
 * in the next waits; and once as many events have come as there are
 * descriptors, nothing is left that was ready when the first of them did. So
 * deadlines wait for a few rounds at most, even if every array is full. */
static bool
worker_caught_up(struct worker *w, int n, rota_time *at)
{
	if (w->unseen == 0) {
		w->since = w->now;
		w->unseen = w->watched;
	}
	if (n == EVENTS && w->unseen > EVENTS) {
		w->unseen -= EVENTS;
		return false;
	}
	*at = n < EVENTS ? w->now : w->since;
	w->unseen = 0;
	return true;
}

/* The timers are confined: the thread that armed them gives them back. */
static void
worker_end(struct worker *w)
{
	close(w->listen_fd);
	while (w->chunks) {
		struct chunk *k = w->chunks;

		for (unsigned i = 0; i < k->used; i++) {
			if (k->conn[i].fd >= 0)
				conn_close(&k->conn[i]);
			for (int j = 0; j < TIMEOUTS; j++)
				rota_timer_release(&k->conn[i].timer[j]);
		}
		w->chunks = k->next;
		free(k);
	}
	rota_timer_release(&w->resume);
	for (int i = 0; i < TIMEOUTS; i++)
		rota_kind_release(&w->kind[i]);
	rota_kind_release(&w->resume_kind);
	rota_shard_detach(w->shard);
	close(w->epoll_fd);
}

static void *
worker_main(void *arg)
{
	struct worker *w = arg;
	struct epoll_event ev[EVENTS];
	bool behind = false;
	int err;

	/* Sleep as long as asked for, not up to 50 us more. */
	prctl(PR_SET_TIMERSLACK, 1UL);
	err = rota_shard_attach(w->shard);
	if (!err)
		err = rota_timer_init(&w->resume, &w->resume_kind);
	if (err)
		die("rota_shard_attach", -err);
	while (!atomic_load(&stopping)) {
		int n = worker_wait(w, ev, behind);
		rota_time at;

		if (n < 0 && errno == EINTR)
			continue; /* no descriptor was looked at */
		if (n < 0)
			die("epoll_wait", errno);
		w->now = rota_engine_now(engine);
		worker_round(w, ev, n);
		if (!worker_caught_up(w, n, &at))
			continue;
		err = rota_shard_poll(w->shard, at, POLL_STEPS);
		if (err < 0)
			die("rota_shard_poll", -err);
		behind = err == 1;
	}
	worker_end(w);
	return NULL;
}

static int
listener_make(unsigned port)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int one = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one) < 0 ||
	    bind(fd, (struct sockaddr *)&addr, sizeof addr) < 0 ||
	    listen(fd, SOMAXCONN) < 0)
		die("listen", errno);
	return fd;
}

static unsigned
listener_port(int fd)
{
	struct sockaddr_in addr;
	socklen_t len = sizeof addr;

	if (getsockname(fd, (struct sockaddr *)&addr, &len) < 0)
		die("getsockname", errno);
	return ntohs(addr.sin_port);
}

static void
worker_init(struct worker *w, unsigned i)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int fd, err = 0;

	w->shard = rota_engine_shard(engine, i);
	w->counters = &counters[i];
	for (int k = 0; k < TIMEOUTS && !err; k++)
		err = rota_kind_init(&w->kind[k], w->shard,
		    &(struct rota_kind_config){ .fire = on_timeout[k],
			.name = timeout_names[k],
			.flags = ROTA_CONFINED });
	if (!err)
		err = rota_kind_init(&w->resume_kind, w->shard,
		    &(struct rota_kind_config){ .fire = on_resume,
			.name = "resume",
			.flags = ROTA_CONFINED });
	if (err)
		die("rota_kind_init", -err);
	w->listen_fd = listener_make(opt.port);
	opt.port = listener_port(w->listen_fd);
	fd = rota_shard_fd(w->shard);
	if (fd < 0)
		die("rota_shard_fd", -fd);
	w->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (w->epoll_fd < 0)
		die("epoll_create1", errno);
	ev.data.ptr = &listener_mark;
	if (epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, w->listen_fd, &ev) < 0)
		die("epoll_ctl", errno);
	ev.data.ptr = &shard_mark;
	if (epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0)
		die("epoll_ctl", errno);
	w->watched = 2;
}

/*
 * Beginning and end.
 */

/* As many descriptors as we may have. */
static void
raise_limit(void)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim) == 0 &&
	    lim.rlim_cur < lim.rlim_max) {
		lim.rlim_cur = lim.rlim_max;
		setrlimit(RLIMIT_NOFILE, &lim);
	}
}

int
main(int argc, char **argv)
{
	struct rota_config config = { .size = sizeof config };
	char json[ANSWER_MAX];
	sigset_t signals;
	int err, sig;

	options_parse(&opt, argc, argv);
	raise_limit();
	/* The workers inherit the mask: the signals come to sigwait(). */
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);

	config.backend = opt.backend;
	config.shards = opt.threads;
	err = rota_engine_create(&engine, &config);
	if (err)
		die("rota_engine_create", -err);
	workers = calloc(opt.threads, sizeof *workers);
	counters = aligned_alloc(
	    alignof(struct counters), opt.threads * sizeof *counters);
	if (!workers || !counters)
		die("workers", errno);
	memset(counters, 0, opt.threads * sizeof *counters);
	for (unsigned i = 0; i < opt.threads; i++)
		worker_init(&workers[i], i);
	for (unsigned i = 0; i < opt.threads; i++) {
		err = pthread_create(
		    &workers[i].thread, NULL, worker_main, &workers[i]);
		if (err)
			die("pthread_create", err);
	}
	printf("port %u\n", opt.port);
	fflush(stdout);
	if (!opt.quiet)
		fprintf(stderr,
		    "httpd: http://127.0.0.1:%u/ and /stats, "
		    "%u threads, end with ctrl-C\n",
		    opt.port, opt.threads);

	while (sigwait(&signals, &sig) != 0)
		;
	atomic_store(&stopping, true);
	for (unsigned i = 0; i < opt.threads; i++)
		rota_shard_wake(workers[i].shard);
	for (unsigned i = 0; i < opt.threads; i++)
		pthread_join(workers[i].thread, NULL);
	stats_line(json, sizeof json);
	err = rota_engine_destroy(engine, ROTA_REFUSE);
	if (err < 0)
		die("rota_engine_destroy", -err);
	free(counters);
	free(workers);
	if (puts(json) < 0 || fflush(stdout) != 0)
		die("stdout", errno);
	return 0;
}
