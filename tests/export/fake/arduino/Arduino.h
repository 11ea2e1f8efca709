/* SPDX-License-Identifier: Apache-2.0 */
/* A fake of Arduino's header for tests on the host: a port that prints, and a clock that moves on by each look. */
#ifndef FAKE_ARDUINO_H
#define FAKE_ARDUINO_H

#include <stdint.h>
#include <stdio.h>

void setup();
void loop();

static unsigned long fake_clock;

static inline unsigned long micros()
{
    return fake_clock += 1000;
}

struct FakeSerial {
    void begin(unsigned long) {}
    void print(const char *text) { printf("%s", text); }
    void print(char text) { printf("%c", text); }
    void println(const char *text) { printf("%s\n", text); }
    void println(float value, int digits) { printf("%.*f\n", digits, (double)value); }
};
static FakeSerial Serial;

int main()
{
    setup();
    while (fake_clock <= FAKE_MICROSECONDS) {
        loop();
    }
    return 0;
}

#endif
