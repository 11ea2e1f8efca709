/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cortex-M4, M7, M33 and their like: the DSP extension's pairs of 16-bit products.
 *
 * Weights w0..w3 of a row are a word of two halves, W = (256 w1 + w0, 256 w3 + w2), and operands x0..x3 are two words:
 *
 *     W * (x1, x3) + sxtb16(W) * (256 x0 - x1, 256 x2 - x3) = 256 (w0 x0 + w1 x1 + w2 x2 + w3 x3)
 *
 * where * multiplies the signed halves and adds, and sxtb16 takes their low bytes: one extraction for four products. A
 * row's sum of products is below 2**23, so that 256 of it fit.
 */
#include "edgernn_scalar.h"

#if defined(EDGERNN_FAMILY_DSP)

#include <stddef.h>
#include <string.h>

/* A function whose body is assembly alone: arguments are where the calling convention has them. */
#define NAKED __attribute__((naked, noinline))
#define GIVEN __attribute__((unused))

/* The assembly below knows where members are. */
typedef char columns_are_as_expected[offsetof(edgernn_kernel_t, columns) == 12 ? 1 : -1];
typedef char kernel_is_as_expected[sizeof(edgernn_kernel_t) == 16 ? 1 : -1];
typedef char sparse_is_as_expected[offsetof(edgernn_sparse_t, index) == 20 ? 1 : -1];

/* Adds the products of a row, whose word of weights is in `w`, with the operands in r11 (odd columns) and r12. */
#define ADD_ROW(w, sum)                  \
    "smlad " sum ", " w ", r11, " sum "\n" \
    "sxtb16 " w ", " w "\n"               \
    "smlad " sum ", " w ", r12, " sum "\n"

/* Adds a block of weights at r0, which advances, to 256 times the sums of its rows: r3, r7, r9, r10. */
#define ADD_BLOCK                          \
    "ldmia r0!, {r4, r5, r6, r8}\n"        \
    ADD_ROW("r4", "r3") ADD_ROW("r5", "r7") \
    ADD_ROW("r6", "r9") ADD_ROW("r8", "r10")

/* Room on the stack: v, blocks of a band or `first`; bias, shift; out, rows left. The argument `out` is above. */
#define ENTER                  \
    "push {r4-r11, lr}\n"      \
    "sub sp, sp, #24\n"        \
    "ldrd r4, r5, [r0]\n"      \
    "ldrd r6, r8, [r0, #8]\n"  \
    "cmp r5, #0\n"             \
    "it ne\n"                  \
    "addne r5, r5, r1, lsl #2\n" \
    "add r6, r6, r1\n"         \
    "ldr r9, [sp, #60]\n"      \
    "strd r5, r6, [sp, #8]\n"  \
    "strd r9, r2, [sp, #16]\n"

#define CLEAR_SUMS   \
    "movs r3, #0\n"  \
    "movs r7, #0\n"  \
    "mov r9, r3\n"   \
    "mov r10, r3\n"

/*
 * Stores the results of a band, goes back to `band` for the next one, and returns after the last one. Leaves r0, r1 and
 * lr alone. Four shifts are one word, of which an instruction that shifts takes the lowest byte. Without a bias, half a
 * unit of the result is added to the doubled sums, which the saturating instructions halve.
 */
#define FINISH                        \
    "ldrd r2, r12, [sp, #8]\n"        \
    "ldr r11, [r12], #4\n"            \
    "cbz r2, 4f\n"                    \
    "ldmia r2!, {r4, r5, r6, r8}\n"   \
    "strd r2, r12, [sp, #8]\n"        \
    "add r3, r4, r3, asr #8\n"        \
    "add r7, r5, r7, asr #8\n"        \
    "add r9, r6, r9, asr #8\n"        \
    "add r10, r8, r10, asr #8\n"      \
    "asrs r3, r3, r11\n"              \
    "lsr r11, r11, #8\n"              \
    "asrs r7, r7, r11\n"              \
    "lsr r11, r11, #8\n"              \
    "asr r9, r9, r11\n"               \
    "lsr r11, r11, #8\n"              \
    "asr r10, r10, r11\n"             \
    "ssat r3, #16, r3\n"              \
    "ssat r7, #16, r7\n"              \
    "ssat r9, #16, r9\n"              \
    "ssat r10, #16, r10\n"            \
    "5:\n"                            \
    "ldrd r4, r5, [sp, #16]\n"        \
    "pkhbt r3, r3, r7, lsl #16\n"     \
    "pkhbt r9, r9, r10, lsl #16\n"    \
    "subs r5, r5, #4\n"               \
    "blt 6f\n"                        \
    "str r3, [r4], #4\n"              \
    "str r9, [r4], #4\n"              \
    "strd r4, r5, [sp, #16]\n"        \
    "bgt 0b\n"                        \
    "7:\n"                            \
    "add sp, sp, #24\n"               \
    "pop {r4-r11, pc}\n"              \
    "4:\n"                            \
    "movs r4, #1\n"                   \
    "str r12, [sp, #12]\n"            \
    "lsl r5, r4, r11\n"               \
    "add r3, r5, r3, asr #7\n"        \
    "asrs r3, r3, r11\n"              \
    "lsr r11, r11, #8\n"              \
    "lsl r5, r4, r11\n"               \
    "add r7, r5, r7, asr #7\n"        \
    "asrs r7, r7, r11\n"              \
    "lsr r11, r11, #8\n"              \
    "lsl r5, r4, r11\n"               \
    "add r9, r5, r9, asr #7\n"        \
    "asr r9, r9, r11\n"               \
    "lsr r11, r11, #8\n"              \
    "lsl r5, r4, r11\n"               \
    "add r10, r5, r10, asr #7\n"      \
    "asr r10, r10, r11\n"             \
    "ssat r3, #16, r3, asr #1\n"      \
    "ssat r7, #16, r7, asr #1\n"      \
    "ssat r9, #16, r9, asr #1\n"      \
    "ssat r10, #16, r10, asr #1\n"    \
    "b 5b\n"                          \
    "6:\n"                            \
    "strh r3, [r4]\n"                 \
    "cmn r5, #3\n"                    \
    "beq 7b\n"                        \
    "lsrs r3, r3, #16\n"              \
    "strh r3, [r4, #2]\n"             \
    "adds r5, r5, #1\n"               \
    "bne 7b\n"                        \
    "strh r9, [r4, #4]\n"             \
    "b 7b\n"

