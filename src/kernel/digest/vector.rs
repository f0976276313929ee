//! SHA-256 of several streams in one pass: each lane of a vector register holds a word of another stream.
//!
//! The compression of FIPS 180-4 is a chain of 32-bit operations that no stream can shorten, but a register of 512 bits
//! does 16 streams' operations as fast as one's. Here is nothing but the compression, in three widths and for a stream that is
//! `alone`, and all `unsafe` of hashing: [`super::blocks`] chooses the width.
//!
//! The sixteen words of the schedule and the eight of the state stay in registers, of which there are 32: rounds are written
//! out by sixteen, without one lookup by a variable. In MB/s of all streams together on a Xeon of 2.5 GHz: 1,290 in four
//! lanes, 2,460 in eight, 3,090 in sixteen; loops over arrays did 840, 1,640 and 2,640. Written out all four times, the rounds
//! would not fit where the processor keeps what it has decoded.
//!
//! # What makes it sound
//! - `run` needs AVX-512 F, BW and VL: it is called through [`Avx512`], which nobody has whose processor lacks them.
//! - Registers are loaded from arrays and stored to arrays of their very size (`transmute` checks it), and from 16 bytes
//!   of a slice whose length is checked.
//!
//! # How to add one
//! A `width!` with the names of that width's intrinsics, a `row_of` that gathers 16 bytes of each lane, and its place in
//! [`super::blocks`]; the tests there compare each width with the library.

use std::{arch::x86_64::*, array::from_fn, mem::transmute};

use super::blocks::{Block, State};

/// The proof that this processor has what the lanes need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Avx512(());

impl Avx512 {
    /// Asks the processor.
    pub fn detect() -> Option<Self> {
        let there = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl");
        there.then_some(Self(()))
    }

    /// Moves one state over its blocks.
    pub fn one(self, state: &mut State, blocks: &[Block]) {
        // SAFETY: whoever has an `Avx512` has the features.
        unsafe { alone::run(state, blocks) }
    }

    /// Moves four states over their blocks, of which all have as many as the first.
    pub fn four(self, states: &mut [State; 4], blocks: &[&[Block]; 4]) {
        // SAFETY: as above.
        unsafe { four::run(states, blocks) }
    }

    /// The same with eight.
    pub fn eight(self, states: &mut [State; 8], blocks: &[&[Block]; 8]) {
        // SAFETY: as above.
        unsafe { eight::run(states, blocks) }
    }

    /// The same with sixteen.
    pub fn sixteen(self, states: &mut [State; 16], blocks: &[&[Block]; 16]) {
        // SAFETY: as above.
        unsafe { sixteen::run(states, blocks) }
    }
}

/// The constants of the rounds (FIPS 180-4, 4.2.2).
const K: [[u32; 16]; 4] = [
    [
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
        0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
        0x9bdc06a7, 0xc19bf174,
    ],
    [
        0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc,
        0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
        0x06ca6351, 0x14292967,
    ],
    [
        0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e,
        0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624,
        0xf40e3585, 0x106aa070,
    ],
    [
        0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
        0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb,
        0xbef9a3f7, 0xc67178f2,
    ],
];

/// The order that turns the bytes of 32-bit words round, in as many words as a width has.
const fn turned<const BYTES: usize>() -> [u8; BYTES] {
    let mut order = [0; BYTES];
    let mut at = 0;
    while at < BYTES {
        // Within each 16 bytes, as the shuffle counts them.
        order[at] = ((at & 12) | (3 - (at & 3))) as u8;
        at += 1;
    }
    order
}

/// Sixteen bytes of a block.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn quarter_of(block: &Block, quarter: usize) -> __m128i {
    let bytes = &block[16 * quarter..][..16];
    // SAFETY: 16 bytes are there, and this load asks for no alignment.
    unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
}

