/* SPDX-License-Identifier: Apache-2.0 */
/*
 * x86-64 with AVX-512 and VNNI: vpdpbusd adds four products of unsigned weights with signed operands to each int32.
 *
 * A vector of 64 bytes is the weights of four blocks of a band: four rows, four times. Operands stand there once for
 * each row, so that lane 4 j + r sums row r over every fourth block from j on; in the end the four are added. Weights
 * are 128 too large: every sum starts from -128 times that of its operands, which is in front of them.
 *
 * edgernn_linear_avx2.c has the kernels for int16 operands.
 */
#include "edgernn_product.h"

#if defined(EDGERNN_FAMILY_AVX512)

#define BAND 4u /* rows */
#define BLOCK_BYTES 16u
#define VECTOR 64u       /* bytes */
#define GROUP_BANDS 4u   /* whose results fill a vector */
#define GROUP 16u        /* rows of them */
#define GROUP_VECTORS 4u /* operands that share the weights in registers */
#define MOST_BANDS 8u    /* of two groups, that share an operand in a register */

#if defined(__clang__)
/* Without the number Clang unrolls by two, and leaves sums in memory. */
#define UNROLL _Pragma("unroll 8")
#else
#define UNROLL _Pragma("GCC unroll 8")
#endif

const edgernn_operand_s8_t *edgernn_expand_s8(const int8_t *v, size_t columns, edgernn_operand_s8_t *room)
{
    const __m512i four_times = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
    const __m512i offset = _mm512_set1_epi8(-128);
    __m512i sum = _mm512_setzero_si512();
    edgernn_operand_s8_t *to = room + VECTOR;
    for (; columns != 0u; columns -= columns < BLOCK_BYTES ? columns : BLOCK_BYTES) {
        const __mmask16 there = (__mmask16)(columns < BLOCK_BYTES ? (1u << columns) - 1u : 0xFFFFu);
        const __m128i some = _mm_maskz_loadu_epi8(there, v);
        const __m512i x = _mm512_permutexvar_epi32(four_times, _mm512_castsi128_si512(some));
        sum = _mm512_dpbusd_epi32(sum, offset, x);
        _mm512_storeu_si512(to, x);
        v += BLOCK_BYTES;
        to += VECTOR;
    }
    _mm512_storeu_si512(room, _mm512_sub_epi32(_mm512_setzero_si512(), sum));
    return room;
}

/* Four rows of each of four bands, from their sums in four parts. */
EDGERNN_INLINE __m512i folded(const __m512i sums[GROUP_BANDS])
{
    const __m512i ab = _mm512_add_epi32(_mm512_shuffle_i32x4(sums[0], sums[1], 0x44),
                                        _mm512_shuffle_i32x4(sums[0], sums[1], 0xEE));
    const __m512i cd = _mm512_add_epi32(_mm512_shuffle_i32x4(sums[2], sums[3], 0x44),
                                        _mm512_shuffle_i32x4(sums[2], sums[3], 0xEE));
    return _mm512_add_epi32(_mm512_shuffle_i32x4(ab, cd, 0x88), _mm512_shuffle_i32x4(ab, cd, 0xDD));
}

/* The results of the rows from `row` on, at most 16, from their sums of products. */
EDGERNN_INLINE void finish(const edgernn_kernel_t *kernel, size_t row, size_t rows, __m512i sums, int16_t *out)
{
    const __mmask16 there = edgernn_first_lanes(EDGERNN_ROUND_UP(rows, BAND));
    const __m512i shift = _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(there, kernel->shift + row));
    const __m512i one = _mm512_set1_epi32(1);
    const __m512i bias = kernel->bias != NULL ? _mm512_maskz_loadu_epi32(there, kernel->bias + row)
                                              : _mm512_sllv_epi32(one, _mm512_sub_epi32(shift, one));
    const __m512i results = _mm512_srav_epi32(_mm512_add_epi32(sums, bias), shift);
    _mm256_mask_storeu_epi16(out, edgernn_first_lanes(rows), _mm512_cvtsepi32_epi16(results));
}

/* Adds four products to each sum. GCC 12 copies the sums of its intrinsic to other registers and back. */
EDGERNN_INLINE void add_products(__m512i *sums, __m512i w, __m512i x)
{
    __asm__("vpdpbusd {%[x], %[w], %[sums]|%[sums], %[w], %[x]}" : [sums] "+v"(*sums) : [w] "v"(w), [x] "v"(x));
}

/*
 * sums[i][b]: of band b and of the operands i * step elements behind v, over the `size` bytes of a band; behind the
 * last whole vector operands are zero. `bands` and `vectors` are constants.
 */
EDGERNN_INLINE void add_bands(const uint8_t *w, size_t size, size_t bands, const int8_t *v, size_t step, size_t vectors,
                              __m512i sums[][MOST_BANDS])
{
    UNROLL
    for (size_t i = 0; i < vectors; ++i) {
        const __m512i start = _mm512_loadu_si512(v + i * step);
        UNROLL
        for (size_t b = 0; b < EDGERNN_ROUND_UP(bands, GROUP_BANDS); ++b) {
            sums[i][b] = b < bands ? start : _mm512_setzero_si512();
        }
    }
    for (size_t k = 0; k < size; k += VECTOR) {
        __m512i weights[MOST_BANDS];
        UNROLL
        for (size_t b = 0; b < bands; ++b) {
            weights[b] = _mm512_loadu_si512(w + b * size);
        }
        w += VECTOR;
        UNROLL
        for (size_t i = 0; i < vectors; ++i) {
            const __m512i x = _mm512_loadu_si512(v + i * step + VECTOR + k);
            UNROLL
            for (size_t b = 0; b < bands; ++b) {
                add_products(&sums[i][b], weights[b], x);
            }
        }
    }
}

