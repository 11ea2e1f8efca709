/* SPDX-License-Identifier: Apache-2.0 */
/* Four int32 in a NEON register; edgernn_lanes_scalar.h tells what each function is. */
#ifndef EDGERNN_LANES_NEON_H
#define EDGERNN_LANES_NEON_H

#include <arm_neon.h>
#include <string.h>

typedef int32x4_t edgernn_lanes_t;
#define EDGERNN_LANES 4u

EDGERNN_INLINE edgernn_lanes_t edgernn_load(const int16_t *from, size_t left)
{
    int16x4_t q = vdup_n_s16(0);
    if (left >= EDGERNN_LANES) {
        return vmovl_s16(vld1_s16(from));
    }
    q = vld1_lane_s16(from, q, 0);
    if (left > 1u) {
        q = vld1_lane_s16(from + 1, q, 1);
    }
    if (left > 2u) {
        q = vld1_lane_s16(from + 2, q, 2);
    }
    return vmovl_s16(q);
}

EDGERNN_INLINE void edgernn_store(int16_t *to, size_t left, edgernn_lanes_t q)
{
    const int16x4_t narrow = vmovn_s32(q);
    if (left >= EDGERNN_LANES) {
        vst1_s16(to, narrow);
        return;
    }
    vst1_lane_s16(to, narrow, 0);
    if (left > 1u) {
        vst1_lane_s16(to + 1, narrow, 1);
    }
    if (left > 2u) {
        vst1_lane_s16(to + 2, narrow, 2);
    }
}

EDGERNN_INLINE void edgernn_store_s8(int8_t *to, size_t left, edgernn_lanes_t q)
{
    const int16x4_t half = vmovn_s32(q);
    const int8x8_t narrow = vmovn_s16(vcombine_s16(half, half));
    if (left >= EDGERNN_LANES) {
        const uint32_t word = vget_lane_u32(vreinterpret_u32_s8(narrow), 0);
        memcpy(to, &word, sizeof word);
        return;
    }
    vst1_lane_s8(to, narrow, 0);
    if (left > 1u) {
        vst1_lane_s8(to + 1, narrow, 1);
    }
    if (left > 2u) {
        vst1_lane_s8(to + 2, narrow, 2);
    }
}

EDGERNN_INLINE edgernn_lanes_t edgernn_clamp(edgernn_lanes_t q, int32_t low, int32_t high)
{
    return vminq_s32(vmaxq_s32(q, vdupq_n_s32(low)), vdupq_n_s32(high));
}

EDGERNN_INLINE edgernn_lanes_t edgernn_abs(edgernn_lanes_t q)
{
    return vabsq_s32(q);
}

EDGERNN_INLINE edgernn_lanes_t edgernn_choose(edgernn_lanes_t q, edgernn_lanes_t negative, edgernn_lanes_t other)
{
    return vbslq_s32(vcltq_s32(q, vdupq_n_s32(0)), negative, other);
}

/* NEON has no gather. */
EDGERNN_INLINE edgernn_lanes_t edgernn_lookup(const uint32_t *table, edgernn_lanes_t index)
{
    uint32x4_t entry = vld1q_dup_u32(table + vgetq_lane_s32(index, 0));
    entry = vld1q_lane_u32(table + vgetq_lane_s32(index, 1), entry, 1);
    entry = vld1q_lane_u32(table + vgetq_lane_s32(index, 2), entry, 2);
    entry = vld1q_lane_u32(table + vgetq_lane_s32(index, 3), entry, 3);
    return vreinterpretq_s32_u32(entry);
}

EDGERNN_INLINE edgernn_lanes_t edgernn_interpolate(edgernn_lanes_t entry, edgernn_lanes_t scaled)
{
    const uint32x4_t bits = vreinterpretq_u32_s32(entry);
    const uint32x4_t value = vshlq_n_u32(vshrq_n_u32(bits, 16), 8);
    const uint32x4_t slope = vandq_u32(bits, vdupq_n_u32(0xFFFFu));
    return vreinterpretq_s32_u32(vmlaq_u32(value, vreinterpretq_u32_s32(scaled & 255), slope));
}

#endif
