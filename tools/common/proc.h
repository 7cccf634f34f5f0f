/* SPDX-License-Identifier: MIT
 *
 * proc.h - a program started by us, its stdout in our hands.
 *
 * It dies with us (PR_SET_PDEATHSIG). Linux. Start one from one thread only.
 */
#ifndef ROTA_TOOLS_PROC_H
#define ROTA_TOOLS_PROC_H

#include <stdbool.h>
#include <stddef.h>

#include <sys/types.h>

struct proc {
	pid_t pid;
	int out; /* our end of its stdout */
};

/* proc_create - run @argv[0], looked for in PATH if it has no slash.
 *
 * @quiet sends its stderr to /dev/null. @child, if not NULL, runs in the
 * child just before exec.
 * Returns  0; -errno, that of exec included: -ENOENT, there is none such.
 */
int proc_create(
    struct proc *p, const char *const *argv, bool quiet, void (*child)(void));

/* Read up to the end of a line, or of everything if @whole; terminate it.
 * Returns how many bytes; less than asked for at the end of the file, after
 * @ms, or if @size is full. -errno. */
ssize_t proc_read(struct proc *p, char *buf, size_t size, bool whole, int ms);

/* Wait @ms for its end, then kill it; close its stdout. Returns its exit
 * status, 128 + the signal that ended it, or -ETIME: it had to be killed. */
int proc_destroy(struct proc *p, int ms);

/* proc_pin - this process stays on the last processor that it may use, if there
 * are several: the first has most interrupts. Also for @child above. */
void proc_pin(void);

#endif
