/* SPDX-License-Identifier: Apache-2.0 */
/* Four int32 of Helium, the M-profile vector extension. What is here is what edgernn_lanes_scalar.h says. */
#ifndef EDGERNN_LANES_MVE_H
#define EDGERNN_LANES_MVE_H

#include <arm_mve.h>

typedef int32x4_t edgernn_lanes_t;
#define EDGERNN_LANES 4u

/*
 * Whether no lane is beyond `left`. It asks for a multiple, not for >=, because compilers follow the low bits of a
 * count through a loop: where the number of elements is known, there is nothing to decide while the loop runs.
 */
#define EDGERNN_FILLS_LANES(left) ((left) % EDGERNN_LANES == 0u)

EDGERNN_INLINE edgernn_lanes_t edgernn_load(const int16_t *from, size_t left)
{
    return EDGERNN_FILLS_LANES(left) ? vldrhq_s32(from) : vldrhq_z_s32(from, vctp32q((uint32_t)left));
}

/*
 * The last elements one by one: GCC takes a store under a predicate for one of all lanes, and so drops what was stored
 * behind it before.
 */
#define EDGERNN_STORE_SOME(type, to, left, q)             \
    do {                                                  \
        (to)[0] = (type)vgetq_lane_s32(q, 0);             \
        if ((left) > 1u) {                                \
            (to)[1] = (type)vgetq_lane_s32(q, 1);         \
        }                                                 \
        if ((left) > 2u) {                                \
            (to)[2] = (type)vgetq_lane_s32(q, 2);         \
        }                                                 \
    } while (0)

EDGERNN_INLINE void edgernn_store(int16_t *to, size_t left, edgernn_lanes_t q)
{
    if (EDGERNN_FILLS_LANES(left) || left > EDGERNN_LANES) {
        vstrhq_s32(to, q);
    } else {
        EDGERNN_STORE_SOME(int16_t, to, left, q);
    }
}

EDGERNN_INLINE void edgernn_store_s8(int8_t *to, size_t left, edgernn_lanes_t q)
{
    if (EDGERNN_FILLS_LANES(left) || left > EDGERNN_LANES) {
        vstrbq_s32(to, q);
    } else {
        EDGERNN_STORE_SOME(int8_t, to, left, q);
    }
}

/* Where the range is a whole type's, saturating shifts need no constants in registers. */
EDGERNN_INLINE edgernn_lanes_t edgernn_clamp(edgernn_lanes_t q, int32_t low, int32_t high)
{
    if (low == INT16_MIN && high == INT16_MAX) {
        return vshrq_n_s32(vqshlq_n_s32(q, 16), 16);
    }
    if (low == 0 && high == 255) {
        return vreinterpretq_s32_u32(vshrq_n_u32(vqshluq_n_s32(q, 24), 24));
    }
    return vminq_s32(vmaxq_s32(q, vdupq_n_s32(low)), vdupq_n_s32(high));
}

EDGERNN_INLINE edgernn_lanes_t edgernn_abs(edgernn_lanes_t q)
{
    return vabsq_s32(q);
}

/* Without a predicate: GCC moves those to general registers and back. */
EDGERNN_INLINE edgernn_lanes_t edgernn_choose(edgernn_lanes_t q, edgernn_lanes_t negative, edgernn_lanes_t other)
{
    return other ^ ((negative ^ other) & (q >> 31));
}

EDGERNN_INLINE edgernn_lanes_t edgernn_lookup(const uint32_t *table, edgernn_lanes_t index)
{
    return vreinterpretq_s32_u32(vldrwq_gather_shifted_offset_u32(table, vreinterpretq_u32_s32(index)));
}

EDGERNN_INLINE edgernn_lanes_t edgernn_interpolate(edgernn_lanes_t entry, edgernn_lanes_t scaled)
{
    const uint16x8_t position = vmovlbq_u8(vreinterpretq_u8_s32(scaled));
    const uint16x8_t halves = vreinterpretq_u16_s32(entry);
    const uint32x4_t part = vmullbq_int_u16(halves, position);
    return vreinterpretq_s32_u32(vaddq_u32(vshlltq_n_u16(halves, 8), part));
}

#endif
