/* SPDX-License-Identifier: Apache-2.0 */
/* Streams samples through the model: a line of comma-separated values a sample on standard input. */
#include <stdio.h>

#include "@name.h"

/* Replace this: a sample of your sensor, in the units of the training data and the order of @{name}_features; or 0. */
static int read_sample(float *sample)
{
    for (int i = 0; i < @{NAME}_FEATURES; ++i) {
        if (scanf("%f%*[,]", &sample[i]) != 1) {
            return 0;
        }
    }
    return 1;
}

@print_result

@take

int main(void)
{
    float sample[@{NAME}_FEATURES];

    if (@{name}_selftest() != 0) {
        fprintf(stderr, "@name: the self-test fails\n");
        return 1;
    }
    @{name}_reset(&state);
    while (read_sample(sample)) {
        take(sample);
    }
    return 0;
}
