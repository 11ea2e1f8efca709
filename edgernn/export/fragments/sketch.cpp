/* SPDX-License-Identifier: Apache-2.0 */
/* Streams a sensor through the model and prints its results. */
#include <Arduino.h>

#include <@name.h>

@period

@read_sample

static void print_result(const int16_t *y)
{
@print_arduino
}

@take

static uint32_t last;

void setup()
{
    Serial.begin(115200);
    if (@{name}_selftest() != 0) {
        Serial.println("@name: the self-test fails");
        for (;;) {
        }
    }
    @{name}_reset(&state);
    last = (uint32_t)micros();
}

void loop()
{
    float sample[@{NAME}_CHANNELS];

    if ((uint32_t)micros() - last < PERIOD_US) {
        return;
    }
    last += PERIOD_US;
    read_sample(sample);
    take(sample);
}
