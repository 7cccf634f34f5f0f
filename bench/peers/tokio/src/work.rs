// SPDX-License-Identifier: MIT
//
// work.rs - the workloads of bench/work/work.h, which says what they are.
//
// Two threads: each has a runtime of its own, and its timers are registered
// with that one's driver, whoever calls. `own` needs no lock beside tokio's,
// nor does `remote`, where one thread turns the driver and the other has all
// the timers. In `cross` two threads call reset() on one Sleep, which takes a
// &mut: each timer is in a std::sync::Mutex, as its users would have to.
use crate::random::{Pick, SEED};
use crate::timer::{take_woken, Timer};
use crate::{die, LATE, MS, SECOND};
use std::alloc::{alloc_zeroed, Layout};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Barrier, Mutex};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::time::{advance, Instant};

const BLOCK: usize = 1000;
const IDLE: u64 = 30 * SECOND;
const WORST_OPS: u32 = 20000;
const RPC: u32 = 64;
const OWN_LEAST: u64 = 30 * SECOND;
const TURN: u32 = 16;

/* Of 2^8: 89.8 %, 8.2 %, and what is left fires. */
const MIX_PUSH: u32 = 230;
const MIX_RESTART: u32 = 251;

pub type OnFire = fn(&mut Work, u32);

pub struct Work {
    n: u32,
    most: u64,
    budget: u64,

    base: *mut u8,
    stride: usize,
    zero: Instant,
    pub now: u64,
    seed: u64,
    pub random: u64,
    due: Vec<u64>,
    turn: u32,
    pub on_fire: Option<OnFire>,
    pub fired: u64,
    woken: Vec<u32>,

    ops: u64,
    spent: u64,
    worst: u64,
    worst_poll: u64,
    bytes: u64,
}

fn clock() -> std::time::Instant {
    std::time::Instant::now()
}

fn since(start: std::time::Instant) -> u64 {
    start.elapsed().as_nanos() as u64
}

/// Bytes of memory that this process occupies.
fn memory() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split(' ').nth(1).and_then(|p| p.parse::<u64>().ok());

    pages.unwrap_or(0) * 4096
}

pub fn runtime() -> Runtime {
    match Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
    {
        Ok(runtime) => runtime,
        Err(_) => die("no runtime"),
    }
}

/// All that happens is one future, which no budget of tokio's interrupts:
/// the tasks of a server would each have their own.
pub fn enter<F: std::future::Future>(runtime: &Runtime, f: F) -> F::Output {
    runtime.block_on(tokio::task::unconstrained(f))
}

impl Work {
    /// The memory and the timers; none armed. Inside a runtime.
    pub fn open(n: u32, embedded: bool, most: u64, budget: u64) -> Work {
        let before = memory();
        let align = std::mem::align_of::<Timer>().max(64);
        let size = std::mem::size_of::<Timer>();
        let unit = std::mem::align_of::<Timer>();
        let stride = if embedded { size.max(320) } else { size };
        let stride = stride.div_ceil(unit) * unit;
        let base = match Layout::from_size_align(n as usize * stride, align) {
            // SAFETY: the size is not 0: n is 2 or more.
            Ok(layout) => unsafe { alloc_zeroed(layout) },
            Err(_) => die("so many timers cannot be"),
        };

        if base.is_null() {
            die("no memory for so many timers");
        }
        for i in 0..n as usize {
            // SAFETY: within the allocation, and aligned.
            unsafe { (base.add(i * stride) as *mut Timer).write(Timer::default()) };
        }
        Work {
            n,
            most,
            budget,
            base,
            stride,
            zero: Instant::now(),
            now: 0,
            seed: SEED,
            random: SEED,
            due: Vec::new(),
            turn: 0,
            on_fire: None,
            fired: 0,
            woken: Vec::new(),
            ops: 0,
            spent: 0,
            worst: 0,
            worst_poll: 0,
            bytes: before, // until measure_bytes()
        }
    }

