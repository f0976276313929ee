//! Four lanes, 128 bits.

use super::*;

width!(
    __m128i,
    4,
    i32,
    _mm_add_epi32,
    _mm_set1_epi32,
    _mm_ror_epi32,
    _mm_srli_epi32,
    _mm_ternarylogic_epi32,
    _mm_shuffle_epi8,
    _mm_unpacklo_epi32,
    _mm_unpackhi_epi32,
    _mm_unpacklo_epi64,
    _mm_unpackhi_epi64
);

operations! {
    fn row_of(blocks: &[&Block; LANES], row: usize, quarter: usize) -> V {
        quarter_of(blocks[row], quarter)
    }
}
