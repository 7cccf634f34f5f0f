/* SPDX-License-Identifier: MIT
 *
 * event_loop.c - timers in an epoll loop of your own; the loop is made to be
 * copied.
 *
 * Its order is the point: wait, read the clock once, run the events, then poll
 * the timers at the instant that was read. main() shows why. One handler
 * blocks for longer than the idle deadline of the other peers, and these speak
 * meanwhile, in time. When the loop goes on, their descriptors are ready and
 * their deadlines have passed; each is heard and none is closed.
 */
#define _DEFAULT_SOURCE /* nanosleep */
#include "examples/check.h"

#include <errno.h>
#include <stdbool.h>
#include <time.h>

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rota/rota.h>

enum { PEERS = 8, EVENTS = 64 };
#define IDLE (400 * ROTA_MILLISECOND)
#define STALL (640 * ROTA_MILLISECOND)

struct peer {
	int fd, far_fd;
	struct rota_timer idle;
	int heard;
};

/* Misuse of rota: a line that says what to do. */
static void
on_log(void *arg, const char *line)
{
	(void)arg;
	fprintf(stderr, "%s\n", line);
}

static struct rota_engine *engine;
static struct peer peers[PEERS];
static int open_peers, in_time;

static void handle(struct peer *p);

/* The loop. Data of an event: the peer, or NULL for rota_shard_fd(). */
static int
loop_run(struct rota_engine *e, struct rota_shard *s, int epoll_fd)
{
	struct epoll_event ev[EVENTS];

	while (open_peers > 0) {
		rota_time until = rota_shard_park(s), now;
		int n, ms = -1;

		if (until < 0)
			return (int)until; /* such as -EPERM: not attached */
		if (until < ROTA_NEVER) {
			rota_span span = until - rota_engine_now(e);

			/* Rounded up, and at most an hour: to be woken early
			 * costs little. */
			ms = span <= 0 ? 0
			    : span > ROTA_HOUR
			    ? 3600000
			    : (int)((span + ROTA_MILLISECOND - 1) /
				  ROTA_MILLISECOND);
		}
		n = epoll_wait(epoll_fd, ev, EVENTS, ms);
		if (n < 0 && errno == EINTR)
			continue; /* no descriptor was looked at: no poll */
		if (n < 0)
			return -errno;
		now = rota_engine_now(e); /* once, before the events */
		for (int i = 0; i < n; i++)
			if (ev[i].data.ptr)
				handle(ev[i].data.ptr);
		if (n == EVENTS)
			continue; /* more may be ready: no poll yet */
		rota_shard_poll(s, now, 1000);
	}
	return 0;
}

/* A blocking call, in which the other peers speak. */
static void
stall(void)
{
	struct timespec nap = { .tv_nsec = STALL };

	for (int i = 1; i < PEERS; i++) {
		CHECK(write(peers[i].far_fd, "x", 1) == 1);
		in_time += rota_engine_now(engine) <
		    rota_timer_deadline(&peers[i].idle);
	}
	nanosleep(&nap, NULL);
}

static void
handle(struct peer *p)
{
	char buf[16];

	CHECK(read(p->fd, buf, sizeof buf) > 0);
	p->heard++;
	rota_timer_reset(&p->idle, IDLE);
	if (p == &peers[0])
		stall();
}

static void
on_idle(struct rota_timer *t, rota_time now)
{
	struct peer *p = rota_container_of(t, struct peer, idle);

	(void)now;
	close(p->fd);
	close(p->far_fd);
	open_peers--;
}

int
main(void)
{
	struct rota_config config = { .size = sizeof config,
		.backend = ROTA_WHEEL,
		.shards = 1,
		.log = on_log };
	struct rota_kind kind = { 0 };
	struct epoll_event ev = { .events = EPOLLIN };
	struct rota_shard *s;
	int epoll_fd, heard = 0;

	CHECK(rota_engine_create(&engine, &config) == 0);
	s = rota_engine_shard(engine, 0);
	CHECK(rota_shard_attach(s) == 0);
	CHECK(rota_kind_init(&kind, s,
		  &(struct rota_kind_config){ .fire = on_idle,
		      .name = "idle",
		      .flags = ROTA_CONFINED }) == 0);
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	CHECK(epoll_fd >= 0);
	CHECK(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, rota_shard_fd(s), &ev) == 0);
	for (int i = 0; i < PEERS; i++) {
		int pair[2];

		CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
		peers[i].fd = pair[0];
		peers[i].far_fd = pair[1];
		CHECK(rota_timer_init(&peers[i].idle, &kind) == 0);
		rota_timer_reset(&peers[i].idle, IDLE);
		ev.data.ptr = &peers[i];
		CHECK(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, pair[0], &ev) == 0);
		open_peers++;
	}
	CHECK(write(peers[0].far_fd, "x", 1) == 1);

	CHECK(loop_run(engine, s, epoll_fd) == 0);
	for (int i = 1; i < PEERS; i++)
		heard += peers[i].heard;
	printf("%d peers spoke in time, %d were heard\n", in_time, heard);
	CHECK(heard >= in_time);

	for (int i = 0; i < PEERS; i++)
		CHECK(rota_timer_release(&peers[i].idle) == 0);
	CHECK(rota_kind_release(&kind) == 0);
	CHECK(rota_shard_detach(s) == 0);
	CHECK(rota_engine_destroy(engine, ROTA_REFUSE) == 0);
	close(epoll_fd);
	return 0;
}
