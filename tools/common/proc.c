/* SPDX-License-Identifier: MIT
 *
 * proc.c - fork and exec; why exec failed comes back over a pipe that its
 * success closes.
 */
#define _GNU_SOURCE
#include "tools/common/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void
child_run(const char *const *argv, int out, int why, bool quiet, pid_t parent,
    void (*child)(void))
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127); /* it died before the line above */
	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		if (quiet)
			dup2(null, STDERR_FILENO);
	}
	dup2(out, STDOUT_FILENO);
	if (child)
		child();
	execvp(argv[0], (char *const *)(const void *)argv);
	(void)!write(why, &errno, sizeof errno);
	_exit(127);
}

int
proc_create(
    struct proc *p, const char *const *argv, bool quiet, void (*child)(void))
{
	int out[2], why[2], err = 0;
	pid_t parent = getpid();

	if (pipe2(out, O_CLOEXEC) < 0)
		return -errno;
	if (pipe2(why, O_CLOEXEC) < 0) {
		err = -errno;
		close(out[0]);
		close(out[1]);
		return err;
	}
	p->pid = fork();
	if (p->pid < 0)
		err = -errno;
	if (p->pid == 0)
		child_run(argv, out[1], why[1], quiet, parent, child);
	close(out[1]);
	close(why[1]);
	if (p->pid > 0 && read(why[0], &err, sizeof err) == sizeof err) {
		err = -err;
		waitpid(p->pid, NULL, 0);
	}
	close(why[0]);
	p->out = out[0];
	if (err)
		close(out[0]);
	return err;
}

static int
ms_left(const struct timespec *end)
{
	struct timespec now;
	long long ms;

	clock_gettime(CLOCK_MONOTONIC, &now);
	ms = (end->tv_sec - now.tv_sec) * 1000LL +
	    (end->tv_nsec - now.tv_nsec) / 1000000;
	return ms < 0 ? 0 : (int)ms;
}

static struct timespec
ms_from_now(int ms)
{
	struct timespec end;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += ms / 1000;
	end.tv_nsec += ms % 1000 * 1000000L;
	if (end.tv_nsec >= 1000000000L) {
		end.tv_nsec -= 1000000000L;
		end.tv_sec++;
	}
	return end;
}

ssize_t
proc_read(struct proc *p, char *buf, size_t size, bool whole, int ms)
{
	struct timespec end = ms_from_now(ms);
	size_t len = 0;

	while (len + 1 < size) {
		struct pollfd pfd = { .fd = p->out, .events = POLLIN };
		int left = ms_left(&end);
		ssize_t n;

		n = poll(&pfd, 1, left);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0 && left == 0)
			break;
		if (n <= 0)
			continue;
		/* Byte by byte: what follows the line is for the next call.
		 * Lines here are short and few. */
		n = read(p->out, buf + len, whole ? size - 1 - len : 1);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			break;
		if (n < 0)
			continue;
		len += (size_t)n;
		if (!whole && buf[len - 1] == '\n')
			break;
	}
	buf[len] = '\0';
	return (ssize_t)len;
}

int
proc_destroy(struct proc *p, int ms)
{
	struct timespec end = ms_from_now(ms);
	struct timespec nap = { .tv_nsec = 2000000 };
	bool killed = false;
	int status;

	close(p->out);
	for (;;) {
		pid_t done = waitpid(p->pid, &status, killed ? 0 : WNOHANG);

		if (done == p->pid)
			break;
		if (done < 0 && errno != EINTR)
			return -errno;
		if (done == 0 && ms_left(&end) == 0) {
			kill(p->pid, SIGKILL);
			killed = true;
		} else if (done == 0) {
			nanosleep(&nap, NULL);
		}
	}
	if (killed)
		return -ETIME;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void
proc_pin(void)
{
	cpu_set_t may, one;

	if (sched_getaffinity(0, sizeof may, &may) || CPU_COUNT(&may) < 2)
		return;
	for (int i = CPU_SETSIZE - 1; i >= 0; i--)
		if (CPU_ISSET(i, &may)) {
			CPU_ZERO(&one);
			CPU_SET(i, &one);
			sched_setaffinity(0, sizeof one, &one);
			return;
		}
}
