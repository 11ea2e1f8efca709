/* SPDX-License-Identifier: Apache-2.0 */
#include "edgernn.h"

/* 2 sigmoid(2 a) - 1 from the same table, whose entries are 2**8 units of 2**-12 / 3 apart here; 8 guard bits. */
int16_t edgernn_tanh(int16_t a)
{
    const int32_t scaled = (3 * (int32_t)a + 1) >> 1;
    const uint32_t magnitude = (uint32_t)(scaled < 0 ? -scaled : scaled);
    const uint32_t index = magnitude >> 8;
    uint32_t value = (uint32_t)0xFFFF << 8;
    if (index < 255u) {
        const uint32_t low = edgernn_sigmoid_table[index];
        value = (low << 8) + (magnitude & 0xFFu) * (edgernn_sigmoid_table[index + 1u] - low);
    }
    const int32_t centred = (int32_t)value - ((int32_t)1 << 23);
    return (int16_t)((a >= 0 ? centred + (1 << 7) : (1 << 7) - 1 - centred) >> 8);
}
