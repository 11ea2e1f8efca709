/* SPDX-License-Identifier: Apache-2.0 */
#include "edgernn.h"

/* (sum + 2**(shift-1)) >> shift. */
static int16_t rounded(int32_t sum, int shift)
{
    return edgernn_saturate(((sum >> (shift - 1)) + 1) >> 1);
}

/* Adds column k of a block of rows, times its operand. Sums are variables of their own to stay in registers. */
#define ADD_COLUMN(k)                 \
    do {                              \
        const int32_t x = p[k];       \
        a += w[4 * (k)] * x;          \
        b += w[4 * (k) + 1] * x;      \
        c += w[4 * (k) + 2] * x;      \
        d += w[4 * (k) + 3] * x;      \
    } while (0)

void edgernn_linear(const edgernn_kernel_t *kernel, size_t row, size_t rows, const int16_t *v, int16_t *out)
{
    const size_t columns = kernel->columns;
    const int8_t *w = kernel->weights + row * columns;
    const uint8_t *shift = kernel->shift + row;
    const int32_t *bias = kernel->bias != NULL ? kernel->bias + row : NULL;
    const int16_t *p;
    size_t n;

    for (; rows >= EDGERNN_ROWS; rows -= EDGERNN_ROWS) {
        int32_t a = 0, b = 0, c = 0, d = 0;
        if (bias != NULL) {
            a = bias[0];
            b = bias[1];
            c = bias[2];
            d = bias[3];
            bias += EDGERNN_ROWS;
        }
        p = v;
        for (n = columns / 8u; n != 0u; --n) {
            ADD_COLUMN(0);
            ADD_COLUMN(1);
            ADD_COLUMN(2);
            ADD_COLUMN(3);
            ADD_COLUMN(4);
            ADD_COLUMN(5);
            ADD_COLUMN(6);
            ADD_COLUMN(7);
            w += 8 * EDGERNN_ROWS;
            p += 8;
        }
        for (n = columns % 8u; n != 0u; --n) {
            ADD_COLUMN(0);
            w += EDGERNN_ROWS;
            ++p;
        }
        out[0] = rounded(a, shift[0]);
        out[1] = rounded(b, shift[1]);
        out[2] = rounded(c, shift[2]);
        out[3] = rounded(d, shift[3]);
        out += EDGERNN_ROWS;
        shift += EDGERNN_ROWS;
    }
    for (; rows != 0u; --rows) {
        int32_t sum = bias != NULL ? *bias++ : 0;
        p = v;
        for (n = columns; n != 0u; --n) {
            sum += *w++ * (int32_t)*p++;
        }
        *out++ = rounded(sum, *shift++);
    }
}
