/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All that depends on the processor's family, in one piece. It is compiled once for each family, with the compiler's
 * flags for it and -DEDGERNN_FAMILY_...; its name is a part of all external names.
 */
#include <string.h>

#include "engine.h"

#define FAMILY EDGERNN_NAMED(engine_family, EDGERNN_KERNELS)
extern const engine_family_t FAMILY;

/* Those of other families are empty. */
#include "edgernn_linear_avx2.c"
#include "edgernn_linear_avx512.c"
#include "edgernn_linear_neon.c"
#include "edgernn_linear_portable.c"
#include "edgernn_linear_s16.c"

static size_t room(size_t columns, int wide)
{
    (void)columns;
    return wide ? EDGERNN_OPERANDS_S16(columns) * sizeof(edgernn_operand_s16_t)
                : EDGERNN_OPERANDS_S8(columns) * sizeof(edgernn_operand_s8_t);
}

typedef char slack_is_enough[EDGERNN_SLACK <= ENGINE_SLACK ? 1 : -1];

static void convert(uint8_t *blocks, size_t count)
{
    for (size_t i = 0; i < count; ++i) {
        int8_t w[EDGERNN_BLOCK * EDGERNN_BLOCK];
        memcpy(w, blocks, sizeof w);
        const uint8_t block[] = {EDGERNN_W_BLOCK(w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7], w[8], w[9], w[10],
                                                 w[11], w[12], w[13], w[14], w[15])};
        memcpy(blocks, block, sizeof block);
        blocks += sizeof block;
    }
}

/* Operands of a linear that takes int16, widened where they are not. */
static const edgernn_operand_s16_t *expand_wide(const engine_t *engine, const engine_op_t *op, uint8_t *values)
{
    const size_t columns = op->sparse.kernel.columns;
    uint8_t *const expanded = values + engine->room;
    const int16_t *v = (const int16_t *)(const void *)(values + op->a);
    if (op->bytes == 1u) {
        const int8_t *const narrow = (const int8_t *)(values + op->a);
        int16_t *const widened = (int16_t *)(void *)(expanded + EDGERNN_ROUND_UP(room(columns, 1), ENGINE_ALIGNMENT));
        for (size_t i = 0; i < columns; ++i) {
            widened[i] = narrow[i];
        }
        v = widened;
    }
    return edgernn_expand_s16(v, columns, (edgernn_operand_s16_t *)(void *)expanded);
}

static const edgernn_operand_s8_t *expand(const engine_t *engine, const engine_op_t *op, uint8_t *values)
{
    edgernn_operand_s8_t *const expanded = (edgernn_operand_s8_t *)(void *)(values + engine->room);
    return edgernn_expand_s8((const int8_t *)(values + op->a), op->sparse.kernel.columns, expanded);
}

static void linear(const engine_t *engine, const engine_op_t *op, uint8_t *values)
{
    int16_t *const out = (int16_t *)(void *)(values + op->out);
    const int is_sparse = op->sparse.first != NULL;
    if (op->wide) {
        const edgernn_operand_s16_t *const v = expand_wide(engine, op, values);
        if (is_sparse) {
            edgernn_sparse_s16(&op->sparse, 0, op->size, v, out);
        } else {
            edgernn_linear_s16(&op->sparse.kernel, 0, op->size, v, out);
        }
    } else {
        const edgernn_operand_s8_t *const v = expand(engine, op, values);
        if (is_sparse) {
            edgernn_sparse_s8(&op->sparse, 0, op->size, v, out);
        } else {
            edgernn_linear_s8(&op->sparse.kernel, 0, op->size, v, out);
        }
    }
}

/* The op for several streams at once; 0 where the family has nothing for that. */
static int product(const engine_t *engine, const engine_op_t *op, uint8_t *values, size_t count)
{
#if defined(EDGERNN_HAS_PRODUCT)
    if (op->kind == ENGINE_LINEAR && op->sparse.first == NULL && !op->wide) {
        for (size_t i = 0; i < count; ++i) {
            (void)expand(engine, op, values + i * engine->stride);
        }
        const int8_t *const v = (const int8_t *)(values + engine->room);
        int16_t *const out = (int16_t *)(void *)(values + op->out);
        const size_t step = engine->stride;
        edgernn_product_s8(&op->sparse.kernel, op->size, v, step, count, out, step / sizeof *out);
        return 1;
    }
#else
    (void)engine;
    (void)op;
    (void)values;
    (void)count;
#endif
    return 0;
}

/*
 * A loop over the elements of a result, as many at once as lanes hold: beyond the last one, every tensor has room for
 * them, and any number may stand there. What does not change from element to element stands in front of the loop.
 */
#define EACH(expression)                                     \
    for (size_t i = 0; i < size; i += EDGERNN_LANES) {       \
        edgernn_store(out + i, EDGERNN_LANES, (expression)); \
    }                                                        \
    break
#define A edgernn_load(a + i, EDGERNN_LANES)
#define B edgernn_load(b + i, EDGERNN_LANES)

static void operand_s8(const engine_op_t *op, const int16_t *a, int8_t *out)
{
    const int shift = op->shift;
    for (size_t i = 0; i < op->size; i += EDGERNN_LANES) {
        edgernn_store_s8(out + i, EDGERNN_LANES, edgernn_operand(A, shift, EDGERNN_INT8_LIMIT));
    }
}

static void compute_op(const engine_t *engine, const engine_op_t *op, uint8_t *values)
{
    const int16_t *const a = (const int16_t *)(const void *)(values + op->a);
    const int16_t *const b = (const int16_t *)(const void *)(values + op->b);
    int16_t *const out = (int16_t *)(void *)(values + op->out);
    const size_t size = op->size;
    const int a_frac = op->a_frac, b_frac = op->b_frac, frac = op->frac, shift = op->shift;

    switch (op->kind) {
    case ENGINE_LINEAR:
        linear(engine, op, values);
        break;
    case ENGINE_OPERAND:
        if (op->bytes == 1u) {
            operand_s8(op, a, (int8_t *)(values + op->out));
            break;
        }
        EACH(edgernn_operand(A, shift, EDGERNN_INT16_LIMIT));
    case ENGINE_REQUANTIZE:
        EACH(edgernn_requantize(A, shift));
    case ENGINE_SPLIT:
        break;
    case ENGINE_ADD:
        EACH(edgernn_add(A, B, a_frac, b_frac, frac));
    case ENGINE_SUB:
        EACH(edgernn_sub(A, B, a_frac, b_frac, frac));
    case ENGINE_MUL:
        EACH(edgernn_mul(A, B, shift));
    case ENGINE_SIGMOID:
        EACH(edgernn_sigmoid(A));
    case ENGINE_TANH:
        EACH(edgernn_tanh(A));
    case ENGINE_RELU:
        EACH(edgernn_relu(A));
    }
}

static void compute_ops(const engine_t *engine, uint32_t first, uint32_t end, uint8_t *values, size_t count)
{
    for (uint32_t i = first; i < end; ++i) {
        const engine_op_t *const op = &engine->ops[i];
        if (count > 1u && product(engine, op, values, count)) {
            continue;
        }
        for (size_t stream = 0; stream < count; ++stream) {
            compute_op(engine, op, values + stream * engine->stride);
        }
    }
}

const engine_family_t FAMILY = {
    EDGERNN_FAMILY, EDGERNN_LANES == 1u, room, convert, compute_ops,
};
