//! SHA-256 by whole blocks, of one stream or of several at once.
//!
//! A processor with SHA instructions hashes one stream at a time faster than lanes could. One without them hashes sixteen
//! streams in AVX-512 lanes in little more time than two alone, and one alone a quarter faster than the library.
//! [`Lanes::detect`] tells which it is; `vector` is the arithmetic.

use super::Sha256;
#[cfg(target_arch = "x86_64")]
use super::vector::Avx512;

/// The eight words between two blocks.
pub type State = [u32; 8];

/// The length of a block, in bytes.
pub const BLOCK: usize = 64;

/// What one compression takes.
pub type Block = [u8; BLOCK];

/// What a stream begins with (FIPS 180-4, 5.3.3).
const START: State = [
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
];

/// A stream between two of its blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    state: State,
    /// Blocks behind it.
    blocks: u64,
}

impl Default for Stream {
    fn default() -> Self {
        Self {
            state: START,
            blocks: 0,
        }
    }
}

impl Stream {
    /// Adds blocks, alone: the library's own speed, SHA instructions included.
    pub fn add(&mut self, blocks: &[Block]) {
        if blocks.is_empty() {
            // The library's loop looks for its end after a block, never before the first.
            return;
        }
        // SAFETY: the state is eight words, the blocks are one at least and lie one after the other in memory.
        unsafe {
            aws_lc_sys::SHA256_TransformBlocks(
                self.state.as_mut_ptr(),
                blocks.as_ptr().cast(),
                blocks.len(),
            );
        }
        self.blocks += blocks.len() as u64;
    }

    /// The digest of all that was added, and of `rest` after it.
    pub fn finish(mut self, rest: &[u8]) -> Sha256 {
        let (blocks, end) = rest.as_chunks();
        self.add(blocks);
        let bits = (self.blocks * BLOCK as u64 + end.len() as u64) * 8;
        self.add(padded(end, bits).as_chunks().0);
        let mut digest = [0; 32];
        for (out, word) in digest.as_chunks_mut().0.iter_mut().zip(self.state) {
            *out = word.to_be_bytes();
        }
        digest
    }
}

/// The end of a message: its last bytes, less than a block, a one, zeros, and its length in bits.
fn padded(end: &[u8], bits: u64) -> Vec<u8> {
    let mut bytes = end.to_vec();
    bytes.push(0x80);
    bytes.resize((end.len() + 9).next_multiple_of(BLOCK) - 8, 0);
    bytes.extend_from_slice(&bits.to_be_bytes());
    bytes
}

/// How many streams this processor hashes together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lanes {
    /// One after the other.
    One,
    /// Up to sixteen.
    #[cfg(target_arch = "x86_64")]
    Sixteen(Avx512),
}

/// A stream, and the blocks that come next in it.
pub type Lane<'a> = (&'a mut Stream, &'a [Block]);

impl Lanes {
    /// The way that is fastest here. A build without optimisation stays with the library: intrinsics that are not
    /// inlined are slower.
    pub fn detect() -> Self {
        if cfg!(debug_assertions) {
            return Self::One;
        }
        Self::of_processor()
    }

    /// The way that is fastest here once optimised.
    #[cfg(target_arch = "x86_64")]
    pub fn of_processor() -> Self {
        match Avx512::detect() {
            Some(lanes) if !is_x86_feature_detected!("sha") => Self::Sixteen(lanes),
            _ => Self::One,
        }
    }

    /// The way that is fastest here once optimised.
    #[cfg(not(target_arch = "x86_64"))]
    pub fn of_processor() -> Self {
        Self::One
    }

    /// The widest way of this processor, be it the fastest or not: tests go all ways that they can.
    #[cfg(test)]
    pub fn widest() -> Self {
        #[cfg(target_arch = "x86_64")]
        if let Some(lanes) = Avx512::detect() {
            return Self::Sixteen(lanes);
        }
        Self::One
    }

    /// How many streams [`Lanes::add`] takes together.
    pub fn most(self) -> usize {
        match self {
            Self::One => 1,
            #[cfg(target_arch = "x86_64")]
            Self::Sixteen(_) => 16,
        }
    }

