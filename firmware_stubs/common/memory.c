/* SPDX-License-Identifier: Apache-2.0 */
#include "memory.h"

#include <string.h>

extern uint32_t data_image[], data_start[], data_end[], bss_start[], bss_end[];

int main(void);

static size_t bytes(const uint32_t *start, const uint32_t *end)
{
    return (uintptr_t)end - (uintptr_t)start;
}

void memory_start(void)
{
    memcpy(data_start, data_image, bytes(data_start, data_end));
    memset(bss_start, 0, bytes(bss_start, bss_end));
    main();
    for (;;) {
    }
}
