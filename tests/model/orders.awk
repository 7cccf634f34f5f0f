# SPDX-License-Identifier: MIT
#
# orders.awk - the memory orders of a file that are stronger than relaxed.
#
#	awk [-v relax=1] [-v tags=RE] -f orders.awk FILE...
#
# Writes "line column order weaker what" for each: one step weaker (seq_cst to
# acq_rel, a load's to acquire, a store's to release; acq_rel to acquire and to
# release, two lines; acquire and release to relaxed), or relaxed. An order
# stands behind a comma, @column is that comma's; the call it belongs to is the
# last one begun. With @tags only lines that match it count.
function out(to) {
	if (tags == "" || $0 ~ tags)
		print FNR, at, order, to, call
}
BEGIN {
	item = "(word_[a-z]+|STATE_TRY)[(]|" \
	    "(^[ \t]*|, )(acquire|release|acq_rel|seq_cst)[,)]"
}
{
	line = $0
	if (line ~ /^ \*/ || line ~ /^\/\*/)
		next
	sub(/\/\*.*/, "", line)
	at = 0
	while (match(line, item)) {
		found = substr(line, RSTART, RLENGTH)
		at += RSTART
		line = substr(line, RSTART + RLENGTH - 1)
		if (found ~ /\($/) {
			call = substr(found, 1, length(found) - 1)
			at += RLENGTH - 2
			continue
		}
		order = found
		gsub(/[ \t,)]/, "", order)
		if (relax)
			out("relaxed")
		else if (order == "acq_rel") {
			out("acquire")
			out("release")
		} else if (order != "seq_cst")
			out("relaxed")
		else if (call == "word_load")
			out("acquire")
		else if (call == "word_store")
			out("release")
		else
			out("acq_rel")
		at += RLENGTH - 2
	}
}
