/* SPDX-License-Identifier: MIT
 *
 * silent.c - one epoll, one thread; see silent.h.
 */
#define _GNU_SOURCE
#include "tools/silent.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tools/common/clock.h"

enum manner { NOTHING, HALF_A_HEAD, ONE_REQUEST, MANNERS };

static const char *const words[MANNERS] = {
	[NOTHING] = "",
	[HALF_A_HEAD] = "GET / HTTP/1.1\r\nHost: silent\r\n",
	[ONE_REQUEST] = "GET / HTTP/1.1\r\nHost: silent\r\n\r\n",
};

struct peer {
	int fd; /* -1: not yet, or over */
	enum manner manner;
	bool spoken, answered;
	int64_t deadline;
};

struct silent {
	const struct silent_config *config;
	struct silent_result *out;
	int epoll_fd;
	struct peer *peer;
	unsigned opened, over;
};

static void
peer_end(struct silent *s, struct peer *p)
{
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
	s->over++;
}

static void
peer_broken(struct silent *s, struct peer *p)
{
	s->out->broken++;
	peer_end(s, p);
}

/* Its last word, from now on it waits. */
static void
peer_speak(struct silent *s, struct peer *p)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = p };
	size_t len = strlen(words[p->manner]);
	int err = 0;
	socklen_t size = sizeof err;

	if (getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &err, &size) < 0 || err ||
	    epoll_ctl(s->epoll_fd, EPOLL_CTL_MOD, p->fd, &ev) < 0) {
		peer_broken(s, p);
		return;
	}
	p->spoken = true;
	if (len == 0)
		return;
	p->deadline = (int64_t)clock_wall() +
	    (p->manner == HALF_A_HEAD ? s->config->header_ns
				      : s->config->idle_ns);
	if (send(p->fd, words[p->manner], len, MSG_NOSIGNAL) != (ssize_t)len)
		peer_broken(s, p);
}

static void
peer_closed(struct silent *s, struct peer *p)
{
	int64_t late = (int64_t)clock_wall() - p->deadline;

	if (p->manner == ONE_REQUEST && !p->answered) {
		peer_broken(s, p);
		return;
	}
	s->out->closed++;
	s->out->early += late < 0;
	s->out->on_time += late >= 0 && late <= s->config->on_time_ns;
	hist_record(&s->out->late_ns, late < 0 ? 0 : (uint64_t)late);
	peer_end(s, p);
}

static void
peer_event(struct silent *s, struct peer *p)
{
	char buf[512];
	ssize_t n;

	if (p->fd < 0)
		return;
	if (!p->spoken) {
		peer_speak(s, p);
		return;
	}
	n = recv(p->fd, buf, sizeof buf, 0);
	if (n > 0)
		p->answered = true;
	else if (n == 0 || errno == ECONNRESET)
		peer_closed(s, p);
	else if (errno != EAGAIN && errno != EINTR)
		peer_broken(s, p);
}

static void
peer_open(struct silent *s, struct peer *p)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)s->config->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct epoll_event ev = { .events = EPOLLOUT, .data.ptr = p };

	p->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	p->deadline = (int64_t)clock_wall() + s->config->idle_ns;
	if (p->fd < 0 ||
	    (connect(p->fd, (struct sockaddr *)&addr, sizeof addr) < 0 &&
		errno != EINPROGRESS) ||
	    epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, p->fd, &ev) < 0)
		peer_broken(s, p);
}

static int
silent_loop(struct silent *s)
{
	const struct silent_config *config = s->config;
	struct epoll_event ev[64];
	int64_t begin = (int64_t)clock_wall(), now = begin;
	int64_t end = begin + config->spread_ns + config->patience_ns +
	    (config->idle_ns > config->header_ns ? config->idle_ns
						 : config->header_ns);

	while (s->over < config->peers && now < end) {
		int n = epoll_wait(s->epoll_fd, ev, 64, 1);

		for (int i = 0; i < n; i++)
			peer_event(s, ev[i].data.ptr);
		now = (int64_t)clock_wall();
		while (s->opened < config->peers &&
		    now - begin >=
			config->spread_ns / config->peers * s->opened) {
			struct peer *p = &s->peer[s->opened];

			p->manner = (enum manner)(s->opened++ % MANNERS);
			peer_open(s, p);
		}
		if (config->tick && !config->tick())
			return -EINTR;
	}
	return 0;
}

int
silent_run(const struct silent_config *config, struct silent_result *out)
{
	struct silent s = { .config = config, .out = out };
	int err;

	memset(out, 0, sizeof *out);
	hist_reset(&out->late_ns);
	if (config->peers == 0)
		return 0;
	s.peer = calloc(config->peers, sizeof *s.peer);
	if (!s.peer)
		return -ENOMEM;
	for (unsigned i = 0; i < config->peers; i++)
		s.peer[i].fd = -1;
	s.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (s.epoll_fd < 0) {
		err = -errno;
		free(s.peer);
		return err;
	}
	err = silent_loop(&s);
	for (unsigned i = 0; i < config->peers; i++)
		if (s.peer[i].fd >= 0)
			close(s.peer[i].fd);
	close(s.epoll_fd);
	free(s.peer);
	return err;
}
