/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cortex-M0, M3 and their like: what edgernn_linear_portable.c does, in fewer instructions and with all registers.
 *
 * The second word is R = rev16(W), the bytes of each half swapped: (a1, a0, b1, b0). Modulo 2**32,
 *
 *     W (x0 - 256 x1) (1 + 2**16) + R (x1 - 256 x0) (1 + 2**16) = a0 x0 + a1 x1 + 2**16 (b0 x0 + b1 x1)
 *
 * for (1 - 2**16) (1 + 2**16) is 1.
 */
#include "edgernn_scalar.h"

#if defined(EDGERNN_FAMILY_THUMB)

#include <string.h>

#define BLOCK_BYTES (EDGERNN_BLOCK * EDGERNN_BLOCK)

/* Before the operands, minus 2**15 for every word of a row; for two columns the factors of W and R, and c. */
const edgernn_operand_s8_t *edgernn_expand_s8(const int8_t *v, size_t columns, edgernn_operand_s8_t *room)
{
    edgernn_operand_s8_t *to = room;
    *to++ = EDGERNN_WORDS_START(EDGERNN_ROUND_UP(columns, EDGERNN_BLOCK) / EDGERNN_BLOCK);
    for (size_t k = 0; k < EDGERNN_ROUND_UP(columns, EDGERNN_BLOCK); k += 2u) {
        const int32_t even = k < columns ? v[k] : 0, odd = k + 1u < columns ? v[k + 1u] : 0;
        *to++ = (uint32_t)(even - 256 * odd) * 0x10001u;
        *to++ = (uint32_t)(odd - 256 * even) * 0x10001u;
        *to++ = EDGERNN_WORD_OFFSET(even + odd);
    }
    return room;
}

/*
 * Registers: r0 weights, r1 operands; r5, r6, r7 the operands of two columns, r2 and r4 the words of their rows; r8 and
 * r11 the sums of words, r10 and lr those of the rows b and d; r12 the end of the operands, or the next index. r9 may
 * belong to the platform.
 */
#if defined(__thumb2__)
#define ADD_WORD(w, words, rows)                 \
    "rev16 r3, " w "\n"                          \
    "mla " w ", " w ", r5, r7\n"                 \
    "mla " w ", r3, r6, " w "\n"                 \
    "add " rows ", " rows ", " w ", asr #16\n"   \
    "add " words ", " w "\n"
#else
#define ADD_WORD(w, words, rows)    \
    "rev16 r3, " w "\n"             \
    "muls r3, r6, r3\n"             \
    "muls " w ", r5, " w "\n"       \
    "adds " w ", " w ", r3\n"       \
    "adds " w ", " w ", r7\n"       \
    "asrs r3, " w ", #16\n"         \
    "add " rows ", r3\n"            \
    "add " words ", " w "\n"
#endif

#define ADD_COLUMNS           \
    "ldmia r1!, {r5-r7}\n"    \
    "ldmia r0!, {r2, r4}\n"   \
    ADD_WORD("r2", "r8", "r10") ADD_WORD("r4", "r11", "lr")

#define ADD_BLOCK ADD_COLUMNS ADD_COLUMNS

/* All sums of words begin with r3. */
#define CLEAR           \
    "mov r8, r3\n"      \
    "mov r11, r3\n"     \
    "movs r4, #0\n"     \
    "mov r10, r4\n"     \
    "mov lr, r4\n"

/* What bands of four rows need. Assembly has a copy on the stack, from the second member on. */
typedef struct {
    const uint8_t *weights;
    const uint32_t *operands;
    const void *end; /* of the operands; or the first index, then the end of a band's indices */
    int16_t *out;
    const int16_t *out_end;
    const int32_t *bias;
    const uint8_t *shift;
    const uint16_t *first;
} bands_t;

#define OPERANDS "[sp, #0]"
#define INDEX_END "[sp, #4]"
#define OUT "[sp, #8]"
#define OUT_END "[sp, #12]"
#define BIAS "[sp, #16]"
#define SHIFT "[sp, #20]"
#define FIRST "[sp, #24]"

