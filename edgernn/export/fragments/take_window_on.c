static @{name}_state_t state;
static int steps;

/*
 * One time step. The result of every window is printed. The state lasts, as in training: call @{name}_reset after a gap
 * in the samples.
 */
static void take(const float *sample)
{
@one_step
    if (++steps == @{NAME}_WINDOW) {
        print_result(y);
        steps = 0;
    }
}
