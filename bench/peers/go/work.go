// SPDX-License-Identifier: MIT
//
// work.go - the workloads of bench/work/work.h with Go's timers. What they
// are stands there; here, what a clock that nobody can stop makes different.
//
// Where the clock of C stands still, `now` is an instant that the real clock
// does not reach: every deadline is so much further away, the differences
// between them are the same, and none fires. A span is from the instant at
// which a block of 1000 operations began.
//
// Where it moves, it is ten times as fast: 1 ms is 0.1 ms, and so long the
// next 1000 operations take, about what they do take: if they take less, the
// program spins, untimed, until that has passed, so that they move the clock
// by 1 ms as in C; if they take more, more time passes than in C. A slower
// clock would be more of spinning, and caches cold from it. But for more than
// 300,000 timers it is as fast as the machine's: they are in no cache anyhow,
// and what takes too long must not make them all expire. In tcp_rto N events
// take N times 0.1 us, or 1 us, and all spans are scaled to that.
//
// There is one P but in the works of two threads, and no one waits: so timers
// are looked at, and callbacks run, only when this goroutine yields. That is
// the poll: runtime.Gosched(), and it is timed, as a poll is in C. Whatever
// the runtime does for its timers is within it or within the calls, as long
// as a block takes less than 10 ms, after which the runtime takes the P away
// by itself. Wall time of one busy P is therefore what firing costs, and
// idle waits for the next deadline are not in it. Not CPU time: that has
// the spinning in it.
//
//	short_rpc   the clock stands still here, too
//	server_mix  the 2 % are Reset(0); the callback resets to 30 s
//	fire        the 10 s are N * 10 us, at least 50 ms and at most 10 s,
//	            so that the runtime keeps up; 10,000 polls
//	herd        from when all are due until the last callback has run; the
//	            first time each of them costs a new stack
//	tcp_rto     Stop() says if it waits; there is no other record of it;
//	            a poll at least each 5000 events
//	own, cross  each goroutine arms its half, on its P, yields each block
//	remote      one arms all and yields without pause
//
// bytes is the growth of the live heap: Timer, closure, the pointer to them,
// and the place in the P's heap. What the collector takes beside is not.
package main

import (
	"runtime"
	"sync/atomic"
	"time"
	"unsafe"
)

const (
	randomSeed = uint64(0x9e3779b97f4a7c15)
	block      = 1000
	idle       = 30 * second
	manyTimers = 300000
	worstOps   = 20000
	rpcs       = 64
	tcpPoll    = 5000 // more would be 10 ms without a yield
)

// Of 2^8: 89.8 %, 8.2 %, and what is left fires.
const (
	mixPush    = 230
	mixRestart = 251
)

// conn is what a user keeps for each timer, at least.
type conn struct {
	t *time.Timer
}

// bigConn is as large as a connection of the C peers.
type bigConn struct {
	conn
	rest [320 - 8]byte
}

type pick struct {
	index, coin uint32
}

type job struct {
	n            uint32
	seed         uint64
	most, budget int64 // operations, ns

	base   unsafe.Pointer
	stride uintptr
	kept   interface{} // so that the collector knows of base
	fast   int64       // the clock that moves
	perOp  int64       // ns of it
	idle   int64
	random uint64
	now    int64 // deadlines are from here
	real   int64 // what the clock was when the block began
	due    []int64
	turn   uint32
	onFire func(c *conn)
	fired  uint64 // atomic

	ops, spent       int64
	worst, worstPoll int64
	bytes            uint64
}

var work job

func randomNext(state *uint64) uint64 {
	x := *state
	x ^= x >> 12
	x ^= x << 25
	x ^= x >> 27
	*state = x
	return x * 0x2545f4914f6cdd1d
}

func pickMake(state *uint64, n uint32) pick {
	x := randomNext(state)
	return pick{uint32((x >> 32) * uint64(n) >> 32), uint32(x >> 4)}
}

func (p pick) span(lo, hi int64) int64 {
	return lo + int64(uint64(p.coin)*(uint64(hi-lo)>>12)>>20)
}

func fire(c *conn) {
	atomic.AddUint64(&work.fired, 1)
	if work.onFire != nil {
		work.onFire(c)
	}
}