/// Sixteen steps on `$on`, each with its place in the schedule, three places of words that the next one there is made of, and
/// the places of the eight words of a state. Written out: what is looked up by a variable lives in memory, not in registers.
macro_rules! sixteen {
    ($step:ident, $on:ident $w:ident $k:ident) => {
        $step!($on $w $k, 0 1 9 14, 0 1 2 3 4 5 6 7);
        $step!($on $w $k, 1 2 10 15, 7 0 1 2 3 4 5 6);
        $step!($on $w $k, 2 3 11 0, 6 7 0 1 2 3 4 5);
        $step!($on $w $k, 3 4 12 1, 5 6 7 0 1 2 3 4);
        $step!($on $w $k, 4 5 13 2, 4 5 6 7 0 1 2 3);
        $step!($on $w $k, 5 6 14 3, 3 4 5 6 7 0 1 2);
        $step!($on $w $k, 6 7 15 4, 2 3 4 5 6 7 0 1);
        $step!($on $w $k, 7 8 0 5, 1 2 3 4 5 6 7 0);
        $step!($on $w $k, 8 9 1 6, 0 1 2 3 4 5 6 7);
        $step!($on $w $k, 9 10 2 7, 7 0 1 2 3 4 5 6);
        $step!($on $w $k, 10 11 3 8, 6 7 0 1 2 3 4 5);
        $step!($on $w $k, 11 12 4 9, 5 6 7 0 1 2 3 4);
        $step!($on $w $k, 12 13 5 10, 4 5 6 7 0 1 2 3);
        $step!($on $w $k, 13 14 6 11, 3 4 5 6 7 0 1 2);
        $step!($on $w $k, 14 15 7 12, 2 3 4 5 6 7 0 1);
        $step!($on $w $k, 15 0 8 13, 1 2 3 4 5 6 7 0);
    };
}

/// One round on the eight words of `$s`, named by their places; `$word` is the round's word plus its constant.
macro_rules! round {
    ($s:ident, $word:expr, $a:literal $b:literal $c:literal $d:literal $e:literal $f:literal $g:literal $h:literal) => {
        let sum = xor(turn::<6>($s[$e]), turn::<11>($s[$e]), turn::<25>($s[$e]));
        let known = add(add($s[$h], $word), choose($s[$e], $s[$f], $s[$g]));
        let first = add(known, sum);
        let sum = xor(turn::<2>($s[$a]), turn::<13>($s[$a]), turn::<22>($s[$a]));
        $s[$d] = add($s[$d], first);
        $s[$h] = add(first, add(sum, majority($s[$a], $s[$b], $s[$c])));
    };
}

/// A step that is one round.
macro_rules! plain {
    ($s:ident $w:ident $k:ident, $i:literal $near:literal $middle:literal $far:literal, $($place:literal)+) => {
        round!($s, add($w[$i], splat($k[$i])), $($place)+);
    };
}

/// The same; the word that is due sixteen rounds later takes the place of the one that was used.
macro_rules! going_on {
    ($s:ident $w:ident $k:ident, $i:literal $near:literal $middle:literal $far:literal, $($place:literal)+) => {
        round!($s, add($w[$i], splat($k[$i])), $($place)+);
        $w[$i] = next($w[$i], $w[$near], $w[$middle], $w[$far]);
    };
}

