#!/bin/sh
# SPDX-License-Identifier: MIT
#
# fetch_source.sh - some folders of a Debian source package, into DIR, with
# the path inside the package as it is. apt verifies what it downloads; its
# lists are kept in DIR, the machine's configuration stays as it is.
#
# usage: bench/peers/fetch_source.sh PACKAGE DIR FILE...
#   FILE: a path in the package, with wildcards; found as DIR/FILE
#   ROTA_DEBIAN=URL of a mirror, ROTA_DEBIAN_SUITE=bookworm
set -eu

die() {
	echo "fetch_source: $*" >&2
	exit 1
}

[ $# -ge 3 ] || die 'usage: fetch_source.sh PACKAGE DIR FILE...'
package=$1
mkdir -p "$2" || die "cannot make $2"
dir=$(cd "$2" && pwd)
shift 2

command -v apt-get >/dev/null || die "no apt-get, no sources of $package"
suite=${ROTA_DEBIAN_SUITE:-$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)}
ring=/usr/share/keyrings/debian-archive-keyring.gpg
signed=
[ ! -e "$ring" ] || signed="[signed-by=$ring] "

apt=$dir/apt
trap 'rm -rf "$apt"' EXIT
mkdir -p "$apt/lists/partial" "$apt/parts" "$apt/files"
echo "deb-src $signed${ROTA_DEBIAN:-http://deb.debian.org/debian}" \
	"${suite:-stable} main" >"$apt/list"
quiet() {
	apt-get -qq -o Dir::Etc::SourceList="$apt/list" \
		-o Dir::Etc::SourceParts="$apt/parts" \
		-o Dir::State::Lists="$apt/lists" -o Dir::Cache="$apt" \
		-o APT::Sandbox::User= "$@" >"$apt/log" 2>&1 ||
		die "$package: $(sed -n 's/^[EW]: //p' "$apt/log" | head -n 1)"
}
quiet -o APT::Update::Error-Mode=any update
cd "$apt/files"
quiet source --download-only --tar-only "$package"

tar=$(echo ./*.orig.tar.*)
[ -f "$tar" ] || die "$package: no tar of its sources"
for file; do
	tar -xf "$tar" -C "$dir" --strip-components=1 --wildcards "*/$file" \
		2>/dev/null || die "$package: no $file in its sources"
done
