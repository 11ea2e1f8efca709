/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many products of 8-bit integers a core can add up: nothing but the instruction that does most of them at once, on
 * as many independent sums as hide its latency, all in registers.
 */
#include <stdint.h>

#define SUMS 12

/* Operands of an asm in a register: in memory, the sums would go there too. */
#if defined(__x86_64__)
#define REGISTER(vector) "+x"(vector)
#elif defined(__aarch64__)
#define REGISTER(vector) "+w"(vector)
#else
#define REGISTER(vector) "+r"(vector)
#endif

#if defined(__AVX512VNNI__) || defined(__AVX512BW__) || defined(__AVXVNNI__) || defined(__AVX2__)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

#if defined(__AVX512VNNI__)
#define INSTRUCTION "vpdpbusd, 512 bits"
#define MACS 64
typedef __m512i vector_t;
#define ADD(sum, a, b) _mm512_dpbusd_epi32(sum, a, b)
#elif defined(__AVXVNNI__)
#define INSTRUCTION "vpdpbusd, 256 bits"
#define MACS 32
typedef __m256i vector_t;
#define ADD(sum, a, b) _mm256_dpbusd_avx_epi32(sum, a, b)
#elif defined(__AVX2__)
#define INSTRUCTION "vpmaddwd and vpaddd, 256 bits"
#define MACS 16
typedef __m256i vector_t;
#define ADD(sum, a, b) _mm256_add_epi32(sum, _mm256_madd_epi16(a, b))
#elif defined(__ARM_FEATURE_DOTPROD)
#define INSTRUCTION "sdot, 128 bits"
#define MACS 16
typedef int32x4_t vector_t;
#define ADD(sum, a, b) vdotq_s32(sum, vreinterpretq_s8_s32(a), vreinterpretq_s8_s32(b))
#else
#define INSTRUCTION "a multiplication and an addition"
#define MACS 1
typedef int32_t vector_t;
#define ADD(sum, a, b) ((sum) + (a) * (b))
#endif

const char instruction[] = INSTRUCTION;

/* Adds up products so often; the number of products. The sums go to `out`, so that nobody leaves them away. */
int64_t run(int64_t rounds, const vector_t *in, vector_t *out)
{
    vector_t sums[SUMS], a = in[0], b = in[1];

    for (int i = 0; i < SUMS; ++i) {
        sums[i] = in[i];
    }
    for (int64_t round = 0; round < rounds; ++round) {
#if defined(__GNUC__)
        /* The operands change as far as the compiler knows. */
        __asm__ volatile("" : REGISTER(a), REGISTER(b));
#pragma GCC unroll 12
#endif
        for (int i = 0; i < SUMS; ++i) {
            sums[i] = ADD(sums[i], a, b);
        }
    }
    for (int i = 0; i < SUMS; ++i) {
        out[i] = sums[i];
    }
    return rounds * SUMS * MACS;
}