/* The last bit that is shifted out is the carry: without a bias, where r1 is 0, the rounding. */
#define SHIFT_ROW(sum, i)             \
    "ldrb r2, [r3, #" i "]\n"         \
    "asrs " sum ", " sum ", r2\n"
#define ADD_BIAS(sum)                 \
    "ldmia r1!, {r2}\n"               \
    "adds " sum ", " sum ", r2\n"
#define ROUND_ROW(sum, i) SHIFT_ROW(sum, i) "adcs " sum ", " sum ", r1\n"

/* Stores a row's result, or the end of int16 on its side. */
#if defined(__thumb2__)
#define STORE_ROW(sum, at)           \
    "ssat " sum ", #16, " sum "\n"   \
    "strh " sum ", [r1, #" at "]\n"
#else
#define STORE_ROW(sum, at)           \
    "sxth r3, " sum "\n"             \
    "cmp r3, " sum "\n"              \
    "beq 9f\n"                       \
    "asrs " sum ", " sum ", #31\n"   \
    "movs r3, #128\n"                \
    "lsls r3, r3, #8\n"              \
    "eors " sum ", " sum ", r3\n"    \
    "mvns " sum ", " sum "\n"        \
    "9: strh " sum ", [r1, #" at "]\n"
#endif

/*
 * Results of all bands, where `sums` adds the products of one. All registers are saved here, not by the compiler, which
 * has none to spare where it needs a frame pointer.
 */
#define COMPUTE_BANDS(bands, sums)                                                                \
    __asm__ volatile(".syntax unified\n"                                                          \
                     "push {r0-r7}\n"                                                             \
                     "mov r0, %[from]\n"                                                          \
                     "mov r1, r8\n"                                                               \
                     "mov r2, r10\n"                                                              \
                     "mov r3, r11\n"                                                              \
                     "mov r4, r12\n"                                                              \
                     "mov r5, lr\n"                                                               \
                     "push {r1-r5}\n"                                                             \
                     "ldmia r0, {r0-r7}\n"                                                        \
                     "push {r1-r7}\n"                                                             \
                     "mov r12, r2\n"                                                              \
                     "1:\n" sums                                                                  \
                     /* Rows to r4..r7. */                                                        \
                     "mov r5, r10\n"                                                              \
                     "mov r7, lr\n"                                                               \
                     "mov r4, r8\n"                                                               \
                     "mov r6, r11\n"                                                              \
                     "lsls r3, r5, #16\n"                                                         \
                     "subs r4, r4, r3\n"                                                          \
                     "lsls r3, r7, #16\n"                                                         \
                     "subs r6, r6, r3\n"                                                          \
                     "ldr r3, " SHIFT "\n"                                                        \
                     "ldr r1, " BIAS "\n"                                                         \
                     "cmp r1, #0\n"                                                               \
                     "bne 5f\n" ROUND_ROW("r4", "0") ROUND_ROW("r5", "1")                         \
                     ROUND_ROW("r6", "2") ROUND_ROW("r7", "3")                                    \
                     "b 6f\n"                                                                     \
                     "5:\n" ADD_BIAS("r4") ADD_BIAS("r5") ADD_BIAS("r6") ADD_BIAS("r7")           \
                     "str r1, " BIAS "\n" SHIFT_ROW("r4", "0") SHIFT_ROW("r5", "1")               \
                     SHIFT_ROW("r6", "2") SHIFT_ROW("r7", "3")                                    \
                     "6:\n"                                                                       \
                     "adds r3, r3, #4\n"                                                          \
                     "str r3, " SHIFT "\n"                                                        \
                     "ldr r1, " OUT "\n" STORE_ROW("r4", "0") STORE_ROW("r5", "2")                \
                     STORE_ROW("r6", "4") STORE_ROW("r7", "6")                                    \
                     "adds r1, r1, #8\n"                                                          \
                     "str r1, " OUT "\n"                                                          \
                     "ldr r3, " OUT_END "\n"                                                      \
                     "cmp r1, r3\n"                                                               \
                     "beq 7f\n"                                                                   \
                     "b 1b\n"                                                                     \
                     "7:\n"                                                                       \
                     "add sp, sp, #28\n"                                                          \
                     "pop {r1-r5}\n"                                                              \
                     "mov r8, r1\n"                                                               \
                     "mov r10, r2\n"                                                              \
                     "mov r11, r3\n"                                                              \
                     "mov r12, r4\n"                                                              \
                     "mov lr, r5\n"                                                               \
                     "pop {r0-r7}\n"                                                              \
                     :                                                                            \
                     : [from] "l"(bands)                                                          \
                     : "cc", "memory")

