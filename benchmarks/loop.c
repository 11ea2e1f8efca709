/* SPDX-License-Identifier: Apache-2.0 */
/* Streams samples through a model of the artifact's C; the state goes on from call to call. */
#include "model.h"

void loop(const model_x_t *x, int steps, int16_t *y)
{
    static model_state_t state;

    for (; steps > 0; --steps, x += MODEL_FEATURES, y += MODEL_OUTPUTS) {
        model_step(&state, x, y);
    }
}
