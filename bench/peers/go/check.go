// SPDX-License-Identifier: MIT
//
// check.go - the conformance rows of bench/peers/check.h on the real clock,
// ten times as fast: 1 ms of a row is 0.1 ms.
//
// A row starts its timers before the clock has come to 0, so that what is
// stopped or pushed at once is not yet due. Later calls race with it, which
// in C they never do. A callback that has begun when Stop() or Reset()
// returns false still runs: as the manual says, who cares must coordinate,
// and here such a callback is counted and returns. But not in `neighbour`,
// which asks what Stop() alone prevents.
//
//	order  the P is busy until all are due; the runtime takes it away each
//	       10 ms, and then there are 50 that are due at once
//	again  there is no poll that would have to end: the goroutine that
//	       sleeps meanwhile has to come back
//	far    not asked: the clock would have to move by years
//	jump   not asked: the clock cannot be made to jump
package main

import (
	"sync"
	"time"
)

const (
	checkTimers = 2000
	checkFast   = 10
	checkLate   = checkFast * late
	realClock   = "not asked: real clock"
)

type checker struct {
	sync.Mutex // callbacks are goroutines
	t          [checkTimers]*time.Timer
	zero       int64 // of the row's clock, on the real one
	now        int64
	random     uint64
	onFire     func(i uint32)
	alone      bool // no coordination
	owed       [checkTimers]int
	due        [checkTimers]int64 // 0: not armed
	fires      [checkTimers]uint32
	order      []uint32
	again      int
	early      bool
	surprise   bool // one that was not armed
}

var check checker

func (c *checker) clock() int64 {
	return (clock() - c.zero) * checkFast
}

func (c *checker) open() {
	c.random = randomSeed
	if c.onFire == nil {
		c.onFire = c.fired
	}
	for k := range c.t {
		i := uint32(k)
		c.t[i] = time.AfterFunc(time.Hour, func() {
			c.Lock()
			defer c.Unlock()
			if c.owed[i] > 0 {
				c.owed[i]--
				return
			}
			c.onFire(i)
		})
		c.t[i].Stop()
	}
	c.zero = clock() + 20*ms
}

func (c *checker) fired(i uint32) {
	c.order = append(c.order, i)
	c.fires[i]++
	if c.due[i] == 0 {
		c.surprise = true
	} else if c.due[i] > c.clock() {
		c.early = true
	}
	c.due[i] = 0
}

func (c *checker) reset(i uint32, when int64) {
	armed := c.due[i] != 0

	c.due[i] = when
	at := c.zero + (when+checkFast-1)/checkFast
	if !c.t[i].Reset(time.Duration(at-clock())) && armed && !c.alone {
		c.owed[i]++
	}
}

func (c *checker) start(i uint32, when int64) {
	c.Lock()
	defer c.Unlock()
	c.reset(i, when)
}

func (c *checker) stopLocked(i uint32) {
	c.due[i] = 0
	if !c.t[i].Stop() && !c.alone {
		c.owed[i]++
	}
}

// stop: @i is armed, or its callback has done so just now.
func (c *checker) stop(i uint32) {
	c.Lock()
	defer c.Unlock()
	if c.due[i] != 0 {
		c.stopLocked(i)
	}
}

func (c *checker) until(when int64) {
	time.Sleep(time.Duration(c.zero + when/checkFast - clock()))
	if c.now = c.clock(); c.now < when {
		c.now = when
	}
}

// run the clock for @span.
func (c *checker) run(span int64) {
	c.until(c.now + span)
}

func (c *checker) at(lo, hi int64) int64 {
	return c.now + pickMake(&c.random, 1).span(lo, hi)
}

func (c *checker) state() string {
	c.Lock()
	defer c.Unlock()
	if c.early {
		return "fires early"
	}
	if c.surprise {
		return "fires what is not armed"
	}
	for _, due := range c.due {
		if due != 0 && due+checkLate < c.now {
			return "late, or never fires"
		}
	}
	return ""
}

// count of all that have fired.
func (c *checker) count() int {
	c.Lock()
	defer c.Unlock()
	return len(c.order)
}

func (c *checker) all() string {
	if c.count() != checkTimers {
		return "not each fires once"
	}
	return c.state()
}

func checkOnce() string {
	c := &check
	c.open()
	for i := uint32(0); i < checkTimers; i++ {
		c.start(i, c.at(0, 5*second))
	}
	for s := 0; s < 50; s++ {
		c.run(100 * ms)
		if wrong := c.state(); wrong != "" {
			return wrong
		}
	}
	c.run(checkLate + ms)
	for _, fires := range c.fires {
		if fires != 1 {
			return "not each fires once"
		}
	}
	return c.state()
}

