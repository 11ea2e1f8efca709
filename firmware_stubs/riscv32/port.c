/* SPDX-License-Identifier: Apache-2.0 */
/* QEMU's virt machine: an NS16550 UART, and a register that ends the emulator. */
#include "memory.h"
#include "port.h"

#define UART(offset) (*(volatile uint8_t *)(0x10000000u + (offset)))
#define UART_DATA UART(0u)
#define UART_LINE_CONTROL UART(3u)
#define UART_LINE_CONTROL_8N1 3u
#define UART_LINE_STATUS UART(5u)
#define UART_LINE_STATUS_RECEIVED (1u << 0)
#define UART_LINE_STATUS_TX_EMPTY (1u << 5)
#define UART_LINE_STATUS_SENT (1u << 6)

#define TEST_DEVICE REGISTER(0x00100000u)
#define TEST_DEVICE_PASS 0x5555u

/* The machine states no clock; under -icount shift=0 the counter of cycles counts nanoseconds. */
#define CORE_HZ 1000000000u

#define READ_CSR(name, value) __asm__ volatile("csrr %0, " name : "=r"(value))

const port_t port = {PORT_TICKS_OF_THE_CORE, CORE_HZ, stack_start, stack_end};

void port_init(void)
{
    UART_LINE_CONTROL = UART_LINE_CONTROL_8N1;
}

uint8_t port_read(void)
{
    while ((UART_LINE_STATUS & UART_LINE_STATUS_RECEIVED) == 0) {
    }
    return UART_DATA;
}

void port_write(const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; ++i) {
        while ((UART_LINE_STATUS & UART_LINE_STATUS_TX_EMPTY) == 0) {
        }
        UART_DATA = bytes[i];
    }
}

/* Two reads of the high half agree when the low half between them belongs to it. */
uint64_t port_ticks(void)
{
    uint32_t high, low, again;
    do {
        READ_CSR("mcycleh", high);
        READ_CSR("mcycle", low);
        READ_CSR("mcycleh", again);
    } while (high != again);
    return (uint64_t)high << 32 | low;
}

void port_exit(void)
{
    while ((UART_LINE_STATUS & UART_LINE_STATUS_SENT) == 0) {
    }
    TEST_DEVICE = TEST_DEVICE_PASS;
    for (;;) {
    }
}
