#!/bin/sh
# SPDX-License-Identifier: MIT
#
# figures_test.sh figures dir - does the program figures find each way in which
# a document and its raw files can be at odds?
# Claims: medians, ratios, fields, units, ranges and tables hold if they are
# right to the digit; a figure that is wrong, that has no expression, or is of
# another unit, an expression too many, and a file that is missing, give 1.
set -eu

figures=$1 dir=$2
rm -rf "$dir"
mkdir -p "$dir"
cd "$dir"

cat >raw.json <<'END'
{"format": "rota results 1", "program": "p", "version": "0", "arguments": [],
"machine": {"cpu": "", "cores": 1, "kernel": "", "clocksource": "", "load": 0},
"options": {}, "metrics": {"ns": {"unit": "ns", "better": "lower"},
"bytes": {"unit": "B", "better": "lower"}}, "results": [
{"subject": "heap", "what": "push", "how": "", "n": 1000, "metric": "ns",
"values": [2000, 2004, 9000, 2000, 2004, 2002, 2004]},
{"subject": "wheel", "what": "push", "how": "", "n": 1000, "metric": "ns",
"values": [1000, 1002, 4500, 1000, 1002, 1001, 1002]},
{"subject": "wheel", "what": "stop", "how": "", "n": 1000, "metric": "ns",
"values": [30]},
{"subject": "wheel", "what": "", "how": "", "n": 1000, "metric": "bytes",
"values": [41.27]}], "notes": []}
END
cat >raw.txt <<'END'
idle heap    plain: wakeups 50.0 late_us 20
idle heap    plain: wakeups 52.0 late_us 40
idle wheel   plain: wakeups 7
END

printf '%s\n' '# A heading of 9.9 ns' '' \
	'One of 1e6 takes 2.00 us, `8.8 ns`, 1.0 to' '2.00 us, that is 2.0 x,' \
	'and 41.3 B on gcc-12.2 and 7.' \
	'<!-- figures raw.json' 'median(heap; ns; 1000; push)' \
	'median(wheel; ns; 1000; push)' 'median(heap; ns; 1000; push)' \
	'ratio(heap; wheel; ns; 1000; push)' 'median(wheel; bytes)' '-->' '' \
	'```' '7.7 ns' '```' '' \
	'| what | heap | wheel |' '|---|--:|--:|' '| push, 3.3 ns | 2.00 us | 1002 |' \
	'| stop | - | 30 |' '<!-- figures raw.json' \
	'each median($c; ns; 1000; $r)' 'columns heap | wheel' \
	'rows push | stop' '-->' '' \
	'1.00 to 4.50 us, 175 % of spread; 10.5 us in all.' \
	'<!-- figures raw.json' 'least(wheel; ns; 1000; push)' \
	'most(wheel; ns; 1000; push)' 'spread(wheel; ns; 1000; push)' \
	'sum(wheel; ns; 1000; push)' '-->' '' \
	'From 2.00 to 2.00 times.' '<!-- figures raw.json' \
	'low(heap; wheel; ns; 1000; push)' \
	'high(heap; wheel; ns; 1000; push)' '-->' '' \
	'51 x and 30 us, a goal of 5 %.' '<!-- figures raw.txt' \
	'field(idle heap; wakeups)' 'field(idle heap; late_us)' \
	'given: the goal' '-->' >good.md

expect() {
	set +e
	"$figures" . "$2" >out 2>&1
	status=$?
	set -e
	[ $status != 77 ] || exit 77
	grep -q "$3" out && [ $status = "$1" ] || {
		echo "$2: status $status, wanted $1 and \"$3\":"
		cat "$2" out
		exit 1
	}
}

# bad what-is-told sed... - good.md with a change is not good.
bad() {
	told=$1
	shift
	sed "$@" good.md >bad.md
	! cmp -s good.md bad.md || { echo "no change by $*"; exit 1; }
	expect 1 bad.md "$told"
}

expect 0 good.md '^good.md: 16 figures hold, 1 are given$'
bad '"2.01 us" is 2.004 by' 's/takes 2.00 us/takes 2.01 us/'
bad '"1.1" is 1.002 by' 's/1\.0 to/1.1 to/'
bad '"2.1 x" is 2' 's/2\.0 x/2.1 x/'
bad '"1003" is 1002 by' 's/1002/1003/'
bad '"52 x" is 51 by' 's/^51 x/52 x/'
bad '"31 us" is 30 by' 's/30 us/31 us/'
bad '"1.01" is 1 by least' 's/^1\.00 to/1.01 to/'
bad '"4.51 us" is 4.5 by most' 's/4\.50 us/4.51 us/'
bad '"176 %" is 174.651 by spread' 's/175 %/176 %/'
bad '"10.6 us" is 10.507 by sum' 's/10\.5 us/10.6 us/'
bad '"2.01" is 2 by low' 's/^From 2\.00/From 2.01/'
bad '"2.01 times" is 2 by high' 's/2\.00 times/2.01 times/'
bad 'not in the unit of' 's/41\.3 B/41.3 ns/'
bad '"4 ns" has no raw file' 's/^51 x.*/& Or 4 ns./'
bad '"2.00 us" has no raw file' '/^<!-- figures raw.json/,/^-->/d'
bad 'no figure is left for' 's/51 x and/And/'
bad 'no such result' 's/median(wheel; bytes)/median(heap; bytes)/'
bad 'no such field' 's/field(idle heap; late_us)/field(idle; late_ms)/'
bad 'cannot read' 's/figures raw.txt/figures none.txt/'
bad 'column or row 2 has no name' 's/^rows push | stop/rows push/'
bad 'no such function' 's/^median(wheel; b/mean(wheel; b/'
