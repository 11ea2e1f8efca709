/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Feeds the protocol with frames that are right, broken or nonsense, and compares every reply with what a second, plain
 * reading of the same bytes asks for. After every input a step has to give what the model gives.
 *
 *     fuzz_protocol INPUTS SEED
 *
 * Prints how often each outcome was expected. Built with sanitizers, and with a model of the tests.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "port.h"
#include "protocol.h"

#define OVERHEAD (PROTOCOL_HEADER_BYTES + FRAME_CRC_BYTES)
#define CAPACITY (OVERHEAD + sizeof(protocol_payload_t))
#define X_BYTES (MODEL_FEATURES * sizeof(model_x_t))
#define LONGEST (3u * CAPACITY + 64u) /* Of what is fed at once. */
#define FEW_STEPS 3u

#define REQUIRE(condition)                                                                                             \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fail(#condition, __LINE__);                                                                                \
        }                                                                                                              \
    } while (0)

typedef struct {
    uint8_t bytes[4u * LONGEST];
    size_t size;
} buffer_t;

/* What a reply has to be: a `protocol_error_t`, or 0 for the reply to `kind`. */
typedef struct {
    int error;
    uint8_t kind, sequence;
} outcome_t;

static uint64_t inputs_done, random_state;
static buffer_t written;
static int exits;
static unsigned long counts[PROTOCOL_OPERAND + 1];

static void fail(const char *condition, int line)
{
    fprintf(stderr, "input %llu: line %d: %s does not hold\n", (unsigned long long)inputs_done, line, condition);
    abort();
}

/* The board. */

const port_t port = {PORT_TICKS_OF_A_CLOCK, 1, NULL, NULL};

void port_init(void) {}

uint8_t port_read(void)
{
    return 0;
}

void port_write(const uint8_t *bytes, size_t count)
{
    REQUIRE(written.size + count <= sizeof written.bytes);
    memcpy(written.bytes + written.size, bytes, count);
    written.size += count;
}

uint64_t port_ticks(void)
{
    static uint64_t ticks;
    return ++ticks;
}

void port_exit(void)
{
    ++exits;
}

/* A second reading of frames. */

static uint16_t crc_of(const uint8_t *bytes, size_t size)
{
    uint16_t crc = 0xFFFF;
    for (size_t bit = 0; bit < 8 * size; ++bit) {
        const int in = bytes[bit / 8] >> (7 - bit % 8) & 1;
        const int out = crc >> 15;
        crc = (uint16_t)(crc << 1);
        crc ^= in != out ? 0x1021 : 0;
    }
    return crc;
}

/* Decodes what stands between two zero bytes; false when a block is not whole. */
static int decode(const uint8_t *encoded, size_t size, buffer_t *decoded)
{
    decoded->size = 0;
    for (size_t at = 0; at < size;) {
        const size_t next = at + encoded[at];
        for (size_t i = at + 1; i < next && i < size; ++i) {
            decoded->bytes[decoded->size++] = encoded[i];
        }
        if (next > size) {
            return 0;
        }
        if (next < size && encoded[at] != 0xFF) {
            decoded->bytes[decoded->size++] = 0;
        }
        at = next;
    }
    return 1;
}

static void encode(const uint8_t *bytes, size_t size, buffer_t *encoded)
{
    size_t code = encoded->size++;
    encoded->bytes[code] = 1;
    for (size_t i = 0; i < size; ++i) {
        if (bytes[i] != 0) {
            encoded->bytes[encoded->size++] = bytes[i];
            ++encoded->bytes[code];
        }
        if (bytes[i] == 0 || (encoded->bytes[code] == 0xFF && i + 1 < size)) {
            code = encoded->size++;
            encoded->bytes[code] = 1;
        }
    }
    encoded->bytes[encoded->size++] = 0;
}

