#!/bin/sh
# SPDX-License-Identifier: MIT
#
# plant.sh - would the suites notice a mistake in core/?
#
#	plant.sh [--seed S] [--count N] [--build DIR] [--list] [--resume] [--tsan]
#
# Plants N mistakes, 40 by default, one at a time, in a copy of the tree under
# DIR (build/plants) and runs the suites until one fails. A seed, 1 by default,
# chooses the mistakes, a quarter of each kind: those of plant.awk, and a memory
# order of orders.awk that becomes relaxed. The same seed on the same tree
# chooses the same.
#	--list    only say which are chosen; no compiler has seen them yet
#	--resume  go on where a run of that seed and count was stopped
#	--tsan    a last stage, preset tsan: the one that sees weak orders outside
#	          of what relacy reads; labels unit, conformance, gate and race
#
# Stages: unit, conformance and gate in preset release; for what survives it
# the same in preset hostile; then the relacy tests that are not slow. Both
# presets without -g, release with -O1, which halves the time to compile. Tests
# run one at a time, the quickest first. With four times the time that a test
# took without a mistake and thirty seconds, of a processor, or eight times that
# by the clock, it hangs, which counts as noticed.
#
# A mistake that does not compile is drawn anew; so is an equivalent one: the
# objects of release are the same. Most weakened orders change nothing on x86;
# without --tsan only those are planted that relacy reads, and seq_cst stores.
#
# A line for each: number, kind, file:line, before -> after, and what killed it
# or SURVIVED. Ctrl-C prints what there is. Exit 0: nine in ten were killed. 1:
# fewer. 2: not understood, or a suite fails without a mistake. 77: no cmocka
# or no cmake. 130: ctrl-C. Each survivor is either a hole in the suites or no
# mistake in effect (an order of two calls, a hint): a person says which.
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
tab='	'

die() {
	echo "plant.sh: $1" >&2
	exit "${2:-2}"
}

say() {
	printf 'plant.sh: %s\n' "$*" >&2
}

seed=1 count=40 build=$root/build/plants list='' resume=''
stages='release hostile relacy'
while [ $# -gt 0 ]; do
	case $1 in
	--seed | --count | --build)
		[ $# -gt 1 ] || die "$1 takes a value"
		case $1 in
		--seed) seed=$2 ;;
		--count) count=$2 ;;
		--build) build=$2 ;;
		esac
		shift ;;
	--list) list=1 ;;
	--resume) resume=1 ;;
	--tsan) stages="$stages tsan" ;;
	*) die "'$1' is not understood; see the head of $0" ;;
	esac
	shift
done
case $seed$count in
*[!0-9]* | '') die 'a seed and a count are numbers' ;;
esac
mkdir -p "$build" || exit 2
build=$(cd "$build" && pwd)
tree=$build/tree
run=$build/${list:+list-}seed-$seed-$count

#
# What could be planted, and what is.
#

# Can a stage see that order @2 of file @1 is gone? Of those outside of what
# relacy reads an x86 processor knows one alone.
seen() {
	case "$stages $1 $2" in
	*tsan* | *' core/state.h '* | *' core/inbox.h '* | *' core/park.h '* | \
	*' core/remote.h '* | *' seq_cst word_store') ;;
	*) return 1 ;;
	esac
}

