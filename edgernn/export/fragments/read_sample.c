/* Replace this: a sample of your sensor, in the units of the training data and the order of @{name}_features. */
static void read_sample(float *sample)
{
    for (int i = 0; i < @{NAME}_CHANNELS; ++i) {
        sample[i] = 0.0f;
    }
}
