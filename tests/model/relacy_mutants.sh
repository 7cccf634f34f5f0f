#!/bin/sh
# SPDX-License-Identifier: MIT
#
# relacy_mutants.sh - is each memory order needed, and would we notice?
#
#	relacy_mutants.sh [FILE[:LINE]]...	all, or those
#	relacy_mutants.sh list			what they are
#
# Each order in core/state.h, inbox.h, park.h and remote.h that is stronger
# than relaxed, and those of [H1] and [R1] in relacy_world.h, are weakened one
# step, alone, in a copy: seq_cst to acq_rel (a load's to acquire, a store's to
# release), acq_rel to acquire and to release, acquire and release to relaxed.
# The relacy tests have to fail on each. Exit 1: one survived. 77: no relacy or
# no C++ compiler. CXX names the compiler.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
headers="state.h inbox.h park.h remote.h relacy_world.h"
CXX=${CXX:-g++}

path() {
	case $1 in
	relacy_*) echo "tests/model/$1" ;;
	*) echo "core/$1" ;;
	esac
}

list() {
	for h in $headers; do
		awk -f "$here/orders.awk" "$root/$(path "$h")" |
		while read -r line at from to call; do
			echo "$h $line $at $from $to $call"
		done
	done
}

if [ "${1:-}" = list ]; then
	list
	exit
fi
if ! echo '#include <relacy/relacy.hpp>' |
    "$CXX" -std=c++11 -w -fsyntax-only -xc++ - 2>/dev/null; then
	echo "relacy_mutants.sh: no relacy, or no $CXX"
	exit 77
fi

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
mkdir -p "$dir/core" "$dir/tests/model"

build() {
	"$CXX" -std=c++11 -w -O1 -DROTA_RELACY='"tests/model/relacy_atomic.h"' -I"$dir" -I"$root" \
	    "$here/relacy_test.cpp" -o "$dir/relacy_test"
}

# 0: all pass; 1: one failed, and $dir/log says which.
passes() {
	for set in stories pairs triples random; do
		"$dir/relacy_test" $set >"$dir/log" 2>&1 || return 1
	done
}

# The copies come first in the search for "core/..." and "tests/...".
cp "$root"/core/*.h "$dir/core"
cp "$here"/*.h "$dir/tests/model"
build
if ! "$dir/relacy_test" stories >"$dir/log" 2>&1; then
	cat "$dir/log"
	echo "relacy_mutants.sh: fails without a mutant"
	exit 1
fi

list >"$dir/list"
all=0
caught=0
while read -r h line at from to call; do
	if [ $# -gt 0 ]; then
		case " $* " in
		*" $h "* | *" $h:$line "*) ;;
		*) continue ;;
		esac
	fi
	all=$((all + 1))
	file=$(path "$h")
	# The order begins at or behind that column.
	sed "$line s/^\(.\{$((at - 1))\}[^a-z]*\)$from/\1$to/" \
	    "$root/$file" >"$dir/$file"
	if cmp -s "$root/$file" "$dir/$file"; then
		echo "relacy_mutants.sh: $h:$line is as before"
		exit 1
	fi
	build
	if passes; then
		how="SURVIVED"
	elif ! grep -q '^FAILED: ' "$dir/log"; then
		cat "$dir/log"
		echo "relacy_mutants.sh: $h:$line: no verdict"
		exit 1
	else
		caught=$((caught + 1))
		how="caught by $(sed -n 's/^FAILED: //p' "$dir/log")"
	fi
	printf '%-14s %3d  %-10s %-7s -> %-7s  %s\n' "$h" "$line" "$call" \
	    "$from" "$to" "$how"
	cp "$root/$file" "$dir/$file"
done <"$dir/list"
echo "relacy: $caught of $all weakened orders caught"
[ $caught -eq $all ]
