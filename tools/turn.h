/* SPDX-License-Identifier: MIT
 *
 * turn.h - one measurement in a process of its own, so that it begins with the
 * same memory as every other: none.
 *
 * The process is pinned to one processor, where there are several and the
 * system allows it, and dies with us. Linux.
 */
#ifndef ROTA_TOOLS_TURN_H
#define ROTA_TOOLS_TURN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* turn_run - @measure(@config, @result) in a process that is forked for it.
 *
 * @result has @size bytes, which begin as zero and are brought back; a pointer
 * in them must be to something that was there before.
 * @tick: called now and then meanwhile; false: give up. Or NULL.
 * Returns  what @measure does, 0 to -255; -EINTR: @tick said to give up;
 *          -ECHILD: the process ended by a signal; -errno: there was none.
 */
int turn_run(int (*measure)(const void *config, void *result),
    const void *config, void *result, size_t size, bool (*tick)(void));

/* turn_resident - bytes of memory that this process occupies, or 0. */
uint64_t turn_resident(void);

#endif
