static @{name}_state_t state;
static int steps;

/* One time step. The result of every window is printed; the next one begins anew, as in training. */
static void take(const float *sample)
{
@one_step
    if (++steps == @{NAME}_WINDOW) {
        print_result(y);
        @{name}_reset(&state);
        steps = 0;
    }
}
