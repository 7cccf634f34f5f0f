// SPDX-License-Identifier: MIT
//
// main.go - Go's own timers, measured beside the C peers: the same command
// line, the same answers as bench/peers/drive.h.
//
//	peer_go about                 a line of JSON
//	peer_go check VARIANT ROW     "ok", or what is wrong
//	peer_go run VARIANT WORK N EMBEDDED OPS BUDGET_MS SEED
//
// A timer is what time.AfterFunc() returns; it is started and pushed by
// Reset() and stopped by Stop(), which is the best that Go has for timers
// that are used again. Its callback is a goroutine of its own. The runtime's
// clock is the machine's: what follows from that stands in work.go and
// check.go.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

const (
	ms     = int64(time.Millisecond)
	second = int64(time.Second)
)

// A fire may be so late: an idle P waits for whole ms, and the machine has
// others to serve. Real ns.
const late = 20 * ms

var began = time.Now()

// clock: ns since the program began.
func clock() int64 {
	return int64(time.Since(began))
}

func die(what string) {
	fmt.Println("peer:", what) // where the caller looks for an answer
	os.Exit(2)
}

func about() {
	var rows, names []string

	for _, w := range works {
		names = append(names, w.name)
	}
	for _, c := range checks {
		rows = append(rows, c.name)
	}
	fmt.Printf("{\"name\": \"Go\", \"version\": %q, \"variants\": \"-\", "+
		"\"safe\": true, \"limit\": false, \"late\": %d, \"most\": 0, "+
		"\"apart\": \"idle_reset fire short_rpc server_mix tcp_rto "+
		"scatter own\", \"apart_why\": \"its clock is real\", "+
		"\"works\": %q, \"checks\": %q}\n", runtime.Version(), late,
		strings.Join(names, " "), strings.Join(rows, " "))
}

func checkMain(row string) int {
	for _, c := range checks {
		if c.name == row {
			runtime.GOMAXPROCS(1)
			if wrong := c.run(); wrong != "" {
				fmt.Println(wrong)
				return 1
			}
			fmt.Println("ok")
			return 0
		}
	}
	die("no such row")
	return 2
}

func runMain(arg []string) {
	w := &work
	n, nBad := strconv.ParseUint(arg[1], 10, 32)
	most, mostBad := strconv.ParseUint(arg[3], 10, 62)
	budget, budgetBad := strconv.ParseUint(arg[4], 10, 32)
	seed, seedBad := strconv.ParseUint(arg[5], 10, 64)

	if nBad != nil || mostBad != nil || budgetBad != nil || seedBad != nil ||
		n < 2 || most == 0 || budget == 0 {
		die("N, OPS, BUDGET_MS or SEED is not a number")
	}
	w.seed = randomSeed ^ seed
	w.n = uint32(n)
	w.most = int64(most)
	w.budget = int64(budget) * ms
	for _, k := range works {
		if k.name != arg[0] {
			continue
		}
		runtime.GOMAXPROCS(k.threads)
		w.open(arg[2] != "0")
		k.run(w)
		if w.ops == 0 {
			die("nothing was done in the time")
		}
		fmt.Printf("{\"ops\": %d, \"ns\": %.4f, \"worst\": %d, "+
			"\"worst_poll\": %d, \"bytes\": %d}\n", w.ops,
			float64(w.spent)/float64(w.ops), w.worst, w.worstPoll,
			w.bytes)
		os.Exit(0) // what the timers still do is not awaited
	}
	die("no such work")
}

func main() {
	arg := os.Args

	switch {
	case len(arg) == 2 && arg[1] == "about":
		about()
	case len(arg) == 4 && arg[1] == "check":
		os.Exit(checkMain(arg[3]))
	case len(arg) == 9 && arg[1] == "run":
		runMain(arg[3:])
	default:
		fmt.Fprintf(os.Stderr, "usage: %s about\n"+
			"       %s check VARIANT ROW\n"+
			"       %s run VARIANT WORK N EMBEDDED OPS BUDGET_MS SEED\n",
			arg[0], arg[0], arg[0])
		os.Exit(2)
	}
}