    #[allow(clippy::mut_from_ref)] // the memory is not of &self
    #[inline(always)]
    fn timer(&self, i: u32) -> Pin<&mut Timer> {
        // SAFETY: i < n; the memory is never freed nor moved; of no timer is
        // more than one reference kept, each lives for one call.
        unsafe { Pin::new_unchecked(&mut *(self.base.add(i as usize * self.stride) as *mut Timer)) }
    }

    #[inline(always)]
    pub fn start(&self, i: u32, when: u64) {
        self.timer(i).start(i, self.zero, when);
    }

    #[inline(always)]
    pub fn push(&self, i: u32, when: u64) {
        self.timer(i).push(self.zero, when);
    }

    #[inline(always)]
    pub fn stop(&self, i: u32) {
        self.timer(i).stop();
    }

    #[inline(always)]
    pub fn ahead(&self, p: Pick, lo: u64, hi: u64) -> u64 {
        self.now + p.span(lo, hi)
    }

    /// Move the clock, and hear of all that have fired.
    pub async fn poll(&mut self, span: u64) {
        self.now += span;
        advance(Duration::from_nanos(span)).await;
        let mut list = std::mem::take(&mut self.woken);
        take_woken(&mut list);
        for &i in &list {
            if self.timer(i).ready(i) {
                self.fired += 1;
                if let Some(hook) = self.on_fire {
                    hook(self, i);
                }
            }
        }
        list.clear();
        self.woken = list;
    }

    fn measure_bytes(&mut self) {
        self.bytes = memory().saturating_sub(self.bytes) / u64::from(self.n);
    }

    fn arm(&mut self, lo: u64, hi: u64) {
        for i in 0..self.n {
            let p = Pick::make(&mut self.random, 1);
            let when = self.ahead(p, lo, hi);

            self.start(i, when);
            if let Some(due) = self.due.get_mut(i as usize) {
                *due = when;
            }
        }
    }

    /// As if every timer had been pushed at random for long.
    fn age(&mut self) {
        self.arm(MS, IDLE);
        for i in 0..self.n {
            self.push(i, self.now + IDLE);
        }
    }

    async fn clear(&mut self) {
        for i in 0..self.n {
            self.stop(i);
        }
        self.poll(120 * SECOND).await;
    }

    fn picks(&mut self, picks: &mut [Pick; BLOCK]) {
        for p in picks {
            *p = Pick::make(&mut self.random, self.n);
        }
    }

    fn none_fired(&self) {
        if self.fired > 0 {
            die("a timer fired that may not have");
        }
    }
}

/*
 * Operations.
 */

trait Op: Fn(&mut Work, Pick) {}
impl<F: Fn(&mut Work, Pick)> Op for F {}

#[inline(always)]
fn op_start_stop(w: &mut Work, p: Pick) {
    w.stop(p.index);
    w.start(p.index, w.ahead(p, SECOND, 60 * SECOND));
}

#[inline(always)]
fn op_idle_reset(w: &mut Work, p: Pick) {
    w.push(p.index, w.now + IDLE);
}

#[inline(always)]
fn op_short_rpc(w: &mut Work, _: Pick) {
    let i = w.turn;

    w.turn = (w.turn + 1) % RPC;
    w.stop(i);
    w.start(i, w.now + 5 * SECOND);
}

#[inline(always)]
fn op_server_mix(w: &mut Work, mut p: Pick) {
    let dice = p.coin >> 24;

    if dice < MIX_PUSH {
        w.push(p.index, w.now + IDLE);
    } else if dice < MIX_RESTART {
        p.coin <<= 8;
        w.stop(p.index);
        w.start(p.index, w.ahead(p, SECOND, 60 * SECOND));
    } else {
        w.push(p.index, w.now);
    }
}

#[inline(always)]
fn op_earlier(w: &mut Work, p: Pick) {
    let left = w.due[p.index as usize] - w.now;
    let when = w.ahead(p, left / 2, left);

    w.due[p.index as usize] = when;
    w.push(p.index, when);
}

#[inline(always)]
fn tcp_event(w: &mut Work, p: Pick, when: u64) {
    let due = &mut w.due[p.index as usize];

    if *due == 0 {
        *due = when;
        w.start(p.index, when);
    } else if p.coin & 1 == 1 {
        *due = 0;
        w.stop(p.index);
    } else {
        *due = when;
        w.push(p.index, when);
    }
}