static size_t payload_of_request(uint8_t kind)
{
    switch (kind) {
    case PROTOCOL_STEP:
        return X_BYTES;
    case PROTOCOL_RUN:
        return sizeof(uint32_t) + X_BYTES;
    case PROTOCOL_WRITE_STATE:
        return MODEL_STATE_BYTES;
    default:
        return 0;
    }
}

static size_t payload_of_reply(uint8_t kind)
{
    switch (kind) {
    case PROTOCOL_INFO:
        return PROTOCOL_INFO_BYTES + sizeof PROTOCOL_NAMES - 1u;
    case PROTOCOL_STEP:
        return MODEL_OUTPUTS * sizeof(int16_t) + MODEL_STATE_BYTES + sizeof(uint32_t);
    case PROTOCOL_RUN:
        return 2 * sizeof(uint64_t);
    case PROTOCOL_READ_STATE:
        return MODEL_STATE_BYTES;
    default:
        return 0;
    }
}

static int operands_within_limit(const uint8_t *bytes)
{
    model_x_t x[MODEL_FEATURES];
    memcpy(x, bytes, sizeof x);
    for (int i = 0; i < MODEL_FEATURES; ++i) {
        const int operand = x[i];
        if (abs(operand) > MODEL_X_LIMIT) {
            return 0;
        }
    }
    return 1;
}

static int has_right_crc(const buffer_t *frame)
{
    const size_t size = frame->size - FRAME_CRC_BYTES;
    return crc_of(frame->bytes, size) == (frame->bytes[size] | frame->bytes[size + 1] << 8);
}

static int error_of(const buffer_t *frame, int whole)
{
    const uint8_t *bytes = frame->bytes;
    if (frame->size > CAPACITY) {
        return PROTOCOL_TOO_LONG;
    }
    if (!whole || frame->size < FRAME_CRC_BYTES || !has_right_crc(frame)) {
        return PROTOCOL_CORRUPT;
    }
    if (frame->size < OVERHEAD || frame->size - OVERHEAD != (size_t)(bytes[2] | bytes[3] << 8)) {
        return PROTOCOL_LENGTH;
    }
    if (bytes[0] < PROTOCOL_INFO || bytes[0] > PROTOCOL_EXIT) {
        return PROTOCOL_KIND;
    }
    if (frame->size - OVERHEAD != payload_of_request(bytes[0])) {
        return PROTOCOL_PAYLOAD_SIZE;
    }
    if (bytes[0] == PROTOCOL_STEP || bytes[0] == PROTOCOL_RUN) {
        return operands_within_limit(bytes + frame->size - FRAME_CRC_BYTES - X_BYTES) ? 0 : PROTOCOL_OPERAND;
    }
    return 0;
}

/* Whether the device would go on for long, because chance made a RUN of many steps. */
static int is_long(const buffer_t *frame, outcome_t outcome)
{
    uint32_t steps;
    memcpy(&steps, frame->bytes + PROTOCOL_HEADER_BYTES, sizeof steps);
    return outcome.error == 0 && outcome.kind == PROTOCOL_RUN && steps > FEW_STEPS;
}

/* The outcomes of all frames in the input; -1 where one is long. */
static int outcomes_of(const buffer_t *input, outcome_t *outcomes)
{
    static buffer_t frame;
    int found = 0;
    for (size_t start = 0, end = 0; end < input->size; ++end) {
        if (input->bytes[end] != 0) {
            continue;
        }
        if (end > start) {
            const int whole = decode(input->bytes + start, end - start, &frame);
            const int error = error_of(&frame, whole);
            const size_t crc_size = error == PROTOCOL_CORRUPT || error == PROTOCOL_TOO_LONG ? 0 : FRAME_CRC_BYTES;
            const uint8_t sequence = frame.size < crc_size + 2 ? 0 : frame.bytes[1];
            const outcome_t outcome = {error, frame.bytes[0], sequence};
            if (is_long(&frame, outcome)) {
                return -1;
            }
            outcomes[found++] = outcome;
        }
        start = end + 1;
    }
    return found;
}

