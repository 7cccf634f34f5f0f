#!/bin/sh
# SPDX-License-Identifier: MIT
#
# run.sh - the benchmarks of Go's time package, by name: rota's heap and wheel,
# and the Go of the machine, one after the other in each repetition.
#
# usage: bench/go/run.sh [-r REPS] [-t MS] [-o FILE] [PROGRAM]
#
# PROGRAM is rota_go, build/release/bench/go/rota_go if it is not said. Go's
# are those of its own standard library, `go test time`. FILE gets every line
# of every repetition. Without Go its column is empty. What it writes besides,
# it removes at the end, also if that is ctrl-C.
set -eu

reps=3 ms=500 file=
while getopts r:t:o: option; do
	case $option in
	r) reps=$OPTARG ;;
	t) ms=$OPTARG ;;
	o) file=$OPTARG ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
program=${1:-build/release/bench/go/rota_go}
[ -x "$program" ] || {
	echo "run.sh: no program $program" >&2
	exit 2
}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP
raw=${file:-$dir/raw}
: >"$raw"
export GOTMPDIR="$dir" GOTOOLCHAIN=local

names='AfterFunc1000|After|Stop|SimultaneousAfterFunc1000|StartStop1000|Reset'
names="$names|Sleep1000|ParallelTimerLatency|StaggeredTickerLatency"
command -v go >/dev/null || echo "run.sh: no go: its column stays empty" >&2

i=0
while [ "$i" -lt "$reps" ]; do
	i=$((i + 1))
	echo "repetition $i of $reps" >&2
	for backend in heap wheel; do
		"$program" --backend "$backend" --time "$ms" >"$dir/out"
		sed "s/^/$backend /" "$dir/out" >>"$raw"
	done
	if command -v go >/dev/null; then
		if ! go test -run '^$' -bench "^Benchmark($names)\$" \
			-benchtime "${ms}ms" time >"$dir/out" 2>"$dir/err"; then
			echo "run.sh: go test failed: $(tail -n 1 "$dir/err")" >&2
		fi
		sed -n 's/^Benchmark/go &/p' "$dir/out" >>"$raw"
	fi
done

# Medians, a line for each benchmark; of the latencies the average. What is
# defined otherwise here and there is shown and not compared.
awk '
BEGIN {
	why["Sleep1000"] = "there each sleeper is a goroutine, here a callback"
	why["ParallelTimerLatency"] = "there one goroutine arms all and " \
		"spins, here each thread arms its own and sleeps"
}
function median(list,    v, n, i, j, x) {
	n = split(list, v, " ")
	for (i = 2; i <= n; i++) {
		x = v[i] + 0
		for (j = i - 1; j > 0 && v[j] + 0 > x; j--)
			v[j + 1] = v[j]
		v[j + 1] = x
	}
	return v[int((n + 1) / 2)] + 0
}
{
	name = $2
	sub(/^Benchmark/, "", name)
	sub(/-[0-9]+$/, "", name)
	if (name ~ /^StaggeredTickerLatency\//) {
		if (name !~ /work-dur=2ms\/tickers-per-P=1$/)
			next
		sub(/\/.*/, "", name)
	}
	value = ""
	for (i = 3; i < NF; i++)
		if ($(i + 1) == (name ~ /Latency/ ? "avg-late-ns" : "ns/op"))
			value = $i
	if (value == "")
		next
	if (!(name in seen)) {
		seen[name] = 1
		order[++names] = name
	}
	all[name, $1] = all[name, $1] " " value
}
END {
	printf "| %s | rota heap | rota wheel | Go | Go / heap | Go / wheel |\n", \
		"ns/op; latencies: average ns late"
	print "|---|---:|---:|---:|---:|---:|"
	for (k = 1; k <= names; k++) {
		name = order[k]
		h = median(all[name, "heap"])
		w = median(all[name, "wheel"])
		g = median(all[name, "go"])
		if (g && why[name])
			told[name] = 1
		printf "| %s | %.1f | %.1f | %s | %s | %s |\n", name, h, w, \
			g ? sprintf("%.1f", g) : "-", \
			g && h && !why[name] ? sprintf("%.2f", g / h) : "-", \
			g && w && !why[name] ? sprintf("%.2f", g / w) : "-"
	}
	printf "\nRatios are of medians, not of pairs: they have no interval.\n"
	for (k = 1; k <= names; k++)
		if (told[order[k]])
			printf "%s is not compared: %s.\n", order[k], \
				why[order[k]]
}' "$raw"
