/* SPDX-License-Identifier: Apache-2.0 */
/* Streams a sensor through the model and prints its results. */
#include <stdio.h>

#include "esp_err.h"
#include "esp_timer.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "@name.h"

@period

@read_sample

@print_result

@take

static void on_timer(void *task)
{
    xTaskNotifyGive((TaskHandle_t)task);
}

void app_main(void)
{
    const esp_timer_create_args_t arguments = {
        .callback = on_timer,
        .arg = xTaskGetCurrentTaskHandle(),
        .name = "@name",
    };
    esp_timer_handle_t timer;
    float sample[@{NAME}_CHANNELS];

    if (@{name}_selftest() != 0) {
        printf("@name: the self-test fails\n");
        return;
    }
    @{name}_reset(&state);
    ESP_ERROR_CHECK(esp_timer_create(&arguments, &timer));
    ESP_ERROR_CHECK(esp_timer_start_periodic(timer, PERIOD_US));
    for (;;) {
        ulTaskNotifyTake(pdFALSE, portMAX_DELAY);
        read_sample(sample);
        take(sample);
    }
}
