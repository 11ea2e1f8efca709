/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads damaged programs and steps those that load: fuzz_loader FIRST COUNT FILE...
 *
 * The inputs follow from their number alone. All memory is exactly as large as asked for, so that the sanitizers see a
 * byte beyond. Prints whose kernels were used, how many inputs there were, how many of them loaded, how many of those
 * were stepped, and a checksum of what they computed.
 */
#define _POSIX_C_SOURCE 200112L
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"

#define MAX_FILES 256
#define MAX_BYTES 4096
#define MAX_VALUES 65536u
#define STREAMS 3u
#define HEADER 24u
#define WORD 4u

typedef struct {
    uint8_t bytes[MAX_BYTES];
    size_t size;
} input_t;

static uint64_t random_state, checksum = 0xCBF29CE484222325u;

/* xorshift64* */
static uint32_t draw(uint32_t below)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (uint32_t)((random_state * 0x2545F4914F6CDD1Du) >> 32) % below;
}

static void stop(const char *problem)
{
    (void)fprintf(stderr, "%s\n", problem);
    exit(1);
}

static void *allocate(size_t size)
{
    void *memory = NULL;
    if (posix_memalign(&memory, ENGINE_ALIGNMENT, size > 0u ? size : 1u) != 0) {
        stop("out of memory");
    }
    return memory;
}

static void read_file(const char *name, input_t *input)
{
    FILE *const file = fopen(name, "rb");
    if (file == NULL) {
        stop("a file can't be read");
    }
    input->size = fread(input->bytes, 1, MAX_BYTES, file);
    if (input->size < HEADER || input->size == MAX_BYTES) {
        stop("a file is empty or too large");
    }
    (void)fclose(file);
}

static uint32_t interesting(void)
{
    static const uint32_t values[] = {
        0,       1,       2,         3,         4,           5,           127,         128,         255,         256,
        0x7FFFu, 0x8000u, 0x100000u, 0x100001u, 0x3FFFFFFFu, 0x40000000u, 0x7FFFFFFFu, 0x80000000u, 0xFFFFFFFEu,
        0xFFFFFFFFu};
    return values[draw(sizeof values / sizeof *values)];
}

static void put_word(input_t *input, size_t at, uint32_t value)
{
    for (size_t i = 0; i < WORD && at + i < input->size; ++i) {
        input->bytes[at + i] = (uint8_t)(value >> (8u * i));
    }
}

/* One change: of a bit, a byte or a word anywhere, of a word in the tables, of two places, or of the length. */
static void mutate(input_t *input)
{
    const uint32_t size = (uint32_t)input->size, at = draw(size);
    const uint32_t table = size / 2u / WORD, word = WORD * draw(table > 0u ? table : 1u);
    uint32_t other;
    switch (draw(8)) {
    case 0:
        input->bytes[at] = (uint8_t)(input->bytes[at] ^ 1u << draw(8));
        break;
    case 1:
        input->bytes[at] = (uint8_t)draw(256);
        break;
    case 2:
        put_word(input, at, interesting());
        break;
    case 3:
        put_word(input, word, interesting());
        break;
    case 4:
        put_word(input, word, draw(32));
        break;
    case 5:
        input->bytes[word] = (uint8_t)(input->bytes[word] + draw(3) - 1u);
        break;
    case 6:
        other = WORD * draw(table + 1u);
        memmove(input->bytes + word, input->bytes + other, WORD * (1u + draw(5)));
        break;
    default:
        if (draw(8) == 0u) {
            input->size = 1u + at;
        }
    }
}

static void check(int holds, const char *problem)
{
    if (!holds) {
        stop(problem);
    }
}

static void put_operands(const engine_t *engine, uint8_t *values)
{
    const uint32_t limit = (uint32_t)engine->x_limit;
    for (size_t i = 0; i < engine->tensors[0].size; ++i) {
        const int16_t operand = (int16_t)((int32_t)draw(2u * limit + 1u) - (int32_t)limit);
        if (engine->tensors[0].bytes == 1u) {
            ((int8_t *)values)[i] = (int8_t)operand;
        } else {
            ((int16_t *)(void *)values)[i] = operand;
        }
    }
}

