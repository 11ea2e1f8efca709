/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BBC micro:bit (version 1): an nRF51822 at 16 MHz; its UART goes to the USB interface chip. Registers: Nordic's nRF51
 * Series Reference Manual. This core has no SysTick: ticks are those of TIMER0, which counts the clock of the core.
 */
#include "cortex_m/core.h"
#include "memory.h"
#include "port.h"

#define CLOCK_HFCLKSTART REGISTER(0x40000000u)
#define CLOCK_HFCLKSTARTED REGISTER(0x40000100u)

#define GPIO_OUTSET REGISTER(0x50000508u)
#define GPIO_PIN_CNF(pin) REGISTER(0x50000700u + 4u * (pin))
#define GPIO_PIN_CNF_INPUT 0u
#define GPIO_PIN_CNF_OUTPUT 1u
#define PIN_TXD 24u
#define PIN_RXD 25u

#define UART_STARTRX REGISTER(0x40002000u)
#define UART_STARTTX REGISTER(0x40002008u)
#define UART_RXDRDY REGISTER(0x40002108u)
#define UART_TXDRDY REGISTER(0x4000211Cu)
#define UART_ENABLE REGISTER(0x40002500u)
#define UART_ENABLE_ON 4u
#define UART_PSELTXD REGISTER(0x4000250Cu)
#define UART_PSELRXD REGISTER(0x40002514u)
#define UART_RXD REGISTER(0x40002518u)
#define UART_TXD REGISTER(0x4000251Cu)
#define UART_BAUDRATE REGISTER(0x40002524u)
#define UART_BAUDRATE_115200 0x01D7E000u

#define TIMER_START REGISTER(0x40008000u)
#define TIMER_CAPTURE_0 REGISTER(0x40008040u)
#define TIMER_COMPARE(channel) REGISTER(0x40008140u + 4u * (channel))
#define TIMER_INTENSET REGISTER(0x40008304u)
#define TIMER_INTENSET_COMPARE(channel) (0x10000u << (channel))
#define TIMER_BITMODE REGISTER(0x40008508u)
#define TIMER_BITMODE_32 3u
#define TIMER_PRESCALER REGISTER(0x40008510u)
#define TIMER_CC(channel) REGISTER(0x40008540u + 4u * (channel))
#define NVIC_ISER REGISTER(0xE000E100u)

const port_t port = {PORT_TICKS_OF_THE_CORE, CORE_HZ, stack_start, stack_end};

/* TICKS_EXCEPTION is TIMER0's interrupt: it comes twice in each turn of the counter, so that no turn is missed. */
void ticks_init(void)
{
    TIMER_BITMODE = TIMER_BITMODE_32;
    TIMER_PRESCALER = 0;
    TIMER_CC(1) = 0x40000000u;
    TIMER_CC(2) = 0xC0000000u;
    TIMER_INTENSET = TIMER_INTENSET_COMPARE(1) | TIMER_INTENSET_COMPARE(2);
    NVIC_ISER = 1u << (TICKS_EXCEPTION - EXCEPTION_INTERRUPT(0));
    TIMER_START = 1;
}

void ticks_interrupt(void)
{
    TIMER_COMPARE(1) = 0;
    TIMER_COMPARE(2) = 0;
    port_ticks();
}

uint64_t port_ticks(void)
{
    static uint64_t ticks;

    interrupts_off();
    TIMER_CAPTURE_0 = 1;
    ticks += TIMER_CC(0) - (uint32_t)ticks;
    const uint64_t now = ticks;
    interrupts_on();
    return now;
}

/* The UART needs the crystal: the core's own oscillator is not exact enough. */
static void start_crystal(void)
{
    CLOCK_HFCLKSTART = 1;
    while (CLOCK_HFCLKSTARTED == 0) {
    }
}

void port_init(void)
{
    start_crystal();
    GPIO_OUTSET = 1u << PIN_TXD;
    GPIO_PIN_CNF(PIN_TXD) = GPIO_PIN_CNF_OUTPUT;
    GPIO_PIN_CNF(PIN_RXD) = GPIO_PIN_CNF_INPUT;
    UART_PSELTXD = PIN_TXD;
    UART_PSELRXD = PIN_RXD;
    UART_BAUDRATE = UART_BAUDRATE_115200;
    UART_ENABLE = UART_ENABLE_ON;
    UART_STARTTX = 1;
    UART_STARTRX = 1;
    ticks_init();
}

uint8_t port_read(void)
{
    while (UART_RXDRDY == 0) {
    }
    UART_RXDRDY = 0;
    return (uint8_t)UART_RXD;
}

/* Returns when the last byte is sent. */
void port_write(const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; ++i) {
        UART_TXDRDY = 0;
        UART_TXD = bytes[i];
        while (UART_TXDRDY == 0) {
        }
    }
}

void port_exit(void)
{
    core_reset();
}