/* Takes the first frame from what was written, and checks it against the outcome. */
static void check_reply(size_t *at, outcome_t outcome)
{
    static buffer_t reply;
    const uint8_t *end = memchr(written.bytes + *at, 0, written.size - *at);
    REQUIRE(end != NULL);
    REQUIRE(decode(written.bytes + *at, (size_t)(end - written.bytes) - *at, &reply));
    *at = (size_t)(end - written.bytes) + 1;

    const uint8_t *bytes = reply.bytes;
    REQUIRE(reply.size >= OVERHEAD && reply.size <= CAPACITY);
    REQUIRE(has_right_crc(&reply));
    REQUIRE(reply.size - OVERHEAD == (size_t)(bytes[2] | bytes[3] << 8));
    REQUIRE(bytes[1] == outcome.sequence);
    if (outcome.error != 0) {
        REQUIRE(bytes[0] == PROTOCOL_FAILURE && reply.size == OVERHEAD + 1 && bytes[4] == outcome.error);
    } else {
        REQUIRE(bytes[0] == (outcome.kind | PROTOCOL_REPLY));
        REQUIRE(reply.size - OVERHEAD == payload_of_reply(outcome.kind));
    }
    ++counts[outcome.error];
}

/* Makers of inputs. */

static uint32_t draw(uint32_t below)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((random_state >> 32) * below >> 32);
}

static void draw_bytes(uint8_t *to, size_t count)
{
    for (size_t i = 0; i < count; ++i) {
        to[i] = (uint8_t)draw(256);
    }
}

/* A frame with a right CRC: of any kind, length and content, or one that the device carries out. */
static void add_frame(buffer_t *input, int right)
{
    uint8_t frame[2 * CAPACITY];
    const uint8_t kind = (uint8_t)(right || draw(2) ? PROTOCOL_INFO + draw(PROTOCOL_EXIT) : draw(256));
    const size_t payload = right || draw(2) ? payload_of_request(kind) : draw(2 * CAPACITY - OVERHEAD);
    const size_t length = right || draw(4) ? payload : draw(65536);
    const size_t size = PROTOCOL_HEADER_BYTES + payload;

    draw_bytes(frame, size);
    frame[0] = kind;
    frame[2] = (uint8_t)length;
    frame[3] = (uint8_t)(length >> 8);
    if (kind == PROTOCOL_RUN && payload >= sizeof(uint32_t)) {
        memset(frame + PROTOCOL_HEADER_BYTES, 0, sizeof(uint32_t));
        frame[PROTOCOL_HEADER_BYTES] = (uint8_t)draw(FEW_STEPS + 1);
    }
    const size_t crc_size = right || draw(8) ? size : draw((uint32_t)size);
    const uint16_t crc = crc_of(frame, crc_size);
    frame[crc_size] = (uint8_t)crc;
    frame[crc_size + 1] = (uint8_t)(crc >> 8);
    encode(frame, crc_size + FRAME_CRC_BYTES, input);
}

static void add_noise(buffer_t *input)
{
    const size_t count = draw(LONGEST / 2);
    draw_bytes(input->bytes + input->size, count);
    for (size_t i = 0; draw(2) && i < count; ++i) {
        input->bytes[input->size + i] |= 1; /* One long frame instead of several. */
    }
    input->size += count;
    input->bytes[input->size++] = 0;
}

static void mutate(buffer_t *input)
{
    for (uint32_t changes = 1 + draw(4); changes > 0 && input->size > 1; --changes) {
        const size_t at = draw((uint32_t)input->size - 1);
        switch (draw(3)) {
        case 0:
            input->bytes[at] = (uint8_t)(input->bytes[at] ^ 1 << draw(8));
            break;
        case 1:
            input->bytes[at] = (uint8_t)draw(256);
            break;
        default:
            memmove(input->bytes + at, input->bytes + at + 1, input->size - at - 1);
            --input->size;
        }
    }
}

