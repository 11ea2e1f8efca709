/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cortex-A: aarch64, and armv7 with NEON.
 *
 * With the dot product extension (ARMv8.2 on), a block of weights and the operands of its columns are what sdot by
 * element takes. Without it, products are added in 16 bits for two blocks, as 2 * 127 * 127 < 2**15, before they are
 * added up in 32.
 */
#include "edgernn.h"

#if defined(EDGERNN_FAMILY_NEON)

#include <arm_neon.h>
#include <string.h>

#define BLOCK_BYTES (EDGERNN_BLOCK * EDGERNN_BLOCK)
/* Of the four bands that share the loads of operands. */
#define ROWS 16u

/* From two numbers for each of four rows to their sums. */
EDGERNN_INLINE int32x4_t add_pairs(int32x4_t low, int32x4_t high)
{
#if defined(__aarch64__)
    return vpaddq_s32(low, high);
#else
    return vcombine_s32(vpadd_s32(vget_low_s32(low), vget_high_s32(low)),
                        vpadd_s32(vget_low_s32(high), vget_high_s32(high)));
#endif
}

/*
 * sums_t: of the four rows of a band. add_two adds the products of two blocks of weights, one behind the other, with
 * the operands of their columns; add_one those of one block with the first half of x.
 */
#if defined(__ARM_FEATURE_DOTPROD)

typedef int32x4_t sums_t;

EDGERNN_INLINE sums_t zero(void)
{
    return vdupq_n_s32(0);
}

EDGERNN_INLINE sums_t add_one(sums_t sums, const int8_t *w, int8x8_t x)
{
    return vdotq_lane_s32(sums, vld1q_s8(w), x, 0);
}

EDGERNN_INLINE sums_t add_two(sums_t sums, const int8_t *w, int8x8_t x)
{
    return vdotq_lane_s32(add_one(sums, w, x), vld1q_s8(w + BLOCK_BYTES), x, 1);
}

EDGERNN_INLINE int32x4_t total(sums_t sums)
{
    return sums;
}

#else

typedef struct {
    int32x4_t low, high;
} sums_t;

EDGERNN_INLINE sums_t zero(void)
{
    const sums_t sums = {vdupq_n_s32(0), vdupq_n_s32(0)};
    return sums;
}

/* The operands of block k of two, once for each row of a block. */
#define OPERANDS(x, k) vreinterpretq_s8_s32(vdupq_lane_s32(vreinterpret_s32_s8(x), k))

#if defined(__aarch64__)
#define MULTIPLY_HIGH vmull_high_s8
#define ADD_HIGH vmlal_high_s8
#else
#define MULTIPLY_HIGH(p, x) vmull_s8(vget_high_s8(p), vget_high_s8(x))
#define ADD_HIGH(sum, p, x) vmlal_s8(sum, vget_high_s8(p), vget_high_s8(x))
#endif

EDGERNN_INLINE sums_t add_one(sums_t sums, const int8_t *w, int8x8_t x)
{
    const int8x16_t operands = OPERANDS(x, 0), p = vld1q_s8(w);
    sums.low = vpadalq_s16(sums.low, vmull_s8(vget_low_s8(p), vget_low_s8(operands)));
    sums.high = vpadalq_s16(sums.high, MULTIPLY_HIGH(p, operands));
    return sums;
}

EDGERNN_INLINE sums_t add_two(sums_t sums, const int8_t *w, int8x8_t x)
{
    const int8x16_t first = OPERANDS(x, 0), second = OPERANDS(x, 1);
    const int8x16_t p = vld1q_s8(w), q = vld1q_s8(w + BLOCK_BYTES);
    const int16x8_t low = vmull_s8(vget_low_s8(p), vget_low_s8(first)), high = MULTIPLY_HIGH(p, first);
    sums.low = vpadalq_s16(sums.low, vmlal_s8(low, vget_low_s8(q), vget_low_s8(second)));
    sums.high = vpadalq_s16(sums.high, ADD_HIGH(high, q, second));
    return sums;
}

EDGERNN_INLINE int32x4_t total(sums_t sums)
{
    return add_pairs(sums.low, sums.high);
}

#endif

/*
 * Stores the results of four rows from `row` on, or of the first `left` of them. to_left: their shifts, negative ones.
 * A bias has half a unit of the result in it; without one, the shift rounds.
 */
EDGERNN_INLINE void shift_results(edgernn_kernel_t kernel, size_t row, size_t left, int32x4_t sums, int16x4_t to_left,
                                  int16_t *out)
{
    const int32x4_t shifts = vmovl_s16(to_left);
    if (kernel.bias != NULL) {
        sums = vshlq_s32(vaddq_s32(sums, vld1q_s32(kernel.bias + row)), shifts);
    } else {
        sums = vrshlq_s32(sums, shifts);
    }
    const int16x4_t results = vqmovn_s32(sums);
    if (left >= EDGERNN_BLOCK) {
        vst1_s16(out, results);
    } else {
        edgernn_store(out, left, vmovl_s16(results));
    }
}

