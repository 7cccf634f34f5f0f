#!/bin/sh
# SPDX-License-Identifier: MIT
#
# min.sh root dir cmake generator - preset min asks for no C++ compiler, no
# pkg-config and no library but libc, and leaves no symbol undefined.
set -eu
root=$1 dir=$2 cmake=$3 generator=$4

rm -rf "$dir"
cd "$root"
"$cmake" --preset min -B "$dir" -G "$generator" \
	-DCMAKE_BUILD_TYPE=Release '-DCMAKE_C_FLAGS_RELEASE=-O1 -DNDEBUG' \
	-DCMAKE_SHARED_LINKER_FLAGS=-Wl,-z,defs
"$cmake" --build "$dir" -j 2

bad=0
if grep -E '^(CMAKE_CXX_COMPILER|PKG_CONFIG)' "$dir/CMakeCache.txt"; then
	echo "the above was looked for"
	bad=1
fi
if readelf -d "$dir/librota.so" | grep NEEDED |
	grep -vE '\[(libc|libpthread|ld-linux|libgcc_s)'; then
	echo "the above is needed by librota.so"
	bad=1
fi
exit "$bad"
