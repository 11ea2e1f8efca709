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

/* What memory and values have to be aligned to: all sizes are multiples of it. */
#define ENGINE_ALIGNMENT 64u
/* Bytes behind weights that a kernel may read. */
#define ENGINE_SLACK 64u

/* Where a tensor stands among the values of a stream. A part of a split stands inside of the whole. */
typedef struct {
    size_t offset; /* in bytes */
    size_t size;
    uint8_t bytes; /* of an element, 1 or 2 */
    uint8_t early; /* depends on x alone */
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
    size_t a, b, out;         /* offsets among the values, in bytes */
    int a_frac, b_frac, frac; /* of the inputs and the result: add, sub */
    int shift;                /* mul, requantize, operand */
    int16_t limit;            /* operand */
    uint8_t bytes;            /* of an element of the result of an operand, of the input of a linear */
    uint8_t wide;             /* linear: its kernel takes int16 */
    edgernn_sparse_t sparse;  /* linear; `first` is NULL where no block is left out */
} engine_op_t;

typedef struct engine engine_t;

/* What depends on the processor's family: family.c, compiled once for each. */
typedef struct {
    const char *name;
    /* Whether leaving blocks of zeros out is faster: vectors take all in less time than it takes to find some. */
    int skips_zeros;
    /* Bytes of expanded operands for a linear: int16 ones where it is `wide`. */
    size_t (*room)(size_t columns, int wide);
    /* Blocks of weights for int8 operands, from two's complement row by row to what the family wants. */
    void (*convert)(uint8_t *blocks, size_t count);
    /* The ops from `first` up to `end` for `count` streams, whose values follow one another. */
    void (*compute)(const engine_t *engine, uint32_t first, uint32_t end, uint8_t *values, size_t count);
} engine_family_t;

/*
 * tensors: x, then the states in order, then what the ops compute, in order; written: the tensor that each state
 * becomes. The first early_count ops depend on x alone; a split is no op here. A stream's values take `stride` bytes:
 * x, the states, which take state_size together, all that is computed, room for the states once more, and for operands.
 */
struct engine {
    const engine_family_t *family;
    const engine_tensor_t *tensors;
    const engine_op_t *ops;
    const uint32_t *written;
    uint32_t tensor_count, op_count, early_count, state_count, y;
    size_t state, state_size, new_states, room, stride;
    int16_t x_limit;
};

/*
 * NULL and the bytes of memory that `engine_load` needs; or the rule that these bytes break, as a sentence.
 * Anything may stand in `bytes`. A program that passes runs without undefined behaviour on every legal input.
 */
const char *engine_check(const uint8_t *bytes, size_t size, size_t *memory_size);

/*
 * Builds an engine in `memory`, which is aligned to ENGINE_ALIGNMENT and does not change as long as the engine is used;
 * `bytes` is not needed afterwards. NULL and the engine, or a sentence as `engine_check` gives it.
 */
const char *engine_load(const uint8_t *bytes, size_t size, const engine_family_t *family, void *memory,
                        size_t memory_size, const engine_t **engine);

/* The states before the first step: zero. */
void engine_reset(const engine_t *engine, uint8_t *values);

/*
 * One step of `count` streams, whose values follow one another: every tensor from x, within +-x_limit, and the states.
 */
void engine_step(const engine_t *engine, uint8_t *values, size_t count);

/* The new states among the values `from` become the states among `to`, which may be the same. */
void engine_advance(const engine_t *engine, uint8_t *from, uint8_t *to);

/*
 * `count` steps of one stream, whose states are among the first of `count` values that follow one another, with an x in
 * each of them. What depends on x alone is computed for all steps at once. The last step's new states have not taken
 * the place of the old ones yet.
 */
void engine_sequence(const engine_t *engine, uint8_t *values, size_t count);

/*
 * Runs: from operands x to results y, in the types of the program; new states take the place of the old ones.
 * Together: `count` streams, whose values follow one another, through x [count][steps][F] to y [count][steps][K].
 * Alone: a stream, whose states are among the first of ENGINE_BATCH values, through x [steps][F] to y [steps][K].
 * Windows: from states of zero, x [windows][steps][F] to y [windows][steps][K]; there are ENGINE_BATCH values.
 */
#define ENGINE_BATCH 16u
void engine_run_together(const engine_t *engine, uint8_t *values, size_t count, const uint8_t *x, size_t steps,
                         uint8_t *y);
void engine_run_alone(const engine_t *engine, uint8_t *values, const uint8_t *x, size_t steps, uint8_t *y);
void engine_run_windows(const engine_t *engine, uint8_t *values, size_t windows, const uint8_t *x, size_t steps,
                        uint8_t *y);

/* The families that this machine can run, the best one first; NULL behind the last one, the portable one. */
const engine_family_t *engine_family(size_t number);

#endif
