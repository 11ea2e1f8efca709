/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cortex-M55, M85 and their like: Helium's sums of products.
 *
 * A load with de-interleaving (vld4) of four blocks gives each of their four rows in a vector: 16 columns, which are
 * multiplied with 16 operands and added up by one instruction. Where a band has less than four blocks left, the load
 * takes what follows, EDGERNN_SLACK bytes behind the last band, and the operands there are zero.
 */
#include "edgernn.h"

#if defined(EDGERNN_FAMILY_MVE)

#include <arm_mve.h>
#include <string.h>

#define BLOCK_BYTES (EDGERNN_BLOCK * EDGERNN_BLOCK)
/* Columns that are multiplied at once: those of four blocks. */
#define COLUMNS 16u

/*
 * The loop over bands is in assembler: around single instructions, of which some take only half of the registers,
 * GCC 12 spends a sixth more. Four blocks come to q0..q3, row by row, and their products with the operands in %q[x] are
 * added to the sums %[a]..%[d] of the four rows.
 */
#define LOAD                              \
    "vld40.32 {q0, q1, q2, q3}, [%[w]]\n" \
    "vld41.32 {q0, q1, q2, q3}, [%[w]]\n" \
    "vld42.32 {q0, q1, q2, q3}, [%[w]]\n" \
    "vld43.32 {q0, q1, q2, q3}, [%[w]]!\n"

#define MULTIPLY(instruction, x)         \
    LOAD                                 \
    instruction " %[a], q0, %q[" x "]\n" \
    instruction " %[b], q1, %q[" x "]\n" \
    instruction " %[c], q2, %q[" x "]\n" \
    instruction " %[d], q3, %q[" x "]\n"
#define FIRST(x) MULTIPLY("vmladav.s8", x)
#define ADD(x) MULTIPLY("vmladava.s8", x)

/*
 * The same for 16-bit operands, those of a block's even columns in %q[x], of the odd ones in %q[odd]. A row's weights
 * for the former come to `even`.
 */
#define ADD_ROW_S16(sum, row, even)                  \
    "vmovlb.s8 %q[" even "], " row "\n"              \
    "vmladava.s16 " sum ", %q[" even "], %q[x]\n"    \
    "vmovlt.s8 " row ", " row "\n"                   \
    "vmladava.s16 " sum ", " row ", %q[odd]\n"
#define ADD_S16(even)                \
    LOAD                             \
    ADD_ROW_S16("%[a]", "q0", even)  \
    ADD_ROW_S16("%[b]", "q1", even)  \
    ADD_ROW_S16("%[c]", "q2", even)  \
    ADD_ROW_S16("%[d]", "q3", even)

#define ZERO         \
    "mov %[a], #0\n" \
    "mov %[b], #0\n" \
    "mov %[c], #0\n" \
    "mov %[d], #0\n"

/* The results of four rows, in the low halves of q0, from their sums. */
#define RESULTS(to_unit)              \
    "vmov q0[2], q0[0], %[a], %[c]\n" \
    "vmov q0[3], q0[1], %[b], %[d]\n" \
    "vldrb.u32 q1, [%[shift]], #4\n"  \
    "vneg.s32 q1, q1\n" to_unit       \
    "vqmovnb.s32 q0, q0\n"
#define SHIFT_WITH_BIAS              \
    "vldrw.u32 q2, [%[bias]], #16\n" \
    "vadd.i32 q0, q0, q2\n"          \
    "vshl.s32 q0, q0, q1\n"
#define SHIFT_ROUNDED "vrshl.s32 q0, q0, q1\n"

/*
 * All bands of the place `at`; the results of the last one end in x. `...`: more operands of the assembler for `sums`,
 * of which one may be in a general register: without optimization, GCC finds no more.
 */
#define LOOP(sums, to_unit, ...)                                                                             \
    __asm__ volatile("dls lr, %[n]\n"                                                                        \
                     "b 2f\n"                                                                                \
                     "1:\n"                                                                                  \
                     "vstrh.32 q0, [%[out]], #8\n"                                                           \
                     "2:\n" sums RESULTS(to_unit)                                                            \
                     "le lr, 1b\n"                                                                           \
                     "vmov %q[x], q0\n"                                                                      \
                     : [w] "+&r"(at.w), [bias] "+&r"(at.bias), [shift] "+&l"(at.shift), [out] "+&l"(at.out), \
                       [n] "+&r"(at.bands), [a] "=&Te"(a), [b] "=&Te"(b), [c] "=&Te"(c), [d] "=&Te"(d),      \
                       __VA_ARGS__                                                                           \
                     : "q0", "q1", "q2", "q3", "lr", "cc", "memory")
#define BANDS(sums, ...)                                    \
    do {                                                    \
        int32_t a, b, c, d;                                 \
        if (at.bias != NULL) {                              \
            LOOP(sums, SHIFT_WITH_BIAS, __VA_ARGS__);       \
        } else {                                            \
            LOOP(sums, SHIFT_ROUNDED, __VA_ARGS__);         \
        }                                                   \
        edgernn_store(at.out, at.last, (edgernn_lanes_t)x); \
    } while (0)

