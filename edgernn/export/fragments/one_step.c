    @{name}_x_t x[@{NAME}_FEATURES];
    int16_t y[@{NAME}_OUTPUTS];

    @{name}_quantize_input(sample, x);
    @{name}_step(&state, x, y);
