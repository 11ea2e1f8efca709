/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol.h"

#include <string.h>

#include "port.h"
#include "stack.h"

#if !defined(__BYTE_ORDER__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "operands, outputs and states go over the line as they are in memory: the core has to be little-endian"
#endif

typedef char lengths_fit_into_16_bits[sizeof(protocol_payload_t) <= UINT16_MAX ? 1 : -1];
typedef char hash_has_16_characters[sizeof MODEL_HASH - 1u == 16 ? 1 : -1];

/* Reads the request's payload, writes the reply's over it, returns its size or a `protocol_error_t` below 0. */
typedef int32_t handler_t(protocol_t *protocol, uint8_t *payload);

static uint8_t *put(uint8_t *to, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; ++i) {
        to[i] = (uint8_t)(value >> (8u * i));
    }
    return to + size;
}

static bool within_limit(const model_x_t *x)
{
    for (size_t i = 0; i < MODEL_FEATURES; ++i) {
        const int32_t operand = x[i];
        if (operand > MODEL_X_LIMIT || operand < -MODEL_X_LIMIT) {
            return false;
        }
    }
    return true;
}

static int32_t info(protocol_t *protocol, uint8_t *payload)
{
    uint8_t *to = payload;
    to = put(to, PROTOCOL_VERSION, 1);
    to = put(to, MODEL_SPEC_VERSION, 1);
    to = put(to, sizeof(model_x_t), 1);
    to = put(to, port.ticks_kind, 1);
    to = put(to, MODEL_FEATURES, 2);
    to = put(to, MODEL_OUTPUTS, 2);
    to = put(to, MODEL_STATE_BYTES, 4);
    to = put(to, port.ticks_per_second, 4);
    to = put(to, (uint32_t)protocol->selftest, 4);
    to = put(to, stack_size(), 4);
    to = put(to, stack_used(), 4);
    memcpy(to, MODEL_HASH, sizeof MODEL_HASH - 1u);
    memcpy(payload + PROTOCOL_INFO_BYTES, PROTOCOL_NAMES, sizeof PROTOCOL_NAMES - 1u);
    return PROTOCOL_INFO_BYTES + sizeof PROTOCOL_NAMES - 1u;
}

static int32_t reset(protocol_t *protocol, uint8_t *payload)
{
    (void)payload;
    model_reset(&protocol->state);
    protocol->age = 0;
    return 0;
}

static int32_t read_state(protocol_t *protocol, uint8_t *payload)
{
    memcpy(payload, &protocol->state, MODEL_STATE_BYTES);
    return MODEL_STATE_BYTES;
}

static int32_t write_state(protocol_t *protocol, uint8_t *payload)
{
    memcpy(&protocol->state, payload, MODEL_STATE_BYTES);
    protocol->age = 1;
    return 0;
}

static int32_t step(protocol_t *protocol, uint8_t *payload)
{
    model_x_t x[MODEL_FEATURES];
    int16_t y[MODEL_OUTPUTS];
    memcpy(x, payload, sizeof x);
    if (!within_limit(x)) {
        return -PROTOCOL_OPERAND;
    }
    model_step(&protocol->state, x, y);
    ++protocol->age;
    memcpy(payload, y, sizeof y);
    uint8_t *to = payload + sizeof y;
    to += read_state(protocol, to);
    to = put(to, protocol->age, 4);
    return (int32_t)(to - payload);
}

/* The counter is volatile so that the loop without steps stays a loop, and costs the same as the one around them. */
static uint64_t ticks_of(uint32_t steps, protocol_t *protocol, const model_x_t *x)
{
    int16_t y[MODEL_OUTPUTS];
    volatile uint32_t left = steps;
    const uint64_t start = port_ticks();
    while (left-- > 0) {
        if (protocol != NULL) {
            model_step(&protocol->state, x, y);
        }
    }
    return port_ticks() - start;
}

