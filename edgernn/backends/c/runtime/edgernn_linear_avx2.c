/* SPDX-License-Identifier: Apache-2.0 */
/*
 * x86-64 with AVX2, with AVX-VNNI too where the compiler may use it; and with AVX-512, for int16 operands.
 *
 * A vector of 32 bytes is the weights of two blocks of a band: four rows, twice. Its operands stand there once for each
 * row, so that lane 4 j + r sums row r over every second block from j on; in the end the two are added.
 */
#include "edgernn_product.h"

#if defined(EDGERNN_FAMILY_AVX2) || defined(EDGERNN_FAMILY_AVX512)

#include <string.h>

#define BAND 4u /* rows */
#define BLOCK_BYTES 16u
#define PAIR_ROWS 8u /* of two bands, whose results fill a vector */

/* 16 or 32 bytes at any address. */
EDGERNN_INLINE __m128i load_half(const void *from)
{
    return _mm_loadu_si128((const __m128i *)from);
}

EDGERNN_INLINE __m256i load_vector(const void *from)
{
    return _mm256_loadu_si256((const __m256i *)from);
}

/* The results of the rows from `row` on, from their sums of products. */
EDGERNN_INLINE void finish_rows(const edgernn_kernel_t *kernel, size_t row, size_t rows, __m256i sums, int16_t *out)
{
    const __m256i one = _mm256_set1_epi32(1);
    uint64_t bytes = 0;
    memcpy(&bytes, kernel->shift + row, rows > BAND ? PAIR_ROWS : BAND);
    const __m256i shift = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)&bytes));
    __m256i bias = _mm256_sllv_epi32(one, _mm256_sub_epi32(shift, one));
    if (kernel->bias != NULL && rows > BAND) {
        bias = load_vector(kernel->bias + row);
    } else if (kernel->bias != NULL) {
        bias = _mm256_castsi128_si256(load_half(kernel->bias + row));
    }
    const __m256i results = _mm256_srav_epi32(_mm256_add_epi32(sums, bias), shift);
    const __m128i narrow = _mm_packs_epi32(_mm256_castsi256_si128(results), _mm256_extracti128_si256(results, 1));
    memcpy(out, &narrow, rows < PAIR_ROWS ? rows * sizeof *out : sizeof narrow);
}

/* Of a pair of which `rows` rows are left, or more; copies of a constant size are much faster. */
EDGERNN_INLINE void finish_pair(const edgernn_kernel_t *kernel, size_t row, size_t rows, __m256i sums, int16_t *out)
{
    if (rows >= PAIR_ROWS) {
        finish_rows(kernel, row, PAIR_ROWS, sums, out);
    } else {
        finish_rows(kernel, row, rows, sums, out);
    }
}

/* A band's sums with a block more: each row has two, of its even and its odd pair of columns. */
EDGERNN_INLINE __m256i add_block_s16(__m256i sums, const uint8_t *w, const int16_t *v)
{
    int64_t four;
    memcpy(&four, v, sizeof four);
    const __m256i weights = _mm256_cvtepi8_epi16(load_half(w));
    return _mm256_add_epi32(sums, _mm256_madd_epi16(weights, _mm256_set1_epi64x(four)));
}

/* Four rows of each of two bands. */
EDGERNN_INLINE __m256i folded_s16(__m256i a, __m256i b)
{
    return _mm256_permute4x64_epi64(_mm256_hadd_epi32(a, b), 0xD8);
}

void edgernn_linear_s16(const edgernn_kernel_t *kernel, size_t row, size_t rows, const edgernn_operand_s16_t *v,
                        int16_t *out)
{
    const size_t columns = EDGERNN_ROUND_UP(kernel->columns, EDGERNN_BLOCK), size = BAND * columns;
    for (size_t i = 0; i < rows; i += PAIR_ROWS) {
        const uint8_t *const w = kernel->weights + (row + i) * columns;
        const size_t second = rows - i > BAND ? size : 0u; /* where there is none, the first once more */
        __m256i a = _mm256_setzero_si256(), b = a;
        for (size_t k = 0; k < columns; k += EDGERNN_BLOCK) {
            a = add_block_s16(a, w + BAND * k, v + k);
            b = add_block_s16(b, w + BAND * k + second, v + k);
        }
        finish_pair(kernel, row + i, rows - i, folded_s16(a, b), out + i);
    }
}

