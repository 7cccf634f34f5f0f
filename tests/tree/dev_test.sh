#!/bin/sh
# SPDX-License-Identifier: MIT
#
# dev_test.sh root dir cmake build - ./dev, on machines that lack one thing or
# another. @build: a build directory; what a verb builds is asked of the real
# @cmake if that is the directory where ./dev builds.
# The machine is a PATH of our own: the few tools that any system has, and
# stand-ins for cmake, ctest, apt-get and the like, which write down that they
# were called. Nothing is installed, built or fetched.
#
# Claims: help needs no other program; what is missing is said in one line,
# with 2, and nothing is fetched; the output of a build is shown if it fails
# and only then; a verb builds the program that it runs; tests that were ended by their time limit are counted; no
# file of ./dev go is left.
# shellcheck disable=SC2016 # what stand-ins do is theirs to expand
set -u
root=$(cd "$1" && pwd) dir=$2 cmake=$3 build=$4
bad=0

fail() {
	echo "FAILED: $*"
	sed 's/^/	/' "$dir/out" "$dir/err" 2>/dev/null
	bad=1
}

# A new machine with a copy of the tree's scripts.
machine() {
	rm -rf "$dir"
	mkdir -p "$dir/bin" "$dir/tree/bench/peers" "$dir/tree/bench/go" "$dir/tmp"
	for tool in sh id awk sed grep head tail tr mkdir rm cat env tee find \
		sort dirname mktemp uname true; do
		ln -s "$(command -v "$tool")" "$dir/bin/$tool"
	done
	stand_in nproc 'echo 2'
	cp "$root/dev" "$dir/tree"
	cp "$root/bench/go/run.sh" "$dir/tree/bench/go"
	for script in fetch_timeout fetch_dpdk build_others; do
		printf '#!/bin/sh\necho %s >>"%s/called"\n' "$script" "$dir" \
			>"$dir/tree/bench/peers/$script.sh"
		chmod +x "$dir/tree/bench/peers/$script.sh"
	done
	: >"$dir/called"
}

# stand_in name script - a program that says that it was called.
stand_in() {
	rm -f "$dir/bin/$1"
	printf '#!/bin/sh\necho "%s $*" >>"%s/called"\n%s\n' "$1" "$dir" \
		"$2" >"$dir/bin/$1"
	chmod +x "$dir/bin/$1"
}

# All that a verb wants is there; cmake builds nothing.
tools() {
	stand_in cmake 'case $1 in --version) echo "cmake version 3.25.1" ;;
	--build) echo "[1/2] Building C object chatter.o" ;;
	*) echo "-- chatter"; echo "-- rota: no jansson, no --json" ;; esac'
	for tool in ninja gcc g++ pkg-config dpkg-query; do
		stand_in "$tool" ''
	done
	stand_in dpkg-query 'echo installed'
}

# dev arg... - its exit status in $status.
dev() {
	: >"$dir/called"
	status=0
	(
		cd "$dir" || exit
		PATH=$dir/bin TMPDIR=$dir/tmp
		export PATH TMPDIR
		unset CC CXX ROTA_NO_INSTALL
		[ -z "${no_install:-}" ] || export ROTA_NO_INSTALL=1
		exec tree/dev "$@"
	) >"$dir/out" 2>"$dir/err" </dev/null || status=$?
}

lines() {
	grep -c '' "$1"
}

said() {
	grep -q -e "$1" "$dir/out" "$dir/err" || fail "$what: does not say: $1"
}

unsaid() {
	! grep -q -e "$1" "$dir/out" "$dir/err" || fail "$what: says: $1"
}

uncalled() {
	! grep -E "$1" "$dir/called" || fail "$what: called the above"
}

# builds program - what the latest verb had cmake build makes @program, by the
# build files that cmake has written for this tree. Nothing is built.
builds() {
	[ "$build" = "$root/build/release" ] && [ -f "$build/build.ninja" ] ||
		return 0
	call=$(sed -n 's/^cmake --build //p' "$dir/called")
	# shellcheck disable=SC2086 # words
	(cd "$root" && "$cmake" --build $call -- -t commands) \
		>"$dir/commands" 2>&1 || fail "$what: cmake --build $call fails"
	grep -q -e " -o $1 " "$dir/commands" ||
		fail "$what: cmake --build $call does not make $1"
}

# One line that matches @1, exit 2, nothing made.
refused() {
	[ "$status" -eq 2 ] || fail "$what: exit $status, not 2"
	[ "$(lines "$dir/err")" -eq 1 ] || fail "$what: not one line"
	[ "$(lines "$dir/out")" -eq 0 ] || fail "$what: writes on stdout"
	said "$1"
	uncalled 'fetch|build_others|update|install'
	[ ! -e "$dir/tree/build" ] || fail "$what: makes build/"
}

verbs='bench peers go test tsan asan msan models fuzz cov lint format clean'

machine
for verb in $verbs; do
	what="$verb --help with an empty PATH"
	(cd "$dir" && PATH='' tree/dev "$verb" --help) >"$dir/out" 2>"$dir/err" ||
		fail "$what: exit $?"
	[ "$(lines "$dir/err")" -eq 0 ] || fail "$what: writes on stderr"
	said "^usage: ./dev $verb"
done
for verb in bench test; do
	what="$verb with other arguments and --help"
	dev "$verb" --seconds 5 --help
	[ "$status" -eq 0 ] || fail "$what: exit $status"
	said "^usage: ./dev $verb"
