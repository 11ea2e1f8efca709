/* SPDX-License-Identifier: Apache-2.0 */
/* Runs as many steps of a model as its argument says: two runs' instructions tell what a step takes. */
#include <stdlib.h>

#include "model.h"

int main(int argc, char **argv)
{
    static model_state_t state;
    static model_x_t x[MODEL_FEATURES];
    static int16_t y[MODEL_OUTPUTS];

    for (int i = 0; i < MODEL_FEATURES; ++i) {
        x[i] = (model_x_t)(37 * i % 255 - 127);
    }
    model_reset(&state);
    for (int left = argc > 1 ? atoi(argv[1]) : 0; left > 0; --left) {
        model_step(&state, x, y);
    }
    return 0;
}
