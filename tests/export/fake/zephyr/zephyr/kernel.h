/* SPDX-License-Identifier: Apache-2.0 */
/* A fake of Zephyr's header for tests on the host: a timer that ends the program after FAKE_STEPS. */
#ifndef FAKE_ZEPHYR_KERNEL_H
#define FAKE_ZEPHYR_KERNEL_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct k_timer {
    uint32_t steps;
};
typedef struct {
    int64_t microseconds;
} k_timeout_t;

#define K_USEC(t) ((k_timeout_t){t})
#define K_TIMER_DEFINE(name, expired, stopped) struct k_timer name

static inline void k_timer_start(struct k_timer *timer, k_timeout_t duration, k_timeout_t period)
{
    timer->steps = 0;
    printf("period %d %d\n", (int)duration.microseconds, (int)period.microseconds);
}

static inline uint32_t k_timer_status_sync(struct k_timer *timer)
{
    if (timer->steps++ == FAKE_STEPS) {
        exit(0);
    }
    return 1;
}

#endif
