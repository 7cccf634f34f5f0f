#!/bin/sh
# SPDX-License-Identifier: MIT
#
# check.sh - every conformance row of one peer, and each of its workloads once
# at a small N. The one row that rota does not keep: a coarse wheel fires a
# slot as it stands.
#
# usage: bench/peers/check.sh peer_X
set -eu

peer=$1
about=$("$peer" about)
field() {
	printf '%s\n' "$about" | sed -n "s/.*\"$1\": \"\([^\"]*\)\".*/\1/p"
}

bad=0
for variant in $(field variants); do
	for row in $(field checks); do
		answer=$("$peer" check "$variant" "$row" 2>&1) || :
		[ "$variant $row" != 'coarse order' ] || continue
		[ "$answer" = ok ] || {
			echo "$variant $row: $answer"
			bad=1
		}
	done
	for work in $(field works); do
		"$peer" run "$variant" "$work" 1000 0 20000 200 1 >/dev/null || {
			echo "$variant $work: failed"
			bad=1
		}
	done
done
exit "$bad"
