/* SPDX-License-Identifier: Apache-2.0 */
/* From a legal program to an engine: where every tensor stands, and the weights as the kernels read them. */
#include <string.h>

#include "program.h"

/* From here on sums of products are too large for a linear of int8 operands: edgernn.h. */
#define WIDE_SUM ((int64_t)1 << 23)

/* When blocks of zeros are left out: the rule of edgernn/backends/c/layout.py. */
#define SPARSE_SHARE(blocks) ((uint64_t)(blocks) * 3u / 4u)
#define MAX_SPARSE_COLUMNS 256u /* of blocks */
#define MAX_SPARSE_BLOCKS 65535u

#define BLOCK_BYTES (EDGERNN_BLOCK * EDGERNN_BLOCK)

/* A matrix of bands x columns blocks, of which `kept` are stored. */
typedef struct {
    uint32_t rows, columns;
    size_t bands, block_columns, kept;
    uint8_t wide, sparse;
} layout_t;

static uint64_t padded(uint64_t size)
{
    return (size + ENGINE_ALIGNMENT - 1u) / ENGINE_ALIGNMENT * ENGINE_ALIGNMENT;
}

/* Four weights of a row, in two's complement; zeros beyond the matrix. */
static void read_word(const constants_t *constants, const layout_t *layout, size_t row, size_t column, uint8_t word[4])
{
    for (size_t i = 0; i < EDGERNN_BLOCK; ++i) {
        const int there = row < layout->rows && column + i < layout->columns;
        word[i] = there ? (uint8_t)program_weight(constants, row * layout->columns + column + i) : 0u;
    }
}

/* Whether a block is stored where blocks of zeros are left out; then its weights stand in `block`. */
static int read_block(const constants_t *constants, const layout_t *layout, size_t band, size_t column, uint8_t *block)
{
    static const uint8_t zeros[BLOCK_BYTES];
    for (size_t i = 0; i < EDGERNN_BLOCK; ++i) {
        const size_t row = EDGERNN_BLOCK * band + i;
        read_word(constants, layout, row, EDGERNN_BLOCK * column, block + EDGERNN_BLOCK * i);
    }
    return memcmp(block, zeros, BLOCK_BYTES) != 0;
}

/* Whether a row's sum of products can be too large for int8 operands. */
static int is_wide(const constants_t *constants, const layout_t *layout)
{
    for (size_t row = 0; row < layout->rows; ++row) {
        int64_t sum = 0;
        for (size_t i = 0; i < layout->columns; ++i) {
            const int weight = program_weight(constants, row * layout->columns + i);
            sum += weight < 0 ? -weight : weight;
        }
        if (EDGERNN_INT8_LIMIT * sum >= WIDE_SUM) {
            return 1;
        }
    }
    return 0;
}

/* skips_zeros: whether blocks of zeros may be left out. */
static layout_t layout_of(const program_t *program, const op_t *op, int skips_zeros)
{
    const constants_t constants = program_constants(program, op);
    const tensor_t operand = program_tensor(program, op->a);
    layout_t layout = {.rows = program_tensor(program, op->out).size, .columns = operand.size};
    uint8_t block[BLOCK_BYTES];

    layout.bands = (layout.rows + EDGERNN_BLOCK - 1u) / EDGERNN_BLOCK;
    layout.block_columns = (layout.columns + EDGERNN_BLOCK - 1u) / EDGERNN_BLOCK;
    layout.wide = operand.bytes == 2u || is_wide(&constants, &layout);
    const size_t blocks = layout.bands * layout.block_columns;
    for (size_t i = 0; i < blocks; ++i) {
        const size_t band = i / layout.block_columns, column = i % layout.block_columns;
        layout.kept += read_block(&constants, &layout, band, column, block) ? 1u : 0u;
    }
    layout.sparse = skips_zeros && layout.kept <= SPARSE_SHARE(blocks) &&
                    layout.block_columns <= MAX_SPARSE_COLUMNS && layout.kept <= MAX_SPARSE_BLOCKS;
    if (!layout.sparse) {
        layout.kept = blocks;
    }
    return layout;
}