/* The same with shifts from the kernel. */
EDGERNN_INLINE void store_results(edgernn_kernel_t kernel, size_t row, size_t left, int32x4_t sums, int16_t *out)
{
    uint32_t shifts;
    memcpy(&shifts, kernel.shift + row, sizeof shifts);
    shift_results(kernel, row, left, sums, vget_low_s16(vmovl_s8(vneg_s8(vcreate_s8(shifts)))), out);
}

EDGERNN_INLINE size_t after_band(size_t rows)
{
    return rows - (rows < EDGERNN_BLOCK ? rows : EDGERNN_BLOCK);
}

/* Operands of the last block have to be there: all are copied where they are not. */
const edgernn_operand_s8_t *edgernn_expand_s8(const int8_t *v, size_t columns, edgernn_operand_s8_t *room)
{
    if (columns % EDGERNN_BLOCK == 0u) {
        return v;
    }
    memset(room, 0, EDGERNN_OPERANDS_S8(columns) * sizeof *room);
    memcpy(room, v, columns * sizeof *room);
    return room;
}

/* The operands of a column block, in the first half. */
EDGERNN_INLINE int8x8_t one_block(const int8_t *v)
{
    uint32_t word;
    memcpy(&word, v, sizeof word);
    return vcreate_s8(word);
}

/* The operands of two column blocks. */
EDGERNN_INLINE int8x8_t two_blocks(const int8_t *v, const uint8_t *index)
{
    uint32_t first, second;
    memcpy(&first, v + (size_t)EDGERNN_BLOCK * index[0], sizeof first);
    memcpy(&second, v + (size_t)EDGERNN_BLOCK * index[1], sizeof second);
    return vcreate_s8((uint64_t)second << 32 | first);
}

/* The bands from w on, which are `stride` bytes apart and share what is loaded of the operands: 13 to 16 rows. */
EDGERNN_INLINE void four_bands(edgernn_kernel_t kernel, size_t row, size_t rows, const int8_t *w, size_t stride,
                       const int8_t *v, int16_t *out)
{
    const int8_t *const end = w + stride;
    sums_t a = zero(), b = zero(), c = zero(), d = zero();
    if (stride % (2u * BLOCK_BYTES) != 0u) {
        const int8x8_t x = one_block(v);
        a = add_one(a, w, x);
        b = add_one(b, w + stride, x);
        c = add_one(c, w + 2u * stride, x);
        d = add_one(d, w + 3u * stride, x);
        w += BLOCK_BYTES;
        v += EDGERNN_BLOCK;
    }
    for (; w != end; w += 2u * BLOCK_BYTES) {
        const int8x8_t x = vld1_s8(v);
        a = add_two(a, w, x);
        b = add_two(b, w + stride, x);
        c = add_two(c, w + 2u * stride, x);
        d = add_two(d, w + 3u * stride, x);
        v += 2u * EDGERNN_BLOCK;
    }
    const int8x16_t to_left = vnegq_s8(vreinterpretq_s8_u8(vld1q_u8(kernel.shift + row)));
    const int16x8_t low = vmovl_s8(vget_low_s8(to_left)), high = vmovl_s8(vget_high_s8(to_left));
    shift_results(kernel, row, rows, total(a), vget_low_s16(low), out);
    shift_results(kernel, row + 4u, rows, total(b), vget_high_s16(low), out + 4);
    shift_results(kernel, row + 8u, rows, total(c), vget_low_s16(high), out + 8);
    shift_results(kernel, row + 12u, rows - 12u, total(d), vget_high_s16(high), out + 12);
}

static int32x4_t one_band(const int8_t *w, size_t stride, const int8_t *v)
{
    const int8_t *const end = w + stride;
    sums_t sums = zero();
    if (stride % (2u * BLOCK_BYTES) != 0u) {
        sums = add_one(sums, w, one_block(v));
        w += BLOCK_BYTES;
        v += EDGERNN_BLOCK;
    }
    for (; w != end; w += 2u * BLOCK_BYTES) {
        sums = add_two(sums, w, vld1_s8(v));
        v += 2u * EDGERNN_BLOCK;
    }
    return total(sums);
}

void edgernn_linear_s8(const edgernn_kernel_t *kernel, size_t row, size_t rows, const edgernn_operand_s8_t *v,
                       int16_t *out)
{
    const size_t stride = EDGERNN_BLOCK * EDGERNN_ROUND_UP(kernel->columns, EDGERNN_BLOCK);
    const int8_t *w = (const int8_t *)kernel->weights + row / EDGERNN_BLOCK * stride;
    for (; rows > ROWS - EDGERNN_BLOCK; rows -= rows < ROWS ? rows : ROWS) {
        four_bands(*kernel, row, rows, w, stride, v, out);
        w += ROWS / EDGERNN_BLOCK * stride;
        row += ROWS;
        out += ROWS;
    }
    for (; rows != 0u; rows = after_band(rows)) {
        store_results(*kernel, row, rows, one_band(w, stride, v), out);
        w += stride;
        row += EDGERNN_BLOCK;
        out += EDGERNN_BLOCK;
    }
}

