#!/bin/sh
# SPDX-License-Identifier: MIT
#
# subproject.sh root dir cmake generator compiler - this tree as a part of
# another project, by add_subdirectory (there the program of the README builds
# and runs) and by FetchContent (which does the same): nothing of rota is installed unless ROTA_INSTALL
# says so; without a build type rota is optimised and says so, and a choice of
# the project's is left alone. Then what the configuration refuses or adds:
# 32 bits, a build type at top level, ROTA_SANITIZE.
set -eu
root=$1 dir=$2 cmake=$3 generator=$4 cc=$5

rm -rf "$dir"
mkdir -p "$dir"
sh "$root/tests/tree/example.sh" "$root/README.md" >"$dir/main.c"

fail() {
	echo "FAILED: $*"
	exit 1
}

# configure name arg... - the outside project, its compile commands kept.
configure() {
	name=$1
	shift
	"$cmake" -S "$root/tests/tree/outside" -B "$dir/$name" \
		-G "$generator" -DCMAKE_C_COMPILER="$cc" \
		-DCMAKE_EXPORT_COMPILE_COMMANDS=ON -DMAIN="$dir/main.c" \
		-DROTA_TREE="$root" "$@" >"$dir/$name.log" 2>&1 || {
		cat "$dir/$name.log"
		fail "$name does not configure"
	}
}

# Is the library of @name compiled with a flag that matches?
compiled_with() {
	grep '"command".*core/poll\.c' "$dir/$1/compile_commands.json" |
	grep -q -e " $2 "
}

configure plain
compiled_with plain -O2 || fail "not optimised in a project without a type"
grep -q 'rota: no CMAKE_BUILD_TYPE, built with -O2' "$dir/plain.log" ||
	fail "does not say that it optimises"
"$cmake" --build "$dir/plain" -j 2 >>"$dir/plain.log"
"$dir/plain/shared"
"$dir/plain/static"
DESTDIR='' "$cmake" --install "$dir/plain" --prefix "$dir/plain/to" >/dev/null
[ "$(cd "$dir/plain/to" && find . -type f)" = ./bin/static ] ||
	fail "installs $(cd "$dir/plain/to" && find . -type f)"
echo "add_subdirectory: shared and static run, nothing is installed"

configure fetched -DFETCH=ON -DROTA_INSTALL=ON -DCMAKE_BUILD_TYPE=Release
compiled_with fetched -O2 && fail "-O2 where the project chose Release"
grep -q 'rota\.pc' "$dir/fetched/_deps/rota-build/cmake_install.cmake" ||
	fail "ROTA_INSTALL does not install"
echo "FetchContent: configures, ROTA_INSTALL would install"

for choice in -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS=-O0; do
	configure chosen --fresh "$choice"
	compiled_with chosen -O2 && fail "-O2 in spite of $choice"
	grep 'rota: no CMAKE_BUILD_TYPE' "$dir/chosen.log" &&
		fail "says the above in spite of $choice"
done
echo "a choice of the project's is left alone"

"$cmake" -S "$root" -B "$dir/top" -G "$generator" -DCMAKE_C_COMPILER="$cc" \
	-DROTA_TESTS=OFF -DROTA_TOOLS=OFF -DROTA_BENCH=OFF -DROTA_EXAMPLES=OFF \
	-DCMAKE_EXPORT_COMPILE_COMMANDS=ON >"$dir/top.log"
compiled_with top -O2 || fail "top level without a type is not optimised"
echo "top level without a build type is optimised"

# For a program that is built for the thread sanitizer.
if echo 'int main(void) { return 0; }' | "$cc" -fsanitize=thread -xc - \
	-o "$dir/probe" 2>/dev/null; then
	"$cmake" -S "$root" -B "$dir/top" -DROTA_SANITIZE=thread \
		-DCMAKE_C_FLAGS=-O1 >>"$dir/top.log"
	"$cmake" --build "$dir/top" -j 2 --target rota_static >>"$dir/top.log"
	"$cc" -fsanitize=thread -I "$root/api" "$dir/main.c" \
		"$dir/top/librota.a" -pthread -o "$dir/tsan"
	nm "$dir/top/librota.a" | grep -q __tsan_read ||
		fail "ROTA_SANITIZE=thread does not reach the library"
	setarch "$(uname -m)" -R "$dir/tsan"
	echo "ROTA_SANITIZE=thread: runs in a program that has it"
fi

# No 32-bit libc is asked for: nothing is linked.
if "$cmake" -S "$root" -B "$dir/narrow" -G "$generator" \
	-DCMAKE_C_COMPILER="$cc" -DCMAKE_C_FLAGS=-m32 \
	-DCMAKE_TRY_COMPILE_TARGET_TYPE=STATIC_LIBRARY >"$dir/narrow.log" 2>&1
then
	fail "32 bits are not refused"
fi
grep -q 'rota: a 64-bit target is needed' "$dir/narrow.log" ||
	fail "refused for another reason: $(cat "$dir/narrow.log")"
echo "32 bits are refused"
rm -rf "$dir"
