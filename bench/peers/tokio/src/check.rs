// SPDX-License-Identifier: MIT
//
// check.rs - the conformance rows of bench/peers/check.h, which says what
// they are.
use crate::random::Pick;
use crate::work::{enter, runtime, Work};
use crate::{die, LATE, MS, SECOND};
use std::cell::RefCell;

const TIMERS: u32 = 2000;
const ALLOWED: u64 = MS + LATE;

/// What is known of each timer, and in what order they fired.
struct Seen {
    due: Vec<u64>, // 0: not armed
    fires: Vec<u32>,
    order: Vec<u32>,
    again: u32,
    early: bool,
    surprise: bool, // one that was not armed
}

thread_local! {
    static SEEN: RefCell<Seen> = RefCell::new(Seen {
        due: vec![0; TIMERS as usize],
        fires: vec![0; TIMERS as usize],
        order: Vec::new(),
        again: 0,
        early: false,
        surprise: false,
    });
}

fn seen<T>(f: impl FnOnce(&mut Seen) -> T) -> T {
    SEEN.with_borrow_mut(f)
}

fn due(i: u32) -> u64 {
    seen(|s| s.due[i as usize])
}

fn set_due(i: u32, when: u64) {
    seen(|s| s.due[i as usize] = when);
}

fn fires(i: u32) -> u32 {
    seen(|s| s.fires[i as usize])
}

fn count() -> u32 {
    seen(|s| s.order.len() as u32)
}

fn fired(w: &mut Work, i: u32) {
    seen(|s| {
        s.order.push(i);
        s.fires[i as usize] += 1;
        match s.due[i as usize] {
            0 => s.surprise = true,
            due if due > w.now => s.early = true,
            _ => (),
        }
        s.due[i as usize] = 0;
    });
}

fn start(w: &Work, i: u32, when: u64) {
    set_due(i, when);
    w.start(i, when);
}

fn push(w: &Work, i: u32, when: u64) {
    set_due(i, when);
    w.push(i, when);
}

fn stop(w: &Work, i: u32) {
    set_due(i, 0);
    w.stop(i);
}

/// Poll each ms for `span`.
async fn go(w: &mut Work, span: u64) {
    for _ in 0..span.div_ceil(MS) {
        w.poll(MS).await;
    }
}

fn at(w: &mut Work, lo: u64, hi: u64) -> u64 {
    let p = Pick::make(&mut w.random, 1);

    w.ahead(p, lo, hi)
}

type Answer = Result<(), &'static str>;

fn expect(holds: bool, wrong: &'static str) -> Answer {
    if holds {
        Ok(())
    } else {
        Err(wrong)
    }
}

/// None early, none surprising, none overdue.
fn state(w: &Work) -> Answer {
    seen(|s| {
        expect(!s.early, "fires early")?;
        expect(!s.surprise, "fires what is not armed")?;
        expect(
            s.due.iter().all(|&d| d == 0 || d + ALLOWED >= w.now),
            "late, or never fires",
        )
    })
}

fn all(w: &Work) -> Answer {
    expect(count() == TIMERS, "not each fires once")?;
    state(w)
}

async fn once(w: &mut Work) -> Answer {
    for i in 0..TIMERS {
        let when = at(w, 0, 5 * SECOND);
        start(w, i, when);
    }
    for _ in 0..50 {
        go(w, 100 * MS).await;
        state(w)?;
    }
    go(w, ALLOWED + MS).await;
    expect((0..TIMERS).all(|i| fires(i) == 1), "not each fires once")?;
    state(w)
}

async fn stopped(w: &mut Work) -> Answer {
    for i in 0..TIMERS {
        let when = at(w, MS, SECOND);
        start(w, i, when);
    }
    for i in (0..TIMERS).step_by(2) {
        stop(w, i);
    }
    go(w, 2 * SECOND).await;
    expect(
        (0..TIMERS).all(|i| fires(i) == i & 1),
        "a stopped one fires, or another does not",
    )?;
    state(w)
}

async fn later(w: &mut Work) -> Answer {
    for i in 0..TIMERS {
        let when = at(w, MS, SECOND);
        start(w, i, when);
    }
    for i in 0..TIMERS {
        let when = at(w, SECOND, 2 * SECOND);
        push(w, i, when);
    }
    go(w, 3 * SECOND).await;
    all(w)
}

async fn sooner(w: &mut Work) -> Answer {
    for i in 0..TIMERS {
        let when = at(w, 60 * SECOND, 90 * SECOND);
        start(w, i, when);
    }
    go(w, SECOND).await;
    for i in 0..TIMERS {
        let when = at(w, MS, SECOND);
        push(w, i, when);
    }
    go(w, 2 * SECOND).await;
    all(w)
}

/// One poll, long after: by deadline, if they are 2 ms apart.
async fn order(w: &mut Work) -> Answer {
    let rank = |i: u32| u64::from(i * 7919 % TIMERS);

    for i in 0..TIMERS {
        start(w, i, w.now + (1 + rank(i)) * 2 * MS);
    }
    w.poll((2 * u64::from(TIMERS) + 10) * MS + ALLOWED).await;
    w.poll(ALLOWED).await;
    expect(count() == TIMERS, "not each fires once")?;
    expect(
        seen(|s| s.order.windows(2).all(|o| rank(o[0]) <= rank(o[1]))),
        "not by deadline",
    )?;
    state(w)
}