void edgernn_sparse_s16(const edgernn_sparse_t *sparse, size_t row, size_t rows, const edgernn_operand_s16_t *v,
                        int16_t *out)
{
    for (size_t i = 0; i < rows; i += PAIR_ROWS) {
        const uint16_t *const first = sparse->first + (row + i) / BAND;
        __m256i sums[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
        for (size_t b = 0; b < 2u && i + BAND * b < rows; ++b) {
            for (size_t k = first[b]; k < first[b + 1u]; ++k) {
                const uint8_t *const w = sparse->kernel.weights + BLOCK_BYTES * k;
                sums[b] = add_block_s16(sums[b], w, v + EDGERNN_BLOCK * sparse->index[k]);
            }
        }
        finish_pair(&sparse->kernel, row + i, rows - i, folded_s16(sums[0], sums[1]), out + i);
    }
}

#endif

#if defined(EDGERNN_FAMILY_AVX2)

#define VECTOR 32u /* bytes */
#define GROUP_VECTORS 4u /* operands that share the weights in registers */

#if defined(__clang__)
#define UNROLL _Pragma("unroll 4")
#else
#define UNROLL _Pragma("GCC unroll 4")
#endif

/* Two halves in a vector; GCC has intrinsics for it from version 10 on only. */
EDGERNN_INLINE __m256i joined(__m128i low, __m128i high)
{
    return _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
}

const edgernn_operand_s8_t *edgernn_expand_s8(const int8_t *v, size_t columns, edgernn_operand_s8_t *room)
{
    const __m256i four_times = _mm256_setr_epi32(0x03020100, 0x03020100, 0x03020100, 0x03020100, 0x07060504, 0x07060504,
                                                 0x07060504, 0x07060504);
    edgernn_operand_s8_t *to = room;
    for (; columns != 0u; columns -= columns < 8u ? columns : 8u) {
        int64_t eight = 0;
        memcpy(&eight, v, columns < sizeof eight ? columns : sizeof eight);
        _mm256_storeu_si256((__m256i *)(void *)to, _mm256_shuffle_epi8(_mm256_set1_epi64x(eight), four_times));
        v += sizeof eight;
        to += VECTOR;
    }
    return room;
}

/* Adds the products of weights and operands. Those of |x| fit: none of both is -128, and 2 * 127**2 < 2**15. */
EDGERNN_INLINE __m256i add_products(__m256i sums, __m256i w, __m256i x)
{
    const __m256i magnitude = _mm256_abs_epi8(x), towards = _mm256_sign_epi8(w, x);
#if defined(__AVXVNNI__)
    return _mm256_dpbusd_avx_epi32(sums, magnitude, towards);
#else
    const __m256i pairs = _mm256_maddubs_epi16(magnitude, towards);
    return _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
#endif
}

/* Four rows of each of two bands, from their sums in two parts. */
EDGERNN_INLINE __m256i folded(__m256i a, __m256i b)
{
    return _mm256_add_epi32(_mm256_permute2x128_si256(a, b, 0x20), _mm256_permute2x128_si256(a, b, 0x31));
}

/*
 * Two bands, of which the results of `rows` rows are wanted, for `vectors` operands, a constant; a second band that is
 * not there is the first once more.
 */
EDGERNN_INLINE void compute_pair(const edgernn_kernel_t *kernel, size_t row, size_t rows, const int8_t *v, size_t step,
                                 size_t vectors, int16_t *out, size_t out_step)
{
    const size_t columns = EDGERNN_ROUND_UP(kernel->columns, EDGERNN_BLOCK), size = BAND * columns;
    const uint8_t *const first = kernel->weights + row * columns, *const second = first + (rows > BAND ? size : 0u);
    __m256i sums[GROUP_VECTORS][2];
    UNROLL
    for (size_t i = 0; i < vectors; ++i) {
        sums[i][0] = sums[i][1] = _mm256_setzero_si256();
    }
    size_t k = 0;
    for (; size - k >= VECTOR; k += VECTOR) {
        const __m256i a = load_vector(first + k);
        const __m256i b = load_vector(second + k);
        UNROLL
        for (size_t i = 0; i < vectors; ++i) {
            const __m256i x = load_vector(v + i * step + k);
            sums[i][0] = add_products(sums[i][0], a, x);
            sums[i][1] = add_products(sums[i][1], b, x);
        }
    }
    if (k < size) {
        const __m256i a = joined(load_half(first + k), _mm_setzero_si128());
        const __m256i b = joined(load_half(second + k), _mm_setzero_si128());
        UNROLL
        for (size_t i = 0; i < vectors; ++i) {
            const __m256i x = load_vector(v + i * step + k);
            sums[i][0] = add_products(sums[i][0], a, x);
            sums[i][1] = add_products(sums[i][1], b, x);
        }
    }
    UNROLL
    for (size_t i = 0; i < vectors; ++i) {
        finish_pair(kernel, row, rows, folded(sums[i][0], sums[i][1]), out + i * out_step);
    }
}

void edgernn_linear_s8(const edgernn_kernel_t *kernel, size_t row, size_t rows, const edgernn_operand_s8_t *v,
                       int16_t *out)
{
    for (size_t i = 0; i < rows; i += PAIR_ROWS) {
        compute_pair(kernel, row + i, rows - i, v, 0, 1, out + i, 0);
    }
}

/* All operands with a pair of bands, whose weights stay in the cache. */
void edgernn_product_s8(const edgernn_kernel_t *kernel, size_t rows, const edgernn_operand_s8_t *v, size_t step,
                        size_t vectors, int16_t *out, size_t out_step)
{
    for (size_t row = 0; row < rows; row += PAIR_ROWS) {
        size_t i = 0;
        for (; vectors - i >= GROUP_VECTORS; i += GROUP_VECTORS) {
            int16_t *const to = out + i * out_step + row;
            compute_pair(kernel, row, rows - row, v + i * step, step, GROUP_VECTORS, to, out_step);
        }
        for (; i < vectors; ++i) {
            compute_pair(kernel, row, rows - row, v + i * step, 0, 1, out + i * out_step + row, 0);
        }
    }
}

/* Sums of a band over its blocks, in two parts. */
EDGERNN_INLINE __m256i add_sparse_band(const uint8_t *w, const int8_t *v, const uint8_t *index, size_t blocks)
{
    __m256i sums = _mm256_setzero_si256();
    size_t i = 0;
    for (; i + 2u <= blocks; i += 2u) {
        const __m256i x = joined(load_half(v + BLOCK_BYTES * index[i]),
                                 load_half(v + BLOCK_BYTES * index[i + 1u]));
        sums = add_products(sums, load_vector(w + BLOCK_BYTES * i), x);
    }
    if (i < blocks) {
        const __m256i x = joined(load_half(v + BLOCK_BYTES * index[i]), _mm_setzero_si128());
        const __m256i last = joined(load_half(w + BLOCK_BYTES * i), _mm_setzero_si128());
        sums = add_products(sums, last, x);
    }
    return sums;
}

void edgernn_sparse_s8(const edgernn_sparse_t *sparse, size_t row, size_t rows, const edgernn_operand_s8_t *v,
                       int16_t *out)
{
    for (size_t i = 0; i < rows; i += PAIR_ROWS) {
        const uint16_t *const first = sparse->first + (row + i) / BAND;
        __m256i sums[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
        for (size_t b = 0; b < 2u && i + BAND * b < rows; ++b) {
            const uint8_t *const w = sparse->kernel.weights + BLOCK_BYTES * first[b];
            sums[b] = add_sparse_band(w, v, sparse->index + first[b], (size_t)first[b + 1u] - first[b]);
        }
        finish_pair(&sparse->kernel, row + i, rows - i, folded(sums[0], sums[1]), out + i);
    }
}

#endif
