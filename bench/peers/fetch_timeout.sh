#!/bin/sh
# SPDX-License-Identifier: MIT
#
# fetch_timeout.sh - William Ahern's timeout.c into DIR, build/timeout.c for
# one: tor carries it. It enters no repository.
#
# usage: bench/peers/fetch_timeout.sh DIR
set -eu

[ $# -eq 1 ] || {
	echo 'usage: bench/peers/fetch_timeout.sh DIR' >&2
	exit 1
}
exec "$(dirname "$0")/fetch_source.sh" tor "$1" \
	'src/ext/timeouts/timeout*' src/ext/tor_queue.h