func checkStop() string {
	c := &check
	c.open()
	for i := uint32(0); i < checkTimers; i++ {
		c.start(i, c.at(ms, second))
	}
	for i := uint32(0); i < checkTimers; i += 2 {
		c.stop(i)
	}
	c.run(2 * second)
	for i, fires := range c.fires {
		if fires != uint32(i&1) {
			return "a stopped one fires, or another does not"
		}
	}
	return c.state()
}

func checkLater() string {
	c := &check
	c.open()
	for i := uint32(0); i < checkTimers; i++ {
		c.start(i, c.at(ms, second))
	}
	for i := uint32(0); i < checkTimers; i++ {
		c.start(i, c.at(second, 2*second))
	}
	c.run(3 * second)
	return c.all()
}

func checkSooner() string {
	c := &check
	c.open()
	for i := uint32(0); i < checkTimers; i++ {
		c.start(i, c.at(60*second, 90*second))
	}
	c.run(second)
	for i := uint32(0); i < checkTimers; i++ {
		c.start(i, c.at(ms, second))
	}
	c.run(2 * second)
	return c.all()
}

func checkOrder() string {
	c := &check
	c.open()
	rank := func(i uint32) int64 {
		return int64(i * 7919 % checkTimers)
	}
	for i := uint32(0); i < checkTimers; i++ {
		c.start(i, (1+rank(i))*2*ms)
	}
	spin(c.zero + (2*checkTimers+10)*ms/checkFast)
	c.now = c.clock()
	c.run(checkLate)
	if c.count() != checkTimers {
		return "not each fires once"
	}
	for k := 1; k < checkTimers; k++ {
		if rank(c.order[k-1]) > rank(c.order[k]) {
			return "not by deadline"
		}
	}
	return c.state()
}

func checkFIFO() string {
	c := &check
	c.open()
	for i := uint32(0); i < checkTimers; i++ {
		c.start(i, second)
	}
	c.run(2 * second)
	if c.count() != checkTimers {
		return "not each fires once"
	}
	for k := range c.order {
		if c.order[k] != uint32(k) {
			return "equal deadlines not in order"
		}
	}
	return c.state()
}

func checkAgain() string {
	const most = 1000000

	c := &check
	c.onFire = func(i uint32) {
		c.fired(i)
		if c.again > 0 {
			c.again--
			c.reset(i, c.clock())
		}
	}
	c.open()
	c.again = most
	c.start(0, ms)
	c.run(2*ms + checkLate)
	c.Lock()
	if c.again == 0 {
		c.Unlock()
		return "one that is always due keeps the others away"
	}
	done := most - c.again
	c.again = 1000
	c.Unlock()
	c.run(2000 * ms)
	if int(c.fires[0]) != done+1001 {
		return "does not fire again"
	}
	return c.state()
}

func checkNeighbour() string {
	c := &check
	c.alone = true
	c.onFire = func(i uint32) {
		c.fired(i)
		if c.due[i^1] != 0 {
			c.stopLocked(i ^ 1)
		}
	}
	c.open()
	for i := uint32(0); i < checkTimers; i++ {
		c.start(i, 5*ms)
	}
	c.run(10*ms + checkLate)
	if c.count() != checkTimers/2 {
		return "one that was stopped fires, or its neighbour does not"
	}
	return c.state()
}

func checkPast() string {
	c := &check
	c.open()
	c.run(second)
	c.start(0, c.now)
	c.start(1, c.now-second/2)
	c.start(2, 1)
	if c.count() != 0 {
		return "fires inside the call"
	}
	c.run(2*ms + checkLate)
	if c.count() != 3 {
		return "the past never fires"
	}
	return c.state()
}

func checkChurn() string {
	c := &check
	c.open()
	for k := 0; k < 200000; k++ {
		p := pickMake(&c.random, checkTimers)
		hi := 50 * ms
		if p.coin&8 != 0 {
			hi = 20 * second
		}
		when := c.at(0, hi)
		if p.coin&3 != 0 {
			c.start(p.index, when)
		} else {
			c.churnStop(p.index, when)
		}
		if k%50 == 0 {
			c.run(ms)
		}
		if k%5000 == 0 {
			if wrong := c.state(); wrong != "" {
				return wrong
			}
		}
	}
	c.run(21 * second)
	return c.state()
}

// churnStop: what is not armed is started instead, as in C.
func (c *checker) churnStop(i uint32, when int64) {
	c.Lock()
	defer c.Unlock()
	if c.due[i] == 0 {
		c.reset(i, when)
	} else {
		c.stopLocked(i)
	}
}

func notAsked() string {
	return realClock
}

var checks = []struct {
	name string
	run  func() string
}{
	{"once", checkOnce},
	{"stop", checkStop},
	{"later", checkLater},
	{"sooner", checkSooner},
	{"order", checkOrder},
	{"fifo", checkFIFO},
	{"again", checkAgain},
	{"neighbour", checkNeighbour},
	{"past", checkPast},
	{"far", notAsked},
	{"jump", notAsked},
	{"churn", checkChurn},
}
