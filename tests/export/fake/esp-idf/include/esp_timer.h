/* SPDX-License-Identifier: Apache-2.0 */
/* A fake of ESP-IDF's header for tests on the host: a timer whose callback the fake of `ulTaskNotifyTake` calls. */
#ifndef FAKE_ESP_TIMER_H
#define FAKE_ESP_TIMER_H

#include <stdint.h>
#include <stdio.h>

#include "esp_err.h"

typedef struct {
    void (*callback)(void *arg);
    void *arg;
    const char *name;
} esp_timer_create_args_t;
typedef const esp_timer_create_args_t *esp_timer_handle_t;

static esp_timer_handle_t fake_timer;

static inline esp_err_t esp_timer_create(const esp_timer_create_args_t *arguments, esp_timer_handle_t *timer)
{
    *timer = arguments;
    return ESP_OK;
}

static inline esp_err_t esp_timer_start_periodic(esp_timer_handle_t timer, uint64_t period)
{
    fake_timer = timer;
    printf("period %d %d\n", (int)period, (int)period);
    return ESP_OK;
}

#endif