/* Where the next band's constants are and its results go; `last`: rows of the last band. */
typedef struct {
    const uint8_t *w;
    const int32_t *bias;
    const uint8_t *shift;
    int16_t *out;
    size_t bands, last;
} place_t;

EDGERNN_INLINE place_t place_of(const edgernn_kernel_t *kernel, size_t row, size_t rows, int16_t *out)
{
    place_t at;
    at.w = kernel->weights + row * EDGERNN_ROUND_UP(kernel->columns, EDGERNN_BLOCK);
    at.bias = kernel->bias != NULL ? kernel->bias + row : NULL;
    at.shift = kernel->shift + row;
    at.out = out;
    at.bands = (rows + EDGERNN_BLOCK - 1u) / EDGERNN_BLOCK;
    at.last = (rows - 1u) % EDGERNN_BLOCK + 1u;
    return at;
}

/* Filled up with zeros to whole vectors; where they are whole, and words of them can be gathered, they stay. */
const edgernn_operand_s8_t *edgernn_expand_s8(const int8_t *v, size_t columns, edgernn_operand_s8_t *room)
{
    if (columns % COLUMNS == 0u && (uintptr_t)v % sizeof(int32_t) == 0u) {
        return v;
    }
    for (size_t k = 0; k < columns; k += COLUMNS) {
        vstrbq_s8(room + k, vldrbq_z_s8(v + k, vctp8q((uint32_t)(columns - k))));
    }
    return room;
}

/* Kernels that hold all vectors of operands; `surplus`: bytes that are read of a band and are no part of it. */
#define DEFINE_HELD(vectors, sums)                                                                          \
    static void linear_##vectors(const edgernn_kernel_t *kernel, size_t row, size_t rows, const int8_t *v,  \
                                 int16_t *out)                                                              \
    {                                                                                                       \
        const size_t columns = EDGERNN_ROUND_UP(kernel->columns, EDGERNN_BLOCK);                            \
        const size_t surplus = EDGERNN_BLOCK * ((vectors)*COLUMNS - columns);                               \
        int8x16_t x = vldrbq_s8(v);                                                                         \
        const int8x16_t x1 = (vectors) > 1 ? vldrbq_s8(v + COLUMNS) : x;                                    \
        const int8x16_t x2 = (vectors) > 2 ? vldrbq_s8(v + 2u * COLUMNS) : x;                               \
        const int8x16_t x3 = (vectors) > 3 ? vldrbq_s8(v + 3u * COLUMNS) : x;                               \
        place_t at = place_of(kernel, row, rows, out);                                                      \
        BANDS(sums "sub %[w], %[w], %[surplus]\n", [x] "+w"(x)                                              \
              : [x1] "w"(x1), [x2] "w"(x2), [x3] "w"(x3), [surplus] "r"(surplus));                          \
    }

DEFINE_HELD(1, FIRST("x"))
DEFINE_HELD(2, FIRST("x") ADD("x1"))
DEFINE_HELD(3, FIRST("x") ADD("x1") ADD("x2"))
DEFINE_HELD(4, FIRST("x") ADD("x1") ADD("x2") ADD("x3"))

/* For any number of columns: operands are loaded anew for each band. */
static void linear_any(const edgernn_kernel_t *kernel, size_t row, size_t rows, const int8_t *v, int16_t *out)
{
    const size_t columns = EDGERNN_ROUND_UP(kernel->columns, EDGERNN_BLOCK);
    place_t at = place_of(kernel, row, rows, out);
    int8x16_t x;
    BANDS(ZERO
          "ldr %[n], %[columns]\n"
          "3:\n"
          "vldrb.8 %q[x], [%[v]], #16\n" ADD("x")
          "subs %[n], #16\n"
          "bhi 3b\n"
          "add %[w], %[w], %[n], lsl #2\n"
          "add %[v], %[v], %[n]\n"
          "ldr %[n], %[columns]\n"
          "sub %[v], %[v], %[n]\n",
          [x] "=&w"(x), [v] "+&r"(v)
          : [columns] "m"(columns));
}

void edgernn_linear_s8(const edgernn_kernel_t *kernel, size_t row, size_t rows, const edgernn_operand_s8_t *operands,
                       int16_t *out)
{
    switch ((kernel->columns + COLUMNS - 1u) / COLUMNS) {
    case 1u:
        linear_1(kernel, row, rows, operands, out);
        break;
    case 2u:
        linear_2(kernel, row, rows, operands, out);
        break;
    case 3u:
        linear_3(kernel, row, rows, operands, out);
        break;
    case 4u:
        linear_4(kernel, row, rows, operands, out);
        break;
    default:
        linear_any(kernel, row, rows, operands, out);
        break;
    }
}

