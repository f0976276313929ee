//! Sixteen lanes, 512 bits.

use super::*;

width!(
    __m512i,
    16,
    u32,
    _mm512_add_epi32,
    _mm512_set1_epi32,
    _mm512_ror_epi32,
    _mm512_srli_epi32,
    _mm512_ternarylogic_epi32,
    _mm512_shuffle_epi8,
    _mm512_unpacklo_epi32,
    _mm512_unpackhi_epi32,
    _mm512_unpacklo_epi64,
    _mm512_unpackhi_epi64
);

operations! {
    /// Four lanes, each four after the other: see `eight`.
    fn row_of(blocks: &[&Block; LANES], row: usize, quarter: usize) -> V {
        let row_after = |after: usize| quarter_of(blocks[row + after], quarter);
        let first = _mm512_castsi128_si512(row_after(0));
        let second = _mm512_inserti32x4::<1>(first, row_after(4));
        let third = _mm512_inserti32x4::<2>(second, row_after(8));
        _mm512_inserti32x4::<3>(third, row_after(12))
    }
}
