//! One stream alone, eight blocks at a time.
//!
//! Its rounds wait for one another, but the schedules of blocks to come wait for nothing: eight of them are worked out in eight
//! lanes, and the rounds run in the first lane of 128 bits. Measured on a Xeon of 2.5 GHz (3.1 at work): 450 MB/s where the
//! library's AVX code does 360 and OpenSSL's AVX2 code 405; with words looked up by 16 bytes instead of 4, 340.

use super::{
    eight::{self, Plan},
    four::{add, choose, majority, turn, xor},
    *,
};

/// Blocks whose schedules are made together.
const AHEAD: usize = 8;

type V = __m128i;

/// Moves a state over blocks.
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
pub fn run(state: &mut State, blocks: &[Block]) {
    let mut s = from_fn(|place| word(state[place]));
    let mut plan = Plan::default();
    for group in blocks.chunks(AHEAD) {
        eight::plan(
            &mut plan,
            from_fn(|lane| group.get(lane).unwrap_or(&group[0])),
        );
        for lane in 0..group.len() {
            compress(&mut s, &plan, lane);
        }
    }
    *state = from_fn(|place| _mm_cvtsi128_si32(s[place]).cast_unsigned());
}

/// A step that is one round, with the word of `$lane` in the plan.
macro_rules! planned {
    ($s:ident $words:ident $lane:ident, $i:literal $near:literal $middle:literal $far:literal, $($place:literal)+) => {
        round!($s, word($words[$i][$lane % AHEAD]), $($place)+);
    };
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn compress(state: &mut [V; 8], plan: &Plan, lane: usize) {
    let mut s = *state;
    for words in plan {
        sixteen!(planned, s words lane);
    }
    *state = from_fn(|place| add(state[place], s[place]));
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn word(word: u32) -> V {
    _mm_cvtsi32_si128(word.cast_signed())
}
