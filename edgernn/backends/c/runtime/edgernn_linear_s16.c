/* SPDX-License-Identifier: Apache-2.0 */
/*
 * int16 operands: how they are expanded, but for MVE; and the kernels of processors without vectors, plain C or the DSP
 * extension's pairs of products.
 */
#include "edgernn_scalar.h"

#if !defined(EDGERNN_FAMILY_MVE)

/* Filled up with zeros to whole blocks; where they are whole, they stay. */
const edgernn_operand_s16_t *edgernn_expand_s16(const int16_t *v, size_t columns, edgernn_operand_s16_t *room)
{
    if (columns % EDGERNN_BLOCK == 0u) {
        return v;
    }
    for (size_t k = 0; k < EDGERNN_OPERANDS_S16(columns); ++k) {
        room[k] = k < columns ? v[k] : 0;
    }
    return room;
}

#endif

#if defined(EDGERNN_FAMILY_PORTABLE) || defined(EDGERNN_FAMILY_THUMB) || defined(EDGERNN_FAMILY_DSP)

#if defined(EDGERNN_FAMILY_DSP)
#include <arm_acle.h>
#include <string.h>
#endif

#define BLOCK_BYTES (EDGERNN_BLOCK * EDGERNN_BLOCK)

/* Adds a block to the sums of its rows. */
#if defined(EDGERNN_FAMILY_DSP)
EDGERNN_INLINE void add_block_s16(const uint8_t *w, const int16_t *v, edgernn_sums_t *sums)
{
    uint32_t words[EDGERNN_BLOCK], x[2];
    memcpy(words, w, sizeof words);
    memcpy(x, v, sizeof x);
    const int16x2_t even = (int16x2_t)((x[0] & 0xFFFFu) | x[1] << 16);
    const int16x2_t odd = (int16x2_t)(x[0] >> 16 | (x[1] & 0xFFFF0000u));
#define ADD_ROW_S16(word, sum) __smlad(SXTB16_ROR8(word), odd, __smlad(__sxtb16((int8x4_t)(word)), even, sum))
#define SXTB16_ROR8(word) __sxtb16((int8x4_t)((word) >> 8 | (word) << 24))
    sums->a = ADD_ROW_S16(words[0], sums->a);
    sums->b = ADD_ROW_S16(words[1], sums->b);
    sums->c = ADD_ROW_S16(words[2], sums->c);
    sums->d = ADD_ROW_S16(words[3], sums->d);
}
#else
EDGERNN_INLINE void add_block_s16(const uint8_t *weights, const int16_t *v, edgernn_sums_t *sums)
{
    const int8_t *const w = (const int8_t *)weights;
    const int32_t x0 = v[0], x1 = v[1], x2 = v[2], x3 = v[3];
    sums->a += w[0] * x0 + w[1] * x1 + w[2] * x2 + w[3] * x3;
    sums->b += w[4] * x0 + w[5] * x1 + w[6] * x2 + w[7] * x3;
    sums->c += w[8] * x0 + w[9] * x1 + w[10] * x2 + w[11] * x3;
    sums->d += w[12] * x0 + w[13] * x1 + w[14] * x2 + w[15] * x3;
}
#endif

void edgernn_linear_s16(const edgernn_kernel_t *kernel, size_t row, size_t rows, const edgernn_operand_s16_t *operands,
                        int16_t *out)
{
    const uint8_t *w = edgernn_weights(kernel, row);
    edgernn_rows_t place = edgernn_rows(kernel, row, rows, out);
    edgernn_sums_t sums;
    do {
        sums.a = sums.b = sums.c = sums.d = 0;
        for (size_t k = 0; k < kernel->columns; k += EDGERNN_BLOCK) {
            add_block_s16(w, operands + k, &sums);
            w += BLOCK_BYTES;
        }
    } while (edgernn_results(&place, sums));
}

void edgernn_sparse_s16(const edgernn_sparse_t *sparse, size_t row, size_t rows, const edgernn_operand_s16_t *operands,
                        int16_t *out)
{
    const uint16_t *first = sparse->first + row / EDGERNN_BLOCK;
    const uint8_t *const w = sparse->kernel.weights;
    edgernn_rows_t place = edgernn_rows(&sparse->kernel, row, rows, out);
    edgernn_sums_t sums;
    do {
        sums.a = sums.b = sums.c = sums.d = 0;
        for (size_t i = first[0]; i < first[1]; ++i) {
            add_block_s16(w + BLOCK_BYTES * i, operands + EDGERNN_BLOCK * (size_t)sparse->index[i], &sums);
        }
        ++first;
    } while (edgernn_results(&place, sums));
}

#endif