done
[ ! -e "$dir/tree/build" ] || fail "help makes build/"

verbs='bench peers go test tsan asan msan models fuzz cov lint format'
for verb in $verbs; do
	[ "$verb" = format ] && lacks=clang-format || lacks=cmake

	machine
	what="$verb without apt-get"
	dev "$verb"
	refused "$verb needs .* no apt-get; .* $lacks"

	stand_in apt-get ''
	what="$verb with ROTA_NO_INSTALL"
	no_install=1 dev "$verb"
	refused "$verb needs .* ROTA_NO_INSTALL .* apt-get install .*$lacks"

	stand_in id 'echo 1000'
	what="$verb without sudo"
	dev "$verb"
	refused "$verb needs .* no sudo; as root: apt-get install .*$lacks"

	stand_in id 'echo 0'
	stand_in apt-get 'echo "E: no mirror answers"; exit 100'
	what="$verb where installing fails"
	dev "$verb"
	[ "$status" -eq 2 ] || fail "$what: exit $status, not 2"
	said 'E: no mirror answers'
	said "$verb needs .*; as root: apt-get install .*$lacks"
	uncalled 'fetch|build_others'
done

machine
tools
rm "$dir/bin/gcc"
what='bench without a compiler'
dev bench
refused 'bench needs .* gcc'
tools
stand_in cmake 'echo "cmake version 3.22.1"'
what='bench with an old cmake'
dev bench
refused 'bench needs .* cmake'

machine
tools
stand_in pkg-config 'exit 1'
what='bench --json without jansson'
dev bench --json x.json
refused 'bench needs .* libjansson-dev'

what='peers with all but the sources'
tools
no_install=1 dev peers
uncalled 'fetch'
dev peers
grep -q fetch_dpdk "$dir/called" || fail "$what: does not fetch them"
# without jansson there is none
! grep -qs '^build bench/peers/rota_peers:' "$build/build.ninja" ||
	builds bench/peers/rota_peers

machine
tools
mkdir -p "$dir/tree/build/release/tools"
printf '#!/bin/sh\necho "table $*"\n' >"$dir/tree/build/release/tools/rota"
chmod +x "$dir/tree/build/release/tools/rota"
what='bench'
dev bench --seconds 3
[ "$status" -eq 0 ] || fail "$what: exit $status"
said 'table bench --seconds 3'
builds tools/rota
builds examples/httpd
said '^dev: no jansson'
unsaid 'chatter'
grep -q chatter "$dir/tree/build/log/build-bench.log" || fail "$what: no log"

what='bench that does not build'
stand_in cmake 'case $1 in --version) echo "cmake version 3.30.0" ;;
	--build) echo "[1/9] chatter"; echo "FAILED: x.o"; echo "x.c:1: error"
	exit 1 ;; esac'
dev bench
[ "$status" -eq 1 ] || fail "$what: exit $status, not 1"
said 'FAILED: x.o'
said 'x.c:1: error'
said 'build/log/build-bench.log'
unsaid 'chatter'

what='tests that reach their time limit'
tools
stand_in ctest 'for preset; do :; done
mkdir -p build/$preset
printf "%s\n" "<testsuite" "	tests=\"7\"" "	failures=\"3\"" \
	"	disabled=\"0\"" "	skipped=\"0\">" >build/$preset/junit.xml
printf "\t%s\n" "4 - model_slow (Timeout)  model" "5 - bad (Failed)" \
	"16 - other (Timeout)"
exit 8'
dev asan
[ "$status" -eq 1 ] || fail "$what: exit $status, not 1"
said '^2 tests were ended by their time limit.*: model_slow other$'
said '^57% tests passed, 3 tests failed out of 7 (asan-ubsan)$'
what='test with both builds at their time limit'
dev test
said '^4 tests were ended by their time limit'
said '^57% tests passed, 6 tests failed out of 14 (release hostile)$'

what='go'
machine
tools
mkdir -p "$dir/tree/build/release/bench/go"
printf '#!/bin/sh\necho "BenchmarkStop 10 12.5 ns/op"\n' \
	>"$dir/tree/build/release/bench/go/rota_go"
chmod +x "$dir/tree/build/release/bench/go/rota_go"
stand_in go 'echo "BenchmarkStop-2 10 25.0 ns/op"'
dev go -r 1
[ "$status" -eq 0 ] || fail "$what: exit $status"
builds bench/go/rota_go
said '^| Stop | 12.5 | 12.5 | 25.0 | 2.00 | 2.00 |$'
[ -z "$(ls -A "$dir/tmp")" ] || fail "$what: leaves $(ls -A "$dir/tmp")"
# shellcheck disable=SC2016
stand_in go 'kill -TERM $PPID; sleep 1'
dev go -r 1
[ "$status" -eq 143 ] || fail "$what: exit $status after SIGTERM"
[ -z "$(ls -A "$dir/tmp")" ] ||
	fail "$what: interrupted, leaves $(ls -A "$dir/tmp")"

for call in 'test 5' 'models 5' 'models --plants x' 'fuzz much' 'fuzz 1 2' \
	'clean x' 'frob'; do
	what="dev $call"
	# shellcheck disable=SC2086
	dev $call
	[ "$status" -eq 2 ] || fail "$what: exit $status, not 2"
	[ "$(lines "$dir/out")" -eq 0 ] || fail "$what: writes on stdout"
done

[ "$bad" -ne 0 ] || echo "dev: as it says, on every machine tried"
exit "$bad"
