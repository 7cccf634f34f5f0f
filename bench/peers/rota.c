/* SPDX-License-Identifier: MIT
 *
 * rota.c - rota itself, all three engines. Compiled twice: confined timers
 * stand beside libraries that are not thread-safe, shared ones
 * (ROTA_PEER_SHARED) beside those that are.
 */
#ifdef ROTA_PEER_SHARED
#define PEER_SAFE
#define PEER_FLAGS 0
#define PEER_NAME "rota-shared"
#else
#define PEER_FLAGS ROTA_CONFINED
#define PEER_NAME "rota"
#endif
#include "bench/work/rota.h"

#include "bench/peers/drive.h"
