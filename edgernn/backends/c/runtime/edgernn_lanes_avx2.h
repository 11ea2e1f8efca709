/* SPDX-License-Identifier: Apache-2.0 */
/* Eight int32 in a vector of 256 bits: what edgernn_lanes_scalar.h has. */
#ifndef EDGERNN_LANES_AVX2_H
#define EDGERNN_LANES_AVX2_H

#include <immintrin.h>
#include <string.h>

typedef int32_t edgernn_lanes_t __attribute__((vector_size(32)));
#define EDGERNN_LANES 8u

EDGERNN_INLINE edgernn_lanes_t edgernn_load(const int16_t *from, size_t left)
{
    int16_t some[EDGERNN_LANES] = {0};
    if (left < EDGERNN_LANES) {
        memcpy(some, from, left * sizeof *some);
        from = some;
    }
    return (edgernn_lanes_t)_mm256_cvtepi16_epi32(_mm_loadu_si128((const __m128i *)(const void *)from));
}

/* int16 from int32 that are within it. */
EDGERNN_INLINE __m128i edgernn_narrowed(edgernn_lanes_t q)
{
    return _mm_packs_epi32(_mm256_castsi256_si128((__m256i)q), _mm256_extracti128_si256((__m256i)q, 1));
}

EDGERNN_INLINE void edgernn_store(int16_t *to, size_t left, edgernn_lanes_t q)
{
    const __m128i narrow = edgernn_narrowed(q);
    memcpy(to, &narrow, left < EDGERNN_LANES ? left * sizeof *to : sizeof narrow);
}

EDGERNN_INLINE void edgernn_store_s8(int8_t *to, size_t left, edgernn_lanes_t q)
{
    const __m128i words = edgernn_narrowed(q), narrow = _mm_packs_epi16(words, words);
    memcpy(to, &narrow, left < EDGERNN_LANES ? left : EDGERNN_LANES);
}

EDGERNN_INLINE edgernn_lanes_t edgernn_clamp(edgernn_lanes_t q, int32_t low, int32_t high)
{
    const __m256i above = _mm256_max_epi32((__m256i)q, _mm256_set1_epi32(low));
    return (edgernn_lanes_t)_mm256_min_epi32(above, _mm256_set1_epi32(high));
}

EDGERNN_INLINE edgernn_lanes_t edgernn_abs(edgernn_lanes_t q)
{
    return (edgernn_lanes_t)_mm256_abs_epi32((__m256i)q);
}

EDGERNN_INLINE edgernn_lanes_t edgernn_choose(edgernn_lanes_t q, edgernn_lanes_t negative, edgernn_lanes_t other)
{
    const edgernn_lanes_t below = q >> 31;
    return (edgernn_lanes_t)_mm256_blendv_epi8((__m256i)other, (__m256i)negative, (__m256i)below);
}

EDGERNN_INLINE edgernn_lanes_t edgernn_lookup(const uint32_t *table, edgernn_lanes_t index)
{
    return (edgernn_lanes_t)_mm256_i32gather_epi32((const int *)(const void *)table, (__m256i)index, 4);
}

EDGERNN_INLINE edgernn_lanes_t edgernn_interpolate(edgernn_lanes_t entry, edgernn_lanes_t scaled)
{
    const __m256i bits = (__m256i)entry;
    const __m256i value = _mm256_slli_epi32(_mm256_srli_epi32(bits, 16), 8);
    const __m256i slope = _mm256_and_si256(bits, _mm256_set1_epi32(0xFFFF));
    return (edgernn_lanes_t)value + (edgernn_lanes_t)slope * (scaled & 255);
}

#endif
