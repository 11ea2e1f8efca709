/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The processor's family: what its kernels are, in which form they want weights and operands, and its vector of int32.
 *
 * A family is a file of kernels, edgernn_linear_<family>.c, which is empty for other processors, and lanes
 * (edgernn_lanes_*.h); several share edgernn_linear_s16.c, and AVX-512 takes its int16 kernels from AVX2's file. The
 * compiler's flags choose it (-mcpu, -march), unless an EDGERNN_FAMILY_... is defined already; with
 * -DEDGERNN_FAMILY_PORTABLE it is plain C, anywhere.
 *
 * EDGERNN_KERNELS, EDGERNN_FAMILY: its name, as a word and as text.
 * EDGERNN_W_BLOCK: the bytes of a block of weights for int8 operands, from its weights row by row. EDGERNN_W_S16_BLOCK
 * for int16 operands: they stay as they are. EDGERNN_W: the bytes of four weights of a row, where they are a word.
 * edgernn_operand_s8_t, edgernn_operand_s16_t; EDGERNN_OPERANDS_S8(columns), EDGERNN_OPERANDS_S16(columns): expanded
 * operands and how many elements they take, at least one.
 * EDGERNN_ALIGNMENT: of weights and expanded operands, in bytes; EDGERNN_SLACK: bytes behind weights that may be read.
 */
#ifndef EDGERNN_FAMILY_H
#define EDGERNN_FAMILY_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define EDGERNN_INLINE static inline __attribute__((always_inline))
#define EDGERNN_ALIGNED __attribute__((aligned(EDGERNN_ALIGNMENT)))
#define EDGERNN_IS_LITTLE_ENDIAN (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
#else
#define EDGERNN_INLINE static inline
#define EDGERNN_ALIGNED
#define EDGERNN_IS_LITTLE_ENDIAN 0
#endif

#if defined(EDGERNN_FAMILY_PORTABLE) || defined(EDGERNN_FAMILY_THUMB) || defined(EDGERNN_FAMILY_DSP) || \
    defined(EDGERNN_FAMILY_MVE) || defined(EDGERNN_FAMILY_NEON) || defined(EDGERNN_FAMILY_AVX2) || \
    defined(EDGERNN_FAMILY_AVX512)
/* Forced. */
#elif !EDGERNN_IS_LITTLE_ENDIAN
#define EDGERNN_FAMILY_PORTABLE
#elif defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 1)
#define EDGERNN_FAMILY_MVE
#elif defined(__ARM_NEON)
#define EDGERNN_FAMILY_NEON
#elif defined(__ARM_FEATURE_DSP) && defined(__thumb2__)
#define EDGERNN_FAMILY_DSP
#elif defined(__thumb__) && __ARM_ARCH >= 6
#define EDGERNN_FAMILY_THUMB
#elif defined(__AVX512VNNI__) && defined(__AVX512VL__) && defined(__AVX512BW__)
#define EDGERNN_FAMILY_AVX512
#elif defined(__AVX2__)
#define EDGERNN_FAMILY_AVX2
#else
#define EDGERNN_FAMILY_PORTABLE
#endif

/* a * b + c, where a and b are within int16; the other macro takes what counts of b, where more stands there. */
#if defined(EDGERNN_FAMILY_DSP)
#define EDGERNN_MULTIPLY_ADD(a, b, c) __builtin_arm_smlabb(a, b, c)
#define EDGERNN_LOW_HALF(b) (b)
#else
#define EDGERNN_MULTIPLY_ADD(a, b, c) ((a) * (b) + (c))
#define EDGERNN_LOW_HALF(b) ((b) & 0xFFFF)
#endif

/*
 * q / 2**shift and (a * b + c) / 2**shift for shift >= 1, rounded half up. a and b are within int16; what is divided,
 * plus 2**(shift - 1), is within int32.
 */
#if defined(EDGERNN_FAMILY_MVE) || defined(EDGERNN_FAMILY_NEON)
#if defined(EDGERNN_FAMILY_MVE)
#define EDGERNN_HALF_UP(q, shift) vrshlq_n_s32(q, -(shift))
#else
#define EDGERNN_HALF_UP(q, shift) vrshlq_s32(q, vdupq_n_s32(-(shift)))
#endif
#define EDGERNN_PRODUCT_HALF_UP(a, b, c, shift) EDGERNN_HALF_UP((a) * (b) + (c), shift)
#else
#define EDGERNN_HALF_UP(q, shift) (((q) + ((int32_t)1 << ((shift) - 1))) >> (shift))
#define EDGERNN_PRODUCT_HALF_UP(a, b, c, shift) \
    (EDGERNN_MULTIPLY_ADD(a, b, (c) + ((int32_t)1 << ((shift) - 1))) >> (shift))
