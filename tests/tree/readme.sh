#!/bin/sh
# SPDX-License-Identifier: MIT
#
# readme.sh root dir compiler librota.a - the program in the README is a
# program: it compiles without a warning, and does what it says (exit 0). The
# loop in the README is that of examples/event_loop.c, to the letter.
set -eu
root=$1 dir=$2 cc=$3 lib=$4

sh "$root/tests/tree/example.sh" "$root/README.md" >"$dir/readme.c"
"$cc" -std=c11 -Wall -Wextra -pedantic -Werror -I "$root/api" \
	"$dir/readme.c" "$lib" -pthread -o "$dir/readme"
"$dir/readme"

loop=$(sh "$root/tests/tree/example.sh" "$root/README.md" 2 | tr '\n' '\1')
case $(tr '\n' '\1' <"$root/examples/event_loop.c") in
*"$loop"*) ;;
*)
	echo "the loop in README.md is not that of examples/event_loop.c"
	exit 1
	;;
esac
