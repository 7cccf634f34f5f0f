#!/bin/sh
# SPDX-License-Identifier: MIT
#
# install.sh root build dir cmake generator compiler - an outside project,
# the program of the README, builds and runs against an installed rota found
# by pkg-config (shared and static) and by find_package. The installed tree is
# moved first: nothing in it may remember where it was made. As a part of
# another project: subproject.sh.
set -eu
root=$1 build=$2 dir=$3 cmake=$4 generator=$5 cc=$6

rm -rf "$dir"
mkdir -p "$dir"
DESTDIR='' "$cmake" --install "$build" --prefix "$dir/made" >"$dir/log"
mv "$dir/made" "$dir/moved"
prefix=$dir/moved
sh "$root/tests/tree/example.sh" "$root/README.md" >"$dir/main.c"

lib=$(dirname "$(find "$prefix" -name librota.so)")
[ -L "$lib/librota.so.0" ]
grep -rl "$dir/made" "$prefix/include" "$lib/cmake" "$lib/pkgconfig" &&
	{ echo "the files above name the place of installing"; exit 1; }

if command -v pkg-config >/dev/null; then
	export PKG_CONFIG_PATH="$lib/pkgconfig"
	# shellcheck disable=SC2046 # flags, word by word
	"$cc" "$dir/main.c" -o "$dir/shared" $(pkg-config --cflags --libs rota)
	LD_LIBRARY_PATH=$lib "$dir/shared"
	# shellcheck disable=SC2046
	"$cc" "$dir/main.c" -o "$dir/static" $(pkg-config --cflags rota) \
		"$lib/librota.a" $(pkg-config --static --libs-only-other rota)
	"$dir/static"
	echo "pkg-config: shared and static run"
else
	echo "no pkg-config: half of this test is skipped"
fi

outside() {
	"$cmake" -S "$root/tests/tree/outside" -B "$dir/$1" \
		-G "$generator" -DCMAKE_C_COMPILER="$cc" -DMAIN="$dir/main.c" \
		"$2" >>"$dir/log"
	"$cmake" --build "$dir/$1" >>"$dir/log"
	"$dir/$1/shared"
	"$dir/$1/static"
	echo "$1: shared and static run"
}
outside find_package "-DCMAKE_PREFIX_PATH=$prefix"