/* Of each block the operands of its even columns, then of the odd ones. Filled up with zeros to whole vectors. */
const edgernn_operand_s16_t *edgernn_expand_s16(const int16_t *v, size_t columns, edgernn_operand_s16_t *room)
{
    int16_t end[COLUMNS] = {0};
    for (size_t k = 0; k < columns; k += COLUMNS) {
        const int whole = columns - k >= COLUMNS;
        if (!whole) {
            memcpy(end, v + k, (columns - k) * sizeof *v);
        }
        const int16x8x2_t parts = vld2q_s16(whole ? v + k : end);
        const int32x4x2_t pairs = {{vreinterpretq_s32_s16(parts.val[0]), vreinterpretq_s32_s16(parts.val[1])}};
        vst2q_s32((int32_t *)(void *)(room + k), pairs);
    }
    return room;
}

/* %q[before] has the addresses of four blocks' operands, less what is added before they are loaded. */
void edgernn_linear_s16(const edgernn_kernel_t *kernel, size_t row, size_t rows, const edgernn_operand_s16_t *operands,
                        int16_t *out)
{
    const size_t bytes = EDGERNN_ROUND_UP(kernel->columns, EDGERNN_BLOCK) * sizeof *operands;
    uint32x4_t before = vaddq_n_u32(vidupq_n_u32(0, 8), (uint32_t)(uintptr_t)operands - 32u);
    place_t at = place_of(kernel, row, rows, out);
    int32x4_t x, odd, even;
    BANDS(ZERO
          "mov %[n], %[bytes]\n"
          "3:\n"
          "vldrw.u32 %q[x], [%q[before], #32]!\n"
          "vldrw.u32 %q[odd], [%q[before], #4]\n" ADD_S16("even")
          "subs %[n], #32\n"
          "bhi 3b\n"
          "add %[w], %[w], %[n], lsl #1\n"
          "sub %[n], %[bytes], %[n]\n"
          "vsub.i32 %q[before], %q[before], %[n]\n",
          [x] "=&w"(x), [odd] "=&w"(odd), [even] "=&w"(even), [before] "+&w"(before)
          : [bytes] "r"(bytes));
}

/* Four blocks at a time, those that are there; their operands' addresses come to %q[from]. %[n]: blocks left. */
#define SPARSE_SUMS(log2_bytes, load_and_add)             \
    "ldr %[n], %[first]\n"                                \
    "ldrh %[a], [%[n]], #2\n"                             \
    "str %[n], %[first]\n"                                \
    "ldrh %[n], [%[n]]\n"                                 \
    "subs %[n], %[n], %[a]\n" ZERO                        \
    "beq 4f\n"                                            \
    "3:\n"                                                \
    "vctp.32 %[n]\n"                                      \
    "vpst\n"                                              \
    "vldrbt.u32 %q[from], [%[index]], #4\n"               \
    "vshl.i32 %q[from], %q[from], #" log2_bytes "\n"      \
    "vadd.i32 %q[from], %q[from], %q[v]\n" load_and_add   \
    "subs %[n], #4\n"                                     \
    "bhi 3b\n"                                            \
    "add %[index], %[index], %[n]\n"                      \
    "add %[w], %[w], %[n], lsl #4\n"                      \
    "4:\n"

EDGERNN_INLINE place_t sparse_place(const edgernn_sparse_t *sparse, size_t row, size_t rows, int16_t *out)
{
    place_t at = place_of(&sparse->kernel, row, rows, out);
    at.w = sparse->kernel.weights + BLOCK_BYTES * (size_t)sparse->first[row / EDGERNN_BLOCK];
    return at;
}

/* Never inlined, so that the compiler knows of no predicate here: the assembler can not tell it that one changes. */
__attribute__((noinline)) void edgernn_sparse_s8(const edgernn_sparse_t *sparse, size_t row, size_t rows,
                                                 const edgernn_operand_s8_t *operands, int16_t *out)
{
    const uint16_t *first = sparse->first + row / EDGERNN_BLOCK;
    const uint8_t *index = sparse->index + *first;
    const uint32x4_t v = vdupq_n_u32((uint32_t)(uintptr_t)operands);
    place_t at = sparse_place(sparse, row, rows, out);
    int32x4_t x, from;
    BANDS(SPARSE_SUMS("2", "vpst\n"
                           "vldrwt.u32 %q[x], [%q[from]]\n" ADD("x")),
          [x] "=&w"(x), [from] "=&w"(from), [first] "+m"(first), [index] "+&l"(index)
          : [v] "w"(v));
}

__attribute__((noinline)) void edgernn_sparse_s16(const edgernn_sparse_t *sparse, size_t row, size_t rows,
                                                  const edgernn_operand_s16_t *operands, int16_t *out)
{
    const uint16_t *first = sparse->first + row / EDGERNN_BLOCK;
    const uint8_t *index = sparse->index + *first;
    const uint32x4_t v = vdupq_n_u32((uint32_t)(uintptr_t)operands);
    place_t at = sparse_place(sparse, row, rows, out);
    int32x4_t x, odd, from;
    BANDS(SPARSE_SUMS("3", "vpstt\n"
                           "vldrwt.u32 %q[x], [%q[from]]\n"
                           "vldrwt.u32 %q[odd], [%q[from], #4]\n" ADD_S16("from")),
          [x] "=&w"(x), [odd] "=&w"(odd), [from] "=&w"(from), [first] "+m"(first), [index] "+&l"(index)
          : [v] "w"(v));
}

#endif