# Every candidate, in an order that the seed chooses within each kind: kind,
# file, first line, last line, what those become.
candidates() {
	cd "$root" || exit
	{
		awk -f "$here/plant.awk" core/*.[ch] core/sys/*.[ch]
		for f in core/*.[ch] core/sys/*.[ch]; do
			awk -v relax=1 -f "$here/orders.awk" "$f" |
			while read -r line at from _ call; do
				seen "$f" "$from $call" || continue
				awk -v l="$line" -v at="$at" -v from="$from" '
				NR == l {
					tail = substr($0, at)
					sub(from, "relaxed", tail)
					$0 = substr($0, 1, at - 1) tail
					gsub(/\t/, "\001")
					print "order\t" FILENAME "\t" l "\t" l "\t" $0
				}' "$f"
			done
		done
	} |
	awk -F '\t' -v seed="$seed" '
	# Park and Miller 1988.
	function random(below) {
		state = state * 16807 % 2147483647
		return state % below
	}
	{
		if (!($1 in n))
			kinds[++k] = $1
		all[$1, n[$1]++] = $0
	}
	END {
		state = (seed * 48271 + 11) % 2147483646 + 1
		for (i = 0; i < 10; i++)
			random(2)
		for (i = 1; i <= k; i++)
			for (left = n[kinds[i]]; left > 0; left--) {
				j = random(left)
				print all[kinds[i], j]
				all[kinds[i], j] = all[kinds[i], left - 1]
			}
	}'
}

# The first choice, in the order in which they are tried: one file after the
# other, headers last, so that little is built again. Each line is the number
# of a line of the candidates.
first_choice() {
	awk -F '\t' -v count="$count" '
	{
		if (!($1 in n))
			kind[k++] = $1
		line[$1, ++n[$1]] = NR
		sorts[NR] = ($2 ~ /h$/) " " $2 sprintf(" %6d", $3)
	}
	END {
		for (i = 0; chosen < count && i < count * k; i++) {
			at = kind[i % k] SUBSEP (int(i / k) + 1)
			if (at in line) {
				chosen++
				print sorts[line[at]] "\t" line[at]
			}
		}
	}' "$1" | sort | cut -f2
}

# The next of candidate @1's kind that no number has had.
redraw() {
	awk -F '\t' -v was="$1" '
	FNR == 1 { file++ }
	file == 1 && $2 == "drawn" { had[$3] = 1 }
	file == 2 { kind[FNR] = $1 }
	END {
		for (i = 1; i in kind; i++)
			if (kind[i] == kind[was] && !(i in had)) {
				print i
				exit
			}
	}' "$run/result" "$run/candidates"
}

# Set kind, file, from, to and what for candidate @1; put what it becomes into
# $run/text.
candidate() {
	sed -n "$1p" "$run/candidates" >"$run/candidate"
	IFS=$tab read -r kind file from to text <"$run/candidate"
	printf '%s\n' "$text" | tr '\001\f' '\t\n' >"$run/text"
	before=$(sed -n "$from,${to}p" "$root/$file" | squeeze)
	after=$(squeeze <"$run/text")
	what="$kind $file:$from  $before -> $after"
}

squeeze() {
	tr -s '\n\t ' '   ' | sed 's/^ *//; s/ *$//'
}

#
# The copy.
#

# Bring @1 of the copy to what the tree has, with a new time.
restore() {
	cmp -s "$root/$1" "$tree/$1" || { rm -f "$tree/$1" &&
	mkdir -p "$(dirname "$tree/$1")" && cp "$root/$1" "$tree/$1"; }
}

copy() {
	mkdir -p "$tree"
	(cd "$root" && if [ -d .git ] || [ -f .git ]; then
		git ls-files -co --exclude-standard
	else
		find . -name build -prune -o -type f -print
	fi) >"$build/files"
	while read -r f; do
		[ ! -f "$root/$f" ] || restore "$f"
	done <"$build/files"
}

planted=
unplant() {
	[ -z "$planted" ] || restore "$planted"
	planted=
}

plant() {
	[ "$planted" = "$file" ] || unplant
	{
		sed "$from,\$d" "$root/$file"
		cat "$run/text"
		sed "1,${to}d" "$root/$file"
	} >"$run/planted"
	cp "$run/planted" "$tree/$file"
	planted=$file
}

#
# Building and running.
#

# In the background, so that ctrl-C is heard at once.
child=
quietly() {
	"$@" >"$run/log" 2>&1 &
	child=$!
	wait $child
	set -- $?
	child=
	return "$1"
}

preset_of() {
	case $1 in
	relacy) echo release ;;
	*) echo "$1" ;;
	esac
}

