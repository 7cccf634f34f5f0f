#!/bin/sh
# SPDX-License-Identifier: MIT
#
# exports.sh root librota.so compiler adapter... - what the public headers
# declare is what the library exports, under the version ROTA_0.1, and
# nothing else is. Functions of adapters live in libraries of their own.
set -eu
root=$1 lib=$2 cc=$3
shift 3
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

for header in "$root"/api/rota/*.h; do
	name=${header##*/}
	case " $* " in
	*" ${name%.h} "*) ;;
	*) echo "#include <rota/$name>" ;;
	esac
done >"$tmp/all.c"

# Declarations at the outermost level that are neither static nor typedef:
# the first rota_name followed by a parenthesis is the one declared.
"$cc" -E -P -std=c11 -I "$root/api" "$tmp/all.c" | tr '\n' ' ' |
awk '
function declared(text) {
	gsub(/__attribute__ *\(\(([^()]|\([^()]*\))*\)\)/, "", text)
	if (text ~ /(^|[^a-z_])(static|typedef)[^a-z_]/)
		return
	if (match(text, /rota_[a-z0-9_]+ *\(/)) {
		name = substr(text, RSTART, RLENGTH)
		sub(/ *\($/, "", name)
		print name
	}
}
{
	n = length($0)
	for (i = 1; i <= n; i++) {
		c = substr($0, i, 1)
		if (c == "{") {
			depth++
		} else if (c == "}") {
			if (--depth == 0 && text ~ /\) *$/)
				text = ""	# the body of an inline
		} else if (depth == 0 && c == ";") {
			declared(text)
			text = ""
		} else if (depth == 0) {
			text = text c
		}
	}
}' | sort -u >"$tmp/declared"

nm -D --defined-only "$lib" | awk '$2 != "A" { print $3 }' |
sort -u >"$tmp/versioned"
sed 's/@.*//' "$tmp/versioned" >"$tmp/exported"

bad=0
none() {
	[ -z "$2" ] || { printf '%s:\n%s\n' "$1" "$2"; bad=1; }
}
none "declared, not exported" "$(comm -23 "$tmp/declared" "$tmp/exported")"
none "exported, not declared" "$(comm -13 "$tmp/declared" "$tmp/exported")"
none "internal, yet exported" "$(grep '^rota__' "$tmp/exported" || :)"
none "not under ROTA_0.1" "$(grep -v '@@ROTA_0\.1$' "$tmp/versioned" || :)"
[ -s "$tmp/declared" ] || none "declared" "nothing at all"
readelf -d "$lib" | grep -q 'SONAME.*\[librota\.so\.0\]' ||
	none "SONAME" "is not librota.so.0"
echo "$(wc -l <"$tmp/declared") functions declared"
exit "$bad"
