#!/bin/sh
# SPDX-License-Identifier: MIT
#
# same.sh - how often does rota bench claim a difference where there is none,
# and find one that there is?
#
# usage: bench/same.sh [-n RUNS] [PROGRAM]
#
# RUNS (50) times each: the wheel under all names, where every verdict that an
# engine is ahead is false; and the three engines as they are, where by
# processor time the wheel has to be ahead of the heap. PROGRAM is the rota
# program, build/release/tools/rota if it is not said. 17 s a run. Exit 1: more
# than 1 in 20 verdicts were false, or fewer than 9 in 10 runs found the wheel.
set -eu

runs=50
while getopts n: option; do
	case $option in
	n) runs=$OPTARG ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
program=${1:-build/release/tools/rota}
out=$(mktemp)
trap 'rm -f "$out"' EXIT
trap 'exit 130' INT

# The verdicts of one run in $out: the rows of the answer, which begin with two
# blanks and a word, and the sizes, whose lines end in who is ahead.
count() {
	awk '
	/^IN SHORT/ { answer = 1; next }
	/^  x:/ { answer = 0 }
	answer && /^  [a-z]/ { verdicts++; row = $0; claims += / x \[/; next }
	answer { claims += / x \[/ && row !~ / x \[/; next }
	/ timers  [0-9.]+ \[/ { verdicts++; claims += !/no difference shown$/ }
	END { print verdicts + 0, claims + 0 }' "$out"
}

verdicts=0 false=0 found=0 i=0
while [ "$i" -lt "$runs" ]; do
	i=$((i + 1))
	"$program" bench --quick --same wheel >"$out"
	# shellcheck disable=SC2046 # two numbers
	set -- $(count)
	verdicts=$((verdicts + $1)) false=$((false + $2))
	"$program" bench --quick >"$out"
	if grep -A1 '^  processor time  *\(wheel\|coarse\)' "$out" |
	    grep -q 'heap [0-9.]* x \['; then
		found=$((found + 1))
	fi
	echo "run $i: $false of $verdicts verdicts are false;" \
	    "the wheel was found ahead in $found"
done
[ $((false * 20)) -le "$verdicts" ] && [ $((found * 10)) -ge $((runs * 9)) ]