func (w *job) at(i uint32) *conn {
	return (*conn)(unsafe.Add(w.base, uintptr(i)*w.stride))
}

func (w *job) start(c *conn, when int64) {
	c.t.Reset(time.Duration(when - w.real))
}

// stand: the clock stands still, so far ahead that it is not reached.
func (w *job) stand(lead int64) {
	w.real = clock()
	w.now = w.real + lead
}

// lead: what a run or a round of it takes at most, and more.
func (w *job) lead() int64 {
	return 2*second + 5*w.budget + int64(w.n)*2000
}

// spin until @when: nothing fires meanwhile.
func spin(when int64) {
	for clock() < when {
	}
}

// arrive at @when, by sleep as far as that goes: what is due fires.
func arrive(when int64) {
	if left := when - clock(); left > 4*ms {
		time.Sleep(time.Duration(left - 2*ms))
	}
	spin(when)
}

func liveHeap() uint64 {
	var m runtime.MemStats

	runtime.GC()
	runtime.GC() // what the first found to be free is swept
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func (w *job) measureBytes() {
	if now := liveHeap(); now > w.bytes {
		w.bytes = (now - w.bytes) / uint64(w.n)
	} else {
		w.bytes = 0
	}
}

// open: all timers, none armed. They are born armed.
func (w *job) open(embedded bool) {
	before := liveHeap()

	w.fast = 10
	if w.n > manyTimers {
		w.fast = 1
	}
	w.perOp = ms / w.fast / block
	w.idle = idle / w.fast
	w.random = w.seed
	if embedded {
		all := make([]bigConn, w.n)
		w.kept, w.base, w.stride = all, unsafe.Pointer(&all[0]), 320
	} else {
		all := make([]conn, w.n)
		w.kept, w.base, w.stride = all, unsafe.Pointer(&all[0]), 8
	}
	for i := uint32(0); i < w.n; i++ {
		c := w.at(i)
		c.t = time.AfterFunc(time.Hour, func() { fire(c) })
		c.t.Stop()
	}
	runtime.Gosched()
	w.bytes = before // until measureBytes()
}

// picks for one block, which begins now.
func (w *job) picks(p *[block]pick, n uint32) {
	for i := range p {
		p[i] = pickMake(&w.random, n)
	}
}

func (w *job) arm(lo, hi int64) {
	for i := uint32(0); i < w.n; i++ {
		if i%block == 0 {
			w.real = clock()
		}
		when := w.now + pickMake(&w.random, 1).span(lo, hi)
		w.start(w.at(i), when)
		if w.due != nil {
			w.due[i] = when
		}
	}
}

// age: as if all had been pushed at random for long. The clock moves after.
func (w *job) age() {
	w.stand(int64(w.n)*4000 + 20*ms)
	w.arm(ms/w.fast, w.idle)
	for i := uint32(0); i < w.n; i++ {
		if i%block == 0 {
			w.real = clock()
		}
		w.start(w.at(i), w.now+w.idle)
	}
}

// clear: stop all; the next yield takes them out.
func (w *job) clear() {
	for i := uint32(0); i < w.n; i++ {
		w.at(i).t.Stop()
	}
	runtime.Gosched()
}

/*
 * Operations.
 */

func opStartStop(w *job, p pick) {
	c := w.at(p.index)
	c.t.Stop()
	w.start(c, w.now+p.span(second, 60*second))
}

func opIdleReset(w *job, p pick) {
	w.at(p.index).t.Reset(time.Duration(w.idle))
}

func opShortRPC(w *job, _ pick) {
	c := w.at(w.turn)
	w.turn = (w.turn + 1) % rpcs
	c.t.Stop()
	w.start(c, w.now+5*second)
}

func opServerMix(w *job, p pick) {
	c := w.at(p.index)
	switch dice := p.coin >> 24; {
	case dice < mixPush:
		c.t.Reset(time.Duration(w.idle))
	case dice < mixRestart:
		p.coin <<= 8
		c.t.Stop()
		c.t.Reset(time.Duration(p.span(second, 60*second) / w.fast))
	default:
		c.t.Reset(0)
	}
}

func opEarlier(w *job, p pick) {
	left := w.due[p.index] - w.now
	when := w.now + p.span(left/2, left)
	w.due[p.index] = when
	w.start(w.at(p.index), when)
}

// tcp: tcp_rto's spans, when N events do not take 50 ms.
func (w *job) tcp(span int64) int64 {
	return span / (50 * ms) * int64(w.n) * w.perOp
}

func tcpEvent(w *job, p pick, lo, hi int64) {
	c := w.at(p.index)
	if p.coin&1 == 1 && c.t.Stop() {
		return
	}
	c.t.Reset(time.Duration(p.span(w.tcp(lo), w.tcp(hi))))
}

func opScatter(w *job, p pick) {
	tcpEvent(w, p, 200*ms, second)
}

// The multiplier (2^32 by the golden ratio) scatters the indices.
func opTCP(w *job, p pick) {
	own := int64(p.index * 2654435761)
	rto := 200*ms + own*(800*ms)>>32
	tcpEvent(w, p, rto, rto+rto/16)
}

/*
 * Loops.
 */

// poll: the runtime looks at its timers and runs what is due.
func (w *job) poll() {
	runtime.Gosched()
}

// loop: @op again and again. With @per, a poll after so many.
func (w *job) loop(op func(*job, pick), per, most, budget int64) {
	var p [block]pick
	left, tick := per, clock()
	end := tick + 10*budget

	w.ops, w.spent = 0, 0
	for w.ops < most && w.spent < budget && tick < end {
		w.picks(&p, w.n)
		start := clock()
		w.real = start
		if per > 0 {
			w.now = start
		}
		for i := range p {
			op(w, p[i])
			if per == 0 {
				continue
			}
			if left--; left == 0 {
				w.poll()
				stop := clock()
				w.spent += stop - start
				if tick += per * w.perOp; tick < stop {
					tick = stop
				}
				spin(tick)
				left = per
				start = clock()
				w.real, w.now = start, start
			}
		}
		w.spent += clock() - start
		w.ops += block
		if per == 0 {
			tick = start
		}
	}
}

// worst of single operations and of polls.
func (w *job) measureWorst(op func(*job, pick), per int64) {
	left, tick := per, clock()
	end := tick + w.budget/4

	for i := 0; i < worstOps; i++ {
		p := pickMake(&w.random, w.n)
		start := clock()
		w.real = start
		if per > 0 {
			w.now = start
		}
		op(w, p)
		stop := clock()
		if stop-start > w.worst {
			w.worst = stop - start
		}
		if left--; left == 0 {
			start = stop
			w.poll()
			stop = clock()
			if stop-start > w.worstPoll {
				w.worstPoll = stop - start
			}
			left = per
			tick += per * w.perOp
			spin(tick)
		}
		if stop > end {
			break
		}
	}
}

func (w *job) measure(op func(*job, pick), per int64) {
	w.loop(op, per, w.most/5, w.budget/5)
	w.loop(op, per, w.most, w.budget)
	ops, spent := w.ops, w.spent
	w.measureWorst(op, per)
	w.ops, w.spent = ops, spent
}

// more: until the operations, the budget or the patience is used up.
func (w *job) more(end int64) bool {
	return w.ops < w.most && w.spent < w.budget && clock() < end
}

func (w *job) noneFired() {
	if atomic.LoadUint64(&w.fired) != 0 {
		die("a timer fired that may not have")
	}
}

func runStartStop(w *job) {
	w.stand(w.lead())
	w.arm(second, 60*second)
	w.measureBytes()
	w.measure(opStartStop, 0)
	w.noneFired()
}

func runIdleReset(w *job) {
	w.age()
	w.measureBytes()
	arrive(w.now)
	from := w.now
	w.measure(opIdleReset, block)
	if w.now-from < w.idle {
		w.noneFired()
	}
}

func runShortRPC(w *job) {
	if w.n < rpcs {
		die("short_rpc: N must be 64 or more")
	}
	n := w.n
	w.n = rpcs
	w.stand(w.lead())
	w.arm(5*second-ms, 5*second)
	w.measureBytes()
	w.measure(opShortRPC, 0)
	w.noneFired()
	w.n = n
}

func runServerMix(w *job) {
	w.onFire = func(c *conn) { c.t.Reset(time.Duration(w.idle)) }
	w.age()
	w.measureBytes()
	arrive(w.now)
	w.measure(opServerMix, block)
	if int64(atomic.LoadUint64(&w.fired))*200 < w.ops {
		die("fewer fired than must have")
	}
}

func runEarlier(w *job) {
	var p [block]pick
	var ops, spent int64

	w.due = make([]int64, w.n)
	w.bytes += uint64(w.n) * 8 // they are not the timers'
	w.stand(w.lead())
	w.arm(30*second, 60*second)
	w.measureBytes()
	for {
		for done := uint32(0); done < w.n; done += block {
			w.picks(&p, w.n)
			start := clock()
			w.real = start
			for i := range p {
				opEarlier(w, p[i])
			}
			spent += clock() - start
			ops += block
		}
		if ops >= w.most || spent >= w.budget {
			break
		}
		w.clear()
		w.stand(w.lead())
		w.arm(30*second, 60*second)
	}
	w.noneFired()
	w.measureWorst(opEarlier, 0)
	w.noneFired()
	w.ops, w.spent = ops, spent
}

func runTCP(w *job)     { w.runEvents(opTCP) }
func runScatter(w *job) { w.runEvents(opScatter) }

func (w *job) runEvents(op func(*job, pick)) {
	again := time.Duration(w.tcp(400 * ms))
	per := int64(w.n / 50)

	if per < 1 {
		per = 1
	} else if per > tcpPoll {
		per = tcpPoll
	}
	w.onFire = func(c *conn) { c.t.Reset(again) }
	w.stand(int64(w.n)*2000 + 20*ms)
	w.arm(w.tcp(200*ms), w.tcp(second))
	w.measureBytes()
	arrive(w.now)
	w.measure(op, per)
}

func runArm(w *job) {
	var ops, spent int64

	for first := true; ops < w.most && spent < w.budget; first = false {
		w.stand(w.lead())
		start := clock()
		w.arm(0, 10*second)
		if first { // memory that nobody has touched
			w.measureBytes()
		} else {
			spent += clock() - start
			ops += int64(w.n)
		}
		w.clear()
	}
	w.noneFired()
	w.ops, w.spent = ops, spent
}

// poll, timed; also the worst.
func (w *job) timedPoll() {
	start := clock()
	w.poll()
	took := clock() - start
	w.spent += took
	if took > w.worstPoll {
		w.worstPoll = took
	}
}

func runFire(w *job) {
	const polls = 10000
	tick := int64(w.n) * 10000 / polls // ns; a fire takes 1 to 5 us

	if tick < 5000 {
		tick = 5000
	} else if tick > ms {
		tick = ms
	}
	end := clock() + 10*w.budget
	for first := true; w.more(end); first = false {
		atomic.StoreUint64(&w.fired, 0)
		w.stand(int64(w.n)*2000 + 5*ms)
		if first { // the collector takes its time
			w.now += int64(w.n)*1000 + 20*ms
		}
		w.arm(0, polls*tick)
		if first {
			w.measureBytes()
		}
		w.noneFired()
		arrive(w.now)
		for i := int64(1); i <= polls; i++ {
			spin(w.now + i*tick)
			w.timedPoll()
		}
		// What the last poll has left in the run queue.
		last := clock() + second
		for atomic.LoadUint64(&w.fired) < uint64(w.n) && clock() < last {
			w.timedPoll()
		}
		if atomic.LoadUint64(&w.fired) != uint64(w.n) {
			die("not all have fired")
		}
		w.ops += int64(w.n)
	}
}

func runHerd(w *job) {
	end := clock() + 10*w.budget
	for first := true; w.more(end); first = false {
		atomic.StoreUint64(&w.fired, 0)
		w.stand(int64(w.n)*2000 + 5*ms)
		if first {
			w.now += int64(w.n)*1000 + 20*ms
		}
		for i := uint32(0); i < w.n; i++ {
			w.real = clock()
			w.start(w.at(i), w.now)
		}
		if first {
			w.measureBytes()
		}
		arrive(w.now - 2*ms)
		w.poll()
		if atomic.LoadUint64(&w.fired) != 0 && clock() < w.now {
			die("a timer fired early")
		}
		spin(w.now + ms)
		start := clock()
		for atomic.LoadUint64(&w.fired) < uint64(w.n) &&
			clock()-start < 4*w.budget+10*second {
			w.poll()
		}
		w.worstPoll = clock() - start
		w.spent += w.worstPoll
		w.ops += int64(atomic.LoadUint64(&w.fired))
		if atomic.LoadUint64(&w.fired) < uint64(w.n) {
			break
		}
	}
}

/*
 * Two threads.
 */

type sides int

const (
	own sides = iota
	cross
	remote
)

// gate: both are here, and neither has left its P. Atomic.
type gate uint32

func (g *gate) wait(many uint32) {
	atomic.AddUint32((*uint32)(g), 1)
	for atomic.LoadUint32((*uint32)(g)) < many {
	}
}

type side struct {
	w          *job
	k          uint32
	what       sides
	ops, spent int64
}

func (s *side) op(p pick, now, real int64) {
	c := s.w.at(p.index)
	if s.what == cross {
		c.t.Reset(time.Duration(now + 60*second - real))
		return
	}
	c.t.Stop()
	c.t.Reset(time.Duration(now + p.span(second, 60*second) - real))
}

func (s *side) run(armed, measured *gate, over *uint32) {
	var p [block]pick
	w := s.w
	now, half := w.now, w.n/2
	seed, random := w.seed+uint64(s.k)*77, w.seed+uint64(s.k)
	first, n := uint32(0), w.n
	lo, hi := half*s.k, half+(w.n-half)*s.k

	if s.what == own {
		first, n = half*s.k, half
	} else if s.what == remote {
		lo, hi = 0, w.n*(1-s.k)
	}
	for i := lo; i < hi; i++ {
		when := now + pickMake(&random, 1).span(second, 60*second)
		w.at(i).t.Reset(time.Duration(when - clock()))
	}
	armed.wait(2)
	if s.k == 0 {
		w.measureBytes()
	}
	measured.wait(2)
	begin := clock()
	if s.what == remote && s.k == 0 {
		for atomic.LoadUint32(over) == 0 {
			runtime.Gosched()
		}
		return
	}
	for clock()-begin < w.budget {
		for i := range p {
			p[i] = pickMake(&seed, n)
			p[i].index += first
		}
		start := clock()
		for i := range p {
			s.op(p[i], now, start)
		}
		if s.what != remote {
			runtime.Gosched()
		}
		s.spent += clock() - start
		s.ops += block
	}
	atomic.StoreUint32(over, 1)
}

func (w *job) runSides(what sides) {
	var armed, measured, done gate
	var over uint32
	var s [2]side

	w.stand(w.lead())
	for k := range s {
		s[k] = side{w: w, k: uint32(k), what: what}
	}
	go func() {
		s[1].run(&armed, &measured, &over)
		atomic.AddUint32((*uint32)(&done), 1)
	}()
	s[0].run(&armed, &measured, &over)
	done.wait(2)
	w.ops, w.spent = s[1].ops, s[1].spent
	if what != remote { // ns for an operation of one thread
		w.ops = (w.ops + s[0].ops) / 2
		w.spent = (w.spent + s[0].spent) / 2
	}
	w.noneFired()
}

var works = []struct {
	name    string
	run     func(w *job)
	threads int
}{
	{"start_stop", runStartStop, 1},
	{"idle_reset", runIdleReset, 1},
	{"arm", runArm, 1},
	{"fire", runFire, 1},
	{"short_rpc", runShortRPC, 1},
	{"server_mix", runServerMix, 1},
	{"herd", runHerd, 1},
	{"earlier", runEarlier, 1},
	{"tcp_rto", runTCP, 1},
	{"scatter", runScatter, 1},
	{"own", func(w *job) { w.runSides(own) }, 2},
	{"cross", func(w *job) { w.runSides(cross) }, 2},
	{"remote", func(w *job) { w.runSides(remote) }, 2},
}
