#!/bin/sh
# SPDX-License-Identifier: MIT
#
# fetch_dpdk.sh - the source of DPDK's timer library into DIR, build/dpdk for
# one: dpdk.c compiles it with a clock of its own. It enters no repository.
#
# usage: bench/peers/fetch_dpdk.sh DIR
set -eu

[ $# -eq 1 ] || {
	echo 'usage: bench/peers/fetch_dpdk.sh DIR' >&2
	exit 1
}
exec "$(dirname "$0")/fetch_source.sh" dpdk "$1" 'lib/timer/rte_timer.[ch]'
