/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The primitives of edgernn's integer specification, version 1: docs/arithmetic.md of https://pypi.org/project/edgernn.
 *
 * Every value is an integer q that stands for the real number q * 2**-frac. All results saturate to int16, none wraps.
 * C99 without malloc, floating point, recursion or global variables. Shifts and scales are constants where a model calls
 * these functions, so that a primitive comes down to a few instructions. `split` has no function: it is an offset.
 */
#ifndef EDGERNN_H
#define EDGERNN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define EDGERNN_SPEC_VERSION 1
/* Of edgernn_kernel_t: a model made for another layout does not compile with this runtime. */
#define EDGERNN_LAYOUT_VERSION 1

/* The largest magnitude of a matrix operand. */
#define EDGERNN_INT8_LIMIT 127
#define EDGERNN_INT16_LIMIT 16383

#if defined(__GNUC__)
#define EDGERNN_INLINE static inline __attribute__((always_inline))
#define EDGERNN_ALIGNED __attribute__((aligned(8)))
#else
#define EDGERNN_INLINE static inline
#define EDGERNN_ALIGNED
#endif

/* Right shifts of negative numbers have to be arithmetic, which C leaves to the compiler: an array of size -1 if not. */
typedef char edgernn_shifts_are_arithmetic[((-5) >> 1) == -3 ? 1 : -1];
/* So are conversions, which have to keep the low bits. */
typedef char edgernn_conversions_keep_low_bits[(int16_t)INT32_C(40000) == INT32_C(-25536) ? 1 : -1];

/*
 * Constants of a linear: W v + b with a rounding right shift for every row.
 * weights: four rows at a time, interleaved: their first columns, their second columns, ...; up to three rows that are
 * left over follow one after the other. Every part of a `split` is laid out on its own.
 * bias: one a row, or NULL when all are zero; shift: one a row, 1..30.
 */
typedef struct {
    const int8_t *weights;
    const int32_t *bias;
    const uint8_t *shift;
    size_t columns;
} edgernn_kernel_t;

/* Rows that one block of `edgernn_kernel_t.weights` interleaves. */
#define EDGERNN_ROWS 4

/*
 * out[i] = sat16((W v + b + 2**(m-1)) >> m) for the rows `row` to `row + rows - 1`: rounded half up.
 * v: operands, `columns` of them, int8 ones widened; row, rows: within a part, a multiple of EDGERNN_ROWS after its first
 * row, and a multiple of EDGERNN_ROWS unless they end the part.
 * No accumulator of a legal model passes 2**30, so that int32 holds every sum.
 */
void edgernn_linear(const edgernn_kernel_t *kernel, size_t row, size_t rows, const int16_t *v, int16_t *out);

/* sigmoid: 11 fractional bits in, 15 out. tanh: 13 in, 15 out. Interpolated in a table of 256 entries. */
int16_t edgernn_sigmoid(int16_t a);
int16_t edgernn_tanh(int16_t a);

/* 65536 * sigmoid(i / 24): edgernn_sigmoid_table.c is made from the specification. */
extern const uint16_t edgernn_sigmoid_table[256];

/* The nearest int16: q itself, or the end on the side of its sign. */
EDGERNN_INLINE int16_t edgernn_saturate(int32_t q)
{
    return (int16_t)(q == (int16_t)q ? q : q < 0 ? INT16_MIN : INT16_MAX);
}

/* q / 2**shift, rounded half away from zero; an exact product for shift <= 0. */
EDGERNN_INLINE int32_t edgernn_round_shift(int32_t q, int shift)
{
    if (shift <= 0) {
        return q * ((int32_t)1 << -shift);
    }
    return (q + (((int32_t)1 << (shift - 1)) - (q < 0))) >> shift;
}

/* q / 2**shift for shift >= 1, rounded twice: half up to one bit, then half away from zero. */
EDGERNN_INLINE int32_t edgernn_halve_twice(int32_t q, int shift)
{
    return edgernn_round_shift((q + 1) >> 1, shift - 1);
}

EDGERNN_INLINE int32_t edgernn_align(int16_t a, int a_frac, int b_frac)
{
    return b_frac > a_frac ? a * ((int32_t)1 << (b_frac - a_frac)) : a;
}

/* a + b at `frac` fractional bits: one rounding, half away from zero. */
EDGERNN_INLINE int16_t edgernn_add(int16_t a, int16_t b, int a_frac, int b_frac, int frac)
{
    const int32_t sum = edgernn_align(a, a_frac, b_frac) + edgernn_align(b, b_frac, a_frac);
    return edgernn_saturate(edgernn_round_shift(sum, (a_frac > b_frac ? a_frac : b_frac) - frac));
}

/* a - b at `frac` fractional bits: one rounding, half away from zero. */
EDGERNN_INLINE int16_t edgernn_sub(int16_t a, int16_t b, int a_frac, int b_frac, int frac)
{
    const int32_t difference = edgernn_align(a, a_frac, b_frac) - edgernn_align(b, b_frac, a_frac);
    return edgernn_saturate(edgernn_round_shift(difference, (a_frac > b_frac ? a_frac : b_frac) - frac));
}

/* a * b / 2**shift, 2 <= shift <= 30: rounded twice. */
EDGERNN_INLINE int16_t edgernn_mul(int16_t a, int16_t b, int shift)
{
    return edgernn_saturate(edgernn_halve_twice((int32_t)a * b, shift));
}

/* a / 2**shift: rounded twice for shift > 0, an exact product for shift <= 0. */
EDGERNN_INLINE int16_t edgernn_requantize(int16_t a, int shift)
{
    return edgernn_saturate(shift > 0 ? edgernn_halve_twice(a, shift) : edgernn_round_shift(a, shift));
}

/* edgernn_requantize, then clipped to +-limit: what edgernn_linear multiplies. */
EDGERNN_INLINE int16_t edgernn_operand(int16_t a, int shift, int16_t limit)
{
    const int16_t q = edgernn_requantize(a, shift);
    return (int16_t)(q > limit ? limit : q < -limit ? -limit : q);
}

/* max(a, 0). */
EDGERNN_INLINE int16_t edgernn_relu(int16_t a)
{
    return (int16_t)(a > 0 ? a : 0);
}

#ifdef __cplusplus
}
#endif

#endif
