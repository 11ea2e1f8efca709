static @{name}_state_t state;
static float window[@{NAME}_WINDOW][@{NAME}_CHANNELS];
static int steps;

/* One sample. The result of every window, which is read from both ends once it is whole, is printed. */
static void take(const float *sample)
{
    float both[@{NAME}_FEATURES];
    @{name}_x_t x[@{NAME}_FEATURES];
    int16_t y[@{NAME}_OUTPUTS];

    for (int i = 0; i < @{NAME}_CHANNELS; ++i) {
        window[steps][i] = sample[i];
    }
    if (++steps < @{NAME}_WINDOW) {
        return;
    }
    @{name}_reset(&state);
    while (steps-- > 0) {
        for (int i = 0; i < @{NAME}_CHANNELS; ++i) {
            both[i] = window[@{NAME}_WINDOW - 1 - steps][i];
            both[@{NAME}_CHANNELS + i] = window[steps][i];
        }
        @{name}_quantize_input(both, x);
        @{name}_step(&state, x, y);
    }
    steps = 0;
    print_result(y);
}
