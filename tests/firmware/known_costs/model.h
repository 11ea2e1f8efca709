/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for a generated model where a test has to know what it costs: instructions, and stack. */
#ifndef MODEL_H
#define MODEL_H

#include <stdint.h>

#define MODEL_HASH "0123456789abcdef"
#define MODEL_SPEC_VERSION 1
#define MODEL_FEATURES 1
#define MODEL_OUTPUTS 1
#define MODEL_X_LIMIT 127
#define MODEL_STATE_BYTES 1u
#define MODEL_TURNS_PER_X 1000
#define MODEL_SELFTEST_STACK_BYTES 1500

typedef int8_t model_x_t;

typedef struct {
    char none;
} model_state_t;

void model_reset(model_state_t *state);

/* A loop of x[0] * MODEL_TURNS_PER_X turns, of two instructions each, in a constant number of others. */
void model_step(model_state_t *state, const model_x_t *x, int16_t *y);

/* Writes to so many bytes of stack, and a few others. Always 0. */
int model_selftest(void);

#endif
