/* SPDX-License-Identifier: Apache-2.0 */
/* Sixteen int32 in a vector of 512 bits: what edgernn_lanes_scalar.h has. */
#ifndef EDGERNN_LANES_AVX512_H
#define EDGERNN_LANES_AVX512_H

#include <immintrin.h>

typedef int32_t edgernn_lanes_t __attribute__((vector_size(64)));
#define EDGERNN_LANES 16u

EDGERNN_INLINE __mmask16 edgernn_first_lanes(size_t left)
{
    return (__mmask16)(left < EDGERNN_LANES ? (1u << left) - 1u : 0xFFFFu);
}

EDGERNN_INLINE edgernn_lanes_t edgernn_load(const int16_t *from, size_t left)
{
    return (edgernn_lanes_t)_mm512_cvtepi16_epi32(_mm256_maskz_loadu_epi16(edgernn_first_lanes(left), from));
}

EDGERNN_INLINE void edgernn_store(int16_t *to, size_t left, edgernn_lanes_t q)
{
    _mm256_mask_storeu_epi16(to, edgernn_first_lanes(left), _mm512_cvtepi32_epi16((__m512i)q));
}

EDGERNN_INLINE void edgernn_store_s8(int8_t *to, size_t left, edgernn_lanes_t q)
{
    _mm_mask_storeu_epi8(to, edgernn_first_lanes(left), _mm512_cvtepi32_epi8((__m512i)q));
}

EDGERNN_INLINE edgernn_lanes_t edgernn_clamp(edgernn_lanes_t q, int32_t low, int32_t high)
{
    const __m512i above = _mm512_max_epi32((__m512i)q, _mm512_set1_epi32(low));
    return (edgernn_lanes_t)_mm512_min_epi32(above, _mm512_set1_epi32(high));
}

EDGERNN_INLINE edgernn_lanes_t edgernn_abs(edgernn_lanes_t q)
{
    return (edgernn_lanes_t)_mm512_abs_epi32((__m512i)q);
}

EDGERNN_INLINE edgernn_lanes_t edgernn_choose(edgernn_lanes_t q, edgernn_lanes_t negative, edgernn_lanes_t other)
{
    const __mmask16 below = _mm512_cmplt_epi32_mask((__m512i)q, _mm512_setzero_si512());
    return (edgernn_lanes_t)_mm512_mask_mov_epi32((__m512i)other, below, (__m512i)negative);
}

/* Entries of a table of 32, of 64, ... by the low bits of their numbers: a table of 16 registers, and no gather. */
EDGERNN_INLINE __m512i edgernn_of_32(const uint32_t *table, __m512i index)
{
    return _mm512_permutex2var_epi32(_mm512_loadu_si512(table), index, _mm512_loadu_si512(table + 16));
}

EDGERNN_INLINE __m512i edgernn_of_64(const uint32_t *table, __m512i index)
{
    const __mmask16 upper = _mm512_test_epi32_mask(index, _mm512_set1_epi32(32));
    return _mm512_mask_mov_epi32(edgernn_of_32(table, index), upper, edgernn_of_32(table + 32, index));
}

EDGERNN_INLINE __m512i edgernn_of_128(const uint32_t *table, __m512i index)
{
    const __mmask16 upper = _mm512_test_epi32_mask(index, _mm512_set1_epi32(64));
    return _mm512_mask_mov_epi32(edgernn_of_64(table, index), upper, edgernn_of_64(table + 64, index));
}

EDGERNN_INLINE edgernn_lanes_t edgernn_lookup(const uint32_t *table, edgernn_lanes_t index)
{
    const __mmask16 upper = _mm512_test_epi32_mask((__m512i)index, _mm512_set1_epi32(128));
    const __m512i low = edgernn_of_128(table, (__m512i)index), high = edgernn_of_128(table + 128, (__m512i)index);
    return (edgernn_lanes_t)_mm512_mask_mov_epi32(low, upper, high);
}

EDGERNN_INLINE edgernn_lanes_t edgernn_interpolate(edgernn_lanes_t entry, edgernn_lanes_t scaled)
{
    const __m512i bits = (__m512i)entry;
    const __m512i value = _mm512_slli_epi32(_mm512_srli_epi32(bits, 16), 8);
    const __m512i slope = _mm512_and_si512(bits, _mm512_set1_epi32(0xFFFF));
    return (edgernn_lanes_t)value + (edgernn_lanes_t)slope * (scaled & 255);
}

#endif
