/* SPDX-License-Identifier: Apache-2.0 */
/* A fake of FreeRTOS' header for tests on the host: one task, which ends with its program after FAKE_STEPS. */
#ifndef FAKE_FREERTOS_TASK_H
#define FAKE_FREERTOS_TASK_H

#include <stdint.h>
#include <stdlib.h>

#include "esp_timer.h"

typedef uint32_t *TaskHandle_t;

static uint32_t fake_notifications;

static inline TaskHandle_t xTaskGetCurrentTaskHandle(void)
{
    return &fake_notifications;
}

static inline void xTaskNotifyGive(TaskHandle_t task)
{
    ++*task;
}

static inline uint32_t ulTaskNotifyTake(int clear, uint32_t ticks)
{
    (void)clear;
    (void)ticks;
    if (fake_notifications == FAKE_STEPS) {
        exit(0);
    }
    fake_timer->callback(fake_timer->arg);
    return 1;
}

#endif
