/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One int32 at a time. What a file of lanes has:
 *
 * edgernn_lanes_t: EDGERNN_LANES of int32, on which C's operators work, with a number on either side too.
 * edgernn_load, edgernn_store, edgernn_store_s8: of the next `left` elements in memory, at most EDGERNN_LANES; lanes
 * beyond `left` are zero, and are not stored.
 */
#ifndef EDGERNN_LANES_SCALAR_H
#define EDGERNN_LANES_SCALAR_H

typedef int32_t edgernn_lanes_t;
#define EDGERNN_LANES 1u

EDGERNN_INLINE edgernn_lanes_t edgernn_load(const int16_t *from, size_t left)
{
    (void)left;
    return *from;
}

/* q is within int16. */
EDGERNN_INLINE void edgernn_store(int16_t *to, size_t left, edgernn_lanes_t q)
{
    (void)left;
    *to = (int16_t)q;
}

/* q is within int8. */
EDGERNN_INLINE void edgernn_store_s8(int8_t *to, size_t left, edgernn_lanes_t q)
{
    (void)left;
    *to = (int8_t)q;
}

/* The nearest number within low..high. */
EDGERNN_INLINE edgernn_lanes_t edgernn_clamp(edgernn_lanes_t q, int32_t low, int32_t high)
{
#if defined(__ARM_FEATURE_SAT)
    if (low == INT16_MIN && high == INT16_MAX) {
        return (int32_t)__builtin_arm_ssat(q, 16);
    }
    if (low == -INT8_MAX && high == INT8_MAX) {
        q = (int32_t)__builtin_arm_ssat(q, 8);
        return q < low ? low : q;
    }
    if (low == 0 && high == 255) {
        return (int32_t)__builtin_arm_usat(q, 8);
    }
#endif
#if defined(__thumb__) && !defined(__thumb2__)
    if (low == INT16_MIN && high == INT16_MAX) {
        return q == (int16_t)q ? q : (q >> 31) ^ INT16_MAX;
    }
#endif
    q = q < low ? low : q;
    return q > high ? high : q;
}

EDGERNN_INLINE edgernn_lanes_t edgernn_abs(edgernn_lanes_t q)
{
#if defined(__thumb2__)
    return (q ^ (q >> 31)) - (q >> 31);
#else
    return q < 0 ? -q : q;
#endif
}

/* `negative` where q < 0, `other` elsewhere. */
EDGERNN_INLINE edgernn_lanes_t edgernn_choose(edgernn_lanes_t q, edgernn_lanes_t negative, edgernn_lanes_t other)
{
    return q < 0 ? negative : other;
}

/* table[index] for each index; all 256 entries of the table may be read. */
EDGERNN_INLINE edgernn_lanes_t edgernn_lookup(const uint32_t *table, edgernn_lanes_t index)
{
    return (int32_t)table[index];
}

/* (entry / 2**16) * 2**8 + (scaled mod 2**8) * (entry mod 2**16) of an entry as an unsigned number. */
EDGERNN_INLINE edgernn_lanes_t edgernn_interpolate(edgernn_lanes_t entry, edgernn_lanes_t scaled)
{
    return EDGERNN_MULTIPLY_ADD(scaled & 255, EDGERNN_LOW_HALF(entry), (int32_t)((uint32_t)entry >> 8 & 0xFFFF00u));
}

#endif
