/* SPDX-License-Identifier: Apache-2.0 */
#include "frame.h"

#include "port.h"

/* A code byte of COBS counts itself and the bytes of its block; this one alone stands for no zero after them. */
#define FULL_BLOCK 0xFFu

static uint16_t crc16(const uint8_t *bytes, size_t size)
{
    uint32_t crc = 0xFFFFu;
    for (size_t i = 0; i < size; ++i) {
        crc ^= (uint32_t)bytes[i] << 8;
        for (int bit = 0; bit < 8; ++bit) {
            crc = (crc & 0x8000u) != 0 ? (crc << 1) ^ 0x1021u : crc << 1;
        }
    }
    return (uint16_t)crc;
}

static void append(frame_t *frame, uint8_t byte)
{
    if (frame->size < frame->capacity) {
        frame->bytes[frame->size++] = byte;
    } else {
        frame->too_long = true;
    }
}

static frame_event_t check(frame_t *frame)
{
    if (frame->too_long) {
        return FRAME_TOO_LONG;
    }
    if (frame->left > 0 || frame->size < FRAME_CRC_BYTES) {
        return FRAME_CORRUPT;
    }
    const size_t size = frame->size - FRAME_CRC_BYTES;
    const uint8_t *crc = frame->bytes + size;
    if (crc16(frame->bytes, size) != (crc[0] | crc[1] << 8)) {
        return FRAME_CORRUPT;
    }
    frame->size = size;
    return FRAME_RECEIVED;
}

frame_event_t frame_receive(frame_t *frame, uint8_t byte)
{
    if (byte == 0) {
        const frame_event_t event = frame->block == 0 ? FRAME_PENDING : check(frame);
        frame->block = frame->left = 0;
        frame->too_long = false;
        return event;
    }
    if (frame->left > 0) {
        append(frame, byte);
        --frame->left;
        return FRAME_PENDING;
    }
    if (frame->block == 0) {
        frame->size = 0;
    } else if (frame->block != FULL_BLOCK) {
        append(frame, 0);
    }
    frame->block = byte;
    frame->left = (uint8_t)(byte - 1u);
    return FRAME_PENDING;
}

void frame_send(uint8_t *bytes, size_t size)
{
    static const uint8_t end = 0;
    const uint16_t crc = crc16(bytes, size);
    bytes[size++] = (uint8_t)crc;
    bytes[size++] = (uint8_t)(crc >> 8);

    /* The last block ends at a zero that the frame does not have, unless it is a full one. */
    for (size_t first = 0, zeros = 1; first < size + zeros;) {
        size_t count = 0;
        while (first + count < size && count < FULL_BLOCK - 1u && bytes[first + count] != 0) {
            ++count;
        }
        const uint8_t block = (uint8_t)(count + 1u);
        port_write(&block, 1);
        port_write(bytes + first, count);
        zeros = block == FULL_BLOCK ? 0 : 1;
        first += count + zeros;
    }
    port_write(&end, 1);
}
