#!/bin/sh
# SPDX-License-Identifier: MIT
#
# callgrind.sh - instructions per operation, which do not depend on how busy
# the machine is.
#
# usage: bench/micro/callgrind.sh [-o FILE] [micro_count [N]]
#
# Counts what is executed inside counted() of count.c, with all it calls, less
# the empty loop. FILE gets the figures in the form of tools/common/results.h.
# The profiles stay in a folder that is named at the end: callgrind_annotate
# shows where the instructions are.
set -eu

self=$0 json=
while getopts o: option; do
	case $option in
	o) json=$OPTARG ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
count=${1:-build/release/bench/micro/micro_count}
n=${2:-100000}
[ -x "$count" ] || {
	echo "callgrind.sh: no program $count" >&2
	exit 2
}
out=$(mktemp -d "${TMPDIR:-/tmp}/callgrind.XXXXXX")

# instructions op backend mode - tenths of instructions per operation.
instructions() {
	file=$out/$1-$2-$3
	done=$(valgrind --tool=callgrind --toggle-collect=counted \
		--callgrind-out-file="$file" \
		"$count" "$1" "$2" "$3" "$n" 2>"$file.log") || {
		cat "$file.log" >&2
		return 1
	}
	total=$(sed -n 's/^summary: *\([0-9]*\).*/\1/p' "$file")
	echo $((total * 10 / done))
}

empty=$(instructions empty heap confined)
for op in stop later earlier arm fire; do
	for backend in heap wheel coarse; do
		for mode in confined shared; do
			tenths=$(instructions "$op" "$backend" "$mode")
			# The polls of `fire` are its own loop.
			[ "$op" = fire ] || tenths=$((tenths - empty))
			echo "$op $backend $mode $((tenths / 10)).$((tenths % 10))"
		done
	done
done >"$out/lines"
"${count%/*}/micro_counted" "$json" "$n" "$self" "$count" "$n" <"$out/lines"
echo "profiles: $out"
