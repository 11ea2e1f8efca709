/* SPDX-License-Identifier: Apache-2.0 */
/* A program on a system with POSIX: the serial line is stdin and stdout, and ends with stdin. */
#define _POSIX_C_SOURCE 199309L

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "port.h"

#define NANOSECONDS 1000000000u

const port_t port = {PORT_TICKS_OF_A_CLOCK, NANOSECONDS, NULL, NULL};

void port_init(void) {}

uint8_t port_read(void)
{
    fflush(stdout);
    const int byte = getchar();
    if (byte == EOF) {
        port_exit();
    }
    return (uint8_t)byte;
}

void port_write(const uint8_t *bytes, size_t count)
{
    fwrite(bytes, 1, count, stdout);
}

uint64_t port_ticks(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NANOSECONDS + (uint64_t)now.tv_nsec;
}

void port_exit(void)
{
    exit(EXIT_SUCCESS);
}
