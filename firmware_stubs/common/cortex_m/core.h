/* SPDX-License-Identifier: Apache-2.0 */
/* What the ports of Cortex-M boards share. A board.mk gives CORE_HZ, the clock of the core. */
#ifndef CORE_H
#define CORE_H

#define EXCEPTION_HARD_FAULT 3
#define EXCEPTION_SYSTICK 15
#define EXCEPTION_INTERRUPT(number) (16 + (number))

/* The exception that extends the counter behind port_ticks, and its handler. */
#ifndef TICKS_EXCEPTION
#define TICKS_EXCEPTION EXCEPTION_SYSTICK
#endif
void ticks_interrupt(void);

/* Starts that counter: systick.c, or a port of its own. */
void ticks_init(void);

/* Restarts the board; an emulator that may not reboot ends. */
void core_reset(void) __attribute__((noreturn));

static inline void interrupts_off(void)
{
    __asm__ volatile("cpsid i" ::: "memory");
}

static inline void interrupts_on(void)
{
    __asm__ volatile("cpsie i" ::: "memory");
}

#endif
