/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing in a program's bytes is trusted: the rules are those of edgernn/spec/program.py and of the format. */
#include "program.h"

#define MAGIC 0x4E524445u /* "EDRN" */
#define HEADER 24u
#define TENSOR 8u
#define STATE 4u
#define OP 20u

#define MAX_BYTES INT32_MAX
#define MAX_SIZE (1u << 20)
#define MAX_VALUES (1u << 24)
#define MAX_FRAC 32
#define MAX_SHIFT 30
#define MIN_MUL_SHIFT 2
#define MAX_REQUANTIZE_SHIFT 15
#define MAX_ALIGN 13
#define MAX_WEIGHT 127
#define ACCUMULATOR_LIMIT ((1 << 30) - 1)
#define SIGMOID_FRAC 11
#define TANH_FRAC 13
#define UNIT_FRAC 15

static uint32_t read_u32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static int64_t read_i32(const uint8_t *bytes)
{
    const int64_t value = read_u32(bytes);
    return value > INT32_MAX ? value - ((int64_t)1 << 32) : value;
}

static int read_i8(const uint8_t *byte)
{
    return *byte > INT8_MAX ? *byte - 256 : *byte;
}

static int64_t magnitude(int64_t value)
{
    return value < 0 ? -value : value;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

tensor_t program_tensor(const program_t *program, uint32_t index)
{
    const uint8_t *const entry = program->tensors + (size_t)index * TENSOR;
    const tensor_t tensor = {read_u32(entry), read_i8(entry + 4), entry[5], entry[6]};
    return tensor;
}

op_t program_op(const program_t *program, uint32_t index, uint32_t out)
{
    const uint8_t *const entry = program->ops + (size_t)index * OP;
    const op_t op = {read_u32(entry),      read_u32(entry + 4),  read_u32(entry + 8),
                     read_u32(entry + 12), read_u32(entry + 16), out};
    return op;
}

uint32_t program_written(const program_t *program, uint32_t state)
{
    return read_u32(program->states + (size_t)state * STATE);
}

static uint64_t constants_size(uint64_t rows, uint64_t columns)
{
    return rows * (8u + columns);
}

constants_t program_constants(const program_t *program, const op_t *op)
{
    const uint8_t *const first = program->bytes + op->constants;
    const size_t rows = program_tensor(program, op->out).size;
    const constants_t constants = {first, first + 4u * rows, first + 8u * rows};
    return constants;
}

int64_t program_row_shift(const program_t *program, const op_t *op, const constants_t *constants, uint32_t row)
{
    const int change = program_tensor(program, op->a).frac - program_tensor(program, op->out).frac;
    return read_i32(constants->frac + 4u * (size_t)row) + change;
}

int64_t program_bias(const constants_t *constants, uint32_t row)
{
    return read_i32(constants->bias + 4u * (size_t)row);
}

int program_weight(const constants_t *constants, size_t place)
{
    return read_i8(constants->weights + place);
}

static int is_binary(uint32_t kind)
{
    return kind == ENGINE_ADD || kind == ENGINE_SUB || kind == ENGINE_MUL;
}

int program_shift(const program_t *program, const op_t *op)
{
    const int other = op->kind == ENGINE_MUL ? program_tensor(program, op->b).frac : 0;
    return program_tensor(program, op->a).frac + other - program_tensor(program, op->out).frac;
}

int16_t program_limit(const tensor_t *operand)
{
    return operand->bytes == 1u ? EDGERNN_INT8_LIMIT : EDGERNN_INT16_LIMIT;
}

static const char *open_program(const uint8_t *bytes, size_t size, program_t *program)
{
    REQUIRE(size >= HEADER, "the program ends in its header");
    REQUIRE(size <= MAX_BYTES, "the program is too large");
    REQUIRE(read_u32(bytes) == MAGIC, "these bytes are no program");
    REQUIRE(read_u32(bytes + 4) == EDGERNN_SPEC_VERSION, "the program has another version of the specification");
    program->bytes = bytes;
    program->size = size;
    program->tensor_count = read_u32(bytes + 8);
    program->state_count = read_u32(bytes + 12);
    program->op_count = read_u32(bytes + 16);
    program->y = read_u32(bytes + 20);
    const uint64_t states = HEADER + (uint64_t)TENSOR * program->tensor_count;
    const uint64_t ops = states + (uint64_t)STATE * program->state_count;
    REQUIRE(ops + (uint64_t)OP * program->op_count <= size, "the program ends in its tables");
    program->tensors = bytes + HEADER;
    program->states = bytes + (size_t)states;
    program->ops = bytes + (size_t)ops;
    return NULL;
}

static const char *check_tensor(const tensor_t *tensor)
{
    REQUIRE(tensor->size >= 1u && tensor->size <= MAX_SIZE, "a tensor's size is not 1..2**20");
    REQUIRE(magnitude(tensor->frac) <= MAX_FRAC, "a tensor's frac is out of range");
    REQUIRE(tensor->bytes == 1u || tensor->bytes == 2u, "a tensor's dtype is unknown");
    REQUIRE(tensor->operand <= 1u, "a tensor's flag is unknown");
    return NULL;
}

static const char *check_row(const constants_t *constants, uint32_t row, uint32_t columns, int64_t limit, int64_t shift)
{
    REQUIRE(shift >= 1 && shift <= MAX_SHIFT, "a row's shift is not 1..30");
    const size_t first = (size_t)row * columns;
    int64_t sum = 0;
    for (uint32_t i = 0; i < columns; ++i) {
        const int64_t weight = magnitude(program_weight(constants, first + i));
        REQUIRE(weight <= MAX_WEIGHT, "a weight is -128");
        sum += weight;
    }
    const int64_t bias = magnitude(program_bias(constants, row));
    REQUIRE(sum * limit + bias + ((int64_t)1 << (shift - 1)) <= ACCUMULATOR_LIMIT, "an accumulator can pass 2**30");
    return NULL;
}

static const char *check_linear(const program_t *program, const op_t *op)
{
    const tensor_t v = program_tensor(program, op->a), out = program_tensor(program, op->out);
    REQUIRE(v.operand, "the input of a linear is no operand");
    REQUIRE(op->constants + constants_size(out.size, v.size) <= program->size, "the program ends in its constants");
    const constants_t constants = program_constants(program, op);
    for (uint32_t row = 0; row < out.size; ++row) {
        const int64_t shift = program_row_shift(program, op, &constants, row);
        const char *const problem = check_row(&constants, row, v.size, program_limit(&v), shift);
        REQUIRE(problem == NULL, problem);
    }
    return NULL;
}

static const char *check_split(const program_t *program, const op_t *op)
{
    const tensor_t whole = program_tensor(program, op->a), first = program_tensor(program, op->out);
    REQUIRE((uint64_t)op->outputs * first.size == whole.size, "a split has not the size of its parts");
    for (uint32_t i = 0; i < op->outputs; ++i) {
        const tensor_t part = program_tensor(program, op->out + i);
        REQUIRE(part.size == first.size, "the parts of a split differ in size");
        REQUIRE(part.frac == whole.frac, "a split changes the scale");
    }
    return NULL;
}

static const char *check_sum(int64_t a, int64_t b, int64_t out)
{
    REQUIRE(magnitude(a - b) <= MAX_ALIGN, "the scales of a sum's inputs are too far apart");
    const int64_t shift = larger(larger(a, b) - out, out - larger(a, b) + magnitude(a - b));
    REQUIRE(shift <= MAX_ALIGN, "the scale of a sum is too far off");
    return NULL;
}

static const char *check_activation(int in, int expected, int out)
{
    REQUIRE(in == expected && out == UNIT_FRAC, "a sigmoid or tanh has other scales than its table");
    return NULL;
}

static const char *check_kind(const program_t *program, const op_t *op)
{
    const int a = program_tensor(program, op->a).frac, b = program_tensor(program, op->b).frac;
    const int out = program_tensor(program, op->out).frac, shift = program_shift(program, op);

    switch ((engine_kind_t)op->kind) {
    case ENGINE_LINEAR:
        return check_linear(program, op);
    case ENGINE_SPLIT:
        return check_split(program, op);
    case ENGINE_ADD:
    case ENGINE_SUB:
        return check_sum(a, b, out);
    case ENGINE_SIGMOID:
        return check_activation(a, SIGMOID_FRAC, out);
    case ENGINE_TANH:
        return check_activation(a, TANH_FRAC, out);
    case ENGINE_OPERAND:
    case ENGINE_REQUANTIZE:
        REQUIRE(magnitude(shift) <= MAX_REQUANTIZE_SHIFT, "the shift of a requantize is not within +-15");
        return NULL;
    case ENGINE_MUL:
        REQUIRE(shift >= MIN_MUL_SHIFT && shift <= MAX_SHIFT, "the shift of a mul is not 2..30");
        return NULL;
    case ENGINE_RELU:
        REQUIRE(a == out, "a relu changes the scale");
        return NULL;
    }
    return "an op is unknown";
}

static const char *check_op(const program_t *program, const op_t *op)
{
    REQUIRE(op->kind <= ENGINE_RELU, "an op is unknown");
    REQUIRE(op->a < op->out && op->b < op->out, "an op reads what is not computed yet");
    REQUIRE(op->outputs >= 1u && op->outputs <= program->tensor_count - op->out, "an op computes too many tensors");
    REQUIRE(op->outputs == 1u || op->kind == ENGINE_SPLIT, "an op has more than one result");
    const tensor_t a = program_tensor(program, op->a), b = program_tensor(program, op->b);
    REQUIRE(a.bytes == 2u || op->kind == ENGINE_LINEAR, "an op reads int8");
    REQUIRE(b.bytes == 2u || !is_binary(op->kind), "an op reads int8");
    const int resizes = op->kind == ENGINE_LINEAR || op->kind == ENGINE_SPLIT;
    const uint32_t size = program_tensor(program, op->out).size;
    REQUIRE(resizes || a.size == size, "the sizes of an op differ");
    REQUIRE(b.size == size || !is_binary(op->kind), "the sizes of an op differ");
    for (uint32_t i = 0; i < op->outputs; ++i) {
        const tensor_t out = program_tensor(program, op->out + i);
        REQUIRE(out.operand == (op->kind == ENGINE_OPERAND), "a tensor's flag does not say what it is");
        REQUIRE(out.bytes == 2u || op->kind == ENGINE_OPERAND, "an op gives int8");
    }
    return check_kind(program, op);
}

static const char *check_states(const program_t *program)
{
    for (uint32_t i = 0; i < program->state_count; ++i) {
        REQUIRE(program_written(program, i) < program->tensor_count, "a state becomes a tensor that is not there");
        const tensor_t read = program_tensor(program, 1u + i);
        const tensor_t write = program_tensor(program, program_written(program, i));
        const int same = read.size == write.size && read.frac == write.frac && read.bytes == write.bytes;
        REQUIRE(same, "a state becomes a tensor that does not fit");
    }
    return NULL;
}

static const char *check_inputs(const program_t *program)
{
    REQUIRE(program->state_count < program->tensor_count, "the program has more inputs than tensors");
    for (uint32_t i = 0; i <= program->state_count; ++i) {
        REQUIRE(program_tensor(program, i).operand == (i == 0u), "of the inputs, x alone is an operand");
    }
    return NULL;
}

static const char *check_ops(const program_t *program)
{
    uint32_t known = 1u + program->state_count;
    for (uint32_t i = 0; i < program->op_count; ++i) {
        const op_t op = program_op(program, i, known);
        REQUIRE(known < program->tensor_count, "an op computes too many tensors");
        const char *const problem = check_op(program, &op);
        REQUIRE(problem == NULL, problem);
        known += op.outputs;
    }
    REQUIRE(known == program->tensor_count, "a tensor is never computed");
    return NULL;
}

const char *program_check(const uint8_t *bytes, size_t size, program_t *program)
{
    const char *problem = open_program(bytes, size, program);
    REQUIRE(problem == NULL, problem);
    uint64_t values = 0;
    for (uint32_t i = 0; i < program->tensor_count; ++i) {
        const tensor_t tensor = program_tensor(program, i);
        problem = check_tensor(&tensor);
        REQUIRE(problem == NULL, problem);
        values += tensor.size;
    }
    REQUIRE(values <= MAX_VALUES, "all tensors together have more than 2**24 values");
    problem = check_inputs(program);
    REQUIRE(problem == NULL, problem);
    problem = check_ops(program);
    REQUIRE(problem == NULL, problem);
    problem = check_states(program);
    REQUIRE(problem == NULL, problem);
    REQUIRE(program->y < program->tensor_count, "the output is not there");
    return NULL;
}