make() {
	dir=$tree/build/$(preset_of "$1")
	shift
	quietly cmake --build "$dir" --target "$@"
}

configure() {
	quietly cmake -S "$tree" --preset "$1" -DROTA_BENCH=OFF -DROTA_TOOLS=OFF \
	    -DROTA_EXAMPLES=OFF -DCMAKE_COMPILE_WARNING_AS_ERROR=OFF \
	    "-DCMAKE_C_FLAGS_RELWITHDEBINFO=-O1 -DNDEBUG" \
	    "-DCMAKE_CXX_FLAGS_RELWITHDEBINFO=-O1 -DNDEBUG" \
	    -DCMAKE_C_FLAGS_DEBUG= -DCMAKE_CXX_FLAGS_DEBUG=
}

# The tests of a stage: name, folder, command.
tests_of() {
	find "$tree/build/$(preset_of "$1")/tests" -name CTestTestfile.cmake |
	sort | while read -r f; do
		awk -v stage="$1" -v dir="$(dirname "$f")" '
		/^add_test\(/ {
			name = $0
			sub(/^add_test\(\[=\[/, "", name)
			command = name
			sub(/\]=\].*/, "", name)
			sub(/^[^ ]* /, "", command)
			sub(/\)$/, "", command)
		}
		/^set_tests_properties\(/ {
			labels = $0
			sub(/.* LABELS "/, "", labels)
			sub(/".*/, "", labels)
			labels = ";" labels ";"
			# The test that plants a race itself is to fail.
			model = labels ~ /;model;/ && \
			    name ~ /^model_relacy_/ && name !~ /_race$/
			c = labels ~ /;(unit|conformance|gate);/ || \
			    stage == "tsan" && labels ~ /;race;/ && \
			    labels !~ /;slow-tsan;/
			if (labels !~ /;(slow|tree);/ && $0 !~ /DISABLED "(TRUE|ON)"/ &&
			    (stage == "relacy" ? model : c))
				print name "\t" dir "\t" command
		}' "$f"
	done
}

# Programs with a copy of core/ of their own: they are built last.
own_copies() {
	find "$tree/build/$1" -path '*/core/timer.c.o' |
	sed 's|.*/CMakeFiles/\([^/]*\)\.dir/.*|\1|'
}

sum() {
	cksum <"$1" 2>/dev/null || echo none
}

objects() {
	(cd "$tree/build/release/CMakeFiles/rota_objects.dir" &&
	find . -name '*.o' | sort | xargs cksum)
}

# Run a test for @limit seconds of a processor. 0: passes; else how says what
# happened. By the clock it may take much longer: on a busy machine most tests
# do, and what was ended for that would count as noticed.
run_test() {
	name=$1 dir=$2 command=$3 limit=$4
	eval "set -- $command"
	(
		# A mistake must not fill the disk.
		ulimit -f 200000 2>/dev/null
		# shellcheck disable=SC3045 # in POSIX since 2024
		ulimit -t "$limit" 2>/dev/null
		cd "$dir" && exec timeout -k 5 $((limit * 8)) "$@"
	) >"$run/test" 2>&1 &
	child=$!
	wait $child
	r=$?
	child=
	case $r in
	0 | 77) return 0 ;;
	124 | 137 | 152) how="$name: hangs" ;;
	*)
		case_=$(sed -n 's/^\[  FAILED  \] \([^:]*\)$/\1/p; s/^FAILED: *//p' \
			"$run/test" | head -n 1 | cut -c1-60)
		how=$name${case_:+: $case_}
		[ $r -le 128 ] || how="$how (signal $((r - 128)))" ;;
	esac
	return 1
}

# Build a stage of the tree as it is, run it, and keep what a mistake is
# compared with: time, sum of the program, name, folder, command of each test.
base() {
	stage=$1 at=$build/base-$1
	if [ -f "$at" ] && [ "$(head -n 1 "$at")" = "$sum_of_tree" ]; then
		return
	fi
	say "$stage without a mistake: building"
	preset=$(preset_of "$stage")
	configure "$preset" || { cat "$run/log"; die "cannot configure $preset" 77; }
	tests_of "$stage" >"$run/tests"
	[ -s "$run/tests" ] || [ "$stage" = relacy ] ||
		die 'no tests: is cmocka there?' 77
	[ "$stage" != release ] || ! make release rota_objects ||
		objects >"$build/objects"
	# shellcheck disable=SC2046 # words
	[ ! -s "$run/tests" ] || make "$stage" $(targets <"$run/tests") ||
		{ tail -n 20 "$run/log"; die "$stage does not build"; }
	say "$stage without a mistake: $(wc -l <"$run/tests") tests"
	own=" $(own_copies "$preset" | tr '\n' ' ') "
	: >"$run/base"
	while IFS=$tab read -r name dir command; do
		begun=$(date +%s)
		run_test "$name" "$dir" "$command" 1800 || {
			tail -n 20 "$run/test" >&2
			die "$how, without a mistake"
		}
		took=$(($(date +%s) - begun))
		group=0
		case $name in gate_*) group=1 ;; esac
		case $own in *" $name "*) group=2 ;; esac
		[ $took -lt 5 ] || group=3
		printf '%d\t%d\t%s\t%s\t%s\t%s\n' $group $took \
		    "$(sum_of_program "$command")" "$name" "$dir" "$command"
	done <"$run/tests" >>"$run/base"
	{ echo "$sum_of_tree"; sort -n -k1,1 -k2,2 "$run/base"; } >"$at"
}

