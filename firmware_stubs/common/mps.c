/* SPDX-License-Identifier: Apache-2.0 */
/* Arm's MPS2 and MPS3 boards: UART 0 is a CMSDK APB UART, whose place and clock a board.mk gives. */
#include "cortex_m/core.h"
#include "memory.h"
#include "port.h"

#define UART_DATA REGISTER(UART_BASE + 0x00u)
#define UART_STATE REGISTER(UART_BASE + 0x04u)
#define UART_STATE_TX_FULL 1u
#define UART_STATE_RX_FULL 2u
#define UART_CTRL REGISTER(UART_BASE + 0x08u)
#define UART_CTRL_TX_RX_ENABLE 3u
#define UART_BAUDDIV REGISTER(UART_BASE + 0x10u)
#define BAUD 115200u
#define BITS_PER_BYTE 10u

void port_init(void)
{
    UART_BAUDDIV = UART_HZ / BAUD;
    UART_CTRL = UART_CTRL_TX_RX_ENABLE;
    ticks_init();
}

uint8_t port_read(void)
{
    while ((UART_STATE & UART_STATE_RX_FULL) == 0) {
    }
    return (uint8_t)UART_DATA;
}

void port_write(const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; ++i) {
        while ((UART_STATE & UART_STATE_TX_FULL) != 0) {
        }
        UART_DATA = bytes[i];
    }
}

void port_exit(void)
{
    while ((UART_STATE & UART_STATE_TX_FULL) != 0) {
    }
    /* The buffer is empty then, but its last byte is still on the line. */
    const uint64_t sent = port_ticks() + CORE_HZ / BAUD * BITS_PER_BYTE;
    while (port_ticks() < sent) {
    }
    core_reset();
}
