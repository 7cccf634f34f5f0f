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
"$cmake" --preset musl -B "$dir" -G "$generator"
"$cmake" --build "$dir" -j 2
readelf -l "$dir/examples/httpd" | grep 'interpreter: .*ld-musl'
cd "$dir"
"$ctest" --output-on-failure -j 2 \
	-L 'example|conformance|fuzz' -LE 'tree|model|slow'
cd "$root"
rm -rf "$dir"
