//! Eight lanes, 256 bits.

use super::*;

width!(
    __m256i,
    8,
    i32,
    _mm256_add_epi32,
    _mm256_set1_epi32,
    _mm256_ror_epi32,
    _mm256_srli_epi32,
    _mm256_ternarylogic_epi32,
    _mm256_shuffle_epi8,
    _mm256_unpacklo_epi32,
    _mm256_unpackhi_epi32,
    _mm256_unpacklo_epi64,
    _mm256_unpackhi_epi64
);

/// The schedules of eight blocks, constants added: four times sixteen words, each of every block.
pub type Plan = [[[u32; LANES]; 16]; 4];

/// A step that notes a word of the schedule, and puts the one that is due sixteen later in its place.
macro_rules! note {
    ($rows:ident $w:ident $k:ident, $i:literal $near:literal $middle:literal $far:literal, $($place:literal)+) => {
        $rows[$i] = store(add($w[$i], splat($k[$i])));
        $w[$i] = next($w[$i], $w[$near], $w[$middle], $w[$far]);
    };
}

operations! {
    /// Works the schedules of eight blocks out.
    fn plan(plan: &mut Plan, blocks: [&Block; LANES]) -> () {
        let mut w = schedule(blocks);
        for (rows, k) in plan.iter_mut().zip(&K) {
            sixteen!(note, rows w k);
        }
    }

    /// Two lanes, four apart: what is transposed within each 128 bits comes out in order.
    fn row_of(blocks: &[&Block; LANES], row: usize, quarter: usize) -> V {
        let first = _mm256_castsi128_si256(quarter_of(blocks[row], quarter));
        _mm256_inserti128_si256::<1>(first, quarter_of(blocks[row + 4], quarter))
    }
}
