#!/bin/sh
# SPDX-License-Identifier: MIT
#
# channel_mutants.sh - would relacy_channels notice a mistake?
#
#	channel_mutants.sh [NAME]...	all, or those
#	channel_mutants.sh list		their names
#
# Each mistake of the list below is made in a copy of one file of api/wait/,
# alone; relacy_channels has to fail. Exit 1: one survived, or one changes
# nothing, which "list" finds as well. 77: no relacy or no C++ compiler. CC and
# CXX name the compilers.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
CC=${CC:-gcc}
CXX=${CXX:-g++}

# name, file, what sed does to it
mutants() {
	cat <<'END'
stop_keeps_value channel /^rota_channel_stop/,/^}/s/drop(c, now);//
take_keeps_value channel /^go_on/,/^}/s/c->armed = false;//
stop_keeps_ref channel /^file(/,/^}/s/c->refs--;/;/
arms_without_ref channel /^file(/,/^}/s/c->refs++;//
ring_keeps_ref channel /^ring(/,/^}/s/put(c);/pthread_mutex_unlock(\&c->lock);/
last_forgets_timer channel /^rota_channel_unref/,/^}/s/(void)file(c, false, false);//
waiter_unarmed channel /^settle(/,/^}/s/c->waiters.first ||/false ||/
reset_unmoved channel /^file(/,/^}/s/c->rings != c->when/false/
stays_filed channel /^file(/,/^}/s/c->filed = false;//
two_armings channel /^file(/,/^}/s/^\tif (c->filed) .*/\tif (c->filed \&\& c->rings == c->when)/
kept_for_ever channel /^file(/,/^}/s/rota__node_give(c->timer);//
given_and_kept channel /^file(/,/^}/s/c->timer = NULL;//
rings_and_filed channel /^ring(/,/^}/s/c->filed = false;//
shows_nothing channel s/rota__fd_show(.*);/;/
shows_for_ever channel s/rota__fd_show(.*);/rota__fd_show(\&c->fd, c->fd.shows || ready);/
late_by_the_clock channel /^ring(/,/^}/s/if (c->rings > now)/if (false)/
failure_untold channel /^settle(/,/^}/s/if (r)/if (false)/
rings_unmoved channel /^file(/,/rota_timer_stop/s/c->rings = c->when;/;/
ahead_untaken channel /^ring(/,/^}/s/take_up(c, now);//
asynchronous_unfiled channel /^settle(/,/^}/s/c->mode == ROTA_CHANNEL_ASYNC/false/
buffer_overwritten channel /^take_up/,/^}/s/if (c->full)/if (false)/
clock_unread channel /^enter(/,/^}/s/c->armed || arms/arms/
listed_after_deadline channel /^wait_for/,/^}/s/rota__wait_list_remove(.*);//
ticks_unmoved channel /^go_on/,/^}/s/periods - 1) \* c->period, c->period/periods - 1) * c->period, 0/
claims_twice wait /^rota__waiter_take/,/^}/s/w->taken == WAIT_NOBODY/true/
wakes_nobody wait /^rota__waiter_awake/,/^}/s/pthread_cond_signal(.*);//
leaves_a_ring wait /^rota__waiter_wait/,/^}/s/while (!w->rung)/while (false)/
ring_in_two wait /^ring(/,/^}/s/w->rung = true;/w->rung = true; pthread_mutex_unlock(lock); pthread_mutex_lock(lock);/
detached_and_on wait /^detach(/,/^}/s/n->waiter = NULL;//
last_in_list wait /^detach(/,/^}/s/l->last = n->prev;//
takes_for_another select /^join_channel/,/^}/s/else if (rota__waiter_claim(w, source))/else if (rota__waiter_claim(w, source) || true)/
never_leaves select /^leave_channel/,/^}/s/rota__wait_list_remove(.*);//
child_without_ref context /^end_child/,/^}/s/child->refs++;//
walked_twice context /^end_child/,/^}/s/if (!child->walked)/if (true)/
child_unmarked context /^end_child/,/^}/s/set(child, .*//
asks_nobody_above context /^ended(/,/^}/s/if (why || !walk)/if (true)/
walk_uncounted context /^end(/,/^}/s/word_add(&c->root->walks, (uint64_t)1, acq_rel);/;/
ender_without_ref context /^end(/,/^}/s/c->refs++;//;/^walk(/,/^}/s/^\tput(top);//
ended_below_an_end context /^join_parent/,/^}/s/c->ended = from_above.*;/c->ended = 0;/
child_takes_deadline context /^disarm_unused/,/^}/s/!c->users && !c->children/!c->children/
walk_disarmed context /^disarm_unused/,/^}/s/ && !c->walked//
slice_forgotten context /^ring(/,/^}/s/rota_timer_reset_at(c->timer, 0);/;/
two_walk context /^ring(/,/^}/s/else if (!c->rings)/else if (!(c->rings = c->todo))/
passed_unended context s/if (c->deadline <= now)/if (false)/
clock_unasked context /^done(/,/^}/s/if (why ||/if (true ||/
overdue_unkept context /^done(/,/^}/s/if (end(.*/if (false)/;/^done(/,/^}/s/return ended(c);/return WHY(-ETIME, c->late);/
overdue_alone context /^done(/,/^}/s/c->source/c/
overdue_unwalked context /^done(/,/^}/s/walk(c->source, LONG_MAX);/;/
context_ring_ref context /^ring(/,/^}/s/put(c);//
disarm_keeps_ref context /^disarm(/,/^}/s/c->refs--;/;/
wakes_no_waiter context /^wake(/,/^}/s/rota__waiter_wake(w);/;/
function_forgotten context /^begin(/,/^}/s/c->fn && above/false/
function_unstopped context /^begin(/,/^}/s/c->fn && above/c->fn/
function_unneeded context /^disarm_unused/,/^}/s/ && !c->fn//
END
}

# Each has to change something, or it plants nothing.
mutants | while read -r name f change; do
	[ "$(sed "$change" "$root/api/wait/$f.c")" != \
		"$(cat "$root/api/wait/$f.c")" ] || {
		echo "channel_mutants.sh: $name changes nothing"
		exit 1
	}
done || exit 1
if [ "${1:-}" = list ]; then
	mutants | cut -d' ' -f1
	exit
fi
if ! echo '#include <relacy/relacy.hpp>' |
    "$CXX" -std=c++11 -w -fsyntax-only -xc++ - 2>/dev/null; then
	echo "channel_mutants.sh: no relacy, or no $CXX"
	exit 77
fi

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
files="channel wait select context"

compile() {
	"$CC" -std=c11 -D_GNU_SOURCE -DNDEBUG -DROTA_HOSTILE -w -O1 \
	    -include "$here/relacy_pthread.h" -I"$root" -I"$root/api" \
	    -c "$1" -o "$dir/$2.o"
}

# 0: all pass; else $status, and $dir/log says which failed. Mostly a few
# executions are enough.
passes() {
	"$CXX" "$dir"/*.o -o "$dir/relacy_channels" || exit 1
	for switches in -1 0; do
		status=0
		timeout 1200 "$dir/relacy_channels" $switches >"$dir/log" 2>&1 ||
			status=$?
		[ $status -eq 0 ] || return 1
	done
}

"$CXX" -std=c++11 -w -O1 -I"$root" -I"$root/api" \
    -c "$here/relacy_channels.cpp" -o "$dir/world.o"
for f in $files; do
	compile "$root/api/wait/$f.c" "$f"
done
if ! passes; then
	cat "$dir/log"
	echo "channel_mutants.sh: fails without a mutant"
	exit 1
fi

mutants >"$dir/list"
all=0
caught=0
while read -r name f change; do
	if [ $# -gt 0 ]; then
		case " $* " in
		*" $name "*) ;;
		*) continue ;;
		esac
	fi
	all=$((all + 1))
	sed "$change" "$root/api/wait/$f.c" >"$dir/$f.c"
	compile "$dir/$f.c" "$f"
	if passes; then
		how="SURVIVED"
	elif [ "$status" -eq 124 ]; then
		how="NO VERDICT in twenty minutes"
	else
		caught=$((caught + 1))
		how="caught by $(sed -n 's/^FAILED: //p' "$dir/log")"
		[ "$status" -eq 1 ] ||
			how="caught: killed by signal $((status - 128))"
	fi
	printf '%-20s %s\n' "$name" "$how"
	compile "$root/api/wait/$f.c" "$f"
done <"$dir/list"
echo "channels: $caught of $all mistakes caught"
[ $all -gt 0 ] && [ $caught -eq $all ]
