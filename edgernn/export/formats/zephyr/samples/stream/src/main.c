/* SPDX-License-Identifier: Apache-2.0 */
/* Streams a sensor through the model and prints its results. */
#include <stdio.h>

#include <zephyr/kernel.h>

#include "@name.h"

@period

@read_sample

@print_result

@take

K_TIMER_DEFINE(timer, NULL, NULL);

int main(void)
{
    float sample[@{NAME}_CHANNELS];

    if (@{name}_selftest() != 0) {
        printf("@name: the self-test fails\n");
        return 1;
    }
    @{name}_reset(&state);
    k_timer_start(&timer, K_USEC(PERIOD_US), K_USEC(PERIOD_US));
    for (;;) {
        k_timer_status_sync(&timer);
        read_sample(sample);
        take(sample);
    }
}
