/* SPDX-License-Identifier: Apache-2.0 */
/* What the scalar kernels share: from the sums of products of four rows to the results. */
#ifndef EDGERNN_SCALAR_H
#define EDGERNN_SCALAR_H

#include "edgernn.h"

#if defined(EDGERNN_FAMILY_DSP)
#include <string.h>
#endif

#if defined(EDGERNN_LANES_SCALAR_H)

typedef struct {
    int32_t a, b, c, d;
} edgernn_sums_t;

/* Where the next four rows find their biases and shifts, and where their results go; `left`: rows to compute. */
typedef struct {
    const int32_t *bias;
    const uint8_t *shift;
    int16_t *out;
    size_t left;
} edgernn_rows_t;

/* Of the rows from `row` on. */
EDGERNN_INLINE const int32_t *edgernn_bias(const edgernn_kernel_t *kernel, size_t row)
{
    return kernel->bias != NULL ? kernel->bias + row : NULL;
}

EDGERNN_INLINE edgernn_rows_t edgernn_rows(const edgernn_kernel_t *kernel, size_t row, size_t rows, int16_t *out)
{
    edgernn_rows_t place;
    place.bias = edgernn_bias(kernel, row);
    place.shift = kernel->shift + row;
    place.out = out;
    place.left = rows;
    return place;
}

/* Weights of the rows from `row` on. */
EDGERNN_INLINE const uint8_t *edgernn_weights(const edgernn_kernel_t *kernel, size_t row)
{
    return kernel->weights + row * EDGERNN_ROUND_UP(kernel->columns, EDGERNN_BLOCK);
}

/* Where portable and thumb begin the sums of words of a row of so many blocks: minus 2**15 for every word. */
#define EDGERNN_WORDS_START(blocks) (0u - ((uint32_t)(blocks) << 16))
/* And c of their words, from the sum of two operands. */
#define EDGERNN_WORD_OFFSET(sum) ((uint32_t)(0x8000 - 0x800080 * (sum)))

/* Half a unit of the result, where there is no bias that has it. */
EDGERNN_INLINE int32_t edgernn_half(int shift)
{
    return (int32_t)((uint32_t)1 << (shift - 1));
}

/* Pairs in one store each, where the processor takes words at any address: compilers make more of it than it takes. */
EDGERNN_INLINE void edgernn_store_four(int16_t *out, int32_t a, int32_t b, int32_t c, int32_t d)
{
#if defined(EDGERNN_FAMILY_DSP)
    const uint32_t pairs[2] = {((uint32_t)a & 0xFFFFu) | (uint32_t)b << 16,
                               ((uint32_t)c & 0xFFFFu) | (uint32_t)d << 16};
    memcpy(out, pairs, sizeof pairs[0]);
    memcpy(out + 2, pairs + 1, sizeof pairs[1]);
#else
    out[0] = (int16_t)a;
    out[1] = (int16_t)b;
    out[2] = (int16_t)c;
    out[3] = (int16_t)d;
#endif
}

/* Stores the results of the next rows, at most four; whether more rows are left. */
EDGERNN_INLINE int edgernn_results(edgernn_rows_t *place, edgernn_sums_t sums)
{
    const uint8_t *const shift = place->shift;
    int16_t *const out = place->out;
    if (place->bias != NULL) {
        sums.a += place->bias[0];
        sums.b += place->bias[1];
        sums.c += place->bias[2];
        sums.d += place->bias[3];
        place->bias += EDGERNN_BLOCK;
    } else {
        sums.a += edgernn_half(shift[0]);
        sums.b += edgernn_half(shift[1]);
        sums.c += edgernn_half(shift[2]);
        sums.d += edgernn_half(shift[3]);
    }
    sums.a = edgernn_clamp(sums.a >> shift[0], INT16_MIN, INT16_MAX);
    sums.b = edgernn_clamp(sums.b >> shift[1], INT16_MIN, INT16_MAX);
    sums.c = edgernn_clamp(sums.c >> shift[2], INT16_MIN, INT16_MAX);
    sums.d = edgernn_clamp(sums.d >> shift[3], INT16_MIN, INT16_MAX);
    if (place->left < EDGERNN_BLOCK) {
        out[0] = (int16_t)sums.a;
        if (place->left > 1u) {
            out[1] = (int16_t)sums.b;
        }
        if (place->left > 2u) {
            out[2] = (int16_t)sums.c;
        }
        return 0;
    }
    edgernn_store_four(out, sums.a, sums.b, sums.c, sums.d);
    place->shift += EDGERNN_BLOCK;
    place->out += EDGERNN_BLOCK;
    place->left -= EDGERNN_BLOCK;
    return place->left != 0u;
}

#endif

#endif
