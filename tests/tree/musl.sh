#!/bin/sh
# SPDX-License-Identifier: MIT
#
# musl.sh root dir cmake ctest generator - preset musl builds with musl-gcc,
# and its tests pass that do without cmocka, which is made for glibc. Not those
# that take real time: they have their presets.
set -eu
root=$1 dir=$2 cmake=$3 ctest=$4 generator=$5

command -v musl-gcc >/dev/null || {
	echo "no musl-gcc (Debian: musl-tools): skipped"
	exit 77
}
rm -rf "$dir"
cd "$root"
# -O1 and no -g: a fifth of the compiler's time.
"$cmake" --preset musl -B "$dir" -G "$generator" \
	-DCMAKE_BUILD_TYPE=Release '-DCMAKE_C_FLAGS_RELEASE=-O1 -DNDEBUG'
"$cmake" --build "$dir" -j 2
readelf -l "$dir/examples/httpd" | grep 'interpreter: .*ld-musl'
cd "$dir"
"$ctest" --output-on-failure -j 2 \
	-L 'example|conformance|fuzz' -LE 'tree|model|slow'
cd "$root"
rm -rf "$dir"