# The targets of the tests on stdin: their programs' names.
targets() {
	cut -f3 | sed 's/^"\([^"]*\)".*/\1/; s|.*/||' | sort -u
}

sum_of_program() {
	program=${1#\"}
	sum "${program%%\"*}"
}

# Run a stage with the mistake. 0: all pass. 1: how says what noticed. 2: it
# does not compile. A program that is as without the mistake is not run.
run_stage() {
	for group in 0 1 2 3; do
		sed 1d "$build/base-$1" | awk -v g=$group '$1 == g' |
			cut -f2- >"$run/group"
		[ -s "$run/group" ] || continue
		# shellcheck disable=SC2046 # words
		make "$1" $(cut -f3- "$run/group" | targets) || return 2
		while IFS=$tab read -r took was name dir command; do
			[ "$(sum_of_program "$command")" != "$was" ] || continue
			run_test "$name" "$dir" "$command" $((took * 4 + 30)) ||
				return 1
		done <"$run/group"
	done
}

# Is it for the models alone? An order that changes no instruction of x86.
for_models() {
	[ "$kind" = order ] || return 1
	case $before in *word_store*seq_cst*) return 1 ;; esac
}

#
# The result: lines of "number what value", of which the last counts.
#

put() {
	printf '%s\t%s\t%s\n' "$@" >>"$run/result"
}

get() {
	awk -F '\t' -v n="$1" -v what="$2" \
	    '$1 == n && $2 == what { v = $3 } END { print v }' "$run/result"
}

# A line for number @1, if it is decided or @2 is.
line() {
	verdict=$(get "$1" killed)
	[ -z "$verdict" ] || verdict="killed by $verdict"
	verdict=${verdict:-${2:-}}
	[ -n "$verdict" ] || return 1
	candidate "$(get "$1" drawn)"
	printf '%2d %s  %s\n' "$1" "$what" "$verdict"
}

