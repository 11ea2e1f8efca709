/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ticks are cycles of the core. SysTick has them in 24 bits, which its interrupt extends. Where the core has the cycle
 * counter of its trace unit, the ticks are that counter's, extended from 32 bits by what SysTick has counted meanwhile.
 */
#include <stdbool.h>

#include "cortex_m/core.h"
#include "memory.h"
#include "port.h"

#define SYST_CSR REGISTER(0xE000E010u)
#define SYST_RVR REGISTER(0xE000E014u)
#define SYST_CVR REGISTER(0xE000E018u)
#define SYST_CSR_CORE_CLOCK_INTERRUPT_ENABLE 7u
#define SYST_BITS 24
#define SYST_MASK 0xFFFFFFu

#define ICSR REGISTER(0xE000ED04u)
#define ICSR_PENDSTSET (1u << 26)

#define DEMCR REGISTER(0xE000EDFCu)
#define DEMCR_TRCENA (1u << 24)
#define DWT_CTRL REGISTER(0xE0001000u)
#define DWT_CTRL_CYCCNTENA 1u
#define DWT_CYCCNT REGISTER(0xE0001004u)
#define DWT_LAR REGISTER(0xE0001FB0u)
#define DWT_LAR_UNLOCK 0xC5ACCE55u

const port_t port = {PORT_TICKS_OF_THE_CORE, CORE_HZ, stack_start, stack_end};

static volatile uint32_t wraps;
static bool has_cycle_counter;

void ticks_interrupt(void)
{
    ++wraps;
}

#ifdef __ARM_ARCH_6M__
static bool start_cycle_counter(void)
{
    return false; /* These cores have no such counter, and DEMCR is the debugger's alone. */
}
#else
static bool start_cycle_counter(void)
{
    DEMCR |= DEMCR_TRCENA;
    DWT_LAR = DWT_LAR_UNLOCK; /* Cortex-M7 */
    DWT_CYCCNT = 0;
    DWT_CTRL |= DWT_CTRL_CYCCNTENA;
    const uint32_t before = DWT_CYCCNT;
    return DWT_CYCCNT != before;
}
#endif

void ticks_init(void)
{
    SYST_RVR = SYST_MASK;
    SYST_CVR = 0;
    SYST_CSR = SYST_CSR_CORE_CLOCK_INTERRUPT_ENABLE;
    has_cycle_counter = start_cycle_counter();
}

/* SysTick counts down and its interrupt comes with the 0, so that a wrap begins with the 0: 0, 2**24 - 1, ..., 1. */
static uint64_t systick(void)
{
    interrupts_off();
    uint32_t count = SYST_CVR, whole = wraps;
    if ((ICSR & ICSR_PENDSTSET) != 0) {
        count = SYST_CVR;
        ++whole;
    }
    interrupts_on();
    return ((uint64_t)whole << SYST_BITS) + ((0u - count) & SYST_MASK);
}

uint64_t port_ticks(void)
{
    const uint64_t cycles = systick();
    if (!has_cycle_counter) {
        return cycles;
    }
    return cycles + (uint64_t)(int32_t)(DWT_CYCCNT - (uint32_t)cycles);
}
