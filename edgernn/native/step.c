/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "engine.h"

static size_t bytes_of(const engine_tensor_t *tensor)
{
    return tensor->size * tensor->bytes;
}

void engine_reset(const engine_t *engine, uint8_t *values)
{
    memset(values + engine->state, 0, engine->state_size);
}

void engine_step(const engine_t *engine, uint8_t *values, size_t count)
{
    engine->family->compute(engine, 0, engine->op_count, values, count);
}

/* All new states are taken before any is given: a new state may be an old one. */
void engine_advance(const engine_t *engine, uint8_t *from, uint8_t *to)
{
    uint8_t *const room = from + engine->new_states;
    for (uint32_t i = 0; i < engine->state_count; ++i) {
        const engine_tensor_t *const written = &engine->tensors[engine->written[i]];
        const size_t place = engine->tensors[1u + i].offset - engine->state;
        memcpy(room + place, from + written->offset, bytes_of(written));
    }
    memcpy(to + engine->state, room, engine->state_size);
}

void engine_sequence(const engine_t *engine, uint8_t *values, size_t count)
{
    engine->family->compute(engine, 0, engine->early_count, values, count);
    for (size_t i = 0; i < count; ++i) {
        uint8_t *const present = values + i * engine->stride;
        engine->family->compute(engine, engine->early_count, engine->op_count, present, 1);
        if (i + 1u < count) {
            engine_advance(engine, present, present + engine->stride);
        }
    }
}

/* A part of the streams of engine_run_together, whose values a cache holds. */
static void run_some(const engine_t *engine, uint8_t *values, size_t count, const uint8_t *x, size_t steps, uint8_t *y)
{
    const engine_tensor_t *const input = &engine->tensors[0], *const output = &engine->tensors[engine->y];
    for (size_t step = 0; step < steps; ++step) {
        for (size_t i = 0; i < count; ++i) {
            const uint8_t *const own = x + (i * steps + step) * bytes_of(input);
            memcpy(values + i * engine->stride, own, bytes_of(input));
        }
        engine_step(engine, values, count);
        for (size_t i = 0; i < count; ++i) {
            uint8_t *const own = values + i * engine->stride;
            memcpy(y + (i * steps + step) * bytes_of(output), own + output->offset, bytes_of(output));
            engine_advance(engine, own, own);
        }
    }
}

void engine_run_together(const engine_t *engine, uint8_t *values, size_t count, const uint8_t *x, size_t steps,
                         uint8_t *y)
{
    const size_t in = steps * bytes_of(&engine->tensors[0]);
    const size_t out = steps * bytes_of(&engine->tensors[engine->y]);
    for (size_t i = 0; i < count; i += ENGINE_BATCH) {
        const size_t some = count - i < ENGINE_BATCH ? count - i : ENGINE_BATCH;
        run_some(engine, values + i * engine->stride, some, x + i * in, steps, y + i * out);
    }
}

void engine_run_alone(const engine_t *engine, uint8_t *values, const uint8_t *x, size_t steps, uint8_t *y)
{
    const engine_tensor_t *const input = &engine->tensors[0], *const output = &engine->tensors[engine->y];
    while (steps > 0) {
        const size_t some = steps < ENGINE_BATCH ? steps : ENGINE_BATCH;
        for (size_t i = 0; i < some; ++i) {
            memcpy(values + i * engine->stride, x + i * bytes_of(input), bytes_of(input));
        }
        engine_sequence(engine, values, some);
        for (size_t i = 0; i < some; ++i) {
            memcpy(y + i * bytes_of(output), values + i * engine->stride + output->offset, bytes_of(output));
        }
        engine_advance(engine, values + (some - 1u) * engine->stride, values);
        x += some * bytes_of(input);
        y += some * bytes_of(output);
        steps -= some;
    }
}

void engine_run_windows(const engine_t *engine, uint8_t *values, size_t windows, const uint8_t *x, size_t steps,
                        uint8_t *y)
{
    const size_t in = steps * bytes_of(&engine->tensors[0]);
    const size_t out = steps * bytes_of(&engine->tensors[engine->y]);
    while (windows > 0) {
        const size_t some = windows < ENGINE_BATCH ? windows : ENGINE_BATCH;
        for (size_t i = 0; i < some; ++i) {
            engine_reset(engine, values + i * engine->stride);
        }
        if (some == 1) {
            engine_run_alone(engine, values, x, steps, y);
        } else {
            engine_run_together(engine, values, some, x, steps, y);
        }
        windows -= some;
        x += some * in;
        y += some * out;
    }
}