/* The two words of each four operands. */
static edgernn_operand_s8_t *expand_words(const int8_t *v, size_t words, edgernn_operand_s8_t *to)
{
    uint32_t word, even;
    for (; words != 0u; --words) {
        __asm__ volatile("ldr %[word], [%[v]], #4\n"
                "uxtb16 %[even], %[word]\n"
                "sxtb16 %[word], %[word], ror #8\n"
                "lsl %[even], %[even], #8\n"
                "ssub16 %[even], %[even], %[word]\n"
                "strd %[word], %[even], [%[to]], #8\n"
                : [v] "+r"(v), [to] "+r"(to), [word] "=&r"(word), [even] "=&r"(even)
                :
                : "memory");
    }
    return to;
}

const edgernn_operand_s8_t *edgernn_expand_s8(const int8_t *v, size_t columns, edgernn_operand_s8_t *room)
{
    const size_t words = columns / EDGERNN_BLOCK, rest = columns % EDGERNN_BLOCK;
    edgernn_operand_s8_t *const to = expand_words(v, words, room);
    if (rest != 0u) {
        int8_t last[EDGERNN_BLOCK] = {0};
        memcpy(last, v + columns - rest, rest);
        expand_words(last, 1u, to);
    }
    return room;
}

NAKED void edgernn_linear_s8(const edgernn_kernel_t *kernel GIVEN, size_t row GIVEN, size_t rows GIVEN,
                             const edgernn_operand_s8_t *operands GIVEN, int16_t *out GIVEN)
{
    __asm__(ENTER "adds r8, r8, #3\n"
                  "lsr r8, r8, #2\n"
                  "mul r1, r1, r8\n"
                  "add r0, r4, r1, lsl #2\n"
                  "strd r3, r8, [sp]\n"
                  "0:\n"
                  "ldrd r1, r2, [sp]\n" CLEAR_SUMS "lsrs r2, r2, #1\n"
                  "bcs 3f\n"
                  "1:\n"
                  "ldrd r11, r12, [r1], #8\n" ADD_BLOCK "2:\n"
                  "ldrd r11, r12, [r1], #8\n" ADD_BLOCK "subs r2, r2, #1\n"
                  "bne 1b\n" FINISH "3:\n"
                  "adds r2, r2, #1\n"
                  "b 2b\n");
}

NAKED void edgernn_sparse_s8(const edgernn_sparse_t *sparse GIVEN, size_t row GIVEN, size_t rows GIVEN,
                             const edgernn_operand_s8_t *operands GIVEN, int16_t *out GIVEN)
{
    __asm__(ENTER "ldrd r5, r6, [r0, #16]\n"
                  "mov lr, r3\n"
                  "add r5, r5, r1, lsr #1\n"
                  "ldrh r7, [r5], #2\n"
                  "add r0, r4, r7, lsl #4\n"
                  "add r1, r6, r7\n"
                  "strd r5, r6, [sp]\n"
                  "0:\n"
                  "ldrd r2, r11, [sp]\n"
                  "ldrh r12, [r2], #2\n"
                  "str r2, [sp]\n"
                  "add r2, r11, r12\n" CLEAR_SUMS "cmp r1, r2\n"
                  "beq 2f\n"
                  "1:\n"
                  "ldrb r12, [r1], #1\n"
                  "add r12, lr, r12, lsl #3\n"
                  "ldrd r11, r12, [r12]\n" ADD_BLOCK "cmp r1, r2\n"
                  "bne 1b\n"
                  "2:\n" FINISH);
}

#endif
