static @{name}_state_t state;
static int steps;

/* One time step, whose result is printed. Every window begins anew, as in training. */
static void take(const float *sample)
{
@one_step
    print_result(y);
    if (++steps == @{NAME}_WINDOW) {
        @{name}_reset(&state);
        steps = 0;
    }
}