#endif

/*
 * EDGERNN_UNROLLED right in front of a loop over lanes, EDGERNN_SCHEDULED in front of its function: a turn's
 * instructions wait for one another, so that several turns in each other's gaps take less time. GCC does not put them
 * there unless it is told to. Before version 12 such an attribute made it forget other options.
 */
#if defined(EDGERNN_FAMILY_AVX512) && defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 12
#define EDGERNN_UNROLLED _Pragma("GCC unroll 4")
#define EDGERNN_SCHEDULED __attribute__((optimize("schedule-insns")))
#else
#define EDGERNN_UNROLLED
#define EDGERNN_SCHEDULED
#endif

/* Columns up to a whole number of `to`. */
#define EDGERNN_ROUND_UP(columns, to) (((size_t)(columns) + (to) - 1u) / (to) * (to))

#define EDGERNN_W_S16(a, b, c, d) (uint8_t)(a), (uint8_t)(b), (uint8_t)(c), (uint8_t)(d)
/* With 128 added: operands have to make up for it. */
#define EDGERNN_W_UNSIGNED(a, b, c, d) EDGERNN_W_S16((a) + 128, (b) + 128, (c) + 128, (d) + 128)

#if defined(EDGERNN_FAMILY_PORTABLE) || defined(EDGERNN_FAMILY_THUMB)
/* Two rows and two columns a word, as edgernn_linear_portable.c tells; thumb is the same in assembly. */
#if defined(EDGERNN_FAMILY_PORTABLE)
#define EDGERNN_KERNELS portable
#else
#define EDGERNN_KERNELS thumb
#endif
#define EDGERNN_W_BLOCK(a0, a1, a2, a3, b0, b1, b2, b3, c0, c1, c2, c3, d0, d1, d2, d3) \
    EDGERNN_W_UNSIGNED(a0, a1, b0, b1), EDGERNN_W_UNSIGNED(c0, c1, d0, d1),             \
        EDGERNN_W_UNSIGNED(a2, a3, b2, b3), EDGERNN_W_UNSIGNED(c2, c3, d2, d3)
typedef uint32_t edgernn_operand_s8_t;
typedef int16_t edgernn_operand_s16_t;
#define EDGERNN_OPERANDS_S8(columns) (1u + EDGERNN_ROUND_UP(columns, 4u) / 2u * 3u)
#define EDGERNN_OPERANDS_S16(columns) EDGERNN_ROUND_UP(columns, 4u)
#include "edgernn_lanes_scalar.h"

#elif defined(EDGERNN_FAMILY_DSP)
/* Weights and operands in pairs, as edgernn_linear_dsp.c tells. */
#define EDGERNN_KERNELS dsp
#define EDGERNN_W(a, b, c, d) (uint8_t)(a), (uint8_t)((b) - ((a) < 0)), (uint8_t)(c), (uint8_t)((d) - ((c) < 0))
typedef uint32_t edgernn_operand_s8_t;
typedef int16_t edgernn_operand_s16_t;
#define EDGERNN_OPERANDS_S8(columns) (EDGERNN_ROUND_UP(columns, 4u) / 2u)
#define EDGERNN_OPERANDS_S16(columns) EDGERNN_ROUND_UP(columns, 4u)
#include "edgernn_lanes_scalar.h"

#elif defined(EDGERNN_FAMILY_MVE)
#define EDGERNN_KERNELS mve
#define EDGERNN_SLACK 48
#define EDGERNN_W EDGERNN_W_S16
typedef int8_t edgernn_operand_s8_t;
typedef int16_t edgernn_operand_s16_t;
#define EDGERNN_OPERANDS_S8(columns) EDGERNN_ROUND_UP(columns, 16u)
#define EDGERNN_OPERANDS_S16(columns) EDGERNN_ROUND_UP(columns, 16u)
#include "edgernn_lanes_mve.h"

