/* SPDX-License-Identifier: Apache-2.0 */
#include "stack.h"

#include "port.h"

#define PAINT 0xC5C5C5C5u

/* The frame of stack_paint itself ends at most this far below its local variable. */
#define OWN_FRAME_BYTES 128u

void stack_paint(void)
{
    const volatile uint32_t here = PAINT;
    const uintptr_t limit = (uintptr_t)&here - OWN_FRAME_BYTES;
    for (volatile uint32_t *word = port.stack_start; word < port.stack_end && (uintptr_t)word < limit; ++word) {
        *word = here;
    }
}

uint32_t stack_size(void)
{
    return (uint32_t)((uintptr_t)port.stack_end - (uintptr_t)port.stack_start);
}

uint32_t stack_used(void)
{
    const volatile uint32_t *word = port.stack_start;
    while (word < port.stack_end && *word == PAINT) {
        ++word;
    }
    return (uint32_t)((uintptr_t)port.stack_end - (uintptr_t)word);
}
