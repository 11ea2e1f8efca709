/* SPDX-License-Identifier: Apache-2.0 */
#include "model.h"

#if defined(__riscv)
#define COUNT_DOWN "1: addi %0, %0, -1\n\tbnez %0, 1b"
#else
#define COUNT_DOWN ".syntax unified\n1: subs %0, %0, #1\n\tbne 1b"
#endif

void model_reset(model_state_t *state)
{
    state->none = 0;
}

void model_step(model_state_t *state, const model_x_t *x, int16_t *y)
{
    (void)state;
    int32_t turns = x[0] * MODEL_TURNS_PER_X;
    __asm__ volatile(COUNT_DOWN : "+l"(turns)::"cc");
    y[0] = x[0];
}

int model_selftest(void)
{
    volatile uint8_t on_stack[MODEL_SELFTEST_STACK_BYTES];
    for (int i = 0; i < MODEL_SELFTEST_STACK_BYTES; ++i) {
        on_stack[i] = 0;
    }
    return on_stack[0];
}
