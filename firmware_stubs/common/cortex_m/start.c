/* SPDX-License-Identifier: Apache-2.0 */
#include "cortex_m/core.h"
#include "memory.h"

#define VTOR REGISTER(0xE000ED08u)
#define CPACR REGISTER(0xE000ED88u)
#define CPACR_FULL_CP10_CP11 (0xFu << 20)
#define AIRCR REGISTER(0xE000ED0Cu)
#define AIRCR_SYSRESETREQ 0x05FA0004u

typedef void exception_t(void);

void reset(void);

void core_reset(void)
{
    __asm__ volatile("dsb" ::: "memory");
    AIRCR = AIRCR_SYSRESETREQ;
    for (;;) {
    }
}

/* The table the core starts from. What is not here can not happen, or is escalated to a hard fault. */
static const struct {
    uint32_t *stack_end;
    exception_t *exceptions[TICKS_EXCEPTION];
} vectors __attribute__((section(".start"), used)) = {
    stack_end,
    {
        [0] = reset,
        [EXCEPTION_HARD_FAULT - 1] = core_reset,
        [TICKS_EXCEPTION - 1] = ticks_interrupt,
    },
};

void reset(void)
{
#ifndef __ARM_ARCH_6M__
    /* A bootloader may have left its own table there. */
    VTOR = (uint32_t)(uintptr_t)&vectors;
#endif
#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
    /* Floating point and MVE share these coprocessors; the compiler uses them from the next call on. */
    CPACR |= CPACR_FULL_CP10_CP11;
    __asm__ volatile("dsb\n\tisb" ::: "memory");
#endif
    memory_start();
}
