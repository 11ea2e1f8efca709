/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inner product of a GRU of 256 units on 64 inputs, by the kernels of this machine's family: for one vector at a
 * time, as a stream needs it, and for VECTORS at once, as a window or a batch does. Rounds over the same memory; how
 * operands are expanded and results rounded is a part of it.
 */
#include "edgernn_product.h"

#define INPUTS 64
#define UNITS 256
#define ROWS (3 * UNITS)
#define VECTORS 16

static EDGERNN_ALIGNED uint8_t input_weights[ROWS * INPUTS + EDGERNN_SLACK];
static EDGERNN_ALIGNED uint8_t recurrent_weights[ROWS * UNITS + EDGERNN_SLACK];
static int32_t bias[ROWS];
static uint8_t shift[ROWS];
static EDGERNN_ALIGNED int8_t operands[VECTORS * UNITS];
static EDGERNN_ALIGNED edgernn_operand_s8_t room[VECTORS * EDGERNN_OPERANDS_S8(UNITS)];
static EDGERNN_ALIGNED int16_t results[VECTORS * ROWS];

static const edgernn_kernel_t kernels[] = {
    {input_weights, bias, shift, INPUTS},
    {recurrent_weights, bias, shift, UNITS},
};

const char family[] = EDGERNN_FAMILY;
const int64_t vectors = VECTORS;
const int64_t weights_size = ROWS * (INPUTS + UNITS);

static void fill(uint8_t *bytes, size_t size)
{
    uint32_t state = 1;
    for (size_t i = 0; i < size; ++i) {
        state = state * 1664525u + 1013904223u;
        bytes[i] = (uint8_t)(1u + (state >> 24) % 255u);
    }
}

void prepare(void)
{
    fill(input_weights, sizeof input_weights);
    fill(recurrent_weights, sizeof recurrent_weights);
    for (size_t i = 0; i < sizeof operands; ++i) {
        operands[i] = (int8_t)(37 * i % 255u - 127);
    }
    for (size_t i = 0; i < ROWS; ++i) {
        shift[i] = 9;
    }
}

/* One vector after the other; the number of products. */
int64_t stream(int64_t rounds)
{
    for (int64_t i = 0; i < rounds; ++i) {
        for (size_t k = 0; k < sizeof kernels / sizeof *kernels; ++k) {
            const edgernn_operand_s8_t *const v = edgernn_expand_s8(operands, kernels[k].columns, room);
            edgernn_linear_s8(&kernels[k], 0, ROWS, v, results);
        }
    }
    return rounds * weights_size;
}

/* VECTORS at once. */
int64_t window(int64_t rounds)
{
    for (int64_t i = 0; i < rounds; ++i) {
        for (size_t k = 0; k < sizeof kernels / sizeof *kernels; ++k) {
            const size_t columns = kernels[k].columns, step = EDGERNN_OPERANDS_S8(UNITS);
            for (size_t n = 0; n < VECTORS; ++n) {
                const edgernn_operand_s8_t *const v = edgernn_expand_s8(operands + n * UNITS, columns, room + n * step);
#if !defined(EDGERNN_HAS_PRODUCT)
                edgernn_linear_s8(&kernels[k], 0, ROWS, v, results + n * ROWS);
#else
                (void)v;
#endif
            }
#if defined(EDGERNN_HAS_PRODUCT)
            edgernn_product_s8(&kernels[k], ROWS, room, step, VECTORS, results, ROWS);
#endif
        }
    }
    return rounds * weights_size * VECTORS;
}

typedef uint32_t words_t __attribute__((vector_size(64)));

static words_t read_all(const uint8_t *from, size_t size, words_t sum)
{
    const words_t *const words = (const words_t *)(const void *)from;
    words_t other = sum, third = sum, fourth = sum;
    for (size_t i = 0; i < size / sizeof sum; i += 4u) {
        sum ^= words[i];
        other ^= words[i + 1u];
        third ^= words[i + 2u];
        fourth ^= words[i + 3u];
    }
    return sum ^ other ^ third ^ fourth;
}

/* Reads all weights, and does nothing else; the number of bytes. */
int64_t read_weights(int64_t rounds)
{
    words_t sum = {0};
    for (int64_t i = 0; i < rounds; ++i) {
        sum += read_all(input_weights, ROWS * INPUTS, sum);
        sum += read_all(recurrent_weights, ROWS * UNITS, sum);
    }
    results[0] = (int16_t)sum[0];
    return rounds * weights_size;
}
