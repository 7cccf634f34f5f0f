#!/bin/sh
# SPDX-License-Identifier: MIT
#
# relacy_mutants.sh - is each memory order needed, and would we notice?
#
#	relacy_mutants.sh [FILE[:LINE]]...	all, or those
#	relacy_mutants.sh list			what they are
#
# Each order in core/state.h, inbox.h, park.h and remote.h that is stronger
# than relaxed, and those of other files of core/ whose line has one of the tags
# of $tags, are weakened one step, alone, in a copy: seq_cst to acq_rel (a load's
# to acquire, a store's to release), acq_rel to acquire and to release, acquire
# and release to relaxed. And each line of plants() is changed as it says there.
# The relacy tests have to fail on each, but for those of exceptions(). Exit 1:
# one survived, or none was made; or an exception is not that of one line. 77: no
# relacy or no compiler. CC and CXX name the compilers.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
headers="state.h inbox.h park.h remote.h"
tagged="lock_owner.h expire.h stop.c release.c retire.c room.c pool.c"
tags='[[](C1|H1|K2|K3|N1|N2|R1|R2)[]]'
CC=${CC:-gcc}
CXX=${CXX:-g++}

# Mistakes: a file, and what sed makes of one line of it.
plants() {
	cat <<-'EOF'
	expire.h s/\.before = before,/.before = before + 100,/
	enqueue.h s/running_at_all(s, t))$/0)/
	enqueue.h s/shard_of(kind_unchecked(t)) != s/0/
	retire.c s/^\trota__shard_pushed(s, 0);$//
	retire.c s/seq_before(b->r_seq, a->r_seq) ? b : a/a/
	retire.c s/word_add(&target->timers, n - moving, relaxed);/;/
	retire.c s/^\tword_add(&target->remote.kick, .*//
	shard.c s/^\tif (rota_unlikely(target != NULL)) {/if (0) {/
	owner.c s/^\tif (!inbox_empty(&s->remote.inbox))$/if (0)/
	stop.c s/^\tif (claimed && !(word & ST_LINKED))/if (0)/
	stop.c s/^\twhile (running == t || running/while (0 \&\& running == t || running/
	release.c s/owner && !running_elsewhere(s, t)/owner/
	sleep.c s/^\tif (inbox_empty(&s->remote.inbox) &&/if (1 \&\&/
	room.c s/^\t\ttimer_uncount(\*s);//
	EOF
}

# Orders that no test here can need: a file, why, and text of the statement with
# the order, in one line, without comments. Why:
#
# c23	The thread that stores has made a release store to the same word before,
#	and what that does not pass on no reader of this store needs. By C11 and
#	C17 (5.1.2.4, release sequences) a later store by the same thread passes
#	on the same, relaxed or not, and so it does in relacy. C23 has dropped
#	that: so the order stays.
exceptions() {
	cat <<-'EOF'
	release.c c23 word_store(&s->running[role], running_released(t), release);
	EOF
}

# statement FILE LINE: the statement there, with the conditions before it.
statement() {
	awk -v line="$2" '
	/^[ \t]*\/?\*/ { next }
	{
		sub(/\/\*.*/, "")
		gsub(/^[ \t]+|[ \t]+$/, "")
		all = all == "" ? $0 : all " " $0
		here = here || NR == line
	}
	/[;{}:]$/ || /^#/ || /^$/ {
		if (here) {
			print all
			exit
		}
		all = ""
	}' "$root/core/$1"
}

# excepted FILE LINE: prints why, or nothing.
excepted() {
	is=$(statement "$1" "$2")
	exceptions | while read -r h why what; do
		case "$1 $is" in
		"$h "*"$what"*) echo "$why" ;;
		esac
	done
}

# Fails unless each exception is that of one line of list().
exceptions_hold() {
	list | while read -r h line at how; do
		[ "$at" = 0 ] || echo "$h $line"
	done | sort -u >"$dir/lines"
	exceptions | while read -r h why what; do
		n=$(while read -r file line; do
			[ "$file" != "$h" ] || statement "$h" "$line"
		done <"$dir/lines" | grep -cF -e "$what" || :)
		[ "$n" = 1 ] && continue
		echo "relacy_mutants.sh: of $n lines: except $h $why $what"
		exit 1
	done
}

list() {
	for h in $headers $tagged; do
		case " $headers " in
		*" $h "*) only= ;;
		*) only=$tags ;;
		esac
		awk -v tags="$only" -f "$here/orders.awk" "$root/core/$h" |
		    while read -r line at from to call; do
			echo "$h $line $at $from $to $call"
		done
	done
	plants | while read -r h how; do
		line=$(sed -n "$how;t found
			b
			:found
			=" "$root/core/$h" | sed -n 1p)
		echo "$h ${line:-0} 0 $how"
	done
}

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
exceptions_hold
if [ "${1:-}" = list ]; then
	list
	exit
fi
if ! echo '#include <relacy/relacy.hpp>' |
    "$CXX" -std=c++11 -w -fsyntax-only -xc++ - 2>/dev/null; then
	echo "relacy_mutants.sh: no relacy, or no $CXX"
	exit 77
fi

mkdir -p "$dir/core" "$dir/as_is" "$dir/mutant"

# compile DIR SOURCE...: the objects of these.
compile() {
	to=$1
	shift
	for c; do
		echo "$c"
	done | xargs -P "${JOBS:-2}" -I{} sh -c '
		f={}
		[ ! -f "$2/core/${f##*/}" ] || [ "${f%/*}" != "$1/core" ] ||
			f=$2/core/${f##*/}
		"$0" -std=c11 -w -O1 -fno-strict-aliasing -fsanitize=thread \
		    -D_GNU_SOURCE -DNDEBUG -DROTA_HOSTILE=1 \
		    -DGROW_STEP=0 -DNODE_BITS=0 \
		    -DROTA_RELACY="\"tests/model/relacy_words.h\"" \
		    -I"$2" -I"$1" -I"$1/api" -c "$f" -o "$3/$(basename "$f" .c).o"
	' "$CC" "$root" "$dir" "$to"
}

link() {
	rm -rf "$dir/link"
	mkdir "$dir/link"
	cp "$dir/as_is"/*.o "$dir/link"
	[ $# = 0 ] || cp "$1"/*.o "$dir/link"
	"$CXX" "$dir"/link/*.o -o "$dir/relacy_core" -lpthread
}

# 0: all pass; else $status, and $dir/log says which failed.
passes() {
	for set in all_stories pairs triples random; do
		status=0
		timeout 1200 "$dir/relacy_core" $set >"$dir/log" 2>&1 ||
			status=$?
		[ $status -eq 0 ] || return 1
	done
}

sources=$(ls "$root"/core/*.c "$root"/core/sys/*.c "$root"/heap/*.c \
    "$root"/wheel/*.c)
"$CXX" -std=c++11 -w -O2 -I"$root" -c "$here/relacy_words.cpp" \
    -o "$dir/as_is/relacy_words.o"
for c in relacy_core relacy_world; do
	"$CC" -std=c11 -w -O2 -fno-strict-aliasing -D_GNU_SOURCE -DNDEBUG \
	    -DROTA_HOSTILE=1 -DROTA_RELACY='"tests/model/relacy_words.h"' \
	    -I"$root" -I"$root/api" -c "$here/$c.c" -o "$dir/as_is/$c.o"
done
compile "$dir/as_is" $sources
link
if ! "$dir/relacy_core" stories >"$dir/log" 2>&1; then
	cat "$dir/log"
	echo "relacy_mutants.sh: fails without a mutant"
	exit 1
fi

list >"$dir/list"
all=0
caught=0
spared=0
while read -r h line at how; do
	if [ $# -gt 0 ]; then
		case " $* " in
		*" $h "* | *" $h:$line "*) ;;
		*) continue ;;
		esac
	fi
	why=
	[ "$at" = 0 ] || why=$(excepted "$h" "$line")
	if [ -n "$why" ]; then
		spared=$((spared + 1))
		printf '%-14s %3d  %-22s  excepted: %s\n' "$h" "$line" "" "$why"
		continue
	fi
	all=$((all + 1))
	if [ "$at" != 0 ]; then
		from=${how%% *}
		to=${how#* }
		to=${to%% *}
		# The order begins at or behind that column.
		how="s/^\(.\{$((at - 1))\}[^a-z]*\)$from/\1$to/"
		what="${from} -> ${to}"
	else
		what=$how
	fi
	# A plant that matches no line is of line 0.
	[ "$line" = 0 ] || sed "$line $how" "$root/core/$h" >"$dir/core/$h"
	if [ "$line" = 0 ] || cmp -s "$root/core/$h" "$dir/core/$h"; then
		echo "relacy_mutants.sh: $h:$line $what changes nothing"
		exit 1
	fi
	rm -f "$dir"/mutant/*
	case $h in
	*.h) compile "$dir/mutant" $sources ;;
	*) compile "$dir/mutant" "$root/core/$h" ;;
	esac
	rm "$dir/core/$h"
	link "$dir/mutant"
	if passes; then
		how="SURVIVED"
	elif [ "$status" -eq 124 ]; then
		how="NO VERDICT in twenty minutes"
	elif ! grep -q '^FAILED: ' "$dir/log"; then
		how="caught: it crashes"
		caught=$((caught + 1))
	else
		caught=$((caught + 1))
		how="caught by $(sed -n 's/^FAILED: //p' "$dir/log")"
	fi
	printf '%-14s %3d  %-22s  %s\n' "$h" "$line" "$what" "$how"
done <"$dir/list"
echo "relacy: $caught of $all mutants caught, $spared excepted"
[ $((all + spared)) -gt 0 ] && [ $caught -eq $all ]
