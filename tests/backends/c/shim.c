/* SPDX-License-Identifier: Apache-2.0 */
/* The inline primitives of edgernn.h over arrays, for tests/backends/c/test_primitives.py. */
#include "edgernn.h"

void shim_add(size_t n, const int16_t *a, const int16_t *b, int16_t *out, int a_frac, int b_frac, int frac);
void shim_sub(size_t n, const int16_t *a, const int16_t *b, int16_t *out, int a_frac, int b_frac, int frac);
void shim_mul(size_t n, const int16_t *a, const int16_t *b, int16_t *out, int shift);
void shim_requantize(size_t n, const int16_t *a, int16_t *out, int shift);
void shim_operand(size_t n, const int16_t *a, int16_t *out, int shift, int limit);
void shim_relu(size_t n, const int16_t *a, int16_t *out);
void shim_sigmoid(size_t n, const int16_t *a, int16_t *out);
void shim_tanh(size_t n, const int16_t *a, int16_t *out);

void shim_add(size_t n, const int16_t *a, const int16_t *b, int16_t *out, int a_frac, int b_frac, int frac)
{
    for (size_t i = 0; i < n; ++i) {
        out[i] = edgernn_add(a[i], b[i], a_frac, b_frac, frac);
    }
}

void shim_sub(size_t n, const int16_t *a, const int16_t *b, int16_t *out, int a_frac, int b_frac, int frac)
{
    for (size_t i = 0; i < n; ++i) {
        out[i] = edgernn_sub(a[i], b[i], a_frac, b_frac, frac);
    }
}

void shim_mul(size_t n, const int16_t *a, const int16_t *b, int16_t *out, int shift)
{
    for (size_t i = 0; i < n; ++i) {
        out[i] = edgernn_mul(a[i], b[i], shift);
    }
}

void shim_requantize(size_t n, const int16_t *a, int16_t *out, int shift)
{
    for (size_t i = 0; i < n; ++i) {
        out[i] = edgernn_requantize(a[i], shift);
    }
}

void shim_operand(size_t n, const int16_t *a, int16_t *out, int shift, int limit)
{
    for (size_t i = 0; i < n; ++i) {
        out[i] = edgernn_operand(a[i], shift, (int16_t)limit);
    }
}

void shim_relu(size_t n, const int16_t *a, int16_t *out)
{
    for (size_t i = 0; i < n; ++i) {
        out[i] = edgernn_relu(a[i]);
    }
}

void shim_sigmoid(size_t n, const int16_t *a, int16_t *out)
{
    for (size_t i = 0; i < n; ++i) {
        out[i] = edgernn_sigmoid(a[i]);
    }
}

void shim_tanh(size_t n, const int16_t *a, int16_t *out)
{
    for (size_t i = 0; i < n; ++i) {
        out[i] = edgernn_tanh(a[i]);
    }
}