/* Results of the rows from `row` on, a multiple of four of them. */
static void compute_dense(const edgernn_kernel_t *kernel, size_t row, const edgernn_operand_s8_t *operands,
                          int16_t *out, const int16_t *out_end)
{
    const uint32_t *const end = operands + EDGERNN_OPERANDS_S8(kernel->columns);
    const bands_t bands = {edgernn_weights(kernel, row), operands, end, out, out_end,
                           edgernn_bias(kernel, row), kernel->shift + row, NULL};
    COMPUTE_BANDS(&bands, "ldr r1, " OPERANDS "\n"
                          "ldmia r1!, {r3}\n" CLEAR
                          /* The lowest bit of the number of blocks: two in turn, or the last one of an odd number. */
                          "lsls r3, r3, #15\n"
                          "bmi 3f\n"
                          "2:\n" ADD_BLOCK
                          "3:\n" ADD_BLOCK
                          "cmp r1, r12\n"
                          "bne 2b\n");
}

static void compute_sparse(const edgernn_sparse_t *sparse, size_t row, const edgernn_operand_s8_t *operands,
                           int16_t *out, const int16_t *out_end)
{
    const edgernn_kernel_t *const kernel = &sparse->kernel;
    const uint16_t *const first = sparse->first + row / EDGERNN_BLOCK;
    const bands_t bands = {kernel->weights + BLOCK_BYTES * *first, operands + 1, sparse->index + *first, out, out_end,
                           edgernn_bias(kernel, row), kernel->shift + row, first};
    COMPUTE_BANDS(&bands, "ldr r3, " FIRST "\n"
                          "ldrh r4, [r3]\n"
                          "ldrh r1, [r3, #2]\n"
                          "adds r3, r3, #2\n"
                          "str r3, " FIRST "\n"
                          "subs r3, r1, r4\n"
                          "mov r1, r12\n"
                          "adds r4, r1, r3\n"
                          "str r4, " INDEX_END "\n"
                          "lsls r3, r3, #16\n"
                          "negs r3, r3\n" CLEAR
                          "b 3f\n"
                          "2:\n"
                          "ldrb r3, [r1]\n"
                          "adds r1, r1, #1\n"
                          "mov r12, r1\n"
                          "movs r1, #24\n"
                          "muls r3, r1, r3\n"
                          "ldr r1, " OPERANDS "\n"
                          "adds r1, r1, r3\n" ADD_BLOCK
                          "mov r1, r12\n"
                          "3:\n"
                          "ldr r3, " INDEX_END "\n"
                          "cmp r1, r3\n"
                          "bne 2b\n");
}

/* Whole bands to `out`; of the last one, the rows that are left. */
void edgernn_linear_s8(const edgernn_kernel_t *kernel, size_t row, size_t rows, const edgernn_operand_s8_t *operands,
                       int16_t *out)
{
    const size_t left = rows % EDGERNN_BLOCK, whole = rows - left;
    if (whole != 0u) {
        compute_dense(kernel, row, operands, out, out + whole);
    }
    if (left != 0u) {
        int16_t last[EDGERNN_BLOCK];
        compute_dense(kernel, row + whole, operands, last, last + EDGERNN_BLOCK);
        memcpy(out + whole, last, left * sizeof *out);
    }
}

void edgernn_sparse_s8(const edgernn_sparse_t *sparse, size_t row, size_t rows, const edgernn_operand_s8_t *operands,
                       int16_t *out)
{
    const size_t left = rows % EDGERNN_BLOCK, whole = rows - left;
    if (whole != 0u) {
        compute_sparse(sparse, row, operands, out, out + whole);
    }
    if (left != 0u) {
        int16_t last[EDGERNN_BLOCK];
        compute_sparse(sparse, row + whole, operands, last, last + EDGERNN_BLOCK);
        memcpy(out + whole, last, left * sizeof *out);
    }
}

#endif
