#!/bin/sh
# SPDX-License-Identifier: MIT
#
# callgrind_test.sh - callgrind.sh with a valgrind that counts as it is told.
# Claims: the figures are the instructions for one operation, less those of the
# empty loop, but not less for fire; the file has them all, with engine, mode, N
# and unit; above them stand machine, command, commit and load; a program that
# fails is told.
#
# usage: callgrind_test.sh callgrind.sh micro_count [figures]
set -eu

script=$1 count=$2
dir=$(mktemp -d "${TMPDIR:-/tmp}/callgrind_test.XXXXXX")
trap 'rm -rf "$dir"' EXIT
export TMPDIR="$dir"

# 1,000 operations: empty has 1.5 instructions, the others 20, shared ones 60.
cat >"$dir/valgrind" <<'END'
#!/bin/sh
for word; do
	case $word in
	--callgrind-out-file=*) file=${word#*=} ;;
	empty) total=1500 ;;
	confined) total=${total-20000} ;;
	shared) total=60000 ;;
	7000) exit 1 ;;
	esac
done
echo "summary: $total" >"$file"
echo 1000
END
chmod +x "$dir/valgrind"
PATH=$dir:$PATH

sh "$script" -o "$dir/raw.json" "$count" 3000 >"$dir/out"
for line in 'machine: ' 'command: .*callgrind.sh .*3000$' 'commit: ' 'load ' \
    '.*, N = 3000$' 'later  *18\.5  *58\.5  *18\.5' \
    'fire  *20\.0  *60\.0  *20\.0  *60\.0  *20\.0  *60\.0$'; do
	grep -q "^$line" "$dir/out" || {
		echo "no line: $line" >&2
		cat "$dir/out" >&2
		exit 1
	}
done
if sh "$script" "$count" 7000 >/dev/null 2>&1; then
	echo "a program that fails is not told" >&2
	exit 1
fi

[ -n "${3-}" ] || exit 0
printf '%s\n' 'Takes 18.5, 58.5 and 60.0 of them.' '<!-- figures raw.json' \
    'median(heap; instructions; 3000; stop; confined)' \
    'median(coarse; instructions; 3000; arm; shared)' \
    'median(wheel; instructions; 3000; fire; shared)' '-->' >"$dir/doc.md"
"$3" "$dir" "$dir/doc.md"
grep -q '"unit":"instructions/op","better":"lower"' "$dir/raw.json"
