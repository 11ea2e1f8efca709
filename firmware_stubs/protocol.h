/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a device answers to its host. Every request has exactly one reply, in a frame of frame.h; little-endian:
 *
 *     u8 kind | u8 sequence | u16 bytes of payload | payload
 *
 * A reply has the kind of its request | PROTOCOL_REPLY and the same sequence. A failure has the kind PROTOCOL_FAILURE,
 * the request's sequence (0 where the frame is too short to have one) and a u8 of `protocol_error_t` as its payload.
 *
 *     request                    reply
 *     INFO         -             u8 PROTOCOL_VERSION, u8 version of the specification, u8 bytes of an operand (1 or 2),
 *                                u8 port_ticks_kind_t, u16 features, u16 outputs, u32 bytes of the state,
 *                                u32 ticks a second, i32 result of model_selftest, u32 bytes of stack, u32 bytes of
 *                                it ever used (both 0: unknown), 16 characters of MODEL_HASH, the board's name, a
 *                                space, the family of the processor's kernels to the end
 *     RESET        -             -
 *     STEP         operands x    outputs y (i16 each), then the state after the step, then u32 its age
 *     RUN          u32 n, x      u64 ticks of n steps with this x, u64 ticks of the same loop without the steps
 *     READ_STATE   -             the state
 *     WRITE_STATE  the state     -
 *     EXIT         -             -, then the program ends or starts again (port_exit)
 *
 * STEP and RUN go on from the device's one state. Operands are i8 or i16, within +-MODEL_X_LIMIT.
 * The state is model_state_t as bytes: its vectors of i16 one after the other. Its age is 0 at the start and after
 * RESET, 1 after WRITE_STATE, and 1 more after each step, of RUN too: it tells a host that the device has started again.
 */
#ifndef PROTOCOL_H
#define PROTOCOL_H

#include <stdint.h>

#include "edgernn.h"
#include "frame.h"
#include "model.h"

#define PROTOCOL_VERSION 2

typedef enum {
    PROTOCOL_INFO = 0x01,
    PROTOCOL_RESET = 0x02,
    PROTOCOL_STEP = 0x03,
    PROTOCOL_RUN = 0x04,
    PROTOCOL_READ_STATE = 0x05,
    PROTOCOL_WRITE_STATE = 0x06,
    PROTOCOL_EXIT = 0x07,
    PROTOCOL_REPLY = 0x80,
    PROTOCOL_FAILURE = 0xFF
} protocol_kind_t;

typedef enum {
    PROTOCOL_CORRUPT = 1,      /* bad encoding or bad CRC */
    PROTOCOL_LENGTH = 2,       /* the payload is not as long as the frame says */
    PROTOCOL_TOO_LONG = 3,     /* the frame is longer than any request or reply of this model */
    PROTOCOL_KIND = 4,         /* no request has this kind */
    PROTOCOL_PAYLOAD_SIZE = 5, /* not that of a request of this kind */
    PROTOCOL_OPERAND = 6       /* an operand is beyond +-MODEL_X_LIMIT */
} protocol_error_t;

#define PROTOCOL_NAMES FIRMWARE_BOARD " " EDGERNN_FAMILY

/* Bytes before the payload, and of INFO's reply without the names at its end. */
#define PROTOCOL_HEADER_BYTES 4u
#define PROTOCOL_INFO_BYTES 44u

/* All that is longer than some other payload may be: the size of this union sizes the buffer. */
typedef union {
    uint8_t info[PROTOCOL_INFO_BYTES + sizeof PROTOCOL_NAMES - 1u];
    uint8_t run[sizeof(uint32_t) + MODEL_FEATURES * sizeof(model_x_t)];
    uint8_t stepped[MODEL_OUTPUTS * sizeof(int16_t) + MODEL_STATE_BYTES + sizeof(uint32_t)];
} protocol_payload_t;

typedef struct {
    int32_t selftest;
    frame_t frame;
    model_state_t state;
    uint32_t age;
    uint8_t bytes[PROTOCOL_HEADER_BYTES + sizeof(protocol_payload_t) + FRAME_CRC_BYTES];
} protocol_t;

/* selftest: what model_selftest returned. The state is reset. `protocol` points into itself: don't copy it. */
void protocol_init(protocol_t *protocol, int selftest);

/* Takes one byte from the host, and writes the reply to the port when it was the last one of a frame. */
void protocol_feed(protocol_t *protocol, uint8_t byte);

#endif
