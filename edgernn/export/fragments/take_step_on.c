static @{name}_state_t state;

/*
 * One time step, whose result is printed. The state lasts, as in training: call @{name}_reset after a gap in the
 * samples.
 */
static void take(const float *sample)
{
    @{name}_x_t x[@{NAME}_FEATURES];
    int16_t y[@{NAME}_OUTPUTS];

    @{name}_quantize_input(sample, x);
    @{name}_step(&state, x, y);
    print_result(y);
}
