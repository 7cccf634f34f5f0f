// SPDX-License-Identifier: MIT
//
// timer.rs - a timer of tokio: a Sleep, in place, as in a connection's future.
//
//   start  there is none: a new one, polled once, as a Sleep enters the wheel
//          when it is first polled. It has fired: reset() and a poll, as the
//          waker has been used up.
//   push   reset(). The waker stays.
//   stop   drop: there is no other way.
//   fire   the runtime calls the waker, which writes down whose it is; after
//          the driver's turn those are polled, as tasks would be. A waker
//          that was called too early or too late is no fire: only Ready is.
//
// A task's waker would also have to be scheduled: that is not in it, nor the
// clock read of an Instant::now().
use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};
use std::time::Duration;
use tokio::time::{sleep_until, Instant, Sleep};

thread_local! {
    static WOKEN: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) };
}

fn wake(index: *const ()) {
    WOKEN.with_borrow_mut(|woken| woken.push(index as usize as u32));
}

static VTABLE: RawWakerVTable =
    RawWakerVTable::new(|index| RawWaker::new(index, &VTABLE), wake, wake, |_| ());

/// The waker of timer `i`: no more than its number.
#[inline(always)]
fn waker(i: u32) -> Waker {
    // SAFETY: nothing is owned, so nothing can be misused.
    unsafe { Waker::from_raw(RawWaker::new(i as usize as *const (), &VTABLE)) }
}

/// All who were woken since, into `list`, which is empty.
pub fn take_woken(list: &mut Vec<u32>) {
    WOKEN.with_borrow_mut(|woken| std::mem::swap(woken, list));
}

#[derive(Default)]
pub struct Timer {
    sleep: Option<Sleep>,
    armed: bool, // a Sleep is Ready as often as it is asked
}

#[inline(always)]
fn instant(zero: Instant, when: u64) -> Instant {
    zero + Duration::from_nanos(when)
}

impl Timer {
    #[inline(always)]
    fn sleep(self: Pin<&mut Self>) -> Pin<&mut Option<Sleep>> {
        // SAFETY: pinned as the whole is; `armed` is not.
        unsafe { self.map_unchecked_mut(|t| &mut t.sleep) }
    }

    #[inline(always)]
    fn arm(self: Pin<&mut Self>, armed: bool) {
        // SAFETY: nothing is moved.
        unsafe { self.get_unchecked_mut().armed = armed };
    }

    #[inline(always)]
    pub fn start(mut self: Pin<&mut Self>, i: u32, zero: Instant, when: u64) {
        let at = instant(zero, when);
        self.as_mut().arm(true);
        let mut sleep = self.sleep();

        match sleep.as_mut().as_pin_mut() {
            Some(fired) => fired.reset(at),
            None => sleep.set(Some(sleep_until(at))),
        }
        if let Some(new) = sleep.as_pin_mut() {
            let waker = waker(i);

            if new.poll(&mut Context::from_waker(&waker)).is_ready() {
                waker.wake(); // of the past
            }
        }
    }

    #[inline(always)]
    pub fn push(self: Pin<&mut Self>, zero: Instant, when: u64) {
        if let Some(armed) = self.sleep().as_pin_mut() {
            armed.reset(instant(zero, when));
        }
    }

    #[inline(always)]
    pub fn stop(mut self: Pin<&mut Self>) {
        self.as_mut().arm(false);
        self.sleep().set(None);
    }

    /// Its waker was called: has it fired, and not been asked before?
    pub fn ready(mut self: Pin<&mut Self>, i: u32) -> bool {
        let waker = waker(i);
        let mut context = Context::from_waker(&waker);

        if !self.armed {
            return false;
        }
        let fired = match self.as_mut().sleep().as_pin_mut() {
            Some(sleep) => sleep.poll(&mut context) == Poll::Ready(()),
            None => false,
        };
        self.arm(!fired);
        fired
    }
}
