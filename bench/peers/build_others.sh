#!/bin/sh
# SPDX-License-Identifier: MIT
#
# build_others.sh - the peers that are not C, as far as there is a toolchain:
# OUTDIR/peer_go by the go of the PATH, OUTDIR/peer_go119 by Debian's
# golang-1.19-go, OUTDIR/peer_tokio by cargo, which asks crates.io only for
# what it does not have yet. One line on stderr for each that is left out and
# why; that is no failure.
#
# usage: bench/peers/build_others.sh OUTDIR
set -eu

[ $# -eq 1 ] || {
	echo "usage: $0 OUTDIR" >&2
	exit 2
}
mkdir -p "$1"
out=$(cd "$1" && pwd)
cd "$(dirname "$0")"

skip() {
	rm -f "$out/$1"
	echo "build_others: no $1: $2" >&2
}

# What a tool gives as its reason: the first error, or its last line.
reason() {
	grep -m 1 error "$1" || grep '[^[:space:]]' "$1" | tail -n 1
}

# go_peer NAME GO - nothing is fetched: the standard library only.
go_peer() {
	log=$out/$1.log
	if (cd go && GOTOOLCHAIN=local GOFLAGS=-buildvcs=false GOWORK=off \
		GOPROXY=off GOPATH="$out/cache/gopath" GOCACHE="$out/cache/$1" \
		"$2" build -trimpath -o "$out/$1" .) >"$log" 2>&1; then
		return
	fi
	skip "$1" "$2 build: $(reason "$log")"
}

if command -v go >/dev/null; then
	go_peer peer_go go
else
	skip peer_go 'there is no go (Debian: golang-go)'
fi

old=/usr/lib/go-1.19/bin/go
if [ -x "$old" ]; then
	go_peer peer_go119 "$old"
else
	skip peer_go119 "there is no $old (Debian: golang-1.19-go)"
fi

cargo_peer() {
	log=$out/peer_tokio.log
	export CARGO_TARGET_DIR="$out/cache/tokio"
	export CARGO_HOME="${CARGO_HOME:-$out/cache/cargo}" CARGO_NET_RETRY=1
	for offline in --offline ''; do
		if cargo build --release --locked ${offline:+"$offline"} --quiet \
			--manifest-path tokio/Cargo.toml >"$log" 2>&1; then
			cp "$CARGO_TARGET_DIR/release/peer_tokio" "$out/"
			return
		fi
	done
	skip peer_tokio "cargo build: $(reason "$log")"
}

if command -v cargo >/dev/null; then
	cargo_peer
else
	skip peer_tokio 'there is no cargo (Debian: cargo)'
fi
