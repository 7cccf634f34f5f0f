// SPDX-License-Identifier: MIT
//
// random.rs - the random numbers of tools/common/random.h.

pub const SEED: u64 = 0x9e37_79b9_7f4a_7c15;

#[derive(Clone, Copy, Default)]
pub struct Pick {
    pub index: u32,
    pub coin: u32,
}

impl Pick {
    #[inline(always)]
    pub fn make(state: &mut u64, n: u32) -> Pick {
        let mut x = *state;

        x ^= x >> 12;
        x ^= x << 25;
        x ^= x >> 27;
        *state = x;
        x = x.wrapping_mul(0x2545_f491_4f6c_dd1d);
        Pick {
            index: (((x >> 32) * u64::from(n)) >> 32) as u32,
            coin: (x >> 4) as u32,
        }
    }

    /// Uniform in [`lo`, `hi`).
    #[inline(always)]
    pub fn span(self, lo: u64, hi: u64) -> u64 {
        lo + ((u64::from(self.coin) * ((hi - lo) >> 12)) >> 20)
    }
}
