static void print_result(const int16_t *y)
{
    float values[@{NAME}_OUTPUTS];

    @{name}_dequantize_output(y, values);
    for (int i = 0; i < @{NAME}_OUTPUTS; ++i) {
        printf("%s %g\n", @{name}_outputs[i], (double)values[i]);
    }
}