#[inline(always)]
fn op_scatter(w: &mut Work, p: Pick) {
    tcp_event(w, p, w.ahead(p, 200 * MS, SECOND));
}

/// The multiplier (2^32 by the golden ratio) scatters the indices.
#[inline(always)]
fn op_tcp_rto(w: &mut Work, p: Pick) {
    let own = p.index.wrapping_mul(2_654_435_761) as u64;
    let rto = 200 * MS + (own * 800 * MS >> 32);

    tcp_event(w, p, w.ahead(p, rto, rto + rto / 16));
}

/*
 * Loops.
 */

/// `op` again and again, with a poll each `per` operations, 0: none.
async fn work_loop(w: &mut Work, op: impl Op, per: u32, most: u64, budget: u64) {
    let mut picks = [Pick::default(); BLOCK];
    let mut left = per;

    w.ops = 0;
    w.spent = 0;
    while w.ops < most && w.spent < budget {
        w.picks(&mut picks);
        let start = clock();
        for &p in &picks {
            op(w, p);
            if per > 0 {
                left -= 1;
                if left == 0 {
                    left = per;
                    w.poll(MS).await;
                }
            }
        }
        w.spent += since(start);
        w.ops += BLOCK as u64;
    }
}

async fn worst(w: &mut Work, op: impl Op, per: u32) {
    let begin = clock();
    let mut left = per;

    for _ in 0..WORST_OPS {
        let p = Pick::make(&mut w.random, w.n);
        let start = clock();
        op(w, p);
        w.worst = w.worst.max(since(start));
        if per > 0 {
            left -= 1;
            if left == 0 {
                left = per;
                let start = clock();
                w.poll(MS).await;
                w.worst_poll = w.worst_poll.max(since(start));
            }
        }
        if since(begin) > w.budget / 4 {
            break;
        }
    }
}

async fn measure(w: &mut Work, op: impl Op, per: u32) {
    let (most, budget) = (w.most, w.budget);

    w.measure_bytes();
    work_loop(w, &op, per, most / 5, budget / 5).await;
    work_loop(w, &op, per, most, budget).await;
    let (ops, spent) = (w.ops, w.spent);
    worst(w, &op, per).await;
    w.ops = ops;
    w.spent = spent;
}

async fn start_stop(w: &mut Work) {
    w.arm(SECOND, 60 * SECOND);
    measure(w, op_start_stop, 0).await;
    w.none_fired();
}

async fn idle_reset(w: &mut Work) {
    w.age();
    measure(w, op_idle_reset, BLOCK as u32).await;
    if w.now < IDLE {
        w.none_fired();
    }
}

async fn short_rpc(w: &mut Work) {
    if w.n < RPC {
        die("short_rpc: N must be 64 or more");
    }
    w.n = RPC;
    w.arm(5 * SECOND - MS, 5 * SECOND);
    measure(w, op_short_rpc, BLOCK as u32).await;
    w.none_fired();
}

async fn server_mix(w: &mut Work, per: u32) {
    w.on_fire = Some(|w, i| w.start(i, w.now + IDLE));
    w.age();
    measure(w, op_server_mix, per).await;
    if w.fired * 200 < w.ops {
        die("fewer fired than must have");
    }
}

async fn earlier(w: &mut Work) {
    let mut picks = [Pick::default(); BLOCK];
    let (mut ops, mut spent) = (0, 0);

    w.due = vec![0; w.n as usize];
    w.arm(30 * SECOND, 60 * SECOND);
    w.measure_bytes();
    while ops < w.most && spent < w.budget {
        let mut done = 0;
        while done < w.n {
            w.picks(&mut picks);
            let start = clock();
            for &p in &picks {
                op_earlier(w, p);
            }
            spent += since(start);
            ops += BLOCK as u64;
            done += BLOCK as u32;
        }
        if spent >= w.budget || ops >= w.most {
            break;
        }
        w.clear().await;
        w.arm(30 * SECOND, 60 * SECOND);
    }
    w.none_fired();
    worst(w, op_earlier, 0).await;
    w.ops = ops;
    w.spent = spent;
}

