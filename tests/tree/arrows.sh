#!/bin/sh
# SPDX-License-Identifier: MIT
#
# arrows.sh root - the rules that the whole tree obeys:
#   includes go one way, api -> core -> {heap, wheel} -> core/sys, and in no
#   circle;
#   a quoted include is a path from the root, and the file is there;
#   atomics stand behind core/sys/atomic.h (a public header cannot include it, so
#   api/rota/inline.h has one), and there is no stand-alone fence;
#   a tag of a memory order, [P1], stands in its table and at both ends;
#   every file names its licence.
set -u
cd "$1" || exit 1
broken=$(mktemp) || exit 1
trap 'rm -f "$broken"' EXIT

# rule text - whatever arrives on stdin breaks it.
rule() {
	sed "1s|^|broken: $1\\n	|; 2,\$s|^|	|" >>"$broken"
}

# sources dir... - the C files in those that exist.
sources() {
	for dir; do
		[ ! -d "$dir" ] || find "$dir" -name '*.[ch]' -type f
	done | sort
}

# includes file... - lines of: file, what it includes with its quotes.
includes() {
	[ $# -eq 0 ] || awk '
	/^[ \t]*#[ \t]*include[ \t]*["<]/ {
		sub(/^[ \t]*#[ \t]*include[ \t]*/, "")
		match($0, /^("[^"]*"|<[^>]*>)/)
		print FILENAME, substr($0, 1, RLENGTH)
	}' "$@"
}

# shellcheck disable=SC2046 # no path of ours has a space
check_sources() {
	for dir in api core heap wheel; do
		[ -n "$(sources $dir)" ] || echo "$dir"
	done | rule "each part has its sources"

	includes $(sources core/sys) | grep '"' | grep -v '"core/sys/' |
	rule "core/sys/ includes core/sys/: it stands below everything"

	includes $(sources heap) | grep '"' |
	grep -vE '"(heap/|core/sys/(compiler|numbers)\.h)' |
	rule "heap/ includes heap/, core/sys/compiler.h and core/sys/numbers.h"

	includes $(sources wheel) | grep '"' |
	grep -vE '"(wheel/|core/sys/(compiler|numbers)\.h)' |
	rule "wheel/ includes wheel/, core/sys/compiler.h and core/sys/numbers.h"

	includes $(sources heap wheel) |
	grep -E '<(rota/|pthread|threads|stdatomic|sched|time|sys/)' |
	rule "a backend knows no engine, no thread and no clock"

	includes $(sources core) | grep '"' |
	grep -vE '"(core|heap|wheel)/' |
	rule "core/ includes nothing of api/ but <rota/...>"

	includes $(sources api/rota api/adapters) | grep '"' |
	rule "public headers and adapters include <rota/...>"

	includes $(sources api | grep -vE '^api/(rota|adapters)/') |
	grep '"' | grep -vE '"(api/|core/(sys/|pool\.h))' |
	rule "the rest of api/ includes api/, core/sys/ and core/pool.h"

	includes $(sources core heap wheel api) | grep '"' | tr -d '"' |
	sed 's/\.[ch]\>//g' | awk '$1 != $2' | tsort 2>&1 >/dev/null |
	rule "no circle of files, a source and its header being one"

	includes $(sources examples) | grep '"' | grep -v '"examples/' |
	rule "examples are written on <rota/...>"

	includes $(sources api core heap wheel tests bench tools examples) |
	grep '"' | tr -d '"' |
	while read -r file name; do
		[ -f "$name" ] || echo "$file: $name"
	done |
	rule "a quoted include is a path from the root"

	grep -nE 'atomic_(thread|signal)_fence|__sync_synchronize' \
		$(sources api core heap wheel) /dev/null |
	rule "no stand-alone fence: sanitizers report false races on it"

	grep -nE 'stdatomic\.h|_Atomic|__atomic_[a-z]|__sync_[a-z]' \
		$(sources api core heap wheel) /dev/null |
	grep -v '^core/sys/atomic\.h:' | grep -v '^api/rota/inline\.h:' | grep -vE '^[^:]*:[0-9]*:(/\*| \*)' |
	rule "atomics stand behind core/sys/atomic.h"

	grep -ohE '\[[AC-FH-LN-Z][0-9]+\]' $(sources core api) /dev/null |
	sort | uniq -c | awk '$1 < 3 { print $2 }' |
	rule "a tag stands in its table and at both ends of its edge"

	includes $(sources tests examples) | grep '<assert\.h>' |
	rule "tests check in release too, where assert is empty"
}

check_sources
find . \( -name .git -o -path ./build -o -path ./tests/fuzz/corpus \
	-o -path ./bench/results \) -prune -o -type f \
	! -name LICENSE ! -name '*.png' ! -name '*.svg' -print |
while read -r file; do
	head -n 4 "$file" | grep -q 'SPDX-License-Identifier: MIT' ||
		echo "$file"
done |
rule "the first lines name the licence"

cat "$broken"
[ ! -s "$broken" ] && echo "every rule holds"
