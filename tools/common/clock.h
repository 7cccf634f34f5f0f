/* SPDX-License-Identifier: MIT
 *
 * clock.h - the machine's clocks, in ns. Some 20 ns for the first, less than a
 * us for the others, which are calls of the kernel.
 */
#ifndef ROTA_TOOLS_CLOCK_H
#define ROTA_TOOLS_CLOCK_H

#include <stdint.h>

uint64_t clock_wall(void);    /* runs forward */
uint64_t clock_cpu(void);     /* processor time of the calling thread */
uint64_t clock_process(void); /* of all threads */

#endif