async fn tcp(w: &mut Work, scatter: bool) {
    w.due = vec![0; w.n as usize];
    w.on_fire = Some(|w, i| {
        let when = w.now + 400 * MS;

        w.due[i as usize] = when;
        w.start(i, when);
    });
    w.arm(200 * MS, SECOND);
    let per = (w.n / 50).max(1);

    if scatter {
        measure(w, op_scatter, per).await;
    } else {
        measure(w, op_tcp_rto, per).await;
    }
}

/// Rounds of arming all, and then of polls.
async fn rounds(w: &mut Work, fire: bool) {
    let (mut arms, mut arm_spent) = (0, 0);
    let mut first = true;

    while w.ops < w.most && w.spent < w.budget {
        let start = clock();
        w.arm(0, 10 * SECOND);
        if std::mem::take(&mut first) {
            w.measure_bytes(); // it was memory that nobody had touched
        } else {
            arm_spent += since(start);
            arms += u64::from(w.n);
        }
        if !fire {
            w.ops = arms;
            w.spent = arm_spent;
            if w.ops < w.most && w.spent < w.budget {
                w.clear().await;
            }
            continue;
        }
        w.fired = 0;
        for _ in 0..10000 {
            let start = clock();
            w.poll(MS).await;
            let took = since(start);
            w.spent += took;
            w.worst_poll = w.worst_poll.max(took);
        }
        w.ops += w.fired;
        w.poll(SECOND).await; // what is rounded up
        if w.fired != u64::from(w.n) {
            die("not all have fired");
        }
    }
}

async fn herd(w: &mut Work) {
    let mut first = true;

    while w.ops < w.most && w.spent < w.budget {
        for i in 0..w.n {
            w.start(i, w.now + SECOND);
        }
        if std::mem::take(&mut first) {
            w.measure_bytes();
        }
        w.fired = 0;
        w.poll(SECOND - MS).await;
        if w.fired > 0 {
            die("a timer fired early");
        }
        let start = clock();
        loop {
            w.poll(2 * MS + LATE).await;
            if w.fired >= u64::from(w.n) || since(start) >= 4 * w.budget {
                break;
            }
        }
        w.worst_poll = since(start);
        w.spent += w.worst_poll;
        w.ops += w.fired;
        if w.fired < u64::from(w.n) {
            break;
        }
    }
}

/*
 * Two threads.
 */

#[derive(Clone, Copy, PartialEq)]
enum Sides {
    Own,
    Cross,
    Remote,
}

/// What both threads have.
struct Pair<'a> {
    w: &'a Work,
    what: Sides,
    locks: Vec<Mutex<()>>, // cross: of each timer
    over: AtomicBool,
    gate: Barrier,
}

// SAFETY: Work's pointer is to timers, of which each thread uses its own, or
// all under their locks; the rest of it is only read. Sleep is Send.
unsafe impl Sync for Pair<'_> {}

/// This thread turns its driver, and the clock moves by `span`.
async fn turn(span: u64) {
    let mut list = Vec::new();

    advance(Duration::from_nanos(span)).await;
    take_woken(&mut list);
    if !list.is_empty() {
        die("a timer fired that may not have");
    }
}

async fn side(pair: &Pair<'_>, k: u32) -> (u64, u64) {
    let w = pair.w;
    let half = w.n / 2;
    let (first, n, least) = match pair.what {
        Sides::Own => (half * k, half, OWN_LEAST),
        _ => (0, w.n, SECOND),
    };
    let mut random = w.seed.wrapping_add(u64::from(k) * 77);
    let mut now = w.now;
    let mut picks = [Pick::default(); BLOCK];
    let (mut ops, mut spent) = (0, 0);

    pair.gate.wait();
    let begin = clock();
    if pair.what == Sides::Remote && k == 0 {
        while !pair.over.load(Ordering::Acquire) {
            turn(0).await;
        }
    } else {
        while since(begin) < w.budget {
            for p in &mut picks {
                *p = Pick::make(&mut random, n);
            }
            let start = clock();
            for &p in &picks {
                let i = first + p.index;

                if pair.what == Sides::Cross {
                    let Ok(_held) = pair.locks[i as usize].lock() else {
                        die("a poisoned lock")
                    };
                    w.push(i, w.now + 60 * SECOND);
                } else {
                    w.stop(i);
                    w.start(i, now + p.span(least, 60 * SECOND));
                }
            }
            if pair.what == Sides::Own {
                now += MS;
                turn(MS).await;
            } else if pair.what == Sides::Cross {
                turn(0).await;
            }
            spent += since(start);
            ops += BLOCK as u64;
        }
        pair.over.store(true, Ordering::Release);
    }
    pair.gate.wait();
    (ops, spent)
}

