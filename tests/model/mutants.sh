#!/bin/sh
# SPDX-License-Identifier: MIT
#
# mutants.sh - does each planted fault get caught by its model?
#
# Runs the Promela mutants, relacy_mutants.sh with the arguments,
# channel_mutants.sh without. Prints a line for each, and the score. Exit 1: one
# survived. 77: one of the models could not be run, and nothing survived the
# others.
set -u
here=$(cd "$(dirname "$0")" && pwd)
log=$(mktemp)
trap 'rm -f "$log"' EXIT
trap 'exit 1' INT TERM
caught=0
all=0
status=0

for mutant in $("$here/spin.sh" mutants); do
	"$here/spin.sh" "$mutant" >"$log" 2>&1
	case $? in
	0)	caught=$((caught + 1))
		how=$(sed -n 's/^pan:[0-9]*: \(.*\) (at depth.*/\1/p' "$log")
		printf '%-22s caught   %.50s\n' "$mutant" "$how" ;;
	77)	cat "$log"
		status=77
		break ;;
	*)	status=1
		printf '%-22s NOT caught\n' "$mutant"
		grep -v '^	' "$log" | tail -n 5 ;;
	esac
	all=$((all + 1))
done
[ $status = 77 ] || echo "Promela: $caught of $all mutants caught"

for own in relacy_mutants.sh channel_mutants.sh; do
	if [ $own = relacy_mutants.sh ]; then
		"$here/$own" "$@"
	else
		"$here/$own"
	fi
	case $? in
	0)	;;
	77)	[ $status = 1 ] || status=77 ;;
	*)	status=1 ;;
	esac
done
exit $status
