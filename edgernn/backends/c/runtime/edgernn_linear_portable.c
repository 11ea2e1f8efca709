/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plain C: every processor without a family of its own.
 *
 * For int8 operands, two products with each 32-bit multiplication, whose halves are two rows. A word of weights is
 * W = (a0, a1, b0, b1) from its low byte on: columns 0 and 1 of the rows a and b, with 128 added. With
 * O = (W >> 8) & 0x00FF00FF, the odd columns, operands x0 and x1, and c = 2**15 - 128 (1 + 2**16) (x0 + x1),
 *
 *     W x0 + O (x1 - 256 x0) + c = (a0 x0 + a1 x1 + 2**15) + 2**16 (b0 x0 + b1 x1)
 *
 * modulo 2**32, where c has made up for the 128. Two products and 2**15 are within 0..2**16 - 1, so that a shift by 16
 * gives exactly those of row b. Row b is the sum of these, and row a the sum of the whole words modulo 2**32 without
 * 2**16 times row b, and without 2**15 for every word.
 */
#include "edgernn_scalar.h"

#if defined(EDGERNN_FAMILY_PORTABLE)

#define BLOCK_BYTES (EDGERNN_BLOCK * EDGERNN_BLOCK)
#define BLOCK_OPERANDS 6u

/* Before the operands, minus 2**15 for every word of a row; for two columns x0, x1 - 256 x0 and c. */
const edgernn_operand_s8_t *edgernn_expand_s8(const int8_t *v, size_t columns, edgernn_operand_s8_t *room)
{
    edgernn_operand_s8_t *to = room;
    *to++ = EDGERNN_WORDS_START(EDGERNN_ROUND_UP(columns, EDGERNN_BLOCK) / EDGERNN_BLOCK);
    for (size_t k = 0; k < EDGERNN_ROUND_UP(columns, EDGERNN_BLOCK); k += 2u) {
        const int32_t even = k < columns ? v[k] : 0, odd = k + 1u < columns ? v[k + 1u] : 0;
        *to++ = (uint32_t)even;
        *to++ = (uint32_t)(odd - 256 * even);
        *to++ = EDGERNN_WORD_OFFSET(even + odd);
    }
    return room;
}

/* Sums for two rows: of words, and of their high halves. */
typedef struct {
    uint32_t words;
    int32_t high;
} pair_t;

EDGERNN_INLINE uint32_t word_at(const uint8_t *w)
{
#if EDGERNN_IS_LITTLE_ENDIAN
    uint32_t word;
    __builtin_memcpy(&word, __builtin_assume_aligned(w, sizeof word), sizeof word);
    return word;
#else
    return w[0] | (uint32_t)w[1] << 8 | (uint32_t)w[2] << 16 | (uint32_t)w[3] << 24;
#endif
}

EDGERNN_INLINE pair_t with_word(pair_t sums, uint32_t w, uint32_t even, uint32_t odd, uint32_t c)
{
    const uint32_t products = w * even + ((w >> 8) & 0x00FF00FFu) * odd + c;
    sums.words += products;
    sums.high += (int32_t)products >> 16;
    return sums;
}

/* Adds a block to the sums of the first two rows and to those of the last two. */
#define ADD_BLOCK(first, last, w, v)                                   \
    do {                                                               \
        first = with_word(first, word_at(w), v[0], v[1], v[2]);        \
        last = with_word(last, word_at(w + 4), v[0], v[1], v[2]);      \
        first = with_word(first, word_at(w + 8), v[3], v[4], v[5]);    \
        last = with_word(last, word_at(w + 12), v[3], v[4], v[5]);     \
    } while (0)

EDGERNN_INLINE edgernn_sums_t sums_of(pair_t first, pair_t last)
{
    const edgernn_sums_t sums = {(int32_t)(first.words - ((uint32_t)first.high << 16)), first.high,
                                 (int32_t)(last.words - ((uint32_t)last.high << 16)), last.high};
    return sums;
}

void edgernn_linear_s8(const edgernn_kernel_t *kernel, size_t row, size_t rows, const edgernn_operand_s8_t *operands,
                       int16_t *out)
{
    const uint32_t *const end = operands + EDGERNN_OPERANDS_S8(kernel->columns);
    const uint8_t *w = edgernn_weights(kernel, row);
    edgernn_rows_t place = edgernn_rows(kernel, row, rows, out);
    pair_t first, last;
    do {
        const uint32_t *v = operands + 1;
        first.words = last.words = *operands;
        first.high = last.high = 0;
        do {
            ADD_BLOCK(first, last, w, v);
            w += BLOCK_BYTES;
            v += BLOCK_OPERANDS;
        } while (v != end);
    } while (edgernn_results(&place, sums_of(first, last)));
}

void edgernn_sparse_s8(const edgernn_sparse_t *sparse, size_t row, size_t rows, const edgernn_operand_s8_t *operands,
                       int16_t *out)
{
    const uint16_t *band = sparse->first + row / EDGERNN_BLOCK;
    const uint8_t *w = sparse->kernel.weights + BLOCK_BYTES * *band;
    edgernn_rows_t place = edgernn_rows(&sparse->kernel, row, rows, out);
    pair_t first, last;
    do {
        const uint8_t *index = sparse->index + band[0];
        const uint8_t *const end = sparse->index + band[1];
        first.words = last.words = EDGERNN_WORDS_START(end - index);
        first.high = last.high = 0;
        for (; index != end; ++index) {
            const uint32_t *const v = operands + 1 + BLOCK_OPERANDS * *index;
            ADD_BLOCK(first, last, w, v);
            w += BLOCK_BYTES;
        }
        ++band;
    } while (edgernn_results(&place, sums_of(first, last)));
}

#endif
