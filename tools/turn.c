/* SPDX-License-Identifier: MIT
 *
 * turn.c - see turn.h.
 */
#define _GNU_SOURCE
#include "tools/turn.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/common/proc.h"

enum { TICK_MS = 100 };

/* Until @pid has ended, or @tick says to give up: then it is killed. */
static int
wait_for(pid_t pid, bool (*tick)(void))
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0), status, r = 0;
	struct pollfd p = { .fd = fd, .events = POLLIN };

	/* Without such descriptors (Linux before 5.3) nobody ticks. */
	while (fd >= 0 && poll(&p, 1, TICK_MS) <= 0)
		if (tick && !tick()) {
			kill(pid, SIGKILL);
			r = -EINTR;
			break;
		}
	if (fd >= 0)
		close(fd);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (r)
		return r;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -ECHILD;
}

int
turn_run(int (*measure)(const void *config, void *result), const void *config,
    void *result, size_t size, bool (*tick)(void))
{
	void *shared = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t parent = getpid(), pid;
	int r;

	if (shared == MAP_FAILED)
		return -errno;
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		/* Ctrl-C is for the parent, which ends us. */
		signal(SIGINT, SIG_IGN);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(ECHILD);
		proc_pin();
		_exit(-measure(config, shared));
	}
	r = pid < 0 ? -errno : wait_for(pid, tick);
	if (!r)
		memcpy(result, shared, size);
	munmap(shared, size);
	return r;
}

uint64_t
turn_resident(void)
{
	unsigned long pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (!f || fscanf(f, "%*u %lu", &pages) != 1)
		pages = 0;
	if (f)
		fclose(f);
	return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}
