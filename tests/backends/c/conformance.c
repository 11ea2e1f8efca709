/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runtime's primitives as a program, for tests/backends/c/conformance.py: it does what stands in the file `calls`
 * of the folder it runs in, leaves what came out in `results`, and prints its family. Numbers are little-endian.
 *
 * Arrays end where memory ends: who reads or writes behind one is stopped, where there is an operating system.
 */
#define _POSIX_C_SOURCE 200809L

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "edgernn.h"

#define PAGE 4096
#define LARGE (33 * PAGE)
#define SMALL (2 * PAGE)

/* The arrays of a call: of numbers, then of a linear only. */
enum { A, B, OUT, LARGE_ARRAYS, WEIGHTS = LARGE_ARRAYS, BIAS, SHIFT, FIRST, INDEX, ARRAYS };

/* KINDS of conformance.py. */
enum { ADD, SUB, MUL, MUL_GATE, REQUANTIZE, OPERAND, RELU, SIGMOID, TANH, NARROW, LINEAR };

static uint8_t large[LARGE_ARRAYS][LARGE + PAGE] __attribute__((aligned(PAGE)));
static uint8_t small[ARRAYS - LARGE_ARRAYS][SMALL + PAGE] __attribute__((aligned(PAGE)));
static int calls, results;

static uint8_t *end_of(int array)
{
    return array < LARGE_ARRAYS ? large[array] + LARGE : small[array - LARGE_ARRAYS] + SMALL;
}

#if defined(__linux__)

#include <sys/mman.h>

static void begin(void)
{
    for (int array = 0; array < ARRAYS; ++array) {
        if (mprotect(end_of(array), PAGE, PROT_NONE) != 0) {
            _exit(3);
        }
    }
}

#else

void initialise_monitor_handles(void);
void ticks_interrupt(void);

/* The board's table of exceptions has it. */
void ticks_interrupt(void)
{
}

static void begin(void)
{
    initialise_monitor_handles();
}

#endif

/* Room for so many bytes, as far behind as its alignment allows. */
static void *room_of(int array, size_t bytes, size_t alignment)
{
    uint8_t *const place = end_of(array) - bytes;
    return place - (uintptr_t)place % alignment;
}

/* Whether there was something to read; the program ends where not all of it is there. */
static int get(void *to, size_t bytes)
{
    size_t done = 0;
    while (done < bytes) {
        const ssize_t count = read(calls, (uint8_t *)to + done, bytes - done);
        if (count <= 0) {
            if (done == 0u) {
                return 0;
            }
            _exit(4);
        }
        done += (size_t)count;
    }
    return 1;
}

static void *get_array(int array, size_t bytes)
{
    void *const place = room_of(array, bytes, 1u);
    get(place, bytes);
    return place;
}

static void put(int file, const void *from, size_t bytes)
{
    size_t done = 0;
    while (done < bytes) {
        const ssize_t count = write(file, (const uint8_t *)from + done, bytes - done);
        if (count <= 0) {
            _exit(5);
        }
        done += (size_t)count;
    }
}

static edgernn_lanes_t primitive(int32_t kind, edgernn_lanes_t a, edgernn_lanes_t b, const int32_t *constants)
{
    switch (kind) {
    case ADD:
        return edgernn_add(a, b, constants[0], constants[1], constants[2]);
    case SUB:
        return edgernn_sub(a, b, constants[0], constants[1], constants[2]);
    case MUL:
        return edgernn_mul(a, b, constants[0]);
    case MUL_GATE:
        return edgernn_mul_gate(a, b, constants[0]);
    case REQUANTIZE:
        return edgernn_requantize(a, constants[0]);
    case OPERAND:
        return edgernn_operand(a, constants[0], (int16_t)constants[1]);
    case RELU:
        return edgernn_relu(a);
    case SIGMOID:
        return edgernn_sigmoid(a);
    default:
        return edgernn_tanh(a);
    }
}

/* To int8 and back. */
static void narrow(size_t n, const int16_t *a, int8_t *between, int16_t *out)
{
    for (size_t i = 0; i < n; i += EDGERNN_LANES) {
        edgernn_store_s8(between + i, n - i, edgernn_load(a + i, n - i));
    }
    for (size_t i = 0; i < n; ++i) {
        out[i] = between[i];
    }
}

