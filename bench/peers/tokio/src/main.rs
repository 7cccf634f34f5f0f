// SPDX-License-Identifier: MIT
//
// main.rs - tokio's timers, measured beside the C peers: the same command
// line, the same answers as bench/peers/drive.h, the workloads of work.h
// (work.rs) and the rows of check.h (check.rs).
//
//   peer_tokio about                 a line of JSON
//   peer_tokio check VARIANT ROW     "ok", or what is wrong
//   peer_tokio run VARIANT WORK N EMBEDDED OPS BUDGET_MS SEED
//
// The clock of the runtime is paused (tokio's test-util), so that instants
// are the program's as in C. All that works on timers is one future, as a
// server's would be, and the poll is tokio::time::advance(): it moves the
// clock and yields, and the runtime turns its driver before it comes back.
//
// See timer.rs for what a timer is.
mod check;
mod random;
mod timer;
mod work;

use std::process::exit;

pub const MS: u64 = 1_000_000;
pub const SECOND: u64 = 1000 * MS;

/// ns that a fire may be behind its deadline, beside the 1 ms between polls:
/// none, though deadlines are rounded up to whole ms.
pub const LATE: u64 = 0;

pub fn die(what: &str) -> ! {
    println!("peer: {what}"); // where the caller looks for an answer
    exit(2)
}

/// tokio's, as Cargo.lock has it.
fn version() -> &'static str {
    let lock = include_str!("../Cargo.lock");
    let after = lock.split("name = \"tokio\"\nversion = \"").nth(1);

    after.and_then(|v| v.split('"').next()).unwrap_or("?")
}

fn about() {
    println!(
        "{{\"name\": \"tokio\", \"version\": \"{}\", \"variants\": \"-\", \
         \"safe\": true, \"limit\": false, \"late\": {LATE}, \"most\": 0, \
         \"works\": \"{}\", \"checks\": \"{}\"}}",
        version(),
        work::NAMES.join(" "),
        check::NAMES.join(" ")
    );
}

fn number(arg: &str) -> u64 {
    match arg.parse() {
        Ok(number) if number > 0 => number,
        _ => die("N, OPS, BUDGET_MS or SEED is not a number"),
    }
}

fn main() {
    let arg: Vec<String> = std::env::args().collect();
    let word: Vec<&str> = arg.iter().map(String::as_str).collect();

    match word[1..] {
        ["about"] => about(),
        ["check", _, row] => exit(check::run(row)),
        ["run", _, name, n, embedded, most, budget, seed] => work::run(
            name,
            number(n),
            embedded != "0",
            number(most),
            number(budget) * MS,
            number(seed),
        ),
        _ => {
            eprintln!(
                "usage: {0} about\n\
                 \x20      {0} check VARIANT ROW\n\
                 \x20      {0} run VARIANT WORK N EMBEDDED OPS BUDGET_MS SEED",
                word[0]
            );
            exit(2)
        }
    }
}
