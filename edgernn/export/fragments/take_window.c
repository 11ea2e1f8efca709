static @{name}_state_t state;
static int steps;

/* One time step. The result of every window is printed; the next one begins anew, as in training. */
static void take(const float *sample)
{
    @{name}_x_t x[@{NAME}_FEATURES];
    int16_t y[@{NAME}_OUTPUTS];

    @{name}_quantize_input(sample, x);
    @{name}_step(&state, x, y);
    if (++steps == @{NAME}_WINDOW) {
        print_result(y);
        @{name}_reset(&state);
        steps = 0;
    }
}