static int32_t run(protocol_t *protocol, uint8_t *payload)
{
    uint32_t steps;
    model_x_t x[MODEL_FEATURES];
    memcpy(&steps, payload, sizeof steps);
    memcpy(x, payload + sizeof steps, sizeof x);
    if (!within_limit(x)) {
        return -PROTOCOL_OPERAND;
    }
    protocol->age += steps;
    uint8_t *to = put(payload, ticks_of(steps, protocol, x), 8);
    to = put(to, ticks_of(steps, NULL, x), 8);
    return (int32_t)(to - payload);
}

static int32_t nothing(protocol_t *protocol, uint8_t *payload)
{
    (void)protocol;
    (void)payload;
    return 0;
}

static const struct {
    handler_t *handle;
    uint16_t payload_bytes;
} requests[] = {
    [PROTOCOL_INFO] = {info, 0},
    [PROTOCOL_RESET] = {reset, 0},
    [PROTOCOL_STEP] = {step, MODEL_FEATURES * sizeof(model_x_t)},
    [PROTOCOL_RUN] = {run, sizeof(uint32_t) + MODEL_FEATURES * sizeof(model_x_t)},
    [PROTOCOL_READ_STATE] = {read_state, 0},
    [PROTOCOL_WRITE_STATE] = {write_state, MODEL_STATE_BYTES},
    [PROTOCOL_EXIT] = {nothing, 0},
};

/* Carries out the request in the buffer; returns what its handler does. */
static int32_t answer(protocol_t *protocol)
{
    const uint8_t *frame = protocol->bytes;
    const size_t size = protocol->frame.size;
    const uint8_t kind = frame[0];
    if (size < PROTOCOL_HEADER_BYTES || size - PROTOCOL_HEADER_BYTES != (size_t)(frame[2] | frame[3] << 8)) {
        return -PROTOCOL_LENGTH;
    }
    if (kind >= sizeof requests / sizeof *requests || requests[kind].handle == NULL) {
        return -PROTOCOL_KIND;
    }
    if (size - PROTOCOL_HEADER_BYTES != requests[kind].payload_bytes) {
        return -PROTOCOL_PAYLOAD_SIZE;
    }
    return requests[kind].handle(protocol, protocol->bytes + PROTOCOL_HEADER_BYTES);
}

/* result: the size of the payload in the buffer, or a `protocol_error_t` below 0. */
static void reply(protocol_t *protocol, int32_t result)
{
    uint8_t *frame = protocol->bytes;
    size_t size = (size_t)result;
    frame[0] |= PROTOCOL_REPLY;
    if (result < 0) {
        frame[0] = PROTOCOL_FAILURE;
        frame[1] = protocol->frame.size < 2u ? 0 : frame[1];
        frame[PROTOCOL_HEADER_BYTES] = (uint8_t)-result;
        size = 1;
    }
    put(frame + 2, size, 2);
    frame_send(frame, PROTOCOL_HEADER_BYTES + size);
}

void protocol_init(protocol_t *protocol, int selftest)
{
    memset(protocol, 0, sizeof *protocol);
    protocol->selftest = selftest;
    protocol->frame.bytes = protocol->bytes;
    protocol->frame.capacity = sizeof protocol->bytes;
    model_reset(&protocol->state);
}

void protocol_feed(protocol_t *protocol, uint8_t byte)
{
    switch (frame_receive(&protocol->frame, byte)) {
    case FRAME_PENDING:
        break;
    case FRAME_CORRUPT:
        reply(protocol, -PROTOCOL_CORRUPT);
        break;
    case FRAME_TOO_LONG:
        reply(protocol, -PROTOCOL_TOO_LONG);
        break;
    case FRAME_RECEIVED: {
        const uint8_t kind = protocol->bytes[0];
        const int32_t result = answer(protocol);
        reply(protocol, result);
        if (result >= 0 && kind == PROTOCOL_EXIT) {
            port_exit();
        }
        break;
    }
    }
}
