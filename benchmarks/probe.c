/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs models on a board: for each the bytes of stack and the ticks of STEPS steps, two numbers a line in hexadecimal.
 * MODELS of the compiler's flags is a list of M(name), each declared in `models.h`.
 */
#include "models.h"
#include "port.h"

#define STEPS 64u
#define SAMPLES 8u
#define PAINT 0xC5C5C5C5u
/* The frame of a function that paints the stack below itself ends at most this far below its local variable. */
#define OWN_FRAME_BYTES 32u

typedef void probe_t(void);

static uint32_t random_bits = 1u;

static int32_t within(int32_t limit)
{
    random_bits = random_bits * 1664525u + 1013904223u;
    return (int32_t)((random_bits >> 8) % (uint32_t)(2 * limit + 1)) - limit;
}

static void write_number(uint32_t number, char end)
{
    uint8_t text[9];
    for (int i = 0; i < 8; ++i, number <<= 4) {
        text[i] = (uint8_t)"0123456789abcdef"[number >> 28];
    }
    text[8] = (uint8_t)end;
    port_write(text, sizeof text);
}

static __attribute__((noinline)) void paint(void)
{
    const volatile uint32_t here = PAINT;
    for (volatile uint32_t *word = port.stack_start; (uintptr_t)word < (uintptr_t)&here - OWN_FRAME_BYTES; ++word) {
        *word = here;
    }
}

/* Bytes that were used below the address `top`. */
static uint32_t used_below(uintptr_t top)
{
    const volatile uint32_t *word = port.stack_start;
    while (*word == PAINT) {
        ++word;
    }
    return (uint32_t)(top - (uintptr_t)word);
}

/* The stack pointer of the caller of a step, in the caller's frame. */
#if defined(__riscv)
#define STACK_POINTER(value) __asm__ volatile("mv %0, sp" : "=r"(value))
#else
#define STACK_POINTER(value) __asm__ volatile("mov %0, sp" : "=r"(value))
#endif

#define M(name)                                                                       \
    static __attribute__((noinline)) void probe_##name(void)                          \
    {                                                                                 \
        static name##_state_t state;                                                  \
        static name##_x_t samples[SAMPLES][name##_FEATURES];                          \
        static int16_t y[name##_OUTPUTS];                                             \
        uintptr_t top;                                                                \
        for (uint32_t i = 0; i < SAMPLES; ++i) {                                      \
            for (uint32_t k = 0; k < name##_FEATURES; ++k) {                          \
                samples[i][k] = (name##_x_t)within(name##_X_LIMIT);                   \
            }                                                                         \
        }                                                                             \
        name##_reset(&state);                                                         \
        paint();                                                                      \
        STACK_POINTER(top);                                                           \
        const uint64_t begun = port_ticks();                                          \
        for (uint32_t i = 0; i < STEPS; ++i) {                                        \
            name##_step(&state, samples[i % SAMPLES], y);                             \
        }                                                                             \
        const uint64_t ticks = port_ticks() - begun;                                  \
        write_number(used_below(top), ' ');                                           \
        write_number((uint32_t)ticks, '\n');                                          \
    }
MODELS
#undef M

int main(void)
{
    port_init();
#define M(name) probe_##name();
    MODELS
#undef M
    port_exit();
    return 0;
}
