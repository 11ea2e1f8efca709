/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "engine.h"

/* One loop over the elements of a result; what does not change from element to element stands in front of it. */
#define EACH(expression)                \
    for (size_t i = 0; i < size; ++i) { \
        out[i] = (expression);          \
    }                                   \
    break

static void execute(const engine_op_t *op, const int16_t *a, const int16_t *b, int16_t *restrict out)
{
    const size_t size = op->size;
    const int a_frac = op->a_frac, b_frac = op->b_frac, frac = op->frac, shift = op->shift;
    const int16_t limit = op->limit;

    switch (op->kind) {
    case ENGINE_LINEAR:
        edgernn_linear(&op->kernel, 0, size, a, out);
        break;
    case ENGINE_OPERAND:
        EACH(edgernn_operand(a[i], shift, limit));
    case ENGINE_REQUANTIZE:
        EACH(edgernn_requantize(a[i], shift));
    case ENGINE_SPLIT:
        break;
    case ENGINE_ADD:
        EACH(edgernn_add(a[i], b[i], a_frac, b_frac, frac));
    case ENGINE_SUB:
        EACH(edgernn_sub(a[i], b[i], a_frac, b_frac, frac));
    case ENGINE_MUL:
        EACH(edgernn_mul(a[i], b[i], shift));
    case ENGINE_SIGMOID:
        EACH(edgernn_sigmoid(a[i]));
    case ENGINE_TANH:
        EACH(edgernn_tanh(a[i]));
    case ENGINE_RELU:
        EACH(edgernn_relu(a[i]));
    }
}

void engine_reset(const engine_t *engine, int16_t *values)
{
    memset(values + engine->tensors[0].size, 0, engine->state_size * sizeof *values);
}

void engine_step(const engine_t *engine, int16_t *values)
{
    for (uint32_t i = 0; i < engine->op_count; ++i) {
        const engine_op_t *const op = &engine->ops[i];
        execute(op, values + op->a, values + op->b, values + op->out);
    }
}

/* All new states are taken before any is given: a new state may be an old one. */
void engine_advance(const engine_t *engine, int16_t *values)
{
    int16_t *const room = values + engine->value_count - engine->state_size;
    int16_t *next = room;

    for (uint32_t i = 0; i < engine->state_count; ++i) {
        const engine_tensor_t *const written = &engine->tensors[engine->written[i]];
        memcpy(next, values + written->offset, written->size * sizeof *next);
        next += written->size;
    }
    memcpy(values + engine->tensors[0].size, room, engine->state_size * sizeof *values);
}
