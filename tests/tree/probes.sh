#!/bin/sh
# SPDX-License-Identifier: MIT
#
# probes.sh root librota.so - the probes that core/trace.h names are in the
# library, with as many arguments as it gives them, and no others. 77: it was
# built without sys/sdt.h.
set -eu
root=$1 lib=$2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

sed -n 's/.*DTRACE_PROBE\([0-9]\)(rota, \([a-z]*\).*/\2 \1/p' \
	"$root/core/trace.h" | sort >"$tmp/named"
[ -s "$tmp/named" ] || { echo "probes.sh: core/trace.h names none"; exit 1; }
readelf -n "$lib" | awk '
	/Provider:/ { ours = $2 == "rota" }
	/Name:/ { name = $2 }
	/Arguments:/ { if (ours) print name, NF - 1 }' | sort -u >"$tmp/there"
if [ ! -s "$tmp/there" ]; then
	echo "probes.sh: $lib has no probes"
	exit 77
fi
diff "$tmp/named" "$tmp/there"
echo "$(wc -l <"$tmp/there") probes"
