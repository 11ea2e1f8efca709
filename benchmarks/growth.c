/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program that uses a model, or, with STUB defined, the same program with functions that do nothing in its place:
 * what the first one is larger is what a model adds. FLOAT: samples come as float.
 */
#include <string.h>

#include "model.h"
#include "port.h"

#define BYTE_BUFFER 64u

#if defined(STUB)
#define EMPTY __attribute__((noinline, noclone))
EMPTY void model_reset(model_state_t *state)
{
    __asm__ volatile("" : : "r"(state) : "memory");
}
EMPTY void model_step(model_state_t *state, const model_x_t *x, int16_t *y)
{
    __asm__ volatile("" : : "r"(state), "r"(x), "r"(y) : "memory");
}
EMPTY int model_argmax(const int16_t *y)
{
    __asm__ volatile("" : : "r"(y) : "memory");
    return 0;
}
EMPTY void model_quantize_input(const float *samples, model_x_t *x)
{
    __asm__ volatile("" : : "r"(samples), "r"(x) : "memory");
}
EMPTY void model_dequantize_output(const int16_t *y, float *values)
{
    __asm__ volatile("" : : "r"(y), "r"(values) : "memory");
}
#endif

/* What any program has: memcpy and memset. */
static uint8_t from[BYTE_BUFFER], to[BYTE_BUFFER];

int main(void)
{
    static model_state_t state;
    static model_x_t x[MODEL_FEATURES];
    static int16_t y[MODEL_OUTPUTS];

    port_init();
    model_reset(&state);
    for (;;) {
        const size_t count = port_read() % BYTE_BUFFER;
        memcpy(to, from, count);
        memset(from, 1, count);
#if defined(FLOAT)
        static float values[MODEL_OUTPUTS], samples[MODEL_FEATURES];
        model_quantize_input(samples, x);
#endif
        model_step(&state, x, y);
#if defined(FLOAT)
        model_dequantize_output(y, values);
        port_write((const uint8_t *)values, sizeof values);
#endif
        to[0] = (uint8_t)model_argmax(y);
        port_write(to, count);
    }
}
