/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The primitives of edgernn's integer specification, version 1: docs/arithmetic.md of edgernn.
 *
 * Every value is an integer q that stands for the real number q * 2**-frac. All results saturate to int16, none wraps.
 * C99 without malloc, floating point, recursion or global variables. Shifts and scales are constants where a model
 * calls these functions, so that a primitive comes down to a few instructions. `split` has none: it is an offset.
 *
 * What the processor does best is in one file for each family (edgernn_family.h); the formulas are here, once.
 */
#ifndef EDGERNN_H
#define EDGERNN_H

#include <stddef.h>
#include <stdint.h>

#include "edgernn_family.h"

#ifdef __cplusplus
extern "C" {
#endif

#define EDGERNN_SPEC_VERSION 1
/* Of edgernn_kernel_t: a model made for another layout does not compile with this runtime. */
#define EDGERNN_LAYOUT_VERSION 2

/* The largest magnitude of a matrix operand. */
#define EDGERNN_INT8_LIMIT 127
#define EDGERNN_INT16_LIMIT 16383

/* Right shifts of negative numbers have to be arithmetic, which C leaves to the compiler: an array of size -1 else. */
typedef char edgernn_shifts_are_arithmetic[((-5) >> 1) == -3 ? 1 : -1];
/* So are conversions, which have to keep the low bits. */
typedef char edgernn_conversions_keep_low_bits[(int16_t)INT32_C(40000) == INT32_C(-25536) ? 1 : -1];

/* Of weights and expanded operands, in bytes; and the bytes behind weights that the family's kernels may read. */
#ifndef EDGERNN_ALIGNMENT
#define EDGERNN_ALIGNMENT 8
#endif
#ifndef EDGERNN_SLACK
#define EDGERNN_SLACK 0
#endif

/* Rows and columns of a block of weights. */
#define EDGERNN_BLOCK 4

/*
 * Constants of a linear: W v + b with a rounding right shift for every row.
 * weights: blocks of four rows and four columns, written row by row: EDGERNN_W_BLOCK(...) for int8 operands,
 * EDGERNN_W_S16_BLOCK(...) for int16 ones; the blocks of the first four rows from left to right, then those of the next
 * four. Zeros fill the last blocks up; every part of a `split` begins a block.
 * bias: one a row plus half a unit of the result, 2**(shift - 1); NULL when all biases are zero. shift: one a row,
 * 1..30. Both are filled up to whole blocks.
 */
typedef struct {
    const uint8_t *weights;
    const int32_t *bias;
    const uint8_t *shift;
    size_t columns;
} edgernn_kernel_t;

/*
 * The same without blocks of zeros: the blocks of rows 4 i to 4 i + 3 are those from first[i] up to first[i + 1], and
 * block j stands at the columns from 4 index[j] on.
 */
typedef struct {
    edgernn_kernel_t kernel;
    const uint16_t *first;
    const uint8_t *index;
} edgernn_sparse_t;

/*
 * Operands v [columns] in the form that the family's linear reads, once for all matrices that share them. They are
 * written to `room`, of EDGERNN_OPERANDS_S8(columns) or EDGERNN_OPERANDS_S16(columns) elements, or stay where they are:
 * the result is where.
 */
const edgernn_operand_s8_t *edgernn_expand_s8(const int8_t *v, size_t columns, edgernn_operand_s8_t *room);
const edgernn_operand_s16_t *edgernn_expand_s16(const int16_t *v, size_t columns, edgernn_operand_s16_t *room);

/*
 * out[i] = sat16((W v + b + 2**(m-1)) >> m) for the rows `row` to `row + rows - 1`: rounded half up.
 * v: expanded operands. row: a multiple of 4; rows: any number, where it is no multiple of 4 the last rows of a part.
 * No accumulator of a legal model passes 2**30, so that int32 holds every sum. For s8, no sum of products W v reaches
 * 2**23 for any v: a matrix that can is one of int16 operands.
 */
void edgernn_linear_s8(const edgernn_kernel_t *kernel, size_t row, size_t rows, const edgernn_operand_s8_t *v,
                       int16_t *out);
void edgernn_linear_s16(const edgernn_kernel_t *kernel, size_t row, size_t rows, const edgernn_operand_s16_t *v,
                        int16_t *out);
void edgernn_sparse_s8(const edgernn_sparse_t *sparse, size_t row, size_t rows, const edgernn_operand_s8_t *v,
                       int16_t *out);
void edgernn_sparse_s16(const edgernn_sparse_t *sparse, size_t row, size_t rows, const edgernn_operand_s16_t *v,
                        int16_t *out);

/*
 * For i in 0..255, the i-th of 256 steps of sigmoid on 0..10.67: (65536 * sigmoid(i / 24) + 1) * 2**16, and how much
 * the next step is higher. edgernn_sigmoid_table.c is made from the specification.
 */
extern const uint32_t edgernn_sigmoid_table[256];

#if defined(__clang__)
/* Clang takes a number beside a vector for one that changes its sign. */
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wsign-conversion"
#endif

/*
 * Elementwise primitives, for as many elements at once as edgernn_lanes_t holds: an int32, or a vector of int32 whose
 * operators are C's. Arguments and results are within int16.
 */

/* The nearest int16: q itself, or the end on the side of its sign. */
EDGERNN_INLINE edgernn_lanes_t edgernn_saturate(edgernn_lanes_t q)
{
    return edgernn_clamp(q, INT16_MIN, INT16_MAX);
}

/* q / 2**shift, rounded half away from zero; an exact product for shift <= 0. */
EDGERNN_INLINE edgernn_lanes_t edgernn_round_shift(edgernn_lanes_t q, int shift)
{
    if (shift <= 0) {
        return q * ((int32_t)1 << -shift);
    }
    return EDGERNN_HALF_UP(q + (q >> 31), shift);
}

/* q / 2**shift for shift >= 1, rounded twice: half up to one bit, then half away from zero. */
EDGERNN_INLINE edgernn_lanes_t edgernn_halve_twice(edgernn_lanes_t q, int shift)
{
    return edgernn_round_shift(EDGERNN_HALF_UP(q, 1), shift - 1);
}

EDGERNN_INLINE edgernn_lanes_t edgernn_align(edgernn_lanes_t a, int a_frac, int b_frac)
{
    return b_frac > a_frac ? a * ((int32_t)1 << (b_frac - a_frac)) : a;
}

/* a + b at `frac` fractional bits: one rounding, half away from zero. */
EDGERNN_INLINE edgernn_lanes_t edgernn_add(edgernn_lanes_t a, edgernn_lanes_t b, int a_frac, int b_frac, int frac)
{
    const edgernn_lanes_t sum = edgernn_align(a, a_frac, b_frac) + edgernn_align(b, b_frac, a_frac);
    return edgernn_saturate(edgernn_round_shift(sum, (a_frac > b_frac ? a_frac : b_frac) - frac));
}

/* a - b at `frac` fractional bits: one rounding, half away from zero. */
EDGERNN_INLINE edgernn_lanes_t edgernn_sub(edgernn_lanes_t a, edgernn_lanes_t b, int a_frac, int b_frac, int frac)
{
    const edgernn_lanes_t difference = edgernn_align(a, a_frac, b_frac) - edgernn_align(b, b_frac, a_frac);
    return edgernn_saturate(edgernn_round_shift(difference, (a_frac > b_frac ? a_frac : b_frac) - frac));
}

/* a * b / 2**shift, 2 <= shift <= 30: rounded twice. */
EDGERNN_INLINE edgernn_lanes_t edgernn_mul(edgernn_lanes_t a, edgernn_lanes_t b, int shift)
{
    return edgernn_saturate(edgernn_round_shift(EDGERNN_PRODUCT_HALF_UP(a, b, 0, 1), shift - 1));
}

/*
 * edgernn_mul where gate >= 0, which is cheaper: the product then has the sign of b (one of 0 or -1 is rounded to 0
 * with either sign), so that the two roundings are one.
 */
EDGERNN_INLINE edgernn_lanes_t edgernn_mul_gate(edgernn_lanes_t gate, edgernn_lanes_t b, int shift)
{
    const edgernn_lanes_t q = EDGERNN_PRODUCT_HALF_UP(gate, b, (b >> 31) + (b >> 31) + 1, shift);
    return shift < 15 ? edgernn_saturate(q) : q;
}

/* a / 2**shift: rounded twice for shift > 0, an exact product for shift <= 0. */
EDGERNN_INLINE edgernn_lanes_t edgernn_requantize(edgernn_lanes_t a, int shift)
{
    return edgernn_saturate(shift > 0 ? edgernn_halve_twice(a, shift) : edgernn_round_shift(a, shift));
}

/* edgernn_requantize, then clipped to +-limit: what a linear multiplies. */
EDGERNN_INLINE edgernn_lanes_t edgernn_operand(edgernn_lanes_t a, int shift, int16_t limit)
{
    const edgernn_lanes_t q = shift > 0 ? edgernn_halve_twice(a, shift) : edgernn_round_shift(a, shift);
    return edgernn_clamp(q, -limit, limit);
}

/* max(a, 0). */
EDGERNN_INLINE edgernn_lanes_t edgernn_relu(edgernn_lanes_t a)
{
    return edgernn_clamp(a, 0, INT16_MAX);
}

/*
 * 11 fractional bits in, 15 out. Linear interpolation in steps of 2**9 units of 2**-12 / 3, with 9 guard bits; constant
 * beyond the table. The table's +1 is the rounding, and makes sigmoid(-a) = 1 - sigmoid(a) exact.
 */
EDGERNN_INLINE edgernn_lanes_t edgernn_sigmoid(edgernn_lanes_t a)
{
    const edgernn_lanes_t scaled = 3 * edgernn_abs(a);
    const edgernn_lanes_t entry = edgernn_lookup(edgernn_sigmoid_table, edgernn_clamp(scaled >> 8, 0, 255));
    const edgernn_lanes_t value = edgernn_interpolate(entry, scaled) >> 9;
    return edgernn_choose(a, 32768 - value, value);
}

/* 13 fractional bits in, 15 out: 2 sigmoid(2 a) - 1 from the same table, 2**8 units of 2**-12 / 3 a step. */
EDGERNN_INLINE edgernn_lanes_t edgernn_tanh(edgernn_lanes_t a)
{
    const edgernn_lanes_t scaled = edgernn_abs(EDGERNN_HALF_UP(3 * a, 1));
    const edgernn_lanes_t entry = edgernn_lookup(edgernn_sigmoid_table, scaled >> 8);
    const edgernn_lanes_t value = (edgernn_interpolate(entry, scaled) - (1 << 7) - ((int32_t)1 << 23)) >> 8;
    return (value ^ (a >> 31)) - (a >> 31);
}

#if defined(__clang__)
#pragma clang diagnostic pop
#endif

#ifdef __cplusplus
}
#endif

#endif