/* FNV-1a of all tensors. */
static void add_tensors(const engine_t *engine, const uint8_t *values)
{
    for (uint32_t i = 0; i < engine->tensor_count; ++i) {
        const engine_tensor_t *const tensor = &engine->tensors[i];
        for (size_t k = 0; k < tensor->size * tensor->bytes; ++k) {
            checksum = (checksum ^ values[tensor->offset + k]) * 0x100000001B3u;
        }
    }
}

/* Values of any numbers: x and the states are the same however many bytes a family takes. */
static void put_inputs(const engine_t *engine, uint8_t *values)
{
    const uint64_t before = random_state;
    for (size_t i = 0; i < engine->stride; ++i) {
        values[i] = (uint8_t)draw(256);
    }
    random_state = before;
    put_operands(engine, values);
    for (size_t i = 0; i < engine->state_size; ++i) {
        values[engine->state + i] = (uint8_t)draw(256);
    }
}

static void step(const engine_t *engine)
{
    uint8_t *const values = allocate(STREAMS * engine->stride);
    for (uint32_t i = 0; i < engine->tensor_count; ++i) {
        const engine_tensor_t *const tensor = &engine->tensors[i];
        check(tensor->offset + tensor->size * tensor->bytes <= engine->new_states, "a tensor is beyond the values");
    }
    for (size_t i = 0; i < STREAMS; ++i) {
        put_inputs(engine, values + i * engine->stride);
    }
    engine_sequence(engine, values, STREAMS);
    add_tensors(engine, values + (STREAMS - 1u) * engine->stride);
    engine_step(engine, values, STREAMS);
    for (size_t i = 0; i < STREAMS; ++i) {
        engine_advance(engine, values + i * engine->stride, values + i * engine->stride);
    }
    engine_step(engine, values, 1);
    add_tensors(engine, values);
    engine_reset(engine, values);
    free(values);
}

/* Whether it loads; then *stepped counts it if it is small enough to be stepped. */
static int try_input(const input_t *input, long *stepped)
{
    uint8_t *const bytes = allocate(input->size);
    memcpy(bytes, input->bytes, input->size);
    size_t needed = 0;
    const int loads = engine_check(bytes, input->size, &needed) == NULL;
    if (loads && needed <= 1u << 20) {
        void *const memory = allocate(needed);
        const engine_t *engine = NULL;
        const engine_family_t *const family = engine_family(0);
        const char *problem = engine_load(bytes, input->size, family, memory, needed - 1u, &engine);
        check(problem != NULL, "too little memory is taken");
        problem = engine_load(bytes, input->size, family, memory, needed, &engine);
        check(problem == NULL, "a checked program does not load");
        memset(bytes, 0, input->size);
        if (engine->stride <= MAX_VALUES) {
            step(engine);
            ++*stepped;
        }
        free(memory);
    }
    free(bytes);
    return loads;
}

int main(int argc, char **argv)
{
    static input_t files[MAX_FILES];
    const long first = argc > 3 ? strtol(argv[1], NULL, 10) : 0, count = argc > 3 ? strtol(argv[2], NULL, 10) : 0;
    const uint32_t file_count = (uint32_t)(argc - 3);
    if (count < 1 || file_count > MAX_FILES) {
        stop("fuzz_loader FIRST COUNT FILE...");
    }
    for (uint32_t i = 0; i < file_count; ++i) {
        read_file(argv[3 + i], &files[i]);
    }
    size_t unused;
    check(engine_check(files[0].bytes, (size_t)INT32_MAX + 1u, &unused) != NULL, "a huge program is taken");
    long loaded = 0, stepped = 0;
    for (long number = first; number < first + count; ++number) {
        random_state = ((uint64_t)number + 1u) * 0x9E3779B97F4A7C15u;
        input_t input = files[draw(file_count)];
        for (uint32_t changes = draw(4); changes > 0u; --changes) {
            mutate(&input);
        }
        loaded += try_input(&input, &stepped);
    }
    (void)printf("%s %ld %ld %ld %016" PRIx64 "\n", engine_family(0)->name, count, loaded, stepped, checksum);
    return 0;
}