/// The second half lives with the second runtime, but for `remote`.
fn sides(w: &mut Work, first: &Runtime, what: Sides) {
    let second = runtime();

    for i in 0..w.n {
        let p = Pick::make(&mut w.random, 1);
        let far = what != Sides::Remote && i >= w.n / 2;
        let _home = if far { &second } else { first }.enter();

        w.start(i, w.ahead(p, OWN_LEAST, 60 * SECOND));
    }
    w.measure_bytes();
    let locks = if what == Sides::Cross { w.n } else { 0 };
    let pair = Pair {
        w,
        what,
        locks: (0..locks).map(|_| Mutex::new(())).collect(),
        over: AtomicBool::new(false),
        gate: Barrier::new(2),
    };
    let (one, two) = std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            if what == Sides::Remote {
                // Not a driver's thread; what it starts is the first's.
                let home = first.handle();
                return home.block_on(tokio::task::unconstrained(side(&pair, 1)));
            }
            enter(&second, side(&pair, 1))
        });
        let one = enter(first, side(&pair, 0));

        match thread.join() {
            Ok(two) => (one, two),
            Err(_) => die("the second thread has failed"),
        }
    });
    // ns for an operation of one thread.
    (w.ops, w.spent) = match what {
        Sides::Remote => two,
        _ => ((one.0 + two.0) / 2, (one.1 + two.1) / 2),
    };
    finish(w); // before the second's timers lose their driver
}

#[rustfmt::skip]
pub const NAMES: [&str; 14] = [
    "start_stop", "idle_reset", "arm", "fire", "short_rpc", "server_mix",
    "turn", "herd", "earlier", "tcp_rto", "scatter", "own", "cross", "remote",
];

/// The answer; taking apart millions of timers is not measured.
fn finish(w: &Work) -> ! {
    if w.ops == 0 {
        die("nothing was done in the time");
    }
    println!(
        "{{\"ops\": {}, \"ns\": {:.4}, \"worst\": {}, \"worst_poll\": {}, \
         \"bytes\": {}}}",
        w.ops,
        w.spent as f64 / w.ops as f64,
        w.worst,
        w.worst_poll,
        w.bytes
    );
    std::process::exit(0)
}

pub fn run(name: &str, n: u64, embedded: bool, most: u64, budget: u64, seed: u64) -> ! {
    let n = match u32::try_from(n) {
        Ok(n) if n > 1 => n,
        _ => die("N, OPS or BUDGET_MS is not a number"),
    };
    if !NAMES.contains(&name) {
        die("no such work");
    }
    let runtime = runtime();
    let mut work = {
        let _inside = runtime.enter();
        Work::open(n, embedded, most, budget)
    };
    let w = &mut work;

    w.seed ^= seed;
    w.random = w.seed;
    match name {
        "own" => sides(w, &runtime, Sides::Own),
        "cross" => sides(w, &runtime, Sides::Cross),
        "remote" => sides(w, &runtime, Sides::Remote),
        _ => enter(&runtime, async {
            match name {
                "start_stop" => start_stop(w).await,
                "idle_reset" => idle_reset(w).await,
                "arm" => rounds(w, false).await,
                "fire" => rounds(w, true).await,
                "short_rpc" => short_rpc(w).await,
                "server_mix" => server_mix(w, BLOCK as u32).await,
                "turn" => server_mix(w, TURN).await,
                "herd" => herd(w).await,
                "earlier" => earlier(w).await,
                _ => tcp(w, name == "scatter").await,
            }
        }),
    }
    finish(w)
}