summary() {
	trap '' INT TERM
	echo
	n=1 killed=0 survived=0 unknown=0
	while [ $n -le "$count" ]; do
		if line $n >"$run/line"; then
			killed=$((killed + 1))
			cat "$run/line"
		elif [ -n "$(get $n survived)" ]; then
			survived=$((survived + 1))
			line $n SURVIVED
		else
			unknown=$((unknown + 1))
			passed=$(get $n passed)
			[ -z "$passed" ] || line $n "undecided, passes $passed"
		fi
		n=$((n + 1))
	done
	for why in uncompiled equivalent; do
		awk -F '\t' -v why=$why '$2 == why { print $3 }' "$run/result" \
			>"$run/redrawn"
		redrawn=$(wc -l <"$run/redrawn")
		[ "$redrawn" -gt 0 ] || continue
		case $why in
		uncompiled) echo "$redrawn do not compile: drawn anew" ;;
		equivalent) echo "$redrawn change no object: drawn anew" ;;
		esac
		[ $why != uncompiled ] || continue
		while read -r i; do
			candidate "$i"
			echo "	$what"
		done <"$run/redrawn"
	done
	echo "seed $seed: $killed of $((killed + survived)) killed, $survived" \
		"survived, $unknown undecided"
	[ $((killed * 10)) -ge $(((killed + survived + unknown) * 9)) ]
}

stop() {
	trap '' INT TERM
	[ -z "$child" ] || kill "$child" 2>/dev/null
	unplant
	summary
	exit 130
}

#
# All of it.
#

command -v cmake >/dev/null || die 'no cmake' 77
mkdir -p "$run"
if [ -z "$resume" ] || [ ! -f "$run/result" ]; then
	candidates >"$run/candidates"
	: >"$run/result"
	n=0
	for i in $(first_choice "$run/candidates"); do
		n=$((n + 1))
		put $n drawn "$i"
	done
	count=$n
fi
echo "seed $seed, $count of $(wc -l <"$run/candidates") possible mistakes"
if [ -n "$list" ]; then
	n=1
	while [ $n -le "$count" ]; do
		candidate "$(get $n drawn)"
		printf '%2d %s\n' $n "$what"
		n=$((n + 1))
	done
	exit
fi

copy
# Of what is compiled.
sum_of_tree=$(grep -E '\.(c|h|cc|cpp|txt|cmake|json|map)$' "$build/files" |
while read -r f; do
	[ ! -f "$root/$f" ] || cksum "$root/$f"
done | cksum)
if [ -n "$resume" ] && [ -n "$(get 0 tree)" ] &&
    [ "$(get 0 tree)" != "$sum_of_tree" ]; then
	say 'the tree has changed since; the mistakes are of before'
fi
put 0 tree "$sum_of_tree"
trap stop INT TERM

ready=
for stage in $stages; do
	n=0
	while [ $n -lt "$count" ]; do
		n=$((n + 1))
		[ -z "$(get $n killed)" ] || continue
		case " $(get $n passed) " in *" $stage "*) continue ;; esac
		if [ "$ready" != "$stage" ]; then
			unplant
			base "$stage"
			ready=$stage
		fi
		result=0
		while :; do
			i=$(get $n drawn)
			candidate "$i"
			case $stage in
			release | hostile) ! for_models || break ;;
			esac
			say "$n/$count $stage: $what"
			plant
			again=
			if [ "$stage" = release ]; then
				if ! make release rota_objects; then
					again=uncompiled
				elif objects | cmp -s - "$build/objects"; then
					again=equivalent
				else
					run_stage release
					result=$?
					[ $result -ne 2 ] || again=uncompiled
				fi
			else
				run_stage "$stage"
				result=$?
			fi
			[ -n "$again" ] || break
			put $n $again "$i"
			i=$(redraw "$i")
			[ -n "$i" ] || die "no other of kind $kind is left"
			put $n drawn "$i"
		done
		case $result in
		1)
			put $n killed "$stage, $how"
			line $n ;;
		*)
			put $n passed "$(get $n passed) $stage" ;;
		esac
	done
	unplant
done
n=0
while [ $n -lt "$count" ]; do
	n=$((n + 1))
	[ -n "$(get $n killed)" ] || put $n survived yes
done
summary