static void truncate_frame(buffer_t *input)
{
    input->size = draw((uint32_t)input->size);
    input->bytes[input->size++] = 0;
}

static void make_input(buffer_t *input)
{
    input->size = 0;
    switch (draw(6)) {
    case 0:
        add_noise(input);
        break;
    case 1:
        add_frame(input, 1);
        mutate(input);
        break;
    case 2:
        add_frame(input, 1);
        truncate_frame(input);
        break;
    case 3:
        add_frame(input, 1);
        add_frame(input, 1);
        break;
    default:
        add_frame(input, 0);
    }
    REQUIRE(input->size <= LONGEST);
}

/* Feeding. */

static void feed(protocol_t *protocol, const buffer_t *input)
{
    written.size = 0;
    for (size_t i = 0; i < input->size; ++i) {
        protocol_feed(protocol, input->bytes[i]);
    }
}

/* A step has to give the outputs and the state that the model gives. */
static void check_step(protocol_t *protocol)
{
    static buffer_t request, reply;
    model_state_t state = protocol->state;
    const uint32_t age = protocol->age + 1;
    model_x_t x[MODEL_FEATURES];
    int16_t y[MODEL_OUTPUTS];
    uint8_t frame[OVERHEAD + X_BYTES] = {PROTOCOL_STEP, (uint8_t)draw(256), (uint8_t)X_BYTES, X_BYTES >> 8};

    for (int i = 0; i < MODEL_FEATURES; ++i) {
        x[i] = (model_x_t)((int)draw(2 * MODEL_X_LIMIT + 1) - MODEL_X_LIMIT);
    }
    model_step(&state, x, y);
    memcpy(frame + PROTOCOL_HEADER_BYTES, x, sizeof x);
    const uint16_t crc = crc_of(frame, sizeof frame - FRAME_CRC_BYTES);
    frame[sizeof frame - 2] = (uint8_t)crc;
    frame[sizeof frame - 1] = (uint8_t)(crc >> 8);
    request.size = 0;
    encode(frame, sizeof frame, &request);
    feed(protocol, &request);

    size_t at = 0;
    check_reply(&at, (outcome_t){0, PROTOCOL_STEP, frame[1]});
    REQUIRE(at == written.size);
    REQUIRE(decode(written.bytes, written.size - 1, &reply));
    REQUIRE(memcmp(reply.bytes + PROTOCOL_HEADER_BYTES, y, sizeof y) == 0);
    REQUIRE(memcmp(reply.bytes + PROTOCOL_HEADER_BYTES + sizeof y, &state, sizeof state) == 0);
    REQUIRE(memcmp(reply.bytes + PROTOCOL_HEADER_BYTES + sizeof y + sizeof state, &age, sizeof age) == 0);
    REQUIRE(memcmp(&protocol->state, &state, sizeof state) == 0);
}

int main(int count, char **arguments)
{
    static buffer_t input;
    static outcome_t outcomes[LONGEST];
    protocol_t protocol;
    REQUIRE(count == 3);
    const uint64_t inputs = strtoull(arguments[1], NULL, 10);
    random_state = strtoull(arguments[2], NULL, 10);
    protocol_init(&protocol, model_selftest());

    while (inputs_done < inputs) {
        make_input(&input);
        const int expected = outcomes_of(&input, outcomes);
        if (expected < 0) {
            continue;
        }
        int expected_exits = exits;
        feed(&protocol, &input);
        size_t at = 0;
        for (int i = 0; i < expected; ++i) {
            check_reply(&at, outcomes[i]);
            expected_exits += outcomes[i].error == 0 && outcomes[i].kind == PROTOCOL_EXIT;
        }
        REQUIRE(at == written.size);
        REQUIRE(exits == expected_exits);
        check_step(&protocol);
        ++inputs_done;
    }
    for (int error = 0; error <= PROTOCOL_OPERAND; ++error) {
        printf("%d %lu\n", error, counts[error]);
    }
    return 0;
}