#elif defined(EDGERNN_FAMILY_NEON)
#if defined(__ARM_FEATURE_DOTPROD)
#define EDGERNN_KERNELS dotprod
#else
#define EDGERNN_KERNELS neon
#endif
#define EDGERNN_W EDGERNN_W_S16
typedef int8_t edgernn_operand_s8_t;
typedef int16_t edgernn_operand_s16_t;
#define EDGERNN_OPERANDS_S8(columns) EDGERNN_ROUND_UP(columns, 4u)
#define EDGERNN_OPERANDS_S16(columns) EDGERNN_ROUND_UP(columns, 4u)
#include "edgernn_lanes_neon.h"

#elif defined(EDGERNN_FAMILY_AVX2)
/* Operands stand there four times, once for each row of a block. */
#if defined(__AVXVNNI__)
#define EDGERNN_KERNELS avxvnni
#else
#define EDGERNN_KERNELS avx2
#endif
#define EDGERNN_W EDGERNN_W_S16
typedef int8_t edgernn_operand_s8_t;
typedef int16_t edgernn_operand_s16_t;
#define EDGERNN_OPERANDS_S8(columns) (4u * EDGERNN_ROUND_UP(columns, 8u))
#define EDGERNN_OPERANDS_S16(columns) EDGERNN_ROUND_UP(columns, 4u)
#define EDGERNN_ALIGNMENT 64
#include "edgernn_lanes_avx2.h"

#else
/* Weights are unsigned, for the instruction that takes them so; a vector before the operands makes up for it. */
#define EDGERNN_KERNELS avx512
#define EDGERNN_W EDGERNN_W_UNSIGNED
typedef int8_t edgernn_operand_s8_t;
typedef int16_t edgernn_operand_s16_t;
#define EDGERNN_OPERANDS_S8(columns) (64u + 4u * EDGERNN_ROUND_UP(columns, 16u))
#define EDGERNN_OPERANDS_S16(columns) EDGERNN_ROUND_UP(columns, 4u)
#define EDGERNN_ALIGNMENT 64
#define EDGERNN_SLACK 48
#include "edgernn_lanes_avx512.h"
#endif

#define EDGERNN_W_S16_BLOCK(a0, a1, a2, a3, b0, b1, b2, b3, c0, c1, c2, c3, d0, d1, d2, d3)      \
    EDGERNN_W_S16(a0, a1, a2, a3), EDGERNN_W_S16(b0, b1, b2, b3), EDGERNN_W_S16(c0, c1, c2, c3), \
        EDGERNN_W_S16(d0, d1, d2, d3)
#if !defined(EDGERNN_W_BLOCK)
#define EDGERNN_W_BLOCK(a0, a1, a2, a3, b0, b1, b2, b3, c0, c1, c2, c3, d0, d1, d2, d3) \
    EDGERNN_W(a0, a1, a2, a3), EDGERNN_W(b0, b1, b2, b3), EDGERNN_W(c0, c1, c2, c3), EDGERNN_W(d0, d1, d2, d3)
#endif

#define EDGERNN_QUOTED(name) #name
#define EDGERNN_TEXT(name) EDGERNN_QUOTED(name)
#define EDGERNN_FAMILY EDGERNN_TEXT(EDGERNN_KERNELS)

/* Functions have it in their names: a model and a runtime that were compiled for different families do not link. */
#define EDGERNN_JOINED(name, kernels) name##_##kernels
#define EDGERNN_NAMED(name, kernels) EDGERNN_JOINED(name, kernels)
#define edgernn_expand_s8 EDGERNN_NAMED(edgernn_expand_s8, EDGERNN_KERNELS)
#define edgernn_expand_s16 EDGERNN_NAMED(edgernn_expand_s16, EDGERNN_KERNELS)
#define edgernn_linear_s8 EDGERNN_NAMED(edgernn_linear_s8, EDGERNN_KERNELS)
#define edgernn_linear_s16 EDGERNN_NAMED(edgernn_linear_s16, EDGERNN_KERNELS)
#define edgernn_sparse_s8 EDGERNN_NAMED(edgernn_sparse_s8, EDGERNN_KERNELS)
#define edgernn_sparse_s16 EDGERNN_NAMED(edgernn_sparse_s16, EDGERNN_KERNELS)
#define edgernn_product_s8 EDGERNN_NAMED(edgernn_product_s8, EDGERNN_KERNELS)

#endif