/* Vectors of `elements`, once with each of `sets` of constants. */
static void elementwise(int32_t kind)
{
    int32_t header[2];
    int32_t constants[512][3];
    get(header, sizeof header);
    const size_t n = (size_t)header[0], sets = (size_t)header[1], bytes = n * sizeof(int16_t);
    get(constants, sets * sizeof constants[0]);
    const int16_t *const a = get_array(A, bytes);
    const int16_t *const b = kind <= MUL_GATE ? get_array(B, bytes) : a;
    int16_t *const out = room_of(OUT, bytes, 1u);
    for (size_t set = 0; set < sets; ++set) {
        if (kind == NARROW) {
            narrow(n, a, room_of(B, n, 1u), out);
        } else {
            for (size_t i = 0; i < n; i += EDGERNN_LANES) {
                const edgernn_lanes_t x = edgernn_load(a + i, n - i), y = edgernn_load(b + i, n - i);
                edgernn_store(out + i, n - i, primitive(kind, x, y, constants[set]));
            }
        }
        put(results, out, bytes);
    }
}

typedef struct {
    int32_t wide, sparse, has_bias, columns, filled, blocks, row, rows;
} linear_t;

#define BLOCK_BYTES (EDGERNN_BLOCK * EDGERNN_BLOCK)
#define ROW(w) (w)[0], (w)[1], (w)[2], (w)[3]
#define BLOCK(w) ROW(w), ROW((w) + 4), ROW((w) + 8), ROW((w) + 12)
#define WORDS(macro, ...) macro(__VA_ARGS__)

/* Weights as a model's source would have them, from blocks row by row. */
static const uint8_t *weights_of(const linear_t *call)
{
    const size_t bytes = (size_t)call->blocks * BLOCK_BYTES;
    const int8_t *const plain = (const int8_t *)large[OUT];
    uint8_t *const weights = room_of(WEIGHTS, bytes + EDGERNN_SLACK, EDGERNN_ALIGNMENT);
    get(large[OUT], bytes);
    for (size_t i = 0; i < bytes; i += BLOCK_BYTES) {
        const int8_t *const w = plain + i;
        const uint8_t s8[] = {WORDS(EDGERNN_W_BLOCK, BLOCK(w))}, s16[] = {WORDS(EDGERNN_W_S16_BLOCK, BLOCK(w))};
        memcpy(weights + i, call->wide ? s16 : s8, BLOCK_BYTES);
    }
    return weights;
}

/* Expands the operands and multiplies. */
#define MULTIPLY(type, operands_of)                                                                              \
    do {                                                                                                         \
        const size_t room = operands_of(columns) * sizeof(edgernn_operand_##type##_t);                           \
        const edgernn_operand_##type##_t *const operands =                                                       \
            edgernn_expand_##type(get_array(A, columns * size), columns, room_of(B, room, EDGERNN_ALIGNMENT));   \
        if (call.sparse) {                                                                                       \
            edgernn_sparse_##type(&sparse, row, rows, operands, out);                                            \
        } else {                                                                                                 \
            edgernn_linear_##type(&sparse.kernel, row, rows, operands, out);                                     \
        }                                                                                                        \
    } while (0)

/* One vector. The results and two numbers behind them, which are 77 before and should be after. */
static void linear(void)
{
    linear_t call;
    edgernn_sparse_t sparse = {{NULL, NULL, NULL, 0u}, NULL, NULL};
    get(&call, sizeof call);
    const size_t columns = (size_t)call.columns, row = (size_t)call.row, rows = (size_t)call.rows;
    const size_t filled = (size_t)call.filled, size = call.wide ? sizeof(int16_t) : sizeof(int8_t);
    sparse.kernel.weights = weights_of(&call);
    sparse.kernel.columns = columns;
    if (call.has_bias) {
        sparse.kernel.bias = get_array(BIAS, filled * sizeof(int32_t));
    }
    sparse.kernel.shift = get_array(SHIFT, filled);
    if (call.sparse) {
        sparse.first = get_array(FIRST, (filled / EDGERNN_BLOCK + 1u) * sizeof(uint16_t));
        sparse.index = get_array(INDEX, (size_t)call.blocks);
    }
    int16_t *const out = room_of(OUT, (rows + 2u) * sizeof(int16_t), 1u);
    for (size_t i = 0; i < rows + 2u; ++i) {
        out[i] = 77;
    }
    if (call.wide) {
        MULTIPLY(s16, EDGERNN_OPERANDS_S16);
    } else {
        MULTIPLY(s8, EDGERNN_OPERANDS_S8);
    }
    put(results, out, (rows + 2u) * sizeof(int16_t));
}

int main(void)
{
    int32_t kind;
    begin();
    put(1, EDGERNN_FAMILY, sizeof EDGERNN_FAMILY - 1u);
    calls = open("calls", O_RDONLY);
    results = open("results", O_WRONLY | O_CREAT | O_TRUNC, 0644);
    while (get(&kind, sizeof kind)) {
        if (kind == LINEAR) {
            linear();
        } else {
            elementwise(kind);
        }
    }
    close(results);
    _exit(0);
}
