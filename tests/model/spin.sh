#!/bin/sh
# SPDX-License-Identifier: MIT
#
# spin.sh - check the protocol of the timer word with spin.
#
#	spin.sh SET [DIR]	search all of one set; DIR gets what it reached
#	spin.sh MUTANT		exit 0 if spin finds the planted fault
#	spin.sh reached DIR	is every line of the model reached by some set?
#	spin.sh sets | mutants	their names
#
# A set is rota.pml with sizes. Exit 0: the search was complete and found no
# error. 1: it was not, or did; the end of spin's trail is printed. 77: no
# spin or no C compiler. SPIN and CC name them, SPIN_KEEP=1 keeps the folder.
set -eu
here=$(cd "$(dirname "$0")" && pwd)

# Two threads make OPS and OPS1 calls, the owner OWN: what a minute allows.
sets="calls far release owner verdict reuse pair batch adopt"
sizes() {
	case $1 in
	calls)   echo -DOPS=2 -DOWN=1 ;;
	far)     echo -DOPS=2 -DOWN=0 -DLAST=3 ;;
	release) echo -DOPS=2 -DOWN=1 -DRELEASE ;;
	owner)   echo -DOPS=1 -DOWN=2 -DRELEASE -DSWEEP -DBUDGET ;;
	verdict) echo -DOPS=2 -DOPS1=1 -DOWN=1 -DVERDICT ;;
	reuse)   echo -DOPS=1 -DOWN=2 -DVERDICT -DRELEASE -DREUSE ;;
	pair)    echo -DOPS=1 -DOWN=1 -DTIMERS=2 -DRELEASE ;;
	batch)   echo -DOPS=2 -DOWN=1 -DRELEASE -DBATCH ;;
	adopt)   echo -DOPS=2 -DOPS1=0 -DOWN=1 -DRELEASE -DADOPT=2 ;;
	*)       return 1 ;;
	esac
}

# The set in which a mutant has to be found.
in_calls="arm_queued no_kick earlier_unqueued fire_stays_linked zombie_stays
	no_second_look look_first
	push_twice kick_late kick_read_late owner_no_kick stage_sleeps
	early claim_by_store wake_stale"
in_release="release_no_wait release_no_kick release_no_wake reset_revives
	release_stays_linked touch_after_cas touch_after_callback"
in_owner="keep_by_store unstage_frees"
in_verdict="running_late running_no_claim no_reread"
in_reuse="running_stays"
in_pair="link_late"
in_batch=
in_far=
in_adopt="drain_runs park_blind adopter_silent"
set_of() {
	for set in $sets; do
		names=
		eval "names=\$in_$set"
		for name in $names; do
			[ "$name" != "$1" ] || { echo "$set"; return; }
		done
	done
	return 1
}

# Lines of the model that have states, and those of them that were reached:
# an inline has states wherever it is used, and a line counts as reached if
# one of them was.
states() {
	"$1/pan" -d | sed -n 's/.*rota\.pml:\([0-9]*\) => .*/\1 have/p'
	sed -n 's/.*rota\.pml:\([0-9]*\), state .*/\1 miss/p' "$1/out"
}
# shellcheck disable=SC2016
count='{ n[$1]; $2 == "have" ? have[$1]++ : miss[$1]++ }
	END { for (l in n) print l, (have[l] > miss[l] ? "yes" : "no") }'

version() {
	cksum <"$here/rota.pml"
}

reached() {
	for name in $sets; do
		[ "$(head -n 1 "$1/$name.reached" 2>&1)" = "$(version)" ] || {
			echo "reached: $name was not run on this model" >&2
			return 1
		}
	done
	for name in $sets; do
		sed 1d "$1/$name.reached"
	done | awk '
		{ n[$1]; if ($2 == "yes") yes[$1] }
		END { for (l in n) if (!(l in yes)) print l }' |
		sort -n >"$1/unreached"
	while read -r line; do
		echo "never reached: $(sed -n "${line}p" "$here/rota.pml")"
	done <"$1/unreached"
	[ ! -s "$1/unreached" ] || return 1
	echo "reached: every line, in one set or another"
}

# shellcheck disable=SC2086
case ${1:-} in
sets) echo $sets; exit ;;
mutants) echo $in_calls $in_release $in_owner $in_verdict $in_reuse \
	$in_pair $in_batch $in_adopt; exit ;;
reached) reached "${2:?spin.sh reached DIR}"; exit ;;
esac

if flags=$(sizes "${1:-}"); then
	mutant=
elif set=$(set_of "${1:-}"); then
	mutant=$1
	flags="$(sizes "$set") -DMUTANT_$1"
else
	sed -n 's/^#	\(spin.sh\)/usage: \1/p' "$0" >&2
	exit 2
fi
SPIN=${SPIN:-$(command -v spin || :)}
CC=${CC:-$(command -v cc || command -v gcc || :)}
if [ -z "$SPIN" ] || [ -z "$CC" ]; then
	echo "spin.sh: needs spin and a C compiler; skipped"
	exit 77
fi

reach=
[ -z "${2:-}" ] || reach=$(mkdir -p "$2" && cd "$2" && pwd)
dir=$(mktemp -d)
trap '[ -n "${SPIN_KEEP:-}" ] || rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
cp "$here/rota.pml" "$dir"
version=$(cksum <"$dir/rota.pml")
cd "$dir"
# -o3: statements are not merged, so that each can be told reached or not.
# shellcheck disable=SC2086
"$SPIN" -o3 $flags -a rota.pml >spin.out 2>&1 || { cat spin.out; exit 1; }
# -w: what spin writes is not warning-free.
"$CC" -O2 -w -DSAFETY -DCOLLAPSE -DMEMLIM=8000 -o pan pan.c
./pan -m20000 -w26 >out 2>&1 || { cat out; exit 1; }

figure() {
	sed -n "s/$1/\\1/p" out | head -n 1
}
errors=$(figure '.*errors: *\([0-9]*\).*')
printf '%s: %s errors, %.0f states, depth %s, %s s, %s MB\n' "$1" \
	"${errors:-?}" "$(figure ' *\([0-9.e+]*\) states, stored.*')" \
	"$(figure '.*depth reached \([0-9]*\).*')" \
	"$(figure '.*elapsed time \([0-9.]*\) seconds.*')" \
	"$(figure ' *\([0-9.]*\).total actual memory usage.*')"

if [ -n "$mutant" ]; then
	grep '^pan:.*\(violated\|invalid end state\)' out
	exit
fi
if [ "$errors" != 0 ]; then
	grep '^pan:' out || cat out
	# shellcheck disable=SC2086
	"$SPIN" -o3 $flags -t -p -g -l rota.pml | tail -n 200
	exit 1
fi
if grep -i 'not completed\|too small\|out of memory\|MEMLIM' out; then
	exit 1
fi
if [ -n "$reach" ]; then
	{
		echo "$version"
		states . | awk "$count"
	} >"$reach/$1.reached"
fi