    /// Adds its blocks to each stream. All have as many blocks as the first.
    pub fn add(self, lanes: &mut [Lane<'_>]) {
        match (self, lanes.len()) {
            #[cfg(target_arch = "x86_64")]
            (Self::Sixteen(vector), 1) => together(lanes, |[s], [b]| vector.one(s, b)),
            #[cfg(target_arch = "x86_64")]
            (Self::Sixteen(vector), 2..=4) => together(lanes, |s, b| vector.four(s, b)),
            #[cfg(target_arch = "x86_64")]
            (Self::Sixteen(vector), 5..=8) => together(lanes, |s, b| vector.eight(s, b)),
            #[cfg(target_arch = "x86_64")]
            (Self::Sixteen(vector), 9..=16) => together(lanes, |s, b| vector.sixteen(s, b)),
            _ => lanes
                .iter_mut()
                .for_each(|(stream, blocks)| stream.add(blocks)),
        }
    }
}

/// Runs up to `WIDTH` lanes; those that are empty repeat the first, and what they find is forgotten.
#[cfg(target_arch = "x86_64")]
fn together<const WIDTH: usize>(
    lanes: &mut [Lane<'_>],
    run: impl FnOnce(&mut [State; WIDTH], &[&[Block]; WIDTH]),
) {
    let of = |lane: usize| lanes.get(lane).unwrap_or(&lanes[0]);
    let mut states = std::array::from_fn(|lane| of(lane).0.state);
    let blocks = std::array::from_fn(|lane| of(lane).1);
    run(&mut states, &blocks);
    for ((stream, blocks), state) in lanes.iter_mut().zip(states) {
        stream.state = state;
        stream.blocks += blocks.len() as u64;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kernel::digest::{hex, sha256};

    #[test]
    fn published_messages_have_their_published_digests() {
        let of = |message: &[u8]| hex(&Stream::default().finish(message));
        let long = vec![b'a'; 1_000_000];
        assert!(of(b"").starts_with("e3b0c44298fc1c149afbf4c8996fb924"));
        assert!(of(b"abc").starts_with("ba7816bf8f01cfea414140de5dae2223"));
        assert!(of(&long).starts_with("cdc76e5c9914fb9281a1c7e284d73e67"));
    }

    proptest! {
        #[test]
        fn a_stream_is_hashed_as_the_library_does_however_it_is_cut(
            text in prop::collection::vec(any::<u8>(), 0..1000),
            cuts in prop::collection::vec(0..8_usize, 0..4),
        ) {
            let (mut stream, mut rest) = (Stream::default(), &text[..]);
            for cut in cuts {
                let (front, back) = rest.split_at((cut * BLOCK).min(rest.len() / BLOCK * BLOCK));
                stream.add(front.as_chunks().0);
                rest = back;
            }
            prop_assert_eq!(stream.finish(rest), sha256(&text));
        }

        #[test]
        fn streams_in_lanes_are_hashed_as_each_would_be_alone(
            count in 1..=17_usize,
            blocks in 0..20_usize,
            rounds in 1..3_usize,
            seed in any::<u64>(),
        ) {
            let texts: Vec<_> = (0..count).map(|lane| text(seed ^ lane as u64, rounds * blocks * BLOCK)).collect();
            let mut streams = vec![Stream::default(); count];
            for round in 0..rounds {
                let part = |text: &'_ [u8]| text[round * blocks * BLOCK..][..blocks * BLOCK].to_vec();
                let parts: Vec<_> = texts.iter().map(|text| part(text)).collect();
                let mut lanes: Vec<Lane<'_>> = streams.iter_mut().zip(&parts)
                    .map(|(stream, part)| (stream, part.as_chunks().0))
                    .collect();
                Lanes::widest().add(&mut lanes);
            }
            for (stream, text) in streams.into_iter().zip(&texts) {
                prop_assert_eq!(stream.finish(b"end"), sha256(&[&text[..], b"end"].concat()));
            }
        }
    }

    /// Bytes that differ from seed to seed.
    fn text(seed: u64, length: usize) -> Vec<u8> {
        (0..length as u64)
            .map(|at| {
                (seed ^ at)
                    .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                    .to_be_bytes()[0]
            })
            .collect()
    }
}