/* Bytes of a linear as edgernn_sparse_t has it, at most, with or without all its blocks: each array begins aligned. */
static uint64_t kernel_size(const layout_t *layout)
{
    const uint64_t rows = EDGERNN_BLOCK * (uint64_t)layout->bands;
    const uint64_t weights = BLOCK_BYTES * (uint64_t)layout->bands * layout->block_columns + ENGINE_SLACK;
    const uint64_t size = padded(weights) + padded(rows * sizeof(int32_t)) + padded(rows);
    return size + (layout->sparse ? padded((layout->bands + 1u) * sizeof(uint16_t)) + padded(layout->kept) : 0u);
}

/* Bytes of an engine without kernels. */
static uint64_t tables_size(const program_t *program)
{
    return padded(sizeof(engine_t)) + padded((uint64_t)program->tensor_count * sizeof(engine_tensor_t)) +
           padded((uint64_t)program->op_count * sizeof(engine_op_t)) +
           padded((uint64_t)program->state_count * sizeof(uint32_t));
}

static uint64_t engine_size(const program_t *program)
{
    uint64_t size = tables_size(program);
    uint32_t known = 1u + program->state_count;
    for (uint32_t i = 0; i < program->op_count; ++i) {
        const op_t op = program_op(program, i, known);
        if (op.kind == ENGINE_LINEAR) {
            const layout_t layout = layout_of(program, &op, 1);
            size += kernel_size(&layout);
        }
        known += op.outputs;
    }
    return size;
}

/* More than the values of a stream take with any family. */
static uint64_t largest_values(const program_t *program)
{
    uint64_t values = 0, longest = 0;
    for (uint32_t i = 0; i < program->tensor_count; ++i) {
        const uint64_t size = program_tensor(program, i).size;
        values += padded(size * sizeof(int16_t)) * (i <= program->state_count ? 2u : 1u);
        longest = size > longest ? size : longest;
    }
    return values + 16u * (longest + ENGINE_ALIGNMENT);
}

static const char *check(const uint8_t *bytes, size_t size, program_t *program, size_t *memory_size)
{
    const char *const problem = program_check(bytes, size, program);
    REQUIRE(problem == NULL, problem);
    const uint64_t needed = engine_size(program);
    REQUIRE(needed <= SIZE_MAX / 2u && largest_values(program) <= SIZE_MAX / 2u, "the program is too large");
    *memory_size = (size_t)needed;
    return NULL;
}

const char *engine_check(const uint8_t *bytes, size_t size, size_t *memory_size)
{
    program_t program;
    return check(bytes, size, &program, memory_size);
}

/* The next bytes of the caller's memory. */
static void *take(uint8_t **free_bytes, uint64_t size)
{
    void *const taken = *free_bytes;
    *free_bytes += (size_t)padded(size);
    return taken;
}

/* The blocks that are stored, in order, and where they stand. */
static void load_blocks(const constants_t *constants, const layout_t *layout, uint8_t *weights, uint16_t *first,
                        uint8_t *index)
{
    size_t stored = 0;
    for (size_t band = 0; band < layout->bands; ++band) {
        for (size_t column = 0; column < layout->block_columns; ++column) {
            uint8_t block[BLOCK_BYTES];
            if (!read_block(constants, layout, band, column, block) && layout->sparse) {
                continue;
            }
            memcpy(weights + BLOCK_BYTES * stored, block, BLOCK_BYTES);
            if (layout->sparse) {
                index[stored] = (uint8_t)column;
            }
            ++stored;
        }
        if (layout->sparse) {
            first[band + 1u] = (uint16_t)stored;
        }
    }
}

