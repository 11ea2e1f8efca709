/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An engine: a program of edgernn's specification that is loaded at run time, from the bytes that serialize.py writes.
 *
 * Nothing here allocates: the caller asks for sizes and owns all memory. A loaded engine is constant, so that threads
 * may share it; every stream has values of its own.
 */
#ifndef EDGERNN_ENGINE_H
#define EDGERNN_ENGINE_H

#include <stddef.h>
#include <stdint.h>

#include "edgernn.h"

/* Where a tensor stands among the values of a stream. A part of a split stands inside of the whole. */
typedef struct {
    size_t offset;
    size_t size;
    uint8_t bytes; /* of an element in the specification, 1 or 2; among the values all are int16 */
} engine_tensor_t;

/* In the order of serialize.py. */
typedef enum {
    ENGINE_LINEAR,
    ENGINE_OPERAND,
    ENGINE_REQUANTIZE,
    ENGINE_SPLIT,
    ENGINE_ADD,
    ENGINE_SUB,
    ENGINE_MUL,
    ENGINE_SIGMOID,
    ENGINE_TANH,
    ENGINE_RELU
} engine_kind_t;

typedef struct {
    engine_kind_t kind;
    size_t size;              /* elements of the result */
    size_t a, b, out;         /* offsets among the values */
    int a_frac, b_frac, frac; /* of the inputs and the result: add, sub */
    int shift;                /* mul, requantize, operand */
    int16_t limit;            /* operand */
    edgernn_kernel_t kernel;  /* linear */
} engine_op_t;

/*
 * tensors: x, then the states in order, then what the ops compute, in order; written: the tensor that each state
 * becomes. A stream's values, value_count of them: x, the states, which have state_size together, all that is computed,
 * and room for the states once more.
 */
typedef struct {
    const engine_tensor_t *tensors;
    const engine_op_t *ops;
    const uint32_t *written;
    uint32_t tensor_count, op_count, state_count, y;
    size_t state_size, value_count;
    int16_t x_limit;
} engine_t;

/*
 * NULL and the bytes of memory that `engine_load` needs; or the rule that these bytes break, as a sentence.
 * Anything may stand in `bytes`. A program that passes runs without undefined behaviour on every legal input.
 */
const char *engine_check(const uint8_t *bytes, size_t size, size_t *memory_size);

/*
 * Builds an engine in `memory`, which is aligned as malloc aligns and does not change as long as the engine is used;
 * `bytes` is not needed afterwards. NULL and the engine, or a sentence as `engine_check` gives it.
 */
const char *engine_load(const uint8_t *bytes, size_t size, void *memory, size_t memory_size, const engine_t **engine);

/* The states before the first step: zero. values: value_count of them. */
void engine_reset(const engine_t *engine, int16_t *values);

/* Computes every tensor from x, within +-x_limit, and the states. */
void engine_step(const engine_t *engine, int16_t *values);

/* The new states take the place of the old ones. */
void engine_advance(const engine_t *engine, int16_t *values);

#endif
