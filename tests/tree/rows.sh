#!/bin/sh
# SPDX-License-Identifier: MIT
#
# rows.sh [-w] root - what of Go's timer system is tested where: a table from
# the `Rows` that the tests' own headers name. docs/rows.md must be that table;
# -w writes it. Each row has a test.
set -eu

write=
[ "$1" != -w ] || { write=1; shift; }
cd "$1"

# What the rows are.
rows() {
	cat <<-'EOF'
	G1 monotonic clock only; spans saturate at both ends
	G2 NewTimer, Stop, Reset and their answers
	G3 AfterFunc, inline or on an executor
	G4 After
	G5 Ticker and Tick
	G6 Sleep
	G7 timer channels as of Go 1.23
	G8 asynchronous channels, asynctimerchan 1 and 2
	G9 a channel that nobody waits on is filed nowhere
	G10 lazy deletion and modification, clean-up
	G11 an earlier deadline wakes a sleeping poller
	G12 deadlines of connections
	G13 an overdue shard is run by another thread
	G14 timers move when a shard retires
	G15 contexts
	G16 virtual time: bubbles
	G17 metrics, trace events
	G18 leak reports
	G19 an uninitialised timer is a defined error
	G20 the Go benchmarks by name
	G21 pooled timers behind handles
	EOF
}

# Lines of: row, file.
tests() {
	find tests bench -name '*.c' -o -name '*.h' -o -name '*.cpp' | sort |
	while read -r file; do
		sed -n '/\*\//q; s/^ \* Rows  *\(G.*\)/\1/p' "$file" |
		tr ' ' '\n' | sed "s|$| $file|"
	done
}

table() {
	cat <<-'EOF'
	<!-- SPDX-License-Identifier: MIT -->
	# Go's timer system, row by row

	What is tested where. Made by `tests/tree/rows.sh -w .` from the tests'
	own headers, which say what each claims.

	| row | what | tests |
	|---|---|---|
	EOF
	named=$(tests)
	rows | while read -r row what; do
		files=$(printf '%s\n' "$named" | sed -n "s/^$row //p" |
			sed "s/.*/\\\`&\\\`/" | tr '\n' ' ' | sed 's/ $//; s/ /, /g')
		echo "| $row | $what | $files |"
	done
}

if [ "$write" ]; then
	table >docs/rows.md
	exit
fi
bad=0
if ! table | cmp -s - docs/rows.md; then
	echo "docs/rows.md is not what the tests say: rows.sh -w ."
	bad=1
fi
if grep '| *|$' docs/rows.md; then
	echo "a row without a test"
	bad=1
fi
known=$(rows | cut -d' ' -f1)
for row in $(tests | cut -d' ' -f1 | sort -u); do
	printf '%s\n' "$known" | grep -qx "$row" || {
		echo "no such row: $row"
		bad=1
	}
done
exit "$bad"