/* Half a unit of the result is part of every bias. Rows that only fill a band up have a legal shift. */
static void load_rows(const program_t *program, const op_t *op, const layout_t *layout, int32_t *bias, uint8_t *shift)
{
    const constants_t constants = program_constants(program, op);
    for (uint32_t row = 0; row < EDGERNN_BLOCK * layout->bands; ++row) {
        const int there = row < layout->rows;
        shift[row] = (uint8_t)(there ? program_row_shift(program, op, &constants, row) : 1);
        bias[row] = (int32_t)((there ? program_bias(&constants, row) : 0) + ((int64_t)1 << (shift[row] - 1)));
    }
}

static edgernn_sparse_t load_kernel(const program_t *program, const op_t *op, const layout_t *layout,
                                    const engine_family_t *family, uint8_t **free_bytes)
{
    const constants_t constants = program_constants(program, op);
    const size_t rows = EDGERNN_BLOCK * layout->bands;
    uint8_t *const weights = take(free_bytes, BLOCK_BYTES * (uint64_t)layout->kept + ENGINE_SLACK);
    int32_t *const bias = take(free_bytes, rows * sizeof *bias);
    uint8_t *const shift = take(free_bytes, rows);
    uint16_t *const first = layout->sparse ? take(free_bytes, (layout->bands + 1u) * sizeof *first) : NULL;
    uint8_t *const index = layout->sparse ? take(free_bytes, layout->kept) : NULL;

    if (first != NULL) {
        first[0] = 0;
    }
    load_blocks(&constants, layout, weights, first, index);
    if (!layout->wide) {
        family->convert(weights, layout->kept);
    }
    load_rows(program, op, layout, bias, shift);
    const edgernn_sparse_t kernel = {{weights, bias, shift, layout->columns}, first, index};
    return kernel;
}

/* Gives `count` tensors from `first` on their places in a row, from `offset` on; returns where the row ends. */
static size_t place(const program_t *program, engine_tensor_t *tensors, uint32_t first, uint32_t count, size_t offset,
                    int parts)
{
    for (uint32_t i = first; i < first + count; ++i) {
        const tensor_t tensor = program_tensor(program, i);
        const size_t size = (size_t)tensor.size * tensor.bytes;
        tensors[i].offset = offset;
        tensors[i].size = tensor.size;
        tensors[i].bytes = tensor.bytes;
        offset += parts ? size : (size_t)padded(size);
    }
    return offset;
}

/* Places all tensors, and says which depend on x alone; returns where the last one ends. */
static size_t place_all(const program_t *program, engine_tensor_t *tensors)
{
    uint32_t known = 1u + program->state_count;
    size_t end = place(program, tensors, 0, known, 0, 0);
    for (uint32_t i = 0; i < known; ++i) {
        tensors[i].early = i == 0u;
    }
    for (uint32_t i = 0; i < program->op_count; ++i) {
        const op_t op = program_op(program, i, known);
        if (op.kind == ENGINE_SPLIT) {
            (void)place(program, tensors, known, op.outputs, tensors[op.a].offset, 1);
        } else {
            end = place(program, tensors, known, op.outputs, end, 0);
        }
        for (uint32_t j = 0; j < op.outputs; ++j) {
            tensors[known + j].early = tensors[op.a].early && tensors[op.b].early;
        }
        known += op.outputs;
    }
    return end;
}

static engine_op_t load_op(const program_t *program, const op_t *op, const engine_tensor_t *tensors)
{
    const tensor_t out = program_tensor(program, op->out);
    const engine_op_t loaded = {
        .kind = (engine_kind_t)op->kind,
        .size = out.size,
        .a = tensors[op->a].offset,
        .b = tensors[op->b].offset,
        .out = tensors[op->out].offset,
        .a_frac = program_tensor(program, op->a).frac,
        .b_frac = program_tensor(program, op->b).frac,
        .frac = out.frac,
        .shift = program_shift(program, op),
        .limit = program_limit(&out),
        .bytes = op->kind == ENGINE_LINEAR ? tensors[op->a].bytes : out.bytes,
    };
    return loaded;
}

