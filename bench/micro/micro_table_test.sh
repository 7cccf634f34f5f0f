#!/bin/sh
# SPDX-License-Identifier: MIT
#
# micro_table_test.sh - micro_table on a file whose figures are known.
# Claims: the median is shown, with -b the smallest, which differ here; the
# ratio is to touch of the same N and mode, and only works on random timers have
# one; a missed goal is marked, also where the clock moves, and a reached one is
# not; digits that change from run to run are not shown, nor is the range of a
# single one; the control is the ratio of a work to the same again; aggregates are
# passed over; a failed run gives status 1; above the figures of rota_micro stand
# machine, command, commit and load, and they are in its file.
#
# usage: micro_table_test.sh micro_table [rota_micro]
set -eu

table=$1
dir=$(mktemp -d "${TMPDIR:-/tmp}/micro_table.XXXXXX")
trap 'rm -rf "$dir"' EXIT

# run row family ns - one repetition, at N = 1e6.
run() {
	printf '{"name":"%s/1000000/manual_time","run_type":"iteration",' "$1"
	printf '"family_index":%s,"real_time":%s,"time_unit":"ns"},' "$2" "$3"
}

# file ending - two touches and some operations, not in order, and @ending.
file() {
	printf '{"benchmarks":['
	for ns in 9 10 16; do run touch/limit/confined 0 "$ns"; done
	for ns in 20 22 40; do run touch/limit/shared 1 "$ns"; done
	for ns in 30 14 12; do run push_later/wheel/confined 2 "$ns"; done
	for ns in 44 42 48; do run push_later/wheel/shared 3 "$ns"; done
	for ns in 36.44 35.41 38.47; do run fire/wheel/confined 4 "$ns"; done
	run fire/wheel/shared 5 21.234
	run stop_start_moving/wheel/confined 6 21
	for ns in 13 15 12; do run push_later_again/wheel/confined 7 "$ns"; done
	run push_later_again/heap/confined 8 60
	run push_later/heap/confined 2 50
	printf '{"name":"push_later/wheel/shared/1000000/manual_time_mean",'
	printf '"run_type":"aggregate","real_time":1,"family_index":3}'
	printf '%s]}' "$1"
}

# expect row wanted-words options... - the lines of @row, both modes.
expect() {
	row=$1 want=$2
	shift 2
	got=$("$table" "$@" "$dir/good" |
		awk -v row="$row" '$1 == row { $1 = ""; printf "%s;", $0 }')
	[ "$got" = "$want" ] || {
		echo "$row $*: got '$got', wanted '$want'" >&2
		exit 1
	}
}

file '' >"$dir/good"
expect push_later ' 50.00! - 5.00 14 64 1.4 1.5 x; 44! 7 2.0 1.5 x;'
expect push_later ' 50.00! - 5.56 12 64 1.3 1.5 x; 42! 7 2.1 1.5 x;' -b
expect push_later '' -n 1000
expect stop_start_moving ' 21.00! - 2.10 2 x;'
expect control: ' the same twice took 0.93 to 1.20 of the time;'
expect fire ' 36! 4 3 / 2 x; 21.23 - 3 / 2 x;'

file ',{"name":"arm/heap/shared/1000000","run_type":"iteration",
	"error_occurred":true,"error_message":"as planned"}' >"$dir/bad"
status=0
"$table" "$dir/bad" >/dev/null 2>&1 || status=$?
[ "$status" -eq 1 ] || {
	echo "a failed run: status $status, wanted 1" >&2
	exit 1
}

[ -n "${2-}" ] || exit 0
"$2" --smoke --benchmark_filter='^touch/' --json "$dir/own" >"$dir/out"
sed '/^$/q' "$dir/out" >"$dir/wanted"
"$table" "$dir/own" >"$dir/out"
sed '/^$/q' "$dir/out" >"$dir/got"
diff "$dir/wanted" "$dir/got"
for line in machine command commit load 'command: .* --smoke'; do
	grep -q "^$line" "$dir/got" || {
		echo "no line $line above the figures" >&2
		exit 1
	}
done
grep -q '^N = 1000, shared: touch [0-9.]* ns' "$dir/out"