async fn fifo(w: &mut Work) -> Answer {
    for i in 0..TIMERS {
        start(w, i, w.now + SECOND);
    }
    go(w, 2 * SECOND).await;
    expect(count() == TIMERS, "not each fires once")?;
    expect(
        seen(|s| s.order.iter().copied().eq(0..TIMERS)),
        "equal deadlines not in order",
    )
}

/// A callback that is due at once again must not keep the poll for ever.
async fn again(w: &mut Work) -> Answer {
    w.on_fire = Some(|w, i| {
        fired(w, i);
        if seen(|s| s.again) > 0 {
            seen(|s| s.again -= 1);
            start(w, i, w.now);
        }
    });
    seen(|s| s.again = 1000);
    start(w, 0, w.now + MS);
    go(w, 2 * MS + LATE).await;
    expect(fires(0) <= 100, "one poll fires it as often as it is armed")?;
    go(w, 2000 * ALLOWED).await;
    expect(fires(0) == 1001, "does not fire again")?;
    state(w)
}

async fn neighbour(w: &mut Work) -> Answer {
    w.on_fire = Some(|w, i| {
        fired(w, i);
        if due(i ^ 1) > 0 {
            stop(w, i ^ 1);
        }
    });
    for i in 0..TIMERS {
        start(w, i, w.now + 5 * MS);
    }
    go(w, 10 * MS + LATE).await;
    expect(
        count() == TIMERS / 2,
        "one that was stopped fires, or its neighbour does not",
    )?;
    state(w)
}

async fn past(w: &mut Work) -> Answer {
    go(w, SECOND).await;
    start(w, 0, w.now);
    start(w, 1, w.now - SECOND / 2);
    start(w, 2, 1);
    expect(count() == 0, "fires inside the call")?;
    go(w, 2 * MS + LATE).await;
    expect(count() == 3, "the past never fires")?;
    state(w)
}

async fn far(w: &mut Work) -> Answer {
    const YEAR: u64 = 365 * 86400 * SECOND;

    start(w, 0, w.now + YEAR);
    start(w, 1, w.now + 5 * YEAR);
    go(w, 10 * MS).await;
    w.poll(YEAR - SECOND).await;
    expect(count() == 0, "a year fires early")?;
    w.poll(2 * SECOND).await;
    go(w, ALLOWED + 2 * MS).await;
    expect(count() == 1, "a year never fires")?;
    w.poll(4 * YEAR).await;
    go(w, ALLOWED + 2 * MS).await;
    expect(count() == 2, "five years never fire")?;
    state(w)
}

async fn jump(w: &mut Work) -> Answer {
    for i in 0..TIMERS {
        let when = at(w, MS, 7200 * SECOND);
        start(w, i, when);
    }
    w.poll(3600 * SECOND).await;
    go(w, ALLOWED + 2 * MS).await;
    state(w)?;
    w.poll(3600 * SECOND).await;
    go(w, ALLOWED + 2 * MS).await;
    all(w)
}

/// Calls at random; at every moment what fires is what is due.
async fn churn(w: &mut Work) -> Answer {
    for k in 0..200_000 {
        let p = Pick::make(&mut w.random, TIMERS);
        let hi = if p.coin & 8 > 0 { 20 * SECOND } else { 50 * MS };
        let when = at(w, 0, hi);

        if due(p.index) == 0 {
            start(w, p.index, when);
        } else if p.coin & 3 > 0 {
            push(w, p.index, when);
        } else {
            stop(w, p.index);
        }
        if k % 50 == 0 {
            go(w, MS).await;
        }
        seen(|s| s.order.clear());
        if k % 5000 == 0 {
            state(w)?;
        }
    }
    go(w, 21 * SECOND).await;
    state(w)
}

#[rustfmt::skip]
pub const NAMES: [&str; 12] = [
    "once", "stop", "later", "sooner", "order", "fifo", "again", "neighbour",
    "past", "far", "jump", "churn",
];

/// Row `name`, alone.
pub fn run(name: &str) -> i32 {
    let runtime = runtime();
    let answer = enter(&runtime, async {
        let mut work = Work::open(TIMERS, false, 1, 1);
        let w = &mut work;

        w.on_fire = Some(fired);
        match name {
            "once" => once(w).await,
            "stop" => stopped(w).await,
            "later" => later(w).await,
            "sooner" => sooner(w).await,
            "order" => order(w).await,
            "fifo" => fifo(w).await,
            "again" => again(w).await,
            "neighbour" => neighbour(w).await,
            "past" => past(w).await,
            "far" => far(w).await,
            "jump" => jump(w).await,
            "churn" => churn(w).await,
            _ => die("no such row"),
        }
    });

    println!("{}", answer.err().unwrap_or("ok"));
    i32::from(answer.is_err())
}