/* What an engine is loaded into, and from. */
typedef struct {
    const program_t *program;
    const engine_family_t *family;
    const engine_tensor_t *tensors;
    engine_op_t *ops;
    uint32_t op_count;
    size_t room; /* that a linear's operands take at most */
    uint8_t *free_bytes;
} loading_t;

static void load_linear(loading_t *loading, const op_t *op, engine_op_t *loaded)
{
    const layout_t layout = layout_of(loading->program, op, loading->family->skips_zeros);
    size_t room = loading->family->room(layout.columns, layout.wide);
    if (layout.wide) {
        room = (size_t)padded(room) + layout.columns * sizeof(int16_t);
    }
    loading->room = room > loading->room ? room : loading->room;
    loaded->wide = layout.wide;
    loaded->sparse = load_kernel(loading->program, op, &layout, loading->family, &loading->free_bytes);
}

/* The ops whose results depend on x alone, or the others. A split is only a matter of places. */
static void load_ops(loading_t *loading, int early)
{
    uint32_t known = 1u + loading->program->state_count;
    for (uint32_t i = 0; i < loading->program->op_count; ++i) {
        const op_t op = program_op(loading->program, i, known);
        known += op.outputs;
        if (op.kind == ENGINE_SPLIT || loading->tensors[op.out].early != early) {
            continue;
        }
        engine_op_t *const loaded = &loading->ops[loading->op_count++];
        *loaded = load_op(loading->program, &op, loading->tensors);
        if (op.kind == ENGINE_LINEAR) {
            load_linear(loading, &op, loaded);
        }
    }
}

/* A legal program in memory that is large enough. */
static const engine_t *build(const program_t *program, const engine_family_t *family, void *memory)
{
    loading_t loading = {.program = program, .family = family, .free_bytes = memory};
    engine_t *const engine = take(&loading.free_bytes, sizeof *engine);
    engine_tensor_t *const tensors = take(&loading.free_bytes, (uint64_t)program->tensor_count * sizeof *tensors);
    loading.ops = take(&loading.free_bytes, (uint64_t)program->op_count * sizeof *loading.ops);
    uint32_t *const written = take(&loading.free_bytes, (uint64_t)program->state_count * sizeof *written);
    const tensor_t x = program_tensor(program, 0);

    const size_t end = place_all(program, tensors);
    loading.tensors = tensors;
    load_ops(&loading, 1);
    const uint32_t early_count = loading.op_count;
    load_ops(&loading, 0);
    size_t state_size = 0;
    for (uint32_t i = 0; i < program->state_count; ++i) {
        written[i] = program_written(program, i);
        state_size += (size_t)padded(tensors[1u + i].size * tensors[1u + i].bytes);
    }
    const engine_t built = {
        .family = family,
        .tensors = tensors,
        .ops = loading.ops,
        .written = written,
        .tensor_count = program->tensor_count,
        .op_count = loading.op_count,
        .early_count = early_count,
        .state_count = program->state_count,
        .y = program->y,
        .state = (size_t)padded((uint64_t)x.size * x.bytes),
        .state_size = state_size,
        .new_states = end,
        .room = end + state_size,
        /* A vector may be read from the last element of a part on. */
        .stride = (size_t)padded(end + state_size + loading.room + ENGINE_ALIGNMENT),
        .x_limit = program_limit(&x),
    };
    *engine = built;
    return engine;
}

const char *engine_load(const uint8_t *bytes, size_t size, const engine_family_t *family, void *memory,
                        size_t memory_size, const engine_t **engine)
{
    program_t program;
    size_t needed;
    const char *const problem = check(bytes, size, &program, &needed);
    REQUIRE(problem == NULL, problem);
    REQUIRE(memory_size >= needed, "the memory is too small for the program");
    *engine = build(&program, family, memory);
    return NULL;
}
