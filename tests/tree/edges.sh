#!/bin/sh
# SPDX-License-Identifier: MIT
#
# edges.sh [-l] root - does tests/model/edges.txt map each step of the Promela
# model to a statement that is there? -l prints each statement with its line.
set -u
list=
[ "$1" != -l ] || { list=1; shift; }
cd "$1" || exit 1

awk -v list="$list" '
function trim(s) { sub(/^[ \t]+/, "", s); sub(/[ \t]+$/, "", s); return s }
function broken(what) { print "broken: " what; bad = 1 }

# The line at which @what is in the body of @fn in @file; 0: it is not there. A
# body begins after a line that starts with the name, and ends with "}" alone.
function line_of(file, fn, what,    s, n, in_body, got, text) {
	if ((getline s < file) < 0) { broken("no file " file); return -1 }
	n = 1
	do {
		if (index(s, fn "(") == 1) in_body = 1
		else if (s ~ /^}/) { in_body = 0; text = "" }
		if (in_body) {
			# A statement may go on in the next line.
			sub(/^[ \t]+/, "", s)
			text = text (text ~ /[(]$/ || text == "" ? "" : " ") s
			if (!got && index(text, what)) got = n
		}
		n++
	} while ((getline s < file) > 0)
	close(file)
	return got
}

FILENAME ~ /rota\.pml$/ {
	if (match($0, /^(inline|proctype) [a-z_]+/)) {
		split(substr($0, 1, RLENGTH), word, " ")
		step[word[2]] = 1
	}
	next
}
/^#/ || /^[ \t]*$/ { next }
{
	n = split($0, f, " [|] ")
	name = trim(f[1])
	seen[name] = 1
	if (!(name in step)) broken("rota.pml has no " name)
	if (trim(f[2]) == "-") next
	if (n != 4) { broken("not four parts: " $0); next }
	at = line_of(trim(f[2]), trim(f[3]), trim(f[4]))
	if (at == 0)
		broken(trim(f[2]) ": " trim(f[3]) "() has no " trim(f[4]))
	else if (list) printf "%-15s %s:%d %s()\n", name, trim(f[2]), at, trim(f[3])
	edges++
}
END {
	for (name in step)
		if (!(name in seen)) broken("edges.txt has no " name)
	if (edges < 40) broken("only " edges " edges")
	exit bad
}' tests/model/rota.pml tests/model/edges.txt && echo "every edge is there"
