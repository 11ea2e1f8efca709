/* SPDX-License-Identifier: Apache-2.0 */
/* A program's bytes as serialize.py lays them out: how to read them, for check.c and loader.c. */
#ifndef EDGERNN_PROGRAM_H
#define EDGERNN_PROGRAM_H

#include <stddef.h>
#include <stdint.h>

#include "engine.h"

#define REQUIRE(condition, problem) \
    do {                            \
        if (!(condition)) {         \
            return (problem);       \
        }                           \
    } while (0)

/* The bytes of a program, and where its tables are. */
typedef struct {
    const uint8_t *bytes, *tensors, *states, *ops;
    size_t size;
    uint32_t tensor_count, state_count, op_count, y;
} program_t;

typedef struct {
    uint32_t size;
    int frac;
    uint8_t bytes;
    uint8_t operand; /* whether a linear may read it */
} tensor_t;

/* out: the first of `outputs` tensors that the op computes. */
typedef struct {
    uint32_t kind, a, b, outputs, constants, out;
} op_t;

/* The constants of a linear: bias [rows], frac [rows], weights [rows][columns]. */
typedef struct {
    const uint8_t *bias, *frac, *weights;
} constants_t;

/* NULL if the bytes are a legal program, or the rule that they break. */
const char *program_check(const uint8_t *bytes, size_t size, program_t *program);

/* Of a table that is there; the numbers are within it. */
tensor_t program_tensor(const program_t *program, uint32_t number);
op_t program_op(const program_t *program, uint32_t number, uint32_t out);
uint32_t program_written(const program_t *program, uint32_t state);
constants_t program_constants(const program_t *program, const op_t *op);

int64_t program_row_shift(const program_t *program, const op_t *op, const constants_t *constants, uint32_t row);
int64_t program_bias(const constants_t *constants, uint32_t row);
int program_weight(const constants_t *constants, size_t place);
int program_shift(const program_t *program, const op_t *op);
int16_t program_limit(const tensor_t *operand);

#endif
