#!/bin/sh
# SPDX-License-Identifier: MIT
#
# micro_table_test.sh - micro_table on a file whose figures are known.
# Claims: the median is shown, with -b the smallest, which differ here; the
# ratio is to touch of the same N and mode; a missed goal is marked and a
# reached one is not; aggregates are passed over; a failed run gives status 1.
#
# usage: micro_table_test.sh micro_table
set -eu

table=$1
dir=$(mktemp -d "${TMPDIR:-/tmp}/micro_table.XXXXXX")
trap 'rm -rf "$dir"' EXIT

# run row family ns - one repetition, at N = 1e6.
run() {
	printf '{"name":"%s/1000000/manual_time","run_type":"iteration",' "$1"
	printf '"family_index":%s,"real_time":%s,"time_unit":"ns"},' "$2" "$3"
}

# file ending - two touches and two operations, not in order, and @ending.
file() {
	printf '{"benchmarks":['
	for ns in 9 10 16; do run touch/limit/confined 0 "$ns"; done
	for ns in 20 22 40; do run touch/limit/shared 1 "$ns"; done
	for ns in 30 14 12; do run push_later/wheel/confined 2 "$ns"; done
	for ns in 44 42 48; do run push_later/wheel/shared 3 "$ns"; done
	printf '{"name":"push_later/wheel/shared/1000000/manual_time_mean",'
	printf '"run_type":"aggregate","real_time":1,"family_index":3}'
	printf '%s]}' "$1"
}

# expect name wanted-words options... - the line of push_later, both modes.
expect() {
	name=$1 want=$2
	shift 2
	got=$("$table" "$@" "$dir/good" |
		awk '$1 == "push_later" { printf "%s %s %s %s;", $2, $3, $4, $5 }')
	[ "$got" = "$want" ] || {
		echo "$name: got '$got', wanted '$want'" >&2
		exit 1
	}
}

file '' >"$dir/good"
expect median '14.00 64 1.40 1.5;44.00 7 2.00! 1.5;'
expect smallest '12.00 64 1.33 1.5;42.00 7 2.10! 1.5;' -b
expect 'another N' '' -n 1000

file ',{"name":"arm/heap/shared/1000000","run_type":"iteration",
	"error_occurred":true,"error_message":"as planned"}' >"$dir/bad"
status=0
"$table" "$dir/bad" >/dev/null 2>&1 || status=$?
[ "$status" -eq 1 ] || {
	echo "a failed run: status $status, wanted 1" >&2
	exit 1
}
