/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames on a serial line: bytes and their CRC-16, encoded by COBS (Consistent Overhead Byte Stuffing, Cheshire and
 * Baker, 1999), so that a zero byte ends a frame and occurs nowhere else. Zero bytes between frames mean nothing.
 *
 * The CRC is CRC-16/IBM-3740: polynomial 0x1021, start 0xFFFF, nothing reflected or inverted; little-endian.
 */
#ifndef FRAME_H
#define FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_CRC_BYTES 2u

/* Set `bytes` and `capacity`, zero the rest. The buffer belongs to the caller, who may use it between two frames. */
typedef struct {
    uint8_t *bytes;
    size_t capacity;
    size_t size;   /* of what is decoded so far */
    uint8_t block; /* the code byte of the block that is being received, 0 before the first one */
    uint8_t left;  /* bytes of it still to come */
    bool too_long; /* for the buffer: the rest of the frame is dropped */
} frame_t;

typedef enum {
    FRAME_PENDING,  /* not at its end yet */
    FRAME_RECEIVED, /* `bytes` holds `size` bytes, without the CRC */
    FRAME_CORRUPT,  /* by its encoding or its CRC; `bytes` holds `size` bytes that may be wrong */
    FRAME_TOO_LONG  /* `bytes` holds the beginning */
} frame_event_t;

/* Takes one byte from the line. After any event but FRAME_PENDING the next byte begins a new frame. */
frame_event_t frame_receive(frame_t *frame, uint8_t byte);

/* Adds the CRC to the `size` bytes in the buffer, which has room for it, and writes the frame to the port. */
void frame_send(uint8_t *bytes, size_t size);

#endif
