/* SPDX-License-Identifier: Apache-2.0 */
/* What the firmware asks of a board: five functions and one constant. */
#ifndef PORT_H
#define PORT_H

#include <stddef.h>
#include <stdint.h>

/* What a tick counts. No port knows that it is emulated; the host does: QEMU's ticks stand for instructions. */
typedef enum {
    PORT_TICKS_OF_A_CLOCK = 0, /* time, whatever the core does meanwhile */
    PORT_TICKS_OF_THE_CORE = 1 /* cycles of the core's clock */
} port_ticks_kind_t;

typedef struct {
    port_ticks_kind_t ticks_kind;
    uint32_t ticks_per_second;
    /* The stack grows from the end down to the start; both NULL where its place is unknown. */
    uint32_t *stack_start;
    uint32_t *stack_end;
} port_t;

extern const port_t port;

/* Clocks, the serial line and the counter of ticks. Called once, before any other function here. */
void port_init(void);

/* The next byte from the host; waits for it. */
uint8_t port_read(void);

/* Returns when the bytes are handed over; the line may still be sending the last ones. */
void port_write(const uint8_t *bytes, size_t count);

/*
 * Ticks since any moment before port_init returned: 64 bits that never wrap and never step back, however narrow the
 * counter and however long nobody asks.
 */
uint64_t port_ticks(void);

/* Lets the last bytes out, then ends the program; a board without an end starts again. */
void port_exit(void);

#endif