/* The sums of a band over the blocks from w on, of which `index` has the places; in pairs. */
static int32x4_t sparse_band(const int8_t *w, const uint8_t *index, const uint8_t *end, const int8_t *v)
{
    sums_t sums = zero();
    if ((end - index) % 2 != 0) {
        sums = add_one(sums, w, one_block(v + (size_t)EDGERNN_BLOCK * index[0]));
        w += BLOCK_BYTES;
        ++index;
    }
    for (; index != end; index += 2) {
        sums = add_two(sums, w, two_blocks(v, index));
        w += 2u * BLOCK_BYTES;
    }
    return total(sums);
}

void edgernn_sparse_s8(const edgernn_sparse_t *sparse, size_t row, size_t rows, const edgernn_operand_s8_t *v,
                       int16_t *out)
{
    const uint16_t *first = sparse->first + row / EDGERNN_BLOCK;
    for (; rows != 0u; rows = after_band(rows)) {
        const int8_t *const w = (const int8_t *)sparse->kernel.weights + (size_t)BLOCK_BYTES * first[0];
        const int32x4_t sums = sparse_band(w, sparse->index + first[0], sparse->index + first[1], v);
        store_results(sparse->kernel, row, rows, sums, out);
        ++first;
        row += EDGERNN_BLOCK;
        out += EDGERNN_BLOCK;
    }
}

/* Of a band with 16-bit operands: four sums for each row, whose sum is the row's. */
typedef struct {
    int32x4_t a, b, c, d;
} wide_sums_t;

EDGERNN_INLINE wide_sums_t wide_zero(void)
{
    const int32x4_t none = vdupq_n_s32(0);
    const wide_sums_t sums = {none, none, none, none};
    return sums;
}

EDGERNN_INLINE wide_sums_t add_wide(wide_sums_t sums, const int8_t *w, const int16_t *v)
{
    const int8x16_t block = vld1q_s8(w);
    const int16x8_t low = vmovl_s8(vget_low_s8(block)), high = vmovl_s8(vget_high_s8(block));
    const int16x4_t x = vld1_s16(v);
    sums.a = vmlal_s16(sums.a, vget_low_s16(low), x);
    sums.b = vmlal_s16(sums.b, vget_high_s16(low), x);
    sums.c = vmlal_s16(sums.c, vget_low_s16(high), x);
    sums.d = vmlal_s16(sums.d, vget_high_s16(high), x);
    return sums;
}

EDGERNN_INLINE int32x4_t wide_total(wide_sums_t sums)
{
    return add_pairs(add_pairs(sums.a, sums.b), add_pairs(sums.c, sums.d));
}

void edgernn_linear_s16(const edgernn_kernel_t *kernel, size_t row, size_t rows, const edgernn_operand_s16_t *v,
                        int16_t *out)
{
    const size_t stride = EDGERNN_BLOCK * EDGERNN_ROUND_UP(kernel->columns, EDGERNN_BLOCK);
    const int8_t *w = (const int8_t *)kernel->weights + row / EDGERNN_BLOCK * stride;
    for (; rows != 0u; rows = after_band(rows)) {
        const int8_t *const end = w + stride;
        const int16_t *x = v;
        wide_sums_t sums = wide_zero();
        for (; w != end; w += BLOCK_BYTES) {
            sums = add_wide(sums, w, x);
            x += EDGERNN_BLOCK;
        }
        store_results(*kernel, row, rows, wide_total(sums), out);
        row += EDGERNN_BLOCK;
        out += EDGERNN_BLOCK;
    }
}

void edgernn_sparse_s16(const edgernn_sparse_t *sparse, size_t row, size_t rows, const edgernn_operand_s16_t *v,
                        int16_t *out)
{
    const uint16_t *first = sparse->first + row / EDGERNN_BLOCK;
    for (; rows != 0u; rows = after_band(rows)) {
        const int8_t *w = (const int8_t *)sparse->kernel.weights + (size_t)BLOCK_BYTES * first[0];
        wide_sums_t sums = wide_zero();
        for (size_t i = first[0]; i < first[1]; ++i) {
            sums = add_wide(sums, w, v + (size_t)EDGERNN_BLOCK * sparse->index[i]);
            w += BLOCK_BYTES;
        }
        store_results(sparse->kernel, row, rows, wide_total(sums), out);
        ++first;
        row += EDGERNN_BLOCK;
        out += EDGERNN_BLOCK;
    }
}

#endif