/// Small functions of one width, each with the features that its intrinsics need.
macro_rules! operations {
    ($($(#[$note:meta])* fn $name:ident $(<const $by:ident: $kind:ty>)? ($($arg:ident: $type:ty),*) -> $out:ty $body:block)+) => {
        $($(#[$note])*
        #[inline]
        #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
        pub(super) fn $name $(<const $by: $kind>)? ($($arg: $type),*) -> $out $body)+
    };
}

/// The compression in one width.
macro_rules! width {
    (
        $vector:ty, $lanes:literal, $places:ty, $add:ident, $splat:ident, $turn:ident, $shift:ident, $ternary:ident,
        $shuffle:ident, $low:ident, $high:ident, $low_pair:ident, $high_pair:ident
    ) => {
        const LANES: usize = $lanes;

        type V = $vector;

        /// Moves each lane's state over its blocks, of which all lanes have as many as the first.
        #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
        pub fn run(states: &mut [State; LANES], blocks: &[&[Block]; LANES]) {
            let mut state = from_fn(|word| load(from_fn(|lane| states[lane][word])));
            for place in 0..blocks[0].len() {
                compress(&mut state, from_fn(|lane| &blocks[lane][place]));
            }
            for (word, vector) in state.into_iter().enumerate() {
                for (state, value) in states.iter_mut().zip(store(vector)) {
                    state[word] = value;
                }
            }
        }

        operations! {
            fn compress(state: &mut [V; 8], blocks: [&Block; LANES]) -> () {
                let mut w = schedule(blocks);
                let (mut s, [first @ .., last]) = (*state, &K);
                for k in first {
                    sixteen!(going_on, s w k);
                }
                sixteen!(plain, s w last);
                *state = from_fn(|word| add(state[word], s[word]));
            }

            /// The word of the schedule that comes sixteen after `w`.
            fn next(w: V, near: V, middle: V, far: V) -> V {
                let near = xor(turn::<7>(near), turn::<18>(near), shift::<3>(near));
                let far = xor(turn::<17>(far), turn::<19>(far), shift::<10>(far));
                add(add(w, near), add(middle, far))
            }

            /// What the schedule begins with: the words of each lane's block.
            fn schedule(blocks: [&Block; LANES]) -> [V; 16] {
                let mut w = [splat(0); 16];
                for quarter in 0..4 {
                    w[4 * quarter..][..4].copy_from_slice(&words(&blocks, quarter));
                }
                w
            }

            /// Four words of each lane's block, as four vectors of one word each.
            fn words(blocks: &[&Block; LANES], quarter: usize) -> [V; 4] {
                let [a, b, c, d] = from_fn(|row| reverse(row_of(blocks, row, quarter)));
                let ([ab, cd], [ab_high, cd_high]) = ([low(a, b), low(c, d)], [high(a, b), high(c, d)]);
                [low_pair(ab, cd), high_pair(ab, cd), low_pair(ab_high, cd_high), high_pair(ab_high, cd_high)]
            }

            fn reverse(a: V) -> V {
                const ORDER: [u8; 4 * LANES] = turned();
                // SAFETY: both are as many plain bytes.
                $shuffle(a, unsafe { transmute::<[u8; 4 * LANES], V>(ORDER) })
            }

            fn load(words: [u32; LANES]) -> V {
                // SAFETY: both are as many plain bytes.
                unsafe { transmute::<[u32; LANES], V>(words) }
            }

            fn store(a: V) -> [u32; LANES] {
                // SAFETY: both are as many plain bytes.
                unsafe { transmute::<V, [u32; LANES]>(a) }
            }

            fn splat(word: u32) -> V { $splat(word.cast_signed()) }
            fn add(a: V, b: V) -> V { $add(a, b) }
            fn turn<const BY: i32>(a: V) -> V { $turn::<BY>(a) }
            fn shift<const BY: $places>(a: V) -> V { $shift::<BY>(a) }
            fn xor(a: V, b: V, c: V) -> V { $ternary::<0x96>(a, b, c) }
            fn choose(a: V, b: V, c: V) -> V { $ternary::<0xca>(a, b, c) }
            fn majority(a: V, b: V, c: V) -> V { $ternary::<0xe8>(a, b, c) }
            fn low(a: V, b: V) -> V { $low(a, b) }
            fn high(a: V, b: V) -> V { $high(a, b) }
            fn low_pair(a: V, b: V) -> V { $low_pair(a, b) }
            fn high_pair(a: V, b: V) -> V { $high_pair(a, b) }
        }
    };
}

mod alone;
mod eight;
mod four;
mod sixteen;
