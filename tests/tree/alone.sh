#!/bin/sh
# SPDX-License-Identifier: MIT
#
# alone.sh root compiler... - every public header compiles alone, and twice
# in one file, as C11 and C17 or as C++11 and C++17, without a warning.
set -u
root=$1
shift
tried=0
bad=0

# missing header compiler - the library of an adapter that is not on this
# machine; such a header has nothing to compile against.
missing() {
	sed -n 's|^#[ ]*include <\([^>]*\)>.*|\1|p' "$1" |
	grep -E '^(jemalloc/|liburing|uv\.h|event2/|ev\.h)' |
	while read -r name; do
		echo "#include <$name>" | "$2" -E -x c - >/dev/null 2>&1 ||
			echo "$name"
	done
}

for header in "$root"/api/rota/*.h; do
	name=rota/${header##*/}
	for cc; do
		gone=$(missing "$header" "$cc")
		if [ -n "$gone" ]; then
			echo "skipped: $name needs $gone"
			continue
		fi
		case ${cc##*/} in
		*++*) lang=c++ standards='c++11 c++17' ;;
		*) lang=c standards='c11 c17' ;;
		esac
		for std in $standards; do
			tried=$((tried + 1))
			printf '#include <%s>\n#include <%s>\n' "$name" "$name" |
			"$cc" -x "$lang" -std="$std" -Wall -Wextra -pedantic \
				-Werror -fsyntax-only -I "$root/api" - || {
				echo "failed: $name, $cc -std=$std"
				bad=1
			}
		done
	done
done
echo "$tried compilations"
[ "$tried" -gt 0 ] && [ "$bad" -eq 0 ]
