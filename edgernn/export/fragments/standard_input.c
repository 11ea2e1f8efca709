/* SPDX-License-Identifier: Apache-2.0 */
/* Streams samples through the model: a line of comma-separated values a sample on standard input. */
#include <stdio.h>

#include "@name.h"

/*
 * Replace this: a sample of your sensor, in the units of the training data and the order of @{name}_features.
 * Returns 1, 0 at the end of the input, or -1 where it is no number.
 */
static int read_sample(float *sample)
{
    for (int i = 0; i < @{NAME}_FEATURES; ++i) {
        const int found = scanf("%f%*[,]", &sample[i]);
        if (found != 1) {
            return found == EOF && i == 0 ? 0 : -1;
        }
    }
    return 1;
}

@print_result

@take

int main(void)
{
    float sample[@{NAME}_FEATURES];
    int found;

    if (@{name}_selftest() != 0) {
        fprintf(stderr, "@name: the self-test fails\n");
        return 1;
    }
    @{name}_reset(&state);
    while ((found = read_sample(sample)) > 0) {
        take(sample);
    }
    if (found < 0) {
        fprintf(stderr, "@name: a sample is %d numbers, separated by commas\n", @{NAME}_FEATURES);
        return 1;
    }
    return 0;
}
