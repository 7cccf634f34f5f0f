/* SPDX-License-Identifier: MIT
 *
 * rota/rota.h - all of rota's public headers, and its version.
 */
#ifndef ROTA_ROTA_H
#define ROTA_ROTA_H

#include <rota/after.h>
#include <rota/bubble.h>
#include <rota/channel.h>
#include <rota/clock.h>
#include <rota/conn.h>
#include <rota/context.h>
#include <rota/engine.h>
#include <rota/handle.h>
#include <rota/metrics.h>
#include <rota/ticker.h>
#include <rota/timer.h>
#include <rota/trace.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define ROTA_VERSION_MAJOR 0
#define ROTA_VERSION_MINOR 1
#define ROTA_VERSION_PATCH 0
#define ROTA_VERSION                                             \
	(ROTA_VERSION_MAJOR * 10000 + ROTA_VERSION_MINOR * 100 + \
	    ROTA_VERSION_PATCH)

/* The version of the library at run time, to compare with ROTA_VERSION. */
int rota_version(void);
const char *rota_version_string(void);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