/* `bands` bands of which the results of `rows` rows are wanted, for `vectors` operands: constants both. */
EDGERNN_INLINE void compute(const edgernn_kernel_t *kernel, size_t row, size_t rows, size_t bands, const int8_t *v,
                            size_t step, size_t vectors, int16_t *out, size_t out_step)
{
    const size_t columns = EDGERNN_ROUND_UP(kernel->columns, EDGERNN_BLOCK);
    __m512i sums[GROUP_VECTORS][MOST_BANDS];
    add_bands(kernel->weights + row * columns, BAND * columns, bands, v, step, vectors, sums);
    UNROLL
    for (size_t i = 0; i < vectors; ++i) {
        UNROLL
        for (size_t b = 0; b < bands; b += GROUP_BANDS) {
            const size_t first = BAND * b;
            finish(kernel, row + first, rows - first, folded(sums[i] + b), out + i * out_step + first);
        }
    }
}

/* The same for any number of bands of a group. */
EDGERNN_INLINE void compute_group(const edgernn_kernel_t *kernel, size_t row, size_t rows, const int8_t *v, size_t step,
                                  size_t vectors, int16_t *out, size_t out_step)
{
    switch ((rows + BAND - 1u) / BAND) {
    case 1u:
        compute(kernel, row, rows, 1u, v, step, vectors, out, out_step);
        break;
    case 2u:
        compute(kernel, row, rows, 2u, v, step, vectors, out, out_step);
        break;
    case 3u:
        compute(kernel, row, rows, 3u, v, step, vectors, out, out_step);
        break;
    default:
        compute(kernel, row, rows, GROUP_BANDS, v, step, vectors, out, out_step);
    }
}

void edgernn_linear_s8(const edgernn_kernel_t *kernel, size_t row, size_t rows, const edgernn_operand_s8_t *v,
                       int16_t *out)
{
    const edgernn_kernel_t constants = *kernel; /* Stores to `out` can't change these, and compilers know. */
    size_t i = 0;
    for (; rows - i >= 2u * GROUP; i += 2u * GROUP) {
        compute(&constants, row + i, 2u * GROUP, MOST_BANDS, v, 0, 1, out + i, 0);
    }
    for (; i < rows; i += GROUP) {
        compute_group(&constants, row + i, rows - i < GROUP ? rows - i : GROUP, v, 0, 1, out + i, 0);
    }
}

/* All operands with a group of rows, whose weights stay in the cache. */
void edgernn_product_s8(const edgernn_kernel_t *kernel, size_t rows, const edgernn_operand_s8_t *v, size_t step,
                        size_t vectors, int16_t *out, size_t out_step)
{
    for (size_t row = 0; row < rows; row += GROUP) {
        const size_t some = rows - row < GROUP ? rows - row : GROUP;
        size_t i = 0;
        for (; vectors - i >= GROUP_VECTORS; i += GROUP_VECTORS) {
            compute_group(kernel, row, some, v + i * step, step, GROUP_VECTORS, out + i * out_step + row, out_step);
        }
        for (; i < vectors; ++i) {
            compute_group(kernel, row, some, v + i * step, 0, 1, out + i * out_step + row, 0);
        }
    }
}

/*
 * Sums of a band over its blocks, in four parts, and 128 times the sums of their operands taken away. The weights
 * behind the last block meet operands of zero.
 */
EDGERNN_INLINE __m512i add_sparse_band(const uint8_t *w, const int8_t *v, const uint8_t *index, size_t blocks)
{
    const __m512i offset = _mm512_set1_epi8(-128);
    __m512i sum = _mm512_setzero_si512(), too_much = sum;
    for (size_t i = 0; i < blocks; i += GROUP_BANDS) {
        const size_t left = blocks - i;
        __m128i x[GROUP_BANDS];
        UNROLL
        for (size_t j = 0; j < GROUP_BANDS; ++j) {
            x[j] = j < left ? _mm_loadu_si128((const __m128i *)(const void *)(v + BLOCK_BYTES * index[i + j]))
                            : _mm_setzero_si128();
        }
        const __m256i low = _mm256_inserti128_si256(_mm256_castsi128_si256(x[0]), x[1], 1);
        const __m256i high = _mm256_inserti128_si256(_mm256_castsi128_si256(x[2]), x[3], 1);
        const __m512i operands = _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
        sum = _mm512_dpbusd_epi32(sum, _mm512_loadu_si512(w + BLOCK_BYTES * i), operands);
        too_much = _mm512_dpbusd_epi32(too_much, offset, operands);
    }
    return _mm512_sub_epi32(sum, too_much);
}

void edgernn_sparse_s8(const edgernn_sparse_t *sparse, size_t row, size_t rows, const edgernn_operand_s8_t *v,
                       int16_t *out)
{
    const edgernn_sparse_t constants = *sparse;
    for (size_t i = 0; i < rows; i += GROUP) {
        const uint16_t *const first = constants.first + (row + i) / BAND;
        __m512i sums[GROUP_BANDS];
        UNROLL
        for (size_t b = 0; b < GROUP_BANDS; ++b) {
            sums[b] = _mm512_setzero_si512();
            if (i + BAND * b < rows) {
                const uint8_t *const w = constants.kernel.weights + BLOCK_BYTES * first[b];
                sums[b] = add_sparse_band(w, v + VECTOR, constants.index + first[b], (size_t)first[b + 1u] - first[b]);
            }
        }
        finish(&constants.kernel, row + i, rows - i < GROUP ? rows - i : GROUP, folded(sums), out + i);
    }
}

#endif
