static @{name}_state_t state;
static int steps;

/* One time step, whose result is printed. Every window begins anew, as in training. */
static void take(const float *sample)
{
    @{name}_x_t x[@{NAME}_FEATURES];
    int16_t y[@{NAME}_OUTPUTS];

    @{name}_quantize_input(sample, x);
    @{name}_step(&state, x, y);
    print_result(y);
    if (++steps == @{NAME}_WINDOW) {
        @{name}_reset(&state);
        steps = 0;
    }
}
