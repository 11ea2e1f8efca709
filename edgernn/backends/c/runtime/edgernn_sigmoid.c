/* SPDX-License-Identifier: Apache-2.0 */
#include "edgernn.h"

/* Linear interpolation with 10 guard bits, the table's entries 2**9 units of 2**-12 / 3 apart; exact beyond its end. */
int16_t edgernn_sigmoid(int16_t a)
{
    const uint32_t magnitude = 6u * (uint32_t)(a < 0 ? -(int32_t)a : a);
    const uint32_t index = magnitude >> 9;
    uint32_t value = (uint32_t)0x7FFF << 10;
    if (index < 255u) {
        const uint16_t *const entry = edgernn_sigmoid_table + index;
        value = ((uint32_t)entry[0] << 9) + (magnitude & 0x1FFu) * ((uint32_t)entry[1] - entry[0]);
    }
    value = a >= 0 ? value + (1u << 9) : ((uint32_t)1 << 25) - value + (1u << 9) - 1u;
    return (int16_t)(value >> 10);
}
