static @{name}_state_t state;

/*
 * One time step, whose result is printed. The state lasts, as in training: call @{name}_reset after a gap in the
 * samples.
 */
static void take(const float *sample)
{
@one_step
    print_result(y);
}
