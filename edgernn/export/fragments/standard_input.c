/* SPDX-License-Identifier: Apache-2.0 */
/* Streams samples through the model: a line of comma-separated values a sample on standard input. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "@name.h"

#define SAMPLES_OF_A_RESULT @samples_of_a_result
#define LINE_BYTES (64 + 32 * @{NAME}_CHANNELS)

static long samples;

/* Whether a line is exactly one sample. */
static int parse(const char *text, float *sample)
{
    for (int i = 0; i < @{NAME}_CHANNELS; ++i) {
        char *end;
        sample[i] = strtof(text, &end);
        if (end == text) {
            return 0;
        }
        end += strspn(end, " \t\r\n");
        if (*end != (i + 1 < @{NAME}_CHANNELS ? ',' : '\0')) {
            return 0;
        }
        text = end + 1;
    }
    return 1;
}

/*
 * Replace this: a sample of your sensor, in the units of the training data and the order of @{name}_features.
 * Returns 1, 0 at the end of the input, or -1 for a line that is no sample; the first one may be the features' names.
 */
static int read_sample(float *sample)
{
    const char *const first_name = @{name}_features[0];
    char line[LINE_BYTES];
    for (int lines = 0; fgets(line, sizeof line, stdin) != NULL; ++lines) {
        if (parse(line, sample)) {
            ++samples;
            return 1;
        }
        if (samples > 0 || lines > 0 || strncmp(line, first_name, strlen(first_name)) != 0) {
            return -1;
        }
    }
    return 0;
}

@print_result

@take

int main(void)
{
    float sample[@{NAME}_CHANNELS];
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
        fprintf(stderr, "@name: a sample is a line of %d numbers, separated by commas\n", @{NAME}_CHANNELS);
        return 1;
    }
    if (samples < SAMPLES_OF_A_RESULT) {
        fprintf(stderr, "@name: a result takes %d samples, not %ld\n", SAMPLES_OF_A_RESULT, samples);
        return 1;
    }
    return 0;
}
